//! The walk over a module: what surrounds each statement, and which facts it gives.

use std::collections::BTreeSet;

use ruff_python_ast::{
    Expr, ExprCall, Stmt, StmtClassDef, StmtFunctionDef, StmtIf,
    visitor::{self, Visitor},
};

use super::{
    call, class, facts::Facts, function, role::Role, scope::Scope, setting, value::known_text,
};

/// How many names of calls are kept for one function.
const MOST_CALLS: usize = 100;

/// How many secrets are kept for one function.
const MOST_TESTED: usize = 20;

/// The function, lambda or class around the place that is looked at.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Its name; empty for a lambda.
    pub name: String,
    /// Whether it is a class.
    pub is_class: bool,
    /// Whether it is a class of settings.
    pub is_settings: bool,
    /// Whether it stops with an exception somewhere.
    pub raises: bool,
    /// Secrets that its conditions look at.
    pub tested: Vec<String>,
    /// Whether it is `async def`.
    pub is_async: bool,
    /// How many loops are around the place.
    pub loops: usize,
    /// How many calls in it write to a log.
    pub logs: u32,
    /// Whether it asserts anything.
    pub asserts: bool,
    /// Whether it names a status that denies access: 401 or 403.
    pub denies: bool,
    /// The last names of what it calls, once each.
    pub calls: Vec<String>,
}

/// The state of the walk.
#[derive(Debug)]
pub(super) struct Scan<'a, 't> {
    /// Where facts go.
    pub facts: Facts<'t>,
    /// What names stand for.
    pub scope: Scope<'a>,
    /// What the file is for.
    pub role: Role,
    /// The functions and classes around the place, outermost first.
    pub frames: Vec<Frame>,
    /// The name that the value being looked at is assigned to.
    pub assigned: Option<String>,
    /// Whether the value being looked at is awaited.
    pub awaited: bool,
    /// How many calls in the file write to a log.
    pub logs: u32,
    /// The conditions around the place, as they are written.
    pub conditions: Vec<String>,
    /// Secrets that code looks at before it stops with an exception, in lower case.
    pub refused: BTreeSet<String>,
}

