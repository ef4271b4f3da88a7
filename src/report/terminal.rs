//! The report for people at a terminal: findings by file, the verdict last.

use std::{
    collections::HashMap,
    fmt::{self, Display, Write as _},
};

use super::{
    Report, Style,
    escape::{Plain, shortened},
};
use crate::{
    assess::{Score, Status},
    document::Problem,
    finding::{Finding, Severity},
    gate::Verdict,
};

/// How many findings are shown; the worst, if there are more.
const FINDINGS: usize = 100;

/// How many findings of one rule are shown in all.
const OF_ONE_CAUSE: usize = 20;

/// How many findings of one rule are shown in one file.
const OF_ONE_RULE: usize = 5;

/// How many causes of problems are shown.
const PROBLEMS: usize = 10;

/// The report as text for a terminal.
pub fn render(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let paint = Paint(style.color);
    findings(&mut out, report, style, paint);
    problems(&mut out, report, paint);
    summary(&mut out, report, style, paint);
    out
}

/// What counts, the worst first.
fn shown(report: &Report) -> Vec<&Finding> {
    let counts = |it: &&Finding| it.new && it.waived.is_none();
    let mut shown: Vec<_> = report.findings.iter().filter(counts).collect();
    shown.sort_by_key(|it| std::cmp::Reverse(it.severity));
    shown
}

fn findings(out: &mut String, report: &Report, style: &Style, paint: Paint) {
    let all = shown(report);
    let (mut shown, mut seen) = (Vec::new(), HashMap::new());
    for &it in &all {
        let (count, left): &mut (usize, usize) = seen.entry(&*it.rule).or_default();
        *count += 1;
        match *count <= OF_ONE_CAUSE && shown.len() < FINDINGS {
            true => shown.push(it),
            false => *left += 1,
        }
    }
    shown.sort_by(|a, b| (&a.place, &a.rule).cmp(&(&b.place, &b.rule)));
    for of_file in shown.chunk_by(|a, b| a.place.path == b.place.path) {
        let path = &of_file[0].place.path;
        // The runner of GitHub Actions takes a line that starts with `::` for a command.
        let dot = if path.trim_start().starts_with(':') { "./" } else { "" };
        let _ = writeln!(out, "{}", paint.bold(format_args!("{dot}{}", Plain(path))));
        for (at, it) in of_file.iter().enumerate() {
            let before = of_file[..at].iter().filter(|old| old.rule == it.rule).count();
            if before < OF_ONE_RULE {
                let repeated = of_file.get(at + 1).is_some_and(|next| next.place == it.place);
                finding(out, it, (!repeated).then_some(style), paint);
            } else if !of_file[at + 1..].iter().any(|later| later.rule == it.rule) {
                let (rule, more) = (&it.rule, before + 1 - OF_ONE_RULE);
                let _ = writeln!(out, "  … and {more} more of {rule} in this file");
            }
        }
        out.push('\n');
    }
    if all.len() > shown.len() {
        let (few, all) = (shown.len(), all.len());
        let left = seen.into_iter().map(|(rule, (_, left))| (rule, left));
        let mut left: Vec<_> = left.filter(|it| it.1 > 0).collect();
        left.sort_by_key(|&(rule, left)| (std::cmp::Reverse(left), rule));
        let left: Vec<_> = left.iter().map(|it| format!("{} of {}", it.1, it.0)).collect();
        let left = shortened(&left.join(", "), 200);
        let _ = writeln!(out, "{few} of {all} findings shown; --format json holds all");
        let _ = writeln!(out, "not shown: {left}\n");
    }
}

/// One finding; with a style also the line of the file, which is shown once for all findings at
/// the same place.
fn finding(out: &mut String, finding: &Finding, style: Option<&Style>, paint: Paint) {
    let start = finding.place.start;
    let place = format!("{}:{}", start.line, start.column);
    let severity = paint.severity(finding.severity);
    let rule = paint.dim(format_args!("[{}]", finding.rule));
    let _ = writeln!(out, "  {place:<7} {severity} {} {rule}", Plain(&finding.message));
    if let Some(style) = style {
        excerpt(out, finding, style, paint);
    }
    for related in &finding.related {
        let (place, message) = (&related.place, Plain(&related.message));
        let _ =
            writeln!(out, "          see {}:{} {message}", Plain(&place.path), place.start.line);
    }
}

/// The line of the file, with the place underlined; a window of it where it is long.
fn excerpt(out: &mut String, finding: &Finding, style: &Style, paint: Paint) {
    let (start, end) = (finding.place.start, finding.place.end);
    let letters: Vec<char> = finding.excerpt.chars().collect();
    let from = (start.column.max(1) - 1) as usize;
    if finding.excerpt.trim().is_empty() || from >= letters.len() {
        return;
    }
    let indent = letters.iter().take_while(|it| it.is_whitespace()).count();
    let to = match end.line == start.line && end.column > start.column {
        true => (end.column as usize - 1).min(letters.len()),
        false => letters.len(),
    };
    let room = style.width.saturating_sub(14).max(20);
    let left = match to.saturating_sub(indent) > room {
        true => from.saturating_sub(room / 4).max(indent),
        false => indent.min(from),
    };
    let right = letters.len().min(left + room);
    let line: String = letters[left..right].iter().collect();
    let more = if right < letters.len() { "…" } else { "" };
    let cut = if left > indent { "…" } else { "" };
    let bar = paint.dim("│");
    let _ = writeln!(out, "          {bar} {cut}{}{more}", Plain(&line));
    let blank = " ".repeat(from - left + cut.chars().count());
    let mark = "^".repeat(to.min(right).saturating_sub(from).max(1));
    let _ = writeln!(out, "          {bar} {blank}{}", paint.of(finding.severity, mark));
}

