//! JSONPath as rulesets write it: nimma's dialect, with its extensions.

mod expr;
mod parse;
mod walk;

use expr::Expr;
pub use walk::{Paths, Prop, Spot};

/// A path: steps down, then steps up, then perhaps further steps down.
#[derive(Debug)]
pub struct Path {
    steps: Vec<Step>,
    /// How often `^` stands behind the steps.
    up: usize,
    /// Whether `~` stands behind them: the key is the value.
    pub keyed: bool,
    /// What follows a `^` in the middle.
    then: Option<Box<Path>>,
    /// `$..`: every container.
    containers: bool,
}

/// One step down.
#[derive(Debug)]
struct Step {
    /// At any depth.
    deep: bool,
    test: Test,
}

/// Which children a step takes.
#[derive(Debug)]
enum Test {
    Any,
    Names(Vec<String>),
    Slice { from: i64, to: Option<i64>, step: u32 },
    Filter(Expr),
}

/// How many steps a path may have.
const MAX_STEPS: usize = 64;

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What we do not understand.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.trim().strip_prefix('$').ok_or("a path starts with `$`")?;
        let mut reader = Reader { rest, steps: Vec::new() };
        reader.path()
    }
}

struct Reader<'t> {
    rest: &'t str,
    steps: Vec<Step>,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut containers = false;
        while !self.rest.is_empty() && !self.rest.starts_with(['^', '~']) {
            if self.rest == ".." {
                self.rest = "";
                containers = true;
                break;
            }
            self.step()?;
            if self.steps.len() > MAX_STEPS {
                return Err("the path has too many steps".to_owned());
            }
        }
        let (mut up, mut keyed) = (0, false);
        loop {
            if self.eat("^") {
                // Behind a `~` it means nothing.
                up += usize::from(!keyed);
            } else if self.eat("~") {
                keyed = true;
            } else {
                break;
            }
        }
        let steps = compact(std::mem::take(&mut self.steps));
        if self.rest.is_empty() {
            return Ok(Path { steps, up, keyed, then: None, containers });
        }
        if up == 0 || keyed {
            return Err(format!("`{}` is not understood", self.rest));
        }
        let then = Some(Box::new(self.path()?));
        Ok(Path { steps, up, keyed, then, containers })
    }

    fn step(&mut self) -> Result<(), String> {
        // A dot before nothing, or before `~` and `^`, is read over: public rulesets have it.
        if self.rest == "." || self.rest.starts_with(".~") || self.rest.starts_with(".^") {
            self.rest = &self.rest[1..];
            return Ok(());
        }
        // `.[…]` and `...` are deep too: quirks that public rulesets rely upon.
        let deep =
            self.eat("...") || self.eat("..") || self.rest.starts_with(".[") && self.eat(".");
        let test = if self.eat("[") {
            self.bracket()?
        } else if deep || self.eat(".") {
            self.dotted()?
        } else {
            return Err(format!("`{}` is not understood", self.rest));
        };
        self.steps.push(Step { deep, test });
        Ok(())
    }

    fn dotted(&mut self) -> Result<Test, String> {
        if self.eat("*") {
            return Ok(Test::Any);
        }
        if let Some(shorthand) = self.rest.strip_prefix('@') {
            let (name, rest) = shorthand.split_once("()").ok_or("`@` needs a name and `()`")?;
            self.rest = rest;
            return parse::parse(&format!("@{name}()")).map(Test::Filter);
        }
        if let Some(quote @ ('\'' | '"')) = self.rest.chars().next() {
            return Ok(Test::Names(vec![self.quoted(quote)?]));
        }
        let name = self.word();
        match name {
            "" => Err(format!("a name is missing before `{}`", self.rest)),
            _ => Ok(Test::Names(vec![name.to_owned()])),
        }
    }

    fn word(&mut self) -> &'t str {
        let part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '$' | '/' | '#');
        let end = self.rest.find(|it| !part(it)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn bracket(&mut self) -> Result<Test, String> {
        self.rest = self.rest.trim_start();
        if self.eat("?(") {
            let (expr, rest) = balanced(self.rest).ok_or("a filter does not end")?;
            self.rest = rest.trim_start();
            self.close()?;
            return parse::parse(expr).map(Test::Filter);
        }
        if self.eat("(") {
            let (expr, rest) = balanced(self.rest).ok_or("an expression does not end")?;
            self.rest = rest.trim_start();
            self.close()?;
            let back: Option<i64> =
                expr.replace(' ', "").strip_prefix("@.length-").and_then(|it| it.parse().ok());
            let from = -back.ok_or_else(|| format!("`({expr})` is not understood"))?;
            return Ok(Test::Slice {
                from,
                to: from.checked_add(1).filter(|it| *it != 0),
                step: 1,
            });
        }
        if self.eat("*") {
            self.close()?;
            return Ok(Test::Any);
        }
        self.names()
    }

    fn close(&mut self) -> Result<(), String> {
        match self.eat("]") {
            true => Ok(()),
            false => Err(format!("`]` is missing before `{}`", self.rest)),
        }
    }

    fn names(&mut self) -> Result<Test, String> {
        let mut names = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            let quote = self.rest.chars().next().filter(|it| matches!(it, '\'' | '"'));
            match quote {
                Some(quote) => names.push(self.quoted(quote)?),
                None => {
                    let end = self.rest.find([',', ']']).ok_or("`]` is missing")?;
                    let (name, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    names.push(name.trim().to_owned());
                }
            }
            self.rest = self.rest.trim_start();
            if !self.eat(",") {
                break;
            }
        }
        self.close()?;
        match &names[..] {
            [one] if one.contains(':') => slice(one),
            [one] if one.starts_with('-') && one[1..].parse::<u32>().is_ok() => {
                slice(&format!("{one}:"))
            }
            _ => Ok(Test::Names(names)),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut name = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => name.extend(chars.next().map(|it| it.1)),
                _ if c == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(name);
                }
                _ => name.push(c),
            }
        }
        Err("a name does not end".to_owned())
    }
}

