//! `readiness.toml`: what people vouch for, each with a name, a date and an end.
//!
//! It holds facts about the service, objectives, contacts, attestations and waivers. Reading it
//! finds every fault at once, each with its place and what to do.

use std::{fmt, ops::Range, sync::Arc};

use globset::{Glob, GlobMatcher};
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use toml::de::DeTable;

use crate::{
    checklist::{Fact, Settler, checklist},
    date::Date,
    document::{Problem, Trouble},
    finding::{self, Finding},
    source::{Position, Source},
};

mod read;

use read::{Section, Value};

/// Where it lies: the first of these that is there.
pub const PATHS: [&str; 2] = ["readiness.toml", ".github/readiness.toml"];

/// The most days that a waiver may run from today.
const WAIVER_DAYS: i64 = 365;

/// What the files of the repository tell about what is written in `readiness.toml`.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Today.
    pub now: Date,
    /// Whether the repository holds a file or a folder at a path.
    pub has_path: &'a dyn Fn(&str) -> bool,
    /// The ids of all rules, on or off.
    pub rules: &'a [&'a str],
}

/// What people vouch for.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    /// The path of the file.
    pub path: Arc<str>,
    /// What the service is.
    pub service: Service,
    /// What it promises.
    pub objectives: Vec<Objective>,
    /// Who answers.
    pub contacts: Vec<Contact>,
    /// What people vouch for.
    pub attestations: Vec<Attestation>,
    /// Which findings people answer for.
    pub waivers: Vec<Waiver>,
}

/// What the service is.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Who owns it.
    pub owner: Option<Arc<str>>,
    /// When it goes or went live.
    pub launch: Option<Date>,
    /// What it does not have: items that apply to nothing else do not apply.
    pub lacks: Vec<(Fact, u32)>,
}

/// A number that the service promises.
#[derive(Clone, Debug)]
pub struct Objective {
    /// Its key in the file.
    pub key: &'static str,
    /// The item it is about.
    pub item: &'static str,
    /// The value, as it was written.
    pub value: String,
    /// What the checklist asks for, where the value is looser than that.
    pub looser_than: Option<&'static str>,
    /// When somebody last looked at it.
    pub reviewed: Date,
    /// Where it is written.
    pub line: u32,
}

/// Somebody who answers.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The item it is about.
    pub item: &'static str,
    /// How to reach them.
    pub to: String,
    /// When somebody last tried.
    pub reviewed: Date,
    /// Where it is written.
    pub line: u32,
}

/// What an attestation says of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// They hold.
    Met,
    /// They do not apply.
    NotApplicable,
}

/// A signed statement about items that files cannot prove.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// The items, as indexes into the checklist.
    pub items: Vec<usize>,
    /// Whether it names its one item by its whole id.
    pub exact: bool,
    /// What it says.
    pub state: State,
    /// Who says it.
    pub by: Arc<str>,
    /// Since when.
    pub on: Date,
    /// Until when.
    pub expires: Date,
    /// What it rests on: addresses, or paths in the repository.
    pub evidence: Vec<Arc<str>>,
    /// The files whose change makes it stale.
    pub scope: Vec<GlobMatcher>,
    /// Why; always there where the items do not apply.
    pub reason: String,
    /// Where it is written.
    pub line: u32,
}

/// A finding that somebody answers for.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The rule, or what a peer calls it.
    pub rule: String,
    /// The files; all if it names none.
    pub path: Option<GlobMatcher>,
    /// Who answers.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Date,
    /// Where it is written.
    pub line: u32,
}

impl Waiver {
    /// Whether it is about the finding, whatever the day.
    pub fn covers(&self, finding: &Finding) -> bool {
        let mut names = std::iter::once(&finding.rule).chain(&*finding.equivalents);
        names.any(|it| **it == *self.rule)
            && self.path.as_ref().is_none_or(|it| it.is_match(&*finding.place.path))
    }
}

impl Readiness {
    /// Reads the file.
    ///
    /// # Errors
    /// With all faults and their places.
    pub fn read(source: &Source, around: Surroundings<'_>) -> Result<Self, Invalid> {
        let mut reader = Reader { source, around, faults: Vec::new(), readiness: Self::default() };
        reader.readiness.path = source.path.as_str().into();
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        for error in errors {
            let at = error.span().unwrap_or(0..0);
            reader.faults.push(Fault::new(at, error.message().trim(), "", None));
        }
        if reader.faults.is_empty() {
            reader.file(table.get_ref());
        }
        match reader.faults.is_empty() {
            true => Ok(reader.readiness),
            false => Err(Invalid::new(source, reader.faults)),
        }
    }

