//! Trees from the events of `granit-parser`: the slower, complete way.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::{
    MAX_ALIASED, MAX_DEPTH,
    scalar::{self, Plain},
};
use crate::{
    document::{COMPLEX_KEY, Id, Key, MERGES, Problem, Style, Tree, Trouble},
    source::{Source, Span},
};

/// Reads the whole source; where a document is broken, each of the rest by itself.
pub fn read(source: &Source) -> (Tree, Vec<Problem>) {
    let mut reader = Reader { source, tree: Tree::default(), problems: Vec::new(), template: None };
    let text = &source.text;
    if let Err(broken) = reader.part(0, text.len()) {
        let start = broken.document;
        let mut ends = separators(text, start);
        ends.push(text.len());
        let mut from = start;
        for end in ends {
            if let Err(broken) = reader.part(from, end) {
                reader.report(from, end, broken);
            }
            from = end;
        }
    }
    if let Some(problem) = reader.template {
        reader.problems.retain(|it| it.kind != Trouble::Syntax);
        reader.problems.push(problem);
    }
    (reader.tree, reader.problems)
}

/// Where the lines `---` after `from` start.
fn separators(text: &str, from: usize) -> Vec<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'\n', &bytes[from..])
        .map(|at| from + at + 1)
        .filter(|&at| {
            let next = bytes.get(at + 3).copied().unwrap_or(b'\n');
            bytes[at..].starts_with(b"---") && next.is_ascii_whitespace()
        })
        .collect()
}

/// A document that could not be read.
struct Broken {
    /// Where it starts.
    document: usize,
    /// Where the trouble is.
    at: usize,
    kind: Trouble,
    reason: String,
}

/// How much there was when a document began, to go back to when it turns out to be broken.
#[derive(Clone, Copy)]
struct Mark {
    nodes: usize,
    roots: usize,
    problems: usize,
}

struct Reader<'s> {
    source: &'s Source,
    tree: Tree,
    problems: Vec<Problem>,
    /// The first template that kept a document from being read.
    template: Option<Problem>,
}

impl Reader<'_> {
    /// Reads the documents between two bytes, up to the first broken one.
    fn part(&mut self, from: usize, to: usize) -> Result<(), Broken> {
        let mark = self.mark();
        let (open, anchors) = (Vec::new(), HashMap::new());
        Document { reader: self, base: from, start: from, mark, open, anchors, weight: 0 }.read(to)
    }

    fn mark(&self) -> Mark {
        let (nodes, roots) = (self.tree.nodes.len(), self.tree.roots.len());
        Mark { nodes, roots, problems: self.problems.len() }
    }

    /// Forgets everything since the mark. The pool stays: the tree remembers keys in it.
    fn forget(&mut self, mark: Mark) {
        self.tree.nodes.truncate(mark.nodes);
        self.tree.roots.truncate(mark.roots);
        self.problems.truncate(mark.problems);
    }

    fn report(&mut self, from: usize, to: usize, broken: Broken) {
        let problem = match template(&self.source.text[from..to]) {
            Some((at, reason)) => {
                let at = (from + at) as u32;
                let problem = Problem::at(self.source, at, Trouble::Template, reason);
                self.template.get_or_insert(problem);
                return;
            }
            None => Problem::at(self.source, broken.at as u32, broken.kind, broken.reason),
        };
        self.problems.push(problem);
    }
}

/// The first mark of a template language in a text, and what to say about it.
fn template(text: &str) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let found = memchr::memchr2_iter(b'{', b'<', bytes).find_map(|at| {
        let before = at.checked_sub(1).map(|it| bytes[it]);
        let close = match (bytes[at], bytes.get(at + 1)?) {
            (b'{', b'{') if before != Some(b'$') => "}}",
            (b'{', b'%') => "%}",
            (b'<', b'%') => "%>",
            _ => return None,
        };
        let line = text[at..].lines().next().unwrap_or_default();
        let end = line.find(close).map_or(line.len(), |it| it + 2);
        Some((at, &line[..end]))
    });
    let (at, mark) = found?;
    let short: String = mark.chars().take(60).collect();
    let more = if short.len() < mark.len() { "…" } else { "" };
    Some((at, format!("un-rendered template: `{short}{more}`, render it first")))
}

