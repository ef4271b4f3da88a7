//! The simple commands that a RUN runs, with their flags and arguments told apart.

use std::{borrow::Cow, ops::Range};

use crate::{
    parse::{dockerfile::Instruction, shell},
    source::Span,
};

/// A word of a command: what the command gets, and where it is written.
#[derive(Clone, Debug)]
pub struct Word<'s> {
    /// Without quotes; expansions stay as written.
    pub text: Cow<'s, str>,
    /// Where it is written.
    pub span: Span,
    /// How it is written.
    pub is_quoted: bool,
}

impl Word<'_> {
    /// What the command gets, with where it is written.
    pub fn place(&self) -> (&str, Span) {
        (&self.text, self.span)
    }
}

/// A simple command.
#[derive(Clone, Debug)]
pub struct Command<'s> {
    /// Its name as written, without quotes.
    pub name: Word<'s>,
    /// The words behind its name.
    pub args: Vec<Word<'s>>,
    /// What is assigned in front of it.
    pub assignments: Vec<(Cow<'s, str>, Cow<'s, str>)>,
    /// `> file` and the like, as written.
    pub redirects: Vec<Cow<'s, str>>,
    /// It reads what the command before it writes.
    pub reads_pipe: bool,
    /// What stands behind it.
    pub then: shell::Then,
    /// It stands in a substitution.
    pub is_nested: bool,
    /// Its failure is looked at.
    pub is_tested: bool,
    /// From its name to its last word.
    pub span: Span,
}

/// Commands that run the command behind them in place of themselves.
const WRAPPERS: [&str; 4] = ["command", "builtin", "exec", "busybox"];

impl<'s> Command<'s> {
    /// The names of its flags: `--name`, `--name=value` and each letter of `-abc`.
    pub fn flags(&self) -> impl Iterator<Item = &str> {
        self.args.iter().flat_map(|it| flags_of(&it.text))
    }

    /// Whether it has one of the flags.
    pub fn has_flag(&self, names: &[&str]) -> bool {
        self.flags().any(|it| names.contains(&it))
    }

    /// Whether one of its arguments is exactly this.
    pub fn has_arg(&self, text: &str) -> bool {
        self.args.iter().any(|it| it.text == text)
    }

    /// The arguments that are no flags.
    pub fn plain(&self) -> impl Iterator<Item = &Word<'s>> {
        self.args.iter().filter(|it| !is_flag(&it.text))
    }

    /// The arguments that are neither flags nor the values of these flags.
    pub fn operands(&self, with_value: &[&str]) -> Vec<&Word<'s>> {
        let mut found = Vec::new();
        let mut is_value = false;
        for word in &self.args {
            if is_flag(&word.text) {
                let single = !word.text.contains('=');
                is_value = single && flags_of(&word.text).any(|it| with_value.contains(&it));
            } else if !std::mem::take(&mut is_value) {
                found.push(word);
            }
        }
        found
    }

    /// The value of a flag: behind `=`, or the next word.
    pub fn value_of(&self, names: &[&str]) -> Option<&str> {
        self.values_of(names).next()
    }

    /// The values of a flag that may stand there several times.
    pub fn values_of<'c>(&'c self, names: &[&str]) -> impl Iterator<Item = &'c str> {
        self.args.iter().enumerate().filter_map(move |(index, word)| {
            let (flag, value) = match word.text.split_once('=') {
                Some((flag, value)) if is_flag(flag) => (flag, Some(value)),
                _ => (&*word.text, None),
            };
            let named = is_flag(flag) && flags_of(flag).any(|it| names.contains(&it));
            let next = || self.args.get(index + 1).map(|it| &*it.text);
            if named { value.or_else(next) } else { None }
        })
    }

    /// Its name and the words behind it.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.args).map(|it| &*it.text)
    }
}

/// Whether a word is a flag; a bare `--` and `-` are none.
fn is_flag(text: &str) -> bool {
    text.len() > 1 && text.starts_with('-') && text != "--"
}

fn flags_of(text: &str) -> impl Iterator<Item = &str> {
    let flag = if is_flag(text) { &text[1..] } else { "" };
    let long = flag.strip_prefix('-').map(|it| it.split('=').next().unwrap_or(it));
    let letters = if long.is_some() { "" } else { flag };
    let letters = letters.char_indices().map(|(at, it)| &letters[at..at + it.len_utf8()]);
    long.into_iter().chain(letters)
}

/// The commands of an instruction whose arguments are a script, in the order in which they are
/// written.
pub fn read<'s>(
    file: &'s str,
    it: &'s Instruction<'_>,
    arguments: &Range<usize>,
) -> Vec<Command<'s>> {
    let text = it.text(arguments);
    let mut found = Vec::new();
    let place = |range: Range<usize>| {
        it.joined.span(arguments.start + range.start..arguments.start + range.end)
    };
    let takes_script = script(text, &place, &mut found);
    if let Some(body) = it.heredocs.first().filter(|_| takes_script) {
        let body = body.body;
        let text = file.get(body.start as usize..body.end as usize).unwrap_or("");
        if has_shell(text) {
            let place = |range: Range<usize>| Span {
                start: body.start + range.start as u32,
                end: body.start + range.end as u32,
            };
            script(text, &place, &mut found);
        }
    }
    found
}

