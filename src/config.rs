//! `.seaworthy/config.toml`: which rules are on, what blocks, where not to look.

use std::{collections::BTreeMap, path::Path};

use globset::{Glob, GlobSet, GlobSetBuilder};
use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::Deserialize;
use thiserror::Error;

use crate::{artifact::helm, cli::FailOn, finding::Severity, rule::Profile};

/// Where the configuration lies when `--config` names no other place.
pub const PATH: &str = ".seaworthy/config.toml";

/// The configuration of a repository. Everything is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// `default`, `strict` or `all`.
    pub profile: Option<Profile>,
    /// `error`, `warning`, `info` or `never`.
    pub fail_on: Option<FailOn>,
    /// Only these rules.
    #[serde(default)]
    pub select: Vec<String>,
    /// Not these rules.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Paths that are not looked at, as globs.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Another severity for a rule.
    #[serde(default)]
    pub severity: BTreeMap<String, Severity>,
    /// Other parameters for a rule.
    #[serde(default)]
    pub params: BTreeMap<String, toml::Table>,
    /// With which values charts are rendered. The renderer reads this itself.
    #[serde(default)]
    pub helm: helm::Settings,
}

/// Why a configuration cannot be used.
#[derive(Debug, Diagnostic, Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    label: Option<SourceSpan>,
    #[help]
    help: Option<String>,
}

impl Config {
    /// The configuration in `text`, which was read from `path`.
    ///
    /// # Errors
    /// With the place, when a key is unknown, a value has the wrong type or a glob is malformed.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Box<ConfigError>> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let message = error.message().to_owned();
            Box::new(ConfigError {
                help: Some("the keys are described in README.md, under \"Configuration\"".into()),
                message,
                source_code: NamedSource::new(path.display().to_string(), text.to_owned()),
                label: error.span().map(SourceSpan::from),
            })
        })?;
        config.globs().map_err(|error| {
            let at = error.glob().and_then(|glob| Some((text.find(glob)?, glob.len())));
            Box::new(ConfigError {
                message: format!("`exclude` holds a malformed glob: {}", error.kind()),
                source_code: NamedSource::new(path.display().to_string(), text.to_owned()),
                label: at.map(SourceSpan::from),
                help: None,
            })
        })?;
        Ok(config)
    }

    /// The paths that are not looked at.
    ///
    /// # Errors
    /// When a glob is malformed.
    pub fn globs(&self) -> Result<GlobSet, globset::Error> {
        let mut globs = GlobSetBuilder::new();
        for glob in &self.exclude {
            globs.add(Glob::new(glob)?);
        }
        globs.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_at_its_place() {
        let error =
            Config::parse(Path::new("c.toml"), "profile = \"all\"\nfial-on = 1\n").unwrap_err();
        assert!(error.message.contains("fial-on"), "{}", error.message);
        assert_eq!(error.label.map(|it| it.offset()), Some(16));
    }

    #[test]
    fn a_malformed_glob_is_an_error_at_its_place() {
        let error = Config::parse(Path::new("c.toml"), "exclude = [\"a[\"]\n").unwrap_err();
        assert_eq!(error.label.map(|it| it.offset()), Some(12));
    }
}
