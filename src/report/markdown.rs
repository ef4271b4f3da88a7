//! The report as Markdown: the comment on a pull request, and the summary of a job.
//!
//! The comment holds the verdict, what blocks, and the checklist; the summary also what does not
//! block. Both keep within the size that GitHub takes and say what they leave out.

use std::fmt::Write as _;

use super::{
    Report, checklist,
    escape::{Code, Markdown, UriPath, shortened},
    terminal::counted,
};
use crate::{
    assess::{Score, Status},
    document::Problem,
    finding::Finding,
    gate::Verdict,
};

/// GitHub takes 65,536 characters in a comment; bytes are never fewer.
const COMMENT: usize = 65_000;

/// GitHub takes 1 MiB in the summary of a step.
const SUMMARY: usize = 1_000_000;

/// The most characters of one text from the repository.
const TEXT: usize = 300;

/// How a Markdown text names places.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links<'a> {
    /// The address below which the files lie, `https://github.com/acme/api/blob/0123abc`, so that
    /// places become links.
    pub base: Option<&'a str>,
}

/// The text of the comment on a pull request.
pub fn comment(report: &Report, links: Links<'_>) -> String {
    let mut page = Page { out: String::new(), budget: COMMENT, links };
    page.verdict(report);
    let checklist = checklist_part(report);
    page.budget -= checklist.len();
    page.blocking(report);
    page.out.push_str(&checklist);
    page.out
}

/// The text of the summary of a job: every finding, as far as there is room.
pub fn summary(report: &Report, links: Links<'_>) -> String {
    let mut page = Page { out: String::new(), budget: SUMMARY, links };
    page.verdict(report);
    let checklist = checklist_part(report);
    page.budget -= checklist.len();
    page.blocking(report);
    let open = |it: &&Finding| it.waived.is_none() && !report.blocks(it);
    page.folded("not blocking", report.findings.iter().filter(open), Page::finding);
    page.folded("waived", report.findings.iter().filter(|it| it.waived.is_some()), Page::waived);
    page.folded("not judged", report.problems.iter(), Page::problem);
    page.out.push_str(&checklist);
    page.out
}

struct Page<'a> {
    out: String,
    budget: usize,
    links: Links<'a>,
}

impl Page<'_> {
    fn verdict(&mut self, report: &Report) {
        let open = || report.findings.iter().filter(|it| it.waived.is_none());
        let beside = open().filter(|it| !report.blocks(it)).count();
        let waived = report.findings.len() - open().count();
        let heading = match report.verdict {
            Verdict::Ready => "Ready: nothing blocks".to_owned(),
            Verdict::NotReady => {
                let verb = if report.blocking == 1 { "blocks" } else { "block" };
                format!("Not ready: {} {verb}", counted(report.blocking, "finding"))
            }
            Verdict::Nothing => "Nothing to judge".to_owned(),
        };
        let _ = writeln!(self.out, "### {heading}\n");
        let mut parts = Vec::new();
        for (n, what) in [
            (beside, "more without blocking"),
            (waived, "waived"),
            (report.problems.len(), "not judged"),
        ] {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        }
        if !parts.is_empty() {
            let _ = writeln!(self.out, "{}.\n", parts.join(", "));
        }
    }

    fn blocking(&mut self, report: &Report) {
        let blocking: Vec<_> = report.findings.iter().filter(|it| report.blocks(it)).collect();
        if !blocking.is_empty() {
            self.table(blocking.into_iter(), Self::finding);
        }
    }

    /// A table of as many rows as fit, and how many those are.
    fn table<T: Copy>(&mut self, rows: impl Iterator<Item = T>, row: fn(&Self, T) -> String) {
        const NOTE: usize = 100;
        self.out.push_str("| where | what | rule |\n| --- | --- | --- |\n");
        let (mut shown, mut all) = (0, 0);
        for it in rows {
            all += 1;
            // Once a row is left out, all later ones are: what is shown is the beginning.
            if shown + 1 == all {
                let text = row(self, it);
                if self.out.len() + text.len() + NOTE <= self.budget {
                    self.out.push_str(&text);
                    shown += 1;
                }
            }
        }
        if shown < all {
            let _ = writeln!(self.out, "\n{shown} of {all} shown; the JSON report holds all.");
        }
        self.out.push('\n');
    }

    fn folded<T: Copy>(
        &mut self,
        title: &str,
        rows: impl Iterator<Item = T>,
        row: fn(&Self, T) -> String,
    ) {
        let rows: Vec<T> = rows.collect();
        if rows.is_empty() || self.out.len() + 1000 > self.budget {
            return;
        }
        let _ = writeln!(self.out, "<details><summary>{} {title}</summary>\n", rows.len());
        self.table(rows.into_iter(), row);
        self.out.push_str("</details>\n\n");
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
        match self.links.base {
            Some(base) => format!("[{code}]({base}/{}#L{line})", UriPath(path)),
            None => code.to_string(),
        }
    }
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
    fn the_comment_says_the_verdict_what_blocks_and_the_checklist() {
        let expected = "\
### Not ready: 1 finding blocks

1 more without blocking, 1 waived, 1 not judged.

| where | what | rule |
| --- | --- | --- |
| `api/Dockerfile:4` | the last USER is `root` | `dockerfile/root-user` |

<details><summary>Checklist: 1 verified, 0 attested, 1 open of 2; 1 do not apply</summary>

| section | verified | attested | open | violated |
| --- | --: | --: | --: | --: |
| Infrastructure | 1 | 0 | 1 | 1 |
| Documentation | 0 | 0 | 0 | 0 |

</details>
";
        assert_eq!(comment(&sample::report(), Links::default()), expected);
    }

    #[test]
    fn the_summary_holds_every_finding_and_problem() {
        let links = Links { base: Some("https://github.com/acme/api/blob/0123abc") };
        let text = summary(&sample::report(), links);
        for part in [
            "[`api/Dockerfile:4`](https://github.com/acme/api/blob/0123abc/api/Dockerfile#L4)",
            "<summary>1 not blocking</summary>",
            "| container `api` has no memory limit |",
            "<summary>1 waived</summary>",
            "| there is no target `lint` — &#64;bob: generated |",
            "<summary>1 not judged</summary>",
            "render it first",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn the_comment_keeps_within_its_size_and_says_so() {
        let mut report = sample::report();
        let mut one = report.findings[0].clone();
        one.message = "ü|".repeat(400);
        report.findings = vec![one; 2000];
        report.blocking = 2000;
        let text = comment(&report, Links::default());
        assert!(text.len() <= COMMENT, "{}", text.len());
        assert!(text.contains(" of 2000 shown; the JSON report holds all."), "{}", &text[..500]);
        assert!(text.ends_with("</details>\n"));
    }

    #[test]
    fn a_hostile_message_stays_in_its_cell() {
        let mut report = sample::report();
        report.findings[0].message = "`a\n| @all <img src=x> -->".into();
        report.findings[0].place.path = "a`|b".into();
        let text = comment(&report, Links::default());
        let row = text.lines().find(|it| it.contains("&#64;all")).unwrap();
        assert_eq!(
            row,
            "| ``a`\\|b:4`` | a \\| &#64;all &lt;img src=x&gt; --&gt; | `dockerfile/root-user` |"
        );
    }
}
