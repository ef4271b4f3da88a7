//! What stands behind each line of the checklist: one status per item, and three numbers.

use std::sync::Arc;

/// What is known of a checklist item, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// A finding says it does not hold.
    Violated,
    /// Somebody vouched for it, until a day that has passed.
    AttestationExpired,
    /// Somebody vouched for it, and the files say otherwise or have changed since.
    AttestationContradicted,
    /// It does not hold, and somebody answers for that.
    Waived,
    /// What would decide it could not be read or judged.
    NotEvaluated,
    /// Nothing speaks for it.
    Missing,
    /// Its time has not come.
    NotDue,
    /// Somebody vouches for it.
    Attested,
    /// The files show it.
    Verified,
    /// It does not apply here.
    NotApplicable,
}

impl Status {
    /// Every status, worst first.
    pub const ALL: [Self; 10] = [
        Self::Violated,
        Self::AttestationExpired,
        Self::AttestationContradicted,
        Self::Waived,
        Self::NotEvaluated,
        Self::Missing,
        Self::NotDue,
        Self::Attested,
        Self::Verified,
        Self::NotApplicable,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::AttestationExpired => "attestation-expired",
            Self::AttestationContradicted => "attestation-contradicted",
            Self::Waived => "waived",
            Self::NotEvaluated => "not-evaluated",
            Self::Missing => "missing",
            Self::NotDue => "not-due",
            Self::Attested => "attested",
            Self::Verified => "verified",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// Whether an item of this status counts at all.
    pub fn is_applicable(self) -> bool {
        !matches!(self, Self::NotApplicable | Self::NotDue)
    }

    /// Whether an item of this status counts as done.
    pub fn is_satisfied(self) -> bool {
        matches!(self, Self::Attested | Self::Verified)
    }
}

/// Where something speaks for or against an item, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness {
    /// The file, or the address an attestation names.
    pub path: Arc<str>,
    /// The line; 0 where there is none.
    pub line: u32,
    /// The rule, or the person.
    pub by: Arc<str>,
}

/// One line of the checklist with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemStatus {
    /// The item.
    pub item: Arc<str>,
    /// Its status.
    pub status: Status,
    /// Why, in a few words; empty where the witnesses say it all.
    pub reason: String,
    /// What speaks for the status.
    pub evidence: Vec<Witness>,
}

/// The numbers of a checklist. `verified + attested + open == applicable`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Items that apply and are due.
    pub applicable: usize,
    /// Items that files show.
    pub verified: usize,
    /// Items that somebody vouches for.
    pub attested: usize,
    /// The other applicable items.
    pub open: usize,
    /// Items that do not apply, or whose time has not come.
    pub not_applicable: usize,
    /// Open items whose input could not be judged.
    pub not_evaluated: usize,
}

impl Score {
    /// Counts statuses.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a ItemStatus>) -> Self {
        let mut score = Self::default();
        for item in items {
            match item.status {
                Status::NotApplicable | Status::NotDue => score.not_applicable += 1,
                Status::Verified => score.verified += 1,
                Status::Attested => score.attested += 1,
                status => {
                    score.open += 1;
                    score.not_evaluated += usize::from(status == Status::NotEvaluated);
                }
            }
        }
        score.applicable = score.verified + score.attested + score.open;
        score
    }
}
