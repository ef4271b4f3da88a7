//! Expansion of variables and functions, with commands never run: their output is unknown.
//!
//! Unknown text is a mark inside of the value. It counts as nothing where make's reading needs a
//! text, so that the reading is the one make has when every command is silent, and it stays with
//! the value, so that everything that depends on it is known to be unknown.

use std::{borrow::Cow, rc::Rc};

use super::{
    evaluate::{Evaluator, Origin, Stop},
    files::{self, ROOT, absolute, below_root},
    functions::{self, named, pure},
};
use crate::parse::makefile::{arguments, closing, skip_space};

pub use crate::artifact::recipe::{GOAL, UNKNOWN, shown};

/// A text of the repository, in which our marks are ordinary text.
pub fn without_marks(text: &str) -> String {
    text.replace([UNKNOWN, GOAL], "\u{FFFD}")
}

/// The text without marks: what it is if every command is silent.
pub fn known(text: &str) -> Cow<'_, str> {
    if text.contains(UNKNOWN) { Cow::Owned(text.replace(UNKNOWN, "")) } else { Cow::Borrowed(text) }
}

/// Whether a part of the text is unknown.
pub fn is_unknown(text: &str) -> bool {
    text.contains(UNKNOWN)
}

fn marked(mut text: String, unknown: bool) -> String {
    if unknown {
        text.push(UNKNOWN);
    }
    text
}

/// The largest value that is computed, in bytes.
const LARGEST: usize = 1 << 20;
/// How deep expansions nest.
const DEEPEST: u32 = 160;

type Text = Result<String, Stop>;

