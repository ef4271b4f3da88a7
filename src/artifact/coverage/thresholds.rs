//! The shares of coverage that a repository asks of itself, in the configuration of its tools.

use crate::{
    document::{Id, Key, Kind, Node, Tree},
    parse,
    source::{Source, Span},
};

/// A threshold, before it is a node.
struct Threshold {
    tool: &'static str,
    /// The key or flag that says it.
    name: String,
    metric: &'static str,
    /// Whether missing it fails anything.
    enforced: bool,
    value: f64,
    /// By how much it may be missed all the same.
    slack: f64,
    part: Part,
    span: Span,
}

impl Threshold {
    /// One for the whole project, which counts.
    fn new(tool: &'static str, name: String, metric: &'static str, value: f64, span: Span) -> Self {
        let part = Part::default();
        Self { tool, name, metric, enforced: true, value, slack: 0.0, part, span }
    }
}

/// The files that a threshold is for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    /// Patterns below the root; none for the whole project.
    paths: Vec<String>,
    /// Patterns of what is taken out again.
    except: Vec<String>,
    /// Whether every file alone has to reach it.
    each: bool,
    /// Whether files are chosen in a way that is not understood.
    open: bool,
}

impl Part {
    fn is_whole(&self) -> bool {
        self.paths.is_empty() && !self.open
    }
}

/// The thresholds that a file states: a tree whose root is a list of them; nothing if it states
/// none.
pub fn read(source: &Source) -> Option<Tree> {
    let copy = Source::new(source.path.as_str(), source.text.as_str());
    let name = source.name().to_ascii_lowercase();
    let mut found = Vec::new();
    let mut tree = match name.as_str() {
        "codecov.yml" | ".codecov.yml" | "codecov.yaml" | ".codecov.yaml" => {
            let tree = parse::yaml::parse(copy).0;
            codecov(&tree, &mut found);
            tree
        }
        "package.json" | ".nycrc" | ".nycrc.json" | ".c8rc.json" | "jest.config.json" => {
            let tree = parse::json::parse(copy).0;
            javascript(&tree, &name, &mut found);
            tree
        }
        _ => Tree::new(copy),
    };
    match name.as_str() {
        ".coveragerc" | "setup.cfg" | "tox.ini" | "pyproject.toml" => sections(source, &mut found),
        _ if name.starts_with("jest.config.") && !name.ends_with(".json") => {
            script(source, "jest", "coverageThreshold", &mut found);
        }
        _ if name.starts_with("vitest.config.") || name.starts_with("vite.config.") => {
            script(source, "vitest", "thresholds", &mut found);
        }
        _ => {}
    }
    flags(source, &mut found);
    found.retain(|it| it.value.is_finite() && (0.0..=100.0).contains(&it.value));
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|it| it.span.start);
    let list = write(&mut tree, &found);
    tree.roots = vec![list];
    Some(tree)
}

fn write(tree: &mut Tree, found: &[Threshold]) -> Id {
    let list = tree.open_seq(Key::None, Span::new(0, 0));
    for it in found {
        let map = tree.open_map(Key::None, it.span);
        tree.text(Key::Field("tool"), it.tool, it.span);
        tree.text(Key::Field("name"), &it.name, it.span);
        tree.text(Key::Field("metric"), it.metric, it.span);
        let scope = if it.part.is_whole() { "project" } else { "part" };
        tree.text(Key::Field("scope"), scope, it.span);
        tree.bool(Key::Field("enforced"), it.enforced, it.span);
        for (key, patterns) in [("paths", &it.part.paths), ("except", &it.part.except)] {
            let list = tree.open_seq(Key::Text(key), it.span);
            for pattern in patterns {
                tree.text(Key::None, pattern, it.span);
            }
            tree.close(list);
        }
        tree.bool(Key::Field("each"), it.part.each, it.span);
        tree.bool(Key::Field("open"), it.part.open, it.span);
        tree.float(Key::Field("least"), it.value - it.slack, it.span);
        if it.value.fract() == 0.0 {
            tree.int(Key::Field("value"), it.value as i64, it.span);
        } else {
            tree.float(Key::Field("value"), it.value, it.span);
        }
        tree.close(map);
    }
    tree.close(list);
    list
}

