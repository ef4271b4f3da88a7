//! Values as YAML and JSON, bytes as base 64, base 32 and SHA-256.

use super::{
    data::{DEEPEST, Heap, Outcome, Value, too_deep},
    number, written,
};
use crate::document::{Kind, MERGES, Node, YAML11_BOOL};

/// A value as YAML, as Helm's library writes it: sorted keys, lists not indented.
///
/// # Errors
/// When it is nested too deep or too large.
pub fn yaml(heap: &mut Heap, value: &Value) -> Outcome<Value> {
    let mut writer = Yaml { text: String::new(), line: 0 };
    writer.value(heap, value, 0, DEEPEST)?;
    heap.room(writer.text.len())?;
    Ok(Value::text(writer.text.trim_end_matches('\n')))
}

/// Where a plain text is broken, at the next blank.
const WIDTH: usize = 80;

/// The first byte of characters beyond U+FFFF is this or more, and no other byte is.
const FOUR_BYTES: u8 = 0xf0;

struct Yaml {
    text: String,
    /// Where the line starts that is being written.
    line: usize,
}

impl Yaml {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn new_line(&mut self, indent: usize) {
        const BLANKS: &str = "                                                                ";
        self.text.push('\n');
        self.line = self.text.len();
        let mut left = indent;
        while left > 0 {
            let some = left.min(BLANKS.len());
            self.text.push_str(&BLANKS[..some]);
            left -= some;
        }
    }

    /// Writes a value whose first line is already indented.
    fn value(
        &mut self,
        heap: &mut Heap,
        value: &Value,
        indent: usize,
        depth: usize,
    ) -> Outcome<()> {
        if let Some((tree, id)) = heap.written(value) {
            return self.node(heap, tree.node(id), indent, depth);
        }
        let below = depth.checked_sub(1).ok_or_else(too_deep)?;
        heap.step(1)?;
        match value {
            Value::List(list) => {
                let items = heap.items(*list);
                for (index, item) in items.iter().enumerate() {
                    self.dash(index, indent);
                    self.value(heap, item, indent + 2, below)?;
                }
                self.put(if items.is_empty() { "[]" } else { "" });
            }
            Value::Map(map) => {
                let entries = heap.entries(*map);
                for (index, (key, item)) in entries.iter().enumerate() {
                    let layout = layout(heap, item);
                    let indent = self.key(heap, index, key, indent, layout)?;
                    self.value(heap, item, indent, below)?;
                }
                self.put(if entries.is_empty() { "{}" } else { "" });
            }
            Value::Text(text) => self.text(heap, text, indent)?,
            other => self.short(other),
        }
        Ok(())
    }

    /// The same for a value into which nobody has looked.
    fn node(
        &mut self,
        heap: &mut Heap,
        node: Node<'_>,
        indent: usize,
        depth: usize,
    ) -> Outcome<()> {
        let below = depth.checked_sub(1).ok_or_else(too_deep)?;
        heap.step(1)?;
        match node.kind() {
            Kind::Seq => {
                for (index, item) in node.children().enumerate() {
                    self.dash(index, indent);
                    self.node(heap, item, indent + 2, below)?;
                }
                self.put(if node.is_empty() { "[]" } else { "" });
            }
            Kind::Map => {
                if node.flag(MERGES) {
                    // What merges may be much more than what is written.
                    written::pay(heap, node, depth)?;
                }
                let entries = written::entries(node);
                for (index, (key, item)) in entries.iter().enumerate() {
                    let indent = self.key(heap, index, key, indent, written_layout(*item))?;
                    self.node(heap, *item, indent, below)?;
                }
                self.put(if entries.is_empty() { "{}" } else { "" });
            }
            Kind::Str if !node.flag(YAML11_BOOL) => self.text(heap, node.text(), indent)?,
            _ => self.short(&written::scalar(node)),
        }
        Ok(())
    }

    /// What stands before an item of a list.
    fn dash(&mut self, index: usize, indent: usize) {
        if index > 0 {
            self.new_line(indent);
        }
        self.put("- ");
    }

    /// A key of a map, and what stands before its value; gives the indent of the value.
    fn key(
        &mut self,
        heap: &mut Heap,
        index: usize,
        key: &str,
        indent: usize,
        layout: Layout,
    ) -> Outcome<usize> {
        if index > 0 {
            self.new_line(indent);
        }
        heap.room(key.len())?;
        self.scalar(key, indent);
        self.put(":");
        let inner = if layout == Layout::List { indent } else { indent + 2 };
        match layout {
            Layout::Line => self.put(" "),
            Layout::List | Layout::Map => self.new_line(inner),
        }
        Ok(inner)
    }

    fn text(&mut self, heap: &mut Heap, text: &str, indent: usize) -> Outcome<()> {
        let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
        heap.room(text.len().saturating_add(indent * lines))?;
        self.scalar(text, indent);
        Ok(())
    }

