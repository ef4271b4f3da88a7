//! What pods refer to by name: ConfigMaps, Secrets, claims and service accounts.

use super::{
    Repository, brief,
    labels::is_template,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    value::Value,
};

/// ConfigMaps that clusters make in every namespace.
const GIVEN: &[&str] = &["kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"];

const FIELDS: &[Field] = &[
    Field {
        name: "kind",
        shape: Shape::Text,
        means: "`ConfigMap`, `Secret`, `PersistentVolumeClaim` or `ServiceAccount`",
    },
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "key", shape: Shape::Any, means: "the key that is asked for, if one is" },
    Field {
        name: "via",
        shape: Shape::Text,
        means: "`env`, `envFrom`, `volume`, `pull` or `account`",
    },
    Field { name: "optional", shape: Shape::Bool, means: "whether the pod starts without it" },
    Field { name: "found", shape: Shape::Bool, means: "whether it is in the repository, or made" },
    Field { name: "target", shape: Shape::Any, means: "the object, where it is in the repository" },
    Field {
        name: "has_key",
        shape: Shape::Bool,
        means: "whether it has the key; true where it cannot be told",
    },
    Field { name: "mounted", shape: Shape::Bool, means: "whether a container mounts its volume" },
    Field { name: "workload", shape: Shape::Any, means: "the workload that refers to it" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps objects of that kind near",
    },
];

/// One subject for each reference of a pod to an object of its namespace.
pub(super) const VIEW: View = View {
    name: "repository.reference",
    kind: Kind::Repository,
    means: "a ConfigMap, Secret, claim or service account that a pod refers to",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the reference" }],
    select: Select::Repository(select),
};

/// A reference as a pod writes it.
#[derive(Clone, Copy)]
struct Reference<'a> {
    kind: &'static str,
    class: Class,
    name: Node<'a>,
    key: Option<Node<'a>>,
    via: &'static str,
    optional: bool,
    /// The volume that it is for.
    volume: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn new(kind: &'static str, via: &'static str, node: Node<'a>, name: &str) -> Option<Self> {
        let class = match kind {
            "ConfigMap" => Class::ConfigMap,
            "Secret" => Class::Secret,
            "PersistentVolumeClaim" => Class::Claim,
            _ => Class::Account,
        };
        let name = node.get(name).filter(|it| it.as_str().is_some_and(|it| !it.is_empty()))?;
        let optional = node.get("optional").and_then(Node::as_bool) == Some(true);
        Some(Self { kind, class, name, key: None, via, optional, volume: None })
    }

    fn key(self, key: Option<Node<'a>>) -> Self {
        Self { key, ..self }
    }
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for from in repository.objects.of(Class::Workload) {
        let templates = from.spec("volumeClaimTemplates").into_iter().flat_map(Node::children);
        let own: Vec<_> =
            templates.filter_map(|it| it.at(&["metadata", "name"])?.as_str()).collect();
        for reference in from.pods.iter().flat_map(|pod| references(pod.spec)) {
            // A StatefulSet replaces the volumes that bear the name of one of its templates.
            let replaced = reference.volume.is_some_and(|it| own.contains(&it));
            if !replaced && !is_template(reference.name.text()) {
                emit(subject(repository, from, &reference));
            }
        }
    }
}

fn references(spec: Node<'_>) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    for key in ["initContainers", "containers"] {
        for container in list(spec, key) {
            of_container(container, &mut found);
        }
    }
    for volume in list(spec, "volumes") {
        of_volume(volume, &mut found);
    }
    found.extend(
        list(spec, "imagePullSecrets")
            .filter_map(|it| Reference::new("Secret", "pull", it, "name")),
    );
    let is_named = |key: &&&str| spec.str(key).is_some_and(|it| !it.is_empty());
    let account = ["serviceAccountName", "serviceAccount"].iter().find(is_named);
    found.extend(account.and_then(|key| Reference::new("ServiceAccount", "account", spec, key)));
    found
}

fn of_container<'a>(container: Node<'a>, found: &mut Vec<Reference<'a>>) {
    for variable in list(container, "env") {
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            if let Some(node) = variable.at(&["valueFrom", field]) {
                let reference = Reference::new(kind, "env", node, "name");
                found.extend(reference.map(|it| it.key(node.get("key"))));
            }
        }
    }
    for source in list(container, "envFrom") {
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            let node = source.get(field);
            found.extend(node.and_then(|it| Reference::new(kind, "envFrom", it, "name")));
        }
    }
}

