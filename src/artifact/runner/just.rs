//! justfile, the file of just.

use std::collections::HashMap;

use super::{File, Line, Task, filled};
use crate::{
    artifact::recipe::{Flags, Shell},
    document::Tree,
    source::Span,
};

/// The recipes of a justfile.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let mut reader = Reader { text: &tree.source.text, ..Reader::default() };
    let mut at = 0;
    let mut until: Option<&str> = None;
    for line in tree.source.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        // A text of several lines between three quotes.
        let quotes = ["\"\"\"", "'''", "```"];
        if let Some(quote) = until {
            until = (!line.contains(quote)).then_some(quote);
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            let opened = quotes.into_iter().find(|it| line.matches(it).count() % 2 == 1);
            until = opened;
        }
        reader.line(line.trim_end_matches(['\n', '\r']), start);
    }
    reader.finish();
    vec![File { runner: "just", open: reader.open, tasks: reader.tasks }]
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    tasks: Vec<Task>,
    /// Whether the last task is still being read.
    inside: bool,
    open: bool,
    shell: Shell,
    values: HashMap<&'a str, &'a str>,
    /// `[script]` stands above the next recipe.
    script: bool,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str, start: usize) {
        let said = line.trim();
        if said.is_empty() {
            return;
        }
        if line.starts_with([' ', '\t']) {
            if self.inside {
                self.body(line, start);
            }
            return;
        }
        self.inside = false;
        if said.starts_with('#') {
            return;
        }
        if said.starts_with('[') {
            self.script |= said.contains("script");
            return;
        }
        let word = said.split([' ', '\t']).next().unwrap_or("");
        match word {
            "set" => self.setting(said),
            "import" | "import?" | "mod" | "mod?" => self.open = true,
            "alias" => self.alias(said, start),
            _ => match said.split_once(":=") {
                Some((name, value)) if is_name(name.trim().trim_start_matches("export ")) => {
                    self.assign(name.trim().trim_start_matches("export ").trim(), value.trim());
                }
                _ => self.header(line, start),
            },
        }
    }

    fn setting(&mut self, said: &str) {
        let value = said.split_once(":=").map_or("", |it| it.1);
        let names_shell = ["set shell", "set script-interpreter", "set windows-shell"];
        if said.starts_with(names_shell[0]) {
            self.shell.pipefail = value.contains("pipefail");
            self.shell.stops = value
                .split(['"', '\'', ' ', ','])
                .any(|it| it.starts_with('-') && !it.starts_with("--") && it.contains('e'));
        }
    }

    fn alias(&mut self, said: &str, start: usize) {
        let Some((name, target)) = said["alias".len()..].split_once(":=") else { return };
        let place = Span::new(start, start + said.len());
        let mut task = Task::new(name.trim(), place);
        task.prerequisites.push((target.trim().to_owned(), place));
        self.tasks.push(task);
    }

    fn assign(&mut self, name: &'a str, value: &'a str) {
        let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''));
        let literal = quote.and_then(|it| value[1..].split_once(it));
        if let Some((literal, "")) = literal {
            self.values.insert(name, literal);
        }
    }

    /// `@name parameter='default' *rest: before (other 'argument') && behind`
    fn header(&mut self, line: &str, start: usize) {
        let skipped = usize::from(line.starts_with('@'));
        let rest = &line[skipped..];
        let length = rest.find([' ', '\t', ':']).unwrap_or(rest.len());
        let name = &rest[..length];
        let Some(colon) = outside(rest, ':') else { return };
        if !is_name(name) {
            return;
        }
        let place = Span::new(start + skipped, start + skipped + length);
        let mut task = Task { shell: self.shell, ..Task::new(name, place) };
        let behind = &rest[colon + 1..];
        let behind = outside(behind, '#').map_or(behind, |at| &behind[..at]);
        for name in dependencies(behind) {
            task.prerequisites.push((name.to_owned(), place));
        }
        task.opaque = std::mem::take(&mut self.script);
        self.tasks.push(task);
        self.inside = true;
    }

    fn body(&mut self, line: &str, start: usize) {
        let Some(task) = self.tasks.last_mut() else { return };
        let said = line.trim();
        let from = start + (line.len() - line.trim_start().len());
        let place = Span::new(from, from + said.len());
        if task.lines.is_empty() && said.starts_with("#!") {
            let name = said.rsplit(['/', ' ']).next().unwrap_or("");
            let is_shell = matches!(name, "sh" | "bash" | "zsh" | "dash" | "ash");
            task.opaque |= !is_shell;
            task.shell = Shell { stops: false, pipefail: false, one: true, make: false };
        }
        if said.starts_with('#') && !said.starts_with("#!") && task.shell.one {
            return;
        }
        match task.lines.last_mut().filter(|it| it.text.ends_with('\\')) {
            Some(last) => {
                last.text.truncate(last.text.len() - 1);
                last.text.push_str(said);
                last.place.end = place.end;
            }
            None => task.lines.push(Line { text: said.to_owned(), place, ..Line::default() }),
        }
    }

    /// What can only be said when everything is read: variables may be defined behind their use.
    fn finish(&mut self) {
        for task in &mut self.tasks {
            if task.shell.one {
                merge(task, self.text);
            }
            for line in &mut task.lines {
                if !task.shell.one {
                    let (flags, rest) = Flags::split(&line.text);
                    (line.flags, line.text) = (flags, rest.to_owned());
                }
                let value = |name: &str| self.values.get(name).map(|it| (*it).to_owned());
                line.expanded = filled(&line.text, "{{", "}}", value);
            }
            if task.opaque {
                task.lines.clear();
            }
            task.shell.one = false;
        }
    }
}

