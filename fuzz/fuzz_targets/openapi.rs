//! Any text is read as a description of an interface: nothing panics, and every view is walked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::{
    artifact::{self, Select},
    parse,
    source::Source,
};

fuzz_target!(|text: &str| {
    let text = format!("openapi: 3.0.0\n{text}");
    let (tree, problems) = parse::yaml::parse(Source::new("fuzz.yaml", text));
    let parsed = artifact::openapi::parse(tree, problems);
    let Some(artifact) = parsed.artifact else { return };
    for view in artifact::views().filter(|it| it.kind == artifact.kind) {
        if let Select::File(select) = view.select {
            select(&artifact, &mut |subject| drop(subject.at.start()));
        }
    }
});