/// `coverage.status.project` and the parts below it, and the statuses of flags and components;
/// `auto` compares with the base and states no share.
fn codecov(tree: &Tree, found: &mut Vec<Threshold>) {
    let Some(root) = tree.documents().next() else { return };
    let mut add = |name: String, status: Node<'_>, of: Option<Node<'_>>| {
        let Some(target) = status.get("target") else { return };
        let Some(value) = percent(target) else { return };
        let informs = status.get("informational").and_then(Node::as_bool) == Some(true);
        found.push(Threshold {
            enforced: !informs,
            slack: status.get("threshold").and_then(percent).unwrap_or_default(),
            part: codecov_part(root, status, of),
            ..Threshold::new("codecov", name, "lines", value, target.span())
        });
    };
    if let Some(project) = root.at(&["coverage", "status", "project"]) {
        add("coverage.status.project.target".to_owned(), project, None);
        for (name, status) in project.entries().filter(|it| it.1.is_map()) {
            add(format!("coverage.status.project.{name}.target"), status, None);
        }
    }
    for (section, list, key) in MANAGED {
        for item in root.at(&[section, list]).into_iter().flat_map(Node::children) {
            let name = item.str(key).unwrap_or_default();
            let statuses = item.get("statuses").into_iter().flat_map(Node::children);
            for status in statuses.filter(|it| it.str("type") == Some("project")) {
                add(format!("{section}.{name}.target"), status, Some(item));
            }
        }
    }
}

/// Where Codecov keeps flags and components: the section, its list, and the key of the name.
const MANAGED: [(&str, &str, &str); 2] = [
    ("flag_management", "individual_flags", "name"),
    ("component_management", "individual_components", "component_id"),
];

/// The files of a status: those of its paths, of its flags, or of the flag or component `of` that
/// it stands in.
fn codecov_part(root: Node<'_>, status: Node<'_>, of: Option<Node<'_>>) -> Part {
    let mut part = Part::default();
    let flags = status.get("flags").map(|it| it.children().filter_map(Node::as_str).collect());
    let flags: Vec<&str> = flags.unwrap_or_default();
    let paths = |flag: &str| {
        let managed = root.at(&["flag_management", "individual_flags"]);
        let mut managed = managed.into_iter().flat_map(Node::children);
        let plain = root.at(&["flags", flag, "paths"]);
        plain.or_else(|| managed.find(|it| it.str("name") == Some(flag))?.get("paths"))
    };
    let mut lists: Vec<Option<Node<'_>>> = flags.into_iter().map(paths).collect();
    lists.extend(status.get("paths").map(Some));
    lists.extend(of.map(|it| it.get("paths")));
    // Two choices at once: which files are in both is not worth a guess.
    part.open = status.get("flags").is_some() && status.get("paths").is_some();
    for list in lists {
        match list {
            Some(list) => codecov_paths(list, &mut part),
            None => part.open = true,
        }
    }
    if let Some(ignored) = root.get("ignore") {
        let mut ignores = Part::default();
        codecov_paths(ignored, &mut ignores);
        part.except.extend(ignores.paths);
        part.open |= ignores.open && !part.is_whole();
    }
    part
}

fn codecov_paths(list: Node<'_>, part: &mut Part) {
    for text in list.children().filter_map(Node::as_str) {
        let (text, to) = match text.strip_prefix('!') {
            Some(rest) => (rest, &mut part.except),
            None => (text, &mut part.paths),
        };
        match codecov_pattern(text) {
            Some(pattern) => to.push(pattern),
            None => part.open = true,
        }
    }
}

/// A folder, a file or a glob as a pattern below the root; nothing for a regular expression.
pub(super) fn codecov_pattern(text: &str) -> Option<String> {
    let text = text.trim_start_matches("./").trim_start_matches('/');
    if text.is_empty() || text.contains(".*") || text.contains(['^', '$', '(', '|', '+', '\\', '['])
    {
        return None;
    }
    Some(text.to_owned())
}

/// A number, or text such as `80%`.
fn percent(node: Node<'_>) -> Option<f64> {
    node.as_float().or_else(|| node.as_str()?.trim().trim_end_matches('%').trim().parse().ok())
}

