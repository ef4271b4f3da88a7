//! The functions of the expression language: those of CEL, and those of our field.

use regex::Regex;

use super::cel::{Machine, Wrong, items, visible};
use crate::value::Value;

mod field;
mod list;
mod text;

pub(super) use list::compare;

/// What an argument must be, as far as that is known before any file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Anything.
    Any,
    /// Text.
    Text,
    /// A number.
    Number,
    /// A list.
    List,
    /// A map.
    Map,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list of texts.
    Texts,
    /// A list of anything.
    List,
    /// What its first argument is.
    First,
    /// The parts of a reference to an image.
    Image,
}

/// What a function gives if one of its arguments is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnNull {
    /// It looks at it itself.
    Called,
    /// Nothing.
    Null,
    /// `false`.
    False,
}

/// How a function is called.
pub(super) type Run = for<'a> fn(&mut Machine<'a>, &[Value<'a>]) -> Result<Value<'a>, Wrong>;

/// A function: `f(a, b)` and `a.f(b)` are the same.
pub(super) struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub wants: &'static [Want],
    /// How many of them must be there.
    pub least: usize,
    /// What it gives.
    pub gives: Gives,
    /// What it gives if one of its arguments is null.
    pub on_null: OnNull,
    /// What it does.
    pub run: Run,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn function(
    name: &'static str,
    wants: &'static [Want],
    least: usize,
    gives: Gives,
    on_null: OnNull,
    run: Run,
) -> Function {
    Function { name, wants, least, gives, on_null, run }
}

/// Every function, sorted by name.
pub(super) static FUNCTIONS: &[Function] = {
    use Gives as G;
    use OnNull::{Called, False, Null};
    use Want::{Any, List, Map, Number, Text};
    &[
        function("base64", &[Text], 1, G::Text, Null, field::base64),
        function("bool", &[Any], 1, G::Bool, Null, bool),
        function("charAt", &[Text, Number], 2, G::Text, Null, text::char_at),
        function("contains", &[Text, Text], 2, G::Bool, False, text::contains),
        function("distinct", &[List], 1, G::First, Null, list::distinct),
        function("double", &[Any], 1, G::Number, Null, double),
        function("duration", &[Any], 1, G::Number, Null, field::duration),
        function("endsWith", &[Text, Text], 2, G::Bool, False, text::ends_with),
        function("entropy", &[Text], 1, G::Number, Null, field::entropy),
        function("flatten", &[List], 1, G::List, Null, list::flatten),
        function("format", &[Text, List], 2, G::Text, Null, text::format),
        function("glob", &[Text, Text], 2, G::Bool, False, field::glob),
        function("image", &[Text], 1, G::Image, Null, field::image),
        function("indexOf", &[Text, Text, Number], 2, G::Number, Null, text::index_of),
        function("int", &[Any], 1, G::Number, Null, int),
        function("join", &[List, Text], 1, G::Text, Null, list::join),
        function("key", &[Any], 1, G::Text, Null, field::key),
        function("keys", &[Map], 1, G::Texts, Null, list::keys),
        function("lastIndexOf", &[Text, Text], 2, G::Number, Null, text::last_index_of),
        function("line", &[Any], 1, G::Number, Called, field::line),
        function("lowerAscii", &[Text], 1, G::Text, Null, text::lower_ascii),
        function("matches", &[Text, Text], 2, G::Bool, False, text::matches),
        function("max", &[Any, Any, Any, Any], 1, G::Any, Called, list::max),
        function("min", &[Any, Any, Any, Any], 1, G::Any, Called, list::min),
        function("quantity", &[Any], 1, G::Number, Null, field::quantity),
        function("replace", &[Text, Text, Text, Number], 3, G::Text, Null, text::replace),
        function("semver", &[Any], 1, G::List, Null, field::semver),
        function("size", &[Any], 1, G::Number, Called, size),
        function("sort", &[List], 1, G::First, Null, list::sort),
        function("split", &[Text, Text, Number], 2, G::Texts, Null, text::split),
        function("startsWith", &[Text, Text], 2, G::Bool, False, text::starts_with),
        function("string", &[Any], 1, G::Text, Null, string),
        function("substring", &[Text, Number, Number], 2, G::Text, Null, text::substring),
        function("text", &[Any], 1, G::Text, Called, field::text),
        function("trim", &[Text], 1, G::Text, Null, text::trim),
        function("type", &[Any], 1, G::Text, Called, kind),
        function("upperAscii", &[Text], 1, G::Text, Null, text::upper_ascii),
        function("values", &[Map], 1, G::List, Null, list::values),
        function("written", &[Any], 1, G::Text, Null, field::written),
    ]
};

/// The function with the given name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let at = FUNCTIONS.binary_search_by(|it| it.name.cmp(name)).ok()?;
    FUNCTIONS.get(at)
}

