//! Puts a value under a key of a map that is written in YAML or JSON, and takes entries out: in
//! the style and at the indentation of what is there, without touching anything else.

use serde_json::Value;

use crate::{
    document::{Id, KEY_IN_POOL, Kind, NO_KEY, Node, Raw, Style, Tree},
    source::Span,
};

/// What to write, and over which part of the text.
pub type Change = (Span, String);

/// Puts `value` at the end of `path` below a map; maps on the way are made where they are missing.
/// Nothing if the map is not written, or where it would change what an alias shows elsewhere.
pub fn put(map: Node<'_>, path: &[&str], value: &Value) -> Option<Change> {
    let text = Text { tree: map.tree(), is_json: map.tree().source.name().ends_with(".json") };
    let mut id = map.id();
    for (at, key) in path.iter().enumerate() {
        let raw = text.raw(id);
        if raw.kind != Kind::Map || raw.style == Style::Derived {
            return None;
        }
        let below = || nested(&path[at + 1..], value);
        let Some(entry) = text.entry(id, key) else { return text.insert(id, key, &below()) };
        let old = text.raw(entry);
        match old.kind {
            _ if at + 1 == path.len() && old.kind != Kind::Alias => {
                return text.replace(id, entry, value);
            }
            Kind::Null => return text.replace(id, entry, &below()),
            Kind::Map => id = entry,
            _ => return None,
        }
    }
    None
}

/// What to remove to take an entry out of a map in block style: its lines.
pub fn take(entry: Node<'_>) -> Option<Change> {
    let text = Text { tree: entry.tree(), is_json: false };
    let (source, raw) = (&entry.tree().source, text.raw(entry.id()));
    let key = text.key_start(raw)?;
    let line = text.line_start(key);
    let before = source.text.get(line..key)?;
    if raw.style == Style::Derived || !before.trim().is_empty() {
        return None;
    }
    let end = text.line_end(text.end(entry.id()));
    let rest = source.text.get(end..)?;
    let is_flow = source.text[..line].trim_end().ends_with(['{', ',', '[']);
    let end = end + usize::from(rest.starts_with('\r')) + usize::from(!rest.is_empty());
    (!is_flow).then(|| (Span::new(line, end.min(source.text.len())), String::new()))
}

/// `value` below maps with one key each.
fn nested(path: &[&str], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |below, key| {
        Value::Object([((*key).to_owned(), below)].into_iter().collect())
    })
}

/// A tree that is written in YAML or JSON, and its text.
struct Text<'t> {
    tree: &'t Tree,
    is_json: bool,
}

