//! From and to YAML, JSON, base 64 and hashes.

use std::rc::Rc;

use super::{Entry, Failure, Heap, Map, Outcome, Value, as_text};
use crate::{
    artifact::helm::{encode, written},
    parse,
    source::Source,
};

pub(super) const TABLE: &[Entry] = &[
    ("toYaml", 1, 1, to_yaml),
    ("mustToYaml", 1, 1, to_yaml),
    ("toYamlPretty", 1, 1, to_yaml),
    ("fromYaml", 1, 1, |heap, it| from_yaml(heap, it, true)),
    ("fromYamlArray", 1, 1, |heap, it| from_yaml(heap, it, false)),
    ("toJson", 1, 1, |heap, it| encode::json(heap, &it[0], true)),
    ("mustToJson", 1, 1, |heap, it| encode::json(heap, &it[0], true)),
    ("toRawJson", 1, 1, |heap, it| encode::json(heap, &it[0], false)),
    ("mustToRawJson", 1, 1, |heap, it| encode::json(heap, &it[0], false)),
    ("toPrettyJson", 1, 1, |heap, it| encode::pretty_json(heap, &it[0])),
    ("mustToPrettyJson", 1, 1, |heap, it| encode::pretty_json(heap, &it[0])),
    ("fromJson", 1, 1, from_json_or_error),
    ("mustFromJson", 1, 1, from_json),
    ("fromJsonArray", 1, 1, from_json),
    ("b64enc", 1, 1, |heap, it| heap.new_text(encode::base64(as_text(&it[0])?.as_bytes()))),
    ("b64dec", 1, 1, b64dec),
    ("b32enc", 1, 1, |heap, it| heap.new_text(encode::base32(as_text(&it[0])?.as_bytes()))),
    ("sha256sum", 1, 1, |heap, it| heap.new_text(encode::sha256(as_text(&it[0])?.as_bytes()))),
    // Nothing depends on which digits these are.
    ("sha1sum", 1, 1, |heap, it| shortened(heap, it, 40)),
    ("sha512sum", 1, 1, |heap, it| {
        let half = encode::sha256(as_text(&it[0])?.as_bytes());
        heap.new_text(half.clone() + &half)
    }),
    ("adler32sum", 1, 1, |heap, it| {
        let (mut low, mut high) = (1u32, 0u32);
        for byte in as_text(&it[0])?.bytes() {
            low = (low + u32::from(byte)) % 65521;
            high = (high + low) % 65521;
        }
        heap.new_text((high << 16 | low).to_string())
    }),
];

fn to_yaml(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    encode::yaml(heap, &it[0])
}

/// A map with the key `Error` where the text is not valid, as in Helm.
fn from_yaml(heap: &mut Heap, it: &[Value], map: bool) -> Outcome<Value> {
    let text = as_text(&it[0])?;
    heap.step(text.len() / 16)?;
    let known = heap.read.take().filter(|it| Rc::ptr_eq(&it.0, &text));
    let tree = match known {
        Some((_, tree)) => tree,
        None => {
            let (tree, problems) = parse::yaml::parse(Source::new("", &*text));
            if let Some(problem) = problems.first() {
                let error = Value::text(&*problem.reason);
                return heap.new_map(Map::from([("Error".into(), error)]));
            }
            Rc::new(tree)
        }
    };
    let value = match tree.documents().next() {
        Some(root) => written::import(heap, &tree, root)?,
        None => Value::Nil,
    };
    heap.read = Some((text, tree));
    match value {
        Value::Nil if map => heap.new_map(Map::new()),
        Value::Nil => heap.new_list(Vec::new()),
        value => Ok(value),
    }
}

fn from_json(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    read_json(heap, it)?.ok_or_else(|| Failure::template("the text is not JSON"))
}

/// Helm does not fail where the text is no JSON: templates ask for the key `Error`.
fn from_json_or_error(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    if let Some(value) = read_json(heap, it)? {
        return Ok(value);
    }
    let reason = heap.new_text("the text is not JSON")?;
    heap.new_map(Map::from([("Error".into(), reason)]))
}

/// The value that the text says, if it is JSON.
fn read_json(heap: &mut Heap, it: &[Value]) -> Outcome<Option<Value>> {
    let text = as_text(&it[0])?;
    heap.step(text.len() / 16)?;
    let (tree, problems) = parse::json::parse(Source::new("", &*text));
    if !problems.is_empty() {
        return Ok(None);
    }
    let tree = Rc::new(tree);
    match tree.documents().next() {
        Some(root) => written::import(heap, &tree, root).map(Some),
        None => Ok(Some(Value::Nil)),
    }
}

fn b64dec(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let bytes = encode::from_base64(&as_text(&it[0])?);
    let bytes = bytes.ok_or_else(|| Failure::template("the text is not base 64"))?;
    heap.new_text(String::from_utf8_lossy(&bytes))
}

fn shortened(heap: &mut Heap, it: &[Value], length: usize) -> Outcome<Value> {
    let mut hash = encode::sha256(as_text(&it[0])?.as_bytes());
    hash.truncate(length);
    heap.new_text(hash)
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn values_go_to_text_and_come_back() {
        all_print(&[
            ("toYaml (dict \"b\" (list 1 \"2\") \"a\" (dict))", "a: {}\nb:\n- 1\n- \"2\""),
            ("(fromYaml \"a: [1, x]\").a | last", "x"),
            ("fromYaml \"\"", "map[]"),
            ("hasKey (fromYaml \"a: [1\") \"Error\"", "true"),
            ("fromYamlArray \"[1, 2]\"", "[1 2]"),
            ("toJson (dict \"a\" \"<b>\")", "{\"a\":\"\\u003cb\\u003e\"}"),
            ("toRawJson (dict \"a\" \"<b>\")", "{\"a\":\"<b>\"}"),
            ("(fromJson \"{\\\"a\\\":1}\").a", "1"),
            ("hasKey (fromJson \"{\") \"Error\"", "true"),
            ("toPrettyJson (dict \"a\" (list 1))", "{\n  \"a\": [\n    1\n  ]\n}"),
        ]);
        assert!(evaluate("mustFromJson \"{\"").is_err());
    }

    #[test]
    fn texts_are_encoded() {
        all_print(&[
            ("b64enc \"hello\"", "aGVsbG8="),
            ("b64dec \"aGVsbG8=\"", "hello"),
            ("b32enc \"hello\"", "NBSWY3DP"),
            (
                "sha256sum \"abc\"",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            ("sha1sum \"abc\" | len", "40"),
            ("adler32sum \"abc\"", "38600999"),
        ]);
        assert!(evaluate("b64dec \"*\"").is_err());
    }
}
