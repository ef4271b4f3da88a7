//! A description and the files it refers to, as one tree: nothing is resolved, copied into each
//! other or fetched. Only files of the repository are read, each once, and only as far as
//! references lead; what cannot be followed is told at the reference.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::{
    derive,
    refs::{Way, decoded},
    tour::Region,
};
use crate::{
    artifact::{
        Artifact, Kind as Artifacts, Role,
        render::{Files, Rendering},
    },
    document::{Id, KEY_IN_POOL, Kind, NO_KEY, Node, Problem, Tree, Trouble},
    parse,
    source::{Asked, Source, Span},
};

/// How many files one description may have.
const MAX_FILES: usize = 20_000;
/// How many bytes all descriptions of a repository may read from other files.
const MAX_BYTES: usize = 256 << 20;

/// Maps longer than this are indexed when they are looked into.
const MAX_SCAN: usize = 16;

/// Reads the descriptions that refer to other files together with them.
pub fn render(files: &Files<'_>, artifacts: &[Artifact]) -> Rendering {
    let mut rendering = Rendering::default();
    let mut left = MAX_BYTES;
    let mut commented = BTreeMap::new();
    let is_part = |it: &&Artifact| it.kind == Artifacts::Openapi && it.role == Role::Part;
    for artifact in artifacts.iter().filter(is_part) {
        let Some((root, _)) = super::document(&artifact.tree) else { continue };
        let mut loader = Loader::new(&artifact.tree, files, left);
        loader.load(root.id());
        left = loader.left;
        for tree in loader.trees.iter().filter(|it| it.source.text.contains("seaworthy")) {
            let Source { path, text, .. } = &*tree.source;
            commented.entry(path.clone()).or_insert_with(|| text.clone());
        }
        rendering.problems.append(&mut loader.problems);
        rendering.parts.insert(artifact.tree.source.path.clone());
        let (mut tree, regions, unread) = loader.finish();
        let (derived, troubles) = derive::append(&mut tree, &regions, &unread);
        rendering.problems.extend(troubles);
        let role = Role::Rendered { open: false };
        rendering.artifacts.push(Artifact {
            derived,
            role,
            ..Artifact::new(Artifacts::Openapi, tree)
        });
    }
    let known: BTreeSet<_> = artifacts.iter().map(|it| &*it.tree.source.path).collect();
    commented.retain(|path, _| !known.contains(&**path));
    // Comments in the other files count too, and are found in artifacts.
    rendering.artifacts.extend(commented.into_iter().map(|(path, text)| Artifact {
        role: Role::Part,
        ..Artifact::new(Artifacts::Openapi, Tree::new(Source::new(path, text)))
    }));
    rendering
}

/// The files that belong to a description, as far as `read` gives them.
pub fn referred(tree: &Tree, read: &(dyn Fn(&str) -> Option<Source> + Sync)) -> Vec<String> {
    let Some((root, _)) = super::document(tree) else { return Vec::new() };
    let files = Files { paths: &[], read, bytes: None };
    let mut loader = Loader { known: false, ..Loader::new(tree, &files, MAX_BYTES) };
    loader.load(root.id());
    loader.trees.into_iter().map(|it| it.source.path.clone()).collect()
}

/// Whether a text may refer to other files: a cheap look before it is parsed.
pub fn may_refer(text: &[u8]) -> bool {
    let mut found = memchr::memmem::find_iter(text, b"$ref");
    found.any(|at| {
        let mut rest = text[at + 4..].iter().skip_while(|it| b"\"': \t".contains(it));
        rest.next().is_some_and(|it| *it != b'#')
    })
}

/// Whether a tree refers to files: to be read together with them.
pub fn refers(tree: &Tree) -> bool {
    let folder = tree.source.folder();
    let is_ref = |id: &Id| {
        let raw = &tree.nodes[*id as usize];
        raw.kind == Kind::Str && raw.key_len == 4 && tree.node(*id).key() == "$ref"
    };
    let ids = (0..tree.nodes.len() as Id).filter(is_ref);
    let mut texts = ids.map(|id| tree.node(id).text()).filter(|it| !it.starts_with('#'));
    texts.any(|it| matches!(Way::of(folder, it), Way::File(path) if path != tree.source.path))
}

