//! JSON as a stream: for reports of hundreds of megabytes, of which a few numbers are wanted.
//!
//! Nothing is built; the caller says what it wants of each map and list, and the rest is stepped
//! over. What was read before a text breaks off stays read.

use std::borrow::Cow;

use super::xml::Fault;

/// How deep values may lie in each other.
const MAX_DEPTH: u32 = 512;

/// What came of reading: nothing more to say, or why it stops.
pub type Flow<T = ()> = Result<T, Fault>;

/// What the next value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A map.
    Map,
    /// A list.
    List,
    /// Text.
    Text,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// A reader over a text.
#[derive(Clone, Debug)]
pub struct Pull<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Pull<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 }, depth: 0 }
    }

    /// Where it stands, in bytes.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What comes next.
    pub fn peek(&mut self) -> Flow<Next> {
        match self.byte()? {
            b'{' => Ok(Next::Map),
            b'[' => Ok(Next::List),
            b'"' => Ok(Next::Text),
            b'-' | b'0'..=b'9' => Ok(Next::Number),
            b't' | b'f' | b'n' | b'N' | b'I' => Ok(Next::Word),
            _ => Err(self.fault("this is not JSON")),
        }
    }

    /// Reads a map: `each` gets every key and must read its value. Any other value is stepped over.
    pub fn map(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Flow) -> Flow {
        if self.peek()? != Next::Map {
            return self.skip();
        }
        self.enter()?;
        let mut first = true;
        while !self.closes(b'}', &mut first)? {
            let key = self.string()?;
            self.expect(b':')?;
            each(self, key)?;
        }
        Ok(())
    }

    /// Reads a list: `each` must read one item. Any other value is stepped over.
    pub fn list(&mut self, mut each: impl FnMut(&mut Self) -> Flow) -> Flow {
        if self.peek()? != Next::List {
            return self.skip();
        }
        self.enter()?;
        let mut first = true;
        while !self.closes(b']', &mut first)? {
            each(self)?;
        }
        Ok(())
    }

    /// Reads text; any other value is stepped over and gives nothing.
    pub fn text(&mut self) -> Flow<Option<Cow<'a, str>>> {
        if self.peek()? != Next::Text {
            return self.skip().map(|()| None);
        }
        self.string().map(Some)
    }

    /// Reads a number; any other value is stepped over and gives nothing.
    pub fn number(&mut self) -> Flow<Option<f64>> {
        if self.peek()? != Next::Number {
            return self.skip().map(|()| None);
        }
        Ok(self.word().parse().ok())
    }

    /// Reads a whole number, 0 or more; any other value is stepped over and gives nothing.
    pub fn whole(&mut self) -> Flow<Option<u64>> {
        if self.peek()? != Next::Number {
            return self.skip().map(|()| None);
        }
        Ok(super::xml::whole(self.word()))
    }

    /// Reads `true` or `false`; any other value is stepped over and gives nothing.
    pub fn bool(&mut self) -> Flow<Option<bool>> {
        if self.peek()? != Next::Word {
            return self.skip().map(|()| None);
        }
        Ok(match self.word() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// Steps over a value, however deep.
    pub fn skip(&mut self) -> Flow {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'"' => self.skip_string()?,
                b'}' | b']' | b',' | b':' => return Err(self.fault("a value is missing")),
                _ => {
                    if self.word().is_empty() {
                        return Err(self.fault("this is not JSON"));
                    }
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn enter(&mut self) -> Flow {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("the JSON is nested too deep"));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether the container ends here; otherwise steps over the comma before the next child.
    fn closes(&mut self, close: u8, first: &mut bool) -> Flow<bool> {
        let mut byte = self.byte()?;
        if byte == b',' && !*first {
            self.at += 1;
            byte = self.byte()?;
        } else if !*first && byte != close {
            return Err(self.fault("a comma is missing"));
        }
        *first = false;
        if byte == close {
            self.at += 1;
            self.depth -= 1;
            return Ok(true);
        }
        Ok(false)
    }

    fn expect(&mut self, wanted: u8) -> Flow {
        if self.byte()? != wanted {
            return Err(self.fault("a colon is missing"));
        }
        self.at += 1;
        Ok(())
    }

    fn byte(&mut self) -> Flow<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = rest.iter().take_while(|it| matches!(it, b' ' | b'\n' | b'\r' | b'\t'));
        self.at += blank.count();
        match self.text.as_bytes().get(self.at) {
            Some(&byte) => Ok(byte),
            None => Err(self.fault("the JSON breaks off")),
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let plain = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'-' | b'.');
        let end = rest.as_bytes().iter().take_while(|it| plain(it)).count();
        self.at += end;
        &rest[..end]
    }

    fn skip_string(&mut self) -> Flow {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        loop {
            let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default())
            else {
                self.at = self.text.len();
                return Err(self.fault("the JSON breaks off inside a text"));
            };
            at += found + 1;
            if bytes[at - 1] == b'"' {
                self.at = at;
                return Ok(());
            }
            at += 1;
        }
    }

    fn string(&mut self) -> Flow<Cow<'a, str>> {
        if self.byte()? != b'"' {
            return Err(self.fault("a key must be a text"));
        }
        let start = self.at;
        self.skip_string()?;
        let inside = &self.text[start + 1..self.at - 1];
        if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
            return Ok(Cow::Borrowed(inside));
        }
        let written = &self.text[start..self.at];
        Ok(serde_json::from_str(written).map_or(Cow::Borrowed(inside), Cow::Owned))
    }

    fn fault(&self, reason: &str) -> Fault {
        Fault { offset: self.at.min(self.text.len()) as u32, reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lists_and_scalars_are_read_and_the_rest_is_stepped_over() {
        let text =
            r#" {"a\n": [1, -2, 1e3, "x"], "skip": {"q": [{}, "]\"}"]}, "t": true, "s": "é"} "#;
        let (mut pull, mut seen) = (Pull::new(text), Vec::new());
        let flow = pull.map(|pull, key| match &*key {
            "a\n" => pull.list(|pull| {
                seen.push(format!("{:?}", pull.whole()?));
                Ok(())
            }),
            "t" => pull.bool().map(|it| assert_eq!(it, Some(true))),
            "s" => pull.text().map(|it| assert_eq!(it.as_deref(), Some("é"))),
            _ => pull.skip(),
        });
        assert_eq!(flow, Ok(()));
        assert_eq!(seen, ["Some(1)", "None", "Some(1000)", "None"]);
    }

    #[test]
    fn what_stands_before_a_break_is_kept() {
        let (mut pull, mut sum) = (Pull::new(r#"{"a": [1, 2, 3"#), 0);
        let flow = pull.map(|pull, _| {
            pull.list(|pull| {
                sum += pull.whole()?.unwrap_or_default();
                Ok(())
            })
        });
        assert_eq!(sum, 6);
        assert_eq!(
            flow.map_err(|it| (it.offset, it.reason)),
            Err((14, "the JSON breaks off".into()))
        );
    }

    #[test]
    fn depth_and_nonsense_end_without_harm() {
        assert!(Pull::new(&"[".repeat(200_000)).skip().is_err());
        fn dig(pull: &mut Pull<'_>) -> Flow {
            pull.list(dig)
        }
        assert!(dig(&mut Pull::new(&"[".repeat(200_000))).is_err());
        for text in
            ["", "{", "{\"a\"", "{\"a\":", "{\"a\":}", "[1 2]", "[}", "\"", "\"\\", "nul", "}"]
        {
            let mut pull = Pull::new(text);
            let _ = pull.map(|pull, _| pull.skip());
            let _ = Pull::new(text).list(|pull| pull.skip());
        }
    }
}
