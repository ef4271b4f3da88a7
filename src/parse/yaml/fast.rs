//! A quick reader for the plain subset of YAML that most files are.
//!
//! Recursive descent by column, straight into the tree. It knows block and flow collections, all
//! styles of scalars, comments, several documents and line ends of Windows. Anything else
//! (anchors, tags, `?`, tabs that separate, directives, depth) and anything wrong makes it give
//! up: the complete reader then reads the text again and finds the words for what is wrong.
//! A test compares the two on mutants of fixtures: where this one accepts, they agree.

use memchr::{memchr, memchr2, memchr3};

use super::{MAX_DEPTH, scalar::Meaning};
use crate::{
    document::{IN_POOL, Id, KEY_IN_POOL, Kind, MERGES, NO_KEY, RECORD, Raw, Style, Tree, tag},
    parse::keys::Tags,
    source::Span,
};

/// Longer keys are left to the complete reader, which has a limit for them.
const MAX_KEY: usize = 1000;

/// A step that may give up.
type Read<T> = Option<T>;

/// What was read.
pub struct Quick {
    /// The tree, without its source.
    pub tree: Tree,
    /// The maps that may have a key twice, in order; the others are marked as records.
    pub doubtful: Vec<Id>,
}

/// Reads a text, if it is in the subset.
pub fn read(text: &str) -> Option<Quick> {
    let skip = if text.starts_with('\u{feff}') { 3 } else { 0 };
    is_plain(&text.as_bytes()[skip..]).then_some(())?;
    let mut tree = Tree::default();
    tree.nodes.reserve(text.len() / 24);
    let (bytes, doubtful) = (text.as_bytes(), Vec::new());
    let mut reader = Reader { text, bytes, at: skip, line: skip, tree, doubtful };
    reader.stream()?;
    reader.doubtful.sort_unstable();
    Some(Quick { tree: reader.tree, doubtful: reader.doubtful })
}

/// Whether there are no characters that YAML forbids or reads as a line break, `\r\n` excepted.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    // Without branches, and in pieces of one size: so it takes many bytes at once.
    let look = |piece: &[u8]| {
        piece.iter().fold((0, 0, 0), |(bad, returns, high), &byte| {
            let is = |what: u8| u8::from(byte == what);
            let blank = is(b'\t') | is(b'\n') | is(b'\r');
            let control = u8::from(byte < 0x20) ^ blank | is(0x7f);
            (bad | control, returns | is(b'\r'), high | byte)
        })
    };
    let (pieces, rest) = bytes.as_chunks::<64>();
    let (mut bad, mut returns, mut high) = look(rest);
    for piece in pieces {
        let (more, more_returns, bits) = look(piece);
        (bad, returns, high) = (bad | more, returns | more_returns, high | bits);
        if bad != 0 {
            return false;
        }
    }
    let is_alone = |at: usize| bytes.get(at + 1) != Some(&b'\n');
    bad == 0
        && !(returns != 0 && memchr::memchr_iter(b'\r', bytes).any(is_alone))
        && (high < 0x80 || !has_odd_character(bytes))
}

/// C1 controls, U+2028, U+2029, U+FEFF, U+FFFE and U+FFFF, by their bytes.
fn has_odd_character(bytes: &[u8]) -> bool {
    let odd = |at: usize| match (bytes[at], bytes.get(at + 1), bytes.get(at + 2)) {
        (0xC2, Some(next), _) => *next < 0xA0,
        (0xE2, Some(0x80), Some(last)) => last & 0xFE == 0xA8,
        (0xEF, Some(0xBB), Some(0xBF)) => true,
        (0xEF, Some(0xBF), Some(last)) => *last >= 0xBE,
        _ => false,
    };
    memchr::memchr3_iter(0xC2, 0xE2, 0xEF, bytes).any(odd)
}