impl Text<'_> {
    fn raw(&self, id: Id) -> &Raw {
        &self.tree.nodes[id as usize]
    }

    fn source(&self) -> &str {
        &self.tree.source.text
    }

    /// The children of a container as they are written: links are not followed.
    fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        let end = self.raw(id).low;
        let first = (id + 1 < end).then_some(id + 1);
        std::iter::successors(first, move |&at| {
            let raw = self.raw(at);
            let next = if matches!(raw.kind, Kind::Map | Kind::Seq) { raw.low } else { at + 1 };
            (next < end).then_some(next)
        })
    }

    /// The last entry with this key.
    fn entry(&self, map: Id, key: &str) -> Option<Id> {
        let spells = |id: &Id| {
            let raw = self.raw(*id);
            let pool = if raw.flags & KEY_IN_POOL == 0 { self.source() } else { &self.tree.pool };
            let range = raw.key as usize..raw.key.saturating_add(raw.key_len) as usize;
            raw.key_len != NO_KEY && pool.get(range) == Some(key)
        };
        self.children(map).filter(spells).last()
    }

    /// Where the key of an entry starts, with its quote.
    fn key_start(&self, raw: &Raw) -> Option<usize> {
        if raw.key_len == NO_KEY || raw.flags & KEY_IN_POOL != 0 {
            return None;
        }
        let start = raw.key as usize;
        let is_quoted = self.source()[..start].ends_with(['"', '\'']);
        Some(start - usize::from(is_quoted))
    }

    /// One past the colon behind the key of an entry.
    fn colon(&self, raw: &Raw) -> Option<usize> {
        self.key_start(raw)?;
        let end = (raw.key + raw.key_len) as usize;
        let rest = self.source().get(end..)?;
        let blank = rest.len() - rest.trim_start_matches(['"', '\'', ' ', '\t']).len();
        rest[blank..].starts_with(':').then_some(end + blank + 1)
    }

    fn line_start(&self, at: usize) -> usize {
        self.source()[..at].rfind('\n').map_or(0, |it| it + 1)
    }

    /// Where the line ends that holds a byte, before its line break.
    fn line_end(&self, at: usize) -> usize {
        let rest = &self.source()[at..];
        let line = rest.split('\n').next().unwrap_or(rest);
        at + line.trim_end_matches('\r').len()
    }

    /// Where a node ends, as written.
    fn end(&self, id: Id) -> usize {
        let raw = self.raw(id);
        match raw.kind {
            Kind::Map | Kind::Seq if raw.style != Style::Flow => {
                self.children(id).last().map_or(raw.span.end as usize, |it| self.end(it))
            }
            Kind::Null if raw.span.start == raw.span.end => {
                self.colon(raw).unwrap_or(raw.span.end as usize)
            }
            _ if raw.style == Style::Literal && self.keeps(raw) => {
                // Its blank lines belong to it.
                let end = raw.span.end as usize;
                let rest = &self.source()[end..];
                let blank = rest.len() - rest.trim_start().len();
                let blank = rest[..blank].rfind('\n').unwrap_or(0);
                end + rest[..blank].trim_end_matches('\r').len()
            }
            _ => raw.span.end as usize,
        }
    }

    fn keeps(&self, raw: &Raw) -> bool {
        let header = self.tree.source.slice(raw.span).lines().next().unwrap_or("");
        header.split('#').next().unwrap_or("").contains('+')
    }

    /// How far an entry of a map in block style is indented: only blanks and dashes stand before.
    fn indent(&self, map: Id) -> Option<usize> {
        let first = self.children(map).next()?;
        let start = self.key_start(self.raw(first))?;
        let before = &self.source()[self.line_start(start)..start];
        before.bytes().all(|it| matches!(it, b' ' | b'-')).then_some(before.len())
    }

    fn insert(&self, map: Id, key: &str, value: &Value) -> Option<Change> {
        if self.raw(map).style == Style::Flow {
            return self.insert_in_flow(map, key, value);
        }
        let indent = self.indent(map)?;
        let at = self.line_end(self.end(map));
        let mut lines = Lines::of(self);
        lines.entry(indent, key, value);
        Some((Span::new(at, at), self.with_breaks(format!("\n{}", lines.out))))
    }

    fn insert_in_flow(&self, map: Id, key: &str, value: &Value) -> Option<Change> {
        let (start, end) = (self.raw(map).span.start as usize, self.raw(map).span.end as usize);
        let entry = format!("{}: {}", self.flow_key(key), self.flow(value));
        let Some(last) = self.children(map).last() else {
            return Some((Span::new(start, end), format!("{{{entry}}}")));
        };
        let at = self.end(last);
        let comma = self.source().get(at..end)?.find(',');
        let (at, comma) = comma.map_or((at, ","), |it| (at + it + 1, ""));
        let key = self.key_start(self.raw(last))?;
        let line = self.line_start(key);
        let gap = match line > start {
            true => format!("\n{}", &self.source()[line..key].replace(|it| it != '\t', " ")),
            false => " ".to_owned(),
        };
        Some((Span::new(at, at), self.with_breaks(format!("{comma}{gap}{entry}"))))
    }

    /// Puts a value in place of the one that an entry of a map has.
    fn replace(&self, map: Id, entry: Id, value: &Value) -> Option<Change> {
        let old = self.raw(entry);
        let is_block = |kind: Kind| matches!(kind, Kind::Map | Kind::Seq);
        let was_block = is_block(old.kind) && old.style != Style::Flow;
        let colon = self.colon(old)?;
        let end = self.end(entry).max(colon);
        if self.raw(map).style == Style::Flow || !is_container(value) {
            let from = match was_block || old.span.start == old.span.end {
                true => colon,
                false => old.span.start as usize,
            };
            let blank = if from == colon { " " } else { "" };
            let text = match self.raw(map).style == Style::Flow {
                true => self.flow(value),
                false => scalar(value),
            };
            return Some((Span::new(from, end.max(from)), format!("{blank}{text}")));
        }
        let mut lines = Lines::of(self);
        lines.value(self.indent(map)?, value);
        let text = self.with_breaks(format!("\n{}", lines.out));
        // A comment behind the key of a block stays.
        let line_end = self.line_end(colon);
        let starts_below = self.line_start(old.span.start as usize) > colon;
        let is_empty = old.span.start == old.span.end;
        let from = if (was_block && starts_below) || is_empty { line_end } else { colon };
        let end = if is_empty { from } else { end.max(from) };
        Some((Span::new(from, end), text))
    }

    fn flow_key(&self, key: &str) -> String {
        if self.is_json { Value::from(key).to_string() } else { word(key) }
    }

    fn flow(&self, value: &Value) -> String {
        let list = |items: Vec<String>| items.join(", ");
        match value {
            Value::Array(items) => {
                format!("[{}]", list(items.iter().map(|it| self.flow(it)).collect()))
            }
            Value::Object(entries) => {
                let entry =
                    |(key, it): (&String, _)| format!("{}: {}", self.flow_key(key), self.flow(it));
                format!("{{{}}}", list(entries.iter().map(entry).collect()))
            }
            Value::String(_) if self.is_json => value.to_string(),
            _ => scalar(value),
        }
    }

    fn with_breaks(&self, text: String) -> String {
        if self.source().contains("\r\n") { text.replace('\n', "\r\n") } else { text }
    }
}

