//! Rulesets over small repositories, as a whole.

use crate::{
    discover::{Content, Found},
    evaluate::{self, Outcome},
    rule::{Profile, RuleSet},
};

fn run(files: &[(&str, &str)]) -> Outcome {
    let mut found: Vec<_> = files
        .iter()
        .map(|(path, text)| Found {
            path: (*path).to_owned(),
            content: Content::Memory(text.as_bytes().to_vec()),
        })
        .collect();
    found.sort();
    let mut rules = RuleSet::builtin().unwrap();
    rules.select(Profile::Default, &[], &[]).unwrap();
    evaluate::evaluate(found, &rules)
}

/// What the rules of teams found: `path:line: severity rule: message`.
fn found(outcome: &Outcome) -> Vec<String> {
    let own = outcome.findings.iter().filter(|it| it.rule.starts_with("spectral/"));
    own.map(|it| {
        let (place, severity) = (&it.place, it.severity.name());
        format!("{}:{}: {severity} {}: {}", place.path, place.start.line, it.rule, it.message)
    })
    .collect()
}

fn reasons(outcome: &Outcome) -> Vec<String> {
    outcome
        .problems
        .iter()
        .filter(|it| it.path.contains("spectral"))
        .map(|it| format!("{}:{}: {}", it.path, it.start.line, it.reason))
        .collect()
}

const SHOP: &str = "openapi: 3.0.0
info: {title: Shop, version: '1'}
paths:
  /carts:
    get:
      operationId: List_Carts
      parameters:
        - $ref: '#/components/parameters/Page'
      responses: {'200': {description: ok}}
components:
  parameters:
    Page:
      name: pageNo
      in: query
      schema: {type: string}
  schemas:
    Cart: {type: object, properties: {a: {$ref: '#/components/schemas/Cart'}}}
";

#[test]
fn a_rule_finds_at_the_definition_and_names_the_reference() {
    let ruleset = "rules:
  kebab-parameters:
    description: Names of parameters are in kebab case.
    message: '{{property}} in {{path}}: {{error}}'
    given: $.paths[*][*].parameters[?(@.in === 'query')]
    severity: error
    then: {field: name, function: casing, functionOptions: {type: kebab}}
";
    let outcome = run(&[(".spectral.yaml", ruleset), ("api/openapi.yaml", SHOP)]);
    assert_eq!(
        found(&outcome),
        [
            "api/openapi.yaml:13: error spectral/kebab-parameters: name in #/components/parameters/Page/name: `pageNo` must be in kebab case"
        ]
    );
    let finding = outcome.findings.iter().find(|it| it.rule.starts_with("spectral/")).unwrap();
    assert_eq!(finding.related[0].place.start.line, 8);
    assert_eq!(&*finding.equivalents[0], "spectral:kebab-parameters");
    assert_eq!(reasons(&outcome), Vec::<String>::new());
}

#[test]
fn what_is_extended_is_read_and_changed() {
    let base = "formats: [oas3]
aliases: {Operation: ['$.paths[*][get,put,post]']}
rules:
  summary: {given: '#Operation', then: {field: summary, function: truthy}}
  old: {given: $, formats: [oas2], then: {field: host, function: truthy}}
  loud: {given: $.info, recommended: false, then: {field: x-id, function: defined}}
";
    let team = "extends: ['./lint/base.yaml', 'https://example.com/x.yaml', some-package]
rules: {summary: info, loud: true, mine: {given: $.info, then: {function: theirOwn}}}
";
    let outcome = run(&[
        (".spectral.yml", team),
        ("lint/base.yaml", base),
        ("openapi.yaml", SHOP),
        ("other/.spectral.js", "module.exports = {}"),
        ("other/openapi.yaml", SHOP),
    ]);
    assert_eq!(
        found(&outcome),
        [
            "openapi.yaml:2: warning spectral/loud: `info.x-id` must be there",
            "openapi.yaml:5: info spectral/summary: `get.summary` must be there and not empty",
        ]
    );
    let reasons = reasons(&outcome);
    for part in [
        ".spectral.yml:2: the rule `mine` is not run: its function `theirOwn` is JavaScript",
        ".spectral.yml:1: extends `https://example.com/x.yaml`, which is on the network",
        ".spectral.yml:1: extends `some-package`, which is a package",
        "other/.spectral.js:1: is JavaScript",
    ] {
        assert!(reasons.iter().any(|it| it.starts_with(part)), "{part}: {reasons:#?}");
    }
}

