//! The expressions of a rule, compiled once: when the first subject needs them, or to check them.
//! What is only told of failures is compiled when the first one is found.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use super::{
    Rule, RuleError,
    cel::{Expr, Fault, Scope, Type, check, parse},
    edit::{Action, Data, Edit, Entry, Program, Step},
    load::Written,
    sieve::Sieve,
    template::Template,
};

/// What a rule asks, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Programs {
    pub when: Option<Expr>,
    pub proves: Option<Expr>,
    pub requires: Vec<Needs>,
    /// What most subjects need no more than.
    pub sieve: Option<Sieve>,
    telling: OnceLock<Result<Telling, RuleError>>,
}

/// What a requirement asks.
#[derive(Debug)]
pub(super) struct Needs {
    pub when: Option<Expr>,
    pub that: Expr,
}

/// What a rule tells of what it finds, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Telling {
    pub at: Option<Expr>,
    /// One for each requirement.
    pub requires: Vec<Failing>,
    pub edits: Vec<Program>,
    /// One for each equivalent.
    pub equivalents: Vec<Option<Expr>>,
    /// The equivalents, where all of them hold in any case.
    pub peers: Option<Arc<[Arc<str>]>>,
}

/// What a requirement tells where it does not hold.
#[derive(Debug)]
pub(super) struct Failing {
    pub message: Template,
    pub at: Option<Expr>,
    pub related: Option<Expr>,
    pub edits: Vec<Program>,
}

impl Programs {
    /// Compiles the expressions of a rule. Who is thorough compiles all of them, and regular
    /// expressions too.
    pub fn of(rule: &Rule, thorough: bool) -> Result<Self, RuleError> {
        let compiler = Compiler { rule, scope: Scope::new(rule.view.vars, &rule.params, thorough) };
        let requires = rule.requires.iter().map(|it| {
            Ok(Needs {
                when: compiler.maybe_condition(it.when.as_ref())?,
                that: compiler.condition(&it.that)?,
            })
        });
        let programs = Self {
            when: compiler.maybe_condition(rule.when.as_ref())?,
            proves: compiler.maybe_condition(rule.proves.as_ref())?,
            requires: requires.collect::<Result<_, RuleError>>()?,
            sieve: None,
            telling: OnceLock::new(),
        };
        if thorough {
            compiler.telling()?;
        }
        Ok(Self { sieve: Sieve::of(&programs, rule.view.vars.len()), ..programs })
    }

    /// What the rule, which these are of, tells of what it finds.
    pub fn telling(&self, rule: &Rule) -> Result<&Telling, &RuleError> {
        let compile = || {
            let scope = Scope::new(rule.view.vars, &rule.params, false);
            Compiler { rule, scope }.telling()
        };
        self.telling.get_or_init(compile).as_ref()
    }
}

struct Compiler<'r> {
    rule: &'r Rule,
    scope: Scope<'r>,
}

impl Compiler<'_> {
    fn telling(&self) -> Result<Telling, RuleError> {
        let requires = self.rule.requires.iter().map(|it| {
            Ok(Failing {
                message: self.template(&it.message)?,
                at: self.place(it.at.as_ref())?,
                related: self.place(it.related.as_ref())?,
                edits: self.edits(&it.edits)?,
            })
        });
        let equivalents = self.rule.equivalents.iter();
        let hold = equivalents.clone().all(|it| it.when.is_none());
        Ok(Telling {
            peers: hold.then(|| equivalents.clone().map(|it| it.id.clone()).collect()),
            at: self.place(self.rule.at.as_ref())?,
            requires: requires.collect::<Result<_, RuleError>>()?,
            edits: self.edits(&self.rule.edits)?,
            equivalents: equivalents
                .map(|it| self.maybe_condition(it.when.as_ref()))
                .collect::<Result<_, _>>()?,
        })
    }

    fn expression(
        &self,
        written: &Written,
        wants: fn(&Type) -> Result<(), &'static str>,
    ) -> Result<Expr, RuleError> {
        let fault = |fault: Fault| error(self.rule, written, fault);
        let syntax = parse(&written.text).map_err(fault)?;
        let (expr, kind) = check(&syntax, &self.scope).map_err(fault)?;
        wants(&kind).map_err(|message| {
            let message = message.to_owned();
            fault(Fault { range: syntax.range.clone(), message, help: None })
        })?;
        Ok(expr)
    }

    fn condition(&self, written: &Written) -> Result<Expr, RuleError> {
        self.expression(written, |kind| match kind {
            Type::Any | Type::Bool => Ok(()),
            _ => Err("this must be true or false"),
        })
    }

    fn maybe_condition(&self, written: Option<&Written>) -> Result<Option<Expr>, RuleError> {
        written.map(|it| self.condition(it)).transpose()
    }

    /// An expression that gives a node; fields of records are nodes too, whatever they hold.
    fn place(&self, written: Option<&Written>) -> Result<Option<Expr>, RuleError> {
        written.map(|it| self.expression(it, |_| Ok(()))).transpose()
    }

    fn template(&self, written: &Written) -> Result<Template, RuleError> {
        Template::parse(&written.text, &self.scope)
            .map_err(|fault| error(self.rule, written, fault))
    }

    fn edits(&self, edits: &[Edit]) -> Result<Vec<Program>, RuleError> {
        let program = |it: &Edit| {
            Ok(Program {
                when: self.maybe_condition(it.when.as_ref())?,
                at: self.place(it.at.as_ref())?,
                action: self.action(&it.action)?,
            })
        };
        edits.iter().map(program).collect()
    }

    fn action(&self, action: &Action) -> Result<Step, RuleError> {
        Ok(match action {
            Action::Replace(text) => Step::Replace(self.template(text)?),
            Action::Before(text) => Step::Before(self.template(text)?),
            Action::After(text) => Step::After(self.template(text)?),
            Action::Remove => Step::Remove,
            Action::Set(it) => Step::Set {
                under: it.under.clone(),
                key: self.template(&it.key)?,
                value: self.data(it)?,
            },
        })
    }

    /// The templates in the value of an entry; an error in one is shown at the whole value.
    fn data(&self, entry: &Entry) -> Result<Data, RuleError> {
        Data::of(&entry.value, &|text| Template::parse(text, &self.scope)).map_err(|fault| {
            let (path, text) = (&self.rule.path, &self.rule.text);
            RuleError::at(path, text, entry.place.clone(), fault.message, "here", fault.help)
        })
    }
}

