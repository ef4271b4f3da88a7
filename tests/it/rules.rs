//! What rule files promise: they load, their examples show what they say, and the checklist knows
//! what settles each of its items.

use std::collections::BTreeSet;

use seaworthy::{
    checklist::{Class, Settler, checklist},
    examples,
    rule::RuleSet,
};

#[test]
fn every_example_shows_what_it_says() {
    let outcome = examples::run(&RuleSet::builtin().unwrap()).unwrap();
    assert!(outcome.failures.is_empty(), "\n{}", outcome.text());
    assert!(outcome.examples >= 2 * outcome.rules);
}

#[test]
fn the_items_of_rules_are_on_the_checklist() {
    for rule in RuleSet::builtin().unwrap().rules {
        for item in &rule.items {
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
        .flat_map(|it| &it.items)
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
