//! From the text of an expression to its tokens, one at a time.

use std::ops::Range;

use super::Fault;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A whole number without its sign.
    Int(u64),
    /// A number with a point or an exponent.
    Float(f64),
    /// Text, escapes resolved.
    Text(String),
    /// A name or a word such as `in`.
    Name(String),
    /// A field's name in backticks.
    Quoted(String),
    /// `(`, `&&`, …
    Sign(&'static str),
    /// There is nothing more.
    End,
}

/// The signs, those that begin with another one first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ",", ".",
    "(", ")", "[", "]", "{", "}",
];

/// Reads tokens.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    /// Reads tokens from the byte `at` on.
    pub fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    /// The next token and where it is.
    pub fn next(&mut self) -> Result<(Token, Range<usize>), Fault> {
        self.skip_blank();
        let start = self.at;
        let token = self.token()?;
        Ok((token, start..self.at))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest().trim_start();
            self.at = self.text.len() - rest.len();
            if !rest.starts_with("//") {
                return;
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        if let Some(prefix) = text_prefix(rest) {
            return self.string(prefix);
        }
        let then_digit = rest[first.len_utf8()..].starts_with(|it: char| it.is_ascii_digit());
        if first.is_ascii_digit() || first == '.' && then_digit {
            return self.number();
        }
        if first == '`' {
            return self.quoted();
        }
        let name = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let name = &rest[..name.unwrap_or(rest.len())];
        if !name.is_empty() {
            self.at += name.len();
            return Ok(Token::Name(name.to_owned()));
        }
        let Some(sign) = SIGNS.iter().find(|&&sign| rest.starts_with(sign)) else {
            let range = self.at..self.at + first.len_utf8();
            let fault = Fault::new(range, format!("`{first}` means nothing here"));
            return Err(match first {
                '=' => fault.help("to compare, write `==`"),
                '&' => fault.help("to join conditions, write `&&`"),
                '|' => fault.help("to join conditions, write `||`"),
                _ => fault,
            });
        };
        self.at += sign.len();
        Ok(Token::Sign(sign))
    }

    fn quoted(&mut self) -> Result<Token, Fault> {
        let Some(len) = self.rest()[1..].find('`') else {
            return Err(Fault::new(self.at..self.at + 1, "this name is not closed"));
        };
        let name = &self.rest()[1..1 + len];
        self.at += len + 2;
        Ok(Token::Quoted(name.to_owned()))
    }

    fn number(&mut self) -> Result<Token, Fault> {
        let (rest, start) = (self.rest(), self.at);
        if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let digits = prefix(hex, |it| it.is_ascii_hexdigit());
            self.at += 2 + digits.len();
            return self.whole(u64::from_str_radix(digits, 16).ok(), start);
        }
        let digits = prefix(rest, |it| it.is_ascii_digit());
        let mut len = digits.len();
        let fraction = rest[len..].strip_prefix('.').map(|it| prefix(it, |it| it.is_ascii_digit()));
        len += fraction.filter(|it| !it.is_empty()).map_or(0, |it| it.len() + 1);
        len += exponent(&rest[len..]);
        self.at += len;
        if len > digits.len() {
            return match rest[..len].parse() {
                Ok(number) => Ok(Token::Float(number)),
                Err(_) => Err(Fault::new(start..self.at, "this is not a number")),
            };
        }
        self.whole(digits.parse().ok(), start)
    }

    fn whole(&mut self, number: Option<u64>, start: usize) -> Result<Token, Fault> {
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
        }
        let Some(number) = number.filter(|&it| it <= i64::MAX as u64 + 1) else {
            return Err(Fault::new(start..self.at, "this number does not fit 64 bits"));
        };
        let tail = prefix(self.rest(), |it| it.is_ascii_alphanumeric() || it == '_');
        if !tail.is_empty() {
            return Err(Fault::new(start..self.at + tail.len(), "this is not a number"));
        }
        Ok(Token::Int(number))
    }

    fn string(&mut self, prefix: usize) -> Result<Token, Fault> {
        let start = self.at;
        let raw = self.rest()[..prefix].contains(['r', 'R']);
        self.at += prefix;
        let quote = self.rest().chars().next().unwrap_or('"');
        let triple = [quote; 3].iter().collect::<String>();
        let long = self.rest().starts_with(&triple);
        let close = if long { triple } else { quote.to_string() };
        self.at += close.len();
        let mut bytes = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(&close) {
                self.at += close.len();
                break;
            }
            match rest.chars().next() {
                Some('\\') if !raw => self.escape(&mut bytes)?,
                Some(it) if long || it != '\n' => {
                    bytes.extend_from_slice(it.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += it.len_utf8();
                }
                _ => return Err(Fault::new(start..self.at, "this text is not closed")),
            }
        }
        String::from_utf8(bytes)
            .map(Token::Text)
            .map_err(|_| Fault::new(start..self.at, "these bytes are not UTF-8"))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let start = self.at;
        let bad = |end| Fault::new(start..end, "this escape means nothing");
        let Some(letter) = self.rest()[1..].chars().next() else { return Err(bad(start + 1)) };
        let end = start + 1 + letter.len_utf8();
        self.at = end;
        let simple = match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '?' | '"' | '\'' | '`' => letter as u8,
            'x' | 'X' => return self.code(end, 2, 16, bytes),
            'u' => return self.code(end, 4, 16, bytes),
            'U' => return self.code(end, 8, 16, bytes),
            '0'..='3' => return self.code(end - 1, 3, 8, bytes),
            _ => return Err(bad(end).help("a backslash is written `\\\\`, or use r'…'")),
        };
        bytes.push(simple);
        Ok(())
    }

    /// The character whose number is written in the `len` digits from `from` on.
    fn code(
        &mut self,
        from: usize,
        len: usize,
        radix: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let digits = self.text.get(from..from + len);
        let number = digits.and_then(|it| u32::from_str_radix(it, radix).ok());
        let Some(letter) = number.and_then(char::from_u32) else {
            return Err(Fault::new(from - 1..from, "this escape names no character"));
        };
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        self.at = from + len;
        Ok(())
    }
}

/// How long the letters before the quote are, if a text starts here: `r`, `b`, `rb`, …
fn text_prefix(rest: &str) -> Option<usize> {
    let letters = prefix(rest, |it| matches!(it, 'r' | 'R' | 'b' | 'B'));
    let quoted = rest[letters.len()..].starts_with(['"', '\'']);
    (letters.len() <= 2 && quoted).then_some(letters.len())
}

fn exponent(rest: &str) -> usize {
    let Some(digits) = rest.strip_prefix(['e', 'E']) else { return 0 };
    let signed = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let count = prefix(signed, |it| it.is_ascii_digit()).len();
    if count == 0 { 0 } else { 1 + (digits.len() - signed.len()) + count }
}

fn prefix(text: &str, wanted: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|it| !wanted(it)).unwrap_or(text.len())]
}
