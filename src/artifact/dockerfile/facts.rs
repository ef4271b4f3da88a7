//! What a Dockerfile means, written as lists beside the tree of what it says.
//!
//! One pass finds the stages, a second walks the instructions in order, with the variables that
//! are set where each stands, and writes one item per thing that rules judge. Every item knows
//! its stage and its instruction by links.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    command::{self, Command},
    package, pragma,
    stage::{self, Pair, Scope, Stage},
    variable,
};
use crate::{
    document::{Id, Key, Node, Tree},
    parse::{
        dockerfile::{File, Head, Instruction, KEYWORDS, plain_words, unquoted},
        image,
    },
    source::Span,
};

mod clean;
mod installs;
mod items;
mod mending;

use installs::Installs;

/// The first of the lists that only the rules of a single file look at.
pub const COMMANDS: &str = "commands";

/// Adds nodes to a tree.
pub struct Out<'t> {
    tree: &'t mut Tree,
}

impl Out<'_> {
    /// A map with no field twice.
    fn map(&mut self, key: Key<'_>, span: Span, fill: impl FnOnce(&mut Self)) -> Id {
        let id = self.tree.open_map(key, span);
        fill(self);
        self.tree.close_record(id);
        id
    }

    fn list(&mut self, key: &'static str, span: Span, fill: impl FnOnce(&mut Self)) -> Id {
        let id = self.tree.open_seq(Key::Field(key), span);
        fill(self);
        self.tree.close(id);
        id
    }

    fn text(&mut self, key: &'static str, text: &str, span: Span) {
        self.tree.spelled(Key::Field(key), text, span);
    }

    /// A list of texts with their places; none where there are no texts.
    fn texts<'w>(
        &mut self,
        key: &'static str,
        span: Span,
        texts: impl Iterator<Item = (&'w str, Span)>,
    ) {
        let mut texts = texts.peekable();
        if texts.peek().is_some() {
            self.list(key, span, |out| {
                texts.for_each(|(text, span)| _ = out.tree.spelled(Key::None, text, span));
            });
        }
    }

    /// What may be asked for: a finding can point at it where it does not hold.
    fn flag(&mut self, key: &'static str, value: bool, span: Span) {
        self.tree.bool(Key::Field(key), value, span);
    }

    /// What is said only where it holds.
    fn mark(&mut self, key: &'static str, holds: bool, span: Span) {
        if holds {
            self.flag(key, holds, span);
        }
    }

    fn number(&mut self, key: &'static str, value: i64, span: Span) {
        self.tree.int(Key::Field(key), value, span);
    }

    fn link(&mut self, key: &'static str, target: Id) {
        self.tree.alias(Key::Field(key), target);
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

    /// Its keyword as written.
    fn written(&self) -> &'s str {
        self.it.text(&self.head.keyword)
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
    fn words(&self, escape: u8) -> Vec<(Cow<'s, str>, Span)> {
        match &self.head.array {
            Some(items) => {
                items.iter().map(|it| (it.text.as_str().into(), self.it.place(&it.range))).collect()
            }
            None => plain_words(&self.it.joined.text, self.head.arguments.clone())
                .into_iter()
                .map(|it| (unquoted(self.it.text(&it), escape), self.it.place(&it)))
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
    /// The pairs of each ENV, ARG and LABEL.
    pairs: Vec<Vec<Pair<'s>>>,
    /// The node of each instruction.
    nodes: &'s [Id],
    stage_nodes: Vec<Id>,
    step_nodes: Vec<Id>,
    commands: Vec<Vec<Command<'s>>>,
    /// The names that ENV and ARG behind ONBUILD define, and whether one of them is
    /// `PIP_NO_CACHE_DIR` and on.
    triggered: (BTreeSet<String>, bool),
    /// What is set where each step stands.
    scopes: Vec<Known>,
    shells: Vec<Shell>,
    /// Whether each step runs on Windows.
    windows: Vec<bool>,
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
    /// ENV and ARG names that packages of the step may have versions of and something defines.
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
        let name = self.program();
        let name = match name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) {
            Some((name, end)) if end.eq_ignore_ascii_case(".exe") => name,
            _ => name,
        };
        ["powershell", "pwsh", "cmd"].iter().any(|it| name.eq_ignore_ascii_case(it))
    }

    fn stops_on_pipes(&self) -> bool {
        self.words.iter().any(|it| it.contains("pipefail"))
            && matches!(self.program(), "bash" | "zsh" | "ash" | "sh" | "ksh" | "busybox" | "env")
    }
}

