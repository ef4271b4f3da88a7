//! Which targets are gates: targets that people and pipelines run to learn whether something holds.

/// What the gates of a name check.
const GATES: &[(&str, &[&str])] = &[
    (
        "security",
        &[
            "security",
            "sec",
            "audit",
            "scan",
            "vuln",
            "vulns",
            "vulncheck",
            "vulnerabilities",
            "govulncheck",
            "gosec",
            "bandit",
            "trivy",
            "snyk",
            "gitleaks",
            "semgrep",
            "sast",
        ],
    ),
    (
        "load tests",
        &["load", "loadtest", "perf", "performance", "stress", "k6", "locust", "benchmark"],
    ),
    ("coverage", &["coverage", "cover", "cov"]),
    (
        "tests",
        &[
            "test",
            "tests",
            "unittest",
            "unittests",
            "unit",
            "integration",
            "e2e",
            "pytest",
            "ci",
            "check",
            "checks",
            "verify",
            "smoke",
            "acceptance",
            "conformance",
        ],
    ),
    (
        "quality",
        &[
            "lint",
            "linter",
            "linters",
            "quality",
            "vet",
            "typecheck",
            "mypy",
            "eslint",
            "flake8",
            "pylint",
            "clippy",
            "golangci",
            "staticcheck",
            "shellcheck",
            "validate",
        ],
    ),
];

/// Words that make a name something else than a gate.
const OTHERS: &[&str] = &[
    "clean",
    "install",
    "setup",
    "fix",
    "format",
    "fmt",
    "watch",
    "update",
    "start",
    "stop",
    "up",
    "down",
    "deps",
    "dependencies",
    "help",
    "report",
    "init",
    "build",
    "image",
    "images",
    "generate",
    "gen",
    "logs",
    "log",
    "shell",
    "docs",
    "doc",
    "debug",
    "tools",
    "tool",
    "open",
    "html",
    "view",
    "serve",
    "server",
    "env",
    "data",
    "deploy",
    "push",
    "release",
    "upload",
    "download",
    "prepare",
    "teardown",
    "remove",
    "delete",
    "create",
    "compile",
    "list",
    "run",
    "results",
    "local",
    "dev",
    "destroy",
    "bootstrap",
    "publish",
    "show",
    "print",
    "cleanup",
    "cache",
    "dir",
    "pull",
    "preloads",
    "fixtures",
    "binary",
    "bin",
    "cluster",
    "autofix",
    "certs",
    "show",
    "badge",
    "ci.yml",
];

/// What the target of that name is there to check, if it is a gate by its name.
pub fn named(name: &str) -> Option<&'static str> {
    if name.len() > 60 || name.contains(['/', '%', '.']) && !name.starts_with("ci/") {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['-', '_', '/', ':']).collect();
    if words.iter().any(|it| OTHERS.contains(it)) {
        return None;
    }
    GATES.iter().find(|(_, all)| words.iter().any(|it| all.contains(it))).map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_told_from_what_only_sounds_like_them() {
        assert_eq!(named("ci-test"), Some("tests"));
        assert_eq!(named("unit_test"), Some("tests"));
        assert_eq!(named("ci-security"), Some("security"));
        assert_eq!(named("load-test"), Some("load tests"));
        assert_eq!(named("clean-test"), None);
        assert_eq!(named("test.o"), None);
        assert_eq!(named("latest"), None);
    }
}
