//! Where the policy of a run comes from: the disk, or a commit that the change under review cannot
//! touch.
//!
//! Policy is the configuration, also that of peers, the repository's own rules, `readiness.toml` and
//! the baseline. A change that may edit them could loosen the gate that it walks through.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

use crate::{
    config,
    discover::{Content, Found},
    git, readiness,
};

/// Below the root of a repository: its own rules.
pub const RULES: &str = ".seaworthy/rules";

/// The configurations of peers that say what counts.
const PEERS: [&str; 10] = [
    ".hadolint.yaml",
    ".hadolint.yml",
    ".kube-linter.yaml",
    ".kube-linter.yml",
    "polaris.yaml",
    "polaris.yml",
    ".polaris.yaml",
    "polaris-config.yaml",
    "zizmor.yml",
    "zizmor.yaml",
];

/// Names of the rulesets of Spectral, which are read where they are wanted.
const RULESETS: [&str; 3] = ["*spectral*.yaml", "*spectral*.yml", "*spectral*.json"];

/// Where policy is read.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The folder that is judged.
    pub root: PathBuf,
    commit: Option<Commit>,
}

#[derive(Clone, Debug)]
struct Commit {
    id: String,
    /// The folder that holds the repository, as git sees it.
    top: PathBuf,
}

/// A file of the policy that a change adds, changes or removes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The file, below the top of the repository.
    pub path: String,
    /// `added`, `changed` or `removed`.
    pub what: &'static str,
}

impl Policy {
    /// The policy that lies on disk.
    pub fn on_disk(root: &Path) -> Self {
        Self { root: root.to_path_buf(), commit: None }
    }

