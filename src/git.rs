//! The only child process: git, asked about commits, with a cleared environment.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{self, Write as _},
    path::Path,
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
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "core.quotePath=false", "-c", "core.fsmonitor=false"]);
    command.args(arguments).env_clear().env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    for name in ["PATH", "HOME", "SYSTEMROOT"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
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

/// The files of a commit below `root` that `wanted` lets through, with their bytes. Links and
/// submodules are left out, as they are on disk.
///
/// # Errors
/// When git cannot give them.
pub fn files(root: &Path, commit: &str, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Found>> {
    let listing = git(root, &["ls-tree", "-r", "-z", "--end-of-options", commit], b"")?;
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
