//! Python modules: a summary of each, in facts that rules ask about.
//!
//! A syntax tree is ten times the size of its text, so none is kept. A module becomes a list of
//! small maps, each at the place where it is written, with `fact` saying what it is: `module`,
//! `call`, `log`, `route`, `hook`, `setting`, `settings_class`, `middleware_class`, `foreign_key`,
//! `header`, `test`, `migration`. The views over them stand in `repository::python`, because what a
//! file means depends on others: which of them hold the service, and where a router is mounted.

mod call;
mod class;
mod facts;
mod function;
mod migration;
pub mod role;
mod scan;
mod scope;
mod setting;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;

use ruff_python_ast::{Suite, visitor::Visitor};

use self::{facts::Facts, role::Role, scan::Scan, scope::Scope};
use super::{Artifact, Kind, Parsed};
use crate::{
    document::{Id, Key, Problem, Tree, Trouble},
    parse::python,
    source::{Source, Span},
};

/// Whether the file is a Python module, by its name.
pub fn recognise(source: &Source) -> bool {
    source.name().ends_with(".py")
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let role = role::role(&source.path);
    let module = match python::parse(&source.text) {
        Ok(module) => module,
        Err(bound) => {
            let problem = Problem::at(&source, 0, Trouble::Limit, bound.0);
            return Parsed { artifact: None, problems: vec![problem] };
        }
    };
    let mut problems = Vec::new();
    if let Some((offset, message)) = &module.error {
        if is_template(&source) {
            let reason = "a template that has to be rendered first: nothing in it is judged";
            let problem = Problem::at(&source, *offset, Trouble::Template, reason);
            return Parsed { artifact: None, problems: vec![problem] };
        }
        if matches!(role, Role::Code | Role::Migration) {
            let reason = format!("is no Python: {message}");
            problems.push(Problem::at(&source, *offset, Trouble::Syntax, reason));
        }
    }
    let mut tree = Tree::new(source);
    let derived = summary(&mut tree, role, &module.body);
    Parsed { artifact: Some(Artifact { derived, ..Artifact::new(Kind::Python, tree) }), problems }
}

/// Whether text that is no Python is a template of Python.
fn is_template(source: &Source) -> bool {
    let has = |word: &str| memchr::memmem::find(source.text.as_bytes(), word.as_bytes()).is_some();
    source.path.contains("{{") || has("{%") || has("{{")
}

/// Writes the facts of a module; the first is the module itself.
fn summary(tree: &mut Tree, role: Role, body: &Suite) -> Vec<Id> {
    let scope = Scope::new(&tree.source.path, body);
    let facts = Facts { tree, roots: Vec::new() };
    let mut scan = Scan {
        facts,
        scope,
        role,
        frames: Vec::new(),
        assigned: None,
        awaited: false,
        logs: 0,
        conditions: Vec::new(),
        refused: BTreeSet::new(),
    };
    scan.visit_body(body);
    if role != Role::Example {
        migration::note(&mut scan, body);
    }
    let Scan { facts: Facts { tree, mut roots }, scope, logs, refused, .. } = scan;
    roots.insert(0, module(tree, role, &scope, logs, &refused));
    roots
}

fn module(
    tree: &mut Tree,
    role: Role,
    scope: &Scope<'_>,
    logs: u32,
    refused: &BTreeSet<String>,
) -> Id {
    let at = Span::default();
    let root = tree.open_map(Key::None, at);
    tree.text(Key::Field("fact"), "module", at);
    tree.text(Key::Field("role"), role.name(), at);
    tree.int(Key::Field("logs"), i64::from(logs), at);
    let list = tree.open_seq(Key::Field("refused"), at);
    for name in refused {
        tree.text(Key::None, name, at);
    }
    tree.close(list);
    let names = tree.open_map(Key::Field("names"), at);
    if matches!(role, Role::Code | Role::Test) {
        for (name, path) in &scope.exports {
            tree.text(Key::Text(name), path, at);
        }
    }
    tree.close(names);
    tree.close(root);
    root
}
