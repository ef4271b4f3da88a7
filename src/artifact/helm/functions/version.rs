//! Semantic versions and what is asked of them.

use super::{Entry, Failure, Heap, Map, Outcome, Value, as_text};
use crate::artifact::helm::semver::{self, Version};

pub(super) const TABLE: &[Entry] = &[
    ("semver", 1, 1, parts),
    ("semverCompare", 2, 2, |_, it| {
        let (constraint, version) = (as_text(&it[0])?, as_text(&it[1])?);
        let answer = semver::satisfies(&constraint, &version);
        Ok(Value::Bool(answer.ok_or_else(|| not_a_version(&constraint, &version))?))
    }),
];

fn not_a_version(constraint: &str, version: &str) -> Failure {
    Failure::template(format!("`{constraint}` cannot be asked of `{version}`"))
}

fn parts(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let text = as_text(&it[0])?;
    let version = Version::parse(&text).ok_or_else(|| not_a_version("semver", &text))?;
    let [major, minor, patch] = version.numbers.map(|it| Value::Int(it as i64));
    let metadata = text.split_once('+').map_or("", |(_, it)| it);
    let map = Map::from([
        ("Major".into(), major),
        ("Minor".into(), minor),
        ("Patch".into(), patch),
        ("Prerelease".into(), Value::text(version.pre.join("."))),
        ("Metadata".into(), Value::text(metadata)),
        ("Original".into(), Value::text(&*text)),
    ]);
    heap.new_map(map)
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::{all_print, evaluate};

    #[test]
    fn versions_are_compared_and_taken_apart() {
        all_print(&[
            ("semverCompare \">=1.19-0\" \"v1.32.0\"", "true"),
            ("semverCompare \"<1.14\" \"v1.32.0\"", "false"),
            ("(semver \"1.2.3-rc.1+5\").Minor", "2"),
            ("(semver \"1.2.3-rc.1+5\").Prerelease", "rc.1"),
        ]);
        assert!(evaluate("semverCompare \">=1\" \"latest\"").is_err());
    }
}
