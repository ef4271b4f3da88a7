//! The joins across artifacts: images, workloads, targets, routes, stages.

use std::collections::BTreeMap;

use crate::{
    artifact::{Artifact, Kind, View},
    source::Source,
};

/// What is known of the repository once every file is read.
#[derive(Debug)]
pub struct Repository<'a> {
    /// The artifacts, by path.
    pub artifacts: &'a [Artifact],
    /// Every file of the repository, ours or not, sorted: paths below the root.
    pub files: &'a [String],
    /// Small texts that are no artifacts and that joins read (`.dockerignore`, scripts,
    /// kustomizations), by path.
    pub texts: &'a BTreeMap<String, Source>,
}

impl<'a> Repository<'a> {
    /// The repository of these artifacts, files (sorted) and texts, with its indexes.
    pub fn new(
        artifacts: &'a [Artifact],
        files: &'a [String],
        texts: &'a BTreeMap<String, Source>,
    ) -> Self {
        Self { artifacts, files, texts }
    }

    /// Whether `texts` should hold the file: what joins read beside the artifacts.
    pub fn wants_text(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.ends_with(".dockerignore")
            || matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
    }

    /// The artifacts of one kind, by path.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Artifact> {
        self.artifacts.iter().filter(move |it| it.kind == kind)
    }

    /// Whether the repository holds a file at this path.
    pub fn has_file(&self, path: &str) -> bool {
        self.files.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
    }

    /// Whether the repository holds a folder at this path (a file lies below it).
    pub fn has_folder(&self, path: &str) -> bool {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let at = self.files.partition_point(|it| it.as_str() < prefix.as_str());
        path.is_empty() || self.files.get(at).is_some_and(|it| it.starts_with(&prefix))
    }
}

/// The views that look across artifacts.
pub const VIEWS: &[View] = &[];
