//! What a Dockerfile means, written as lists beside the tree of what it says.
//!
//! One pass finds the stages, a second walks the instructions in order, with the variables that
//! are set where each stands, and writes one item per thing that rules judge. Every item knows
//! its stage and its instruction by links.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    command::{self, Command},
    package, pragma,
    stage::{self, Scope, Stage},
    variable,
};
use crate::{
    document::{Id, Key, Tree},
    parse::{
        dockerfile::{File, Head, Instruction, plain_words, unquoted},
        image,
    },
    source::Span,
};

/// Adds nodes to a tree.
pub struct Out<'t> {
    tree: &'t mut Tree,
}

impl Out<'_> {
    fn map(&mut self, key: Key<'_>, span: Span, fill: impl FnOnce(&mut Self)) -> Id {
        let id = self.tree.open_map(key, span);
        fill(self);
        self.tree.close(id);
        id
    }

    fn list(&mut self, key: &str, span: Span, fill: impl FnOnce(&mut Self)) -> Id {
        let id = self.tree.open_seq(Key::Text(key), span);
        fill(self);
        self.tree.close(id);
        id
    }

    fn text(&mut self, key: &str, text: &str, span: Span) {
        self.tree.text(Key::Text(key), text, span);
    }

    fn flag(&mut self, key: &str, value: bool, span: Span) {
        self.tree.bool(Key::Text(key), value, span);
    }

    fn number(&mut self, key: &str, value: i64, span: Span) {
        self.tree.int(Key::Text(key), value, span);
    }

    fn link(&mut self, key: &str, target: Id) {
        self.tree.alias(Key::Text(key), target);
    }
}

/// An instruction, or what an ONBUILD will run, and where it stands.
#[derive(Clone, Copy)]
pub struct Step<'s, 'f> {
    /// The instruction.
    pub it: &'s Instruction<'f>,
    /// Its keyword, flags and arguments.
    pub head: &'s Head,
    /// It runs in images built from this one.
    pub is_trigger: bool,
    /// Its place in the file.
    pub index: usize,
    /// The stage it stands in.
    pub stage: Option<usize>,
}

impl<'s> Step<'s, '_> {
    fn name(&self) -> &'s str {
        &self.head.name
    }

    fn span(&self) -> Span {
        if self.is_trigger {
            self.it.place(&(self.head.keyword.start..self.head.arguments.end))
        } else {
            self.it.span
        }
    }

    fn arguments(&self) -> &str {
        self.it.text(&self.head.arguments)
    }

    fn arguments_span(&self) -> Span {
        self.it.place(&self.head.arguments)
    }

    /// The arguments as words: the items of the array, or what blanks separate.
    fn words(&self, escape: u8) -> Vec<(String, Span)> {
        match &self.head.array {
            Some(items) => {
                items.iter().map(|it| (it.text.clone(), self.it.place(&it.range))).collect()
            }
            None => plain_words(&self.it.joined.text, self.head.arguments.clone())
                .into_iter()
                .map(|it| (unquoted(self.it.text(&it), escape).into_owned(), self.it.place(&it)))
                .collect(),
        }
    }
}

/// A file, its stages and its steps.
pub struct Facts<'s, 'f> {
    text: &'f str,
    file: &'s File<'f>,
    stages: Vec<Stage>,
    globals: Scope,
    steps: Vec<Step<'s, 'f>>,
    /// The node of each instruction.
    nodes: &'s [Id],
    stage_nodes: Vec<Id>,
    step_nodes: Vec<Id>,
    commands: Vec<Vec<Command>>,
    /// What is set where each step stands.
    scopes: Vec<Known>,
    shells: Vec<Shell>,
    /// The step that first defines each ENV and ARG.
    defined: BTreeMap<String, usize>,
    /// How often a near name was looked for.
    searches: usize,
    checks_descriptions: bool,
}

/// What is known to be set where a step stands.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Variables that the step uses and nothing defines, with the nearest name that is defined.
    undefined: Vec<(String, Option<String>, bool, Span)>,
    /// ENV and ARG names that the step's commands use and something defines.
    names: BTreeSet<String>,
    /// `PIP_NO_CACHE_DIR` is on.
    no_pip_cache: bool,
    /// The path of a WORKDIR, or a USER, expanded.
    path: String,
    /// The USER is an argument.
    is_argument: bool,
}

/// The shell that runs commands.
#[derive(Clone, Debug, Default)]
struct Shell {
    words: Vec<String>,
    is_set: bool,
}

impl Shell {
    fn program(&self) -> &str {
        self.words.first().map_or("sh", |it| it.rsplit(['/', '\\']).next().unwrap_or(it))
    }

    fn is_windows(&self) -> bool {
        let name = self.program().to_ascii_lowercase();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        matches!(name, "powershell" | "pwsh" | "cmd")
    }

    fn stops_on_pipes(&self) -> bool {
        self.words.iter().any(|it| it.contains("pipefail"))
            && matches!(self.program(), "bash" | "zsh" | "ash" | "sh" | "ksh" | "busybox" | "env")
    }
}

/// Reads the facts of a file and writes them; gives their node.
pub fn write(tree: &mut Tree, text: &str, file: &File<'_>, nodes: &[Id]) -> Id {
    let (stages, globals) = stage::stages(file);
    let mut facts = Facts {
        text,
        file,
        stages,
        globals,
        steps: steps(file),
        nodes,
        stage_nodes: Vec::new(),
        step_nodes: Vec::new(),
        commands: Vec::new(),
        scopes: Vec::new(),
        shells: Vec::new(),
        defined: BTreeMap::new(),
        searches: 0,
        checks_descriptions: pragma::is_experimental(text, file, "InvalidDefinitionDescription"),
    };
    facts.walk_shells(pragma::shell(text, file));
    facts.walk_commands();
    facts.walk_scopes();
    let end = file.instructions.last().map_or(0, |it| it.span.end);
    let mut out = Out { tree };
    out.map(Key::None, Span { start: 0, end }, |out| facts.lists(out))
}

