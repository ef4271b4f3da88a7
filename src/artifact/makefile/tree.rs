//! What an evaluation learned, as a tree: one map for each file, which the views walk.

use std::collections::HashSet;

use super::{
    files::{self, ROOT, absolute, below_root},
    functions::{percent, stem},
    model::{Definition, Evaluation, Place, Recipe, RecipeLine, Target, Unknown, Unresolved},
    rules::place_of_name,
    unit::Unit,
};
use crate::{
    artifact::recipe::{
        Command, Flags, Line, Shell, commands, gates,
        write::{self, About, Written},
    },
    document::{Id, Key, Tree},
    source::Span,
};

/// How many nodes one file may get: a small text can generate any number of targets.
const MOST_NODES: usize = 400_000;

/// Appends what the unit knows about its file `file` to the file's tree; returns the root.
///
/// `whole`: with the targets and variables that are written there. Without it only what concerns
/// the entry as a whole is written, because another unit has already told the rest.
pub(super) fn write(tree: &mut Tree, unit: &Unit, file: u32, files: &[String], whole: bool) -> Id {
    let path = tree.source.path.clone();
    let is_entry = path == unit.entry;
    let head = Span::new(0, tree.source.line(1).len());
    let mut writer = Writer::new(tree, unit, file, files);
    let root = writer.tree.open_map(Key::None, head);
    writer.text("path", &path, head);
    writer.text("start", &unit.entry, head);
    writer.bool("entry", is_entry && unit.found, head);
    writer.bool("root", unit.found && !unit.entry.contains('/'), head);
    writer.bool("whole", whole, head);
    writer.bool("open", unit.evaluation.is_open(), head);
    let lacks = |it: &Unresolved| it.kind != Unknown::Target && it.kind.hides_names();
    writer.bool("incomplete", unit.evaluation.unresolved.iter().any(lacks), head);
    writer.settings(head);
    if is_entry {
        writer.entry(head);
    }
    if whole {
        writer.targets(head);
        writer.variables(head);
    }
    writer.tree.close(root);
    root
}

struct Writer<'a> {
    tree: &'a mut Tree,
    unit: &'a Unit,
    file: u32,
    files: &'a [String],
    /// The folder that make runs in, absolute.
    folder: String,
    names: HashSet<&'a str>,
    /// Whether a prerequisite may be there in a way that concerns every name.
    anything_appears: bool,
    shell: Shell,
    /// The definitions that set the shell up, for all targets or for some.
    shells: Vec<&'a Definition>,
}

impl<'a> Writer<'a> {
    fn new(tree: &'a mut Tree, unit: &'a Unit, file: u32, files: &'a [String]) -> Self {
        let folder = unit.entry.rsplit_once('/').map_or("", |it| it.0);
        let folder = absolute(ROOT, folder);
        let names = unit.evaluation.targets.iter().map(|it| it.name.as_str()).collect();
        let evaluation = &unit.evaluation;
        let shells: Vec<&Definition> =
            evaluation.definitions.iter().filter(|it| sets_shell(it)).take(100).collect();
        let shell = Shell {
            one: evaluation.special(".ONESHELL").is_some(),
            make: true,
            ..shell_of(shells.iter().filter(|it| it.targets.is_empty()))
        };
        // A file that was named alone says nothing about what lies beside it.
        let anything_appears = files.len() < 2
            || evaluation.is_open()
            || evaluation.special(".DEFAULT").is_some()
            || evaluation.definitions.iter().any(|it| it.name == "VPATH")
            || evaluation.patterns.len() > 300
            || tree.source.text.contains("vpath ")
            || has_suffix_rules(evaluation);
        Self { tree, unit, file, files, folder, names, anything_appears, shell, shells }
    }

