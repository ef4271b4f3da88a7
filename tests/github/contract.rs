//! GitHub's published description of its API as the judge of each request that a test makes, and
//! the limits that the description does not state.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::{oracle, server::Request};

const DESCRIPTION: &str = "node_modules/@octokit/openapi/generated/api.github.com.json";

/// The description, where it is installed.
pub fn description() -> Option<&'static Value> {
    static DESCRIPTION_OF_GITHUB: OnceLock<Option<Value>> = OnceLock::new();
    let read = || {
        let path = oracle::find(DESCRIPTION, "GitHub's description of its API")?;
        Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    DESCRIPTION_OF_GITHUB.get_or_init(read).as_ref()
}

/// What is wrong with the requests.
pub fn faults(requests: &[Request]) -> Vec<String> {
    let mut faults = Vec::new();
    for request in requests {
        let mut found = limits(request);
        if let Some(description) = description() {
            found.extend(against(description, request));
        }
        let line = format!("{} {}", request.method, request.path);
        faults.extend(found.into_iter().map(|it| format!("{line}: {it}")));
    }
    faults
}

/// What GitHub refuses and its description does not say.
fn limits(request: &Request) -> Vec<String> {
    let body = &request.body;
    let length = |value: &Value| value.as_str().map_or(0, |it| it.chars().count());
    let mut faults = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    expect(length(&body["body"]) <= 65_536, "a comment of more than 65,536 characters");
    expect(
        body["status"] != "completed" || !body["conclusion"].is_null(),
        "completed without a conclusion",
    );
    expect(body["status"].is_null(), "the status of a job's check run cannot be changed");
    let annotations = body["output"]["annotations"].as_array().into_iter().flatten();
    for annotation in annotations {
        expect(length(&annotation["title"]) <= 255, "a title of more than 255 characters");
        let bytes = annotation["message"].as_str().map_or(0, str::len);
        expect(bytes <= 64 << 10, "a message of more than 64 KB");
        let columns = annotation["start_column"].is_null();
        let one_line = annotation["start_line"] == annotation["end_line"];
        expect(columns || one_line, "columns on more than one line");
    }
    let comments = body["comments"].as_array().map_or(0, Vec::len);
    expect(comments <= 30, "more than 30 suggestions");
    expect(body["event"] != "COMMENT" || length(&body["body"]) > 0, "a review without a text");
    let per_page = request.query.split('&').find_map(|it| it.strip_prefix("per_page="));
    expect(per_page.is_none_or(|it| it.parse::<u32>().unwrap() <= 100), "more than 100 a page");
    faults
}

fn against(description: &Value, request: &Request) -> Vec<String> {
    let path = request.path.trim_start_matches("/api/v3");
    let Some((template, item)) = find(description, path) else {
        return vec!["GitHub has no such path".to_owned()];
    };
    let operation = &item[request.method.to_lowercase()];
    if operation.is_null() {
        return vec![format!("{template} has no {}", request.method)];
    }
    let mut faults = parameters(description, operation, template, path, &request.query);
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !schema.is_null() {
        faults.extend(breaks(&inlined(description, schema, 0), &request.body));
        faults.extend(unknown(&inlined(description, schema, 0), &request.body, ""));
    } else if !request.body.is_null() {
        faults.push("a body where there is none".to_owned());
    }
    faults
}

/// The path template that a path is of: the one with the most literal parts.
pub fn find<'d>(description: &'d Value, path: &str) -> Option<(&'d str, &'d Value)> {
    let literal = |template: &str| template.split('/').filter(|it| !it.starts_with('{')).count();
    let fits = |template: &str| {
        let (a, b) = (template.split('/'), path.split('/'));
        a.clone().count() == b.clone().count()
            && a.zip(b).all(|(a, b)| a == b || (a.starts_with('{') && !b.is_empty()))
    };
    let paths = description["paths"].as_object().unwrap().iter();
    let fitting = paths.filter(|(template, _)| fits(template));
    fitting.max_by_key(|(template, _)| literal(template)).map(|(k, v)| (k.as_str(), v))
}

fn parameters(
    description: &Value,
    operation: &Value,
    template: &str,
    path: &str,
    query: &str,
) -> Vec<String> {
    let all = operation["parameters"].as_array().cloned().unwrap_or_default();
    let all: Vec<_> = all.iter().map(|it| inlined(description, it, 0)).collect();
    let of_path = template.split('/').zip(path.split('/')).filter(|(a, _)| a.starts_with('{'));
    let of_path = of_path.map(|(name, value)| ("path", name.trim_matches(['{', '}']), value));
    let of_query = query.split('&').filter_map(|it| it.split_once('='));
    let of_query = of_query.map(|(name, value)| ("query", name, value));
    let mut faults = Vec::new();
    for (place, name, value) in of_path.chain(of_query) {
        let Some(parameter) = all.iter().find(|it| it["in"] == place && it["name"] == name) else {
            faults.push(format!("no parameter `{name}` in the {place}"));
            continue;
        };
        let value = match parameter["schema"]["type"].as_str() {
            Some("integer") => value.parse::<i64>().map_or(json!(value), Into::into),
            _ => json!(value),
        };
        faults.extend(breaks(&parameter["schema"], &value));
    }
    faults
}

