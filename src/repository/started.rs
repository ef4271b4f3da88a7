//! What an image starts: its ENTRYPOINT and CMD, and what their scripts and those of
//! `package.json` start in turn.

use super::{Repository, builds::is_unknown, image::facts, record, shipped::line};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View, dockerfile::STAGE},
    document::{Node, list},
    parse::shell,
    source::{Source, resolve},
    value::Value,
};

/// Programs that start the one behind them and give way to it or pass signals on.
const WRAPPERS: &[&str] = &[
    "catatonit",
    "chpst",
    "doppler",
    "dumb-init",
    "env",
    "exec",
    "gosu",
    "ionice",
    "nice",
    "setpriv",
    "su-exec",
    "tini",
    "tini-static",
];

/// Those of them whose first word is not the program: a user, a verb.
const WITH_WORD: &[&str] = &["gosu", "su-exec", "doppler"];

const RUNNERS: &[&str] = &["npm", "yarn", "pnpm", "bun"];

/// Commands at the end of a script that do not stay.
const BRIEF: &[&str] = &[
    ".", ":", "[", "[[", "break", "cat", "cd", "chmod", "chown", "cp", "echo", "exit", "export",
    "false", "ln", "mkdir", "mv", "printf", "return", "rm", "sed", "set", "shift", "sleep", "tail",
    "source", "test", "touch", "true", "trap", "unset", "wait",
];

const FIELDS: &[Field] = &[
    Field { name: "keyword", shape: Shape::Text, means: "`CMD` or `ENTRYPOINT`" },
    Field { name: "text", shape: Shape::Text, means: "the command on one line" },
    Field { name: "name", shape: Shape::Text, means: "the program, without folders" },
    Field { name: "args", shape: Shape::List(&Shape::Text), means: "its arguments" },
    Field {
        name: "via",
        shape: Shape::Text,
        means: "the script that starts it, with its line; nothing if the Dockerfile does",
    },
    Field {
        name: "gives_way",
        shape: Shape::Bool,
        means: "the script that starts it gives way to it",
    },
    Field { name: "is_windows", shape: Shape::Bool, means: "it is for Windows" },
    Field {
        name: "signal",
        shape: Shape::Text,
        means: "the STOPSIGNAL in effect; nothing if none is set",
    },
    Field { name: "exposed", shape: Shape::List(&Shape::Number), means: "the ports of EXPOSE" },
    Field { name: "port", shape: Shape::Number, means: "the port that its arguments name" },
    Field { name: "host", shape: Shape::Text, means: "the address that its arguments name" },
    Field { name: "stage", shape: Shape::Record(STAGE), means: "the stage that becomes the image" },
];

/// One subject for each program.
pub(super) const VIEW: View = View {
    name: "dockerfile.started",
    kind: Kind::Dockerfile,
    means: "each program that an image starts: by ENTRYPOINT or CMD, or by a script that they start",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the program" }],
    select: Select::Repository(select),
};

/// A command and how it came to be started.
#[derive(Clone)]
struct Start {
    words: Vec<String>,
    via: String,
    gives_way: bool,
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        for &stage in repository.shipped_stages(artifact) {
            Image::new(repository, artifact, stage).emit(emit);
        }
    }
}

/// An image, and the Dockerfile it is built from.
pub(super) struct Image<'a> {
    repository: &'a Repository<'a>,
    artifact: &'a Artifact,
    stage: Node<'a>,
    /// The stage and what it is built from.
    line: Vec<Node<'a>>,
}

impl<'a> Image<'a> {
    /// The image that a stage becomes.
    pub(super) fn new(
        repository: &'a Repository<'a>,
        artifact: &'a Artifact,
        stage: Node<'a>,
    ) -> Self {
        Self { repository, artifact, stage, line: line(stage) }
    }