fn steps<'s, 'f>(file: &'s File<'f>) -> Vec<Step<'s, 'f>> {
    let mut found = Vec::with_capacity(file.instructions.len());
    let mut stage = None;
    for (index, it) in file.instructions.iter().enumerate() {
        if it.head.name == "FROM" {
            stage = Some(stage.map_or(0, |it| it + 1));
        }
        found.push(Step { it, head: &it.head, is_trigger: false, index, stage });
        if let Some(head) = &it.trigger {
            found.push(Step { it, head, is_trigger: true, index, stage });
        }
    }
    found
}

/// A field of `type=cache,target=/x`, under one of its names.
pub fn mount_field<'m>(mount: &'m str, names: &[&str]) -> Option<&'m str> {
    mount.split(',').find_map(|it| {
        let (name, value) = it.split_once('=').unwrap_or((it, ""));
        names.contains(&name.trim()).then_some(value)
    })
}

fn mounts(head: &Head) -> impl Iterator<Item = &str> {
    head.flags.iter().filter(|it| it.name == "mount").filter_map(|it| it.value.as_deref())
}

/// The targets of mounts that keep what is written there out of the layer.
fn cached(head: &Head) -> impl Iterator<Item = &str> {
    mounts(head)
        .filter(|it| matches!(mount_field(it, &["type"]), Some("cache" | "tmpfs")))
        .filter_map(|it| mount_field(it, &["target", "dst", "destination"]))
        .map(|it| if it.len() > 1 { it.trim_end_matches('/') } else { it })
}

impl Facts<'_, '_> {
    fn walk_shells(&mut self, pragma: Option<&str>) {
        let mut of_stage: Vec<Shell> = Vec::with_capacity(self.stages.len());
        let initial = pragma.map_or_else(Shell::default, |it| Shell {
            words: it.split_whitespace().map(str::to_owned).collect(),
            is_set: false,
        });
        let mut current = initial.clone();
        for step in &self.steps {
            match (step.name(), step.stage, step.is_trigger) {
                ("FROM", Some(stage), false) => {
                    of_stage.truncate(stage);
                    let parent = self.stages[stage].parent;
                    current = parent.and_then(|it| of_stage.get(it)).unwrap_or(&initial).clone();
                    of_stage.push(current.clone());
                }
                ("SHELL", stage, false) => {
                    let words = step.words(self.file.escape).into_iter().map(|it| it.0).collect();
                    current = Shell { words, is_set: true };
                    if let Some(last) = stage.and_then(|it| of_stage.get_mut(it)) {
                        last.clone_from(&current);
                    }
                }
                _ => {}
            }
            self.shells.push(current.clone());
        }
    }

    fn is_windows(&self, index: usize) -> bool {
        let image = self.steps[index]
            .stage
            .map(|it| &self.stages[stage::origin(&self.stages, it)].resolved);
        let mark = ["windows/", "windowsservercore", "nanoserver", "-windows", "servercore"];
        self.shells[index].is_windows()
            || image.is_some_and(|it| mark.iter().any(|mark| it.contains(mark)))
    }

    fn walk_commands(&mut self) {
        for (index, step) in self.steps.iter().enumerate() {
            let found = match (step.name(), &step.head.array) {
                ("RUN", _) if self.is_windows(index) => Vec::new(),
                ("RUN", Some(_)) => {
                    command::exec(&step.words(self.file.escape)).into_iter().collect()
                }
                ("RUN", None) => command::read(self.text, step.it, &step.head.arguments),
                _ => Vec::new(),
            };
            self.commands.push(found);
        }
    }

    /// Follows ENV and ARG through the stages.
    fn walk_scopes(&mut self) {
        let mut of_stage: Vec<Scope> = Vec::with_capacity(self.stages.len());
        let mut scope = Scope::new();
        let mut args = BTreeSet::new();
        for index in 0..self.steps.len() {
            let step = self.steps[index];
            let escape = self.file.escape;
            if step.name() == "FROM" && !step.is_trigger {
                if let Some(stage) = step.stage {
                    let done = std::mem::take(&mut scope);
                    if stage > 0 {
                        of_stage.push(done);
                    }
                    let parent = self.stages[stage].parent.and_then(|it| of_stage.get(it));
                    scope = parent.filter(|it| it.len() <= 500).cloned().unwrap_or_default();
                    scope.entry("PATH".to_owned()).or_insert(None);
                }
                self.scopes.push(Known::default());
                continue;
            }
            let mut known = self.known(index, &scope, &args);
            if matches!(step.name(), "ENV" | "ARG") && !step.is_trigger {
                let before = |name: &str| scope.get(name).cloned().flatten();
                let pairs: Vec<_> = stage::pairs(step.it, step.head, escape)
                    .into_iter()
                    .map(|it| (it.value.map(|it| variable::expand(&it, escape, &before).0), it.key))
                    .collect();
                for (mut value, key) in pairs {
                    let is_bare = value.is_none();
                    self.defined.entry(key.clone()).or_insert(index);
                    if step.name() == "ARG" {
                        args.insert(key.clone());
                        value = value.or_else(|| self.globals.get(&key).cloned().flatten());
                        // An ENV of the same name wins over the ARG.
                        if is_bare && scope.get(&key).is_some_and(Option::is_some) {
                            continue;
                        }
                    }
                    scope.insert(key, value);
                }
            }
            if step.name() == "USER" {
                let bare = step.arguments().split(':').next().unwrap_or("").trim_matches('"');
                let name = bare.trim_start_matches(['$', '{']).trim_end_matches('}');
                known.is_argument = bare.starts_with('$') && args.contains(name);
            }
            if matches!(step.name(), "WORKDIR" | "USER") {
                let value = |name: &str| scope.get(name).cloned().flatten();
                known.path = variable::expand(step.arguments(), escape, &value).0;
            }
            self.scopes.push(known);
        }
    }

