//! Which options the functions take: Spectral refuses a ruleset that gives others, and a rule with
//! a mistyped option would judge something else than its author meant.

use serde_json::Value;

/// What an option holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Number,
    Switch,
    Scalars,
    Texts,
    Schema,
    Separator,
    OneOf(&'static [&'static str]),
}

const DIALECTS: &[&str] = &["auto", "draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"];

/// The options of a function.
fn known(function: &str) -> Option<&'static [(&'static str, Holds)]> {
    Some(match function {
        "truthy" | "falsy" | "defined" | "undefined" => &[],
        "pattern" => &[("match", Holds::Text), ("notMatch", Holds::Text)],
        "casing" => &[
            ("type", Holds::Text),
            ("disallowDigits", Holds::Switch),
            ("separator", Holds::Separator),
        ],
        "length" => &[("min", Holds::Number), ("max", Holds::Number)],
        "enumeration" => &[("values", Holds::Scalars)],
        "schema" => &[
            ("schema", Holds::Schema),
            ("dialect", Holds::OneOf(DIALECTS)),
            ("allErrors", Holds::Switch),
        ],
        "alphabetical" => &[("keyedBy", Holds::Text)],
        "xor" | "or" => &[("properties", Holds::Texts)],
        "unreferencedReusableObject" => &[("reusableObjectsLocation", Holds::Text)],
        _ => return None,
    })
}

/// Whether the options are what the function takes.
///
/// # Errors
/// What is wrong with them.
pub fn check(function: &str, options: &Value) -> Result<(), String> {
    let Some(known) = known(function) else { return Ok(()) };
    let given = match options {
        Value::Null => return Ok(()),
        Value::Object(given) => given,
        _ => return Err(format!("the options of `{function}` are a map")),
    };
    for (name, value) in given {
        let Some((_, holds)) = known.iter().find(|it| it.0 == name) else {
            return Err(format!("`{function}` has no option `{name}`"));
        };
        if !fits(*holds, value) {
            return Err(format!("`{name}` of `{function}` cannot be {value}"));
        }
    }
    let needs_one = matches!(function, "length" | "pattern") && given.is_empty();
    if needs_one { Err(format!("`{function}` needs an option")) } else { Ok(()) }
}

fn fits(holds: Holds, value: &Value) -> bool {
    let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|it| it.iter().all(fits));
    match holds {
        Holds::Text => value.is_string(),
        Holds::Number => value.is_number(),
        Holds::Switch => value.is_boolean(),
        Holds::Scalars => all(|it| !it.is_array() && !it.is_object()),
        Holds::Texts => all(Value::is_string),
        Holds::Schema => value.is_object() || value.is_boolean(),
        Holds::OneOf(names) => value.as_str().is_some_and(|it| names.contains(&it)),
        Holds::Separator => value.as_object().is_some_and(|it| {
            let char = it.get("char").and_then(Value::as_str);
            char.is_some_and(|it| it.chars().count() <= 1)
                && it.get("allowLeading").is_none_or(Value::is_boolean)
                && it.keys().all(|it| matches!(it.as_str(), "char" | "allowLeading"))
        }),
    }
}

/// Whether a text is a pointer into the document: `#`, `#/a/b`.
pub fn is_pointer(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_that_are_not_known_are_refused() {
        for (function, options) in [
            ("truthy", json!({"a": 1})),
            ("casing", json!({"type": "camel", "separator": {"char": "ab"}})),
            ("casing", json!({"type": "camel", "separator": {}})),
            ("length", json!({})),
            ("length", json!({"max": "2"})),
            ("enumeration", json!({"values": [{}]})),
            ("xor", json!({"properties": "a"})),
            ("schema", json!({"schema": {}, "dialect": "draft3"})),
        ] {
            assert!(check(function, &options).is_err(), "{function} {options}");
        }
        assert_eq!(check("length", &json!({"min": 1})), Ok(()));
        assert_eq!(check("theirOwn", &json!({"x": 1})), Ok(()));
    }
}
