//! Settings: fields of settings classes, variables of the environment, constants of Django.

use ruff_python_ast::{Expr, ExprCall, ExprName, ExprSubscript, Stmt, StmtClassDef};
use ruff_text_size::Ranged;

use super::{
    call::is_secret,
    class,
    role::Role,
    scan::{Scan, argument, last, text_argument},
    scope::Scope,
    value::known_text,
};

/// What is known of a field.
struct Setting<'e> {
    name: String,
    env: String,
    kind: &'static str,
    class: &'e str,
    annotation: String,
    default: Option<&'e Expr>,
    required: bool,
    constrained: bool,
}

/// Notes the fields of a settings class.
pub(super) fn class(scan: &mut Scan<'_, '_>, def: &StmtClassDef, bases: &[String]) {
    let prefix = prefix(&scan.scope, def);
    for stmt in &def.body {
        let (target, annotation, value) = match stmt {
            Stmt::AnnAssign(it) => (&*it.target, Some(&*it.annotation), it.value.as_deref()),
            Stmt::Assign(it) if it.targets.len() == 1 => (&it.targets[0], None, Some(&*it.value)),
            _ => continue,
        };
        let Expr::Name(name) = target else { continue };
        let is_field = !name.id.starts_with('_') && name.id != "model_config";
        let annotation = annotation.map_or("", |it| scan.facts.written(it)).to_owned();
        if !is_field || annotation.contains("ClassVar") {
            continue;
        }
        let setting = field(scan, def, name, annotation, value, &prefix);
        write(scan, target, &setting);
    }
    let names = class::validators(scan, def);
    scan.facts.add("settings_class", &def.name, |fact| {
        fact.text("name", &def.name);
        fact.texts("validators", &names);
        fact.texts("bases", bases.iter().map(|it| last(it)));
    });
}

/// The prefix of the variables that a class reads: `env_prefix` of its configuration.
fn prefix(scope: &Scope<'_>, def: &StmtClassDef) -> String {
    for stmt in &def.body {
        let found = match stmt {
            Stmt::Assign(it) => it
                .value
                .as_call_expr()
                .and_then(|it| text_argument(scope, it, usize::MAX, &["env_prefix"])),
            Stmt::ClassDef(inner) if inner.name.as_str() == "Config" => {
                inner.body.iter().find_map(|it| {
                    let it = it.as_assign_stmt()?;
                    let name = it.targets.first()?.as_name_expr()?;
                    (name.id == "env_prefix").then(|| known_text(scope, &it.value)).flatten()
                })
            }
            _ => None,
        };
        if let Some(found) = found {
            return found;
        }
    }
    String::new()
}

fn field<'e>(
    scan: &Scan<'_, '_>,
    def: &'e StmtClassDef,
    name: &ExprName,
    annotation: String,
    value: Option<&'e Expr>,
    prefix: &str,
) -> Setting<'e> {
    let mut setting = Setting {
        name: name.id.to_string(),
        env: format!("{prefix}{}", name.id).to_ascii_uppercase(),
        kind: "settings",
        class: &def.name,
        constrained: annotation.contains("Literal[") || annotation.contains("con"),
        annotation,
        default: value,
        required: value.is_none(),
    };
    if let Some(Expr::Call(call)) = value {
        call_default(&scan.scope, call, &mut setting);
    }
    if setting.default.is_some_and(Expr::is_ellipsis_literal_expr) {
        setting.default = None;
        setting.required = true;
    }
    setting
}

/// The default behind `Field(…)`, `config("X", default=…)`, `os.getenv("X", …)`.
fn call_default<'e>(scope: &Scope<'_>, call: &'e ExprCall, setting: &mut Setting<'e>) {
    let path = scope.path(&call.func).unwrap_or_default();
    let is_field = last(&path) == "Field";
    if !is_field && !reads_environment(&path) {
        return;
    }
    let names: &[&str] = if is_field { &["validation_alias", "alias", "env"] } else { &["key"] };
    let position = if is_field { usize::MAX } else { 0 };
    if let Some(env) = text_argument(scope, call, position, names) {
        setting.env = env.to_ascii_uppercase();
    }
    let position = usize::from(!is_field);
    let starts_positional = is_field || !path.ends_with("config") && !path.ends_with("Config()");
    let position = if starts_positional { position } else { usize::MAX };
    setting.default = argument(call, position, &["default"]);
    let has_factory = argument(call, usize::MAX, &["default_factory"]).is_some();
    setting.required = setting.default.is_none() && !has_factory && !path.ends_with("getenv");
    let bounds = ["min_length", "max_length", "pattern", "regex", "gt", "ge", "lt", "le"];
    setting.constrained |= argument(call, usize::MAX, &bounds).is_some();
}

