//! The items of the lists: one function for each list, and what its fields need.

use std::{cell::OnceCell, collections::BTreeSet};

use super::{
    Facts, Installs, Out, Step, clean::Clean, is_absolute, is_archive, is_rooted, mount_field,
    mounts, write_user_fields,
};
use crate::{
    artifact::dockerfile::{
        command::{self, Command, Word},
        package::Install,
        stage::{self, Stage},
        variable,
    },
    document::Key,
    parse::{
        dockerfile::{plain_words, unquoted},
        shell::Then,
    },
    source::Span,
};

/// Whether the command may install packages in a way that is not known: a script, `playwright
/// install-deps`.
fn may_install(command: &Command<'_>) -> bool {
    let name = &*command.name.text;
    let is_script = name.contains('/') || matches!(name, "." | "bash" | "sh" | "source");
    let words = || command.args.iter().map(|it| &*it.text);
    is_script || name.contains("install") || words().any(|it| it.contains("install"))
}

/// Whether a program runs what it reads.
fn is_interpreter(name: &str) -> bool {
    matches!(
        name.rsplit('/').next().unwrap_or(name),
        "sh" | "bash" | "zsh" | "ash" | "dash" | "python" | "python3" | "node" | "perl" | "ruby"
    )
}

/// Whether a program gets what it writes from elsewhere, which fails sooner or later.
fn is_fetcher(name: &str) -> bool {
    matches!(
        name.rsplit('/').next().unwrap_or(name),
        "curl"
            | "wget"
            | "aria2c"
            | "aws"
            | "gsutil"
            | "gcloud"
            | "az"
            | "git"
            | "http"
            | "ssh"
            | "nc"
            | "fetch"
            | "kubectl"
            | "gh"
            | "mysqldump"
            | "pg_dump"
    )
}

fn write_mount(out: &mut Out<'_>, mount: &str, span: Span) {
    let field = |names| mount_field(mount, names).unwrap_or("");
    out.map(Key::None, span, |out| {
        out.text("type", field(&["type"]), span);
        out.text("target", field(&["target", "dst", "destination"]), span);
        out.text("from", field(&["from"]), span);
    });
}

/// Whether a package installs the others: those have a rule of their own.
fn is_tool(name: &str) -> bool {
    matches!(name, "pip" | "setuptools" | "wheel")
}

/// What looks after commands of a RUN that fail.
struct Heed<'s> {
    script: &'s str,
    /// The shell stops at what fails.
    stops: bool,
    /// The first command that makes the shell stop.
    from: usize,
    /// Inside of `if` and loops something else may look after it.
    is_simple: OnceCell<bool>,
}

impl<'s> Heed<'s> {
    fn of(facts: &Facts<'s, '_>, index: usize) -> Self {
        let sets = |it: &str| it.starts_with('-') && !it.starts_with("--") && it.contains('e');
        let stops = |it: &Command<'_>| {
            it.name.text == "set" && it.args.iter().any(|it| sets(&it.text) || it.text == "errexit")
        };
        Self {
            script: facts.steps[index].it.text(&facts.steps[index].head.arguments),
            stops: facts.shells[index]
                .words
                .iter()
                .any(|it| it.starts_with('-') && it.contains('e')),
            from: facts.commands[index].iter().position(stops).unwrap_or(usize::MAX),
            is_simple: OnceCell::new(),
        }
    }

    /// Whether the script goes on behind a command that failed: `a; b` without `set -e`.
    fn misses(&self, it: &Command<'_>, at: usize) -> bool {
        let is_simple = || {
            let words = ["if ", "for ", "while ", "case ", "until "];
            !words.iter().any(|it| self.script.contains(it))
        };
        it.then == Then::Next
            && !it.is_nested
            && !it.is_tested
            && !self.stops
            && at <= self.from
            && *self.is_simple.get_or_init(is_simple)
    }
}

