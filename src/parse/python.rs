//! Python, through the parser that Astral publishes for Ruff: text to statements, within bounds.
//!
//! That parser grows its stack as it goes down; whoever walks or drops what it returns does not.
//! So the tokens are counted first, and a text that nests too deeply is not parsed at all.

use ruff_python_ast::{PySourceType, Suite, token::TokenKind};
use ruff_python_parser::{Mode, lexer, parse_unchecked_source};

/// Larger texts are not parsed: they are generated.
pub const LARGEST: usize = 2 << 20;

/// How deep expressions and statements may nest, all links of a chain counted.
const DEEPEST: usize = 400;

/// What came of reading a text.
#[derive(Debug)]
pub struct Module {
    /// The statements that could be read.
    pub body: Suite,
    /// The first thing that is no Python: its byte and what the parser says.
    pub error: Option<(u32, String)>,
}

/// Why a text is not parsed: the bound that it meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooMuch(pub &'static str);

/// Reads a module.
///
/// # Errors
/// When it is too large or nests too deeply.
pub fn parse(text: &str) -> Result<Module, TooMuch> {
    if text.len() > LARGEST {
        return Err(TooMuch("larger than 2 MiB: nothing in it is judged"));
    }
    if is_too_deep(text) {
        return Err(TooMuch("nests deeper than 400 levels: nothing in it is judged"));
    }
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let error = parsed
        .errors()
        .first()
        .map(|it| (it.location.start().to_u32(), it.error.to_string().to_lowercase()));
    Ok(Module { body: parsed.into_suite(), error })
}

/// The links of the chains that are open at one level of brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators, dots and calls since the last comma.
    links: usize,
    /// Keywords whose body may follow a comma: `lambda a, b: …`.
    lasting: usize,
}

/// Whether a text nests too deeply, by an upper bound of the depth of its syntax tree.
fn is_too_deep(text: &str) -> bool {
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut levels: Vec<Level> = Vec::new();
    let mut now = Level::default();
    let (mut total, mut indents) = (0usize, 0usize);
    loop {
        let kind = lexer.next_token();
        match kind {
            TokenKind::EndOfFile => return false,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline => {
                levels.clear();
                now = Level::default();
                total = 0;
            }
            TokenKind::Comma => {
                total -= now.links;
                now.links = 0;
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace | TokenKind::FStringStart => {
                now.links += 1;
                levels.push(std::mem::take(&mut now));
                total += 1;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::FStringEnd => {
                if let Some(outer) = levels.pop() {
                    total -= now.links + now.lasting;
                    now = outer;
                }
            }
            TokenKind::Lambda => {
                now.lasting += 1;
                total += 1;
            }
            kind if is_link(kind) => {
                now.links += 1;
                total += 1;
            }
            _ => {}
        }
        if total + indents + levels.len() > DEEPEST {
            return true;
        }
    }
}

/// Whether the token may put one more level into the syntax tree.
fn is_link(kind: TokenKind) -> bool {
    !matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline
            | TokenKind::Colon
            | TokenKind::Equal
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_loses_itself() {
        let module = parse("a = 1\nb = = 2\nc = 3\n").unwrap();
        assert!(module.body.len() >= 2);
        assert_eq!(module.error.unwrap().0, 10);
        assert!(parse("a = 1\n").unwrap().error.is_none());
    }

    #[test]
    fn what_nests_too_deeply_is_not_parsed() {
        let deep = |open: &str, close: &str| {
            parse(&format!("x = {}1{}\n", open.repeat(50_000), close.repeat(50_000))).is_err()
        };
        assert!(deep("(", ")"));
        assert!(deep("[", ""));
        assert!(deep("not ", ""));
        assert!(deep("- ", ""));
        assert!(deep("1 + ", ""));
        assert!(deep("a.", ""));
        assert!(deep("f(1, ", ")"));
        assert!(deep("lambda a, b: ", ""));
        assert!(deep("lambda: ", ""));
        assert!(deep("1 if a else ", ""));
        assert!(deep("f\"{", ""));
        assert!(deep("f'''{f\"\"\"{", ""));
        assert!(deep("await ", ""));
        assert!(deep("a()", ""));
        assert!(deep("{'a': ", "}"));
        assert!(deep("f\"{((((((", ""));
    }

    #[test]
    fn statements_that_nest_too_deeply_are_not_parsed() {
        let lines = (0..500).map(|it| format!("{}if a:\n", " ".repeat(it)));
        let text = lines.collect::<String>() + &" ".repeat(500) + "pass\n";
        assert!(parse(&text).is_err());
        assert!(parse(&"async ".repeat(10_000)).is_err());
        assert!(parse(&"if a: ".repeat(10_000)).is_err());
    }

    #[test]
    fn long_is_not_deep() {
        let list = format!("x = [{}]\n", "-1, f(2), ".repeat(20_000));
        assert!(parse(&list).unwrap().error.is_none());
        let lines = "a = b.c(1 + 2)\n".repeat(20_000);
        assert!(parse(&lines).unwrap().error.is_none());
    }

    #[test]
    fn any_prefix_is_read() {
        let text = "async def f(a, *, b: int = 3):\n    x = f'{a!r:>{b}}' + \"\\N{BULLET}\"\n    \
                    match x:\n        case [1, *_] | {'a': 2}: return (yield)\n";
        for end in (0..text.len()).filter(|it| text.is_char_boundary(*it)) {
            let _ = parse(&text[..end]);
        }
    }
}
