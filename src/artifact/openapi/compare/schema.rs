//! Schemas before a change and after it, in the direction in which their values travel.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    rc::Rc,
};

use super::{
    super::refs::{Refs, decoded, pointer},
    Change, Way,
};
pub(super) use crate::artifact::openapi::schema::same;
use crate::document::{Id, Node};

/// How many schemas one is made of at most, by `allOf`.
const MOST_PARTS: usize = 64;
/// How many alternatives of a schema are told apart.
const MOST_OPTIONS: usize = 256;
/// Bounds that get tighter when they fall.
const UPPER: [&str; 4] = ["maximum", "maxLength", "maxItems", "maxProperties"];
/// Bounds that get tighter when they rise.
const LOWER: [&str; 4] = ["minimum", "minLength", "minItems", "minProperties"];
/// Formats that say which texts and numbers there are.
const FORMATS: [&str; 15] = [
    "int32",
    "int64",
    "float",
    "double",
    "date",
    "date-time",
    "time",
    "uuid",
    "email",
    "uri",
    "byte",
    "binary",
    "ipv4",
    "ipv6",
    "hostname",
];
/// Formats whose values are values of another one too.
const WITHIN: [(&str, &str); 2] = [("int32", "int64"), ("float", "double")];

/// How messages call a schema.
#[derive(Clone, Debug)]
pub(super) struct Name {
    root: Rc<str>,
    /// Whether the root is a component, of which properties are written with a dot.
    component: bool,
    path: String,
    /// Whether its values are written as text: in paths, queries and headers.
    textual: bool,
}

impl Name {
    pub(super) fn new(root: &str) -> Self {
        Self { root: root.into(), component: false, path: String::new(), textual: false }
    }

    pub(super) fn textual(self) -> Self {
        Self { textual: true, ..self }
    }

    /// The name of what a reference leads to, where it has one of its own.
    fn through(self, node: Node<'_>) -> Self {
        let Some(pointer) = pointer(node) else { return self };
        let Some((above, last)) = pointer.rsplit_once('/') else { return self };
        if !above.ends_with("schemas") && !above.ends_with("definitions") {
            return self;
        }
        Self { root: decoded(last).into(), component: true, path: String::new(), ..self }
    }

    fn child(&self, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{key}", self.path), textual: false, ..self.clone() }
    }

    fn item(&self) -> Self {
        Self { path: format!("{}[]", self.path), ..self.clone() }
    }

    fn text(&self) -> String {
        match (self.component, self.path.is_empty()) {
            (true, true) => format!("`{}`", self.root),
            (true, false) if self.path.starts_with('[') => format!("`{}{}`", self.root, self.path),
            (true, false) => format!("`{}.{}`", self.root, self.path),
            (false, true) => (*self.root).to_owned(),
            (false, false) => format!("`{}` in {}", self.path, self.root),
        }
    }
}

/// Two schemas to compare.
struct Pair<'o, 'n> {
    old: Node<'o>,
    new: Node<'n>,
    way: Way,
    name: Name,
    operation: Rc<str>,
}

/// The schemas to compare, each pair once for each direction.
pub(super) struct Pairs<'o, 'n> {
    open: VecDeque<Pair<'o, 'n>>,
    seen: HashSet<(Id, Id, Way)>,
    left: usize,
    found: Vec<Change<'n>>,
}

/// A schema with what it is made of.
struct Shape<'t> {
    parts: Vec<Node<'t>>,
    options: Vec<Node<'t>>,
    nullable: bool,
}

