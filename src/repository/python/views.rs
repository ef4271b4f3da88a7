//! The views over Python code that runs in a service.

use super::{Module, Python, routes::Route};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    repository::{Repository, record},
    value::Value,
};

const TEXTS: Shape = Shape::List(&Shape::Text);

const SERVICE: Field = Field {
    name: "service",
    shape: Shape::Record(&[
        Field { name: "folder", shape: Shape::Text, means: "its folder; empty at the root" },
        Field { name: "callees", shape: TEXTS, means: "what its code calls, as dotted paths" },
        Field { name: "packages", shape: TEXTS, means: "the packages that its code imports" },
        Field {
            name: "refused",
            shape: TEXTS,
            means: "secrets, in lower case, that its code looks at before it stops with an exception",
        },
        Field { name: "routes", shape: Shape::Number, means: "how many routes it has" },
        Field { name: "limits", shape: Shape::Number, means: "how many places limit a rate" },
        Field {
            name: "everywhere",
            shape: Shape::Bool,
            means: "whether a limit holds for every route",
        },
    ]),
    means: "the service that the code belongs to",
};

/// A service as a companion.
pub(super) fn service<'a>(python: &Python<'a>, at: usize) -> Value<'a> {
    let it = &python.services[at];
    let texts = |set: &std::collections::BTreeSet<&'a str>| {
        Value::list(set.iter().map(|it| Value::Str(it)))
    };
    let routes = python.routes.iter().filter(|it| python.modules[it.module].service == Some(at));
    record([
        ("folder", Value::Str(it.folder)),
        ("callees", texts(&it.callees)),
        ("packages", texts(&it.packages)),
        ("refused", texts(&it.refused)),
        ("routes", Value::Int(routes.count() as i64)),
        ("limits", Value::Int((it.limited_routes + it.limiting_middleware) as i64)),
        ("everywhere", Value::Bool(it.limiting_middleware > 0)),
    ])
}

/// Emits the facts of one kind that service code holds.
fn facts<'a>(repository: &'a Repository<'a>, kind: &str, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    let services: Vec<_> = (0..python.services.len()).map(|at| service(python, at)).collect();
    for module in &python.modules {
        let Some(at) = module.service else { continue };
        for fact in module.of(kind) {
            emit(subject(Value::Node(fact), &services[at], fact));
        }
    }
}

fn subject<'a>(it: Value<'a>, service: &Value<'a>, at: Node<'a>) -> Subject<'a> {
    Subject { values: vec![it, service.clone()], at, object: None }
}

const CALL: &[Field] = &[
    Field {
        name: "callee",
        shape: Shape::Text,
        means: "what is called: `fastapi.FastAPI().mount`",
    },
    Field { name: "name", shape: Shape::Text, means: "the last part of it" },
    Field { name: "on", shape: Shape::Text, means: "what stands before the last dot, as written" },
    Field { name: "assigned", shape: Shape::Text, means: "the name that the result gets" },
    Field { name: "function", shape: Shape::Text, means: "the function that it stands in" },
    Field { name: "class", shape: Shape::Text, means: "the class that it stands in" },
    Field { name: "async", shape: Shape::Bool, means: "whether that function is `async def`" },
    Field { name: "loop", shape: Shape::Bool, means: "whether it stands in a loop" },
    Field { name: "awaited", shape: Shape::Bool, means: "whether it is awaited" },
    Field { name: "conditions", shape: TEXTS, means: "the conditions around it, as written" },
    Field { name: "args", shape: Shape::Any, means: "its arguments by position" },
    Field {
        name: "kwargs",
        shape: Shape::Any,
        means: "its arguments by name; `**` if some are unknown",
    },
];

const LOG: &[Field] = &[
    Field { name: "level", shape: Shape::Text, means: "`info`, `error`, …, or `print`" },
    Field { name: "function", shape: Shape::Text, means: "the function that it stands in" },
    Field { name: "async", shape: Shape::Bool, means: "whether that function is `async def`" },
    Field { name: "secrets", shape: TEXTS, means: "names among what it shows that say secret" },
];