    fn known(&mut self, index: usize, scope: &Scope, args: &BTreeSet<String>) -> Known {
        let step = self.steps[index];
        let mut known = Known::default();
        let on = |it: &Option<String>| it.as_deref().is_some_and(is_on);
        known.no_pip_cache = scope.get("PIP_NO_CACHE_DIR").is_some_and(on);
        let words = self.commands[index].iter().flat_map(|it| &it.args);
        for name in words.flat_map(|it| variable::names(&it.text)) {
            if scope.contains_key(name) || args.contains(name) {
                known.names.insert(name.to_owned());
            }
        }
        if step.stage.is_some() && !step.is_trigger {
            for (text, range) in expanded(&step) {
                for it in variable::uses(&text, self.file.escape) {
                    if !scope.contains_key(it.name) {
                        self.searches += 1;
                        let near = near(it.name, scope.keys()).filter(|_| self.searches < 100);
                        let span = match &range {
                            Some(range) => step
                                .it
                                .place(&(range.start + it.range.start..range.start + it.range.end)),
                            None => step.span(),
                        };
                        let has_default = !it.modifier.is_empty();
                        known.undefined.push((it.name.to_owned(), near, has_default, span));
                    }
                }
            }
        }
        known
    }

    fn lists(&mut self, out: &mut Out<'_>) {
        let all = Span { start: 0, end: self.file.instructions.last().map_or(0, |it| it.span.end) };
        let mut stage_nodes = Vec::new();
        out.list("stages", all, |out| {
            for index in 0..self.stages.len() {
                let node = self.stage(out, index, &stage_nodes);
                stage_nodes.push(node);
            }
        });
        self.stage_nodes = stage_nodes;
        let mut step_nodes = Vec::new();
        out.list("steps", all, |out| self.write_steps(out, &mut step_nodes));
        self.step_nodes = step_nodes;
        out.list("commands", all, |out| self.each(|index| self.write_commands(out, index)));
        out.list("installs", all, |out| self.each(|index| self.write_installs(out, index, false)));
        out.list("packages", all, |out| self.each(|index| self.write_installs(out, index, true)));
        out.list("runs", all, |out| self.write_runs(out));
        out.list("copies", all, |out| self.write_copies(out));
        out.list("variables", all, |out| self.each(|index| self.write_variables(out, index)));
        out.list("labels", all, |out| self.each(|index| self.write_labels(out, index)));
        out.list("users", all, |out| self.each(|index| self.write_user(out, index)));
        out.list("workdirs", all, |out| self.write_workdirs(out));
        out.list("ports", all, |out| self.each(|index| self.write_ports(out, index)));
        out.list("processes", all, |out| self.write_processes(out));
        out.list("undefined", all, |out| self.each(|index| self.write_undefined(out, index)));
        out.list("pragmas", all, |out| {
            for comment in pragma::inline(self.text, self.file) {
                out.map(Key::None, comment.span, |out| {
                    out.tree.text_at(Key::Text("text"), comment.span);
                });
            }
        });
    }

    fn each(&self, mut run: impl FnMut(usize)) {
        (0..self.steps.len()).for_each(&mut run);
    }

    /// The links that every item has.
    fn links(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if let Some(node) = step.stage.and_then(|it| self.stage_nodes.get(it)) {
            out.link("stage", *node);
        }
        if let Some(node) = self.step_nodes.get(index) {
            out.link("step", *node);
        }
    }

    fn stage(&self, out: &mut Out<'_>, index: usize, before: &[Id]) -> Id {
        let it = &self.stages[index];
        out.map(Key::None, it.span, |out| {
            out.number("index", index as i64, it.span);
            if let Some((name, span)) = &it.name {
                out.text("name", name, *span);
                out.text("name_written", &it.name_written, *span);
            }
            if let Some((word, span)) = &it.as_word {
                out.text("as", word, *span);
            }
            let of = self.file.instructions.iter().filter(|it| it.head.name == "FROM").nth(index);
            if let Some(of) = of {
                out.text("from", of.text(&of.head.keyword), of.place(&of.head.keyword));
            }
            let twin = self.stages[..index].iter().any(|other| {
                it.name.is_some()
                    && other.name.as_ref().map(|it| &it.0) == it.name.as_ref().map(|it| &it.0)
            });
            let same = self.stages[..index]
                .iter()
                .any(|other| it.name.is_some() && other.name_written == it.name_written);
            out.flag("repeats_name", twin, it.span);
            out.flag("repeats_spelling", same, it.span);
            out.text("image", &it.reference, it.reference_span);
            out.text("resolved", &it.resolved, it.reference_span);
            out.flag("is_resolved", it.is_resolved, it.span);
            out.flag(
                "is_valid",
                it.parent.is_some() && it.resolved == it.resolved.to_lowercase()
                    || image::is_valid(&it.resolved),
                it.span,
            );
            out.flag("is_stage", it.parent.is_some(), it.span);
            out.flag("is_scratch", it.resolved == "scratch", it.span);
            self.write_image(out, "base", &it.resolved, it.reference_span);
            let origin = &self.stages[stage::origin(&self.stages, index)];
            self.write_image(out, "origin", &origin.resolved, it.reference_span);
            out.list("undeclared", it.span, |out| {
                for name in &it.undeclared {
                    out.tree.text(Key::None, name, it.reference_span);
                }
            });
            if let Some((platform, span)) = &it.platform {
                out.text("platform", platform, *span);
            }
            let is_last = index + 1 == self.stages.len();
            out.flag("is_last", is_last, it.span);
            out.flag("is_base", it.is_base, it.span);
            out.flag("is_source", it.is_source, it.span);
            out.flag("has_workdir", it.has_workdir, it.span);
            out.flag("has_healthcheck", it.has_healthcheck, it.span);
            out.flag("has_process", it.has_process, it.span);
            out.flag("is_windows", self.stage_is_windows(index), it.span);
            if let Some((user, span)) = &it.user {
                write_user_fields(out, Key::Text("own_user"), user, *span);
            }
            let mut at = Some(index);
            while let Some(stage) = at {
                if let Some((user, span)) = &self.stages[stage].user {
                    write_user_fields(out, Key::Text("user"), user, *span);
                    break;
                }
                at = self.stages[stage].parent;
            }
            if let Some(node) = it.parent.and_then(|it| before.get(it)) {
                out.link("parent", *node);
            }
        })
    }

    fn stage_is_windows(&self, index: usize) -> bool {
        let first = self.steps.iter().rposition(|it| it.stage == Some(index));
        first.is_some_and(|it| self.is_windows(it))
    }

    fn write_image(&self, out: &mut Out<'_>, key: &str, reference: &str, span: Span) {
        let image = stage::image(reference);
        out.map(Key::Text(key), span, |out| {
            out.text("text", reference, span);
            out.text("registry", &image.registry, span);
            out.text("name", &image.name, span);
            out.text("short", image.short(), span);
            out.text("tag", &image.tag, span);
            out.text("digest", &image.digest, span);
        });
    }

