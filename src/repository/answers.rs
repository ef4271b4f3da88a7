//! What one file says to a finding in another: a build that tags an image which a manifest leaves
//! untagged, a Dockerfile that names the user which a manifest leaves open.

use std::collections::{BTreeMap, HashSet};

use super::{Repository, builds, image, objects::Class};
use crate::{
    artifact::Suppression,
    document::Node,
    parse,
    source::{Source, Span},
};

/// The answers, each with the path of the file or the rendering that it is for.
pub(super) fn answers(repository: &Repository<'_>) -> Vec<(String, Suppression)> {
    let tagged = tagged(repository.texts);
    let mut found = Vec::new();
    for workload in repository.objects.of(Class::Workload) {
        for (container, name) in image::images(workload) {
            let path = || container.tree().source.path.clone();
            let image = container.get("image").unwrap_or(container);
            if builds::image_name(name) == name && tagged.contains(name) {
                let reason = "skaffold builds the image and gives it its tag".to_owned();
                let rules = "kubernetes/mutable-image-tag";
                found.push((path(), answer(image, rules, reason, "skaffold")));
            }
            let shipped = image::shipped(repository, name);
            if let Some(user) = shipped.as_ref().and_then(|it| it.user()) {
                let dockerfile = &user.tree().source.path;
                let reason = format!("the image runs as the user that {dockerfile} names");
                let rules = "kubernetes/root-user";
                found.push((path(), answer(container, rules, reason, "Dockerfile")));
            }
        }
    }
    found
}

/// An answer to findings on the first lines of `node`, up to its own end.
fn answer(node: Node<'_>, what: &str, reason: String, by: &'static str) -> Suppression {
    let source = &node.tree().source;
    let span = node.span();
    let start = node.key_span().map_or(span.start, |it| it.start);
    Suppression {
        what: what.to_owned(),
        from_line: source.position(start).line,
        to_line: source.position(span.end.max(start)).line,
        reason,
        place: Span { start, end: span.end.max(start) },
        config: None,
        by,
    }
}

/// The names of the images that skaffold builds, and tags in the manifests that it deploys.
fn tagged(texts: &BTreeMap<String, Source>) -> HashSet<String> {
    let mut found = HashSet::new();
    for source in texts.values().filter(|it| it.name().starts_with("skaffold")) {
        let (tree, _) = parse::yaml::parse(Source::new(&*source.path, &*source.text));
        for root in tree.documents() {
            let profiles = root.get("profiles").into_iter().flat_map(Node::children);
            let builds = std::iter::once(root).chain(profiles);
            let all = builds.filter_map(|it| it.at(&["build", "artifacts"]));
            let all = all.flat_map(Node::children);
            found.extend(all.filter_map(|it| it.str("image").map(str::to_owned)));
        }
    }
    found
}
