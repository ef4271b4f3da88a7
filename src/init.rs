//! `seaworthy init`: a `readiness.toml` and a workflow to start from.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    checklist::{Class, Item, Settler, checklist},
    date::Date,
};

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file, below the repository.
    pub path: &'static str,
    /// Whether it was written; false where it was there and was left alone.
    pub new: bool,
}

/// Writes the files below `root` that are not there yet.
///
/// # Errors
/// When a file cannot be written; the path says which.
pub fn init(root: &Path, today: Date) -> Result<Vec<Written>, (PathBuf, io::Error)> {
    let files =
        [("readiness.toml", readiness(today)), (".github/workflows/seaworthy.yml", workflow())];
    let mut written = Vec::new();
    for (path, text) in files {
        let place = root.join(path);
        let failed = |error| (place.clone(), error);
        fs::create_dir_all(place.parent().unwrap_or(root)).map_err(failed)?;
        match fs::File::options().write(true).create_new(true).open(&place) {
            Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                written.push(Written { path, new: false });
                continue;
            }
            Err(error) => return Err(failed(error)),
        }
        written.push(Written { path, new: true });
    }
    Ok(written)
}

/// What was done, for people.
pub fn text(written: &[Written]) -> String {
    let line = |it: &Written| match it.new {
        true => format!("wrote {}\n", it.path),
        false => format!("left {} alone: it is there already\n", it.path),
    };
    let lines: String = written.iter().map(line).collect();
    lines + "next: run `seaworthy checklist` and answer what files cannot prove in readiness.toml\n"
}

/// What was done, for programs.
pub fn json(written: &[Written]) -> String {
    let files: Vec<_> = written.iter().map(|it| json!({"path": it.path, "new": it.new})).collect();
    json!({"files": files}).to_string() + "\n"
}

fn readiness(today: Date) -> String {
    let (soon, day) = (today.plus(90), today);
    format!(
        "\
# What files cannot prove about this service, each with a name, a date and an end.
# `seaworthy checklist` lists the items that are open. Take the # away from what you can answer,
# and fill in who says so, since when and where it can be seen.

[service]
# owner = \"@acme/payments\"
# launch = {day}

# [[contact]]
# role = \"on-call\"
# to = \"https://acme.pagerduty.com/services/orders\"
# reviewed = {day}

# [[waive]]
# rule = \"dockerfile/root-user\"
# path = \"legacy/Dockerfile\"
# by = \"@bob\"
# reason = \"replaced by the new image in the next release\"
# expires = {soon}
"
    ) + &questions(today)
}

/// What only people can answer, each as an entry that says nothing until somebody signs it.
fn questions(today: Date) -> String {
    let by_people = |it: &&Item| {
        it.class == Class::Attest && it.same_as.is_none() && it.settled_by == Settler::Rules
    };
    let mut text = String::from("\n# What only people can answer:\n");
    for item in checklist().items.iter().filter(by_people) {
        text += &format!(
            "
# {}: {}
# [[attest]]
# item = \"{}\"
# state = \"met\"
# by = \"\"
# on = {today}
# expires = {}
# evidence = []
",
            item.section,
            item.title,
            item.id,
            today.plus(item.lifetime())
        );
    }
    text
}

fn workflow() -> String {
    "\
name: ready
on:
  pull_request:
  merge_group:
permissions:
  contents: read
  pull-requests: write
jobs:
  ready:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v5
        with:
          persist-credentials: false
      - uses: seaworthy-dev/seaworthy@v0
"
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let today = Date::new(2026, 11, 22).unwrap();
        fs::write(folder.path().join("readiness.toml"), "mine").unwrap();
        let written = init(folder.path(), today).unwrap();
        let new: Vec<_> = written.iter().map(|it| it.new).collect();
        assert_eq!(new, [false, true]);
        assert_eq!(fs::read_to_string(folder.path().join("readiness.toml")).unwrap(), "mine");
        assert!(init(folder.path(), today).unwrap().iter().all(|it| !it.new));
    }

    #[test]
    fn every_question_for_people_is_asked_and_none_is_answered() {
        let text = readiness(Date::new(2026, 11, 22).unwrap());
        let asked = text.matches("# item = ").count();
        let items = &checklist().items;
        let people = items.iter().filter(|it| it.class == Class::Attest && it.same_as.is_none());
        assert!(asked > 40 && asked <= people.count(), "{asked}");
        assert!(text.lines().all(|it| it.is_empty() || it.starts_with('#') || it == "[service]"));
    }
}
