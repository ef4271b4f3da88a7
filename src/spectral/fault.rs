//! What is wrong with a value by a JSON Schema, told as Spectral tells it.
//!
//! Spectral's validator stops at the first keyword that fails, names what each alternative lacks
//! beside the alternative itself, and its printer leaves out what deeper faults make redundant.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;

use super::function::Complaint;

/// As many faults as one look gives.
const MAX_FAULTS: usize = 200;
/// As many items as are held against `contains`.
const MAX_ITEMS: usize = 50;

/// The order in which the validator looks at keywords.
const ORDER: &[&str] = &[
    "$ref",
    "type",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "format",
    "maxItems",
    "minItems",
    "uniqueItems",
    "additionalItems",
    "prefixItems",
    "items",
    "contains",
    "maxProperties",
    "minProperties",
    "required",
    "dependencies",
    "propertyNames",
    "additionalProperties",
    "properties",
    "patternProperties",
    "const",
    "enum",
    "not",
    "anyOf",
    "oneOf",
    "allOf",
    "if",
];

/// One thing that is wrong.
#[derive(Debug)]
struct Fault {
    path: Vec<String>,
    keyword: String,
    message: String,
}

/// Gives the faults of an item by the schema of a `contains`, which stands at a path.
pub type Contained<'c> = &'c dyn Fn(&str, &Value) -> Vec<Complaint>;

/// Tells the faults of `instance`.
pub struct Teller<'t> {
    /// The schema as it is written.
    pub schema: &'t Value,
    /// The value.
    pub instance: &'t Value,
    /// Whether the validator goes on after the first fault.
    pub all: bool,
    /// See [`Contained`].
    pub contained: Contained<'t>,
}

impl Teller<'_> {
    /// What is left to say of these errors.
    pub fn complaints(&self, errors: Vec<ValidationError<'_>>) -> Vec<Complaint> {
        let mut faults = Vec::new();
        self.level(&errors, self.all, &mut faults);
        faults.truncate(MAX_FAULTS);
        let complaint = |it: Fault| Complaint { message: it.message, below: it.path };
        shown(faults).into_iter().map(complaint).collect()
    }

    /// The errors of one schema: all of them, or the first that the validator would meet.
    fn level(&self, errors: &[ValidationError<'_>], inner: bool, faults: &mut Vec<Fault>) {
        if self.all {
            errors.iter().for_each(|it| self.expand(it, inner, faults));
            return;
        }
        let first = errors.iter().min_by_key(|it| self.rank(it.evaluation_path().as_str()));
        first.into_iter().for_each(|it| self.expand(it, inner, faults));
    }

    /// An error, and before it what it consists of: for `contains` only inside of alternatives.
    fn expand(&self, error: &ValidationError<'_>, inner: bool, faults: &mut Vec<Fault>) {
        if faults.len() > MAX_FAULTS {
            return;
        }
        let path: Vec<_> = error.instance_path().iter().map(|it| it.to_string()).collect();
        match error.kind() {
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context }
            | ValidationErrorKind::OneOfMultipleValid { context } => {
                context.iter().for_each(|branch| self.level(branch, true, faults));
            }
            ValidationErrorKind::Contains if inner => {
                let items = self.instance.pointer(error.instance_path().as_str());
                let items = items.and_then(Value::as_array).into_iter().flatten();
                for (at, item) in items.take(MAX_ITEMS).enumerate() {
                    let of_item = (self.contained)(error.evaluation_path().as_str(), item);
                    faults.extend(of_item.into_iter().map(|it| {
                        let here = path.iter().cloned().chain([at.to_string()]);
                        let path = here.chain(it.below).collect();
                        Fault { path, keyword: String::new(), message: it.message }
                    }));
                }
            }
            ValidationErrorKind::PropertyNames { error } => self.expand(error, true, faults),
            _ => {}
        }
        let keyword = error.evaluation_path().as_str().rsplit('/').next().unwrap_or_default();
        let message: String = error.to_string().chars().take(300).collect();
        let message = format!("{{property}} does not fit: {message}");
        let conditions = conditions(error.evaluation_path().as_str(), &path);
        faults.push(Fault { path, keyword: keyword.to_owned(), message });
        faults.extend(conditions);
    }

    /// When the validator would come to a keyword: its place in the order, at every level.
    fn rank(&self, path: &str) -> Vec<usize> {
        let mut at = Some(self.schema);
        let mut rank = Vec::new();
        for part in path.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let known = ORDER.iter().position(|it| *it == part);
            let place = match at {
                Some(Value::Object(map)) => map.keys().position(|it| *it == part),
                _ => part.parse().ok(),
            };
            rank.push(known.or(place).unwrap_or(usize::MAX));
            at = at.and_then(|it| match it {
                Value::Array(items) => items.get(part.parse::<usize>().ok()?),
                other => other.get(&part),
            });
        }
        rank
    }
}

/// For each `then` and `else` on the way to an error, that the value does not meet it.
fn conditions(evaluation: &str, path: &[String]) -> Vec<Fault> {
    let mut found = Vec::new();
    let (mut below, mut named) = (0, false);
    for part in evaluation.split('/').skip(1) {
        match part {
            _ if named => {
                named = false;
                below += 1;
            }
            "properties" | "patternProperties" => named = true,
            "additionalProperties"
            | "unevaluatedProperties"
            | "items"
            | "prefixItems"
            | "contains" => below += 1,
            "then" | "else" => found.push(Fault {
                path: path.iter().take(below).cloned().collect(),
                keyword: "if".to_owned(),
                message: format!("{{property}} does not fit `{part}`"),
            }),
            _ => {}
        }
    }
    found
}

/// Leaves out what Spectral leaves out: an `anyOf` with deeper faults, and faults of `enum` alone
/// beside any other place.
fn shown(faults: Vec<Fault>) -> Vec<Fault> {
    let nodes: Vec<Vec<String>> = faults.iter().map(|it| segments(&it.path)).collect();
    let is_below =
        |inner: &[String], outer: &[String]| inner.len() > outer.len() && inner.starts_with(outer);
    let mut keep = vec![true; faults.len()];
    for at in 0..faults.len() {
        let own = &nodes[at];
        let same = || nodes.iter().enumerate().filter(|(_, it)| *it == own).map(|it| it.0);
        let has_deeper = !own[0].is_empty() && nodes.iter().any(|it| is_below(it, own));
        if has_deeper && same().any(|it| faults[it].keyword == "anyOf") {
            keep[at] = false;
        }
        let only_enum = same().all(|it| faults[it].keyword == "enum");
        let parent = &own[..own.len() - 1];
        let beside = |it: &&Vec<String>| {
            it.len() >= own.len() && it.starts_with(parent) && it[parent.len()] != own[parent.len()]
        };
        if only_enum && nodes.iter().any(|it| beside(&it)) {
            keep[at] = false;
        }
    }
    let mut keep = keep.into_iter();
    faults.into_iter().filter(|_| keep.next() == Some(true)).collect()
}

/// A path as the printer's tree has it: an index belongs to the name before it.
fn segments(path: &[String]) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    let is_index = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let mut indexed = true;
    for part in path {
        match segments.last_mut() {
            Some(last) if is_index(part) && !indexed => {
                last.push('/');
                last.push_str(part);
                indexed = true;
            }
            _ => {
                segments.push(part.clone());
                indexed = false;
            }
        }
    }
    if segments.is_empty() {
        segments.push(String::new());
    }
    segments
}
