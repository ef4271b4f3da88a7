//! Dockerfiles as BuildKit reads them: directives, comments, instructions, flags, heredocs.
//!
//! Nothing is lost and nothing stops the reading: what BuildKit would refuse becomes a problem
//! with its line, and the instructions around it are read all the same. Time is linear in the
//! size of the file, and nothing recurses.

use std::{borrow::Cow, ops::Range};

use crate::{
    document::{Id, Key, Problem, Tree, Trouble},
    parse::joined::Joined,
    source::{Source, Span},
};

/// A Dockerfile, read.
#[derive(Debug, Default)]
pub struct File<'a> {
    /// The character that continues lines and escapes others: `\`, or a backtick.
    pub escape: u8,
    /// `# syntax=`, `# escape=`, `# check=` at the top.
    pub directives: Vec<Directive>,
    /// Every comment, also those inside continued instructions; directives are not among them.
    pub comments: Vec<Comment>,
    /// The instructions, in order, also those that do not exist.
    pub instructions: Vec<Instruction<'a>>,
    /// What BuildKit would refuse: where, and why.
    pub faults: Vec<(u32, String)>,
}

/// A directive at the top of the file.
#[derive(Clone, Debug)]
pub struct Directive {
    /// `syntax`, `escape` or `check`.
    pub name: &'static str,
    /// Its value.
    pub value: Span,
    /// The line, from 1.
    pub line: u32,
}

/// A comment on a line of its own.
#[derive(Clone, Copy, Debug)]
pub struct Comment {
    /// From its `#` to the end of its line.
    pub span: Span,
    /// The line, from 1.
    pub line: u32,
}

/// One instruction.
#[derive(Debug)]
pub struct Instruction<'a> {
    /// The instruction as one line.
    pub joined: Joined<'a>,
    /// Its keyword, flags and arguments.
    pub head: Head,
    /// What an `ONBUILD` will run.
    pub trigger: Option<Box<Head>>,
    /// Its first line, from 1.
    pub line: u32,
    /// Its last line, heredocs included.
    pub end_line: u32,
    /// From its keyword to the end of its last line, without heredocs.
    pub span: Span,
    /// Its heredocs, in order.
    pub heredocs: Vec<Heredoc>,
    /// The first blank line inside it, which BuildKit warns of.
    pub blank_line: Option<Span>,
}

/// The parts of an instruction, as ranges of its joined text.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The keyword as written.
    pub keyword: Range<usize>,
    /// The keyword in upper case.
    pub name: String,
    /// `--name=value`, in order.
    pub flags: Vec<Flag>,
    /// The arguments after the flags, without blanks around them.
    pub arguments: Range<usize>,
    /// The arguments, where they are a JSON array of strings.
    pub array: Option<Vec<Item>>,
}

/// A flag of an instruction.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Its name without the dashes.
    pub name: String,
    /// Its value, unquoted; `None` where there is no `=`.
    pub value: Option<String>,
    /// All of it.
    pub range: Range<usize>,
}

/// A string in a JSON array.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// With its quotes.
    pub range: Range<usize>,
}

/// A heredoc.
#[derive(Clone, Debug)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Whether variables in it are expanded by the builder.
    pub expand: bool,
    /// Whether tabs at the start of its lines are dropped.
    pub chomp: bool,
    /// Its lines.
    pub body: Span,
}

impl Instruction<'_> {
    /// Where a range of the joined text is written.
    pub fn place(&self, range: &Range<usize>) -> Span {
        self.joined.span(range.clone())
    }

    /// The joined text of a range.
    pub fn text(&self, range: &Range<usize>) -> &str {
        self.joined.text.get(range.clone()).unwrap_or("")
    }
}

/// The instructions there are.
pub const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// How long a line BuildKit reads.
const LONGEST_LINE: usize = 65_535;

/// Reads a Dockerfile.
pub fn read(text: &str) -> File<'_> {
    let mut reader = Reader { text, at: 0, line: 0, pieces: Vec::new(), file: File::default() };
    reader.file.escape = b'\\';
    reader.file.instructions.reserve(4 + text.len() / 128);
    if text.starts_with('\u{feff}') {
        reader.at = 3;
    }
    reader.all();
    reader.file
}

