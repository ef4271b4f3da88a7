//! Built objects as text whose every piece knows its origin.

use std::{borrow::Cow, sync::Arc};

use super::model::{At, Data, Node};
use crate::{
    document::{Kind, Problem, Tree},
    parse::yaml::{Builder, Label},
    source::{Draft, FileId, Source, Span},
};

/// Writes built objects.
pub(super) struct Emitter<'f> {
    draft: Draft,
    builder: Builder,
    files: &'f [Arc<Source>],
    known: Vec<Option<FileId>>,
}

impl<'f> Emitter<'f> {
    /// An empty text; `path` names it, `files` are those of the places in objects.
    pub(super) fn new(path: &str, files: &'f [Arc<Source>]) -> Self {
        let (draft, builder) = (Draft::new(path), Builder::default());
        Self { draft, builder, files, known: vec![None; files.len()] }
    }

    /// Appends an object as a document of its own.
    pub(super) fn object(&mut self, object: &Node) {
        if !self.draft.is_empty() {
            self.draft.glue("---\n");
        }
        self.builder.document();
        self.block(object, 0, Label::NONE);
    }

    /// The finished text.
    pub(super) fn finish(self) -> Written {
        Written { source: self.draft.finish(), builder: self.builder }
    }

    fn push(&mut self, text: &str, at: At) -> Span {
        let index = at.file as usize;
        let file = *self.known[index].get_or_insert_with(|| self.draft.file(&self.files[index]));
        let start = self.draft.len();
        self.draft.push(text, file, at.span);
        Span::new(start, self.draft.len())
    }

    /// A value that starts at the beginning of a line, or behind the dash of a list.
    fn block(&mut self, node: &Node, indent: usize, label: Label) {
        match &node.data {
            Data::Map(entries) if !entries.is_empty() => {
                let map = self.builder.open(label, Kind::Map, self.draft.len());
                for (at, entry) in entries.iter().enumerate() {
                    if at > 0 {
                        self.blanks(indent);
                    }
                    let written = self.push(&scalar(&entry.key), entry.at);
                    let label = self.builder.key(&entry.key, written);
                    self.draft.glue(":");
                    self.value(&entry.value, indent, label);
                }
                self.builder.close(map, entries.len());
            }
            Data::List(items) if !items.is_empty() => {
                let list = self.builder.open(label, Kind::Seq, self.draft.len());
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.blanks(indent);
                    }
                    self.draft.glue("- ");
                    self.block(item, indent + 2, Label::NONE);
                }
                self.builder.close(list, items.len());
            }
            data => {
                let text = inline(node);
                let written = self.push(&text, node.at);
                self.draft.glue("\n");
                match data {
                    Data::Map(_) => self.builder.empty(label, Kind::Map, written),
                    Data::List(_) => self.builder.empty(label, Kind::Seq, written),
                    Data::Text(meant) if meant.len() < text.len() => {
                        self.builder.quoted(label, meant, written);
                    }
                    _ => self.builder.plain(label, &text, written),
                }
            }
        }
    }

    /// A value behind a key.
    fn value(&mut self, node: &Node, indent: usize, label: Label) {
        let is_block = match &node.data {
            Data::Map(entries) => !entries.is_empty(),
            Data::List(items) => !items.is_empty(),
            _ => false,
        };
        let indent = indent + 2;
        if is_block {
            self.draft.glue("\n");
            self.blanks(indent);
        } else {
            self.draft.glue(" ");
        }
        self.block(node, indent, label);
    }

    fn blanks(&mut self, count: usize) {
        const BLANKS: &str = "                                                                ";
        let mut left = count;
        while left > 0 {
            let some = left.min(BLANKS.len());
            self.draft.glue(&BLANKS[..some]);
            left -= some;
        }
    }
}

/// A text that was written, and what is known of it.
pub(super) struct Written {
    /// The text, which knows its origins.
    pub(super) source: Source,
    builder: Builder,
}

impl Written {
    /// The tree of the text.
    pub(super) fn tree(self) -> (Tree, Vec<Problem>) {
        self.builder.finish(self.source)
    }
}

fn inline(node: &Node) -> Cow<'_, str> {
    match &node.data {
        Data::Null => "null".into(),
        Data::Bool(value) => value.to_string().into(),
        Data::Number(text) => Cow::Borrowed(text),
        Data::Text(text) => scalar(text),
        Data::List(_) => "[]".into(),
        Data::Map(_) => "{}".into(),
    }
}

/// Text as YAML that every reader takes for the same text.
fn scalar(text: &str) -> Cow<'_, str> {
    const OTHERS: [&str; 11] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let bytes = text.as_bytes();
    let starts = bytes.first().is_some_and(|it| it.is_ascii_alphabetic() || *it == b'/');
    let is_safe = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'/' | b'-');
    let is_inside = |(at, it): (usize, &u8)| {
        is_safe(it) || matches!(it, b':' | b'@') && bytes.get(at + 1).is_some_and(is_safe)
    };
    let is_other = || text.len() < 6 && OTHERS.iter().any(|it| it.eq_ignore_ascii_case(text));
    let is_plain = starts && bytes.iter().enumerate().all(is_inside) && !is_other();
    if is_plain { text.into() } else { serde_json::to_string(text).unwrap_or_default().into() }
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn text_that_reads_as_something_else_is_quoted() {
        for plain in ["web", "/healthz", "nginx:1.27", "a.b/c@sha256"] {
            assert_eq!(scalar(plain), plain);
        }
        for (text, quoted) in [
            ("yes", "\"yes\""),
            ("1", "\"1\""),
            ("a: b", "\"a: b\""),
            ("", "\"\""),
            ("a:", "\"a:\""),
        ] {
            assert_eq!(scalar(text), quoted);
        }
    }
}
