//! What a text must be for a rule to have something to say: most subjects need no more than a look.
//!
//! Many rules ask for one text first: the name of a command, the kind of an object. Where it is none
//! of those that a rule names, what the rule says is known before anything is evaluated. The rules of
//! a view are sifted together: one text is looked up, and the rules that it leaves open are judged.

use std::collections::HashMap;

use super::{
    Rule,
    cel::{Comparison, Expr, Op, at},
    compile::Programs,
};
use crate::{artifact::Subject, value::Value};

/// A text, or nothing, that settles what a rule says.
#[derive(Debug)]
pub(super) struct Sieve {
    path: Path,
    /// The texts for which the matter is open.
    texts: Vec<Text>,
    /// What is known for all others: whether the rule applies, and then finds and proves nothing.
    applies: bool,
}

/// The place of a text: a variable and the fields below it.
type Path = (usize, Box<[Box<str>]>);

#[derive(Debug)]
enum Text {
    Is(Box<str>),
    StartsWith(Box<str>),
}

impl Sieve {
    /// The sieve of a rule, if a text settles what it says.
    pub fn of(programs: &Programs) -> Option<Self> {
        let mut paths = Vec::new();
        let needs = programs.requires.iter().flat_map(|it| [it.when.as_ref(), Some(&it.that)]);
        let own = [programs.when.as_ref(), programs.proves.as_ref()];
        for expr in own.into_iter().chain(needs).flatten() {
            compared(expr, &mut paths);
        }
        paths.into_iter().find_map(|(slot, path)| {
            let mut other = Other { slot, path, texts: Vec::new() };
            let applies = other.outcome(programs)?;
            Some(Self { path: (slot, path.into()), texts: other.texts, applies })
        })
    }
}

/// The rules of a view by the texts that leave them open; rules are told by their numbers.
#[derive(Debug, Default)]
pub struct Sift {
    /// Rules that no text settles.
    always: Vec<usize>,
    /// One for each place of a text.
    groups: Vec<Group>,
}

/// The rules that the text at one place settles.
#[derive(Debug)]
struct Group {
    path: Path,
    all: Vec<usize>,
    /// Those that are open where the text is this.
    exact: HashMap<Box<str>, Vec<usize>>,
    /// Those that are open where the text starts with this.
    starts: Vec<(Box<str>, usize)>,
    /// Those that apply where they are settled, and have items to speak for.
    applying: Vec<usize>,
}

impl Sift {
    /// That of the rules of a view.
    pub fn of(rules: &[&Rule]) -> Self {
        let mut sift = Self::default();
        for (number, rule) in rules.iter().enumerate() {
            let programs = rule.programs().ok();
            match programs.and_then(|it| it.sieve.as_ref()) {
                Some(sieve) => sift.group(&sieve.path).add(number, rule, sieve),
                None => sift.always.push(number),
            }
        }
        sift
    }

    fn group(&mut self, path: &Path) -> &mut Group {
        let at = self.groups.iter().position(|it| it.path == *path);
        let at = at.unwrap_or(self.groups.len());
        if at == self.groups.len() {
            self.groups.push(Group {
                path: path.clone(),
                all: Vec::new(),
                exact: HashMap::new(),
                starts: Vec::new(),
                applying: Vec::new(),
            });
        }
        &mut self.groups[at]
    }

    /// Sets `open` to the rules that must be judged for a subject, and `applying` to those that are
    /// settled, apply and have items to speak for.
    pub fn look(&self, subject: &Subject<'_>, open: &mut Vec<usize>, applying: &mut Vec<usize>) {
        open.clear();
        applying.clear();
        open.extend_from_slice(&self.always);
        for group in &self.groups {
            let from = open.len();
            match read(subject, &group.path) {
                Some(text) => group.look(text, open),
                None => open.extend_from_slice(&group.all),
            }
            let opened = &open[from..];
            applying.extend(group.applying.iter().filter(|it| !opened.contains(it)));
        }
    }
}

impl Group {
    fn add(&mut self, number: usize, rule: &Rule, sieve: &Sieve) {
        self.all.push(number);
        for text in &sieve.texts {
            match text {
                Text::Is(it) => {
                    let open = self.exact.entry(it.clone()).or_default();
                    if !open.contains(&number) {
                        open.push(number);
                    }
                }
                Text::StartsWith(it) => self.starts.push((it.clone(), number)),
            }
        }
        if sieve.applies && !rule.items.is_empty() {
            self.applying.push(number);
        }
    }

    /// Adds the rules that a text, or nothing, leaves open.
    fn look(&self, text: Option<&str>, open: &mut Vec<usize>) {
        let Some(text) = text else { return };
        let from = open.len();
        open.extend(self.exact.get(text).into_iter().flatten());
        for (start, number) in &self.starts {
            if text.starts_with(&**start) && !open[from..].contains(number) {
                open.push(*number);
            }
        }
    }
}

