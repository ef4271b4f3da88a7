//! A job of GitHub Actions in a temporary folder: a checkout, an event, and what a run leaves.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Parser as _;
use seaworthy::{
    cli::{self, Cli},
    github::{self, Ground, client::Pace},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    contract,
    server::{Server, State},
};

pub const FENCE: &str = "fence-0123456789abcdef";
pub const GOOD: &str = "FROM debian:13\nUSER 10001\n";
pub const BAD: &str = "FROM debian:13\nUSER root\n";

/// A checkout in a job, and the server that the job talks to.
pub struct Job {
    pub folder: TempDir,
    pub base: String,
    pub head: String,
    pub server: Server,
    variables: BTreeMap<String, String>,
}

/// What a run left.
pub struct Outcome {
    pub code: u8,
    pub log: String,
    pub summary: String,
    pub outputs: BTreeMap<String, String>,
}

impl Job {
    /// A job whose checkout went from the files of `before` to those of `after`.
    pub fn new(before: &[(&str, &str)], after: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("checkout");
        fs::create_dir_all(&root).unwrap();
        git(&root, &["init", "-q", "-b", "main"]);
        let base = commit(&root, before);
        let head = commit(&root, after);
        let server = Server::start(State { head: head.clone(), ..State::default() });
        let variables = BTreeMap::new();
        let mut job = Self { folder, base, head, server, variables };
        for (name, value) in [
            ("GITHUB_REPOSITORY", "acme/api"),
            ("GITHUB_RUN_ID", "1000"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_TOKEN", "secret-token"),
        ] {
            job.set(name, value);
        }
        job.set("GITHUB_SHA", &job.head.clone());
        job.set("GITHUB_API_URL", &job.server.address.clone());
        for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
            let path = job.folder.path().join(file);
            job.set(name, path.to_str().unwrap());
        }
        let path = |it: PathBuf| it.to_str().unwrap().to_owned();
        job.set("GITHUB_WORKSPACE", &path(root));
        job.set("RUNNER_TEMP", &path(job.folder.path().to_owned()));
        job.pull_request(false);
        job
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Adds a commit to the change under review.
    pub fn push(&mut self, files: &[(&str, &str)]) {
        self.head = commit(&self.root(), files);
        let head = self.head.clone();
        self.server.with(|it| it.head = head.clone());
        self.set("GITHUB_SHA", &head);
        self.pull_request(false);
    }

    pub fn event(&mut self, name: &str, payload: &Value) {
        let path = self.folder.path().join("event.json");
        fs::write(&path, payload.to_string()).unwrap();
        self.set("GITHUB_EVENT_NAME", name);
        self.set("GITHUB_EVENT_PATH", path.to_str().unwrap());
    }

    pub fn pull_request(&mut self, fork: bool) {
        let repository = if fork { "eve/api" } else { "acme/api" };
        let payload = json!({"pull_request": {
            "number": 12,
            "head": {"sha": self.head, "repo": {"full_name": repository}},
            "base": {"sha": self.base, "repo": {"full_name": "acme/api"}},
        }});
        self.event("pull_request", &payload);
    }

    /// Runs `seaworthy github` in this process; every request must be as GitHub describes it.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            if let Some(path) = self.variables.get(name) {
                // One test makes this a folder.
                let _ = fs::write(path, "");
            }
        }
        let root = self.root();
        let mut line = vec!["seaworthy", "github", "--path", root.to_str().unwrap()];
        line.extend(arguments);
        let Some(cli::Command::Github(options)) = Cli::parse_from(line).command else {
            panic!("not the command");
        };
        let environment = self.variables.clone().into_iter().collect();
        let none = Duration::ZERO;
        let pace = Pace {
            between: none,
            first: none,
            answer: Duration::from_secs(3),
            pauses: Duration::from_secs(60),
        };
        let ground = Ground { environment, pace, fence: FENCE.to_owned() };
        let mut log = String::new();
        let code = github::run(&options, &ground, &mut |text| log.push_str(text));
        let requests = self.server.with(|it| it.requests.clone());
        assert_eq!(contract::faults(&requests), [""; 0]);
        assert!(requests.iter().all(|it| it.authorization == "Bearer secret-token"));
        assert!(!log.contains("secret-token"), "{log}");
        let file = |name: &str| {
            let path = self.variables.get(name);
            path.and_then(|it| fs::read_to_string(it).ok()).unwrap_or_default()
        };
        let (summary, outputs) = (file("GITHUB_STEP_SUMMARY"), outputs(&file("GITHUB_OUTPUT")));
        Outcome { code, log, summary, outputs }
    }
}

/// Outputs as the runner reads them.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, end) = line.split_once("<<").unwrap();
        let value: Vec<_> = lines.by_ref().take_while(|it| *it != end).collect();
        outputs.insert(name.to_owned(), value.join("\n"));
    }
    outputs
}

pub fn git(root: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn commit(root: &Path, files: &[(&str, &str)]) -> String {
    for (path, text) in files {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", "change"]);
    git(root, &["rev-parse", "HEAD"])
}
