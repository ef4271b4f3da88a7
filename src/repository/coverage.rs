//! Coverage reports and the repository they speak of: reports that belong together, reports of
//! something else, and the shares of coverage that configuration asks for.

pub(super) mod base;
mod measured;
pub(super) mod older;
pub(super) mod omitted;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Repository, record};
use crate::{
    artifact::{
        Artifact, Emit, Field, Kind, Select, Shape, Subject, View,
        coverage::{
            Count, merge,
            paths::{Files, Meaning},
            thresholds,
        },
    },
    document::{Key, Node, Tree},
    patch::PatchCoverage,
    source::{Source, Span},
    value::Value,
};

/// Folders whose reports and settings are inputs of tests or belong to others, and say nothing of the
/// repository.
const FIXTURES: [&str; 18] = [
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "testdata",
    "test-data",
    "test_data",
    "fixture",
    "fixtures",
    "__fixtures__",
    "testutil",
    "testprojects",
    "samples",
    "examples",
    "vendor",
    "node_modules",
    "third_party",
];

/// How many files a message lists.
const LISTED: usize = 5;

const COUNT: Shape = Shape::Record(&[
    Field { name: "covered", shape: Shape::Number, means: "how many ran" },
    Field { name: "total", shape: Shape::Number, means: "how many there are" },
    Field { name: "percent", shape: Shape::Text, means: "the share, cut and never rounded up" },
]);

const TOGETHER: &[Field] = &[
    Field { name: "lines", shape: COUNT, means: "the lines that ran in one of the reports" },
    Field { name: "branches", shape: COUNT, means: "the branches; null where none looks at them" },
    Field { name: "reports", shape: Shape::List(&Shape::Text), means: "the paths of the reports" },
];

/// One subject for the reports that speak of the same files.
pub(super) const TOGETHER_VIEW: View = View {
    name: "repository.coverage",
    kind: Kind::Repository,
    means: "the coverage reports that speak of the same files of the repository, together",
    vars: &[Field { name: "it", shape: Shape::Record(TOGETHER), means: "what they say" }],
    select: Select::Repository(together),
};

const REPORT: &[Field] = &[
    Field { name: "report", shape: Shape::Any, means: "the report" },
    Field { name: "found", shape: Shape::Number, means: "how many of its files are here" },
    Field {
        name: "lost",
        shape: Shape::List(&Shape::Text),
        means: "paths that lead nowhere, a few",
    },
    Field { name: "losses", shape: Shape::Number, means: "how many paths lead nowhere" },
    Field {
        name: "ambiguous",
        shape: Shape::List(&Shape::Text),
        means: "paths that may mean several files, a few",
    },
    Field {
        name: "ambiguities",
        shape: Shape::Number,
        means: "how many paths may mean several files",
    },
    Field {
        name: "fixture",
        shape: Shape::Bool,
        means: "whether it lies among tests and examples, as their input",
    },
    Field {
        name: "related",
        shape: Shape::Bool,
        means: "whether the repository has files in the language of the report",
    },
];

/// One subject for each report.
pub(super) const REPORT_VIEW: View = View {
    name: "repository.coverage_report",
    kind: Kind::Repository,
    means: "a coverage report, with which of its files the repository has",
    vars: &[Field { name: "it", shape: Shape::Record(REPORT), means: "the report" }],
    select: Select::Repository(reports),
};

const THRESHOLD: &[Field] = &[
    Field {
        name: "tool", shape: Shape::Text, means: "`coverage.py`, `pytest-cov`, `codecov`, …"
    },
    Field { name: "name", shape: Shape::Text, means: "the key or flag that says it" },
    Field { name: "metric", shape: Shape::Text, means: "`lines`, `branches`, …, or `total`" },
    Field { name: "scope", shape: Shape::Text, means: "`project`, or `part` for some paths only" },
    Field { name: "enforced", shape: Shape::Bool, means: "whether missing it fails anything" },
    Field { name: "value", shape: Shape::Number, means: "the share in percent" },
    Field {
        name: "least",
        shape: Shape::Number,
        means: "the share in percent below which it is certainly missed",
    },
    Field {
        name: "measured",
        shape: Shape::Record(MEASURED),
        means: "what reports say of the code it is for; null where none does",
    },
    Field {
        name: "higher",
        shape: Shape::List(&Shape::Text),
        means: "where the same share of the same code is asked to be higher: `80 in tox.ini:5`",
    },
];

