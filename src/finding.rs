//! What we have to say about the repository: findings, and where they are.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    artifact,
    document::Node,
    source::{Position, Span},
};

/// How bad a finding is, worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Info,
    /// Worth fixing.
    Warning,
    /// Blocks by default.
    Error,
}

impl Severity {
    /// The name that users see and write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error].into_iter().find(|it| it.name() == name)
    }
}

/// A place in a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, below the root of the repository.
    pub path: Arc<str>,
    /// Where it starts.
    pub start: Position,
    /// One past where it ends.
    pub end: Position,
}

impl Ord for Place {
    /// By file, then by line: most places that are compared share the path of one file.
    fn cmp(&self, other: &Self) -> Ordering {
        let path = shared_order(&self.path, &other.path);
        path.then_with(|| (self.start, self.end).cmp(&(other.start, other.end)))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of two texts that are often one and the same.
pub fn shared_order(a: &Arc<str>, b: &Arc<str>) -> Ordering {
    if Arc::ptr_eq(a, b) { Ordering::Equal } else { a.cmp(b) }
}

impl Place {
    /// Where people see `node`.
    pub fn of(node: Node<'_>) -> Self {
        let (source, start, end) = node.seen();
        Self { path: source.shared_path(), start, end }
    }
}

/// A line of a text that we rendered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rendered {
    /// The path of the rendering: see [`artifact::render::Rendering`].
    pub path: Arc<str>,
    /// The line in its text.
    pub line: u32,
}

impl Rendered {
    /// Where the node is in a rendered text; nothing for nodes of files.
    pub fn of(node: Node<'_>) -> Option<Self> {
        let source = &node.tree().source;
        source.is_rendered().then(|| {
            let at = node.key_span().map_or(node.span().start, |it| it.start);
            Self { path: source.shared_path(), line: source.line_at(at) }
        })
    }
}

/// A second place that a finding needs to be understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is there.
    pub message: &'static str,
}

/// As many references are told that lead to a finding.
const MAX_WAY: usize = 8;

impl Related {
    /// The references that lead from the file of a description to a node in another file.
    pub fn way(node: Node<'_>) -> Vec<Self> {
        let source = &node.tree().source;
        let start = node.key_span().map_or(node.span().start, |it| it.start);
        let mut at = Span { start, end: node.span().end.max(start) };
        let mut found = Vec::new();
        while found.len() < MAX_WAY
            && let Some(by) = source.asked(at)
        {
            let (file, span) = source.author(by);
            let (start, end) = (file.position(span.start), file.position(span.end));
            let place = Place { path: file.path.as_str().into(), start, end };
            found.push(Self { place, message: "this reference leads there" });
            at = by;
        }
        found
    }

    /// What a finding disagrees with.
    pub fn against(node: Node<'_>) -> Self {
        let (source, start, end) = node.seen();
        let place = Place { path: source.shared_path(), start, end };
        Self { place, message: "this says otherwise" }
    }

    /// The file that asked for a rendering, where a finding in it points somewhere else.
    pub fn rendering(of: &Rendered, place: &Place) -> Option<Self> {
        let start = Position { line: 1, column: 1 };
        let asked = Place { path: of.path.clone(), start, end: start };
        let message = "as rendered from here";
        // That a template is rendered by its own chart goes without saying.
        let own = of.path.strip_suffix("Chart.yaml").is_some_and(|it| place.path.starts_with(it));
        (asked.path != place.path && !own).then_some(Self { place: asked, message })
    }
}

/// The object a finding is about: see [`artifact::Object`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// `Deployment`, …
    pub kind: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// Its namespace; empty if it names none.
    pub namespace: String,
}

impl From<artifact::Object<'_>> for Object {
    fn from(it: artifact::Object<'_>) -> Self {
        Self { kind: it.kind.into(), name: it.name.into(), namespace: it.namespace.into() }
    }
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiver {
    /// Who or what says so: a comment, an annotation, `readiness.toml`, a peer's pragma.
    pub by: String,
    /// The reason that was given; empty where the form has no place for one.
    pub reason: String,
    /// Until when it holds, `YYYY-MM-DD`, where it says.
    pub expires: Option<String>,
}

/// A change of a text that mends a finding. Its edits are all of one file, in order, and apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to write where; at least one.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// The fix that makes these edits; nothing if there are none, or if they cannot be made
    /// together.
    pub fn of(mut edits: Vec<Edit>) -> Option<Box<Self>> {
        edits.sort_by_key(|it| (it.span.start, it.span.end));
        let apart = edits
            .windows(2)
            .all(|it| it[0].place.path == it[1].place.path && it[0].span.end <= it[1].span.start);
        edits.shrink_to_fit();
        (apart && !edits.is_empty()).then(|| Box::new(Self { edits }))
    }

    /// The file that it changes.
    pub fn path(&self) -> &Arc<str> {
        &self.edits[0].place.path
    }
}

/// A text in place of a part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The part as people count it; empty where something is only added.
    pub place: Place,
    /// The part in bytes.
    pub span: Span,
    /// What to write there.
    pub text: String,
}

/// A rule that does not hold, at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The rule's id.
    pub rule: Arc<str>,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, lower case, with the value.
    pub message: String,
    /// What the peers call it: `hadolint:DL3002`, …
    pub equivalents: Arc<[Arc<str>]>,
    /// The checklist items it violates.
    pub items: Arc<[Arc<str>]>,
    /// The object it is about, where it is about one.
    pub object: Option<Arc<Object>>,
    /// Other places that matter.
    pub related: Vec<Related>,
    /// The first line at the place, cut to 200 characters.
    pub excerpt: Arc<str>,
    /// Where it is in a text that we rendered, until the findings of all renderings are one.
    pub rendered: Option<Rendered>,
    /// Stays the same while the defect does, also when lines above it come and go; empty where
    /// nobody asks for it.
    pub fingerprint: String,
    /// Whether the change under review brought it.
    pub new: bool,
    /// Why it does not count, if it does not.
    pub waived: Option<Box<Waiver>>,
    /// From which severity on it blocks, where a peer's configuration says so: nothing in it means
    /// never.
    pub blocks_from: Option<Option<Severity>>,
    /// What to change, where the change is certain.
    pub fix: Option<Box<Fix>>,
}

impl Finding {
    /// Forgets the equivalents of peers that would be silent here.
    pub fn forget(&mut self, is_silent: impl Fn(&str) -> bool) {
        let others = self.equivalents.iter().filter(|it| !is_silent(it));
        self.equivalents = others.cloned().collect();
    }
}

/// A line as a finding shows it: at most 200 characters.
pub fn excerpt(line: &str) -> Arc<str> {
    let longer = (line.len() > 200).then(|| line.char_indices().nth(200)).flatten();
    longer.map_or(line, |it| &line[..it.0]).into()
}

/// What a rule of power `decides` or `confirms` found in favour of its items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The checklist item.
    pub item: Arc<str>,
    /// Where the evidence is.
    pub place: Place,
    /// The rule's id.
    pub rule: Arc<str>,
}
