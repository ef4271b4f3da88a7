//! The command as others see it: exit codes, formats, the same bytes twice, and hostile input.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn seaworthy(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn code(arguments: &[&str]) -> i32 {
    seaworthy(arguments).status.code().unwrap()
}

fn json(path: &Path) -> Value {
    let output = seaworthy(&["check", path.to_str().unwrap(), "--format", "json"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The reasons of the problems with one file.
fn problems(report: &Value, path: &str) -> Vec<String> {
    let all = report["problems"].as_array().unwrap().iter();
    all.filter(|it| it["path"] == path)
        .map(|it| it["reason"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_exit_code_is_the_verdict() {
    assert_eq!(code(&["check", "fixtures/ready"]), 0);
    assert_eq!(code(&["check", "fixtures/not-ready"]), 1);
    assert_eq!(code(&["check", "fixtures/nothing"]), 3);
    assert_eq!(code(&["fixtures/not-ready", "--fail-on", "never"]), 0);
    for format in ["json", "sarif", "github", "markdown", "junit", "gitlab", "html"] {
        assert_eq!(code(&["check", "fixtures/not-ready", "--format", format]), 1, "{format}");
    }
}

#[test]
fn a_question_that_cannot_be_answered_exits_with_2() {
    assert_eq!(code(&["check", "no/such/folder"]), 2);
    assert_eq!(code(&["check", "--select", "no/such-rule", "fixtures/ready"]), 2);
    assert_eq!(code(&["check", "--profile", "lenient", "fixtures/ready"]), 2);
    assert_eq!(code(&["check", "--now", "soon", "fixtures/ready"]), 2);
    assert_eq!(code(&["explain", "no/such-rule"]), 2);
}

/// What one person tells git to ignore everywhere is no part of the repository.
#[test]
fn the_machine_does_not_change_the_verdict() {
    let (root, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(root.path().join("Dockerfile"), "FROM alpine\n").unwrap();
    fs::create_dir(home.path().join("git")).unwrap();
    fs::write(home.path().join("git/ignore"), "Dockerfile\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
    assert_eq!(command.arg(root.path()).output().unwrap().status.code(), Some(1));
}

/// What `check -` says of a text, and its exit code.
fn judged(text: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.args(["check", "-"]).args(arguments).env("NO_COLOR", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Who is told to mend it does not read it.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn standard_input_is_judged_like_a_file_of_its_name() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec: {hostPID: true}\n";
    let (text, code) = judged(pod, &[]);
    assert!(text.starts_with("stdin.yaml\n  4:8 ") && code == Some(1), "{text}");
    let (text, code) = judged("FROM alpine\n", &["--stdin-name", "Dockerfile"]);
    assert!(text.starts_with("Dockerfile\n  1:6 ") && code == Some(1), "{text}");
    assert_eq!(judged("", &[]).1, Some(3));
    assert_eq!(judged("FROM alpine\n", &["--fix"]).1, Some(2));
}

#[test]
fn two_runs_give_the_same_bytes() {
    let run = || seaworthy(&["check", "fixtures", "--profile", "all", "--format", "json"]).stdout;
    assert_eq!(run(), run());
}

/// One thread reads the first MiB, so there is more than that here, and charts beside it.
#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: String, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: web}\n";
    for number in 0..8 {
        write(format!("k8s/{number}.yaml"), &format!("{pod}# {}\n", "x".repeat(200_000)));
        write(format!("charts/{number}/Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        write(format!("charts/{number}/templates/web.yaml"), pod);
    }
    let path = root.path().to_str().unwrap();
    let report = |threads| {
        seaworthy(&["check", path, "--format", "json", "--profile", "all", "--threads", threads])
    };
    let one = report("1");
    assert_eq!(one.status.code(), Some(1));
    for threads in ["2", "7"] {
        assert!(report(threads).stdout == one.stdout, "{threads} threads");
    }
}

#[test]
fn an_unknown_key_is_an_error_with_a_caret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(path.join("readiness.toml"), "[servcie]\nowner = \"@acme/x\"\n").unwrap();
    let output = seaworthy(&["check", path.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("servcie") && said.contains("readiness.toml:1:"), "{said}");
    fs::remove_file(path.join("readiness.toml")).unwrap();

    fs::create_dir_all(path.join(".seaworthy/rules/own")).unwrap();
    fs::write(path.join(".seaworthy/rules/own/x.toml"), "titel = \"x\"\n").unwrap();
    let output = seaworthy(&["check", path.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("titel") && said.contains("x.toml:1:"), "{said}");
}

#[test]
fn a_repositorys_own_rules_and_configuration_count() {
    let report = json(Path::new("fixtures/own-rules"));
    let found =
        report["findings"].as_array().unwrap().iter().any(|it| {
            it["rule"] == "dockerfile/maintained-base" && it["path"] == "service/Dockerfile"
        });
    assert!(found, "{report:#}");
}

#[test]
fn own_rules_look_at_all_of_a_definition() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata: {name: as.x.io}\nspec:\n  group: x.io\n  names: {kind: A, plural: as}\n  \
        scope: Cluster\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    \
        schema:\n      openAPIV3Schema:\n        type: object\n        description: an a\n";
    fs::write(path.join("a.yaml"), definition).unwrap();
    let rule = "title = \"x\"\nseverity = \"info\"\nwhy = \"x\"\nfix = \"x\"\n\
        subject = \"kubernetes.object\"\n[[require]]\nthat = \
        'it.spec.versions.all(v, v.schema.openAPIV3Schema.description != \"an a\")'\n\
        message = \"described\"\n";
    fs::create_dir_all(path.join(".seaworthy/rules/own")).unwrap();
    fs::write(path.join(".seaworthy/rules/own/described.toml"), rule).unwrap();
    let report = json(path);
    let mut findings = report["findings"].as_array().unwrap().iter();
    let found = findings.find(|it| it["rule"] == "own/described").map(|it| &it["start"]["line"]);
    assert_eq!(found, Some(&Value::from(15)), "{report:#}");
}

#[test]
fn what_cannot_be_read_is_a_problem_and_the_rest_is_judged() {
    let report = json(Path::new("fixtures/broken"));
    for path in
        ["truncated.yaml", "one-of-three.yaml", "Dockerfile", "Dockerfile.typo", "coverage.xml"]
    {
        assert!(!problems(&report, path).is_empty(), "{path}: {:#}", report["problems"]);
    }
    let template = problems(&report, "chart/templates/deployment.yaml");
    assert!(template.iter().any(|it| it.contains("template")), "{template:?}");
    let findings = report["findings"].as_array().unwrap();
    let third = findings
        .iter()
        .any(|it| it["path"] == "one-of-three.yaml" && it["subject"]["name"] == "third");
    assert!(third, "the document behind the broken one is judged");
}

#[test]
fn a_description_in_several_files_is_inspected_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.yaml");
    let root =
        "openapi: 3.1.0\ninfo: {title: a, version: 1.0.0}\npaths:\n  /a:\n    $ref: a.yaml\n";
    fs::write(&path, root).unwrap();
    fs::write(folder.path().join("a.yaml"), "get:\n  operationId: all\n").unwrap();
    let output = seaworthy(&["inspect", path.to_str().unwrap(), "--format", "json"]);
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["problems"], serde_json::json!([]));
    assert_eq!(seen["views"]["openapi.operation"][0]["it"]["path"], "/a");
}

#[test]
fn hostile_input_ends_in_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n";
    fs::write(root.join("deep.yaml"), format!("{head}spec: {}", "[".repeat(10_000))).unwrap();
    fs::write(
        root.join("deep.json"),
        format!("{{\"openapi\": \"3.0.0\", \"x\": {}", "[".repeat(10_000)),
    )
    .unwrap();
    let keys: String = (0..10_000).map(|it| format!("{}a:\n", " ".repeat(it % 500))).collect();
    fs::write(root.join("stairs.yaml"), format!("{head}{keys}")).unwrap();
    let long = format!("FROM scratch\nRUN true \\\n{}  && true\n", "  && true \\\n".repeat(5_000));
    fs::write(root.join("Dockerfile"), long).unwrap();
    let nested = format!("FROM scratch\nRUN echo {}\n", "$(".repeat(20_000));
    fs::write(root.join("Dockerfile.nested"), nested).unwrap();
    fs::write(root.join("Makefile"), format!("X = {}\nall:\n\t$(X)\n", "$(call X,".repeat(10_000)))
        .unwrap();
    fs::write(root.join("bytes.yaml"), b"apiVersion: v1\nkind: \xff\xfe\n").unwrap();
    fs::write(root.join("coverage.xml"), format!("<coverage>{}", "<packages>".repeat(10_000)))
        .unwrap();
    let report = json(root);
    assert!(report["inputs"]["files"].as_u64().unwrap() >= 8);
    for path in ["deep.yaml", "deep.json"] {
        assert!(!problems(&report, path).is_empty(), "{path}: {:#}", report["problems"]);
    }
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_not_opened() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("Dockerfile"), "FROM scratch\nUSER 10001\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("Makefile")).unwrap();
    std::os::unix::fs::symlink(root, root.join("loop")).unwrap();
    let fifo = Command::new("mkfifo").arg(root.join("Dockerfile.fifo")).status();
    assert!(fifo.unwrap().success());
    let odd = std::ffi::OsStr::from_bytes(b"Dockerfile.\xff");
    // Some file systems refuse such names; then there is nothing to test.
    let _ = fs::write(root.join(odd), "FROM scratch\n");
    let report = json(root);
    assert_eq!(
        report["inputs"]["artifacts"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["dockerfile"]
    );
}

#[test]
fn new_since_blocks_only_on_what_a_change_brings() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        assert!(command.args(arguments).output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  hostNetwork: true\n  containers: [{name: a, image: \"a:1\"}]\n";
    fs::write(root.join("a.yaml"), manifest).unwrap();
    git(&["add", "."]);
    git(&["commit", "-qm", "a"]);
    let path = root.to_str().unwrap();
    assert_eq!(code(&["check", path]), 1);
    fs::write(root.join("a.yaml"), format!("# moved down\n{manifest}")).unwrap();
    assert_eq!(code(&["check", path, "--new-since", "HEAD"]), 0);
    fs::write(root.join("b.yaml"), manifest.replace("name: a\nspec", "name: b\nspec")).unwrap();
    assert_eq!(code(&["check", path, "--new-since", "HEAD"]), 1);
    assert_eq!(code(&["check", path, "--new-since", "no-such-ref"]), 2);
}

#[test]
fn a_change_cannot_loosen_the_policy_that_it_is_judged_by() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        assert!(command.args(arguments).output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    fs::write(root.join("a.txt"), "a").unwrap();
    git(&["add", "."]);
    git(&["commit", "-qm", "a"]);
    fs::write(root.join("Dockerfile"), "FROM debian:13\nUSER root\n").unwrap();
    fs::create_dir(root.join(".seaworthy")).unwrap();
    fs::write(root.join(".seaworthy/config.toml"), "fail-on = \"never\"\n").unwrap();
    let path = root.to_str().unwrap();
    assert_eq!(code(&["check", path]), 0);
    assert_eq!(code(&["check", path, "--policy-from", "HEAD"]), 1);
    assert_eq!(code(&["check", path, "--policy-from", "no-such-ref"]), 2);
}

#[test]
fn changed_lines_block_and_the_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  hostNetwork: true\n  containers: []\n"
        )
    };
    fs::write(root.join("a.yaml"), pod("a")).unwrap();
    let diff = root.join("change.diff");
    let change = |line: u32| {
        let text = format!("--- a/a.yaml\n+++ b/a.yaml\n@@ -{line},0 +{line},1 @@\n+x\n");
        fs::write(&diff, text).unwrap();
    };
    let (path, diff) = (root.to_str().unwrap(), diff.to_str().unwrap());
    let select =
        ["check", path, "--select", "kubernetes/host-network", "--diff", diff, "--changed"];
    change(6);
    assert_eq!(code(&[&select[..], &["lines"]].concat()), 1);
    change(2);
    assert_eq!(code(&[&select[..], &["lines"]].concat()), 0);
    assert_eq!(code(&[&select[..], &["files"]].concat()), 1);
    assert_eq!(code(&["check", path, "--changed", "lines"]), 2);
}

#[test]
fn a_sign_off_holds_until_its_end_and_a_waiver_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("Dockerfile"), "FROM debian:13\nUSER root\n").unwrap();
    fs::create_dir(root.join("docs")).unwrap();
    fs::write(root.join("docs/pentest.md"), "passed").unwrap();
    let readiness = r#"
        [[attest]]
        item = "pre-launch.verification.pentest"
        state = "met"
        by = "@alice"
        on = 2026-10-01
        expires = 2027-03-01
        evidence = ["docs/pentest.md"]

        [[waive]]
        rule = "dockerfile/root-user"
        by = "@bob"
        reason = "binds port 53 until the new resolver ships"
        expires = 2026-12-31
    "#;
    fs::write(root.join("readiness.toml"), readiness).unwrap();
    let status = |now: &str| {
        let path = root.to_str().unwrap();
        let output = seaworthy(&["check", path, "--format", "json", "--now", now]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let items = report["checklist"].as_array().unwrap();
        let item = items.iter().find(|it| it["item"] == "pre-launch.verification.pentest").unwrap();
        (item["status"].as_str().unwrap().to_owned(), output.status.code().unwrap())
    };
    assert_eq!(status("2026-11-22"), ("attested".to_owned(), 0));
    assert_eq!(status("2027-03-02"), ("attestation-expired".to_owned(), 1));
}

#[cfg(unix)]
#[test]
fn a_link_for_a_configuration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("readiness.toml")).unwrap();
    let output = seaworthy(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("root:"));
}

#[test]
fn readme_names_every_command_and_no_option_that_is_not_there() {
    let readme = fs::read_to_string("README.md").unwrap();
    let help = String::from_utf8(seaworthy(&["--help"]).stdout).unwrap();
    let commands = help.lines().skip_while(|it| *it != "Commands:").skip(1);
    for command in commands.map_while(|it| it.split_whitespace().next()).filter(|it| *it != "help")
    {
        assert!(readme.contains(&format!("| `seaworthy {command}")), "README.md lacks `{command}`");
    }
    let help_of = |it: &str| String::from_utf8(seaworthy(&[it, "--help"]).stdout).unwrap();
    let check = help_of("check") + &help_of("github");
    let ours = readme.lines().filter(|it| !it.contains("cargo"));
    for option in ours
        .flat_map(|it| it.split(['`', ' ']))
        .filter(|it| it.starts_with("--") && !it.starts_with("---") && it.len() > 2)
    {
        assert!(check.contains(option) || option == "--", "README.md names `{option}`");
    }
}

#[test]
fn the_configuration_of_hadolint_says_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = "FROM debian:13\nUSER 1\nRUN cd /a && b\nCMD [\"c\"]\n";
    fs::write(at("Dockerfile"), text).unwrap();
    let run = |config: &str| {
        fs::write(at(".hadolint.yaml"), config).unwrap();
        code(&["check", folder.path().to_str().unwrap(), "--select", "hadolint:DL3003"])
    };
    assert_eq!(run(""), 0);
    assert_eq!(run("failure-threshold: info\n"), 1);
    assert_eq!(run("failure-threshold: error\n"), 0);
    assert_eq!(run("override: {error: [DL3003]}\n"), 1);
    assert_eq!(run("override: {error: [DL3003]}\nno-fail: true\n"), 0);
    assert_eq!(run("override: {error: [DL3003]}\nignored: [DL3003]\n"), 0);
    assert_eq!(run("ignored: {\n"), 0);
    assert_eq!(problems(&json(folder.path()), ".hadolint.yaml").len(), 1);
}

#[test]
fn the_configuration_of_kube_linter_chooses_below_its_folder() {
    let root = tempfile::tempdir().unwrap();
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - name: a\n    \
             image: registry.example.com/web:1.4.2\n    ports: [{{containerPort: 22}}]\n"
        )
    };
    for folder in ["a", "b"] {
        fs::create_dir(root.path().join(folder)).unwrap();
        fs::write(root.path().join(folder).join("pod.yaml"), pod(folder)).unwrap();
    }
    let config = "checks:\n  doNotAutoAddDefaults: true\n  include: [no-liveness-probe, gone]\n";
    fs::write(root.path().join("a/.kube-linter.yaml"), config).unwrap();
    let report = json(root.path());
    let found = |rule: &str| {
        let all = report["findings"].as_array().unwrap().iter();
        all.filter(|it| it["rule"] == rule)
            .map(|it| (it["path"].as_str().unwrap().to_owned(), it["waived"].is_null()))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("kubernetes/liveness-probe-missing"), [("a/pod.yaml".to_owned(), true)]);
    assert_eq!(
        found("kubernetes/ssh-port"),
        [("a/pod.yaml".to_owned(), false), ("b/pod.yaml".to_owned(), true)]
    );
    assert_eq!(found("kubernetes/root-user").len(), 2);
    assert_eq!(
        problems(&report, "a/.kube-linter.yaml"),
        ["no rule stands for the check `gone` of kube-linter: it is not run"]
    );
}
