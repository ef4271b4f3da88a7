//! A chart as it lies in the repository: its metadata, values, templates, files and sub-charts.

use std::{rc::Rc, sync::Arc};

use super::semver;
use crate::{
    artifact::render::Files,
    document::{Node, Problem, Tree, Trouble},
    parse,
    source::{Source, Span},
};

/// How deep sub-charts may be inside each other.
const DEEPEST: usize = 8;

/// The paths below a folder (which ends with `/`, or is empty for the root), without it.
fn below<'s>(files: &'s Files<'_>, folder: &'s str) -> impl Iterator<Item = &'s str> {
    let start = files.paths.partition_point(|it| it.as_str() < folder);
    files.paths[start..].iter().map_while(move |it| it.strip_prefix(folder))
}

/// The tree of a YAML file, if there is one.
pub fn tree(files: &Files<'_>, path: &str) -> Option<(Tree, Vec<Problem>)> {
    files.has(path).then(|| (files.read)(path)).flatten().map(parse::yaml::parse)
}

/// A chart and what it brings.
#[derive(Debug)]
pub struct Chart {
    /// Its folder in the repository, with a `/` at its end unless it is the root.
    pub folder: String,
    /// The name under which its parent knows it.
    pub name: String,
    /// `Chart.yaml`.
    pub metadata: Rc<Tree>,
    /// `values.yaml`.
    pub values: Option<Rc<Tree>>,
    /// Its templates, without those that a library only offers to look at.
    pub templates: Vec<Arc<Source>>,
    /// The other files, below its folder, which `.Files` can see.
    pub files: Vec<String>,
    /// The charts under it, in the order in which they are declared, then by folder.
    pub children: Vec<Chart>,
    /// The `dependencies` entry of its parent's `Chart.yaml`, if it has one.
    pub dependency: Dependency,
    /// What it declares and does not hold.
    pub missing: Vec<Missing>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// What a parent says about a sub-chart.
#[derive(Clone, Debug, Default)]
pub struct Dependency {
    name: String,
    alias: Option<String>,
    version: String,
    repository: String,
    /// Paths of values, the first of which that is a boolean says whether it is rendered.
    pub condition: Vec<String>,
    /// Tags, of which one that is true is enough.
    pub tags: Vec<String>,
    /// Which of its values its parent takes over, and where to.
    pub imports: Vec<(String, String)>,
    /// Where it is declared.
    pub span: Span,
}

/// A dependency that the chart declares and does not hold.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The name under which the chart would know it.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
}

impl Chart {
    /// The chart whose `Chart.yaml` lies in `folder`; none if it cannot be read at all.
    pub fn load(folder: &str, files: &Files<'_>) -> Option<Self> {
        Self::load_below(folder, files, DEEPEST)
    }

    fn load_below(folder: &str, files: &Files<'_>, depth: usize) -> Option<Self> {
        let below = depth.checked_sub(1)?;
        let (metadata, mut problems) = tree(files, &format!("{folder}Chart.yaml"))?;
        let name = metadata.documents().next().and_then(|it| it.str("name")).unwrap_or("chart");
        let name = name.to_owned();
        let values = tree(files, &format!("{folder}values.yaml")).map(|(tree, trouble)| {
            problems.extend(trouble);
            Rc::new(tree)
        });
        let mut chart = Self {
            folder: folder.to_owned(),
            name,
            metadata: Rc::new(metadata),
            values,
            templates: Vec::new(),
            files: Vec::new(),
            children: Vec::new(),
            dependency: Dependency::default(),
            missing: Vec::new(),
            problems,
        };
        chart.find_files(files);
        chart.find_children(files, below);
        Some(chart)
    }

    /// Whether it only offers templates to others.
    pub fn is_library(&self) -> bool {
        self.metadata.documents().next().and_then(|it| it.str("type")) == Some("library")
    }

    fn find_files(&mut self, files: &Files<'_>) {
        let library = self.is_library();
        for path in below(files, &self.folder) {
            let name = path.rsplit('/').next().unwrap_or(path);
            if path.starts_with("templates/") {
                let partial = name.starts_with('_');
                if (!library || partial) && !name.starts_with('.') {
                    let path = format!("{}{path}", self.folder);
                    self.templates.extend((files.read)(&path).map(Arc::new));
                }
            } else if !path.starts_with("charts/") && !is_own(path) {
                self.files.push(path.to_owned());
            }
        }
    }

