//! The tasks of the repository, of make and of other runners: what each leads to, and who asks for
//! which.

mod asked;
mod pipeline;

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use self::pipeline::Before;
use super::{Repository, record};
use crate::{
    artifact::{
        Artifact, Emit, Kind, Select, Shape, Subject, View, fields,
        recipe::shape::{COMMAND, LINE, TASK, TEXTS},
    },
    document::{Node, list},
    source::resolve,
    value::Value,
};

/// Folders of what others wrote, and of inputs of tests: what is wrong there is no defect here.
const ASIDE: &[&str] = &[
    "vendor",
    "node_modules",
    "third_party",
    "third-party",
    "external",
    "testdata",
    "test-data",
    "fixtures",
    "__fixtures__",
    "fixture",
    "examples",
    "example",
    "samples",
    "templates",
    "template",
];

/// How many tasks are followed from one.
const MOST_FOLLOWED: usize = 300;

/// A task and where it is defined.
#[derive(Clone, Copy, Debug)]
struct Task<'a> {
    node: Node<'a>,
    file: Node<'a>,
    runner: &'a str,
}

/// What a runner can be asked for in one folder.
#[derive(Debug)]
struct Names<'a> {
    file: Node<'a>,
    runner: &'a str,
    folder: &'a str,
    all: BTreeSet<&'a str>,
    patterns: Vec<&'a str>,
    /// Any name may be defined.
    open: bool,
}

/// All tasks, with the tasks that each of them runs.
#[derive(Debug, Default)]
pub(super) struct Tasks<'a> {
    all: Vec<Task<'a>>,
    names: Vec<Names<'a>>,
    home: HashMap<(&'a str, &'a str), usize>,
    index: HashMap<(&'a str, &'a str, &'a str), usize>,
    next: Vec<Vec<usize>>,
}

fn is(node: Node<'_>, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool) == Some(true)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |it| it.0)
}

/// The runner of a file and the folder that its names are for.
fn place(file: Node<'_>) -> (&str, &str) {
    let of_start = || folder(file.str("start").unwrap_or(""));
    (file.str("runner").unwrap_or("make"), file.str("folder").unwrap_or_else(of_start))
}

/// What Makefiles and the files of other runners derive.
fn files(artifacts: &[Artifact]) -> impl Iterator<Item = Node<'_>> {
    let ours = artifacts.iter().filter(|it| matches!(it.kind, Kind::Makefile | Kind::Runner));
    ours.flat_map(|it| it.derived.iter().map(|&root| it.tree.node(root)))
}

/// The commands of every recipe: file, task, line, command.
pub(super) fn commands<'a>(artifacts: &'a [Artifact]) -> impl Iterator<Item = [Node<'a>; 4]> {
    files(artifacts).filter(|it| is(*it, "whole")).flat_map(|file| {
        list(file, "targets").flat_map(move |task| {
            list(task, "recipe").flat_map(move |line| {
                list(line, "commands").map(move |command| [file, task, line, command])
            })
        })
    })
}

impl<'a> Tasks<'a> {
    /// The tasks of these artifacts.
    pub(super) fn new(artifacts: &'a [Artifact]) -> Self {
        let mut tasks = Self::default();
        for file in files(artifacts) {
            if is(file, "entry") {
                tasks.define(file);
            }
            if is(file, "whole") {
                let (runner, folder) = place(file);
                for node in list(file, "targets") {
                    let name = node.str("name").unwrap_or("");
                    tasks.index.insert((runner, folder, name), tasks.all.len());
                    tasks.all.push(Task { node, file, runner });
                }
            }
        }
        tasks.next = tasks.all.iter().map(|it| tasks.after(*it)).collect();
        tasks
    }

    fn define(&mut self, file: Node<'a>) {
        let (runner, folder) = place(file);
        let names = ["names", "possible"].iter().flat_map(|key| list(file, key)).map(Node::text);
        let patterns: Vec<_> = list(file, "patterns").map(Node::text).collect();
        let any = file.at(&["settings", "default"]).and_then(Node::as_bool) == Some(true);
        let open = is(file, "open") || any || patterns.contains(&"%");
        let it = Names { file, runner, folder, all: names.collect(), patterns, open };
        // make prefers GNUmakefile to makefile to Makefile, and that is their order.
        if let Entry::Vacant(home) = self.home.entry((runner, folder)) {
            home.insert(self.names.len());
            self.names.push(it);
        }
    }

