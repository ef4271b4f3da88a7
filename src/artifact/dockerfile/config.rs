//! `.hadolint.yaml`: what it says of rules, registries and labels, joined with the Dockerfiles it is for.

use std::{collections::BTreeMap, sync::Arc};

use super::view::{IMAGE_SOURCE, REQUIRED_LABEL, SCHEMA_LABEL, list};
use crate::{
    artifact::{Artifact, Emit, Kind, Select, Subject, Suppression, View},
    document::{Node, Problem, Trouble},
    parse::{self, image::Image},
    repository::Repository,
    source::Source,
    value::Value,
};

/// What we take from the configuration of hadolint.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Config {
    /// Rules that are not reported.
    pub ignored: Vec<String>,
    /// Registries that images may come from; `*` stands for anything.
    #[serde(rename = "trustedRegistries", deserialize_with = "one_or_many")]
    pub trusted_registries: Vec<String>,
    /// The labels that every image has, with the kind of their values.
    pub label_schema: BTreeMap<String, String>,
    /// Whether other labels are forbidden.
    pub strict_labels: bool,
    /// The levels of rules, in place of their own.
    #[serde(rename = "override")]
    pub levels: Levels,
    /// The least level that fails; `ignore` and `none` mean that nothing does.
    pub failure_threshold: Option<String>,
    /// Whether nothing fails.
    pub no_fail: bool,
    /// Whether comments ignore nothing.
    pub disable_ignore_pragma: bool,
}

/// The rules of each level.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Levels {
    error: Vec<String>,
    warning: Vec<String>,
    info: Vec<String>,
    style: Vec<String>,
}

fn one_or_many<'d, D: serde::Deserializer<'d>>(input: D) -> Result<Vec<String>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        Many(Vec<String>),
    }
    Ok(match <Option<Either> as serde::Deserialize>::deserialize(input)? {
        Some(Either::One(it)) => vec![it],
        Some(Either::Many(them)) => them,
        None => Vec::new(),
    })
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let empty = text.lines().all(|it| it.trim().is_empty() || it.trim().starts_with('#'));
        if empty {
            return Ok(Self::default());
        }
        serde_yaml::from_str(text).map_err(|error| error.to_string().replace('\n', " "))
    }

    /// The level that it gives to one of these rules: `hadolint:DL3008`, …
    pub fn level(&self, peers: &[Arc<str>]) -> Option<&'static str> {
        let has = |rules: &[String]| {
            let id = |it: &Arc<str>| it.strip_prefix("hadolint:").map(str::to_owned);
            peers.iter().filter_map(id).any(|id| rules.contains(&id))
        };
        let levels = &self.levels;
        [
            ("error", &levels.error),
            ("warning", &levels.warning),
            ("info", &levels.info),
            ("info", &levels.style),
        ]
        .into_iter()
        .find(|it| has(it.1))
        .map(|it| it.0)
    }

    /// The least level that fails, if it says: `error`, `warning`, `info` or `never`.
    pub fn threshold(&self) -> Option<&'static str> {
        if self.no_fail {
            return Some("never");
        }
        Some(match self.failure_threshold.as_deref()? {
            "error" => "error",
            "warning" => "warning",
            "info" | "style" => "info",
            "ignore" | "none" => "never",
            _ => return None,
        })
    }

    fn trusts(&self, host: &str) -> bool {
        let hub = ["docker.io", "hub.docker.com"];
        self.trusted_registries.iter().any(|pattern| {
            glob(pattern, host) || (hub.contains(&host) && hub.contains(&pattern.as_str()))
        })
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((front, back)) => name.strip_prefix(front).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|it| rest.is_char_boundary(*it))
                .any(|at| glob(back, &rest[at..]))
        }),
    }
}

/// The configurations of a repository.
#[derive(Debug, Default)]
pub struct Configs {
    /// By the folder they lie in.
    by_folder: BTreeMap<String, Config>,
    /// Where each ignored rule is written, by the folder.
    ignored: BTreeMap<String, Vec<Suppression>>,
}

impl Configs {
    /// Reads those among `texts`, and says which cannot be read.
    pub fn read(texts: &BTreeMap<String, Source>) -> (Self, Vec<Problem>) {
        let (mut configs, mut problems) = (Self::default(), Vec::new());
        for it in
            texts.values().filter(|it| matches!(it.name(), ".hadolint.yaml" | ".hadolint.yml"))
        {
            match Config::parse(&it.text) {
                Ok(config) => {
                    let folder = it.folder();
                    let entries = if config.ignored.is_empty() { Vec::new() } else { ignored(it) };
                    configs.ignored.insert(folder.to_owned(), entries);
                    configs.by_folder.insert(folder.to_owned(), config);
                }
                Err(error) => {
                    let reason = format!("not a configuration of hadolint: {error}");
                    problems.push(Problem::at(it, 0, Trouble::Unsupported, reason));
                }
            }
        }
        (configs, problems)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_folder.is_empty()
    }