fn problems(out: &mut String, report: &Report, paint: Paint) {
    if report.problems.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint.bold("could not be judged"));
    let causes = causes(report);
    for of_one in causes.iter().take(PROBLEMS) {
        let (path, start) = (Plain(&of_one[0].path), of_one[0].start);
        let reason = shortened(&of_one[0].reason, 200);
        let _ = writeln!(out, "  {path}:{}:{} {}", start.line, start.column, Plain(&reason));
        if of_one.len() > 1 {
            let more = counted(of_one.len() - 1, "more place");
            let _ = writeln!(out, "  … and {more} for the same reason");
        }
    }
    let hidden: usize = causes.iter().skip(PROBLEMS).map(Vec::len).sum();
    if hidden > 0 {
        let _ = writeln!(out, "  … and {hidden} more; --format json holds all");
    }
    out.push('\n');
}

/// The problems by their cause, in the order of the first of each. What a reason quotes differs
/// from place to place.
fn causes(report: &Report) -> Vec<Vec<&Problem>> {
    let cause = |it: &Problem| it.reason.split('`').next().unwrap_or_default().to_owned();
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut causes: Vec<Vec<&Problem>> = Vec::new();
    for problem in &report.problems {
        let next = causes.len();
        let at = *at.entry(cause(problem)).or_insert(next);
        match causes.get_mut(at) {
            Some(of_one) => of_one.push(problem),
            None => causes.push(vec![problem]),
        }
    }
    causes
}

/// Five lines: the verdict, what counts, what was not judged, the checklist, what to do next.
fn summary(out: &mut String, report: &Report, style: &Style, paint: Paint) {
    let _ = writeln!(out, "{}", verdict(report, paint));
    if style.quiet {
        return;
    }
    let _ = writeln!(out, "  findings:   {}", tally(report));
    let _ = writeln!(out, "  not judged: {}", not_judged(report));
    let _ = writeln!(out, "  checklist:  {}", checklist(report.score));
    let _ = writeln!(out, "  next:       {}", next(report));
}

fn verdict(report: &Report, paint: Paint) -> String {
    let inputs = &report.inputs;
    let artifacts: usize = inputs.artifacts.values().sum();
    match report.verdict {
        Verdict::Ready => {
            let ready = paint.of_verdict(Verdict::Ready, "ready");
            format!("{ready}: nothing blocks in {}", counted(artifacts, "artifact"))
        }
        Verdict::NotReady => {
            let not_ready = paint.of_verdict(Verdict::NotReady, "not ready");
            let verb = if report.blocking == 1 { "blocks" } else { "block" };
            format!("{not_ready}: {} {verb}", counted(report.blocking, "finding"))
        }
        Verdict::Nothing => {
            let nothing = paint.of_verdict(Verdict::Nothing, "nothing to judge");
            let files = counted(inputs.files, "file");
            let why = match report.problems.is_empty() {
                true => "none of a kind that rules know",
                false => "none that could be judged",
            };
            format!("{nothing}: {files} read, {why}")
        }
    }
}

/// `1 file`, `2 files`.
pub fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn tally(report: &Report) -> String {
    let open = || report.findings.iter().filter(|it| it.waived.is_none());
    let of = |severity| open().filter(|it| it.new && it.severity == severity).count();
    let mut parts = vec![
        counted(of(Severity::Error), "error"),
        counted(of(Severity::Warning), "warning"),
        format!("{} for information", of(Severity::Info)),
    ];
    let waived = report.findings.len() - open().count();
    let old = open().filter(|it| !it.new).count();
    if waived > 0 {
        parts.push(format!("{waived} waived"));
    }
    if old > 0 {
        parts.push(format!("{old} not new"));
    }
    parts.join(", ")
}

fn not_judged(report: &Report) -> String {
    match report.problems.len() {
        0 => "nothing".to_owned(),
        n => format!("{}; they count as open, never as passed", counted(n, "place")),
    }
}

fn checklist(score: Score) -> String {
    let Score { verified, attested, open, applicable, not_applicable, not_evaluated } = score;
    let unknown = match not_evaluated {
        0 => String::new(),
        n => format!(" ({n} not evaluated)"),
    };
    format!(
        "{verified} verified, {attested} attested, {open} open{unknown} of {applicable}; \
         {not_applicable} do not apply"
    )
}