    /// The tasks that a task runs and that can make it fail.
    fn after(&self, task: Task<'a>) -> Vec<usize> {
        let (runner, folder) = place(task.file);
        let own = |name: &str| self.index.get(&(runner, folder, name)).copied();
        let before = list(task.node, "prerequisites").filter_map(|it| own(it.str("name")?));
        let lines = list(task.node, "recipe");
        let commands = lines.flat_map(|it| list(it, "commands"));
        let counted = commands.filter(|it| it.str("hidden").is_none());
        before.chain(counted.flat_map(|it| self.run_by(it))).collect()
    }

    /// The tasks that a command runs.
    fn run_by(&self, command: Node<'a>) -> Vec<usize> {
        let Some(folder) = command.str("folder") else { return Vec::new() };
        let all = asked::by(command);
        all.iter().filter_map(|it| self.find(it.runner, &it.folder(folder)?, it.name)).collect()
    }

    fn find(&self, runner: &str, folder: &str, name: &str) -> Option<usize> {
        let folder = self.names_for(runner, folder)?.folder;
        self.index.get(&(runner, folder, name)).copied()
    }

    /// What a runner that is started in `folder` can be asked for. Most look upwards for their file.
    fn names_for(&self, runner: &str, folder: &str) -> Option<&Names<'a>> {
        let mut at = folder;
        loop {
            if let Some(&home) = self.home.get(&(runner, at)) {
                return self.names.get(home);
            }
            if at.is_empty() || runner == "make" {
                return None;
            }
            at = at.rsplit_once('/').map_or("", |it| it.0);
        }
    }

    /// All that tasks lead to, themselves first.
    fn reached(&self, from: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut all: Vec<usize> = from.into_iter().collect();
        let mut seen: BTreeSet<usize> = all.iter().copied().collect();
        let mut at = 0;
        while at < all.len() && all.len() < MOST_FOLLOWED {
            let fresh = self.next[all[at]].iter().copied().filter(|it| seen.insert(*it));
            let fresh: Vec<_> = fresh.collect();
            all.extend(fresh);
            at += 1;
        }
        all
    }

    fn commands_of(&self, task: usize) -> impl Iterator<Item = Node<'a>> + use<'a> {
        list(self.all[task].node, "recipe").flat_map(|it| list(it, "commands"))
    }

    /// What tasks check together, and the programs that they run.
    fn work(&self, tasks: &[usize]) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
        let able = || tasks.iter().filter(|it| is(self.all[**it].node, "can_fail"));
        let commands = || {
            let all = able().flat_map(|it| self.commands_of(*it));
            all.filter(|it| it.str("hidden").is_none())
        };
        let checks = commands().filter_map(|it| it.str("checks")).collect();
        (checks, commands().filter_map(|it| it.str("name")).collect())
    }
}

const CI: Shape = Shape::Record(fields! {
    "known": Shape::Bool, "pipelines ask for tasks before a change is merged, and all they run is known";
    "runs": Shape::Bool, "such a pipeline runs this task";
    "checks": TEXTS, "what such pipelines check: tests, style, security, load";
});

const FILE: Shape = Shape::Record(fields! {
    "path": Shape::Text, "its path";
    "root": Shape::Bool, "it is for the root of the repository";
    "open": Shape::Bool, "something unknown may define any task";
});

/// Whether the file is one of others, or an input of tests.
pub(super) fn is_aside(file: Node<'_>) -> bool {
    file.tree().source.folder().split('/').any(|it| ASIDE.contains(&it))
}

fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> Value<'a> {
    Value::list(all.into_iter().map(Value::Str))
}

/// One subject for each task.
pub(super) const TASK_VIEW: View = View {
    name: "runner.task",
    kind: Kind::Runner,
    means: "each task of just, Task, npm, tox, … and each target of make",
    vars: fields! {
        "it": TASK, "the task";
        "file": FILE, "the file it is in";
        "runner": Shape::Text, "`make`, `just`, `npm`, …";
        "reaches": TEXTS, "what it checks, with all that it runs: tests, style, security, load";
        "programs": TEXTS, "the programs that it runs, with all that it leads to";
        "ci": CI, "what runs before a change is merged";
    },
    select: Select::Repository(select_tasks),
};

