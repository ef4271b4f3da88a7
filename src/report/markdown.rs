//! The report as Markdown: the comment on a pull request, and the summary of a job.
//!
//! The comment says whether the change may go in, what to mend first, what blocks, and what the
//! change does to the policy; the summary holds every finding. Both keep within the size that
//! GitHub takes, and say what they leave out.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use super::{
    PolicyChange, Report, annotations, checklist,
    escape::{Code, Markdown, UriPath, shortened},
    terminal::counted,
};
use crate::{
    assess::{Score, Status},
    document::Problem,
    finding::Finding,
    gate::Verdict,
    patch::Added,
};

/// GitHub takes 65,536 characters in a comment; bytes are never fewer, and the marker needs some.
const COMMENT: usize = 64_500;

/// GitHub takes 1 MiB in the summary of a step.
const SUMMARY: usize = 1_000_000;

/// The most characters of one text from the repository.
const TEXT: usize = 300;

/// The most findings in a comment: more, nobody reads.
const ROWS: usize = 30;

/// What a Markdown text knows beside the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame<'a> {
    /// The address below which the files lie, `https://github.com/acme/api/blob/0123abc`, so that
    /// places become links.
    pub files: Option<&'a str>,
    /// The address of the run, where the summary is.
    pub run: Option<&'a str>,
    /// The lines that the change adds, if a change is reviewed.
    pub changed: Option<&'a Added>,
    /// What the change does to the policy.
    pub policy: Option<&'a PolicyChange>,
}

/// The text of the comment on a pull request.
pub fn comment(report: &Report, frame: Frame<'_>) -> String {
    let mut page = Page::new(COMMENT, frame);
    page.head(report);
    let tail = checklist_part(report) + &page.whole();
    page.budget -= tail.len();
    page.policy(report);
    let blocking = page.blocking(report);
    page.rows(&few(&blocking), Page::finding);
    page.by_rule(&blocking);
    page.remedies(report, &blocking);
    page.out.push_str(&tail);
    page.out
}

/// As many findings as anybody reads: some of each rule rather than all of one, in their order.
fn few<'f>(findings: &[&'f Finding]) -> Vec<&'f Finding> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, usize)> = Vec::new();
    for (at, it) in findings.iter().enumerate() {
        let count = seen.entry(&it.rule).or_default();
        *count += 1;
        ranked.push((*count, at));
    }
    ranked.sort_unstable();
    ranked.truncate(ROWS);
    ranked.sort_unstable_by_key(|it| it.1);
    ranked.into_iter().map(|it| findings[it.1]).collect()
}

/// The comment where nothing is left to say.
pub fn resolved(frame: Frame<'_>) -> String {
    let run = frame.run.map_or(String::new(), |it| format!(" ([run]({it}))"));
    format!("✅ Ready: what blocked before is resolved{run}.\n")
}

/// The text of the summary of a job, and the findings for which there was no room.
pub fn summary<'r>(report: &'r Report, frame: Frame<'_>) -> (String, Vec<&'r Finding>) {
    let mut page = Page::new(SUMMARY, frame);
    page.head(report);
    let tail = checklist_part(report);
    page.budget -= tail.len();
    page.policy(report);
    let blocking = page.blocking(report);
    let shown = page.rows(&blocking, Page::finding);
    let mut left = blocking[shown..].to_vec();
    page.remedies(report, &blocking);
    let open = |new| {
        let beside = report.findings.iter().filter(|it| it.waived.is_none());
        beside.filter(move |it| it.new == new && !report.blocks(it)).collect::<Vec<_>>()
    };
    let waived: Vec<_> = report.findings.iter().filter(|it| it.waived.is_some()).collect();
    left.extend(page.section("more without blocking", open(true), Page::finding));
    left.extend(page.section("older than this change", open(false), Page::finding));
    left.extend(page.section("waived", waived, Page::waived));
    let problems: Vec<_> = report.problems.iter().collect();
    page.folded("not judged", &problems, Page::problem);
    page.out.push_str(&tail);
    (page.out, left)
}

struct Page<'a> {
    out: String,
    budget: usize,
    frame: Frame<'a>,
}

impl<'a> Page<'a> {
    fn new(budget: usize, frame: Frame<'a>) -> Self {
        Self { out: String::new(), budget, frame }
    }