    /// The policy as it is in a commit.
    ///
    /// # Errors
    /// When there is no such commit, or no repository.
    pub fn at(root: &Path, name: &str) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let commit = Commit { id: git::commit(&root, name)?, top: git::top(&root)? };
        Ok(Self { root, commit: Some(commit) })
    }

    /// Whether it lies on disk, where links may lead anywhere.
    pub fn is_on_disk(&self) -> bool {
        self.commit.is_none()
    }

    /// The text of a file that the user named, or that has a fixed place below the root; nothing
    /// where it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn text(&self, path: &Path) -> io::Result<Option<String>> {
        let bytes = match self.inside(path)? {
            Some((commit, below)) => {
                let found = git::files(&commit.top, &commit.id, &below, |it| it == below)?;
                let file = found.into_iter().find(|it| it.path == below);
                file.and_then(|it| in_memory(it.content))
            }
            None => match std::fs::read(path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            },
        };
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8"))
    }

    /// The rule files below a folder, by their paths below it, with their texts; nothing if the
    /// folder is to be read from disk.
    ///
    /// # Errors
    /// When git cannot give them.
    pub fn rules(&self, folder: &Path) -> io::Result<Option<Vec<(String, String)>>> {
        let Some((commit, below)) = self.inside(folder)? else { return Ok(None) };
        let prefix = format!("{below}/");
        let wanted = |it: &str| it.starts_with(&prefix) && it.ends_with(".toml");
        let mut rules = Vec::new();
        for file in git::files(&commit.top, &commit.id, &below, wanted)? {
            let Some(name) = file.path.strip_prefix(&prefix).filter(|_| wanted(&file.path)) else {
                continue;
            };
            let bytes = in_memory(file.content).unwrap_or_default();
            rules.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
        Ok(Some(rules))
    }

    /// The files to judge, with the peers' configurations as this policy has them.
    ///
    /// # Errors
    /// When git cannot give them.
    pub fn with_peers(&self, mut files: Vec<Found>) -> io::Result<Vec<Found>> {
        let Some(commit) = &self.commit else { return Ok(files) };
        let is_peer = |path: &str| PEERS.contains(&path.rsplit('/').next().unwrap_or(path));
        files.retain(|it| !is_peer(&it.path));
        let known = git::files(&self.root, &commit.id, "", is_peer)?;
        files.extend(known.into_iter().filter(|it| is_peer(&it.path)));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// What the files on disk change about the policy of this commit, also in `named`: files and
    /// folders of it that the user named.
    ///
    /// # Errors
    /// When git cannot tell.
    pub fn changes(&self, named: &[PathBuf]) -> io::Result<Vec<Change>> {
        let fixed = readiness::PATHS.into_iter().chain([config::PATH, RULES]);
        let fixed = fixed.map(|it| self.root.join(it));
        let peers = PEERS.into_iter().chain(RULESETS);
        let mut paths: Vec<_> = peers.map(|it| format!(":(top,glob)**/{it}")).collect();
        for path in fixed.chain(named.iter().cloned()) {
            let below = self.inside(&path)?.map(|(_, below)| below);
            paths.extend(below.map(|it| format!(":(top,literal){it}")));
        }
        let Some(commit) = &self.commit else { return Ok(Vec::new()) };
        let found = git::changed_paths(&commit.top, &commit.id, &paths)?;
        Ok(found.into_iter().map(|(letter, path)| Change { path, what: what(letter) }).collect())
    }

    /// The commit that holds `path`, and where; nothing where it is to be read from disk. Links of
    /// the change under review are not looked at: only names count.
    fn inside(&self, path: &Path) -> io::Result<Option<(&Commit, String)>> {
        let Some(commit) = &self.commit else { return Ok(None) };
        let path = match path.strip_prefix(&self.root) {
            Ok(below) => self.root.join(below),
            Err(_) => Path::new(".").canonicalize()?.join(path),
        };
        let below = plain(&path);
        let below = below.strip_prefix(&commit.top).ok().filter(|it| *it != Path::new(""));
        Ok(below.map(|it| (commit, it.to_string_lossy().replace('\\', "/"))))
    }
}

fn in_memory(content: Content) -> Option<Vec<u8>> {
    match content {
        Content::Memory(bytes) => Some(bytes),
        Content::Disk(_) | Content::Link => None,
    }
}

fn what(letter: char) -> &'static str {
    match letter {
        'A' => "added",
        'D' => "removed",
        _ => "changed",
    }
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::sample;

    #[test]
    fn a_commit_holds_the_policy_that_the_disk_no_longer_does() {
        let folder = sample::repository(&[
            (".seaworthy/config.toml", "profile = \"all\"\n"),
            (".seaworthy/rules/own/a.toml", "one"),
            ("service/Dockerfile", "FROM a\n"),
        ]);
        let root = folder.path();
        fs::write(root.join(".seaworthy/config.toml"), "profile = \"strict\"\n").unwrap();
        fs::remove_file(root.join(".seaworthy/rules/own/a.toml")).unwrap();
        let policy = Policy::at(root, "HEAD").unwrap();
        let text = |path: &str| policy.text(&policy.root.join(path)).unwrap();
        assert_eq!(text(".seaworthy/config.toml").as_deref(), Some("profile = \"all\"\n"));
        assert_eq!(text("readiness.toml"), None);
        let rules = policy.rules(&policy.root.join(RULES)).unwrap();
        assert_eq!(rules, Some(vec![("own/a.toml".to_owned(), "one".to_owned())]));
        let changes = policy.changes(&[]).unwrap();
        let said: Vec<_> = changes.iter().map(|it| format!("{} {}", it.what, it.path)).collect();
        assert_eq!(said, ["changed .seaworthy/config.toml", "removed .seaworthy/rules/own/a.toml"]);
    }

    #[test]
    fn a_file_of_the_repository_outside_the_judged_folder_is_policy_too() {
        let folder = sample::repository(&[("ci/sw.toml", "a"), ("service/Dockerfile", "FROM a\n")]);
        let policy = Policy::at(&folder.path().join("service"), "HEAD").unwrap();
        let path = policy.root.join("../ci/sw.toml");
        fs::write(folder.path().join("ci/sw.toml"), "b").unwrap();
        assert_eq!(policy.text(&path).unwrap().as_deref(), Some("a"));
        assert_eq!(policy.changes(&[path]).unwrap().len(), 1);
    }

    #[test]
    fn the_configurations_of_peers_are_policy() {
        let folder = sample::repository(&[("api/.hadolint.yaml", "a"), ("x/.hadolint.yml", "b")]);
        let root = folder.path();
        fs::write(root.join("api/.hadolint.yaml"), "loose").unwrap();
        fs::remove_file(root.join("x/.hadolint.yml")).unwrap();
        let policy = Policy::at(root, "HEAD").unwrap();
        let file = |path: &str, text: &str| Found {
            path: path.into(),
            content: Content::Memory(text.into()),
        };
        let files = vec![file("Dockerfile", "x"), file("api/.hadolint.yaml", "loose")];
        let expected = [
            file("Dockerfile", "x"),
            file("api/.hadolint.yaml", "a"),
            file("x/.hadolint.yml", "b"),
        ];
        assert_eq!(policy.with_peers(files).unwrap(), expected);
        assert_eq!(policy.changes(&[]).unwrap().len(), 2);
    }

    #[test]
    fn what_lies_outside_the_repository_is_read_from_disk() {
        let (folder, other) = (sample::repository(&[("a", "b")]), tempfile::tempdir().unwrap());
        fs::write(other.path().join("sw.toml"), "x").unwrap();
        let policy = Policy::at(folder.path(), "HEAD").unwrap();
        let path = other.path().canonicalize().unwrap().join("sw.toml");
        assert_eq!(policy.text(&path).unwrap().as_deref(), Some("x"));
        assert_eq!(policy.rules(other.path()).unwrap(), None);
    }
}