    /// What needs no more than a word.
    fn short(&mut self, value: &Value) {
        match value {
            Value::Nil => self.put("null"),
            Value::Bool(it) => self.put(if *it { "true" } else { "false" }),
            Value::Int(it) => self.put(&it.to_string()),
            Value::Float(it) => self.put(&number::yaml(*it)),
            Value::Text(it) => self.put(it),
            Value::List(_) | Value::Versions => self.put("[]"),
            Value::Map(_) | Value::Files(_) => self.put("{}"),
        }
    }

    /// A text in the style it needs. `indent` is where its further lines go.
    fn scalar(&mut self, text: &str, indent: usize) {
        let is_special = |it: u8| (it < 0x20) | (it == 0x7f) | (it >= FOUR_BYTES);
        // Without branches, so that many bytes are looked at at once.
        let has_special = text.bytes().fold(false, |any, it| any | is_special(it));
        if has_special && text.contains('\n') && is_block(text) {
            return self.block(text, indent);
        }
        match style(text, has_special) {
            Quotes::None => self.folded(text, indent),
            Quotes::Single => {
                self.put("'");
                self.folded(&text.replace('\'', "''"), indent);
                self.put("'");
            }
            Quotes::Double => self.double(text),
        }
    }

    /// Plain text, broken at blanks beyond the width.
    fn folded(&mut self, text: &str, indent: usize) {
        // A text has not more characters than bytes.
        if self.text.len() - self.line + text.len() <= WIDTH {
            return self.put(text);
        }
        let (bytes, mut from) = (text.as_bytes(), 0);
        let mut column = self.text[self.line..].chars().count();
        for at in memchr::memchr_iter(b' ', bytes) {
            if column + (at - from) <= WIDTH {
                continue;
            }
            self.put(&text[from..at]);
            column += text[from..at].chars().count();
            from = at;
            let is_alone = at > 0 && bytes[at - 1] != b' ' && bytes.get(at + 1) != Some(&b' ');
            if column > WIDTH && is_alone && at + 1 < bytes.len() {
                column = indent.max(2);
                self.new_line(column);
                from = at + 1;
            }
        }
        self.put(&text[from..]);
    }

    fn block(&mut self, text: &str, indent: usize) {
        let body = text.trim_end_matches('\n');
        let ends = text.len() - body.len();
        self.put("|");
        if body.starts_with(' ') || body.starts_with('\n') {
            self.put("2");
        }
        self.put(match ends {
            0 => "-",
            1 => "",
            _ => "+",
        });
        for line in body.split('\n') {
            if line.is_empty() {
                self.text.push('\n');
            } else {
                self.new_line(indent.max(2));
                self.put(line);
            }
        }
        self.text.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
    }

    fn double(&mut self, text: &str) {
        self.put("\"");
        for c in text.chars() {
            match c {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\r' => self.put("\\r"),
                '\t' => self.put("\\t"),
                '\u{85}' => self.put("\\N"),
                '\u{feff}' => self.put("\\uFEFF"),
                c if (c as u32) < 0x20 || c == '\u{7f}' => {
                    self.put(&format!("\\x{:02X}", c as u32))
                }
                c if (c as u32) > 0xffff => self.put(&format!("\\U{:08X}", c as u32)),
                c => self.text.push(c),
            }
        }
        self.put("\"");
    }
}

/// How a value stands behind its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// On the same line.
    Line,
    /// From the next line on, as far in as the key.
    List,
    /// From the next line on, further in than the key.
    Map,
}

fn layout(heap: &mut Heap, value: &Value) -> Layout {
    if let Some((tree, id)) = heap.written(value) {
        return written_layout(tree.node(id));
    }
    match value {
        Value::List(list) if !heap.items(*list).is_empty() => Layout::List,
        Value::Map(map) if !heap.entries(*map).is_empty() => Layout::Map,
        _ => Layout::Line,
    }
}

fn written_layout(node: Node<'_>) -> Layout {
    match node.kind() {
        Kind::Seq if !node.is_empty() => Layout::List,
        Kind::Map if !written::is_empty(node) => Layout::Map,
        _ => Layout::Line,
    }
}

/// Whether a text of several lines is written as a block: not if blanks at the end of a line or
/// special characters would not survive.
fn is_block(text: &str) -> bool {
    let special = |it: u8| it < 0x20 && it != b'\n' && it != b'\t' || it >= FOUR_BYTES;
    !text.bytes().any(special)
        && !text.contains(" \n")
        && !text.ends_with(' ')
        && !text.starts_with('\n')
        && !text.trim_end_matches('\n').is_empty()
}

enum Quotes {
    None,
    Single,
    Double,
}

