//! The Kubernetes objects of the repository, by kind and name and by label, and which of them are
//! deployed together.
//!
//! The rule of the whole module: what is missing is only called missing where the repository
//! itself shows that it should be here. An object is looked for everywhere; of several, the
//! nearest are taken: those of the same unit (one build of Kustomize, one rendered chart), then
//! those in the nearest folder.

use std::collections::{HashMap, HashSet};

use super::labels::{self, Label, Selector, is_template};
use crate::{
    artifact::{
        self, Artifact, Role,
        kubernetes::{self as manifest, Manifest, is_filled_in, manifests},
        kustomize,
    },
    document::{Node, Problem, Trouble},
};

/// How many workloads one selector is followed to.
const MATCHES: usize = 1000;

/// What an object is to the joins. Custom kinds that make no pods are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Workload,
    Service,
    Ingress,
    Route,
    Autoscaler,
    Budget,
    Policy,
    Monitor,
    Role,
    Binding,
    Account,
    ConfigMap,
    Secret,
    Claim,
    Quota,
    Namespace,
    Endpoints,
    /// A custom resource whose controller may make pods, Services or anything else.
    Custom,
    /// Anything else.
    Other,
}

/// The pod that a workload makes: its labels and its spec.
#[derive(Debug)]
pub(super) struct Pod<'a> {
    /// The labels.
    pub(super) labels: Vec<Label<'a>>,
    /// The spec, as written.
    pub(super) spec: Node<'a>,
    /// The pod with what is derived of it.
    pub(super) made: manifest::Pod<'a>,
}

/// One object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// Its index.
    pub(super) id: u32,
    pub(super) node: Node<'a>,
    pub(super) class: Class,
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    /// The namespace it names; empty where it names none, or where somebody fills it in.
    pub(super) namespace: &'a str,
    pub(super) path: &'a str,
    pub(super) folder: &'a str,
    /// What it was rendered with; nothing for an object of a plain file.
    pub(super) unit: Option<u32>,
    /// Its name waits for somebody to fill it in.
    pub(super) template: bool,
    pub(super) pods: Vec<Pod<'a>>,
}

impl<'a> Object<'a> {
    /// The part of its spec at `key`.
    pub(super) fn spec(&self, key: &str) -> Option<Node<'a>> {
        self.node.at(&["spec", key])
    }

    /// The spec of its pods; of the first template where it has several.
    pub(super) fn pod(&self) -> Option<Node<'a>> {
        self.pods.first().map(|it| it.spec)
    }

    /// Who it is, as reports say it.
    pub(super) fn identity(&self) -> artifact::Object<'a> {
        let namespace = self.node.at(&["metadata", "namespace"]);
        let namespace = namespace.map(Node::text).unwrap_or_default();
        artifact::Object { kind: self.kind, name: self.name, namespace }
    }
}

/// An object that one file defines more often than this is joined no further: every pair of them
/// would be looked at.
const TWINS: u32 = 8;

