//! Texts: casing, trimming, cutting, quoting, indenting, printing.

use std::sync::Arc;

use super::{
    ANY, Entry, Failure, Heap, Outcome, Text, Value, as_int, as_list, as_text, numbered, texts,
};

pub(super) const TABLE: &[Entry] = &[
    ("print", 0, ANY, print),
    ("println", 0, ANY, println),
    ("printf", 1, ANY, printf),
    ("html", 1, ANY, |heap, it| by_go(heap, "html", it)),
    ("js", 1, ANY, |heap, it| by_go(heap, "js", it)),
    ("urlquery", 1, ANY, |heap, it| by_go(heap, "urlquery", it)),
    ("quote", 0, ANY, quote),
    ("squote", 0, ANY, squote),
    ("toString", 1, 1, |heap, it| Ok(Value::Text(heap.display(&it[0])?))),
    ("toStrings", 1, 1, to_strings),
    ("lower", 1, 1, |heap, it| heap.new_text(as_text(&it[0])?.to_lowercase())),
    ("upper", 1, 1, |heap, it| heap.new_text(as_text(&it[0])?.to_uppercase())),
    ("title", 1, 1, |heap, it| heap.new_text(first_letters(&as_text(&it[0])?, true))),
    ("untitle", 1, 1, |heap, it| heap.new_text(first_letters(&as_text(&it[0])?, false))),
    ("camelcase", 1, 1, |heap, it| heap.new_text(camel(&as_text(&it[0])?))),
    ("snakecase", 1, 1, |heap, it| heap.new_text(joined(&as_text(&it[0])?, '_'))),
    ("kebabcase", 1, 1, |heap, it| heap.new_text(joined(&as_text(&it[0])?, '-'))),
    ("trim", 1, 1, |heap, it| heap.new_text(as_text(&it[0])?.trim())),
    ("trimAll", 2, 2, |heap, it| {
        let cut = as_text(&it[0])?;
        heap.new_text(as_text(&it[1])?.trim_matches(|c| cut.contains(c)))
    }),
    ("trimall", 2, 2, |heap, it| super::call(heap, "trimAll", it)),
    ("trimPrefix", 2, 2, |heap, it| {
        let (cut, text) = (as_text(&it[0])?, as_text(&it[1])?);
        heap.new_text(text.strip_prefix(&*cut).unwrap_or(&text))
    }),
    ("trimSuffix", 2, 2, |heap, it| {
        let (cut, text) = (as_text(&it[0])?, as_text(&it[1])?);
        heap.new_text(text.strip_suffix(&*cut).unwrap_or(&text))
    }),
    ("nospace", 1, 1, |heap, it| heap.new_text(as_text(&it[0])?.replace(char::is_whitespace, ""))),
    ("contains", 2, 2, |_, it| Ok(Value::Bool(as_text(&it[1])?.contains(&*as_text(&it[0])?)))),
    ("hasPrefix", 2, 2, |_, it| Ok(Value::Bool(as_text(&it[1])?.starts_with(&*as_text(&it[0])?)))),
    ("hasSuffix", 2, 2, |_, it| Ok(Value::Bool(as_text(&it[1])?.ends_with(&*as_text(&it[0])?)))),
    ("replace", 3, 3, replace),
    ("repeat", 2, 2, repeat),
    ("trunc", 2, 2, trunc),
    ("substr", 3, 3, substr),
    ("abbrev", 2, 2, abbrev),
    ("cat", 0, ANY, cat),
    ("indent", 2, 2, |heap, it| indent(heap, it, "")),
    ("nindent", 2, 2, |heap, it| indent(heap, it, "\n")),
    ("join", 2, 2, join),
    ("split", 2, 2, |heap, it| {
        let (by, text) = (as_text(&it[0])?, as_text(&it[1])?);
        numbered(heap, pieces(&text, &by))
    }),
    ("splitn", 3, 3, |heap, it| {
        let (by, most, text) = (as_text(&it[0])?, as_int(&it[1])?, as_text(&it[2])?);
        numbered(heap, text.splitn(usize::try_from(most).unwrap_or(usize::MAX), &*by))
    }),
    ("splitList", 2, 2, |heap, it| {
        let (by, text) = (as_text(&it[0])?, as_text(&it[1])?);
        texts(heap, pieces(&text, &by))
    }),
    ("plural", 3, 3, |_, it| Ok(it[usize::from(as_int(&it[2])? != 1)].clone())),
    ("wrap", 2, 2, |_, it| Ok(it[1].clone())),
    ("initials", 1, 1, |heap, it| {
        let text = as_text(&it[0])?;
        heap.new_text(
            text.split_whitespace().filter_map(|it| it.chars().next()).collect::<String>(),
        )
    }),
];

fn pieces<'t>(text: &'t str, by: &str) -> Vec<&'t str> {
    if by.is_empty() {
        text.split("").filter(|it| !it.is_empty()).collect()
    } else {
        text.split(by).collect()
    }
}

