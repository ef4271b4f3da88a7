//! The views of what pipelines do.

use super::{Check, GATES, Job, Pipelines, is};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    repository::{Repository, record},
    value::Value,
};

const fn field(name: &'static str, shape: Shape, means: &'static str) -> Field {
    Field { name, shape, means }
}

const TEXTS: Shape = Shape::List(&Shape::Text);

/// One subject for a repository that has pipelines.
pub(in crate::repository) const PIPELINES: View = View {
    name: "repository.ci",
    kind: Kind::Repository,
    means: "the pipelines of the repository taken together, if there are any",
    vars: &[field(
        "it",
        Shape::Record(&[
            field("roles", TEXTS, "what is done somewhere: `tests`, `image-scan`, `deploy`, …"),
            field("gates", TEXTS, "what runs before a merge and can fail"),
            field("gate", Shape::Any, "the first tests that run before a merge and can fail"),
            field("soft", TEXTS, "what runs before a merge and never fails"),
            field("on_change", Shape::Bool, "something runs before a merge"),
            field(
                "open",
                Shape::Bool,
                "something is run before a merge whose commands are not known",
            ),
            field("tests", Shape::Number, "how many files of tests the repository holds"),
            field("test", Shape::Text, "one of them"),
        ]),
        "what they do",
    )],
    select: Select::Repository(pipelines),
};

/// One subject for each thing that a job does and that we know the purpose of.
pub(in crate::repository) const CHECK: View = View {
    name: "repository.ci_check",
    kind: Kind::Repository,
    means: "a command or a step of a pipeline whose purpose is known, also through make, npm, just, Task and scripts",
    vars: &[field("it", Shape::Record(CHECKED), "what is done")],
    select: Select::Repository(checks),
};

const CHECKED: &[Field] = &[
    field("role", Shape::Text, "its purpose: `tests`, `image-scan`, `deploy`, …"),
    field("text", Shape::Text, "the command or the action"),
    field("words", TEXTS, "the words of the command"),
    field("via", Shape::Text, "what the pipeline runs to get there: `make test`"),
    field("can_fail", Shape::Bool, "its failure counts"),
    field("why", Shape::Text, "why it does not"),
    field("on_change", Shape::Bool, "it runs before a merge"),
    field("scheduled", Shape::Bool, "it runs at set times"),
    field("job", Shape::Any, "its job"),
    field("workflow", Shape::Any, "its workflow"),
];

/// One subject for each job that deploys something that stays.
pub(in crate::repository) const DEPLOYMENT: View = View {
    name: "repository.deployment",
    kind: Kind::Repository,
    means: "a job that deploys, not into a cluster of its own that is thrown away",
    vars: &[field(
        "it",
        Shape::Record(&[
            field("text", Shape::Text, "the command or the action that deploys"),
            field("words", TEXTS, "the words of the command"),
            field("environment", Shape::Text, "the environment of the job; empty if it names none"),
            field("production", Shape::Bool, "a name says that it is production"),
            field("staging", Shape::Bool, "a name says that it is staging"),
            field("automatic", Shape::Bool, "a push, a merge or a schedule starts it"),
            field("manual", Shape::Bool, "somebody starts it by hand, or approves it in a step"),
            field("gated", Shape::Bool, "tests or scans run before it, in its workflow"),
            field("verified", Shape::Text, "what looks at the result afterwards; empty if nothing"),
            field(
                "waits",
                Shape::Bool,
                "the deployment itself waits for the result, or its platform does",
            ),
            field("notified", Shape::Bool, "people are told, in its workflow"),
            field("rollback", Shape::Text, "what takes it back when it fails; empty if nothing"),
            field("opaque", Shape::Bool, "something in its workflow is not known"),
            field("job", Shape::Any, "the job"),
            field("workflow", Shape::Any, "its workflow"),
        ]),
        "the deployment",
    )],
    select: Select::Repository(deployments),
};

/// One subject for each folder of tests of a certain kind.
pub(in crate::repository) const SUITE: View = View {
    name: "repository.test_suite",
    kind: Kind::Repository,
    means: "a folder of integration, end-to-end, contract or load tests, where there are pipelines",
    vars: &[field(
        "it",
        Shape::Record(&[
            field("kind", Shape::Text, "`integration`, `end-to-end`, `contract` or `load`"),
            field("path", Shape::Text, "the folder, or the script"),
            field("files", Shape::Number, "how many files of tests it holds"),
            field("run", Shape::Bool, "some pipeline runs it, or may"),
        ]),
        "the suite",
    )],
    select: Select::Repository(suites),
};

