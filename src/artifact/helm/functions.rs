//! The functions of templates: those of Go's `text/template`, of sprig and of Helm.
//!
//! Those that depend on the moment, on chance or on the network give the same every time.

use std::{collections::HashMap, sync::LazyLock};

use super::data::{Failure, Heap, Map, Outcome, Text, Value};
use crate::document::Trouble;

mod chance;
mod convert;
mod list;
mod logic;
mod map;
mod math;
mod path;
mod pattern;
mod text;
mod version;

/// A function: what it is called, how many arguments it takes at least and at most, what it does.
type Entry = (&'static str, usize, usize, Function);
type Function = fn(&mut Heap, &[Value]) -> Outcome<Value>;

/// As many arguments as one likes.
const ANY: usize = usize::MAX;

static FUNCTIONS: LazyLock<HashMap<&str, &Entry>> = LazyLock::new(|| {
    let tables = [
        logic::TABLE,
        text::TABLE,
        convert::TABLE,
        list::TABLE,
        map::TABLE,
        math::TABLE,
        path::TABLE,
        pattern::TABLE,
        version::TABLE,
        chance::TABLE,
    ];
    tables.into_iter().flatten().map(|entry| (entry.0, entry)).collect()
});

/// Calls a function by its name.
///
/// # Errors
/// When there is no such function, or it fails as it would for Helm, or it meets a bound.
pub fn call(heap: &mut Heap, name: &str, arguments: &[Value]) -> Outcome<Value> {
    let Some((_, least, most, function)) = FUNCTIONS.get(name) else {
        let reason = format!("the function `{name}` is not known");
        return Err(Failure { kind: Trouble::Unsupported, reason });
    };
    if !(*least..=*most).contains(&arguments.len()) {
        let count = arguments.len();
        return Err(Failure::template(format!("`{name}` does not take {count} arguments")));
    }
    function(heap, arguments).map_err(|mut failure| {
        if failure.kind == Trouble::Template && !failure.reason.contains('`') {
            failure.reason = format!("`{name}`: {}", failure.reason);
        }
        failure
    })
}

/// The value as text, if it is text.
///
/// # Errors
/// When it is not.
pub fn as_text(value: &Value) -> Outcome<Text> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Nil => Err(Failure::template("a text is expected, and no value is there")),
        other => Err(Failure::template(format!("a text is expected, not a {}", other.kind()))),
    }
}

/// The value as a whole number, if it is one.
fn as_int(value: &Value) -> Outcome<i64> {
    match value {
        Value::Int(number) => Ok(*number),
        other => {
            Err(Failure::template(format!("a whole number is expected, not a {}", other.kind())))
        }
    }
}

/// The place of a map.
fn as_map(value: &Value) -> Outcome<u32> {
    match value {
        Value::Map(map) => Ok(*map),
        other => Err(Failure::template(format!("a map is expected, not a {}", other.kind()))),
    }
}

/// The items of a list.
fn as_list(heap: &mut Heap, value: &Value) -> Outcome<Vec<Value>> {
    match value {
        Value::List(list) => {
            let items = heap.items(*list);
            heap.step(items.len())?;
            Ok(items.to_vec())
        }
        other => Err(Failure::template(format!("a list is expected, not a {}", other.kind()))),
    }
}

/// Texts as a value.
fn texts<T: AsRef<str>>(heap: &mut Heap, texts: impl IntoIterator<Item = T>) -> Outcome<Value> {
    let mut items = Vec::new();
    for text in texts {
        items.push(heap.new_text(text)?);
    }
    heap.new_list(items)
}

/// Texts as the map that `split` gives: `_0`, `_1`, …
fn numbered<T: AsRef<str>>(heap: &mut Heap, texts: impl IntoIterator<Item = T>) -> Outcome<Value> {
    let mut parts = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        parts.push((format!("_{index}").into(), heap.new_text(text)?));
    }
    heap.new_map(parts.into_iter().collect())
}

/// Evaluates `{{ expression }}` with `dot`, as tests of functions want it.
#[cfg(test)]
pub fn evaluate(expression: &str) -> Result<String, Failure> {
    use super::{engine::Engine, methods::Files, template};
    let mut defines = template::Defines::new();
    let text = format!("{{{{ {expression} }}}}");
    let file = template::read("t", &text, 0, &mut defines).map_err(|it| it.failure)?;
    let (files, read) = ([file], |_: &str| None);
    let mut engine = Engine::new(&files, &defines, Files::new(&read));
    let dot = engine.heap.new_map(Map::new())?;
    engine.render(0, &dot).map(|it| it.text).map_err(|(_, failure)| failure)
}

/// Checks that each expression prints what stands beside it.
#[cfg(test)]
pub fn all_print(cases: &[(&str, &str)]) {
    for (expression, printed) in cases {
        assert_eq!(evaluate(expression).as_deref(), Ok(*printed), "{expression}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_say_what_is_wrong_with_their_arguments() {
        for (expression, reason) in [
            ("nope 1", "the function `nope` is not known"),
            ("trunc 1", "`trunc` does not take 1 arguments"),
            ("upper .x", "`upper`: a text is expected, and no value is there"),
            ("trunc 1.5 \"x\"", "`trunc`: a whole number is expected, not a float64"),
            ("hasKey .x \"a\"", "`hasKey`: a map is expected, not a invalid"),
        ] {
            assert_eq!(evaluate(expression).unwrap_err().reason, reason, "{expression}");
        }
    }

    #[test]
    fn hostile_expressions_meet_a_bound() {
        for expression in [
            "repeat 2000000000 \"x\"",
            "until 2000000000",
            "untilStep 0 2000000000 1",
            "seq 0 1 2000000000",
            "indent 2000000000 \"x\"",
            "printf \"%2000000000d\" 1",
            "randAlphaNum 2000000000",
            "range $i := until 100000}}{{range until 100000}}x{{end}}{{end",
            "define \"x\"}}{{include \"x\" .}}{{end}}{{include \"x\" .",
            "define \"x\"}}{{template \"x\" .}}{{end}}{{template \"x\" .}}{{1",
            "$s := \"aaaaaaaa\"}}{{range until 60}}{{$s = print $s $s}}{{end",
            "tpl (.self | default \"{{tpl $ $}}\") \"{{tpl . .}}\" | tpl \"{{tpl . .}}\"",
        ] {
            let failed = evaluate(expression).unwrap_err();
            assert!(matches!(failed.kind, Trouble::Limit | Trouble::Template), "{expression}");
        }
    }
}
