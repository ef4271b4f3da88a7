//! The task tables of pyproject.toml: Poe the Poet, taskipy, PDM, Hatch, Rye, Pixi and tox.

use super::{File, Task, filled};
use crate::document::{Node, Tree};

/// What stands in a file that has one of the tables.
pub(super) const TABLES: &[&str] = &[
    "tool.poe",
    "tool.taskipy",
    "tool.pdm.scripts",
    "tool.hatch.envs",
    "tool.rye.scripts",
    "tool.pixi",
    "tool.tox",
];

/// The tasks of each table.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let Some(tool) = tree.documents().next().and_then(|it| it.get("tool")) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for (runner, path) in [
        ("poe", &["poe", "tasks"][..]),
        ("taskipy", &["taskipy", "tasks"]),
        ("pdm", &["pdm", "scripts"]),
        ("rye", &["rye", "scripts"]),
        ("pixi", &["pixi", "tasks"]),
    ] {
        let open = runner == "poe" && tool.at(&["poe", "include"]).is_some();
        let mut file = File { runner, open, tasks: Vec::new() };
        file.tasks.extend(tool.at(path).into_iter().flat_map(Node::entries).filter_map(task));
        if runner == "taskipy" {
            hooks(&mut file.tasks);
        }
        files.push(file);
    }
    files.push(hatch(tool));
    files.push(tox(tool));
    files
}

fn expand(text: &str) -> String {
    filled(text, "{", "}", |_| None)
}

fn task((name, node): (&str, Node<'_>)) -> Option<Task> {
    if name == "_" {
        return None; // PDM keeps the options of all of its scripts there.
    }
    let mut task = Task::new(name, node.key_span().unwrap_or(node.span()));
    let steps = node.is_seq().then_some(node);
    let texts = ["cmd", "shell"].iter().filter_map(|key| node.get(key)).chain([node]);
    for it in texts.filter(|it| it.as_str().is_some()) {
        task.run(it, expand);
    }
    // A command may be a list of words.
    for words in ["cmd"].iter().filter_map(|key| node.get(key)).filter(|it| it.is_seq()) {
        let text: Vec<_> = words.children().map(Node::text).collect();
        task.line(&text.join(" "), words.span(), expand);
    }
    let lists = ["sequence", "composite", "parallel"].iter().filter_map(|key| node.get(key));
    for step in steps.into_iter().chain(lists).flat_map(Node::children) {
        match step.get("cmd").or(step.get("shell")) {
            Some(it) => task.run(it, expand),
            None => task.after(step.get("ref").or(Some(step))),
        }
    }
    ["deps", "uses", "depends-on", "depends_on", "ref"]
        .iter()
        .for_each(|key| task.after(node.get(key)));
    task.opaque =
        ["script", "call", "expr", "switch", "chain"].iter().any(|it| node.get(it).is_some());
    task.folder = match node.str("cwd") {
        Some(folder) => (!folder.contains(['$', '{'])).then(|| folder.to_owned()),
        None => Some(String::new()),
    };
    let ignores = node.str("ignore_fail").is_some()
        || node.get("ignore_fail").and_then(Node::as_bool) == Some(true);
    task.lines.iter_mut().for_each(|it| it.flags.ignores = ignores);
    Some(task)
}

/// taskipy runs `pre_x` before and `post_x` behind `x`.
fn hooks(tasks: &mut [Task]) {
    let all: Vec<_> = tasks.iter().map(|it| (it.name.clone(), it.place)).collect();
    for task in tasks {
        for hook in [format!("pre_{}", task.name), format!("post_{}", task.name)] {
            task.prerequisites.extend(all.iter().find(|it| it.0 == hook).cloned());
        }
    }
}

/// The scripts of Hatch's environments; those of `default` go by their name alone.
fn hatch(tool: Node<'_>) -> File {
    let mut tasks = Vec::new();
    for (environment, node) in tool.at(&["hatch", "envs"]).into_iter().flat_map(Node::entries) {
        for (name, node) in node.get("scripts").into_iter().flat_map(Node::entries) {
            let name = match environment {
                "default" => name.to_owned(),
                _ => format!("{environment}:{name}"),
            };
            let mut task = Task::new(&name, node.key_span().unwrap_or(node.span()));
            let own = node.as_str().map(|_| node);
            for it in node.children().chain(own).filter(|it| it.as_str().is_some()) {
                task.run(it, expand);
                prefixed(&mut task);
            }
            tasks.push(task);
        }
    }
    File { runner: "hatch", open: false, tasks }
}

/// A `- ` in front of a command: its failure counts for nothing.
fn prefixed(task: &mut Task) {
    let Some(line) = task.lines.last_mut() else { return };
    if let Some(rest) = line.text.trim_start().strip_prefix("- ") {
        (line.text, line.flags.ignores) = (rest.to_owned(), true);
        line.expanded = expand(&line.text);
    }
}

/// The environments of tox, where they are tables.
fn tox(tool: Node<'_>) -> File {
    let root = tool.get("tox");
    let base = root.and_then(|it| it.get("env_run_base"));
    let mut tasks = Vec::new();
    for (name, node) in root.and_then(|it| it.get("env")).into_iter().flat_map(Node::entries) {
        let mut task = Task::new(name, node.key_span().unwrap_or(node.span()));
        let own = node.get("commands");
        let commands = own.or_else(|| base.and_then(|it| it.get("commands")));
        for words in commands.into_iter().flat_map(Node::children) {
            let text: Vec<_> = words.children().map(|it| it.as_str().unwrap_or("{}")).collect();
            task.line(&text.join(" "), words.span(), expand);
            prefixed(&mut task);
        }
        task.opaque = commands.is_none();
        tasks.push(task);
    }
    File { runner: "tox", open: true, tasks }
}

#[cfg(test)]
mod tests {
    use super::super::tests::tasks;

    #[test]
    fn each_table_has_its_own_forms() {
        let text = "[tool.poe.tasks]
test = \"pytest -q\"
lint.cmd = \"ruff check .\"
lint.cwd = \"src\"
all = [\"lint\", \"test\"]
scan.sequence = [{cmd = \"bandit -r app\"}, {ref = \"lint\"}]
app.script = \"app:main\"
[tool.taskipy.tasks]
pre_test = \"mypy .\"
test = {cmd = \"pytest\", help = \"x\"}
[tool.pdm.scripts]
_.env_file = \".env\"
check = {composite = [\"lint\", \"pytest\"]}
[tool.hatch.envs.default.scripts]
cov = [\"- pytest --cov\", \"coverage report\"]
[tool.hatch.envs.lint.scripts]
run = \"ruff check {args:.}\"
[tool.tox.env.unit]
commands = [[\"pytest\", {replace = \"posargs\"}]]
";
        assert_eq!(
            tasks("pyproject.toml", text),
            [
                "test: [pytest -q] tests",
                "lint: [ruff check .] style",
                "all: lint test",
                "scan: lint [bandit -r app] security",
                "app:",
                "pre_test: [mypy .] style",
                "test: pre_test [pytest] tests",
                "check: lint pytest",
                "cov: [pytest --cov] tests the `-` before its line [coverage report]",
                "lint:run: [ruff check <?>] style",
                "unit: [pytest <?>] tests",
            ]
        );
    }
}
