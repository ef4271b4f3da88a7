//! The checklist: every line that a service answers for before it ships, as `rules/checklist.toml`
//! says.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

/// `rules/checklist.toml`, as the build wrote it down.
const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/checklist.json"));

/// How many days an attestation may hold where the item says nothing else.
const LIFETIME: i64 = 365;

static BUILTIN: LazyLock<Checklist> = LazyLock::new(|| Checklist::parse(TEXT).unwrap_or_default());

/// The checklist that comes with the program.
pub fn checklist() -> &'static Checklist {
    &BUILTIN
}

/// What can settle an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Files decide it.
    Static,
    /// Files can show it or refute it.
    Evidence,
    /// People vouch for it.
    Attest,
}

impl Class {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Evidence => "evidence",
            Self::Attest => "attest",
        }
    }
}

/// Who settles an item that files can settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settler {
    /// Rules that name it among their `items`.
    #[default]
    Rules,
    /// A table of `readiness.toml`.
    Readiness,
    /// The other lines.
    RollUp,
}

/// What a repository or a service can have, so that an item applies to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// A Dockerfile.
    Dockerfile,
    /// Manifests for Kubernetes.
    Kubernetes,
    /// A Makefile, or the file of another runner.
    Makefile,
    /// An OpenAPI document.
    Openapi,
    /// An HTTP interface.
    Http,
    /// A database.
    Database,
    /// A cache.
    Cache,
    /// Static assets that it serves.
    StaticAssets,
    /// A service mesh.
    ServiceMesh,
    /// Calls to other services.
    OutboundCalls,
    /// Access tokens that it issues or checks.
    Tokens,
    /// OAuth clients or servers.
    Oauth,
    /// Sessions in cookies.
    Sessions,
    /// Passwords that it stores.
    Passwords,
    /// Data about people.
    PersonalData,
    /// Feature flags.
    FeatureFlags,
}

impl Fact {
    /// Every fact.
    pub const ALL: [Self; 16] = [
        Self::Dockerfile,
        Self::Kubernetes,
        Self::Makefile,
        Self::Openapi,
        Self::Http,
        Self::Database,
        Self::Cache,
        Self::StaticAssets,
        Self::ServiceMesh,
        Self::OutboundCalls,
        Self::Tokens,
        Self::Oauth,
        Self::Sessions,
        Self::Passwords,
        Self::PersonalData,
        Self::FeatureFlags,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dockerfile => "dockerfile",
            Self::Kubernetes => "kubernetes",
            Self::Makefile => "makefile",
            Self::Openapi => "openapi",
            Self::Http => "http",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::StaticAssets => "static-assets",
            Self::ServiceMesh => "service-mesh",
            Self::OutboundCalls => "outbound-calls",
            Self::Tokens => "tokens",
            Self::Oauth => "oauth",
            Self::Sessions => "sessions",
            Self::Passwords => "passwords",
            Self::PersonalData => "personal-data",
            Self::FeatureFlags => "feature-flags",
        }
    }

    /// What it is, as it follows "there is no" in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Dockerfile => "Dockerfile",
            Self::Kubernetes => "Kubernetes manifest",
            Self::Makefile => "Makefile or file of another runner",
            Self::Openapi => "OpenAPI document",
            Self::Http => "HTTP interface",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::StaticAssets => "static asset",
            Self::ServiceMesh => "service mesh",
            Self::OutboundCalls => "outbound call",
            Self::Tokens => "access token",
            Self::Oauth => "OAuth",
            Self::Sessions => "session",
            Self::Passwords => "stored password",
            Self::PersonalData => "personal data",
            Self::FeatureFlags => "feature flag",
        }
    }

    /// Whether the files of a repository tell that it is absent. What they cannot tell counts as
    /// present until `readiness.toml` says that the service lacks it.
    pub fn shows_in_files(self) -> bool {
        matches!(
            self,
            Self::Dockerfile
                | Self::Kubernetes
                | Self::Makefile
                | Self::Openapi
                | Self::ServiceMesh
        )
    }
}

