//! The tasks of mise.toml.

use super::{File, Task, filled};
use crate::document::{Node, Tree};

/// The tasks of a file of mise. Scripts in a folder of their own may add others.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let Some(root) = tree.documents().next() else { return Vec::new() };
    let expand = |text: &str| {
        let text = filled(text, "{{", "}}", |_| None);
        filled(&text, "{%", "%}", |_| None)
    };
    let mut tasks = Vec::new();
    for (name, node) in root.get("tasks").into_iter().flat_map(Node::entries) {
        let mut task = Task::new(name, node.key_span().unwrap_or(node.span()));
        let run = if node.is_map() { node.get("run") } else { Some(node) };
        for it in run.into_iter().flat_map(Node::children).chain(run) {
            if it.as_str().is_some() {
                task.run(it, expand);
            } else if it.is_map() {
                task.after(it.get("task").or(it.get("tasks")));
            }
        }
        task.opaque = node.get("file").is_some();
        ["depends", "depends_post", "wait_for"].iter().for_each(|key| task.after(node.get(key)));
        if let Some(folder) = node.str("dir") {
            task.folder = (!folder.contains("{{")).then(|| folder.to_owned());
        }
        tasks.push(task);
    }
    vec![File { runner: "mise", open: true, tasks }]
}

#[cfg(test)]
mod tests {
    use super::super::tests::tasks;

    #[test]
    fn tasks_are_texts_lists_or_tables() {
        let text = "[tasks]\nlint = \"ruff check .\"\n[tasks.ci]\ndepends = [\"lint\", \"test --fast\"]\n[tasks.test]\nrun = ['pytest {{arg()}}', 'echo done']\n";
        assert_eq!(
            tasks("mise.toml", text),
            ["lint: [ruff check .] style", "ci: lint test", "test: [pytest <?>] tests [echo done]"]
        );
    }
}
