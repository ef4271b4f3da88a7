//! An object on its way through a build: what it is, and what it was called before.

use super::model::Node;

/// Who an object is, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id<'n> {
    pub(super) group: &'n str,
    pub(super) version: &'n str,
    pub(super) kind: &'n str,
    pub(super) name: &'n str,
    /// Empty where none is named.
    pub(super) namespace: &'n str,
}

/// Who an object is, or was, for as long as is wanted.
#[derive(Clone, Debug)]
pub(super) struct Known {
    api: String,
    kind: String,
    name: String,
    namespace: String,
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
        let text = |path: &[&str]| node.scalar_at(path).to_owned();
        Self {
            api: text(&["apiVersion"]),
            kind: text(&["kind"]),
            name: text(&["metadata", "name"]),
            namespace: text(&["metadata", "namespace"]),
        }
    }

    pub(super) fn id(&self) -> Id<'_> {
        let (group, version) = parts(&self.api);
        let (kind, name, namespace) = (&self.kind, &self.name, &self.namespace);
        Id { group, version, kind, name, namespace }
    }
}

/// The group and the version that an `apiVersion` says.
fn parts(api: &str) -> (&str, &str) {
    api.split_once('/').unwrap_or(("", api))
}

impl<'n> Id<'n> {
    /// Who the object says it is.
    pub(super) fn of(node: &'n Node) -> Self {
        let (group, version) = parts(node.scalar_at(&["apiVersion"]));
        let metadata = node.get("metadata");
        let named = |key| metadata.map_or("", |it| it.scalar_at(&[key]));
        let (kind, name, namespace) =
            (node.scalar_at(&["kind"]), named("name"), named("namespace"));
        Self { group, version, kind, name, namespace }
    }

    /// Whether Kustomize knows that it has no namespace: kinds and versions of Kubernetes 1.21.
    pub(super) fn is_cluster_scoped(&self) -> bool {
        let versions: &[&str] = match self.group {
            "" => &["", "v1"],
            "flowcontrol.apiserver.k8s.io" | "policy" => &["", "v1beta1"],
            _ => &["", "v1", "v1beta1"],
        };
        let is_it = |(group, kind): &(&str, &str)| *kind == self.kind && *group == self.group;
        CLUSTER_SCOPED.iter().any(is_it) && versions.contains(&self.version)
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
            && (self.group, self.version, self.kind) == (other.group, other.version, other.kind)
            && self.effective_namespace() == other.effective_namespace()
    }

    /// Whether it is of the group, version and kind; empty ones are of any.
    pub(super) fn is_of(&self, group: &str, version: &str, kind: &str) -> bool {
        let hits = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        hits(group, self.group) && hits(version, self.version) && hits(kind, self.kind)
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

    /// Whether it is, or ever was, who `id` says.
    pub(super) fn ever(&self, is: impl Fn(&Id<'_>) -> bool) -> bool {
        self.previous.iter().any(|it| is(&it.id())) || is(&self.id())
    }

    /// Gives it another name; the name was still written where it was.
    pub(super) fn rename(&mut self, name: &str) {
        let at = self.node.at;
        let Some(metadata) = self.node.make("metadata", at) else { return };
        let at = metadata.get("name").map_or(metadata.at, |it| it.at);
        metadata.set("name", Node::text(at, name));
    }
}
