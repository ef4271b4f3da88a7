//! What steps and commands are there for: tests, scans, deployments, messages.
//!
//! A role is given where a tool is known, never by the name that somebody gave to a step.

use crate::{artifact::recipe, document::Node};

/// Actions by the start of their name, with what they do.
const ACTIONS: &[(&str, &str)] = &[
    ("github/codeql-action/analyze", "security"),
    ("github/codeql-action/upload-sarif", "report"),
    ("returntocorp/semgrep-action", "security"),
    ("semgrep/", "security"),
    ("securego/gosec", "security"),
    ("sonarsource/", "security"),
    ("pycqa/bandit", "security"),
    ("mdegis/bandit", "security"),
    ("brakeman/", "security"),
    ("jetbrains/qodana-action", "security"),
    ("ossf/scorecard-action", "security"),
    ("snyk/actions/docker", "image-scan"),
    ("snyk/actions/iac", "infrastructure-scan"),
    ("snyk/actions", "dependencies"),
    ("gitleaks/", "secrets"),
    ("zricethezav/gitleaks-action", "secrets"),
    ("trufflesecurity/", "secrets"),
    ("gitguardian/", "secrets"),
    ("aquasecurity/trivy-action", "trivy"),
    ("aquasecurity/tfsec", "infrastructure-scan"),
    ("bridgecrewio/checkov-action", "infrastructure-scan"),
    ("checkmarx/kics", "infrastructure-scan"),
    ("anchore/scan-action", "image-scan"),
    ("anchore/sbom-action", "sbom"),
    ("docker/scout-action", "image-scan"),
    ("cyclonedx/", "sbom"),
    ("actions/attest-sbom", "sbom"),
    ("actions/dependency-review-action", "dependencies"),
    ("google/osv-scanner-action", "dependencies"),
    ("pypa/gh-action-pip-audit", "dependencies"),
    ("golang/govulncheck-action", "dependencies"),
    ("rustsec/audit-check", "dependencies"),
    ("actions-rs/audit-check", "dependencies"),
    ("actions-rust-lang/audit", "dependencies"),
    ("embarkstudios/cargo-deny-action", "dependencies"),
    ("dependency-check/", "dependencies"),
    ("fossas/", "dependencies"),
    ("sigstore/cosign-installer", ""),
    ("actions/attest", "signing"),
    ("golangci/golangci-lint-action", "style"),
    ("hadolint/hadolint-action", "style"),
    ("astral-sh/ruff-action", "style"),
    ("chartboost/ruff-action", "style"),
    ("psf/black", "style"),
    ("pre-commit/action", "style"),
    ("j178/prek-action", "style"),
    ("super-linter/", "style"),
    ("github/super-linter", "style"),
    ("oxsecurity/megalinter", "style"),
    ("ludeeus/action-shellcheck", "style"),
    ("dominikh/staticcheck-action", "style"),
    ("stackrox/kube-linter-action", "infrastructure-scan"),
    ("rhysd/actionlint", "pipeline-lint"),
    ("raven-actions/actionlint", "pipeline-lint"),
    ("zizmorcore/zizmor-action", "pipeline-lint"),
    ("woodruffw/zizmor-action", "pipeline-lint"),
    ("codecov/codecov-action", "coverage"),
    ("coverallsapp/github-action", "coverage"),
    ("codacy/codacy-coverage-reporter-action", "coverage"),
    ("cypress-io/github-action", "end-to-end"),
    ("helm/chart-testing-action", ""),
    ("zaproxy/", "dynamic-security"),
    ("stackhawk/", "dynamic-security"),
    ("projectdiscovery/nuclei-action", "dynamic-security"),
    ("schemathesis/action", "contract"),
    ("oasdiff/", "contract"),
    ("tufin/oasdiff-action", "contract"),
    ("grafana/k6-action", "load"),
    ("grafana/run-k6-action", "load"),
    ("artilleryio/action-cli", "load"),
    ("benchmark-action/github-action-benchmark", "benchmark"),
    ("codspeedhq/action", "benchmark"),
    ("docker/build-push-action", "image"),
    ("docker/bake-action", "image"),
    ("redhat-actions/buildah-build", "image"),
    ("azure/k8s-deploy", "deploy"),
    ("azure/webapps-deploy", "deploy"),
    ("azure/functions-action", "deploy"),
    ("azure/container-apps-deploy-action", "deploy"),
    ("azure/aks-set-context", ""),
    ("aws-actions/amazon-ecs-deploy-task-definition", "deploy"),
    ("aws-actions/aws-lambda-deploy", "deploy"),
    ("aws-actions/aws-cloudformation-github-deploy", "deploy"),
    ("google-github-actions/deploy-", "deploy"),
    ("digitalocean/app_action", "deploy"),
    ("akhileshns/heroku-deploy", "deploy"),
    ("amondnet/vercel-action", "deploy"),
    ("cloudflare/wrangler-action", "deploy"),
    ("nwtgck/actions-netlify", "deploy"),
    ("superfly/flyctl-actions", ""),
    ("render-examples/", "deploy"),
    ("johnbeynon/render-deploy-action", "deploy"),
    ("bervproject/railway-deploy", "deploy"),
    ("einaregilsson/beanstalk-deploy", "deploy"),
    ("slackapi/slack-github-action", "notify"),
    ("8398a7/action-slack", "notify"),
    ("rtcamp/action-slack-notify", "notify"),
    ("act10ns/slack", "notify"),
    ("ravsamhq/notify-slack-action", "notify"),
    ("voxmedia/github-action-slack-notify-build", "notify"),
    ("sarisia/actions-status-discord", "notify"),
    ("ilshidur/action-discord", "notify"),
    ("tsickert/discord-webhook", "notify"),
    ("appleboy/telegram-action", "notify"),
    ("appleboy/discord-action", "notify"),
    ("dawidd6/action-send-mail", "notify"),
    ("jdcargile/ms-teams-notification", "notify"),
    ("skitionek/notify-microsoft-teams", "notify"),
    ("rocketchat/rocket.chat.github.action.notification", "notify"),
    ("softprops/action-gh-release", "release"),
    ("ncipollo/release-action", "release"),
    ("actions/create-release", "release"),
    ("goreleaser/goreleaser-action", "release"),
    ("cycjimmy/semantic-release-action", "release"),
    ("python-semantic-release/", "release"),
    ("googleapis/release-please-action", "release"),
    ("google-github-actions/release-please-action", "release"),
    ("release-drafter/release-drafter", "release"),
    ("changesets/action", "release"),
    ("marvinpinto/action-automatic-releases", "release"),
    ("pypa/gh-action-pypi-publish", "publish"),
    ("js-devtools/npm-publish", "publish"),
];