    fn evaluation(&self) -> &'a Evaluation {
        &self.unit.evaluation
    }

    // ---- small things

    fn text(&mut self, key: &str, text: &str, span: Span) -> Id {
        self.tree.text(Key::Text(key), text, span)
    }

    fn bool(&mut self, key: &str, value: bool, span: Span) {
        self.tree.bool(Key::Text(key), value, span);
    }

    fn maybe(&mut self, key: &str, text: Option<&str>, span: Span) {
        write::maybe(self.tree, key, text, span);
    }

    fn list<'t>(&mut self, key: &str, items: impl IntoIterator<Item = &'t str>, span: Span) {
        write::list(self.tree, key, items, span);
    }

    fn is_full(&self) -> bool {
        self.tree.nodes.len() > MOST_NODES
    }

    /// The span of a place of this file: its first line without the space around.
    fn span(&self, place: Place) -> Span {
        written(place).first_line(&self.tree.source)
    }

    fn line(&self, place: Place) -> &str {
        self.tree.source.text.get(place.start as usize..place.end as usize).unwrap_or("")
    }

    fn name_span(&self, place: Place, name: &str) -> Span {
        let place = place_of_name(self.line(place), place, name);
        Span { start: place.start, end: place.end }
    }

    // ---- the file and the entry

    fn settings(&mut self, head: Span) {
        let evaluation = self.evaluation();
        let settings = self.tree.open_map(Key::Field("settings"), head);
        for (key, name) in [
            ("ignores_errors", ".IGNORE"),
            ("one_shell", ".ONESHELL"),
            ("deletes_on_error", ".DELETE_ON_ERROR"),
            ("posix", ".POSIX"),
            ("default", ".DEFAULT"),
        ] {
            let found = evaluation
                .special
                .iter()
                .find(|it| it.0 == name && (key != "ignores_errors" || it.1.is_empty()));
            match found {
                Some((name, _, place)) => {
                    let here = place.file == self.file;
                    let span = if here { self.name_span(*place, name) } else { head };
                    self.bool(key, here, span);
                }
                None => self.bool(key, false, head),
            }
        }
        let anywhere = evaluation.special(".DELETE_ON_ERROR").is_some();
        self.bool("deletes_on_error_anywhere", anywhere, head);
        self.tree.close(settings);
    }

    fn entry(&mut self, head: Span) {
        let evaluation = self.evaluation();
        self.text("default_goal", &evaluation.default_goal, head);
        let all = self.tree.open_seq(Key::Field("made"), head);
        for target in &evaluation.targets {
            if self.is_full() {
                break;
            }
            let here = target.place.file == self.file;
            let span = if here { self.name_span(target.place, &target.name) } else { head };
            let it = self.tree.open_map(Key::None, span);
            self.text("name", &target.name, span);
            self.bool("phony", target.phony, span);
            let file = evaluation.files.get(target.place.file as usize);
            self.maybe("file", file.map(String::as_str), span);
            self.bool("maybe", target.maybe, span);
            self.bool("recipe", !target.recipes.is_empty(), span);
            let known = target.prerequisites.iter().chain(&target.order_only);
            self.list("prerequisites", known.map(String::as_str).take(1000), span);
            self.tree.int(Key::Field("line"), i64::from(target.place.line), span);
            self.tree.close(it);
        }
        self.tree.close(all);
        self.list("names", evaluation.targets.iter().map(|it| &*it.name).take(20_000), head);
        self.list("possible", evaluation.possible.iter().map(|it| &**it).take(20_000), head);
        let patterns = evaluation.patterns.iter().map(|it| &*it.name).filter(|it| it.contains('%'));
        self.list("patterns", patterns.take(20_000), head);
        self.list("files", evaluation.files.iter().map(|it| &**it), head);
        let open = self.tree.open_seq(Key::Field("unresolved"), head);
        for it in evaluation.unresolved.iter().take(1000) {
            let span = if it.place.file == self.file { self.span(it.place) } else { head };
            let entry = self.tree.open_map(Key::None, span);
            self.text("kind", it.kind.name(), span);
            self.text("text", &it.text, span);
            self.text("why", &it.why, span);
            let file = evaluation.files.get(it.place.file as usize);
            self.maybe("file", file.map(String::as_str), span);
            self.tree.int(Key::Field("line"), i64::from(it.place.line), span);
            self.tree.close(entry);
        }
        self.tree.close(open);
    }

    // ---- variables

    fn variables(&mut self, head: Span) {
        let evaluation = self.evaluation();
        let list = self.tree.open_seq(Key::Field("variables"), head);
        let file = self.file;
        for it in evaluation.definitions.iter().filter(|it| it.place.file == file) {
            if self.is_full() {
                break;
            }
            self.variable(it);
        }
        self.tree.close(list);
        let list = self.tree.open_seq(Key::Field("undefined"), head);
        for (name, place) in evaluation.undefined.iter().filter(|it| it.1.file == self.file) {
            if is_name_of_environment(name) {
                continue;
            }
            let written = [format!("$({name}"), format!("${{{name}")];
            let line = self.line(*place);
            let at = written.iter().find_map(|it| line.find(it.as_str()));
            let span = match at {
                Some(at) => {
                    let start = place.start as usize + at;
                    Span::new(start, start + name.len() + 3)
                }
                None => self.span(*place),
            };
            self.tree.text(Key::None, name, span);
        }
        self.tree.close(list);
    }

    fn variable(&mut self, it: &Definition) {
        let span = self.name_span(it.place, &it.name);
        let map = self.tree.open_map(Key::None, span);
        self.text("name", &it.name, span);
        self.text("operator", it.operator, span);
        self.text("value", it.value.trim_end(), span);
        self.list("targets", it.targets.iter().map(String::as_str).take(100), span);
        self.bool("overrides", it.overrides, span);
        self.bool("silences", silences(it), span);
        self.tree.close(map);
    }

    // ---- targets

    fn targets(&mut self, head: Span) {
        let evaluation = self.evaluation();
        for (key, targets) in [("targets", &evaluation.targets), ("rules", &evaluation.patterns)] {
            let list = self.tree.open_seq(Key::Text(key), head);
            for target in targets {
                if self.home(target) != self.file {
                    continue;
                }
                if self.is_full() {
                    break;
                }
                self.target(target);
            }
            self.tree.close(list);
        }
    }

    /// The file that a target is judged in: where its recipe is, else where its rule is.
    fn home(&self, target: &Target) -> u32 {
        let recipe = target.recipes.first().map(|&it| &self.evaluation().recipes[it]);
        recipe.map_or(target.place.file, |it| it.rule.file)
    }

    fn target(&mut self, target: &Target) {
        let evaluation = self.evaluation();
        let recipes: Vec<&Recipe> =
            target.recipes.iter().map(|&it| &evaluation.recipes[it]).collect();
        let place = recipes.first().map_or(target.place, |it| it.rule);
        let span = self.name_span(place, &target.name);
        let map = self.tree.open_map(Key::None, span);
        let gate = gates::named(&target.name);
        self.text("name", &target.name, span);
        self.bool("phony", target.phony, span);
        self.bool("has_rule", target.has_rule, span);
        self.bool("double_colon", target.double_colon, span);
        self.bool("maybe", target.maybe, span);
        self.bool("is_default", target.name == evaluation.default_goal, span);
        self.bool("is_pattern", percent(&target.name).1.is_some() && !target.phony, span);
        self.maybe("gate", gate, span);
        self.maybe("exists", self.what_exists(&target.name), span);
        let replaced = !target.replaced.is_empty() && !target.double_colon;
        self.bool("replaced", replaced, span);
        self.replaced(target);
        self.prerequisites(target, place, span);
        let shell = self.shell(target);
        let all: Vec<Vec<Command>> = recipes
            .iter()
            .map(|it| {
                let lines: Vec<Line<'_>> = it.lines.iter().map(line_of).collect();
                commands(&lines, shell, &self.folder)
            })
            .collect();
        self.verdict(target, &all, span);
        let list = self.tree.open_seq(Key::Field("recipe"), span);
        for (recipe, commands) in recipes.iter().zip(&all) {
            self.recipe(recipe, commands);
        }
        self.tree.close(list);
        self.tree.close(map);
    }

    fn replaced(&mut self, target: &Target) {
        let evaluation = self.evaluation();
        let span = self.name_span(target.place, &target.name);
        let list = self.tree.open_seq(Key::Field("earlier"), span);
        for &recipe in target.replaced.iter().take(20) {
            let place = evaluation.recipes[recipe].rule;
            if place.file == self.file {
                let span = self.name_span(place, &target.name);
                self.tree.text(Key::None, &target.name, span);
            }
        }
        self.tree.close(list);
    }

    /// What lies at the path that the target's name is, seen from make's folder.
    fn what_exists(&self, name: &str) -> Option<&'static str> {
        let whole = absolute(&self.folder, name);
        let path = below_root(&whole)?;
        if files::is_file(self.files, path) {
            return Some("file");
        }
        files::is_folder(self.files, path).then_some("folder")
    }

    fn prerequisites(&mut self, target: &Target, place: Place, span: Span) {
        let evaluation = self.evaluation();
        self.bool("open", target.open, span);
        let list = self.tree.open_seq(Key::Field("prerequisites"), span);
        let all = target.prerequisites.iter().map(|it| (it, false));
        let all = all.chain(target.order_only.iter().map(|it| (it, true)));
        let here = place.file == self.file;
        for (name, order_only) in all.take(2_000) {
            if self.is_full() {
                break;
            }
            let own = if here { self.name_span(place, name) } else { span };
            let it = self.tree.open_map(Key::None, own);
            self.text("name", name, own);
            self.bool("order_only", order_only, own);
            let appears = || self.can_be_made(evaluation, name) || self.may_appear(name);
            let missing = !self.anything_appears && !appears();
            self.bool("missing", missing, own);
            self.tree.close(it);
        }
        self.tree.close(list);
    }

    fn can_be_made(&self, evaluation: &Evaluation, name: &str) -> bool {
        self.names.contains(name)
            || evaluation.possible.contains(name)
            || self.what_exists(name).is_some()
            || evaluation.patterns.iter().any(|it| stem(&it.name, name).is_some())
    }

    /// Whether the name may be there in ways that cannot be seen: outside of the repository, by a
    /// search path, by the rules that make brings along, by a pattern.
    fn may_appear(&self, name: &str) -> bool {
        let built_in = ["o", "a", "cpp", "cc", "tex", "dvi", "out", "s", "S", "sh", "info"];
        let extension = name.rsplit_once('.').map_or("", |it| it.1);
        below_root(&absolute(&self.folder, name)).is_none()
            || name.starts_with('/')
            || name.contains(['%', '*', '$', '(', '<', '~', '='])
            || built_in.contains(&extension)
            || ["c", "cc", "cpp", "p", "f", "s", "sh"]
                .iter()
                .any(|it| self.what_exists(&format!("{name}.{it}")).is_some())
    }

    /// The shell of the target's recipes, as far as the Makefile sets it up.
    fn shell(&self, target: &Target) -> Shell {
        let own = |it: &&&Definition| it.targets.contains(&target.name);
        if !self.shells.iter().any(|it| own(&it)) {
            return self.shell;
        }
        let all = self.shells.iter().filter(|it| it.targets.is_empty() || own(it));
        Shell { one: self.shell.one, make: true, ..shell_of(all) }
    }

    /// What can be said of the recipe as a whole.
    fn verdict(&mut self, target: &Target, all: &[Vec<Command>], span: Span) {
        let recipes = &self.unit.evaluation.recipes;
        let lines = target.recipes.iter().flat_map(|&it| &recipes[it].lines);
        let about = About {
            prerequisites: !target.prerequisites.is_empty()
                || !target.order_only.is_empty()
                || target.open,
            recipe: !target.recipes.is_empty(),
            opaque: false,
        };
        let commands: Vec<&Command> = all.iter().flatten().collect();
        write::verdict(self.tree, lines.map(line_of), &commands, about, span);
    }

    fn recipe(&mut self, recipe: &Recipe, commands: &[Command]) {
        let mut commands = commands.iter().peekable();
        for (index, line) in recipe.lines.iter().enumerate() {
            if self.is_full() {
                break;
            }
            let here = (line.place.file == self.file).then(|| written(line.place));
            write::line(self.tree, (index, line_of(line)), here, &mut commands);
        }
    }
}