/// The quotes that a text of one line needs; special are characters that are only written escaped.
fn style(text: &str, has_special: bool) -> Quotes {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return Quotes::Double };
    if has_special || reads_as_other(text) {
        return Quotes::Double;
    }
    let second_blank = bytes.get(1).is_none_or(|it| *it == b' ');
    let indicator =
        b"#,[]{}&*!|>'\"%@`".contains(first) || matches!(first, b'-' | b'?' | b':') && second_blank;
    let blank_ends = *first == b' ' || *last == b' ';
    let inside = memchr::memchr2_iter(b':', b'#', bytes).any(|at| match bytes[at] {
        b':' => matches!(bytes.get(at + 1), None | Some(b' ')),
        _ => at > 0 && bytes[at - 1] == b' ',
    });
    let marks = text.starts_with("---") || text.starts_with("...");
    if indicator || blank_ends || inside || marks { Quotes::Single } else { Quotes::None }
}

/// Whether YAML 1.1 would read the bare text as something other than text.
fn reads_as_other(text: &str) -> bool {
    #[rustfmt::skip]
    let is_word = matches!(
        text,
        "y" | "Y" | "yes" | "Yes" | "YES" | "n" | "N" | "no" | "No" | "NO" | "true" | "True" | "TRUE"
        | "false" | "False" | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" | "~" | "null"
        | "Null" | "NULL" | ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf"
        | "<<" | "="
    );
    let may_be_number = text.starts_with(|it: char| it.is_ascii_digit() || "+-.".contains(it));
    is_word || may_be_number && (is_number(text) || is_date(text) || is_sexagesimal(text))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|it: char| it.is_ascii_digit() || it == '.') {
        return false;
    }
    let plain = digits.replace('_', "");
    let based = |prefix: &str, radix: u32| {
        plain.strip_prefix(prefix).is_some_and(|it| u64::from_str_radix(it, radix).is_ok())
    };
    based("0x", 16)
        || based("0b", 2)
        || based("0o", 8)
        || plain.bytes().all(|it| it.is_ascii_digit() || b".eE+-".contains(&it))
            && plain.parse::<f64>().is_ok()
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes.iter().all(|it| it.is_ascii_digit() || b"-:.TtZz+ ".contains(it))
}

/// `12:30:45` was a number in base 60.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().is_some_and(|it| {
        let digits = it.strip_prefix(['+', '-']).unwrap_or(it);
        !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
    });
    let mut count = 0;
    let rest = parts.all(|it| {
        count += 1;
        let whole = it.split('.').next().unwrap_or("");
        (1..=2).contains(&whole.len()) && it.bytes().all(|it| it.is_ascii_digit() || it == b'.')
    });
    first && rest && count > 0
}

/// A value as JSON in one line; `<`, `>` and `&` escaped for HTML if asked.
///
/// # Errors
/// When it is nested too deep or too large.
pub fn json(heap: &mut Heap, value: &Value, html: bool) -> Outcome<Value> {
    let json = to_json(heap, value, DEEPEST)?;
    let text = serde_json::to_string(&json).unwrap_or_default();
    heap.new_text(if html { for_html(&text) } else { text })
}

/// A value as JSON over several lines.
///
/// # Errors
/// When it is nested too deep or too large.
pub fn pretty_json(heap: &mut Heap, value: &Value) -> Outcome<Value> {
    let json = to_json(heap, value, DEEPEST)?;
    heap.new_text(for_html(&serde_json::to_string_pretty(&json).unwrap_or_default()))
}

fn for_html(text: &str) -> String {
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn to_json(heap: &mut Heap, value: &Value, depth: usize) -> Outcome<serde_json::Value> {
    use serde_json::{Map, Number, Value as Json};
    let below = depth.checked_sub(1).ok_or_else(too_deep)?;
    heap.step(1)?;
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(it) => Json::Bool(*it),
        Value::Int(it) => Json::from(*it),
        Value::Float(it) if *it == it.trunc() && it.abs() < 9e15 => Json::from(*it as i64),
        Value::Float(it) => Number::from_f64(*it).map_or(Json::Null, Json::Number),
        Value::Text(text) => {
            heap.room(text.len())?;
            Json::from(&**text)
        }
        Value::List(list) => {
            let items = heap.items(*list);
            let items: Outcome<_> = items.iter().map(|it| to_json(heap, it, below)).collect();
            Json::Array(items?)
        }
        Value::Map(map) => {
            let mut object = Map::new();
            for (key, item) in heap.entries(*map).iter() {
                object.insert(key.to_string(), to_json(heap, item, below)?);
            }
            Json::Object(object)
        }
        Value::Files(_) => Json::Object(Map::new()),
        Value::Versions => Json::Array(Vec::new()),
    })
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Bytes in base 64, padded.
pub fn base64(bytes: &[u8]) -> String {
    based(bytes, BASE64, 6, 4)
}

