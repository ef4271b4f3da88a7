//! Terraform and OpenTofu: the blocks of a file, with their literal values.
//!
//! Nothing is evaluated: a value that is an expression is the text of that expression. Blocks
//! inside a block are lists under their name, because there may be several.

use hcl_edit::{
    Span as _,
    expr::{Expression, ObjectKey},
    structure::{Block, Body, Structure},
};

use super::{Artifact, Emit, Kind, Parsed, Select, Shape, Subject, View};
use crate::{
    document::{Id, Key, Node, Problem, Tree, Trouble},
    source::{Source, Span},
    value::Value,
};

/// Files larger than this are not judged.
const LARGEST: usize = 2 << 20;

/// How deep brackets may nest: the grammar is recursive.
const DEEPEST: usize = 60;

/// Whether the file is one, by its name.
pub fn recognise(source: &Source) -> bool {
    source.path.ends_with(".tf") || source.path.ends_with(".tofu")
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let refuse = |offset: usize, kind, reason: String| Parsed {
        artifact: None,
        problems: vec![Problem::at(&source, offset as u32, kind, reason)],
    };
    if source.text.len() > LARGEST {
        return refuse(0, Trouble::Limit, "more than 2 MiB of Terraform: not judged".to_owned());
    }
    if let Some(at) = too_deep(&source.text) {
        return refuse(at, Trouble::Limit, format!("brackets nest more than {DEEPEST} deep"));
    }
    let body = match hcl_edit::parser::parse_body(&source.text) {
        Ok(body) => body,
        Err(error) => {
            let line = error.location().line() as u32;
            let reason = format!("no Terraform: {}", error.message());
            return refuse(source.line_start(line) as usize, Trouble::Syntax, reason);
        }
    };
    let text = source.text.clone();
    let mut writer = Writer { tree: Tree::new(source), text };
    let root = writer.tree.open_seq(Key::None, Span::default());
    for block in body.iter().filter_map(Structure::as_block) {
        writer.top(block);
    }
    writer.tree.close(root);
    let artifact = Artifact { derived: vec![root], ..Artifact::new(Kind::Terraform, writer.tree) };
    Parsed { artifact: Some(artifact), problems: Vec::new() }
}

/// Where brackets nest deeper than the grammar may follow, strings and comments not looked into.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'!' | b'-' if text[at..].starts_with("!!!!") || text[at..].starts_with("----") => {
                let same = text.as_bytes()[at..].iter().take_while(|it| **it == byte).count();
                let comment =
                    text[..at].rsplit('\n').next().is_some_and(|it| it.contains(['#', '/']));
                if same > DEEPEST && !comment {
                    return Some(at);
                }
            }
            _ => {}
        }
        if depth > DEEPEST {
            return Some(at);
        }
    }
    None
}

struct Writer {
    tree: Tree,
    text: String,
}

fn span(range: Option<std::ops::Range<usize>>) -> Span {
    range.map_or(Span::default(), |it| Span::new(it.start, it.end))
}

impl Writer {
    fn top(&mut self, block: &Block) {
        let place = span(block.ident.span());
        let labels: Vec<&str> = block.labels.iter().map(|it| it.as_str()).collect();
        let (kind, name) = match labels.as_slice() {
            [kind, name, ..] => (*kind, *name),
            [name] => ("", *name),
            [] => ("", ""),
        };
        let map = self.tree.open_map(Key::None, place);
        self.tree.text(Key::Field("kind"), block.ident.as_str(), place);
        self.tree.text(Key::Field("type"), kind, place);
        self.tree.text(Key::Field("name"), name, place);
        self.body(Key::Field("body"), &block.body, place);
        self.tree.close(map);
    }

    fn body(&mut self, key: Key<'_>, body: &Body, place: Span) -> Id {
        let map = self.tree.open_map(key, place);
        for attribute in body.iter().filter_map(Structure::as_attribute) {
            self.value(Key::Text(attribute.key.as_str()), &attribute.value);
        }
        let mut names: Vec<&str> = Vec::new();
        for block in body.iter().filter_map(Structure::as_block) {
            if !names.contains(&block.ident.as_str()) && names.len() < 200 {
                names.push(block.ident.as_str());
            }
        }
        for name in names {
            let blocks = body.iter().filter_map(Structure::as_block);
            let list = self.tree.open_seq(Key::Text(name), place);
            for block in blocks.filter(|it| it.ident.as_str() == name) {
                self.body(Key::None, &block.body, span(block.ident.span()));
            }
            self.tree.close(list);
        }
        self.tree.close(map);
        map
    }

