//! What a Python project depends on: `pyproject.toml`, `requirements.txt`.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Artifact, Emit, Field, Kind, Parsed, Select, Shape, Subject, View};
use crate::{
    document::{Id, Key, Problem, Tree, Trouble},
    source::{Source, Span},
};

/// Larger files are no lists of requirements.
const LARGEST: usize = 1 << 20;

/// Whether a file of this path names dependencies.
pub fn is_named(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    let in_requirements = folder.rsplit('/').next() == Some("requirements");
    name == "pyproject.toml"
        || name.ends_with(".txt") && (name.starts_with("requirements") || in_requirements)
}

/// Whether the file names dependencies.
pub fn recognise(source: &Source) -> bool {
    is_named(&source.path) && source.text.len() <= LARGEST
}

/// Whether text that is no TOML is a template of it.
fn is_template(source: &Source) -> bool {
    source.path.contains("{{") || ["{{", "{%"].iter().any(|it| source.text.contains(it))
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let mut tree = Tree::new(source);
    let source = tree.source.clone();
    let text = source.text.as_str();
    let mut found = Vec::new();
    let mut problems = Vec::new();
    let is_project = tree.source.path.ends_with(".toml");
    if is_project {
        match DeTable::parse(text) {
            Ok(table) => project(table.get_ref(), &mut found),
            Err(error) => {
                let at = error.span().map_or(0, |it| it.start as u32);
                problems.push((at, format!("is no TOML: {}", error.message())));
            }
        }
    } else {
        requirements(text, group_of(&tree.source.path), &mut found);
    }
    let derived = found.iter().map(|it| it.write(&mut tree)).collect();
    let problems = problems
        .into_iter()
        .map(|(at, reason)| match is_template(&tree.source) {
            true => {
                let reason = "a template: render it and judge what comes out";
                Problem::at(&tree.source, at, Trouble::Template, reason)
            }
            false => Problem::at(&tree.source, at, Trouble::Syntax, reason),
        })
        .collect();
    Parsed {
        artifact: Some(Artifact { derived, ..Artifact::new(Kind::Dependencies, tree) }),
        problems,
    }
}

/// A package that a project needs.
#[derive(Debug, Default)]
struct Package {
    name: String,
    /// The versions that it takes: `>=1.2,<2`.
    spec: String,
    /// Where it comes from, if not from an index.
    url: String,
    /// What it is needed for: nothing for the service itself.
    group: String,
    /// Whether the file names the hash of what is installed.
    hashed: bool,
    at: Span,
}

impl Package {
    /// A requirement in the notation of PEP 508.
    fn read(text: &str, group: &str, at: Span) -> Option<Self> {
        let text = text.split(';').next().unwrap_or_default().trim();
        let (text, url) = text.split_once('@').map_or((text, ""), |it| (it.0, it.1.trim()));
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(text.len());
        let name = normal(&text[..end]);
        let rest = text[end..].trim();
        let spec = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map_or("", |it| it.1),
            None => rest,
        };
        let spec = spec.trim().trim_matches(['(', ')']).to_owned();
        let (url, group) = (url.to_owned(), group.to_owned());
        (!name.is_empty()).then_some(Self { name, spec, url, group, at, ..Self::default() })
    }

    fn write(&self, tree: &mut Tree) -> Id {
        let root = tree.open_map(Key::None, self.at);
        for (key, text) in [
            ("name", &*self.name),
            ("spec", &*self.spec),
            ("url", &*self.url),
            ("group", &*self.group),
            ("exact", &*bound(&self.spec, &["=="])),
            ("floor", &*bound(&self.spec, &[">=", "~=", "^", ">", "~", "=="])),
            ("ceiling", &*bound(&self.spec, &["<", "<="])),
        ] {
            if !text.is_empty() {
                tree.text(Key::Text(key), text, self.at);
            }
        }
        tree.bool(Key::Field("hashed"), self.hashed, self.at);
        tree.close(root);
        root
    }
}

/// The name as indexes compare it.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// The version behind one of the operators, if the list of versions has one.
fn bound(spec: &str, operators: &[&str]) -> String {
    let operator_of = |part: &str| {
        let end = part.find(|c: char| !matches!(c, '<' | '>' | '=' | '~' | '^' | '!'));
        let end = end.unwrap_or(part.len());
        (part[..end].to_owned(), part[end..].trim().to_owned())
    };
    let parts = spec.split(',').map(|it| operator_of(it.trim()));
    let mut found = parts.filter(|(operator, version)| {
        operators.contains(&operator.as_str()) && !version.contains('*')
    });
    found.next().map_or(String::new(), |it| it.1)
}

