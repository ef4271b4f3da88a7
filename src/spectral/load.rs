//! Reads rulesets: what they extend, what they change, and what they say themselves.

use std::{collections::HashMap, sync::Arc};

use globset::GlobBuilder;
use serde_json::{Map, Value};

use super::{
    builtin::Known,
    js::Eyes,
    json::{self, Extent},
};
use crate::{
    document::{Problem, Tree, Trouble},
    parse,
    source::{Position, Source},
};

/// How many files a ruleset may consist of.
const MAX_FILES: usize = 64;
/// How many rules it may have.
const MAX_RULES: usize = 5_000;
/// How large the value of one file may be.
const EXTENT: Extent = Extent { depth: 64, size: 300_000 };

/// How bad Spectral calls what a rule finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `error`
    Error,
    /// `warn`
    Warn,
    /// `info`
    Info,
    /// `hint`
    Hint,
}

impl Level {
    /// Reads `warn`, `1` and the like; `off` and `-1` are no level.
    fn read(value: &Value) -> Option<Self> {
        match (value.as_str(), value.as_i64()) {
            (Some("error"), _) | (_, Some(0)) => Some(Self::Error),
            (Some("warn"), _) | (_, Some(1)) => Some(Self::Warn),
            (Some("info"), _) | (_, Some(2)) => Some(Self::Info),
            (Some("hint"), _) | (_, Some(3)) => Some(Self::Hint),
            _ => None,
        }
    }
}

/// A rule after everything that was said about it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// How bad it is; nothing if it is `off`.
    pub level: Option<Level>,
    /// Whether it runs.
    pub enabled: bool,
    /// Whether the team itself turned it on or off or said how bad it is.
    pub chosen: bool,
    /// The ruleset it comes from, where we have rules of our own for it.
    pub known: Option<Known>,
    /// `given`, `then`, `message`, …
    pub definition: Map<String, Value>,
    /// The formats of the ruleset it stands in, unless it names its own.
    pub formats: Option<Value>,
    /// The aliases that its `given` may use.
    pub aliases: Arc<Map<String, Value>>,
    /// The file it stands in.
    pub path: Arc<str>,
    /// Where in it.
    pub start: Position,
    recommended: bool,
    owner: usize,
}

/// The rules of a ruleset, by name, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    list: Vec<Rule>,
    places: HashMap<String, usize>,
}

impl Rules {
    /// All rules.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.list.iter()
    }

    /// The rule with this name.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.places.get(name).map(|at| &self.list[*at])
    }

    fn put(&mut self, rule: Rule) {
        match self.places.get(&rule.name) {
            Some(at) => self.list[*at] = rule,
            None if self.list.len() < MAX_RULES => {
                self.places.insert(rule.name.clone(), self.list.len());
                self.list.push(rule);
            }
            None => {}
        }
    }
}

/// One file of a ruleset.
#[derive(Debug)]
struct File {
    path: Arc<str>,
    value: Value,
    starts: HashMap<String, Position>,
}

/// A ruleset with the files it extends, read but not yet merged.
#[derive(Debug)]
pub struct Ruleset {
    files: Vec<File>,
    by_path: HashMap<String, usize>,
    /// What could not be read or is not supported.
    pub problems: Vec<Problem>,
}

/// How many of the rules of an extended ruleset run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    All,
    Recommended,
    Off,
}

