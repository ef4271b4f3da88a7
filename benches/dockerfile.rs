//! How fast Dockerfiles are read: MB/s of lines, of shell scripts, and of all that is derived.

use divan::{Bencher, counter::BytesCount};
use seaworthy::{artifact, parse, source::Source};

fn main() {
    divan::main();
}

/// A Dockerfile of many stages that look like those of a real service.
fn dockerfile(stages: usize) -> String {
    let one = |number: usize| {
        format!(
            "FROM debian:13-slim AS stage{number}\n# install what the build needs\nRUN apt-get update \\\n    && apt-get install -y --no-install-recommends \\\n        ca-certificates=1.2 \\\n        curl \\\n    && rm -rf /var/lib/apt/lists/*\nENV A{number}=1 PATH=/opt/bin:$PATH\nWORKDIR /app\nCOPY --chown=app:app src/ ./src/\nRUN set -eux; \\\n    for it in a b; do curl -fsSL \"https://example.org/$it\" | tar -xz; done\nUSER 10001\nCMD [\"/app/run\", \"--port\", \"8080\"]\n"
        )
    };
    (0..stages).map(one).collect()
}

/// A script of many commands.
fn script(commands: usize) -> String {
    "set -eux; apt-get update && apt-get install -y \"$(cat packages)\" 'a b' | tee log || exit 1\n"
        .repeat(commands)
}

#[divan::bench]
fn lines(bencher: Bencher<'_, '_>) {
    let text = dockerfile(500);
    bencher.counter(BytesCount::of_str(&text)).bench(|| parse::dockerfile::read(&text));
}

#[divan::bench]
fn shell(bencher: Bencher<'_, '_>) {
    let text = script(2_000);
    bencher.counter(BytesCount::of_str(&text)).bench(|| parse::shell::read(&text));
}

#[divan::bench]
fn facts(bencher: Bencher<'_, '_>) {
    let text = dockerfile(500);
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| Source::new("Dockerfile", text.clone()))
        .bench_values(artifact::parse);
}