const MEASURED: &[Field] = &[
    Field { name: "count", shape: COUNT, means: "how many of how many" },
    Field { name: "file", shape: Shape::Text, means: "the file, where each one is asked alone" },
    Field { name: "reports", shape: Shape::List(&Shape::Text), means: "who says so" },
];

/// One subject for each share that configuration asks for.
pub(super) const THRESHOLD_VIEW: View = View {
    name: "repository.coverage_threshold",
    kind: Kind::Repository,
    means: "a share of coverage that configuration, a script or a workflow asks for",
    vars: &[Field { name: "it", shape: Shape::Record(THRESHOLD), means: "the threshold" }],
    select: Select::Repository(asked),
};

/// The thresholds in what joins read, and in Makefiles.
pub(super) fn thresholds(texts: &BTreeMap<String, Source>, artifacts: &[Artifact]) -> Vec<Tree> {
    let makefiles = artifacts.iter().filter(|it| it.kind == Kind::Makefile);
    let all = texts.values().chain(makefiles.map(|it| &*it.tree.source));
    all.filter(|it| !is_fixture(&it.path)).filter_map(thresholds::read).collect()
}

pub(super) fn is_fixture(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |it| it.0);
    folders.split('/').any(|it| FIXTURES.contains(&it.to_lowercase().as_str()))
}

/// A report, and what its paths mean.
struct Placed<'a> {
    artifact: &'a Artifact,
    root: Node<'a>,
    meanings: Vec<Meaning<'a>>,
}

fn placed<'a>(repository: &'a Repository<'a>) -> Vec<Placed<'a>> {
    placed_in(repository.artifacts, repository.files)
}

fn placed_in<'a>(artifacts: &'a [Artifact], files: &'a [String]) -> Vec<Placed<'a>> {
    let mut artifacts = artifacts.iter().filter(|it| it.coverage.is_some()).peekable();
    if artifacts.peek().is_none() {
        return Vec::new();
    }
    let index = Files::new(files);
    artifacts
        .filter_map(|artifact| {
            let root = artifact.tree.node(*artifact.derived.first()?);
            let meanings = index.resolve(artifact.coverage.as_deref()?);
            Some(Placed { artifact, root, meanings })
        })
        .collect()
}

impl<'a> Placed<'a> {
    fn files(&self) -> impl Iterator<Item = &'a str> {
        self.meanings.iter().filter_map(|it| match it {
            Meaning::File(path) => Some(*path),
            _ => None,
        })
    }
}

fn count<'a>(count: Count) -> Value<'a> {
    record([
        ("covered", Value::Int(count.covered as i64)),
        ("total", Value::Int(count.total as i64)),
        ("percent", Value::text(count.display())),
    ])
}

/// The reports that are about this repository.
fn own<'a>(repository: &'a Repository<'a>) -> Vec<Placed<'a>> {
    let only_reports = repository.files.len() == repository.of(Kind::Coverage).count();
    placed(repository)
        .into_iter()
        .filter(|it| only_reports || it.files().next().is_some())
        .filter(|it| only_reports || !is_fixture(&it.artifact.tree.source.path))
        .collect()
}

