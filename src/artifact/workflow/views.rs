//! The views of pipelines: the file, its jobs, their steps, the commands in them.

use super::pipeline;
use crate::{
    artifact::{Artifact, Emit, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    value::Value,
};

const TEXTS: Shape = Shape::List(&Shape::Text);

const WORKFLOW: Shape = Shape::Record(fields! {
    "path": Shape::Text, "its path";
    "system": Shape::Text, "`github`, `action` (an action of GitHub) or `gitlab`";
    "name": Shape::Text, "its name";
    "on_change": Shape::Bool, "it runs before a change is merged";
    "open": Shape::Bool, "a part of it lies in files that are not read";
    "events": Shape::List(&EVENT), "what starts it";
    "permissions": Shape::Any, "`permissions` as written; nothing if it says nothing";
    "raw": Shape::Any, "the file as written";
    "jobs": Shape::List(&JOB), "its jobs";
});

const EVENT: Shape = Shape::Record(fields! {
    "name": Shape::Text, "`push`, `pull_request`, …";
    "branches": TEXTS, "the branches it is for; none for all";
    "tags": TEXTS, "the tags it is for";
    "paths": Shape::Any, "`paths` or `paths-ignore` as written";
    "raw": Shape::Any, "its filters as written";
});

const JOB: Shape = Shape::Record(fields! {
    "id": Shape::Text, "its key";
    "name": Shape::Text, "its name; empty if it has none";
    "stage": Shape::Text, "of GitLab: its stage";
    "needs": TEXTS, "the jobs that come before it";
    "if": Shape::Text, "its condition as written";
    "never": Shape::Bool, "nothing that starts the workflow meets its condition";
    "always": Shape::Bool, "its condition is a text, which always holds";
    "on_change": Shape::Bool, "it runs before a change is merged";
    "tolerated": Shape::Bool, "its failure is told not to count";
    "manual": Shape::Bool, "somebody starts it by hand";
    "environment": Shape::Text, "the name of its environment";
    "runs_on": Shape::Text, "its runner";
    "calls": Shape::Text, "the workflow that it calls";
    "permissions": Shape::Any, "`permissions` as written; nothing if it says nothing";
    "image": Shape::Text, "the image that it runs in";
    "services": Shape::List(&SERVICE), "the images that run beside it";
    "raw": Shape::Any, "the job as written";
    "steps": Shape::List(&STEP), "its steps; for GitLab the lines of its scripts";
});

const SERVICE: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "image": Shape::Text, "its image";
});

const STEP: Shape = Shape::Record(fields! {
    "id": Shape::Text, "its id";
    "name": Shape::Text, "its name";
    "uses": USES, "the action that it uses; nothing for scripts";
    "if": Shape::Text, "its condition as written";
    "never": Shape::Bool, "nothing that starts the workflow meets its condition";
    "always": Shape::Bool, "its condition is a text, which always holds";
    "tolerated": Shape::Bool, "its failure is told not to count";
    "script": Shape::Text, "what its shell reads";
    "foreign": Shape::Bool, "its shell is one that is not read, such as PowerShell";
    "role": Shape::Text, "what its action does: `tests`, `image-scan`, `deploy`, …; empty if unknown";
    "toothless": Shape::Text, "the input with which its action succeeds whatever it finds";
    "consumed": Shape::Bool, "a later step looks at what it found";
    "raw": Shape::Any, "the step as written";
    "commands": Shape::List(&COMMAND), "its simple commands";
});

const USES: Shape = Shape::Record(fields! {
    "text": Shape::Text, "as written";
    "kind": Shape::Text, "`action`, `local` or `image`";
    "name": Shape::Text, "`owner/name` or `owner/name/path`";
    "owner": Shape::Text, "the owner";
    "repository": Shape::Text, "the name of the repository";
    "ref": Shape::Text, "what stands behind `@`";
    "hash": Shape::Bool, "the ref is the hash of a commit";
});

const COMMAND: Shape = Shape::Record(fields! {
    "text": Shape::Text, "as written";
    "name": Shape::Text, "its name, without folders";
    "words": TEXTS, "its words, without quotes; wrappers such as `npx` dropped";
    "folder": Shape::Text, "the folder it runs in, below the root; nothing if unknown";
    "hidden": Shape::Text, "why its failure does not fail the step";
    "idle": Shape::Bool, "it only prints or prepares";
    "role": Shape::Text, "what it does: `tests`, `image-scan`, `deploy`, …; empty if unknown";
    "toothless": Shape::Text, "the flag with which it succeeds whatever it finds";
    "consumed": Shape::Bool, "a later command looks at what it found";
    "goals": TEXTS, "the targets it asks make for, if it calls make";
});

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "workflow.workflow",
        kind: Kind::Workflow,
        means: "each workflow, action or pipeline: one file",
        vars: fields! { "it": WORKFLOW, "the workflow"; },
        select: Select::File(workflows),
    },
    View {
        name: "workflow.job",
        kind: Kind::Workflow,
        means: "each job",
        vars: fields! { "it": JOB, "the job"; "workflow": WORKFLOW, "its workflow"; },
        select: Select::File(jobs),
    },
    View {
        name: "workflow.step",
        kind: Kind::Workflow,
        means: "each step",
        vars: fields! {
            "it": STEP, "the step";
            "job": JOB, "its job";
            "workflow": WORKFLOW, "its workflow";
        },
        select: Select::File(steps),
    },
    View {
        name: "workflow.command",
        kind: Kind::Workflow,
        means: "each simple command of a script",
        vars: fields! {
            "it": COMMAND, "the command";
            "step": STEP, "its step";
            "job": JOB, "its job";
            "workflow": WORKFLOW, "its workflow";
        },
        select: Select::File(commands),
    },
];

fn subject<'a, const N: usize>(nodes: [Node<'a>; N]) -> Subject<'a> {
    Subject { values: nodes.into_iter().map(Value::Node).collect(), at: nodes[0], object: None }
}

fn workflows<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    pipeline(artifact).into_iter().for_each(|it| emit(subject([it])));
}

fn jobs<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let Some(workflow) = pipeline(artifact) else { return };
    list(workflow, "jobs").for_each(|job| emit(subject([job, workflow])));
}

fn steps<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let Some(workflow) = pipeline(artifact) else { return };
    for job in list(workflow, "jobs") {
        list(job, "steps").for_each(|step| emit(subject([step, job, workflow])));
    }
}

fn commands<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let Some(workflow) = pipeline(artifact) else { return };
    for job in list(workflow, "jobs") {
        for step in list(job, "steps") {
            let commands = list(step, "commands");
            commands.for_each(|it| emit(subject([it, step, job, workflow])));
        }
    }
}
