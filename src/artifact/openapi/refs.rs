//! References between the parts of a description: `$ref: '#/…'`, and into the files that were read
//! with it. YAML aliases aside.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{HashMap, HashSet},
};

use crate::{
    document::{Id, Kind, Node},
    source,
};

/// How many references are followed before the way is remembered.
const SHORT: usize = 8;
/// Maps longer than this are indexed when they are looked into.
const MAX_SCAN: usize = 16;
/// The words that stand before nothing: a document has at most so many characters of pointers.
const MAX_POINTERS: usize = 1 << 22;

/// The references of one description.
pub struct Refs<'a> {
    /// The file of the description first, then those it refers to: where each starts.
    files: Vec<File<'a>>,
    paths: HashMap<&'a str, usize>,
    targets: RefCell<HashMap<(usize, &'a str), Option<Node<'a>>>>,
    far: RefCell<HashMap<Id, Option<Node<'a>>>>,
    maps: RefCell<HashMap<Id, HashMap<&'a str, Node<'a>>>>,
    names: OnceCell<Names<'a>>,
    spent: Cell<usize>,
}

/// A file that belongs to a description.
#[derive(Clone, Copy)]
struct File<'a> {
    root: Node<'a>,
    path: &'a str,
}

/// The schemas that have a name of their own: `$id`, `$anchor`.
#[derive(Default)]
struct Names<'a> {
    /// By address, as written.
    ids: HashMap<&'a str, Node<'a>>,
    /// By file and name.
    anchors: HashMap<(usize, &'a str), Node<'a>>,
}

/// Where the text of a reference leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a place in the same file.
    Here,
    /// To a file of the repository.
    File(String),
    /// Out of the repository.
    Outside,
    /// Into a network.
    Network,
}

impl Way {
    /// Where a reference leads that is written in a file of `folder`.
    pub fn of(folder: &str, reference: &str) -> Self {
        let file = reference.split('#').next().unwrap_or_default();
        if file.is_empty() {
            return Self::Here;
        }
        let scheme = file.split_once(':').map(|it| it.0);
        let is_scheme = |it: &str| {
            it.starts_with(|it: char| it.is_ascii_alphabetic())
                && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
        };
        if file.starts_with("//") || scheme.is_some_and(is_scheme) {
            return match scheme {
                Some("file") => Self::Outside,
                _ => Self::Network,
            };
        }
        if file.starts_with(['/', '\\']) {
            return Self::Outside;
        }
        let file = file.split('?').next().unwrap_or_default();
        source::resolve(folder, &decoded(file)).map_or(Self::Outside, Self::File)
    }
}

/// The folder of a path, without a `/` at the end.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |it| it.0)
}

impl<'a> Refs<'a> {
    /// The references of the description at `root`.
    pub fn new(root: Node<'a>) -> Self {
        let source = &root.tree().source;
        let file = |root: Node<'a>| File { root, path: &source.author(root.span()).0.path };
        let mut files = vec![file(root)];
        if source.is_rendered() {
            let others = root.tree().documents().map(file).filter(|it| it.path != files[0].path);
            let others: Vec<_> = others.collect();
            files.extend(others);
        }
        let mut paths = HashMap::new();
        for (at, it) in files.iter().enumerate() {
            paths.entry(it.path).or_insert(at);
        }
        Self {
            files,
            paths,
            targets: RefCell::default(),
            far: RefCell::default(),
            maps: RefCell::default(),
            names: OnceCell::new(),
            spent: Cell::new(0),
        }
    }

    /// One past the last node that was written.
    pub fn end(&self) -> Id {
        let ends = self.files.iter().map(|it| end(it.root));
        ends.max().unwrap_or_default()
    }

