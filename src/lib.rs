//! Seaworthy: one pass from a repository to a verdict on whether it is fit to ship.
//!
//! The modules stand in the order of their layers: each uses only those above it.

pub mod threads;
pub mod source;
pub mod date;
pub mod document;
pub mod value;
pub mod parse;
pub mod artifact;
pub mod patch;
pub mod repository;
pub mod finding;
pub mod rule;
pub mod checklist;
pub mod readiness;
pub mod discover;
pub mod facts;
pub mod spectral;
pub mod waive;
pub mod evaluate;
pub mod fix;
pub mod assess;
pub mod gate;
pub mod report;
pub mod examples;
pub mod inspect;
pub mod init;
pub mod git;
pub mod cli;
pub mod config;
pub mod policy;
pub mod run;
#[cfg(feature = "github")]
pub mod github;
