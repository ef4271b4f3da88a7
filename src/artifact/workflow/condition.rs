//! Conditions of GitHub workflows: whether an `if` can hold, given what starts the workflow.
//!
//! Three answers: it holds, it does not, or nobody knows before it runs.

/// What is known when a workflow starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Setting {
    /// `push`, `pull_request`, …; empty where it is not known.
    pub(super) event: String,
    /// `refs/heads/main`, where it is known.
    pub(super) reference: Option<String>,
}

/// How a condition turns out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Holds,
    Fails,
    Unknown,
}

/// How the condition turns out in a setting.
pub(super) fn judge(condition: &str, setting: &Setting) -> Truth {
    if mixes(condition) {
        return Truth::Holds;
    }
    let inner = condition.trim();
    let inner = inner.strip_prefix("${{").and_then(|it| it.strip_suffix("}}")).unwrap_or(inner);
    let tokens = tokens(inner);
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, setting };
    let value = parser.any();
    if parser.at < tokens.len() {
        return Truth::Unknown;
    }
    value.truth()
}

/// Whether text stands beside the `${{ … }}` of a condition: then it is a text that is not empty,
/// which always holds.
pub(super) fn mixes(condition: &str) -> bool {
    let Some(start) = condition.find("${{") else { return false };
    let whole = condition.starts_with("${{") && condition.ends_with("}}");
    !whole || condition[start + 3..].contains("${{")
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(&'static str),
}

const SIGNS: &[&str] =
    &["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", ",", "[", "]"];

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let mut value = String::new();
            let mut letters = rest[1..].char_indices().peekable();
            let mut end = rest.len();
            while let Some((at, letter)) = letters.next() {
                if letter != '\'' {
                    value.push(letter);
                } else if letters.peek().is_some_and(|it| it.1 == '\'') {
                    letters.next();
                    value.push('\'');
                } else {
                    end = at + 2;
                    break;
                }
            }
            out.push(Token::Text(value));
            rest = &rest[end..];
        } else if let Some(sign) = SIGNS.iter().find(|it| rest.starts_with(**it)) {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let is_word =
                |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.' | '*');
            let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len()).max(first.len_utf8());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    out
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bool(bool),
    Text(String),
    Nothing,
    Unknown,
}

impl Value {
    fn truth(&self) -> Truth {
        match self {
            Self::Bool(true) => Truth::Holds,
            Self::Bool(false) | Self::Nothing => Truth::Fails,
            Self::Text(text) if text.is_empty() => Truth::Fails,
            Self::Text(_) => Truth::Holds,
            Self::Unknown => Truth::Unknown,
        }
    }

    fn not(&self) -> Self {
        match self.truth() {
            Truth::Holds => Self::Bool(false),
            Truth::Fails => Self::Bool(true),
            Truth::Unknown => Self::Unknown,
        }
    }

    /// Whether two values are equal, as GitHub compares them, as far as that is known.
    fn equals(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Text(a), Self::Text(b)) => Self::Bool(a.eq_ignore_ascii_case(b)),
            (a, b) if a == b => Self::Bool(true),
            (Self::Nothing, Self::Text(text)) | (Self::Text(text), Self::Nothing) => {
                Self::Bool(text.is_empty())
            }
            (Self::Nothing, Self::Bool(it)) | (Self::Bool(it), Self::Nothing) => Self::Bool(!it),
            (Self::Bool(_), Self::Bool(_)) => Self::Bool(false),
            _ => Self::Unknown,
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u8,
    setting: &'a Setting,
}

/// How deep parentheses nest.
const DEEPEST: u8 = 30;

