//! Variables in words: `$NAME`, `${NAME}`, `${NAME:-word}`; which are used, and what comes of them.

use std::ops::Range;

use crate::parse::dockerfile::unquoted;

/// A use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use<'a> {
    /// Its name.
    pub name: &'a str,
    /// All of it, `$` and braces included.
    pub range: Range<usize>,
    /// What stands behind the name in braces: `:-word`, …; empty without one.
    pub modifier: &'a str,
}

/// How deep a default may hold variables with defaults.
const DEEPEST: u8 = 8;

/// The uses of variables in a word that quotes and escapes do not hide.
pub fn uses(word: &str, escape: u8) -> Vec<Use<'_>> {
    let bytes = word.as_bytes();
    if !bytes.contains(&b'$') {
        return Vec::new();
    }
    let (mut at, mut found, mut single, mut double) = (0, Vec::new(), false, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\'' if !double => single = !single,
            b'"' if !single => double = !double,
            it if it == escape && !single => at += 1,
            b'$' if !single => {
                if let Some(it) = use_at(word, at) {
                    at = it.range.end;
                    found.push(it);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The names of the variables in a word, whatever is quoted.
pub fn names(word: &str) -> impl Iterator<Item = &str> {
    word.match_indices('$').filter_map(|(at, _)| {
        let it = use_at(word, at)?;
        it.modifier.is_empty().then_some(it.name)
    })
}

fn use_at(word: &str, at: usize) -> Option<Use<'_>> {
    let rest = &word[at + 1..];
    let name_of = |text: &str| {
        text.bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count()
    };
    if let Some(inner) = rest.strip_prefix('{') {
        let mut depth = 1;
        let close = inner.bytes().position(|it| {
            match it {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        let length = name_of(inner);
        (length > 0).then(|| Use {
            name: &inner[..length],
            range: at..at + close + 3,
            modifier: &inner[length.min(close)..close],
        })
    } else {
        let length = name_of(rest);
        let name = &rest[..length];
        (length > 0 && !name.as_bytes()[0].is_ascii_digit()).then(|| Use {
            name,
            range: at..at + 1 + length,
            modifier: "",
        })
    }
}

/// The word with the variables replaced that `value` knows; without quotes. The second part says
/// whether every variable was known or had a default.
pub fn expand(word: &str, escape: u8, value: &dyn Fn(&str) -> Option<String>) -> (String, bool) {
    if !word.contains('$') {
        return (unquoted(word, escape).into_owned(), true);
    }
    let (text, known) = expand_deep(word, escape, value, 0);
    (unquoted(&text, escape).into_owned(), known)
}

fn expand_deep(
    word: &str,
    escape: u8,
    value: &dyn Fn(&str) -> Option<String>,
    depth: u8,
) -> (String, bool) {
    let (mut text, mut at, mut all_known) = (String::new(), 0, true);
    for it in uses(word, escape) {
        text.push_str(&word[at..it.range.start]);
        at = it.range.end;
        let known = value(it.name);
        let is_set = known
            .as_deref()
            .is_some_and(|value| !it.modifier.starts_with(':') || !value.is_empty());
        let mut letters = it.modifier.trim_start_matches(':').chars();
        let kind = letters.next();
        let default = letters.as_str();
        match kind {
            Some('-') if !is_set && depth < DEEPEST => {
                let (value, known) = expand_deep(default, escape, value, depth + 1);
                text.push_str(&value);
                all_known &= known;
            }
            Some('+') if depth < DEEPEST => {
                if is_set {
                    text.push_str(&expand_deep(default, escape, value, depth + 1).0);
                }
            }
            None | Some('-' | '?') => match known {
                Some(value) => text.push_str(&value),
                None => all_known = false,
            },
            _ => {
                text.push_str(known.as_deref().unwrap_or(""));
                all_known = false;
            }
        }
    }
    text.push_str(&word[at..]);
    (text, all_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_found_where_they_count() {
        let found: Vec<_> = uses(r#"$A'$B'"${C}\$D"${E:-$F}$1$$G"#, b'\\')
            .iter()
            .map(|it| it.name.to_owned())
            .collect();
        assert_eq!(found, ["A", "C", "E", "G"]);
        assert_eq!(names("a-${B}-$C${D:-x}").collect::<Vec<_>>(), ["B", "C"]);
        assert!(uses("${", b'\\').is_empty() && uses("${}", b'\\').is_empty());
    }

    #[test]
    fn defaults_apply_where_nothing_is_set() {
        let value = |name: &str| match name {
            "A" => Some("x".to_owned()),
            "E" => Some(String::new()),
            _ => None,
        };
        let expand = |text: &str| expand(text, b'\\', &value);
        assert_eq!(expand("r/${A}:${B:-1${A}}"), ("r/x:1x".to_owned(), true));
        assert_eq!(expand("${E:-y}${E-z}${A:+w}"), ("yw".to_owned(), true));
        assert_eq!(expand("a$B"), ("a".to_owned(), false));
        assert_eq!(expand("\"$A\"b"), ("xb".to_owned(), true));
    }
}
