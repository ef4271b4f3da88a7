//! Template files: read once into trees whose literal texts know where they were written.
//!
//! The grammar is Go's `text/template`, as the `gotmpl` crate parses it. Before that, comments are
//! blanked (the crate trims after `{{- /* … */}}`, Go does not) and what could nest too deep for
//! its recursive parser is refused.

use std::{collections::HashMap, ops::Range, sync::Arc};

use gotmpl::parse::{DefineNode, ListNode, Parser, TextNode};

use super::data::Failure;
use crate::document::Trouble;

/// How many blocks and `else if` may be inside each other.
const DEEPEST: usize = 120;
/// Longer templates are not read.
const LONGEST: usize = 2 << 20;
/// Of a longer literal text or comment only both ends are parsed.
const LONG: usize = 16;

/// One template file, or one text that `tpl` was given.
#[derive(Debug)]
pub struct File {
    /// Its name as templates know it: `chart/templates/deployment.yaml`.
    pub name: String,
    /// Its text, with comments blanked: every byte lies where it was written.
    pub text: String,
    /// What it prints.
    pub body: Arc<ListNode>,
    /// Where the text that was parsed goes on after what was left out, and how much was left out
    /// up to there.
    gaps: Vec<(usize, usize)>,
}

impl File {
    /// Where in its text an offset of the parser is.
    pub fn offset(&self, parsed: usize) -> usize {
        let before = self.gaps.partition_point(|it| it.0 <= parsed);
        parsed + before.checked_sub(1).map_or(0, |it| self.gaps[it].1)
    }

    /// The bytes of a literal text: the parser gives the place before leading blanks were trimmed.
    pub fn literal(&self, node: &TextNode) -> Range<usize> {
        let start = self.offset(node.pos.offset);
        let rest = self.text.get(start..).unwrap_or("");
        let trimmed = match node.text.starts_with(char::is_whitespace) {
            true => 0,
            false => rest.len() - rest.trim_start().len(),
        };
        start + trimmed..self.offset(node.pos.offset + trimmed + node.text.len())
    }
}

/// A named template and the file that defines it.
#[derive(Clone, Debug)]
pub struct Define {
    /// What it prints.
    pub body: Arc<ListNode>,
    /// The file, by its index among those that were read.
    pub file: usize,
}

/// Where and why a template could not be read.
#[derive(Debug)]
pub struct Unread {
    /// The line, from 1.
    pub line: u32,
    /// Why.
    pub failure: Failure,
}

/// The named templates of a chart.
pub type Defines = HashMap<String, Define>;

/// Reads a template; what it defines is added to `defines` for file number `file`. A later
/// definition of a name replaces an earlier one unless it is blank.
///
/// # Errors
/// Where and why it is not a template.
pub fn read(name: &str, text: &str, file: usize, defines: &mut Defines) -> Result<File, Unread> {
    let (text, left_out) = prepare(text)?;
    build(name, text, &left_out, file, defines)
}

/// Reads a text that `tpl` was given; its literal texts have no places.
///
/// # Errors
/// Where and why it is not a template.
pub fn read_inline(text: &str, defines: &mut Defines) -> Result<File, Unread> {
    let (text, _) = prepare(text)?;
    build("tpl", text, &[], 0, defines)
}

fn build(
    name: &str,
    text: String,
    left_out: &[Range<usize>],
    file: usize,
    defines: &mut Defines,
) -> Result<File, Unread> {
    let (short, mut gaps) = without(&text, left_out);
    let (body, found) = match parse(&short) {
        // The line is that of the whole text.
        Err(_) if !gaps.is_empty() => {
            gaps.clear();
            parse(&text)
        }
        parsed => parsed,
    }?;
    for define in found {
        let known = defines.contains_key(define.name.as_str());
        if !known || !define.body.is_empty_tree() {
            let body = Arc::new(define.body);
            defines.insert(define.name.to_string(), Define { body, file });
        }
    }
    Ok(File { name: name.to_owned(), text, body: Arc::new(body), gaps })
}

fn parse(text: &str) -> Result<(ListNode, Vec<DefineNode>), Unread> {
    Parser::new(text, "{{", "}}").and_then(Parser::parse).map_err(unread)
}

/// The text without some parts of it, and the gaps that they leave.
fn without(text: &str, parts: &[Range<usize>]) -> (String, Vec<(usize, usize)>) {
    let (mut short, mut gaps) = (String::new(), Vec::new());
    let mut from = 0;
    for part in parts {
        short.push_str(&text[from..part.start]);
        gaps.push((short.len(), part.end - short.len()));
        from = part.end;
    }
    short.push_str(&text[from..]);
    (short, gaps)
}

