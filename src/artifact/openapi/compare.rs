//! What a change of a description means for those who call the interface: one walk over what was
//! promised before, against what is promised now.
//!
//! References are followed on both sides and never copied. A schema is compared once for each
//! direction it travels in, wherever it is used: requests may ask for less than before and never
//! for more, responses may hold more than before and never less.

mod content;
mod schema;
mod security;

use std::collections::{HashMap, HashSet};

use super::{
    Version,
    collect::{METHODS, Operation, braces, shape},
    refs::Refs,
};
use crate::document::Node;

/// How many parameters of an operation are compared.
const MOST_PARAMETERS: usize = 1_000;

/// One way in which a description changed, at its place in the new one.
#[derive(Clone, Debug)]
pub struct Change<'n> {
    /// What kind of change it is: `operation-removed`, …
    pub class: &'static str,
    /// Where the new description stands for it.
    pub at: Node<'n>,
    /// The first operation that it was met in: `GET /orders`.
    pub operation: String,
    /// What changed: `Order.total`, the query parameter `limit`.
    pub part: String,
    /// What was said before.
    pub before: String,
    /// What is said now.
    pub now: String,
    /// Whether it had been deprecated.
    pub deprecated: bool,
    /// The day after which it may go, as far as it was said.
    pub sunset: String,
}

/// What came of comparing two descriptions.
#[derive(Debug)]
pub struct Comparison<'n> {
    /// The changes, by place in the new description.
    pub changes: Vec<Change<'n>>,
    /// Whether everything was compared; otherwise they are too large together.
    pub complete: bool,
}

/// Which way a value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    /// From the caller to the service.
    Request,
    /// From the service to the caller.
    Response,
}

/// A description, with its references.
struct Side<'t> {
    root: Node<'t>,
    version: Version,
    refs: Refs<'t>,
}

/// Of an operation that is gone: its path, whether it was deprecated, the day of its end.
type End<'t> = (&'t str, bool, String);

/// The kinds of change that break those who call the interface.
pub const BREAKING: &[&str] = &[
    "operation-removed",
    "webhook-removed",
    "parameter-required",
    "property-required",
    "body-required",
    "request-narrowed",
    "response-changed",
    "response-property-removed",
    "response-property-optional",
    "success-removed",
    "media-type-removed",
    "security-tightened",
];

/// Compares the description at `old` with the one at `new`.
pub fn compare<'n>(old: Node<'_>, new: Node<'n>) -> Comparison<'n> {
    let (Some(old), Some(new)) = (Side::of(old), Side::of(new)) else {
        return Comparison { changes: Vec::new(), complete: true };
    };
    let mut walk = Walk::new(&old, &new);
    walk.operations();
    walk.webhooks();
    walk.servers();
    walk.schemas();
    let complete = walk.pairs.complete();
    let mut changes = walk.changes;
    changes.sort_by(|a, b| {
        let key = |it: &Change<'_>| (it.at.span().start, it.class);
        key(a).cmp(&key(b)).then_with(|| (&a.part, &a.operation).cmp(&(&b.part, &b.operation)))
    });
    Comparison { changes, complete }
}

impl<'t> Side<'t> {
    fn of(root: Node<'t>) -> Option<Self> {
        Some(Self { root, version: Version::of(root)?, refs: Refs::new(root) })
    }

    /// The operations, and the shapes of the paths that are in other files.
    fn operations(&self) -> (Vec<Operation<'t>>, HashSet<String>) {
        let (mut operations, mut elsewhere) = (Vec::new(), HashSet::new());
        for (path, item) in self.root.get("paths").into_iter().flat_map(Node::entries) {
            let Some(item) = self.refs.resolve(item) else {
                elsewhere.insert(shape(path));
                continue;
            };
            for &method in METHODS {
                let Some(node) = item.get(method).filter(|it| it.is_map()) else { continue };
                match self.refs.resolve(node) {
                    Some(node) => operations.push(Operation { path, item, method, node }),
                    None => drop(elsewhere.insert(shape(path))),
                }
            }
        }
        (operations, elsewhere)
    }

