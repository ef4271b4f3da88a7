//! What `readiness.toml` may say, and what it may not.

use super::*;

const NOW: &str = "2026-06-01";

fn read(text: &str) -> Result<Readiness, Invalid> {
    let source = Source::new("readiness.toml", text);
    let around = Surroundings {
        now: NOW.parse().unwrap(),
        has_path: &|path| path == "docs/dr.md",
        rules: &["dockerfile/root-user", "kubernetes/memory-limit-missing"],
    };
    Readiness::read(&source, around)
}

/// The faults of a text as `line: message (help)`.
fn faults(text: &str) -> Vec<String> {
    let source = Source::new("readiness.toml", text);
    let Err(invalid) = read(text) else { return Vec::new() };
    let line = |it: &Fault| source.position(it.span.start as u32).line;
    let show =
        |it: &Fault| format!("{}: {} ({})", line(it), it.message, it.help.as_deref().unwrap_or(""));
    invalid.faults().iter().map(show).collect()
}

const GOOD: &str = r##"
[service]
name = "payments"
tier = "standard"
owner = "@acme/payments"
launch = 2026-03-01
lacks = ["cache", "static-assets"]

[objectives]
reviewed = 2026-01-01
p95_ms = 150
error_rate = 0.01
availability = 0.9995
rto = "1h"

[[contact]]
role = "on-call"
to = "https://acme.pagerduty.com/x"
reviewed = 2026-05-01

[[attest]]
item = "infrastructure.availability.dr-tested"
by = "@alice"
on = 2026-04-01
expires = "2026-09-01"
evidence = ["docs/dr.md#drill", "https://wiki.acme.io/drill"]
scope = ["deploy/**"]

[[attest]]
item = "compliance.regulatory.*"
state = "not-applicable"
by = "bob@acme.io"
on = 2026-04-01
expires = 2027-01-01
reason = "we sell nothing and store nothing"

[[waive]]
rule = "dockerfile/root-user"
path = "legacy/**"
by = "@bob"
reason = "binds port 53"
expires = 2026-07-01
"##;

#[test]
fn a_good_file_is_read_whole() {
    let readiness = read(GOOD).unwrap();
    assert_eq!(readiness.service.lacks, [(Fact::Cache, 7), (Fact::StaticAssets, 7)]);
    let loose: Vec<_> = readiness.objectives.iter().map(|it| (it.key, it.looser_than)).collect();
    let expected =
        [("p95_ms", None), ("error_rate", Some("0.001")), ("availability", None), ("rto", None)];
    assert_eq!(loose, expected);
    assert_eq!(readiness.contacts[0].item, "contacts.emergency.on-call");
    assert_eq!(readiness.contacts[0].line, 16);
    assert_eq!(readiness.attestations[0].line, 21);
    assert_eq!(readiness.attestations[0].evidence.len(), 2);
    assert_eq!(readiness.attestations[1].items.len(), 5);
    assert_eq!(readiness.waivers[0].expires.to_string(), "2026-07-01");
}

#[test]
fn unknown_keys_and_ids_are_faults_with_suggestions() {
    let text = r#"[servce]
[[attest]]
item = "infrastructure.availability.dr-testd"
by = "@a"
on = 2026-04-01
expired = 2026-05-01
expires = 2026-05-01
evidence = ["docs/dr.md"]
[[waive]]
rule = "dockerfile/root-usr"
by = "@b"
reason = "because"
expires = 2026-07-01
"#;
    let expected = [
        "1: there is no key `servce` (did you mean `service`?)",
        "3: there is no item `infrastructure.availability.dr-testd` (did you mean \
         `infrastructure.availability.dr-tested`?)",
        "6: there is no key `expired` (did you mean `expires`?)",
        "10: there is no rule `dockerfile/root-usr` (did you mean `dockerfile/root-user`?)",
    ];
    assert_eq!(faults(text), expected);
}

#[test]
fn what_an_attestation_must_say_is_mandatory() {
    let expected = ["by", "on", "expires", "evidence"]
        .map(|it| format!("1: `{it}` is missing (every attest needs one)"));
    assert_eq!(faults("[[attest]]\nitem = \"pre-launch.verification.training\"\n"), expected);
}

