//! The stages of Dockerfiles that become images: those that builds of the repository stop at, and
//! the last one where no build says.

use std::collections::HashMap;

use super::{
    Repository,
    builds::{Build, is_unknown},
    image::{facts, images, shipped},
    objects::Class,
    started::Image,
};
use crate::{
    artifact::{
        Artifact, Emit, Field, Kind, Select, Shape, Subject, View,
        dockerfile::{STAGE, VARIABLE},
    },
    document::{Node, list},
    value::Value,
};

/// Stages that people build for themselves and for tests, by a part of their name.
const ASIDE: &[&str] = &[
    "base",
    "bench",
    "build",
    "builder",
    "check",
    "checks",
    "ci",
    "debug",
    "deps",
    "dev",
    "devel",
    "develop",
    "development",
    "docs",
    "e2e",
    "lint",
    "linter",
    "local",
    "test",
    "tester",
    "testing",
    "tests",
];

/// The stage that becomes an image.
pub(super) const STAGE_VIEW: View = View {
    name: "dockerfile.shipped_stage",
    kind: Kind::Dockerfile,
    means: "each stage that becomes an image: one that a build stops at, or else the last one",
    vars: &[
        Field { name: "it", shape: Shape::Record(STAGE), means: "the stage" },
        Field {
            name: "steps_down",
            shape: Shape::Bool,
            means: "a script that it starts gives up root: `gosu`, `su-exec`, `setpriv`",
        },
        Field {
            name: "is_interactive",
            shape: Shape::Bool,
            means: "all that it starts is a shell or an interpreter: it is meant to be built upon",
        },
    ],
    select: Select::Repository(stages),
};

/// The variables of the stages that become images.
pub(super) const VARIABLE_VIEW: View = View {
    name: "dockerfile.shipped_variable",
    kind: Kind::Dockerfile,
    means: "each variable that ENV sets in an image: in its stage or in one that it is built from",
    vars: &[
        Field { name: "it", shape: Shape::Record(VARIABLE), means: "the variable" },
        Field {
            name: "stage",
            shape: Shape::Record(STAGE),
            means: "the stage that becomes the image",
        },
    ],
    select: Select::Repository(variables),
};

/// The stages that nothing is built from, with what watches over their images.
pub(super) const FINAL_VIEW: View = View {
    name: "dockerfile.final_stage",
    kind: Kind::Dockerfile,
    means: "each stage that no other stage is built from",
    vars: &[
        Field { name: "it", shape: Shape::Record(STAGE), means: "the stage" },
        Field {
            name: "probed",
            shape: Shape::Text,
            means: "the workload or Compose service that checks the health of its image; nothing if none does",
        },
    ],
    select: Select::Repository(finals),
};

impl<'a> Repository<'a> {
    /// The builds of a Dockerfile.
    pub(super) fn builds_of<'r>(
        &'r self,
        artifact: &Artifact,
    ) -> impl Iterator<Item = &'r Build<'a>> + use<'r, 'a> {
        let path = artifact.tree.source.path.clone();
        self.builds.iter().filter(move |it| it.dockerfile == path)
    }

    /// The stages of a Dockerfile that become images, in order.
    pub(super) fn shipped_stages(&self, artifact: &Artifact) -> &[Node<'a>] {
        self.shipped.get(&*artifact.tree.source.path).map_or(&[], Vec::as_slice)
    }
}

/// The stages of each Dockerfile that become images, in order, by its path.
pub(super) fn by_file<'a>(
    artifacts: &'a [Artifact],
    builds: &[Build<'a>],
) -> HashMap<&'a str, Vec<Node<'a>>> {
    let files = artifacts.iter().filter(|it| it.kind == Kind::Dockerfile);
    files.map(|it| (it.tree.source.path.as_str(), of_file(it, builds))).collect()
}

