//! Names in other objects follow the objects that changed their names.

use std::{collections::HashMap, sync::Arc};

use super::{
    fields::{ByKind, Field, Reference},
    model::{Data, Node},
    object::{Id, Known, Object},
};

/// What is known of an object that may be named.
struct Target {
    known: Known,
    past: Vec<Known>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Target {
    fn id(&self) -> Id<'_> {
        self.known.id()
    }

    /// Who it was at first.
    fn first(&self) -> Id<'_> {
        self.past.first().unwrap_or(&self.known).id()
    }
}

/// Sets every name reference to the name of today.
pub(super) fn update<'r>(objects: &mut [Object], references: &'r [Arc<Reference>]) {
    if objects.iter().all(|it| it.previous.is_empty()) {
        return;
    }
    let targets: Vec<Target> = objects
        .iter()
        .map(|it| Target {
            known: it.known(),
            past: it.previous.clone(),
            prefixes: it.prefixes.clone(),
            suffixes: it.suffixes.clone(),
        })
        .collect();
    let mut names: Names<'_> = HashMap::new();
    for target in &targets {
        for it in &target.past {
            let known = names.entry(it.id().name).or_default();
            if !known.last().is_some_and(|it| std::ptr::eq(*it, target)) {
                known.push(target);
            }
        }
    }
    let of = |it: &'r Arc<Reference>| it.fields.iter().map(|field| (field, &**it));
    let mut fields = ByKind::new(references.iter().flat_map(of));
    for (object, target) in objects.iter_mut().zip(&targets) {
        for (field, reference) in fields.of(&target.first()) {
            let context = Context::new(&names, target, object, reference, field);
            field.visit_written(&mut object.node, &mut |it| context.set(it));
        }
    }
}

/// The objects by the names that they once had.
type Names<'t> = HashMap<&'t str, Vec<&'t Target>>;

/// One field of one object, and what it may name.
struct Context<'n, 't> {
    names: &'n Names<'t>,
    own: &'t Target,
    reference: &'n Reference,
    /// What a `roleRef` says it names.
    role: Option<(String, String)>,
    /// The namespaces of the subjects of a RoleBinding.
    subjects: Vec<String>,
}

impl<'n, 't> Context<'n, 't> {
    fn new(
        names: &'n Names<'t>,
        own: &'t Target,
        object: &Object,
        reference: &'n Reference,
        field: &Field,
    ) -> Self {
        let role = field.path.ends_with("roleRef/name").then(|| {
            let part = |key| object.node.scalar_at(&["roleRef", key]).to_owned();
            (part("apiGroup"), part("kind"))
        });
        let subjects = match own.id().kind {
            "RoleBinding" => {
                let subjects = object.node.get("subjects").into_iter().flat_map(Node::items);
                subjects.map(|it| it.scalar_at(&["namespace"]).to_owned()).collect()
            }
            _ => Vec::new(),
        };
        Self { names, own, reference, role, subjects }
    }

    /// The objects that once had the name and that the field can reach.
    fn named(&self, name: &str) -> Vec<&'t Target> {
        let reaches = |it: &&Target| {
            self.own.id().is_cluster_scoped()
                || it.id().is_cluster_scoped()
                || it.id().effective_namespace() == self.own.id().effective_namespace()
                || self.subjects.iter().any(|own| own == it.id().namespace)
        };
        self.names.get(name).into_iter().flatten().copied().filter(reaches).collect()
    }

    fn set(&self, node: &mut Node) {
        match &mut node.data {
            Data::List(items) => items.iter_mut().for_each(|it| self.set(it)),
            Data::Map(_) => self.set_map(node),
            _ => {
                let Some(name) = node.scalar() else { return };
                if let Some(target) = self.find(self.named(name), false)
                    && target.id().name != name
                {
                    node.data = Data::Text(target.id().name.into());
                }
            }
        }
    }

    /// A map with `name` and perhaps `namespace`: both follow.
    fn set_map(&self, node: &mut Node) {
        let Some(name) = node.get("name").and_then(Node::scalar).map(str::to_owned) else { return };
        let mut targets = self.named(&name);
        if let Some(namespace) = node.get("namespace").and_then(Node::scalar) {
            targets = in_namespace(&targets, namespace);
        }
        let Some(target) = self.find(targets, true) else { return };
        let at = node.get("name").map_or(node.at, |it| it.at);
        node.set("name", Node::text(at, target.id().name));
        if !target.id().namespace.is_empty() {
            let at = node.get("namespace").map_or(at, |it| it.at);
            node.set("namespace", Node::text(at, target.id().namespace));
        }
    }

    /// The one object that the name means; nothing where it is none or could be several.
    fn find(&self, among: Vec<&'t Target>, with_namespace: bool) -> Option<&'t Target> {
        let (group, version, kind) =
            (&self.reference.group, &self.reference.version, &self.reference.kind);
        let mut found: Vec<&Target> = among
            .into_iter()
            .filter(|it| it.past.iter().any(|past| past.id().is_of(group, version, kind)))
            .filter(|it| {
                let is_role = |(group, kind): &(String, String)| {
                    it.past.iter().any(|past| past.id().is_of(group, "", kind))
                };
                self.role.as_ref().is_none_or(is_role)
            })
            .filter(|it| {
                self.own.id().is_cluster_scoped()
                    || it.id().is_cluster_scoped()
                    || it.id().kind == "ServiceAccount"
                    || it.id().effective_namespace() == self.own.id().effective_namespace()
            })
            .collect();
        if found.len() > 1 {
            found.retain(|it| self.same_affixes(it, true));
        }
        if found.len() > 1 {
            found.retain(|it| self.same_affixes(it, false));
        }
        let first = *found.first()?;
        let key = |it: &'t Target| (it.id().name, with_namespace.then(|| it.id().namespace));
        found.iter().all(|it| key(it) == key(first)).then_some(first)
    }

    fn same_affixes(&self, other: &Target, lenient: bool) -> bool {
        let same = |a: &[String], b: &[String]| {
            let n = a.len().min(b.len());
            let is_end = a[a.len() - n..] == b[b.len() - n..];
            if n == 0 { lenient || a.len() == b.len() } else { is_end }
        };
        same(&self.own.prefixes, &other.prefixes) && same(&self.own.suffixes, &other.suffixes)
    }
}

/// Those that were in the namespace at first, or are in it now.
fn in_namespace<'t>(targets: &[&'t Target], namespace: &str) -> Vec<&'t Target> {
    let first = |it: &Target| it.first().effective_namespace() == namespace;
    let found: Vec<_> = targets.iter().copied().filter(|it| first(it)).collect();
    if !found.is_empty() {
        return found;
    }
    targets.iter().copied().filter(|it| it.id().namespace == namespace).collect()
}
