//! Grammars: text to tree, no meaning.

pub mod json;
mod keys;
pub mod yaml;
