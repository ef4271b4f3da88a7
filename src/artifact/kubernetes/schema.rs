//! The fields of the kinds that are built into Kubernetes, and where a manifest has others.
//!
//! What no kind has is rejected by `kubectl apply`, or dropped in silence by tools that do not ask.
//! The table is generated from the API descriptions of every release that is served today, so a
//! field that is known to one of them is known here.

use std::{collections::HashMap, sync::LazyLock};

use crate::document::{Kind, Node};

/// How deep a value is followed.
pub const DEEPEST: u32 = 60;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Bool,
    Whole,
    Number,
    Text,
    /// A number or text.
    Either,
    Any,
    Type(u32),
}

/// A field: its name, whether it is a list or a map of its shape, and the shape.
#[derive(Clone, Copy, Debug)]
struct Field {
    name: &'static str,
    around: Around,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Nothing,
    List,
    Map,
}

/// The whole table.
struct Table {
    kinds: HashMap<(&'static str, &'static str), u32>,
    types: Vec<(&'static str, Vec<Field>)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!("fields.txt")));

fn read(text: &'static str) -> Table {
    let mut table = Table { kinds: HashMap::new(), types: Vec::new() };
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let mut words = line.split(' ');
        let first = words.next().unwrap_or_default();
        match first.strip_prefix('@') {
            Some(version) => {
                if let (Some(kind), Some(at)) = (words.next(), words.next()) {
                    table.kinds.insert((version, kind), at.parse().unwrap_or_default());
                }
            }
            None => table.types.push((first, words.filter_map(field).collect())),
        }
    }
    table
}

fn field(word: &'static str) -> Option<Field> {
    let (name, shape) = word.split_once(':')?;
    let (around, shape) = match shape.as_bytes().first()? {
        b'[' => (Around::List, &shape[1..]),
        b'{' => (Around::Map, &shape[1..]),
        _ => (Around::Nothing, shape),
    };
    let shape = match shape {
        "b" => Shape::Bool,
        "i" => Shape::Whole,
        "n" => Shape::Number,
        "s" => Shape::Text,
        "p" | "q" => Shape::Either,
        _ => shape.parse().map_or(Shape::Any, Shape::Type),
    };
    Some(Field { name, around, shape })
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(super) struct Fault<'a> {
    /// The value.
    pub(super) node: Node<'a>,
    /// The structure that it stands in: `PodSpec`, …
    pub(super) owner: &'static str,
    /// What the field holds, for a value of another type; nothing for a field that is not known.
    pub(super) wanted: Option<&'static str>,
    /// The field that was meant, if one is much like it.
    pub(super) meant: Option<&'static str>,
}

/// The faults of an object of a built-in kind; none for any other.
pub(super) fn faults<'a>(object: Node<'a>) -> Vec<Fault<'a>> {
    let mut found = Vec::new();
    let key = (object.str("apiVersion"), object.str("kind"));
    if let (Some(version), Some(kind)) = key
        && let Some(&at) = TABLE.kinds.get(&(version, kind))
    {
        structure(object, at, 0, &mut found);
    }
    found
}

fn structure<'a>(node: Node<'a>, at: u32, depth: u32, found: &mut Vec<Fault<'a>>) {
    let Some((owner, fields)) = TABLE.types.get(at as usize) else { return };
    if depth == DEEPEST {
        return;
    }
    for (key, value) in node.entries().filter(|it| it.0 != "<<") {
        match fields.iter().find(|it| it.name == key) {
            Some(field) => check(value, owner, *field, depth, found),
            None if is_template(key) => {}
            // What encrypts the object beside its values, and is taken off before it is applied.
            None if depth == 0 && key == "sops" => {}
            None => {
                let meant = near(key, fields);
                found.push(Fault { node: value, owner, wanted: None, meant });
            }
        }
    }
}

fn check<'a>(
    value: Node<'a>,
    owner: &'static str,
    field: Field,
    depth: u32,
    found: &mut Vec<Fault<'a>>,
) {
    match field.around {
        _ if value.is_null() => {}
        Around::List if !value.is_seq() => wrong(value, owner, "a list", found),
        Around::Map if !value.is_map() => wrong(value, owner, "a map", found),
        Around::Nothing => scalar(value, owner, field.shape, depth, found),
        Around::List | Around::Map => value
            .children()
            .filter(|it| !it.is_null())
            .for_each(|it| scalar(it, owner, field.shape, depth, found)),
    }
}

/// Notes a value of another type, unless somebody fills it in.
fn wrong<'a>(
    value: Node<'a>,
    owner: &'static str,
    wanted: &'static str,
    found: &mut Vec<Fault<'a>>,
) {
    if !value.as_str().is_some_and(|it| is_template(it) || is_placeholder(it)) {
        found.push(Fault { node: value, owner, wanted: Some(wanted), meant: None });
    }
}

fn scalar<'a>(
    value: Node<'a>,
    owner: &'static str,
    shape: Shape,
    depth: u32,
    found: &mut Vec<Fault<'a>>,
) {
    let kind = value.kind();
    let wanted = match shape {
        Shape::Bool if kind != Kind::Bool => "true or false",
        Shape::Whole if kind != Kind::Int && !is_whole(value) => "a whole number",
        Shape::Number if !matches!(kind, Kind::Int | Kind::Float) => "a number",
        Shape::Text if kind != Kind::Str => "text",
        Shape::Either if !matches!(kind, Kind::Int | Kind::Float | Kind::Str) => "a number or text",
        Shape::Type(_) if kind != Kind::Map => "a map",
        Shape::Type(at) => return structure(value, at, depth + 1, found),
        _ => return,
    };
    wrong(value, owner, wanted, found);
}

/// Whether the text is a word that a script replaces: `NUM_NODES`.
fn is_placeholder(text: &str) -> bool {
    let mut letters = text.bytes();
    text.contains('_')
        && letters.next().is_some_and(|it| it.is_ascii_uppercase())
        && letters.all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
}

/// `1.0` and `1e3` are whole to the decoder.
pub(super) fn is_whole(value: Node<'_>) -> bool {
    value.as_float().is_some_and(|it| it.fract() == 0.0)
}

/// Whether somebody fills the text in before it is applied.
pub fn is_template(text: &str) -> bool {
    let bytes = text.as_bytes();
    let next = |at: usize| bytes.get(at + 1).copied();
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'<' | b'%' => true,
        b'{' => next(at) == Some(b'{'),
        b'$' => at == 0 || matches!(next(at), Some(b'{' | b'(')),
        _ => false,
    })
}

/// The field that was meant: the same letters, with one or two more or less at the end.
fn near(key: &str, fields: &[Field]) -> Option<&'static str> {
    let bare = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let own = bare(key);
    let close = |it: &&Field| {
        let other = bare(it.name);
        let starts = own.starts_with(&other) || other.starts_with(&own);
        other == own
            || starts && own.len().min(other.len()) > 2 && own.len().abs_diff(other.len()) < 3
    };
    fields.iter().find(close).map(|it| it.name)
}

#[cfg(test)]
mod tests {
    use super::is_template;

    #[test]
    fn templates_are_told_from_texts() {
        for yes in ["{{ .a }}", "a${b}", "a$(b)", "<name>", "50%", "$PORT"] {
            assert!(is_template(yes), "{yes}");
        }
        for no in ["", "a", "{a}", "a$b", "a$", "a{"] {
            assert!(!is_template(no), "{no}");
        }
    }
}
