//! What the specification demands of a description's parts, as far as tools stumble over it.

use std::collections::{HashMap, HashSet};

use super::{
    Version,
    collect::METHODS,
    derive::{Fact, Record},
    refs::pointer,
    schema::same,
};
use crate::document::{Id, Kind, Node};

/// The fields of an operation.
const OPERATION: &[&str] = &[
    "tags",
    "summary",
    "description",
    "externalDocs",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "callbacks",
    "deprecated",
    "security",
    "servers",
];
/// The fields that an operation has in 2.0 only.
const OPERATION_2: &[&str] = &["consumes", "produces", "schemes"];
/// The fields of a schema in 3.0.
const SCHEMA_3_0: &[&str] = &[
    "$ref",
    "title",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "type",
    "not",
    "allOf",
    "oneOf",
    "anyOf",
    "items",
    "properties",
    "additionalProperties",
    "description",
    "format",
    "default",
    "nullable",
    "discriminator",
    "readOnly",
    "writeOnly",
    "example",
    "externalDocs",
    "deprecated",
    "xml",
];

/// The faults of the description at `root`.
pub fn faults(root: Node<'_>, version: Version) -> Vec<Record> {
    let mut faults = Faults { version, records: Vec::new(), seen: HashSet::new() };
    faults.root(root);
    let items = root.get("paths").into_iter().flat_map(Node::children);
    for item in items.filter(|it| it.is_map()) {
        faults.parameters(item);
        for method in METHODS {
            let operation = item.get(method).filter(|it| it.is_map());
            if let Some(operation) = operation.filter(|it| pointer(*it).is_none()) {
                faults.operation(operation);
            }
        }
    }
    faults.schemas(root);
    let schemes = root.at(&["components", "securitySchemes"]).into_iter().flat_map(Node::children);
    for it in schemes.chain(root.get("securityDefinitions").into_iter().flat_map(Node::children)) {
        faults.texts(it, &["description"]);
    }
    let lists = [root.get("tags"), root.get("servers")];
    for it in lists.into_iter().flatten().filter(|it| it.is_seq()).flat_map(Node::children) {
        faults.texts(it, &["name", "description", "url"]);
    }
    faults.records
}

struct Faults {
    version: Version,
    records: Vec<Record>,
    seen: HashSet<Id>,
}

impl Faults {
    fn add(&mut self, at: Node<'_>, reason: impl Into<String>) {
        let facts = vec![("reason", Fact::Text(reason.into()))];
        self.records.push(Record { node: at.id(), facts });
    }

    fn since(&self, minor: u8) -> bool {
        self.version.major == 3 && self.version.minor >= minor
    }

    fn root(&mut self, root: Node<'_>) {
        if let Some(openapi) = root.get("openapi").filter(|it| it.kind() != Kind::Str) {
            self.add(openapi, "the version must be text: put it in quotes");
        }
        let has = |key| root.get(key).is_some();
        if !has("info") {
            self.add(root, "`info` is missing");
        }
        if self.since(1) {
            if !has("paths") && !has("components") && !has("webhooks") {
                self.add(root, "`paths` is missing");
            }
        } else if !has("paths") {
            self.add(root, "`paths` is missing");
        }
        self.maps(root, &["info", "paths"]);
        let info = root.get("info").filter(|it| it.is_map() && pointer(*it).is_none());
        let Some(info) = info else { return };
        self.texts(info, &["description", "termsOfService"]);
        for name in ["title", "version"] {
            match info.get(name) {
                None => self.add(info, format!("`{name}` is missing in `info`")),
                Some(it) if it.kind() != Kind::Str => {
                    self.add(it, format!("`{name}` must be text: put it in quotes"));
                }
                Some(_) => {}
            }
        }
    }

    fn operation(&mut self, operation: Node<'_>) {
        if !self.since(1) && operation.get("responses").is_none() {
            self.add(operation, "`responses` is missing");
        }
        let is_known = |key: &str| {
            let old = self.version.major == 2 && OPERATION_2.contains(&key);
            OPERATION.contains(&key) || old || key.starts_with("x-")
        };
        let unknown: Vec<_> = operation.entries().filter(|it| !is_known(it.0)).collect();
        for (key, it) in unknown {
            let at = if self.since(1) { operation } else { it };
            self.add(at, format!("an operation has no field `{key}`"));
        }
        self.texts(operation, &["summary", "description", "operationId"]);
        self.lists(operation, &["tags", "parameters"]);
        self.maps(operation, &["responses"]);
        self.parameters(operation);
        let responses = operation.get("responses").filter(|it| it.is_map());
        for (code, response) in responses.into_iter().flat_map(Node::entries) {
            let inline = response.is_map() && pointer(response).is_none();
            if code.starts_with("x-") || !inline {
                continue;
            }
            self.texts(response, &["description"]);
            self.maps(response, &["content", "headers"]);
            if !self.since(2) && response.get("description").is_none() {
                self.add(response, format!("the response {code} has no description"));
            }
            self.examples(response);
        }
        if let Some(body) = operation.get("requestBody") {
            self.examples(body);
        }
    }

