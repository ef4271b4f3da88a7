//! Two formats of .NET that name ranges of lines: dotCover's detailed XML and Visual Studio's.

use std::collections::HashMap;

use crate::parse::xml::{Event, Fault, Reader, Tag};

use super::report::{Builder, Count};

/// The longest range that is believed to be one statement.
const MAX_RANGE: u64 = 10_000;

/// Reads dotCover's `DetailedXML`: statements, each with a file and its lines.
pub fn dotcover(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let (mut reader, mut files) = (Reader::new(text), Files::default());
    while let Some(event) = reader.step()? {
        let Event::Open(tag) = event else { continue };
        match tag.name {
            "File" => files.add(&tag, "Index", "Name", out),
            "Statement" => {
                let ran = tag.raw("Covered").is_some_and(|it| it.eq_ignore_ascii_case("true"));
                let file = files.find(&tag, "FileIndex");
                range(file, tag.int("Line"), tag.int("EndLine"), ran, &tag, out);
                out.statements(file, 1, ran);
            }
            "Root" => {
                let (covered, total) = (tag.int("CoveredStatements"), tag.int("TotalStatements"));
                out.declared().statements = covered.zip(total).map(|(it, all)| Count::new(it, all));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads Visual Studio's XML (`.coveragexml`): ranges below functions, files after them.
pub fn visual_studio(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut reader = Reader::new(text);
    let (mut files, mut ranges, mut text_of) = (Files::default(), Vec::new(), String::new());
    let mut old = Old::default();
    loop {
        match reader.step()? {
            Some(Event::Open(tag)) => match tag.name {
                "range" => ranges.push((
                    tag.int("source_id"),
                    (tag.int("start_line"), tag.int("end_line")),
                    tag.raw("covered") != Some("no"),
                    tag,
                )),
                "source_file" => files.add(&tag, "id", "path", out),
                "Lines" | "SourceFileNames" => old = Old { tag: Some(tag), ..Old::default() },
                _ => text_of.clear(),
            },
            Some(Event::Text(text)) => text_of.push_str(&text),
            Some(Event::Close(name)) => {
                match name {
                    // The numbers of source files start anew in every module.
                    "module" => {
                        for (id, lines, ran, tag) in ranges.drain(..) {
                            range(files.number(id), lines.0, lines.1, ran, &tag, out);
                        }
                        files = Files::default();
                    }
                    "Lines" => ranges.extend(old.range()),
                    "SourceFileNames" => old.name(&mut files, out),
                    "CoverageDSPriv" => {
                        for (id, lines, ran, tag) in ranges.drain(..) {
                            range(files.number(id), lines.0, lines.1, ran, &tag, out);
                        }
                    }
                    _ => old.field(name, &text_of),
                }
                text_of.clear();
            }
            None => return Ok(()),
        }
    }
}

/// A row of the older form, a dump of tables, whose columns are elements.
#[derive(Default)]
struct Old<'a> {
    tag: Option<Tag<'a>>,
    first: Option<u64>,
    last: Option<u64>,
    source: Option<u64>,
    coverage: Option<u64>,
    path: String,
}

type Range<'a> = (Option<u64>, (Option<u64>, Option<u64>), bool, Tag<'a>);

impl<'a> Old<'a> {
    fn field(&mut self, name: &str, text: &str) {
        let number = text.trim().parse().ok();
        match name {
            "LnStart" => self.first = number,
            "LnEnd" => self.last = number,
            "SourceFileID" => self.source = number,
            "Coverage" => self.coverage = number,
            "SourceFileName" => self.path = text.trim().to_owned(),
            _ => {}
        }
    }

    /// Coverage is 0 for all, 1 for some and 2 for nothing of the line.
    fn range(&self) -> Option<Range<'a>> {
        let ran = self.coverage? < 2;
        Some((self.source, (self.first, self.last), ran, self.tag?))
    }

    fn name(&self, files: &mut Files, out: &mut Builder) {
        if let (Some(id), Some(tag)) = (self.source, self.tag) {
            files.by_number.insert(id, out.file(&self.path, tag.span));
        }
    }
}

/// Files by the numbers that the report gives them.
#[derive(Default)]
struct Files {
    by_number: HashMap<u64, Option<usize>>,
}

impl Files {
    fn add(&mut self, tag: &Tag<'_>, number: &str, path: &str, out: &mut Builder) {
        if let (Some(number), Some(path)) = (tag.int(number), tag.get(path)) {
            self.by_number.insert(number, out.file(&path, tag.span));
        }
    }

    fn find(&self, tag: &Tag<'_>, number: &str) -> Option<usize> {
        self.number(tag.int(number))
    }

    fn number(&self, number: Option<u64>) -> Option<usize> {
        self.by_number.get(&number?).copied().flatten()
    }
}

fn range(
    file: Option<usize>,
    first: Option<u64>,
    last: Option<u64>,
    ran: bool,
    tag: &Tag<'_>,
    out: &mut Builder,
) {
    let Some(first) = first else { return };
    let last = last.unwrap_or(first).clamp(first, first.saturating_add(MAX_RANGE));
    out.range(file, (first, last), ran, tag.span.start);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(format: Format, text: &str) -> Report {
        let mut out = Builder::new(format, text.len());
        let read = if format == Format::Dotcover { dotcover } else { visual_studio };
        assert_eq!(read(text, &mut out), Ok(()));
        out.finish().0
    }

    #[test]
    fn statements_of_dotcover_cover_their_lines() {
        let report = report(
            Format::Dotcover,
            r#"<Root CoveredStatements="1" TotalStatements="2" ReportType="DetailedXml"><FileIndices><File Index="1" Name="C:\a.cs"/></FileIndices>
<Assembly><Statement FileIndex="1" Line="3" Column="1" EndLine="4" EndColumn="9" Covered="True"/><Statement FileIndex="1" Line="9" EndLine="9" Covered="False"/></Assembly></Root>"#,
        );
        assert_eq!((report.lines, report.statements), (Count::new(2, 3), Some(Count::new(1, 2))));
    }

    #[test]
    fn ranges_of_visual_studio_find_the_files_of_their_module() {
        let report = report(
            Format::VisualStudio,
            r#"<results><modules><module><functions><function><ranges>
<range source_id="0" start_line="5" end_line="6" covered="yes"/><range source_id="0" start_line="8" end_line="8" covered="no"/></ranges></function></functions>
<source_files><source_file id="0" path="C:\a.cs"/></source_files></module>
<module><functions><function><ranges><range source_id="0" start_line="1" end_line="1" covered="partial"/></ranges></function></functions>
<source_files><source_file id="0" path="C:\b.cs"/></source_files></module></modules></results>"#,
        );
        assert_eq!((report.lines, report.files.len()), (Count::new(3, 4), 2));
    }
}
