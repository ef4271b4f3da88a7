//! Containers joined with the Dockerfile that their image is built from.

use std::collections::HashSet;

use super::{
    Repository, brief,
    builds::{self, Build},
    labels::is_template,
    objects::{Class, Object},
    record,
    shipped::{line, position},
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    value::Value,
};

/// Images that start as root unless a Dockerfile says otherwise, by the last part of their name.
const ROOT_BASES: &[&str] = &[
    "alpine",
    "amazoncorretto",
    "amazonlinux",
    "buildpack-deps",
    "busybox",
    "caddy",
    "centos",
    "composer",
    "debian",
    "eclipse-temurin",
    "erlang",
    "fedora",
    "golang",
    "gradle",
    "haproxy",
    "httpd",
    "maven",
    "nginx",
    "node",
    "openjdk",
    "perl",
    "php",
    "python",
    "ruby",
    "rust",
    "rockylinux",
    "swift",
    "tomcat",
    "ubuntu",
];

/// The stage of a Dockerfile that becomes the image of a container.
pub(super) struct Shipped<'a> {
    pub(super) artifact: &'a Artifact,
    pub(super) stage: Node<'a>,
}

impl<'a> Shipped<'a> {
    /// The user that the image runs as, where it is for certain not root.
    pub(super) fn user(&self) -> Option<Node<'a>> {
        let is = |user: Node<'a>, key: &str| user.get(key).and_then(Node::as_bool) == Some(true);
        let user = self.stage.get("user").filter(|it| it.is_map())?;
        (!is(user, "is_root") && !is(user, "is_variable")).then_some(user)
    }
}

/// The facts of a Dockerfile.
pub(super) fn facts(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|&root| artifact.tree.node(root))
}

/// What the image of a container is built from, where the repository says so: a build names the
/// image, or the repository has one Dockerfile and deploys one image of its own.
pub(super) fn shipped<'a>(repository: &Repository<'a>, image: &str) -> Option<Shipped<'a>> {
    if is_template(image) || image.is_empty() {
        return None;
    }
    let name = builds::image_name(image);
    let build = repository.images.get(name);
    match build {
        Some(build) => of_build(repository, build),
        None => repository.only_image.as_deref().filter(|it| *it == name).and_then(|_| {
            let artifact = repository.of(Kind::Dockerfile).next()?;
            let stage = list(facts(artifact)?, "stages").last()?;
            Some(Shipped { artifact, stage })
        }),
    }
}

fn of_build<'a>(repository: &Repository<'a>, build: &Build<'_>) -> Option<Shipped<'a>> {
    let mut all = repository.of(Kind::Dockerfile);
    let artifact = all.find(|it| it.tree.source.path == build.dockerfile)?;
    let stages: Vec<_> = list(facts(artifact)?, "stages").collect();
    let wanted = build.target.as_deref().and_then(|it| position(&stages, it));
    // A stage that is not there is a finding of its own; the last one is what was meant.
    let stage = wanted.map_or(stages.last(), |at| stages.get(at));
    Some(Shipped { artifact, stage: *stage? })
}

/// The name of the one image that the workloads run, if the repository has one Dockerfile.
pub(super) fn only_image<'a>(
    artifacts: &[Artifact],
    workloads: impl Iterator<Item = &'a str>,
) -> Option<String> {
    if artifacts.iter().filter(|it| it.kind == Kind::Dockerfile).count() != 1 {
        return None;
    }
    let own: HashSet<&str> = workloads
        .map(builds::image_name)
        .filter(|it| it.contains('/') && !is_template(it))
        .collect();
    (own.len() == 1).then(|| own.into_iter().next().map(str::to_owned)).flatten()
}

/// The images of the regular containers of a workload, with the containers.
pub(super) fn images<'o, 'a>(
    workload: &'o Object<'a>,
) -> impl Iterator<Item = (Node<'a>, &'a str)> + use<'o, 'a> {
    let containers = workload.pods.iter().flat_map(|pod| list(pod.spec, "containers"));
    containers.filter_map(|it| Some((it, it.str("image")?)))
}

const FIELDS: &[Field] = &[
    Field { name: "container", shape: Shape::Any, means: "the container" },
    Field { name: "workload", shape: Shape::Any, means: "its workload" },
    Field { name: "dockerfile", shape: Shape::Text, means: "the path of the Dockerfile" },
    Field { name: "stage", shape: Shape::Any, means: "the stage that is shipped" },
    Field {
        name: "user",
        shape: Shape::Any,
        means: "the USER of the image: `text`, `is_number`, `is_root`, `is_variable`; null if none",
    },
    Field {
        name: "root_base",
        shape: Shape::Bool,
        means: "whether the image it is built from is known to start as root",
    },
    Field {
        name: "non_root",
        shape: Shape::Bool,
        means: "whether `runAsNonRoot` is in effect for the container",
    },
    Field { name: "run_as", shape: Shape::Any, means: "the `runAsUser` in effect" },
    Field {
        name: "exposed",
        shape: Shape::List(&Shape::Number),
        means: "the ports of EXPOSE, where all are known",
    },
    Field { name: "process", shape: Shape::Any, means: "the ENTRYPOINT or CMD that is started" },
    Field { name: "served", shape: Shape::Bool, means: "whether a Service selects the workload" },
];

