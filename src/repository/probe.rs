//! Probes of containers that are built here, against the routes that their OpenAPI document or
//! their code lists.

use super::{
    Repository, brief,
    image::{images, shipped},
    labels::is_template,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

/// Last parts of paths by which services tell their health.
const HEALTH: &[&str] = &[
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "live",
    "livez",
    "liveness",
    "alive",
    "ready",
    "readyz",
    "readiness",
    "ping",
    "status",
    "up",
    "heartbeat",
];

const FIELDS: &[Field] = &[
    Field { name: "kind", shape: Shape::Text, means: "`livenessProbe`, …" },
    Field { name: "path", shape: Shape::Any, means: "the path that it asks for" },
    Field { name: "served", shape: Shape::Bool, means: "whether that path is listed" },
    Field { name: "listed", shape: Shape::Text, means: "the health paths that are listed" },
    Field {
        name: "document",
        shape: Shape::Text,
        means: "the path of the document, or of the app",
    },
    Field { name: "container", shape: Shape::Any, means: "the container" },
    Field { name: "workload", shape: Shape::Any, means: "its workload" },
];

/// One subject for each HTTP probe of a container whose interface is described in the repository,
/// where the description, or else the code of its app, lists some path for the health.
pub(super) const VIEW: View = View {
    name: "repository.probe",
    kind: Kind::Repository,
    means: "an HTTP probe of a container whose OpenAPI document or code lists health paths",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the probe" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for workload in repository.objects.of(Class::Workload) {
        if repository.objects.is_patched(workload) {
            continue;
        }
        for (container, image) in images(workload) {
            let built = shipped(repository, image);
            let Some(built) = built else { continue };
            match document(repository, built.artifact) {
                Some(document) => {
                    let path = &document.tree.source.path;
                    probes(workload, container, (path, &routes(document)), emit);
                }
                None => {
                    let folder = built.artifact.tree.source.folder();
                    if let Some((app, served)) = repository.python.served_below(folder) {
                        probes(workload, container, (app, &served), emit);
                    }
                }
            }
        }
    }
}

/// The one OpenAPI document below the folder of the Dockerfile.
fn document<'a>(repository: &'a Repository<'a>, dockerfile: &Artifact) -> Option<&'a Artifact> {
    let folder = dockerfile.tree.source.folder();
    let below = |it: &&Artifact| {
        let path = it.tree.source.path.as_str();
        folder.is_empty() || path.strip_prefix(folder).is_some_and(|it| it.starts_with('/'))
    };
    let mut found = repository.of(Kind::Openapi).filter(below);
    let document = found.next()?;
    found.next().is_none().then_some(document)
}

fn probes<'a>(
    workload: &'a Object<'a>,
    container: Node<'a>,
    (document, routes): (&'a str, &[String]),
    emit: Emit<'_, 'a>,
) {
    let is_health = |it: &&String| it.rsplit('/').next().is_some_and(|it| HEALTH.contains(&it));
    let listed: Vec<_> = routes.iter().filter(is_health).map(String::as_str).collect();
    if listed.is_empty() {
        return;
    }
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let path = container.at(&[kind, "httpGet", "path"]);
        let Some(path) = path.filter(|it| it.as_str().is_some_and(|it| !is_template(it))) else {
            continue;
        };
        let asked = path.text().split(['?', '#']).next().unwrap_or_default();
        let asked = asked.trim_end_matches('/');
        let served = asked.is_empty() || routes.iter().any(|it| matches(it, asked));
        emit(Subject {
            values: vec![record([
                ("kind", Value::Str(kind)),
                ("path", Value::Node(path)),
                ("served", Value::Bool(served)),
                ("listed", Value::text(listed.join("`, `"))),
                ("document", Value::Str(document)),
                ("container", Value::Node(container)),
                ("workload", brief(workload)),
            ])],
            at: path,
            object: Some(workload.identity()),
        });
    }
}

/// The base paths of the servers of a document, and none.
pub(super) fn bases(document: &Artifact) -> Vec<String> {
    let Some(root) = document.tree.documents().next() else { return Vec::new() };
    let servers = root.get("servers").into_iter().flat_map(Node::children);
    let urls = servers.filter_map(|it| it.str("url"));
    let mut bases: Vec<String> = urls.map(|it| base_path(it).to_owned()).collect();
    bases.extend(root.str("basePath").map(|it| it.trim_end_matches('/').to_owned()));
    bases.push(String::new());
    bases.sort();
    bases.dedup();
    bases.truncate(20);
    bases
}

/// The paths of a document, with and without the base paths of its servers.
pub(super) fn routes(document: &Artifact) -> Vec<String> {
    let Some(root) = document.tree.documents().next() else { return Vec::new() };
    let bases = bases(document);
    let paths = root.get("paths").into_iter().flat_map(Node::entries).map(|it| it.0).take(5000);
    let all = paths.filter(|it| it.starts_with('/')).flat_map(|path| {
        bases.iter().map(move |base| format!("{base}{}", path.trim_end_matches('/')))
    });
    all.collect()
}

/// The path of the address of a server.
fn base_path(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url,
    };
    path.trim_end_matches('/')
}

/// Whether a path matches a template of a path.
fn matches(template: &str, path: &str) -> bool {
    let (mut parts, mut own) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), own.next()) {
            (None, None) => return true,
            (Some(part), Some(text)) if part == text || part.contains('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_matches_part_by_part() {
        assert!(matches("/orders/{id}", "/orders/7"));
        assert!(!matches("/orders/{id}", "/orders"));
        assert!(!matches("/health", "/healthz"));
        assert_eq!(base_path("https://a.example.com/api/v1/"), "/api/v1");
        assert_eq!(base_path("/api"), "/api");
    }
}
