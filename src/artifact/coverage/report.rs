//! What every coverage report comes down to: files, their lines, and how many of them ran.

use crate::source::Span;

use super::format::Format;

/// The highest line number that is believed. No honest file is longer, and a hostile one must not
/// make anything of its size.
pub const MAX_LINE: u64 = 10_000_000;

/// How many lines one report may hold, over all its files.
pub const MAX_LINES: usize = 50_000_000;

/// How many files one report may name.
pub const MAX_FILES: usize = 1_000_000;

/// How many of how many: always whole numbers, so that nothing is rounded up to a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many ran.
    pub covered: u64,
    /// How many there are.
    pub total: u64,
}

impl Count {
    /// `covered` of `total`; a report that says more ran than there are is not believed.
    pub fn new(covered: u64, total: u64) -> Self {
        Self { covered: covered.min(total), total }
    }

    /// One more, which ran or did not.
    pub fn add(&mut self, ran: bool) {
        self.covered += u64::from(ran);
        self.total += 1;
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            covered: self.covered.saturating_add(other.covered),
            total: self.total.saturating_add(other.total),
        }
    }

    /// The share in percent; nothing if there is nothing to cover.
    pub fn percent(self) -> Option<f64> {
        (self.total > 0).then(|| self.covered as f64 * 100.0 / self.total as f64)
    }

    /// The share in percent with two digits, cut and never rounded up: 79.999 is `79.99`.
    pub fn display(self) -> String {
        if self.total == 0 {
            return "nothing".to_owned();
        }
        let hundredths = u128::from(self.covered) * 10_000 / u128::from(self.total);
        match (hundredths / 100, hundredths % 100) {
            (whole, 0) => whole.to_string(),
            (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
            (whole, part) => format!("{whole}.{part:02}"),
        }
    }
}

const EXECUTABLE: u32 = 1 << 31;
const COVERED: u32 = 1 << 30;
const NUMBER: u32 = COVERED - 1;

/// One line of a file as a report sees it, in eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    packed: u32,
    taken: u16,
    branches: u16,
}

impl Line {
    /// An executable line.
    pub fn new(number: u32, covered: bool) -> Self {
        let covered = if covered { COVERED } else { 0 };
        Self { packed: number & NUMBER | EXECUTABLE | covered, taken: 0, branches: 0 }
    }

    /// Branches that start on a line, of which nothing else is known.
    pub fn of_branches(number: u32, branches: Count) -> Self {
        Self { packed: number & NUMBER, taken: 0, branches: 0 }.with_branches(branches)
    }

    /// The line with its branches.
    pub fn with_branches(self, branches: Count) -> Self {
        let small = |it: u64| u16::try_from(it).unwrap_or(u16::MAX);
        Self { taken: small(branches.covered), branches: small(branches.total), ..self }
    }

    /// Its number, from 1.
    pub fn number(self) -> u32 {
        self.packed & NUMBER
    }

    /// Whether there is something on it that can run.
    pub fn executable(self) -> bool {
        self.packed & EXECUTABLE != 0
    }

    /// Whether it ran.
    pub fn covered(self) -> bool {
        self.packed & COVERED != 0
    }

    /// The branches that start on it.
    pub fn branches(self) -> Count {
        Count { covered: u64::from(self.taken), total: u64::from(self.branches) }
    }

    /// Two records of one line: it ran if either says so. Branches are not added up, because the
    /// records mostly see the same ones; the record that sees more of them is believed.
    pub fn merge(self, other: Self) -> Self {
        let (taken, branches) = (self.taken, self.branches).max((other.taken, other.branches));
        let branches = branches.max(self.branches).max(other.branches);
        Self { packed: self.packed | other.packed, taken, branches }
    }
}

/// One file of a report.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The file as the report names it.
    pub path: String,
    /// Where the report starts to speak of it.
    pub span: Span,
    /// What it says of its lines, by number, each once; empty in a format that only has totals.
    pub lines: Vec<Line>,
    /// The lines, counted.
    pub counted: Count,
    /// The branches; none where the report does not look at branches.
    pub branches: Option<Count>,
    /// The functions; none where the report does not look at functions.
    pub functions: Option<Count>,
    /// The statements; none where the report does not look at statements.
    pub statements: Option<Count>,
}

impl File {
    /// What the report says of a line.
    pub fn line(&self, number: u32) -> Option<Line> {
        let at = self.lines.binary_search_by_key(&number, |it| it.number()).ok()?;
        self.lines.get(at).copied()
    }
}

/// What a report says of the whole, in its own words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Declared {
    /// Lines, where it gives both numbers.
    pub lines: Option<Count>,
    /// The share of lines in percent, where it gives only that.
    pub percent: Option<f64>,
    /// Branches.
    pub branches: Option<Count>,
    /// Functions.
    pub functions: Option<Count>,
    /// Statements.
    pub statements: Option<Count>,
}

/// A report, read.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its format.
    pub format: Format,
    /// The folders its paths start from, as it names them.
    pub roots: Vec<String>,
    /// Its files, in its order, each path once.
    pub files: Vec<File>,
    /// What it says of the whole.
    pub declared: Declared,
    /// The lines of all files.
    pub lines: Count,
    /// The branches of all files.
    pub branches: Option<Count>,
    /// The functions of all files.
    pub functions: Option<Count>,
    /// The statements of all files.
    pub statements: Option<Count>,
}
