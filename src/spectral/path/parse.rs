//! Reads the expressions in filters: the part of JavaScript that rulesets use.

use std::sync::Arc;

use super::expr::{At, Expr, Op};
use crate::spectral::pattern::Pattern;

/// Longer expressions are not read.
const MAX_LENGTH: usize = 4096;
/// Deeper ones neither.
const MAX_DEPTH: u32 = 48;

/// The binary operators, longest first, and how tightly they bind.
const OPERATORS: &[(&str, Op, u8)] = &[
    ("===", Op::Same, 6),
    ("!==", Op::Differs, 6),
    ("==", Op::Equal, 6),
    ("!=", Op::Unequal, 6),
    ("<=", Op::AtMost, 7),
    (">=", Op::AtLeast, 7),
    ("&&", Op::And, 2),
    ("||", Op::Or, 1),
    ("~=", Op::Matches, 20),
    ("<", Op::Less, 7),
    (">", Op::More, 7),
    ("+", Op::Add, 9),
    ("-", Op::Subtract, 9),
    ("*", Op::Multiply, 10),
    ("/", Op::Divide, 10),
    ("%", Op::Remainder, 10),
    ("in ", Op::In, 12),
];

/// Reads an expression.
///
/// # Errors
/// What we cannot evaluate.
pub fn parse(text: &str) -> Result<Expr, String> {
    if text.len() > MAX_LENGTH {
        return Err("the expression is too long".to_owned());
    }
    let mut parser = Parser { rest: text, depth: 0 };
    let expr = parser.conditional()?;
    parser.blanks();
    match parser.rest {
        "" => Ok(expr),
        rest => Err(format!("`{rest}` is not understood")),
    }
}

struct Parser<'t> {
    rest: &'t str,
    depth: u32,
}

type Parsed = Result<Expr, String>;