    /// Marks the findings that waivers cover on the day `now`, and gives a problem for each waiver
    /// that has ended: what it covered counts again.
    pub fn waive(&self, findings: &mut [Finding], now: Date) -> Vec<Problem> {
        let mut ended = Vec::new();
        for waiver in &self.waivers {
            if waiver.expires < now {
                ended.push(self.ended(waiver));
                continue;
            }
            for finding in findings.iter_mut().filter(|it| waiver.covers(it)) {
                let said = || finding::Waiver {
                    by: waiver.by.clone(),
                    reason: waiver.reason.clone(),
                    expires: Some(waiver.expires.to_string()),
                };
                finding.waived.get_or_insert_with(|| said().into());
            }
        }
        ended
    }

    fn ended(&self, waiver: &Waiver) -> Problem {
        let Waiver { rule, by, expires, .. } = waiver;
        Problem {
            path: self.path.to_string(),
            start: Position { line: waiver.line, column: 1 },
            kind: Trouble::Unsupported,
            reason: format!("the waiver of `{rule}` by {by} ended on {expires}: it covers nothing"),
        }
    }
}

struct Reader<'a> {
    source: &'a Source,
    around: Surroundings<'a>,
    faults: Vec<Fault>,
    readiness: Readiness,
}

/// The objectives: key, item, and what the checklist asks for.
const OBJECTIVES: &[(&str, &str, Promise)] = &[
    ("p95_ms", "metrics.key.response-time-p95", Promise::AtMost(200.0, "200")),
    ("error_rate", "metrics.key.error-rate", Promise::AtMost(0.001, "0.001")),
    ("availability", "metrics.key.uptime", Promise::AtLeast(0.999, "0.999")),
    ("cpu", "metrics.key.cpu", Promise::AtMost(0.70, "0.70")),
    ("memory", "metrics.key.memory", Promise::AtMost(0.80, "0.80")),
    ("db_connections", "metrics.key.db-connections", Promise::AtMost(0.80, "0.80")),
    ("disk", "metrics.key.disk", Promise::AtMost(0.85, "0.85")),
    ("rto", "continuity.disaster-recovery.rto", Promise::Duration),
    ("rpo", "continuity.disaster-recovery.rpo", Promise::Duration),
];

/// What `[objectives]` promises of the key metrics, by item: seconds, or a share of 1. What is wrong
/// with the file is told where it is read whole.
pub fn promises(text: &str) -> Vec<(&'static str, f64)> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let objectives = table.get("objectives").and_then(toml::Value::as_table);
    let number = |key: &str| {
        let value = objectives?.get(key)?;
        value.as_float().or_else(|| value.as_integer().map(|it| it as f64))
    };
    let promise = |it: &(&'static str, &'static str, Promise)| {
        let value = number(it.0)?;
        Some((it.1, if it.0 == "p95_ms" { value / 1_000.0 } else { value }))
    };
    OBJECTIVES.iter().filter_map(promise).collect()
}

