//! The one shape every artifact is turned into: a tree whose every node knows where it was written.
//!
//! Nodes lie in one vector in pre-order, so the children of a container follow it and each
//! container knows where its subtree ends. Text is a range of the source, or of a pool where the
//! source does not spell it (escapes, folded lines, derived values). Aliases are links: nothing is
//! copied, and a tree is never larger than what was written.
//!
//! Parsers build the tree of what is written; artifacts append further roots with what they derive
//! from it (stages, workloads, targets), whose aliases point back into the written part.

use std::{fmt, sync::Arc};

use crate::source::{Cut, Position, Source, Span};

/// The index of a node in its [`Tree`].
pub type Id = u32;

/// What a node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: `key:` without a value, `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number that fits 64 bits.
    Int,
    /// Any other number.
    Float,
    /// Text.
    Str,
    /// A list.
    Seq,
    /// A map, in the order of the file.
    Map,
    /// A link to another node of the same tree; never seen through [`Node`].
    Alias,
}

/// How a scalar or a container was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Without quotes, or in block form.
    #[default]
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// A literal block, `|`.
    Literal,
    /// A folded block, `>`.
    Folded,
    /// In brackets or braces.
    Flow,
    /// Not written at all: derived by us.
    Derived,
}

/// The text of the node lies in the pool.
pub const IN_POOL: u8 = 1;
/// The key of the node lies in the pool.
pub const KEY_IN_POOL: u8 = 2;
/// A plain scalar that YAML 1.1 reads as a boolean and YAML 1.2 as text: `yes`, `on`, `n`, …
pub const YAML11_BOOL: u8 = 4;
/// A map with a merge key, `<<`.
pub const MERGES: u8 = 8;
/// A plain integer with a leading zero, which YAML 1.1 reads as octal.
pub const LEADING_ZERO: u8 = 16;
/// The key was not a plain scalar (a list, a map or an alias as a key).
pub const COMPLEX_KEY: u8 = 32;
/// A map in which no key is twice, and which merges nothing: the first that is found is it.
pub const RECORD: u8 = 64;

/// A node as it is stored. Read it through [`Node`].
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    /// What it holds.
    pub kind: Kind,
    /// How it was written.
    pub style: Style,
    /// [`IN_POOL`] and the other flags.
    pub flags: u8,
    /// A small number for its key, which tells it from most others.
    pub tag: u8,
    /// Where its key starts, in the source or the pool.
    pub key: u32,
    /// How long its key is; [`NO_KEY`] for list items and roots.
    pub key_len: u32,
    /// Where it was written.
    pub span: Span,
    /// Text and container: offset of the text, index after the subtree. Numbers: low half.
    pub low: u32,
    /// Text and container: length in bytes, number of children. Numbers: high half.
    pub high: u32,
}

const _: () = assert!(size_of::<Raw>() == 28);

impl Raw {
    /// The index after its subtree, where `id` is its own.
    fn after(&self, id: Id) -> Id {
        match self.kind {
            Kind::Seq | Kind::Map => self.low,
            _ => id + 1,
        }
    }
}

/// How many maps one look-up visits through merge keys.
const MERGE_BUDGET: u32 = 100;

/// How many keys of a tree are known; what is not is written again.
const MOST_KEYS: usize = 4_096;

/// The `key_len` of a node that has no key.
pub const NO_KEY: u32 = u32::MAX;

/// A key as builders give it.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// List items and roots.
    None,
    /// A range of the source.
    At(Span),
    /// Any other text; it is put into the pool, once per text.
    Text(&'a str),
    /// A name that the program spells: it is known again by where it lies in memory.
    Field(&'static str),
}

/// All documents of one file: its source, its nodes, and one root per document.
#[derive(Debug, Default)]
pub struct Tree {
    /// The file; what is built of it knows its places, too.
    pub source: Arc<Source>,
    /// The nodes in pre-order.
    pub nodes: Vec<Raw>,
    /// Text that the source does not spell.
    pub pool: String,
    /// The roots of the documents as they were written, in order.
    pub roots: Vec<Id>,
    /// Where known keys lie in the pool, by their hash: a table of a power of two slots.
    keys: Vec<(u32, u32)>,
    known_keys: usize,
    /// The names of fields that it knows, by where they lie in memory.
    fields: Arc<[FieldKey]>,
}

/// The name of a field, and where it lies in the pool.
#[derive(Clone, Copy, Debug, Default)]
struct FieldKey {
    name: &'static str,
    start: u32,
    tag: u8,
}

/// How many names of fields a tree knows; what is not known is written again.
const FIELDS: usize = 256;

/// What the table of keys says of a text.
enum Slot {
    /// It lies in the pool, there.
    Known((u32, u32)),
    /// It is not known, and this slot is free.
    Free(usize),
    /// It is not known, and this slot may be used again.
    Taken(usize),
}

/// A number of the first, the middle and the last byte of a key.
pub const fn tag(key: &[u8]) -> u8 {
    match key {
        [] => 0,
        [first, .., last] => {
            let middle = key[key.len() / 2];
            first.wrapping_mul(31).wrapping_add(middle).wrapping_mul(31).wrapping_add(*last)
        }
        [only] => *only,
    }
}

/// Whether two keys of one length are the same: most are short, and so are not worth a call.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let word = |it: &[u8; 8]| u64::from_le_bytes(*it);
    let ends = |key: &[u8]| Some((word(key.first_chunk()?), word(key.last_chunk()?)));
    match (ends(a), ends(b)) {
        (Some(a), Some(b)) if a != b => false,
        (Some(_), Some(_)) if a.len() <= 16 => true,
        (None, None) => a.iter().eq(b),
        _ => a == b,
    }
}