fn pipelines<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let all = &repository.pipelines;
    let Some(first) = all.jobs.first() else { return };
    let before: Vec<_> = all.jobs.iter().filter(|it| it.on_change).collect();
    let tests: Vec<_> = repository.files.iter().filter(|it| is_test(it)).collect();
    let roles = |jobs: &mut dyn Iterator<Item = &Job<'a>>, keep: fn(&Check<'a>) -> bool| {
        let mut found: Vec<&'static str> =
            jobs.flat_map(|it| &it.checks).filter(|it| keep(it)).map(|it| it.role).collect();
        found.sort_unstable();
        found.dedup();
        Value::list(found.into_iter().map(Value::Str))
    };
    let gate = |it: &Check<'a>| GATES.contains(&it.role) && it.soft.is_none();
    let soft = |it: &Check<'a>| GATES.contains(&it.role) && it.soft.is_some();
    let mut tested = before.iter().flat_map(|it| &it.checks);
    let tested = tested.find(|it| it.role == "tests" && it.soft.is_none());
    let it = record([
        ("roles", roles(&mut all.jobs.iter(), |_| true)),
        ("gates", roles(&mut before.iter().copied(), gate)),
        ("gate", Value::maybe(tested.map(|it| it.place))),
        ("soft", roles(&mut before.iter().copied(), soft)),
        ("on_change", Value::Bool(!before.is_empty())),
        ("open", Value::Bool(before.iter().any(|it| it.open) || has_other_pipelines(repository))),
        ("tests", Value::Int(tests.len() as i64)),
        ("test", Value::text(tests.first().map_or("", |it| it.as_str()))),
    ]);
    let gating = before.iter().find(|it| it.checks.iter().any(gate));
    let at = gating.map_or(first.workflow, |it| it.workflow);
    emit(Subject { values: vec![it], at, object: None });
}

/// Whether the repository has pipelines of systems that are not read.
fn has_other_pipelines(repository: &Repository<'_>) -> bool {
    let files = [
        ".circleci/config.yml",
        ".travis.yml",
        ".drone.yml",
        ".cirrus.yml",
        "Jenkinsfile",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "cloudbuild.yaml",
        "buildspec.yml",
        ".woodpecker.yml",
        "appveyor.yml",
    ];
    let folders =
        [".buildkite", ".woodpecker", ".azure-pipelines", ".semaphore", ".teamcity", "ci"];
    files.iter().any(|it| repository.has_file(it))
        || folders.iter().any(|it| repository.has_folder(it))
        || repository
            .files
            .iter()
            .any(|it| it.ends_with("Jenkinsfile") || it.contains("cloudbuild"))
}

/// Whether a file holds tests, by its name.
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let vendored = path.contains("node_modules/") || path.contains("vendor/");
    !vendored
        && match extension {
            "py" => stem.starts_with("test_") || stem.ends_with("_test"),
            "go" | "rb" => stem.ends_with("_test") || stem.ends_with("_spec"),
            "js" | "jsx" | "ts" | "tsx" | "mjs" => {
                stem.ends_with(".test") || stem.ends_with(".spec")
            }
            "java" | "kt" | "cs" => stem.ends_with("Test") || stem.ends_with("Tests"),
            _ => false,
        }
}

fn starts<'a>(workflow: Node<'a>) -> impl Iterator<Item = &'a str> {
    list(workflow, "events").filter_map(|it| it.str("name"))
}

fn checks<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for job in &repository.pipelines.jobs {
        let scheduled = starts(job.workflow).any(|it| it == "schedule");
        for it in &job.checks {
            let value = record([
                ("role", Value::Str(it.role)),
                ("text", Value::Str(&it.text)),
                ("words", Value::list(it.words.iter().map(|it| Value::Str(it)))),
                ("via", Value::Str(&it.via)),
                ("can_fail", Value::Bool(it.soft.is_none())),
                ("why", Value::Str(it.soft.as_deref().unwrap_or(""))),
                ("on_change", Value::Bool(job.on_change)),
                ("scheduled", Value::Bool(scheduled)),
                ("job", Value::Node(job.node)),
                ("workflow", Value::Node(job.workflow)),
            ]);
            emit(Subject { values: vec![value], at: it.place, object: None });
        }
    }
}

// ---- deployments

fn deployments<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let all = &repository.pipelines;
    for job in &all.jobs {
        let deploys = job.checks.iter().find(|it| it.role == "deploy");
        let Some(deploy) = deploys.filter(|_| !is_thrown_away(job)) else { continue };
        emit(Subject {
            values: vec![deployment(all, job, deploy)],
            at: deploy.place,
            object: None,
        });
    }
}