impl<'t> Shape<'t> {
    /// Nothing if a part of it is in another file.
    fn of(refs: &Refs<'t>, node: Node<'t>) -> Option<Self> {
        let mut shape = Self { parts: Vec::new(), options: Vec::new(), nullable: false };
        let mut open = VecDeque::from([node]);
        while let Some(node) = open.pop_front() {
            let node = refs.resolve(node)?;
            if shape.parts.contains(&node) || shape.parts.len() == MOST_PARTS {
                continue;
            }
            shape.parts.push(node);
            open.extend(node.get("allOf").into_iter().flat_map(Node::children));
            let options = node.get("oneOf").or_else(|| node.get("anyOf"));
            if !shape.options.is_empty() {
                continue;
            }
            for it in options.into_iter().flat_map(Node::children).take(MOST_OPTIONS) {
                match refs.resolve(it)?.str("type") {
                    Some("null") => shape.nullable = true,
                    _ => shape.options.push(it),
                }
            }
            if let [only] = shape.options[..] {
                open.push_back(only);
                shape.options.clear();
            }
        }
        let is_true = |it: &Node<'_>, key: &str| it.get(key).and_then(Node::as_bool) == Some(true);
        shape.nullable |= shape.parts.iter().any(|it| {
            let listed = it.get("type").filter(|it| it.is_seq());
            let mut listed = listed.into_iter().flat_map(Node::children);
            listed.any(|it| it.text() == "null")
                || is_true(it, "nullable")
                || is_true(it, "x-nullable")
        });
        Some(shape)
    }

    fn get(&self, key: &str) -> Option<Node<'t>> {
        self.parts.iter().find_map(|it| it.get(key))
    }

    /// The types of its values, null aside; nothing if they may be anything.
    fn types(&self) -> Option<BTreeSet<&'t str>> {
        let written = self.get("type");
        let mut types: BTreeSet<_> = match written {
            Some(it) if it.is_seq() => it.children().map(Node::text).collect(),
            Some(it) => BTreeSet::from([it.text()]),
            None if self.get("properties").is_some() => BTreeSet::from(["object"]),
            None if self.get("items").is_some() => BTreeSet::from(["array"]),
            None => BTreeSet::new(),
        };
        types.retain(|it| !matches!(*it, "null" | ""));
        (!types.is_empty()).then_some(types)
    }

    fn properties(&self) -> Vec<(&'t str, Node<'t>)> {
        let all = self.parts.iter().filter_map(|it| it.get("properties"));
        all.flat_map(Node::entries).collect()
    }

    fn required(&self) -> HashSet<&'t str> {
        let all = self.parts.iter().filter_map(|it| it.get("required")).filter(|it| it.is_seq());
        all.flat_map(Node::children).map(Node::text).collect()
    }

    /// The values that it lists, null aside.
    fn values(&self) -> Option<Vec<String>> {
        if let Some(only) = self.get("const") {
            return Some(vec![only.display()]);
        }
        let listed = self.get("enum").filter(|it| it.is_seq())?;
        Some(listed.children().filter(|it| !it.is_null()).map(Node::display).collect())
    }

    /// A bound, whether it is outside of what it allows, and where it is written.
    fn bound(&self, key: &str) -> Option<(f64, bool, Node<'t>)> {
        let exclusive = match key {
            "maximum" => self.get("exclusiveMaximum"),
            "minimum" => self.get("exclusiveMinimum"),
            _ => None,
        };
        if let Some(at) = exclusive
            && let Some(value) = at.as_float()
        {
            return Some((value, true, at));
        }
        let at = self.get(key)?;
        Some((at.as_float()?, exclusive.and_then(Node::as_bool) == Some(true), at))
    }
}

impl<'o, 'n> Pairs<'o, 'n> {
    pub(super) fn new(old: Node<'_>, new: Node<'_>) -> Self {
        let left = 4 * (old.tree().nodes.len() + new.tree().nodes.len()) + 10_000;
        Self { open: VecDeque::new(), seen: HashSet::new(), left, found: Vec::new() }
    }

    /// Whether all pairs were compared.
    pub(super) fn complete(&self) -> bool {
        self.left > 0
    }

    /// Notes two schemas that an operation leads to.
    pub(super) fn open(
        &mut self,
        old: Node<'o>,
        new: Node<'n>,
        way: Way,
        name: Name,
        operation: &str,
    ) {
        self.open.push_back(Pair { old, new, way, name, operation: operation.into() });
    }

