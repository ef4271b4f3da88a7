//! What a Python file is for, by its path: the service itself, or what stands around it.

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Code that may run in production.
    Code,
    /// Tests, their fixtures, load tests and benchmarks.
    Test,
    /// Database migrations.
    Migration,
    /// Scripts, tools, set-up: run by hand or by a pipeline.
    Script,
    /// Documentation, examples, code of others.
    Example,
}

impl Role {
    /// Its name in views.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Test => "test",
            Self::Migration => "migration",
            Self::Script => "script",
            Self::Example => "example",
        }
    }
}

const TESTS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "unit_tests",
    "integration_tests",
    "e2e",
    "e2e_tests",
    "fixtures",
    "testdata",
    "mocks",
    "benchmark",
    "benchmarks",
    "bench",
    "load_tests",
    "load-tests",
    "loadtest",
    "locust",
    "perf",
    "evals",
];

const MIGRATIONS: &[&str] = &["migrations", "alembic", "alembic_tenants", "migration", "revisions"];

const SCRIPTS: &[&str] = &[
    "script",
    "scripts",
    "tools",
    "tooling",
    "tool_scripts",
    "bin",
    "dev",
    "devtools",
    "dev_tools",
    "dev-tools",
    "development",
    "ci",
    ".ci",
    ".github",
    ".circleci",
    "hack",
    "contrib",
    "utils_scripts",
    "management",
    "cli",
    "cli_v2",
    "commands",
    "seed",
    "seeds",
    "seeders",
    "infra",
    "deploy",
    "deployment",
    "terraform",
    "tasks_local",
    "debugging",
    "sandbox",
    "plugins_dev",
];

const EXAMPLES: &[&str] = &[
    "doc",
    "docs",
    "docs_src",
    "documentation",
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "tutorial",
    "tutorials",
    "playground",
    "notebooks",
    "cookbook",
    "cookbooks",
    "recipes",
    "quickstart",
    "templates",
    "node_modules",
    "site-packages",
    "vendor",
    "third_party",
    "thirdparty",
    ".venv",
    "venv",
];

const SCRIPT_NAMES: &[&str] = &[
    "noxfile.py",
    "tasks.py",
    "fabfile.py",
    "manage.py",
    "conf.py",
    "dodo.py",
    "build.py",
    "cli.py",
    "__main__.py",
];

/// Whether the file packages a project: deeper down, a `setup.py` is a module like any other.
pub fn is_setup(path: &str) -> bool {
    path.matches('/').count() <= 1 && path.rsplit('/').next() == Some("setup.py")
}

/// What the file at `path` is for.
pub fn role(path: &str) -> Role {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folder.to_ascii_lowercase();
    let in_any = |names: &[&str]| folder.split('/').any(|it| names.contains(&it));
    let is_test_name = name.starts_with("test_")
        || name.ends_with("_test.py")
        || name.ends_with("_tests.py")
        || matches!(name, "conftest.py" | "tests.py" | "locustfile.py" | "test.py");
    let is_debug_name = name.contains("debug");
    let is_test_folder =
        folder.split('/').any(|it| it.starts_with("test_") || it.ends_with("_tests"));
    if is_test_name || is_test_folder || in_any(TESTS) {
        Role::Test
    } else if in_any(EXAMPLES) {
        Role::Example
    } else if in_any(MIGRATIONS) {
        Role::Migration
    } else if in_any(SCRIPTS) || is_debug_name || is_setup(path) || SCRIPT_NAMES.contains(&name) {
        Role::Script
    } else {
        Role::Code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_files_are_for() {
        for (path, expected) in [
            ("app/main.py", Role::Code),
            ("backend/app/api/login.py", Role::Code),
            ("backend/app/tests/api/login.py", Role::Test),
            ("app/test_main.py", Role::Test),
            ("alembic/versions/1_a.py", Role::Migration),
            ("scripts/seed.py", Role::Script),
            ("docs/tests.py", Role::Test),
            ("docs/conf.py", Role::Example),
            ("contest/latest.py", Role::Code),
            ("setup.py", Role::Script),
            ("src/app/core/setup.py", Role::Code),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }
}
