//! Helm charts: how they are found, read and rendered in-process, without Helm.
//!
//! A chart is rendered with its own values, once more with each set of values that the configuration
//! names, and with each `ci/*-values.yaml` that it brings for its tests. Every byte that comes out knows the bytes of the template that it comes from.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use rayon::prelude::*;

use super::{
    Artifact, Role,
    render::{self, Files, Rendering},
};
use crate::{
    document::{Node, Problem},
    parse,
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
mod settings;
mod template;
mod values;

pub use settings::Settings;

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
    result.problems.extend(chart.problems.iter().chain(&templates.problems).cloned());
    let mut failed: Vec<Problem> = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut texts: BTreeSet<String> = BTreeSet::new();
    for set in settings::sets(&chart, files) {
        let rendering = rendering::render(&chart, &templates, &set.files, files);
        let open = !chart.missing.is_empty() || !rendering.problems.is_empty();
        failed.extend(rendering.problems);
        done.extend(rendering.done);
        let source = written(&set.path, &templates, &rendering.rendered);
        if texts.insert(source.text.clone()) {
            let role = if set.is_trial { Role::Trial } else { Role::Rendered { open } };
            let (artifact, problems) = deployed(source, role);
            result.artifacts.extend(artifact);
            result.problems.extend(problems);
        }
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

/// The manifests in what a chart printed, without its tests, which nobody deploys.
fn deployed(source: Source, role: Role) -> (Option<Artifact>, Vec<Problem>) {
    let (mut tree, problems) = parse::yaml::parse(source);
    let mut roots = std::mem::take(&mut tree.roots);
    roots.retain(|root| !is_test(tree.node(*root)));
    tree.roots = roots;
    render::from_tree(tree, problems, role)
}

/// Whether an object is only made when somebody runs `helm test`.
fn is_test(object: Node<'_>) -> bool {
    let hooks = object.at(&["metadata", "annotations", "helm.sh/hook"]).and_then(Node::as_str);
    let is_test = |it: &str| matches!(it.trim(), "test" | "test-success" | "test-failure");
    hooks.is_some_and(|it| it.split(',').any(is_test))
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

#[cfg(test)]
mod tests;
