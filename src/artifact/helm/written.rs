//! Values that were written: paid for when they are read, taken apart when somebody looks into them.

use std::rc::Rc;

use super::data::{DEEPEST, Heap, Map, Outcome, Value, too_deep};
use crate::document::{Kind, LEADING_ZERO, MERGES, Node, Tree, YAML11_BOOL};

/// A written value as templates see it.
///
/// # Errors
/// When it is nested too deep or too large.
pub fn import(heap: &mut Heap, tree: &Rc<Tree>, node: Node<'_>) -> Outcome<Value> {
    pay(heap, node, DEEPEST)?;
    Ok(value(heap, tree, node))
}

/// Takes the steps and the bytes that a value and all that is in it cost.
///
/// # Errors
/// When it is nested too deep or too large.
pub fn pay(heap: &mut Heap, node: Node<'_>, depth: usize) -> Outcome<()> {
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    heap.step(1)?;
    match node.kind() {
        Kind::Str if !node.flag(YAML11_BOOL) => heap.room(node.text().len()),
        Kind::Seq => {
            node.children().try_for_each(|it| pay(heap, it, below))?;
            heap.step(node.len() + 1)
        }
        Kind::Map => {
            pay_entries(heap, node, below)?;
            heap.step(node.len() + 1)
        }
        _ => Ok(()),
    }
}

fn pay_entries(heap: &mut Heap, node: Node<'_>, depth: usize) -> Outcome<()> {
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    node.children().try_for_each(|it| pay(heap, it, below))?;
    merged(node).into_iter().try_for_each(|it| pay_entries(heap, it, below))
}

/// The entries that a map has itself.
fn own(node: Node<'_>) -> impl Iterator<Item = (&str, Node<'_>)> {
    let merges = node.flag(MERGES);
    node.entries().filter(move |(key, _)| !merges || *key != "<<")
}

/// The maps that a map merges in.
fn merged(node: Node<'_>) -> Vec<Node<'_>> {
    if !node.flag(MERGES) {
        return Vec::new();
    }
    match node.get("<<") {
        Some(one) if one.is_map() => vec![one],
        Some(several) => several.children().collect(),
        None => Vec::new(),
    }
}

/// The entries of a map, sorted. Those that it merges in do not replace its own, nor those of maps
/// that it merges in before. The depth of merges and what they cost were paid for.
pub fn entries(node: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let mut entries = Vec::with_capacity(node.len());
    // The last one of several with one key counts.
    merged(node).into_iter().rev().for_each(|it| entries.extend(self::entries(it)));
    entries.extend(own(node));
    entries.sort_by_key(|it| it.0);
    entries.dedup_by(|later, kept| {
        let is_same = later.0 == kept.0;
        if is_same {
            *kept = *later;
        }
        is_same
    });
    entries
}

/// Whether a list or a map has nothing in it.
pub fn is_empty(node: Node<'_>) -> bool {
    match node.flag(MERGES) {
        true => entries(node).is_empty(),
        false => node.is_empty(),
    }
}

/// A value that was paid for.
fn value(heap: &mut Heap, tree: &Rc<Tree>, node: Node<'_>) -> Value {
    match node.is_map() || node.is_seq() {
        true => heap.new_written(tree, node),
        false => scalar(node),
    }
}

/// A scalar as templates see it: YAML 1.1, and every number a floating point one.
pub fn scalar(node: Node<'_>) -> Value {
    match node.kind() {
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
        Kind::Str => Value::text(node.text()),
        Kind::Null | Kind::Alias | Kind::Seq | Kind::Map => Value::Nil,
    }
}

/// The items of a written list, each as it was written.
pub fn open_list(heap: &mut Heap, tree: &Rc<Tree>, list: Node<'_>) -> Rc<[Value]> {
    list.children().map(|it| value(heap, tree, it)).collect()
}

/// The entries of a written map, each as it was written.
pub fn open_map(heap: &mut Heap, tree: &Rc<Tree>, map: Node<'_>) -> Map {
    let open = |(key, it)| (heap.keys.get(key), value(heap, tree, it));
    entries(map).into_iter().map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact::helm::encode, document::Trouble, parse, source::Source};

    fn read(heap: &mut Heap, text: &str) -> Outcome<Value> {
        let (tree, problems) = parse::yaml::parse(Source::new("values.yaml", text));
        assert!(problems.is_empty(), "{problems:?}");
        let tree = Rc::new(tree);
        import(heap, &tree, tree.documents().next().unwrap())
    }

    #[test]
    fn values_are_read_as_yaml_of_the_first_edition() {
        let mut heap = Heap::default();
        let text = "a: yes\nb: 0644\nc: &x {d: 1000000}\ne:\n  <<: *x\n  f: ~\ng: '1'\n";
        let value = read(&mut heap, text).unwrap();
        let shown = heap.display(&value).unwrap();
        assert_eq!(&*shown, "map[a:true b:420 c:map[d:1e+06] e:map[d:1e+06 f:<nil>] g:1]");
    }

    #[test]
    fn what_is_merged_replaces_nothing() {
        let mut heap = Heap::default();
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: {<<: {}}\n";
        let value = read(&mut heap, text).unwrap();
        let written = encode::yaml(&mut heap, &value).unwrap();
        let shown = heap.display(&value).unwrap();
        assert_eq!(&*shown, "map[a:map[x:1 y:1] b:map[y:2 z:2] c:map[x:3 y:1 z:2] d:map[]]");
        let Value::Text(written) = written else { panic!("a text") };
        assert!(written.ends_with("c:\n  x: 3\n  \"y\": 1\n  z: 2\nd: {}"), "{written}");
    }

    #[test]
    fn all_of_a_value_is_paid_for_before_anybody_looks() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..5 {
            let below = format!("*a{}, ", at - 1).repeat(10);
            text.push_str(&format!("a{at}: &a{at} [{below}]\n"));
        }
        let mut heap = Heap::default();
        let paid: Vec<_> = (0..100).map_while(|_| read(&mut heap, &text).ok()).collect();
        assert!((1..100).contains(&paid.len()));
        let deep = format!("{}1{}", "[".repeat(150), "]".repeat(150));
        assert_eq!(read(&mut Heap::default(), &deep).unwrap_err().kind, Trouble::Limit);
    }
}
