//! Kubernetes artifacts: how they are recognised, read and viewed.

use super::View;

/// The views.
pub const VIEWS: &[View] = &[];
