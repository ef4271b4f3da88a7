//! Coverage reports that are older than the code they speak of.

use std::collections::BTreeMap;

use super::{
    super::{Repository, record},
    Placed, is_fixture, placed_in,
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View, fields},
    date::Date,
    value::Value,
};

/// What the files that reports measure are today.
#[derive(Debug, Default)]
pub struct Measured {
    /// How many lines they have.
    pub lines: BTreeMap<String, u64>,
    /// Files that changed since the first report was made, and the day.
    pub changed: Vec<(String, Date)>,
}

/// How many files of reports are looked at.
const MOST: usize = 20_000;

impl Measured {
    /// The files that reports measure, by path.
    pub fn wanted<'a>(artifacts: &'a [Artifact], files: &'a [String]) -> Vec<&'a str> {
        let reports = placed_in(artifacts, files).into_iter().filter(is_own);
        let mut wanted: Vec<&str> = reports.flat_map(|it| it.files().collect::<Vec<_>>()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.truncate(MOST);
        wanted
    }

    /// The day on which the first of the reports was made that say so.
    pub fn earliest(artifacts: &[Artifact]) -> Option<Date> {
        let reports = artifacts.iter().filter(|it| !is_fixture(&it.tree.source.path));
        let made = reports.filter_map(|it| it.coverage.as_ref()?.made);
        made.min().map(Date::at_second)
    }
}

fn is_own(report: &Placed<'_>) -> bool {
    !is_fixture(&report.artifact.tree.source.path)
}

const OLDER: &[Field] = fields! {
    "file": Shape::Text, "the file of the repository";
    "line": Shape::Number, "the last line of it that the report names; 0 where it has that line";
    "lines": Shape::Number, "how many lines it has";
    "count": Shape::Number, "how many files of the report are like that";
    "made": Shape::Text, "the day on which the report was made; nothing where its lines tell";
    "changed": Shape::Text, "the day on which the file changed last";
};

/// One subject for each report that is older than a file it measures.
pub(in super::super) const VIEW: View = View {
    name: "repository.coverage_older",
    kind: Kind::Repository,
    means: "a coverage report that names lines which a file does not have, or that was made before a file changed",
    vars: &[Field { name: "it", shape: Shape::Record(OLDER), means: "the first such file" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let today = &repository.measured;
    if today.lines.is_empty() {
        return;
    }
    let reports = placed_in(repository.artifacts, repository.files);
    for report in reports.iter().filter(|it| is_own(it)) {
        let beyond = beyond(report, &today.lines);
        let later = if beyond.is_empty() { later(report, &today.changed) } else { Vec::new() };
        let count = Value::Int(beyond.len().max(later.len()) as i64);
        let it = if let Some((file, line, lines)) = beyond.first() {
            record([
                ("file", Value::Str(file)),
                ("line", Value::Int(*line as i64)),
                ("lines", Value::Int(*lines as i64)),
                ("count", count),
                ("made", Value::Null),
                ("changed", Value::Null),
            ])
        } else if let Some((file, made, changed)) = later.first() {
            record([
                ("file", Value::Str(file)),
                ("line", Value::Int(0)),
                ("lines", Value::Int(0)),
                ("count", count),
                ("made", Value::text(made.to_string())),
                ("changed", Value::text(changed.to_string())),
            ])
        } else {
            continue;
        };
        emit(Subject { values: vec![it], at: report.root, object: None });
    }
}

/// Files of which the report names a line that they do not have: the file, that line, and how many
/// it has. Some tools count the end of a file as a line.
fn beyond<'a>(report: &Placed<'a>, lines: &BTreeMap<String, u64>) -> Vec<(&'a str, u64, u64)> {
    let read = report.artifact.coverage.iter().flat_map(|it| &it.files);
    let placed = read.zip(&report.meanings).filter_map(|(file, meaning)| {
        let super::Meaning::File(path) = meaning else { return None };
        let last = u64::from(file.lines.last()?.number());
        let has = *lines.get(*path)?;
        // What is compiled from something else names lines of that.
        let is_source = !path.ends_with(".vue") && !path.ends_with(".svelte");
        (is_source && has > 0 && last > has + 1).then_some((*path, last, has))
    });
    placed.collect()
}

/// Files that changed more than a day after the report was made: the file and both days.
fn later<'a>(report: &Placed<'a>, changed: &[(String, Date)]) -> Vec<(&'a str, Date, Date)> {
    let made = report.artifact.coverage.as_ref().and_then(|it| it.made).map(Date::at_second);
    let Some(made) = made else { return Vec::new() };
    let late = report.files().filter_map(|path| {
        let at = changed.binary_search_by(|it| it.0.as_str().cmp(path)).ok()?;
        let day = changed[at].1;
        (day.since(made) > 1).then_some((path, made, day))
    });
    late.collect()
}
