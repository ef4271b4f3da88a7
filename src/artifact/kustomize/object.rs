//! An object on its way through a build: what it is, and what it was called before.

use std::rc::Rc;

use super::model::Node;

/// Who an object is, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id<'n> {
    /// Its `apiVersion`.
    pub(super) api: &'n str,
    pub(super) kind: &'n str,
    pub(super) name: &'n str,
    /// Empty where none is named.
    pub(super) namespace: &'n str,
}

/// Who an object is, or was, for as long as is wanted.
#[derive(Clone, Debug)]
pub(super) struct Known {
    api: Option<Rc<str>>,
    kind: Option<Rc<str>>,
    name: Option<Rc<str>>,
    namespace: Option<Rc<str>>,
}

/// An object, with what name references need to know of its past.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) node: Node,
    /// Who it was before its name, namespace or kind changed, oldest first.
    pub(super) previous: Vec<Known>,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    /// Its name gets the hash of its content.
    pub(super) hash: bool,
}

/// Kinds that have no namespace, with their group, as far as Kustomize knows them.
const CLUSTER_SCOPED: &[(&str, &str)] = &[
    ("", "ComponentStatus"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("networking.k8s.io", "IngressClass"),
    ("node.k8s.io", "RuntimeClass"),
    ("policy", "PodSecurityPolicy"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
];

impl Known {
    /// Who the object says it is.
    pub(super) fn of(node: &Node) -> Self {
        let metadata = node.get("metadata");
        let text = |node: Option<&Node>, key| node?.get(key)?.shared_scalar();
        Self {
            api: text(Some(node), "apiVersion"),
            kind: text(Some(node), "kind"),
            name: text(metadata, "name"),
            namespace: text(metadata, "namespace"),
        }
    }

    pub(super) fn id<'n>(&'n self) -> Id<'n> {
        let text = |it: &'n Option<Rc<str>>| it.as_deref().unwrap_or_default();
        let (api, kind) = (text(&self.api), text(&self.kind));
        Id { api, kind, name: text(&self.name), namespace: text(&self.namespace) }
    }
}

impl<'n> Id<'n> {
    /// Who the object says it is.
    pub(super) fn of(node: &'n Node) -> Self {
        let metadata = node.get("metadata");
        let named = |key| metadata.map_or("", |it| it.scalar_at(&[key]));
        let (api, kind) = (node.scalar_at(&["apiVersion"]), node.scalar_at(&["kind"]));
        Self { api, kind, name: named("name"), namespace: named("namespace") }
    }

    /// The group and the version that its `apiVersion` says.
    fn parts(&self) -> (&'n str, &'n str) {
        self.api.split_once('/').unwrap_or(("", self.api))
    }

    /// The group that its `apiVersion` says; the core group has no name.
    pub(super) fn group(&self) -> &'n str {
        self.parts().0
    }

    /// The version that its `apiVersion` says.
    pub(super) fn version(&self) -> &'n str {
        self.parts().1
    }

    /// Whether Kustomize knows that it has no namespace: kinds and versions of Kubernetes 1.21.
    pub(super) fn is_cluster_scoped(&self) -> bool {
        let Some((group, _)) = CLUSTER_SCOPED.iter().find(|it| it.1 == self.kind) else {
            return false;
        };
        let versions: &[&str] = match *group {
            "" => &["", "v1"],
            "flowcontrol.apiserver.k8s.io" | "policy" => &["", "v1beta1"],
            _ => &["", "v1", "v1beta1"],
        };
        *group == self.group() && versions.contains(&self.version())
    }

    /// The namespace it is in: `default` where it names none, nothing where it can have none.
    pub(super) fn effective_namespace(&self) -> &'n str {
        match self.namespace {
            _ if self.is_cluster_scoped() => "",
            "" => "default",
            namespace => namespace,
        }
    }

    /// Whether both mean one object.
    pub(super) fn same(&self, other: &Id<'_>) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.parts() == other.parts()
            && self.effective_namespace() == other.effective_namespace()
    }

    /// Whether it is of the group, version and kind; empty ones are of any.
    pub(super) fn is_of(&self, group: &str, version: &str, kind: &str) -> bool {
        (kind.is_empty() || kind == self.kind)
            && (group.is_empty() || group == self.group())
            && (version.is_empty() || version == self.version())
    }
}

impl Object {
    pub(super) fn new(node: Node) -> Self {
        let (prefixes, suffixes) = (Vec::new(), Vec::new());
        Self { node, previous: Vec::new(), prefixes, suffixes, hash: false }
    }

    /// Who it is now.
    pub(super) fn id(&self) -> Id<'_> {
        Id::of(&self.node)
    }

    /// Who it was at first.
    pub(super) fn first_id(&self) -> Id<'_> {
        self.previous.first().map_or_else(|| self.id(), Known::id)
    }

    /// Who it is now, while that changes.
    pub(super) fn known(&self) -> Known {
        Known::of(&self.node)
    }

    /// Remembers who it is, before that changes.
    pub(super) fn remember(&mut self) {
        let known = self.known();
        self.previous.push(known);
    }

    /// Who it was, oldest first, and is now.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id<'_>> {
        self.previous.iter().map(Known::id).chain(std::iter::once_with(|| self.id()))
    }

    /// Whether it is, or ever was, who `id` says.
    pub(super) fn ever(&self, is: impl Fn(&Id<'_>) -> bool) -> bool {
        self.ids().any(|it| is(&it))
    }

    /// Gives it another name; the name was still written where it was.
    pub(super) fn rename(&mut self, name: &str) {
        let at = self.node.at;
        let Some(metadata) = self.node.make("metadata", at) else { return };
        let at = metadata.get("name").map_or(metadata.at, |it| it.at);
        metadata.set("name", Node::text(at, name));
    }
}
