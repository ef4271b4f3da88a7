//! Keys that a map writes twice, in any language that has maps.

use std::collections::HashSet;

use crate::document::{Id, KEY_IN_POOL, Kind, MERGES, Node, Problem, RECORD, Raw, Tree, Trouble};

/// How many repeated keys of one file are reported one by one.
const MAX_REPORTED: usize = 50;

/// One problem at the second writing of each key that a map has twice; where there is none, the maps
/// are marked as records.
pub fn repeated(tree: &mut Tree) -> Vec<Problem> {
    let maps: Vec<_> = (0..tree.nodes.len() as Id).filter(|it| may_repeat(tree, *it)).collect();
    let is_plain = |it: &&mut Raw| it.kind == Kind::Map && it.flags & MERGES == 0;
    tree.nodes.iter_mut().filter(is_plain).for_each(|it| it.flags |= RECORD);
    among(tree, &maps)
}

/// The same, where it is known which maps may have a key twice, and they are marked already.
pub fn among(tree: &mut Tree, maps: &[Id]) -> Vec<Problem> {
    let mut found = Vec::new();
    maps.iter().for_each(|it| in_map(tree.node(*it), &mut found));
    if found.is_empty() {
        return Vec::new();
    }
    let more = found.len().saturating_sub(MAX_REPORTED);
    let last = found.get(MAX_REPORTED).map(|it| it.1);
    found.truncate(MAX_REPORTED);
    let mut problems: Vec<_> = found
        .into_iter()
        .map(|(key, at)| {
            let reason = format!("the key `{key}` is there twice, and only the last one counts");
            Problem::at(&tree.source, at, Trouble::Syntax, reason)
        })
        .collect();
    if let Some(at) = last {
        let reason = format!("{more} more keys are there twice");
        problems.push(Problem::at(&tree.source, at, Trouble::Syntax, reason));
    }
    tree.nodes.iter_mut().for_each(|it| it.flags &= !RECORD);
    problems
}

/// The tags of keys.
#[derive(Debug, Default)]
pub struct Tags([u64; 4]);

impl Tags {
    /// Adds the tag of a key; whether it is there already.
    pub fn repeats(&mut self, tag: u8) -> bool {
        let (word, bit) = (&mut self.0[usize::from(tag >> 6)], 1 << (tag & 63));
        let repeats = *word & bit != 0;
        *word |= bit;
        repeats
    }
}

/// Whether a node is a map of which two keys have one tag.
fn may_repeat(tree: &Tree, id: Id) -> bool {
    let raw = &tree.nodes[id as usize];
    if raw.kind != Kind::Map || raw.high < 2 {
        return false;
    }
    let mut tags = Tags::default();
    let mut at = id + 1;
    while at < raw.low {
        if tags.repeats(tree.nodes[at as usize].tag) {
            return true;
        }
        at += 1 + subtree(tree, at);
    }
    false
}

/// Small maps are compared pair by pair, long ones through a set.
fn in_map<'a>(map: Node<'a>, found: &mut Vec<(&'a str, u32)>) {
    let mut add = |key: &'a [u8], at| {
        if key != b"<<" {
            found.push((std::str::from_utf8(key).unwrap_or_default(), at));
        }
    };
    if map.len() > 16 {
        let mut seen = HashSet::with_capacity(map.len());
        let again = keys(map).filter(|&(key, _)| !seen.insert(key));
        again.for_each(|(key, at)| add(key, at));
        return;
    }
    let mut seen: [&[u8]; 16] = [b""; 16];
    for (count, (key, at)) in keys(map).enumerate().take(16) {
        if seen[..count].contains(&key) {
            add(key, at);
        }
        seen[count] = key;
    }
}

/// The keys of a map, and where each entry starts.
fn keys(map: Node<'_>) -> impl Iterator<Item = (&[u8], u32)> {
    let tree = map.tree();
    let (mut at, end) = (map.id() + 1, map.id() + 1 + subtree(tree, map.id()));
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let raw = &tree.nodes[at as usize];
            at += 1 + subtree(tree, at);
            let (from, to) = (raw.key as usize, (raw.key + raw.key_len) as usize);
            match raw.flags & KEY_IN_POOL {
                0 => (&tree.source.text.as_bytes()[from..to], raw.key),
                _ => (&tree.pool.as_bytes()[from..to], raw.span.start),
            }
        })
    })
}

/// How many nodes lie below a node.
fn subtree(tree: &Tree, id: Id) -> u32 {
    let raw = &tree.nodes[id as usize];
    if matches!(raw.kind, Kind::Map | Kind::Seq) { raw.low - id - 1 } else { 0 }
}
