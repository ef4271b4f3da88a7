//! The report for people at a terminal: findings by file, the verdict last.

use std::fmt::Write as _;

use super::{Report, Style};
use crate::{finding::Severity, gate::Verdict};

/// The report as text for a terminal.
pub fn render(report: &Report, _style: &Style) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let (place, rule) = (&finding.place, &finding.rule);
        let (line, column) = (place.start.line, place.start.column);
        let (severity, message) = (finding.severity.name(), &finding.message);
        let _ = writeln!(out, "{}:{line}:{column}: {severity}: {message} [{rule}]", place.path);
    }
    for problem in &report.problems {
        let (path, line) = (&problem.path, problem.start.line);
        let _ = writeln!(out, "{path}:{line}: not judged: {}", problem.reason);
    }
    let warnings = report.findings.iter().filter(|it| it.severity == Severity::Warning).count();
    let verdict = match report.verdict {
        Verdict::Ready => "ready",
        Verdict::NotReady => "not ready",
        Verdict::Nothing => "nothing to judge",
    };
    let _ = writeln!(out, "{verdict}: {} block, {warnings} warn", report.blocking);
    out
}
