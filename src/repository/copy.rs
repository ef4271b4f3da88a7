//! What Dockerfiles copy, against the files there are and what `.dockerignore` hides.

use globset::{GlobBuilder, GlobMatcher};

use super::{
    Repository,
    builds::{Build, is_unknown},
    image::facts,
    record,
    shipped::line,
};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::{Node, list},
    source::{Source, resolve},
    value::Value,
};

/// Folders and endings of what is built before the image is, and not committed.
const BUILT: &[&str] = &[
    ".git",
    ".next",
    ".output",
    "_build",
    "_output",
    "artifacts",
    "bin",
    "build",
    "dist",
    "node_modules",
    "obj",
    "out",
    "output",
    "publish",
    "release",
    "target",
    "tmp",
    "vendor",
];
const BUILT_ENDINGS: &[&str] = &[
    "jar", "war", "ear", "whl", "deb", "rpm", "apk", "gz", "tgz", "zip", "xz", "exe", "so", "bin",
];

const FIELDS: &[Field] = &[
    Field { name: "source", shape: Shape::Text, means: "what is copied, as written" },
    Field { name: "context", shape: Shape::Text, means: "the folder that it is copied from" },
    Field {
        name: "named",
        shape: Shape::Bool,
        means: "whether a build of the repository names that folder; else it is the one that fits best",
    },
    Field { name: "found", shape: Shape::Bool, means: "whether it is there" },
    Field { name: "hidden", shape: Shape::Any, means: "the line of `.dockerignore` that hides it" },
    Field { name: "ignore_file", shape: Shape::Text, means: "the path of that `.dockerignore`" },
];

/// One subject for each local file or folder that a Dockerfile copies.
pub(super) const VIEW: View = View {
    name: "repository.copy_source",
    kind: Kind::Repository,
    means: "a file or folder that COPY or ADD takes from the build context",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the source" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        let sources = sources(artifact);
        if let Some(context) = context(repository, artifact, &sources) {
            for (copy, source) in &sources {
                if let Some(subject) = subject(repository, artifact, &context, *copy, source) {
                    emit(subject);
                }
            }
        }
    }
}

/// The local sources of a Dockerfile: no variables, no addresses, nothing from stages.
fn sources(artifact: &Artifact) -> Vec<(Node<'_>, &str)> {
    let copies =
        facts(artifact).and_then(|it| it.get("copies")).into_iter().flat_map(Node::children);
    let local = copies.filter(|it| {
        it.str("from").is_none_or(str::is_empty)
            && it.get("is_trigger").and_then(Node::as_bool) != Some(true)
    });
    let all = local.flat_map(|it| {
        it.get("sources")
            .into_iter()
            .flat_map(Node::children)
            .map(move |source| (it, source.text()))
    });
    let known = |text: &str| {
        !text.contains(['$', '{', '[']) && !text.contains("://") && !text.starts_with("git@")
    };
    all.filter(|it| known(it.1) && !matches!(it.1.trim_matches('/'), "" | ".")).collect()
}

struct Context {
    folder: String,
    named: bool,
}

/// The folder that a Dockerfile copies from: the one that builds name, or that among its own and
/// those above in which most of its sources are; none where no source is anywhere.
fn context(
    repository: &Repository<'_>,
    artifact: &Artifact,
    sources: &[(Node<'_>, &str)],
) -> Option<Context> {
    let path = artifact.tree.source.path.as_str();
    let mut named: Vec<&Build<'_>> =
        repository.builds.iter().filter(|it| it.dockerfile == path).collect();
    named.dedup_by(|a, b| a.context == b.context);
    match named[..] {
        [build] => return Some(Context { folder: build.context.clone(), named: true }),
        [] => {}
        _ => return None,
    }
    let own = artifact.tree.source.folder();
    let above = std::iter::successors(Some(own), |it| {
        (!it.is_empty()).then(|| it.rsplit_once('/').map_or("", |it| it.0))
    });
    let count = |folder: &str| sources.iter().filter(|it| exists(repository, folder, it.1)).count();
    let counted = above.map(|it| (it, count(it)));
    let (folder, found) = counted.reduce(|best, it| if it.1 > best.1 { it } else { best })?;
    // Half of the sources must be there: otherwise the context is put together elsewhere.
    let fits = found * 2 >= sources.len() && found > 0;
    fits.then(|| Context { folder: folder.to_owned(), named: false })
}

fn is_pattern(source: &str) -> bool {
    source.contains(['*', '?'])
}

fn exists(repository: &Repository<'_>, folder: &str, source: &str) -> bool {
    let Some(path) = resolve(folder, source) else { return false };
    if !is_pattern(&path) {
        return repository.has_file(&path) || repository.has_folder(&path);
    }
    let fixed = path.split(['*', '?']).next().unwrap_or_default();
    let start = repository.files.partition_point(|it| it.as_str() < fixed);
    let near = repository.files[start..].iter().take_while(|it| it.starts_with(fixed));
    let mut near = near.take(20_000).peekable();
    // A pattern that may be broken is looked at first.
    if near.peek().is_none() && !path.contains(['[', '{', '\\']) {
        return false;
    }
    let Some(glob) = glob(&path) else { return true };
    near.any(|it| prefixes(it).any(|it| glob.is_match(it)))
}

/// A path and the folders above it.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |it| it.rsplit_once('/').map(|it| it.0))
}

fn glob(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher())
}