fn slice(text: &str) -> Result<Test, String> {
    let mut parts = text.split(':').map(str::trim);
    let mut number = || match parts.next() {
        None | Some("") => Ok(None),
        Some(it) => it.parse::<i64>().map(Some).map_err(|_| format!("`{it}` is no number")),
    };
    let (from, to, step) = (number()?, number()?, number()?);
    let step = u32::try_from(step.unwrap_or(1)).ok().filter(|it| *it > 0);
    Ok(Test::Slice { from: from.unwrap_or(0), to, step: step.ok_or("a slice goes forward")? })
}

/// What stands before the parenthesis that closes, and what stands behind it.
fn balanced(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quote, mut escaped) = (0, None, false);
    let mut regex = false;
    let mut before = '(';
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' if regex => regex = false,
            _ if regex => {}
            _ if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            '\'' | '"' => quote = Some(c),
            '/' if matches!(before, '(' | ',' | '=' | '&' | '|' | '!' | '~') => regex = true,
            '(' => depth += 1,
            ')' if depth == 0 => return Some((&text[..at], &text[at + 1..])),
            ')' => depth -= 1,
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    None
}

/// `..*` before another step only makes that step deep: nimma says so.
fn compact(steps: Vec<Step>) -> Vec<Step> {
    let mut compacted: Vec<Step> = Vec::with_capacity(steps.len());
    let mut deep = false;
    let last = steps.len().saturating_sub(1);
    for (at, mut step) in steps.into_iter().enumerate() {
        step.deep |= std::mem::take(&mut deep);
        match step.test {
            Test::Any if step.deep && at < last => deep = true,
            _ => compacted.push(step),
        }
    }
    compacted
}

#[cfg(test)]
mod tests;
