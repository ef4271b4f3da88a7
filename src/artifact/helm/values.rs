//! Values: from the text of a values file, and how those of charts are laid over each other.

use super::data::{DEEPEST, Heap, Map, Outcome, Text, Value, too_deep};
use crate::document::{Kind, LEADING_ZERO, MERGES, Node, YAML11_BOOL};

/// A written value as templates see it: YAML 1.1, and every number a floating point one.
///
/// # Errors
/// When it is nested too deep or too large.
pub fn import(heap: &mut Heap, node: Node<'_>) -> Outcome<Value> {
    import_below(heap, node, DEEPEST)
}

fn import_below(heap: &mut Heap, node: Node<'_>, depth: usize) -> Outcome<Value> {
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    heap.step(1)?;
    Ok(match node.kind() {
        Kind::Null | Kind::Alias => Value::Nil,
        Kind::Bool => Value::Bool(node.as_bool().unwrap_or_default()),
        Kind::Int if node.flag(LEADING_ZERO) => {
            let digits = node.written().trim_start_matches(['+', '-']);
            match i64::from_str_radix(digits, 8) {
                Ok(number) => Value::Float(number as f64),
                Err(_) => Value::Float(node.as_float().unwrap_or_default()),
            }
        }
        Kind::Int | Kind::Float => Value::Float(node.as_float().unwrap_or_default()),
        Kind::Str if node.flag(YAML11_BOOL) => {
            let word = node.text().to_ascii_lowercase();
            Value::Bool(matches!(word.as_str(), "y" | "yes" | "on" | "true"))
        }
        Kind::Str => heap.new_text(node.text())?,
        Kind::Seq => {
            let items: Outcome<_> =
                node.children().map(|it| import_below(heap, it, below)).collect();
            heap.new_list(items?)?
        }
        Kind::Map => {
            let map = import_entries(heap, node, below)?;
            heap.new_map(map)?
        }
    })
}

/// The entries of a map; those that it merges in do not replace its own.
fn import_entries(heap: &mut Heap, node: Node<'_>, depth: usize) -> Outcome<Map> {
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    let merges = node.flag(MERGES);
    let mut entries = Vec::with_capacity(node.len());
    for (key, value) in node.entries().filter(|(key, _)| !merges || *key != "<<") {
        let value = import_below(heap, value, below)?;
        entries.push((heap.keys.get(key), value));
    }
    if let Some(merged) = node.get("<<").filter(|_| merges) {
        let sources: Vec<_> =
            if merged.is_map() { vec![merged] } else { merged.children().collect() };
        // The last one of several entries counts: what merges comes before what it does not replace.
        let mut all = Vec::new();
        for source in sources {
            all.push(import_entries(heap, source, below)?.to_vec());
        }
        all.reverse();
        all.push(entries);
        return Ok(all.into_iter().flatten().collect());
    }
    Ok(entries.into_iter().collect())
}

/// Lays the values of a chart under those that were given: what was given wins, maps are laid
/// together, and a given null takes a default away, except inside the values of the children, whose
/// own turn comes later.
///
/// # Errors
/// When they are nested too deep or too large.
pub fn lay_under(heap: &mut Heap, given: u32, defaults: u32, children: &[&str]) -> Outcome<()> {
    lay_below(heap, given, defaults, Nulls::TakeAway { except: children }, DEEPEST)
}

/// The same, where a null stays: while a parent's values are laid over those of its children.
///
/// # Errors
/// When they are nested too deep or too large.
pub fn lay_under_keeping_null(heap: &mut Heap, given: u32, defaults: u32) -> Outcome<()> {
    lay_below(heap, given, defaults, Nulls::Stay, DEEPEST)
}

/// What a given null does to a default.
#[derive(Clone, Copy)]
enum Nulls<'k> {
    Stay,
    TakeAway { except: &'k [&'k str] },
}

