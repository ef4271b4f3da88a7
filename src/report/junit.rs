//! The report as JUnit XML: what blocks is a failure, what is waived or not judged is skipped.

use std::fmt::Write as _;

use super::{Report, escape::Markup};
use crate::{document::Problem, finding::Finding, gate::Verdict};

/// The report as one test suite.
pub fn render(report: &Report) -> String {
    let cases = report.findings.len() + report.problems.len() + 1;
    let waived = report.findings.iter().filter(|it| it.waived.is_some()).count();
    let skipped = waived + report.problems.len();
    let errors = usize::from(report.verdict == Verdict::Nothing);
    let failures = report.blocking;
    let counts = format!(
        "tests=\"{cases}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\""
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"seaworthy\" {counts}>");
    let _ = writeln!(out, "  <testsuite name=\"seaworthy\" {counts}>");
    verdict(&mut out, report);
    for it in &report.findings {
        finding(&mut out, it, report);
    }
    for it in &report.problems {
        problem(&mut out, it);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn verdict(out: &mut String, report: &Report) {
    out.push_str("    <testcase classname=\"seaworthy\" name=\"verdict\"");
    if report.verdict == Verdict::Nothing {
        out.push_str(">\n      <error message=\"there was nothing to judge\"/>\n    </testcase>\n");
    } else {
        out.push_str("/>\n");
    }
}

fn finding(out: &mut String, finding: &Finding, report: &Report) {
    let (path, start) = (&finding.place.path, finding.place.start);
    let name = format!("{} at {}:{}", finding.rule, start.line, start.column);
    let _ = writeln!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\">",
        Markup(path),
        Markup(name),
        Markup(path),
        start.line
    );
    let message = Markup(&finding.message);
    if let Some(waiver) = &finding.waived {
        let reason = format!("waived by {}: {}", waiver.by, waiver.reason);
        let _ = writeln!(out, "      <skipped message=\"{}\"/>", Markup(reason));
    } else if report.blocks(finding) {
        let severity = finding.severity.name();
        let _ = writeln!(
            out,
            "      <failure type=\"{severity}\" message=\"{message}\">{}:{}:{}: {message}</failure>",
            Markup(path),
            start.line,
            start.column
        );
    } else {
        let severity = finding.severity.name();
        let _ = writeln!(out, "      <system-out>{severity}: {message}</system-out>");
    }
    out.push_str("    </testcase>\n");
}

fn problem(out: &mut String, problem: &Problem) {
    let name = format!("not judged at {}:{}", problem.start.line, problem.start.column);
    let (path, reason) = (Markup(&problem.path), Markup(&problem.reason));
    let _ = writeln!(out, "    <testcase classname=\"{path}\" name=\"{}\">", Markup(name));
    let _ = writeln!(out, "      <skipped message=\"{reason}\"/>\n    </testcase>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn failures_block_and_the_rest_does_not() {
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="seaworthy" tests="5" failures="1" errors="0" skipped="2">
  <testsuite name="seaworthy" tests="5" failures="1" errors="0" skipped="2">
    <testcase classname="seaworthy" name="verdict"/>
    <testcase classname="api/Dockerfile" name="dockerfile/root-user at 4:1" file="api/Dockerfile" line="4">
      <failure type="error" message="the last USER is `root`">api/Dockerfile:4:1: the last USER is `root`</failure>
    </testcase>
    <testcase classname="k8s/api.yaml" name="kubernetes/memory-limit-missing at 12:9" file="k8s/api.yaml" line="12">
      <system-out>warning: container `api` has no memory limit</system-out>
    </testcase>
    <testcase classname="Makefile" name="makefile/target-missing at 2:1" file="Makefile" line="2">
      <skipped message="waived by @bob: generated"/>
    </testcase>
    <testcase classname="chart/templates/api.yaml" name="not judged at 3:5">
      <skipped message="a Helm template: render it first, for example with `helm template`"/>
    </testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(render(&sample::report()), expected);
    }

    #[test]
    fn hostile_text_stays_well_formed() {
        let mut report = sample::report();
        report.findings[0].message = "\"]]></failure>&\u{1}<!--".into();
        let text = render(&report);
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut open = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(_) => open += 1,
                quick_xml::events::Event::End(_) => open -= 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, 0);
    }
}
