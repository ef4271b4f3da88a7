//! Which tasks a command asks a runner for.

use crate::document::Node;
use crate::source::resolve;

/// A task that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) runner: &'static str,
    pub(super) name: &'a str,
    /// The folder that the command names, seen from where it runs; nothing if it names none.
    there: Option<&'a str>,
    /// Nothing else than a task of that name can be meant.
    pub(super) certain: bool,
}

impl Asked<'_> {
    /// The folder in which the runner starts, if the command runs in `here`.
    pub(super) fn folder(&self, here: &str) -> Option<String> {
        match self.there {
            Some(it) if it.contains(['$', '<', '{', '~']) || it.starts_with('/') => None,
            Some(it) => resolve(here, it),
            None => Some(here.to_owned()),
        }
    }
}

/// What a command, as a node of a recipe, asks for.
pub(super) fn by<'a>(command: Node<'a>) -> Vec<Asked<'a>> {
    let texts = |key: &str| -> Vec<&'a str> {
        command.get(key).into_iter().flat_map(Node::children).map(Node::text).collect()
    };
    if matches!(command.str("name"), Some("make" | "gmake")) {
        // Variables that are set for the call may name other targets.
        let certain = !texts("words").iter().any(|it| it.contains('='));
        let goals = texts("goals").into_iter();
        return goals.filter_map(|name| ask("make", name, None, certain)).collect();
    }
    in_words(&texts("words"))
}

fn ask<'a>(
    runner: &'static str,
    name: &'a str,
    there: Option<&'a str>,
    certain: bool,
) -> Option<Asked<'a>> {
    let known = !name.is_empty() && !name.contains(['$', '<', '{', '*', '(', '`', '\'', '"', '|']);
    known.then_some(Asked { runner, name, there, certain })
}

/// What the words of a command ask for; make is told by its goals.
fn in_words<'a>(words: &[&'a str]) -> Vec<Asked<'a>> {
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    match first.rsplit('/').next().unwrap_or(first) {
        name @ ("npm" | "pnpm" | "yarn" | "bun") => of_node(name, rest).into_iter().collect(),
        "run-s" | "run-p" | "npm-run-all" | "npm-run-all2" => {
            names(rest).filter_map(|name| ask("npm", name, None, false)).collect()
        }
        "just" => of_just(rest).into_iter().collect(),
        "task" | "go-task" => of_task(rest),
        "tox" => listed(rest, &["-e"])
            .flat_map(|it| it.split(','))
            .filter_map(|name| ask("tox", name, None, false))
            .collect(),
        "nox" => listed(rest, &["-s", "--session", "--sessions", "-e"])
            .filter_map(|name| ask("nox", name, None, false))
            .collect(),
        "poe" => names(rest).take(1).filter_map(|name| ask("poe", name, None, false)).collect(),
        "mise" => match rest {
            ["run" | "r", name, ..] => ask("mise", name, None, false).into_iter().collect(),
            _ => Vec::new(),
        },
        // `hatch run x` and the like are looked through: what remains is the name.
        name => ["hatch", "pdm", "rye", "pixi", "taskipy"]
            .iter()
            .filter(|_| *first == name)
            .filter_map(|runner| ask(runner, name, None, false))
            .collect(),
    }
}

/// The words that are no flags.
fn names<'w, 'a>(words: &'w [&'a str]) -> impl Iterator<Item = &'a str> + use<'w, 'a> {
    let plain = words.iter().copied().take_while(|it| *it != "--");
    plain.filter(|it| !it.starts_with('-') && !it.contains('='))
}

/// The values of flags.
fn listed<'w, 'a>(
    words: &'w [&'a str],
    flags: &'static [&'static str],
) -> impl Iterator<Item = &'a str> + use<'w, 'a> {
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs.filter(|it| flags.contains(it.0)).map(|it| *it.1)
}

/// Flags of npm and its like with a folder behind them.
const IN_FOLDER: &[&str] = &["--prefix", "-C", "--cwd", "--dir"];

/// Flags with which other packages are meant.
const ELSEWHERE: &[&str] =
    &["-w", "--workspace", "--workspaces", "-ws", "--filter", "-F", "-r", "--recursive", "-g"];

