//! Texts that we render (a build of Kustomize, a Helm chart), and where each piece of them was
//! written.
//!
//! A renderer writes its text through a [`Draft`], piece by piece, and says for each piece which
//! bytes of which file it comes from. Everything that later asks a node of the rendered text where
//! it stands (`Node::place`, `Place::of`, problems, excerpts) is told the author's file and line;
//! nobody ever sees an offset of the rendered text.

use std::sync::Arc;

use super::{Source, Span};

/// A file of the author, as a [`Draft`] knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId(u32);

/// Where the pieces of a rendered text were written.
#[derive(Debug, Default)]
pub struct Origins {
    files: Vec<Arc<Source>>,
    pieces: Vec<Piece>,
    /// What a reference elsewhere in the text leads to, by where it starts: see [`Source::joined`].
    asked: Vec<Asked>,
}

/// A part of a text, and the reference that leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The part.
    pub part: Span,
    /// The reference.
    pub by: Span,
}

/// How many parts that start before a place are looked at for one that holds it.
const MAX_LOOKS: usize = 64;

/// The bytes from `from` to the next piece come from `at` of a file.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: u32,
    /// The file, with [`VERBATIM`] if the author wrote these very bytes: then places inside the
    /// piece are known too. There are many pieces, so both are one number.
    file: u32,
    at: Span,
}

/// The highest bit of the number of a file.
const VERBATIM: u32 = 1 << 31;

const _: () = assert!(size_of::<Piece>() == 16);

impl Origins {
    /// Which bytes of which file of the author a span of the rendered text comes from; nothing
    /// where nothing was rendered.
    pub(super) fn author(&self, span: Span) -> Option<(&Source, Span)> {
        let first = self.piece(span.start)?;
        let last = self.piece(span.end.max(span.start + 1) - 1).unwrap_or(first);
        let start = first.place(span.start).start;
        let end = match last.file() == first.file() {
            true if last.is_verbatim() => last.place(span.end).start,
            true => last.at.end,
            false => first.at.end,
        };
        Some((&*self.files[first.file()], Span { start, end: end.max(start) }))
    }

    /// Whether the author wrote the very bytes of a span.
    pub(super) fn is_verbatim(&self, span: Span) -> bool {
        let first = self.pieces.partition_point(|it| it.from <= span.start).max(1) - 1;
        let pieces = self.pieces.get(first..).unwrap_or_default();
        pieces
            .iter()
            .take_while(|it| it.from < span.end.max(span.start + 1))
            .all(Piece::is_verbatim)
    }

    fn piece(&self, offset: u32) -> Option<&Piece> {
        let after = self.pieces.partition_point(|it| it.from <= offset);
        self.pieces.get(after.max(1) - 1)
    }
}

impl Source {
    /// Several files as one text, the first one first: its places are those of the files. `asked`
    /// says, by where the parts start, which references lead from file to file.
    pub fn joined(files: Vec<Arc<Self>>, asked: Vec<Asked>) -> Self {
        let path = files.first().map_or(String::new(), |it| it.path.clone());
        let mut text = String::with_capacity(files.iter().map(|it| it.text.len() + 1).sum());
        let mut pieces = Vec::with_capacity(files.len());
        for (number, file) in (0..).zip(&files) {
            let at = Span::new(0, file.text.len());
            let from = text.len();
            pieces.push(Piece::new(from, FileId(number), at, true));
            text.push_str(&file.text);
            // What is empty at the end of a file is not at the start of the next.
            text.push('\n');
        }
        let mut source = Self::new(path, text);
        source.origins = Some(Box::new(Origins { files, pieces, asked }));
        source
    }

    /// The reference that leads to where `span` is, if it is not where the text starts.
    pub fn asked(&self, span: Span) -> Option<Span> {
        let asked = &self.origins.as_ref()?.asked;
        let before = asked.partition_point(|it| it.part.start <= span.start);
        let near = asked[..before].iter().rev().take(MAX_LOOKS);
        near.into_iter().find(|it| it.part.end >= span.end).map(|it| it.by)
    }
}

impl Piece {
    fn new(from: usize, file: FileId, at: Span, is_verbatim: bool) -> Self {
        let file = if is_verbatim { file.0 | VERBATIM } else { file.0 };
        Self { from: from as u32, file, at }
    }

