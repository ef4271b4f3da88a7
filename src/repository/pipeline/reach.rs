//! From a command of a pipeline to the commands that it leads to: targets of Makefiles, scripts of
//! packages, recipes of just and Task, shell scripts.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use crate::{
    artifact::{
        Artifact, Kind,
        makefile::recipe::{self, Shell},
        workflow,
    },
    document::{Node, Tree},
    parse, source,
    source::Source,
};

/// How far one command leads through others.
const DEEPEST: u8 = 6;
/// How many commands one pipeline leads to.
const MOST: usize = 5_000;

/// A command, wherever it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) words: Vec<String>,
    pub(super) text: String,
    pub(super) role: &'static str,
    /// Why its failure does not count, if it does not.
    pub(super) soft: Option<String>,
    folder: Option<String>,
    goals: Option<Vec<String>>,
    /// What led to it: `make test`.
    pub(super) via: String,
}

/// What commands lead to.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) commands: Vec<Seen>,
    /// Something is run whose commands are not known.
    pub(super) open: bool,
}

/// What commands of a repository may lead to.
pub(super) struct Reach<'a> {
    texts: &'a BTreeMap<String, Source>,
    /// The Makefile that make finds in a folder.
    entries: HashMap<&'a str, Node<'a>>,
    /// What is derived of each Makefile.
    makefiles: HashMap<&'a str, Vec<Node<'a>>>,
    packages: RefCell<HashMap<String, Option<Tree>>>,
}

impl Seen {
    /// A command of a pipeline.
    pub(super) fn of_step(node: Node<'_>) -> Self {
        let text = |key: &str| node.str(key).unwrap_or("").to_owned();
        let consumed = node.get("consumed").and_then(Node::as_bool) == Some(true);
        let toothless = Some(text("toothless")).filter(|it| !it.is_empty());
        let soft = node.str("hidden").map(str::to_owned).or(toothless).filter(|_| !consumed);
        Self { soft, role: known(node.str("role")), ..Self::of_node(node) }
    }

    /// A command of a recipe.
    fn of_recipe(node: Node<'_>) -> Self {
        let mut it = Self { soft: node.str("hidden").map(str::to_owned), ..Self::of_node(node) };
        it.role = workflow::of_command(&it.words);
        it
    }

    fn of_node(node: Node<'_>) -> Self {
        let texts = |key: &str| {
            let list = node.get(key).filter(|it| it.is_seq())?;
            Some(list.children().map(|it| it.text().to_owned()).collect::<Vec<_>>())
        };
        Self {
            words: texts("words").unwrap_or_default(),
            text: node.str("text").unwrap_or("").to_owned(),
            folder: node.str("folder").map(str::to_owned),
            goals: texts("goals"),
            ..Self::default()
        }
    }

    fn of_script(it: recipe::Command) -> Self {
        Self {
            role: workflow::of_command(&it.words),
            words: it.words,
            text: it.text,
            soft: it.hidden,
            folder: it.folder,
            goals: it.goals,
            via: String::new(),
        }
    }
}

fn known(role: Option<&str>) -> &'static str {
    role.and_then(workflow::role_named).unwrap_or("")
}

impl<'a> Reach<'a> {
    pub(super) fn new(artifacts: &'a [Artifact], texts: &'a BTreeMap<String, Source>) -> Self {
        let (mut entries, mut makefiles) = (HashMap::new(), HashMap::new());
        for artifact in artifacts.iter().filter(|it| it.kind == Kind::Makefile) {
            let roots: Vec<_> = artifact.derived.iter().map(|&it| artifact.tree.node(it)).collect();
            let entry =
                roots.iter().find(|it| it.get("entry").and_then(Node::as_bool) == Some(true));
            if let Some(entry) = entry {
                entries.insert(artifact.tree.source.folder(), *entry);
            }
            makefiles.insert(artifact.tree.source.path.as_str(), roots);
        }
        Self { texts, entries, makefiles, packages: RefCell::default() }
    }

    /// Adds the command and what it leads to.
    pub(super) fn follow(&self, seen: Seen, depth: u8, out: &mut Reached) {
        if depth > DEEPEST || out.commands.len() >= MOST {
            out.open = true;
            return;
        }
        let soft = seen.soft.clone();
        let Some((via, next)) = self.next(&seen) else {
            out.open |= seen.role.is_empty() && runs_unknown(&seen);
            out.commands.push(seen);
            return;
        };
        let via = if seen.via.is_empty() { via } else { seen.via };
        for mut it in next {
            it.soft = soft.clone().or(it.soft);
            it.via.clone_from(&via);
            self.follow(it, depth + 1, out);
        }
    }

