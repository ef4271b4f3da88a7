//! Routes in the code against those that an OpenAPI document lists.

use std::collections::BTreeSet;

use super::routes::Route;
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    repository::{Repository, probe, record},
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "path", shape: Shape::Text, means: "its whole path" },
    Field { name: "method", shape: Shape::Text, means: "its method" },
    Field { name: "listed", shape: Shape::Bool, means: "whether the document lists the path" },
    Field { name: "document", shape: Shape::Text, means: "the path of the document" },
    Field { name: "route", shape: Shape::Any, means: "the route as it is written" },
];

/// One subject for each route of a service that one OpenAPI document describes.
pub(in crate::repository) const VIEW: View = View {
    name: "python.described_route",
    kind: Kind::Python,
    means: "a route of a service most of whose routes one OpenAPI document of the repository lists",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the route" }],
    select: Select::Repository(select),
};

/// The fewest routes that tell whether a document describes a service.
const FEWEST: usize = 4;

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    for at in 0..python.services.len() {
        let of_service = |it: &&Route<'a>| python.modules[it.module].service == Some(at);
        let routes: Vec<_> =
            python.routes.iter().filter(of_service).filter(|it| is_public(it)).collect();
        let Some((document, listed)) = described(repository, &routes) else { continue };
        for (route, is_listed) in routes.iter().zip(listed) {
            let methods = route.node.get("methods");
            let it = record([
                ("path", Value::text(route.paths[0].as_str())),
                ("method", Value::maybe(methods.and_then(|it| it.item(0)))),
                ("listed", Value::Bool(is_listed)),
                ("document", Value::Str(&document.tree.source.path)),
                ("route", Value::Node(route.node)),
            ]);
            emit(Subject { values: vec![it], at: route.node, object: None });
        }
    }
}

/// One subject for each path that a document lists and that the service it describes does not have.
pub(in crate::repository) const UNSERVED: View = View {
    name: "python.unserved_path",
    kind: Kind::Python,
    means: "a path that a document lists, of a service all of whose routes are known, and without it",
    vars: &[Field { name: "it", shape: Shape::Record(PATH), means: "the path" }],
    select: Select::Repository(unserved),
};

const PATH: &[Field] = &[
    Field { name: "path", shape: Shape::Text, means: "the path as the document has it" },
    Field { name: "app", shape: Shape::Text, means: "the path of the module that makes the app" },
];

fn unserved<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    for (at, service) in python.services.iter().enumerate() {
        let routes: Vec<_> = python
            .routes
            .iter()
            .filter(|it| python.modules[it.module].service == Some(at))
            .collect();
        let [app] = service.apps[..] else { continue };
        let is_sure = routes.iter().all(|it| it.known && it.mounted)
            && !python.open.contains(&at)
            && app.at(&["kwargs", "root_path"]).is_none();
        let public: Vec<_> = routes.iter().copied().filter(|it| is_public(it)).collect();
        let Some((document, _)) = described(repository, &public).filter(|_| is_sure) else {
            continue;
        };
        let served: BTreeSet<_> =
            routes.iter().flat_map(|it| &it.paths).map(|it| shape(it)).collect();
        let root = document.tree.documents().next();
        let bases = probe::bases(document);
        let listed = root.and_then(|it| it.get("paths"));
        let lost: Vec<_> = listed
            .into_iter()
            .flat_map(Node::entries)
            .filter(|it| it.0.starts_with('/'))
            .filter(|it| {
                !bases.iter().any(|base| served.contains(&shape(&format!("{base}{}", it.0))))
            })
            .collect();
        // Where much is missing, another part of the code serves it.
        if lost.len() * 4 > public.len() {
            continue;
        }
        for (path, item) in lost {
            let app = Value::Str(app.tree().source.path.as_str());
            let it = record([("path", Value::Str(path)), ("app", app)]);
            emit(Subject { values: vec![it], at: item, object: None });
        }
    }
}

/// Whether a document should list the route: FastAPI lists what it mounts and does not hide.
fn is_public(route: &Route<'_>) -> bool {
    let hidden = route.node.get("include_in_schema").is_some();
    let methods = list(route.node, "methods");
    let is_http = methods.map(Node::text).any(|it| it != "WEBSOCKET");
    route.known && route.mounted && !hidden && is_http && route.paths.len() == 1
}

/// The document that lists most of the routes, and which it lists.
fn described<'a>(
    repository: &'a Repository<'a>,
    routes: &[&Route<'a>],
) -> Option<(&'a Artifact, Vec<bool>)> {
    if routes.len() < FEWEST {
        return None;
    }
    let mut best: Option<(&Artifact, Vec<bool>, usize)> = None;
    for document in repository.of(Kind::Openapi) {
        let paths: BTreeSet<String> = probe::routes(document).iter().map(|it| shape(it)).collect();
        let listed: Vec<bool> =
            routes.iter().map(|it| paths.contains(&shape(&it.paths[0]))).collect();
        let count = listed.iter().filter(|it| **it).count();
        if best.as_ref().is_none_or(|it| it.2 < count) {
            best = Some((document, listed, count));
        }
    }
    best.filter(|it| it.2 * 4 >= routes.len() * 3).map(|it| (it.0, it.1))
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let parts = path.trim_end_matches('/').split('/');
    parts.map(|it| if it.contains('{') { "{}" } else { it }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_do_not_matter() {
        assert_eq!(shape("/orders/{order_id:int}/"), shape("/orders/{id}"));
        assert_ne!(shape("/orders"), shape("/orders/{id}"));
    }
}
