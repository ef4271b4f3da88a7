//! Helm charts: how they are found, read and rendered in-process, without Helm.
//!
//! A chart is rendered with its own values, once more with each set of values that the configuration
//! names, and with each `ci/*-values.yaml` that it brings for its tests. Every byte that comes out
//! knows the bytes of the template that it comes from.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Role,
    render::{self, Files, Rendering},
};
use crate::{
    document::{Node, Problem, Tree},
    parse::yaml,
    source::Source,
    threads,
};

mod archive;
mod authored;
mod chart;
mod data;
mod encode;
mod engine;
mod functions;
mod metadata;
mod methods;
mod number;
mod output;
mod rendering;
mod semver;
mod settings;
mod template;
mod values;
mod written;

pub use encode::from_base64;
pub use metadata::{VIEWS, parse, recognise};
pub use settings::Settings;

use archive::Unpacked;
use authored::Authored;
use chart::Chart;
use rendering::Templates;

/// Renders every chart of the repository that is not a part of another one.
pub fn render(files: &Files<'_>) -> Rendering {
    let rendered = threads::each(chart::roots(files.paths), |folder| one(folder, files));
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

/// Whether the file is what the chart above it once printed, kept as an example: the chart itself
/// is judged, and one cause is told once.
pub fn is_output(source: &Source, files: &Files<'_>) -> bool {
    let says = |it: &str| it.starts_with("# Source: ") && it.contains("/templates/");
    let folders = || source.path.match_indices('/').map(|(at, _)| &source.path[..=at]);
    source.text.lines().take(3).any(says)
        && folders().any(|it| files.has(&format!("{it}Chart.yaml")))
}

/// Renders the chart in a folder with each of its sets of values.
pub fn one(folder: &str, files: &Files<'_>) -> Rendering {
    let unpacked = Unpacked::read(folder, files);
    let read = |path: &str| unpacked.get(path).or_else(|| (files.read)(path));
    let files = &Files { paths: unpacked.paths(files), read: &read, bytes: None };
    let mut result = Rendering::default();
    let Some(chart) = Chart::load(folder, files) else { return result };
    let templates = Templates::read(&chart);
    let authored = Authored::new(&chart, &templates);
    result.problems.extend(chart.problems.iter().chain(&templates.problems).cloned());
    let mut failed: Vec<Problem> = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut texts: Vec<Arc<Source>> = Vec::new();
    for set in settings::sets(&chart, files) {
        let rendering = rendering::render(&chart, &templates, &set.files, files);
        let open = !chart.missing.is_empty() || !rendering.problems.is_empty();
        failed.extend(rendering.problems);
        done.extend(rendering.done);
        let source = authored.text(&set.path, &rendering.rendered);
        if texts.iter().all(|it| it.text != source.text) {
            let role = if set.is_trial { Role::Trial } else { Role::Rendered { open } };
            let (tree, problems) = deployed(source);
            texts.push(tree.source.clone());
            let (artifact, problems) = render::from_tree(tree, problems, role);
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
    result.problems.iter_mut().for_each(|it| authored.retarget(it));
    result
}

/// The manifests in what a chart printed, without its tests, which nobody deploys.
fn deployed(source: Source) -> (Tree, Vec<Problem>) {
    let (mut tree, problems) = yaml::parse(source);
    let mut roots = std::mem::take(&mut tree.roots);
    roots.retain(|root| !is_test(tree.node(*root)));
    tree.roots = roots;
    (tree, problems)
}

/// Whether an object is only made when somebody runs `helm test`.
fn is_test(object: Node<'_>) -> bool {
    let hooks = object.at(&["metadata", "annotations", "helm.sh/hook"]).and_then(Node::as_str);
    let is_test = |it: &str| matches!(it.trim(), "test" | "test-success" | "test-failure");
    hooks.is_some_and(|it| it.split(',').any(is_test))
}

/// The files that are not judged alone: templates with actions, which alone are no YAML, those that
/// were rendered, and what lies in `files`.
fn parts(chart: &Chart, done: &BTreeSet<String>) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let mut charts = vec![chart];
    while let Some(chart) = charts.pop() {
        charts.extend(&chart.children);
        let own =
            chart.templates.iter().filter(|it| done.contains(&it.path) || it.text.contains("{{"));
        parts.extend(own.map(|it| it.path.clone()));
        // What templates read is theirs, not the cluster's.
        let read = chart.files.iter().filter(|it| it.starts_with("files/"));
        parts.extend(read.map(|it| format!("{}{it}", chart.folder)));
    }
    parts
}

#[cfg(test)]
mod tests;
