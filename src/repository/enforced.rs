//! Pods against the Pod Security level that their own Namespace enforces.

use super::{
    Repository,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, kubernetes::Pod},
    document::Node,
    value::Value,
};

/// The newest release whose controls are known: 37 is 1.37.
const NEWEST: i64 = 37;

const FIELDS: &[Field] = &[
    Field { name: "namespace", shape: Shape::Text, means: "the name of the Namespace" },
    Field { name: "level", shape: Shape::Text, means: "`baseline` or `restricted`" },
    Field {
        name: "release",
        shape: Shape::Number,
        means: "whose controls are enforced: 24 for v1.24, the newest for `latest`",
    },
    Field { name: "pod", shape: Shape::Any, means: "the spec of the pod, as written" },
    Field { name: "annotations", shape: Shape::Any, means: "the annotations of the pod" },
    Field {
        name: "containers",
        shape: Shape::List(&Shape::Any),
        means: "its containers of every kind: `raw` as written, `effective` with what its pod says",
    },
];

/// One subject for each pod whose Namespace is in the repository and enforces a level.
pub(super) const VIEW: View = View {
    name: "repository.enforced_pod",
    kind: Kind::Repository,
    means: "a pod in a Namespace of the repository that enforces a Pod Security level",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the pod" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    if objects.of(Class::Namespace).all(|it| enforced(it.node).is_none()) {
        return;
    }
    for from in objects.of(Class::Workload).filter(|it| !it.template) {
        if objects.is_patched(from) || from.namespace.is_empty() {
            continue;
        }
        let found = objects.named_in(from, "", Class::Namespace, from.namespace);
        let levels: Vec<_> = found.iter().map(|it| enforced(it.node)).collect();
        let Some(&Some((level, release))) = levels.first() else { continue };
        let firm = found.iter().all(|it| objects.is_firm(from, it) && !objects.is_patched(it));
        if !firm || levels.iter().any(|it| *it != Some((level, release))) {
            continue;
        }
        for pod in &from.pods {
            emit(subject(from, pod.made, level, release));
        }
    }
}

fn subject<'a>(from: &Object<'a>, pod: Pod<'a>, level: &'a str, release: i64) -> Subject<'a> {
    let annotations = pod.metadata().and_then(|it| it.get("annotations"));
    Subject {
        values: vec![record([
            ("namespace", Value::Str(from.namespace)),
            ("level", Value::Str(level)),
            ("release", Value::Int(release)),
            ("pod", Value::Node(pod.spec())),
            ("annotations", Value::maybe(annotations)),
            ("containers", Value::nodes(pod.containers().map(|it| it.record()))),
        ])],
        at: pod.spec(),
        object: Some(from.identity()),
    }
}

/// The level that a Namespace enforces, and the release whose controls make it; nothing for
/// `privileged`, which forbids nothing.
fn enforced(namespace: Node<'_>) -> Option<(&str, i64)> {
    let label = |key: &str| namespace.at(&["metadata", "labels", key]).map(Node::text);
    let level = label("pod-security.kubernetes.io/enforce")?;
    if !matches!(level, "baseline" | "restricted") {
        return None;
    }
    let release = match label("pod-security.kubernetes.io/enforce-version") {
        None | Some("latest") => NEWEST,
        Some(version) => version.strip_prefix("v1.")?.parse().ok()?,
    };
    Some((level, release))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::look;

    fn found(labels: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec: \
             {{containers: [{{name: web, image: web:1}}]}}\n"
        );
        look(&VIEW, &[("k8s/all.yaml", &*text)], &["namespace", "level", "release"])
    }

    #[test]
    fn a_level_counts_in_the_version_that_is_enforced() {
        let enforce = "pod-security.kubernetes.io/enforce";
        assert_eq!(found(&format!("{{{enforce}: baseline}}")), ["shop baseline 37"]);
        let versioned = format!("{{{enforce}: restricted, {enforce}-version: v1.24}}");
        assert_eq!(found(&versioned), ["shop restricted 24"]);
    }

    #[test]
    fn nothing_is_said_of_what_is_not_enforced_or_not_known() {
        let enforce = "pod-security.kubernetes.io/enforce";
        assert!(found(&format!("{{{enforce}: privileged}}")).is_empty());
        assert!(found("{pod-security.kubernetes.io/warn: restricted}").is_empty());
        assert!(found(&format!("{{{enforce}: baseline, {enforce}-version: soon}}")).is_empty());
    }
}