impl Parser<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(it)) if *it == sign);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Value {
        self.depth += 1;
        let mut value = if self.depth > DEEPEST { Value::Unknown } else { self.all() };
        while self.take("||") {
            let other = self.all();
            value = match value.truth() {
                Truth::Holds => value,
                Truth::Fails => other,
                Truth::Unknown if other.truth() == Truth::Holds => other,
                Truth::Unknown => Value::Unknown,
            };
        }
        self.depth -= 1;
        value
    }

    fn all(&mut self) -> Value {
        let mut value = self.compared();
        while self.take("&&") {
            let other = self.compared();
            value = match value.truth() {
                Truth::Holds => other,
                Truth::Fails => value,
                Truth::Unknown if other.truth() == Truth::Fails => other,
                Truth::Unknown => Value::Unknown,
            };
        }
        value
    }

    fn compared(&mut self) -> Value {
        let mut value = self.single();
        loop {
            if self.take("==") {
                value = value.equals(&self.single());
            } else if self.take("!=") {
                value = value.equals(&self.single()).not();
            } else if ["<=", ">=", "<", ">"].iter().any(|it| self.take(it)) {
                self.single();
                value = Value::Unknown;
            } else {
                return value;
            }
        }
    }

    fn single(&mut self) -> Value {
        let mut negations = 0;
        while self.take("!") {
            negations += 1;
        }
        let mut value = self.primary();
        while self.take("[") {
            self.any();
            self.take("]");
            value = Value::Unknown;
        }
        for _ in 0..negations.min(2 + negations % 2) {
            value = value.not();
        }
        value
    }

    fn primary(&mut self) -> Value {
        if self.take("(") {
            let value = self.any();
            self.take(")");
            return value;
        }
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(!matches!(token, Some(Token::Sign(_))));
        match token {
            Some(Token::Text(text)) => Value::Text(text),
            Some(Token::Word(word)) if self.take("(") => {
                let arguments = self.arguments();
                call(&word, &arguments)
            }
            Some(Token::Word(word)) => self.context(&word),
            _ => Value::Unknown,
        }
    }

    fn arguments(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        while self.at < self.tokens.len() && !self.take(")") {
            let before = self.at;
            found.push(self.any());
            self.take(",");
            if self.at == before {
                self.at += 1;
            }
        }
        found
    }

    fn context(&self, word: &str) -> Value {
        let event = self.setting.event.as_str();
        let known = |text: &str| Value::Text(text.to_owned());
        let reference = self.setting.reference.as_deref();
        match word.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Nothing,
            "github.event_name" if !event.is_empty() => known(event),
            "github.ref" => reference.map_or(Value::Unknown, known),
            "github.ref_name" => {
                let name = reference.and_then(|it| it.split_once('/')?.1.split_once('/'));
                name.map_or(Value::Unknown, |it| known(it.1))
            }
            it if it.starts_with("github.event.pull_request")
                && matches!(event, "push" | "schedule" | "release") =>
            {
                Value::Nothing
            }
            it if it.starts_with("github.event.release")
                && matches!(event, "push" | "schedule" | "pull_request") =>
            {
                Value::Nothing
            }
            _ => Value::Unknown,
        }
    }
}

fn call(name: &str, arguments: &[Value]) -> Value {
    let (Some(Value::Text(text)), Some(Value::Text(part))) = (arguments.first(), arguments.get(1))
    else {
        return if name.eq_ignore_ascii_case("always") {
            Value::Bool(true)
        } else {
            Value::Unknown
        };
    };
    let (text, part) = (text.to_ascii_lowercase(), part.to_ascii_lowercase());
    match name.to_ascii_lowercase().as_str() {
        "contains" => Value::Bool(text.contains(&part)),
        "startswith" => Value::Bool(text.starts_with(&part)),
        "endswith" => Value::Bool(text.ends_with(&part)),
        _ => Value::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(event: &str, reference: &str, condition: &str) -> Truth {
        let reference = (!reference.is_empty()).then(|| reference.to_owned());
        judge(condition, &Setting { event: event.to_owned(), reference })
    }

    #[test]
    fn what_starts_a_workflow_decides() {
        use Truth::{Fails, Holds, Unknown};
        let main = "github.ref == 'refs/heads/main'";
        assert_eq!(at("push", "refs/heads/main", main), Holds);
        assert_eq!(at("push", "refs/heads/dev", main), Fails);
        assert_eq!(at("push", "", main), Unknown);
        assert_eq!(at("push", "", "github.event_name == 'pull_request'"), Fails);
        assert_eq!(at("push", "", "${{ github.event_name != 'pull_request' }}"), Holds);
        assert_eq!(at("push", "", "github.event_name == 'push' && secrets.X != ''"), Unknown);
        assert_eq!(at("push", "", "(false || a.b) && !true"), Fails);
        assert_eq!(at("push", "", "startsWith(github.ref, 'refs/tags/')"), Unknown);
        assert_eq!(at("push", "refs/heads/a", "startsWith(github.ref, 'refs/tags/')"), Fails);
        assert_eq!(at("push", "", "github.event.pull_request.merged == true"), Fails);
        assert_eq!(at("push", "", "always() && failure()"), Unknown);
        assert_eq!(at("push", "", "contains(fromJSON('[\"a\"]'), github.ref)"), Unknown);
    }

    #[test]
    fn text_beside_an_expression_always_holds() {
        assert_eq!(at("push", "", "${{ false }}\n"), Truth::Holds);
        assert_eq!(at("push", "", "${{ false }} && ${{ false }}"), Truth::Holds);
        assert!(!mixes("${{ false }}") && !mixes("a == 'b'"));
    }
}
