//! What comments and the configuration of zizmor say not to report.

use std::collections::BTreeMap;

use globset::Glob;

use super::{Artifact, Kind, Suppression};
use crate::{
    document::{self, Node, Problem, Tree},
    parse,
    source::{Source, Span},
};

const MARK: &str = "# zizmor: ignore[";

/// The most comments of a file that are read.
const MOST: usize = 200;

/// Audits that look at a whole job: a comment anywhere in it answers for them.
const OF_JOBS: &[&str] = &[
    "excessive-permissions",
    "undocumented-permissions",
    "anonymous-definition",
    "unpinned-images",
    "hardcoded-container-credentials",
    "secrets-inherit",
    "self-hosted-runner",
];

/// Whether the file configures zizmor, by its path.
pub fn is_config(path: &str) -> bool {
    matches!(path, "zizmor.yml" | "zizmor.yaml" | ".github/zizmor.yml" | ".github/zizmor.yaml")
}

/// What the comments of a file say not to report.
pub fn comments(tree: &Tree) -> Vec<Suppression> {
    let source = &tree.source;
    let found = memchr::memmem::find_iter(source.text.as_bytes(), MARK).take(MOST);
    found.filter(|&at| !is_text(tree, at as u32)).flat_map(|at| comment(tree, at)).collect()
}

/// Whether a place lies inside of a scalar: there `#` begins no comment.
fn is_text(tree: &Tree, at: u32) -> bool {
    let holds = |it: &document::Raw| it.span.start < at && at < it.span.end;
    let is_scalar =
        |it: &document::Raw| !matches!(it.kind, document::Kind::Map | document::Kind::Seq);
    tree.nodes.iter().any(|it| holds(it) && is_scalar(it))
}

fn comment(tree: &Tree, at: usize) -> Vec<Suppression> {
    let source = &tree.source;
    let line = source.position(at as u32).line;
    let rest = source.text[at + MARK.len()..].lines().next().unwrap_or("");
    let Some((ids, reason)) = rest.split_once(']') else { return Vec::new() };
    let place = Span::new(at, at + MARK.len() + rest.trim_end().len());
    let ids = ids.split(',').map(str::trim).filter(|it| !it.is_empty());
    ids.map(|id| answer(tree, id, line, reason.trim().to_owned(), place)).collect()
}

/// An answer to findings of one audit in whatever a line is a part of.
fn answer(tree: &Tree, id: &str, line: u32, reason: String, place: Span) -> Suppression {
    let (from_line, to_line) = match id {
        // What starts a workflow is judged together with what its jobs then do.
        "dangerous-triggers" => (1, u32::MAX),
        _ => around(tree, line, OF_JOBS.contains(&id)).unwrap_or((line, line)),
    };
    let what = format!("zizmor:{id}");
    Suppression { what, from_line, to_line, reason, place, config: None, by: "zizmor" }
}

/// The lines of what a line is a part of: the step, the job, the update, or the key at the top.
fn around(tree: &Tree, line: u32, whole_job: bool) -> Option<(u32, u32)> {
    let root = tree.documents().next()?;
    let lines = |node: Node<'_>| {
        let span = node.span();
        let start = node.key_span().map_or(span.start, |it| it.start);
        (tree.source.position(start).line, tree.source.position(span.end.max(start)).line)
    };
    let holds = |it: &Node<'_>| {
        let (from, to) = lines(*it);
        from <= line && line <= to
    };
    let top = root.entries().map(|it| it.1).find(holds)?;
    let job = match top.key() {
        "jobs" => top.entries().map(|it| it.1).find(holds),
        "runs" => Some(top),
        "updates" => return Some(lines(top.children().find(holds).unwrap_or(top))),
        _ => None,
    };
    let Some(job) = job else { return Some(lines(top)) };
    let step = job.get("steps").into_iter().flat_map(Node::children).find(holds);
    Some(lines(step.filter(|_| !whole_job).unwrap_or(job)))
}

/// What the configuration takes back, by the path of the artifact that it is for, and what of it
/// could not be read.
pub fn configured(
    artifacts: &[Artifact],
    texts: &BTreeMap<String, Source>,
) -> (Vec<(String, Suppression)>, Vec<Problem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for source in texts.values().filter(|it| is_config(&it.path)) {
        let (tree, broken) = parse::yaml::parse(Source::new(&*source.path, &*source.text));
        problems.extend(broken);
        let rules = tree.documents().next().and_then(|it| it.get("rules"));
        for (id, rule) in rules.into_iter().flat_map(Node::entries) {
            for artifact in artifacts.iter().filter(|it| is_audited(it)) {
                let all = of_rule(id, rule, artifact);
                let path = || artifact.tree.source.path.clone();
                found.extend(all.into_iter().map(|it| (path(), it)));
            }
        }
    }
    (found, problems)
}

fn is_audited(artifact: &Artifact) -> bool {
    matches!(artifact.kind, Kind::Workflow | Kind::Upkeep)
        && !artifact.tree.source.path.contains("gitlab")
}

