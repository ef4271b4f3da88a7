//! What a file means: its kind, its tree, and the views through which rules look at it.

use std::{fmt, sync::Arc};

use crate::{
    document::{Id, Node, Problem, Tree},
    parse,
    repository::Repository,
    source::{Source, Span},
    value::Value,
};

/// The kinds of artifact we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A `Dockerfile` or a `Containerfile`.
    Dockerfile,
    /// Manifests for Kubernetes.
    Kubernetes,
    /// A `Makefile`.
    Makefile,
    /// The file of another runner: justfile, Taskfile.yml, package.json, tox.ini, …
    Runner,
    /// A description of an HTTP interface: OpenAPI 2, 3.0, 3.1 or 3.2.
    Openapi,
    /// A report of test coverage.
    Coverage,
    /// A page for people, in Markdown or reStructuredText.
    Docs,
    /// A pipeline of continuous integration: of GitHub or GitLab.
    Workflow,
    /// A Compose file.
    Compose,
    /// Rules, objectives and dashboards that watch a service.
    Prometheus,
    /// Terraform or OpenTofu.
    Terraform,
    /// Who keeps the repository up: Dependabot, Renovate, CODEOWNERS.
    Upkeep,
    /// A Python module.
    Python,
    /// What a Python project depends on.
    Dependencies,
    /// A file of environment variables.
    Dotenv,
    /// The metadata of a Helm chart.
    Helm,
    /// A load test: of k6 or Artillery.
    Load,
    /// Configuration of nginx.
    Nginx,
    /// The comments that say not to report something.
    Suppression,
    /// The repository as a whole: views that join artifacts.
    Repository,
}

impl Kind {
    /// The name that users see: the folder under `rules/`, the key in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dockerfile => "dockerfile",
            Self::Kubernetes => "kubernetes",
            Self::Makefile => "makefile",
            Self::Runner => "runner",
            Self::Openapi => "openapi",
            Self::Coverage => "coverage",
            Self::Docs => "docs",
            Self::Workflow => "workflow",
            Self::Compose => "compose",
            Self::Helm => "helm",
            Self::Load => "load",
            Self::Nginx => "nginx",
            Self::Prometheus => "prometheus",
            Self::Terraform => "terraform",
            Self::Upkeep => "upkeep",
            Self::Python => "python",
            Self::Dependencies => "dependencies",
            Self::Dotenv => "dotenv",
            Self::Suppression => "suppression",
            Self::Repository => "repository",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file that we understand: its kind and its tree.
#[derive(Debug)]
pub struct Artifact {
    /// What it is.
    pub kind: Kind,
    /// What it says, and what we derived from it.
    pub tree: Tree,
    /// The roots of what we derived from it (stages, workloads, targets), as the kind's own module
    /// defines them.
    pub derived: Vec<Id>,
    /// What the peers' pragmas and annotations in it say not to report. Comments of our own form
    /// are found by `waive`, in every kind of file.
    pub suppressions: Vec<Suppression>,
    /// The lines of a coverage report, which would be too heavy as a tree; none for other kinds.
    pub coverage: Option<Box<coverage::Report>>,
    /// What the schemas of custom resources in it say, by the nodes that they were written in:
    /// they would be too heavy as trees.
    pub schemas: Vec<(Id, kubernetes::Schema)>,
    /// Whether it stands for itself.
    pub role: Role,
}

/// What an artifact is to the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A file that stands for itself.
    #[default]
    Whole,
    /// A file that is taken up in something rendered, and judged there.
    Part,
    /// Rendered by us from files: one unit of what is deployed together.
    Rendered {
        /// Something that belongs to the unit could not be rendered.
        open: bool,
    },
    /// Rendered by us as nobody deploys it, with the values that a chart's tests use: judged alone,
    /// and not seen by joins.
    Trial,
}

impl Artifact {
    /// An artifact of which only the tree is known yet.
    pub fn new(kind: Kind, tree: Tree) -> Self {
        let (derived, suppressions, schemas) = (Vec::new(), Vec::new(), Vec::new());
        Self { kind, tree, derived, suppressions, coverage: None, schemas, role: Role::Whole }
    }
}

/// What came of reading a file: an artifact, or not ours, and what could not be read.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The artifact, if the file is one.
    pub artifact: Option<Artifact>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Why a file is read at all, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It may be an artifact.
    Artifact,
    /// It is a text that joins read: see [`Repository::texts`].
    Text,
    /// It only counts as being there.
    Not,
}

/// Texts larger than this are not read for joins.
pub const LARGEST_TEXT: usize = 256 << 10;

/// The end of names of reports that gcov packs.
pub const PACKED: &str = ".gcov.json.gz";

