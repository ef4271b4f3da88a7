//! SonarQube's generic XML.

use crate::parse::xml::{Event, Fault, Reader};

use super::report::{Builder, Count};

/// Reads a report.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let (mut reader, mut file) = (Reader::new(text), None);
    while let Some(event) = reader.step()? {
        let Event::Open(tag) = event else { continue };
        match tag.name {
            "file" => file = out.file(tag.get("path").unwrap_or_default().trim(), tag.span),
            "lineToCover" => {
                let (Some(number), at) = (tag.int("lineNumber"), tag.span.start) else { continue };
                out.line(file, number, tag.raw("covered") == Some("true"), at);
                if let Some(total) = tag.int("branchesToCover") {
                    let covered = tag.int("coveredBranches").unwrap_or_default();
                    out.branches(file, number, Count::new(covered, total), at);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::format::Format;

    #[test]
    fn lines_and_branches_are_counted() {
        let text = r#"<coverage version="1"><file path="a/b.xoo"><lineToCover lineNumber="2" covered="false"/>
<lineToCover lineNumber="3" covered="true" branchesToCover="8" coveredBranches="7"/></file></coverage>"#;
        let mut out = Builder::new(Format::Sonar, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        let (report, _) = out.finish();
        assert_eq!((report.lines, report.branches), (Count::new(1, 2), Some(Count::new(7, 8))));
    }
}
