//! The joins across artifacts: images, workloads, targets, routes, stages.

mod access;
mod ingress;
mod kustomize;
mod labels;
mod links;
mod monitor;
mod objects;
mod policy;
mod reference;
mod scaling;
mod service;
mod workload;

use std::collections::BTreeMap;

use self::{
    kustomize::Builds,
    links::Links,
    objects::{Object, Objects},
};
use crate::{
    artifact::{Artifact, Kind, View},
    source::Source,
    value::Value,
};

/// What is known of the repository once every file is read.
#[derive(Debug)]
pub struct Repository<'a> {
    /// The artifacts, by path.
    pub artifacts: &'a [Artifact],
    /// Every file of the repository, ours or not, sorted: paths below the root.
    pub files: &'a [String],
    /// Small texts that are no artifacts and that joins read (`.dockerignore`, scripts,
    /// kustomizations), by path.
    pub texts: &'a BTreeMap<String, Source>,
    objects: Objects<'a>,
    links: Links<'a>,
}

impl<'a> Repository<'a> {
    /// The repository of these artifacts, files (sorted) and texts, with its indexes.
    pub fn new(
        artifacts: &'a [Artifact],
        files: &'a [String],
        texts: &'a BTreeMap<String, Source>,
    ) -> Self {
        let has = |path: &str| files.binary_search_by(|it| it.as_str().cmp(path)).is_ok();
        let builds = Builds::read(texts, has);
        let kubernetes = artifacts.iter().filter(|it| it.kind == Kind::Kubernetes);
        let objects = Objects::new(kubernetes, files, builds);
        let links = Links::new(&objects);
        Self { artifacts, files, texts, objects, links }
    }

    /// Whether `texts` should hold the file: what joins read beside the artifacts.
    pub fn wants_text(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.ends_with(".dockerignore")
            || matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
    }

    /// The artifacts of one kind, by path.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Artifact> {
        self.artifacts.iter().filter(move |it| it.kind == kind)
    }

    /// Whether the repository holds a file at this path.
    pub fn has_file(&self, path: &str) -> bool {
        self.files.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
    }

    /// Whether the repository holds a folder at this path (a file lies below it).
    pub fn has_folder(&self, path: &str) -> bool {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let at = self.files.partition_point(|it| it.as_str() < prefix.as_str());
        path.is_empty() || self.files.get(at).is_some_and(|it| it.starts_with(&prefix))
    }
}

/// The views that look across artifacts.
pub const VIEWS: &[View] = &[
    workload::VIEW,
    service::VIEW,
    service::PORT,
    ingress::VIEW,
    scaling::AUTOSCALER,
    scaling::BUDGET,
    policy::VIEW,
    policy::PEER,
    monitor::VIEW,
    access::VIEW,
    access::ACCOUNT,
    reference::VIEW,
];

/// A map of fields.
fn record<'a, const N: usize>(fields: [(&'a str, Value<'a>); N]) -> Value<'a> {
    Value::map(fields)
}

/// An object as a companion of another: who it is, and its node.
fn brief<'a>(object: &Object<'a>) -> Value<'a> {
    record([
        ("kind", Value::Str(object.kind)),
        ("name", Value::Str(object.name)),
        ("namespace", Value::Str(object.namespace)),
        ("object", Value::Node(object.node)),
        ("pod", Value::maybe(object.pod.as_ref().map(|it| it.spec))),
    ])
}

/// Companions, not more than a message or a rule can use.
fn briefs<'o, 'a: 'o>(objects: impl IntoIterator<Item = &'o Object<'a>>) -> Value<'a> {
    Value::list(objects.into_iter().take(100).map(brief))
}