/// All objects with their indexes.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    pub(super) all: Vec<Object<'a>>,
    by_class: HashMap<Class, Vec<u32>>,
    by_name: HashMap<(Class, &'a str), Vec<u32>>,
    by_label: HashMap<(String, String), Vec<u32>>,
    /// For each unit, whether something that belongs to it could not be rendered.
    units: Vec<bool>,
    /// The classes of objects in each unit.
    kept: HashSet<(u32, Class)>,
    /// How many objects of plain files of a class lie below a folder.
    below: HashMap<(&'a str, Class), u32>,
    /// Folders that hold YAML or templates we could not read as objects.
    unread: HashSet<&'a str>,
    /// Folders with values for charts that lie elsewhere.
    valued: HashSet<&'a str>,
    /// Folders that hold a kustomization: a file that it does not name is deployed by nobody, or
    /// changed by somebody else.
    kustomized: HashSet<&'a str>,
    /// Folders that hold a `Chart.yaml`.
    charts: HashSet<&'a str>,
    /// Something of a chart is not known here.
    open_charts: bool,
    /// How often a file defines an object of a kind, a name and a namespace.
    twins: HashMap<(&'a str, &'a str, &'a str, &'a str), u32>,
    /// Folders that define one object in several files: each file stands for itself.
    variants: HashSet<&'a str>,
}

/// The extensions of templates and programs that become manifests.
const TEMPLATES: &[&str] =
    &["tpl", "tmpl", "gotmpl", "j2", "jsonnet", "libsonnet", "cue", "erb", "dhall"];

/// How folders end that hold examples, which have nothing to do with each other.
const EXAMPLES: &[&str] = &["examples", "example", "samples", "snippets"];

/// Kinds of custom resources that make no pods, Services, or configuration of their own.
const QUIET: &[&str] = &[
    "AlertmanagerConfig",
    "AppProject",
    "Application",
    "ApplicationSet",
    "AuthorizationPolicy",
    "BackendTLSPolicy",
    "CiliumClusterwideNetworkPolicy",
    "CiliumNetworkPolicy",
    "ClusterIssuer",
    "DestinationRule",
    "EnvoyFilter",
    "GlobalNetworkPolicy",
    "GRPCRoute",
    "GatewayClass",
    "HTTPRoute",
    "IngressRoute",
    "Issuer",
    "Kustomization",
    "Middleware",
    "NetworkPolicy",
    "PeerAuthentication",
    "PodMonitor",
    "Probe",
    "PrometheusRule",
    "ReferenceGrant",
    "RequestAuthentication",
    "ServiceEntry",
    "ServiceMonitor",
    "Sidecar",
    "TCPRoute",
    "TLSRoute",
    "Telemetry",
    "UDPRoute",
    "VerticalPodAutoscaler",
    "VirtualService",
];

/// Custom resources that become a Secret, with the path of its name; the object's own name where
/// the path is not there.
const SECRET_MAKERS: &[(&str, &[&str])] = &[
    ("Certificate", &["spec", "secretName"]),
    ("ExternalSecret", &["spec", "target", "name"]),
    ("SealedSecret", &["spec", "template", "metadata", "name"]),
    ("InfisicalSecret", &["spec", "managedSecretReference", "secretName"]),
    ("OnePasswordItem", &[]),
    ("VaultStaticSecret", &["spec", "destination", "name"]),
    ("VaultDynamicSecret", &["spec", "destination", "name"]),
];

fn is_core(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy" | "extensions")
        || group.ends_with(".k8s.io")
            && !group.contains(".x-")
            && !matches!(group, "gateway.networking.k8s.io" | "kustomize.config.k8s.io")
}

fn class_of(group: &str, kind: &str, has_pod: bool) -> Class {
    let core = is_core(group);
    match kind {
        "Service" if group.is_empty() => Class::Service,
        "Ingress" if core => Class::Ingress,
        "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" | "UDPRoute"
            if group == "gateway.networking.k8s.io" =>
        {
            Class::Route
        }
        "HorizontalPodAutoscaler" => Class::Autoscaler,
        "ScaledObject" if group == "keda.sh" => Class::Autoscaler,
        "PodDisruptionBudget" => Class::Budget,
        "NetworkPolicy" if core => Class::Policy,
        "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" if group == "cilium.io" => {
            Class::Policy
        }
        "ServiceMonitor" | "PodMonitor" if group == "monitoring.coreos.com" => Class::Monitor,
        "Role" | "ClusterRole" if core => Class::Role,
        "RoleBinding" | "ClusterRoleBinding" if core => Class::Binding,
        "ServiceAccount" if group.is_empty() => Class::Account,
        "ConfigMap" if group.is_empty() => Class::ConfigMap,
        "Secret" if group.is_empty() => Class::Secret,
        "PersistentVolumeClaim" if group.is_empty() => Class::Claim,
        "ResourceQuota" if group.is_empty() => Class::Quota,
        "Namespace" if group.is_empty() => Class::Namespace,
        "Endpoints" | "EndpointSlice" if core => Class::Endpoints,
        _ if has_pod => Class::Workload,
        _ if core || QUIET.contains(&kind) => Class::Other,
        _ if SECRET_MAKERS.iter().any(|it| it.0 == kind) => Class::Other,
        _ => Class::Custom,
    }
}

impl<'a> Objects<'a> {
    /// Indexes the objects of `artifacts`: those of units, and those of files that are no part of
    /// one.
    pub(super) fn new(
        artifacts: impl Iterator<Item = &'a Artifact>,
        files: &'a [String],
        troubled: &[Problem],
    ) -> Self {
        let mut it = Self::default();
        let mut read = HashSet::new();
        for artifact in artifacts {
            let unit = match artifact.role {
                Role::Part | Role::Trial => continue,
                Role::Whole => {
                    read.insert(artifact.tree.source.path.as_str());
                    None
                }
                Role::Rendered { open } => {
                    it.units.push(open);
                    Some(it.units.len() as u32 - 1)
                }
            };
            if is_kustomization(artifact) {
                continue;
            }
            for manifest in manifests(artifact).filter(|it| unit.is_some() || !it.is_patch()) {
                it.add(manifest, unit);
            }
        }
        it.note_unread(files, troubled, &read);
        it.note_variants();
        it
    }

    fn add(&mut self, manifest: Manifest<'a>, unit: Option<u32>) {
        let node = manifest.raw();
        let source = &node.tree().source;
        let namespace = manifest.namespace();
        // Where a chart is installed, nobody knows.
        let place = node.at(&["metadata", "namespace"]);
        let of_release = namespace == "default" && place.is_some_and(is_filled_in);
        let pods: Vec<_> = manifest.pods().map(pod).collect();
        let object = Object {
            id: self.all.len() as u32,
            node,
            class: class_of(manifest.group(), manifest.kind(), !pods.is_empty()),
            group: manifest.group(),
            kind: manifest.kind(),
            name: manifest.name(),
            namespace: if of_release || is_template(namespace) { "" } else { namespace },
            path: &source.path,
            folder: source.folder(),
            unit,
            template: is_template(manifest.name()),
            pods,
        };
        let twins = self.twins.entry((object.kind, object.name, object.namespace, object.path));
        let twins = twins.or_default();
        *twins += 1;
        if *twins <= TWINS || object.name.is_empty() {
            self.index(object);
        }
    }

    fn index(&mut self, object: Object<'a>) {
        let at = self.all.len() as u32;
        self.by_class.entry(object.class).or_default().push(at);
        self.by_name.entry((object.class, object.name)).or_default().push(at);
        for (key, value) in object.pods.iter().flat_map(|it| &it.labels) {
            let label = (key.to_string(), value.to_string());
            self.by_label.entry(label).or_default().push(at);
        }
        let as_operator = makes_objects(&object).then_some(Class::Custom);
        for class in std::iter::once(object.class).chain(as_operator) {
            match object.unit {
                Some(unit) => {
                    self.kept.insert((unit, class));
                }
                None => folders(object.folder).for_each(|folder| {
                    *self.below.entry((folder, class)).or_default() += 1;
                }),
            }
        }
        self.all.push(object);
    }

    fn note_unread(&mut self, files: &'a [String], troubled: &[Problem], read: &HashSet<&str>) {
        let lost: HashSet<&str> = troubled
            .iter()
            .filter(|it| !matches!(it.kind, Trouble::NotEvaluated | Trouble::Unsupported))
            .map(|it| it.path.as_str())
            .collect();
        self.open_charts = troubled.iter().any(|it| it.path.ends_with("/Chart.yaml"));
        for path in files {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if name == "Chart.yaml" {
                self.charts.insert(folder);
            }
            if kustomize::is_kustomization(path) {
                self.kustomized.insert(folder);
            }
            let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
            if stem.ends_with("values") && !self.charts.contains(folder) {
                self.valued.insert(folder);
            }
            let is_yaml = matches!(extension, "yaml" | "yml" | "json");
            let is_template = TEMPLATES.contains(&extension) && !read.contains(path.as_str());
            if is_template || is_yaml && lost.contains(path.as_str()) {
                self.unread.insert(folder);
            }
        }
    }

    fn note_variants(&mut self) {
        let mut seen: HashMap<(&str, Class, &str, &str), &str> = HashMap::new();
        for it in self.all.iter().filter(|it| !it.name.is_empty() && it.unit.is_none()) {
            let key = (it.folder, it.class, it.name, it.namespace);
            if *seen.entry(key).or_insert(it.path) != it.path {
                self.variants.insert(it.folder);
            }
        }
    }

    /// The object with the given index.
    pub(super) fn get(&self, id: u32) -> &Object<'a> {
        &self.all[id as usize]
    }

    /// The objects of a class.
    pub(super) fn of(&self, class: Class) -> impl Iterator<Item = &Object<'a>> {
        self.by_class.get(&class).into_iter().flatten().map(|&at| &self.all[at as usize])
    }

    /// The objects of a class with a name that `from` can mean, the nearest only.
    pub(super) fn named(&self, from: &Object<'a>, class: Class, name: &str) -> Vec<&Object<'a>> {
        self.named_in(from, from.namespace, class, name)
    }

    /// The same for a reference that names the namespace itself.
    pub(super) fn named_in(
        &self,
        from: &Object<'a>,
        namespace: &str,
        class: Class,
        name: &str,
    ) -> Vec<&Object<'a>> {
        let found = self.by_name.get(&(class, name)).into_iter().flatten();
        let found = found.map(|&at| &self.all[at as usize]);
        let found = found.filter(|it| may_equal(namespace, it.namespace)).collect();
        self.nearest(from, found)
    }

    /// The workloads that a selector in `from` matches, the nearest only.
    pub(super) fn selected(&self, from: &Object<'a>, selector: &Selector<'_>) -> Vec<&Object<'a>> {
        self.selected_in(from, from.namespace, selector)
    }

    /// The same for a selector that looks into a namespace of its own; empty for any.
    pub(super) fn selected_in(
        &self,
        from: &Object<'a>,
        namespace: &str,
        selector: &Selector<'_>,
    ) -> Vec<&Object<'a>> {
        let with = |(key, value): &Label<'_>| {
            let found = self.by_label.get(&(key.to_string(), value.to_string()));
            found.map_or(&[][..], Vec::as_slice)
        };
        let all = || self.by_class.get(&Class::Workload).map_or(&[][..], Vec::as_slice);
        let rarest = selector.pairs.iter().map(with).min_by_key(|it| it.len());
        let found = rarest.unwrap_or_else(all).iter().map(|&at| &self.all[at as usize]);
        let found =
            found.filter(|it| it.class == Class::Workload && may_equal(namespace, it.namespace));
        let found = found.filter(|it| it.pods.iter().any(|pod| selector.matches(&pod.labels)));
        self.nearest(from, found.take(MATCHES).collect())
    }

    /// Of several objects, those of the unit of `from`, else those in the nearest folder.
    fn nearest<'o>(&self, from: &Object<'a>, found: Vec<&'o Object<'a>>) -> Vec<&'o Object<'a>> {
        let mut found = found;
        if self.variants.contains(from.folder) && from.unit.is_none() {
            let beside = found.iter().any(|it| it.folder == from.folder);
            found.retain(|it| it.folder != from.folder || it.path == from.path);
            // Another file of the folder has it: which one goes with this file, nobody knows.
            if beside && !found.iter().any(|it| it.path == from.path) {
                found.clear();
            }
        }
        if found.len() < 2 {
            return found;
        }
        let near = |it: &Object<'_>| match self.together(from, it) {
            true => usize::MAX,
            false => common(from.folder, it.folder),
        };
        let (mut best, mut nearest) = (0, Vec::new());
        for it in found {
            let near = near(it);
            if near > best {
                (best, nearest) = (near, Vec::new());
            }
            if near == best {
                nearest.push(it);
            }
        }
        nearest
    }

    /// Whether two objects are deployed together for certain: one unit, or one folder of plain
    /// files.
    pub(super) fn together(&self, a: &Object<'_>, b: &Object<'_>) -> bool {
        a.unit == b.unit && (a.unit.is_some() || a.folder == b.folder)
    }

    /// Whether something that could not be rendered may change the object.
    pub(super) fn is_patched(&self, object: &Object<'_>) -> bool {
        object.unit.is_some_and(|unit| self.units[unit as usize])
    }

    /// Whether the repository itself shows that what `from` asks for should be here: others of the
    /// class are, in its folder, beside it or in its unit, and nothing near is unread.
    pub(super) fn is_certain(&self, from: &Object<'_>, class: Class) -> bool {
        !from.template && !self.is_open(from) && self.manages(from, class)
    }

    /// Whether something that deploys with the object cannot be read here.
    pub(super) fn is_open(&self, from: &Object<'_>) -> bool {
        let is_open = |unit: u32| self.units[unit as usize];
        let is_open_folder = || self.is_left_out(from) || self.is_open_folder(from.folder);
        from.unit.map_or_else(is_open_folder, is_open)
    }

    /// Whether another chart than that of `from` may hold what is for the whole cluster, and
    /// cannot be read.
    pub(super) fn has_open_chart(&self, from: &Object<'_>) -> bool {
        self.open_charts && from.unit.is_some()
    }

    /// Whether the object lies beside a kustomization that does not name it: nobody deploys it, or
    /// somebody else does.
    pub(super) fn is_left_out(&self, object: &Object<'_>) -> bool {
        object.unit.is_none() && self.kustomized.contains(object.folder)
    }

    fn is_open_folder(&self, folder: &str) -> bool {
        folders(folder).any(|it| self.charts.contains(it))
            || self.unread.contains(folder)
            || folders(folder).take(2).any(|it| self.valued.contains(it))
            || self.variants.contains(folder)
    }

    /// Whether `to` is for certain what `from` means: they are deployed together, or lie in one
    /// folder or in folders side by side.
    pub(super) fn is_firm(&self, from: &Object<'_>, to: &Object<'_>) -> bool {
        if from.unit.is_some() || to.unit.is_some() {
            return from.unit == to.unit;
        }
        let (own, other) = (from.folder, to.folder);
        let below: &HashMap<(&str, Class), u32> = &self.below;
        let is_near = match (own.rsplit_once('/'), other.rsplit_once('/')) {
            (Some(a), Some(b)) => a.0 == b.0 || a.0 == other || b.0 == own,
            (None, Some(b)) => b.0 == own,
            (Some(a), None) => a.0 == other,
            // Two folders of the root belong together where each holds kinds of its own.
            (None, None) => !below.contains_key(&(own, to.class)),
        };
        own == other || is_near
    }

    /// Whether objects of the class are kept with this one: in its folder or in its unit.
    pub(super) fn keeps(&self, from: &Object<'_>, class: Class) -> bool {
        self.of(class).take(1000).any(|it| same_namespace(from, it) && self.together(from, it))
    }

    fn manages(&self, from: &Object<'_>, class: Class) -> bool {
        if let Some(unit) = from.unit {
            return self.kept.contains(&(unit, class));
        }
        let below: &HashMap<(&str, Class), u32> = &self.below;
        let has = |folder: &str| below.contains_key(&(folder, class));
        // Among examples each folder stands for itself.
        let above = from.folder.rsplit_once('/').map(|it| it.0);
        let above = above.filter(|it| !EXAMPLES.iter().any(|name| it.ends_with(name)));
        has(from.folder) || above.is_some_and(has)
    }

    /// Whether a custom resource near the object, or whoever has a role that is kept near it, may
    /// make pods or Services of its own.
    pub(super) fn has_operator(&self, from: &Object<'_>) -> bool {
        self.manages(from, Class::Custom)
    }

    /// Whether some custom resource turns into the Secret.
    pub(super) fn makes_secret(&self, from: &Object<'_>, name: &str) -> bool {
        self.of(Class::Other).any(|it| same_namespace(from, it) && becomes_secret(it, name))
    }

    /// Whether some custom resource of any namespace turns into the Secret.
    pub(super) fn makes_any(&self, name: &str) -> bool {
        self.of(Class::Other).any(|it| becomes_secret(it, name))
    }

    /// Whether workloads of a kind are kept in the object's folder or in its unit.
    pub(super) fn keeps_kind(&self, from: &Object<'_>, kind: &str) -> bool {
        let of_kind = self.of(Class::Workload).filter(|it| it.kind == kind);
        of_kind.take(1000).any(|it| self.together(from, it))
    }

    /// Whether an object of this kind and name that `from` can mean is anywhere.
    pub(super) fn exists(&self, from: &Object<'a>, kind: &str, name: &str) -> bool {
        [Class::Workload, Class::Custom, Class::Other]
            .iter()
            .any(|&class| self.named(from, class, name).iter().any(|it| it.kind == kind))
    }
}

