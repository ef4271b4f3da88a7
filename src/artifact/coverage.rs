//! Reports of test coverage: what ran, in whatever format a tool says it.
//!
//! Every format comes down to one [`Report`]. Totals are counted from distinct lines, whatever the
//! report declares; what it declares is kept beside them.

use serde_json::{Map, Value as Json, json};

use super::{Artifact, Emit, Field, Kind, Parsed, Select, Shape, Subject, View};
use crate::{
    document::{Id, Key, Node, Problem, Tree, Trouble},
    parse::xml::Fault,
    source::{Source, Span},
    value::Value,
};

mod clover;
mod cobertura;
mod dotnet;
pub mod format;
mod gcov;
mod go;
mod istanbul;
mod jacoco;
mod lcov;
mod llvm;
pub mod merge;
pub mod omitted;
mod opencover;
pub mod paths;
mod python;
pub mod report;
mod ruby;
mod services;
mod sonar;
pub mod stream;
pub mod thresholds;

use format::Format;
use report::{Builder, File};
pub use report::{Count, Report};

/// How many files the tree of a report lists; all are counted.
const MAX_LISTED: usize = 50_000;

/// By how many points a declared share may differ from the counted one before it is said.
const DRIFT: f64 = 0.5;

/// Whether the file is one: only the start (and the end) of its text is looked at.
pub fn recognise(source: &Source) -> bool {
    Format::of(&source.text).is_some()
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let Some(format) = Format::of(&source.text) else { return Parsed::default() };
    let mut out = Builder::new(format, source.text.len());
    let fault = format.reader()(&source.text, &mut out).err();
    tell(source, out, fault)
}

/// What a report says and what is wrong with it, once its text is read.
fn tell(source: Source, mut out: Builder, fault: Option<Fault>) -> Parsed {
    if let Some(fault) = &fault {
        out.complain(
            fault.offset,
            Trouble::Syntax,
            format!("{}; what stands before it counts", fault.reason),
        );
    }
    let (report, complaints) = out.finish();
    let problems = complaints
        .into_iter()
        .map(|(offset, kind, reason)| Problem::at(&source, offset, kind, reason))
        .collect();
    let mut tree = Tree::new(source);
    let root = derive(&mut tree, &report, fault.is_none());
    let mut artifact = Artifact::new(Kind::Coverage, tree);
    artifact.derived.push(root);
    artifact.coverage = Some(report.into());
    Parsed { artifact: Some(artifact), problems }
}

/// The start of the report: its first tag or record, where findings about the whole point.
fn first_line(source: &Source) -> Span {
    let text = source.text.as_str();
    let mut at = 0;
    for line in text.split_inclusive('\n').take(20) {
        let written = line.trim_start_matches('\u{feff}').trim();
        if !written.is_empty() && !written.starts_with("<?") && !written.starts_with("<!") {
            let start = at + line.find(written).unwrap_or(0);
            let length = written.len().min(120);
            let length = (0..=length).rev().find(|&it| written.is_char_boundary(it));
            return Span::new(start, start + length.unwrap_or(0));
        }
        at += line.len();
    }
    Span::new(0, text.len().min(1))
}

/// The tree that rules see.
fn derive(tree: &mut Tree, report: &Report, whole: bool) -> Id {
    let span = first_line(&tree.source);
    let root = tree.open_map(Key::None, span);
    tree.text(Key::Field("format"), report.format.name(), span);
    tree.bool(Key::Field("whole"), whole, span);
    tree.int(Key::Field("size"), report.files.len() as i64, span);
    count(tree, "lines", Some(report.lines), span);
    count(tree, "branches", report.branches, span);
    count(tree, "functions", report.functions, span);
    count(tree, "statements", report.statements, span);
    declared(tree, report, span);
    let files = tree.open_seq(Key::Field("files"), span);
    for file in report.files.iter().take(MAX_LISTED) {
        derive_file(tree, file);
    }
    tree.close(files);
    tree.close(root);
    root
}