/// Whether the job makes a cluster of its own, or deploys what a change under review asks for.
fn is_thrown_away(job: &Job<'_>) -> bool {
    let clusters = ["kind", "minikube", "k3d", "k3s", "microk8s", "localstack", "ct", "talosctl"];
    let makes = list(job.node, "steps").any(|step| {
        let uses = step.at(&["uses", "name"]).map_or("", Node::text).to_ascii_lowercase();
        let by_action = ["kind-action", "setup-kind", "minikube", "k3d", "k3s", "chart-testing"];
        by_action.iter().any(|it| uses.contains(it))
            || list(step, "commands")
                .any(|it| it.str("name").is_some_and(|it| clusters.contains(&it)))
    });
    let is_review = job.on_change && !starts(job.workflow).any(|it| it == "push");
    let no_environment = job.environment.is_empty();
    let script = list(job.node, "steps").filter_map(|it| it.str("script"));
    let local = ["kind create", "kind load", "minikube start", "k3d cluster"];
    makes
        || is_review && no_environment
        || script.into_iter().any(|it| local.iter().any(|part| it.contains(part)))
}

fn deployment<'a>(all: &'a Pipelines<'a>, job: &'a Job<'a>, deploy: &'a Check<'a>) -> Value<'a> {
    let same = || all.jobs.iter().filter(|it| it.workflow == job.workflow);
    let events: Vec<_> = starts(job.workflow).collect();
    let by_hand = is(job.node, "manual")
        || !events.is_empty()
            && events.iter().all(|it| matches!(*it, "workflow_dispatch" | "deployment"))
        || has_approval(job);
    let environment = job.environment;
    let names = format!(
        "{environment} {} {} {}",
        job.node.str("id").unwrap_or(""),
        job.node.str("name").unwrap_or(""),
        job.workflow.str("name").unwrap_or("")
    );
    let known = !environment.contains("${{");
    let says = |parts: &[&str]| {
        known && has_word(if environment.is_empty() { &names } else { environment }, parts)
    };
    let staging = says(&["staging", "stage", "stg", "preprod", "preproduction", "uat", "qa"]);
    let gates = |it: &Job<'a>| it.checks.iter().any(|it| GATES.contains(&it.role));
    let notified = same().flat_map(|it| &it.checks).any(|it| it.role == "notify");
    let rollback = same().flat_map(|it| &it.checks).find(|it| is_rollback(it));
    record([
        ("text", Value::Str(&deploy.text)),
        ("words", Value::list(deploy.words.iter().map(|it| Value::Str(it)))),
        ("environment", Value::Str(environment)),
        ("production", Value::Bool(!staging && says(&["prod", "production", "prd", "live"]))),
        ("staging", Value::Bool(staging)),
        (
            "automatic",
            Value::Bool(
                !by_hand
                    && events.iter().any(|it| {
                        matches!(*it, "push" | "schedule" | "workflow_run" | "pull_request")
                    }),
            ),
        ),
        ("manual", Value::Bool(by_hand)),
        ("gated", Value::Bool(same().any(gates) || events.contains(&"workflow_run"))),
        ("verified", Value::text(verified(all, job, deploy))),
        ("waits", Value::Bool(waits(deploy, job))),
        ("notified", Value::Bool(notified)),
        ("rollback", Value::Str(rollback.map_or("", |it| &it.text))),
        ("opaque", Value::Bool(same().any(|it| it.open))),
        ("job", Value::Node(job.node)),
        ("workflow", Value::Node(job.workflow)),
    ])
}

fn has_word(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    text.split(|it: char| !it.is_ascii_alphanumeric()).any(|it| words.contains(&it))
}

/// Whether a step asks somebody before the job goes on.
fn has_approval(job: &Job<'_>) -> bool {
    list(job.node, "steps").any(|step| {
        let uses = step.at(&["uses", "name"]).map_or("", Node::text).to_ascii_lowercase();
        uses.contains("manual-approval") || uses.contains("wait-for-approval")
    })
}

fn is_rollback(it: &Check<'_>) -> bool {
    let flags = ["--atomic", "--rollback-on-failure", "--cleanup-on-fail"];
    it.role == "rollback" || it.words.iter().any(|it| flags.contains(&it.as_str()))
}

