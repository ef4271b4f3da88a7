//! What a rule says about a subject.

use std::sync::Arc;

use super::{
    Rule, RuleError,
    cel::{Expr, Machine, Wrong},
    compile::{Failing, Programs, Telling},
    edit::{Edit, Program},
    load::Written,
    sieve::{Sift, Sifted},
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
    pub equivalents: Arc<[Arc<str>]>,
    /// What to change, where the change is certain.
    pub fix: Option<Box<Fix>>,
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

impl Judgement<'_> {
    /// Makes it that of a rule that does not apply.
    fn clear(&mut self) {
        (self.applies, self.proves) = (false, None);
        self.failures.clear();
        self.troubles.clear();
    }
}

/// Judges subjects, one after the other; its memory is used again.
#[derive(Default)]
pub struct Judge<'a> {
    machine: Machine<'a>,
    judgement: Judgement<'a>,
    sifted: Sifted,
    /// The rules of the view that were told to apply without being judged: once is enough.
    told: Vec<bool>,
}

impl<'a> Judge<'a> {
    /// Turns to the next view, or the next file.
    pub fn turn(&mut self, rules: usize) {
        self.told.clear();
        self.told.resize(rules, false);
    }

    /// Judges a subject by the rules of the view, and tells what each of them says by its number:
    /// nothing of those that do not apply. Of those that apply and find nothing in any case it tells
    /// once, if they may speak for an item.
    pub fn judge(
        &mut self,
        subject: &Subject<'a>,
        rules: &[&'a Rule],
        sift: &Sift,
        mut tell: impl FnMut(usize, &mut Judgement<'a>),
    ) {
        sift.look(subject, &self.told, &mut self.sifted);
        self.machine.turn();
        let mut bench = Bench { machine: &mut self.machine, subject };
        let judgement = &mut self.judgement;
        for &number in &self.sifted.open {
            bench.judge(rules[number], judgement);
            if judgement.applies {
                tell(number, judgement);
            }
        }
        for &number in &self.sifted.asking {
            bench.judge(rules[number], judgement);
            if judgement.applies {
                self.told[number] = judgement.troubles.is_empty();
                tell(number, judgement);
            }
        }
        for &number in &self.sifted.applying {
            self.told[number] = true;
            judgement.clear();
            judgement.applies = true;
            tell(number, judgement);
        }
    }
}

/// A subject before the judge.
struct Bench<'c, 'a> {
    machine: &'c mut Machine<'a>,
    subject: &'c Subject<'a>,
}

impl<'a> Bench<'_, 'a> {
    /// Judges the subject by a rule of its view.
    fn judge(&mut self, rule: &'a Rule, judgement: &mut Judgement<'a>) {
        judgement.clear();
        match rule.programs() {
            Ok(programs) => {
                let (machine, subject) = (&mut *self.machine, self.subject);
                Case { machine, rule, programs, subject }.judge(judgement);
            }
            Err(error) => {
                judgement.troubles.push(Trouble { at: self.subject.at, reason: broken(error) });
            }
        }
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
                Ok(true) => match self.telling() {
                    Ok(telling) => judgement.proves = Some(self.place(telling, None)),
                    Err(trouble) => judgement.troubles.push(trouble),
                },
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
        let telling = self.telling()?;
        let failing = &telling.requires[number];
        let at = self.place(telling, Some(failing));
        let message = failing.message.fill(self.machine, &self.subject.values);
        let message = message.map_err(|wrong| self.trouble(wrong, Some(&written.message)))?;
        let related = self.related(failing);
        let equivalents = self.equivalents(telling)?;
        let fix = match failing.edits.is_empty() {
            true => self.fix(&telling.edits, &self.rule.edits, at)?,
            false => self.fix(&failing.edits, &written.edits, at)?,
        };
        Ok(Some(Failure { message, at, related, equivalents, fix }))
    }

    /// What the rule tells of what it finds.
    fn telling(&self) -> Result<&'a Telling, Trouble<'a>> {
        let broken = |error| Trouble { at: self.subject.at, reason: broken(error) };
        self.programs.telling(self.rule).map_err(broken)
    }

    /// What the edits that are meant here change; nothing unless every one of them can be made.
    fn fix(
        &mut self,
        programs: &'a [Program],
        written: &[Edit],
        found: Node<'a>,
    ) -> Result<Option<Box<Fix>>, Trouble<'a>> {
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
    fn place(&mut self, telling: &'a Telling, failing: Option<&'a Failing>) -> Node<'a> {
        let subject = self.subject.at;
        let blame = self.machine.blame();
        let at = failing.and_then(|it| it.at.as_ref()).or(telling.at.as_ref());
        if let Some(at) = at
            && let Ok(value) = self.machine.value(at, &self.subject.values)
            && let Some(node) = value.as_node().or(self.machine.blame())
        {
            return node;
        }
        blame.filter(|it| std::ptr::eq(it.tree(), subject.tree())).unwrap_or(subject)
    }

    /// The nodes that a failure disagrees with.
    fn related(&mut self, failing: &'a Failing) -> Vec<Node<'a>> {
        let Some(related) = &failing.related else { return Vec::new() };
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

    fn equivalents(&mut self, telling: &'a Telling) -> Result<Arc<[Arc<str>]>, Trouble<'a>> {
        if let Some(all) = &telling.peers {
            return Ok(all.clone());
        }
        let mut holding = Vec::with_capacity(telling.equivalents.len());
        for (program, equivalent) in telling.equivalents.iter().zip(&self.rule.equivalents) {
            if self.holds(program.as_ref(), equivalent.when.as_ref())? {
                holding.push(equivalent.id.clone());
            }
        }
        Ok(holding.into())
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

fn broken(error: &RuleError) -> String {
    format!("the rule is broken: {error}")
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
    fn what_is_sifted_out_says_nothing() {
        let rules = RuleSet::builtin().expect("built-in rules are read");
        let rules: Vec<_> = rules.rules.iter().collect();
        let sifted: Vec<_> = rules
            .iter()
            .filter_map(|rule| {
                rule.programs().expect("built-in rules compile").sieve.as_ref()?;
                let Select::File(select) = rule.view.select else { return None };
                Some((*rule, Sift::of(&[*rule]), select))
            })
            .collect();
        let examples = rules.iter().map(|it| it.examples().expect("examples are read"));
        let (mut settled, mut looked) = (0, 0);
        for (path, text) in examples.flatten().flat_map(|it| it.files) {
            let Some(artifact) = parse(Source::from_bytes(&*path, text.into_bytes())).artifact
            else {
                continue;
            };
            for (rule, sift, select) in &sifted {
                if rule.view.kind != artifact.kind {
                    continue;
                }
                select(&artifact, &mut |subject| {
                    let mut judge = Judge::default();
                    sift.look(&subject, &[false], &mut judge.sifted);
                    looked += 1;
                    if judge.sifted.open.is_empty() {
                        settled += 1;
                        let mut bench = Bench { machine: &mut judge.machine, subject: &subject };
                        let mut whole = Judgement::default();
                        bench.judge(rule, &mut whole);
                        let silent = Judgement { applies: whole.applies, ..Judgement::default() };
                        assert_eq!(format!("{whole:?}"), format!("{silent:?}"), "{}", rule.id);
                        let tells = whole.applies && !rule.items.is_empty();
                        let Sifted { applying, asking, .. } = &judge.sifted;
                        let told = *applying == [0] || whole.applies && *asking == [0];
                        assert_eq!(tells, told, "{}: {path}", rule.id);
                    }
                });
            }
        }
        assert!(settled > 1_000 && settled < looked, "{settled} of {looked}");
    }
}
