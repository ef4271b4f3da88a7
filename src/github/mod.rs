//! What the action runs: one judgement of a change, told on every surface that GitHub offers.

pub mod event;
