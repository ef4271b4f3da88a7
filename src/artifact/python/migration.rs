//! Migrations of Alembic: which revision follows which, and what a step does.

use ruff_python_ast::{Arguments, Expr, Stmt, StmtFunctionDef, Suite, visitor::Visitor};

use super::{
    scan::Scan,
    value::{Known, known, known_text},
};

/// Notes a migration, if the module is one.
pub(super) fn note(scan: &mut Scan<'_, '_>, body: &Suite) {
    let Some((place, revision)) = value_of(body, "revision") else { return };
    let Some((_, down)) = value_of(body, "down_revision") else { return };
    let Some(revision) = known_text(&scan.scope, revision) else { return };
    let down = parents(scan, down);
    let labels = value_of(body, "branch_labels")
        .is_some_and(|it| !matches!(known(&scan.scope, it.1, 0), Some(Known::None)));
    let upgrade = function(body, "upgrade").map(operations).unwrap_or_default();
    let downgrade = function(body, "downgrade").map(operations);
    let is_empty = |it: &Option<Operations>| it.as_ref().is_none_or(|it| it.statements == 0);
    scan.facts.add("migration", place, |fact| {
        fact.text("revision", &revision);
        match &down {
            Some(down) => fact.texts("down", down),
            None => fact.bool("unknown", true),
        }
        fact.bool("labelled", labels);
        fact.texts("operations", &upgrade.names);
        fact.texts("locked", upgrade.locked());
        fact.bool("upgrades", upgrade.statements > 0);
        fact.bool("downgrades", !is_empty(&downgrade));
        fact.bool("refuses", downgrade.as_ref().is_some_and(|it| it.raises));
    });
}

/// The value of a name of the module, and the name.
fn value_of<'a>(body: &'a Suite, name: &str) -> Option<(&'a Expr, &'a Expr)> {
    body.iter().find_map(|stmt| {
        let (target, value) = match stmt {
            Stmt::Assign(it) => (it.targets.first()?, &*it.value),
            Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
            _ => return None,
        };
        (target.as_name_expr()?.id == name).then_some((target, value))
    })
}

/// The revisions that one follows, if they are known.
fn parents(scan: &Scan<'_, '_>, expr: &Expr) -> Option<Vec<String>> {
    let items = match expr {
        Expr::Tuple(it) => &it.elts[..],
        Expr::List(it) => &it.elts[..],
        _ => {
            return match known(&scan.scope, expr, 0)? {
                Known::None => Some(Vec::new()),
                Known::Text(it) => Some(vec![it]),
                _ => None,
            };
        }
    };
    items.iter().map(|it| known_text(&scan.scope, it)).collect()
}

fn function<'a>(body: &'a Suite, name: &str) -> Option<&'a StmtFunctionDef> {
    body.iter().filter_map(Stmt::as_function_def_stmt).find(|it| it.name.as_str() == name)
}

/// What a step does.
#[derive(Default)]
struct Operations {
    names: Vec<String>,
    statements: usize,
    raises: bool,
    /// The tables that it makes.
    made: Vec<String>,
    /// The tables that it indexes while nobody can write to them.
    indexed: Vec<String>,
}

impl Operations {
    /// The tables that were there before, and that nobody can write to while they are indexed.
    fn locked(&self) -> Vec<String> {
        self.indexed.iter().filter(|it| !self.made.contains(it)).cloned().collect()
    }

    fn note(&mut self, name: &str, arguments: &Arguments) {
        let table = |at: usize, keyword: &str| {
            let keyword = arguments.find_keyword(keyword).map(|it| &it.value);
            let value = keyword.or_else(|| arguments.args.get(at))?;
            Some(value.as_string_literal_expr()?.value.to_str().to_owned())
        };
        let concurrent = || {
            arguments
                .find_keyword("postgresql_concurrently")
                .is_some_and(|it| it.value.as_boolean_literal_expr().is_none_or(|it| it.value))
        };
        match name {
            "create_table" => self.made.extend(table(0, "table_name")),
            "create_index" if !concurrent() => self.indexed.extend(table(1, "table_name")),
            _ => {}
        }
    }
}

fn operations(def: &StmtFunctionDef) -> Operations {
    let mut found = Operations::default();
    for stmt in &def.body {
        let says_nothing =
            stmt.is_pass_stmt() || stmt.as_expr_stmt().is_some_and(|it| it.value.is_literal_expr());
        found.statements += usize::from(!says_nothing);
        found.raises |= stmt.is_raise_stmt();
        found.visit_stmt(stmt);
    }
    found
}

impl<'a> Visitor<'a> for Operations {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && let Expr::Attribute(it) = &*call.func
            && let Expr::Name(base) = &*it.value
            && (base.id == "op" || base.id == "batch_op")
            && self.names.len() < 100
        {
            self.names.push(it.attr.to_string());
            if base.id == "op" {
                self.note(&it.attr, &call.arguments);
            }
        }
        ruff_python_ast::visitor::walk_expr(self, expr);
    }
}
