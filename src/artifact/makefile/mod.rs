//! Makefile artifacts: how they are recognised, read and viewed.

mod evaluate;
mod expand;
pub(super) mod files;
mod functions;
mod model;
mod rules;
#[cfg(test)]
mod tests;
mod tree;
mod unit;
mod views;

use serde_json::{Value as Json, json};

use super::{Artifact, Kind, Parsed};
use crate::{
    document::{Node, Problem, Tree, Trouble},
    source::Source,
};

pub use evaluate::evaluate;
pub use files::{Alone, Files};
pub use model::Evaluation;
pub use unit::{link, link_one};
pub use views::VIEWS;

/// Endings of names that start with `Makefile.` and are no Makefiles, or not yet.
const NOT_MAKEFILES: &[&str] = &[
    "am", "in", "ac", "md", "py", "rs", "js", "ts", "go", "pl", "rb", "php", "java", "html", "txt",
    "toml", "json", "yml", "yaml", "rst", "orig", "bak", "vc", "msc", "tmpl", "tpl", "j2", "jinja",
    "template", "lua", "vim", "svg", "png", "lock", "snap", "sh", "bash", "zsh", "bat", "cmd",
    "ps1", "com", "c", "h", "xml", "css", "csv", "ipynb", "mdx", "tsx", "jsx", "patch", "diff",
    "log", "adoc", "erb", "hbs", "liquid", "cpp", "cc", "kt", "swift", "cs",
];

/// Whether the file is one, by its path and the start of its text.
pub fn recognise(source: &Source) -> bool {
    let name = source.name().to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    if NOT_MAKEFILES.contains(&extension) {
        return false;
    }
    matches!(extension, "mk" | "mak" | "make")
        || name.ends_with("makefile")
        || stem.starts_with("makefile")
}

/// Reads it. What it means depends on what it includes: see [`link`].
pub fn parse(source: Source) -> Parsed {
    if let Some(at) = template(&source.text) {
        let reason = "a template: render it and judge what comes out";
        let problem = Problem::at(&source, at as u32, Trouble::Template, reason);
        return Parsed { artifact: None, problems: vec![problem] };
    }
    if let Some(at) = other_dialect(&source.text) {
        let reason = "written for BSD make or nmake: only the language of GNU make is judged";
        let problem = Problem::at(&source, at as u32, Trouble::Unsupported, reason);
        return Parsed { artifact: None, problems: vec![problem] };
    }
    let tree = Tree::new(source);
    Parsed { artifact: Some(Artifact::new(Kind::Makefile, tree)), problems: Vec::new() }
}

/// Where a template's own instruction stands; no line of make starts like that.
fn template(text: &str) -> Option<usize> {
    if text.starts_with("{%") {
        return Some(0);
    }
    text.find("\n{%").map(|at| at + 1)
}

/// Where a directive stands that only BSD make or nmake know.
fn other_dialect(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let word = line.split_ascii_whitespace().next().unwrap_or("");
        let is_bsd = [".if", ".ifdef", ".ifndef", ".for", ".include", ".endif"].contains(&word);
        let is_nmake = ["!if", "!ifdef", "!ifndef", "!include", "!endif"]
            .iter()
            .any(|it| word.eq_ignore_ascii_case(it));
        if (is_bsd || is_nmake) && line.starts_with(['.', '!']) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Whether a linked Makefile includes a file outside of the root that it was read below.
pub fn reaches_outside(artifact: &Artifact) -> bool {
    let roots = artifact.derived.iter().map(|&it| artifact.tree.node(it));
    let open = roots.filter_map(|it| it.get("unresolved")).flat_map(Node::children);
    open.filter_map(|it| it.str("why")).any(|it| it == evaluate::OUTSIDE)
}

/// What `seaworthy inspect` says of it, once it is linked.
pub fn inspect(artifact: &Artifact) -> Json {
    let mut roots = artifact.derived.iter().map(|&it| artifact.tree.node(it));
    let Some(entry) = roots.find(|it| it.get("made").is_some()) else { return Json::Null };
    let texts = |node: Node<'_>, key: &str| -> Json {
        node.get(key).into_iter().flat_map(Node::children).map(Node::text).collect()
    };
    let items = |key: &str| entry.get(key).into_iter().flat_map(Node::children);
    let line = |it: Node<'_>| it.get("line").and_then(Node::as_int);
    let targets: Vec<Json> = items("made")
        .map(|it| {
            json!({
                "name": it.str("name"),
                "phony": it.get("phony").and_then(Node::as_bool),
                "file": it.str("file"),
                "line": line(it),
                "prerequisites": texts(it, "prerequisites"),
            })
        })
        .collect();
    let unresolved: Vec<Json> = items("unresolved")
        .map(|it| {
            json!({
                "kind": it.str("kind"),
                "text": it.str("text"),
                "why": it.str("why"),
                "file": it.str("file"),
                "line": line(it),
            })
        })
        .collect();
    let variables = items("variables").filter_map(|it| it.str("name"));
    let variables: std::collections::BTreeSet<&str> = variables.collect();
    json!({
        "targets": targets,
        "unresolved": unresolved,
        "default_goal": entry.str("default_goal"),
        "patterns": texts(entry, "patterns"),
        "possible": texts(entry, "possible"),
        "files": texts(entry, "files"),
        "variables": variables,
    })
}

#[cfg(test)]
mod recognition {
    use super::*;

    #[test]
    fn makefiles_are_told_by_their_names() {
        let is = |path: &str| recognise(&Source::new(path, ""));
        assert!(is("Makefile") && is("a/GNUmakefile") && is("rules.mk") && is("Makefile.common"));
        assert!(
            !is("Makefile.am") && !is("Makefile.in") && !is("makefile.py") && !is("makefile.sh")
        );
    }

    #[test]
    fn templates_and_other_dialects_are_problems() {
        let kind =
            |text: &str| parse(Source::new("Makefile", text)).problems.first().map(|it| it.kind);
        assert_eq!(kind("a:\n{% if x %}\n"), Some(Trouble::Template));
        assert_eq!(kind("a:\n.if defined(X)\n.endif\n"), Some(Trouble::Unsupported));
        assert_eq!(kind("a:\n\t.if\n"), None);
    }
}
