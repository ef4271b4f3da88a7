//! What a rule says about a subject.

use std::sync::Arc;

use super::Rule;
use crate::{artifact::Subject, document::Node};

/// What must hold and does not.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What is wrong, with the value.
    pub message: String,
    /// Where.
    pub at: Node<'a>,
    /// What the peers that would say so too call it.
    pub equivalents: Vec<Arc<str>>,
}

/// Why a rule could not be evaluated on a subject.
#[derive(Debug)]
pub struct Trouble<'a> {
    /// Where.
    pub at: Node<'a>,
    /// What went wrong, lower case.
    pub reason: String,
}

/// What a rule says about a subject.
#[derive(Debug, Default)]
pub struct Judgement<'a> {
    /// Whether the rule is about this subject at all: its `when` holds.
    pub applies: bool,
    /// What must hold and does not.
    pub failures: Vec<Failure<'a>>,
    /// What proves the rule's items: its `proves` holds here.
    pub proves: Option<Node<'a>>,
    /// What could not be evaluated: such a subject is neither good nor bad.
    pub troubles: Vec<Trouble<'a>>,
}

/// Judges a subject of the rule's view.
pub fn judge<'a>(rule: &'a Rule, subject: &Subject<'a>) -> Judgement<'a> {
    let reason = format!("{} is not evaluated yet", rule.id);
    Judgement { troubles: vec![Trouble { at: subject.at, reason }], ..Judgement::default() }
}
