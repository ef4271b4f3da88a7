//! What stands behind each line of the checklist: one status per item, and three numbers.

mod claims;

pub use claims::Claim;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    artifact::Kind,
    checklist::{Checklist, Class, Fact, Item, Settler},
    date::Date,
    document::{Problem, Trouble},
    finding::{Evidence, Finding, Place},
    readiness::{Attestation, Readiness, State},
};

/// How many places are named for one item.
const PLACES: usize = 10;

/// From how many days before its end an attestation says so.
const SOON: i64 = 30;

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

/// Everything that is known about the repository, ready to be counted.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The findings, waived ones too, by place.
    pub findings: &'a [Finding],
    /// What was found in favour of items, by place.
    pub evidence: &'a [Evidence],
    /// The items for which some rule met a subject.
    pub judged: &'a BTreeSet<Arc<str>>,
    /// What there is in the repository.
    pub facts: &'a BTreeSet<Fact>,
    /// What there is and could not be read, with the first problem of each sort.
    pub unread: &'a BTreeMap<Fact, &'a Problem>,
    /// What people vouch for.
    pub readiness: &'a Readiness,
    /// What is ticked in documents.
    pub claims: &'a [Claim],
    /// When files that a `scope` names last changed.
    pub changed: &'a [(String, Date)],
    /// Today.
    pub now: Date,
}

/// The fact that an artifact of a kind establishes.
pub fn fact(kind: Kind) -> Option<Fact> {
    match kind {
        Kind::Dockerfile => Some(Fact::Dockerfile),
        Kind::Kubernetes => Some(Fact::Kubernetes),
        Kind::Makefile => Some(Fact::Makefile),
        Kind::Openapi => Some(Fact::Openapi),
        _ => None,
    }
}

/// What could not be read, by what it would have been: `kind` tells what is known of a path.
pub fn unread(
    problems: &[Problem],
    kind: impl Fn(&str) -> Option<Kind>,
) -> BTreeMap<Fact, &Problem> {
    let mut unread = BTreeMap::new();
    for problem in problems {
        let whole = [Trouble::Unreadable, Trouble::Syntax, Trouble::Template, Trouble::Limit];
        let fact = kind(&problem.path).map_or_else(|| fact_of_path(problem), fact);
        if let Some(fact) = fact.filter(|_| whole.contains(&problem.kind)) {
            unread.entry(fact).or_insert(problem);
        }
    }
    unread
}

/// What a text that could not be read would probably have been.
fn fact_of_path(problem: &Problem) -> Option<Fact> {
    let name = problem.path.rsplit('/').next().unwrap_or_default();
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    match name {
        _ if name.contains("Dockerfile") || name.contains("Containerfile") => {
            Some(Fact::Dockerfile)
        }
        _ if name.ends_with("akefile") || name.ends_with(".mk") => Some(Fact::Makefile),
        _ if name.starts_with("openapi.") || name.starts_with("swagger.") => Some(Fact::Openapi),
        _ if is_yaml && problem.kind == Trouble::Template => Some(Fact::Kubernetes),
        _ => None,
    }
}

/// The status of every item, in the order of the checklist.
pub fn assess(checklist: &Checklist, input: Input<'_>) -> Vec<ItemStatus> {
    let known = gather(checklist, input);
    let mut statuses: Vec<ItemStatus> = (0..checklist.items.len())
        .map(|at| {
            let canonical = checklist.canonical(at);
            let known = &known[canonical];
            let status = known.status(&checklist.items[canonical], input);
            ItemStatus { item: checklist.items[at].id.as_str().into(), ..status }
        })
        .collect();
    for at in 0..statuses.len() {
        if checklist.items[at].settled_by == Settler::RollUp {
            let (reason, status, evidence) = roll_up(&statuses[..at]);
            statuses[at] = ItemStatus { status, reason, evidence, item: statuses[at].item.clone() };
        }
    }
    claims::tell(input.claims, checklist, &mut statuses);
    statuses
}