/// Reads the facts of a file and writes them; gives their node.
pub fn write(tree: &mut Tree, text: &str, file: &File<'_>, nodes: &[Id]) -> Id {
    let (stages, globals) = stage::stages(file);
    let steps = steps(file);
    let count = steps.len();
    let mut facts = Facts {
        text,
        file,
        stages,
        globals,
        pairs: steps.iter().map(|it| pairs(it, file.escape)).collect(),
        steps,
        nodes,
        stage_nodes: Vec::new(),
        step_nodes: Vec::new(),
        commands: Vec::with_capacity(count),
        triggered: (BTreeSet::new(), false),
        scopes: Vec::with_capacity(count),
        shells: Vec::with_capacity(count),
        windows: Vec::new(),
        defined: BTreeMap::new(),
        searches: 0,
        checks_descriptions: pragma::is_experimental(text, file, "InvalidDefinitionDescription"),
    };
    facts.walk_shells(pragma::shell(text, file));
    facts.walk_windows();
    facts.walk_commands();
    facts.walk_scopes();
    let end = file.instructions.last().map_or(0, |it| it.span.end);
    let mut out = Out { tree };
    let all = Span { start: 0, end };
    out.map(Key::None, all, |out| {
        facts.stages_and_steps(out, all);
        let installs = Installs::of(&facts.commands, &facts.scopes);
        facts.lists(out, all, &installs);
    })
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

fn pairs<'s>(step: &Step<'s, '_>, escape: u8) -> Vec<Pair<'s>> {
    match step.name() {
        "ENV" | "ARG" | "LABEL" => stage::pairs(step.it, step.head, escape),
        _ => Vec::new(),
    }
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
                    let words = step.words(self.file.escape).into_iter();
                    let words = words.map(|it| it.0.into_owned()).collect();
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

    fn walk_windows(&mut self) {
        let marks = ["windows/", "nanoserver", "-windows", "servercore"];
        let is_image = |stage| {
            let image = &self.stages[stage::origin(&self.stages, stage)].resolved;
            marks.iter().any(|it| image.contains(it))
        };
        let images: Vec<_> = (0..self.stages.len()).map(is_image).collect();
        let of_image = self.steps.iter().map(|it| it.stage.is_some_and(|it| images[it]));
        self.windows =
            self.shells.iter().zip(of_image).map(|it| it.0.is_windows() || it.1).collect();
    }

    fn is_windows(&self, index: usize) -> bool {
        self.windows[index]
    }

    fn walk_commands(&mut self) {
        for (index, step) in self.steps.iter().enumerate() {
            let found = match (step.name(), &step.head.array) {
                ("RUN", _) if self.is_windows(index) => Vec::new(),
                ("RUN", Some(_)) => {
                    command::exec(step.words(self.file.escape)).into_iter().collect()
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
            if matches!(step.name(), "ENV" | "ARG") && step.is_trigger {
                for it in &self.pairs[index] {
                    self.triggered.1 |=
                        it.key == "PIP_NO_CACHE_DIR" && is_on(it.value.unwrap_or_default());
                    self.triggered.0.insert(it.key.to_string());
                }
            }
            if matches!(step.name(), "ENV" | "ARG") && !step.is_trigger {
                let before = |name: &str| scope.get(name).cloned().flatten();
                let expand = |raw| variable::expand(raw, escape, &before).0;
                let pairs = &self.pairs[index];
                let values: Vec<_> = pairs.iter().map(|it| it.value.map(expand)).collect();
                for (key, mut value) in pairs.iter().map(|it| &*it.key).zip(values) {
                    let is_bare = value.is_none();
                    self.defined.entry(key.to_owned()).or_insert(index);
                    if step.name() == "ARG" {
                        args.insert(key.to_owned());
                        value = value.or_else(|| self.globals.get(key).cloned().flatten());
                        // An ENV of the same name wins over the ARG.
                        if is_bare && scope.get(key).is_some_and(Option::is_some) {
                            continue;
                        }
                    }
                    scope.insert(key.to_owned(), value);
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
        known.no_pip_cache =
            scope.get("PIP_NO_CACHE_DIR").is_some_and(on) || step.is_trigger && self.triggered.1;
        let installs = self.commands[index].iter().filter(|it| package::takes_variables(it));
        let words = installs.flat_map(|it| &it.args);
        for name in words.flat_map(|it| variable::names(&it.text)) {
            let is_triggered = step.is_trigger && self.triggered.0.contains(name);
            if scope.contains_key(name) || args.contains(name) || is_triggered {
                known.names.insert(name.to_owned());
            }
        }
        if step.stage.is_some() && !step.is_trigger {
            for (text, range) in expanded(&step) {
                for it in variable::uses(text, self.file.escape) {
                    // Builders set it for whoever uses it.
                    if !scope.contains_key(it.name) && it.name != "SOURCE_DATE_EPOCH" {
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

    /// Writes what the items of all other lists have links to.
    fn stages_and_steps(&mut self, out: &mut Out<'_>, all: Span) {
        let mut stage_nodes = Vec::with_capacity(self.stages.len());
        out.list("stages", all, |out| {
            for index in 0..self.stages.len() {
                let node = self.stage(out, index, &stage_nodes);
                stage_nodes.push(node);
            }
        });
        self.stage_nodes = stage_nodes;
        let mut step_nodes = Vec::with_capacity(self.steps.len());
        out.list("steps", all, |out| self.write_steps(out, &mut step_nodes));
        self.step_nodes = step_nodes;
    }

    fn lists(&self, out: &mut Out<'_>, all: Span, installs: &Installs<'_, '_>) {
        out.list("runs", all, |out| self.write_runs(out, installs));
        out.list("copies", all, |out| self.write_copies(out));
        out.list("variables", all, |out| self.each(|index| self.write_variables(out, index)));
        out.list("labels", all, |out| self.each(|index| self.write_labels(out, index)));
        out.list("ports", all, |out| self.each(|index| self.write_ports(out, index)));
        out.list("processes", all, |out| self.write_processes(out));
        // From here on, what only the rules of a single file look at.
        out.list(COMMANDS, all, |out| self.each(|index| self.write_commands(out, index)));
        out.list("installs", all, |out| {
            self.each(|index| self.write_installs(out, index, installs));
        });
        out.list("packages", all, |out| {
            self.each(|index| self.write_packages(out, index, installs));
        });
        out.list("users", all, |out| self.each(|index| self.write_user(out, index)));
        out.list("workdirs", all, |out| self.write_workdirs(out));
        out.list("undefined", all, |out| self.each(|index| self.write_undefined(out, index)));
        out.list("pragmas", all, |out| {
            for comment in pragma::inline(self.text, self.file) {
                out.map(Key::None, comment.span, |out| {
                    out.tree.text_at(Key::Field("text"), comment.span);
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
            out.mark("repeats_name", twin, it.span);
            out.mark("repeats_spelling", same, it.span);
            out.text("image", &it.reference, it.reference_span);
            out.text("resolved", &it.resolved, it.reference_span);
            out.mark("is_resolved", it.is_resolved, it.span);
            out.flag(
                "is_valid",
                it.parent.is_some() && it.resolved == it.resolved.to_lowercase()
                    || image::is_valid(&it.resolved),
                it.span,
            );
            out.mark("is_stage", it.parent.is_some(), it.span);
            out.mark("is_scratch", it.resolved == "scratch", it.span);
            let base = write_image(out, "base", &it.resolved, it.reference_span);
            match stage::origin(&self.stages, index) {
                at if at == index => out.link("origin", base),
                at => {
                    let origin = &self.stages[at];
                    write_image(out, "origin", &origin.resolved, origin.reference_span);
                }
            }
            let undeclared = it.undeclared.iter().map(|name| (&**name, it.reference_span));
            out.texts("undeclared", it.span, undeclared);
            if let Some((platform, span)) = &it.platform {
                out.text("platform", platform, *span);
            }
            let is_last = index + 1 == self.stages.len();
            out.mark("is_last", is_last, it.span);
            out.mark("is_base", it.is_base, it.span);
            out.mark("is_source", it.is_source, it.span);
            out.mark("has_workdir", it.has_workdir, it.span);
            out.mark("has_healthcheck", it.has_healthcheck, it.span);
            out.mark("has_process", it.has_process, it.span);
            out.mark("is_windows", self.stage_is_windows(index), it.span);
            if let Some((user, span)) = &it.user {
                let own = write_user_fields(out, Key::Field("own_user"), user, *span);
                out.link("user", own);
            } else if let Some((user, span)) = self.inherited_user(index) {
                write_user_fields(out, Key::Field("user"), user, *span);
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

    /// The USER of the nearest of the stages that a stage is built from that has one.
    fn inherited_user(&self, index: usize) -> Option<&(String, Span)> {
        let parent = |it: &usize| self.stages[*it].parent;
        let mut line = std::iter::successors(parent(&index), parent);
        line.find_map(|it| self.stages[it].user.as_ref())
    }

    fn write_steps(&self, out: &mut Out<'_>, nodes: &mut Vec<Id>) {
        let in_stage = || self.steps.iter().filter(|it| it.stage.is_some() && !it.is_trigger);
        let is_lower = |word: &str| !word.chars().any(char::is_uppercase);
        let is_upper = |word: &str| !word.chars().any(char::is_lowercase);
        let lower = in_stage().filter(|it| is_lower(it.written())).count();
        let upper = in_stage().filter(|it| is_upper(it.written())).count();
        let majority = if lower > upper { "lower" } else { "upper" };
        for (index, step) in self.steps.iter().enumerate() {
            let (span, word) = (step.span(), step.written());
            let fits = if lower > upper { is_lower(word) } else { is_upper(word) };
            let id = out.map(Key::None, span, |out| {
                if let Some(node) = step.stage.and_then(|it| self.stage_nodes.get(it)) {
                    out.link("stage", *node);
                }
                out.text("keyword", step.name(), step.it.place(&step.head.keyword));
                out.text("written", word, step.it.place(&step.head.keyword));
                if step.stage.is_some() && !step.is_trigger && !fits {
                    out.text("majority", majority, span);
                    out.flag("is_odd_case", true, span);
                }
                out.mark("is_unknown", !KEYWORDS.contains(&step.name()), span);
                out.mark("is_trigger", step.is_trigger, span);
                out.mark("is_before_from", step.stage.is_none() && !step.is_trigger, span);
                let instruction = self.nodes.get(step.index).copied();
                let written = instruction.filter(|_| !step.is_trigger);
                match written.and_then(|it| out.tree.node(it).get("arguments")).map(Node::id) {
                    Some(node) => out.link("arguments", node),
                    None => out.text("arguments", step.arguments(), step.arguments_span()),
                }
                self.write_blank_line(out, step);
                self.write_description(out, index);
                if let Some(node) = instruction {
                    out.link("instruction", node);
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
    fn write_description(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.is_trigger || !matches!(step.name(), "FROM" | "ARG") {
            return;
        }
        let above = self.file.comments.binary_search_by_key(&step.it.line, |it| it.line + 1);
        let Ok(above) = above else { return };
        let comment = self.file.comments[above];
        let text = self.text.get(comment.span.start as usize..comment.span.end as usize);
        let text = text.unwrap_or("").trim_start_matches('#').trim();
        let stage = step.stage.filter(|_| step.name() == "FROM");
        let name = stage.map(|it| &*self.stages[it].name_written).filter(|it| !it.is_empty());
        let mut keys = self.pairs[index].iter().map(|it| &*it.key).chain(name).peekable();
        let first = text.split(' ').next().unwrap_or("");
        let describes = keys.peek().is_none() || keys.any(|it| it == first);
        out.mark("is_described_wrongly", !describes, step.span());
        out.mark("checks_descriptions", self.checks_descriptions, step.span());
    }
}

fn write_image(out: &mut Out<'_>, key: &'static str, reference: &str, span: Span) -> Id {
    let image = stage::image(reference);
    out.map(Key::Field(key), span, |out| {
        out.text("text", reference, span);
        out.text("registry", &image.registry, span);
        out.text("name", &image.name, span);
        out.text("short", image.short(), span);
        out.text("tag", &image.tag, span);
        out.text("digest", &image.digest, span);
    })
}

fn is_on(value: &str) -> bool {
    matches!(value.trim_matches('"').to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes")
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
    out.mark(
        "is_root",
        name == "root" || (is_number && name.trim_start_matches('0').is_empty()),
        span,
    );
    out.mark("is_variable", name.contains('$'), span);
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
fn expanded<'s>(step: &Step<'s, '_>) -> Vec<(&'s str, Option<Range<usize>>)> {
    let it = step.it;
    let mut found = Vec::new();
    match step.name() {
        "ENV" | "LABEL" | "ARG" | "WORKDIR" | "EXPOSE" | "USER" | "STOPSIGNAL" | "VOLUME" => {
            let range = step.head.arguments.clone();
            found.push((it.text(&range), Some(range)));
        }
        "RUN" => {
            let mounts = step.head.flags.iter().filter(|it| it.name == "mount");
            found.extend(mounts.map(|it| (it.value.as_deref().unwrap_or_default(), None)));
        }
        "COPY" | "ADD" => {
            let flags = step.head.flags.iter();
            for flag in
                flags.filter(|it| matches!(it.name.as_str(), "chown" | "chmod" | "checksum"))
            {
                found.push((flag.value.as_deref().unwrap_or_default(), None));
            }
            for range in plain_words(&it.joined.text, step.head.arguments.clone()) {
                let text = it.text(&range);
                if !text.starts_with("<<") {
                    found.push((text, Some(range)));
                }
            }
        }
        _ => {}
    }
    found
}

/// The defined name that is nearest to `name`, if one is near.
fn near<'k>(name: &str, known: impl Iterator<Item = &'k String>) -> Option<String> {
    // `GOPATH` is no slip for `PATH`: the base image sets it.
    let is_longer = |it: &str| name.len() > it.len() + 1 && name.ends_with(it);
    let known = known.take(300).filter(|it| !is_longer(it));
    let near = known.filter_map(|it| Some((distance(name, it)?, it)));
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
