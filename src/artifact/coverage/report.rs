//! What every coverage report comes down to: files, their lines, and how many of them ran.

use std::collections::HashMap;

use crate::{
    date::Date,
    document::Trouble,
    parse::pull::{Flow, Pull},
    source::Span,
};

use super::format::Format;

/// The highest line number that is believed. No honest file is longer, and a hostile one must not
/// make anything of its size.
pub const MAX_LINE: u64 = 10_000_000;

/// How many lines a report may hold beyond one per byte: formats that name ranges of lines must not
/// make much of little.
const SPARE_LINES: usize = 2_000_000;

/// How many problems of one report are said.
const MAX_TROUBLES: usize = 20;

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
    /// Reads an object with `covered` and, under the key `whole`, how many there are; nothing where
    /// one of the two is missing.
    pub fn read(pull: &mut Pull<'_>, whole: &str) -> Flow<Option<Self>> {
        let (mut covered, mut total) = (None, None);
        pull.map(|pull, key| {
            match &*key {
                "covered" => covered = pull.whole()?,
                key if key == whole => total = pull.whole()?,
                _ => pull.skip()?,
            }
            Ok(())
        })?;
        Ok(covered.zip(total).map(|(covered, total)| Self::new(covered, total)))
    }

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
    fn merge(self, other: Self) -> Self {
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
    /// The lines as the report counts them, for formats that do not say which ones.
    pub stated: Option<Count>,
    /// The stated count is right and the lines are more than it: some that ran cannot be missed.
    pub stated_wins: bool,
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
    /// When it was made, in seconds since 1970, where it says so.
    pub made: Option<i64>,
    /// The lines of all files.
    pub lines: Count,
    /// The branches of all files.
    pub branches: Option<Count>,
    /// The functions of all files.
    pub functions: Option<Count>,
    /// The statements of all files.
    pub statements: Option<Count>,
}

/// Trouble with a report: where, what kind, and what it is.
pub type Complaint = (u32, Trouble, String);

/// Collects what a reader of a format finds.
pub struct Builder {
    report: Report,
    by_path: HashMap<String, usize>,
    budget: usize,
    exhausted: bool,
    complaints: Vec<Complaint>,
}

impl Builder {
    /// A report of `format` without files, from a text of `bytes` bytes.
    pub fn new(format: Format, bytes: usize) -> Self {
        let report = Report {
            format,
            roots: Vec::new(),
            files: Vec::new(),
            declared: Declared::default(),
            made: None,
            lines: Count::default(),
            branches: None,
            functions: None,
            statements: None,
        };
        let budget = bytes.saturating_add(SPARE_LINES);
        Self { report, by_path: HashMap::new(), budget, exhausted: false, complaints: Vec::new() }
    }

    /// Says what is wrong at a byte; only the first few complaints are kept.
    pub fn complain(&mut self, offset: u32, kind: Trouble, reason: impl Into<String>) {
        if self.complaints.len() < MAX_TROUBLES {
            self.complaints.push((offset, kind, reason.into()));
        }
    }

    /// A folder that the paths start from.
    pub fn root(&mut self, path: &str) {
        let known = self.report.roots.iter().any(|it| it == path);
        if !path.is_empty() && !known && self.report.roots.len() < 1000 {
            self.report.roots.push(path.to_owned());
        }
    }

    /// What the report says of the whole.
    pub fn declared(&mut self) -> &mut Declared {
        &mut self.report.declared
    }

    /// When the report was made: seconds or milliseconds since 1970, as tools write them. What is
    /// no time of this century is not believed.
    pub fn made(&mut self, written: &str) {
        let number = written.trim().split('.').next().and_then(|it| it.parse::<i64>().ok());
        let seconds = number.map(|it| if it > 100_000_000_000 { it / 1000 } else { it });
        let believed = seconds.filter(|it| (946_684_800..4_102_444_800).contains(it));
        self.report.made = self.report.made.max(believed);
    }