impl Facts<'_, '_> {
    pub(super) fn write_commands(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if self.commands[index].is_empty() {
            return;
        }
        let heed = Heed::of(self, index);
        for (at, it) in self.commands[index].iter().enumerate() {
            let next = self.commands[index].get(at + 1);
            out.map(Key::None, it.span, |out| {
                self.links(out, index);
                out.text("name", &it.name.text, it.name.span);
                out.tree.words(Key::Field("text"), it.words(), it.span);
                out.texts("args", it.span, it.args.iter().map(Word::place));
                out.texts("flags", it.span, it.flags().map(|flag| (flag, it.span)));
                out.mark("reads_pipe", it.reads_pipe, it.span);
                if it.then == Then::Pipe
                    && let Some(next) = next
                {
                    out.text("pipes_to", &next.name.text, next.name.span);
                    out.mark("pipes_to_interpreter", is_interpreter(&next.name.text), it.span);
                }
                out.mark("is_nested", it.is_nested, it.span);
                out.mark("is_tested", it.is_tested, it.span);
                out.mark("is_trigger", step.is_trigger, it.span);
                out.mark("is_unheeded", heed.misses(it, at), it.span);
                out.texts("redirects", it.span, it.redirects.iter().map(|text| (&**text, it.span)));
                self.write_special(out, it);
            });
        }
    }

