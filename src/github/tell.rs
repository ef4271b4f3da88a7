//! Carries out what was planned. What fails is said and falls back to the next surface.

use std::{fs, io::Write as _, path::Path, time::Duration};

use super::{
    Ground,
    client::{Client, Failure},
    event::{Context, Environment, WorkflowRun},
    plan::Operation,
    review::{self, Said},
};
use crate::report::escape::Plain;

/// How long all of telling may take.
const LONGEST: Duration = Duration::from_secs(180);

/// Writes to the log, the files of the job, and the server.
pub struct Teller<'a> {
    ground: &'a Ground,
    say: &'a mut dyn FnMut(&str),
}

impl<'a> Teller<'a> {
    /// A teller that writes to the log through `say`.
    pub fn new(ground: &'a Ground, say: &'a mut dyn FnMut(&str)) -> Self {
        Self { ground, say }
    }

    /// Text for people. The runner looks for commands in all that is written; here none counts.
    pub fn log(&mut self, text: &str) {
        let fence = &self.ground.fence;
        let end = if text.ends_with('\n') { "" } else { "\n" };
        (self.say)(&format!("::stop-commands::{fence}\n{text}{end}::{fence}::\n"));
    }

    /// Lines that the runner shall take for commands.
    pub fn commands(&mut self, text: &str) {
        (self.say)(text);
    }

    /// A word on what is told where.
    pub fn note(&mut self, text: &str) {
        self.log(&Plain(text).to_string());
    }

    /// An output of the step.
    pub fn output(&mut self, name: &str, value: &str) {
        let fence = &self.ground.fence;
        // The fence cannot be guessed, so no value holds it.
        let text = format!("{name}<<{fence}\n{value}\n{fence}\n");
        let Some(path) = self.ground.environment.path("GITHUB_OUTPUT") else { return };
        if let Err(error) = append(&path, &text) {
            self.note(&format!("the output {name} is not written: {error}"));
        }
    }

    /// Does all of it, the network last.
    pub fn tell(
        &mut self,
        operations: Vec<Operation>,
        context: &Context,
        token: Option<&str>,
        author: Option<&str>,
    ) {
        let mut remote = Vec::new();
        for operation in operations {
            match operation {
                Operation::Log(text) => self.log(&text),
                Operation::Commands(text) => self.commands(&text),
                Operation::Summary { text, otherwise } => self.summary(&text, &otherwise),
                operation => remote.push(operation),
            }
        }
        if !remote.is_empty() {
            self.remote(&remote, context, token, author);
        }
    }

    fn summary(&mut self, text: &str, otherwise: &str) {
        let written = match summary_file(&self.ground.environment) {
            Some(path) => append(&path, text).map_err(|error| error.to_string()),
            None => Err("the job has none".to_owned()),
        };
        if let Err(error) = written {
            self.note(&format!("the summary is not written: {error}"));
            self.log(otherwise);
        }
    }

    fn remote(
        &mut self,
        operations: &[Operation],
        context: &Context,
        token: Option<&str>,
        author: Option<&str>,
    ) {
        let mut told = Told::default();
        let work = async {
            let mut client = client(self.ground, context, token)?;
            for operation in operations {
                told.one(&mut client, operation, context, author).await;
                told.done += 1;
            }
            Ok(())
        };
        if let Err(why) = in_time(work) {
            told.notes.push(format!("not all is told: {why}"));
        }
        // What was not reached falls back too.
        for operation in operations.iter().skip(told.done) {
            if let Operation::Annotate { otherwise, .. } = operation {
                told.commands.push_str(otherwise);
            }
        }
        let Told { notes, commands, url, .. } = told;
        self.commands(&commands);
        if let Some(url) = url {
            self.output("comment-url", &url);
        }
        for note in notes {
            self.note(&note);
        }
    }

    /// The open pull request that a finished run was about.
    pub fn request_of(
        &mut self,
        run: &WorkflowRun,
        context: &Context,
        token: Option<&str>,
    ) -> Option<u64> {
        let work = async {
            let mut client = client(self.ground, context, token)?;
            review::request_of(&mut client, run).await.map_err(|it| it.to_string())
        };
        let found = in_time(work);
        match found {
            Ok(Some(number)) => return Some(number),
            Ok(None) => self.note("nothing to post to: no open pull request is at this commit"),
            Err(why) => self.note(&format!("the pull request is not found: {why}")),
        }
        None
    }
}

/// What came of talking to the server.
#[derive(Default)]
struct Told {
    /// How many operations are done with.
    done: usize,
    notes: Vec<String>,
    commands: String,
    url: Option<String>,
}

impl Told {
    async fn one(
        &mut self,
        client: &mut Client,
        operation: &Operation,
        context: &Context,
        author: Option<&str>,
    ) {
        match operation {
            Operation::Annotate { check_run, title, chunks, otherwise } => {
                let (done, failure) = review::annotate(client, *check_run, title, chunks).await;
                let all: usize = chunks.iter().map(Vec::len).sum();
                self.notes.push(format!("{done} of {all} annotations are on the check run"));
                if let Some(failure) = failure {
                    self.refused("annotations on the check run", &failure, "checks: write");
                    self.commands.push_str(otherwise);
                }
            }
            Operation::Comment(number, wanted) => {
                match review::comment(client, *number, wanted, author).await {
                    Ok(Said::At(url)) => self.url = Some(url),
                    Ok(Said::Nothing(why)) => self.notes.push(format!("no comment: {why}")),
                    Err(failure) => self.refused("comment", &failure, "pull-requests: write"),
                }
            }
            Operation::Review(number, suggestions) => {
                match review::suggest(client, *number, &context.sha, suggestions).await {
                    Ok(count) => self.notes.push(format!("{count} new suggestions")),
                    Err(failure) => self.refused("suggestions", &failure, "pull-requests: write"),
                }
            }
            Operation::Log(_) | Operation::Commands(_) | Operation::Summary { .. } => {}
        }
    }

    fn refused(&mut self, what: &str, failure: &Failure, permission: &str) {
        let hint = match failure.status() {
            Some(403 | 404) => format!(
                "; the token may not (it needs `{permission}`, which jobs of forks never get)"
            ),
            _ => String::new(),
        };
        self.notes.push(format!("no {what}: {failure}{hint}. The summary has every finding."));
    }
}

fn client(ground: &Ground, context: &Context, token: Option<&str>) -> Result<Client, String> {
    let token = token.ok_or("there is no token")?;
    Client::new(&context.api, &context.repository, token, ground.pace)
}

/// Runs `work` until it is done or has taken too long.
fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let done = runtime.block_on(async { tokio::time::timeout(LONGEST, work).await });
    done.unwrap_or_else(|_| Err("it took too long".to_owned()))
}

fn summary_file(environment: &Environment) -> Option<std::path::PathBuf> {
    environment.path("GITHUB_STEP_SUMMARY")
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}
