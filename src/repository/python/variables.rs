//! Variables of the environment that a service reads, and where the repository says so.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Module, Python};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    repository::{Repository, below, record},
    value::Value,
};

const VARIABLE: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the name of the variable" },
    Field { name: "required", shape: Shape::Bool, means: "whether the service fails without it" },
    Field {
        name: "documented",
        shape: Shape::Bool,
        means: "whether an example or a page names it",
    },
    Field { name: "example", shape: Shape::Text, means: "the example nearest to the service" },
    Field {
        name: "listed",
        shape: Shape::Number,
        means: "how many variables of the service examples and pages name",
    },
    Field { name: "count", shape: Shape::Number, means: "how many variables the service reads" },
    Field { name: "setting", shape: Shape::Any, means: "where the service reads it" },
];

const VARIABLES: &[Field] = &[
    Field { name: "count", shape: Shape::Number, means: "how many variables the service reads" },
    Field { name: "listed", shape: Shape::Number, means: "how many of them are documented" },
    Field {
        name: "missing",
        shape: Shape::List(&Shape::Text),
        means: "those that it needs and nothing documents",
    },
    Field { name: "example", shape: Shape::Any, means: "the example nearest to the service" },
];

/// The views over the variables of services.
pub(in crate::repository) const VIEWS: &[View] = &[
    View {
        name: "python.variable",
        kind: Kind::Python,
        means: "a variable of the environment that a service reads, where an example lists some",
        vars: &[Field { name: "it", shape: Shape::Record(VARIABLE), means: "the variable" }],
        select: Select::Repository(each),
    },
    View {
        name: "python.variables",
        kind: Kind::Python,
        means: "the variables of the environment that a service reads, where an example lists some",
        vars: &[Field { name: "it", shape: Shape::Record(VARIABLES), means: "the variables" }],
        select: Select::Repository(together),
    },
];

/// A variable that a service reads.
struct Variable<'a> {
    setting: Node<'a>,
    name: &'a str,
    required: bool,
    documented: bool,
}

/// The variables of one service.
struct Variables<'a> {
    all: Vec<Variable<'a>>,
    example: &'a Artifact,
}

impl<'a> Variables<'a> {
    fn listed(&self) -> usize {
        self.all.iter().filter(|it| it.documented).count()
    }
}

/// The variables of each service that an example stands beside.
fn find<'a>(repository: &'a Repository<'a>) -> Vec<Variables<'a>> {
    let python = &repository.python;
    let examples: Vec<_> = repository.of(Kind::Dotenv).filter(|it| is_example(it)).collect();
    if examples.is_empty() {
        return Vec::new();
    }
    let named = documented(repository, &examples);
    let service = |at: usize| {
        let folder = python.services[at].folder;
        let near = |it: &&&'a Artifact| {
            let own = it.tree.source.folder();
            let is_other = || repository.has_file(&format!("{own}/package.json"));
            own.is_empty()
                || own == folder
                || below(own, folder) && !is_other()
                || below(folder, own)
        };
        let example = examples.iter().filter(near).max_by_key(|it| it.tree.source.path.len())?;
        let mut all = read(python, at);
        for variable in &mut all {
            variable.documented = named.contains(&variable.name.to_ascii_uppercase());
        }
        Some(Variables { all, example })
    };
    (0..python.services.len()).filter_map(service).collect()
}

fn is_example(artifact: &Artifact) -> bool {
    let first = artifact.derived.first().map(|&it| artifact.tree.node(it));
    first.is_some_and(|it| it.str("purpose") == Some("example"))
}

/// Names that examples set and pages mention, in upper case.
fn documented(repository: &Repository<'_>, examples: &[&Artifact]) -> HashSet<String> {
    let pages = repository.of(Kind::Docs).map(|it| it.tree.source.text.as_str());
    let texts = pages.chain(examples.iter().map(|it| it.tree.source.text.as_str()));
    let is_name =
        |it: &&str| it.len() > 2 && it.contains('_') || it.bytes().all(|c| c.is_ascii_uppercase());
    texts
        .flat_map(|it| it.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .filter(is_name)
        .map(str::to_ascii_uppercase)
        .collect()
}

/// The variables that the code of a service reads, each once.
fn read<'a>(python: &Python<'a>, service: usize) -> Vec<Variable<'a>> {
    let modules: Vec<&Module<'a>> =
        python.modules.iter().filter(|it| it.service == Some(service)).collect();
    let settings: Vec<_> = modules.iter().flat_map(|it| it.of("setting")).collect();
    let nested = nested(&settings);
    let classes: HashMap<&str, Node<'a>> = modules
        .iter()
        .flat_map(|it| it.of("settings_class"))
        .filter_map(|it| Some((it.str("name")?, it)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for setting in settings {
        let text = |key: &str| setting.str(key).unwrap_or_default();
        let is_read = matches!(text("kind"), "settings" | "environ") && !text("env").is_empty();
        let is_group =
            words(text("type")).any(|it| it.ends_with("Settings") || it.ends_with("Config"));
        let reads = text("kind") == "environ" || reads_environment(text("class"), &classes, 8);
        if !is_read || is_group || nested.contains(text("class")) || !reads {
            continue;
        }
        // Code that indexes `os.environ` may have set the variable itself.
        let indexed = setting.tree().source.slice(setting.span()).contains("environ[");
        let required = setting.get("required").and_then(Node::as_bool) == Some(true) && !indexed;
        if seen.insert(text("env")) {
            found.push(Variable { setting, name: text("env"), required, documented: false });
        }
    }
    found
}

/// Whether a class reads the environment: it is built upon `BaseSettings`. A class that is only
/// called settings may be any record.
fn reads_environment(class: &str, classes: &HashMap<&str, Node<'_>>, depth: usize) -> bool {
    let bases = classes.get(class).and_then(|it| it.get("bases"));
    bases
        .into_iter()
        .flat_map(Node::children)
        .map(Node::text)
        .any(|it| it == "BaseSettings" || depth > 0 && reads_environment(it, classes, depth - 1))
}

/// Classes of settings that are fields of others: their variables have names of their own.
fn nested<'a>(settings: &[Node<'a>]) -> HashSet<&'a str> {
    settings.iter().filter_map(|it| it.str("type")).flat_map(words).collect()
}

fn words(annotation: &str) -> impl Iterator<Item = &str> {
    let words = annotation.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|it| it.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn each<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for variables in find(repository) {
        let (listed, count) = (variables.listed() as i64, variables.all.len() as i64);
        for variable in &variables.all {
            let it = record([
                ("name", Value::Str(variable.name)),
                ("required", Value::Bool(variable.required)),
                ("documented", Value::Bool(variable.documented)),
                ("example", Value::Str(&variables.example.tree.source.path)),
                ("listed", Value::Int(listed)),
                ("count", Value::Int(count)),
                ("setting", Value::Node(variable.setting)),
            ]);
            emit(Subject { values: vec![it], at: variable.setting, object: None });
        }
    }
}

fn together<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for variables in find(repository) {
        let Some(&first) = variables.example.derived.first() else { continue };
        let example = variables.example.tree.node(first);
        let missing = variables.all.iter().filter(|it| it.required && !it.documented);
        let it = record([
            ("count", Value::Int(variables.all.len() as i64)),
            ("listed", Value::Int(variables.listed() as i64)),
            ("missing", Value::list(missing.map(|it| Value::Str(it.name)))),
            ("example", Value::Node(example)),
        ]);
        emit(Subject { values: vec![it], at: example, object: None });
    }
}
