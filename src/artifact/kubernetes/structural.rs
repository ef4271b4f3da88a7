//! What the schema of a custom resource says of its values, without all else that it says.
//!
//! Most bytes of a repository of manifests are such schemas, and most of these are descriptions:
//! what says which values fit is a twentieth of the tree.

use super::schema::{DEEPEST, is_whole};
use crate::document::{Kind, MERGES, Node, tag};

/// The schema of a custom resource: its parts in pre-order, each of which knows where it ends.
#[derive(Debug, Default)]
pub struct Schema {
    parts: Vec<Part>,
    names: String,
}

#[derive(Debug)]
struct Part {
    /// Where its name lies in the names, and how long it is; of properties only.
    name: (u32, u32),
    /// The index behind what is below it.
    after: u32,
    role: Role,
    wants: Option<Type>,
    flags: u8,
}

/// What a schema is to the one that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Whole,
    Property,
    Items,
    /// Of the fields that are not named.
    Others,
}

/// A type that a schema asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A map.
    Object,
    /// A list.
    Array,
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
}

/// It names properties.
const PROPERTIES: u8 = 1;
/// It says something of the fields that it does not name.
const OTHERS: u8 = 2;
/// It lets any field be there.
const OPEN: u8 = 4;
/// Its values are objects of Kubernetes themselves.
const EMBEDDED: u8 = 8;

/// The keys that say which values fit.
const KEYS: [&str; 9] = [
    "type",
    "properties",
    "items",
    "additionalProperties",
    "anyOf",
    "oneOf",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
];

/// The tags of [`KEYS`]: most other keys need no look at their text.
const TAGS: [bool; 256] = {
    let (mut tags, mut at) = ([false; 256], 0);
    while at < KEYS.len() {
        tags[tag(KEYS[at].as_bytes()) as usize] = true;
        at += 1;
    }
    tags
};

impl Schema {
    /// What a schema says as it is written.
    pub fn of(written: Node<'_>) -> Self {
        let mut schema = Self::default();
        schema.add(Role::Whole, "", written, 0);
        schema.parts.shrink_to_fit();
        schema.names.shrink_to_fit();
        schema
    }

    /// The schema as a whole.
    pub fn root(&self) -> Fitting<'_> {
        Fitting { schema: self, at: 0 }
    }

    fn add(&mut self, role: Role, name: &str, written: Node<'_>, depth: u32) {
        let own = self.parts.len();
        let name = (self.push(name), name.len() as u32);
        self.parts.push(Part { name, after: 0, role, wants: None, flags: 0 });
        let (mut wants, mut flags, mut any) = (None, 0, false);
        let (mut properties, mut items, mut others) = (None, None, None);
        for (key, value) in written.tagged(&TAGS) {
            match key {
                "type" => wants = value.as_str().and_then(Type::named),
                "properties" => properties = Some(value),
                "items" => items = Some(value),
                "additionalProperties" => others = Some(value),
                "anyOf" | "oneOf" => flags |= OPEN,
                "x-kubernetes-int-or-string" => any = true,
                "x-kubernetes-preserve-unknown-fields" if value.as_bool() == Some(true) => {
                    flags |= OPEN;
                }
                "x-kubernetes-embedded-resource" => flags |= EMBEDDED,
                _ => {}
            }
        }
        // What is merged into it is not followed: then anything may be there.
        if written.flag(MERGES) || properties.is_some_and(|it| it.flag(MERGES)) {
            (flags, any) = (flags | OPEN, true);
        }
        flags |= if properties.is_some() { PROPERTIES } else { 0 };
        flags |= if others.is_some() { OTHERS } else { 0 };
        if depth < DEEPEST {
            for (name, it) in properties.into_iter().flat_map(Node::entries) {
                self.add(Role::Property, name, it, depth + 1);
            }
            if let Some(items) = items {
                self.add(Role::Items, "", items, depth + 1);
            }
            if let Some(others) = others.filter(|it| it.is_map()) {
                self.add(Role::Others, "", others, depth + 1);
            }
        }
        let after = self.parts.len() as u32;
        let part = &mut self.parts[own];
        (part.after, part.flags, part.wants) = (after, flags, wants.filter(|_| !any));
    }

    fn push(&mut self, name: &str) -> u32 {
        let start = self.names.len() as u32;
        self.names.push_str(name);
        start
    }
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            _ => return None,
        })
    }

    /// What it asks for, if the value is something else.
    fn misses(self, value: Node<'_>) -> Option<&'static str> {
        let kind = value.kind();
        let (fits, wanted) = match self {
            Self::Object => (kind == Kind::Map, "a map"),
            Self::Array => (kind == Kind::Seq, "a list"),
            Self::String => (kind == Kind::Str, "text"),
            Self::Boolean => (kind == Kind::Bool, "true or false"),
            Self::Integer => (kind == Kind::Int || is_whole(value), "a whole number"),
            Self::Number => (matches!(kind, Kind::Int | Kind::Float), "a number"),
        };
        (!fits).then_some(wanted)
    }
}