/// A number for a key: of its length, its first and its last bytes.
fn key_hash(key: &[u8]) -> usize {
    let word = |it: Option<&[u8; 4]>| it.map(|it| u32::from_le_bytes(*it));
    let ends = (word(key.first_chunk()), word(key.last_chunk()));
    let (first, last) = match ends {
        (Some(first), Some(last)) => (first, last),
        _ => (key.iter().fold(0, |all, it| all << 8 | u32::from(*it)), 0),
    };
    let both = u64::from(first) << 32 | u64::from(last.rotate_left(7) ^ key.len() as u32);
    (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize
}

impl Tree {
    /// An empty tree over `source`.
    pub fn new(source: impl Into<Arc<Source>>) -> Self {
        Self { source: source.into(), ..Self::default() }
    }

    /// An empty tree over `source` that begins with the names of fields that another one knows.
    pub fn like(other: &Self, source: impl Into<Arc<Source>>) -> Self {
        let (pool, fields) = (other.pool.clone(), other.fields.clone());
        Self { pool, fields, ..Self::new(source) }
    }

    /// An empty tree that knows the names of fields that this one knows.
    pub fn names(&self) -> Self {
        let mut names = Self::default();
        for it in self.fields.iter().filter(|it| !it.name.is_empty()) {
            names.field_key(it.name);
        }
        names
    }

    /// The node with the given index, links followed.
    pub fn node(&self, id: Id) -> Node<'_> {
        let mut id = id;
        while self.nodes[id as usize].kind == Kind::Alias {
            id = self.nodes[id as usize].low;
        }
        Node { tree: self, id }
    }

    /// The key of a node, alias or not; empty where it has none.
    pub fn key(&self, id: Id) -> &str {
        self.key_text(&self.nodes[id as usize])
    }

    /// The documents, in order.
    pub fn documents(&self) -> impl Iterator<Item = Node<'_>> {
        self.roots.iter().map(|&root| self.node(root))
    }

    // ---- building

    /// Adds a node; its children, if any, must follow. Returns its index.
    pub fn push(&mut self, raw: Raw) -> Id {
        let id = self.nodes.len() as Id;
        self.nodes.push(raw);
        id
    }

    /// Sets the source of a tree that was built without it.
    pub fn adopt(&mut self, source: impl Into<Arc<Source>>) {
        self.source = source.into();
        for at in 0..self.nodes.len() {
            let raw = &self.nodes[at];
            if raw.tag == 0 && raw.key_len != NO_KEY {
                self.nodes[at].tag = tag(self.key_bytes(raw));
            }
        }
    }

    fn add(&mut self, key: Key<'_>, kind: Kind, span: Span, low: u32, high: u32, flags: u8) -> Id {
        let ((key, key_len), key_flag, tag) = match key {
            Key::None => ((0, NO_KEY), 0, 0),
            Key::At(at) => {
                ((at.start, at.end - at.start), 0, tag(self.source.slice(at).as_bytes()))
            }
            Key::Text(text) => (self.pooled_key(text), KEY_IN_POOL, tag(text.as_bytes())),
            Key::Field(name) => {
                let known = self.field_key(name);
                ((known.start, name.len() as u32), KEY_IN_POOL, known.tag)
            }
        };
        let (style, flags) = (Style::Derived, flags | key_flag);
        self.push(Raw { kind, style, flags, tag, key, key_len, span, low, high })
    }

    /// Where the name of a field lies in the pool.
    fn field_key(&mut self, name: &'static str) -> FieldKey {
        let address = name.as_ptr().addr();
        let at = (address ^ address >> 8) % FIELDS;
        if let Some(known) = self.fields.get(at).filter(|it| std::ptr::eq(it.name, name)) {
            return *known;
        }
        let (start, _) = self.pooled_key(name);
        let known = FieldKey { name, start, tag: tag(name.as_bytes()) };
        if self.fields.is_empty() {
            self.fields = std::iter::repeat_n(FieldKey::default(), FIELDS).collect();
        }
        Arc::make_mut(&mut self.fields)[at] = known;
        known
    }

    fn pooled_key(&mut self, text: &str) -> (u32, u32) {
        if self.keys.len() < 2 * (self.known_keys + 1) && self.known_keys < MOST_KEYS {
            self.grow_keys();
        }
        let at = match self.key_slot(text) {
            Slot::Known(place) => return place,
            Slot::Free(at) => {
                self.known_keys += 1;
                at
            }
            Slot::Taken(at) => at,
        };
        let place = (self.pool.len() as u32, text.len() as u32);
        self.pool.push_str(text);
        self.keys[at] = place;
        place
    }

    /// Where a key is in the pool, or may be put in the table of keys.
    fn key_slot(&self, text: &str) -> Slot {
        let (first, mask) = (key_hash(text.as_bytes()), self.keys.len() - 1);
        for at in (first..first + 8).map(|it| it & mask) {
            let place = self.keys[at];
            if place.1 == NO_KEY {
                return Slot::Free(at);
            }
            if self.is_pooled(place, text) {
                return Slot::Known(place);
            }
        }
        // A crowded place gives up one of its keys.
        Slot::Taken(first & mask)
    }

    /// Whether the text lies in the pool at this place.
    fn is_pooled(&self, (start, len): (u32, u32), text: &str) -> bool {
        len as usize == text.len()
            && self.pool.as_bytes()[start as usize..].starts_with(text.as_bytes())
    }

    /// Doubles the table of keys.
    fn grow_keys(&mut self) {
        let size = (2 * self.keys.len()).max(32);
        let old = std::mem::replace(&mut self.keys, vec![(0, NO_KEY); size]);
        for (start, len) in old.into_iter().filter(|it| it.1 != NO_KEY) {
            if let Slot::Free(at) | Slot::Taken(at) =
                self.key_slot(&self.pool[start as usize..(start + len) as usize])
            {
                self.keys[at] = (start, len);
            }
        }
    }

    /// Opens a map written at `span`; [`close`](Self::close) it after its entries.
    pub fn open_map(&mut self, key: Key<'_>, span: Span) -> Id {
        self.add(key, Kind::Map, span, 0, 0, 0)
    }

    /// Opens a list written at `span`; [`close`](Self::close) it after its items.
    pub fn open_seq(&mut self, key: Key<'_>, span: Span) -> Id {
        self.add(key, Kind::Seq, span, 0, 0, 0)
    }

    /// Closes a container: everything added since belongs to it. `count` is the number of its
    /// own children.
    pub fn close_with(&mut self, id: Id, count: u32) {
        let end = self.nodes.len() as u32;
        let raw = &mut self.nodes[id as usize];
        raw.low = end;
        raw.high = count;
    }

    /// Closes a map in which no key is twice.
    pub fn close_record(&mut self, id: Id) {
        self.close(id);
        self.nodes[id as usize].flags |= RECORD;
        debug_assert!(
            {
                let keys: Vec<_> = self.node(id).entries().map(|it| it.0).collect();
                (1..keys.len()).all(|at| !keys[..at].contains(&keys[at]))
            },
            "a record has a key twice"
        );
    }

    /// Closes a container and counts its children.
    pub fn close(&mut self, id: Id) {
        let end = self.nodes.len() as u32;
        let (mut at, mut count) = (id + 1, 0);
        while at < end {
            at = self.after(at);
            count += 1;
        }
        self.close_with(id, count);
    }

    /// Adds text that the source spells, at `span`.
    pub fn text_at(&mut self, key: Key<'_>, span: Span) -> Id {
        self.add(key, Kind::Str, span, span.start, span.end - span.start, 0)
    }

    /// Adds text that the source does not spell; findings about it point at `span`.
    pub fn text(&mut self, key: Key<'_>, text: &str, span: Span) -> Id {
        let start = self.pool.len() as u32;
        self.pool.push_str(text);
        self.add(key, Kind::Str, span, start, text.len() as u32, IN_POOL)
    }

    /// Adds text at `span`; where the source spells it there, it is not copied.
    pub fn spelled(&mut self, key: Key<'_>, text: &str, span: Span) -> Id {
        let written = self.source.text.as_bytes().get(span.start as usize..span.end as usize);
        match written == Some(text.as_bytes()) {
            true => self.text_at(key, span),
            false => self.text(key, text, span),
        }
    }

    /// Adds words, with blanks between them, as one text; findings about it point at `span`.
    pub fn words<'w>(
        &mut self,
        key: Key<'_>,
        words: impl Iterator<Item = &'w str>,
        span: Span,
    ) -> Id {
        let start = self.pool.len();
        for (number, word) in words.enumerate() {
            if number > 0 {
                self.pool.push(' ');
            }
            self.pool.push_str(word);
        }
        let length = self.pool.len() - start;
        self.add(key, Kind::Str, span, start as u32, length as u32, IN_POOL)
    }

    /// Adds a number; findings about it point at `span`.
    pub fn int(&mut self, key: Key<'_>, value: i64, span: Span) -> Id {
        self.add(key, Kind::Int, span, value as u64 as u32, (value as u64 >> 32) as u32, 0)
    }

    /// Adds a number; findings about it point at `span`.
    pub fn float(&mut self, key: Key<'_>, value: f64, span: Span) -> Id {
        let bits = value.to_bits();
        self.add(key, Kind::Float, span, bits as u32, (bits >> 32) as u32, 0)
    }

    /// Adds a boolean; findings about it point at `span`.
    pub fn bool(&mut self, key: Key<'_>, value: bool, span: Span) -> Id {
        self.add(key, Kind::Bool, span, u32::from(value), 0, 0)
    }

    /// Adds a null; findings about it point at `span`.
    pub fn null(&mut self, key: Key<'_>, span: Span) -> Id {
        self.add(key, Kind::Null, span, 0, 0, 0)
    }

    /// Adds a link to a node of this tree that is already there and does not contain this place.
    pub fn alias(&mut self, key: Key<'_>, target: Id) -> Id {
        let span = self.nodes[target as usize].span;
        self.add(key, Kind::Alias, span, target, 0, 0)
    }

    /// Appends the nodes of a tree whose text stands at `text` in the text of this one, and gives
    /// where they start. Its roots are not made roots.
    pub fn graft(&mut self, other: &Self, text: u32) -> Id {
        let (first, pool) = (self.nodes.len() as Id, self.pool.len() as u32);
        self.pool.push_str(&other.pool);
        let moved = |at: u32, flags: u8, flag: u8| at + if flags & flag != 0 { pool } else { text };
        self.nodes.extend(other.nodes.iter().map(|raw| {
            let mut raw = *raw;
            if raw.key_len != NO_KEY {
                raw.key = moved(raw.key, raw.flags, KEY_IN_POOL);
            }
            raw.span = Span { start: raw.span.start + text, end: raw.span.end + text };
            match raw.kind {
                Kind::Str => raw.low = moved(raw.low, raw.flags, IN_POOL),
                Kind::Seq | Kind::Map | Kind::Alias => raw.low += first,
                Kind::Null | Kind::Bool | Kind::Int | Kind::Float => {}
            }
            raw
        }));
        first
    }

    fn after(&self, id: Id) -> Id {
        self.nodes[id as usize].after(id)
    }

    /// Gives back the memory that only builders need, and what is found again when it is asked for.
    pub fn finish(&mut self) {
        if let Some(source) = Arc::get_mut(&mut self.source) {
            source.forget_lines();
        }
        (self.keys, self.known_keys) = (Vec::new(), 0);
        self.fields = Arc::default();
        self.nodes.shrink_to_fit();
        self.pool.shrink_to_fit();
    }

    /// Leaves out the entries of a map from `key` on, where the map is the last thing in the tree.
    pub fn end_before(&mut self, map: Id, key: &str) {
        let is_last = self.after(map) as usize == self.nodes.len();
        let Some(from) = self.node(map).find(key).filter(|_| is_last) else { return };
        self.nodes.truncate(from as usize);
        self.close(map);
        let end = |raw: &Raw| {
            let key = if raw.flags & KEY_IN_POOL != 0 { raw.key + raw.key_len } else { 0 };
            let text = if raw.flags & IN_POOL != 0 { raw.low + raw.high } else { 0 };
            key.max(text) as usize
        };
        self.pool.truncate(self.nodes.iter().map(end).max().unwrap_or(0));
        self.keys.clear();
        self.known_keys = 0;
        self.fields = Arc::default();
    }

    /// Leaves out what is below some lists and maps, which are in order and apart; what links to it
    /// is null. Their text, if it goes `with_text`, leaves its lines, as empty ones. Of the pool
    /// only what nodes need is left. Gives the old indices of the nodes, in order.
    pub fn cut(&mut self, parents: &[Id], with_text: bool) -> Vec<Id> {
        let all = std::mem::take(&mut self.nodes);
        let mut kept = Vec::new();
        let (mut at, mut parents_left) = (0, parents.iter().peekable());
        while let Some(raw) = all.get(at as usize) {
            kept.push(at);
            at = if parents_left.next_if_eq(&&at).is_some() { raw.after(at) } else { at + 1 };
        }
        let mut cut = Cut::default();
        if with_text {
            let parts: Vec<_> = parents.iter().map(|it| all[*it as usize].span).collect();
            let (source, parts) = self.source.without(&parts);
            (self.source, cut) = (source.into(), parts);
        }
        let pool = std::mem::take(&mut self.pool);
        (self.keys, self.known_keys, self.fields) = (Vec::new(), 0, Arc::default());
        self.nodes.reserve_exact(kept.len());
        for old in &kept {
            let mut raw = all[*old as usize];
            let mut moved = |is_pooled: bool, (start, len): (u32, u32)| match is_pooled {
                true => self.pooled_key(&pool[start as usize..(start + len) as usize]),
                false => (cut.place(start), len),
            };
            if raw.key_len != NO_KEY {
                let key = (raw.key, raw.key_len);
                (raw.key, raw.key_len) = moved(raw.flags & KEY_IN_POOL != 0, key);
            }
            let now = |old: Id| kept.partition_point(|it| *it < old) as Id;
            match raw.kind {
                Kind::Str => {
                    let text = (raw.low, raw.high);
                    (raw.low, raw.high) = moved(raw.flags & IN_POOL != 0, text);
                }
                Kind::Seq | Kind::Map => {
                    let is_hollow = parents.binary_search(old).is_ok();
                    (raw.low, raw.high) = (now(raw.low), if is_hollow { 0 } else { raw.high });
                }
                Kind::Alias if kept.binary_search(&raw.low).is_ok() => raw.low = now(raw.low),
                Kind::Alias => (raw.kind, raw.low) = (Kind::Null, 0),
                Kind::Null | Kind::Bool | Kind::Int | Kind::Float => {}
            }
            raw.span = Span { start: cut.place(raw.span.start), end: cut.place(raw.span.end) };
            self.nodes.push(raw);
        }
        self.roots.iter_mut().for_each(|it| *it = kept.partition_point(|old| old < it) as Id);
        kept
    }

    fn key_bytes(&self, raw: &Raw) -> &[u8] {
        let text = if raw.flags & KEY_IN_POOL != 0 { &self.pool } else { &self.source.text };
        &text.as_bytes()[raw.key as usize..(raw.key + raw.key_len) as usize]
    }

    /// Whether a node that has a key as long as `key` has that key.
    fn is_key(&self, raw: &Raw, key: &[u8]) -> bool {
        is_same(self.key_bytes(raw), key)
    }

    fn key_text(&self, raw: &Raw) -> &str {
        if raw.key_len == NO_KEY {
            return "";
        }
        let text = if raw.flags & KEY_IN_POOL != 0 { &self.pool } else { &self.source.text };
        &text[raw.key as usize..(raw.key + raw.key_len) as usize]
    }
}