/// The first byte from `at` on that may end plain text, a colon, a `#`, a tab or a line break; the
/// end of the text if there is none. In a text that [is plain](is_plain), no other byte is as low as
/// a line break.
fn after_plain(bytes: &[u8], at: usize) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let zeros = |word: u64| word.wrapping_sub(EACH) & !word;
    let has = |word: u64, sign: u8| zeros(word ^ (EACH * u64::from(sign)));
    let mut at = at;
    while let Some(eight) = bytes.get(at..).and_then(|it| it.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        let low = word.wrapping_sub(EACH * (u64::from(b'\r') + 1)) & !word;
        // The lowest of these bits is right; those above it may come from a carry.
        let ends = (low | has(word, b':') | has(word, b'#')) & (EACH << 7);
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_end = |it: &u8| *it <= b'\r' || matches!(it, b':' | b'#');
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// Where the spaces end that start at `at`.
fn after_spaces(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(eight) = bytes.get(at..).and_then(|it| it.first_chunk()) {
        let others = u64::from_le_bytes(*eight) ^ u64::from_le_bytes([b' '; 8]);
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes.get(at..).map_or(0, |it| it.iter().take_while(|it| **it == b' ').count())
}

/// The key that the next node gets.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    start: u32,
    len: u32,
    flags: u8,
    tag: u8,
}

const NO_LABEL: Label = Label::NONE;

impl Label {
    /// That of what has no key.
    pub const NONE: Self = Self { start: 0, len: NO_KEY, flags: 0, tag: 0 };
    /// The flag of a key that lies in the pool.
    pub(super) const POOLED: u8 = KEY_IN_POOL;

    /// That of a text which lies somewhere in the source or, with the flag, in the pool.
    pub(super) fn new(text: &str, start: u32, flags: u8) -> Self {
        Self { start, len: text.len() as u32, flags, tag: tag(text.as_bytes()) }
    }

    /// A node that has it.
    pub(super) fn node(self, kind: Kind, style: Style, span: Span, flags: u8) -> Raw {
        let Self { start: key, len: key_len, flags: key_flags, tag } = self;
        let flags = flags | key_flags;
        Raw { kind, style, flags, tag, key, key_len, span, low: 0, high: 0 }
    }
}

/// Text as it was read: where it was written, and where its meaning lies.
struct Quoted {
    span: Span,
    style: Style,
    low: u32,
    high: u32,
    pooled: bool,
}

/// The text behind a line of a plain scalar: how many line breaks further, where its line starts
/// and where it does, and whether it belongs to the scalar.
struct Next {
    breaks: usize,
    line: usize,
    at: usize,
    belongs: bool,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where the current line starts.
    line: usize,
    tree: Tree,
    /// Maps of which two keys have one tag.
    doubtful: Vec<Id>,
}

fn is_break(byte: Option<&u8>) -> bool {
    matches!(byte, None | Some(b'\n' | b'\r'))
}

fn is_space_or_break(byte: Option<&u8>) -> bool {
    matches!(byte, None | Some(b' ' | b'\n' | b'\r' | b'\t'))
}

fn is_flow_mark(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}

impl Reader<'_> {
    // ---- looking

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    fn ended(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn column(&self) -> i32 {
        (self.at - self.line) as i32
    }

    fn skip_spaces(&mut self) {
        self.at = after_spaces(self.bytes, self.at);
    }

    /// Where the next line starts, seen from `from`.
    fn next_line(&self, from: usize) -> usize {
        if self.byte(from) == b'\n' {
            return from + 1;
        }
        memchr(b'\n', &self.bytes[from..]).map_or(self.bytes.len(), |it| from + it + 1)
    }

    /// Whether `at`, the start of a line, is a mark between documents.
    fn marker_at(&self, at: usize) -> bool {
        let rest = &self.bytes[at..];
        (rest.starts_with(b"---") || rest.starts_with(b"...")) && is_space_or_break(rest.get(3))
    }

    fn at_marker(&self) -> bool {
        self.at == self.line && self.marker_at(self.at)
    }

    fn at_dash(&self) -> bool {
        self.peek() == b'-' && is_space_or_break(self.bytes.get(self.at + 1))
    }

    /// From the start of a line to the next content, over blank lines and comments.
    fn reach_content(&mut self) -> Read<()> {
        loop {
            self.line = self.at;
            self.skip_spaces();
            match self.bytes.get(self.at) {
                Some(b'\n' | b'\r' | b'#') => self.at = self.next_line(self.at),
                Some(b'\t') => return None,
                _ => return Some(()),
            }
        }
    }

    /// After a value: nothing but a comment may follow in the line; then to the next content.
    fn finish_line(&mut self) -> Read<()> {
        let from = self.at;
        self.skip_spaces();
        match self.bytes.get(self.at) {
            None => {
                self.line = self.at;
                return Some(());
            }
            Some(b'\n' | b'\r') => {}
            Some(b'#') if self.at > from => {}
            _ => return None,
        }
        self.at = self.next_line(self.at);
        self.reach_content()
    }

    // ---- adding

    fn push(&mut self, label: Label, kind: Kind, style: Style, span: Span, flags: u8) -> Id {
        self.tree.push(label.node(kind, style, span, flags))
    }

    fn null(&mut self, label: Label, at: usize) {
        self.push(label, Kind::Null, Style::Plain, Span::new(at, at), 0);
    }

    fn text_node(&mut self, label: Label, text: &Quoted) {
        let flags = if text.pooled { IN_POOL } else { 0 };
        let id = self.push(label, Kind::Str, text.style, text.span, flags);
        let raw = &mut self.tree.nodes[id as usize];
        (raw.low, raw.high) = (text.low, text.high);
    }

    fn plain_node(&mut self, label: Label, start: usize, end: usize) {
        let Meaning { kind, low, high, flags } = Meaning::of(&self.text[start..end], start as u32);
        let id = self.push(label, kind, Style::Plain, Span::new(start, end), flags);
        let raw = &mut self.tree.nodes[id as usize];
        (raw.low, raw.high) = (low, high);
    }

    fn close_block(&mut self, id: Id, count: u32) {
        let end = self.tree.nodes.last().map_or(0, |it| it.span.end);
        let span = &mut self.tree.nodes[id as usize].span;
        span.end = end.max(span.start);
        self.tree.close_with(id, count);
    }

    fn close_flow(&mut self, id: Id, count: u32) {
        self.at += 1;
        self.tree.nodes[id as usize].span.end = self.at as u32;
        self.tree.close_with(id, count);
    }

    // ---- documents

    fn stream(&mut self) -> Read<()> {
        self.reach_content()?;
        let mut first = true;
        while !self.ended() {
            let marked = self.at_marker();
            if marked {
                if self.peek() == b'.' {
                    return None;
                }
                self.at += 3;
                self.finish_line()?;
            } else if !first {
                return None;
            }
            first = false;
            self.tree.roots.push(self.tree.nodes.len() as Id);
            if marked && (self.ended() || self.at_marker()) {
                self.null(NO_LABEL, self.at);
            } else {
                self.node(-1, NO_LABEL, false, 0)?;
            }
        }
        Some(())
    }

    /// A value that starts here. `parent` is the column of what it is in; `inline` says that it
    /// follows its key in the same line, where no further key and no dash may follow.
    fn node(&mut self, parent: i32, label: Label, inline: bool, depth: u32) -> Read<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        match self.peek() {
            b'-' if self.at_dash() => {
                if inline {
                    return None;
                }
                self.block_list(label, depth, false)
            }
            b'|' | b'>' => self.block_text(parent, label),
            quote @ (b'"' | b'\'') => {
                if !inline && self.quoted_key(quote).is_some() {
                    return self.block_map(label, depth, None);
                }
                let text = self.quoted(parent, quote)?;
                self.text_node(label, &text);
                self.finish_line()
            }
            b'[' | b'{' => {
                self.flow_node(parent, label, depth)?;
                let end = self.at;
                self.skip_spaces();
                if self.peek() == b':' {
                    return None;
                }
                self.at = end;
                self.finish_line()
            }
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'#' => None,
            b'?' | b':' if is_space_or_break(self.bytes.get(self.at + 1)) => None,
            _ => match if inline { None } else { self.plain_key()? } {
                Some(colon) => self.block_map(label, depth, Some(colon)),
                None => self.plain(parent, label),
            },
        }
    }

    // ---- keys

    /// Where the colon is, if the line from here is `key:`.
    fn plain_key(&self) -> Read<Option<usize>> {
        let mut at = self.at;
        loop {
            at = after_plain(self.bytes, at);
            match self.bytes.get(at) {
                None | Some(b'\n' | b'\r') => return Some(None),
                Some(b':') if is_space_or_break(self.bytes.get(at + 1)) => {
                    return (at - self.at <= MAX_KEY).then_some(Some(at));
                }
                Some(b'#') if self.byte(at.wrapping_sub(1)) == b' ' => return Some(None),
                Some(b'\t') => return None,
                _ => at += 1,
            }
        }
    }

    /// Where the closing quote and the colon are, if the line from here is `"key":`.
    fn quoted_key(&self, quote: u8) -> Option<(usize, usize)> {
        let mut at = self.at + 1;
        loop {
            match *self.bytes.get(at)? {
                b'\n' | b'\r' => return None,
                b'\\' if quote == b'"' && is_break(self.bytes.get(at + 1)) => return None,
                b'\\' if quote == b'"' => at += 2,
                byte if byte != quote => at += 1,
                _ if quote == b'\'' && self.byte(at + 1) == b'\'' => at += 2,
                _ => break,
            }
        }
        let close = at;
        at += 1;
        while self.byte(at) == b' ' {
            at += 1;
        }
        let is_key = self.byte(at) == b':' && is_space_or_break(self.bytes.get(at + 1));
        (is_key && at - self.at < MAX_KEY).then_some((close, at))
    }

    /// Reads a key of a block map and its colon, which may be known; says whether it was plain.
    fn key(&mut self, colon: Option<usize>) -> Read<(Label, bool)> {
        let start = self.at;
        if let Some(colon) = colon {
            self.at = colon + 1;
            return Some((self.written(start, self.trimmed(start, colon)), true));
        }
        match self.peek() {
            quote @ (b'"' | b'\'') => {
                let (_, colon) = self.quoted_key(quote)?;
                let text = self.quoted(-1, quote)?;
                self.at = colon + 1;
                Some((self.label(&text), false))
            }
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'[' | b'{' | b'#'
            | b'|' | b'>' => None,
            b'-' | b'?' | b':' if is_space_or_break(self.bytes.get(start + 1)) => None,
            _ => {
                let colon = self.plain_key()??;
                self.at = colon + 1;
                Some((self.written(start, self.trimmed(start, colon)), true))
            }
        }
    }

    /// The key that is written there.
    fn written(&self, start: usize, end: usize) -> Label {
        Label::new(&self.text[start..end], start as u32, 0)
    }

    /// The key that a quoted text is.
    fn label(&self, text: &Quoted) -> Label {
        let (place, flags) = match text.pooled {
            true => (self.tree.pool.as_str(), KEY_IN_POOL),
            false => (self.text, 0),
        };
        let (start, end) = (text.low as usize, (text.low + text.high) as usize);
        Label::new(&place[start..end], text.low, flags)
    }

    /// The end of `start..end` without the spaces at its end.
    fn trimmed(&self, start: usize, end: usize) -> usize {
        let mut end = end;
        while end > start && self.bytes[end - 1] == b' ' {
            end -= 1;
        }
        end
    }

    // ---- block collections

    /// A map in block style; `colon` is that of its first key, if it was found already.
    fn block_map(&mut self, label: Label, depth: u32, colon: Option<usize>) -> Read<()> {
        let column = self.column();
        let here = Span::new(self.at, self.at);
        let map = self.push(label, Kind::Map, Style::Plain, here, 0);
        let (mut count, mut colon) = (0, colon);
        let (mut tags, mut repeats) = (Tags::default(), false);
        loop {
            let (key, plain) = self.key(colon.take())?;
            repeats |= tags.repeats(key.tag);
            if plain && key.len == 2 && self.bytes[key.start as usize..].starts_with(b"<<") {
                self.tree.nodes[map as usize].flags |= MERGES;
            }
            count += 1;
            self.map_value(key, column, depth)?;
            if self.ended() || self.column() < column || self.at_marker() {
                break;
            }
            if self.column() > column {
                return None;
            }
        }
        self.close_block(map, count);
        self.mark(map, repeats);
        Some(())
    }

    /// Notes whether a map may have a key twice.
    fn mark(&mut self, map: Id, repeats: bool) {
        let raw = &mut self.tree.nodes[map as usize];
        raw.flags |= if raw.flags & MERGES == 0 { RECORD } else { 0 };
        if repeats {
            self.doubtful.push(map);
        }
    }

    fn map_value(&mut self, key: Label, column: i32, depth: u32) -> Read<()> {
        let colon = self.at - 1;
        self.skip_spaces();
        match self.bytes.get(self.at) {
            None | Some(b'\n' | b'\r' | b'#') => {}
            Some(b'\t') => return None,
            _ => return self.node(column, key, true, depth + 1),
        }
        if self.peek() == b'#' && self.bytes[self.at - 1] != b' ' {
            return None;
        }
        self.at = self.next_line(self.at);
        self.reach_content()?;
        if !self.ended() && !self.at_marker() {
            if self.column() > column {
                return self.node(column, key, false, depth + 1);
            }
            if self.column() == column && self.at_dash() {
                return self.block_list(key, depth + 1, true);
            }
        }
        self.null(key, colon);
        Some(())
    }

    /// A list of dashes; an `indentless` one stands at the column of its key.
    fn block_list(&mut self, label: Label, depth: u32, indentless: bool) -> Read<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let column = self.column();
        let here = Span::new(self.at, self.at);
        let list = self.push(label, Kind::Seq, Style::Plain, here, 0);
        let mut count = 0;
        loop {
            count += 1;
            self.list_item(column, depth)?;
            if self.ended() || self.column() < column || self.at_marker() {
                break;
            }
            if self.column() > column {
                return None;
            }
            if !self.at_dash() {
                if indentless {
                    break;
                }
                return None;
            }
        }
        self.close_block(list, count);
        Some(())
    }

    fn list_item(&mut self, column: i32, depth: u32) -> Read<()> {
        let dash = self.at;
        self.at += 1;
        self.skip_spaces();
        match self.bytes.get(self.at) {
            None | Some(b'\n' | b'\r' | b'#') => {}
            Some(b'\t') => return None,
            _ => return self.node(column, NO_LABEL, false, depth + 1),
        }
        self.at = self.next_line(self.at);
        self.reach_content()?;
        if self.ended() || self.column() <= column || self.at_marker() {
            self.null(NO_LABEL, dash + 1);
            return Some(());
        }
        self.node(column, NO_LABEL, false, depth + 1)
    }

    // ---- scalars

    /// One line of a plain scalar: where it ends, and whether a comment follows.
    fn plain_line(&mut self) -> Read<(usize, bool)> {
        let start = self.at;
        let mut at = start;
        loop {
            at = after_plain(self.bytes, at);
            match self.bytes.get(at) {
                None | Some(b'\n' | b'\r') => {
                    self.at = at;
                    return Some((self.trimmed(start, at), false));
                }
                Some(b':') if is_space_or_break(self.bytes.get(at + 1)) => return None,
                Some(b'#') if at > start && self.bytes[at - 1] == b' ' => {
                    self.at = self.trimmed(start, at);
                    return Some((self.at, true));
                }
                Some(b'\t') => return None,
                _ => at += 1,
            }
        }
    }

    fn plain(&mut self, parent: i32, label: Label) -> Read<()> {
        let start = self.at;
        let (end, comment) = self.plain_line()?;
        if comment {
            self.plain_node(label, start, end);
            return self.finish_line();
        }
        let next = self.next_text(parent)?;
        if next.belongs {
            return self.plain_lines(parent, label, start, end);
        }
        self.plain_node(label, start, end);
        self.go_to(&next)
    }

    /// Over the line breaks and blanks behind a line of a plain scalar that is over.
    fn go_to(&mut self, next: &Next) -> Read<()> {
        if next.breaks == 0 || matches!(self.bytes.get(next.at), None | Some(b'#')) {
            return self.finish_line();
        }
        (self.at, self.line) = (next.at, next.line);
        Some(())
    }

    /// What follows at the end of a line of a plain scalar.
    fn next_text(&self, parent: i32) -> Read<Next> {
        let (mut at, mut line, mut breaks) = (self.at, self.at, 0);
        while !self.ended_at(at) && is_break(self.bytes.get(at)) {
            at += if self.bytes[at] == b'\r' { 2 } else { 1 };
            breaks += 1;
            line = at;
            at = after_spaces(self.bytes, at);
        }
        if self.byte(at) == b'\t' {
            return None;
        }
        let stops = breaks == 0
            || self.ended_at(at)
            || (at - line) as i32 <= parent
            || self.bytes[at] == b'#'
            || (at == line && self.marker_at(at));
        Some(Next { breaks, line, at, belongs: !stops })
    }

    fn ended_at(&self, at: usize) -> bool {
        at >= self.bytes.len()
    }

    fn plain_lines(&mut self, parent: i32, label: Label, start: usize, end: usize) -> Read<()> {
        let pool = self.tree.pool.len();
        self.tree.pool.push_str(&self.text[start..end]);
        let mut end = end;
        let next = loop {
            let next = self.next_text(parent)?;
            if !next.belongs {
                break Some(next);
            }
            (self.at, self.line) = (next.at, next.line);
            let (line_end, comment) = self.plain_line()?;
            self.fold(next.breaks);
            self.tree.pool.push_str(&self.text[next.at..line_end]);
            end = line_end;
            if comment {
                break None;
            }
        };
        let text = self.pooled(pool, Span::new(start, end), Style::Plain);
        self.text_node(label, &text);
        match next {
            Some(next) => self.go_to(&next),
            None => self.finish_line(),
        }
    }

    /// One line break is a space, more are one less.
    fn fold(&mut self, breaks: usize) {
        match breaks {
            1 => self.tree.pool.push(' '),
            _ => self.tree.pool.extend(std::iter::repeat_n('\n', breaks - 1)),
        }
    }

    fn pooled(&self, pool: usize, span: Span, style: Style) -> Quoted {
        let (low, high) = (pool as u32, (self.tree.pool.len() - pool) as u32);
        Quoted { span, style, low, high, pooled: true }
    }

    /// The next byte of quoted text, from `at`, that is not itself.
    fn quoted_stop(&self, quote: u8, at: usize) -> Read<usize> {
        let rest = self.bytes.get(at..)?;
        let found = match quote {
            b'"' => memchr3(b'"', b'\\', b'\n', rest),
            _ => memchr2(b'\'', b'\n', rest),
        };
        Some(at + found?)
    }

    fn quoted(&mut self, parent: i32, quote: u8) -> Read<Quoted> {
        let style = if quote == b'"' { Style::Double } else { Style::Single };
        let (open, start) = (self.at, self.at + 1);
        let end = self.quoted_stop(quote, start)?;
        let doubled = quote == b'\'' && self.byte(end + 1) == b'\'';
        if self.bytes[end] == quote && !doubled {
            self.at = end + 1;
            let (low, high) = (start as u32, (end - start) as u32);
            return Some(Quoted {
                span: Span::new(open, self.at),
                style,
                low,
                high,
                pooled: false,
            });
        }
        let pool = self.tree.pool.len();
        self.at = start;
        self.quoted_slowly(parent, quote, pool)?;
        Some(self.pooled(pool, Span::new(open, self.at), style))
    }

    /// Quoted text with escapes or line breaks, into the pool, up to and over its closing quote.
    fn quoted_slowly(&mut self, parent: i32, quote: u8, pool: usize) -> Read<()> {
        // What lies before `keep` in the pool is no white space that a line break would trim.
        let mut keep = pool;
        loop {
            let stop = self.quoted_stop(quote, self.at)?;
            self.tree.pool.push_str(&self.text[self.at..stop]);
            self.at = stop;
            match self.bytes[stop] {
                b'\n' => {
                    self.trim_pool(keep);
                    let breaks = self.quoted_breaks(parent)?;
                    self.fold(breaks);
                }
                b'\\' => self.escape(parent)?,
                _ if quote == b'\'' && self.byte(stop + 1) == b'\'' => {
                    self.tree.pool.push('\'');
                    self.at += 2;
                }
                _ => {
                    self.at += 1;
                    return Some(());
                }
            }
            keep = self.tree.pool.len();
        }
    }

    /// Drops the white space (and the `\r`) at the end of the pool, down to `keep`.
    fn trim_pool(&mut self, keep: usize) {
        let tail = &self.tree.pool[keep..];
        let tail = tail.strip_suffix('\r').unwrap_or(tail);
        let len = keep + tail.trim_end_matches([' ', '\t']).len();
        self.tree.pool.truncate(len);
    }

    /// Over the line breaks within quoted text to its next line: how many they are.
    fn quoted_breaks(&mut self, parent: i32) -> Read<usize> {
        let mut breaks = 0;
        while is_break(self.bytes.get(self.at)) {
            if self.ended() {
                return None;
            }
            self.at = self.next_line(self.at);
            breaks += 1;
            self.line = self.at;
            self.skip_spaces();
            if self.peek() == b'\t' {
                return None;
            }
        }
        let at_margin = self.at == self.line && matches!(self.peek(), b'-' | b'.');
        (self.column() > parent && !self.ended() && !at_margin).then_some(breaks)
    }

    fn escape(&mut self, parent: i32) -> Read<()> {
        let character = match self.byte(self.at + 1) {
            b'n' => '\n',
            b't' | b'\t' => '\t',
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'r' => '\r',
            b'0' => '\0',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b'v' => '\u{b}',
            b'f' => '\u{c}',
            b'e' => '\u{1b}',
            b' ' => ' ',
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => return self.numeric_escape(2),
            b'u' => return self.numeric_escape(4),
            b'U' => return self.numeric_escape(8),
            b'\n' | b'\r' => {
                self.at += 1;
                let breaks = self.quoted_breaks(parent)?;
                self.tree.pool.extend(std::iter::repeat_n('\n', breaks - 1));
                return Some(());
            }
            _ => return None,
        };
        self.at += 2;
        self.tree.pool.push(character);
        Some(())
    }

    fn numeric_escape(&mut self, digits: usize) -> Read<()> {
        let start = self.at + 2;
        let written = self.text.get(start..start + digits)?;
        if !written.bytes().all(|it| it.is_ascii_hexdigit()) {
            return None;
        }
        let character = char::from_u32(u32::from_str_radix(written, 16).ok()?)?;
        self.at = start + digits;
        self.tree.pool.push(character);
        Some(())
    }

    // ---- block text

    fn block_text(&mut self, parent: i32, label: Label) -> Read<()> {
        if parent < 0 {
            return None;
        }
        let start = self.at;
        let folded = self.peek() == b'>';
        let (chomp, indent) = self.block_header(parent)?;
        let indent = match indent {
            Some(indent) => indent,
            None => self.detect_indent(parent)?,
        };
        let pool = self.tree.pool.len();
        let (trailing, any) = self.block_lines(indent as usize, folded)?;
        let written = self.text[start..self.at].trim_end_matches([' ', '\t', '\r', '\n']);
        let end = start + written.len();
        if chomp != Chomp::Strip && any {
            self.tree.pool.push('\n');
        }
        if chomp == Chomp::Keep {
            self.tree.pool.extend(std::iter::repeat_n('\n', trailing));
        }
        let style = if folded { Style::Folded } else { Style::Literal };
        let text = self.pooled(pool, Span::new(start, end), style);
        self.text_node(label, &text);
        self.reach_content()
    }

    /// `|`, `>-`, `|2+`, …: how line breaks at the end are treated, and the indentation if given.
    fn block_header(&mut self, parent: i32) -> Read<(Chomp, Option<i32>)> {
        let (mut chomp, mut indent) = (Chomp::Clip, None);
        self.at += 1;
        loop {
            match self.peek() {
                b'-' if chomp == Chomp::Clip => chomp = Chomp::Strip,
                b'+' if chomp == Chomp::Clip => chomp = Chomp::Keep,
                digit @ b'1'..=b'9' if indent.is_none() => {
                    indent = Some(parent + i32::from(digit - b'0'));
                }
                _ => break,
            }
            self.at += 1;
        }
        let end = self.at;
        self.skip_spaces();
        match self.bytes.get(self.at)? {
            b'\n' | b'\r' => {}
            b'#' if self.at > end => {
                memchr(b'\n', &self.bytes[self.at..])?;
            }
            _ => return None,
        }
        self.at = self.next_line(self.at);
        Some((chomp, indent))
    }

    /// The indentation of block text is that of its first line with content.
    fn detect_indent(&self, parent: i32) -> Read<i32> {
        let (mut at, mut widest) = (self.at, 0);
        loop {
            let line = at;
            at = after_spaces(self.bytes, at);
            let width = (at - line) as i32;
            match self.bytes.get(at) {
                Some(b'\n' | b'\r') => {
                    widest = widest.max(width);
                    at = self.next_line(at);
                }
                Some(b'\t') => return None,
                None if width > 0 => return None,
                None => return Some(widest.max(parent + 1)),
                Some(_) => {
                    let indent = if width <= parent { parent + 1 } else { width };
                    return (widest <= indent).then_some(indent);
                }
            }
        }
    }

    /// The lines of block text: how many blank ones follow the last, and whether there was any.
    fn block_lines(&mut self, indent: usize, folded: bool) -> Read<(usize, bool)> {
        let (mut trailing, mut any, mut before_spaced) = (0, false, false);
        while !self.ended() {
            let line = self.at;
            let at = after_spaces(self.bytes, line).min(line + indent);
            if self.ended_at(at) && at > line {
                return None;
            }
            if is_break(self.bytes.get(at)) {
                trailing += 1;
                self.at = self.next_line(at);
                continue;
            }
            if at < line + indent {
                if self.bytes[at] == b'\t' {
                    return None;
                }
                break;
            }
            let spaced = matches!(self.bytes[at], b' ' | b'\t');
            if any && (!folded || before_spaced || spaced) {
                self.tree.pool.push('\n');
            } else if any && trailing == 0 {
                self.tree.pool.push(' ');
            }
            self.tree.pool.extend(std::iter::repeat_n('\n', trailing));
            (trailing, any, before_spaced) = (0, true, spaced);
            self.at = self.next_line(at);
            self.tree.pool.push_str(self.text[at..self.at].trim_end_matches(['\r', '\n']));
        }
        self.line = self.at;
        Some((trailing, any))
    }

    // ---- flow

    /// White space, line breaks and comments within brackets.
    fn flow_space(&mut self, parent: i32) -> Read<()> {
        loop {
            match self.bytes.get(self.at)? {
                b' ' => self.at += 1,
                b'\n' | b'\r' => {
                    self.at = self.next_line(self.at);
                    self.line = self.at;
                    self.skip_spaces();
                    let blank = matches!(self.bytes.get(self.at)?, b'\n' | b'\r' | b'#');
                    if !blank && (self.column() <= parent || self.column() == 0) {
                        return None;
                    }
                }
                b'#' => {
                    if !matches!(self.bytes[self.at - 1], b' ' | b'\n') {
                        return None;
                    }
                    self.at += memchr(b'\n', &self.bytes[self.at..])?;
                }
                b'\t' => return None,
                _ => return Some(()),
            }
        }
    }

    /// A plain scalar within brackets: where its text ends, and what stops it.
    fn flow_plain(&self) -> Read<(usize, usize)> {
        let start = self.at;
        let first = self.peek();
        let second = self.byte(start + 1);
        match first {
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'|' | b'>' | b'#' => return None,
            b'-' | b'?' | b':' if is_flow_mark(second) => return None,
            b'-' | b'?' | b':' if is_space_or_break(self.bytes.get(start + 1)) => return None,
            _ if is_flow_mark(first) => return None,
            _ => {}
        }
        let mut at = start;
        loop {
            let next = self.byte(at + 1);
            match *self.bytes.get(at)? {
                b'\t' | b'[' | b'{' => return None,
                b'\n' | b'\r' | b',' | b']' | b'}' => break,
                b':' if is_space_or_break(self.bytes.get(at + 1)) => break,
                b':' if is_flow_mark(next) => return None,
                b'#' if self.bytes[at - 1] == b' ' => break,
                _ => at += 1,
            }
        }
        let end = self.trimmed(start, at);
        if end == start {
            return None;
        }
        if is_break(self.bytes.get(at)) {
            let rest = self.bytes[at..].iter().find(|it| !matches!(it, b' ' | b'\n' | b'\r'))?;
            matches!(rest, b',' | b']' | b'}').then_some(())?;
        }
        Some((end, at))
    }

    fn flow_node(&mut self, parent: i32, label: Label, depth: u32) -> Read<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        match self.peek() {
            b'[' => self.flow_list(parent, label, depth),
            b'{' => self.flow_map(parent, label, depth),
            quote @ (b'"' | b'\'') => {
                let text = self.quoted(parent, quote)?;
                if self.peek() == b':' {
                    return None;
                }
                self.text_node(label, &text);
                Some(())
            }
            _ => {
                let (end, stop) = self.flow_plain()?;
                if self.byte(stop) == b':' {
                    return None;
                }
                self.plain_node(label, self.at, end);
                self.at = stop;
                Some(())
            }
        }
    }

    fn flow_list(&mut self, parent: i32, label: Label, depth: u32) -> Read<()> {
        let here = Span::new(self.at, self.at);
        let list = self.push(label, Kind::Seq, Style::Flow, here, 0);
        self.at += 1;
        self.flow_space(parent)?;
        let mut count = 0;
        while self.peek() != b']' {
            self.flow_node(parent, NO_LABEL, depth + 1)?;
            count += 1;
            self.flow_comma(parent, b']')?;
        }
        self.close_flow(list, count);
        Some(())
    }

    fn flow_comma(&mut self, parent: i32, close: u8) -> Read<()> {
        self.flow_space(parent)?;
        if self.peek() == b',' {
            self.at += 1;
            return self.flow_space(parent);
        }
        (self.peek() == close).then_some(())
    }

    fn flow_map(&mut self, parent: i32, label: Label, depth: u32) -> Read<()> {
        let here = Span::new(self.at, self.at);
        let map = self.push(label, Kind::Map, Style::Flow, here, 0);
        self.at += 1;
        self.flow_space(parent)?;
        let mut count = 0;
        let (mut tags, mut repeats) = (Tags::default(), false);
        while self.peek() != b'}' {
            let entry = self.tree.nodes.len();
            self.flow_entry(parent, map, depth)?;
            repeats |= tags.repeats(self.tree.nodes[entry].tag);
            count += 1;
            self.flow_comma(parent, b'}')?;
        }
        self.close_flow(map, count);
        self.mark(map, repeats);
        Some(())
    }

    fn flow_entry(&mut self, parent: i32, map: Id, depth: u32) -> Read<()> {
        let (start, line) = (self.at, self.line);
        let quote = self.peek();
        let is_quoted = matches!(quote, b'"' | b'\'');
        let key = if is_quoted {
            let text = self.quoted(parent, quote)?;
            self.label(&text)
        } else {
            let (end, stop) = self.flow_plain()?;
            if &self.text[start..end] == "<<" {
                self.tree.nodes[map as usize].flags |= MERGES;
            }
            self.at = stop;
            self.written(start, end)
        };
        let written_end = if is_quoted { self.at } else { start + key.len as usize };
        if self.line != line || written_end - start > MAX_KEY {
            return None;
        }
        self.flow_space(parent)?;
        if self.peek() != b':' {
            matches!(self.peek(), b',' | b'}').then_some(())?;
            self.null(key, written_end);
            return Some(());
        }
        let colon = self.at;
        let next = self.bytes.get(colon + 1);
        let separates = is_space_or_break(next) || next.is_some_and(|it| is_flow_mark(*it));
        if self.line != line || (!is_quoted && !separates) {
            return None;
        }
        self.at += 1;
        self.flow_space(parent)?;
        if matches!(self.peek(), b',' | b'}') {
            self.null(key, colon);
            return Some(());
        }
        self.flow_node(parent, key, depth + 1)
    }
}

/// What becomes of the line breaks at the end of block text.
#[derive(Clone, Copy, PartialEq)]
enum Chomp {
    Clip,
    Strip,
    Keep,
}
