//! A ruleset made ready for documents of one version: its paths compiled together.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    function::Function,
    load::{Level, Rule, Rules},
    path::{Path, Paths},
};
use crate::document::{Problem, Trouble};

/// How many paths one rule may come to, aliases resolved.
const MAX_GIVEN: usize = 256;

/// A rule, ready to run.
#[derive(Debug)]
pub struct Ready {
    /// Its name.
    pub name: String,
    /// How bad what it finds is.
    pub level: Level,
    /// What it applies, in order.
    pub then: Vec<Then>,
    /// What it says, with placeholders.
    pub message: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The file it stands in.
    pub path: Arc<str>,
}

/// One function, and the field that it is applied to.
#[derive(Debug)]
pub struct Then {
    /// What of the value is judged.
    pub field: Field,
    /// By what.
    pub function: Function,
}

/// What of a value is judged.
#[derive(Debug)]
pub enum Field {
    /// The value itself.
    Itself,
    /// Each of its keys.
    Keys,
    /// What a path finds in it.
    Path(Paths),
    /// What names lead to; the text as it was written is tried as a name first.
    Names(String, Vec<String>),
}

/// Paths that are walked together, and the rules that each belongs to.
#[derive(Debug, Default)]
pub struct Walks {
    /// The paths.
    pub paths: Paths,
    /// The numbers of the rules, by path.
    pub rules: Vec<Vec<usize>>,
    written: Vec<String>,
}

/// Everything that runs over a document.
#[derive(Debug, Default)]
pub struct Plan {
    /// The rules.
    pub rules: Vec<Ready>,
    /// What is looked for with references followed.
    pub resolved: Walks,
    /// What is looked for in what is written.
    pub written: Walks,
    /// What cannot be run, and why.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Makes rules ready for documents of a version (`3.0`).
    pub fn new(rules: &Rules, version: (u8, u8)) -> Self {
        let mut plan = Self::default();
        let formats = formats(version);
        for rule in rules.iter() {
            let own = rule.definition.get("formats").or(rule.formats.as_ref());
            let Some(level) = rule.level.filter(|_| rule.enabled && applies(own, &formats)) else {
                continue;
            };
            if rule.known.is_some()
                && !rule.definition.contains_key("given")
                && !rule.definition.contains_key("then")
            {
                continue;
            }
            if let Err(reason) = plan.add(rule, level, &formats) {
                plan.problems.push(Problem {
                    path: rule.path.to_string(),
                    start: rule.start,
                    kind: Trouble::Unsupported,
                    reason: format!("the rule `{}` is not run: {reason}", rule.name),
                });
            }
        }
        plan
    }

    fn add(&mut self, rule: &Rule, level: Level, formats: &[&str]) -> Result<(), String> {
        let definition = &rule.definition;
        if rule.known.is_some() {
            return Err("it changes `given` or `then` of a rule that is built in: \
                        write both"
                .to_owned());
        }
        let then = match definition.get("then") {
            Some(Value::Array(all)) => all.iter().map(read_then).collect::<Result<Vec<_>, _>>()?,
            Some(one) => vec![read_then(one)?],
            None => return Err("it has no `then`".to_owned()),
        };
        let given = match definition.get("given") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => return Err("it has no `given`".to_owned()),
        };
        let mut paths = Vec::new();
        for text in resolved(&given, &rule.aliases, formats)? {
            let path = Path::parse(&text).map_err(|it| format!("in `{text}`: {it}"))?;
            paths.push((text, path));
        }
        let number = self.rules.len();
        let resolved = definition.get("resolved") != Some(&Value::Bool(false));
        let walks = if resolved { &mut self.resolved } else { &mut self.written };
        for (text, path) in paths {
            walks.add(text, path, number);
        }
        let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
        self.rules.push(Ready {
            name: rule.name.clone(),
            level,
            then,
            message: text("message"),
            description: text("description"),
            path: rule.path.clone(),
        });
        Ok(())
    }
}

