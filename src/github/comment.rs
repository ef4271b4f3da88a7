//! The one comment on a pull request: whose it is, which run wrote it, and what to do about it.
//!
//! The first line of the comment is a marker. A comment is ours if it has one *and* was written by
//! us: anybody can copy a marker, and could edit a comment of theirs that we write into.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::event::Run;

/// A comment that is on the pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// Its number.
    pub id: u64,
    /// The login of who wrote it.
    pub author: String,
    /// Its text.
    pub body: String,
    /// Its page.
    pub url: String,
}

/// What we want to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Tells the comments of several runs on one pull request apart.
    pub key: String,
    /// The commit that was judged.
    pub head: String,
    /// The run that judged it.
    pub run: Run,
    /// The text, without the marker.
    pub body: String,
    /// The text that is used if the server finds `body` too long.
    pub short: String,
    /// Stands for what the text says, whatever its links lead to.
    pub gist: u64,
    /// Whether there is nothing to say unless something was said before.
    pub clean: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing, and why.
    Leave(&'static str),
    /// Write a new comment.
    Create,
    /// Change this one.
    Update(u64),
}

/// What to do, and which comments of ours are one too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub step: Step,
    /// Comments to take away.
    pub extra: Vec<u64>,
}

/// The first line of a comment of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    key: String,
    head: String,
    run: Run,
    gist: u64,
}

impl Marker {
    fn read(body: &str) -> Option<Self> {
        let line = body.lines().next()?.strip_prefix("<!-- seaworthy ")?.strip_suffix(" -->")?;
        let mut parts = line.split(' ');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let (key, head, run) = (part("key")?, part("head")?, part("run")?);
        let (id, attempt) = run.split_once('.')?;
        Some(Self {
            key: key.to_owned(),
            head: head.to_owned(),
            run: Run { id: id.parse().ok()?, attempt: attempt.parse().ok()? },
            gist: u64::from_str_radix(part("gist")?, 16).ok()?,
        })
    }
}

impl Wanted {
    /// `text` below the marker.
    pub fn with_marker(&self, text: &str) -> String {
        let Self { key, head, run: Run { id, attempt }, gist, .. } = self;
        format!("<!-- seaworthy key={key} head={head} run={id}.{attempt} gist={gist:x} -->\n{text}")
    }

    /// Whether a comment has our marker, whoever wrote it.
    pub fn is_marked(&self, it: &Existing) -> bool {
        Marker::read(&it.body).is_some_and(|marker| marker.key == self.key)
    }

    /// Whether this very run has written the comment.
    pub fn is_from_this_run(&self, it: &Existing) -> bool {
        Marker::read(&it.body).is_some_and(|it| it.key == self.key && it.run == self.run)
    }

    /// What to do, given what is there. `author` is who we are.
    pub fn decide(&self, existing: &[Existing], author: &str) -> Decision {
        let ours = existing.iter().filter(|it| it.author == author);
        let mut ours: Vec<_> = ours
            .filter_map(|it| Some((it.id, Marker::read(&it.body)?)))
            .filter(|(_, marker)| marker.key == self.key)
            .collect();
        ours.sort_by_key(|it| it.0);
        let extra = ours.iter().skip(1).map(|it| it.0).collect();
        let step = match ours.first() {
            None if self.clean => Step::Leave("there is nothing to say"),
            None => Step::Create,
            Some(_) if ours.iter().any(|(_, it)| it.head == self.head && it.run > self.run) => {
                Step::Leave("a later run has written it")
            }
            Some((_, marker)) if marker.gist == self.gist => Step::Leave("it says so already"),
            Some((id, _)) => Step::Update(*id),
        };
        Decision { step, extra }
    }
}

/// What stands for a text in a marker.
pub fn gist(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A key as it may stand in a marker.
pub fn key(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    let key: String = text.chars().take(64).map(plain).collect();
    if key.is_empty() { "main".to_owned() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "github-actions[bot]";

    fn wanted(run: u64, text: &str) -> Wanted {
        Wanted {
            key: key(""),
            head: "abc".into(),
            run: Run { id: run, attempt: 1 },
            body: text.into(),
            short: String::new(),
            gist: gist(text),
            clean: false,
        }
    }

    fn written(id: u64, author: &str, by: &Wanted) -> Existing {
        let body = by.with_marker(&by.body);
        Existing { id, author: author.into(), body, url: String::new() }
    }

    #[test]
    fn a_comment_is_written_once_and_then_changed_in_place() {
        let first = wanted(1, "a");
        assert_eq!(first.decide(&[], US).step, Step::Create);
        let there = [written(5, US, &first)];
        assert_eq!(wanted(2, "b").decide(&there, US).step, Step::Update(5));
        let same = Step::Leave("it says so already");
        assert_eq!(wanted(2, "a").decide(&there, US).step, same);
    }

    #[test]
    fn a_marker_that_somebody_else_wrote_is_not_ours() {
        let there = [written(5, "eve", &wanted(1, "a"))];
        assert_eq!(
            wanted(2, "b").decide(&there, US),
            Decision { step: Step::Create, extra: vec![] }
        );
        let mut quoted = written(5, US, &wanted(1, "a"));
        quoted.body.insert_str(0, "> ");
        assert_eq!(wanted(2, "b").decide(&[quoted], US).step, Step::Create);
    }

    #[test]
    fn a_clean_pull_request_gets_no_comment_but_an_old_one_is_resolved() {
        let clean = Wanted { clean: true, ..wanted(2, "resolved") };
        assert_eq!(clean.decide(&[], US).step, Step::Leave("there is nothing to say"));
        let there = [written(5, US, &wanted(1, "a"))];
        assert_eq!(clean.decide(&there, US).step, Step::Update(5));
    }

    #[test]
    fn a_run_that_is_late_leaves_what_a_later_one_wrote() {
        let there = [written(5, US, &wanted(3, "b"))];
        let late = Step::Leave("a later run has written it");
        assert_eq!(wanted(2, "a").decide(&there, US).step, late);
        let other_commit = Wanted { head: "def".into(), ..wanted(2, "a") };
        assert_eq!(other_commit.decide(&there, US).step, Step::Update(5));
    }

    #[test]
    fn duplicates_go_and_other_keys_stay() {
        let other = Wanted { key: key("web ui"), ..wanted(1, "x") };
        let there = [
            written(9, US, &wanted(1, "a")),
            written(7, US, &wanted(1, "a")),
            written(8, US, &other),
        ];
        let decision = wanted(2, "b").decide(&there, US);
        assert_eq!(decision, Decision { step: Step::Update(7), extra: vec![9] });
        assert_eq!(other.decide(&there, US).extra, [0; 0]);
        assert_eq!((key("web ui"), key("-->")), ("web_ui".to_owned(), "___".to_owned()));
    }
}