/// Reports are together when they share a file. Reports of files that are not here belong to
/// something else, except where there is nothing but reports: then somebody only has these.
fn together<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let placed = own(repository);
    let mut groups: Vec<Vec<&Placed<'a>>> = Vec::new();
    let mut group_of: HashMap<&str, usize> = HashMap::new();
    for report in &placed {
        let touched: BTreeSet<usize> =
            report.files().filter_map(|it| group_of.get(it).copied()).collect();
        let mut members = vec![report];
        for &at in touched.iter().rev() {
            members.extend(std::mem::take(&mut groups[at]));
        }
        let at = groups.len();
        members.iter().flat_map(|it| it.files()).for_each(|it| {
            group_of.insert(it, at);
        });
        groups.push(members);
    }
    for mut group in groups.into_iter().filter(|it| !it.is_empty()) {
        group.sort_by_key(|it| &it.artifact.tree.source.path);
        let reports: Vec<_> =
            group.iter().filter_map(|it| it.artifact.coverage.as_deref()).collect();
        let whole = merge::whole(&reports, repository.files);
        let paths = group.iter().map(|it| Value::Str(it.artifact.tree.source.path.as_str()));
        let it = record([
            ("lines", count(whole.lines)),
            ("branches", whole.branches.map_or(Value::Null, count)),
            ("reports", Value::list(paths)),
        ]);
        if let Some(first) = group.first() {
            emit(Subject { values: vec![it], at: first.root, object: None });
        }
    }
}

fn ending(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?;
    Some(name.rsplit_once('.')?.1.to_lowercase())
}

fn reports<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let placed = placed(repository);
    if placed.is_empty() {
        return;
    }
    let own: HashSet<_> = repository.files.iter().filter_map(|it| ending(it)).collect();
    for report in placed {
        let Some(read) = &report.artifact.coverage else { continue };
        let pick = |wanted: fn(&Meaning<'_>) -> bool| {
            let both = read.files.iter().zip(&report.meanings);
            let all: Vec<&'a str> =
                both.filter(|it| wanted(it.1)).map(|it| it.0.path.as_str()).collect();
            let some = Value::list(all.iter().take(LISTED).map(|it| Value::Str(it)));
            (some, Value::Int(all.len() as i64))
        };
        let (lost, losses) = pick(|it| *it == Meaning::Unknown);
        let (ambiguous, ambiguities) = pick(|it| matches!(it, Meaning::Ambiguous(_)));
        let mut endings = read.files.iter().filter_map(|it| ending(&it.path));
        let it = record([
            ("report", Value::Node(report.root)),
            ("found", Value::Int(report.files().count() as i64)),
            ("lost", lost),
            ("losses", losses),
            ("ambiguous", ambiguous),
            ("ambiguities", ambiguities),
            ("fixture", Value::Bool(is_fixture(&report.artifact.tree.source.path))),
            ("related", Value::Bool(endings.any(|it| own.contains(&it)))),
        ]);
        emit(Subject { values: vec![it], at: report.root, object: None });
    }
}

/// The tools that measure the same code: a share that one asks for is what the other asks for too.
fn family(tool: &str) -> &'static str {
    match tool {
        "coverage.py" | "pytest-cov" => "python",
        "jest" | "nyc" | "c8" | "vitest" => "javascript",
        "cargo-llvm-cov" => "rust",
        _ => "codecov",
    }
}

fn asked<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let all: Vec<Node<'a>> = repository.thresholds.iter().flat_map(thresholds::each).collect();
    let measured = (!all.is_empty()).then(|| measured::Measured::new(&own(repository)));
    for &it in &all {
        let field = |name| Value::maybe(it.get(name));
        let higher = all.iter().filter(|other| is_higher(**other, it)).map(|other| {
            let value = other.get("value").map(Node::display).unwrap_or_default();
            let place = &other.tree().source.path;
            Value::text(format!("{value} in {place}:{}", other.start().line))
        });
        let value = record([
            ("tool", field("tool")),
            ("name", field("name")),
            ("metric", field("metric")),
            ("scope", field("scope")),
            ("enforced", field("enforced")),
            ("value", field("value")),
            ("least", field("least")),
            ("measured", measured.as_ref().map_or(Value::Null, |by| by.of(it))),
            ("higher", Value::list(higher.take(LISTED))),
        ]);
        emit(Subject { values: vec![value], at: it, object: None });
    }
}

