//! The expression language: the syntax of CEL, over trees, total, and with blame.
//!
//! Text becomes [`Syntax`] (`lex`, `parse`), names and types are checked against the variables of
//! the view and the result is an [`Expr`] (`check`), which a [`Machine`] evaluates (`eval`).

mod check;
mod eval;
mod lex;
mod parse;
mod syntax;

pub(super) use check::{Scope, Type, check};
pub(super) use eval::{Machine, Wrong, at, items, visible};
pub(super) use parse::{parse, parse_until_brace};
pub(super) use syntax::{Comparison, Expr, Fold, Macro, Op, Operator, Pattern, Syntax};

use std::ops::Range;

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The bytes of the expression it is about.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if we have an idea.
    pub help: Option<String>,
}

impl Fault {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