/// A schema that values are compared with, and where it stands in the whole.
#[derive(Clone, Copy)]
pub struct Fitting<'a> {
    schema: &'a Schema,
    at: u32,
}

impl<'a> Fitting<'a> {
    fn part(self) -> &'a Part {
        &self.schema.parts[self.at as usize]
    }

    fn is(self, flag: u8) -> bool {
        self.part().flags & flag != 0
    }

    fn children(self) -> impl Iterator<Item = Self> {
        let (schema, end) = (self.schema, self.part().after);
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let child = Self { schema, at };
            (at < end).then(|| {
                at = child.part().after;
                child
            })
        })
    }

    fn child(self, role: Role) -> Option<Self> {
        self.children().find(|it| it.part().role == role)
    }

    /// The type that it asks for, if the value has another.
    pub fn wanted(self, value: Node<'_>) -> Option<&'static str> {
        self.part().wants.and_then(|it| it.misses(value))
    }

    /// The schema of the property with this name.
    pub fn property(self, name: &str) -> Option<Self> {
        let is_it = |it: &Self| {
            let Part { role, name: (start, length), .. } = *it.part();
            role == Role::Property
                && length as usize == name.len()
                && self.schema.names.as_bytes()[start as usize..].starts_with(name.as_bytes())
        };
        self.children().filter(is_it).last()
    }

    /// The schema of the items of a list.
    pub fn items(self) -> Option<Self> {
        self.child(Role::Items)
    }

    /// The schema of the fields that it does not name.
    pub fn others(self) -> Option<Self> {
        self.child(Role::Others)
    }

    /// Whether a field that it does not name is pruned: it names its fields, and lets no others be
    /// there.
    pub fn is_closed(self) -> bool {
        self.is(PROPERTIES) && !self.is(OPEN)
    }

    /// Whether it says something of the fields of its values that it does not name: that they have
    /// a schema, or may be there, or are those of an object.
    pub fn knows_others(self) -> bool {
        self.is(OTHERS) || self.is(EMBEDDED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document::Tree, parse::yaml, source::Source};

    fn read(text: &str) -> Tree {
        yaml::parse(Source::new("a.yaml", text)).0
    }

    fn of(text: &str) -> Schema {
        Schema::of(read(text).documents().next().expect("a document"))
    }

    #[test]
    fn properties_items_and_others_are_found() {
        let schema = of(
            "type: object\ndescription: much\nproperties:\n  type: {type: string, description: b}\n  \
            list:\n    type: array\n    items: {type: integer}\n  map:\n    additionalProperties: {type: boolean}\n",
        );
        let root = schema.root();
        let values = read("[text, 5, 5.5, true, {a: 1}, [1]]");
        let all = values.documents().next().expect("a document");
        let wanted = |it: Option<Fitting<'_>>| {
            let it = it.expect("a schema");
            all.children().map(|value| it.wanted(value)).collect::<Vec<_>>()
        };
        let others = |but: usize, wanted| {
            (0..6).map(|at| if at == but { None } else { Some(wanted) }).collect::<Vec<_>>()
        };
        assert_eq!(wanted(Some(root)), others(4, "a map"));
        assert_eq!(wanted(root.property("type")), others(0, "text"));
        let list = root.property("list").expect("a property");
        assert_eq!(wanted(Some(list)), others(5, "a list"));
        assert_eq!(wanted(list.items()), others(1, "a whole number"));
        let map = root.property("map").expect("a property");
        assert_eq!(wanted(map.others()), others(3, "true or false"));
        assert!(root.is_closed() && !root.knows_others());
        assert!(!map.is_closed() && map.knows_others());
        assert!(root.property("description").is_none() && list.property("items").is_none());
    }

    #[test]
    fn what_lets_anything_be_there_is_known() {
        for open in [
            "properties: {a: {}}\nx-kubernetes-preserve-unknown-fields: true\n",
            "properties: {a: {}}\nanyOf: []\n",
            "base: &base {b: {}}\nproperties: {a: {}, <<: *base}\n",
        ] {
            assert!(!of(open).root().is_closed(), "{open}");
        }
        let either = of("type: integer\nx-kubernetes-int-or-string: true\n");
        let value = read("text");
        let value = value.documents().next().expect("a document");
        assert_eq!(either.root().wanted(value), None);
        assert!(of("x-kubernetes-embedded-resource: true\nproperties: {}\n").root().knows_others());
    }

    #[test]
    fn a_deep_schema_ends() {
        let deep = format!("{}{{}}{}", "{items: ".repeat(100), "}".repeat(100));
        let schema = of(&deep);
        assert_eq!(schema.parts.len(), DEEPEST as usize + 1);
    }
}
