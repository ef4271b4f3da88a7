//! The coverage of a change: which of the lines that it adds ran.
//!
//! What cannot be attributed is said and is never a pass: a file that no report measures, a path
//! that means two files, a change without a line that can run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::coverage::{
    Report,
    paths::{Files, Meaning},
};

/// What a change adds: the numbers of its lines in the new files, by path.
pub type Added = BTreeMap<String, Vec<u32>>;

/// The coverage of one changed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// How many of the added lines can run.
    pub total: u64,
    /// Those that can and did not, in order.
    pub missed: Vec<u32>,
}

/// The coverage of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchCoverage {
    /// How many of the added lines that can run did.
    pub covered: u64,
    /// How many of the added lines can run, as far as reports say.
    pub total: u64,
    /// The files of which a report says something about an added line.
    pub files: BTreeMap<String, FileCoverage>,
    /// Changed files in a measured language of which no report says anything for sure.
    pub unmeasured: Vec<String>,
    /// Changed files that a path of a report may mean, and another file too.
    pub ambiguous: Vec<String>,
}

/// How sure the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every changed file that should be measured is.
    Measured,
    /// The change adds no line that can run.
    NoMeasurableLines,
    /// A changed file is in no report: the numbers leave it out and are no pass.
    Unmeasured,
    /// A path of a report means two files: the numbers leave them out and are no pass.
    Ambiguous,
}

impl Status {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::NoMeasurableLines => "no-measurable-lines",
            Self::Unmeasured => "unmeasured",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl PatchCoverage {
    /// How sure the numbers are.
    pub fn status(&self) -> Status {
        if !self.ambiguous.is_empty() {
            Status::Ambiguous
        } else if !self.unmeasured.is_empty() {
            Status::Unmeasured
        } else if self.total == 0 {
            Status::NoMeasurableLines
        } else {
            Status::Measured
        }
    }

    /// What reports say of it.
    pub fn json(&self) -> serde_json::Value {
        let files: serde_json::Map<_, _> = self
            .files
            .iter()
            .map(|(path, it)| {
                (path.clone(), serde_json::json!({"total": it.total, "missed": it.missed}))
            })
            .collect();
        serde_json::json!({
            "status": self.status().name(),
            "covered": self.covered,
            "total": self.total,
            "files": files,
            "unmeasured": self.unmeasured,
            "ambiguous": self.ambiguous,
        })
    }
}

/// What counts as a line that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partial {
    /// A line of which some branches were not taken ran.
    #[default]
    Covered,
    /// Such a line is missed.
    Missed,
}

/// The coverage of the change `diff`, by all of `reports` together: a line is measured if one of
/// them measures it, and ran if it ran in one of them. `files` are those of the repository after
/// the change, sorted.
pub fn coverage(
    diff: &str,
    reports: &[&Report],
    files: &[String],
    partial: Partial,
) -> PatchCoverage {
    let added = added(diff, files);
    let index = Files::new(files);
    let mut seen = Seen::default();
    for report in reports {
        seen.add(report, &index, &added, partial);
    }
    seen.judge(&added)
}

/// What reports say of the changed files.
#[derive(Default)]
struct Seen<'f> {
    /// Whether each line of a measured file ran.
    lines: HashMap<&'f str, HashMap<u32, bool>>,
    ambiguous: BTreeSet<&'f str>,
    /// The endings of names that are measured.
    languages: BTreeSet<String>,
}

impl<'f> Seen<'f> {
    fn add(&mut self, report: &Report, index: &Files<'f>, added: &Added, partial: Partial) {
        for (file, meaning) in report.files.iter().zip(index.resolve(report)) {
            if let Some(ending) = ending(&file.path) {
                self.languages.insert(ending);
            }
            match meaning {
                Meaning::File(path) => {
                    let Some(numbers) = added.get(path) else { continue };
                    if file.lines.is_empty() && file.counted.total > 0 {
                        // Totals only: nothing is known of single lines.
                        continue;
                    }
                    let lines = self.lines.entry(path).or_default();
                    for line in numbers.iter().filter_map(|&it| file.line(it)) {
                        let branches = line.branches();
                        let part = branches.covered < branches.total && partial == Partial::Missed;
                        if line.executable() {
                            *lines.entry(line.number()).or_default() |= line.covered() && !part;
                        }
                    }
                }
                Meaning::Ambiguous(paths) => self.ambiguous.extend(paths),
                Meaning::Unknown => {}
            }
        }
    }

