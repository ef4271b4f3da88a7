//! What is known of commands by their names: which check something, which only print or prepare,
//! which only run another one.

use crate::parse::shell;

/// Commands that run another one: `env A=b`, `sudo`, `time`, `poetry run`, `npx`, …
pub(super) fn without_wrappers(words: Vec<String>) -> Vec<String> {
    let mut from = 0;
    for _ in 0..6 {
        let word = |at: usize| words.get(from + at).map_or("", String::as_str);
        // `command -v` asks whether there is one, and runs nothing.
        if word(0) == "command" && matches!(word(1), "-v" | "-V") {
            break;
        }
        let width = match (word(0), word(1)) {
            (
                "env" | "sudo" | "time" | "exec" | "command" | "nice" | "npx" | "bunx" | "uvx"
                | "pipx",
                _,
            )
            | ("@", _) => 1,
            ("poetry" | "uv" | "pipenv" | "pdm" | "hatch" | "rye" | "pixi", "run")
            | ("bundle" | "npm" | "pnpm" | "yarn" | "composer", "exec")
            | ("npm", "x")
            | ("go", "tool")
                if word(2) != "cover" =>
            {
                2
            }
            ("timeout", _) => 2,
            ("python" | "python3" | "python2", "-m") => 2,
            _ if is_assignment(word(0)) && from + 1 < words.len() => 1,
            _ => break,
        };
        from += width;
        while words.get(from).is_some_and(|it| it.starts_with('-')) && width != 2 {
            from += 1;
        }
    }
    if from == 0 || from >= words.len() { words } else { words[from..].to_vec() }
}

fn is_assignment(word: &str) -> bool {
    shell::assignment(word).is_some()
}

/// Whether the command only prints or prepares. A test that decides nothing further is a check.
pub(super) fn is_idle(words: &[String], tested: bool) -> bool {
    let name = words[0].rsplit('/').next().unwrap_or("");
    let second = words.get(1).map_or("", String::as_str);
    match name {
        "test" | "[" | "[[" | "which" => return tested,
        "command" if second == "-v" => return tested,
        "exit" | "return" => return matches!(second, "" | "0"),
        // A script that is sourced may do anything; an environment is only set up.
        "source" | "." => return second.contains("activate") || second.contains("env"),
        _ => {}
    }
    matches!(
        name,
        "echo"
            | "printf"
            | "true"
            | ":"
            | "cd"
            | "pushd"
            | "popd"
            | "export"
            | "set"
            | "unset"
            | "mkdir"
            | "touch"
            | "sleep"
            | "rm"
            | "date"
            | "cat"
            | "clear"
            | "tput"
            | "shift"
            | "local"
            | "trap"
            | "wait"
            | "ulimit"
            | "umask"
            | "rmdir"
            | "read"
            | "break"
            | "continue"
    ) || name.starts_with('#')
}

/// Whether the command passes on what it reads and succeeds whatever that is.
pub(super) fn only_shows(words: &[String]) -> bool {
    matches!(
        words[0].as_str(),
        "tee"
            | "cat"
            | "sort"
            | "head"
            | "tail"
            | "awk"
            | "sed"
            | "tr"
            | "column"
            | "less"
            | "more"
            | "fold"
            | "cut"
            | "uniq"
            | "wc"
            | "nl"
            | "ts"
    ) && !words.iter().any(|it| it.contains("exit"))
}

/// What the command checks, by its name and its words.
pub fn checks(name: &str, words: &[String]) -> Option<&'static str> {
    let has = |it: &str| words.iter().any(|word| word == it);
    let second = words.get(1).map_or("", String::as_str);
    let first_plain =
        words.iter().skip(1).find(|it| !it.starts_with(['-', '+'])).map_or("", String::as_str);
    Some(match name {
        "go" if second == "test" => "tests",
        "go" if second == "vet" => "style",
        "cargo" => match first_plain {
            "test" | "nextest" | "tarpaulin" | "llvm-cov" => "tests",
            "clippy" => "style",
            "fmt" if has("--check") => "style",
            "audit" | "deny" => "security",
            _ => return None,
        },
        "playwright" | "cypress"
            if matches!(
                first_plain,
                "install" | "install-deps" | "open" | "show-report" | "merge-reports" | "verify"
            ) =>
        {
            return None;
        }
        "tflint" if has("--init") => return None,
        "pytest" | "py.test" | "tox" | "nox" | "unittest" | "nosetests" | "jest" | "vitest"
        | "mocha" | "ava" | "karma" | "cypress" | "playwright" | "rspec" | "phpunit" | "pest"
        | "gotestsum" | "ginkgo" | "ctest" | "bats" | "kuttl" | "newman" | "behave" | "rake"
        | "robot" | "trial" => "tests",
        "npm" | "yarn" | "pnpm" | "bun" => {
            let script = if matches!(second, "run" | "run-script") {
                words.get(2).map_or("", String::as_str)
            } else {
                second
            };
            match script.split(':').next().unwrap_or("") {
                "test" | "t" | "e2e" => "tests",
                "lint" | "typecheck" => "style",
                "audit" => "security",
                _ => return None,
            }
        }
        "mvn" | "mvnw" | "gradle" | "gradlew"
            if has("test") || has("verify") || has("check") || has("integrationTest") =>
        {
            "tests"
        }
        "dotnet" | "swift" | "mix" | "stack" | "cabal" | "bazel" | "bazelisk" | "helm"
        | "forge" | "dart" | "flutter" | "deno" | "zig" | "opa" | "conftest"
            if second == "test" =>
        {
            "tests"
        }
        "golangci-lint" if second != "version" && !has("--version") => "style",
        "eslint" | "flake8" | "pylint" | "mypy" | "pyrefly" | "basedpyright" | "pyright"
        | "staticcheck" | "revive" | "rubocop" | "shellcheck" | "hadolint" | "yamllint"
        | "markdownlint" | "stylelint" | "tslint" | "golint" | "pydocstyle" | "phpstan"
        | "psalm" | "ktlint" | "checkstyle" | "actionlint" | "tflint" | "buf" | "spectral"
        | "codespell" | "misspell" | "ansible-lint" | "kubeconform" | "kube-linter" | "kubeval"
        | "errcheck" | "gocyclo" | "vulture" | "cppcheck" => "style",
        "ruff" if second == "check" || has("--check") => "style",
        "black" | "isort" | "prettier" | "gofumpt"
            if has("--check") || has("-c") || has("--check-only") || has("--list-different") =>
        {
            "style"
        }
        "gosec" | "govulncheck" | "bandit" | "safety" | "pip-audit" | "trivy" | "grype"
        | "snyk" | "semgrep" | "gitleaks" | "trufflehog" | "checkov" | "tfsec" | "osv-scanner"
        | "nancy" | "brakeman" | "bundler-audit" | "detect-secrets" | "kics"
        | "dependency-check" | "terrascan" => "security",
        "k6" | "locust" | "vegeta" | "artillery" | "wrk" | "hey" | "jmeter" | "gatling" | "ab" => {
            "load"
        }
        _ => return None,
    })
}
