//! Template files: read once into trees whose literal texts know where they were written.
//!
//! The grammar is Go's `text/template`, as the `gotmpl` crate parses it. Before that, comments are
//! blanked (the crate trims after `{{- /* … */}}`, Go does not) and what could nest too deep for
//! its recursive parser is refused.

use std::{collections::HashMap, sync::Arc};

use gotmpl::parse::{ListNode, Parser, TextNode};

use super::data::Failure;
use crate::document::Trouble;

/// How many blocks and `else if` may be inside each other.
const DEEPEST: usize = 120;
/// Longer templates are not read.
const LONGEST: usize = 2 << 20;

/// One template file, or one text that `tpl` was given.
#[derive(Debug)]
pub struct File {
    /// Its name as templates know it: `chart/templates/deployment.yaml`.
    pub name: String,
    /// Its text, with comments blanked: every byte lies where it was written.
    pub text: String,
    /// What it prints.
    pub body: Arc<ListNode>,
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
    if text.len() > LONGEST {
        let failure = Failure::limit("the template is longer than 2 MiB");
        return Err(Unread { line: 1, failure });
    }
    let text = prepare(text)?;
    let parser = Parser::new(&text, "{{", "}}").map_err(unread)?;
    let (body, found) = parser.parse().map_err(unread)?;
    for define in found {
        let known = defines.contains_key(define.name.as_str());
        if !known || !define.body.is_empty_tree() {
            let body = Arc::new(define.body);
            defines.insert(define.name.to_string(), Define { body, file });
        }
    }
    Ok(File { name: name.to_owned(), text, body: Arc::new(body) })
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

/// Where in `file` a literal text starts: the parser gives the place before leading blanks were
/// trimmed.
pub fn place(file: &str, node: &TextNode) -> usize {
    let rest = file.get(node.pos.offset..).unwrap_or("");
    if rest.starts_with(&*node.text) {
        return node.pos.offset;
    }
    node.pos.offset + rest.len() - rest.trim_start().len()
}

/// The text with every comment blanked, byte for byte, if its blocks do not nest too deep.
fn prepare(text: &str) -> Result<String, Unread> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut nesting = Nesting::default();
    while let Some(start) = rest.find("{{") {
        let (literal, action) = rest.split_at(start);
        out.extend_from_slice(literal.as_bytes());
        let length = action_length(action);
        let action = &action[..length];
        let inner = action[2..].trim_start_matches('-').trim_start();
        if inner.starts_with("/*") {
            blank(action, &mut out);
        } else {
            nesting.meet(inner).map_err(|failure| Unread {
                line: 1 + out.iter().filter(|it| **it == b'\n').count() as u32,
                failure,
            })?;
            out.extend_from_slice(action.as_bytes());
        }
        rest = &rest[start + length..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&out).into_owned())
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
    while at < bytes.len() {
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
/// marks.
fn blank(action: &str, out: &mut Vec<u8>) {
    let close = if action.ends_with("-}}") { "-}}" } else { "}}" };
    let open = if action.starts_with("{{-") { "{{- " } else { "{{" };
    let Some(start) = action.find("/*").filter(|_| action.ends_with(close)) else {
        out.extend_from_slice(action.as_bytes());
        return;
    };
    let inner = &action.as_bytes()[start + 2..action.len() - close.len()];
    out.extend_from_slice(open.as_bytes());
    // Blanks between the opening and the comment move behind the empty text.
    out.extend_from_slice(b"\"\"");
    let written = open.len() + 2;
    let blanks = action.as_bytes()[written.min(start + 2)..start + 2].iter().chain(inner);
    out.extend(blanks.map(|it| if *it == b'\n' { b'\n' } else { b' ' }));
    out.extend_from_slice(close.as_bytes());
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
            let out = prepare(text).unwrap();
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
                Node::Text(text) => Some((&*text.text, place(&file.text, text))),
                _ => None,
            })
            .collect();
        assert_eq!(places, [("a: ", 0), ("b: 1", 16), ("\nd: 2\n", 34)]);
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