    /// Compares what was noted and what that leads to.
    pub(super) fn compare(&mut self, old: &Refs<'o>, new: &Refs<'n>) -> Vec<Change<'n>> {
        while let Some(pair) = self.open.pop_front() {
            // Where another schema took the place of one, the place is what changed.
            let name = match is_namesake(pair.old, pair.new) {
                true => pair.name.clone().through(pair.new),
                false => pair.name.clone(),
            };
            let sides = (old.resolve(pair.old), new.resolve(pair.new));
            let (Some(before), Some(now)) = sides else { continue };
            if !self.seen.insert((before.id(), now.id(), pair.way)) {
                continue;
            }
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let shapes = (Shape::of(old, before), Shape::of(new, now));
            let (Some(before), Some(now)) = shapes else { continue };
            self.left = self.left.saturating_sub(before.parts.len() + now.parts.len());
            let pair = Pair { name, ..pair };
            Compare {
                pairs: self,
                refs: (old, new),
                pair: &pair,
                old: before,
                new: now,
                at: now_at(new, pair.new),
            }
            .all();
        }
        std::mem::take(&mut self.found)
    }
}

/// Where a schema is written that a reference may lead to.
fn now_at<'n>(refs: &Refs<'n>, node: Node<'n>) -> Node<'n> {
    refs.resolve(node).unwrap_or(node)
}

struct Compare<'c, 'o, 'n> {
    pairs: &'c mut Pairs<'o, 'n>,
    refs: (&'c Refs<'o>, &'c Refs<'n>),
    pair: &'c Pair<'o, 'n>,
    old: Shape<'o>,
    new: Shape<'n>,
    at: Node<'n>,
}

