//! What the pipelines of the repository do: which checks run, whether they can fail, what is
//! deployed. A job is followed into actions and workflows of the repository, and its commands into
//! the targets and scripts that they run.

mod paths;
mod reach;
mod views;

use std::collections::BTreeMap;

use self::reach::{Reach, Reached, Seen};
use crate::{
    artifact::{Artifact, Kind, workflow},
    document::{Node, list},
    source::Source,
};

pub(super) use paths::VIEW as PATH;
pub(super) use views::{CHECK, DEPLOYMENT, PIPELINES, SUITE};

/// How far workflows call each other.
const DEEPEST: u8 = 4;

/// A job as it runs: with what it calls.
#[derive(Debug)]
struct Job<'a> {
    workflow: Node<'a>,
    node: Node<'a>,
    /// Its environment, or that of a job that it calls; empty if there is none.
    environment: &'a str,
    on_change: bool,
    checks: Vec<Check<'a>>,
    /// Something is run whose commands are not known.
    open: bool,
}

/// Something that a job does and that we know the purpose of.
#[derive(Debug)]
struct Check<'a> {
    role: &'static str,
    text: String,
    words: Vec<String>,
    /// Why its failure does not count, if it does not.
    soft: Option<String>,
    via: String,
    /// The command or the step, in the workflow.
    place: Node<'a>,
}

/// All that the pipelines do.
#[derive(Debug, Default)]
pub(super) struct Pipelines<'a> {
    jobs: Vec<Job<'a>>,
}

/// The roles of steps that look whether something is good.
const GATES: &[&str] = &[
    "tests",
    "integration",
    "end-to-end",
    "contract",
    "style",
    "security",
    "secrets",
    "dependencies",
    "image-scan",
    "infrastructure-scan",
    "dynamic-security",
    "migration-check",
    "load",
];

/// Actions that run what they are given, or what we cannot see.
const HARMLESS_OWNERS: &[&str] = &[
    "actions",
    "docker",
    "github",
    "aws-actions",
    "google-github-actions",
    "azure",
    "hashicorp",
    "codecov",
    "astral-sh",
    "pnpm",
    "oven-sh",
    "ruby",
    "shivammathur",
    "dtolnay",
    "swatinem",
    "peter-evans",
    "softprops",
    "slackapi",
    "dorny",
    "tj-actions",
    "helm",
    "sigstore",
];

impl<'a> Pipelines<'a> {
    pub(super) fn new(artifacts: &'a [Artifact], texts: &'a BTreeMap<String, Source>) -> Self {
        let mut files = BTreeMap::new();
        for artifact in artifacts.iter().filter(|it| it.kind == Kind::Workflow) {
            if let Some(it) = workflow::pipeline(artifact) {
                files.insert(artifact.tree.source.path.as_str(), it);
            }
        }
        if files.is_empty() {
            return Self::default();
        }
        let reader = Reader { reach: Reach::new(artifacts, texts), files: &files };
        let own = files.values().filter(|it| it.str("system") != Some("action"));
        let jobs = own.flat_map(|&workflow| {
            list(workflow, "jobs").map(move |job| (workflow, job)).collect::<Vec<_>>()
        });
        let jobs = jobs.filter(|it| !is(it.1, "never"));
        Self { jobs: jobs.map(|(workflow, job)| reader.job(workflow, job)).collect() }
    }
}

/// Whether a flag is set.
fn is(node: Node<'_>, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool) == Some(true)
}

struct Reader<'a, 'f> {
    reach: Reach<'a>,
    files: &'f BTreeMap<&'a str, Node<'a>>,
}

/// What holds for a step because of what is around it.
#[derive(Clone, Default)]
struct Around<'a> {
    soft: Option<String>,
    /// The step of the outermost job, once inside what it calls.
    place: Option<Node<'a>>,
}

impl<'a> Reader<'a, '_> {
    fn job(&self, workflow: Node<'a>, node: Node<'a>) -> Job<'a> {
        let mut job = Job {
            workflow,
            node,
            environment: "",
            on_change: is(node, "on_change"),
            checks: Vec::new(),
            open: is(workflow, "open"),
        };
        self.collect(&mut job, node, &Around::default(), 0);
        job
    }

    fn collect(&self, job: &mut Job<'a>, node: Node<'a>, around: &Around<'a>, depth: u8) {
        if depth > DEEPEST || job.checks.len() > 2_000 {
            job.open = true;
            return;
        }
        let mut around = around.clone();
        if job.environment.is_empty() {
            job.environment = node.str("environment").unwrap_or("");
        }
        if is(node, "tolerated") && around.soft.is_none() {
            around.soft = Some("`continue-on-error` of its job".to_owned());
        }
        if let Some(called) = node.str("calls") {
            let path = called.strip_prefix("./").unwrap_or("");
            match self.files.get(path) {
                Some(file) => self.call(job, *file, &around, node, depth),
                None => job.open = true,
            }
        }
        for step in list(node, "steps").filter(|it| !is(*it, "never")) {
            let mut around = around.clone();
            if is(step, "tolerated") && !is(step, "consumed") && around.soft.is_none() {
                around.soft = Some("`continue-on-error` of its step".to_owned());
            }
            self.step(job, step, &around, depth);
        }
    }

    fn call(
        &self,
        job: &mut Job<'a>,
        file: Node<'a>,
        around: &Around<'a>,
        place: Node<'a>,
        depth: u8,
    ) {
        let around = Around { place: around.place.or(Some(place)), ..around.clone() };
        for called in list(file, "jobs").filter(|it| !is(*it, "never")) {
            self.collect(job, called, &around, depth + 1);
        }
    }

    fn step(&self, job: &mut Job<'a>, step: Node<'a>, around: &Around<'a>, depth: u8) {
        let role = step.str("role").and_then(workflow::role_named).unwrap_or("");
        if let Some(uses) = step.get("uses").filter(|it| it.is_map()) {
            let name = uses.str("name").unwrap_or("");
            if uses.str("kind") == Some("local") {
                let folder = name.trim_start_matches("./").trim_end_matches('/');
                let files = ["action.yml", "action.yaml"].map(|it| format!("{folder}/{it}"));
                match files.iter().find_map(|it| self.files.get(it.as_str())) {
                    Some(file) => self.call(job, *file, around, step, depth),
                    None => job.open = true,
                }
            }
            if role.is_empty() {
                let owner = uses.str("owner").unwrap_or("").to_ascii_lowercase();
                job.open |= !HARMLESS_OWNERS.contains(&owner.as_str()) && !owner.is_empty();
            } else {
                let toothless = step.str("toothless").filter(|_| !is(step, "consumed"));
                job.checks.push(Check {
                    role,
                    text: name.to_owned(),
                    words: Vec::new(),
                    soft: around.soft.clone().or(toothless.map(str::to_owned)),
                    via: String::new(),
                    place: around.place.unwrap_or(step),
                });
            }
        }
        job.open |= is(step, "foreign");
        for command in list(step, "commands") {
            let mut reached = Reached::default();
            self.reach.follow(Seen::of_step(command), 0, &mut reached);
            job.open |= reached.open;
            let known = reached.commands.into_iter().filter(|it| !it.role.is_empty());
            job.checks.extend(known.map(|it| Check {
                role: it.role,
                text: it.text,
                words: it.words,
                soft: around.soft.clone().or(it.soft),
                via: it.via,
                place: around.place.unwrap_or(command),
            }));
        }
    }
}
