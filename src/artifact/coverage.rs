//! Coverage artifacts: how they are recognised, read and viewed.

use super::{Parsed, View};
use crate::source::Source;

pub mod format;
pub mod report;

pub use report::Report;

/// Whether the file is one, by its path and the start of its text.
pub fn recognise(_source: &Source) -> bool {
    false
}

/// Reads it.
pub fn parse(_source: Source) -> Parsed {
    Parsed::default()
}

/// The views.
pub const VIEWS: &[View] = &[];

/// What `seaworthy inspect` says of it.
pub fn inspect(_artifact: &super::Artifact) -> serde_json::Value {
    serde_json::Value::Null
}