#[derive(Clone, Copy)]
enum Promise {
    AtMost(f64, &'static str),
    AtLeast(f64, &'static str),
    Duration,
}

const ROLES: &[(&str, &str)] = &[
    ("on-call", "contacts.emergency.on-call"),
    ("devops", "contacts.emergency.devops"),
    ("security", "contacts.emergency.security"),
    ("dba", "contacts.emergency.dba"),
    ("product-owner", "contacts.emergency.product-owner"),
];

impl Reader<'_> {
    fn file(&mut self, table: &DeTable<'_>) {
        let file = Section::new("readiness.toml", table, 0..0);
        file.only(&["service", "objectives", "contact", "attest", "waive"], &mut self.faults);
        if let Some(section) = file.table("service", &mut self.faults) {
            self.service(&section);
        }
        if let Some(section) = file.table("objectives", &mut self.faults) {
            self.objectives(&section);
        }
        for section in file.tables("contact", &mut self.faults) {
            self.contact(&section);
        }
        for section in file.tables("attest", &mut self.faults) {
            self.attestation(&section);
        }
        for section in file.tables("waive", &mut self.faults) {
            self.waiver(&section);
        }
    }

    fn service(&mut self, section: &Section<'_>) {
        section.only(&["name", "tier", "owner", "launch", "lacks"], &mut self.faults);
        if let Some(name) = section.get("name") {
            self.honest_text(&name);
        }
        if let Some(tier) = section.get("tier") {
            self.one_of(&tier, &["experimental", "standard", "critical"]);
        }
        self.readiness.service.owner = section.get("owner").and_then(|it| self.person(&it));
        self.readiness.service.launch = section.get("launch").and_then(|it| self.date(&it));
        let Some(lacks) = section.get("lacks") else { return };
        for value in lacks.texts(&mut self.faults) {
            let names = Fact::ALL.map(Fact::name);
            let Some(name) = self.one_of(&value, &names) else { continue };
            let fact = Fact::ALL.into_iter().find(|it| it.name() == name);
            let line = self.line(&value.span);
            self.readiness.service.lacks.extend(fact.map(|it| (it, line)));
        }
    }

    fn objectives(&mut self, section: &Section<'_>) {
        let keys: Vec<_> = OBJECTIVES.iter().map(|it| it.0).chain(["reviewed"]).collect();
        section.only(&keys, &mut self.faults);
        let reviewed = self.required(section, "reviewed").and_then(|it| self.past_date(&it));
        for &(key, item, promise) in OBJECTIVES {
            let Some(value) = section.get(key) else { continue };
            let looser_than = self.promise(&value, promise);
            let (Some(looser_than), Some(reviewed)) = (looser_than, reviewed) else { continue };
            let (line, value) =
                (self.line(&value.span), self.source.text[value.span.clone()].to_owned());
            let objective = Objective { key, item, value, looser_than, reviewed, line };
            self.readiness.objectives.push(objective);
        }
    }

    /// What the checklist asks for, where the value is looser; nothing if the value is no promise.
    fn promise(&mut self, value: &Value<'_>, promise: Promise) -> Option<Option<&'static str>> {
        let number = value.number();
        let (loose, target, share) = match promise {
            Promise::Duration => return self.duration(value).map(|()| None),
            Promise::AtMost(target, text) => (number? > target, text, target < 1.0),
            Promise::AtLeast(target, text) => (number? < target, text, true),
        };
        if !number.is_some_and(|it| it > 0.0 && (it <= 1.0 || !share)) {
            let help = match share {
                true => "write a share of one: 99.9 % is `0.999`",
                false => "write a number above zero",
            };
            self.fault(&value.span, "no such number can be promised", "here", Some(help.into()));
            return None;
        }
        Some(loose.then_some(target))
    }

    fn duration(&mut self, value: &Value<'_>) -> Option<()> {
        let good = value.text().is_some_and(|text| {
            let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
            let unit = &text[digits.len()..];
            digits.parse::<u32>().is_ok_and(|it| it > 0) && ["s", "m", "h", "d"].contains(&unit)
        });
        if !good {
            let help = "write a number and a unit: `30s`, `15m`, `4h`, `1d`";
            self.fault(&value.span, "not a duration", "here", Some(help.into()));
        }
        good.then_some(())
    }

    fn contact(&mut self, section: &Section<'_>) {
        section.only(&["role", "to", "reviewed"], &mut self.faults);
        let roles: Vec<_> = ROLES.iter().map(|it| it.0).collect();
        let role = self.required(section, "role").and_then(|it| self.one_of(&it, &roles));
        let to = self.required(section, "to").and_then(|it| self.reachable(&it));
        let reviewed = self.required(section, "reviewed").and_then(|it| self.past_date(&it));
        let (Some(role), Some(to), Some(reviewed)) = (role, to, reviewed) else { return };
        let Some(&(_, item)) = ROLES.iter().find(|it| it.0 == role) else { return };
        let line = self.line(&section.span);
        self.readiness.contacts.push(Contact { item, to, reviewed, line });
    }

    fn attestation(&mut self, section: &Section<'_>) {
        let keys = ["item", "state", "by", "on", "expires", "evidence", "scope", "reason"];
        section.only(&keys, &mut self.faults);
        let state = self.state(section);
        let met = state == Some(State::Met);
        let named = self.required(section, "item").and_then(|it| self.items(&it, met));
        let by = self.required(section, "by").and_then(|it| self.person(&it));
        let on = self.required(section, "on").and_then(|it| self.past_date(&it));
        let expires = self.required(section, "expires").and_then(|it| self.date(&it));
        let reason = match state {
            Some(State::NotApplicable) => self.required(section, "reason"),
            _ => section.get("reason"),
        };
        let reason = reason.and_then(|it| self.honest_text(&it));
        let evidence = match state {
            Some(State::Met) => self.required(section, "evidence"),
            _ => section.get("evidence"),
        };
        let evidence = evidence.map_or_else(Vec::new, |it| self.evidence(&it));
        let scope = section.get("scope").map_or_else(Vec::new, |it| self.globs(&it));
        let (Some((items, exact)), Some(state), Some(by)) = (named, state, by) else { return };
        let (Some(on), Some(expires)) = (on, expires) else { return };
        self.lifetime(section, &items, on, expires);
        let line = self.line(&section.span);
        let reason = reason.unwrap_or_default();
        let attestation =
            Attestation { items, exact, state, by, on, expires, evidence, scope, reason, line };
        self.once(section, &attestation);
        self.readiness.attestations.push(attestation);
    }

    fn state(&mut self, section: &Section<'_>) -> Option<State> {
        match section.get("state") {
            None => Some(State::Met),
            Some(value) => match self.one_of(&value, &["met", "not-applicable"])? {
                "met" => Some(State::Met),
                _ => Some(State::NotApplicable),
            },
        }
    }

    /// The items that an id names; `database.*` names all below `database`, and only to say that
    /// they do not apply.
    fn items(&mut self, value: &Value<'_>, met: bool) -> Option<(Vec<usize>, bool)> {
        let id = self.text(value)?;
        let all = checklist();
        if let Some(prefix) = id.strip_suffix('*') {
            let below: Vec<_> = (0..all.items.len())
                .filter(|&at| all.items[at].id.starts_with(prefix) && prefix.ends_with('.'))
                .collect();
            if met {
                let help = "vouch for each item by its id; `*` can only say `not-applicable`";
                self.fault(&value.span, "one statement for many items", "here", Some(help.into()));
                return None;
            }
            if !below.is_empty() {
                return Some((below, false));
            }
        }
        let Some(at) = all.position(id) else {
            self.unknown(value, id, "item", all.ids().collect());
            return None;
        };
        let instead = match all.items[at].settled_by {
            Settler::Readiness if id.starts_with("contacts.") => {
                "a `[[contact]]` settles this item"
            }
            Settler::RollUp => "the other items settle this one",
            _ => return Some((vec![at], true)),
        };
        self.fault(&value.span, "nobody can vouch for this item", "here", Some(instead.into()));
        None
    }

    fn lifetime(&mut self, section: &Section<'_>, items: &[usize], on: Date, expires: Date) {
        let Some(value) = section.get("expires") else { return };
        let most = items.iter().map(|&at| checklist().items[at].lifetime()).min().unwrap_or(365);
        let latest = on.plus(most);
        if expires <= on {
            let message = "the attestation ends before it starts";
            self.fault(&value.span, message, "here", Some(format!("write a day after {on}")));
        } else if expires > latest {
            let message = format!("the attestation holds for {} days", expires.since(on));
            let help = format!("this item allows {most} days: {latest} at the latest");
            self.fault(&value.span, &message, "too late", Some(help));
        }
    }

    /// Two statements about one item would leave open which one counts.
    fn once(&mut self, section: &Section<'_>, new: &Attestation) {
        let same = |it: &&Attestation| new.exact && it.exact && it.items == new.items;
        let Some(line) = self.readiness.attestations.iter().find(same).map(|it| it.line) else {
            return;
        };
        let span = section.get("item").map_or(section.span.clone(), |it| it.span);
        let help = format!("line {line} speaks of the same item; keep one of them");
        self.fault(&span, "the item is attested twice", "again", Some(help));
    }

    fn waiver(&mut self, section: &Section<'_>) {
        section.only(&["rule", "path", "by", "reason", "expires", "ticket"], &mut self.faults);
        let rule = self.required(section, "rule").and_then(|it| self.rule(&it));
        let path = section.get("path").map(|it| self.glob(&it));
        let by = self.required(section, "by").and_then(|it| self.person(&it));
        let reason = self.required(section, "reason").and_then(|it| self.honest_text(&it));
        let expires = self.required(section, "expires").and_then(|it| self.waiver_end(&it));
        if let Some(ticket) = section.get("ticket") {
            self.honest_text(&ticket);
        }
        let (Some(rule), Some(by), Some(reason)) = (rule, by, reason) else { return };
        let Some(expires) = expires else { return };
        let path = match path {
            Some(None) => return,
            Some(path) => path,
            None => None,
        };
        let (by, line) = (by.to_string(), self.line(&section.span));
        self.readiness.waivers.push(Waiver { rule, path, by, reason, expires, line });
    }

    fn waiver_end(&mut self, value: &Value<'_>) -> Option<Date> {
        let expires = self.date(value)?;
        let latest = self.around.now.plus(WAIVER_DAYS);
        if expires > latest {
            let help =
                format!("a waiver runs for at most {WAIVER_DAYS} days: {latest} at the latest");
            self.fault(&value.span, "the waiver runs for too long", "too late", Some(help));
            return None;
        }
        Some(expires)
    }

    fn rule(&mut self, value: &Value<'_>) -> Option<String> {
        let rule = self.text(value)?;
        let is_peer = rule.contains(':');
        if !is_peer && !self.around.rules.contains(&rule) {
            self.unknown(value, rule, "rule", self.around.rules.to_vec());
            return None;
        }
        Some(rule.to_owned())
    }

    fn evidence(&mut self, value: &Value<'_>) -> Vec<Arc<str>> {
        let texts = value.texts(&mut self.faults);
        if texts.is_empty() {
            let help = "name an address or a file of the repository that shows it";
            self.fault(&value.span, "no evidence", "empty", Some(help.into()));
        }
        texts.into_iter().filter_map(|it| self.one_evidence(&it)).collect()
    }

    fn one_evidence(&mut self, value: &Value<'_>) -> Option<Arc<str>> {
        let text = self.honest_text(value)?;
        let path = text.split('#').next().unwrap_or(&text).trim_start_matches("./");
        if !text.contains("://") && !(self.around.has_path)(path) {
            let message = format!("the repository has no `{path}`");
            let help = "name a file that is committed, or an `https://` address".to_owned();
            self.fault(&value.span, &message, "no such file", Some(help));
            return None;
        }
        Some(text.into())
    }

    fn globs(&mut self, value: &Value<'_>) -> Vec<GlobMatcher> {
        value.texts(&mut self.faults).into_iter().filter_map(|it| self.glob(&it)).collect()
    }

    fn glob(&mut self, value: &Value<'_>) -> Option<GlobMatcher> {
        let text = self.text(value)?;
        match Glob::new(text) {
            Ok(glob) => Some(glob.compile_matcher()),
            Err(error) => {
                let message = format!("not a glob: {}", error.kind());
                self.fault(&value.span, &message, "here", None);
                None
            }
        }
    }

    fn person(&mut self, value: &Value<'_>) -> Option<Arc<str>> {
        let text = self.honest_text(value)?;
        let (name, host) = text.split_once('@').unwrap_or((&text, ""));
        let is_handle = name.is_empty() && !host.is_empty();
        let is_address = !name.is_empty() && host.contains('.');
        if !(is_handle || is_address) {
            let help = "write `@handle`, `@organisation/team` or an e-mail address";
            self.fault(&value.span, "not a person or a team", "here", Some(help.into()));
            return None;
        }
        Some(text.into())
    }

    fn reachable(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.honest_text(value)?;
        let is_phone =
            text.starts_with('+') && text.chars().filter(char::is_ascii_digit).count() > 6;
        if !text.contains("://") && !text.contains('@') && !is_phone && !text.starts_with('#') {
            let help = "write an address (`https://…`), an e-mail address, `@organisation/team`, \
                        a `#channel` or a telephone number (`+…`)";
            self.fault(&value.span, "nobody can be reached there", "here", Some(help.into()));
            return None;
        }
        Some(text)
    }

    /// Text that says something.
    fn honest_text(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.text(value)?;
        let Some(placeholder) = placeholder(text) else { return Some(text.to_owned()) };
        let message = match placeholder {
            "" => "nothing is written here".to_owned(),
            placeholder => format!("`{placeholder}` is a placeholder"),
        };
        self.fault(&value.span, &message, "here", Some("write the real thing".into()));
        None
    }

    fn text<'v>(&mut self, value: &Value<'v>) -> Option<&'v str> {
        let text = value.text();
        if text.is_none() {
            self.fault(&value.span, "this must be text in quotes", "here", None);
        }
        text
    }

