//! Kustomize, in-process: what `kubectl kustomize` prints, with the file and line of each part.
//!
//! Every kustomization that no other one names is a leaf, and leaves are what is deployed: each is
//! built and judged, and the files it takes up are judged nowhere else. So what every leaf repairs
//! is silent, and what one of them leaves broken is told at the line of the base or the patch that
//! says it. Nothing is fetched and nothing is run: what lies outside of the repository, charts and
//! plugins are problems, and the rest of the build is judged.

mod build;
mod emit;
mod fields;
mod generate;
mod hash;
mod json_patch;
mod library;
mod merge;
mod model;
mod object;
mod patch;
mod references;
mod replace;
mod transform;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use self::{
    build::{Build, NAMES, is_remote, join},
    emit::{Emitter, Written},
    library::Library,
    model::Node,
};
use super::{
    Artifact, Kind, Role, kubernetes,
    render::{self, Files, Rendering},
};
use crate::{
    document::{self, Problem, Trouble},
    source::{Source, resolve},
    threads,
};

/// Whether the file describes a folder to Kustomize.
pub fn is_kustomization(path: &str) -> bool {
    NAMES.contains(&path.rsplit('/').next().unwrap_or(path))
}

/// Builds every leaf.
pub fn render(files: &Files<'_>, artifacts: &[Artifact]) -> Rendering {
    let mut rendering = Rendering::default();
    let built = build_all(files, artifacts, &mut rendering);
    let judged = threads::each(built, |(written, open)| {
        let (tree, problems) = written.tree();
        render::from_tree(tree, problems, Role::Rendered { open })
    });
    for (artifact, problems) in judged {
        rendering.artifacts.extend(artifact);
        rendering.problems.extend(problems);
    }
    rendering
}

/// The text of every leaf, and whether something of it is not here.
fn build_all(
    files: &Files<'_>,
    artifacts: &[Artifact],
    rendering: &mut Rendering,
) -> Vec<(Written, bool)> {
    let mut library = Library::new(files, artifacts, false);
    let mut built = Vec::new();
    let fragments = artifacts.iter().filter(|it| is_fragment(it, files));
    rendering.parts.extend(fragments.map(|it| it.tree.source.path.clone()));
    for path in leaves(files, &mut library, &mut rendering.parts) {
        let folder = path.rsplit_once('/').map_or("", |it| it.0);
        let mut build = Build::new(&mut library);
        let Some(objects) = build.run(folder) else { continue };
        let (open, parts) = (build.open, build.parts);
        let mut emitter = Emitter::new(&path, &library.sources);
        let (templates, objects): (Vec<_>, Vec<_>) = objects.iter().partition(|it| is_template(it));
        emitter.reserve(&objects);
        objects.iter().for_each(|it| emitter.object(it));
        rendering.parts.extend(parts);
        built.push((emitter.finish(), open || !templates.is_empty()));
        if !templates.is_empty() {
            let reason = format!(
                "{} built objects have `{{{{` in their name or namespace: they are templates of another tool and are not judged",
                templates.len()
            );
            let source = Source::new(path.as_str(), "");
            library.problems.push(Problem::at(&source, 0, Trouble::Template, reason));
        }
    }
    rendering.problems.extend(together(library.problems));
    built
}

/// Of the resources that one kustomization lacks the first stands for all.
fn together(problems: Vec<Problem>) -> Vec<Problem> {
    let mut lacking: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut out: Vec<Problem> = Vec::with_capacity(problems.len());
    for it in problems {
        if it.reason.ends_with(build::NOT_HERE) {
            let (_, more) = lacking
                .entry(it.path.clone())
                .and_modify(|known| known.1 += 1)
                .or_insert((out.len(), 0));
            if *more > 0 {
                continue;
            }
        }
        out.push(it);
    }
    for (first, more) in lacking.into_values().filter(|it| it.1 > 0) {
        let text = out[first].reason.strip_suffix(build::NOT_HERE).unwrap_or_default();
        out[first].reason = format!("{text} (and {more} more){}", build::NOT_HERE);
    }
    out
}