/// A Dockerfile as a tree, with what BuildKit would refuse as problems.
pub fn parse(source: Source) -> (Tree, Vec<Problem>) {
    let mut tree = Tree::default();
    let file = read(&source.text);
    let problems = problems(&source, &file);
    write(&mut tree, &file, &mut Vec::new());
    tree.adopt(source);
    (tree, problems)
}

/// What BuildKit would refuse.
pub fn problems(source: &Source, file: &File<'_>) -> Vec<Problem> {
    let fault = |(offset, reason): &(u32, String)| {
        Problem::at(source, *offset, Trouble::Syntax, reason.clone())
    };
    file.faults.iter().map(fault).collect()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// The pieces of the instruction that is being read.
    pieces: Vec<Span>,
    file: File<'a>,
}

impl<'a> Reader<'a> {
    /// The next line without its break; the reader moves behind it.
    fn next_line(&mut self) -> Range<usize> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |it| start + it);
        self.at = (end + 1).min(bytes.len());
        self.line += 1;
        let mut end = end;
        while end > start && bytes[end - 1] == b'\r' {
            end -= 1;
        }
        if end - start > LONGEST_LINE {
            let reason = "a line is longer than the 65,535 bytes that builders read: split it";
            self.file.faults.push((start as u32, reason.to_owned()));
        }
        start..end
    }

    fn all(&mut self) {
        let mut directives = true;
        while self.at < self.text.len() {
            let mut range = self.next_line();
            range.start += leading_blanks(&self.text[range.clone()]);
            let text = &self.text[range.clone()];
            if directives {
                directives = self.directive(text, &range);
                if directives {
                    continue;
                }
            }
            if text.starts_with('#') {
                self.comment(range);
            } else if !text.is_empty() {
                self.instruction(range);
            }
        }
    }

    fn comment(&mut self, range: Range<usize>) {
        self.file.comments.push(Comment { span: span(range), line: self.line });
    }

    /// Reads a directive; false where the line is none and directives end.
    fn directive(&mut self, text: &str, range: &Range<usize>) -> bool {
        let Some((name, value)) = split_directive(text) else { return false };
        let start = range.start + (value.as_ptr() as usize - text.as_ptr() as usize);
        let value_span = Span::new(start, start + value.len());
        if self.file.directives.iter().any(|it| it.name == name) {
            self.file.faults.push((range.start as u32, format!("a second `# {name}=` directive")));
        }
        if name == "escape" {
            match value {
                "\\" | "`" => self.file.escape = value.as_bytes()[0],
                _ => {
                    let reason = format!("the escape character `{value}` is neither ` nor \\");
                    self.file.faults.push((start as u32, reason));
                }
            }
        }
        self.file.directives.push(Directive { name, value: value_span, line: self.line });
        true
    }

    /// Reads an instruction whose first line is `first`.
    fn instruction(&mut self, first: Range<usize>) {
        let (line, mut blank_line) = (self.line, None);
        let mut end = first.end;
        self.pieces.clear();
        let mut more = self.piece(first.clone());
        while more && self.at < self.text.len() {
            let range = self.next_line();
            let blanks = leading_blanks(&self.text[range.clone()]);
            let text = &self.text[range.start + blanks..range.end];
            if text.is_empty() {
                blank_line = blank_line.or(Some(span(range)));
            } else if text.starts_with('#') {
                self.comment(range.start + blanks..range.end);
            } else {
                end = range.end;
                more = self.piece(range);
            }
        }
        let joined = Joined::of(self.text, &self.pieces);
        let escape = self.file.escape;
        let head = head(&joined.text, 0, escape);
        if head.keyword.is_empty() {
            return;
        }
        let inner = head.name == "ONBUILD";
        let trigger = inner.then(|| self::head(&joined.text, head.arguments.start, escape).into());
        let heredocs = self.heredocs(&joined, trigger.as_deref().unwrap_or(&head));
        let span = Span::new(first.start, end);
        let mut it = Instruction {
            joined,
            head,
            trigger,
            line,
            end_line: self.line,
            span,
            heredocs,
            blank_line,
        };
        self.check(&mut it);
        self.file.instructions.push(it);
    }

    /// Adds the part of a line that belongs to the instruction; true if the next line does too.
    fn piece(&mut self, range: Range<usize>) -> bool {
        let kept = continued(&self.text.as_bytes()[range.clone()], self.file.escape);
        let end = kept.map_or(range.end, |it| range.start + it);
        self.pieces.push(Span::new(range.start, end));
        kept.is_some()
    }

    fn heredocs(&mut self, joined: &Joined<'_>, head: &Head) -> Vec<Heredoc> {
        let may_have = matches!(head.name.as_str(), "RUN" | "COPY" | "ADD") && head.array.is_none();
        if !may_have || !joined.text.contains("<<") {
            return Vec::new();
        }
        let mut found = Vec::new();
        for range in words(&joined.text, 0..joined.text.len(), self.file.escape) {
            let Some(it) = heredoc_word(&joined.text[range.clone()]) else { continue };
            let offset = joined.offset(range.start);
            found.push(self.heredoc(it, offset));
        }
        found
    }

    fn heredoc(&mut self, (name, expand, chomp): (String, bool, bool), offset: u32) -> Heredoc {
        let start = self.at;
        let mut end = start;
        let mut ended = false;
        while !ended && self.at < self.text.len() {
            let range = self.next_line();
            let text = &self.text[range.clone()];
            let text = if chomp { text.trim_start_matches('\t') } else { text };
            ended = text == name;
            end = if ended { range.start } else { self.at };
        }
        if !ended {
            let reason = format!("the heredoc `{name}` never ends: no line is just `{name}`");
            self.file.faults.push((offset, reason));
        }
        Heredoc { name, expand, chomp, body: Span::new(start, end) }
    }

    /// Notes what BuildKit would refuse.
    fn check(&mut self, it: &mut Instruction<'_>) {
        let offset = it.span.start;
        let head = &it.head;
        if !KEYWORDS.contains(&head.name.as_str()) {
            let reason = format!("unknown instruction `{}`", it.text(&head.keyword));
            self.file.faults.push((offset, reason));
        } else if head.arguments.is_empty()
            && !matches!(head.name.as_str(), "CMD" | "ENTRYPOINT" | "SHELL")
        {
            let reason = format!("`{}` says nothing: it needs an argument", head.name);
            self.file.faults.push((offset, reason));
        }
    }
}

