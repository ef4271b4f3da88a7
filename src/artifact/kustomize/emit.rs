//! Built objects as text whose every piece knows its origin.

use std::{borrow::Cow, sync::Arc};

use super::model::{At, Data, Node};
use crate::source::{Draft, FileId, Source};

/// Writes built objects.
pub(super) struct Emitter<'f> {
    draft: Draft,
    files: &'f [Arc<Source>],
    known: Vec<Option<FileId>>,
}

impl<'f> Emitter<'f> {
    /// An empty text; `path` names it, `files` are those of the places in objects.
    pub(super) fn new(path: &str, files: &'f [Arc<Source>]) -> Self {
        Self { draft: Draft::new(path), files, known: vec![None; files.len()] }
    }

    /// Appends an object as a document of its own.
    pub(super) fn object(&mut self, object: &Node) {
        if !self.draft.is_empty() {
            self.draft.glue("---\n");
        }
        self.block(object, 0);
    }

    /// The finished text.
    pub(super) fn finish(self) -> Source {
        self.draft.finish()
    }

    fn push(&mut self, text: &str, at: At) {
        let index = at.file as usize;
        let file = *self.known[index].get_or_insert_with(|| self.draft.file(&self.files[index]));
        self.draft.push(text, file, at.span);
    }

    /// A value that starts at the beginning of a line, or behind the dash of a list.
    fn block(&mut self, node: &Node, indent: usize) {
        match &node.data {
            Data::Map(entries) if !entries.is_empty() => {
                for (at, entry) in entries.iter().enumerate() {
                    if at > 0 {
                        self.blanks(indent);
                    }
                    self.push(&scalar(&entry.key), entry.at);
                    self.draft.glue(":");
                    self.value(&entry.value, indent);
                }
            }
            Data::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.blanks(indent);
                    }
                    self.draft.glue("- ");
                    self.block(item, indent + 2);
                }
            }
            _ => {
                self.push(&inline(node), node.at);
                self.draft.glue("\n");
            }
        }
    }

    /// A value behind a key.
    fn value(&mut self, node: &Node, indent: usize) {
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
        self.block(node, indent);
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
    let starts = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/');
    let is_safe = |it: u8| it.is_ascii_alphanumeric() || b"._/-".contains(&it);
    let colons = text.bytes().enumerate().all(|(at, it)| {
        is_safe(it)
            || matches!(it, b':' | b'@')
                && text.as_bytes().get(at + 1).is_some_and(|it| is_safe(*it))
    });
    let is_plain = starts && colons && !OTHERS.iter().any(|it| it.eq_ignore_ascii_case(text));
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
