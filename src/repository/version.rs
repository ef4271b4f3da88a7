//! The versions of languages: what base images bring, against what the project's own files ask for
//! and what its pipelines run.

use super::{Repository, image::facts, record};
use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View, workflow},
    document::{Node, list},
    source::{Source, resolve},
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "language", shape: Shape::Text, means: "the base image: `python`, `node`, …" },
    Field { name: "version", shape: Shape::Text, means: "the version in its tag" },
    Field { name: "file", shape: Shape::Text, means: "the file that names a version" },
    Field { name: "wanted", shape: Shape::Text, means: "what it asks for, or what it runs" },
    Field {
        name: "is_run",
        shape: Shape::Bool,
        means: "the file is a pipeline that sets the versions up",
    },
    Field {
        name: "fits",
        shape: Shape::Bool,
        means: "whether the version is one that it asks for",
    },
];

/// One subject for each stage on an image of a language, and each file that asks for a version.
pub(super) const VIEW: View = View {
    name: "repository.language_version",
    kind: Kind::Repository,
    means: "a base image of a language whose version a file of the project names",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the version" }],
    select: Select::Repository(select),
};

/// What a file asks for.
struct Wanted<'a> {
    path: &'a str,
    text: String,
    fits: bool,
    is_run: bool,
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Dockerfile) {
        for stage in facts(artifact).into_iter().flat_map(|it| list(it, "stages")) {
            let is = |key: &str| stage.get(key).and_then(Node::as_bool) == Some(true);
            let base = |key: &str| stage.at(&["base", key]).map(Node::text).unwrap_or_default();
            let (language, version) = (base("short"), leading(base("tag")));
            let is_official =
                base("name") == language || base("name") == format!("library/{language}");
            if is("is_stage") || !is("is_resolved") || !is_official || version.is_empty() {
                continue;
            }
            let Some(at) = stage.get("image") else { continue };
            let run = run(repository, artifact, language, version);
            for wanted in wanted(repository, artifact, language, version).into_iter().chain(run) {
                emit(Subject {
                    values: vec![record([
                        ("language", Value::text(language)),
                        ("version", Value::text(version)),
                        ("file", Value::Str(wanted.path)),
                        ("wanted", Value::text(wanted.text)),
                        ("is_run", Value::Bool(wanted.is_run)),
                        ("fits", Value::Bool(wanted.fits)),
                    ])],
                    at,
                    object: None,
                });
            }
        }
    }
}

/// The number at the start of a tag: `3.12-slim` is 3.12.
fn leading(tag: &str) -> &str {
    let end = tag.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(tag.len());
    let rest = &tag[end..];
    // `3.13rc1` is before 3.13, and nobody asks for it by accident.
    if rest.is_empty() || rest.starts_with('-') { tag[..end].trim_end_matches('.') } else { "" }
}

/// What the files beside a Dockerfile, or else in the folder it is built in, ask for.
fn wanted<'a>(
    repository: &'a Repository<'a>,
    artifact: &Artifact,
    language: &str,
    version: &str,
) -> Vec<Wanted<'a>> {
    let names: &[&str] = match language {
        "python" => &["pyproject.toml", ".python-version", ".tool-versions"],
        "node" => &[".nvmrc", ".node-version", "package.json", ".tool-versions"],
        "golang" => &["go.mod", ".tool-versions"],
        "ruby" => &[".ruby-version", ".tool-versions"],
        _ => return Vec::new(),
    };
    let mut folders = vec![artifact.tree.source.folder().to_owned()];
    folders.extend(repository.builds_of(artifact).map(|it| it.context.clone()));
    let of_folder = |folder: &String| {
        let texts = names.iter().filter_map(|name| repository.texts.get(&resolve(folder, name)?));
        texts.filter_map(|it| asked(it, language, version)).collect::<Vec<_>>()
    };
    folders.iter().map(of_folder).find(|it| !it.is_empty()).unwrap_or_default()
}

