//! What watches a service: rules and configuration of Prometheus and Alertmanager, objectives of
//! Sloth, dashboards of Grafana. Their views are in `repository`, because the same things are also
//! written as objects of Kubernetes.

use super::{Artifact, Kind, Parsed};
use crate::document::{Node, Problem, Tree};

/// Which of these files it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Groups of alerting and recording rules.
    Rules,
    /// The configuration of Prometheus.
    Scrapes,
    /// The configuration of Alertmanager.
    Receivers,
    /// Objectives of Sloth.
    Objectives,
    /// A dashboard of Grafana.
    Dashboard,
}

/// Which form a document has, if it has one.
pub fn form(root: Node<'_>) -> Option<Form> {
    let is_list = |key: &str| root.get(key).is_some_and(Node::is_seq);
    let mut rules = root.get("groups").into_iter().flat_map(Node::children).flat_map(group_rules);
    if rules.any(|it| it.get("expr").is_some()) {
        return Some(Form::Rules);
    }
    if is_list("scrape_configs") {
        return Some(Form::Scrapes);
    }
    if root.get("route").is_some_and(Node::is_map) && is_list("receivers") {
        return Some(Form::Receivers);
    }
    if is_list("slos") && root.str("service").is_some() {
        return Some(Form::Objectives);
    }
    let is_dashboard = is_list("panels") && root.get("schemaVersion").is_some();
    is_dashboard.then_some(Form::Dashboard)
}

/// The rules of a group.
pub fn group_rules(group: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    group.get("rules").into_iter().flat_map(Node::children)
}

/// A cheap look before a text is parsed.
pub fn may_be(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("groups:") && has("expr:")
        || has("scrape_configs:")
        || has("receivers:") && has("route:")
        || has("slos:") && has("objective:")
        || has("\"panels\"") && has("\"schemaVersion\"")
}

/// Whether a YAML or JSON file is one, by what its documents say.
pub fn claims(tree: &Tree) -> bool {
    tree.documents().any(|it| form(it).is_some())
}

/// Takes the written tree as it is.
pub fn parse(tree: Tree, problems: Vec<Problem>) -> Parsed {
    Parsed { artifact: Some(Artifact::new(Kind::Prometheus, tree)), problems }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse, source::Source};

    #[test]
    fn files_are_told_by_what_they_hold() {
        let of = |text: &str| {
            let (tree, _) = parse::yaml::parse(Source::new("a.yml", text));
            tree.documents().next().and_then(form)
        };
        assert_eq!(
            of("groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]"),
            Some(Form::Rules)
        );
        assert_eq!(of("scrape_configs: [{job_name: a}]"), Some(Form::Scrapes));
        assert_eq!(of("route: {receiver: a}\nreceivers: [{name: a}]"), Some(Form::Receivers));
        assert_eq!(of("service: a\nslos: [{name: b, objective: 99.9}]"), Some(Form::Objectives));
        assert_eq!(of("groups: [{name: a}]"), None);
    }
}
