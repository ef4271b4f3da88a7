//! A service as a whole: what it limits, what it logs, what only shows in all of its code.

use super::{Module, Python, views};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    repository::{Repository, record},
    value::Value,
};

const TEXTS: Shape = Shape::List(&Shape::Text);

const FIELDS: &[Field] = &[
    Field { name: "folder", shape: Shape::Text, means: "its folder; empty at the root" },
    Field { name: "app", shape: Shape::Any, means: "the call that makes its first app" },
    Field { name: "callees", shape: TEXTS, means: "what its code calls, as dotted paths" },
    Field { name: "packages", shape: TEXTS, means: "the packages that its code imports" },
    Field { name: "routes", shape: Shape::Number, means: "how many routes it has" },
    Field { name: "guarded", shape: Shape::Number, means: "how many of them ask who calls" },
    Field { name: "changing", shape: Shape::Number, means: "how many change something" },
    Field { name: "open", shape: Shape::Number, means: "how many of those ask nobody who calls" },
    Field { name: "limiter", shape: Shape::Any, means: "the call that makes a rate limiter" },
    Field { name: "limited", shape: Shape::Number, means: "how many places attach a limiter" },
    Field {
        name: "everywhere",
        shape: Shape::Bool,
        means: "whether a limit holds for every route",
    },
    Field { name: "login", shape: Shape::Any, means: "its first route for logging in" },
    Field {
        name: "login_logs",
        shape: Shape::Number,
        means: "how many calls in code about logins write to a log",
    },
    Field { name: "health", shape: Shape::Any, means: "its first route that tells its health" },
    Field { name: "middleware", shape: TEXTS, means: "the middleware that its apps add" },
    Field { name: "metadata_created", shape: Shape::Any, means: "a call of `create_all`" },
    Field { name: "migrated", shape: Shape::Bool, means: "whether it has Alembic migrations" },
];

/// One subject for each service.
pub(in crate::repository) const VIEW: View = View {
    name: "python.service",
    kind: Kind::Python,
    means: "a project whose Python code makes an app that answers HTTP requests",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the service" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    for (at, service) in python.services.iter().enumerate() {
        let Some(&app) = service.apps.first() else { continue };
        let modules: Vec<_> = python.modules.iter().filter(|it| it.service == Some(at)).collect();
        let routes: Vec<_> = python
            .routes
            .iter()
            .filter(|it| python.modules[it.module].service == Some(at))
            .collect();
        let changing: Vec<_> = routes.iter().filter(|it| views::changes(it.node)).collect();
        let guarded = |it: &super::Route<'a>| views::is_guarded(&it.guards, it.node);
        let of_purpose = |purpose: &str| {
            let found = routes.iter().find(|it| views::purpose_of(it) == purpose);
            Value::maybe(found.map(|it| it.node))
        };
        let count = |it: usize| Value::Int(it as i64);
        let middleware: Vec<&str> = modules.iter().flat_map(|it| added(it)).collect();
        let limiter = modules.iter().flat_map(|it| it.of("call")).find(|it| is_limiter(*it));
        let it = record([
            ("folder", Value::Str(service.folder)),
            ("app", Value::Node(app)),
            ("callees", Value::list(service.callees.iter().map(|it| Value::Str(it)))),
            ("packages", Value::list(service.packages.iter().map(|it| Value::Str(it)))),
            ("routes", count(routes.len())),
            ("guarded", count(routes.iter().filter(|it| guarded(it)).count())),
            ("changing", count(changing.len())),
            ("open", count(changing.iter().filter(|it| !guarded(it)).count())),
            ("limiter", Value::maybe(limiter)),
            ("limited", count(service.limited_routes + service.limiting_middleware)),
            ("everywhere", Value::Bool(service.limiting_middleware > 0)),
            ("login", of_purpose("login")),
            ("login_logs", count(login_logs(python, at))),
            ("health", of_purpose("health")),
            ("middleware", Value::list(middleware.iter().map(|it| Value::Str(it)))),
            ("metadata_created", Value::maybe(create_all(&modules))),
            ("migrated", Value::Bool(migrated(python, service.folder))),
        ]);
        emit(Subject { values: vec![it], at: app, object: None });
    }
}

/// The last names of the middleware that a module adds.
fn added<'a>(module: &Module<'a>) -> Vec<&'a str> {
    let classes = module.of("call").filter_map(views::added).filter_map(|it| it.0.str("path"));
    classes.map(|it| it.rsplit('.').next().unwrap_or(it)).collect()
}

fn is_limiter(call: Node<'_>) -> bool {
    let callee = call.str("callee").unwrap_or_default();
    matches!(callee, "slowapi.Limiter" | "slowapi.extension.Limiter" | "flask_limiter.Limiter")
        || callee.ends_with("FastAPILimiter.init")
}

/// How often code that logs people in writes to a log: the modules of routes for logging in, those
/// that handle tokens and passwords, and those that say so by their names.
fn login_logs(python: &Python<'_>, service: usize) -> usize {
    let words = ["auth", "login", "security", "session", "user", "account", "middleware", "audit"];
    let is_about =
        |it: &&Module<'_>| words.iter().any(|word| it.path.to_ascii_lowercase().contains(word));
    let logins = python.routes.iter().filter(|it| views::purpose_of(it) == "login");
    let logins: Vec<&str> = logins.map(|it| python.modules[it.module].path).collect();
    let own = python.modules.iter().filter(|it| it.service == Some(service));
    let own = own.filter(|it| is_about(it) || logins.contains(&it.path));
    own.filter_map(|it| it.facts.first()?.get("logs")?.as_int()).sum::<i64>() as usize
}

fn create_all<'a>(modules: &[&Module<'a>]) -> Option<Node<'a>> {
    let calls = modules.iter().flat_map(|it| it.of("call"));
    let mut calls = calls.filter(|it| {
        it.str("callee").is_some_and(|it| it.ends_with("metadata.create_all"))
            && it.get("conditions").is_none_or(Node::is_empty)
            && !it.str("function").is_some_and(|it| it.contains("test"))
    });
    calls.next()
}

fn migrated(python: &Python<'_>, folder: &str) -> bool {
    let below = |it: &&Module<'_>| folder.is_empty() || it.path.starts_with(folder);
    python.modules.iter().filter(below).any(|it| it.of("migration").next().is_some())
}
