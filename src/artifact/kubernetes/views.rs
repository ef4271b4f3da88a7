//! The views on manifests.

use std::collections::BTreeMap;

use super::{
    derive::is_filled_in,
    heap,
    lifecycle::life,
    manifest::{Container, Manifest, Pod, manifests},
    schema, secret,
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Role, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

const fn field(name: &'static str, shape: Shape, means: &'static str) -> Field {
    Field { name, shape, means }
}

const OBJECT: Field = field(
    "object",
    Shape::Record(&[
        field("kind", Shape::Text, "`Deployment`, …"),
        field("group", Shape::Text, "`apps`; empty for the core group"),
        field("version", Shape::Text, "`v1`, …"),
        field("name", Shape::Text, "its name; empty if it has none"),
        field("namespace", Shape::Text, "its namespace as written; empty if it names none"),
        field("filled", Shape::Bool, "whether a template fills its name in when it is rendered"),
        field("labels", Shape::Any, "its labels"),
        field("annotations", Shape::Any, "its annotations"),
        field("patch", Shape::Bool, "whether it looks like a Kustomize patch"),
        field("raw", Shape::Any, "the object as written"),
        field("pods", Shape::List(&Shape::Any), "what is derived of its pods"),
    ]),
    "the object it belongs to",
);
const WORKLOAD: Field = field("workload", Shape::Any, "the object that makes the pod, as written");
const TEMPLATE: Field = field("template", Shape::Any, "the metadata that the pod gets");
const POD: Field = field("pod", Shape::Any, "the specification of the pod, as written");
const CONTAINERS: Field = field(
    "containers",
    Shape::List(&Shape::Any),
    "all its containers as written: regular, init, ephemeral",
);
const CONTAINER: Field = field("container", Shape::Any, "the container it belongs to");
const LIST: Field = field(
    "list",
    Shape::Text,
    "where the container stands: `containers`, `initContainers` or `ephemeralContainers`",
);
const IMAGE: Field = field(
    "image",
    Shape::Record(&[
        field("text", Shape::Text, "the reference as written"),
        field("registry", Shape::Text, "the host; empty if it names none"),
        field("name", Shape::Text, "the repository"),
        field("tag", Shape::Text, "the tag; empty if it has none"),
        field("digest", Shape::Text, "the digest; empty if it has none"),
        field("known", Shape::Bool, "false for templates that somebody fills in"),
    ]),
    "the parts of the image reference",
);
const EFFECTIVE: Field = field(
    "effective",
    Shape::Record(&[
        field("runAsUser", Shape::Number, "of the container, or of its pod"),
        field("runAsGroup", Shape::Number, "of the container, or of its pod"),
        field("runAsNonRoot", Shape::Bool, "of the container, or of its pod"),
        field("seccompProfile", Shape::Any, "of the container, or of its pod"),
        field("seLinuxOptions", Shape::Any, "of the container, or of its pod"),
        field("windowsOptions", Shape::Any, "of the container, or of its pod"),
        field("appArmorProfile", Shape::Any, "of the container, or of its pod"),
        field("privileged", Shape::Bool, "of the container"),
        field("allowPrivilegeEscalation", Shape::Bool, "of the container"),
        field("readOnlyRootFilesystem", Shape::Bool, "of the container"),
        field("capabilities", Shape::Any, "of the container"),
        field("procMount", Shape::Text, "of the container"),
    ]),
    "the security settings that hold for the container",
);

const fn it(means: &'static str) -> Field {
    field("it", Shape::Any, means)
}

const fn view(
    name: &'static str,
    means: &'static str,
    vars: &'static [Field],
    select: for<'a> fn(&'a Artifact, Emit<'_, 'a>),
) -> View {
    View { name, kind: Kind::Kubernetes, means, vars, select: Select::File(select) }
}

/// Subjects with all objects of some kinds, as written.
macro_rules! of_kind {
    ($name:literal, $means:literal, $group:pat, $kind:pat) => {
        view($name, $means, &[it("the object as written"), OBJECT], |artifact, emit| {
            for manifest in manifests(artifact) {
                if matches!(manifest.group(), $group) && matches!(manifest.kind(), $kind) {
                    emit(whole(manifest));
                }
            }
        })
    };
}

