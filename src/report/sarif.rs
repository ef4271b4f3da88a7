//! The report as SARIF 2.1.0, for code scanning and editors.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Report, RuleHelp, escape::UriPath};
use crate::{
    document::Problem,
    finding::{Edit, Finding, Fix, Place, Related, Severity},
};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What paths are relative to: the root of the repository.
const ROOT: &str = "%SRCROOT%";

/// The report as one SARIF log.
pub fn render(report: &Report) -> String {
    let ids: Vec<&str> = report.rules.keys().map(|it| &**it).collect();
    // SARIF wants the state of all results or of none.
    let compared = report.findings.iter().any(|it| !it.new);
    let results: Vec<_> = report.findings.iter().map(|it| result(it, &ids, compared)).collect();
    let rules: Vec<_> = report.rules.iter().map(|(id, help)| rule(id, help)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "seaworthy",
                "version": report.version,
                "semanticVersion": report.version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "the root of the repository"}}},
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications":
                    report.problems.iter().map(notification).collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn rule(id: &str, help: &RuleHelp) -> Value {
    let mut refs = help.refs.iter().map(|it| format!("\n- <{it}>")).collect::<String>();
    if !refs.is_empty() {
        refs.insert(0, '\n');
    }
    let mut rule = json!({
        "id": id,
        "shortDescription": {"text": help.title},
        "fullDescription": {"text": help.why},
        "help": {
            "text": format!("{}\n\n{}", help.why, help.fix),
            "markdown": format!("{}\n\n{}\n{refs}", help.why, help.fix),
        },
        "defaultConfiguration": {"level": level(help.severity.unwrap_or(Severity::Warning))},
        "properties": {"tags": [id.split('/').next().unwrap_or(id)]},
    });
    if let Some(uri) = help.refs.first() {
        rule["helpUri"] = uri.as_str().into();
    }
    rule
}

fn result(finding: &Finding, ids: &[&str], compared: bool) -> Value {
    let mut location =
        json!({"physicalLocation": physical(&finding.place, Some(&finding.excerpt))});
    if let Some(object) = &finding.object {
        let parts = [&*object.kind, &*object.namespace, &*object.name];
        let name = parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("/");
        location["logicalLocations"] = json!([{"fullyQualifiedName": name, "kind": "resource"}]);
    }
    let mut result = json!({
        "ruleId": &*finding.rule,
        "level": level(finding.severity),
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"seaworthy/v1": finding.fingerprint},
        "properties": {"equivalents": texts(&finding.equivalents), "items": texts(&finding.items)},
    });
    if let Ok(index) = ids.binary_search(&&*finding.rule) {
        result["ruleIndex"] = index.into();
    }
    if !finding.related.is_empty() {
        let related = finding.related.iter().enumerate().map(related);
        result["relatedLocations"] = related.collect();
    }
    if let Some(waiver) = &finding.waived {
        result["suppressions"] = json!([{"kind": "external", "justification": format!("{}: {}", waiver.by, waiver.reason)}]);
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([changes(fix)]);
    }
    if compared {
        result["baselineState"] = if finding.new { "new" } else { "unchanged" }.into();
    }
    result
}

/// A fix, all of one file.
fn changes(fix: &Fix) -> Value {
    let replacement = |it: &Edit| {
        let (start, end) = (it.place.start, it.place.end);
        json!({
            "deletedRegion": {
                "startLine": start.line, "startColumn": start.column,
                "endLine": end.line, "endColumn": end.column,
            },
            "insertedContent": {"text": it.text},
        })
    };
    let path = fix.edits.first().map_or("", |it| &*it.place.path);
    let replacements: Vec<_> = fix.edits.iter().map(replacement).collect();
    json!({"artifactChanges": [{
        "artifactLocation": artifact(path),
        "replacements": replacements,
    }]})
}

fn texts(list: &[Arc<str>]) -> Vec<&str> {
    list.iter().map(|it| &**it).collect()
}

fn related((at, related): (usize, &Related)) -> Value {
    json!({
        "id": at,
        "physicalLocation": physical(&related.place, None),
        "message": {"text": related.message},
    })
}

fn physical(place: &Place, snippet: Option<&str>) -> Value {
    let (start, end) = (place.start, place.end);
    let mut region = json!({"startLine": start.line.max(1), "startColumn": start.column.max(1)});
    if end > start {
        region["endLine"] = end.line.into();
        region["endColumn"] = end.column.max(1).into();
    }
    if let Some(text) = snippet.filter(|it| !it.is_empty()) {
        region["snippet"] = json!({"text": text});
    }
    json!({"artifactLocation": artifact(&place.path), "region": region})
}

fn artifact(path: &str) -> Value {
    json!({"uri": UriPath(path).to_string(), "uriBaseId": ROOT})
}

/// What could not be judged: about the run, not a result.
fn notification(problem: &Problem) -> Value {
    let line = problem.start.line.max(1);
    json!({
        "level": "warning",
        "message": {"text": problem.reason},
        "locations": [{"physicalLocation": {
            "artifactLocation": artifact(&problem.path),
            "region": {"startLine": line},
        }}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn run(report: &Report) -> Value {
        serde_json::from_str::<Value>(&render(report)).unwrap()["runs"][0].clone()
    }

    #[test]
    fn a_result_points_at_its_rule_and_its_place() {
        let run = run(&sample::report());
        let result = &run["results"][0];
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], "dockerfile/root-user");
        assert_eq!(rule["shortDescription"]["text"], "The image runs as root");
        let place = json!({
            "artifactLocation": {"uri": "api/Dockerfile", "uriBaseId": "%SRCROOT%"},
            "region": {
                "startLine": 4, "startColumn": 1, "endLine": 4, "endColumn": 10,
                "snippet": {"text": "USER root"},
            },
        });
        assert_eq!(result["locations"][0]["physicalLocation"], place);
        assert_eq!(result["level"], "error");
        assert!(result["baselineState"].is_null() && result["suppressions"].is_null());
    }

    #[test]
    fn waived_results_are_suppressed_and_problems_are_notifications() {
        let run = run(&sample::report());
        let suppression = &run["results"][2]["suppressions"][0];
        assert_eq!(suppression["justification"], "@bob: generated");
        let notifications = &run["invocations"][0]["toolExecutionNotifications"];
        assert_eq!(notifications.as_array().unwrap().len(), 1);
        let name = &run["results"][1]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
        assert_eq!(name, "Deployment/prod/api");
    }

    #[test]
    fn a_fix_replaces_a_region() {
        let result = run(&sample::report())["results"][0].clone();
        let change = &result["fixes"][0]["artifactChanges"][0];
        assert_eq!(change["artifactLocation"]["uri"], "api/Dockerfile");
        assert_eq!(change["replacements"][0]["deletedRegion"]["endColumn"], 10);
        assert_eq!(change["replacements"][0]["insertedContent"]["text"], "10001");
    }

    #[test]
    fn all_results_have_a_state_once_one_is_old() {
        let mut report = sample::report();
        report.findings[1].new = false;
        let run = run(&report);
        let states = [0, 1, 2].map(|at| run["results"][at]["baselineState"].clone());
        assert_eq!(states, ["new", "unchanged", "new"]);
    }

    #[test]
    fn paths_become_relative_uris() {
        let mut report = sample::report();
        report.findings[0].place.path = "a b/[x]%#.yaml".into();
        let run = run(&report);
        let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(uri, "a%20b/%5Bx%5D%25%23.yaml");
    }
}
