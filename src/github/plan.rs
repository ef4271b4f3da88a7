//! What to tell where: a pure function from the report to operations.
//!
//! Every finding reaches at least one surface. The summary of the job has room for thousands; what
//! does not fit goes to the log. Annotations and the comment show the worst, and say so.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    comment::{self, Wanted},
    event::Context,
    suggest::{self, Suggestion},
};
use crate::{
    cli::{Annotations, Comment},
    finding::{Finding, Severity},
    patch::Added,
    report::{
        self, Format, PolicyChange, Report, Style, annotations,
        escape::{Plain, shortened},
        markdown::{self, Frame},
    },
};

/// How many annotations GitHub takes in one request.
pub const OF_ONE_REQUEST: usize = 50;

/// How many annotations we add to a check run at most: a second a request.
const OF_CHECK_RUN: usize = 1000;

/// GitHub takes 64 KiB in a message and 255 characters in a title.
const MESSAGE: usize = 4000;
const TITLE: usize = 250;

/// What this run is allowed and asked to do.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Whether there is a token.
    pub token: bool,
    /// The check run of this very job, where the server tells it.
    pub check_run: Option<u64>,
    /// Where annotations go.
    pub annotations: Annotations,
    /// When to comment.
    pub comment: Comment,
    /// Tells the comments of several runs on one pull request apart.
    pub key: String,
    /// Whether fixes become review suggestions.
    pub suggestions: bool,
    /// Whether the job has a summary, and it is wanted.
    pub summary: bool,
}

/// What is known of the change under review.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// The lines that it adds.
    pub added: Option<&'a Added>,
    /// The texts of files that fixes are for.
    pub texts: Option<&'a BTreeMap<String, String>>,
    /// What it does to the policy.
    pub policy: Option<&'a PolicyChange>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Text for people, in the log. No command in it counts.
    Log(String),
    /// Lines that the runner shall take for commands.
    Commands(String),
    /// The summary of the job; what to log if it cannot be written.
    Summary {
        /// Markdown.
        text: String,
        /// Every finding, a line each.
        otherwise: String,
    },
    /// Annotations of the job's own check run.
    Annotate {
        /// The check run.
        check_run: u64,
        /// What each request says of the whole.
        title: String,
        /// Annotations, as many in a chunk as a request may have.
        chunks: Vec<Vec<Value>>,
        /// Commands to use if the server refuses.
        otherwise: String,
    },
    /// The comment on the pull request of this number.
    Comment(u64, Box<Wanted>),
    /// Suggestions on the pull request of this number.
    Review(u64, Vec<Suggestion>),
}

/// What to tell where, in order.
pub fn plan(
    report: &Report,
    context: &Context,
    capabilities: &Capabilities,
    change: Change<'_>,
) -> Vec<Operation> {
    let (files, run) = (context.blobs(), context.run_page());
    let frame = Frame {
        files: Some(&files),
        run: Some(&run),
        changed: change.added,
        policy: change.policy,
    };
    let mut operations = log_and_summary(report, capabilities, frame);
    operations.extend(annotate(report, capabilities, change));
    operations.extend(on_pull_request(report, context, capabilities, change, frame));
    operations
}

fn log_and_summary(
    report: &Report,
    capabilities: &Capabilities,
    frame: Frame<'_>,
) -> Vec<Operation> {
    let mut text = report::render(report, Format::Terminal, &Style::default());
    let all: Vec<_> = report.findings.iter().collect();
    if !capabilities.summary {
        text.push_str(&lines(&all));
        return vec![Operation::Log(text)];
    }
    let (summary, left) = markdown::summary(report, frame);
    text.push_str(&lines(&left));
    vec![Operation::Log(text), Operation::Summary { text: summary, otherwise: lines(&all) }]
}

/// A line for each finding.
fn lines(findings: &[&Finding]) -> String {
    let line = |it: &&Finding| {
        let (place, severity) = (&it.place, it.severity.name());
        let waived = if it.waived.is_some() { " (waived)" } else { "" };
        let message = Plain(&it.message);
        let (path, line, rule) = (Plain(&place.path), place.start.line, &it.rule);
        format!("{path}:{line}: {severity}: {message} [{rule}]{waived}\n")
    };
    findings.iter().map(line).collect()
}

