//! Lists.

use super::{ANY, Entry, Failure, Heap, Outcome, Value, as_int, as_list, texts};

pub(super) const TABLE: &[Entry] = &[
    ("list", 0, ANY, |heap, it| heap.new_list(it.to_vec())),
    ("tuple", 0, ANY, |heap, it| heap.new_list(it.to_vec())),
    ("first", 1, 1, |heap, it| Ok(as_list(heap, &it[0])?.first().cloned().unwrap_or(Value::Nil))),
    ("mustFirst", 1, 1, |heap, it| super::call(heap, "first", it)),
    ("last", 1, 1, |heap, it| Ok(as_list(heap, &it[0])?.pop().unwrap_or(Value::Nil))),
    ("mustLast", 1, 1, |heap, it| super::call(heap, "last", it)),
    ("rest", 1, 1, |heap, it| {
        let items = as_list(heap, &it[0])?;
        heap.new_list(items.into_iter().skip(1).collect())
    }),
    ("mustRest", 1, 1, |heap, it| super::call(heap, "rest", it)),
    ("initial", 1, 1, |heap, it| {
        let mut items = as_list(heap, &it[0])?;
        items.pop();
        heap.new_list(items)
    }),
    ("mustInitial", 1, 1, |heap, it| super::call(heap, "initial", it)),
    ("reverse", 1, 1, |heap, it| {
        let items = as_list(heap, &it[0])?;
        heap.new_list(items.into_iter().rev().collect())
    }),
    ("mustReverse", 1, 1, |heap, it| super::call(heap, "reverse", it)),
    ("append", 2, 2, append),
    ("mustAppend", 2, 2, append),
    ("push", 2, 2, append),
    ("mustPush", 2, 2, append),
    ("prepend", 2, 2, prepend),
    ("mustPrepend", 2, 2, prepend),
    ("concat", 0, ANY, concat),
    ("has", 2, 2, |heap, it| Ok(Value::Bool(has(heap, &it[0], &it[1])?))),
    ("mustHas", 2, 2, |heap, it| Ok(Value::Bool(has(heap, &it[0], &it[1])?))),
    ("without", 1, ANY, without),
    ("mustWithout", 1, ANY, without),
    ("uniq", 1, 1, uniq),
    ("mustUniq", 1, 1, uniq),
    ("compact", 1, 1, compact),
    ("mustCompact", 1, 1, compact),
    ("sortAlpha", 1, 1, sort_alpha),
    ("slice", 1, 3, slice),
    ("mustSlice", 1, 3, slice),
    ("chunk", 2, 2, chunk),
    ("mustChunk", 2, 2, chunk),
    ("until", 1, 1, |heap, it| {
        let end = as_int(&it[0])?;
        numbers(heap, 0, end, if end < 0 { -1 } else { 1 })
    }),
    ("untilStep", 3, 3, |heap, it| {
        numbers(heap, as_int(&it[0])?, as_int(&it[1])?, as_int(&it[2])?)
    }),
    ("seq", 0, 3, seq),
];

fn append(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut items = as_list(heap, &it[0])?;
    items.push(it[1].clone());
    heap.new_list(items)
}

fn prepend(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut items = as_list(heap, &it[0])?;
    items.insert(0, it[1].clone());
    heap.new_list(items)
}

fn concat(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut items = Vec::new();
    for list in it {
        items.extend(as_list(heap, list)?);
    }
    heap.new_list(items)
}

fn has(heap: &mut Heap, needle: &Value, list: &Value) -> Outcome<bool> {
    if matches!(list, Value::Nil) {
        return Ok(false);
    }
    let items = as_list(heap, list)?;
    contains(heap, &items, needle)
}

