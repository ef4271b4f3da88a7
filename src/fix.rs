//! Mends findings whose change is certain, and keeps only what proves right when all is judged again.
//!
//! Fixes that touch each other wait for the next round. After each round everything is judged
//! again: the changes are kept if the findings are gone and nothing came in their place; otherwise
//! half as many are tried, until the one that does not hold is alone, and is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use crate::{
    discover::{self, Content, Found},
    evaluate::{self, Outcome},
    finding::{Finding, Fix, Place, Severity},
    rule::RuleSet,
};

/// How often everything is judged again.
const ROUNDS: usize = 200;

/// What became of the findings that have a fix.
#[derive(Debug, Default)]
pub struct Mended {
    /// The files that change, with their new texts.
    pub files: BTreeMap<String, String>,
    /// How many findings are gone, by rule.
    pub fixed: BTreeMap<Arc<str>, usize>,
    /// The findings whose fix was not kept.
    pub refused: Vec<Refused>,
}

/// A finding whose fix was not kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule's id.
    pub rule: Arc<str>,
    /// Where the finding is.
    pub place: Place,
    /// Why the fix was not kept.
    pub reason: String,
}

/// Mends those findings in `files` that `wanted` chooses.
pub fn mend(files: &[Found], rules: &RuleSet, wanted: &dyn Fn(&Finding) -> bool) -> Mended {
    let mut workshop = Workshop {
        files,
        rules,
        wanted,
        limit: usize::MAX,
        refused: BTreeSet::new(),
        mended: Mended::default(),
    };
    let mut now = workshop.evaluate(&BTreeMap::new());
    for _ in 0..ROUNDS {
        let chosen = workshop.choose(&now);
        if chosen.is_empty() {
            break;
        }
        if let Some(then) = workshop.attempt(&now, &chosen) {
            now = then;
        }
    }
    workshop.mended
}

struct Workshop<'w> {
    files: &'w [Found],
    rules: &'w RuleSet,
    wanted: &'w dyn Fn(&Finding) -> bool,
    /// How many fixes are tried at once.
    limit: usize,
    /// The fingerprints of findings that are left alone.
    refused: BTreeSet<String>,
    mended: Mended,
}

