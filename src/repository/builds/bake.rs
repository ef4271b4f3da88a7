//! `docker-bake.hcl`: the builds that its targets describe, as far as they are written out.

use hcl_edit::{
    expr::{Expression, ObjectKey},
    structure::{Block, Body},
};

use super::{Build, Files, image_name, is_unknown};
use crate::source::Source;

/// How far `inherits` is followed.
const GENERATIONS: usize = 8;

/// Adds the builds of a file; one that cannot be read says nothing.
pub(super) fn read(source: &Source, found: &mut Vec<Build<'_>>) {
    let Ok(body) = hcl_edit::parser::parse_body(&source.text) else { return };
    let targets: Vec<_> =
        body.get_blocks("target").filter_map(|it| Some((name(it)?, it))).collect();
    for (target, block) in &targets {
        // A name with an underscore, or none of its own: a part for others.
        if !target.starts_with('_') {
            let line = line(&targets, block);
            found.extend(build(source, &line));
        }
    }
}

fn name(block: &Block) -> Option<&str> {
    block.labels.first().map(|it| it.as_str())
}

/// A target and those it inherits from, itself first.
fn line<'b>(targets: &[(&str, &'b Block)], block: &'b Block) -> Vec<&'b Body> {
    let mut line = vec![&block.body];
    let mut at = 0;
    while at < line.len().min(GENERATIONS) {
        let parents = texts(line[at], "inherits");
        let bodies = parents.iter().filter_map(|it| targets.iter().find(|target| target.0 == *it));
        line.extend(bodies.map(|it| &it.1.body));
        at += 1;
    }
    line
}

fn build<'a>(source: &Source, line: &[&Body]) -> Option<Build<'a>> {
    let first = |key: &str| line.iter().find_map(|it| it.get_attribute(key).map(|it| &it.value));
    let known = |key: &str, default: &'static str| match first(key) {
        Some(value) => value.as_str().map(str::to_owned),
        None => Some(default.to_owned()),
    };
    if first("dockerfile-inline").is_some() {
        return None;
    }
    let (context, file) = (known("context", ".")?, known("dockerfile", "Dockerfile")?);
    let files = Files { by: "bake", folder: source.folder(), context: &context, file: &file };
    let target = first("target").map(|it| it.as_str().unwrap_or("$").to_owned());
    let images = line.iter().flat_map(|it| texts(it, "tags"));
    let images = images.map(image_name).filter(|it| !is_unknown(it));
    let args = line.iter().flat_map(|it| keys(it, "args"));
    let contexts = line.iter().flat_map(|it| keys(it, "contexts"));
    Some(Build {
        target,
        images: images.map(str::to_owned).collect(),
        args: args.collect(),
        contexts: contexts.collect(),
        ..files.build()?
    })
}

fn texts<'b>(body: &'b Body, key: &str) -> Vec<&'b str> {
    let list = body.get_attribute(key).and_then(|it| it.value.as_array());
    list.into_iter().flat_map(|it| it.iter()).filter_map(Expression::as_str).collect()
}

fn keys(body: &Body, attribute: &str) -> Vec<String> {
    let args = body.get_attribute(attribute).and_then(|it| it.value.as_object());
    let name = |key: &ObjectKey| match key {
        ObjectKey::Ident(it) => Some(it.as_str().to_owned()),
        ObjectKey::Expression(it) => it.as_str().map(str::to_owned),
    };
    args.into_iter().flat_map(|it| it.iter()).filter_map(|it| name(it.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_inherit_and_what_is_not_written_out_is_unknown() {
        let text = "variable \"TAG\" {}\ntarget \"_base\" {\n  context = \"api\"\n  args = { V = 1 }\n}\n\
                    target \"api\" {\n  inherits = [\"_base\"]\n  target = \"prod\"\n  tags = [\"r/a:1\", \"r/b:${TAG}\"]\n}\n\
                    target \"other\" {\n  dockerfile = \"${X}\"\n}\n";
        let mut found = Vec::new();
        read(&Source::new("ci/docker-bake.hcl", text), &mut found);
        let [it] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&*it.dockerfile, &*it.context), ("ci/api/Dockerfile", "ci/api"));
        assert_eq!(
            (it.target.as_deref(), &it.images[..], &it.args[..]),
            (Some("prod"), &["r/a".to_owned()][..], &["V".to_owned()][..])
        );
    }
}
