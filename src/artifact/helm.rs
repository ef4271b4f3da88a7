//! Helm charts: how they are found, read and rendered in-process, without Helm.
//!
//! A chart is rendered with its own values and once more with each `ci/*-values.yaml` that it
//! brings. Every byte that comes out knows the bytes of the template that it comes from.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use rayon::prelude::*;

use super::render::{self, Files, Rendering};
use crate::{
    document::{Problem, Tree},
    source::{Draft, Source, Span},
};

mod chart;
mod data;
mod encode;
mod engine;
mod functions;
mod methods;
mod number;
mod output;
mod rendering;
mod semver;
mod template;
mod values;

use chart::Chart;
use rendering::Templates;

/// Renders every chart of the repository that is not a part of another one.
pub fn render(files: &Files<'_>) -> Rendering {
    let rendered: Vec<_> =
        chart::roots(files.paths).par_iter().map(|folder| one(folder, files)).collect();
    let mut all = Rendering::default();
    rendered.into_iter().for_each(|it| all.extend(it));
    all
}

/// The folder of the chart to which a file belongs as its `Chart.yaml`, its values or one of its
/// templates: the outermost one, with a `/` at its end unless it is the root.
pub fn chart_of<'p>(path: &'p str, files: &Files<'_>) -> Option<&'p str> {
    let folders = path.match_indices('/').map(|(at, _)| &path[..=at]);
    let of = |folder: &&str| {
        let below = &path[folder.len()..];
        let is_own = ["Chart.yaml", "values.yaml"].contains(&below);
        let is_inside = below.starts_with("templates/") || below.starts_with("charts/");
        (is_own || is_inside) && files.has(&format!("{folder}Chart.yaml"))
    };
    std::iter::once("").chain(folders).find(of)
}

/// Renders the chart in a folder with each of its sets of values.
pub fn one(folder: &str, files: &Files<'_>) -> Rendering {
    let mut result = Rendering::default();
    let Some(chart) = Chart::load(folder, files) else { return result };
    let templates = Templates::read(&chart);
    result.problems.extend(templates.problems.iter().cloned());
    let mut failed: Vec<Problem> = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut texts: BTreeSet<String> = BTreeSet::new();
    for set in sets(&chart, files) {
        let given = set.as_ref();
        let rendering = rendering::render(&chart, &templates, given, files);
        failed.extend(rendering.problems);
        done.extend(rendering.done);
        let path = given.map_or(&chart.metadata.source.path, |it| &it.source.path);
        let source = written(path, &templates, &rendering.rendered);
        if !texts.insert(source.text.clone()) {
            continue;
        }
        let (artifact, problems) = render::artifact(source, !failed.is_empty());
        result.artifacts.extend(artifact);
        result.problems.extend(problems);
    }
    failed.retain(|it| !done.contains(&it.path));
    failed.dedup_by(|a, b| a.path == b.path);
    if let Some(problem) = chart.note_missing(failed.len(), templates.sources.len()) {
        failed.clear();
        result.problems.push(problem);
    }
    result.parts = parts(&chart, &done);
    result.problems.extend(failed);
    result
}

/// The sets of values to render a chart with: its own, and those that its tests use.
fn sets(chart: &Chart, files: &Files<'_>) -> Vec<Option<Tree>> {
    let is_set = |it: &&String| {
        let name = it.strip_prefix("ci/").unwrap_or("");
        !name.contains('/') && name.ends_with("values.yaml")
    };
    let mut sets = vec![None];
    for path in chart.files.iter().filter(is_set) {
        let path = format!("{}{path}", chart.folder);
        sets.extend(chart::tree(files, &path).map(|(tree, _)| Some(tree)));
    }
    sets
}

/// What a chart printed, as one text of many documents.
fn written(path: &str, templates: &Templates, rendered: &[rendering::Rendered]) -> Source {
    let mut draft = Draft::new(path);
    for it in rendered {
        if !draft.is_empty() {
            draft.glue("\n---\n");
        }
        let text = &it.output.text;
        let ends = it.output.pieces.iter().skip(1).map(|it| it.from).chain([text.len()]);
        for (piece, end) in it.output.pieces.iter().zip(ends) {
            let source: &Arc<Source> = &templates.sources[piece.place.file];
            let file = draft.file(source);
            let mut from = piece.from;
            for at in after_marks(text, piece.from..end) {
                draft.push(&text[from..at], file, part_of(piece, end, from..at));
                draft.glue("\n");
                from = at;
            }
            draft.push(&text[from..end], file, part_of(piece, end, from..end));
        }
    }
    draft.finish()
}

/// The place of the bytes `from..to` of a piece: those very bytes where all of it was written so,
/// otherwise the action that made them.
fn part_of(piece: &output::Piece, end: usize, part: Range<usize>) -> Span {
    let place = piece.place.span;
    if (place.end - place.start) as usize != end - piece.from {
        return place;
    }
    let start = place.start as usize + part.start - piece.from;
    Span::new(start, start + part.len())
}

/// Where text follows a document mark on its line: Helm takes `---# text` apart, YAML does not.
fn after_marks(text: &str, range: Range<usize>) -> Vec<usize> {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(&bytes[range.clone()], "---")
        .map(|at| at + range.start)
        .filter(|at| *at == 0 || bytes[at - 1] == b'\n')
        .filter(|at| bytes.get(at + 3).is_some_and(|it| !b" \t\r\n-".contains(it)))
        .map(|at| at + 3)
        .collect()
}

/// The templates that are not judged alone: those with actions, which alone are no YAML, and those
/// that were rendered.
fn parts(chart: &Chart, done: &BTreeSet<String>) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let mut charts = vec![chart];
    while let Some(chart) = charts.pop() {
        charts.extend(&chart.children);
        let own =
            chart.templates.iter().filter(|it| done.contains(&it.path) || it.text.contains("{{"));
        parts.extend(own.map(|it| it.path.clone()));
    }
    parts
}