fn of_file<'a>(artifact: &'a Artifact, builds: &[Build<'a>]) -> Vec<Node<'a>> {
    let Some(facts) = facts(artifact) else { return Vec::new() };
    let all: Vec<_> = list(facts, "stages").collect();
    let Some(last) = all.len().checked_sub(1) else { return Vec::new() };
    let path = &artifact.tree.source.path;
    let builds: Vec<_> = builds.iter().filter(|it| it.dockerfile == *path).collect();
    let all_aside = builds.iter().all(|it| it.is_aside);
    if all_aside && !builds.is_empty() || is_named_aside(path) {
        return Vec::new();
    }
    let builds = builds.into_iter().filter(|it| !it.is_aside && !is_aside(it));
    let mut wanted: Vec<usize> = builds
        .map(|it| it.target.as_deref().and_then(|it| position(&all, it)).unwrap_or(last))
        .collect();
    if wanted.is_empty() {
        wanted.push(last);
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted.into_iter().map(|at| all[at]).collect()
}

/// The place of the stage that a build stops at, by its name or its number.
pub(super) fn position(stages: &[Node<'_>], target: &str) -> Option<usize> {
    let name = target.to_ascii_lowercase();
    stages
        .iter()
        .position(|it| it.str("name") == Some(&*name))
        .or_else(|| target.parse().ok().filter(|it| *it < stages.len()))
}

/// Whether the target of a build is none that is shipped.
fn is_aside(build: &Build<'_>) -> bool {
    let Some(target) = build.target.as_deref().filter(|it| !is_unknown(it)) else { return false };
    let target = target.to_ascii_lowercase();
    target.split(['-', '_', '.']).any(|it| ASIDE.contains(&it))
}

/// Whether a Dockerfile is for developers or tests, by its name and its folders.
fn is_named_aside(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let is_word = |it: &str| {
        matches!(
            it,
            "check"
                | "ci"
                | "debug"
                | "dev"
                | "development"
                | "e2e"
                | "lint"
                | "local"
                | "test"
                | "tests"
                | "tilt"
        )
    };
    let is_folder = |it: &str| {
        matches!(
            it,
            "docs"
                | "e2e"
                | "examples"
                | "hack"
                | "integrationtest"
                | "playwright"
                | "samples"
                | "test"
                | "testdata"
                | "tests"
        )
    };
    name.split(['.', '-', '_']).any(is_word) || folders.split('/').any(is_folder)
}

/// The stage and those that it is built from, the nearest first.
pub(super) fn line<'a>(stage: Node<'a>) -> Vec<Node<'a>> {
    let parent = |it: &Node<'a>| it.get("parent").filter(|it| it.is_map());
    std::iter::successors(Some(stage), parent).take(100).collect()
}

fn stages<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        for &stage in repository.shipped_stages(artifact) {
            let image = Image::new(repository, artifact, stage);
            let values = vec![
                Value::Node(stage),
                Value::Bool(image.steps_down()),
                Value::Bool(image.is_interactive()),
            ];
            emit(Subject { values, at: stage, object: None });
        }
    }
}

fn variables<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        let Some(facts) = facts(artifact) else { continue };
        for &stage in repository.shipped_stages(artifact) {
            let line = line(stage);
            for it in list(facts, "variables") {
                let is_set = it.str("keyword") == Some("ENV")
                    && it.get("is_trigger").and_then(Node::as_bool) != Some(true)
                    && it.get("stage").is_some_and(|it| line.contains(&it));
                if is_set {
                    let values = vec![Value::Node(it), Value::Node(stage)];
                    emit(Subject { values, at: it, object: None });
                }
            }
        }
    }
}

fn finals<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        let shipped = repository.shipped_stages(artifact);
        for stage in facts(artifact).into_iter().flat_map(|it| list(it, "stages")) {
            if stage.get("is_base").and_then(Node::as_bool) == Some(true) {
                continue;
            }
            let probed = shipped.contains(&stage).then(|| repository.probed(artifact)).flatten();
            let probed = probed.map_or(Value::Null, Value::text);
            emit(Subject { values: vec![Value::Node(stage), probed], at: stage, object: None });
        }
    }
}

impl<'a> Repository<'a> {
    /// Who checks the health of the image of a Dockerfile: a workload with probes, a Compose
    /// service with a health check.
    fn probed(&self, artifact: &Artifact) -> Option<String> {
        if let Some(build) = self.builds_of(artifact).find(|it| it.is_checked) {
            return Some(format!("{} service", build.by));
        }
        let workloads = self.objects.of(Class::Workload);
        let probed = workloads.filter(|workload| {
            images(workload).any(|(container, image)| {
                let is_probed = ["livenessProbe", "readinessProbe", "startupProbe"]
                    .iter()
                    .any(|it| container.get(it).is_some());
                is_probed
                    && shipped(self, image).is_some_and(|it| std::ptr::eq(it.artifact, artifact))
            })
        });
        probed.map(|it| format!("{} `{}`", it.kind, it.name)).next()
    }
}