/// What looks at the result of a deployment: later in its job, or in a job that needs it.
fn verified(all: &Pipelines<'_>, job: &Job<'_>, deploy: &Check<'_>) -> String {
    let looks = [
        "smoke",
        "rollout-status",
        "tests",
        "end-to-end",
        "integration",
        "contract",
        "load",
        "dynamic-security",
    ];
    let later = |it: &&Check<'_>| looks.contains(&it.role) && it.soft.is_none();
    let at = job.checks.iter().position(|it| std::ptr::eq(it, deploy)).unwrap_or(0);
    let own = job.checks[at..].iter().find(later);
    let id = job.node.str("id");
    let follow = all.jobs.iter().filter(|it| it.workflow == job.workflow);
    let mut follow = follow.filter(|it| list(it.node, "needs").any(|need| Some(need.text()) == id));
    let next = || follow.find_map(|it| it.checks.iter().find(later));
    own.or_else(next).map(|it| it.text.clone()).unwrap_or_default()
}

/// Whether the deployment waits until what it deployed is healthy: by a flag, or by its platform.
fn waits(deploy: &Check<'_>, job: &Job<'_>) -> bool {
    let flags = ["--wait", "--atomic", "--rollback-on-failure"];
    let first = deploy.words.first().map_or("", String::as_str);
    let by_hand = ["kubectl", "oc", "helm", "docker", "ansible-playbook"];
    let waits = list(job.node, "steps").filter_map(|it| it.get("raw")).any(|it| {
        let with = it.get("with");
        with.and_then(|it| it.get("wait-for-service-stability"))
            .is_some_and(|it| it.display() == "true")
    });
    waits
        || deploy.words.iter().any(|it| flags.contains(&it.split('=').next().unwrap_or(it)))
        || !by_hand.contains(&first)
}

// ---- suites

fn suites<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let all = &repository.pipelines;
    let Some(first) = all.jobs.first() else { return };
    let open = all.jobs.iter().any(|it| it.open) || has_other_pipelines(repository);
    for (kind, path, files) in found_suites(repository.files) {
        let checks = all.jobs.iter().flat_map(|it| &it.checks);
        let run = open || checks.into_iter().any(|it| it.role == kind || may_run(it, kind, path));
        let it = record([
            ("kind", Value::Str(kind)),
            ("path", Value::Str(path)),
            ("files", Value::Int(files)),
            ("run", Value::Bool(run)),
        ]);
        emit(Subject { values: vec![it], at: first.workflow, object: None });
    }
}

/// The folders that hold tests of a certain kind, with the number of files.
fn found_suites(files: &[String]) -> Vec<(&'static str, &str, i64)> {
    let mut found: Vec<(&'static str, &str, i64)> = Vec::new();
    for path in files {
        let name = path.rsplit('/').next().unwrap_or(path);
        if matches!(name, "locustfile.py") || name.ends_with(".jmx") || name.ends_with(".k6.js") {
            found.push(("load", path, 1));
            continue;
        }
        if !is_test(path) || path.contains("template") {
            continue;
        }
        let mut at = 0;
        for part in path.split('/') {
            at += part.len() + 1;
            let kind = match part {
                "e2e" | "end-to-end" | "end_to_end" => "end-to-end",
                "integration" | "integration_tests" | "integration-tests" => "integration",
                "contract" | "contracts" if path.contains("test") => "contract",
                _ => continue,
            };
            if at <= path.len() {
                let folder = &path[..at - 1];
                match found.iter_mut().rev().take(4).find(|it| it.1 == folder) {
                    Some(it) => it.2 += 1,
                    None => found.push((kind, folder, 1)),
                }
            }
            break;
        }
    }
    found.truncate(100);
    found
}

/// Whether a check that runs tests may run those in `path` too: it names no other paths.
fn may_run(check: &Check<'_>, kind: &str, path: &str) -> bool {
    if kind == "load" {
        return check.role == "load";
    }
    let tests = ["tests", "integration", "end-to-end", "contract", "coverage"];
    if !tests.contains(&check.role) {
        return false;
    }
    let named: Vec<&str> = check
        .words
        .iter()
        .skip(1)
        .map(|it| it.trim_start_matches("./").trim_end_matches('/'))
        .filter(|it| it.contains("test") && !it.starts_with('-') && !it.contains('='))
        .collect();
    let program = check.words.first().map_or("", |it| it.rsplit('/').next().unwrap_or(it));
    let other_language = program == "go" && !named.is_empty();
    named.is_empty()
        || other_language
        || !matches!(program, "pytest" | "py.test")
        || named.iter().any(|it| {
            path.starts_with(it)
                || path.ends_with(it)
                || it.starts_with(path)
                || it.contains('$')
                || path.contains(it)
        })
}