    fn write_steps(&self, out: &mut Out<'_>, nodes: &mut Vec<Id>) {
        let in_stage = || self.steps.iter().filter(|it| it.stage.is_some() && !it.is_trigger);
        let written = |it: &Step<'_, '_>| it.it.text(&it.head.keyword).to_owned();
        let lower = in_stage().filter(|it| written(it) == written(it).to_lowercase()).count();
        let upper = in_stage().filter(|it| written(it) == written(it).to_uppercase()).count();
        let majority = if lower > upper { "lower" } else { "upper" };
        for step in &self.steps {
            let (span, word) = (step.span(), written(step));
            let fits = if lower > upper {
                word == word.to_lowercase()
            } else {
                word == word.to_uppercase()
            };
            let id = out.map(Key::None, span, |out| {
                out.text("keyword", step.name(), step.it.place(&step.head.keyword));
                out.text("written", &word, step.it.place(&step.head.keyword));
                out.text("majority", majority, span);
                out.flag("is_odd_case", step.stage.is_some() && !step.is_trigger && !fits, span);
                out.flag(
                    "is_known",
                    crate::parse::dockerfile::KEYWORDS.contains(&step.name()),
                    span,
                );
                out.flag("is_trigger", step.is_trigger, span);
                out.flag("is_before_from", step.stage.is_none() && !step.is_trigger, span);
                out.text("arguments", step.arguments(), step.arguments_span());
                self.write_blank_line(out, step);
                self.write_description(out, step);
                if let Some(node) = step.stage.and_then(|it| self.stage_nodes.get(it)) {
                    out.link("stage", *node);
                }
                if let Some(node) = self.nodes.get(step.index) {
                    out.link("instruction", *node);
                }
            });
            nodes.push(id);
        }
    }

    /// The last line of an instruction that holds a blank line.
    fn write_blank_line(&self, out: &mut Out<'_>, step: &Step<'_, '_>) {
        if step.it.blank_line.is_some() && !step.is_trigger {
            let text = self.text.get(..step.it.span.end as usize).unwrap_or("");
            let start = text.rfind('\n').map_or(0, |it| it + 1);
            let last = Span { start: start as u32, end: step.it.span.end };
            out.text("blank_line", "", last);
        }
    }

    /// The comment above a FROM or an ARG, if there is one.
    fn write_description(&self, out: &mut Out<'_>, step: &Step<'_, '_>) {
        if step.is_trigger || !matches!(step.name(), "FROM" | "ARG") {
            return;
        }
        let above = self.file.comments.binary_search_by_key(&step.it.line, |it| it.line + 1);
        let Ok(above) = above else { return };
        let comment = self.file.comments[above];
        let text = self.text.get(comment.span.start as usize..comment.span.end as usize);
        let text = text.unwrap_or("").trim_start_matches('#').trim();
        let keys: Vec<String> = match step.name() {
            "ARG" => stage::pairs(step.it, step.head, self.file.escape)
                .into_iter()
                .map(|it| it.key)
                .collect(),
            _ => {
                let name =
                    step.stage.and_then(|it| self.stages.get(it)).map(|it| it.name_written.clone());
                name.into_iter().filter(|it| !it.is_empty()).collect()
            }
        };
        let first = text.split(' ').next().unwrap_or("");
        let describes = keys.is_empty() || keys.iter().any(|it| it == first);
        out.flag("is_described_wrongly", !describes, step.span());
        out.flag("checks_descriptions", self.checks_descriptions, step.span());
    }

    fn write_commands(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        for (at, it) in self.commands[index].iter().enumerate() {
            let next = self.commands[index].get(at + 1);
            out.map(Key::None, it.span, |out| {
                out.text("name", &it.name.text, it.name.span);
                write_words(out, "args", it);
                out.list("flags", it.span, |out| {
                    for flag in it.flags() {
                        out.tree.text(Key::None, flag, it.span);
                    }
                });
                out.text("text", &it.text(), it.span);
                out.flag("reads_pipe", it.reads_pipe, it.span);
                if it.then == crate::parse::shell::Then::Pipe
                    && let Some(next) = next
                {
                    out.text("pipes_to", &next.name.text, next.name.span);
                }
                out.flag("is_nested", it.is_nested, it.span);
                out.flag("is_tested", it.is_tested, it.span);
                out.flag("is_trigger", step.is_trigger, it.span);
                out.list("redirects", it.span, |out| {
                    for redirect in &it.redirects {
                        out.tree.text(Key::None, redirect, it.span);
                    }
                });
                self.write_special(out, it);
                self.links(out, index);
            });
        }
    }

    /// Fields of single commands whose flags need more than a look.
    fn write_special(&self, out: &mut Out<'_>, it: &Command) {
        match it.name.text.as_str() {
            "useradd" => {
                if let Some(uid) = it.value_of(&["u", "uid"]) {
                    let digits = uid.rsplit([':', '-']).next().unwrap_or(uid).trim_end_matches('}');
                    let length =
                        if digits.bytes().all(|it| it.is_ascii_digit()) { digits.len() } else { 0 };
                    out.number("uid_digits", length as i64, it.span);
                }
            }
            "wget" => {
                let quiet = it.has_flag(&[
                    "progress",
                    "q",
                    "quiet",
                    "no-verbose",
                    "o",
                    "output-file",
                    "a",
                    "append-output",
                ]);
                out.flag("is_quiet", quiet || it.has_arg("-nv"), it.span);
            }
            _ => {}
        }
    }