/// Whether a role lets its holder make or relabel pods and Services: what an operator asks for.
fn makes_objects(object: &Object<'_>) -> bool {
    const MADE: &[&str] =
        &["pods", "services", "deployments", "statefulsets", "daemonsets", "replicasets", "*"];
    const VERBS: &[&str] = &["create", "patch", "update", "*"];
    let names = |rule: &Node<'_>, key: &str, known: &[&str]| {
        let list = rule.get(key).into_iter().flat_map(Node::children);
        list.take(100).any(|it| known.contains(&it.text()))
    };
    let mut rules = object.node.get("rules").into_iter().flat_map(Node::children).take(200);
    object.class == Class::Role
        && rules.any(|it| names(&it, "resources", MADE) && names(&it, "verbs", VERBS))
}

fn becomes_secret(object: &Object<'_>, name: &str) -> bool {
    let maker = SECRET_MAKERS.iter().find(|maker| maker.0 == object.kind);
    maker.is_some_and(|(_, path)| {
        let named = object.node.at(path).filter(|it| it.as_str().is_some());
        named.map_or(object.name, Node::text) == name
    })
}

fn pod(pod: manifest::Pod<'_>) -> Pod<'_> {
    Pod { labels: labels::labels(pod.labels()), spec: pod.spec(), made: pod }
}

/// A file of Kustomize that says nothing for clusters.
fn is_kustomization(artifact: &Artifact) -> bool {
    artifact.role == Role::Whole && kustomize::is_kustomization(&artifact.tree.source.path)
}

/// A folder and those above it, without the root unless it is the root.
fn folders(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |it| it.rsplit_once('/').map(|it| it.0))
}

/// How many leading folders two paths share.
fn common(a: &str, b: &str) -> usize {
    a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count()
}

/// Whether two objects can be in one namespace: equal, or one of them names none.
pub(super) fn same_namespace(a: &Object<'_>, b: &Object<'_>) -> bool {
    may_equal(a.namespace, b.namespace)
}

fn may_equal(a: &str, b: &str) -> bool {
    a.is_empty() || b.is_empty() || a == b
}
