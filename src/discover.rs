//! The front door: from a folder to the files that are worth reading.
//!
//! What git ignores is left out, what git tracks is in, even where an ignore rule names it. Links
//! and special files are never followed or opened, so nothing outside the root is read.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Mutex,
};

use globset::GlobSet;
use ignore::{WalkBuilder, WalkState};

/// A file of the repository that was found, not yet read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its path below the root, with `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Where its bytes are.
    pub content: Content,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// On disk.
    Disk(PathBuf),
    /// Nowhere that is read: a link, which is there and not followed.
    Link,
    /// In memory: an example of a rule, or a blob of another commit.
    Memory(Vec<u8>),
}

/// Files larger than this are not read: 256 MiB, the size of the largest honest coverage reports.
pub const LARGEST: u64 = 256 << 20;

impl Found {
    /// Its bytes.
    ///
    /// # Errors
    /// What the system says, and [`io::ErrorKind::FileTooLarge`] beyond 256 MiB.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match &self.content {
            Content::Link => Err(io::Error::from(io::ErrorKind::Unsupported)),
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::Disk(path) => {
                let file = File::open(path)?;
                let size = file.metadata()?.len();
                whole(file, size)
            }
        }
    }
}

/// The bytes of a file of which the size is known, in one step.
fn whole(file: File, size: u64) -> io::Result<Vec<u8>> {
    if size > LARGEST {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    if size == 0 {
        // So say files that the system makes up, too.
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file that was opened.
pub enum Open {
    /// It is read.
    Read(Vec<u8>),
    /// It is large, and can be read in pieces.
    Large {
        /// Its size in bytes.
        size: u64,
        /// What gives its bytes.
        input: Box<dyn io::Read>,
    },
}

impl Found {
    /// How many bytes it has; nothing where it is a link or the system does not say.
    pub fn size(&self) -> Option<u64> {
        match &self.content {
            Content::Disk(path) => {
                path.metadata().ok().filter(|it| it.is_file()).map(|it| it.len())
            }
            Content::Memory(bytes) => Some(bytes.len() as u64),
            Content::Link => None,
        }
    }

    /// The bytes of the file; what gives them, if there are `least` or more.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn open(&self, least: u64) -> io::Result<Open> {
        let Content::Disk(path) = &self.content else { return self.read().map(Open::Read) };
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        match size {
            _ if size > LARGEST => Err(io::Error::from(io::ErrorKind::FileTooLarge)),
            _ if size < least => whole(file, size).map(Open::Read),
            _ => Ok(Open::Large { size, input: Box::new(file.take(LARGEST + 1)) }),
        }
    }
}

/// Every file and link below `root`, by path, but for those that git ignores and does not track, and those
/// that match `exclude`.
///
/// # Errors
/// When `root` itself cannot be read. What lies below it and cannot be read is left to the reader.
pub fn discover(root: &Path, exclude: &GlobSet) -> io::Result<Vec<Found>> {
    root.read_dir()?;
    let found = Mutex::new(Vec::new());
    let mut walk = WalkBuilder::new(root);
    // What one person ignores on one machine is no part of the repository.
    walk.git_global(false);
    walk.hidden(false).parents(true).require_git(false).follow_links(false);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    walk.build_parallel().run(|| {
        let mut batch = Batch { paths: Vec::new(), all: &found };
        Box::new(move |entry| {
            if let Ok(entry) = entry
                && let Some(kind) = entry.file_type()
                && (kind.is_file() || kind.is_symlink())
            {
                batch.paths.push((entry.into_path(), kind.is_symlink()));
            }
            WalkState::Continue
        })
    });
    let mut paths = found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let tracked = tracked(root).into_iter().filter(|path| is_plain_file(root, path));
    paths.extend(tracked.map(|path| (path, false)));
    let packed = packed_charts(root, paths.iter().map(|(path, _)| path));
    paths.extend(packed.into_iter().map(|path| (path, false)));
    let mut files: Vec<_> = paths
        .into_iter()
        .filter_map(|(path, is_link)| {
            let below = path.strip_prefix(root).ok()?;
            let name = below.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            let content = if is_link { Content::Link } else { Content::Disk(path) };
            (!exclude.is_match(&name)).then_some(Found { path: name, content })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    // What git tracks and does not ignore is found twice.
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

/// The packed charts that charts hold: git ignores them in most repositories, and without them
/// their charts cannot be rendered.
fn packed_charts<'p>(root: &Path, paths: impl Iterator<Item = &'p PathBuf>) -> Vec<PathBuf> {
    let charts = paths.filter(|it| it.file_name().is_some_and(|it| it == "Chart.yaml"));
    let folders = charts.filter_map(|it| it.parent()).map(|it| it.join("charts"));
    let entries = folders.filter_map(|it| it.read_dir().ok()).flatten().flatten();
    let is_packed = |it: &PathBuf| it.extension().is_some_and(|it| it == "tgz");
    let packed = entries.map(|it| it.path()).filter(is_packed);
    packed.filter(|it| is_plain_file(root, it)).collect()
}

/// What one thread of the walk found, and whether it is a link; handed over when the thread is done.
struct Batch<'a> {
    paths: Vec<(PathBuf, bool)>,
    all: &'a Mutex<Vec<(PathBuf, bool)>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.append(&mut self.paths);
    }
}

/// What is in a plain file below the root, if it is one.
pub fn read_plain(root: &Path, path: &str) -> Option<Vec<u8>> {
    let place = root.join(path);
    let is_file = is_plain_file(root, &place);
    let found = Found { path: path.to_owned(), content: Content::Disk(place) };
    is_file.then(|| found.read().ok()).flatten()
}

/// Whether the path is a file itself and no folder on the way to it is a link.
pub fn is_plain_file(root: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else { return false };
    let mut at = root.to_path_buf();
    let mut kind = None;
    for part in below.components() {
        at.push(part);
        let Ok(metadata) = at.symlink_metadata() else { return false };
        if metadata.is_symlink() {
            return false;
        }
        kind = Some(metadata.file_type());
    }
    kind.is_some_and(|it| it.is_file())
}

/// The files that git tracks below `root`; none where there is no index that we can read.
fn tracked(root: &Path) -> Vec<PathBuf> {
    let Ok(real) = root.canonicalize() else { return Vec::new() };
    let Some(top) = real.ancestors().find(|it| it.join(".git").is_dir()) else {
        return Vec::new();
    };
    let Ok(bytes) = std::fs::read(top.join(".git/index")) else { return Vec::new() };
    let prefix = real.strip_prefix(top).map(Path::to_path_buf).unwrap_or_default();
    index_paths(&bytes)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|path| Some(root.join(Path::new(&path).strip_prefix(&prefix).ok()?)))
        .collect()
}

/// The paths in a git index of version 2 or 3; nothing for anything else (version 4, SHA-256).
fn index_paths(bytes: &[u8]) -> Option<Vec<String>> {
    let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let version = word(4)?;
    if bytes.get(..4)? != b"DIRC" || !(2..=3).contains(&version) {
        return None;
    }
    let (mut at, mut paths) = (12, Vec::new());
    for _ in 0..word(8)? {
        let flags = u16::from_be_bytes(bytes.get(at + 60..at + 62)?.try_into().ok()?);
        let start = at + if flags & 0x4000 != 0 { 64 } else { 62 };
        let length = memchr::memchr(0, bytes.get(start..)?)?;
        paths.push(String::from_utf8_lossy(&bytes[start..start + length]).into_owned());
        at += (start - at + length + 8) & !7;
    }
    Some(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let found = discover(root, &GlobSet::empty()).unwrap();
        found.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn packed_charts_are_found_even_where_git_ignores_them() {
        let root = tempfile::tempdir().unwrap();
        let charts = root.path().join("web/charts");
        std::fs::create_dir_all(&charts).unwrap();
        std::fs::write(root.path().join(".gitignore"), "*.tgz\n").unwrap();
        std::fs::write(root.path().join("web/Chart.yaml"), "").unwrap();
        std::fs::write(root.path().join("other.tgz"), "").unwrap();
        std::fs::write(charts.join("db-1.tgz"), "").unwrap();
        let found = discover(root.path(), &GlobSet::empty()).unwrap();
        let paths: Vec<_> = found.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, [".gitignore", "web/Chart.yaml", "web/charts/db-1.tgz"]);
    }

    #[test]
    fn ignored_files_are_left_out_and_tracked_ones_are_in() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join(".gitignore"), "*.log\n.env\n").unwrap();
        std::fs::write(root.join("a.log"), "").unwrap();
        std::fs::write(root.join(".env"), "A=1").unwrap();
        std::fs::create_dir_all(root.join(".github")).unwrap();
        std::fs::write(root.join(".github/x.yml"), "").unwrap();
        assert_eq!(names(root), [".github/x.yml", ".gitignore"]);
        let git = |arguments: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.arg("-C").arg(root).args(arguments).env_remove("GIT_DIR");
            assert!(command.status().unwrap().success());
        };
        git(&["init", "-q"]);
        git(&["add", "-f", ".env"]);
        assert_eq!(names(root), [".env", ".github/x.yml", ".gitignore"]);
        // However the root is spelled: `.`, `..`, through a link.
        let spelled = root.join(".github/..");
        assert_eq!(names(&spelled), [".env", ".github/x.yml", ".gitignore"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::os::unix::fs::symlink("/etc", root.join("out")).unwrap();
        std::os::unix::fs::symlink(root, root.join("loop")).unwrap();
        std::fs::write(root.join("Dockerfile"), "").unwrap();
        assert_eq!(names(root), ["Dockerfile", "loop", "out"]);
        let found = discover(root, &GlobSet::empty()).unwrap();
        assert_eq!(found[1].content, Content::Link);
        assert!(found[1].read().is_err());
    }

    #[test]
    fn a_broken_index_is_no_index() {
        assert_eq!(index_paths(b"DIRC\0\0\0\x02\0\0\0\x05"), None);
        assert_eq!(index_paths(b"nonsense"), None);
    }
}
