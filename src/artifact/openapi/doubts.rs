//! Schemas that say what cannot be, or what has no effect: each where it is written.

use std::collections::{BTreeSet, HashSet};

use super::{
    Version,
    collect::METHODS,
    derive::{Fact, Record},
    refs::{Refs, pointer},
};
use crate::document::{Id, Kind, Node};

/// The keywords that speak of values of one type, with its name.
const OF_TYPE: [(&str, &[&str]); 4] = [
    ("string", &["minLength", "maxLength", "pattern"]),
    ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
    ("object", &["properties", "additionalProperties", "minProperties", "maxProperties"]),
];
/// Bounds that go together.
const BOUNDS: [(&str, &str); 4] = [
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
];
/// How many schemas are looked through for a property.
const MOST_COMPOSED: usize = 200;

/// What is doubtful about the schemas of the description at `root`, in the order of the file.
pub fn doubts<'a>(root: Node<'a>, version: Version, refs: &Refs<'a>) -> Vec<Record> {
    let mut doubts = Doubts { version, refs, records: Vec::new(), seen: HashSet::new() };
    let mut open = doubts.starts(root);
    while let Some((schema, whole)) = open.pop() {
        if schema.is_map() && pointer(schema).is_none() && doubts.seen.insert(schema.id()) {
            doubts.schema(schema, whole);
            doubts.below(schema, whole, &mut open);
        }
    }
    doubts.records.sort_by_key(|it| it.node);
    doubts.records
}

/// A schema, and the one that it is composed into.
type Open<'a> = (Node<'a>, Node<'a>);

struct Doubts<'d, 'a> {
    version: Version,
    refs: &'d Refs<'a>,
    records: Vec<Record>,
    seen: HashSet<Id>,
}

