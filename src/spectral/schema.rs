//! The function `schema`: JSON Schema over a part of a document.

use std::collections::HashMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use super::{
    fault::Teller,
    function::{Complaint, Refused},
    js::{Eyes, Js},
    json::{self, Extent},
};

/// As deep as we look where a schema has no end.
const MAX_DEPTH: u32 = 40;
/// As many values as one look may take.
const MAX_SIZE: usize = 100_000;
/// As many errors of one value are looked at.
const MAX_ERRORS: usize = 500;
/// As many `contains` are looked into.
const MAX_CONTAINS: usize = 64;
/// How many steps back a pattern may take.
const MAX_STEPS: usize = 200_000;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    written: Value,
    all: bool,
    depth: u32,
    /// The schemas of each `contains`, by where it stands.
    contains: HashMap<String, Schema>,
}

impl Schema {
    /// Compiles the options of the function.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub fn read(options: &Value) -> Result<Self, Refused> {
        let mut written = options["schema"].clone();
        if !(written.is_object() || written.is_boolean()) {
            return Err("`schema` needs a schema".to_owned());
        }
        allow_null(&mut written, 0);
        let draft = match options["dialect"].as_str() {
            Some("draft4") => Draft::Draft4,
            Some("draft6") => Draft::Draft6,
            Some("draft7") => Draft::Draft7,
            Some("draft2019-09") => Draft::Draft201909,
            Some("draft2020-12") => Draft::Draft202012,
            _ => declared(&written),
        };
        Self::compile(written, draft, options["allErrors"] == Value::Bool(true))
    }

    fn compile(written: Value, draft: Draft, all: bool) -> Result<Self, Refused> {
        let validator = jsonschema::options()
            .with_draft(draft)
            .offline()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(MAX_STEPS))
            .build(&written)
            .map_err(|error| format!("its schema cannot be used: {error}"))?;
        let depth = depth(&written, 0).min(MAX_DEPTH);
        let mut contains = HashMap::new();
        let mut found = Vec::new();
        contained(&written, String::new(), &mut found);
        for (path, inner) in found.into_iter().take(MAX_CONTAINS) {
            // An inner one may refer to what only the whole schema knows: then it is not named.
            contains.extend(Self::compile(inner.clone(), draft, all).map(|it| (path, it)));
        }
        Ok(Self { validator, all, written, depth, contains })
    }

    /// What it has against a value.
    ///
    /// # Errors
    /// Where the value is too large.
    pub fn judge<'a>(
        &self,
        value: &Js<'a>,
        eyes: Eyes<'_, 'a>,
    ) -> Result<Vec<Complaint>, &'static str> {
        let instance = match value {
            Js::Undefined => {
                let message = "{property} must be there".to_owned();
                return Ok(vec![Complaint { message, below: Vec::new() }]);
            }
            Js::Node(node) => {
                let extent = Extent { depth: self.depth, size: MAX_SIZE };
                json::value(*node, eyes, extent).map_err(|_| "a value is too large")?
            }
            Js::Bool(it) => Value::Bool(*it),
            Js::Number(it) => number(*it),
            Js::Text(it) => Value::String(it.clone().into_owned()),
            Js::Null | Js::List(_) => Value::Null,
        };
        Ok(self.faults(&instance))
    }

    fn faults(&self, instance: &Value) -> Vec<Complaint> {
        if self.validator.is_valid(instance) {
            return Vec::new();
        }
        let contained = |path: &str, item: &Value| {
            self.contains.get(path).map_or(Vec::new(), |it| it.faults(item))
        };
        let teller =
            Teller { schema: &self.written, instance, all: self.all, contained: &contained };
        teller.complaints(self.validator.iter_errors(instance).take(MAX_ERRORS).collect())
    }
}

/// The schemas under `contains`, with where they stand, outermost only.
fn contained<'s>(schema: &'s Value, path: String, found: &mut Vec<(String, &'s Value)>) {
    if path.len() > 1_000 {
        return;
    }
    match schema {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                match key.as_str() {
                    "contains" if inner.is_object() => found.push((path, inner)),
                    _ => contained(inner, path, found),
                }
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                contained(inner, format!("{path}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Value::from(value as i64);
    }
    Value::from(value)
}

/// The draft that a schema says it is written in.
fn declared(schema: &Value) -> Draft {
    let name = schema["$schema"].as_str().unwrap_or_default();
    match name {
        _ if name.contains("draft-04") => Draft::Draft4,
        _ if name.contains("draft-06") => Draft::Draft6,
        _ if name.contains("2019-09") => Draft::Draft201909,
        _ if name.contains("2020-12") => Draft::Draft202012,
        _ => Draft::Draft7,
    }
}

/// `nullable: true` beside a type is what Spectral's validator understands too.
fn allow_null(schema: &mut Value, level: u32) {
    if level > MAX_DEPTH {
        return;
    }
    if let Value::Object(map) = schema {
        if map.get("nullable") == Some(&Value::Bool(true))
            && let Some(Value::String(one)) = map.get("type").cloned()
        {
            map.insert("type".to_owned(), Value::from(vec![one, "null".to_owned()]));
        }
        map.values_mut().for_each(|it| allow_null(it, level + 1));
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(|it| allow_null(it, level + 1));
    }
}

/// How many levels of a value a schema can see.
fn depth(schema: &Value, level: u32) -> u32 {
    let Value::Object(map) = schema else { return 1 };
    if level >= MAX_DEPTH {
        return MAX_DEPTH;
    }
    let each = |it: &Value| match it {
        Value::Object(map) => map.values().map(|it| depth(it, level + 1)).max(),
        Value::Array(items) => items.iter().map(|it| depth(it, level + 1)).max(),
        _ => None,
    };
    let of = |(key, it): (&String, &Value)| match key.as_str() {
        "properties" | "patternProperties" => 1 + each(it).unwrap_or(1),
        "items" | "prefixItems" if it.is_array() => 1 + each(it).unwrap_or(1),
        "items"
        | "additionalItems"
        | "contains"
        | "additionalProperties"
        | "unevaluatedItems"
        | "unevaluatedProperties" => 1 + depth(it, level + 1),
        "allOf" | "anyOf" | "oneOf" | "dependencies" | "dependentSchemas" => each(it).unwrap_or(1),
        "not" | "if" | "then" | "else" => depth(it, level + 1),
        "enum" | "const" | "uniqueItems" | "$ref" | "$dynamicRef" | "$recursiveRef" => MAX_DEPTH,
        _ => 1,
    };
    map.iter().map(of).max().unwrap_or(1).saturating_add(1)
}