    /// The facts of a kind of the stage and of what it is built from, the nearest stage first.
    fn own(&self, kind: &str) -> Vec<Node<'a>> {
        let Some(facts) = facts(self.artifact) else { return Vec::new() };
        let all: Vec<_> = list(facts, kind).collect();
        let of = |stage: &Node<'a>| {
            all.iter().copied().filter(|it| it.get("stage") == Some(*stage)).collect::<Vec<_>>()
        };
        self.line.iter().flat_map(of).collect()
    }

    /// Whether a script that it starts gives up root: `exec gosu app …`.
    pub(super) fn steps_down(&self) -> bool {
        const TOOLS: [&str; 4] = ["gosu", "su-exec", "setpriv", "runuser"];
        let names = self.processes().into_iter().filter_map(|it| it.str("name"));
        let mut files = names.filter_map(|it| self.file(it));
        files.any(|file| TOOLS.iter().any(|it| file.text.contains(it)))
    }

    /// Whether all that it starts is a shell or an interpreter that waits for somebody: it is meant
    /// to be built upon.
    pub(super) fn is_interactive(&self) -> bool {
        const SHELLS: [&str; 14] = [
            "ash", "bash", "dash", "elixir", "erl", "iex", "irb", "jshell", "node", "php",
            "python", "python3", "sh", "zsh",
        ];
        let last = self.processes().into_iter().next_back();
        last.is_some_and(|it| {
            let args = it.get("args").map_or(0, Node::len);
            let name = it.str("name").map_or("", base);
            SHELLS.contains(&name) && (args == 0 || name == "php" && args == 1)
        })
    }

    fn emit(&self, emit: Emit<'_, 'a>) {
        let around = Around { signal: self.signal(), exposed: self.exposed() };
        for process in self.processes() {
            for start in self.starts(process) {
                emit(self.subject(process, &start, &around));
            }
        }
    }

    /// The ENTRYPOINT and the CMD in effect.
    fn processes(&self) -> Vec<Node<'a>> {
        let processes = self.own("processes");
        let find = |keyword: &str| {
            let of = |stage: &Node<'a>| {
                let mut of_stage = processes.iter().filter(|it| it.get("stage") == Some(*stage));
                of_stage.rfind(|it| it.str("keyword") == Some(keyword)).copied()
            };
            self.line.iter().enumerate().find_map(|(at, stage)| Some((at, of(stage)?)))
        };
        let entrypoint = find("ENTRYPOINT");
        // An ENTRYPOINT resets the CMD of what its stage is built from.
        let command = find("CMD").filter(|it| entrypoint.is_none_or(|other| it.0 <= other.0));
        entrypoint.into_iter().chain(command).map(|it| it.1).collect()
    }

    /// The words of every program that it starts.
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        let starts = self.processes().into_iter().flat_map(|it| self.starts(it));
        starts.map(|it| it.words).collect()
    }

    fn signal(&self) -> Value<'a> {
        let Some(facts) = facts(self.artifact) else { return Value::Null };
        let is_signal = |it: &Node<'a>| it.str("keyword") == Some("STOPSIGNAL");
        let signals: Vec<_> = list(facts, "steps").filter(is_signal).collect();
        let of = |stage: &Node<'a>| {
            let own = signals.iter().rfind(|it| it.get("stage") == Some(*stage));
            own?.get("arguments")
        };
        Value::maybe(self.line.iter().find_map(of))
    }

    fn exposed(&self) -> Value<'a> {
        let ports = self.own("ports");
        let numbers = ports.iter().flat_map(|it| {
            let ends: Vec<_> = list(*it, "numbers").filter_map(Node::as_int).collect();
            match ends[..] {
                [from, to] if to >= from => (from..=to.min(from + 200)).collect(),
                _ => ends,
            }
        });
        Value::list(numbers.map(Value::Int))
    }

    /// What a process starts, itself first.
    fn starts(&self, process: Node<'a>) -> Vec<Start> {
        let Some(name) = process.str("name") else { return Vec::new() };
        let words = std::iter::once(name).chain(list(process, "args").map(Node::text));
        let words = unwrapped(words.map(str::to_owned).collect());
        let mut all = vec![Start { words, via: String::new(), gives_way: true }];
        let mut at = 0;
        while at < all.len() && all.len() < 8 {
            let next = self.below(&all[at].clone());
            all.extend(next.into_iter().take(4));
            at += 1;
        }
        all
    }

    /// What a program starts in turn, if it is a script that is known.
    fn below(&self, start: &Start) -> Vec<Start> {
        let Some(name) = start.words.first() else { return Vec::new() };
        let program = base(name);
        if matches!(program, "sh" | "bash" | "ash" | "dash") {
            let script = start.words.iter().position(|it| it.starts_with('-') && it.ends_with('c'));
            if let Some(text) = script.and_then(|at| start.words.get(at + 1)) {
                return started(text, |_| start.via.clone());
            }
            let file = start.words.get(1).filter(|it| !it.starts_with('-'));
            return file.map(|it| self.script(it)).unwrap_or_default();
        }
        if RUNNERS.contains(&program) {
            return self.package_script(start);
        }
        self.script(name)
    }

    fn script(&self, name: &str) -> Vec<Start> {
        let Some(file) = self.file(name) else { return Vec::new() };
        let first = file.text.lines().next().unwrap_or("");
        if first.starts_with("#!") && !first.trim_end().ends_with("sh") && !first.contains("sh ") {
            return Vec::new();
        }
        let line = |at: usize| file.position(at as u32).line;
        started(&file.text, |at| format!("{}:{}", file.path, line(at)))
    }

    /// The script of the repository that a program in the image is.
    fn file(&self, name: &str) -> Option<&'a Source> {
        self.paths(name).into_iter().find_map(|it| self.repository.texts.get(&it))
    }

    /// Where in the repository a file of the image may come from, the likeliest first.
    pub(super) fn paths(&self, name: &str) -> Vec<String> {
        if is_unknown(name) {
            return Vec::new();
        }
        let copies = self.own("copies");
        let sources = copies
            .iter()
            .filter(|it| it.str("from").is_none_or(str::is_empty))
            .flat_map(|it| list(*it, "sources"))
            .map(Node::text)
            .filter(|it| base(it) == base(name));
        let tails = std::iter::successors(
            Some(name.trim_start_matches("./").trim_start_matches('/')),
            |it| it.split_once('/').map(|it| it.1),
        );
        let whole = copies.iter().any(|it| {
            list(*it, "sources").any(|it| matches!(it.text().trim_end_matches('/'), "." | ""))
        });
        let candidates: Vec<&str> = sources.chain(tails.filter(|_| whole)).collect();
        let contexts = self.contexts();
        let paths = contexts
            .iter()
            .flat_map(|folder| candidates.iter().filter_map(move |it| resolve(folder, it)));
        paths.collect()
    }

    /// Whether the file at `path` in the repository is copied into the image.
    pub(super) fn copies(&self, path: &str) -> bool {
        let copies = self.own("copies");
        let sources = copies
            .iter()
            .filter(|it| it.str("from").is_none_or(str::is_empty))
            .flat_map(|it| list(*it, "sources"));
        let places: Vec<_> = sources
            .filter(|it| !is_unknown(it.text()) && !it.text().contains('*'))
            .flat_map(|it| {
                let contexts = self.contexts();
                contexts.into_iter().filter_map(move |folder| resolve(&folder, it.text()))
            })
            .collect();
        places.iter().any(|it| it == path || !it.is_empty() && super::below(path, it))
    }

    /// Whether STOPSIGNAL of the image is this one.
    pub(super) fn stops_with(&self, signal: &str) -> bool {
        matches!(self.signal(), Value::Node(it) if it.text().trim() == signal)
    }

    /// The folders that the image may be built from.
    fn contexts(&self) -> Vec<String> {
        let named = self.repository.builds_of(self.artifact).map(|it| it.context.clone());
        let mut all: Vec<String> = named.collect();
        all.push(self.artifact.tree.source.folder().to_owned());
        all.push(String::new());
        all.dedup();
        all
    }

    /// What `npm start` and its kin start.
    fn package_script(&self, start: &Start) -> Vec<Start> {
        let mut words =
            start.words[1..].iter().map(String::as_str).filter(|it| !it.starts_with('-'));
        let name = match words.next() {
            Some("run" | "run-script") => words.next(),
            other => other,
        };
        let Some(name) = name else { return Vec::new() };
        let texts =
            self.contexts().into_iter().filter_map(|folder| resolve(&folder, "package.json"));
        let Some(file) = texts.into_iter().find_map(|it| self.repository.texts.get(&it)) else {
            return Vec::new();
        };
        let Ok(package) = serde_json::from_str::<serde_json::Value>(&file.text) else {
            return Vec::new();
        };
        let Some(script) = package["scripts"][name].as_str() else { return Vec::new() };
        started(script, |_| format!("{}: {name}", file.path))
    }

    fn subject(&self, process: Node<'a>, start: &Start, around: &Around<'a>) -> Subject<'a> {
        let (name, args) =
            start.words.split_first().map_or(("", &[][..]), |it| (it.0.as_str(), it.1));
        let text = |text: &str| Value::text(text);
        let (host, port) = address(args);
        Subject {
            values: vec![record([
                ("keyword", Value::maybe(process.get("keyword"))),
                ("text", text(&start.words.join(" "))),
                ("name", text(base(name))),
                ("args", Value::list(args.iter().map(|it| text(it)))),
                ("via", if start.via.is_empty() { Value::Null } else { text(&start.via) }),
                ("gives_way", Value::Bool(start.gives_way)),
                ("is_windows", Value::Bool(process.get("is_windows").is_some())),
                ("signal", around.signal.clone()),
                ("exposed", around.exposed.clone()),
                ("port", port.map_or(Value::Null, Value::Int)),
                ("host", host.map_or(Value::Null, Value::text)),
                ("stage", Value::Node(self.stage)),
            ])],
            at: process,
            object: None,
        }
    }
}

