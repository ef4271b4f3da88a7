//! JSON to a tree, with the places where everything was written.
//!
//! Comments, trailing commas and missing commas are reported and read over; anything else loses
//! the value that it is in. Several values in one file are several documents.

use super::keys;
use crate::{
    document::{IN_POOL, Id, KEY_IN_POOL, Kind, NO_KEY, Problem, Raw, Style, Tree, Trouble},
    parse::yaml::{MAX_BYTES, MAX_DEPTH},
    source::{Source, Span},
};

/// How many problems of one file are reported.
const MAX_PROBLEMS: usize = 20;

/// Reads every value of a text. Never fails: what cannot be read is a problem.
pub fn parse(source: Source) -> (Tree, Vec<Problem>) {
    if source.text.len() > MAX_BYTES {
        let reason = format!("longer than {} MiB: not read", MAX_BYTES >> 20);
        let problem = Problem::at(&source, 0, Trouble::Limit, reason);
        return (Tree::new(source), vec![problem]);
    }
    let at = if source.text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut reader =
        Reader { text: &source.text, at, tree: Tree::default(), found: Vec::new(), depth: 0 };
    reader.documents();
    let Reader { mut tree, found, .. } = reader;
    let mut problems: Vec<_> = found
        .into_iter()
        .take(MAX_PROBLEMS)
        .map(|wrong| Problem::at(&source, wrong.at as u32, wrong.kind, wrong.reason))
        .collect();
    tree.adopt(source);
    problems.extend(keys::repeated(&mut tree));
    problems.sort();
    (tree, problems)
}

/// What is wrong, and where.
struct Wrong {
    at: usize,
    kind: Trouble,
    reason: String,
}

/// Where the text of a string lies.
struct Text {
    start: usize,
    len: usize,
    pooled: bool,
}

/// The key that the next node gets: its place and flags.
#[derive(Clone, Copy)]
struct Label {
    start: u32,
    len: u32,
    flags: u8,
}

const NO_LABEL: Label = Label { start: 0, len: NO_KEY, flags: 0 };

struct Reader<'a> {
    text: &'a str,
    at: usize,
    tree: Tree,
    found: Vec<Wrong>,
    depth: u32,
}

type Read<T> = Result<T, Wrong>;