impl Ruleset {
    /// Reads the ruleset at `path` and everything it extends; `read` gives the files.
    pub fn read(path: &str, read: &dyn Fn(&str) -> Option<Source>) -> Self {
        let mut ruleset = Self { files: Vec::new(), by_path: HashMap::new(), problems: Vec::new() };
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            if ruleset.by_path.contains_key(&path) {
                continue;
            }
            if ruleset.files.len() >= MAX_FILES {
                ruleset.problem(&path, Trouble::Limit, "extends too many files".to_owned());
                break;
            }
            let Some(source) = read(&path) else { continue };
            ruleset.file(source);
            open.extend(ruleset.extended());
        }
        ruleset
    }

    fn problem(&mut self, path: &str, kind: Trouble, reason: String) {
        let start = Position { line: 1, column: 1 };
        self.problems.push(Problem { path: path.to_owned(), start, kind, reason });
    }

    fn file(&mut self, source: Source) {
        let path = source.path.clone();
        let number = self.files.len();
        self.by_path.insert(path.clone(), number);
        if path.ends_with("js") {
            let reason = "is JavaScript, which we never run: write its declarative rules as YAML";
            self.problem(&path, Trouble::Unsupported, reason.to_owned());
            self.files.push(File { path: path.into(), value: Value::Null, starts: HashMap::new() });
            return;
        }
        let (tree, problems) = match path.ends_with(".json") {
            true => parse::json::parse(source),
            false => parse::yaml::parse(source),
        };
        self.problems.extend(problems);
        let eyes = Eyes { refs: None, circular: &|_| false };
        let root = tree.documents().next();
        let value = root.map(|it| json::value(it, eyes, EXTENT));
        let value = match value {
            Some(Ok(value)) if value.is_object() => value,
            Some(Err(_)) => {
                self.problem(&path, Trouble::Limit, "the ruleset is too large".to_owned());
                Value::Null
            }
            _ => {
                self.problem(&path, Trouble::Syntax, "a ruleset is a map".to_owned());
                Value::Null
            }
        };
        let starts = starts(&tree);
        self.files.push(File { path: path.into(), value, starts });
    }

    /// The files that the file read last extends.
    fn extended(&mut self) -> Vec<String> {
        let Some(file) = self.files.last() else { return Vec::new() };
        let path = file.path.clone();
        let overrides = file.value["overrides"].as_array().into_iter().flatten();
        let mut names: Vec<String> = overrides
            .chain([&file.value])
            .flat_map(|it| extensions(&it["extends"]))
            .map(|(name, _)| name.to_owned())
            .collect();
        names.dedup();
        let mut found = Vec::new();
        for name in names.into_iter().filter(|it| Known::of(it).is_none()) {
            match local(&path, &name) {
                Ok(path) => found.push(path),
                Err(reason) => {
                    let reason = format!("extends `{name}`, {reason}");
                    self.problem(&path, Trouble::Unsupported, reason);
                }
            }
        }
        found
    }

    /// Says which of the files that are extended are not there.
    pub fn missing(&mut self) {
        let mut missing = Vec::new();
        for file in &self.files {
            for (name, _) in extensions(&file.value["extends"]) {
                if Known::of(name).is_some() {
                    continue;
                }
                if local(&file.path, name).is_ok_and(|it| !self.by_path.contains_key(&it)) {
                    missing.push((file.path.clone(), name.to_owned()));
                }
            }
        }
        for (path, name) in missing {
            let reason = format!("extends `{name}`, which is not there");
            self.problem(&path, Trouble::Unreadable, reason);
        }
    }

    /// The overrides that hold for a document below the folder of the ruleset, by number.
    pub fn overrides(&self, document: &str) -> Vec<usize> {
        let all = self.written_overrides();
        let holds = |it: &&Value| globs(it).any(|(glob, _)| fits(glob, document));
        let numbers = all.iter().enumerate().filter(|(_, it)| holds(it));
        numbers.map(|(number, _)| number).collect()
    }

    fn written_overrides(&self) -> &[Value] {
        let first = self.files.first().and_then(|it| it.value["overrides"].as_array());
        first.map_or(&[], Vec::as_slice)
    }

    /// The levels that overrides give to rules below a pointer: rule, pointer, level.
    pub fn pointers(&self, document: &str) -> Vec<(String, String, Option<Level>)> {
        let mut found = Vec::new();
        for it in self.written_overrides() {
            for (_, pointer) in globs(it).filter(|(glob, _)| fits(glob, document)) {
                let Some(pointer) = pointer else { continue };
                for (rule, level) in it["rules"].as_object().into_iter().flatten() {
                    let pointer = pointer.trim_end_matches('/').to_owned();
                    found.push((rule.clone(), pointer, Level::read(level)));
                }
            }
        }
        found
    }

    /// The rules, with some of the overrides.
    pub fn rules(&self, overrides: &[usize], document: &str) -> Rules {
        let mut rules = Rules::default();
        if !self.files.is_empty() {
            rules = self.merged(0, Mode::Recommended, None, &mut Vec::new());
        }
        for &number in overrides {
            let it = &self.written_overrides()[number];
            if globs(it).any(|(glob, pointer)| pointer.is_none() && fits(glob, document)) {
                self.extend(0, it, &mut rules, &mut Vec::new());
                self.own(0, it, Mode::Recommended, &mut rules);
            }
        }
        rules
    }

    fn merged(
        &self,
        file: usize,
        mode: Mode,
        explicit: Option<Mode>,
        stack: &mut Vec<usize>,
    ) -> Rules {
        let mut rules = Rules::default();
        stack.push(file);
        self.extend(file, &self.files[file].value, &mut rules, stack);
        stack.pop();
        self.own(file, &self.files[file].value, mode, &mut rules);
        if let Some(mode) = explicit {
            rules.list.iter_mut().for_each(|it| it.enabled = on(mode, it.recommended));
        }
        rules
    }

    /// Takes over what a definition extends.
    fn extend(&self, file: usize, value: &Value, rules: &mut Rules, stack: &mut Vec<usize>) {
        for (name, mode) in extensions(&value["extends"]) {
            if let Some(known) = Known::of(name) {
                for rule in self.known(file, known, mode) {
                    rules.put(rule);
                }
                continue;
            }
            let found = local(&self.files[file].path, name).ok();
            let Some(&next) = found.and_then(|it| self.by_path.get(&it)) else { continue };
            if stack.contains(&next) {
                continue;
            }
            let extended = self.merged(next, mode.unwrap_or(Mode::Recommended), mode, stack);
            for mut rule in extended.list {
                rule.chosen |= mode == Some(Mode::Off);
                rules.put(rule);
            }
        }
    }

    fn known(&self, file: usize, known: Known, mode: Option<Mode>) -> impl Iterator<Item = Rule> {
        let path = self.files[file].path.clone();
        known.rules().map(move |(name, level, recommended)| Rule {
            name: name.to_owned(),
            level: Some(level),
            enabled: on(mode.unwrap_or(Mode::Recommended), recommended),
            chosen: mode == Some(Mode::Off),
            known: Some(known),
            definition: Map::new(),
            formats: None,
            aliases: Arc::default(),
            path: path.clone(),
            start: Position { line: 1, column: 1 },
            recommended,
            owner: usize::MAX,
        })
    }

    /// Applies the rules of a definition itself.
    fn own(&self, number: usize, value: &Value, mode: Mode, rules: &mut Rules) {
        let file = &self.files[number];
        let aliases = Arc::new(self.aliases(number, value));
        for (name, written) in value["rules"].as_object().into_iter().flatten() {
            let old = rules.get(name).cloned();
            let start = file.starts.get(name).copied();
            let start = start.unwrap_or(Position { line: 1, column: 1 });
            let rule = match (written, old) {
                (Value::Object(definition), old) => {
                    let recommended = definition.get("recommended") != Some(&Value::Bool(false));
                    let mut rule = old.unwrap_or_else(|| Rule {
                        name: name.clone(),
                        level: Some(Level::Warn),
                        enabled: recommended,
                        chosen: true,
                        known: None,
                        definition: Map::new(),
                        formats: value.get("formats").cloned(),
                        aliases: aliases.clone(),
                        path: file.path.clone(),
                        start,
                        recommended,
                        owner: number,
                    });
                    if rule.owner == number {
                        rule.enabled = on(mode, rule.recommended);
                    } else {
                        rule.enabled = true;
                    }
                    rule.change(definition, &aliases);
                    (rule.path, rule.start) = (file.path.clone(), start);
                    rule
                }
                (level, Some(mut rule)) => {
                    rule.choose(level);
                    rule
                }
                (_, None) => continue,
            };
            rules.put(rule);
        }
    }

    /// The aliases of a definition, and below them those of what it extends.
    fn aliases(&self, number: usize, value: &Value) -> Map<String, Value> {
        let mut all = Map::new();
        for file in self.files.iter().skip(number + 1).chain([&self.files[number]]) {
            all.extend(file.value["aliases"].as_object().cloned().unwrap_or_default());
        }
        all.extend(value["aliases"].as_object().cloned().unwrap_or_default());
        all
    }
}

