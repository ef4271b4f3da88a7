//! How fast coverage reports are read: they are the largest files of a repository.

use std::fmt::Write as _;

use divan::{Bencher, counter::BytesCount};
use seaworthy::{
    artifact::coverage::{self, paths::Files},
    patch::{self, Partial},
    source::Source,
};

fn main() {
    divan::main();
}

/// Two million lines, 18 MB.
#[divan::bench(sample_count = 10)]
fn lcov(bencher: Bencher<'_, '_>) {
    read(bencher, lcov_report(2_000));
}

/// A million lines, 36 MB.
#[divan::bench(sample_count = 10)]
fn cobertura(bencher: Bencher<'_, '_>) {
    let mut text = String::from("<coverage line-rate=\"0.5\"><packages><package><classes>\n");
    for file in 0..1_000 {
        let _ = writeln!(text, "<class name=\"c\" filename=\"src/f{file}.py\"><methods/><lines>");
        for line in 1..=1_000 {
            let _ = writeln!(text, "\t<line number=\"{line}\" hits=\"{}\"/>", (line + file) % 2);
        }
        text.push_str("</lines></class>\n");
    }
    text.push_str("</classes></package></packages></coverage>\n");
    read(bencher, text);
}

/// Four hundred thousand statements, 36 MB.
#[divan::bench(sample_count = 10)]
fn istanbul(bencher: Bencher<'_, '_>) {
    let mut text = String::from("{");
    for file in 0..200 {
        let comma = if file > 0 { "," } else { "" };
        let _ = write!(
            text,
            "{comma}\"/w/a{file}.js\":{{\"path\":\"/w/a{file}.js\",\"statementMap\":{{"
        );
        for id in 0..2_000 {
            let comma = if id > 0 { "," } else { "" };
            let line = id / 2 + 1;
            let _ = write!(
                text,
                "{comma}\"{id}\":{{\"start\":{{\"line\":{line},\"column\":0}},\"end\":{{\"line\":{line},\"column\":9}}}}"
            );
        }
        text.push_str("},\"s\":{");
        for id in 0..2_000 {
            let comma = if id > 0 { "," } else { "" };
            let _ = write!(text, "{comma}\"{id}\":{}", id % 3);
        }
        text.push_str("},\"f\":{},\"b\":{}}");
    }
    text.push('}');
    read(bencher, text);
}

/// A change of two thousand files against a report of as many.
#[divan::bench(sample_count = 10)]
fn change(bencher: Bencher<'_, '_>) {
    let parsed = coverage::parse(Source::new("lcov.info", lcov_report(2_000)));
    let report = parsed.artifact.and_then(|it| it.coverage).expect("it is a report");
    let mut files: Vec<String> = (0..2_000).map(|it| format!("src/file{it}.py")).collect();
    files.sort();
    let diff: String =
        files.iter().map(|it| format!("+++ b/{it}\n@@ -1 +1,3 @@\n-a\n+b\n+c\n+d\n")).collect();
    bencher.bench(|| patch::coverage(&diff, &[&report], &files, Partial::Covered));
}

/// Which of a hundred thousand files two thousand paths of another machine mean.
#[divan::bench(sample_count = 10)]
fn resolve(bencher: Bencher<'_, '_>) {
    let parsed = coverage::parse(Source::new("lcov.info", lcov_report(2_000)));
    let report = parsed.artifact.and_then(|it| it.coverage).expect("it is a report");
    let mut files: Vec<String> =
        (0..100_000).map(|it| format!("m{}/src/file{}.py", it % 50, it / 50)).collect();
    files.sort();
    bencher.bench(|| Files::new(&files).resolve(&report));
}

fn lcov_report(files: u32) -> String {
    let mut text = String::new();
    for file in 0..files {
        let _ = writeln!(text, "TN:\nSF:/home/runner/work/r/r/src/file{file}.py");
        for line in 1..=1_000 {
            let _ = writeln!(text, "DA:{line},{}", (line * 7 + file) % 3);
        }
        text.push_str("end_of_record\n");
    }
    text
}

fn read(bencher: Bencher<'_, '_>, text: String) {
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| Source::new("report", text.as_str()))
        .bench_values(coverage::parse);
}
