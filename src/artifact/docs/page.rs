//! A Markdown page as readers meet it: sections, commands to copy, links, diagrams, ticked boxes.

pub mod rst;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// What a page holds, in the order in which it is written. Ranges are bytes of the text.
#[derive(Debug, Default)]
pub struct Page {
    /// The parts under each heading; what stands before the first heading is in none.
    pub sections: Vec<Section>,
    /// The code blocks.
    pub blocks: Vec<Block>,
    /// The links and pictures.
    pub links: Vec<Link>,
    /// The boxes of task lists.
    pub boxes: Vec<Tick>,
    /// How many words say something.
    pub words: usize,
}

/// A heading and all that stands under it, deeper headings included.
#[derive(Debug, Default)]
pub struct Section {
    /// 1 for the title of the page, down to 6.
    pub level: u8,
    /// The heading without markup.
    pub heading: String,
    /// Where the heading stands.
    pub at: Range<usize>,
    /// Everything under the heading, up to the next one that is not deeper.
    pub body: Range<usize>,
    /// How many words the body has that say something.
    pub words: usize,
    /// How many list items, rows of tables and deeper headings the body has.
    pub entries: usize,
    /// How many of them are boxes to tick.
    pub boxes: usize,
    /// How many code blocks the body has.
    pub blocks: usize,
}

/// A code block.
#[derive(Debug)]
pub struct Block {
    /// The language it names, in lower case; empty if it names none.
    pub language: String,
    /// Its text, without fences and indentation.
    pub text: String,
    /// Where each piece of the text starts: in the text, and in the page.
    pieces: Vec<(usize, usize)>,
    /// Where it stands.
    pub at: Range<usize>,
}

/// Where something else is to be found.
#[derive(Debug)]
pub struct Link {
    /// The address as it is written.
    pub target: String,
    /// Where it stands.
    pub at: Range<usize>,
}

/// A box of a task list.
#[derive(Debug)]
pub struct Tick {
    /// Whether it is ticked.
    pub ticked: bool,
    /// What it stands for, without markup.
    pub text: String,
    /// Where its item stands.
    pub at: Range<usize>,
}

impl Block {
    /// Where in the page a range of the block's text stands.
    pub fn place(&self, range: Range<usize>) -> Range<usize> {
        let piece = self.pieces.partition_point(|it| it.0 <= range.start).saturating_sub(1);
        let Some(&(own, page)) = self.pieces.get(piece) else { return self.at.clone() };
        let end = self.pieces.get(piece + 1).map_or(self.text.len(), |it| it.0);
        page + (range.start - own)..page + (range.end.min(end).max(range.start) - own)
    }
}

/// Words that stand where a text should be.
const PLACEHOLDERS: &[&str] =
    &["todo", "tbd", "fixme", "lorem ipsum", "coming soon", "work in progress", "to be written"];

/// Reads a page. Every text is one.
pub fn read(text: &str) -> Page {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let mut reader = Reader::default();
    for (event, at) in Parser::new_ext(text, options).into_offset_iter() {
        reader.event(event, at);
    }
    reader.page.finish(text, &reader.counts);
    reader.page
}

#[derive(Default)]
struct Reader {
    page: Page,
    /// What was counted, with where it stands.
    counts: Vec<(Count, usize)>,
    in_heading: bool,
    in_block: bool,
    /// The open list items that have a box, by their place among the boxes.
    ticks: Vec<Option<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Entry,
    Tick,
    Block,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, at: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(TagEnd::Heading(_)) => self.in_heading = false,
            Event::End(TagEnd::CodeBlock) => self.in_block = false,
            Event::End(TagEnd::Item) => drop(self.ticks.pop()),
            Event::TaskListMarker(ticked) => {
                self.counts.push((Count::Tick, at.start));
                if let Some(open) = self.ticks.last_mut() {
                    *open = Some(self.page.boxes.len());
                }
                self.page.boxes.push(Tick { ticked, text: String::new(), at });
            }
            Event::Text(text) | Event::Code(text) => self.text(&text, at),
            Event::SoftBreak | Event::HardBreak => self.text(" ", at),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, at: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.in_heading = true;
                self.counts.push((Count::Entry, at.start));
                let level = level as u8;
                self.page.sections.push(Section { level, at, ..Section::default() });
            }
            Tag::CodeBlock(kind) => {
                self.in_block = true;
                self.counts.push((Count::Block, at.start));
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',', '{']).next().unwrap_or_default().to_ascii_lowercase()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                let (text, pieces) = (String::new(), Vec::new());
                self.page.blocks.push(Block { language, text, pieces, at });
            }
            Tag::Item => {
                self.ticks.push(None);
                self.counts.push((Count::Entry, at.start));
            }
            Tag::TableRow => self.counts.push((Count::Entry, at.start)),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.page.links.push(Link { target: dest_url.into_string(), at });
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, at: Range<usize>) {
        if self.in_block {
            if let Some(block) = self.page.blocks.last_mut() {
                block.pieces.push((block.text.len(), at.start));
                block.text.push_str(text);
            }
            return;
        }
        if self.in_heading
            && let Some(section) = self.page.sections.last_mut()
        {
            section.heading.push_str(text);
        }
        if let Some(&Some(tick)) = self.ticks.last() {
            let tick = &mut self.page.boxes[tick];
            tick.text.push_str(text);
            tick.at.end = tick.at.end.max(at.end);
        }
    }
}

