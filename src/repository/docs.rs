//! What documents tell people to run: targets, scripts and Compose files that should be there.

use std::collections::BTreeSet;

use super::{Repository, builds::is_unknown, record};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, docs},
    document::Node,
    source::resolve,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "role", shape: Shape::Text, means: "`target`, `script` or `compose`" },
    Field { name: "name", shape: Shape::Text, means: "the target or the path, as written" },
    Field { name: "found", shape: Shape::Bool, means: "whether the repository has it" },
    Field { name: "command", shape: Shape::Text, means: "the command" },
];

/// One subject for each thing of this repository that a command in a document names.
pub(super) const VIEW: View = View {
    name: "repository.documented_command",
    kind: Kind::Repository,
    means: "a make target, a script or a Compose file that a command in a document names",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "what is named" }],
    select: Select::Repository(select),
};

/// Endings of files that a shell can start.
const SCRIPTS: &[&str] = &[".sh", ".bash", ".py"];

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let makefiles = Makefiles::of(repository);
    for page in repository.of(Kind::Docs).filter_map(docs::facts) {
        let changes = matches!(page.str("role"), Some("changelog" | "decision" | "template"));
        let blocks = page.get("blocks").into_iter().flat_map(Node::children);
        let mut away = changes;
        let folder = page.tree().source.folder();
        let is_beside = folder.is_empty() || repository.has_file(&format!("{folder}/Makefile"));
        let ours = is_beside && matches!(page.str("role"), Some("readme" | "contributing"))
            || makefiles.are_meant_by(page);
        for block in blocks {
            let mut reader =
                Reader { repository, makefiles: &makefiles, page, ours, foreign: away };
            block.children().for_each(|it| reader.command(it, emit));
            // The README clones the repository itself; other pages, what they are about.
            let is_readme = page.str("role") == Some("readme");
            away |=
                !is_readme && block.children().any(|it| clones(it) || enters_other(repository, it));
        }
    }
}

/// The names of all targets that some Makefile has; nothing where one cannot be known.
struct Makefiles<'a>(Option<BTreeSet<&'a str>>);

impl<'a> Makefiles<'a> {
    fn of(repository: &'a Repository<'a>) -> Self {
        let mut names = BTreeSet::new();
        for artifact in repository.of(Kind::Makefile) {
            for file in artifact.derived.iter().map(|&it| artifact.tree.node(it)) {
                let patterns = file.get("patterns").is_some_and(|it| !it.is_empty());
                if patterns || file.get("open").and_then(Node::as_bool) == Some(true) {
                    return Self(None);
                }
                for key in ["names", "possible"] {
                    let known = file.get(key).into_iter().flat_map(Node::children);
                    names.extend(known.map(Node::text));
                }
            }
        }
        Self((!names.is_empty()).then_some(names))
    }

    /// Whether some Makefile here has most of the targets that a page names.
    fn are_meant_by(&self, page: Node<'_>) -> bool {
        let Some(names) = &self.0 else { return false };
        let blocks = page.get("blocks").into_iter().flat_map(Node::children);
        let (mut ours, mut others) = (0, 0);
        for command in blocks.flat_map(Node::children) {
            let mut words = command.children().map(Node::text);
            if words.next() == Some("make") {
                let (known, unknown): (Vec<_>, Vec<_>) = words.partition(|it| names.contains(it));
                (ours, others) = (ours + known.len(), others + unknown.len());
            }
        }
        ours > others
    }
}

/// The commands of one block, which are typed one after the other.
struct Reader<'r, 'a> {
    repository: &'a Repository<'a>,
    makefiles: &'r Makefiles<'a>,
    page: Node<'a>,
    /// Where the page says `make`, it means the Makefiles here.
    ours: bool,
    /// The reader of the page is somewhere else by now: another repository, another folder, or
    /// has made files that nobody committed.
    foreign: bool,
}

