//! The rulesets of a repository, and what they have to say about its documents.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use super::{
    builtin,
    lint::{self, Fault},
    load::{Level, Rule, Rules, Ruleset},
    plan::Plan,
};
use crate::{
    artifact::{Artifact, Kind, openapi},
    discover::Found,
    document::{Node, Problem, Trouble},
    finding::{self, Finding, Place, Related, Rendered, Severity, Waiver},
    source::{Position, Source},
};

/// What a ruleset says of one of its own rules, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// `spectral/my-rule`
    pub id: Arc<str>,
    /// Its description, or its name.
    pub title: String,
    /// The file it stands in.
    pub path: Arc<str>,
}

/// Every ruleset of a repository, by the folder it lies in.
#[derive(Debug, Default)]
pub struct Teams {
    teams: BTreeMap<String, Team>,
}

/// A ruleset, and the folder whose documents it is about.
#[derive(Debug)]
pub struct Team {
    folder: String,
    path: String,
    ruleset: Ruleset,
    ready: Mutex<HashMap<Variant, Arc<Prepared>>>,
}

/// What a ruleset depends on: the overrides that hold for a document, and its version.
type Variant = (Vec<usize>, (u8, u8));

#[derive(Debug)]
struct Prepared {
    rules: Rules,
    plan: Plan,
}

impl Teams {
    /// Where Spectral looks first.
    pub const AT_ROOT: &[&str] =
        &[".spectral.json", ".spectral.yaml", ".spectral.yml", "spectral.yaml", "spectral.yml"];

    /// Whether a file is a ruleset that Spectral would find by itself.
    pub fn is_ruleset(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.strip_prefix('.').unwrap_or(name);
        let ending = name.strip_prefix("spectral.");
        ending.is_some_and(|it| matches!(it, "yaml" | "yml" | "json" | "js" | "mjs"))
    }

    /// Reads the rulesets among these files.
    pub fn read(files: &[Found]) -> Self {
        let mut teams: BTreeMap<String, Team> = BTreeMap::new();
        let source = |path: &str| {
            let at = files.binary_search_by(|it| it.path.as_str().cmp(path)).ok()?;
            let bytes = files[at].read().ok()?;
            Some(Source::from_bytes(path, bytes))
        };
        for found in files.iter().filter(|it| Self::is_ruleset(&it.path)) {
            let folder = found.path.rsplit_once('/').map_or("", |it| it.0).to_owned();
            let mut ruleset = Ruleset::read(&found.path, &source);
            ruleset.missing();
            let path = found.path.clone();
            let team = Team { folder: folder.clone(), path, ruleset, ready: Mutex::default() };
            // What is written in YAML comes before what is written in JavaScript.
            match teams.get(&folder) {
                Some(Team { path, .. }) if !path.ends_with("js") => {}
                _ => drop(teams.insert(folder, team)),
            }
        }
        Self { teams }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.teams.is_empty()
    }

    /// Whether a file may belong to a ruleset.
    pub fn may_be_part(path: &str) -> bool {
        Self::is_ruleset(path)
            || path.contains("spectral")
                && [".yaml", ".yml", ".json"].iter().any(|it| path.ends_with(it))
    }

    /// The ruleset that holds for an artifact, if it is a document: the one in its folder, or the
    /// nearest above.
    pub fn of(&self, artifact: &Artifact) -> Option<&Team> {
        let mut folder = artifact.tree.source.path.as_str();
        if artifact.kind != Kind::Openapi {
            return None;
        }
        while !folder.is_empty() {
            folder = folder.rsplit_once('/').map_or("", |it| it.0);
            if let Some(team) = self.teams.get(folder) {
                return Some(team);
            }
        }
        None
    }

    /// What is wrong with the rulesets themselves, as far as it is known after judging.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for team in self.teams.values() {
            problems.extend(team.ruleset.problems.iter().cloned());
            for prepared in team.prepared() {
                problems.extend(prepared.plan.problems.iter().cloned());
            }
        }
        problems
    }

    /// The teams' own rules that ran over some document.
    pub fn rules(&self) -> Vec<Ruled> {
        let mut known = BTreeMap::new();
        for prepared in self.teams.values().flat_map(Team::prepared) {
            for rule in &prepared.plan.rules {
                let id: Arc<str> = format!("spectral/{}", rule.name).into();
                let title = rule.description.as_ref().unwrap_or(&rule.name).clone();
                let path = rule.path.clone();
                known.entry(id.clone()).or_insert(Ruled { id, title, path });
            }
        }
        known.into_values().collect()
    }
}

impl Team {
    fn prepared(&self) -> Vec<Arc<Prepared>> {
        let ready = self.ready.lock().unwrap_or_else(|it| it.into_inner());
        ready.values().cloned().collect()
    }