    /// The path that stands before all paths.
    fn base(&self) -> &'t str {
        let url = match self.version.major {
            2 => self.root.str("basePath"),
            _ => self.root.get("servers").and_then(|it| it.item(0)).and_then(|it| it.str("url")),
        };
        let url = url.unwrap_or_default();
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => url,
        };
        path.trim_end_matches('/')
    }

    /// The parameters that hold for an operation: its own, and those of its path. Nothing if some
    /// of them are in another file.
    fn parameters(&self, it: Operation<'t>) -> Option<Vec<Node<'t>>> {
        let mut found: Vec<Node<'t>> = Vec::new();
        for holder in [it.node, it.item] {
            let all = holder.get("parameters").into_iter().flat_map(Node::children);
            for written in all.take(MOST_PARAMETERS) {
                let it = self.refs.resolve(written)?;
                let is_same = |other: &Node<'_>| {
                    other.str("name") == it.str("name") && other.str("in") == it.str("in")
                };
                if !found.iter().any(is_same) {
                    found.push(it);
                }
            }
        }
        Some(found)
    }
}

struct Walk<'s, 'o, 'n> {
    old: &'s Side<'o>,
    new: &'s Side<'n>,
    changes: Vec<Change<'n>>,
    pairs: schema::Pairs<'o, 'n>,
    securities: security::Securities,
    /// The responses and bodies that were compared.
    contents: HashSet<(u32, u32, Way)>,
    operation: String,
}

impl<'s, 'o, 'n> Walk<'s, 'o, 'n> {
    fn new(old: &'s Side<'o>, new: &'s Side<'n>) -> Self {
        Self {
            old,
            new,
            changes: Vec::new(),
            pairs: schema::Pairs::new(old.root, new.root),
            securities: security::Securities::default(),
            contents: HashSet::new(),
            operation: String::new(),
        }
    }

    /// Notes a change of the operation that is being compared.
    fn note(&mut self, class: &'static str, at: Node<'n>, part: &str, told: (&str, &str)) {
        self.changes.push(Change {
            class,
            at,
            operation: self.operation.clone(),
            part: part.to_owned(),
            before: told.0.to_owned(),
            now: told.1.to_owned(),
            deprecated: false,
            sunset: String::new(),
        });
    }

    // ---- operations

    fn operations(&mut self) {
        let (before, _) = self.old.operations();
        let (now, elsewhere) = self.new.operations();
        let mut known: HashMap<(String, &str), Operation<'n>> = HashMap::new();
        for &it in &now {
            known.entry((shape(it.path), it.method)).or_insert(it);
        }
        let (old_base, new_base) = (self.old.base(), self.new.base());
        let mut moved: HashMap<(String, &str), Operation<'n>> = HashMap::new();
        if old_base != new_base {
            for &it in &now {
                moved.entry((shape(&format!("{new_base}{}", it.path)), it.method)).or_insert(it);
            }
        }
        let mut gone: Vec<Operation<'o>> = Vec::new();
        for it in before.into_iter().filter(|it| is_promised(it)) {
            let plain = shape(it.path);
            if elsewhere.contains(&plain) {
                continue;
            }
            let whole = || moved.get(&(shape(&format!("{old_base}{}", it.path)), it.method));
            match known.get(&(plain, it.method)).or_else(whole) {
                Some(&new) => self.operation(it, new),
                None => gone.push(it),
            }
        }
        self.count_securities();
        self.gone(&gone, &now);
    }

    /// Notes the operations that are gone: once for each path and what was said of its end.
    fn gone(&mut self, gone: &[Operation<'o>], now: &[Operation<'n>]) {
        let Some(paths) = self.new.root.get("paths").or(Some(self.new.root)) else { return };
        let end = |it: &Operation<'o>| {
            let deprecated = it.node.get("deprecated").and_then(Node::as_bool) == Some(true);
            (it.path, deprecated, sunset(it.node))
        };
        let mut groups: Vec<(End<'_>, Vec<&str>)> = Vec::new();
        for it in gone {
            let key = end(it);
            match groups.iter_mut().rev().take(METHODS.len()).find(|group| group.0 == key) {
                Some(group) => group.1.push(it.method),
                None => groups.push((key, vec![it.method])),
            }
        }
        let left: HashMap<String, Node<'n>> =
            now.iter().rev().map(|it| (shape(it.path), it.item)).collect();
        for ((path, deprecated, sunset), methods) in groups {
            let methods: Vec<_> = methods.iter().map(|it| it.to_uppercase()).collect();
            self.changes.push(Change {
                class: "operation-removed",
                at: left.get(&shape(path)).copied().unwrap_or(paths),
                operation: format!("{} {path}", methods.join(", ")),
                part: path.to_owned(),
                before: methods.join(", "),
                now: String::new(),
                deprecated,
                sunset,
            });
        }
    }

