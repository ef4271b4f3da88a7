//! Configuration of nginx: its directives and blocks, as a tree.

use super::{Artifact, Kind, Parsed};
use crate::{
    document::{Id, Key, Node, Problem, Tree, Trouble},
    source::{Source, Span},
};

/// Larger files are not judged.
const LARGEST: usize = 1 << 20;

/// How deep blocks may nest.
const DEEPEST: usize = 40;

/// Folders whose files serve nobody.
const ELSEWHERE: &[&str] =
    &["test", "tests", "testdata", "fixtures", "examples", "e2e", "node_modules", "vendor"];

/// Whether a file of this path may be one: what it holds decides.
pub fn is_named(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.split('/').any(|it| ELSEWHERE.contains(&it)) {
        return false;
    }
    let plain = name.strip_suffix(".template").unwrap_or(name);
    plain.ends_with(".conf") || name.starts_with("nginx") && !name.contains('.')
}

/// Whether the file is one: it has blocks and directives that only nginx has.
pub fn recognise(source: &Source) -> bool {
    is_named(&source.path) && source.text.lines().any(is_of_nginx)
}

fn is_of_nginx(line: &str) -> bool {
    let line = line.trim();
    let opens = |name: &str| {
        let rest = line.strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|it| it.is_empty() || it.starts_with('{'))
    };
    let starts = |names: &[&str]| names.iter().any(|it| line.starts_with(it));
    opens("server")
        || opens("http")
        || starts(&["location ", "upstream "]) && line.contains('{')
        || starts(&["ssl_protocols ", "proxy_pass ", "add_header "]) && line.ends_with(';')
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let refuse = |kind, reason: &str| Parsed {
        artifact: None,
        problems: vec![Problem::at(&source, 0, kind, reason)],
    };
    if source.text.len() > LARGEST {
        return refuse(Trouble::Limit, "a configuration of more than 1 MiB: not judged");
    }
    if source.text.contains("{{") || source.text.contains("{%") {
        return refuse(Trouble::Template, "a template: render it and judge what comes out");
    }
    let text = source.text.clone();
    let mut tree = Tree::new(source);
    let root = tree.open_seq(Key::None, Span::new(0, text.len()));
    let mut reader = Reader { text: &text, at: 0 };
    let mut open: Vec<(Id, Id)> = Vec::new();
    let mut words: Vec<Span> = Vec::new();
    let mut too_deep = None;
    while let Some(token) = reader.next() {
        match token {
            Token::Word(place) => words.push(place),
            Token::End => {
                if let Some((map, _)) = directive(&mut tree, &text, &words, false) {
                    tree.close(map);
                }
                words.clear();
            }
            Token::Open(at) => {
                let is_code = words.first().is_some_and(|it| slice(&text, *it).ends_with("_block"));
                if is_code {
                    reader.skip_block();
                    words.clear();
                } else if open.len() >= DEEPEST {
                    too_deep = Some(at);
                    break;
                } else if let Some(opened) = directive(&mut tree, &text, &words, true) {
                    open.push(opened);
                    words.clear();
                }
            }
            Token::Close => {
                words.clear();
                if let Some((map, block)) = open.pop() {
                    tree.close(block);
                    tree.close(map);
                }
            }
        }
    }
    for (map, block) in open.into_iter().rev() {
        tree.close(block);
        tree.close(map);
    }
    tree.close(root);
    if let Some(at) = too_deep {
        let reason = format!("blocks nest more than {DEEPEST} deep");
        let problem = Problem::at(&tree.source, at, Trouble::Limit, reason);
        return Parsed { artifact: None, problems: vec![problem] };
    }
    let artifact = Artifact { derived: vec![root], ..Artifact::new(Kind::Nginx, tree) };
    Parsed { artifact: Some(artifact), problems: Vec::new() }
}

/// Writes a directive: its name, its arguments and, if it opens one, its block, which stays open.
fn directive(tree: &mut Tree, text: &str, words: &[Span], opens: bool) -> Option<(Id, Id)> {
    let (name, last) = (words.first()?, words.last()?);
    let place = Span { start: name.start, end: last.end };
    let map = tree.open_map(Key::None, place);
    tree.text_at(Key::Field("name"), *name);
    let list = tree.open_seq(Key::Field("args"), place);
    for word in &words[1..] {
        tree.text(Key::None, unquoted(slice(text, *word)), *word);
    }
    tree.close(list);
    let block = if opens { tree.open_seq(Key::Field("block"), place) } else { map };
    Some((map, block))
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or("")
}

fn unquoted(word: &str) -> &str {
    let inner = |quote: char| word.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(word)
}

