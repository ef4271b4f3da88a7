//! Taskfile.yml, the file of Task.

use super::{File, Task, filled};
use crate::{
    artifact::recipe::Shell,
    document::{Node, Tree},
};

/// The tasks of a Taskfile. What it includes has names of its own, which are not known here.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let Some(root) = tree.documents().next() else { return Vec::new() };
    let entries = root.get("tasks").into_iter().flat_map(Node::entries);
    let mut tasks = Vec::new();
    for (name, node) in entries {
        let place = node.key_span().unwrap_or(node.span());
        tasks.push(task(name, node, root, place));
        let aliases = node.get("aliases").into_iter().flat_map(Node::children);
        for alias in aliases.filter(|it| it.as_str().is_some()) {
            let mut it = Task::new(alias.text(), alias.span());
            it.prerequisites.push((name.to_owned(), place));
            tasks.push(it);
        }
    }
    vec![File { runner: "task", open: root.get("includes").is_some(), tasks }]
}

fn task(name: &str, node: Node<'_>, root: Node<'_>, place: crate::source::Span) -> Task {
    let mut task = Task::new(name, place);
    task.shell = shell(root, node);
    task.opaque = name.contains('*');
    let expand = |text: &str| filled(text, "{{", "}}", |it| value(it, node, root));
    if let Some(folder) = node.get("dir") {
        let folder = folder.as_str().map(expand);
        task.folder = folder.filter(|it| !it.contains(crate::artifact::recipe::UNKNOWN));
    }
    let ignores = is(node, "ignore_error");
    if node.as_str().is_some() {
        task.run(node, expand);
    }
    task.after(node.get("deps"));
    let own = node.is_seq().then_some(node);
    let listed = node.get("cmds").or(own).into_iter().flat_map(Node::children);
    for command in listed.chain(node.get("cmd")) {
        if command.as_str().is_some() {
            task.run(command, expand);
        } else if let Some(text) = command.get("cmd").filter(|it| it.as_str().is_some()) {
            task.run(text, expand);
            let line = task.lines.last_mut();
            line.into_iter().for_each(|it| it.flags.ignores = is(command, "ignore_error"));
        } else if let Some(other) = command.get("task") {
            let is_known = !other.text().contains("{{");
            match is_known && !is(command, "ignore_error") {
                true => task.after(Some(other)),
                false => task.opaque = true,
            }
        } else {
            // `defer` runs in the end and decides nothing.
            task.opaque |= command.get("defer").is_none();
        }
    }
    task.lines.iter_mut().for_each(|it| it.flags.ignores |= ignores);
    task
}

fn is(node: Node<'_>, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool) == Some(true)
}

/// Options of the shell, for the file and for the task.
fn shell(root: Node<'_>, node: Node<'_>) -> Shell {
    let options = [root, node].into_iter().filter_map(|it| it.get("set"));
    let options: Vec<_> = options.flat_map(Node::children).map(Node::text).collect();
    Shell {
        pipefail: options.contains(&"pipefail"),
        stops: options.iter().any(|it| matches!(*it, "e" | "errexit")),
        ..Shell::default()
    }
}

/// The value of `.NAME`, if it is written as a text.
fn value(name: &str, node: Node<'_>, root: Node<'_>) -> Option<String> {
    let name = name.strip_prefix('.')?;
    let from = |it: Node<'_>| it.at(&["vars", name])?.as_str().map(str::to_owned);
    from(node).or_else(|| from(root)).filter(|it| !it.contains("{{"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::tasks;

    #[test]
    fn tasks_have_commands_and_dependencies() {
        let text = "version: '3'
vars: {PACKAGES: ./..., SUM: {sh: date}}
tasks:
  test:
    deps: [gen, {task: lint}]
    aliases: [t]
    cmds:
      - go test {{.PACKAGES}} {{.SUM}}
      - cmd: gosec ./...
        ignore_error: true
      - task: e2e
      - defer: rm -rf tmp
  lint: golangci-lint run
  gen: [go generate ./...]
  audit: {cmd: 'govulncheck ./... | tee log', ignore_error: false}
  scan: {set: [pipefail], cmds: ['govulncheck ./... | tee log']}
";
        assert_eq!(
            tasks("Taskfile.yml", text),
            [
                "test: gen lint e2e [go test ./... <?>] tests [gosec ./...] security the `-` before its line",
                "t: test",
                "lint: [golangci-lint run] style",
                "gen: [go generate ./...]",
                "audit: [govulncheck ./...] security the pipe into `tee`: its status is the one that counts [tee log] cannot fail",
                "scan: [govulncheck ./...] security [tee log]",
            ]
        );
    }
}
