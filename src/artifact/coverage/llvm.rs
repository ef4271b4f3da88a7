//! LLVM's JSON export (`llvm-cov export`, `cargo llvm-cov --json`).

use std::collections::HashMap;

use crate::{
    parse::{
        pull::{Flow, Pull},
        xml::Fault,
    },
    source::Span,
};

use super::report::{Builder, Count, MAX_LINE};

/// A place where the count changes.
#[derive(Clone, Copy, Default)]
struct Segment {
    line: u64,
    count: u64,
    has_count: bool,
    is_entry: bool,
    is_gap: bool,
}

/// Reads a report. Lines are counted from segments, as LLVM does for its own line view.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let mut functions = HashMap::new();
    let result = Pull::new(text).map(|pull, key| match &*key {
        "data" => pull.list(|pull| {
            pull.map(|pull, key| match &*key {
                "files" => pull.list(|pull| file(pull, out)),
                "functions" => pull.list(|pull| function(pull, &mut functions)),
                "totals" => totals(pull, out),
                _ => pull.skip(),
            })
        }),
        _ => pull.skip(),
    });
    for ((path, ..), ran) in functions {
        // Only files of the report; functions of others were filtered out.
        let known = out.known(&path);
        out.function(known, ran);
    }
    result
}

fn file(pull: &mut Pull<'_>, out: &mut Builder) -> Flow {
    let offset = pull.peek().map(|_| pull.offset())?;
    let (mut path, mut segments, mut branches, mut stated) = (None, Vec::new(), Vec::new(), None);
    let result = pull.map(|pull, key| {
        match &*key {
            "filename" => path = pull.text()?,
            "segments" => pull.list(|pull| {
                segments.push(segment(pull)?);
                Ok(())
            })?,
            "branches" => pull.list(|pull| {
                let [line, _, _, _, yes, no] = numbers(pull)?;
                branches.push((line, Count::new(u64::from(yes > 0) + u64::from(no > 0), 2)));
                Ok(())
            })?,
            "summary" => pull.map(|pull, metric| {
                let total = Count::read(pull, "count")?;
                if metric == "lines" {
                    stated = total;
                }
                Ok(())
            })?,
            _ => pull.skip()?,
        }
        Ok(())
    });
    let Some(path) = path else { return result };
    let number = out.file(&path, Span::new(offset, offset + 1));
    lines(&segments, number, offset as u32, out);
    if let Some(file) = out.get(number) {
        file.stated = stated;
    }
    let mut sums: HashMap<u64, Count> = HashMap::new();
    for (line, count) in branches {
        let sum = sums.entry(line).or_default();
        *sum = sum.plus(count);
    }
    for (line, count) in sums {
        out.branches(number, line, count, offset as u32);
    }
    result
}

/// `[line, column, count, has count, is the start of a region, is a gap]`.
fn segment(pull: &mut Pull<'_>) -> Flow<Segment> {
    let (mut found, mut index) = (Segment::default(), 0);
    pull.list(|pull| {
        match index {
            0 => found.line = pull.whole()?.unwrap_or_default(),
            2 => found.count = pull.whole()?.unwrap_or_default(),
            3 => found.has_count = flag(pull)?,
            4 => found.is_entry = flag(pull)?,
            5 => found.is_gap = flag(pull)?,
            _ => pull.skip()?,
        }
        index += 1;
        Ok(())
    })?;
    Ok(found)
}

/// Older exports write 1 and 0.
fn flag(pull: &mut Pull<'_>) -> Flow<bool> {
    use crate::parse::pull::Next;
    match pull.peek()? {
        Next::Number => Ok(pull.whole()?.is_some_and(|it| it > 0)),
        _ => Ok(pull.bool()?.unwrap_or_default()),
    }
}