    fn operation(&mut self, old: Operation<'o>, new: Operation<'n>) {
        self.operation = format!("{} {}", new.method.to_uppercase(), new.path);
        if let (Some(before), Some(now)) =
            (old.node.str("operationId"), new.node.get("operationId"))
            && now.as_str().is_some_and(|it| it != before)
        {
            self.note("operation-id-changed", now, "operationId", (before, now.text()));
        }
        self.deprecation(old.node, new.node);
        self.parameters(old, new);
        self.bodies(old, new);
        self.responses(old, new);
        self.security(old, new);
    }

    fn deprecation(&mut self, old: Node<'o>, new: Node<'n>) {
        let is_on = |it: Node<'_>| it.get("deprecated").and_then(Node::as_bool) == Some(true);
        let (before, now) = (sunset(old), sunset(new));
        let Some(flag) = new.get("deprecated").filter(|_| is_on(new)) else { return };
        if !is_on(old) && now.is_empty() {
            self.note("deprecated-without-sunset", flag, "", ("", ""));
        }
        if !now.is_empty() && now < before {
            let at = new.get("x-sunset").unwrap_or(flag);
            self.note("sunset-nearer", at, "x-sunset", (&before, &now));
        }
    }

    // ---- parameters

    fn parameters(&mut self, old: Operation<'o>, new: Operation<'n>) {
        let (Some(before), Some(now)) = (self.old.parameters(old), self.new.parameters(new)) else {
            return;
        };
        let is_plain = |it: &Node<'_>| it.str("in") != Some("body") && !is_ignored(*it);
        let (old_names, new_names) = (braces(old.path), braces(new.path));
        let mut met = HashSet::new();
        for before in before.into_iter().filter(is_plain) {
            let place = before.str("in").unwrap_or_default();
            let name = before.str("name").unwrap_or_default();
            let other = match place {
                // The names of variables in paths do not matter, their order does.
                "path" => old_names.iter().position(|it| *it == name),
                _ => None,
            };
            let wanted = other.and_then(|at| new_names.get(at)).copied().unwrap_or(name);
            let is_it = |it: &Node<'_>| {
                let other = it.str("name").unwrap_or_default();
                let same = if place == "header" {
                    other.eq_ignore_ascii_case(wanted)
                } else {
                    other == wanted
                };
                same && it.str("in") == Some(place)
            };
            let Some(it) = now.iter().copied().find(is_it) else {
                if place != "path" {
                    let at = new.node.get("parameters").unwrap_or(new.node);
                    self.note("parameter-removed", at, &called(before), ("", ""));
                }
                continue;
            };
            met.insert(it.id());
            self.parameter(before, it);
        }
        for it in now.into_iter().filter(is_plain) {
            let required = is_required(it) && it.str("in") != Some("path");
            if required && !met.contains(&it.id()) {
                self.note("parameter-required", it, &called(it), ("", "new"));
            }
        }
    }

    fn parameter(&mut self, old: Node<'o>, new: Node<'n>) {
        if !self.contents.insert((old.id(), new.id(), Way::Request)) {
            return;
        }
        let part = called(new);
        if is_required(new) && !is_required(old) && new.str("in") != Some("path") {
            let at = new.get("required").unwrap_or(new);
            self.note("parameter-required", at, &part, ("", ""));
        }
        for key in ["style", "explode", "collectionFormat", "allowReserved"] {
            let (before, now) = (old.get(key), new.get(key));
            if let (Some(before), Some(now)) = (before, now)
                && before.display() != now.display()
            {
                let told =
                    (format!("{key} {}", before.display()), format!("{key} {}", now.display()));
                self.note("parameter-serialised-otherwise", now, &part, (&told.0, &told.1));
            }
        }
        let root = schema::Name::new(&part);
        match (old.get("schema"), new.get("schema")) {
            (Some(before), Some(now)) => {
                self.default(before, now, &part);
                self.pairs.open(before, now, Way::Request, root.textual(), &self.operation);
            }
            (None, None) if old.get("content").is_none() && new.get("content").is_none() => {
                self.default(old, new, &part);
                self.pairs.open(old, new, Way::Request, root.textual(), &self.operation);
            }
            (None, None) => self.media(old, new, Way::Request, &part),
            _ => {}
        }
    }

    /// What is taken where the caller says nothing.
    fn default(&mut self, old: Node<'o>, new: Node<'n>, part: &str) {
        let (Some(old), Some(new)) = (self.old.refs.resolve(old), self.new.refs.resolve(new))
        else {
            return;
        };
        if let (Some(before), Some(now)) = (old.get("default"), new.get("default"))
            && !schema::same(before, now)
        {
            let told = (before.display(), now.display());
            self.note("parameter-default-changed", now, part, (&told.0, &told.1));
        }
    }

    // ---- webhooks and servers

    fn webhooks(&mut self) {
        let Some(before) = self.old.root.get("webhooks") else { return };
        let now = self.new.root.get("webhooks");
        for (name, item) in before.entries() {
            let Some(item) = self.old.refs.resolve(item).filter(|it| it.is_map()) else { continue };
            let other = now.and_then(|it| it.get(name));
            let Some(other) = other else {
                self.operation = format!("the webhook `{name}`");
                let at = now.unwrap_or(self.new.root);
                self.note("webhook-removed", at, name, ("", ""));
                continue;
            };
            let Some(other) = self.new.refs.resolve(other) else { continue };
            for method in METHODS {
                let (Some(old), Some(new)) = (item.get(method), other.get(method)) else {
                    continue;
                };
                let bodies = (old.get("requestBody"), new.get("requestBody"));
                let (Some(old), Some(new)) = bodies else { continue };
                let sides = (self.old.refs.resolve(old), self.new.refs.resolve(new));
                let (Some(old), Some(new)) = sides else { continue };
                self.operation = format!("the webhook `{name}`");
                self.media(old, new, Way::Response, &format!("what the webhook `{name}` sends"));
            }
        }
    }

    fn servers(&mut self) {
        self.operation.clear();
        if self.old.version.major == 2 || self.new.version.major == 2 {
            let both = self.old.version == self.new.version;
            let now = self.new.root.get("basePath").unwrap_or(self.new.root);
            let (old, new) = (self.old.base(), self.new.base());
            if both && old != new {
                self.note("server-removed", now, "basePath", (old, new));
            }
            return;
        }
        let Some(now) = self.new.root.get("servers") else { return };
        let urls = |it: Node<'_>| -> Vec<String> {
            let urls = it.children().filter_map(|it| it.str("url"));
            urls.map(|it| it.trim_end_matches('/').to_owned()).collect()
        };
        let new = urls(now);
        for url in self.old.root.get("servers").map(urls).unwrap_or_default() {
            let is_local = url.contains("localhost") || url.contains("127.0.0.1");
            if !is_local && url.contains("://") && !new.contains(&url) {
                self.note("server-removed", now, "servers", (&url, &new.join("`, `")));
            }
        }
    }

    /// Compares the pairs of schemas that were met.
    fn schemas(&mut self) {
        let found = self.pairs.compare(&self.old.refs, &self.new.refs);
        self.changes.extend(found);
    }
}

