//! Fixes as suggestions on a pull request: a click, and the change is in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plan::Change;
use crate::{
    finding::{Finding, Fix},
    report::{
        Report, annotations,
        escape::{Code, Markdown},
    },
    source::Source,
};

/// More suggestions than this are no help.
const MOST: usize = 30;

/// Longer suggestions are a rewrite.
const LINES: u32 = 50;

/// The text of the lines `first..=last` of a file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The file.
    pub path: String,
    /// The first line.
    pub first: u32,
    /// The last line.
    pub last: u32,
    /// Says which finding this is about, so that it is not suggested twice.
    pub marker: String,
    /// The comment, with the new lines.
    pub body: String,
}

impl Suggestion {
    /// As the API takes it.
    pub fn wire(&self) -> Value {
        let mut comment = json!({
            "path": self.path, "body": self.body, "line": self.last, "side": "RIGHT",
        });
        if self.first < self.last {
            comment["start_line"] = self.first.into();
            comment["start_side"] = "RIGHT".into();
        }
        comment
    }
}

/// The suggestions for what the change brought, on lines that it adds: GitHub takes no others.
pub fn suggestions(report: &Report, change: Change<'_>) -> Vec<Suggestion> {
    let Some(added) = change.added else { return Vec::new() };
    let mut taken: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
    let mut found = Vec::new();
    for finding in annotations::order(report, change.added).into_iter().filter(|it| it.new) {
        let Some(fix) = &finding.fix else { continue };
        let Some(text) = change.texts.and_then(|it| it.get(&**fix.path())) else { continue };
        let Some(it) = suggestion(finding, fix, text) else { continue };
        let in_change = |line| added.get(&it.path).is_some_and(|it| it.contains(&line));
        let others = taken.entry(it.path.clone()).or_default();
        let apart = others.iter().all(|&(first, last)| it.last < first || last < it.first);
        if apart && it.last - it.first < LINES && (it.first..=it.last).all(in_change) {
            others.push((it.first, it.last));
            found.push(it);
        }
    }
    found.truncate(MOST);
    found
}

fn suggestion(finding: &Finding, fix: &Fix, text: &str) -> Option<Suggestion> {
    let source = Source::new(&**fix.path(), text);
    let (start, end) = (fix.edits.first()?.span.start, fix.edits.last()?.span.end);
    let (first, last) = (source.position(start).line, source.position(end).line);
    let from = source.line_start(first) as usize;
    let mut lines = text.get(from..source.line_start(last + 1) as usize)?.to_owned();
    for edit in fix.edits.iter().rev() {
        let range = (edit.span.start as usize).checked_sub(from)?
            ..(edit.span.end as usize).checked_sub(from)?;
        lines.get(range.clone())?;
        lines.replace_range(range, &edit.text);
    }
    let lines = lines.strip_suffix('\n').unwrap_or(&lines);
    let marker = format!("<!-- seaworthy fix={} -->", finding.fingerprint);
    let longest = lines.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let (message, rule) = (Markdown(&finding.message), Code(&finding.rule));
    let body = format!("{marker}\n{message} ({rule})\n\n{fence}suggestion\n{lines}\n{fence}\n");
    Some(Suggestion { path: fix.path().to_string(), first, last, marker, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::Edit, patch::Added, report::sample, source::Span};

    const TEXT: &str = "FROM debian:13\nRUN id\nRUN ```\nUSER root\n";

    fn report(edits: &[(usize, usize, &str)]) -> Report {
        let mut report = sample::report();
        let edit = |&(start, end, text): &(usize, usize, &str)| Edit {
            place: sample::place("api/Dockerfile", 4, 6, 10),
            span: Span::new(start, end),
            text: text.to_owned(),
        };
        report.findings[0].fix = Fix::of(edits.iter().map(edit).collect());
        report
    }

    fn found(report: &Report, lines: &[u32]) -> Vec<Suggestion> {
        let added: Added = [("api/Dockerfile".to_owned(), lines.to_vec())].into();
        let texts = [("api/Dockerfile".to_owned(), TEXT.to_owned())].into();
        suggestions(report, Change { added: Some(&added), texts: Some(&texts), policy: None })
    }

    #[test]
    fn a_fix_becomes_the_new_lines() {
        let found = found(&report(&[(35, 39, "10001")]), &[4]);
        assert_eq!(found.len(), 1);
        assert!(found[0].body.ends_with("\n```suggestion\nUSER 10001\n```\n"), "{}", found[0].body);
        let wire = found[0].wire();
        assert_eq!((&wire["line"], &wire["side"]), (&4.into(), &"RIGHT".into()));
        assert_eq!(wire["start_line"], Value::Null);
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let report = report(&[(19, 21, "whoami"), (35, 39, "10001")]);
        let found = found(&report, &[1, 2, 3, 4]);
        let expected = "\n````suggestion\nRUN whoami\nRUN ```\nUSER 10001\n````\n";
        assert!(found[0].body.ends_with(expected), "{}", found[0].body);
        assert_eq!(found[0].wire()["start_line"], 2);
    }

    #[test]
    fn lines_outside_the_change_get_none() {
        let both = report(&[(19, 21, "whoami"), (35, 39, "10001")]);
        assert_eq!(found(&both, &[4]), []);
        assert_eq!(found(&report(&[(35, 39, "10001")]), &[]), []);
    }

    #[test]
    fn a_fix_for_another_text_is_left_out() {
        assert_eq!(found(&report(&[(35, 399, "10001")]), &[4]), []);
    }
}
