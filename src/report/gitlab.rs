//! The report as GitLab code quality.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Report;
use crate::finding::{Finding, Severity};

/// The findings that nobody answers for, as one list.
pub fn render(report: &Report) -> String {
    // GitLab keeps only the first of those with one fingerprint.
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let open = report.findings.iter().filter(|it| it.waived.is_none());
    let entries: Vec<_> = open
        .map(|finding| {
            let times = seen.entry(&finding.fingerprint).or_default();
            *times += 1;
            entry(finding, *times)
        })
        .collect();
    format!("{:#}\n", Value::from(entries))
}

fn entry(finding: &Finding, times: usize) -> Value {
    let severity = match finding.severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Info => "info",
    };
    let fingerprint = match times {
        1 => finding.fingerprint.clone(),
        n => format!("{}-{n}", finding.fingerprint),
    };
    let (start, end) = (finding.place.start.line.max(1), finding.place.end.line);
    json!({
        // `check_name` is not shown.
        "description": format!("{}: {}", finding.rule, finding.message),
        "check_name": &*finding.rule,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {
            "path": &*finding.place.path,
            "lines": {"begin": start, "end": end.max(start)},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn open_findings_are_listed_with_their_own_fingerprints() {
        let mut report = sample::report();
        report.findings.push(report.findings[0].clone());
        let list: Value = serde_json::from_str(&render(&report)).unwrap();
        assert_eq!(list.as_array().unwrap().len(), 3);
        let expected = json!({
            "description": "dockerfile/root-user: the last USER is `root`",
            "check_name": "dockerfile/root-user",
            "fingerprint": "dockerfile/root-user-api/Dockerfile-4",
            "severity": "critical",
            "location": {"path": "api/Dockerfile", "lines": {"begin": 4, "end": 4}},
        });
        assert_eq!(list[0], expected);
        assert_eq!(list[2]["fingerprint"], "dockerfile/root-user-api/Dockerfile-4-2");
    }
}
