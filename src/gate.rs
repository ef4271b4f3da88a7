//! The gate: from what was found to the one answer.

use crate::finding::{Finding, Severity};

/// Is this fit to ship?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing blocks.
    Ready,
    /// Something blocks.
    NotReady,
    /// There was nothing to judge, which is not a pass.
    Nothing,
}

impl Verdict {
    /// The exit code of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::NotReady => 1,
            Self::Nothing => 3,
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::Nothing => "nothing",
        }
    }
}

/// Whether a finding blocks: bad enough, brought by the change, and answered for by nobody.
/// With no `fail_on` nothing blocks; a peer's configuration may say otherwise for its findings.
pub fn blocks(finding: &Finding, fail_on: Option<Severity>) -> bool {
    finding.new
        && finding.waived.is_none()
        && finding.blocks_from.unwrap_or(fail_on).is_some_and(|least| finding.severity >= least)
}

/// The verdict over `findings` in a repository with so many artifacts that make a service.
pub fn decide(findings: &[Finding], fail_on: Option<Severity>, artifacts: usize) -> Verdict {
    if findings.iter().any(|it| blocks(it, fail_on)) {
        Verdict::NotReady
    } else if artifacts == 0 {
        Verdict::Nothing
    } else {
        Verdict::Ready
    }
}
