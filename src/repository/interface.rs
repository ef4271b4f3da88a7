//! The descriptions of HTTP interfaces before the change under review, and what the change means
//! for those who call them.

use std::collections::HashSet;

use super::{Repository, coverage, record};
use crate::{
    artifact::{
        Artifact, Emit, Kind, Select, Shape, Subject, View, fields,
        openapi::{self, BREAKING, Change},
    },
    document::{Key, Node, Problem, Tree, Trouble},
    patch::{self, Moves},
    source::{Position, Source, Span},
    value::Value,
};

/// How many operations a message names.
const NAMED: usize = 3;

/// What a change does to the interfaces that the repository describes.
#[derive(Debug, Default)]
pub(super) struct Compared<'a> {
    documents: Vec<Document<'a>>,
    gone: Vec<Tree>,
    problems: Vec<Problem>,
}

/// A description that was there before.
#[derive(Debug)]
struct Document<'a> {
    at: Node<'a>,
    before: String,
    now: String,
    announced: bool,
    changes: Vec<Change<'a>>,
}

/// The descriptions among artifacts that were read to their end. What lies among tests and examples
/// is nobody's interface.
pub(super) fn sound(artifacts: &mut Vec<Artifact>, problems: &[Problem]) -> Vec<Artifact> {
    let broken = broken(problems);
    artifacts.extract_if(.., |it| is_interface(it, &broken)).collect()
}

fn is_interface(it: &Artifact, broken: &HashSet<&str>) -> bool {
    let path = it.tree.source.path.as_str();
    let is_written = it.kind == Kind::Openapi && !it.tree.source.is_rendered();
    is_written && !coverage::is_fixture(path) && !broken.contains(path)
}

fn broken(problems: &[Problem]) -> HashSet<&str> {
    let told = [Trouble::NotEvaluated, Trouble::Unsupported];
    let broken = problems.iter().filter(|it| !told.contains(&it.kind));
    broken.map(|it| it.path.as_str()).collect()
}

/// The version and the title that a description gives itself.
fn info<'t>(root: Node<'t>, key: &str) -> Option<Node<'t>> {
    root.at(&["info", key])
}

fn title(root: Node<'_>) -> Option<&str> {
    info(root, "title")?.as_str().filter(|it| !it.is_empty())
}

