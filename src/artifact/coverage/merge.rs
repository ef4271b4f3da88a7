//! Several reports as one: a line ran if it ran in one of them.

use std::collections::{BTreeMap, HashMap};

use super::{
    paths::{Files, Meaning},
    report::{Count, File, Report},
};

/// The lines of a repository as all its reports see them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Lines that some report sees, and of them those that ran in one.
    pub lines: Count,
    /// Branches, where one report sees all of a file's; none where no report does.
    pub branches: Option<Count>,
}

/// What `reports` say together. Files that they name differently are one file where `files`, the
/// sorted paths of the repository, tell; nothing is averaged.
pub fn whole(reports: &[&Report], files: &[String]) -> Whole {
    let index = Files::new(files);
    let mut by_file: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for report in reports {
        let meanings = match reports {
            // Alone, a report needs nobody to agree with.
            [_] => vec![Meaning::Unknown; report.files.len()],
            _ => index.resolve(report),
        };
        for (file, meaning) in report.files.iter().zip(meanings) {
            let path = match meaning {
                Meaning::File(path) => path,
                _ => file.path.as_str(),
            };
            by_file.entry(path).or_default().push(file);
        }
    }
    let mut whole = Whole::default();
    for seen in by_file.values() {
        whole.lines = whole.lines.plus(union(seen));
        // Branches have no names that two reports share: the report that sees most is taken.
        if let Some(most) =
            seen.iter().filter_map(|it| it.branches).max_by_key(|it| (it.total, it.covered))
        {
            whole.branches = Some(whole.branches.unwrap_or_default().plus(most));
        }
    }
    if by_file.is_empty() {
        whole.lines = reports.iter().map(|it| it.lines).fold(Count::default(), Count::plus);
    }
    whole
}

/// What reports say of one file together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The lines.
    pub lines: Count,
    /// The branches, where a report looks at them.
    pub branches: Option<Count>,
    /// The functions, where a report looks at them.
    pub functions: Option<Count>,
    /// The statements, where a report looks at them.
    pub statements: Option<Count>,
}

/// What is said of each file, by its path in the repository.
pub fn by_file<'f>(files: impl Iterator<Item = (&'f str, &'f File)>) -> BTreeMap<&'f str, Seen> {
    let mut by_file: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for (path, file) in files {
        by_file.entry(path).or_default().push(file);
    }
    let most = |seen: &[&File], of: fn(&File) -> Option<Count>| {
        seen.iter().filter_map(|it| of(it)).max_by_key(|it| (it.total, it.covered))
    };
    let seen = |seen: Vec<&File>| Seen {
        lines: union(&seen),
        branches: most(&seen, |it| it.branches),
        functions: most(&seen, |it| it.functions),
        statements: most(&seen, |it| it.statements),
    };
    by_file.into_iter().map(|(path, files)| (path, seen(files))).collect()
}

fn union(seen: &[&File]) -> Count {
    if let [file] = seen {
        return file.counted;
    }
    let mut lines: HashMap<u32, bool> = HashMap::new();
    for line in seen.iter().flat_map(|it| &it.lines).filter(|it| it.executable()) {
        *lines.entry(line.number()).or_default() |= line.covered();
    }
    if lines.is_empty() {
        let most = seen.iter().map(|it| it.counted).max_by_key(|it| (it.total, it.covered));
        return most.unwrap_or_default();
    }
    Count::new(lines.values().filter(|it| **it).count() as u64, lines.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact::coverage, source::Source};

    #[test]
    fn reports_are_joined_line_by_line() {
        let read = |text: &str| {
            coverage::parse(Source::new("r", text)).artifact.and_then(|it| it.coverage)
        };
        let unit = read(
            "SF:/ci/src/a.c\nDA:1,1\nDA:2,0\nend_of_record\nSF:gen.c\nDA:1,1\nend_of_record\n",
        );
        let e2e = read("SF:src/a.c\nDA:2,4\nDA:3,0\nend_of_record\n");
        let (Some(unit), Some(e2e)) = (unit, e2e) else { unreachable!("both are reports") };
        let files = ["src/a.c".to_owned()];
        assert_eq!(whole(&[&unit, &e2e], &files).lines, Count::new(3, 4));
        assert_eq!(whole(&[&unit], &files).lines, Count::new(2, 3));
        assert_eq!(whole(&[], &files), Whole::default());
    }
}
