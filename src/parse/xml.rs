//! XML as a stream of tags: what coverage reports need, in memory that does not grow with the file.
//!
//! DTDs are stepped over and entities of a document's own are never expanded, so neither bombs nor
//! references to other files do anything. A text that breaks off says where and inside what.

use std::borrow::Cow;

use quick_xml::events::Event as Raw;

use crate::source::Span;

/// How many open elements are remembered by name; deeper ones are only counted.
const NAMED_DEPTH: usize = 256;

/// One step through a document.
#[derive(Debug)]
pub enum Event<'a> {
    /// An element starts.
    Open(Tag<'a>),
    /// An element ends. Empty elements end too.
    Close(&'a str),
    /// Text between tags, never only white space.
    Text(Cow<'a, str>),
}

/// Why a document cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes.
    pub offset: u32,
    /// What is wrong, lower case.
    pub reason: String,
}

/// The start of an element.
#[derive(Clone, Copy, Debug)]
pub struct Tag<'a> {
    /// Its name without a prefix.
    pub name: &'a str,
    /// Where it stands, from `<` to `>`.
    pub span: Span,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// The value of an attribute, as it is written.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        loop {
            let equals = memchr::memchr(b'=', rest.as_bytes())?;
            let key = rest.get(..equals)?.trim_ascii();
            let value = rest.get(equals + 1..)?.trim_ascii_start();
            let quote = *value.as_bytes().first().filter(|it| matches!(it, b'"' | b'\''))?;
            let value = value.get(1..)?;
            let end = memchr::memchr(quote, value.as_bytes())?;
            if key == name {
                return value.get(..end);
            }
            rest = value.get(end + 1..)?;
        }
    }

    /// The value of an attribute, with references to characters resolved.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(unescape)
    }

    /// The value of an attribute as a whole number, 0 or more.
    pub fn int(&self, name: &str) -> Option<u64> {
        self.raw(name).and_then(whole)
    }
}

/// A whole number as reports write it, 0 or more: also `1.0`, `1e+20` (as the largest there is).
pub fn whole(text: &str) -> Option<u64> {
    if let Some(number) = digits(text.as_bytes()) {
        return Some(number);
    }
    let number: f64 = text.trim().parse().ok()?;
    (number >= 0.0).then_some(number as u64)
}

/// A number of a few digits and nothing else: nearly all there are.
fn digits(bytes: &[u8]) -> Option<u64> {
    let mut number = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = u64::wrapping_add(u64::wrapping_mul(number, 10), u64::from(digit));
    }
    (1..19).contains(&bytes.len()).then_some(number)
}

/// Text with `&amp;`, `&#38;` and the like resolved; other references stay as they are.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest.find(';').filter(|&end| end <= 12).map(|end| (&rest[1..end], end));
        match reference.and_then(|(name, end)| Some((character(name)?, end))) {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32).filter(|&it| it != '\0')
        }
    }
}

