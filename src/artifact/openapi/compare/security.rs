//! Who may call an operation, before a change and after it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Operation, Side, Walk};
use crate::document::Node;

/// What somebody must show, by how it is shown, with the scopes it must have.
type Way = BTreeMap<String, BTreeSet<String>>;

impl<'t> Side<'t> {
    /// The security that holds for an operation, and whether it is its own.
    fn security(&self, operation: Node<'t>) -> (Option<Node<'t>>, bool) {
        let own = operation.get("security");
        let all = own.or_else(|| self.root.get("security")).filter(|it| it.is_seq());
        (all, own.is_some())
    }

    /// The ways in, each with a text for people. Nothing if a scheme is not known.
    fn ways(&self, security: Option<Node<'t>>) -> Option<Vec<(Way, String)>> {
        let mut ways = Vec::new();
        for need in security.into_iter().flat_map(Node::children) {
            let (mut way, mut said) = (Way::new(), Vec::new());
            for (name, scopes) in need.entries() {
                let scopes: BTreeSet<_> = scopes.children().map(Node::display).collect();
                let listed: Vec<_> = scopes.iter().map(String::as_str).collect();
                said.push(match listed.is_empty() {
                    true => format!("`{name}`"),
                    false => format!("`{name}` with {}", listed.join(", ")),
                });
                way.entry(self.shown(name)?).or_default().extend(scopes);
            }
            let said = if said.is_empty() { "nothing".to_owned() } else { said.join(" and ") };
            ways.push((way, said));
        }
        if ways.is_empty() {
            ways.push((Way::new(), "nothing".to_owned()));
        }
        Some(ways)
    }

    /// How a scheme is shown in a request, whatever it is called.
    fn shown(&self, name: &str) -> Option<String> {
        let schemes = match self.version.major {
            2 => self.root.get("securityDefinitions"),
            _ => self.root.at(&["components", "securitySchemes"]),
        };
        let it = self.refs.resolve(schemes?.get(name)?)?;
        let text = |key| it.str(key).unwrap_or_default().to_ascii_lowercase();
        Some(match it.str("type")? {
            "apiKey" => format!("{} {}", text("in"), text("name")),
            "basic" => "http basic".to_owned(),
            "http" if text("scheme") == "bearer" => "http bearer".to_owned(),
            "http" => format!("http {}", text("scheme")),
            "oauth2" | "openIdConnect" => "http bearer".to_owned(),
            kind => kind.to_owned(),
        })
    }
}

/// What was said of changes of security.
#[derive(Debug, Default)]
pub(super) struct Securities {
    /// Whether what the document says for all was compared.
    whole: bool,
    /// What was asked before and now: which change says so, and for how many more operations.
    told: HashMap<(String, String), (usize, usize)>,
}

/// Whether who could come in by `old` comes in by `new`.
fn admits(new: &Way, old: &Way) -> bool {
    new.iter().all(|(scheme, scopes)| old.get(scheme).is_some_and(|it| scopes.is_subset(it)))
}

impl<'o, 'n> Walk<'_, 'o, 'n> {
    pub(super) fn security(&mut self, old: Operation<'o>, new: Operation<'n>) {
        let (before, old_own) = self.old.security(old.node);
        let (now, new_own) = self.new.security(new.node);
        // What the document says for all is compared once.
        let whole = !old_own && !new_own;
        if whole && !std::mem::replace(&mut self.securities.whole, true) {
            self.operation = "every operation without its own".to_owned();
        } else if whole {
            return;
        }
        let (Some(before), Some(ways)) = (self.old.ways(before), self.new.ways(now)) else {
            return;
        };
        let lost = before.iter().find(|old| !ways.iter().any(|new| admits(&new.0, &old.0)));
        let Some(lost) = lost else { return };
        let said: Vec<_> = ways.iter().map(|it| it.1.as_str()).collect();
        let said = said.join(" or ");
        // One dependency of a router gives every operation below it the same.
        let told = (lost.1.clone(), said);
        if let Some((_, count)) = self.securities.told.get_mut(&told) {
            *count += 1;
            return;
        }
        self.securities.told.insert(told.clone(), (self.changes.len(), 0));
        self.note("security-tightened", now.unwrap_or(new.node), "security", (&told.0, &told.1));
    }

    /// Says how many operations a change of security is for.
    pub(super) fn count_securities(&mut self) {
        for &(at, more) in self.securities.told.values().filter(|it| it.1 > 0) {
            let operation = &mut self.changes[at].operation;
            *operation = format!("{operation} and {more} more");
        }
    }
}
