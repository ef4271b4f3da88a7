//! What a rule says about a subject.

use std::sync::Arc;

use super::{
    Rule,
    cel::{Expr, Machine, Wrong, at},
    compile::{Needs, Programs},
    edit::{Edit, Program},
    load::Written,
    sieve::Sieve,
};
use crate::{artifact::Subject, document::Node, finding::Fix, value::Value};

/// How many nodes a failure says it disagrees with.
const MAX_RELATED: usize = 8;

/// What must hold and does not.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What is wrong, with the value.
    pub message: String,
    /// Where.
    pub at: Node<'a>,
    /// What it disagrees with.
    pub related: Vec<Node<'a>>,
    /// What the peers that would say so too call it.
    pub equivalents: Vec<Arc<str>>,
    /// What to change, where the change is certain.
    pub fix: Option<Fix>,
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
    /// Whether the rule is about this subject at all: its `when` holds, or cannot be evaluated.
    pub applies: bool,
    /// What must hold and does not.
    pub failures: Vec<Failure<'a>>,
    /// What proves the rule's items: its `proves` holds here.
    pub proves: Option<Node<'a>>,
    /// What could not be evaluated: such a subject is neither good nor bad.
    pub troubles: Vec<Trouble<'a>>,
}

/// Judges subjects, one after the other; its memory is used again.
#[derive(Default)]
pub struct Judge<'a> {
    machine: Machine<'a>,
}

impl<'a> Judge<'a> {
    /// Turns to a subject.
    pub fn of<'c>(&'c mut self, subject: &'c Subject<'a>) -> Bench<'c, 'a> {
        self.machine.turn();
        Bench { machine: &mut self.machine, subject, read: None }
    }
}

/// A subject before the judge.
pub struct Bench<'c, 'a> {
    machine: &'c mut Machine<'a>,
    subject: &'c Subject<'a>,
    /// The text that the last sieve looked at.
    read: Option<(&'a Sieve, Read<'a>)>,
}

/// A text that a sieve looks at: nothing, where evaluation must say what there is.
type Read<'a> = Option<Option<&'a str>>;

