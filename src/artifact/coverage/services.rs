//! The JSON that is sent to services, and coverlet's own: Codecov, Coveralls, coverlet.

use std::collections::HashMap;

use crate::{
    parse::{
        pull::{Flow, Next, Pull},
        xml::{Fault, whole},
    },
    source::Span,
};

use super::report::{Builder, Count};

/// Reads Codecov's JSON: lines by number, or one item per line with an empty one in front.
pub fn codecov(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, key| match &*key {
        "coverage" => pull.map(|pull, path| {
            let start = pull.offset();
            let file = out.file(&path, Span::new(start.saturating_sub(1), start));
            if pull.peek()? == Next::List {
                let mut number = 0;
                return pull.list(|pull| {
                    codecov_line(pull, file, number, out)?;
                    number += 1;
                    Ok(())
                });
            }
            pull.map(|pull, number| {
                codecov_line(pull, file, whole(&number).unwrap_or_default(), out)
            })
        }),
        _ => pull.skip(),
    })
}

/// A count; `"1/2"`, of which some write regions and some branches; `true` for a part.
fn codecov_line(pull: &mut Pull<'_>, file: Option<usize>, line: u64, out: &mut Builder) -> Flow {
    let at = pull.offset() as u32;
    let ran = match pull.peek()? {
        Next::Number => pull.whole()?.map(|it| it > 0),
        Next::Word => pull.bool()?,
        Next::Text => {
            let text = pull.text()?.unwrap_or_default();
            whole(text.split('/').next().unwrap_or_default()).map(|it| it > 0)
        }
        _ => {
            pull.skip()?;
            None
        }
    };
    if let Some(ran) = ran {
        out.line(file, line, ran, at);
    }
    Ok(())
}

/// Reads Coveralls' JSON: one item per line, and branches four numbers each.
pub fn coveralls(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, key| match &*key {
        "source_files" => pull.list(|pull| {
            let start = pull.peek().map(|_| pull.offset())?;
            let (mut path, mut lines, mut numbers) = (None, Vec::new(), Vec::new());
            let result = pull.map(|pull, key| {
                match &*key {
                    "name" => path = pull.text()?,
                    "coverage" => pull.list(|pull| {
                        lines.push(pull.whole()?.map(|it| it > 0));
                        Ok(())
                    })?,
                    "branches" => pull.list(|pull| {
                        numbers.push(pull.whole()?.unwrap_or_default());
                        Ok(())
                    })?,
                    _ => pull.skip()?,
                }
                Ok(())
            });
            let file = path.and_then(|it| out.file(&it, Span::new(start, start + 1)));
            for (number, ran) in (1..).zip(lines) {
                if let Some(ran) = ran {
                    out.line(file, number, ran, start as u32);
                }
            }
            let mut sums: HashMap<u64, Count> = HashMap::new();
            for branch in numbers.chunks_exact(4) {
                sums.entry(branch[0]).or_default().add(branch[3] > 0);
            }
            for (line, count) in sums {
                out.branches(file, line, count, start as u32);
            }
            result
        }),
        _ => pull.skip(),
    })
}

/// Reads coverlet's JSON: modules, files, classes, methods, and their lines and branches.
pub fn coverlet(text: &str, out: &mut Builder) -> Result<(), Fault> {
    Pull::new(text).map(|pull, _module| {
        pull.map(|pull, path| {
            let start = pull.offset();
            let file = out.file(&path, Span::new(start.saturating_sub(1), start));
            let mut branches: HashMap<u64, Count> = HashMap::new();
            let result = pull.map(|pull, _class| {
                pull.map(|pull, _method| method(pull, file, &mut branches, out))
            });
            for (line, count) in branches {
                out.branches(file, line, count, start as u32);
            }
            result
        })
    })
}

fn method(
    pull: &mut Pull<'_>,
    file: Option<usize>,
    branches: &mut HashMap<u64, Count>,
    out: &mut Builder,
) -> Flow {
    let mut ran = false;
    pull.map(|pull, key| match &*key {
        "Lines" => pull.map(|pull, number| {
            let at = pull.offset() as u32;
            let hit = pull.whole()?.is_some_and(|it| it > 0);
            ran |= hit;
            out.line(file, whole(&number).unwrap_or_default(), hit, at);
            Ok(())
        }),
        "Branches" => pull.list(|pull| {
            let (mut line, mut hits) = (None, None);
            pull.map(|pull, key| {
                match &*key {
                    "Line" => line = pull.whole()?,
                    "Hits" => hits = pull.whole()?,
                    _ => pull.skip()?,
                }
                Ok(())
            })?;
            if let (Some(line), Some(hits)) = (line, hits) {
                branches.entry(line).or_default().add(hits > 0);
            }
            Ok(())
        }),
        _ => pull.skip(),
    })?;
    out.function(file, ran);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Report};

    fn report(text: &str, read: fn(&str, &mut Builder) -> Result<(), Fault>) -> Report {
        let mut out = Builder::new(Format::Codecov, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        out.finish().0
    }

    #[test]
    fn codecov_names_lines_or_lists_them() {
        let text = r#"{"coverage": {"a.rs": {"1": 3, "2": 0, "3": null, "4": "1/2", "5": "0/2", "6": true}, "b.rs": [null, 1, 0]}}"#;
        let report = report(text, codecov);
        assert_eq!((report.lines, report.branches), (Count::new(4, 7), None));
        assert_eq!(report.files[1].line(2).map(|it| it.covered()), Some(false));
    }

    #[test]
    fn coveralls_lists_lines_and_branches() {
        let text = r#"{"service_name": "x", "source_files": [{"name": "a.rb", "source": "…", "coverage": [null, 1, 0], "branches": [2, 0, 0, 1, 2, 0, 1, 0]}]}"#;
        let report = report(text, coveralls);
        assert_eq!((report.lines, report.branches), (Count::new(1, 2), Some(Count::new(1, 2))));
    }

    #[test]
    fn methods_of_coverlet_share_their_file() {
        let text = r#"{"a.dll": {"/w/A.cs": {"N.A": {"System.Void N.A::F()": {"Lines": {"3": 1, "4": 0}, "Branches": [{"Line": 3, "Offset": 4, "Hits": 1}, {"Line": 3, "Hits": 0}]},
"System.Void N.A::G()": {"Lines": {"9": 0}, "Branches": []}}}}}"#;
        let report = report(text, coverlet);
        assert_eq!((report.lines, report.branches), (Count::new(1, 3), Some(Count::new(1, 2))));
        assert_eq!(report.functions, Some(Count::new(1, 2)));
    }
}