/// Why the file at `path` is read, if it is.
pub fn reading(path: &str) -> Reading {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_text = matches!(
        name.as_str(),
        ".dockerignore"
            | ".gitattributes"
            | ".gitmodules"
            | ".hadolint.yaml"
            | ".hadolint.yml"
            | ".coveragerc"
            | "setup.cfg"
            | "tox.ini"
            | "pyproject.toml"
            | "codecov.yml"
            | ".codecov.yml"
            | "codecov.yaml"
            | "package.json"
            | ".nycrc"
            | ".nycrc.json"
            | "go.mod"
            | ".nvmrc"
            | ".node-version"
            | ".python-version"
            | ".ruby-version"
            | ".tool-versions"
            | "requirements.txt"
            | ".env.example"
            | "codeowners"
            | "justfile"
            | ".justfile"
            | "noxfile.py"
            | "mise.toml"
            | ".mise.toml"
            | "taskfile.dist.yml"
            | "taskfile.dist.yaml"
            | "taskfile.yml"
            | "taskfile.yaml"
            | "cargo.toml"
            | "docker-bake.hcl"
            | "chart.yaml"
    );
    let is_compose = (name.starts_with("docker-compose") || name.starts_with("compose"))
        && matches!(extension, "yml" | "yaml");
    let is_workflow = path.starts_with(".github/workflows/") || name == ".gitlab-ci.yml";
    if docs::is_page(path) {
        return Reading::Artifact;
    }
    if Repository::wants_text(path)
        || kubernetes::config::is_config(&name)
        || zizmor::is_config(path)
        || is_text
        || is_compose
        || is_workflow
        || name.ends_with(".dockerignore")
        || name.starts_with("jest.config")
        || name.starts_with("vitest.config")
        || matches!(name.as_str(), ".c8rc.json" | ".codecov.yaml")
    {
        return Reading::Text;
    }
    if dependencies::is_named(path)
        || dotenv::is_named(&name)
        || nginx::is_named(path)
        || load::is_named(path)
    {
        return Reading::Artifact;
    }
    match extension {
        "yaml" | "yml" | "json" | "xml" | "info" | "out" | "lcov" | "cov" | "coveragexml"
        | "dockerfile" | "containerfile" | "make" | "mak" | "mk" | "py" | "tf" | "tofu" => {
            Reading::Artifact
        }
        "sh" | "bash" => Reading::Text,
        "gz" if name.ends_with(PACKED) => Reading::Artifact,
        _ if ["dockerfile", "containerfile", "makefile", "gnumakefile"]
            .iter()
            .any(|it| name.starts_with(it) || name.ends_with(it)) =>
        {
            Reading::Artifact
        }
        _ if name.contains("cover") || name.contains("lcov") => Reading::Artifact,
        _ => Reading::Not,
    }
}

/// Reads a file, if it is one of ours.
pub fn parse(source: Source) -> Parsed {
    if python::recognise(&source) {
        return python::parse(source);
    }
    if dependencies::recognise(&source) {
        return dependencies::parse(source);
    }
    if dotenv::recognise(&source) {
        return dotenv::parse(source);
    }
    if dockerfile::recognise(&source) {
        return dockerfile::parse(source);
    }
    if makefile::recognise(&source) {
        return makefile::parse(source);
    }
    if docs::recognise(&source) {
        return docs::parse(source);
    }
    if workflow::recognise(&source) {
        return workflow::parse(source);
    }
    if compose::recognise(&source) {
        return compose::parse(source);
    }
    if runner::recognise(&source) {
        return runner::parse(source);
    }
    if helm::recognise(&source) {
        return helm::parse(source);
    }
    if upkeep::recognise(&source) {
        return upkeep::parse(source);
    }
    if terraform::recognise(&source) {
        return terraform::parse(source);
    }
    if load::recognise(&source) {
        return load::parse(source);
    }
    if nginx::recognise(&source) {
        return nginx::parse(source);
    }
    if coverage::recognise(&source) {
        return coverage::parse(source);
    }
    let name = source.name().to_ascii_lowercase();
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    let is_ours = mentions_a_kind(&source.text) || prometheus::may_be(&source.text);
    if !(is_yaml || name.ends_with(".json")) || !is_ours {
        return Parsed::default();
    }
    let (tree, problems) =
        if is_yaml { parse::yaml::parse(source) } else { parse::json::parse(source) };
    if openapi::claims(&tree) {
        openapi::parse(tree, problems)
    } else if kubernetes::claims(&tree) {
        kubernetes::parse(tree, problems)
    } else if prometheus::claims(&tree) {
        prometheus::parse(tree, problems)
    } else {
        // What could be read is none of ours; what could not be read may have been.
        let read = !is_yaml && tree.documents().any(|it| it.is_map());
        let problems = problems.into_iter().take(usize::from(!read)).collect();
        Parsed { artifact: None, problems }
    }
}