/// What is said of an image beside its processes.
struct Around<'a> {
    signal: Value<'a>,
    exposed: Value<'a>,
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The words of the program that wrappers start.
fn unwrapped(mut words: Vec<String>) -> Vec<String> {
    for _ in 0..4 {
        let Some(wrapper) = words.first().map(|it| base(it).to_owned()) else { break };
        if !WRAPPERS.contains(&wrapper.as_str()) || words.len() < 2 {
            break;
        }
        let is_skipped = |it: &String| it.starts_with('-') || wrapper == "env" && it.contains('=');
        let mut at = 1 + words[1..].iter().take_while(|it| is_skipped(it)).count();
        at += usize::from(WITH_WORD.contains(&wrapper.as_str()));
        at += words.get(at).is_some_and(|it| it == "--") as usize;
        if at >= words.len() {
            break;
        }
        words.drain(..at);
    }
    words
}

/// The words of the programs that a command starts: its own, and those of the script that it gives
/// to a shell.
pub(super) fn unfolded(words: Vec<String>) -> Vec<Vec<String>> {
    let words = unwrapped(words);
    let shell = words.first().is_some_and(|it| matches!(base(it), "sh" | "bash" | "ash" | "dash"));
    let script = words.iter().position(|it| it.starts_with('-') && it.ends_with('c'));
    match script.and_then(|at| words.get(at + 1)).filter(|_| shell) {
        Some(text) => started(text, |_| String::new()).into_iter().map(|it| it.words).collect(),
        None => vec![words],
    }
}

