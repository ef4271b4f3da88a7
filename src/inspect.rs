//! What rules see in a file: its tree, and the subjects of the views of its kind.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use globset::GlobSet;
use serde_json::{Map, Value as Json, json};

use crate::{
    artifact::{
        self, Artifact, Kind, Parsed, Role, Select, Subject, helm, kustomize, makefile, openapi,
        render::Files,
    },
    discover::{self, Content, Found},
    document::{Kind as Holds, Node, Problem},
    repository::Repository,
    source::Source,
    value::Value,
};

/// How many nodes are written out before the rest becomes `…`: aliases make a small file any size.
const BUDGET: usize = 200_000;

/// What rules see in the file, as JSON: its kind, its documents, its views, its problems, and for
/// Makefiles and coverage reports what is read out of them.
///
/// `path` is where it lies on disk: a Makefile is read with what it includes, an OpenAPI document
/// with what it refers to beside and below it, and a file of a Helm chart is shown as what the chart
/// renders.
pub fn json(mut parsed: Parsed, path: &Path) -> Json {
    if let Some(rendered) = chart(path) {
        return rendered;
    }
    if kustomize::is_kustomization(&path.to_string_lossy().replace('\\', "/")) {
        return kustomization(path);
    }
    if let Some(artifact) = parsed.artifact.as_mut().filter(|it| it.kind == Kind::Makefile) {
        parsed.problems.extend(link_makefile(artifact, path));
    }
    if let Some(artifact) = parsed.artifact.as_mut()
        && artifact.kind == Kind::Openapi
        && artifact.role == Role::Part
    {
        parsed.problems.extend(with_references(artifact, path));
    }
    let problems = problems(&parsed.problems);
    let Some(artifact) = parsed.artifact else {
        return json!({"kind": null, "problems": problems});
    };
    let mut out = Map::new();
    out.insert("kind".into(), artifact.kind.name().into());
    out.insert("problems".into(), problems);
    let mut budget = BUDGET;
    match artifact.kind {
        Kind::Makefile => {
            out.insert("makefile".into(), makefile::inspect(&artifact));
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

fn problems(all: &[Problem]) -> Json {
    let one = |it: &Problem| json!({"line": it.start.line, "column": it.start.column, "reason": it.reason});
    all.iter().map(one).collect()
}

/// What a kustomization builds, as YAML. Its repository is what lies around it: see
/// [`link_makefile`].
fn kustomization(path: &Path) -> Json {
    let Ok(path) = path.canonicalize() else { return Json::Null };
    let here = std::env::current_dir().and_then(|it| it.canonicalize()).ok();
    let root = path.ancestors().skip(1).find(|it| it.join(".git").exists());
    let root = root.or(here.as_deref().filter(|it| path.starts_with(it))).or(path.parent());
    let Some((root, below)) = root.and_then(|it| Some((it, path.strip_prefix(it).ok()?))) else {
        return Json::Null;
    };
    let found = discover::discover(root, &GlobSet::empty()).unwrap_or_default();
    let paths: Vec<String> = found.into_iter().map(|it| it.path).collect();
    let on_disk = OnDisk { root, list: paths.clone() };
    let read = |path: &str| {
        let text = makefile::Files::text(&on_disk, path)?;
        Some(Source::new(path, text))
    };
    let bytes = |path: &str| discover::read_plain(root, path);
    let below = below.to_string_lossy().replace('\\', "/");
    let files = Files { paths: &paths, read: &read, bytes: Some(&bytes) };
    let (built, found) = kustomize::print(&files, &below);
    let built = built.map(|it| it.text);
    json!({"kind": "kustomization", "built": built, "problems": problems(&found)})
}

/// Reads an OpenAPI document with the files beside and below it that it refers to.
fn with_references(artifact: &mut Artifact, path: &Path) -> Vec<Problem> {
    let place = path.canonicalize().ok();
    let Some((root, name)) =
        place.as_deref().and_then(|it| Some((it.parent()?, path.file_name()?)))
    else {
        return openapi::alone(artifact);
    };
    let name = name.to_string_lossy().into_owned();
    artifact.tree.source = Source::new(&*name, artifact.tree.source.text.as_str()).into();
    let read = |path: &str| discover::read_plain(root, path).map(|it| Source::from_bytes(path, it));
    let mut paths = openapi::referred(&artifact.tree, &read);
    paths.push(name);
    paths.sort();
    let files = Files { paths: &paths, read: &read, bytes: None };
    let mut rendering = openapi::render(&files, std::slice::from_ref(artifact));
    let is_whole = |it: &Artifact| it.role != Role::Part;
    let Some(at) = rendering.artifacts.iter().position(is_whole) else {
        return openapi::alone(artifact);
    };
    *artifact = rendering.artifacts.swap_remove(at);
    rendering.problems
}

/// Reads a Makefile with the files that it includes: those below its repository, or the current
/// folder, or, where it lies in neither, the folders around it that its includes lead to.
fn link_makefile(artifact: &mut Artifact, path: &Path) -> Vec<Problem> {
    let Ok(path) = path.canonicalize() else { return Vec::new() };
    let repository = path.ancestors().skip(1).find(|it| it.join(".git").exists());
    let here = std::env::current_dir().and_then(|it| it.canonicalize()).ok();
    let here = here.filter(|it| path.starts_with(it) && it.parent().is_some());
    let (parent, is_guess) = match (repository, &here) {
        (Some(root), _) => (root, false),
        (None, Some(root)) => (root.as_path(), false),
        (None, None) => (path.parent().unwrap_or(&path), true),
    };
    let roots = parent.ancestors().take(if is_guess { 4 } else { 1 });
    let mut problems = Vec::new();
    for root in roots.filter(|it| it.parent().is_some()) {
        let Ok(below) = path.strip_prefix(root) else { break };
        let below = below.to_string_lossy().replace('\\', "/");
        artifact.tree.source = Source::new(below, artifact.tree.source.text.as_str()).into();
        artifact.derived.clear();
        let found = discover::discover(root, &GlobSet::empty()).unwrap_or_default();
        let mut list: Vec<String> = found.into_iter().map(|it| it.path).collect();
        if let Err(at) = list.binary_search(&artifact.tree.source.path) {
            list.insert(at, artifact.tree.source.path.clone());
        }
        problems = makefile::link_one(artifact, &OnDisk { root, list });
        if !makefile::reaches_outside(artifact) {
            break;
        }
    }
    problems
}

/// The files below a folder, read when they are asked for.
struct OnDisk<'a> {
    root: &'a Path,
    list: Vec<String>,
}

impl makefile::Files for OnDisk<'_> {
    fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        self.list.binary_search_by(|it| it.as_str().cmp(path)).ok()?;
        let found = Found { path: path.to_owned(), content: Content::Disk(self.root.join(path)) };
        Some(Cow::Owned(Source::from_bytes(path, found.read().ok()?).text))
    }

    fn list(&self) -> Option<&[String]> {
        Some(&self.list)
    }
}

