//! Hosts and paths that lead to two places, and the certificates of Ingresses.

use std::collections::HashMap;

use super::{
    Repository,
    labels::is_template,
    objects::{Class, Object, same_namespace},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

/// As many paths of one repository are compared.
const MOST: usize = 20_000;

/// Beginnings of annotations that let several Ingresses share a host and a path.
const SHARING: &[&str] = &[
    "nginx.ingress.kubernetes.io/canary",
    "alb.ingress.kubernetes.io/conditions.",
    "alb.ingress.kubernetes.io/group.order",
    "traefik.ingress.kubernetes.io/router.",
    "haproxy.org/route-acl",
];

/// The path of a request and where it leads, as an Ingress or an HTTPRoute writes it.
struct Way<'a> {
    /// The class of the Ingress, or the parents of the route.
    through: String,
    host: &'a str,
    /// How the path is compared, and the path.
    path: (&'a str, &'a str),
    /// Where it leads.
    to: String,
    node: Node<'a>,
}

const FIELDS: &[Field] = &[
    Field { name: "host", shape: Shape::Text, means: "the host; empty for any" },
    Field { name: "path", shape: Shape::Text, means: "the path" },
    Field { name: "to", shape: Shape::Text, means: "where it leads" },
    Field {
        name: "before",
        shape: Shape::Any,
        means: "where it leads before; null if nowhere else",
    },
    Field {
        name: "by",
        shape: Shape::Text,
        means: "the object that says so before: `Ingress web`",
    },
    Field { name: "places", shape: Shape::Any, means: "where it says so" },
];

/// One subject for each host and path of an Ingress or an HTTPRoute.
pub(super) const VIEW: View = View {
    name: "repository.way",
    kind: Kind::Repository,
    means: "a host and a path of an Ingress or an HTTPRoute, with what led elsewhere before",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the way" }],
    select: Select::Repository(select),
};

const SECRET_FIELDS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the name of the Secret" },
    Field { name: "found", shape: Shape::Bool, means: "whether it is in the repository, or made" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps certificates near, and nobody makes this one",
    },
];

/// One subject for each Secret that an Ingress takes a certificate from.
pub(super) const CERTIFICATE: View = View {
    name: "repository.ingress_certificate",
    kind: Kind::Repository,
    means: "a Secret that an Ingress takes the certificate of its hosts from",
    vars: &[Field { name: "it", shape: Shape::Record(SECRET_FIELDS), means: "the Secret" }],
    select: Select::Repository(certificates),
};

fn list<'a>(node: Option<Node<'a>>) -> impl Iterator<Item = Node<'a>> {
    node.into_iter().flat_map(Node::children)
}

fn annotations<'a>(object: &Object<'a>) -> impl Iterator<Item = Node<'a>> {
    list(object.node.at(&["metadata", "annotations"]))
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    // By the unit, the host, the path and what goes through: where it leads, and who says so.
    let mut seen = HashMap::new();
    let all = objects.of(Class::Ingress).chain(objects.of(Class::Route));
    let firm = all.filter(|it| !objects.is_patched(it) && !it.template);
    let ways = firm.flat_map(|from| ways(from).into_iter().map(move |way| (from, way)));
    for (from, way) in ways.take(MOST) {
        // Only what is deployed together for certain can clash: a build, a chart, a file.
        let unit = from.unit.map_or_else(|| from.path.to_owned(), |it| it.to_string());
        let place = (unit, way.host, way.path, way.through);
        let (host, path) = (Value::Str(way.host), Value::Str(way.path.1));
        let known = seen.get(&place);
        let before = known.filter(|it: &&(String, &Object<'_>, Node<'_>)| it.0 != way.to);
        emit(Subject {
            values: vec![record([
                ("host", host),
                ("path", path),
                ("to", Value::text(way.to.as_str())),
                ("before", before.map_or(Value::Null, |it| Value::text(it.0.as_str()))),
                (
                    "by",
                    before.map_or(Value::Null, |it| {
                        Value::text(format!("{} `{}`", it.1.kind, it.1.name))
                    }),
                ),
                ("places", Value::list(before.iter().map(|it| Value::Node(it.2)))),
            ])],
            at: way.node,
            object: Some(from.identity()),
        });
        if known.is_none() {
            seen.insert(place, (way.to, from, way.node));
        }
    }
}

