//! How the values of charts are laid over each other.

use super::data::{DEEPEST, Heap, Map, Outcome, Text, Value, too_deep};

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
    let entries = heap.entries(defaults);
    heap.step(entries.len() + 1)?;
    for (key, value) in entries.iter() {
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
    use std::rc::Rc;

    use super::*;
    use crate::{artifact::helm::written, parse, source::Source};

    fn read(heap: &mut Heap, text: &str) -> (Value, u32) {
        let (tree, problems) = parse::yaml::parse(Source::new("values.yaml", text));
        assert!(problems.is_empty());
        let tree = Rc::new(tree);
        let value = written::import(heap, &tree, tree.documents().next().unwrap()).unwrap();
        let Value::Map(map) = value else { panic!("a map") };
        (value, map)
    }

    fn shown(heap: &mut Heap, value: &Value) -> String {
        heap.display(value).unwrap().to_string()
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
