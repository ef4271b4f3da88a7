//! What the peers' configuration files say about manifests: `.kube-linter.yaml` and Polaris'
//! `polaris.yaml`.

use std::collections::BTreeMap;

use globset::Glob;

use super::{linter, manifests};
use crate::{
    artifact::{Artifact, Kind, Suppression},
    document::{Node, Problem, Trouble},
    parse,
    source::Source,
};

/// As many entries of one list are honoured: each goes with every manifest below.
const MOST: usize = 500;

/// Whether the file configures a peer.
pub fn is_config(name: &str) -> bool {
    is_kube_linter(name) || is_polaris(name)
}

/// Whether the file configures kube-linter.
pub fn is_kube_linter(name: &str) -> bool {
    matches!(name, ".kube-linter.yaml" | ".kube-linter.yml")
}

fn is_polaris(name: &str) -> bool {
    matches!(name, "polaris.yaml" | "polaris.yml" | ".polaris.yaml" | "polaris-config.yaml")
}

/// What they take back, by the path of the artifact that it is for, and what of them cannot be
/// honoured.
pub fn read(
    artifacts: &[Artifact],
    texts: &BTreeMap<String, Source>,
) -> (Vec<(String, Suppression)>, Vec<Problem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for source in texts.values().filter(|it| is_config(it.name())) {
        let (tree, broken) = parse::yaml::parse(Source::new(&*source.path, &*source.text));
        problems.extend(broken);
        let Some(root) = tree.documents().next() else { continue };
        let folder = source.folder();
        let below = |it: &&Artifact| {
            let path = it.tree.source.path.as_str();
            it.kind == Kind::Kubernetes
                && (folder.is_empty() || path.starts_with(&format!("{folder}/")))
        };
        for artifact in artifacts.iter().filter(below) {
            let path = || artifact.tree.source.path.clone();
            let all = match is_polaris(source.name()) {
                true => polaris(root, artifact),
                false => kube_linter(root, artifact),
            };
            found.extend(all.into_iter().map(|it| (path(), it)));
        }
        for check in root.get("customChecks").into_iter().flat_map(Node::children) {
            if is_polaris(source.name()) || linter::read(check).is_none() {
                let reason =
                    "the custom check is not run: write it as a rule under .seaworthy/rules";
                let at = check.key_span().unwrap_or(check.span()).start;
                problems.push(Problem::at(&tree.source, at, Trouble::Unsupported, reason));
            }
        }
    }
    (found, problems)
}

fn whole(what: String, by: &'static str, node: Node<'_>) -> Suppression {
    let path = &node.tree().source.path;
    let reason = format!("{path} says so");
    let config = Some(path.as_str().into());
    Suppression { what, from_line: 1, to_line: u32::MAX, reason, place: node.span(), config, by }
}

/// `checks.exclude` and `checks.ignorePaths`.
fn kube_linter(root: Node<'_>, artifact: &Artifact) -> Vec<Suppression> {
    let list =
        |key: &str| root.at(&["checks", key]).into_iter().flat_map(Node::children).take(MOST);
    let excluded = list("exclude").map(|it| (format!("kube-linter:{}", it.text()), it));
    let path = artifact.tree.source.path.as_str();
    let ignored = list("ignorePaths").filter(|it| {
        let pattern = it.text().trim_start_matches("./");
        let is_below = path.starts_with(&format!("{}/", pattern.trim_end_matches('/')));
        is_below || Glob::new(pattern).is_ok_and(|it| it.compile_matcher().is_match(path))
    });
    let ignored = ignored.map(|it| ("kube-linter:*".to_owned(), it));
    excluded.chain(ignored).map(|(what, it)| whole(what, "kube-linter", it)).collect()
}

/// `checks` that are set to `ignore`, and `exemptions` of objects by the start of their name.
fn polaris(root: Node<'_>, artifact: &Artifact) -> Vec<Suppression> {
    let checks = root.get("checks").into_iter().flat_map(Node::entries);
    let ignored = checks.filter(|it| it.1.as_str() == Some("ignore"));
    // Such a configuration lists every check: one that is off suppresses nothing by itself.
    let off =
        |(key, it)| Suppression { config: None, ..whole(format!("polaris:{key}"), "polaris", it) };
    let mut found: Vec<_> = ignored.map(off).collect();
    for exemption in root.get("exemptions").into_iter().flat_map(Node::children).take(MOST) {
        let list = |key: &str| exemption.get(key).into_iter().flat_map(Node::children).take(MOST);
        if list("containerNames").next().is_some() {
            continue;
        }
        for object in manifests(artifact) {
            let namespace = exemption.str("namespace");
            let here = namespace.is_none_or(|it| it.is_empty() || it == object.namespace());
            let named = list("controllerNames").next().is_none()
                || list("controllerNames").any(|it| object.name().starts_with(it.text()));
            if !(here && named) {
                continue;
            }
            let source = &artifact.tree.source;
            let span = object.raw().span();
            let (from, to) = (source.position(span.start).line, source.position(span.end).line);
            let all = list("rules").next().is_none().then_some(("*", exemption));
            let rules = list("rules").map(|it| (it.text(), it)).chain(all);
            found.extend(rules.map(|(rule, at)| Suppression {
                from_line: from,
                to_line: to,
                ..whole(format!("polaris:{rule}"), "polaris", at)
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, config: &str) -> Vec<String> {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web-1}\nspec: {}\n";
        let parsed = crate::artifact::parse(Source::new("k8s/a.yaml", text));
        let artifacts: Vec<_> = parsed.artifact.into_iter().collect();
        let texts = BTreeMap::from([(name.to_owned(), Source::new(name, config))]);
        let (all, problems) = read(&artifacts, &texts);
        let all = all.into_iter().map(|it| format!("{}:{}", it.1.what, it.1.from_line));
        all.chain(problems.into_iter().map(|it| it.reason)).collect()
    }

    #[test]
    fn excluded_checks_and_ignored_paths_are_honoured() {
        let config = "checks:\n  exclude: [latest-tag]\n  ignorePaths: [k8s/**]\n";
        assert_eq!(
            found(".kube-linter.yaml", config),
            ["kube-linter:latest-tag:1", "kube-linter:*:1"]
        );
        assert_eq!(found("other/.kube-linter.yaml", config), [""; 0]);
        let custom = found(".kube-linter.yaml", "customChecks: [{name: a, template: b}]\n");
        assert!(custom[0].starts_with("the custom check is not run"), "{custom:?}");
        let known = "customChecks: [{name: a, template: required-label, params: {key: b}}]\n";
        assert_eq!(found(".kube-linter.yaml", known), [""; 0]);
    }

    #[test]
    fn polaris_ignores_checks_and_exempts_objects_by_the_start_of_their_name() {
        let config = "checks:\n  tagNotSpecified: ignore\n  hostIPCSet: danger\nexemptions:\n- \
                      controllerNames: [web]\n  rules: [runAsRootAllowed]\n- controllerNames: [api]\n  \
                      rules: [runAsRootAllowed]\n";
        let all = found("polaris.yaml", config);
        assert_eq!(all, ["polaris:tagNotSpecified:1", "polaris:runAsRootAllowed:1"]);
    }
}
