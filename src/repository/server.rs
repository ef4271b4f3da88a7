//! The servers of OpenAPI documents, against the ports that their service serves and the hosts and
//! paths that lead to it.

mod route;

use std::collections::BTreeSet;

use super::{
    Repository, below,
    builds::Build,
    coverage::is_fixture,
    image::{self, images},
    labels::is_template,
    objects::{Class, Object},
    probe::routes,
    record,
    service::container_ports,
};
use crate::{
    artifact::{
        Artifact, Emit, Field, Kind, Select, Shape, Subject, View, compose, fields, openapi,
    },
    document::{Node, list},
    value::Value,
};

const LOCAL_FIELDS: &[Field] = fields! {
    "url": Shape::Text, "the server as the document names it";
    "port": Shape::Number, "the port that it names";
    "served": Shape::Bool, "whether the service serves the port, or some text of it names it";
    "serves": Shape::Text, "the ports that the service serves, each with its place";
    "places": Shape::List(&Shape::Any), "where those are said";
};

/// One subject for each server on the machine of the reader, where the ports of the one service
/// that the document belongs to are known.
pub(super) const LOCAL_VIEW: View = View {
    name: "repository.local_server",
    kind: Kind::Repository,
    means: "a local server of an OpenAPI document whose service and its ports are known",
    vars: &[Field { name: "it", shape: Shape::Record(LOCAL_FIELDS), means: "the server" }],
    select: Select::Repository(local),
};

const PUBLIC_FIELDS: &[Field] = fields! {
    "url": Shape::Text, "the server as the document names it";
    "host": Shape::Text, "its host";
    "base": Shape::Text, "the path that all its operations are below; `/` if there is none";
    "host_served": Shape::Bool, "whether some route serves the host, or it cannot be told";
    "path_served": Shape::Bool, "whether some route of the host serves its paths, or it cannot be told";
    "tls": Shape::Bool, "whether the host is served with a certificate, or it cannot be told";
    "https": Shape::Bool, "whether it is to be called with TLS";
    "hosts": Shape::Text, "the hosts that lead to the service, each with its place";
    "paths": Shape::Text, "the paths that are served of the host, each with its place";
    "route": Shape::Text, "the first route of the host, with its place";
    "own": Shape::List(&Shape::Any), "where the hosts are said that lead to the service";
    "rules": Shape::List(&Shape::Any), "where the routes of the host are";
};

/// One subject for each public server of a document, where every route to its service is known.
pub(super) const PUBLIC_VIEW: View = View {
    name: "repository.public_server",
    kind: Kind::Repository,
    means: "a public server of an OpenAPI document whose service has known routes",
    vars: &[Field { name: "it", shape: Shape::Record(PUBLIC_FIELDS), means: "the server" }],
    select: Select::Repository(public),
};

/// How many servers of a document are looked at.
const SERVERS: usize = 20;

/// A server as a document writes it.
struct Server<'a> {
    at: Node<'a>,
    /// Its address, with variables filled in.
    url: String,
    scheme: String,
    host: String,
    port: Option<i64>,
    base: String,
}

impl<'a> Server<'a> {
    fn new(at: Node<'a>, url: String) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (scheme, rest) = (scheme.to_ascii_lowercase(), rest.split(['?', '#']).next()?);
        let (authority, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        let base = base.trim_end_matches('/').to_owned();
        let host = host.to_ascii_lowercase();
        let is_plain = !host.is_empty() && !host.contains('@');
        is_plain.then_some(Self { at, scheme, host, port, base, url })
    }

    fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "0.0.0.0" | "[::1]")
            || self.host.starts_with("127.")
    }

    /// A name of the open internet, and no example.
    fn is_public(&self) -> bool {
        let is_name = self.host.split('.').all(|it| !it.is_empty())
            && self.host.contains('.')
            && self.host.bytes().all(|it| it.is_ascii_alphanumeric() || b".-".contains(&it));
        let last = self.host.rsplit('.').next().unwrap_or_default();
        let is_inner = matches!(last, "local" | "internal" | "localhost" | "test" | "invalid");
        is_name && !is_inner && !last.bytes().all(|it| it.is_ascii_digit())
    }
}