const METRICS: [&str; 4] = ["lines", "branches", "functions", "statements"];

/// jest's `coverageThreshold`, and the settings of nyc and c8, which count only with
/// `check-coverage`.
fn javascript(tree: &Tree, name: &str, found: &mut Vec<Threshold>) {
    let Some(root) = tree.documents().next() else { return };
    let is_package = name == "package.json";
    let folder = tree.source.folder();
    let jest = if is_package { root.get("jest") } else { Some(root) };
    if let Some(asked) = jest.and_then(|it| it.get("coverageThreshold")) {
        let moved = jest.is_some_and(|it| it.get("rootDir").is_some());
        let parts = asked.entries().map(|it| it.0).filter(|it| *it != "global");
        let parts: Vec<String> = parts.map(|it| jest_part(folder, it).0).collect();
        for (scope, node) in asked.entries() {
            // What a part asks for is asked of these files alone.
            let part = match scope {
                "global" => Part { except: parts.clone(), open: moved, ..Part::default() },
                _ => {
                    let (path, each) = jest_part(folder, scope);
                    Part { paths: vec![path], each, open: moved, ..Part::default() }
                }
            };
            metrics(node, "jest", &format!("coverageThreshold.{scope}"), &part, true, found);
        }
    }
    for (tool, file) in [("nyc", ".nycrc"), ("c8", ".c8rc")] {
        let node = if is_package { root.get(tool) } else { name.starts_with(file).then_some(root) };
        let Some(node) = node else { continue };
        let is_on = |keys: [&str; 2]| {
            let value = keys.iter().find_map(|it| node.get(it));
            value.and_then(Node::as_bool) == Some(true)
        };
        let each = is_on(["per-file", "perFile"]);
        let checks = is_on(["check-coverage", "checkCoverage"]);
        metrics(node, tool, "", &Part { each, ..Part::default() }, checks, found);
    }
}

/// A key of jest's thresholds as a pattern below the root, and whether it is for each file alone:
/// what a path holds is counted together, what a glob finds is not.
fn jest_part(folder: &str, key: &str) -> (String, bool) {
    let key = key.trim_start_matches("./");
    let path = if folder.is_empty() { key.to_owned() } else { format!("{folder}/{key}") };
    (path, key.contains(['*', '?', '[', '{', '(', '!']))
}

fn metrics(
    node: Node<'_>,
    tool: &'static str,
    name: &str,
    part: &Part,
    enforced: bool,
    found: &mut Vec<Threshold>,
) {
    for metric in METRICS {
        let Some(value) = node.get(metric) else { continue };
        // jest reads a negative number as how many may be left uncovered.
        if let Some(share) = value.as_float() {
            let name = if name.is_empty() { metric.to_owned() } else { format!("{name}.{metric}") };
            found.push(Threshold {
                enforced,
                part: part.clone(),
                ..Threshold::new(tool, name, metric, share, value.span())
            });
        }
    }
}

/// `fail_under` in the section of coverage.py, in INI files and in `pyproject.toml`.
fn sections(source: &Source, found: &mut Vec<Threshold>) {
    let (mut at, mut inside) = (0, false);
    let own = source.name() == ".coveragerc";
    for line in source.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let written = line.trim();
        if let Some(section) = written.strip_prefix('[') {
            let section = section.split(']').next().unwrap_or_default().trim();
            inside = match section {
                "report" => own,
                "coverage:report" | "tool.coverage.report" => true,
                _ => false,
            };
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "fail_under"
        {
            let number = value.split(['#', ';']).next().unwrap_or_default().trim();
            let offset = start + key.len() + 1 + value.find(number).unwrap_or(0);
            let span = Span::new(offset, offset + number.len());
            let asked = |value| {
                let name = "fail_under".to_owned();
                // It rounds before it compares.
                Threshold {
                    slack: 0.5,
                    ..Threshold::new("coverage.py", name, "total", value, span)
                }
            };
            found.extend(number.parse().ok().map(asked));
        }
    }
}