/// The views.
pub const VIEWS: &[View] = &[
    of_kind!("kubernetes.object", "every object, also custom ones", _, _),
    view(
        "kubernetes.unsorted_map",
        "every object but definitions, at the first map whose keys are not sorted",
        &[
            it("the map as written, or the object"),
            OBJECT,
            field("sorted", Shape::Bool, "whether the keys of all its maps are sorted"),
        ],
        unsorted_maps,
    ),
    view(
        "kubernetes.deprecated_api",
        "every object whose version of the API is deprecated or removed",
        &[
            it("the object as written"),
            OBJECT,
            field("deprecated", Shape::Number, "the release that deprecated it: 22 for 1.22"),
            field("removed", Shape::Number, "the release that no longer serves it"),
            field("replacement", Shape::Text, "the `apiVersion` to use; empty if there is none"),
        ],
        deprecated_apis,
    ),
    view(
        "kubernetes.heap",
        "every flag that tells the JVM, Node or Go how much memory to use, in a container with a limit",
        &[
            it("the text that holds the flag"),
            OBJECT,
            CONTAINER,
            field("flag", Shape::Text, "the flag, as written"),
            field("bytes", Shape::Number, "the bytes it asks for"),
        ],
        heaps,
    ),
    view(
        "kubernetes.faulty_field",
        "every field of a built-in kind that the kind does not have, or that is of another type",
        &[
            it("the value of the field"),
            OBJECT,
            field("name", Shape::Text, "the field; empty for an item of a list"),
            field("owner", Shape::Text, "the structure that it stands in: `PodSpec`, …"),
            field("wanted", Shape::Text, "what it must be; null where there is no such field"),
            field("meant", Shape::Text, "the field that is much like it; null if there is none"),
        ],
        faulty_fields,
    ),
    view(
        "kubernetes.workload",
        "every object that is a pod or makes pods; one subject for each of its pod templates",
        &[it("the object as written"), OBJECT, POD, TEMPLATE, CONTAINERS],
        workloads,
    ),
    view(
        "kubernetes.pod",
        "every pod and every pod template",
        &[
            it("the specification of the pod, as written"),
            OBJECT,
            WORKLOAD,
            TEMPLATE,
            CONTAINERS,
            field("account", Shape::Any, "its ServiceAccount, where it is in the same file"),
        ],
        pods,
    ),
    view(
        "kubernetes.container",
        "every container: regular, init and ephemeral",
        &[it("the container as written"), OBJECT, WORKLOAD, POD, TEMPLATE, LIST, IMAGE, EFFECTIVE],
        containers,
    ),
    view(
        "kubernetes.volume",
        "every volume of a pod",
        &[it("the volume as written"), OBJECT, WORKLOAD, POD],
        volumes,
    ),
    view(
        "kubernetes.mount",
        "every volume mount of a container, with its volume",
        &[
            it("the mount as written"),
            OBJECT,
            WORKLOAD,
            POD,
            CONTAINER,
            LIST,
            field("volume", Shape::Any, "the volume that it mounts; null if the pod has none"),
        ],
        mounts,
    ),
    view(
        "kubernetes.env",
        "every environment variable of a container",
        &[it("the variable as written"), OBJECT, WORKLOAD, POD, CONTAINER, LIST],
        |artifact, emit| members(artifact, emit, "env"),
    ),
    view(
        "kubernetes.port",
        "every port of a container",
        &[it("the port as written"), OBJECT, WORKLOAD, POD, CONTAINER, LIST],
        |artifact, emit| members(artifact, emit, "ports"),
    ),
    view(
        "kubernetes.probe",
        "every probe of a container",
        &[
            it("the probe as written"),
            OBJECT,
            WORKLOAD,
            POD,
            CONTAINER,
            LIST,
            field("role", Shape::Text, "`livenessProbe`, `readinessProbe` or `startupProbe`"),
        ],
        probes,
    ),
    view(
        "kubernetes.component",
        "every container that runs a part of the control plane or a kubelet",
        &[
            it("the container as written"),
            OBJECT,
            WORKLOAD,
            field("component", Shape::Text, "`kube-apiserver`, `etcd`, …"),
            field("flags", Shape::Any, "its flags without the dashes, with their values as text"),
        ],
        components,
    ),
    of_kind!("kubernetes.deployment", "every Deployment", "apps" | "extensions", "Deployment"),
    of_kind!("kubernetes.stateful_set", "every StatefulSet", "apps", "StatefulSet"),
    of_kind!("kubernetes.daemon_set", "every DaemonSet", "apps" | "extensions", "DaemonSet"),
    of_kind!("kubernetes.job", "every Job", "batch" | "extensions", "Job"),
    of_kind!("kubernetes.cron_job", "every CronJob", "batch", "CronJob"),
    of_kind!("kubernetes.service", "every Service", "", "Service"),
    view(
        "kubernetes.ingress",
        "every Ingress but those that only the tests of a chart ask for: values give it its hosts",
        &[it("the object as written"), OBJECT],
        |artifact, emit| {
            for manifest in manifests(artifact).filter(|_| artifact.role != Role::Trial) {
                let is_group = matches!(manifest.group(), "networking.k8s.io" | "extensions" | "");
                if is_group && manifest.kind() == "Ingress" {
                    emit(whole(manifest));
                }
            }
        },
    ),
    of_kind!(
        "kubernetes.network_policy",
        "every NetworkPolicy",
        "networking.k8s.io" | "extensions" | "",
        "NetworkPolicy"
    ),
    of_kind!(
        "kubernetes.role",
        "every Role and ClusterRole",
        "rbac.authorization.k8s.io",
        "Role" | "ClusterRole"
    ),
    of_kind!(
        "kubernetes.role_binding",
        "every RoleBinding and ClusterRoleBinding",
        "rbac.authorization.k8s.io",
        "RoleBinding" | "ClusterRoleBinding"
    ),
    view(
        "kubernetes.role_rule",
        "every rule of a Role or a ClusterRole",
        &[it("the rule as written"), OBJECT, field("role", Shape::Any, "the role as written")],
        role_rules,
    ),
    of_kind!("kubernetes.service_account", "every ServiceAccount", "", "ServiceAccount"),
    of_kind!("kubernetes.config_map", "every ConfigMap", "", "ConfigMap"),
    view(
        "kubernetes.secret",
        "every Secret",
        &[
            it("the object as written"),
            OBJECT,
            field("filled", Shape::Bool, "whether a template fills values in when it is rendered"),
            field("encoded", Shape::List(&Shape::Any), "the values of `data` that are secrets"),
            field("plain", Shape::List(&Shape::Any), "the values of `stringData` that are secrets"),
        ],
        secrets,
    ),
    of_kind!("kubernetes.namespace", "every Namespace", "", "Namespace"),
    of_kind!("kubernetes.pvc", "every PersistentVolumeClaim", "", "PersistentVolumeClaim"),
    of_kind!(
        "kubernetes.hpa",
        "every HorizontalPodAutoscaler",
        "autoscaling",
        "HorizontalPodAutoscaler"
    ),
    of_kind!("kubernetes.pdb", "every PodDisruptionBudget", "policy" | "", "PodDisruptionBudget"),
    of_kind!(
        "kubernetes.admission_webhook",
        "every configuration of admission webhooks",
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration"
    ),
];

