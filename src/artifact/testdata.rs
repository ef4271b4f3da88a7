//! Files that tests read: what lies below a `testdata` of a Go module, or below `fixtures` where
//! tests are; and manifests below `tests`, `e2e` and the like.

use std::collections::{BTreeMap, BTreeSet};

/// The Go modules of a repository, where `testdata` holds what tests read, and the folders beside
/// which a `test` is an environment.
#[derive(Debug, Default)]
pub struct TestData {
    modules: BTreeSet<String>,
    /// For each folder that holds a `test`, whether that is an environment among others.
    environments: BTreeMap<String, bool>,
    /// The folders in which Go keeps a `vendor`: the modules of others.
    vendors: BTreeSet<String>,
    /// Whether there is nothing but tests, or all is asked for: manifests of tests are meant.
    is_all: bool,
}

impl TestData {
    /// Those among these paths.
    pub fn new(paths: &[String]) -> Self {
        let modules = paths.iter().filter_map(|it| it.strip_suffix("go.mod"));
        let modules = modules.filter(|it| it.is_empty() || it.ends_with('/'));
        let mut environments: BTreeMap<_, _> = paths
            .iter()
            .flat_map(|it| above(it, "test/"))
            .map(|it| (it.to_owned(), false))
            .collect();
        for (folder, is_environment) in &mut environments {
            let from = paths.partition_point(|it| it.as_str() < folder.as_str());
            let inside = paths[from..].iter().map_while(|it| it.strip_prefix(folder.as_str()));
            let mut beside = inside.filter_map(|it| Some(it.split_once('/')?.0));
            *is_environment =
                folder.split('/').any(is_of_environments) || beside.any(is_environment_name);
        }
        let vendors: BTreeSet<&str> = paths.iter().filter_map(|it| vendor_above(it)).collect();
        let mut data = Self {
            modules: modules.map(str::to_owned).collect(),
            environments,
            vendors: vendors.into_iter().map(str::to_owned).collect(),
            is_all: false,
        };
        data.is_all = paths.iter().all(|it| data.holds_manifest(it));
        data
    }

    /// The same, but manifests that are made for tests are meant, too.
    pub fn with_manifests(self) -> Self {
        Self { is_all: true, ..self }
    }

    /// Whether the file at a path is one of them: Go itself ignores `testdata`.
    pub fn holds(&self, path: &str) -> bool {
        let in_module = |it: &str| self.modules.iter().any(|module| it.starts_with(&**module));
        above(path, "testdata/").any(in_module)
            || above(path, "fixtures/").any(|it| in_module(it) || it.split('/').any(is_tests))
    }

    /// Whether the manifest at a path is made for tests and deployed by nobody else. A `test` among
    /// `prod` and the like, or below `overlays`, is an environment; so is what a chart calls tests.
    pub fn holds_manifest(&self, path: &str) -> bool {
        if self.is_all {
            return false;
        }
        let is_own = |before: &&str| !before.split('/').any(|it| it == "templates");
        let below = |folder| above(path, folder).filter(is_own);
        let always = ["tests/", "e2e/", "conformance/"];
        always.iter().any(|it| below(it).next().is_some())
            || path.split('/').rev().skip(1).any(is_of_tests)
            || below("test/").any(|it| self.environments.get(it) == Some(&false))
    }

    /// Whether the file at a path belongs to a module of others that Go keeps here.
    pub fn is_vendored(&self, path: &str) -> bool {
        above(path, "vendor/").any(|it| self.vendors.contains(it))
    }
}

/// Whether the name of a folder says of itself that it is for tests.
fn is_of_tests(folder: &str) -> bool {
    let ends = ["-tests", "_tests", "integrationtest", "integration-test", "e2e-test"];
    folder.contains("testdata")
        || folder.starts_with("invalid")
        || ends.iter().any(|it| folder.ends_with(it))
}

/// Folders whose folders are environments, or parts of them.
fn is_of_environments(folder: &str) -> bool {
    let names = [
        "overlays",
        "overlay",
        "components",
        "environments",
        "environment",
        "envs",
        "env",
        "clusters",
        "stages",
    ];
    names.contains(&folder)
}

fn is_environment_name(folder: &str) -> bool {
    let names = [
        "dev",
        "develop",
        "development",
        "int",
        "live",
        "preprod",
        "prd",
        "prod",
        "production",
        "qa",
        "stage",
        "staging",
        "uat",
    ];
    names.contains(&folder)
}

/// Whether tests may be all that the file at a path is for. Such a file proves nothing of the
/// service, whatever else is known: a `go.mod` that is gone must not make evidence of test data.
pub fn is_doubtful(path: &str) -> bool {
    ["testdata/", "fixtures/"].iter().any(|it| above(path, it).next().is_some())
}

/// The folder in which Go keeps the module of others that the file belongs to.
fn vendor_above(path: &str) -> Option<&str> {
    let (folder, below) = path.split_once("vendor/")?;
    let is_go = ["modules.txt", "github.com/", "golang.org/", "k8s.io/"];
    let is_folder = folder.is_empty() || folder.ends_with('/');
    (is_folder && is_go.iter().any(|it| below.starts_with(it))).then_some(folder)
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
    fn manifests_of_tests_are_none_of_an_environment() {
        let paths = [
            "a/test/x.yaml",
            "b/prod/x.yaml",
            "b/test/x.yaml",
            "overlays/test/x.yaml",
            "vendor/modules.txt",
        ];
        let data = TestData::new(&paths.map(str::to_owned));
        for yes in [
            "a/test/x.yaml",
            "tests/x.yaml",
            "a/e2e/b/x.yaml",
            "conformance/x.yaml",
            "a/_testdata/x.yaml",
            "integrationtest/x.yaml",
        ] {
            assert!(data.holds_manifest(yes), "{yes}");
        }
        assert!(data.is_vendored("vendor/a.io/x.yaml") && !data.is_vendored("a/vendor/x.yaml"));
        let chart = "chart/templates/tests/x.yaml";
        for no in ["b/test/x.yaml", "overlays/test/x.yaml", chart, "latest/x.yaml", "tests.yaml"] {
            assert!(!data.holds_manifest(no), "{no}");
        }
    }

    #[test]
    fn where_there_is_nothing_but_tests_they_are_meant() {
        let paths = ["tests/checks/a.yaml", "tests/checks/b.yaml"].map(str::to_owned);
        assert!(!TestData::new(&paths).holds_manifest("tests/checks/a.yaml"));
        let paths = ["a.yaml", "tests/checks/a.yaml"].map(str::to_owned);
        assert!(TestData::new(&paths).holds_manifest("tests/checks/a.yaml"));
        assert!(!TestData::new(&paths).with_manifests().holds_manifest("tests/checks/a.yaml"));
    }

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