/// Every role.
const ROLES: &[&str] = &[
    "tests",
    "integration",
    "end-to-end",
    "contract",
    "style",
    "security",
    "secrets",
    "dependencies",
    "image-scan",
    "infrastructure-scan",
    "infrastructure-check",
    "dynamic-security",
    "pipeline-lint",
    "sbom",
    "signing",
    "report",
    "load",
    "benchmark",
    "coverage",
    "image",
    "publish",
    "release",
    "deploy",
    "rollout-status",
    "rollback",
    "smoke",
    "request",
    "notify",
    "migrate",
    "migration-check",
];

/// The role with this name.
pub fn role_named(name: &str) -> Option<&'static str> {
    ROLES.iter().find(|it| **it == name).copied()
}

/// What an action does; empty if that is not known.
pub(super) fn of_action(name: &str, with: Option<Node<'_>>) -> &'static str {
    let name = name.to_ascii_lowercase();
    let found = ACTIONS.iter().find(|(start, _)| {
        name.strip_prefix(start).is_some_and(|rest| {
            start.ends_with(['/', '-']) || rest.is_empty() || rest.starts_with('/')
        })
    });
    match found.map_or("", |it| it.1) {
        "trivy" => trivy_kind(with.and_then(|it| it.str("scan-type"))),
        role => role,
    }
}

fn trivy_kind(kind: Option<&str>) -> &'static str {
    match kind {
        Some("fs" | "filesystem" | "repo" | "repository" | "rootfs") => "dependencies",
        Some("config") => "infrastructure-scan",
        Some("sbom") => "dependencies",
        _ => "image-scan",
    }
}

