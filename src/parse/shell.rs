//! Shell scripts as lists of simple commands: what runs, with which words, joined how.
//!
//! There is no syntax tree: `if`, `for`, functions and groups are walked through, and the commands
//! in them are listed in the order in which they are written, those of substitutions behind the
//! command that they are part of. Reading never fails; what the shell would refuse sets
//! [`Script::broken`]. Words know their range in the text; whoever put the text together from
//! pieces of a file leads that range back.

use std::{borrow::Cow, ops::Range};

/// A script, read.
#[derive(Debug, Default)]
pub struct Script {
    /// The simple commands, in order.
    pub commands: Vec<Command>,
    /// The script is not complete, or nested beyond what we follow.
    pub broken: bool,
}

/// One simple command.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// `NAME=value` before the command, or alone.
    pub assignments: Vec<Range<usize>>,
    /// The words: the first is the name.
    pub words: Vec<Range<usize>>,
    /// `> file`, `2>&1`, `<<EOF`: operator and target in one range.
    pub redirects: Vec<Range<usize>>,
    /// The bodies of its heredocs.
    pub heredocs: Vec<Range<usize>>,
    /// It reads what the command before it writes.
    pub reads_pipe: bool,
    /// What stands behind it.
    pub then: Then,
    /// How many substitutions it stands in: 0 is the script itself.
    pub depth: u8,
    /// It stands in the condition of an `if`, a `while` or an `until`, or behind `!`.
    pub tested: bool,
    /// Its pipeline stands behind `!`.
    pub negated: bool,
}

/// What stands behind a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// The end of the script, of a group or of a substitution.
    #[default]
    End,
    /// A line break or `;`.
    Next,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|` or `|&`.
    Pipe,
    /// `&`.
    Background,
}

/// How deep substitutions and groups are followed.
const DEEPEST: u8 = 40;

/// How many commands are listed.
const MOST: usize = 20_000;

/// Reads a script.
pub fn read(text: &str) -> Script {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        text,
        at: 0,
        script: Script::default(),
        heredocs: Vec::new(),
        nested: Vec::new(),
        depth: 0,
        level: 0,
    };
    while reader.at < reader.bytes.len() && !reader.full() {
        let before = reader.at;
        reader.list(Until::End);
        if reader.at == before {
            reader.at += 1;
        }
    }
    reader.script
}

/// The word without quotes and escapes, as the command gets it; expansions stay as written.
pub fn unquoted(word: &str) -> Cow<'_, str> {
    let Some(first) = word.bytes().position(|it| matches!(it, b'\'' | b'"' | b'\\')) else {
        return word.into();
    };
    if let Some(inner) = within_quotes(word) {
        return inner.into();
    }
    let start = first - usize::from(word[..first].ends_with('$'));
    let (mut out, mut quote) = (String::with_capacity(word.len()), None);
    out.push_str(&word[..start]);
    let mut letters = word[start..].chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (None, '$') if letters.peek() == Some(&'\'') || letters.peek() == Some(&'"') => {}
            (Some(it), _) if it == letter => quote = None,
            (Some('"'), '\\') => match letters.next() {
                Some('\n') | None => {}
                Some(next @ ('"' | '\\' | '$' | '`')) => out.push(next),
                Some(next) => out.extend(['\\', next]),
            },
            (None, '\\') => out.extend(letters.next().filter(|it| *it != '\n')),
            _ => out.push(letter),
        }
    }
    out.into()
}

/// What stands in the quotes of a word that is one quoted text without escapes.
fn within_quotes(word: &str) -> Option<&str> {
    let inner = |quote| word.strip_prefix(quote)?.strip_suffix(quote);
    let single = inner('\'').filter(|it| !it.contains('\''));
    single.or_else(|| inner('"').filter(|it| !it.contains(['"', '\\'])))
}

/// The name and the value of `NAME=value` or `NAME+=value`, as written.
pub fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    is_name(name).then_some((name, value))
}

fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|it| it.is_ascii_alphabetic() || it == b'_')
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// What ends a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The end of the text.
    End,
    /// `)`.
    Paren,
    /// `;;`, `;&`, `;;&` or `esac`.
    Case,
}

/// A heredoc whose body comes after the line.
struct Pending {
    name: String,
    chomp: bool,
    command: usize,
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    script: Script,
    heredocs: Vec<Pending>,
    /// Commands of substitutions in the command that is being read.
    nested: Vec<Command>,
    depth: u8,
    level: u8,
}

/// The command that is being read, and what is known about its place.
#[derive(Default)]
struct Open {
    command: Command,
    /// Reserved words count here: nothing of a command has been read yet.
    fresh: bool,
    reads_pipe: bool,
    tested: bool,
    negated: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn full(&mut self) -> bool {
        let full = self.script.commands.len() >= MOST;
        self.script.broken |= full;
        full
    }

    /// Skips blanks and continued line ends.
    fn blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\r', _) => self.at += 1,
                (b'\\', b'\n') => self.at += 2,
                (b'\\', b'\r') if self.peek(2) == b'\n' => self.at += 3,
                _ => return,
            }
        }
    }

    /// Skips blanks, line breaks and comments.
    fn lines(&mut self) {
        loop {
            self.blanks();
            match self.peek(0) {
                b'\n' => self.line_break(),
                b'#' => self.comment(),
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn line_break(&mut self) {
        self.at += 1;
        for pending in std::mem::take(&mut self.heredocs) {
            let start = self.at;
            let mut end = start;
            let mut ended = false;
            while !ended && !self.done() {
                let rest = &self.text[self.at..];
                let line = rest.split('\n').next().unwrap_or(rest);
                let plain = line.strip_suffix('\r').unwrap_or(line);
                let plain = if pending.chomp { plain.trim_start_matches('\t') } else { plain };
                ended = plain == pending.name;
                end =
                    if ended { self.at } else { (self.at + line.len() + 1).min(self.bytes.len()) };
                self.at = (self.at + line.len() + 1).min(self.bytes.len());
            }
            self.script.broken |= !ended;
            if let Some(command) = self.script.commands.get_mut(pending.command) {
                command.heredocs.push(start..end);
            }
        }
    }

    /// Puts the command into the list, if there is one, and what its substitutions run behind it.
    fn flush(&mut self, open: &mut Open, then: Then) {
        let mut command = std::mem::take(&mut open.command);
        let is_one = !command.words.is_empty()
            || !command.assignments.is_empty()
            || !command.redirects.is_empty();
        if is_one && !self.full() {
            command.then = then;
            command.reads_pipe = open.reads_pipe;
            command.depth = self.depth;
            command.tested = open.tested;
            command.negated = open.negated;
            let index = self.script.commands.len();
            self.heredocs
                .iter_mut()
                .filter(|it| it.command == usize::MAX)
                .for_each(|it| it.command = index);
            self.script.commands.push(command);
        } else if let Some(last) = self.script.commands.last_mut()
            && last.then == Then::End
            && last.depth == self.depth
        {
            last.then = then;
        }
        self.script.commands.append(&mut self.nested);
        open.fresh = true;
        open.reads_pipe = then == Then::Pipe;
        if then != Then::Pipe {
            open.negated = false;
        }
    }

    /// Reads commands until the end of the text or of the list; true if its end was found.
    fn list(&mut self, until: Until) -> bool {
        if self.level >= DEEPEST {
            self.script.broken = true;
            self.at = self.bytes.len();
            return false;
        }
        self.level += 1;
        let mut open = Open { fresh: true, ..Open::default() };
        let found = self.commands(until, &mut open);
        self.level -= 1;
        found
    }

    fn commands(&mut self, until: Until, open: &mut Open) -> bool {
        loop {
            self.blanks();
            if self.done() {
                self.flush(open, Then::End);
                self.script.broken |= until != Until::End;
                return until == Until::End;
            }
            match (self.peek(0), self.peek(1)) {
                (b'\n', _) => {
                    let keeps = open.reads_pipe && open.command.words.is_empty();
                    if !keeps {
                        self.flush(open, Then::Next);
                    }
                    self.line_break();
                }
                (b'#', _) => self.comment(),
                (b';', b';' | b'&') => {
                    self.flush(open, Then::End);
                    self.at += 2;
                    if self.peek(0) == b'&' {
                        self.at += 1;
                    }
                    if until == Until::Case {
                        return false;
                    }
                }
                (b';', _) => self.operator(open, Then::Next, 1),
                (b'&', b'&') => self.operator(open, Then::And, 2),
                (b'&', b'>') => self.redirect(open),
                (b'&', _) => self.operator(open, Then::Background, 1),
                (b'|', b'|') => self.operator(open, Then::Or, 2),
                (b'|', b'&') => self.operator(open, Then::Pipe, 2),
                (b'|', _) => self.operator(open, Then::Pipe, 1),
                (b'(', _) => self.paren(open),
                (b')', _) => {
                    self.flush(open, Then::End);
                    self.at += 1;
                    if until == Until::Paren {
                        return true;
                    }
                    self.script.broken = true;
                }
                _ if self.is_redirect() => self.redirect(open),
                _ => {
                    let start = self.at;
                    self.word();
                    if self.at == start {
                        self.at += 1;
                        self.script.broken = true;
                    } else if self.take(open, start..self.at) && until == Until::Case {
                        return true;
                    }
                }
            }
        }
    }

    fn operator(&mut self, open: &mut Open, then: Then, length: usize) {
        self.flush(open, then);
        self.at += length;
    }

    /// A `(`: arithmetic, a subshell, or the parentheses of a function.
    fn paren(&mut self, open: &mut Open) {
        let is_start = open.fresh && open.command.words.is_empty();
        if is_start && self.peek(1) == b'(' {
            self.arithmetic();
            open.fresh = false;
        } else if is_start {
            self.at += 1;
            self.group(open);
        } else if open.command.words.len() == 1 {
            open.command.words.clear();
            self.at += 1;
            self.blanks();
            if self.peek(0) == b')' {
                self.at += 1;
            } else {
                self.script.broken = true;
            }
            open.fresh = true;
        } else {
            self.at += 1;
            self.script.broken = true;
        }
    }

    /// A subshell: its commands belong to the script.
    fn group(&mut self, open: &mut Open) {
        let piped = open.reads_pipe;
        let first = self.script.commands.len();
        self.list(Until::Paren);
        if let Some(command) = self.script.commands.get_mut(first).filter(|_| piped) {
            command.reads_pipe = true;
        }
        open.fresh = false;
        open.reads_pipe = false;
    }

    /// A word of a command; true if it is the `esac` that ends a list.
    fn take(&mut self, open: &mut Open, range: Range<usize>) -> bool {
        let word = &self.text[range.clone()];
        if !open.command.words.is_empty() {
            open.command.words.push(range);
            return false;
        }
        if open.command.assignments.is_empty() && open.command.redirects.is_empty() {
            match word {
                "if" | "elif" | "while" | "until" => {
                    open.tested = true;
                    open.fresh = true;
                    return false;
                }
                "then" | "else" | "do" => {
                    open.tested = false;
                    open.fresh = true;
                    return false;
                }
                "{" | "time" => return false,
                "!" => {
                    open.negated = true;
                    return false;
                }
                "fi" | "done" | "}" => {
                    open.fresh = false;
                    return false;
                }
                "esac" => {
                    open.fresh = false;
                    return true;
                }
                "for" | "select" if open.fresh => {
                    self.for_header();
                    // What is piped into the loop is there for its first command.
                    self.lines();
                    self.at += usize::from(self.peek(0) == b';' && self.peek(1) != b';');
                    self.lines();
                    return false;
                }
                "case" if open.fresh => {
                    self.case(open);
                    return false;
                }
                "function" if open.fresh => {
                    self.blanks();
                    self.word();
                    self.blanks();
                    if self.peek(0) == b'(' {
                        self.at += 1;
                        self.blanks();
                        self.at += usize::from(self.peek(0) == b')');
                    }
                    return false;
                }
                "[[" => {
                    self.test_brackets();
                    open.fresh = false;
                    return false;
                }
                _ => {}
            }
        }
        if assignment(word).is_some() {
            open.command.assignments.push(range);
        } else {
            open.command.words.push(range);
        }
        false
    }

    /// `name [in words]`, up to `;`, a line break or `do`.
    fn for_header(&mut self) {
        self.blanks();
        if self.peek(0) == b'(' {
            self.arithmetic();
            return;
        }
        self.word();
        self.lines();
        loop {
            self.blanks();
            let start = self.at;
            if self.done() || matches!(self.peek(0), b';' | b'\n') {
                return;
            }
            self.word();
            match &self.text[start..self.at] {
                "" => self.at += 1,
                "do" => {
                    self.at = start;
                    return;
                }
                _ => {}
            }
        }
    }

    /// `word in pattern) commands;; … esac`.
    fn case(&mut self, open: &mut Open) {
        let (piped, first) = (open.reads_pipe, self.script.commands.len());
        self.case_list(open);
        if let Some(command) = self.script.commands.get_mut(first).filter(|_| piped) {
            command.reads_pipe = true;
        }
        open.reads_pipe = false;
    }

    fn case_list(&mut self, open: &mut Open) {
        self.blanks();
        self.word();
        self.lines();
        self.word();
        open.fresh = false;
        loop {
            self.lines();
            if self.peek(0) == b'(' {
                self.at += 1;
                self.blanks();
            }
            if self.text[self.at..].starts_with("esac") {
                self.at += 4;
                return;
            }
            if !self.pattern() || self.list(Until::Case) {
                return;
            }
            if self.done() {
                self.script.broken = true;
                return;
            }
        }
    }

    /// The patterns of a case, up to and with their `)`.
    fn pattern(&mut self) -> bool {
        loop {
            self.blanks();
            let start = self.at;
            match self.peek(0) {
                _ if self.done() => {
                    self.script.broken = true;
                    return false;
                }
                b')' => {
                    self.at += 1;
                    return true;
                }
                b'|' => self.at += 1,
                _ => self.word(),
            }
            if self.at == start {
                self.at += 1;
            }
        }
    }

    fn test_brackets(&mut self) {
        while !self.done() {
            self.lines();
            let start = self.at;
            self.word();
            match &self.text[start..self.at] {
                "]]" => return,
                "" => self.at = (self.at + 1).min(self.bytes.len()),
                _ => {}
            }
        }
        self.script.broken = true;
    }

    fn is_redirect(&self) -> bool {
        let digits = self.bytes[self.at..].iter().take_while(|it| it.is_ascii_digit()).count();
        matches!(self.peek(digits), b'<' | b'>') && self.peek(digits + 1) != b'('
    }

    fn redirect(&mut self, open: &mut Open) {
        let start = self.at;
        while self.peek(0).is_ascii_digit() || self.peek(0) == b'&' {
            self.at += 1;
        }
        if self.text[self.at..].starts_with("<<") && self.peek(2) != b'<' {
            self.at += 2;
            let chomp = self.peek(0) == b'-';
            self.at += usize::from(chomp);
            self.blanks();
            let word = self.at;
            self.word();
            let name = unquoted(&self.text[word..self.at]).into_owned();
            self.heredocs.push(Pending { name, chomp, command: usize::MAX });
        } else {
            while matches!(self.peek(0), b'<' | b'>') {
                self.at += 1;
            }
            if matches!(self.peek(0), b'&' | b'|') {
                self.at += 1;
            }
            self.blanks();
            self.word();
        }
        open.command.redirects.push(start..self.at);
    }

    /// Moves behind the word that starts here; substitutions in it are read.
    fn word(&mut self) {
        let start = self.at;
        while !self.done() {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' if self.peek(1) == b'(' => {
                    self.at += 2;
                    self.substitution();
                }
                b'<' | b'>' => break,
                b'(' => {
                    match self.at.checked_sub(1).filter(|it| *it >= start).map(|it| self.bytes[it])
                    {
                        Some(b'=') => self.array(),
                        Some(b'?' | b'*' | b'+' | b'@' | b'!') => {
                            self.at += 1;
                            self.pattern();
                        }
                        _ => break,
                    }
                }
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\\' if self.peek(1) == b'\r' && self.peek(2) == b'\n' => self.at += 3,
                b'\\' => self.at += 2,
                b'\'' => self.single(),
                b'"' => self.double(),
                b'`' => self.backtick(),
                b'$' => self.dollar(false),
                _ => self.plain(),
            }
        }
        self.clamp();
    }

    /// Moves behind a letter of a word, and those behind it that mean nothing else.
    fn plain(&mut self) {
        let is_plain =
            |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.' | b'/' | b'_' | b'=');
        let rest = &self.bytes[self.at + 1..];
        self.at += 1 + rest.iter().position(|it| !is_plain(it)).unwrap_or(rest.len());
    }

    /// Escapes may lead beyond the end or into a character.
    fn clamp(&mut self) {
        self.at = self.at.min(self.bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn single(&mut self) {
        let rest = &self.bytes[self.at + 1..];
        match memchr::memchr(b'\'', rest) {
            Some(end) => self.at += end + 2,
            None => {
                self.script.broken = true;
                self.at = self.bytes.len();
            }
        }
    }

    fn double(&mut self) {
        self.at += 1;
        while !self.done() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.at += 2,
                b'`' => self.backtick(),
                b'$' => self.dollar(true),
                _ => self.plain(),
            }
        }
        self.script.broken = true;
    }

    /// What is between backticks is read as a script of its own, in place.
    fn backtick(&mut self) {
        let start = self.at + 1;
        self.at = start;
        while !self.done() && self.peek(0) != b'`' {
            self.at += if self.peek(0) == b'\\' { 2 } else { 1 };
        }
        self.clamp();
        let end = self.at;
        self.script.broken |= self.done();
        self.at += 1;
        if self.level >= DEEPEST {
            return;
        }
        let mut inner = Reader {
            bytes: &self.bytes[..end],
            text: &self.text[..end],
            at: start.min(end),
            script: Script::default(),
            heredocs: Vec::new(),
            nested: Vec::new(),
            depth: self.depth.saturating_add(1),
            level: self.level + 1,
        };
        inner.list(Until::End);
        self.nested.append(&mut inner.script.commands);
    }

    fn dollar(&mut self, quoted: bool) {
        match (self.peek(1), self.peek(2)) {
            (b'(', b'(') => {
                self.at += 1;
                self.arithmetic();
            }
            (b'(', _) => {
                self.at += 2;
                self.substitution();
            }
            (b'{', _) => self.brace(quoted),
            (b'\'', _) if !quoted => {
                self.at += 2;
                while !self.done() && self.peek(0) != b'\'' {
                    self.at += if self.peek(0) == b'\\' { 2 } else { 1 };
                }
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    /// What stands in `$(…)`: its commands are kept for behind the command they are part of.
    fn substitution(&mut self) {
        let outer = std::mem::take(&mut self.script.commands);
        let nested = std::mem::take(&mut self.nested);
        let heredocs = std::mem::take(&mut self.heredocs);
        self.depth = self.depth.saturating_add(1);
        self.list(Until::Paren);
        self.depth -= 1;
        self.heredocs = heredocs;
        let mut inner = std::mem::replace(&mut self.script.commands, outer);
        self.nested = nested;
        self.nested.append(&mut inner);
    }

    fn brace(&mut self, quoted: bool) {
        if self.level >= DEEPEST {
            self.script.broken = true;
            self.at = self.bytes.len();
            return;
        }
        self.level += 1;
        self.at += 2;
        while !self.done() {
            match self.peek(0) {
                b'}' => {
                    self.at += 1;
                    self.level -= 1;
                    return;
                }
                b'\\' => self.at += 2,
                b'"' => self.double(),
                b'\'' if !quoted => self.single(),
                b'`' => self.backtick(),
                b'$' => self.dollar(quoted),
                _ => self.at += 1,
            }
        }
        self.level -= 1;
        self.script.broken = true;
    }

    /// Moves behind the `))` that ends the `((` here.
    fn arithmetic(&mut self) {
        if self.level >= DEEPEST {
            self.script.broken = true;
            self.at = self.bytes.len();
            return;
        }
        self.level += 1;
        self.at += 2;
        let mut depth = 0;
        while !self.done() {
            match self.peek(0) {
                b'(' => depth += 1,
                b')' if depth == 0 => {
                    self.at += 1 + usize::from(self.peek(1) == b')');
                    self.level -= 1;
                    return;
                }
                b')' => depth -= 1,
                b'\\' => self.at += 1,
                b'"' => {
                    self.double();
                    continue;
                }
                b'$' => {
                    self.dollar(false);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.level -= 1;
        self.script.broken = true;
    }

    /// `name=(words)`.
    fn array(&mut self) {
        self.at += 1;
        loop {
            self.lines();
            if self.done() {
                self.script.broken = true;
                return;
            }
            if self.peek(0) == b')' {
                self.at += 1;
                return;
            }
            let start = self.at;
            if self.level >= DEEPEST {
                self.script.broken = true;
                self.at = self.bytes.len();
                return;
            }
            self.level += 1;
            self.word();
            self.level -= 1;
            if self.at == start {
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each command as its words, unquoted, joined by spaces.
    fn commands(text: &str) -> Vec<String> {
        let script = read(text);
        assert!(!script.broken, "{text}");
        let show = |it: &Command| {
            it.words.iter().map(|it| unquoted(&text[it.clone()])).collect::<Vec<_>>().join(" ")
        };
        script.commands.iter().map(show).filter(|it| !it.is_empty()).collect()
    }

    #[test]
    fn lists_and_pipes_are_split() {
        assert_eq!(
            commands("a b && c 'd e'|f; g \\\n h & i || j"),
            ["a b", "c d e", "f", "g h", "i", "j"]
        );
        let script = read("a | b && c");
        let how: Vec<_> = script.commands.iter().map(|it| (it.then, it.reads_pipe)).collect();
        assert_eq!(how, [(Then::Pipe, false), (Then::And, true), (Then::End, false)]);
        for text in ["a | for i in x; do b; done", "a | case x in y) b;; esac"] {
            let script = read(text);
            assert!(script.commands[1].reads_pipe && !script.broken, "{text}");
        }
    }

    #[test]
    fn compound_commands_are_walked_through() {
        assert_eq!(
            commands("if a; then b; elif c; then d; else e; fi && f"),
            ["a", "b", "c", "d", "e", "f"]
        );
        assert_eq!(
            commands("for x in 1 2 3; do y $x; done; while z; do w; done"),
            ["y $x", "z", "w"]
        );
        assert_eq!(
            commands("case \"$a\" in b|c) d ;; (e) f; g;; *) h ; esac; i"),
            ["d", "f", "g", "h", "i"]
        );
        assert_eq!(
            commands("f() { a; }; function g { b; }; (c; d) | e"),
            ["a", "b", "c", "d", "e"]
        );
        assert_eq!(commands("case a in b) case c in d) e;; esac;; f) g;; esac"), ["e", "g"]);
        assert_eq!(commands("[[ a == b && c ]] && d; (( x > 1 )) && y; ! z"), ["d", "y", "z"]);
    }

    #[test]
    fn substitutions_are_listed_behind_their_command() {
        assert_eq!(
            commands("a $(b \"$(c)\") `d e` <(f)"),
            ["a $(b $(c)) `d e` <(f)", "b $(c)", "c", "d e", "f"]
        );
        assert_eq!(commands("X=$(case y in \"a\") b;; esac) c"), ["c", "b"]);
        assert_eq!(read("a $(b)").commands[1].depth, 1);
        assert_eq!(
            commands("echo ${a:-$(b)} $((1 + $(c)))"),
            ["echo ${a:-$(b)} $((1 + $(c)))", "b", "c"]
        );
    }

    #[test]
    fn words_lose_their_quotes_and_are_copied_only_where_they_must() {
        for (word, plain) in
            [("a/b-c", "a/b-c"), ("'a \"b\"'", "a \"b\""), ("\"a 'b' $c\"", "a 'b' $c"), ("''", "")]
        {
            assert!(matches!(unquoted(word), Cow::Borrowed(it) if it == plain), "{word}");
        }
        for (word, plain) in [
            ("a'b c'd", "ab cd"),
            ("'a''b'", "ab"),
            ("\"a\"\"b\"", "ab"),
            ("\"a\\\"b\\c\"", "a\"b\\c"),
            ("x$'a'", "xa"),
            ("a\\ b", "a b"),
            ("'a", "a"),
            ("\"", ""),
        ] {
            assert_eq!(unquoted(word), plain, "{word}");
        }
    }

    #[test]
    fn assignments_redirects_and_heredocs_are_no_words() {
        let text = "A=1 B=\"2 3\" run 2>&1 >out <<EOF x\nbody $(no)\nEOF\nnext <<-'Q'\n\tq\n\tQ\n";
        let script = read(text);
        let run = &script.commands[0];
        assert_eq!(commands(text), ["run x", "next"]);
        assert_eq!(
            run.assignments.iter().map(|it| &text[it.clone()]).collect::<Vec<_>>(),
            ["A=1", "B=\"2 3\""]
        );
        assert_eq!(
            run.redirects.iter().map(|it| &text[it.clone()]).collect::<Vec<_>>(),
            ["2>&1", ">out", "<<EOF"]
        );
        assert_eq!(&text[run.heredocs[0].clone()], "body $(no)\n");
        assert_eq!(&text[script.commands[1].heredocs[0].clone()], "\tq\n");
    }

    #[test]
    fn what_is_open_is_broken_and_still_read() {
        for text in [
            "a 'b",
            "a $(b",
            "a `b",
            "if",
            "case x in",
            "a <<EOF\nb",
            "a \\",
            "x=(",
            "${",
            "((",
            ")",
            "é\\",
        ] {
            let _ = read(text);
        }
        assert!(read("a; b 'c").broken);
        assert_eq!(read("a; b 'c").commands.len(), 2);
    }

    #[test]
    fn any_text_is_read() {
        let pieces = [
            "$(", ")", "`", "${", "}", "\"", "'", "\\", "é", "<<", "E", "\n", " ", ";;", "case ",
            " in ", "esac", "((", "=(", "#", "<(", "[[", "for ",
        ];
        let mut state = 7u32;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(pieces[(state >> 16) as usize % pieces.len()]);
            }
            for command in read(&text).commands {
                for word in command.words {
                    assert!(text.get(word).is_some(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn nesting_is_bounded_in_stack_and_time() {
        let found = std::thread::Builder::new().stack_size(256 * 1024).spawn(|| {
            ["$(", "(", "`", "${a:-", "$((", "case a in b) ", "x=(", "\"$(", "{ ", "if "]
                .map(|it| read(&format!("echo {}", it.repeat(20_000))).commands.len() < 50_000)
        });
        assert!(found.unwrap().join().unwrap().iter().all(|it| *it));
    }
}
