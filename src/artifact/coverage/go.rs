//! Go's coverage profiles: blocks of statements, whose lines are all lines they touch.

use crate::{
    document::Trouble,
    parse::xml::{Fault, whole},
    source::Span,
};

use super::report::Builder;

/// A block: file, start line and column, end line and column, and how many statements it has.
type Block = (u32, [u32; 4], u32, bool);

/// Reads a profile; profiles that were joined, with their `mode:` lines, are one.
pub fn read(text: &str, out: &mut Builder) -> Result<(), Fault> {
    let (mut blocks, mut at) = (Vec::new(), 0_u32);
    for line in text.split_inclusive('\n') {
        let (start, written) = (at, line.trim_end());
        at += line.len() as u32;
        if written.is_empty() || written.starts_with("mode:") {
            continue;
        }
        match block(written) {
            Some((path, place, statements, ran)) => {
                let span = Span { start, end: start + written.len() as u32 };
                let file = out.file(path, span);
                let [first, _, last, _] = place;
                out.range(file, (u64::from(first), u64::from(last)), ran, start);
                if let Some(file) = file {
                    blocks.push((file as u32, place, statements, ran));
                }
            }
            None => out.complain(start, Trouble::Syntax, "this is not a line of a Go profile"),
        }
    }
    count(blocks, out);
    Ok(())
}

/// With `-coverpkg` every test binary writes every block: each counts once and ran if any ran it.
fn count(mut blocks: Vec<Block>, out: &mut Builder) {
    blocks.sort_unstable();
    blocks.dedup_by(|later, first| {
        let same = (later.0, later.1) == (first.0, first.1);
        if same {
            first.3 |= later.3;
        }
        same
    });
    for (file, _, statements, ran) in blocks {
        out.statements(Some(file as usize), u64::from(statements), ran);
    }
}

/// `path/file.go:4.12,6.2 1 0`.
fn block(line: &str) -> Option<(&str, [u32; 4], u32, bool)> {
    let (path, rest) = line.rsplit_once(':')?;
    let mut fields = rest.split(' ');
    let (from, to) = fields.next()?.split_once(',')?;
    let place = |it: &str| {
        let (line, column) = it.split_once('.')?;
        Some((small(line)?, small(column)?))
    };
    let ((first, left), (last, right)) = (place(from)?, place(to)?);
    let statements = small(fields.next()?)?;
    let ran = whole(fields.next()?)? > 0;
    Some((path, [first, left, last, right], statements, ran))
}

fn small(text: &str) -> Option<u32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::coverage::{format::Format, report::Count};

    #[test]
    fn blocks_that_several_binaries_write_count_once() {
        let text = "mode: set\nm/a.go:1.1,3.2 2 0\nm/a.go:5.1,5.9 1 0\nmode: set\n\
                    m/a.go:1.1,3.2 2 1\r\nrubbish\nm/b.go:9.1,8.1 1 1\n";
        let mut out = Builder::new(Format::Go, text.len());
        assert_eq!(read(text, &mut out), Ok(()));
        let (report, complaints) = out.finish();
        assert_eq!(report.statements, Some(Count::new(3, 4)));
        assert_eq!(report.lines, Count::new(4, 5));
        assert_eq!(complaints.len(), 1);
    }
}
