//! Files of environment variables: `.env`, and the examples that say which ones there are.

use super::{Artifact, Emit, Field, Kind, Parsed, Select, Shape, Subject, View};
use crate::{
    document::{Id, Key, Tree},
    source::{Source, Span},
};

/// Larger files are no lists of variables.
const LARGEST: usize = 1 << 20;

/// Whether a file of this name holds environment variables.
pub fn is_named(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_script = [".py", ".ts", ".js", ".sh", ".d.ts", ".md", ".j2", ".tpl", ".nix", ".rs"]
        .iter()
        .any(|it| name.ends_with(it));
    (name == ".env" || name.starts_with(".env.") || name.ends_with(".env") || name == "env.example")
        && !is_script
}

/// Whether the file holds environment variables.
pub fn recognise(source: &Source) -> bool {
    is_named(source.name()) && source.text.len() <= LARGEST
}

/// What a file of variables is for, by its name and its folder.
fn purpose(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let has = |words: &[&str]| name.split(['.', '-', '_']).any(|it| words.contains(&it));
    let in_tests = path.split('/').any(|it| matches!(it, "test" | "tests" | "e2e" | "fixtures"));
    if has(&["example", "sample", "template", "dist", "default", "defaults", "tpl", "schema"]) {
        "example"
    } else if in_tests || has(&["test", "testing", "ci", "e2e"]) {
        "test"
    } else if has(&["dev", "development", "local", "docker"]) {
        "development"
    } else {
        "deployed"
    }
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let mut kind = purpose(&source.path);
    if kind == "deployed" && says_local(&source.text) {
        kind = "development";
    }
    let mut tree = Tree::new(source);
    let mut derived = Vec::new();
    let mut start = 0;
    let source = tree.source.clone();
    for line in source.text.split_inclusive('\n') {
        if let Some(variable) = variable(line) {
            derived.push(variable.write(&mut tree, start, kind));
        }
        start += line.len();
    }
    Parsed {
        artifact: Some(Artifact { derived, ..Artifact::new(Kind::Dotenv, tree) }),
        problems: Vec::new(),
    }
}

/// Whether a variable of the file says that it is for somebody's own machine.
fn says_local(text: &str) -> bool {
    let mut variables = text.lines().filter_map(variable).filter(|it| !it.commented);
    variables.any(|it| {
        let name = it.name.to_ascii_uppercase();
        let is_stage = name.ends_with("ENV") || name.ends_with("ENVIRONMENT");
        let value = it.value.to_ascii_lowercase();
        is_stage && matches!(value.as_str(), "dev" | "develop" | "development" | "local" | "test")
    })
}

/// One line that sets a variable.
struct Variable<'l> {
    name: &'l str,
    value: &'l str,
    /// Where the name and the value start in the line.
    at: (usize, usize),
    commented: bool,
}

/// The variable that a line sets, or that it would set if it were no comment.
fn variable(line: &str) -> Option<Variable<'_>> {
    let trimmed = line.trim_start();
    let commented = trimmed.starts_with('#');
    let bare = trimmed.trim_start_matches(['#', ' ']);
    let bare = bare.strip_prefix("export ").unwrap_or(bare);
    let (name, value) = bare.split_once('=')?;
    let is_name = |it: &str| {
        !it.is_empty()
            && it.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            && !it.starts_with(|c: char| c.is_ascii_digit())
    };
    let name = name.trim_end();
    if !is_name(name) {
        return None;
    }
    let quoted = value.trim();
    let value = match quoted.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted[1..].split(quote).next().unwrap_or_default(),
        _ => quoted.split(" #").next().unwrap_or_default().trim_end(),
    };
    let offset = |part: &str| part.as_ptr() as usize - line.as_ptr() as usize;
    Some(Variable { name, value, at: (offset(name), offset(value)), commented })
}

impl Variable<'_> {
    fn write(&self, tree: &mut Tree, line: usize, purpose: &str) -> Id {
        let (name, value) = (line + self.at.0, line + self.at.1);
        let name_span = Span::new(name, name + self.name.len());
        let value_span = Span::new(value, value + self.value.len());
        let root = tree.open_map(Key::None, Span::new(name, value + self.value.len()));
        tree.text_at(Key::Field("name"), name_span);
        tree.text_at(Key::Field("value"), value_span);
        tree.bool(Key::Field("commented"), self.commented, name_span);
        tree.text(Key::Field("purpose"), purpose, name_span);
        tree.close(root);
        root
    }
}

const VARIABLE: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "value", shape: Shape::Text, means: "its value, without quotes" },
    Field { name: "commented", shape: Shape::Bool, means: "whether the line is a comment" },
    Field {
        name: "purpose",
        shape: Shape::Text,
        means: "what the file is for: `example`, `test`, `development`, `deployed`",
    },
];

/// The views over files of variables.
pub const VIEWS: &[View] = &[View {
    name: "dotenv.variable",
    kind: Kind::Dotenv,
    means: "a variable in a file of environment variables",
    vars: &[Field { name: "it", shape: Shape::Record(VARIABLE), means: "the variable" }],
    select: Select::File(variables),
}];

fn variables<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for &id in &artifact.derived {
        let node = artifact.tree.node(id);
        emit(Subject { values: vec![node.into()], at: node, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_variables_or_not() {
        let text =
            "# a comment\nexport A = \"x # y\"\nB='z'\nC=1 # one\n#D=2\nnot a line\n=3\n9A=1\nE=";
        let artifact = parse(Source::new(".env.example", text)).artifact.unwrap();
        let shown: Vec<_> = artifact
            .derived
            .iter()
            .map(|&it| {
                let node = artifact.tree.node(it);
                let commented = node.get("commented").and_then(|it| it.as_bool()).unwrap();
                format!(
                    "{}={}{}",
                    node.str("name").unwrap(),
                    node.str("value").unwrap(),
                    if commented { "?" } else { "" }
                )
            })
            .collect();
        assert_eq!(shown, ["A=x # y", "B=z", "C=1", "D=2?", "E="]);
    }

    #[test]
    fn names_tell_what_a_file_is_for() {
        for (path, expected) in [
            (".env", "deployed"),
            ("api/.env.example", "example"),
            (".env.local", "development"),
            ("tests/.env", "test"),
            ("prod.env", "deployed"),
        ] {
            assert_eq!(purpose(path), expected, "{path}");
        }
        assert!(is_named(".env.production") && !is_named("env.py") && !is_named("environment.yml"));
    }
}
