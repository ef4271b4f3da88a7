//! The laws of the checklist, over whole repositories: less evidence never counts for more.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What `check` says of a folder.
fn check(folder: &Path, more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.arg("check").arg(folder).args(["--format", "json", "--quiet"]).args(more);
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}

/// The items of one status.
fn items(report: &Value, status: &str) -> BTreeSet<String> {
    let checklist = report["checklist"].as_array().unwrap().iter();
    let found = checklist.filter(|it| it["status"] == status);
    found.map(|it| it["item"].as_str().unwrap().to_owned()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = walk.map(|it| it.unwrap()).filter(|it| it.file_type().is_file());
    files.map(|it| it.path().strip_prefix(folder).unwrap().to_path_buf()).collect()
}

/// A copy of a folder without one of its files.
fn copy_without(folder: &Path, left_out: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in files(folder).iter().filter(|it| *it != left_out) {
        let to = copy.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(folder.join(path), to).unwrap();
    }
    copy
}

/// A repository of what stands around a service: nginx, a load test, Terraform, alerts, a database
/// of one version, a runbook.
fn watched() -> tempfile::TempDir {
    let files = [
        (
            "deploy/nginx.conf",
            "http {\n  limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;\n  server {\n    listen 443 ssl;\n    ssl_protocols TLSv1.2 TLSv1.3;\n    add_header X-Frame-Options DENY always;\n    add_header X-Content-Type-Options nosniff always;\n    location / {\n      limit_req zone=api;\n      proxy_pass http://app;\n    }\n  }\n}\n",
        ),
        (
            "tests/load/api.js",
            "import http from 'k6/http';\nexport const options = {\n  thresholds: { http_req_duration: ['p(95)<200'], http_req_failed: ['rate<0.001'] },\n};\n",
        ),
        (
            "infra/main.tf",
            "resource \"aws_db_instance\" \"main\" {\n  engine = \"postgres\"\n  engine_version = \"17.2\"\n  multi_az = true\n  storage_encrypted = true\n  backup_retention_period = 14\n}\n",
        ),
        (
            "monitoring/rules.yml",
            "groups:\n  - name: api\n    rules:\n      - alert: Down\n        expr: up == 0\n        for: 5m\n        labels: {severity: critical}\n        annotations: {summary: it is down, runbook_url: https://wiki.seaworthy.dev/down}\n",
        ),
        (
            ".github/workflows/ci.yml",
            "on:\n  pull_request:\n    paths: ['infra/**', 'tests/**']\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    services:\n      db: {image: 'postgres:17-alpine'}\n    steps:\n      - uses: actions/checkout@v4\n      - run: ruff check .\n      - run: pytest\n",
        ),
        ("zizmor.yml", "rules: {unpinned-uses: {disable: true}}\n"),
        ("go.mod", "module example.com/api\n"),
        (
            "testdata/api.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n    - name: api\n      image: registry.example.com/api:1.4.2\n      resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi}}\n      readinessProbe: {httpGet: {path: /ready, port: 80}}\n      livenessProbe: {httpGet: {path: /live, port: 80}}\n",
        ),
        (
            "docs/on-call.rst",
            "On-call\n=======\n\nThe team takes turns, a week each, from Monday at nine. Who is on call answers the pager within\nfifteen minutes, looks at the dashboard first, opens an incident and tells the channel what is\nknown. Who cannot mend it calls the next on the list.\n",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let to = folder.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, text).unwrap();
    }
    folder
}

/// Without a file no line is verified that was not before; read the other way: a file that is
/// added takes no line away.
#[test]
fn deleting_a_file_verifies_nothing() {
    let watched = watched();
    for folder in [Path::new("fixtures/ready"), Path::new("fixtures/service"), watched.path()] {
        let whole = items(&check(folder, &[]), "verified");
        assert!(whole.len() > 5, "{folder:?} shows {whole:?}");
        for path in files(folder) {
            let copy = copy_without(folder, &path);
            let rest = items(&check(copy.path(), &[]), "verified");
            let more: Vec<_> = rest.difference(&whole).collect();
            assert!(more.is_empty(), "without {path:?}, {folder:?} shows {more:?}");
        }
    }
}

const SIGNED: &str = r#"
[[attest]]
item = "security.monitoring.security-audits"
state = "met"
by = "@alice"
on = 2026-01-12
expires = 2026-06-12
evidence = ["https://audits.seaworthy.dev/2026"]

[[attest]]
item = "security.infra.cors-restrictive"
state = "met"
by = "@alice"
on = 2026-01-12
expires = 2026-06-12
evidence = ["https://audits.seaworthy.dev/cors"]
"#;

/// The service with sign-offs, and with an app that lets every site in if `open`.
fn signed(open: bool) -> tempfile::TempDir {
    let copy = copy_without(Path::new("fixtures/service"), Path::new("nothing"));
    fs::write(copy.path().join("readiness.toml"), SIGNED).unwrap();
    if open {
        let main = copy.path().join("app/main.py");
        let text = fs::read_to_string(&main).unwrap();
        let wide = r#"allow_origins=["*"], allow_credentials=True"#;
        fs::write(main, text.replace("allow_origins=settings.cors_origins", wide)).unwrap();
    }
    copy
}

#[test]
fn a_sign_off_counts_until_it_ends() {
    let folder = signed(false);
    let attested = |now: &str| items(&check(folder.path(), &["--now", now]), "attested");
    assert!(attested("2026-02-01").contains("security.monitoring.security-audits"));
    assert_eq!(attested("2026-06-13"), BTreeSet::new());
}

#[test]
fn a_sign_off_that_files_contradict_does_not_count() {
    let item = "security.infra.cors-restrictive";
    let now = ["--now", "2026-02-01"];
    let fair = check(signed(false).path(), &now);
    assert!(items(&fair, "verified").contains(item));
    let contradicted = check(signed(true).path(), &now);
    assert!(items(&contradicted, "violated").contains(item));
    assert!(!items(&contradicted, "attested").contains(item));
}

/// The numbers that a team promises are the numbers that its load tests and alerts are held to.
#[test]
fn what_is_promised_is_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import http from 'k6/http';\nexport const options = { thresholds: { http_req_duration: ['p(95)<400'] } };\n";
    fs::create_dir(folder.path().join("k6")).unwrap();
    fs::write(folder.path().join("k6/api.js"), script).unwrap();
    let late = |report: &Value| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().any(|it| it["rule"] == "load/latency-threshold-late")
    };
    let now = ["--now", "2026-02-01"];
    assert!(late(&check(folder.path(), &now)));
    let promise = |ms: u32| {
        let text = format!("[objectives]\nreviewed = 2026-01-10\np95_ms = {ms}\n");
        fs::write(folder.path().join("readiness.toml"), text).unwrap();
        late(&check(folder.path(), &now))
    };
    assert!(!promise(500));
    assert!(promise(300));
}