impl Evaluator<'_> {
    /// The text with every reference replaced by its value.
    pub fn expand(&mut self, text: &str) -> Text {
        if !text.contains('$') {
            return Ok(text.to_owned());
        }
        self.depth += 1;
        let out =
            if self.depth > DEEPEST { Err(Stop::Limit("depth")) } else { self.expand_all(text) };
        self.depth -= 1;
        out
    }

    fn expand_all(&mut self, text: &str) -> Text {
        self.step(text.len())?;
        let bytes = text.as_bytes();
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        while let Some(found) = memchr::memchr(b'$', &bytes[at..]) {
            let dollar = at + found;
            out.push_str(&text[at..dollar]);
            let Some(next) = text[dollar + 1..].chars().next() else {
                out.push('$');
                at = text.len();
                break;
            };
            match next {
                '$' => {
                    out.push('$');
                    at = dollar + 2;
                }
                '(' | '{' => {
                    let end = self.end_of_reference(text, dollar + 1)?;
                    out.push_str(&self.reference(&text[dollar + 2..end], next == '{')?);
                    at = end + 1;
                }
                _ => {
                    at = dollar + 1 + next.len_utf8();
                    if !next.is_ascii_whitespace() {
                        out.push_str(&self.value_of(&text[dollar + 1..at])?);
                    }
                }
            }
            if out.len() > LARGEST {
                return Err(Stop::Limit("size"));
            }
        }
        out.push_str(&text[at..]);
        self.step(out.len())?;
        Ok(out)
    }

    /// Where the reference whose parenthesis is at `open` ends: a function at the parenthesis that
    /// matches, a plain name at the first one.
    fn end_of_reference(&self, text: &str, open: usize) -> Result<usize, Stop> {
        let close = if text.as_bytes()[open] == b'(' { ')' } else { '}' };
        let first = text[open..].find(close).map(|it| it + open);
        let matching = || closing(text.as_bytes(), open);
        let is_nested = function_of(&text[open + 1..]).is_some();
        let end = match first {
            Some(first) if !is_nested && !text[open..first].contains('$') => Some(first),
            Some(first) if !is_nested => Some(matching().unwrap_or(first)),
            _ => matching(),
        };
        end.ok_or_else(|| Stop::Error("a reference to a variable is not closed".into()))
    }

    fn reference(&mut self, text: &str, brace: bool) -> Text {
        if let Some(((name, least, most), rest)) = function_of(text) {
            return self.function(name, least, most, &arguments(rest, brace, most));
        }
        let inner = self.expand(text)?;
        let name = known(&inner);
        let unknown = is_unknown(&inner);
        let Some((name, change)) = name.split_once(':').filter(|it| it.1.contains('=')) else {
            let value = self.value_of(&name)?;
            return Ok(marked(value, unknown));
        };
        let (from, to) = change.split_once('=').unwrap_or((change, ""));
        let value = self.value_of(name)?;
        let (from, to) = match functions::percent(from).1 {
            Some(_) => (from.to_owned(), to.to_owned()),
            None => (format!("%{from}"), format!("%{to}")),
        };
        let arguments = [from, to, known(&value).into_owned()];
        let out = pure("patsubst", &arguments).and_then(Result::ok).unwrap_or_default();
        Ok(marked(out, unknown || is_unknown(&value)))
    }

    /// The value of a variable, expanded.
    pub fn value_of(&mut self, name: &str) -> Text {
        if name == ".VARIABLES" {
            let mut names: Vec<&str> = self.variables.keys().map(String::as_str).collect();
            names.sort_unstable();
            return Ok(names.join(" "));
        }
        let Some(found) = self.lookup(name) else {
            self.note_undefined(name);
            return Ok(String::new());
        };
        if !found.recursive {
            self.step(found.value.len())?;
            return Ok(found.value.to_string());
        }
        if self.expanding.iter().any(|it| **it == *name) {
            return Err(Stop::Error(format!("the variable `{name}` refers to itself")));
        }
        self.expanding.push(name.into());
        let out = self.expand(&found.value);
        self.expanding.pop();
        out
    }

    fn function(&mut self, name: &str, least: usize, most: usize, raw: &[&str]) -> Text {
        self.step(1)?;
        if raw.len() < least {
            return Err(Stop::Error(format!("`{name}` needs {least} arguments")));
        }
        match name {
            "if" => return self.call_if(raw),
            "or" | "and" => return self.call_logic(name == "or", raw),
            "foreach" => return self.call_foreach(raw),
            _ => {}
        }
        let mut values = Vec::with_capacity(raw.len());
        for argument in raw {
            values.push(self.expand(argument)?);
        }
        self.apply(name, most, values)
    }

    fn apply(&mut self, name: &str, most: usize, mut values: Vec<String>) -> Text {
        let unknown = values.iter().any(|it| is_unknown(it));
        match name {
            "call" => return self.call(values),
            "eval" => return self.call_eval(&values[0]),
            "shell" | "guile" => return Ok(UNKNOWN.to_string()),
            "info" | "warning" => return Ok(String::new()),
            "error" if self.uncertain > 0 || self.frozen => return Ok(String::new()),
            "error" => {
                return Err(Stop::Error(format!("the file stops make: {}", shown(&values[0]))));
            }
            _ => {}
        }
        for value in &mut values {
            if let Cow::Owned(text) = known(value) {
                *value = text;
            }
        }
        if most > 0 {
            values.truncate(most);
        }
        let first = values.first().map_or("", String::as_str);
        let out = match name {
            "wildcard" => return self.wildcard(first).map(|it| marked(it, unknown)),
            "abspath" => self.absolute_names(first, false),
            "realpath" if self.files.list().is_none() => return Ok(UNKNOWN.to_string()),
            "realpath" => self.absolute_names(first, true),
            "value" => self.lookup(first.trim()).map_or(String::new(), |it| it.value.to_string()),
            "origin" => self.origin(first.trim()).into(),
            "flavor" => match self.lookup(first.trim()) {
                None => "undefined".into(),
                Some(it) if it.recursive => "recursive".into(),
                Some(_) => "simple".into(),
            },
            "file" => match first.trim().strip_prefix('<') {
                Some(name) => return Ok(marked(self.file_text(name.trim()), unknown)),
                None => String::new(),
            },
            _ => match pure(name, &values) {
                Some(Ok(text)) => text,
                Some(Err(why)) => return Err(Stop::Error(why)),
                None => String::new(),
            },
        };
        self.step(out.len())?;
        if out.len() > LARGEST {
            return Err(Stop::Limit("size"));
        }
        Ok(marked(out, unknown))
    }

    fn call_if(&mut self, raw: &[&str]) -> Text {
        let condition = self.expand_test(raw[0].trim())?;
        let holds = !known(&condition).is_empty();
        let (taken, other) = if holds { (1, 2) } else { (2, 1) };
        let unknown = is_unknown(&condition);
        self.uncertain += u32::from(unknown);
        let out = self.branches(raw.get(taken), raw.get(other).filter(|_| unknown && self.both));
        self.uncertain -= u32::from(unknown);
        out.map(|it| marked(it, unknown))
    }

    fn branches(&mut self, taken: Option<&&str>, other: Option<&&str>) -> Text {
        let out = taken.map_or(Ok(String::new()), |it| self.expand(it))?;
        if let Some(other) = other {
            self.expand(other)?;
        }
        Ok(out)
    }

    /// Expands a text that only decides: what it refers to need not be defined.
    fn expand_test(&mut self, text: &str) -> Text {
        let noting = std::mem::replace(&mut self.noting, false);
        let out = self.expand(text);
        self.noting = noting;
        out
    }

    fn call_logic(&mut self, any: bool, raw: &[&str]) -> Text {
        let (mut last, mut unknown) = (String::new(), false);
        for argument in raw {
            last = self.expand_test(argument.trim())?;
            unknown |= is_unknown(&last);
            if known(&last).is_empty() != any {
                break;
            }
        }
        Ok(marked(last, unknown))
    }

    fn call_foreach(&mut self, raw: &[&str]) -> Text {
        let name = self.expand(raw[0])?;
        let list = self.expand(raw[1])?;
        let name = known(name.trim()).into_owned();
        self.scopes.push(vec![(name, "".into())]);
        let out = self.foreach_word(&known(&list), raw[2]);
        self.scopes.pop();
        out.map(|it| marked(it, is_unknown(&list)))
    }

    fn foreach_word(&mut self, list: &str, body: &str) -> Text {
        let mut out = String::new();
        for (index, word) in list.split_ascii_whitespace().enumerate() {
            if let Some(variable) = self.scopes.last_mut().and_then(|it| it.first_mut()) {
                variable.1 = word.into();
            }
            if index > 0 {
                out.push(' ');
            }
            out.push_str(&self.expand(body)?);
            if out.len() > LARGEST {
                return Err(Stop::Limit("size"));
            }
        }
        Ok(out)
    }

    fn call(&mut self, mut values: Vec<String>) -> Text {
        let name = known(values[0].trim()).into_owned();
        if name.is_empty() {
            return Ok(if is_unknown(&values[0]) { UNKNOWN.to_string() } else { String::new() });
        }
        if let Some((name, least, most)) = named(&name) {
            values.remove(0);
            if values.len() < least {
                return Err(Stop::Error(format!("`{name}` needs {least} arguments")));
            }
            if matches!(name, "if" | "or" | "and" | "foreach") {
                let raw: Vec<&str> = values.iter().map(String::as_str).collect();
                return self.function(name, least, most, &raw);
            }
            return self.apply(name, most, values);
        }
        let Some(found) = self.lookup(&name) else {
            self.note_undefined(&name);
            return Ok(String::new());
        };
        if !found.recursive {
            return Ok(found.value.to_string());
        }
        let given = values.len();
        let hidden = self.call_width.max(given);
        let mut scope: Vec<(String, Rc<str>)> = Vec::with_capacity(hidden);
        for (index, value) in values.into_iter().enumerate() {
            scope.push((index.to_string(), value.into()));
        }
        scope.extend((given..hidden).map(|index| (index.to_string(), Rc::from(""))));
        self.scopes.push(scope);
        let width = std::mem::replace(&mut self.call_width, given);
        let expanding = std::mem::take(&mut self.expanding);
        let out = self.expand(&found.value);
        self.expanding = expanding;
        self.call_width = width;
        self.scopes.pop();
        out
    }

    fn call_eval(&mut self, text: &str) -> Text {
        if !self.frozen {
            self.step(text.len())?;
            // A mark at the end says that the text is perhaps not read at all.
            let sure = text.trim_end_matches(UNKNOWN);
            let unknown = u32::from(sure.len() < text.len());
            self.depth += 4;
            self.uncertain += unknown;
            let done = if self.depth > DEEPEST {
                Err(Stop::Limit("depth"))
            } else {
                self.read_text(sure, Some(self.here))
            };
            self.uncertain -= unknown;
            self.depth -= 4;
            done?;
        }
        Ok(String::new())
    }

    fn origin(&self, name: &str) -> &'static str {
        if self.scopes.iter().rev().any(|it| it.iter().any(|it| it.0 == name)) {
            return "automatic";
        }
        match self.variables.get(name).map(|it| it.origin) {
            None => "undefined",
            Some(Origin::Default) => "default",
            Some(Origin::Environment) => "environment",
            Some(Origin::File) => "file",
            Some(Origin::Override) => "override",
        }
    }

    fn wildcard(&mut self, patterns: &str) -> Text {
        let Some(list) = self.files.list() else { return Ok(UNKNOWN.to_string()) };
        let count = list.len();
        let mut out: Vec<String> = Vec::new();
        for pattern in patterns.split_ascii_whitespace() {
            self.step(1 + count / 8)?;
            out.extend(self.glob(pattern));
        }
        Ok(out.join(" "))
    }

    /// The files that a pattern names, written as the pattern writes them; a name without a
    /// pattern names itself if it is there.
    pub fn glob(&self, pattern: &str) -> Vec<String> {
        let Some(list) = self.files.list() else { return Vec::new() };
        let whole = absolute(&self.folder, pattern);
        let Some(below) = below_root(&whole) else { return Vec::new() };
        if !files::is_glob(pattern) {
            let found = files::exists(list, below);
            return if found { vec![pattern.to_owned()] } else { Vec::new() };
        }
        let (_, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let slash = if last.is_empty() { "/" } else { "" };
        let up = pattern.split('/').take_while(|it| matches!(*it, "." | "..")).count();
        let prefix: String = pattern.split_inclusive('/').take(up).collect();
        let base = if pattern.starts_with('/') {
            String::new()
        } else {
            format!("{}/", absolute(&self.folder, &prefix))
        };
        let mut found: Vec<String> = files::matching(list, below)
            .into_iter()
            .filter(|it| slash.is_empty() || files::is_folder(list, it))
            .filter_map(|it| {
                let whole = format!("{ROOT}/{it}");
                let rest = whole.strip_prefix(&base)?;
                Some(format!("{prefix}{rest}{slash}"))
            })
            .collect();
        found.sort_unstable();
        found
    }

    fn absolute_names(&self, names: &str, existing: bool) -> String {
        let list = self.files.list().unwrap_or_default();
        let all = names.split_ascii_whitespace().map(|it| absolute(&self.folder, it));
        let kept: Vec<_> = all
            .filter(|it| !existing || below_root(it).is_some_and(|it| files::exists(list, it)))
            .collect();
        kept.join(" ")
    }

    fn file_text(&self, name: &str) -> String {
        let whole = absolute(&self.folder, name);
        let text = below_root(&whole).and_then(|it| self.files.text(it));
        text.map_or(String::new(), |it| without_marks(it.trim_end_matches('\n')))
    }
}

/// A function's name, fewest and most arguments; then the text of its arguments.
type Call<'a> = ((&'static str, usize, usize), &'a str);

/// The function that the inside of a reference calls, if it calls one.
fn function_of(text: &str) -> Option<Call<'_>> {
    let end = text.find(|it: char| !(it.is_ascii_lowercase() || it == '-'))?;
    let rest = &text[end..];
    if !rest.starts_with(|it: char| it.is_ascii_whitespace()) {
        return None;
    }
    Some((named(&text[..end])?, skip_space(rest)))
}