    fn parameters(&mut self, holder: Node<'_>) {
        let Some(list) = holder.get("parameters").filter(|it| it.is_seq()) else { return };
        let mut known: HashMap<_, Node<'_>> = HashMap::new();
        for it in list.children() {
            if !it.is_map() || pointer(it).is_some() || !self.seen.insert(it.id()) {
                continue;
            }
            self.texts(it, &["description"]);
            if !self.since(1) {
                self.maps(it, &["schema"]);
            }
            let (name, place) = (it.str("name"), it.str("in"));
            let places: &[&str] = match self.version.major {
                2 => &["query", "header", "path", "formData", "body"],
                _ if self.since(2) => &["query", "header", "path", "cookie", "querystring"],
                _ => &["query", "header", "path", "cookie"],
            };
            match (place, it.get("in")) {
                (Some(place), Some(at)) if !places.contains(&place) => {
                    self.add(at, format!("no parameter is in `{place}`: {}", places.join(", ")));
                }
                (None, _) => self.add(it, "the parameter does not say `in` what it is"),
                _ => {}
            }
            if name.is_none() {
                self.add(it, "the parameter has no name");
            }
            if self.since(1) && place == Some("path") && it.get("required").is_none() {
                self.add(it, "a parameter in the path must say `required: true`");
            }
            if !self.since(1)
                && let Some(twin) = known.insert((name, place), it)
                && same(twin, it)
            {
                self.add(list, "two parameters are the same");
            }
        }
    }

    /// From 3.1 on, an example that has a value and an external one is no example.
    fn examples(&mut self, holder: Node<'_>) {
        if !self.since(1) {
            return;
        }
        let media = holder.get("content").into_iter().flat_map(Node::children);
        let examples = media.filter_map(|it| it.get("examples")).flat_map(Node::children);
        for it in examples.collect::<Vec<_>>() {
            if it.get("value").is_some() && it.get("externalValue").is_some() {
                self.add(it, "an example has a `value` or an `externalValue`, not both");
            }
        }
    }

    /// Fields that must be text and are not.
    fn texts(&mut self, holder: Node<'_>, fields: &[&str]) {
        if pointer(holder).is_some() {
            return;
        }
        for field in fields {
            if let Some(it) = holder.get(field).filter(|it| it.kind() != Kind::Str) {
                self.add(it, format!("`{field}` must be text"));
            }
        }
    }

    /// Fields that must be lists and are not.
    fn lists(&mut self, holder: Node<'_>, fields: &[&str]) {
        for field in fields {
            if let Some(it) = holder.get(field).filter(|it| !it.is_seq() && pointer(*it).is_none())
            {
                self.add(it, format!("`{field}` must be a list"));
            }
        }
    }

    /// Fields that must be maps and are not; a schema may be a boolean from 3.1 on.
    fn maps(&mut self, holder: Node<'_>, fields: &[&str]) {
        for field in fields {
            if let Some(it) = holder.get(field).filter(|it| !it.is_map()) {
                self.add(it, format!("`{field}` must be a map"));
            }
        }
    }

    /// The type of a schema must be one that there is, and required properties have names.
    fn types(&mut self, schema: Node<'_>) {
        const TYPES: [&str; 7] =
            ["array", "boolean", "integer", "number", "object", "string", "null"];
        let known = if self.since(1) { &TYPES[..] } else { &TYPES[..6] };
        let is_known = |it: Node<'_>| it.as_str().is_some_and(|it| known.contains(&it));
        let listed = |it: Node<'_>| self.since(1) && it.is_seq() && it.children().all(is_known);
        let kind = schema.get("type").filter(|_| self.version.major == 3);
        if let Some(it) = kind.filter(|it| !is_known(*it) && !listed(*it)) {
            self.add(it, format!("no schema is of type `{}`: {}", it.display(), known.join(", ")));
        }
        let required = schema.get("required").into_iter().flat_map(Node::children);
        for it in required.filter(|it| it.kind() != Kind::Str).collect::<Vec<_>>() {
            self.add(it, "`required` holds names of properties");
        }
    }

    /// Fields that no schema of 3.0 has, and those that must be text.
    fn schemas(&mut self, root: Node<'_>) {
        let schemas = match self.version.major {
            2 => root.get("definitions"),
            _ => root.at(&["components", "schemas"]),
        };
        let is_3_0 = (self.version.major, self.version.minor) == (3, 0);
        let mut open: Vec<_> = schemas.into_iter().flat_map(Node::children).collect();
        while let Some(schema) = open.pop() {
            if !schema.is_map() || pointer(schema).is_some() || !self.seen.insert(schema.id()) {
                continue;
            }
            self.texts(schema, &["title", "description", "format", "pattern"]);
            self.maps(schema, &["properties"]);
            self.lists(schema, &["required", "enum", "allOf", "anyOf", "oneOf"]);
            self.types(schema);
            for (key, it) in schema.entries() {
                match key {
                    "properties" | "allOf" | "oneOf" | "anyOf" => open.extend(it.children()),
                    "items" | "not" | "additionalProperties" => open.push(it),
                    _ if SCHEMA_3_0.contains(&key) || key.starts_with("x-") => {}
                    _ if !is_3_0 => {}
                    _ => self.add(it, format!("a schema of OpenAPI 3.0 has no field `{key}`")),
                }
            }
        }
    }
}
