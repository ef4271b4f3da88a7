//! Recipes as nodes of a tree, which views walk.

use std::{iter::Peekable, slice::Iter};

use super::{Command, Flags, Line, UNKNOWN, shown};
use crate::{
    document::{Key, Tree},
    source::{Source, Span},
};

/// Where a line of a recipe is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// The bytes of the file, all physical lines of it; empty if it is in another file.
    pub place: Span,
}

impl Written {
    /// Its first physical line without the space around.
    pub fn first_line(self, source: &Source) -> Span {
        let first = source.slice(self.place).lines().next().unwrap_or("");
        let first = first.strip_suffix('\\').unwrap_or(first).trim_end();
        let skipped = first.len() - first.trim_start().len();
        let start = self.place.start as usize;
        Span::new(start + skipped, start + first.len())
    }

    /// Where a command is written: its own text if the line spells it, else the physical line
    /// with its name, else the line.
    fn command(self, source: &Source, command: &Command) -> Span {
        let line = source.slice(self.place);
        let start = self.place.start as usize;
        if let Some(at) = line.find(&command.text).filter(|_| !command.text.is_empty()) {
            let first =
                command.text.lines().next().unwrap_or("").trim_end_matches(['\\', ' ', '\t']);
            return Span::new(start + at, start + at + first.len());
        }
        let named = |it: &&String| it.len() > 2 && line.contains(it.as_str());
        let Some(at) = command.words.iter().find(named).and_then(|it| line.find(it.as_str()))
        else {
            return self.first_line(source);
        };
        let from = line[..at].rfind('\n').map_or(0, |it| it + 1);
        let physical = line[from..].lines().next().unwrap_or("");
        let physical = physical.trim_end_matches(['\\', ' ', '\t', '\r']);
        let skipped = physical.len() - physical.trim_start().len();
        Span::new(start + from + skipped, start + from + physical.len())
    }
}

/// A list of texts.
pub fn list<'t>(tree: &mut Tree, key: &str, items: impl IntoIterator<Item = &'t str>, span: Span) {
    let list = tree.open_seq(Key::Text(key), span);
    for item in items {
        tree.text(Key::None, item, span);
    }
    tree.close(list);
}

/// A text, or null.
pub fn maybe(tree: &mut Tree, key: &str, text: Option<&str>, span: Span) {
    match text {
        Some(text) => tree.text(Key::Text(key), text, span),
        None => tree.null(Key::Text(key), span),
    };
}

/// What is known of a task beside its recipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    /// Something runs before it.
    pub prerequisites: bool,
    /// There is a recipe, if only an empty one.
    pub recipe: bool,
    /// A part of what it does cannot be read.
    pub opaque: bool,
}

/// What can be said of the recipe as a whole.
pub fn verdict<'l>(
    tree: &mut Tree,
    lines: impl Iterator<Item = Line<'l>> + Clone,
    commands: &[&Command],
    about: About,
    span: Span,
) {
    let has_text = lines.clone().any(|it| !Flags::split(it.text).1.trim().is_empty());
    let working: Vec<_> = commands.iter().filter(|it| !it.idle).collect();
    let unknown = about.opaque
        || lines.clone().any(|it| it.expanded.contains(UNKNOWN) || it.text.contains("$(error"));
    let only_prints = has_text && working.is_empty() && !unknown && !commands.is_empty();
    let hidden = !working.is_empty() && working.iter().all(|it| it.hidden.is_some());
    let can_fail = about.opaque || about.prerequisites || !hidden;
    let is_empty = !about.recipe && !about.prerequisites && !about.opaque;
    tree.bool(Key::Field("has_recipe"), has_text, span);
    tree.bool(Key::Field("is_empty"), is_empty, span);
    tree.bool(Key::Field("only_prints"), only_prints && !about.prerequisites, span);
    tree.bool(Key::Field("can_fail"), can_fail, span);
    let mut checked: Vec<&str> = commands.iter().filter_map(|it| it.checks).collect();
    checked.sort_unstable();
    checked.dedup();
    list(tree, "checks", checked, span);
    tree.int(Key::Field("lines"), lines.count() as i64, span);
}

/// A line with those of the commands that stand in it; `index` counts the lines.
pub fn line(
    tree: &mut Tree,
    (index, line): (usize, Line<'_>),
    written: Option<Written>,
    commands: &mut Peekable<Iter<'_, Command>>,
) {
    let span = written.map_or(Span::default(), |it| it.first_line(&tree.source));
    let map = tree.open_map(Key::None, span);
    tree.text(Key::Field("text"), line.text, span);
    tree.text(Key::Field("expanded"), &shown(line.expanded), span);
    tree.bool(Key::Field("silent"), line.flags.silent, span);
    tree.bool(Key::Field("ignores"), line.flags.ignores, span);
    tree.bool(Key::Field("always"), line.flags.always, span);
    tree.bool(Key::Field("calls_variable"), calls_make(line.text), span);
    let list = tree.open_seq(Key::Field("commands"), span);
    while let Some(it) = commands.next_if(|it| it.line <= index) {
        let span = written.map_or(Span::default(), |place| place.command(&tree.source, it));
        command(tree, it, span);
    }
    tree.close(list);
    tree.close(map);
}

fn command(tree: &mut Tree, command: &Command, span: Span) {
    let map = tree.open_map(Key::None, span);
    tree.text(Key::Field("name"), &command.name, span);
    tree.text(Key::Field("text"), &command.text, span);
    list(tree, "words", command.words.iter().map(String::as_str).take(500), span);
    maybe(tree, "folder", command.folder.as_deref(), span);
    maybe(tree, "hidden", command.hidden.as_deref(), span);
    maybe(tree, "checks", command.checks, span);
    tree.bool(Key::Field("idle"), command.idle, span);
    match &command.goals {
        Some(goals) => list(tree, "goals", goals.iter().map(String::as_str), span),
        None => {
            tree.null(Key::Field("goals"), span);
        }
    }
    tree.close(map);
}

/// Whether the line calls make through its variable, which keeps flags and the job server.
fn calls_make(text: &str) -> bool {
    text.contains("$(MAKE)") || text.contains("${MAKE}")
}