    /// The configuration for the files of a folder: the one in it, or the nearest above.
    pub fn nearest(&self, folder: &str) -> Option<&Config> {
        self.by_folder.get(self.folder(folder)?)
    }

    /// The folder whose configuration is for the files of a folder.
    fn folder<'f>(&self, folder: &'f str) -> Option<&'f str> {
        let mut folder = folder;
        loop {
            if self.by_folder.contains_key(folder) {
                return Some(folder);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
}

/// As many entries of `ignored` are honoured: each goes with every Dockerfile below.
const MOST_IGNORED: usize = 500;

/// What the entries of `ignored` in a configuration take back.
fn ignored(source: &Source) -> Vec<Suppression> {
    let (tree, _) = parse::yaml::parse(Source::new(&*source.path, &*source.text));
    let entries = tree.documents().next().and_then(|it| it.get("ignored"));
    let entry = |it: Node<'_>| Suppression {
        what: format!("hadolint:{}", it.text()),
        from_line: 1,
        to_line: u32::MAX,
        reason: format!("ignored in {}", source.name()),
        place: it.span(),
        config: Some(source.path.as_str().into()),
        by: "hadolint",
    };
    entries.into_iter().flat_map(Node::children).take(MOST_IGNORED).map(entry).collect()
}

/// Lets the rules that configurations ignore suppress what they find in the Dockerfiles below, and
/// takes comments that they do not allow for nothing.
pub fn ignore(artifacts: &mut [Artifact], configs: &Configs) {
    if configs.is_empty() {
        return;
    }
    for artifact in artifacts.iter_mut().filter(|it| it.kind == Kind::Dockerfile) {
        let Some(folder) = configs.folder(artifact.tree.source.folder()) else { continue };
        if configs.by_folder[folder].disable_ignore_pragma {
            artifact.suppressions.retain(|it| it.by != "hadolint");
        }
        artifact.suppressions.extend(configs.ignored[folder].iter().cloned());
    }
}

/// The Dockerfiles with a configuration: the one in their folder, or the nearest above.
fn configured<'a>(repository: &'a Repository<'a>) -> Vec<(&'a Artifact, Config)> {
    let (configs, _) = Configs::read(repository.texts);
    if configs.is_empty() {
        return Vec::new();
    }
    let of = |artifact: &'a Artifact| {
        Some((artifact, configs.nearest(artifact.tree.source.folder())?.clone()))
    };
    repository.of(Kind::Dockerfile).filter_map(of).collect()
}

/// The views that join.
pub const VIEWS: &[View] = &[
    View {
        name: "dockerfile.image_source",
        kind: Kind::Dockerfile,
        means: "each image that is pulled, where the repository lists the registries it trusts",
        vars: IMAGE_SOURCE,
        select: Select::Repository(image_sources),
    },
    View {
        name: "dockerfile.required_label",
        kind: Kind::Dockerfile,
        means: "each label that the repository requires, for each image that may be shipped",
        vars: REQUIRED_LABEL,
        select: Select::Repository(required_labels),
    },
    View {
        name: "dockerfile.schema_label",
        kind: Kind::Dockerfile,
        means: "each label, where the repository has a label schema",
        vars: SCHEMA_LABEL,
        select: Select::Repository(schema_labels),
    },
];

fn subject<'a>(fields: Vec<(&'static str, Value<'a>)>, at: Node<'a>) -> Subject<'a> {
    Subject { values: vec![Value::map(fields)], at, object: None }
}

fn image_sources<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for (artifact, config) in configured(repository) {
        if config.trusted_registries.is_empty() {
            continue;
        }
        let mut one = |reference: &str, at: Node<'a>| {
            if reference == "scratch" {
                return;
            }
            let image = Image::parse(reference);
            let host = image.host().to_owned();
            let is_trusted = config.trusts(&host);
            emit(subject(
                vec![
                    ("image", Value::text(reference)),
                    ("host", Value::text(host)),
                    ("is_trusted", Value::Bool(is_trusted)),
                ],
                at,
            ));
        };
        let is = |node: Node<'_>, name: &str| node.get(name).and_then(Node::as_bool) == Some(true);
        for stage in list(artifact, "stages") {
            if let (Some(image), Some(text)) = (stage.get("image"), stage.str("resolved"))
                && !is(stage, "is_stage")
                && !is(stage, "is_scratch")
                && is(stage, "is_resolved")
            {
                one(text, image);
            }
        }
        for copy in list(artifact, "copies") {
            if let Some(from) = copy.get("from")
                && !is(copy, "is_earlier_stage")
                && !is(copy, "is_own_stage")
                && !is(copy, "is_trigger")
                && !from.text().contains('$')
            {
                one(from.text(), from);
            }
        }
        let names: Vec<_> = list(artifact, "stages").filter_map(|it| it.str("name")).collect();
        for mount in
            list(artifact, "runs").filter_map(|it| it.get("mounts")).flat_map(Node::children)
        {
            if let Some(from) = mount.get("from").filter(|it| !it.text().is_empty())
                && !names.contains(&from.text().to_lowercase().as_str())
                && !from.text().contains('$')
                && from.text().parse::<usize>().is_err()
            {
                one(from.text(), from);
            }
        }
    }
}