/// The address of a server with the defaults of its variables; nothing where one may be chosen.
fn filled(server: Node<'_>) -> Option<String> {
    let mut url = server.str("url")?.to_owned();
    for (name, variable) in server.get("variables").into_iter().flat_map(Node::entries).take(20) {
        let choices = variable.get("enum").map_or(0, Node::len);
        let default = variable.get("default").filter(|_| choices < 2)?;
        url = url.replace(&format!("{{{name}}}"), &default.display());
    }
    (!url.contains('{') && !is_template(&url)).then_some(url)
}

/// The servers of a document; of version 2.0 its host with each of its schemes.
fn servers(document: &Artifact) -> Vec<Server<'_>> {
    let Some((root, version)) = openapi::document(&document.tree) else { return Vec::new() };
    if version.0 > 2 {
        let all = list(root, "servers").take(SERVERS);
        return all
            .filter_map(|it| Server::new(it.get("url").unwrap_or(it), filled(it)?))
            .collect();
    }
    let Some(host) = root.get("host").filter(|it| it.as_str().is_some()) else { return Vec::new() };
    let schemes = list(root, "schemes").filter_map(Node::as_str);
    let mut schemes: Vec<_> = schemes.collect();
    if schemes.is_empty() {
        schemes.push("http");
    }
    let scheme = if schemes.contains(&"http") { "http" } else { "https" };
    let base = root.str("basePath").unwrap_or_default();
    let url = format!("{scheme}://{}{base}", host.text());
    let server = Some(url).filter(|it| !it.contains('{') && !is_template(it));
    server.and_then(|it| Server::new(host, it)).into_iter().collect()
}

/// The service that a document belongs to: what is built and run below the nearest folder around
/// the document that holds any of it.
struct Service<'a> {
    /// The folder.
    folder: &'a str,
    dockerfile: Option<&'a Artifact>,
    workloads: Vec<&'a Object<'a>>,
}

/// Whether a path is a folder or lies below it.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    path == folder || below(path, folder)
}

/// Where the files of a Dockerfile's image lie: its own folder, or the context below it or beside it.
fn home<'a>(repository: &'a Repository<'a>, dockerfile: &'a Artifact) -> &'a str {
    let source = &dockerfile.tree.source;
    let mut contexts = repository.builds.iter().filter(|it| it.dockerfile == source.path);
    let Some(Build { context, .. }) = contexts.next() else { return source.folder() };
    let is_one = contexts.all(|it| it.context == *context);
    if is_one && !is_below(source.folder(), context) { context } else { source.folder() }
}

fn service<'a>(repository: &'a Repository<'a>, document: &'a Artifact) -> Option<Service<'a>> {
    let is_aside = |path: &str| is_fixture(path) || path.starts_with('.') || path.contains("/.");
    let dockerfiles: Vec<_> = repository
        .of(Kind::Dockerfile)
        .filter(|it| !is_aside(&it.tree.source.path))
        .map(|it| (it, home(repository, it)))
        .collect();
    let objects = &repository.objects;
    let selected =
        |it: &&Object<'a>| repository.links.selecting(objects, it, Class::Service).next().is_some();
    let workloads: Vec<&Object<'a>> =
        objects.of(Class::Workload).filter(|it| !is_aside(it.path)).filter(selected).collect();
    let folder = document.tree.source.folder();
    let up = |it: &&'a str| (!it.is_empty()).then(|| it.rsplit_once('/').map_or("", |it| it.0));
    let mut folders = std::iter::successors(Some(folder), up);
    folders.find_map(|folder| {
        let built: Vec<_> = dockerfiles.iter().filter(|it| is_below(it.1, folder)).collect();
        let run: Vec<_> = workloads.iter().filter(|it| is_below(it.folder, folder)).collect();
        if built.is_empty() && run.is_empty() {
            return None;
        }
        Some(match built[..] {
            [&(dockerfile, _)] => {
                let of_it = |it: &&Object<'a>| {
                    images(it).any(|(_, image)| is_from(repository, image, dockerfile))
                };
                let workloads = objects.of(Class::Workload).filter(of_it).collect();
                Some(Service { folder, dockerfile: Some(dockerfile), workloads })
            }
            [] if run.iter().all(|it| it.name == run[0].name) => Some(Service {
                folder,
                dockerfile: None,
                workloads: run.into_iter().copied().collect(),
            }),
            _ => None,
        })
    })?
}