impl<'o, 'n> Compare<'_, 'o, 'n> {
    fn note(&mut self, class: &'static str, at: Node<'n>, name: &Name, told: (String, String)) {
        self.pairs.found.push(Change {
            class,
            at,
            operation: (*self.pair.operation).to_owned(),
            part: name.text(),
            before: told.0,
            now: told.1,
            deprecated: false,
            sunset: String::new(),
        });
    }

    fn own(&mut self, class: &'static str, at: Node<'n>, before: String, now: String) {
        let name = self.pair.name.clone();
        self.note(class, at, &name, (before, now));
    }

    fn is_request(&self) -> bool {
        self.pair.way == Way::Request
    }

    fn all(mut self) {
        if self.old.options.is_empty() != self.new.options.is_empty()
            || !self.old.options.is_empty()
        {
            let is_mixed = |shape: &Shape<'_>| {
                !shape.options.is_empty()
                    && shape.parts.iter().any(|it| it.get("properties").is_some())
            };
            if !is_mixed(&self.old) && !is_mixed(&self.new) {
                self.null();
                return self.options();
            }
        }
        self.null();
        if !self.types() {
            return;
        }
        self.format();
        self.values();
        self.bounds();
        self.properties();
        if let (Some(before), Some(now)) = (self.old.get("items"), self.new.get("items"))
            && before.is_map()
            && now.is_map()
        {
            self.follow(before, now, self.pair.name.item());
        }
    }

    fn follow(&mut self, old: Node<'o>, new: Node<'n>, name: Name) {
        let operation = self.pair.operation.clone();
        self.pairs.open.push_back(Pair { old, new, way: self.pair.way, name, operation });
    }

    fn null(&mut self) {
        let known = |it: &Shape<'_>| it.types().is_some() || !it.options.is_empty();
        if !known(&self.old) || !known(&self.new) {
            return;
        }
        match (self.is_request(), self.old.nullable, self.new.nullable) {
            (true, true, false) => {
                self.own("request-narrowed", self.at, "null".into(), String::new())
            }
            (false, false, true) => {
                self.own("response-changed", self.at, "never null".into(), "null".into())
            }
            _ => {}
        }
    }

    /// Whether the types agree so far that the rest can be compared.
    fn types(&mut self) -> bool {
        let (before, now) = (self.old.types(), self.new.types());
        let at = self.new.get("type").unwrap_or(self.at);
        let said = |it: &BTreeSet<&str>| it.iter().copied().collect::<Vec<_>>().join(" or ");
        let fits = |it: &str, all: &BTreeSet<&str>| {
            all.contains(it) || it == "integer" && all.contains("number")
        };
        let (before, now) = match (before, now) {
            (Some(before), Some(now)) => (before, now),
            (None, Some(now)) if self.is_request() && self.old.get("enum").is_none() => {
                self.own("request-limited", at, "any type".into(), said(&now));
                return false;
            }
            (Some(before), None) if !self.is_request() && self.new.get("enum").is_none() => {
                self.own("response-widened", at, said(&before), "any type".into());
                return false;
            }
            _ => return true,
        };
        let as_text = self.pair.name.textual && now.contains("string");
        let lost = before.iter().any(|it| !fits(it, &now)) && !as_text;
        let added = now.iter().any(|it| !fits(it, &before));
        if self.is_request() && lost {
            self.own("request-narrowed", at, said(&before), said(&now));
        } else if !self.is_request() && added {
            self.own("response-changed", at, said(&before), said(&now));
        }
        !before.is_disjoint(&now)
    }

    fn format(&mut self) {
        let known = |it: Node<'_>| FORMATS.contains(&it.text());
        let before = self.old.get("format").filter(|it| known(*it)).map(|it| it.text().to_owned());
        let at = self.new.get("format").filter(|it| known(*it));
        let now = at.map(|it| it.text().to_owned());
        if before == now {
            return;
        }
        let within = |a: &str, b: &str| WITHIN.contains(&(a, b));
        let of = |it: &str| format!("the format {it}");
        match (self.is_request(), before, now) {
            (true, None, Some(now)) => {
                self.own("request-limited", at.unwrap_or(self.at), "any format".into(), of(&now));
            }
            (true, Some(before), Some(now)) if !within(&before, &now) => {
                self.own("request-narrowed", at.unwrap_or(self.at), of(&before), of(&now));
            }
            (false, Some(before), None) => {
                self.own("response-widened", self.at, of(&before), "any format".into());
            }
            (false, Some(before), Some(now)) if !within(&now, &before) => {
                let class = match within(&before, &now) {
                    true => "response-widened",
                    false => "response-changed",
                };
                self.own(class, at.unwrap_or(self.at), of(&before), of(&now));
            }
            _ => {}
        }
    }

    fn values(&mut self) {
        let (before, now) = (self.old.values(), self.new.values());
        let at = self.new.get("enum").or_else(|| self.new.get("const")).unwrap_or(self.at);
        let listed = |all: &[&String]| {
            let all: Vec<_> = all.iter().take(20).map(|it| it.as_str()).collect();
            format!("`{}`", all.join("`, `"))
        };
        match (self.is_request(), before, now) {
            (true, Some(before), Some(now)) => {
                let known: HashSet<_> = now.iter().collect();
                let gone: Vec<_> = before.iter().filter(|it| !known.contains(it)).collect();
                if !gone.is_empty() {
                    self.own("request-narrowed", at, listed(&gone), String::new());
                }
            }
            (true, None, Some(now)) => {
                let now: Vec<_> = now.iter().collect();
                self.own(
                    "request-narrowed",
                    at,
                    "any value".into(),
                    format!("only {}", listed(&now)),
                );
            }
            (false, Some(before), Some(now)) => {
                let known: HashSet<_> = before.iter().collect();
                let added: Vec<_> = now.iter().filter(|it| !known.contains(it)).collect();
                if !added.is_empty() {
                    self.own("response-widened", at, String::new(), listed(&added));
                }
            }
            (false, Some(before), None) => {
                let before: Vec<_> = before.iter().collect();
                self.own(
                    "response-widened",
                    at,
                    format!("one of {}", listed(&before)),
                    "any value".into(),
                );
            }
            _ => {}
        }
    }

    fn bounds(&mut self) {
        for key in UPPER.iter().chain(&LOWER) {
            let upper = UPPER.contains(key);
            let (before, now) = (self.old.bound(key), self.new.bound(key));
            let said = |it: (f64, bool)| {
                format!("{key} {}{}", it.0, if it.1 { " (exclusive)" } else { "" })
            };
            let tighter = |a: (f64, bool), b: (f64, bool)| {
                let beyond = if upper { a.0 < b.0 } else { a.0 > b.0 };
                beyond || a.0 == b.0 && a.1 && !b.1
            };
            let is_idle = |it: f64| !upper && *key != "minimum" && it <= 0.0;
            let both = (before.map(|it| (it.0, it.1)), now.map(|it| (it.0, it.1)));
            let at = now.map_or(self.at, |it| it.2);
            match (self.is_request(), both.0, both.1) {
                (true, None, Some(now)) if !is_idle(now.0) => {
                    self.own("request-limited", at, format!("any {key}"), said(now));
                }
                (true, Some(before), Some(now)) if tighter(now, before) => {
                    self.own("request-narrowed", at, said(before), said(now));
                }
                (false, Some(before), None) if !is_idle(before.0) => {
                    self.own("response-widened", at, said(before), format!("any {key}"));
                }
                (false, Some(before), Some(now)) if tighter(before, now) => {
                    self.own("response-widened", at, said(before), said(now));
                }
                _ => {}
            }
        }
        if !self.is_request() {
            return;
        }
        for key in ["pattern", "multipleOf"] {
            let (before, now) = (self.old.get(key), self.new.get(key));
            let Some(at) = now.filter(|it| before.is_none_or(|old| old.display() != it.display()))
            else {
                continue;
            };
            let said = |it: Node<'_>| format!("{key} `{}`", it.display());
            let before = before.map_or_else(|| format!("any {key}"), said);
            self.own("request-limited", at, before, said(at));
        }
        let unique = |it: Option<Node<'_>>| it.and_then(Node::as_bool) == Some(true);
        let at = self.new.get("uniqueItems");
        if let Some(at) = at.filter(|_| unique(at) && !unique(self.old.get("uniqueItems"))) {
            self.own("request-limited", at, "any items".into(), "unique items".into());
        }
    }

    // ---- objects

    fn properties(&mut self) {
        let (before, now) = (self.old.properties(), self.new.properties());
        let (must, must_now) = (self.old.required(), self.new.required());
        self.pairs.left = self.pairs.left.saturating_sub(before.len() + now.len());
        self.further();
        if before.is_empty() {
            let mut asked: Vec<_> =
                now.iter().map(|it| it.0).filter(|it| must_now.contains(it)).collect();
            asked.truncate(20);
            if self.is_request()
                && !asked.is_empty()
                && self.old.get("additionalProperties").is_none()
            {
                let now = format!("an object with `{}`", asked.join("`, `"));
                self.own("request-limited", self.at, "any object".into(), now);
            }
            return;
        }
        let by_name: HashMap<_, _> = now.iter().copied().rev().collect();
        let known: HashSet<_> = before.iter().map(|it| it.0).collect();
        let list = self.new.get("required").unwrap_or(self.at);
        for &(key, old) in &before {
            let name = self.pair.name.child(key);
            let Some(old_schema) = self.refs.0.resolve(old) else { continue };
            let Some(&new) = by_name.get(key) else {
                self.lost(key, old_schema, must.contains(key), &name);
                continue;
            };
            let Some(new_schema) = self.refs.1.resolve(new) else { continue };
            self.follow(old, new, name.clone());
            let (before, now) = (must.contains(key), must_now.contains(key));
            if self.is_request() && now && !before && is_asked(new_schema) {
                let told = (String::new(), String::new());
                self.note("property-required", item(list, key), &name, told);
            }
            if !self.is_request() && before && !now && !is_on(old_schema, "writeOnly") {
                let told = (String::new(), String::new());
                self.note("response-property-optional", new, &name, told);
            }
        }
        if !self.is_request() {
            return;
        }
        for &(key, new) in now.iter().filter(|it| !known.contains(it.0) && must_now.contains(it.0))
        {
            let Some(schema) = self.refs.1.resolve(new) else { continue };
            if is_asked(schema) {
                let name = self.pair.name.child(key);
                self.note("property-required", new, &name, (String::new(), "new".into()));
            }
        }
    }

    /// A property that is gone.
    fn lost(&mut self, key: &str, old: Node<'o>, required: bool, name: &Name) {
        let hidden = if self.is_request() { "readOnly" } else { "writeOnly" };
        if is_on(old, hidden) {
            return;
        }
        let class = match (self.is_request(), required) {
            (true, _) => "request-property-removed",
            (false, true) => "response-property-removed",
            (false, false) => "optional-property-removed",
        };
        let at = self.new.get("properties").unwrap_or(self.at);
        self.note(class, at, name, (key.to_owned(), String::new()));
    }

    /// Properties that are not named.
    fn further(&mut self) {
        let (before, now) =
            (self.old.get("additionalProperties"), self.new.get("additionalProperties"));
        let closed = |it: Option<Node<'_>>| it.and_then(Node::as_bool) == Some(false);
        if self.is_request() && closed(now) && !closed(before) {
            let at = now.unwrap_or(self.at);
            self.own(
                "request-limited",
                at,
                "any further properties".into(),
                "none that it does not name".into(),
            );
        }
        if let (Some(before), Some(now)) = (before, now)
            && before.is_map()
            && now.is_map()
        {
            self.follow(before, now, self.pair.name.child("*"));
        }
    }

    // ---- alternatives

    fn options(&mut self) {
        let whole = |options: &[Node<'o>], it: Node<'o>| match options.is_empty() {
            true => vec![it],
            false => options.to_vec(),
        };
        let before = whole(&self.old.options, self.pair.old);
        let now = match self.new.options.is_empty() {
            true => vec![self.pair.new],
            false => self.new.options.clone(),
        };
        self.pairs.left = self.pairs.left.saturating_sub(before.len() * now.len());
        let mut left: Vec<Option<Node<'n>>> = now.into_iter().map(Some).collect();
        let mut gone = Vec::new();
        for old in before {
            let refs = self.refs;
            let is_it = |new: Node<'n>| {
                let sides = (refs.0.resolve(old), refs.1.resolve(new));
                is_namesake(old, new) || matches!(sides, (Some(a), Some(b)) if same(a, b))
            };
            let found = left.iter().position(|it| it.is_some_and(is_it));
            match found.and_then(|at| left[at].take()) {
                Some(new) => self.follow_option(old, new),
                None => gone.push(old),
            }
        }
        let types = |it: Option<Shape<'_>>| -> Option<Vec<String>> {
            Some(it?.types()?.into_iter().map(str::to_owned).collect())
        };
        let mut lost = Vec::new();
        let alone = gone.len() == 1 && left.iter().flatten().count() == 1;
        for old in gone {
            let wanted = types(Shape::of(self.refs.0, old));
            let refs = self.refs.1;
            let fits = |it: Node<'n>| {
                alone
                    || wanted.is_some()
                        && pointer(it).is_none()
                        && types(Shape::of(refs, it)) == wanted
            };
            let found = left.iter().position(|it| it.is_some_and(fits));
            match found.and_then(|at| left[at].take()) {
                Some(new) => self.follow_option(old, new),
                None => lost.push(called(old)),
            }
        }
        if self.is_request() && !lost.is_empty() {
            self.own("request-narrowed", self.at, lost.join(", "), String::new());
        }
        let added: Vec<_> = left.into_iter().flatten().collect();
        if let (false, Some(first)) = (self.is_request(), added.first().copied()) {
            let said: Vec<_> = added.iter().map(|it| called(*it)).collect();
            self.own("response-widened", first, String::new(), said.join(", "));
        }
    }

    fn follow_option(&mut self, old: Node<'o>, new: Node<'n>) {
        if old != self.pair.old || new != self.pair.new {
            self.follow(old, new, self.pair.name.clone());
        }
    }
}

/// Whether two alternatives have one name.
fn is_namesake(old: Node<'_>, new: Node<'_>) -> bool {
    let last = |it: &str| it.rsplit('/').next().map(str::to_owned);
    pointer(old).is_some() && pointer(old).and_then(last) == pointer(new).and_then(last)
}

/// An alternative as messages call it.
fn called(it: Node<'_>) -> String {
    let name = pointer(it).and_then(|it| it.rsplit('/').next());
    let name = name.or_else(|| it.str("title")).or_else(|| it.str("type"));
    name.map_or_else(|| "another schema".to_owned(), |it| format!("`{}`", decoded(it)))
}

fn is_on(it: Node<'_>, key: &str) -> bool {
    it.get(key).and_then(Node::as_bool) == Some(true)
}

/// Whether callers must send a property that is required: neither read alone, nor with a value of
/// its own where they do not.
fn is_asked(schema: Node<'_>) -> bool {
    !is_on(schema, "readOnly") && schema.get("default").is_none()
}

/// The entry of a list of names.
fn item<'n>(list: Node<'n>, name: &str) -> Node<'n> {
    list.children().find(|it| list.is_seq() && it.text() == name).unwrap_or(list)
}