/// Whether a script is for a shell: it has no `#!`, or one that names a shell.
fn has_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    !first.starts_with("#!") || first.trim_end().ends_with("sh")
}

/// Adds the commands of a script; true if its first command reads a script from a heredoc.
fn script<'s>(
    text: &'s str,
    place: &dyn Fn(Range<usize>) -> Span,
    found: &mut Vec<Command<'s>>,
) -> bool {
    let read = shell::read(text);
    let word = |range: &Range<usize>| {
        let written = &text[range.clone()];
        Word {
            text: shell::unquoted(written),
            span: place(range.clone()),
            is_quoted: written.starts_with(['"', '\'']),
        }
    };
    let takes_script = read.commands.first().is_some_and(|it| {
        it.redirects.iter().any(|it| text[it.clone()].starts_with("<<"))
            && it.words.first().is_none_or(|it| text[it.clone()].ends_with("sh"))
    });
    found.reserve(read.commands.len());
    for it in &read.commands {
        let assign = |range: &Range<usize>| {
            let (name, value) = shell::assignment(&text[range.clone()])?;
            Some((name.into(), shell::unquoted(value)))
        };
        let mut words = it.words.iter();
        let Some(mut name) = words.next().map(word) else { continue };
        while WRAPPERS.contains(&&*name.text)
            && let Some(next) = words.clone().next().map(word).filter(|it| !is_flag(&it.text))
        {
            name = next;
            words.next();
        }
        let args: Vec<_> = words.map(word).collect();
        let end = args.last().map_or(name.span.end, |it| it.span.end);
        found.push(Command {
            span: Span { start: name.span.start, end },
            name,
            args,
            assignments: it.assignments.iter().filter_map(assign).collect(),
            redirects: it.redirects.iter().map(|it| text[it.clone()].into()).collect(),
            reads_pipe: it.reads_pipe,
            then: it.then,
            is_nested: it.depth > 0,
            is_tested: it.tested || it.negated || it.then == shell::Then::Or,
        });
    }
    takes_script
}

/// The one command of an instruction in exec form.
pub fn exec<'s>(words: Vec<(Cow<'s, str>, Span)>) -> Option<Command<'s>> {
    let mut words = words.into_iter().map(|(text, span)| Word { text, span, is_quoted: false });
    let name = words.next()?;
    let args: Vec<Word<'s>> = words.collect();
    let end = args.last().map_or(name.span.end, |it| it.span.end);
    let span = Span { start: name.span.start, end };
    Some(Command {
        name,
        args,
        assignments: Vec::new(),
        redirects: Vec::new(),
        reads_pipe: false,
        then: shell::Then::End,
        is_nested: false,
        is_tested: false,
        span,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::dockerfile;

    fn seen(text: &str) -> Vec<(String, String)> {
        let file = dockerfile::read(text);
        let it = &file.instructions[0];
        let found = read(text, it, &it.head.arguments);
        let place =
            |it: &Command<'_>| text[it.span.start as usize..it.span.end as usize].to_owned();
        let line = |it: &Command<'_>| it.words().collect::<Vec<_>>().join(" ");
        found.iter().map(|it| (line(it), place(it))).collect()
    }

    #[test]
    fn commands_are_found_across_lines_with_their_places() {
        let text = "RUN a \\\n  # note\n  && exec 'b' c; d $(e)\n";
        let own = |it: &str| (it.to_owned(), it.to_owned());
        let b = ("b c".to_owned(), "'b' c".to_owned());
        assert_eq!(seen(text), [own("a"), b, own("d $(e)"), own("e")]);
    }

    #[test]
    fn a_heredoc_is_a_script_unless_another_program_reads_it() {
        let names = |text: &str| seen(text).into_iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(names("RUN <<EOF\na b\nc\nEOF\n"), ["a b", "c"]);
        assert_eq!(names("RUN bash <<EOF\na\nEOF\n"), ["bash", "a"]);
        assert_eq!(names("RUN cat <<EOF\na\nEOF\n"), ["cat"]);
        assert!(names("RUN <<EOF\n#!/usr/bin/python\na\nEOF\n").is_empty());
    }

    #[test]
    fn flags_are_named_as_people_name_them() {
        let text = "RUN x -ab --long=1 --value v -o w y --";
        let file = dockerfile::read(text);
        let it = &file.instructions[0];
        let found = read(text, it, &it.head.arguments).remove(0);
        assert_eq!(found.flags().collect::<Vec<_>>(), ["a", "b", "long", "value", "o"]);
        let words: Vec<_> = found.operands(&["value", "o"]).iter().map(|it| &*it.text).collect();
        assert_eq!(words, ["y", "--"]);
        assert_eq!(found.value_of(&["long"]), Some("1"));
        assert_eq!(found.value_of(&["value"]), Some("v"));
    }
}