    fn one_of<'k>(&mut self, value: &Value<'_>, names: &[&'k str]) -> Option<&'k str> {
        let text = self.text(value)?;
        let known = names.iter().copied().find(|it| *it == text);
        if known.is_none() {
            self.unknown(value, text, "value", names.to_vec());
        }
        known
    }

    fn date(&mut self, value: &Value<'_>) -> Option<Date> {
        let date = value.date();
        if date.is_none() {
            let help = "write a day of the calendar: `2027-01-31`";
            self.fault(&value.span, "not a date", "here", Some(help.into()));
        }
        date
    }

    fn past_date(&mut self, value: &Value<'_>) -> Option<Date> {
        let date = self.date(value)?;
        if date > self.around.now {
            let message = format!("{date} is in the future: today is {}", self.around.now);
            self.fault(&value.span, &message, "here", None);
            return None;
        }
        Some(date)
    }

    fn required<'s>(&mut self, section: &Section<'s>, key: &str) -> Option<Value<'s>> {
        let value = section.get(key);
        if value.is_none() {
            let message = format!("`{key}` is missing");
            let help = format!("every {} needs one", section.name);
            self.fault(&section.span, &message, "in this table", Some(help));
        }
        value
    }

    fn unknown(&mut self, value: &Value<'_>, text: &str, what: &str, known: Vec<&str>) {
        let fault = read::unknown(value.span.clone(), text, what, &known);
        self.faults.push(fault);
    }

    fn fault(&mut self, span: &Range<usize>, message: &str, label: &str, help: Option<String>) {
        self.faults.push(Fault::new(span.clone(), message, label, help));
    }

    fn line(&self, span: &Range<usize>) -> u32 {
        self.source.position(span.start as u32).line
    }
}

