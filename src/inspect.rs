//! What rules see in a file: its tree, and the subjects of the views of its kind.

use serde_json::{Map, Value as Json, json};

use crate::{
    artifact::{self, Artifact, Kind, Select},
    document::{Kind as Holds, Node},
    source::Source,
    value::Value,
};

/// How many nodes are written out before the rest becomes `…`: aliases make a small file any size.
const BUDGET: usize = 200_000;

/// What rules see in the file, as JSON: its kind, its documents, its views, its problems, and for
/// Makefiles and coverage reports what is read out of them.
pub fn json(source: Source) -> Json {
    let parsed = artifact::parse(source);
    let problems: Vec<_> = parsed
        .problems
        .iter()
        .map(|it| json!({"line": it.start.line, "column": it.start.column, "reason": it.reason}))
        .collect();
    let Some(artifact) = parsed.artifact else {
        return json!({"kind": null, "problems": problems});
    };
    let mut out = Map::new();
    out.insert("kind".into(), artifact.kind.name().into());
    out.insert("problems".into(), problems.into());
    let mut budget = BUDGET;
    match artifact.kind {
        Kind::Makefile => {
            out.insert("makefile".into(), artifact::makefile::inspect(&artifact));
        }
        Kind::Coverage => {
            out.insert("coverage".into(), artifact::coverage::inspect(&artifact));
            return out.into();
        }
        _ => {}
    }
    let documents = artifact.tree.documents().map(|it| node(it, &mut budget)).collect();
    out.insert("documents".into(), Json::Array(documents));
    out.insert("views".into(), views(&artifact, &mut budget));
    out.into()
}

fn views(artifact: &Artifact, budget: &mut usize) -> Json {
    let mut out = Map::new();
    for view in artifact::views().filter(|it| it.kind == artifact.kind) {
        let Select::File(select) = view.select else { continue };
        let mut subjects = Vec::new();
        select(artifact, &mut |subject| {
            let mut fields = Map::new();
            fields.insert("line".into(), subject.at.start().line.into());
            for (field, it) in view.vars.iter().zip(&subject.values) {
                fields.insert(field.name.into(), value(it, budget));
            }
            subjects.push(Json::Object(fields));
        });
        out.insert(view.name.into(), subjects.into());
    }
    out.into()
}

fn value(it: &Value<'_>, budget: &mut usize) -> Json {
    match it {
        Value::Null => Json::Null,
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::Float(it) => (*it).into(),
        Value::Str(it) => (*it).into(),
        Value::Text(it) => it.to_string().into(),
        Value::Node(it) => node(*it, budget),
        Value::List(items) => items.iter().map(|it| value(it, budget)).collect(),
        Value::Map(fields) => {
            fields.iter().map(|(key, it)| ((*key).to_owned(), value(it, budget))).collect()
        }
    }
}

fn node(it: Node<'_>, budget: &mut usize) -> Json {
    if *budget == 0 {
        return "…".into();
    }
    *budget -= 1;
    match it.kind() {
        Holds::Null | Holds::Alias => Json::Null,
        Holds::Bool => it.as_bool().into(),
        Holds::Int => it.as_int().into(),
        Holds::Float => it.as_float().into(),
        Holds::Str => it.text().into(),
        Holds::Seq => it.children().map(|child| node(child, budget)).collect(),
        Holds::Map => {
            it.entries().map(|(key, child)| (key.to_owned(), node(child, budget))).collect()
        }
    }
}
