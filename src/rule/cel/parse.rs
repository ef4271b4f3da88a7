//! From tokens to syntax: a Pratt parser, bounded in depth.

use std::ops::Range;

use super::{
    Fault, Syntax,
    lex::{Lexer, Token},
    syntax::{Binary, Comparison, Form, Operator, Word},
};

/// How deep expressions may be nested.
const DEPTH: u32 = 100;

/// Reads a whole text as one expression.
pub(in crate::rule) fn parse(text: &str) -> Result<Syntax, Fault> {
    let mut parser = Parser::new(text, 0)?;
    let syntax = parser.expression()?;
    if parser.token != Token::End {
        return Err(parser.unexpected("the end of the expression, or an operator"));
    }
    Ok(syntax)
}

/// Reads an expression from the byte `at` on that ends before a `}`; gives also where that is.
pub(in crate::rule) fn parse_until_brace(text: &str, at: usize) -> Result<(Syntax, usize), Fault> {
    let mut parser = Parser::new(text, at)?;
    let syntax = parser.expression()?;
    if parser.token != Token::Sign("}") {
        return Err(parser.unexpected("`}`, or an operator"));
    }
    Ok((syntax, parser.range.start))
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token,
    range: Range<usize>,
    /// Where the token before ended.
    end: usize,
    depth: u32,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, at: usize) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text, at);
        let (token, range) = lexer.next()?;
        Ok(Self { lexer, token, range, end: at, depth: 0 })
    }

    fn advance(&mut self) -> Result<Token, Fault> {
        let (token, range) = self.lexer.next()?;
        self.end = self.range.end;
        self.range = range;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn take(&mut self, sign: &'static str) -> Result<bool, Fault> {
        let there = self.token == Token::Sign(sign);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn want(&mut self, sign: &'static str) -> Result<(), Fault> {
        if self.take(sign)? {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let found = match &self.token {
            Token::End => {
                return Fault::new(self.range.clone(), format!("{wanted} is missing here"));
            }
            Token::Name(name) | Token::Quoted(name) => format!("`{name}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Text(_) => "a text".to_owned(),
            Token::Int(_) | Token::Float(_) => "a number".to_owned(),
        };
        let fault = Fault::new(self.range.clone(), format!("expected {wanted}, found {found}"));
        match &self.token {
            Token::Name(name) if name == "and" => fault.help("write `&&`"),
            Token::Name(name) if name == "or" => fault.help("write `||`"),
            Token::Name(name) if name == "not" => fault.help("write `!`"),
            _ => fault,
        }
    }

    fn build(&self, start: usize, form: Form) -> Result<Syntax, Fault> {
        let range = start..self.end;
        let depth = 1 + deepest(&form);
        if depth > DEPTH {
            return Err(too_deep(range));
        }
        Ok(Syntax { range, depth, form })
    }

    fn expression(&mut self) -> Result<Syntax, Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(too_deep(self.range.clone()));
        }
        let start = self.range.start;
        let condition = self.either()?;
        let syntax = if self.take("?")? {
            let yes = self.either()?;
            self.want(":")?;
            let no = self.expression()?;
            self.build(start, Form::Choose(Box::new([condition, yes, no])))?
        } else {
            condition
        };
        self.depth -= 1;
        Ok(syntax)
    }

    fn either(&mut self) -> Result<Syntax, Fault> {
        self.chain("||", Self::both, Form::Or)
    }

    fn both(&mut self) -> Result<Syntax, Fault> {
        self.chain("&&", |parser| parser.binary(0), Form::And)
    }

    fn chain(
        &mut self,
        sign: &'static str,
        mut part: impl FnMut(&mut Self) -> Result<Syntax, Fault>,
        form: fn(Vec<Syntax>) -> Form,
    ) -> Result<Syntax, Fault> {
        let start = self.range.start;
        let first = part(self)?;
        if self.token != Token::Sign(sign) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(sign)? {
            parts.push(part(self)?);
        }
        self.build(start, form(parts))
    }

    fn operator(&self) -> Option<(u8, Binary)> {
        use Comparison::*;
        use Operator::*;
        Some(match &self.token {
            Token::Name(name) if name == "in" => (1, Binary::In),
            Token::Sign(sign) => match *sign {
                "==" => (1, Binary::Compare(Equal)),
                "!=" => (1, Binary::Compare(Unequal)),
                "<" => (1, Binary::Compare(Less)),
                "<=" => (1, Binary::Compare(AtMost)),
                ">" => (1, Binary::Compare(Greater)),
                ">=" => (1, Binary::Compare(AtLeast)),
                "+" => (2, Binary::Compute(Add)),
                "-" => (2, Binary::Compute(Subtract)),
                "*" => (3, Binary::Compute(Multiply)),
                "/" => (3, Binary::Compute(Divide)),
                "%" => (3, Binary::Compute(Remainder)),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Operators that bind tighter than `above`.
    fn binary(&mut self, above: u8) -> Result<Syntax, Fault> {
        let start = self.range.start;
        let mut left = self.unary()?;
        while let Some((power, operator)) = self.operator().filter(|&(power, _)| power > above) {
            self.advance()?;
            let right = self.binary(power)?;
            left = self.build(start, Form::Binary(operator, Box::new((left, right))))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Syntax, Fault> {
        let start = self.range.start;
        let mut signs = Vec::new();
        while let Token::Sign(sign @ ("!" | "-")) = self.token {
            self.advance()?;
            signs.push((sign, self.end - 1));
        }
        let mut syntax = match (&self.token, signs.last()) {
            (&Token::Int(number), Some(&("-", at))) => {
                signs.pop();
                self.advance()?;
                let number = self.build(at, Form::Int((number as i64).wrapping_neg()))?;
                self.postfix(at, number)?
            }
            _ => {
                let primary = self.primary()?;
                self.postfix(primary.range.start, primary)?
            }
        };
        for (sign, at) in signs.into_iter().rev() {
            let inner = Box::new(syntax);
            let form = if sign == "!" { Form::Not(inner) } else { Form::Negate(inner) };
            syntax = self.build(at.max(start), form)?;
        }
        Ok(syntax)
    }

    fn postfix(&mut self, start: usize, mut syntax: Syntax) -> Result<Syntax, Fault> {
        loop {
            if self.take(".")? {
                syntax = self.member(start, syntax)?;
            } else if self.take("[")? {
                let index = self.expression()?;
                self.want("]")?;
                syntax = self.build(start, Form::Index(Box::new((syntax, index))))?;
            } else {
                return Ok(syntax);
            }
        }
    }

    fn member(&mut self, start: usize, of: Syntax) -> Result<Syntax, Fault> {
        let (Token::Name(name) | Token::Quoted(name)) = &self.token else {
            return Err(self.unexpected("the name of a field or a function"));
        };
        let word = Word { text: name.clone(), range: self.range.clone() };
        self.advance()?;
        if !self.take("(")? {
            return self.build(start, Form::Select(Box::new(of), word));
        }
        let arguments = self.list(")", Self::expression)?;
        self.build(start, Form::Call(Some(Box::new(of)), word, arguments))
    }

    fn primary(&mut self) -> Result<Syntax, Fault> {
        let start = self.range.start;
        let form = match &self.token {
            Token::Sign("(") => return self.group(),
            Token::Sign("[") => {
                self.advance()?;
                Form::List(self.list("]", Self::expression)?)
            }
            Token::Sign("{") => {
                self.advance()?;
                Form::Map(self.list("}", Self::entry)?)
            }
            Token::Int(number) if *number <= i64::MAX as u64 => {
                let form = Form::Int(*number as i64);
                self.advance()?;
                form
            }
            Token::Int(_) => {
                return Err(Fault::new(self.range.clone(), "this number does not fit 64 bits"));
            }
            Token::Name(name) if name == "in" => return Err(self.unexpected("an expression")),
            Token::Float(_) | Token::Text(_) | Token::Name(_) => match self.advance()? {
                Token::Float(number) => Form::Float(number),
                Token::Text(text) => Form::Text(text),
                Token::Name(name) => return self.named(start, name),
                _ => Form::Null,
            },
            _ => return Err(self.unexpected("an expression")),
        };
        self.build(start, form)
    }

    fn group(&mut self) -> Result<Syntax, Fault> {
        self.advance()?;
        let inner = self.expression()?;
        self.want(")")?;
        Ok(inner)
    }

    fn named(&mut self, start: usize, name: String) -> Result<Syntax, Fault> {
        let range = start..self.end;
        let form = match name.as_str() {
            "null" => Form::Null,
            "true" => Form::Bool(true),
            "false" => Form::Bool(false),
            _ if self.take("(")? => {
                Form::Call(None, Word { text: name, range }, self.list(")", Self::expression)?)
            }
            _ => Form::Name(name),
        };
        self.build(start, form)
    }

    fn entry(&mut self) -> Result<(Syntax, Syntax), Fault> {
        let key = self.expression()?;
        self.want(":")?;
        Ok((key, self.expression()?))
    }

    fn list<T>(
        &mut self,
        close: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        while !self.take(close)? {
            items.push(item(self)?);
            if !self.take(",")? && self.token != Token::Sign(close) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        Ok(items)
    }
}

fn too_deep(range: Range<usize>) -> Fault {
    Fault::new(range, format!("nested more than {DEPTH} deep"))
}

fn deepest(form: &Form) -> u32 {
    let most = |parts: &[Syntax]| parts.iter().map(|it| it.depth).max().unwrap_or(0);
    match form {
        Form::Null | Form::Bool(_) | Form::Int(_) | Form::Float(_) => 0,
        Form::Text(_) | Form::Name(_) => 0,
        Form::Select(of, _) => of.depth,
        Form::Not(of) | Form::Negate(of) => of.depth,
        Form::Index(pair) | Form::Binary(_, pair) => pair.0.depth.max(pair.1.depth),
        Form::Call(of, _, parts) => of.as_ref().map_or(0, |it| it.depth).max(most(parts)),
        Form::List(parts) | Form::And(parts) | Form::Or(parts) => most(parts),
        Form::Map(entries) => {
            entries.iter().map(|(key, value)| key.depth.max(value.depth)).max().unwrap_or(0)
        }
        Form::Choose(parts) => most(&parts[..]),
    }
}
