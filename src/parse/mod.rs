//! Grammars: text to tree, no meaning.

pub mod dockerfile;
pub mod gzip;
pub mod image;
pub mod ini;
pub mod joined;
pub mod json;
mod keys;
pub mod makefile;
pub mod pull;
pub mod put;
pub mod python;
pub mod shell;
pub mod toml;
pub mod xml;
pub mod yaml;
