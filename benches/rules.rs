//! How fast rules are read and judged: start-up pays the first, every file the second.

use divan::{Bencher, counter::ItemsCount};
use seaworthy::{
    artifact::{self, Artifact, Kind, Select, Subject},
    rule::{Judge, Rule, RuleSet, Sift},
    source::Source,
};

fn main() {
    divan::main();
}

/// Reading the rules that come with the program: what each start pays.
#[divan::bench]
fn load_builtin(bencher: Bencher<'_, '_>) {
    let rules = builtin().rules.len();
    bencher.counter(ItemsCount::new(rules)).bench(builtin);
}

/// Compiling all expressions and regular expressions: what only `seaworthy test` pays.
#[divan::bench]
fn check_builtin(bencher: Bencher<'_, '_>) {
    bencher.bench(|| builtin().rules.iter().all(|rule| rule.check().is_ok()));
}

/// Judging everything in a manifest by every rule that needs only the manifest.
#[divan::bench]
fn judge_manifest(bencher: Bencher<'_, '_>) {
    let (rules, artifact) = (builtin(), manifest());
    let all = rules.rules.iter();
    let all: Vec<(&Rule, Sift, Vec<Subject<'_>>)> =
        all.map(|rule| (rule, Sift::of(&[rule]), subjects(&artifact, rule))).collect();
    let judgements: usize = all.iter().map(|it| it.2.len()).sum();
    bencher.counter(ItemsCount::new(judgements)).bench_local(|| {
        let mut judge = Judge::default();
        let mut failures = 0;
        for (rule, sift, subjects) in &all {
            for subject in subjects {
                judge.judge(subject, &[rule], sift, |_, it| failures += it.failures.len());
            }
        }
        failures
    });
}

fn builtin() -> RuleSet {
    RuleSet::builtin().unwrap_or_default()
}

fn subjects<'a>(artifact: &'a Artifact, rule: &Rule) -> Vec<Subject<'a>> {
    let mut subjects = Vec::new();
    if rule.view.kind == artifact.kind
        && let Select::File(select) = rule.view.select
    {
        select(artifact, &mut |it| subjects.push(it));
    }
    subjects
}

/// A hundred deployments, some better than others.
fn manifest() -> Artifact {
    let mut text = String::new();
    for number in 0..100 {
        let limits = ["", "\n          limits: {cpu: 500m, memory: 128Mi}"][number % 2];
        text += &format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  \
             labels: {{app: app-{number}}}\nspec:\n  replicas: {number}\n  selector: {{matchLabels: \
             {{app: app-{number}}}}}\n  template:\n    metadata:\n      labels: {{app: app-{number}}}\n    \
             spec:\n      containers:\n      - name: web\n        image: registry.example.com/web:1.{number}\n        \
             ports: [{{containerPort: 8080}}]\n        resources:\n          requests: {{cpu: 100m}}{limits}\n        \
             securityContext:\n          runAsNonRoot: true\n          capabilities: {{drop: [ALL]}}\n"
        );
    }
    let parsed = artifact::parse(Source::new("manifest.yaml", text));
    parsed.artifact.unwrap_or_else(|| Artifact::new(Kind::Kubernetes, Default::default()))
}
