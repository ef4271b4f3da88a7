//! Rules: one defect, one file; what they say and how they are judged.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use serde::Deserialize;

use crate::{artifact::View, date::Date, finding::Severity};

mod cel;
mod compile;
mod edit;
mod error;
mod explain;
mod functions;
mod glance;
mod judge;
mod load;
mod select;
mod sieve;
mod suggest;
mod template;

pub use edit::Edit;
pub use error::RuleError;
pub use explain::{explain, explain_json, list, list_json};
pub use judge::{Failure, Judge, Judgement, Trouble};
pub use sieve::Sift;
pub use suggest::nearest;

use compile::Programs;
pub use load::Written;

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// A rule that comes with the program, as the build saw it.
struct Builtin {
    id: &'static str,
    text: &'static str,
    /// The names of its profile and its view, if they are clear at first sight.
    first: Option<(&'static str, &'static str)>,
    dated: bool,
}

impl Builtin {
    fn profile(&self) -> Option<Profile> {
        Profile::named(self.first?.0)
    }
}

/// When a rule is on: each profile holds the rules of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What blocks a merge without making enemies.
    #[default]
    Default,
    /// What a careful team wants as well.
    Strict,
    /// Everything, style too.
    All,
}

impl Profile {
    /// The profile with that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Default, Self::Strict, Self::All].into_iter().find(|it| it.name() == name)
    }

    /// The name that users see and write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Strict => "strict",
            Self::All => "all",
        }
    }
}

/// What a rule can say about its checklist items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// A finding violates them, silence about a subject verifies them.
    #[default]
    Decides,
    /// A violation can be shown, goodness cannot.
    Refutes,
    /// Presence proves, absence proves nothing.
    Confirms,
}

impl Power {
    /// The name that users see and write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::Refutes => "refutes",
            Self::Confirms => "confirms",
        }
    }
}

/// What a peer calls the defect.
#[derive(Debug)]
pub struct Equivalent {
    /// `hadolint:DL3002`, …
    pub id: Arc<str>,
    /// Holds where the peer would say so too; always, if there is none.
    pub when: Option<Written>,
}

/// What must hold for a subject.
#[derive(Debug)]
pub struct Require {
    /// Which subjects it is about; all, if there is none.
    pub when: Option<Written>,
    /// What must hold.
    pub that: Written,
    /// What to say where it does not.
    pub message: Written,
    /// The node to point at.
    pub at: Option<Written>,
    /// A list of the nodes that it disagrees with.
    pub related: Option<Written>,
    /// How to mend it, instead of the edits of the rule.
    pub edits: Vec<Edit>,
}

/// A small repository, and what the rule finds in it.
#[derive(Debug)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// `line: message` or `path:line: message`; empty if the rule is silent.
    pub finds: Vec<String>,
    /// `line` or `path:line`: where the rule proves its items; empty if it proves nothing.
    pub proves: Vec<String>,
    /// The texts of its files, by path.
    pub files: BTreeMap<String, String>,
    /// What the rule's edits make of them: the files that change.
    pub fixed: BTreeMap<String, String>,
}

/// One defect, as its file describes it. What the file says beyond its first look is read when it
/// is first asked for: most rules are about files that a repository does not have.
#[derive(Debug)]
pub struct Rule {
    /// The path of its file below `rules/`, without `.toml`.
    pub id: Arc<str>,
    /// When it is on.
    pub profile: Profile,
    /// Where its subjects come from.
    pub view: &'static View,
    /// The text of its file.
    pub text: Cow<'static, str>,
    /// The path of its file, as errors name it.
    pub path: String,
    /// Whether it may have the parameter `today`.
    dated: bool,
    /// What that parameter is in this run, instead of what the file says.
    today: Option<Date>,
    head: OnceLock<Box<Head>>,
    programs: OnceLock<Box<Result<Programs, RuleError>>>,
}

/// What a rule file says, without its examples.
#[derive(Debug, Default)]
pub struct Head {
    /// The defect, in a few words.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it can say about its items.
    pub power: Power,
    /// The checklist items it is about.
    pub items: Arc<[Arc<str>]>,
    /// What the peers call it.
    pub equivalents: Vec<Equivalent>,
    /// What goes wrong in production.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Where to read more.
    pub refs: Vec<String>,
    /// Which subjects are judged; all, if there is none.
    pub when: Option<Written>,
    /// What proves its items.
    pub proves: Option<Written>,
    /// The node findings point at.
    pub at: Option<Written>,
    /// What its expressions call `params`.
    pub params: BTreeMap<String, toml::Value>,
    /// What must hold.
    pub requires: Vec<Require>,
    /// How to mend it.
    pub edits: Vec<Edit>,
}

impl Head {
    fn set_today(&mut self, today: Date) {
        self.params.insert("today".into(), today.to_string().into());
    }
}

impl Deref for Rule {
    type Target = Head;

    fn deref(&self) -> &Head {
        self.head.get_or_init(|| self.read().into())
    }
}

/// The rules that are on.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// The rules, by id.
    pub rules: Vec<Rule>,
    /// Rules that the profile leaves out and that a ruleset of a peer may ask for.
    pub asked: Vec<Rule>,
    /// The ids of rules that are on only because the configuration of a peer chooses them.
    pub chosen: BTreeSet<Arc<str>>,
    /// They are of the profile `all`.
    pub is_all: bool,
}

