//! Where objects keep their pods: which kinds embed pod templates, and at which path.

use super::Identity;
use crate::document::Node;

/// One step on the way from an object to its pod templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The value under a key.
    Key(&'static str),
    /// Every item of a list, every value of a map.
    Each,
}
use Step::{Each, Key};

/// How many pods of one object are looked at.
const MOST: usize = 1000;

/// The path to what has `metadata` and `spec` of a pod.
fn path(it: Identity<'_>) -> Option<&'static [Step]> {
    const TEMPLATE: &[Step] = &[Key("spec"), Key("template")];
    Some(match (it.group, it.kind) {
        ("", "Pod") => &[],
        ("", "PodTemplate") => &[Key("template")],
        ("batch", "CronJob") => &[Key("spec"), Key("jobTemplate"), Key("spec"), Key("template")],
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch" | "extensions", "Job")
        | ("argoproj.io", "Rollout")
        | ("serving.knative.dev", "Service" | "Configuration")
        | ("", "DeploymentConfig")
        | ("apps.openshift.io", "DeploymentConfig") => TEMPLATE,
        ("argoproj.io", "Experiment") => &[Key("spec"), Key("templates"), Each, Key("template")],
        ("keda.sh", "ScaledJob") => &[Key("spec"), Key("jobTargetRef"), Key("template")],
        ("jobset.x-k8s.io", "JobSet") => &[
            Key("spec"),
            Key("replicatedJobs"),
            Each,
            Key("template"),
            Key("spec"),
            Key("template"),
        ],
        ("agents.x-k8s.io" | "extensions.agents.x-k8s.io", _) => &[Key("spec"), Key("podTemplate")],
        ("kubeflow.org", "TFJob") => &[Key("spec"), Key("tfReplicaSpecs"), Each, Key("template")],
        ("kubeflow.org", "MPIJob") => &[Key("spec"), Key("mpiReplicaSpecs"), Each, Key("template")],
        ("kubeflow.org", "PyTorchJob") => {
            &[Key("spec"), Key("pytorchReplicaSpecs"), Each, Key("template")]
        }
        ("apps.kruise.io", "AdvancedCronJob") => &[
            Key("spec"),
            Key("template"),
            Key("broadcastJobTemplate"),
            Key("spec"),
            Key("template"),
        ],
        _ => return None,
    })
}

/// The pod templates of an object: nodes that have `metadata` and `spec` of a pod.
pub(super) fn templates<'a>(object: Node<'a>, identity: Identity<'a>) -> Vec<Node<'a>> {
    let mut found = Vec::new();
    match path(identity) {
        Some(path) => walk(object, path, &mut found),
        None => found.extend(object.at(&["spec", "template"]).filter(|it| holds_containers(*it))),
    }
    found.retain(|it| it.get("spec").is_some_and(Node::is_map));
    found
}

fn walk<'a>(node: Node<'a>, path: &[Step], found: &mut Vec<Node<'a>>) {
    let Some((step, rest)) = path.split_first() else {
        if found.len() < MOST {
            found.push(node);
        }
        return;
    };
    match step {
        Key(key) => {
            if let Some(next) = node.get(key) {
                walk(next, rest, found);
            }
        }
        Each => node.children().for_each(|it| walk(it, rest, found)),
    }
}

/// Whether a custom resource's template is a pod's: it has containers with names or images, and
/// nothing is guessed from less.
fn holds_containers(template: Node<'_>) -> bool {
    let Some(containers) = template.at(&["spec", "containers"]) else { return false };
    !containers.is_empty()
        && containers
            .children()
            .all(|it| it.is_map() && it.str("name").is_some() && it.str("image").is_some())
}
