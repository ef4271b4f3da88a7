//! Compose files: which services they run, from which images, with what.
//!
//! A project is often written in several files: a base, overrides, one for each environment. What
//! a file is for is told by its name and by what only developers do; see [`Purpose`].

mod service;
#[cfg(test)]
mod tests;
mod views;

use super::{Artifact, Kind, Parsed};
use crate::{
    document::{Key, Node, Problem, Trouble},
    parse,
    source::Source,
};

pub use views::VIEWS;

/// Compose files larger than this are not judged.
const LARGEST: usize = 2 << 20;

/// Whether the file is one, by its name.
pub fn recognise(source: &Source) -> bool {
    let name = source.name().to_ascii_lowercase();
    let Some((stem, "yml" | "yaml")) = name.rsplit_once('.') else { return false };
    let is_named = stem.starts_with("docker-compose")
        || stem == "compose"
        || stem.starts_with("compose.")
        || stem.starts_with("compose-")
        || stem.ends_with("-compose")
        || stem.ends_with(".compose")
        || stem.starts_with("docker-stack");
    let has_services = || source.text.lines().any(|it| it.starts_with("services:"));
    is_named && has_services()
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let refuse = |kind, reason: &str| Parsed {
        artifact: None,
        problems: vec![Problem::at(&source, 0, kind, reason)],
    };
    if source.text.len() > LARGEST {
        return refuse(Trouble::Limit, "a Compose file of more than 2 MiB: not judged");
    }
    let is_template = |line: &str| {
        let line = line.trim_start();
        line.starts_with("{%")
            || line.contains("{{ cookiecutter")
            || line.contains("{{cookiecutter")
    };
    if source.text.lines().any(is_template) || source.path.contains("{{") {
        return refuse(Trouble::Template, "a template: render it and judge what comes out");
    }
    let (mut tree, problems) = parse::yaml::parse(source);
    let Some(root) = tree.documents().next() else { return Parsed { artifact: None, problems } };
    let services: Vec<_> = root.get("services").into_iter().flat_map(Node::entries).collect();
    let services: Vec<_> = services
        .into_iter()
        .filter(|it| it.1.is_map())
        .map(|it| service::read(it.0, it.1))
        .collect();
    let purpose = Purpose::of(&tree.source, &services);
    let place =
        root.entries().next().map_or(root.span(), |it| it.1.key_span().unwrap_or(root.span()));
    let raw = root.id();
    let map = tree.open_map(Key::None, place);
    let (path, folder) = (tree.source.path.clone(), tree.source.folder().to_owned());
    tree.text(Key::Field("path"), &path, place);
    tree.text(Key::Field("folder"), &folder, place);
    tree.text(Key::Field("purpose"), purpose.name(), place);
    tree.alias(Key::Field("raw"), raw);
    let seq = tree.open_seq(Key::Field("services"), place);
    services.iter().for_each(|it| service::append(&mut tree, it, &folder));
    tree.close(seq);
    tree.close(map);
    let artifact = Artifact { derived: vec![map], ..Artifact::new(Kind::Compose, tree) };
    Parsed { artifact: Some(artifact), problems }
}

/// What is derived of the file.
pub fn project(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|&root| artifact.tree.node(root))
}

/// What a Compose file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its name says that it is deployed.
    Production,
    /// Its name or its services say that developers or tests run it.
    Development,
    /// Nobody says.
    Unknown,
}

const PRODUCTION: &[&str] = &["prod", "production", "staging"];

/// What says so only in the name of the file itself.
const PRODUCTION_NAME: &[&str] = &["deploy", "deployment", "live", "stack", "swarm"];

const DEVELOPMENT: &[&str] = &[
    "dev",
    "devel",
    "development",
    "local",
    "localhost",
    "override",
    "test",
    "tests",
    "testing",
    "ci",
    "e2e",
    "debug",
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "devcontainer",
    "quickstart",
    "playground",
    "sandbox",
    "integration",
    "bench",
    "benchmark",
    "benchmarks",
    "fixtures",
    "testdata",
    "tutorial",
    "tutorials",
    "docs",
    "contrib",
    "hack",
    "infra",
    "deps",
    "dependencies",
    "services",
    "tools",
];

impl Purpose {
    fn of(source: &Source, services: &[service::Service]) -> Self {
        let path = source.path.to_ascii_lowercase();
        let ends = |it: char| matches!(it, '/' | '.' | '-' | '_');
        let has = |words: &[&str]| path.split(ends).any(|it| words.contains(&it));
        let name = path.rsplit('/').next().unwrap_or(&path);
        let is_named = name.split(ends).any(|it| PRODUCTION_NAME.contains(&it));
        if has(DEVELOPMENT) || services.iter().any(service::Service::is_for_developers) {
            Self::Development
        } else if has(PRODUCTION) || is_named {
            Self::Production
        } else {
            Self::Unknown
        }
    }

    /// As rules see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
            Self::Unknown => "unknown",
        }
    }
}