impl Rule {
    /// A level or a switch, as a team writes it to change a rule of another ruleset.
    fn choose(&mut self, written: &Value) {
        self.chosen = true;
        match written {
            Value::Bool(on) => self.enabled = *on,
            _ => {
                let level = Level::read(written);
                self.enabled = level.is_some();
                self.level = level.or(self.level);
            }
        }
    }

    /// A definition over the one that is there.
    fn change(&mut self, definition: &Map<String, Value>, aliases: &Arc<Map<String, Value>>) {
        self.chosen = true;
        if definition.contains_key("given") {
            self.aliases = aliases.clone();
        }
        if let Some(level) = definition.get("severity") {
            self.level = Level::read(level);
        }
        if definition.contains_key("given") && definition.contains_key("then") {
            self.known = None;
        }
        for (key, value) in definition {
            self.definition.insert(key.clone(), value.clone());
        }
    }
}

fn on(mode: Mode, recommended: bool) -> bool {
    mode == Mode::All || mode == Mode::Recommended && recommended
}

/// What `extends` names, and the mode where one is given.
fn extensions(value: &Value) -> Vec<(&str, Option<Mode>)> {
    fn read(value: &Value) -> Option<(&str, Option<Mode>)> {
        if let Some(name) = value.as_str() {
            return Some((name, None));
        }
        let pair = value.as_array()?;
        let mode = match pair.get(1).and_then(Value::as_str) {
            Some("all") => Mode::All,
            Some("off") => Mode::Off,
            _ => Mode::Recommended,
        };
        Some((pair.first()?.as_str()?, Some(mode)))
    }
    match value {
        Value::Array(all) => all.iter().filter_map(read).collect(),
        _ => read(value).into_iter().collect(),
    }
}

