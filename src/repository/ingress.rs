//! What Ingresses and the routes of the Gateway API lead to.

use super::{
    Repository, brief,
    labels::{is_template, scalar},
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

/// A backend as an Ingress or a route writes it.
pub(super) struct Backend<'a> {
    pub(super) name: &'a str,
    /// The namespace it names itself, if it does.
    pub(super) namespace: &'a str,
    /// The port, a number or a name.
    port: Option<Node<'a>>,
    /// Where the backend is written.
    node: Node<'a>,
}

/// The backends of an Ingress or a route that are Services.
pub(super) fn backends<'a>(from: &Object<'a>) -> Vec<Backend<'a>> {
    match from.class {
        Class::Ingress => of_ingress(from),
        _ => of_route(from),
    }
}

fn of_ingress<'a>(from: &Object<'a>) -> Vec<Backend<'a>> {
    let list = |node: Option<Node<'a>>| node.into_iter().flat_map(Node::children);
    let paths = list(from.spec("rules")).flat_map(|rule| list(rule.at(&["http", "paths"])));
    let all = ["defaultBackend", "backend"].iter().filter_map(|key| from.spec(key));
    let all = all.chain(paths.filter_map(|path| path.get("backend")));
    let services = all.filter(|it| it.get("resource").is_none()).map(|it| of_backend(from, it));
    services.filter(|it| it.port.is_none_or(|port| port.text() != ALB_ACTION)).collect()
}

/// The port with which the controller of AWS marks a name that is an annotation, and no Service.
const ALB_ACTION: &str = "use-annotation";

/// The stable version knows `service`, those before it `serviceName`; each drops the other's.
fn of_backend<'a>(from: &Object<'a>, node: Node<'a>) -> Backend<'a> {
    let stable = from.node.str("apiVersion").is_some_and(|it| it.ends_with("/v1"));
    match node.get("service") {
        Some(service) if stable => Backend {
            name: service.str("name").unwrap_or_default(),
            namespace: "",
            port: service.at(&["port", "number"]).or_else(|| service.at(&["port", "name"])),
            node: service.get("name").unwrap_or(service),
        },
        _ if stable => Backend { name: "", namespace: "", port: None, node },
        _ => Backend {
            name: node.str("serviceName").unwrap_or_default(),
            namespace: "",
            port: node.get("servicePort"),
            node: node.get("serviceName").unwrap_or(node),
        },
    }
}

fn of_route<'a>(from: &Object<'a>) -> Vec<Backend<'a>> {
    let rules = from.spec("rules").into_iter().flat_map(Node::children);
    let refs = rules.flat_map(|rule| rule.get("backendRefs")).flat_map(Node::children);
    let services = refs.filter(|it| {
        matches!(it.str("group"), None | Some(""))
            && matches!(it.str("kind"), None | Some("Service"))
    });
    let backend = |it: Node<'a>| Backend {
        name: it.str("name").unwrap_or_default(),
        namespace: it.str("namespace").unwrap_or_default(),
        port: it.get("port"),
        node: it.get("name").unwrap_or(it),
    };
    services.map(backend).collect()
}

/// Whether a Service has the port, a number or a name.
fn has_port(service: Node<'_>, port: Node<'_>) -> bool {
    let key = if port.as_int().is_some() { "port" } else { "name" };
    let ports = service.at(&["spec", "ports"]).into_iter().flat_map(Node::children);
    ports.filter_map(|it| it.get(key)).any(|it| scalar(it) == scalar(port))
}

const FIELDS: &[Field] = &[
    Field { name: "kind", shape: Shape::Text, means: "`Ingress`, `HTTPRoute`, …" },
    Field { name: "name", shape: Shape::Text, means: "the Service it names; empty if none" },
    Field { name: "port", shape: Shape::Any, means: "the port it names, a number or a name" },
    Field { name: "service", shape: Shape::Any, means: "the Service, if it is in the repository" },
    Field { name: "ports", shape: Shape::Any, means: "the ports of that Service" },
    Field {
        name: "has_port",
        shape: Shape::Bool,
        means: "whether that Service has that port; true where it cannot be told",
    },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps Services near, so that a missing one is missing",
    },
];

/// One subject for each backend of an Ingress or of a route of the Gateway API.
pub(super) const VIEW: View = View {
    name: "repository.backend",
    kind: Kind::Repository,
    means: "a Service that an Ingress or a route of the Gateway API leads to",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the backend" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for class in [Class::Ingress, Class::Route] {
        for from in objects.of(class) {
            for backend in backends(from) {
                if !is_template(backend.name) && !is_template(backend.namespace) {
                    emit(subject(repository, from, &backend));
                }
            }
        }
    }
}

fn subject<'a>(
    repository: &'a Repository<'a>,
    from: &'a Object<'a>,
    backend: &Backend<'a>,
) -> Subject<'a> {
    let objects = &repository.objects;
    let namespace = if backend.namespace.is_empty() { from.namespace } else { backend.namespace };
    let found = objects.named_in(from, namespace, Class::Service, backend.name);
    let unsure = |it: &&Object<'_>| {
        objects.is_patched(it) || it.spec("type").is_some_and(|it| it.text() == "ExternalName")
    };
    let has_port = backend.port.is_none_or(|port| {
        found.is_empty() || found.iter().any(|it| unsure(it) || has_port(it.node, port))
    });
    let certain = objects.is_certain(from, Class::Service) && !objects.has_operator(from);
    let service = found.first();
    Subject {
        values: vec![record([
            ("kind", Value::Str(from.kind)),
            ("name", Value::Str(backend.name)),
            ("port", Value::maybe(backend.port)),
            ("service", service.map_or(Value::Null, |it| brief(it))),
            ("ports", Value::maybe(service.and_then(|it| it.spec("ports")))),
            ("has_port", Value::Bool(has_port)),
            ("certain", Value::Bool(certain || backend.name.is_empty())),
        ])],
        at: backend.node,
        object: Some(from.identity()),
    }
}
