//! The checklist of a repository, line by line: for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    Report, Style,
    escape::{Code, Markdown, Plain, shortened},
    terminal::Paint,
};
use crate::{
    assess::{ItemStatus, Score, Status},
    checklist::{Item, checklist},
};

/// The lines of a report, each with the item it is about.
pub fn lines(report: &Report) -> impl Iterator<Item = (&'static Item, &ItemStatus)> {
    report.checklist.iter().filter_map(|it| Some((checklist().get(&it.item)?, it)))
}

/// The checklist as text for a terminal; quiet leaves out what is done or does not apply.
pub fn terminal(report: &Report, style: &Style) -> String {
    let paint = Paint(style.color);
    let mut out = String::new();
    let (mut section, mut group) = ("", "");
    for (item, status) in lines(report) {
        let done = status.status.is_satisfied() || !status.status.is_applicable();
        if style.quiet && done {
            continue;
        }
        if section != item.section {
            let gap = if section.is_empty() { "" } else { "\n" };
            let _ = writeln!(out, "{gap}{}", paint.bold(&item.section));
            (section, group) = (&item.section, "");
        }
        if group != item.group {
            let _ = writeln!(out, "  {}", item.group);
            group = &item.group;
        }
        line(&mut out, item, status, style, paint);
    }
    let Score { applicable, verified, attested, open, not_applicable, not_evaluated } =
        report.score;
    let _ =
        writeln!(out, "\n{verified} verified, {attested} attested, {open} open of {applicable}");
    let _ = writeln!(
        out,
        "{not_applicable} do not apply, {not_evaluated} of the open ones could not be evaluated"
    );
    out
}

fn line(out: &mut String, item: &Item, status: &ItemStatus, style: &Style, paint: Paint) {
    let name = paint.of_status(status.status, format_args!("{:<14}", short(status.status)));
    let _ = writeln!(out, "    {name} {} {}", item.title, paint.dim(&item.id));
    let mut why = Vec::new();
    if !status.reason.is_empty() {
        why.push(Plain(&status.reason).to_string());
    }
    why.extend(status.evidence.first().map(|it| {
        let more = match status.evidence.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let verb = if status.status == Status::Verified { " satisfies " } else { " by " };
        let by = if it.by.is_empty() || it.by == it.path { "" } else { verb };
        let who = if by.is_empty() { "" } else { &*it.by };
        format!("{}:{}{by}{}{more}", Plain(&it.path), it.line, Plain(who))
    }));
    if !why.is_empty() {
        let room = style.width.saturating_sub(19).max(60);
        let why = shortened(&why.join("; "), room);
        let _ = writeln!(out, "    {:<14} {}", "", paint.dim(why));
    }
}

/// The status in at most fourteen letters.
fn short(status: Status) -> &'static str {
    match status {
        Status::AttestationExpired => "expired",
        Status::AttestationContradicted => "contradicted",
        status => status.name(),
    }
}

/// The checklist as a page to keep or to publish, `PRODUCTION_READINESS.md`: it says what is known
/// and how, not what is hoped.
pub fn markdown(report: &Report) -> String {
    let Score { applicable, verified, attested, open, not_applicable, not_evaluated } =
        report.score;
    let mut out = format!(
        "# Production readiness\n\n\
         Of {applicable} lines that apply, files verify {verified}, people vouch for {attested}, \
         and {open} are open ({not_evaluated} of these could not be evaluated). {not_applicable} do \
         not apply.\n\n\
         Written by `seaworthy checklist --format markdown`; write it anew rather than edit it.\n"
    );
    let (mut section, mut group) = ("", "");
    for (item, status) in lines(report) {
        if section != item.section {
            let _ = write!(out, "\n## {}\n", Markdown(&item.section));
            (section, group) = (&item.section, "");
        }
        if group != item.group {
            let _ = write!(out, "\n### {}\n\n", Markdown(&item.group));
            group = &item.group;
        }
        let done = if status.status.is_satisfied() { 'x' } else { ' ' };
        let name = short(status.status);
        let _ = write!(out, "- [{done}] {}: **{name}**", Markdown(&item.title));
        if !status.reason.is_empty() {
            let _ = write!(out, ", {}", Markdown(&status.reason));
        }
        for it in status.evidence.iter().take(3) {
            let place =
                if it.line == 0 { it.path.to_string() } else { format!("{}:{}", it.path, it.line) };
            let _ = write!(out, " {}", Code(shortened(&place, 200)));
        }
        out.push('\n');
    }
    out
}

/// The checklist for programs.
pub fn json(report: &Report) -> String {
    let items: Vec<Value> = lines(report)
        .map(|(item, status)| {
            let evidence = status.evidence.iter();
            let evidence: Vec<_> = evidence
                .map(|it| json!({"path": &*it.path, "line": it.line, "by": &*it.by}))
                .collect();
            json!({
                "item": item.id,
                "title": item.title,
                "section": item.section,
                "group": item.group,
                "class": item.class.name(),
                "same_as": item.same_as,
                "planned": item.planned,
                "status": status.status.name(),
                "reason": status.reason,
                "evidence": evidence,
            })
        })
        .collect();
    let score = super::json::score(report.score);
    format!("{:#}\n", json!({"schema": 1, "items": items, "score": score}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn lines_stand_under_their_headings_with_their_reasons() {
        let expected = "\
Infrastructure
  Containerization
    violated       The container runs as a non-root user infrastructure.containers.non-root
                   api/Dockerfile:4 by dockerfile/root-user
  Orchestration
    verified       Pod disruption budgets are configured infrastructure.orchestration.pdb
                   k8s/pdb.yaml:1 satisfies kubernetes/pdb-missing

Documentation
  API Documentation
    not-applicable Error responses are documented documentation.api.errors
                   the repository has no OpenAPI document

1 verified, 0 attested, 1 open of 2
1 do not apply, 0 of the open ones could not be evaluated
";
        assert_eq!(terminal(&sample::report(), &Style::default()), expected);
    }

    #[test]
    fn quiet_leaves_out_what_is_settled() {
        let style = Style { quiet: true, ..Style::default() };
        let text = terminal(&sample::report(), &style);
        assert!(text.contains("non-root") && !text.contains("pdb") && !text.contains("errors"));
    }

    #[test]
    fn the_page_ticks_only_what_is_shown() {
        let page = markdown(&sample::report());
        let ticked: Vec<_> = page.lines().filter(|it| it.starts_with("- [x]")).collect();
        assert_eq!(
            ticked,
            ["- [x] Pod disruption budgets are configured: **verified** `k8s/pdb.yaml:1`"]
        );
        let open = "- [ ] The container runs as a non\\-root user: **violated** `api/Dockerfile:4`";
        assert!(page.contains(&open.replace("\\-", "-")) || page.contains(open), "{page}");
        assert!(page.contains("Of 2 lines that apply, files verify 1"));
    }

    #[test]
    fn programs_get_the_titles_too() {
        let value: Value = serde_json::from_str(&json(&sample::report())).unwrap();
        assert_eq!(value["items"][0]["title"], "The container runs as a non-root user");
        assert_eq!(value["items"][0]["status"], "violated");
        assert_eq!(value["score"]["verified"], 1);
    }
}
