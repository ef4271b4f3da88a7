//! Which status follows from what, and the laws that the numbers obey.

use super::*;
use crate::{
    checklist::checklist,
    finding::{Severity, Waiver},
    readiness::Surroundings,
    report::sample,
    source::{Position, Source},
};

const ROOT: &str = "infrastructure.containers.non-root";
const NOW: &str = "2026-06-01";

/// A repository as its parts, so that tests can take parts away.
#[derive(Clone, Default)]
struct World {
    findings: Vec<Finding>,
    evidence: Vec<Evidence>,
    judged: BTreeSet<Arc<str>>,
    facts: BTreeSet<Fact>,
    problems: Vec<Problem>,
    readiness: Readiness,
    changed: Vec<(String, Date)>,
}

impl World {
    fn new() -> Self {
        let facts = [Fact::Dockerfile, Fact::Kubernetes, Fact::Makefile, Fact::Openapi];
        Self { facts: facts.into(), ..Self::default() }
    }

    fn finding(mut self, item: &str) -> Self {
        let place = sample::place("Dockerfile", 4, 1, 5);
        let mut finding = sample::finding("dockerfile/root-user", Severity::Error, place, "root");
        finding.items = [item.into()].into();
        self.findings.push(finding);
        self
    }

    fn waived(mut self, item: &str) -> Self {
        self = self.finding(item);
        let waiver = Waiver { by: "@bob".into(), reason: "x".into(), expires: None };
        self.findings.last_mut().unwrap().waived = Some(waiver.into());
        self
    }

    fn evidence(mut self, item: &str) -> Self {
        let place = sample::place("Dockerfile", 2, 1, 5);
        self.evidence.push(Evidence {
            item: item.into(),
            place,
            rule: "dockerfile/root-user".into(),
        });
        self
    }

    fn problem(mut self, path: &str, kind: Trouble) -> Self {
        let start = Position { line: 3, column: 1 };
        self.problems.push(Problem { path: path.into(), start, kind, reason: "broken".into() });
        self
    }

    fn readiness(mut self, text: &str) -> Self {
        let source = Source::new("readiness.toml", text);
        let around = Surroundings { now: NOW.parse().unwrap(), has_path: &|_| true, rules: &[] };
        self.readiness = Readiness::read(&source, around).unwrap();
        self
    }

    fn statuses(&self) -> Vec<ItemStatus> {
        self.on(NOW)
    }

    fn on(&self, now: &str) -> Vec<ItemStatus> {
        let unread = unread(&self.problems, |_| None);
        let input = Input {
            findings: &self.findings,
            evidence: &self.evidence,
            judged: &self.judged,
            facts: &self.facts,
            unread: &unread,
            readiness: &self.readiness,
            claims: &[],
            changed: &self.changed,
            now: now.parse().unwrap(),
        };
        assess(checklist(), input)
    }

    fn status(&self, item: &str) -> (Status, String) {
        let statuses = self.statuses();
        let it = &statuses[checklist().position(item).unwrap()];
        (it.status, it.reason.clone())
    }
}

fn attest(item: &str, expires: &str) -> String {
    format!(
        "[[attest]]\nitem = \"{item}\"\nby = \"@alice\"\non = 2026-05-01\nexpires = {expires}\n\
         evidence = [\"docs/x.md\"]\nscope = [\"src/**\"]\n"
    )
}

#[test]
fn a_violation_outweighs_everything() {
    let world = World::new()
        .evidence(ROOT)
        .waived(ROOT)
        .finding(ROOT)
        .readiness(&attest(ROOT, "2026-12-01"));
    let reason = "1 finding, although @alice vouches for it (readiness.toml:1)".to_owned();
    assert_eq!(world.status(ROOT), (Status::Violated, reason));
    let statuses = world.statuses();
    let it = &statuses[checklist().position(ROOT).unwrap()];
    assert_eq!((&*it.evidence[0].path, it.evidence[0].line), ("Dockerfile", 4));
}

#[test]
fn a_waived_violation_is_not_done() {
    let world = World::new().evidence(ROOT).waived(ROOT);
    assert_eq!(world.status(ROOT), (Status::Waived, "@bob answers for it".into()));
}

