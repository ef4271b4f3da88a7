//! Seaworthy: one pass from a repository to a verdict on whether it is fit to ship.
//!
//! The modules stand in the order of their layers: each uses only those above it.

pub mod artifact;
pub mod document;
pub mod finding;
pub mod parse;
pub mod report;
pub mod repository;
pub mod rule;
pub mod source;
pub mod value;