impl<'a> Compared<'a> {
    /// The change from the descriptions `before` to those of `repository`, of which `diff` tells
    /// what was moved.
    pub(super) fn new(
        repository: &Repository<'a>,
        before: &[Artifact],
        diff: &str,
        problems: &[Problem],
    ) -> Self {
        let mut compared = Self::default();
        if before.is_empty() {
            return compared;
        }
        let broken = broken(problems);
        let now: Vec<_> =
            repository.artifacts.iter().filter(|it| is_interface(it, &broken)).collect();
        let was: HashSet<_> = before.iter().map(|it| it.tree.source.path.as_str()).collect();
        let moves = patch::moves(diff);
        let mut taken = HashSet::new();
        for old in before {
            let path = old.tree.source.path.as_str();
            let Some((root, _)) = openapi::document(&old.tree) else { continue };
            let at = |path: &str| now.iter().copied().find(|it| it.tree.source.path == path);
            let renamed = || at(moves.renamed.iter().find(|it| it.0 == path)?.1.as_str());
            let titled = |it: &&&'a Artifact| {
                let other = openapi::document(&it.tree).and_then(|it| title(it.0));
                other.is_some() && other == title(root)
            };
            let new = at(path).or_else(renamed).or_else(|| {
                // One that git does not follow: another format, or written anew.
                let is_new = |it: &&&'a Artifact| !was.contains(it.tree.source.path.as_str());
                let mut found = now.iter().filter(titled).filter(is_new);
                let only = found.next().copied();
                only.filter(|_| found.next().is_none() && !repository.has_file(path))
            });
            match new {
                Some(new) if taken.insert(&new.tree.source.path) => {
                    compared.document(root, new);
                }
                Some(_) => {}
                None if now.iter().any(|it| titled(&it)) => {}
                None => compared.gone(old, root, repository, &moves),
            }
        }
        compared
    }

    fn document(&mut self, old: Node<'_>, new: &'a Artifact) {
        let Some((root, _)) = openapi::document(&new.tree) else { return };
        let comparison = openapi::compare(old, root);
        if !comparison.complete {
            self.problems.push(Problem {
                path: new.tree.source.path.clone(),
                start: Position { line: 1, column: 1 },
                kind: Trouble::Limit,
                reason: "too large to be compared whole with what it was before".to_owned(),
            });
        }
        let said = |root| info(root, "version").map(Node::display).unwrap_or_default();
        let (before, now) = (said(old), said(root));
        let mut changes = comparison.changes;
        // One interface may be written down twice, as JSON and as YAML.
        let told = |all: &[Change<'_>]| -> Vec<_> {
            all.iter().map(|it| (it.class, it.operation.clone(), it.part.clone())).collect()
        };
        let own = told(&changes);
        let twin =
            |it: &Document<'_>| it.before == before && it.now == now && told(&it.changes) == own;
        if self.documents.iter().any(twin) {
            changes.clear();
        }
        let announced = is_announced(&before, &now);
        let at = info(root, "version").unwrap_or(root);
        self.documents.push(Document { at, before, now, announced, changes });
    }

    /// Notes a description that the change deletes.
    fn gone(&mut self, old: &Artifact, root: Node<'_>, repository: &Repository<'_>, moves: &Moves) {
        let path = old.tree.source.path.as_str();
        if repository.has_file(path) || !moves.deleted.iter().any(|it| it == path) {
            return;
        }
        let mut tree = Tree::new(Source::new(path, "\n"));
        let (key, span) = (Key::Text, Span::default());
        let map = tree.open_map(Key::None, span);
        tree.text(key("title"), title(root).unwrap_or_default(), span);
        tree.int(key("paths"), root.get("paths").map_or(0, Node::len) as i64, span);
        tree.close(map);
        tree.roots.push(map);
        self.gone.push(tree);
    }

    /// What could not be compared.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Whether one version says of itself that it breaks with another: its first number is higher, or,
/// before 1.0, its second; or it is the date of a later day.
fn is_announced(before: &str, now: &str) -> bool {
    let is_date = |it: &str| {
        let parts = it.split('-').map(str::len);
        it.starts_with("20") && (parts.clone().eq([4, 2, 2]) || parts.eq([4, 2]))
    };
    if is_date(before) && is_date(now) {
        return now > before;
    }
    let numbers = |it: &str| -> Option<(u64, u64)> {
        let mut parts = it.trim_start_matches('v').split(['.', '-', '+']);
        let first = parts.next()?.parse().ok()?;
        Some((first, parts.next().and_then(|it| it.parse().ok()).unwrap_or(0)))
    };
    match (numbers(before), numbers(now)) {
        (Some((0, old)), Some((0, new))) => new > old,
        (Some((old, _)), Some((new, _))) => new > old,
        _ => false,
    }
}

const CHANGE: Shape = Shape::Record(fields! {
    "class": Shape::Text, "what kind of change: `operation-removed`, `parameter-required`, …";
    "at": Shape::Any, "where the description stands for it now";
    "operation": Shape::Text, "the first operation that it was met in: `GET /orders`";
    "part": Shape::Text, "what changed: `Order.total`, the query parameter `limit`";
    "before": Shape::Text, "what was said before";
    "now": Shape::Text, "what is said now; `new` for what was not there";
    "deprecated": Shape::Bool, "whether what is gone was deprecated";
    "sunset": Shape::Text, "the day after which it may go; empty where none was told";
    "announced": Shape::Bool, "whether the version of the description says that it breaks";
});

