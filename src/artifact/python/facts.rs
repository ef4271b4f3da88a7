//! What is kept of a module: one small map for each fact, in a tree whose spans are the module's.

use ruff_text_size::Ranged;

use super::{
    scope::Scope,
    value::{self, span},
};
use crate::{
    document::{Id, Key, Tree},
    source::Span,
};

/// The facts of a file, as they are found.
#[derive(Debug)]
pub(super) struct Facts<'t> {
    /// The tree that they are written into.
    pub tree: &'t mut Tree,
    /// Their roots.
    pub roots: Vec<Id>,
}

/// One fact that is being written.
pub(super) struct Fact<'f> {
    tree: &'f mut Tree,
    at: Span,
}

impl Fact<'_> {
    /// Text that is not written like this in the file.
    pub fn text(&mut self, key: &str, text: &str) {
        self.tree.text(Key::Text(key), text, self.at);
    }

    /// Text that stands somewhere else in the fact's place.
    pub fn text_at(&mut self, key: &str, text: &str, at: &impl Ranged) {
        self.tree.text(Key::Text(key), text, span(at));
    }

    /// A boolean.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.tree.bool(Key::Text(key), value, self.at);
    }

    /// A number.
    pub fn int(&mut self, key: &str, value: i64) {
        self.tree.int(Key::Text(key), value, self.at);
    }

    /// A list of texts.
    pub fn texts<T: AsRef<str>>(&mut self, key: &str, texts: impl IntoIterator<Item = T>) {
        let list = self.tree.open_seq(Key::Text(key), self.at);
        for text in texts {
            self.tree.text(Key::None, text.as_ref(), self.at);
        }
        self.tree.close(list);
    }

    /// A map of texts.
    pub fn pairs<'p>(&mut self, key: &str, pairs: impl IntoIterator<Item = (&'p str, &'p str)>) {
        let map = self.tree.open_map(Key::Text(key), self.at);
        for (name, text) in pairs {
            self.tree.text(Key::Text(name), text, self.at);
        }
        self.tree.close(map);
    }

    /// A value, as far as it is known.
    pub fn value(&mut self, key: &str, scope: &Scope<'_>, expr: &ruff_python_ast::Expr) {
        value::write(self.tree, Key::Text(key), scope, expr);
    }

    /// `args` and `kwargs` of a call.
    pub fn arguments(&mut self, scope: &Scope<'_>, arguments: &ruff_python_ast::Arguments) {
        value::write_arguments(self.tree, scope, arguments, 0, self.at);
    }
}

impl Facts<'_> {
    /// Adds a fact that is written at `place`.
    pub fn add(&mut self, kind: &str, place: &impl Ranged, fill: impl FnOnce(&mut Fact<'_>)) {
        let at = span(place);
        let root = self.tree.open_map(Key::None, at);
        let mut fact = Fact { tree: self.tree, at };
        fact.text("fact", kind);
        fill(&mut fact);
        self.tree.close(root);
        self.roots.push(root);
    }

    /// How something is written in the file.
    pub fn written(&self, it: &impl Ranged) -> &str {
        self.tree.source.slice(span(it))
    }
}