/// Development, tests and documentation, by the name of a file of requirements.
fn group_of(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    let words =
        ["dev", "test", "tests", "doc", "docs", "lint", "ci", "example", "examples", "tools"];
    let is_other = path.split(['/', '-', '_', '.']).any(|it| words.contains(&it));
    if is_other { "dev" } else { "" }
}

/// The lines of a file of requirements.
fn requirements(text: &str, group: &str, found: &mut Vec<Package>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.split(" #").next().unwrap_or_default().trim_end().trim_end_matches('\\');
        let trimmed = bare.trim();
        let at = start + (bare.len() - bare.trim_start().len());
        let span = Span::new(at, at + trimmed.len());
        start += line.len();
        if let Some(hash) = trimmed.strip_prefix("--hash=") {
            if let (Some(last), false) = (found.last_mut(), hash.is_empty()) {
                last.hashed = true;
            }
            continue;
        }
        if trimmed.starts_with(['#', '-']) && !trimmed.starts_with("-e ") {
            continue;
        }
        let trimmed = trimmed.strip_prefix("-e ").unwrap_or(trimmed);
        let (text, hashed) = match trimmed.split_once("--hash=") {
            Some((text, _)) => (text, true),
            None => (trimmed, false),
        };
        if let Some(url) = text.strip_prefix("git+") {
            let name = url.rsplit("egg=").next().filter(|_| url.contains("egg="));
            let name = name.unwrap_or_else(|| url.rsplit('/').next().unwrap_or(url));
            let name =
                normal(name.split(['@', '#']).next().unwrap_or(name).trim_end_matches(".git"));
            let url = format!("git+{url}");
            found.push(Package {
                name,
                url,
                group: group.to_owned(),
                at: span,
                ..Package::default()
            });
        } else if let Some(package) = Package::read(text, group, span) {
            found.push(Package { hashed, ..package });
        }
    }
}

type Table<'t> = DeTable<'t>;

fn span(it: &Spanned<DeValue<'_>>) -> Span {
    Span::new(it.span().start, it.span().end)
}

fn table<'t, 'a>(table: &'t Table<'a>, path: &[&str]) -> Option<&'t Table<'a>> {
    path.iter().try_fold(table, |at, key| at.get(*key)?.get_ref().as_table())
}

fn project(root: &Table<'_>, found: &mut Vec<Package>) {
    if let Some(project) = table(root, &["project"]) {
        list(project.get("dependencies"), "", found);
        for (name, group) in table(project, &["optional-dependencies"]).into_iter().flatten() {
            list(Some(group), name.get_ref(), found);
        }
    }
    for (name, group) in table(root, &["dependency-groups"]).into_iter().flatten() {
        list(Some(group), name.get_ref(), found);
    }
    if let Some(poetry) = table(root, &["tool", "poetry"]) {
        poetry_table(table(poetry, &["dependencies"]), "", found);
        poetry_table(table(poetry, &["dev-dependencies"]), "dev", found);
        for (name, group) in table(poetry, &["group"]).into_iter().flatten() {
            let packages = group.get_ref().as_table().and_then(|it| table(it, &["dependencies"]));
            poetry_table(packages, name.get_ref(), found);
        }
    }
}

/// A list of requirements.
fn list(items: Option<&Spanned<DeValue<'_>>>, group: &str, found: &mut Vec<Package>) {
    let items = items.and_then(|it| it.get_ref().as_array());
    for item in items.into_iter().flatten() {
        let text = item.get_ref().as_str();
        found.extend(text.and_then(|text| Package::read(text, group, span(item))));
    }
}