fn span(range: Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

fn leading_blanks(text: &str) -> usize {
    text.bytes().take_while(|&it| is_blank(it)).count()
}

/// Where the content of a line ends if the line is continued: at its last escape character, which
/// blanks may follow and which is not itself escaped.
fn continued(line: &[u8], escape: u8) -> Option<usize> {
    let end = line.iter().rposition(|it| !matches!(it, b' ' | b'\t'))?;
    (line[end] == escape && (end == 0 || line[end - 1] != escape)).then_some(end)
}

fn split_directive(text: &str) -> Option<(&'static str, &str)> {
    let (name, value) = text.strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let known =
        ["syntax", "escape", "check"].into_iter().find(|it| name.eq_ignore_ascii_case(it))?;
    (!value.is_empty()).then_some((known, value))
}

/// The keyword, the flags and the arguments that start at `from`.
fn head(text: &str, from: usize, escape: u8) -> Head {
    let start = from + leading_blanks(&text[from..]);
    let length = text[start..].bytes().take_while(|&it| !is_blank(it)).count();
    let keyword = start..start + length;
    let name = text[keyword.clone()].to_ascii_uppercase();
    let (flags, at) = flags(text, keyword.end, escape);
    let end = text.trim_end().len().max(at);
    let arguments = at..end;
    let array = array_range(text, &name, &arguments).and_then(|it| array(text, it));
    Head { keyword, name, flags, arguments, array }
}

/// Where an instruction may have a JSON array.
fn array_range(text: &str, name: &str, arguments: &Range<usize>) -> Option<Range<usize>> {
    match name {
        "RUN" | "CMD" | "ENTRYPOINT" | "SHELL" | "COPY" | "ADD" | "VOLUME" => {
            Some(arguments.clone())
        }
        "HEALTHCHECK" => {
            let rest = &text[arguments.clone()];
            let is_cmd = rest.get(..3).is_some_and(|it| it.eq_ignore_ascii_case("cmd"));
            is_cmd.then(|| arguments.start + 3..arguments.end)
        }
        _ => None,
    }
}

/// Leading words that start with `--`; a bare `--` ends them. Also gives where the rest starts.
fn flags(text: &str, from: usize, escape: u8) -> (Vec<Flag>, usize) {
    let (bytes, mut found, mut at) = (text.as_bytes(), Vec::new(), from);
    loop {
        at += leading_blanks(&text[at..]);
        if !text[at..].starts_with("--") {
            return (found, at);
        }
        let start = at;
        let mut quote = None;
        while at < bytes.len() && (quote.is_some() || !is_blank(bytes[at])) {
            match bytes[at] {
                it if it == escape => at += 1,
                it @ (b'\'' | b'"') if quote.is_none() => quote = Some(it),
                it if quote == Some(it) => quote = None,
                _ => {}
            }
            at += 1;
        }
        at = char_end(text, at);
        if &text[start..at] == "--" {
            return (found, at + leading_blanks(&text[at..]));
        }
        let plain = unquoted(&text[start + 2..at], escape);
        let (name, value) = match plain.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (plain.into_owned(), None),
        };
        found.push(Flag { name, value, range: start..at });
    }
}