    /// The verdict, and what to mend first.
    fn head(&mut self, report: &Report) {
        let heading = match report.verdict {
            Verdict::Ready => "✅ Ready: nothing blocks".to_owned(),
            Verdict::NotReady => {
                let verb = if report.blocking == 1 { "blocks" } else { "block" };
                format!("❌ Not ready: {} {verb}", counted(report.blocking, "finding"))
            }
            Verdict::Nothing => "⚪ Nothing to judge".to_owned(),
        };
        let _ = writeln!(self.out, "### {heading}\n");
        if let Some(first) = self.blocking(report).first() {
            let place = self.place(&first.place.path, first.place.start.line);
            let message = Markdown(shortened(&first.message, TEXT));
            let _ = write!(self.out, "**Mend first:** {place}: {message}");
            let help = report.rules.get(&first.rule);
            let fix = help.map_or(String::new(), |it| shortened(&it.fix, TEXT));
            let _ = writeln!(self.out, "{}\n", quoted(&fix));
        }
        let beside = self.beside(report);
        if !beside.is_empty() {
            let _ = writeln!(self.out, "{beside}.\n");
        }
    }

    /// What does not block, in numbers.
    fn beside(&self, report: &Report) -> String {
        let open = || report.findings.iter().filter(|it| it.waived.is_none());
        let count = |new| open().filter(|it| it.new == new && !report.blocks(it)).count();
        let parts = [
            (count(true), "more without blocking"),
            (count(false), "older than this change"),
            (report.findings.len() - open().count(), "waived"),
            (report.problems.len(), "not judged"),
        ];
        let parts = parts.into_iter().filter(|(n, _)| *n > 0);
        parts.map(|(n, what)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")
    }

    /// What blocks, what to mend first at the top.
    fn blocking<'r>(&self, report: &'r Report) -> Vec<&'r Finding> {
        let mut all = annotations::order(report, self.frame.changed);
        all.retain(|it| report.blocks(it));
        all
    }

    /// What the change does to the policy, and what it waives.
    fn policy(&mut self, report: &Report) {
        let Some(policy) = self.frame.policy else { return };
        let brought = |it: &&Finding| it.new && it.waived.is_some();
        let waived: Vec<_> = report.findings.iter().filter(brought).collect();
        if policy.files.is_empty() && waived.is_empty() {
            return;
        }
        self.out.push_str("#### ⚠️ This change edits what it is judged by\n\n");
        if !policy.files.is_empty() {
            let _ = writeln!(self.out, "Judged by the policy of the base; {}.\n", policy.then());
        }
        for (path, what) in policy.files.iter().take(ROWS) {
            let _ = writeln!(self.out, "- {what} {}", Code(shortened(path, TEXT)));
        }
        if policy.files.len() > ROWS {
            let _ = writeln!(self.out, "- … and {} more files", policy.files.len() - ROWS);
        }
        for it in waived.iter().take(ROWS) {
            let place = self.place(&it.place.path, it.place.start.line);
            let reason = it.waived.as_ref().map_or("", |it| it.reason.as_str());
            let reason = Markdown(shortened(reason, TEXT));
            let _ = writeln!(self.out, "- waived {} in {place}: {reason}", Code(&it.rule));
        }
        if waived.len() > ROWS {
            let _ = writeln!(self.out, "- … and {} more waived", waived.len() - ROWS);
        }
        self.out.push('\n');
    }

    /// A table of as many rows as fit; how many those are.
    fn rows<T: Copy>(&mut self, rows: &[T], row: fn(&Self, T) -> String) -> usize {
        /// What a table that is not complete says below it.
        const NOTE: usize = 100;
        if rows.is_empty() {
            return 0;
        }
        self.out.push_str("| where | what | rule |\n| --- | --- | --- |\n");
        let mut shown = 0;
        for it in rows {
            let text = row(self, *it);
            if self.out.len() + text.len() + NOTE > self.budget {
                break;
            }
            self.out.push_str(&text);
            shown += 1;
        }
        if shown < rows.len() {
            let all = rows.len();
            let _ =
                writeln!(self.out, "\n{shown} of {all} shown; the log of the job has the rest.");
        }
        self.out.push('\n');
        shown
    }

    /// A folded table; the rows that it has no room for.
    fn section<T: Copy>(
        &mut self,
        title: &str,
        mut rows: Vec<T>,
        row: fn(&Self, T) -> String,
    ) -> Vec<T> {
        let shown = self.folded(title, &rows, row);
        rows.split_off(shown)
    }

    fn folded<T: Copy>(&mut self, title: &str, rows: &[T], row: fn(&Self, T) -> String) -> usize {
        if rows.is_empty() || self.out.len() + 1000 > self.budget {
            return 0;
        }
        let _ = writeln!(self.out, "<details><summary>{} {title}</summary>\n", rows.len());
        let shown = self.rows(rows, row);
        self.out.push_str("</details>\n\n");
        shown
    }

    /// Where there are more findings than anybody reads: how many of which rule.
    fn by_rule(&mut self, findings: &[&Finding]) {
        if findings.len() <= ROWS {
            return;
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for it in findings {
            *counts.entry(&it.rule).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|it| std::cmp::Reverse(it.1));
        let (all, most) = (findings.len(), counts.iter().take(ROWS));
        let text: Vec<_> = most.map(|(rule, n)| format!("{} {n}", Code(rule))).collect();
        let _ = writeln!(self.out, "{ROWS} of {all} shown. By rule: {}.\n", text.join(", "));
    }

    /// What to do about each rule, folded.
    fn remedies(&mut self, report: &Report, findings: &[&Finding]) {
        let mut rules: Vec<&Arc<str>> = Vec::new();
        for it in findings {
            if !rules.contains(&&it.rule) {
                rules.push(&it.rule);
            }
        }
        let help = rules.into_iter().filter_map(|it| Some((it, report.rules.get(it)?)));
        let lines: Vec<_> = help
            .take(ROWS)
            .map(|(rule, help)| {
                let (title, fix) = (shortened(&help.title, TEXT), shortened(&help.fix, 2 * TEXT));
                format!("- {}: {}. {}\n", Code(rule), Markdown(title), Markdown(fix))
            })
            .collect();
        let text = format!(
            "<details><summary>How to mend {}</summary>\n\n{}\n</details>\n\n",
            if lines.len() == 1 { "it" } else { "them" },
            lines.concat()
        );
        if !lines.is_empty() && self.out.len() + text.len() <= self.budget {
            self.out.push_str(&text);
        }
    }

    /// Where to find the rest.
    fn whole(&self) -> String {
        let run = |it| format!("\n[Every finding, in the summary of the run]({it})\n");
        self.frame.run.map_or(String::new(), run)
    }

    fn finding(&self, finding: &Finding) -> String {
        let place = self.place(&finding.place.path, finding.place.start.line);
        let message = shortened(&finding.message, TEXT);
        format!("| {place} | {} | {} |\n", Markdown(message), Code(&finding.rule))
    }

    fn waived(&self, finding: &Finding) -> String {
        let place = self.place(&finding.place.path, finding.place.start.line);
        let waiver = finding.waived.as_ref();
        let by = waiver.map_or("", |it| it.by.as_str());
        let reason = shortened(waiver.map_or("", |it| it.reason.as_str()), TEXT);
        let message = shortened(&finding.message, TEXT);
        let answer = Markdown(format!("{message} — {by}: {reason}"));
        format!("| {place} | {answer} | {} |\n", Code(&finding.rule))
    }

    fn problem(&self, problem: &Problem) -> String {
        let place = self.place(&problem.path, problem.start.line);
        format!("| {place} | {} | |\n", Markdown(shortened(&problem.reason, TEXT)))
    }

    fn place(&self, path: &str, line: u32) -> String {
        let code = Code(shortened(&format!("{path}:{line}"), TEXT));
        match self.frame.files {
            Some(base) => format!("[{code}]({base}/{}#L{line})", UriPath(path)),
            None => code.to_string(),
        }
    }
}

