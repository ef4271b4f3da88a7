//! End to end: `act` runs the workflow of a consumer of the action against a local server, without
//! Docker and without GitHub.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    contract,
    job::{BAD, GOOD, Job, commit, git},
    oracle,
    server::Trouble,
};

const WORKFLOW: &str = "\
name: consumer
on: [pull_request, push, merge_group]
jobs:
  ready:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: seaworthy-dev/seaworthy@v0
        id: ready
        with:
          INPUT
      - if: always()
        shell: bash
        env:
          OUTPUTS: ${{ toJSON(steps.ready.outputs) }}
        run: echo \"outputs\" $OUTPUTS
";

/// What `act` said, and whether the job went well.
struct Ran {
    well: bool,
    said: String,
}

impl Ran {
    fn has_output(&self, name: &str, value: &str) -> bool {
        self.said.contains(&format!("\"{name}\": \"{value}\""))
    }
}

/// A repository that uses the action, given `input`.
fn consumer(input: &str, after: &str) -> Job {
    let workflow = WORKFLOW.replace("INPUT", input);
    let before = [("Dockerfile", GOOD), (".github/workflows/ready.yml", &workflow)];
    let job = Job::new(&before, &[("Dockerfile", after)]);
    git(&job.root(), &["remote", "add", "origin", "https://github.com/acme/api.git"]);
    job
}

/// The action as a repository of its own: what a consumer's `uses:` downloads.
fn action(job: &Job, checksums: &str) -> PathBuf {
    let root = job.folder.path().join("action");
    fs::create_dir_all(root.join(".github/action")).unwrap();
    let mut files = vec![(".github/action/checksums.txt", checksums.to_owned())];
    for path in ["action.yml", ".github/action/install"] {
        files.push((path, fs::read_to_string(path).unwrap()));
    }
    git(&root, &["init", "-q", "-b", "main"]);
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    commit(&root, &files);
    root
}

fn run(job: &Job, event: &str, checksums: &str) -> Option<Ran> {
    let act = oracle::find("python/bin/act", "act, the action from end to end")?;
    let folder = job.folder.path();
    fs::create_dir_all(folder.join("config/act")).unwrap();
    fs::write(folder.join("config/act/actrc"), "").unwrap();
    let text = |it: &Path| it.to_str().unwrap().to_owned();
    let output = Command::new(act)
        .current_dir(job.root())
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .args([event, "--no-cache-server", "-P", "ubuntu-latest=-self-hosted"])
        .args(["-s", "GITHUB_TOKEN=secret-token", "-e", &text(&folder.join("event.json"))])
        .args(["--env", &format!("GITHUB_API_URL={}", job.server.address)])
        .arg("--local-repository")
        .arg(format!("seaworthy-dev/seaworthy@v0={}", text(&action(job, checksums))))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let requests = job.server.with(|it| it.requests.clone());
    assert_eq!(contract::faults(&requests), [""; 0]);
    Some(Ran { well: output.status.success(), said })
}

fn binary() -> String {
    format!("binary: {}", env!("CARGO_BIN_EXE_seaworthy"))
}

#[test]
fn a_pull_request_that_blocks_fails_the_step_and_is_commented() {
    let job = consumer(&binary(), BAD);
    let Some(ran) = run(&job, "pull_request", "") else { return };
    assert!(!ran.well, "{}", ran.said);
    assert!(
        ran.has_output("conclusion", "failure") && ran.has_output("errors", "1"),
        "{}",
        ran.said
    );
    assert!(ran.said.contains("### ❌ Not ready: 1 finding blocks"), "{}", ran.said);
    assert!(ran.said.contains("::error file=Dockerfile,line=2"), "{}", ran.said);
    assert!(job.server.comments()[0].contains("Not ready"));
}

#[test]
fn a_pull_request_that_is_ready_passes_without_a_comment() {
    let job = consumer(&binary(), "FROM debian:13\nUSER 10002\n");
    let Some(ran) = run(&job, "pull_request", "") else { return };
    assert!(ran.well && ran.has_output("conclusion", "success"), "{}", ran.said);
    assert_eq!(job.server.comments().len(), 0);
}

#[test]
fn a_fork_is_judged_all_the_same() {
    let mut job = consumer(&binary(), BAD);
    job.pull_request(true);
    let no = Trouble::Status(403, None, "Resource not accessible by integration");
    job.server.with(|it| it.script = vec![("POST", no)].into());
    let Some(ran) = run(&job, "pull_request", "") else { return };
    assert!(!ran.well && ran.has_output("conclusion", "failure"), "{}", ran.said);
    assert!(ran.said.contains("no comment: 403"), "{}", ran.said);
    assert!(ran.said.contains("### ❌ Not ready"), "{}", ran.said);
}

#[test]
fn the_merge_queue_and_pushes_are_judged_without_a_comment() {
    let mut job = consumer(&binary(), BAD);
    let (base, head) = (job.base.clone(), job.head.clone());
    for (event, payload) in [
        ("merge_group", json!({"merge_group": {"base_sha": base, "head_sha": head}})),
        ("push", json!({"before": base, "after": head, "ref": "refs/heads/main"})),
    ] {
        job.event(event, &payload);
        let Some(ran) = run(&job, event, "") else { return };
        assert!(!ran.well && ran.has_output("conclusion", "failure"), "{event}: {}", ran.said);
        assert_eq!(job.server.asked().len(), 0, "{event}");
    }
}

/// A release in a folder that plays the mirror; its line of checksums.txt.
#[cfg(target_os = "linux")]
fn release(job: &Job) -> String {
    let folder = job.folder.path().join("mirror");
    fs::create_dir_all(&folder).unwrap();
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_seaworthy"));
    fs::write(folder.join("seaworthy"), script).unwrap();
    let asset = format!("seaworthy-9.9.9-{}-unknown-linux-musl.tar.gz", std::env::consts::ARCH);
    let steps = format!("chmod +x seaworthy && tar -czf {asset} seaworthy && sha256sum {asset}");
    let output = Command::new("sh").current_dir(&folder).args(["-c", &steps]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_release_runs_only_if_it_is_what_the_checksum_says() {
    for (spoiled, well) in [(false, true), (true, false)] {
        let job = consumer("{version: 9.9.9, mirror: MIRROR}", GOOD);
        let mirror = format!("file://{}/mirror", job.folder.path().display());
        let path = job.root().join(".github/workflows/ready.yml");
        let workflow = fs::read_to_string(&path).unwrap();
        let input = "          {version: 9.9.9, mirror: MIRROR}";
        let inputs = format!("          version: 9.9.9\n          mirror: {mirror}");
        fs::write(&path, workflow.replace(input, &inputs)).unwrap();
        let checksum = release(&job);
        let checksums = if spoiled { checksum.replace(&checksum[..4], "0000") } else { checksum };
        let Some(ran) = run(&job, "pull_request", &checksums) else { return };
        assert_eq!(ran.well, well, "{}", ran.said);
        assert_eq!(ran.said.contains("is not what checksums.txt says"), spoiled, "{}", ran.said);
    }
}
