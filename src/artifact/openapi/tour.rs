//! Every node that belongs to a description, in order, each with what it stands in: first the file
//! of the description, then the parts of other files that references lead to.

use std::collections::HashMap;

use crate::document::{Id, Kind, Node};

/// A part of another file that belongs to a description, and the `$ref` that leads there first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its root.
    pub root: Id,
    /// The text of the reference; it stands in the description or in an earlier region.
    pub by: Id,
}

/// A container that is being looked into.
#[derive(Clone, Copy)]
pub struct Spot<'a, S> {
    /// The container.
    pub node: Node<'a>,
    /// The key under which it is seen: for the root of a region that of the reference.
    pub key: &'a str,
    /// What is known below it.
    pub below: S,
    end: Id,
}

/// How many containers around a reference are known in what it leads to.
const AROUND: usize = 2;

/// A node of the tour: itself, its key, and what it stands in, outermost first.
pub type Visit<'v, 'a, S> = &'v mut dyn FnMut(Node<'a>, &'a str, &[Spot<'a, S>]);

/// Visits every node once. `below` tells from what is known of a container, and its key, what is
/// known below it.
pub fn tour<'a, S: Copy + Default>(
    root: Node<'a>,
    regions: &[Region],
    below: &dyn Fn(S, &str) -> S,
    visit: Visit<'_, 'a, S>,
) {
    let tree = root.tree();
    let mut waiting: HashMap<Id, Vec<Spot<'a, S>>> =
        regions.iter().map(|it| (it.by, Vec::new())).collect();
    let mut seen = if regions.is_empty() { Vec::new() } else { vec![false; tree.nodes.len()] };
    let mut stack: Vec<Spot<'a, S>> = Vec::new();
    let starts = regions.iter().map(|it| (it.root, Some(it.by)));
    for (start, by) in std::iter::once((root.id(), None)).chain(starts) {
        stack.clear();
        let start = tree.node(start);
        let end = end(start);
        let mut key = start.key();
        if let Some(around) = by.and_then(|it| waiting.remove(&it)) {
            stack.extend(around.into_iter().map(|it| Spot { end, ..it }));
            key = stack.pop().map_or(key, |it| it.key);
        }
        let mut id = start.id();
        while id < end {
            while stack.last().is_some_and(|it| it.end <= id) {
                stack.pop();
            }
            let raw = &tree.nodes[id as usize];
            let is_container = matches!(raw.kind, Kind::Map | Kind::Seq);
            if !seen.is_empty() && std::mem::replace(&mut seen[id as usize], true) {
                id = if is_container { raw.low } else { id + 1 };
                continue;
            }
            let node = tree.node(id);
            let key = if id == start.id() { key } else { node.key() };
            if raw.kind != Kind::Alias {
                visit(node, key, &stack);
            }
            if is_container {
                let known = stack.last().map_or(S::default(), |it| it.below);
                stack.push(Spot { node, key, below: below(known, key), end: raw.low });
            } else if raw.kind == Kind::Str
                && !waiting.is_empty()
                && let Some(around) = waiting.get_mut(&id)
            {
                let from = stack.len().saturating_sub(AROUND + 1);
                around.extend_from_slice(&stack[from..]);
            }
            id += 1;
        }
    }
}

fn end(node: Node<'_>) -> Id {
    match node.kind() {
        Kind::Map | Kind::Seq => node.tree().nodes[node.id() as usize].low,
        _ => node.id() + 1,
    }
}