/// A reader over a text.
pub struct Reader<'a> {
    text: &'a str,
    inner: quick_xml::Reader<&'a [u8]>,
    base: usize,
    open: Vec<&'a str>,
    depth: usize,
    empty: Option<&'a str>,
    last: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self::inside(text, &[], true)
    }

    /// A reader of a piece of a document, inside the elements that are open; `last` if nothing
    /// follows it.
    pub fn inside(text: &'a str, open: &'a [String], last: bool) -> Self {
        let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut inner = quick_xml::Reader::from_str(&text[base..]);
        let config = inner.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        config.trim_text(true);
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        Self { text, inner, base, depth: open.len(), open, empty: None, last }
    }

    /// The elements that are open, outermost first.
    pub fn open(&self) -> Vec<String> {
        self.open.iter().map(|it| (*it).to_owned()).collect()
    }

    /// The next step; nothing at the end of a document that is whole.
    pub fn step(&mut self) -> Result<Option<Event<'a>>, Fault> {
        if let Some(name) = self.empty.take() {
            return Ok(Some(Event::Close(name)));
        }
        loop {
            let start = self.position();
            match self.inner.read_event() {
                Ok(Raw::Start(_)) => {
                    let tag = self.tag(start);
                    if self.open.len() < NAMED_DEPTH {
                        self.open.push(tag.name);
                    }
                    self.depth += 1;
                    return Ok(Some(Event::Open(tag)));
                }
                Ok(Raw::Empty(_)) => {
                    let tag = self.tag(start);
                    self.empty = Some(tag.name);
                    return Ok(Some(Event::Open(tag)));
                }
                Ok(Raw::End(_)) => return self.end(start).map(Some),
                Ok(Raw::Text(_)) => {
                    let text = self.slice(start).trim();
                    if !text.is_empty() {
                        return Ok(Some(Event::Text(unescape(text))));
                    }
                }
                Ok(Raw::CData(_)) => {
                    let text = self.slice(start).trim();
                    let text = text.strip_prefix("<![CDATA[").unwrap_or(text);
                    let text = text.strip_suffix("]]>").unwrap_or(text);
                    return Ok(Some(Event::Text(Cow::Borrowed(text))));
                }
                Ok(Raw::GeneralRef(_)) => {
                    return Ok(Some(Event::Text(unescape(self.slice(start)))));
                }
                Ok(Raw::Eof) => return self.finish(),
                Ok(_) => {}
                Err(error) => {
                    let offset = self.base + self.inner.error_position() as usize;
                    let reason = format!("the XML breaks off or is not well-formed: {error}");
                    return Err(Fault { offset: offset.min(self.text.len()) as u32, reason });
                }
            }
        }
    }

    fn position(&self) -> usize {
        self.base + self.inner.buffer_position() as usize
    }

    fn slice(&self, start: usize) -> &'a str {
        self.text.get(start..self.position()).unwrap_or("")
    }

    fn tag(&self, start: usize) -> Tag<'a> {
        let written = self.slice(start);
        // White space that was trimmed belongs to the slice.
        let before = memchr::memchr(b'<', written.as_bytes()).unwrap_or(0);
        let span = Span::new(start + before, self.position());
        let inside = written.get(before + 1..).unwrap_or("");
        let inside = inside.strip_suffix(">").unwrap_or(inside);
        let inside = inside.strip_suffix("/").unwrap_or(inside);
        let end = inside.bytes().position(|it| it.is_ascii_whitespace()).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(end);
        Tag { name: local(name), span, attributes }
    }

    fn end(&mut self, start: usize) -> Result<Event<'a>, Fault> {
        let written = self.slice(start).trim_ascii();
        let name = written.strip_prefix("</").unwrap_or(written);
        let name = local(name.strip_suffix(">").unwrap_or(name).trim_ascii());
        let expected = if self.depth == self.open.len() { self.open.pop() } else { None };
        if self.depth == 0 || expected.is_some_and(|it| it != name) {
            let reason = match expected {
                Some(it) => format!("the XML is not well-formed: `</{name}>` inside `<{it}>`"),
                None => format!("the XML is not well-formed: `</{name}>` closes nothing"),
            };
            return Err(Fault { offset: start as u32, reason });
        }
        self.depth -= 1;
        Ok(Event::Close(name))
    }

    fn finish(&self) -> Result<Option<Event<'a>>, Fault> {
        match self.open.last().filter(|_| self.last) {
            Some(name) => {
                let reason = format!("the XML breaks off inside `<{name}>`");
                Err(Fault { offset: self.text.len() as u32, reason })
            }
            None => Ok(None),
        }
    }
}

fn local(name: &str) -> &str {
    match memchr::memrchr(b':', name.as_bytes()) {
        Some(at) => &name[at + 1..],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(text: &str) -> (String, Option<Fault>) {
        let (mut reader, mut out) = (Reader::new(text), String::new());
        loop {
            match reader.step() {
                Ok(Some(Event::Open(tag))) => out.push_str(&format!("<{} ", tag.name)),
                Ok(Some(Event::Close(name))) => out.push_str(&format!("/{name} ")),
                Ok(Some(Event::Text(text))) => out.push_str(&format!("{text:?} ")),
                Ok(None) => return (out, None),
                Err(fault) => return (out, Some(fault)),
            }
        }
    }

    #[test]
    fn tags_text_and_empty_elements_come_in_order() {
        let text = "\u{feff}<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x \"y\">]>\n<!-- c -->\n<s:a>\n <b x='1'/>t &amp; <![CDATA[<u>]]></s:a>";
        let (out, fault) = trace(text);
        assert_eq!(fault, None);
        assert_eq!(out.replace("\"&\" ", "& "), "<a <b /b \"t\" & \"<u>\" /a ");
    }

    #[test]
    fn attributes_are_found_whatever_their_quotes_and_order() {
        let mut reader =
            Reader::new(r#"<a  n = '4' filename="x&lt;y&#233;&zz;" hits="1e+20" e=""/>"#);
        let Ok(Some(Event::Open(tag))) = reader.step() else { unreachable!() };
        assert_eq!((tag.int("n"), tag.int("hits"), tag.int("e")), (Some(4), Some(u64::MAX), None));
        assert_eq!(tag.get("filename").as_deref(), Some("x<yé&zz;"));
        assert_eq!(tag.get("name"), None);
        assert_eq!(tag.span, Span::new(0, 59));
    }

    #[test]
    fn a_text_that_breaks_off_says_inside_what() {
        let (out, fault) = trace("<a><b><c/>");
        assert_eq!(out, "<a <b <c /c ");
        assert_eq!(fault.map(|it| it.reason), Some("the XML breaks off inside `<b>`".to_owned()));
        assert!(trace("<a><b x='1").1.is_some());
        assert_eq!(trace("<a></b>").1.map(|it| it.offset), Some(3));
        assert!(trace("</a>").1.is_some());
    }

    #[test]
    fn entities_are_never_expanded_and_depth_costs_nothing() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]><a x=\"&c;\">&f;</a>";
        let (out, fault) = trace(bomb);
        assert_eq!((out.as_str(), fault), ("<a \"&f;\" /a ", None));
        let deep = "<a>".repeat(200_000);
        assert!(trace(&deep).1.is_some());
        assert_eq!(trace(&(deep + &"</a>".repeat(200_000))).1, None);
    }
}
