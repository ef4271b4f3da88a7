//! Artifacts that are made of files and not read from one: builds of Kustomize, Helm charts,
//! descriptions of interfaces in several files.
//!
//! A renderer looks at the files of the repository and gives back whole artifacts, each over a text
//! that it wrote with a [`Draft`](crate::source::Draft), so that every place in it is a place in
//! the author's files. `evaluate` judges them like files, joins know each as one unit of what is
//! deployed together, and a finding that several renderings share is told once.
//!
//! To add a renderer: write `pub fn render(files: &Files<'_>, artifacts: &[Artifact]) -> Rendering`
//! in its module and call it from [`render`]. [`from_tree`] turns the tree of a finished text into an artifact.

use std::{collections::BTreeSet, rc::Rc};

use super::{Artifact, Kind, Role, helm, kubernetes, kustomize, openapi, testdata::TestData};
use crate::{
    document::{self, Problem, Tree},
    source::Source,
};

/// Reads the bytes of a file by its path.
pub type Bytes<'a> = dyn Fn(&str) -> Option<Vec<u8>> + Sync + 'a;

/// The files of the repository, as renderers see them.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// Every path below the root, sorted.
    pub paths: &'a [String],
    /// Reads a file by its path; nothing where there is none or it cannot be read.
    pub read: &'a (dyn Fn(&str) -> Option<Source> + Sync),
    /// Reads a file that is no text; nothing where none are to be read.
    pub bytes: Option<&'a Bytes<'a>>,
}

impl Files<'_> {
    /// Whether there is a file at this path.
    pub fn has(&self, path: &str) -> bool {
        self.paths.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
    }
}

/// The keys and other texts that a renderer met last: most of them are met again, and need not be
/// in memory twice.
#[derive(Debug)]
pub struct Words {
    known: Vec<Option<Rc<str>>>,
}

impl Words {
    /// How many texts are known at most: one for each tag and some lengths.
    const MOST: usize = 2048;

    /// The text, as one that may be known.
    pub fn get(&mut self, text: &str) -> Rc<str> {
        let place = usize::from(document::tag(text.as_bytes())) + 256 * text.len();
        let place = &mut self.known[place % Self::MOST];
        match place {
            Some(known) if **known == *text => known.clone(),
            _ => place.insert(text.into()).clone(),
        }
    }
}

impl Default for Words {
    fn default() -> Self {
        Self { known: vec![None; Self::MOST] }
    }
}

/// What came of rendering.
#[derive(Debug, Default)]
pub struct Rendering {
    /// What was rendered, with the role [`Role::Rendered`]. No two have the same path: a chart that
    /// is rendered with several files of values has the path of those.
    pub artifacts: Vec<Artifact>,
    /// Files that are judged as a part of what was rendered, and not alone: what was found in them
    /// alone is forgotten, and joins do not see them.
    pub parts: BTreeSet<String>,
    /// What could not be rendered.
    pub problems: Vec<Problem>,
}

impl Rendering {
    /// Adds what was rendered to the artifacts of files, and marks those that are parts of it.
    pub fn join(self, artifacts: &mut Vec<Artifact>) {
        for it in artifacts.iter_mut().filter(|it| self.parts.contains(&it.tree.source.path)) {
            it.role = Role::Part;
        }
        artifacts.extend(self.artifacts);
    }

    /// Takes up what another renderer made.
    pub fn extend(&mut self, other: Self) {
        self.artifacts.extend(other.artifacts);
        self.parts.extend(other.parts);
        self.problems.extend(other.problems);
    }
}

/// Renders what can be rendered; builds and charts only where objects are asked for, and none that
/// are made for `tests`. `artifacts` are those that were parsed from files, by path.
pub fn render(files: &Files<'_>, artifacts: &[Artifact], tests: Option<&TestData>) -> Rendering {
    let mut rendering = openapi::render(files, artifacts);
    if let Some(tests) = tests {
        let paths = files.paths.iter().filter(|it| !tests.holds_manifest(it));
        let paths: Vec<_> = paths.cloned().collect();
        let files = &Files { paths: &paths, ..*files };
        rendering.extend(kustomize::render(files, artifacts));
        rendering.extend(helm::render(files));
        let manifests = artifacts.iter().filter(|it| it.kind == Kind::Kubernetes);
        let printed = manifests.map(|it| &it.tree.source).filter(|it| helm::is_output(it, files));
        rendering.parts.extend(printed.map(|it| it.path.clone()));
    }
    rendering
}

/// The manifests in a rendered text that was parsed.
pub fn from_tree(
    tree: Tree,
    problems: Vec<Problem>,
    role: Role,
) -> (Option<Artifact>, Vec<Problem>) {
    let parsed = kubernetes::parse(tree, problems);
    (parsed.artifact.map(|it| Artifact { role, ..it }), parsed.problems)
}
