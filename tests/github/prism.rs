//! A second opinion on every kind of request: prism serves what GitHub's description says of the
//! paths that we use.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    contract,
    job::{BAD, GOOD, Job},
    oracle,
    server::Request,
};

/// prism, until it is dropped.
struct Prism {
    child: Child,
    port: u16,
    /// Where the description is: prism watches it, and ends when it is gone before that.
    _folder: tempfile::TempDir,
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The parts of the description that `requests` are about, without what is answered.
fn trimmed(description: &Value, requests: &[Request]) -> Value {
    let mut paths = serde_json::Map::new();
    for request in requests {
        let (template, item) = contract::find(description, &request.path).unwrap();
        let mut operations = serde_json::Map::new();
        for (method, operation) in item.as_object().unwrap() {
            let inline = |name: &str| contract::inlined(description, &operation[name], 0);
            let mut kept = json!({"responses": {"200": {"description": "done"}}});
            kept["parameters"] = inline("parameters");
            if !operation["requestBody"].is_null() {
                kept["requestBody"] = inline("requestBody");
            }
            operations.insert(method.clone(), kept);
        }
        paths.insert(template.to_owned(), Value::Object(operations));
    }
    json!({"openapi": "3.1.0", "info": {"title": "GitHub", "version": "1"}, "paths": paths})
}

impl Prism {
    fn start(description: &Value) -> Option<Self> {
        let program = oracle::find("node_modules/.bin/prism", "prism")?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("github.json");
        fs::write(&path, description.to_string()).unwrap();
        let child = Command::new(program)
            .args(["mock", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let prism = Self { child, port, _folder: folder };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(prism);
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("prism does not start");
    }

    /// The status that a request gets.
    fn status(&self, request: &Request) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = if request.body.is_null() { String::new() } else { request.body.to_string() };
        let (method, path, length) = (&request.method, &request.path, body.len());
        let text = format!(
            "{method} {path}?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
             application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            request.query
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// One request of each kind that we make.
fn requests() -> Vec<Request> {
    let after = format!("{BAD}MAINTAINER a@example.com\n");
    let mut job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", &after)]);
    job.set("SEAWORTHY_CHECK_RUN_ID", "77");
    job.run(&["--annotations", "check", "--suggestions", "true", "--profile", "all"]);
    // A comment of ours, and one too many.
    let old = "<!-- seaworthy key=main head=0 run=1.1 gist=0 -->\nold";
    let ours = |id| (id, "github-actions[bot]".to_owned(), old.to_owned());
    job.server.with(|it| it.comments = vec![ours(5), ours(6)]);
    let saved = job.folder.path().join("saved.json");
    let saved = saved.to_str().unwrap();
    job.run(&["--save", saved]);
    let head = job.head.clone();
    job.event(
        "workflow_run",
        &json!({"workflow_run": {
            "id": 2000, "run_attempt": 1, "head_sha": head, "head_branch": "x",
            "head_repository": {"owner": {"login": "eve"}},
        }}),
    );
    job.run(&["--post", saved]);
    job.server.with(|it| it.requests.clone())
}

#[test]
fn prism_finds_nothing_wrong_with_any_request() {
    let Some(description) = contract::description() else { return };
    let requests = requests();
    let kinds: BTreeSet<_> = requests
        .iter()
        .map(|it| (it.method.clone(), contract::find(description, &it.path).unwrap().0))
        .collect();
    assert_eq!(kinds.len(), 11, "{kinds:#?}");
    let Some(prism) = Prism::start(&trimmed(description, &requests)) else { return };
    for request in &requests {
        let status = prism.status(request);
        assert!(status < 300, "{status}: {request:?}");
    }
    // And it does look: what is known to be wrong is refused.
    for wrong in requests.iter().filter_map(spoiled) {
        let status = prism.status(&wrong);
        assert!((400..500).contains(&status), "{status}: {wrong:?}");
    }
}

/// The request with something in it that GitHub refuses.
fn spoiled(request: &Request) -> Option<Request> {
    let mut wrong = request.clone();
    match request.method.as_str() {
        "PATCH" if request.path.contains("/issues/comments/") => wrong.method = "POST".into(),
        "PATCH" => wrong.body["output"]["annotations"][0]["annotation_level"] = "error".into(),
        "POST" if request.path.ends_with("/comments") => wrong.body = json!({"text": "x"}),
        "POST" => wrong.body["event"] = "BLOCK".into(),
        _ => return None,
    }
    Some(wrong)
}