#[test]
fn built_in_rules_are_turned_off_on_and_up() {
    let ruleset = "extends: ['spectral:oas']
rules: {operation-success-response: off, info-license: error, operation-tags: hint}
overrides:
  - files: ['*.yaml#/paths/~1carts']
    rules: {operation-tags: 'off'}
";
    let open = SHOP.replace("'200': {description: ok}", "default: {description: ok}");
    let outcome = run(&[(".spectral.yaml", ruleset), ("openapi.yaml", &open)]);
    let by = |peer: &str| {
        let mut all = outcome.findings.iter();
        all.find(|it| it.equivalents.iter().any(|it| **it == *peer))
            .map(|it| (it.severity.name(), it.waived.is_some()))
    };
    assert_eq!(by("spectral:info-license"), Some(("error", false)));
    assert_eq!(by("spectral:operation-success-response"), None);
    assert_eq!(by("spectral:operation-tags"), None);
    assert_eq!(by("spectral:operation-description"), Some(("warning", false)));
    assert!(outcome.findings.iter().any(|it| {
        it.waived.as_ref().is_some_and(|it| it.reason.contains("operation-tags` is off"))
    }));
}

#[test]
fn rulesets_that_mean_harm_end() {
    let aliases: String =
        (0..40).map(|at| format!("  A{at}: ['#A{0}', '#A{0}']\n", at + 1)).collect();
    let hostile = format!(
        "extends: ['./.spectral.yaml', '../../../etc/passwd.yaml']
aliases:
{aliases}  A40: []
rules:
  many: {{given: '#A0', then: {{function: truthy}}}}
  evil: {{given: $.info.title, then: {{function: pattern, functionOptions: {{match: '^(?=(a+)+$)(?!x)(a|a)*\\1b$'}}}}}}
  deep: {{given: '$..[?(@..x)]', then: {{function: truthy}}}}
"
    );
    let spec = SHOP.replace("title: Shop", &format!("title: {}", "a".repeat(64)));
    let outcome = run(&[(".spectral.yaml", &hostile), ("openapi.yaml", &spec)]);
    assert_eq!(found(&outcome), Vec::<String>::new());
    let reasons = reasons(&outcome);
    assert!(reasons.iter().any(|it| it.contains("unfold to too many")), "{reasons:#?}");
    assert!(reasons.iter().any(|it| it.contains("outside the repository")), "{reasons:#?}");
    assert!(outcome.problems.iter().any(|it| it.reason.contains("takes too many steps")));
}

#[test]
fn a_reference_with_keys_beside_it_is_a_place_of_its_own() {
    let spec = "openapi: 3.1.0
info: {title: Shop, version: '1'}
paths: {/a: {get: {responses: {'200': {description: ok, content: {a/b: {schema: {$ref: '#/components/schemas/Cart'}}}}}}}}
components:
  schemas:
    Cart:
      properties:
        Limit:
          description: the most
          $ref: '#/components/schemas/Limit'
    Limit: {type: object}
";
    let ruleset = "rules:
  lower:
    description: Names are in lower case.
    given: $..[?(@property === 'properties')]
    then: {field: '@key', function: pattern, functionOptions: {match: '^[a-z]+$'}}
";
    let outcome = run(&[(".spectral.yaml", ruleset), ("openapi.yaml", spec)]);
    let lines: Vec<_> =
        found(&outcome).iter().map(|it| it.split(':').nth(1).unwrap().to_owned()).collect();
    assert_eq!(lines, ["8", "11"]);
}

#[test]
fn schemas_stop_at_the_first_fault_unless_they_are_asked_for_all() {
    let rule = |all: bool| {
        format!(
            "rules:
  info:
    given: $
    then:
      field: info
      function: schema
      functionOptions:
        allErrors: {all}
        schema:
          required: [contact]
          properties: {{title: {{type: string, maxLength: 2}}, version: {{const: '2'}}}}
"
        )
    };
    for (all, count) in [(false, 1), (true, 3)] {
        let outcome = run(&[(".spectral.yaml", &rule(all)), ("openapi.yaml", SHOP)]);
        assert_eq!(found(&outcome).len(), count, "{:#?}", found(&outcome));
    }
}