    fn write_installs(&self, out: &mut Out<'_>, index: usize, packages: bool) {
        let (step, commands) = (&self.steps[index], &self.commands[index]);
        let names = &self.scopes[index].names;
        let known = |name: &str| names.contains(name);
        for (at, command) in commands.iter().enumerate() {
            let Some(it) = package::install(command, &known) else { continue };
            if packages {
                for (word, pinned) in &it.packages {
                    out.map(Key::None, word.span, |out| {
                        out.text("name", &word.text, word.span);
                        out.text("manager", it.manager, word.span);
                        out.flag("is_pinned", *pinned, word.span);
                        out.flag("is_variable", word.text.contains(['$', '`']), word.span);
                        out.flag("is_trigger", step.is_trigger, word.span);
                        self.links(out, index);
                    });
                }
                continue;
            }
            out.map(Key::None, command.span, |out| {
                out.text("manager", it.manager, command.name.span);
                out.text("verb", it.verb, command.span);
                out.text("text", &command.text(), command.span);
                out.flag("is_unattended", it.unattended, command.span);
                out.flag("is_plain", it.is_plain, command.span);
                out.flag("is_trigger", step.is_trigger, command.span);
                let clean = Clean {
                    head: step.head,
                    commands,
                    at,
                    no_pip_cache: self.scopes[index].no_pip_cache,
                };
                out.flag("is_clean", clean.is_clean(it.manager), command.span);
                out.flag("is_swept", clean.is_swept(), command.span);
                let recommends = command.has_flag(&["no-install-recommends"])
                    || command.has_arg("APT::Install-Recommends=false")
                    || command.has_arg("APT::Install-Recommends=0");
                out.flag("is_minimal", recommends, command.span);
                out.number("count", it.packages.len() as i64, command.span);
                self.links(out, index);
            });
        }
    }

    fn write_runs(&self, out: &mut Out<'_>) {
        let mut tools: BTreeSet<&str> = BTreeSet::new();
        let mut stage = None;
        for index in 0..self.steps.len() {
            let step = &self.steps[index];
            if stage != Some(step.stage) {
                tools.clear();
                stage = Some(step.stage);
            }
            if step.name() != "RUN" {
                continue;
            }
            let span = step.span();
            let commands = &self.commands[index];
            let used = |name: &str| commands.iter().any(|it| it.name.text == name);
            let fetchers: Vec<&str> = ["curl", "wget"].into_iter().filter(|it| used(it)).collect();
            if !step.is_trigger {
                tools.extend(&fetchers);
            }
            out.map(Key::None, span, |out| {
                out.flag("is_trigger", step.is_trigger, span);
                out.flag("is_exec", step.head.array.is_some(), span);
                out.flag(
                    "mixes_fetchers",
                    !step.is_trigger && !fetchers.is_empty() && tools.len() > 1,
                    span,
                );
                out.number("count", commands.len() as i64, span);
                out.flag("continues_run", self.continues(index), span);
                self.write_pipe(out, index);
                out.list("mounts", span, |out| {
                    for mount in mounts(step.head) {
                        out.map(Key::None, span, |out| {
                            let field =
                                |names: &[&str]| mount_field(mount, names).unwrap_or("").to_owned();
                            out.text("type", &field(&["type"]), span);
                            out.text("target", &field(&["target", "dst", "destination"]), span);
                            out.text("from", &field(&["from"]), span);
                        });
                    }
                });
                out.flag("is_windows", self.is_windows(index), span);
                self.write_refresh(out, index);
                self.links(out, index);
            });
        }
    }

    /// An index that is refreshed in a RUN that installs nothing from it.
    fn write_refresh(&self, out: &mut Out<'_>, index: usize) {
        let commands = &self.commands[index];
        let installs: Vec<_> = commands
            .iter()
            .filter_map(|it| Some((it, package::install(it, &|_| false)?)))
            .collect();
        let refresh = installs.iter().find(|(_, it)| it.verb == "update");
        if let Some((command, it)) = refresh
            && installs.iter().all(|(_, other)| other.verb == "update")
        {
            let text = format!("{} {}", it.manager, it.verb);
            out.text("lone_refresh", &text, command.span);
        }
    }

    /// The first pipe whose failure the RUN would not see.
    fn write_pipe(&self, out: &mut Out<'_>, index: usize) {
        let (shell, step) = (&self.shells[index], &self.steps[index]);
        if shell.stops_on_pipes() || step.head.array.is_some() {
            return;
        }
        let commands = &self.commands[index];
        let readers = (0..commands.len()).filter(|it| commands[*it].reads_pipe);
        let sets =
            |it: &Command| it.name.text == "set" && it.args.iter().any(|it| it.text == "pipefail");
        let first_set = commands.iter().position(sets).unwrap_or(usize::MAX);
        let is_safe = |at: usize| {
            let writer = at.checked_sub(1).map_or("", |it| commands[it].name.text.as_str());
            matches!(writer, "echo" | "printf" | "yes") || at > first_set
        };
        let found = readers.clone().find(|at| !is_safe(*at));
        if let Some(at) = found.or_else(|| readers.clone().next()) {
            let name = &commands[at].name;
            out.text("pipe", &name.text, name.span);
            out.flag("is_pipe_safe", found.is_none(), name.span);
        }
    }

    /// Whether the step is a short RUN right behind another short RUN with the same flags.
    fn continues(&self, index: usize) -> bool {
        let short = |at: usize| {
            let step = &self.steps[at];
            let text = step.it.heredocs.is_empty();
            step.name() == "RUN" && !step.is_trigger && text && self.commands[at].len() <= 1
        };
        let flags = |at: usize| {
            let it = &self.steps[at].head.flags;
            it.iter().map(|it| (&it.name, &it.value)).collect::<BTreeSet<_>>()
        };
        let before = index.checked_sub(1);
        before.is_some_and(|before| short(index) && short(before) && flags(index) == flags(before))
    }

    fn write_copies(&self, out: &mut Out<'_>) {
        let mut workdirs = vec![false; self.stages.len() + 1];
        for index in 0..self.steps.len() {
            let step = &self.steps[index];
            let slot = step.stage.map_or(0, |it| it + 1);
            match step.name() {
                "FROM" if !step.is_trigger => {
                    let stage = step.stage.and_then(|it| self.stages.get(it));
                    workdirs[slot] =
                        stage.and_then(|it| it.parent).is_some_and(|it| workdirs[it + 1]);
                }
                "WORKDIR" if !step.is_trigger => workdirs[slot] = true,
                "COPY" | "ADD" => self.write_copy(out, index, workdirs[slot]),
                _ => {}
            }
        }
    }

