//! The report as workflow commands of GitHub Actions, which become annotations.

use std::{cmp::Reverse, fmt::Write as _};

use super::{
    Report,
    escape::{CommandData, CommandProperty, Plain, shortened},
};
use crate::{
    finding::{Finding, Severity},
    patch::Added,
};

/// How many annotations of a level GitHub shows for one step; it drops the others in silence.
pub const OF_ONE_LEVEL: usize = 10;

/// The runner cuts longer messages.
const MESSAGE: usize = 4000;

/// The levels, worst first.
const LEVELS: [(Severity, &str); 3] =
    [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "notice")];

/// One command for each of the worst findings of each level, and how many there are.
pub fn render(report: &Report) -> String {
    let mut out = commands(report, &order(report, None)).text;
    let _ = writeln!(out, "seaworthy: {}", report.verdict.name());
    if let Some(problem) = report.problems.first() {
        let (n, path, reason) = (report.problems.len(), &problem.path, &problem.reason);
        let _ = writeln!(out, "{n} not judged, first {}: {}", Plain(path), Plain(reason));
    }
    out
}

/// What nobody answered for, what to mend first at the top: what blocks, what the change brought,
/// the worse, and what lies on a line that the change adds.
pub fn order<'r>(report: &'r Report, changed: Option<&Added>) -> Vec<&'r Finding> {
    let mut open: Vec<_> = report.findings.iter().filter(|it| it.waived.is_none()).collect();
    open.sort_by_key(|it| {
        let touched = changed.is_some_and(|changed| is_on(it, changed));
        Reverse((report.blocks(it), it.new, it.severity, touched))
    });
    open
}

/// Whether a finding lies on one of the lines.
pub fn is_on(finding: &Finding, lines: &Added) -> bool {
    let place = finding.place.start.line..=finding.place.end.line;
    lines.get(&*finding.place.path).is_some_and(|it| it.iter().any(|line| place.contains(line)))
}

/// Findings as workflow commands, as far as GitHub shows them.
pub struct Commands<'r> {
    /// The commands, and how many of each level are shown.
    pub text: String,
    /// The findings for which there is no room, in their order.
    pub rest: Vec<&'r Finding>,
}

/// The first of `findings` of each level, each as a command.
pub fn commands<'r>(report: &Report, findings: &[&'r Finding]) -> Commands<'r> {
    let (mut text, mut rest) = (String::new(), Vec::new());
    for (severity, level) in LEVELS {
        let of_level: Vec<_> =
            findings.iter().copied().filter(|it| it.severity == severity).collect();
        let shown = of_level.len().min(OF_ONE_LEVEL);
        for finding in &of_level[..shown] {
            let _ = writeln!(text, "{}", command(level, finding, report));
        }
        if !of_level.is_empty() {
            let _ = writeln!(text, "{shown} of {} {level}s shown as annotations", of_level.len());
        }
        rest.extend(&of_level[shown..]);
    }
    Commands { text, rest }
}

/// The title of an annotation: the defect, and the rule.
pub fn title(finding: &Finding, report: &Report) -> String {
    match report.rules.get(&finding.rule) {
        Some(help) => format!("{} ({})", help.title, finding.rule),
        None => finding.rule.to_string(),
    }
}

/// The message of an annotation: what is wrong, and what to do.
pub fn message(finding: &Finding, report: &Report) -> String {
    let help = report.rules.get(&finding.rule);
    let fix = help.map_or(String::new(), |it| format!("\n{}", it.fix));
    shortened(&format!("{}{fix}", finding.message), MESSAGE)
}

fn command(level: &str, finding: &Finding, report: &Report) -> String {
    let place = &finding.place;
    let mut text = format!("::{level} file={}", CommandProperty(&place.path));
    let (start, end) = (place.start, place.end);
    let _ = write!(text, ",line={}", start.line.max(1));
    // Columns are dropped with more than one line, and lines with an end before their start.
    if end.line == start.line && end.column > start.column {
        let _ = write!(text, ",endLine={},col={},endColumn={}", end.line, start.column, end.column);
    } else if end.line > start.line {
        let _ = write!(text, ",endLine={}", end.line);
    }
    let (title, message) = (title(finding, report), message(finding, report));
    let _ = write!(text, ",title={}::{}", CommandProperty(title), CommandData(message));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_finding_becomes_a_command() {
        let expected = "\
::error file=api/Dockerfile,line=4,endLine=4,col=1,endColumn=10,title=The image runs as root \
(dockerfile/root-user)::the last USER is `root`%0ACreate a user and switch to it: `USER 10001`.
1 of 1 errors shown as annotations
::warning file=k8s/api.yaml,line=12,endLine=12,col=9,endColumn=18,title=A container may take all \
memory of its node (kubernetes/memory-limit-missing)::container `api` has no memory limit%0ACreate \
a user and switch to it: `USER 10001`.
1 of 1 warnings shown as annotations
seaworthy: not-ready
1 not judged, first chart/templates/api.yaml: a Helm template: render it first, for example with \
`helm template`
";
        assert_eq!(render(&sample::report()), expected);
    }

    #[test]
    fn new_findings_come_first_and_the_rest_is_counted() {
        let mut report = sample::report();
        let one = report.findings[0].clone();
        let at = |line| {
            let mut it = one.clone();
            it.new = line > 20;
            it.place = sample::place("Dockerfile", line, 1, 2);
            it
        };
        report.findings = (1..=25).map(at).collect();
        let text = render(&report);
        let lines: Vec<_> = text.lines().filter(|it| it.starts_with("::")).collect();
        assert_eq!(lines.len(), 10);
        assert!(lines[0].contains(",line=21,") && lines[5].contains(",line=1,"), "{text}");
        assert!(text.contains("10 of 25 errors shown as annotations"), "{text}");
    }

    /// What the runner would take for commands: a port of its two parsers.
    fn commands(text: &str) -> Vec<&str> {
        let is_command = |line: &&str| {
            (line.trim_start().starts_with("::") && line[2..].contains("::"))
                || line.contains("##[")
        };
        text.lines().filter(is_command).collect()
    }

    #[test]
    fn names_and_messages_of_a_hostile_repository_stay_text() {
        let mut report = sample::report();
        report.findings.truncate(1);
        let hostile = "x\n::set-output name=conclusion::success\r##[add-mask]y,title=z%0A::";
        report.findings[0].place.path = hostile.into();
        report.findings[0].message = hostile.into();
        report.problems[0].path = hostile.into();
        report.problems[0].reason = hostile.into();
        let text = render(&report);
        let found = commands(&text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].starts_with("::error file=x%0A%3A%3Aset-output name=conclusion%3A%3A"));
        for format in [crate::report::Format::Terminal, crate::report::Format::Markdown] {
            let text = crate::report::render(&report, format, &crate::report::Style::default());
            assert_eq!(commands(&text), [""; 0], "{text}");
        }
    }
}