/// The annotations: what the change brought and nobody answered for.
fn annotate(report: &Report, capabilities: &Capabilities, change: Change<'_>) -> Vec<Operation> {
    let mut worst = annotations::order(report, change.added);
    worst.retain(|it| it.new);
    let check_run = capabilities.check_run.filter(|_| capabilities.token);
    let commands = annotations::commands(report, &worst);
    let on_check = |check_run, findings: &[&Finding], otherwise| {
        let wire: Vec<_> = findings.iter().take(OF_CHECK_RUN).map(|it| wire(it, report)).collect();
        let chunks = wire.chunks(OF_ONE_REQUEST).map(<[_]>::to_vec).collect();
        Operation::Annotate { check_run, title: title(report), chunks, otherwise }
    };
    match (capabilities.annotations, check_run) {
        (Annotations::Off, _) => Vec::new(),
        _ if worst.is_empty() => Vec::new(),
        (Annotations::Check, Some(id)) => vec![on_check(id, &worst, commands.text)],
        (Annotations::Auto, Some(id)) if !commands.rest.is_empty() => {
            let rest = on_check(id, &commands.rest, String::new());
            vec![Operation::Commands(commands.text), rest]
        }
        _ => vec![Operation::Commands(commands.text)],
    }
}

fn title(report: &Report) -> String {
    format!("{}: {} blocking", report.verdict.name(), report.blocking)
}

/// A finding as the API takes an annotation.
fn wire(finding: &Finding, report: &Report) -> Value {
    let (start, end) = (finding.place.start, finding.place.end);
    let mut annotation = json!({
        "path": &*finding.place.path,
        "start_line": start.line.max(1),
        "end_line": end.line.max(start.line).max(1),
        "annotation_level": match finding.severity {
            Severity::Error => "failure",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        },
        "title": shortened(&annotations::title(finding, report), TITLE),
        "message": shortened(&annotations::message(finding, report), MESSAGE),
    });
    if start.line == end.line && end.column > start.column {
        annotation["start_column"] = start.column.into();
        annotation["end_column"] = end.column.into();
    }
    annotation
}

/// The comment and the suggestions, where a pull request is reviewed.
fn on_pull_request(
    report: &Report,
    context: &Context,
    capabilities: &Capabilities,
    change: Change<'_>,
    frame: Frame<'_>,
) -> Vec<Operation> {
    let Some(request) = context.pull_request().filter(|_| capabilities.token) else {
        return Vec::new();
    };
    let mut operations = Vec::new();
    if capabilities.comment != Comment::Off {
        let wanted = wanted(report, context, capabilities, frame);
        operations.push(Operation::Comment(request.number, Box::new(wanted)));
    }
    let suggestions = suggest::suggestions(report, change);
    if capabilities.suggestions && !suggestions.is_empty() {
        operations.push(Operation::Review(request.number, suggestions));
    }
    operations
}

