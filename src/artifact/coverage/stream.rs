//! Large reports read piece by piece, so that memory holds what they say and not their text.
//!
//! What remains of the text are its line breaks and the lines that findings point at.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use super::{cobertura, format::Format, lcov, report::Builder, tell};
use crate::{
    artifact::Parsed,
    parse::xml::Fault,
    source::{Source, Span},
};

/// Reports smaller than this are read whole, bytes.
pub const LARGE: u64 = 8 << 20;

/// How much is read at a time, bytes.
const PIECE: usize = 1 << 20;

/// What came of looking at a large file.
#[derive(Debug)]
pub enum Streamed {
    /// A report, read.
    Report(Box<Parsed>),
    /// Nothing that is read in pieces: its bytes.
    Bytes(Vec<u8>),
}

/// A reader that keeps its state from piece to piece.
trait Pieces {
    /// Where a piece of this text may end: behind a whole record.
    fn cut(&self, bytes: &[u8]) -> Option<usize>;

    /// Reads a piece; `last` if nothing follows.
    fn read(&mut self, text: &str, last: bool, out: &mut Builder) -> Result<(), Fault>;
}

#[derive(Default)]
struct Xml(cobertura::Pieces);

impl Pieces for Xml {
    fn cut(&self, bytes: &[u8]) -> Option<usize> {
        let end = b"</class>";
        memchr::memmem::rfind(bytes, end).map(|at| at + end.len())
    }

    fn read(&mut self, text: &str, last: bool, out: &mut Builder) -> Result<(), Fault> {
        self.0.read(text, last, out)
    }
}

#[derive(Default)]
struct Records(lcov::Reader);

impl Pieces for Records {
    fn cut(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memrchr(b'\n', bytes).map(|at| at + 1)
    }

    fn read(&mut self, text: &str, last: bool, out: &mut Builder) -> Result<(), Fault> {
        self.0.lines(text, out);
        if last { self.0.end(text.len(), out) } else { Ok(()) }
    }
}

/// Reads what `input` gives, a file of `size` bytes at `path`.
///
/// # Errors
/// What the system says.
pub fn read(path: &str, size: u64, input: &mut dyn Read) -> io::Result<Streamed> {
    let mut bytes = Vec::with_capacity(PIECE * 2);
    let mut ended = fill(&mut bytes, input)?;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(64 << 10)]);
    let format = Format::of(&head);
    let mut pieces: Box<dyn Pieces> = match format {
        Some(Format::Cobertura) => Box::new(Xml::default()),
        Some(Format::Lcov) => Box::new(Records::default()),
        _ => {
            bytes.reserve_exact((size as usize).saturating_sub(bytes.len()) + 1);
            input.read_to_end(&mut bytes)?;
            return Ok(Streamed::Bytes(bytes));
        }
    };
    let format = format.unwrap_or(Format::Lcov);
    let mut out = Builder::new(format, size as usize);
    let mut kept = Kept::default();
    let mut fault = None;
    while fault.is_none() {
        let cut = if ended { bytes.len() } else { pieces.cut(&bytes).unwrap_or(0) };
        if cut > 0 || ended {
            let text = String::from_utf8_lossy(&bytes[..cut]);
            let before = out.placed();
            fault = pieces.read(&text, ended, &mut out).err();
            kept.piece(&text, &mut out, before, fault.as_mut());
            bytes.drain(..cut);
        }
        if ended {
            break;
        }
        ended = fill(&mut bytes, input)?;
    }
    drop(bytes);
    Ok(Streamed::Report(Box::new(tell(Source::new(path, kept.text), out, fault))))
}

/// Reads up to a piece more; whether the end was met.
fn fill(bytes: &mut Vec<u8>, input: &mut dyn Read) -> io::Result<bool> {
    let before = bytes.len();
    input.take(PIECE as u64).read_to_end(bytes)?;
    Ok(bytes.len() - before < PIECE)
}

/// What remains of the text.
#[derive(Default)]
struct Kept {
    text: String,
}

