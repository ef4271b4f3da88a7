//! Dockerfiles: how they are recognised, and what they mean: stages, commands, packages.

use std::sync::{Arc, LazyLock};

use super::{Artifact, Kind, Parsed};
use crate::{
    document::{Problem, Tree, Trouble},
    parse::dockerfile as lines,
    source::Source,
};

pub mod command;
pub mod config;
pub mod facts;
pub mod package;
pub mod pragma;
pub mod stage;
pub mod variable;
mod view;

pub use config::VIEWS as JOINS;
pub use view::{STAGE, VARIABLE, VIEWS};

/// Endings that tell that a file beside a Dockerfile is something else.
const OTHERS: [&str; 26] = [
    ".dockerignore",
    ".md",
    ".rst",
    ".txt",
    ".sh",
    ".py",
    ".go",
    ".rs",
    ".js",
    ".ts",
    ".java",
    ".rb",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".xml",
    ".html",
    ".vim",
    ".lock",
    ".log",
    ".png",
    ".svg",
    ".snap",
    ".orig",
    ".css",
];

/// Endings of files that somebody has to fill in first.
const TEMPLATES: [&str; 9] =
    [".template", ".tmpl", ".tpl", ".in", ".j2", ".jinja", ".jinja2", ".erb", ".mustache"];

/// How many stages of one file are followed.
const MOST_STAGES: usize = 2_000;

/// Whether the file is one, by its path and the start of its text.
pub fn recognise(source: &Source) -> bool {
    let name = source.name().to_ascii_lowercase();
    if OTHERS.iter().any(|it| name.ends_with(it)) {
        return false;
    }
    let is_named = ["dockerfile", "containerfile"].iter().any(|it| name == *it);
    let is_kin = ["dockerfile", "containerfile"].iter().any(|word| {
        name.match_indices(word).any(|(at, it)| {
            let ends = |it: Option<char>| it.is_none_or(|it| matches!(it, '.' | '-' | '_'));
            ends(name[..at].chars().next_back()) && ends(name[at + it.len()..].chars().next())
        })
    });
    is_named || (is_kin && begins_like_one(&source.text))
}

/// Whether the first line that says something begins with an instruction, or is a template's.
fn begins_like_one(text: &str) -> bool {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_start);
    let first = lines.take(500).find(|it| !it.is_empty() && !it.starts_with('#'));
    first.is_some_and(|it| {
        let word = it.split_whitespace().next().unwrap_or("").to_ascii_uppercase();
        lines::KEYWORDS.contains(&word.as_str()) || word.starts_with("{{") || word.starts_with("{%")
    })
}

/// A file that says what most files say.
const USUAL: &str = "FROM --platform=a a AS b\nUSER a\nFROM b\nARG A=a\nENV A=a\nLABEL a=a\n\
    WORKDIR /a\nCOPY --from=b --chown=a a b\nRUN pip install a | b\nEXPOSE 1\nUSER a\n\
    ENTRYPOINT [\"a\"]\nCMD a\n";

/// The names of the fields of most files.
static NAMES: LazyLock<Tree> = LazyLock::new(|| {
    let (mut tree, file) = (Tree::default(), lines::read(USUAL));
    let mut nodes = Vec::new();
    lines::write(&mut tree, &file, &mut nodes);
    facts::write(&mut tree, USUAL, &file, &nodes);
    tree.names()
});

