//! Paths and addresses.

use super::{Entry, Heap, Map, Outcome, Value, as_map, as_text};

pub(super) const TABLE: &[Entry] = &[
    ("base", 1, 1, |heap, it| heap.new_text(base(&as_text(&it[0])?))),
    ("dir", 1, 1, |heap, it| heap.new_text(folder(&as_text(&it[0])?))),
    ("ext", 1, 1, |heap, it| {
        let path = as_text(&it[0])?;
        let name = path.rsplit('/').next().unwrap_or("");
        heap.new_text(name.rfind('.').map_or("", |at| &name[at..]))
    }),
    ("clean", 1, 1, |heap, it| heap.new_text(clean(&as_text(&it[0])?))),
    ("isAbs", 1, 1, |_, it| Ok(Value::Bool(as_text(&it[0])?.starts_with('/')))),
    ("osBase", 1, 1, |heap, it| heap.new_text(base(&as_text(&it[0])?))),
    ("osDir", 1, 1, |heap, it| heap.new_text(folder(&as_text(&it[0])?))),
    ("urlParse", 1, 1, url_parse),
    ("urlJoin", 1, 1, url_join),
];

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.is_empty()) {
        (true, _) => ".",
        (_, true) => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

fn folder(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for part in path.split('/').filter(|it| !it.is_empty() && *it != ".") {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn url_parse(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let text = as_text(&it[0])?;
    let (rest, fragment) = text.split_once('#').unwrap_or((&text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let parts = [
        ("scheme", scheme),
        ("host", host),
        ("hostname", name),
        ("path", path),
        ("query", query),
        ("opaque", ""),
        ("fragment", fragment),
        ("userinfo", user),
    ];
    heap.room(text.len())?;
    let map: Map = parts.iter().map(|(key, part)| ((*key).into(), Value::text(*part))).collect();
    heap.new_map(map)
}

fn url_join(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let map = heap.entries(as_map(&it[0])?);
    let part = |key: &str| match map.get(key) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    let (scheme, user, host) = (part("scheme"), part("userinfo"), part("host"));
    let (path, query, fragment) = (part("path"), part("query"), part("fragment"));
    let before =
        |mark: &str, text: String| if text.is_empty() { text } else { mark.to_owned() + &text };
    let user = if user.is_empty() { user } else { user + "@" };
    let authority = before("//", user + &host);
    let scheme = if scheme.is_empty() { scheme } else { scheme + ":" };
    heap.new_text(scheme + &authority + &path + &before("?", query) + &before("#", fragment))
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::all_print;

    #[test]
    fn paths_are_taken_apart() {
        all_print(&[
            ("base \"a/b/c.txt\"", "c.txt"),
            ("dir \"a/b/c.txt\"", "a/b"),
            ("dir \"c.txt\"", "."),
            ("ext \"a/b.tar.gz\"", ".gz"),
            ("clean \"/a/../b//c/.\"", "/b/c"),
            ("isAbs \"/a\"", "true"),
        ]);
    }

    #[test]
    fn addresses_are_taken_apart_and_put_together() {
        all_print(&[
            ("(urlParse \"https://u:p@h:80/p?q=1#f\").host", "h:80"),
            ("(urlParse \"https://u:p@h:80/p?q=1#f\").hostname", "h"),
            ("urlParse \"https://u:p@h:80/p?q=1#f\" | urlJoin", "https://u:p@h:80/p?q=1#f"),
        ]);
    }
}
