//! Scripts of steps: from the text of a YAML node to simple commands that know their place.

use super::{
    model::{Command, Step},
    role,
};
use crate::{
    artifact::recipe::{self, Shell},
    document::{Node, Style},
    source::Span,
};

/// Scripts larger than this are not read.
const LARGEST: usize = 128 << 10;

/// The simple commands of the script that `node` holds, run by `shell` in `folder`.
pub(super) fn commands(node: Node<'_>, shell: Shell, folder: Option<&str>) -> Vec<Command> {
    let text = node.text();
    if text.len() > LARGEST {
        return Vec::new();
    }
    let masked = masked(text);
    let places = Places::new(node);
    let found = recipe::script(&masked, shell, folder);
    found.into_iter().map(|it| command(it, text, &places)).collect()
}

fn command(it: recipe::Command, text: &str, places: &Places<'_>) -> Command {
    let role = role::of_command(&it.words);
    let toothless = role::toothless_flag(&it.words, role).unwrap_or_default();
    Command {
        place: places.span(it.at.start, it.at.end),
        text: on_one_line(text.get(it.at.clone()).unwrap_or("")),
        name: it.name,
        words: it.words,
        folder: it.folder,
        hidden: it.hidden,
        idle: it.idle,
        role,
        toothless,
        consumed: false,
        goals: it.goals,
    }
}

/// How many commands and steps of a job are followed to what looks at them.
const MOST_FOLLOWED: usize = 200;

/// Notes what a later step looks at: a failure that does not count here may count there.
pub(super) fn note_consumers(steps: &mut [Step], job: Node<'_>, tolerated: bool) {
    let source = &job.tree().source.text;
    let end = (job.span().end as usize).min(source.len());
    let mut budget = MOST_FOLLOWED;
    for step in steps {
        let span = job.tree().node(step.raw).span();
        let from = span.end as usize;
        let rest = source.get(from..end).unwrap_or("");
        let own = source.get(span.start as usize..from).unwrap_or("");
        let is_sarif = own.to_ascii_lowercase().contains("sarif") || own.contains("snyk/actions");
        let sarif = |rest: &str| is_sarif && rest.contains("upload-sarif");
        let soft = tolerated || step.tolerated.is_some() || step.toothless.is_some();
        if soft && budget > 0 {
            budget -= 1;
            let asked = !step.id.is_empty() && rest.contains(&format!("steps.{}.", step.id));
            let report = files(own).iter().any(|file| is_read(rest, file));
            step.consumed = asked || sarif(rest) || report;
        }
        for command in &mut step.commands {
            if (command.hidden.is_some() || !command.toothless.is_empty() || soft) && budget > 0 {
                budget -= 1;
                let rest = source.get(command.place.end as usize..end).unwrap_or("");
                let asked = !step.id.is_empty() && rest.contains(&format!("steps.{}.", step.id));
                command.consumed = asked
                    || sarif(rest)
                    || files(&command.text).iter().any(|file| is_read(rest, file));
            }
        }
    }
}

/// The reports that a text names.
fn files(text: &str) -> Vec<&str> {
    let ends =
        |it: char| it.is_whitespace() || matches!(it, '\'' | '"' | '=' | '>' | ':' | ',' | ';');
    let is_report = |it: &&str| {
        it.rsplit_once('.').is_some_and(|(stem, extension)| {
            !stem.is_empty()
                && matches!(
                    extension,
                    "json"
                        | "xml"
                        | "sarif"
                        | "txt"
                        | "log"
                        | "html"
                        | "md"
                        | "csv"
                        | "out"
                        | "lcov"
                )
        })
    };
    text.split(ends).filter(is_report).map(|it| it.rsplit('/').next().unwrap_or(it)).collect()
}

/// Whether a later command names the file: not only to keep it.
fn is_read(rest: &str, file: &str) -> bool {
    rest.lines().any(|line| {
        let line = line.trim_start();
        let keeps = ["path:", "- name:", "name:", "#", "echo ", "cat "].iter();
        line.contains(file) && !keeps.clone().any(|it| line.starts_with(it)) && line != file
    })
}

