//! The lists of files that configuration keeps out of coverage.

use super::thresholds::codecov_pattern;
use crate::{
    document::{Id, Key, Node, Tree},
    parse::{self, ini},
    source::{Source, Span},
};

/// One pattern of such a list.
struct Omitted {
    tool: &'static str,
    name: &'static str,
    /// As it is written.
    text: String,
    /// A glob below the root, or a regular expression that is looked for in paths.
    glob: Option<String>,
    regex: Option<String>,
    span: Span,
}

/// The patterns that a file lists: a tree whose documents they are; nothing if it lists none.
pub fn read(source: &Source) -> Option<Tree> {
    let mut found = Vec::new();
    let copy = || Source::new(source.path.as_str(), source.text.as_str());
    let has = |word: &str| source.text.contains(word);
    let name = source.name().to_ascii_lowercase();
    match name.as_str() {
        ".coveragerc" | "setup.cfg" | "tox.ini" if has("omit") => sections(source, &mut found),
        "pyproject.toml" if has("omit") => toml(&parse::toml::parse(copy()).0, &mut found),
        "codecov.yml" | ".codecov.yml" | "codecov.yaml" | ".codecov.yaml" if has("ignore") => {
            codecov(&parse::yaml::parse(copy()).0, &mut found);
        }
        "package.json" | ".nycrc" | ".nycrc.json" | ".c8rc.json" | "jest.config.json"
            if has("exclude") || has("IgnorePatterns") || has("collectCoverageFrom") =>
        {
            javascript(&parse::json::parse(copy()).0, &name, &mut found);
        }
        _ => {}
    }
    found.retain(|it| it.glob.is_some() || it.regex.is_some());
    if found.is_empty() {
        return None;
    }
    let mut tree = Tree::new(copy());
    tree.roots = found.iter().map(|it| write(&mut tree, it)).collect();
    Some(tree)
}

fn write(tree: &mut Tree, it: &Omitted) -> Id {
    let map = tree.open_map(Key::None, it.span);
    tree.text(Key::Text("tool"), it.tool, it.span);
    tree.text(Key::Text("name"), it.name, it.span);
    tree.text(Key::Text("pattern"), &it.text, it.span);
    for (key, text) in [("glob", &it.glob), ("regex", &it.regex)] {
        match text {
            Some(text) => tree.text(Key::Text(key), text, it.span),
            None => tree.null(Key::Text(key), it.span),
        };
    }
    tree.close(map);
    map
}

/// `omit` of coverage.py in files of sections.
fn sections(source: &Source, found: &mut Vec<Omitted>) {
    let own = source.name() == ".coveragerc";
    for section in ini::read(&source.text) {
        let is_ours = match section.name.as_str() {
            "run" | "report" => own,
            "coverage:run" | "coverage:report" => true,
            _ => false,
        };
        let entry = section.get("omit").filter(|_| is_ours);
        for line in entry.into_iter().flat_map(|it| &it.lines) {
            let text = &source.text[line.start as usize..line.end as usize];
            for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
                found.push(python(source.folder(), part, *line));
            }
        }
    }
}

/// `omit` of coverage.py in `pyproject.toml`.
fn toml(tree: &Tree, found: &mut Vec<Omitted>) {
    let Some(root) = tree.documents().next() else { return };
    for part in ["run", "report"] {
        let list = root.at(&["tool", "coverage", part, "omit"]);
        for it in list.into_iter().flat_map(Node::children) {
            let text = it.as_str().map(|text| python(tree.source.folder(), text, it.span()));
            found.extend(text);
        }
    }
}

/// A pattern of coverage.py: from the folder of the configuration, unless it starts with a star;
/// stars at the start and at the end of a path reach into folders.
fn python(folder: &str, text: &str, span: Span) -> Omitted {
    let inside = text.trim_start_matches("./");
    let mut glob = match inside.starts_with('*') || folder.is_empty() {
        true => inside.to_owned(),
        false => format!("{folder}/{inside}"),
    };
    if let Some(rest) = glob.strip_prefix("*/") {
        glob = format!("**/{rest}");
    }
    if glob.ends_with("/*") {
        glob.push('*');
    } else if glob.ends_with('/') {
        glob.push_str("**");
    }
    let glob = (!text.starts_with(['/', '$', '~'])).then_some(glob);
    Omitted { tool: "coverage.py", name: "omit", text: text.to_owned(), glob, regex: None, span }
}

