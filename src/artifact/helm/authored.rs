//! What templates printed, as a text whose places are those that the author of the chart can change.

use std::{ops::Range, sync::Arc};

use memchr::memmem::Finder;

use super::{
    archive,
    chart::Chart,
    output,
    rendering::{Rendered, Templates},
};
use crate::{
    document::Problem,
    source::{Draft, Source, Span},
};

/// What stands between the texts of two templates.
const SEPARATOR: &str = "\n---\n";

/// What the author of a chart can change: its files, and for what lies in a packed chart the line
/// that asks for it.
pub struct Authored {
    /// For each template that was read, its text or what asks for it.
    templates: Vec<(Arc<Source>, Option<Span>)>,
    chart: Arc<Source>,
    packed: Vec<(String, Span)>,
}

impl Authored {
    /// Of a chart whose templates were read.
    pub fn new(chart: &Chart, templates: &Templates) -> Self {
        let metadata = &chart.metadata.source;
        let mut it = Self {
            templates: Vec::new(),
            chart: Arc::new(Source::new(metadata.path.as_str(), metadata.text.as_str())),
            packed: Vec::new(),
        };
        for child in &chart.children {
            it.packed.push((child.folder.clone(), child.dependency.span));
        }
        let places = templates.sources.iter().map(|source| match it.asked_for(&source.path) {
            Some(span) => (it.chart.clone(), Some(span)),
            None => (source.clone(), None),
        });
        it.templates = places.collect();
        it
    }

    /// The line that asks for the packed chart in which a path lies.
    fn asked_for(&self, path: &str) -> Option<Span> {
        let archive = archive::archive_of(path)?;
        let known = self.packed.iter().find(|(folder, _)| folder == archive);
        Some(known.map_or(Span::default(), |(_, span)| *span))
    }

    /// Tells the problem of a packed chart at what asks for the chart.
    pub fn retarget(&self, problem: &mut Problem) {
        if let Some(span) = self.asked_for(&problem.path) {
            problem.reason = format!("{}: {}", problem.path, problem.reason);
            problem.path.clone_from(&self.chart.path);
            problem.start = self.chart.position(span.start);
        }
    }

    /// What a chart printed, as one text of many documents.
    pub fn text(&self, path: &str, rendered: &[Rendered]) -> Source {
        let mut draft = Draft::new(path);
        draft.reserve(rendered.iter().map(|it| it.output.text.len() + SEPARATOR.len()).sum());
        let mark = Finder::new("---");
        for it in rendered {
            if !draft.is_empty() {
                draft.glue(SEPARATOR);
            }
            let text = &it.output.text;
            let ends = it.output.pieces.iter().skip(1).map(|it| it.from).chain([text.len()]);
            for (piece, end) in it.output.pieces.iter().zip(ends) {
                let (source, asked_for) = &self.templates[piece.place.file];
                let file = draft.file(source);
                let place = |part| asked_for.unwrap_or_else(|| part_of(piece, end, part));
                let mut from = piece.from;
                for at in after_marks(&mark, text, piece.from..end) {
                    draft.push(&text[from..at], file, place(from..at));
                    draft.glue("\n");
                    from = at;
                }
                draft.push(&text[from..end], file, place(from..end));
            }
        }
        draft.finish()
    }
}

/// The place of the bytes `from..to` of a piece: those very bytes where all of it was written so,
/// otherwise the action that made them.
fn part_of(piece: &output::Piece, end: usize, part: Range<usize>) -> Span {
    let place = piece.place.span;
    if (place.end - place.start) as usize != end - piece.from {
        return place;
    }
    let start = place.start as usize + part.start - piece.from;
    Span::new(start, start + part.len())
}

/// Where text follows a document mark on its line: Helm takes `---# text` apart, YAML does not.
fn after_marks(mark: &Finder<'_>, text: &str, range: Range<usize>) -> Vec<usize> {
    let bytes = text.as_bytes();
    mark.find_iter(&bytes[range.clone()])
        .map(|at| at + range.start)
        .filter(|at| *at == 0 || bytes[at - 1] == b'\n')
        .filter(|at| bytes.get(at + 3).is_some_and(|it| !b" \t\r\n-".contains(it)))
        .map(|at| at + 3)
        .collect()
}