/// One subject for each container whose image is built from a Dockerfile of the repository.
pub(super) const VIEW: View = View {
    name: "repository.image",
    kind: Kind::Repository,
    means: "a container whose image is built from a Dockerfile of the repository",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the container" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for workload in repository.objects.of(Class::Workload) {
        if repository.objects.is_patched(workload) {
            continue;
        }
        for (container, image) in images(workload) {
            if let Some(shipped) = shipped(repository, image) {
                emit(subject(repository, workload, container, &shipped));
            }
        }
    }
}

fn subject<'a>(
    repository: &'a Repository<'a>,
    workload: &'a Object<'a>,
    container: Node<'a>,
    shipped: &Shipped<'a>,
) -> Subject<'a> {
    let pod = workload.pod();
    let effective = |key: &str| {
        let own = container.at(&["securityContext", key]);
        own.or_else(|| pod.and_then(|it| it.at(&["securityContext", key])))
    };
    let stage = shipped.stage;
    let origin = stage.at(&["origin", "short"]).map(Node::text).unwrap_or_default();
    let official = stage.at(&["origin", "name"]).is_some_and(|it| {
        let name = it.text();
        name == origin || name == format!("library/{origin}")
    });
    let tag = stage.at(&["origin", "tag"]).map(Node::text).unwrap_or_default();
    let root_base = official && ROOT_BASES.contains(&origin) && !tag.contains("nonroot");
    let mut services = repository.links.selecting(&repository.objects, workload, Class::Service);
    Subject {
        values: vec![record([
            ("container", Value::Node(container)),
            ("workload", brief(workload)),
            ("dockerfile", Value::Str(&shipped.artifact.tree.source.path)),
            ("stage", Value::Node(stage)),
            ("user", Value::maybe(stage.get("user").filter(|it| it.is_map()))),
            ("root_base", Value::Bool(root_base)),
            (
                "non_root",
                Value::Bool(effective("runAsNonRoot").and_then(Node::as_bool) == Some(true)),
            ),
            ("run_as", Value::maybe(effective("runAsUser"))),
            ("exposed", Value::list(exposed(shipped).into_iter().map(Value::Int))),
            ("process", Value::maybe(process(shipped, container))),
            ("served", Value::Bool(services.next().is_some())),
        ])],
        at: container.get("image").unwrap_or(container),
        object: Some(workload.identity()),
    }
}

/// The facts of a kind that belong to the shipped stage or to what it is built from.
fn own<'a>(shipped: &Shipped<'a>, kind: &str) -> Vec<Node<'a>> {
    let line = line(shipped.stage);
    let all = facts(shipped.artifact).map(|it| list(it, kind)).into_iter().flatten();
    all.filter(|it| it.get("stage").is_some_and(|it| line.contains(&it))).collect()
}

/// The ports of EXPOSE, where all are known.
fn exposed(shipped: &Shipped<'_>) -> Vec<i64> {
    let ports = own(shipped, "ports");
    let numbers: Vec<Vec<i64>> =
        ports.iter().map(|it| list(*it, "numbers").filter_map(Node::as_int).collect()).collect();
    if numbers.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let all = numbers.iter().flat_map(|it| match it[..] {
        [from, to] if to >= from => (from..=to.min(from + 200)).collect(),
        _ => it.clone(),
    });
    all.collect()
}

impl Repository<'_> {
    /// The ports that an image exposes, where all are known: that of a Dockerfile, up to a stage
    /// or to its end.
    pub fn exposed(&self, dockerfile: &str, target: &str) -> Vec<i64> {
        let mut all = self.of(Kind::Dockerfile);
        let artifact = all.find(|it| it.tree.source.path == dockerfile);
        let stages = |artifact| facts(artifact).into_iter().flat_map(|it| list(it, "stages"));
        let shipped = artifact.and_then(|artifact| {
            let stages: Vec<_> = stages(artifact).collect();
            let at = if target.is_empty() { None } else { Some(position(&stages, target)?) };
            let stage = *stages.get(at.unwrap_or(stages.len().checked_sub(1)?))?;
            Some(Shipped { artifact, stage })
        });
        shipped.map(|it| exposed(&it)).unwrap_or_default()
    }
}

/// What the container starts: its image's ENTRYPOINT, or else CMD, if it does not replace it.
pub(super) fn process<'a>(shipped: &Shipped<'a>, container: Node<'a>) -> Option<Node<'a>> {
    if container.get("command").or_else(|| container.get("args")).is_some() {
        return None;
    }
    let all = own(shipped, "processes");
    let last = |keyword| all.iter().rev().find(|it| it.str("keyword") == Some(keyword)).copied();
    last("ENTRYPOINT").or_else(|| last("CMD"))
}
