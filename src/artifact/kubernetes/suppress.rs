//! What the peers' annotations and comments in manifests say not to report.

use super::manifest::{Manifest, manifests};
use crate::{
    artifact::{Artifact, Suppression},
    document::Node,
    source::Span,
};

/// The suppressions of a file.
pub(super) fn suppressions(artifact: &Artifact) -> Vec<Suppression> {
    let mut found = Vec::new();
    for manifest in manifests(artifact) {
        let of_pods = manifest.pods().filter_map(|it| it.metadata()?.get("annotations"));
        for annotation in manifest.annotations().into_iter().chain(of_pods).flat_map(Node::children)
        {
            for (what, reason, by) in read(annotation) {
                found.push(suppression(manifest, what, reason, by, annotation.span()));
            }
        }
    }
    found.extend(comments(artifact));
    found
}

fn suppression(
    manifest: Manifest<'_>,
    what: String,
    reason: String,
    by: &'static str,
    place: Span,
) -> Suppression {
    let raw = manifest.raw();
    let source = &raw.tree().source;
    let from_line = source.position(raw.span().start).line;
    let to_line = source.position(raw.span().end.max(raw.span().start)).line;
    Suppression { what, from_line, to_line, reason, place, config: None, by }
}

/// What one annotation says: ids, reasons, and whose form it has.
fn read(annotation: Node<'_>) -> Vec<(String, String, &'static str)> {
    let (key, value) = (annotation.key(), annotation.display());
    if let Some(check) = key.strip_prefix("ignore-check.kube-linter.io/") {
        return vec![(format!("kube-linter:{check}"), value, "kube-linter")];
    }
    if key == "kube-linter.io/ignore-all" {
        return vec![("kube-linter:*".to_owned(), value, "kube-linter")];
    }
    if key == "kube-score/ignore" {
        let checks = value.split(',').map(str::trim).filter(|it| !it.is_empty());
        return checks
            .map(|it| (format!("kube-score:{it}"), String::new(), "kube-score"))
            .collect();
    }
    if let Some(rest) = key.strip_prefix("polaris.fairwinds.com/") {
        let check = match rest {
            "exempt" => Some("*"),
            _ => rest.strip_suffix("-exempt"),
        };
        let is_on = value.eq_ignore_ascii_case("true");
        return check
            .filter(|_| is_on)
            .map(|it| (format!("polaris:{it}"), String::new(), "polaris"))
            .into_iter()
            .collect();
    }
    if is_checkov_skip(key) {
        let (check, reason) = value.split_once('=').unwrap_or((&value, ""));
        let what = format!("checkov:{}", check.trim());
        return vec![(what, reason.trim().to_owned(), "checkov")];
    }
    Vec::new()
}

/// `checkov.io/skip1`, and the names it had before and has beside.
fn is_checkov_skip(key: &str) -> bool {
    ["checkov.io/skip", "bridgecrew.io/skip", "cortex.io/skip"]
        .iter()
        .filter_map(|it| key.strip_prefix(it))
        .any(|number| number.bytes().all(|it| it.is_ascii_digit()))
}

/// `#trivy:ignore:KSV-0012` in or directly above an object covers that object.
fn comments(artifact: &Artifact) -> Vec<Suppression> {
    const MARK: &str = "trivy:ignore:";
    let source = &artifact.tree.source;
    let mut found = Vec::new();
    if memchr::memmem::find(source.text.as_bytes(), MARK.as_bytes()).is_none() {
        return found;
    }
    let objects: Vec<_> =
        manifests(artifact).map(|it| (source.position(it.raw().span().end).line, it)).collect();
    for at in memchr::memmem::find_iter(source.text.as_bytes(), MARK) {
        let line = source.position(at as u32).line;
        let before = &source.text[source.line_start(line) as usize..at];
        let next = objects.partition_point(|&(end, _)| end < line);
        let (Some(&(_, manifest)), true) = (objects.get(next), before.trim_end().ends_with('#'))
        else {
            continue;
        };
        let rest = &source.text[at + MARK.len()..];
        let id: &str = rest.split(|it: char| it.is_whitespace() || it == ':').next().unwrap_or("");
        let id = id.trim_start_matches("AVD-");
        if !id.is_empty() {
            let place = Span::new(at, at + MARK.len() + id.len());
            let what = format!("trivy:{id}");
            found.push(suppression(manifest, what, String::new(), "trivy", place));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{artifact::kubernetes::parse, parse::yaml, source::Source};

    fn found(text: &str) -> Vec<(String, u32, u32, String, &'static str)> {
        let (tree, problems) = yaml::parse(Source::new("a.yaml", text));
        let artifact = parse(tree, problems).artifact.expect("an artifact");
        let all = artifact.suppressions.into_iter();
        all.map(|it| (it.what, it.from_line, it.to_line, it.reason, it.by)).collect()
    }

    #[test]
    fn annotations_of_the_peers_cover_their_object() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    \
                    ignore-check.kube-linter.io/latest-tag: pinned by the registry\n    \
                    kube-score/ignore: container-resources, pod-probes\n    \
                    polaris.fairwinds.com/hostPIDSet-exempt: \"true\"\n    \
                    polaris.fairwinds.com/tagNotSpecified-exempt: \"false\"\n    \
                    checkov.io/skip1: CKV_K8S_14=why not\n    checkov.io/skipped: x\n---\n\
                    apiVersion: v1\nkind: Pod\n";
        let expected: Vec<_> = [
            ("kube-linter:latest-tag", "pinned by the registry", "kube-linter"),
            ("kube-score:container-resources", "", "kube-score"),
            ("kube-score:pod-probes", "", "kube-score"),
            ("polaris:hostPIDSet", "", "polaris"),
            ("checkov:CKV_K8S_14", "why not", "checkov"),
        ]
        .map(|(what, reason, by)| (what.to_owned(), 1, reason.to_owned(), by))
        .into();
        let got: Vec<_> = found(text)
            .into_iter()
            .map(|(what, from, to, reason, by)| {
                assert!((11..=12).contains(&to), "{to}");
                (what, from, reason, by)
            })
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn annotations_of_a_pod_template_count_and_so_do_comments() {
        let text = "#trivy:ignore:AVD-KSV-0012\napiVersion: apps/v1\nkind: Deployment\nspec:\n  \
                    template:\n    metadata:\n      annotations:\n        kube-score/ignore: \
                    pod-probes\n    spec:\n      containers: []\n";
        let what: Vec<_> = found(text).into_iter().map(|it| it.0).collect();
        assert_eq!(what, ["kube-score:pod-probes", "trivy:KSV-0012"]);
    }
}
