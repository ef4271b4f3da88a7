//! References inside one document: `$ref: '#/…'`, YAML aliases aside.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use crate::document::{Id, Node};

/// How many references a chain of them may have.
const MAX_CHAIN: usize = 32;
/// Maps longer than this are indexed when they are looked into.
const MAX_SCAN: usize = 16;
/// The words that stand before nothing: a document has at most so many characters of pointers.
const MAX_POINTERS: usize = 1 << 22;

/// The references of one document.
pub struct Refs<'a> {
    root: Node<'a>,
    targets: RefCell<HashMap<&'a str, Option<Node<'a>>>>,
    maps: RefCell<HashMap<Id, HashMap<&'a str, Node<'a>>>>,
    spent: Cell<usize>,
}

impl<'a> Refs<'a> {
    /// The references of the document at `root`.
    pub fn new(root: Node<'a>) -> Self {
        let (targets, maps) = (RefCell::default(), RefCell::default());
        Self { root, targets, maps, spent: Cell::new(0) }
    }

    /// The node itself, or what its reference leads to; nothing if that is not in this document.
    pub fn resolve(&self, node: Node<'a>) -> Option<Node<'a>> {
        let mut node = node;
        for _ in 0..MAX_CHAIN {
            let Some(pointer) = pointer(node) else { return Some(node) };
            node = self.target(pointer)?;
        }
        None
    }

    /// What a pointer (`#/components/schemas/Pet`) leads to.
    pub fn target(&self, pointer: &'a str) -> Option<Node<'a>> {
        if let Some(known) = self.targets.borrow().get(pointer) {
            return *known;
        }
        let found = self.find(pointer);
        self.targets.borrow_mut().insert(pointer, found);
        found
    }

    fn find(&self, pointer: &'a str) -> Option<Node<'a>> {
        let spent = self.spent.get() + pointer.len();
        self.spent.set(spent);
        if spent > MAX_POINTERS {
            return None;
        }
        let path = pointer.strip_prefix('#')?;
        if path.is_empty() {
            return Some(self.root);
        }
        path.strip_prefix('/')?.split('/').try_fold(self.root, |node, part| match node.is_seq() {
            true => node.item(part.parse().ok()?),
            false => self.entry(node, &decoded(part)),
        })
    }

    fn entry(&self, map: Node<'a>, key: &str) -> Option<Node<'a>> {
        if map.len() <= MAX_SCAN {
            return map.get(key);
        }
        let mut maps = self.maps.borrow_mut();
        let index = maps.entry(map.id()).or_insert_with(|| map.entries().collect());
        index.get(key).copied()
    }
}

/// The text of a node's reference, if it is one.
pub fn pointer(node: Node<'_>) -> Option<&str> {
    if !node.is_map() || node.len() > MAX_SCAN {
        return None;
    }
    node.str("$ref")
}

/// A part of a pointer without its escapes: `~1` is `/`, `~0` is `~`, `%20` a blank.
pub fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |at: usize| (*tail.get(at)? as char).to_digit(16);
        let (byte, used) = match (first, tail.first()) {
            (b'~', Some(b'1')) => (b'/', 1),
            (b'~', Some(b'0')) => (b'~', 1),
            (b'%', _) => match (hex(0), hex(1)) {
                (Some(high), Some(low)) => ((high * 16 + low) as u8, 2),
                _ => (first, 0),
            },
            _ => (first, 0),
        };
        bytes.push(byte);
        rest = &tail[used..];
    }
    String::from_utf8(bytes).unwrap_or_else(|_| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse::yaml, source::Source};

    #[test]
    fn references_are_followed_and_cycles_end() {
        let text = "a: {$ref: '#/b~1c'}\nb/c: {$ref: '#/list/1'}\nlist: [1, {x: y}]\nloop: {$ref: '#/loop'}\nout: {$ref: 'other.yaml#/x'}\n";
        let (tree, _) = yaml::parse(Source::new("x.yaml", text));
        let root = tree.node(tree.roots[0]);
        let refs = Refs::new(root);
        let get = |key| refs.resolve(root.get(key).unwrap());
        assert_eq!(get("a").and_then(|it| it.str("x")), Some("y"));
        assert!(get("loop").is_none());
        assert!(get("out").is_none());
        assert_eq!(decoded("a~1b~0%7Bc%7D%"), "a/b~{c}%");
    }
}