const SETTING: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name in the code" },
    Field { name: "env", shape: Shape::Text, means: "the variable that it is read from" },
    Field {
        name: "kind",
        shape: Shape::Text,
        means: "`settings` (a field), `environ` (a call), `module` (Django), `constant`",
    },
    Field { name: "class", shape: Shape::Text, means: "the class of settings" },
    Field { name: "type", shape: Shape::Text, means: "its annotation, as written" },
    Field { name: "required", shape: Shape::Bool, means: "whether it fails without a value" },
    Field { name: "secret", shape: Shape::Bool, means: "whether its name or type says secret" },
    Field { name: "constrained", shape: Shape::Bool, means: "whether its values are checked" },
    Field { name: "conditions", shape: TEXTS, means: "the conditions around it, as written" },
    Field { name: "default", shape: Shape::Any, means: "its default, as far as it is known" },
];

const SETTINGS_CLASS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "validators", shape: TEXTS, means: "the functions that check its values" },
];

const HEADER: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the header, in lower case" },
    Field { name: "class", shape: Shape::Text, means: "the class that it stands in" },
    Field { name: "function", shape: Shape::Text, means: "the function that it stands in" },
];

const FOREIGN_KEY: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the column" },
    Field { name: "class", shape: Shape::Text, means: "the class of the table" },
    Field { name: "refers", shape: Shape::Text, means: "what it refers to, as written" },
    Field { name: "indexed", shape: Shape::Bool, means: "whether it is indexed" },
];

const ROUTE: &[Field] = &[
    Field {
        name: "path",
        shape: Shape::Text,
        means: "its whole path; the first, if it has several",
    },
    Field { name: "known", shape: Shape::Bool, means: "whether every part of the path is known" },
    Field { name: "mounted", shape: Shape::Bool, means: "whether an app mounts its router" },
    Field { name: "guards", shape: TEXTS, means: "its dependencies, its routers', its app's" },
    Field {
        name: "guarded",
        shape: Shape::Bool,
        means: "whether something about it asks who calls",
    },
    Field {
        name: "peers",
        shape: Shape::Number,
        means: "how many routes of the service are guarded",
    },
    Field { name: "changes", shape: Shape::Bool, means: "whether its method changes something" },
    Field { name: "limited", shape: Shape::Bool, means: "whether it limits its rate" },
    Field {
        name: "purpose",
        shape: Shape::Text,
        means: "`login`, `health`, `metrics`, `callback`, or nothing",
    },
    Field {
        name: "route",
        shape: Shape::Record(&[
            Field { name: "path", shape: Shape::Text, means: "its own part of the path" },
            Field { name: "methods", shape: TEXTS, means: "its methods" },
            Field { name: "function", shape: Shape::Text, means: "the function that answers" },
            Field { name: "async", shape: Shape::Bool, means: "whether that is `async def`" },
            Field { name: "decorators", shape: TEXTS, means: "its decorators, as dotted paths" },
            Field {
                name: "parameters",
                shape: Shape::Any,
                means: "the parameters and their types",
            },
            Field { name: "calls", shape: TEXTS, means: "the last names of what it calls" },
            Field { name: "logs", shape: Shape::Number, means: "how many calls write to a log" },
            Field { name: "documented", shape: Shape::Bool, means: "whether it has a docstring" },
            Field { name: "response_model", shape: Shape::Any, means: "what it answers with" },
        ]),
        means: "the route as it is written",
    },
];

const MIDDLEWARE: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the class, or the function, that is added" },
    Field { name: "path", shape: Shape::Text, means: "the same with its module" },
    Field { name: "kwargs", shape: Shape::Any, means: "its arguments by name" },
    Field {
        name: "origins",
        shape: Shape::Any,
        means: "`allow_origins`; the default, if it is a setting",
    },
    Field { name: "call", shape: Shape::Any, means: "the call that adds it" },
];