/// Larger ones are not judged: nobody writes them, and each instruction costs a hundred times its
/// bytes.
const LARGEST: usize = 2 << 20;

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    if source.text.len() > LARGEST {
        let reason = "larger than 2 MiB: nothing in it is judged";
        let problem = Problem::at(&source, 0, Trouble::Limit, reason);
        return Parsed { artifact: None, problems: vec![problem] };
    }
    let source = Arc::new(source);
    let mut tree = Tree::like(&NAMES, source.clone());
    let file = lines::read(&source.text);
    if let Some(problem) = template(&source, &file) {
        return Parsed { artifact: None, problems: vec![problem] };
    }
    // About as much as will be written.
    tree.nodes.reserve(64 + source.text.len() / 4);
    tree.pool.reserve(source.text.len());
    let mut nodes = Vec::with_capacity(file.instructions.len());
    lines::write(&mut tree, &file, &mut nodes);
    let mut problems = lines::problems(&source, &file);
    let stages = file.instructions.iter().filter(|it| it.head.name == "FROM").count();
    let mut derived = Vec::new();
    if stages > MOST_STAGES {
        let reason = format!("{stages} stages are more than we follow: nothing in it is judged");
        problems.push(Problem::at(&source, 0, Trouble::Limit, reason));
    } else {
        derived.push(facts::write(&mut tree, &source.text, &file, &nodes));
    }
    let suppressions = pragma::suppressions(&source.text, &file);
    let artifact = Artifact { derived, suppressions, ..Artifact::new(Kind::Dockerfile, tree) };
    Parsed { artifact: Some(artifact), problems }
}

/// Leaves of a Dockerfile what the rules across files look at.
pub fn shorten(artifact: &mut Artifact) {
    if artifact.kind == Kind::Dockerfile
        && let Some(&facts) = artifact.derived.first()
    {
        artifact.tree.end_before(facts, facts::COMMANDS);
    }
}

/// The problem of a file that somebody has to render first.
fn template(source: &Source, file: &lines::File<'_>) -> Option<Problem> {
    let is_mark = |it: &&lines::Instruction<'_>| {
        let word = it.text(&it.head.keyword);
        word.starts_with("{{") || word.starts_with("{%") || word.starts_with("<%")
    };
    let is_named_so = || TEMPLATES.iter().any(|it| source.name().ends_with(it));
    let is_unknown =
        |it: &&lines::Instruction<'_>| !lines::KEYWORDS.contains(&it.head.name.as_str());
    let mut all = file.instructions.iter();
    let it =
        all.clone().find(is_mark).or_else(|| all.find(is_unknown).filter(|_| is_named_so()))?;
    let reason = "a template: render it and check the Dockerfile that comes of it";
    Some(Problem::at(source, it.span.start, Trouble::Template, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_first_words_tell() {
        let is = |path: &str, text: &str| recognise(&Source::new(path, text));
        assert!(is("a/Dockerfile", "") && is("containerfile", "x"));
        assert!(
            is("Dockerfile.prod", "# x\n\nfrom a")
                && is("api.Dockerfile", "ARG A")
                && is("api-Dockerfile.dev", "FROM a")
        );
        assert!(!is("Dockerfile.md", "FROM a") && !is("Dockerfile.prod", "hello"));
        assert!(!is("a/Dockerfile.dockerignore", "FROM") && !is("dockerfiles/x", "FROM a"));
    }

    #[test]
    fn a_template_is_a_problem_of_its_own() {
        let parsed = parse(Source::new("Dockerfile", "FROM a\n{{ if x }}\nRUN b\n"));
        assert!(parsed.artifact.is_none());
        assert_eq!(parsed.problems[0].kind, Trouble::Template);
    }

    #[test]
    fn hostile_files_end_in_good_time() {
        for text in [
            "FROM a AS b\n".repeat(1_900),
            format!("FROM a\n{}", "RUN a\n".repeat(20_000)),
            format!("FROM a\n{}", "ENV A=1 B=$A\n".repeat(3_000)),
            format!("FROM a\nRUN {}", "echo $(".repeat(5_000)),
            format!("FROM a\nENV {}", "A=${A:-".repeat(5_000)),
            format!("FROM a\n{}", "COPY x.tar /\n".repeat(3_000)),
        ] {
            let parsed = parse(Source::new("Dockerfile", text));
            assert!(parsed.artifact.is_some());
        }
    }
}
