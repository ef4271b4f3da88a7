//! Which of its checks the configurations of kube-linter choose.

use std::collections::BTreeSet;

use super::config;
use crate::{
    document::{Node, Problem, Trouble},
    parse,
    source::Source,
};

/// How the ids of its checks begin.
const PEER: &str = "kube-linter:";

/// The checks that kube-linter runs unless a configuration says otherwise.
const DEFAULTS: &[&str] = &[
    "dangling-service",
    "deprecated-service-account-field",
    "docker-sock",
    "drop-net-raw-capability",
    "duplicate-env-var",
    "env-var-secret",
    "host-ipc",
    "host-network",
    "host-pid",
    "invalid-target-ports",
    "job-ttl-seconds-after-finished",
    "latest-tag",
    "liveness-port",
    "mismatching-selector",
    "no-anti-affinity",
    "no-extensions-v1beta",
    "no-read-only-root-fs",
    "non-existent-service-account",
    "pdb-max-unavailable",
    "pdb-min-available",
    "pdb-unhealthy-pod-eviction-policy",
    "privilege-escalation-container",
    "privileged-container",
    "readiness-port",
    "run-as-non-root",
    "sensitive-host-mounts",
    "ssh-port",
    "startup-port",
    "unsafe-sysctls",
    "unset-cpu-requirements",
    "unset-memory-requirements",
];

/// What the configurations of a repository choose.
#[derive(Debug, Default)]
pub struct Choices {
    all: Vec<Choice>,
    /// The names of custom checks.
    custom: BTreeSet<String>,
    /// What is included without being a custom check, with a problem to tell if nothing stands for
    /// it.
    included: Vec<(String, Problem)>,
}

/// What one configuration chooses, for the folder it lies in.
#[derive(Debug)]
struct Choice {
    path: String,
    folder: String,
    included: BTreeSet<String>,
    excluded: BTreeSet<String>,
    /// `addAllBuiltIn`.
    everything: bool,
    /// `doNotAutoAddDefaults`.
    without_defaults: bool,
}

impl Choices {
    /// What the configurations of kube-linter among these texts choose.
    pub fn read<'a>(texts: impl Iterator<Item = &'a Source>) -> Self {
        let mut choices = Self::default();
        for source in texts.filter(|it| config::is_kube_linter(it.name())) {
            choices.add(source);
        }
        let Self { custom, included, .. } = &mut choices;
        included.retain(|it| !custom.contains(&it.0));
        choices
    }

    fn add(&mut self, source: &Source) {
        let (tree, _) = parse::yaml::parse(Source::new(&*source.path, &*source.text));
        let Some(root) = tree.documents().next() else { return };
        let list = |key: &str| root.at(&["checks", key]).into_iter().flat_map(Node::children);
        let names = |key: &str| list(key).map(|it| it.text().to_owned()).collect();
        let is = |key: &str| root.at(&["checks", key]).and_then(Node::as_bool) == Some(true);
        let customs = root.get("customChecks").into_iter().flat_map(Node::children);
        self.custom.extend(customs.filter_map(|it| it.str("name").map(str::to_owned)));
        self.included.extend(list("include").map(|it| {
            let name = it.text().to_owned();
            let reason =
                format!("no rule stands for the check `{name}` of kube-linter: it is not run");
            let at = it.span().start;
            (name, Problem::at(&tree.source, at, Trouble::Unsupported, reason))
        }));
        self.all.push(Choice {
            path: source.path.clone(),
            folder: source.folder().to_owned(),
            included: names("include"),
            excluded: names("exclude"),
            everything: is("addAllBuiltIn"),
            without_defaults: is("doNotAutoAddDefaults"),
        });
    }

    /// Whether there is nothing to choose.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether some configuration asks for a check: `kube-linter:no-liveness-probe`.
    pub fn ask(&self, check: &str) -> bool {
        self.all.iter().any(|it| it.asks(check))
    }

    /// Whether a configuration that holds for the file at `path` asks for one of these checks.
    pub fn ask_at<'c>(&self, path: &str, mut checks: impl Iterator<Item = &'c str>) -> bool {
        checks.any(|check| self.all.iter().any(|it| it.holds(path) && it.asks(check)))
    }

    /// The configuration that leaves out a rule for the file at `path`, by what the peers call it:
    /// one without the checks that kube-linter runs by default, where it is nothing else than such.
    pub fn leave_out(&self, path: &str, checks: &[&str]) -> Option<&str> {
        let is_default =
            |it: &&str| it.strip_prefix(PEER).is_some_and(|name| DEFAULTS.contains(&name));
        if checks.is_empty() || !checks.iter().all(is_default) {
            return None;
        }
        let leaves_out = |it: &&Choice| {
            it.holds(path) && it.without_defaults && !checks.iter().any(|check| it.asks(check))
        };
        self.all.iter().find(leaves_out).map(|it| it.path.as_str())
    }

    /// Whether a check of that name is a custom one.
    pub fn is_custom(&self, check: &str) -> bool {
        check.strip_prefix(PEER).is_some_and(|it| self.custom.contains(it))
    }

    /// What is included and stands for no rule, where `known` are the ids of the checks that do.
    pub fn problems(self, known: &[&str]) -> Vec<Problem> {
        let is_known = |name: &str| known.iter().any(|it| it.strip_prefix(PEER) == Some(name));
        self.included.into_iter().filter(|it| !is_known(&it.0)).map(|it| it.1).collect()
    }
}

