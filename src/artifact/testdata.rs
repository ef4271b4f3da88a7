//! Files that the tests of Go modules read: what lies below a `testdata`.

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

    /// Whether the file at a path is one of them: Go itself ignores the folder.
    pub fn holds(&self, path: &str) -> bool {
        let mut at = path.match_indices("testdata/").map(|it| &path[..it.0]);
        at.any(|before| {
            let is_folder = before.is_empty() || before.ends_with('/');
            is_folder && self.modules.iter().any(|it| before.starts_with(it.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_go_modules_have_test_data() {
        let data = TestData::new(&["tool/go.mod", "api/cargo.mod"].map(str::to_owned));
        assert!(data.holds("tool/testdata/web.yaml"));
        assert!(data.holds("tool/a/testdata/chart/templates/web.yaml"));
        assert!(!data.holds("tool/a/mytestdata/web.yaml"));
        assert!(!data.holds("api/testdata/web.yaml"));
        assert!(TestData::new(&["go.mod".to_owned()]).holds("testdata/web.yaml"));
    }
}
