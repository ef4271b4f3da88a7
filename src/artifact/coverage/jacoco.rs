//! JaCoCo's XML, with groups of modules; its paths have no source folder.

use crate::parse::xml::{Event, Fault, Reader, Tag};

use super::report::{Builder, Count};

/// Reads a report.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut reader = Reader::new(text);
    let mut state = State::default();
    let result = loop {
        match reader.step() {
            Ok(Some(Event::Open(tag))) => state.open(&tag, out),
            Ok(Some(Event::Close(name))) => state.close(name),
            Ok(Some(Event::Text(_))) => {}
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    state.finish(out);
    result
}

#[derive(Default)]
struct State {
    package: String,
    /// The source file that is open.
    file: Option<usize>,
    /// The source file of the class that is open.
    class: Option<usize>,
    in_class: bool,
    in_method: bool,
    /// How deep we are in packages, so that counters of the whole are known.
    in_package: bool,
    groups: u32,
    /// Functions of source files, for reports without methods.
    stated: Vec<(usize, Count)>,
    saw_method: bool,
}

impl State {
    fn open(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        match tag.name {
            "line" => self.line(tag, out),
            "counter" => self.counter(tag, out),
            "group" => self.groups += 1,
            "sessioninfo" => tag.get("dump").into_iter().for_each(|it| out.made(&it)),
            "package" => {
                self.in_package = true;
                self.package = tag.get("name").unwrap_or_default().into_owned();
            }
            "sourcefile" => {
                let name = tag.get("name").unwrap_or_default();
                self.file = out.file(&self.path(&name), tag.span);
            }
            "class" => {
                self.in_class = true;
                let name = tag.get("sourcefilename").filter(|it| !it.is_empty());
                self.class = name.and_then(|it| out.file(&self.path(&it), tag.span));
            }
            "method" => self.in_method = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "group" => self.groups = self.groups.saturating_sub(1),
            "package" => self.in_package = false,
            "sourcefile" => self.file = None,
            "class" => self.in_class = false,
            "method" => self.in_method = false,
            _ => {}
        }
    }

    fn path(&self, name: &str) -> String {
        match self.package.as_str() {
            "" => name.to_owned(),
            package => format!("{package}/{name}"),
        }
    }

    /// A line ran if an instruction of it did. gcovr writes no instructions; then only the
    /// counters of the file tell.
    fn line(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        let (Some(number), at) = (tag.int("nr"), tag.span.start) else { return };
        if let Some(ran) = tag.int("ci") {
            out.line(self.file, number, ran > 0, at);
        }
        if let (Some(missed), Some(covered)) = (tag.int("mb"), tag.int("cb")) {
            out.branches(
                self.file,
                number,
                Count::new(covered, missed.saturating_add(covered)),
                at,
            );
        }
    }

    fn counter(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        let (Some(missed), Some(covered)) = (tag.int("missed"), tag.int("covered")) else { return };
        let count = Count::new(covered, missed.saturating_add(covered));
        let kind = tag.raw("type").unwrap_or_default();
        if !self.in_package {
            if self.groups == 0 {
                declare(kind, count, out);
            }
        } else if self.in_method {
            if kind == "METHOD" {
                self.saw_method = true;
                (0..count.total.min(1)).for_each(|_| out.function(self.class, covered > 0));
            }
        } else if let (Some(at), false) = (self.file, self.in_class) {
            match kind {
                "METHOD" => self.stated.push((at, count)),
                "LINE" => {
                    if let Some(file) = out.get(Some(at)) {
                        file.stated = Some(file.stated.unwrap_or_default().plus(count));
                    }
                }
                _ => {}
            }
        }
    }

    fn finish(self, out: &mut Builder) {
        for (file, count) in self.stated {
            if let (Some(file), false) = (out.get(Some(file)), self.saw_method) {
                file.functions = Some(file.functions.unwrap_or_default().plus(count));
            }
        }
    }
}

fn declare(kind: &str, count: Count, out: &mut Builder) {
    let declared = out.declared();
    match kind {
        "LINE" => declared.lines = Some(count),
        "BRANCH" => declared.branches = Some(count),
        "METHOD" => declared.functions = Some(count),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str) -> Report {
        let mut out = Builder::new(Format::Jacoco, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        out.finish().0
    }

    #[test]
    fn instructions_decide_and_groups_keep_their_totals_to_themselves() {
        let report = report(
            r#"<report name="r"><group name="m"><package name="com/acme">
<class name="com/acme/A" sourcefilename="A.java"><method name="f" line="3"><counter type="METHOD" missed="0" covered="1"/></method>
<method name="g" line="4"><counter type="METHOD" missed="1" covered="0"/></method><counter type="METHOD" missed="1" covered="1"/></class>
<sourcefile name="A.java"><line nr="3" mi="0" ci="3" mb="1" cb="1"/><line nr="4" mi="2" ci="0" mb="0" cb="0"/><counter type="METHOD" missed="1" covered="1"/></sourcefile>
</package><package name=""><sourcefile name="B.kt"><line nr="1" mi="0" ci="1" mb="0" cb="0"/></sourcefile></package>
<counter type="LINE" missed="9" covered="9"/></group><counter type="LINE" missed="1" covered="2"/></report>"#,
        );
        let paths: Vec<_> = report.files.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["com/acme/A.java", "B.kt"]);
        assert_eq!(
            (report.lines, report.declared.lines),
            (Count::new(2, 3), Some(Count::new(2, 3)))
        );
        assert_eq!(report.branches, Some(Count::new(1, 2)));
        assert_eq!(report.functions, Some(Count::new(1, 2)));
    }

    #[test]
    fn without_instructions_the_counters_of_the_file_stand() {
        let report = report(
            r#"<report name="GCOVR"><package name="src"><sourcefile name="a.cpp"><line nr="3"/><line nr="3"/><line nr="4"/>
<counter type="LINE" missed="3" covered="10"/><counter type="METHOD" missed="1" covered="2"/></sourcefile></package></report>"#,
        );
        assert_eq!((report.lines, report.functions), (Count::new(10, 13), Some(Count::new(2, 3))));
    }
}