impl Workshop<'_> {
    /// The findings of the next round. Several may have the same fix; others do not meet.
    fn choose<'o>(&self, now: &'o Outcome) -> Vec<&'o Finding> {
        let mut taken: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
        let mut count = 0;
        let is_open = |it: &&Finding| {
            it.waived.is_none() && !self.refused.contains(&it.fingerprint) && (self.wanted)(it)
        };
        let chosen = now.findings.iter().filter(is_open).filter(|finding| {
            let Some(fix) = finding.fix.as_deref() else { return false };
            let others = taken.entry(fix.path()).or_default();
            if others.contains(&fix) {
                return true;
            }
            let fits = count < self.limit && !others.iter().any(|it| meet(it, fix));
            if fits {
                count += 1;
                others.push(fix);
            }
            fits
        });
        chosen.collect()
    }

    /// Makes the changes and judges all again: the new outcome, if they are kept.
    fn attempt(&mut self, now: &Outcome, chosen: &[&Finding]) -> Option<Outcome> {
        let mut fixes: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
        for fix in chosen.iter().filter_map(|it| it.fix.as_deref()) {
            let of_file = fixes.entry(fix.path()).or_default();
            if !of_file.contains(&fix) {
                of_file.push(fix);
            }
        }
        let count: usize = fixes.values().map(Vec::len).sum();
        let texts = fixes.iter().map(|(path, fixes)| {
            self.text(path).map(|text| ((*path).to_owned(), changed(text, fixes)))
        });
        let attempt = texts.collect::<Result<BTreeMap<_, _>, _>>().and_then(|texts| {
            let then = self.evaluate(&texts);
            self.objection(now, &then, chosen).map_or(Ok((texts, then)), Err)
        });
        match attempt {
            Ok((texts, then)) => {
                self.limit = self.limit.saturating_mul(2);
                self.mended.files.extend(texts);
                for it in chosen {
                    *self.mended.fixed.entry(it.rule.clone()).or_default() += 1;
                }
                Some(then)
            }
            Err(reason) if count == 1 => {
                for it in chosen {
                    self.refused.insert(it.fingerprint.clone());
                    let (rule, place, reason) = (it.rule.clone(), it.place.clone(), reason.clone());
                    self.mended.refused.push(Refused { rule, place, reason });
                }
                None
            }
            Err(_) => {
                self.limit = count / 2;
                None
            }
        }
    }

    /// Why the changes are not kept, if they are not.
    fn objection(&self, now: &Outcome, then: &Outcome, chosen: &[&Finding]) -> Option<String> {
        let (mut most, after) = (counts(now), counts(then));
        for it in chosen {
            if let Some(count) = most.get_mut(&(&*it.place.path, &*it.rule)) {
                *count = count.saturating_sub(1);
            }
        }
        let least = chosen.iter().map(|it| it.severity).min().unwrap_or(Severity::Info);
        for ((path, rule), count) in after {
            let known = most.get(&(path, rule)).copied().unwrap_or(0);
            let severity = self.rules.get(rule).map_or(Severity::Error, |it| it.severity);
            if count > known && chosen.iter().any(|it| &*it.rule == rule) {
                return Some(format!("{rule} still finds it in {path}"));
            }
            if count > known && (severity > least || severity == Severity::Error) {
                return Some(format!("{rule} would find something new in {path}"));
            }
        }
        let known: BTreeSet<_> = now.problems.iter().map(|it| (&it.path, &it.reason)).collect();
        let new = then.problems.iter().find(|it| !known.contains(&(&it.path, &it.reason)))?;
        Some(format!("{} could not be read any more: {}", new.path, new.reason))
    }

    /// The text of a file as it is now.
    fn text(&self, path: &str) -> Result<String, String> {
        if let Some(text) = self.mended.files.get(path) {
            return Ok(text.clone());
        }
        let found = self.files.iter().find(|it| it.path == path);
        let bytes = found.and_then(|it| it.clone().read().ok());
        let text = bytes.and_then(|it| String::from_utf8(it).ok());
        text.ok_or_else(|| format!("{path} is no text in UTF-8"))
    }

    /// Judges all files, with what is kept and these texts in place of theirs.
    fn evaluate(&self, texts: &BTreeMap<String, String>) -> Outcome {
        let files = self.files.iter().map(|it| {
            let text = texts.get(&it.path).or_else(|| self.mended.files.get(&it.path));
            let new = text.map(|it| Content::Memory(it.clone().into_bytes()));
            Found { path: it.path.clone(), content: new.unwrap_or_else(|| it.content.clone()) }
        });
        let mut outcome = evaluate::evaluate(files.collect(), self.rules);
        evaluate::fingerprint(&mut outcome.findings);
        outcome
    }
}

/// Whether two fixes of a file touch each other.
fn meet(a: &Fix, b: &Fix) -> bool {
    a.edits
        .iter()
        .any(|a| b.edits.iter().any(|b| a.span.start <= b.span.end && b.span.start <= a.span.end))
}

/// A text with the edits of fixes that do not meet.
fn changed(mut text: String, fixes: &[&Fix]) -> String {
    let mut edits: Vec<_> = fixes.iter().flat_map(|it| &it.edits).collect();
    edits.sort_by_key(|it| (it.span.start, it.span.end));
    for edit in edits.into_iter().rev() {
        let range = edit.span.start as usize..edit.span.end as usize;
        if text.get(range.clone()).is_some() {
            text.replace_range(range, &edit.text);
        }
    }
    text
}

/// How often each rule finds something in each file.
fn counts(outcome: &Outcome) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for it in &outcome.findings {
        *counts.entry((&*it.place.path, &*it.rule)).or_default() += 1;
    }
    counts
}

