//! The rules of the house: layers, headers, names.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// From the ground up: a module uses only those before it.
const LAYERS: &[&str] = &[
    "threads",
    "source",
    "date",
    "document",
    "value",
    "parse",
    "artifact",
    "patch",
    "repository",
    "finding",
    "rule",
    "checklist",
    "readiness",
    "facts",
    "discover",
    "spectral",
    "waive",
    "evaluate",
    "fix",
    "assess",
    "gate",
    "report",
    "examples",
    "inspect",
    "init",
    "git",
    "cli",
    "config",
    "policy",
    "run",
    "github",
];

/// What may look up, and why.
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("artifact", "repository", "views look across artifacts through the repository")];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files
}

/// The module directly below the crate that a file belongs to.
fn module(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a file uses: what follows `crate::`, also inside braces.
fn uses(text: &str) -> Vec<String> {
    let word = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        text[..end].to_owned()
    };
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && !c.is_whitespace() => {
                    found.push(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn lower_modules_never_import_higher_ones() {
    let rank = |name: &str| LAYERS.iter().position(|it| *it == name);
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")) {
        let own = module(&path);
        let is_test = path.file_name().is_some_and(|it| it == "tests.rs");
        let Some(own_rank) = rank(&own).filter(|_| !is_test) else { continue };
        for used in uses(&fs::read_to_string(&path).unwrap()) {
            let allowed = EXCEPTIONS.iter().any(|(from, to, _)| *from == own && *to == used);
            if rank(&used).is_some_and(|it| it > own_rank) && !allowed {
                wrong.push(format!(
                    "{}: `{own}` uses `{used}`, which stands above it",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let modules = lib.lines().filter_map(|it| it.strip_prefix("pub mod ")?.strip_suffix(';'));
    for name in modules {
        assert!(
            LAYERS.contains(&name),
            "`{name}` has no layer: add it to LAYERS in tests/it/house.rs"
        );
    }
}

#[test]
fn every_file_says_what_it_is() {
    for folder in ["src", "tests", "benches"].into_iter().filter(|it| Path::new(it).is_dir()) {
        for path in sources(Path::new(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("//! "),
                "{}: begin with `//!` and a sentence",
                path.display()
            );
        }
    }
}

#[test]
fn no_file_is_a_drawer_for_everything() {
    for path in sources(Path::new("src")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let vague = ["utils", "util", "helpers", "helper", "common", "misc"];
        assert!(!vague.contains(&name.as_str()), "{}: name it for what it holds", path.display());
    }
}
