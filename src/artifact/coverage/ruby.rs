//! SimpleCov's JSON: the result set that it keeps, and what its JSON formatter writes.

use std::collections::HashMap;

use crate::{
    parse::{
        pull::{Flow, Next, Pull},
        xml::Fault,
    },
    source::Span,
};

use super::report::{Builder, Count};

/// Branches by file, line and name; suites that saw the same one are merged.
type Branches = HashMap<(usize, u64, String), bool>;

/// Reads `.resultset.json`: suites, each with its files.
pub fn result_set(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let (mut branches, mut methods) = (Branches::new(), Branches::new());
    let result = Pull::new(text).map(|pull, _suite| {
        pull.map(|pull, key| match &*key {
            "coverage" => files(pull, &mut branches, &mut methods, out),
            _ => pull.skip(),
        })
    });
    finish(branches, methods, out);
    result
}

/// Reads `coverage.json`: files below `coverage`.
pub fn formatter(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let (mut branches, mut methods) = (Branches::new(), Branches::new());
    let result = Pull::new(text).map(|pull, key| match &*key {
        "coverage" => files(pull, &mut branches, &mut methods, out),
        "total" => pull.map(|pull, metric| {
            let (mut covered, mut total) = (None, None);
            pull.map(|pull, key| {
                match &*key {
                    "covered" => covered = pull.whole()?,
                    "total" => total = pull.whole()?,
                    _ => pull.skip()?,
                }
                Ok(())
            })?;
            let count = covered.zip(total).map(|(it, all)| Count::new(it, all));
            match &*metric {
                "lines" => out.declared().lines = count,
                "branches" => out.declared().branches = count,
                _ => {}
            }
            Ok(())
        }),
        _ => pull.skip(),
    });
    finish(branches, methods, out);
    result
}

fn files(
    pull: &mut Pull<'_>,
    branches: &mut Branches,
    methods: &mut Branches,
    out: &mut Builder,
) -> Flow {
    pull.map(|pull, path| {
        let span = Span::new(pull.offset().saturating_sub(1), pull.offset());
        let file = out.file(&path, span);
        if pull.peek()? == Next::List {
            return lines(pull, file, out);
        }
        pull.map(|pull, key| match &*key {
            "lines" => lines(pull, file, out),
            "branches" => branch_list(pull, file, branches),
            "methods" => method_list(pull, file, methods),
            _ => pull.skip(),
        })
    })
}

/// One item per line: a count, or nothing where there is nothing to run.
fn lines(pull: &mut Pull<'_>, file: Option<usize>, out: &mut Builder) -> Flow {
    let mut number = 0;
    pull.list(|pull| {
        number += 1;
        let at = pull.offset() as u32;
        if let Some(hits) = pull.whole()? {
            out.line(file, number, hits > 0, at);
        }
        Ok(())
    })
}

/// `{"[:if, 0, 7, 4, 9, 7]": {"[:then, 1, 8, 6, 8, 9]": 1}}`, or a list of maps.
fn branch_list(pull: &mut Pull<'_>, file: Option<usize>, branches: &mut Branches) -> Flow {
    if pull.peek()? == Next::List {
        let mut index = 0;
        return pull.list(|pull| {
            index += 1;
            let (mut line, mut ran) = (None, None);
            pull.map(|pull, key| {
                match &*key {
                    "start_line" | "report_line" => line = line.max(pull.whole()?),
                    "coverage" => ran = pull.whole()?,
                    _ => pull.skip()?,
                }
                Ok(())
            })?;
            if let (Some(file), Some(line), Some(ran)) = (file, line, ran) {
                *branches.entry((file, line, index.to_string())).or_default() |= ran > 0;
            }
            Ok(())
        });
    }
    pull.map(|pull, condition| {
        let line = field(&condition, 2);
        pull.map(|pull, arm| {
            let ran = pull.whole()?.is_some_and(|it| it > 0);
            if let Some(file) = file {
                let name = format!("{condition}{arm}");
                *branches.entry((file, line, name)).or_default() |= ran;
            }
            Ok(())
        })
    })
}

/// `{"[\"Calc\", :add, 3, 2, 5, 5]": 1}`, or a list of maps.
fn method_list(pull: &mut Pull<'_>, file: Option<usize>, methods: &mut Branches) -> Flow {
    let mut add = |name: String, ran: bool| {
        if let Some(file) = file {
            *methods.entry((file, 0, name)).or_default() |= ran;
        }
    };
    if pull.peek()? == Next::List {
        let mut index = 0;
        return pull.list(|pull| {
            index += 1;
            let mut ran = None;
            pull.map(|pull, key| {
                match &*key {
                    "coverage" => ran = pull.whole()?,
                    _ => pull.skip()?,
                }
                Ok(())
            })?;
            if let Some(ran) = ran {
                add(index.to_string(), ran > 0);
            }
            Ok(())
        });
    }
    pull.map(|pull, name| {
        let ran = pull.whole()?.is_some_and(|it| it > 0);
        add(name.into_owned(), ran);
        Ok(())
    })
}

/// A number of a list that Ruby printed.
fn field(printed: &str, index: usize) -> u64 {
    let inside = printed.trim_matches(['[', ']']);
    inside.split(',').nth(index).and_then(|it| it.trim().parse().ok()).unwrap_or_default()
}

fn finish(branches: Branches, methods: Branches, out: &mut Builder) {
    let mut lines: HashMap<(usize, u64), Count> = HashMap::new();
    for ((file, line, _), ran) in branches {
        lines.entry((file, line)).or_default().add(ran);
    }
    for ((file, line), count) in lines {
        out.branches(Some(file), line, count, 0);
    }
    for ((file, ..), ran) in methods {
        out.function(Some(file), ran);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::format::Format;

    #[test]
    fn suites_are_merged_line_by_line_and_branch_by_branch() {
        let text = r#"{"RSpec": {"coverage": {"/w/a.rb": {"lines": [1, null, 0, 0], "branches": {"[:if, 0, 3, 4, 5, 7]": {"[:then, 1, 4, 6, 4, 9]": 1, "[:else, 2, 3, 4, 5, 7]": 0}}}}, "timestamp": 1.5},
"Minitest": {"coverage": {"/w/a.rb": {"lines": [0, null, 2, 0], "branches": {"[:if, 0, 3, 4, 5, 7]": {"[:then, 1, 4, 6, 4, 9]": 0, "[:else, 2, 3, 4, 5, 7]": 0}}}, "/w/old.rb": [null, 1]}}}"#;
        let mut out = Builder::new(Format::SimplecovResultset, text.len());
        assert_eq!(result_set(text, &mut out), Ok(()));
        let (report, _) = out.finish();
        assert_eq!((report.lines, report.branches), (Count::new(3, 4), Some(Count::new(1, 2))));
    }

    #[test]
    fn the_formatter_leaves_out_what_is_marked_as_ignored() {
        let text = r#"{"meta": {"simplecov_version": "0.22.0"}, "coverage": {"/w/a.rb": {"lines": [1, null, "ignored", 0],
"branches": [{"type": "then", "start_line": 3, "coverage": 1}, {"type": "else", "start_line": 3, "coverage": 0}]}}, "total": {"lines": {"covered": 1, "total": 2}}}"#;
        let mut out = Builder::new(Format::SimplecovJson, text.len());
        assert_eq!(formatter(text, &mut out), Ok(()));
        let (report, _) = out.finish();
        assert_eq!((report.lines, report.branches), (Count::new(1, 2), Some(Count::new(1, 2))));
        assert_eq!(report.declared.lines, Some(Count::new(1, 2)));
    }
}
