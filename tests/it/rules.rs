//! What rule files promise: they load, and their examples show what they say.

use seaworthy::{examples, rule::RuleSet};

#[test]
fn every_example_shows_what_it_says() {
    let outcome = examples::run(&RuleSet::builtin().unwrap()).unwrap();
    assert!(outcome.failures.is_empty(), "\n{}", outcome.text());
    assert!(outcome.examples >= 2 * outcome.rules);
}