/// The path of a file that a ruleset extends, below the root.
fn local(from: &str, name: &str) -> Result<String, &'static str> {
    if name.contains("://") {
        return Err("which is on the network: copy it into the repository");
    }
    let is_file = [".yaml", ".yml", ".json", ".js", ".mjs"].iter().any(|it| name.ends_with(it));
    if !(name.starts_with('.') || is_file) || name.starts_with(['@', '/']) {
        return Err("which is a package: copy its declarative rules into the repository");
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop().ok_or("which is outside the repository")?;
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The globs of an override, each with its pointer.
fn globs(written: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    let files = written["files"].as_array().into_iter().flatten().filter_map(Value::as_str);
    files.map(|it| match it.split_once('#') {
        Some((glob, pointer)) => (glob, Some(pointer)),
        None => (it, None),
    })
}

/// Whether a glob matches a path; one without folders matches the name.
fn fits(glob: &str, path: &str) -> bool {
    let glob = glob.trim_start_matches("./");
    let path = if glob.contains('/') { path } else { path.rsplit('/').next().unwrap_or(path) };
    let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
    built.is_ok_and(|it| it.compile_matcher().is_match(path))
}

/// Where the rules of a file start.
fn starts(tree: &Tree) -> HashMap<String, Position> {
    let mut found = HashMap::new();
    for root in tree.documents() {
        let overrides = root.get("overrides").into_iter().flat_map(|it| it.children());
        for holder in overrides.chain([root]) {
            let rules = holder.get("rules").into_iter().flat_map(|it| it.entries());
            found.extend(rules.map(|(name, rule)| (name.to_owned(), rule.start())));
        }
    }
    found
}
