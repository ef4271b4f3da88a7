//! Which file of the repository a path of a report means.
//!
//! Reports come from other machines, other folders, and tools that know modules and no folders.
//! A path is believed if it leads to exactly one file; where two are as likely, none is taken.

use std::collections::HashMap;

use super::report::Report;

/// What a path of a report means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'f> {
    /// This file.
    File(&'f str),
    /// One of these, and nothing tells which.
    Ambiguous(Vec<&'f str>),
    /// No file of the repository.
    Unknown,
}

/// How many files of one name are looked at; beyond, a path must lead there exactly.
const MAX_NAMESAKES: usize = 5_000;

/// How many files an ambiguous path lists.
const MAX_LISTED: usize = 10;

/// Names that so many folders have that a folder more is asked for.
const COMMON: [&str; 9] = [
    "__init__.py",
    "__main__.py",
    "index.js",
    "index.ts",
    "index.tsx",
    "mod.rs",
    "lib.rs",
    "main.rs",
    "main.go",
];

/// The files of a repository, by name.
#[derive(Debug)]
pub struct Files<'f> {
    files: &'f [String],
    by_name: HashMap<String, Vec<&'f str>>,
}

/// A path of a report, cleaned.
struct Given {
    parts: Vec<String>,
    /// The path behind every root of the report.
    joined: Vec<Vec<String>>,
    windows: bool,
}

/// How well a file fits, best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The last folders and the name are the same, the first ones differ.
    Partly,
    /// The file is the end of the path: the start of the path is another machine's.
    End,
    /// The path is the end of the file: the path starts in a folder of the repository.
    Below,
    /// All of the path, and all of the file.
    Whole,
}

impl<'f> Files<'f> {
    /// The index of `files`, sorted paths below the root of the repository.
    pub fn new(files: &'f [String]) -> Self {
        let mut by_name: HashMap<String, Vec<&'f str>> = HashMap::new();
        for file in files {
            let name = file.rsplit('/').next().unwrap_or(file);
            by_name.entry(name.to_lowercase()).or_default().push(file);
        }
        Self { files, by_name }
    }

    /// What every path of `report` means, in the order of its files.
    pub fn resolve(&self, report: &Report) -> Vec<Meaning<'f>> {
        let given: Vec<_> = report.files.iter().map(|it| Given::new(&it.path, report)).collect();
        let found: Vec<_> = given.iter().map(|it| self.find(it)).collect();
        let usual = usual_start(&given, &found);
        let settle = |(given, (fit, meaning)): (&Given, (Fit, Meaning<'f>))| match &meaning {
            // A file at the root fits every path that ends in its name: only the start that the
            // other paths share tells that it is meant.
            Meaning::File(file) if fit == Fit::End && !file.contains('/') => {
                match start(given, file) == usual {
                    true => meaning,
                    false => Meaning::Unknown,
                }
            }
            _ => meaning,
        };
        given.iter().zip(found).map(settle).collect()
    }

    fn find(&self, given: &Given) -> (Fit, Meaning<'f>) {
        let Some(name) = given.parts.last() else { return (Fit::Partly, Meaning::Unknown) };
        let namesakes = self.by_name.get(&name.to_lowercase()).map_or(&[][..], Vec::as_slice);
        if namesakes.len() > MAX_NAMESAKES {
            return (Fit::Whole, self.exactly(&given.parts.join("/")));
        }
        let mut best: Option<(Fit, usize)> = None;
        let mut chosen: Vec<&'f str> = Vec::new();
        for file in namesakes {
            let Some(rank) = given.joined.iter().filter_map(|it| rank(given, it, file)).max()
            else {
                continue;
            };
            if best.is_none_or(|it| rank > it) {
                best = Some(rank);
                chosen.clear();
            }
            if best == Some(rank) {
                chosen.push(file);
            }
        }
        let fit = best.map_or(Fit::Partly, |it| it.0);
        match chosen.as_slice() {
            [] => (fit, Meaning::Unknown),
            [file] => (fit, Meaning::File(file)),
            _ => {
                chosen.truncate(MAX_LISTED);
                (fit, Meaning::Ambiguous(chosen))
            }
        }
    }

    fn exactly(&self, path: &str) -> Meaning<'f> {
        match self.files.binary_search_by(|it| it.as_str().cmp(path)) {
            Ok(at) => Meaning::File(&self.files[at]),
            Err(_) => Meaning::Unknown,
        }
    }
}

/// How well `file` fits, and over how many parts.
fn rank(given: &Given, joined: &[String], file: &str) -> Option<(Fit, usize)> {
    let same = |a: &str, b: &str| if given.windows { a.eq_ignore_ascii_case(b) } else { a == b };
    let common = joined.iter().rev().zip(file.rsplit('/')).take_while(|(a, b)| same(a, b)).count();
    let parts = file.split('/').count();
    let fit = match (common == parts, common >= given.parts.len()) {
        (true, true) => Fit::Whole,
        (false, true) => Fit::Below,
        (true, false) => Fit::End,
        (false, false) => Fit::Partly,
    };
    let name = file.rsplit('/').next().unwrap_or(file);
    let enough = if COMMON.contains(&name) { 3 } else { 2 };
    (common > 0 && (fit > Fit::Partly || common >= enough)).then_some((fit, common))
}

