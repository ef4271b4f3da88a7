//! Autoscalers and disruption budgets: what they scale and protect, and whether their numbers fit.

use super::{
    Repository, brief, briefs,
    labels::is_template,
    objects::{Class, Object, same_namespace},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, kubernetes::quantity},
    document::Node,
    value::Value,
};

const AUTOSCALER_FIELDS: &[Field] = &[
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "kind", shape: Shape::Text, means: "the kind of its target" },
    Field { name: "name", shape: Shape::Text, means: "the name of its target" },
    Field { name: "builtin", shape: Shape::Bool, means: "whether that kind is one of Kubernetes" },
    Field { name: "found", shape: Shape::Bool, means: "whether the target is in the repository" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps workloads near",
    },
    Field { name: "api", shape: Shape::Text, means: "the `apiVersion` that it names" },
    Field { name: "target_api", shape: Shape::Text, means: "the `apiVersion` of the target" },
    Field { name: "min", shape: Shape::Number, means: "its lower bound" },
    Field { name: "max", shape: Shape::Any, means: "its upper bound" },
    Field { name: "target", shape: Shape::Any, means: "the target" },
    Field {
        name: "fixed",
        shape: Shape::Any,
        means: "the replicas that the target fixes, where no kustomization may change them",
    },
    Field {
        name: "quotas",
        shape: Shape::List(&Shape::Any),
        means: "quotas of the namespace against the upper bound: `resource`, `hard`, `limit`, `needed`",
    },
];

/// One subject for each HorizontalPodAutoscaler.
pub(super) const AUTOSCALER: View = View {
    name: "repository.autoscaler",
    kind: Kind::Repository,
    means: "a HorizontalPodAutoscaler, with what it scales",
    vars: &[Field { name: "it", shape: Shape::Record(AUTOSCALER_FIELDS), means: "the autoscaler" }],
    select: Select::Repository(autoscalers),
};

fn autoscalers<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Autoscaler).filter(|it| it.kind == "HorizontalPodAutoscaler") {
        let Some(reference) = from.spec("scaleTargetRef") else { continue };
        let (kind, name) = (reference.str("kind"), reference.str("name"));
        let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default());
        if is_template(kind) || is_template(name) {
            continue;
        }
        let target = repository.links.first(from).and_then(|it| it.to.first());
        let target = target.map(|&at| objects.get(at));
        let builtin =
            matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController");
        let certain = objects.is_certain(from, Class::Workload) && objects.keeps_kind(from, kind);
        let known = target.filter(|it| objects.is_firm(from, it) && !objects.is_patched(it));
        emit(Subject {
            values: vec![record([
                ("object", Value::Node(from.node)),
                ("kind", Value::Str(kind)),
                ("name", Value::Str(name)),
                ("builtin", Value::Bool(builtin)),
                ("found", Value::Bool(target.is_some() || objects.exists(from, kind, name))),
                ("certain", Value::Bool(builtin && certain)),
                ("api", Value::maybe(reference.get("apiVersion"))),
                (
                    "target_api",
                    target.map_or(Value::Null, |it| Value::maybe(it.node.get("apiVersion"))),
                ),
                ("min", Value::Int(least(from))),
                ("max", Value::maybe(from.spec("maxReplicas"))),
                ("target", target.map_or(Value::Null, |it| brief(it))),
                ("fixed", Value::maybe(known.and_then(|it| it.spec("replicas")))),
                ("quotas", known.map_or(Value::Null, |it| quotas(repository, from, it))),
            ])],
            at: reference,
            object: Some(from.identity()),
        });
    }
}

/// The lower bound of an autoscaler.
fn least(autoscaler: &Object<'_>) -> i64 {
    let own = |key| autoscaler.spec(key).and_then(Node::as_int);
    match autoscaler.kind {
        "ScaledObject" => own("minReplicaCount").unwrap_or(0),
        _ => own("minReplicas").unwrap_or(1),
    }
}

fn containers<'a>(workload: &Object<'a>) -> impl Iterator<Item = Node<'a>> {
    let spec = workload.pod();
    spec.and_then(|it| it.get("containers")).into_iter().flat_map(Node::children)
}

/// What a container asks for of a resource; a limit stands for a request that is not there.
fn request<'a>(container: Node<'a>, resource: &str) -> Option<Node<'a>> {
    let of = |key| container.at(&["resources", key, resource]);
    of("requests").or_else(|| of("limits"))
}

