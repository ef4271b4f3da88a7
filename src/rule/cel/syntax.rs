//! What expressions are made of: as they are written, and as they are evaluated.

use std::{ops::Range, sync::OnceLock};

use regex::Regex;
use regex_automata::{meta, nfa::thompson::WhichCaptures, util::syntax};

use crate::{rule::functions::Function, value::Value};

/// From how many bytes on a text is long.
const LONG: usize = 1 << 10;
/// How many bytes a regular expression may take, as [`Regex`] has it.
const LARGEST: usize = 10 << 20;

/// An expression as it is written.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Syntax {
    /// Where in the text.
    pub range: Range<usize>,
    /// How deep it is nested.
    pub depth: u32,
    /// What it is.
    pub form: Form,
}

/// A name in an expression.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Word {
    /// The name.
    pub text: String,
    /// Where in the text.
    pub range: Range<usize>,
}

/// The forms of expression.
#[derive(Clone, Debug)]
pub(in crate::rule) enum Form {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// `7`, `7u`, `0x7`.
    Int(i64),
    /// `0.7`, `7e3`.
    Float(f64),
    /// `"a"`, `'a'`, `r"a"`, `"""a"""`, `b"a"`.
    Text(String),
    /// A variable.
    Name(String),
    /// `a.b`.
    Select(Box<Syntax>, Word),
    /// `a[b]`.
    Index(Box<(Syntax, Syntax)>),
    /// `f(a)`, `a.f(b)`.
    Call(Option<Box<Syntax>>, Word, Vec<Syntax>),
    /// `[a, b]`.
    List(Vec<Syntax>),
    /// `{a: b}`.
    Map(Vec<(Syntax, Syntax)>),
    /// `!a`.
    Not(Box<Syntax>),
    /// `-a`.
    Negate(Box<Syntax>),
    /// `a && b && c`.
    And(Vec<Syntax>),
    /// `a || b || c`.
    Or(Vec<Syntax>),
    /// `a ? b : c`.
    Choose(Box<[Syntax; 3]>),
    /// `a == b`, `a + b`, `a in b`.
    Binary(Binary, Box<(Syntax, Syntax)>),
}

/// The operators with two operands, without `&&` and `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rule) enum Binary {
    /// `==`, `<`, …
    Compare(Comparison),
    /// `+`, …
    Compute(Operator),
    /// `in`.
    In,
}

/// `==` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rule) enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// `+` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rule) enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// An expression that is checked: variables are slots, functions are known, constants are folded.
#[derive(Debug)]
pub(in crate::rule) struct Expr {
    /// Where in the text.
    pub range: (u32, u32),
    /// What it does.
    pub op: Op,
}