/// Whether a value takes lines of its own.
fn is_container(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        _ => false,
    }
}

/// A value on one line of a block.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        _ => value.to_string(),
    }
}

/// A text as YAML reads it back: in quotes where it could be read as anything else.
fn word(text: &str) -> String {
    let is_plain = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || "._/-@".contains(it));
    let means_more = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_plain && !means_more.contains(&text.to_ascii_lowercase().as_str()) {
        true => text.to_owned(),
        false => Value::from(text).to_string(),
    }
}

/// Lines in block style.
struct Lines {
    out: String,
    /// How far a map is indented below its key, and a list.
    steps: (usize, usize),
}

impl Lines {
    /// Indented as the text is.
    fn of(text: &Text<'_>) -> Self {
        let column = |at: usize| at - text.line_start(at);
        let step = |wanted: Kind| {
            text.tree.nodes.iter().enumerate().find_map(|(id, raw)| {
                if raw.kind != wanted || raw.style != Style::Plain {
                    return None;
                }
                let first = match wanted {
                    Kind::Map => text.key_start(text.raw(text.children(id as Id).next()?))?,
                    _ => raw.span.start as usize,
                };
                let own = text.key_start(raw)?;
                (text.line_start(first) > own).then(|| column(first).checked_sub(column(own)))?
            })
        };
        let map = step(Kind::Map).filter(|it| (1..=8).contains(it)).unwrap_or(2);
        Self { out: String::new(), steps: (map, step(Kind::Seq).unwrap_or(map).min(8)) }
    }

    fn entry(&mut self, indent: usize, key: &str, value: &Value) {
        self.out.push_str(&" ".repeat(indent));
        self.key(indent, key, value);
    }

    fn key(&mut self, indent: usize, key: &str, value: &Value) {
        self.out.push_str(&word(key));
        self.out.push(':');
        if is_container(value) {
            self.out.push('\n');
            self.value(indent, value);
        } else {
            self.out.push(' ');
            self.out.push_str(&scalar(value));
        }
    }