/// The part of a text that was never filled in; empty if nothing is there at all.
fn placeholder(text: &str) -> Option<&str> {
    const WORDS: [&str; 9] =
        ["tbd", "tba", "todo", "fixme", "xxx", "changeme", "placeholder", "lorem", "n/a"];
    let text = text.trim();
    let wrapped = |open, close| text.starts_with(open) && text.ends_with(close);
    if text.is_empty() || wrapped('[', ']') || wrapped('<', '>') || text.chars().all(|it| it == '?')
    {
        return Some(text);
    }
    let is_word = |word: &&str| WORDS.iter().any(|it| word.eq_ignore_ascii_case(it));
    let word = text.split(|it: char| !it.is_alphanumeric() && it != '/').find(is_word);
    let hosts = ["example.com", "example.org", "example.net", "yourdomain.com"];
    let host = hosts.into_iter().find_map(|it| text.find(it).map(|at| &text[at..at + it.len()]));
    word.or(host)
}

/// What is wrong in `readiness.toml`: everything at once.
pub struct Invalid(Box<(NamedSource<String>, Vec<Fault>)>);

impl Invalid {
    fn new(source: &Source, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|it| it.span.start);
        Self(Box::new((NamedSource::new(&source.path, source.text.clone()), faults)))
    }

    /// What is wrong, in the order of the file.
    pub fn faults(&self) -> &[Fault] {
        &self.0.1
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, faults) = &*self.0;
        let faults = faults.len();
        let s = if faults == 1 { "" } else { "s" };
        write!(f, "cannot use {}: {faults} fault{s}", source.name())
    }
}

impl fmt::Debug for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
        writeln!(f)?;
        handler.render_report(f, self)
    }
}

impl std::error::Error for Invalid {}

impl Diagnostic for Invalid {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.0)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.1.iter().map(|it| it as &dyn Diagnostic)))
    }
}

/// One thing that is wrong, with its place.
#[derive(Debug)]
pub struct Fault {
    /// The bytes of the file it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    label: String,
}

impl Fault {
    fn new(span: Range<usize>, message: &str, label: &str, help: Option<String>) -> Self {
        Self { span, message: message.to_owned(), help, label: label.to_owned() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|it| Box::new(it) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(label, self.span.start, self.span.len()))))
    }
}

#[cfg(test)]
mod tests;