fn secrets<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let of_kind = |it: &Manifest<'_>| it.group().is_empty() && it.kind() == "Secret";
    for manifest in manifests(artifact).filter(of_kind) {
        let mut subject = whole(manifest);
        let values = ["data", "stringData"].iter().filter_map(|it| manifest.raw().get(it));
        let filled = values.flat_map(Node::children).any(is_filled_in);
        subject.values.push(filled.into());
        for list in ["data", "stringData"] {
            subject.values.push(Value::nodes(secret::written(manifest.raw(), list)));
        }
        emit(subject);
    }
}

/// The whole object as a subject.
fn whole(manifest: Manifest<'_>) -> Subject<'_> {
    Subject {
        values: vec![manifest.raw().into(), manifest.record().into()],
        at: manifest.at(),
        object: Some(manifest.object()),
    }
}

/// The pods that are judged, with their objects. Patches are not: they lack what the rules ask for.
fn judged(artifact: &Artifact) -> impl Iterator<Item = (Manifest<'_>, Pod<'_>)> {
    manifests(artifact)
        .filter(|it| !it.is_patch())
        .flat_map(|manifest| manifest.pods().map(move |pod| (manifest, pod)))
}

fn all_containers<'a>(pod: Pod<'a>) -> Value<'a> {
    Value::nodes(pod.containers().map(Container::raw))
}