impl Walks {
    fn add(&mut self, text: String, path: Path, rule: usize) {
        let at = self.written.iter().position(|it| *it == text).unwrap_or_else(|| {
            self.written.push(text);
            self.rules.push(Vec::new());
            self.paths.add(path)
        });
        if !self.rules[at].contains(&rule) {
            self.rules[at].push(rule);
        }
    }
}

/// The names of the formats that documents of a version have.
fn formats((major, minor): (u8, u8)) -> Vec<&'static str> {
    match (major, minor) {
        (2, _) => vec!["oas2"],
        (_, 0) => vec!["oas3", "oas3_0", "oas3.0"],
        (_, 1) => vec!["oas3", "oas3_1", "oas3.1"],
        (_, 2) => vec!["oas3", "oas3_2", "oas3.2"],
        _ => vec!["oas3"],
    }
}

fn applies(wanted: Option<&Value>, formats: &[&str]) -> bool {
    let Some(Value::Array(wanted)) = wanted else { return true };
    wanted.iter().filter_map(Value::as_str).any(|it| formats.contains(&it))
}

fn read_then(written: &Value) -> Result<Then, String> {
    let name = written["function"].as_str().ok_or("a `then` names no function")?;
    let function = Function::read(name, &written["functionOptions"])?;
    let field = match written["field"].as_str() {
        None => Field::Itself,
        Some("@key") => Field::Keys,
        Some(path) if path == "$" || path.starts_with("$.") || path.starts_with("$[") => {
            let mut paths = Paths::default();
            paths.add(Path::parse(path).map_err(|it| format!("in `{path}`: {it}"))?);
            Field::Path(paths)
        }
        Some(names) => Field::Names(names.to_owned(), segments(names)),
    };
    Ok(Then { field, function })
}

/// The names in `a.b[0]['c.d']`.
fn segments(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[')
            && let Some((name, after)) = inside.split_once(']')
        {
            names.push(name.trim_matches(['"', '\'']).to_owned());
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        names.push(rest[..end].to_owned());
        rest = &rest[end..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    names
}

/// Paths without aliases.
fn resolved(
    given: &[&str],
    aliases: &Map<String, Value>,
    formats: &[&str],
) -> Result<Vec<String>, String> {
    let mut resolver = Aliases { aliases, formats, stack: Vec::new(), steps: 0, found: Vec::new() };
    for one in given {
        resolver.resolve(one)?;
    }
    Ok(resolver.found)
}

/// Replaces the aliases that paths start with.
struct Aliases<'r> {
    aliases: &'r Map<String, Value>,
    formats: &'r [&'r str],
    stack: Vec<&'r str>,
    steps: usize,
    found: Vec<String>,
}

impl<'r> Aliases<'r> {
    fn resolve(&mut self, path: &str) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MAX_GIVEN || path.len() > 10_000 {
            return Err("its aliases unfold to too many paths".to_owned());
        }
        let Some(named) = path.strip_prefix('#') else {
            self.found.push(path.to_owned());
            return Ok(());
        };
        let part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
        let end = named.find(|it| !part(it)).unwrap_or(named.len());
        let (name, rest) = named.split_at(end);
        let entry = self.aliases.get_key_value(name);
        let (name, alias) = entry.ok_or_else(|| format!("there is no alias `{name}`"))?;
        if self.stack.contains(&name.as_str()) {
            return Err(format!("the alias `{name}` leads to itself"));
        }
        self.stack.push(name);
        for path in targets(alias, self.formats) {
            self.resolve(&format!("{path}{rest}"))?;
        }
        self.stack.pop();
        Ok(())
    }
}

/// The paths that an alias stands for in documents of these formats.
fn targets<'v>(alias: &'v Value, formats: &[&str]) -> Vec<&'v str> {
    let texts = |it: &'v Value| match it {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let Some(targets) = alias["targets"].as_array() else { return texts(alias) };
    let fitting = targets.iter().rev().find(|it| applies(it.get("formats"), formats));
    fitting.map_or(Vec::new(), |it| texts(&it["given"]))
}