/// The action that sets a language up, and its input for the version.
fn set_up(language: &str) -> Option<(&'static str, &'static str)> {
    Some(match language {
        "python" => ("actions/setup-python", "python-version"),
        "node" => ("actions/setup-node", "node-version"),
        "golang" => ("actions/setup-go", "go-version"),
        "ruby" => ("ruby/setup-ruby", "ruby-version"),
        _ => return None,
    })
}

/// What the pipelines that look at changes set up, for a Dockerfile of the whole repository.
/// Nothing where one of their versions is not known.
fn run<'a>(
    repository: &'a Repository<'a>,
    artifact: &Artifact,
    language: &str,
    version: &str,
) -> Option<Wanted<'a>> {
    let (action, input) = set_up(language)?;
    let is_root = artifact.tree.source.folder().is_empty()
        || repository.builds_of(artifact).any(|it| it.context.is_empty());
    if !is_root || repository.shipped_stages(artifact).is_empty() {
        return None;
    }
    let mut path = None;
    let mut found: Vec<&str> = Vec::new();
    for pipeline in repository.of(Kind::Workflow) {
        let jobs = workflow::pipeline(pipeline).into_iter().flat_map(|it| list(it, "jobs"));
        for job in jobs.filter(|it| it.get("on_change").and_then(Node::as_bool) == Some(true)) {
            for step in list(job, "steps") {
                if step.at(&["uses", "name"]).map(Node::text) != Some(action) {
                    continue;
                }
                found.extend(versions(job, step.at(&["raw", "with", input])?)?);
                path.get_or_insert(pipeline.tree.source.path.as_str());
            }
        }
    }
    let fits = found.iter().map(|it| fits(it, version)).collect::<Option<Vec<_>>>()?;
    found.dedup();
    Some(Wanted { path: path?, text: found.join(", "), fits: fits.contains(&true), is_run: true })
}

/// The versions that an input of a step stands for: as written, or those of the matrix.
fn versions<'a>(job: Node<'a>, input: Node<'a>) -> Option<Vec<&'a str>> {
    let text = input.text().trim();
    let Some(inner) = text.strip_prefix("${{").and_then(|it| it.strip_suffix("}}")) else {
        let known = !text.is_empty() && !text.contains("${{");
        return known.then(|| text.lines().map(str::trim).collect());
    };
    let name = inner.trim().strip_prefix("matrix.")?;
    let matrix = job.at(&["raw", "strategy", "matrix"])?;
    let values = matrix.get(name).filter(|it| it.is_seq())?.children().map(Node::text);
    let values: Vec<_> = values.collect();
    (!values.is_empty() && values.iter().all(|it| !it.contains("${{"))).then_some(values)
}

/// The name of a language in `.tool-versions`.
fn tool(language: &str) -> &str {
    if language == "node" { "nodejs" } else { language }
}

fn asked<'a>(file: &'a Source, language: &str, version: &str) -> Option<Wanted<'a>> {
    let first =
        || file.text.lines().map(str::trim).find(|it| !it.is_empty() && !it.starts_with('#'));
    let (text, range) = match file.name() {
        "pyproject.toml" => {
            let project: toml::Value = toml::from_str(&file.text).ok()?;
            let text = project.get("project")?.get("requires-python")?.as_str()?.to_owned();
            (text.clone(), text)
        }
        "package.json" => {
            let package: serde_json::Value = serde_json::from_str(&file.text).ok()?;
            let text = package["engines"]["node"].as_str()?.to_owned();
            (text.clone(), text)
        }
        "go.mod" => {
            let line = file.text.lines().find_map(|it| it.trim().strip_prefix("go "))?;
            let text = format!(">={}", line.trim());
            (text.clone(), text)
        }
        name => {
            let text = match name {
                ".tool-versions" => {
                    let mut lines = file.text.lines().map(str::split_whitespace);
                    let mut line = lines.find(|it| it.clone().next() == Some(tool(language)))?;
                    line.nth(1)?.to_owned()
                }
                _ => first()?.to_owned(),
            };
            let number = text.trim_start_matches(['v', 'V']).trim_start_matches("ruby-");
            // Patches come by themselves; for Node minors do too.
            let parts = if language == "node" { 1 } else { 2 };
            let number: Vec<_> = number.split('.').take(parts).collect();
            (text.clone(), format!("=={}", number.join(".")))
        }
    };
    let fits = fits(&range, version)?;
    Some(Wanted { path: &file.path, text, fits, is_run: false })
}

