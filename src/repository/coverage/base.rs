//! Coverage before the change under review: the shares that were asked for, and what was reached.

use super::{
    super::{Repository, record},
    count, family, folder,
};
use crate::{
    artifact::{
        Artifact, Emit, Kind, Select, Shape, Subject, View,
        coverage::{Count, thresholds},
        fields,
    },
    document::{Key, Node, Tree},
    source::{Source, Span},
    value::Value,
};

/// A share of coverage that configuration asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    path: String,
    folder: String,
    tool: String,
    name: String,
    metric: String,
    value: f64,
}

/// What is known of the state before the change.
#[derive(Debug, Default)]
pub struct Base {
    /// The shares that were asked for, and whose missing failed something.
    pub stated: Vec<Stated>,
    /// The lines that were covered, where a report says so.
    pub lines: Option<Count>,
    /// The HTTP interfaces that were described.
    pub interfaces: Vec<Artifact>,
}

/// What a change does to what is asked of coverage.
#[derive(Debug, Default)]
pub(in super::super) struct Compared {
    lowered: Vec<Tree>,
    before: Option<Count>,
}

impl Stated {
    fn read(node: Node<'_>) -> Option<Self> {
        let text = |key: &str| node.str(key).map(str::to_owned);
        let enforced = node.get("enforced").and_then(Node::as_bool) == Some(true);
        let value = node.get("value").and_then(Node::as_float).filter(|_| enforced)?;
        Some(Self {
            path: node.tree().source.path.clone(),
            folder: folder(node).to_owned(),
            tool: text("tool")?,
            name: text("name")?,
            metric: text("metric")?,
            value,
        })
    }

    /// Whether `other` asks the same of the same code, wherever it is written.
    fn is_like(&self, other: &Self) -> bool {
        family(&self.tool) == family(&other.tool)
            && self.metric == other.metric
            && self.folder == other.folder
    }
}

/// What the configuration of a repository asks for.
pub(in super::super) fn stated(repository: &Repository<'_>) -> Vec<Stated> {
    let all = repository.thresholds.iter().flat_map(thresholds::each);
    all.filter_map(Stated::read).collect()
}

impl Compared {
    /// The change from `base` to what `repository` asks for.
    pub(in super::super) fn new(repository: &Repository<'_>, base: &Base) -> Self {
        let nodes: Vec<Node<'_>> =
            repository.thresholds.iter().flat_map(thresholds::each).collect();
        let now = stated(repository);
        let lowered = base.stated.iter().filter_map(|old| {
            let kept = now.iter().any(|it| it.is_like(old) && it.value >= old.value);
            let same = |it: &Node<'_>| {
                it.tree().source.path == old.path && it.str("name") == Some(&old.name)
            };
            let like = |it: &Node<'_>| Stated::read(*it).is_some_and(|it| it.is_like(old));
            let mut all = nodes.iter().copied();
            let left = all.clone().find(same).or_else(|| all.find(like));
            // Where the code itself has gone, nothing is asked of it.
            let gone = left.is_none() && !repository.has_folder(&old.folder);
            (!kept && !gone).then(|| lower(old, left))
        });
        Self { lowered: lowered.collect(), before: base.lines }
    }
}

/// A tree that points at what is left of a threshold.
fn lower(old: &Stated, now: Option<Node<'_>>) -> Tree {
    let source = now.map(|it| &it.tree().source);
    let (path, text) = source.map_or((old.path.as_str(), "\n"), |it| (&it.path, &it.text));
    let span = now.map_or(Span::default(), Node::span);
    let mut tree = Tree::new(Source::new(path, text));
    let map = tree.open_map(Key::None, span);
    tree.text(Key::Field("tool"), &old.tool, span);
    tree.text(Key::Field("name"), &old.name, span);
    tree.text(Key::Field("before"), &number(old.value), span);
    match now.and_then(|it| it.get("value")).and_then(Node::as_float) {
        Some(value) => tree.text(Key::Field("now"), &number(value), span),
        None => tree.null(Key::Field("now"), span),
    };
    let enforced = now.and_then(|it| it.get("enforced")).and_then(Node::as_bool) == Some(true);
    tree.bool(Key::Field("enforced"), enforced, span);
    tree.close(map);
    tree.roots.push(map);
    tree
}

fn number(value: f64) -> String {
    format!("{value}")
}

const LOWERED: Shape = Shape::Record(fields! {
    "tool": Shape::Text, "`coverage.py`, `codecov`, …";
    "name": Shape::Text, "the key or flag that says it";
    "before": Shape::Text, "the share in percent that was asked for";
    "now": Shape::Text, "the share that is asked for now; nothing if none is";
    "enforced": Shape::Bool, "missing it still fails something";
});

/// One subject for each share that the change lowers.
pub(in super::super) const LOWERED_VIEW: View = View {
    name: "repository.coverage_lowered",
    kind: Kind::Repository,
    means: "a share of coverage of which the change under review asks less, or nothing any more",
    vars: fields! { "it": LOWERED, "the share"; },
    select: Select::Repository(select_lowered),
};

fn select_lowered<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for it in repository.compared.lowered.iter().flat_map(Tree::documents) {
        let at = it.get("name").unwrap_or(it);
        emit(Subject { values: vec![Value::Node(it)], at, object: None });
    }
}

const DROP: Shape = Shape::Record(fields! {
    "before": super::COUNT, "the lines before the change";
    "now": super::COUNT, "the lines now";
});

/// One subject for the whole, before and now.
pub(in super::super) const DROP_VIEW: View = View {
    name: "repository.coverage_before",
    kind: Kind::Repository,
    means: "the coverage of the whole before the change under review and now, where reports say both",
    vars: fields! { "it": DROP, "both"; },
    select: Select::Repository(select_drop),
};

fn select_drop<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let Some(before) = repository.compared.before.filter(|it| it.total > 0) else { return };
    let placed: Vec<_> = super::own(repository);
    let Some(first) = placed.first() else { return };
    let reports: Vec<_> = placed.iter().filter_map(|it| it.artifact.coverage.as_deref()).collect();
    let now = crate::artifact::coverage::merge::whole(&reports, repository.files).lines;
    if now.total > 0 {
        let it = record([("before", count(before)), ("now", count(now))]);
        emit(Subject { values: vec![it], at: first.root, object: None });
    }
}
