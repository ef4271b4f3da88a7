//! Objects that are defined twice in one place, and namespaces that nothing defines.

use std::collections::{HashMap, HashSet};

use super::{
    Repository,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    value::Value,
};

const TWIN_FIELDS: &[Field] = &[
    Field { name: "kind", shape: Shape::Text, means: "its kind" },
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field {
        name: "first",
        shape: Shape::Number,
        means: "the line of the object that has it first",
    },
];

/// One subject for each object that its file, or what is rendered, defined before.
pub(super) const TWIN: View = View {
    name: "repository.twin",
    kind: Kind::Repository,
    means: "an object that the same file, or the same rendering, defines a second time",
    vars: &[Field { name: "it", shape: Shape::Record(TWIN_FIELDS), means: "the object" }],
    select: Select::Repository(twins),
};

fn twins<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let mut seen = HashMap::with_capacity(repository.objects.all.len());
    for from in &repository.objects.all {
        if from.name.is_empty() || from.template {
            continue;
        }
        let place = (from.unit, from.unit.is_none().then_some(from.path));
        let key = (place, from.group, from.kind, from.namespace, from.name);
        let first = *seen.entry(key).or_insert(from.id);
        if first != from.id {
            let line = repository.objects.get(first).node.start().line;
            emit(Subject {
                values: vec![record([
                    ("kind", Value::Str(from.kind)),
                    ("name", Value::Str(from.name)),
                    ("first", Value::Int(i64::from(line))),
                ])],
                at: from.node.at(&["metadata", "name"]).unwrap_or(from.node),
                object: Some(from.identity()),
            });
        }
    }
}

/// Namespaces that every cluster has.
const GIVEN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

const NAMESPACE_FIELDS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the namespace" },
    Field { name: "found", shape: Shape::Bool, means: "whether it is in the repository" },
    Field {
        name: "certain",
        shape: Shape::Bool,
        means: "whether the repository keeps Namespaces near",
    },
];

/// One subject for each namespace that objects of a folder, or of a rendering, are put into.
pub(super) const NAMESPACE: View = View {
    name: "repository.used_namespace",
    kind: Kind::Repository,
    means: "a namespace that objects are put into",
    vars: &[Field { name: "it", shape: Shape::Record(NAMESPACE_FIELDS), means: "the namespace" }],
    select: Select::Repository(namespaces),
};

fn namespaces<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    if objects.of(Class::Namespace).next().is_none() {
        return;
    }
    let mut seen = HashSet::new();
    for from in objects.all.iter().filter(|it| !it.template) {
        let place = (from.unit, from.unit.is_none().then_some(from.folder), from.namespace);
        let named = from.node.at(&["metadata", "namespace"]).filter(|_| !from.namespace.is_empty());
        let Some(named) = named.filter(|_| !GIVEN.contains(&from.namespace)) else { continue };
        if seen.insert(place) {
            emit(Subject {
                values: vec![record([
                    ("name", Value::Str(from.namespace)),
                    ("found", Value::Bool(is_defined(repository, from))),
                    ("certain", Value::Bool(objects.is_certain(from, Class::Namespace))),
                ])],
                at: named,
                object: Some(from.identity()),
            });
        }
    }
}

fn is_defined<'a>(repository: &'a Repository<'a>, from: &'a Object<'a>) -> bool {
    let found = repository.objects.named_in(from, "", Class::Namespace, from.namespace);
    !found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::look;

    #[test]
    fn twins_are_of_one_file_kind_and_namespace() {
        let map = |namespace: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {namespace}}}\n---\n"
            )
        };
        let twice = format!("{}{}{}", map("x"), map("y"), map("x"));
        assert_eq!(look(&TWIN, &[("a.yaml", &*twice)], &["kind", "name"]), ["ConfigMap a"]);
        let files = [("a.yaml", &*map("x")), ("b.yaml", &*map("x"))];
        assert!(look(&TWIN, &files, &["name"]).is_empty());
    }

    #[test]
    fn a_namespace_is_asked_for_once_and_only_where_namespaces_are_kept() {
        let pod = |namespace: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {namespace}}}\n"
            )
        };
        let own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n";
        let files = [("k/ns.yaml", own), ("k/a.yaml", &*pod("x")), ("k/b.yaml", &*pod("y"))];
        let found = look(&NAMESPACE, &files, &["name", "found", "certain"]);
        assert_eq!(found, ["x true true", "y false true"]);
        assert!(look(&NAMESPACE, &files[1..], &["name"]).is_empty());
    }
}
