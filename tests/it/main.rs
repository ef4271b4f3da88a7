//! The one integration test binary: the house, the rules, the command.

mod house;
mod rules;
