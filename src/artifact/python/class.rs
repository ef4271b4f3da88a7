//! Classes: settings, middleware, tables of a database.

use ruff_python_ast::{Expr, ExprCall, Stmt, StmtClassDef};
use ruff_text_size::Ranged;

use super::{
    role::Role,
    scan::{Scan, argument, last, text_argument},
    setting,
    value::known_text,
};

/// Notes what a class is, before it is walked, and says whether it is one of settings.
pub(super) fn note(scan: &mut Scan<'_, '_>, def: &StmtClassDef) -> bool {
    if scan.role != Role::Code {
        return false;
    }
    let bases = bases(scan, def);
    let is_settings = bases.iter().any(|it| {
        let name = last(it);
        name.ends_with("BaseSettings") || (name.ends_with("Settings") && name != "DynamicSettings")
    });
    if is_settings {
        setting::class(scan, def, &bases);
    } else if def.name.ends_with("Middleware")
        || bases.iter().any(|it| last(it).ends_with("Middleware"))
    {
        middleware(scan, def, &bases);
    } else {
        columns(scan, def);
    }
    is_settings
}

fn bases(scan: &Scan<'_, '_>, def: &StmtClassDef) -> Vec<String> {
    let arguments = def.arguments.iter().flat_map(|it| it.args.iter());
    arguments.filter_map(|it| scan.scope.path(it)).collect()
}

fn middleware(scan: &mut Scan<'_, '_>, def: &StmtClassDef, bases: &[String]) {
    scan.facts.add("middleware_class", &def.name, |fact| {
        fact.text("name", &def.name);
        fact.texts("bases", bases);
    });
}

/// The call that makes a column, and the names of the column's class attribute.
fn column<'a>(scan: &Scan<'_, '_>, stmt: &'a Stmt) -> Option<(&'a Expr, &'a ExprCall, String)> {
    let (target, value) = match stmt {
        Stmt::Assign(it) => (it.targets.first()?, &*it.value),
        Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
        _ => return None,
    };
    let Expr::Call(call) = value else { return None };
    let path = scan.scope.path(&call.func)?;
    let name = last(&path);
    let is_column = matches!(name, "Column" | "mapped_column")
        || (name == "Field" && argument(call, usize::MAX, &["foreign_key"]).is_some());
    (is_column && target.is_name_expr()).then(|| (target, call, name.to_owned()))
}

/// Notes the columns of a table that refer to other tables.
fn columns(scan: &mut Scan<'_, '_>, def: &StmtClassDef) {
    let mut indexed = Vec::new();
    for stmt in &def.body {
        if let Stmt::Assign(it) = stmt
            && let Some(Expr::Name(name)) = it.targets.first()
            && name.id == "__table_args__"
        {
            first_columns(scan, &it.value, &mut indexed);
        }
    }
    for stmt in &def.body {
        let Some((target, call, _)) = column(scan, stmt) else { continue };
        let Some(refers) = foreign_key(scan, call) else { continue };
        let name = scan.facts.written(target).to_owned();
        let is_on = |flag: &str| {
            argument(call, usize::MAX, &[flag])
                .is_some_and(|it| !matches!(it, Expr::BooleanLiteral(it) if !it.value))
        };
        let known = ["index", "unique", "primary_key"].map(is_on);
        let listed = indexed.contains(&name);
        scan.facts.add("foreign_key", call, |fact| {
            fact.text("class", &def.name);
            fact.text_at("name", &name, &target.range());
            fact.text("refers", &refers);
            fact.bool("indexed", known.iter().any(|it| *it) || listed);
        });
    }
}

/// The first columns of the indexes and constraints of `__table_args__`: an index over several
/// serves look-ups by the first.
fn first_columns(scan: &Scan<'_, '_>, args: &Expr, indexed: &mut Vec<String>) {
    let items = match args {
        Expr::Tuple(it) => &it.elts[..],
        Expr::List(it) => &it.elts[..],
        _ => return,
    };
    for call in items.iter().filter_map(Expr::as_call_expr) {
        for argument in &call.arguments.args {
            indexed.extend(known_text(&scan.scope, argument));
        }
    }
}

/// The column that a column refers to.
fn foreign_key(scan: &Scan<'_, '_>, call: &ExprCall) -> Option<String> {
    if let Some(text) = text_argument(&scan.scope, call, usize::MAX, &["foreign_key"]) {
        return Some(text);
    }
    call.arguments.args.iter().filter_map(Expr::as_call_expr).find_map(|it| {
        let path = scan.scope.path(&it.func)?;
        let target = it.arguments.args.first()?;
        (last(&path) == "ForeignKey").then(|| scan.facts.written(target).to_owned())
    })
}

/// The names of the functions that validate a class of settings.
pub(super) fn validators(scan: &Scan<'_, '_>, def: &StmtClassDef) -> Vec<String> {
    let is_validator = |it: &Expr| {
        let it = it.as_call_expr().map_or(it, |it| &it.func);
        let path = scan.scope.path(it).unwrap_or_default();
        last(&path).ends_with("validator")
    };
    let functions = def.body.iter().filter_map(Stmt::as_function_def_stmt);
    functions
        .filter(|it| it.decorator_list.iter().any(|it| is_validator(&it.expression)))
        .map(|it| it.name.to_string())
        .collect()
}
