//! References that lead back to where they stand. Spectral leaves them as they are written, so
//! rules see the reference and not what it leads to.

use std::collections::{HashMap, HashSet};

use crate::{
    artifact::openapi::{Refs, pointer},
    document::{Id, Kind, Node},
};

/// The references of a document that stand in a circle.
pub fn circular<'a>(root: Node<'a>, refs: &Refs<'a>) -> HashSet<Id> {
    let sites = sites(root, refs);
    let mut targets: Vec<Id> = sites.iter().map(|it| it.1).collect();
    targets.sort_unstable();
    targets.dedup();
    let enclosing = enclosing(root, &sites, &targets);
    let mut edges: HashMap<Id, Vec<Id>> = HashMap::new();
    for ((_, target), holders) in sites.iter().zip(&enclosing) {
        for holder in holders {
            edges.entry(*holder).or_default().push(*target);
        }
    }
    let groups = groups(&targets, &edges);
    let in_circle = |(site, holders): (&(Id, Id), &Vec<Id>)| {
        let group = groups.get(&site.1);
        holders.iter().any(|it| groups.get(it) == group).then_some(site.0)
    };
    sites.iter().zip(&enclosing).filter_map(in_circle).collect()
}

/// Every reference of the document with what it leads to, in order.
fn sites<'a>(root: Node<'a>, refs: &Refs<'a>) -> Vec<(Id, Id)> {
    let tree = root.tree();
    let maps = (root.id()..refs.end()).filter(|id| tree.nodes[*id as usize].kind == Kind::Map);
    let site = |id: Id| {
        let node = tree.node(id);
        let target = refs.target(node, pointer(node)?)?;
        Some((id, target.id()))
    };
    maps.filter_map(site).collect()
}

/// For each site the targets that it stands in, outermost first.
fn enclosing(root: Node<'_>, sites: &[(Id, Id)], targets: &[Id]) -> Vec<Vec<Id>> {
    let nodes = &root.tree().nodes;
    let mut open: Vec<Id> = Vec::new();
    let mut next = targets.iter().copied().peekable();
    let mut found = Vec::with_capacity(sites.len());
    for &(site, _) in sites {
        while let Some(target) = next.next_if(|it| *it <= site) {
            open.retain(|it| nodes[*it as usize].low > target);
            open.push(target);
        }
        open.retain(|it| {
            let raw = &nodes[*it as usize];
            matches!(raw.kind, Kind::Map | Kind::Seq) && raw.low > site
        });
        // Nested targets are few in honest documents; a hostile one gets the innermost.
        found.push(open.iter().rev().take(8).copied().collect());
    }
    found
}

/// The number of the circle that each target is in: Tarjan's components, without recursion.
fn groups(targets: &[Id], edges: &HashMap<Id, Vec<Id>>) -> HashMap<Id, usize> {
    let mut index: HashMap<Id, usize> = HashMap::new();
    let mut low: HashMap<Id, usize> = HashMap::new();
    let mut groups = HashMap::new();
    let (mut stack, mut on_stack) = (Vec::new(), HashSet::new());
    let none = Vec::new();
    for &start in targets {
        if index.contains_key(&start) {
            continue;
        }
        let mut work = vec![(start, 0)];
        while let Some((node, at)) = work.pop() {
            if at == 0 {
                let number = index.len();
                index.insert(node, number);
                low.insert(node, number);
                stack.push(node);
                on_stack.insert(node);
            }
            let below = edges.get(&node).unwrap_or(&none);
            if at > 0 {
                let child = below[at - 1];
                if on_stack.contains(&child) {
                    let least = low[&child].min(low[&node]);
                    low.insert(node, least);
                }
            }
            let mut at = at;
            let mut entered = false;
            while let Some(&child) = below.get(at) {
                at += 1;
                if !index.contains_key(&child) {
                    work.push((node, at));
                    work.push((child, 0));
                    entered = true;
                    break;
                }
                if on_stack.contains(&child) {
                    let least = index[&child].min(low[&node]);
                    low.insert(node, least);
                }
            }
            if entered || low[&node] != index[&node] {
                continue;
            }
            let group = groups.len();
            while let Some(member) = stack.pop() {
                on_stack.remove(&member);
                groups.insert(member, group);
                if member == node {
                    break;
                }
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse::yaml, source::Source};

    #[test]
    fn only_references_in_a_circle_are_circular() {
        let text = "s:\n  A: {b: {$ref: '#/s/B'}, c: {$ref: '#/s/C'}}\n  B: {a: {$ref: '#/s/A'}}\n  C: {x: 1}\n  D: {me: {$ref: '#/s/D'}}\n  E: {a: {$ref: '#/s/A'}}\n";
        let (tree, _) = yaml::parse(Source::new("x.yaml", text));
        let root = tree.node(tree.roots[0]);
        let refs = Refs::new(root);
        let found = circular(root, &refs);
        let at = |path: &[&str]| found.contains(&root.at(path).unwrap().id());
        assert!(at(&["s", "A", "b"]) && at(&["s", "B", "a"]) && at(&["s", "D", "me"]));
        assert!(!at(&["s", "A", "c"]) && !at(&["s", "E", "a"]));
    }
}
