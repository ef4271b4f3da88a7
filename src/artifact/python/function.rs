//! Functions: routes, hooks of an app, tests.

use ruff_python_ast::{Decorator, Expr, ExprCall, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::{
    facts::Fact,
    role::Role,
    scan::{Frame, Scan, argument, last, text_argument},
    scope::Scope,
    value::{Known, known},
};

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "options", "head", "trace"];

/// Notes what a function is, once it has been walked.
pub(super) fn note(scan: &mut Scan<'_, '_>, def: &StmtFunctionDef, frame: &Frame) {
    let is_nested = scan.frames.iter().any(|it| !it.is_class);
    if scan.role == Role::Test && def.name.starts_with("test") && !is_nested {
        test(scan, def, frame);
    }
    if scan.role == Role::Example {
        return;
    }
    for decorator in &def.decorator_list {
        let Expr::Call(call) = &decorator.expression else { continue };
        let path = scan.scope.path(&call.func).unwrap_or_default();
        if let Some(methods) = route_methods(scan, call, &path) {
            route(scan, def, frame, call, &methods);
        } else if matches!(last(&path), "middleware" | "on_event" | "before_request") {
            hook(scan, def, decorator, call, last(&path));
        }
    }
}

/// The methods that a decorator registers a function for, if it is one that does.
fn route_methods(scan: &Scan<'_, '_>, call: &ExprCall, path: &str) -> Option<Vec<String>> {
    let (base, name) = path.rsplit_once('.')?;
    let target = argument(call, 0, &["path", "rule"])?;
    let is_path = match known(&scan.scope, target, 0) {
        Some(Known::Text(text)) => text.starts_with('/') || text.is_empty(),
        Some(_) => false,
        None => is_router(base),
    };
    if !is_path || !looks_like_router(base) {
        return None;
    }
    if METHODS.contains(&name) {
        return Some(vec![name.to_ascii_uppercase()]);
    }
    match name {
        "websocket" => Some(vec!["WEBSOCKET".to_owned()]),
        "route" | "api_route" => Some(listed_methods(&scan.scope, call)),
        _ => None,
    }
}

fn is_router(base: &str) -> bool {
    ["FastAPI()", "APIRouter()", "Flask()", "Blueprint()", "Starlette()", "Quart()"]
        .iter()
        .any(|it| base.ends_with(it))
}

fn looks_like_router(base: &str) -> bool {
    let name = last(base).to_ascii_lowercase();
    is_router(base)
        || ["app", "router", "api", "bp", "blueprint"].iter().any(|it| name.ends_with(it))
}