/// One line of the checklist.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// `infrastructure.containers.non-root`, …
    pub id: String,
    /// What must hold.
    pub title: String,
    /// What can settle it.
    pub class: Class,
    /// Any of these must be there for it to apply; always, if there are none.
    #[serde(default)]
    pub applies: Vec<Fact>,
    /// The item that asks for the same; both share a status.
    pub same_as: Option<String>,
    /// The days after the launch from which it counts.
    pub due: Option<i64>,
    /// The half that files cannot show: evidence alone does not verify the item.
    pub signoff: Option<String>,
    /// Who settles it.
    #[serde(default)]
    pub settled_by: Settler,
    /// No rule settles it yet.
    #[serde(default)]
    pub planned: bool,
    lifetime: Option<i64>,
    /// The title of its section.
    #[serde(skip)]
    pub section: String,
    /// The title of its group within the section.
    #[serde(skip)]
    pub group: String,
}

impl Item {
    /// The most days that an attestation for it may hold.
    pub fn lifetime(&self) -> i64 {
        self.lifetime.unwrap_or(LIFETIME)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    title: String,
    items: Vec<Item>,
}

/// The lines of the checklist, in order.
#[derive(Clone, Debug, Default)]
pub struct Checklist {
    /// The items, in order.
    pub items: Vec<Item>,
    by_id: HashMap<String, usize>,
}

impl Checklist {
    /// The checklist that JSON of the form of `rules/checklist.toml` describes.
    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut items = Vec::new();
        for section in file.section {
            for group in section.group {
                for mut item in group.items {
                    item.section.clone_from(&section.title);
                    item.group.clone_from(&group.title);
                    items.push(item);
                }
            }
        }
        let by_id = items.iter().enumerate().map(|(at, item)| (item.id.clone(), at)).collect();
        Ok(Self { items, by_id })
    }

    /// The index of the item with the given id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The item with the given id.
    pub fn get(&self, id: &str) -> Option<&Item> {
        self.items.get(self.position(id)?)
    }

    /// The index of the item that stands for the one at `at`: itself, or what it is the same as.
    pub fn canonical(&self, at: usize) -> usize {
        let same = self.items.get(at).and_then(|item| self.position(item.same_as.as_deref()?));
        same.unwrap_or(at)
    }

    /// The ids of all items.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|it| it.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_there_once() {
        let checklist = Checklist::parse(TEXT).unwrap();
        assert_eq!(checklist.items.len(), 238);
        assert_eq!(checklist.by_id.len(), 238);
        let class = |class| checklist.items.iter().filter(|it| it.class == class).count();
        assert_eq!([Class::Static, Class::Evidence, Class::Attest].map(class), [42, 132, 64]);
    }

    #[test]
    fn ids_are_three_plain_words() {
        for id in checklist().ids() {
            let plain = |part: &str| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
            };
            assert!(id.split('.').count() == 3 && id.split('.').all(plain), "{id}");
        }
    }

    #[test]
    fn an_item_that_repeats_another_says_nothing_of_its_own() {
        let checklist = checklist();
        for (at, item) in checklist.items.iter().enumerate() {
            let Some(same) = &item.same_as else { continue };
            let other = &checklist.items[checklist.canonical(at)];
            assert_eq!(other.id, *same);
            assert!(other.same_as.is_none(), "{same} is itself a repetition");
            assert!(
                item.applies.is_empty() && item.lifetime.is_none() && !item.planned,
                "{}",
                item.id
            );
        }
    }

    #[test]
    fn facts_are_called_in_files_as_in_reports() {
        for fact in Fact::ALL {
            let read = Fact::deserialize(toml::Value::from(fact.name())).unwrap();
            assert_eq!(read, fact);
        }
    }

    /// The items that rules name, by the item that stands for them.
    fn ruled() -> std::collections::BTreeSet<usize> {
        let rules = crate::rule::RuleSet::builtin().unwrap();
        let mut ruled = std::collections::BTreeSet::new();
        for rule in &rules.rules {
            for item in rule.items.iter() {
                let at = checklist().position(item);
                let at = at.unwrap_or_else(|| panic!("{}: there is no item {item}", rule.id));
                ruled.insert(checklist().canonical(at));
            }
        }
        ruled
    }

    #[test]
    fn what_files_can_settle_is_settled_by_a_rule_or_planned() {
        let ruled = ruled();
        for (at, item) in checklist().items.iter().enumerate() {
            let by_rules = item.class != Class::Attest && item.settled_by == Settler::Rules;
            if by_rules && item.same_as.is_none() && !item.planned {
                assert!(ruled.contains(&at), "no rule settles {}, and it is not planned", item.id);
            }
        }
    }
}