/// A cheap look before a YAML or JSON text is parsed: most of them are none of ours.
fn mentions_a_kind(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("apiVersion") && has("kind") || has("openapi") || has("swagger")
}

/// Who a subject is, for readers that know it by name: an object of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// `Deployment`, …
    pub kind: &'a str,
    /// Its name; empty if it has none.
    pub name: &'a str,
    /// Its namespace; empty if it names none.
    pub namespace: &'a str,
}

/// A comment or an annotation that says not to report something, ours or a peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// What is not to be reported: a rule id or glob (`dockerfile/*`), or a peer's id with its
    /// prefix (`hadolint:DL3008`, `checkov:*`).
    pub what: String,
    /// The first line it covers, from 1.
    pub from_line: u32,
    /// The last line it covers; [`u32::MAX`] for the rest of the file.
    pub to_line: u32,
    /// The reason that was given; empty if none was.
    pub reason: String,
    /// Where it is written.
    pub place: Span,
    /// The path of the configuration that it is an entry of; none if it is written in the file.
    pub config: Option<Arc<str>>,
    /// Whose form it has: `seaworthy` for ours, or `hadolint`, `checkov`, `kube-linter`, …
    pub by: &'static str,
}

/// One thing to judge, with its named companions.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// One value for each of the view's variables, in their order; the first is `it`.
    pub values: Vec<Value<'a>>,
    /// Where findings point when the rule does not know a better place.
    pub at: Node<'a>,
    /// The object it belongs to, where it belongs to one.
    pub object: Option<Object<'a>>,
}

/// What a variable or a field of a view holds, as far as it is known before any file is read.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Whatever the file says: fields are not checked.
    Any,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list of one shape.
    List(&'static Shape),
    /// A map with these fields; any of them may be absent.
    Record(&'static [Field]),
}

/// A variable of a view, or a field of a record, with what it means.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in expressions.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What it means, in a few words, as `seaworthy inspect --views` prints it.
    pub means: &'static str,
}

/// Where subjects go.
pub type Emit<'e, 'a> = &'e mut dyn FnMut(Subject<'a>);

/// How a view finds its subjects.
#[derive(Clone, Copy)]
pub enum Select {
    /// In one artifact, whatever else the repository holds.
    File(for<'a> fn(&'a Artifact, Emit<'_, 'a>)),
    /// Across artifacts.
    Repository(for<'a> fn(&'a Repository<'a>, Emit<'_, 'a>)),
}

/// A named way to the nodes that are judged.
#[derive(Clone, Copy)]
pub struct View {
    /// `dockerfile.stage`, …; the part before the dot is the kind's name.
    pub name: &'static str,
    /// The kind of artifact it looks at.
    pub kind: Kind,
    /// What it yields, in one sentence.
    pub means: &'static str,
    /// Its variables; the first is `it`.
    pub vars: &'static [Field],
    /// How it finds its subjects.
    pub select: Select,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Fields, one on a line: name, shape, meaning.
macro_rules! fields {
    ($($name:literal: $shape:expr, $means:literal;)*) => {
        &[$($crate::artifact::Field { name: $name, shape: $shape, means: $means },)*]
    };
}
pub(crate) use fields;

pub mod compose;
pub mod coverage;
pub mod dependencies;
pub mod dockerfile;
pub mod docs;
pub mod dotenv;
pub mod helm;
pub mod kubernetes;
pub mod kustomize;
pub mod load;
pub mod makefile;
pub mod nginx;
pub mod openapi;
pub mod prometheus;
pub mod recipe;
pub mod python;
pub mod render;
pub mod runner;
pub mod suppression;
pub mod terraform;
pub mod testdata;
pub mod upkeep;
pub mod workflow;
pub mod zizmor;

/// Every view, sorted by kind.
pub fn views() -> impl Iterator<Item = &'static View> {
    [
        dockerfile::VIEWS,
        dockerfile::JOINS,
        kubernetes::VIEWS,
        makefile::VIEWS,
        openapi::VIEWS,
        coverage::VIEWS,
        docs::VIEWS,
        workflow::VIEWS,
        compose::VIEWS,
        helm::VIEWS,
        terraform::VIEWS,
        upkeep::VIEWS,
        suppression::VIEWS,
        crate::repository::VIEWS,
        dependencies::VIEWS,
        dotenv::VIEWS,
        load::VIEWS,
        crate::repository::PYTHON[0],
        crate::repository::PYTHON[1],
        crate::repository::PYTHON[2],
        crate::repository::PYTHON[3],
    ]
    .into_iter()
    .flatten()
}

/// The view with the given name.
pub fn view(name: &str) -> Option<&'static View> {
    views().find(|view| view.name == name)
}
