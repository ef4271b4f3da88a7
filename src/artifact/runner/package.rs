//! The scripts of package.json.

use super::{File, Task};
use crate::document::{Node, Tree};

/// Scripts that npm runs for itself, at other times than when somebody asks for them.
const OWN: &[&str] = &[
    "dependencies",
    "install",
    "postinstall",
    "postpack",
    "postpublish",
    "prepack",
    "prepare",
    "preinstall",
    "prepublish",
    "prepublishOnly",
    "publish",
];

/// The scripts of a package.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let scripts = tree.documents().next().and_then(|it| it.get("scripts"));
    let all: Vec<(&str, Node<'_>)> = scripts.into_iter().flat_map(Node::entries).collect();
    let place = |name: &str| {
        let found = all.iter().find(|it| it.0 == name);
        found.map(|it| it.1.key_span().unwrap_or(it.1.span()))
    };
    let mut tasks = Vec::new();
    for (name, node) in &all {
        let Some(text) = node.as_str() else { continue };
        let mut task = Task::new(name, place(name).unwrap_or_default());
        if !text.trim().is_empty() {
            task.run(*node, str::to_owned);
        }
        for other in [format!("pre{name}"), format!("post{name}")] {
            if let Some(place) = place(&other).filter(|_| !OWN.contains(&other.as_str())) {
                task.prerequisites.push((other, place));
            }
        }
        tasks.push(task);
    }
    vec![File { runner: "npm", open: false, tasks }]
}

#[cfg(test)]
mod tests {
    use super::super::tests::tasks;

    #[test]
    fn scripts_run_with_what_is_before_and_behind_them() {
        let text = r#"{"scripts": {
  "pretest": "npm run lint",
  "test": "NODE_ENV=test jest --ci && echo \"ok\"",
  "lint": "eslint . || true",
  "load-test": "echo later",
  "prepare": "husky"
}}"#;
        assert_eq!(
            tasks("web/package.json", text),
            [
                "pretest: [npm run lint] style",
                "test: pretest [NODE_ENV=test jest --ci] tests [echo \"ok\"]",
                "lint: [eslint .] style `|| true` behind it [true] cannot fail",
                "load-test: [echo later] only_prints",
                "prepare: [husky]",
            ]
        );
    }
}