/// What speaks for and against one item and those that are the same.
#[derive(Default)]
struct Known<'a> {
    open: Vec<&'a Finding>,
    waived: Vec<&'a Finding>,
    evidence: Vec<&'a Evidence>,
    judged: bool,
    attestation: Option<&'a Attestation>,
}

fn gather<'a>(checklist: &Checklist, input: Input<'a>) -> Vec<Known<'a>> {
    let mut known: Vec<Known<'a>> =
        std::iter::repeat_with(Known::default).take(checklist.items.len()).collect();
    let at = |id: &str| checklist.position(id).map(|it| checklist.canonical(it));
    for finding in input.findings {
        for at in finding.items.iter().filter_map(|it| at(it)) {
            match finding.waived {
                None => known[at].open.push(finding),
                Some(_) => known[at].waived.push(finding),
            }
        }
    }
    for evidence in input.evidence {
        if let Some(at) = at(&evidence.item) {
            known[at].evidence.push(evidence);
        }
    }
    for at in input.judged.iter().filter_map(|it| at(it)) {
        known[at].judged = true;
    }
    for new in &input.readiness.attestations {
        for &item in &new.items {
            let old = &mut known[checklist.canonical(item)].attestation;
            let rank = |it: &Attestation| (it.exact, it.expires);
            if old.is_none_or(|it| rank(new) > rank(it)) {
                *old = Some(new);
            }
        }
    }
    known
}

impl Known<'_> {
    /// The status, found in the order in which one thing outweighs another: a violation, a waived
    /// violation, proof in files, a person's word, and then what is left to say.
    fn status(&self, item: &Item, input: Input<'_>) -> ItemStatus {
        if !self.open.is_empty() {
            return self.violated(input);
        }
        if let Some(finding) = self.waived.first() {
            let by = finding.waived.as_ref().map_or("", |it| it.by.as_str());
            let reason = format!("{by} answers for it");
            return settled(Status::Waived, reason, places(&self.waived));
        }
        let blind = (item.class == Class::Static)
            .then(|| item.applies.iter().find_map(|it| input.unread.get(it)))
            .flatten();
        if self.proves(item) && blind.is_none() {
            return settled(Status::Verified, String::new(), self.proof());
        }
        let vouched = self.by_readiness(item, input);
        let counts = |it: &ItemStatus| it.status.is_satisfied() || !it.status.is_applicable();
        if let Some(status) = vouched.clone().filter(counts) {
            return status;
        }
        if let Some(reason) = not_applicable(item, input) {
            return settled(Status::NotApplicable, reason, Vec::new());
        }
        if let Some(reason) = not_due(item, input) {
            return settled(Status::NotDue, reason, Vec::new());
        }
        if let Some(status) = vouched {
            return status;
        }
        if let Some(problem) = blind {
            return unjudged(problem);
        }
        self.unsettled(item, input)
    }

    fn violated(&self, input: Input<'_>) -> ItemStatus {
        let n = self.open.len();
        let s = if n == 1 { "" } else { "s" };
        let reason = match self.attestation.filter(|it| it.state == State::Met) {
            Some(it) => format!(
                "{n} finding{s}, although {} vouches for it ({}:{})",
                it.by, input.readiness.path, it.line
            ),
            None => format!("{n} finding{s}"),
        };
        settled(Status::Violated, reason, places(&self.open))
    }

    /// Whether the files alone verify the item.
    fn proves(&self, item: &Item) -> bool {
        !self.evidence.is_empty() && item.class != Class::Attest && item.signoff.is_none()
    }

    fn proof(&self) -> Vec<Witness> {
        let witness = |it: &&Evidence| witness(&it.place, &it.rule);
        witnesses(self.evidence.iter().map(witness))
    }

    fn by_readiness(&self, item: &Item, input: Input<'_>) -> Option<ItemStatus> {
        let promised = by_contact(item, input).or_else(|| by_objective(item, input));
        let vouched = self.attestation.map(|it| by_attestation(it, item, input));
        match (promised, vouched) {
            (Some(promised), Some(vouched)) => {
                let is_better = promised.status == Status::AttestationContradicted
                    || promised.status.is_satisfied();
                Some(if is_better { promised } else { vouched })
            }
            (promised, vouched) => promised.or(vouched),
        }
    }

    /// The status of an item that nothing settles.
    fn unsettled(&self, item: &Item, input: Input<'_>) -> ItemStatus {
        if let Some(problem) = item.applies.iter().find_map(|it| input.unread.get(it)) {
            return unjudged(problem);
        }
        const SIGN_OFF: &str = "needs a sign-off in readiness.toml";
        let reason = match item {
            _ if item.class == Class::Attest => SIGN_OFF.to_owned(),
            Item { signoff: Some(half), .. } if !self.evidence.is_empty() => {
                format!("files show a part; that {half} {SIGN_OFF}")
            }
            _ if item.settled_by == Settler::Readiness => match item.id.starts_with("contacts.") {
                true => "needs a [[contact]] in readiness.toml".to_owned(),
                false => "needs an entry under [objectives] in readiness.toml".to_owned(),
            },
            _ if item.planned => format!("no rule judges this yet: {SIGN_OFF}"),
            _ if self.judged => {
                format!("nothing speaks against it, and nothing shows it: {SIGN_OFF}")
            }
            _ => format!("nothing in the files shows it: add it, or it {SIGN_OFF}"),
        };
        settled(Status::Missing, reason, self.proof())
    }
}

