//! The comments that say not to report something, as something to be judged themselves.

use std::sync::Arc;

use super::{Artifact, Emit, Field, Kind, Select, Shape, Subject, Suppression, View};
use crate::{
    document::{Key, Tree},
    source::{Source, Span},
    value::Value,
};

/// The comments of one file. With each comes whether it covered a finding, and whether a rule that
/// it names was on.
pub fn artifact(source: &Arc<Source>, comments: &[(&Suppression, bool, bool)]) -> Artifact {
    let mut tree = Tree::new(source.clone());
    let mut derived = Vec::new();
    for (comment, used, known) in comments {
        let id = tree.open_map(Key::None, comment.place);
        tree.text(Key::Text("what"), &comment.what, comment.place);
        tree.text(Key::Text("reason"), &comment.reason, comment.place);
        tree.text(Key::Text("by"), comment.by, comment.place);
        tree.bool(Key::Text("used"), *used, comment.place);
        tree.bool(Key::Text("known"), *known, comment.place);
        tree.close(id);
        derived.push(id);
    }
    if tree.nodes.is_empty() {
        tree.null(Key::None, Span::default());
    }
    Artifact { derived, ..Artifact::new(Kind::Suppression, tree) }
}

const FIELDS: &[Field] = &[
    Field { name: "what", shape: Shape::Text, means: "the rules it names" },
    Field { name: "reason", shape: Shape::Text, means: "the reason it gives, or nothing" },
    Field {
        name: "by",
        shape: Shape::Text,
        means: "whose form it has: `seaworthy`, a peer's name",
    },
    Field { name: "used", shape: Shape::Bool, means: "whether it covered a finding" },
    Field { name: "known", shape: Shape::Bool, means: "whether a rule it names is on" },
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
        Select::File(|artifact, emit| select(artifact, |by| by == "seaworthy", emit)),
    ),
    view(
        "suppression.annotation",
        "an annotation or a comment of a peer in a manifest, once the rest of the file is judged",
        Select::File(|artifact, emit| select(artifact, |by| by != "seaworthy", emit)),
    ),
];

fn select<'a>(artifact: &'a Artifact, wanted: fn(&str) -> bool, emit: Emit<'_, 'a>) {
    for &id in &artifact.derived {
        let node = artifact.tree.node(id);
        if wanted(node.str("by").unwrap_or_default()) {
            emit(Subject { values: vec![Value::Node(node)], at: node, object: None });
        }
    }
}
