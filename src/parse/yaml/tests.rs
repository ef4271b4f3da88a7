//! What the YAML reader promises, on its own fixtures.

use super::*;
use crate::document::{MERGES, Node, Style, YAML11_BOOL};

fn read(text: &str) -> (Tree, Vec<Problem>) {
    parse(Source::new("x.yaml", text))
}

fn root(tree: &Tree) -> Node<'_> {
    tree.node(tree.roots[0])
}

/// Line, column, kind and text of each problem.
fn told(problems: &[Problem]) -> Vec<String> {
    let line = |it: &Problem| format!("{}:{} {}", it.start.line, it.start.column, it.reason);
    problems.iter().map(line).collect()
}

#[test]
fn a_manifest_becomes_a_tree_with_places() {
    let (tree, problems) = read("kind: Pod\n\"my name\": 'x''y' # why\nlist:\n- on\n- 0755\n");
    assert_eq!(problems, []);
    let root = root(&tree);
    assert_eq!(format!("{root:?}"), r#"{"kind": "Pod", "my name": "x'y", "list": ["on", 755]}"#);
    let quoted = root.get("my name").unwrap();
    assert_eq!(tree.source.slice(quoted.span()), "'x''y'");
    assert_eq!(quoted.key_span().map(|it| tree.source.slice(it)), Some("my name"));
    assert_eq!(quoted.style(), Style::Single);
    let list = root.get("list").unwrap();
    assert!(list.item(0).unwrap().flag(YAML11_BOOL));
    assert_eq!(list.item(1).unwrap().written(), "0755");
    assert_eq!((list.start().line, list.start().column), (3, 1));
}

#[test]
fn text_in_blocks_and_over_lines_is_folded() {
    let (tree, _) = read("a: |\n  x\n   y\n\nb: >-\n  x\n  y\nc: p\n  q\nd: \"e\\n\\u00e9\"\n");
    let root = root(&tree);
    assert_eq!(root.str("a"), Some("x\n y\n"));
    assert_eq!(root.str("b"), Some("x y"));
    assert_eq!(root.str("c"), Some("p q"));
    assert_eq!(root.str("d"), Some("e\né"));
}

#[test]
fn aliases_are_links_and_merge_keys_merge() {
    let (tree, problems) = read("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n");
    assert_eq!(problems, []);
    let root = root(&tree);
    let merged = root.get("b").unwrap();
    assert!(merged.flag(MERGES));
    assert_eq!(merged.get("x").and_then(Node::as_int), Some(1));
    assert_eq!(merged.get("y").and_then(Node::as_int), Some(3));
    assert_eq!(root.get("c"), root.get("a"));
}

#[test]
fn an_alias_of_its_own_parent_and_one_of_nothing_are_problems() {
    let (tree, problems) = read("a: &a\n  b: *a\nc: *nope\n");
    assert_eq!(
        told(&problems),
        ["2:6 this alias names a node that contains it", "3:4 no anchor `&nope` before this alias"]
    );
    assert!(root(&tree).get("c").unwrap().is_null());
}

#[test]
fn a_repeated_key_is_a_problem_at_its_second_place() {
    let (tree, problems) = read("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n");
    assert_eq!(
        told(&problems),
        [
            "4:3 the key `c` is there twice, and only the last one counts",
            "5:1 the key `a` is there twice, and only the last one counts"
        ]
    );
    assert_eq!(root(&tree).get("a").and_then(Node::as_int), Some(3));
}

#[test]
fn a_broken_document_loses_itself_only() {
    let (tree, problems) = read("a: 1\n---\nb: [1\n---\nc: 'x\n---\nd: 4\n");
    assert_eq!(told(&problems).len(), 2, "{problems:?}");
    assert_eq!(problems[0].start.line, 3);
    assert_eq!(told(&problems)[1], "5:4 this quote is never closed");
    let kept: Vec<_> = tree.documents().map(|it| format!("{it:?}")).collect();
    assert_eq!(kept, [r#"{"a": 1}"#, r#"{"d": 4}"#]);
}

#[test]
fn a_template_is_named_as_one() {
    let (tree, problems) =
        read("a: 1\n{{- if .Values.x }}\nb: {{ .Values.b }}\n{{- end }}\n---\nc: [\n");
    assert_eq!(
        told(&problems),
        ["2:1 un-rendered template: `{{- if .Values.x }}`, render it first"]
    );
    assert_eq!(problems[0].kind, Trouble::Template);
    assert!(tree.roots.is_empty());
    let (_, problems) = read("replicas: {{ .Values.replicas }}\n");
    assert_eq!(problems[0].kind, Trouble::Template);
    let (tree, problems) = read("run: ${{ github.sha }}\nname: \"{{ x }}\"\n");
    assert_eq!((tree.roots.len(), problems.len()), (1, 0));
}

#[test]
fn depth_and_aliases_are_bounded() {
    for text in ["[".repeat(10_000), "- ".repeat(10_000), "{a: ".repeat(10_000)] {
        let (tree, problems) = read(&text);
        assert!(tree.roots.is_empty());
        assert_eq!(problems[0].kind, Trouble::Limit, "{problems:?}");
    }
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let (tree, problems) = read(&laughs);
    assert_eq!(problems[0].kind, Trouble::Limit);
    assert!(tree.nodes.len() < 300);
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..1000 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert_eq!(read(&chain).1[0].kind, Trouble::Limit);
}

#[test]
fn marks_and_line_ends_of_windows_are_read_over() {
    let (tree, problems) = read("\u{feff}a: 1\r\nb:\r\n  - x\r\n  - |\r\n    y\r\n    z\r\n");
    assert_eq!(problems, []);
    assert_eq!(format!("{:?}", root(&tree)), "{\"a\": 1, \"b\": [\"x\", \"y\\nz\\n\"]}");
    assert_eq!(root(&tree).get("b").unwrap().start().line, 2);
}

#[test]
fn nothing_and_comments_are_no_document() {
    assert!(read("").0.roots.is_empty());
    assert!(read("# only\n").0.roots.is_empty());
    assert_eq!(read("---\n---\na: 1\n").0.roots.len(), 2);
}

#[test]
fn a_long_comment_hides_nothing() {
    let text = format!("a:\n{}  b: 1\n", "  # x\n".repeat(500));
    let (tree, problems) = read(&text);
    assert_eq!(problems, []);
    assert_eq!(root(&tree).at(&["a", "b"]).and_then(Node::as_int), Some(1));
}

#[test]
fn keys_may_be_anything() {
    let (tree, problems) = read("? [a, b]\n: 1\n? {c: d}\n: 2\n1: 3\ntrue: 4\n: 5\n");
    assert_eq!(problems, []);
    let keys: Vec<_> = root(&tree).entries().map(|it| it.0).collect();
    assert_eq!(keys, ["[a, b]", "{c: d}", "1", "true", ""]);
}