    fn find_children(&mut self, files: &Files<'_>, depth: usize) {
        let mut held = held_folders(&self.folder, files);
        let declared = self.declared(files);
        for dependency in declared {
            let found = held.iter().find(|it| it.is(&dependency));
            let local = || local_folder(&self.folder, &dependency.repository);
            let folder = found.map(|it| it.folder.clone()).or_else(local);
            let child = folder.and_then(|it| Self::load_below(&it, files, depth));
            match child {
                Some(mut child) => {
                    child.name = dependency.alias.clone().unwrap_or(child.name);
                    if let Some(held) = held.iter_mut().find(|it| it.folder == child.folder) {
                        held.declared = true;
                    }
                    child.dependency = dependency;
                    self.children.push(child);
                }
                None => self.missing.push(Missing {
                    name: dependency.alias.unwrap_or(dependency.name),
                    span: dependency.span,
                }),
            }
        }
        for held in held.iter().filter(|it| !it.declared) {
            self.children.extend(Self::load_below(&held.folder, files, depth));
        }
    }

    /// The dependencies that the chart declares: in `Chart.yaml`, or as charts of the first
    /// edition do in `requirements.yaml`.
    fn declared(&mut self, files: &Files<'_>) -> Vec<Dependency> {
        let root = self.metadata.documents().next();
        if let Some(list) = root.and_then(|it| it.get("dependencies")) {
            return list.children().map(Dependency::read).collect();
        }
        let Some((tree, problems)) = tree(files, &format!("{}requirements.yaml", self.folder))
        else {
            return Vec::new();
        };
        self.problems.extend(problems);
        let list = tree.documents().next().and_then(|it| it.get("dependencies"));
        let declared = list.into_iter().flat_map(|it| it.children()).map(Dependency::read);
        declared.map(|it| Dependency { span: Span::default(), ..it }).collect()
    }

    /// A problem for the dependencies that are missing, at the first declaration: `failed` of `all`
    /// templates could not be rendered. None if nothing is missing.
    pub fn note_missing(&self, failed: usize, all: usize) -> Option<Problem> {
        let first = self.missing.first()?;
        let names: Vec<_> = self.missing.iter().map(|it| format!("`{}`", it.name)).collect();
        let lost = match failed {
            0 => "what they render is not judged".to_owned(),
            _ => format!("{} of its {all} templates are not judged", failed.min(all)),
        };
        let reason = format!(
            "the chart does not hold what it depends on ({}), so {lost}: run `helm dependency build` \
             first",
            names.join(", ")
        );
        Some(Problem::at(&self.metadata.source, first.span.start, Trouble::Template, reason))
    }
}

/// What Helm reads itself and does not offer to `.Files`.
fn is_own(path: &str) -> bool {
    matches!(
        path,
        "Chart.yaml"
            | "Chart.lock"
            | "values.yaml"
            | "values.schema.json"
            | "requirements.yaml"
            | "requirements.lock"
    )
}

impl Dependency {
    fn read(node: Node<'_>) -> Self {
        let text = |key: &str| node.get(key).map_or(String::new(), scalar);
        let list = |key: &str| node.get(key).into_iter().flat_map(|it| it.children());
        let condition = text("condition");
        let imports = list("import-values").filter_map(|it| match it.as_str() {
            Some(name) => Some((format!("exports.{name}"), String::new())),
            None => Some((it.str("child")?.to_owned(), it.str("parent")?.to_owned())),
        });
        Self {
            name: text("name"),
            alias: node.str("alias").filter(|it| !it.is_empty()).map(str::to_owned),
            version: text("version"),
            repository: text("repository"),
            condition: condition
                .split(',')
                .map(|it| it.trim().to_owned())
                .filter(|it| !it.is_empty())
                .collect(),
            tags: list("tags").map(scalar).collect(),
            imports: imports.collect(),
            span: node.span(),
        }
    }
}

/// A scalar as it was written: versions such as `1.10` are no numbers.
pub fn scalar(node: Node<'_>) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None if node.is_null() => String::new(),
        None => node.written().to_owned(),
    }
}