fn settled(status: Status, reason: String, evidence: Vec<Witness>) -> ItemStatus {
    ItemStatus { item: "".into(), status, reason, evidence }
}

fn unjudged(problem: &Problem) -> ItemStatus {
    let place =
        Witness { path: problem.path.as_str().into(), line: problem.start.line, by: "".into() };
    settled(Status::NotEvaluated, problem.reason.clone(), vec![place])
}

fn witness(place: &Place, by: &Arc<str>) -> Witness {
    Witness { path: place.path.clone(), line: place.start.line, by: by.clone() }
}

fn places(findings: &[&Finding]) -> Vec<Witness> {
    witnesses(findings.iter().map(|it| witness(&it.place, &it.rule)))
}

/// The first places in order, each once.
fn witnesses(all: impl Iterator<Item = Witness>) -> Vec<Witness> {
    all.collect::<BTreeSet<_>>().into_iter().take(PLACES).collect()
}

/// The place in `readiness.toml` that says something.
fn said(line: u32, by: Option<&Arc<str>>, input: Input<'_>) -> Witness {
    let path = input.readiness.path.clone();
    Witness { by: by.cloned().unwrap_or_else(|| path.clone()), path, line }
}

fn by_contact(item: &Item, input: Input<'_>) -> Option<ItemStatus> {
    let mut contacts = input.readiness.contacts.iter().filter(|it| it.item == item.id);
    let first = contacts.next()?;
    let latest = contacts.fold(first, |a, b| if b.reviewed > a.reviewed { b } else { a });
    let place = vec![said(latest.line, None, input)];
    Some(match too_old(latest.reviewed, item, input) {
        Some(reason) => settled(Status::AttestationExpired, reason, place),
        None => settled(Status::Verified, String::new(), place),
    })
}

/// A promise defines what the item asks to define; that it is kept is a claim.
fn by_objective(item: &Item, input: Input<'_>) -> Option<ItemStatus> {
    let objective = input.readiness.objectives.iter().find(|it| it.item == item.id)?;
    let place = vec![said(objective.line, input.readiness.service.owner.as_ref(), input)];
    if let Some(target) = objective.looser_than {
        let (key, value) = (objective.key, &objective.value);
        let reason = format!("`{key} = {value}` promises less than {target}");
        return Some(settled(Status::AttestationContradicted, reason, place));
    }
    if let Some(reason) = too_old(objective.reviewed, item, input) {
        return Some(settled(Status::AttestationExpired, reason, place));
    }
    let status = match item.settled_by {
        Settler::Readiness => Status::Verified,
        _ => Status::Attested,
    };
    Some(settled(status, String::new(), place))
}

