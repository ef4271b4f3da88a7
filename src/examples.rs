//! The examples inside rule files, run: each is a small repository with what its rule finds there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use crate::{
    discover::{Content, Found},
    evaluate::{self, Change},
    fix,
    rule::{Example, Rule, RuleError, RuleSet},
};

/// The file of an example that is the change which led to it, as a unified diff.
const CHANGE: &str = "change.diff";

/// The folder of an example whose files are the state before the change.
const BEFORE: &str = "change.base/";

/// What came of running examples.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many rules there are.
    pub rules: usize,
    /// How many examples were run.
    pub examples: usize,
    /// The examples that do not show what they say.
    pub failures: Vec<Failure>,
    /// What the examples show of the lines of the checklist.
    pub shown: BTreeMap<String, Shown>,
}

/// What examples show of a line of the checklist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Some example gives evidence for it.
    pub proved: bool,
    /// Some example violates it.
    pub violated: bool,
}

/// An example that does not show what it says.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The example's name; empty where the rule lacks one that finds, or one that is silent.
    pub example: String,
    /// What is wrong.
    pub reason: String,
}

/// Runs the examples of all `rules`.
///
/// # Errors
/// When the examples of a rule file cannot be read.
pub fn run(rules: &RuleSet) -> Result<Outcome, RuleError> {
    let mut outcome = Outcome { rules: rules.rules.len(), ..Outcome::default() };
    for rule in &rules.rules {
        let examples = rule.examples()?;
        let lacks = |finds: bool| examples.iter().all(|it| it.finds.is_empty() == finds);
        let mut missing = |reason: &str| {
            let rule = rule.id.clone();
            outcome.failures.push(Failure { rule, example: String::new(), reason: reason.into() });
        };
        if lacks(true) && !rule.requires.is_empty() {
            missing("no example finds anything: add one with `finds`");
        }
        if lacks(false) {
            missing("no example is silent: add one with `finds = []`");
        }
        let edits = rule.edits.iter().chain(rule.requires.iter().flat_map(|it| &it.edits)).count();
        if edits > 0 && examples.iter().all(|it| it.fixed.is_empty()) {
            missing("no example shows what the edit makes of a file: add `fixed` to one");
        }
        let shows = |proves: bool| examples.iter().all(|it| it.proves.is_empty() == proves);
        if rule.proves.is_some() && shows(true) {
            missing("no example proves anything: add `proves = [\"path:line\"]` to one");
        }
        if rule.proves.is_some() && shows(false) {
            missing("no example proves nothing: add one without `proves`");
        }
        for example in examples {
            outcome.examples += 1;
            let judged = judge(rules, &example);
            outcome.note(rule, &judged);
            if let Some(reason) = disagreement(rule, rules, &example, &judged) {
                let (rule, example) = (rule.id.clone(), example.name);
                outcome.failures.push(Failure { rule, example, reason });
            }
        }
    }
    Ok(outcome)
}

/// How what the rule finds differs from what the example says, if it does.
fn disagreement(
    rule: &Rule,
    rules: &RuleSet,
    example: &Example,
    judged: &evaluate::Outcome,
) -> Option<String> {
    misfound(rule, example, judged).or_else(|| misfixed(rule, rules, example))
}

/// How what the rule's edits make of the files differs from what the example says, if it does.
fn misfixed(rule: &Rule, rules: &RuleSet, example: &Example) -> Option<String> {
    if example.fixed.is_empty() {
        return None;
    }
    let mended = fix::mend(&files(example), rules, &|it| it.rule == rule.id);
    let made = mended.files.iter().filter(|it| example.fixed.get(it.0) != Some(it.1));
    let mut wrong: Vec<_> = made.map(|(path, text)| format!("{path} becomes\n{text}")).collect();
    let unmade = example.fixed.keys().filter(|it| !mended.files.contains_key(*it));
    wrong.extend(unmade.map(|it| format!("{it} stays as it is")));
    if wrong.is_empty() {
        return None;
    }
    let refused = mended.refused.iter().map(|it| format!("not fixed: {}", it.reason));
    wrong.extend(refused);
    Some(format!("the fix is another:\n{}", wrong.join("\n")))
}

