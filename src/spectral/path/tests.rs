//! What paths select.

use super::*;
use crate::{
    artifact::openapi::Refs, document::Tree, parse::yaml, source::Source, spectral::js::Eyes,
};

fn tree(text: &str) -> Tree {
    yaml::parse(Source::new("x.yaml", text)).0
}

/// The matches of one path, as pointers, sorted.
fn select(path: &str, tree: &Tree, resolved: bool) -> Vec<String> {
    let mut paths = Paths::default();
    paths.add(Path::parse(path).unwrap());
    let root = tree.node(tree.roots[0]);
    let refs = Refs::new(root);
    let eyes = Eyes { refs: resolved.then_some(&refs), circular: &|_| false };
    let mut found = Vec::new();
    let walked = paths.walk(Spot::root(root), eyes, &mut |_, trail| {
        let parts = trail.iter().skip(1).map(|it| match it.key {
            Prop::Key(key) => key.to_owned(),
            Prop::Index(at) => at.to_string(),
            Prop::Root => String::new(),
        });
        found.push(parts.collect::<Vec<_>>().join("/"));
    });
    assert_eq!(walked, Ok(()));
    found.sort();
    found.dedup();
    found
}

const SHOP: &str = "a: {b: {c: 1, d-e: null}, 200: [x, y, z]}\nlist: [{in: query, n: 1}, {in: path, n: 0}]\npaths: {/x: {get: {q: 1}, put: {q: 2}, x-y: 3}}\n";

#[test]
fn names_wildcards_unions_and_slices() {
    let tree = tree(SHOP);
    for (path, expected) in [
        ("$", &[""][..]),
        ("$.a.b.c", &["a/b/c"]),
        ("$.a.b.*", &["a/b/c", "a/b/d-e"]),
        ("$.a.b.d-e", &["a/b/d-e"]),
        ("$.a[200]", &["a/200"]),
        ("$.a['200'][1:]", &["a/200/1", "a/200/2"]),
        ("$.a.200[-1:]", &["a/200/2"]),
        ("$.a.200[(@.length-1)]", &["a/200/2"]),
        ("$.paths[*][get,put]", &["paths//x/get", "paths//x/put"]),
        ("$.paths[*]['get', \"x-y\"]", &["paths//x/get", "paths//x/x-y"]),
        ("$..q", &["paths//x/get/q", "paths//x/put/q"]),
        ("$.paths.[*].q", &["paths//x/get/q", "paths//x/put/q"]),
        ("$.list[0].in", &["list/0/in"]),
        ("$..c^", &["a/b"]),
        ("$.a.b.c^^", &["a"]),
        ("$.paths[*].put^~", &["paths//x"]),
        ("$.paths.'/x'.get.q", &["paths//x/get/q"]),
        ("$.paths...q", &["paths//x/get/q", "paths//x/put/q"]),
        ("$.list[?(@.in == 'query')]^.1.n", &["list/1/n"]),
    ] {
        assert_eq!(select(path, &tree, false), expected, "{path}");
    }
}

#[test]
fn a_dot_before_nothing_is_read_over() {
    let tree = tree(SHOP);
    assert_eq!(select("$.a.b.", &tree, false), select("$.a.b", &tree, false));
    assert_eq!(select("$.list[*].~", &tree, false), select("$.list[*]~", &tree, false));
}

#[test]
fn filters_are_javascript() {
    let tree = tree(SHOP);
    for (path, expected) in [
        ("$.list[?(@.in === 'query')]", &["list/0"][..]),
        ("$.list[?(@.n)]", &["list/0"]),
        ("$.list[?(@.n !== void 0)]", &["list/0", "list/1"]),
        ("$.list[?(@.n >= 0 && @.in != 'path')]", &["list/0"]),
        ("$.paths[*][?(@property.match(/^(get|post)$/i))]", &["paths//x/get"]),
        ("$.paths[*][?(@property ~= '^p')]", &["paths//x/put"]),
        ("$.paths[*][?(@property in ['put', 'post'])]", &["paths//x/put"]),
        ("$.paths[*][?(@property.indexOf('x-') !== 0)]", &["paths//x/get", "paths//x/put"]),
        ("$.a[?(@property >= 200 && @property < 300)]", &["a/200"]),
        ("$..[?(@ && @.constructor.name === 'Array')]", &["a/200", "list"]),
        ("$..[?(@.n.missing.x)]", &[]),
        ("$.list[?(@.length === void 0 ? true : false)]", &["list/0", "list/1"]),
        ("$.a.b[?(@null())]", &["a/b/d-e"]),
        ("$.a[?(@.includes('y'))]", &["a/200"]),
        ("$.list[*][?(@property === 'n' && @parent.in === 'path')]", &["list/1/n"]),
        ("$.a[?(@parentProperty === 'a')]", &["a/200", "a/b"]),
    ] {
        assert_eq!(select(path, &tree, false), expected, "{path}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    for (path, part) in [
        ("a.b", "starts with `$`"),
        ("$.a[?(foo.bar)]", "`foo` is not known"),
        ("$.a[?(@.x.reduce(1))]", "`.reduce()` is not known"),
        ("$.a[?(@.x", "does not end"),
        ("$.a b", "not understood"),
        ("$.a[?(@.x =)]", "not understood"),
    ] {
        let wrong = Path::parse(path).unwrap_err();
        assert!(wrong.contains(part), "{path}: {wrong}");
    }
    let deep = format!("$[?({}1{})]", "(".repeat(500), ")".repeat(500));
    assert!(Path::parse(&deep).unwrap_err().contains("too deeply"));
}

#[test]
fn references_are_followed_where_they_are_resolved() {
    let text = "a: {$ref: '#/c'}\nc: {d: {e: 1}, again: {$ref: '#/c'}}\n";
    let tree = tree(text);
    assert_eq!(select("$.a.d.e", &tree, true), ["a/d/e"]);
    assert_eq!(select("$.a.d.e", &tree, false), Vec::<String>::new());
    assert_eq!(select("$..$ref", &tree, false), ["a/$ref", "c/again/$ref"]);
}

#[test]
fn a_walk_through_many_references_ends() {
    let mut text = String::from("openapi: 3.0.0\nx: {$ref: '#/n0'}\n");
    for at in 0..2_000 {
        let next = at + 1;
        text.push_str(&format!("n{at}: {{a: {{$ref: '#/n{next}'}}, b: {{$ref: '#/n{next}'}}}}\n"));
    }
    text.push_str("n2000: {end: 1}\n");
    let tree = tree(&text);
    assert!(!select("$..end", &tree, true).is_empty());
}
