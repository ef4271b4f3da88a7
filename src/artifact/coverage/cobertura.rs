//! Cobertura's XML, as some thirty tools write it.

use crate::parse::xml::{Event, Fault, Reader, Tag, whole};

use super::report::{Builder, Count};

/// Reads a report. Only the lines below `class/lines` count: those of methods repeat them.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pieces::default().read(text, true, out)
}

/// A report that is read in pieces, each of which ends behind a tag.
#[derive(Default)]
pub struct Pieces {
    state: State,
    open: Vec<String>,
}

impl Pieces {
    /// Reads a piece; `last` if nothing follows.
    pub fn read(&mut self, text: &str, last: bool, out: &mut Builder) -> Result<(), Fault> {
        let open = std::mem::take(&mut self.open);
        let mut reader = Reader::inside(text, &open, last);
        let state = &mut self.state;
        while let Some(event) = reader.step()? {
            match event {
                Event::Open(tag) => state.open(&tag, out),
                Event::Close(name) => state.close(name, out),
                Event::Text(text) if state.in_source => state.source.push_str(&text),
                Event::Text(_) => {}
            }
        }
        self.open = reader.open();
        Ok(())
    }
}

#[derive(Default)]
struct State {
    file: Option<usize>,
    in_source: bool,
    source: String,
    /// Whether the method that is open ran; none between methods.
    method: Option<bool>,
}

impl State {
    fn open(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        match tag.name {
            "line" => match &mut self.method {
                Some(ran) => *ran |= hit(tag),
                None => line(self.file, tag, out),
            },
            "method" => {
                // Istanbul says of the method itself how often it ran.
                self.method = Some(tag.raw("hits").is_some() && hit(tag));
            }
            "class" => {
                let name = tag.get("filename").filter(|it| !it.is_empty());
                self.file = name.and_then(|it| out.file(it.trim(), tag.span));
            }
            "source" => self.in_source = true,
            "coverage" => {
                declare(tag, out);
                tag.get("timestamp").into_iter().for_each(|it| out.made(&it));
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str, out: &mut Builder) {
        match name {
            "method" => {
                if let Some(ran) = self.method.take() {
                    out.function(self.file, ran);
                }
            }
            "class" => self.file = None,
            "source" => {
                self.in_source = false;
                out.root(std::mem::take(&mut self.source).trim());
            }
            _ => {}
        }
    }
}

fn hit(tag: &Tag<'_>) -> bool {
    tag.int("hits").is_some_and(|it| it > 0)
}

fn line(file: Option<usize>, tag: &Tag<'_>, out: &mut Builder) {
    let Some(number) = tag.int("number") else { return };
    out.line(file, number, hit(tag), tag.span.start);
    if let Some(count) = tag.raw("condition-coverage").and_then(conditions) {
        out.branches(file, number, count, tag.span.start);
    }
}

/// `50% (1/2)`.
fn conditions(text: &str) -> Option<Count> {
    let (_, inside) = text.split_once('(')?;
    let (covered, total) = inside.split_once(')')?.0.split_once('/')?;
    Some(Count::new(whole(covered)?, whole(total)?))
}

fn declare(tag: &Tag<'_>, out: &mut Builder) {
    let count = |covered, total| Some(Count::new(tag.int(covered)?, tag.int(total)?));
    let rate = tag.raw("line-rate").and_then(|it| it.trim().parse::<f64>().ok());
    let declared = out.declared();
    declared.lines = count("lines-covered", "lines-valid");
    declared.branches = count("branches-covered", "branches-valid");
    declared.percent = rate.filter(|it| (0.0..=1.0).contains(it)).map(|it| it * 100.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str) -> (Report, Option<Fault>) {
        let mut out = Builder::new(Format::Cobertura, text.len());
        let fault = read(text, &mut out).err();
        (out.finish().0, fault)
    }

    const CLASSES: &str = r#"<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.5" lines-covered="1" lines-valid="2" branches-valid="1.0" branches-covered="NaN">
<sources><source>C:\work\</source><source/><source> /src </source></sources>
<packages><package><classes>
<class name="A" filename="a&amp;b.java"><methods>
  <method name="f"><lines><line number="3" hits="0"/><line number="4" hits="2"/></lines></method>
  <method name="g"/></methods>
 <lines><line number="3" hits="0" branch="True" condition-coverage="50% (1/2)"/><line number="4" hits="2.0"/></lines></class>
<class name="A$B" filename="a&amp;b.java"><lines><line number="3" hits="1"/><line number="undefined" hits="1"/>
  <line number="7" hits="0"/></lines></class>"#;

    #[test]
    fn classes_of_one_file_are_one_file_and_methods_do_not_repeat_lines() {
        let (report, fault) =
            report(&format!("{CLASSES}</classes></package></packages></coverage>"));
        assert_eq!(fault, None);
        assert_eq!((report.files.len(), report.files[0].path.as_str()), (1, "a&b.java"));
        assert_eq!(report.lines, Count::new(2, 3));
        assert_eq!(report.branches, Some(Count::new(1, 2)));
        assert_eq!(report.functions, Some(Count::new(1, 2)));
        assert_eq!(report.roots, ["C:\\work\\", "/src"]);
        assert_eq!(report.declared.lines, Some(Count::new(1, 2)));
        assert_eq!(report.declared.branches, None);
    }

    #[test]
    fn a_report_that_breaks_off_keeps_what_it_has() {
        let (report, fault) = report(CLASSES);
        assert_eq!(report.lines, Count::new(2, 3));
        assert!(fault.is_some_and(|it| it.reason.contains("<classes>")));
    }
}
