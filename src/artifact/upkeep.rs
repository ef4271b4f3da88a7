//! Who keeps a repository up: Dependabot and Renovate for what it depends on, CODEOWNERS for who
//! looks at changes, pre-commit for what is looked at before.

use super::{Artifact, Emit, Kind, Parsed, Select, Shape, Subject, View, zizmor};
use crate::{
    document::{Key, Node, Tree},
    parse,
    repository::Repository,
    source::{Source, Span},
    value::Value,
};

/// Which of these files it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Dependabot,
    Renovate,
    Owners,
    Hooks,
}

impl Form {
    fn of(source: &Source) -> Option<Self> {
        match source.path.as_str() {
            ".github/dependabot.yml" | ".github/dependabot.yaml" => Some(Self::Dependabot),
            "renovate.json"
            | ".github/renovate.json"
            | ".gitlab/renovate.json"
            | ".renovaterc.json" => Some(Self::Renovate),
            "CODEOWNERS" | ".github/CODEOWNERS" | "docs/CODEOWNERS" | ".gitlab/CODEOWNERS" => {
                Some(Self::Owners)
            }
            ".pre-commit-config.yaml" | ".pre-commit-config.yml" => Some(Self::Hooks),
            _ => None,
        }
    }
}

/// Whether the file is one, by its path.
pub fn recognise(source: &Source) -> bool {
    Form::of(source).is_some()
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    let form = Form::of(&source).unwrap_or(Form::Owners);
    let (mut tree, problems) = match form {
        Form::Dependabot | Form::Hooks => parse::yaml::parse(source),
        Form::Renovate => parse::json::parse(source),
        Form::Owners => (Tree::new(source), Vec::new()),
    };
    let root = match form {
        Form::Owners => owners(&mut tree),
        _ => match tree.roots.first() {
            Some(&root) => root,
            None => return Parsed { artifact: None, problems },
        },
    };
    let suppressions = zizmor::comments(&tree);
    let artifact =
        Artifact { derived: vec![root], suppressions, ..Artifact::new(Kind::Upkeep, tree) };
    Parsed { artifact: Some(artifact), problems }
}

/// The most lines of a CODEOWNERS file that are read.
const MOST: usize = 20_000;

/// The lines of a CODEOWNERS file: patterns with their owners.
fn owners(tree: &mut Tree) -> u32 {
    let text = tree.source.text.clone();
    let root = tree.open_seq(Key::None, Span::default());
    let mut at = 0;
    for line in text.split_inclusive('\n').take(MOST) {
        let content = line.split('#').next().unwrap_or("").trim();
        let is_section = content.starts_with('[') || content.starts_with("^[");
        if !content.is_empty() && !is_section {
            let place = Span::new(at, at + line.trim_end().len());
            let map = tree.open_map(Key::None, place);
            let mut words = content.split_whitespace();
            tree.text(Key::Field("pattern"), words.next().unwrap_or(""), place);
            let list = tree.open_seq(Key::Field("owners"), place);
            words.for_each(|it| {
                tree.text(Key::None, it, place);
            });
            tree.close(list);
            tree.close(map);
        }
        at += line.len();
    }
    tree.close(root);
    root
}

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "upkeep.updates",
        kind: Kind::Upkeep,
        means: "the configuration of Dependabot or Renovate",
        vars: fields! {
            "it": Shape::Record(fields! {
                "tool": Shape::Text, "`dependabot` or `renovate`";
                "ecosystems": Shape::List(&Shape::Text), "of Dependabot: what it keeps up to date";
                "missing": Shape::List(&Shape::Text), "of Dependabot: what the repository uses and it does not keep up to date";
                "raw": Shape::Any, "the configuration as written";
            }), "the configuration";
        },
        select: Select::Repository(updates),
    },
    View {
        name: "upkeep.owners",
        kind: Kind::Upkeep,
        means: "the file CODEOWNERS",
        vars: fields! {
            "it": Shape::Record(fields! {
                "rules": Shape::Number, "how many patterns have owners";
                "all": Shape::Bool, "a pattern covers everything and has owners";
            }), "the file";
        },
        select: Select::File(code_owners),
    },
    View {
        name: "upkeep.owned_path",
        kind: Kind::Upkeep,
        means: "each path of CODEOWNERS that is no pattern and that starts at the root",
        vars: fields! {
            "it": Shape::Record(fields! {
                "pattern": Shape::Text, "the path as written";
                "found": Shape::Bool, "the repository holds it";
            }), "the path";
        },
        select: Select::Repository(owned_paths),
    },
    View {
        name: "upkeep.hooks",
        kind: Kind::Upkeep,
        means: "each repository whose hooks pre-commit runs",
        vars: fields! {
            "it": Shape::Record(fields! {
                "repo": Shape::Text, "its address";
                "rev": Shape::Any, "the tag, the hash or the branch that is taken";
                "hooks": Shape::List(&Shape::Text), "the hooks";
            }), "the repository";
        },
        select: Select::File(hooks),
    },
];

