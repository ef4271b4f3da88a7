//! The command line.

#[cfg(feature = "github")]
use std::ffi::OsString;
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
    /// Judge a change in a job of GitHub Actions, and tell it there: what the action runs
    #[cfg(feature = "github")]
    Github(Box<Github>),
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
    /// The repository, a folder of it, one file, or `-` for standard input
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What standard input is called: its name says how it is read
    #[arg(long, value_name = "NAME", default_value = "stdin.yaml")]
    pub stdin_name: String,
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
    /// A coverage report of the state before the change, to compare with; may be repeated
    #[arg(long, value_name = "FILE")]
    pub base_coverage: Vec<PathBuf>,
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
    /// Whoever reads the report needs the fingerprints of its findings
    #[arg(skip)]
    pub fingerprints: bool,
}

impl Check {
    /// Whether somebody reads the fingerprints of findings.
    pub fn asks_for_fingerprints(&self) -> bool {
        let mut formats = self.output.iter().map(|it| it.0).chain([self.format]);
        self.fingerprints
            || self.new_since.is_some()
            || self.baseline.is_some()
            || formats.any(Format::has_fingerprints)
    }
}

impl Default for Check {
    fn default() -> Self {
        Cli::parse_from(["seaworthy"]).check
    }
}

/// What the action does. Each option is an input of the action, and may also be given as a variable:
/// `--fail-on` as SEAWORTHY_FAIL_ON.
#[cfg(feature = "github")]
#[derive(Args, Clone, Debug)]
pub struct Github {
    /// The folder to judge
    #[arg(long, default_value = ".")]
    pub path: PathBuf,
    /// The configuration, instead of .seaworthy/config.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A folder with rules of your own, beside .seaworthy/rules; one a line
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Which rules are on
    #[arg(long, value_parser = parse_profile, value_name = "default|strict|all")]
    pub profile: Option<Profile>,
    /// Only these rules: ids, globs, or what a peer calls them; separated by commas or lines
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// The least severity that blocks
    #[arg(long, value_enum)]
    pub fail_on: Option<FailOn>,
    /// Where configuration, own rules, readiness.toml and baseline of a change under review come from
    #[arg(long, value_enum, default_value = "base")]
    pub policy_from: PolicyFrom,
    /// Block only on what the change brings
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub new_only: bool,
    /// Block only on findings in lines or files that the change touches
    #[arg(long, value_enum, default_value = "off")]
    pub changed_only: ChangedOnly,
    /// Block only on what an earlier JSON report does not hold
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Where annotations go: workflow commands, the check run of the job, or first the one and then the other
    #[arg(long, value_enum, default_value = "auto")]
    pub annotations: Annotations,
    /// When to comment on the pull request
    #[arg(long, value_enum, default_value = "on-findings")]
    pub comment: Comment,
    /// Tells the comments of several runs on one pull request apart: legs of a matrix, parts of a monorepo
    #[arg(long, value_name = "KEY")]
    pub comment_key: Option<String>,
    /// Whose comments are ours, for the token of an app of your own: its login, such as my-app[bot]
    #[arg(long, value_name = "LOGIN")]
    pub comment_author: Option<String>,
    /// Post fixes as review suggestions
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set)]
    pub suggestions: bool,
    /// Write the summary of the job
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub summary: bool,
    /// Also write a SARIF report here
    #[arg(long, value_name = "FILE")]
    pub sarif_file: Option<PathBuf>,
    /// Write the JSON report here, instead of into the temporary folder of the job
    #[arg(long, value_name = "FILE")]
    pub json_file: Option<PathBuf>,
    /// Also write a JUnit report here
    #[arg(long, value_name = "FILE")]
    pub junit_file: Option<PathBuf>,
    /// Also write a GitLab code quality report here
    #[arg(long, value_name = "FILE")]
    pub gitlab_file: Option<PathBuf>,
    /// Save what there is to tell, for a job that may write (see --post), and write no comment
    #[arg(long, value_name = "FILE", conflicts_with = "post")]
    pub save: Option<PathBuf>,
    /// Judge nothing; comment what another run has saved, in a job that a workflow_run started
    #[arg(long, value_name = "FILE")]
    pub post: Option<PathBuf>,
}

/// Where the policy comes from.
#[cfg(feature = "github")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFrom {
    /// From what the change will be merged into: it cannot loosen what it is judged by.
    Base,
    /// From the change itself.
    Head,
}

/// What counts as touched by the change.
#[cfg(feature = "github")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChangedOnly {
    /// Everything.
    Off,
    /// Every line of the files it touches.
    Files,
    /// The lines it adds.
    Lines,
}

/// Where annotations go.
#[cfg(feature = "github")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Annotations {
    /// Commands, and the check run of the job for those that commands have no room for.
    Auto,
    /// Workflow commands: ten of each level.
    Commands,
    /// The check run of the job; commands where the token may not write there.
    Check,
    /// Nowhere.
    Off,
}

/// When there is a comment.
#[cfg(feature = "github")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Comment {
    /// When there is something to say; where it says something, until that is resolved.
    OnFindings,
    /// Always.
    Always,
    /// Never.
    Off,
}

/// The arguments of a process, with those of `seaworthy github` that stand in the environment.
#[cfg(feature = "github")]
pub fn with_environment(
    mut arguments: Vec<OsString>,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<OsString> {
    let command = <Cli as clap::CommandFactory>::command();
    let Some(command) = command.find_subcommand("github") else { return arguments };
    if arguments.get(1).is_none_or(|it| it != "github") {
        return arguments;
    }
    let given = arguments.clone();
    let is_given = |option: &str| {
        given.iter().filter_map(|it| it.to_str()).any(|it| it.split('=').next() == Some(option))
    };
    for argument in command.get_arguments() {
        let Some(name) = argument.get_long() else { continue };
        let option = format!("--{name}");
        let Some(value) = variable(&format!("SEAWORTHY_{}", name.replace('-', "_").to_uppercase()))
        else {
            continue;
        };
        let many = matches!(argument.get_action(), clap::ArgAction::Append);
        let values: Vec<_> = if many { value.lines().collect() } else { vec![&*value] };
        for value in values.iter().map(|it| it.trim()).filter(|it| !it.is_empty()) {
            if !is_given(&option) {
                arguments.push(format!("{option}={value}").into());
            }
        }
    }
    arguments
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
    #[value(alias = "notice")]
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

    #[cfg(feature = "github")]
    #[test]
    fn the_environment_gives_what_the_command_line_does_not() {
        let variable = |name: &str| {
            Some(match name {
                "SEAWORTHY_FAIL_ON" => "never".to_owned(),
                "SEAWORTHY_RULES" => "a b\n\n -c\n".to_owned(),
                "SEAWORTHY_SUMMARY" => "false".to_owned(),
                "SEAWORTHY_CONFIG" => String::new(),
                _ => return None,
            })
        };
        let read = |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsString::from).collect();
            Cli::parse_from(with_environment(arguments, variable))
        };
        let cli = read(&["seaworthy", "github", "--fail-on=warning"]);
        let Some(Command::Github(github)) = cli.command else { panic!("not github") };
        assert_eq!(github.fail_on, Some(FailOn::Warning));
        assert_eq!(github.rules, [PathBuf::from("a b"), PathBuf::from("-c")]);
        assert!(!github.summary && github.config.is_none());
        assert_eq!(read(&["seaworthy", "check"]).check.fail_on, None);
    }

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
