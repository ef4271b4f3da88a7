//! Values as the expressions of rulesets see them: JavaScript's, over the nodes of a document.

use std::{borrow::Cow, rc::Rc};

use crate::{
    artifact::openapi::Refs,
    document::{Kind, MERGES, Node},
};

/// How many maps one look-up visits through merge keys.
const MAX_MERGED: usize = 100;

/// How a document is looked at: with its references followed, or as it is written.
#[derive(Clone, Copy)]
pub struct Eyes<'e, 'a> {
    /// The references, where they are followed.
    pub refs: Option<&'e Refs<'a>>,
    /// Whether a reference leads into itself: Spectral leaves those as they are written.
    pub circular: &'e dyn Fn(Node<'a>) -> bool,
}

impl<'a> Eyes<'_, 'a> {
    /// What is seen at a node: what its reference leads to, or itself.
    pub fn see(&self, node: Node<'a>) -> Node<'a> {
        match self.refs {
            Some(refs) if node.is_map() && !(self.circular)(node) => {
                refs.resolve(node).unwrap_or(node)
            }
            _ => node,
        }
    }

    /// The entry of a map, seen.
    pub fn get(&self, node: Node<'a>, key: &str) -> Option<Node<'a>> {
        match node.kind() {
            Kind::Map => node.get(key).map(|it| self.see(it)),
            Kind::Seq => self.item(node, key.parse().ok()?),
            _ => None,
        }
    }

    /// The item of a list, seen.
    pub fn item(&self, node: Node<'a>, index: usize) -> Option<Node<'a>> {
        node.item(index).map(|it| self.see(it))
    }
}

/// The entries of a map, those that merge keys bring included.
pub fn entries<'a>(node: Node<'a>) -> Vec<(&'a str, Node<'a>)> {
    if !node.flag(MERGES) {
        return node.entries().collect();
    }
    let mut found: Vec<(&str, Node<'a>)> = node.entries().filter(|it| it.0 != "<<").collect();
    let mut open: Vec<_> = node.entries().filter(|it| it.0 == "<<").map(|it| it.1).collect();
    let mut seen = 0;
    while let Some(merged) = open.pop() {
        seen += 1;
        if seen > MAX_MERGED {
            break;
        }
        if merged.is_seq() {
            open.extend(merged.children());
            continue;
        }
        for (key, value) in merged.entries() {
            match key {
                "<<" => open.push(value),
                _ if found.iter().any(|it| it.0 == key) => {}
                _ => found.push((key, value)),
            }
        }
    }
    found
}

/// A value.
#[derive(Clone, Debug)]
pub enum Js<'a> {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// An object or an array of the document.
    Node(Node<'a>),
    /// An array that was computed.
    List(Rc<[Js<'a>]>),
}

impl<'a> Js<'a> {
    /// The value of a node.
    pub fn of(node: Node<'a>) -> Self {
        match node.kind() {
            Kind::Null | Kind::Alias => Self::Null,
            Kind::Bool => Self::Bool(node.as_bool().unwrap_or_default()),
            Kind::Int | Kind::Float => Self::Number(node.as_float().unwrap_or_default()),
            Kind::Str => Self::Text(Cow::Borrowed(node.text())),
            Kind::Seq | Kind::Map => Self::Node(node),
        }
    }

    /// The value of a node that may not be there.
    pub fn maybe(node: Option<Node<'a>>) -> Self {
        node.map_or(Self::Undefined, Self::of)
    }

    /// Text that is borrowed.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether an `if` takes it for true.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(it) => *it,
            Self::Number(it) => *it != 0.0 && !it.is_nan(),
            Self::Text(it) => !it.is_empty(),
            Self::Node(_) | Self::List(_) => true,
        }
    }

    /// What `typeof` says.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Null | Self::Node(_) | Self::List(_) => "object",
        }
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::List(_)) || matches!(self, Self::Node(it) if it.is_seq())
    }

    /// How many characters or items it has; nothing for what has no length.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Text(it) => Some(it.encode_utf16().count()),
            Self::List(it) => Some(it.len()),
            Self::Node(it) if it.is_seq() => Some(it.len()),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn items(&self, eyes: Eyes<'_, 'a>) -> Vec<Js<'a>> {
        match self {
            Self::List(items) => items.to_vec(),
            Self::Node(it) if it.is_seq() => it.children().map(|it| Js::of(eyes.see(it))).collect(),
            _ => Vec::new(),
        }
    }

    /// The number that arithmetic makes of it.
    pub fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(it) => f64::from(u8::from(*it)),
            Self::Number(it) => *it,
            Self::Text(it) if it.trim().is_empty() => 0.0,
            Self::Text(it) => it.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    /// The text that `String()` makes of it.
    pub fn string(&self) -> Cow<'a, str> {
        match self {
            Self::Undefined => "undefined".into(),
            Self::Null => "null".into(),
            Self::Bool(it) => it.to_string().into(),
            Self::Number(it) => it.to_string().into(),
            Self::Text(it) => it.clone(),
            Self::List(items) => items.iter().map(Js::string).collect::<Vec<_>>().join(",").into(),
            Self::Node(it) if it.is_map() => "[object Object]".into(),
            Self::Node(it) => {
                let items: Vec<_> = it.children().map(|it| Js::of(it).string()).collect();
                items.join(",").into()
            }
        }
    }

    /// `===`.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Node(a), Self::Node(b)) => a == b,
            _ => false,
        }
    }

    /// `==`.
    pub fn equals(&self, other: &Self) -> bool {
        let nothing = |it: &Self| matches!(it, Self::Undefined | Self::Null);
        if nothing(self) || nothing(other) {
            return nothing(self) && nothing(other);
        }
        let object = |it: &Self| matches!(it, Self::Node(_) | Self::List(_));
        match (self, other) {
            (Self::Text(_), Self::Text(_)) => self.same(other),
            (a, b) if object(a) && object(b) => self.same(other),
            (a, Self::Text(text)) if object(a) => a.string() == *text,
            (Self::Text(text), b) if object(b) => b.string() == *text,
            _ => self.number() == other.number(),
        }
    }
}