    /// What a command leads to, with the name of what it runs.
    fn next(&self, seen: &Seen) -> Option<(String, Vec<Seen>)> {
        let name = seen.words.first()?.rsplit('/').next()?;
        let folder = seen.folder.as_deref()?;
        let rest: Vec<&str> = seen.words[1..].iter().map(String::as_str).collect();
        let plain: Vec<&str> = rest.iter().copied().filter(|it| !it.starts_with('-')).collect();
        match name {
            "make" | "gmake" => self.make(seen.goals.as_deref().unwrap_or_default(), folder),
            "npm" | "pnpm" | "yarn" | "bun" => {
                let named = match (plain.first().copied()?, plain.get(1)) {
                    ("run" | "run-script", Some(name)) => name,
                    ("test" | "t", _) => "test",
                    (it, _) if name != "npm" => it,
                    _ => return None,
                };
                let whole = format!("{name} {}", plain.join(" "));
                Some((whole, self.package(folder, named)?))
            }
            "just" => {
                let goal = plain.first().copied()?;
                Some((format!("just {goal}"), self.just(folder, goal)?))
            }
            "task" => {
                let goal = plain.first().copied()?;
                Some((format!("task {goal}"), self.task(folder, goal)?))
            }
            "bash" | "sh" | "zsh" if rest.first() == Some(&"-c") => {
                let script = rest.get(1)?;
                Some((format!("{name} -c"), commands(script, folder, false)))
            }
            "bash" | "sh" | "zsh" | "source" | "." => self.script(folder, plain.first()?),
            _ => self.script(folder, seen.words.first()?),
        }
    }

    fn script(&self, folder: &str, name: &str) -> Option<(String, Vec<Seen>)> {
        let text = &self.texts.get(&source::resolve(folder, name)?)?.text;
        let is_shell = name.ends_with(".sh") || name.ends_with(".bash") || text.starts_with("#!");
        let stops = text.lines().take(30).any(|it| it.starts_with("set -") && it.contains('e'));
        is_shell.then(|| (name.to_owned(), commands(text, folder, !stops)))
    }

    fn make(&self, goals: &[String], folder: &str) -> Option<(String, Vec<Seen>)> {
        let entry = *self.entries.get(folder)?;
        let default = entry.str("default_goal").unwrap_or("").to_owned();
        let goals = if goals.is_empty() { vec![default] } else { goals.to_vec() };
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for goal in &goals {
            self.target(entry, goal, 0, &mut seen, &mut found);
        }
        (!seen.is_empty()).then(|| (format!("make {}", goals.join(" ")), found))
    }

    fn target(
        &self,
        entry: Node<'a>,
        name: &str,
        depth: u8,
        seen: &mut Vec<u32>,
        out: &mut Vec<Seen>,
    ) {
        let files = entry.get("files").into_iter().flat_map(Node::children);
        let roots = files.filter_map(|it| self.makefiles.get(it.text())).flatten();
        let mut targets = roots.flat_map(|it| it.get("targets")).flat_map(Node::children);
        let Some(target) = targets.find(|it| it.str("name") == Some(name)) else { return };
        if seen.contains(&target.id()) || depth > DEEPEST || seen.len() > 200 {
            return;
        }
        seen.push(target.id());
        for it in target.get("prerequisites").into_iter().flat_map(Node::children) {
            self.target(entry, it.str("name").unwrap_or(""), depth + 1, seen, out);
        }
        let lines = target.get("recipe").into_iter().flat_map(Node::children);
        let commands = lines.filter_map(|it| it.get("commands")).flat_map(Node::children);
        out.extend(commands.map(Seen::of_recipe));
    }

    fn package(&self, folder: &str, name: &str) -> Option<Vec<Seen>> {
        let path = source::resolve(folder, "package.json")?;
        let mut packages = self.packages.borrow_mut();
        let tree = packages.entry(path.clone()).or_insert_with(|| {
            let text = self.texts.get(&path)?;
            Some(parse::json::parse(Source::new(path.as_str(), text.text.as_str())).0)
        });
        let root = tree.as_ref()?.documents().next()?;
        Some(commands(root.at(&["scripts", name])?.as_str()?, folder, false))
    }