/// A container that is not closed yet.
struct Open {
    node: Id,
    count: u32,
    is_map: bool,
    key: Option<OwnKey>,
    anchor: usize,
    /// How many nodes it has with all aliases followed.
    weight: u64,
    /// How deep it is below itself with all aliases followed.
    height: u32,
}

/// A key that waits for its value.
enum OwnKey {
    At(Span, u8),
    Text(String),
}

/// What an alias may link to.
#[derive(Clone, Copy)]
struct Anchor {
    node: Id,
    weight: u64,
    height: u32,
    open: bool,
}

/// The documents of one run of the parser.
struct Document<'r, 's> {
    reader: &'r mut Reader<'s>,
    base: usize,
    start: usize,
    mark: Mark,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    weight: u64,
}

type Step = Result<(), Broken>;

impl Document<'_, '_> {
    fn read(&mut self, to: usize) -> Step {
        let source = self.reader.source;
        let text = &source.text[self.base..to];
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        options.emit_unresolved_aliases = true;
        let mut skipping = None;
        for next in Parser::new_from_str_with_options(text, options) {
            let step = match next {
                Ok((event, span)) => {
                    let start = self.base + span.start.byte_offset().unwrap_or(0);
                    let end = self.base + span.end.byte_offset().unwrap_or(0);
                    let span = Span::new(start, end.max(start));
                    self.step(event, span, &mut skipping)
                }
                Err(error) => Err(self.error(&error)),
            };
            if let Err(broken) = step {
                self.reader.forget(self.mark);
                return Err(broken);
            }
        }
        Ok(())
    }

    fn broken(&self, at: u32, kind: Trouble, reason: impl Into<String>) -> Broken {
        Broken { document: self.start, at: at as usize, kind, reason: reason.into() }
    }

    fn error(&self, error: &ScanError) -> Broken {
        let at = self.base + error.marker().byte_offset().unwrap_or(0);
        let (kind, reason) = words(error.kind());
        self.broken(at as u32, kind, reason)
    }

