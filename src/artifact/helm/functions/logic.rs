//! Truth and comparison: what Go's templates bring, and sprig's defaults.

use std::cmp::Ordering;

use super::{ANY, Entry, Failure, Heap, Outcome, Value, as_int, as_text};

pub(super) const TABLE: &[Entry] = &[
    ("not", 1, 1, |heap, it| Ok(Value::Bool(!heap.is_true(&it[0])))),
    ("eq", 2, ANY, eq),
    ("ne", 2, 2, |_, it| Ok(Value::Bool(!equal(&it[0], &it[1])?))),
    ("lt", 2, 2, |_, it| Ok(Value::Bool(order(it)?.is_lt()))),
    ("le", 2, 2, |_, it| Ok(Value::Bool(order(it)?.is_le()))),
    ("gt", 2, 2, |_, it| Ok(Value::Bool(order(it)?.is_gt()))),
    ("ge", 2, 2, |_, it| Ok(Value::Bool(order(it)?.is_ge()))),
    ("len", 1, 1, len),
    ("index", 1, ANY, index),
    ("default", 1, 2, default),
    ("empty", 1, 1, |heap, it| Ok(Value::Bool(!heap.is_true(&it[0])))),
    ("coalesce", 0, ANY, coalesce),
    ("ternary", 3, 3, ternary),
    ("any", 0, ANY, |heap, it| Ok(Value::Bool(it.iter().any(|it| heap.is_true(it))))),
    ("all", 0, ANY, |heap, it| Ok(Value::Bool(it.iter().all(|it| heap.is_true(it))))),
    ("deepEqual", 2, 2, |heap, it| Ok(Value::Bool(heap.same(&it[0], &it[1])?))),
    ("kindOf", 1, 1, |_, it| Ok(Value::text(it[0].kind()))),
    ("kindIs", 2, 2, |_, it| Ok(Value::Bool(is_kind(&as_text(&it[0])?, &it[1])))),
    ("typeOf", 1, 1, |_, it| Ok(Value::text(type_of(&it[0])))),
    ("typeIs", 2, 2, |_, it| Ok(Value::Bool(is_type(&as_text(&it[0])?, &it[1])))),
    ("typeIsLike", 2, 2, |_, it| {
        let name = as_text(&it[0])?;
        Ok(Value::Bool(is_type(name.trim_start_matches('*'), &it[1])))
    }),
    ("required", 2, 2, required),
    ("fail", 1, 1, |_, it| {
        Err(Failure::template(format!("the chart says `{}`", as_text(&it[0])?)))
    }),
];

