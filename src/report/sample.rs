//! A report for the tests of the formats.

use std::{collections::BTreeMap, sync::Arc};

use super::{Coverage, Inputs, Ratio, Report, RuleHelp};
use crate::{
    assess::{ItemStatus, Score, Status, Witness},
    document::{Problem, Trouble},
    finding::{Edit, Finding, Fix, Object, Place, Related, Severity, Waiver},
    gate::Verdict,
    source::{Position, Span},
};

fn position(line: u32, column: u32) -> Position {
    Position { line, column }
}

/// A place of one line.
pub fn place(path: &str, line: u32, from: u32, to: u32) -> Place {
    Place { path: path.into(), start: position(line, from), end: position(line, to) }
}

/// A finding that blocks.
pub fn finding(rule: &str, severity: Severity, place: Place, message: &str) -> Finding {
    Finding {
        fingerprint: format!("{rule}-{}-{}", place.path, place.start.line),
        place,
        rule: rule.into(),
        severity,
        message: message.into(),
        equivalents: [].into(),
        items: [].into(),
        object: None,
        related: Vec::new(),
        rendered: None,
        excerpt: "".into(),
        new: true,
        waived: None,
        blocks_from: None,
        fix: None,
    }
}

/// One finding of each sort, a problem, three items.
pub fn report() -> Report {
    let mut root = finding(
        "dockerfile/root-user",
        Severity::Error,
        place("api/Dockerfile", 4, 1, 10),
        "the last USER is `root`",
    );
    root.excerpt = "USER root".into();
    root.equivalents = ["hadolint:DL3002".into()].into();
    root.fix = Fix::of(vec![Edit {
        place: place("api/Dockerfile", 4, 6, 10),
        span: Span::new(40, 44),
        text: "10001".into(),
    }]);
    root.items = ["infrastructure.containers.non-root".into()].into();
    let mut limits = finding(
        "kubernetes/memory-limit-missing",
        Severity::Warning,
        place("k8s/api.yaml", 12, 9, 18),
        "container `api` has no memory limit",
    );
    limits.excerpt = "        name: api".into();
    let object = Object { kind: "Deployment".into(), name: "api".into(), namespace: "prod".into() };
    limits.object = Some(object.into());
    limits.related = vec![Related {
        place: place("k8s/limits.yaml", 3, 1, 5),
        message: "the LimitRange of another namespace",
    }];
    let mut waived = finding(
        "makefile/target-missing",
        Severity::Error,
        place("Makefile", 2, 1, 5),
        "there is no target `lint`",
    );
    waived.waived = Some(Box::new(Waiver {
        by: "@bob".into(),
        reason: "generated".into(),
        expires: Some("2027-01-01".into()),
    }));
    let help = |title: &str| RuleHelp {
        title: title.into(),
        why: "A process that breaks out keeps its user.".into(),
        fix: "Create a user and switch to it: `USER 10001`.".into(),
        refs: vec!["https://docs.docker.com/build/building/best-practices/#user".into()],
        severity: Some(Severity::Error),
    };
    let rules: BTreeMap<Arc<str>, RuleHelp> = [
        ("dockerfile/root-user", "The image runs as root"),
        ("kubernetes/memory-limit-missing", "A container may take all memory of its node"),
        ("makefile/target-missing", "A target is missing"),
    ]
    .map(|(id, title)| (id.into(), help(title)))
    .into();
    let item = |item: &str, status, reason: &str, evidence: &[(&str, u32, &str)]| ItemStatus {
        item: item.into(),
        status,
        reason: reason.into(),
        evidence: evidence
            .iter()
            .map(|&(path, line, by)| Witness { path: path.into(), line, by: by.into() })
            .collect(),
    };
    let checklist = vec![
        item(
            "infrastructure.containers.non-root",
            Status::Violated,
            "",
            &[("api/Dockerfile", 4, "dockerfile/root-user")],
        ),
        item(
            "infrastructure.orchestration.pdb",
            Status::Verified,
            "",
            &[("k8s/pdb.yaml", 1, "kubernetes/pdb-missing")],
        ),
        item(
            "documentation.api.errors",
            Status::NotApplicable,
            "the repository has no OpenAPI document",
            &[],
        ),
    ];
    Report {
        version: "0.1.0".into(),
        verdict: Verdict::NotReady,
        findings: vec![root, limits, waived],
        problems: vec![Problem {
            path: "chart/templates/api.yaml".into(),
            start: position(3, 5),
            kind: Trouble::Template,
            reason: "a Helm template: render it first, for example with `helm template`".into(),
        }],
        score: Score::of(&checklist),
        checklist,
        inputs: Inputs {
            files: 12,
            bytes: 3456,
            artifacts: [("dockerfile", 1), ("kubernetes", 2), ("makefile", 1)].into(),
        },
        coverage: Some(Coverage {
            lines: Ratio { covered: 81, total: 100 },
            ..Coverage::default()
        }),
        fail_on: Some(Severity::Error),
        blocking: 1,
        rules,
    }
}
