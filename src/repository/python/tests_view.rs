//! Tests: what a repository's test functions are for, and whether they test anything.

use super::Module;
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    repository::Repository,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "path", shape: Shape::Text, means: "the path of its file" },
    Field { name: "asserts", shape: Shape::Bool, means: "whether it asserts, or calls what may" },
    Field { name: "empty", shape: Shape::Bool, means: "whether it does nothing at all" },
    Field { name: "denies", shape: Shape::Bool, means: "whether it names the status 401 or 403" },
    Field { name: "skipped", shape: Shape::Bool, means: "whether it is always skipped" },
    Field {
        name: "level",
        shape: Shape::Text,
        means: "`unit`, `integration`, `e2e`, `contract`, `performance`, by path and marks",
    },
    Field {
        name: "calls",
        shape: Shape::List(&Shape::Text),
        means: "the last names of what it calls",
    },
    Field {
        name: "imports",
        shape: Shape::List(&Shape::Text),
        means: "the packages that its file imports",
    },
    Field { name: "test", shape: Shape::Any, means: "the test as it is written" },
];

/// One subject for each test function.
pub(in crate::repository) const VIEW: View = View {
    name: "python.test",
    kind: Kind::Python,
    means: "a test function",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the test" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for module in &repository.python.modules {
        let mut tests = module.of("test").peekable();
        if tests.peek().is_none() {
            continue;
        }
        let imports = imports(module);
        for test in tests {
            let decorators: Vec<&str> = texts(test, "decorators").collect();
            let is_marked = |mark: &str| decorators.iter().any(|it| it.ends_with(mark));
            let fields = ["name", "asserts", "empty", "denies", "calls"];
            let mut it: Vec<_> =
                fields.iter().map(|name| (*name, Value::maybe(test.get(name)))).collect();
            let skipped = is_marked("mark.skip") || is_marked("unittest.skip");
            it.push(("path", Value::Str(module.path)));
            it.push(("skipped", Value::Bool(skipped)));
            it.push(("level", Value::Str(level(module.path, &decorators))));
            it.push(("imports", imports.clone()));
            it.push(("test", Value::Node(test)));
            emit(Subject { values: vec![Value::map(it)], at: test, object: None });
        }
    }
}

fn texts<'a>(node: Node<'a>, key: &str) -> impl Iterator<Item = &'a str> {
    list(node, key).map(Node::text)
}

fn imports<'a>(module: &Module<'a>) -> Value<'a> {
    let mut found: Vec<&str> = module
        .names
        .entries()
        .map(|it| it.1.text().split('.').next().unwrap_or_default())
        .collect();
    found.sort_unstable();
    found.dedup();
    Value::list(found.into_iter().map(Value::Str))
}

/// The level of a test, by the folders above it and its marks.
fn level(path: &str, decorators: &[&str]) -> &'static str {
    let path = path.to_ascii_lowercase();
    let has = |words: &[&str]| {
        path.split(['/', '.']).any(|it| {
            words.iter().any(|word| it.split(['_', '-']).any(|part| part == *word) || it == *word)
        }) || decorators
            .iter()
            .any(|it| words.iter().any(|word| it.ends_with(&format!("mark.{word}"))))
    };
    if has(&[
        "e2e",
        "end-to-end",
        "end_to_end",
        "playwright",
        "selenium",
        "functional",
        "acceptance",
    ]) {
        "e2e"
    } else if has(&["contract", "contracts", "schemathesis", "pact"]) {
        "contract"
    } else if has(&["benchmark", "benchmarks", "performance", "load"]) {
        "performance"
    } else if has(&["integration", "integrations", "api"]) {
        "integration"
    } else {
        "unit"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_marks_tell_the_level() {
        assert_eq!(level("tests/integration/test_a.py", &[]), "integration");
        assert_eq!(level("tests/test_a.py", &["pytest.mark.e2e"]), "e2e");
        assert_eq!(level("tests/unit/test_a.py", &[]), "unit");
        assert_eq!(level("tests/test_disintegration.py", &[]), "unit");
    }
}
