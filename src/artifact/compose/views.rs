//! The views of Compose files.
//!
//! They look across files, because a service may be written in several: in the file that it
//! extends, and in the files beside that have a service of the same name.

use super::project;
use crate::{
    artifact::{Artifact, Emit, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    repository::Repository,
    value::Value,
};

const TEXTS: Shape = Shape::List(&Shape::Text);

const FILE: Shape = Shape::Record(fields! {
    "path": Shape::Text, "its path";
    "folder": Shape::Text, "its folder";
    "purpose": Shape::Text, "`production`, `development` or `unknown`, by its name and by what its services do";
    "raw": Shape::Any, "the file as written";
    "services": Shape::List(&SERVICE), "its services";
});

const SERVICE: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "image": IMAGE, "its image; nothing if it names none";
    "build": BUILD, "what it is built from; nothing if it is not built";
    "environment": Shape::List(&VARIABLE), "the variables it sets";
    "env_files": TEXTS, "the files with variables that it reads";
    "volumes": Shape::List(&MOUNT), "what it mounts";
    "ports": TEXTS, "the ports it publishes, in the short form";
    "depends_on": Shape::List(&DEPENDENCY), "the services it needs";
    "healthcheck": Shape::Any, "its health check as written; nothing if it has none or disables it";
    "health_disabled": Shape::Bool, "it disables the health check of its image";
    "limits": Shape::Any, "its limits of memory or CPU as written";
    "restart": Shape::Text, "when it is started again";
    "command": Shape::Text, "its entrypoint and command, as one text";
    "extends": Shape::Text, "the service that it extends";
    "extends_file": Shape::Text, "the file of that service; empty for its own";
    "raw": Shape::Any, "the service as written";
});

const IMAGE: Shape = Shape::Record(fields! {
    "text": Shape::Text, "as written";
    "registry": Shape::Text, "the host; empty if it names none";
    "name": Shape::Text, "the repository";
    "tag": Shape::Text, "the tag; empty if it has none";
    "digest": Shape::Text, "the digest; empty if it has none";
    "known": Shape::Bool, "no variable is part of it";
});

const BUILD: Shape = Shape::Record(fields! {
    "context": Shape::Text, "its folder, below the root; empty also if unknown";
    "dockerfile": Shape::Text, "the path of its Dockerfile; empty if unknown";
    "target": Shape::Text, "the stage it stops at; empty for the last";
});

const VARIABLE: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "value": Shape::Text, "its value as written";
    "literal": Shape::Bool, "no variable is part of it";
    "fallback": Shape::Text, "the `b` of `${A:-b}`";
});

const MOUNT: Shape = Shape::Record(fields! {
    "source": Shape::Text, "the volume or path; empty for an anonymous volume";
    "target": Shape::Text, "where it is mounted, with options";
});

const DEPENDENCY: Shape = Shape::Record(fields! {
    "name": Shape::Text, "the service";
    "condition": Shape::Text, "what is waited for: `service_healthy`, …; empty for its start";
});

const WHOLE: Shape = Shape::Record(fields! {
    "healthcheck": Shape::Bool, "some file beside it, what it extends, or its Dockerfile has a health check";
    "limits": Shape::Bool, "some file beside it, or what it extends, has limits";
    "restart": Shape::Text, "when it is started again, by any of these files";
    "stateful": Shape::Bool, "its image is that of a database, a queue or a cache";
    "built": Shape::Bool, "its Dockerfile is in the repository";
    "exposed": Shape::List(&Shape::Number), "the ports that its Dockerfile exposes, where all are known";
    "reached": Shape::List(&Shape::Number), "the ports inside that it publishes, where all are known and nothing else may choose them";
    "once": Shape::Bool, "it runs once and ends: migrations, set-up";
});

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "compose.file",
        kind: Kind::Compose,
        means: "each Compose file",
        vars: fields! { "it": FILE, "the file"; },
        select: Select::File(files),
    },
    View {
        name: "compose.service",
        kind: Kind::Compose,
        means: "each service of a Compose file",
        vars: fields! {
            "it": SERVICE, "the service";
            "file": FILE, "its file";
            "whole": WHOLE, "what other files say of it";
        },
        select: Select::Repository(services),
    },
    View {
        name: "compose.variable",
        kind: Kind::Compose,
        means: "each variable that a service of a Compose file sets",
        vars: fields! {
            "it": VARIABLE, "the variable";
            "service": SERVICE, "its service";
            "file": FILE, "its file";
        },
        select: Select::File(variables),
    },
];

fn files<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    if let Some(file) = project(artifact) {
        emit(Subject { values: vec![Value::Node(file)], at: file, object: None });
    }
}

fn variables<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let Some(file) = project(artifact) else { return };
    for service in list(file, "services") {
        for it in list(service, "environment") {
            let values = [it, service, file].map(Value::Node).to_vec();
            emit(Subject { values, at: it, object: None });
        }
    }
}