    fn judge(self, added: &Added) -> PatchCoverage {
        let mut result = PatchCoverage::default();
        for (path, numbers) in added.iter().filter(|it| !it.1.is_empty()) {
            let Some(lines) = self.lines.get(path.as_str()) else {
                if self.ambiguous.contains(path.as_str()) {
                    result.ambiguous.push(path.clone());
                    result.unmeasured.push(path.clone());
                } else if ending(path).is_some_and(|it| self.languages.contains(&it)) {
                    result.unmeasured.push(path.clone());
                }
                continue;
            };
            let ran = |number: &u32| lines.get(number).copied();
            let missed: Vec<u32> =
                numbers.iter().copied().filter(|it| ran(it) == Some(false)).collect();
            let total = numbers.iter().filter(|it| ran(it).is_some()).count() as u64;
            if total > 0 {
                result.total += total;
                result.covered += total - missed.len() as u64;
                result.files.insert(path.clone(), FileCoverage { total, missed });
            }
        }
        result
    }
}

/// The ending of a name, in lower case: what tells a language.
fn ending(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?;
    let (stem, ending) = name.rsplit_once('.')?;
    (!stem.is_empty()).then(|| ending.to_lowercase())
}

/// Which lines a unified diff adds. `files` tells `b/x` from a folder that is called `b`.
pub fn added(diff: &str, files: &[String]) -> Added {
    let mut reader = Reader { files, ..Reader::default() };
    for line in diff.split('\n') {
        reader.line(line);
    }
    for numbers in reader.added.values_mut() {
        numbers.sort_unstable();
        numbers.dedup();
    }
    reader.added
}

/// Which files a change moves and deletes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// The old and the new path of those that were renamed.
    pub renamed: Vec<(String, String)>,
    /// Those that are gone.
    pub deleted: Vec<String>,
}

/// What the headers of git's diffs say of moved and deleted files.
pub fn moves(diff: &str) -> Moves {
    let (mut moves, mut from, mut name) = (Moves::default(), None, None);
    for line in diff.lines() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            // Both halves are one name, with different prefixes.
            let first = names.get(..names.len() / 2).unwrap_or_default();
            let first = unquote(first);
            name = Some(first.strip_prefix("a/").unwrap_or(&first).to_owned());
        } else if line.starts_with("deleted file mode ") {
            moves.deleted.extend(name.take());
        } else if let Some(old) = line.strip_prefix("rename from ") {
            from = Some(unquote(old));
        } else if let Some(new) = line.strip_prefix("rename to ") {
            moves.renamed.extend(from.take().map(|old| (old, unquote(new))));
        }
    }
    moves
}

#[derive(Default)]
struct Reader<'f> {
    files: &'f [String],
    added: Added,
    path: Option<String>,
    /// The number of the next line of the new file.
    next: u32,
    /// How many lines of the old and the new file the hunk still has.
    old: u32,
    new: u32,
    /// Whether the `diff` line says that names have no prefix.
    bare: bool,
}

impl Reader<'_> {
    /// Only the numbers of a hunk say where it ends: its lines may look like headers.
    fn line(&mut self, line: &str) {
        if self.old > 0 || self.new > 0 {
            return self.body(line);
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(name) = line.strip_prefix("+++ ") {
            self.path = self.name(name);
        } else if let Some(names) = line.strip_prefix("diff --git ") {
            self.path = None;
            self.bare = !prefixed(names);
        } else if let Some((old, new)) = line.strip_prefix("@@ ").and_then(hunk) {
            (self.old, self.new, self.next) = (old.1, new.1, new.0);
        }
    }

    fn body(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'+') => {
                if let Some(path) = &self.path {
                    self.added.entry(path.clone()).or_default().push(self.next);
                }
                self.next = self.next.saturating_add(1);
                self.new = self.new.saturating_sub(1);
            }
            Some(b'-') => self.old = self.old.saturating_sub(1),
            // `\ No newline at end of file` is no line.
            Some(b'\\') => {}
            // An empty line is a line of context whose blank a tool has eaten.
            _ => {
                self.next = self.next.saturating_add(1);
                self.old = self.old.saturating_sub(1);
                self.new = self.new.saturating_sub(1);
            }
        }
    }

    /// The new name of a file; nothing if the change deletes it.
    fn name(&self, written: &str) -> Option<String> {
        let name = unquote(written);
        if name == "/dev/null" {
            return None;
        }
        let known = |it: &str| self.files.binary_search_by(|file| file.as_str().cmp(it)).is_ok();
        let short = ["b/", "w/", "i/", "c/", "o/"].iter().find_map(|it| name.strip_prefix(it));
        match short {
            Some(short) if known(short) || !(self.bare || known(&name)) => Some(short.to_owned()),
            _ => Some(name),
        }
    }
}