/// The one thing to do now.
fn next(report: &Report) -> String {
    let worst = report.findings.iter().find(|it| report.blocks(it));
    match (report.verdict, worst) {
        (Verdict::Nothing, _) if !report.problems.is_empty() => {
            "make what stands above readable: render templates, mend broken texts".to_owned()
        }
        (Verdict::Nothing, _) => {
            "name the folder of a service: `seaworthy check path/to/service`".to_owned()
        }
        (_, Some(finding)) => format!("`seaworthy explain {}`", finding.rule),
        _ => "`seaworthy checklist` shows what is still open".to_owned(),
    }
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: impl Display) -> String {
        match self.0 {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_string(),
        }
    }

    /// A heading.
    pub fn bold(self, text: impl Display) -> String {
        self.with("1", text)
    }

    /// What is read last.
    pub fn dim(self, text: impl Display) -> String {
        self.with("2", text)
    }

    /// The name of a severity, all of one width.
    fn severity(self, severity: Severity) -> String {
        self.of(severity, format_args!("{:<7}", severity.name()))
    }

    fn of(self, severity: Severity, text: impl Display) -> String {
        match severity {
            Severity::Error => self.with("31", text),
            Severity::Warning => self.with("33", text),
            Severity::Info => self.with("36", text),
        }
    }

    fn of_verdict(self, verdict: Verdict, text: impl Display) -> String {
        match verdict {
            Verdict::Ready => self.with("1;32", text),
            Verdict::NotReady => self.with("1;31", text),
            Verdict::Nothing => self.with("1;33", text),
        }
    }

    /// In the colour of a status.
    pub fn of_status(self, status: Status, text: impl Display) -> String {
        match status {
            Status::Violated | Status::AttestationExpired | Status::AttestationContradicted => {
                self.with("31", text)
            }
            Status::Waived | Status::NotEvaluated | Status::Missing => self.with("33", text),
            Status::Attested | Status::Verified => self.with("32", text),
            Status::NotDue | Status::NotApplicable => self.with("2", text),
        }
    }
}

impl fmt::Debug for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "colours" } else { "plain" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn findings_by_file_and_the_answer_last() {
        let expected = "\
api/Dockerfile
  4:1     error   the last USER is `root` [dockerfile/root-user]
          │ USER root
          │ ^^^^^^^^^

k8s/api.yaml
  12:9    warning container `api` has no memory limit [kubernetes/memory-limit-missing]
          │ name: api
          │ ^^^^^^^^^
          see k8s/limits.yaml:3 the LimitRange of another namespace

could not be judged
  chart/templates/api.yaml:3:5 a Helm template: render it first, for example with `helm template`

not ready: 1 finding blocks
  findings:   1 error, 1 warning, 0 for information, 1 waived
  not judged: 1 place; they count as open, never as passed
  checklist:  1 verified, 0 attested, 1 open of 2; 1 do not apply
  next:       `seaworthy explain dockerfile/root-user`
";
        assert_eq!(render(&sample::report(), &Style::default()), expected);
    }

    #[test]
    fn quiet_ends_with_the_verdict() {
        let style = Style { quiet: true, ..Style::default() };
        let text = render(&sample::report(), &style);
        assert!(
            text.contains("warning") && text.ends_with("\nnot ready: 1 finding blocks\n"),
            "{text}"
        );
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let mut report = sample::report();
        report.findings.truncate(1);
        let finding = &mut report.findings[0];
        finding.excerpt = format!("{}ROOT{}", "a".repeat(150), "b".repeat(100)).into();
        finding.place = sample::place("x", 1, 151, 155);
        let text = render(&report, &Style { width: 60, ..Style::default() });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[2], format!("          │ …{}ROOT{}…", "a".repeat(11), "b".repeat(31)));
        assert_eq!(lines[3], format!("          │ {}^^^^", " ".repeat(12)));
    }

    #[test]
    fn many_findings_of_one_rule_are_counted() {
        let mut report = sample::report();
        let one = report.findings[0].clone();
        report.findings = (1..=150)
            .map(|line| {
                let mut it = one.clone();
                it.place = sample::place("Dockerfile", line, 1, 10);
                it
            })
            .collect();
        let text = render(&report, &Style::default());
        assert!(text.contains("  … and 15 more of dockerfile/root-user in this file\n"), "{text}");
        assert!(text.contains("20 of 150 findings shown"), "{text}");
        assert!(text.contains("not shown: 130 of dockerfile/root-user\n"), "{text}");
    }

    #[test]
    fn problems_of_one_cause_are_told_once() {
        let mut report = sample::report();
        let mut other = report.problems[0].clone();
        other.reason = "is no TOML".to_owned();
        let twins = vec![report.problems[0].clone(); 30];
        report.problems.extend(twins);
        report.problems.push(other);
        let text = render(&report, &Style::default());
        assert!(text.contains("  … and 30 more places for the same reason\n"), "{text}");
        assert!(text.contains(" is no TOML\n") && text.contains("not judged: 32 places"), "{text}");
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        let plain = render(&sample::report(), &Style::default());
        let painted = render(&sample::report(), &Style { color: true, ..Style::default() });
        assert!(!plain.contains('\u{1b}') && painted.contains("\u{1b}[31merror  \u{1b}[0m"));
    }
}
