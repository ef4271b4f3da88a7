//! Ticked boxes of checklists in Markdown: claims that nobody signed and that no day ends.

use std::{collections::BTreeSet, sync::Arc};

use super::{ItemStatus, Status};
use crate::checklist::Checklist;

/// A ticked box in a document of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The document.
    pub path: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// What is ticked, without markup.
    pub text: String,
}

/// Of the words of a box and of an item, how many must be in both: in sixths.
const ALIKE: usize = 4;

/// Words that say nothing about what is asked.
const EMPTY: &[&str] = &[
    "a", "all", "an", "and", "are", "as", "at", "been", "every", "for", "have", "has", "in", "is",
    "it", "its", "of", "on", "or", "properly", "that", "the", "there", "to", "up", "with",
];

/// Tells, of what is claimed and does not hold or is not shown, that a box claims it. A claim never
/// changes a status.
pub(super) fn tell(claims: &[Claim], checklist: &Checklist, statuses: &mut [ItemStatus]) {
    if claims.is_empty() {
        return;
    }
    let items: Vec<_> = checklist.items.iter().map(|it| words(&it.title)).collect();
    for claim in claims {
        let claimed = words(&claim.text);
        let best =
            items.iter().enumerate().max_by_key(|(at, it)| (alike(&claimed, it), usize::MAX - at));
        let Some((at, item)) = best else { continue };
        if claimed.len() < 2 || alike(&claimed, item) < ALIKE {
            continue;
        }
        let status = &mut statuses[at];
        let place = format!("{}:{}", claim.path, claim.line);
        status.reason = match status.status {
            Status::Violated => format!("{}, although {place} ticks it", status.reason),
            Status::Missing => format!("{place} ticks it, unsigned; {}", status.reason),
            _ => continue,
        };
    }
}

/// How many sixths of the words of the longer list are in both.
fn alike(a: &BTreeSet<String>, b: &BTreeSet<String>) -> usize {
    a.intersection(b).count() * 6 / a.len().max(b.len()).max(1)
}

/// The words that matter, without accents, plurals and what stands in brackets.
fn words(text: &str) -> BTreeSet<String> {
    let plain = text.split('(').next().unwrap_or(text);
    plain
        .split(|it: char| !it.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .filter(|it| it.len() > 1 && !EMPTY.contains(&it.as_str()))
        .map(|it| match it.strip_suffix('s') {
            Some(one) if one.len() > 2 && !one.ends_with('s') => one.to_owned(),
            _ => it,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checklist::checklist;

    fn told(status: Status, text: &str) -> Vec<(String, String)> {
        let one = |id: &str| ItemStatus {
            item: id.into(),
            status,
            reason: "why".into(),
            evidence: Vec::new(),
        };
        let mut statuses: Vec<_> = checklist().items.iter().map(|it| one(&it.id)).collect();
        let claim = Claim { path: "docs/ready.md".into(), line: 3, text: text.into() };
        tell(&[claim], checklist(), &mut statuses);
        let changed = statuses.into_iter().filter(|it| it.reason != "why");
        changed.map(|it| (it.item.to_string(), it.reason)).collect()
    }

    #[test]
    fn a_ticked_box_is_told_where_files_say_otherwise() {
        let told_of = |status| told(status, "JWT tokens are properly set up with secure secrets");
        let id = "security.auth.jwt-secrets".to_owned();
        let violated = "why, although docs/ready.md:3 ticks it".to_owned();
        assert_eq!(told_of(Status::Violated), [(id.clone(), violated)]);
        let missing = "docs/ready.md:3 ticks it, unsigned; why".to_owned();
        assert_eq!(told_of(Status::Missing), [(id, missing)]);
        assert!(told_of(Status::Verified).is_empty());
    }

    #[test]
    fn another_matter_is_no_claim() {
        assert!(told(Status::Missing, "Buy milk and secure tokens for the arcade").is_empty());
        assert!(told(Status::Missing, "tokens").is_empty());
        assert!(told(Status::Missing, "").is_empty());
    }
}
