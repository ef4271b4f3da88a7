//! Network policies: the workloads they isolate, and the peers they let through.

use super::{
    Repository, briefs,
    labels::Selector,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field {
        name: "kind", shape: Shape::Text, means: "`NetworkPolicy`, `CiliumNetworkPolicy`, …"
    },
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "selector", shape: Shape::Text, means: "its selector, as `key=value, …`" },
    Field { name: "wide", shape: Shape::Bool, means: "whether it selects the whole namespace" },
    Field { name: "workloads", shape: Shape::List(&Shape::Any), means: "the workloads it selects" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps workloads near, and no operator that may make pods",
    },
];

/// One subject for each network policy.
pub(super) const VIEW: View = View {
    name: "repository.network_policy",
    kind: Kind::Repository,
    means: "a network policy, with the workloads it selects",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the policy" }],
    select: Select::Repository(policies),
};

fn policies<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Policy).filter(|it| !it.template) {
        let certain = objects.is_certain(from, Class::Workload) && !objects.has_operator(from);
        for link in repository.links.of(from).iter().filter(|it| !it.selector.unclear) {
            let selector = from.spec("podSelector").or_else(|| from.spec("endpointSelector"));
            emit(Subject {
                values: vec![record([
                    ("kind", Value::Str(from.kind)),
                    ("object", Value::Node(from.node)),
                    ("selector", Value::text(link.selector.display())),
                    ("wide", Value::Bool(link.wide)),
                    ("workloads", briefs(link.to.iter().map(|&at| objects.get(at)))),
                    ("certain", Value::Bool(certain)),
                ])],
                at: selector.unwrap_or(from.node),
                object: Some(from.identity()),
            });
        }
    }
}

const PEER_FIELDS: &[Field] = &[
    Field { name: "direction", shape: Shape::Text, means: "`ingress` or `egress`" },
    Field { name: "selector", shape: Shape::Text, means: "its selector, as `key=value, …`" },
    Field {
        name: "elsewhere",
        shape: Shape::Bool,
        means: "whether it looks into other namespaces",
    },
    Field { name: "workloads", shape: Shape::List(&Shape::Any), means: "the workloads it selects" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps workloads near, and no operator that may make pods",
    },
];

/// One subject for each pod selector among the peers of a NetworkPolicy.
pub(super) const PEER: View = View {
    name: "repository.network_policy_peer",
    kind: Kind::Repository,
    means: "a pod selector in the rules of a NetworkPolicy, with the workloads it selects",
    vars: &[Field { name: "it", shape: Shape::Record(PEER_FIELDS), means: "the peer" }],
    select: Select::Repository(peers),
};

fn peers<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for from in repository.objects.of(Class::Policy).filter(|it| it.kind == "NetworkPolicy") {
        for (direction, side) in [("ingress", "from"), ("egress", "to")] {
            let rules = from.spec(direction).into_iter().flat_map(Node::children);
            for peer in rules.filter_map(|it| it.get(side)).flat_map(Node::children) {
                if let Some(node) = peer.get("podSelector") {
                    peer_subject(repository, from, direction, peer, node, emit);
                }
            }
        }
    }
}

fn peer_subject<'a>(
    repository: &'a Repository<'a>,
    from: &Object<'a>,
    direction: &'static str,
    peer: Node<'a>,
    node: Node<'a>,
    emit: Emit<'_, 'a>,
) {
    let objects = &repository.objects;
    let selector = Selector::of(node);
    if selector.is_empty() || selector.unclear {
        return;
    }
    let elsewhere = peer.get("namespaceSelector").is_some();
    let found = objects.selected_in(from, if elsewhere { "" } else { from.namespace }, &selector);
    let certain =
        !elsewhere && objects.is_certain(from, Class::Workload) && !objects.has_operator(from);
    emit(Subject {
        values: vec![record([
            ("direction", Value::Str(direction)),
            ("selector", Value::text(selector.display())),
            ("elsewhere", Value::Bool(elsewhere)),
            ("workloads", briefs(found)),
            ("certain", Value::Bool(certain)),
        ])],
        at: node,
        object: Some(from.identity()),
    });
}

/// Which directions of a workload's traffic its policies isolate: ingress, egress.
pub(super) fn isolated(repository: &Repository<'_>, workload: &Object<'_>) -> (bool, bool) {
    let policies = repository.links.selecting(&repository.objects, workload, Class::Policy);
    policies.fold((false, false), |(ingress, egress), it| {
        let own = directions(it);
        (ingress || own.0, egress || own.1)
    })
}

/// The directions that a policy isolates, and not only by listing no types.
fn directions(policy: &Object<'_>) -> (bool, bool) {
    if policy.group == "cilium.io" {
        let one = policy.node.get("spec").into_iter();
        let specs = policy.node.get("specs").into_iter().flat_map(Node::children);
        return one.chain(specs).fold((false, false), |(ingress, egress), spec| {
            let has = |key: &str, deny: &str| spec.get(key).or_else(|| spec.get(deny)).is_some();
            (ingress || has("ingress", "ingressDeny"), egress || has("egress", "egressDeny"))
        });
    }
    match policy.spec("policyTypes").filter(|it| !it.is_empty()) {
        Some(types) => {
            let has = |name: &str| types.children().any(|it| it.text() == name);
            (has("Ingress"), has("Egress"))
        }
        None => (true, policy.spec("egress").is_some_and(|it| !it.is_empty())),
    }
}
