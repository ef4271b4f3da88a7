//! Functions of lists and maps.

use std::cmp::Ordering;

use super::{Machine, Value, Wrong, items, kind_name, visible, wrong};

type Gives<'a> = Result<Value<'a>, Wrong>;

/// How two values compare, if they can be compared: numbers, texts, booleans, lists of numbers
/// (where one ends, the other is compared with 0).
pub(in crate::rule) fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Option<Ordering>> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Some(Some(a.cmp(b)));
    }
    Some(match (a.load(), b.load()) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
        (Value::Int(a), Value::Float(b)) => (a as f64).partial_cmp(&b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(b as f64)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(&b),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
        (Value::List(a), Value::List(b)) => {
            let zero = Value::Int(0);
            for at in 0..a.len().max(b.len()) {
                let (a, b) = (a.get(at).unwrap_or(&zero), b.get(at).unwrap_or(&zero));
                if matches!(a, Value::List(_)) || matches!(b, Value::List(_)) {
                    return None;
                }
                match compare(a, b)? {
                    Some(Ordering::Equal) => {}
                    order => return Some(order),
                }
            }
            Some(Ordering::Equal)
        }
        _ => return None,
    })
}

pub(super) fn keys<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let keys: Vec<Value<'a>> = match &arguments[0] {
        Value::Map(fields) => fields.iter().map(|(key, _)| Value::Str(key)).collect(),
        Value::Node(node) if node.is_map() => {
            visible(*node).into_iter().map(|(key, _)| Value::Str(key)).collect()
        }
        other => return Err(wrong("keys", other)),
    };
    machine.burn(keys.len())?;
    Ok(Value::list(keys))
}

pub(super) fn values<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let values: Vec<Value<'a>> = match &arguments[0] {
        Value::Map(fields) => fields.iter().map(|(_, value)| value.clone()).collect(),
        Value::Node(node) if node.is_map() => {
            visible(*node).into_iter().map(|(_, value)| Value::Node(value)).collect()
        }
        other => return Err(wrong("values", other)),
    };
    machine.burn(values.len())?;
    Ok(Value::list(values))
}

pub(super) fn distinct<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let all = items(&arguments[0]).ok_or_else(|| wrong("distinct", &arguments[0]))?;
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in all {
        let mut known = false;
        for other in &kept {
            known = known || machine.equal(other, &item)?;
        }
        if !known {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

pub(super) fn sort<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let all = items(&arguments[0]).ok_or_else(|| wrong("sort", &arguments[0]))?;
    let mut sorted: Vec<Value<'a>> = all.collect();
    machine.burn(sorted.len().saturating_mul(8))?;
    let first = sorted.first().map_or("", kind_name);
    if let Some(odd) =
        sorted.iter().find(|it| compare(it, it).is_none() || class(it) != class_of(first))
    {
        return Err(Wrong::new(format!("`sort` of {first} and {}", kind_name(odd))));
    }
    sorted.sort_by(|a, b| compare(a, b).flatten().unwrap_or(Ordering::Equal));
    Ok(Value::list(sorted))
}

fn class(value: &Value<'_>) -> &'static str {
    class_of(kind_name(value))
}

fn class_of(kind: &'static str) -> &'static str {
    if kind == "int" { "double" } else { kind }
}

pub(super) fn flatten<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let all = items(&arguments[0]).ok_or_else(|| wrong("flatten", &arguments[0]))?;
    let mut flat = Vec::new();
    for item in all {
        match items(&item) {
            Some(inner) if !item.is_null() => {
                for item in inner {
                    machine.burn(1)?;
                    flat.push(item);
                }
            }
            _ => flat.push(item),
        }
    }
    Ok(Value::list(flat))
}

pub(super) fn join<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let all = items(&arguments[0]).ok_or_else(|| wrong("join", &arguments[0]))?;
    let between = arguments.get(1).map_or(Some(""), Value::as_str);
    let between = between.ok_or_else(|| wrong("join", &arguments[1]))?;
    let mut out = String::new();
    for (number, item) in all.enumerate() {
        if number > 0 {
            out.push_str(between);
        }
        let before = out.len();
        match item.as_str() {
            Some(text) => out.push_str(text),
            None => out.push_str(&item.display()),
        }
        machine.burn(1 + (out.len() - before + between.len()) / 10)?;
    }
    machine.made(out)
}

pub(super) fn min<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    best(machine, "min", arguments, Ordering::Less)
}

pub(super) fn max<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    best(machine, "max", arguments, Ordering::Greater)
}

/// The least or the greatest of a list, or of several values; nothing of nothing.
fn best<'a>(
    machine: &mut Machine<'a>,
    name: &str,
    arguments: &[Value<'a>],
    wanted: Ordering,
) -> Gives<'a> {
    let of: Vec<Value<'a>> = match arguments {
        [list] => items(list).ok_or_else(|| wrong(name, list))?.collect(),
        several => several.to_vec(),
    };
    machine.burn(of.len())?;
    let mut best = Value::Null;
    for value in of.into_iter().filter(|it| !it.is_null()) {
        if best.is_null() {
            best = value;
            continue;
        }
        let Some(order) = compare(&value, &best) else { return Err(wrong(name, &value)) };
        if order == Some(wanted) {
            best = value;
        }
    }
    Ok(best)
}
