//! Files of sections and keys whose values go on in indented lines: `tox.ini`, `setup.cfg`.

use crate::source::Span;

/// A section.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// What stands in the brackets.
    pub name: String,
    /// Where it stands, without the brackets.
    pub place: Span,
    /// Its keys, in order.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Span,
    /// The lines of the value that say something, without the blanks around them and without
    /// comments.
    pub lines: Vec<Span>,
}

impl Section {
    /// The entry of that key: the last one.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|it| it.key == key)
    }
}

/// The sections of a text. What fits nowhere is left out.
pub fn read(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let said = line.trim();
        if said.is_empty() || said.starts_with(['#', ';']) {
            continue;
        }
        let from = start + (line.len() - line.trim_start().len());
        let place = Span::new(from, from + said.len());
        if line.starts_with([' ', '\t']) {
            let last = sections.last_mut().and_then(|it| it.entries.last_mut());
            if let Some(entry) = last {
                entry.lines.push(without_comment(said, place));
            }
        } else if let Some(name) = said.strip_prefix('[').and_then(|it| it.split(']').next()) {
            let place = Span::new(from + 1, from + 1 + name.len());
            sections.push(Section { name: name.trim().to_owned(), place, entries: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            section.entries.extend(entry(said, from));
        }
    }
    sections
}

fn entry(said: &str, from: usize) -> Option<Entry> {
    let end = said.find(['=', ':'])?;
    let key = said[..end].trim_end();
    let rest = &said[end + 1..];
    let value = rest.trim();
    let start = from + end + 1 + (rest.len() - rest.trim_start().len());
    let place = Span::new(start, start + value.len());
    let lines = if value.is_empty() { Vec::new() } else { vec![without_comment(value, place)] };
    Some(Entry { key: key.to_owned(), place: Span::new(from, from + key.len()), lines })
}

fn without_comment(said: &str, place: Span) -> Span {
    let end = said.find(" #").map_or(said.len(), |at| said[..at].trim_end().len());
    Span { start: place.start, end: place.start + end as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_in_indented_lines() {
        let text = "x = 1\n[tox]\nenv_list = a,b # both\n\n[testenv:a]\ncommands =\n    pytest {posargs}\n    # not this\n  - ruff\ndeps: x\n";
        let read = read(text);
        let names: Vec<_> = read.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["tox", "testenv:a"]);
        let lines = |at: usize, key: &str| -> Vec<&str> {
            let entry = read[at].get(key).expect("the key");
            entry.lines.iter().map(|it| &text[it.start as usize..it.end as usize]).collect()
        };
        assert_eq!(lines(0, "env_list"), ["a,b"]);
        assert_eq!(lines(1, "commands"), ["pytest {posargs}", "- ruff"]);
        assert_eq!(lines(1, "deps"), ["x"]);
    }
}
