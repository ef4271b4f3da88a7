//! What is derived from descriptions, on own fixtures.

use super::*;
use crate::{
    artifact::{render, view},
    parse::yaml,
    source::Source,
};

/// The subjects of a view: their line and the values of some fields.
fn subjects(text: &str, name: &str, fields: &[&str]) -> Vec<String> {
    let (tree, problems) = yaml::parse(Source::new("api.yaml", text));
    assert!(claims(&tree));
    let mut artifact = parse(tree, problems).artifact.unwrap();
    if artifact.role == Role::Part {
        alone(&mut artifact);
    }
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

/// What comes of a description and the files beside it; a file without text is a link.
fn bundled(files: &[(&str, &str)]) -> render::Rendering {
    let mut paths: Vec<String> = files.iter().map(|it| it.0.to_owned()).collect();
    paths.sort();
    let read = |path: &str| {
        let (path, text) = files.iter().find(|it| it.0 == path && !it.1.is_empty())?;
        Some(Source::new(*path, *text))
    };
    let parsed = |it: &(&str, &str)| {
        crate::artifact::parse(Source::new(it.0, it.1))
            .artifact
            .filter(|it| it.kind == Kind::Openapi)
    };
    let artifacts: Vec<_> = files.iter().filter_map(parsed).collect();
    render(&render::Files { paths: &paths, read: &read, bytes: None }, &artifacts)
}

/// The subjects of a view on what was made: their file, line and the values of some fields.
fn seen(rendering: &render::Rendering, name: &str, fields: &[&str]) -> Vec<String> {
    let view = view(name).unwrap();
    let crate::artifact::Select::File(select) = view.select else { return Vec::new() };
    let mut found = Vec::new();
    for artifact in rendering.artifacts.iter().filter(|it| it.role != Role::Part) {
        select(artifact, &mut |subject| {
            let it = subject.values[0].as_node().unwrap();
            let shown = |field: &&str| it.get(field).map_or("-".into(), |it| format!("{it:?}"));
            let values: Vec<_> = fields.iter().map(shown).collect();
            let (path, line) = (&subject.at.place().0.path, subject.at.start().line);
            found.push(format!("{path}:{line}: {}", values.join(" ")));
        });
    }
    found
}

const PARTS: [(&str, &str); 4] = [
    (
        "api/openapi.yaml",
        "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  /pets/{id}: {$ref: 'paths.yaml#/pet'}\ncomponents:\n  schemas:\n    Used: {type: string}\n    Lost: {type: string}\n",
    ),
    (
        "api/paths.yaml",
        "pet:\n  get:\n    parameters: [{$ref: '../shared/id.json'}]\n    responses:\n      '200':\n        description: a pet\n        content:\n          application/json:\n            schema: {$ref: 'models.yaml#/Pet'}\nother:\n  get: {responses: {default: {$ref: 'gone.yaml'}}}\n",
    ),
    (
        "api/models.yaml",
        "Pet:\n  type: object\n  example: {n: x}\n  properties:\n    n: {type: integer}\n    friend: {$ref: '#/Pet'}\n    name: {$ref: 'openapi.yaml#/components/schemas/Used'}\n",
    ),
    (
        "shared/id.json",
        r#"{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}"#,
    ),
];

#[test]
fn a_description_in_several_files_is_seen_as_a_whole() {
    let whole = bundled(&PARTS);
    assert_eq!(whole.problems, []);
    assert!(whole.parts.contains("api/openapi.yaml"));
    let found = seen(&whole, "openapi.operation", &["path", "undeclared"]);
    assert_eq!(found, [r#"api/paths.yaml:2: "/pets/{id}" []"#]);
    assert_eq!(seen(&whole, "openapi.parameter", &[]), ["shared/id.json:1: "]);
    assert_eq!(seen(&whole, "openapi.integer", &[]), ["api/models.yaml:5: "]);
    let found = seen(&whole, "openapi.wrong_example", &["reason"]);
    assert_eq!(found, [r#"api/models.yaml:3: "must be of type integer""#]);
    let found = seen(&whole, "openapi.component", &["name", "used"]);
    assert_eq!(
        found,
        [r#"api/openapi.yaml:7: "Used" true"#, r#"api/openapi.yaml:8: "Lost" false"#]
    );
    // What no reference leads to does not belong to it.
    let found = seen(&whole, "openapi.reference", &["found"]);
    assert!(found.len() == 5 && found.iter().all(|it| it.ends_with("true")), "{found:?}");
}

#[test]
fn the_way_through_references_is_told() {
    let whole = bundled(&PARTS);
    let mut ways = Vec::new();
    let crate::artifact::Select::File(select) = view("openapi.integer").unwrap().select else {
        return;
    };
    select(&whole.artifacts[0], &mut |it| {
        let way = crate::finding::Related::way(it.at);
        ways.extend(way.iter().map(|it| format!("{}:{}", it.place.path, it.place.start.line)));
    });
    assert_eq!(ways, ["api/paths.yaml:9", "api/openapi.yaml:4"]);
}

#[test]
fn what_cannot_be_followed_is_told_where_it_is_named() {
    let text = "openapi: 3.0.3\npaths:\n  /a: {$ref: 'https://a.test/x.yaml'}\n  /b: {$ref: '/etc/passwd'}\n  /c: {$ref: '../../x.yaml'}\n  /d: {$ref: link.yaml}\n  /e: {$ref: broken.yaml}\n  /f: {$ref: gone.yaml}\n  /g: {$ref: 'here.yaml#/no'}\n  /h: {$ref: 'here.yaml'}\n";
    let files = [
        ("a/openapi.yaml", text),
        ("a/link.yaml", ""),
        ("a/broken.yaml", "[a"),
        ("a/here.yaml", "get: {}\n"),
    ];
    let whole = bundled(&files);
    let told: Vec<_> = whole
        .problems
        .iter()
        .map(|it| format!("{}:{} {}", it.path, it.start.line, it.reason))
        .collect();
    let expect = [
        "a/broken.yaml:1 this `[` is never closed",
        "a/openapi.yaml:1 7 of its paths and operations are behind references that cannot be followed: they are not judged",
        "a/openapi.yaml:3 `https://a.test/x.yaml` is in a network: we never read from there",
        "a/openapi.yaml:4 `/etc/passwd` leads out of the repository: not read",
        "a/openapi.yaml:5 `../../x.yaml` leads out of the repository: not read",
        "a/openapi.yaml:6 `link.yaml` is a link, which we do not follow, or cannot be read",
        "a/openapi.yaml:7 `broken.yaml` cannot be read, or holds nothing",
    ];
    assert_eq!(told, expect);
    let found = seen(&whole, "openapi.reference", &["found", "there"]);
    assert_eq!(found[5..7], ["a/openapi.yaml:8: false false", "a/openapi.yaml:9: false true"]);
    assert_eq!(seen(&whole, "openapi.operation", &["path"]), [r#"a/here.yaml:1: "/h""#]);
}

#[test]
fn files_that_refer_to_each_other_in_masses_cost_little() {
    let lines = |to: &str| -> String {
        (0..10_000).map(|at| format!("n{at}: {{$ref: '{to}#/n{}'}}\n", 9_999 - at)).collect()
    };
    let api = format!("openapi: 3.0.3\npaths: {{}}\n{}", lines("a.yaml"));
    let files =
        [("openapi.yaml", &*api), ("a.yaml", &lines("b.yaml")), ("b.yaml", &lines("a.yaml"))];
    let before = std::time::Instant::now();
    let whole = bundled(&files);
    assert_eq!(seen(&whole, "openapi.reference", &["found"]).len(), 30_000);
    assert!(before.elapsed().as_secs() < 20);
}

#[test]
fn what_other_files_hold_is_not_guessed() {
    let text = "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths:\n  /a/{id}:\n    get: {$ref: get.yaml}\n    put:\n      parameters: [{$ref: id.yaml}]\n      responses: {}\n      security: [{key: []}]\n  /b: {$ref: b.yaml}\ncomponents: {$ref: components.yaml}\n";
    assert_eq!(subjects(text, "openapi.operation", &["undeclared"]), ["6: []"]);
    assert_eq!(subjects(text, "openapi.security_requirement", &["defined"]), ["9: true"]);
    assert!(subjects(text, "openapi.fault", &[]).is_empty());
    let problems = bundled(&[("api.yaml", text)]).problems;
    assert!(problems[0].reason.starts_with("2 of its paths and operations are behind references"));
}

#[test]
fn patterns_of_a_description_cost_little() {
    let mut text = "openapi: 3.0.0\npaths: {}\ncomponents:\n  schemas:\n".to_owned();
    for at in 0..1_500 {
        text.push_str(&format!(
            "    A{at}: {{type: string, pattern: '(\\w{{{}}}){{50}}$', example: abc}}\n",
            at + 100
        ));
    }
    let evil = format!(
        "    B: {{type: string, pattern: '^(a+)+$', example: {}b}}\n    C: {{type: string, pattern: '^b', example: a}}\n",
        "a".repeat(5_000)
    );
    text.push_str(&evil);
    let before = std::time::Instant::now();
    // What is too large to be compiled is not held against anything.
    assert_eq!(
        subjects(&text, "openapi.wrong_example", &["of"]),
        [r#"1505: "schema""#, r#"1506: "schema""#]
    );
    assert!(before.elapsed().as_secs() < 20);
}

#[test]
fn a_server_needs_an_absolute_url_once_it_is_filled_in() {
    let text = "openapi: 3.0.0\nservers:\n- {url: '{s}://a.test:{p}', variables: {s: {enum: [http, x y]}, p: {enum: ['80', '99999']}}}\n- {url: '/{v}', variables: {v: {default: v1}}}\n- {url: '/v1'}\n- {url: 'https://{h}', variables: {h: {default: a.test}}}\npaths: {}\n";
    assert_eq!(
        subjects(text, "openapi.server", &["unusable"]),
        [
            r#"3: ["http://a.test:99999", "x y://a.test:80", "x y://a.test:99999"]"#,
            r#"4: ["/v1"]"#,
            "5: []",
            "6: []",
        ]
    );
}

#[test]
fn what_stands_beside_a_reference_counts_from_3_1_on() {
    for (version, expected) in [("3.0.3", 0), ("3.1.0", 1)] {
        let text = format!(
            "openapi: {version}\npaths: {{}}\ncomponents:\n  schemas:\n    A: {{type: string}}\n    B: {{$ref: '#/components/schemas/A', maxLength: 2, example: abc}}\n"
        );
        assert_eq!(subjects(&text, "openapi.wrong_example", &[]).len(), expected);
    }
}