fn lay_below(
    heap: &mut Heap,
    given: u32,
    defaults: u32,
    nulls: Nulls<'_>,
    depth: usize,
) -> Outcome<()> {
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    heap.step(heap.entries(defaults).len() + 1)?;
    for (key, value) in heap.entries(defaults).clone().iter() {
        match (heap.entries(given).get(key).cloned(), value) {
            (None, _) => {
                let copy = heap.deep_copy(value)?;
                heap.insert(given, key.clone(), copy)?;
            }
            (Some(Value::Nil), _) if matches!(nulls, Nulls::TakeAway { .. }) => {
                heap.remove(given, key)?;
            }
            (Some(Value::Map(inner)), Value::Map(value)) => {
                let inside = match nulls {
                    Nulls::TakeAway { except } if !except.contains(&&**key) => {
                        Nulls::TakeAway { except: &[] }
                    }
                    _ => Nulls::Stay,
                };
                lay_below(heap, inner, *value, inside, below)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Hands the `global` values of a parent to a child: what the parent says wins.
///
/// # Errors
/// When they are nested too deep or too large.
pub fn hand_down_globals(heap: &mut Heap, child: u32, parent: u32) -> Outcome<()> {
    let Some(Value::Map(parent)) = heap.entries(parent).get("global").cloned() else {
        let empty = heap.new_map(Map::new())?;
        if !heap.entries(child).contains_key("global") {
            heap.insert(child, "global".into(), empty)?;
        }
        return Ok(());
    };
    let copy = heap.deep_copy(&Value::Map(parent))?;
    if let (Value::Map(copy), Some(Value::Map(own))) =
        (&copy, heap.entries(child).get("global").cloned())
    {
        lay_under_keeping_null(heap, *copy, own)?;
    }
    heap.insert(child, "global".into(), copy)
}

/// The map under `key`, made if there is none.
///
/// # Errors
/// When no steps are left.
pub fn map_under(heap: &mut Heap, map: u32, key: &str) -> Outcome<u32> {
    if let Some(Value::Map(inner)) = heap.entries(map).get(key) {
        return Ok(*inner);
    }
    let new = heap.new_map(Map::new())?;
    heap.insert(map, Text::from(key), new.clone())?;
    match new {
        Value::Map(inner) => Ok(inner),
        _ => Ok(map),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse, source::Source};

    fn read(heap: &mut Heap, text: &str) -> (Value, u32) {
        let (tree, problems) = parse::yaml::parse(Source::new("values.yaml", text));
        assert!(problems.is_empty());
        let root = tree.documents().next().unwrap();
        let value = import(heap, root).unwrap();
        let Value::Map(map) = value else { panic!("a map") };
        (value, map)
    }

    fn shown(heap: &mut Heap, value: &Value) -> String {
        heap.display(value).unwrap().to_string()
    }

    #[test]
    fn values_are_read_as_yaml_of_the_first_edition() {
        let mut heap = Heap::default();
        let text = "a: yes\nb: 0644\nc: &x {d: 1000000}\ne:\n  <<: *x\n  f: ~\ng: '1'\n";
        let (value, _) = read(&mut heap, text);
        let shown = shown(&mut heap, &value);
        assert_eq!(shown, "map[a:true b:420 c:map[d:1e+06] e:map[d:1e+06 f:<nil>] g:1]");
    }

    #[test]
    fn given_values_win_and_null_takes_away() {
        let mut heap = Heap::default();
        let (given, map) = read(&mut heap, "a: {x: 1}\nb: null\nc: 2\n");
        let (_, defaults) = read(&mut heap, "a: {x: 0, y: 0}\nb: 1\nc: {z: 1}\nd: 4\n");
        lay_under(&mut heap, map, defaults, &[]).unwrap();
        assert_eq!(shown(&mut heap, &given), "map[a:map[x:1 y:0] c:2 d:4]");
    }

    #[test]
    fn globals_of_the_parent_win() {
        let mut heap = Heap::default();
        let (_, parent) = read(&mut heap, "global: {a: 1}\n");
        let (child, map) = read(&mut heap, "global: {a: 0, b: 0}\n");
        hand_down_globals(&mut heap, map, parent).unwrap();
        assert_eq!(shown(&mut heap, &child), "map[global:map[a:1 b:0]]");
    }
}
