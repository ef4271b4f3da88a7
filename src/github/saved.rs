//! What one job saves and another posts: the report of a run that may not write, read as if an
//! enemy had written it, because one may have.
//!
//! Only findings, problems and numbers are taken from it, and only if all of it is as our schema
//! says. Titles and remedies come from our own rules, and which pull request it is about from
//! GitHub.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    assess::Score,
    document::{Problem, Trouble},
    finding::{Finding, Place, Severity, Waiver},
    gate::Verdict,
    report::{self, Inputs, PolicyChange, Report, RuleHelp, escape::shortened},
    rule::RuleSet,
    source::Position,
};

/// The most bytes that are read.
pub const LARGEST: u64 = 32 << 20;

/// The most characters of one text, and the most findings.
const TEXT: usize = 2000;
const FINDINGS: usize = 50_000;

const SCHEMA: &str = include_str!("../../rules/report.schema.json");

/// The text to save.
pub fn write(report: &Report, policy: Option<&PolicyChange>) -> String {
    let inner: Value = serde_json::from_str(&report::json::render(report)).unwrap_or_default();
    let policy = policy.map(|it| json!({"files": it.files, "blocking": it.blocking}));
    let numbered = report.findings.iter().enumerate();
    let blocks: Vec<_> = numbered.filter(|it| report.blocks(it.1)).map(|it| it.0).collect();
    let saved = json!({
        "saved": 1,
        "blocks": blocks,
        "policy": policy,
        "report": inner,
    });
    format!("{saved}\n")
}

/// What a saved text says.
///
/// # Errors
/// When it is not one of ours.
pub fn read(text: &str) -> Result<(Report, Option<PolicyChange>), String> {
    let saved: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let odd = |what: &str| format!("this is no saved report: {what}");
    if saved["saved"] != 1 {
        return Err(odd("`saved` is not 1"));
    }
    let schema: Value = serde_json::from_str(SCHEMA).map_err(|error| error.to_string())?;
    let schema = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
    if let Err(error) = schema.validate(&saved["report"]) {
        return Err(odd(&format!(
            "at {}: {}",
            error.instance_path(),
            shortened(&error.to_string(), 200)
        )));
    }
    let blocks = saved["blocks"].as_array().ok_or_else(|| odd("`blocks` is no list"))?;
    let blocks: BTreeSet<_> = blocks.iter().filter_map(Value::as_u64).collect();
    let policy = match &saved["policy"] {
        Value::Null => None,
        it => Some(policy(it).ok_or_else(|| odd("`policy` is malformed"))?),
    };
    Ok((report(&saved["report"], &blocks).ok_or_else(|| odd("a value is too large"))?, policy))
}

/// The report in `wire`, of which the findings with the numbers `blocks` block.
fn report(wire: &Value, blocks: &BTreeSet<u64>) -> Option<Report> {
    let mut findings: Vec<_> =
        wire["findings"].as_array()?.iter().take(FINDINGS).map(finding).collect::<Option<_>>()?;
    for (number, finding) in (0..).zip(&mut findings) {
        finding.blocks_from = Some(blocks.contains(&number).then_some(Severity::Info));
    }
    let problems: Option<_> =
        wire["problems"].as_array()?.iter().take(FINDINGS).map(problem).collect();
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: match wire["verdict"].as_str()? {
            "ready" => Verdict::Ready,
            "not-ready" => Verdict::NotReady,
            _ => Verdict::Nothing,
        },
        rules: help(&findings),
        findings,
        problems: problems?,
        // The numbers are told; which item is met is for the page of the run.
        checklist: Vec::new(),
        score: Score::default(),
        inputs: Inputs::default(),
        coverage: None,
        fail_on: None,
        blocking: 0,
    };
    report.blocking = report.findings.iter().filter(|it| report.blocks(it)).count();
    Some(report)
}

/// What our own rules say of themselves; those of the repository are not believed.
fn help(findings: &[Finding]) -> BTreeMap<Arc<str>, RuleHelp> {
    let rules = RuleSet::builtin().unwrap_or_default();
    let known = findings.iter().filter_map(|it| rules.get(&it.rule));
    known
        .map(|rule| {
            let help = RuleHelp {
                title: rule.title.clone(),
                why: rule.why.clone(),
                fix: rule.fix.clone(),
                refs: rule.refs.clone(),
                severity: Some(rule.severity),
            };
            (rule.id.clone(), help)
        })
        .collect()
}