    /// Fields of single commands whose flags need more than a look.
    pub(super) fn write_special(&self, out: &mut Out<'_>, it: &Command<'_>) {
        match &*it.name.text {
            "useradd" => {
                let length = |uid: &str| {
                    let digits = uid.rsplit([':', '-']).next().unwrap_or(uid).trim_end_matches('}');
                    if digits.bytes().all(|it| it.is_ascii_digit()) { digits.len() } else { 0 }
                };
                let longest = |name| it.values_of(&[name]).map(length).max();
                if let Some(length) = longest("u").or_else(|| longest("uid")) {
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

    pub(super) fn write_packages(
        &self,
        out: &mut Out<'_>,
        index: usize,
        installs: &Installs<'_, '_>,
    ) {
        let step = &self.steps[index];
        for (_, it) in installs.of_step(index) {
            for (word, pinned) in &it.packages {
                out.map(Key::None, word.span, |out| {
                    self.links(out, index);
                    out.text("name", &word.text, word.span);
                    out.text("manager", it.manager, word.span);
                    out.flag("is_pinned", *pinned, word.span);
                    out.mark("is_variable", word.text.contains(['$', '`']), word.span);
                    out.mark("is_trigger", step.is_trigger, word.span);
                });
            }
        }
    }

    pub(super) fn write_installs(
        &self,
        out: &mut Out<'_>,
        index: usize,
        installs: &Installs<'_, '_>,
    ) {
        let (step, commands) = (&self.steps[index], &self.commands[index]);
        for (at, it) in installs.of_step(index) {
            let command = &commands[*at];
            out.map(Key::None, command.span, |out| {
                self.links(out, index);
                out.text("manager", it.manager, command.name.span);
                out.text("verb", it.verb, command.span);
                out.tree.words(Key::Field("text"), command.words(), command.span);
                out.flag("is_unattended", it.unattended, command.span);
                out.mark("is_plain", it.is_plain, command.span);
                out.mark("is_trigger", step.is_trigger, command.span);
                let clean = Clean {
                    head: step.head,
                    commands,
                    at: *at,
                    no_pip_cache: self.scopes[index].no_pip_cache,
                };
                out.mark("is_clean", clean.is_clean(it.manager), command.span);
                out.mark("is_swept", clean.is_swept(it.manager), command.span);
                let recommends = command.has_flag(&["no-install-recommends"])
                    || command.has_arg("APT::Install-Recommends=false")
                    || command.has_arg("APT::Install-Recommends=0");
                out.flag("is_minimal", recommends, command.span);
                out.number("count", it.packages.len() as i64, command.span);
                let loose = it.packages.iter().filter(|it| !it.1 && !is_tool(&it.0.text));
                out.texts("loose", command.span, loose.map(|it| it.0.place()));
                self.write_places(out, index, command, installs);
            });
        }
    }

    pub(super) fn write_runs(&self, out: &mut Out<'_>, installs: &Installs<'_, '_>) {
        // What ONBUILD runs runs in another image.
        let mut tools: [BTreeSet<&str>; 2] = Default::default();
        let mut stage = None;
        for index in 0..self.steps.len() {
            let step = &self.steps[index];
            if stage != Some(step.stage) {
                tools = Default::default();
                stage = Some(step.stage);
            }
            if step.name() != "RUN" {
                continue;
            }
            let span = step.span();
            let commands = &self.commands[index];
            let used = |name: &str| commands.iter().any(|it| it.name.text == name);
            let fetchers: Vec<&str> = ["curl", "wget"].into_iter().filter(|it| used(it)).collect();
            let tools = &mut tools[usize::from(step.is_trigger)];
            tools.extend(&fetchers);
            out.map(Key::None, span, |out| {
                self.links(out, index);
                out.mark("is_trigger", step.is_trigger, span);
                out.mark("is_exec", step.head.array.is_some(), span);
                out.mark("mixes_fetchers", !fetchers.is_empty() && tools.len() > 1, span);
                out.number("count", commands.len() as i64, span);
                out.mark("continues_run", self.continues(index), span);
                self.write_pipe(out, index);
                if mounts(step.head).next().is_some() {
                    out.list("mounts", span, |out| {
                        mounts(step.head).for_each(|mount| write_mount(out, mount, span));
                    });
                }
                out.mark("is_windows", self.is_windows(index), span);
                self.write_refresh(out, index, installs.of_step(index));
            });
        }
    }

    /// An index that is refreshed in a RUN that installs nothing from it.
    pub(super) fn write_refresh(
        &self,
        out: &mut Out<'_>,
        index: usize,
        installs: &[(usize, Install<'_, '_>)],
    ) {
        let commands = &self.commands[index];
        let refresh = installs.iter().find(|(_, it)| it.verb == "update");
        if let Some((at, it)) = refresh
            && installs.iter().all(|(_, other)| other.verb == "update")
            && !commands.iter().any(may_install)
        {
            let text = format!("{} {}", it.manager, it.verb);
            out.text("lone_refresh", &text, commands[*at].span);
        }
    }

    /// The first pipe whose failure the RUN would not see.
    pub(super) fn write_pipe(&self, out: &mut Out<'_>, index: usize) {
        let (shell, step) = (&self.shells[index], &self.steps[index]);
        if shell.stops_on_pipes() || step.head.array.is_some() {
            return;
        }
        let commands = &self.commands[index];
        let readers = (0..commands.len()).filter(|it| commands[*it].reads_pipe);
        let sets = |it: &Command<'_>| {
            it.name.text == "set" && it.args.iter().any(|it| it.text == "pipefail")
        };
        let first_set = commands.iter().position(sets).unwrap_or(usize::MAX);
        let is_safe = |at: usize| {
            let writer = at.checked_sub(1).map_or("", |it| &*commands[it].name.text);
            // That a script from the network runs unchecked is a finding of its own.
            let runs = matches!(writer, "curl" | "wget") && is_interpreter(&commands[at].name.text);
            !is_fetcher(writer) || runs || at > first_set
        };
        let found = readers.clone().find(|at| !is_safe(*at));
        // Nothing but an assignment or a test may stand behind it.
        let writer = || commands.iter().position(|it| it.then == Then::Pipe);
        if let Some(at) = found.or_else(|| readers.clone().next()).or_else(writer) {
            let name = &commands[at].name;
            out.text("pipe", &name.text, name.span);
            out.mark("is_pipe_safe", found.is_none(), name.span);
        }
    }

    /// Whether the step is a short RUN right behind another short RUN with the same flags.
    pub(super) fn continues(&self, index: usize) -> bool {
        let short = |at: usize| {
            let step = &self.steps[at];
            let text = step.it.heredocs.is_empty();
            step.name() == "RUN"
                && !step.is_trigger
                && text
                && !(self.is_windows(at) && step.arguments().contains("&&"))
                && self.commands[at].len() <= 1
        };
        let flags = |at: usize| {
            let it = &self.steps[at].head.flags;
            it.iter().map(|it| (&it.name, &it.value)).collect::<BTreeSet<_>>()
        };
        let before = index.checked_sub(1);
        before.is_some_and(|before| short(index) && short(before) && flags(index) == flags(before))
    }

    pub(super) fn write_copies(&self, out: &mut Out<'_>) {
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

    pub(super) fn write_copy(&self, out: &mut Out<'_>, index: usize, has_workdir: bool) {
        let step = &self.steps[index];
        let span = step.span();
        let mut words = step.words(self.file.escape);
        let Some((target, target_span)) = words.pop() else { return };
        let heredoc =
            |text: &str| text.trim_start_matches(|it: char| it.is_ascii_digit()).starts_with("<<");
        // A flag may be there twice.
        let id = out.tree.open_map(Key::None, span);
        self.links(out, index);
        out.text("keyword", step.name(), step.it.place(&step.head.keyword));
        out.mark("is_trigger", step.is_trigger, span);
        out.text("target", &target, target_span);
        out.mark("is_target_absolute", is_absolute(&target), span);
        out.mark("has_workdir", has_workdir, span);
        out.number("count", words.len() as i64, span);
        out.list("sources", span, |out| {
            for (text, span) in &words {
                if !heredoc(text) {
                    out.tree.text(Key::None, text, *span);
                }
            }
        });
        for flag in &step.head.flags {
            let known = ["from", "chown", "chmod", "checksum"];
            if let Some(name) = known.into_iter().find(|it| *it == flag.name) {
                let place = step.it.place(&flag.range);
                out.text(name, flag.value.as_deref().unwrap_or(""), place);
            }
        }
        self.write_copy_from(out, step);
        self.write_unpacked(out, index);
        out.tree.close(id);
    }

    /// What a `--from` means: an earlier stage, the stage itself, or an image.
    pub(super) fn write_copy_from(&self, out: &mut Out<'_>, step: &Step<'_, '_>) {
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
        out.mark("is_own_stage", own || number.is_some() && number == step.stage, step.span());
        out.mark("is_own_name", own, step.span());
        out.mark("is_earlier_stage", earlier, step.span());
    }

    /// The command that unpacks an archive that was copied.
    pub(super) fn write_unpacked(&self, out: &mut Out<'_>, index: usize) {
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
        let unpacks = |it: &Command<'_>| {
            let extracts = it.name.text == "tar" && it.has_flag(&["x", "extract", "get"])
                || matches!(
                    &*it.name.text,
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

    pub(super) fn write_variables(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if !matches!(step.name(), "ENV" | "ARG") {
            return;
        }
        for (at, pair) in self.pairs[index].iter().enumerate() {
            out.map(Key::None, pair.span, |out| {
                self.links(out, index);
                out.text("keyword", step.name(), step.it.place(&step.head.keyword));
                out.text("name", &pair.key, pair.key_span);
                if let Some(raw) = pair.value {
                    out.text("value", &unquoted(raw, self.file.escape), pair.span);
                }
                out.mark("is_legacy", pair.is_legacy, pair.span);
                out.mark("is_trigger", step.is_trigger, pair.span);
                out.mark("is_global", step.stage.is_none(), pair.span);
                self.write_modern(out, pair);
                if step.name() == "ENV" && !step.is_trigger && !pair.is_legacy {
                    self.write_sibling(out, index, at);
                }
            });
        }
    }

    /// A variable of the same ENV that the value of a pair uses, and that is not set before.
    pub(super) fn write_sibling(&self, out: &mut Out<'_>, index: usize, at: usize) {
        let pairs = &self.pairs[index];
        let Some(value) = pairs[at].value else { return };
        let is_before = |name: &str| self.defined.get(name).is_some_and(|it| *it < index);
        let sibling = variable::names(value).find(|name| {
            pairs.iter().enumerate().any(|(other, it)| other != at && it.key == *name)
        });
        if let Some(name) = sibling.filter(|it| !is_before(it)) {
            out.text("sibling", name, pairs[at].span);
        }
    }

    pub(super) fn write_labels(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.name() != "LABEL" {
            return;
        }
        for pair in &self.pairs[index] {
            out.map(Key::None, pair.span, |out| {
                self.links(out, index);
                out.text("name", &pair.key, pair.key_span);
                let raw = pair.value.unwrap_or_default();
                out.text("value", &unquoted(raw, self.file.escape), pair.span);
                out.mark("is_legacy", pair.is_legacy, pair.span);
                out.mark("is_trigger", step.is_trigger, pair.span);
                self.write_modern(out, pair);
            });
        }
    }

    pub(super) fn write_user(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        if step.name() != "USER" || step.is_trigger {
            return;
        }
        let later = self.steps[index + 1..].iter().take_while(|it| it.stage == step.stage);
        let is_last = !later.clone().any(|it| it.name() == "USER" && !it.is_trigger);
        let text = unquoted(step.arguments(), self.file.escape);
        let id = write_user_fields(out, Key::None, &text, step.arguments_span());
        out.mark("is_last", is_last, step.span());
        out.text("resolved", &self.scopes[index].path, step.span());
        out.mark("is_argument", self.scopes[index].is_argument, step.span());
        self.write_user_number(out, index, &text);
        self.links(out, index);
        out.tree.close(id);
    }

    pub(super) fn write_workdirs(&self, out: &mut Out<'_>) {
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
                self.links(out, index);
                out.text("path", &text, span);
                out.text("resolved", &self.scopes[index].path, span);
                out.mark("is_first", !std::mem::replace(&mut seen[slot], true), span);
                out.flag("is_absolute", is_absolute(&text), span);
                out.flag("is_resolved_absolute", is_rooted(&self.scopes[index].path), span);
            });
        }
    }

    pub(super) fn write_ports(&self, out: &mut Out<'_>, index: usize) {
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
                self.links(out, index);
                out.text("text", &text, span);
                out.text("protocol", protocol, span);
                out.mark("has_host", host, span);
                out.list("numbers", span, |out| {
                    for number in numbers.iter().filter(|_| numbers.iter().all(Option::is_some)) {
                        out.tree.int(Key::None, number.unwrap_or_default(), span);
                    }
                });
            });
        }
    }

