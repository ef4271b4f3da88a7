//! Which fields transformers change: paths by kind, those of Kustomize and those that
//! `configurations` add.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use super::{
    model::{At, Data, Node, Shared},
    object::Id,
};

/// How many parts of a path are followed.
const DEEPEST: usize = 60;

/// A field of some kinds of object. What tells two apart most often stands first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// `spec/containers[]/image`.
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) create: bool,
    /// The path, cut at its separators.
    parts: Vec<Part>,
}

/// A part of a path.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    key: String,
    /// It says with `[]` that a list is there.
    is_list: bool,
}

/// The fields that name objects of a kind.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) fields: Vec<Field>,
}

/// Fields of a transformer, which the configurations of several builds share.
type List = Arc<Vec<Arc<Field>>>;

/// Many fields, of which only those of an object's kind are looked at one by one.
pub(super) struct ByKind<'f, T> {
    all: Vec<(&'f Field, T)>,
    known: HashMap<String, Vec<(&'f Field, T)>>,
}

impl<'f, T: Copy> ByKind<'f, T> {
    /// Fields, and what belongs to each of them.
    pub(super) fn new(all: impl Iterator<Item = (&'f Field, T)>) -> Self {
        Self { all: all.collect(), known: HashMap::new() }
    }

    /// The fields of an object, in their order.
    pub(super) fn of(&mut self, id: &Id<'_>) -> impl Iterator<Item = (&'f Field, T)> {
        if !self.known.contains_key(id.kind) {
            let may_have = |it: &&(&Field, T)| it.0.kind.is_empty() || it.0.kind == id.kind;
            let fields = self.all.iter().filter(may_have).copied().collect();
            self.known.insert(id.kind.to_owned(), fields);
        }
        self.known[id.kind].iter().copied().filter(|it| it.0.is_of(id))
    }
}

/// The fields of every transformer; most configurations add to few of them.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) namespace: List,
    pub(super) prefix: List,
    pub(super) suffix: List,
    /// What `labels` adds to beside the metadata; only `configurations` fill it.
    pub(super) labels: List,
    pub(super) common_labels: List,
    pub(super) template_labels: List,
    pub(super) annotations: List,
    pub(super) images: List,
    pub(super) replicas: List,
    pub(super) references: Arc<Vec<Arc<Reference>>>,
    pub(super) variables: List,
}

/// Where kinds keep the specification of their pods.
const PODS: &[(&str, &str)] = &[
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

/// `target[@group] referrer path…`; the referrer `*` stands for everything that makes pods.
const REFERENCES: &str = "
Deployment HorizontalPodAutoscaler spec/scaleTargetRef/name
ReplicationController HorizontalPodAutoscaler spec/scaleTargetRef/name
ReplicaSet HorizontalPodAutoscaler spec/scaleTargetRef/name
StatefulSet HorizontalPodAutoscaler spec/scaleTargetRef/name
ConfigMap * volumes/configMap/name containers/env/valueFrom/configMapKeyRef/name
ConfigMap * initContainers/env/valueFrom/configMapKeyRef/name containers/envFrom/configMapRef/name
ConfigMap * initContainers/envFrom/configMapRef/name volumes/projected/sources/configMap/name
ConfigMap Node spec/configSource/configMap
ConfigMap Role rules/resourceNames
ConfigMap ClusterRole rules/resourceNames
ConfigMap Ingress metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap
Secret * volumes/secret/secretName containers/env/valueFrom/secretKeyRef/name
Secret * initContainers/env/valueFrom/secretKeyRef/name containers/envFrom/secretRef/name
Secret * initContainers/envFrom/secretRef/name imagePullSecrets/name
Secret * volumes/projected/sources/secret/name
Secret Ingress spec/tls/secretName metadata/annotations/ingress.kubernetes.io\\/auth-secret
Secret Ingress metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret
Secret Ingress metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret
Secret ServiceAccount imagePullSecrets/name
Secret StorageClass parameters/secretName parameters/adminSecretName
Secret StorageClass parameters/userSecretName parameters/secretRef
Secret Role rules/resourceNames
Secret ClusterRole rules/resourceNames
Secret Service@serving.knative.dev spec/template/spec/containers/env/valueFrom/secretKeyRef/name
Secret PersistentVolume spec/azureFile/secretName
Service@ StatefulSet@apps spec/serviceName
Service@ Ingress spec/rules/http/paths/backend/serviceName spec/backend/serviceName
Service@ Ingress spec/rules/http/paths/backend/service/name spec/defaultBackend/service/name
Service@ APIService@apiregistration.k8s.io spec/service/name
Service@ ValidatingWebhookConfiguration@admissionregistration.k8s.io webhooks/clientConfig/service
Service@ MutatingWebhookConfiguration@admissionregistration.k8s.io webhooks/clientConfig/service
Role@rbac.authorization.k8s.io RoleBinding@rbac.authorization.k8s.io roleRef/name
ClusterRole@rbac.authorization.k8s.io RoleBinding@rbac.authorization.k8s.io roleRef/name
ClusterRole@rbac.authorization.k8s.io ClusterRoleBinding@rbac.authorization.k8s.io roleRef/name
ServiceAccount RoleBinding@rbac.authorization.k8s.io subjects
ServiceAccount ClusterRoleBinding@rbac.authorization.k8s.io subjects
ServiceAccount * serviceAccountName
PersistentVolumeClaim * volumes/persistentVolumeClaim/claimName
PersistentVolume PersistentVolumeClaim spec/volumeName
PersistentVolume ClusterRole rules/resourceNames
StorageClass@storage.k8s.io PersistentVolume spec/storageClassName
StorageClass@storage.k8s.io PersistentVolumeClaim spec/storageClassName
StorageClass@storage.k8s.io StatefulSet spec/volumeClaimTemplates/spec/storageClassName
PriorityClass@scheduling.k8s.io * priorityClassName
IngressClass@networking.k8s.io Ingress spec/ingressClassName
ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding spec/policyName
";

/// `kind[@group] path…`: what labels for selectors change; a `+` makes the field where it is missing.
const SELECTORS: &str = "
Service@ +spec/selector
ReplicationController@ +spec/selector
Deployment +spec/selector/matchLabels
ReplicaSet +spec/selector/matchLabels
DaemonSet +spec/selector/matchLabels
StatefulSet@apps +spec/selector/matchLabels
Job@batch spec/selector/matchLabels
CronJob@batch spec/jobTemplate/spec/selector/matchLabels
PodDisruptionBudget@policy spec/selector/matchLabels
NetworkPolicy@networking.k8s.io spec/podSelector/matchLabels
NetworkPolicy@networking.k8s.io spec/ingress/from/podSelector/matchLabels
NetworkPolicy@networking.k8s.io spec/egress/to/podSelector/matchLabels
StatefulSet@apps +spec/volumeClaimTemplates[]/metadata/labels
";

/// The templates whose metadata gets labels and annotations.
const TEMPLATES: &str = "
 +metadata/#
ReplicationController@ +spec/template/metadata/#
Deployment +spec/template/metadata/#
ReplicaSet +spec/template/metadata/#
DaemonSet +spec/template/metadata/#
StatefulSet@apps +spec/template/metadata/#
Job@batch +spec/template/metadata/#
CronJob@batch +spec/jobTemplate/metadata/#
CronJob@batch +spec/jobTemplate/spec/template/metadata/#
";

/// The selectors of affinity and spread, below the specification of a pod.
const AFFINITY: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

/// Fields in which `$(NAME)` is replaced, below the specification of a pod.
const VARIABLES: [&str; 9] = [
    "containers/args",
    "containers/command",
    "containers/env/value",
    "containers/volumeMounts/mountPath",
    "initContainers/args",
    "initContainers/command",
    "initContainers/env/value",
    "initContainers/volumeMounts/mountPath",
    "volumes/nfs/server",
];

fn field(kind: &str, path: &str) -> Field {
    let (kind, group) = kind.split_once('@').unwrap_or((kind, ""));
    // `Service@` is the core group's, which is version v1 and nothing else.
    let version = if matches!(kind, "Service" | "ReplicationController") && group.is_empty() {
        "v1"
    } else {
        ""
    };
    let (group, version, kind) = (group.to_owned(), version.to_owned(), kind.to_owned());
    let create = path.starts_with('+');
    Field { group, version, kind, ..Field::new(path.trim_start_matches('+'), create) }
}

fn table(text: &str) -> impl Iterator<Item = Arc<Field>> {
    text.lines().filter(|it| !it.is_empty()).filter_map(|line| {
        let (kind, path) = line.split_once(' ')?;
        Some(Arc::new(field(kind, path)))
    })
}

fn metadata(what: &str) -> Vec<Arc<Field>> {
    table(&TEMPLATES.replace('#', what)).collect()
}

fn references() -> Vec<Arc<Reference>> {
    let mut found: Vec<Reference> = Vec::new();
    for line in REFERENCES.lines().filter(|it| !it.is_empty()) {
        let mut words = line.split(' ');
        let (Some(target), Some(referrer)) = (words.next(), words.next()) else { continue };
        let (kind, group) = target.split_once('@').unwrap_or((target, ""));
        let below = |path: &str| -> Vec<Field> {
            match referrer {
                "*" => PODS.iter().map(|it| field(it.0, &format!("{}/{path}", it.1))).collect(),
                _ => vec![field(referrer, path)],
            }
        };
        let fields: Vec<_> = words.flat_map(below).collect();
        match found.iter_mut().find(|it| it.kind == kind) {
            Some(reference) => reference.fields.extend(fields),
            None => {
                let version = if kind == "Service" { "v1" } else { "" };
                let (group, version, kind) =
                    (group.to_owned(), version.to_owned(), kind.to_owned());
                found.push(Reference { group, version, kind, fields });
            }
        }
    }
    found.into_iter().map(Arc::new).collect()
}

fn list(fields: impl IntoIterator<Item = Field>) -> List {
    Arc::new(fields.into_iter().map(Arc::new).collect())
}

static DEFAULT: LazyLock<Fields> = LazyLock::new(|| {
    let template_labels = metadata("labels");
    let affinity = ["Deployment@apps", "StatefulSet@apps"].iter().flat_map(|kind| {
        AFFINITY.iter().map(|path| field(kind, &format!("spec/template/spec/{path}")))
    });
    let variables = PODS
        .iter()
        .flat_map(|it| VARIABLES.iter().map(|path| field(it.0, &format!("{}/{path}", it.1))))
        .chain(
            ["spec/rules/host", "spec/tls/hosts", "spec/tls/secretName"]
                .map(|it| field("Ingress", it)),
        )
        .chain([field("Deployment", "spec/template/metadata/annotations")])
        .chain([field("Service", "metadata/annotations"), field("", "metadata/annotations")]);
    let namespace = [
        field("Namespace", "+metadata/name"),
        field("APIService@apiregistration.k8s.io", "+spec/service/namespace"),
        field(
            "CustomResourceDefinition@apiextensions.k8s.io",
            "spec/conversion/webhook/clientConfig/service/namespace",
        ),
    ];
    let replicas = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
        .map(|it| Field { version: String::new(), ..field(it, "+spec/replicas") });
    let common_labels =
        table(SELECTORS).chain(affinity.map(Arc::new)).chain(template_labels.clone());
    Fields {
        namespace: list(namespace),
        prefix: list([field("", "metadata/name")]),
        suffix: list([field("", "metadata/name")]),
        labels: Arc::default(),
        common_labels: Arc::new(common_labels.collect()),
        annotations: Arc::new(metadata("annotations")),
        images: Arc::default(),
        replicas: list(replicas),
        references: Arc::new(references()),
        variables: list(variables),
        template_labels: Arc::new(template_labels),
    }
});

impl Fields {
    /// Those of Kustomize itself, and those that files of `configurations` add.
    pub(super) fn of(configurations: &[Node]) -> Cow<'static, Self> {
        let mut fields = Cow::Borrowed(&*DEFAULT);
        configurations.iter().for_each(|it| fields.to_mut().extend(it));
        fields
    }

    /// Adds what a file of `configurations` says.
    fn extend(&mut self, file: &Node) {
        let mut lists: [(&str, &mut List); 10] = [
            ("namespace", &mut self.namespace),
            ("namePrefix", &mut self.prefix),
            ("nameSuffix", &mut self.suffix),
            ("labels", &mut self.labels),
            ("commonLabels", &mut self.common_labels),
            ("templateLabels", &mut self.template_labels),
            ("commonAnnotations", &mut self.annotations),
            ("images", &mut self.images),
            ("replicas", &mut self.replicas),
            ("varReference", &mut self.variables),
        ];
        for (key, list) in &mut lists {
            for it in file.get(key).into_iter().flat_map(Node::items).map(read).map(Arc::new) {
                if !list.contains(&it) {
                    Arc::make_mut(list).push(it);
                }
            }
        }
        for it in file.get("nameReference").into_iter().flat_map(Node::items) {
            let Field { group, version, kind, .. } = read(it);
            let fields = it.get("fieldSpecs").into_iter().flat_map(Node::items).map(read);
            let reference = Reference { group, version, kind, fields: fields.collect() };
            Arc::make_mut(&mut self.references).push(Arc::new(reference));
        }
    }
}

/// A field as it is written in YAML.
pub(super) fn read(it: &Node) -> Field {
    let text = |key| it.scalar_at(&[key]).to_owned();
    let create = it.scalar_at(&["create"]) == "true";
    let (group, version, kind) = (text("group"), text("version"), text("kind"));
    Field { group, version, kind, ..Field::new(it.scalar_at(&["path"]), create) }
}

impl Field {
    /// A field of every kind.
    pub(super) fn new(path: &str, create: bool) -> Self {
        let (path, parts) = (path.to_owned(), parts(path));
        Self { path, parts, create, ..Self::default() }
    }

    /// Whether an object has the field at all.
    pub(super) fn is_of(&self, id: &Id<'_>) -> bool {
        id.is_of(&self.group, &self.version, &self.kind)
    }

    /// Gives every value at the path to `change`; a value that is missing is made at `at`, as null,
    /// where the field says so.
    pub(super) fn visit(&self, object: &mut Node, at: At, change: &mut dyn FnMut(&mut Node)) {
        visit(object, &self.parts, self.create.then_some(at), change);
    }

    /// Gives every value that is at the path to `change`.
    pub(super) fn visit_written(&self, object: &mut Node, change: &mut dyn FnMut(&mut Node)) {
        visit(object, &self.parts, None, change);
    }
}

/// The parts of a path, as many as are followed; `\/` is no separator.
fn parts(path: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = path.trim_start_matches('/');
    while !rest.is_empty() && parts.len() < DEEPEST {
        let is_end = |at: &usize| rest.as_bytes()[at - 1] != b'\\';
        let end = rest.match_indices('/').map(|it| it.0).find(is_end).unwrap_or(rest.len());
        let name = rest[..end].replace("\\/", "/");
        let key = name.trim_end_matches("[]").to_owned();
        parts.push(Part { is_list: key.len() < name.len(), key });
        rest = rest[end..].trim_start_matches('/');
    }
    parts
}

fn visit(node: &mut Node, parts: &[Part], create: Option<At>, change: &mut dyn FnMut(&mut Node)) {
    let [part, rest @ ..] = parts else { return change(node) };
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|it| visit(it, parts, create, change)),
        Data::Map(_) => {
            let next = match create.filter(|_| !part.is_list) {
                Some(at) => node.make(&part.key, at),
                None => node.get_mut(&part.key),
            };
            let Some(next) = next else { return };
            if next.is_null() && create.is_some() && !part.is_list && !rest.is_empty() {
                next.data = Data::Map(Shared::default());
            }
            visit(next, rest, create, change);
        }
        _ => {}
    }
}