fn ways<'a>(from: &Object<'a>) -> Vec<Way<'a>> {
    match from.kind {
        "Ingress" => of_ingress(from),
        "HTTPRoute" => of_route(from),
        _ => Vec::new(),
    }
}

fn of_ingress<'a>(from: &Object<'a>) -> Vec<Way<'a>> {
    let shares = |it: Node<'_>| SHARING.iter().any(|start| it.key().starts_with(start));
    if annotations(from).any(shares) {
        return Vec::new();
    }
    let class = annotations(from).find(|it| it.key() == "kubernetes.io/ingress.class");
    let class = from.spec("ingressClassName").or(class).map_or("", Node::text);
    let mut found = Vec::new();
    for rule in list(from.spec("rules")) {
        let host = rule.str("host").unwrap_or_default();
        for path in list(rule.at(&["http", "paths"])) {
            let Some(to) = path.get("backend").and_then(|it| service(from, it)) else { continue };
            let kind = path.str("pathType").unwrap_or("ImplementationSpecific");
            let written = path.str("path").unwrap_or("/");
            if is_template(host) || is_template(written) || is_template(&to) || is_template(class) {
                continue;
            }
            let text = if kind == "Prefix" { plain(written) } else { written };
            let node = path.get("path").unwrap_or(path);
            found.push(Way { through: class.to_owned(), host, path: (kind, text), to, node });
        }
    }
    found
}

/// A prefix without the slash at its end, which means nothing.
fn plain(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        it => it,
    }
}

/// The Service of a backend and its port: `web:80`, with the namespace where one is named.
fn service(from: &Object<'_>, backend: Node<'_>) -> Option<String> {
    let (name, port) = match backend.get("service") {
        Some(it) => {
            let port = it.at(&["port", "number"]).or_else(|| it.at(&["port", "name"]));
            (it.str("name")?, port)
        }
        None => (backend.str("serviceName")?, backend.get("servicePort")),
    };
    Some(in_namespace(from.namespace, name, port))
}

fn in_namespace(namespace: &str, name: &str, port: Option<Node<'_>>) -> String {
    let mut text = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    text.push_str(name);
    if let Some(port) = port {
        text.push(':');
        text.push_str(&port.display());
    }
    text
}

fn of_route<'a>(from: &Object<'a>) -> Vec<Way<'a>> {
    let mut parents: Vec<_> = list(from.spec("parentRefs"))
        .map(|it| {
            let namespace = it.str("namespace").unwrap_or(from.namespace);
            let part = |key| it.get(key).map(Node::display).unwrap_or_default();
            format!("{namespace}/{}/{}/{}", part("name"), part("sectionName"), part("port"))
        })
        .collect();
    parents.sort();
    let through = parents.join(" ");
    let mut hosts: Vec<_> = list(from.spec("hostnames")).filter_map(Node::as_str).collect();
    if hosts.is_empty() {
        hosts.push("");
    }
    let mut found = Vec::new();
    for rule in list(from.spec("rules")) {
        // A rule that filters may lead elsewhere than its backends say.
        let (Some(to), None) = (backends(from, rule), rule.get("filters")) else { continue };
        for matched in list(rule.get("matches")) {
            // Matches that look at more than the path may share it.
            let Some(path) = matched.get("path").filter(|_| matched.children().count() == 1) else {
                continue;
            };
            let kind = path.str("type").unwrap_or("PathPrefix");
            let written = path.str("value").unwrap_or("/");
            if is_template(&through) || is_template(written) || is_template(&to) {
                continue;
            }
            let text = if kind == "PathPrefix" { plain(written) } else { written };
            for &host in hosts.iter().filter(|it| !is_template(it)) {
                let node = path.get("value").unwrap_or(path);
                let (through, to) = (through.clone(), to.clone());
                found.push(Way { through, host, path: (kind, text), to, node });
            }
        }
    }
    found
}

/// The Services that a rule of a route leads to; nothing where it leads to none.
fn backends(from: &Object<'_>, rule: Node<'_>) -> Option<String> {
    let mut all: Vec<_> = list(rule.get("backendRefs"))
        .filter_map(|it| {
            let namespace = it.str("namespace").unwrap_or(from.namespace);
            Some(in_namespace(namespace, it.str("name")?, it.get("port")))
        })
        .collect();
    all.sort();
    (!all.is_empty()).then(|| all.join(", "))
}

