//! LCOV's `info` files: lcov 1 and 2, and the dialects of coverage.py, Istanbul and LLVM.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use crate::{
    document::Trouble,
    parse::xml::{Fault, whole},
    source::Span,
};

use super::report::{Builder, Count, Line, MAX_LINE};

/// A branch or a function: its file, its line (0 for functions), what tells it from its
/// neighbours, and whether it ran.
type Item = (u32, u32, u64, bool);

/// Reads a report. Records that cannot be read are left out.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut reader = Reader::default();
    reader.lines(text, out);
    reader.end(text.len(), out)
}

/// A report as far as it was read.
#[derive(Default)]
pub struct Reader {
    file: Option<usize>,
    open: bool,
    branches: Vec<Item>,
    functions: Vec<Item>,
    /// Functions of this section by their number, as lcov 2.2 and later name them.
    numbered: Vec<(u64, u64)>,
    lines: Option<Count>,
    branch_sum: Option<Count>,
    function_sum: Option<Count>,
}

impl Reader {
    /// Reads further lines, all of them whole.
    pub fn lines(&mut self, text: &str, out: &mut Builder) {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let line = &rest[..length];
            self.record(line.strip_suffix("\r").unwrap_or(line), at as u32, out);
            at += length + 1;
        }
    }

    /// Counts what was read; the text ends at `offset`.
    pub fn end(&mut self, offset: usize, out: &mut Builder) -> Result<(), Fault> {
        self.finish(out);
        if self.open {
            let reason = "the report breaks off: the last file has no end_of_record".to_owned();
            return Err(Fault { offset: offset as u32, reason });
        }
        Ok(())
    }

    fn record(&mut self, line: &str, offset: u32, out: &mut Builder) {
        if let Some(value) = line.strip_prefix("DA:") {
            return self.line(value, offset, out);
        }
        let Some((name, value)) = line.split_once(':') else {
            if line.trim() == "end_of_record" {
                self.open = false;
                self.file = None;
            }
            return;
        };
        match name {
            "BRDA" => self.branch(value),
            "SF" => {
                let span = Span { start: offset, end: offset + line.len() as u32 };
                self.file = out.file(value.trim(), span);
                self.open = true;
                self.numbered.clear();
            }
            "FN" => {
                let name = value.splitn(3, ',').last().unwrap_or_default();
                // `FN:start,end,name` has an end since lcov 2; a name is no number.
                let name = match value.split_once(',').and_then(|(_, it)| it.split_once(',')) {
                    Some((end, name)) if end.bytes().all(|it| it.is_ascii_digit()) => name,
                    Some(_) => value.split_once(',').map_or("", |(_, it)| it),
                    None => name,
                };
                self.function(hash(name), false);
            }
            "FNDA" => {
                let (hits, name) = value.split_once(',').unwrap_or((value, ""));
                self.function(hash(name), ran(hits));
            }
            "FNL" => {
                let (number, start) = value.split_once(',').unwrap_or((value, ""));
                let start = start.split(',').next().unwrap_or_default();
                self.numbered.push((hash(number), hash(start)));
                self.function(hash(start), false);
            }
            "FNA" => {
                let mut fields = value.splitn(3, ',');
                let number = hash(fields.next().unwrap_or_default());
                let ran = ran(fields.next().unwrap_or_default());
                let known = self.numbered.iter().rev().find(|it| it.0 == number).copied();
                self.function(known.map_or(number, |it| it.1), ran);
            }
            "LF" => total(&mut self.lines, value),
            "LH" => covered(&mut self.lines, value),
            "BRF" => total(&mut self.branch_sum, value),
            "BRH" => covered(&mut self.branch_sum, value),
            "FNF" => total(&mut self.function_sum, value),
            "FNH" => covered(&mut self.function_sum, value),
            _ => {}
        }
    }

    fn line(&mut self, value: &str, offset: u32, out: &mut Builder) {
        let field = |text: &str| memchr::memchr(b',', text.as_bytes());
        let parts = field(value).map(|at| (&value[..at], &value[at + 1..]));
        match parts.and_then(|(number, hits)| Some((whole(number)?, hits))) {
            Some((number, hits)) => {
                let hits = &hits[..field(hits).unwrap_or(hits.len())];
                out.line(self.file, number, ran(hits), offset);
            }
            None => {
                out.complain(offset, Trouble::Syntax, format!("`DA:{value}` is not a line record"))
            }
        }
    }

    /// `BRDA:line,block,branch,taken`, where the branch may be any text, with commas in it.
    fn branch(&mut self, value: &str) {
        let Some((line, rest)) = value.split_once(',') else { return };
        let Some((place, taken)) = rest.rsplit_once(',') else { return };
        let number = whole(line).filter(|it| (1..=MAX_LINE).contains(it));
        if let (Some(number), Some(file)) = (number, self.file) {
            self.branches.push((file as u32, number as u32, hash(place), ran(taken)));
        }
    }

    fn function(&mut self, which: u64, ran: bool) {
        if let Some(file) = self.file {
            self.functions.push((file as u32, 0, which, ran));
        }
    }

    /// The same branch or function may be recorded by several tests: it counts once.
    fn finish(&mut self, out: &mut Builder) {
        for (file, _, _, ran) in once(&mut self.functions) {
            out.function(Some(*file as usize), *ran);
        }
        let mut rest = once(&mut self.branches);
        while let Some(&(file, line, _, _)) = rest.first() {
            let end = rest.partition_point(|it| (it.0, it.1) <= (file, line));
            let covered = rest[..end].iter().filter(|it| it.3).count();
            if let Some(found) = out.get(Some(file as usize)) {
                let count = Count::new(covered as u64, end as u64);
                found.lines.push(Line::of_branches(line, count));
            }
            rest = &rest[end..];
        }
        let declared = out.declared();
        declared.lines = self.lines;
        declared.branches = self.branch_sum;
        declared.functions = self.function_sum;
    }
}

