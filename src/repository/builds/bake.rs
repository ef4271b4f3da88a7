//! Bake files (`docker-bake.hcl`, `docker-bake.json`): the builds that their targets describe, as
//! far as they are written out.

use std::collections::HashSet;

use super::{Build, Files, Places, Roots, arguments, image_name, is_unknown};
use crate::{
    artifact::terraform,
    document::{Node, Tree, list},
    parse,
    source::Source,
};

/// How far `inherits` is followed.
const GENERATIONS: usize = 8;

/// Whether the file is one; one that adds to another is not read.
pub(super) fn is_bake(name: &str) -> bool {
    matches!(name, "docker-bake.hcl" | "docker-bake.json")
}

/// The tree of a file; nothing for one that cannot be read.
pub(super) fn tree(source: &Source) -> Option<Tree> {
    let source = Source::new(source.path.as_str(), source.text.as_str());
    if source.path.ends_with(".json") {
        return Some(parse::json::parse(source).0);
    }
    let mut artifact = terraform::parse(source).artifact?;
    artifact.tree.roots = std::mem::take(&mut artifact.derived);
    Some(artifact.tree)
}

/// Adds the builds of a file; `is_whole` says that no other file adds to it.
pub(super) fn read<'a>(tree: &'a Tree, roots: &Roots<'_>, found: &mut Vec<Build<'a>>) {
    let targets = blocks(tree, "target");
    let mut named: HashSet<&str> = HashSet::new();
    for (_, group) in blocks(tree, "group") {
        named.extend(texts(group, "targets"));
    }
    let parts: HashSet<&str> = targets.iter().flat_map(|it| texts(it.1, "inherits")).collect();
    for (name, body) in &targets {
        // A name with an underscore, or one that only others inherit from: a part for others.
        if !name.starts_with('_') && (named.contains(name) || !parts.contains(name)) {
            let line = line(&targets, *body);
            found.extend(build(tree, roots, &line));
        }
    }
}

/// The blocks of a kind, by name.
fn blocks<'a>(tree: &'a Tree, kind: &'static str) -> Vec<(&'a str, Node<'a>)> {
    let Some(root) = tree.roots.first().map(|&it| tree.node(it)) else { return Vec::new() };
    if root.is_seq() {
        let of_kind = root.children().filter(|it| it.str("kind") == Some(kind));
        return of_kind.filter_map(|it| Some((it.str("name")?, it.get("body")?))).collect();
    }
    root.get(kind).into_iter().flat_map(Node::entries).filter(|it| it.1.is_map()).collect()
}

/// A target and those it inherits from, itself first.
fn line<'a>(targets: &[(&str, Node<'a>)], body: Node<'a>) -> Vec<Node<'a>> {
    let mut line = vec![body];
    let mut at = 0;
    while at < line.len().min(GENERATIONS) {
        for parent in texts(line[at], "inherits") {
            line.extend(targets.iter().find(|it| it.0 == parent).map(|it| it.1));
        }
        at += 1;
    }
    line
}

fn build<'a>(tree: &'a Tree, roots: &Roots<'_>, line: &[Node<'a>]) -> Option<Build<'a>> {
    let first = |key: &str| line.iter().find_map(|it| it.get(key));
    let known = |key: &str, default: &'static str| first(key).map_or(Some(default), literal);
    if first("dockerfile-inline").is_some() {
        return None;
    }
    let (context, file) = (known("context", ".")?, known("dockerfile", "Dockerfile")?);
    let folder = tree.source.folder();
    let files = Files { by: "bake", folder, context, file }.below(roots);
    let target = first("target").map(|it| literal(it).unwrap_or("$").to_owned());
    let images = line.iter().flat_map(|it| texts(*it, "tags"));
    let images = images.map(image_name).filter(|it| !is_unknown(it));
    let contexts = line.iter().filter_map(|it| it.get("contexts")).flat_map(Node::entries);
    // What is `null` is not given.
    let args = arguments(line[0].get("args")).into_iter();
    let args = args.filter(|it| !it.1.is_some_and(Node::is_null));
    let (file, context) = (first("dockerfile"), first("context"));
    // Nothing says what is built: a target that another file completes.
    let is_said = file.or(context).is_some();
    Some(Build {
        target,
        images: images.map(str::to_owned).collect(),
        args: args.collect(),
        contexts: contexts.map(|it| it.0.to_owned()).collect(),
        at: line.first().copied().filter(|_| is_said && !roots.is_completed(&tree.source)),
        places: Places { file, target: first("target"), context },
        ..files.build()?
    })
}

/// A text that is written out: no expression, and nothing filled in.
fn literal(node: Node<'_>) -> Option<&str> {
    let text = node.as_str()?;
    let is_written = node.tree().source.slice(node.span()).starts_with('"');
    (is_written && !text.starts_with('"')).then_some(text)
}

fn texts<'a>(body: Node<'a>, key: &str) -> Vec<&'a str> {
    list(body, key).filter_map(literal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builds(path: &str, text: &str) -> Vec<String> {
        let tree = tree(&Source::new(path, text)).expect("a tree");
        let mut found = Vec::new();
        read(&tree, &Roots { files: &[] }, &mut found);
        let shown = found.iter().map(|it| {
            let args: Vec<_> = it.args.iter().map(|it| it.0.as_str()).collect();
            format!("{} {} {:?} {:?} {args:?}", it.dockerfile, it.context, it.target, it.images)
        });
        shown.collect()
    }

    #[test]
    fn targets_inherit_and_what_is_not_written_out_is_unknown() {
        let text = "variable \"TAG\" {}\ntarget \"_base\" {\n  context = \"api\"\n  args = { V = 1 }\n}\n\
                    target \"api\" {\n  inherits = [\"_base\"]\n  target = \"prod\"\n  args = { W = TAG, X = null }\n  tags = [\"r/a:1\", \"r/b:${TAG}\"]\n}\n\
                    target \"other\" {\n  dockerfile = \"${X}\"\n}\ntarget \"more\" {\n  context = dir\n}\n";
        let expected = "ci/api/Dockerfile ci/api Some(\"prod\") [\"r/a\"] [\"W\"]";
        assert_eq!(builds("ci/docker-bake.hcl", text), [expected]);
    }

    #[test]
    fn json_says_the_same_and_what_is_deep_says_nothing() {
        let text =
            r#"{"target": {"api": {"context": "api", "target": "prod", "args": {"V": "1"}}}}"#;
        let expected = "api/Dockerfile api Some(\"prod\") [] [\"V\"]";
        assert_eq!(builds("docker-bake.json", text), [expected]);
        let deep = format!("a = {}", "[".repeat(100_000));
        assert!(tree(&Source::new("docker-bake.hcl", deep)).is_none());
    }
}
