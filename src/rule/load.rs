//! From the text of a rule file to a rule; what is wrong with it is shown where it is wrong.

use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::OnceLock};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use super::{
    Builtin, Equivalent, Example, Head, Power, Profile, Require, Rule, RuleError,
    compile::Programs,
    edit::{Change, Edit},
    glance, nearest,
};
use crate::{
    artifact::{self, View},
    finding::Severity,
};

/// A text in a rule file that holds an expression or a message, and where it is written.
#[derive(Debug)]
pub struct Written {
    /// The text, escapes resolved.
    pub text: String,
    /// The bytes of the file it takes, with its quotes.
    pub range: Range<usize>,
}

impl From<Spanned<String>> for Written {
    fn from(text: Spanned<String>) -> Self {
        let range = text.span();
        Self { text: text.into_inner(), range }
    }
}

/// A rule file, without its examples.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    title: String,
    severity: Severity,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    power: Power,
    #[serde(default)]
    items: Vec<String>,
    #[serde(default)]
    equivalents: Vec<Peer>,
    why: String,
    fix: String,
    #[serde(default)]
    refs: Vec<String>,
    subject: Spanned<String>,
    when: Option<Spanned<String>>,
    #[serde(default)]
    params: BTreeMap<String, toml::Value>,
    at: Option<Spanned<String>>,
    proves: Option<Spanned<String>>,
    #[serde(default)]
    require: Vec<Needs>,
    #[serde(default)]
    edit: Vec<Change>,
}

/// One `[[require]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Needs {
    when: Option<Spanned<String>>,
    that: Spanned<String>,
    message: Spanned<String>,
    at: Option<Spanned<String>>,
    related: Option<Spanned<String>>,
    #[serde(default)]
    edit: Vec<Change>,
}

/// An equivalent: the peer's id alone, or with a condition.
struct Peer {
    id: String,
    when: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for Peer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeerVisitor)
    }
}

struct PeerVisitor;

impl<'de> Visitor<'de> for PeerVisitor {
    type Value = Peer;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a peer's id, or { id = \"…\", when = '…' }")
    }

    fn visit_str<E>(self, id: &str) -> Result<Peer, E> {
        Ok(Peer { id: id.to_owned(), when: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Peer, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Conditional {
            id: String,
            when: Spanned<String>,
        }
        let it = Conditional::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Peer { id: it.id, when: Some(it.when) })
    }
}

/// The examples of a rule file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    #[serde(default)]
    example: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    name: String,
    finds: Vec<String>,
    #[serde(default)]
    proves: Vec<String>,
    files: BTreeMap<String, String>,
    #[serde(default)]
    fixed: BTreeMap<String, String>,
}

/// What a rule file says, without its examples.
pub(super) fn head(path: &str, text: &str) -> Result<Head, RuleError> {
    draft(path, text)?.head(path, text)
}

fn draft(path: &str, text: &str) -> Result<Draft, RuleError> {
    toml::from_str(&text[..glance::split(text)]).map_err(|error| malformed(path, text, 0, &error))
}

impl Draft {
    fn head(self, path: &str, text: &str) -> Result<Head, RuleError> {
        Ok(Head {
            title: self.title,
            severity: self.severity,
            power: self.power,
            items: self.items.into_iter().map(Into::into).collect(),
            equivalents: self.equivalents.into_iter().map(Into::into).collect(),
            why: self.why,
            fix: self.fix,
            refs: self.refs,
            when: self.when.map(Into::into),
            proves: self.proves.map(Into::into),
            at: self.at.map(Into::into),
            params: self.params,
            edits: edits(self.edit, path, text)?,
            requires: requires(self.require, path, text)?,
        })
    }
}

impl Rule {
    /// A rule that comes with the program: its file is read when somebody asks what it says.
    pub(super) fn builtin(builtin: &Builtin) -> Result<Self, RuleError> {
        let Builtin { id, text, .. } = *builtin;
        let (path, text) = (format!("rules/{id}.toml"), Cow::Borrowed(text));
        let view = builtin.first.and_then(|it| artifact::view(it.1));
        match builtin.profile().zip(view) {
            Some((profile, view)) => {
                let dated = builtin.dated;
                Ok(Self { dated, ..Self::new(id, path, text, profile, view) })
            }
            None => Self::parse(id, &path, text),
        }
    }

    /// The rule that a file describes. Its examples are not read, its expressions not compiled.
    pub fn parse(id: &str, path: &str, text: Cow<'static, str>) -> Result<Self, RuleError> {
        Self::parse_with(artifact::view, id, path, text)
    }