    /// The node itself, or what its reference leads to; nothing if that is not there.
    pub fn resolve(&self, node: Node<'a>) -> Option<Node<'a>> {
        let mut node = node;
        for _ in 0..SHORT {
            let Some(pointer) = pointer(node) else { return Some(node) };
            node = self.target(node, pointer)?;
        }
        self.resolve_far(node)
    }

    /// What a long chain of references leads to; nothing for a circle.
    fn resolve_far(&self, node: Node<'a>) -> Option<Node<'a>> {
        let (mut way, mut seen) = (Vec::new(), HashSet::new());
        let mut next = Some(node);
        let found = loop {
            let Some(node) = next else { break None };
            if let Some(known) = self.far.borrow().get(&node.id()) {
                break *known;
            }
            let Some(pointer) = pointer(node) else { break Some(node) };
            if !seen.insert(node.id()) {
                break None;
            }
            way.push(node.id());
            next = self.target(node, pointer);
        };
        self.far.borrow_mut().extend(way.into_iter().map(|it| (it, found)));
        found
    }

    /// The entry of a map, or what its reference leads to.
    pub fn get(&self, node: Node<'a>, key: &str) -> Option<Node<'a>> {
        self.resolve(node.get(key)?)
    }

    /// What a reference (`#/components/schemas/Pet`, `pet.yaml`) that is written at or below a node
    /// leads to.
    pub fn target(&self, from: Node<'a>, reference: &'a str) -> Option<Node<'a>> {
        let key = (self.file_of(from), reference);
        if let Some(known) = self.targets.borrow().get(&key) {
            return *known;
        }
        let found = self.find(from, key.0, reference);
        self.targets.borrow_mut().insert(key, found);
        found
    }

    /// Where a reference that is written at or below a node leads.
    pub fn way(&self, from: Node<'a>, reference: &str) -> Way {
        Way::of(folder(self.files[self.file_of(from)].path), reference)
    }

    /// The pointer of a reference into the file of the description itself: `#/components/…`.
    pub fn in_root(&self, from: Node<'a>, reference: &'a str) -> Option<&'a str> {
        let at = reference.find('#').unwrap_or(reference.len());
        let is_root = match self.way(from, reference) {
            Way::Here => self.file_of(from) == 0,
            Way::File(path) => path == self.files[0].path,
            Way::Outside | Way::Network => false,
        };
        is_root.then(|| &reference[at..])
    }

    /// Whether a file was read with the description.
    pub fn has_file(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// Whether a node is in the file of the description itself.
    pub fn is_in_root(&self, node: Node<'a>) -> bool {
        self.file_of(node) == 0
    }

    /// The number of the file that a node is in; the description itself is 0.
    pub fn file_of(&self, node: Node<'a>) -> usize {
        match self.files.len() {
            1 => 0,
            _ => self.files.partition_point(|it| it.root.id() <= node.id()).max(1) - 1,
        }
    }

    fn find(&self, from: Node<'a>, file: usize, reference: &'a str) -> Option<Node<'a>> {
        let spent = self.spent.get() + reference.len();
        self.spent.set(spent);
        if spent > MAX_POINTERS || reference.is_empty() {
            return None;
        }
        let (name, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let file = match self.way(from, name) {
            Way::Here => Some(file),
            Way::File(path) => self.paths.get(&*path).copied(),
            Way::Outside | Way::Network => None,
        };
        let Some(at) = file else {
            // Not a file, but perhaps the address of a schema.
            let named = self.names().ids.get(name)?;
            return if pointer.is_empty() { Some(*named) } else { self.walk(*named, pointer) };
        };
        let root = self.files[at].root;
        if pointer.is_empty() {
            return Some(root);
        }
        if !pointer.starts_with('/') {
            return self.names().anchors.get(&(at, pointer)).copied();
        }
        self.walk(root, pointer)
    }

    fn walk(&self, root: Node<'a>, pointer: &str) -> Option<Node<'a>> {
        pointer.strip_prefix('/')?.split('/').try_fold(root, |node, part| match node.is_seq() {
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

    /// The names that schemas give themselves, from 3.1 on.
    fn names(&self) -> &Names<'a> {
        self.names.get_or_init(|| {
            let root = self.files[0].root;
            let text = root.tree().source.text.as_bytes();
            let says = |it: &str| memchr::memmem::find(text, it.as_bytes()).is_some();
            let is_new = super::Version::of(root).is_some_and(|it| (it.major, it.minor) >= (3, 1));
            let mut names = Names::default();
            if !is_new || !(says("$id") || says("nchor")) {
                return names;
            }
            for (at, file) in self.files.iter().enumerate() {
                for id in file.root.id()..end(file.root) {
                    let node = file.root.tree().node(id);
                    if !node.is_map() || node.len() > 64 {
                        continue;
                    }
                    if let Some(id) = node.str("$id") {
                        names.ids.entry(id.trim_end_matches('#')).or_insert(node);
                    }
                    for key in ["$anchor", "$dynamicAnchor"] {
                        if let Some(name) = node.str(key) {
                            names.anchors.entry((at, name)).or_insert(node);
                        }
                    }
                }
            }
            names
        })
    }
}

/// One past the last node below `root`.
fn end(root: Node<'_>) -> Id {
    match root.kind() {
        Kind::Map | Kind::Seq => root.tree().nodes[root.id() as usize].low,
        _ => root.id() + 1,
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
        let get = |key| refs.get(root, key);
        assert_eq!(get("a").and_then(|it| it.str("x")), Some("y"));
        assert!(get("loop").is_none());
        assert!(get("out").is_none());
        assert_eq!(decoded("a~1b~0%7Bc%7D%"), "a/b~{c}%");
    }

    #[test]
    fn a_chain_of_ten_thousand_references_has_an_end() {
        let mut text = "openapi: 3.0.0\n".to_owned();
        for at in 0..10_000 {
            text.push_str(&format!("n{at}: {{$ref: '#/n{}'}}\n", at + 1));
        }
        let whole = format!("{text}n10000: {{x: y}}\n");
        for (text, expected) in [(&text, None), (&whole, Some("y"))] {
            let (tree, _) = yaml::parse(Source::new("x.yaml", &**text));
            let root = tree.node(tree.roots[0]);
            let refs = Refs::new(root);
            for key in ["n0", "n5000", "n9999"] {
                assert_eq!(refs.get(root, key).and_then(|it| it.str("x")), expected);
            }
        }
    }

    #[test]
    fn schemas_have_names_from_3_1_on() {
        for (version, expected) in [("3.1.0", Some("y")), ("3.0.0", None)] {
            let text = format!(
                "openapi: {version}\na: {{$ref: '#pet'}}\nb: {{$ref: 'https://pets.test/pet'}}\npet: {{$id: 'https://pets.test/pet', $anchor: pet, x: y}}\n"
            );
            let (tree, _) = yaml::parse(Source::new("x.yaml", text));
            let root = tree.node(tree.roots[0]);
            let refs = Refs::new(root);
            assert_eq!(refs.get(root, "a").and_then(|it| it.str("x")), expected);
            assert_eq!(refs.get(root, "b").and_then(|it| it.str("x")), expected);
        }
    }

    #[test]
    fn references_name_files_of_the_repository() {
        let at = |target| Way::of("api/v1", target);
        let file = |it: &str| Way::File(it.to_owned());
        assert_eq!(at("../common.yaml#/Error"), file("api/common.yaml"));
        assert_eq!(at("./a%20b.yaml"), file("api/v1/a b.yaml"));
        assert_eq!(at("../../../x.yaml"), Way::Outside);
        assert_eq!(at("%2e%2e/%2e%2e/%2e%2e/x"), Way::Outside);
        assert_eq!(at("/etc/passwd"), Way::Outside);
        assert_eq!(at("file:///etc/passwd"), Way::Outside);
        assert_eq!(at("https://orders.test/x.yaml"), Way::Network);
        assert_eq!(at("//orders.test/x.yaml"), Way::Network);
        assert_eq!(at("#/components"), Way::Here);
    }
}