/// What a command does, by its words; empty if that is not known.
pub fn of_command(words: &[String]) -> &'static str {
    let Some(first) = words.first() else { return "" };
    let own = of_tool(words);
    let name = first.rsplit('/').next().unwrap_or(first);
    if !own.is_empty() {
        return own;
    }
    if WRAPPERS.contains(&name) || name.starts_with('-') {
        let inner = (1..words.len().min(24)).map(|at| of_tool(&words[at..]));
        return inner.into_iter().find(|it| !it.is_empty()).unwrap_or("");
    }
    let by_name = !matches!(name, "test" | "check" | "ci") && words.len() == 1 && names_tests(name);
    if by_name || RUNNERS.contains(&name) && words[1..].iter().any(|it| names_tests(it)) {
        return refine(words);
    }
    ""
}

/// Programs that run another one which they are given, somewhere else.
const WRAPPERS: &[&str] = &[
    "docker",
    "docker-compose",
    "podman",
    "coverage",
    "xvfb-run",
    "mise",
    "devbox",
    "nix",
    "nix-shell",
    "kubectl",
    "doppler",
    "op",
    "dotenv",
    "wait-for-it.sh",
    "start-server-and-test",
    "concurrently",
    "uv",
];

/// Programs that run tasks by name.
const RUNNERS: &[&str] = &[
    "poe", "inv", "invoke", "hatch", "rake", "mage", "nx", "turbo", "lerna", "moon", "earthly",
    "dagger", "pixi", "sbt", "ant", "bazel", "bazelisk", "just", "task", "make", "gmake", "nox",
    "tox", "act",
];

/// Whether the name of a task is one of tests.
fn names_tests(word: &str) -> bool {
    let mut parts = word.split(|it: char| !it.is_ascii_alphanumeric());
    let prepares = |it: &str| matches!(it, "start" | "stop" | "setup" | "teardown" | "clean");
    !word.starts_with('-')
        && !parts.clone().any(prepares)
        && parts.any(|it| matches!(it, "test" | "tests" | "e2e" | "check" | "ci"))
}

/// The role of the tool that `words` start with.
fn of_tool(words: &[String]) -> &'static str {
    let name = words[0].rsplit('/').next().unwrap_or("");
    let asks = ["--version", "-V", "-v", "version", "install", "install-deps", "--help", "-h"];
    if words.get(1).is_some_and(|it| asks.contains(&it.as_str())) && words.len() < 4 {
        return "";
    }
    let known = by_name(name, &without_context(&words[1..]));
    if !known.is_empty() {
        return known;
    }
    match recipe::checks(name, words) {
        Some("tests") => refine(words),
        Some(check) => check,
        None => "",
    }
}

/// The words without the flags that say which cluster is meant.
fn without_context(words: &[String]) -> Vec<&str> {
    let flags = ["-n", "--namespace", "--context", "--kubeconfig", "--kube-context"];
    let mut words = words.iter().map(String::as_str);
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if flags.contains(&word) {
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept
}

/// Which tests a command runs, by the paths, markers and scripts that it names.
fn refine(words: &[String]) -> &'static str {
    let has = |parts: &[&str]| {
        words.iter().any(|word| {
            let word = word.to_ascii_lowercase();
            !word.starts_with("--ignore") && parts.iter().any(|it| word.contains(it))
        })
    };
    let negated = words.windows(2).any(|it| it[0] == "-m" && it[1].starts_with("not "));
    if negated {
        "tests"
    } else if has(&["e2e", "end-to-end", "end_to_end", "playwright", "cypress"]) {
        "end-to-end"
    } else if has(&["contract", "schemathesis", "pact"]) {
        "contract"
    } else if has(&["integration"]) {
        "integration"
    } else {
        "tests"
    }
}

