//! Grammars: text to tree, no meaning.

pub mod json;
pub mod yaml;
