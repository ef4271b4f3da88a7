//! The two services under `fixtures/`: what is not ready is said with its place, and the twin is.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

fn check(path: &str, more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.args(["check", path, "--format", "json"]).args(more);
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}

fn places(report: &Value) -> BTreeSet<(String, String, u64)> {
    let finding = |it: &Value| {
        let text = |key: &str| it[key].as_str().unwrap().to_owned();
        (text("rule"), text("path"), it["start"]["line"].as_u64().unwrap())
    };
    report["findings"].as_array().unwrap().iter().map(finding).collect()
}

#[test]
fn defects_that_only_show_across_files_are_found_at_their_lines() {
    let found = places(&check("fixtures/not-ready", &["--profile", "all"]));
    let expected = [
        ("repository/copy-source-missing", "Dockerfile", 5),
        ("repository/recipe-script-missing", "Makefile", 16),
        ("repository/recipe-stage-missing", "Makefile", 20),
        ("repository/image-runs-as-root-but-must-not", "deploy/deployment.yaml", 20),
        ("repository/container-port-not-exposed", "deploy/deployment.yaml", 22),
        ("repository/probe-path-unserved", "deploy/deployment.yaml", 28),
        ("kubernetes/service-selects-nothing", "deploy/service.yaml", 7),
        ("kubernetes/ingress-backend-missing", "deploy/service.yaml", 27),
        ("kubernetes/pdb-leaves-no-spare", "deploy/service.yaml", 37),
    ];
    for (rule, path, line) in expected {
        let expected = (rule.to_owned(), path.to_owned(), line);
        assert!(found.contains(&expected), "{expected:?} is not among {found:#?}");
    }
}

#[test]
fn nothing_is_wrong_with_the_ready_twin() {
    let report = check("fixtures/ready", &[]);
    assert_eq!(report["verdict"], "ready");
    assert_eq!(places(&report), BTreeSet::new());
    assert_eq!(report["problems"], Value::Array(Vec::new()));
    for item in report["checklist"].as_array().unwrap() {
        let verified = item["status"] == "verified";
        assert!(!verified || item["evidence"][0]["path"].is_string(), "{item}");
    }
}

#[test]
fn the_last_lines_tell_a_newcomer_what_to_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    let output = command.args(["check", "fixtures/not-ready"]).output().unwrap().stdout;
    let text = String::from_utf8(output).unwrap();
    let last: Vec<_> = text.trim_end().lines().rev().take(5).collect();
    let last = last.join("\n");
    assert!(last.contains("not ready: ") && last.contains(" block"), "{last}");
    assert!(last.contains("seaworthy explain "), "{last}");
}