/// What the rules that come with the program say of the checks of a peer, its name with a colon.
pub fn peer_ids(peer: &str) -> Vec<&'static str> {
    let start = format!("\"{peer}");
    let finder = memchr::memmem::Finder::new(&start);
    let of = |it: &'static Builtin| {
        let found = finder.find_iter(it.text.as_bytes()).map(|at| &it.text[at + 1..]);
        found.filter_map(|it| it.split_once('"').map(|it| it.0)).collect::<Vec<_>>()
    };
    let mut ids: Vec<_> = BUILTIN.iter().flat_map(of).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The rules that come with the program and stand for a check of a peer.
pub fn standing_for(check: &str) -> impl Iterator<Item = &'static str> {
    let named = format!("\"{check}\"");
    let names = move |it: &&Builtin| memchr::memmem::find(it.text.as_bytes(), named.as_bytes());
    BUILTIN.iter().filter(move |it| names(it).is_some()).map(|it| it.id)
}

impl Rule {
    /// Whether it comes with the program.
    pub fn is_builtin(&self) -> bool {
        matches!(self.text, Cow::Borrowed(_))
    }

    /// Changes what the file says, as the configuration of a repository may.
    pub fn change(&mut self, change: impl FnOnce(&mut Head)) {
        let mut head = self.head.take().unwrap_or_else(|| self.read().into());
        change(&mut head);
        self.head = head.into();
    }

    /// Tells the rule the day, if it asks for one.
    pub fn set_today(&mut self, today: Date) {
        if self.dated {
            self.today = Some(today);
            if let Some(head) = self.head.get_mut() {
                head.set_today(today);
            }
        }
    }

    /// Only built-in rules are read this late, and a test reads them all.
    fn read(&self) -> Head {
        let mut head = load::head(&self.path, &self.text).unwrap_or_default();
        if let Some(today) = self.today {
            head.set_today(today);
        }
        head
    }
}

impl RuleSet {
    /// The rules that come with the program.
    pub fn builtin() -> Result<Self, RuleError> {
        Self::builtin_of(Profile::All)
    }

    /// Those of them that a profile holds.
    pub fn builtin_of(profile: Profile) -> Result<Self, RuleError> {
        let may_be_on = |it: &&Builtin| it.profile().is_none_or(|it| it <= profile);
        let rules = BUILTIN.iter().filter(may_be_on).map(Rule::builtin);
        let on = |it: &Result<Rule, _>| it.as_ref().map_or(true, |it| it.profile <= profile);
        Ok(Self { rules: rules.filter(on).collect::<Result<_, _>>()?, ..Self::default() })
    }

    /// The ids of all rules that come with the program, sorted.
    pub fn builtin_ids() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|it| it.id)
    }

    /// Adds the rules in the files `**.toml` below `root`; their ids are their paths below it. A
    /// rule replaces the one that has its id.
    pub fn add_folder(&mut self, root: &Path) -> Result<(), RuleError> {
        for file in rule_files(root)? {
            self.add(read(root, &file)?);
        }
        Ok(())
    }

    /// Adds the rule that `text` describes, as if it lay at `file` below the folder `root`.
    pub fn add_text(&mut self, root: &Path, file: &str, text: String) -> Result<(), RuleError> {
        self.add(parse(root, &root.join(file), text)?);
        Ok(())
    }

    fn add(&mut self, rule: Rule) {
        match self.rules.binary_search_by(|it| it.id.cmp(&rule.id)) {
            Ok(at) => self.rules[at] = rule,
            Err(at) => self.rules.insert(at, rule),
        }
    }

    /// The rule with the given id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        let at = self.rules.binary_search_by(|it| it.id.as_ref().cmp(id)).ok()?;
        self.rules.get(at)
    }

    /// The rules that a glob over ids and peers' ids names; none is an error with a suggestion.
    pub fn named(&self, pattern: &str) -> Result<Vec<&Rule>, RuleError> {
        select::find(self, pattern)
    }

    /// Keeps the rules that a run wants: those that match a pattern of `wanted`, or all of the
    /// profile if there is none (the others may be asked for), without those that match a pattern
    /// of `ignored`. Patterns are
    /// globs over ids and over what peers call the rules, such as `hadolint:*`.
    pub fn select(
        &mut self,
        profile: Profile,
        wanted: &[String],
        ignored: &[String],
    ) -> Result<(), RuleError> {
        select::select(self, profile, wanted, ignored)
    }

    /// Turns on what stands for the checks that the configuration of a peer asks for: of each, if
    /// no rule is on that does, the rules of the narrowest profile that has one.
    pub fn choose(&mut self, asks: impl Fn(&str) -> bool) {
        select::choose(self, &asks);
    }
}

/// The rule files below a folder, sorted; none if it is not there.
fn rule_files(root: &Path) -> Result<Vec<PathBuf>, RuleError> {
    let mut files = Vec::new();
    if !root.exists() {
        return Ok(files);
    }
    for entry in walkdir::WalkDir::new(root).max_depth(32).sort_by_file_name() {
        let entry = entry.map_err(|error| RuleError::unreadable(root, &error))?;
        let is_rule = entry.path().extension().is_some_and(|it| it == "toml");
        if entry.file_type().is_file() && is_rule {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

fn read(root: &Path, file: &Path) -> Result<Rule, RuleError> {
    let text =
        std::fs::read_to_string(file).map_err(|error| RuleError::unreadable(file, &error))?;
    parse(root, file, text)
}

fn parse(root: &Path, file: &Path, text: String) -> Result<Rule, RuleError> {
    let below = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let id = below.to_string_lossy().replace('\\', "/");
    let rule = Rule::parse(&id, &file.to_string_lossy(), Cow::Owned(text))?;
    rule.check()?;
    Ok(rule)
}

#[cfg(test)]
mod tests;