impl<'a> Bench<'_, 'a> {
    /// Whether a look at one text settles what a rule of the subject's view says: that it applies,
    /// and finds and proves nothing, or that it does not apply.
    pub fn settled(&mut self, rule: &'a Rule) -> Option<bool> {
        let sieve = rule.programs().ok()?.sieve.as_ref()?;
        let text = self.read(sieve)?;
        sieve.settles(text).then_some(sieve.applies)
    }

    /// Judges the subject by a rule of its view.
    pub fn judge(&mut self, rule: &'a Rule) -> Judgement<'a> {
        match rule.programs() {
            Ok(programs) => {
                let mut judgement = Judgement::default();
                let (machine, subject) = (&mut *self.machine, self.subject);
                Case { machine, rule, programs, subject }.judge(&mut judgement);
                judgement
            }
            Err(error) => {
                let mut judgement = Judgement::default();
                let reason = format!("the rule is broken: {error}");
                judgement.troubles.push(Trouble { at: self.subject.at, reason });
                judgement
            }
        }
    }

    /// The text that a sieve looks at; most rules of a view look at the same.
    fn read(&mut self, sieve: &'a Sieve) -> Read<'a> {
        if let Some((last, read)) = self.read
            && last.path() == sieve.path()
        {
            return read;
        }
        let (slot, path) = sieve.path();
        let read = match at(&self.subject.values, slot, path) {
            Ok(Value::Null) => Some(None),
            Ok(Value::Str(text)) => Some(Some(text)),
            Ok(Value::Node(node)) if node.is_null() => Some(None),
            Ok(Value::Node(node)) => node.as_str().map(Some),
            _ => None,
        };
        self.read = Some((sieve, read));
        read
    }
}

/// A rule and a subject.
struct Case<'c, 'a> {
    machine: &'c mut Machine<'a>,
    rule: &'a Rule,
    programs: &'a Programs,
    subject: &'c Subject<'a>,
}

impl<'a> Case<'_, 'a> {
    fn judge(&mut self, judgement: &mut Judgement<'a>) {
        let rule = self.rule;
        match self.holds(self.programs.when.as_ref(), rule.when.as_ref()) {
            Ok(true) => judgement.applies = true,
            Ok(false) => return,
            Err(trouble) => {
                judgement.applies = true;
                judgement.troubles.push(trouble);
                return;
            }
        }
        if let Some(proves) = &self.programs.proves {
            match self.holds(Some(proves), rule.proves.as_ref()) {
                Ok(true) => judgement.proves = Some(self.place(None)),
                Ok(false) => {}
                Err(trouble) => judgement.troubles.push(trouble),
            }
        }
        for number in 0..self.programs.requires.len() {
            match self.failure(number) {
                Ok(failure) => judgement.failures.extend(failure),
                Err(trouble) => judgement.troubles.push(trouble),
            }
        }
    }

    fn failure(&mut self, number: usize) -> Result<Option<Failure<'a>>, Trouble<'a>> {
        let (needs, written) = (&self.programs.requires[number], &self.rule.requires[number]);
        if !self.holds(needs.when.as_ref(), written.when.as_ref())?
            || self.holds(Some(&needs.that), Some(&written.that))?
        {
            return Ok(None);
        }
        let at = self.place(Some(needs));
        let message = needs.message.fill(self.machine, &self.subject.values);
        let message = message.map_err(|wrong| self.trouble(wrong, Some(&written.message)))?;
        let related = self.related(needs);
        let equivalents = self.equivalents()?;
        let fix = match needs.edits.is_empty() {
            true => self.fix(&self.programs.edits, &self.rule.edits, at)?,
            false => self.fix(&needs.edits, &written.edits, at)?,
        };
        Ok(Some(Failure { message, at, related, equivalents, fix }))
    }

    /// What the edits that are meant here change; nothing unless every one of them can be made.
    fn fix(
        &mut self,
        programs: &'a [Program],
        written: &[Edit],
        found: Node<'a>,
    ) -> Result<Option<Fix>, Trouble<'a>> {
        let mut edits = Vec::new();
        for (program, written) in programs.iter().zip(written) {
            if !self.holds(program.when.as_ref(), written.when.as_ref())? {
                continue;
            }
            let node = match &program.at {
                None => Some(found),
                Some(at) => {
                    let value = self.machine.value(at, &self.subject.values);
                    let value = value.map_err(|it| self.trouble(it, written.at.as_ref()))?;
                    value.as_node().filter(|it| !it.is_null())
                }
            };
            let Some(node) = node else { return Ok(None) };
            let edit = program.action.apply(node, self.machine, &self.subject.values);
            let Some(edit) = edit.map_err(|it| self.trouble(it, None))? else { return Ok(None) };
            edits.push(edit);
        }
        Ok(Fix::of(edits))
    }

    /// Whether a condition holds; one that is not there does.
    fn holds(
        &mut self,
        expr: Option<&'a Expr>,
        written: Option<&Written>,
    ) -> Result<bool, Trouble<'a>> {
        let Some(expr) = expr else { return Ok(true) };
        self.machine.holds(expr, &self.subject.values).map_err(|wrong| self.trouble(wrong, written))
    }

    /// Where to point, right after a condition was evaluated: `at` of the requirement or the rule,
    /// what is to blame if it is in the subject's file, the subject.
    fn place(&mut self, needs: Option<&'a Needs>) -> Node<'a> {
        let subject = self.subject.at;
        let blame = self.machine.blame();
        let at = needs.and_then(|it| it.at.as_ref()).or(self.programs.at.as_ref());
        if let Some(at) = at
            && let Ok(value) = self.machine.value(at, &self.subject.values)
            && let Some(node) = value.as_node().or(self.machine.blame())
        {
            return node;
        }
        blame.filter(|it| std::ptr::eq(it.tree(), subject.tree())).unwrap_or(subject)
    }

    /// The nodes that a failure disagrees with.
    fn related(&mut self, needs: &'a Needs) -> Vec<Node<'a>> {
        let Some(related) = &needs.related else { return Vec::new() };
        let mut found = Vec::new();
        if let Ok(Value::List(all)) = self.machine.value(related, &self.subject.values) {
            for node in all.iter().filter_map(Value::as_node) {
                if found.len() < MAX_RELATED && !found.contains(&node) {
                    found.push(node);
                }
            }
        }
        found
    }

    fn equivalents(&mut self) -> Result<Vec<Arc<str>>, Trouble<'a>> {
        let mut holding = Vec::new();
        for (program, equivalent) in self.programs.equivalents.iter().zip(&self.rule.equivalents) {
            if self.holds(program.as_ref(), equivalent.when.as_ref())? {
                holding.push(equivalent.id.clone());
            }
        }
        Ok(holding)
    }

    fn trouble(&self, wrong: Wrong, written: Option<&Written>) -> Trouble<'a> {
        let part = written.zip(wrong.range());
        let part = part.and_then(|(it, (start, end))| it.text.get(start as usize..end as usize));
        let reason = match part {
            Some(part) => format!("{} in `{}`", wrong.text(), cut(part)),
            None => wrong.text().to_owned(),
        };
        let at = self.machine.blame().filter(|it| std::ptr::eq(it.tree(), self.subject.at.tree()));
        Trouble { at: at.unwrap_or(self.subject.at), reason }
    }
}

/// The start of a long expression.
fn cut(part: &str) -> String {
    match part.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &part[..end]),
        None => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artifact::{Select, parse},
        rule::RuleSet,
        source::Source,
    };

    #[test]
    fn a_sieve_says_what_the_whole_rule_says() {
        let rules = RuleSet::builtin().expect("built-in rules are read");
        let rules: Vec<_> = rules.rules.iter().collect();
        let sieved: Vec<_> = rules
            .iter()
            .filter_map(|rule| {
                let programs = rule.programs().expect("built-in rules compile");
                let Select::File(select) = rule.view.select else { return None };
                programs.sieve.as_ref()?;
                Some((*rule, select))
            })
            .collect();
        let examples = rules.iter().map(|it| it.examples().expect("examples are read"));
        let (mut settled, mut looked) = (0, 0);
        for (path, text) in examples.flatten().flat_map(|it| it.files) {
            let Some(artifact) = parse(Source::from_bytes(&*path, text.into_bytes())).artifact
            else {
                continue;
            };
            for (rule, select) in &sieved {
                if rule.view.kind != artifact.kind {
                    continue;
                }
                select(&artifact, &mut |subject| {
                    let mut judge = Judge::default();
                    let mut bench = judge.of(&subject);
                    looked += 1;
                    let Some(applies) = bench.settled(rule) else { return };
                    let sieved = Judgement { applies, ..Judgement::default() };
                    let whole = bench.judge(rule);
                    assert_eq!(format!("{sieved:?}"), format!("{whole:?}"), "{}: {path}", rule.id);
                    settled += 1;
                });
            }
        }
        assert!(settled > 1_000 && settled < looked, "{settled} of {looked}");
    }
}
