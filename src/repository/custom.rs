//! Custom resources against the definitions that the repository itself holds.

use std::collections::HashMap;

use super::{Repository, record};
use crate::{
    artifact::{
        Emit, Field, Kind, Select, Shape, Subject, View,
        kubernetes::{DEEPEST, Fitting, Manifest, is_template, manifests, versions},
    },
    document::{Kind as Holds, Node},
    value::Value,
};

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

/// The versions that a definition describes, with their schemas: as written, and what they say.
type Versions<'a> = HashMap<&'a str, (Node<'a>, Fitting<'a>)>;

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let all = || repository.of(Kind::Kubernetes);
    let mut definitions: HashMap<(&str, &str), Option<Versions<'a>>> = HashMap::new();
    for artifact in all() {
        for it in manifests(artifact).filter(|it| it.is_definition()) {
            let spec = |path: &[&str]| it.raw().get("spec").and_then(|it| it.at(path));
            let (Some(group), Some(kind)) = (spec(&["group"]), spec(&["names", "kind"])) else {
                continue;
            };
            let known = definitions.entry((group.text(), kind.text()));
            // Two definitions of one kind, such as those of two releases: nobody knows which holds.
            let with_schema =
                |(version, written)| Some((version, (written, artifact.schema(written)?.root())));
            let versions = versions(it).into_iter().filter_map(with_schema).collect();
            known.and_modify(|it| *it = None).or_insert(Some(versions));
        }
    }
    if definitions.is_empty() {
        return;
    }
    let is_part = |it: &&crate::artifact::Artifact| it.role == crate::artifact::Role::Part;
    for it in all().filter(|it| !is_part(it)).flat_map(manifests).filter(|it| !it.is_patch()) {
        let versions = definitions.get(&(it.group(), it.kind())).and_then(Option::as_ref);
        let Some(&(definition, schema)) = versions.and_then(|all| all.get(it.version())) else {
            continue;
        };
        Walk { resource: it, definition, emit: &mut *emit }.root(it.raw(), schema);
    }
}

/// A custom resource that is compared with its schema.
struct Walk<'e, 'w, 'a> {
    resource: Manifest<'a>,
    definition: Node<'a>,
    emit: &'w mut (dyn FnMut(Subject<'a>) + 'e),
}

impl<'a> Walk<'_, '_, 'a> {
    fn root(&mut self, value: Node<'a>, schema: Fitting<'_>) {
        let is_own =
            |key: &str| matches!(key, "apiVersion" | "kind" | "metadata" | "status" | "<<");
        for (key, value) in value.entries().filter(|it| !is_own(it.0)) {
            match schema.property(key) {
                Some(schema) => self.value(value, schema, 0),
                None if schema.is_closed() => self.tell(value, None),
                None => {}
            }
        }
    }

    fn value(&mut self, value: Node<'a>, schema: Fitting<'_>, depth: u32) {
        if depth == DEEPEST || value.is_null() || value.as_str().is_some_and(is_template) {
            return;
        }
        if let Some(wanted) = schema.wanted(value) {
            self.tell(value, Some(wanted));
            return;
        }
        match value.kind() {
            Holds::Map => self.map(value, schema, depth),
            Holds::Seq => {
                let Some(items) = schema.items() else { return };
                value.children().for_each(|it| self.value(it, items, depth + 1));
            }
            _ => {}
        }
    }

    fn map(&mut self, value: Node<'a>, schema: Fitting<'_>, depth: u32) {
        for (key, value) in value.entries().filter(|it| it.0 != "<<") {
            match schema.property(key).or(schema.others()) {
                Some(schema) => self.value(value, schema, depth + 1),
                None if schema.is_closed() && !schema.knows_others() => self.tell(value, None),
                None => {}
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