/// How what the rule finds and proves differs from what the example says, if it does.
fn misfound(rule: &Rule, example: &Example, outcome: &evaluate::Outcome) -> Option<String> {
    let said = findings(rule, outcome).into_iter();
    let said = said.map(|(path, line, message)| (path, format!("{line}: {message}")));
    let wrong = differ(&example.finds, said, ["does not find", "finds instead"]);
    if rule.proves.is_none() {
        return wrong;
    }
    let proved = outcome.evidence.iter().filter(|it| it.rule == rule.id);
    let proved: BTreeSet<_> =
        proved.map(|it| (it.place.path.to_string(), it.place.start.line.to_string())).collect();
    wrong.or_else(|| differ(&example.proves, proved, ["does not prove", "proves instead"]))
}

/// How `found`, each as its path and the rest, differs from what was wanted.
fn differ(
    wanted: &[String],
    found: impl IntoIterator<Item = (String, String)>,
    [lacks, has]: [&str; 2],
) -> Option<String> {
    let mut unmet = wanted.to_vec();
    let mut surplus = Vec::new();
    for (path, rest) in found {
        let whole = format!("{path}:{rest}");
        match unmet.iter().position(|it| *it == rest || *it == whole) {
            Some(at) => drop(unmet.remove(at)),
            None => surplus.push(whole),
        }
    }
    if unmet.is_empty() && surplus.is_empty() {
        return None;
    }
    let list = |title: &str, items: &[String]| match items {
        [] => String::new(),
        _ => format!("\n    {title}:\n      {}", items.join("\n      ")),
    };
    Some(list(lacks, &unmet) + &list(has, &surplus))
}

fn files(example: &Example) -> Vec<Found> {
    let found = |(path, text): (&String, &String)| Found {
        path: path.clone(),
        content: Content::Memory(text.clone().into_bytes()),
    };
    example.files.iter().map(found).collect()
}

/// What comes of the example's files.
fn judge(rules: &RuleSet, example: &Example) -> evaluate::Outcome {
    let (before, now): (Vec<_>, Vec<_>) =
        files(example).into_iter().partition(|it| it.path.starts_with(BEFORE));
    let before = (!before.is_empty()).then(|| {
        let rest = |it: Found| Found { path: it.path[BEFORE.len()..].to_owned(), ..it };
        evaluate::evaluate(before.into_iter().map(rest).collect(), &RuleSet::default()).base()
    });
    let diff = example.files.iter().find(|it| it.0.as_str() == CHANGE).map(|it| it.1.as_str());
    let change = Change { diff, base: before.as_ref(), ..Change::default() };
    evaluate::evaluate_change(now, rules, change)
}

/// What the rule finds: path, line, message.
fn findings(rule: &Rule, outcome: &evaluate::Outcome) -> Vec<(String, u32, String)> {
    let own = outcome.findings.iter().filter(|it| it.rule == rule.id);
    let problems = outcome.problems.iter().filter(|it| it.reason.starts_with(&*rule.id));
    own.map(|it| (it.place.path.to_string(), it.place.start.line, it.message.clone()))
        .chain(problems.map(|it| (it.path.clone(), it.start.line, it.reason.clone())))
        .collect()
}

impl Outcome {
    /// Notes what a rule shows of the checklist where one of its examples is judged.
    fn note(&mut self, rule: &Rule, judged: &evaluate::Outcome) {
        let proved = judged.evidence.iter().any(|it| it.rule == rule.id);
        let violated = judged.findings.iter().any(|it| it.rule == rule.id);
        for item in rule.items.iter() {
            let shown = self.shown.entry(item.to_string()).or_default();
            shown.proved |= proved;
            shown.violated |= violated;
        }
    }

    /// The outcome for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            let example = match failure.example.as_str() {
                "" => String::new(),
                name => format!(", \"{name}\""),
            };
            text += &format!("{}{example}: {}\n", failure.rule, failure.reason);
        }
        text + &format!(
            "{} rules, {} examples, {} wrong\n",
            self.rules,
            self.examples,
            self.failures.len()
        )
    }

    /// The outcome for programs.
    pub fn json(&self) -> String {
        let failures: Vec<_> = self
            .failures
            .iter()
            .map(|it| json!({"rule": &*it.rule, "example": it.example, "reason": it.reason}))
            .collect();
        let (rules, examples) = (self.rules, self.examples);
        json!({"rules": rules, "examples": examples, "failures": failures}).to_string() + "\n"
    }
}
