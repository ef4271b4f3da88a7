//! The grammar of GNU make's language: logical lines, words, assignments; text only, no meaning.
//!
//! The functions follow the reader of GNU make 4.3 step by step, because what a line is depends on
//! the order of its attempts: recipe, assignment, conditional, directive, rule.

use std::borrow::Cow;

/// One logical line: a physical line with those that its backslashes join to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The text, line breaks of continuations included, without the last one.
    pub text: &'a str,
    /// Where it starts, in bytes.
    pub start: usize,
    /// The number of its first physical line, from 1.
    pub number: u32,
    /// How many physical lines it has.
    pub height: u32,
}

/// The logical lines of a text.
pub struct Lines<'a> {
    text: &'a str,
    at: usize,
    number: u32,
}

impl<'a> Lines<'a> {
    /// The lines of `text`, numbered from 1.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, number: 1 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.at >= self.text.len() {
            return None;
        }
        let (start, number) = (self.at, self.number);
        let mut end;
        loop {
            let rest = &self.text[self.at..];
            let width = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            end = self.at + width;
            self.at = (end + 1).min(self.text.len());
            self.number += 1;
            let physical = rest[..width].strip_suffix('\r').unwrap_or(&rest[..width]);
            if !ends_escaped(physical) || self.at >= self.text.len() {
                break;
            }
        }
        let text = &self.text[start..end];
        let text = text.strip_suffix('\r').unwrap_or(text);
        // At the end of the file there is nothing to join.
        let joins_nothing = self.at >= self.text.len() && ends_escaped(text);
        let text = if joins_nothing { &text[..text.len() - 1] } else { text };
        Some(Line { text, start, number, height: self.number - number })
    }
}

/// Whether the text ends with an odd number of backslashes.
fn ends_escaped(text: &str) -> bool {
    text.len().wrapping_sub(text.trim_end_matches('\\').len()) % 2 == 1
}

/// Whether it is a space or a tab.
pub fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Without the whitespace in front of it.
pub fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// The first word and what follows it, spaces in front skipped on both.
pub fn first_word(text: &str) -> (&str, &str) {
    let text = skip_space(text);
    let end = text.find(|it: char| it.is_ascii_whitespace()).unwrap_or(text.len());
    (&text[..end], skip_space(&text[end..]))
}