/// Bytes in base 32, padded.
pub fn base32(bytes: &[u8]) -> String {
    based(bytes, BASE32, 5, 8)
}

fn based(bytes: &[u8], alphabet: &[u8], bits: u32, group: usize) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / bits as usize + group);
    let (mut held, mut count) = (0u32, 0u32);
    let digit = |value: u32| char::from(alphabet[value as usize % alphabet.len()]);
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xffff;
        count += 8;
        while count >= bits {
            count -= bits;
            out.push(digit(held >> count));
        }
    }
    if count > 0 {
        out.push(digit(held << (bits - count)));
    }
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

/// The bytes of a text in base 64, if it is one.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut held, mut count) = (0u32, 0u32);
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for byte in text.trim_end_matches('=').bytes().filter(|it| !it.is_ascii_whitespace()) {
        let digit = BASE64.iter().position(|it| *it == byte)?;
        held = (held << 6 | digit as u32) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((held >> count) as u8);
        }
    }
    Some(out)
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let (constants, mut state) = round_constants();
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut words = [0u32; 64];
        for (word, four) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
        }
        for at in 16..64 {
            let (a, b) = (words[at - 15], words[at - 2]);
            let a = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let b = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            words[at] = words[at - 16].wrapping_add(a).wrapping_add(words[at - 7]).wrapping_add(b);
        }
        compress(&mut state, &words, &constants);
    }
    state.iter().map(|it| format!("{it:08x}")).collect()
}

fn compress(state: &mut [u32; 8], words: &[u32; 64], constants: &[u32; 64]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, constant) in words.iter().zip(constants) {
        let choice = (e & f) ^ (!e & g);
        let first = (e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add(h)
            .wrapping_add(choice)
            .wrapping_add(*constant)
            .wrapping_add(*word);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second =
            (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22)).wrapping_add(majority);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    for (state, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *state = state.wrapping_add(word);
    }
}

/// The first 32 bits of the fractional parts of the cube roots, and for the first eight of the
/// square roots, of the first primes: so SHA-256 defines its constants.
fn round_constants() -> ([u32; 64], [u32; 8]) {
    let (mut cubes, mut squares) = ([0; 64], [0; 8]);
    let is_prime =
        |it: &u128| (2..*it).take_while(|by| by * by <= *it).all(|by| !it.is_multiple_of(by));
    for (at, prime) in (2..).filter(is_prime).take(64).enumerate() {
        cubes[at] = root(prime << 96, 3) as u32;
        if at < 8 {
            squares[at] = root(prime << 64, 2) as u32;
        }
    }
    (cubes, squares)
}

/// The whole part of a root.
fn root(of: u128, power: u32) -> u128 {
    let (mut low, mut high) = (0u128, 1u128 << 40);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if middle.checked_pow(power).is_some_and(|it| it <= of) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml_of(text: &str) -> String {
        let mut heap = Heap::default();
        let map = [("k".into(), Value::text(text))].into();
        let map = heap.new_map(map).unwrap();
        let value = yaml(&mut heap, &map).unwrap();
        heap.display(&value).unwrap().to_string()
    }

    #[test]
    fn texts_have_the_quotes_that_helm_gives_them() {
        for (text, written) in [
            ("a", "a"),
            ("~", "\"~\""),
            ("123", "\"123\""),
            ("0x1f", "\"0x1f\""),
            ("true", "\"true\""),
            ("", "\"\""),
            ("it's: a", "'it''s: a'"),
            ("a # b", "'a # b'"),
            ("*", "'*'"),
            ("a:b", "a:b"),
            ("a\tb", "\"a\\tb\""),
            (" x ", "' x '"),
            ("2020-01-01", "\"2020-01-01\""),
            ("- a", "'- a'"),
            ("%a", "'%a'"),
            ("a\\b", "a\\b"),
            ("a\nb\n", "|\n  a\n  b"),
            ("a\nb", "|-\n  a\n  b"),
            ("a\n\nb \n\n", "\"a\\n\\nb \\n\\n\""),
            ("1.2.3", "1.2.3"),
            ("10:20", "\"10:20\""),
        ] {
            assert_eq!(yaml_of(text), format!("k: {written}"), "{text:?}");
        }
    }

    #[test]
    fn long_texts_are_broken_at_blanks() {
        let text = "long text with many words so that it passes the limit of eighty characters in \
                    one line for sure yes";
        let broken = yaml_of(text);
        assert!(broken.ends_with("characters in one\n  line for sure yes"), "{broken}");
    }

    #[test]
    fn bytes_are_encoded() {
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base32(b"a"), "ME======");
        assert_eq!(from_base64("YQ==").as_deref(), Some(&b"a"[..]));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}
