//! Tests of what a change of a description means.

use super::compare;
use crate::{parse::yaml, source::Source};

/// The changes from one text to another, as class, line and part.
fn changes(old: &str, new: &str) -> Vec<String> {
    let (old, _) = yaml::parse(Source::new("old.yaml", old));
    let (new, _) = yaml::parse(Source::new("new.yaml", new));
    let comparison = compare(old.node(old.roots[0]), new.node(new.roots[0]));
    assert!(comparison.complete);
    let said = |it: &super::Change<'_>| format!("{} {}: {}", it.class, it.at.start().line, it.part);
    comparison.changes.iter().map(said).collect()
}

/// A document with one operation that takes and gives this schema.
fn both(schema: &str) -> String {
    format!(
        "openapi: 3.1.0\npaths:\n  /a:\n    post:\n      requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}}}\n      responses:\n        '200': {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}}}\ncomponents:\n  schemas:\n    A: {schema}\n"
    )
}

fn of_schemas(old: &str, new: &str) -> Vec<String> {
    let found = changes(&both(old), &both(new));
    found
        .into_iter()
        .map(|it| {
            it.split_once(' ').unwrap().0.to_owned() + it.rsplit_once(": ").map_or("", |it| it.1)
        })
        .collect()
}

#[test]
fn the_names_of_variables_do_not_matter() {
    let one = "openapi: 3.0.0\npaths:\n  /a/{x}:\n    get: {parameters: [{name: x, in: path, required: true, schema: {type: string}}], responses: {}}\n";
    let other = one.replace("{x}", "{y}").replace("name: x", "name: y");
    assert_eq!(changes(one, &other), [""; 0]);
    let narrowed = other.replace("type: string", "type: integer");
    assert_eq!(changes(one, &narrowed), ["request-narrowed 4: the path parameter `y`"]);
}

#[test]
fn paths_may_move_into_the_server() {
    let one =
        "openapi: 3.0.0\nservers: [{url: https://a.b}]\npaths:\n  /api/a: {get: {responses: {}}}\n";
    let other =
        "openapi: 3.0.0\nservers: [{url: https://a.b/api}]\npaths:\n  /a: {get: {responses: {}}}\n";
    assert_eq!(changes(one, other), ["server-removed 2: servers"]);
}

#[test]
fn null_is_told_however_it_is_written() {
    let ways = [
        "{type: [string, 'null']}",
        "{anyOf: [{type: string}, {type: 'null'}]}",
        "{type: string, nullable: true}",
    ];
    for a in ways {
        for b in ways {
            assert_eq!(of_schemas(a, b), [""; 0], "{a} {b}");
        }
        assert_eq!(of_schemas("{type: string}", a), ["response-changed`A`"], "{a}");
        assert_eq!(of_schemas(a, "{type: string}"), ["request-narrowed`A`"], "{a}");
    }
}

#[test]
fn bounds_of_both_spellings_are_one() {
    assert_eq!(
        of_schemas(
            "{type: integer, minimum: 0, exclusiveMinimum: true}",
            "{type: integer, exclusiveMinimum: 0}"
        ),
        [""; 0]
    );
    assert_eq!(
        of_schemas("{type: integer, minimum: 0}", "{type: integer, exclusiveMinimum: 0}"),
        ["request-narrowed`A`"]
    );
}

#[test]
fn alternatives_are_matched_by_name_or_content() {
    let one = "{oneOf: [{type: string}, {type: integer}]}";
    assert_eq!(of_schemas(one, "{oneOf: [{type: integer}, {type: string}]}"), [""; 0]);
    assert_eq!(of_schemas(one, "{type: string}"), ["request-narrowed`A`"]);
    assert_eq!(of_schemas("{type: string}", one), ["response-widened`A`"]);
}

#[test]
fn cycles_and_long_chains_come_to_an_end() {
    let mut text = "openapi: 3.0.0\npaths:\n  /a: {get: {responses: {'200': {content: {a/b: {schema: {$ref: '#/components/schemas/S0'}}}}}}}\ncomponents:\n  schemas:\n".to_owned();
    for at in 0..3000 {
        let next = (at + 1) % 3000;
        text += &format!(
            "    S{at}: {{type: object, allOf: [{{$ref: '#/components/schemas/S{at}'}}], properties: {{next: {{$ref: '#/components/schemas/S{next}'}}, n: {{type: integer}}}}}}\n"
        );
    }
    let other = text.replace("n: {type: integer}}}\n    S9:", "n: {type: string}}}\n    S9:");
    assert_eq!(changes(&text, &other), ["response-changed 14: `S8.n`"]);
}