enum Token {
    Word(Span),
    End,
    Open(u32),
    Close,
}

/// Reads words, which blanks, `;`, `{` and `}` end; `${` does not open a block.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        let bytes = self.text.as_bytes();
        loop {
            match *bytes.get(self.at)? {
                b'#' => {
                    let rest = &bytes[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                it if it.is_ascii_whitespace() => self.at += 1,
                b';' => {
                    self.at += 1;
                    return Some(Token::End);
                }
                b'{' => {
                    self.at += 1;
                    return Some(Token::Open(self.at as u32 - 1));
                }
                b'}' => {
                    self.at += 1;
                    return Some(Token::Close);
                }
                quote @ (b'"' | b'\'') => return Some(Token::Word(self.quoted(quote))),
                _ => return Some(Token::Word(self.word())),
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> Span {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        while self.at < bytes.len() && bytes[self.at] != quote {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at = (self.at + 1).min(bytes.len());
        Span::new(start, self.at)
    }

    fn word(&mut self) -> Span {
        let bytes = self.text.as_bytes();
        let start = self.at;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'$' if bytes.get(self.at + 1) == Some(&b'{') => {
                    let rest = &bytes[self.at..];
                    self.at += memchr::memchr(b'}', rest).map_or(rest.len(), |it| it + 1);
                }
                b'\\' => self.at = (self.at + 2).min(bytes.len()),
                b';' | b'{' | b'}' => break,
                it if it.is_ascii_whitespace() => break,
                _ => self.at += 1,
            }
        }
        Span::new(start, self.at)
    }

    /// Skips the code of another language: up to the brace that closes it.
    fn skip_block(&mut self) {
        let mut depth = 1_usize;
        for (at, byte) in self.text.bytes().enumerate().skip(self.at) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            self.at = at + 1;
            if depth == 0 {
                break;
            }
        }
    }
}

/// The directives of a file, or of a block.
pub fn directives(artifact: &Artifact) -> impl Iterator<Item = Node<'_>> {
    artifact.derived.iter().flat_map(|&it| artifact.tree.node(it).children())
}

/// The directives inside of a block.
pub fn block(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    node.get("block").into_iter().flat_map(Node::children)
}

/// The arguments of a directive.
pub fn args(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    node.get("args").into_iter().flat_map(Node::children)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let artifact = parse(Source::new("nginx.conf", text)).artifact.expect("an artifact");
        let mut found = Vec::new();
        let mut left: Vec<(usize, Node<'_>)> = directives(&artifact).map(|it| (0, it)).collect();
        left.reverse();
        while let Some((depth, it)) = left.pop() {
            let args: Vec<_> = args(it).map(Node::text).collect();
            let name = it.str("name").unwrap_or_default();
            found.push(format!("{}{depth} {name} {}", it.start().line, args.join("|")));
            let mut inner: Vec<_> = block(it).map(|it| (depth + 1, it)).collect();
            inner.reverse();
            left.extend(inner);
        }
        found
    }

    #[test]
    fn directives_and_blocks_are_read() {
        let text = "# a {\nhttp {\n  server {\n    listen 443 ssl;\n    add_header X-A \"b; {c}\" always;\n    location ~ \\.(js|css)$ { expires 1h; }\n    content_by_lua_block { if a then { b } end; }\n    proxy_pass http://${HOST}:80;\n  }\n}\n";
        assert_eq!(
            shown(text),
            [
                "20 http ",
                "31 server ",
                "42 listen 443|ssl",
                "52 add_header X-A|b; {c}|always",
                "62 location ~|\\.(js|css)$",
                "63 expires 1h",
                "82 proxy_pass http://${HOST}:80",
            ]
        );
    }

    #[test]
    fn what_is_broken_is_read_as_far_as_it_goes() {
        assert_eq!(shown("server { listen 80"), ["10 server "]);
        assert_eq!(shown("} ; { server { \"a"), ["10 server "]);
        let deep = format!("server {}", "a {".repeat(1_000));
        let parsed = parse(Source::new("nginx.conf", deep));
        assert!(parsed.artifact.is_none() && parsed.problems.len() == 1);
    }

    #[test]
    fn files_are_told_by_what_they_hold() {
        let is = |path: &str, text: &str| recognise(&Source::new(path, text));
        assert!(is("deploy/nginx.conf", "server { listen 80; }"));
        assert!(is("conf.d/app.conf.template", "server { listen ${PORT}; }"));
        assert!(!is("supervisord.conf", "[program:server]\ncommand=listen; {\n"));
        assert!(!is("redis.conf", "maxmemory 100mb\n"));
        assert!(!is("nginx.py", "server { listen 80; }"));
    }
}
