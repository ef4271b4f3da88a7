//! Makefiles through the binary: gates that check nothing are found, and reading runs nothing.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn seaworthy() -> Command {
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
}

#[test]
fn every_hollow_makefile_is_not_ready_and_the_sound_one_is() {
    let expected = [
        ("dash", "runner/gate-cannot-fail", 2),
        ("default-rule", "makefile/anything-is-a-target", 5),
        ("dry-run-flag", "makefile/recipes-silenced", 1),
        ("folder-of-that-name", "makefile/gate-is-a-path", 1),
        ("ignore-errors-flag", "makefile/recipes-silenced", 1),
        ("ignore-target", "makefile/errors-ignored-everywhere", 1),
        ("last-word", "runner/gate-cannot-fail", 2),
        ("match-anything", "makefile/anything-is-a-target", 5),
        ("or-true", "runner/gate-cannot-fail", 2),
        ("phony-without-rule", "runner/gate-does-nothing", 1),
        ("pipe", "runner/gate-cannot-fail", 2),
        ("shell-is-true", "makefile/recipes-silenced", 1),
    ];
    for (folder, rule, line) in expected {
        let path = format!("fixtures/hollow/{folder}");
        let output = seaworthy().args(["check", &path, "--format", "json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{folder}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = report["findings"].as_array().unwrap();
        let is_expected = |it: &Value| it["rule"] == rule && it["start"]["line"] == line;
        assert!(found.iter().any(is_expected), "{folder}: {found:#?}");
    }
    let sound = seaworthy().args(["check", "fixtures/hollow/sound"]).output().unwrap();
    assert_eq!(sound.status.code(), Some(0), "{}", String::from_utf8_lossy(&sound.stdout));
}

#[test]
fn an_included_file_may_be_large() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("Makefile"), "include rules.mk\n").unwrap();
    let large = format!("{}\n.PHONY: ci-test\n", "# a line of talk\n".repeat(30_000));
    fs::write(root.path().join("rules.mk"), &large).unwrap();
    let output = seaworthy().args(["check", "--format", "json"]).arg(root.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["rule"], "runner/gate-does-nothing", "{report}");
    assert_eq!(report["findings"][0]["path"], "rules.mk");
}

/// A repository that runs something wherever a tool runs anything; `pwned` is what it would leave.
#[cfg(unix)]
fn hostile(root: &Path) {
    let makefile = "\
A := $(shell touch PWNED/shell)
B != touch PWNED/bang
$(shell touch PWNED/line)
$(file >PWNED/file,x)
C = $(guile (system \"touch PWNED/guile\"))
override SHELL := PWNED/sh
load PWNED/load.so
-include made.mk
$(eval D := $(shell touch PWNED/eval))
made.mk:
\ttouch PWNED/remade
ifeq ($(shell touch PWNED/if),)
all: $(C) $(foreach x,a b,$(shell touch PWNED/each))
\t+touch PWNED/always
\t$(MAKE) -n all
endif
";
    let pwned = root.join("pwned");
    fs::create_dir(&pwned).unwrap();
    let place = pwned.to_str().unwrap();
    let fill = |text: &str| text.replace("PWNED", place);
    fs::write(root.join("Makefile"), fill(makefile)).unwrap();
    fs::write(
        root.join("justfile"),
        fill("x := `touch PWNED/just`\n\ntest:\n  echo {{x}} `touch PWNED/body`\n"),
    )
    .unwrap();
    fs::write(
        root.join("Taskfile.yml"),
        fill("version: '3'\nvars: {X: {sh: touch PWNED/task}}\ntasks: {test: 'echo {{.X}}'}\n"),
    )
    .unwrap();
    fs::write(
        root.join("package.json"),
        fill("{\"scripts\": {\"preinstall\": \"touch PWNED/npm\"}}"),
    )
    .unwrap();
    fs::write(root.join("noxfile.py"), fill("open('PWNED/nox', 'w')\n")).unwrap();
}

/// A folder with programs of usual names that leave a trace when they are started.
#[cfg(unix)]
fn shims(folder: &Path, trace: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let text = format!("#!/bin/sh\ntouch {}/shim-$(basename $0)\n", trace.display());
    for name in ["make", "gmake", "sh", "bash", "just", "task", "npm", "node", "python3", "tox"] {
        let path = folder.join(name);
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn reading_a_hostile_repository_runs_nothing() {
    let root = tempfile::tempdir().unwrap();
    let bin = tempfile::tempdir().unwrap();
    hostile(root.path());
    let pwned = root.path().join("pwned");
    shims(bin.path(), &pwned);
    let run = |arguments: &[&str]| -> std::process::Output {
        let path = format!("{}:/usr/bin:/bin", bin.path().display());
        let mut command = seaworthy();
        command.args(arguments).current_dir(root.path()).env("PATH", path);
        command.env("SHELL", bin.path().join("sh")).output().unwrap()
    };
    let checked = run(&["check", ".", "--profile", "all", "--format", "json"]);
    assert!(matches!(checked.status.code(), Some(0 | 1)), "{checked:?}");
    let inspected = run(&["inspect", "Makefile"]);
    assert!(inspected.status.success(), "{inspected:?}");
    let left: Vec<_> = fs::read_dir(&pwned).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(left.is_empty(), "something ran: {left:?}");
    let said: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert!(!said["makefile"]["unresolved"].as_array().unwrap().is_empty(), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_system_starts_one_program_only() {
    if Command::new("strace").arg("-V").output().is_err() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let trace = tempfile::NamedTempFile::new().unwrap();
    hostile(root.path());
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=execve,execveat", "-o"]).arg(trace.path());
    command.arg(env!("CARGO_BIN_EXE_seaworthy")).args(["check", "--profile", "all"]);
    let output = command.arg(root.path()).output().unwrap();
    let text = fs::read_to_string(trace.path()).unwrap();
    if text.is_empty() {
        return; // Tracing is not allowed here.
    }
    assert_eq!(text.matches("exec").count(), 1, "{text}\n{output:?}");
}