/// Writes a file below `root` in one step: who reads it sees the old text or the new one. Links
/// are not followed, and the file keeps its permissions.
///
/// # Errors
/// When it is not a plain file below `root`, and what the system says.
pub fn write(root: &Path, path: &str, text: &str) -> io::Result<()> {
    let place = root.join(path);
    if !discover::is_plain_file(root, &place) {
        return Err(io::Error::other("not a plain file, or behind a link"));
    }
    let folder = place.parent().unwrap_or(root);
    let permissions = fs::metadata(&place)?.permissions();
    let name = format!(
        ".{}.seaworthy-{}",
        place.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    );
    let beside = folder.join(name);
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        fs::rename(&beside, &place)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

impl Mended {
    /// What was done, for people: a line for each rule and for each fix that was not kept.
    pub fn text(&self) -> String {
        let files = self.files.len();
        let mut text = String::new();
        for (rule, count) in &self.fixed {
            text += &format!("fixed {count} × {rule}\n");
        }
        for it in &self.refused {
            let (path, line) = (&it.place.path, it.place.start.line);
            text += &format!("not fixed {path}:{line} {}: {}\n", it.rule, it.reason);
        }
        let all: usize = self.fixed.values().sum();
        text + &format!("{all} findings fixed in {files} files\n")
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::rule::Rule;

    /// A rule over instructions with an `[[edit]]`.
    fn rule(id: &str, that: &str, edit: &str) -> Rule {
        let text = format!(
            "title = ''\nseverity = 'error'\nwhy = ''\nfix = ''\nsubject = \
             'dockerfile.instruction'\n[[require]]\nthat = {that:?}\nmessage = 'x'\n[[edit]]\n{edit}\n"
        );
        Rule::parse(id, "", Cow::Owned(text)).unwrap()
    }

    fn mended(rules: Vec<Rule>, text: &str) -> (String, Vec<String>) {
        let content = Content::Memory(text.as_bytes().to_vec());
        let files = [Found { path: "Dockerfile".into(), content }];
        let mended = mend(&files, &RuleSet { rules, ..RuleSet::default() }, &|_| true);
        let text = mended.files.get("Dockerfile").map_or("", String::as_str).to_owned();
        let line = |it: &Refused| format!("{}: {}", it.place.start.line, it.reason);
        (text, mended.refused.iter().map(line).collect())
    }

    #[test]
    fn findings_are_mended_until_none_is_left() {
        let upper = rule(
            "a/upper",
            "it.written == it.keyword",
            "at = 'it.written'\nreplace = '{it.keyword}'",
        );
        let user = rule(
            "a/user",
            "it.keyword != 'USER' || it.arguments == '1'",
            "at = 'it.arguments'\nreplace = '1'",
        );
        let (text, refused) = mended(vec![upper, user], "from a\nuser root\nRUN b\n");
        assert_eq!((text.as_str(), refused), ("FROM a\nUSER 1\nRUN b\n", vec![]));
    }

    #[test]
    fn a_fix_that_does_not_hold_is_left_out_and_the_others_are_kept() {
        let same = rule(
            "a/same",
            "it.keyword != 'RUN' || it.arguments == 'b'",
            "at = 'it.arguments'\nreplace = '{it.arguments == \"c\" ? \"b\" : \"d\"}'",
        );
        let (text, refused) = mended(vec![same], "FROM a\nRUN c\nRUN e\nRUN c\n");
        assert_eq!(text, "FROM a\nRUN b\nRUN e\nRUN b\n");
        assert_eq!(refused, ["3: a/same still finds it in Dockerfile"]);
    }

    #[test]
    fn a_fix_that_breaks_something_else_is_left_out() {
        let one = rule("a/one", "it.keyword != 'RUN'", "replace = 'CMD a'");
        let two = rule("a/two", "it.keyword != 'CMD'", "when = 'false'\nremove = true");
        let (text, refused) = mended(vec![one, two], "FROM a\nRUN b\n");
        assert_eq!(text, "");
        assert_eq!(refused, ["2: a/two would find something new in Dockerfile"]);
    }

    #[test]
    fn a_map_gets_an_entry_with_a_value_of_its_kind() {
        let text = "title = ''\nseverity = 'error'\nwhy = ''\nfix = ''\n\
                    subject = 'kubernetes.container'\n[[require]]\n\
                    that = 'has(it.resources.limits)'\nmessage = 'x'\n[[edit]]\nat = 'it'\n\
                    set = { under = 'resources', key = 'limits', value = { cpu = '{1 + 1}', \
                    memory = '{it.name}Mi' } }";
        let rules = vec![Rule::parse("a/b", "", Cow::Borrowed(text)).unwrap()];
        let pod = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: c # one\n";
        let content = Content::Memory(pod.as_bytes().to_vec());
        let files = [Found { path: "pod.yaml".into(), content }];
        let mended = mend(&files, &RuleSet { rules, ..RuleSet::default() }, &|_| true);
        let limits = "    resources:\n      limits:\n        cpu: 2\n        memory: cMi\n";
        assert_eq!(mended.files["pod.yaml"], format!("{pod}{limits}"));
    }

    #[cfg(unix)]
    #[test]
    fn files_are_written_in_place_and_never_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "1").unwrap();
        std::os::unix::fs::symlink(at("a"), at("b")).unwrap();
        assert!(write(folder.path(), "b", "2").is_err());
        write(folder.path(), "a", "3").unwrap();
        assert_eq!(fs::read_to_string(at("a")).unwrap(), "3");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