/// The numbers of a configuration that is a program: those behind `lines:` and the like, after the
/// word that opens them. Values that are computed are not seen.
fn script(source: &Source, tool: &'static str, opens: &str, found: &mut Vec<Threshold>) {
    let text = source.text.as_str();
    let Some(start) = text.find(opens) else { return };
    let Some(open_at) = text[start..].find('{').map(|it| start + it) else { return };
    // Where files are chosen or judged in another way, what is asked is known and of what is not.
    let open = text.contains("perFile") || text.contains("rootDir");
    let first = found.len();
    let mut depth = 0_usize;
    let mut scopes: Vec<String> = Vec::new();
    let mut at = open_at;
    let mut word = String::new();
    let mut chars = text[open_at..].char_indices().peekable();
    while let Some((offset, character)) = chars.next() {
        at = open_at + offset;
        match character {
            '{' => {
                depth += 1;
                scopes.push(std::mem::take(&mut word));
            }
            '}' => {
                depth = depth.saturating_sub(1);
                scopes.pop();
                if depth == 0 {
                    break;
                }
            }
            '/' if text[at..].starts_with("//") => {
                while chars.next_if(|it| it.1 != '\n').is_some() {}
            }
            ':' => {
                let rest = &text[at + 1..];
                let value = rest.trim_start();
                let length =
                    value.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.').count();
                let metric = METRICS.into_iter().find(|it| *it == word);
                if let (Some(metric), Ok(value)) = (metric, value[..length].parse()) {
                    let start = at + 1 + (rest.len() - rest.trim_start().len());
                    let scope = scopes.last().map_or("", String::as_str);
                    let span = Span::new(start, start + length);
                    let name = match scope {
                        "" | "global" => format!("{opens}.{metric}"),
                        _ => format!("{opens}.{scope}.{metric}"),
                    };
                    let mut part = Part { open, ..Part::default() };
                    if !matches!(scope, "" | "global") {
                        let (path, each) = jest_part(source.folder(), scope);
                        part.paths.push(path);
                        part.each = each && tool == "jest";
                    }
                    found.push(Threshold {
                        part,
                        ..Threshold::new(tool, name, metric, value, span)
                    });
                }
            }
            '\'' | '"' | '`' => {
                let inside = &text[at + 1..];
                let Some(length) = inside.find(character) else { break };
                word = inside[..length].chars().take(200).collect();
                while chars.next_if(|it| open_at + it.0 <= at + 1 + length).is_some() {}
            }
            ',' => word.clear(),
            it if it.is_alphanumeric() || it == '_' => {
                if chars.peek().is_none() || word.len() > 40 {
                    word.clear();
                }
                // A new word starts after anything else.
                let before = text[..at].chars().next_back().unwrap_or(' ');
                if !(before.is_alphanumeric() || before == '_') {
                    word.clear();
                }
                word.push(it);
            }
            _ => {}
        }
    }
    debug_assert!(at <= text.len());
    if tool == "jest" {
        let parts: Vec<String> =
            found[first..].iter().flat_map(|it| it.part.paths.clone()).collect();
        let whole = found[first..].iter_mut().filter(|it| it.part.paths.is_empty());
        whole.for_each(|it| it.part.except = parts.clone());
    }
}

/// Flags of command lines that ask for a share, with their tool and metric.
const FLAGS: [(&str, &str, &str); 4] = [
    ("--cov-fail-under", "pytest-cov", "total"),
    ("--fail-under-lines", "cargo-llvm-cov", "lines"),
    ("--coverage.thresholds.lines", "vitest", "lines"),
    ("--coverage.thresholds.branches", "vitest", "branches"),
];

/// Flags in commands, wherever they are written: configuration, scripts, workflows, Makefiles.
fn flags(source: &Source, found: &mut Vec<Threshold>) {
    let text = source.text.as_str();
    for (flag, tool, metric) in FLAGS {
        for at in memchr::memmem::find_iter(text.as_bytes(), flag.as_bytes()) {
            let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
            if text[start..at].trim_start().starts_with(['#', ';']) {
                continue;
            }
            let rest = &text[at + flag.len()..];
            let value = rest.trim_start_matches(['=', ' ', '"', '\'', ',']);
            let offset = at + flag.len() + (rest.len() - value.len());
            let length = value.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.').count();
            let number = value[..length].trim_end_matches('.');
            if offset == at + flag.len() {
                continue;
            }
            let span = Span::new(offset, offset + number.len());
            let slack = if metric == "total" { 0.5 } else { 0.0 };
            let asked = |value| {
                let name = flag.to_owned();
                Threshold { slack, ..Threshold::new(tool, name, metric, value, span) }
            };
            found.extend(number.parse().ok().map(asked));
        }
    }
}