const CONTAINER_FIELDS: &[Field] = &[
    Field { name: "autoscaler", shape: Shape::Text, means: "the name of the autoscaler" },
    Field { name: "resource", shape: Shape::Text, means: "the resource whose use it measures" },
    Field { name: "container", shape: Shape::Any, means: "the container" },
    Field { name: "requested", shape: Shape::Bool, means: "whether the container requests it" },
];

/// One subject for each container whose use of a resource, in percent of what it requests, an
/// autoscaler measures.
pub(super) const MEASURED: View = View {
    name: "repository.autoscaler_container",
    kind: Kind::Repository,
    means: "a container whose use, in percent of its request, a HorizontalPodAutoscaler measures",
    vars: &[Field { name: "it", shape: Shape::Record(CONTAINER_FIELDS), means: "the measure" }],
    select: Select::Repository(measured_containers),
};

fn measured_containers<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Autoscaler).filter(|it| it.kind == "HorizontalPodAutoscaler") {
        let target = repository.links.first(from).and_then(|it| it.to.first());
        let Some(target) = target.map(|&at| objects.get(at)) else { continue };
        // A LimitRange gives requests to containers that have none.
        let mut other = objects.of(Class::Other);
        let given = other.any(|it| it.kind == "LimitRange" && same_namespace(it, target));
        if given
            || !objects.is_firm(from, target)
            || objects.is_patched(target)
            || objects.is_patched(from)
        {
            continue;
        }
        for (resource, only) in measured(from) {
            let wanted = |it: &Node<'_>| only.is_none_or(|name| it.str("name") == Some(name));
            for container in containers(target).filter(wanted) {
                emit(Subject {
                    values: vec![record([
                        ("autoscaler", Value::Str(from.name)),
                        ("resource", Value::Str(resource)),
                        ("container", Value::Node(container)),
                        ("requested", Value::Bool(request(container, resource).is_some())),
                    ])],
                    at: container,
                    object: Some(target.identity()),
                });
            }
        }
    }
}

/// The resources whose use, in percent of the request, an autoscaler measures; with the one
/// container it looks at, if it looks at one.
fn measured<'a>(from: &Object<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    let mut found = Vec::new();
    let metrics: Vec<_> = from.spec("metrics").into_iter().flat_map(Node::children).collect();
    for metric in &metrics {
        let source = match metric.str("type") {
            Some("Resource") => metric.get("resource"),
            Some("ContainerResource") => metric.get("containerResource"),
            _ => None,
        };
        let Some(source) = source else { continue };
        let percent = source.at(&["target", "averageUtilization"]);
        if percent.or_else(|| source.get("targetAverageUtilization")).is_some() {
            found.push((source.str("name").unwrap_or_default(), source.str("container")));
        }
    }
    // Without metrics, autoscalers measure the use of the CPU.
    if metrics.is_empty() {
        found.push(("cpu", None));
    }
    found
}

fn quotas<'a>(repository: &Repository<'a>, from: &Object<'a>, target: &Object<'a>) -> Value<'a> {
    let objects = &repository.objects;
    let max = from.spec("maxReplicas").and_then(Node::as_int).unwrap_or(0) as f64;
    let near = objects.of(Class::Quota).filter(|it| {
        let same = !it.namespace.is_empty() && it.namespace == target.namespace;
        let scoped = it.spec("scopes").or_else(|| it.spec("scopeSelector")).is_some();
        !scoped && same_namespace(it, target) && (same || objects.together(it, target))
    });
    let limits = near.filter_map(|it| it.spec("hard")).flat_map(Node::entries);
    let over = limits.filter_map(|(key, hard)| {
        let one = match key {
            "pods" | "count/pods" => 1.0,
            "cpu" | "requests.cpu" => sum(target, "requests", "cpu")?,
            "memory" | "requests.memory" => sum(target, "requests", "memory")?,
            "limits.cpu" => sum(target, "limits", "cpu")?,
            "limits.memory" => sum(target, "limits", "memory")?,
            _ => return None,
        };
        Some(record([
            ("resource", Value::Str(key)),
            ("hard", Value::Node(hard)),
            ("limit", Value::Float(quantity(&hard.display())?)),
            ("needed", Value::Float(one * max)),
        ]))
    });
    Value::list(over.take(20))
}

/// What one pod of the workload asks for; nothing if a container does not say.
fn sum(target: &Object<'_>, side: &str, resource: &str) -> Option<f64> {
    let mut total = 0.0;
    for container in containers(target) {
        let own = container.at(&["resources", side, resource]);
        let own =
            own.or_else(|| (side == "requests").then(|| request(container, resource)).flatten());
        total += quantity(&own?.display())?;
    }
    Some(total)
}

