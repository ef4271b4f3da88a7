//! Texts of which parts were cut out: of those only the lines are left, as empty ones.

use super::{Source, Span};

/// What became of the places of a text; by default, nothing.
#[derive(Debug, Default)]
pub struct Cut {
    parts: Vec<Part>,
}

/// A part that was cut out.
#[derive(Clone, Copy, Debug)]
struct Part {
    old: Span,
    new: Span,
}

impl Source {
    /// The same file without some parts of its text, which are in order and apart.
    pub fn without(&self, parts: &[Span]) -> (Self, Cut) {
        let mut cut = Cut { parts: Vec::with_capacity(parts.len()) };
        let (mut text, mut from) = (String::new(), 0);
        for &old in parts {
            text.push_str(self.slice(Span { start: from, end: old.start }));
            let start = text.len() as u32;
            let lines = memchr::memchr_iter(b'\n', self.slice(old).as_bytes()).count() as u32;
            text.extend(std::iter::repeat_n('\n', lines as usize));
            cut.parts.push(Part { old, new: Span { start, end: start + lines } });
            from = old.end;
        }
        text.push_str(self.text.get(from as usize..).unwrap_or(""));
        text.shrink_to_fit();
        let gaps = cut.parts.iter().map(|it| (it.new.end, it.old.end - it.new.end)).collect();
        (Self { gaps, ..Self::new(self.path.as_str(), text) }, cut)
    }

    /// The bytes of the file that stand at `span` of what is left of its text.
    pub fn in_file(&self, span: Span) -> Span {
        let offset = |at: u32| {
            let before = self.gaps.partition_point(|it| it.0 <= at);
            at + before.checked_sub(1).map_or(0, |it| self.gaps[it].1)
        };
        Span { start: offset(span.start), end: offset(span.end) }
    }
}

impl Cut {
    /// Where a byte is now, or where the part starts that was cut out with it.
    pub fn place(&self, offset: u32) -> u32 {
        let after = self.parts.partition_point(|it| it.old.start <= offset);
        match after.checked_sub(1).map(|at| self.parts[at]) {
            Some(part) if offset < part.old.end => part.new.start,
            Some(part) => part.new.end + (offset - part.old.end),
            None => offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_keeps_its_lines_and_knows_its_bytes() {
        let source = Source::new("a", "one\ntwo a\nb\nc three\nfour\nfive six\n");
        let (left, cut) = source.without(&[Span::new(8, 13), Span::new(20, 29)]);
        assert_eq!((&*left.text, &*left.path), ("one\ntwo \n\n three\n\n six\n", "a"));
        let at = cut.place(14);
        let three = Span { start: at, end: at + 5 };
        assert_eq!(left.slice(three), "three");
        assert_eq!(source.slice(left.in_file(three)), "three");
        assert_eq!([4, 7, 8, 12, 20, 28].map(|it| left.line_at(cut.place(it))), [2, 2, 2, 2, 5, 5]);
        assert_eq!(left.in_file(Span { start: 0, end: 3 }), Span { start: 0, end: 3 });
    }
}