/// A line is executable if a region with a count reaches into it or starts on it, and it ran as
/// often as the largest of them.
fn lines(segments: &[Segment], file: Option<usize>, at: u32, out: &mut Builder) {
    let mut wrapped: Option<Segment> = None;
    let mut rest = segments;
    while let Some(first) = rest.first() {
        let line = first.line;
        let end = rest.iter().position(|it| it.line != line).unwrap_or(rest.len());
        let (here, later) = rest.split_at(end);
        let starts = || here.iter().filter(|it| !it.is_gap && it.has_count && it.is_entry);
        let skipped = !first.has_count && first.is_entry;
        let reached = wrapped.filter(|it| it.has_count);
        if !skipped && (reached.is_some() || starts().next().is_some()) {
            let counts = starts().map(|it| it.count).chain(reached.map(|it| it.count));
            out.line(file, line, counts.max().unwrap_or_default() > 0, at);
        }
        wrapped = here.last().copied();
        if let (Some(next), Some(over)) = (later.first(), wrapped.filter(|it| it.has_count))
            && next.line > line + 1
        {
            out.range(file, (line + 1, (next.line - 1).min(MAX_LINE)), over.count > 0, at);
        }
        rest = later;
    }
}

/// The instances of a generic function are one function: they have one place.
fn function(pull: &mut Pull<'_>, all: &mut HashMap<(String, [u64; 2]), bool>) -> Flow {
    let (mut path, mut place, mut ran) = (None, None, false);
    pull.map(|pull, key| {
        match &*key {
            "count" => ran = pull.whole()?.is_some_and(|it| it > 0),
            "filenames" => pull.list(|pull| {
                let name = pull.text()?;
                path = path.take().or(name);
                Ok(())
            })?,
            "regions" => pull.list(|pull| {
                let [line, column, ..] = numbers(pull)?;
                place.get_or_insert([line, column]);
                Ok(())
            })?,
            _ => pull.skip()?,
        }
        Ok(())
    })?;
    if let Some(path) = path {
        *all.entry((path.into_owned(), place.unwrap_or_default())).or_default() |= ran;
    }
    Ok(())
}

fn numbers(pull: &mut Pull<'_>) -> Flow<[u64; 6]> {
    let (mut found, mut index) = ([0; 6], 0);
    pull.list(|pull| {
        let number = pull.whole()?.unwrap_or_default();
        if let Some(place) = found.get_mut(index) {
            *place = number;
        }
        index += 1;
        Ok(())
    })?;
    Ok(found)
}

fn totals(pull: &mut Pull<'_>, out: &mut Builder) -> Flow {
    pull.map(|pull, metric| {
        let count = Count::read(pull, "count")?;
        let declared = out.declared();
        match &*metric {
            "lines" => declared.lines = count,
            "branches" => declared.branches = count.filter(|it| it.total > 0),
            "functions" => declared.functions = count,
            _ => {}
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::format::Format;

    #[test]
    fn lines_are_those_that_regions_reach() {
        let text = r#"{"data":[{"files":[{"filename":"/w/a.rs","branches":[[3,4,3,9,1,0,0,0,4]],"segments":[
[2,1,1,true,true,false],[5,2,0,false,false,false],[7,1,0,true,true,false],[7,9,0,false,false,false],[9,1,0,true,true,true],[9,3,0,false,false,false]],
"summary":{"lines":{"count":5,"covered":4}}}],
"functions":[{"name":"f<u8>","count":1,"filenames":["/w/a.rs"],"regions":[[2,1,5,2,1,0,0,0]]},{"name":"f<u16>","count":0,"filenames":["/w/a.rs"],"regions":[[2,1,5,2,0,0,0,0]]},
{"name":"g","count":0,"filenames":["/w/a.rs"],"regions":[[7,1,7,9,0,0,0,0]]},{"name":"h","count":0,"filenames":["/else.rs"],"regions":[]}],
"totals":{"lines":{"count":5,"covered":4}}}],"type":"llvm.coverage.json.export","version":"2.0.1"}"#;
        let mut out = Builder::new(Format::LlvmCov, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        let (report, _) = out.finish();
        assert_eq!((report.lines, report.branches), (Count::new(4, 5), Some(Count::new(1, 2))));
        assert_eq!((report.functions, report.files.len()), (Some(Count::new(1, 2)), 1));
    }
}
