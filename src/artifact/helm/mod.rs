//! Helm charts: how they are found, read and rendered in-process, without Helm.

pub mod chart;
mod data;
mod encode;
mod engine;
mod functions;
mod methods;
mod number;
mod output;
pub mod render;
mod semver;
mod template;
mod values;