    /// A document's path as seen from the folder of the ruleset.
    fn below<'p>(&self, document: &'p str) -> &'p str {
        document.strip_prefix(&*self.folder).unwrap_or(document).trim_start_matches('/')
    }

    fn prepare(&self, document: &str, version: (u8, u8)) -> Arc<Prepared> {
        let document = self.below(document);
        let overrides = self.ruleset.overrides(document);
        let variant = (overrides, version);
        let mut ready = self.ready.lock().unwrap_or_else(|it| it.into_inner());
        if let Some(known) = ready.get(&variant) {
            return known.clone();
        }
        let rules = self.ruleset.rules(&variant.0, document);
        let plan = Plan::new(&rules, version);
        let prepared = Arc::new(Prepared { rules, plan });
        ready.insert(variant, prepared.clone());
        prepared
    }

    /// Judges a document by the ruleset's own rules: what they found, what could not be judged.
    pub fn judge(&self, artifact: &Artifact) -> (Vec<Box<Finding>>, Vec<Problem>) {
        let (mut findings, mut problems) = (Vec::new(), Vec::new());
        let Some((root, version)) = openapi::document(&artifact.tree) else {
            return (findings, problems);
        };
        let path = &artifact.tree.source.path;
        let prepared = self.prepare(path, version);
        let linted = lint::lint(&prepared.plan, root);
        let pointers = self.pointers(path, root);
        for fault in linted.faults {
            let name = &prepared.plan.rules[fault.rule].name;
            let level = pointers.level(name, &Place::of(fault.at));
            let level = level.unwrap_or(Some(prepared.plan.rules[fault.rule].level));
            findings.extend(level.map(|level| finding(name, level, fault)));
        }
        for (rule, reason) in linted.troubles {
            let reason = match rule.map(|it| &prepared.plan.rules[it].name) {
                Some(name) => {
                    format!("the rule `{name}` of {} could not be judged: {reason}", self.path)
                }
                None => reason,
            };
            problems.push(Problem {
                path: path.clone(),
                start: Position { line: 1, column: 1 },
                kind: Trouble::Limit,
                reason,
            });
        }
        (findings, problems)
    }

    /// Applies what the ruleset says about built-in rules to what our equivalents found: what it
    /// turns off is waived, what it calls worse or better is. Findings of rules that only run
    /// because a ruleset may ask for them (`asked`) stay where it does.
    pub fn settle(&self, artifact: &Artifact, findings: &mut Vec<Box<Finding>>, asked: bool) {
        let Some((root, version)) = openapi::document(&artifact.tree) else { return };
        let path = &artifact.tree.source.path;
        let prepared = self.prepare(path, version);
        let pointers = self.pointers(path, root);
        findings.retain_mut(|finding| {
            let rules: Vec<_> =
                finding.equivalents.iter().filter_map(|it| built_in(&prepared.rules, it)).collect();
            let Some(rule) = rules.iter().find(|it| it.enabled).or(rules.first()).copied() else {
                return !asked;
            };
            if asked && !rule.enabled {
                return false;
            }
            let level = pointers.level(&rule.name, &finding.place);
            let level = level.or_else(|| {
                let chosen = asked || rule.chosen;
                chosen.then_some(rule.level.filter(|_| rule.enabled))
            });
            match level {
                None => {}
                Some(Some(level)) => finding.severity = severity(level),
                Some(None) => self.waive(finding, &rule.name),
            }
            true
        });
    }

    /// Spectral would be silent here, so we do not say that it would speak.
    fn waive(&self, finding: &mut Finding, name: &str) {
        finding.forget(|it| it.ends_with(name));
        let waiver = || Waiver {
            by: "spectral".to_owned(),
            reason: format!("`{name}` is off in {}", self.path),
            expires: None,
        };
        finding.waived.get_or_insert_with(|| waiver().into());
    }

    fn pointers(&self, document: &str, root: Node<'_>) -> Pointers {
        let mut places = Vec::new();
        for (rule, pointer, level) in self.ruleset.pointers(self.below(document)) {
            let parts = pointer.split('/').skip(1);
            let node =
                parts.map(openapi::decoded).try_fold(root, |node, part| match node.is_seq() {
                    true => node.item(part.parse().ok()?),
                    false => node.get(&part),
                });
            let Some(node) = node else { continue };
            let (source, span) = root.tree().source.author(node.span());
            let last = source.position(span.end.max(span.start)).line;
            places.push((rule, pointer.len(), node.start().line..=last, level));
        }
        places.sort_by_key(|it| it.1);
        Pointers { document: document.into(), places }
    }
}

/// The levels that overrides give to parts of a document, the most exact last.
struct Pointers {
    document: Arc<str>,
    places: Vec<(String, usize, std::ops::RangeInclusive<u32>, Option<Level>)>,
}

impl Pointers {
    /// What an override says about a rule at a place, if one does.
    fn level(&self, rule: &str, at: &Place) -> Option<Option<Level>> {
        let mut places = self.places.iter().rev().filter(|it| it.0 == rule);
        let holds = |lines: &std::ops::RangeInclusive<u32>| lines.contains(&at.start.line);
        let place = places.find(|it| at.path == self.document && holds(&it.2));
        place.map(|it| it.3)
    }
}

/// The rule of a ruleset that an equivalent names, if we have rules of our own for it.
fn built_in<'r>(rules: &'r Rules, equivalent: &str) -> Option<&'r Rule> {
    let (prefix, name) = equivalent.split_once(':')?;
    let rule = rules.get(name)?;
    let known = rule.known?;
    (known.prefix().trim_end_matches(':') == prefix && known != builtin::Known::Other)
        .then_some(rule)
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Error,
        Level::Warn => Severity::Warning,
        Level::Info | Level::Hint => Severity::Info,
    }
}

fn finding(name: &str, level: Level, fault: Fault<'_>) -> Box<Finding> {
    let place = Place::of(fault.at);
    let line = fault.at.place().0.line(place.start.line);
    let mut related = Related::way(fault.at);
    let through = fault.through.map(Place::of).filter(|it| *it != place && related.is_empty());
    related.extend(through.map(|place| Related { place, message: "this reference leads there" }));
    Box::new(Finding {
        excerpt: finding::excerpt(line),
        place,
        rule: format!("spectral/{name}").into(),
        severity: severity(level),
        message: fault.message,
        equivalents: [format!("spectral:{name}").into()].into(),
        items: [].into(),
        object: None,
        related,
        rendered: Rendered::of(fault.at),
        fingerprint: String::new(),
        new: true,
        waived: None,
        fix: None,
        blocks_from: None,
    })
}