    fn write_copy(&self, out: &mut Out<'_>, index: usize, has_workdir: bool) {
        let step = &self.steps[index];
        let span = step.span();
        let mut words = step.words(self.file.escape);
        let Some((target, target_span)) = words.pop() else { return };
        let heredoc =
            |text: &str| text.trim_start_matches(|it: char| it.is_ascii_digit()).starts_with("<<");
        out.map(Key::None, span, |out| {
            out.text("keyword", step.name(), step.it.place(&step.head.keyword));
            out.flag("is_trigger", step.is_trigger, span);
            out.text("target", &target, target_span);
            out.flag("is_target_absolute", is_absolute(&target), span);
            out.flag("has_workdir", has_workdir, span);
            out.number("count", words.len() as i64, span);
            out.list("sources", span, |out| {
                for (text, span) in &words {
                    if !heredoc(text) {
                        out.tree.text(Key::None, text, *span);
                    }
                }
            });
            for flag in &step.head.flags {
                let (name, place) = (flag.name.as_str(), step.it.place(&flag.range));
                if matches!(name, "from" | "chown" | "chmod" | "checksum") {
                    out.text(name, flag.value.as_deref().unwrap_or(""), place);
                }
            }
            self.write_copy_from(out, step);
            self.write_unpacked(out, index);
            self.links(out, index);
        });
    }

    /// What a `--from` means: an earlier stage, the stage itself, or an image.
    fn write_copy_from(&self, out: &mut Out<'_>, step: &Step<'_, '_>) {
        let from = step.head.flags.iter().find(|it| it.name == "from");
        let Some(value) = from.and_then(|it| it.value.as_deref()) else { return };
        let before = step.stage.unwrap_or(0);
        let named = |it: &Stage| it.name_written == value;
        let own = step.stage.is_some_and(|it| named(&self.stages[it]));
        let number = value.parse::<usize>().ok();
        let earlier = self.stages[..before].iter().any(named)
            || self.stages[..before]
                .iter()
                .any(|it| it.name.as_ref().is_some_and(|it| it.0 == value.to_lowercase()))
            || number.is_some_and(|it| it < before || (it == before && step.stage.is_some()));
        out.flag("is_own_stage", own || number.is_some() && number == step.stage, step.span());
        out.flag("is_own_name", own, step.span());
        out.flag("is_earlier_stage", earlier, step.span());
    }

    /// The command that unpacks an archive that was copied.
    fn write_unpacked(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.name() != "COPY"
            || step.is_trigger
            || step.head.flags.iter().any(|it| it.name == "from")
        {
            return;
        }
        // As written: on Windows the escape character stands in paths.
        let mut sources: Vec<String> = match &step.head.array {
            Some(items) => items.iter().map(|it| it.text.clone()).collect(),
            None => plain_words(&step.it.joined.text, step.head.arguments.clone())
                .into_iter()
                .map(|it| step.it.text(&it).trim_matches(['"', '\'']).to_owned())
                .collect(),
        };
        let target = sources.pop().unwrap_or_default();
        let file = |text: &str| text.rsplit(['/', '\\']).next().unwrap_or(text).to_owned();
        let archives: Vec<String> = match is_archive(&target) {
            true => vec![file(&target)],
            false => sources.iter().filter(|it| is_archive(it)).map(|it| file(it)).collect(),
        };
        if archives.is_empty() || !sources.iter().any(|it| is_archive(it)) {
            return;
        }
        let later = (index + 1..self.steps.len())
            .take_while(|it| self.steps[*it].stage == step.stage)
            .filter(|it| !self.steps[*it].is_trigger)
            .take(200)
            .flat_map(|it| &self.commands[it]);
        let unpacks = |it: &Command| {
            let extracts = it.name.text == "tar" && it.has_flag(&["x", "extract", "get"])
                || matches!(
                    it.name.text.as_str(),
                    "gunzip"
                        | "bunzip2"
                        | "unlzma"
                        | "unxz"
                        | "zgz"
                        | "uncompress"
                        | "zcat"
                        | "gzcat"
                );
            extracts && it.args.iter().any(|it| archives.contains(&file(&it.text)))
        };
        if let Some(command) = later.into_iter().find(|it| unpacks(it)) {
            out.text("unpacked_by", &command.name.text, command.span);
        }
    }

    fn write_variables(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if !matches!(step.name(), "ENV" | "ARG") {
            return;
        }
        let pairs = stage::pairs(step.it, step.head, self.file.escape);
        for (at, pair) in pairs.iter().enumerate() {
            out.map(Key::None, pair.span, |out| {
                out.text("keyword", step.name(), step.it.place(&step.head.keyword));
                out.text("name", &pair.key, pair.key_span);
                if let Some(raw) = &pair.value {
                    out.text("value", &unquoted(raw, self.file.escape), pair.span);
                }
                out.flag("is_legacy", pair.is_legacy, pair.span);
                out.flag("is_trigger", step.is_trigger, pair.span);
                out.flag("is_global", step.stage.is_none(), pair.span);
                if step.name() == "ENV" && !step.is_trigger && !pair.is_legacy {
                    self.write_sibling(out, index, &pairs, at);
                }
                self.links(out, index);
            });
        }
    }

    /// A variable of the same ENV that the value of a pair uses, and that is not set before.
    fn write_sibling(&self, out: &mut Out<'_>, index: usize, pairs: &[stage::Pair], at: usize) {
        let Some(value) = pairs[at].value.as_deref() else { return };
        let is_before = |name: &str| self.defined.get(name).is_some_and(|it| *it < index);
        let sibling = variable::names(value).find(|name| {
            pairs.iter().enumerate().any(|(other, it)| other != at && it.key == *name)
        });
        if let Some(name) = sibling.filter(|it| !is_before(it)) {
            out.text("sibling", name, pairs[at].span);
        }
    }

    fn write_labels(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.name() != "LABEL" {
            return;
        }
        for pair in stage::pairs(step.it, step.head, self.file.escape) {
            out.map(Key::None, pair.span, |out| {
                out.text("name", &pair.key, pair.key_span);
                let raw = pair.value.as_deref().unwrap_or("");
                out.text("value", &unquoted(raw, self.file.escape), pair.span);
                out.flag("is_legacy", pair.is_legacy, pair.span);
                out.flag("is_trigger", step.is_trigger, pair.span);
                self.links(out, index);
            });
        }
    }

