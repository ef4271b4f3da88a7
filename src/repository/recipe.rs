//! What recipes of Makefiles name: scripts, Dockerfiles, stages, Compose files, manifests.

use super::{
    Repository,
    builds::{docker_build, is_unknown, words},
    record, task,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    source::resolve,
    value::Value,
};

/// Folders that are made, not committed.
const MADE: &[&str] = &[
    ".bin",
    ".cache",
    ".git",
    ".tools",
    ".tox",
    ".venv",
    "_build",
    "_output",
    "artifacts",
    "bin",
    "build",
    "dist",
    "env",
    "gen",
    "generated",
    "node_modules",
    "out",
    "output",
    "target",
    "third_party",
    "tmp",
    "tools",
    "vendor",
    "venv",
];

/// Programs that run the file that they are given. What is sourced is left out: settings of one
/// machine are, and nobody commits them.
const INTERPRETERS: &[&str] =
    &["bash", "sh", "dash", "zsh", "ksh", "python", "python3", "node", "ruby", "perl", "php"];

const SCRIPTS: &[&str] = &["sh", "bash", "zsh", "py", "js", "mjs", "cjs", "ts", "rb", "pl", "php"];

const FIELDS: &[Field] = &[
    Field {
        name: "role",
        shape: Shape::Text,
        means: "`script`, `dockerfile`, `stage`, `context`, `compose`, `manifest` or `requirements`",
    },
    Field { name: "path", shape: Shape::Text, means: "the path below the root, or the stage" },
    Field { name: "found", shape: Shape::Bool, means: "whether it is in the repository" },
    Field { name: "target", shape: Shape::Text, means: "the target whose recipe names it" },
    Field { name: "command", shape: Shape::Text, means: "the command" },
    Field { name: "stages", shape: Shape::List(&Shape::Text), means: "the stages there are" },
    Field { name: "dockerfile", shape: Shape::Text, means: "of a stage: its Dockerfile" },
];

/// One subject for each thing of the repository that a recipe names and that nothing makes.
pub(super) const VIEW: View = View {
    name: "repository.recipe_path",
    kind: Kind::Repository,
    means: "a script, file or stage that a recipe of a Makefile or of another runner names",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "what is named" }],
    select: Select::Repository(select),
};

/// What a command names.
struct Named<'a> {
    role: &'static str,
    /// As it is written.
    word: &'a str,
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for [file, target, _, command] in task::commands(repository.artifacts) {
        if task::is_aside(file) {
            continue;
        }
        let words = words(command);
        let Some(folder) = command.str("folder") else { continue };
        if !folder.is_empty() && !repository.has_folder(folder) {
            continue;
        }
        let place = Place { repository, file, target, command, folder };
        for named in named(&words) {
            place.path(&named, emit);
        }
        if let Some(build) = docker_build(&words) {
            if build.file.is_none()
                && let Some(path) = build.dockerfile(folder)
            {
                let default = path.rsplit('/').next().unwrap_or(&path);
                let there = path.strip_suffix(default).unwrap_or("").trim_end_matches('/');
                if repository.has_folder(there) {
                    place.emit("dockerfile", &path, place.exists(&path), &[], emit);
                } else if !place.may_be_made(there) {
                    place.emit("context", there, false, &[], emit);
                }
            }
            if let (Some(path), Some(stage)) = (build.dockerfile(folder), build.target) {
                place.stage(&path, stage, emit);
            }
        }
    }
}

fn named<'a>(words: &[&'a str]) -> Vec<Named<'a>> {
    let Some((&first, rest)) = words.split_first() else { return Vec::new() };
    let program = first.rsplit('/').next().unwrap_or(first);
    let after = |flags: &[&str]| {
        let pairs = rest.iter().zip(rest.iter().skip(1));
        let values = pairs.filter(|it| flags.contains(it.0)).map(|it| *it.1);
        values.collect::<Vec<_>>()
    };
    let all = |role, words: Vec<&'a str>| {
        words.into_iter().map(|word| Named { role, word }).collect::<Vec<_>>()
    };
    match program {
        _ if INTERPRETERS.contains(&program) => {
            let script = rest
                .iter()
                .find(|it| !it.starts_with('-'))
                .filter(|_| !rest.iter().any(|it| matches!(*it, "-c" | "-m" | "-e" | "-s")));
            all("script", script.copied().filter(|it| is_script(it)).into_iter().collect())
        }
        "docker" | "podman" if rest.first() == Some(&"compose") => {
            all("compose", after(&["-f", "--file"]))
        }
        "docker-compose" => all("compose", after(&["-f", "--file"])),
        "docker" | "podman" => {
            let file = docker_build(words).and_then(|it| it.file);
            all("dockerfile", file.into_iter().collect())
        }
        "kubectl" if rest.iter().any(|it| matches!(*it, "apply" | "create" | "replace")) => {
            all("manifest", after(&["-f", "--filename", "-k", "--kustomize"]))
        }
        "pip" | "pip3" if rest.first() == Some(&"install") => {
            all("requirements", after(&["-r", "--requirement"]))
        }
        _ if first.contains('/') && is_script(first) => all("script", vec![first]),
        _ => Vec::new(),
    }
}

