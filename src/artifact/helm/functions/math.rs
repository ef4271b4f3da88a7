//! Numbers.

use super::{ANY, Entry, Failure, Heap, Outcome, Value, as_int};
use crate::artifact::helm::number;

pub(super) const TABLE: &[Entry] = &[
    ("int", 1, 1, |heap, it| Ok(Value::Int(whole(heap, &it[0])?))),
    ("int64", 1, 1, |heap, it| Ok(Value::Int(whole(heap, &it[0])?))),
    ("atoi", 1, 1, |heap, it| Ok(Value::Int(whole(heap, &it[0])?))),
    ("toDecimal", 1, 1, |heap, it| {
        Ok(Value::Int(i64::from_str_radix(&heap.display(&it[0])?, 8).unwrap_or(0)))
    }),
    ("float64", 1, 1, |heap, it| Ok(Value::Float(float(heap, &it[0])?))),
    ("add", 0, ANY, |heap, it| folded(heap, it, 0, i64::wrapping_add)),
    ("add1", 1, 1, |heap, it| Ok(Value::Int(whole(heap, &it[0])?.wrapping_add(1)))),
    ("sub", 2, 2, |heap, it| two(heap, it, |a, b| Some(a.wrapping_sub(b)))),
    ("mul", 1, ANY, |heap, it| folded(heap, it, 1, i64::wrapping_mul)),
    ("div", 2, 2, |heap, it| two(heap, it, i64::checked_div)),
    ("mod", 2, 2, |heap, it| two(heap, it, i64::checked_rem)),
    ("max", 1, ANY, |heap, it| folded(heap, it, i64::MIN, i64::max)),
    ("biggest", 1, ANY, |heap, it| folded(heap, it, i64::MIN, i64::max)),
    ("min", 1, ANY, |heap, it| folded(heap, it, i64::MAX, i64::min)),
    ("addf", 0, ANY, |heap, it| floats(heap, it, |a, b| a + b)),
    ("subf", 1, ANY, |heap, it| floats(heap, it, |a, b| a - b)),
    ("mulf", 1, ANY, |heap, it| floats(heap, it, |a, b| a * b)),
    ("divf", 1, ANY, |heap, it| floats(heap, it, |a, b| a / b)),
    ("maxf", 1, ANY, |heap, it| floats(heap, it, f64::max)),
    ("minf", 1, ANY, |heap, it| floats(heap, it, f64::min)),
    ("floor", 1, 1, |heap, it| Ok(Value::Float(float(heap, &it[0])?.floor()))),
    ("ceil", 1, 1, |heap, it| Ok(Value::Float(float(heap, &it[0])?.ceil()))),
    ("round", 2, 3, round),
];

fn whole(heap: &mut Heap, value: &Value) -> Outcome<i64> {
    Ok(match value {
        Value::Nil => 0,
        Value::Int(it) => *it,
        Value::Float(it) => *it as i64,
        Value::Bool(it) => i64::from(*it),
        other => number::whole(&heap.display(other)?),
    })
}

fn float(heap: &mut Heap, value: &Value) -> Outcome<f64> {
    Ok(match value {
        Value::Nil => 0.0,
        Value::Int(it) => *it as f64,
        Value::Float(it) => *it,
        Value::Bool(it) => f64::from(u8::from(*it)),
        other => heap.display(other)?.trim().parse().unwrap_or(0.0),
    })
}

fn folded(heap: &mut Heap, it: &[Value], start: i64, with: fn(i64, i64) -> i64) -> Outcome<Value> {
    let mut result = start;
    for value in it {
        result = with(result, whole(heap, value)?);
    }
    Ok(Value::Int(result))
}

fn two(heap: &mut Heap, it: &[Value], with: fn(i64, i64) -> Option<i64>) -> Outcome<Value> {
    let result = with(whole(heap, &it[0])?, whole(heap, &it[1])?);
    result.map(Value::Int).ok_or_else(|| Failure::template("division by nothing"))
}

fn floats(heap: &mut Heap, it: &[Value], with: fn(f64, f64) -> f64) -> Outcome<Value> {
    let mut numbers = Vec::with_capacity(it.len());
    for value in it {
        numbers.push(float(heap, value)?);
    }
    Ok(Value::Float(numbers.into_iter().reduce(with).unwrap_or(0.0)))
}

fn round(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (number, digits) = (float(heap, &it[0])?, as_int(&it[1])?.clamp(0, 15));
    let scale = 10f64.powi(digits as i32);
    Ok(Value::Float((number * scale).round() / scale))
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn numbers_are_computed() {
        all_print(&[
            ("add 1 2.9 \"3\"", "6"),
            ("sub 5 7", "-2"),
            ("mul 2 3 4", "24"),
            ("div 7 2", "3"),
            ("mod 7 2", "1"),
            ("max 1 5 3", "5"),
            ("min 4 2", "2"),
            ("add1 1", "2"),
            ("mulf 1.5 2", "3"),
            ("int \"12\"", "12"),
            ("int64 3.9", "3"),
            ("floor 1.7", "1"),
            ("round 1.2345 2", "1.23"),
            ("toDecimal \"755\"", "493"),
            ("int nil", "0"),
        ]);
        assert!(evaluate("div 1 0").is_err());
    }
}
