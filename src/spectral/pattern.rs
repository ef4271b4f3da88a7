//! Regular expressions as JavaScript writes them, run by engines that cannot run away.
//!
//! What has neither look-around nor back-references runs in linear time; the rest backtracks a
//! bounded number of steps.

use std::iter::Peekable;
use std::str::Chars;

/// How many steps back one search may take.
const MAX_STEPS: usize = 200_000;
/// How large one compiled expression may be.
const MAX_SIZE: usize = 4 << 20;

/// A compiled regular expression.
#[derive(Debug)]
pub enum Pattern {
    /// Without look-around: linear.
    Plain(regex::Regex),
    /// With look-around or back-references: bounded.
    Fancy(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// Compiles what stands in a ruleset: `^a`, or `/^a/i` with flags.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn written(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('/').and_then(|it| it.rsplit_once('/'));
        match inner {
            Some((body, flags))
                if !body.is_empty() && flags.bytes().all(|it| it.is_ascii_lowercase()) =>
            {
                Self::new(body, flags)
            }
            _ => Self::new(text, ""),
        }
    }

    /// Compiles the body of an expression with its flags.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(body: &str, flags: &str) -> Result<Self, String> {
        if let Some(other) = flags.chars().find(|it| !"dgimsuy".contains(*it)) {
            return Err(format!("`{other}` is no flag of a regular expression"));
        }
        let text = translated(body, flags);
        let plain = regex::RegexBuilder::new(&text)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .size_limit(MAX_SIZE)
            .build();
        if let Ok(plain) = plain {
            return Ok(Self::Plain(plain));
        }
        let fancy = fancy_regex::RegexBuilder::new(&text)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .backtrack_limit(MAX_STEPS)
            .delegate_size_limit(MAX_SIZE)
            .build();
        let reason = |_| format!("`{body}` is no regular expression that we can run");
        fancy.map(|it| Self::Fancy(Box::new(it))).map_err(reason)
    }

    /// Whether it matches somewhere; nothing where that needs too many steps.
    pub fn matches(&self, text: &str) -> Option<bool> {
        match self {
            Self::Plain(it) => Some(it.is_match(text)),
            Self::Fancy(it) => it.is_match(text).ok(),
        }
    }
}

/// JavaScript's expression in the syntax of our engines.
fn translated(body: &str, flags: &str) -> String {
    let mut out = String::with_capacity(body.len() + 8);
    let mut rest = body.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, &mut out, flags, false),
            '.' if flags.contains('s') => out.push_str(r"[\s\S]"),
            '.' => out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            '[' => class(&mut rest, &mut out, flags),
            '{' if !is_count(&rest) => out.push_str(r"\{"),
            '{' => {
                out.push('{');
                for c in rest.by_ref() {
                    out.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
            '}' | ']' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Whether what follows a brace is `3}`, `3,}` or `3,5}`.
fn is_count(rest: &Peekable<Chars<'_>>) -> bool {
    let text: String = rest.clone().take(24).collect();
    let Some((inside, _)) = text.split_once('}') else { return false };
    let (from, to) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    !from.is_empty() && digits(from) && digits(to)
}

fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String, flags: &str) {
    let negated = rest.next_if_eq(&'^').is_some();
    if rest.next_if_eq(&']').is_some() {
        out.push_str(if negated { r"[\s\S]" } else { r"[^\s\S]" });
        return;
    }
    out.push_str(if negated { "[^" } else { "[" });
    while let Some(c) = rest.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => escape(rest, out, flags, true),
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if rest.peek() == Some(&'-') => out.push_str(r"\-"),
            _ => out.push(c),
        }
    }
}

/// What follows a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String, flags: &str, in_class: bool) {
    let Some(c) = rest.next() else { return out.push_str(r"\\") };
    let set = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        _ => "",
    };
    match c {
        'd' | 'w' if in_class => out.push_str(set),
        'd' | 'w' => out.push_str(&format!("[{set}]")),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' | 'S' | 'n' | 'r' | 't' | 'f' | 'v' | 'x' => {
            out.push('\\');
            out.push(c);
        }
        'b' if in_class => out.push_str(r"\x08"),
        'b' | 'B' | 'k' | '1'..='9' => {
            out.push('\\');
            out.push(c);
        }
        'p' | 'P' if flags.contains('u') => {
            out.push('\\');
            out.push(c);
        }
        '0' => out.push_str(r"\x00"),
        'u' => unicode(rest, out),
        _ if c.is_ascii_alphanumeric() => out.push(c),
        _ => out.push_str(&regex::escape(&c.to_string())),
    }
}

/// `\u00e9`, `\u{e9}`, and pairs of surrogates.
fn unicode(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let text: String = rest.clone().take(12).collect();
    if let Some((inside, _)) = text.strip_prefix('{').and_then(|it| it.split_once('}')) {
        out.push_str(&format!(r"\x{{{inside}}}"));
        rest.nth(inside.len() + 1);
        return;
    }
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let Some(first) = unit(0) else { return out.push('u') };
    let second = text.get(4..6).filter(|it| *it == r"\u").and_then(|_| unit(6));
    let (code, used) = match (first, second) {
        (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
            (0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00), 10)
        }
        _ => (first, 4),
    };
    rest.nth(used - 1);
    out.push_str(&format!(r"\x{{{code:x}}}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_javascript_means() {
        for (pattern, text, expected) in [
            ("^[a-z]+$", "abc", true),
            ("/^ABC$/i", "abc", true),
            (r"^\d+$", "١٢", false),
            (r"^[\w-]+$", "a_b-c", true),
            ("^/(?!v1)", "/v2", true),
            ("(?<=/)x", "/x", true),
            ("(?<=/)x", "x", false),
            ("{id}", "/a/{id}", true),
            ("[[]", "[", true),
            (r"^(\w)\1$", "aa", true),
            (r"a\/b", "a/b", true),
            (r"^\u00e9$", "é", true),
            (r"\ud83d\ude00", "😀", true),
            ("[^]", "\n", true),
            ("a{2}", "aa", true),
        ] {
            assert_eq!(
                Pattern::written(pattern).unwrap().matches(text),
                Some(expected),
                "{pattern}"
            );
        }
        assert!(Pattern::written("(").is_err());
    }

    #[test]
    fn an_expression_that_runs_away_is_stopped() {
        let evil = Pattern::written(r"^(?=(a+)+$)(?!x)(a|a)*\1b$").unwrap();
        assert_eq!(evil.matches(&"a".repeat(60)), None);
    }
}