/// A node of a tree: a cheap handle through which everything reads.
///
/// It never stands on an alias; handles are given with links followed.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tree: &'a Tree,
    id: Id,
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Map => f.debug_map().entries(self.entries()).finish(),
            Kind::Seq => f.debug_list().entries(self.children()).finish(),
            Kind::Str => fmt::Debug::fmt(self.text(), f),
            _ => f.write_str(&self.display()),
        }
    }
}

impl<'a> Node<'a> {
    fn raw(self) -> &'a Raw {
        &self.tree.nodes[self.id as usize]
    }

    /// The tree it belongs to.
    pub fn tree(self) -> &'a Tree {
        self.tree
    }

    /// Its index in the tree.
    pub fn id(self) -> Id {
        self.id
    }

    /// The index behind all that is below it.
    pub fn after(self) -> Id {
        self.tree.after(self.id)
    }

    /// What it holds.
    pub fn kind(self) -> Kind {
        self.raw().kind
    }

    /// How it was written.
    pub fn style(self) -> Style {
        self.raw().style
    }

    /// Whether the flag (such as [`YAML11_BOOL`]) is set.
    pub fn flag(self, flag: u8) -> bool {
        self.raw().flags & flag != 0
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether it is a map.
    pub fn is_map(self) -> bool {
        self.kind() == Kind::Map
    }

    /// Whether it is a list.
    pub fn is_seq(self) -> bool {
        self.kind() == Kind::Seq
    }

    /// Its key, where it is an entry of a map; empty otherwise.
    pub fn key(self) -> &'a str {
        self.tree.key_text(self.raw())
    }

    /// Where its key was written, if it has one that was written.
    pub fn key_span(self) -> Option<Span> {
        let raw = self.raw();
        let written = raw.key_len != NO_KEY && raw.flags & KEY_IN_POOL == 0;
        written.then(|| Span { start: raw.key, end: raw.key + raw.key_len })
    }

    /// Where its value was written.
    pub fn span(self) -> Span {
        self.raw().span
    }

    /// The text as the parser understood it (escapes resolved); empty for anything but text.
    pub fn text(self) -> &'a str {
        let raw = self.raw();
        if raw.kind != Kind::Str {
            return "";
        }
        let text = if raw.flags & IN_POOL != 0 { &self.tree.pool } else { &self.tree.source.text };
        &text[raw.low as usize..(raw.low + raw.high) as usize]
    }

    /// The text, if it is text.
    pub fn as_str(self) -> Option<&'a str> {
        (self.kind() == Kind::Str).then(|| self.text())
    }

    /// The number, if it is a whole one.
    pub fn as_int(self) -> Option<i64> {
        let raw = self.raw();
        (raw.kind == Kind::Int).then(|| (u64::from(raw.high) << 32 | u64::from(raw.low)) as i64)
    }

    /// The number, if it is one.
    pub fn as_float(self) -> Option<f64> {
        let raw = self.raw();
        match raw.kind {
            Kind::Int => self.as_int().map(|it| it as f64),
            Kind::Float => Some(f64::from_bits(u64::from(raw.high) << 32 | u64::from(raw.low))),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        let raw = self.raw();
        (raw.kind == Kind::Bool).then_some(raw.low != 0)
    }

    /// A scalar as it was written in the source (`0755`, `yes`, `"a"`); derived ones as displayed.
    pub fn written(self) -> &'a str {
        match self.style() {
            Style::Derived => self.text(),
            _ => self.tree.source.slice(self.span()),
        }
    }

    /// How many children a list or a map has (merged keys not counted); 0 for scalars.
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Seq | Kind::Map => self.raw().high as usize,
            _ => 0,
        }
    }

    /// Whether it has no children.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The children of a list or the values of a map, in order. Null and scalars have none.
    pub fn children(self) -> Children<'a> {
        let raw = self.raw();
        let range = match raw.kind {
            Kind::Seq | Kind::Map => self.id + 1..raw.low,
            _ => 0..0,
        };
        Children { tree: self.tree, next: range.start, end: range.end }
    }

    /// The entries of a map as written, in order; duplicate keys each have one.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.written_entries().map(move |(id, raw)| (self.tree.key_text(raw), self.tree.node(id)))
    }

    /// The nodes of the entries of a map, links not followed.
    fn written_entries(self) -> impl Iterator<Item = (Id, &'a Raw)> {
        let mut at = self.id + 1;
        let end = if self.is_map() { self.raw().low } else { 0 };
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let (id, raw) = (at, &self.tree.nodes[at as usize]);
                at = raw.after(at);
                (id, raw)
            })
        })
    }

    /// The entries of a map as written whose keys have one of the tags: see [`tag`].
    pub fn tagged(self, tags: &[bool; 256]) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let tagged = self.written_entries().filter(|it| tags[usize::from(it.1.tag)]);
        tagged.map(move |(id, raw)| (self.tree.key_text(raw), self.tree.node(id)))
    }

    /// The value under `key` of a map: the last one if the key is there twice, and through merge
    /// keys if it is not there itself.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.find(key).map(|id| self.tree.node(id))
    }

    fn find(self, key: &str) -> Option<Id> {
        self.find_with(key, &mut { MERGE_BUDGET })
    }

    fn find_with(self, key: &str, budget: &mut u32) -> Option<Id> {
        let raw = self.raw();
        if raw.kind != Kind::Map {
            return None;
        }
        let (mut at, mut found) = (self.id + 1, None);
        let (length, wanted) = (key.len() as u32, key.as_bytes());
        let tag = tag(wanted);
        let nodes = &self.tree.nodes[..raw.low as usize];
        while let Some(child) = nodes.get(at as usize) {
            if child.tag == tag && child.key_len == length && self.tree.is_key(child, wanted) {
                found = Some(at);
                if raw.flags & RECORD != 0 {
                    return found;
                }
            }
            at = child.after(at);
        }
        if found.is_none() && raw.flags & MERGES != 0 && key != "<<" {
            return self.find_merged(key, budget);
        }
        found
    }

    /// Merge keys may name maps that merge in turn: a hostile file makes that a tree of any size,
    /// so one look-up visits a bounded number of maps.
    fn find_merged(self, key: &str, budget: &mut u32) -> Option<Id> {
        *budget = budget.checked_sub(1)?;
        let merged = self.get("<<")?;
        match merged.kind() {
            Kind::Map => merged.find_with(key, budget),
            _ => merged.children().find_map(|it| it.find_with(key, budget)),
        }
    }

    /// The value at the end of a path of keys.
    pub fn at(self, path: &[&str]) -> Option<Node<'a>> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text under `key`, if there is text.
    pub fn str(self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    /// The item of a list.
    pub fn item(self, index: usize) -> Option<Node<'a>> {
        self.is_seq().then(|| self.children().nth(index)).flatten()
    }

    /// The file and the bytes in it where people see it: from its key, if it has one, to the end of
    /// its value. In a rendered text that is the author's file, and where key and value come from
    /// different places (an overlay sets what a base has), the value's.
    pub fn place(self) -> (&'a Source, Span) {
        let source = &self.tree.source;
        let value = source.author(self.span());
        let Some(key) = self.key_span() else { return value };
        let (file, at) = source.author(key);
        let is_container = self.is_seq() || self.is_map();
        let end = if is_container { at.end } else { value.1.end };
        let is_one = !source.is_rendered()
            || std::ptr::eq(file, value.0)
                && file.slice(Span { start: at.start, end }).lines().count() < 3;
        if is_container || is_one && at.start <= end {
            (file, Span { start: at.start, end })
        } else {
            value
        }
    }

    /// Whether the author wrote it as it is, a container at least its start: nothing of it is what a
    /// template or a tool made.
    pub fn is_verbatim(self) -> bool {
        let start = self.key_span().unwrap_or(self.span()).start;
        let is_container = self.is_seq() || self.is_map();
        let end = if is_container { start + 1 } else { self.span().end };
        self.tree.source.is_verbatim(Span { start, end })
    }

    /// Where people see it start: at its key if it has one, otherwise at its value.
    pub fn start(self) -> Position {
        let (source, span) = self.place();
        source.position(span.start)
    }

    /// The file in which people see it, where it starts and where it ends.
    pub fn seen(self) -> (&'a Source, Position, Position) {
        let (source, span) = self.place();
        let start = source.position(span.start);
        (source, start, self.end_at(source, span, start))
    }

    /// Where people see it end: a scalar at its end, a container at the end of its first line, so
    /// that a finding underlines `resources:` and not the hundred lines below it.
    pub fn end(self) -> Position {
        let (source, span) = self.place();
        self.end_at(source, span, source.position(span.start))
    }

    fn end_at(self, source: &Source, span: Span, start: Position) -> Position {
        match self.kind() {
            Kind::Seq | Kind::Map => Position { column: source.width(start.line) + 1, ..start },
            _ => source.end(span, start),
        }
    }

    /// The value as a message shows it: scalars as text, containers by their size.
    pub fn display(self) -> String {
        match self.kind() {
            Kind::Null | Kind::Alias => "null".to_owned(),
            Kind::Bool => self.as_bool().unwrap_or_default().to_string(),
            Kind::Int => self.as_int().unwrap_or_default().to_string(),
            Kind::Float => self.as_float().unwrap_or_default().to_string(),
            Kind::Str => self.text().to_owned(),
            Kind::Seq => format!("{} items", self.len()),
            Kind::Map => format!("{} keys", self.len()),
        }
    }
}