fn by_name(name: &str, rest: &[&str]) -> &'static str {
    let has = |word: &str| rest.contains(&word);
    let first = rest.iter().find(|it| !it.starts_with('-')).copied().unwrap_or("");
    let last_plain = |at: usize| rest.iter().filter(|it| !it.starts_with('-')).nth(at).copied();
    let second = last_plain(1).unwrap_or("");
    match name {
        "trivy" => match first {
            "image" | "i" | "" => "image-scan",
            "config" => "infrastructure-scan",
            "fs" | "filesystem" | "repo" | "rootfs" | "sbom" => "dependencies",
            _ => "",
        },
        "grype" | "dockle" | "clair-scanner" => "image-scan",
        "docker" if first == "scout" || first == "scan" => "image-scan",
        "snyk" => match first {
            "container" => "image-scan",
            "iac" => "infrastructure-scan",
            "code" => "security",
            _ => "dependencies",
        },
        "pip-audit" | "safety" | "osv-scanner" | "govulncheck" | "nancy" | "bundler-audit"
        | "bundle-audit" | "dependency-check" | "cargo-audit" | "cargo-deny" => "dependencies",
        "cargo" if matches!(first, "audit" | "deny" | "vet") => "dependencies",
        "npm" | "pnpm" | "yarn" | "bun" if first == "audit" => "dependencies",
        "gitleaks" | "trufflehog" | "detect-secrets" | "ggshield" => "secrets",
        "bandit" | "semgrep" | "gosec" | "brakeman" => "security",
        "checkov" | "tfsec" | "terrascan" | "kics" | "kubescape" | "kube-linter" | "kube-score"
        | "polaris" => "infrastructure-scan",
        "zap-baseline.py" | "zap-full-scan.py" | "zap-api-scan.py" | "nuclei" | "nikto" => {
            "dynamic-security"
        }
        "syft" | "cyclonedx-py" | "cyclonedx-bom" | "cdxgen" | "cyclonedx-npm"
        | "cyclonedx-gomod" => "sbom",
        "cosign" if matches!(first, "sign" | "attest" | "sign-blob") => "signing",
        "schemathesis" | "st" if first == "run" => "contract",
        "dredd" | "pact-broker" | "pact-provider-verifier" | "oasdiff" => "contract",
        "actionlint" | "zizmor" => "pipeline-lint",
        "pre-commit" if first == "run" => "style",
        "k6" if first == "run" => "load",
        "locust" if has("--headless") || has("--no-web") => "load",
        "artillery" if first == "run" => "load",
        "vegeta" | "wrk" | "hey" | "gatling" | "gatling.sh" | "oha" | "bombardier" => "load",
        "jmeter" if has("-n") => "load",
        "asv" if matches!(first, "run" | "continuous" | "compare") => "benchmark",
        "cargo" if first == "bench" => "benchmark",
        "go" if first == "test" && rest.iter().any(|it| it.starts_with("-bench")) => "benchmark",
        "pytest" if rest.iter().any(|it| it.starts_with("--benchmark-only")) => "benchmark",
        "hyperfine" | "benchstat" => "benchmark",
        "playwright" | "cypress" if matches!(first, "test" | "run") => "end-to-end",
        "docker" | "podman" | "nerdctl" => container(rest, first, second),
        "buildah" | "kaniko" | "executor" | "ko"
            if matches!(first, "bud" | "build" | "publish") =>
        {
            "image"
        }
        "kubectl" | "oc" | "helm" | "argocd" | "kustomize" | "helmfile" => {
            cluster(name, rest, first, second)
        }
        "alembic" | "flyway" | "liquibase" | "goose" | "dbmate" | "atlas" | "migrate" | "yoyo"
            if matches!(first, "upgrade" | "migrate" | "update" | "up" | "apply") =>
        {
            "migrate"
        }
        "alembic" if first == "check" => "migration-check",
        "squawk" => "migration-check",
        "prisma" if first == "migrate" => "migrate",
        "manage.py" if first == "migrate" => "migrate",
        "manage.py" if first == "test" => "tests",
        "python" | "python3" if first.ends_with("manage.py") && second == "migrate" => "migrate",
        "gh" if first == "release" && matches!(second, "create" | "upload") => "release",
        "goreleaser" | "semantic-release" | "release-it" | "standard-version" | "towncrier"
        | "git-cliff" | "cz" => "release",
        "twine" if first == "upload" => "publish",
        "npm" | "pnpm" | "yarn" | "poetry" | "uv" | "cargo" | "hatch" | "flit" | "pdm"
            if first == "publish" =>
        {
            "publish"
        }
        "curl" | "wget" | "http" => request(rest),
        _ => hosted(name, rest, first, second),
    }
}

fn container(rest: &[&str], first: &str, second: &str) -> &'static str {
    match (first, second) {
        ("build", _) | ("buildx" | "image", "build") | ("buildx", "bake") => "image",
        ("push", _) | ("image", "push") => "publish",
        ("stack", "deploy") => "deploy",
        ("run", _) => {
            let image = |part: &str| rest.iter().any(|it| it.contains(part));
            if image("zaproxy/") || image("owasp/zap") {
                "dynamic-security"
            } else if image("grafana/k6") || image("loadimpact/k6") || image("locustio/locust") {
                "load"
            } else if image("aquasec/trivy") || image("anchore/grype") {
                "image-scan"
            } else if image("gitleaks") || image("trufflehog") {
                "secrets"
            } else {
                ""
            }
        }
        _ => "",
    }
}

