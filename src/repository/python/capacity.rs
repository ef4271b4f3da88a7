//! Connections that a service may open at once, against those that its database takes.

use std::cell::LazyCell;

use super::{Module, Python};
use crate::{
    artifact::{Emit, Kind, Select, Shape, Subject, View, fields},
    document::Node,
    repository::{
        Repository,
        image::{images, process, shipped},
        objects::{Class, Object},
        record, scaling,
    },
    source::behind,
    value::Value,
};

const CAPACITY: Shape = Shape::Record(fields! {
    "pool": Shape::Number, "the connections that one process may open";
    "workers": Shape::Number, "how many processes a replica has";
    "replicas": Shape::Number, "how many replicas there may be";
    "total": Shape::Number, "the product";
    "limit": Shape::Number, "how many connections the database takes";
    "engine": Shape::Any, "the call that makes the engine";
    "workload": Shape::Text, "the workload that runs the service";
});

/// One subject for each workload that runs the service of a repository whose database is there too.
pub(in crate::repository) const VIEW: View = View {
    name: "python.capacity",
    kind: Kind::Python,
    means: "a workload of a service with a pool of known size, and the PostgreSQL beside it",
    vars: fields! { "it": CAPACITY, "the sums"; },
    select: Select::Repository(select),
};

/// What PostgreSQL takes if nobody says otherwise.
const USUAL: i64 = 100;

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    // It reads every manifest, and most repositories have no pool.
    let limit = LazyCell::new(|| limit(repository));
    for workload in repository.objects.of(Class::Workload) {
        let Some(replicas) = most(repository, workload) else { continue };
        for (container, image) in images(workload) {
            let Some(built) = shipped(repository, image) else { continue };
            let folder = built.artifact.tree.source.folder();
            let Some((engine, pool)) = pool(python, folder) else { continue };
            let Some(limit) = *limit else { return };
            let started = process(&built, container);
            let Some(workers) = workers(container, started) else { continue };
            let total = pool.saturating_mul(workers).saturating_mul(replicas);
            let it = record([
                ("pool", Value::Int(pool)),
                ("workers", Value::Int(workers)),
                ("replicas", Value::Int(replicas)),
                ("total", Value::Int(total)),
                ("limit", Value::Int(limit)),
                ("engine", Value::Node(engine)),
                ("workload", Value::Str(workload.name)),
            ]);
            emit(Subject { values: vec![it], at: engine, object: Some(workload.identity()) });
        }
    }
}

/// The most replicas that a workload may have, if it says.
fn most(repository: &Repository<'_>, workload: &Object<'_>) -> Option<i64> {
    let least = scaling::replicas(repository, workload)?;
    let scalers = repository.links.selecting(&repository.objects, workload, Class::Autoscaler);
    let upper =
        scalers.filter_map(|it| it.spec("maxReplicas").or_else(|| it.spec("maxReplicaCount")));
    Some(upper.filter_map(Node::as_int).fold(least, i64::max))
}

/// The one engine of the one service below a folder, and what its pool may hold.
fn pool<'a>(python: &Python<'a>, folder: &str) -> Option<(Node<'a>, i64)> {
    let at = python.one_below(folder)?;
    let modules = python.modules.iter().filter(|it| it.service == Some(at));
    let mut engines = modules.flat_map(Module::engines);
    let engine = engines.next()?;
    let number = |name: &str| engine.at(&["kwargs", name]);
    let size = number("pool_size")?.as_int().filter(|it| (1..10_000).contains(it))?;
    let overflow = match number("max_overflow") {
        Some(it) => it.as_int().filter(|it| (0..10_000).contains(it))?,
        None => 10,
    };
    engines.next().is_none().then_some((engine, size + overflow))
}

/// How many processes a container starts: what its command says, or the image's; one if neither
/// does, nothing if it is not known.
fn workers(container: Node<'_>, started: Option<Node<'_>>) -> Option<i64> {
    let list = |key: &str| container.get(key).into_iter().flat_map(Node::children);
    let own: Vec<&str> = list("command").chain(list("args")).map(Node::text).collect();
    let text = match (own.is_empty(), started) {
        (false, _) => own.join(" "),
        (true, Some(it)) => it.tree().source.slice(it.span()).to_owned(),
        (true, None) => return None,
    };
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '[' | ']' | '='))
        .collect();
    let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
    match words.iter().position(|it| matches!(*it, "--workers" | "-w")) {
        Some(at) => words.get(at + 1)?.parse().ok().filter(|it| (1..1000).contains(it)),
        None => words.iter().any(|it| it.contains("uvicorn")).then_some(1),
    }
}

/// How many connections the PostgreSQL of the repository takes; nothing if it has none.
fn limit(repository: &Repository<'_>) -> Option<i64> {
    let texts = || {
        let kinds = [Kind::Kubernetes, Kind::Compose];
        let artifacts = kinds.into_iter().flat_map(|kind| repository.of(kind));
        artifacts.map(|it| it.tree.source.text.as_str())
    };
    let said = texts().flat_map(limits).max();
    let is_postgres = |image: &str| image.contains("postgres") || image.contains("postgis");
    let mut images = texts().flat_map(|it| behind(it, "image:"));
    said.or_else(|| images.any(is_postgres).then_some(USUAL))
}

/// The numbers behind `max_connections` in a text.
fn limits(text: &str) -> impl Iterator<Item = i64> {
    text.match_indices("max_connections").filter_map(|(at, word)| {
        let rest = text[at + word.len()..].trim_start_matches([' ', '=', ':', '"', '\'']);
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_wherever_they_are_said() {
        let text =
            "command: postgres -c max_connections=200\nmax_connections: \"50\"\nmax_connections";
        assert_eq!(limits(text).collect::<Vec<_>>(), [200, 50]);
    }
}