/// Files that say what a repository depends on, by the ecosystems of Dependabot.
const MANIFESTS: &[(&[&str], &[&str])] = &[
    (&["pip", "uv"], &["pyproject.toml", "requirements.txt", "Pipfile"]),
    (&["npm", "bun"], &["package.json"]),
    (&["gomod"], &["go.mod"]),
    (&["cargo"], &["Cargo.toml"]),
    (&["bundler"], &["Gemfile"]),
    (&["composer"], &["composer.json"]),
    (&["maven"], &["pom.xml"]),
    (&["gradle"], &["build.gradle", "build.gradle.kts"]),
    (&["docker", "docker-compose"], &["Dockerfile"]),
];

fn updates<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Upkeep) {
        let form = Form::of(&artifact.tree.source);
        let tool = match form {
            Some(Form::Dependabot) => "dependabot",
            Some(Form::Renovate) => "renovate",
            _ => continue,
        };
        let Some(root) = artifact.derived.first().map(|&it| artifact.tree.node(it)) else {
            continue;
        };
        let entries = root.get("updates").into_iter().flat_map(Node::children);
        let own: Vec<&str> = entries.filter_map(|it| it.str("package-ecosystem")).collect();
        let missing = |it: &&(&[&'static str], &[&'static str])| {
            form == Some(Form::Dependabot)
                && !it.0.iter().any(|name| own.contains(name))
                && it.1.iter().any(|name| repository.has_file(name))
        };
        let missing = MANIFESTS.iter().filter(missing).map(|it| Value::Str(it.0[0]));
        let value = Value::map([
            ("tool", Value::Str(tool)),
            ("missing", Value::list(missing)),
            ("ecosystems", Value::list(own.iter().map(|it| Value::Str(it)))),
            ("raw", Value::Node(root)),
        ]);
        emit(Subject { values: vec![value], at: root, object: None });
    }
}

fn code_owners<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    if Form::of(&artifact.tree.source) != Some(Form::Owners) {
        return;
    }
    let Some(root) = artifact.derived.first().map(|&it| artifact.tree.node(it)) else { return };
    let owned = || root.children().filter(|it| it.get("owners").is_some_and(|it| !it.is_empty()));
    let covers = |it: Node<'_>| matches!(it.str("pattern"), Some("*" | "/**" | "**" | "/"));
    let value = Value::map([
        ("rules", Value::Int(owned().count() as i64)),
        ("all", Value::Bool(owned().any(covers))),
    ]);
    emit(Subject { values: vec![value], at: root, object: None });
}

fn owned_paths<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Upkeep) {
        if Form::of(&artifact.tree.source) != Some(Form::Owners) {
            continue;
        }
        let root = artifact.derived.iter().map(|&it| artifact.tree.node(it));
        for rule in root.flat_map(Node::children) {
            let Some(pattern) = rule.str("pattern") else { continue };
            let inner = pattern.trim_end_matches('/');
            // Without a slash before its end it may lie in any folder.
            if !inner.contains('/') || inner.contains(['*', '?', '\\', '!']) {
                continue;
            }
            let path = inner.trim_start_matches('/');
            let found = repository.has_file(path) || repository.has_folder(path);
            let value =
                Value::map([("pattern", Value::Str(pattern)), ("found", Value::Bool(found))]);
            emit(Subject { values: vec![value], at: rule, object: None });
        }
    }
}

fn hooks<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    if Form::of(&artifact.tree.source) != Some(Form::Hooks) {
        return;
    }
    let roots = artifact.derived.iter().map(|&it| artifact.tree.node(it));
    let list = |node: Node<'a>, key: &str| node.get(key).into_iter().flat_map(Node::children);
    for repo in roots.flat_map(|it| list(it, "repos")) {
        let Some(address) = repo.str("repo").filter(|it| !matches!(*it, "local" | "meta")) else {
            continue;
        };
        let hooks = list(repo, "hooks").filter_map(|it| it.str("id"));
        let value = Value::map([
            ("repo", Value::Str(address)),
            ("rev", Value::maybe(repo.get("rev"))),
            ("hooks", Value::list(hooks.map(Value::Str))),
        ]);
        emit(Subject { values: vec![value], at: repo, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_without_comments_and_sections() {
        let text = "# all\n*  @team/all\n[Docs]\n/docs/ # nobody\n/api @a @b # two\n";
        let artifact = parse(Source::new("CODEOWNERS", text)).artifact.expect("an artifact");
        let root = artifact.tree.node(artifact.derived[0]);
        let shown: Vec<_> = root
            .children()
            .map(|it| {
                let owners = it.get("owners").map_or(0, Node::len);
                (it.start().line, it.str("pattern").unwrap_or(""), owners)
            })
            .collect();
        assert_eq!(shown, [(2, "*", 1), (4, "/docs/", 0), (5, "/api", 2)]);
    }

    #[test]
    fn nothing_that_is_written_stops_the_reader() {
        for path in [".github/dependabot.yml", "renovate.json", "CODEOWNERS"] {
            for text in ["", "[", "updates: 1", "{\"a\":", "\u{0}#"] {
                parse(Source::new(path, text));
            }
        }
    }
}
