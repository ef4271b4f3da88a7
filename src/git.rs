//! The only child process: git, asked about commits, with a cleared environment.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    date::Date,
    discover::{Content, Found},
};

/// Runs git in `root` and gives what it printed.
///
/// # Errors
/// When git cannot be started or says no; the message holds its first line.
fn git<S: AsRef<OsStr>>(root: &Path, arguments: &[S], input: &[u8]) -> io::Result<Vec<u8>> {
    run(command(root, arguments), input)
}

fn command<S: AsRef<OsStr>>(root: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "core.quotePath=false", "-c", "core.fsmonitor=false"]);
    command.args(arguments).env_clear().env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    pass(&mut command, &["PATH", "HOME", "SYSTEMROOT"]);
    command
}

/// Hands variables of ours on.
fn pass(command: &mut Command, names: &[&str]) {
    for name in names {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

fn run(mut command: Command, input: &[u8]) -> io::Result<Vec<u8>> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output()
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(said.lines().next().unwrap_or("git failed").to_owned()))
}

/// The commit that a name stands for, in full.
///
/// # Errors
/// When there is no such commit here.
pub fn commit(root: &Path, name: &str) -> io::Result<String> {
    let name = format!("{name}^{{commit}}");
    let said = git(root, &["rev-parse", "--verify", "--end-of-options", &name], b"")?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// The folder that holds the whole repository.
///
/// # Errors
/// When `root` lies in none.
pub fn top(root: &Path) -> io::Result<PathBuf> {
    let said = git(root, &["rev-parse", "--show-toplevel"], b"")?;
    let said = String::from_utf8_lossy(&said);
    Path::new(said.strip_suffix('\n').unwrap_or(&said)).canonicalize()
}

/// The commits that a commit was made from, also where a shallow clone does not hold them.
///
/// # Errors
/// When there is no such commit here.
pub fn parents(root: &Path, name: &str) -> io::Result<Vec<String>> {
    let said = git(root, &["cat-file", "commit", &commit(root, name)?], b"")?;
    let text = String::from_utf8_lossy(&said);
    let head = text.lines().take_while(|it| !it.is_empty());
    Ok(head.filter_map(|it| it.strip_prefix("parent ")).map(str::to_owned).collect())
}

/// The commit at which two histories part.
///
/// # Errors
/// When they do not meet, as far as this clone knows.
pub fn merge_base(root: &Path, a: &str, b: &str) -> io::Result<String> {
    let said = git(root, &["merge-base", "--end-of-options", a, b], b"")?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// Whether the history ends somewhere, so that files seem to be new there; also where git cannot
/// tell.
fn is_shallow(root: &Path) -> bool {
    let said = git(root, &["rev-parse", "--is-shallow-repository"], b"");
    !said.is_ok_and(|it| it.starts_with(b"false"))
}

/// Gets one commit from `origin`, without its history where this clone is a shallow one. `header`
/// is sent to `server` and to nobody else.
///
/// # Errors
/// When the remote does not give it.
pub fn fetch(root: &Path, commit: &str, server: &str, header: Option<&str>) -> io::Result<()> {
    let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
    if is_shallow(root) {
        arguments.push("--depth=1");
    }
    arguments.extend(["--end-of-options", "origin", commit]);
    let mut command = command(root, &arguments);
    command.env("GIT_TERMINAL_PROMPT", "0");
    pass(&mut command, &["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"]);
    pass(&mut command, &["SSH_AUTH_SOCK", "SSL_CERT_FILE", "GIT_SSL_CAINFO"]);
    if let Some(header) = header {
        // In the environment, because everybody on the machine may read arguments.
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_VALUE_0", header);
        command.env("GIT_CONFIG_KEY_0", format!("http.{server}/.extraheader"));
    }
    run(command, b"").map(|_| ())
}

/// What of `pathspecs` the disk changes against a commit, as git's letters (`A`, `D`, `M`, `T`) and
/// paths below `top`.
///
/// # Errors
/// When git cannot tell.
pub fn changed_paths(
    top: &Path,
    commit: &str,
    pathspecs: &[String],
) -> io::Result<Vec<(char, String)>> {
    let mut arguments = vec!["diff", "--no-ext-diff", "--no-renames"];
    arguments.extend(["--name-status", "-z", commit, "--"]);
    arguments.extend(pathspecs.iter().map(String::as_str));
    let said = git(top, &arguments, b"")?;
    let said = String::from_utf8_lossy(&said);
    let mut parts = said.split('\0');
    let mut changed = Vec::new();
    while let (Some(letter), Some(path)) = (parts.next(), parts.next()) {
        changed.push((letter.chars().next().unwrap_or('M'), path.to_owned()));
    }
    Ok(changed)
}

/// The files of a commit below `root` that `wanted` lets through, with their bytes; the others
/// without. Links and submodules are left out, as they are on disk. `below` is a file or folder to
/// look at, everything if it is empty.
///
/// # Errors
/// When git cannot give them.
pub fn files(
    root: &Path,
    commit: &str,
    below: &str,
    wanted: impl Fn(&str) -> bool,
) -> io::Result<Vec<Found>> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "--end-of-options", commit];
    arguments.extend(Some(below).filter(|it| !it.is_empty()));
    let listing = git(root, &arguments, b"")?;
    let mut entries = Vec::new();
    for entry in listing.split(|byte| *byte == 0) {
        let Ok(entry) = std::str::from_utf8(entry) else { continue };
        let Some((about, path)) = entry.split_once('\t') else { continue };
        let mut about = about.split(' ');
        let (mode, _, object) = (about.next(), about.next(), about.next());
        if let (Some("100644" | "100755"), Some(object)) = (mode, object) {
            entries.push((path.to_owned(), object.to_owned()));
        }
    }
    let ask: String = entries
        .iter()
        .filter(|(path, _)| wanted(path))
        .map(|(_, object)| format!("{object}\n"))
        .collect();
    let blobs = git(root, &["cat-file", "--batch"], ask.as_bytes())?;
    let mut rest = blobs.as_slice();
    let mut found = Vec::with_capacity(entries.len());
    for (path, _) in entries {
        let content = match wanted(&path) {
            true => next_blob(&mut rest).ok_or(io::ErrorKind::InvalidData)?,
            false => Vec::new(),
        };
        found.push(Found { path, content: Content::Memory(content) });
    }
    Ok(found)
}