    /// A recipe of a justfile: its indented lines.
    fn just(&self, folder: &str, name: &str) -> Option<Vec<Seen>> {
        let files = ["justfile", "Justfile", ".justfile"];
        let text = files.iter().find_map(|it| self.texts.get(&source::resolve(folder, it)?))?;
        let mut lines = text.text.lines();
        lines.find(|line| {
            let head = line.trim_start_matches('@');
            head.strip_prefix(name).is_some_and(|it| it.starts_with([' ', ':']) && it.contains(':'))
                && !head.contains(":=")
        })?;
        let body = lines.take_while(|it| it.is_empty() || it.starts_with([' ', '\t']));
        let body: Vec<_> = body.map(|it| it.trim().trim_start_matches(['@', '-'])).collect();
        Some(commands(&body.join("\n"), folder, false))
    }

    /// The commands of a task in a Taskfile.
    fn task(&self, folder: &str, name: &str) -> Option<Vec<Seen>> {
        let files = ["Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml"];
        let text = files.iter().find_map(|it| self.texts.get(&source::resolve(folder, it)?))?;
        let (tree, _) = parse::yaml::parse(Source::new("Taskfile.yml", text.text.as_str()));
        let task = tree.documents().next()?.at(&["tasks", name])?;
        let list = task.get("cmds").unwrap_or(task);
        let lines = list.children().filter_map(|it| it.as_str().or_else(|| it.str("cmd")));
        let own = lines.collect::<Vec<_>>().join("\n");
        let mut found = commands(&own, folder, false);
        for part in
            list.children().filter_map(|it| it.str("task")).filter(|it| *it != name).take(20)
        {
            let words = vec!["task".to_owned(), part.to_owned()];
            found.push(Seen { words, folder: Some(folder.to_owned()), ..Seen::default() });
        }
        Some(found)
    }
}

fn commands(text: &str, folder: &str, goes_on: bool) -> Vec<Seen> {
    const LARGEST: usize = 64 << 10;
    if text.len() > LARGEST {
        return Vec::new();
    }
    let shell = Shell { stops: !goes_on, ..Shell::default() };
    recipe::script(text, shell, Some(folder)).into_iter().map(Seen::of_script).collect()
}

/// Whether the command runs something of the repository that we do not look into.
fn runs_unknown(seen: &Seen) -> bool {
    let Some(first) = seen.words.first() else { return false };
    let name = first.rsplit('/').next().unwrap_or(first);
    let runners = [
        "make",
        "gmake",
        "just",
        "task",
        "poe",
        "inv",
        "invoke",
        "hatch",
        "nox",
        "rake",
        "mage",
        "bazel",
        "bazelisk",
        "ant",
        "sbt",
        "nx",
        "turbo",
        "lerna",
        "moon",
        "earthly",
        "dagger",
        "nix",
        "mise",
        "docker",
        "docker-compose",
        "podman",
        "python",
        "python3",
        "node",
        "ruby",
        "bash",
        "sh",
        "npm",
        "yarn",
        "pnpm",
        "bun",
        "gradle",
        "gradlew",
        "mvn",
        "mvnw",
        "act",
        "pixi",
        "devbox",
        "tsx",
        "ts-node",
        "deno",
        "go",
        "cargo",
        "uv",
        "pdm",
        "dotnet",
        "ssh",
        "pwsh",
    ];
    let harmless = [
        "install",
        "ci",
        "build",
        "login",
        "push",
        "pull",
        "tag",
        "--version",
        "-V",
        "version",
        "download",
        "sync",
        "add",
        "lock",
        "export",
        "config",
        "restore",
        "publish",
        "mod",
        "fmt",
    ];
    let second = seen.words.get(1).map_or("", String::as_str);
    // A wrapper was taken off: what it runs may be the name of a task.
    let wrapped = ["hatch run", "poetry run", "pdm run", "uv run", "rye run", "pixi run", "npx "];
    if wrapped.iter().any(|it| seen.text.starts_with(it)) {
        return true;
    }
    let is_script = first.contains('/') && !first.starts_with('/') && !first.starts_with('$');
    (is_script || runners.contains(&name)) && !harmless.contains(&second)
}