/// The programs that a script gives way to, or else the last one it runs; `via` names the place.
fn started(text: &str, via: impl Fn(usize) -> String) -> Vec<Start> {
    let script = shell::read(text);
    let all = script.commands.iter().filter(|it| it.depth == 0);
    let words = |it: &shell::Command| -> Vec<String> {
        it.words.iter().map(|it| shell::unquoted(&text[it.clone()]).into_owned()).collect()
    };
    let known: Vec<_> =
        all.filter_map(|it| Some((it.words.first()?.start, words(it), it))).collect();
    // A shell that waits for its children or traps signals looks after them.
    let minds = known.iter().any(|it| matches!(it.1[0].as_str(), "trap" | "wait"));
    let start = |at: usize, words: &[String], gives_way: bool| Start {
        words: unwrapped(words.to_vec()),
        via: via(at),
        gives_way,
    };
    let given: Vec<_> = known
        .iter()
        .filter(|it| it.1[0] == "exec" && it.1.len() > 1 && !it.1[1].starts_with(['$', '<', '>']))
        .map(|it| start(it.0, &it.1, true))
        .collect();
    let gives_to_arguments = known.iter().any(|it| it.1[0] == "exec");
    if !given.is_empty() || gives_to_arguments || script.broken {
        // Of several only its arguments tell which one is meant.
        return if given.len() == 1 { given } else { Vec::new() };
    }
    let last = known.last().filter(|it| !BRIEF.contains(&base(&it.1[0])));
    let last = last.filter(|it| it.2.then != shell::Then::Background);
    // One that runs again and again does not stay.
    let times = |name: &str| known.iter().filter(|it| it.1[0] == name).count();
    let last = last.filter(|it| times(&it.1[0]) == 1);
    last.map(|it| start(it.0, &it.1, minds)).into_iter().collect()
}

