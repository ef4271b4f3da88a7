//! Paths as the pull request has them: below the workspace, not below the folder that was judged.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::event::Environment;
use crate::{finding::Place, patch::Added, report::Report};

/// Larger files get no suggestions.
const LARGEST: u64 = 1 << 20;

/// The folder that holds the checkout.
fn workspace(environment: &Environment) -> PathBuf {
    environment.path("GITHUB_WORKSPACE").unwrap_or_else(|| PathBuf::from("."))
}

/// The folder that was judged, below the workspace and with a `/` at the end; nothing if that is
/// the workspace itself, or somewhere else.
pub fn prefix(root: &Path, environment: &Environment) -> Option<String> {
    let root = root.canonicalize().ok()?;
    let below = root.strip_prefix(workspace(environment).canonicalize().ok()?).ok()?;
    let below = below.to_string_lossy().replace('\\', "/");
    (!below.is_empty()).then(|| format!("{below}/"))
}

/// Puts `prefix` before each path.
pub fn below(prefix: &str, report: &mut Report, added: Option<&mut Added>) {
    let long = |path: &mut Arc<str>| *path = format!("{prefix}{path}").into();
    let place = |place: &mut Place| long(&mut place.path);
    for finding in &mut report.findings {
        place(&mut finding.place);
        finding.related.iter_mut().for_each(|it| place(&mut it.place));
        let edits = finding.fix.iter_mut().flat_map(|it| &mut it.edits);
        edits.for_each(|it| place(&mut it.place));
    }
    for problem in &mut report.problems {
        problem.path.insert_str(0, prefix);
    }
    for witness in report.checklist.iter_mut().flat_map(|it| &mut it.evidence) {
        if !witness.path.contains("://") {
            long(&mut witness.path);
        }
    }
    if let Some(added) = added {
        *added = std::mem::take(added)
            .into_iter()
            .map(|(path, lines)| (format!("{prefix}{path}"), lines))
            .collect();
    }
}

/// The texts of the files that the fixes of new findings change.
pub fn texts(report: &Report, environment: &Environment) -> BTreeMap<String, String> {
    let new = report.findings.iter().filter(|it| it.new && it.waived.is_none());
    let paths = new.filter_map(|it| Some(it.fix.as_ref()?.path().to_string()));
    let mut texts = BTreeMap::new();
    for path in paths {
        let place = workspace(environment).join(&path);
        let is_small =
            fs::symlink_metadata(&place).is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
        if is_small
            && !texts.contains_key(&path)
            && let Ok(text) = fs::read_to_string(&place)
        {
            texts.insert(path, text);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn paths_are_those_of_the_pull_request() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("services/api");
        fs::create_dir_all(&root).unwrap();
        let environment: Environment =
            [("GITHUB_WORKSPACE", folder.path().to_str().unwrap())].into_iter().collect();
        assert_eq!(prefix(folder.path(), &environment), None);
        let prefix = prefix(&root, &environment).unwrap();
        let mut report = sample::report();
        let mut added: Added = [("api/Dockerfile".to_owned(), vec![4])].into();
        below(&prefix, &mut report, Some(&mut added));
        assert_eq!(&*report.findings[0].place.path, "services/api/api/Dockerfile");
        assert_eq!(
            &**report.findings[0].fix.as_ref().unwrap().path(),
            "services/api/api/Dockerfile"
        );
        assert!(added.contains_key("services/api/api/Dockerfile"));
        assert_eq!(&*report.checklist[0].evidence[0].path, "services/api/api/Dockerfile");
    }
}