fn of_volume<'a>(volume: Node<'a>, found: &mut Vec<Reference<'a>>) {
    let first = found.len();
    if let Some(claim) = volume.get("persistentVolumeClaim") {
        found.extend(Reference::new("PersistentVolumeClaim", "volume", claim, "claimName"));
    }
    of_source(volume, "secretName", found);
    if let Some(projected) = volume.get("projected") {
        for source in list(projected, "sources") {
            of_source(source, "name", found);
        }
    }
    found[first..].iter_mut().for_each(|it| it.volume = volume.str("name"));
}

/// A `configMap` or `secret` of a volume, once for each key that it picks.
fn of_source<'a>(node: Node<'a>, secret_name: &str, found: &mut Vec<Reference<'a>>) {
    for (field, kind, name) in
        [("configMap", "ConfigMap", "name"), ("secret", "Secret", secret_name)]
    {
        let Some(source) = node.get(field) else { continue };
        let Some(reference) = Reference::new(kind, "volume", source, name) else { continue };
        let keys: Vec<_> = list(source, "items").filter_map(|it| it.get("key")).collect();
        if keys.is_empty() {
            found.push(reference);
        }
        found.extend(keys.into_iter().map(|key| reference.key(Some(key))));
    }
}

fn subject<'a>(
    repository: &'a Repository<'a>,
    from: &Object<'a>,
    reference: &Reference<'a>,
) -> Subject<'a> {
    let objects = &repository.objects;
    let name = reference.name.text();
    let targets = objects.named(from, reference.class, name);
    let made = match reference.kind {
        "ServiceAccount" => name == "default",
        "ConfigMap" => GIVEN.contains(&name),
        "Secret" => objects.makes_secret(from, name),
        _ => false,
    };
    let has_key = reference.key.is_none_or(|key| {
        let known = |it: &&Object<'a>| objects.is_firm(from, it) && !objects.is_patched(it);
        made || targets.is_empty()
            || targets.iter().any(|it| !known(it) || holds(it.node, key.text()))
    });
    let operator = reference.class == Class::ConfigMap && objects.has_operator(from);
    let is_here = !targets.is_empty() || made;
    let certain = objects.is_certain(from, reference.class)
        && !operator
        && (is_here || !is_made_by_hand(repository, name));
    Subject {
        values: vec![record([
            ("kind", Value::Str(reference.kind)),
            ("name", Value::Str(name)),
            ("key", Value::maybe(reference.key)),
            ("via", Value::Str(reference.via)),
            ("optional", Value::Bool(reference.optional)),
            ("found", Value::Bool(is_here)),
            ("target", targets.first().map_or(Value::Null, |it| brief(it))),
            (
                "has_key",
                Value::Bool(has_key || reference.key.is_some_and(|it| is_template(it.text()))),
            ),
            ("mounted", Value::Bool(reference.volume.is_some_and(|it| mounts(from, it)))),
            ("workload", brief(from)),
            ("certain", Value::Bool(certain)),
        ])],
        at: reference.key.filter(|_| !targets.is_empty()).unwrap_or(reference.name),
        object: Some(from.identity()),
    }
}

/// Whether a page, a script or a Makefile says how somebody creates the object of that name.
fn is_made_by_hand(repository: &Repository<'_>, name: &str) -> bool {
    let kinds = [Kind::Docs, Kind::Makefile].into_iter().flat_map(|it| repository.of(it));
    let scripts = repository.texts.values().filter(|it| it.path.ends_with(".sh"));
    let mut texts =
        kinds.map(|it| it.tree.source.text.as_str()).chain(scripts.map(|it| it.text.as_str()));
    let says = |line: &str| line.contains("create") && line.contains(name);
    texts.any(|it| it.contains(name) && it.lines().any(says))
}

/// Whether a regular container of a workload mounts the volume.
fn mounts(from: &Object<'_>, volume: &str) -> bool {
    let containers = from.pods.iter().flat_map(|it| list(it.spec, "containers"));
    let mut mounts = containers.flat_map(|it| list(it, "volumeMounts"));
    mounts.any(|it| it.str("name") == Some(volume))
}

/// Whether a ConfigMap or a Secret has the key, or nobody can know its keys.
fn holds(object: Node<'_>, key: &str) -> bool {
    let parts = ["data", "binaryData", "stringData"];
    let has = parts.iter().any(|part| object.at(&[part, key]).is_some());
    // Empty ones wait for an operator or a person to fill them.
    has || parts.iter().all(|part| object.get(part).is_none_or(Node::is_empty))
}
