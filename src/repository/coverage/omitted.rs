//! What configuration keeps out of coverage, against the application code that is here.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;

use super::{
    super::{Repository, below, record},
    LISTED, family, folder, is_fixture,
    measured::speaks,
};
use crate::{
    artifact::{
        Emit, Field, Kind, Select, Shape, Subject, View, coverage::omitted as lists, fields,
    },
    document::{Node, Tree},
    source::Source,
    value::Value,
};

const OMITTED: &[Field] = fields! {
    "tool": Shape::Text, "`coverage.py`, `codecov`, `jest`, …";
    "name": Shape::Text, "the key of the list";
    "pattern": Shape::Text, "the pattern as it is written";
    "files": Shape::List(&Shape::Text), "files of the application that it hides, a few";
    "count": Shape::Number, "how many it hides";
    "all": Shape::Number, "how many files of the application there are in its languages";
};

/// One subject for each pattern that hides files of the application.
pub(in super::super) const OMITTED_VIEW: View = View {
    name: "repository.coverage_omitted",
    kind: Kind::Repository,
    means: "a pattern that keeps files of the application out of coverage",
    vars: &[Field { name: "it", shape: Shape::Record(OMITTED), means: "the pattern" }],
    select: Select::Repository(select),
};

/// The lists in configuration.
pub(in super::super) fn lists(texts: &BTreeMap<String, Source>) -> Vec<Tree> {
    texts.values().filter(|it| !is_fixture(&it.path)).filter_map(lists::read).collect()
}

/// Folders of code that serves development, is generated, or only configures and declares.
const BESIDE: &[&str] = &[
    "migrations",
    "alembic",
    "docs",
    "doc",
    "scripts",
    "script",
    "tools",
    "hack",
    "examples",
    "example",
    "demo",
    "demos",
    "benchmarks",
    "benchmark",
    "bench",
    "generated",
    "gen",
    "applyconfiguration",
    "clientset",
    "informers",
    "injection",
    "listers",
    "fake",
    "dist",
    "build",
    "out",
    "mock",
    "mocks",
    "__mocks__",
    "stories",
    "storybook",
    ".storybook",
    "e2e",
    "cypress",
    "playwright",
    "config",
    "configs",
    "settings",
    "types",
    "typings",
    "interfaces",
    "public",
    "static",
    "assets",
    "locale",
    "locales",
    "i18n",
    "contrib",
    "coverage",
    "venv",
    ".venv",
    "testing",
    "proto",
    "protos",
    "stubs",
    "templates",
    "cli",
    "seeds",
    "styles",
];

/// Names of files that hold no logic of the application, without their last ending.
const PLUMBING: &[&str] = &[
    "conftest",
    "setup",
    "manage",
    "wsgi",
    "asgi",
    "__main__",
    "__init__",
    "_version",
    "version",
    "noxfile",
    "tasks",
    "fabfile",
    "settings",
    "config",
    "index",
    "main",
    "gulpfile",
    "gruntfile",
    "polyfills",
    "types",
    "constants",
    "setuptests",
    "logging",
    "versioneer",
    "environment",
];

/// Parts of names that tests, declarations, stories and generated files have.
const MARKS: &[&str] = &[
    ".test",
    ".spec",
    ".stories",
    ".story",
    ".d",
    ".config",
    ".gen",
    ".generated",
    ".min",
    ".mock",
    ".types",
    ".e2e",
    "_pb2",
    "_pb2_grpc",
    "_test",
    ".module",
    ".enum",
    ".dto",
    ".interface",
];

/// Whether a path is code of the application: no test, nothing generated, no plumbing.
fn is_application(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let stem = stem.to_ascii_lowercase();
    let is_code = ["py", "js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "svelte", "go", "rs"];
    is_code.contains(&ending)
        && !is_fixture(path)
        && !folders.split('/').any(|it| BESIDE.contains(&it.to_ascii_lowercase().as_str()))
        && !folders.split('/').any(|it| it.starts_with('.') || it.contains("test"))
        && !PLUMBING.contains(&stem.as_str())
        && !MARKS.iter().any(|it| stem.ends_with(it))
        && !stem.starts_with("test_")
}

/// What a pattern is matched with.
enum Matcher {
    Glob(GlobMatcher),
    Regex(Regex),
}

impl Matcher {
    fn of(pattern: Node<'_>) -> Option<Self> {
        let reaches = pattern.str("tool") == Some("codecov");
        if let Some(glob) = pattern.str("glob") {
            let mut glob = GlobBuilder::new(glob);
            let glob = glob.literal_separator(!reaches).empty_alternates(true).build().ok()?;
            return Some(Self::Glob(glob.compile_matcher()));
        }
        Regex::new(pattern.str("regex")?).ok().map(Self::Regex)
    }

    fn fits(&self, path: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(path),
            Self::Regex(regex) => regex.is_match(&format!("/{path}")),
        }
    }
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let patterns: Vec<Node<'a>> = repository.omitted.iter().flat_map(Tree::documents).collect();
    if patterns.is_empty() {
        return;
    }
    let files = repository.files.iter().map(String::as_str);
    let generated: Vec<&'a str> = files
        .clone()
        .filter_map(|it| it.strip_suffix(".openapi-generator-ignore")?.strip_suffix('/'))
        .collect();
    let is_written = |path: &&str| !generated.iter().any(|folder| below(path, folder));
    let application: Vec<&'a str> =
        files.filter(|it| is_application(it)).filter(is_written).collect();
    for it in patterns {
        let family = family(it.str("tool").unwrap_or_default());
        let folder = folder(it);
        let own = application.iter().copied().filter(|it| below(it, folder) && speaks(family, it));
        let own: Vec<&'a str> = own.collect();
        if own.is_empty() {
            continue;
        }
        let Some(matcher) = Matcher::of(it) else { continue };
        let hidden: Vec<&'a str> = own.iter().copied().filter(|it| matcher.fits(it)).collect();
        if hidden.is_empty() {
            continue;
        }
        let field = |name| Value::maybe(it.get(name));
        let value = record([
            ("tool", field("tool")),
            ("name", field("name")),
            ("pattern", field("pattern")),
            ("files", Value::list(hidden.iter().take(LISTED).map(|it| Value::Str(it)))),
            ("count", Value::Int(hidden.len() as i64)),
            ("all", Value::Int(own.len() as i64)),
        ]);
        emit(Subject { values: vec![value], at: it, object: None });
    }
}
