//! The builds that pipelines, Makefiles and Compose files ask for, against the Dockerfiles there are.

use super::{
    Repository,
    builds::{Build, is_unknown},
    image::{facts, list},
    record,
    shipped::position,
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

/// Arguments that every build knows.
const PREDEFINED: &[&str] = &[
    "all_proxy",
    "build_context_name",
    "buildplatform",
    "buildarch",
    "buildos",
    "buildvariant",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "source_date_epoch",
    "targetarch",
    "targetos",
    "targetplatform",
    "targetstage",
    "targetvariant",
];

const FIELDS: &[Field] = &[
    Field { name: "by", shape: Shape::Text, means: "`make`, `workflow` or `compose`" },
    Field { name: "dockerfile", shape: Shape::Text, means: "the path of the Dockerfile" },
    Field { name: "found", shape: Shape::Bool, means: "whether the Dockerfile is there" },
    Field {
        name: "target",
        shape: Shape::Text,
        means: "the stage that it stops at; nothing if none",
    },
    Field { name: "target_found", shape: Shape::Bool, means: "whether that stage is there" },
    Field { name: "stages", shape: Shape::List(&Shape::Text), means: "the stages there are" },
    Field {
        name: "undeclared",
        shape: Shape::List(&Shape::Text),
        means: "its build arguments that no ARG of the Dockerfile declares",
    },
];

/// One subject for each build that stands in an artifact.
pub(super) const VIEW: View = View {
    name: "repository.build",
    kind: Kind::Repository,
    means: "a build of an image that a Makefile, a pipeline or a Compose file asks for",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the build" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for build in &repository.builds {
        let Some(at) = build.at.filter(|_| !is_elsewhere(repository, build)) else { continue };
        let mut all = repository.of(Kind::Dockerfile);
        let artifact = all.find(|it| it.tree.source.path == build.dockerfile);
        let found = artifact.is_some() || repository.has_file(&build.dockerfile);
        emit(subject(build, at, artifact, found));
    }
}

/// Whether the Dockerfile may come from elsewhere: a submodule, or a folder that is not there.
fn is_elsewhere(repository: &Repository<'_>, build: &Build<'_>) -> bool {
    let folder = build.dockerfile.rsplit_once('/').map_or("", |it| it.0);
    let modules = repository.texts.get(".gitmodules");
    let first = build.dockerfile.split('/').next().unwrap_or("");
    !folder.is_empty() && !repository.has_folder(folder)
        || modules.is_some_and(|it| it.text.contains(first))
}

fn subject<'a>(
    build: &'a Build<'a>,
    at: Node<'a>,
    artifact: Option<&'a Artifact>,
    found: bool,
) -> Subject<'a> {
    let facts = artifact.and_then(facts);
    let stages: Vec<_> = facts.into_iter().flat_map(|it| list(it, "stages")).collect();
    let target = build.target.as_deref().filter(|it| !is_unknown(it));
    let target_found = target.is_none_or(|it| stages.is_empty() || position(&stages, it).is_some());
    let declared: Vec<_> = facts
        .into_iter()
        .flat_map(|it| list(it, "variables"))
        .filter(|it| it.str("keyword") == Some("ARG"))
        .filter_map(|it| it.str("name"))
        .collect();
    let is_known = |name: &str| {
        let lower = name.to_ascii_lowercase();
        declared.contains(&name) || PREDEFINED.contains(&&*lower) || lower.starts_with("buildkit_")
    };
    let undeclared = build.args.iter().filter(|it| facts.is_some() && !is_known(it));
    let names = stages.iter().filter_map(|it| it.str("name"));
    Subject {
        values: vec![record([
            ("by", Value::Str(build.by)),
            ("dockerfile", Value::Str(&build.dockerfile)),
            ("found", Value::Bool(found)),
            ("target", target.map_or(Value::Null, Value::Str)),
            ("target_found", Value::Bool(target_found)),
            ("stages", Value::list(names.map(Value::Str))),
            ("undeclared", Value::list(undeclared.map(|it| Value::Str(it)))),
        ])],
        at,
        object: None,
    }
}
