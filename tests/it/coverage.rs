//! Coverage reports through the binary: what the history of the repository says of them.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn git(root: &Path, day: &str, arguments: &[&str]) {
    let date = format!("{day}T12:00:00Z");
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
    git.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
    assert!(git.args(arguments).status().unwrap().success(), "{arguments:?}");
}

/// The messages of `coverage/report-older-than-code`.
fn older(root: &Path) -> Vec<String> {
    let mut check = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    check.args(["check", "--select", "coverage/report-older-than-code", "--format", "json"]);
    let output = check.arg(root).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["findings"].as_array().unwrap();
    let ours = found.iter().filter(|it| it["rule"] == "coverage/report-older-than-code");
    ours.map(|it| it["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_report_from_before_the_last_change_of_its_files_is_older() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir(root.join("src")).unwrap();
    fs::write(root.join("src/a.py"), "x = 1\ny = 2\n").unwrap();
    // 2024-01-01, in milliseconds as many tools write them.
    let report = "<coverage line-rate=\"1\" timestamp=\"1704110400000\"><packages><package><classes>\
                  <class filename=\"src/a.py\"><lines><line number=\"1\" hits=\"1\"/></lines></class>\
                  </classes></package></packages></coverage>\n";
    fs::write(root.join("coverage.xml"), report).unwrap();
    git(root, "2023-12-31", &["init", "-q", "-b", "main"]);
    git(root, "2023-12-31", &["add", "-A"]);
    git(root, "2023-12-31", &["commit", "-q", "-m", "first"]);
    assert!(older(root).is_empty());
    fs::write(root.join("src/a.py"), "x = 1\ny = 3\n").unwrap();
    git(root, "2024-03-01", &["commit", "-q", "-a", "-m", "second"]);
    let message = "the report was made on 2024-01-01, and `src/a.py` changed on 2024-03-01 \
                   (1 of its files changed later)";
    assert_eq!(older(root), [message]);
}
