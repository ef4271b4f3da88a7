//! The GitHub side from outside: whole runs against a local server, GitHub's published description
//! as judge of every request, hostile repositories, and the action under `act`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod act;
mod action;
mod contract;
mod failures;
mod hostile;
mod job;
mod oracle;
mod prism;
mod requests;
mod runner;
mod server;
