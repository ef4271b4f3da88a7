//! What rule files promise: they load, their examples show what they say, and the checklist knows
//! what settles each of its items.

use std::collections::BTreeSet;

use seaworthy::{
    checklist::{Class, Settler, checklist},
    examples::{self, Shown},
    rule::{Profile, RuleSet},
};

/// The lines of which files can only show that something is there: no rule can refute them.
const ONLY_CONFIRMED: &[&str] = &[
    "infrastructure.networking.cdn",
    "observability.application.business-metrics",
    "observability.infrastructure.server-metrics",
    "observability.infrastructure.cluster-monitoring",
    "observability.infrastructure.cache-monitoring",
    "observability.infrastructure.external-monitoring",
    "observability.logging.aggregation",
    "testing.performance.benchmarks",
    "deployment.environments.feature-flags",
    "deployment.environments.blue-green-canary",
    "database.reliability.failover-documented",
    "database.reliability.integrity-checks",
    "configuration.features.ab-testing",
    "documentation.operations.troubleshooting",
    "documentation.operations.monitoring",
    "documentation.operations.disaster-recovery",
    "documentation.operations.architecture-diagrams",
    "documentation.developer.db-schema",
    "documentation.developer.api-design",
    "continuity.incidents.postmortem",
    "continuity.incidents.status-page",
    "pre-launch.launch-day.dashboards-ready",
];

#[test]
fn every_example_shows_what_it_says() {
    let outcome = examples::run(&RuleSet::builtin().unwrap()).unwrap();
    assert!(outcome.failures.is_empty(), "\n{}", outcome.text());
    assert!(outcome.examples >= 2 * outcome.rules);
    let shown = |at: usize, what: fn(&Shown) -> bool| {
        let same = checklist().items.iter().enumerate();
        let mut same = same.filter(|it| checklist().canonical(it.0) == checklist().canonical(at));
        same.any(|(_, it)| outcome.shown.get(&*it.id).is_some_and(what))
    };
    let mut wrong = Vec::new();
    for (at, item) in checklist().items.iter().enumerate() {
        let canonical = &checklist().items[checklist().canonical(at)];
        if item.class == Class::Attest || canonical.settled_by != Settler::Rules {
            continue;
        }
        if !shown(at, |it| it.proved) {
            wrong.push(format!("{}: no example gives evidence for it", item.id));
        }
        if shown(at, |it| it.violated) == ONLY_CONFIRMED.contains(&&*canonical.id) {
            wrong.push(format!("{}: it is violated, or it is only confirmed", item.id));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_items_of_rules_are_on_the_checklist() {
    for rule in RuleSet::builtin().unwrap().rules {
        for item in rule.items.iter() {
            assert!(checklist().get(item).is_some(), "{}: there is no item `{item}`", rule.id);
        }
    }
}

#[test]
fn what_files_can_show_is_settled_by_a_rule_or_planned() {
    let rules = RuleSet::builtin().unwrap();
    let settled: BTreeSet<_> = rules
        .rules
        .iter()
        .flat_map(|it| it.items.iter())
        .filter_map(|it| checklist().position(it))
        .map(|at| checklist().canonical(at))
        .collect();
    let mut wrong = Vec::new();
    for (at, item) in checklist().items.iter().enumerate() {
        let by_rule = settled.contains(&checklist().canonical(at));
        let planned = checklist().items[checklist().canonical(at)].planned;
        let by_files = item.class != Class::Attest && item.settled_by == Settler::Rules;
        if by_files && by_rule == planned {
            let what = if planned { "is `planned`, and a rule settles it" } else { "has no rule" };
            wrong.push(format!("{} {what}", item.id));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What looks like a safeguard and is none, with the rule that says so.
const THEATRE: &[(&str, &str)] = &[
    ("a gate that cannot fail", "workflow/failure-tolerated"),
    ("a gate whose failure is hidden", "workflow/failure-hidden"),
    ("a scan that never fails", "workflow/scan-never-fails"),
    ("a gate of a Makefile that cannot fail", "runner/gate-cannot-fail"),
    ("a deployment that only prints", "workflow/step-only-prints"),
    ("a job that only prints", "workflow/job-only-prints"),
    ("a notification that only prints", "workflow/notification-only-prints"),
    ("a rollback that only prints", "workflow/rollback-only-prints"),
    ("a job that nothing starts", "workflow/never-runs"),
    ("a step that nothing starts", "workflow/step-never-runs"),
    ("a condition that always holds", "workflow/condition-always-holds"),
    ("a job that needs one that never runs", "workflow/needs-what-never-runs"),
    ("a workflow that waits for none", "workflow/waits-for-nothing"),
    ("a filter that finds no file", "workflow/filter-finds-nothing"),
    ("a schedule that never comes", "workflow/schedule-never-comes"),
    ("a summary that is skipped", "workflow/summary-job-skipped"),
    ("tests that no job runs", "workflow/tests-not-run"),
    ("end-to-end tests that no job runs", "workflow/end-to-end-suite-not-run"),
    ("an update tool that updates nothing", "upkeep/nothing-updated"),
    ("a limiter that is never attached", "python/rate-limiter-not-attached"),
    ("a limit of nginx that is never used", "nginx/limit-never-used"),
    ("a load test that cannot fail", "load/never-fails"),
    ("migrations with several heads", "python/migrations-with-several-heads"),
    ("a migration without its parent", "python/migration-parent-missing"),
];

#[test]
fn theatre_is_seen_by_default() {
    let rules = RuleSet::builtin().unwrap();
    for (what, id) in THEATRE {
        let rule = rules.rules.iter().find(|it| &*it.id == *id);
        let is_on =
            rule.is_some_and(|it| it.profile == Profile::Default && !it.requires.is_empty());
        assert!(is_on, "{what}: {id}");
    }
}
