//! Messages with expressions in braces: `the tag is {it.image.tag}`; `{{` and `}}` are braces.

use super::cel::{Expr, Fault, Machine, Scope, Wrong, check, parse_until_brace};
use crate::value::Value;

/// How much of a value a message shows, in characters.
const SHOWN: usize = 120;

/// A message.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Expr(Expr),
}

impl Template {
    /// Reads a message; its expressions are checked.
    pub fn parse(text: &str, scope: &Scope<'_>) -> Result<Self, Fault> {
        let (mut parts, mut held, mut at) = (Vec::new(), String::new(), 0);
        while let Some(next) = text[at..].find(['{', '}']).map(|it| it + at) {
            held.push_str(&text[at..next]);
            let brace = &text[next..next + 1];
            if text[next + 1..].starts_with(brace) {
                held.push_str(brace);
                at = next + 2;
                continue;
            }
            if brace == "}" {
                let message = "this `}` closes nothing".to_owned();
                let help = Some("a brace in a message is written twice: `}}`".to_owned());
                return Err(Fault { range: next..next + 1, message, help });
            }
            let (syntax, end) = parse_until_brace(text, next + 1)?;
            parts.push(Part::Text(std::mem::take(&mut held)));
            parts.push(Part::Expr(check(&syntax, scope)?.0));
            at = end + 1;
        }
        held.push_str(&text[at..]);
        parts.push(Part::Text(held));
        Ok(Self(parts))
    }

    /// The value, where the whole text is one expression.
    pub fn lone<'a>(
        &'a self,
        machine: &mut Machine<'a>,
        variables: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, Wrong> {
        let mut parts = self.0.iter().filter(|it| !matches!(it, Part::Text(it) if it.is_empty()));
        match (parts.next(), parts.next()) {
            (Some(Part::Expr(expr)), None) => machine.value(expr, variables).map(Some),
            _ => Ok(None),
        }
    }

    /// The text with the values of its expressions, however long they are.
    pub fn whole<'a>(
        &'a self,
        machine: &mut Machine<'a>,
        variables: &[Value<'a>],
    ) -> Result<String, Wrong> {
        self.written(machine, variables, |value, out| out.push_str(value))
    }

    /// The message, with the values of its expressions.
    pub fn fill<'a>(
        &'a self,
        machine: &mut Machine<'a>,
        variables: &[Value<'a>],
    ) -> Result<String, Wrong> {
        self.written(machine, variables, show)
    }

    fn written<'a>(
        &'a self,
        machine: &mut Machine<'a>,
        variables: &[Value<'a>],
        add: fn(&str, &mut String),
    ) -> Result<String, Wrong> {
        let mut out = std::mem::take(&mut machine.message);
        out.clear();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expr(expr) => match machine.value(expr, variables)? {
                    // What is not written has no text.
                    Value::Null => out.push('?'),
                    value => add(&value.display(), &mut out),
                },
            }
        }
        let message = out.as_str().to_owned();
        machine.message = out;
        Ok(message)
    }
}

/// Adds a value to a message: on one line, and not longer than a reader wants.
fn show(value: &str, out: &mut String) {
    if value.len() <= SHOWN && value.bytes().all(|it| matches!(it, b' '..=b'~')) {
        return out.push_str(value);
    }
    let mut letters = value.chars();
    for letter in letters.by_ref().take(SHOWN) {
        out.push(if letter.is_control() { ' ' } else { letter });
    }
    if letters.next().is_some() {
        out.push('…');
    }
}