/// The next character boundary at or behind `at`, inside the text.
fn char_end(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The words of a range, apart by blanks that are neither quoted nor escaped.
pub fn words(text: &str, range: Range<usize>, escape: u8) -> Vec<Range<usize>> {
    let bytes = &text.as_bytes()[..range.end];
    let (mut at, mut found) = (range.start, Vec::new());
    while at < bytes.len() {
        if is_blank(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && !is_blank(bytes[at]) {
            at = match bytes[at] {
                it if it == escape => at + 2,
                b'\'' => find_quote(bytes, at, None),
                b'"' => find_quote(bytes, at, Some(escape)),
                b'$' if bytes.get(at + 1) == Some(&b'{') => find_brace(bytes, at),
                _ => at + 1,
            };
        }
        at = char_end(text, at.min(range.end));
        found.push(start..at);
    }
    found
}

/// The words of a range, apart by blanks, whatever is quoted: how `COPY`, `EXPOSE` and others see
/// their arguments.
pub fn plain_words(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = range.start;
    for part in text[range].split(|it: char| it.is_ascii() && is_blank(it as u8)) {
        if !part.is_empty() {
            found.push(at..at + part.len());
        }
        at += part.len() + 1;
    }
    found
}

/// Just behind the quote that ends the one at `at`.
fn find_quote(bytes: &[u8], at: usize, escape: Option<u8>) -> usize {
    let (quote, mut at) = (bytes[at], at + 1);
    while at < bytes.len() && bytes[at] != quote {
        at += if Some(bytes[at]) == escape { 2 } else { 1 };
    }
    at + 1
}

/// Just behind the brace that ends the `${` at `at`.
fn find_brace(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0;
    let mut at = at + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The word without its quotes and escapes; variables stay as written.
pub fn unquoted(word: &str, escape: u8) -> Cow<'_, str> {
    if !word.bytes().any(|it| matches!(it, b'\'' | b'"') || it == escape) {
        return word.into();
    }
    let (mut out, mut quote) = (String::with_capacity(word.len()), None);
    let mut letters = word.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(it), _) if it == letter => quote = None,
            (Some('"'), _) if letter == escape as char => {
                let escaped = |next: &char| matches!(next, '"' | '$') || *next == letter;
                out.push(letters.next_if(escaped).unwrap_or(letter));
            }
            (None, _) if letter == escape as char => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
    out.into()
}

/// `<<EOF`, `<<-"EOF"`, `3<<EOF`: the name, whether it expands, whether tabs are dropped.
fn heredoc_word(word: &str) -> Option<(String, bool, bool)> {
    let rest = word.trim_start_matches(|it: char| it.is_ascii_digit()).strip_prefix("<<")?;
    let (chomp, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let quoted = rest.contains(['\'', '"', '\\']);
    let name = unquoted(rest, b'\\').into_owned();
    (!name.is_empty()).then_some((name, !quoted, chomp))
}

/// A JSON array of strings that fills the range.
fn array(text: &str, range: Range<usize>) -> Option<Vec<Item>> {
    let bytes = &text.as_bytes()[..range.end];
    let skip = |mut at: usize| {
        while at < bytes.len() && is_blank(bytes[at]) {
            at += 1;
        }
        at
    };
    let mut at = skip(range.start);
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    let mut items = Vec::new();
    at = skip(at + 1);
    if bytes.get(at) == Some(&b']') {
        return (skip(at + 1) == bytes.len()).then_some(items);
    }
    loop {
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let end = find_quote(bytes, at, Some(b'\\'));
        let item = text.get(at..end)?;
        items.push(Item { text: serde_json::from_str(item).ok()?, range: at..end });
        at = skip(end);
        match bytes.get(at)? {
            b',' => at = skip(at + 1),
            b']' => return (skip(at + 1) == bytes.len()).then_some(items),
            _ => return None,
        }
    }
}

/// Writes the file as one document of the tree (whose source is its text, or will be), and gives
/// the node of each instruction.
pub fn write(tree: &mut Tree, file: &File<'_>, instructions: &mut Vec<Id>) {
    let end = file.instructions.last().map_or(0, |it| it.span.end);
    let root = tree.open_map(Key::None, Span { start: 0, end });
    let map = tree.open_map(Key::Field("directives"), Span::default());
    for it in &file.directives {
        tree.text_at(Key::Text(it.name), it.value);
    }
    tree.close(map);
    let list = tree.open_seq(Key::Field("instructions"), Span { start: 0, end });
    for it in &file.instructions {
        instructions.push(instruction(tree, it));
    }
    tree.close_with(list, file.instructions.len() as u32);
    tree.close_with(root, 2);
    tree.roots.push(root);
}

fn instruction(tree: &mut Tree, it: &Instruction<'_>) -> Id {
    let map = tree.open_map(Key::None, it.span);
    head_fields(tree, it, &it.head);
    if let Some(line) = it.blank_line {
        tree.text(Key::Field("blank_line"), "", line);
    }
    if !it.heredocs.is_empty() {
        let list = tree.open_seq(Key::Field("heredocs"), it.span);
        for heredoc in &it.heredocs {
            let map = tree.open_map(Key::None, heredoc.body);
            tree.text(Key::Field("name"), &heredoc.name, heredoc.body);
            tree.bool(Key::Field("expand"), heredoc.expand, heredoc.body);
            tree.text_at(Key::Field("body"), heredoc.body);
            tree.close_with(map, 3);
        }
        tree.close_with(list, it.heredocs.len() as u32);
    }
    if let Some(trigger) = &it.trigger {
        let range = trigger.keyword.start..trigger.arguments.end;
        let map = tree.open_map(Key::Field("trigger"), it.place(&range));
        head_fields(tree, it, trigger);
        tree.close(map);
    }
    tree.close(map);
    map
}

fn head_fields(tree: &mut Tree, it: &Instruction<'_>, head: &Head) {
    tree.spelled(Key::Field("keyword"), &head.name, it.place(&head.keyword));
    tree.text_at(Key::Field("written"), it.place(&head.keyword));
    if !head.flags.is_empty() {
        let list = tree.open_seq(Key::Field("flags"), it.place(&head.flags[0].range));
        for flag in &head.flags {
            let place = it.place(&flag.range);
            let map = tree.open_map(Key::None, place);
            tree.text(Key::Field("name"), &flag.name, place);
            if let Some(value) = &flag.value {
                tree.text(Key::Field("value"), value, place);
            }
            tree.close(map);
        }
        tree.close_with(list, head.flags.len() as u32);
    }
    ranged(tree, Key::Field("arguments"), it, &head.arguments);
    if let Some(items) = &head.array {
        let list = tree.open_seq(Key::Field("array"), it.place(&head.arguments));
        for item in items {
            tree.text(Key::None, &item.text, it.place(&item.range));
        }
        tree.close_with(list, items.len() as u32);
    }
}

/// A range of the instruction as text: where the file spells it, the file's own.
pub fn ranged(tree: &mut Tree, key: Key<'_>, it: &Instruction<'_>, range: &Range<usize>) -> Id {
    let place = it.place(range);
    if it.joined.is_whole(range) {
        tree.text_at(key, place)
    } else {
        tree.text(key, it.text(range), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, u32, u32)> {
        let file = read(text);
        file.instructions.iter().map(|it| (it.head.name.clone(), it.line, it.end_line)).collect()
    }

    fn one(name: &str, line: u32, end: u32) -> (String, u32, u32) {
        (name.to_owned(), line, end)
    }

    #[test]
    fn continuations_skip_comments_and_blank_lines() {
        let text = "\u{feff}FROM a\r\nRUN b \\\r\n  # note\r\n\r\n  c \\ \r\n d\r\ncmd e";
        assert_eq!(names(text), [one("FROM", 1, 1), one("RUN", 2, 6), one("CMD", 7, 7)]);
        let file = read(text);
        assert_eq!(file.comments.len(), 1);
        let run = &file.instructions[1];
        assert_eq!(run.text(&run.head.arguments), "b   c  d");
        assert!(run.blank_line.is_some());
    }

    #[test]
    fn the_escape_directive_counts_only_at_the_top() {
        let file = read(
            "# syntax=docker/dockerfile:1\n#ESCAPE = `\nFROM a\nRUN b `\n  c\nRUN d \\\nUSER e\n",
        );
        assert_eq!(file.escape, b'`');
        assert_eq!(file.instructions.len(), 4);
        assert_eq!(read("\n# escape=`\nRUN a `\nb\n").escape, b'\\');
        assert_eq!(read("# escape=x\nFROM a\n").faults.len(), 1);
    }

    #[test]
    fn heredocs_end_at_a_line_that_is_their_name() {
        let text = "RUN <<-\"A B\" cat <<EOF\n\tone\n\tA B\ntwo $x\nEOF\nCOPY <<X /y\nUSER z\n";
        let file = read(text);
        let run = &file.instructions[0];
        assert_eq!((run.line, run.end_line), (1, 5));
        let [first, second] = &run.heredocs[..] else { panic!("two heredocs") };
        assert_eq!((first.name.as_str(), first.expand, first.chomp), ("A B", false, true));
        assert_eq!((second.name.as_str(), second.expand), ("EOF", true));
        assert_eq!(&text[second.body.start as usize..second.body.end as usize], "two $x\n");
        assert_eq!(file.instructions.len(), 2);
        assert!(file.faults[0].1.contains("`X` never ends"), "{:?}", file.faults);
        assert!(read("RUN [\"<<EOF\"]\nUSER a\n").instructions[0].heredocs.is_empty());
    }

    #[test]
    fn flags_and_arrays_are_taken_apart() {
        let text = "ONBUILD RUN --mount=type=cache,target=\"/a b\" --network=none [ \"x\", \\\n\"\\u0041\" ]\n";
        let file = read(text);
        let it = &file.instructions[0];
        let run = it.trigger.as_ref().unwrap();
        assert_eq!(run.name, "RUN");
        assert_eq!(run.flags[0].value.as_deref(), Some("type=cache,target=/a b"));
        assert_eq!(run.flags[1].name, "network");
        let items: Vec<_> = run.array.as_ref().unwrap().iter().map(|it| it.text.as_str()).collect();
        assert_eq!(items, ["x", "A"]);
        for shell in ["CMD ['a']", "CMD [\"a\"] b", "CMD [\"a\",]", "CMD [1]", "CMD [\"a\""] {
            assert!(read(shell).instructions[0].head.array.is_none(), "{shell}");
        }
        assert!(read("HEALTHCHECK --retries=1 CMD [\"a\"]").instructions[0].head.array.is_some());
    }

    #[test]
    fn what_is_broken_loses_itself_only() {
        let file = read("FROM a\nWHAT is this\nRUN\nUSER b\n");
        let lines: Vec<_> = file.faults.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(
            lines,
            ["unknown instruction `WHAT`", "`RUN` says nothing: it needs an argument"]
        );
        assert_eq!(file.instructions.len(), 4);
    }

    #[test]
    fn words_keep_quotes_together() {
        let text = r#"a="b c" 'd e'f g\ h ${i:-j k} "l"#;
        let found: Vec<_> =
            words(text, 0..text.len(), b'\\').into_iter().map(|it| &text[it]).collect();
        assert_eq!(found, [r#"a="b c""#, "'d e'f", r"g\ h", "${i:-j k}", "\"l"]);
        assert_eq!(unquoted(r#"a="b\"c" '\d'\e"#, b'\\'), r#"a=b"c \de"#);
        assert_eq!(unquoted(r#""C:\x""#, b'\\'), r"C:\x");
    }

    #[test]
    fn long_continuations_need_neither_stack_nor_time() {
        let text = format!("RUN a{}\n", " \\\n b".repeat(50_000));
        let found = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
            let (tree, problems) = parse(Source::new("Dockerfile", text));
            (tree.nodes.len(), problems.len())
        });
        let (nodes, problems) = found.unwrap().join().unwrap();
        assert!(nodes < 20 && problems == 0);
    }

    #[test]
    fn any_bytes_are_read() {
        for text in [
            "\\",
            "`",
            "é\\",
            "RUN \\é",
            "FROM --é",
            "RUN <<é\né",
            "ENV a='é",
            "\r",
            "ONBUILD",
            "COPY --x=\\",
        ] {
            parse(Source::new("Dockerfile", text));
        }
    }

    /// The instruction list against another parser, over our own fixtures or the files of the
    /// folder in `SEAWORTHY_DOCKERFILES`.
    #[test]
    fn instructions_are_those_that_parse_dockerfile_sees() {
        let fixtures = [
            "FROM a AS b\nRUN c \\\n  # d\n  e\nCMD [\"f\"]\n",
            "# syntax=x\nARG A=1\nFROM a:${A}\nRUN <<EOF\nb\nEOF\nCOPY --from=c <<X <<Y /d/\n1\nX\n2\nY\nENTRYPOINT e\n",
            "# escape=`\nfrom a\r\nrun b `\r\n  c\r\nshell [\"d\"]\r\n",
        ];
        let mut texts: Vec<_> =
            fixtures.iter().map(|it| ("fixture".to_owned(), (*it).to_owned())).collect();
        let folder = std::env::var("SEAWORTHY_DOCKERFILES").ok();
        if let Some(folder) = &folder {
            let mut paths: Vec<_> =
                std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
            paths.sort();
            texts.extend(paths.iter().map(|path| {
                (
                    path.display().to_string(),
                    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned(),
                )
            }));
        }
        let mut differences = Vec::new();
        for (name, text) in &texts {
            let text = text.trim_start_matches('\u{feff}');
            match theirs(text) {
                Err(error) => differences.push(format!("{name}: refused there: {error}")),
                Ok(theirs) if theirs != ours(text) => {
                    let pair = theirs.into_iter().zip(ours(text)).find(|(a, b)| a != b);
                    differences.push(format!("{name}: {pair:?}"));
                }
                Ok(_) => {}
            }
        }
        if folder.is_some() {
            println!(
                "{} texts, {} differ\n{}",
                texts.len(),
                differences.len(),
                differences.join("\n")
            );
        } else {
            assert_eq!(differences, Vec::<String>::new());
        }
    }

    /// Keyword, first line, last line (where the other tells), number of heredocs, array form.
    type Seen = (String, usize, Option<usize>, usize, bool);

    fn line(text: &str, at: usize) -> usize {
        text[..at].matches('\n').count() + 1
    }

    fn ours(text: &str) -> Vec<Seen> {
        let see = |it: &Instruction<'_>| {
            let told =
                it.head.name != "ONBUILD" && it.heredocs.is_empty() && it.blank_line.is_none();
            let end = told.then(|| line(text, it.span.end as usize));
            let name = it.head.name.clone();
            let is_array = it.head.array.is_some();
            (name, it.line as usize, end, it.heredocs.len(), is_array)
        };
        read(text).instructions.iter().map(see).collect()
    }

    fn theirs(text: &str) -> Result<Vec<Seen>, String> {
        use parse_dockerfile::{
            Command, HealthcheckArguments as Health, Instruction as Other, JsonOrStringArray,
            Source,
        };
        let parsed = parse_dockerfile::parse(text).map_err(|it| it.to_string())?;
        let exec = |it: &Command<'_>| matches!(it, Command::Exec(_));
        let is_heredoc = |it: &&Source<'_>| matches!(it, Source::HereDoc(_));
        let array = |src: &[Source<'_>]| {
            let first = src.first().map_or(0, |it| match it {
                Source::Path(it) => it.span.start,
                Source::HereDoc(it) => it.span.start,
                _ => 0,
            });
            text[..first].trim_end_matches([' ', '"']).ends_with('[')
        };
        let see = |it: &Other<'_>| {
            let (span, heredocs, is_array) = match it {
                Other::Run(it) => (&it.run.span, it.here_docs.len(), exec(&it.arguments)),
                Other::Cmd(it) => (&it.cmd.span, 0, exec(&it.arguments)),
                Other::Entrypoint(it) => (&it.entrypoint.span, 0, exec(&it.arguments)),
                Other::Shell(it) => (&it.shell.span, 0, true),
                Other::Copy(it) => {
                    (&it.copy.span, it.src.iter().filter(is_heredoc).count(), array(&it.src))
                }
                Other::Add(it) => {
                    (&it.add.span, it.src.iter().filter(is_heredoc).count(), array(&it.src))
                }
                Other::Volume(it) => {
                    (&it.volume.span, 0, matches!(it.arguments, JsonOrStringArray::Json(_)))
                }
                Other::Healthcheck(it) => {
                    let is_exec =
                        matches!(&it.arguments, Health::Cmd { arguments, .. } if exec(arguments));
                    (&it.healthcheck.span, 0, is_exec)
                }
                Other::Arg(it) => (&it.arg.span, 0, false),
                Other::Env(it) => (&it.env.span, 0, false),
                Other::Expose(it) => (&it.expose.span, 0, false),
                Other::From(it) => (&it.from.span, 0, false),
                Other::Label(it) => (&it.label.span, 0, false),
                Other::Maintainer(it) => (&it.maintainer.span, 0, false),
                Other::Onbuild(it) => (&it.onbuild.span, 0, false),
                Other::Stopsignal(it) => (&it.stopsignal.span, 0, false),
                Other::User(it) => (&it.user.span, 0, false),
                Other::Workdir(it) => (&it.workdir.span, 0, false),
                _ => panic!("a new instruction"),
            };
            (
                text[span.clone()].to_ascii_uppercase(),
                line(text, span.start),
                None,
                heredocs,
                is_array,
            )
        };
        let mut seen: Vec<Seen> = parsed.instructions.iter().map(see).collect();
        // It keeps no end, but nothing lies between an instruction and the next one but comments
        // and blank lines: the last other line before it.
        for (index, own) in ours(text).iter().enumerate() {
            let next = seen.get(index + 1).map_or(usize::MAX, |it| it.1);
            let lines: Vec<_> = text.lines().collect();
            let is_code = |it: &&str| !it.trim().is_empty() && !it.trim_start().starts_with('#');
            let before = &lines[..next.saturating_sub(1).min(lines.len())];
            let last = before.iter().rposition(is_code).map(|it| it + 1);
            if let Some(it) = seen.get_mut(index) {
                it.2 = own.2.and(last);
            }
        }
        Ok(seen)
    }
}
