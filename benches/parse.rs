//! How fast texts become trees: MB/s of YAML and JSON on generated input.

use divan::{Bencher, counter::BytesCount};
use seaworthy::{parse, source::Source};

fn main() {
    divan::main();
}

/// A stream of manifests that look like those of a real service.
fn manifests(count: usize) -> String {
    let one = |number: usize| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: service-{number}\n  labels:\n    app: service-{number}  # the selector below\nspec:\n  replicas: {number}\n  template:\n    spec:\n      containers:\n      - name: main\n        image: \"registry.test/service:{number}.0.1\"\n        args: [--port, '8080', --verbose]\n        resources:\n          limits: {{cpu: 500m, memory: 256Mi}}\n        env:\n        - name: GREETING\n          value: |\n            hello\n            world\n"
        )
    };
    (0..count).map(one).collect()
}

/// The same number of objects as JSON.
fn objects(count: usize) -> String {
    let one = |number: usize| {
        format!(
            r#"{{"name": "service-{number}", "replicas": {number}, "labels": {{"app": "a\u00e9", "tier": null}}, "args": ["--port", 8080, true, 1.5e3]}}"#
        )
    };
    format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(",\n"))
}

#[divan::bench]
fn yaml(bencher: Bencher<'_, '_>) {
    let text = manifests(2_000);
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| Source::new("a.yaml", text.clone()))
        .bench_values(parse::yaml::parse);
}

/// An anchor makes the quick reader give up: this is the complete one.
#[divan::bench]
fn yaml_with_anchors(bencher: Bencher<'_, '_>) {
    let text = format!("{}---\na: &a 1\nb: *a\n", manifests(2_000));
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| Source::new("a.yaml", text.clone()))
        .bench_values(parse::yaml::parse);
}

#[divan::bench]
fn json(bencher: Bencher<'_, '_>) {
    let text = objects(10_000);
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| Source::new("a.json", text.clone()))
        .bench_values(parse::json::parse);
}