/// Files that were not followed, by path, and why.
pub type Unread = BTreeMap<String, &'static str>;

struct Loader<'l> {
    main: &'l Tree,
    files: &'l Files<'l>,
    /// Whether the files say which there are.
    known: bool,
    /// The other files, in the order in which they were met.
    trees: Vec<Tree>,
    /// Which nodes of them belong to the description.
    seen: Vec<Vec<bool>>,
    /// The number of each file that was looked for; nothing where it cannot be read.
    numbers: HashMap<String, Option<usize>>,
    /// Long maps that were looked into.
    maps: HashMap<(usize, Id), HashMap<String, Id>>,
    /// Parts that are still to be looked through.
    open: VecDeque<(usize, Id)>,
    /// Parts, and the references that lead there: a file and a node each.
    asked: Vec<((usize, Id), (usize, Id))>,
    problems: Vec<Problem>,
    unread: Unread,
    left: usize,
}

impl<'l> Loader<'l> {
    fn new(main: &'l Tree, files: &'l Files<'l>, left: usize) -> Self {
        Self {
            main,
            files,
            known: true,
            trees: Vec::new(),
            seen: Vec::new(),
            numbers: HashMap::from([(main.source.path.clone(), Some(0))]),
            maps: HashMap::new(),
            open: VecDeque::new(),
            asked: Vec::new(),
            problems: Vec::new(),
            unread: Unread::new(),
            left,
        }
    }

    /// The tree of a file; the description itself is number 0.
    fn tree(&self, file: usize) -> &Tree {
        file.checked_sub(1).map_or(self.main, |it| &self.trees[it])
    }

    fn load(&mut self, root: Id) {
        self.open.push_back((0, root));
        while let Some((file, start)) = self.open.pop_front() {
            for reference in self.references(file, start) {
                self.follow(file, reference);
            }
        }
    }

    /// The references in a part of a file that were not met yet.
    fn references(&mut self, file: usize, start: Id) -> Vec<Id> {
        let tree = file.checked_sub(1).map_or(self.main, |it| &self.trees[it]);
        let mut seen = file.checked_sub(1).map(|it| &mut self.seen[it]);
        let mut found = Vec::new();
        let mut id = start;
        let end = end(tree, start);
        while id < end {
            let raw = &tree.nodes[id as usize];
            if let Some(seen) = &mut seen
                && std::mem::replace(&mut seen[id as usize], true)
            {
                id = self::end(tree, id);
                continue;
            }
            match raw.kind {
                Kind::Str if raw.key_len == 4 && tree.node(id).key() == "$ref" => found.push(id),
                // What an alias stands for may be outside of the part.
                Kind::Alias if file > 0 => self.open.push_back((file, raw.low)),
                _ => {}
            }
            id += 1;
        }
        found
    }

    fn follow(&mut self, file: usize, id: Id) {
        let tree = self.tree(file);
        let text = tree.node(id).text();
        let pointer = text.split_once('#').map_or("", |it| it.1).to_owned();
        let there = match Way::of(tree.source.folder(), text) {
            Way::Here => Some(file),
            Way::File(path) => self.number(path),
            Way::Outside | Way::Network => None,
        };
        let Some(there) = there.filter(|it| *it > 0) else { return };
        let tree = self.tree(there);
        let Some(&root) = tree.roots.first() else { return };
        // What has a name of its own may be anywhere in its file.
        let is_pointer = pointer.starts_with('/');
        let target = if is_pointer { self.walk(there, root, &pointer) } else { Some(root) };
        let Some(target) = target else { return };
        if !self.seen[there - 1][target as usize] {
            self.asked.push(((there, target), (file, id)));
            self.open.push_back((there, target));
        }
    }

