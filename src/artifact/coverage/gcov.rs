//! The JSON of gcov and of gcovr, gcovr's summary, and Xcode's `xccov` report.

use crate::{
    parse::{
        pull::{Flow, Pull},
        xml::Fault,
    },
    source::Span,
};

use super::report::{Builder, Count};

/// Reads a report of gcov or gcovr. One line is recorded once for every instance of a template.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, key| match &*key {
        "current_working_directory" => {
            if let Some(folder) = pull.text()? {
                out.root(&folder);
            }
            Ok(())
        }
        "files" => pull.list(|pull| file(pull, out)),
        _ => pull.skip(),
    })
}

fn file(pull: &mut Pull<'_>, out: &mut Builder) -> Flow {
    let start = pull.peek().map(|_| pull.offset())?;
    // The name may come after the lines.
    let path = {
        let (mut ahead, mut path) = (pull.clone(), None);
        let found = ahead.map(|pull, key| {
            match &*key {
                "file" | "filename" if path.is_none() => path = pull.text()?,
                _ => pull.skip()?,
            }
            Ok(())
        });
        found.ok();
        path
    };
    let Some(path) = path else { return pull.skip() };
    let number = out.file(&path, Span::new(start, start + 1));
    pull.map(|pull, key| match &*key {
        "lines" => pull.list(|pull| line(pull, number, out)),
        "functions" => pull.list(|pull| {
            let (mut ran, mut left_out) = (None, false);
            pull.map(|pull, key| {
                match &*key {
                    "execution_count" => ran = pull.whole()?,
                    "gcovr/excluded" => left_out = pull.bool()?.unwrap_or_default(),
                    _ => pull.skip()?,
                }
                Ok(())
            })?;
            if let (Some(ran), false) = (ran, left_out) {
                out.function(number, ran > 0);
            }
            Ok(())
        }),
        _ => pull.skip(),
    })
}

