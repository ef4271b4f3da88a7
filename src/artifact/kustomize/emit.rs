//! Built objects as text whose every piece knows its origin.

use std::sync::Arc;

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

    /// Makes room for objects that will be appended.
    pub(super) fn reserve(&mut self, objects: &[&Node]) {
        self.builder.reserve(objects.iter().map(|it| it.size()).sum());
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

    fn push(&mut self, at: At, write: impl FnOnce(&mut String)) -> Span {
        let index = at.file as usize;
        let file = *self.known[index].get_or_insert_with(|| self.draft.file(&self.files[index]));
        let start = self.draft.len();
        self.draft.push_with(file, at.span, write);
        Span::new(start, self.draft.len())
    }

    /// Text, in quotes if it needs them.
    fn text(&mut self, text: &str, at: At) -> Span {
        match is_plain(text) {
            true => self.push(at, |it| it.push_str(text)),
            false => self.push(at, |it| quote(text, it)),
        }
    }

    /// A scalar that is no text.
    fn plain(&mut self, text: &str, at: At, label: Label) {
        let written = self.push(at, |it| it.push_str(text));
        self.builder.plain(label, text, written);
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
                    let written = self.text(&entry.key, entry.at);
                    let label = self.builder.key(&entry.key, written);
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
                self.inline(data, node.at, label);
                self.draft.glue("\n");
            }
        }
    }

    /// A scalar, or a map or a list with nothing in it.
    fn inline(&mut self, data: &Data, at: At, label: Label) {
        match data {
            Data::Null => self.plain("null", at, label),
            Data::Bool(true) => self.plain("true", at, label),
            Data::Bool(false) => self.plain("false", at, label),
            Data::Number(text) => self.plain(text, at, label),
            Data::Text(text) => {
                let written = self.text(text, at);
                match written.end - written.start == text.len() as u32 {
                    true => self.builder.plain(label, text, written),
                    false => self.builder.quoted(label, text, written),
                }
            }
            Data::List(_) => {
                let written = self.push(at, |it| it.push_str("[]"));
                self.builder.empty(label, Kind::Seq, written);
            }
            Data::Map(_) => {
                let written = self.push(at, |it| it.push_str("{}"));
                self.builder.empty(label, Kind::Map, written);
            }
        }
    }

    /// The colon behind a key, and its value.
    fn value(&mut self, node: &Node, indent: usize, label: Label) {
        let is_block = match &node.data {
            Data::Map(entries) => !entries.is_empty(),
            Data::List(items) => !items.is_empty(),
            _ => false,
        };
        let indent = indent + 2;
        if is_block {
            self.draft.glue(":\n");
            self.blanks(indent);
        } else {
            self.draft.glue(": ");
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

/// The bytes that plain text may have anywhere but at its start.
const SAFE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let it = byte as u8;
        table[byte] = it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'/' | b'-');
        byte += 1;
    }
    table
};

/// Whether every reader of YAML takes the bare text for the same text.
fn is_plain(text: &str) -> bool {
    const OTHERS: [&str; 11] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let bytes = text.as_bytes();
    let starts = bytes.first().is_some_and(|it| it.is_ascii_alphabetic() || *it == b'/');
    let is_safe = |it: &u8| SAFE[usize::from(*it)];
    let is_inside = |(at, it): (usize, &u8)| {
        is_safe(it) || matches!(it, b':' | b'@') && bytes.get(at + 1).is_some_and(is_safe)
    };
    let is_other = || text.len() < 6 && OTHERS.iter().any(|it| it.eq_ignore_ascii_case(text));
    let all_inside = || bytes.iter().enumerate().all(is_inside);
    starts && (bytes.iter().all(is_safe) || all_inside()) && !is_other()
}

/// Writes text in double quotes, with the escapes of JSON.
fn quote(text: &str, into: &mut String) {
    // Without branches, so that many bytes are looked at at once.
    let has_rare = text.bytes().fold(false, |any, it| any | ((it < 0x20) & (it != b'\n')));
    let is_escaped = |it: u8| it < 0x20 || matches!(it, b'"' | b'\\');
    let first_escaped = |text: &str| match has_rare {
        true => text.bytes().position(is_escaped),
        false => memchr::memchr3(b'\n', b'"', b'\\', text.as_bytes()),
    };
    into.reserve(text.len() + 2);
    into.push('"');
    let mut rest = text;
    while let Some(at) = first_escaped(rest) {
        into.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'\n' => into.push_str("\\n"),
            b'\t' => into.push_str("\\t"),
            b'\r' => into.push_str("\\r"),
            b'"' => into.push_str("\\\""),
            b'\\' => into.push_str("\\\\"),
            0x08 => into.push_str("\\b"),
            0x0c => into.push_str("\\f"),
            other => into.push_str(&format!("\\u{other:04x}")),
        }
        rest = &rest[at + 1..];
    }
    into.push_str(rest);
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::{is_plain, quote};

    #[test]
    fn text_that_reads_as_something_else_is_quoted() {
        for plain in ["web", "/healthz", "nginx:1.27", "a.b/c@sha256"] {
            assert!(is_plain(plain), "{plain}");
        }
        for text in ["yes", "1", "a: b", "", "a:", "é"] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn quoted_text_is_json() {
        let every: String = (0..0x100).filter_map(char::from_u32).collect();
        for text in ["", "a: b", "\n", "say \"hi\"\n\ta\\b", "é😀\u{2028}", &*every] {
            let mut quoted = String::new();
            quote(text, &mut quoted);
            assert_eq!(quoted, serde_json::to_string(text).unwrap());
        }
    }
}
