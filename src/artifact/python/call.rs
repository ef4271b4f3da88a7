//! Calls that rules ask about, log calls, and headers that are set.

use ruff_python_ast::{Expr, ExprCall, ExprStringLiteral, FStringPart, InterpolatedStringElement};

use super::{
    role::Role,
    scan::{Scan, last},
    setting,
};

/// Packages whose every call is kept.
const PACKAGES: &[&str] = &[
    "slowapi",
    "fastapi_limiter",
    "flask_limiter",
    "flask_cors",
    "jwt",
    "jose",
    "authlib",
    "joserfc",
    "passlib",
    "bcrypt",
    "argon2",
    "pwdlib",
    "requests",
    "aiohttp",
    "urllib3",
    "asyncpg",
    "psycopg",
    "psycopg2",
    "databases",
    "redis",
    "aioredis",
    "aiocache",
    "fastapi_cache",
    "cashews",
    "dogpile",
    "sentry_sdk",
    "rollbar",
    "bugsnag",
    "opentelemetry",
    "prometheus_client",
    "prometheus_fastapi_instrumentator",
    "starlette_exporter",
    "starlette_prometheus",
    "aioprometheus",
    "statsd",
    "datadog",
    "ddtrace",
    "newrelic",
    "elasticapm",
    "logfire",
    "structlog",
    "loguru",
    "pythonjsonlogger",
    "json_log_formatter",
    "logging_loki",
    "uvicorn",
    "tenacity",
    "stamina",
    "backoff",
    "pybreaker",
    "aiobreaker",
    "circuitbreaker",
    "purgatory",
    "ssl",
    "apscheduler",
    "asgi_correlation_id",
    "secure",
    "UnleashClient",
    "ldclient",
    "flagsmith",
    "openfeature",
    "growthbook",
    "posthog",
    "statsig",
    "sqlalchemy_utils",
    "fastapi_users",
    "fastapi_sso",
    "httpx_oauth",
    "schemathesis",
    "alembic",
    "pytest_alembic",
    "playwright",
    "selenium",
    "werkzeug",
    "casbin",
    "fastapi_pagination",
];

/// Names whose call is kept, whatever it belongs to.
const NAMES: &[&str] = &[
    "FastAPI",
    "Starlette",
    "Flask",
    "APIRouter",
    "Blueprint",
    "Litestar",
    "Middleware",
    "SessionMiddleware",
    "CORSMiddleware",
    "add_middleware",
    "include_router",
    "register_blueprint",
    "mount",
    "set_cookie",
    "add_exception_handler",
    "create_engine",
    "create_async_engine",
    "async_engine_from_config",
    "engine_from_config",
    "sessionmaker",
    "async_sessionmaker",
    "create_all",
    "with_for_update",
    "selectinload",
    "joinedload",
    "subqueryload",
    "UniqueConstraint",
    "CheckConstraint",
    "ForeignKeyConstraint",
    "StringEncryptedType",
    "EncryptedType",
    "Fernet",
    "AESGCM",
    "expose",
    "instrument",
    "instrument_app",
    "instrument_engine",
    "create_counter",
    "create_histogram",
    "create_up_down_counter",
    "basicConfig",
    "dictConfig",
    "setLevel",
    "AsyncClient",
    "ClientSession",
    "CircuitBreaker",
    "run_in_threadpool",
    "to_thread",
    "StaticFiles",
    "RateLimiter",
    "Limiter",
    "dispose",
    "aclose",
    "OAuth2PasswordBearer",
    "OAuth2AuthorizationCodeBearer",
    "HTTPBearer",
    "APIKeyHeader",
    "CryptContext",
];

/// Whole paths whose call is kept.
const PATHS: &[&str] = &[
    "time.sleep",
    "os.system",
    "os.popen",
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "urllib.request.urlopen",
    "hashlib.md5",
    "hashlib.sha1",
    "hashlib.sha224",
    "hashlib.sha256",
    "hashlib.sha512",
    "hashlib.new",
    "httpx.Client",
    "httpx.get",
    "httpx.post",
    "httpx.put",
    "httpx.patch",
    "httpx.delete",
    "httpx.request",
    "httpx.stream",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "logging.handlers.SysLogHandler",
    "logging.handlers.HTTPHandler",
    "logging.handlers.QueueHandler",
    "logging.FileHandler",
    "logging.StreamHandler",
    "random.choice",
    "random.choices",
];

/// Notes a call, if rules ask about it.
pub(super) fn note(
    scan: &mut Scan<'_, '_>,
    call: &ExprCall,
    path: &str,
    assigned: Option<&str>,
    awaited: bool,
) {
    if setting::environment(scan, call, path, assigned) {
        return;
    }
    let name = last(path);
    if let Some(level) = log_level(path, name) {
        scan.logged();
        return log(scan, call, level);
    }
    let package = path.split(['.', '(']).next().unwrap_or_default();
    let queries = matches!(name, "execute" | "scalar" | "scalars")
        && ["session", "db", "conn"].iter().any(|it| path.to_ascii_lowercase().contains(it))
        && !path.contains("execute()")
        && scan.function().is_some_and(|it| it.loops > 0);
    let wanted =
        queries || PACKAGES.contains(&package) || NAMES.contains(&name) || PATHS.contains(&path);
    if wanted && scan.role != Role::Example {
        write(scan, call, path, name, assigned, awaited);
    }
}

