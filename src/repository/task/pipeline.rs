//! Pipelines and tasks: which tasks the jobs ask for, and what runs before a change is merged.

use std::collections::BTreeSet;

use super::is;
use crate::{
    artifact::{Kind, workflow},
    document::{Node, list},
    repository::Repository,
};

/// Files of other systems, whose jobs are not read.
const OTHERS: &[&str] = &[
    ".travis.yml",
    ".circleci",
    "Jenkinsfile",
    "azure-pipelines.yml",
    ".buildkite",
    ".prow",
    ".prow.yaml",
    ".drone.yml",
    "appveyor.yml",
    ".cirrus.yml",
    ".semaphore",
    "cloudbuild.yaml",
    "bitbucket-pipelines.yml",
    // Prow, whose jobs lie elsewhere, reads it.
    "OWNERS",
    ".tekton",
    ".woodpecker",
    ".woodpecker.yml",
    "zuul.d",
    ".zuul.yaml",
];

/// The workflows of the repository, without actions, which run in the repositories of others.
fn workflows<'a>(repository: &'a Repository<'a>) -> impl Iterator<Item = Node<'a>> {
    let all = repository.of(Kind::Workflow).filter_map(workflow::pipeline);
    all.filter(|it| it.str("system") != Some("action"))
}

fn commands(job: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    list(job, "steps").flat_map(|step| list(step, "commands"))
}

/// Whether the files of this repository lie where the commands of the job run: it checks out no
/// other repository and nothing to another folder.
fn runs_here(job: Node<'_>) -> bool {
    let checkouts = list(job, "steps")
        .filter(|it| it.at(&["uses", "name"]).and_then(Node::as_str) == Some("actions/checkout"));
    let mut with = checkouts.filter_map(|it| it.at(&["raw", "with"]));
    !with.any(|it| it.get("repository").is_some() || it.get("path").is_some())
}

/// The commands of jobs that run where the repository lies.
pub(super) fn asking<'a>(repository: &'a Repository<'a>) -> impl Iterator<Item = Node<'a>> {
    let jobs = workflows(repository).flat_map(|it| list(it, "jobs"));
    jobs.filter(|it| runs_here(*it)).flat_map(commands)
}

/// What runs before a change is merged.
#[derive(Debug, Default)]
pub(super) struct Before<'a> {
    /// Something runs, and nothing of it is hidden from us.
    pub(super) known: bool,
    /// The tasks that run.
    pub(super) tasks: BTreeSet<usize>,
    /// What is checked: tests, style, security, load.
    pub(super) checks: BTreeSet<&'a str>,
}

impl<'a> Before<'a> {
    /// What the pipelines of the repository run.
    pub(super) fn new(repository: &'a Repository<'a>) -> Self {
        let tasks = &repository.tasks;
        let mut before = Self::default();
        let elsewhere = |it: &&str| repository.has_file(it) || repository.has_folder(it);
        let mut open = OTHERS.iter().any(elsewhere);
        let mut asked = Vec::new();
        for workflow in workflows(repository) {
            open |= is(workflow, "open");
            let jobs = list(workflow, "jobs");
            for job in jobs.filter(|it| is(*it, "on_change") && !is(*it, "never")) {
                open |= job.str("calls").is_some();
                for step in list(job, "steps") {
                    let local = step.at(&["uses", "kind"]).and_then(Node::as_str) == Some("local");
                    open |= local || is(step, "foreign");
                    before.checks.extend(step.str("role").and_then(kind));
                    for command in list(step, "commands") {
                        before.checks.extend(command.str("role").and_then(kind));
                        let found = tasks.run_by(command);
                        open |= found.is_empty() && is_script(command);
                        asked.extend(found);
                    }
                }
            }
        }
        before.tasks = tasks.reached(asked).into_iter().collect();
        let reached: Vec<usize> = before.tasks.iter().copied().collect();
        let mut commands = reached.iter().flat_map(|it| tasks.commands_of(*it));
        open |= commands.any(|it| is_script(it) && tasks.run_by(it).is_empty());
        before.checks.extend(tasks.work(&reached).0);
        before.known = !open && !before.tasks.is_empty();
        before
    }
}

/// Whether the command runs a program of the repository, which may run anything.
fn is_script(command: Node<'_>) -> bool {
    let words: Vec<_> = list(command, "words").map(Node::text).collect();
    let first = words.first().copied().unwrap_or("");
    let interpreter =
        matches!(first, "bash" | "sh" | "python" | "python3" | "node" | "source" | ".");
    first.contains(['/', '$'])
        || interpreter
        || matches!(
            first,
            "tox" | "nox" | "mage" | "bazel" | "pre-commit" | "earthly" | "dagger" | "nix" | "hack"
        )
}

/// What a role of a pipeline checks, in the words of recipes.
fn kind(role: &str) -> Option<&'static str> {
    Some(match role {
        "tests" | "end-to-end" | "integration" | "contract" => "tests",
        "style" | "pipeline-lint" => "style",
        "security"
        | "dependencies"
        | "image-scan"
        | "infrastructure-scan"
        | "secrets"
        | "dynamic-security" => "security",
        "load" | "benchmark" => "load",
        _ => return None,
    })
}
