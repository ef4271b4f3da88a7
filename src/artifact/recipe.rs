//! Recipes of Makefiles and other runners: the simple commands in them, where they run, and what
//! happens when they fail.

use std::ops::Range;

pub mod gates;
mod known;
pub mod shape;
pub mod write;

pub use self::known::checks;
use self::known::{is_idle, only_shows, without_wrappers};
use super::makefile::files::{ROOT, absolute, below_root};
use crate::parse::shell::{self, Then};

/// The mark of unknown text; a source never contains it, because reading replaces it.
pub const UNKNOWN: char = '\u{FDD0}';

/// What stands for the goals that make is called with: some text, whichever.
pub const GOAL: char = '\u{FDD1}';

/// The text as people read it.
pub fn shown(text: &str) -> String {
    text.replace(UNKNOWN, "<?>").replace(GOAL, "<goal>")
}

/// One line of a recipe: what one shell gets, or with make what several get.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// As it is written.
    pub text: &'a str,
    /// With variables expanded; unknown parts marked.
    pub expanded: &'a str,
    /// What is written in front of it.
    pub flags: Flags,
}

/// What stands in front of a line of a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `@`: the line is not printed.
    pub silent: bool,
    /// `-`: its failure counts for nothing.
    pub ignores: bool,
    /// `+`: it runs with `make -n` too.
    pub always: bool,
}

impl Flags {
    /// The flags at the start of a line, and what follows them.
    pub fn split(line: &str) -> (Self, &str) {
        let mut flags = Self::default();
        let rest = line.trim_start_matches(|it: char| {
            match it {
                '@' => flags.silent = true,
                '-' => flags.ignores = true,
                '+' => flags.always = true,
                _ => return it == ' ' || it == '\t',
            }
            true
        });
        (flags, rest)
    }

    /// As [`split`](Self::split) for what a line expands to. A `-` that nobody wrote there may be
    /// the option of a program whose name expands to nothing that we know.
    fn split_expanded(line: &str) -> (Self, &str) {
        let (flags, rest) = Self::split(line);
        let word = rest.split([' ', '\t', '=']).next().unwrap_or("");
        let is_option = line.trim_start().starts_with("--") || word.len() < 2;
        (Self { ignores: flags.ignores && !is_option, ..flags }, rest)
    }
}

/// What is known of the shell that runs the recipes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shell {
    /// A pipe fails when any of its commands fails.
    pub pipefail: bool,
    /// The shell stops at the first command that fails.
    pub stops: bool,
    /// All lines of a recipe go to one shell.
    pub one: bool,
    /// The lines are make's: what a line expands to may have `@`, `-` and `+` in front and be
    /// several lines, each with a shell of its own.
    pub make: bool,
}

/// A simple command of a recipe.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// Its name; empty for a lone assignment.
    pub name: String,
    /// Its words, the name first, without quotes; unknown parts shown as `<?>`.
    pub words: Vec<String>,
    /// As it stands in the expanded line.
    pub text: String,
    /// Where it stands in the text that the shell reads.
    pub at: Range<usize>,
    /// The index of its line in the recipe.
    pub line: usize,
    /// The folder it runs in, below the root; nothing if that is not known.
    pub folder: Option<String>,
    /// Why its failure does not fail the recipe: what stands behind or before it.
    pub hidden: Option<String>,
    /// It only prints or prepares: nothing is checked or made by it.
    pub idle: bool,
    /// What it checks (`tests`, `style`, …), if it is a command that checks.
    pub checks: Option<&'static str>,
    /// It calls make: `-C` applied to `folder`, and the goals.
    pub goals: Option<Vec<String>>,
}

