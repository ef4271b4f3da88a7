//! Workloads with everything that stands around them: Services, routes, budgets, autoscalers,
//! policies, the Service that a StatefulSet names.

use super::{
    Repository, briefs,
    labels::is_template,
    objects::{Class, Object},
    policy, record, scaling,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "kind", shape: Shape::Text, means: "`Deployment`, `CronJob`, …" },
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "pod", shape: Shape::Any, means: "the spec of its pods" },
    Field {
        name: "replicas",
        shape: Shape::Any,
        means: "how many pods it has at the least, if known",
    },
    Field {
        name: "services",
        shape: Shape::List(&Shape::Any),
        means: "the Services that select it",
    },
    Field {
        name: "routes",
        shape: Shape::List(&Shape::Any),
        means: "what leads to those Services",
    },
    Field {
        name: "budgets",
        shape: Shape::List(&Shape::Any),
        means: "the budgets that protect it",
    },
    Field { name: "autoscalers", shape: Shape::List(&Shape::Any), means: "what scales it" },
    Field {
        name: "policies",
        shape: Shape::List(&Shape::Any),
        means: "the network policies on it",
    },
    Field {
        name: "isolated_in",
        shape: Shape::Bool,
        means: "whether one of those isolates ingress",
    },
    Field {
        name: "isolated_out",
        shape: Shape::Bool,
        means: "whether one of those isolates egress",
    },
    Field {
        name: "policed",
        shape: Shape::Bool,
        means: "whether network policies for its namespace lie near it",
    },
    Field {
        name: "governing",
        shape: Shape::Any,
        means: "of a StatefulSet: `name`, `found`, `headless`, `selects`, `near` and `certain` of its Service",
    },
    Field { name: "patched", shape: Shape::Bool, means: "whether a kustomization may change it" },
    Field { name: "open", shape: Shape::Bool, means: "whether something near it cannot be read" },
];

/// One subject for each object that makes pods.
pub(super) const VIEW: View = View {
    name: "repository.workload",
    kind: Kind::Repository,
    means: "an object that makes pods, with what selects, routes to, scales and protects it",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the workload" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for from in repository.objects.of(Class::Workload).filter(|it| !it.template) {
        emit(subject(repository, from));
    }
}

fn subject<'a>(repository: &'a Repository<'a>, from: &'a Object<'a>) -> Subject<'a> {
    let objects = &repository.objects;
    let links = &repository.links;
    let selecting = |class| links.selecting(objects, from, class);
    let services = || selecting(Class::Service);
    let (isolated_in, isolated_out) = policy::isolated(repository, from);
    let replicas = scaling::replicas(repository, from);
    Subject {
        values: vec![record([
            ("kind", Value::Str(from.kind)),
            ("name", Value::Str(from.name)),
            ("object", Value::Node(from.node)),
            ("pod", Value::maybe(from.pod())),
            ("replicas", replicas.map_or(Value::Null, Value::Int)),
            ("services", briefs(services())),
            ("routes", briefs(services().flat_map(|it| links.routes(objects, it)))),
            ("budgets", briefs(selecting(Class::Budget))),
            ("autoscalers", briefs(selecting(Class::Autoscaler))),
            ("policies", briefs(selecting(Class::Policy))),
            ("isolated_in", Value::Bool(isolated_in)),
            ("isolated_out", Value::Bool(isolated_out)),
            ("policed", Value::Bool(is_policed(repository, from))),
            ("governing", governing(repository, from)),
            ("patched", Value::Bool(objects.is_patched(from))),
            ("open", Value::Bool(objects.is_open(from) || objects.has_operator(from))),
        ])],
        at: from.node.at(&["metadata", "name"]).unwrap_or(from.node),
        object: Some(from.identity()),
    }
}

/// Whether network policies are kept with the workload: in its unit, and there by its own chart.
/// A chart that another one depends on isolates its own pods only.
fn is_policed(repository: &Repository<'_>, from: &Object<'_>) -> bool {
    let path = |it: &Object<'_>| it.node.place().0.path.clone();
    let chart = |path: &str| path.split_once("templates/").map(|it| it.0.to_owned());
    let own = chart(&path(from));
    let objects = &repository.objects;
    objects.keeps(from, Class::Policy)
        && objects.of(Class::Policy).take(1000).any(|it| {
            objects.together(from, it) && (from.unit.is_none() || own == chart(&path(it)))
        })
}

/// The Service that a StatefulSet names for the addresses of its pods.
fn governing<'a>(repository: &'a Repository<'a>, from: &'a Object<'a>) -> Value<'a> {
    let objects = &repository.objects;
    let name = from.spec("serviceName").and_then(Node::as_str).unwrap_or_default();
    if from.kind != "StatefulSet" || is_template(name) {
        return Value::Null;
    }
    let found = objects.named(from, Class::Service, name);
    let headless = |it: &&Object<'_>| it.spec("clusterIP").is_some_and(|it| it.text() == "None");
    let selects = |it: &&Object<'a>| {
        let mut all = repository.links.selecting(objects, from, Class::Service);
        all.any(|one| one.id == it.id)
    };
    record([
        ("name", Value::Str(name)),
        ("found", Value::Bool(!found.is_empty())),
        ("headless", Value::Bool(found.iter().any(headless))),
        ("selects", Value::Bool(found.iter().any(selects))),
        ("near", Value::Bool(found.iter().any(|it| objects.is_firm(from, it)))),
        ("certain", Value::Bool(objects.is_certain(from, Class::Service))),
    ])
}