impl Choice {
    fn holds(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.folder.as_str());
        self.folder.is_empty() || below.is_some_and(|it| it.starts_with('/'))
    }

    fn asks(&self, check: &str) -> bool {
        check.strip_prefix(PEER).is_some_and(|name| {
            !self.excluded.contains(name) && (self.everything || self.included.contains(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Choices {
        Choices::read(std::iter::once(&Source::new(path, text)))
    }

    #[test]
    fn what_is_included_is_asked_for_below_its_folder_and_exclusion_wins() {
        let text = "checks:\n  include: [no-liveness-probe, use-namespace, own]\n  exclude: \
                    [use-namespace]\ncustomChecks: [{name: own}]\n";
        let choices = read("k8s/.kube-linter.yaml", text);
        assert!(choices.ask("kube-linter:no-liveness-probe"));
        assert!(!choices.ask("kube-linter:use-namespace"));
        assert!(!choices.ask("polaris:no-liveness-probe"));
        let probe = || std::iter::once("kube-linter:no-liveness-probe");
        assert!(choices.ask_at("k8s/a.yaml", probe()));
        assert!(!choices.ask_at("k8s-old/a.yaml", probe()));
        assert!(choices.is_custom("kube-linter:own"));
        let problems = choices.problems(&["kube-linter:no-liveness-probe"]);
        let reasons: Vec<_> = problems.iter().map(|it| &*it.reason).collect();
        assert_eq!(
            reasons,
            ["no rule stands for the check `use-namespace` of kube-linter: it is not run"]
        );
        assert!(read("a.yaml", text).is_empty());
    }

    #[test]
    fn without_defaults_only_what_is_nothing_but_a_default_check_is_left_out() {
        let text = "checks:\n  doNotAutoAddDefaults: true\n  include: [latest-tag]\n";
        let choices = read(".kube-linter.yaml", text);
        let left = |checks: &[&str]| choices.leave_out("a.yaml", checks).is_some();
        assert!(left(&["kube-linter:ssh-port"]));
        assert!(!left(&["kube-linter:ssh-port", "trivy:KSV-1"]));
        assert!(!left(&["kube-linter:latest-tag"]));
        assert!(!left(&["kube-linter:no-liveness-probe"]));
        assert!(!left(&[]));
        assert!(read(".kube-linter.yml", "checks: {addAllBuiltIn: true}").ask("kube-linter:x"));
    }
}