/// Whether a version is in a range as Python, Node and Ruby write them; parts that the version does
/// not have may be anything. Nothing if the range is of another form.
fn fits(range: &str, version: &str) -> Option<bool> {
    let own = numbers(version)?;
    let mut any = false;
    for choice in range.split("||") {
        let mut all = true;
        for clause in clauses(choice) {
            all &= clause_holds(&clause, &own)?;
        }
        any |= all;
    }
    Some(any)
}

/// `>=3.11, <4` and `>= 18 <21` as clauses without blanks.
fn clauses(choice: &str) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for word in choice.split([',', ' ']).filter(|it| !it.is_empty()) {
        match clauses.last_mut() {
            Some(last) if last.ends_with(['>', '<', '=', '~', '^', '!']) => last.push_str(word),
            _ => clauses.push(word.to_owned()),
        }
    }
    clauses
}

fn clause_holds(clause: &str, own: &[u64]) -> Option<bool> {
    let at = clause.find(|it: char| it.is_ascii_digit() || it == '*' || it == 'x')?;
    let (operator, text) = clause.split_at(at);
    let text = text.split(['-', '+']).next()?;
    let parts = text.split('.').take_while(|it| !matches!(*it, "*" | "x" | "X"));
    let wanted: Vec<u64> = parts.map(|it| it.parse().ok()).collect::<Option<_>>()?;
    let shared = own.len().min(wanted.len());
    let order = own[..shared].cmp(&wanted[..shared]);
    // Where one of them says less, the rest may be anything.
    let is_open = own.len() < wanted.len();
    Some(match operator {
        ">=" => order.is_ge(),
        ">" => order.is_gt() || order.is_eq() && is_open,
        "<" => order.is_lt() || order.is_eq() && is_open,
        "<=" => order.is_le(),
        "" | "=" | "==" | "===" | "v" => order.is_eq(),
        "!=" => !order.is_eq() || is_open,
        "^" => order.is_ge() && own.first() == wanted.first(),
        "~=" => order.is_ge() && same(own, &wanted, wanted.len().saturating_sub(1)),
        "~" => order.is_ge() && same(own, &wanted, wanted.len().min(2)),
        _ => return None,
    })
}

/// Whether the first parts are equal, as far as both have them.
fn same(a: &[u64], b: &[u64], parts: usize) -> bool {
    a.iter().zip(b).take(parts).all(|it| it.0 == it.1)
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|it| it.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_in_their_forms() {
        for (range, version) in [
            (">=3.11,<4", "3.12"),
            (">= 18 <21", "20"),
            ("^20.1 || ^22", "22"),
            ("20.x", "20.11"),
            ("~=3.11", "3.13"),
            ("==3.12", "3.12.4"),
            (">=1.24.1", "1.24"),
            ("*", "20"),
            ("<3.13.2", "3.13"),
        ] {
            assert_eq!(fits(range, version), Some(true), "{range} {version}");
        }
        for (range, version) in [
            (">=3.11", "3.10"),
            ("<3.13", "3.13"),
            ("^18", "20"),
            ("==24", "20"),
            (">=1.24.1", "1.23"),
            ("~=3.11.2", "3.12"),
        ] {
            assert_eq!(fits(range, version), Some(false), "{range} {version}");
        }
        assert_eq!(fits("lts/*", "20"), None);
    }

    #[test]
    fn tags_begin_with_versions() {
        assert_eq!(leading("3.12-slim"), "3.12");
        assert_eq!(leading("24.1.0"), "24.1.0");
        assert_eq!(
            (leading("3.15rc1"), leading("lts-slim"), leading("20251001")),
            ("", "", "20251001")
        );
    }
}
