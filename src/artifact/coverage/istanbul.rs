//! Istanbul's JSON: `coverage-final.json`, with places, and `coverage-summary.json`, with totals.

use std::{borrow::Cow, collections::HashMap};

use crate::{
    parse::{
        pull::{Flow, Pull},
        xml::{Fault, whole},
    },
    source::Span,
};

use super::report::{Builder, Count};

/// Reads a report with places. A line ran as often as the statement that starts on it and ran most.
pub fn places(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, key| {
        let span = Span::new(pull.offset().saturating_sub(1), pull.offset());
        let mut entry = Entry::default();
        let result = entry.read(pull);
        if entry.seen {
            let path = if entry.path.is_empty() { key } else { entry.path.clone() };
            entry.add(&path, span, out);
        }
        result
    })
}

/// A file, as far as it is read: its parts come in any order.
#[derive(Default)]
struct Entry<'a> {
    seen: bool,
    path: Cow<'a, str>,
    statements: HashMap<Cow<'a, str>, u64>,
    branches: HashMap<Cow<'a, str>, u64>,
    runs: Vec<(Cow<'a, str>, bool)>,
    functions: Vec<bool>,
    lines: Vec<(u64, bool)>,
    taken: Vec<(Cow<'a, str>, Count)>,
}

impl<'a> Entry<'a> {
    fn read(&mut self, pull: &mut Pull<'a>) -> Flow {
        pull.map(|pull, key| match &*key {
            // Older tools wrap each file once more.
            "data" => self.read_once(pull),
            _ => self.part(pull, &key),
        })
    }

    fn read_once(&mut self, pull: &mut Pull<'a>) -> Flow {
        pull.map(|pull, key| self.part(pull, &key))
    }

    fn part(&mut self, pull: &mut Pull<'a>, key: &str) -> Flow {
        match key {
            "path" => {
                self.path = pull.text()?.unwrap_or_default();
                Ok(())
            }
            "statementMap" => {
                self.seen = true;
                pull.map(|pull, id| {
                    if let Some(line) = start_line(pull)? {
                        self.statements.insert(id, line);
                    }
                    Ok(())
                })
            }
            "branchMap" => pull.map(|pull, id| {
                if let Some(line) = branch_line(pull)? {
                    self.branches.insert(id, line);
                }
                Ok(())
            }),
            "s" => pull.map(|pull, id| {
                let ran = ran(pull)?;
                self.runs.push((id, ran));
                Ok(())
            }),
            // Older tools, and those for Solidity, count lines themselves.
            "l" => pull.map(|pull, number| {
                let ran = ran(pull)?;
                self.lines.push((whole(&number).unwrap_or_default(), ran));
                Ok(())
            }),
            "f" => pull.map(|pull, _| {
                let ran = ran(pull)?;
                self.functions.push(ran);
                Ok(())
            }),
            "b" => pull.map(|pull, id| {
                let mut count = Count::default();
                pull.list(|pull| {
                    count.add(ran(pull)?);
                    Ok(())
                })?;
                self.taken.push((id, count));
                Ok(())
            }),
            _ => pull.skip(),
        }
    }

    fn add(self, path: &str, span: Span, out: &mut Builder) {
        let file = out.file(path, span);
        for (id, ran) in self.runs {
            if let (Some(&line), true) = (self.statements.get(&id), self.lines.is_empty()) {
                out.line(file, line, ran, span.start);
            }
            out.statements(file, 1, ran);
        }
        for (number, ran) in self.lines {
            out.line(file, number, ran, span.start);
        }
        for ran in self.functions {
            out.function(file, ran);
        }
        // Several branches may start on one line: they add up, which `Builder::branches` does not.
        let mut lines: HashMap<u64, Count> = HashMap::new();
        for (id, count) in self.taken {
            let line = self.branches.get(&id).copied().filter(|&it| it > 0).unwrap_or(1);
            let sum = lines.entry(line).or_default();
            *sum = sum.plus(count);
        }
        for (line, count) in lines {
            out.branches(file, line, count, span.start);
        }
    }
}

fn ran(pull: &mut Pull<'_>) -> Flow<bool> {
    Ok(pull.whole()?.is_some_and(|it| it > 0))
}

/// The line of `{start: {line, column}, …}`.
fn start_line(pull: &mut Pull<'_>) -> Flow<Option<u64>> {
    let mut line = None;
    pull.map(|pull, key| match &*key {
        "start" => pull.map(|pull, key| match &*key {
            "line" => {
                line = pull.whole()?;
                Ok(())
            }
            _ => pull.skip(),
        }),
        _ => pull.skip(),
    })?;
    Ok(line)
}

/// The line of `{line, loc: {start…}, locations: […]}`.
fn branch_line(pull: &mut Pull<'_>) -> Flow<Option<u64>> {
    let (mut line, mut place) = (None, None);
    pull.map(|pull, key| match &*key {
        "line" => {
            line = pull.whole()?;
            Ok(())
        }
        "loc" => {
            place = start_line(pull)?;
            Ok(())
        }
        _ => pull.skip(),
    })?;
    Ok(place.or(line))
}

/// Reads a report with totals.
pub fn summary(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, key| {
        let span = Span::new(pull.offset().saturating_sub(1), pull.offset());
        let mut totals = [None; 4];
        pull.map(|pull, metric| {
            match ["lines", "branches", "functions", "statements"]
                .iter()
                .position(|it| **it == *metric)
            {
                Some(at) => totals[at] = Count::read(pull, "total")?,
                None => pull.skip()?,
            }
            Ok(())
        })?;
        let [lines, branches, functions, statements] = totals;
        if key == "total" {
            let declared = out.declared();
            (declared.lines, declared.branches) = (lines, branches);
            (declared.functions, declared.statements) = (functions, statements);
        } else if lines.is_some() {
            let file = out.file(&key, span);
            if let Some(file) = out.get(file) {
                (file.stated, file.branches) = (lines, branches);
                (file.functions, file.statements) = (functions, statements);
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str, read: fn(&str, &mut Builder) -> Result<(), Fault>) -> (Report, bool) {
        let mut out = Builder::new(Format::IstanbulJson, text.len());
        let whole = read(text, &mut out).is_ok();
        (out.finish().0, whole)
    }

    const FILE: &str = r#"{"/w/a.js":{"path":"/w/a.js","all":false,
"statementMap":{"0":{"start":{"line":1,"column":0},"end":{"line":9}},"1":{"start":{"line":1}},"2":{"start":{"line":4}}},
"s":{"0":0,"1":2,"2":0},"fnMap":{"0":{"name":"f"}},"f":{"0":1,"1":0},
"branchMap":{"0":{"loc":{"start":{"line":4}},"line":4},"1":{"line":4}},"b":{"0":[1,0],"1":[0,0,1]}}"#;

    #[test]
    fn a_line_ran_if_one_of_its_statements_did() {
        let (report, whole) = report(&format!("{FILE}}}"), places);
        assert!(whole);
        assert_eq!((report.lines, report.statements), (Count::new(1, 2), Some(Count::new(1, 3))));
        assert_eq!(
            (report.branches, report.functions),
            (Some(Count::new(2, 5)), Some(Count::new(1, 2)))
        );
    }

    #[test]
    fn a_report_that_breaks_off_keeps_what_it_has() {
        let (report, whole) = report(&format!(r#"{FILE}, "/w/b.js": {{"path": "/w/b"#), places);
        assert_eq!((report.lines, whole), (Count::new(1, 2), false));
    }

    #[test]
    fn lines_that_are_counted_already_are_taken() {
        let text = r#"{"contracts\\A.sol":{"l":{"5":1,"6":0,"9":0},"path":"C:\\w\\A.sol","s":{"1":1},"b":{},"f":{},"fnMap":{},"statementMap":{"1":{"start":{"line":5}}},"branchMap":{}}}"#;
        let (report, _) = report(text, places);
        assert_eq!((report.lines, report.statements), (Count::new(1, 3), Some(Count::new(1, 1))));
    }

    #[test]
    fn totals_stand_where_no_lines_are_named() {
        let text = r#"{"total":{"lines":{"total":14,"covered":10,"skipped":0,"pct":71.42},"branchesTrue":{"total":0,"covered":0,"pct":"Unknown"}},
"/w/a.js":{"lines":{"total":14,"covered":10,"pct":71.42},"functions":{"total":2,"covered":1}}}"#;
        let (report, _) = report(text, summary);
        assert_eq!(report.lines, Count::new(10, 14));
        assert_eq!((report.functions, report.branches), (Some(Count::new(1, 2)), None));
    }
}
