//! The builds that pipelines, Makefiles, Compose files, Bake and skaffold ask for, against the
//! Dockerfiles there are.

use super::{
    Repository,
    builds::{Build, is_unknown},
    image::facts,
    record,
    shipped::position,
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
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
    Field {
        name: "by",
        shape: Shape::Text,
        means: "`make`, `workflow`, `compose`, `bake` or `skaffold`",
    },
    Field { name: "dockerfile", shape: Shape::Text, means: "the path of the Dockerfile" },
    Field { name: "found", shape: Shape::Bool, means: "whether the Dockerfile is there" },
    Field { name: "file_at", shape: Shape::Any, means: "what names the Dockerfile" },
    Field { name: "context", shape: Shape::Text, means: "the folder it copies from" },
    Field {
        name: "context_found",
        shape: Shape::Bool,
        means: "whether that folder is there, or something may make it",
    },
    Field { name: "context_at", shape: Shape::Any, means: "what names that folder" },
    Field {
        name: "target",
        shape: Shape::Text,
        means: "the stage that it stops at; nothing if none",
    },
    Field { name: "target_found", shape: Shape::Bool, means: "whether that stage is there" },
    Field { name: "target_at", shape: Shape::Any, means: "what names the stage" },
    Field { name: "stages", shape: Shape::List(&Shape::Text), means: "the stages there are" },
    Field {
        name: "undeclared",
        shape: Shape::List(&Shape::Text),
        means: "its build arguments that no ARG of the Dockerfile declares",
    },
    Field { name: "undeclared_at", shape: Shape::Any, means: "what names the first of those" },
];

/// One subject for each build that stands in an artifact.
pub(super) const VIEW: View = View {
    name: "repository.build",
    kind: Kind::Repository,
    means: "a build of an image that a Makefile, a pipeline, a Compose file, Bake or skaffold asks for",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the build" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for build in &repository.builds {
        let Some(at) = build.at else { continue };
        let context_found = has_context(repository, build);
        if context_found && is_elsewhere(repository, build) {
            continue;
        }
        let mut all = repository.of(Kind::Dockerfile);
        let artifact = all.find(|it| it.tree.source.path == build.dockerfile);
        let found = artifact.is_some() || repository.has_file(&build.dockerfile);
        emit(subject(build, at, artifact, found || !context_found, context_found));
    }
}

/// Folders that are made, not committed.
const MADE: &[&str] = &["artifacts", "build", "dist", "out", "output", "target", "tmp"];

/// Whether the folder that it copies from is there, or may come from elsewhere.
fn has_context(repository: &Repository<'_>, build: &Build<'_>) -> bool {
    // A recipe has a rule of its own.
    build.by == "make" || may_be_there(repository, build, &build.context)
}

/// Whether the Dockerfile may come from elsewhere.
fn is_elsewhere(repository: &Repository<'_>, build: &Build<'_>) -> bool {
    let folder = build.dockerfile.rsplit_once('/').map_or("", |it| it.0);
    let mut ends = build.dockerfile.match_indices('/').map(|it| &build.dockerfile[it.0 + 1..]);
    !repository.has_folder(folder) && may_be_there(repository, build, folder)
        || build.by == "compose" && ends.any(|it| it.contains('/') && repository.has_file(it))
        || is_named(repository, ".gitmodules", build.dockerfile.split('/').next())
}

/// Whether a folder is there, or may come from elsewhere: a submodule, what git ignores, a step of
/// the pipeline that fetches or writes it, a Compose file that is called from another folder.
fn may_be_there(repository: &Repository<'_>, build: &Build<'_>, folder: &str) -> bool {
    repository.has_folder(folder)
        || matches!(build.by, "workflow" | "make")
        || folder.split('/').any(|it| MADE.contains(&it))
        || is_named(repository, ".gitmodules", folder.split('/').next())
        || is_named(repository, ".gitignore", folder.rsplit('/').next())
        || build.by == "compose" && is_called_from_elsewhere(repository)
}

/// Whether a pipeline or a Makefile says from which folder Compose files count.
fn is_called_from_elsewhere(repository: &Repository<'_>) -> bool {
    let callers = [Kind::Workflow, Kind::Makefile].into_iter().flat_map(|it| repository.of(it));
    let mut texts = callers.map(|it| it.tree.source.text.as_str());
    texts.any(|it| it.contains("--project-directory"))
}

/// Whether a file of this name holds the text.
fn is_named(repository: &Repository<'_>, name: &str, text: Option<&str>) -> bool {
    let Some(text) = text.filter(|it| !it.is_empty()) else { return false };
    let mut texts = repository.texts.values().filter(|it| it.name() == name);
    texts.any(|it| it.text.contains(text))
}

fn subject<'a>(
    build: &'a Build<'a>,
    at: Node<'a>,
    artifact: Option<&'a Artifact>,
    found: bool,
    context_found: bool,
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
    let undeclared = || build.args.iter().filter(|it| facts.is_some() && !is_known(&it.0));
    let first = undeclared().next().and_then(|it| it.1);
    let place = |it: Option<Node<'a>>| Value::Node(it.unwrap_or(at));
    let names = stages.iter().filter_map(|it| it.str("name"));
    Subject {
        values: vec![record([
            ("by", Value::Str(build.by)),
            ("dockerfile", Value::Str(&build.dockerfile)),
            ("found", Value::Bool(found)),
            ("file_at", place(build.places.file)),
            ("context", Value::Str(&build.context)),
            ("context_found", Value::Bool(context_found)),
            ("context_at", place(build.places.context)),
            ("target", target.map_or(Value::Null, Value::Str)),
            ("target_found", Value::Bool(target_found)),
            ("target_at", place(build.places.target)),
            ("stages", Value::list(names.map(Value::Str))),
            ("undeclared", Value::list(undeclared().map(|it| Value::Str(&it.0)))),
            ("undeclared_at", place(first)),
        ])],
        at,
        object: None,
    }
}