impl<'a> Reader<'_, 'a> {
    fn command(&mut self, command: Node<'a>, emit: Emit<'_, 'a>) {
        let words: Vec<&str> = command.children().map(Node::text).collect();
        let Some((&first, rest)) = words.split_first() else { return };
        match first {
            "cd" | "git" | "curl" | "wget" | "tar" | "unzip" | "cp" | "mv" | "touch" | "cat"
            | "echo" | "docker" | "kubectl" | "ssh" | "pip" | "npm" | "npx"
                if !is_compose(&words) =>
            {
                self.foreign = true;
            }
            "make" if !self.foreign && self.ours => self.targets(command, rest, emit),
            "docker" | "docker-compose" if !self.foreign => self.compose(command, rest, emit),
            _ if !self.foreign && first.starts_with("./") => self.script(command, first, emit),
            "bash" | "sh" | "python" | "python3" if !self.foreign => {
                let script = rest.first().filter(|it| SCRIPTS.iter().any(|end| it.ends_with(end)));
                script.into_iter().for_each(|it| self.script(command, it, emit));
            }
            _ => {}
        }
    }

    fn targets(&self, command: Node<'a>, rest: &[&'a str], emit: Emit<'_, 'a>) {
        let Some(names) = &self.makefiles.0 else { return };
        let elsewhere = rest.iter().any(|it| it.starts_with('-') || it.contains('='));
        if elsewhere || rest.iter().any(|it| is_unknown(it)) {
            return;
        }
        for name in rest.iter().filter(|it| !it.contains(['/', '.', '[', ']', '%'])) {
            emit(self.subject("target", name, names.contains(name), command));
        }
    }

    fn compose(&self, command: Node<'a>, rest: &[&'a str], emit: Emit<'_, 'a>) {
        let rest = if rest.first() == Some(&"compose") { &rest[1..] } else { rest };
        // Behind the subcommand `-f` is something else: `logs -f`.
        for pair in rest.chunks_exact(2).take_while(|it| it[0].starts_with('-')) {
            let path = pair[1];
            if !matches!(pair[0], "-f" | "--file") {
                continue;
            }
            if is_unknown(path) || path.starts_with('/') || path == "-" {
                continue;
            }
            let found = self.is_there(path);
            if found || path.contains("compose") || self.is_of_repository(path) {
                emit(self.subject("compose", path, found, command));
            }
        }
    }

    fn script(&self, command: Node<'a>, path: &'a str, emit: Emit<'_, 'a>) {
        let named = path.trim_start_matches("./");
        if !SCRIPTS.iter().any(|it| path.ends_with(it)) || is_unknown(path) || named.contains("..")
        {
            return;
        }
        let found = self.is_there(path);
        if found || !path.ends_with(".py") || self.is_of_repository(named) {
            emit(self.subject("script", path, found, command));
        }
    }

    /// Whether a Python file that a page runs is one of this repository, and not one that the page
    /// tells its readers to write.
    fn is_of_repository(&self, path: &str) -> bool {
        let folder = path.rsplit_once('/').map(|it| it.0);
        matches!(self.page.str("role"), Some("readme" | "contributing"))
            || folder.is_some_and(|it| self.repository.has_folder(it))
    }

    /// Whether the file is there for somebody who reads the page: below the root, beside the page,
    /// or anywhere else where a reader may have gone.
    fn is_there(&self, path: &str) -> bool {
        let folder = self.page.tree().source.folder();
        let there = |it: Option<String>| it.is_some_and(|it| self.repository.has_file(&it));
        let end = format!("/{}", path.trim_start_matches("./"));
        there(resolve("", path))
            || there(resolve(folder, path))
            || self.repository.files.iter().any(|it| it.ends_with(&end))
    }

    fn subject(
        &self,
        role: &'static str,
        name: &'a str,
        found: bool,
        command: Node<'a>,
    ) -> Subject<'a> {
        let words: Vec<_> = command.children().map(Node::text).collect();
        let it = record([
            ("role", Value::Str(role)),
            ("name", Value::Str(name)),
            ("found", Value::Bool(found)),
            ("command", Value::text(words.join(" "))),
        ]);
        Subject { values: vec![it], at: command, object: None }
    }
}

fn clones(command: Node<'_>) -> bool {
    let mut words = command.children().map(Node::text);
    words.next() == Some("git") && words.next() == Some("clone")
}

/// Whether the command goes into a folder that is not here: one of another repository.
fn enters_other(repository: &Repository<'_>, command: Node<'_>) -> bool {
    let words: Vec<&str> = command.children().map(Node::text).collect();
    let &["cd", folder] = words.as_slice() else { return false };
    let folder = folder.trim_end_matches('/').trim_start_matches("./");
    let plain = !is_unknown(folder) && !folder.starts_with(['/', '~', '.', '-']);
    let end = format!("/{folder}/");
    plain && !repository.has_folder(folder) && !repository.files.iter().any(|it| it.contains(&end))
}

fn is_compose(words: &[&str]) -> bool {
    matches!(words, ["docker", "compose", ..])
}
