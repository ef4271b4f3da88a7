//! Functions of our field: quantities, durations, versions, images, and where things are written.
//!
//! What cannot be read as what it should be gives null.

use super::{Machine, Value, Wrong, one_text, texts, wrong};
use crate::artifact::kubernetes;

type Gives<'a> = Result<Value<'a>, Wrong>;

/// A scalar as text: as it was written, where it was written.
fn scalar<'v>(function: &str, value: &'v Value<'_>) -> Result<std::borrow::Cow<'v, str>, Wrong> {
    if let Some(text) = value.as_str() {
        return Ok(text.into());
    }
    match value {
        Value::Node(node) if !node.is_map() && !node.is_seq() => {
            let written = node.written();
            Ok(if written.is_empty() { node.display().into() } else { written.into() })
        }
        Value::Int(_) | Value::Float(_) => Ok(value.display()),
        _ => Err(wrong(function, value)),
    }
}

/// A quantity of Kubernetes as a number: `500m` is 0.5, `1Gi` is 1073741824.
pub(super) fn quantity<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = scalar("quantity", &arguments[0])?;
    Ok(kubernetes::quantity(&text).map_or(Value::Null, Value::Float))
}

/// A duration as seconds: `1h30m`, `500ms`, `30d`; a bare number is seconds.
pub(super) fn duration<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = scalar("duration", &arguments[0])?;
    Ok(read_duration(&text).map_or(Value::Null, Value::Float))
}

fn read_duration(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some(seconds);
    }
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let units = [
            ("ns", 1e-9),
            ("us", 1e-6),
            ("µs", 1e-6),
            ("ms", 1e-3),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
            ("d", 86400.0),
            ("w", 604800.0),
        ];
        let &(unit, factor) = units.iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        seconds += number * factor;
    }
    (!text.is_empty()).then_some(sign * seconds)
}

/// A version as a list of numbers: `v1.2.3` is `[1, 2, 3]`; what comes before a release is less.
pub(super) fn semver<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = scalar("semver", &arguments[0])?;
    let Some(numbers) = read_version(&text) else { return Ok(Value::Null) };
    Ok(Value::list(numbers.into_iter().map(Value::Int)))
}

fn read_version(text: &str) -> Option<Vec<i64>> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split('+').next()?;
    let (release, before) = match text.split_once('-') {
        Some((release, before)) => (release, Some(before)),
        None => (text, None),
    };
    let mut numbers = Vec::new();
    for part in release.split('.') {
        numbers.push(part.parse::<u32>().ok()?.into());
    }
    while numbers.len() < 3 {
        numbers.push(0);
    }
    if before.is_some() {
        numbers.push(-1);
    }
    Some(numbers)
}

/// Whether the glob matches the whole text: `*` and `?` stay within a folder, `**` does not.
pub(super) fn glob<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (pattern, text) = texts("glob", arguments)?;
    machine.burn(pattern.len().saturating_mul(text.len()) / 10)?;
    Ok(matches_glob(pattern, text).into())
}

/// All places in the pattern at once, character by character: never slow, whatever the pattern.
fn matches_glob(pattern: &str, text: &str) -> bool {
    enum Part {
        Letter(char),
        One,
        Within,
        Across,
        Folders,
    }
    let mut parts = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            '*' if letters.next_if_eq(&'*').is_some() => match letters.next_if_eq(&'/') {
                Some(_) => Part::Folders,
                None => Part::Across,
            },
            '*' => Part::Within,
            '?' => Part::One,
            letter => Part::Letter(letter),
        });
    }
    // What may match nothing; folders end at a `/` or are none at all.
    let skip = |open: &mut Vec<bool>, boundary: bool| {
        for at in 0..parts.len() {
            let skips = match parts[at] {
                Part::Within | Part::Across => true,
                Part::Folders => boundary,
                Part::Letter(_) | Part::One => false,
            };
            open[at + 1] |= open[at] && skips;
        }
    };
    let mut open = vec![false; parts.len() + 1];
    open[0] = true;
    skip(&mut open, true);
    for letter in text.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate().filter(|&(at, _)| open[at]) {
            match part {
                Part::Letter(it) if *it == letter => next[at + 1] = true,
                Part::One if letter != '/' => next[at + 1] = true,
                Part::Within if letter != '/' => next[at] = true,
                Part::Across | Part::Folders => next[at] = true,
                _ => {}
            }
        }
        open = next;
        skip(&mut open, letter == '/');
    }
    open[parts.len()]
}

