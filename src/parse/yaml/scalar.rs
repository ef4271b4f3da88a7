//! What a plain scalar means: the core schema of YAML 1.2, with notes for readers of YAML 1.1.

use crate::document::{Kind, LEADING_ZERO, YAML11_BOOL};

/// The meaning of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plain {
    /// `null`, `~`, nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Everything else.
    Text,
}

/// The meaning of a plain scalar as a node stores it.
pub(super) struct Meaning {
    pub(super) kind: Kind,
    pub(super) low: u32,
    pub(super) high: u32,
    pub(super) flags: u8,
}

impl Meaning {
    /// What a text means that starts at a byte of the source.
    pub(super) fn of(text: &str, start: u32) -> Self {
        let (meaning, flags) = resolve(text);
        let halves = |bits: u64| (bits as u32, (bits >> 32) as u32);
        let (kind, (low, high)) = match meaning {
            Plain::Null => (Kind::Null, (0, 0)),
            Plain::Bool(value) => (Kind::Bool, (u32::from(value), 0)),
            Plain::Int(value) => (Kind::Int, halves(value as u64)),
            Plain::Float(value) => (Kind::Float, halves(value.to_bits())),
            Plain::Text => (Kind::Str, (start, text.len() as u32)),
        };
        Self { kind, low, high, flags }
    }
}

/// Resolves a plain scalar, and the flags that its node gets.
pub fn resolve(text: &str) -> (Plain, u8) {
    let Some(first) = text.bytes().next() else { return (Plain::Null, 0) };
    match first {
        b'~' if text.len() == 1 => (Plain::Null, 0),
        b'n' | b'N' if matches!(text, "null" | "Null" | "NULL") => (Plain::Null, 0),
        b't' | b'T' if matches!(text, "true" | "True" | "TRUE") => (Plain::Bool(true), 0),
        b'f' | b'F' if matches!(text, "false" | "False" | "FALSE") => (Plain::Bool(false), 0),
        b'y' | b'Y' | b'n' | b'N' | b'o' | b'O' if is_old_bool(text) => (Plain::Text, YAML11_BOOL),
        b'0'..=b'9' | b'-' | b'+' | b'.' => number(text),
        _ => (Plain::Text, 0),
    }
}

fn is_old_bool(text: &str) -> bool {
    let short = matches!(text, "y" | "Y" | "n" | "N");
    let no = matches!(text, "no" | "No" | "NO" | "off" | "Off" | "OFF");
    short || no || matches!(text, "yes" | "Yes" | "YES" | "on" | "On" | "ON")
}

fn number(text: &str) -> (Plain, u8) {
    if let Some(value) = special(text) {
        return (Plain::Float(value), 0);
    }
    if let Some(value) = radix(text, "0x", 16).or_else(|| radix(text, "0o", 8)) {
        return (Plain::Int(value), 0);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) {
        let flag = if digits.len() > 1 && digits.starts_with('0') { LEADING_ZERO } else { 0 };
        let value = text.parse().map(Plain::Int);
        let float = || text.parse().map_or(Plain::Text, Plain::Float);
        return (value.unwrap_or_else(|_| float()), flag);
    }
    if !is_float(digits) {
        return (Plain::Text, 0);
    }
    (text.parse().map_or(Plain::Text, Plain::Float), 0)
}

fn special(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => None,
    }
}

fn radix(text: &str, prefix: &str, radix: u32) -> Option<i64> {
    let digits = text.strip_prefix(prefix)?;
    let valid = digits.chars().all(|it| it.is_digit(radix));
    valid.then(|| i64::from_str_radix(digits, radix).ok()).flatten()
}

/// Digits, at most one point, at least one digit, and maybe an exponent.
fn is_float(text: &str) -> bool {
    let (number, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_holds = exponent.is_none_or(|it| {
        let it = it.strip_prefix(['-', '+']).unwrap_or(it);
        !it.is_empty() && digits(it)
    });
    digits(whole) && digits(part) && whole.len() + part.len() > 0 && exponent_holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema_decides() {
        let cases = [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("Null", Plain::Null),
            ("nULL", Plain::Text),
            ("TRUE", Plain::Bool(true)),
            ("-12", Plain::Int(-12)),
            ("+7", Plain::Int(7)),
            ("0x1F", Plain::Int(31)),
            ("0o17", Plain::Int(15)),
            ("0x", Plain::Text),
            ("0x+1", Plain::Text),
            ("18446744073709551616", Plain::Float(18446744073709551616.0)),
            ("1.5e3", Plain::Float(1500.0)),
            ("-.5", Plain::Float(-0.5)),
            ("3.", Plain::Float(3.0)),
            (".", Plain::Text),
            ("-", Plain::Text),
            ("1e", Plain::Text),
            ("1.2.3", Plain::Text),
            ("1_000", Plain::Text),
            ("infinity", Plain::Text),
        ];
        for (text, meaning) in cases {
            assert_eq!(resolve(text).0, meaning, "{text}");
        }
    }

    #[test]
    fn readers_of_the_old_version_are_remembered() {
        assert_eq!(resolve("on"), (Plain::Text, YAML11_BOOL));
        assert_eq!(resolve("N"), (Plain::Text, YAML11_BOOL));
        assert_eq!(resolve("nope"), (Plain::Text, 0));
        assert_eq!(resolve("0755"), (Plain::Int(755), LEADING_ZERO));
        assert_eq!(resolve("0"), (Plain::Int(0), 0));
    }
}