/// What `kubectl kustomize` would print for the folder of a kustomization, and what is in the way.
pub fn print(files: &Files<'_>, path: &str) -> (Option<Source>, Vec<Problem>) {
    let mut library = Library::new(files, &[], true);
    let folder = path.rsplit_once('/').map_or("", |it| it.0);
    let objects = Build::new(&mut library).run(folder);
    let source = objects.map(|objects| {
        let mut emitter = Emitter::new(path, &library.sources);
        objects.iter().for_each(|it| emitter.object(it));
        emitter.finish().source
    });
    (source, library.problems)
}

/// Whether another tool fills the object in after it was built.
fn is_template(object: &Node) -> bool {
    ["name", "namespace"].iter().any(|it| object.scalar_at(&["metadata", it]).contains("{{"))
}

/// Whether the file is a patch by its place: called so, in or below the folder of a kustomization.
/// Where no kustomization names it, it is used by nobody, and no object.
fn is_patch(path: &str, files: &Files<'_>) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let has = |folder: &str| NAMES.iter().any(|it| files.has(&join(folder, it)));
    let is_yaml = [".yaml", ".yml", ".json"].iter().any(|it| name.ends_with(it));
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    is_yaml
        && !is_kustomization(path)
        && (name.split(['-', '_', '.']).any(|it| it == "patch") && has(folder)
            || last == "patches" && (has(above) || has(folder)))
}

/// Whether the file lies beside a kustomization and holds nothing but parts of workloads, which no
/// cluster takes: somebody adds it as a patch before he builds.
fn is_fragment(artifact: &Artifact, files: &Files<'_>) -> bool {
    let folder = artifact.tree.source.folder();
    let has_image = |it: kubernetes::Pod<'_>| {
        let containers = it.spec().get("containers").into_iter().flat_map(document::Node::children);
        containers.filter_map(|it| it.get("image")).next().is_some()
    };
    let is_part = |it: kubernetes::Manifest<'_>| {
        it.group() == "apps"
            && it.raw().at(&["spec", "selector"]).is_none()
            && !it.pods().any(has_image)
    };
    let mut all = kubernetes::manifests(artifact).peekable();
    artifact.kind == Kind::Kubernetes
        && all.peek().is_some()
        && all.all(is_part)
        && NAMES.iter().any(|it| files.has(&join(folder, it)))
}

/// The kustomizations that no other one names, components aside; `patches` gets the files that are
/// patches to any of them.
fn leaves(
    files: &Files<'_>,
    library: &mut Library<'_>,
    patches: &mut BTreeSet<String>,
) -> Vec<String> {
    let (mut found, mut named) = (Vec::new(), HashSet::new());
    patches.extend(files.paths.iter().filter(|it| is_patch(it, files)).cloned());
    for path in files.paths.iter().filter(|it| is_kustomization(it)) {
        let folder = path.rsplit_once('/').map_or("", |it| it.0);
        let Some(loaded) = library.load(path) else { continue };
        let Some(file) = loaded.documents.first() else { continue };
        for key in ["resources", "bases", "components"] {
            for it in file.get(key).into_iter().flat_map(Node::items).filter_map(Node::scalar) {
                named.extend(resolve(folder, it).filter(|_| !is_remote(it)));
            }
        }
        // The patches of one that is not built by itself are no objects either.
        let list = |key: &str| file.get(key).into_iter().flat_map(Node::items);
        let merges = list("patchesStrategicMerge").filter_map(Node::scalar);
        let others = list("patches").chain(list("patchesJson6902"));
        let others = others.filter_map(|it| it.get("path")?.scalar());
        patches.extend(merges.chain(others).filter_map(|it| resolve(folder, it)));
        let kind = file.scalar_at(&["kind"]);
        let is_ours = kind.is_empty() || kind == "Kustomization";
        let is_flux = file.scalar_at(&["apiVersion"]).contains("toolkit.fluxcd.io");
        if is_ours && !is_flux {
            found.push((folder.to_owned(), path.clone()));
        }
    }
    found.retain(|it| !named.contains(&it.0));
    found.into_iter().map(|it| it.1).collect()
}
