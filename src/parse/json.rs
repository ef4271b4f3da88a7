//! JSON to a span tree.

use crate::{
    document::{Problem, Tree},
    source::Source,
};

/// Reads a JSON text.
pub fn parse(source: Source) -> (Tree, Vec<Problem>) {
    (Tree::new(source), Vec::new())
}