fn of_rule(id: &str, rule: Node<'_>, artifact: &Artifact) -> Vec<Suppression> {
    let tree = &artifact.tree;
    let reason = format!("{} says so", rule.tree().source.path);
    let whole = Suppression {
        what: format!("zizmor:{id}"),
        from_line: 1,
        to_line: u32::MAX,
        reason: reason.clone(),
        place: Span::default(),
        config: None,
        by: "zizmor",
    };
    if rule.get("disable").and_then(Node::as_bool) == Some(true) {
        return vec![whole];
    }
    let mut found = Vec::new();
    for entry in rule.get("ignore").into_iter().flat_map(Node::children) {
        let mut parts = entry.text().split(':');
        if parts.next() != Some(tree.source.name()) {
            continue;
        }
        match parts.next().map(str::parse) {
            None => found.push(whole.clone()),
            Some(Ok(line)) => {
                found.push(answer(tree, id, line, reason.clone(), Span::default()));
            }
            Some(Err(_)) => {}
        }
    }
    if id == "unpinned-uses" {
        let policies = rule.at(&["config", "policies"]);
        found.extend(unpinned(policies, artifact).into_iter().map(|line| Suppression {
            from_line: line,
            to_line: line,
            ..whole.clone()
        }));
    }
    found
}

/// The lines of actions that the most exact of the policies allows to be named by a tag or a branch.
fn unpinned(policies: Option<Node<'_>>, artifact: &Artifact) -> Vec<u32> {
    let policies: Vec<_> = policies
        .into_iter()
        .flat_map(Node::entries)
        .filter_map(|(pattern, it)| {
            let glob = Glob::new(pattern).ok()?.compile_matcher();
            Some((pattern.trim_end_matches(['*', '/']).len(), glob, it.text()))
        })
        .collect();
    let allowed = |uses: &Node<'_>| {
        let name = uses.text().split('@').next().unwrap_or_default();
        let most = policies.iter().filter(|it| it.1.is_match(name)).max_by_key(|it| it.0);
        most.is_some_and(|it| matches!(it.2, "any" | "ref-pin"))
    };
    let tree = &artifact.tree;
    let Some(root) = tree.documents().next().filter(|_| !policies.is_empty()) else {
        return Vec::new();
    };
    let jobs = root.get("jobs").into_iter().flat_map(Node::entries).map(|it| it.1);
    let all = jobs.chain(root.get("runs")).flat_map(|job| {
        let steps = job.get("steps").into_iter().flat_map(Node::children);
        steps.chain([job]).filter_map(|it| it.get("uses"))
    });
    all.filter(allowed).map(|it| it.start().line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "on:\n  pull_request_target: # zizmor: ignore[dangerous-triggers] labels only\njobs:\n  a:\n    runs-on: x\n    steps:\n      - name: b\n        uses: a/b@v1 # zizmor: ignore[unpinned-uses, artipacked]\n      - run: |\n          # zizmor: ignore[template-injection]\n          true\n      - uses: c/d@main # zizmor: ignore[excessive-permissions]\n";

    fn workflow() -> Artifact {
        let source = Source::new(".github/workflows/ci.yml", TEXT);
        crate::artifact::parse(source).artifact.expect("an artifact")
    }

    #[test]
    fn a_comment_answers_for_what_it_is_a_part_of() {
        let shown: Vec<_> = workflow()
            .suppressions
            .iter()
            .map(|it| format!("{} {}-{} {}", it.what, it.from_line, it.to_line, it.reason))
            .collect();
        assert_eq!(
            shown,
            [
                "zizmor:dangerous-triggers 1-4294967295 labels only",
                "zizmor:unpinned-uses 7-8 ",
                "zizmor:artipacked 7-8 ",
                "zizmor:excessive-permissions 4-12 ",
            ]
        );
    }

    #[test]
    fn the_configuration_disables_ignores_and_allows() {
        let config = "rules:\n  artipacked: {disable: true}\n  dangerous-triggers: {ignore: [ci.yml, other.yml]}\n  template-injection: {ignore: ['ci.yml:11:3', 'ci.yml:x']}\n  unpinned-uses:\n    config:\n      policies: {'*': hash-pin, 'c/*': ref-pin}\n";
        let texts = BTreeMap::from([("zizmor.yml".to_owned(), Source::new("zizmor.yml", config))]);
        let (found, problems) = configured(&[workflow()], &texts);
        let shown: Vec<_> = found
            .iter()
            .map(|(path, it)| format!("{path} {} {}-{}", it.what, it.from_line, it.to_line))
            .collect();
        let path = ".github/workflows/ci.yml";
        assert_eq!(
            shown,
            [
                format!("{path} zizmor:artipacked 1-{}", u32::MAX),
                format!("{path} zizmor:dangerous-triggers 1-{}", u32::MAX),
                format!("{path} zizmor:template-injection 9-11"),
                format!("{path} zizmor:unpinned-uses 12-12"),
            ]
        );
        assert!(problems.is_empty());
    }
}