    fn value(&mut self, key: Key<'_>, value: &Expression) {
        let place = span(value.span());
        match value {
            Expression::Null(_) => {
                self.tree.null(key, place);
            }
            Expression::Bool(it) => {
                self.tree.bool(key, *it.value(), place);
            }
            Expression::Number(it) => {
                match it.value().as_i64() {
                    Some(number) => self.tree.int(key, number, place),
                    None => self.tree.float(key, it.value().as_f64().unwrap_or(0.0), place),
                };
            }
            Expression::String(it) => {
                self.tree.text(key, it.as_str(), place);
            }
            Expression::Array(items) => {
                let list = self.tree.open_seq(key, place);
                items.iter().for_each(|it| self.value(Key::None, it));
                self.tree.close(list);
            }
            Expression::Object(entries) => {
                let map = self.tree.open_map(key, place);
                for (name, it) in entries.iter() {
                    let name = match name {
                        ObjectKey::Ident(name) => name.as_str().to_owned(),
                        ObjectKey::Expression(Expression::String(name)) => name.as_str().to_owned(),
                        ObjectKey::Expression(_) => continue,
                    };
                    self.value(Key::Text(&name), it.expr());
                }
                self.tree.close(map);
            }
            _ => {
                let text = self.text.get(place.start as usize..place.end as usize);
                let text = text.unwrap_or("").to_owned();
                self.tree.text(key, &text, place);
            }
        }
    }
}

/// The views.
pub const VIEWS: &[View] = &[View {
    name: "terraform.block",
    kind: Kind::Terraform,
    means: "each block at the top of a file",
    vars: fields! {
        "it": Shape::Record(fields! {
            "kind": Shape::Text, "`resource`, `data`, `module`, `variable`, …";
            "type": Shape::Text, "the first of two labels: `aws_db_instance`";
            "name": Shape::Text, "the last label";
            "body": Shape::Any, "its arguments; a block inside is a list under its name, an expression is its text";
        }), "the block";
    },
    select: Select::File(blocks),
}];

/// The blocks at the top of a file.
pub fn blocks_of(artifact: &Artifact) -> impl Iterator<Item = Node<'_>> {
    artifact.derived.iter().flat_map(|&root| artifact.tree.node(root).children())
}

fn blocks<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for block in blocks_of(artifact) {
        emit(Subject { values: vec![Value::Node(block)], at: block, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_literal_values_and_places() {
        let text = "resource \"aws_db_instance\" \"main\" {\n  multi_az = true\n  size     = var.size\n  tags     = { a = 1 }\n  timeouts {\n    create = \"1h\"\n  }\n}\n";
        let artifact = parse(Source::new("a.tf", text)).artifact.expect("an artifact");
        let root = artifact.tree.node(artifact.derived[0]);
        let body = root.item(0).and_then(|it| it.get("body")).expect("a body");
        assert_eq!(body.get("multi_az").and_then(Node::as_bool), Some(true));
        assert_eq!(body.get("multi_az").map(|it| it.start().line), Some(2));
        assert_eq!(body.str("size"), Some("var.size"));
        assert_eq!(body.at(&["tags", "a"]).and_then(Node::as_int), Some(1));
        let timeouts = body.get("timeouts").and_then(|it| it.item(0));
        assert_eq!(timeouts.and_then(|it| it.str("create")), Some("1h"));
    }

    #[test]
    fn what_is_broken_or_too_deep_is_a_problem() {
        let kind = |text: &str| parse(Source::new("a.tf", text)).problems.first().map(|it| it.kind);
        assert_eq!(kind("a = \n"), Some(Trouble::Syntax));
        assert_eq!(kind(&format!("a = {}", "[".repeat(100_000))), Some(Trouble::Limit));
        assert_eq!(kind(&format!("a = {}true", "!".repeat(100_000))), Some(Trouble::Limit));
        assert_eq!(kind("a = 1\n"), None);
    }
}
