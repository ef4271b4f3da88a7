//! What the action runs: one judgement of a change, told on every surface that GitHub offers.
//!
//! The verdict is the exit code and never depends on the network: telling may fail, judging goes
//! on. Everything that is told is planned by a pure function and then carried out.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Annotations, Changed, ChangedOnly, Check, Comment, Github, PolicyFrom},
    gate::Verdict,
    git,
    patch::{self, Added},
    policy::Policy,
    report::{
        self, Format, PolicyChange, Report, Style,
        escape::{CommandData, Plain},
    },
    run::{self, RunError},
};

mod base;
pub mod client;
pub mod comment;
pub mod event;
mod place;
pub mod plan;
mod retry;
mod review;
mod saved;
mod suggest;
mod tell;

use base::Base;
use client::Pace;
use event::{Context, Environment, Event};
use plan::{Capabilities, Change};
use tell::Teller;

/// The exit code where there is no answer.
const NO_ANSWER: u8 = 2;

/// What a run stands on, beside what the user asked for.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The variables of the job.
    pub environment: Environment,
    /// How patient we are with the server.
    pub pace: Pace,
    /// What nobody can guess: it ends the part of the log in which no command counts.
    pub fence: String,
}

impl Ground {
    /// That of this process.
    pub fn of_process() -> Self {
        use std::hash::{BuildHasher as _, RandomState};
        let random = || RandomState::new().hash_one(std::process::id());
        Self {
            environment: Environment::of_process(),
            pace: Pace::default(),
            fence: format!("seaworthy-{:016x}{:016x}", random(), random()),
        }
    }
}

/// Judges, tells, and gives the exit code. `say` writes to the log of the job.
pub fn run(options: &Github, ground: &Ground, say: &mut dyn FnMut(&str)) -> u8 {
    let mut teller = Teller::new(ground, say);
    let done = match &options.post {
        Some(path) => post(options, ground, path, &mut teller),
        None => judge(options, ground, &mut teller),
    };
    done.unwrap_or_else(|error| {
        teller.log(&error.text(false));
        let message = Plain(error.to_string()).to_string();
        teller.commands(&format!(
            "::error title=seaworthy has no answer::{}\n",
            CommandData(message)
        ));
        teller.output("conclusion", "error");
        NO_ANSWER
    })
}

/// Judges what is checked out.
fn judge(options: &Github, ground: &Ground, teller: &mut Teller<'_>) -> Result<u8, RunError> {
    let context = Context::read(&ground.environment).map_err(RunError::Argument)?;
    let token = token(&ground.environment);
    let base = base(options, &context, token, teller)?;
    let check = check_of(options, &context, base.as_ref());
    let mut report = run::check(&check)?;
    let policy = policy_change(&check, &context, &report)?;
    let mut added = base.as_ref().map(|it| added(&check.path, it, &report)).transpose()?;
    if let Some(prefix) = place::prefix(&check.path, &ground.environment) {
        place::below(&prefix, &mut report, added.as_mut());
    }
    let texts = place::texts(&report, &ground.environment);
    if let Some(path) = &options.save {
        write(path, &saved::write(&report, policy.as_ref()))?;
    }
    files(options, ground, &report, teller)?;
    let change = Change { added: added.as_ref(), texts: Some(&texts), policy: policy.as_ref() };
    let capabilities = capabilities(options, &ground.environment, token.is_some());
    let operations = plan::plan(&report, &context, &capabilities, change);
    outputs(&report, teller);
    teller.tell(operations, &context, token, options.comment_author.as_deref());
    Ok(report.verdict.exit_code())
}

fn token(environment: &Environment) -> Option<&str> {
    environment.get("SEAWORTHY_TOKEN").or_else(|| environment.get("GITHUB_TOKEN"))
}

/// The base of the change. Without it there is no answer where the policy is to come from it.
fn base(
    options: &Github,
    context: &Context,
    token: Option<&str>,
    teller: &mut Teller<'_>,
) -> Result<Option<Base>, RunError> {
    match base::base(&options.path, context, token) {
        Ok(base) => Ok(base),
        Err(why) if context.is_review() && options.policy_from == PolicyFrom::Base => {
            Err(RunError::Argument(why))
        }
        Err(why) => {
            teller.note(&format!("all counts as new: {why}"));
            Ok(None)
        }
    }
}

fn check_of(options: &Github, context: &Context, base: Option<&Base>) -> Check {
    let from_base = context.is_review() && options.policy_from == PolicyFrom::Base;
    let changed = match options.changed_only {
        ChangedOnly::Off => None,
        ChangedOnly::Files => Some(Changed::Files),
        ChangedOnly::Lines => Some(Changed::Lines),
    };
    let is_new_only = options.new_only || changed.is_some();
    Check {
        path: options.path.clone(),
        config: options.config.clone(),
        rules: options.rules.clone(),
        profile: options.profile,
        select: options.select.clone(),
        ignore: options.ignore.clone(),
        fail_on: options.fail_on,
        baseline: options.baseline.clone(),
        new_since: base.filter(|_| is_new_only).map(|it| it.compare.clone()),
        changed: changed.filter(|_| base.is_some()),
        policy_from: base.filter(|_| from_base).map(|it| it.policy.clone()),
        fingerprints: true,
        ..Check::default()
    }
}