fn is_from(repository: &Repository<'_>, image: &str, dockerfile: &Artifact) -> bool {
    image::shipped(repository, image).is_some_and(|it| std::ptr::eq(it.artifact, dockerfile))
}

/// The documents that are somebody's interface.
fn documents<'a>(repository: &'a Repository<'a>) -> impl Iterator<Item = &'a Artifact> {
    repository.of(Kind::Openapi).filter(|it| !is_fixture(&it.tree.source.path))
}

fn place(node: Node<'_>) -> String {
    let (source, start, _) = node.seen();
    format!("`{}:{}`", source.path, start.line)
}

/// A list for a message, not longer than people read.
fn told(all: &BTreeSet<String>) -> String {
    let shown: Vec<_> = all.iter().take(4).map(String::as_str).collect();
    let more = if all.len() > shown.len() { ", …" } else { "" };
    shown.join(", ") + more
}

/// The ports of a service.
#[derive(Default)]
struct Ports<'a> {
    numbers: BTreeSet<i64>,
    told: BTreeSet<String>,
    places: Vec<Node<'a>>,
    /// Some port is not known.
    open: bool,
}

impl<'a> Ports<'a> {
    fn add(&mut self, port: Option<i64>, at: Node<'a>) {
        match port {
            Some(port) => {
                self.numbers.insert(port);
                self.places.push(at);
                self.told.insert(format!("{port} ({})", place(at)));
            }
            None => self.open = true,
        }
    }

    fn of(repository: &'a Repository<'a>, service: &Service<'a>) -> Self {
        let mut it = Self::default();
        if let Some(dockerfile) = service.dockerfile {
            it.of_dockerfile(dockerfile);
            it.of_compose(repository, dockerfile);
        }
        for workload in &service.workloads {
            it.open |= repository.objects.is_patched(workload);
            for port in container_ports(workload) {
                it.add(port.get("containerPort").and_then(Node::as_int), port);
            }
            let objects = &repository.objects;
            for service in repository.links.selecting(objects, workload, Class::Service) {
                let ports = service.spec("ports").into_iter().flat_map(Node::children);
                for port in ports {
                    for key in ["port", "targetPort", "nodePort"] {
                        let number = port.get(key).filter(|it| it.as_int().is_some());
                        it.numbers.extend(number.and_then(Node::as_int));
                    }
                    it.add(port.get("port").and_then(Node::as_int), port);
                }
            }
        }
        it
    }

    /// The ports that any stage exposes: which one is meant by whom does not matter.
    fn of_dockerfile(&mut self, dockerfile: &'a Artifact) {
        let Some(facts) = image::facts(dockerfile) else { return };
        for port in list(facts, "ports") {
            let numbers: Vec<_> = list(port, "numbers").filter_map(Node::as_int).collect();
            match numbers[..] {
                [number] => self.add(Some(number), port),
                _ => self.open = true,
            }
        }
    }

    fn of_compose(&mut self, repository: &'a Repository<'a>, dockerfile: &Artifact) {
        let is_of =
            |it: &&Build<'a>| it.by == "compose" && it.dockerfile == dockerfile.tree.source.path;
        let builds: Vec<Node<'a>> =
            repository.builds.iter().filter(is_of).filter_map(|it| it.at).collect();
        let projects = repository.of(Kind::Compose).filter_map(compose::project);
        for service in projects.flat_map(|it| list(it, "services")) {
            let build = service.at(&["raw", "build"]);
            if !build.is_some_and(|it| builds.contains(&it)) {
                continue;
            }
            for port in list(service, "ports") {
                let text = port.text();
                let text = text.split_once('/').map_or(text, |it| it.0);
                let mut parts = text.rsplit(':').map(|it| it.parse::<i64>().ok());
                self.add(parts.next().flatten(), port);
                if let Some(published) = parts.next() {
                    self.add(published, port);
                }
            }
        }
    }
}

