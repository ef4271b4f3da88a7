//! The files that builds read, each once, and the places in them.

use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::model::{At, Copier, Node};
use crate::{
    artifact::{
        Artifact, kubernetes,
        render::{Files, Words},
    },
    document::{Problem, Tree, Trouble},
    parse,
    source::{Draft, Source, Span},
};

/// How many values all builds of a repository may hold.
const VALUES: usize = 4_000_000;

/// How many values all builds of a repository may look at.
const STEPS: usize = 200_000_000;

/// How far ahead the next line of an inline text is looked for.
const WINDOW: usize = 1000;

/// The files that builds have read.
pub(super) struct Library<'a> {
    files: &'a Files<'a>,
    artifacts: &'a [Artifact],
    pub(super) sources: Vec<Arc<Source>>,
    known: HashMap<String, Option<Rc<Loaded>>>,
    words: Words,
    budget: usize,
    steps: usize,
    pub(super) problems: Vec<Problem>,
    /// Whether the bodies of custom resource definitions are built as well; rules that look at
    /// them find them in their own files.
    with_definitions: bool,
}

/// A file of documents.
pub(super) struct Loaded {
    /// Its documents; definitions of custom resources are left out where nobody needs them.
    pub(super) documents: Vec<Node>,
    /// Whether definitions were left out.
    pub(super) definitions: bool,
    /// How many values the documents hold.
    pub(super) values: usize,
}

impl<'a> Library<'a> {
    pub(super) fn new(
        files: &'a Files<'a>,
        artifacts: &'a [Artifact],
        with_definitions: bool,
    ) -> Self {
        Self {
            files,
            artifacts,
            sources: Vec::new(),
            known: HashMap::new(),
            words: Words::default(),
            budget: VALUES,
            steps: STEPS,
            problems: Vec::new(),
            with_definitions,
        }
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.files.has(path)
    }

    /// Takes the cost of copying so many values at a place; false when nothing is left, which is
    /// said once.
    pub(super) fn spend(&mut self, values: usize, at: At) -> bool {
        let had = self.budget;
        self.budget = had.saturating_sub(values);
        self.say_limit(had, self.budget, at)
    }

    /// The same for looking at so many values.
    pub(super) fn step(&mut self, values: usize, at: At) -> bool {
        let had = self.steps;
        self.steps = had.saturating_sub(values);
        self.say_limit(had, self.steps, at)
    }

    fn say_limit(&mut self, had: usize, left: usize, at: At) -> bool {
        if had > 0 && left == 0 {
            let source = &self.sources[at.file as usize];
            let reason = "the builds of Kustomize are too large: from here on they are not judged";
            self.problems.push(Problem::at(source, at.span.start, Trouble::Limit, reason));
        }
        left > 0
    }

    /// What a file holds that is put into a generated object.
    pub(super) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self.files.bytes {
            Some(bytes) => bytes(path),
            None => (self.files.read)(path).map(|it| it.text.into_bytes()),
        }
    }

    /// The documents of a file; nothing where there is none.
    pub(super) fn load(&mut self, path: &str) -> Option<Rc<Loaded>> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let loaded = self.read(path).map(Rc::new);
        self.known.insert(path.to_owned(), loaded.clone());
        loaded
    }

    fn read(&mut self, path: &str) -> Option<Loaded> {
        let at = self.artifacts.binary_search_by(|it| it.tree.source.path.as_str().cmp(path));
        if let Ok(at) = at {
            return Some(self.copy(&self.artifacts[at].tree));
        }
        let source = (self.files.read)(path)?;
        let (mut tree, problems) = parse::yaml::parse(source);
        kubernetes::read_as_yaml11(&mut tree);
        self.problems.extend(problems);
        Some(self.copy(&tree))
    }

    fn copy(&mut self, tree: &Tree) -> Loaded {
        let file = self.sources.len() as u32;
        self.sources.push(tree.source.clone());
        let is_definition = |it: &crate::document::Node<'_>| {
            !self.with_definitions && it.str("kind") == Some("CustomResourceDefinition")
        };
        let definitions = tree.documents().any(|it| is_definition(&it));
        let place = |span| At { file, span };
        let mut documents = Vec::new();
        let before = self.budget;
        let (budget, words) = (&mut self.budget, &mut self.words);
        let mut copier = Copier { place, budget, words };
        for it in tree.documents().filter(|it| !it.is_null() && !is_definition(it)) {
            match copier.copy(it) {
                Some(document) => documents.push(document),
                None => {
                    let reason = "builds of Kustomize are too large: this one is not judged";
                    let source = &self.sources[file as usize];
                    self.problems.push(Problem::at(source, 0, Trouble::Limit, reason));
                    break;
                }
            }
        }
        Loaded { documents, definitions, values: before - self.budget }
    }

    /// The documents in a text that is written inside a file, such as an inline patch.
    pub(super) fn inline(&mut self, text: &Node) -> Vec<Node> {
        let Some(inner) = text.str() else { return Vec::new() };
        let outer = self.sources[text.at.file as usize].clone();
        let mut draft = Draft::new(outer.path.as_str());
        let file = draft.file(&outer);
        let mut cursor = text.at.span.start as usize;
        for line in inner.split_inclusive('\n') {
            let end = text.at.span.end as usize;
            let rest = outer.text.get(cursor..end.max(cursor)).unwrap_or_default();
            let mut near = rest.len().min(line.len() + WINDOW);
            while !rest.is_char_boundary(near) {
                near -= 1;
            }
            let at = match rest[..near].find(line.trim_end()).filter(|_| !line.trim().is_empty()) {
                Some(found) => {
                    let start = cursor + found;
                    cursor = start + line.trim_end().len();
                    Span::new(start, cursor)
                }
                None => text.at.span,
            };
            draft.push(line.trim_end_matches('\n'), file, at);
            draft.glue("\n");
        }
        let (mut tree, problems) = parse::yaml::parse(draft.finish());
        kubernetes::read_as_yaml11(&mut tree);
        self.problems.extend(problems);
        let place = |span| At { file: text.at.file, span: tree.source.author(span).1 };
        let (budget, words) = (&mut self.budget, &mut self.words);
        let mut copier = Copier { place, budget, words };
        tree.documents().filter_map(|it| copier.copy(it)).collect()
    }

    /// Notes what is wrong at a place.
    pub(super) fn trouble(&mut self, at: At, reason: String) {
        let source = &self.sources[at.file as usize];
        self.problems.push(Problem::at(source, at.span.start, Trouble::Unsupported, reason));
    }
}