    fn step(&mut self, event: Event<'_>, span: Span, skipping: &mut Option<(u32, u32)>) -> Step {
        if let Some((depth, start)) = skipping {
            match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => *depth += 1,
                Event::MappingEnd | Event::SequenceEnd => *depth -= 1,
                _ => {}
            }
            if *depth == 0 {
                let key = self.complex_key(*start, span.end)?;
                *skipping = None;
                self.set_key(key);
            }
            return Ok(());
        }
        match event {
            Event::DocumentStart(..) => self.begin(span),
            Event::DocumentEnd => {}
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() {
                    self.scalar_key(&text, style, span);
                } else {
                    let id = self.scalar(&text, style, tag.as_deref(), span);
                    self.remember(anchor, id, false);
                }
            }
            Event::MappingStart(style, anchor, _) => {
                if self.wants_key() {
                    *skipping = Some((1, span.start));
                } else {
                    self.start(true, style, anchor, span)?;
                }
            }
            Event::SequenceStart(style, anchor, _) => {
                if self.wants_key() {
                    *skipping = Some((1, span.start));
                } else {
                    self.start(false, style, anchor, span)?;
                }
            }
            Event::MappingEnd | Event::SequenceEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let reason = format!("no anchor `&{name}` before this alias");
                self.without_target(span, Trouble::Syntax, reason);
            }
            _ => {}
        }
        Ok(())
    }

    /// A new document: everything before it is safe.
    fn begin(&mut self, span: Span) {
        self.mark = self.reader.mark();
        self.start = (span.start as usize).max(self.base);
        self.anchors.clear();
        self.weight = 0;
    }

    fn wants_key(&self) -> bool {
        self.open.last().is_some_and(|it| it.is_map && it.key.is_none())
    }

    fn set_key(&mut self, key: OwnKey) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some(key);
        }
    }

    fn scalar_key(&mut self, text: &str, style: ScalarStyle, span: Span) {
        if text == "<<"
            && style == ScalarStyle::Plain
            && let Some(open) = self.open.last()
        {
            self.reader.tree.nodes[open.node as usize].flags |= MERGES;
        }
        let empty = style == ScalarStyle::Plain && span.start == span.end;
        let place = if empty { Some(span) } else { self.written(text, span) };
        let key = match place {
            Some(place) => OwnKey::At(place, 0),
            None => OwnKey::Text(text.to_owned()),
        };
        self.set_key(key);
    }

    /// A list or a map as a key is kept as it was written; `{{ … }}` is a template.
    fn complex_key(&self, start: u32, end: u32) -> Result<OwnKey, Broken> {
        let text = &self.reader.source.text;
        let written = text.get(start as usize..end as usize).unwrap_or("").trim_end();
        let before = text.get(..start as usize).unwrap_or("");
        if written.starts_with('{') && before.ends_with('{') && !before.ends_with("${") {
            return Err(self.broken(start, Trouble::Syntax, "a map as a key of a map"));
        }
        let span = Span::new(start as usize, start as usize + written.len());
        Ok(OwnKey::At(span, COMPLEX_KEY))
    }

    /// Where the source spells `text` within `span`: all of it, or between its quotes.
    fn written(&self, text: &str, span: Span) -> Option<Span> {
        let source = self.reader.source;
        let inner = Span { start: span.start + 1, end: span.end.saturating_sub(1) };
        if source.slice(span) == text {
            return Some(span);
        }
        (inner.start <= inner.end && source.slice(inner) == text).then_some(inner)
    }

    /// Block text goes from its `|` or `>` (the parser sometimes says: from its first line) to its
    /// last line that is not blank.
    fn block_text(&self, span: Span) -> Span {
        let source = self.reader.source;
        let before = source.text.get(..span.start as usize).unwrap_or("").trim_end();
        let line = before.rfind('\n').map_or(0, |it| it + 1);
        let header = before[line..].match_indices(['|', '>']).find(|&(at, _)| {
            let rest = before[line + at + 1..]
                .trim_start_matches(|it: char| it.is_ascii_digit() || matches!(it, '-' | '+'))
                .trim_start();
            rest.is_empty() || rest.starts_with('#')
        });
        let start = header.map_or(span.start, |(at, _)| (line + at) as u32);
        let written = source.slice(Span { start, end: span.end });
        let len = written.trim_end_matches([' ', '\t', '\r', '\n']).len() as u32;
        Span { start, end: start + len }
    }

    /// A block list starts at its first dash: the parser sometimes says one token later.
    fn first_dash(&self, list: Id) -> Option<u32> {
        let tree = &self.reader.tree;
        let first = tree.nodes.get(list as usize + 1)?;
        let mut before = self.reader.source.text.get(..first.span.start as usize)?.trim_end();
        while !before.ends_with('-') {
            let line = before.rfind('\n').map_or(0, |it| it + 1);
            let hash = before[line..].find('#').filter(|&at| {
                let above = &before[..line + at];
                at == 0 || above.ends_with([' ', '\t'])
            })?;
            before = before[..line + hash].trim_end();
        }
        Some(before.len() as u32 - 1)
    }

    /// Counts a child of the container on top, or makes a root, and gives the key to use.
    fn take_key(&mut self) -> Option<OwnKey> {
        let root = self.reader.tree.nodes.len() as Id;
        match self.open.last_mut() {
            Some(open) => {
                open.count += 1;
                open.weight += 1;
                open.key.take()
            }
            None => {
                self.reader.tree.roots.push(root);
                None
            }
        }
    }

    /// Adds a node under the key that waits.
    fn add(&mut self, make: impl FnOnce(&mut Tree, Key<'_>) -> Id, style: Style) -> Id {
        let key = self.take_key();
        self.weight += 1;
        let tree = &mut self.reader.tree;
        let (id, flags) = match &key {
            None => (make(tree, Key::None), 0),
            Some(OwnKey::At(span, flags)) => (make(tree, Key::At(*span)), *flags),
            Some(OwnKey::Text(text)) => (make(tree, Key::Text(text)), 0),
        };
        let raw = &mut tree.nodes[id as usize];
        raw.style = style;
        raw.flags |= flags;
        id
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Id {
        let style = style_of(style);
        let span = match style {
            Style::Literal | Style::Folded => self.block_text(span),
            _ => span,
        };
        let is_text = match tag.map(|it| (it.is_yaml_core_schema(), it)) {
            None => style != Style::Plain,
            Some((true, tag)) => tag.is_yaml_core_schema_tag("str"),
            Some((false, _)) => true,
        };
        let empty = style == Style::Plain && span.start == span.end;
        let (meaning, flags) = match is_text {
            true => (Plain::Text, 0),
            false if empty => (Plain::Null, 0),
            false => scalar::resolve(text),
        };
        let text = if empty { "" } else { text };
        let place = if empty { Some(span) } else { self.written(text, span) };
        let id = self.add(
            |tree, key| match meaning {
                Plain::Null => tree.null(key, span),
                Plain::Bool(value) => tree.bool(key, value, span),
                Plain::Int(value) => tree.int(key, value, span),
                Plain::Float(value) => tree.float(key, value, span),
                Plain::Text => match place {
                    Some(place) => {
                        let id = tree.text_at(key, place);
                        tree.nodes[id as usize].span = span;
                        id
                    }
                    None => tree.text(key, text, span),
                },
            },
            style,
        );
        self.reader.tree.nodes[id as usize].flags |= flags;
        id
    }

    fn start(&mut self, is_map: bool, style: StructureStyle, anchor: usize, span: Span) -> Step {
        if self.open.len() as u32 >= MAX_DEPTH {
            let reason =
                format!("nested deeper than {MAX_DEPTH} levels: this document is not read");
            return Err(self.broken(span.start, Trouble::Limit, reason));
        }
        let style = if style == StructureStyle::Flow { Style::Flow } else { Style::Plain };
        let make = |tree: &mut Tree, key: Key<'_>| match is_map {
            true => tree.open_map(key, span),
            false => tree.open_seq(key, span),
        };
        let node = self.add(make, style);
        self.remember(anchor, node, true);
        self.open.push(Open { node, count: 0, is_map, key: None, anchor, weight: 0, height: 0 });
        Ok(())
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        let dash = if open.is_map { None } else { self.first_dash(open.node) };
        let tree = &mut self.reader.tree;
        let last = tree.nodes.last().map_or(span.end, |it| it.span.end);
        let raw = &mut tree.nodes[open.node as usize];
        if raw.style == Style::Flow {
            raw.span.end = span.end;
        } else {
            raw.span.start = dash.unwrap_or(raw.span.start);
            raw.span.end = last.max(raw.span.start);
        }
        tree.close_with(open.node, open.count);
        if let Some(anchor) = self.anchors.get_mut(&open.anchor) {
            *anchor =
                Anchor { open: false, weight: open.weight, height: open.height + 1, ..*anchor };
        }
        if let Some(parent) = self.open.last_mut() {
            parent.weight += open.weight;
            parent.height = parent.height.max(open.height + 1);
        }
    }

    fn remember(&mut self, anchor: usize, node: Id, open: bool) {
        if anchor > 0 {
            self.anchors.insert(anchor, Anchor { node, weight: 0, height: 0, open });
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) {
        if self.wants_key() {
            return self.set_key(OwnKey::At(span, COMPLEX_KEY));
        }
        let Some(target) = self.anchors.get(&anchor).copied() else {
            return self.without_target(span, Trouble::Syntax, "this alias has no anchor".into());
        };
        if target.open {
            let reason = "this alias names a node that contains it".into();
            return self.without_target(span, Trouble::Syntax, reason);
        }
        let depth = self.open.len() as u32 + target.height;
        if self.weight + target.weight > self.reader.tree.nodes.len() as u64 + MAX_ALIASED
            || depth > MAX_DEPTH
        {
            let reason = "aliases unfold to more than we read: this one is left out".into();
            return self.without_target(span, Trouble::Limit, reason);
        }
        self.weight += target.weight;
        if let Some(open) = self.open.last_mut() {
            open.weight += target.weight;
            open.height = open.height.max(target.height);
        }
        let id = self.add(|tree, key| tree.alias(key, target.node), Style::Plain);
        self.reader.tree.nodes[id as usize].span = span;
    }

    /// A null where an alias leads nowhere, and a problem.
    fn without_target(&mut self, span: Span, kind: Trouble, reason: String) {
        if self.wants_key() {
            return self.set_key(OwnKey::At(span, COMPLEX_KEY));
        }
        self.add(|tree, key| tree.null(key, span), Style::Plain);
        let known = self.reader.problems.last().is_some_and(|it| it.reason == reason);
        if !known {
            let problem = Problem::at(self.reader.source, span.start, kind, reason);
            self.reader.problems.push(problem);
        }
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
        _ => Style::Plain,
    }
}

/// What is wrong, in our words.
fn words(kind: &ErrorKind) -> (Trouble, String) {
    use ErrorKind as E;
    let text = match kind {
        E::RecursionLimitExceeded => {
            let reason =
                format!("nested deeper than {MAX_DEPTH} levels: this document is not read");
            return (Trouble::Limit, reason);
        }
        E::UnexpectedEof
        | E::UnexpectedEofFlowSequence
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofImplicitFlowMapping
        | E::UnexpectedEofBlockSequence
        | E::UnexpectedEofBlockMapping => "the text ends in the middle of a value",
        E::UnclosedFlowCollection { open } => {
            return (Trouble::Syntax, format!("this `{open}` is never closed"));
        }
        E::MismatchedFlowCollectionEnd { open, close } => {
            return (Trouble::Syntax, format!("`{close}` closes what `{open}` opened"));
        }
        E::UnexpectedCharacter { character } => {
            let character = character.escape_default();
            return (Trouble::Syntax, format!("no value can start with `{character}`: quote it"));
        }
        E::MisplacedFlowCollectionEnd => "this bracket closes nothing",
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
            "this quote is never closed"
        }
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            "there is text after the closing quote"
        }
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabInPlainScalar
        | E::TabAtBlockScalarStart => "a tab where only spaces may indent",
        E::SimpleKeyExpected | E::InvalidSimpleKey | E::ExpectedBlockMappingKey => {
            "expected `key: value` here"
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement | E::MappingKeyNotAllowed => {
            "a second `: ` in one line, or a key that is indented wrongly: quote the value or fix the indentation"
        }
        E::InvalidIndentation
        | E::ExpectedBlockSequenceEntry
        | E::BlockSequenceEntryNotAllowed
        | E::InvalidQuotedScalarIndent
        | E::InvalidFlowScalarIndent
        | E::InvalidBlockScalarIndent => "the indentation fits nothing above",
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => {
            "expected `,` or the closing bracket"
        }
        E::InvalidBlockScalarHeader | E::ZeroBlockScalarIndent => {
            "after `|` or `>` only `-`, `+` and a digit may follow"
        }
        E::UnknownQuotedScalarEscape
        | E::InvalidQuotedScalarHexEscape
        | E::InvalidUnicodeEscape
        | E::InvalidLowSurrogateHexEscape
        | E::InvalidLowSurrogate
        | E::MissingLowSurrogate
        | E::UnpairedLowSurrogate => {
            "no such escape in double quotes: write `\\\\` for a backslash"
        }
        E::BomInsideDocument => "a byte-order mark in the middle of the text",
        E::UndeclaredTagHandle => "this tag's handle is not declared",
        E::ExpectedDocumentStart | E::InvalidDocumentEnd => {
            "there is text after the end of the document: `---` starts another one"
        }
        _ => return (Trouble::Syntax, format!("not valid YAML: {kind}")),
    };
    (Trouble::Syntax, text.to_owned())
}