    pub(super) fn write_processes(&self, out: &mut Out<'_>) {
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
                self.links(out, index);
                out.text("keyword", name, step.it.place(&step.head.keyword));
                out.mark("is_exec", step.head.array.is_some(), span);
                out.mark("is_none", is_none, span);
                out.mark("repeats", repeats, span);
                out.mark("is_replaced", replaced, span);
                out.mark("has_shell", self.shells[index].is_set, span);
                out.mark("is_windows", self.is_windows(index), span);
                self.write_process_command(out, index);
            });
        }
    }

    pub(super) fn write_process_command(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        let mut range = step.head.arguments.clone();
        if step.name() == "HEALTHCHECK" {
            range.start = (range.start + 3).min(range.end);
        }
        let commands = match &step.head.array {
            Some(_) => command::exec(step.words(self.file.escape)).into_iter().collect(),
            None => command::read(self.text, step.it, &range),
        };
        out.text("text", step.arguments(), step.arguments_span());
        if step.name() != "HEALTHCHECK" {
            self.write_array(out, step);
        }
        if let Some(last) = commands.last() {
            out.text("name", &last.name.text, last.name.span);
            out.texts("args", last.span, last.args.iter().map(Word::place));
        }
        let is_exec = self.text_starts_exec(step);
        out.mark("replaces_shell", is_exec, step.span());
    }

    pub(super) fn text_starts_exec(&self, step: &Step<'_, '_>) -> bool {
        step.head.array.is_none() && step.arguments().contains("exec ")
    }

    pub(super) fn write_undefined(&self, out: &mut Out<'_>, index: usize) {
        let step = &self.steps[index];
        let base = step.stage.map(|it| stage::origin(&self.stages, it));
        let is_known_base = base.is_some_and(|it| self.stages[it].resolved == "scratch");
        for (name, near, has_default, span) in &self.scopes[index].undefined {
            out.map(Key::None, *span, |out| {
                self.links(out, index);
                out.text("name", name, *span);
                if let Some(near) = near {
                    out.text("near", near, *span);
                }
                out.mark("has_default", *has_default, *span);
                out.mark("is_base_known", is_known_base, *span);
            });
        }
    }
}