#[test]
fn the_same_requirement_has_one_status() {
    let world = World::new().finding("infrastructure.orchestration.requests-limits");
    let (status, _) = world.status("infrastructure.containers.resource-limits");
    assert_eq!(status, Status::Violated);
    let world = World::new().evidence("infrastructure.containers.resource-limits");
    assert_eq!(world.status("infrastructure.orchestration.requests-limits").0, Status::Verified);
}

#[test]
fn what_could_not_be_read_is_neither_verified_nor_absent() {
    let broken = World::default().problem("chart/api.yaml", Trouble::Template);
    assert_eq!(broken.status("infrastructure.orchestration.pdb").0, Status::NotEvaluated);
    let both = broken.evidence("infrastructure.orchestration.pdb");
    assert_eq!(both.status("infrastructure.orchestration.pdb").0, Status::NotEvaluated);
    let vouched = both.readiness(&attest("infrastructure.orchestration.pdb", "2026-12-01"));
    assert_eq!(vouched.status("infrastructure.orchestration.pdb").0, Status::Attested);
}

#[test]
fn items_without_their_subject_do_not_apply_and_say_why() {
    let world = World::default();
    let expected = (Status::NotApplicable, "there is no Dockerfile, no Kubernetes manifest".into());
    assert_eq!(world.status(ROOT), expected);
    assert_eq!(world.status("database.reliability.pitr").0, Status::Missing);
    let world = world.readiness("[service]\nlacks = [\"database\"]\n");
    let expected = (Status::NotApplicable, "there is no database (readiness.toml:2)".into());
    assert_eq!(world.status("database.reliability.pitr"), expected);
    let world = world.evidence("database.reliability.pitr");
    assert_eq!(world.status("database.reliability.pitr").0, Status::Verified);
}

#[test]
fn an_attestation_ends_and_grows_stale() {
    let item = "pre-launch.verification.training";
    let mut world = World::new().readiness(&attest(item, "2026-06-20"));
    let soon = (Status::Attested, "until 2026-06-20: 19 more days".to_owned());
    assert_eq!(world.status(item), soon);
    let at = checklist().position(item).unwrap();
    assert_eq!(world.on("2026-06-20")[at].status, Status::Attested);
    assert_eq!(world.on("2026-06-21")[at].status, Status::AttestationExpired);
    world.changed = vec![("src/a.py".into(), "2026-05-01".parse().unwrap())];
    assert_eq!(world.status(item).0, Status::Attested);
    world.changed.push(("src/b.py".into(), "2026-05-02".parse().unwrap()));
    assert_eq!(world.status(item).0, Status::AttestationContradicted);
}

#[test]
fn evidence_of_a_half_is_a_hint() {
    let item = "testing.coverage.integration-tests";
    let (status, reason) = World::new().evidence(item).status(item);
    assert_eq!(status, Status::Missing);
    assert!(reason.starts_with("files show a part; that the critical paths"), "{reason}");
    let person = "pre-launch.verification.training";
    assert_eq!(World::new().evidence(person).status(person).0, Status::Missing);
}

#[test]
fn contacts_and_objectives_settle_their_items() {
    let world = World::new().readiness(
        "[service]\nowner = \"@acme/pay\"\nlaunch = 2026-05-20\n\
         [objectives]\nreviewed = 2026-01-01\np95_ms = 500\nerror_rate = 0.001\nrto = \"1h\"\n\
         [[contact]]\nrole = \"devops\"\nto = \"ops@acme.io\"\nreviewed = 2026-05-01\n\
         [[contact]]\nrole = \"dba\"\nto = \"dba@acme.io\"\nreviewed = 2025-05-01\n",
    );
    let status = |item: &str| world.status(item).0;
    assert_eq!(status("contacts.emergency.devops"), Status::Verified);
    assert_eq!(status("contacts.emergency.dba"), Status::AttestationExpired);
    assert_eq!(status("contacts.emergency.on-call"), Status::Missing);
    assert_eq!(status("continuity.disaster-recovery.rto"), Status::Verified);
    assert_eq!(status("metrics.key.error-rate"), Status::Attested);
    let loose = (Status::AttestationContradicted, "`p95_ms = 500` promises less than 200".into());
    assert_eq!(world.status("metrics.key.response-time-p95"), loose);
    assert_eq!(status("post-launch.immediate.logs"), Status::Missing);
    let later = (Status::NotDue, "due on 2026-06-19".to_owned());
    assert_eq!(world.status("post-launch.long-term.capacity"), later);
}