/// Joins the lines of a script, which one shell gets.
fn merge(task: &mut Task, text: &str) {
    let (Some(first), Some(last)) = (task.lines.first(), task.lines.last()) else { return };
    let place = Span { start: first.place.start, end: last.place.end };
    let whole = text.get(place.start as usize..place.end as usize).unwrap_or("").to_owned();
    task.lines = vec![Line { text: whole, place, ..Line::default() }];
}

fn is_name(text: &str) -> bool {
    text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))
}

/// Where the character stands outside of quotes and parentheses; a `:=` is no `:`.
fn outside(text: &str, wanted: char) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, it) in text.char_indices() {
        match (quote, it) {
            (Some(open), _) if open == it => quote = None,
            (Some(_), _) => {}
            (None, _) if it == wanted && depth == 0 && !text[at..].starts_with(":=") => {
                return Some(at);
            }
            (None, '\'' | '"' | '`') => quote = Some(it),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn dependencies(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (word, next) = match rest.strip_prefix('(') {
            Some(inside) => {
                let end = outside(inside, ')').unwrap_or(inside.len());
                (inside[..end].split_whitespace().next(), inside.get(end + 1..).unwrap_or(""))
            }
            None => {
                let end = rest.find([' ', '\t', '(']).unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
        };
        found.extend(word.filter(|it| *it != "&&"));
        rest = next.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::tasks;

    #[test]
    fn recipes_have_parameters_dependencies_and_bodies() {
        let text = "set shell := [\"bash\", \"-euc\"]
packages := './...'
version := `git describe`
text := '''
not: a recipe
'''
alias t := test

# run them
[group('a')]
@test name='a:b' *args: build (lint \"x\") && clean
    go test {{packages}} {{version}}
    -gosec ./...
    echo \\
      done
build:
lint: # nothing
  #!/usr/bin/env bash
  set -euo pipefail
  golangci-lint run | tee log
py:
    #!/usr/bin/env python3
    print('x')
";
        assert_eq!(
            tasks("justfile", text),
            [
                "t: test",
                "test: build lint clean [go test ./... <?>] tests [gosec ./...] security the `-` before its line [echo done]",
                "build: is_empty",
                "lint: [set -euo pipefail] [golangci-lint run] style [tee log]",
                "py:",
            ]
        );
    }
}