fn cluster(name: &str, rest: &[&str], first: &str, second: &str) -> &'static str {
    let dry = rest.iter().any(|it| it.starts_with("--dry-run") && !it.ends_with("=none"));
    match (name, first, second) {
        _ if dry => "infrastructure-check",
        ("kubectl" | "oc", "rollout", "undo") | ("helm", "rollback", _) => "rollback",
        ("kubectl" | "oc", "rollout", "status") | ("kubectl" | "oc", "wait", _) => "rollout-status",
        ("argocd", "app", "rollback") => "rollback",
        ("argocd", "app", "wait") => "rollout-status",
        ("kubectl" | "oc", "create", _) if !rest.contains(&"-f") => "",
        ("kubectl" | "oc", "apply" | "replace" | "create", _)
        | ("kubectl" | "oc", "set", "image")
        | ("kubectl" | "oc", "rollout", "restart")
        | ("helm", "upgrade" | "install", _)
        | ("helmfile", "apply" | "sync", _)
        | ("argocd", "app", "sync" | "set") => "deploy",
        ("helm", "lint" | "template", _) => "infrastructure-check",
        _ => "",
    }
}

/// Tools of hosting companies, and of infrastructure as code.
fn hosted(name: &str, rest: &[&str], first: &str, second: &str) -> &'static str {
    let third = rest.iter().filter(|it| !it.starts_with('-')).nth(2).copied().unwrap_or("");
    let is_deploy = match name {
        "terraform" | "tofu" | "terragrunt" => first == "apply",
        "pulumi" => first == "up",
        "serverless" | "sls" | "sam" | "cdk" | "copilot" | "netlify" | "wrangler" | "firebase"
        | "cap" | "dokku" | "kamal" | "chalice" | "zappa" => matches!(first, "deploy" | "update"),
        "flyctl" | "fly" => first == "deploy",
        "railway" => first == "up",
        "vercel" => rest.contains(&"--prod") || first == "deploy",
        "heroku" => matches!(first, "container:release" | "releases"),
        "eb" => first == "deploy",
        "gcloud" => {
            matches!((first, second), ("run", "deploy") | ("app", "deploy"))
                || matches!((first, second, third), ("run", "services", "update" | "replace"))
                || matches!((first, second), ("functions", "deploy") | ("deploy", "releases"))
        }
        "aws" => {
            matches!(
                (first, second),
                ("ecs", "update-service") | ("lambda", "update-function-code")
            ) || matches!((first, second), ("cloudformation", "deploy") | ("deploy", _))
                || matches!((first, second), ("apprunner", "start-deployment"))
        }
        "az" => {
            matches!(first, "webapp" | "containerapp" | "functionapp")
                && matches!(second, "up" | "update" | "deploy" | "deployment" | "create")
        }
        "ansible-playbook" => !rest.contains(&"--check") && !rest.contains(&"--syntax-check"),
        _ => false,
    };
    match (name, first, second) {
        _ if is_deploy => "deploy",
        ("gcloud", "run", "services") if third == "update-traffic" => "rollback",
        ("aws", "ecs", "wait") | ("aws", "cloudformation", "wait") => "rollout-status",
        ("flyctl" | "fly", "releases", "rollback") | ("heroku", "rollback", _) => "rollback",
        _ => "",
    }
}

/// A request: a message to people, or a look at a health path.
fn request(rest: &[&str]) -> &'static str {
    let has = |parts: &[&str]| rest.iter().any(|it| parts.iter().any(|part| it.contains(part)));
    if has(&[
        "hooks.slack.com",
        "SLACK",
        "discord.com/api/webhooks",
        "DISCORD",
        "webhook.office.com",
        "TEAMS_WEBHOOK",
        "api.telegram.org",
        "events.pagerduty.com",
        "api.opsgenie.com",
    ]) {
        return "notify";
    }
    let fails = rest.iter().any(|it| {
        *it == "--fail"
            || *it == "--fail-with-body"
            || it.starts_with('-') && !it.starts_with("--") && it.contains('f')
    });
    let health = ["/health", "/ready", "/live", "/ping", "/status", "/up", "/version"];
    if has(&health) {
        return if fails || !rest.iter().any(|it| it.starts_with('-')) {
            "smoke"
        } else {
            "request"
        };
    }
    ""
}

