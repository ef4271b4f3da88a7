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

    /// The message, with the values of its expressions.
    pub fn fill<'a>(
        &'a self,
        machine: &mut Machine<'a>,
        variables: &[Value<'a>],
    ) -> Result<String, Wrong> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expr(expr) => show(&machine.value(expr, variables)?.display(), &mut out),
            }
        }
        Ok(out)
    }
}

/// Adds a value to a message: on one line, and not longer than a reader wants.
fn show(value: &str, out: &mut String) {
    let mut letters = value.chars();
    for letter in letters.by_ref().take(SHOWN) {
        out.push(if letter.is_control() { ' ' } else { letter });
    }
    if letters.next().is_some() {
        out.push('…');
    }
}