/// Whether `other` asks for more than `it`, for the same metric of the same code.
fn is_higher(other: Node<'_>, it: Node<'_>) -> bool {
    let same = |key| other.str(key) == it.str(key);
    let tool = |node: Node<'_>| family(node.str("tool").unwrap_or_default());
    let number = |node: Node<'_>| node.get("value").and_then(Node::as_float).unwrap_or_default();
    let enforced = other.get("enforced").and_then(Node::as_bool) == Some(true);
    same("metric")
        && same("scope")
        && it.str("scope") == Some("project")
        && tool(other) == tool(it)
        && folder(other) == folder(it)
        && enforced
        && number(other) > number(it)
}

/// The folder whose code a threshold is for. Workflows and scripts of CI are for the root.
fn folder(node: Node<'_>) -> &str {
    let folder = node.tree().source.folder();
    if folder.starts_with('.') { "" } else { folder }
}

const CHANGE: &[Field] = &[
    Field { name: "lines", shape: COUNT, means: "the lines that the change adds and that can run" },
    Field {
        name: "status",
        shape: Shape::Text,
        means: "`measured`, `no-measurable-lines`, `unmeasured` or `ambiguous`",
    },
];

/// One subject for the change under review.
pub(super) const CHANGE_VIEW: View = View {
    name: "repository.change",
    kind: Kind::Repository,
    means: "the change under review, where there is a coverage report: how well it is covered",
    vars: &[Field { name: "it", shape: Shape::Record(CHANGE), means: "the change" }],
    select: Select::Repository(changes),
};

const MISSED: &[Field] = &[
    Field { name: "path", shape: Shape::Text, means: "the file" },
    Field { name: "first", shape: Shape::Number, means: "the first line" },
    Field { name: "last", shape: Shape::Number, means: "the last line" },
    Field { name: "count", shape: Shape::Number, means: "how many lines" },
];

/// One subject for each run of changed lines that no test runs.
pub(super) const MISSED_VIEW: View = View {
    name: "repository.change_missed",
    kind: Kind::Repository,
    means: "added lines, one after the other, that can run and did not in any coverage report",
    vars: &[Field { name: "it", shape: Shape::Record(MISSED), means: "the lines" }],
    select: Select::Repository(missed),
};

const UNMEASURED: &[Field] = &[
    Field { name: "path", shape: Shape::Text, means: "the file" },
    Field {
        name: "ambiguous",
        shape: Shape::Bool,
        means: "whether a path of a report may mean it, and another file too",
    },
];

/// One subject for each changed file that no report measures.
pub(super) const UNMEASURED_VIEW: View = View {
    name: "repository.change_unmeasured",
    kind: Kind::Repository,
    means: "a changed file in a measured language of which no coverage report says anything",
    vars: &[Field { name: "it", shape: Shape::Record(UNMEASURED), means: "the file" }],
    select: Select::Repository(unmeasured),
};

/// The line beyond which findings in a changed file point at its start: places are made of line
/// breaks, one for each line.
const MAX_PLACED: u32 = 1_000_000;

/// The coverage of a change, with a tree for each file so that findings can point into it. The
/// texts of the files were never read: the trees know lines, not what is on them.
#[derive(Debug, Default)]
pub(super) struct Change {
    coverage: Option<PatchCoverage>,
    missed: Vec<Tree>,
    unmeasured: Vec<Tree>,
}

impl Change {
    /// The change that `patch` is the coverage of.
    pub(super) fn new(patch: &PatchCoverage) -> Self {
        let missed = patch.files.iter().filter(|it| !it.1.missed.is_empty());
        Self {
            coverage: Some(patch.clone()),
            missed: missed.map(|(path, it)| runs(path, &it.missed)).collect(),
            unmeasured: patch.unmeasured.iter().map(|it| runs(it, &[1])).collect(),
        }
    }
}

