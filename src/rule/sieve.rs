//! What a text must be for a rule to have something to say: most subjects need no more than a look.
//!
//! Many rules ask for one text first: the name of a command, the kind of an object. Where it is none
//! of those that a rule names, what the rule says is known before anything is evaluated.

use super::{
    cel::{Comparison, Expr, Op},
    compile::Programs,
};
use crate::value::Value;

/// A text, or nothing, that settles what a rule says.
#[derive(Debug)]
pub(super) struct Sieve {
    path: Path,
    /// The texts for which the matter is open.
    texts: Vec<Text>,
    /// What is known for all others: whether the rule applies, and then finds and proves nothing.
    pub applies: bool,
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

    /// The variable and the fields below it that lead to the text.
    pub fn path(&self) -> (usize, &[Box<str>]) {
        (self.path.0, &self.path.1)
    }

    /// Whether the matter is settled for a text, or for nothing.
    pub fn settles(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return true };
        !self.texts.iter().any(|it| match it {
            Text::Is(it) => **it == *text,
            Text::StartsWith(it) => text.starts_with(&**it),
        })
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