/// What of a literal text need not be parsed: all but both ends with a character that is not blank.
fn inside(literal: &str) -> Option<Range<usize>> {
    if literal.len() <= LONG {
        return None;
    }
    let first = literal.find(|it: char| !it.is_whitespace())?;
    let last = literal.rfind(|it: char| !it.is_whitespace())?;
    let start = first + literal[first..].chars().next()?.len_utf8();
    // Two braces would open an action.
    let meets = literal[..start].ends_with('{') && literal[last..].starts_with('{');
    (last > start + LONG && !meets).then_some(start..last)
}

fn unread(error: gotmpl::TemplateError) -> Unread {
    let (line, message) = match error {
        gotmpl::TemplateError::Parse { line, message, .. }
        | gotmpl::TemplateError::Lex { line, message, .. } => (line as u32, message),
        other => (1, other.to_string()),
    };
    let reason = format!("the template cannot be read: {message}");
    Unread { line, failure: Failure { kind: Trouble::Syntax, reason } }
}

/// The text with every comment blanked, byte for byte, if its blocks do not nest too deep, and what
/// of it need not be parsed.
fn prepare(text: &str) -> Result<(String, Vec<Range<usize>>), Unread> {
    if text.len() > LONGEST {
        let failure = Failure::limit("the template is longer than 2 MiB");
        return Err(Unread { line: 1, failure });
    }
    let mut out = String::with_capacity(text.len());
    let mut left_out = Vec::new();
    let mut rest = text;
    let mut nesting = Nesting::default();
    let opening = memchr::memmem::Finder::new("{{");
    while let Some(start) = opening.find(rest.as_bytes()) {
        let (literal, action) = rest.split_at(start);
        left_out.extend(inside(literal).map(|it| it.start + out.len()..it.end + out.len()));
        out.push_str(literal);
        let length = action_length(action);
        let action = &action[..length];
        let inner = action[2..].trim_start_matches('-').trim_start();
        if inner.starts_with("/*") {
            left_out.extend(blank(action, &mut out).filter(|it| it.len() > LONG));
        } else {
            nesting.meet(inner).map_err(|failure| Unread {
                line: 1 + out.bytes().filter(|it| *it == b'\n').count() as u32,
                failure,
            })?;
            out.push_str(action);
        }
        rest = &rest[start + length..];
    }
    left_out.extend(inside(rest).map(|it| it.start + out.len()..it.end + out.len()));
    out.push_str(rest);
    Ok((out, left_out))
}