    fn write_user(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.name() != "USER" || step.is_trigger {
            return;
        }
        let later = self.steps[index + 1..].iter().take_while(|it| it.stage == step.stage);
        let is_last = !later.clone().any(|it| it.name() == "USER" && !it.is_trigger);
        let text = unquoted(step.arguments(), self.file.escape);
        let id = write_user_fields(out, Key::None, &text, step.arguments_span());
        out.flag("is_last", is_last, step.span());
        out.text("resolved", &self.scopes[index].path, step.span());
        out.flag("is_argument", self.scopes[index].is_argument, step.span());
        self.links(out, index);
        out.tree.close(id);
    }

    fn write_workdirs(&self, out: &mut Out<'_>) {
        let mut seen = vec![false; self.stages.len() + 1];
        for index in 0..self.steps.len() {
            let step = &self.steps[index];
            let slot = step.stage.map_or(0, |it| it + 1);
            if step.name() == "FROM" && !step.is_trigger {
                let parent = step.stage.and_then(|it| self.stages.get(it)).and_then(|it| it.parent);
                seen[slot] = parent.is_some_and(|it| seen[it + 1]);
            }
            if step.name() != "WORKDIR" || step.is_trigger {
                continue;
            }
            let text = unquoted(step.arguments(), self.file.escape);
            let span = step.arguments_span();
            out.map(Key::None, span, |out| {
                out.text("path", &text, span);
                out.text("resolved", &self.scopes[index].path, span);
                out.flag("is_first", !std::mem::replace(&mut seen[slot], true), span);
                out.flag("is_absolute", is_absolute(&text), span);
                out.flag("is_resolved_absolute", is_rooted(&self.scopes[index].path), span);
                self.links(out, index);
            });
        }
    }

    fn write_ports(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.name() != "EXPOSE" || step.is_trigger {
            return;
        }
        for (text, span) in step.words(self.file.escape) {
            let (ports, protocol) = text.split_once('/').unwrap_or((&text, ""));
            let host = ports.contains(':') && !ports.contains('$');
            let last = ports.rsplit(':').next().unwrap_or(ports);
            let numbers: Vec<Option<i64>> = last.split('-').map(|it| it.parse().ok()).collect();
            out.map(Key::None, span, |out| {
                out.text("text", &text, span);
                out.text("protocol", protocol, span);
                out.flag("has_host", host, span);
                out.list("numbers", span, |out| {
                    for number in numbers.iter().filter(|_| numbers.iter().all(Option::is_some)) {
                        out.tree.int(Key::None, number.unwrap_or_default(), span);
                    }
                });
                self.links(out, index);
            });
        }
    }

    fn write_processes(&self, out: &mut Out<'_>) {
        for index in 0..self.steps.len() {
            let step = &self.steps[index];
            let name = step.name();
            if step.is_trigger || !matches!(name, "CMD" | "ENTRYPOINT" | "HEALTHCHECK") {
                continue;
            }
            let same =
                |it: &Step<'_, '_>| it.stage == step.stage && it.name() == name && !it.is_trigger;
            let repeats = self.steps[..index].iter().rev().take(500).any(same);
            let replaced = self.steps[index + 1..].iter().take(500).any(same);
            let span = step.span();
            let is_none =
                name == "HEALTHCHECK" && step.arguments().trim().eq_ignore_ascii_case("none");
            out.map(Key::None, span, |out| {
                out.text("keyword", name, step.it.place(&step.head.keyword));
                out.flag("is_exec", step.head.array.is_some(), span);
                out.flag("is_none", is_none, span);
                out.flag("repeats", repeats, span);
                out.flag("is_replaced", replaced, span);
                out.flag("has_shell", self.shells[index].is_set, span);
                out.flag("is_windows", self.is_windows(index), span);
                self.write_process_command(out, index);
                self.links(out, index);
            });
        }
    }

    fn write_process_command(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        let mut range = step.head.arguments.clone();
        if step.name() == "HEALTHCHECK" {
            range.start = (range.start + 3).min(range.end);
        }
        let commands = match &step.head.array {
            Some(_) => command::exec(&step.words(self.file.escape)).into_iter().collect(),
            None => command::read(self.text, step.it, &range),
        };
        out.text("text", step.arguments(), step.arguments_span());
        if let Some(last) = commands.last() {
            out.text("name", &last.name.text, last.name.span);
            write_words(out, "args", last);
        }
        let is_exec = self.text_starts_exec(step);
        out.flag("replaces_shell", is_exec, step.span());
    }

    fn text_starts_exec(&self, step: &Step<'_, '_>) -> bool {
        step.head.array.is_none() && step.arguments().contains("exec ")
    }

    fn write_undefined(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        let base = step.stage.map(|it| stage::origin(&self.stages, it));
        let is_known_base = base.is_some_and(|it| self.stages[it].resolved == "scratch");
        for (name, near, has_default, span) in &self.scopes[index].undefined {
            out.map(Key::None, *span, |out| {
                out.text("name", name, *span);
                if let Some(near) = near {
                    out.text("near", near, *span);
                }
                out.flag("has_default", *has_default, *span);
                out.flag("is_base_known", is_known_base, *span);
                self.links(out, index);
            });
        }
    }
}

/// How a RUN treats what its package managers leave behind.
struct Clean<'c> {
    head: &'c Head,
    commands: &'c [Command],
    at: usize,
    no_pip_cache: bool,
}