    /// What a pointer leads to in another file.
    fn walk(&mut self, file: usize, root: Id, pointer: &str) -> Option<Id> {
        let (tree, maps) = (&self.trees[file - 1], &mut self.maps);
        let mut entry = |map: Node<'_>, key: &str| -> Option<Id> {
            if map.len() <= MAX_SCAN {
                return map.get(key).map(Node::id);
            }
            let index = maps.entry((file, map.id())).or_insert_with(|| {
                map.entries().map(|(key, it)| (key.to_owned(), it.id())).collect()
            });
            index.get(key).copied()
        };
        pointer.split('/').skip(1).try_fold(root, |id, part| {
            let node = tree.node(id);
            match node.is_seq() {
                true => node.item(part.parse().ok()?).map(Node::id),
                false => entry(node, &decoded(part)),
            }
        })
    }

    /// The number of a file, which is read when it is first asked for.
    fn number(&mut self, path: String) -> Option<usize> {
        if let Some(known) = self.numbers.get(&path) {
            return *known;
        }
        let number = self.read(&path);
        self.numbers.insert(path, number);
        number
    }

    fn read(&mut self, path: &str) -> Option<usize> {
        if self.known && !self.files.has(path) {
            return None;
        }
        let unread = &mut self.unread;
        let mut refuse = |reason| {
            unread.insert(path.to_owned(), reason);
            None
        };
        if self.trees.len() >= MAX_FILES {
            return refuse("belongs to a description of too many files");
        }
        let Some(source) = (self.files.read)(path) else {
            return refuse("is a link, which we do not follow, or cannot be read");
        };
        let Some(left) = self.left.checked_sub(source.text.len()) else {
            return refuse("belongs to descriptions that are too large");
        };
        self.left = left;
        let name = source.name().to_ascii_lowercase();
        let (tree, problems) = match name.rsplit_once('.').map_or("", |it| it.1) {
            "json" => parse::json::parse(source),
            "yaml" | "yml" => parse::yaml::parse(source),
            _ => (words(source), Vec::new()),
        };
        self.problems.extend(problems);
        if tree.roots.is_empty() {
            return refuse("cannot be read, or holds nothing");
        }
        self.seen.push(vec![false; tree.nodes.len()]);
        self.trees.push(tree);
        Some(self.trees.len())
    }

    /// One tree of all files, the parts that belong to the description, and what was not read.
    fn finish(self) -> (Tree, Vec<Region>, Unread) {
        let mut tree = Tree::default();
        tree.graft(self.main, 0);
        tree.roots.clone_from(&self.main.roots);
        let mut texts = self.main.source.text.len() + 1;
        let mut sources = vec![self.main.source.clone()];
        let mut starts = vec![(0, 0)];
        for other in self.trees {
            let first = tree.graft(&other, texts as u32);
            starts.push((first, texts as u32));
            tree.roots.extend(other.roots.first().map(|it| it + first));
            texts += other.source.text.len() + 1;
            sources.push(other.source);
        }
        let moved = |(file, id): (usize, Id)| id + starts[file].0;
        let region = |&(part, by): &_| Region { root: moved(part), by: moved(by) };
        let regions: Vec<_> = self.asked.iter().map(region).collect();
        let mut asked: Vec<_> = regions
            .iter()
            .map(|it| Asked { part: place(&tree, it.root), by: tree.nodes[it.by as usize].span })
            .collect();
        asked.sort_by_key(|it| it.part.start);
        tree.adopt(Source::joined(sources, asked));
        (tree, regions, self.unread)
    }
}

/// One past the last node of a subtree.
fn end(tree: &Tree, id: Id) -> Id {
    let raw = &tree.nodes[id as usize];
    match raw.kind {
        Kind::Map | Kind::Seq => raw.low,
        _ => id + 1,
    }
}

/// From the key of a node to its end.
fn place(tree: &Tree, id: Id) -> Span {
    let raw = &tree.nodes[id as usize];
    let keyed = raw.key_len != NO_KEY && raw.flags & KEY_IN_POOL == 0;
    let start = if keyed { raw.key.min(raw.span.start) } else { raw.span.start };
    Span { start, end: raw.span.end.max(start) }
}

/// A file that is neither YAML nor JSON, as a description may take for one of its texts.
fn words(source: Source) -> Tree {
    let end = source.text.len();
    let mut tree = Tree::new(source);
    let root = tree.text_at(crate::document::Key::None, Span::new(0, end));
    tree.roots.push(root);
    tree
}

/// What is not followed, in words.
pub fn refusal(way: &Way) -> Option<(Trouble, &'static str)> {
    match way {
        Way::Network => Some((Trouble::Unreadable, "is in a network: we never read from there")),
        Way::Outside => Some((Trouble::Unreadable, "leads out of the repository: not read")),
        Way::Here | Way::File(_) => None,
    }
}