impl<'a> Doubts<'_, 'a> {
    /// The schemas that stand in no other one.
    fn starts(&self, root: Node<'a>) -> Vec<Open<'a>> {
        let mut holders: Vec<Node<'a>> = Vec::new();
        let mut open: Vec<Open<'a>> = Vec::new();
        let components = if self.version.major == 2 { Some(root) } else { root.get("components") };
        let entries = |name: &str| {
            components.and_then(|it| it.get(name)).into_iter().flat_map(Node::children)
        };
        open.extend(entries("schemas").chain(entries("definitions")).map(|it| (it, it)));
        for name in ["parameters", "headers", "responses", "requestBodies"] {
            holders.extend(entries(name));
        }
        for section in ["paths", "webhooks"] {
            for item in root.get(section).into_iter().flat_map(Node::children) {
                let operations = METHODS.iter().filter_map(|it| item.get(it));
                for it in operations.chain([item]) {
                    holders.extend(it.get("parameters").into_iter().flat_map(Node::children));
                    holders.extend(it.get("responses").into_iter().flat_map(Node::children));
                    holders.extend(it.get("requestBody"));
                }
            }
        }
        while let Some(it) = holders.pop().filter(|_| open.len() < 10_000_000) {
            if !it.is_map() || pointer(it).is_some() {
                continue;
            }
            open.extend(it.get("schema").map(|it| (it, it)));
            for name in ["content", "headers"] {
                holders.extend(it.get(name).into_iter().flat_map(Node::children));
            }
        }
        open
    }

    fn below(&self, schema: Node<'a>, whole: Node<'a>, open: &mut Vec<Open<'a>>) {
        for (key, it) in schema.entries() {
            match key {
                "allOf" | "oneOf" | "anyOf" if it.is_seq() => {
                    open.extend(it.children().map(|it| (it, whole)));
                }
                "prefixItems" if it.is_seq() => open.extend(it.children().map(|it| (it, it))),
                "properties" | "patternProperties" | "$defs" if it.is_map() => {
                    open.extend(it.children().map(|it| (it, it)));
                }
                "items" | "additionalProperties" => open.push((it, it)),
                _ => {}
            }
        }
    }

    fn add(&mut self, at: Node<'a>, kind: &str, what: &str, of: &str) {
        let text = |it: &str| Fact::Text(it.to_owned());
        let facts = vec![("kind", text(kind)), ("what", text(what)), ("of", text(of))];
        self.records.push(Record { node: at.id(), facts });
    }

    fn schema(&mut self, schema: Node<'a>, whole: Node<'a>) {
        let kind = schema.get("type");
        let types = types(kind);
        self.keywords(schema, &types);
        self.required(schema, whole);
        self.bounds(schema);
        self.null(schema, kind);
        self.branches(schema);
    }

    /// Keywords that say nothing of values of its types.
    fn keywords(&mut self, schema: Node<'a>, types: &BTreeSet<&str>) {
        if types.is_empty() {
            return;
        }
        let is_of =
            |name: &str| types.contains(name) || name == "number" && types.contains("integer");
        let said = types.iter().copied().collect::<Vec<_>>().join(" or ");
        for (_, keywords) in OF_TYPE.iter().filter(|it| !is_of(it.0)) {
            for it in keywords.iter().filter_map(|it| schema.get(it)) {
                // `file` of 2.0 is text, and a false or empty one asks for nothing.
                let idle = it.as_bool() == Some(false) || types.contains("file");
                if !idle {
                    let two = matches!(it.key(), "items" | "properties") && types.len() == 1;
                    let kind = if two { "two-kinds" } else { "foreign" };
                    self.add(it, kind, it.key(), &said);
                }
            }
        }
    }

    /// Names that are required and that nothing describes.
    fn required(&mut self, schema: Node<'a>, whole: Node<'a>) {
        let Some(required) = schema.get("required").filter(|it| it.is_seq() && !it.is_empty())
        else {
            return;
        };
        let known = self.properties(&[schema, whole]);
        let Some(known) = known else { return };
        for it in required.children().filter(|it| it.kind() == Kind::Str) {
            if !known.contains(it.text()) {
                self.add(it, "undefined", it.text(), "");
            }
        }
    }

    /// All properties that schemas and those they are composed of describe; nothing if some are in
    /// another file.
    fn properties(&self, schemas: &[Node<'a>]) -> Option<HashSet<&'a str>> {
        let (mut known, mut seen) = (HashSet::new(), HashSet::new());
        let mut open = schemas.to_vec();
        while let Some(it) = open.pop() {
            let it = self.refs.resolve(it)?;
            if seen.len() == MOST_COMPOSED {
                return None;
            }
            if !seen.insert(it.id()) {
                continue;
            }
            known.extend(it.get("properties").into_iter().flat_map(Node::entries).map(|it| it.0));
            for key in ["allOf", "oneOf", "anyOf"] {
                open.extend(it.get(key).into_iter().flat_map(Node::children));
            }
        }
        Some(known)
    }

    fn bounds(&mut self, schema: Node<'a>) {
        for (least, most) in BOUNDS {
            let (low, high) = (schema.get(least), schema.get(most));
            if let (Some(low), Some(high)) = (low, high)
                && let (Some(a), Some(b)) = (low.as_float(), high.as_float())
                && a > b
            {
                self.add(
                    high,
                    "impossible",
                    &format!("{most} {}", high.display()),
                    &format!("{least} {}", low.display()),
                );
            }
        }
        if (self.version.major, self.version.minor) < (3, 1) {
            return;
        }
        for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")]
        {
            if let (Some(it), Some(_)) = (schema.get(bound), schema.get(exclusive)) {
                self.add(it, "twice-bound", bound, exclusive);
            }
        }
    }

    fn null(&mut self, schema: Node<'a>, kind: Option<Node<'a>>) {
        let nullable = schema.get("nullable");
        if let (Some(it), None, (3, 0)) = (nullable, kind, (self.version.major, self.version.minor))
        {
            self.add(it, "nullable-alone", "nullable", "");
        }
        let mut listed = kind.filter(|it| it.is_seq()).into_iter().flat_map(Node::children);
        let allows = nullable.and_then(Node::as_bool) == Some(true)
            && (self.version.major, self.version.minor) == (3, 0)
            || listed.any(|it| it.text() == "null");
        let Some(all) = schema.get("enum").filter(|it| allows && it.is_seq()) else { return };
        if !all.children().any(Node::is_null) {
            self.add(all, "null-unlisted", "null", "");
        }
    }

    /// Parts of `allOf` that no value can fit together.
    fn branches(&mut self, schema: Node<'a>) {
        let Some(all) = schema.get("allOf").filter(|it| it.is_seq()) else { return };
        let mut first: Option<BTreeSet<&str>> = None;
        for it in all.children() {
            let Some(part) = self.refs.resolve(it) else { continue };
            let mut own = types(part.get("type"));
            if own.remove("integer") {
                own.insert("number");
            }
            if own.is_empty() {
                continue;
            }
            let said = |it: &BTreeSet<&str>| it.iter().copied().collect::<Vec<_>>().join(" or ");
            match &first {
                Some(other) if other.is_disjoint(&own) => {
                    return self.add(it, "conflict", &said(&own), &said(other));
                }
                Some(_) => {}
                None => first = Some(own),
            }
        }
    }
}

/// The types that a schema names.
fn types<'a>(kind: Option<Node<'a>>) -> BTreeSet<&'a str> {
    match kind {
        Some(it) if it.is_seq() => it.children().map(Node::text).collect(),
        Some(it) => it.as_str().into_iter().collect(),
        None => BTreeSet::new(),
    }
}