/// What the change does to the policy, where another one holds.
fn policy_change(
    check: &Check,
    context: &Context,
    report: &Report,
) -> Result<Option<PolicyChange>, RunError> {
    let Some(commit) = &check.policy_from else {
        return Ok(context
            .is_review()
            .then(|| PolicyChange { files: Vec::new(), blocking: Some(report.blocking) }));
    };
    let named: Vec<PathBuf> =
        check.rules.iter().chain(&check.config).chain(&check.baseline).cloned().collect();
    let changes = Policy::at(&check.path, commit).and_then(|it| it.changes(&named));
    let changes = changes.map_err(|error| RunError::Argument(format!("{commit}: {error}")))?;
    let blocking = match changes.is_empty() {
        true => Some(report.blocking),
        false => {
            let own = Check { policy_from: None, ..check.clone() };
            run::check(&own).ok().map(|it| it.blocking)
        }
    };
    let files = changes.into_iter().map(|it| (it.path, it.what)).collect();
    Ok(Some(PolicyChange { files, blocking }))
}

/// The lines that the change adds, in files that something was found in.
fn added(root: &Path, base: &Base, report: &Report) -> Result<Added, RunError> {
    let diff = git::diff(root, &base.compare)
        .map_err(|error| RunError::Argument(format!("git diff: {error}")))?;
    let mut paths: Vec<_> = report.findings.iter().map(|it| it.place.path.to_string()).collect();
    paths.sort();
    paths.dedup();
    Ok(patch::added(&diff, &paths))
}

fn capabilities(options: &Github, environment: &Environment, token: bool) -> Capabilities {
    let is_saved = options.save.is_some();
    Capabilities {
        token,
        check_run: environment.get("SEAWORTHY_CHECK_RUN_ID").and_then(|it| it.parse().ok()),
        annotations: options.annotations,
        comment: if is_saved { Comment::Off } else { options.comment },
        key: options.comment_key.clone().unwrap_or_default(),
        suggestions: options.suggestions && !is_saved,
        summary: options.summary && environment.get("GITHUB_STEP_SUMMARY").is_some(),
    }
}

/// Writes the reports that are files, and says where they are.
fn files(
    options: &Github,
    ground: &Ground,
    report: &Report,
    teller: &mut Teller<'_>,
) -> Result<(), RunError> {
    let temporary = ground.environment.path("RUNNER_TEMP");
    let json = options.json_file.clone().or(temporary.map(|it| it.join("seaworthy.json")));
    let wanted = [
        (Format::Json, "report-json", &json),
        (Format::Sarif, "sarif-file", &options.sarif_file),
        (Format::Junit, "", &options.junit_file),
        (Format::Gitlab, "", &options.gitlab_file),
    ];
    for (format, output, path) in wanted {
        let Some(path) = path else { continue };
        write(path, &report::render(report, format, &Style::default()))?;
        if !output.is_empty() {
            teller.output(output, &path.to_string_lossy());
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), RunError> {
    fs::write(path, text).map_err(|error| RunError::Path {
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}

/// What the next steps may ask for.
fn outputs(report: &Report, teller: &mut Teller<'_>) {
    use crate::finding::Severity;
    let counts = || report.findings.iter().filter(|it| it.new && it.waived.is_none());
    let of = |severity| counts().filter(|it| it.severity == severity).count().to_string();
    let conclusion = match report.verdict {
        Verdict::Ready => "success",
        Verdict::NotReady => "failure",
        Verdict::Nothing => "nothing",
    };
    teller.output("conclusion", conclusion);
    teller.output("errors", &of(Severity::Error));
    teller.output("warnings", &of(Severity::Warning));
    teller.output("notices", &of(Severity::Info));
    teller.output("new", &counts().count().to_string());
    teller.output("score", &report::json::score(report.score).to_string());
}

/// Posts what another run has saved.
fn post(
    options: &Github,
    ground: &Ground,
    path: &Path,
    teller: &mut Teller<'_>,
) -> Result<u8, RunError> {
    let mut context = Context::read(&ground.environment).map_err(RunError::Argument)?;
    let Event::WorkflowRun(finished) = context.event.clone() else {
        let why = "--post runs in a job that a workflow_run started";
        return Err(RunError::Argument(why.to_owned()));
    };
    let (report, policy) = read_saved(path)?;
    let token = token(&ground.environment);
    context.run = finished.run;
    let mut capabilities = capabilities(options, &ground.environment, token.is_some());
    capabilities.annotations = Annotations::Off;
    if let Some(number) = teller.request_of(&finished, &context, token) {
        context.event = Event::PullRequest(event::PullRequest {
            number,
            head: finished.head.clone(),
            base: String::new(),
            fork: true,
            target: false,
        });
    }
    let change = Change { policy: policy.as_ref(), ..Change::default() };
    let operations = plan::plan(&report, &context, &capabilities, change);
    teller.tell(operations, &context, token, options.comment_author.as_deref());
    Ok(0)
}

fn read_saved(path: &Path) -> Result<(Report, Option<PolicyChange>), RunError> {
    let failed = |reason: String| RunError::Path { path: path.display().to_string(), reason };
    let file = fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut text = String::new();
    file.take(saved::LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 > saved::LARGEST {
        return Err(failed("is larger than any report of ours".to_owned()));
    }
    saved::read(&text).map_err(failed)
}
