//! Functions of text.

use super::{Machine, Regex, Value, Wrong, count, items, kind_name, one_text, texts, wrong};

type Gives<'a> = Result<Value<'a>, Wrong>;

pub(super) fn contains<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, part) = texts("contains", arguments)?;
    Ok(text.contains(part).into())
}

pub(super) fn starts_with<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, part) = texts("startsWith", arguments)?;
    Ok(text.starts_with(part).into())
}

pub(super) fn ends_with<'a>(_: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, part) = texts("endsWith", arguments)?;
    Ok(text.ends_with(part).into())
}

/// A pattern that is only known now; those that rules spell out are compiled once.
pub(super) fn matches<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, pattern) = texts("matches", arguments)?;
    machine.burn(100 + pattern.len() + text.len() / 10)?;
    let pattern = Regex::new(pattern)
        .map_err(|_| Wrong::new(format!("`{pattern}` is not a regular expression")))?;
    Ok(pattern.is_match(text).into())
}

pub(super) fn lower_ascii<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("lowerAscii", arguments)?;
    machine.made(text.to_ascii_lowercase())
}

pub(super) fn upper_ascii<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("upperAscii", arguments)?;
    machine.made(text.to_ascii_uppercase())
}

pub(super) fn trim<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("trim", arguments)?;
    match arguments[0].as_borrowed() {
        Some(text) => Ok(Value::Str(text.trim())),
        None => machine.made(text.trim().to_owned()),
    }
}

pub(super) fn replace<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, from) = texts("replace", arguments)?;
    let Some(to) = arguments[2].as_str() else { return Err(wrong("replace", &arguments[2])) };
    let limit = match arguments.get(3) {
        Some(limit) => usize::try_from(count("replace", limit)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let found = if from.is_empty() { text.len() + 1 } else { text.matches(from).count() };
    machine.burn(text.len() / 10 + found.min(limit).saturating_mul(to.len()) / 10)?;
    machine.made(text.replacen(from, to, limit))
}

pub(super) fn split<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, by) = texts("split", arguments)?;
    machine.burn(text.len() / 10)?;
    let limit = match arguments.get(2) {
        Some(limit) => usize::try_from(count("split", limit)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let parts: Vec<Value<'a>> = match arguments[0].as_borrowed() {
        Some(text) => pieces(text, by, limit).map(Value::Str).collect(),
        None => pieces(text, by, limit).map(Value::text).collect(),
    };
    machine.burn(parts.len())?;
    Ok(Value::list(parts))
}

/// At most so many parts of a text, the last with all that is left; letters, if nothing parts them.
fn pieces<'t>(text: &'t str, by: &str, limit: usize) -> Box<dyn Iterator<Item = &'t str> + 't> {
    let mut letters = by.chars();
    match (letters.next(), letters.next()) {
        _ if limit == 0 => Box::new(std::iter::empty()),
        (None, _) => {
            let starts = text.char_indices().map(|it| it.0).take(limit);
            let mut ends = starts.clone().skip(1).chain([text.len()]);
            Box::new(starts.map(move |at| &text[at..ends.next().unwrap_or(at)]))
        }
        // One letter is found faster than a text.
        (Some(letter), None) => Box::new(text.splitn(limit, letter)),
        _ => {
            let parts: Vec<_> = text.splitn(limit, by).collect();
            Box::new(parts.into_iter())
        }
    }
}

/// The byte at which the character with this number starts; the end counts too.
fn offset(text: &str, number: i64) -> Option<usize> {
    let number = usize::try_from(number).ok()?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(number)
}

pub(super) fn substring<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("substring", arguments)?;
    machine.burn(text.len() / 10)?;
    let start = offset(text, count("substring", &arguments[1])?);
    let end = match arguments.get(2) {
        Some(end) => offset(text, count("substring", end)?),
        None => Some(text.len()),
    };
    match (start, end) {
        (Some(start), Some(end)) if start <= end => machine.made(text[start..end].to_owned()),
        _ => Ok(Value::Null),
    }
}

pub(super) fn char_at<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let text = one_text("charAt", arguments)?;
    machine.burn(text.len() / 10)?;
    let at = offset(text, count("charAt", &arguments[1])?);
    let letter = at.map(|at| text[at..].chars().take(1).collect::<String>());
    Ok(letter.map_or(Value::Null, Value::text))
}

pub(super) fn index_of<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, part) = texts("indexOf", arguments)?;
    machine.burn(text.len() / 10)?;
    let from = arguments.get(2).map_or(Ok(0), |it| count("indexOf", it))?;
    let Some(from) = offset(text, from) else { return Ok(Value::Null) };
    Ok(Value::Int(number_of(text, text[from..].find(part).map(|at| at + from))))
}

pub(super) fn last_index_of<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let (text, part) = texts("lastIndexOf", arguments)?;
    machine.burn(text.len() / 10)?;
    Ok(Value::Int(number_of(text, text.rfind(part))))
}

/// The number of the character at a byte; -1 for none.
fn number_of(text: &str, at: Option<usize>) -> i64 {
    at.map_or(-1, |at| text[..at].chars().count() as i64)
}

pub(super) fn format<'a>(machine: &mut Machine<'a>, arguments: &[Value<'a>]) -> Gives<'a> {
    let template = one_text("format", arguments)?;
    let mut values = items(&arguments[1]).ok_or_else(|| wrong("format", &arguments[1]))?;
    let (mut out, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let precision = rest
            .strip_prefix('.')
            .map_or("", |it| &it[..it.find(|it: char| !it.is_ascii_digit()).unwrap_or(it.len())]);
        rest = &rest[if rest.starts_with('.') { precision.len() + 1 } else { 0 }..];
        let Some(verb) = rest.chars().next() else {
            return Err(Wrong::new("`format` with a `%` at the end".to_owned()));
        };
        rest = &rest[verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = values.next() else {
            return Err(Wrong::new("`format` with too few values".to_owned()));
        };
        machine.burn(1 + out.len() / 100)?;
        out.push_str(&formatted(verb, precision, &value)?);
    }
    out.push_str(rest);
    machine.made(out)
}

fn formatted(verb: char, precision: &str, value: &Value<'_>) -> Result<String, Wrong> {
    let places = precision.parse().unwrap_or(6).min(100);
    Ok(match (verb, value.load()) {
        ('s', value) => value.display().into_owned(),
        ('d', Value::Int(it)) => it.to_string(),
        ('x', Value::Int(it)) => format!("{it:x}"),
        ('X', Value::Int(it)) => format!("{it:X}"),
        ('o', Value::Int(it)) => format!("{it:o}"),
        ('b', Value::Int(it)) => format!("{it:b}"),
        ('f', Value::Int(it)) => format!("{:.places$}", it as f64),
        ('f', Value::Float(it)) => format!("{it:.places$}"),
        ('d', Value::Float(it)) => it.to_string(),
        (verb, value) => {
            let kind = kind_name(&value);
            return Err(Wrong::new(format!("`format` cannot show {kind} as `%{verb}`")));
        }
    })
}
