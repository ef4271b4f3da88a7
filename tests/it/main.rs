//! The one integration test binary: the house, the rules, the command.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cli;
mod coverage;
mod fixtures;
mod house;
mod laws;
mod makefiles;
mod rules;
