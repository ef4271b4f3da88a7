//! The functions of make that only look at text.

/// Every function: its name, how many arguments it needs, and how many it takes (0: any number).
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("abspath", 0, 1),
    ("addprefix", 2, 2),
    ("addsuffix", 2, 2),
    ("and", 1, 0),
    ("basename", 0, 1),
    ("call", 1, 0),
    ("dir", 0, 1),
    ("error", 0, 1),
    ("eval", 0, 1),
    ("file", 1, 2),
    ("filter", 2, 2),
    ("filter-out", 2, 2),
    ("findstring", 2, 2),
    ("firstword", 0, 1),
    ("flavor", 0, 1),
    ("foreach", 3, 3),
    ("guile", 0, 1),
    ("if", 2, 3),
    ("info", 0, 1),
    ("join", 2, 2),
    ("lastword", 0, 1),
    ("notdir", 0, 1),
    ("or", 1, 0),
    ("origin", 0, 1),
    ("patsubst", 3, 3),
    ("realpath", 0, 1),
    ("shell", 0, 1),
    ("sort", 0, 1),
    ("strip", 0, 1),
    ("subst", 3, 3),
    ("suffix", 0, 1),
    ("value", 0, 1),
    ("warning", 0, 1),
    ("wildcard", 0, 1),
    ("word", 2, 2),
    ("wordlist", 3, 3),
    ("words", 0, 1),
];

/// The function of that name: its own name, the fewest arguments and the most.
pub fn named(name: &str) -> Option<(&'static str, usize, usize)> {
    FUNCTIONS.iter().copied().find(|it| it.0 == name)
}

/// The value of a function that only looks at its arguments; nothing if it is not one of them.
pub fn pure(name: &str, arguments: &[String]) -> Option<Result<String, String>> {
    let arg = |index: usize| arguments.get(index).map_or("", String::as_str);
    let words = |index: usize| arg(index).split_ascii_whitespace();
    Some(Ok(match name {
        "subst" if arg(0).is_empty() => format!("{}{}", arg(2), arg(1)),
        "subst" => arg(2).replace(arg(0), arg(1)),
        "patsubst" => replaced(arg(0).trim(), arg(1).trim(), arg(2)),
        "strip" => joined(words(0)),
        "findstring" => {
            if arg(1).contains(arg(0)) {
                arg(0).to_owned()
            } else {
                String::new()
            }
        }
        "filter" => joined(words(1).filter(|it| words(0).any(|p| stem(p, it).is_some()))),
        "filter-out" => joined(words(1).filter(|it| !words(0).any(|p| stem(p, it).is_some()))),
        "sort" => {
            let mut all: Vec<_> = words(0).collect();
            all.sort_unstable();
            all.dedup();
            all.join(" ")
        }
        "words" => words(0).count().to_string(),
        "word" => match arg(0).trim().parse::<usize>() {
            Ok(at) if at > 0 => words(1).nth(at - 1).unwrap_or("").to_owned(),
            _ => return Some(Err("the first argument of `word` is not a number above 0".into())),
        },
        "wordlist" => {
            let (first, last) = (arg(0).trim().parse::<usize>(), arg(1).trim().parse::<usize>());
            let (Ok(first @ 1..), Ok(last)) = (first, last) else {
                return Some(Err("`wordlist` needs two numbers, the first above 0".into()));
            };
            span_of_words(arg(2), first, last).to_owned()
        }
        "firstword" => words(0).next().unwrap_or("").to_owned(),
        "lastword" => words(0).last().unwrap_or("").to_owned(),
        "dir" => joined(words(0).map(|it| it.rfind('/').map_or("./", |at| &it[..=at]))),
        "notdir" => joined(words(0).map(|it| &it[file_start(it)..])),
        "suffix" => joined(words(0).filter_map(|it| extension(it).map(|at| &it[at..]))),
        "basename" => joined(words(0).map(|it| extension(it).map_or(it, |at| &it[..at]))),
        "addsuffix" => joined(words(1).map(|it| format!("{it}{}", arg(0)))),
        "addprefix" => joined(words(1).map(|it| format!("{}{it}", arg(0)))),
        "join" => {
            let (mut left, mut right) = (words(0), words(1));
            joined(std::iter::from_fn(|| match (left.next(), right.next()) {
                (None, None) => None,
                (a, b) => Some(format!("{}{}", a.unwrap_or(""), b.unwrap_or(""))),
            }))
        }
        _ => return None,
    }))
}

fn joined<T: AsRef<str>>(words: impl Iterator<Item = T>) -> String {
    let mut out = String::new();
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word.as_ref());
    }
    out
}

