//! Maps, which are shared and change in place.

use super::{ANY, Entry, Failure, Heap, Map, Outcome, Text, Value, as_map, as_text};
use crate::artifact::helm::data::{DEEPEST, too_deep};

pub(super) const TABLE: &[Entry] = &[
    ("dict", 0, ANY, dict),
    ("get", 2, 2, |heap, it| {
        let map = as_map(&it[0])?;
        Ok(heap.entries(map).get(&as_text(&it[1])?).cloned().unwrap_or(Value::text("")))
    }),
    ("set", 3, 3, set),
    ("unset", 2, 2, |heap, it| {
        heap.remove(as_map(&it[0])?, &as_text(&it[1])?)?;
        Ok(it[0].clone())
    }),
    ("hasKey", 2, 2, |heap, it| {
        let map = as_map(&it[0])?;
        Ok(Value::Bool(heap.entries(map).contains_key(&as_text(&it[1])?)))
    }),
    ("keys", 0, ANY, keys),
    ("values", 1, 1, |heap, it| {
        let values = heap.entries(as_map(&it[0])?).iter().map(|it| it.1.clone()).collect();
        heap.new_list(values)
    }),
    ("pluck", 1, ANY, pluck),
    ("pick", 1, ANY, |heap, it| chosen(heap, it, true)),
    ("omit", 1, ANY, |heap, it| chosen(heap, it, false)),
    ("merge", 1, ANY, |heap, it| merge(heap, it, false)),
    ("mustMerge", 1, ANY, |heap, it| merge(heap, it, false)),
    ("mergeOverwrite", 1, ANY, |heap, it| merge(heap, it, true)),
    ("mustMergeOverwrite", 1, ANY, |heap, it| merge(heap, it, true)),
    ("deepCopy", 1, 1, |heap, it| heap.deep_copy(&it[0])),
    ("mustDeepCopy", 1, 1, |heap, it| heap.deep_copy(&it[0])),
    ("dig", 3, ANY, dig),
    // What a cluster would answer is not known: nothing is there yet.
    ("lookup", 4, 4, |heap, _| heap.new_map(Map::new())),
];

fn dict(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut entries = Vec::with_capacity(it.len().div_ceil(2));
    for pair in it.chunks(2) {
        let key = heap.display(&pair[0])?;
        entries.push((key, pair.get(1).cloned().unwrap_or(Value::text(""))));
    }
    heap.new_map(entries.into_iter().collect())
}

fn set(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (map, key) = (as_map(&it[0])?, as_text(&it[1])?);
    heap.step(1)?;
    heap.insert(map, key, it[2].clone())?;
    Ok(it[0].clone())
}

fn keys(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut keys = Vec::new();
    for map in it {
        keys.extend(heap.entries(as_map(map)?).iter().map(|it| Value::Text(it.0.clone())));
    }
    heap.new_list(keys)
}

fn pluck(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let key = as_text(&it[0])?;
    let mut found = Vec::new();
    for map in &it[1..] {
        found.extend(heap.entries(as_map(map)?).get(&key).cloned());
    }
    heap.new_list(found)
}

/// The entries whose keys are named, or those whose are not.
fn chosen(heap: &mut Heap, it: &[Value], named: bool) -> Outcome<Value> {
    let keys: Outcome<Vec<Text>> = it[1..].iter().map(as_text).collect();
    let (map, keys) = (as_map(&it[0])?, keys?);
    let mut entries = heap.entries(map);
    heap.step(entries.len())?;
    entries.retain(|key| keys.contains(key) == named);
    heap.new_map(entries)
}

fn merge(heap: &mut Heap, it: &[Value], overwrite: bool) -> Outcome<Value> {
    let target = as_map(&it[0])?;
    for source in it[1..].iter().filter(|it| !matches!(it, Value::Nil)) {
        merge_into(heap, target, as_map(source)?, overwrite, DEEPEST)?;
    }
    Ok(it[0].clone())
}

/// Adds what `source` has to `target`: what is missing or empty there, or all of it.
fn merge_into(
    heap: &mut Heap,
    target: u32,
    source: u32,
    overwrite: bool,
    depth: usize,
) -> Outcome<()> {
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    if target == source {
        return Ok(());
    }
    let entries = heap.entries(source);
    heap.step(entries.len() + 1)?;
    for (key, value) in entries.iter() {
        let known = heap.entries(target).get(key).cloned();
        match (&known, value) {
            (Some(Value::Map(inner)), Value::Map(value)) => {
                merge_into(heap, *inner, *value, overwrite, below)?;
            }
            (None, Value::Nil) if !overwrite => {}
            _ if overwrite || known.as_ref().is_none_or(|it| !heap.is_true(it)) => {
                heap.insert(target, key.clone(), value.clone())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The value at the end of a path of keys, or the default before the map.
fn dig(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let [keys @ .., default, map] = it else {
        return Err(Failure::template("keys, a default and a map are expected"));
    };
    let mut value = Value::Map(as_map(map)?);
    for key in keys {
        let inner = heap.get(&value, &as_text(key)?);
        match inner {
            Some(inner) => value = inner,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::all_print;

    #[test]
    fn maps_change_in_place() {
        all_print(&[
            ("$m := dict \"a\" 1 }}{{ $_ := set $m \"b\" 2 }}{{ $m", "map[a:1 b:2]"),
            ("$m := dict \"a\" 1 \"b\" 2 }}{{ $_ := unset $m \"b\" }}{{ $m", "map[a:1]"),
            ("$m := dict \"a\" (dict) }}{{ $_ := set $m.a \"b\" 2 }}{{ $m", "map[a:map[b:2]]"),
            ("$m := dict }}{{ $c := deepCopy $m }}{{ $_ := set $c \"b\" 2 }}{{ $m", "map[]"),
        ]);
    }

    #[test]
    fn maps_merge_deeply() {
        all_print(&[
            (
                "merge (dict \"a\" 1 \"n\" (dict \"x\" 1)) (dict \"a\" 2 \"n\" (dict \"y\" 2))",
                "map[a:1 n:map[x:1 y:2]]",
            ),
            ("mergeOverwrite (dict \"a\" 1) (dict \"a\" 2)", "map[a:2]"),
            ("merge (dict \"a\" \"\") (dict \"a\" 2)", "map[a:2]"),
        ]);
    }

    #[test]
    fn maps_are_asked() {
        all_print(&[
            ("hasKey (dict \"a\" nil) \"a\"", "true"),
            ("get (dict) \"a\" | quote", "\"\""),
            ("keys (dict \"b\" 1 \"a\" 2)", "[a b]"),
            ("values (dict \"b\" 1 \"a\" 2)", "[2 1]"),
            ("pick (dict \"b\" 1 \"a\" 2) \"a\"", "map[a:2]"),
            ("omit (dict \"b\" 1 \"a\" 2) \"a\"", "map[b:1]"),
            ("dig \"a\" \"b\" \"d\" (dict \"a\" (dict \"b\" 1))", "1"),
            ("dig \"a\" \"c\" \"d\" (dict \"a\" (dict \"b\" 1))", "d"),
            ("pluck \"a\" (dict \"a\" 1) (dict \"b\" 1)", "[1]"),
            ("lookup \"v1\" \"Secret\" \"ns\" \"name\"", "map[]"),
        ]);
    }
}