/// The text at a place of a subject; nothing, where evaluation must say what there is.
fn read<'a>(subject: &Subject<'a>, (slot, fields): &Path) -> Option<Option<&'a str>> {
    match at(&subject.values, *slot, fields) {
        Ok(Value::Null) => Some(None),
        Ok(Value::Str(text)) => Some(Some(text)),
        Ok(Value::Node(node)) if node.is_null() => Some(None),
        Ok(Value::Node(node)) => node.as_str().map(Some),
        _ => None,
    }
}

/// The paths of an expression that it compares with texts.
fn compared<'p>(expr: &'p Expr, paths: &mut Vec<(usize, &'p [Box<str>])>) {
    let mut add = |expr: &'p Expr| {
        if let Op::Path(slot, path) = &expr.op
            && !paths.contains(&(*slot, path))
        {
            paths.push((*slot, path));
        }
    };
    match &expr.op {
        Op::Compare(_, pair) => [&pair.0, &pair.1].into_iter().for_each(add),
        Op::OneOf(item, _) => add(item),
        Op::Call(_, arguments) => arguments.iter().take(1).for_each(add),
        Op::Not(of) => compared(of, paths),
        Op::And(parts) | Op::Or(parts) => parts.iter().for_each(|it| compared(it, paths)),
        _ => {}
    }
}

/// What holds where a text is another than all that were asked for, or where there is nothing.
struct Other<'p> {
    slot: usize,
    path: &'p [Box<str>],
    texts: Vec<Text>,
}

impl Other<'_> {
    /// Whether a rule applies, and then finds and proves nothing; nothing if that is not known.
    fn outcome(&mut self, programs: &Programs) -> Option<bool> {
        if !self.maybe(programs.when.as_ref())? {
            return Some(false);
        }
        if let Some(proves) = &programs.proves
            && self.truth(proves)?
        {
            return None;
        }
        for needs in &programs.requires {
            if self.maybe(needs.when.as_ref())? && !self.truth(&needs.that)? {
                return None;
            }
        }
        Some(true)
    }

    fn maybe(&mut self, expr: Option<&Expr>) -> Option<bool> {
        expr.map_or(Some(true), |it| self.truth(it))
    }

    /// Whether an expression holds, where that is known without an error.
    fn truth(&mut self, expr: &Expr) -> Option<bool> {
        match &expr.op {
            Op::Not(of) => self.truth(of).map(|it| !it),
            Op::And(parts) => self.chain(parts, false),
            Op::Or(parts) => self.chain(parts, true),
            Op::Compare(how @ (Comparison::Equal | Comparison::Unequal), pair) => {
                let text = match (&pair.0.op, &pair.1.op) {
                    (Op::Text(text), _) if self.is(&pair.1) => text,
                    (_, Op::Text(text)) if self.is(&pair.0) => text,
                    _ => return None,
                };
                self.texts.push(Text::Is(text.clone()));
                Some(*how == Comparison::Unequal)
            }
            Op::OneOf(item, list) if self.is(item) => {
                for it in list {
                    self.texts.push(Text::Is(it.as_str()?.into()));
                }
                Some(false)
            }
            Op::Call(function, arguments) if function.name == "startsWith" => {
                let [of, Expr { op: Op::Text(start), .. }] = &**arguments else { return None };
                self.is(of).then(|| self.texts.push(Text::StartsWith(start.clone())))?;
                Some(false)
            }
            _ => None,
        }
    }

    /// `&&` and `||`: what settles the matter settles it behind an error too, but not behind a limit.
    fn chain(&mut self, parts: &[Expr], settles: bool) -> Option<bool> {
        let mut is_open = false;
        for part in parts {
            match self.truth(part) {
                Some(it) if it == settles => return Some(settles),
                Some(_) => {}
                None if has_no_limit(part) => is_open = true,
                None => return None,
            }
        }
        (!is_open).then_some(!settles)
    }

    fn is(&self, expr: &Expr) -> bool {
        matches!(&expr.op, Op::Path(slot, path) if (*slot, &**path) == (self.slot, self.path))
    }
}

/// Whether an expression comes to an end in a few steps, whatever its values are.
fn has_no_limit(expr: &Expr) -> bool {
    match &expr.op {
        Op::Path(..) | Op::Text(_) => true,
        Op::Constant(value) => !matches!(value, Value::List(_) | Value::Map(_)),
        Op::Has(of) | Op::Not(of) => has_no_limit(of),
        Op::And(parts) | Op::Or(parts) => parts.iter().all(has_no_limit),
        Op::Compare(_, pair) => {
            let is_scalar = |it: &Expr| matches!(it.op, Op::Text(_) | Op::Constant(_));
            (is_scalar(&pair.0) || is_scalar(&pair.1))
                && has_no_limit(&pair.0)
                && has_no_limit(&pair.1)
        }
        _ => false,
    }
}