fn eq(_: &mut Heap, it: &[Value]) -> Outcome<Value> {
    for other in &it[1..] {
        if equal(&it[0], other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(left: &Value, right: &Value) -> Outcome<bool> {
    Ok(match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Nil, _) | (_, Value::Nil) => false,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        _ => return Err(incomparable(left, right)),
    })
}

fn order(it: &[Value]) -> Outcome<Ordering> {
    match (&it[0], &it[1]) {
        (Value::Int(left), Value::Int(right)) => Ok(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Ok(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => {
            Ok(left.partial_cmp(right).unwrap_or(Ordering::Equal))
        }
        (left, right) => Err(incomparable(left, right)),
    }
}

fn incomparable(left: &Value, right: &Value) -> Failure {
    Failure::template(format!("a {} cannot be compared with a {}", left.kind(), right.kind()))
}

fn len(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let length = match &it[0] {
        Value::Text(text) => text.len(),
        Value::List(list) => heap.items(*list).len(),
        Value::Map(map) => heap.entries(*map).len(),
        other => return Err(Failure::template(format!("a {} has no length", other.kind()))),
    };
    Ok(Value::Int(length as i64))
}

fn index(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut value = it[0].clone();
    for key in &it[1..] {
        value = match &value {
            Value::Map(map) => {
                heap.entries(*map).get(&as_text(key)?).cloned().unwrap_or(Value::Nil)
            }
            Value::List(list) => {
                let at = usize::try_from(as_int(key)?).ok();
                let item = at.and_then(|at| heap.items(*list).get(at).cloned());
                item.ok_or_else(|| Failure::template("the list has no such item"))?
            }
            Value::Text(text) => {
                let at = usize::try_from(as_int(key)?).ok();
                let byte = at.and_then(|at| text.as_bytes().get(at));
                let byte = byte.ok_or_else(|| Failure::template("the text is shorter"))?;
                Value::Int(i64::from(*byte))
            }
            other => {
                let reason = format!("a {} has no items", other.kind());
                return Err(Failure::template(reason));
            }
        };
    }
    Ok(value)
}

fn default(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let given = it.get(1).filter(|it| heap.is_true(it));
    Ok(given.unwrap_or(&it[0]).clone())
}

fn coalesce(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    Ok(it.iter().find(|it| heap.is_true(it)).cloned().unwrap_or(Value::Nil))
}

fn ternary(_: &mut Heap, it: &[Value]) -> Outcome<Value> {
    match it[2] {
        Value::Bool(yes) => Ok(it[usize::from(!yes)].clone()),
        _ => Err(Failure::template("the condition is neither true nor false")),
    }
}

fn required(_: &mut Heap, it: &[Value]) -> Outcome<Value> {
    match &it[1] {
        Value::Nil => Err(needs(&as_text(&it[0])?)),
        Value::Text(text) if text.is_empty() => Err(needs(&as_text(&it[0])?)),
        given => Ok(given.clone()),
    }
}

fn needs(message: &str) -> Failure {
    Failure::template(format!("a value must be given: `{message}`"))
}

/// Numbers of any width count as each other: charts ask for `int64` and `float64` alike.
fn is_kind(name: &str, value: &Value) -> bool {
    value.kind() == name || name == "int64" && matches!(value, Value::Int(_))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Files(_) => "engine.files",
        Value::Versions => "chartutil.VersionSet",
        other => other.kind(),
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match value {
        Value::Map(_) => matches!(name, "map[string]interface {}" | "chartutil.Values"),
        Value::List(_) => matches!(name, "[]interface {}" | "[]string"),
        Value::Int(_) => matches!(name, "int" | "int64"),
        other => type_of(other) == name,
    }
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn values_compare_as_in_go() {
        all_print(&[
            ("eq 1 2 1", "true"),
            ("eq \"a\" \"b\"", "false"),
            ("eq nil .x", "true"),
            ("ne \"a\" .x", "true"),
            ("and (lt 1 2) (ge \"b\" \"a\")", "true"),
            ("or .x \"\" \"last\"", "last"),
            ("not .x", "true"),
        ]);
        assert!(evaluate("eq 1 1.0").is_err());
        assert!(evaluate("eq \"1\" 1").is_err());
    }

    #[test]
    fn defaults_stand_in_for_what_is_empty() {
        all_print(&[
            ("default \"d\" .x", "d"),
            ("default \"d\" 0", "d"),
            ("default \"d\" \"x\"", "x"),
            ("coalesce .x \"\" \"c\"", "c"),
            ("ternary 1 2 true", "1"),
            ("true | ternary \"a\" \"b\"", "a"),
            ("empty list", "true"),
        ]);
        assert!(evaluate("ternary 1 2 \"yes\"").is_err());
    }

    #[test]
    fn kinds_and_items_are_those_of_go() {
        all_print(&[
            ("kindOf (dict)", "map"),
            ("kindIs \"slice\" (list 1)", "true"),
            ("typeOf 1.5", "float64"),
            ("typeIs \"string\" \"a\"", "true"),
            ("index (dict \"a\" (list 1 2)) \"a\" 1", "2"),
            ("index (dict) \"a\"", ""),
            ("len \"abc\"", "3"),
        ]);
        assert!(evaluate("index (list 1) 5").is_err());
    }

    #[test]
    fn what_a_chart_requires_is_named() {
        let failed = evaluate("required \"give a host\" .host").unwrap_err();
        assert_eq!(failed.reason, "a value must be given: `give a host`");
        let failed = evaluate("fail \"no\"").unwrap_err();
        assert_eq!(failed.reason, "the chart says `no`");
    }
}
