//! What is derived from descriptions, on own fixtures.

use super::*;
use crate::{artifact::view, parse::yaml, source::Source};

/// The subjects of a view: their line and the values of some fields.
fn subjects(text: &str, name: &str, fields: &[&str]) -> Vec<String> {
    let (tree, problems) = yaml::parse(Source::new("api.yaml", text));
    assert!(claims(&tree));
    let artifact = parse(tree, problems).artifact.unwrap();
    let view = view(name).unwrap();
    let crate::artifact::Select::File(select) = view.select else { return Vec::new() };
    let mut found = Vec::new();
    select(&artifact, &mut |subject| {
        let it = subject.values[0].as_node().unwrap();
        let shown = |field: &&str| it.get(field).map_or("-".into(), |it| format!("{it:?}"));
        let values: Vec<_> = fields.iter().map(shown).collect();
        found.push(format!("{}: {}", subject.at.start().line, values.join(" ")));
    });
    found
}

const API: &str = r#"openapi: 3.0.3
info: {title: t, version: "1"}
security: [{key: []}]
paths:
  /pets/{id}:
    parameters:
    - $ref: '#/components/parameters/Id'
    get:
      operationId: pet
      security: [{}]
      responses:
        '200': {$ref: '#/components/responses/Pet'}
    put:
      operationId: pet
      tags: [a]
      responses: {default: {description: d}}
  /pets/{name}:
    post:
      parameters: [{name: other, in: path}]
      responses: {}
components:
  parameters:
    Id: {name: id, in: path, required: true, schema: {type: [string]}}
  responses:
    Pet:
      description: a pet
      content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
  schemas:
    Pet: {type: object, properties: {owner: {$ref: '#/components/schemas/Pet'}, n: {type: integer}}}
    Lost: {type: string, enum: [a, 1]}
"#;