fn required_labels<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for (artifact, config) in configured(repository) {
        let is = |node: Node<'_>, name: &str| node.get(name).and_then(Node::as_bool) == Some(true);
        for stage in list(artifact, "stages") {
            if is(stage, "is_base") || is(stage, "is_source") {
                continue;
            }
            let Some(at) = stage.get("image") else { continue };
            for name in config.label_schema.keys() {
                let is_present = has_label(artifact, stage, name);
                let fields = vec![
                    ("name", Value::text(name.as_str())),
                    ("is_present", Value::Bool(is_present)),
                ];
                emit(subject(fields, at));
            }
        }
    }
}

/// Whether a stage, or what it is built from, has the label.
fn has_label(artifact: &Artifact, stage: Node<'_>, name: &str) -> bool {
    let labels: Vec<_> =
        list(artifact, "labels").filter(|it| it.str("name") == Some(name)).collect();
    let mut at = Some(stage);
    while let Some(stage) = at {
        let own = |it: &&Node<'_>| {
            it.get("stage") == Some(stage)
                && it.get("is_trigger").and_then(Node::as_bool) != Some(true)
        };
        if labels.iter().any(|it| own(&it)) {
            return true;
        }
        at = stage.get("parent");
    }
    false
}

fn schema_labels<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for (artifact, config) in configured(repository) {
        if config.label_schema.is_empty() && !config.strict_labels {
            continue;
        }
        for label in list(artifact, "labels") {
            let (Some(name), Some(value)) = (label.get("name"), label.get("value")) else {
                continue;
            };
            let kind = config.label_schema.get(name.text());
            let is_valid = kind.is_none_or(|it| fits(it, value.text()));
            let fields = vec![
                ("name", Value::Node(name)),
                ("value", Value::Node(value)),
                ("kind", Value::text(kind.map_or("", String::as_str))),
                ("is_listed", Value::Bool(kind.is_some())),
                ("is_strict", Value::Bool(config.strict_labels)),
                ("is_valid", Value::Bool(is_valid)),
            ];
            emit(subject(fields, label));
        }
    }
}

/// Whether a value is of the kind that a label schema names.
fn fits(kind: &str, value: &str) -> bool {
    match kind {
        "url" => is_url(value),
        "rfc3339" => is_date_time(value),
        "spdx" => is_spdx(value),
        "hash" => {
            matches!(value.len(), 7 | 40)
                && value.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        }
        "semver" => is_semver(value),
        "email" => is_email(value),
        _ => true,
    }
}

fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else { return false };
    scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+.-".contains(&it))
        && !rest.is_empty()
        && !value.contains(char::is_whitespace)
}