/// What the comment shall say.
pub fn wanted(
    report: &Report,
    context: &Context,
    capabilities: &Capabilities,
    frame: Frame<'_>,
) -> Wanted {
    let edits = frame.policy.is_some_and(|it| !it.files.is_empty());
    // What the change brought, what it waives, and what it does to the policy is worth a word.
    let clean = !edits && !report.findings.iter().any(|it| it.new) && report.blocking == 0;
    let resolved = clean && capabilities.comment == Comment::OnFindings;
    let text = |frame| match resolved {
        true => markdown::resolved(frame),
        false => markdown::comment(report, frame),
    };
    Wanted {
        key: comment::key(&capabilities.key),
        head: context.sha.clone(),
        run: context.run,
        short: format!(
            "### {}\n\n[Every finding, in the summary of the run]({})\n",
            title(report),
            context.run_page()
        ),
        gist: comment::gist(&text(Frame { files: None, run: None, ..frame })),
        body: text(frame),
        clean: resolved,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        finding::Waiver,
        github::event::{Event, PullRequest, Run},
        report::sample,
    };

    /// Numbers without a clock: the same each time.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) % sides
        }
    }

    fn context(dice: &mut Dice) -> Context {
        let sha = "0123456789abcdef0123456789abcdef01234567".to_owned();
        let (head, base) = (sha.clone(), sha.clone());
        let event = match dice.roll(4) {
            0 => Event::MergeGroup { base },
            1 => Event::Push { before: None },
            2 => Event::Other("schedule".into()),
            _ => {
                let fork = dice.roll(2) == 0;
                Event::PullRequest(PullRequest { number: 12, head, base, fork, target: false })
            }
        };
        Context {
            event,
            repository: "acme/api".into(),
            api: "https://api.github.com".into(),
            server: "https://github.com".into(),
            sha,
            run: Run { id: 7, attempt: 1 },
        }
    }

    fn capabilities(dice: &mut Dice) -> Capabilities {
        use Annotations::{Auto, Check, Commands, Off};
        Capabilities {
            token: dice.roll(3) > 0,
            check_run: (dice.roll(2) == 0).then_some(77),
            annotations: [Auto, Commands, Check, Off][dice.roll(4) as usize],
            comment: [Comment::OnFindings, Comment::Always, Comment::Off][dice.roll(3) as usize],
            key: String::new(),
            suggestions: dice.roll(2) == 0,
            summary: dice.roll(4) > 0,
        }
    }

    /// A report of which each finding says its number.
    fn report(dice: &mut Dice, most: u64) -> Report {
        let mut report = sample::report();
        let one = report.findings[0].clone();
        let long = dice.roll(3) * 200;
        report.findings = (0..dice.roll(most))
            .map(|number| {
                let mut it = one.clone();
                it.message = format!("no{number}on {}", "`|@".repeat(dice.roll(long + 1) as usize));
                it.place =
                    sample::place(&format!("f{}", dice.roll(9)), 1 + dice.roll(99) as u32, 1, 2);
                it.severity =
                    [Severity::Info, Severity::Warning, Severity::Error][dice.roll(3) as usize];
                it.new = dice.roll(3) > 0;
                let waiver =
                    || Waiver { by: "seaworthy".into(), reason: "x".into(), expires: None };
                it.waived = (dice.roll(5) == 0).then(|| waiver().into());
                it
            })
            .collect();
        report.blocking = report.findings.iter().filter(|it| report.blocks(it)).count();
        report
    }

    fn added() -> Added {
        [("f1".to_owned(), vec![1, 2, 3]), ("f2".to_owned(), (1..100).collect())].into()
    }

    /// The texts that are told whatever the server says, if the summary can be written or not.
    fn told(operations: &[Operation], has_summary: bool) -> String {
        let text = |it: &Operation| match it {
            Operation::Log(text) => text.clone(),
            Operation::Summary { text, .. } if has_summary => text.clone(),
            Operation::Summary { otherwise, .. } => otherwise.clone(),
            _ => String::new(),
        };
        operations.iter().map(text).collect()
    }

    #[test]
    fn every_finding_reaches_a_surface_whatever_fails() {
        let mut dice = Dice(3);
        for round in 0..20 {
            let most = if round == 0 { 6000 } else { 150 };
            let report = report(&mut dice, most);
            let (context, capabilities) = (context(&mut dice), capabilities(&mut dice));
            let added = added();
            let change = Change { added: Some(&added), ..Change::default() };
            let operations = plan(&report, &context, &capabilities, change);
            for has_summary in [true, false] {
                let told = told(&operations, has_summary);
                let numbers = told.split("no").filter_map(|it| it.split_once("on")?.0.parse().ok());
                let numbers: BTreeSet<usize> = numbers.collect();
                let lost = (0..report.findings.len()).find(|it| !numbers.contains(it));
                assert_eq!(lost, None, "round {round}");
            }
        }
    }

    #[test]
    fn budgets_hold_whatever_is_found() {
        let mut dice = Dice(4);
        for _ in 0..12 {
            let report = report(&mut dice, 700);
            let (context, capabilities) = (context(&mut dice), capabilities(&mut dice));
            for operation in plan(&report, &context, &capabilities, Change::default()) {
                match operation {
                    Operation::Log(_) => {}
                    Operation::Commands(text) => {
                        for level in ["::error ", "::warning ", "::notice "] {
                            assert!(text.lines().filter(|it| it.starts_with(level)).count() <= 10);
                        }
                    }
                    Operation::Summary { text, .. } => assert!(text.len() <= 1 << 20),
                    Operation::Annotate { chunks, .. } => {
                        assert!(chunks.iter().all(|it| !it.is_empty() && it.len() <= 50));
                    }
                    Operation::Comment(_, wanted) => {
                        let text = wanted.with_marker(&wanted.body);
                        assert!(text.chars().count() <= 65_000);
                        assert!(context.pull_request().is_some() && capabilities.token);
                    }
                    Operation::Review(_, suggestions) => assert!(suggestions.len() <= 30),
                }
            }
        }
    }

    #[test]
    fn the_worst_and_what_is_in_the_change_come_first() {
        let mut report = sample::report();
        let one = report.findings[0].clone();
        let at = |path: &str, line, severity| {
            let mut it = one.clone();
            (it.place, it.severity) = (sample::place(path, line, 1, 2), severity);
            it
        };
        report.findings = vec![
            at("f1", 50, Severity::Error),
            at("f1", 2, Severity::Warning),
            at("f1", 3, Severity::Error),
        ];
        let lines: Vec<_> = annotations::order(&report, Some(&added()))
            .iter()
            .map(|it| it.place.start.line)
            .collect();
        assert_eq!(lines, [3, 50, 2]);
    }
}