fn breaks(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(value).map(|it| format!("{}: {it}", it.instance_path())).collect()
}

/// Properties that the description does not name: GitHub would leave them out in silence.
fn unknown(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(schema) => faults.extend(unknown(schema, value, &format!("{at}/{key}"))),
            None => faults.push(format!("{at}/{key} is unknown")),
        }
    }
    for value in value.as_array().into_iter().flatten() {
        faults.extend(unknown(&schema["items"], value, &format!("{at}/*")));
    }
    faults
}

/// The schema with what it refers to put in, and OpenAPI's `nullable` in the words of JSON Schema.
pub fn inlined(description: &Value, schema: &Value, depth: u32) -> Value {
    assert!(depth < 50, "a schema that refers to itself");
    if let Some(reference) = schema["$ref"].as_str() {
        let target = description.pointer(reference.trim_start_matches('#')).unwrap();
        return inlined(description, target, depth + 1);
    }
    match schema {
        Value::Object(map) => {
            let inline =
                |(key, it): (&String, &Value)| (key.clone(), inlined(description, it, depth + 1));
            let mut map: serde_json::Map<_, _> = map.iter().map(inline).collect();
            if map.remove("nullable") == Some(true.into()) {
                let also = Value::Object(std::mem::take(&mut map));
                return json!({"anyOf": [{"type": "null"}, also]});
            }
            Value::Object(map)
        }
        Value::Array(all) => all.iter().map(|it| inlined(description, it, depth + 1)).collect(),
        other => other.clone(),
    }
}

fn request(method: &str, path: &str, query: &str, body: Value) -> Request {
    let text = |it: &str| it.to_owned();
    let (method, path, query) = (text(method), text(path), text(query));
    Request { method, path, query, body, authorization: String::new() }
}

#[test]
fn what_github_refuses_is_seen() {
    let annotation = json!({"path": "a", "start_line": 1, "end_line": 1,
        "annotation_level": "failure", "message": "x"});
    let check =
        |output: Value| request("PATCH", "/repos/a/b/check-runs/1", "", json!({"output": output}));
    let wrong_level = json!({"path": "a", "start_line": 1, "end_line": 1,
        "annotation_level": "error", "message": "x"});
    let by_description = [
        request("POST", "/repos/a/b/issues/comments/1", "", json!({"body": "x"})),
        request("GET", "/repos/a/b/no-such-thing", "", Value::Null),
        request("POST", "/repos/a/b/issues/1/comments", "", json!({})),
        request("GET", "/repos/a/b/pulls/one", "", Value::Null),
        request("GET", "/repos/a/b/issues/1/comments", "per-page=100", Value::Null),
        check(json!({"title": "t", "summary": "s", "annotations": vec![annotation; 51]})),
        check(json!({"title": "t", "summary": "x".repeat(65_536)})),
        check(json!({"title": "t", "summary": "s", "annotations": [wrong_level]})),
        check(json!({"title": "t", "summary": "s", "anotations": []})),
    ];
    if description().is_some() {
        for wrong in by_description {
            assert_eq!(faults(std::slice::from_ref(&wrong)).len(), 1, "{wrong:?}");
        }
    }
    let long = json!({"path": "a", "start_line": 1, "end_line": 2, "annotation_level": "notice",
        "title": "t".repeat(256), "message": "m".repeat(70_000), "start_column": 1, "end_column": 2});
    let by_us = [
        (
            1,
            request(
                "POST",
                "/repos/a/b/issues/1/comments",
                "",
                json!({"body": "x".repeat(65_537)}),
            ),
        ),
        (3, check(json!({"title": "t", "summary": "s", "annotations": [long]}))),
        (
            1,
            request(
                "POST",
                "/repos/a/b/pulls/1/reviews",
                "",
                json!({"event": "COMMENT", "body": ""}),
            ),
        ),
    ];
    for (count, wrong) in by_us {
        assert_eq!(faults(std::slice::from_ref(&wrong)).len(), count, "{wrong:?}");
    }
    let completed = json!({"status": "completed"});
    let completed = request("PATCH", "/repos/a/b/check-runs/1", "", completed);
    assert!(faults(&[completed])[0].contains("without a conclusion"));
}