impl Kept {
    /// Keeps the lines of a piece that something points at, and moves what points there.
    fn piece(
        &mut self,
        piece: &str,
        out: &mut Builder,
        before: (usize, usize),
        fault: Option<&mut Fault>,
    ) {
        let first =
            self.text.is_empty().then(|| super::first_line(&Source::new("", head(piece))).start);
        let mut starts: Vec<u32> = out.places(before).chain(first).collect();
        starts.extend(fault.iter().map(|it| it.offset));
        starts.sort_unstable();
        starts.dedup();
        let mut moved = BTreeMap::new();
        let mut at = 0;
        let mut line_at = (0, 0);
        for start in starts {
            let start = (start as usize).min(piece.len());
            let line = piece.as_bytes()[..start]
                .iter()
                .rposition(|it| *it == b'\n')
                .map_or(0, |it| it + 1);
            if line >= at {
                self.breaks(&piece[at..line]);
                let end = memchr::memchr(b'\n', &piece.as_bytes()[line..])
                    .map_or(piece.len(), |it| line + it);
                line_at = (line, self.text.len());
                self.text.push_str(short(&piece[line..end]));
                at = end;
            }
            let place = line_at.1 + (start - line_at.0);
            moved.insert(start as u32, place.min(self.text.len()) as u32);
        }
        self.breaks(&piece[at..]);
        let place = |offset: u32| moved.get(&offset.min(piece.len() as u32)).copied().unwrap_or(0);
        let end = self.text.len() as u32;
        out.relocate(before, |span| {
            let start = place(span.start);
            Span { start, end: (start + (span.end - span.start)).min(end) }
        });
        if let Some(fault) = fault {
            fault.offset = place(fault.offset);
        }
    }

    fn breaks(&mut self, text: &str) {
        let count = memchr::memchr_iter(b'\n', text.as_bytes()).count();
        self.text.extend(std::iter::repeat_n('\n', count));
    }
}

/// The start of a text, which holds the first tag.
fn head(text: &str) -> &str {
    let end = (0..=text.len().min(4096)).rev().find(|it| text.is_char_boundary(*it));
    &text[..end.unwrap_or(0)]
}

/// A line of which no more is kept than people look at.
fn short(line: &str) -> &str {
    let end = (0..=line.len().min(300)).rev().find(|it| line.is_char_boundary(*it));
    &line[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{self, Report};

    /// A report with many classes, larger than a piece.
    fn cobertura() -> String {
        let mut text = "<?xml version=\"1.0\"?>\n<coverage line-rate=\"0.5\">\n<packages><package name=\"a\"><classes>\n".to_owned();
        for class in 0..400 {
            text += &format!("<class filename=\"src/m{class}.py\">\n<lines>\n");
            for line in 1..200 {
                text += &format!("  <line number=\"{line}\" hits=\"{}\"/>\n", line % 2);
            }
            text += "</lines>\n</class>\n";
        }
        text + "</classes></package></packages></coverage>\n"
    }

    fn lcov() -> String {
        let section = |it: usize| {
            let lines: String = (1..900).map(|line| format!("DA:{line},{}\n", line % 3)).collect();
            format!("TN:\nSF:src/m{it}.c\n{lines}LF:899\nLH:600\nend_of_record\n")
        };
        (0..400).map(section).collect()
    }

    fn streamed(text: &str) -> Parsed {
        match read("r", text.len() as u64, &mut text.as_bytes()) {
            Ok(Streamed::Report(parsed)) => *parsed,
            other => unreachable!("{other:?}"),
        }
    }

    fn facts(parsed: &Parsed) -> (Report, Vec<u32>) {
        let artifact = parsed.artifact.as_ref().expect("a report");
        let report = artifact.coverage.clone().expect("a report");
        let source = &artifact.tree.source;
        let lines = report.files.iter().map(|it| source.position(it.span.start).line).collect();
        (*report, lines)
    }

    #[test]
    fn pieces_say_what_the_whole_says() {
        for text in [cobertura(), lcov()] {
            assert!(text.len() > 2 * PIECE, "{}", text.len());
            let (whole, lines) = facts(&coverage::parse(Source::new("r", text.as_str())));
            let (pieces, own) = facts(&streamed(&text));
            assert_eq!(pieces.lines, whole.lines);
            assert_eq!(pieces.declared, whole.declared);
            assert_eq!(pieces.files.len(), whole.files.len());
            assert_eq!(own, lines);
            let kept = streamed(&text).artifact.map_or(0, |it| it.tree.source.text.len());
            assert!(kept < text.len() / 5, "{kept}");
        }
    }

    #[test]
    fn what_breaks_off_is_said_at_its_line() {
        let text = cobertura();
        let cut = &text[..text.len() - 60];
        let place = |it: &Parsed| {
            it.problems.iter().map(|it| (it.start.line, it.reason.clone())).collect::<Vec<_>>()
        };
        assert_eq!(place(&streamed(cut)), place(&coverage::parse(Source::new("r", cut))));
        let text = lcov();
        let cut = &text[..text.len() - 20];
        assert_eq!(place(&streamed(cut)), place(&coverage::parse(Source::new("r", cut))));
    }

    #[test]
    fn other_files_come_back_whole() {
        let text = "{\"a\": 1}".repeat(1000);
        let read = read("r", text.len() as u64, &mut text.as_bytes());
        assert!(matches!(read, Ok(Streamed::Bytes(bytes)) if bytes == text.as_bytes()));
    }
}
