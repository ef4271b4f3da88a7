//! The tree of a text that is being written: what reading the text would give, without reading it.

use super::{MAX_BYTES, MAX_DEPTH, fast, fast::Label, parse, scalar::Meaning};
use crate::{
    document::{IN_POOL, Id, Kind, Problem, Raw, Style, Tree},
    parse::keys,
    source::{Source, Span},
};

/// Longer keys are left to the reader.
const LONGEST_KEY: u32 = 500;

/// Takes down what is written, in the order of the text.
#[derive(Debug, Default)]
pub struct Builder {
    tree: Tree,
    open: u32,
    /// There is something that the reader may refuse.
    doubtful: bool,
}

impl Builder {
    /// Makes room for as many values as will be written.
    pub fn reserve(&mut self, values: usize) {
        self.tree.nodes.reserve_exact(values);
    }

    /// A new document starts.
    pub fn document(&mut self) {
        self.tree.roots.push(self.tree.nodes.len() as Id);
    }

    /// The label of what is written behind a key.
    pub fn key(&mut self, text: &str, written: Span) -> Label {
        let (start, len, flags) = self.text(text, written);
        self.doubtful |= len > LONGEST_KEY;
        Label::new(text, start, flags)
    }

    /// A map or a list in block style starts at a byte.
    pub fn open(&mut self, label: Label, kind: Kind, at: usize) -> Id {
        self.open += 1;
        self.doubtful |= self.open >= MAX_DEPTH;
        self.push(label, kind, Style::Plain, Span::new(at, at), (0, 0), 0)
    }

    /// It ends, with so many entries or items.
    pub fn close(&mut self, id: Id, count: usize) {
        self.open -= 1;
        let end = self.tree.nodes.last().map_or(0, |it| it.span.end);
        self.tree.nodes[id as usize].span.end = end;
        self.tree.close_with(id, count as u32);
    }

    /// An empty map or list, in braces or brackets.
    pub fn empty(&mut self, label: Label, kind: Kind, written: Span) {
        let id = self.push(label, kind, Style::Flow, written, (0, 0), 0);
        self.tree.close_with(id, 0);
    }

    /// A scalar without quotes.
    pub fn plain(&mut self, label: Label, text: &str, written: Span) {
        let Meaning { kind, low, high, flags } = Meaning::of(text, written.start);
        self.push(label, kind, Style::Plain, written, (low, high), flags);
    }

    /// Text in double quotes, which mean `text`.
    pub fn quoted(&mut self, label: Label, text: &str, written: Span) {
        let (low, high, flags) = self.text(text, written);
        let flags = if flags == 0 { 0 } else { IN_POOL };
        self.push(label, Kind::Str, Style::Double, written, (low, high), flags);
    }

    /// The tree of the finished text.
    pub fn finish(self, source: Source) -> (Tree, Vec<Problem>) {
        let text = &source.text;
        if self.doubtful || text.len() > MAX_BYTES || !fast::is_plain(text.as_bytes()) {
            return parse(source);
        }
        let mut tree = self.tree;
        tree.source = source.into();
        let problems = keys::repeated(&mut tree);
        debug_assert!(
            {
                let (read, _) = parse(Source::new("", tree.source.text.as_str()));
                let shown = |it: &Tree| format!("{:?} {} {:?}", it.nodes, it.pool, it.roots);
                shown(&read) == shown(&tree)
            },
            "what was written is not what is read"
        );
        (tree, problems)
    }

    /// Where a text is: as it is written, between quotes, or in the pool if it has escapes.
    fn text(&mut self, text: &str, written: Span) -> (u32, u32, u8) {
        let len = text.len() as u32;
        match written.end - written.start - len {
            0 => (written.start, len, 0),
            2 => (written.start + 1, len, 0),
            _ => {
                let start = self.tree.pool.len() as u32;
                self.tree.pool.push_str(text);
                (start, len, Label::POOLED)
            }
        }
    }

    fn push(
        &mut self,
        label: Label,
        kind: Kind,
        style: Style,
        span: Span,
        (low, high): (u32, u32),
        flags: u8,
    ) -> Id {
        self.tree.push(Raw { low, high, ..label.node(kind, style, span, flags) })
    }
}