/// A tree whose documents are runs of line numbers.
fn runs(path: &str, numbers: &[u32]) -> Tree {
    let last = numbers.last().copied().unwrap_or(1).min(MAX_PLACED);
    let mut tree = Tree::new(Source::new(path, "\n".repeat(last as usize)));
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        let (first, last) = (run[0], run[run.len() - 1]);
        let place = |line: u32| if line > MAX_PLACED { 0 } else { line as usize - 1 };
        let span = Span::new(place(first.max(1)), place(last.max(1)));
        let map = tree.open_map(Key::None, span);
        tree.text(Key::Field("path"), path, span);
        tree.int(Key::Field("first"), i64::from(first), span);
        tree.int(Key::Field("last"), i64::from(last), span);
        tree.int(Key::Field("count"), run.len() as i64, span);
        tree.close(map);
        tree.roots.push(map);
    }
    tree
}

fn changes<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let Some(patch) = &repository.change.coverage else { return };
    let report = repository.of(Kind::Coverage).find(|it| it.coverage.is_some());
    let Some(at) = report.and_then(|it| Some(it.tree.node(*it.derived.first()?))) else { return };
    let it = record([
        ("lines", count(Count::new(patch.covered, patch.total))),
        ("status", Value::Str(patch.status().name())),
    ]);
    emit(Subject { values: vec![it], at, object: None });
}

fn missed<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for run in repository.change.missed.iter().flat_map(Tree::documents) {
        let field = |name| Value::maybe(run.get(name));
        let fields = ["path", "first", "last", "count"].map(|name| (name, field(name)));
        // A scalar ends where it ends; a map would end on its first line.
        let at = run.get("path").unwrap_or(run);
        emit(Subject { values: vec![record(fields)], at, object: None });
    }
}

fn unmeasured<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let Some(patch) = &repository.change.coverage else { return };
    for at in repository.change.unmeasured.iter().flat_map(Tree::documents) {
        let path = at.str("path").unwrap_or_default();
        let ambiguous = patch.ambiguous.iter().any(|it| it == path);
        let it = record([("path", Value::Str(path)), ("ambiguous", Value::Bool(ambiguous))]);
        emit(Subject { values: vec![it], at, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::look;
    use super::*;

    const UNIT: &str = "SF:src/a.c\nDA:1,1\nDA:2,0\nend_of_record\n";
    const OTHER: &str = "SF:/ci/src/a.c\nDA:2,1\nDA:3,0\nend_of_record\n";
    const ELSE: &str = "SF:lib/z.c\nDA:1,1\nend_of_record\n";

    fn lines(files: &[(&str, &str)]) -> Vec<String> {
        look(&TOGETHER_VIEW, files, &["lines", "reports"])
    }

    #[test]
    fn reports_of_one_code_are_one_subject() {
        let files = [
            ("src/a.c", ""),
            ("lib/z.c", ""),
            ("1.info", UNIT),
            ("2.info", OTHER),
            ("3.info", ELSE),
        ];
        assert_eq!(lines(&files), ["3 keys 1.info, 2.info", "3 keys 3.info"]);
        assert_eq!(lines(&[("src/b.c", ""), ("1.info", UNIT)]), [""; 0]);
        assert_eq!(lines(&[("src/a.c", ""), ("tests/data/1.info", UNIT)]), [""; 0]);
        assert_eq!(lines(&[("1.info", UNIT)]), ["3 keys 1.info"]);
    }

    #[test]
    fn a_report_knows_which_of_its_files_are_here() {
        let both = format!("{UNIT}{ELSE}");
        let files = [("src/a.c", ""), ("cov.info", &*both)];
        let names = ["found", "lost", "losses", "ambiguities", "fixture", "related"];
        assert_eq!(look(&REPORT_VIEW, &files, &names), ["1 lib/z.c 1 0 false true"]);
        let twice = [("x/src/a.c", ""), ("y/src/a.c", ""), ("cov.info", UNIT)];
        assert_eq!(look(&REPORT_VIEW, &twice, &["ambiguous"]), ["src/a.c"]);
    }
}