/// The address and the port that a server's arguments name.
fn address(args: &[String]) -> (Option<String>, Option<i64>) {
    let (mut host, mut port) = (None, None);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let mut value = || value.clone().or_else(|| words.next().cloned());
        match flag {
            "--port" | "-port" | "--http-port" => port = value().and_then(|it| it.parse().ok()),
            "--host" | "-host" | "--hostname" => host = value(),
            "--bind" | "-b" | "--listen" | "--address" | "--addr" => {
                let Some(value) = value() else { continue };
                let value =
                    value.trim_start_matches("tcp://").trim_start_matches("http://").to_owned();
                match value.rsplit_once(':') {
                    Some((name, number)) => {
                        port = number.parse().ok();
                        host = Some(name.trim_matches(['[', ']']).to_owned());
                    }
                    None if value.contains('.') || value == "localhost" => host = Some(value),
                    None => {}
                }
            }
            _ => {}
        }
    }
    (host.filter(|it| !it.is_empty()), port)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::look, *};

    fn seen(files: &[(&str, &str)]) -> Vec<String> {
        look(&VIEW, files, &["via", "gives_way", "text"])
    }

    #[test]
    fn scripts_are_followed_to_what_they_start() {
        let dockerfile = "FROM a\nCOPY docker/start.sh /\nENTRYPOINT [\"tini\", \"--\", \"/start.sh\"]\nCMD [\"x\"]\n";
        let script =
            "#!/bin/sh\nset -e\nif [ -n \"$A\" ]; then migrate; fi\ngunicorn -b 0.0.0.0:80 app\n";
        assert_eq!(
            seen(&[("Dockerfile", dockerfile), ("docker/start.sh", script)]),
            [
                "null true /start.sh",
                "docker/start.sh:4 false gunicorn -b 0.0.0.0:80 app",
                "null true x",
            ]
        );
        let script = script.replace("gunicorn", "exec gosu app gunicorn");
        let found = seen(&[("Dockerfile", dockerfile), ("docker/start.sh", &script)]);
        assert_eq!(found[1], "docker/start.sh:4 true gunicorn -b 0.0.0.0:80 app");
        let found =
            seen(&[("Dockerfile", dockerfile), ("docker/start.sh", "#!/bin/sh\nexec \"$@\"\n")]);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn scripts_of_packages_are_followed() {
        let files = [
            ("Dockerfile", "FROM node\nCOPY . .\nCMD npm start\n"),
            ("package.json", "{\"scripts\": {\"start\": \"NODE_ENV=x nodemon a.js\"}}"),
        ];
        assert_eq!(seen(&files), ["null true npm start", "package.json: start false nodemon a.js"]);
    }

    #[test]
    fn only_what_counts_is_started() {
        let text = "FROM a AS base\nCMD [\"a\"]\nFROM base AS prod\nENTRYPOINT [\"b\"]\nFROM base AS dev\nCMD [\"c\"]\n";
        assert_eq!(seen(&[("Dockerfile", text)]), ["null true c"]);
        let compose = "services:\n  web:\n    build: {context: ., target: prod}\n";
        assert_eq!(seen(&[("Dockerfile", text), ("compose.yaml", compose)]), ["null true b"]);
    }

    #[test]
    fn addresses_are_read_in_their_forms() {
        let of = |text: &str| {
            let words: Vec<_> = text.split(' ').map(str::to_owned).collect();
            address(&words)
        };
        assert_eq!(of("--host 0.0.0.0 --port=80"), (Some("0.0.0.0".into()), Some(80)));
        assert_eq!(of("-b 127.0.0.1:8000"), (Some("127.0.0.1".into()), Some(8000)));
        assert_eq!(of("--bind :8000 app"), (None, Some(8000)));
        assert_eq!(of("-b x.json"), (Some("x.json".into()), None));
    }
}
