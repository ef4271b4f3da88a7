//! OpenAPI artifacts: descriptions of HTTP interfaces in the versions 2.0, 3.0, 3.1 and 3.2.
//!
//! What rules judge is collected once, when the file is read, in time proportional to it: lists of
//! records (operations, parameters, …) and of written nodes (schemas by type) are appended to the
//! tree. References are followed, never copied; places are where the author wrote. A description
//! that refers to other files is read together with them by [`render`].

mod bundle;
mod collect;
mod compare;
mod derive;
mod doubts;
mod refs;
mod schema;
mod structure;
mod tour;
mod views;

use super::{Artifact, Kind, Parsed, Role};
use crate::document::{Node, Problem, Tree};

pub use bundle::{may_refer, referred, render};
pub use compare::{BREAKING, Change, Comparison, compare};
pub use refs::{Refs, decoded, pointer};
pub use views::VIEWS;

/// Whether a YAML or JSON file is one, by what its documents say.
pub fn claims(tree: &Tree) -> bool {
    tree.documents().any(|root| Version::of(root).is_some())
}

/// Derives from the written tree what views need; not where other files belong to it: then it is a
/// part of what [`render`] makes.
pub fn parse(tree: Tree, problems: Vec<Problem>) -> Parsed {
    let role = if bundle::refers(&tree) { Role::Part } else { Role::Whole };
    let mut artifact = Artifact { role, ..Artifact::new(Kind::Openapi, tree) };
    let mut problems = problems;
    if role == Role::Whole {
        problems.extend(alone(&mut artifact));
    }
    Parsed { artifact: Some(artifact), problems }
}

/// Derives what views need, and leaves out what other files hold.
pub fn alone(artifact: &mut Artifact) -> Vec<Problem> {
    let (derived, problems) = derive::append(&mut artifact.tree, &[], &bundle::Unread::new());
    artifact.derived = derived;
    problems
}

/// The first document of a file that is one, and the version it follows: `(3, 1)`.
pub fn document(tree: &Tree) -> Option<(Node<'_>, (u8, u8))> {
    tree.documents().find_map(|root| {
        let version = Version::of(root)?;
        Some((root, (version.major, version.minor)))
    })
}

/// The version of OpenAPI that a document says it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    major: u8,
    minor: u8,
}

impl Version {
    fn of(root: Node<'_>) -> Option<Self> {
        let written = root.get("swagger").or_else(|| root.get("openapi"))?.written();
        let mut parts = written.trim_matches(['"', '\'']).split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        let key = if major == 2 { "swagger" } else { "openapi" };
        (matches!(major, 2 | 3) && root.get(key).is_some()).then_some(Self { major, minor })
    }
}

#[cfg(test)]
mod tests;
