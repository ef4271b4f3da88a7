//! Pipelines of continuous integration: workflows and actions of GitHub, and GitLab CI.
//!
//! The systems differ in words, not in what a reader asks: which jobs run before a change is
//! merged, what their commands are, and whether their failure counts. So all of them are read into
//! one [`model`], and the tree that views walk is derived from it.

mod append;
mod condition;
mod github;
mod gitlab;
mod model;
mod role;
mod script;
#[cfg(test)]
mod tests;
mod views;

use super::{Artifact, Kind, Parsed, zizmor};
use crate::{
    document::{Node, Problem, Trouble},
    parse,
    source::Source,
};

pub use role::{of_command, role_named};
pub use views::VIEWS;

/// Pipelines larger than this are not judged.
const LARGEST: usize = 2 << 20;

/// Which system reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// A workflow of GitHub Actions.
    Github,
    /// A composite action, or another action, of GitHub.
    Action,
    /// GitLab CI.
    Gitlab,
}

impl System {
    /// The system, by the path of the file.
    fn of(source: &Source) -> Option<Self> {
        let path = source.path.as_str();
        let is_yaml = path.ends_with(".yml") || path.ends_with(".yaml");
        // A path that is absolute was named on the command line.
        let in_folder = |folder: &str| {
            path.starts_with(folder)
                || path.starts_with('/') && path.contains(&format!("/{folder}"))
        };
        if !is_yaml {
            return None;
        }
        if in_folder(".github/workflows/") {
            return (source.folder().ends_with("workflows")).then_some(Self::Github);
        }
        if matches!(source.name(), "action.yml" | "action.yaml") && source.text.contains("runs:") {
            return Some(Self::Action);
        }
        let is_gitlab = path.ends_with(".gitlab-ci.yml")
            || in_folder(".gitlab/ci/")
            || in_folder(".gitlab-ci/");
        is_gitlab.then_some(Self::Gitlab)
    }

    /// As rules see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Action => "action",
            Self::Gitlab => "gitlab",
        }
    }
}

/// Whether the file is one, by its path.
pub fn recognise(source: &Source) -> bool {
    System::of(source).is_some()
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let system = System::of(&source).unwrap_or(System::Github);
    let refuse = |kind, reason: &str| Parsed {
        artifact: None,
        problems: vec![Problem::at(&source, 0, kind, reason)],
    };
    if source.text.len() > LARGEST {
        return refuse(Trouble::Limit, "a pipeline of more than 2 MiB: not judged");
    }
    if is_template(&source) {
        return refuse(Trouble::Template, "a template: render it and judge what comes out");
    }
    let (mut tree, problems) = parse::yaml::parse(source);
    let Some(model) = tree.documents().next().filter(|it| it.is_map()).map(|root| match system {
        System::Gitlab => gitlab::read(root),
        _ => github::read(root, system),
    }) else {
        return Parsed { artifact: None, problems };
    };
    let suppressions = zizmor::comments(&tree);
    let root = append::append(&mut tree, &model);
    let artifact =
        Artifact { derived: vec![root], suppressions, ..Artifact::new(Kind::Workflow, tree) };
    Parsed { artifact: Some(artifact), problems }
}

/// Whether somebody has to render the file first: cookiecutter, Jinja, or another template.
fn is_template(source: &Source) -> bool {
    let text = &source.text;
    // What lies here is run as it stands, whatever the repository is a template of.
    if source.path.starts_with(".github/workflows/") && !source.path.contains("{{") {
        return false;
    }
    source.path.contains("{{")
        || text.contains("{%") && text.contains("%}") && !text.contains("{% raw %}")
        || text.contains("{{ cookiecutter.")
        || text.contains("{{cookiecutter.")
}

/// What is derived of the pipeline.
pub fn pipeline(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|&root| artifact.tree.node(root))
}