/// One subject for each change of a description that callers may notice.
pub(super) const CHANGE_VIEW: View = View {
    name: "openapi.change",
    kind: Kind::Openapi,
    means: "a change of a description, made by the change under review, that callers may notice",
    vars: fields! { "it": CHANGE, "the change"; },
    select: Select::Repository(changes),
};

fn changes<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for document in &repository.interfaces.documents {
        for it in &document.changes {
            let value = record([
                ("class", Value::Str(it.class)),
                ("at", Value::Node(it.at)),
                ("operation", Value::Str(&it.operation)),
                ("part", Value::Str(&it.part)),
                ("before", Value::Str(&it.before)),
                ("now", Value::Str(&it.now)),
                ("deprecated", Value::Bool(it.deprecated)),
                ("sunset", Value::Str(&it.sunset)),
                ("announced", Value::Bool(document.announced)),
            ]);
            emit(Subject { values: vec![value], at: it.at, object: None });
        }
    }
}

const COMPARISON: Shape = Shape::Record(fields! {
    "before": Shape::Text, "its version before the change";
    "now": Shape::Text, "its version now";
    "announced": Shape::Bool, "whether the version says that it breaks";
    "breaking": Shape::Number, "how many changes break those who call it";
    "some": Shape::Text, "the operations of some of them";
    "changes": Shape::Number, "how many changes callers may notice";
});

/// One subject for each description that was there before the change.
pub(super) const COMPARISON_VIEW: View = View {
    name: "openapi.comparison",
    kind: Kind::Openapi,
    means: "a description that was there before the change under review, at its version",
    vars: fields! { "it": COMPARISON, "what came of comparing both"; },
    select: Select::Repository(comparisons),
};

fn comparisons<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for it in &repository.interfaces.documents {
        let breaking = it.changes.iter().filter(|it| BREAKING.contains(&it.class));
        let mut some: Vec<&str> = Vec::new();
        for change in breaking.clone().filter(|it| !it.operation.is_empty()) {
            if some.len() < NAMED && !some.contains(&change.operation.as_str()) {
                some.push(&change.operation);
            }
        }
        let value = record([
            ("before", Value::Str(&it.before)),
            ("now", Value::Str(&it.now)),
            ("announced", Value::Bool(it.announced)),
            ("breaking", Value::Int(breaking.count() as i64)),
            ("some", Value::text(some.join("`, `"))),
            ("changes", Value::Int(it.changes.len() as i64)),
        ]);
        emit(Subject { values: vec![value], at: it.at, object: None });
    }
}

const GONE: Shape = Shape::Record(fields! {
    "title": Shape::Text, "its title";
    "paths": Shape::Number, "how many paths it described";
});

/// One subject for each description that the change deletes.
pub(super) const GONE_VIEW: View = View {
    name: "openapi.gone",
    kind: Kind::Openapi,
    means: "a description that the change under review deletes, and that is nowhere else",
    vars: fields! { "it": GONE, "the description"; },
    select: Select::Repository(gone),
};

fn gone<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for it in repository.interfaces.gone.iter().flat_map(Tree::documents) {
        emit(Subject { values: vec![Value::Node(it)], at: it, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::is_announced;

    #[test]
    fn versions_announce_breaks() {
        for (before, now, announced) in [
            ("1.4.2", "2.0.0", true),
            ("1.4.2", "1.5.0", false),
            ("v1", "v2", true),
            ("0.3.0", "0.4.0", true),
            ("0.3.0", "0.3.1", false),
            ("0.9.0", "1.0.0", true),
            ("2.0.0", "1.0.0", false),
            ("2024-01-31", "2024-02-01", true),
            ("2026-04", "2026-05", true),
            ("2024-02-01", "2024-02-01", false),
            ("", "2.0.0", false),
            ("latest", "next", false),
        ] {
            assert_eq!(is_announced(before, now), announced, "{before} {now}");
        }
    }
}