fn select_tasks<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let tasks = &repository.tasks;
    let before = Before::new(repository);
    for (at, task) in tasks.all.iter().enumerate().filter(|it| !is_aside(it.1.file)) {
        let (checks, programs) = tasks.work(&tasks.reached([at]));
        let values = vec![
            Value::Node(task.node),
            Value::Node(task.file),
            Value::Str(task.runner),
            texts(checks),
            texts(programs.into_iter().take(100)),
            record([
                ("known", Value::Bool(before.known)),
                ("runs", Value::Bool(before.tasks.contains(&at))),
                ("checks", texts(before.checks.iter().copied())),
            ]),
        ];
        emit(Subject { values, at: task.node, object: None });
    }
}

/// One subject for each command.
pub(super) const COMMAND_VIEW: View = View {
    name: "runner.command",
    kind: Kind::Runner,
    means: "each simple command of each task of any runner, make among them",
    vars: fields! {
        "it": COMMAND, "the command";
        "line": LINE, "the line it stands in";
        "task": TASK, "the task that runs it";
        "file": FILE, "the file it is in";
    },
    select: Select::Repository(select_commands),
};

fn select_commands<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for [file, task, line, command] in commands(repository.artifacts) {
        if !is_aside(file) {
            let values = [command, line, task, file].map(Value::Node).to_vec();
            emit(Subject { values, at: command, object: None });
        }
    }
}

const ROOT: Shape = Shape::Record(fields! {
    "names": TEXTS, "the names of all tasks";
    "patterns": TEXTS, "the pattern rules of the Makefile";
    "open": Shape::Bool, "something unknown may define any task";
    "runners": TEXTS, "the runners";
});

/// One subject for all runners at the root.
pub(super) const ROOT_VIEW: View = View {
    name: "runner.root",
    kind: Kind::Runner,
    means: "what can be asked for at the root of the repository, with make and other runners",
    vars: fields! { "it": ROOT, "all of it"; },
    select: Select::Repository(select_root),
};

fn select_root<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let mut here: Vec<&Names<'a>> =
        repository.tasks.names.iter().filter(|it| it.folder.is_empty()).collect();
    here.sort_by_key(|it| (it.runner != "make", it.runner));
    let Some(first) = here.first() else { return };
    let all: BTreeSet<&str> = here.iter().flat_map(|it| it.all.iter().copied()).collect();
    let it = record([
        ("names", texts(all)),
        ("patterns", texts(here.iter().flat_map(|it| it.patterns.iter().copied()))),
        ("open", Value::Bool(here.iter().any(|it| it.open))),
        ("runners", texts(here.iter().map(|it| it.runner))),
    ]);
    emit(Subject { values: vec![it], at: first.file, object: None });
}

const CALL: Shape = Shape::Record(fields! {
    "runner": Shape::Text, "`make`, `npm`, …";
    "name": Shape::Text, "the task that is asked for";
    "path": Shape::Text, "the file that would define it";
    "found": Shape::Bool, "it is there, or may be";
});

/// One subject for each task that a command asks for.
pub(super) const CALL_VIEW: View = View {
    name: "runner.call",
    kind: Kind::Runner,
    means: "a task that a recipe or a pipeline asks a runner for by its name",
    vars: fields! { "it": CALL, "the call"; },
    select: Select::Repository(select_calls),
};

fn select_calls<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let recipes = commands(repository.artifacts).filter(|it| !is_aside(it[0])).map(|it| it[3]);
    for command in recipes.chain(pipeline::asking(repository)) {
        let Some(from) = command.str("folder") else { continue };
        for call in asked::by(command).into_iter().filter(|it| it.certain) {
            let home = call.folder(from).filter(|it| repository.has_folder(it));
            let names = home.and_then(|it| repository.tasks.names_for(call.runner, &it));
            let Some(names) = names else { continue };
            let as_file = resolve(names.folder, call.name);
            let exists = |it: &str| repository.has_file(it) || repository.has_folder(it);
            let found = names.open
                || names.all.contains(call.name)
                || names.patterns.iter().any(|it| fits(it, call.name))
                || as_file.is_none_or(|it| exists(&it));
            let it = record([
                ("runner", Value::Str(call.runner)),
                ("name", Value::Str(call.name)),
                ("path", Value::Str(&names.file.tree().source.path)),
                ("found", Value::Bool(found)),
            ]);
            emit(Subject { values: vec![it], at: command, object: None });
        }
    }
}

/// Whether a name fits a pattern of make.
fn fits(pattern: &str, name: &str) -> bool {
    pattern.split_once('%').is_some_and(|(before, after)| {
        name.len() > before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    })
}
