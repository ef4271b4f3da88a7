//! coverage.py's JSON.

use crate::{
    parse::{
        pull::{Flow, Pull},
        xml::Fault,
    },
    source::Span,
};

use super::report::{Builder, Count};

/// Reads a report. Its percentages mix lines and branches, so only whole numbers are taken.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, key| match &*key {
        "files" => pull.map(|pull, path| {
            let span = Span::new(pull.offset().saturating_sub(1), pull.offset());
            let file = out.file(&path, span);
            entry(pull, file, out)
        }),
        "totals" => {
            let totals = summary(pull)?;
            let declared = out.declared();
            declared.lines = totals.lines;
            declared.branches = totals.branches;
            Ok(())
        }
        "meta" => pull.map(|pull, key| match &*key {
            "timestamp" => pull.text().map(|it| out.made_on(it.as_deref().unwrap_or_default())),
            _ => pull.skip(),
        }),
        _ => pull.skip(),
    })
}

fn entry(pull: &mut Pull<'_>, file: Option<usize>, out: &mut Builder) -> Flow {
    let mut branches: Vec<(u64, bool)> = Vec::new();
    let mut totals = Totals::default();
    let at = pull.offset() as u32;
    let mut excluded = Vec::new();
    let result = pull.map(|pull, key| match &*key {
        "excluded_lines" => pull.list(|pull| {
            excluded.push(pull.whole()?.unwrap_or_default());
            Ok(())
        }),
        "executed_lines" | "missing_lines" => pull.list(|pull| {
            let number = pull.whole()?.unwrap_or_default();
            out.line(file, number, key == "executed_lines", at);
            Ok(())
        }),
        "executed_branches" | "missing_branches" => pull.list(|pull| {
            branches.push((from(pull)?, key == "executed_branches"));
            Ok(())
        }),
        "functions" => pull.map(|pull, name| function(pull, &name, file, out)),
        "summary" => {
            totals = summary(pull)?;
            Ok(())
        }
        _ => pull.skip(),
    });
    branches.sort_unstable();
    let mut rest = branches.as_slice();
    while let Some(&(line, _)) = rest.first() {
        let end = rest.partition_point(|it| it.0 <= line);
        let covered = rest[..end].iter().filter(|it| it.1).count();
        out.branches(file, line, Count::new(covered as u64, end as u64), at);
        rest = &rest[end..];
    }
    excluded.sort_unstable();
    if let Some(file) = out.get(file) {
        // What ran includes docstrings and excluded lines, which are no statements: only the
        // summary knows how many statements there are.
        file.lines.retain(|it| excluded.binary_search(&u64::from(it.number())).is_err());
        (file.stated, file.stated_wins) = (totals.lines, totals.lines.is_some());
        if branches.is_empty() {
            file.branches = totals.branches;
        }
    }
    result
}

/// The line that a branch `[from, to]` starts on; those that leave a file have a negative `to`.
fn from(pull: &mut Pull<'_>) -> Flow<u64> {
    let (mut first, mut place) = (None, 0);
    pull.list(|pull| {
        let number = pull.whole()?.unwrap_or_default();
        place = *first.get_or_insert(number);
        Ok(())
    })?;
    Ok(place)
}

/// Functions without statements are none; the nameless one is the module itself.
fn function(pull: &mut Pull<'_>, name: &str, file: Option<usize>, out: &mut Builder) -> Flow {
    let mut totals = Totals::default();
    pull.map(|pull, key| match &*key {
        "summary" => {
            totals = summary(pull)?;
            Ok(())
        }
        _ => pull.skip(),
    })?;
    if let (Some(lines), false) = (totals.lines.filter(|it| it.total > 0), name.is_empty()) {
        out.function(file, lines.covered > 0);
    }
    Ok(())
}

#[derive(Default)]
struct Totals {
    lines: Option<Count>,
    branches: Option<Count>,
}

fn summary(pull: &mut Pull<'_>) -> Flow<Totals> {
    let [mut lines, mut statements, mut taken, mut branches] = [None; 4];
    pull.map(|pull, key| {
        match &*key {
            "covered_lines" => lines = pull.whole()?,
            "num_statements" => statements = pull.whole()?,
            "covered_branches" => taken = pull.whole()?,
            "num_branches" => branches = pull.whole()?,
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    let count = |covered: Option<u64>, total: Option<u64>| Some(Count::new(covered?, total?));
    let branches = count(taken, branches).filter(|it| it.total > 0);
    Ok(Totals { lines: count(lines, statements), branches })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::format::Format;

    #[test]
    fn lines_branches_and_functions_are_counted() {
        let text = r#"{"meta": {"format": 3, "version": "7.6", "branch_coverage": true}, "files": {"src/a.py": {
"executed_lines": [1, 2, 3, 5, 9], "summary": {"covered_lines": 3, "num_statements": 4, "percent_covered": 66.6}, "missing_lines": [7], "excluded_lines": [9],
"executed_branches": [[2, 5], [5, -1]], "missing_branches": [[2, 7]],
"functions": {"f": {"executed_lines": [2], "summary": {"covered_lines": 1, "num_statements": 1}}, "g": {"summary": {"covered_lines": 0, "num_statements": 1}},
"h": {"summary": {"covered_lines": 0, "num_statements": 0}}, "": {"summary": {"covered_lines": 1, "num_statements": 1}}}, "classes": {}}},
"totals": {"covered_lines": 3, "num_statements": 4, "num_branches": 3, "covered_branches": 2}}"#;
        let mut out = Builder::new(Format::CoveragePy, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        let (report, _) = out.finish();
        assert_eq!((report.lines, report.branches), (Count::new(3, 4), Some(Count::new(2, 3))));
        assert_eq!(report.functions, Some(Count::new(1, 2)));
        assert_eq!(report.files[0].line(2).map(|it| it.branches()), Some(Count::new(1, 2)));
        assert_eq!(report.declared.lines, Some(Count::new(3, 4)));
    }
}
