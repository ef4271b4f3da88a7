//! Services: the workloads they select, and the ports they promise.

use super::{
    Repository, brief, briefs,
    labels::is_template,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "selector", shape: Shape::Text, means: "its selector, as `key=value, …`" },
    Field { name: "external", shape: Shape::Bool, means: "whether its type is ExternalName" },
    Field {
        name: "endpoints",
        shape: Shape::Bool,
        means: "whether Endpoints or EndpointSlices of its name are in the repository",
    },
    Field { name: "workloads", shape: Shape::List(&Shape::Any), means: "the workloads it selects" },
    Field { name: "routes", shape: Shape::List(&Shape::Any), means: "what leads to it" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps workloads near, and no operator that may make pods",
    },
];

/// One subject for each Service.
pub(super) const VIEW: View = View {
    name: "repository.service",
    kind: Kind::Repository,
    means: "a Service, with the workloads it selects",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the Service" }],
    select: Select::Repository(services),
};

fn services<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Service).filter(|it| !it.template) {
        let Some(link) = repository.links.first(from).filter(|it| !it.selector.unclear) else {
            continue;
        };
        let certain = objects.is_certain(from, Class::Workload) && !objects.has_operator(from);
        let workloads = link.to.iter().map(|&at| objects.get(at));
        let endpoints = objects.named(from, Class::Endpoints, from.name);
        emit(Subject {
            values: vec![record([
                ("name", Value::Str(from.name)),
                ("object", Value::Node(from.node)),
                ("selector", Value::text(link.selector.display())),
                ("external", Value::Bool(is_external(from))),
                ("endpoints", Value::Bool(!endpoints.is_empty())),
                ("workloads", briefs(workloads)),
                ("routes", briefs(repository.links.routes(objects, from))),
                ("certain", Value::Bool(certain)),
            ])],
            at: from.spec("selector").or_else(|| from.node.get("spec")).unwrap_or(from.node),
            object: Some(from.identity()),
        });
    }
}

fn is_external(service: &Object<'_>) -> bool {
    service.spec("type").is_some_and(|it| it.text() == "ExternalName")
}

const PORT_FIELDS: &[Field] = &[
    Field { name: "target", shape: Shape::Any, means: "the port of the pod, a name or a number" },
    Field { name: "named", shape: Shape::Bool, means: "whether that is a name" },
    Field {
        name: "declared",
        shape: Shape::Bool,
        means: "whether each workload has a container that declares it; true where it cannot be told",
    },
    Field { name: "service", shape: Shape::Any, means: "the Service" },
    Field { name: "workload", shape: Shape::Any, means: "the first workload that lacks the port" },
    Field {
        name: "lists_ports",
        shape: Shape::Bool,
        means: "whether that workload declares ports",
    },
];

/// One subject for each port of each Service that selects workloads.
pub(super) const PORT: View = View {
    name: "repository.service_port",
    kind: Kind::Repository,
    means: "a port of a Service, with the containers behind it",
    vars: &[Field { name: "it", shape: Shape::Record(PORT_FIELDS), means: "the port" }],
    select: Select::Repository(ports),
};

fn ports<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Service).filter(|it| !it.template && !is_external(it)) {
        let Some(link) = repository.links.first(from).filter(|it| !it.to.is_empty()) else {
            continue;
        };
        let workloads: Vec<_> = link.to.iter().map(|&at| objects.get(at)).collect();
        let ports = from.spec("ports").into_iter().flat_map(Node::children);
        for port in ports {
            let Some(target) = port.get("targetPort").or_else(|| port.get("port")) else {
                continue;
            };
            if !target.as_str().is_some_and(is_template) {
                emit(port_subject(repository, from, &workloads, target));
            }
        }
    }
}

fn port_subject<'a>(
    repository: &'a Repository<'a>,
    from: &Object<'a>,
    workloads: &[&Object<'a>],
    target: Node<'a>,
) -> Subject<'a> {
    let named = target.as_str().is_some_and(|it| it.parse::<u16>().is_err());
    let known = |it: &&&Object<'a>| !repository.objects.is_patched(it) && !it.template;
    // Pods without the port get no traffic for it: that is what selects among several workloads.
    let declared = workloads.iter().any(|it| !known(&it) || declares(it, target));
    let lacking = workloads.first().filter(|_| !declared);
    let lists = lacking.is_some_and(|it| container_ports(it).next().is_some());
    Subject {
        values: vec![record([
            ("target", Value::Node(target)),
            ("named", Value::Bool(named)),
            ("declared", Value::Bool(lacking.is_none())),
            ("service", brief(from)),
            ("workload", lacking.map_or(Value::Null, |it| brief(it))),
            ("lists_ports", Value::Bool(lists)),
        ])],
        at: target,
        object: Some(from.identity()),
    }
}

/// The ports that the containers of a workload declare, sidecars among the init containers too.
pub(super) fn container_ports<'a>(workload: &Object<'a>) -> impl Iterator<Item = Node<'a>> {
    let lists = ["containers", "initContainers"].into_iter();
    let spec = workload.pod();
    let containers = lists.filter_map(move |key| spec?.get(key)).flat_map(Node::children);
    containers.filter_map(|it| it.get("ports")).flat_map(Node::children)
}

fn declares(workload: &Object<'_>, target: Node<'_>) -> bool {
    let wanted = target.display();
    container_ports(workload).any(|port| {
        let own = |key| port.get(key).is_some_and(|it: Node<'_>| it.display() == wanted);
        own("containerPort") || own("name")
    })
}
