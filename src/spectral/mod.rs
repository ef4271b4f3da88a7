//! Spectral's rulesets, run as they are.
//!
//! A repository's `.spectral.yaml` is read with everything it extends inside the repository. Its
//! own rules are evaluated over the documents below its folder; what it says about rules that are
//! built into Spectral holds for our equivalents of them. Nothing of it is executed.

mod builtin;
mod circle;
mod fault;
mod function;
mod js;
mod json;
mod lint;
mod load;
mod options;
mod path;
mod pattern;
mod plan;
mod schema;
mod team;

pub use team::{Ruled, Team, Teams};

#[cfg(test)]
mod tests;