fn on_one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().filter(|it| *it != "\\").collect();
    words.join(" ")
}

/// The script with each `${{ … }}` as one word of the same length, so that places stay true.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${{") {
        let end = rest[at..].find("}}").map_or(rest.len(), |it| at + it + 2);
        out.push_str(&rest[..at]);
        out.push('$');
        out.extend(std::iter::repeat_n('_', end - at - 1));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Where the text of a scalar is written.
struct Places<'a> {
    node: Node<'a>,
    /// For literal blocks: the starts of lines in the text and in the source.
    lines: Vec<(usize, u32)>,
}

impl<'a> Places<'a> {
    fn new(node: Node<'a>) -> Self {
        let lines = match node.style() {
            Style::Literal | Style::Folded => block_lines(node),
            _ => Vec::new(),
        };
        Self { node, lines }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let whole = self.node.span();
        let source = &self.node.tree().source;
        if self.lines.is_empty() {
            let written = source.slice(whole);
            let shift = usize::from(written.starts_with(['"', '\'']));
            let same = written.get(shift..).is_some_and(|it| it.starts_with(self.node.text()));
            return if same {
                let from = whole.start as usize + shift;
                Span::new(from + start, from + end)
            } else {
                whole
            };
        }
        let at = self.lines.partition_point(|it| it.0 <= start).max(1) - 1;
        let (text, line) = self.lines[at];
        let from = (line as usize + start - text).min(source.text.len());
        let stop = source.text[from.min(source.text.len())..].find('\n');
        let line_end = stop.map_or(source.text.len(), |it| from + it);
        Span::new(from, (from + (end - start)).min(line_end))
    }
}

/// The lines of a literal block: where they start in its text and in the source. A folded block
/// has no such lines; it is found by the words that its source lines begin with.
fn block_lines(node: Node<'_>) -> Vec<(usize, u32)> {
    let source = &node.tree().source;
    let (text, span) = (node.text(), node.span());
    let mut lines = Vec::new();
    let mut at = 0;
    let mut offset = span.start as usize;
    let is_header = source.slice(span).starts_with(['|', '>']);
    let written = source.slice(span).split_inclusive('\n');
    for (index, line) in written.enumerate() {
        let content = line.trim();
        let is_text = !content.is_empty() && (index > 0 || !is_header);
        if is_text {
            let indent = line.len() - line.trim_start().len();
            if let Some(found) = text.get(at..).and_then(|it| it.find(content)) {
                at += found;
                lines.push((at, (offset + indent) as u32));
                at += content.len();
            }
        }
        offset += line.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse, source::Source};

    fn lines(yaml: &str) -> Vec<(u32, u32, String)> {
        let (tree, _) = parse::yaml::parse(Source::new("a.yml", yaml));
        let root = tree.documents().next().expect("a document");
        let found = commands(root.get("run").expect("a script"), Shell::default(), Some(""));
        found
            .into_iter()
            .map(|it| {
                let start = tree.source.position(it.place.start);
                (start.line, start.column, tree.source.slice(it.place).to_owned())
            })
            .collect()
    }

    #[test]
    fn commands_know_where_they_are_written() {
        let literal = "run: |\n  cd api\n\n  if true; then\n    make ${{ a || b }} x\n  fi\n";
        assert_eq!(
            lines(literal),
            [(2, 3, "cd api".into()), (4, 6, "true".into()), (5, 5, "make ${{ a || b }} x".into())]
        );
        let folded = "run: >-\n  a --x\n  --y &&\n  b\n";
        assert_eq!(lines(folded)[1], (4, 3, "b".into()));
        assert_eq!(lines("run: a && b\n")[1], (1, 11, "b".into()));
        assert_eq!(lines("run: \"a && b\"\n")[1], (1, 12, "b".into()));
    }
}
