//! What is derived of pipelines.

use super::*;

fn look(path: &str, text: &str, ask: impl Fn(Node<'_>) -> String) -> String {
    let parsed = parse(Source::new(path, text));
    let artifact = parsed.artifact.expect("an artifact");
    ask(pipeline(&artifact).expect("a pipeline"))
}

fn jobs(node: Node<'_>, key: &str) -> String {
    let shown = node.get("jobs").into_iter().flat_map(Node::children);
    shown.map(|it| it.get(key).map_or(String::new(), Node::display)).collect::<Vec<_>>().join(" ")
}

#[test]
fn workflows_are_told_by_their_place() {
    let is = |path: &str, text: &str| recognise(&Source::new(path, text));
    assert!(is(".github/workflows/ci.yml", "") && is("a/.gitlab-ci.yml", ""));
    assert!(is("tools/action.yml", "runs:\n  using: composite\n"));
    assert!(!is("template/.github/workflows/ci.yml", "") && !is("action.yml", "a: 1"));
}

#[test]
fn what_starts_a_workflow_says_what_runs_before_a_merge() {
    let text = "on:\n  push: {branches: [main]}\n  pull_request:\njobs:\n  a: {}\n  b: {if: \"github.ref == 'refs/heads/main'\"}\n  c: {if: \"github.event_name == 'release'\"}\n";
    let path = ".github/workflows/a.yml";
    assert_eq!(look(path, text, |it| jobs(it, "on_change")), "true false false");
    assert_eq!(look(path, text, |it| jobs(it, "never")), "false false true");
    let pushed = "on: push\njobs: {a: {}}\n";
    assert_eq!(look(path, pushed, |it| jobs(it, "on_change")), "true");
    let tagged = "on: {push: {tags: ['v*']}}\njobs: {a: {}}\n";
    assert_eq!(look(path, tagged, |it| jobs(it, "on_change")), "false");
}

fn steps(text: &str, key: &str) -> String {
    look(".github/workflows/a.yml", text, |it| {
        let steps = it.get("jobs").and_then(|it| it.item(0)).and_then(|it| it.get("steps"));
        let shown = steps.into_iter().flat_map(Node::children);
        shown
            .map(|it| it.get(key).map_or(String::new(), Node::display))
            .collect::<Vec<_>>()
            .join(" ")
    })
}

#[test]
fn a_scan_whose_report_is_uploaded_is_looked_at() {
    let scan = "      - uses: aquasecurity/trivy-action@v1\n        with: {exit-code: '0', format: sarif, output: a.sarif}\n";
    let upload = "      - uses: github/codeql-action/upload-sarif@v3\n";
    let head = "on: push\njobs:\n  a:\n    steps:\n";
    assert_eq!(steps(&format!("{head}{scan}"), "consumed"), "false");
    assert_eq!(steps(&format!("{head}{scan}{upload}"), "consumed"), "true false");
}

#[test]
fn an_outcome_that_is_asked_for_is_looked_at() {
    let text = "on: push\njobs:\n  a:\n    steps:\n      - id: t\n        run: pytest\n        continue-on-error: true\n      - run: exit 1\n        if: steps.t.outcome == 'failure'\n";
    assert_eq!(steps(text, "consumed"), "true false");
    assert_eq!(steps(text, "tolerated"), "true false");
}

#[test]
fn gitlab_answers_the_same_questions() {
    let text = "default: {image: 'python:3.13'}\n.base: {script: [pytest]}\nunit: {extends: .base, allow_failure: true}\ndeploy:\n  script: [helm upgrade web chart]\n  environment: {name: production}\n  rules: [{if: '$CI_COMMIT_TAG', when: manual}]\n";
    let path = ".gitlab-ci.yml";
    assert_eq!(look(path, text, |it| jobs(it, "tolerated")), "true false");
    assert_eq!(look(path, text, |it| jobs(it, "on_change")), "true false");
    assert_eq!(look(path, text, |it| jobs(it, "manual")), "false true");
    assert_eq!(look(path, text, |it| jobs(it, "environment")), "null production");
    assert_eq!(look(path, text, |it| jobs(it, "image")), "python:3.13 python:3.13");
}

#[test]
fn nothing_that_is_written_stops_the_reader() {
    for text in [
        "",
        "on:",
        "jobs: []",
        "on: {push: 3}\njobs: {a: 1, b: [x], c: {steps: {a: 1}}}",
        "jobs:\n  a:\n    steps: [1, {run: '${{'}, {uses: '@'}]",
    ] {
        for path in [".github/workflows/a.yml", ".gitlab-ci.yml"] {
            parse(Source::new(path, text));
        }
    }
}
