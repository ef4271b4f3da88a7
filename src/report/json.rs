//! The report for programs: the contract is `rules/report.schema.json`.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, Serializer};

use super::{Ratio, Report};
use crate::{
    assess::{ItemStatus, Score, Witness},
    document::Problem,
    finding::{Edit, Finding, Fix, Object, Related, Waiver},
    patch::PatchCoverage,
    source::Position,
};

/// The report as one JSON document, keys in the order of the contract.
pub fn render(report: &Report) -> String {
    let wire = Wire::of(report);
    let mut text = serde_json::to_string_pretty(&wire).unwrap_or_default();
    text.push('\n');
    text
}

/// The numbers of a checklist as they stand in the report.
pub fn score(score: Score) -> serde_json::Value {
    serde_json::to_value(ScoreWire::of(score)).unwrap_or_default()
}

#[derive(Serialize)]
struct Wire<'a> {
    schema: u32,
    tool: ToolWire<'a>,
    verdict: &'static str,
    #[serde(serialize_with = "each")]
    findings: &'a [Finding],
    problems: Vec<ProblemWire<'a>>,
    checklist: Vec<ItemWire<'a>>,
    score: ScoreWire,
    inputs: InputsWire<'a>,
    coverage: Option<CoverageWire>,
}

impl<'a> Wire<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            schema: 1,
            tool: ToolWire { name: "seaworthy", version: &report.version },
            verdict: report.verdict.name(),
            findings: &report.findings,
            problems: report.problems.iter().map(ProblemWire::of).collect(),
            checklist: report.checklist.iter().map(ItemWire::of).collect(),
            score: ScoreWire::of(report.score),
            inputs: InputsWire {
                files: report.inputs.files,
                bytes: report.inputs.bytes,
                artifacts: &report.inputs.artifacts,
            },
            coverage: report.coverage.as_ref().map(|it| CoverageWire {
                lines: RatioWire::of(it.lines),
                branches: it.branches.map(RatioWire::of),
                patch: it.patch.as_ref().map(PatchCoverage::json),
            }),
        }
    }
}

#[derive(Serialize)]
struct ToolWire<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct PositionWire {
    line: u32,
    column: u32,
}

impl PositionWire {
    fn of(position: Position) -> Self {
        Self { line: position.line, column: position.column }
    }
}

#[derive(Serialize)]
struct FindingWire<'a> {
    rule: &'a str,
    severity: &'static str,
    message: &'a str,
    path: &'a str,
    start: PositionWire,
    end: PositionWire,
    #[serde(serialize_with = "texts")]
    equivalents: &'a [Arc<str>],
    #[serde(serialize_with = "texts")]
    items: &'a [Arc<str>],
    subject: Option<SubjectWire<'a>>,
    related: Vec<RelatedWire<'a>>,
    fingerprint: &'a str,
    new: bool,
    waived: Option<WaiverWire<'a>>,
    fix: Option<FixWire<'a>>,
}

impl<'a> FindingWire<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: &finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            path: &finding.place.path,
            start: PositionWire::of(finding.place.start),
            end: PositionWire::of(finding.place.end),
            equivalents: &finding.equivalents,
            items: &finding.items,
            subject: finding.object.as_deref().map(SubjectWire::of),
            related: finding.related.iter().map(RelatedWire::of).collect(),
            fingerprint: &finding.fingerprint,
            new: finding.new,
            waived: finding.waived.as_deref().map(WaiverWire::of),
            fix: finding.fix.as_deref().map(FixWire::of),
        }
    }
}

/// Findings one by one: there may be many.
fn each<S: Serializer>(findings: &&[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(FindingWire::of))
}

fn texts<S: Serializer>(texts: &&[Arc<str>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(texts.iter().map(|it| &**it))
}

#[derive(Serialize)]
struct SubjectWire<'a> {
    kind: &'a str,
    name: &'a str,
    namespace: &'a str,
}

impl<'a> SubjectWire<'a> {
    fn of(object: &'a Object) -> Self {
        Self { kind: &object.kind, name: &object.name, namespace: &object.namespace }
    }
}

#[derive(Serialize)]
struct RelatedWire<'a> {
    path: &'a str,
    start: PositionWire,
    message: &'a str,
}

impl<'a> RelatedWire<'a> {
    fn of(related: &'a Related) -> Self {
        let start = PositionWire::of(related.place.start);
        Self { path: &related.place.path, start, message: related.message }
    }
}

#[derive(Serialize)]
struct WaiverWire<'a> {
    by: &'a str,
    reason: &'a str,
    expires: Option<&'a str>,
}

impl<'a> WaiverWire<'a> {
    fn of(waiver: &'a Waiver) -> Self {
        Self { by: &waiver.by, reason: &waiver.reason, expires: waiver.expires.as_deref() }
    }
}

#[derive(Serialize)]
struct FixWire<'a> {
    edits: Vec<EditWire<'a>>,
}

impl<'a> FixWire<'a> {
    fn of(fix: &'a Fix) -> Self {
        Self { edits: fix.edits.iter().map(EditWire::of).collect() }
    }
}

#[derive(Serialize)]
struct EditWire<'a> {
    path: &'a str,
    start: PositionWire,
    end: PositionWire,
    text: &'a str,
}