fn subject<'a>(
    repository: &'a Repository<'a>,
    artifact: &'a Artifact,
    context: &Context,
    copy: Node<'a>,
    source: &'a str,
) -> Option<Subject<'a>> {
    let found = exists(repository, &context.folder, source);
    let path = resolve(&context.folder, source)?;
    let count = copy.get("count").and_then(Node::as_int).unwrap_or(1);
    let optional = is_pattern(source) && count > 1;
    if !found && (optional || may_be_built(source) || is_git_ignored(repository, &path)) {
        return None;
    }
    let file = ignore_file(repository, artifact, &context.folder);
    let hidden = file.filter(|_| found && !is_pattern(source)).and_then(|file| {
        let below = path.strip_prefix(&context.folder).unwrap_or(&path).trim_start_matches('/');
        hidden_by(file, below)
    });
    Some(Subject {
        values: vec![record([
            ("source", Value::Str(source)),
            ("context", Value::text(if context.folder.is_empty() { "." } else { &context.folder })),
            ("named", Value::Bool(context.named)),
            ("found", Value::Bool(found)),
            ("hidden", hidden.map_or(Value::Null, Value::Str)),
            ("ignore_file", file.map_or(Value::Null, |it| Value::Str(&it.path))),
        ])],
        at: copy,
        object: None,
    })
}

fn may_be_built(source: &str) -> bool {
    let extension = source.rsplit_once('.').map_or("", |it| it.1);
    // A name without a dot is mostly a program that a compiler wrote there.
    let is_word = !source.rsplit('/').next().unwrap_or(source).contains('.');
    is_word || BUILT_ENDINGS.contains(&extension) || source.split('/').any(|it| BUILT.contains(&it))
}

/// Whether a `.gitignore` above the path may name it: then it is made, not committed.
fn is_git_ignored(repository: &Repository<'_>, path: &str) -> bool {
    let folders = prefixes(path).skip(1).chain([""]);
    let files = folders.filter_map(|folder| {
        let name = if folder.is_empty() {
            ".gitignore".to_owned()
        } else {
            format!("{folder}/.gitignore")
        };
        repository.texts.get(&name).map(|it| (folder, it))
    });
    let mut files = files;
    files.any(|(folder, file)| {
        let below = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        file.text.lines().map(str::trim).any(|line| {
            let pattern = line.trim_start_matches('/').trim_end_matches('/');
            let ok = !pattern.is_empty() && !pattern.starts_with(['#', '!']);
            ok && prefixes(below).any(|it| {
                let name = it.rsplit('/').next().unwrap_or(it);
                glob(pattern).is_some_and(|glob| glob.is_match(it) || glob.is_match(name))
            })
        })
    })
}

/// The `.dockerignore` that counts: the Dockerfile's own, or that of the context.
fn ignore_file<'a>(
    repository: &'a Repository<'a>,
    artifact: &Artifact,
    context: &str,
) -> Option<&'a Source> {
    let own = format!("{}.dockerignore", artifact.tree.source.path);
    let shared = resolve(context, ".dockerignore")?;
    repository.texts.get(&own).or_else(|| repository.texts.get(&shared))
}

/// The line of a `.dockerignore` that hides a path: the last that matches it or a folder above it
/// decides, and nothing is said where an exception below it may bring parts of it back.
fn hidden_by<'a>(file: &'a Source, path: &str) -> Option<&'a str> {
    let mut hidden = None;
    for line in file.text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (pattern, back) = line.strip_prefix('!').map_or((line, false), |it| (it.trim(), true));
        let pattern = resolve("", pattern)?;
        if is_unknown(&pattern.replace(['*', '?'], "")) {
            continue;
        }
        let glob = glob(&pattern)?;
        let matches = prefixes(path).any(|it| glob.is_match(it));
        match back {
            false if matches => hidden = Some(line),
            true if matches || pattern.starts_with(path) || pattern.contains('*') => hidden = None,
            _ => {}
        }
    }
    hidden
}

/// What lies in build contexts and is not meant for images.
const UNMEANT: [&str; 3] = [".git", ".env", "node_modules"];