/// How many nodes of an object are looked at for their order.
const MOST_SORTED: usize = 20_000;

fn unsorted_maps<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    // Definitions are written by generators, and hold most of the bytes.
    let all = manifests(artifact).filter(|it| !it.is_definition());
    for manifest in all {
        let unsorted = unsorted(manifest.raw());
        let at = unsorted.unwrap_or_else(|| manifest.at());
        emit(Subject {
            values: vec![at.into(), manifest.record().into(), unsorted.is_none().into()],
            at,
            object: Some(manifest.object()),
        });
    }
}

/// The first map below a node whose keys are not sorted.
fn unsorted(root: Node<'_>) -> Option<Node<'_>> {
    let (mut left, mut seen) = (vec![root], 0);
    while let Some(node) = left.pop() {
        let below = left.len();
        let (mut sorted, mut last) = (true, "");
        seen += 1;
        for inner in node.children() {
            seen += 1;
            if seen > MOST_SORTED {
                return None;
            }
            let key = inner.key();
            sorted &= last <= key;
            last = key;
            if inner.is_map() || inner.is_seq() {
                left.push(inner);
            }
        }
        if node.is_map() && !sorted {
            return Some(node);
        }
        left[below..].reverse();
    }
    None
}

fn deprecated_apis<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for manifest in manifests(artifact) {
        let Some(life) = life(manifest.group(), manifest.version(), manifest.kind()) else {
            continue;
        };
        emit(Subject {
            values: vec![
                manifest.raw().into(),
                manifest.record().into(),
                i64::from(life.deprecated).into(),
                i64::from(life.removed).into(),
                life.replacement.into(),
            ],
            at: manifest.raw().get("apiVersion").unwrap_or_else(|| manifest.raw()),
            object: Some(manifest.object()),
        });
    }
}

fn heaps<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        for container in pod.containers() {
            for heap in heap::heaps(container) {
                emit(Subject {
                    values: vec![
                        heap.node.into(),
                        manifest.record().into(),
                        container.raw().into(),
                        heap.flag.into(),
                        heap.bytes.into(),
                    ],
                    at: heap.node,
                    object: Some(manifest.object()),
                });
            }
        }
    }
}

fn faulty_fields<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for manifest in manifests(artifact).filter(|it| !it.is_patch()) {
        for fault in schema::faults(manifest.raw()) {
            emit(Subject {
                values: vec![
                    fault.node.into(),
                    manifest.record().into(),
                    fault.node.key().into(),
                    fault.owner.into(),
                    fault.wanted.map_or(Value::Null, Value::Str),
                    fault.meant.map_or(Value::Null, Value::Str),
                ],
                at: fault.node,
                object: Some(manifest.object()),
            });
        }
    }
}

fn workloads<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        emit(Subject {
            values: vec![
                manifest.raw().into(),
                manifest.record().into(),
                pod.spec().into(),
                Value::maybe(pod.metadata()),
                all_containers(pod),
            ],
            at: manifest.at(),
            object: Some(manifest.object()),
        });
    }
}

fn pods<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let accounts: BTreeMap<_, _> = manifests(artifact)
        .filter(|it| it.kind() == "ServiceAccount")
        .map(|it| (it.name(), it.raw()))
        .collect();
    for (manifest, pod) in judged(artifact) {
        let account = pod.spec().str("serviceAccountName").and_then(|it| accounts.get(it));
        emit(Subject {
            values: vec![
                pod.spec().into(),
                manifest.record().into(),
                manifest.raw().into(),
                Value::maybe(pod.metadata()),
                all_containers(pod),
                Value::maybe(account.copied()),
            ],
            at: pod.spec(),
            object: Some(manifest.object()),
        });
    }
}

fn containers<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        for container in pod.containers() {
            emit(Subject {
                values: vec![
                    container.raw().into(),
                    manifest.record().into(),
                    manifest.raw().into(),
                    pod.spec().into(),
                    Value::maybe(pod.metadata()),
                    container.list().into(),
                    Value::maybe(container.image()),
                    container.effective().into(),
                ],
                at: container.raw(),
                object: Some(manifest.object()),
            });
        }
    }
}