impl Reader<'_> {
    fn documents(&mut self) {
        self.space();
        while self.at < self.text.len() {
            let (nodes, root) = (self.tree.nodes.len(), self.tree.nodes.len() as Id);
            self.depth = 0;
            if let Err(wrong) = self.value(NO_LABEL) {
                self.tree.nodes.truncate(nodes);
                self.found.push(wrong);
                return;
            }
            self.tree.roots.push(root);
            self.space();
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, at: usize, reason: impl Into<String>) -> Wrong {
        Wrong { at, kind: Trouble::Syntax, reason: reason.into() }
    }

    /// Reports something that can be read over, where it first is.
    fn note(&mut self, at: usize, reason: &str) {
        let known = self.found.iter().any(|it| it.reason == reason);
        if !known && self.found.len() < MAX_PROBLEMS {
            let wrong = self.wrong(at, reason);
            self.found.push(wrong);
        }
    }

    /// Passes over white space and comments.
    fn space(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(b'/') => {
                    let rest = &self.text[self.at..];
                    let len = if rest.starts_with("//") {
                        rest.find('\n').unwrap_or(rest.len())
                    } else if rest.starts_with("/*") {
                        rest.find("*/").map_or(rest.len(), |end| end + 2)
                    } else {
                        return;
                    };
                    self.note(self.at, "JSON has no comments: other readers refuse this file");
                    self.at += len;
                }
                _ => return,
            }
        }
    }

    fn value(&mut self, label: Label) -> Read<()> {
        let at = self.at;
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                let flags = if text.pooled { IN_POOL } else { 0 };
                let (low, high) = (text.start as u32, text.len as u32);
                self.push(label, Kind::Str, Style::Double, at, (low, high), flags);
            }
            Some(b'{') => self.container(label, Kind::Map)?,
            Some(b'[') => self.container(label, Kind::Seq)?,
            Some(b'-' | b'0'..=b'9') => self.number(label)?,
            Some(_) => self.word(label)?,
            None => return Err(self.wrong(at, "the text ends where a value should be")),
        }
        Ok(())
    }

    fn push(
        &mut self,
        label: Label,
        kind: Kind,
        style: Style,
        start: usize,
        (low, high): (u32, u32),
        flags: u8,
    ) -> Id {
        let span = Span::new(start, self.at);
        let (key, key_len, flags) = (label.start, label.len, label.flags | flags);
        self.tree.push(Raw { kind, style, flags, tag: 0, key, key_len, span, low, high })
    }

    fn word(&mut self, label: Label) -> Read<()> {
        let (at, rest) = (self.at, &self.text[self.at..]);
        let len = rest.bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count();
        let (kind, low) = match &rest[..len] {
            "true" => (Kind::Bool, 1),
            "false" => (Kind::Bool, 0),
            "null" => (Kind::Null, 0),
            _ => return Err(self.unknown()),
        };
        self.at += len;
        self.push(label, kind, Style::Plain, at, (low, 0), 0);
        Ok(())
    }

    fn unknown(&self) -> Wrong {
        let rest = &self.text[self.at..];
        if rest.starts_with("{{") || rest.starts_with("{%") || rest.starts_with("<%") {
            let reason = "an un-rendered template: render it first";
            return Wrong { at: self.at, kind: Trouble::Template, reason: reason.into() };
        }
        let shown: String = rest.chars().take_while(|it| !it.is_whitespace()).take(20).collect();
        self.wrong(self.at, format!("expected a value, not `{shown}`"))
    }

    fn number(&mut self, label: Label) -> Read<()> {
        let at = self.at;
        let rest = &self.text[at..];
        let part = |it: &u8| matches!(it, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let len = rest.bytes().take_while(part).count();
        let written = &rest[..len];
        self.at += len;
        let digits = written.strip_prefix('-').unwrap_or(written);
        let whole = digits.bytes().all(|it| it.is_ascii_digit());
        if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0') && whole) {
            return Err(self.wrong(at, format!("`{written}` is no number of JSON")));
        }
        let halves = |bits: u64| (bits as u32, (bits >> 32) as u32);
        let (kind, value) = match (whole, written.parse::<i64>(), written.parse::<f64>()) {
            (true, Ok(value), _) => (Kind::Int, halves(value as u64)),
            (_, _, Ok(value)) => (Kind::Float, halves(value.to_bits())),
            _ => return Err(self.wrong(at, format!("`{written}` is no number of JSON"))),
        };
        self.push(label, kind, Style::Plain, at, value, 0);
        Ok(())
    }

    fn container(&mut self, label: Label, kind: Kind) -> Read<()> {
        let start = self.at;
        if self.text[start..].starts_with("{{") || self.text[start..].starts_with("{%") {
            return Err(self.unknown());
        }
        if self.depth >= MAX_DEPTH {
            let reason = format!("nested deeper than {MAX_DEPTH} levels: not read");
            return Err(Wrong { at: start, kind: Trouble::Limit, reason });
        }
        let close = if kind == Kind::Map { b'}' } else { b']' };
        let id = self.push(label, kind, Style::Flow, start, (0, 0), 0);
        self.depth += 1;
        self.at += 1;
        self.space();
        let mut count = 0;
        while self.peek() != Some(close) {
            if self.peek().is_none() {
                let open = self.text.as_bytes()[start] as char;
                return Err(self.wrong(start, format!("this `{open}` is never closed")));
            }
            let label = if kind == Kind::Map { self.label()? } else { NO_LABEL };
            self.value(label)?;
            count += 1;
            self.space();
            self.comma(close)?;
        }
        self.at += 1;
        self.depth -= 1;
        self.tree.nodes[id as usize].span.end = self.at as u32;
        self.tree.close_with(id, count);
        Ok(())
    }

    /// Between two items: one comma.
    fn comma(&mut self, close: u8) -> Read<()> {
        let at = self.at;
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                if self.peek() == Some(close) {
                    self.note(at, "a comma before the closing bracket: other readers refuse it");
                }
            }
            Some(b'"') => self.note(at, "a comma is missing before this"),
            Some(it) if it != close => {
                let shown = self.text[at..].chars().next().unwrap_or_default();
                let reason = format!("expected `,` or `{}`, not `{shown}`", close as char);
                return Err(self.wrong(at, reason));
            }
            _ => {}
        }
        Ok(())
    }

    /// A key and its colon.
    fn label(&mut self) -> Read<Label> {
        let at = self.at;
        if self.peek() != Some(b'"') {
            let shown = self.text[at..].chars().next().unwrap_or_default();
            return Err(self.wrong(at, format!("expected a key in double quotes, not `{shown}`")));
        }
        let text = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.wrong(self.at, "expected `:` after the key"));
        }
        self.at += 1;
        self.space();
        let flags = if text.pooled { KEY_IN_POOL } else { 0 };
        Ok(Label { start: text.start as u32, len: text.len as u32, flags })
    }

    fn string(&mut self) -> Read<Text> {
        let open = self.at;
        let start = open + 1;
        let bytes = self.text.as_bytes();
        let stop = |from: usize| memchr::memchr3(b'"', b'\\', b'\n', &bytes[from..]);
        let unclosed = || Wrong {
            at: open,
            kind: Trouble::Syntax,
            reason: "this quote is never closed".to_owned(),
        };
        let mut at = start + stop(start).ok_or_else(unclosed)?;
        if bytes[at] == b'"' {
            self.at = at + 1;
            return Ok(Text { start, len: at - start, pooled: false });
        }
        let pool = self.tree.pool.len();
        self.tree.pool.push_str(&self.text[start..at]);
        loop {
            match bytes[at] {
                b'"' => break,
                b'\\' => {
                    let (character, len) = escape(&self.text[at..]).ok_or_else(|| {
                        self.wrong(at, "no such escape: write `\\\\` for a backslash")
                    })?;
                    self.tree.pool.push(character);
                    at += len;
                }
                _ => return Err(unclosed()),
            }
            let next = at + stop(at).ok_or_else(unclosed)?;
            self.tree.pool.push_str(&self.text[at..next]);
            at = next;
        }
        self.at = at + 1;
        Ok(Text { start: pool, len: self.tree.pool.len() - pool, pooled: true })
    }
}

