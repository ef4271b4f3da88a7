//! A page in reStructuredText: its headings, code blocks, links and lists.

use std::ops::Range;

use super::{Block, Count, Link, Page, Section};

/// Reads a page. Every text is one.
pub fn read(text: &str) -> Page {
    let lines = lines(text);
    let mut reader = Reader { text, lines, ..Reader::default() };
    let mut at = 0;
    while at < reader.lines.len() {
        at = reader.line(at);
    }
    reader.page.finish(text, &reader.counts);
    reader.page
}

/// The lines, each without what ends it.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let pieces = text.split_inclusive('\n').map(|line| {
        let own = start..start + line.trim_end_matches(['\n', '\r']).len();
        start += line.len();
        own
    });
    pieces.collect()
}

#[derive(Default)]
struct Reader<'t> {
    text: &'t str,
    lines: Vec<Range<usize>>,
    page: Page,
    counts: Vec<(Count, usize)>,
    /// The signs that headings are underlined with, and whether they stand above as well: a level
    /// is what comes in this order.
    levels: Vec<(u8, bool)>,
}

impl<'t> Reader<'t> {
    fn get(&self, at: usize) -> &'t str {
        self.lines.get(at).map_or("", |it| &self.text[it.clone()])
    }

    fn is_blank(&self, at: usize) -> bool {
        self.get(at).trim().is_empty()
    }

    /// Reads what begins on a line, and gives the line behind it.
    fn line(&mut self, at: usize) -> usize {
        let line = self.get(at);
        if let Some(next) = self.heading(at) {
            return next;
        }
        if let Some((name, rest)) = directive(line) {
            return self.directive(at, name, rest);
        }
        if let Some(target) = line.strip_prefix(".. _").and_then(|it| it.split_once(": ")) {
            self.link(target.1.trim(), at);
            return at + 1;
        }
        if is_item(line) {
            self.counts.push((Count::Entry, self.lines[at].start));
        }
        for piece in line.split('`').skip(1).step_by(2) {
            let target = piece.rsplit_once('<').and_then(|it| it.1.strip_suffix('>'));
            if let Some(target) = target {
                self.link(target, at);
            }
        }
        let is_comment = line.trim_start().starts_with("..");
        if line.trim_end().ends_with("::") && !is_comment && self.is_blank(at + 1) {
            return self.block(at, at + 1, "");
        }
        at + 1
    }

    fn link(&mut self, target: &str, at: usize) {
        self.page.links.push(Link { target: target.to_owned(), at: self.lines[at].clone() });
    }

    fn heading(&mut self, at: usize) -> Option<usize> {
        let over = adornment(self.get(at));
        let title = if over.is_some() { at + 1 } else { at };
        let text = self.get(title).trim();
        let under = adornment(self.get(title + 1))?;
        let is_title = !text.is_empty() && adornment(text).is_none();
        let fits = self.get(title + 1).trim_end().len() >= text.chars().count();
        let plain = over.is_some() || !self.get(title).starts_with([' ', '\t']);
        if !is_title || !fits || !plain || over.is_some_and(|it| it != under) {
            return None;
        }
        let key = (under, over.is_some());
        let level = self.levels.iter().position(|it| *it == key).unwrap_or_else(|| {
            self.levels.push(key);
            self.levels.len() - 1
        });
        let place = self.lines[title].start..self.lines[title + 1].end;
        self.counts.push((Count::Entry, place.start));
        let heading = text.replace(['`', '*'], "");
        let level = (level + 1).min(6) as u8;
        self.page.sections.push(Section { level, heading, at: place, ..Section::default() });
        Some(title + 2)
    }

    fn directive(&mut self, at: usize, name: &str, rest: &str) -> usize {
        let language = match name {
            "code-block" | "code" | "sourcecode" | "prompt" => {
                rest.split_whitespace().next().unwrap_or("").to_ascii_lowercase()
            }
            "mermaid" | "graphviz" | "plantuml" => name.to_owned(),
            "uml" => "plantuml".to_owned(),
            "image" | "figure" => {
                self.link(rest, at);
                return at + 1;
            }
            _ => return at + 1,
        };
        let mut first = at + 1;
        while self.get(first).trim_start().starts_with(':') && !self.is_blank(first) {
            first += 1;
        }
        self.block(at, first, &language)
    }

    /// Reads the block below line `at`: what is indented deeper than it, from line `first` on.
    fn block(&mut self, at: usize, first: usize, language: &str) -> usize {
        let own = indent(self.get(at));
        let mut end = first;
        let mut last = first;
        while end < self.lines.len() && (self.is_blank(end) || indent(self.get(end)) > own) {
            end += 1;
            if !self.is_blank(end - 1) {
                last = end;
            }
        }
        let inner = || (first..last).filter(|it| !self.is_blank(*it));
        let Some(start) = inner().next() else { return first };
        let width = inner().map(|it| indent(self.get(it))).min().unwrap_or(0);
        let (mut text, mut pieces) = (String::new(), Vec::new());
        for it in start..last {
            let line = self.get(it);
            let cut = width.min(indent(line));
            pieces.push((text.len(), self.lines[it].start + cut));
            text.push_str(&line[cut..]);
            text.push('\n');
        }
        let place = self.lines[start].start..self.lines[last - 1].end;
        self.counts.push((Count::Block, place.start));
        self.page.blocks.push(Block { language: language.to_owned(), text, pieces, at: place });
        last
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The sign that a line repeats, if it is one to mark headings with.
fn adornment(line: &str) -> Option<u8> {
    let line = line.trim_end();
    let &first = line.as_bytes().first()?;
    let is_all = line.len() >= 3 && line.bytes().all(|it| it == first);
    (is_all && first.is_ascii_punctuation()).then_some(first)
}

/// The name of a directive and what stands behind it.
fn directive(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim_start().strip_prefix(".. ")?.split_once("::")?;
    (!name.contains([' ', '_'])).then(|| (name, rest.trim()))
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|it: char| it.is_ascii_digit() || it == '#');
    ["- ", "* ", "+ "].iter().any(|it| line.starts_with(it))
        || number.len() < line.len() && number.starts_with(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "======\nDeploy\n======\n\nRun this::\n\n   make deploy\n   make check\n\nFirst\n-----\n\n- a\n- b, see `the docs <https://a.b/c>`_\n\n.. code-block:: bash\n   :linenos:\n\n   ./run.sh\n\nDone.\n\nSecond\n------\n\n.. _x: https://d.e\n";

    #[test]
    fn headings_blocks_and_links_are_read() {
        let page = read(TEXT);
        let sections: Vec<_> = page
            .sections
            .iter()
            .map(|it| format!("{} {} {} {}", it.level, it.heading, it.entries, it.blocks))
            .collect();
        assert_eq!(sections, ["1 Deploy 4 2", "2 First 2 1", "2 Second 0 0"]);
        let blocks: Vec<_> =
            page.blocks.iter().map(|it| format!("{}|{}", it.language, it.text)).collect();
        assert_eq!(blocks, ["|make deploy\nmake check\n", "bash|./run.sh\n"]);
        let place = page.blocks[0].place(12..22);
        assert_eq!(&TEXT[place], "make check");
        let links: Vec<_> = page.links.iter().map(|it| it.target.as_str()).collect();
        assert_eq!(links, ["https://a.b/c", "https://d.e"]);
    }

    #[test]
    fn nothing_that_is_written_stops_the_reader() {
        for text in
            ["", "===", "===\n", "a\n===", "::", "x::\n\n", ".. code::", "é\n==\n\n..  ::\n"]
        {
            read(text);
        }
    }
}