/// What stands before `file` in the path.
fn start(given: &Given, file: &str) -> Option<Vec<String>> {
    let keep = given.parts.len().checked_sub(file.split('/').count())?;
    Some(given.parts[..keep].to_vec())
}

/// What stands before most files that lie in a folder; of all files, where none does.
fn usual_start(given: &[Given], found: &[(Fit, Meaning<'_>)]) -> Option<Vec<String>> {
    let starts = |in_folder: bool| {
        let mut counts: HashMap<Vec<String>, usize> = HashMap::new();
        for (given, (fit, meaning)) in given.iter().zip(found) {
            if let (Fit::End, Meaning::File(file)) = (fit, meaning)
                && file.contains('/') == in_folder
                && let Some(start) = start(given, file)
            {
                *counts.entry(start).or_default() += 1;
            }
        }
        counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))
    };
    starts(true).or_else(|| starts(false)).map(|it| it.0)
}

impl Given {
    fn new(path: &str, report: &Report) -> Self {
        let windows = path.contains('\\') || drive(path);
        let parts = parts(path);
        let absolute = windows && drive(path) || path.starts_with(['/', '\\']);
        let mut joined = Vec::new();
        if !absolute {
            // Beyond some roots, a path is as good as without.
            for root in report.roots.iter().take(32) {
                let mut all = self::parts(root);
                all.extend(parts.iter().cloned());
                joined.push(all);
            }
        }
        if joined.is_empty() {
            joined.push(parts.clone());
        }
        Self { parts, joined, windows }
    }
}

fn drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

/// The parts of a path, without `.`, without what `..` takes back, without a drive.
fn parts(path: &str) -> Vec<String> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let path = if drive(path) { &path[2..] } else { path };
    let mut parts: Vec<String> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Builder};
    use crate::source::Span;

    fn resolve(roots: &[&str], paths: &[&str], files: &[&str]) -> Vec<String> {
        let mut out = Builder::new(Format::Cobertura, 0);
        roots.iter().for_each(|it| out.root(it));
        paths.iter().for_each(|it| {
            out.file(it, Span::default());
        });
        let mut files: Vec<String> = files.iter().map(|it| (*it).to_owned()).collect();
        files.sort();
        let report = out.finish().0;
        let meanings = Files::new(&files).resolve(&report);
        meanings
            .iter()
            .map(|it| match it {
                Meaning::File(file) => (*file).to_owned(),
                Meaning::Ambiguous(files) => format!("? {}", files.join(" ")),
                Meaning::Unknown => "-".to_owned(),
            })
            .collect()
    }

    #[test]
    fn paths_are_found_from_the_root_and_from_folders() {
        let files = ["src/a.py", "src/pkg/b.py", "setup.py"];
        assert_eq!(
            resolve(&[], &["src/a.py", "./src/../src/pkg/b.py"], &files),
            ["src/a.py", "src/pkg/b.py"]
        );
        assert_eq!(
            resolve(&[], &["a.py", "pkg/b.py", "c.py"], &files),
            ["src/a.py", "src/pkg/b.py", "-"]
        );
        assert_eq!(resolve(&["/ci/x/src"], &["a.py"], &["a.py", "src/a.py"]), ["src/a.py"]);
        assert_eq!(resolve(&["/ci/x"], &["a.py"], &["a.py", "src/a.py"]), ["a.py"]);
        assert_eq!(resolve(&["."], &["a.py"], &["a.py", "src/a.py"]), ["a.py"]);
    }

    #[test]
    fn two_files_that_fit_as_well_are_refused() {
        let files = ["svc1/app/a.py", "svc2/app/a.py"];
        assert_eq!(resolve(&[], &["app/a.py"], &files), ["? svc1/app/a.py svc2/app/a.py"]);
        assert_eq!(resolve(&["/w/svc2"], &["app/a.py"], &files), ["svc2/app/a.py"]);
        assert_eq!(
            resolve(&["/w/svc1", "/w/svc2"], &["app/a.py"], &files),
            ["? svc1/app/a.py svc2/app/a.py"]
        );
    }

    #[test]
    fn paths_of_other_machines_lose_their_start() {
        let files = ["main.go", "pkg/x.go", "web/Src/App.tsx"];
        let ci = "/home/runner/work/r/r";
        let paths = [&format!("{ci}/pkg/x.go"), &format!("{ci}/main.go"), "/usr/lib/go/main.go"];
        assert_eq!(resolve(&[], &paths, &files), ["pkg/x.go", "main.go", "-"]);
        let module = ["github.com/o/r/pkg/x.go", "github.com/o/r/main.go"];
        assert_eq!(resolve(&[], &module, &files), ["pkg/x.go", "main.go"]);
        assert_eq!(resolve(&[], &["D:\\a\\web\\src\\app.tsx"], &files), ["web/Src/App.tsx"]);
        assert_eq!(resolve(&[], &["/a/web/src/app.tsx"], &files), ["-"]);
        assert_eq!(resolve(&[], &["/only/this/main.go"], &files), ["main.go"]);
    }

    #[test]
    fn installed_packages_are_found_in_their_sources() {
        let files = ["src/app/core.py", "src/app/__init__.py"];
        let site = ["/venv/site-packages/app/core.py", "/venv/site-packages/app/__init__.py"];
        assert_eq!(resolve(&[], &site, &files), ["src/app/core.py", "-"]);
    }
}