impl<'a> Scan<'a, '_> {
    /// The innermost function, if the place is in one.
    pub fn function(&self) -> Option<&Frame> {
        self.frames.iter().rev().find(|it| !it.is_class)
    }

    fn function_mut(&mut self) -> Option<&mut Frame> {
        self.frames.iter_mut().rev().find(|it| !it.is_class)
    }

    /// The innermost class, if the place is in one.
    pub fn class(&self) -> Option<&Frame> {
        self.frames.iter().rev().find(|it| it.is_class)
    }

    fn statement(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(it) => self.scope.import(it),
            Stmt::ImportFrom(it) => self.scope.import_from(it),
            Stmt::FunctionDef(it) => self.function_def(it),
            Stmt::ClassDef(it) => self.class_def(it),
            Stmt::Assign(it) => {
                let target = it.targets.first();
                self.assignment(target, &it.value);
                for target in &it.targets {
                    self.visit_expr(target);
                    self.scope.assign(target, &it.value);
                }
            }
            Stmt::AnnAssign(it) => {
                self.visit_expr(&it.annotation);
                if let Some(value) = &it.value {
                    self.assignment(Some(&it.target), value);
                    self.scope.assign(&it.target, value);
                }
            }
            Stmt::For(it) => {
                self.visit_expr(&it.iter);
                self.looping(|scan| scan.visit_body(&it.body));
                self.visit_body(&it.orelse);
            }
            Stmt::While(it) => {
                self.looping(|scan| {
                    scan.visit_expr(&it.test);
                    scan.visit_body(&it.body);
                });
            }
            Stmt::If(it) => self.conditional(it),
            Stmt::With(it) => {
                for item in &it.items {
                    self.visit_expr(&item.context_expr);
                    if let Some(name) = &item.optional_vars {
                        self.scope.assign(name, &item.context_expr);
                    }
                }
                self.visit_body(&it.body);
            }
            Stmt::Assert(it) => {
                self.asserted();
                let names: Vec<_> = secrets(self.facts.written(&*it.test)).collect();
                self.refused.extend(names);
                visitor::walk_stmt(self, stmt);
            }
            Stmt::Raise(it) => {
                let made = it.exc.as_deref().map(|it| it.as_call_expr().map_or(it, |it| &it.func));
                let answers = made.is_some_and(|it| self.facts.written(it).contains("HTTP"));
                if let Some(frame) = self.function_mut() {
                    frame.raises |= !answers;
                }
                visitor::walk_stmt(self, stmt);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn asserted(&mut self) {
        if let Some(frame) = self.function_mut() {
            frame.asserts = true;
        }
    }

    fn assignment(&mut self, target: Option<&'a Expr>, value: &'a Expr) {
        if self.frames.is_empty()
            && let (Some(Expr::Name(name)), true) = (target, self.role == Role::Code)
        {
            setting::module_level(self, name, value);
        }
        self.assigned = match target {
            Some(Expr::Name(it)) => Some(it.id.to_string()),
            Some(Expr::Attribute(it)) => Some(it.attr.to_string()),
            _ => None,
        };
        self.visit_expr(value);
        self.assigned = None;
    }

    fn looping(&mut self, inside: impl FnOnce(&mut Self)) {
        if let Some(frame) = self.frames.last_mut() {
            frame.loops += 1;
        }
        inside(self);
        if let Some(frame) = self.frames.last_mut() {
            frame.loops -= 1;
        }
    }

    fn conditional(&mut self, stmt: &'a StmtIf) {
        self.visit_expr(&stmt.test);
        self.tested(stmt);
        self.under(&stmt.test, |scan| scan.visit_body(&stmt.body));
        for clause in &stmt.elif_else_clauses {
            match &clause.test {
                Some(test) => {
                    self.visit_expr(test);
                    self.under(test, |scan| scan.visit_body(&clause.body));
                }
                None => self.under(&stmt.test, |scan| scan.visit_body(&clause.body)),
            }
        }
    }

    /// Notes the secrets that a condition looks at, in case that the code stops for them.
    fn tested(&mut self, stmt: &StmtIf) {
        let names: Vec<_> = secrets(self.facts.written(&*stmt.test)).take(MOST_TESTED).collect();
        match self.function_mut() {
            Some(frame) if frame.tested.len() < MOST_TESTED => frame.tested.extend(names),
            Some(_) => {}
            None if stmt.body.iter().any(Stmt::is_raise_stmt) => self.refused.extend(names),
            None => {}
        }
    }

    fn under(&mut self, test: &Expr, inside: impl FnOnce(&mut Self)) {
        let text: String = self.facts.written(test).chars().take(200).collect();
        self.conditions.push(text);
        inside(self);
        self.conditions.pop();
    }

    fn function_def(&mut self, def: &'a StmtFunctionDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        visitor::walk_parameters(self, &def.parameters);
        self.scope.hide(&def.name);
        let frame =
            Frame { name: def.name.to_string(), is_async: def.is_async, ..Frame::default() };
        let conditions = std::mem::take(&mut self.conditions);
        self.frames.push(frame);
        self.scope.enter();
        for parameter in def.parameters.iter() {
            match parameter.annotation() {
                Some(annotation) => self.scope.annotate(parameter.name(), annotation),
                None => self.scope.hide(parameter.name()),
            }
        }
        self.visit_body(&def.body);
        self.scope.leave();
        let frame = self.frames.pop().unwrap_or_default();
        self.conditions = conditions;
        function::note(self, def, &frame);
        self.absorb(&frame);
        if frame.raises {
            self.refused.extend(frame.tested);
        }
    }

    /// What a nested function does, the function around it does too.
    fn absorb(&mut self, frame: &Frame) {
        if let Some(outer) = self.function_mut() {
            outer.logs += frame.logs;
            outer.asserts |= frame.asserts;
            outer.denies |= frame.denies;
        }
    }

    fn class_def(&mut self, def: &'a StmtClassDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        let is_settings = class::note(self, def);
        self.scope.hide(&def.name);
        let name = def.name.to_string();
        let frame = Frame { name, is_class: true, is_settings, ..Frame::default() };
        self.frames.push(frame);
        self.scope.enter();
        self.visit_body(&def.body);
        self.scope.leave();
        self.frames.pop();
    }

    fn call(&mut self, it: &'a ExprCall) {
        let (assigned, awaited) = (self.assigned.take(), std::mem::take(&mut self.awaited));
        let path = self.scope.path(&it.func).unwrap_or_default();
        let name = last(&path);
        self.note_call(name);
        call::note(self, it, &path, assigned.as_deref(), awaited);
        self.visit_expr(&it.func);
        self.visit_arguments(&it.arguments);
    }

    fn note_call(&mut self, name: &str) {
        let asserts =
            ["assert", "raises", "expect", "check", "verify", "should", "fail", "validate"];
        let is_check = asserts.iter().any(|it| name.trim_start_matches('_').starts_with(it));
        if let Some(frame) = self.function_mut() {
            frame.asserts |= is_check;
            frame.raises |= name == "exit";
            if frame.calls.len() < MOST_CALLS && !frame.calls.iter().any(|it| it == name) {
                frame.calls.push(name.to_owned());
            }
        }
    }

    /// Counts a call that writes to a log.
    pub fn logged(&mut self) {
        self.logs += 1;
        if let Some(frame) = self.function_mut() {
            frame.logs += 1;
        }
    }

    fn denied(&mut self) {
        if let Some(frame) = self.function_mut() {
            frame.denies = true;
        }
    }
}

impl<'a> Visitor<'a> for Scan<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.statement(stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(it) => return self.call(it),
            Expr::Await(it) => {
                self.awaited = true;
                self.visit_expr(&it.value);
                self.awaited = false;
                return;
            }
            Expr::Lambda(_) => {
                self.frames.push(Frame::default());
                visitor::walk_expr(self, expr);
                let frame = self.frames.pop().unwrap_or_default();
                return self.absorb(&frame);
            }
            Expr::Subscript(it) => setting::subscript(self, it),
            Expr::NumberLiteral(it) => {
                let number = it.value.as_int().and_then(ruff_python_ast::Int::as_i64);
                if matches!(number, Some(401 | 403)) {
                    self.denied();
                }
            }
            Expr::Attribute(it)
                if matches!(it.attr.as_str(), "HTTP_401_UNAUTHORIZED" | "HTTP_403_FORBIDDEN") =>
            {
                self.denied();
            }
            Expr::StringLiteral(it) if it.value.len() < 64 => call::header(self, it),
            _ => {}
        }
        self.awaited = false;
        visitor::walk_expr(self, expr);
    }
}