const BUDGET_FIELDS: &[Field] = &[
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "selector", shape: Shape::Text, means: "its selector, as `key=value, …`" },
    Field {
        name: "workloads",
        shape: Shape::List(&Shape::Any),
        means: "the workloads it protects",
    },
    Field { name: "wide", shape: Shape::Bool, means: "whether it selects the whole namespace" },
    Field { name: "min", shape: Shape::Any, means: "its `minAvailable`" },
    Field { name: "max", shape: Shape::Any, means: "its `maxUnavailable`" },
    Field {
        name: "pods",
        shape: Shape::Any,
        means: "how many pods there are at least; null where it is not known",
    },
    Field { name: "scaled", shape: Shape::Bool, means: "whether an autoscaler decides how many" },
    Field {
        name: "spare",
        shape: Shape::Any,
        means: "how many of those may be evicted at once; null where it is not known",
    },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps workloads near, and no operator that may make pods",
    },
];

/// One subject for each PodDisruptionBudget.
pub(super) const BUDGET: View = View {
    name: "repository.budget",
    kind: Kind::Repository,
    means: "a PodDisruptionBudget, with the workloads it protects",
    vars: &[Field { name: "it", shape: Shape::Record(BUDGET_FIELDS), means: "the budget" }],
    select: Select::Repository(budgets),
};

fn budgets<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Budget).filter(|it| !it.template) {
        let Some(link) = repository.links.first(from).filter(|it| !it.selector.unclear) else {
            continue;
        };
        let workloads: Vec<_> = link.to.iter().map(|&at| objects.get(at)).collect();
        let far = workloads.iter().any(|it| !objects.is_firm(from, it));
        let patched = far || objects.is_patched(from);
        let pods = (!patched).then(|| pods(repository, &workloads)).flatten();
        let (min, max) = (from.spec("minAvailable"), from.spec("maxUnavailable"));
        let spare = pods.and_then(|pods| match (min, max) {
            (Some(min), _) => Some(pods - share(min, pods)?),
            (None, Some(max)) => share(max, pods),
            _ => None,
        });
        let scaled = |it: &&Object<'a>| {
            repository.links.selecting(objects, it, Class::Autoscaler).next().is_some()
        };
        let certain = objects.is_certain(from, Class::Workload) && !objects.has_operator(from);
        emit(Subject {
            values: vec![record([
                ("object", Value::Node(from.node)),
                ("selector", Value::text(link.selector.display())),
                ("workloads", briefs(workloads.iter().copied())),
                ("wide", Value::Bool(link.wide)),
                ("min", Value::maybe(min)),
                ("max", Value::maybe(max)),
                ("pods", pods.map_or(Value::Null, Value::Int)),
                ("scaled", Value::Bool(workloads.iter().any(scaled))),
                ("spare", spare.map_or(Value::Null, Value::Int)),
                ("certain", Value::Bool(certain)),
            ])],
            at: min.or(max).or_else(|| from.spec("selector")).unwrap_or(from.node),
            object: Some(from.identity()),
        });
    }
}

/// How many pods the workloads have at the least; nothing where one of them does not say.
fn pods(repository: &Repository<'_>, workloads: &[&Object<'_>]) -> Option<i64> {
    if workloads.is_empty() {
        return None;
    }
    workloads.iter().map(|it| replicas(repository, it)).sum()
}

/// How many pods the workload has at the least: what its autoscaler says, or it itself.
pub(super) fn replicas(repository: &Repository<'_>, workload: &Object<'_>) -> Option<i64> {
    let objects = &repository.objects;
    let counts = matches!(
        workload.kind,
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" | "Rollout"
    );
    if !counts || objects.is_patched(workload) {
        return None;
    }
    let scaler = repository.links.selecting(objects, workload, Class::Autoscaler).next();
    if let Some(scaler) = scaler {
        return (!objects.is_patched(scaler)).then(|| least(scaler));
    }
    workload.spec("replicas").map_or(Some(1), Node::as_int)
}

/// A number or a percentage of `pods`, rounded up as Kubernetes does.
fn share(node: Node<'_>, pods: i64) -> Option<i64> {
    let percent = |text: &str| text.strip_suffix('%')?.trim().parse::<i64>().ok();
    match node.as_int() {
        Some(number) => Some(number),
        None => {
            Some((percent(node.as_str()?)?.clamp(0, 1000) * pods.clamp(0, 1_000_000) + 99) / 100)
        }
    }
}