/// What a value is, by the names of CEL.
pub(super) fn kind_name(value: &Value<'_>) -> &'static str {
    match value.load() {
        Value::Null => "null_type",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "double",
        Value::Str(_) | Value::Text(_) => "string",
        Value::List(_) => "list",
        Value::Map(_) => "map",
        Value::Node(node) if node.is_seq() => "list",
        Value::Node(_) => "map",
    }
}

fn wrong<'a>(function: &str, value: &Value<'a>) -> Wrong {
    Wrong::new(format!("`{function}` of a value of type {}", kind_name(value)))
}

fn texts<'v>(function: &str, arguments: &'v [Value<'_>]) -> Result<(&'v str, &'v str), Wrong> {
    let text = |at: usize| arguments[at].as_str().ok_or_else(|| wrong(function, &arguments[at]));
    Ok((text(0)?, text(1)?))
}

fn one_text<'v>(function: &str, arguments: &'v [Value<'_>]) -> Result<&'v str, Wrong> {
    arguments[0].as_str().ok_or_else(|| wrong(function, &arguments[0]))
}

/// A number that counts something: an index, a limit.
fn count(function: &str, value: &Value<'_>) -> Result<i64, Wrong> {
    match value.load() {
        Value::Int(it) => Ok(it),
        _ => Err(wrong(function, value)),
    }
}

fn size<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>, Wrong> {
    let value = &arguments[0];
    let size = match value.load() {
        Value::Null => 0,
        Value::Str(text) => text.chars().count(),
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(fields) => fields.len(),
        Value::Node(node) if node.flag(crate::document::MERGES) => visible(node).len(),
        Value::Node(node) => node.len(),
        _ => return Err(wrong("size", value)),
    };
    Ok(Value::Int(size as i64))
}

fn kind<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>, Wrong> {
    Ok(Value::Str(kind_name(&arguments[0])))
}

fn int<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>, Wrong> {
    let value = arguments[0].load();
    Ok(match &value {
        Value::Int(_) => value,
        Value::Float(it) if it.abs() < 9.2e18 => Value::Int(*it as i64),
        Value::Float(_) => Value::Null,
        _ => match value.as_str() {
            Some(text) => text.parse().map_or(Value::Null, Value::Int),
            None => return Err(wrong("int", &value)),
        },
    })
}

fn double<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>, Wrong> {
    let value = arguments[0].load();
    Ok(match &value {
        Value::Int(it) => Value::Float(*it as f64),
        Value::Float(_) => value,
        _ => match value.as_str() {
            Some(text) => text.parse().map_or(Value::Null, Value::Float),
            None => return Err(wrong("double", &value)),
        },
    })
}

fn bool<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>, Wrong> {
    let value = arguments[0].load();
    if matches!(value, Value::Bool(_)) {
        return Ok(value);
    }
    match value.as_str() {
        Some("true" | "True" | "TRUE" | "t" | "1") => Ok(Value::Bool(true)),
        Some("false" | "False" | "FALSE" | "f" | "0") => Ok(Value::Bool(false)),
        Some(_) => Ok(Value::Null),
        None => Err(wrong("bool", &value)),
    }
}

fn string<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>, Wrong> {
    let value = arguments[0].load();
    match value {
        Value::Str(_) | Value::Text(_) => Ok(value),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(Value::text(value.display())),
        _ => Err(wrong("string", &value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_by_name() {
        let names: Vec<_> = FUNCTIONS.iter().map(|it| it.name).collect();
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| find(name).is_some()));
    }
}
