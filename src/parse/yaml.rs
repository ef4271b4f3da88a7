//! YAML to a span tree.

use crate::{
    document::{Problem, Tree},
    source::Source,
};

/// Reads every document of a YAML stream.
pub fn parse(source: Source) -> (Tree, Vec<Problem>) {
    (Tree::new(source), Vec::new())
}