/// `patsubst`: a pattern without `%` replaces whole words and leaves the space between them.
fn replaced(pattern: &str, replacement: &str, text: &str) -> String {
    if percent(pattern).1.is_none() {
        return replaced_words(pattern, replacement, text);
    }
    // Words that become nothing leave no space behind; those of which a stem is empty do.
    let keeps_place = |it: &str| percent(replacement).1.is_some() || !it.is_empty();
    joined(
        text.split_ascii_whitespace()
            .map(|it| substitute(pattern, replacement, it))
            .filter(|it| keeps_place(it)),
    )
}

fn replaced_words(word: &str, replacement: &str, text: &str) -> String {
    if word.is_empty() {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let end = at + word.len();
        let before = rest[..at].bytes().next_back();
        let before = before.or(text[..text.len() - rest.len()].bytes().next_back());
        let is_word = before.is_none_or(|it| it.is_ascii_whitespace())
            && rest.as_bytes().get(end).is_none_or(u8::is_ascii_whitespace);
        out.push_str(&rest[..at]);
        out.push_str(if is_word { replacement } else { word });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// From the start of one word to the end of another, counted from 1, with what is between them.
fn span_of_words(text: &str, first: usize, last: usize) -> &str {
    if last < first {
        return "";
    }
    let start_of = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let mut words = text.split_ascii_whitespace().skip(first - 1);
    let Some(start) = words.next() else { return "" };
    let end = words.take(last - first).last().unwrap_or(start);
    &text[start_of(start)..start_of(end) + end.len()]
}

fn file_start(name: &str) -> usize {
    name.rfind('/').map_or(0, |at| at + 1)
}

fn extension(name: &str) -> Option<usize> {
    let from = file_start(name);
    name[from..].rfind('.').map(|at| from + at)
}

/// Where the `%` of a pattern is that no backslash quotes, and the pattern without quoting.
pub fn percent(pattern: &str) -> (String, Option<usize>) {
    if !pattern.contains('%') {
        return (pattern.to_owned(), None);
    }
    let mut text = pattern.to_owned();
    let at = crate::parse::makefile::find_unquoted(&mut text, 0, b"%", false);
    (text, at)
}

/// What `%` stands for when the word fits the pattern; empty for equal texts.
pub fn stem<'a>(pattern: &str, word: &'a str) -> Option<&'a str> {
    if !pattern.contains('%') {
        return (pattern == word).then_some("");
    }
    let (text, at) = percent(pattern);
    let Some(at) = at else { return (text == word).then_some("") };
    let (before, after) = (&text[..at], &text[at + 1..]);
    if word.len() < before.len() + after.len() {
        return None;
    }
    word.strip_prefix(before)?.strip_suffix(after)
}

/// The word, rewritten if it fits the pattern.
pub fn substitute(pattern: &str, replacement: &str, word: &str) -> String {
    let Some(stem) = stem(pattern, word) else { return word.to_owned() };
    if percent(pattern).1.is_none() {
        return replacement.to_owned();
    }
    put_stem(replacement, stem)
}

/// The pattern with its first `%` replaced.
pub fn put_stem(pattern: &str, stem: &str) -> String {
    match percent(pattern) {
        (text, Some(at)) => format!("{}{stem}{}", &text[..at], &text[at + 1..]),
        (text, None) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        pure(name, &arguments).expect("a pure function").expect("a value")
    }

    #[test]
    fn text_functions_give_what_make_gives() {
        assert_eq!(call("subst", &["ee", "EE", "feet on the street"]), "fEEt on the strEEt");
        assert_eq!(call("patsubst", &["%.c", "%.o", "x.c.c bar.c y"]), "x.c.o bar.o y");
        assert_eq!(call("filter", &["%.c a", "a b.c c.o"]), "a b.c");
        assert_eq!(call("filter-out", &["%.c a", "a b.c c.o"]), "c.o");
        assert_eq!(call("sort", &["foo bar lose foo"]), "bar foo lose");
        assert_eq!(call("wordlist", &["2", "3", "a b c d"]), "b c");
        assert_eq!(call("dir", &["src/foo.c hacks"]), "src/ ./");
        assert_eq!(call("notdir", &["src/foo.c hacks src/"]), "foo.c hacks ");
        assert_eq!(call("suffix", &["src/foo.c src-1.0/bar hacks"]), ".c");
        assert_eq!(
            call("basename", &["src/foo.c src-1.0/bar.c hacks"]),
            "src/foo src-1.0/bar hacks"
        );
        assert_eq!(call("join", &["a b", ".c .o .x"]), "a.c b.o .x");
        assert_eq!(call("findstring", &["a", "a b c"]), "a");
    }

    #[test]
    fn a_quoted_percent_is_a_percent() {
        assert_eq!(stem(r"a\%b%", "a%bxy"), Some("xy"));
        assert_eq!(stem(r"a\%b", "a%b"), Some(""));
        assert_eq!(stem("a%a", "a"), None);
    }
}