/// Blanks stand between operands neither of which is text.
fn print(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut text = String::new();
    for (index, value) in it.iter().enumerate() {
        let is_text = |it: &Value| matches!(it, Value::Text(_));
        if index > 0 && !is_text(value) && !is_text(&it[index - 1]) {
            text.push(' ');
        }
        text.push_str(&heap.display(value)?);
    }
    heap.new_text(text)
}

fn println(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut words = Vec::new();
    for value in it {
        words.push(heap.display(value)?);
    }
    heap.new_text(words.join(" ") + "\n")
}

/// Wider fields than this are not printed.
const WIDEST: usize = 1000;

fn printf(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let format = as_text(&it[0])?;
    let mut numbers = format.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty());
    let too_wide = numbers.any(|it| it.parse().unwrap_or(usize::MAX) > WIDEST);
    if format.contains('%') && too_wide || format.contains("%*") || format.contains(".*") {
        return Err(Failure::limit(format!("a width beyond {WIDEST}")));
    }
    match plain(&format, &it[1..]) {
        Some(text) => heap.new_text(text),
        None => by_go(heap, "printf", it),
    }
}

/// A format in which every verb is `%s` and stands for a text, filled; nothing for any other.
fn plain(format: &str, values: &[Value]) -> Option<String> {
    let (mut parts, mut values) = (format.split('%'), values.iter());
    let mut filled = parts.next()?.to_owned();
    for part in parts {
        let Value::Text(text) = values.next()? else { return None };
        filled.push_str(text);
        filled.push_str(part.strip_prefix('s')?);
    }
    values.next().is_none().then_some(filled)
}

/// Has the function of Go's templates done by their port.
fn by_go(heap: &mut Heap, name: &str, it: &[Value]) -> Outcome<Value> {
    use gotmpl::{Template, Value as Go};
    let mut arguments = Vec::with_capacity(it.len());
    for value in it {
        arguments.push(match value {
            Value::Nil => Go::Nil,
            Value::Bool(it) => Go::Bool(*it),
            Value::Int(it) => Go::Int(*it),
            Value::Float(it) => Go::Float(*it),
            other => Go::String(Arc::from(&*heap.display(other)?)),
        });
    }
    let places: String = (0..it.len()).map(|at| format!(" (index . {at})")).collect();
    let told = |error: gotmpl::TemplateError| Failure::template(error.to_string());
    let template = Template::new("").parse(&format!("{{{{{name}{places}}}}}")).map_err(told)?;
    let text = template.execute_to_string(&Go::List(arguments.into())).map_err(told)?;
    heap.new_text(text)
}

fn quote(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    quoted(heap, it, escaped)
}

fn squote(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    quoted(heap, it, |text| format!("'{text}'"))
}

fn quoted(heap: &mut Heap, it: &[Value], how: fn(&str) -> String) -> Outcome<Value> {
    let mut words = Vec::new();
    for value in it.iter().filter(|it| !matches!(it, Value::Nil)) {
        words.push(how(&heap.display(value)?));
    }
    heap.new_text(words.join(" "))
}

/// Text in double quotes, escaped as `%q` does.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", c as u32))
            }
            '\u{feff}' | '\u{200b}' | '\u{a0}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn to_strings(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut out = Vec::new();
    for value in as_list(heap, &it[0])? {
        out.push(Value::Text(heap.display(&value)?));
    }
    heap.new_list(out)
}

fn first_letters(text: &str, upper: bool) -> String {
    let mut starts = true;
    let change = |c: char| if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars()
        .map(|c| {
            let changed = if starts { change(c) } else { c };
            starts =
                c.is_whitespace() || upper && matches!(c, '-' | '.' | '/' | '_' | ':') && c != '_';
            changed
        })
        .collect()
}

fn camel(text: &str) -> String {
    let mut upper = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '_' | '-' | ' ') {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    out
}

