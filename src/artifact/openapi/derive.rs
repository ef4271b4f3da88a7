//! Appends what was collected to the tree, as records whose fields link to what is written.

use super::{
    Version,
    bundle::Unread,
    collect::{Collected, collect},
    tour::Region,
};
use crate::{
    document::{Id, KEY_IN_POOL, Key, NO_KEY, Problem, Tree, Trouble},
    source::Span,
};

/// A field of a record.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A written node.
    Node(Id),
    /// Written nodes.
    Nodes(Vec<Id>),
    /// Text that we made.
    Text(String),
    /// Texts that we made.
    Texts(Vec<String>),
    /// A number.
    Int(i64),
    /// A boolean.
    Bool(bool),
}

/// What is known about one thing to judge: where it is written, and named facts.
#[derive(Debug)]
pub struct Record {
    /// The node that was written; the field `node`.
    pub node: Id,
    /// The other fields.
    pub facts: Vec<(&'static str, Fact)>,
}

/// As many references that are not followed are told one by one.
const MAX_TOLD: usize = 50;

/// Collects from the first document that is one, and appends one derived root for it: a map from
/// the names of views to lists, and `document`. Says what could not be judged, and why.
pub fn append(tree: &mut Tree, regions: &[Region], unread: &Unread) -> (Vec<Id>, Vec<Problem>) {
    let found = tree.documents().find_map(|root| Some((root, Version::of(root)?)));
    let Some((root, version)) = found else { return (Vec::new(), Vec::new()) };
    let (root, mut collected) = (root.id(), collect(root, version, regions, unread));
    let source = &tree.source;
    let mut problems = Vec::new();
    if !collected.complete {
        let reason = "its schemas unfold to more than we read: some examples are not judged";
        problems.push(Problem::at(source, 0, Trouble::Limit, reason));
    }
    if collected.elsewhere > 0 {
        let count = collected.elsewhere;
        let reason = format!(
            "{count} of its paths and operations are behind references that cannot be followed: \
             they are not judged"
        );
        problems.push(Problem::at(source, 0, Trouble::NotEvaluated, reason));
    }
    let refused = std::mem::take(&mut collected.refused);
    let more = refused.len().saturating_sub(MAX_TOLD);
    for (at, kind, reason) in refused.into_iter().take(MAX_TOLD) {
        let start = tree.node(at).span().start;
        problems.push(Problem::at(source, start, kind, reason));
    }
    if more > 0 {
        let reason = format!("{more} more references are not followed");
        problems.push(Problem::at(source, 0, Trouble::Unreadable, reason));
    }
    (vec![write(tree, root, collected)], problems)
}

fn write(tree: &mut Tree, root: Id, collected: Collected) -> Id {
    let here = place(tree, root);
    let all = tree.open_map(Key::None, here);
    record(tree, Key::Field("document"), &collected.document);
    let mut count = 1;
    for (name, records) in &collected.records {
        let list = tree.open_seq(Key::Text(name), here);
        for it in records {
            record(tree, Key::None, it);
        }
        tree.close_with(list, records.len() as u32);
        count += 1;
    }
    for (name, nodes) in &collected.nodes {
        links(tree, Key::Text(name), nodes, here);
        count += 1;
    }
    tree.close_with(all, count);
    all
}

fn record(tree: &mut Tree, key: Key<'_>, record: &Record) {
    let here = place(tree, record.node);
    let map = tree.open_map(key, here);
    tree.alias(Key::Field("node"), record.node);
    for (name, fact) in &record.facts {
        let key = Key::Text(name);
        match fact {
            Fact::Node(id) => {
                tree.alias(key, *id);
            }
            Fact::Nodes(ids) => links(tree, key, ids, here),
            Fact::Text(text) => {
                tree.text(key, text, here);
            }
            Fact::Texts(texts) => {
                let list = tree.open_seq(key, here);
                for text in texts {
                    tree.text(Key::None, text, here);
                }
                tree.close_with(list, texts.len() as u32);
            }
            Fact::Int(value) => {
                tree.int(key, *value, here);
            }
            Fact::Bool(value) => {
                tree.bool(key, *value, here);
            }
        }
    }
    tree.close_with(map, record.facts.len() as u32 + 1);
}

fn links(tree: &mut Tree, key: Key<'_>, ids: &[Id], here: Span) {
    let list = tree.open_seq(key, here);
    for &id in ids {
        tree.alias(Key::None, id);
    }
    tree.close_with(list, ids.len() as u32);
}

/// From the key of a node, if it is written, to the end of its value.
fn place(tree: &Tree, id: Id) -> Span {
    let raw = &tree.nodes[id as usize];
    let keyed = raw.key_len != NO_KEY && raw.flags & KEY_IN_POOL == 0;
    let start = if keyed { raw.key.min(raw.span.start) } else { raw.span.start };
    Span { start, end: raw.span.end }
}
