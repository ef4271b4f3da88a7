//! From a command of a pipeline to the commands that it leads to: targets of Makefiles, scripts of
//! packages, recipes of just and Task, shell scripts.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
};

use crate::{
    artifact::{
        Artifact, Kind,
        recipe::{self, Shell},
        workflow,
    },
    document::Node,
    source,
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
#[derive(Clone, Debug, Default)]
pub(super) struct Reached {
    /// The commands whose role is known.
    pub(super) commands: Vec<Seen>,
    /// Something is run whose commands are not known.
    pub(super) open: bool,
}

/// What one command runs.
enum Next<'s> {
    /// These, by a name.
    Commands(String, Vec<Seen>),
    /// The file of this name, if it is a script of the repository.
    Script(&'s str),
}

/// What commands of a repository may lead to.
pub(super) struct Reach<'a> {
    texts: &'a BTreeMap<String, Source>,
    /// What is derived of the Makefiles and the files of other runners, by runner and folder.
    runners: HashMap<(&'a str, &'a str), Vec<Node<'a>>>,
    /// What scripts lead to, by folder, name and depth: pipelines call one script again and again.
    scripts: RefCell<HashMap<(String, String, u8), Rc<Reached>>>,
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
        let roots = |it: &'a Artifact| it.derived.iter().map(|&root| it.tree.node(root));
        let of = |kind: Kind| artifacts.iter().filter(move |it| it.kind == kind);
        let mut runners: HashMap<_, Vec<_>> = HashMap::new();
        for root in of(Kind::Runner).flat_map(roots) {
            let key = (root.str("runner").unwrap_or(""), root.str("folder").unwrap_or(""));
            runners.entry(key).or_default().push(root);
        }
        let makefiles: HashMap<&str, Vec<Node<'_>>> = of(Kind::Makefile)
            .map(|it| (it.tree.source.path.as_str(), roots(it).collect()))
            .collect();
        for artifact in of(Kind::Makefile) {
            let is_entry = |it: &Node<'_>| it.get("entry").and_then(Node::as_bool) == Some(true);
            let Some(entry) = roots(artifact).find(is_entry) else { continue };
            let files = entry.get("files").into_iter().flat_map(Node::children);
            let others = files.filter_map(|it| makefiles.get(it.text())).flatten().copied();
            let all = std::iter::once(entry).chain(others.filter(|it| *it != entry)).collect();
            runners.insert(("make", artifact.tree.source.folder()), all);
        }
        Self { texts, runners, scripts: RefCell::default() }
    }

    /// Adds the command and what it leads to.
    pub(super) fn follow(&self, seen: Seen, depth: u8, out: &mut Reached) {
        if depth > DEEPEST || out.commands.len() >= MOST {
            out.open = true;
            return;
        }
        let found = match self.next(&seen) {
            Some(Next::Commands(via, commands)) => {
                let mut found = Reached::default();
                commands.into_iter().for_each(|it| self.follow(it, depth + 1, &mut found));
                Some((via, Rc::new(found)))
            }
            Some(Next::Script(name)) => self.followed(&seen, name, depth),
            None => None,
        };
        let Some((via, found)) = found else {
            match seen.role {
                "" => out.open |= runs_unknown(&seen),
                _ => out.commands.push(seen),
            }
            return;
        };
        let via = if seen.via.is_empty() { via } else { seen.via };
        out.open |= found.open;
        out.commands.extend(found.commands.iter().take(MOST).map(|it| Seen {
            soft: seen.soft.clone().or_else(|| it.soft.clone()),
            via: via.clone(),
            ..it.clone()
        }));
    }

    /// What a script leads to, if it is one of the repository.
    fn followed(&self, seen: &Seen, name: &str, depth: u8) -> Option<(String, Rc<Reached>)> {
        let folder = seen.folder.as_deref()?;
        let key = (folder.to_owned(), name.to_owned(), depth);
        if let Some(known) = self.scripts.borrow().get(&key) {
            return Some((name.to_owned(), Rc::clone(known)));
        }
        let mut found = Reached::default();
        for it in self.script(folder, name)? {
            self.follow(it, depth + 1, &mut found);
        }
        let mut seen = HashSet::new();
        found.commands.retain(|it| seen.insert((it.text.clone(), it.soft.clone())));
        let found = Rc::new(found);
        self.scripts.borrow_mut().insert(key, Rc::clone(&found));
        Some((name.to_owned(), found))
    }

    /// What a command leads to, with the name of what it runs.
    fn next<'s>(&self, seen: &'s Seen) -> Option<Next<'s>> {
        let name = seen.words.first()?.rsplit('/').next()?;
        let folder = seen.folder.as_deref()?;
        let rest: Vec<&str> = seen.words[1..].iter().map(String::as_str).collect();
        let plain: Vec<&str> = rest.iter().copied().filter(|it| !it.starts_with('-')).collect();
        let task = |runner: &str, goal: &str| {
            let found = self.run(runner, folder, &[goal.to_owned()])?;
            Some(Next::Commands(format!("{runner} {goal}"), found))
        };
        if let Some(goal) = seen.text.strip_prefix("hatch run ") {
            let goal = goal.split(' ').next().unwrap_or(goal);
            return task("hatch", goal.rsplit(':').next().unwrap_or(goal));
        }
        match name {
            "make" | "gmake" => {
                let goals = seen.goals.as_deref().unwrap_or_default();
                let found = self.run("make", folder, goals)?;
                Some(Next::Commands(format!("make {}", goals.join(" ")), found))
            }
            "npm" | "pnpm" | "yarn" | "bun" => match (plain.first().copied()?, plain.get(1)) {
                ("run" | "run-script", Some(script)) => task("npm", script),
                ("test" | "t", _) => task("npm", "test"),
                (it, _) if name != "npm" => task("npm", it),
                _ => None,
            },
            "just" | "task" | "poe" => task(name, plain.first()?),
            "bash" | "sh" | "zsh" if rest.first() == Some(&"-c") => {
                Some(Next::Commands(format!("{name} -c"), commands(rest.get(1)?, folder, false)))
            }
            "bash" | "sh" | "zsh" | "source" | "." => {
                seen.words[1..].iter().find(|it| !it.starts_with('-')).map(|it| Next::Script(it))
            }
            _ => seen.words.first().map(|it| Next::Script(it)),
        }
    }

    /// What a runner runs for goals; nothing where it knows none of them.
    fn run(&self, runner: &str, folder: &str, goals: &[String]) -> Option<Vec<Seen>> {
        let roots = self.runners.get(&(runner, folder))?;
        let default = roots.first().and_then(|it| it.str("default_goal")).unwrap_or("").to_owned();
        let (mut seen, mut found) = (Vec::new(), Vec::new());
        for goal in if goals.is_empty() { std::slice::from_ref(&default) } else { goals } {
            target(roots, goal, 0, &mut seen, &mut found);
        }
        (!seen.is_empty()).then_some(found)
    }

    fn script(&self, folder: &str, name: &str) -> Option<Vec<Seen>> {
        let text = &self.texts.get(&source::resolve(folder, name)?)?.text;
        let is_shell = name.ends_with(".sh") || name.ends_with(".bash") || text.starts_with("#!");
        let stops = text.lines().take(30).any(|it| it.starts_with("set -") && it.contains('e'));
        is_shell.then(|| commands(text, folder, !stops))
    }
}

/// Adds what a target runs, with what it needs.
fn target(roots: &[Node<'_>], name: &str, depth: u8, seen: &mut Vec<u32>, out: &mut Vec<Seen>) {
    let mut targets = roots.iter().filter_map(|it| it.get("targets")).flat_map(Node::children);
    let Some(target) = targets.find(|it| it.str("name") == Some(name)) else { return };
    if seen.contains(&target.id()) || depth > DEEPEST || seen.len() > 200 {
        return;
    }
    seen.push(target.id());
    for it in target.get("prerequisites").into_iter().flat_map(Node::children) {
        self::target(roots, it.str("name").unwrap_or(""), depth + 1, seen, out);
    }
    let lines = target.get("recipe").into_iter().flat_map(Node::children);
    let commands = lines.filter_map(|it| it.get("commands")).flat_map(Node::children);
    out.extend(commands.map(Seen::of_recipe));
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