    /// The day on which the report was made, at the start of an ISO 8601 time.
    pub fn made_on(&mut self, written: &str) {
        let day = written.get(..10).and_then(|it| it.parse::<Date>().ok());
        let seconds = day.map(|it| it.since(Date::at_second(0)) * 86_400);
        seconds.into_iter().for_each(|it| self.made(&it.to_string()));
    }

    /// The number of a file, which is the same for the same path; nothing when there are too many.
    pub fn file(&mut self, path: &str, span: Span) -> Option<usize> {
        if let Some(&at) = self.by_path.get(path) {
            return Some(at);
        }
        let at = self.report.files.len();
        if at == MAX_FILES {
            let reason =
                format!("the report names more than {MAX_FILES} files; the rest is left out");
            self.complain(span.start, Trouble::Limit, reason);
            return None;
        }
        self.by_path.insert(path.to_owned(), at);
        self.report.files.push(File { path: path.to_owned(), span, ..File::default() });
        Some(at)
    }

    /// How many files and complaints there are so far, for [`places`](Self::places).
    pub fn placed(&self) -> (usize, usize) {
        (self.report.files.len(), self.complaints.len())
    }

    /// Where files and complaints stand that were added since.
    pub fn places(&self, since: (usize, usize)) -> impl Iterator<Item = u32> {
        let files = self.report.files[since.0..].iter().map(|it| it.span.start);
        files.chain(self.complaints[since.1..].iter().map(|it| it.0))
    }

    /// Moves the places of files and complaints that were added since.
    pub fn relocate(&mut self, since: (usize, usize), to: impl Fn(Span) -> Span) {
        for file in &mut self.report.files[since.0..] {
            file.span = to(file.span);
        }
        for complaint in &mut self.complaints[since.1..] {
            complaint.0 = to(Span { start: complaint.0, end: complaint.0 }).start;
        }
    }

    /// The number of a file that the report named already.
    pub fn known(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// A file by its number.
    pub fn get(&mut self, file: Option<usize>) -> Option<&mut File> {
        self.report.files.get_mut(file?)
    }

    /// A line of a file that ran or did not, as said at a byte of the report. Line 0 is nowhere.
    pub fn line(&mut self, file: Option<usize>, number: u64, ran: bool, offset: u32) {
        self.push(file, number, offset, |it| Line::new(it, ran));
    }

    /// The branches that start on a line.
    pub fn branches(&mut self, file: Option<usize>, number: u64, count: Count, offset: u32) {
        if count.total > 0 {
            self.push(file, number, offset, |it| Line::of_branches(it, count));
        }
    }

    /// Lines `first` to `last` of a file, both included.
    pub fn range(&mut self, file: Option<usize>, lines: (u64, u64), ran: bool, offset: u32) {
        for number in lines.0..=lines.1.max(lines.0).min(MAX_LINE + 1) {
            self.line(file, number, ran, offset);
            if self.budget == 0 {
                break;
            }
        }
    }

    fn push(&mut self, file: Option<usize>, number: u64, at: u32, make: impl Fn(u32) -> Line) {
        if number > MAX_LINE {
            let reason = format!("line {number} is beyond {MAX_LINE} and not believed");
            return self.complain(at, Trouble::Limit, reason);
        }
        if number == 0 {
            return;
        }
        if self.budget == 0 {
            if std::mem::replace(&mut self.exhausted, true) {
                return;
            }
            let reason = "the report names more lines than its size can hold; the rest is left out";
            return self.complain(at, Trouble::Limit, reason);
        }
        self.budget -= 1;
        if let Some(file) = self.get(file) {
            file.lines.push(make(number as u32));
        }
    }

    /// A function of a file that ran or did not.
    pub fn function(&mut self, file: Option<usize>, ran: bool) {
        if let Some(file) = self.get(file) {
            file.functions.get_or_insert_default().add(ran);
        }
    }

    /// Statements of a file, all of which ran or did not.
    pub fn statements(&mut self, file: Option<usize>, count: u64, ran: bool) {
        if let Some(file) = self.get(file) {
            let covered = if ran { count } else { 0 };
            let statements = file.statements.get_or_insert_default();
            *statements = statements.plus(Count::new(covered, count));
        }
    }

    /// The report, counted, and what was wrong with it.
    pub fn finish(self) -> (Report, Vec<Complaint>) {
        let (mut report, mut complaints) = (self.report, self.complaints);
        report.files.iter_mut().for_each(settle);
        report.count();
        complaints.sort();
        complaints.dedup();
        (report, complaints)
    }
}

/// Puts the lines of a file in order, each once, and counts them.
fn settle(file: &mut File) {
    if !file.lines.is_sorted_by(|a, b| a.number() < b.number()) {
        file.lines.sort_by_key(|it| it.number());
        file.lines.dedup_by(|later, first| {
            let same = later.number() == first.number();
            if same {
                *first = first.merge(*later);
            }
            same
        });
    }
    file.lines.shrink_to_fit();
    let mut branches = Count::default();
    for line in &file.lines {
        if line.executable() {
            file.counted.add(line.covered());
        }
        branches = branches.plus(line.branches());
    }
    if branches.total > 0 {
        file.branches = Some(branches);
    }
    if file.counted.total == 0 || file.stated_wins {
        file.counted = file.stated.unwrap_or_default();
    }
}

impl Report {
    /// Adds up the files. Where the format names none, what it declares stands.
    fn count(&mut self) {
        let sum =
            |of: fn(&File) -> Option<Count>| self.files.iter().filter_map(of).reduce(Count::plus);
        let (branches, functions) = (sum(|it| it.branches), sum(|it| it.functions));
        let (statements, lines) = (sum(|it| it.statements), sum(|it| Some(it.counted)));
        self.branches =
            branches.or(if self.files.is_empty() { self.declared.branches } else { None });
        self.functions =
            functions.or(if self.files.is_empty() { self.declared.functions } else { None });
        self.statements =
            statements.or(if self.files.is_empty() { self.declared.statements } else { None });
        self.lines = match lines {
            Some(lines) => lines,
            None => self.declared.lines.unwrap_or_default(),
        };
    }