fn is_script(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|it| SCRIPTS.contains(&it.1))
}

struct Place<'a> {
    repository: &'a Repository<'a>,
    file: Node<'a>,
    target: Node<'a>,
    command: Node<'a>,
    folder: &'a str,
}

impl<'a> Place<'a> {
    fn path(&self, named: &Named<'a>, emit: Emit<'_, 'a>) {
        if is_unknown(named.word) || named.word.starts_with(['/', '-']) {
            return;
        }
        let Some(path) = resolve(self.folder, named.word).filter(|it| !it.is_empty()) else {
            return;
        };
        // What a justfile imports runs in the folder of the one that imports it.
        let is_just = self.command.tree().source.name().ends_with("justfile");
        let at_root = || resolve("", named.word).is_some_and(|it| self.exists(&it));
        let found = self.exists(&path) || is_just && at_root();
        if found || !self.may_be_made(&path) {
            self.emit(named.role, &path, found, &[], emit);
        }
    }

    fn exists(&self, path: &str) -> bool {
        self.repository.has_file(path) || self.repository.has_folder(path)
    }

    /// Whether something may make the file before it is needed: a folder for what is built, a
    /// target, a pattern, a submodule, an image, a generator, or another command that names it.
    fn may_be_made(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let names = ["names", "patterns", "possible"].iter();
        let mut names = names.filter_map(|key| self.file.get(key)).flat_map(Node::children);
        let modules = self.repository.texts.get(".gitmodules");
        path.split('/').any(|part| MADE.contains(&part))
            || self.file.get("open").and_then(Node::as_bool) == Some(true)
            || names.any(|it| it.text().contains(name) || it.text().contains('%'))
            || modules.is_some_and(|it| it.text.contains(path.split('/').next().unwrap_or(path)))
            || self.others().any(|it| it.contains(name))
            || name == "bundle.Dockerfile"
                && self.command.tree().source.text.contains("generate bundle")
            || self.repository.of(Kind::Dockerfile).any(|it| {
                let text = &it.tree.source.text;
                // Next.js writes its own `server.js` there.
                text.contains(name) || name == "server.js" && text.contains(".next/standalone")
            })
    }

    /// The texts of the other commands of the target: one of them may fetch or write the file.
    fn others(&self) -> impl Iterator<Item = &'a str> {
        let (target, own) = (self.target, self.command);
        let lines = target.get("recipe").into_iter().flat_map(Node::children);
        let commands = lines.filter_map(|it| it.get("commands")).flat_map(Node::children);
        commands.filter(move |it| *it != own).filter_map(|it| it.str("text"))
    }

    fn stage(&self, dockerfile: &str, stage: &'a str, emit: Emit<'_, 'a>) {
        let mut all = self.repository.of(Kind::Dockerfile);
        let found = all.find(|it| it.tree.source.path == dockerfile);
        let facts = found.and_then(|it| it.derived.first().map(|&root| it.tree.node(root)));
        let Some(stages) = facts.and_then(|it| it.get("stages")) else { return };
        if is_unknown(stage) {
            return;
        }
        let names: Vec<_> = stages.children().filter_map(|it| it.str("name")).collect();
        let number = stage.parse::<usize>().is_ok_and(|it| it < stages.len());
        let found = number || names.contains(&stage.to_ascii_lowercase().as_str());
        let names: Vec<_> = names.into_iter().filter(|it| !it.is_empty()).collect();
        self.emit_at("stage", stage, found, &names, dockerfile, emit);
    }

    fn emit(
        &self,
        role: &'static str,
        path: &str,
        found: bool,
        stages: &[&'a str],
        emit: Emit<'_, 'a>,
    ) {
        self.emit_at(role, path, found, stages, "", emit);
    }

    fn emit_at(
        &self,
        role: &'static str,
        path: &str,
        found: bool,
        stages: &[&'a str],
        dockerfile: &str,
        emit: Emit<'_, 'a>,
    ) {
        emit(Subject {
            values: vec![record([
                ("role", Value::Str(role)),
                ("path", Value::text(path)),
                ("found", Value::Bool(found)),
                ("target", Value::maybe(self.target.get("name"))),
                ("command", Value::maybe(self.command.get("text"))),
                ("stages", Value::list(stages.iter().map(|it| Value::Str(it)))),
                ("dockerfile", Value::text(dockerfile)),
            ])],
            at: self.command,
            object: None,
        });
    }
}