impl Page {
    /// Fills in what is only known once every section has its end.
    fn finish(&mut self, text: &str, counts: &[(Count, usize)]) {
        let ends = self.ends(text.len());
        let words = words(text);
        self.words = words.len();
        let between = |starts: &[usize], body: &Range<usize>| {
            let before = |at: usize| starts.partition_point(|it| *it < at);
            before(body.end) - before(body.start)
        };
        let of = |kind: Count| -> Vec<usize> {
            counts.iter().filter(|it| it.0 == kind).map(|it| it.1).collect()
        };
        let (entries, boxes, blocks) = (of(Count::Entry), of(Count::Tick), of(Count::Block));
        for (section, end) in self.sections.iter_mut().zip(ends) {
            section.body = section.at.end..end.max(section.at.end);
            section.words = between(&words, &section.body);
            section.entries = between(&entries, &section.body);
            section.boxes = between(&boxes, &section.body);
            section.blocks = between(&blocks, &section.body);
        }
    }

    /// Where each section ends: at the next heading that is not deeper.
    fn ends(&self, last: usize) -> Vec<usize> {
        let mut ends = vec![last; self.sections.len()];
        let mut open: Vec<usize> = Vec::new();
        for (at, section) in self.sections.iter().enumerate() {
            while let Some(&before) = open.last()
                && self.sections[before].level >= section.level
            {
                ends[before] = section.at.start;
                open.pop();
            }
            open.push(at);
        }
        ends
    }
}

/// Where the words start that say something: not those of lines that only hold the place.
fn words(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !is_placeholder(line) {
            let mut outside = true;
            for (offset, letter) in line.char_indices() {
                let inside = letter.is_alphanumeric();
                if inside && outside {
                    starts.push(at + offset);
                }
                outside = letter.is_whitespace() || outside && !inside;
            }
        }
        at += line.len();
    }
    starts
}

/// Whether a line only says that something will stand there.
fn is_placeholder(line: &str) -> bool {
    let line = line.trim_matches(|it: char| !it.is_alphanumeric());
    let starts = |word: &&str| {
        line.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word))
            && !line[word.len()..].starts_with(|it: char| it.is_alphanumeric() || it == '-')
    };
    line.len() < 80 && PLACEHOLDERS.iter().any(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_holds_the_deeper_ones() {
        let page = read("# Shop\n\n## Deploy\n\nRun it.\n\n### Undo\n- one\n- two\n\n## Next\nx\n");
        let shown: Vec<_> = page
            .sections
            .iter()
            .map(|it| (it.level, it.heading.as_str(), it.words, it.entries))
            .collect();
        assert_eq!(
            shown,
            [(1, "Shop", 8, 5), (2, "Deploy", 5, 3), (3, "Undo", 2, 2), (2, "Next", 1, 0)]
        );
    }

    #[test]
    fn placeholders_say_nothing() {
        let page = read("# Runbook\n\nTODO: write this down\n\n- TBD\n\n*Coming soon!*\n");
        assert_eq!(page.sections[0].words, 0);
        assert_eq!(read("# Todo-service\n\ntodo-service lists todos\n").sections[0].words, 3);
    }

    #[test]
    fn commands_know_where_they_stand() {
        let text = "1. do\n\n   ```sh\n   make a\n   make b\n   ```\n";
        let block = &read(text).blocks[0];
        assert_eq!((block.language.as_str(), block.text.as_str()), ("sh", "make a\nmake b\n"));
        assert_eq!(&text[block.place(7..13)], "make b");
    }

    #[test]
    fn boxes_have_their_own_text() {
        let page = read("- [x] *Backups* are\n  tested\n  - [ ] and `timed`\n- plain\n");
        let shown: Vec<_> = page.boxes.iter().map(|it| (it.ticked, it.text.as_str())).collect();
        assert_eq!(shown, [(true, "Backups are tested"), (false, "and timed")]);
    }

    #[test]
    fn every_text_is_a_page() {
        let deep = "> ".repeat(20_000) + "x";
        for text in ["", "\u{0}", "```", "# ", "[a](", &deep, &"[".repeat(50_000)] {
            read(text);
        }
    }
}