/// One subject for each COPY or ADD of the whole context into an image.
pub(super) const CONTEXT_VIEW: View = View {
    name: "repository.context_copy",
    kind: Kind::Repository,
    means: "a COPY or ADD that takes the whole build context into an image that is shipped",
    vars: &[Field {
        name: "it",
        shape: Shape::Record(&[
            Field { name: "source", shape: Shape::Text, means: "what is copied, as written" },
            Field {
                name: "uncovered",
                shape: Shape::List(&Shape::Text),
                means: "what it brings along that no `.dockerignore` hides",
            },
            Field {
                name: "ignore_file",
                shape: Shape::Text,
                means: "the path of the `.dockerignore`; nothing if there is none",
            },
        ]),
        means: "the instruction",
    }],
    select: Select::Repository(context_copies),
};

fn context_copies<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        let Some(facts) = facts(artifact) else { continue };
        let stages = repository.shipped_stages(artifact);
        let lines: Vec<_> = stages.iter().copied().flat_map(line).collect();
        let whole = list(facts, "copies").filter_map(|copy| {
            let source = list(copy, "sources").find(|it| matches!(it.text(), "." | "./" | "/"))?;
            let is_local = copy.str("from").is_none_or(str::is_empty);
            (is_local && copy.get("stage").is_some_and(|it| lines.contains(&it)))
                .then_some((copy, source))
        });
        for (copy, source) in whole {
            let Some(folder) = whole_context(repository, artifact) else { continue };
            let file = ignore_file(repository, artifact, &folder);
            let uncovered = UNMEANT.iter().filter(|name| {
                may_lie_in(repository, &folder, name) && !file.is_some_and(|it| covers(it, name))
            });
            emit(Subject {
                values: vec![record([
                    ("source", Value::Node(source)),
                    ("uncovered", Value::list(uncovered.map(|it| Value::Str(it)))),
                    ("ignore_file", file.map_or(Value::Null, |it| Value::Str(&it.path))),
                ])],
                at: copy,
                object: None,
            });
        }
    }
}

/// The context of a Dockerfile that copies all of it: where it is not known, its own folder, if no
/// `.dockerignore` above could be meant.
fn whole_context(repository: &Repository<'_>, artifact: &Artifact) -> Option<String> {
    if let Some(context) = context(repository, artifact, &sources(artifact)) {
        return Some(context.folder);
    }
    let own = artifact.tree.source.folder();
    let is_open = repository.builds_of(artifact).next().is_some();
    let above = prefixes(own).skip(1).chain([""]).filter(|it| *it != own);
    let is_ignored = |folder: &str| {
        resolve(folder, ".dockerignore").is_some_and(|it| repository.texts.contains_key(&it))
    };
    let ignored_above = above.into_iter().any(is_ignored);
    (!is_open && (own.is_empty() || !ignored_above)).then(|| own.to_owned())
}

/// Whether a context may hold what nobody means to ship.
fn may_lie_in(repository: &Repository<'_>, folder: &str, name: &str) -> bool {
    let at = |name: &str| resolve(folder, name).unwrap_or_default();
    match name {
        ".git" => folder.is_empty(),
        "node_modules" => repository.has_file(&at("package.json")),
        _ => {
            let examples = [".env.example", ".env.sample", ".env.template", ".env.dist", ".env"];
            examples.iter().any(|it| repository.has_file(&at(it)))
        }
    }
}

/// Whether a `.dockerignore` hides a path as a whole.
fn covers(file: &Source, path: &str) -> bool {
    let mut covered = false;
    for line in file.text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (pattern, back) = line.strip_prefix('!').map_or((line, false), |it| (it.trim(), true));
        let Some(pattern) = resolve("", pattern) else { continue };
        // `node_modules/**` and `node_modules/*` leave an empty folder, which does no harm.
        let whole = pattern.trim_end_matches("/**").trim_end_matches("/*");
        let pattern = if back || whole.is_empty() { &*pattern } else { whole };
        if glob(pattern).is_some_and(|it| prefixes(path).any(|path| it.is_match(path))) {
            covered = !back;
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_matches_decides() {
        let by =
            |text: &str, path: &str| hidden_by(&Source::new("x", text), path).map(str::to_owned);
        assert_eq!(by("*.md\n", "README.md").as_deref(), Some("*.md"));
        assert_eq!(by("*.md\n!README.md\n", "README.md"), None);
        assert_eq!(by("docs\n", "docs/a/b").as_deref(), Some("docs"));
        assert_eq!(by("*.md\n", "docs/a.md"), None);
        assert_eq!(by("**/*.md\n", "docs/a.md").as_deref(), Some("**/*.md"));
        assert_eq!(by("*\n!src\n", "src/main.rs"), None);
        assert_eq!(by("*\n!src/app\n", "src"), None);
    }

    #[test]
    fn what_is_hidden_as_a_whole_is_covered() {
        let is = |text: &str, path: &str| covers(&Source::new("x", text), path);
        assert!(is(".git\n", ".git") && is("/.git/\n", ".git") && is("**/.env*\n", ".env"));
        assert!(is("*\n!src/**\n", ".git") && is("node_modules/**\n", "node_modules"));
        assert!(!is("*\n!.git\n", ".git") && !is("# .git\n", ".git") && !is("a/.git\n", ".git"));
    }
}
