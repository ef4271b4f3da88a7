//! Text with an address: a file of the repository, and places in it.

mod cut;
mod origins;

use std::sync::{Arc, OnceLock};

pub use cut::Cut;
pub use origins::{Asked, Draft, FileId, Origins};

/// A half-open range of bytes in a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of the bytes `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }
}

/// A place in a file as people count it: both from 1, columns in Unicode scalar values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in Unicode scalar values.
    pub column: u32,
}

/// One file, read: its path below the root of the repository, with `/`, and its text.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD, so lines stay true and columns nearly so.
#[derive(Debug, Default)]
pub struct Source {
    /// The path below the root of the repository, with `/` between the parts.
    pub path: String,
    /// The text.
    pub text: String,
    shared_path: OnceLock<Arc<str>>,
    lines: OnceLock<Vec<u32>>,
    /// How many characters stand before each block of the text.
    blocks: OnceLock<Vec<u32>>,
    /// Where it was written, if we rendered it.
    origins: Option<Box<Origins>>,
    /// Where its text goes on after something was cut out, and how much was cut out up to there.
    gaps: Vec<(u32, u32)>,
}

/// How many bytes a block of a text has whose characters are counted once.
const BLOCK: usize = 1024;

impl Source {
    /// A source from text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), ..Self::default() }
    }

    /// A source from the bytes of a file.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        Self::new(path, text)
    }

    /// The path, for all findings in the file.
    pub fn shared_path(&self) -> Arc<str> {
        self.shared_path.get_or_init(|| self.path.as_str().into()).clone()
    }

    /// Forgets where lines start until somebody asks again.
    pub fn forget_lines(&mut self) {
        (self.lines, self.blocks) = (OnceLock::new(), OnceLock::new());
    }

    /// The name of the file, without its folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder of the file, without a `/` at the end; empty at the root.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The text at `span`; empty where the span is not on character boundaries.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Whether it is no file but a text that we rendered from files.
    pub fn is_rendered(&self) -> bool {
        self.origins.is_some()
    }

    /// Which bytes of which file `span` was written as: for a rendered text those of the author's
    /// file, otherwise its own.
    pub fn author(&self, span: Span) -> (&Self, Span) {
        self.origins.as_ref().and_then(|it| it.author(span)).unwrap_or((self, span))
    }

    /// Whether the author wrote the very bytes of a span: always, where nothing was rendered.
    pub fn is_verbatim(&self, span: Span) -> bool {
        self.origins.as_ref().is_none_or(|it| it.is_verbatim(span))
    }

    /// Where the byte `offset` is, counted as people count.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line_at(offset);
        let start = self.starts()[line as usize - 1] as usize;
        let mut end = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let column = self.characters(start.min(end), end) + 1;
        Position { line, column }
    }

    /// Where a part ends that starts at `start`: most are of one line.
    pub fn end(&self, part: Span, start: Position) -> Position {
        let is_of_one_line = part.start <= part.end && part.end < self.line_start(start.line + 1);
        let is_text = |at: u32| self.text.is_char_boundary(at as usize);
        if !(is_of_one_line && is_text(part.start) && is_text(part.end)) {
            return self.position(part.end.max(part.start));
        }
        let width = self.characters(part.start as usize, part.end as usize);
        Position { column: start.column + width, ..start }
    }

    /// The line of the byte `offset`, counted from 1.
    pub fn line_at(&self, offset: u32) -> u32 {
        self.starts().partition_point(|&start| start <= offset).max(1) as u32
    }

    /// How many characters a line has that is counted from 1, without its line break.
    pub fn width(&self, line: u32) -> u32 {
        let start = self.line_start(line) as usize;
        self.characters(start, start + self.line(line).len())
    }

    /// How many characters stand between two places. A text may be one line of many megabytes, so
    /// far ones are looked up.
    fn characters(&self, from: usize, to: usize) -> u32 {
        let bytes = self.text.as_bytes();
        let count = |range: &[u8]| range.iter().filter(|it| (**it & 0xc0) != 0x80).count() as u32;
        if to - from < 2 * BLOCK {
            return count(&bytes[from..to]);
        }
        let blocks = self.blocks.get_or_init(|| {
            let sums = bytes.chunks(BLOCK).scan(0, |sum, block| {
                *sum += count(block);
                Some(*sum)
            });
            std::iter::once(0).chain(sums).collect()
        });
        let before = |at: usize| blocks[at / BLOCK] + count(&bytes[at / BLOCK * BLOCK..at]);
        before(to) - before(from)
    }

    /// The text of a line, counted from 1, without its line break; empty beyond the end.
    pub fn line(&self, line: u32) -> &str {
        let starts = self.starts();
        let Some(&start) = starts.get((line as usize).wrapping_sub(1)) else { return "" };
        let end = starts.get(line as usize).map_or(self.text.len(), |&next| next as usize);
        self.text[start as usize..end].trim_end_matches(['\n', '\r'])
    }

    /// Where a line that is counted from 1 starts, in bytes; the end of the text beyond the last.
    pub fn line_start(&self, line: u32) -> u32 {
        let starts = self.starts();
        starts.get((line as usize).wrapping_sub(1)).copied().unwrap_or(self.text.len() as u32)
    }

    /// How many lines there are; a text without a line break has one.
    pub fn line_count(&self) -> u32 {
        self.starts().len() as u32
    }

    fn starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let mut starts = Vec::with_capacity(1 + memchr::memchr_iter(b'\n', bytes).count());
            starts.push(0);
            let mut at = 0;
            while let Some(more) = memchr::memchr(b'\n', &bytes[at..]) {
                at += more + 1;
                starts.push(at as u32);
                // What was cut out of a text left many empty lines.
                while bytes.get(at) == Some(&b'\n') {
                    at += 1;
                    starts.push(at as u32);
                }
            }
            starts
        })
    }
}