fn derive_file(tree: &mut Tree, file: &File) {
    let map = tree.open_map(Key::None, file.span);
    tree.text(Key::Field("path"), &file.path, file.span);
    tree.int(Key::Field("covered"), file.counted.covered as i64, file.span);
    tree.int(Key::Field("total"), file.counted.total as i64, file.span);
    tree.text(Key::Field("percent"), &file.counted.display(), file.span);
    tree.close_with(map, 4);
}

fn count(tree: &mut Tree, key: &str, count: Option<Count>, span: Span) {
    let Some(count) = count else {
        tree.null(Key::Text(key), span);
        return;
    };
    let map = tree.open_map(Key::Text(key), span);
    tree.int(Key::Field("covered"), count.covered as i64, span);
    tree.int(Key::Field("total"), count.total as i64, span);
    tree.text(Key::Field("percent"), &count.display(), span);
    tree.close(map);
}

fn declared(tree: &mut Tree, report: &Report, span: Span) {
    let map = tree.open_map(Key::Field("declared"), span);
    count(tree, "lines", report.declared.lines, span);
    count(tree, "branches", report.declared.branches, span);
    count(tree, "functions", report.declared.functions, span);
    count(tree, "statements", report.declared.statements, span);
    let rate = report.declared.percent.map(|it| Count::new((it * 1e4) as u64, 1_000_000).display());
    match report.declared.lines.map(Count::display).or(rate) {
        Some(percent) => tree.text(Key::Field("percent"), &percent, span),
        None => tree.null(Key::Field("percent"), span),
    };
    tree.bool(Key::Field("differs"), report.drift().is_some_and(|it| it > DRIFT), span);
    tree.close(map);
}

const COUNT: Shape = Shape::Record(&[
    field("covered", Shape::Number, "how many ran"),
    field("total", Shape::Number, "how many there are"),
    field("percent", Shape::Text, "the share in percent, cut and never rounded up"),
]);

const DECLARED: Shape = Shape::Record(&[
    field("lines", COUNT, "lines, where it gives both numbers"),
    field("branches", COUNT, "branches"),
    field("functions", COUNT, "functions"),
    field("statements", COUNT, "statements"),
    field("percent", Shape::Text, "the share of lines"),
    field("differs", Shape::Bool, "whether that is more than half a point from the counted share"),
]);

const FILE: Shape = Shape::Record(&[
    field("path", Shape::Text, "the file as the report names it"),
    field("covered", Shape::Number, "how many of its lines ran"),
    field("total", Shape::Number, "how many lines it has that can run"),
    field("percent", Shape::Text, "the share in percent, cut and never rounded up"),
]);

const REPORT: Shape = Shape::Record(&[
    field("format", Shape::Text, "`cobertura`, `lcov`, …"),
    field("whole", Shape::Bool, "whether it could be read to its end"),
    field("size", Shape::Number, "how many files it names"),
    field("lines", COUNT, "the lines, counted"),
    field("branches", COUNT, "the branches; null where it does not look at them"),
    field("functions", COUNT, "the functions; null where it does not look at them"),
    field("statements", COUNT, "the statements; null where it does not look at them"),
    field("declared", DECLARED, "what the report itself says of the whole"),
    field("files", Shape::List(&FILE), "its files"),
]);

const fn field(name: &'static str, shape: Shape, means: &'static str) -> Field {
    Field { name, shape, means }
}

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "coverage.report",
        kind: Kind::Coverage,
        means: "each coverage report",
        vars: &[field("it", REPORT, "the report")],
        select: Select::File(reports),
    },
    View {
        name: "coverage.file",
        kind: Kind::Coverage,
        means: "each file that a coverage report names",
        vars: &[field("it", FILE, "the file"), field("report", REPORT, "the report")],
        select: Select::File(files),
    },
];

fn root(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|&it| artifact.tree.node(it))
}

fn reports<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    if let Some(root) = root(artifact) {
        emit(Subject { values: vec![root.into()], at: root, object: None });
    }
}

fn files<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let Some(root) = root(artifact) else { return };
    for file in root.get("files").into_iter().flat_map(Node::children) {
        let values: Vec<Value<'a>> = vec![file.into(), root.into()];
        emit(Subject { values, at: file, object: None });
    }
}