const CLASS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "used", shape: Shape::Bool, means: "whether anything else names it" },
    Field { name: "headers", shape: TEXTS, means: "the headers that it spells, in lower case" },
    Field { name: "definition", shape: Shape::Any, means: "the class as it is written" },
];

/// A view over facts of one kind.
const fn over(
    name: &'static str,
    means: &'static str,
    vars: &'static [Field],
    select: for<'a> fn(&'a Repository<'a>, Emit<'_, 'a>),
) -> View {
    View { name, kind: Kind::Python, means, vars, select: Select::Repository(select) }
}

/// The views over code of services.
pub(in crate::repository) const VIEWS: &[View] = &[
    over(
        "python.call",
        "a call in the code of a service that rules ask about",
        &[Field { name: "it", shape: Shape::Record(CALL), means: "the call" }, SERVICE],
        |repository, emit| facts(repository, "call", emit),
    ),
    over(
        "python.app",
        "a call that makes the app of a service",
        &[Field { name: "it", shape: Shape::Record(CALL), means: "the call" }, SERVICE],
        apps,
    ),
    over(
        "python.log",
        "a call in the code of a service that prints, or writes a secret to a log",
        &[Field { name: "it", shape: Shape::Record(LOG), means: "the call" }, SERVICE],
        |repository, emit| facts(repository, "log", emit),
    ),
    over(
        "python.setting",
        "a setting of a service: a field, a variable of the environment, a constant",
        &[Field { name: "it", shape: Shape::Record(SETTING), means: "the setting" }, SERVICE],
        |repository, emit| facts(repository, "setting", emit),
    ),
    over(
        "python.settings_class",
        "a class of settings of a service",
        &[Field { name: "it", shape: Shape::Record(SETTINGS_CLASS), means: "the class" }, SERVICE],
        |repository, emit| facts(repository, "settings_class", emit),
    ),
    over(
        "python.header",
        "the name of a header that the code of a service spells",
        &[Field { name: "it", shape: Shape::Record(HEADER), means: "the header" }, SERVICE],
        |repository, emit| facts(repository, "header", emit),
    ),
    over(
        "python.foreign_key",
        "a column of a table that refers to another table",
        &[Field { name: "it", shape: Shape::Record(FOREIGN_KEY), means: "the column" }, SERVICE],
        |repository, emit| facts(repository, "foreign_key", emit),
    ),
    over(
        "python.middleware_class",
        "a class of middleware that a service defines",
        &[Field { name: "it", shape: Shape::Record(CLASS), means: "the class" }, SERVICE],
        classes,
    ),
    over(
        "python.route",
        "a route of a service",
        &[Field { name: "it", shape: Shape::Record(ROUTE), means: "the route" }, SERVICE],
        routes,
    ),
    over(
        "python.middleware",
        "middleware that is added to an app of a service",
        &[Field { name: "it", shape: Shape::Record(MIDDLEWARE), means: "the middleware" }, SERVICE],
        middleware,
    ),
];

fn apps<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    for (at, it) in python.services.iter().enumerate() {
        let companion = service(python, at);
        for &app in &it.apps {
            emit(subject(Value::Node(app), &companion, app));
        }
    }
}

fn middleware<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    let services: Vec<_> = (0..python.services.len()).map(|at| service(python, at)).collect();
    for module in &python.modules {
        let Some(at) = module.service else { continue };
        for (class, call) in module.of("call").filter_map(added) {
            let path = class.str("path").unwrap_or_default();
            let it = record([
                ("name", Value::Str(path.rsplit('.').next().unwrap_or(path))),
                ("path", Value::Str(path)),
                ("kwargs", Value::maybe(call.get("kwargs"))),
                ("origins", Value::maybe(origins(&python.services[at], call))),
                ("call", Value::Node(call)),
            ]);
            emit(subject(it, &services[at], call));
        }
    }
}