/// The flag with which a check succeeds whatever it finds.
pub(super) fn toothless_flag(words: &[String], role: &str) -> Option<String> {
    let name = words.first()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let pair = |flag: &str, value: &str| {
        let joined = format!("{flag}={value}");
        words.contains(&joined)
            || words.windows(2).any(|it| it[0] == flag && it[1].trim_matches('\'') == value)
    };
    let has = |flag: &str| words.iter().any(|it| it == flag);
    if role.is_empty() {
        return None;
    }
    let flag = match name {
        "trivy" if pair("--exit-code", "0") => "--exit-code 0",
        "ruff" | "bandit" | "flake8" | "pylint" if has("--exit-zero") => "--exit-zero",
        "golangci-lint" if pair("--issues-exit-code", "0") => "--issues-exit-code 0",
        "gosec" if has("-no-fail") => "-no-fail",
        "hadolint" if has("--no-fail") => "--no-fail",
        "tfsec" | "checkov" if has("--soft-fail") => "--soft-fail",
        "gitleaks" if pair("--exit-code", "0") => "--exit-code 0",
        "rubocop" if pair("--fail-level", "F") => "--fail-level F",
        "jest" | "vitest" if has("--passWithNoTests") => return None,
        _ => return None,
    };
    Some(flag.to_owned())
}

/// The input with which an action succeeds whatever it finds; the action itself where its default
/// is to do so.
pub(super) fn toothless_input<'a>(
    action: &str,
    with: Option<Node<'a>>,
) -> Option<(String, Option<Node<'a>>)> {
    let action = action.to_ascii_lowercase();
    let input = |key: &str| with.and_then(|it| it.get(key));
    let says = |key: &str, value: &str| {
        let node = input(key)?;
        let text = node.as_str().map_or_else(|| node.display(), str::to_owned);
        (text.trim() == value).then(|| (format!("{key}: {text}"), Some(node)))
    };
    match action.as_str() {
        "aquasecurity/trivy-action" => says("exit-code", "0").or_else(|| {
            let set = input("exit-code").is_some() || input("trivy-config").is_some();
            (!set).then(|| ("no `exit-code`, which is 0 then".to_owned(), None))
        }),
        "anchore/scan-action" => says("fail-build", "false"),
        "hadolint/hadolint-action" => says("no-fail", "true"),
        "bridgecrewio/checkov-action" => says("soft_fail", "true"),
        "aquasecurity/tfsec-action" => says("soft_fail", "true"),
        "actions/dependency-review-action" => says("warn-only", "true"),
        "zaproxy/action-baseline" | "zaproxy/action-full-scan" => says("fail_action", "false"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> &'static str {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        of_command(&words)
    }

    #[test]
    fn commands_have_the_role_of_their_tool() {
        assert_eq!(of("trivy image --severity HIGH app:1"), "image-scan");
        assert_eq!(of("kubectl -n prod rollout undo deploy/web"), "rollback");
        assert_eq!(of("kubectl rollout undo deploy/web"), "rollback");
        assert_eq!(of("helm upgrade --install web ./chart"), "deploy");
        assert_eq!(of("kubectl apply --dry-run=client -f k8s"), "infrastructure-check");
        assert_eq!(of("curl -fsS https://shop.example.com/healthz"), "smoke");
        assert_eq!(of("curl -X POST -d x $SLACK_WEBHOOK_URL"), "notify");
        assert_eq!(of("curl -sSL https://example.com/install.sh"), "");
        assert_eq!(of("npm audit --production"), "dependencies");
    }

    #[test]
    fn what_runs_another_program_has_its_role() {
        assert_eq!(of("docker compose exec -T api pytest tests"), "tests");
        assert_eq!(of("--frozen ruff check ."), "style");
        assert_eq!(of("poe test:e2e"), "end-to-end");
        assert_eq!(of("test-cov-xml"), "tests");
        assert_eq!(of("make latest"), "");
        assert_eq!(of("docker compose up -d"), "");
    }

    #[test]
    fn tests_are_told_by_what_they_name() {
        let of = |line: &str| refine(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(of("pytest tests/integration"), "integration");
        assert_eq!(of("pytest --ignore=tests/e2e"), "tests");
        assert_eq!(of("npm run test:e2e"), "end-to-end");
    }
}
