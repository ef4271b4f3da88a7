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
        _ if name.starts_with("jest.config.") && !has("rootDir") => {
            script(source, "jest", "coveragePathIgnorePatterns", 0, &mut found);
            script(source, "jest", "collectCoverageFrom", 0, &mut found);
        }
        _ if name.starts_with("vitest.config.") || name.starts_with("vite.config.") => {
            if let Some(at) = source.text.find("coverage:") {
                script(source, "vitest", "exclude", at, &mut found);
            }
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
    tree.text(Key::Field("tool"), it.tool, it.span);
    tree.text(Key::Field("name"), it.name, it.span);
    tree.text(Key::Field("pattern"), &it.text, it.span);
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

/// The texts of a list in a configuration that is a program: those between the brackets behind a
/// key. What is computed is not seen.
fn script(
    source: &Source,
    tool: &'static str,
    key: &'static str,
    from: usize,
    found: &mut Vec<Omitted>,
) {
    let text = source.text.as_str();
    let Some(at) = text[from..].find(key).map(|it| from + it + key.len()) else { return };
    let Some(list) = text[at..].trim_start().strip_prefix(':').map(str::trim_start) else { return };
    if !list.starts_with('[') {
        return;
    }
    let mut at = text.len() - list.len() + 1;
    while let Some(found_at) = text[at..].find(['\'', '"', '`', ']', '/']) {
        let start = at + found_at;
        let rest = &text[start..];
        let Some(quote) = rest.chars().next().filter(|it| *it != ']') else { return };
        if quote == '/' {
            // A comment, or an expression that is not understood.
            let Some(end) = rest.find('\n').filter(|_| rest.starts_with("//")) else { return };
            at = start + end;
            continue;
        }
        let Some(length) = rest[1..].find(quote) else { return };
        let inside = &rest[1..=length];
        let span = Span::new(start + 1, start + 1 + length);
        listed(tool, key, source.folder(), inside, span, found);
        at = start + length + 2;
    }
}

/// One text of a list of jest or vitest.
fn listed(
    tool: &'static str,
    name: &'static str,
    folder: &str,
    text: &str,
    span: Span,
    found: &mut Vec<Omitted>,
) {
    let (mut glob, mut regex) = (None, None);
    if name == "coveragePathIgnorePatterns" {
        // `<rootDir>` is a place on the machine that runs the tests.
        let it = text.replace("\\\\", "\\").replace("<rootDir>", &format!("^/{folder}"));
        regex = Some(it.replace("^//", "^/"));
    } else {
        let left_out = match name {
            "collectCoverageFrom" => text.strip_prefix('!'),
            _ => Some(text).filter(|it| !it.starts_with('!') && !it.contains("${")),
        };
        glob = left_out.map(|it| {
            let it = it.trim_start_matches("<rootDir>/");
            let it = it.trim_start_matches("./").trim_end_matches('/');
            let below = if folder.is_empty() { it.to_owned() } else { format!("{folder}/{it}") };
            if below.contains('*') { below } else { format!("{below}{{,/**}}") }
        });
    }
    found.push(Omitted { tool, name, text: text.to_owned(), glob, regex, span });
}

/// The lists of jest, nyc and c8.
fn javascript(tree: &Tree, name: &str, found: &mut Vec<Omitted>) {
    let Some(root) = tree.documents().next() else { return };
    let is_package = name == "package.json";
    let folder = tree.source.folder();
    let texts = |node: Option<Node<'_>>, key: &str| -> Vec<(String, Span)> {
        let list = node.and_then(|it| it.get(key));
        let items = list.into_iter().flat_map(Node::children);
        items.filter_map(|it| Some((it.as_str()?.to_owned(), it.span()))).collect()
    };
    let jest = if is_package { root.get("jest") } else { Some(root) };
    let jest = jest.filter(|it| it.get("rootDir").is_none());
    for key in ["coveragePathIgnorePatterns", "collectCoverageFrom"] {
        for (text, span) in texts(jest, key) {
            listed("jest", key, folder, &text, span, found);
        }
    }
    for (tool, file) in [("nyc", ".nycrc"), ("c8", ".c8rc")] {
        let node = if is_package { root.get(tool) } else { name.starts_with(file).then_some(root) };
        for (text, span) in texts(node, "exclude") {
            listed(tool, "exclude", folder, &text, span, found);
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
        let text = "export default {\n  coveragePathIgnorePatterns: [\n    // not 'this'\n    'src/x/.*\\\\.js', \"/y/\",\n  ],\n}";
        assert_eq!(patterns("web/jest.config.ts", text), ["4: src/x/.*\\.js", "4: /y/"]);
        let text = "test: { exclude: ['e2e'], coverage: { exclude: ['src/a', ...rest] } }";
        assert_eq!(patterns("vitest.config.ts", text), ["1: src/a{,/**}"]);
        for text in
            ["coverage: exclude: ['", "coverage: exclude: [", "coverage: exclude", "coverage:é"]
        {
            assert!(patterns("vitest.config.ts", text).is_empty());
        }
    }
}