/// The next answer of `git cat-file --batch`: a line with the size, the bytes, a line break.
fn next_blob(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let head = memchr::memchr(b'\n', rest)?;
    let line = std::str::from_utf8(&rest[..head]).ok()?;
    let size: usize = line.rsplit(' ').next()?.parse().ok()?;
    let blob = rest.get(head + 1..head + 1 + size)?.to_vec();
    *rest = rest.get(head + 2 + size..)?;
    Some(blob)
}

/// The change to what lies on disk since it left the history of `commit`, as a unified diff without
/// context: what others did to the base in the meantime is no part of it. Where the histories do
/// not meet (a shallow clone), the change from `commit` itself.
///
/// # Errors
/// When git cannot give it.
pub fn diff(root: &Path, commit: &str) -> io::Result<String> {
    let options =
        ["diff", "--no-ext-diff", "--no-textconv", "--no-color", "--unified=0", "--relative"];
    let since_left = [&options[..], &["--merge-base", commit]].concat();
    let bytes = git(root, &since_left, b"")
        .or_else(|_| git(root, &[&options[..], &[commit]].concat(), b""))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The files below `root` that commits since `day` touched, with the day of the last one.
///
/// # Errors
/// When git cannot tell.
pub fn changed_since(root: &Path, day: Date) -> io::Result<Vec<(String, Date)>> {
    let since = format!("--since={day}T00:00:00Z");
    let arguments = ["log", "--format=format:%x01%cs", "--name-only", "-z", "--relative", &since];
    let said = git(root, &arguments, b"")?;
    let (mut changed, mut day) = (BTreeMap::new(), None);
    for part in String::from_utf8_lossy(&said).split(['\0', '\n']) {
        match part.strip_prefix('\u{1}') {
            Some(date) => day = date.parse().ok(),
            None if part.is_empty() => {}
            None => {
                if let Some(day) = day {
                    changed.entry(part.to_owned()).or_insert(day);
                }
            }
        }
    }
    Ok(changed.into_iter().collect())
}

/// [`changed_since`], where the whole history is here: at the end of a shallow one everything seems
/// to be new.
pub fn history(root: &Path, day: Date) -> Vec<(String, Date)> {
    if is_shallow(root) { Vec::new() } else { changed_since(root, day).unwrap_or_default() }
}

#[cfg(test)]
pub(crate) mod sample {
    use std::{fs, path::Path};

    use tempfile::TempDir;

    use super::git;

    /// A repository with one commit that holds `files`.
    pub fn repository(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "-b", "main"], b"").unwrap();
        write(folder.path(), files);
        commit(folder.path());
        folder
    }

    /// Writes files below a folder.
    pub fn write(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let place = root.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
    }

    /// A commit with `files` on top of `from`, checked out.
    pub fn branch(root: &Path, from: &str, files: &[(&str, &str)]) -> String {
        git(root, &["checkout", "-q", from], b"").unwrap();
        write(root, files);
        commit(root)
    }

    /// Checks out the merge of `head` into `base`.
    pub fn merge(root: &Path, base: &str, head: &str) {
        git(root, &["checkout", "-q", base], b"").unwrap();
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        git(root, &[&who[..], &["merge", "-q", "--no-ff", "-m", "x", head]].concat(), b"").unwrap();
    }

    /// Commits all that lies on disk, and gives the commit.
    pub fn commit(root: &Path) -> String {
        git(root, &["add", "-A"], b"").unwrap();
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let commit = ["commit", "-q", "--allow-empty", "-m", "change"];
        git(root, &[&who[..], &commit].concat(), b"").unwrap();
        super::commit(root, "HEAD").unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shallow_clone_names_its_parents_and_fetches_them() {
        let origin = sample::repository(&[("a", "1")]);
        let first = commit(origin.path(), "HEAD").unwrap();
        sample::write(origin.path(), &[("a", "2")]);
        sample::commit(origin.path());
        let clone = tempfile::tempdir().unwrap();
        let url = format!("file://{}", origin.path().display());
        git(clone.path(), &["clone", "-q", "--depth=1", &url, "."], b"").unwrap();
        assert_eq!(parents(clone.path(), "HEAD").unwrap(), std::slice::from_ref(&first));
        assert!(commit(clone.path(), &first).is_err());
        fetch(clone.path(), &first, "https://github.com", Some("AUTHORIZATION: basic x")).unwrap();
        assert_eq!(commit(clone.path(), &first).unwrap(), first);
        let found = files(clone.path(), &first, "", |_| true).unwrap();
        assert_eq!(found[0].content, Content::Memory(b"1".to_vec()));
    }
}
