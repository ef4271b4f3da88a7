//! Files that tests read: what lies below a `testdata` of a Go module, or below `fixtures` where
//! tests are.

use std::collections::BTreeSet;

/// The Go modules of a repository: in them `testdata` holds what tests read.
#[derive(Debug, Default)]
pub struct TestData {
    modules: BTreeSet<String>,
}

impl TestData {
    /// Those among these paths.
    pub fn new(paths: &[String]) -> Self {
        let modules = paths.iter().filter_map(|it| it.strip_suffix("go.mod"));
        let modules = modules.filter(|it| it.is_empty() || it.ends_with('/'));
        Self { modules: modules.map(str::to_owned).collect() }
    }

    /// Whether the file at a path is one of them: Go itself ignores `testdata`.
    pub fn holds(&self, path: &str) -> bool {
        let in_module = |it: &str| self.modules.iter().any(|module| it.starts_with(&**module));
        above(path, "testdata/").any(in_module)
            || above(path, "fixtures/").any(|it| in_module(it) || it.split('/').any(is_tests))
    }
}

/// Whether tests may be all that the file at a path is for. Such a file proves nothing of the
/// service, whatever else is known: a `go.mod` that is gone must not make evidence of test data.
pub fn is_doubtful(path: &str) -> bool {
    ["testdata/", "fixtures/"].iter().any(|it| above(path, it).next().is_some())
}

/// What stands before each folder of a name in a path.
fn above<'p>(path: &'p str, folder: &'p str) -> impl Iterator<Item = &'p str> {
    let before = path.match_indices(folder).map(|it| &path[..it.0]);
    before.filter(|it| it.is_empty() || it.ends_with('/'))
}

fn is_tests(folder: &str) -> bool {
    matches!(folder, "test" | "tests" | "__tests__" | "spec" | "e2e" | "integration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_data_is_told_by_its_folders() {
        let data = TestData::new(&["tool/go.mod", "api/cargo.mod"].map(str::to_owned));
        assert!(data.holds("tool/testdata/web.yaml"));
        assert!(data.holds("tool/a/testdata/chart/templates/web.yaml"));
        assert!(!data.holds("tool/a/mytestdata/web.yaml"));
        assert!(!data.holds("api/testdata/web.yaml"));
        assert!(data.holds("tool/pkg/fixtures/web.yaml"));
        assert!(data.holds("api/tests/fixtures/web.yaml"));
        assert!(!data.holds("api/fixtures/web.yaml") && !data.holds("api/tests/myfixtures/x.yaml"));
        assert!(TestData::new(&["go.mod".to_owned()]).holds("testdata/web.yaml"));
        assert!(is_doubtful("api/testdata/web.yaml") && is_doubtful("fixtures/a/web.yaml"));
        assert!(!is_doubtful("api/mytestdata/web.yaml") && !is_doubtful("fixtures.yaml"));
    }
}
