//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{finding::Severity, report::Format, rule::Profile};

/// Is this repository fit to ship?
///
/// Reads Dockerfiles, Kubernetes manifests, Makefiles, OpenAPI specs and coverage reports, judges
/// them against rule files, and says where they fall short. Exit codes: 0 ready, 1 not ready,
/// 2 no answer (usage, configuration, rule or I/O error), 3 nothing to judge.
#[derive(Debug, Parser)]
#[command(name = "seaworthy", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `check` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `check`.
    #[command(flatten)]
    pub check: Check,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a repository (the default)
    Check(Box<Check>),
    /// Say why a rule exists, what it finds, and how to mend it
    Explain {
        /// The rule's id, such as dockerfile/root-user, or what a peer calls it, such as hadolint:DL3002
        rule: String,
        /// How to print it
        #[arg(long, value_enum, default_value = "terminal")]
        format: Listing,
    },
    /// List the rules
    Rules {
        /// How to print them
        #[arg(long, value_enum, default_value = "terminal")]
        format: Listing,
        /// A folder with rules of your own, beside .seaworthy/rules
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Show the checklist of a repository, item by item
    Checklist(Box<Check>),
    /// Print the tree that rules see in a file, with its views
    Inspect {
        /// The file
        file: PathBuf,
        /// How to print it
        #[arg(long, value_enum, default_value = "terminal")]
        format: Listing,
    },
    /// Write a readiness.toml and a workflow to start from; nothing that exists is touched
    Init {
        /// The repository
        #[arg(default_value = ".")]
        path: PathBuf,
        /// How to print what was written
        #[arg(long, value_enum, default_value = "terminal")]
        format: Listing,
    },
    /// Run the examples of rule files
    Test {
        /// A folder of rules; the built-in ones if none is named
        rules: Option<PathBuf>,
        /// How to print the outcome
        #[arg(long, value_enum, default_value = "terminal")]
        format: Listing,
    },
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// For people.
    Terminal,
    /// For programs.
    Json,
}

/// What `check` judges, and how it answers.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// The repository, a folder of it, or one file
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// How to print the report
    #[arg(long, value_enum, default_value = "terminal")]
    pub format: Format,
    /// Also write the report to a file, in a format of its own; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_output)]
    pub output: Vec<(Format, PathBuf)>,
    /// Which rules are on
    #[arg(long, value_parser = parse_profile, value_name = "default|strict|all")]
    pub profile: Option<Profile>,
    /// Only these rules: ids, globs, or what a peer calls them (hadolint:DL3008); may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Not these rules; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// The least severity that blocks
    #[arg(long, value_enum)]
    pub fail_on: Option<FailOn>,
    /// Block only on what is new since this commit
    #[arg(long, value_name = "REF")]
    pub new_since: Option<String>,
    /// Block only on findings in lines or files that the change touches
    #[arg(long, value_enum, value_name = "lines|files")]
    pub changed: Option<Changed>,
    /// The change, as a unified diff, instead of asking git
    #[arg(long, value_name = "FILE")]
    pub diff: Option<PathBuf>,
    /// A changed line of which a branch was not taken is not covered
    #[arg(long)]
    pub branch_coverage: bool,
    /// Block only on what an earlier JSON report does not hold
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// A folder with rules of your own, beside .seaworthy/rules; may be repeated
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// First mend what can be mended with certainty, in the files
    #[arg(long)]
    pub fix: bool,
    /// The configuration, instead of .seaworthy/config.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read configuration, own rules, readiness.toml and baseline from this commit, not from the disk
    #[arg(long, value_name = "REF")]
    pub policy_from: Option<String>,
    /// Judge as of this day (YYYY-MM-DD), instead of today
    #[arg(long, value_name = "DATE")]
    pub now: Option<String>,
    /// No colours
    #[arg(long)]
    pub no_color: bool,
    /// Only the report: no progress, no hints
    #[arg(long, short)]
    pub quiet: bool,
    /// How many threads to use; as many as there are cores if not said
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// The least severity that blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
    /// Every finding.
    Info,
    /// Nothing.
    Never,
}

impl FailOn {
    /// The severity from which findings block; none if nothing does.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

/// What counts as touched by a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Changed {
    /// The lines it adds.
    Lines,
    /// Every line of the files it touches.
    Files,
}

fn parse_profile(text: &str) -> Result<Profile, String> {
    [Profile::Default, Profile::Strict, Profile::All]
        .into_iter()
        .find(|it| it.name() == text)
        .ok_or_else(|| "it is one of default, strict and all".to_owned())
}

fn parse_output(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("write it as FORMAT=FILE, json=report.json")?;
    Ok((Format::from_str(format, false)?, file.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_is_the_default() {
        let cli = Cli::parse_from(["seaworthy", "x", "--fail-on", "never"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.check.path, PathBuf::from("x"));
        let cli = Cli::parse_from(["seaworthy", "check", "--output", "json=r.json"]);
        let Some(Command::Check(check)) = cli.command else { panic!("not check") };
        assert_eq!(check.output, [(Format::Json, PathBuf::from("r.json"))]);
    }
}
