//! Runners other than make: just, Task, npm, tox, nox, mise and the task tables of pyproject.toml.
//!
//! What they define is read and never run. Each becomes one map in the shape of a Makefile's, so
//! that the same views and rules look at all of them.

mod just;
mod mise;
mod package;
mod pyproject;
mod session;
mod taskfile;
mod tox;
mod write;

use super::{
    Artifact, Kind, Parsed,
    recipe::{Flags, Shell, UNKNOWN},
};
use crate::{
    document::{Node, Problem, Tree},
    parse,
    source::{Source, Span},
};

/// The tasks of one runner in one file.
#[derive(Debug, Default)]
struct File {
    /// How the runner is called: `just`, `npm`, …
    runner: &'static str,
    /// Something that cannot be read may define further tasks.
    open: bool,
    /// The tasks, in order.
    tasks: Vec<Task>,
}

/// Something that a runner runs under a name.
#[derive(Debug, Default)]
struct Task {
    name: String,
    place: Span,
    /// What runs before it, or after it, by name.
    prerequisites: Vec<(String, Span)>,
    lines: Vec<Line>,
    shell: Shell,
    /// The folder that it runs in, seen from the folder of the file; nothing if it is not known.
    folder: Option<String>,
    /// A part of what it does cannot be read.
    opaque: bool,
}

/// One line of what a task runs.
#[derive(Debug, Default)]
struct Line {
    text: String,
    expanded: String,
    flags: Flags,
    place: Span,
}

impl Task {
    /// A task that runs in the folder of its file and does nothing yet.
    fn new(name: &str, place: Span) -> Self {
        Self { name: name.to_owned(), place, folder: Some(String::new()), ..Self::default() }
    }

    /// Adds the text of a node as a line.
    fn run(&mut self, node: Node<'_>, expand: impl Fn(&str) -> String) {
        self.line(node.text(), node.span(), expand);
    }

    fn line(&mut self, text: &str, place: Span, expand: impl Fn(&str) -> String) {
        let (text, expanded) = (text.to_owned(), expand(text));
        self.lines.push(Line { text, expanded, flags: Flags::default(), place });
    }

    /// Adds what a node names, or each of the things that it lists, as prerequisites.
    fn after(&mut self, node: Option<Node<'_>>) {
        let own = node.filter(|it| it.as_str().is_some());
        for it in own.into_iter().chain(node.into_iter().flat_map(Node::children)) {
            let name = it.as_str().or_else(|| it.str("task"));
            // What follows the name are its arguments.
            let name = name.and_then(|it| it.split_whitespace().next());
            self.prerequisites.extend(name.map(|name| (name.to_owned(), it.span())));
        }
    }
}

/// The text with each part between `open` and `close` replaced by what `value` knows of it.
fn filled(text: &str, open: &str, close: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(open) {
        out.push_str(&rest[..at]);
        let inside = &rest[at + open.len()..];
        let Some(end) = inside.find(close) else {
            out.push(UNKNOWN);
            return out;
        };
        match value(inside[..end].trim()) {
            Some(value) => out.push_str(&value),
            None => out.push(UNKNOWN),
        }
        rest = &inside[end + close.len()..];
    }
    out.push_str(rest);
    out
}

/// The grammar of a file.
type Parse = fn(Source) -> (Tree, Vec<Problem>);

/// How tasks are read out of what the grammar gives.
type Read = fn(&Tree) -> Vec<File>;