fn certificates<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Ingress) {
        let is_made = annotations(from).any(|it| makes_certificates(it.key()));
        let is_known = !is_made && objects.is_certain_of_certificates(from);
        for name in list(from.spec("tls")).filter_map(|it| it.get("secretName")) {
            let text = name.text();
            // From another namespace a reflector may bring it.
            let found =
                || objects.of(Class::Secret).any(|it| it.name == text) || objects.makes_any(text);
            if text.is_empty() || text.contains('/') || is_template(text) {
                continue;
            }
            emit(Subject {
                values: vec![record([
                    ("name", Value::Str(text)),
                    ("found", Value::Bool(!is_known || found())),
                    ("certain", Value::Bool(is_known)),
                ])],
                at: name,
                object: Some(from.identity()),
            });
        }
    }
}

/// Whether an annotation lets somebody make the certificates that an Ingress names.
fn makes_certificates(key: &str) -> bool {
    ["cert-manager", "certmanager", "tls-acme", "acme", "letsencrypt", "cert.gardener.cloud"]
        .iter()
        .any(|it| key.contains(it))
}

impl<'a> super::objects::Objects<'a> {
    /// Whether certificates are kept with an Ingress, so that one which is missing is missing.
    fn is_certain_of_certificates(&self, from: &Object<'a>) -> bool {
        let is_certificate = |it: &Object<'_>| match it.kind {
            "Secret" => it.node.str("type") == Some("kubernetes.io/tls"),
            "Certificate" => it.group == "cert-manager.io",
            _ => false,
        };
        let all = || self.of(Class::Secret).chain(self.of(Class::Other));
        let near = |it: &Object<'_>| same_namespace(from, it) && self.together(from, it);
        !from.template
            && !self.is_open(from)
            && !self.has_operator(from)
            && all().take(MOST).any(|it| is_certificate(it) && near(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::look;

    const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: NAME, \
                           annotations: {NOTES}}\nspec:\n  ingressClassName: nginx\n  tls: [{secretName: \
                           NAME-tls}]\n  rules:\n  - host: a.example.com\n    http:\n      paths:\n      - \
                           path: PATH\n        pathType: Prefix\n        backend: {service: {name: NAME, \
                           port: {number: 80}}}\n";

    fn ingress(name: &str, path: &str, notes: &str) -> String {
        INGRESS.replace("NAME", name).replace("PATH", path).replace("NOTES", notes)
    }

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        look(&VIEW, files, &["host", "path", "to", "before", "by"])
    }

    #[test]
    fn two_ingresses_of_one_file_may_not_lead_elsewhere() {
        let text = format!("{}---\n{}", ingress("web", "/a", ""), ingress("api", "/a/", ""));
        assert_eq!(
            found(&[("k8s/a.yaml", &text)]),
            ["a.example.com /a web:80 null null", "a.example.com /a api:80 web:80 Ingress `web`"]
        );
        let canary = ingress("api", "/a", "nginx.ingress.kubernetes.io/canary: 'true'");
        let text = format!("{}---\n{canary}", ingress("web", "/a", ""));
        assert_eq!(found(&[("k8s/a.yaml", &text)]).len(), 1);
        let (web, api) = (ingress("web", "/a", ""), ingress("api", "/a", ""));
        let apart = found(&[("k8s/a.yaml", &web), ("k8s/b.yaml", &api)]);
        assert!(apart.iter().all(|it| it.ends_with("null null")), "{apart:?}");
    }

    #[test]
    fn a_missing_certificate_is_certain_where_others_are_kept() {
        let of = |files: &[(&str, &str)]| look(&CERTIFICATE, files, &["name", "found", "certain"]);
        let web = ingress("web", "/", "");
        let other =
            "apiVersion: v1\nkind: Secret\nmetadata: {name: api-tls}\ntype: kubernetes.io/tls\n";
        assert_eq!(of(&[("k8s/a.yaml", &web)]), ["web-tls true false"]);
        assert_eq!(of(&[("k8s/a.yaml", &web), ("k8s/b.yaml", other)]), ["web-tls false true"]);
        let made = ingress("web", "/", "cert-manager.io/cluster-issuer: le");
        assert_eq!(of(&[("k8s/a.yaml", &made), ("k8s/b.yaml", other)]), ["web-tls true false"]);
        let certificate = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\nspec: \
                           {secretName: web-tls}\n";
        assert_eq!(of(&[("k8s/a.yaml", &web), ("k8s/b.yaml", certificate)]), ["web-tls true true"]);
    }
}
