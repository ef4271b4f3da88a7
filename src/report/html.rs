//! The report as one page of HTML that needs nothing else: no scripts, no fonts, no network.

use std::fmt::Write as _;

use super::{Report, checklist, escape::Markup, terminal::counted};
use crate::{
    assess::{ItemStatus, Score},
    checklist::Item,
    document::Problem,
    finding::Finding,
    gate::Verdict,
};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--bad:#c0392b;--warn:#b7791f;--good:#2e8b57;--dim:#777}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
code,pre{font:13px/1.4 ui-monospace,monospace}pre{margin:.3rem 0 0;overflow-x:auto}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}
.error,.violated,.not-ready,.attestation-expired,.attestation-contradicted{color:var(--bad)}
.warning,.waived,.missing,.not-evaluated,.nothing{color:var(--warn)}
.ready,.verified,.attested{color:var(--good)}.info,.not-due,.not-applicable,.dim{color:var(--dim)}
summary{cursor:pointer}.n{text-align:right}
";

/// The report as one page.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    let verdict = report.verdict.name();
    let title = match report.verdict {
        Verdict::Ready => "Ready: nothing blocks".to_owned(),
        Verdict::NotReady => format!("Not ready: {}", blocking(report)),
        Verdict::Nothing => "Nothing to judge".to_owned(),
    };
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\"><title>{title}</title>\n<style>\n{STYLE}</style></head>\n\
         <body>\n<h1 class=\"{verdict}\">{title}</h1>\n"
    );
    inputs(&mut out, report);
    findings(&mut out, report);
    problems(&mut out, &report.problems);
    items(&mut out, report);
    let _ = writeln!(out, "<p class=\"dim\">seaworthy {}</p>\n</body></html>", report.version);
    out
}

fn blocking(report: &Report) -> String {
    let verb = if report.blocking == 1 { "blocks" } else { "block" };
    format!("{} {verb}", counted(report.blocking, "finding"))
}

fn inputs(out: &mut String, report: &Report) {
    let kinds: Vec<_> =
        report.inputs.artifacts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let files = counted(report.inputs.files, "file");
    let _ = writeln!(out, "<p class=\"dim\">{files} read: {}</p>", kinds.join(", "));
}

fn findings(out: &mut String, report: &Report) {
    let mut shown: Vec<&Finding> = report.findings.iter().collect();
    shown.sort_by(|a, b| a.place.path.cmp(&b.place.path));
    if shown.is_empty() {
        return;
    }
    out.push_str("<h2>Findings</h2>\n");
    for of_file in shown.chunk_by(|a, b| a.place.path == b.place.path) {
        let _ = writeln!(out, "<h3><code>{}</code></h3>\n<table>", Markup(&of_file[0].place.path));
        for it in of_file {
            finding(out, it, report);
        }
        out.push_str("</table>\n");
    }
}

fn finding(out: &mut String, finding: &Finding, report: &Report) {
    let start = finding.place.start;
    let class = if finding.waived.is_some() { "waived" } else { finding.severity.name() };
    let _ = write!(
        out,
        "<tr><td class=\"n\">{}:{}</td><td class=\"{class}\">{class}</td><td>{}",
        start.line,
        start.column,
        Markup(&finding.message)
    );
    if let Some(waiver) = &finding.waived {
        let answer = format!("{}: {}", waiver.by, waiver.reason);
        let _ = write!(out, " <span class=\"dim\">{}</span>", Markup(answer));
    }
    if !finding.new {
        out.push_str(" <span class=\"dim\">not new</span>");
    }
    if !finding.excerpt.trim().is_empty() {
        let _ = write!(out, "<pre>{}</pre>", Markup(&finding.excerpt));
    }
    for related in &finding.related {
        let place = format!("{}:{}", related.place.path, related.place.start.line);
        let (place, message) = (Markup(place), Markup(&related.message));
        let _ = write!(out, "<div class=\"dim\">see <code>{place}</code> {message}</div>");
    }
    out.push_str("</td><td>");
    match report.rules.get(&finding.rule) {
        Some(help) => {
            let (rule, why, fix) = (Markup(&finding.rule), Markup(&help.why), Markup(&help.fix));
            let _ = write!(
                out,
                "<details><summary><code>{rule}</code></summary><p>{why}</p><p>{fix}</p></details>"
            );
        }
        None => {
            let _ = write!(out, "<code>{}</code>", Markup(&finding.rule));
        }
    }
    out.push_str("</td></tr>\n");
}

fn problems(out: &mut String, problems: &[Problem]) {
    if problems.is_empty() {
        return;
    }
    out.push_str("<h2>Not judged</h2>\n<table>\n");
    for problem in problems {
        let place = format!("{}:{}", problem.path, problem.start.line);
        let (place, reason) = (Markup(place), Markup(&problem.reason));
        let _ = writeln!(out, "<tr><td><code>{place}</code></td><td>{reason}</td></tr>");
    }
    out.push_str("</table>\n");
}

fn items(out: &mut String, report: &Report) {
    let lines: Vec<_> = checklist::lines(report).collect();
    if lines.is_empty() {
        return;
    }
    let Score { applicable, verified, attested, open, not_applicable, .. } = report.score;
    let _ = writeln!(
        out,
        "<h2>Checklist</h2>\n<p>{verified} verified, {attested} attested, {open} open of \
         {applicable}; {not_applicable} do not apply.</p>"
    );
    for section in lines.chunk_by(|a, b| a.0.section == b.0.section) {
        let score = Score::of(section.iter().map(|it| it.1));
        let Score { applicable, verified, attested, .. } = score;
        let _ = writeln!(
            out,
            "<details><summary>{}: {} of {applicable}</summary>\n<table>",
            Markup(&section[0].0.section),
            verified + attested
        );
        for (item, status) in section {
            line(out, item, status);
        }
        out.push_str("</table></details>\n");
    }
}

fn line(out: &mut String, item: &Item, status: &ItemStatus) {
    let name = status.status.name();
    let title = Markup(&item.title);
    let _ = write!(out, "<tr><td class=\"{name}\">{name}</td><td>{title}");
    let _ = write!(out, "<div class=\"dim\"><code>{}</code></div></td><td>", item.id);
    let mut parts = Vec::new();
    if !status.reason.is_empty() {
        parts.push(Markup(&status.reason).to_string());
    }
    for it in &status.evidence {
        let place = format!("{}:{}", it.path, it.line);
        parts.push(format!("<code>{}</code> {}", Markup(place), Markup(&it.by)));
    }
    let _ = writeln!(out, "{}</td></tr>", parts.join("<br>"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_page_says_the_verdict_first_and_loads_nothing() {
        let text = render(&sample::report());
        let body = text.split("<body>\n").nth(1).unwrap();
        assert!(body.starts_with("<h1 class=\"not-ready\">Not ready: 1 finding blocks</h1>"));
        for part in ["<script", "http://", "src=", "@import", "url("] {
            assert!(!text.contains(part), "{part}");
        }
        assert!(body.contains("<td class=\"n\">4:1</td><td class=\"error\">error</td>"));
        assert!(body.contains("<summary>Infrastructure: 1 of 2</summary>"));
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut report = sample::report();
        report.findings[0].message = "<script>alert(1)</script>".into();
        report.findings[0].place.path = "<b>\"x".into();
        report.findings[0].excerpt = "</pre><img>".into();
        let text = render(&report);
        assert!(
            !text.contains("<script>alert") && !text.contains("<b>") && !text.contains("<img>")
        );
    }
}