    /// The index of its file.
    fn file(&self) -> usize {
        (self.file & !VERBATIM) as usize
    }

    fn is_verbatim(&self) -> bool {
        self.file & VERBATIM != 0
    }

    fn place(&self, offset: u32) -> Span {
        match self.is_verbatim() {
            true => {
                let start = self.at.start + offset.saturating_sub(self.from);
                Span { start: start.min(self.at.end), end: self.at.end }
            }
            false => self.at,
        }
    }
}

/// A text in the making, of pieces whose origins are known.
#[derive(Debug)]
pub struct Draft {
    path: String,
    text: String,
    origins: Origins,
}

impl Draft {
    /// An empty text. The path names it in the repository: the file that asks for the rendering,
    /// such as `overlays/prod/kustomization.yaml` or `chart/Chart.yaml`.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), text: String::new(), origins: Origins::default() }
    }

    /// Makes room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.text.reserve_exact(bytes);
    }

    /// Makes a file of the author known; the same file is known once.
    pub fn file(&mut self, source: &Arc<Source>) -> FileId {
        let known = self.origins.files.iter().rposition(|it| Arc::ptr_eq(it, source));
        let at = known.unwrap_or_else(|| {
            self.origins.files.push(source.clone());
            self.origins.files.len() - 1
        });
        FileId(at as u32)
    }

    /// Appends text that comes from `at` of a file: the very bytes, or what became of them.
    pub fn push(&mut self, text: &str, file: FileId, at: Span) {
        self.push_with(file, at, |it| it.push_str(text));
    }

    /// The same for text that `write` appends.
    pub fn push_with(&mut self, file: FileId, at: Span, write: impl FnOnce(&mut String)) {
        let from = self.text.len();
        write(&mut self.text);
        let source = self.origins.files[file.0 as usize].text.as_bytes();
        let verbatim =
            source.get(at.start as usize..at.end as usize) == self.text.as_bytes().get(from..);
        self.origins.pieces.push(Piece::new(from, file, at, verbatim));
    }

    /// Appends text that belongs to the piece before it: blanks, colons, quotes.
    pub fn glue(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// How long the text is so far.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The finished text, which knows its origins.
    pub fn finish(mut self) -> Source {
        self.text.shrink_to_fit();
        self.origins.pieces.shrink_to_fit();
        let mut source = Source::new(self.path, self.text);
        source.origins = Some(Box::new(self.origins));
        source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_rendered_text_is_a_place_of_a_file() {
        let base = Arc::new(Source::new("base/a.yaml", "x\nname: web\n"));
        let overlay = Arc::new(Source::new("prod/kustomization.yaml", "namePrefix: prod-\n"));
        let mut draft = Draft::new("prod/kustomization.yaml");
        let (a, b) = (draft.file(&base), draft.file(&overlay));
        assert_eq!(draft.file(&base), a);
        draft.push("name", a, Span::new(2, 6));
        draft.glue(": ");
        draft.push("prod-web", b, Span::new(12, 17));
        let rendered = draft.finish();
        assert_eq!(rendered.text, "name: prod-web");
        let (source, span) = rendered.author(Span::new(1, 4));
        assert_eq!((&*source.path, span), ("base/a.yaml", Span::new(3, 6)));
        let (source, span) = rendered.author(Span::new(6, 14));
        assert_eq!((&*source.path, source.slice(span)), ("prod/kustomization.yaml", "prod-"));
    }

    #[test]
    fn joined_files_keep_their_places_and_know_who_asked() {
        let files = [("api.yaml", "a: {$ref: b.yaml}"), ("b.yaml", "x:\n  y: 1\n")];
        let files = files.map(|(path, text)| Arc::new(Source::new(path, text))).to_vec();
        let asked = Asked { part: Span::new(18, 29), by: Span::new(10, 16) };
        let joined = Source::joined(files, vec![asked]);
        assert_eq!(joined.path, "api.yaml");
        let (source, span) = joined.author(Span::new(23, 24));
        assert_eq!((&*source.path, source.slice(span)), ("b.yaml", "y"));
        assert_eq!(joined.asked(Span::new(23, 24)).map(|it| joined.slice(it)), Some("b.yaml"));
        assert_eq!(joined.asked(Span::new(0, 1)), None);
        let (source, span) = joined.author(Span::new(17, 17));
        assert_eq!((&*source.path, span.start), ("api.yaml", 17));
    }
}
