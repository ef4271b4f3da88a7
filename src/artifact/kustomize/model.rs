//! Values in the making: a tree that transformers change, whose every part knows where it was
//! written.

use std::{
    ops::{Deref, DerefMut},
    rc::Rc,
};

use crate::{
    artifact::render::Words,
    document::{self, Kind, RECORD, Style},
    source::Span,
};

/// A place in a file that the build has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// The index of the file.
    pub(super) file: u32,
    /// The bytes in it.
    pub(super) span: Span,
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) data: Data,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    /// A number as it was written.
    Number(Rc<str>),
    Text(Rc<str>),
    List(Shared<Node>),
    Map(Shared<Entry>),
}

/// What a list or a map holds. Copies of a value share it until one of them is changed: most of a
/// file is in the objects of all its builds as it was written.
#[derive(Debug)]
pub(super) struct Shared<T>(Rc<Vec<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(all: Vec<T>) -> Self {
        Self(Rc::new(all))
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        all.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T> Deref for Shared<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        Rc::make_mut(&mut self.0)
    }
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Rc<str>,
    pub(super) at: At,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(at: At, data: Data) -> Self {
        Self { at, data }
    }

    pub(super) fn text(at: At, text: &str) -> Self {
        Self { at, data: Data::Text(text.into()) }
    }

    pub(super) fn map(at: At) -> Self {
        Self { at, data: Data::Map(Shared::default()) }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is text.
    pub(super) fn str(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text, whatever its type.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) | Data::Number(text) => Some(text),
            Data::Bool(true) => Some("true"),
            Data::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// A scalar as text that others may share.
    pub(super) fn shared_scalar(&self) -> Option<Rc<str>> {
        match &self.data {
            Data::Text(text) | Data::Number(text) => Some(text.clone()),
            _ => self.scalar().map(Rc::from),
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.entries().iter().position(|it| &*it.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|it| &*it.key == key).map(|it| &it.value)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let at = self.position(key)?;
        let Data::Map(entries) = &mut self.data else { return None };
        Some(&mut entries[at].value)
    }

    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The scalar at the end of a path; empty if there is none.
    pub(super) fn scalar_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Node::scalar).unwrap_or_default()
    }

    /// The value under `key`, made where it is missing, in what is made a map where it is nothing.
    pub(super) fn make(&mut self, key: &str, at: At) -> Option<&mut Node> {
        if self.is_null() {
            self.data = Data::Map(Shared::default());
        }
        let found = self.position(key);
        let Data::Map(entries) = &mut self.data else { return None };
        let index = found.unwrap_or_else(|| {
            entries.push(Entry { key: key.into(), at, value: Node::new(at, Data::Null) });
            entries.len() - 1
        });
        Some(&mut entries[index].value)
    }

    /// Sets the value under `key` of a map; a key that is new was written at the value's place.
    pub(super) fn set(&mut self, key: &str, value: Node) {
        let at = value.at;
        if let Some(place) = self.make(key, at) {
            *place = value;
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        if self.get(key).is_some()
            && let Data::Map(entries) = &mut self.data
        {
            entries.retain(|it| &*it.key != key);
        }
    }

    /// How many values it holds, itself among them.
    pub(super) fn size(&self) -> usize {
        let below: usize = match &self.data {
            Data::List(items) => items.iter().map(Node::size).sum(),
            Data::Map(entries) => entries.iter().map(|it| it.value.size()).sum(),
            _ => 0,
        };
        1 + below
    }

    /// Whether two values are the same, wherever they were written.
    pub(super) fn same(&self, other: &Node) -> bool {
        match (&self.data, &other.data) {
            (Data::Null, Data::Null) => true,
            (Data::Bool(a), Data::Bool(b)) => a == b,
            (Data::Number(a), Data::Number(b)) | (Data::Text(a), Data::Text(b)) => a == b,
            (Data::List(a), Data::List(b)) => {
                a.len() == b.len() && a.iter().zip(&**b).all(|(a, b)| a.same(b))
            }
            (Data::Map(a), Data::Map(b)) => {
                let other = |it: &Entry| b.iter().find(|b| b.key == it.key);
                a.len() == b.len()
                    && a.iter().all(|it| other(it).is_some_and(|b| it.value.same(&b.value)))
            }
            _ => false,
        }
    }
}

/// Copies written values.
pub(super) struct Copier<'c, P> {
    /// Says where a span of their source lies.
    pub(super) place: P,
    /// Every node costs one of it: aliases make small files large.
    pub(super) budget: &'c mut usize,
    pub(super) words: &'c mut Words,
}

impl<P: Fn(Span) -> At> Copier<'_, P> {
    /// A copy; nothing where the budget does not reach.
    pub(super) fn copy(&mut self, from: document::Node<'_>) -> Option<Node> {
        *self.budget = self.budget.checked_sub(1)?;
        let data = match from.kind() {
            Kind::Null | Kind::Alias => Data::Null,
            Kind::Bool => Data::Bool(from.as_bool().unwrap_or_default()),
            Kind::Int => Data::Number(self.words.get(&from.display())),
            Kind::Float => Data::Number(self.words.get(from.written())),
            Kind::Str => Data::Text(self.words.get(text(from))),
            Kind::Seq => {
                let mut items = Vec::with_capacity(from.len());
                for it in from.children() {
                    items.push(self.copy(it)?);
                }
                Data::List(items.into())
            }
            Kind::Map => Data::Map(self.entries(from)?.into()),
        };
        Some(Node { at: (self.place)(from.span()), data })
    }

    /// The entries of a map; the last one counts where a key is there twice.
    fn entries(&mut self, from: document::Node<'_>) -> Option<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::with_capacity(from.len());
        for (key, value) in from.entries().filter(|it| it.0 != "<<") {
            let at = (self.place)(value.key_span().unwrap_or(value.span()));
            let value = self.copy(value)?;
            if !from.flag(RECORD) {
                entries.retain(|it| &*it.key != key);
            }
            entries.push(Entry { key: self.words.get(key), at, value });
        }
        if from.flag(document::MERGES) {
            self.merge(from, &mut entries)?;
        }
        Some(entries)
    }

    /// Adds what a map takes over through merge keys.
    fn merge(&mut self, from: document::Node<'_>, entries: &mut Vec<Entry>) -> Option<()> {
        let other = self.copy(from.get("<<")?)?;
        let others =
            if other.items().is_empty() { std::slice::from_ref(&other) } else { other.items() };
        for it in others.iter().flat_map(Node::entries) {
            if entries.iter().all(|own| own.key != it.key) {
                entries.push(it.clone());
            }
        }
        Some(())
    }
}

/// The text of a node. A block of text at the end of a file without a last line break has none.
fn text(from: document::Node<'_>) -> &str {
    let (text, source) = (from.text(), &from.tree().source.text);
    let is_last = matches!(from.style(), Style::Literal | Style::Folded)
        && from.span().end as usize == source.len();
    if is_last { text.strip_suffix('\n').unwrap_or(text) } else { text }
}