impl Clean<'_> {
    fn later(&self) -> &[Command] {
        &self.commands[self.at + 1..]
    }

    /// Whether a command behind, or any, removes one of these paths or what contains it.
    fn removes(commands: &[Command], paths: &[&str]) -> bool {
        let covers = |text: &str| {
            let text = text.trim_end_matches(['*', '/']).trim_end_matches('.');
            !text.is_empty()
                && paths.iter().any(|path| text.starts_with(path) || path.starts_with(text))
        };
        commands.iter().any(|it| {
            it.name.text == "rm"
                && it.plain().any(|it| it.text.starts_with('/') && covers(&it.text))
        })
    }

    /// Whether the RUN removes anything recursively.
    fn is_swept(&self) -> bool {
        self.commands.iter().any(|it| {
            it.name.text == "rm"
                && (it.has_flag(&["r", "R", "recursive"])
                    || it.plain().any(|it| it.text.starts_with("/var/lib/apt")))
        })
    }

    fn runs_later(&self, name: &str, args: &[&str]) -> bool {
        self.later().iter().any(|it| it.name.text == name && args.iter().any(|arg| it.has_arg(arg)))
    }

    fn is_cached(&self, fits: impl Fn(&str) -> bool) -> bool {
        cached(self.head).any(fits)
    }

    /// Whether nothing that the manager caches stays in the layer.
    fn is_clean(&self, manager: &str) -> bool {
        let own = &self.commands[self.at];
        let name = own.name.text.as_str();
        match manager {
            "apt-get" | "apt" | "aptitude" => {
                self.is_cached(|it| it == "/var/lib/apt/lists")
                    || (self.is_cached(|it| it == "/var/lib/apt")
                        && self.is_cached(|it| it == "/var/cache/apt"))
                    || Self::removes(self.commands, &["/var/lib/apt/lists"])
                    || self.commands.iter().any(|it| {
                        it.name.text == "find"
                            && it.args.iter().any(|it| it.text.starts_with("/var/lib/apt"))
                            || it.name.text == "apt-get" && it.has_arg("dist-clean")
                    })
            }
            "apk" => own.has_flag(&["no-cache"]) || self.is_cached(|it| it == "/var/cache/apk"),
            "pip" => {
                let on =
                    |(name, value): &(String, String)| name == "PIP_NO_CACHE_DIR" && is_on(value);
                self.no_pip_cache
                    || own.has_flag(&["no-cache-dir"])
                    || self.is_cached(|it| it.contains("/.cache/pip"))
                    || self.commands.iter().any(|it| it.assignments.iter().any(on))
                    || self.commands.iter().any(|it| {
                        it.name.text == "export"
                            && it.args.iter().any(|it| {
                                it.text.strip_prefix("PIP_NO_CACHE_DIR=").is_some_and(is_on)
                            })
                    })
            }
            "yum" => {
                self.runs_later("yum", &["clean"])
                    || Self::removes(self.later(), &["/var/cache/yum"])
            }
            "dnf" | "microdnf" => {
                self.runs_later(name, &["clean"])
                    || Self::removes(
                        self.later(),
                        &["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"],
                    )
                    || self.is_cached(|it| it == "/var/cache/libdnf5")
            }
            "zypper" => {
                self.runs_later("zypper", &["clean", "cc"])
                    || self.is_cached(|it| it.starts_with("/var/cache/zypp"))
            }
            "yarn" => {
                self.later().iter().any(|it| it.name.text == "yarn" && it.has_arg("cache"))
                    || self.is_cached(|it| it.contains(".cache/yarn"))
            }
            _ => true,
        }
    }
}

fn is_on(value: &str) -> bool {
    matches!(value.trim_matches('"').to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes")
}

fn write_words(out: &mut Out<'_>, key: &str, command: &Command) {
    out.list(key, command.span, |out| {
        for word in &command.args {
            out.tree.text(Key::None, &word.text, word.span);
        }
    });
}

/// Writes a USER; an item of a list is left open for more.
fn write_user_fields(out: &mut Out<'_>, key: Key<'_>, text: &str, span: Span) -> Id {
    let is_item = matches!(key, Key::None);
    let id = out.tree.open_map(key, span);
    let name = text.split(':').next().unwrap_or(text);
    out.text("text", text, span);
    out.text("name", name, span);
    let is_number = !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit());
    out.flag("is_number", is_number, span);
    out.flag(
        "is_root",
        name == "root" || (is_number && name.trim_start_matches('0').is_empty()),
        span,
    );
    out.flag("is_variable", name.contains('$'), span);
    if !is_item {
        out.tree.close(id);
    }
    id
}

/// Whether a path is absolute on some platform, or only known when something runs.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '$']) || is_drive(path)
}

fn is_rooted(path: &str) -> bool {
    path.starts_with('/') || is_drive(path)
}

fn is_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

/// The endings of what ADD unpacks.
pub const ARCHIVES: [&str; 15] = [
    ".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2", ".tgz", ".tlz",
    ".tpz", ".txz", ".xz",
];

/// Whether ADD would unpack the file.
pub fn is_archive(path: &str) -> bool {
    ARCHIVES.iter().any(|it| path.ends_with(it))
}

/// The words of an instruction in which the builder replaces variables, with their ranges.
fn expanded(step: &Step<'_, '_>) -> Vec<(String, Option<Range<usize>>)> {
    let it = step.it;
    let mut found: Vec<(String, Option<Range<usize>>)> = Vec::new();
    match step.name() {
        "ENV" | "LABEL" | "ARG" | "WORKDIR" | "EXPOSE" | "USER" | "STOPSIGNAL" | "VOLUME" => {
            let range = step.head.arguments.clone();
            found.push((it.text(&range).to_owned(), Some(range)));
        }
        "COPY" | "ADD" => {
            let flags = step.head.flags.iter();
            for flag in
                flags.filter(|it| matches!(it.name.as_str(), "chown" | "chmod" | "checksum"))
            {
                found.push((flag.value.clone().unwrap_or_default(), None));
            }
            for range in plain_words(&it.joined.text, step.head.arguments.clone()) {
                let text = it.text(&range);
                if !text.starts_with("<<") {
                    found.push((text.to_owned(), Some(range)));
                }
            }
        }
        _ => {}
    }
    found
}

/// The defined name that is nearest to `name`, if one is near.
fn near<'k>(name: &str, known: impl Iterator<Item = &'k String>) -> Option<String> {
    let near = known.take(300).filter_map(|it| Some((distance(name, it)?, it)));
    near.min().map(|(_, it)| it.clone())
}

/// The number of single-letter edits between two short names, where it is at most two.
fn distance(a: &str, b: &str) -> Option<usize> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > 2 || a.len() > 60 || a.is_empty() {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = left + usize::from(x != y);
            left = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(left + 1);
        }
    }
    let sorted = |text: &[u8]| {
        let mut letters = text.to_vec();
        letters.sort_unstable();
        letters
    };
    row.last().copied().filter(|it| match it {
        1 => a.len() >= 4,
        2 => a.len() >= 6 || sorted(a) == sorted(b),
        _ => false,
    })
}