/// The origins that a call allows: as written, or the default of the setting that it names.
fn origins<'a>(service: &super::Service<'a>, call: Node<'a>) -> Option<Node<'a>> {
    let written = call.at(&["kwargs", "allow_origins"])?;
    let name = written.str("path").and_then(|it| it.rsplit('.').next());
    name.and_then(|it| service.settings.get(it).copied().flatten()).or(Some(written))
}

/// The class that a call adds as middleware.
pub(super) fn added(call: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    let name = call.str("name")?;
    if !matches!(name, "add_middleware" | "Middleware") {
        return None;
    }
    let class = call
        .get("args")
        .and_then(|it| it.item(0))
        .or_else(|| call.at(&["kwargs", "middleware_class"]))?;
    class.is_map().then_some((class, call))
}

fn classes<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    let services: Vec<_> = (0..python.services.len()).map(|at| service(python, at)).collect();
    // Each is looked for in every text: nobody honest defines hundreds.
    let mut left = 100;
    for module in &python.modules {
        let Some(at) = module.service else { continue };
        for class in module.of("middleware_class").take(left) {
            left -= 1;
            let name = class.str("name").unwrap_or_default();
            let headers = module.of("header").filter(|it| it.str("class") == Some(name));
            let it = record([
                ("name", Value::Str(name)),
                ("used", Value::Bool(is_used(python, module, name))),
                ("headers", Value::list(headers.filter_map(|it| it.str("name")).map(Value::Str))),
                ("definition", Value::Node(class)),
            ]);
            emit(subject(it, &services[at], class));
        }
    }
}

/// Whether anything but the definition names a class: its own file again, or a file that imports
/// it, or a text that may load it by name.
fn is_used(python: &Python<'_>, own: &Module<'_>, name: &str) -> bool {
    let count = |it: &Module<'_>| {
        let text = it.facts.first().map_or("", |it| it.tree().source.text.as_str());
        memchr::memmem::find_iter(text.as_bytes(), name.as_bytes()).take(2).count()
    };
    python.modules.iter().any(|it| match std::ptr::eq(it, own) {
        true => count(it) > 1,
        false => count(it) > 0,
    })
}

fn routes<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let python = &repository.python;
    let services: Vec<_> = (0..python.services.len()).map(|at| service(python, at)).collect();
    let mut peers = vec![0i64; python.services.len()];
    for route in &python.routes {
        if let Some(at) = python.modules[route.module].service {
            peers[at] += i64::from(is_guarded(&route.guards, route.node));
        }
    }
    for route in &python.routes {
        let module: &Module<'a> = &python.modules[route.module];
        let Some(at) = module.service else { continue };
        let path = route.paths.first().cloned().unwrap_or_default();
        let it = record([
            ("path", Value::text(path)),
            ("known", Value::Bool(route.known)),
            ("mounted", Value::Bool(route.mounted)),
            ("guards", Value::list(route.guards.iter().map(|it| Value::text(it.as_str())))),
            ("guarded", Value::Bool(is_guarded(&route.guards, route.node))),
            ("peers", Value::Int(peers[at])),
            ("changes", Value::Bool(changes(route.node))),
            ("limited", Value::Bool(is_limited(route))),
            ("purpose", Value::Str(purpose_of(route))),
            ("route", Value::Node(route.node)),
        ]);
        emit(subject(it, &services[at], route.node));
    }
}

/// Words in the name of what guards a route that say that it asks who calls.
const GUARDS: &[&str] = &[
    "auth",
    "current",
    "user",
    "token",
    "permission",
    "require",
    "login",
    "verif",
    "secur",
    "apikey",
    "api_key",
    "admin",
    "scope",
    "role",
    "credential",
    "jwt",
    "principal",
    "owner",
    "access",
    "signature",
    "protect",
    "guard",
    "identity",
    "account",
    "tenant",
    "member",
    "acl",
    "policy",
    "check",
    "customer",
    "subject",
    "session_id",
    "bearer",
    "valid",
    "secret",
    "context",
    "request",
];

