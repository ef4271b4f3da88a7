//! What templates print, and where each piece of it was written.

use crate::source::Span;

/// A place in one of the templates that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, by its index.
    pub file: usize,
    /// The bytes.
    pub span: Span,
}

/// The bytes from `from` to the next piece come from `place`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it starts in the text that was printed.
    pub from: usize,
    /// Where it was written, or the action that made it.
    pub place: Place,
}

/// Text in the making. The text of a template that is rendered keeps its places; the text that an
/// `include` makes does not.
#[derive(Debug, Default)]
pub struct Output {
    /// The text so far.
    pub text: String,
    /// Where it comes from.
    pub pieces: Vec<Piece>,
    /// The action to which everything belongs while another file's template prints.
    pub within: Option<Place>,
    keeps_places: bool,
}

impl Output {
    /// An output that keeps places.
    pub fn with_places() -> Self {
        Self { keeps_places: true, ..Self::default() }
    }

    /// Appends text that was written, or made, at `place`.
    pub fn push(&mut self, text: &str, place: Option<Place>) {
        if self.keeps_places
            && !text.is_empty()
            && let Some(place) = self.within.or(place)
        {
            self.pieces.push(Piece { from: self.text.len(), place });
        }
        self.text.push_str(text);
    }

    /// Whether what is appended now is written by the template that is rendered itself.
    pub fn is_outermost(&self) -> bool {
        self.keeps_places && self.within.is_none()
    }
}