fn volumes<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        for volume in pod.spec().get("volumes").into_iter().flat_map(Node::children) {
            emit(Subject {
                values: vec![
                    volume.into(),
                    manifest.record().into(),
                    manifest.raw().into(),
                    pod.spec().into(),
                ],
                at: volume,
                object: Some(manifest.object()),
            });
        }
    }
}

/// A member of a container as a subject, with the companions that all such views share.
fn member<'a>(
    (manifest, pod, container): (Manifest<'a>, Pod<'a>, Container<'a>),
    it: Node<'a>,
    more: Vec<Value<'a>>,
) -> Subject<'a> {
    let mut values = vec![
        it.into(),
        manifest.record().into(),
        manifest.raw().into(),
        pod.spec().into(),
        container.raw().into(),
        container.list().into(),
    ];
    values.extend(more);
    Subject { values, at: it, object: Some(manifest.object()) }
}

fn members<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>, list: &str) {
    for (manifest, pod) in judged(artifact) {
        for container in pod.containers() {
            for it in container.raw().get(list).into_iter().flat_map(Node::children) {
                emit(member((manifest, pod, container), it, Vec::new()));
            }
        }
    }
}

/// Volumes are looked up in a map: a hostile pod may have as many of them as of mounts.
fn mounts<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        let volumes = pod.spec().get("volumes").into_iter().flat_map(Node::children);
        let volumes: BTreeMap<_, _> =
            volumes.filter_map(|it| Some((it.str("name")?, it))).collect();
        for container in pod.containers() {
            for it in container.raw().get("volumeMounts").into_iter().flat_map(Node::children) {
                let volume = it.str("name").and_then(|it| volumes.get(it)).copied();
                emit(member((manifest, pod, container), it, vec![Value::maybe(volume)]));
            }
        }
    }
}

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

fn probes<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        for container in pod.containers() {
            for role in PROBES {
                if let Some(probe) = container.raw().get(role).filter(|it| it.is_map()) {
                    emit(member((manifest, pod, container), probe, vec![role.into()]));
                }
            }
        }
    }
}

/// The programs whose flags are judged.
const COMPONENTS: [&str; 7] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "kubelet",
    "cloud-controller-manager",
];

fn components<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for (manifest, pod) in judged(artifact) {
        for container in pod.containers() {
            if let Some((component, flags)) = command_line(container.raw()) {
                emit(Subject {
                    values: vec![
                        container.raw().into(),
                        manifest.record().into(),
                        manifest.raw().into(),
                        component.into(),
                        flags,
                    ],
                    at: container.raw().get("command").unwrap_or_else(|| container.raw()),
                    object: Some(manifest.object()),
                });
            }
        }
    }
}

/// The program that a container runs, if it is one of [`COMPONENTS`], and its flags.
fn command_line(container: Node<'_>) -> Option<(&str, Value<'_>)> {
    let words = ["command", "args"]
        .into_iter()
        .filter_map(|it| container.get(it))
        .flat_map(Node::children)
        .filter_map(Node::as_str);
    let mut program = None;
    let mut flags = Vec::new();
    for word in words {
        for (at, part) in word.trim().split(" --").enumerate() {
            if let Some(flag) = part.strip_prefix("--").or((at > 0).then_some(part)) {
                let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
                flags.push((name.trim(), value.trim().into()));
            } else if program.is_none() {
                program = component(part);
            }
        }
    }
    let program = program.or_else(|| {
        let image = container.str("image").filter(|_| container.get("command").is_none())?;
        component(image.split(['@', ':']).next()?)
    });
    Some((program?, Value::map(flags)))
}

/// The component that a path of a program or of an image names.
fn component(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    COMPONENTS.into_iter().find(|it| *it == name)
}

fn role_rules<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for manifest in manifests(artifact) {
        let is_role = matches!(manifest.kind(), "Role" | "ClusterRole");
        if !is_role || manifest.group() != "rbac.authorization.k8s.io" {
            continue;
        }
        for rule in manifest.raw().get("rules").into_iter().flat_map(Node::children) {
            emit(Subject {
                values: vec![rule.into(), manifest.record().into(), manifest.raw().into()],
                at: rule,
                object: Some(manifest.object()),
            });
        }
    }
}
