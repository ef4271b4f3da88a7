//! Kubernetes artifacts: how they are recognised, read and viewed.

use super::{Parsed, View};
use crate::document::{Problem, Tree};

/// Whether a YAML or JSON file is one, by what its documents say.
pub fn claims(_tree: &Tree) -> bool {
    false
}

/// Derives from the written tree what views need.
pub fn parse(_tree: Tree, problems: Vec<Problem>) -> Parsed {
    Parsed { artifact: None, problems }
}

/// The views.
pub const VIEWS: &[View] = &[];
