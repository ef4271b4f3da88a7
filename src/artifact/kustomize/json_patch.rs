//! JSON patches (RFC 6902).

use super::model::{Data, Entry, Node};

/// How many values operations may copy within one object.
const COPIES: usize = 100_000;

/// How many parts a pointer may have.
const DEEPEST: usize = 60;

/// Applies the operations to an object.
///
/// # Errors
/// What the first operation that cannot be applied wants.
pub(super) fn apply(object: &mut Node, operations: &Node) -> Result<(), String> {
    let one = std::slice::from_ref(operations);
    let all = if operations.entries().is_empty() { operations.items() } else { one };
    let mut copies = COPIES;
    all.iter().try_for_each(|it| operation(object, it, &mut copies))
}

fn operation(object: &mut Node, it: &Node, copies: &mut usize) -> Result<(), String> {
    let (op, path) = (it.scalar_at(&["op"]), it.scalar_at(&["path"]));
    let from = it.scalar_at(&["from"]);
    if path.matches('/').count() > DEEPEST {
        return Err(format!("a pointer has more than {DEEPEST} parts"));
    }
    let missing = || format!("`{op}` finds nothing at `{path}`");
    let value = || it.get("value").cloned().unwrap_or_else(|| Node::new(it.at, Data::Null));
    match op {
        "add" => add(object, path, value()).ok_or_else(missing),
        "remove" => take(object, path).map(drop).ok_or_else(missing),
        // The library that Kustomize uses sets what is missing in a map.
        "replace" => match find(object, path) {
            Some(found) => {
                *found = value();
                Ok(())
            }
            None => match parent(object, path).filter(|it| it.0.items().is_empty()) {
                Some(_) => add(object, path, value()).ok_or_else(missing),
                None => Err(missing()),
            },
        },
        "move" => {
            let value = take(object, from).ok_or_else(missing)?;
            add(object, path, value).ok_or_else(missing)
        }
        "copy" => {
            let found = find(object, from).ok_or_else(missing)?;
            *copies = copies.checked_sub(found.size()).ok_or("too much is copied")?;
            let value = found.clone();
            add(object, path, value).ok_or_else(missing)
        }
        "test" => {
            let found = find(object, path).ok_or_else(missing)?;
            let holds = found.same(&value());
            if holds { Ok(()) } else { Err(format!("the test of `{path}` does not hold")) }
        }
        _ => Err(format!("`{op}` is no operation of a JSON patch")),
    }
}

/// The parts of a pointer, unescaped.
fn parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|it| it.replace("~1", "/").replace("~0", "~")).collect()
}

fn find<'n>(object: &'n mut Node, path: &str) -> Option<&'n mut Node> {
    parts(path).iter().try_fold(object, |node, part| {
        if node.entries().is_empty() {
            let Data::List(items) = &mut node.data else { return None };
            return items.get_mut(part.parse::<usize>().ok()?);
        }
        node.get_mut(part)
    })
}

/// The container that a pointer leads into, and its last part.
fn parent<'n>(object: &'n mut Node, path: &str) -> Option<(&'n mut Node, String)> {
    let (before, _) = path.rsplit_once('/')?;
    Some((find(object, before)?, parts(path).pop()?))
}

fn add(object: &mut Node, path: &str, value: Node) -> Option<()> {
    if path.is_empty() {
        *object = value;
        return Some(());
    }
    let (parent, last) = parent(object, path)?;
    match &mut parent.data {
        Data::List(items) if last == "-" => items.push(value),
        Data::List(items) => {
            let at = last.parse::<usize>().ok().filter(|at| *at <= items.len())?;
            items.insert(at, value);
        }
        Data::Map(entries) => match entries.iter_mut().find(|it| *it.key == *last) {
            Some(entry) => entry.value = value,
            None => entries.push(Entry { key: last.into(), at: value.at, value }),
        },
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Node, path: &str) -> Option<Node> {
    let (parent, last) = parent(object, path)?;
    match &mut parent.data {
        Data::List(items) => {
            let at = last.parse::<usize>().ok().filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        Data::Map(entries) => {
            let at = entries.iter().position(|it| *it.key == *last)?;
            Some(entries.remove(at).value)
        }
        _ => None,
    }
}