impl<'t> Parser<'t> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, text: &str) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        match self.eat(text) {
            true => Ok(()),
            false => Err(format!("`{text}` is missing before `{}`", self.rest)),
        }
    }

    fn conditional(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        let mut expr = self.binary(0)?;
        if self.eat("?") {
            let yes = self.conditional()?;
            self.expect(":")?;
            let no = self.conditional()?;
            expr = Expr::Choice(Box::new((expr, yes, no)));
        }
        self.depth -= 1;
        Ok(expr)
    }

    fn binary(&mut self, least: u8) -> Parsed {
        let mut left = self.unary()?;
        loop {
            self.blanks();
            let found = OPERATORS
                .iter()
                .find(|(text, _, binds)| *binds > least && self.rest.starts_with(text));
            let Some(&(text, op, binds)) = found else { return Ok(left) };
            self.rest = &self.rest[text.len()..];
            let right = match op {
                Op::Matches => self.matched()?,
                _ => self.binary(binds)?,
            };
            left = Expr::Binary(op, Box::new((left, right)));
        }
    }

    /// The right side of `~=`: a text that is an expression.
    fn matched(&mut self) -> Parsed {
        match self.primary()? {
            Expr::Text(text) => Ok(Expr::Pattern(Arc::new(Pattern::new(&text, "")?))),
            it @ Expr::Pattern(_) => Ok(it),
            _ => Err("`~=` needs a text on its right".to_owned()),
        }
    }

    fn unary(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        let expr = if self.eat("!") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.eat("-") {
            Expr::Minus(Box::new(self.unary()?))
        } else if self.eat("+") {
            let zero = Box::new((self.unary()?, Expr::Number(0.0)));
            Expr::Binary(Op::Subtract, zero)
        } else if self.word("void") {
            self.unary()?;
            Expr::Undefined
        } else if self.word("typeof") {
            Expr::Typeof(Box::new(self.unary()?))
        } else {
            let primary = self.primary()?;
            self.members(primary)?
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// A whole word.
    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        let ends = !rest.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
        if ends {
            self.rest = rest;
        }
        ends
    }

    fn primary(&mut self) -> Parsed {
        self.blanks();
        let Some(first) = self.rest.chars().next() else {
            return Err("the expression ends too early".to_owned());
        };
        match first {
            '(' => {
                self.expect("(")?;
                let expr = self.conditional()?;
                self.expect(")")?;
                Ok(expr)
            }
            '[' => {
                self.expect("[")?;
                Ok(Expr::Array(self.list("]")?))
            }
            '"' | '\'' => self.quoted(first).map(Expr::Text),
            '/' => self.regex(),
            '0'..='9' | '.' => self.number(),
            _ => self.name(),
        }
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        if self.eat(end) {
            return Ok(items);
        }
        loop {
            items.push(self.conditional()?);
            if self.eat(end) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                _ if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(text);
                }
                _ => text.push(c),
            }
        }
        Err("a text does not end".to_owned())
    }

    fn regex(&mut self) -> Parsed {
        let body = &self.rest[1..];
        let (mut in_class, mut escaped) = (false, false);
        for (at, c) in body.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    let after = &body[at + 1..];
                    let flags = after.find(|it: char| !it.is_ascii_lowercase());
                    let flags = &after[..flags.unwrap_or(after.len())];
                    self.rest = &after[flags.len()..];
                    return Ok(Expr::Pattern(Arc::new(Pattern::new(&body[..at], flags)?)));
                }
                _ => {}
            }
        }
        Err("a regular expression does not end".to_owned())
    }

    fn number(&mut self) -> Parsed {
        let end = self.rest.find(|it: char| !it.is_ascii_digit() && it != '.');
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        text.parse().map(Expr::Number).map_err(|_| format!("`{text}` is no number"))
    }

    fn identifier(&mut self) -> &'t str {
        let part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '$' | '@');
        let end = self.rest.find(|it| !part(it)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    fn name(&mut self) -> Parsed {
        let name = self.identifier();
        let at = match name {
            "true" => return Ok(Expr::Bool(true)),
            "false" => return Ok(Expr::Bool(false)),
            "null" => return Ok(Expr::Null),
            "undefined" => return Ok(Expr::Undefined),
            "@" => At::Value,
            "@property" => At::Property,
            "@parent" => At::Parent,
            "@parentProperty" => At::ParentProperty,
            "@root" => At::Root,
            "@path" => At::Path,
            "@string" => At::Is("string"),
            "@number" => At::Is("number"),
            "@boolean" => At::Is("boolean"),
            "@integer" => At::Is("integer"),
            "@scalar" => At::Is("scalar"),
            "@array" => At::Is("array"),
            "@object" => At::Is("object"),
            "@null" => At::Is("null"),
            "" => return Err(format!("`{}` is not understood", self.rest)),
            _ => return Err(format!("`{name}` is not known")),
        };
        if matches!(at, At::Is(_)) && self.eat("(") {
            self.expect(")")?;
        }
        Ok(Expr::At(at))
    }

    /// `.name`, `[…]` and `(…)` after an expression.
    fn members(&mut self, expr: Expr) -> Parsed {
        let mut expr = expr;
        loop {
            if self.eat("?.") || self.eat(".") {
                let name = self.identifier();
                if name.is_empty() {
                    return Err(format!("a name is missing before `{}`", self.rest));
                }
                expr = self.member(expr, name)?;
            } else if self.eat("[") {
                let key = self.conditional()?;
                self.expect("]")?;
                expr = Expr::Index(Box::new((expr, key)));
            } else {
                return Ok(expr);
            }
        }
    }

    fn member(&mut self, object: Expr, name: &str) -> Parsed {
        if self.eat("(") {
            let arguments = self.list(")")?;
            return Expr::call(object, name, arguments);
        }
        Ok(match object {
            Expr::Member(it) if it.1 == "constructor" && name == "name" => {
                Expr::Constructor(Box::new(it.0))
            }
            other => Expr::Member(Box::new((other, name.to_owned()))),
        })
    }
}
