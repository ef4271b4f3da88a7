//! The comments that say not to report something, as something to be judged themselves.

use std::sync::Arc;

use super::{Artifact, Emit, Field, Kind, Select, Shape, Subject, Suppression, View};
use crate::{
    document::{Key, Node, Tree},
    source::{Source, Span},
    value::Value,
};

/// A comment, an annotation or an entry, and what is known of it.
pub struct Told<'s> {
    /// It.
    pub suppression: &'s Suppression,
    /// Whether it covered a finding.
    pub used: bool,
    /// Whether what it names was looked for, all of it and everywhere.
    pub known: bool,
    /// Where no check has the name: the one that comes closest, or nothing.
    pub missing: Option<&'s str>,
}

/// The suppressions that are written in one file.
pub fn artifact(source: &Arc<Source>, all: &[Told<'_>]) -> Artifact {
    let mut tree = Tree::new(source.clone());
    let mut derived = Vec::new();
    for told in all {
        let Told { suppression, used, known, missing } = *told;
        let place = suppression.place;
        let what = suppression.what.as_str();
        let name = what.split_once(':').map_or(what, |it| it.1);
        let id = tree.open_map(Key::None, place);
        tree.text(Key::Field("what"), what, place);
        tree.text(Key::Field("name"), name, place);
        tree.text(Key::Field("reason"), &suppression.reason, place);
        tree.text(Key::Field("by"), suppression.by, place);
        tree.bool(Key::Field("used"), used, place);
        tree.bool(Key::Field("known"), known, place);
        tree.bool(Key::Field("exists"), missing.is_none(), place);
        tree.text(Key::Field("near"), missing.unwrap_or_default(), place);
        tree.bool(Key::Field(IN_CONFIG), suppression.config.is_some(), place);
        tree.close(id);
        derived.push(id);
    }
    if tree.nodes.is_empty() {
        tree.null(Key::None, Span::default());
    }
    Artifact { derived, ..Artifact::new(Kind::Suppression, tree) }
}

/// Whether it is an entry of a configuration.
const IN_CONFIG: &str = "in_config";

const FIELDS: &[Field] = &[
    Field { name: "what", shape: Shape::Text, means: "the rules it names" },
    Field { name: "name", shape: Shape::Text, means: "the check, as the peer calls it" },
    Field { name: "reason", shape: Shape::Text, means: "the reason it gives, or nothing" },
    Field {
        name: "by",
        shape: Shape::Text,
        means: "whose form it has: `seaworthy`, a peer's name",
    },
    Field { name: "used", shape: Shape::Bool, means: "whether it covered a finding" },
    Field {
        name: "known",
        shape: Shape::Bool,
        means: "whether what it names is on and could be judged",
    },
    Field { name: "exists", shape: Shape::Bool, means: "false if the peer has no such check" },
    Field { name: "near", shape: Shape::Text, means: "the check that comes closest, if not" },
];

const fn view(name: &'static str, means: &'static str, select: Select) -> View {
    const IT: &[Field] =
        &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the comment" }];
    View { name, kind: Kind::Suppression, means, vars: IT, select }
}

/// The views.
pub const VIEWS: &[View] = &[
    view(
        "suppression.comment",
        "a comment `# seaworthy: allow …`, once the rest of the file is judged",
        Select::File(|artifact, emit| select(artifact, is_ours, emit)),
    ),
    view(
        "suppression.annotation",
        "an annotation or a comment of a peer in a manifest, once the rest of the file is judged",
        Select::File(|artifact, emit| select(artifact, |it| !is_ours(it) && !is_entry(it), emit)),
    ),
    view(
        "suppression.entry",
        "an entry of a peer's configuration that takes findings back, once all is judged",
        Select::File(|artifact, emit| select(artifact, is_entry, emit)),
    ),
    view(
        "suppression.check",
        "a check of a peer that an annotation or a configuration takes back",
        Select::File(|artifact, emit| select(artifact, |it| !is_ours(it), emit)),
    ),
];

fn is_ours(node: Node<'_>) -> bool {
    node.str("by") == Some("seaworthy")
}

fn is_entry(node: Node<'_>) -> bool {
    node.get(IN_CONFIG).and_then(Node::as_bool) == Some(true)
}

fn select<'a>(artifact: &'a Artifact, wanted: fn(Node<'_>) -> bool, emit: Emit<'_, 'a>) {
    for &id in &artifact.derived {
        let node = artifact.tree.node(id);
        if wanted(node) {
            emit(Subject { values: vec![Value::Node(node)], at: node, object: None });
        }
    }
}