/// The simple commands of a recipe that runs in `folder` (absolute), in order.
pub fn commands(lines: &[Line<'_>], shell: Shell, folder: &str) -> Vec<Command> {
    let mut out = Vec::new();
    let mut state = State { folder: Some(folder.to_owned()), shell };
    for (index, line) in lines.iter().enumerate() {
        let flags = if shell.one { lines[0].flags } else { line.flags };
        for part in parts(line.expanded, shell) {
            if !shell.one {
                state = State { folder: Some(folder.to_owned()), shell };
            }
            let (own, text) = match shell.make {
                true => Flags::split_expanded(part),
                false => (Flags::default(), part),
            };
            let ignores = flags.ignores || own.ignores;
            line_commands(text, index, ignores, &mut state, &mut out);
            if out.len() > 5_000 {
                break;
            }
        }
    }
    if shell.one && !state.shell.stops {
        hide_before_last_line(lines, &mut out);
    }
    let last = out.iter().rposition(|it| !it.idle).map_or(0, |it| out[it].line);
    for command in &mut out {
        // What a pipe has written down may be judged by a later line.
        if command.line < last
            && command.hidden.as_ref().is_some_and(|it| it.starts_with("the pipe"))
        {
            command.hidden = None;
        }
    }
    out
}

/// The simple commands of a script that one shell runs in `folder` (below the root), in order.
pub fn script(text: &str, shell: Shell, folder: Option<&str>) -> Vec<Command> {
    let mut out = Vec::new();
    let mut state = State { folder: folder.map(|it| absolute(ROOT, it)), shell };
    line_commands(text, 0, false, &mut state, &mut out);
    let last = out.iter().rposition(|it| !it.idle).unwrap_or(0);
    for command in out.iter_mut().take(last) {
        if command.hidden.as_ref().is_some_and(|it| it.starts_with("the pipe")) {
            command.hidden = None;
        }
    }
    out
}

/// What of a line goes to a shell of its own.
fn parts(text: &str, shell: Shell) -> impl Iterator<Item = &str> {
    let (several, whole) = match shell.make {
        true => (Some(lines_of_shell(text)), None),
        false => (None, Some(text)),
    };
    several.into_iter().flatten().chain(whole)
}

/// With `.ONESHELL` and a shell that goes on after failures only the last command counts.
fn hide_before_last_line(lines: &[Line<'_>], commands: &mut [Command]) {
    let looks_back = lines.iter().any(|it| {
        ["$?", "exit", "trap", "||", "if "].iter().any(|word| it.expanded.contains(word))
    });
    let Some((last, before)) = commands.split_last_mut() else { return };
    if looks_back || !is_harmless(&last.name) {
        return;
    }
    for command in before.iter_mut().filter(|it| it.line < last.line && it.hidden.is_none()) {
        let why = format!("in one shell only the last command counts, `{}`", last.name);
        command.hidden = Some(why);
    }
}

/// Whether the command prints, or does nothing, and succeeds.
fn is_harmless(name: &str) -> bool {
    matches!(name, "echo" | "printf" | "true" | ":")
}

/// A check that an `if` decides on, where whatever follows succeeds; `tested` says which commands
/// are conditions.
fn hide_decided(text: &str, tested: &[bool], commands: &mut [Command]) {
    let is_if = text.trim_start().starts_with("if ") && !text.contains("$?");
    let harmless =
        |(it, tested): (&Command, &bool)| *tested && it.checks.is_some() || is_harmless(&it.name);
    if !is_if || !commands.iter().zip(tested).all(harmless) {
        return;
    }
    for command in commands.iter_mut().filter(|it| it.checks.is_some() && it.hidden.is_none()) {
        command.hidden = Some("the `if` around it, which succeeds in any case".to_owned());
    }
}

/// A recipe's line may expand to several lines, each with a shell of its own.
fn lines_of_shell(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.match_indices('\n').map(|it| it.0).find(|&at| {
            let before = &text[..at];
            (before.len() - before.trim_end_matches('\\').len()).is_multiple_of(2)
        });
        match end {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

struct State {
    folder: Option<String>,
    shell: Shell,
}

fn line_commands(
    text: &str,
    line: usize,
    ignores: bool,
    state: &mut State,
    out: &mut Vec<Command>,
) {
    let script = shell::read(text);
    let base = state.folder.clone();
    let first = out.len();
    let mut tested = Vec::new();
    let asks_status = text.contains("$?") || text.contains("PIPESTATUS");
    for (at, it) in script.commands.iter().enumerate() {
        let Some(end) = end_of(it) else { continue };
        let start = it.assignments.iter().chain(&it.words).map(|it| it.start).min().unwrap_or(end);
        let next = script.commands[at + 1..].iter().filter(|it| it.depth == 0).find_map(start_of);
        let between = text.get(end..next.unwrap_or(text.len()).max(end)).unwrap_or("");
        let words: Vec<String> =
            it.words.iter().map(|it| shown(&shell::unquoted(&text[it.clone()]))).collect();
        let words = without_wrappers(words);
        let name = words.first().cloned().unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
        let mut command = Command {
            text: shown(&text[start..end]),
            at: start..end,
            line,
            folder: state.folder.as_deref().and_then(below_root).map(str::to_owned),
            idle: words.is_empty()
                || is_idle(&words, it.tested)
                || it.reads_pipe && only_shows(&words),
            checks: checks(&name, &words),
            name,
            words,
            ..Command::default()
        };
        if it.depth == 0 {
            let rest = after(it, between);
            command.hidden = if ignores {
                Some("the `-` before its line".to_owned())
            } else if it.tested || it.negated || asks_status {
                None
            } else {
                hidden(rest, &script.commands[at + 1..], text, state.shell)
            };
        }
        match command.name.as_str() {
            "cd" | "pushd" if it.depth == 0 => {
                let target = command.words.get(1).filter(|it| !it.contains(['$', '<', '~']));
                state.folder = match (target, &state.folder) {
                    (Some(target), Some(folder)) => Some(absolute(folder, target)),
                    _ => None,
                };
            }
            "set" => set_options(&command.words[1..], &mut state.shell),
            "make" | "gmake" => run_make(&mut command, state.folder.as_deref()),
            _ => {}
        }
        // A `)` ends the subshell whose folder was changed.
        if it.depth == 0 && between.contains(')') {
            state.folder = base.clone();
        }
        out.push(command);
        tested.push(it.tested);
    }
    hide_decided(text, &tested, &mut out[first..]);
}

fn end_of(it: &shell::Command) -> Option<usize> {
    it.assignments.iter().chain(&it.words).chain(&it.redirects).map(|it| it.end).max()
}

fn start_of(it: &shell::Command) -> Option<usize> {
    it.assignments.iter().chain(&it.words).chain(&it.redirects).map(|it| it.start).min()
}

/// What stands behind the command, the ends of groups around it skipped.
fn after<'a>(it: &shell::Command, between: &'a str) -> (Then, &'a str) {
    let rest = between.trim_start_matches([' ', '\t', ')', '}']);
    let grouped = rest.strip_prefix("||").map(|_| Then::Or);
    match (it.then, grouped) {
        (Then::End | Then::Next, Some(then)) => (then, rest),
        (then, _) => (then, rest),
    }
}

/// Why a failure in front of `then` does not fail the line.
fn hidden(then: (Then, &str), rest: &[shell::Command], text: &str, shell: Shell) -> Option<String> {
    let following = rest.iter().find(|it| it.depth == 0);
    let name = |it: &shell::Command| {
        it.words.first().map_or("", |range| text.get(range.clone()).unwrap_or("")).to_owned()
    };
    match then.0 {
        Then::Or => {
            let next = following?;
            let words: Vec<String> = next.words.iter().map(|it| text[it.clone()].into()).collect();
            let harmless = match name(next).rsplit('/').next().unwrap_or("") {
                "true" | ":" | "echo" | "printf" => {
                    next.then != Then::And || !fails_later(rest, text)
                }
                "exit" => words.get(1).is_some_and(|it| it == "0"),
                _ => return None,
            };
            let ends = !matches!(next.then, Then::Next | Then::And) || !fails_later(rest, text);
            (harmless && ends)
                .then(|| format!("`|| {}` behind it", start_of_text(&words.join(" "))))
        }
        Then::Pipe if !shell.pipefail => {
            let last = rest.iter().filter(|it| it.depth == 0).find(|it| it.then != Then::Pipe)?;
            let words: Vec<String> = last.words.iter().map(|it| text[it.clone()].into()).collect();
            if words.is_empty() || !only_shows(&words) {
                return None;
            }
            Some(format!("the pipe into `{}`: its status is the one that counts", name(last)))
        }
        Then::Background => {
            let waits = rest.iter().any(|it| name(it) == "wait");
            (!waits).then(|| "the `&` behind it".to_owned())
        }
        Then::Next if !shell.stops => {
            // What ends a loop or a condition is no command; only plain sequences are judged.
            let plain = !["if ", "for ", "while ", "until ", "case ", "{", "("]
                .iter()
                .any(|it| text.contains(it));
            let last = rest.iter().rfind(|it| it.depth == 0)?;
            let harmless = match name(last).as_str() {
                "true" | ":" | "echo" | "printf" => true,
                "exit" => last.words.get(1).is_some_and(|it| &text[it.clone()] == "0"),
                _ => false,
            };
            (plain && harmless).then(|| format!("`; {}` behind it", name(last)))
        }
        _ => None,
    }
}

fn start_of_text(text: &str) -> String {
    match text.char_indices().nth(30) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Whether the commands behind an alternative end the line with a failure all the same.
fn fails_later(rest: &[shell::Command], text: &str) -> bool {
    rest.iter().skip(1).any(|it| {
        let word = |at: usize| it.words.get(at).and_then(|it| text.get(it.clone())).unwrap_or("");
        matches!(word(0), "exit" | "return") && word(1) != "0" || word(0) == "false"
    })
}

fn set_options(words: &[String], shell: &mut Shell) {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let on = word.starts_with('-');
        let Some(letters) = word.strip_prefix(['-', '+']) else { continue };
        if letters.contains('e') {
            shell.stops = on;
        }
        if letters.contains('o') {
            match words.next().map(String::as_str) {
                Some("pipefail") => shell.pipefail = on,
                Some("errexit") => shell.stops = on,
                _ => {}
            }
        }
    }
}

/// Reads the call of make: `-C folder`, and the goals.
fn run_make(command: &mut Command, folder: Option<&str>) {
    let mut goals = Vec::new();
    let mut target = folder.map(str::to_owned);
    let mut words = command.words.get(1..).unwrap_or_default().iter();
    while let Some(word) = words.next() {
        if let Some(value) = word.strip_prefix("--directory=") {
            target = join(target.as_deref(), value);
        } else if word == "-C" || word == "--directory" {
            target = words.next().and_then(|it| join(target.as_deref(), it));
        } else if let Some(value) = word.strip_prefix("-C") {
            target = join(target.as_deref(), value);
        } else if matches!(word.as_str(), "-f" | "-I" | "-o" | "-W" | "-j" | "-l") {
            let takes = word != "-j" && word != "-l"
                || words.as_slice().first().is_some_and(|it| it.parse::<f64>().is_ok());
            if takes {
                words.next();
            }
            if word == "-f" {
                target = None;
            }
        } else if !word.starts_with('-') && !word.contains('=') {
            goals.push(word.clone());
        }
    }
    command.folder = target.as_deref().and_then(below_root).map(str::to_owned);
    command.goals = Some(goals);
}

fn join(folder: Option<&str>, name: &str) -> Option<String> {
    let is_known = !name.contains(['$', '<', '`', '~']);
    folder.filter(|_| is_known).map(|it| absolute(it, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKE: Shell = Shell { make: true, pipefail: false, stops: false, one: false };

    fn read(lines: &[&'static str], shell: Shell) -> Vec<Command> {
        let line = |it: &&'static str| Line { text: it, expanded: it, flags: Flags::split(it).0 };
        commands(&lines.iter().map(line).collect::<Vec<_>>(), shell, "/ROOT")
    }

    fn hides(line: &'static str) -> bool {
        read(&[line], MAKE)[0].hidden.is_some()
    }

    #[test]
    fn failures_that_cannot_reach_make_are_seen() {
        assert!(hides("-go test ./..."));
        assert!(hides("go test ./... || true"));
        assert!(hides("@(go test ./...) || echo failed"));
        assert!(hides("go test ./... | tee log"));
        assert!(hides("go test ./... ; echo done"));
        assert!(hides("go test ./... &"));
        let line = Line { text: "$(X) -f a", expanded: " -f a", flags: Flags::default() };
        assert!(commands(&[line], MAKE, "/ROOT")[0].hidden.is_none());
        let one = Shell { one: true, ..MAKE };
        assert!(read(&["go test ./...", "echo done"], one)[0].hidden.is_some());
    }

    #[test]
    fn failures_that_reach_make_are_left_alone() {
        assert!(!hides("go test ./..."));
        assert!(!hides("go test ./... || exit 1"));
        assert!(!hides("go test ./... || (echo failed; exit 1)"));
        assert!(!hides("go test ./... || { echo failed && exit 1; }"));
        assert!(!hides("go test ./... && echo done"));
        assert!(!hides("go test ./...; status=$$?; docker stop db; exit $$status"));
        assert!(!hides("go vet ./... ; go test ./..."));
        assert!(!hides("if go test ./...; then echo good; else exit 1; fi"));
        let one = Shell { one: true, stops: true, ..MAKE };
        assert!(read(&["go test ./...", "echo done"], one)[0].hidden.is_none());
        assert!(!hides("go test ./... | go-junit-report -set-exit-code"));
        let log = read(&["go test ./... | tee log", "! grep FAIL log"], MAKE);
        assert!(log.iter().all(|it| it.hidden.is_none()));
        let piped = read(&["set -eo pipefail; go test ./... | tee log"], MAKE);
        assert!(piped.iter().all(|it| it.hidden.is_none()));
    }

    #[test]
    fn folders_and_goals_are_followed() {
        let found = read(&["cd api && make -C ../web -j 4 test A=b", "make"], MAKE);
        let calls: Vec<_> =
            found.iter().filter_map(|it| Some((it.folder.clone()?, it.goals.clone()?))).collect();
        assert_eq!(calls, [("web".into(), vec!["test".into()]), (String::new(), vec![])]);
        assert_eq!(read(&["(cd api && npm test); ls"], MAKE)[2].folder.as_deref(), Some(""));
    }

    #[test]
    fn wrappers_are_looked_through() {
        let found = read(&["CI=1 poetry run pytest -q", "python -m pytest", "npx jest"], MAKE);
        assert!(found.iter().all(|it| it.checks == Some("tests")), "{found:?}");
    }
}
