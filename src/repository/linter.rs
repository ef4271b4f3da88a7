//! The custom checks of `.kube-linter.yaml` on the objects of its folder.

use super::{Repository, record};
use crate::{
    artifact::{
        Emit, Field, Kind, Role, Select, Shape, Subject, View,
        kubernetes::{linter, manifests},
    },
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "check", shape: Shape::Text, means: "the name of the check" },
    Field { name: "fault", shape: Shape::Any, means: "what it finds; null if nothing" },
    Field { name: "remediation", shape: Shape::Text, means: "what it says to do" },
];

/// One subject for each custom check and each object that it looks at.
pub(super) const VIEW: View = View {
    name: "repository.custom_check",
    kind: Kind::Repository,
    means: "an object below a `.kube-linter.yaml`, with one of its custom checks",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the check" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for (folder, check) in linter::checks(repository.texts) {
        let artifacts = repository.of(Kind::Kubernetes).filter(|it| {
            let path = it.tree.source.path.as_str();
            let below = folder.is_empty() || path.starts_with(&format!("{folder}/"));
            below && !matches!(it.role, Role::Part | Role::Trial)
        });
        for manifest in artifacts.flat_map(manifests).filter(|it| !it.is_patch()) {
            let faults = check.faults(manifest);
            for (fault, at) in faults {
                emit(Subject {
                    values: vec![record([
                        ("check", Value::text(check.name.clone())),
                        ("fault", fault.map_or(Value::Null, Value::text)),
                        ("remediation", Value::text(check.remediation.clone())),
                    ])],
                    at,
                    object: Some(manifest.object()),
                });
            }
        }
    }
}