/// What the chart renders to which the file belongs: all of it, or what comes from the template.
fn chart(path: &Path) -> Option<Json> {
    let path = path.canonicalize().ok()?;
    let folder = path.ancestors().skip(1).filter(|it| it.join("Chart.yaml").exists()).last()?;
    let is_root = |it: &&Path| it.join(".git").exists();
    let root = path.ancestors().skip(1).find(is_root).unwrap_or(folder);
    let below = |it: &Path| Some(it.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/"));
    let found = discover::discover(root, &GlobSet::empty()).ok()?;
    let list: Vec<String> = found.into_iter().map(|it| it.path).collect();
    let read = |path: &str| {
        let found = Found { path: path.to_owned(), content: Content::Disk(root.join(path)) };
        found.read().ok()
    };
    let text = |path: &str| Some(Source::from_bytes(path, read(path)?));
    let files = Files { paths: &list, read: &text, bytes: Some(&read) };
    let own = below(&path)?;
    let folder = helm::chart_of(&own, &files)?;
    let rendering = helm::one(folder, &files);
    let is_template = own[folder.len()..].contains("templates/");
    let mut budget = BUDGET;
    let documents = |artifact: &Artifact, budget: &mut usize| -> Json {
        let from = |it: &Node<'_>| !is_template || it.place().0.path == own;
        artifact.tree.documents().filter(from).map(|it| node(it, budget)).collect()
    };
    let mut out = Map::new();
    out.insert("kind".into(), Kind::Kubernetes.name().into());
    out.insert("chart".into(), format!("{folder}Chart.yaml").into());
    let problems = rendering.problems.iter().filter(|it| !is_template || it.path == own);
    let problem = |it: &Problem| {
        json!({"path": it.path, "line": it.start.line, "column": it.start.column,
            "reason": it.reason})
    };
    out.insert("problems".into(), problems.map(problem).collect());
    if let Some((first, others)) = rendering.artifacts.split_first() {
        out.insert("documents".into(), documents(first, &mut budget));
        out.insert("views".into(), views(first, &mut budget));
        let other = |it: &Artifact| (it.tree.source.path.clone(), documents(it, &mut budget));
        out.insert("others".into(), Json::Object(others.iter().map(other).collect()));
    }
    Some(out.into())
}

fn views(artifact: &Artifact, budget: &mut usize) -> Json {
    let mut out = Map::new();
    let (files, texts) = ([artifact.tree.source.path.clone()], BTreeMap::new());
    let alone = Repository::new(std::slice::from_ref(artifact), &files, &texts, &[], &[]);
    for view in artifact::views().filter(|it| it.kind == artifact.kind) {
        let mut subjects = Vec::new();
        let mut emit = |subject: Subject<'_>| {
            let mut fields = Map::new();
            fields.insert("line".into(), subject.at.start().line.into());
            for (field, it) in view.vars.iter().zip(&subject.values) {
                fields.insert(field.name.into(), value(it, budget));
            }
            subjects.push(Json::Object(fields));
        };
        match view.select {
            Select::File(select) => select(artifact, &mut emit),
            Select::Repository(select) => select(&alone, &mut emit),
        }
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