/// A chart under `charts/`.
struct Held {
    folder: String,
    name: String,
    version: String,
    declared: bool,
}

impl Held {
    fn is(&self, dependency: &Dependency) -> bool {
        let fits = semver::satisfies(&dependency.version, &self.version);
        self.name == dependency.name && fits != Some(false)
    }
}

fn held_folders(folder: &str, files: &Files<'_>) -> Vec<Held> {
    let charts = format!("{folder}charts/");
    let folders = below(files, &charts).filter_map(|path| {
        let (name, rest) = path.split_once('/')?;
        (rest == "Chart.yaml").then(|| format!("{charts}{name}/"))
    });
    let folders: Vec<_> = folders.collect();
    let held = folders.into_iter().filter_map(|folder| {
        let (tree, _) = tree(files, &format!("{folder}Chart.yaml"))?;
        let root = tree.documents().next()?;
        let text = |key: &str| root.get(key).map_or(String::new(), scalar);
        Some(Held { name: text("name"), version: text("version"), folder, declared: false })
    });
    held.collect()
}

/// The folder that a `file://` repository names, inside this repository.
fn local_folder(folder: &str, repository: &str) -> Option<String> {
    let relative = repository.strip_prefix("file://")?;
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.iter().map(|it| format!("{it}/")).collect())
}

/// The folders of the charts that nobody else holds: those that are rendered. Each ends with `/`,
/// unless it is the root.
pub fn roots(paths: &[String]) -> Vec<&str> {
    let folders: Vec<&str> = paths
        .iter()
        .filter_map(|it| it.strip_suffix("Chart.yaml"))
        .filter(|it| it.is_empty() || it.ends_with('/'))
        .collect();
    let is_held = |folder: &&str| {
        let above = folder.trim_end_matches('/').rsplit_once("charts/").map(|(above, _)| above);
        above.is_some_and(|it| folders.contains(&it))
    };
    folders.iter().copied().filter(|it| !is_held(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Chart {
        let paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let read = |path: &str| {
            let found = files.iter().find(|(known, _)| *known == path);
            found.map(|(_, text)| Source::new(path, *text))
        };
        Chart::load("app/", &Files { paths: &paths, read: &read, bytes: None }).unwrap()
    }

    #[test]
    fn a_chart_knows_its_parts() {
        let chart = load(&[
            ("app/Chart.yaml", "name: app\nversion: 1.0\n"),
            ("app/README.md", ""),
            ("app/charts/db/Chart.yaml", "name: db\nversion: 1.10\n"),
            ("app/charts/db/templates/x.yaml", ""),
            ("app/templates/_helpers.tpl", ""),
            ("app/templates/a.yaml", ""),
            ("app/values.yaml", "a: 1\n"),
        ]);
        assert_eq!(chart.files, ["README.md"]);
        let names: Vec<_> = chart.templates.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(names, ["app/templates/_helpers.tpl", "app/templates/a.yaml"]);
        assert_eq!(chart.children[0].name, "db");
    }

    #[test]
    fn dependencies_are_held_local_or_missing() {
        let chart = load(&[
            (
                "app/Chart.yaml",
                "name: app\ndependencies:\n- {name: db, alias: store, version: 1.x}\n- {name: common, \
                 repository: 'file://../common'}\n- {name: gone, repository: 'https://x.example'}\n",
            ),
            ("app/charts/db/Chart.yaml", "name: db\nversion: 1.10.0\n"),
            ("common/Chart.yaml", "name: common\ntype: library\n"),
        ]);
        let names: Vec<_> = chart.children.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["store", "common"]);
        let problem = chart.note_missing(1, 2).unwrap();
        assert!(problem.reason.contains("`gone`"), "{}", problem.reason);
        assert_eq!(problem.start.line, 5);
    }

    #[test]
    fn charts_inside_charts_are_not_roots() {
        let paths = [
            "app/Chart.yaml",
            "app/charts/db/Chart.yaml",
            "charts/web/Chart.yaml",
            "x/NotChart.yaml",
        ]
        .map(str::to_owned);
        assert_eq!(roots(&paths), ["app/", "charts/web/"]);
    }
}