/// The methods of `methods=[…]`; GET if nothing is said.
fn listed_methods(scope: &Scope<'_>, call: &ExprCall) -> Vec<String> {
    let Some(list) = argument(call, usize::MAX, &["methods"]) else {
        return vec!["GET".to_owned()];
    };
    let items = match list {
        Expr::List(it) => &it.elts[..],
        Expr::Tuple(it) => &it.elts[..],
        Expr::Set(it) => &it.elts[..],
        _ => &[],
    };
    let text = |it: &Expr| match known(scope, it, 0) {
        Some(Known::Text(it)) => Some(it.to_ascii_uppercase()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

fn route(
    scan: &mut Scan<'_, '_>,
    def: &StmtFunctionDef,
    frame: &Frame,
    call: &ExprCall,
    methods: &[String],
) {
    let scope = &scan.scope;
    let on = match &*call.func {
        Expr::Attribute(it) => {
            let local = match &*it.value {
                Expr::Name(it) => it.id.as_str(),
                _ => "",
            };
            local.to_owned()
        }
        _ => String::new(),
    };
    let imported = match &*call.func {
        Expr::Attribute(it) => scope.path(&it.value).unwrap_or_default(),
        _ => String::new(),
    };
    let guards = guards(scope, def, call);
    let parameters = parameters(scope, def);
    let decorators: Vec<String> =
        def.decorator_list.iter().filter_map(|it| decorator_path(scope, it)).collect();
    let class = scan.class().map(|it| it.name.clone());
    let path = text_argument(scope, call, 0, &["path", "rule"]);
    scan.facts.add("route", call, |fact| {
        if let Some(path) = &path {
            let place = argument(call, 0, &["path", "rule"]).map_or(call.range(), Ranged::range);
            fact.text_at("path", path, &place);
        }
        fact.texts("methods", methods);
        fact.text("on", &on);
        fact.text("router", &imported);
        fact.text_at("function", &def.name, &def.name);
        if let Some(class) = &class {
            fact.text("class", class);
        }
        fact.bool("async", def.is_async);
        fact.texts("guards", &guards);
        fact.pairs("parameters", parameters.iter().map(|it| (&*it.0, &*it.1)));
        fact.texts("decorators", &decorators);
        fact.texts("calls", &frame.calls);
        fact.int("logs", i64::from(frame.logs));
        fact.bool("denies", frame.denies);
        fact.bool("documented", documented(def));
        keywords(fact, scope, call);
    });
}

/// What the decorator of a route says beside its path.
fn keywords(fact: &mut Fact<'_>, scope: &Scope<'_>, call: &ExprCall) {
    for name in ["response_model", "include_in_schema", "deprecated", "status_code", "summary"] {
        if let Some(value) = argument(call, usize::MAX, &[name]) {
            fact.value(name, scope, value);
        }
    }
}

fn documented(def: &StmtFunctionDef) -> bool {
    def.body
        .first()
        .is_some_and(|it| it.as_expr_stmt().is_some_and(|it| it.value.is_string_literal_expr()))
}

fn decorator_path(scope: &Scope<'_>, decorator: &Decorator) -> Option<String> {
    match &decorator.expression {
        Expr::Call(it) => scope.path(&it.func),
        it => scope.path(it),
    }
}

/// The names of parameters and of their types.
fn parameters(scope: &Scope<'_>, def: &StmtFunctionDef) -> Vec<(String, String)> {
    let kind = |it: &Expr| match it {
        Expr::Subscript(it) => scope.path(&it.value).unwrap_or_default(),
        it => scope.path(it).unwrap_or_default(),
    };
    let all = def.parameters.iter_non_variadic_params();
    all.map(|it| {
        let annotation = it.parameter.annotation.as_deref();
        (it.parameter.name.to_string(), annotation.map(kind).unwrap_or_default())
    })
    .collect()
}

/// What has to hold before the function of a route runs: its dependencies, by name.
fn guards(scope: &Scope<'_>, def: &StmtFunctionDef, call: &ExprCall) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(list) = argument(call, usize::MAX, &["dependencies"]) {
        dependencies(scope, list, &mut found);
    }
    for it in def.parameters.iter_non_variadic_params() {
        if let Some(default) = &it.default {
            dependencies(scope, default, &mut found);
        }
        if let Some(Expr::Subscript(annotation)) = it.parameter.annotation.as_deref() {
            dependencies(scope, &annotation.slice, &mut found);
        }
    }
    found
}

/// The functions of `Depends(f)` and `Security(f)` in a list, a tuple or alone.
pub(super) fn dependencies(scope: &Scope<'_>, expr: &Expr, found: &mut Vec<String>) {
    match expr {
        Expr::List(it) => it.elts.iter().for_each(|it| dependencies(scope, it, found)),
        Expr::Tuple(it) => it.elts.iter().for_each(|it| dependencies(scope, it, found)),
        Expr::Starred(it) => dependencies(scope, &it.value, found),
        Expr::BinOp(it) => {
            dependencies(scope, &it.left, found);
            dependencies(scope, &it.right, found);
        }
        Expr::Call(it) => {
            let path = scope.path(&it.func).unwrap_or_default();
            if matches!(last(&path), "Depends" | "Security") {
                let target = it.arguments.args.first();
                found.extend(target.and_then(|it| scope.path(it)).or(Some(path)));
            } else {
                found.push(path);
            }
        }
        Expr::Name(_) | Expr::Attribute(_) => found.extend(scope.path(expr)),
        _ => {}
    }
}

fn hook(
    scan: &mut Scan<'_, '_>,
    def: &StmtFunctionDef,
    decorator: &Decorator,
    call: &ExprCall,
    kind: &str,
) {
    let scope = &scan.scope;
    scan.facts.add("hook", decorator, |fact| {
        fact.text("kind", kind);
        fact.text("function", &def.name);
        if let Some(on) = call.arguments.args.first() {
            fact.value("on", scope, on);
        }
    });
}

fn test(scan: &mut Scan<'_, '_>, def: &StmtFunctionDef, frame: &Frame) {
    let decorators: Vec<String> =
        def.decorator_list.iter().filter_map(|it| decorator_path(&scan.scope, it)).collect();
    let calls = frame.calls.iter().take(20);
    let is_empty = def.body.iter().all(|it| {
        it.is_pass_stmt() || it.as_expr_stmt().is_some_and(|it| it.value.is_literal_expr())
    });
    scan.facts.add("test", &def.name, |fact| {
        fact.text("name", &def.name);
        fact.bool("asserts", frame.asserts);
        fact.bool("empty", is_empty);
        fact.bool("denies", frame.denies);
        fact.texts("decorators", &decorators);
        fact.texts("calls", calls);
    });
}