/// Whether a call reads a variable of the environment: its first argument names it.
fn reads_environment(path: &str) -> bool {
    matches!(path, "os.getenv" | "os.environ.get" | "environ.get" | "getenv")
        || path == "decouple.config"
        || path.starts_with("starlette.config.Config()")
        || path.starts_with("environs.Env().")
        || path.starts_with("environ.Env()")
}

/// Notes a call that reads the environment, and says whether it is one. The value of a field of a
/// settings class is noted with its field.
pub(super) fn environment(
    scan: &mut Scan<'_, '_>,
    call: &ExprCall,
    path: &str,
    assigned: Option<&str>,
) -> bool {
    if !reads_environment(path) || path.ends_with("Env.read_env") {
        return false;
    }
    let Some(env) = text_argument(&scan.scope, call, 0, &["key"]) else { return false };
    let is_field = assigned.is_some() && scan.frames.last().is_some_and(|it| it.is_settings);
    if scan.role != Role::Code || is_field {
        return true;
    }
    let is_getter = path.ends_with("getenv") || path.ends_with("environ.get");
    // Starlette takes a type in second place.
    let is_second = !path.starts_with("starlette.");
    let default = argument(call, if is_second { 1 } else { usize::MAX }, &["default"]);
    let setting = Setting {
        name: env.clone(),
        env,
        kind: "environ",
        class: "",
        annotation: String::new(),
        default,
        required: default.is_none() && !is_getter,
        constrained: false,
    };
    write(scan, call, &setting);
    true
}

/// `os.environ["X"]`.
pub(super) fn subscript(scan: &mut Scan<'_, '_>, it: &ExprSubscript) {
    if scan.role != Role::Code || !it.ctx.is_load() {
        return;
    }
    let Some(path) = scan.scope.path(&it.value) else { return };
    if path != "os.environ" && path != "environ" {
        return;
    }
    let Some(env) = known_text(&scan.scope, &it.slice) else { return };
    let setting = Setting {
        name: env.clone(),
        env,
        kind: "environ",
        class: "",
        annotation: String::new(),
        default: None,
        required: true,
        constrained: false,
    };
    write(scan, it, &setting);
}

/// Constants of the module that are settings by their name: those of a Django settings module, and
/// secrets anywhere.
pub(super) fn module_level(scan: &mut Scan<'_, '_>, name: &ExprName, value: &Expr) {
    let is_upper =
        name.id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let path = &scan.facts.tree.source.path;
    let file = path.rsplit('/').next().unwrap_or(path);
    let is_django = matches!(file, "settings.py" | "base.py" | "production.py" | "prod.py")
        && (path.contains("settings"))
        && !path.contains("local");
    let is_secret_text = is_secret(&name.id) && value.is_string_literal_expr();
    if !is_upper || !(is_django || is_secret_text) {
        return;
    }
    let kind = if is_django { "module" } else { "constant" };
    let setting = Setting {
        name: name.id.to_string(),
        env: String::new(),
        kind,
        class: "",
        annotation: String::new(),
        default: Some(value),
        required: false,
        constrained: false,
    };
    write(scan, name, &setting);
}

fn write(scan: &mut Scan<'_, '_>, place: &impl Ranged, setting: &Setting<'_>) {
    let conditions = std::mem::take(&mut scan.conditions);
    let scope = &scan.scope;
    scan.facts.add("setting", place, |fact| {
        fact.text("name", &setting.name);
        fact.text("env", &setting.env);
        fact.text("kind", setting.kind);
        fact.text("class", setting.class);
        fact.text("type", &setting.annotation);
        fact.bool("required", setting.required);
        fact.bool("secret", is_secret(&setting.name) || setting.annotation.contains("Secret"));
        fact.bool("constrained", setting.constrained);
        fact.texts("conditions", &conditions);
        if let Some(default) = setting.default {
            fact.value("default", scope, default);
        }
    });
    scan.conditions = conditions;
}