/// `ignore` of Codecov.
fn codecov(tree: &Tree, found: &mut Vec<Omitted>) {
    let ignored = tree.documents().next().and_then(|it| it.get("ignore"));
    for it in ignored.into_iter().flat_map(Node::children) {
        let Some(text) = it.as_str().filter(|it| !it.starts_with('!')) else { continue };
        let glob = codecov_pattern(text).map(|it| {
            let it = it.trim_end_matches('/');
            if it.contains('*') { it.to_owned() } else { format!("{it}{{,/**}}") }
        });
        let name = "ignore";
        let text = text.to_owned();
        found.push(Omitted { tool: "codecov", name, text, glob, regex: None, span: it.span() });
    }
}

/// The lists of jest, nyc and c8.
fn javascript(tree: &Tree, name: &str, found: &mut Vec<Omitted>) {
    let Some(root) = tree.documents().next() else { return };
    let is_package = name == "package.json";
    let folder = tree.source.folder();
    let below = |text: &str| match folder {
        "" => text.trim_start_matches("./").to_owned(),
        _ => format!("{folder}/{}", text.trim_start_matches("./")),
    };
    let texts = |node: Option<Node<'_>>, key: &str| -> Vec<(String, Span)> {
        let list = node.and_then(|it| it.get(key));
        let items = list.into_iter().flat_map(Node::children);
        items.filter_map(|it| Some((it.as_str()?.to_owned(), it.span()))).collect()
    };
    let jest = if is_package { root.get("jest") } else { Some(root) };
    let jest = jest.filter(|it| it.get("rootDir").is_none());
    for (text, span) in texts(jest, "coveragePathIgnorePatterns") {
        // `<rootDir>` is a place on the machine that runs the tests.
        let regex = text.replace("<rootDir>", &format!("^/{folder}"));
        let regex = Some(regex.replace("^//", "^/"));
        let name = "coveragePathIgnorePatterns";
        found.push(Omitted { tool: "jest", name, text, glob: None, regex, span });
    }
    for (text, span) in texts(jest, "collectCoverageFrom") {
        let Some(left_out) = text.strip_prefix('!') else { continue };
        let glob = Some(below(left_out.trim_start_matches("<rootDir>/")));
        let name = "collectCoverageFrom";
        found.push(Omitted { tool: "jest", name, text, glob, regex: None, span });
    }
    for (tool, file) in [("nyc", ".nycrc"), ("c8", ".c8rc")] {
        let node = if is_package { root.get(tool) } else { name.starts_with(file).then_some(root) };
        for (text, span) in texts(node, "exclude") {
            let glob = (!text.starts_with('!')).then(|| {
                let it = below(text.trim_end_matches('/'));
                if it.contains('*') { it } else { format!("{it}{{,/**}}") }
            });
            found.push(Omitted { tool, name: "exclude", text, glob, regex: None, span });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(path: &str, text: &str) -> Vec<String> {
        let Some(tree) = read(&Source::new(path, text)) else { return Vec::new() };
        let all = tree.documents().map(|it| {
            let line = it.start().line;
            let pattern = it.str("glob").or(it.str("regex")).unwrap_or_default();
            format!("{line}: {pattern}")
        });
        all.collect()
    }

    #[test]
    fn lists_are_read_in_every_tool_that_has_one() {
        let text = "[run]\nomit =\n    */tests/*\n    app/core/*, setup.py\n";
        assert_eq!(
            patterns(".coveragerc", text),
            ["3: **/tests/**", "4: app/core/**", "4: setup.py"]
        );
        assert_eq!(
            patterns("api/pyproject.toml", "[tool.coverage.run]\nomit = [\"app/a.py\", \"/x\"]\n"),
            ["2: api/app/a.py"]
        );
        assert_eq!(
            patterns("codecov.yml", "ignore:\n- src/legacy\n- ^src/.*\n"),
            ["2: src/legacy{,/**}"]
        );
        let text = "{\"jest\": {\"coveragePathIgnorePatterns\": [\"/node_modules/\", \"<rootDir>/src/x\"],\n\"collectCoverageFrom\": [\"src/**\", \"!src/**/*.d.ts\"]},\n\"nyc\": {\"exclude\": [\"src/legacy\"]}}";
        assert_eq!(
            patterns("package.json", text),
            ["1: /node_modules/", "1: ^/src/x", "2: src/**/*.d.ts", "3: src/legacy{,/**}"]
        );
    }
}