#[test]
fn dates_must_be_possible_and_within_the_lifetime() {
    let attest = |on: &str, expires: &str| {
        let text = format!(
            "[[attest]]\nitem = \"infrastructure.availability.dr-tested\"\nby = \"@a\"\non = {on}\n\
             expires = {expires}\nevidence = [\"docs/dr.md\"]\n"
        );
        faults(&text)
    };
    assert_eq!(attest("2026-05-01", "2026-09-01"), [""; 0]);
    assert_eq!(
        attest("2026-05-01", "2027-05-01"),
        [
            "5: the attestation holds for 365 days (this item allows 180 days: 2026-10-28 at the latest)"
        ]
    );
    assert_eq!(
        attest("2026-05-01", "2026-05-01"),
        ["5: the attestation ends before it starts (write a day after 2026-05-01)"]
    );
    assert_eq!(
        attest("2026-06-02", "2026-09-01"),
        ["4: 2026-06-02 is in the future: today is 2026-06-01 ()"]
    );
    assert_eq!(
        attest("\"soon\"", "2026-09-01"),
        ["4: not a date (write a day of the calendar: `2027-01-31`)"]
    );
}

#[test]
fn an_expired_attestation_is_no_fault() {
    let text = "[[attest]]\nitem = \"pre-launch.verification.training\"\nby = \"@a\"\n\
                on = 2025-01-01\nexpires = 2025-06-01\nevidence = [\"https://wiki.acme.io/x\"]\n";
    assert_eq!(faults(text), [""; 0]);
}

#[test]
fn placeholders_and_missing_files_are_no_evidence() {
    let text = r#"[[contact]]
role = "on-call"
to = "[Contact Information]"
reviewed = 2026-05-01
[[attest]]
item = "pre-launch.verification.training"
by = "somebody"
on = 2026-05-01
expires = 2026-09-01
evidence = ["docs/none.md", "https://example.com/report", "TBD"]
"#;
    let expected = [
        "3: `[Contact Information]` is a placeholder (write the real thing)",
        "7: not a person or a team (write `@handle`, `@organisation/team` or an e-mail address)",
        "10: the repository has no `docs/none.md` (name a file that is committed, or an `https://` \
         address)",
        "10: `example.com` is a placeholder (write the real thing)",
        "10: `TBD` is a placeholder (write the real thing)",
    ];
    assert_eq!(faults(text), expected);
}

#[test]
fn what_others_settle_cannot_be_attested_and_nothing_twice() {
    let attest = |item: &str| {
        format!(
            "[[attest]]\nitem = \"{item}\"\nby = \"@a\"\non = 2026-05-01\nexpires = 2026-07-01\n\
             evidence = [\"docs/dr.md\"]\n"
        )
    };
    assert_eq!(
        faults(&attest("contacts.emergency.dba")),
        ["2: nobody can vouch for this item (a `[[contact]]` settles this item)"]
    );
    assert_eq!(
        faults(&attest("compliance.*")),
        ["2: one statement for many items (vouch for each item by its id; `*` can only say \
          `not-applicable`)"]
    );
    assert_eq!(
        faults(&attest("pre-launch.verification.training").repeat(2)),
        ["8: the item is attested twice (line 1 speaks of the same item; keep one of them)"]
    );
}

#[test]
fn broken_toml_is_a_fault_with_its_line() {
    let faults = faults("[service]\nowner = @a\n");
    assert!(faults[0].starts_with("2: "), "{faults:?}");
}

#[test]
fn faults_are_shown_with_the_line_and_a_caret() {
    let error = read("[service]\nowner = \"TODO\"\n").unwrap_err();
    let shown = format!("{error:?}");
    assert!(shown.contains("cannot use readiness.toml: 1 fault"), "{shown}");
    assert!(shown.contains("owner = \"TODO\""), "{shown}");
    assert!(shown.contains("`TODO` is a placeholder"), "{shown}");
}

#[test]
fn waivers_mark_findings_until_they_expire() {
    let readiness = read(GOOD).unwrap();
    let place = crate::report::sample::place("legacy/Dockerfile", 4, 1, 10);
    let finding = crate::report::sample::finding(
        "dockerfile/root-user",
        finding::Severity::Error,
        place,
        "root",
    );
    let mut findings = vec![finding];
    let ended = readiness.waive(&mut findings, "2026-07-02".parse().unwrap());
    let reason =
        "the waiver of `dockerfile/root-user` by @bob ended on 2026-07-01: it covers nothing";
    assert_eq!((ended[0].start.line, ended[0].reason.as_str()), (37, reason));
    assert_eq!(findings[0].waived, None);
    assert!(readiness.waive(&mut findings, "2026-07-01".parse().unwrap()).is_empty());
    assert_eq!(findings[0].waived.as_ref().unwrap().by, "@bob");
}