fn too_old(reviewed: Date, item: &Item, input: Input<'_>) -> Option<String> {
    let days = item.lifetime();
    (reviewed.plus(days) < input.now)
        .then(|| format!("last reviewed on {reviewed}; every {days} days is asked for"))
}

fn by_attestation(attestation: &Attestation, item: &Item, input: Input<'_>) -> ItemStatus {
    let mut place = vec![said(attestation.line, Some(&attestation.by), input)];
    let Attestation { by, on, expires, .. } = attestation;
    if *expires < input.now {
        let reason = format!("{by} vouched for it until {expires}");
        return settled(Status::AttestationExpired, reason, place);
    }
    let stale = |(path, changed): &&(String, Date)| {
        changed > on && attestation.scope.iter().any(|it| it.is_match(path))
    };
    if let Some((path, changed)) = input.changed.iter().find(stale) {
        let reason = format!("`{path}` changed on {changed}, after {by} vouched for it on {on}");
        return settled(Status::AttestationContradicted, reason, place);
    }
    if attestation.state == State::NotApplicable {
        let reason = format!("{} ({by}, until {expires})", attestation.reason);
        return settled(Status::NotApplicable, reason, place);
    }
    if let Some(reason) = not_due(item, input).filter(|_| !after_launch(*on, input)) {
        return settled(Status::NotDue, reason, place);
    }
    let files = attestation.evidence.iter().filter(|it| !it.contains("://"));
    place.extend(files.map(|path| {
        let path = path.split('#').next().unwrap_or(path).into();
        Witness { path, line: 1, by: by.clone() }
    }));
    let left = expires.since(input.now);
    let reason = match left {
        0 => "until today".to_owned(),
        _ if left <= SOON => format!("until {expires}: {left} more days"),
        _ => format!("until {expires}"),
    };
    settled(Status::Attested, reason, place)
}

fn after_launch(date: Date, input: Input<'_>) -> bool {
    input.readiness.service.launch.is_some_and(|launch| date >= launch)
}

fn not_due(item: &Item, input: Input<'_>) -> Option<String> {
    let due = item.due?;
    let Some(launch) = input.readiness.service.launch else {
        return Some("readiness.toml names no launch date".to_owned());
    };
    let day = launch.plus(due);
    (input.now < day).then(|| format!("due on {day}"))
}

/// Why the item does not apply, if it does not: none of what it is about is there.
fn not_applicable(item: &Item, input: Input<'_>) -> Option<String> {
    let mut reasons = Vec::new();
    for fact in &item.applies {
        let lacks = input.readiness.service.lacks.iter().find(|it| it.0 == *fact);
        let is_there = input.facts.contains(fact) || input.unread.contains_key(fact);
        if is_there || implied(*fact, input.facts) {
            return None;
        }
        match lacks {
            Some((_, line)) => {
                reasons.push(format!("no {} ({}:{line})", fact.phrase(), input.readiness.path))
            }
            None if fact.shows_in_files() => reasons.push(format!("no {}", fact.phrase())),
            None => return None,
        }
    }
    (!reasons.is_empty()).then(|| format!("there is {}", reasons.join(", ")))
}

/// Whether other facts establish this one.
fn implied(fact: Fact, facts: &BTreeSet<Fact>) -> bool {
    fact == Fact::Http && facts.contains(&Fact::Openapi)
}

/// The status of "everything above is done".
fn roll_up(above: &[ItemStatus]) -> (String, Status, Vec<Witness>) {
    let applicable = || above.iter().filter(|it| it.status.is_applicable());
    let open = applicable().filter(|it| !it.status.is_satisfied()).count();
    let evidence = witnesses(applicable().flat_map(|it| it.evidence.first().cloned()));
    if open > 0 {
        let reason = format!("{open} of the {} items above are open", applicable().count());
        return (reason, Status::Missing, Vec::new());
    }
    let claimed = applicable().any(|it| it.status == Status::Attested);
    let status = match claimed || evidence.is_empty() {
        true => Status::Attested,
        false => Status::Verified,
    };
    (String::new(), status, evidence)
}

#[cfg(test)]
mod tests;