/// The thresholds of a tree that [`read`] made.
pub fn each(tree: &Tree) -> impl Iterator<Item = Node<'_>> {
    tree.documents().filter(|it| it.kind() == Kind::Seq).flat_map(Node::children)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let Some(tree) = read(&Source::new(path, text)) else { return Vec::new() };
        let field = |it: Node<'_>, key| it.get(key).map(Node::display).unwrap_or_default();
        each(&tree)
            .map(|it| {
                let keys = ["tool", "metric", "scope", "enforced", "value"];
                let fields: Vec<_> = keys.iter().map(|key| field(it, key)).collect();
                format!("{}: {}", it.start().line, fields.join(" "))
            })
            .collect()
    }

    #[test]
    fn python_says_it_in_sections_and_flags() {
        let text = "[tool.pytest.ini_options]\naddopts = \"--cov=app --cov-fail-under=80\"\n[tool.coverage.report]\nfail_under = 70 # low\n[tool.other]\nfail_under = 3\n";
        assert_eq!(
            found("pyproject.toml", text),
            ["2: pytest-cov total project true 80", "4: coverage.py total project true 70"]
        );
        assert_eq!(
            found(".coveragerc", "[run]\nfail_under=1\n[report]\nfail_under=82.5\n"),
            ["4: coverage.py total project true 82.5"]
        );
        assert_eq!(found("tox.ini", "[report]\nfail_under=1\n# --cov-fail-under=3\n"), [""; 0]);
        assert_eq!(
            found("ci.yml", "run: pytest --cov-fail-under 55\n"),
            ["1: pytest-cov total project true 55"]
        );
    }

    #[test]
    fn codecov_says_it_by_status() {
        let text = "coverage:\n  status:\n    project:\n      default:\n        target: 75%\n        informational: true\n      api: {target: 90, paths: [api/]}\n      auto: {target: auto}\n    patch: {default: {target: 60}}\n";
        assert_eq!(
            found("codecov.yml", text),
            ["5: codecov lines project false 75", "7: codecov lines part true 90"]
        );
        assert_eq!(found("codecov.yml", "coverage: {status: {project: off}}"), [""; 0]);
    }

    #[test]
    fn javascript_says_it_in_packages_and_programs() {
        let text = "{\"jest\": {\"coverageThreshold\": {\"global\": {\"lines\": 80, \"branches\": -10}, \"./src/\": {\"lines\": 90}}},\n\"nyc\": {\"lines\": 60}}";
        assert_eq!(
            found("package.json", text),
            [
                "1: jest lines project true 80",
                "1: jest lines part true 90",
                "2: nyc lines project false 60"
            ]
        );
        assert_eq!(
            found(".nycrc", "{\"check-coverage\": true, \"branches\": 50}"),
            ["1: nyc branches project true 50"]
        );
        let text = "export default {\n  coverageThreshold: {\n    // lines: 1,\n    global: { lines: 70, 'functions': limit },\n    './src': { lines: 95.5 },\n  },\n  other: { lines: 3 },\n};";
        assert_eq!(
            found("jest.config.ts", text),
            ["4: jest lines project true 70", "5: jest lines part true 95.5"]
        );
        assert_eq!(
            found("vitest.config.ts", "test: { coverage: { thresholds: { lines: 66 } } }"),
            ["1: vitest lines project true 66"]
        );
    }

    #[test]
    fn nothing_does_harm() {
        for text in [
            "",
            "coverageThreshold",
            "coverageThreshold: {",
            "coverageThreshold: { lines:",
            "thresholds: {}}}}",
            "--cov-fail-under",
            "--cov-fail-under=é",
            "[report\nfail_under",
            "{",
            "lines: ü {",
        ] {
            for name in [
                "codecov.yml",
                "package.json",
                ".coveragerc",
                "jest.config.js",
                "vitest.config.ts",
                "x",
            ] {
                read(&Source::new(name, text));
            }
        }
    }
}
