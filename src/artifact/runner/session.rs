//! The sessions of noxfile.py. It is a program: only the decorators, names and literal commands are
//! read, and whatever else a session does counts as work that is not known.

use super::{File, Task};
use crate::{artifact::recipe::UNKNOWN, document::Tree, source::Span};

/// The sessions of a file.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let text = tree.source.text.as_str();
    let mut tasks = Vec::new();
    let mut decorator: Option<String> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if line.starts_with("@nox.session") || line.starts_with("@session") {
            decorator = Some(decoration(&text[start..]).to_owned());
        } else if let Some(rest) = line.strip_prefix("def ")
            && let Some(decorator) = decorator.take()
        {
            let name: String =
                rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
            let named = keyword(&decorator, "name").unwrap_or_else(|| name.clone());
            let mut task = Task::new(&named, Span::new(start + 4, start + 4 + name.len()));
            body(&mut task, text, at);
            tasks.push(task);
        }
    }
    vec![File { runner: "nox", open: true, tasks }]
}

/// A decorator up to the end of its parentheses.
fn decoration(text: &str) -> &str {
    let line = text.lines().next().unwrap_or("");
    match line.find('(') {
        Some(open) => &text[..open + closing(&text[open..])],
        None => line,
    }
}

/// Where the parenthesis that starts the text is closed; quotes are looked over.
fn closing(text: &str) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, it) in text.char_indices().take(10_000) {
        match (quote, it) {
            (Some(open), _) if open == it => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(it),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    0
}

fn keyword(text: &str, name: &str) -> Option<String> {
    let rest =
        text.split_once(&format!("{name}=")).or_else(|| text.split_once(&format!("{name} =")))?;
    let rest = rest.1.trim_start();
    let quote = rest.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    rest[1..].split_once(quote).map(|it| it.0.to_owned())
}

/// The calls of `session.run` in the indented lines from `from` on.
fn body(task: &mut Task, text: &str, from: usize) {
    let mut at = from;
    let mut calls_others = false;
    for line in text[from..].split_inclusive('\n') {
        let start = at;
        at += line.len();
        let said = line.trim();
        if !said.is_empty() && !line.starts_with([' ', '\t', ')']) {
            break;
        }
        let call = ["session.run(", "session.run_always(", "session.run_install("]
            .iter()
            .find_map(|it| Some((line.find(it)?, it.len())));
        match call {
            Some((column, length)) => {
                let open = start + column + length - 1;
                let end = open + closing(&text[open..]).max(1);
                let (words, ignores) = words(&text[open..end]);
                task.line(&words, Span::new(start + column, end), str::to_owned);
                if let Some(line) = task.lines.last_mut() {
                    line.flags.ignores = ignores;
                }
            }
            None => calls_others |= said.contains('('),
        }
    }
    task.opaque = calls_others || task.lines.is_empty();
}

/// The literal words of a call; whether its failure is accepted.
fn words(call: &str) -> (String, bool) {
    let mut words = Vec::new();
    for argument in arguments(call.trim_start_matches('(').trim_end_matches(')')) {
        let quote = argument.chars().next().filter(|it| matches!(it, '"' | '\''));
        let literal = quote.and_then(|it| argument[1..].strip_suffix(it));
        match literal {
            Some(literal) => words.push(literal.to_owned()),
            None if argument.contains('=') && !argument.starts_with('*') => {}
            None => words.push(UNKNOWN.to_string()),
        }
    }
    let accepts = call.replace(' ', "").contains("success_codes=[0,1");
    (words.join(" "), accepts)
}

/// What stands between the commas of a call.
fn arguments(text: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut quote) = (0_usize, None);
    let split = text.split(move |it: char| {
        match (quote, it) {
            (Some(open), _) if open == it => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(it),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') => return depth == 0,
            _ => {}
        }
        false
    });
    split.map(str::trim).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::tasks;

    #[test]
    fn sessions_run_literal_commands() {
        let text = "import nox

@nox.session(python=[\"3.12\"], name=\"unit-test\")
def unit(session):
    session.run(\"pytest\", \"-q\", *session.posargs)

@nox.session
def lint(session: nox.Session) -> None:
    session.run(
        \"ruff\", \"check\",
        success_codes=[0, 1],
    )

def helper(session):
    session.run(\"x\")

@nox.session
def docs(session):
    build(session)
";
        assert_eq!(
            tasks("noxfile.py", text),
            [
                "unit-test: [pytest -q <?>] tests",
                "lint: [ruff check] style the `-` before its line cannot fail",
                "docs:",
            ]
        );
    }
}