/// Joins continued lines: a line break after an odd number of backslashes, and the space around
/// it, becomes one space; the backslashes in front are halved.
pub fn join_continuations(text: &str) -> Cow<'_, str> {
    if !text.contains("\\\n") && !text.contains("\\\r\n") {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\n') {
        let line = &rest[..at];
        let kept = line.trim_end_matches('\\');
        let slashes = line.len() - kept.len();
        out.push_str(kept);
        out.extend(std::iter::repeat_n('\\', slashes / 2));
        if slashes % 2 == 1 {
            out.truncate(out.trim_end_matches([' ', '\t']).len());
            out.push(' ');
            rest = rest[at + 1..].trim_start_matches([' ', '\t']);
        } else {
            out.push('\n');
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The parenthesis or brace that closes the one at `open`.
pub fn closing(text: &[u8], open: usize) -> Option<usize> {
    let (opens, closes) = match text[open] {
        b'(' => (b'(', b')'),
        _ => (b'{', b'}'),
    };
    let mut depth = 0usize;
    for (at, &byte) in text.iter().enumerate().skip(open) {
        if byte == opens {
            depth += 1;
        } else if byte == closes {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Finds the first of `stops` that no backslash quotes, and takes the quoting away on the way: of
/// the backslashes before a stop half remain. `past_references` skips `$(…)` and `${…}`.
pub fn find_unquoted(
    text: &mut String,
    from: usize,
    stops: &[u8],
    past_references: bool,
) -> Option<usize> {
    let mut at = from;
    while at < text.len() {
        let bytes = text.as_bytes();
        if past_references && bytes[at] == b'$' {
            at = after_reference(bytes, at);
            continue;
        }
        if !stops.contains(&bytes[at]) {
            at += 1;
            continue;
        }
        let slashes = bytes[from..at].iter().rev().take_while(|&&it| it == b'\\').count();
        let first = at - slashes;
        text.replace_range(first..at - slashes / 2, "");
        at = first + slashes / 2;
        if slashes % 2 == 0 {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The first byte after the reference that starts with the `$` at `at`.
fn after_reference(text: &[u8], at: usize) -> usize {
    match text.get(at + 1) {
        Some(b'(' | b'{') => closing(text, at + 1).map_or(text.len(), |it| it + 1),
        Some(b'$') => at + 2,
        Some(_) => at + 1,
        None => text.len(),
    }
}

/// Cuts a comment off; a `#` inside a reference does not start one, `\#` is a `#`.
pub fn cut_comment(text: &mut String) {
    if !text.contains('#') {
        return;
    }
    if let Some(at) = find_unquoted(text, 0, b"#", true) {
        text.truncate(at);
    }
}

/// The words of a text, in which a backslash quotes a space.
pub fn split_names(text: &str) -> Vec<String> {
    let (mut names, mut name, mut slashes) = (Vec::new(), String::new(), 0);
    for it in text.chars() {
        if it == '\\' {
            slashes += 1;
            continue;
        }
        let is_space = it.is_ascii_whitespace();
        let kept = if is_space { slashes / 2 } else { slashes };
        name.extend(std::iter::repeat_n('\\', kept));
        if !is_space || slashes % 2 == 1 {
            name.push(it);
        } else if !name.is_empty() {
            names.push(std::mem::take(&mut name));
        }
        slashes = 0;
    }
    name.extend(std::iter::repeat_n('\\', slashes));
    if !name.is_empty() {
        names.push(name);
    }
    names
}

/// The kinds of assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Recursive,
    /// `:=`, `::=` and `:::=`
    Simple,
    /// `?=`
    Conditional,
    /// `+=`
    Append,
    /// `!=`
    Shell,
}

impl Operator {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Recursive => "=",
            Self::Simple => ":=",
            Self::Conditional => "?=",
            Self::Append => "+=",
            Self::Shell => "!=",
        }
    }
}

/// What an assignment says, unexpanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// The left side.
    pub name: &'a str,
    /// The operator.
    pub operator: Operator,
    /// The right side, without the space in front.
    pub value: &'a str,
}

/// Reads `name = value`, if the text is one: no space in the name outside of references.
pub fn assignment(text: &str) -> Option<Assignment<'_>> {
    let text = skip_space(text);
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut end = None;
    loop {
        let mut byte = *bytes.get(at)?;
        at += 1;
        if byte == b'#' {
            return None;
        }
        if byte == b'$' {
            at = after_reference(bytes, at - 1).max(at + 1);
            continue;
        }
        if is_blank(byte) {
            end = Some(at - 1);
            while bytes.get(at).copied().is_some_and(is_blank) {
                at += 1;
            }
            byte = *bytes.get(at)?;
            at += 1;
        }
        let found = |operator, width: usize| {
            let name = &text[..end.unwrap_or(at - 1)];
            Some(Assignment { name, operator, value: skip_space(&text[at - 1 + width..]) })
        };
        let next = bytes.get(at).copied();
        match (byte, next) {
            (b'=', _) => return found(Operator::Recursive, 1),
            (b'+', Some(b'=')) => return found(Operator::Append, 2),
            (b'?', Some(b'=')) => return found(Operator::Conditional, 2),
            (b'!', Some(b'=')) => return found(Operator::Shell, 2),
            (b':', Some(b'=')) => return found(Operator::Simple, 2),
            (b':', Some(b':')) if bytes.get(at + 1) == Some(&b'=') => {
                return found(Operator::Simple, 3);
            }
            (b':', Some(b':')) if bytes[at + 1..].starts_with(b":=") => {
                return found(Operator::Simple, 4);
            }
            (b':', _) => return None,
            _ if end.is_some() => return None,
            _ => {}
        }
    }
}

/// What stands in front of an assignment, and the assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition<'a> {
    /// `override`
    pub overrides: bool,
    /// `export`
    pub exports: bool,
    /// What follows the modifiers.
    pub body: DefinitionBody<'a>,
}

/// The forms of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefinitionBody<'a> {
    /// `name = value`
    Assign(Assignment<'a>),
    /// `define …`: the rest of its line
    Define(&'a str),
    /// `undefine …`: the rest of its line
    Undefine(&'a str),
}

/// Reads a definition of a variable, if the line is one. `for_target`: after the colon of a rule,
/// where `define` and `undefine` are ordinary words.
pub fn definition(line: &str, for_target: bool) -> Option<Definition<'_>> {
    let (mut overrides, mut exports) = (false, false);
    let mut rest = skip_space(line);
    while !rest.is_empty() {
        let found = |body| Some(Definition { overrides, exports, body });
        // Behind a colon, `\=` is a part of a prerequisite's name.
        let is_quoted = |it: &Assignment<'_>| for_target && it.name.ends_with('\\');
        if let Some(it) = assignment(rest).filter(|it| !is_quoted(it)) {
            return found(DefinitionBody::Assign(it));
        }
        let (word, after) = first_word(rest);
        match word {
            "export" => exports = true,
            "override" => overrides = true,
            "private" => {}
            "define" if !for_target => return found(DefinitionBody::Define(after)),
            "undefine" if !for_target => return found(DefinitionBody::Undefine(after)),
            _ => return None,
        }
        rest = after;
    }
    None
}

/// The kinds of word in a rule's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The end of the line.
    End,
    /// `:` or `::` or `&:`
    Colon,
    /// An operator or a `;`
    Operator,
    /// Anything else.
    Text,
}

/// The next word at or after `from`: its kind, its start and its end.
pub fn next_word(text: &str, from: usize) -> (Word, usize, usize) {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut start = from;
    while is_blank(at(start)) {
        start += 1;
    }
    match (at(start), at(start + 1)) {
        (0, _) if start >= bytes.len() => return (Word::End, start, start),
        (b';' | b'=', _) => return (Word::Operator, start, start + 1),
        (b':', b':') if at(start + 2) == b'=' => return (Word::Operator, start, start + 3),
        (b':', b'=') | (b'+' | b'?' | b'!', b'=') => return (Word::Operator, start, start + 2),
        (b':', b':') => return (Word::Colon, start, start + 2),
        (b':', _) => return (Word::Colon, start, start + 1),
        (b'&', b':') if at(start + 2) == b':' => return (Word::Colon, start, start + 3),
        (b'&', b':') => return (Word::Colon, start, start + 2),
        _ => {}
    }
    let mut end = start;
    while end < bytes.len() {
        match (bytes[end], at(end + 1)) {
            (byte, _) if byte.is_ascii_whitespace() => break,
            (b'=' | b':', _) | (b'?' | b'+', b'=') | (b'&', b':') => break,
            (b'$', b'(' | b'{') => {
                end = closing(bytes, end + 1).map_or(bytes.len(), |it| it + 1);
                continue;
            }
            (b'$', next) if next != 0 && next.is_ascii() => end += 1,
            (b'\\', b':' | b';' | b'=' | b'\\') => end += 1,
            _ => {}
        }
        end += 1;
    }
    (Word::Text, start, end.min(bytes.len()))
}

/// Splits the arguments of a function at commas outside of nested parentheses of its own kind; the
/// last of `most` arguments (0: any number) keeps its commas.
pub fn arguments(text: &str, brace: bool, most: usize) -> Vec<&str> {
    let (opens, closes) = if brace { (b'{', b'}') } else { (b'(', b')') };
    let (mut out, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        if byte == opens {
            depth += 1;
        } else if byte == closes {
            depth = depth.saturating_sub(1);
        } else if byte == b',' && depth == 0 && (most == 0 || out.len() + 1 < most) {
            out.push(&text[start..at]);
            start = at + 1;
        }
    }
    out.push(&text[start..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join_after_an_odd_number_of_backslashes() {
        let lines: Vec<_> =
            Lines::new("a \\\n  b\nc\\\\\r\nd").map(|it| (it.number, it.text)).collect();
        assert_eq!(lines, [(1, "a \\\n  b"), (3, "c\\\\"), (4, "d")]);
        assert_eq!(join_continuations("a \\\n  b"), "a b");
        assert_eq!(join_continuations("a\\\\\\\nb"), "a\\ b");
    }

    #[test]
    fn comments_end_lines_but_not_inside_references() {
        let cut = |text: &str| {
            let mut text = text.to_owned();
            cut_comment(&mut text);
            text
        };
        assert_eq!(cut("a $(subst x,#,y) # b"), "a $(subst x,#,y) ");
        assert_eq!(cut(r"a\#b\\#c"), r"a#b\");
    }

    #[test]
    fn an_assignment_is_told_from_a_rule() {
        let read = |text| assignment(text).map(|it| (it.name, it.operator, it.value));
        assert_eq!(read("A:=b c "), Some(("A", Operator::Simple, "b c ")));
        assert_eq!(read(" A ::= b"), Some(("A", Operator::Simple, "b")));
        assert_eq!(read("$(a b)x += c"), Some(("$(a b)x", Operator::Append, "c")));
        assert_eq!(read("a: b = c"), None);
        assert_eq!(read("a b = c"), None);
        assert_eq!(read("a = b"), Some(("a", Operator::Recursive, "b")));
        assert_eq!(read("$"), None);
        let found = definition("override export A = b", false).expect("a definition");
        assert!(found.overrides && found.exports);
        assert!(definition("export A", false).is_none());
    }

    #[test]
    fn words_of_a_rule_end_at_colons() {
        assert_eq!(next_word("a: b", 0), (Word::Text, 0, 1));
        assert_eq!(next_word("a: b", 1), (Word::Colon, 1, 2));
        assert_eq!(next_word("$(a:b=c) &: d", 0), (Word::Text, 0, 8));
        assert_eq!(next_word("$(a:b=c) &: d", 8), (Word::Colon, 9, 11));
        assert_eq!(next_word("a  ", 1), (Word::End, 3, 3));
    }

    #[test]
    fn names_split_at_spaces_that_are_not_quoted() {
        assert_eq!(split_names(r" a\ b  c "), ["a b", "c"]);
    }

    #[test]
    fn arguments_split_at_the_outer_commas() {
        assert_eq!(arguments("a,(b,c),d,e", false, 3), ["a", "(b,c)", "d,e"]);
    }
}