/// The items of the list, or the values of the map, under `key`; none where there is nothing.
pub fn list<'a>(node: Node<'a>, key: &str) -> impl Iterator<Item = Node<'a>> + use<'a> {
    node.get(key).into_iter().flat_map(Node::children)
}

/// The children of a node, links followed.
pub struct Children<'a> {
    tree: &'a Tree,
    next: Id,
    end: Id,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        (self.next < self.end).then(|| {
            let id = self.next;
            self.next = self.tree.after(id);
            self.tree.node(id)
        })
    }
}

/// Why a text, or a part of it, could not be read or judged. It is reported, never a pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, below the root of the repository.
    pub path: String,
    /// Where in it.
    pub start: Position,
    /// What kind of trouble.
    pub kind: Trouble,
    /// What is wrong and what to do, lower case.
    pub reason: String,
}

impl Problem {
    /// A problem at a byte of a source.
    pub fn at(source: &Source, offset: u32, kind: Trouble, reason: impl Into<String>) -> Self {
        let (source, span) = source.author(Span { start: offset, end: offset });
        let start = source.position(span.start);
        Self { path: source.path.clone(), start, kind, reason: reason.into() }
    }
}

/// The kinds of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// The file could not be read at all.
    Unreadable,
    /// The text is not valid in its language.
    Syntax,
    /// A template (Helm, Jinja, …) that somebody has to render first.
    Template,
    /// A limit of ours (size, depth, steps) was met.
    Limit,
    /// The value is only known when something runs.
    Dynamic,
    /// A rule could not be evaluated on a subject.
    NotEvaluated,
    /// A suppression or a configuration of a peer that cannot be honoured.
    Unsupported,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let mut tree = Tree::new(Source::new("x", "abc"));
        let map = tree.open_map(Key::None, Span::new(0, 3));
        let list = tree.open_seq(Key::Field("list"), Span::new(0, 1));
        tree.int(Key::None, -7, Span::new(0, 1));
        tree.text(Key::None, "pooled", Span::new(0, 1));
        tree.close(list);
        tree.text_at(Key::At(Span::new(0, 1)), Span::new(1, 3));
        tree.alias(Key::Field("again"), list);
        tree.close(map);
        tree.roots.push(map);
        tree
    }

    #[test]
    fn a_tree_forgets_what_is_below_a_list_and_its_text() {
        for (with_text, left, column) in [(true, "\n a: bc", 2), (false, "[1,\n2] a: bc", 4)] {
            let mut tree = Tree::new(Source::new("x", "[1,\n2] a: bc"));
            let map = tree.open_map(Key::None, Span::new(0, 12));
            let list = tree.open_seq(Key::Field("list"), Span::new(0, 6));
            let one = tree.text(Key::None, "pooled", Span::new(1, 2));
            tree.close(list);
            tree.text_at(Key::At(Span::new(7, 8)), Span::new(10, 12));
            tree.alias(Key::Field("again"), list);
            tree.close(map);
            tree.alias(Key::None, one);
            assert_eq!(tree.cut(&[list], with_text), [0, 1, 3, 4, 5]);
            let shown = r#"{"list": [], "a": "bc", "again": []}"#;
            assert_eq!(format!("{:?}", tree.node(map)), shown);
            assert!(tree.node(4).is_null() && tree.node(list).is_empty());
            assert!(!tree.pool.contains("pooled"));
            assert_eq!((tree.source.text.as_str(), tree.source.path.as_str()), (left, "x"));
            assert_eq!(tree.node(2).start(), Position { line: 2, column });
        }
    }

    #[test]
    fn a_tree_forgets_the_end_of_its_last_map() {
        let mut tree = sample();
        let map = tree.open_map(Key::None, Span::default());
        tree.text(Key::Field("first"), "kept", Span::default());
        tree.text(Key::Field("second"), "gone", Span::default());
        tree.text(Key::Field("third"), "gone", Span::default());
        tree.close_record(map);
        tree.end_before(0, "list");
        tree.end_before(map, "second");
        assert_eq!(format!("{:?}", tree.node(map)), r#"{"first": "kept"}"#);
        assert!(!tree.pool.contains("gone"));
        tree.text(Key::Field("first"), "again", Span::default());
        assert_eq!(tree.key(tree.nodes.len() as Id - 1), "first");
    }

    #[test]
    fn children_and_links_are_found_in_order() {
        let tree = sample();
        let root = tree.node(tree.roots[0]);
        assert_eq!(root.len(), 3);
        assert_eq!(root.str("a"), Some("bc"));
        assert_eq!(root.at(&["again"]).and_then(|it| it.item(0)).and_then(Node::as_int), Some(-7));
        assert_eq!(
            format!("{root:?}"),
            r#"{"list": [-7, "pooled"], "a": "bc", "again": [-7, "pooled"]}"#
        );
    }

    #[test]
    fn a_tree_like_another_knows_its_names_and_copies_no_text_that_is_written() {
        let mut tree = Tree::like(&sample().names(), Source::new("x", "abc"));
        let map = tree.open_map(Key::None, Span::new(0, 3));
        let list = tree.spelled(Key::Field("list"), "bc", Span::new(1, 3));
        let again = tree.spelled(Key::Field("again"), "no", Span::new(1, 3));
        tree.close_record(map);
        assert_eq!(format!("{:?}", tree.node(map)), r#"{"list": "bc", "again": "no"}"#);
        let is_pooled = |id| tree.node(id).flag(IN_POOL);
        assert!(!is_pooled(list) && is_pooled(again));
    }

    #[test]
    fn a_grafted_tree_is_the_same_elsewhere() {
        let mut tree = sample();
        tree.source = Source::new("x", "abc...abc").into();
        let first = tree.graft(&sample(), 6);
        let (left, right) = (tree.node(0), tree.node(first));
        assert_eq!(format!("{left:?}"), format!("{right:?}"));
        let at = right.get("a").unwrap().span();
        assert_eq!((at.start, tree.source.slice(at)), (7, "bc"));
    }
}
