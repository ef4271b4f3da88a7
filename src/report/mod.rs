//! The report, and its faces: each format is a pure function from the report to text.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    assess::{ItemStatus, Score},
    document::Problem,
    finding::{Finding, Severity},
    gate::{self, Verdict},
    patch::PatchCoverage,
};

pub mod annotations;
pub mod checklist;
pub mod escape;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod terminal;

/// All that one run has to say.
#[derive(Clone, Debug)]
pub struct Report {
    /// The version of this program.
    pub version: String,
    /// Whether the repository is fit to ship.
    pub verdict: Verdict,
    /// What is wrong, sorted by place and rule; waived and old findings too.
    pub findings: Vec<Finding>,
    /// What could not be read or judged.
    pub problems: Vec<Problem>,
    /// Every item of the checklist, in its order.
    pub checklist: Vec<ItemStatus>,
    /// The numbers of the checklist.
    pub score: Score,
    /// What was read.
    pub inputs: Inputs,
    /// What coverage reports say, if there are any.
    pub coverage: Option<Coverage>,
    /// The least severity that blocks; none if nothing does.
    pub fail_on: Option<Severity>,
    /// How many findings block.
    pub blocking: usize,
    /// What the rules that found something say of themselves, by id.
    pub rules: BTreeMap<Arc<str>, RuleHelp>,
}

impl Report {
    /// Whether the finding keeps the verdict from being ready.
    pub fn blocks(&self, finding: &Finding) -> bool {
        gate::blocks(finding, self.fail_on)
    }
}

/// What the change under review does to the policy that it is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// The files of the policy that it adds, changes or removes, each with that word.
    pub files: Vec<(String, &'static str)>,
    /// How many findings would block by the edited policy; nothing where it cannot be used.
    pub blocking: Option<usize>,
}

impl PolicyChange {
    /// What the edited policy would say.
    fn then(&self) -> String {
        match self.blocking {
            None => "that of this change cannot be used".to_owned(),
            Some(0) => "by that of this change nothing would block".to_owned(),
            Some(n) => {
                let findings = terminal::counted(n, "finding");
                format!("by that of this change {findings} would block")
            }
        }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// How many files the repository has.
    pub files: usize,
    /// How many bytes of them were read.
    pub bytes: u64,
    /// How many artifacts of each kind there are.
    pub artifacts: BTreeMap<&'static str, usize>,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// The part.
    pub covered: u64,
    /// The whole.
    pub total: u64,
}

/// What coverage reports say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Of all lines.
    pub lines: Ratio,
    /// Of all branches, where reports look at them.
    pub branches: Option<Ratio>,
    /// Of the lines that the change under review adds.
    pub patch: Option<PatchCoverage>,
}

/// What a rule says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleHelp {
    /// The defect, in a few words.
    pub title: String,
    /// What goes wrong in production.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Where to read more.
    pub refs: Vec<String>,
    /// How bad it is unless configured otherwise.
    pub severity: Option<Severity>,
}

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Terminal,
    /// For programs; described by rules/report.schema.json.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// The text of the pull-request comment.
    Markdown,
    /// JUnit XML.
    Junit,
    /// GitLab code quality.
    Gitlab,
    /// One page.
    Html,
}

impl Format {
    /// Whether it tells the fingerprints of findings.
    pub fn has_fingerprints(self) -> bool {
        matches!(self, Self::Json | Self::Sarif | Self::Gitlab)
    }
}

/// How a terminal wants its text.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether it shows colours.
    pub color: bool,
    /// How many characters fit on a line.
    pub width: usize,
    /// The findings and the verdict, without hints.
    pub quiet: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 100, quiet: false }
    }
}

/// The report as text; it ends in a line break.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Terminal => terminal::render(report, style),
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report),
        Format::Github => annotations::render(report),
        Format::Markdown => markdown::comment(report, markdown::Frame::default()),
        Format::Junit => junit::render(report),
        Format::Gitlab => gitlab::render(report),
        Format::Html => html::render(report),
    }
}

#[cfg(test)]
pub(crate) mod sample;