/// The items in order, each once; one ran if any record of it says so.
fn once(items: &mut Vec<Item>) -> &[Item] {
    items.sort_unstable();
    items.dedup_by(|later, first| {
        let same = (later.0, later.1, later.2) == (first.0, first.1, first.2);
        if same {
            first.3 |= later.3;
        }
        same
    });
    items
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.trim().hash(&mut hasher);
    hasher.finish()
}

/// Whether a counter says that something ran: `-` is "never reached", a negative one an overflow
/// of nothing that helps.
fn ran(hits: &str) -> bool {
    whole(hits).is_some_and(|it| it > 0)
}

fn total(sum: &mut Option<Count>, value: &str) {
    let sum = sum.get_or_insert_default();
    sum.total = sum.total.saturating_add(whole(value).unwrap_or_default());
}

fn covered(sum: &mut Option<Count>, value: &str) {
    let sum = sum.get_or_insert_default();
    sum.covered = sum.covered.saturating_add(whole(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str) -> (Report, Option<Fault>) {
        let mut out = Builder::new(Format::Lcov, text.len());
        let fault = read(text, &mut out).err();
        (out.finish().0, fault)
    }

    #[test]
    fn sections_of_one_file_are_one_file() {
        let text = "TN:a\nSF:x.c\nFN:1,f\nFNDA:0,f\nDA:1,0\nDA:2,3,abc\nend_of_record\n\
                    TN:b\r\nSF:x.c\r\nFN:1,4,f\r\nFNDA:2,f\r\nDA:1,1e+20\r\nDA:3,-5\r\nend_of_record\r\n";
        let (report, fault) = report(text);
        assert_eq!((report.files.len(), fault), (1, None));
        assert_eq!(report.lines, Count::new(2, 3));
        assert_eq!(report.functions, Some(Count::new(1, 1)));
        assert_eq!(report.branches, None);
    }

    #[test]
    fn branches_of_all_dialects_are_told_apart() {
        let text = "SF:a.py\nDA:1,1\nBRDA:1,0,jump to line 3,1\nBRDA:1,0,jump to line 12,-\n\
                    BRDA:9,f0,0,1\nBRDA:9,e0,0,0\nBRDA:9,f0,0,0\nLF:1\nLH:1\nBRF:4\nBRH:2\nend_of_record\n";
        let (report, _) = report(text);
        assert_eq!(report.branches, Some(Count::new(2, 4)));
        assert_eq!(report.lines, Count::new(1, 1));
        assert_eq!(report.declared.branches, report.branches);
    }

    #[test]
    fn functions_with_several_names_count_once() {
        let text = "SF:a.h\nFNL:0,2,2\nFNA:0,0,f_int\nFNA:0,1,f_double\nFNL:1,3,4\nFNA:1,0,g\nend_of_record\n";
        assert_eq!(report(text).0.functions, Some(Count::new(1, 2)));
    }

    #[test]
    fn a_report_that_breaks_off_keeps_what_it_has() {
        let (report, fault) = report("SF:a.c\nDA:1,1\nDA:2");
        assert_eq!(report.lines, Count::new(1, 1));
        assert_eq!(fault.map(|it| it.offset), Some(18));
    }
}