/// The parts of a reference to an image; those that are not written are null, but the registry.
pub(super) fn image<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("image", arguments)?.trim();
    if text.is_empty() || text.contains(['$', '{', ' ']) {
        return Ok(Value::Null);
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let (registry, name) = match path.split_once('/') {
        Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => (host, name),
        _ => ("docker.io", path),
    };
    let maybe = |it: Option<&str>| it.map_or(Value::Null, Value::text);
    Ok(Value::map([
        ("registry", Value::text(registry)),
        ("name", Value::text(name)),
        ("tag", maybe(tag)),
        ("digest", maybe(digest)),
    ]))
}

/// How many bits a character of the text carries on average.
pub(super) fn entropy<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("entropy", arguments)?;
    machine.burn(text.len() / 10)?;
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[byte as usize] += 1;
    }
    let total = text.len() as f64;
    let bits = counts.iter().filter(|&&count| count > 0).map(|&count| {
        let share = f64::from(count) / total;
        -share * share.log2()
    });
    Ok(Value::Float(bits.sum()))
}

/// The text that is encoded.
pub(super) fn base64<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("base64", arguments)?;
    match decode(text).and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => machine.made(text),
        None => Ok(Value::Null),
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for letter in text.trim_end_matches(['=', '\n']).bytes().filter(|it| !it.is_ascii_whitespace())
    {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    (held < 6).then_some(bytes)
}

pub(super) fn line<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let node = arguments[0].as_node().or_else(|| machine.blame());
    Ok(node.map_or(Value::Null, |node| Value::Int(node.start().line.into())))
}

pub(super) fn key<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    Ok(match arguments[0].as_node() {
        Some(node) if !node.key().is_empty() => Value::Str(node.key()),
        _ => Value::Null,
    })
}

pub(super) fn written<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    Ok(match arguments[0].as_node() {
        Some(node) if !node.is_map() && !node.is_seq() => {
            let written = node.written();
            if written.is_empty() { Value::text(node.display()) } else { Value::Str(written) }
        }
        Some(_) => Value::Null,
        None => arguments[0].clone(),
    })
}

pub(super) fn text<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    machine.made(arguments[0].display().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_numbers() {
        assert_eq!(kubernetes::quantity("500m"), Some(0.5));
        assert_eq!(kubernetes::quantity("1Gi"), Some(1073741824.0));
        assert_eq!(kubernetes::quantity("12e6"), Some(12e6));
        assert_eq!(kubernetes::quantity("1E"), Some(1e18));
        assert_eq!(kubernetes::quantity("-1k"), Some(-1000.0));
        assert_eq!(kubernetes::quantity("2"), Some(2.0));
        assert_eq!(kubernetes::quantity("lots"), None);
        assert_eq!(kubernetes::quantity("1gb"), None);
        assert_eq!(kubernetes::quantity(""), None);
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(read_duration("1h30m"), Some(5400.0));
        assert_eq!(read_duration("500ms"), Some(0.5));
        assert_eq!(read_duration("30d"), Some(30.0 * 86400.0));
        assert_eq!(read_duration("7"), Some(7.0));
        assert_eq!(read_duration("-2s"), Some(-2.0));
        assert_eq!(read_duration("soon"), None);
        assert_eq!(read_duration("5"), Some(5.0));
        assert_eq!(read_duration(""), None);
        assert_eq!(read_duration("NaN"), None);
    }

    #[test]
    fn versions_are_lists_of_numbers() {
        assert_eq!(read_version("v1.2.3"), Some(vec![1, 2, 3]));
        assert_eq!(read_version("1.20"), Some(vec![1, 20, 0]));
        assert_eq!(read_version("1.2.3-rc.1+build"), Some(vec![1, 2, 3, -1]));
        assert_eq!(read_version("latest"), None);
    }

    #[test]
    fn globs_stay_within_a_folder_or_do_not() {
        assert!(matches_glob("*.rs", "main.rs"));
        assert!(!matches_glob("*.rs", "src/main.rs"));
        assert!(matches_glob("**/*.rs", "src/a/main.rs"));
        assert!(matches_glob("**/*.rs", "main.rs"));
        assert!(!matches_glob("**/main.rs", "src/amain.rs"));
        assert!(matches_glob("a?c", "abc"));
        assert!(!matches_glob("a?c", "a/c"));
        assert!(matches_glob("src/**", "src/a/b"));
        let (pattern, text) = ("*a".repeat(500), "a".repeat(5000) + "b");
        assert!(!matches_glob(&pattern, &text));
    }

    #[test]
    fn base64_is_decoded_or_refused() {
        assert_eq!(decode("aGVsbG8=").as_deref(), Some(b"hello".as_slice()));
        assert_eq!(decode("aGVsbG8").as_deref(), Some(b"hello".as_slice()));
        assert_eq!(decode("not base64!"), None);
        assert_eq!(decode("a"), None);
    }
}
