//! The environments of tox.ini.

use super::{File, Task, filled};
use crate::{
    document::Tree,
    parse::ini::{self, Section},
    source::Span,
};

/// How many environments are written out: braces multiply.
const MOST: usize = 500;

/// The environments of a file: those with a section, and those that `env_list` names.
pub(super) fn read(tree: &Tree) -> Vec<File> {
    let text = &tree.source.text;
    let sections = ini::read(text);
    let find = |name: &str| sections.iter().find(|it| it.name == name);
    let base = find("testenv");
    let mut tasks = Vec::new();
    for section in &sections {
        if let Some(name) = section.name.strip_prefix("testenv:") {
            tasks.push(environment(name, section.place, section, base, text));
        }
    }
    let listed = find("tox").and_then(|it| it.get("env_list").or_else(|| it.get("envlist")));
    for place in listed.into_iter().flat_map(|it| &it.lines) {
        for name in names(tree.source.slice(*place)) {
            if tasks.len() < MOST && !tasks.iter().any(|it| it.name == name) {
                let own = base.map(|it| environment(&name, *place, it, None, text));
                tasks.extend(own);
            }
        }
    }
    vec![File { runner: "tox", open: true, tasks }]
}

fn environment(name: &str, place: Span, own: &Section, base: Option<&Section>, text: &str) -> Task {
    let mut task = Task::new(name, place);
    let sections = || [Some(own), base].into_iter().flatten();
    let value = |key: &str| sections().find_map(|it| it.get(key));
    let said = |span: Span| text.get(span.start as usize..span.end as usize).unwrap_or("");
    let keys = ["commands_pre", "commands", "commands_post"];
    let mut lines: Vec<(String, Span)> = Vec::new();
    for place in keys.iter().filter_map(|key| value(key)).flat_map(|it| &it.lines) {
        match lines.last_mut().filter(|it| it.0.ends_with('\\')) {
            Some((line, whole)) => {
                line.truncate(line.len() - 1);
                line.push_str(said(*place));
                whole.end = place.end;
            }
            None => lines.push((said(*place).to_owned(), *place)),
        }
    }
    for (line, place) in &lines {
        let line = for_factor(line);
        let rest = line.strip_prefix('-').map(str::trim_start);
        let rest = rest.or_else(|| line.strip_prefix('!').map(str::trim_start));
        task.line(rest.unwrap_or(line), *place, |it| filled(it, "{", "}", |_| None));
        if let Some(added) = task.lines.last_mut() {
            added.flags.ignores = line.starts_with('-');
        }
    }
    let yes = |key: &str| {
        value(key)
            .and_then(|it| it.lines.first())
            .is_some_and(|it| said(*it).eq_ignore_ascii_case("true"))
    };
    if yes("ignore_outcome") || yes("ignore_errors") && task.lines.len() > 1 {
        let last = task.lines.len() - 1;
        let all = yes("ignore_outcome");
        task.lines[..if all { last + 1 } else { 0 }]
            .iter_mut()
            .for_each(|it| it.flags.ignores = true);
    }
    // Without commands of its own an environment may only install, or lean on a plugin.
    task.opaque = lines.is_empty();
    task.folder =
        value("changedir").or_else(|| value("change_dir")).map_or(Some(String::new()), |it| {
            let folder = it.lines.first().map(|it| said(*it))?;
            (!folder.contains('{')).then(|| folder.to_owned())
        });
    task
}

/// A line without the condition in front of it: `py39,lint: command`.
fn for_factor(line: &str) -> &str {
    let Some((factors, rest)) = line.split_once(": ") else { return line };
    let is_factor = |it: char| {
        it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | ',' | '.' | '!' | '{' | '}' | ' ')
    };
    let fits = factors.chars().all(is_factor) && !factors.trim().contains(' ');
    if fits { rest.trim_start() } else { line }
}

/// The names in a list, with its braces written out: `py3{9,10}-{a,b}`.
fn names(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let split = text.split(move |it: char| {
        match it {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (it == ',' || it.is_whitespace())
    });
    split.map(str::trim).filter(|it| !it.is_empty()).flat_map(spread).take(MOST).collect()
}

fn spread(name: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut rest = name;
    while let Some((before, inside)) = rest.split_once('{') {
        let (choices, after) = inside.split_once('}').unwrap_or((inside, ""));
        let grown = all.iter().flat_map(|it| {
            choices.split(',').map(move |choice| format!("{it}{before}{}", choice.trim()))
        });
        all = grown.take(MOST).collect();
        rest = after;
    }
    all.iter_mut().for_each(|it| it.push_str(rest));
    all
}

#[cfg(test)]
mod tests {
    use super::{super::tests::tasks, names};

    #[test]
    fn environments_have_sections_or_stand_in_the_list() {
        let text = "[tox]
env_list = py3{11,12}-{a,b}, lint
[testenv]
commands =
    pytest {posargs} \\
        --strict
[testenv:lint]
commands =
    - ruff check .
    py311: mypy app
[testenv:audit]
ignore_outcome = true
commands = pip-audit
";
        assert_eq!(
            tasks("tox.ini", text),
            [
                "lint: [ruff check .] style the `-` before its line [mypy app] style",
                "audit: [pip-audit] security the `-` before its line cannot fail",
                "py311-a: [pytest <?> --strict] tests",
                "py311-b: [pytest <?> --strict] tests",
                "py312-a: [pytest <?> --strict] tests",
                "py312-b: [pytest <?> --strict] tests",
            ]
        );
    }

    #[test]
    fn braces_are_bounded() {
        assert_eq!(names("a{b,c}d, e"), ["abd", "acd", "e"]);
        assert!(names(&"{a,b}".repeat(100)).len() <= 500);
    }
}