/// The character that an escape stands for, and how long the escape is.
fn escape(text: &str) -> Option<(char, usize)> {
    let simple = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((simple, 2))
}

/// `\u1234`, or two of them for a character beyond 16 bits; half a pair is U+FFFD.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        let valid = digits.bytes().all(|it| it.is_ascii_hexdigit());
        valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    let first = unit(0)?;
    if (0xD800..0xDC00).contains(&first)
        && let Some(second @ 0xDC00..0xE000) = unit(6)
    {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code)?, 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Node;

    fn read(text: &str) -> (Tree, Vec<Problem>) {
        parse(Source::new("x.json", text))
    }

    fn told(text: &str) -> Vec<String> {
        let line = |it: Problem| format!("{}:{} {}", it.start.line, it.start.column, it.reason);
        read(text).1.into_iter().map(line).collect()
    }

    #[test]
    fn values_keep_their_places() {
        let (tree, problems) = read("{\n  \"a\": [1, -2.5, \"x\\u00e9\\n\"],\n  \"b\": null\n}\n");
        assert_eq!(problems, []);
        let root = tree.node(tree.roots[0]);
        assert_eq!(format!("{root:?}"), r#"{"a": [1, -2.5, "xé\n"], "b": null}"#);
        let list = root.get("a").unwrap();
        assert_eq!(tree.source.slice(list.span()), "[1, -2.5, \"x\\u00e9\\n\"]");
        assert_eq!((list.start().line, list.start().column), (2, 4));
        assert_eq!(list.item(2).unwrap().written(), "\"x\\u00e9\\n\"");
    }

    #[test]
    fn small_slips_are_reported_and_read_over() {
        let text = "{ // why\n \"a\": [1,],\n \"b\": 2\n \"c\": 3 }";
        let (tree, problems) = read(text);
        assert_eq!(problems.len(), 3);
        assert_eq!(problems.iter().map(|it| it.start.line).collect::<Vec<_>>(), [1, 2, 4]);
        let root = tree.node(tree.roots[0]);
        assert_eq!(root.get("c").and_then(Node::as_int), Some(3));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        assert_eq!(told("{\"a\": 1"), ["1:1 this `{` is never closed"]);
        assert_eq!(told("{\"a\": \"x\n}"), ["1:7 this quote is never closed"]);
        assert_eq!(told("[1 2]"), ["1:4 expected `,` or `]`, not `2`"]);
        assert_eq!(told("[NaN]"), ["1:2 expected a value, not `NaN]`"]);
        assert_eq!(told("[01]"), ["1:2 `01` is no number of JSON"]);
        assert_eq!(told("{a: 1}"), ["1:2 expected a key in double quotes, not `a`"]);
        assert_eq!(read("{\"a\": {{ .x }}}").1[0].kind, Trouble::Template);
        assert!(read("{\"a\": 1").0.roots.is_empty());
    }

    #[test]
    fn limits_are_problems() {
        assert_eq!(read(&"[".repeat(100_000)).1[0].kind, Trouble::Limit);
        let nested = format!("{}{}", "[".repeat(150), "]".repeat(150));
        assert_eq!(read(&nested).1, []);
    }

    #[test]
    fn numbers_texts_and_streams_are_exact() {
        let (tree, problems) = read("9223372036854775807\n1e2 \"\\ud83d\\ude00\\ud800\"\n\u{20}");
        assert_eq!(problems, []);
        let all: Vec<_> = tree.documents().map(Node::display).collect();
        assert_eq!(all, ["9223372036854775807", "100", "😀\u{fffd}"]);
        assert_eq!(told("{\"a\": 1, \"a\": 2}").len(), 1);
    }
}