    /// A container below a key that is indented so far.
    fn value(&mut self, indent: usize, value: &Value) {
        let mut first = true;
        let mut next = |lines: &mut Self| {
            if !std::mem::take(&mut first) {
                lines.out.push('\n');
            }
        };
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    next(self);
                    self.entry(indent + self.steps.0, key, value);
                }
            }
            Value::Array(items) => {
                for item in items {
                    next(self);
                    self.item(indent + self.steps.1, item);
                }
            }
            _ => {}
        }
    }

    fn item(&mut self, indent: usize, item: &Value) {
        self.out.push_str(&" ".repeat(indent));
        self.out.push_str("- ");
        match item {
            Value::Object(entries) if !entries.is_empty() => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        self.out.push('\n');
                        self.out.push_str(&" ".repeat(indent + 2));
                    }
                    self.key(indent + 2, key, value);
                }
            }
            Value::Array(_) => self.out.push_str("[]"),
            _ => self.out.push_str(&scalar(item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        parse::{json, yaml},
        source::Source,
    };

    /// The text after a value was put at the end of a path below the node at another path.
    fn after(name: &str, text: &str, at: &str, path: &str, value: Value) -> String {
        let source = Source::new(name, text);
        let (tree, problems) =
            if name.ends_with(".json") { json::parse(source) } else { yaml::parse(source) };
        assert_eq!(problems, []);
        let step = |node: Node<'_>, key: &str| match key.parse() {
            Ok(index) => node.item(index).map(|it| it.id()),
            Err(_) => node.get(key).map(|it| it.id()),
        };
        let mut id = tree.roots[0];
        for key in at.split('.').filter(|it| !it.is_empty()) {
            id = step(tree.node(id), key).expect(key);
        }
        let path: Vec<_> = path.split('.').collect();
        let (span, new) = put(tree.node(id), &path, &value).expect("no change");
        let mut text = text.to_owned();
        text.replace_range(span.start as usize..span.end as usize, &new);
        text
    }

    fn yaml(text: &str, at: &str, path: &str, value: Value) -> String {
        after("a.yaml", text, at, path, value)
    }

    const POD: &str = "spec:\n  containers:\n  - name: a # first\n    image: b # pinned\n    args: [x]\n  # between\n  - name: c\n";

    #[test]
    fn a_missing_key_goes_below_the_last_entry() {
        let text = yaml(POD, "spec.containers.0", "securityContext.runAsNonRoot", true.into());
        let new = POD.replace("[x]\n", "[x]\n    securityContext:\n      runAsNonRoot: true\n");
        assert_eq!(text, new);
        let text = yaml(POD, "spec", "replicas", 2.into());
        assert_eq!(text, format!("{POD}  replicas: 2\n"));
        assert_eq!(yaml("a: 1", "", "b", "x y".into()), "a: 1\nb: \"x y\"");
        assert_eq!(yaml("a: 1\r\n", "", "b.c", 1.into()), "a: 1\r\nb:\r\n  c: 1\r\n");
        assert_eq!(
            yaml("a:\n  - b: |\n      x\n\n---\nc: 1\n", "a.0", "d", "on".into()),
            "a:\n  - b: |\n      x\n    d: \"on\"\n\n---\nc: 1\n"
        );
    }

    #[test]
    fn lists_are_indented_as_the_file_does() {
        let value = json!({"drop": ["ALL"]});
        let text = yaml(POD, "spec.containers.1", "capabilities", value.clone());
        assert!(text.ends_with("  - name: c\n    capabilities:\n      drop:\n      - ALL\n"));
        let text = yaml("a:\n    - b: 1\n", "a.0", "c", value);
        assert_eq!(text, "a:\n    - b: 1\n      c:\n        drop:\n            - ALL\n");
    }

    #[test]
    fn a_value_is_replaced_and_its_comment_stays() {
        assert_eq!(yaml("a: 1 # one\nb: 2\n", "", "a", 3.into()), "a: 3 # one\nb: 2\n");
        assert_eq!(yaml("a: # none\nb: 2\n", "", "a", 3.into()), "a: 3 # none\nb: 2\n");
        assert_eq!(yaml("a: # none\nb: 2\n", "", "a.c", 3.into()), "a: # none\n  c: 3\nb: 2\n");
        assert_eq!(
            yaml("a: # some\n  - x\n  - y\nb: 2\n", "", "a", json!(["z"])),
            "a: # some\n  - z\nb: 2\n"
        );
        assert_eq!(yaml("a:\n  c: 1\nb: 2\n", "", "a", false.into()), "a: false\nb: 2\n");
        assert_eq!(yaml("a: \"x\"\n", "", "a", json!({"b": 1})), "a:\n  b: 1\n");
    }

    #[test]
    fn maps_in_braces_stay_in_braces() {
        assert_eq!(yaml("a: {}\n", "a", "b.c", json!(["x"])), "a: {b: {c: [x]}}\n");
        assert_eq!(yaml("a: { b: 1 } # c\n", "a", "d", "e".into()), "a: { b: 1, d: e } # c\n");
        assert_eq!(yaml("a: {b: 1, c: }\n", "a", "b", json!({"x": []})), "a: {b: {x: []}, c: }\n");
        let text = "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n";
        assert_eq!(
            after("a.json", text, "a", "c.d", "e".into()),
            "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": {\"d\": \"e\"}\n  }\n}\n"
        );
    }

    #[test]
    fn what_an_alias_shows_is_left_alone() {
        let (tree, _) = yaml::parse(Source::new("a.yaml", "a: &x {b: 1}\nc: *x\n"));
        assert!(put(tree.node(tree.roots[0]), &["c", "d"], &Value::Null).is_none());
        let text = "a: &x\n  b: 1\nc:\n  <<: *x\n";
        assert_eq!(yaml(text, "c", "b", 2.into()), format!("{text}  b: 2\n"));
    }

    #[test]
    fn an_entry_is_taken_with_its_lines() {
        let text = "a: 1\nb: # why\n  - c\n  - d\ne: 1";
        let (tree, _) = yaml::parse(Source::new("a.yaml", text));
        let root = tree.node(tree.roots[0]);
        let gone = |key: &str| take(root.get(key).unwrap()).map(|it| it.0);
        assert_eq!(gone("b"), Some(Span::new(5, 26)));
        assert_eq!(gone("e"), Some(Span::new(26, 30)));
        let (tree, _) = yaml::parse(Source::new("a.yaml", "- a: 1\n  b: 2\n"));
        assert!(take(tree.node(tree.roots[0]).item(0).unwrap().get("a").unwrap()).is_none());
    }
}
