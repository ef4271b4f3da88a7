//! Labels and the selectors that match them, as Kubernetes defines both.

use std::borrow::Cow;

use crate::document::{Kind, Node};

/// Labels that controllers put on pods when they make them; no manifest holds them.
const MADE_BY_CONTROLLERS: &[&str] = &[
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// One label, as text.
pub(super) type Label<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A scalar as Kubernetes would read it where it wants text.
pub(super) fn scalar(node: Node<'_>) -> Cow<'_, str> {
    match node.kind() {
        Kind::Str => Cow::Borrowed(node.text()),
        _ => Cow::Owned(node.display()),
    }
}

/// Whether the text waits for somebody to fill it in: a template, a variable, a placeholder.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "${", "$(", "<", "[["].iter().any(|it| text.contains(it))
}

/// The entries of a map of labels.
pub(super) fn labels(map: Option<Node<'_>>) -> Vec<Label<'_>> {
    let entries = map.into_iter().flat_map(Node::entries);
    entries.map(|(key, value)| (Cow::Borrowed(key), scalar(value))).collect()
}

/// What a selector asks of one label beyond equality.
#[derive(Debug)]
enum Test<'a> {
    In(Vec<Cow<'a, str>>),
    NotIn(Vec<Cow<'a, str>>),
    Exists,
    Absent,
}

/// A label selector.
#[derive(Debug, Default)]
pub(super) struct Selector<'a> {
    /// Labels that must be equal.
    pub(super) pairs: Vec<Label<'a>>,
    tests: Vec<(&'a str, Test<'a>)>,
    /// It holds a template or an operator that does not exist: nothing can be said about it.
    pub(super) unclear: bool,
}

impl<'a> Selector<'a> {
    /// The plain form, a map of labels: `spec.selector` of a Service.
    pub(super) fn of_map(map: Option<Node<'a>>) -> Self {
        let mut pairs = labels(map);
        let unclear = pairs.iter().any(|(key, value)| is_template(key) || is_template(value));
        pairs.retain(|(key, _)| !MADE_BY_CONTROLLERS.contains(&key.as_ref()));
        Self { pairs, tests: Vec::new(), unclear }
    }

    /// The full form, with `matchLabels` and `matchExpressions`.
    pub(super) fn of(selector: Node<'a>) -> Self {
        let mut it = Self::of_map(selector.get("matchLabels"));
        for test in selector.get("matchExpressions").into_iter().flat_map(Node::children) {
            it.add(test);
        }
        it
    }

    fn add(&mut self, test: Node<'a>) {
        let key = test.str("key").unwrap_or_default();
        let values: Vec<_> =
            test.get("values").into_iter().flat_map(Node::children).map(scalar).collect();
        self.unclear |= is_template(key) || values.iter().any(|it| is_template(it));
        if MADE_BY_CONTROLLERS.contains(&key) {
            return;
        }
        let test = match test.str("operator").unwrap_or_default() {
            "In" => Test::In(values),
            "NotIn" => Test::NotIn(values),
            "Exists" => Test::Exists,
            "DoesNotExist" => Test::Absent,
            _ => {
                self.unclear = true;
                return;
            }
        };
        self.tests.push((key, test));
    }

    /// Whether it asks for nothing, and so matches everything.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.tests.is_empty()
    }

    /// Whether the labels satisfy it.
    pub(super) fn matches(&self, labels: &[Label<'_>]) -> bool {
        let find = |key: &str| labels.iter().find(|it| it.0 == key).map(|it| it.1.as_ref());
        let has = |key: &str, value: &str| labels.iter().any(|it| it.0 == key && it.1 == value);
        self.pairs.iter().all(|(key, value)| has(key, value))
            && self.tests.iter().all(|(key, test)| match test {
                Test::In(values) => values.iter().any(|value| has(key, value)),
                Test::NotIn(values) => !values.iter().any(|value| has(key, value)),
                Test::Exists => find(key).is_some(),
                Test::Absent => find(key).is_none(),
            })
    }

    /// The selector as a message shows it.
    pub(super) fn display(&self) -> String {
        let pairs = self.pairs.iter().map(|(key, value)| format!("{key}={value}"));
        let tests = self.tests.iter().map(|(key, test)| match test {
            Test::In(values) => format!("{key} in ({})", values.join(", ")),
            Test::NotIn(values) => format!("{key} not in ({})", values.join(", ")),
            Test::Exists => (*key).to_owned(),
            Test::Absent => format!("!{key}"),
        });
        pairs.chain(tests).collect::<Vec<_>>().join(", ")
    }
}
