//! ServiceMonitors and PodMonitors: whether Prometheus will find anything to scrape.

use super::{
    Repository, briefs,
    labels::{self, Selector},
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

/// How many Services one monitor is compared with.
const COMPARED: usize = 5000;

const FIELDS: &[Field] = &[
    Field { name: "kind", shape: Shape::Text, means: "`ServiceMonitor` or `PodMonitor`" },
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "selector", shape: Shape::Text, means: "its selector, as `key=value, …`" },
    Field { name: "found", shape: Shape::List(&Shape::Any), means: "the Services or workloads" },
    Field {
        name: "ports",
        shape: Shape::List(&Shape::Any),
        means: "its endpoints' ports that none of those Services has",
    },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps such objects near, and no operator that may make them",
    },
];

/// One subject for each monitor of the Prometheus operator.
pub(super) const VIEW: View = View {
    name: "repository.monitor",
    kind: Kind::Repository,
    means: "a ServiceMonitor or PodMonitor, with what it selects",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the monitor" }],
    select: Select::Repository(monitors),
};

fn monitors<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Monitor).filter(|it| !it.template) {
        let selector = from.spec("selector").map(Selector::of).unwrap_or_default();
        if selector.is_empty() || selector.unclear {
            continue;
        }
        let is_service = from.kind == "ServiceMonitor";
        let class = if is_service { Class::Service } else { Class::Workload };
        let found = match is_service {
            true => services(repository, from, &selector),
            false => objects.selected_in(from, "", &selector),
        };
        let certain = objects.is_certain(from, class) && !objects.has_operator(from);
        let ports = if is_service { missing_ports(repository, from, &found) } else { Vec::new() };
        emit(Subject {
            values: vec![record([
                ("kind", Value::Str(from.kind)),
                ("object", Value::Node(from.node)),
                ("selector", Value::text(selector.display())),
                ("found", briefs(found)),
                ("ports", Value::nodes(ports)),
                ("certain", Value::Bool(certain)),
            ])],
            at: from.spec("selector").unwrap_or(from.node),
            object: Some(from.identity()),
        });
    }
}

/// The Services whose own labels match, in the namespaces that the monitor names.
fn services<'o, 'a>(
    repository: &'o Repository<'a>,
    from: &Object<'a>,
    selector: &Selector<'_>,
) -> Vec<&'o Object<'a>> {
    let namespaces = from.spec("namespaceSelector");
    let any = namespaces.and_then(|it| it.get("any")).and_then(Node::as_bool) == Some(true);
    let names = namespaces.and_then(|it| it.get("matchNames")).into_iter().flat_map(Node::children);
    let mut names: Vec<_> = names.map(Node::text).collect();
    if names.is_empty() && !any {
        names.push(from.namespace);
    }
    let all = repository.objects.of(Class::Service).take(COMPARED);
    let here = all.filter(|it| {
        any || it.namespace.is_empty()
            || names.iter().any(|name| name.is_empty() || *name == it.namespace)
    });
    let matching = here.filter(|it| {
        let own = labels::labels(it.node.at(&["metadata", "labels"]));
        selector.matches(&own)
    });
    matching.collect()
}

/// The named ports of a ServiceMonitor's endpoints that none of its Services has.
fn missing_ports<'a>(
    repository: &Repository<'a>,
    from: &Object<'a>,
    services: &[&Object<'a>],
) -> Vec<Node<'a>> {
    if services.is_empty() || services.iter().any(|it| repository.objects.is_patched(it)) {
        return Vec::new();
    }
    let endpoints = from.spec("endpoints").into_iter().flat_map(Node::children);
    let ports = endpoints.filter_map(|it| it.get("port")).filter(|it| it.as_str().is_some());
    let has = |name: &str| {
        let all = services.iter().filter_map(|it| it.spec("ports")).flat_map(Node::children);
        all.filter_map(|it| it.str("name")).any(|it| it == name)
    };
    ports.filter(|it| !labels::is_template(it.text()) && !has(it.text())).collect()
}
