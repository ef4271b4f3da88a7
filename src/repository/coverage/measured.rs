//! What reports measure of the code that a threshold is for.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};

use super::{super::below, Placed, count, family, folder};
use crate::{
    artifact::coverage::{
        Count,
        merge::{self, Seen},
        paths::Meaning,
    },
    document::Node,
    value::Value,
};

/// The endings of files in the languages of a family of tools; none for all.
fn endings(family: &str) -> &'static [&'static str] {
    match family {
        "python" => &["py"],
        "javascript" => {
            &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte", "astro"]
        }
        "rust" => &["rs"],
        _ => &[],
    }
}

/// Whether a file is in the languages of a family of tools.
pub(super) fn speaks(family: &str, path: &str) -> bool {
    let endings = endings(family);
    endings.is_empty() || path.rsplit_once('.').is_some_and(|it| endings.contains(&it.1))
}

/// What reports say of the files of the repository.
pub(super) struct Measured<'a> {
    files: BTreeMap<&'a str, Seen>,
    reports: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Measured<'a> {
    /// What these reports say together.
    pub(super) fn new(placed: &[Placed<'a>]) -> Self {
        let mut reports: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let files = placed.iter().flat_map(|report| {
            let read = report.artifact.coverage.iter().flat_map(|it| &it.files);
            read.zip(&report.meanings).filter_map(|(file, meaning)| match meaning {
                Meaning::File(path) => Some((*path, file)),
                _ => None,
            })
        });
        for report in placed {
            for path in report.files() {
                reports.entry(path).or_default().push(&report.artifact.tree.source.path);
            }
        }
        Self { files: merge::by_file(files), reports }
    }

    /// What is measured of the share that a threshold asks for: the count, the one file that it is
    /// about where each has to reach it, and the reports that say so.
    pub(super) fn of(&self, threshold: Node<'a>) -> Value<'a> {
        let is = |key: &str| threshold.get(key).and_then(Node::as_bool) == Some(true);
        if is("open") || self.files.is_empty() {
            return Value::Null;
        }
        let tool = threshold.str("tool").unwrap_or_default();
        let patterns = |key: &str| Patterns::new(threshold.get(key), tool);
        let (paths, except) = (patterns("paths"), patterns("except"));
        let (folder, family) = (folder(threshold), family(tool));
        let metric = threshold.str("metric").unwrap_or_default();
        let chosen = self.files.iter().filter(|(path, _)| {
            below(path, folder)
                && speaks(family, path)
                && (paths.0.is_empty() || paths.fit(path))
                && !except.fit(path)
        });
        let counted = chosen.filter_map(|(path, seen)| Some((*path, share(metric, seen)?)));
        let counted: Vec<(&str, Count)> = counted.filter(|it| it.1.total > 0).collect();
        let worst = |it: &&(&str, Count)| it.1.covered * 1_000_000 / it.1.total;
        let (file, sum) = match is("each") {
            true => match counted.iter().min_by_key(worst) {
                Some((path, sum)) => (Some(*path), *sum),
                None => return Value::Null,
            },
            false => (None, counted.iter().fold(Count::default(), |sum, it| sum.plus(it.1))),
        };
        if sum.total == 0 {
            return Value::Null;
        }
        let asked = counted.iter().filter(|it| file.is_none_or(|file| file == it.0));
        let reports = asked.filter_map(|it| self.reports.get(it.0)).flatten().copied();
        let reports: std::collections::BTreeSet<&str> = reports.collect();
        super::record([
            ("count", count(sum)),
            ("file", file.map_or(Value::Null, Value::Str)),
            ("reports", Value::list(reports.into_iter().map(Value::Str))),
        ])
    }
}

/// What a metric counts in a file; nothing where no report looks at it.
fn share(metric: &str, seen: &Seen) -> Option<Count> {
    match metric {
        "lines" => Some(seen.lines),
        "branches" => seen.branches,
        "functions" => seen.functions,
        "statements" => seen.statements,
        // coverage.py adds lines and branches up.
        "total" => Some(seen.lines.plus(seen.branches.unwrap_or_default())),
        _ => None,
    }
}

/// Patterns of paths below the root.
struct Patterns(Vec<GlobMatcher>);

impl Patterns {
    fn new(list: Option<Node<'_>>, tool: &str) -> Self {
        let written = list.into_iter().flat_map(Node::children).filter_map(Node::as_str);
        let mut patterns = Vec::new();
        for text in written {
            let text = text.trim_end_matches('/');
            let is_plain = !text.contains(['*', '?', '[', '{']);
            // Codecov's star reaches into folders, the others' do not.
            let glob = |text: &str| {
                let glob = GlobBuilder::new(text).literal_separator(tool != "codecov").build();
                glob.ok().map(|it| it.compile_matcher())
            };
            patterns.extend(glob(text));
            if is_plain {
                patterns.extend(glob(&format!("{text}/**")));
            }
        }
        Self(patterns)
    }

    fn fit(&self, path: &str) -> bool {
        self.0.iter().any(|it| it.is_match(path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{super::tests::look, THRESHOLD_VIEW};

    const REPORT: &str =
        "SF:api/a.py\nDA:1,1\nDA:2,0\nend_of_record\nSF:web/b.ts\nDA:1,1\nDA:2,1\nend_of_record\n";

    fn measured(path: &str, text: &str) -> Vec<String> {
        let files = [("api/a.py", ""), ("web/b.ts", ""), ("cov.info", REPORT), (path, text)];
        look(&THRESHOLD_VIEW, &files, &["name", "measured"])
    }

    #[test]
    fn each_threshold_is_measured_by_its_own_files() {
        let text = "coverage: {status: {project: {api: {target: 80, flags: [py]}, web: {target: 80, paths: [web/]}, no: {target: 1, flags: [go]}}}}\nflags: {py: {paths: [api/]}}\n";
        let found = measured("codecov.yml", text);
        assert_eq!(found.len(), 3);
        assert!(found[0].ends_with("3 keys") && found[1].ends_with("3 keys"), "{found:?}");
        assert!(!found[2].ends_with("3 keys"), "{found:?}");
    }
}