/// What follows `key` in the lines that start with it, blanks and the dashes of lists aside.
pub fn behind<'t>(text: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    let bytes = text.as_bytes();
    let found: Vec<_> =
        memchr::memmem::find_iter(bytes, key).map(|at| (at, at + key.len())).collect();
    found.into_iter().filter_map(move |(at, after)| {
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |it| it + 1);
        let end = memchr::memchr(b'\n', &bytes[after..]).map_or(bytes.len(), |it| after + it);
        let before = text[start..at].trim_start().trim_start_matches("- ");
        let rest = &text[after..end];
        before.is_empty().then(|| rest.strip_suffix('\r').unwrap_or(rest))
    })
}

/// Resolves `path`, written in `folder`, to a path below the root; nothing if it leaves the root.
pub fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let source = Source::new("a/b", "ab\ncäé\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 2, column: 1 });
        assert_eq!(source.position(6), Position { line: 2, column: 3 });
        assert_eq!(source.line(2), "cäé");
        assert_eq!(source.end(Span::new(3, 6), source.position(3)), source.position(6));
        assert_eq!(source.end(Span::new(1, 6), source.position(1)), source.position(6));
        assert_eq!(source.end(Span::new(3, 5), source.position(3)), source.position(5));
        assert_eq!(source.end(Span::new(4, 3), source.position(4)), source.position(4));
        assert_eq!(source.line(9), "");
        assert_eq!((source.name(), source.folder()), ("b", "a"));
    }

    #[test]
    fn columns_of_long_lines_count_characters_too() {
        let text = format!("x\n{}b", "aé".repeat(5_000));
        let source = Source::new("a", text.clone());
        assert_eq!(source.position(text.len() as u32 - 1), Position { line: 2, column: 10_001 });
        assert_eq!(source.width(2), 10_001);
        assert_eq!(source.position(2 + 3 * 4_000 + 1), Position { line: 2, column: 8_002 });
    }

    #[test]
    fn what_stands_behind_a_key_is_found_line_by_line() {
        let text =
            "image: a\n  - image:b\r\n- - image: c\n-  image: d\nx image: e\nimages: f\nimage:";
        assert_eq!(behind(text, "image:").collect::<Vec<_>>(), [" a", "b", " c", ""]);
    }

    #[test]
    fn bytes_that_are_not_utf8_keep_their_lines() {
        let source = Source::from_bytes("x", b"a\xff\nb".to_vec());
        assert_eq!(source.line(2), "b");
    }
}