    /// The same, over the views that `view` knows.
    pub(super) fn parse_with(
        view: fn(&str) -> Option<&'static View>,
        id: &str,
        path: &str,
        text: Cow<'static, str>,
    ) -> Result<Self, RuleError> {
        let draft = draft(path, &text)?;
        let Some(view) = view(draft.subject.get_ref()) else {
            return Err(unknown_view(path, &text, &draft.subject));
        };
        let profile = draft.profile;
        let head = Box::new(draft.head(path, &text)?).into();
        let dated = glance::is_dated(&text);
        Ok(Self { head, dated, ..Self::new(id, path.to_owned(), text, profile, view) })
    }

    fn new(
        id: &str,
        path: String,
        text: Cow<'static, str>,
        profile: Profile,
        view: &'static View,
    ) -> Self {
        let (head, programs) = (OnceLock::new(), OnceLock::new());
        let (dated, today) = (false, None);
        Self { id: id.into(), path, text, profile, view, dated, today, head, programs }
    }

    /// Checks what is otherwise only looked at when a file needs it: expressions and examples.
    pub fn check(&self) -> Result<(), RuleError> {
        head(&self.path, &self.text)?;
        Programs::of(self, true)?;
        self.examples().map(drop)
    }

    /// Its expressions, compiled when they are first needed.
    pub(super) fn programs(&self) -> Result<&Programs, &RuleError> {
        let programs = self.programs.get_or_init(|| Programs::of(self, false).into());
        programs.as_ref().as_ref()
    }

    /// The examples in its file.
    pub fn examples(&self) -> Result<Vec<Example>, RuleError> {
        let start = glance::split(&self.text);
        let tail: Tail = toml::from_str(&self.text[start..])
            .map_err(|error| malformed(&self.path, &self.text, start, &error))?;
        Ok(tail.example.into_iter().map(Into::into).collect())
    }
}

impl From<Peer> for Equivalent {
    fn from(it: Peer) -> Self {
        Self { id: it.id.into(), when: it.when.map(Into::into) }
    }
}

fn requires(list: Vec<Needs>, path: &str, text: &str) -> Result<Vec<Require>, RuleError> {
    let require = |it: Needs| {
        Ok(Require {
            when: it.when.map(Into::into),
            that: it.that.into(),
            message: it.message.into(),
            related: it.related.map(Into::into),
            at: it.at.map(Into::into),
            edits: edits(it.edit, path, text)?,
        })
    };
    list.into_iter().map(require).collect()
}

fn edits(list: Vec<Change>, path: &str, text: &str) -> Result<Vec<Edit>, RuleError> {
    list.into_iter().map(|it| it.read(path, text)).collect()
}

impl From<Sample> for Example {
    fn from(it: Sample) -> Self {
        Self { name: it.name, finds: it.finds, proves: it.proves, files: it.files, fixed: it.fixed }
    }
}

/// What the TOML reader found wrong, `shift` bytes further on.
fn malformed(path: &str, text: &str, shift: usize, error: &toml::de::Error) -> RuleError {
    let range = error.span().unwrap_or(0..0);
    let range = range.start + shift..range.end + shift;
    let message = error.message().lines().next().unwrap_or("this is not TOML");
    // `unknown field `titel`, expected one of `title`, `severity``: the words are in backticks.
    let mut words = message.split('`').skip(1).step_by(2);
    let help = match words.next() {
        Some(word) if message.starts_with("unknown") => Some(match nearest(word, words.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", words.collect::<Vec<_>>().join(", ")),
        }),
        _ => None,
    };
    let message = match message.split_once(", expected one of `") {
        Some((start, _)) => start.replace("field", "key").replace("variant", "word"),
        None => message.replace("field", "key"),
    };
    RuleError::at(path, text, range, message, "here", help)
}

fn unknown_view(path: &str, text: &str, subject: &Spanned<String>) -> RuleError {
    let name = subject.get_ref();
    let names = || artifact::views().map(|view| view.name);
    let kind = name.split('.').next().unwrap_or(name);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let same: Vec<_> = names().filter(|it| it.starts_with(kind)).collect();
            let all = if same.is_empty() { names().collect() } else { same };
            format!("there are: {}", all.join(", "))
        }
    };
    let message = format!("there is no view `{name}`");
    RuleError::at(path, text, subject.span(), message, "not a view", Some(help))
}