/// What an expression does.
#[derive(Debug)]
pub(in crate::rule) enum Op {
    /// Gives a value that is known; text has its own form.
    Constant(Value<'static>),
    /// Gives a text that is known.
    Text(Box<str>),
    /// Gives a map that is known: a table of the rule's parameters, by key.
    Table(Box<[(Box<str>, Value<'static>)]>),
    /// A variable and the fields below it.
    Path(usize, Box<[Box<str>]>),
    /// A field of a value.
    Select(Box<Expr>, Box<str>),
    /// An item of a list, an entry of a map.
    Index(Box<(Expr, Expr)>),
    /// Whether there is something at the path.
    Has(Box<Expr>),
    /// `!`
    Not(Box<Expr>),
    /// `-`
    Negate(Box<Expr>),
    /// `&&`
    And(Box<[Expr]>),
    /// `||`
    Or(Box<[Expr]>),
    /// `? :`
    Choose(Box<[Expr; 3]>),
    /// `==` and its kin.
    Compare(Comparison, Box<(Expr, Expr)>),
    /// `+` and its kin.
    Compute(Operator, Box<(Expr, Expr)>),
    /// `in`.
    In(Box<(Expr, Expr)>),
    /// `in` a list that is known.
    OneOf(Box<Expr>, Box<[Value<'static>]>),
    /// Whether a text matches a pattern that is known.
    Matches(Box<Expr>, Box<Pattern>),
    /// A list of values.
    List(Box<[Expr]>),
    /// A map of values.
    Map(Box<[(Expr, Expr)]>),
    /// A function of values.
    Call(&'static Function, Box<[Expr]>),
    /// A macro that goes over a list or the keys of a map.
    Fold(Macro, Box<Fold>),
    /// `cel.bind`: a value and the expression that sees it in the next slot.
    Bind(Box<(Expr, Expr)>),
}

/// The macros that go over a list or the keys of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rule) enum Macro {
    /// Whether it holds for all.
    All,
    /// Whether it holds for one at least.
    Exists,
    /// Whether it holds for one and no other.
    ExistsOne,
    /// What it gives for each.
    Map,
    /// Those for which it holds.
    Filter,
}

/// What a macro goes over, and what it does with each; its variable is the next free slot.
#[derive(Debug)]
pub(in crate::rule) struct Fold {
    /// The list or the map.
    pub over: Expr,
    /// Which items count: the first of three arguments of `map`.
    pub only: Option<Expr>,
    /// What is asked of each.
    pub body: Expr,
}

/// A regular expression that is compiled when it is first needed.
#[derive(Debug)]
pub(in crate::rule) struct Pattern {
    /// Its text.
    pub text: Box<str>,
    /// For short texts of ASCII, which are most.
    quick: OnceLock<Option<meta::Regex>>,
    /// For all others: it skips to where a match may start, and takes much longer to build.
    whole: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that is not compiled yet.
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), quick: OnceLock::new(), whole: OnceLock::new() }
    }

    /// Whether a text matches it; nothing, if it is no pattern.
    pub fn is_match(&self, text: &str) -> Option<bool> {
        if text.len() < LONG
            && text.is_ascii()
            && let Some(quick) = self.quick.get_or_init(|| quick(&self.text))
        {
            return Some(quick.is_match(text));
        }
        let whole = self.whole.get_or_init(|| Regex::new(&self.text).ok()).as_ref();
        whole.map(|it| it.is_match(text))
    }
}

/// What says of a text of ASCII what a `regex::Regex` says: without the tables of Unicode, without
/// what helps only with long texts, and without the places of matches.
fn quick(pattern: &str) -> Option<meta::Regex> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let captures = WhichCaptures::None;
    let config = meta::Config::new().which_captures(captures).nfa_size_limit(Some(LARGEST));
    let config = config.auto_prefilter(false).onepass(false).dfa(false);
    meta::Regex::builder().syntax(syntax).configure(config).build(pattern).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;

    /// The patterns that rules spell out, tried on parts of one another.
    #[test]
    fn quick_patterns_say_what_whole_ones_say() {
        let rules = RuleSet::builtin().expect("built-in rules are read");
        let calls = rules.rules.iter().flat_map(|it| it.text.split(".matches(").skip(1));
        let mut patterns: Vec<_> = calls.filter_map(|it| it.split(['"', '\'']).nth(1)).collect();
        patterns.sort_unstable();
        patterns.dedup();
        let parts = patterns.iter().flat_map(|it| it.split(['|', '(', ')', '\\', '$', '^']));
        let parts: Vec<_> = parts.filter(|it| it.is_ascii()).collect();
        let (mut compared, mut matched) = (0, 0);
        for pattern in &patterns {
            let (Some(quick), Ok(whole)) = (quick(pattern), Regex::new(pattern)) else { continue };
            compared += 1;
            for part in &parts {
                matched += usize::from(whole.is_match(part));
                assert_eq!(quick.is_match(part), whole.is_match(part), "{pattern} on {part}");
            }
        }
        assert!(compared > 200 && matched > 1_000, "{compared} patterns, {matched} matches");
    }
}
