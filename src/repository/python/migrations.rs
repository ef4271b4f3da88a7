//! Migrations of Alembic as graphs: one for each environment, all folders below it together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Python;
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    repository::{Repository, record},
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "folder", shape: Shape::Text, means: "the folder of the migrations" },
    Field { name: "count", shape: Shape::Number, means: "how many there are" },
    Field { name: "heads", shape: Shape::List(&Shape::Text), means: "those that none follows" },
    Field { name: "head", shape: Shape::Any, means: "the last of the heads by path" },
    Field { name: "known", shape: Shape::Bool, means: "whether every parent is written as text" },
];

const STEP: &[Field] = &[
    Field { name: "revision", shape: Shape::Text, means: "its id" },
    Field { name: "down", shape: Shape::List(&Shape::Text), means: "the ids that it follows" },
    Field { name: "missing", shape: Shape::List(&Shape::Text), means: "those that are not there" },
    Field { name: "upgrades", shape: Shape::Bool, means: "whether `upgrade` does anything" },
    Field { name: "downgrades", shape: Shape::Bool, means: "whether `downgrade` does anything" },
    Field { name: "refuses", shape: Shape::Bool, means: "whether `downgrade` raises" },
    Field { name: "operations", shape: Shape::List(&Shape::Text), means: "what `upgrade` does" },
    Field {
        name: "locked",
        shape: Shape::List(&Shape::Text),
        means: "tables, older than the step, that nobody can write to while it builds an index",
    },
    Field { name: "head", shape: Shape::Bool, means: "whether it is the only head" },
    Field { name: "step", shape: Shape::Any, means: "the migration as it is written" },
];

/// The views over migrations.
pub(in crate::repository) const VIEWS: &[View] = &[
    View {
        name: "python.migrations",
        kind: Kind::Python,
        means: "the Alembic migrations of one database",
        vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the migrations" }],
        select: Select::Repository(graphs),
    },
    View {
        name: "python.migration",
        kind: Kind::Python,
        means: "one Alembic migration",
        vars: &[Field { name: "it", shape: Shape::Record(STEP), means: "the migration" }],
        select: Select::Repository(steps),
    },
];

/// The migrations of one environment.
struct Graph<'a> {
    folder: &'a str,
    steps: Vec<Node<'a>>,
    revisions: BTreeSet<&'a str>,
    heads: Vec<Node<'a>>,
    known: bool,
}

fn down<'a>(step: Node<'a>) -> impl Iterator<Item = &'a str> {
    step.get("down").into_iter().flat_map(Node::children).map(Node::text)
}

/// The folder of an environment: the one that holds `env.py`, or else the one above `versions`.
fn environment<'a>(path: &'a str, environments: &BTreeSet<&str>) -> &'a str {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        if environments.contains(above) {
            return above;
        }
        folder = above;
    }
    let versions = path.rfind("/versions/").map(|at| &path[..at]);
    versions.unwrap_or_else(|| path.rsplit_once('/').map_or("", |it| it.0))
}

fn find<'a>(repository: &'a Repository<'a>) -> Vec<Graph<'a>> {
    let python: &Python<'a> = &repository.python;
    let environments: BTreeSet<&str> =
        repository.files.iter().filter_map(|it| it.strip_suffix("/env.py")).collect();
    let mut folders: BTreeMap<&str, Vec<Node<'a>>> = BTreeMap::new();
    for module in &python.modules {
        for step in module.of("migration") {
            folders.entry(environment(module.path, &environments)).or_default().push(step);
        }
    }
    let apart = folders.into_iter().flat_map(|(folder, steps)| {
        split(steps).into_iter().map(move |steps| graph(folder, steps))
    });
    apart.collect()
}

/// The migrations of one environment, apart where each folder below it begins by itself and
/// follows nothing of another: one history for each kind of database.
fn split(steps: Vec<Node<'_>>) -> Vec<Vec<Node<'_>>> {
    let mut folders: BTreeMap<&str, Vec<Node<'_>>> = BTreeMap::new();
    for &step in &steps {
        folders.entry(step.tree().source.folder()).or_default().push(step);
    }
    let is_whole = |steps: &Vec<Node<'_>>| {
        let own: BTreeSet<&str> = steps.iter().filter_map(|it| it.str("revision")).collect();
        let begins = steps.iter().any(|it| down(*it).next().is_none());
        begins && steps.iter().flat_map(|it| down(*it)).all(|it| own.contains(it))
    };
    match folders.len() > 1 && folders.values().all(is_whole) {
        true => folders.into_values().collect(),
        false => vec![steps],
    }
}

fn graph<'a>(folder: &'a str, steps: Vec<Node<'a>>) -> Graph<'a> {
    let revisions = steps.iter().filter_map(|it| it.str("revision")).collect();
    let followed: HashMap<&str, ()> =
        steps.iter().flat_map(|it| down(*it)).map(|it| (it, ())).collect();
    let is_head = |it: &&Node<'a>| it.str("revision").is_some_and(|it| !followed.contains_key(it));
    let heads: Vec<_> = steps.iter().filter(is_head).copied().collect();
    let is_open = |it: &Node<'_>| {
        it.get("unknown").is_some() || it.get("labelled").and_then(Node::as_bool) == Some(true)
    };
    let known = !steps.iter().any(is_open);
    Graph { folder, revisions, heads, known, steps }
}

/// Whether a file of the folder could not be read: then nothing is missing for certain.
fn has_unread(repository: &Repository<'_>, graph: &Graph<'_>) -> bool {
    let prefix = format!("{}/", graph.folder);
    let read: BTreeSet<&str> = repository.python.modules.iter().map(|it| it.path).collect();
    let from = repository.files.partition_point(|it| it.as_str() < prefix.as_str());
    let below = repository.files[from..].iter().take_while(|it| it.starts_with(&prefix));
    below.filter(|it| it.ends_with(".py")).any(|it| !read.contains(it.as_str()))
}

fn graphs<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for graph in find(repository) {
        let Some(&head) = graph.heads.last().or(graph.steps.last()) else { continue };
        let known = graph.known && !has_unread(repository, &graph);
        let heads = graph.heads.iter().filter_map(|it| it.str("revision")).map(Value::Str);
        let it = record([
            ("folder", Value::Str(graph.folder)),
            ("count", Value::Int(graph.steps.len() as i64)),
            ("heads", Value::list(heads)),
            ("head", Value::Node(head)),
            ("known", Value::Bool(known)),
        ]);
        emit(Subject { values: vec![it], at: head, object: None });
    }
}

fn steps<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for graph in find(repository) {
        let known = !has_unread(repository, &graph);
        for &step in &graph.steps {
            let missing = down(step).filter(|it| {
                let is_there = |all: &BTreeSet<&str>| all.iter().any(|known| known.starts_with(it));
                known && !is_there(&graph.revisions)
            });
            let missing = Value::list(missing.map(Value::Str));
            let fields =
                ["revision", "down", "upgrades", "downgrades", "refuses", "operations", "locked"];
            let mut it: Vec<_> =
                fields.iter().map(|name| (*name, Value::maybe(step.get(name)))).collect();
            it.push(("missing", missing));
            it.push(("head", Value::Bool(graph.heads.len() == 1 && graph.heads[0] == step)));
            it.push(("step", Value::Node(step)));
            emit(Subject { values: vec![Value::map(it)], at: step, object: None });
        }
    }
}