fn write(
    scan: &mut Scan<'_, '_>,
    call: &ExprCall,
    path: &str,
    name: &str,
    assigned: Option<&str>,
    awaited: bool,
) {
    let function = scan.function().map(|it| (it.name.clone(), it.is_async, it.loops > 0));
    let class = scan.class().map(|it| it.name.clone());
    let on = match &*call.func {
        Expr::Attribute(it) if !it.value.is_call_expr() => {
            scan.facts.written(&*it.value).to_owned()
        }
        _ => String::new(),
    };
    let conditions = std::mem::take(&mut scan.conditions);
    let scope = &scan.scope;
    scan.facts.add("call", call, |fact| {
        fact.text("callee", path);
        fact.text("name", name);
        fact.text("on", &on);
        if let Some(name) = assigned {
            fact.text("assigned", name);
        }
        if let Some((name, is_async, in_loop)) = &function {
            fact.text("function", name);
            fact.bool("async", *is_async);
            fact.bool("loop", *in_loop);
        }
        if let Some(class) = &class {
            fact.text("class", class);
        }
        fact.bool("awaited", awaited);
        fact.texts("conditions", &conditions);
        fact.arguments(scope, &call.arguments);
    });
    scan.conditions = conditions;
}

/// The level of a call that writes to a log: `print` counts as one.
fn log_level<'n>(path: &str, name: &'n str) -> Option<&'n str> {
    if path == "print" {
        return Some(name);
    }
    let is_level = matches!(
        name.strip_prefix('a').unwrap_or(name),
        "debug"
            | "info"
            | "warning"
            | "warn"
            | "error"
            | "exception"
            | "critical"
            | "fatal"
            | "trace"
            | "success"
            | "log"
    );
    let (base, _) = path.rsplit_once('.')?;
    let base = base.to_ascii_lowercase();
    (is_level && base.contains("log")).then_some(name)
}

fn log(scan: &mut Scan<'_, '_>, call: &ExprCall, level: &str) {
    if scan.role != Role::Code {
        return;
    }
    let mut secrets = Vec::new();
    let named = call.arguments.keywords.iter().map(|it| &it.value);
    for argument in call.arguments.args.iter().chain(named) {
        for expr in shown(argument) {
            secrets.extend(secret_name(expr));
        }
    }
    if secrets.is_empty() && level != "print" {
        return;
    }
    let function = scan.function().map(|it| (it.name.clone(), it.is_async));
    scan.facts.add("log", call, |fact| {
        fact.text("level", level);
        if let Some((name, is_async)) = &function {
            fact.text("function", name);
            fact.bool("async", *is_async);
        }
        fact.texts("secrets", &secrets);
    });
}

/// The expressions whose value an argument of a log call shows.
fn shown(argument: &Expr) -> Vec<&Expr> {
    match argument {
        Expr::FString(text) => text
            .value
            .iter()
            .filter_map(|part| match part {
                FStringPart::FString(it) => Some(&it.elements),
                FStringPart::Literal(_) => None,
            })
            .flatten()
            .filter_map(|it| match it {
                InterpolatedStringElement::Interpolation(it) => Some(&*it.expression),
                InterpolatedStringElement::Literal(_) => None,
            })
            .collect(),
        Expr::Dict(it) => it.items.iter().map(|it| &it.value).collect(),
        Expr::BinOp(it) => match &*it.right {
            Expr::Tuple(items) => items.elts.iter().collect(),
            right => vec![&it.left, right],
        },
        _ => vec![argument],
    }
}

/// Words at the end of a name that tell that its value must not be seen.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "client_secret",
    "app_secret",
    "jwt_secret",
    "signing_secret",
    "webhook_secret",
    "secret_key",
    "private_key",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "auth_token",
    "id_token",
    "bearer_token",
    "api_token",
    "session_token",
    "reset_token",
    "authorization",
    "credentials",
];

/// The name of a variable or an attribute that holds a secret, by its name.
fn secret_name(expr: &Expr) -> Option<String> {
    let (name, text) = match expr {
        Expr::Name(it) => (it.id.as_str(), it.id.to_string()),
        Expr::Attribute(it) => match &*it.value {
            Expr::Name(base) => (it.attr.as_str(), format!("{}.{}", base.id, it.attr)),
            _ => (it.attr.as_str(), it.attr.to_string()),
        },
        _ => return None,
    };
    is_secret(name).then_some(text)
}

/// Whether a name tells that its value is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let about =
        ["has_", "is_", "no_", "hashed_", "masked_", "redacted_", "num_", "use_", "encrypted_"];
    let ends = |word: &str| {
        name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    (name == "secret" || SECRET_WORDS.iter().any(|it| ends(it)))
        && !about.iter().any(|it| name.starts_with(it))
}

/// Headers that rules ask about.
const HEADERS: &[&str] = &[
    "x-content-type-options",
    "x-frame-options",
    "strict-transport-security",
    "content-security-policy",
    "referrer-policy",
    "permissions-policy",
    "x-request-id",
    "x-correlation-id",
    "request-id",
    "correlation-id",
    "x-trace-id",
    "traceparent",
    "cache-control",
    "etag",
    "retry-after",
    "access-control-allow-origin",
];

/// Notes the name of a header.
pub(super) fn header(scan: &mut Scan<'_, '_>, text: &ExprStringLiteral) {
    let name = text.value.to_str().to_ascii_lowercase();
    if scan.role != Role::Code || !HEADERS.contains(&name.as_str()) {
        return;
    }
    let class = scan.class().map(|it| it.name.clone());
    let function = scan.function().map(|it| it.name.clone());
    scan.facts.add("header", text, |fact| {
        fact.text("name", &name);
        if let Some(class) = &class {
            fact.text("class", class);
        }
        if let Some(function) = &function {
            fact.text("function", function);
        }
    });
}
