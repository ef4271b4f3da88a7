//! Custom resources against the definitions that the repository itself holds.

use std::collections::HashMap;

use super::{Repository, record};
use crate::{
    artifact::{
        Emit, Field, Kind, Select, Shape, Subject, View,
        kubernetes::{Manifest, is_template, manifests},
    },
    document::{Kind as Holds, Node},
    value::Value,
};

/// How deep a value is followed.
const DEEPEST: u32 = 60;

const FIELDS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the field" },
    Field { name: "kind", shape: Shape::Text, means: "the kind of the custom resource" },
    Field {
        name: "wanted",
        shape: Shape::Text,
        means: "the type that the definition asks for; null for a field that it does not know",
    },
    Field { name: "definition", shape: Shape::Text, means: "the file of the definition" },
];

/// One subject for each field of a custom resource that its definition does not know, or that is
/// of another type.
pub(super) const VIEW: View = View {
    name: "repository.custom_field",
    kind: Kind::Repository,
    means: "a field of a custom resource that does not fit the definition in the repository",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the field" }],
    select: Select::Repository(select),
};

/// The versions that a definition describes, with their schemas.
type Versions<'a> = HashMap<&'a str, Node<'a>>;

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let all = || repository.of(Kind::Kubernetes);
    let mut definitions: HashMap<(&str, &str), Option<Versions<'a>>> = HashMap::new();
    for it in all().flat_map(manifests).filter(|it| it.kind() == "CustomResourceDefinition") {
        let spec = |path: &[&str]| it.raw().get("spec").and_then(|it| it.at(path));
        let (Some(group), Some(kind)) = (spec(&["group"]), spec(&["names", "kind"])) else {
            continue;
        };
        let known = definitions.entry((group.text(), kind.text()));
        // Two definitions of one kind, such as those of two releases: nobody knows which one holds.
        let versions = versions(it);
        known.and_modify(|it| *it = None).or_insert(Some(versions));
    }
    if definitions.is_empty() {
        return;
    }
    let is_part = |it: &&crate::artifact::Artifact| it.role == crate::artifact::Role::Part;
    for it in all().filter(|it| !is_part(it)).flat_map(manifests).filter(|it| !it.is_patch()) {
        let versions = definitions.get(&(it.group(), it.kind())).and_then(Option::as_ref);
        let Some(&schema) = versions.and_then(|all| all.get(it.version())) else { continue };
        let mut walk = Walk { resource: it, definition: schema, emit: &mut *emit };
        walk.root(it.raw(), schema);
    }
}

fn versions<'a>(definition: Manifest<'a>) -> Versions<'a> {
    let Some(spec) = definition.raw().get("spec") else { return HashMap::new() };
    let shared = spec.at(&["validation", "openAPIV3Schema"]);
    let listed = spec.get("versions").into_iter().flat_map(Node::children);
    let mut found: Versions<'a> = listed
        .filter_map(|it| Some((it.str("name")?, it.at(&["schema", "openAPIV3Schema"]).or(shared)?)))
        .collect();
    if let (Some(version), Some(schema)) = (spec.str("version"), shared) {
        found.insert(version, schema);
    }
    found
}

/// A custom resource that is compared with its schema.
struct Walk<'e, 'w, 'a> {
    resource: Manifest<'a>,
    definition: Node<'a>,
    emit: &'w mut (dyn FnMut(Subject<'a>) + 'e),
}

impl<'a> Walk<'_, '_, 'a> {
    fn root(&mut self, value: Node<'a>, schema: Node<'a>) {
        let properties = schema.get("properties");
        for (key, value) in value.entries() {
            if matches!(key, "apiVersion" | "kind" | "metadata" | "status" | "<<") {
                continue;
            }
            match properties.and_then(|it| it.get(key)) {
                Some(schema) => self.value(value, schema, 0),
                None if is_open(schema) || properties.is_none() => {}
                None => self.tell(value, None),
            }
        }
    }

    fn value(&mut self, value: Node<'a>, schema: Node<'a>, depth: u32) {
        if depth == DEEPEST || value.is_null() || value.as_str().is_some_and(is_template) {
            return;
        }
        if let Some(wanted) = wanted(value, schema) {
            self.tell(value, Some(wanted));
            return;
        }
        match value.kind() {
            Holds::Map => self.map(value, schema, depth),
            Holds::Seq => {
                let Some(items) = schema.get("items") else { return };
                value.children().for_each(|it| self.value(it, items, depth + 1));
            }
            _ => {}
        }
    }

    fn map(&mut self, value: Node<'a>, schema: Node<'a>, depth: u32) {
        let properties = schema.get("properties");
        let others = schema.get("additionalProperties");
        let embedded = schema.get("x-kubernetes-embedded-resource").is_some();
        for (key, value) in value.entries().filter(|it| it.0 != "<<") {
            if let Some(schema) = properties.and_then(|it| it.get(key)) {
                self.value(value, schema, depth + 1);
            } else if let Some(schema) = others.filter(|it| it.is_map()) {
                self.value(value, schema, depth + 1);
            } else if others.is_none() && !embedded && !is_open(schema) && properties.is_some() {
                self.tell(value, None);
            }
        }
    }

    fn tell(&mut self, value: Node<'a>, wanted: Option<&'static str>) {
        let definition = self.definition.place().0.path.as_str();
        (self.emit)(Subject {
            values: vec![record([
                ("name", Value::Str(value.key())),
                ("kind", Value::Str(self.resource.kind())),
                ("wanted", wanted.map_or(Value::Null, Value::Str)),
                ("definition", Value::Str(definition)),
            ])],
            at: value,
            object: Some(self.resource.object()),
        });
    }
}

fn is_open(schema: Node<'_>) -> bool {
    let keeps = schema.get("x-kubernetes-preserve-unknown-fields").and_then(Node::as_bool);
    keeps == Some(true) || schema.get("anyOf").is_some() || schema.get("oneOf").is_some()
}

/// The type that the schema asks for, if the value has another.
fn wanted(value: Node<'_>, schema: Node<'_>) -> Option<&'static str> {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return None;
    }
    let kind = value.kind();
    let whole = || value.as_float().is_some_and(|it| it.fract() == 0.0);
    match schema.str("type")? {
        "object" if kind != Holds::Map => Some("a map"),
        "array" if kind != Holds::Seq => Some("a list"),
        "string" if kind != Holds::Str => Some("text"),
        "boolean" if kind != Holds::Bool => Some("true or false"),
        "integer" if kind != Holds::Int && !whole() => Some("a whole number"),
        "number" if !matches!(kind, Holds::Int | Holds::Float) => Some("a number"),
        _ => None,
    }
}
