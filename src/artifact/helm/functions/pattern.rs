//! Regular expressions.

use regex::{Regex, RegexBuilder};

use super::{Entry, Failure, Heap, Outcome, Value, as_int, as_text, texts};

pub(super) const TABLE: &[Entry] = &[
    ("regexMatch", 2, 2, is_match),
    ("mustRegexMatch", 2, 2, is_match),
    ("regexFind", 2, 2, find),
    ("mustRegexFind", 2, 2, find),
    ("regexFindAll", 3, 3, find_all),
    ("mustRegexFindAll", 3, 3, find_all),
    ("regexReplaceAll", 3, 3, |heap, it| replace(heap, it, false)),
    ("mustRegexReplaceAll", 3, 3, |heap, it| replace(heap, it, false)),
    ("regexReplaceAllLiteral", 3, 3, |heap, it| replace(heap, it, true)),
    ("mustRegexReplaceAllLiteral", 3, 3, |heap, it| replace(heap, it, true)),
    ("regexSplit", 3, 3, split),
    ("mustRegexSplit", 3, 3, split),
    ("regexQuoteMeta", 1, 1, |heap, it| heap.new_text(regex::escape(&as_text(&it[0])?))),
];

/// What compiling an expression costs, in steps.
const COMPILING: usize = 500;
/// How large a compiled expression may be.
const LARGEST: usize = 1 << 20;

fn compile(heap: &mut Heap, value: &Value) -> Outcome<Regex> {
    heap.step(COMPILING)?;
    let text = as_text(value)?;
    let compiled = RegexBuilder::new(&text).size_limit(LARGEST).build();
    compiled.map_err(|_| Failure::template(format!("the expression `{text}` is not valid")))
}

fn is_match(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    Ok(Value::Bool(compile(heap, &it[0])?.is_match(&as_text(&it[1])?)))
}

fn find(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (regex, text) = (compile(heap, &it[0])?, as_text(&it[1])?);
    heap.new_text(regex.find(&text).map_or("", |it| it.as_str()))
}

/// How many pieces a count asks for: all of them where it is negative.
fn most(count: &Value) -> Outcome<usize> {
    Ok(usize::try_from(as_int(count)?).unwrap_or(usize::MAX))
}

fn find_all(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (regex, text) = (compile(heap, &it[0])?, as_text(&it[1])?);
    texts(heap, regex.find_iter(&text).map(|it| it.as_str()).take(most(&it[2])?))
}

/// The text is the second argument and what replaces is the third.
fn replace(heap: &mut Heap, it: &[Value], literal: bool) -> Outcome<Value> {
    let (regex, text, with) = (compile(heap, &it[0])?, as_text(&it[1])?, as_text(&it[2])?);
    let count = regex.find_iter(&text).count();
    heap.room(count.saturating_mul(with.len() + if literal { 0 } else { text.len() }))?;
    let replaced = if literal {
        regex.replace_all(&text, regex::NoExpand(&with))
    } else {
        regex.replace_all(&text, &*with)
    };
    heap.new_text(replaced)
}

fn split(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (regex, text) = (compile(heap, &it[0])?, as_text(&it[1])?);
    texts(heap, regex.splitn(&text, most(&it[2])?))
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn expressions_match_and_replace() {
        all_print(&[
            ("regexMatch \"^v[0-9]+$\" \"v12\"", "true"),
            ("regexFind \"[0-9]+\" \"a12b3\"", "12"),
            ("regexFindAll \"[0-9]\" \"a12b3\" -1", "[1 2 3]"),
            ("regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\"", "-W-xxW-"),
            ("regexReplaceAllLiteral \"a(x*)b\" \"-ab-\" \"${1}\"", "-${1}-"),
            ("regexSplit \"z+\" \"pizza\" -1", "[pi a]"),
            ("regexQuoteMeta \"a.b\"", "a\\.b"),
        ]);
        assert!(evaluate("regexMatch \"(\" \"a\"").is_err());
        assert!(evaluate("regexMatch \"(((a{999}){999}){999})\" \"a\"").is_err());
    }
}
