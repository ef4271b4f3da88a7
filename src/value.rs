//! The values that views give and expressions compute: nodes of trees first of all, never copies.

use std::{borrow::Cow, sync::Arc};

use crate::document::{Kind, Node};

/// A value. Nodes stay nodes, also scalar ones, so that a finding knows where its value is written.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// Nothing. A field that is not there is this too.
    Null,
    /// A boolean that was computed.
    Bool(bool),
    /// A whole number that was computed.
    Int(i64),
    /// A number that was computed.
    Float(f64),
    /// Text that is borrowed.
    Str(&'a str),
    /// Text that was computed.
    Text(Arc<str>),
    /// A node of a tree.
    Node(Node<'a>),
    /// A list that a view or an expression made.
    List(Arc<[Value<'a>]>),
    /// A map that a view or a function made, in order.
    Map(Arc<[(&'a str, Value<'a>)]>),
}

impl<'a> Value<'a> {
    /// A value that was computed from text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list of values.
    pub fn list(items: impl IntoIterator<Item = Value<'a>>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A list of nodes.
    pub fn nodes(nodes: impl IntoIterator<Item = Node<'a>>) -> Self {
        Self::List(nodes.into_iter().map(Value::Node).collect())
    }

    /// A map from field names to values.
    pub fn map(fields: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Self {
        Self::Map(fields.into_iter().collect())
    }

    /// A node, or nothing.
    pub fn maybe(node: Option<Node<'a>>) -> Self {
        node.map_or(Self::Null, Self::Node)
    }

    /// Scalar nodes as the plain value they hold; containers and computed values as they are.
    pub fn load(&self) -> Value<'a> {
        match self {
            Self::Node(node) => match node.kind() {
                Kind::Null | Kind::Alias => Self::Null,
                Kind::Bool => Self::Bool(node.as_bool().unwrap_or_default()),
                Kind::Int => Self::Int(node.as_int().unwrap_or_default()),
                Kind::Float => Self::Float(node.as_float().unwrap_or_default()),
                Kind::Str => Self::Str(node.text()),
                Kind::Seq | Kind::Map => self.clone(),
            },
            _ => self.clone(),
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(it) => Some(*it),
            Self::Node(node) => node.as_bool(),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Text(text) => Some(text),
            Self::Node(node) => node.as_str(),
            _ => None,
        }
    }

    /// The text, if it is text that lies elsewhere: parts of it need no copy.
    pub fn as_borrowed(&self) -> Option<&'a str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Node(node) => node.as_str(),
            _ => None,
        }
    }

    /// The node, if it is one.
    pub fn as_node(&self) -> Option<Node<'a>> {
        match self {
            Self::Node(node) => Some(*node),
            _ => None,
        }
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Node(node) => node.is_null(),
            _ => false,
        }
    }

    /// The value as a message shows it: scalars as text, lists by their items, nothing as `null`.
    pub fn display(&self) -> Cow<'_, str> {
        match self {
            Self::Null => "null".into(),
            Self::Bool(it) => it.to_string().into(),
            Self::Int(it) => it.to_string().into(),
            Self::Float(it) => it.to_string().into(),
            Self::Str(it) => (*it).into(),
            Self::Text(it) => (&**it).into(),
            Self::Node(node) if node.is_seq() && node.len() <= 10 => {
                let items: Vec<_> = node.children().map(Node::display).collect();
                items.join(", ").into()
            }
            Self::Node(node) => match node.as_str() {
                Some(text) => text.into(),
                None => node.display().into(),
            },
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Value::display).collect();
                items.join(", ").into()
            }
            Self::Map(fields) => format!("{} keys", fields.len()).into(),
        }
    }
}

impl<'a> From<Node<'a>> for Value<'a> {
    fn from(node: Node<'a>) -> Self {
        Self::Node(node)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Value<'_> {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}