#[test]
fn operations_know_their_security_and_their_parameters() {
    let found = subjects(API, "openapi.operation", &["method", "secured", "secured_always"]);
    assert_eq!(
        found,
        [r#"8: "get" true false"#, r#"13: "put" true true"#, r#"18: "post" true true"#]
    );
    let found = subjects(API, "openapi.operation", &["undeclared", "id_repeated", "succeeds"]);
    assert_eq!(found, ["8: [] false true", "13: [] true false", r#"18: ["name"] false false"#]);
}

#[test]
fn references_lead_to_where_things_are_written() {
    let found = subjects(API, "openapi.response", &["code"]);
    assert_eq!(found, [r#"25: "200""#, r#"16: "default""#]);
    let found = subjects(API, "openapi.path_parameter", &["name", "used", "required"]);
    assert_eq!(found, [r#"7: "id" true true"#, r#"19: "other" false false"#]);
    let found = subjects(API, "openapi.component", &["name", "used"]);
    assert_eq!(
        found,
        [r#"29: "Pet" true"#, r#"30: "Lost" false"#, r#"25: "Pet" true"#, r#"23: "Id" true"#]
    );
}

#[test]
fn schemas_are_listed_by_type() {
    assert_eq!(subjects(API, "openapi.integer", &[]), ["29: "]);
    assert_eq!(subjects(API, "openapi.string", &["enum"]), [r#"30: ["a", 1]"#]);
    assert_eq!(subjects(API, "openapi.enum_value", &["value"]), [r#"30: "1""#]);
}

#[test]
fn paths_that_match_alike_are_twins() {
    let found = subjects(API, "openapi.path", &["twin"]);
    assert_eq!(found, [r#"5: """#, r#"17: "/pets/{id}""#]);
}

#[test]
fn only_descriptions_are_claimed() {
    for (text, expected) in [
        ("swagger: '2.0'", true),
        ("swagger: 2.0", true),
        ("openapi: 3.1.0", true),
        ("openapi: 4.0.0", false),
        ("apiVersion: v1\nkind: Pod", false),
        ("spec: {openapi: 3.0.0}", false),
        ("- openapi", false),
    ] {
        let (tree, _) = yaml::parse(Source::new("x.yaml", text));
        assert_eq!(claims(&tree), expected, "{text}");
    }
}

#[test]
fn a_hostile_description_is_read() {
    let mut text =
        "openapi: 3.0.0\npaths:\n  /a: {$ref: '#/paths/~1a'}\ncomponents:\n  schemas:\n".to_owned();
    for number in 0..2000 {
        text.push_str(&format!(
            "    S{number}: {{$ref: '#/components/schemas/S{}'}}\n",
            number + 1
        ));
    }
    assert_eq!(subjects(&text, "openapi.operation", &[]).len(), 0);
    assert_eq!(
        subjects(
            "openapi: 3.0.0\npaths: 1\ncomponents: [a]\ntags: {a: b}\nservers: x",
            "openapi.tag",
            &[]
        )
        .len(),
        1
    );
}

#[test]
fn faults_and_wrong_examples_have_a_place_and_a_reason() {
    let text = "openapi: 3.0.0\ninfo: {title: t}\npaths:\n  /a:\n    get:\n      parameters: [{name: q, in: querry}]\n      responses:\n        '200': {content: {a/b: {schema: {type: array, items: {type: integer}}, example: [1, x]}}}\n      oops: 1\n";
    let mut faults = subjects(text, "openapi.fault", &["reason"]);
    faults.sort();
    assert_eq!(
        faults,
        [
            r#"2: "`version` is missing in `info`""#,
            r#"6: "no parameter is in `querry`: query, header, path, cookie""#,
            r#"8: "the response 200 has no description""#,
            r#"9: "an operation has no field `oops`""#,
        ]
    );
    let wrong = subjects(text, "openapi.wrong_example", &["of", "reason"]);
    assert_eq!(wrong, [r#"8: "media" "must be of type integer""#]);
}

#[test]
fn a_description_that_is_cut_off_anywhere_is_read() {
    for cut in (20..API.len()).filter(|it| API.is_char_boundary(*it)) {
        let (tree, problems) = yaml::parse(Source::new("api.yaml", &API[..cut]));
        let Some(artifact) = parse(tree, problems).artifact else { continue };
        for view in VIEWS {
            let crate::artifact::Select::File(select) = view.select else { continue };
            select(&artifact, &mut |subject| assert!(subject.at.start().line > 0));
        }
    }
}

#[test]
fn references_in_circles_cost_little() {
    let mut text = "openapi: 3.0.0\npaths: {}\ncomponents:\n  schemas:\n".to_owned();
    for number in 0..300 {
        let next = (number + 1) % 300;
        text.push_str(&format!(
            "    S{number}: {{type: object, example: {{a: {{a: {{a: 1}}}}}}, properties: {{a: {{$ref: '#/components/schemas/S{next}'}}}}, allOf: [{{$ref: '#/components/schemas/S{next}'}}, {{$ref: '#/components/schemas/S{next}'}}]}}\n"
        ));
    }
    let before = std::time::Instant::now();
    assert!(!subjects(&text, "openapi.component", &[]).is_empty());
    assert!(before.elapsed().as_secs() < 5);
}

#[test]
fn what_other_files_hold_is_not_guessed() {
    let text = "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths:\n  /a/{id}:\n    get: {$ref: get.yaml}\n    put:\n      parameters: [{$ref: id.yaml}]\n      responses: {}\n      security: [{key: []}]\n  /b: {$ref: b.yaml}\ncomponents: {$ref: components.yaml}\n";
    assert_eq!(subjects(text, "openapi.operation", &["undeclared"]), ["6: []"]);
    assert_eq!(subjects(text, "openapi.security_requirement", &["defined"]), ["9: true"]);
    assert!(subjects(text, "openapi.fault", &[]).is_empty());
    let (tree, problems) = yaml::parse(Source::new("api.yaml", text));
    let problems = parse(tree, problems).problems;
    assert!(problems[0].reason.starts_with("2 of its paths and operations are in other files"));
}