/// Whether something about a route asks who calls; in doubt it does.
pub(super) fn is_guarded(guards: &[String], route: Node<'_>) -> bool {
    let says = |it: &str| {
        let name = it.rsplit('.').next().unwrap_or(it).to_ascii_lowercase();
        GUARDS.iter().any(|word| name.contains(word))
    };
    let list = |key: &str| route.get(key).into_iter().flat_map(Node::children);
    guards.iter().any(|it| says(it))
        || list("decorators").skip(1).any(|it| says(it.text()))
        || list("calls").any(|it| says(it.text()))
        || route
            .get("parameters")
            .into_iter()
            .flat_map(Node::entries)
            .any(|(name, kind)| says(name) || says(kind.text()))
        || route.get("denies").and_then(Node::as_bool) == Some(true)
}

/// Whether a route changes something, by its methods.
pub(super) fn changes(route: Node<'_>) -> bool {
    let methods = route.get("methods").into_iter().flat_map(Node::children);
    methods.map(Node::text).any(|it| matches!(it, "POST" | "PUT" | "PATCH" | "DELETE"))
}

/// Whether something about a route limits its rate: a decorator such as `limiter.limit`, a
/// dependency, or a call that says so.
pub(super) fn is_limited(route: &Route<'_>) -> bool {
    let says = |it: &str| {
        let name = it.to_ascii_lowercase();
        ["ratelimit", "rate_limit", "limiter", "throttl"].iter().any(|word| name.contains(word))
    };
    let list = |key: &str| route.node.get(key).into_iter().flat_map(Node::children);
    let is_limit = |it: Node<'_>| {
        let name = it.text();
        says(name) || name.ends_with(".limit") || name.ends_with(".shared_limit")
    };
    route.guards.iter().any(|it| says(it))
        || list("decorators").any(is_limit)
        || list("calls").any(|it| says(it.text()))
}

/// What a route is for.
pub(super) fn purpose_of(route: &Route<'_>) -> &'static str {
    let path = route.paths.first().map_or("", String::as_str);
    purpose(path, route.node.str("function").unwrap_or_default())
}

/// What a route is for, by the end of its path and the name of its function.
fn purpose(path: &str, function: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let any = |words: &[&str]| words.contains(&last);
    let login = ["login", "signin", "sign-in", "token", "access-token", "sign_in", "authenticate"];
    let health = [
        "health",
        "healthz",
        "healthcheck",
        "health-check",
        "livez",
        "liveness",
        "readyz",
        "readiness",
    ];
    // These words are about the service only where nothing else stands before them.
    let state = ["live", "ready", "ping", "status", "heartbeat", "alive"];
    let is_prefix = |it: &str| {
        let version = it.strip_prefix('v').is_some_and(|it| it.parse::<u32>().is_ok());
        version || matches!(it, "" | "api" | "internal" | "system" | "health" | "service")
    };
    let before = path.trim_end_matches('/').strip_suffix(last).unwrap_or_default();
    let is_own = before.split('/').all(is_prefix);
    if any(&login) || function == "login" {
        "login"
    } else if any(&health) && !before.contains("/admin") || any(&state) && is_own {
        "health"
    } else if any(&["metrics"]) {
        "metrics"
    } else if any(&["callback"]) || last.contains("webhook") {
        "callback"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_routes_are_for() {
        for (path, function, expected) in [
            ("/api/login/access-token", "f", "login"),
            ("/healthz", "f", "health"),
            ("/api/v1/status", "f", "health"),
            ("/api/v1/mfa/status", "f", ""),
            ("/items", "login", "login"),
            ("/items", "read", ""),
        ] {
            assert_eq!(purpose(path, function), expected, "{path}");
        }
    }
}