fn error(rule: &Rule, written: &Written, fault: Fault) -> RuleError {
    let range = locate(&rule.text, &written.range, &fault.range);
    RuleError::at(&rule.path, &rule.text, range, fault.message, "here", fault.help)
}

/// Where in the file a range of a string's value is written: `range` is in the value, `string` is
/// where the string is, with its quotes.
fn locate(text: &str, string: &Range<usize>, range: &Range<usize>) -> Range<usize> {
    let written = text.get(string.clone()).unwrap_or("");
    let start = string.start + offset(written, range.start);
    let end = string.start + offset(written, range.end);
    // At the end of the text the caret stands on the quote.
    start.min(text.len())..end.max(start).min(text.len())
}

/// The byte of a written TOML string at which a byte of its value is.
fn offset(written: &str, wanted: usize) -> usize {
    let quote = if written.starts_with('"') { "\"" } else { "'" };
    let long = written.len() >= 6 && written.starts_with(&quote.repeat(3));
    let mut at = if long { 3 } else { 1 };
    if long {
        at += match &written[at..] {
            it if it.starts_with("\r\n") => 2,
            it if it.starts_with('\n') => 1,
            _ => 0,
        };
    }
    let mut value = 0;
    while value < wanted {
        let Some(letter) = written.get(at..).and_then(|it| it.chars().next()) else { break };
        let (taken, gives) = if letter == '\\' && quote == "\"" {
            escape(&written[at..])
        } else {
            (letter.len_utf8(), letter.len_utf8())
        };
        at += taken;
        value += gives;
    }
    // Line breaks that an escape swallows belong to what comes before.
    while quote == "\"" && escape(written.get(at..).unwrap_or("")).1 == 0 {
        at += escape(&written[at..]).0;
    }
    at
}

/// How many bytes an escape takes, and how many it gives.
fn escape(written: &str) -> (usize, usize) {
    if !written.starts_with('\\') {
        return (1, 1);
    }
    let code = |len: usize| {
        let digits = written.get(2..2 + len).unwrap_or("");
        let letter = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        (2 + len, letter.map_or(1, char::len_utf8))
    };
    match written[1..].chars().next() {
        Some('x') => code(2),
        Some('u') => code(4),
        Some('U') => code(8),
        Some(it) if it.is_whitespace() => {
            (written.len() - written[1..].trim_start_matches([' ', '\t', '\n', '\r']).len(), 0)
        }
        Some(it) => (1 + it.len_utf8(), it.len_utf8()),
        None => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(written: &str, wanted: usize) -> &str {
        &written[offset(written, wanted)..]
    }

    #[test]
    fn places_are_found_in_every_kind_of_string() {
        assert_eq!(place("'abc'", 1), "bc'");
        assert_eq!(place("\"a\\\"bc\"", 2), "bc\"");
        assert_eq!(place("'''\nabc'''", 1), "bc'''");
        assert_eq!(place("\"\"\"\r\nabc\"\"\"", 1), "bc\"\"\"");
        assert_eq!(place("\"\"\"a \\\n   bc\"\"\"", 2), "bc\"\"\"");
        assert_eq!(place("\"\\u00e4bc\"", 2), "bc\"");
        assert_eq!(place("'a\\bc'", 2), "bc'");
        assert_eq!(place("''", 0), "'");
    }
}