fn line_of(it: &RecipeLine) -> Line<'_> {
    Line { text: &it.text, expanded: &it.expanded, flags: Flags::split(&it.text).0 }
}

fn written(place: Place) -> Written {
    Written { place: Span { start: place.start, end: place.end } }
}

fn sets_shell(it: &Definition) -> bool {
    matches!(it.name.as_str(), "SHELL" | ".SHELLFLAGS")
}

fn shell_of<'d>(definitions: impl Iterator<Item = &'d &'d Definition>) -> Shell {
    let flags: Vec<&str> = definitions.map(|it| it.value.as_str()).collect();
    let flags = flags.join(" ");
    let stops = |it: &str| it.starts_with('-') && !it.starts_with("--") && it.contains('e');
    Shell {
        pipefail: flags.contains("pipefail"),
        stops: flags.split_ascii_whitespace().any(stops),
        ..Shell::default()
    }
}

fn has_suffix_rules(evaluation: &Evaluation) -> bool {
    evaluation.targets.iter().any(|it| {
        let name = it.name.as_str();
        name.starts_with('.') && name.matches('.').count() == 2 && !name.contains('/')
    })
}

/// Whether the variable makes every recipe succeed: a shell that does nothing, flags of make that
/// ignore errors or run nothing.
fn silences(it: &Definition) -> bool {
    let value = it.value.trim();
    match it.name.as_str() {
        "SHELL" => {
            let name = value.split_ascii_whitespace().next().unwrap_or("");
            matches!(name.rsplit('/').next(), Some("true" | ":" | "echo"))
        }
        "MAKEFLAGS" | "GNUMAKEFLAGS" | "MFLAGS" => value.split_ascii_whitespace().any(|it| {
            let short = it.strip_prefix('-').filter(|it| !it.starts_with('-'));
            let letters = short.map(|it| {
                it.split(['j', 'l', 'I', 'C', 'o', 'W', 'O', 'E', 'f']).next().unwrap_or("")
            });
            matches!(
                it,
                "--ignore-errors" | "--dry-run" | "--just-print" | "--touch" | "--question"
            ) || letters.is_some_and(|it| it.contains(['i', 'n', 't', 'q']))
        }),
        _ => false,
    }
}