/// The remedy as a line of its own, set off.
fn quoted(fix: &str) -> String {
    if fix.is_empty() { String::new() } else { format!("\n> {}", Markdown(fix)) }
}

/// The checklist by section, folded.
fn checklist_part(report: &Report) -> String {
    if report.checklist.is_empty() {
        return String::new();
    }
    let Score { applicable, verified, attested, open, not_applicable, .. } = report.score;
    let mut out = format!(
        "<details><summary>Checklist: {verified} verified, {attested} attested, {open} open of \
         {applicable}; {not_applicable} do not apply</summary>\n\n\
         | section | verified | attested | open | violated |\n| --- | --: | --: | --: | --: |\n"
    );
    let lines: Vec<_> = checklist::lines(report).collect();
    for section in lines.chunk_by(|a, b| a.0.section == b.0.section) {
        let score = Score::of(section.iter().map(|it| it.1));
        let violated = section.iter().filter(|it| it.1.status == Status::Violated).count();
        let Score { verified, attested, open, .. } = score;
        let name = &section[0].0.section;
        let _ = writeln!(out, "| {name} | {verified} | {attested} | {open} | {violated} |");
    }
    out.push_str("\n</details>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_comment_says_the_verdict_what_to_mend_first_and_what_blocks() {
        let expected = "\
### ❌ Not ready: 1 finding blocks

**Mend first:** `api/Dockerfile:4`: the last USER is `root`
> Create a user and switch to it: `USER 10001`.

1 more without blocking, 1 waived, 1 not judged.

| where | what | rule |
| --- | --- | --- |
| `api/Dockerfile:4` | the last USER is `root` | `dockerfile/root-user` |

<details><summary>How to mend it</summary>

- `dockerfile/root-user`: The image runs as root. Create a user and switch to it: `USER 10001`.

</details>

<details><summary>Checklist: 1 verified, 0 attested, 1 open of 2; 1 do not apply</summary>

| section | verified | attested | open | violated |
| --- | --: | --: | --: | --: |
| Infrastructure | 1 | 0 | 1 | 1 |
| Documentation | 0 | 0 | 0 | 0 |

</details>
";
        assert_eq!(comment(&sample::report(), Frame::default()), expected);
    }

    #[test]
    fn one_rule_does_not_fill_the_comment() {
        let mut report = sample::report();
        let one = report.findings[0].clone();
        let mut last = one.clone();
        last.rule = "dockerfile/other".into();
        report.findings = vec![one; 100];
        report.findings.push(last);
        report.blocking = report.findings.len();
        let text = comment(&report, Frame::default());
        assert_eq!(text.matches("| `dockerfile/root-user` |").count(), ROWS - 1, "{text}");
        assert_eq!(text.matches("| `dockerfile/other` |").count(), 1, "{text}");
    }

    #[test]
    fn the_summary_holds_every_finding_and_problem() {
        let files = Some("https://github.com/acme/api/blob/0123abc");
        let report = sample::report();
        let (text, left) = summary(&report, Frame { files, ..Frame::default() });
        assert_eq!(left.len(), 0);
        for part in [
            "[`api/Dockerfile:4`](https://github.com/acme/api/blob/0123abc/api/Dockerfile#L4)",
            "<summary>1 more without blocking</summary>",
            "| container `api` has no memory limit |",
            "<summary>1 waived</summary>",
            "| there is no target `lint` — @&#8203;bob: generated |",
            "<summary>1 not judged</summary>",
            "render it first",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    fn many(n: usize, message: &str) -> Report {
        let mut report = sample::report();
        let mut one = report.findings[0].clone();
        one.message = message.into();
        report.findings = vec![one; n];
        report.blocking = n;
        report
    }

    #[test]
    fn a_comment_on_many_findings_stays_readable_and_says_so() {
        let text = comment(&many(2000, &"ü|".repeat(400)), Frame::default());
        assert!(text.len() <= COMMENT, "{}", text.len());
        let expected = "30 of 2000 shown. By rule: `dockerfile/root-user` 2000.";
        assert!(text.contains(expected), "{}", &text[..500]);
        assert!(text.ends_with("</details>\n"));
    }

    #[test]
    fn a_summary_that_is_full_names_what_it_left_out() {
        let report = many(6000, &"x".repeat(250));
        let (text, left) = summary(&report, Frame::default());
        assert!(text.len() <= SUMMARY, "{}", text.len());
        let rows = text.matches("| `api/Dockerfile:4` |").count();
        assert_eq!(rows + left.len(), 6000);
        assert!(text.contains(&format!("{rows} of 6000 shown; the log of the job has the rest.")));
    }

    #[test]
    fn the_policy_change_has_a_section_of_its_own() {
        let mut report = sample::report();
        let policy = PolicyChange {
            files: vec![(".seaworthy/config.toml".into(), "changed")],
            blocking: Some(0),
        };
        let frame = Frame { policy: Some(&policy), ..Frame::default() };
        let text = comment(&report, frame);
        for part in [
            "#### ⚠️ This change edits what it is judged by\n",
            "Judged by the policy of the base; by that of this change nothing would block.",
            "- changed `.seaworthy/config.toml`\n",
            "- waived `makefile/target-missing` in `Makefile:2`: generated\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        report.findings.retain(|it| it.waived.is_none());
        let policy = PolicyChange::default();
        let text = comment(&report, Frame { policy: Some(&policy), ..Frame::default() });
        assert!(!text.contains("judged by"), "{text}");
    }

    #[test]
    fn a_hostile_message_stays_in_its_cell() {
        let mut report = sample::report();
        report.findings[0].message = "`a\n| @all <img src=x> -->".into();
        report.findings[0].place.path = "a`|b".into();
        let text = comment(&report, Frame::default());
        let row = text.lines().find(|it| it.starts_with("| ``")).unwrap();
        assert_eq!(
            row,
            "| ``a`\\|b:4`` | a \\| @&#8203;all &lt;img src=x&gt; --&gt; | `dockerfile/root-user` |"
        );
    }
}