/// Whether the description promises an operation: neither a draft nor for its makers alone.
fn is_promised(it: &Operation<'_>) -> bool {
    let is_internal = |it: Node<'_>| it.get("x-internal").and_then(Node::as_bool) == Some(true);
    let is_draft = matches!(it.node.str("x-stability-level"), Some("draft" | "alpha"));
    !is_draft && !is_internal(it.node) && !is_internal(it.item)
}

/// The day of an extension `x-sunset`, as `2026-01-31`.
fn sunset(it: Node<'_>) -> String {
    let day = it.get("x-sunset").map(Node::display).unwrap_or_default();
    day.get(..10)
        .filter(|it| it.bytes().filter(|it| *it == b'-').count() == 2)
        .unwrap_or_default()
        .to_owned()
}

/// Parameters that the specification says to ignore: other parts of the description are for them.
fn is_ignored(it: Node<'_>) -> bool {
    let names = ["accept", "content-type", "authorization"];
    let name = it.str("name").unwrap_or_default().to_ascii_lowercase();
    it.str("in") == Some("header") && names.contains(&name.as_str())
}

fn is_required(it: Node<'_>) -> bool {
    it.get("required").and_then(Node::as_bool) == Some(true)
}

/// A parameter as messages call it.
fn called(it: Node<'_>) -> String {
    let name = it.str("name").unwrap_or_default();
    match it.str("in").unwrap_or_default() {
        "formData" => format!("the form field `{name}`"),
        place => format!("the {place} parameter `{name}`"),
    }
}

#[cfg(test)]
mod tests;
