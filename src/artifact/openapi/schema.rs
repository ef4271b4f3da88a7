//! Values against schemas, as far as rules about examples need it.

use super::{Version, derive::Record, refs::Refs};
use crate::document::{Kind, Node};

/// Whether a value is of a type that a schema may name.
pub fn is_of_type(value: Node<'_>, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.kind() == Kind::Bool,
        "integer" => value.as_float().is_some_and(|it| it.fract() == 0.0),
        "number" => value.as_float().is_some(),
        "string" => value.kind() == Kind::Str,
        "array" => value.is_seq(),
        "object" => value.is_map(),
        _ => true,
    }
}

/// Judges the examples of schemas and media types. (The list is filled by a later step.)
pub fn examples(
    _refs: &Refs<'_>,
    _root: Node<'_>,
    _version: Version,
    _records: &mut Vec<(&'static str, Vec<Record>)>,
) {
}
