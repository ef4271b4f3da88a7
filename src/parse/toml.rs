//! TOML to a tree, with the places where everything was written.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    document::{Key, Problem, Tree, Trouble},
    parse::yaml::{MAX_BYTES, MAX_DEPTH},
    source::{Source, Span},
};

/// How many problems of one file are reported.
const MAX_PROBLEMS: usize = 20;

/// Reads a file. Never fails: what cannot be read is a problem, and the rest is there.
pub fn parse(source: Source) -> (Tree, Vec<Problem>) {
    if source.text.len() > MAX_BYTES {
        let reason = format!("longer than {} MiB: not read", MAX_BYTES >> 20);
        let problem = Problem::at(&source, 0, Trouble::Limit, reason);
        return (Tree::new(source), vec![problem]);
    }
    let mut tree = Tree::default();
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let skipped = source.text.len() - text.len();
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut writer = Writer { tree: &mut tree, text, skipped };
    let root = writer.table(Key::None, table.get_ref(), writer.span(&table.span()), 0);
    let problems = errors
        .into_iter()
        .take(MAX_PROBLEMS)
        .map(|error| {
            let at = error.span().map_or(0, |it| it.start) + skipped;
            Problem::at(&source, at as u32, Trouble::Syntax, error.message().to_owned())
        })
        .collect();
    tree.roots.push(root);
    tree.adopt(source);
    (tree, problems)
}

struct Writer<'a> {
    tree: &'a mut Tree,
    text: &'a str,
    /// The bytes of a mark at the start of the file.
    skipped: usize,
}

impl Writer<'_> {
    fn span(&self, range: &std::ops::Range<usize>) -> Span {
        Span::new(range.start + self.skipped, range.end + self.skipped)
    }

    fn table(&mut self, key: Key<'_>, table: &DeTable<'_>, span: Span, depth: usize) -> u32 {
        let map = self.tree.open_map(key, span);
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|it| it.0.span().start);
        for (key, value) in entries {
            let place = key.span();
            let written = self.text.get(place.clone()) == Some(&**key.get_ref());
            let key = if written { Key::At(self.span(&place)) } else { Key::Text(key.get_ref()) };
            self.value(key, value, depth + 1);
        }
        self.tree.close(map);
        map
    }

    fn value(&mut self, key: Key<'_>, value: &Spanned<DeValue<'_>>, depth: usize) {
        let span = self.span(&value.span());
        if depth > MAX_DEPTH as usize {
            self.tree.null(key, span);
            return;
        }
        match value.get_ref() {
            DeValue::String(text) => {
                self.tree.text(key, text, span);
            }
            DeValue::Integer(number) => {
                let digits = number.as_str().replace('_', "");
                match i64::from_str_radix(&digits, number.radix()) {
                    Ok(number) => self.tree.int(key, number, span),
                    Err(_) => self.tree.text(key, number.as_str(), span),
                };
            }
            DeValue::Float(number) => {
                match number.as_str().replace('_', "").parse() {
                    Ok(number) => self.tree.float(key, number, span),
                    Err(_) => self.tree.text(key, number.as_str(), span),
                };
            }
            DeValue::Boolean(it) => {
                self.tree.bool(key, *it, span);
            }
            DeValue::Datetime(it) => {
                self.tree.text(key, &it.to_string(), span);
            }
            DeValue::Array(items) => {
                let list = self.tree.open_seq(key, span);
                items.iter().for_each(|it| self.value(Key::None, it, depth + 1));
                self.tree.close(list);
            }
            DeValue::Table(table) => {
                self.table(key, table, span, depth);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_their_order_and_their_places() {
        let text = "b = 1\n[tool.\"x y\"]\nz = ['p', {q = true}]\na = 1.5\n";
        let (tree, problems) = parse(Source::new("x.toml", text));
        assert_eq!(problems, []);
        let root = tree.node(tree.roots[0]);
        assert_eq!(
            format!("{root:?}"),
            r#"{"b": 1, "tool": {"x y": {"z": ["p", {"q": true}], "a": 1.5}}}"#
        );
        let item = root.at(&["tool", "x y", "z"]).and_then(|it| it.children().next());
        assert_eq!(item.map(|it| (it.start().line, it.start().column)), Some((3, 6)));
    }

    #[test]
    fn what_is_broken_is_a_problem_and_the_rest_is_there() {
        let (tree, problems) = parse(Source::new("x.toml", "a = 1\nb = \nc = 3\n"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(tree.node(tree.roots[0]).get("c").and_then(|it| it.as_int()), Some(3));
        for text in
            ["", "[", "a.b.c", "a = {", "\u{feff}a = 1", &"a = ".repeat(9), &"[".repeat(50_000)]
        {
            parse(Source::new("x.toml", text));
        }
        let deep = format!("a = {}", "[".repeat(100_000));
        assert!(!parse(Source::new("x.toml", deep)).1.is_empty());
        let dotted = format!("{}a = 1", "a.".repeat(100_000));
        parse(Source::new("x.toml", dotted));
    }
}