/// Whether the names of a `diff --git` line have prefixes: the old one then starts with `a/`.
fn prefixed(names: &str) -> bool {
    let names = names.trim_start_matches('"');
    ["a/", "i/", "c/", "o/", "w/"].iter().any(|it| names.starts_with(it))
}

/// `-1,2 +3,4 @@`: the first line and the number of lines, old and new.
fn hunk(text: &str) -> Option<((u32, u32), (u32, u32))> {
    let (ranges, _) = text.split_once(" @@")?;
    let (old, new) = ranges.split_once(' ')?;
    Some((range(old.strip_prefix('-')?)?, range(new.strip_prefix('+')?)?))
}

fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// A name as git writes it: in quotes with C's escapes if it has unusual characters, and with a
/// tab after it if it has blanks.
fn unquote(written: &str) -> String {
    let Some(inside) = written.strip_prefix('"') else {
        return written.split('\t').next().unwrap_or(written).to_owned();
    };
    let (mut bytes, mut rest) = (Vec::new(), inside.bytes().peekable());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => match rest.next() {
                Some(first @ b'0'..=b'7') => {
                    let mut code = u32::from(first - b'0');
                    for _ in 0..2 {
                        if let Some(digit) = rest.next_if(|it| (b'0'..=b'7').contains(it)) {
                            code = code * 8 + u32::from(digit - b'0');
                        }
                    }
                    bytes.push(code as u8);
                }
                Some(b'n') => bytes.push(b'\n'),
                Some(b't') => bytes.push(b'\t'),
                Some(b'r') => bytes.push(b'\r'),
                Some(b'a') => bytes.push(7),
                Some(b'b') => bytes.push(8),
                Some(b'f') => bytes.push(12),
                Some(b'v') => bytes.push(11),
                Some(other) => bytes.push(other),
                None => {}
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact::coverage, source::Source};

    fn report(text: &str) -> Report {
        let parsed = coverage::parse(Source::new("r", text));
        let report = parsed.artifact.and_then(|it| it.coverage);
        *report.unwrap_or_else(|| unreachable!("{text} is a report"))
    }

    fn files(paths: &[&str]) -> Vec<String> {
        let mut files: Vec<String> = paths.iter().map(|it| (*it).to_owned()).collect();
        files.sort();
        files
    }

    fn measure(diff: &str, reports: &[&str], paths: &[&str]) -> PatchCoverage {
        let reports: Vec<_> = reports.iter().map(|it| report(it)).collect();
        let reports: Vec<_> = reports.iter().collect();
        coverage(diff, &reports, &files(paths), Partial::Covered)
    }

    const DIFF: &str = "diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n\
        @@ -3,2 +3,2 @@ x\n-a\n-b\n+c\n+d\n@@ -7 +7 @@\n-e\n+f\n";

    #[test]
    fn added_lines_that_can_run_are_counted() {
        let one = "SF:src/a.py\nDA:3,0\nDA:4,1\nDA:8,0\nend_of_record\n";
        let two = "SF:src/a.py\nDA:3,1\nDA:7,0\nend_of_record\n";
        let found = measure(DIFF, &[one], &["src/a.py"]);
        assert_eq!((found.covered, found.total), (1, 2));
        assert_eq!(found.files["src/a.py"], FileCoverage { total: 2, missed: vec![3] });
        let found = measure(DIFF, &[one, two], &["src/a.py"]);
        assert_eq!((found.covered, found.total, found.status()), (2, 3, Status::Measured));
        assert_eq!(found.files["src/a.py"].missed, [7]);
    }

    #[test]
    fn what_cannot_be_attributed_is_said() {
        let other = "SF:src/b.py\nDA:1,1\nend_of_record\n";
        let found = measure(DIFF, &[other], &["src/a.py", "src/b.py"]);
        assert_eq!(
            (found.status(), found.unmeasured.as_slice()),
            (Status::Unmeasured, &["src/a.py".to_owned()][..])
        );
        let twice = "SF:a.py\nDA:3,1\nend_of_record\n";
        let found = measure(DIFF, &[twice], &["lib/a.py", "src/a.py"]);
        assert_eq!((found.status(), found.total), (Status::Ambiguous, 0));
        assert_eq!(found.ambiguous, ["src/a.py"]);
        let text = DIFF.replace(".py", ".md");
        assert_eq!(measure(&text, &[other], &["src/a.md"]).status(), Status::NoMeasurableLines);
        let unrun = "SF:src/a.py\nDA:1,1\nend_of_record\n";
        assert_eq!(measure(DIFF, &[unrun], &["src/a.py"]).status(), Status::NoMeasurableLines);
    }

    #[test]
    fn branches_may_make_a_line_missed() {
        let text = "SF:src/a.py\nDA:3,1\nBRDA:3,0,0,1\nBRDA:3,0,1,0\nend_of_record\n";
        let report = report(text);
        let files = files(&["src/a.py"]);
        let missed =
            |partial| coverage(DIFF, &[&report], &files, partial).files["src/a.py"].missed.clone();
        assert_eq!(missed(Partial::Covered), [0_u32; 0]);
        assert_eq!(missed(Partial::Missed), [3]);
    }

    #[test]
    fn diffs_are_read_by_their_numbers() {
        let diff = "diff --git a/old b/new\nsimilarity index 90%\nrename from old\nrename to new\n--- a/old\n+++ b/new\n\
            @@ -1,4 +1,5 @@\n one\n--- two\n+++ b/fake\n+x\n\n three\n\\ No newline at end of file\n\
            @@ -9 +10,2 @@\n-a\n\\ No newline at end of file\n+b\n+c\n\
            diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n";
        let added = added(diff, &[]);
        assert_eq!(added.into_iter().collect::<Vec<_>>(), [("new".to_owned(), vec![2, 3, 10, 11])]);
    }

    #[test]
    fn headers_tell_what_was_moved_and_deleted() {
        let diff = "diff --git a/api/old.yaml b/api/new.yaml\nsimilarity index 90%\nrename from api/old.yaml\nrename to api/new.yaml\n\
            diff --git a/b.yaml b/b.yaml\ndeleted file mode 100644\n--- a/b.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\
            diff --git a/c d.yaml b/c d.yaml\ndeleted file mode 100644\n";
        let moves = moves(diff);
        assert_eq!(moves.renamed, [("api/old.yaml".to_owned(), "api/new.yaml".to_owned())]);
        assert_eq!(moves.deleted, ["b.yaml", "c d.yaml"]);
    }

    #[test]
    fn names_may_be_quoted_bare_or_end_in_a_return() {
        let of =
            |diff: &str, paths: &[&str]| added(diff, &files(paths)).into_keys().collect::<Vec<_>>();
        let hunk = "@@ -0,0 +1 @@\n+x\n";
        let quoted = format!(
            "diff --git \"a/na\\303\\257ve \\\"q\\\".py\" \"b/na\\303\\257ve \\\"q\\\".py\"\n+++ \"b/na\\303\\257ve \\\"q\\\".py\"\n{hunk}"
        );
        assert_eq!(of(&quoted, &[]), ["naïve \"q\".py"]);
        assert_eq!(
            of(&format!("+++ b/a b.py\t\r\n{}", hunk.replace('\n', "\r\n")), &[]),
            ["a b.py"]
        );
        let bare = format!("diff --git b/x.py b/x.py\n--- b/x.py\n+++ b/x.py\n{hunk}");
        assert_eq!(of(&bare, &["b/x.py"]), ["b/x.py"]);
        assert_eq!(of(&bare, &["x.py"]), ["x.py"]);
        assert_eq!(
            of(&format!("diff --git src/x.py src/x.py\n+++ src/x.py\n{hunk}"), &[]),
            ["src/x.py"]
        );
    }

    #[test]
    fn no_diff_does_harm() {
        for diff in [
            "",
            "@@",
            "@@ -1 +1 @@",
            "+++ \"\\",
            "@@ -1,4294967295 +4294967295,4294967295 @@\n+a\n+b",
            "@@@ -1 -1 +1 @@@\n++x",
        ] {
            added(diff, &[]);
        }
    }
}