/// Whether some text of the service names the port, other than its descriptions: then somebody
/// serves it there, inside of a container or not.
fn is_named(repository: &Repository<'_>, folder: &str, port: i64) -> bool {
    let port = port.to_string();
    let names = |text: &str| {
        let is_part =
            |it: Option<&u8>| it.is_some_and(|it| it.is_ascii_alphanumeric() || b"._".contains(it));
        let bytes = text.as_bytes();
        memchr::memmem::find_iter(bytes, port.as_bytes()).any(|at| {
            let before = at.checked_sub(1).and_then(|it| bytes.get(it));
            !is_part(before) && !is_part(bytes.get(at + port.len()).filter(|it| **it != b'.'))
        })
    };
    let is_other = |it: &&Artifact| {
        let is_told = !matches!(it.kind, Kind::Openapi | Kind::Coverage | Kind::Suppression);
        is_told && is_below(&it.tree.source.path, folder)
    };
    let own = repository.artifacts.iter().filter(is_other).any(|it| names(&it.tree.source.text));
    let texts = repository.texts.iter().filter(|it| is_below(it.0, folder));
    own || texts.into_iter().any(|it| names(&it.1.text))
}

fn local<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for document in documents(repository) {
        let is_candidate = |it: &Server<'_>| it.is_local() && it.scheme == "http";
        let local: Vec<_> = servers(document)
            .into_iter()
            .filter(|it| is_candidate(it) && it.port.is_some())
            .collect();
        if local.is_empty() {
            continue;
        }
        let Some(service) = service(repository, document) else { continue };
        let ports = Ports::of(repository, &service);
        if ports.open || ports.numbers.is_empty() {
            continue;
        }
        // One that is right is enough: the others are for those who run something else there.
        let is_right = |it: &Server<'_>| it.port.is_some_and(|it| ports.numbers.contains(&it));
        let one_is_right = local.iter().any(is_right);
        for server in local {
            let Some(port) = server.port else { continue };
            let served = one_is_right || is_named(repository, service.folder, port);
            emit(Subject {
                values: vec![record([
                    ("url", Value::text(server.url)),
                    ("port", Value::Int(port)),
                    ("served", Value::Bool(served)),
                    ("serves", Value::text(told(&ports.told))),
                    ("places", Value::nodes(ports.places.iter().copied())),
                ])],
                at: server.at,
                object: None,
            });
        }
    }
}

fn public<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for document in documents(repository) {
        let public: Vec<_> = servers(document).into_iter().filter(Server::is_public).collect();
        if public.is_empty() {
            continue;
        }
        let Some(service) = service(repository, document) else { continue };
        let Some(known) = route::Known::of(repository, &service.workloads) else { continue };
        let paths = routes(document);
        let one_is_served = public.iter().any(|it| known.serves(&it.host));
        for server in public {
            let rules = known.rules(&server.host);
            let full: Vec<&str> =
                paths.iter().map(String::as_str).filter(|it| is_below(it, &server.base)).collect();
            emit(Subject {
                values: vec![record([
                    ("url", Value::text(server.url)),
                    (
                        "base",
                        Value::text(
                            if server.base.is_empty() { "/" } else { &server.base }.to_owned(),
                        ),
                    ),
                    ("host_served", Value::Bool(one_is_served || !known.is_missing(&server.host))),
                    (
                        "path_served",
                        Value::Bool(rules.is_empty() || route::lead(&rules, &server.base, &full)),
                    ),
                    ("tls", Value::Bool(rules.is_empty() || rules.iter().any(|it| it.tls))),
                    ("https", Value::Bool(server.scheme == "https")),
                    ("hosts", Value::text(told(&known.hosts()))),
                    ("paths", Value::text(told(&route::paths(&rules)))),
                    ("route", Value::text(rules.first().map_or_else(String::new, |it| it.told()))),
                    ("own", Value::nodes(known.places())),
                    ("rules", Value::nodes(rules.iter().map(|it| it.at))),
                    ("host", Value::text(server.host)),
                ])],
                at: server.at,
                object: None,
            });
        }
    }
}