impl<'a> EditWire<'a> {
    fn of(edit: &'a Edit) -> Self {
        let place = &edit.place;
        let (start, end) = (PositionWire::of(place.start), PositionWire::of(place.end));
        Self { path: &place.path, start, end, text: &edit.text }
    }
}

#[derive(Serialize)]
struct ProblemWire<'a> {
    path: &'a str,
    start: PositionWire,
    reason: &'a str,
}

impl<'a> ProblemWire<'a> {
    fn of(problem: &'a Problem) -> Self {
        let start = PositionWire::of(problem.start);
        Self { path: &problem.path, start, reason: &problem.reason }
    }
}

#[derive(Serialize)]
struct ItemWire<'a> {
    item: &'a str,
    status: &'static str,
    evidence: Vec<WitnessWire<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
}

impl<'a> ItemWire<'a> {
    fn of(item: &'a ItemStatus) -> Self {
        Self {
            item: &item.item,
            status: item.status.name(),
            evidence: item.evidence.iter().map(WitnessWire::of).collect(),
            reason: &item.reason,
        }
    }
}

#[derive(Serialize)]
struct WitnessWire<'a> {
    path: &'a str,
    line: u32,
    by: &'a str,
}

impl<'a> WitnessWire<'a> {
    fn of(witness: &'a Witness) -> Self {
        Self { path: &witness.path, line: witness.line, by: &witness.by }
    }
}

#[derive(Serialize)]
struct ScoreWire {
    applicable: usize,
    verified: usize,
    attested: usize,
    open: usize,
    not_applicable: usize,
    not_evaluated: usize,
}

impl ScoreWire {
    fn of(score: Score) -> Self {
        Self {
            applicable: score.applicable,
            verified: score.verified,
            attested: score.attested,
            open: score.open,
            not_applicable: score.not_applicable,
            not_evaluated: score.not_evaluated,
        }
    }
}

#[derive(Serialize)]
struct InputsWire<'a> {
    files: usize,
    bytes: u64,
    artifacts: &'a BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct RatioWire {
    covered: u64,
    total: u64,
}

impl RatioWire {
    fn of(ratio: Ratio) -> Self {
        Self { covered: ratio.covered, total: ratio.total }
    }
}

#[derive(Serialize)]
struct CoverageWire {
    lines: RatioWire,
    branches: Option<RatioWire>,
    patch: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_finding_is_written_as_the_contract_says() {
        let text = render(&sample::report());
        let value: Value = serde_json::from_str(&text).unwrap();
        let finding = &value["findings"][0];
        let keys: Vec<_> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = "rule severity message path start end equivalents items subject related \
                        fingerprint new waived fix";
        assert_eq!(keys.join(" "), expected);
        assert_eq!(finding["start"], serde_json::json!({"line": 4, "column": 1}));
        assert_eq!(value["verdict"], "not-ready");
        assert!(text.ends_with("}\n"));
    }

    use serde_json::Value;

    /// What of `value` is not as `schema` says: the part of JSON Schema that ours uses.
    fn faults(schema: &Value, value: &Value, root: &Value, at: &str) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str() {
            let target = root.pointer(name.trim_start_matches('#')).expect(name);
            return faults(target, value, root, at);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let fits = any.iter().any(|it| faults(it, value, root, at).is_empty());
            return if fits { vec![] } else { vec![format!("{at} fits nothing")] };
        }
        let mut found = Vec::new();
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                found.push(format!("{at} {what}"));
            }
        };
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        expect(
            types.is_empty() || types.iter().any(|it| is_of_type(value, it)),
            "has another type",
        );
        expect(schema["const"].is_null() || schema["const"] == *value, "is another constant");
        let options = schema["enum"].as_array();
        expect(options.is_none_or(|it| it.contains(value)), "is none of the options");
        let least = schema["minimum"].as_u64().unwrap_or(0);
        expect(value.as_u64().is_none_or(|it| it >= least), "is too small");
        let Value::Object(map) = value else {
            let items = value.as_array().into_iter().flatten().enumerate();
            found.extend(
                items.flat_map(|(i, it)| faults(&schema["items"], it, root, &format!("{at}[{i}]"))),
            );
            return found;
        };
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            expect(map.contains_key(key), &format!("lacks {key}"));
        }
        for (key, value) in map {
            let at = format!("{at}.{key}");
            match (&schema["properties"][key], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => found.push(format!("{at} is unknown")),
                (Value::Null, other) => found.extend(faults(other, value, root, &at)),
                (schema, _) => found.extend(faults(schema, value, root, &at)),
            }
        }
        found
    }

    fn is_of_type(value: &Value, name: &str) -> bool {
        match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            _ => false,
        }
    }

    #[test]
    fn the_report_is_as_its_schema_says() {
        let schema: Value =
            serde_json::from_str(include_str!("../../rules/report.schema.json")).unwrap();
        let mut value: Value = serde_json::from_str(&render(&sample::report())).unwrap();
        assert_eq!(faults(&schema, &value, &schema, "$"), [""; 0]);
        value["findings"][0]["severity"] = "bad".into();
        value["findings"][1]["start"]["line"] = 0.into();
        value["extra"] = true.into();
        value["score"].as_object_mut().unwrap().remove("open");
        let expected = [
            "$.findings[0].severity is none of the options",
            "$.findings[1].start.line is too small",
            "$.score lacks open",
            "$.extra is unknown",
        ];
        assert_eq!(faults(&schema, &value, &schema, "$"), expected);
    }
}