/// The names of secrets in an expression, in lower case. A plain `password` may be anybody's.
fn secrets(written: &str) -> impl Iterator<Item = String> {
    let words = written.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
    let is_setting = |it: &&str| it.contains('_') || it.bytes().all(|it| it.is_ascii_uppercase());
    let is_secret = |it: &String| {
        ["secret", "key", "password", "passwd", "pwd"].iter().any(|end| it.ends_with(end))
    };
    words.filter(is_setting).map(str::to_ascii_lowercase).filter(is_secret)
}

/// The last name of a dotted path, without the brackets of a call.
pub(super) fn last(path: &str) -> &str {
    let path = path.trim_end_matches("()").trim_end_matches("[]");
    path.rsplit('.').next().unwrap_or(path)
}

/// The text that an argument is: by position, or by one of its names.
pub(super) fn text_argument(
    scope: &Scope<'_>,
    call: &ExprCall,
    position: usize,
    names: &[&str],
) -> Option<String> {
    argument(call, position, names).and_then(|it| known_text(scope, it))
}

/// An argument: by position, or by one of its names.
pub(super) fn argument<'a>(
    call: &'a ExprCall,
    position: usize,
    names: &[&str],
) -> Option<&'a Expr> {
    let named = call
        .arguments
        .keywords
        .iter()
        .find(|it| it.arg.as_ref().is_some_and(|name| names.contains(&name.as_str())));
    named.map(|it| &it.value).or_else(|| call.arguments.args.get(position))
}
