//! What an evaluation may see of the repository: texts and names of files, nothing outside its root.

use std::borrow::Cow;

/// The path that stands for the root of the repository wherever make would see an absolute one.
pub const ROOT: &str = "/ROOT";

/// The files of a repository, as an evaluation asks for them.
pub trait Files {
    /// The text of the file at `path` below the root.
    fn text(&self, path: &str) -> Option<Cow<'_, str>>;

    /// The paths of all files, sorted; nothing if they are not known.
    fn list(&self) -> Option<&[String]>;
}

/// One file, and nothing known of the rest.
#[derive(Debug)]
pub struct Alone<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Files for Alone<'_> {
    fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        (path == self.path).then_some(Cow::Borrowed(self.text))
    }

    fn list(&self) -> Option<&[String]> {
        None
    }
}

/// The path that `name`, seen from the absolute `folder`, means, without `.` and `..`.
pub fn absolute(folder: &str, name: &str) -> String {
    let whole = if name.starts_with('/') { name.to_owned() } else { format!("{folder}/{name}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The path below the root, empty for the root itself; nothing for a path outside.
pub fn below_root(absolute: &str) -> Option<&str> {
    let rest = absolute.strip_prefix(ROOT)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// Whether a file or a folder lies at the path.
pub fn exists(list: &[String], path: &str) -> bool {
    is_file(list, path) || is_folder(list, path)
}

/// Whether a file lies at the path.
pub fn is_file(list: &[String], path: &str) -> bool {
    list.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
}

/// Whether a folder lies at the path, that is, a file below it.
pub fn is_folder(list: &[String], path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    let prefix = format!("{path}/");
    let at = list.partition_point(|it| it.as_str() < prefix.as_str());
    list.get(at).is_some_and(|it| it.starts_with(&prefix))
}

/// Whether the name asks for a match against files.
pub fn is_glob(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files and folders, below the root, that the pattern (below the root) matches, sorted.
pub fn matching(list: &[String], pattern: &str) -> Vec<String> {
    let segments: Vec<&str> = pattern.split('/').filter(|it| !it.is_empty()).collect();
    let fixed: Vec<&str> = segments.iter().copied().take_while(|it| !is_glob(it)).collect();
    let prefix = if fixed.is_empty() { String::new() } else { format!("{}/", fixed.join("/")) };
    let from = list.partition_point(|it| it.as_str() < prefix.as_str());
    let mut found: Vec<String> = Vec::new();
    for path in list[from..].iter().take_while(|it| it.starts_with(&prefix)) {
        let mut parts = path.split('/');
        let fits = segments.iter().all(|it| parts.next().is_some_and(|part| fits(it, part)));
        if !fits {
            continue;
        }
        let rest: usize = parts.map(|it| it.len() + 1).sum();
        let whole = &path[..path.len() - rest];
        if found.last().is_none_or(|it| it != whole) {
            found.push(whole.to_owned());
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a name without `/` fits a pattern of the shell; a leading dot must be written.
pub fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(next) = fits_one(&pattern, p, name[n]) {
            p = next;
            n += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&it| it == '*')
}

/// Where the pattern goes on if its part at `at` fits the character.
fn fits_one(pattern: &[char], at: usize, it: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => {
            let negated = matches!(pattern.get(at + 1), Some('!' | '^'));
            let first = at + 1 + usize::from(negated);
            let Some(len) = pattern[first..].iter().skip(1).position(|&it| it == ']') else {
                return (it == '[').then_some(at + 1);
            };
            let set = &pattern[first..first + len + 1];
            (in_set(set, it) != negated).then_some(first + len + 2)
        }
        '\\' if at + 1 < pattern.len() => (pattern[at + 1] == it).then_some(at + 2),
        &other => (other == it).then_some(at + 1),
    }
}

fn in_set(set: &[char], it: char) -> bool {
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            if (set[at]..=set[at + 2]).contains(&it) {
                return true;
            }
            at += 3;
        } else {
            if set[at] == it {
                return true;
            }
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names_as_in_a_shell() {
        assert!(fits("*.mk", "a.mk") && !fits("*.mk", ".a.mk") && !fits("*.mk", "a.mkx"));
        assert!(fits("a[0-9]?c*", "a5bcde") && fits("[!a]", "b") && !fits("[!a]", "a"));
        assert!(fits("[", "["));
    }

    #[test]
    fn globs_find_files_and_folders() {
        let list: Vec<String> = ["a/x/1.c", "a/y/2.c", "b.c"].map(str::to_owned).into();
        assert_eq!(matching(&list, "a/*"), ["a/x", "a/y"]);
        assert_eq!(matching(&list, "a/*/*.c"), ["a/x/1.c", "a/y/2.c"]);
        assert_eq!(matching(&list, "*.c"), ["b.c"]);
    }

    #[test]
    fn nothing_outside_of_the_root_is_seen() {
        assert_eq!(below_root(&absolute("/ROOT/a", "../b")), Some("b"));
        assert_eq!(below_root(&absolute("/ROOT/a", "../../b")), None);
        assert_eq!(below_root(&absolute("/ROOT", "../ROOTS/b")), None);
        assert_eq!(below_root("/ROOT"), Some(""));
    }
}
