//! Clover's XML, as OpenClover, PHPUnit and Istanbul write it.

use crate::parse::xml::{Event, Fault, Reader, Tag};

use super::report::{Builder, Count};

/// Reads a report.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut reader = Reader::new(text);
    let mut state = State::default();
    let result = loop {
        match reader.step() {
            Ok(Some(Event::Open(tag))) => state.open(&tag, out),
            Ok(Some(Event::Close("file"))) => (state.file, state.in_file) = (None, false),
            Ok(Some(Event::Close("package"))) => state.in_package = false,
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    state.finish(out);
    result
}

#[derive(Default)]
struct State {
    file: Option<usize>,
    in_file: bool,
    in_package: bool,
    conditions: Vec<(usize, u64, u32, [u64; 2])>,
}

impl State {
    fn open(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        match tag.name {
            "line" => self.line(tag, out),
            "file" => {
                let path = tag.get("path").or_else(|| tag.get("name")).unwrap_or_default();
                self.file = out.file(path.trim(), tag.span);
                self.in_file = true;
            }
            "package" => self.in_package = true,
            "coverage" => tag.get("generated").into_iter().for_each(|it| out.made(&it)),
            "metrics" if !self.in_file && !self.in_package => declare(tag, out),
            _ => {}
        }
    }

    fn line(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        let (Some(number), at) = (tag.int("num"), tag.span.start) else { return };
        let count = tag.int("count");
        match tag.raw("type") {
            Some("method") => out.function(self.file, count.is_some_and(|it| it > 0)),
            Some("cond") => {
                let arms =
                    [tag.int("truecount"), tag.int("falsecount")].map(Option::unwrap_or_default);
                let ran = count.unwrap_or(arms[0].saturating_add(arms[1])) > 0;
                out.line(self.file, number, ran, at);
                if let Some(file) = self.file {
                    self.conditions.push((file, number, at, arms));
                }
            }
            _ => out.line(self.file, number, count.is_some_and(|it| it > 0), at),
        }
    }

    /// `truecount` is how often the condition was true, or, with Istanbul, how many branches ran.
    /// Which one it is shows when the sum is what the report declares; if neither is, both are
    /// guesses, and there are no branches.
    fn finish(self, out: &mut Builder) {
        let istanbul =
            |[covered, missed]: [u64; 2]| Count::new(covered, covered.saturating_add(missed));
        let clover =
            |arms: [u64; 2]| Count::new(arms.iter().filter(|&&it| it > 0).count() as u64, 2);
        let declared = out.declared().branches;
        for reading in [&istanbul as &dyn Fn([u64; 2]) -> Count, &clover] {
            let sum =
                self.conditions.iter().map(|it| reading(it.3)).fold(Count::default(), Count::plus);
            if Some(sum) == declared && sum.total > 0 {
                for &(file, number, at, arms) in &self.conditions {
                    out.branches(Some(file), number, reading(arms), at);
                }
                return;
            }
        }
    }
}

/// The metrics of the project; those of `testproject`, the tests themselves, come later and are
/// not added: they are no code under test, though their lines are in the report.
fn declare(tag: &Tag<'_>, out: &mut Builder) {
    let count = |covered, total| Some(Count::new(tag.int(covered)?, tag.int(total)?));
    let declared = out.declared();
    if declared.statements.is_some() {
        return;
    }
    declared.statements = count("coveredstatements", "statements");
    declared.branches = count("coveredconditionals", "conditionals");
    declared.functions = count("coveredmethods", "methods");
    // What Clover calls statements is what others call lines.
    declared.lines = declared.statements;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str) -> Report {
        let mut out = Builder::new(Format::Clover, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        out.finish().0
    }

    #[test]
    fn methods_are_functions_and_not_lines() {
        let report = report(
            r#"<coverage generated="1"><project><file name="/app/A.php"><class name="A"><metrics methods="9"/></class>
<line num="4" type="method" count="1"/><line num="4" type="stmt" count="0"/><line num="5" type="stmt" count="2"/></file>
<package name="p"><file name="B.php" path="/app/p/B.php"><line num="1" type="method" count="0"/></file></package>
<metrics statements="3" coveredstatements="2" methods="2" coveredmethods="1" conditionals="0" coveredconditionals="0"/></project></coverage>"#,
        );
        assert_eq!((report.lines, report.functions), (Count::new(1, 2), Some(Count::new(1, 2))));
        assert_eq!(report.declared.lines, Some(Count::new(2, 3)));
        assert_eq!(report.branches, None);
        assert_eq!(report.files[1].path, "/app/p/B.php");
    }

    #[test]
    fn conditions_count_as_the_report_itself_counts_them() {
        let with = |total, covered| {
            report(&format!(
                r#"<coverage><project><metrics statements="2" coveredstatements="1" conditionals="{total}" coveredconditionals="{covered}"/>
<file name="a"><line num="1" type="cond" truecount="3" falsecount="0"/><line num="2" type="cond" truecount="0" falsecount="0"/></file></project></coverage>"#
            ))
        };
        assert_eq!(with(4, 1).branches, Some(Count::new(1, 4)));
        assert_eq!(with(3, 3).branches, Some(Count::new(3, 3)));
        assert_eq!(with(7, 1).branches, None);
        assert_eq!(with(4, 1).lines, Count::new(1, 2));
    }
}