fn of_node<'a>(program: &str, words: &[&'a str]) -> Option<Asked<'a>> {
    if words.iter().any(|it| ELSEWHERE.contains(&it.split('=').next().unwrap_or(it))) {
        return None;
    }
    let mut there = None;
    let mut plain = Vec::new();
    let mut rest = words.iter().copied().take_while(|it| *it != "--");
    while let Some(word) = rest.next() {
        match word.split_once('=') {
            _ if IN_FOLDER.contains(&word) => there = rest.next(),
            Some((flag, value)) if IN_FOLDER.contains(&flag) => there = Some(value),
            _ if word.starts_with('-') => {}
            _ => plain.push(word),
        }
    }
    let optional = words.contains(&"--if-present");
    match plain.as_slice() {
        ["run" | "run-script", name, ..] => ask("npm", name, there, !optional),
        ["test" | "t" | "tst", ..] => ask("npm", "test", there, !optional && program == "npm"),
        ["start" | "stop" | "restart", ..] => ask("npm", plain[0], there, false),
        [name, ..] if program != "npm" => ask("npm", name, there, false),
        _ => None,
    }
}

fn of_just<'a>(words: &[&'a str]) -> Option<Asked<'a>> {
    let other = |it: &&str| {
        matches!(
            it.split('=').next().unwrap_or(it),
            "-f" | "--justfile"
                | "-d"
                | "--working-directory"
                | "--set"
                | "-l"
                | "--list"
                | "--summary"
                | "--evaluate"
                | "--fmt"
                | "--choose"
                | "-c"
                | "--command"
                | "--show"
                | "-s"
                | "--dump"
                | "--init"
                | "-e"
                | "--edit"
                | "-g"
                | "--variables"
                | "--shell"
                | "--shell-arg"
                | "--color"
                | "--dotenv-path"
                | "-E"
                | "--completions"
                | "--man"
        )
    };
    if words.iter().any(other) {
        return None;
    }
    let name = names(words).next()?;
    ask("just", name, None, !name.contains(['/', ':', '.']))
}

fn of_task<'a>(words: &[&'a str]) -> Vec<Asked<'a>> {
    let other = |it: &&str| {
        matches!(
            it.split('=').next().unwrap_or(it),
            "-t" | "--taskfile"
                | "-d"
                | "--dir"
                | "-g"
                | "--global"
                | "-l"
                | "--list"
                | "-a"
                | "--list-all"
                | "-i"
                | "--init"
                | "--version"
                | "-o"
                | "--output"
                | "-C"
                | "--concurrency"
                | "-I"
                | "--interval"
                | "--sort"
                | "--completion"
        )
    };
    if words.iter().any(other) {
        return Vec::new();
    }
    names(words)
        .flat_map(|name| {
            ["task", "taskipy"].map(|runner| ask(runner, name, None, runner == "task"))
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let words: Vec<_> = text.split(' ').collect();
        let show = |it: Asked<'_>| {
            let there = it.there.map_or(String::new(), |it| format!(" in {it}"));
            let sure = if it.certain { "" } else { "?" };
            format!("{} {}{there}{sure}", it.runner, it.name)
        };
        in_words(&words).into_iter().map(show).collect()
    }

    #[test]
    fn commands_ask_for_tasks() {
        assert_eq!(said("npm run lint -- --fix"), ["npm lint"]);
        assert_eq!(said("npm --prefix web test"), ["npm test in web"]);
        assert_eq!(said("npm run build --if-present"), ["npm build?"]);
        assert_eq!(said("npm -w api run lint"), [""; 0]);
        assert_eq!(said("yarn lint"), ["npm lint?"]);
        assert_eq!(said("npm ci"), [""; 0]);
        assert_eq!(said("just test all"), ["just test"]);
        assert_eq!(said("just --list"), [""; 0]);
        assert_eq!(
            said("task lint A=b test"),
            ["task lint", "taskipy lint?", "task test", "taskipy test?"]
        );
        assert_eq!(said("tox -e lint,py311"), ["tox lint?", "tox py311?"]);
        assert_eq!(said("npm run $X"), [""; 0]);
    }
}