fn contains(heap: &mut Heap, items: &[Value], needle: &Value) -> Outcome<bool> {
    for item in items {
        if heap.same(item, needle)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut kept = Vec::new();
    for item in as_list(heap, &it[0])? {
        if !contains(heap, &it[1..], &item)? {
            kept.push(item);
        }
    }
    heap.new_list(kept)
}

fn uniq(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut kept = Vec::new();
    for item in as_list(heap, &it[0])? {
        if !contains(heap, &kept, &item)? {
            kept.push(item);
        }
    }
    heap.new_list(kept)
}

fn compact(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut items = as_list(heap, &it[0])?;
    items.retain(|it| heap.is_true(it));
    heap.new_list(items)
}

fn sort_alpha(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut words = Vec::new();
    for item in as_list(heap, &it[0])? {
        words.push(heap.display(&item)?);
    }
    words.sort();
    texts(heap, words)
}

/// Of a list or, as Go has it, of a text.
fn slice(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let at = |index: usize, length: usize| match it.get(index) {
        Some(value) => usize::try_from(as_int(value)?)
            .ok()
            .filter(|at| *at <= length)
            .ok_or_else(|| Failure::template("the list is shorter")),
        None => Ok(if index == 1 { 0 } else { length }),
    };
    if let Value::Text(text) = &it[0] {
        let (from, to) = (at(1, text.len())?, at(2, text.len())?);
        return heap.new_text(text.get(from..to).unwrap_or(""));
    }
    let items = as_list(heap, &it[0])?;
    let (from, to) = (at(1, items.len())?, at(2, items.len())?);
    heap.new_list(items.get(from..to).unwrap_or_default().to_vec())
}

fn chunk(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let size = usize::try_from(as_int(&it[0])?).unwrap_or(0).max(1);
    let mut chunks = Vec::new();
    for items in as_list(heap, &it[1])?.chunks(size) {
        chunks.push(heap.new_list(items.to_vec())?);
    }
    heap.new_list(chunks)
}

/// The numbers from `start` to before `end`.
fn numbers(heap: &mut Heap, start: i64, end: i64, step: i64) -> Outcome<Value> {
    let distance = end.saturating_sub(start);
    if step == 0 || distance.signum() != step.signum() {
        return heap.new_list(Vec::new());
    }
    let count = (distance.unsigned_abs() - 1) / step.unsigned_abs() + 1;
    heap.step(usize::try_from(count).unwrap_or(usize::MAX))?;
    heap.new_list((0..count as i64).map(|it| Value::Int(start + it * step)).collect())
}

/// As the command `seq`: `seq 3`, `seq 2 3`, `seq 0 2 10`; a text.
fn seq(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut ints = Vec::new();
    for value in it {
        ints.push(as_int(value)?);
    }
    let (start, step, end) = match *ints.as_slice() {
        [] => return Ok(Value::text("")),
        [end] => (1, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if end < start { -1 } else { 1 }, end),
        [start, step, end, ..] => (start, step, end),
    };
    let numbers = numbers(heap, start, end.saturating_add(step.signum()), step)?;
    super::call(heap, "join", &[Value::text(" "), numbers])
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn lists_are_taken_apart_and_put_together() {
        all_print(&[
            ("first (list 1 2)", "1"),
            ("last (list 1 2)", "2"),
            ("rest (list 1 2 3)", "[2 3]"),
            ("initial (list 1 2 3)", "[1 2]"),
            ("append (list 1) 2", "[1 2]"),
            ("prepend (list 1) 2", "[2 1]"),
            ("concat (list 1) (list 2 3)", "[1 2 3]"),
            ("without (list 1 2 3) 2", "[1 3]"),
            ("uniq (list 1 2 1)", "[1 2]"),
            ("compact (list 0 1 \"\")", "[1]"),
            ("has 2 (list 1 2)", "true"),
            ("has 2 .x", "false"),
            ("slice (list 1 2 3) 1", "[2 3]"),
            ("chunk 2 (list 1 2 3)", "[[1 2] [3]]"),
            ("sortAlpha (list \"b\" \"a\")", "[a b]"),
            ("reverse (list 1 2)", "[2 1]"),
        ]);
        assert!(evaluate("first .x").is_err());
    }

    #[test]
    fn numbers_are_counted_like_sprig() {
        all_print(&[
            ("until 3", "[0 1 2]"),
            ("until -2", "[0 -1]"),
            ("untilStep 3 9 3", "[3 6]"),
            ("untilStep 3 9 -3", "[]"),
            ("seq 3", "1 2 3"),
            ("seq 0 5 10", "0 5 10"),
        ]);
    }
}
