//! OpenCover's XML, as OpenCover, AltCover and coverlet write it.

use std::collections::HashMap;

use crate::parse::xml::{Event, Fault, Reader, Tag};

use super::report::{Builder, Count};

/// Reads a report. Its summaries count sequence points, of which a line may have several.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut reader = Reader::new(text);
    let mut state = State::default();
    let result = loop {
        match reader.step() {
            Ok(Some(Event::Open(tag))) => state.open(&tag, out),
            Ok(Some(Event::Close("Method"))) => state.method = None,
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    state.finish(out);
    result
}

/// A branch point: file, line, offset and path in the method, and the method.
type Branch = (usize, u64, u64, u64, u32);

#[derive(Default)]
struct State {
    /// Files by the number that the session gives them.
    files: HashMap<u64, Option<usize>>,
    /// The file of the method that is open, for points that name none.
    method: Option<usize>,
    methods: u32,
    summed: bool,
    branches: HashMap<Branch, bool>,
}

impl State {
    fn open(&mut self, tag: &Tag<'_>, out: &mut Builder) {
        match tag.name {
            "SequencePoint" => {
                if let Some(line) = tag.int("sl").filter(|&it| it != HIDDEN) {
                    out.line(self.file(tag), line, visited(tag), tag.span.start);
                }
            }
            "BranchPoint" => self.branch(tag),
            "File" => {
                let path = tag.get("fullPath").unwrap_or_default();
                let file = out.file(&path, tag.span);
                if let Some(uid) = tag.int("uid") {
                    self.files.insert(uid, file);
                }
            }
            "FileRef" => {
                self.method = tag.int("uid").and_then(|it| self.files.get(&it).copied().flatten());
            }
            "Method" => self.methods += 1,
            "CoverageSession" => self.files.clear(),
            "Summary" if !self.summed => {
                self.summed = true;
                declare(tag, out);
            }
            _ => {}
        }
    }

    fn file(&self, tag: &Tag<'_>) -> Option<usize> {
        match tag.int("fileid").filter(|&it| it > 0) {
            Some(uid) => self.files.get(&uid).copied().flatten(),
            None => self.method,
        }
    }

    fn branch(&mut self, tag: &Tag<'_>) {
        let Some(line) = tag.int("sl").filter(|&it| it != HIDDEN) else { return };
        if let Some(file) = self.file(tag) {
            let number = |name| tag.int(name).unwrap_or_default();
            let place = (file, line, number("offset"), number("path"), self.methods);
            *self.branches.entry(place).or_default() |= visited(tag);
        }
    }

    fn finish(self, out: &mut Builder) {
        let mut lines: HashMap<(usize, u64), Count> = HashMap::new();
        for ((file, line, ..), ran) in self.branches {
            lines.entry((file, line)).or_default().add(ran);
        }
        for ((file, line), count) in lines {
            out.branches(Some(file), line, count, 0);
        }
    }
}

/// The line of code that the compiler made and nobody wrote.
const HIDDEN: u64 = 0xFE_EFEE;

fn visited(tag: &Tag<'_>) -> bool {
    tag.int("vc").is_some_and(|it| it > 0)
}

fn declare(tag: &Tag<'_>, out: &mut Builder) {
    let count = |covered, total| Some(Count::new(tag.int(covered)?, tag.int(total)?));
    let declared = out.declared();
    declared.statements = count("visitedSequencePoints", "numSequencePoints");
    declared.branches = count("visitedBranchPoints", "numBranchPoints");
    declared.functions = count("visitedMethods", "numMethods");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::format::Format;

    #[test]
    fn points_on_one_line_are_one_line_and_hidden_ones_none() {
        let text = r#"<CoverageSession><Summary numSequencePoints="4" visitedSequencePoints="1"/><Modules>
<Module skippedDueTo="Filter"/><Module><Files><File uid="1" fullPath="C:\a.cs"/><File uid="2" fullPath="C:\b.cs"/></Files>
<Classes><Class><Methods><Method><FileRef uid="2"/><SequencePoints>
<SequencePoint vc="0" sl="7" el="7" fileid="1"/><SequencePoint vc="2" sl="7" fileid="1"/><SequencePoint vc="0" sl="16707566" fileid="1"/>
<SequencePoint vc="0" sl="3"/></SequencePoints><BranchPoints>
<BranchPoint vc="1" sl="7" offset="4" path="0" fileid="1"/><BranchPoint vc="0" sl="7" offset="4" path="1" fileid="1"/></BranchPoints>
</Method></Methods></Class></Classes></Module></Modules></CoverageSession>"#;
        let mut out = Builder::new(Format::Opencover, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        let (report, complaints) = out.finish();
        assert_eq!((report.lines, complaints), (Count::new(1, 2), vec![]));
        assert_eq!(report.branches, Some(Count::new(1, 2)));
        assert_eq!(report.declared.lines, None);
        assert_eq!(report.declared.statements, Some(Count::new(1, 4)));
    }
}