/// Names that are set outside of Makefiles: by the shell, by make, by pipelines, by convention.
fn is_name_of_environment(name: &str) -> bool {
    let built_in = [
        "AR",
        "ARFLAGS",
        "AS",
        "ASFLAGS",
        "CC",
        "CFLAGS",
        "CO",
        "COFLAGS",
        "CPP",
        "CPPFLAGS",
        "CTANGLE",
        "CURDIR",
        "CWEAVE",
        "CXX",
        "CXXFLAGS",
        "FC",
        "FFLAGS",
        "GET",
        "LD",
        "LDFLAGS",
        "LDLIBS",
        "LEX",
        "LFLAGS",
        "LINT",
        "LOADLIBES",
        "M2C",
        "MAKEINFO",
        "OBJC",
        "PC",
        "PFLAGS",
        "PWD",
        "RFLAGS",
        "RM",
        "TANGLE",
        "TEX",
        "TEXI2DVI",
        "WEAVE",
        "YACC",
        "YFLAGS",
        "MAKEFILES",
        "SUFFIXES",
        "COMPILE.c",
        "COMPILE.cc",
        "COMPILE.cpp",
        "LINK.c",
        "LINK.o",
        "LINK.cc",
        "OUTPUT_OPTION",
        "TARGET_ARCH",
        "DESTDIR",
        "V",
        "Q",
        "GOPATH",
        "GOBIN",
        "TMPDIR",
        "SHLVL",
        "LANG",
        "EDITOR",
        "HOSTNAME",
        "OLDPWD",
        "TERM",
        "UID",
        "VIRTUAL_ENV",
        "OS",
        "CI",
    ];
    built_in.contains(&name)
        || name.starts_with(['@', '<', '^', '*', '+', '?', '%', '|', '.'])
        || name.chars().all(|it| it.is_ascii_digit())
        || name.contains([' ', '\t', '\n', '\'', '"', '{', '(', ':', '/'])
}