fn reader(source: &Source) -> Option<(Parse, Read)> {
    let has = |word: &str| memchr::memmem::find(source.text.as_bytes(), word.as_bytes()).is_some();
    let plain: Parse = |source| (Tree::new(source), Vec::new());
    Some(match source.name().to_ascii_lowercase().as_str() {
        "justfile" | ".justfile" => (plain, just::read),
        "taskfile.yml" | "taskfile.yaml" | "taskfile.dist.yml" | "taskfile.dist.yaml"
            if has("tasks:") =>
        {
            (parse::yaml::parse, taskfile::read)
        }
        "package.json" if has("\"scripts\"") => (parse::json::parse, package::read),
        "tox.ini" if has("[testenv") => (plain, tox::read),
        "noxfile.py" => (plain, session::read),
        "pyproject.toml" if pyproject::TABLES.iter().any(|it| has(it)) => {
            (parse::toml::parse, pyproject::read)
        }
        "mise.toml" | ".mise.toml" if has("[tasks") => (parse::toml::parse, mise::read),
        "config.toml"
            if matches!(source.folder().rsplit('/').next(), Some("mise" | ".mise"))
                && has("[tasks") =>
        {
            (parse::toml::parse, mise::read)
        }
        _ => return None,
    })
}

/// Whether the file is one, by its name and what stands in it.
pub fn recognise(source: &Source) -> bool {
    reader(source).is_some()
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let Some((parse, read)) = reader(&source) else { return Parsed::default() };
    let (tree, problems) = parse(source);
    let files = read(&tree);
    let mut artifact = Artifact::new(Kind::Runner, tree);
    for file in files.iter().filter(|it| !it.tasks.is_empty()) {
        artifact.derived.push(write::write(&mut artifact.tree, file));
    }
    let is_one = !artifact.derived.is_empty();
    Parsed { artifact: is_one.then_some(artifact), problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tasks of a file, one a line: what runs before each, and its commands with what each
    /// checks and what hides its failure.
    pub(super) fn tasks(path: &str, text: &str) -> Vec<String> {
        let parsed = parse(Source::new(path, text));
        assert_eq!(parsed.problems, []);
        let artifact = parsed.artifact.expect("a runner");
        let children = |it: Node<'_>, key: &str| -> Vec<_> {
            it.get(key).into_iter().flat_map(Node::children).map(Node::id).collect()
        };
        let mut out = Vec::new();
        for &root in &artifact.derived {
            for task in children(artifact.tree.node(root), "targets") {
                let task = artifact.tree.node(task);
                let mut said = format!("{}:", task.str("name").unwrap_or("?"));
                for it in children(task, "prerequisites") {
                    said += &format!(" {}", artifact.tree.node(it).str("name").unwrap_or("?"));
                }
                for line in children(task, "recipe") {
                    for it in children(artifact.tree.node(line), "commands") {
                        let it = artifact.tree.node(it);
                        said += &format!(" [{}]", it.str("text").unwrap_or("?"));
                        let more = ["checks", "hidden"].iter().filter_map(|key| it.str(key));
                        more.for_each(|it| said += &format!(" {it}"));
                    }
                }
                for key in ["is_empty", "only_prints"] {
                    if task.get(key).and_then(Node::as_bool) == Some(true) {
                        said += &format!(" {key}");
                    }
                }
                if task.get("can_fail").and_then(Node::as_bool) == Some(false) {
                    said += " cannot fail";
                }
                out.push(said);
            }
        }
        out
    }

    #[test]
    fn placeholders_are_filled_or_unknown() {
        let value = |name: &str| (name == "a").then(|| "1".to_owned());
        assert_eq!(filled("x {{ a }} {{b}} {{", "{{", "}}", value), "x 1 \u{FDD0} \u{FDD0}");
    }

    #[test]
    fn nothing_does_harm() {
        for name in [
            "justfile",
            "Taskfile.yml",
            "package.json",
            "tox.ini",
            "noxfile.py",
            "pyproject.toml",
            "mise.toml",
        ] {
            for text in [
                "",
                "tasks:",
                "tasks: 1",
                "\"scripts\"",
                "{\"scripts\": []}",
                "[testenv",
                "[testenv]\ncommands",
                "[tool.poe.tasks]\na = 1\n",
                "[tasks]\nx = {}",
                "a:\n  `",
                "@nox.session\n",
                "@nox.session\ndef",
                "a := \"\"\"\n",
                "tasks: {a: {cmds: [{task: }, [1], {cmd: {}}]}}",
            ] {
                parse(Source::new(name, text));
            }
        }
    }
}