fn is_email(value: &str) -> bool {
    let mut parts = value.split('@');
    let (Some(name), Some(host), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_name = |it: u8| it.is_ascii_alphanumeric() || b"!#%&'*+/=?^_`{|}~-".contains(&it);
    let is_quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    let is_address = host.starts_with('[') && host.ends_with(']');
    let is_label = |it: &str| {
        it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
            && !it.is_empty()
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    (is_quoted || name.split('.').all(|it| !it.is_empty() && it.bytes().all(is_name)))
        && (is_address || host.split('.').all(is_label))
}

fn is_semver(value: &str) -> bool {
    let core = value.split(['-', '+']).next().unwrap_or(value);
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b".-+".contains(&it);
    let numbers: Vec<_> = core.split('.').collect();
    numbers.len() == 3
        && value.bytes().all(is_letter)
        && numbers.iter().all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

/// `2026-01-31T10:00:00.5+01:00`.
fn is_date_time(value: &str) -> bool {
    let Some((date, time)) = value.split_once(['T', 't']) else { return false };
    let numbers = |text: &str, apart: char, lengths: &[usize]| -> Option<Vec<u32>> {
        let parts: Vec<_> = text.split(apart).collect();
        (parts.len() == lengths.len()).then_some(())?;
        parts
            .iter()
            .zip(lengths)
            .map(|(it, length)| {
                let digits = it.len() == *length && it.bytes().all(|it| it.is_ascii_digit());
                digits.then(|| it.parse().ok()).flatten()
            })
            .collect()
    };
    let at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let zone_fits = matches!(zone, "Z" | "z")
        || zone.len() >= 5 && zone[1..].bytes().all(|it| it.is_ascii_digit() || it == b':');
    let (Some(date), Some(clock)) =
        (numbers(date, '-', &[4, 2, 2]), numbers(clock, ':', &[2, 2, 2]))
    else {
        return false;
    };
    let leap = date[0] % 4 == 0 && (date[0] % 100 != 0 || date[0] % 400 == 0);
    let days = match date[1] {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&date[2])
        && clock[0] < 24
        && clock[1] < 60
        && clock[2] <= 60
        && !fraction.is_empty()
        && fraction.bytes().all(|it| it.is_ascii_digit())
        && zone_fits
}

/// The identifiers of the SPDX licence list that are not deprecated, sorted.
const LICENCES: &str = include_str!("spdx.txt");

/// An SPDX expression: identifiers, `AND`, `OR`, `WITH`, parentheses.
fn is_spdx(value: &str) -> bool {
    let spaced = value.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_name) = (0i32, true);
    let mut words = spaced.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "(" if wants_name => depth += 1,
            ")" if !wants_name && depth > 0 => depth -= 1,
            "AND" | "OR" if !wants_name => wants_name = true,
            "WITH" if !wants_name => {
                if words.next().is_none() {
                    return false;
                }
            }
            _ if wants_name => {
                let name = word.strip_suffix('+').unwrap_or(word);
                if !LICENCES.lines().any(|it| it == name) {
                    return false;
                }
                wants_name = false;
            }
            _ => return false,
        }
    }
    !wants_name && depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_thresholds_are_ours() {
        let config = |text: &str| Config::parse(text).unwrap();
        let it = config("override: {error: [DL3008], style: [DL3015]}\nfailure-threshold: style\n");
        assert_eq!(it.level(&["x:y".into(), "hadolint:DL3008".into()]), Some("error"));
        assert_eq!(it.level(&["hadolint:DL3015".into()]), Some("info"));
        assert_eq!(it.level(&["hadolint:DL3009".into()]), None);
        assert_eq!(it.threshold(), Some("info"));
        assert_eq!(config("no-fail: true\n").threshold(), Some("never"));
        assert_eq!(config("# nothing\n").threshold(), None);
    }

    #[test]
    fn a_configuration_is_read_as_hadolint_reads_it() {
        let config = Config::parse(
            "trustedRegistries: a.b\nlabel-schema: {x: text}\nstrict-labels: true\nother: 1\n",
        )
        .unwrap();
        assert_eq!(config.trusted_registries, ["a.b"]);
        assert!(config.strict_labels && config.label_schema.contains_key("x"));
        assert!(Config::parse("trustedRegistries: [").is_err());
        let trusts = |patterns: &str, host: &str| {
            Config::parse(&format!("trustedRegistries: {patterns}")).unwrap().trusts(host)
        };
        assert!(trusts("['*.b.com']", "a.b.com") && !trusts("['*.b.com']", "b.com"));
        assert!(trusts("['*']", "docker.io") && trusts("[hub.docker.com]", "docker.io"));
        assert!(!trusts("[a.com]", "a.com:5000"));
    }

    #[test]
    fn values_fit_their_kinds() {
        let good = [
            ("url", "mailto:a"),
            ("rfc3339", "2024-02-29t10:26:33.5+01:00"),
            ("spdx", "(MIT OR Apache-2.0) AND 0BSD"),
            ("hash", "0123abc"),
            ("semver", "1.2.3-rc.1+b"),
            ("email", "a.b+c@d.e"),
            ("text", ""),
        ];
        for (kind, value) in good {
            assert!(fits(kind, value), "{kind} {value}");
        }
        let bad = [
            ("url", "//a"),
            ("url", "http://a b"),
            ("rfc3339", "2023-02-29T10:26:33Z"),
            ("rfc3339", "2023-02-28T10:26Z"),
            ("spdx", "mit"),
            ("spdx", "MIT OR"),
            ("spdx", "GPL-2.0"),
            ("hash", "0123ABC"),
            ("hash", "0123abcd"),
            ("semver", "v1.2.3"),
            ("semver", "1.2"),
            ("email", "a"),
            ("semver", "1.2.3-a_b"),
            ("email", "a@b@c"),
            ("email", ".a@b.c"),
            ("email", "a@-b.c"),
            ("email", "a@b..c"),
        ];
        for (kind, value) in bad {
            assert!(!fits(kind, value), "{kind} {value}");
        }
    }
}
