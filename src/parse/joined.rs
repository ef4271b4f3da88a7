//! One logical line that lies in several pieces of a file, and the way back to the file.

use std::{borrow::Cow, ops::Range};

use crate::source::Span;

/// Pieces of a text put together (continued lines without their continuation characters), which
/// knows for each byte where it is written.
#[derive(Clone, Debug, Default)]
pub struct Joined<'a> {
    /// The text, in one piece.
    pub text: Cow<'a, str>,
    /// Where its first piece starts in the file.
    start: u32,
    /// Where each piece behind the first starts: in `text`, and in the file.
    pieces: Vec<(u32, u32)>,
}

impl<'a> Joined<'a> {
    /// The text in `span` of the file, all in one piece.
    pub fn slice(file: &'a str, span: Span) -> Self {
        Self::of(file, &[span])
    }

    /// The pieces of the file at `spans`, put together.
    pub fn of(file: &'a str, spans: &[Span]) -> Self {
        let get = |span: &Span| file.get(span.start as usize..span.end as usize).unwrap_or("");
        let start = spans.first().map_or(0, |it| it.start);
        if let [span] = spans {
            return Self { text: get(span).into(), start, pieces: Vec::new() };
        }
        let mut text = String::with_capacity(spans.iter().map(|it| get(it).len()).sum());
        let mut pieces = Vec::with_capacity(spans.len());
        for (number, span) in spans.iter().enumerate() {
            if number > 0 {
                pieces.push((text.len() as u32, span.start));
            }
            text.push_str(get(span));
        }
        Self { text: text.into(), start, pieces }
    }

    /// Where the byte `at` of the text is written in the file.
    pub fn offset(&self, at: usize) -> u32 {
        self.find(at).0
    }

    /// Where the byte `at` of the text is written in the file, and where the next piece starts in
    /// the text, if there is one.
    fn find(&self, at: usize) -> (u32, Option<usize>) {
        let piece = self.pieces.partition_point(|&(start, _)| start as usize <= at);
        let (start, file) = piece.checked_sub(1).map_or((0, self.start), |it| self.pieces[it]);
        (file + (at as u32 - start), self.pieces.get(piece).map(|it| it.0 as usize))
    }

    /// Where a range of the text is written: from its first byte to just after its last.
    pub fn span(&self, range: Range<usize>) -> Span {
        let (start, next) = self.find(range.start);
        let end = match next {
            Some(next) if next < range.end => self.offset(range.end - 1) + 1,
            _ => start + range.len() as u32,
        };
        Span { start, end }
    }

    /// Whether the range lies in the file as it is: in one piece, so that the file spells it.
    pub fn is_whole(&self, range: &Range<usize>) -> bool {
        let span = self.span(range.clone());
        (span.end - span.start) as usize == range.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back_to_the_pieces() {
        let file = "ab \\\n# note\ncd";
        let joined = Joined::of(file, &[Span::new(0, 3), Span::new(12, 14)]);
        assert_eq!(joined.text, "ab cd");
        assert_eq!(joined.span(3..5), Span::new(12, 14));
        assert_eq!(joined.span(0..5), Span::new(0, 14));
        assert!(joined.is_whole(&(0..2)) && !joined.is_whole(&(0..5)));
        assert_eq!(joined.offset(5), 14);
    }
}
