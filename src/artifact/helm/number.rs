//! Numbers as Go writes them.

/// A floating point number as `%v` and `%g` write it: `3`, `1.5`, `1e+06`.
pub fn general(number: f64) -> String {
    written(number, 6)
}

/// A floating point number as JSON writes it: with an exponent only from 1e21 on.
pub fn json(number: f64) -> String {
    written(number, 21)
}

/// A floating point number as YAML writes it after a turn through JSON: whole ones without an
/// exponent.
pub fn yaml(number: f64) -> String {
    let whole = number as i64;
    if whole as f64 == number && (1..1 << 53).contains(&whole.abs()) {
        return whole.to_string();
    }
    if number == number.trunc() && number.abs() < 1e21 { json(number) } else { general(number) }
}

/// With an exponent below -4 and from `exponent_from` on.
fn written(number: f64, exponent_from: i32) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number == 0.0 || (-4..exponent_from).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A text as the number that `int64` makes of it; 0 where it is none.
pub fn whole(text: &str) -> i64 {
    let text = text.trim();
    let text = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|it| it == b'0') => whole,
        _ => text,
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let read = if let Some(hex) = lower.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        i64::from_str_radix(binary, 2)
    } else if lower.len() > 1 && lower.starts_with('0') {
        i64::from_str_radix(lower[1..].trim_start_matches('o'), 8)
    } else {
        lower.parse()
    };
    read.map_or(0, |it| sign * it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_helm_writes_them() {
        let cases = [(3.0, "3"), (1.5, "1.5"), (1e6, "1e+06"), (123456.0, "123456"), (0.1, "0.1")];
        for (number, written) in cases {
            assert_eq!(general(number), written);
        }
        assert_eq!(general(12345678901234567890.0), "1.2345678901234567e+19");
        assert_eq!(general(0.00001), "1e-05");
        let cases = [(1e6, "1000000"), (-7.0, "-7"), (0.0, "0"), (-0.0, "-0"), (0.5, "0.5")];
        for (number, written) in cases {
            assert_eq!(yaml(number), written);
        }
        assert_eq!(yaml(1e21), "1e+21");
        assert_eq!(yaml(1234567.5), "1.2345675e+06");
    }

    #[test]
    fn texts_become_whole_numbers() {
        for (text, number) in [("42", 42), ("-7", -7), ("0x1f", 31), ("0644", 420), ("3.0", 3)] {
            assert_eq!(whole(text), number, "{text}");
        }
        assert_eq!(whole("3.7"), 0);
        assert_eq!(whole("x"), 0);
    }
}
