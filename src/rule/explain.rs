//! Rules for readers: one rule explained with its examples, all rules as a list.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Example, Rule, RuleError, RuleSet};

/// Everything that the file of a rule says, for people.
pub fn explain(rule: &Rule) -> Result<String, RuleError> {
    let mut text = format!("{}\n{}\n\n", rule.id, rule.title);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("  {name:<12}{value}\n");
        }
    };
    line("severity", rule.severity.name());
    line("profile", rule.profile.name());
    line("subject", &format!("{}: {}", rule.view.name, rule.view.means));
    line("power", rule.power.name());
    line("items", &rule.items.join(", "));
    line("peers", &peers(rule).join(", "));
    if rule.edits.len() + rule.requires.iter().map(|it| it.edits.len()).sum::<usize>() > 0 {
        line("fix", "`seaworthy check --fix` makes the change where it is certain");
    }
    text += &format!("\nWhy\n{}\nWhat to do\n{}", block(&rule.why), block(&rule.fix));
    if !rule.refs.is_empty() {
        text += &format!("\nRead more\n{}", block(&rule.refs.join("\n")));
    }
    for example in rule.examples()? {
        text += &shown(&example);
    }
    Ok(text)
}

/// The same, for programs.
pub fn explain_json(rule: &Rule) -> Result<Value, RuleError> {
    let mut all = summary(rule);
    let examples = rule.examples()?;
    let examples = examples.into_iter().map(
        |it| json!({ "name": it.name, "finds": it.finds, "files": it.files, "fixed": it.fixed }),
    );
    all["why"] = rule.why.trim().into();
    all["fix"] = rule.fix.trim().into();
    all["refs"] = rule.refs.clone().into();
    all["examples"] = examples.collect();
    Ok(all)
}

/// All rules, for people: one line each, under the kind they judge.
pub fn list(set: &RuleSet) -> String {
    let width = set.rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut kind = "";
    for rule in &set.rules {
        let folder = rule.id.split('/').next().unwrap_or_default();
        if folder != kind {
            let gap = if kind.is_empty() { "" } else { "\n" };
            text += &format!("{gap}{folder}\n");
            kind = folder;
        }
        let (severity, profile) = (rule.severity.name(), rule.profile.name());
        text += &format!("  {:<width$}  {severity:<7}  {profile:<7}  {}\n", rule.id, rule.title);
    }
    let _ = write!(text, "\n{} rules; `seaworthy explain RULE` says more\n", set.rules.len());
    text
}

/// All rules, for programs.
pub fn list_json(set: &RuleSet) -> Value {
    set.rules.iter().map(summary).collect()
}

fn summary(rule: &Rule) -> Value {
    json!({
        "id": &*rule.id,
        "title": rule.title,
        "severity": rule.severity.name(),
        "profile": rule.profile.name(),
        "kind": rule.view.kind.name(),
        "subject": rule.view.name,
        "power": rule.power.name(),
        "items": rule.items.iter().map(|it| &**it).collect::<Vec<_>>(),
        "equivalents": peers(rule),
    })
}

fn peers(rule: &Rule) -> Vec<&str> {
    rule.equivalents.iter().map(|it| &*it.id).collect()
}

fn shown(example: &Example) -> String {
    let mut text = format!("\nExample: {}\n", example.name);
    for (path, content) in &example.files {
        text += &numbered(path, content);
    }
    match example.finds.as_slice() {
        [] => text += "  finds nothing\n",
        finds => finds.iter().for_each(|it| text += &format!("  finds {it}\n")),
    }
    for (path, content) in &example.fixed {
        text += &numbered(&format!("{path}, fixed"), content);
    }
    text
}

/// A file with the numbers of its lines.
fn numbered(title: &str, content: &str) -> String {
    let mut text = format!("  {title}\n");
    for (number, line) in content.lines().enumerate() {
        text += format!("  {:>4} | {line}", number + 1).trim_end();
        text.push('\n');
    }
    text
}

fn block(text: &str) -> String {
    text.trim().lines().map(|line| format!("  {}\n", line.trim())).collect()
}