/// What `seaworthy inspect` says of it: the contract for reports.
pub fn inspect(artifact: &Artifact) -> Json {
    let Some(report) = &artifact.coverage else { return Json::Null };
    let files: Map<String, Json> =
        report.files.iter().map(|file| (file.path.clone(), numbers(Some(file.counted)))).collect();
    json!({
        "format": report.format.name(),
        "lines": numbers(Some(report.lines)),
        "branches": numbers(report.branches),
        "functions": numbers(report.functions),
        "statements": numbers(report.statements),
        "declared": {
            "lines": numbers(report.declared.lines),
            "branches": numbers(report.declared.branches),
            "functions": numbers(report.declared.functions),
            "statements": numbers(report.declared.statements),
        },
        "files": files,
    })
}

fn numbers(count: Option<Count>) -> Json {
    count.map_or(Json::Null, |it| json!({"covered": it.covered, "total": it.total}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Parsed {
        let source = Source::new("coverage.out", text);
        assert!(recognise(&source));
        parse(source)
    }

    #[test]
    fn a_report_becomes_a_tree_whose_files_point_into_it() {
        let parsed = read("TN:\nSF:a.c\nDA:1,1\nDA:2,0\nLF:9\nLH:9\nend_of_record\n");
        let artifact = parsed.artifact.as_ref().map(|it| (root(it), inspect(it)));
        let Some((Some(root), inspected)) = artifact else { unreachable!("it is a report") };
        assert_eq!(root.at(&["lines", "percent"]).map(Node::display), Some("50".to_owned()));
        assert_eq!(root.at(&["declared", "differs"]).and_then(Node::as_bool), Some(true));
        let file = root.get("files").and_then(|it| it.item(0));
        assert_eq!(file.map(|it| it.start().line), Some(2));
        assert_eq!(inspected["files"]["a.c"], json!({"covered": 1, "total": 2}));
        assert_eq!(inspected["branches"], Json::Null);
    }

    #[test]
    fn a_report_that_breaks_off_is_used_and_said() {
        let parsed = read("mode: set\nm/a.go:1.1,2.2 1 1\nm/a.go:4.1,5");
        assert_eq!(parsed.problems.len(), 1);
        assert_eq!(parsed.problems[0].start.line, 3);
        let report = parsed.artifact.and_then(|it| it.coverage);
        assert_eq!(report.map(|it| it.lines), Some(Count::new(2, 2)));
    }

    #[test]
    fn no_text_makes_a_reader_fail_badly() {
        let starts = [
            "TN:\nSF:a\nBRDA:1,2\nFN:\nFNDA\nFNA:9\nDA:,\n",
            "<coverage line-rate=\"NaN\"><class filename=\"\"><line number=\"-1\" hits=\"x\"/></class></line>",
            "<!DOCTYPE c [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><coverage line-rate=\"1\"><class filename=\"&b;\"><line number=\"1000000000000000000\" hits=\"1\"/></class></coverage>",
            "SF:a\nDA:1000000000000000000,1\nend_of_record\n",
            "<report name=\"x\"><package><counter type=\"LINE\" missed=\"99999999999999999999\" covered=\"1e400\"/><sourcefile/>",
            "<CoverageSession><File/><SequencePoint sl=\"1\" fileid=\"7\"/><BranchPoint sl=\"1\"/>",
            "<results><modules><module><range start_line=\"1\" end_line=\"99999999\" source_id=\"1\"/><source_file id=\"1\" path=\"a\"/></module>",
            "mode: set\n:1.1,1.1 1 1\na:99999999.1,1.1 1 1\na:1.1,4294967295.1 1 1\n",
            "{\"data\":[{\"files\":[{\"filename\":\"a\",\"segments\":[[1,1,1,true,true],[9,1],[2,1,1,1,1],[99999999999,1,1,true,true]]}]}],\"type\":\"llvm.coverage.json.export\"}",
        ];
        for text in starts {
            parse(Source::new("x", text));
            // Ranges of millions of lines are read once only: they cost time, though bounded.
            let text = text.replace("9999999", "9");
            for end in (0..=text.len()).filter(|&it| text.is_char_boundary(it)) {
                parse(Source::new("x", &text[..end]));
            }
        }
    }
}