fn line(pull: &mut Pull<'_>, file: Option<usize>, out: &mut Builder) -> Flow {
    let (mut number, mut hits, mut branches, mut left_out) = (None, None, Count::default(), false);
    let at = pull.offset() as u32;
    pull.map(|pull, key| {
        match &*key {
            "line_number" => number = pull.whole()?,
            "count" => hits = pull.whole()?,
            "gcovr/noncode" | "gcovr/excluded" => left_out |= pull.bool()?.unwrap_or_default(),
            "branches" => pull.list(|pull| {
                let (mut ran, mut left_out) = (false, false);
                pull.map(|pull, key| {
                    match &*key {
                        "count" => ran = pull.whole()?.is_some_and(|it| it > 0),
                        "gcovr/excluded" => left_out = pull.bool()?.unwrap_or_default(),
                        _ => pull.skip()?,
                    }
                    Ok(())
                })?;
                if !left_out {
                    branches.add(ran);
                }
                Ok(())
            })?,
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    if let (Some(number), Some(hits), false) = (number, hits, left_out) {
        out.line(file, number, hits > 0, at);
        out.branches(file, number, branches, at);
    }
    Ok(())
}

/// Reads gcovr's summary: totals by file.
pub fn summary(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut whole = Totals::default();
    let result = Pull::new(text).map(|pull, key| match &*key {
        "files" => pull.list(|pull| {
            let start = pull.peek().map(|_| pull.offset())?;
            let (mut path, mut totals) = (None, Totals::default());
            pull.map(|pull, key| match &*key {
                "filename" => {
                    path = pull.text()?;
                    Ok(())
                }
                _ => totals.read(pull, &key),
            })?;
            let file = path.and_then(|it| out.file(&it, Span::new(start, start + 1)));
            if let Some(file) = out.get(file) {
                (file.stated, file.branches, file.functions) = totals.counts();
            }
            Ok(())
        }),
        _ => whole.read(pull, &key),
    });
    let declared = out.declared();
    (declared.lines, declared.branches, declared.functions) = whole.counts();
    result
}

#[derive(Default)]
struct Totals([Option<u64>; 6]);

impl Totals {
    const KEYS: [&str; 6] = [
        "line_covered",
        "line_total",
        "branch_covered",
        "branch_total",
        "function_covered",
        "function_total",
    ];

    fn read(&mut self, pull: &mut Pull<'_>, key: &str) -> Flow {
        match Self::KEYS.iter().position(|it| *it == key) {
            Some(at) => self.0[at] = pull.whole()?,
            None => pull.skip()?,
        }
        Ok(())
    }

    fn counts(&self) -> (Option<Count>, Option<Count>, Option<Count>) {
        let count = |at: usize| Some(Count::new(self.0[at]?, self.0[at + 1]?));
        let some = |it: &Count| it.total > 0;
        (count(0), count(2).filter(some), count(4).filter(some))
    }
}

/// Reads what `xcrun xccov view --report --json` writes: totals by file of each target.
pub fn xcode(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let (mut covered, mut total) = (None, None);
    let result = Pull::new(text).map(|pull, key| {
        match &*key {
            "targets" => pull.list(|pull| {
                pull.map(|pull, key| match &*key {
                    "files" => pull.list(|pull| xcode_file(pull, out)),
                    _ => pull.skip(),
                })
            })?,
            "coveredLines" => covered = pull.whole()?,
            "executableLines" => total = pull.whole()?,
            _ => pull.skip()?,
        }
        Ok(())
    });
    out.declared().lines = covered.zip(total).map(|(it, all)| Count::new(it, all));
    result
}

fn xcode_file(pull: &mut Pull<'_>, out: &mut Builder) -> Flow {
    let start = pull.peek().map(|_| pull.offset())?;
    let (mut path, mut covered, mut total, mut functions) = (None, None, None, Vec::new());
    pull.map(|pull, key| {
        match &*key {
            "path" => path = pull.text()?,
            "coveredLines" => covered = pull.whole()?,
            "executableLines" => total = pull.whole()?,
            "functions" => pull.list(|pull| {
                pull.map(|pull, key| {
                    match &*key {
                        "coveredLines" => functions.push(pull.whole()?.is_some_and(|it| it > 0)),
                        _ => pull.skip()?,
                    }
                    Ok(())
                })
            })?,
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    let Some(number) = path.and_then(|it| out.file(&it, Span::new(start, start + 1))) else {
        return Ok(());
    };
    // A file that several targets build is in each of them; the one that saw most of it stands.
    let count = covered.zip(total).map(|(it, all)| Count::new(it, all));
    let Some(file) = out.get(Some(number)) else { return Ok(()) };
    let seen = file.stated.map(|it| it.covered);
    if seen.is_none() || count.map(|it| it.covered) > seen {
        file.stated = count.or(file.stated);
        file.functions = None;
        functions.into_iter().for_each(|ran| out.function(Some(number), ran));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str, read: fn(&str, &mut Builder) -> Result<(), Fault>) -> Report {
        let mut out = Builder::new(Format::Gcov, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        out.finish().0
    }

    #[test]
    fn instances_of_a_template_share_their_lines() {
        let report = report(
            r#"{"gcc_version": "13.2", "files": [{"lines": [
{"branches": [{"count": 1, "throw": false}, {"count": 0, "throw": true}], "count": 2, "line_number": 3, "unexecuted_block": false},
{"branches": [], "count": 0, "line_number": 3}, {"branches": [], "count": 0, "line_number": 5}, {"line_number": 6, "count": 1, "gcovr/noncode": true}],
"functions": [{"execution_count": 2, "start_line": 3}, {"execution_count": 0}], "file": "a.cpp"}], "current_working_directory": "/w"}"#,
            read,
        );
        assert_eq!((report.lines, report.branches), (Count::new(1, 2), Some(Count::new(1, 2))));
        assert_eq!(report.functions, Some(Count::new(1, 2)));
        assert_eq!(report.roots, ["/w"]);
    }

    #[test]
    fn totals_by_file_stand_where_no_lines_are_named() {
        let gcovr = report(
            r#"{"root": ".", "gcovr/summary_format_version": "0.6", "files": [{"filename": "a.c", "line_total": 4, "line_covered": 3, "branch_total": 0, "branch_covered": 0}],
"line_total": 4, "line_covered": 3}"#,
            summary,
        );
        assert_eq!((gcovr.lines, gcovr.branches), (Count::new(3, 4), None));
        let swift = report(
            r#"{"coveredLines": 5, "executableLines": 9, "targets": [{"name": "App", "files": [{"path": "/w/A.swift", "coveredLines": 5, "executableLines": 9, "functions": [{"coveredLines": 0}, {"coveredLines": 5}]}]},
{"name": "Ext", "files": [{"path": "/w/A.swift", "coveredLines": 0, "executableLines": 9, "functions": []}]}]}"#,
            xcode,
        );
        assert_eq!((swift.lines, swift.functions), (Count::new(5, 9), Some(Count::new(1, 2))));
    }
}
