//! Who answers for a finding: comments beside it, the peers' pragmas, and waivers in
//! `readiness.toml`.
//!
//! `# seaworthy: allow RULE, RULE -- REASON` covers the statement it stands above or behind: the
//! lines that continue it or are indented below it. In Markdown it is `<!-- seaworthy: allow … -->`
//! and covers the paragraph or the code block below. Without a reason it covers nothing.

use crate::{
    artifact::{Suppression, docs},
    finding::{Finding, Waiver},
    source::{Source, Span},
};

const MARK: &str = "seaworthy: allow ";

/// The comments of our own form in a file, in order.
pub fn comments(source: &Source) -> Vec<Suppression> {
    let finder = memchr::memmem::Finder::new(MARK);
    let read = if docs::is_markdown(&source.path) { comment_in_page } else { comment };
    finder.find_iter(source.text.as_bytes()).filter_map(|at| read(source, at)).collect()
}

fn comment_in_page(source: &Source, at: usize) -> Option<Suppression> {
    let line = source.position(at as u32).line;
    let start = source.line_start(line) as usize;
    let (before, text) = source.line(line).split_at_checked(at - start)?;
    let text = text[MARK.len()..].trim_end().strip_suffix("-->")?;
    if before.trim() != "<!--" {
        return None;
    }
    let (what, reason) = text.split_once("--").unwrap_or((text, ""));
    let is_blank = |line: &u32| source.line(*line).trim().is_empty();
    let first = (line + 1..=source.line_count()).find(|it| !is_blank(it)).unwrap_or(line + 1);
    let fence = source.line(first).trim_start().starts_with("```");
    let is_last = |line: &u32| match fence {
        true => source.line(*line).trim() == "```",
        false => is_blank(line),
    };
    Some(Suppression {
        what: what.trim().to_owned(),
        from_line: first,
        to_line: (first + 1..=source.line_count()).find(is_last).unwrap_or(source.line_count()),
        reason: reason.trim().to_owned(),
        place: Span::new(start, start + source.line(line).trim_end().len()),
        config: None,
        by: "seaworthy",
    })
}

fn comment(source: &Source, at: usize) -> Option<Suppression> {
    let line = source.position(at as u32).line;
    let text = source.line(line);
    let offset = at - source.line_start(line) as usize;
    let before = text[..offset].trim_end();
    let hash = before.strip_suffix("//").or_else(|| before.strip_suffix('#'))?;
    if !(hash.is_empty() || hash.ends_with([' ', '\t'])) {
        return None;
    }
    let (what, reason) = match text[offset + MARK.len()..].split_once("--") {
        Some((what, reason)) => (what.trim(), reason.trim()),
        None => (text[offset + MARK.len()..].trim(), ""),
    };
    let first = if hash.trim().is_empty() { next_statement(source, line) } else { line };
    let start = source.line_start(line) as usize + hash.len();
    Some(Suppression {
        what: what.to_owned(),
        from_line: first,
        to_line: statement_end(source, first),
        reason: reason.to_owned(),
        place: Span::new(start, source.line_start(line) as usize + text.trim_end().len()),
        config: None,
        by: "seaworthy",
    })
}

/// The first line below `line` that is neither blank nor a comment.
fn next_statement(source: &Source, line: u32) -> u32 {
    let is_code = |line: &u32| {
        let text = source.line(*line).trim_start();
        !text.is_empty() && !text.starts_with('#') && !text.starts_with("//")
    };
    (line + 1..=source.line_count()).find(is_code).unwrap_or(line + 1)
}

/// The last line of the statement that starts at `line`.
fn statement_end(source: &Source, line: u32) -> u32 {
    let indent = |line: u32| {
        let text = source.line(line);
        text.len() - text.trim_start().len()
    };
    let (own, mut last) = (indent(line), line);
    for next in line + 1..=source.line_count() {
        let continues = source.line(next - 1).trim_end().ends_with(['\\', '`']);
        if continues || (indent(next) > own && !source.line(next).trim().is_empty()) {
            last = next;
        } else if !source.line(next).trim().is_empty() {
            break;
        }
    }
    last
}

/// Marks the findings of one file (or of one rendered text) that `suppressions` cover, and says for
/// each suppression whether it covered any. `line` tells the line of a finding in that text.
pub fn apply(
    findings: &mut [Box<Finding>],
    suppressions: &[Suppression],
    line: fn(&Finding) -> u32,
) -> Vec<bool> {
    let mut used = vec![false; suppressions.len()];
    for finding in findings {
        for (suppression, used) in suppressions.iter().zip(&mut used) {
            let lines = suppression.from_line..=suppression.to_line;
            if lines.contains(&line(finding)) && names(&suppression.what, finding) {
                *used = true;
                if suppression.by != "seaworthy" {
                    // The peer would be silent here, so we do not say that it would speak.
                    let silent = |id: &str| matches(&suppression.what, || std::iter::once(id));
                    finding.forget(silent);
                }
                let answered = suppression.by != "seaworthy" || !suppression.reason.is_empty();
                if answered && finding.waived.is_none() {
                    let (by, reason) = (suppression.by.to_owned(), suppression.reason.clone());
                    finding.waived = Some(Waiver { by, reason, expires: None }.into());
                }
            }
        }
    }
    used
}

fn names(what: &str, finding: &Finding) -> bool {
    let ids = || std::iter::once(&*finding.rule).chain(finding.equivalents.iter().map(|it| &**it));
    matches(what, ids)
}

/// Whether one of the patterns, separated by commas, matches one of a rule's ids: its own, or what
/// a peer calls it. A `*` at the end stands for any rest.
pub fn matches<'a, I: Iterator<Item = &'a str>>(what: &str, ids: impl Fn() -> I) -> bool {
    what.split(',').map(str::trim).filter(|it| !it.is_empty()).any(|pattern| {
        match pattern.strip_suffix('*') {
            Some(prefix) => ids().any(|id| id.starts_with(prefix)),
            None => ids().any(|id| id == pattern),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_covers_the_statement_below_it() {
        let text =
            "FROM a\n# seaworthy: allow dockerfile/root-user -- binds 53\n\nRUN a \\\n  b\nRUN c\n";
        let found = comments(&Source::new("Dockerfile", text));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from_line, found[0].to_line), (4, 5));
        assert_eq!(
            (found[0].what.as_str(), found[0].reason.as_str()),
            ("dockerfile/root-user", "binds 53")
        );
    }

    #[test]
    fn a_comment_behind_a_key_covers_the_block_below_the_key() {
        let text = "a:\n  - name: x # seaworthy: allow k/y -- z\n    image: b\n  - name: y\n";
        let found = comments(&Source::new("a.yaml", text));
        assert_eq!((found[0].from_line, found[0].to_line), (2, 3));
    }

    #[test]
    fn a_page_has_its_own_comments_and_shows_those_of_others() {
        let text = "```\n# seaworthy: allow a/b -- shown\n```\n\n\
                    <!-- seaworthy: allow docs/x -- made later -->\n```sh\nmake a\n\nmake b\n```\nend\n";
        let found = comments(&Source::new("README.md", text));
        let shown: Vec<_> =
            found.iter().map(|it| (&*it.what, &*it.reason, it.from_line, it.to_line)).collect();
        assert_eq!(shown, [("docs/x", "made later", 6, 10)]);
    }

    #[test]
    fn the_mark_inside_a_text_is_no_comment() {
        let found = comments(&Source::new("a.yaml", "a: 'seaworthy: allow x -- y'\n"));
        assert_eq!(found, []);
    }
}