/// The length of the action that the text starts with, delimiters included.
pub fn action_length(action: &str) -> usize {
    let bytes = action.as_bytes();
    let mut at = 2;
    let head = action[2..].trim_start_matches('-').trim_start();
    if head.starts_with("/*") {
        let comment = action.len() - head.len();
        let Some(end) = action[comment + 2..].find("*/") else { return action.len() };
        at = comment + 2 + end + 2;
    }
    while let Some(found) = bytes.get(at..).and_then(|it| memchr::memchr3(b'}', b'"', b'`', it)) {
        at += found;
        match bytes[at] {
            b'}' if bytes.get(at + 1) == Some(&b'}') => return at + 2,
            b'"' => at = end_of_quote(bytes, at),
            b'`' => at += 1 + memchr::memchr(b'`', &bytes[at + 1..]).unwrap_or(bytes.len()),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Where the quoted text that starts at `at` ends: at its closing quote.
fn end_of_quote(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// Writes an action that prints nothing, as long as the comment and with its line breaks and trim
/// marks. Gives the place of the blanks that it can do without.
fn blank(action: &str, out: &mut String) -> Option<Range<usize>> {
    let close = if action.ends_with("-}}") { "-}}" } else { "}}" };
    let open = if action.starts_with("{{-") { "{{- " } else { "{{" };
    let Some(start) = action.find("/*").filter(|_| action.ends_with(close)) else {
        out.push_str(action);
        return None;
    };
    let inner = &action.as_bytes()[start + 2..action.len() - close.len()];
    out.push_str(open);
    // Blanks between the opening and the comment move behind the empty text.
    out.push_str("\"\"");
    let written = open.len() + 2;
    let blanks = action.as_bytes()[written.min(start + 2)..start + 2].iter().chain(inner);
    let from = out.len();
    out.extend(blanks.map(|it| if *it == b'\n' { '\n' } else { ' ' }));
    // A trim mark stands behind a blank.
    let left_out = from..out.len().saturating_sub(1).max(from);
    out.push_str(close);
    Some(left_out)
}

/// How deep blocks are inside each other, as the recursive parser sees it.
#[derive(Default)]
struct Nesting {
    /// For each open block, how many `else if` it has met.
    open: Vec<usize>,
    depth: usize,
}

impl Nesting {
    fn meet(&mut self, action: &str) -> Result<(), Failure> {
        let mut words = action.split(|it: char| !it.is_ascii_alphanumeric());
        match words.next().unwrap_or("") {
            "if" | "range" | "with" | "define" | "block" => {
                self.open.push(0);
                self.depth += 1;
            }
            "else" if matches!(words.find(|it| !it.is_empty()), Some("if" | "with")) => {
                if let Some(chain) = self.open.last_mut() {
                    *chain += 1;
                    self.depth += 1;
                }
            }
            "end" => {
                if let Some(chain) = self.open.pop() {
                    self.depth -= chain + 1;
                }
            }
            _ => {}
        }
        if self.depth > DEEPEST {
            let reason = format!("the blocks of the template nest more than {DEEPEST} deep");
            return Err(Failure::limit(reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use gotmpl::parse::Node;

    use super::*;

    fn parse(text: &str) -> File {
        read("t", text, 0, &mut Defines::new()).unwrap()
    }

    #[test]
    fn comments_are_blanked_in_place_and_keep_their_trim_marks() {
        for (text, printed) in [
            ("a{{/* c */}}b", "a{{\"\"     }}b"),
            ("a\n{{- /* c\nd */ -}}\nb", "a\n{{- \"\"  \n     -}}\nb"),
            ("{{- /* x */}}\n", "{{- \"\"     }}\n"),
        ] {
            let (out, _) = prepare(text).unwrap();
            assert_eq!(out, printed);
            assert_eq!(out.len(), text.len());
        }
    }

    #[test]
    fn literal_text_knows_where_it_was_written() {
        let file = parse("a: {{ .x -}}\n   b: 1\n{{- /* c */}}\nd: 2\n");
        let places: Vec<_> = file
            .body
            .nodes
            .iter()
            .filter_map(|it| match it {
                Node::Text(text) => Some((&*text.text, file.literal(text).start)),
                _ => None,
            })
            .collect();
        assert_eq!(places, [("a: ", 0), ("b: 1", 16), ("\nd: 2\n", 34)]);
    }

    #[test]
    fn of_long_texts_only_the_ends_are_parsed() {
        let long = format!("  a{}z \n", " {b}".repeat(100));
        for (left, right) in [("", ""), ("- ", ""), ("", " -"), ("- ", " -")] {
            let text = format!("{{{{.x {left}}}}}{long}{{{{{right} .y}}}}é{long}{{{{.z}}}}");
            let text = text.replace(" - }}", " -}}").replace("{{ - ", "{{- ");
            let file = parse(&text);
            assert_eq!(file.gaps.len(), 2);
            let literals: Vec<_> = file
                .body
                .nodes
                .iter()
                .filter_map(|it| match it {
                    Node::Text(it) => Some(&file.text[file.literal(it)]),
                    _ => None,
                })
                .collect();
            let first = if left.is_empty() { &*long } else { long.trim_start() };
            let first = if right.is_empty() { first } else { first.trim_end() };
            assert_eq!(literals, [first, &*format!("é{long}")]);
            let Some(Node::Action(last)) = file.body.nodes.last() else { panic!("an action") };
            assert_eq!(&file.text[file.offset(last.pipe.pos.offset)..], ".z}}");
        }
        let unread = read("t", &format!("{long}{{{{ )"), 0, &mut Defines::new()).unwrap_err();
        assert_eq!(unread.line, 2);
    }

    #[test]
    fn hostile_nesting_is_refused() {
        let chain = format!("{{{{if .a}}}}{}{{{{end}}}}", "{{else if .b}}".repeat(9999));
        let deep = format!("{}{}", "{{if .a}}".repeat(9999), "{{end}}".repeat(9999));
        let parens = format!("{{{{ {}1{} }}}}", "(".repeat(9999), ")".repeat(9999));
        for text in [chain, deep] {
            let unread = read("t", &text, 0, &mut Defines::new()).unwrap_err();
            assert_eq!(unread.failure.kind, Trouble::Limit);
        }
        assert!(read("t", &parens, 0, &mut Defines::new()).is_err());
        let long = format!("{}{}", "{{if .a}}{{else if .b}}{{end}}".repeat(2000), "x");
        assert!(read("t", &long, 0, &mut Defines::new()).is_ok());
    }

    #[test]
    fn a_blank_definition_does_not_replace_one_with_text() {
        let mut defines = Defines::new();
        read("a", "{{define \"x\"}}1{{end}}", 0, &mut defines).unwrap();
        read("b", "{{define \"x\"}} {{end}}", 1, &mut defines).unwrap();
        assert_eq!(defines["x"].file, 0);
        read("c", "{{define \"x\"}}2{{end}}", 2, &mut defines).unwrap();
        assert_eq!(defines["x"].file, 2);
    }
}