/// A table of Poetry: names to versions, or to tables with a version or an address.
fn poetry_table(packages: Option<&Table<'_>>, group: &str, found: &mut Vec<Package>) {
    for (name, value) in packages.into_iter().flatten() {
        let key = name.get_ref();
        if key == "python" {
            continue;
        }
        let mut package = Package {
            name: normal(key),
            group: group.to_owned(),
            at: span(value),
            ..Package::default()
        };
        match value.get_ref() {
            DeValue::String(spec) => package.spec = spec.trim().to_owned(),
            DeValue::Table(it) => {
                let text = |key: &str| it.get(key).and_then(|it| it.get_ref().as_str());
                package.spec = text("version").unwrap_or_default().to_owned();
                if let Some(git) = text("git") {
                    let at = text("rev").or_else(|| text("tag")).or_else(|| text("branch"));
                    package.url = format!("git+{git}@{}", at.unwrap_or_default());
                }
            }
            _ => {}
        }
        // A bare version of Poetry is exact.
        if package.spec.starts_with(|c: char| c.is_ascii_digit()) && !package.spec.contains('*') {
            package.spec.insert_str(0, "==");
        }
        found.push(package);
    }
}

const PACKAGE: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name, in lower case with hyphens" },
    Field { name: "spec", shape: Shape::Text, means: "the versions that it takes" },
    Field { name: "exact", shape: Shape::Text, means: "the only version that it takes" },
    Field { name: "floor", shape: Shape::Text, means: "the oldest version that it takes" },
    Field { name: "ceiling", shape: Shape::Text, means: "the version that it stays below" },
    Field { name: "url", shape: Shape::Text, means: "where it comes from, if not from an index" },
    Field {
        name: "group",
        shape: Shape::Text,
        means: "what it is for; nothing for the service itself",
    },
    Field { name: "hashed", shape: Shape::Bool, means: "whether its hash is named" },
];

/// The views over dependencies.
pub const VIEWS: &[View] = &[View {
    name: "dependencies.package",
    kind: Kind::Dependencies,
    means: "a package that a Python project depends on",
    vars: &[Field { name: "it", shape: Shape::Record(PACKAGE), means: "the package" }],
    select: Select::File(packages),
}];

fn packages<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for &id in &artifact.derived {
        let node = artifact.tree.node(id);
        emit(Subject { values: vec![node.into()], at: node, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, text: &str) -> Vec<String> {
        let artifact = parse(Source::new(path, text)).artifact.unwrap();
        let text = |id: &Id, key: &str| artifact.tree.node(*id).str(key).unwrap_or("-").to_owned();
        let keys = ["name", "exact", "floor", "ceiling", "group", "url"];
        artifact.derived.iter().map(|id| keys.map(|key| text(id, key)).join(" ")).collect()
    }

    #[test]
    fn requirements_are_read_line_by_line() {
        let text = "# c\nFast_API[all]>=0.1,<0.2 ; python_version > '3'  # why\n-r other.txt\nx==1.0 \\\n    --hash=sha256:ab\ngit+https://example.org/a/b.git@main#egg=b\ny @ git+https://example.org/y@v1\n";
        assert_eq!(
            shown("requirements.txt", text),
            [
                "fast-api - 0.1 0.2 - -",
                "x 1.0 1.0 - - -",
                "b - - - - git+https://example.org/a/b.git@main#egg=b",
                "y - - - - git+https://example.org/y@v1",
            ]
        );
        assert_eq!(shown("requirements-dev.txt", "x\n"), ["x - - - dev -"]);
    }

    #[test]
    fn projects_are_read_in_each_of_their_forms() {
        let text = "[project]\ndependencies = [\"a>=1\"]\n[project.optional-dependencies]\nx = [\"b\"]\n[dependency-groups]\ndev = [\"c\", {include-group = \"x\"}]\n[tool.poetry.dependencies]\npython = \"^3.11\"\nd = \"^1.2\"\ne = {git = \"https://example.org/e\", branch = \"main\"}\nf = \"1.0\"\n";
        assert_eq!(
            shown("pyproject.toml", text),
            [
                "a - 1 - - -",
                "b - - - x -",
                "c - - - dev -",
                "d - 1.2 - - -",
                "e - - - - git+https://example.org/e@main",
                "f 1.0 1.0 - - -",
            ]
        );
    }

    #[test]
    fn what_is_no_toml_is_a_problem() {
        let parsed = parse(Source::new("pyproject.toml", "[project\n"));
        assert_eq!(parsed.problems[0].kind, Trouble::Syntax);
        let parsed = parse(Source::new("pyproject.toml", "name = {{ cookiecutter.name }}\n"));
        assert_eq!(parsed.problems[0].kind, Trouble::Template);
    }
}
