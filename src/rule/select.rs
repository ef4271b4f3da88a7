//! Which rules are on: a profile, and patterns over ids and over what peers call the rules.

use std::{collections::BTreeMap, sync::Arc};

use super::{Profile, Rule, RuleError, RuleSet, nearest};

/// See [`RuleSet::select`].
pub(super) fn select(
    set: &mut RuleSet,
    profile: Profile,
    wanted: &[String],
    ignored: &[String],
) -> Result<(), RuleError> {
    for pattern in wanted.iter().chain(ignored) {
        if !set.rules.iter().any(|rule| named(rule, pattern)) {
            return Err(unknown(set, pattern));
        }
    }
    set.is_all = profile == Profile::All;
    let any = |patterns: &[String], rule: &Rule| patterns.iter().any(|it| named(rule, it));
    let known = std::mem::take(&mut set.rules).into_iter().filter(|it| !any(ignored, it));
    for rule in known {
        if wanted.is_empty() && rule.profile > profile {
            set.asked.push(rule);
        } else if wanted.is_empty() || any(wanted, &rule) {
            set.rules.push(rule);
        }
    }
    Ok(())
}

/// See [`RuleSet::choose`].
pub(super) fn choose(set: &mut RuleSet, asks: &dyn Fn(&str) -> bool) {
    let mut wanted: BTreeMap<Arc<str>, Profile> = BTreeMap::new();
    for rule in &set.asked {
        for peer in rule.equivalents.iter().filter(|it| asks(&it.id)) {
            let narrowest = wanted.entry(peer.id.clone()).or_insert(rule.profile);
            *narrowest = rule.profile.min(*narrowest);
        }
    }
    if wanted.is_empty() {
        return;
    }
    for peer in set.rules.iter().flat_map(|it| &it.equivalents) {
        wanted.remove(&peer.id);
    }
    let is_chosen =
        |it: &Rule| it.equivalents.iter().any(|peer| wanted.get(&peer.id) == Some(&it.profile));
    let (chosen, asked) = std::mem::take(&mut set.asked).into_iter().partition(is_chosen);
    set.asked = asked;
    for rule in chosen {
        set.chosen.insert(rule.id.clone());
        set.add(rule);
    }
}

/// See [`RuleSet::named`].
pub(super) fn find<'s>(set: &'s RuleSet, pattern: &str) -> Result<Vec<&'s Rule>, RuleError> {
    let found: Vec<_> = set.rules.iter().filter(|rule| named(rule, pattern)).collect();
    if found.is_empty() { Err(unknown(set, pattern)) } else { Ok(found) }
}

fn named(rule: &Rule, pattern: &str) -> bool {
    matches(pattern, &rule.id) || rule.equivalents.iter().any(|it| matches(pattern, &it.id))
}

fn unknown(set: &RuleSet, pattern: &str) -> RuleError {
    let ids = set.rules.iter().map(|rule| rule.id.as_ref());
    let peers = set.rules.iter().flat_map(|rule| &rule.equivalents).map(|it| it.id.as_ref());
    let help = match nearest(pattern, ids.chain(peers)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`seaworthy rules` lists them all".to_owned(),
    };
    RuleError::new(format!("no rule is called `{pattern}`"), Some(help))
}

/// Whether the glob matches the whole id: `*` is any text, `?` any character. Case counts.
fn matches(pattern: &str, id: &str) -> bool {
    let (pattern, id) = (pattern.as_bytes(), id.as_bytes());
    let (mut p, mut i) = (0, 0);
    let mut star = None;
    while i < id.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, i));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == id[i] => {
                p += 1;
                i += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, i) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_ids() {
        assert!(matches("dockerfile/*", "dockerfile/root-user"));
        assert!(matches("*root*", "dockerfile/root-user"));
        assert!(matches("hadolint:DL30??", "hadolint:DL3008"));
        assert!(!matches("dockerfile", "dockerfile/root-user"));
        assert!(!matches("*.toml", "dockerfile/root-user"));
    }
}
