//! Names in other objects follow the objects that changed their names.

use super::{
    fields::{Field, Reference},
    model::{Data, Node},
    object::{Id, Object},
};

/// What is known of an object that may be named.
struct Target {
    id: Id,
    past: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// Sets every name reference to the name of today.
pub(super) fn update(objects: &mut [Object], references: &[Reference]) {
    let targets: Vec<Target> = objects
        .iter()
        .map(|it| Target {
            id: it.id(),
            past: it.previous.clone(),
            prefixes: it.prefixes.clone(),
            suffixes: it.suffixes.clone(),
        })
        .collect();
    if targets.iter().all(|it| it.past.is_empty()) {
        return;
    }
    for (at, object) in objects.iter_mut().enumerate() {
        let first = object.first_id();
        for reference in references {
            for field in reference.fields.iter().filter(|it| it.is_of(&first)) {
                let context = Context::new(&targets, &targets[at], object, reference, field);
                let at = object.node.at;
                Field { create: false, ..field.clone() }
                    .visit(&mut object.node, at, &mut |it| context.set(it));
            }
        }
    }
}

/// One field of one object, and what it may name.
struct Context<'t> {
    targets: Vec<&'t Target>,
    own: &'t Target,
    reference: &'t Reference,
    /// What a `roleRef` says it names.
    role: Option<(String, String)>,
}

impl<'t> Context<'t> {
    fn new(
        targets: &'t [Target],
        own: &'t Target,
        object: &Object,
        reference: &'t Reference,
        field: &Field,
    ) -> Self {
        let role = field.path.ends_with("roleRef/name").then(|| {
            let part = |key| object.node.scalar_at(&["roleRef", key]).to_owned();
            (part("apiGroup"), part("kind"))
        });
        let subjects: Vec<&str> = match own.id.kind.as_str() {
            "RoleBinding" => {
                let subjects = object.node.get("subjects").into_iter().flat_map(Node::items);
                subjects.map(|it| it.scalar_at(&["namespace"])).collect()
            }
            _ => Vec::new(),
        };
        let can_name = |it: &&Target| {
            own.id.is_cluster_scoped()
                || it.id.is_cluster_scoped()
                || it.id.effective_namespace() == own.id.effective_namespace()
                || subjects.contains(&it.id.namespace.as_str())
        };
        Self { targets: targets.iter().filter(can_name).collect(), own, reference, role }
    }

    fn set(&self, node: &mut Node) {
        match &mut node.data {
            Data::List(items) => items.iter_mut().for_each(|it| self.set(it)),
            Data::Map(_) => self.set_map(node),
            _ => {
                let Some(name) = node.scalar() else { return };
                if let Some(target) = self.find(name, &self.targets, false)
                    && target.id.name != name
                {
                    node.data = Data::Text(target.id.name.as_str().into());
                }
            }
        }
    }

    /// A map with `name` and perhaps `namespace`: both follow.
    fn set_map(&self, node: &mut Node) {
        let Some(name) = node.get("name").and_then(Node::scalar).map(str::to_owned) else { return };
        let targets = match node.get("namespace").and_then(Node::scalar) {
            Some(namespace) => self.in_namespace(namespace),
            None => self.targets.clone(),
        };
        let Some(target) = self.find(&name, &targets, true) else { return };
        let at = node.get("name").map_or(node.at, |it| it.at);
        node.set("name", Node::text(at, &target.id.name));
        if !target.id.namespace.is_empty() {
            let at = node.get("namespace").map_or(at, |it| it.at);
            node.set("namespace", Node::text(at, &target.id.namespace));
        }
    }

    fn in_namespace(&self, namespace: &str) -> Vec<&'t Target> {
        let pick = |of: &dyn Fn(&Target) -> String| -> Vec<&'t Target> {
            self.targets.iter().copied().filter(|it| of(it) == namespace).collect()
        };
        let first = pick(&|it| it.past.first().unwrap_or(&it.id).namespace.clone());
        if first.is_empty() { pick(&|it| it.id.namespace.clone()) } else { first }
    }

    /// The one object that the name means; nothing where it is none or could be several.
    fn find(&self, name: &str, among: &[&'t Target], with_namespace: bool) -> Option<&'t Target> {
        let (group, version, kind) =
            (&self.reference.group, &self.reference.version, &self.reference.kind);
        let mut found: Vec<&Target> = among
            .iter()
            .copied()
            .filter(|it| it.past.iter().any(|id| id.name == name))
            .filter(|it| it.past.iter().any(|id| id.is_of(group, version, kind)))
            .filter(|it| {
                let is_role = |(group, kind): &(String, String)| {
                    it.past.iter().any(|id| id.is_of(group, "", kind))
                };
                self.role.as_ref().is_none_or(is_role)
            })
            .filter(|it| {
                self.own.id.is_cluster_scoped()
                    || it.id.is_cluster_scoped()
                    || it.id.kind == "ServiceAccount"
                    || it.id.effective_namespace() == self.own.id.effective_namespace()
            })
            .collect();
        if found.len() > 1 {
            found.retain(|it| self.same_affixes(it, true));
        }
        if found.len() > 1 {
            found.retain(|it| self.same_affixes(it, false));
        }
        let first = *found.first()?;
        let key =
            |it: &Target| (it.id.name.clone(), with_namespace.then(|| it.id.namespace.clone()));
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