fn services<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let files: Vec<_> = repository.of(Kind::Compose).filter_map(project).collect();
    for &file in &files {
        let beside: Vec<_> =
            files.iter().copied().filter(|it| it.str("folder") == file.str("folder")).collect();
        for service in list(file, "services") {
            let layers = layers(service, file, &files, &beside);
            let whole = whole(repository, service, &layers);
            let values = vec![Value::Node(service), Value::Node(file), whole];
            emit(Subject { values, at: service, object: None });
        }
    }
}

/// The most files beside a file that are looked into.
const MOST_BESIDE: usize = 20;

/// The service as other files write it: what it extends, and its name in the files beside.
fn layers<'a>(
    service: Node<'a>,
    file: Node<'a>,
    files: &[Node<'a>],
    beside: &[Node<'a>],
) -> Vec<Node<'a>> {
    let name = service.str("name");
    let mut found = vec![service];
    for other in beside.iter().filter(|it| **it != file).take(MOST_BESIDE) {
        found.extend(list(*other, "services").find(|it| it.str("name") == name));
    }
    if let Some(extended) = service.str("extends").filter(|it| !it.is_empty()) {
        let path = service.str("extends_file").unwrap_or("");
        let folder = file.str("folder").unwrap_or("");
        let path = crate::source::resolve(folder, path).unwrap_or_default();
        let from = files.iter().find(|it| it.str("path") == Some(&path)).copied().unwrap_or(file);
        found.extend(list(from, "services").find(|it| it.str("name") == Some(extended)));
    }
    found
}

fn whole<'a>(repository: &'a Repository<'a>, service: Node<'a>, layers: &[Node<'a>]) -> Value<'a> {
    let has = |key: &str| layers.iter().any(|it| it.get(key).is_some_and(|it| !it.is_null()));
    let restart = layers.iter().filter_map(|it| it.str("restart")).find(|it| !it.is_empty());
    let image = layers.iter().find_map(|it| it.at(&["image", "name"])).map_or("", Node::text);
    let image = image.rsplit('/').next().unwrap_or(image);
    let dockerfile = layers.iter().find_map(|it| it.at(&["build", "dockerfile"])).map(Node::text);
    let mut all = repository.of(Kind::Dockerfile);
    let built = all.find(|it| Some(it.tree.source.path.as_str()) == dockerfile);
    let lines = built.into_iter().flat_map(|it| it.tree.source.text.lines());
    let checked = lines.into_iter().any(|it| it.starts_with("HEALTHCHECK"));
    let target = layers.iter().find_map(|it| it.at(&["build", "target"])).map_or("", Node::text);
    let exposed = dockerfile.map(|it| repository.exposed(it, target)).unwrap_or_default();
    Value::map([
        ("healthcheck", Value::Bool(has("healthcheck") || checked)),
        ("limits", Value::Bool(has("limits"))),
        ("restart", Value::Str(restart.unwrap_or(""))),
        ("stateful", Value::Bool(STATEFUL.iter().any(|it| image.starts_with(it)))),
        ("built", Value::Bool(built.is_some())),
        ("exposed", Value::list(exposed.into_iter().map(Value::Int))),
        ("reached", Value::list(reached(layers).into_iter().map(Value::Int))),
        ("once", Value::Bool(is_once(service, restart))),
    ])
}

/// The ports inside of a container that its service publishes; none where one is not known, or where
/// a command or a variable may choose another.
fn reached(layers: &[Node<'_>]) -> Vec<i64> {
    let own = layers.iter().flat_map(|it| list(*it, "ports")).map(Node::text);
    let ports: Option<Vec<i64>> = own.map(inside).collect();
    let ports = ports.unwrap_or_default();
    let variables = layers.iter().flat_map(|it| list(*it, "environment"));
    let mut values = variables.filter_map(|it| it.str("value"));
    let commanded = layers.iter().any(|it| it.str("command").is_some_and(|it| !it.is_empty()));
    let may_choose = |it: &str| ports.iter().any(|port| it.contains(&port.to_string()));
    if commanded || values.any(may_choose) { Vec::new() } else { ports }
}

/// The 80 of `127.0.0.1:8080:80/tcp`.
fn inside(port: &str) -> Option<i64> {
    let number = port.rsplit(':').next().unwrap_or(port);
    number.split('/').next().unwrap_or(number).parse().ok()
}

const STATEFUL: &[&str] = &[
    "postgres",
    "postgis",
    "timescaledb",
    "mysql",
    "mariadb",
    "mongo",
    "redis",
    "valkey",
    "rabbitmq",
    "kafka",
    "elasticsearch",
    "opensearch",
    "clickhouse",
    "minio",
    "cassandra",
];

/// Whether the service runs once: its name or its command says so.
fn is_once(service: Node<'_>, restart: Option<&str>) -> bool {
    let name = service.str("name").unwrap_or("").to_ascii_lowercase();
    let command = service.str("command").unwrap_or("");
    let by_name = ["migrat", "init", "setup", "seed", "prestart", "backup", "certbot", "job"];
    by_name.iter().any(|it| name.contains(it))
        || restart == Some("no")
        || ["alembic upgrade", "migrate", "prestart"].iter().any(|it| command.contains(it))
}