/// Words in lower case with `by` between them, where words start at capitals.
fn joined(text: &str, by: char) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let chars: Vec<char> = text.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        if matches!(c, '_' | '-' | ' ') {
            out.push(by);
            continue;
        }
        let after_lower =
            at > 0 && (chars[at - 1].is_lowercase() || chars[at - 1].is_ascii_digit());
        let before_lower = at > 0
            && chars[at - 1].is_uppercase()
            && chars.get(at + 1).is_some_and(|it| it.is_lowercase());
        if c.is_uppercase() && (after_lower || before_lower) {
            out.push(by);
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn replace(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (old, new, text) = (as_text(&it[0])?, as_text(&it[1])?, as_text(&it[2])?);
    let count = if old.is_empty() { text.len() + 1 } else { text.matches(&*old).count() };
    heap.room(count.saturating_mul(new.len()))?;
    heap.new_text(text.replace(&*old, &new))
}

fn repeat(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (count, text) = (as_int(&it[0])?.max(0) as usize, as_text(&it[1])?);
    heap.room(text.len().saturating_mul(count))?;
    Ok(Value::text(text.repeat(count)))
}

/// The first bytes, or the last ones where the count is negative.
fn trunc(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (count, text) = (as_int(&it[0])?, as_text(&it[1])?);
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= text.len() {
        return Ok(Value::Text(text));
    }
    let (from, to) = if count < 0 { (text.len() - size, text.len()) } else { (0, size) };
    heap.new_text(slice(&text, from, to))
}

fn substr(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (from, to, text) = (as_int(&it[0])?, as_int(&it[1])?, as_text(&it[2])?);
    let from = usize::try_from(from).unwrap_or(0);
    let to = usize::try_from(to).map_or(text.len(), |to| to.min(text.len()));
    heap.new_text(slice(&text, from, to))
}

/// The bytes `from..to`, where a cut character is lost.
fn slice(text: &str, from: usize, to: usize) -> &str {
    let inside = |mut at: usize| {
        while at < text.len() && !text.is_char_boundary(at) {
            at += 1;
        }
        at.min(text.len())
    };
    let mut to = to.min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text.get(inside(from)..to).unwrap_or("")
}

fn abbrev(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let (most, text) = (as_int(&it[0])?, as_text(&it[1])?);
    let most = usize::try_from(most).unwrap_or(0);
    if most < 4 || text.len() <= most {
        return Ok(Value::Text(text));
    }
    heap.new_text(format!("{}...", slice(&text, 0, most - 3)))
}

fn cat(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let mut words = Vec::new();
    for value in it.iter().filter(|it| !matches!(it, Value::Nil)) {
        words.push(heap.display(value)?);
    }
    heap.new_text(words.join(" "))
}

fn indent(heap: &mut Heap, it: &[Value], before: &str) -> Outcome<Value> {
    let (by, text) = (as_int(&it[0])?, as_text(&it[1])?);
    let by = usize::try_from(by).map_err(|_| Failure::template("less than no indentation"))?;
    let lines = 1 + memchr::memchr_iter(b'\n', text.as_bytes()).count();
    heap.room(lines.saturating_mul(by).saturating_add(text.len()))?;
    let blanks = " ".repeat(by);
    let mut out = String::with_capacity(before.len() + text.len() + lines * by);
    out.push_str(before);
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
        out.push_str(&blanks);
        out.push_str(&text[from..=end]);
        from = end + 1;
    }
    out.push_str(&blanks);
    out.push_str(&text[from..]);
    Ok(Value::text(out))
}

fn join(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let by = as_text(&it[0])?;
    let Value::List(_) = &it[1] else {
        return Ok(match &it[1] {
            Value::Nil => Value::text(""),
            one => Value::Text(heap.display(one)?),
        });
    };
    let mut words: Vec<Text> = Vec::new();
    for value in as_list(heap, &it[1])? {
        if !matches!(value, Value::Nil) {
            words.push(heap.display(&value)?);
        }
    }
    heap.room(by.len().saturating_mul(words.len()))?;
    heap.new_text(words.join(&by))
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn texts_are_cut_and_trimmed() {
        all_print(&[
            ("trunc 3 \"abcdef\"", "abc"),
            ("trunc -2 \"abcdef\"", "ef"),
            ("trunc 2 \"aé\"", "a"),
            ("substr 1 3 \"abcdef\"", "bc"),
            ("substr 2 -1 \"abcdef\"", "cdef"),
            ("trimSuffix \"-\" \"a--\"", "a-"),
            ("trimAll \"$\" \"$5$\"", "5"),
            ("abbrev 5 \"hello world\"", "he..."),
            ("replace \"+\" \"_\" \"1+2+3\"", "1_2_3"),
            ("\"a.b.c\" | splitList \".\" | join \"/\"", "a/b/c"),
            ("(split \":\" \"a:b\")._1", "b"),
            ("(splitn \":\" 2 \"a:b:c\")._1", "b:c"),
        ]);
    }

    #[test]
    fn texts_are_cased_as_sprig_does() {
        all_print(&[
            ("title \"my app\"", "My App"),
            ("camelcase \"http_server-x\"", "HttpServerX"),
            ("snakecase \"FirstName\"", "first_name"),
            ("kebabcase \"HTTPServer\"", "http-server"),
            ("untitle \"First Try\"", "first try"),
        ]);
    }

    #[test]
    fn texts_are_quoted_and_printed_as_go_does() {
        all_print(&[
            ("quote \"a\\\"b\" 1 nil", "\"a\\\"b\" \"1\""),
            ("squote \"a\"", "'a'"),
            ("print 1 2 \"a\" 3", "1 2a3"),
            ("printf \"%s-%d-%v-%05.2f-%q\" \"a\" 7 true 1.5 \"x\"", "a-7-true-01.50-\"x\""),
            ("printf \"%v\" (list 1 \"a\")", "[1 a]"),
            ("printf \"%s-%s.\" \"a%s\" \"b\"", "a%s-b."),
            ("printf \"%s%%\" \"a\"", "a%"),
            ("cat \"a\" nil 1", "a 1"),
            ("indent 2 \"a\\nb\"", "  a\n  b"),
            ("nindent 1 \"a\"", "\n a"),
            ("join \",\" (list 1 nil \"b\")", "1,b"),
            ("toStrings (list 1 2)", "[1 2]"),
        ]);
        assert!(evaluate("indent -1 \"a\"").is_err());
    }
}
