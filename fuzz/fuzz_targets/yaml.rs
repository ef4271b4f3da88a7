//! Any text is read as YAML: nothing panics, and every span lies in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::{parse, source::Source};

fuzz_target!(|text: &str| {
    let (tree, problems) = parse::yaml::parse(Source::new("fuzz", text));
    for node in &tree.nodes {
        assert!(node.span.start <= node.span.end && node.span.end as usize <= text.len());
    }
    for root in tree.documents() {
        let _ = (root.start(), root.end(), root.children().count());
    }
    assert!(!problems.iter().any(|it| it.reason.is_empty()));
});