    /// By how many points the share of lines that the report declares is away from the counted
    /// one; nothing where it declares none or nothing was counted.
    pub fn drift(&self) -> Option<f64> {
        let declared = self.declared.lines.and_then(Count::percent).or(self.declared.percent)?;
        Some((declared - self.lines.percent()?).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_cut_and_never_rounded_up() {
        let shown = |covered, total| Count { covered, total }.display();
        assert_eq!(shown(79_999, 100_000), "79.99");
        assert_eq!(shown(1, 2), "50");
        assert_eq!(shown(1, 8), "12.5");
        assert_eq!(shown(201, 10_000), "2.01");
        assert_eq!(shown(0, 0), "nothing");
        assert_eq!(Count::new(5, 3), Count { covered: 3, total: 3 });
    }

    #[test]
    fn one_line_counts_once_however_often_it_is_named() {
        let mut out = Builder::new(Format::Lcov, 100);
        let file = out.file("a", Span::default());
        assert_eq!(out.file("a", Span::new(5, 6)), file);
        for (number, ran) in [(3, false), (1, true), (3, true), (2, false), (0, true)] {
            out.line(file, number, ran, 0);
        }
        out.branches(file, 3, Count::new(1, 2), 0);
        let (report, complaints) = out.finish();
        assert_eq!((report.lines, report.branches), (Count::new(2, 3), Some(Count::new(1, 2))));
        assert_eq!(report.files[0].line(3).map(|it| it.branches()), Some(Count::new(1, 2)));
        assert_eq!((report.files[0].line(4), complaints), (None, vec![]));
    }

    #[test]
    fn a_few_bytes_do_not_make_millions_of_lines_and_no_line_is_huge() {
        let mut out = Builder::new(Format::Lcov, 10);
        let file = out.file("a", Span::default());
        for _ in 0..100 {
            out.range(file, (1, MAX_LINE), true, 0);
        }
        out.line(file, 1_000_000_000_000_000_000, true, 7);
        let (report, complaints) = out.finish();
        assert!(report.lines.total <= SPARE_LINES as u64 + 10);
        assert_eq!(complaints.len(), 2);
    }
}