#[test]
fn everything_above_is_done_when_it_is() {
    let item = "pre-launch.verification.all-sections";
    let (status, reason) = World::new().status(item);
    assert_eq!(status, Status::Missing);
    assert!(reason.ends_with("items above are open"), "{reason}");
    let at = checklist().position(item).unwrap();
    let mut world = World::new();
    let mut text = String::new();
    for it in &checklist().items[..at] {
        if it.same_as.is_none() && it.settled_by == Settler::Rules {
            match it.class == Class::Attest || it.signoff.is_some() {
                true => text.push_str(&attest(&it.id, "2026-07-01")),
                false => world = world.evidence(&it.id),
            }
        }
    }
    text.push_str("[objectives]\nreviewed = 2026-01-01\nrto = \"1h\"\nrpo = \"1h\"\n");
    assert_eq!(world.readiness(&text).status(item).0, Status::Attested);
}

#[test]
fn the_numbers_add_up() {
    let statuses = World::new().evidence(ROOT).finding("documentation.api.errors").statuses();
    let score = Score::of(&statuses);
    assert_eq!(score.verified + score.attested + score.open, score.applicable);
    assert_eq!(score.applicable + score.not_applicable, 238);
    assert_eq!(score.verified, 1);
}

/// A small generator of pseudo-random numbers: the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn item(&mut self) -> &'static str {
        &checklist().items[self.roll(238)].id
    }

    /// Items that attestations may name.
    fn person_item(&mut self) -> &'static str {
        loop {
            let at = self.roll(238);
            let item = &checklist().items[at];
            if item.settled_by == Settler::Rules {
                return &item.id;
            }
        }
    }

    fn world(&mut self) -> World {
        let facts = Fact::ALL.into_iter().filter(|_| self.roll(2) == 0).collect();
        let mut world = World { facts, ..World::default() };
        for _ in 0..self.roll(30) {
            let item = self.item();
            world = if self.roll(3) == 0 { world.waived(item) } else { world.finding(item) };
        }
        for _ in 0..self.roll(200) {
            world = world.evidence(self.item());
        }
        for path in ["a.yaml", "Dockerfile", "Makefile", "openapi.yaml"] {
            if self.roll(4) == 0 {
                world = world.problem(path, Trouble::Template);
            }
        }
        let items: BTreeSet<_> = (0..self.roll(100)).map(|_| self.person_item()).collect();
        let mut text = "[service]\nlaunch = 2026-05-20\nlacks = [\"cache\", \"http\"]\n".to_owned();
        for item in items {
            let expires = ["2026-05-02", "2026-05-30", "2026-06-30"][self.roll(3)];
            let expires = if item.contains("launch-day") { "2026-05-31" } else { expires };
            text.push_str(&attest(item, expires));
        }
        world = world.readiness(&text);
        world.changed = vec![("src/a".into(), "2026-05-15".parse().unwrap())];
        if self.roll(2) == 0 {
            world.changed.clear();
        }
        world
    }
}

/// What more evidence can only raise, and open items, which it can only lower.
fn numbers(world: &World) -> (usize, usize, usize) {
    let score = Score::of(&world.statuses());
    (score.verified, score.verified + score.attested, score.open)
}

#[test]
fn deleting_evidence_raises_nothing_and_adding_it_lowers_nothing() {
    let mut dice = Dice(0x5eed_5eed_5eed_5eed);
    for _ in 0..200 {
        let rich = dice.world();
        let mut poor = rich.clone();
        for _ in 0..=dice.roll(8) {
            let (evidence, people) = (poor.evidence.len(), poor.readiness.attestations.len());
            if evidence > 0 && dice.roll(2) == 0 {
                poor.evidence.remove(dice.roll(evidence));
            } else if people > 0 {
                poor.readiness.attestations.remove(dice.roll(people));
            }
        }
        let (rich, poor) = (numbers(&rich), numbers(&poor));
        assert!(poor.0 <= rich.0 && poor.1 <= rich.1 && poor.2 >= rich.2, "{poor:?} {rich:?}");
    }
}

#[test]
fn nothing_is_verified_without_a_place() {
    let mut dice = Dice(0xfeed_beef_0bad_cafe);
    for _ in 0..100 {
        for it in dice.world().statuses() {
            if it.status == Status::Verified {
                assert!(it.evidence.iter().any(|it| it.line > 0), "{}", it.item);
            }
        }
    }
}
