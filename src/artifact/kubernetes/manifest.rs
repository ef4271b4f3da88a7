//! Typed access to what was derived: objects, their pods, their containers.

use crate::{
    artifact::{Artifact, Object},
    document::Node,
};

/// The objects of an artifact, in the order of the file, those of lists one by one.
pub fn manifests(artifact: &Artifact) -> impl Iterator<Item = Manifest<'_>> {
    artifact.derived.iter().map(|&id| Manifest(artifact.tree.node(id)))
}

/// An object: a Deployment, a Service, a custom resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manifest<'a>(Node<'a>);

impl<'a> Manifest<'a> {
    /// The derived record, as expressions see it under `object`.
    pub fn record(self) -> Node<'a> {
        self.0
    }

    /// The object as it is written.
    pub fn raw(self) -> Node<'a> {
        self.0.get("raw").unwrap_or(self.0)
    }

    /// `Deployment`, …
    pub fn kind(self) -> &'a str {
        self.0.str("kind").unwrap_or_default()
    }

    /// `apps`; empty for the core group.
    pub fn group(self) -> &'a str {
        self.0.str("group").unwrap_or_default()
    }

    /// `v1`, …
    pub fn version(self) -> &'a str {
        self.0.str("version").unwrap_or_default()
    }

    /// Its name; empty if it has none.
    pub fn name(self) -> &'a str {
        self.0.str("name").unwrap_or_default()
    }

    /// Its namespace as written; empty if it names none.
    pub fn namespace(self) -> &'a str {
        self.0.str("namespace").unwrap_or_default()
    }

    /// Its labels.
    pub fn labels(self) -> Option<Node<'a>> {
        self.0.get("labels")
    }

    /// Its annotations.
    pub fn annotations(self) -> Option<Node<'a>> {
        self.0.get("annotations")
    }

    /// Whether it defines a kind of custom resource.
    pub fn is_definition(self) -> bool {
        self.kind() == "CustomResourceDefinition"
    }

    /// Whether it looks like a part of an object that Kustomize merges into another.
    pub fn is_patch(self) -> bool {
        self.0.get("patch").and_then(Node::as_bool).unwrap_or_default()
    }

    /// The pods it is or makes; none for what makes no pods.
    pub fn pods(self) -> impl Iterator<Item = Pod<'a>> {
        self.0.get("pods").into_iter().flat_map(Node::children).map(Pod)
    }

    /// The place that stands for the whole object: its name, or its first line.
    pub fn at(self) -> Node<'a> {
        self.raw().at(&["metadata", "name"]).unwrap_or_else(|| self.raw())
    }

    /// Who it is, for findings.
    pub fn object(self) -> Object<'a> {
        Object { kind: self.kind(), name: self.name(), namespace: self.namespace() }
    }
}

/// A pod, or the template of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pod<'a>(Node<'a>);

impl<'a> Pod<'a> {
    /// The derived record.
    pub fn record(self) -> Node<'a> {
        self.0
    }

    /// The specification as it is written.
    pub fn spec(self) -> Node<'a> {
        self.0.get("spec").unwrap_or(self.0)
    }

    /// The metadata of the pod or of its template.
    pub fn metadata(self) -> Option<Node<'a>> {
        self.0.get("metadata")
    }

    /// The labels that its pods get.
    pub fn labels(self) -> Option<Node<'a>> {
        self.0.get("labels")
    }

    /// Its containers: regular ones first, then init and ephemeral ones.
    pub fn containers(self) -> impl Iterator<Item = Container<'a>> {
        self.0.get("containers").into_iter().flat_map(Node::children).map(Container)
    }

    /// Its volume of the given name.
    pub fn volume(self, name: &str) -> Option<Node<'a>> {
        let volumes = self.spec().get("volumes")?;
        volumes.children().find(|it| it.str("name") == Some(name))
    }
}

/// A container of a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Container<'a>(Node<'a>);

impl<'a> Container<'a> {
    /// The derived record.
    pub fn record(self) -> Node<'a> {
        self.0
    }

    /// The container as it is written.
    pub fn raw(self) -> Node<'a> {
        self.0.get("raw").unwrap_or(self.0)
    }

    /// Its name; empty if it has none.
    pub fn name(self) -> &'a str {
        self.raw().str("name").unwrap_or_default()
    }

    /// `containers`, `initContainers` or `ephemeralContainers`.
    pub fn list(self) -> &'a str {
        self.0.str("list").unwrap_or_default()
    }

    /// Its place in that list, from 0.
    pub fn index(self) -> i64 {
        self.0.get("index").and_then(Node::as_int).unwrap_or_default()
    }

    /// The parts of its image reference: `text`, `registry`, `name`, `tag`, `digest`, `known`.
    pub fn image(self) -> Option<Node<'a>> {
        self.0.get("image")
    }

    /// Its security settings, with its pod's where it has none of its own.
    pub fn effective(self) -> Node<'a> {
        self.0.get("effective").unwrap_or(self.0)
    }
}