fn text(wire: &Value) -> Option<String> {
    Some(shortened(wire.as_str()?, TEXT))
}

fn position(wire: &Value) -> Option<Position> {
    let number = |it: &Value| u32::try_from(it.as_u64()?).ok();
    Some(Position { line: number(&wire["line"])?, column: number(&wire["column"])? })
}

fn severity(wire: &Value) -> Option<Severity> {
    let all = [Severity::Info, Severity::Warning, Severity::Error];
    all.into_iter().find(|it| wire == it.name())
}

fn finding(wire: &Value) -> Option<Finding> {
    let waiver = &wire["waived"];
    let waived = match waiver {
        Value::Null => None,
        _ => Some(Box::new(Waiver {
            by: text(&waiver["by"])?,
            reason: text(&waiver["reason"])?,
            expires: None,
        })),
    };
    Some(Finding {
        place: Place {
            path: text(&wire["path"])?.into(),
            start: position(&wire["start"])?,
            end: position(&wire["end"])?,
        },
        rule: text(&wire["rule"])?.into(),
        severity: severity(&wire["severity"])?,
        message: text(&wire["message"])?,
        equivalents: Arc::default(),
        items: [].into(),
        object: None,
        related: Vec::new(),
        excerpt: "".into(),
        fingerprint: text(&wire["fingerprint"])?,
        new: wire["new"].as_bool()?,
        waived,
        blocks_from: None,
        fix: None,
        rendered: None,
    })
}

fn problem(wire: &Value) -> Option<Problem> {
    Some(Problem {
        path: text(&wire["path"])?,
        start: position(&wire["start"])?,
        kind: Trouble::NotEvaluated,
        reason: text(&wire["reason"])?,
    })
}

fn policy(wire: &Value) -> Option<PolicyChange> {
    let mut change = PolicyChange::default();
    for file in wire["files"].as_array()?.iter().take(FINDINGS) {
        let what = ["added", "removed", "changed"].into_iter().find(|it| file[1] == *it)?;
        change.files.push((text(&file[0])?, what));
    }
    change.blocking = match &wire["blocking"] {
        Value::Null => None,
        it => Some(usize::try_from(it.as_u64()?).ok()?),
    };
    Some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_is_saved_is_read_again() {
        let (report, change) = (
            sample::report(),
            PolicyChange { files: vec![("readiness.toml".into(), "changed")], blocking: Some(2) },
        );
        let (read, policy) = read(&write(&report, Some(&change))).unwrap();
        assert_eq!(policy, Some(change));
        assert_eq!((read.blocking, read.verdict), (1, Verdict::NotReady));
        let told = |report: &Report| -> Vec<_> {
            let line = |it: &Finding| (it.place.clone(), it.message.clone(), it.waived.is_some());
            report.findings.iter().map(line).collect()
        };
        assert_eq!(told(&read), told(&report));
        assert!(read.rules["dockerfile/root-user"].fix.contains("USER"));
    }

    #[test]
    fn titles_and_remedies_are_never_taken_from_it() {
        let mut report = sample::report();
        report.findings[0].rule = "own/rule".into();
        let (read, _) = read(&write(&report, None)).unwrap();
        assert!(!read.rules.contains_key("own/rule"));
    }

    #[test]
    fn what_is_not_as_the_schema_says_is_refused() {
        let good: Value = serde_json::from_str(&write(&sample::report(), None)).unwrap();
        type Spoil = fn(&mut Value);
        let spoils: [Spoil; 7] = [
            |it| it["saved"] = 2.into(),
            |it| it["blocks"] = "all".into(),
            |it| it["report"]["verdict"] = "fine".into(),
            |it| it["report"]["findings"][0]["severity"] = "bad".into(),
            |it| it["report"]["findings"][0]["start"]["line"] = (1_u64 << 40).into(),
            |it| it["report"]["extra"] = true.into(),
            |it| it["policy"] = json!({"files": [["x", "<b>"]], "blocking": 0}),
        ];
        for (at, spoil) in spoils.iter().enumerate() {
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(read(&bad.to_string()).is_err(), "{at}");
        }
        assert!(read("[]").is_err() && read(&"[".repeat(100_000)).is_err());
    }
}
