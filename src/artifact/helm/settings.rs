//! The sets of values that a chart is rendered with.

use std::rc::Rc;

use serde::Deserialize;

use super::chart::{self, Chart};
use crate::{artifact::render::Files, document::Tree};

/// `[helm]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The sets of values with which charts are installed.
    #[serde(default)]
    pub values: Vec<Values>,
}

/// A set of values: paths below the root of the repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// A file, for the chart in which it lies; for every chart if it lies in none.
    File(String),
    /// Files for one chart, each over those before it.
    Chart {
        /// The folder of the chart.
        chart: String,
        /// The files.
        files: Vec<String>,
    },
}

/// A set of values, read.
pub struct Set {
    /// The file that a rendering with it is named after.
    pub path: String,
    /// The values, each over those before it.
    pub files: Vec<Rc<Tree>>,
    /// Only tests use it.
    pub is_trial: bool,
}

/// The configuration of a repository, in which `[helm]` stands.
const CONFIGURATION: &str = ".seaworthy/config.toml";

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    helm: Settings,
}

/// The sets of values to render a chart with: its own, those of the configuration, and those that
/// its tests use.
pub fn sets(chart: &Chart, files: &Files<'_>) -> Vec<Set> {
    let own = chart.metadata.source.path.clone();
    let mut sets = vec![Set { path: own, files: Vec::new(), is_trial: false }];
    for values in configured(files).values {
        let paths = values.paths(&chart.folder, files);
        sets.extend(read(&paths, files, false));
    }
    let is_trial = |it: &&String| {
        let name = it.strip_prefix("ci/").unwrap_or("");
        !name.contains('/') && name.ends_with("values.yaml")
    };
    for path in chart.files.iter().filter(is_trial) {
        sets.extend(read(&[format!("{}{path}", chart.folder)], files, true));
    }
    sets
}

/// Errors in the configuration are told by whoever reads all of it.
fn configured(files: &Files<'_>) -> Settings {
    let text = files.has(CONFIGURATION).then(|| (files.read)(CONFIGURATION)).flatten();
    let configuration = text.and_then(|it| toml::from_str::<Configuration>(&it.text).ok());
    configuration.unwrap_or_default().helm
}

fn read(paths: &[String], files: &Files<'_>, is_trial: bool) -> Option<Set> {
    let path = paths.last()?.clone();
    let trees = paths.iter().filter_map(|it| chart::tree(files, it)).map(|(tree, _)| Rc::new(tree));
    let files: Vec<_> = trees.collect();
    (!files.is_empty()).then_some(Set { path, files, is_trial })
}

impl Values {
    /// The files for the chart in a folder; none if they are for another one.
    fn paths(&self, folder: &str, files: &Files<'_>) -> Vec<String> {
        let is_here = |it: &str| it.trim_matches('/') == folder.trim_end_matches('/');
        match self {
            Self::File(path) => {
                let charts = chart::roots(files.paths);
                let of =
                    charts.iter().filter(|it| path.starts_with(**it)).max_by_key(|it| it.len());
                let is_ours = of.is_none_or(|it| *it == folder);
                is_ours.then(|| path.clone()).into_iter().collect()
            }
            Self::Chart { chart, files } if is_here(chart) => files.clone(),
            Self::Chart { .. } => Vec::new(),
        }
    }
}
