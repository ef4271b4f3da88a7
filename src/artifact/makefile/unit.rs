//! From the Makefiles of a repository to what each of them means where make reads it.
//!
//! A Makefile is judged as make reads it: started in its folder, with what it includes. A file
//! that others include is judged as part of them, once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use super::{
    evaluate,
    files::Files,
    model::{Evaluation, Unknown, Unresolved},
    tree,
};
use crate::{
    artifact::{Artifact, Kind},
    document::{Problem, Trouble},
    source::Source,
    threads,
};

/// The files of a repository in memory.
struct Known<'a> {
    artifacts: HashMap<&'a str, &'a str>,
    texts: &'a BTreeMap<String, Source>,
    list: &'a [String],
}

impl Files for Known<'_> {
    fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        let text = self.artifacts.get(path).copied();
        text.or_else(|| self.texts.get(path).map(|it| it.text.as_str())).map(Cow::Borrowed)
    }

    fn list(&self) -> Option<&[String]> {
        Some(self.list)
    }
}

/// How the evaluation of an entry came to be.
pub(super) struct Unit {
    /// The path of the Makefile that make starts with.
    pub entry: String,
    /// Whether make finds it by its name; others are read on their own because nobody includes them.
    pub found: bool,
    /// What was learned.
    pub evaluation: Evaluation,
}

/// Derives what the Makefiles among the artifacts mean, each in its own tree.
///
/// `files` are the paths of the whole repository, sorted; `texts` are further texts that may be
/// included.
pub fn link(
    artifacts: &mut [Artifact],
    files: &[String],
    texts: &BTreeMap<String, Source>,
) -> Vec<Problem> {
    let units = {
        let makefiles = artifacts.iter().filter(|it| it.kind == Kind::Makefile);
        let sources = makefiles.map(|it| (&*it.tree.source.path, &*it.tree.source.text));
        let known = Known { artifacts: sources.collect(), texts, list: files };
        units(&known)
    };
    place(artifacts, &units, files)
}

/// As [`link`], for one Makefile and whatever it includes from `files`.
pub fn link_one(artifact: &mut Artifact, files: &(dyn Files + Sync)) -> Vec<Problem> {
    let entry = artifact.tree.source.path.clone();
    let evaluation = evaluate(files, &entry);
    let unit = Unit { entry, found: true, evaluation };
    place(std::slice::from_mut(artifact), &[unit], files.list().unwrap_or_default())
}

/// Whether make finds a file of this name by itself.
fn is_default_name(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("GNUmakefile" | "makefile" | "Makefile"))
}

fn units(known: &Known<'_>) -> Vec<Unit> {
    let mut paths: Vec<&str> = known.artifacts.keys().copied().collect();
    paths.sort_unstable_by_key(|it| (it.matches('/').count(), *it));
    let (found, others): (Vec<&str>, Vec<&str>) =
        paths.into_iter().partition(|it| is_default_name(it));
    let read = |paths: Vec<&str>, found| -> Vec<Unit> {
        threads::each(paths, |path| Unit {
            entry: path.to_owned(),
            found,
            evaluation: evaluate(known, path),
        })
    };
    let mut units = read(found, true);
    let included: HashSet<&str> =
        units.iter().flat_map(|it| &it.evaluation.files).map(String::as_str).collect();
    let others = others.into_iter().filter(|it| !included.contains(it)).collect();
    let others = read(others, false);
    units.extend(others);
    units
}

/// Writes what was learned into the trees of the files that it is about.
fn place(artifacts: &mut [Artifact], units: &[Unit], files: &[String]) -> Vec<Problem> {
    let index: HashMap<String, usize> = artifacts
        .iter()
        .enumerate()
        .filter(|(_, it)| it.kind == Kind::Makefile)
        .map(|(at, it)| (it.tree.source.path.clone(), at))
        .collect();
    let mut done = HashSet::new();
    let mut problems = Vec::new();
    for unit in units {
        for (file, path) in unit.evaluation.files.iter().enumerate() {
            let Some(&at) = index.get(path) else { continue };
            let artifact = &mut artifacts[at];
            let is_entry = *path == unit.entry;
            let is_new = done.insert(path.clone());
            if is_new || is_entry {
                let root = tree::write(&mut artifact.tree, unit, file as u32, files, is_new);
                artifact.derived.push(root);
            }
            if is_new {
                problems.extend(troubles(unit, file as u32, &artifact.tree.source));
            }
        }
    }
    problems
}

/// What could not be read in one file. What is unknown for one reason is said once, at the first
/// place, with the number of places.
fn troubles(unit: &Unit, file: u32, source: &Source) -> Vec<Problem> {
    let errors = unit.evaluation.errors.iter().filter(|it| it.0.file == file).take(20);
    let errors = errors.map(|(place, reason, is_limit)| {
        let kind = if *is_limit { Trouble::Limit } else { Trouble::Syntax };
        Problem::at(source, place.start, kind, reason.clone())
    });
    let mut open: BTreeMap<(&str, &str), (&Unresolved, usize)> = BTreeMap::new();
    for it in unit.evaluation.unresolved.iter().filter(|it| it.place.file == file) {
        if !matches!(it.kind, Unknown::Limit | Unknown::Prerequisites) {
            let first = (it.kind.name(), it.why.as_str());
            open.entry(first).or_insert((it, 0)).1 += 1;
        }
    }
    let open = open.into_iter().map(|((kind, why), (it, count))| {
        let more = match count {
            1 => String::new(),
            _ => format!(" (and {} more)", count - 1),
        };
        let reason = format!("unknown {kind} `{}`: {why}{more}", short(&it.text));
        Problem::at(source, it.place.start, Trouble::Dynamic, reason)
    });
    errors.chain(open).collect()
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(80).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
