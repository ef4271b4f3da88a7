//! Finds everything in a description that rules judge, in one walk and a few short ones.

use std::collections::{HashMap, HashSet};

use super::{
    Version,
    bundle::{Unread, refusal},
    derive::{Fact, Record},
    doubts,
    refs::{Refs, Way, pointer},
    schema, structure,
    tour::{Region, Spot, tour},
};
use crate::document::{Id, Node, Trouble};

/// The methods that an operation may have.
pub const METHODS: &[&str] =
    &["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// The types whose schemas are listed.
const TYPES: [&str; 4] = ["string", "integer", "array", "object"];

/// The sections of `components` whose entries should be used.
const SECTIONS: &[&str] = &[
    "schemas",
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "links",
    "callbacks",
    "pathItems",
];

/// How keys and tokens begin that their makers mark.
const TOKENS: &[&str] = &["AKIA", "ASIA", "AIza", "sk_live_", "rk_live_", "xox", "glpat-"];

/// The status codes by which a caller is told that it may not.
const REFUSALS: &[&str] = &["401", "403", "4XX", "default"];

/// Parts of paths by which services are run, not used.
const OPERATIONAL: &[&str] = &[
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "live",
    "livez",
    "liveness",
    "ready",
    "readyz",
    "readiness",
    "ping",
    "status",
    "heartbeat",
    "metrics",
    "version",
    "info",
    "docs",
    "openapi.json",
    "robots.txt",
    ".well-known",
    "login",
    "logout",
    "auth",
    "oauth",
    "token",
    "webhook",
    "webhooks",
    "internal",
    "admin",
    "static",
];

/// How many pairs of paths are compared.
const MAX_COMPARED: usize = 5_000_000;

/// Everything that views yield.
#[derive(Debug)]
pub struct Collected {
    /// The document itself.
    pub document: Record,
    /// Lists of records, by the name of their view.
    pub records: Vec<(&'static str, Vec<Record>)>,
    /// Lists of written nodes, by the name of their view.
    pub nodes: Vec<(&'static str, Vec<Id>)>,
    /// Whether all examples were held against their schemas.
    pub complete: bool,
    /// How many paths and operations are behind references that cannot be followed.
    pub elsewhere: usize,
    /// References that are not followed, what kind of trouble that is, and why.
    pub refused: Vec<(Id, Trouble, String)>,
}

/// Collects from the document at `root`, and from the parts of other files that belong to it.
pub fn collect<'a>(
    root: Node<'a>,
    version: Version,
    regions: &'a [Region],
    unread: &'a Unread,
) -> Collected {
    let mut walk = Walk {
        root,
        version,
        regions,
        unread,
        refs: Refs::new(root),
        records: Vec::new(),
        nodes: Vec::new(),
        operations: Vec::new(),
        references: Vec::new(),
        refused: Vec::new(),
        elsewhere: 0,
    };
    walk.everything();
    walk.paths();
    walk.operations();
    walk.security();
    walk.components();
    walk.servers();
    walk.tags();
    let (wrong_examples, complete) = schema::examples(&walk.refs, root, regions, version);
    walk.add("wrong_example", wrong_examples);
    walk.add("fault", structure::faults(root, version));
    walk.add("doubt", doubts::doubts(root, version, &walk.refs));
    let document = walk.document();
    let Walk { records, nodes, elsewhere, refused, .. } = walk;
    Collected { document, records, nodes, complete, elsewhere, refused }
}

/// An operation, and the path it stands under.
#[derive(Clone, Copy)]
pub struct Operation<'a> {
    /// The path as it is written.
    pub path: &'a str,
    /// What stands under the path.
    pub item: Node<'a>,
    /// The method, in lower case.
    pub method: &'a str,
    /// What stands under the method.
    pub node: Node<'a>,
}

struct Walk<'a> {
    root: Node<'a>,
    version: Version,
    regions: &'a [Region],
    unread: &'a Unread,
    refs: Refs<'a>,
    records: Vec<(&'static str, Vec<Record>)>,
    nodes: Vec<(&'static str, Vec<Id>)>,
    operations: Vec<Operation<'a>>,
    /// Every `$ref` that belongs to the description.
    references: Vec<Id>,
    refused: Vec<(Id, Trouble, String)>,
    elsewhere: usize,
}

fn record(node: Node<'_>, facts: Vec<(&'static str, Fact)>) -> Record {
    Record { node: node.id(), facts }
}

fn text(text: impl Into<String>) -> Fact {
    Fact::Text(text.into())
}

/// The numbers of all nodes that can be reached from `start`, references followed.
fn reached<'a>(refs: &Refs<'a>, start: Option<Node<'a>>, size: usize) -> Vec<bool> {
    let mut seen = vec![false; size];
    let mut open: Vec<_> = start.into_iter().collect();
    while let Some(node) = open.pop() {
        let Some(node) = refs.resolve(node) else { continue };
        if std::mem::replace(&mut seen[node.id() as usize], true) {
            continue;
        }
        open.extend(node.children());
    }
    seen
}

impl<'a> Walk<'a> {
    fn add(&mut self, name: &'static str, records: Vec<Record>) {
        self.records.push((name, records));
    }

    fn items(&self) -> Vec<(&'a str, Node<'a>)> {
        let paths = self.refs.get(self.root, "paths").into_iter().flat_map(Node::entries);
        paths.filter_map(|(path, item)| Some((path, self.refs.resolve(item)?))).collect()
    }

    fn document(&self) -> Record {
        let Version { major, minor } = self.version;
        let names: Vec<_> =
            self.listed("tags").filter_map(|it| it.str("name")).map(str::to_lowercase).collect();
        let count = |holds: &dyn Fn(&Operation<'a>) -> bool| {
            Fact::Int(self.operations.iter().filter(|it| holds(it)).count() as i64)
        };
        let documents = |it: &Operation<'a>, holds: &dyn Fn(&str) -> bool| {
            self.refs
                .get(it.node, "responses")
                .is_some_and(|it| it.entries().any(|(code, _)| holds(code)))
        };
        let is_described = |it: &Operation<'a>| {
            ["summary", "description"]
                .iter()
                .any(|key| it.node.str(key).is_some_and(|it| !it.is_empty()))
        };
        let facts = vec![
            ("major", Fact::Int(major.into())),
            ("minor", Fact::Int(minor.into())),
            ("version", text(format!("{major}.{minor}"))),
            ("tags_sorted", Fact::Bool(names.is_sorted())),
            ("operations", Fact::Int(self.operations.len() as i64)),
            ("with_success", count(&|it| documents(it, &is_success))),
            ("with_errors", count(&|it| documents(it, &is_error))),
            ("with_limits", count(&|it| documents(it, &|code| code == "429"))),
            ("described", count(&is_described)),
            ("identified", count(&|it| it.node.str("operationId").is_some())),
            ("secured", count(&|it| self.is_secured(it.node))),
            ("open_writes", count(&|it| is_write(it.method) && it.node.get("security").is_none())),
            (
                "with_refusals",
                count(&|it| {
                    self.is_secured(it.node) && documents(it, &|code| REFUSALS.contains(&code))
                }),
            ),
        ];
        record(self.root, [facts, self.completeness()].concat())
    }

    fn is_secured(&self, operation: Node<'a>) -> bool {
        let security = operation.get("security").or_else(|| self.root.get("security"));
        let security = security.filter(|it| it.is_seq() && !it.is_empty());
        security.is_some_and(|it| it.children().all(|it| !it.is_empty()))
    }

    /// What the document has of errors, examples and versions.
    fn completeness(&self) -> Vec<(&'static str, Fact)> {
        let (mut errors, mut typed, mut shapes) = (0, 0, HashSet::new());
        let mut exemplified = 0;
        for it in &self.operations {
            let responses = it.node.get("responses").into_iter().flat_map(Node::entries);
            let mut bodies: Vec<Node<'a>> = it.node.get("requestBody").into_iter().collect();
            for (code, written) in responses {
                let Some(response) = self.refs.resolve(written) else { continue };
                if !is_error(code) {
                    bodies.push(written);
                    continue;
                }
                let schema = self.schemas(response).find(|it| !it.is_empty());
                errors += 1;
                typed += i64::from(schema.is_some());
                // Those that are written in place are told apart from shared ones alone.
                let shared = schema.is_some_and(|it| pointer(it).is_some());
                let id = schema.and_then(|it| self.refs.resolve(it)).map(Node::id);
                shapes.extend(id.map(|it| if shared { it } else { 0 }));
            }
            exemplified += i64::from(self.shows(&bodies));
        }
        let paths: Vec<_> =
            self.root.get("paths").into_iter().flat_map(Node::entries).map(|it| it.0).collect();
        let business: Vec<_> = paths.into_iter().filter(|it| !is_operational(it)).collect();
        let versioned = business.iter().filter(|it| has_version(it)).count();
        let loose = business.iter().find(|it| !has_version(it)).copied().unwrap_or_default();
        let servers = self.root.get("servers").into_iter().flat_map(Node::children);
        let mut bases = servers.filter_map(|it| it.str("url")).chain(self.root.str("basePath"));
        vec![
            ("error_responses", Fact::Int(errors)),
            ("typed_errors", Fact::Int(typed)),
            ("error_shapes", Fact::Int(shapes.len() as i64)),
            ("exemplified", Fact::Int(exemplified)),
            ("shows_some", Fact::Bool(self.shows_some())),
            ("business_paths", Fact::Int(business.len() as i64)),
            ("versioned_paths", Fact::Int(versioned as i64)),
            ("unversioned", text(loose)),
            ("versioned_servers", Fact::Bool(bases.any(has_version))),
        ]
    }

    /// Whether there is an example anywhere in the file.
    fn shows_some(&self) -> bool {
        let tree = self.root.tree();
        let all = self.root.id()..tree.nodes[self.root.id() as usize].low;
        all.map(|it| tree.node(it).key()).any(|it| matches!(it, "example" | "examples"))
    }

    /// The schemas of a response or a body, one for each media type.
    fn schemas(&self, it: Node<'a>) -> impl Iterator<Item = Node<'a>> {
        let content = it.get("content").into_iter().flat_map(Node::children);
        content.filter_map(|it| it.get("schema")).chain(it.get("schema"))
    }

    /// Whether each of these bodies that has content shows an example of it.
    fn shows(&self, bodies: &[Node<'a>]) -> bool {
        let has = |it: Node<'a>| it.get("example").is_some() || it.get("examples").is_some();
        let mut some = false;
        let all = bodies.iter().filter_map(|it| self.refs.resolve(*it)).all(|body| {
            let content: Vec<_> = match body.get("content") {
                Some(content) => content.children().collect(),
                None => body.get("schema").map(|_| body).into_iter().collect(),
            };
            some |= !content.is_empty();
            content.into_iter().all(|it| {
                let schema = it.get("schema").and_then(|it| self.refs.resolve(it));
                let item =
                    schema.and_then(|it| it.get("items")).and_then(|it| self.refs.resolve(it));
                let shown = |it: Node<'a>| {
                    let mut each = it.get("properties").into_iter().flat_map(Node::children);
                    has(it) || each.next().is_some_and(has) && each.all(has)
                };
                has(it) || [schema, item].into_iter().flatten().any(shown)
            })
        });
        some && all
    }

    /// The items of a list of the document, references followed.
    fn listed(&self, key: &str) -> impl Iterator<Item = Node<'a>> {
        let list = self.refs.get(self.root, key).into_iter().flat_map(Node::children);
        list.filter_map(|it| self.refs.resolve(it))
    }

    // ---- one walk over everything that is written

    fn everything(&mut self) {
        let in_paths =
            reached(&self.refs, self.refs.get(self.root, "paths"), self.refs.end() as usize);
        let mut lists = Lists::default();
        let (version, refs) = (self.version, &self.refs);
        tour(self.root, self.regions, &|(), _| (), &mut |node, key, around| {
            lists.node(version, (node, key), around, refs, &in_paths);
        });
        self.references = std::mem::take(&mut lists.references);
        self.nodes = vec![
            ("string", lists.strings),
            ("integer", lists.integers),
            ("array", lists.arrays),
            ("enum", lists.enums),
            ("headers", lists.headers),
            ("example", lists.examples),
        ];
        self.add("text", lists.texts);
        self.add("token", lists.tokens);
        self.add("keyword", lists.keywords);
        self.add("sibling", lists.siblings);
        let references = self.references();
        self.add("reference", references);
        self.add("parameter", lists.parameters);
        self.add("responses", lists.responses);
        self.add("enum_value", lists.enum_values);
        self.add("open_object", lists.open_objects);
        self.add("site", lists.sites);
        self.add("plain_key", lists.plain_keys);
        let responses = self.responses(lists.response_maps);
        self.add("response", responses);
    }

    /// The single responses of every `responses` that can be reached from the paths.
    fn responses(&self, mut maps: Vec<Id>) -> Vec<Record> {
        let tree = self.root.tree();
        let mut seen = HashSet::new();
        let mut records = Vec::new();
        maps.sort_unstable();
        for id in maps {
            for (code, written) in tree.node(id).entries() {
                let Some(response) = self.refs.resolve(written) else { continue };
                if seen.insert((code, response.id())) {
                    records.push(record(response, vec![("code", text(code))]));
                }
            }
        }
        records
    }

    /// Every reference: what it names, and whether that is there.
    fn references(&mut self) -> Vec<Record> {
        let mut lost = HashSet::new();
        let mut records = Vec::new();
        for &id in &self.references {
            let node = self.root.tree().node(id);
            let target = node.text();
            let mut facts = vec![("target", text(target))];
            let way = self.refs.way(node, target);
            let is_local = matches!(way, Way::Here);
            let mut found = self.refs.target(node, target).is_some();
            let mut unknown = |kind, reason: String| {
                self.refused.push((id, kind, format!("`{target}` {reason}")));
                true
            };
            if let Some((kind, reason)) = refusal(&way).filter(|_| !found) {
                found = unknown(kind, reason.to_owned());
            }
            if let Way::File(path) = way {
                if let Some(reason) = self.unread.get(&path) {
                    found = unknown(Trouble::Limit, (*reason).to_owned());
                } else if !found {
                    let there = self.refs.has_file(&path);
                    facts.push(("there", Fact::Bool(there)));
                }
                facts.push(("path", text(path)));
            }
            let first = !found && lost.insert((self.refs.file_of(node), target));
            facts.push(("local", Fact::Bool(is_local)));
            facts.push(("found", Fact::Bool(found)));
            facts.push(("first", Fact::Bool(first)));
            records.push(record(node, facts));
        }
        records
    }

    // ---- paths and operations

    fn paths(&mut self) {
        let mut records = Vec::new();
        let mut shapes: HashMap<String, &str> = HashMap::new();
        let written = self.refs.get(self.root, "paths").into_iter().flat_map(Node::entries);
        let mut rivals = Rivals::default();
        for (path, written) in written {
            let variables = variables(path);
            let again = repeated(&variables);
            let shape = shape(path);
            let twin = shapes.get(&shape).copied().unwrap_or_default();
            let (rival, rival_again) = rivals.find(path);
            shapes.entry(shape).or_insert(path);
            records.push(record(
                written,
                vec![
                    ("path", text(path)),
                    ("repeated", Fact::Texts(again)),
                    ("twin", text(twin)),
                    ("rival", text(rival)),
                    ("rival_again", Fact::Bool(rival_again)),
                ],
            ));
            let Some(item) = self.refs.resolve(written) else {
                self.elsewhere += 1;
                continue;
            };
            for &method in METHODS {
                if method == "query" && (self.version.major, self.version.minor) < (3, 2) {
                    continue;
                }
                let Some(node) = item.get(method).filter(|it| it.is_map()) else { continue };
                match self.refs.resolve(node) {
                    Some(node) => self.operations.push(Operation { path, item, method, node }),
                    None => self.elsewhere += 1,
                }
            }
        }
        self.add("path", records);
        self.path_parameters();
    }

    /// The parameters `in: path`, each where it is declared, against the variables of the path.
    fn path_parameters(&mut self) {
        let mut records = Vec::new();
        let mut undeclared = HashMap::new();
        for (path, item) in self.items() {
            let variables = variables(path);
            let shared = self.declared(item);
            self.check_declared(path, &variables, &shared, &mut records);
            let own: Vec<_> = METHODS.iter().filter(|it| **it != "query").collect();
            for method in own {
                let Some(operation) = item.get(method).filter(|it| it.is_map()) else { continue };
                let Some(operation) = self.refs.resolve(operation) else { continue };
                let declared = self.declared(operation);
                self.check_declared(path, &variables, &declared, &mut records);
                let known = |name: &&str| {
                    declared.iter().chain(&shared).any(|it| it.1.str("name") == Some(name))
                };
                let all_known = [item, operation].iter().all(|it| self.lists_all(*it));
                let missing = variables.iter().filter(|it| all_known && !known(it));
                let missing: Vec<_> = missing.map(|it| (*it).to_owned()).collect();
                undeclared.insert(operation.id(), missing);
            }
        }
        self.add("path_parameter", records);
        self.operation_records(undeclared);
    }

    /// Whether all parameters of a path item or an operation are in this document.
    fn lists_all(&self, node: Node<'a>) -> bool {
        let Some(written) = node.get("parameters") else { return true };
        let list = self.refs.resolve(written);
        list.is_some_and(|it| it.children().all(|it| self.refs.resolve(it).is_some()))
    }

    /// The parameters `in: path` of a path item or an operation, each with where it is listed.
    fn declared(&self, node: Node<'a>) -> Vec<(Node<'a>, Node<'a>)> {
        let written = self.refs.get(node, "parameters").into_iter().flat_map(Node::children);
        let resolved = written.filter_map(|it| Some((it, self.refs.resolve(it)?)));
        let in_path = |it: Node<'_>| it.str("in") == Some("path") && it.str("name").is_some();
        resolved.filter(|it| in_path(it.1)).collect()
    }

    fn check_declared(
        &self,
        path: &str,
        variables: &[&str],
        declared: &[(Node<'a>, Node<'a>)],
        records: &mut Vec<Record>,
    ) {
        let mut names = HashSet::new();
        for &(listed, parameter) in declared {
            let name = parameter.str("name").unwrap_or_default();
            let required = parameter.get("required").and_then(Node::as_bool) == Some(true);
            let plain = variables.contains(&name);
            let facts = vec![
                ("name", text(name)),
                ("path", text(path)),
                ("required", Fact::Bool(required)),
                ("used", Fact::Bool(plain || braces(path).contains(&name))),
                ("plain", Fact::Bool(plain)),
                ("repeated", Fact::Bool(!names.insert(name))),
            ];
            records.push(record(listed, facts));
        }
    }

    fn operation_records(&mut self, undeclared: HashMap<Id, Vec<String>>) {
        let mut undeclared = undeclared;
        let mut ids = HashSet::new();
        let mut admin = Admin::new(self);
        let mut records = Vec::new();
        for &it in &self.operations.clone() {
            let again = it
                .node
                .get("operationId")
                .is_some_and(|id| id.as_str().is_some_and(|id| !ids.insert(id)));
            let missing = undeclared.remove(&it.node.id()).unwrap_or_default();
            let own: Vec<_> = self
                .refs
                .get(it.node, "parameters")
                .into_iter()
                .flat_map(Node::children)
                .filter_map(|it| self.refs.resolve(it))
                .collect();
            let shared = self.refs.get(it.item, "parameters").into_iter().flat_map(Node::children);
            let all = shared.filter_map(|it| self.refs.resolve(it)).chain(own.iter().copied());
            let responses: Vec<_> = self
                .refs
                .get(it.node, "responses")
                .into_iter()
                .flat_map(Node::entries)
                .map(|(code, _)| code.to_owned())
                .collect();
            let success = responses.iter().any(|code| is_success(code));
            let is_in = |place: &str| own.iter().any(|it| it.str("in") == Some(place));
            let mixes = is_in("body") && is_in("formData");
            let mut facts = vec![
                ("path", text(it.path)),
                ("method", text(it.method)),
                ("item", Fact::Node(it.item.id())),
                ("parameters", Fact::Nodes(all.map(Node::id).collect())),
                ("codes", Fact::Texts(responses)),
                ("succeeds", Fact::Bool(success)),
                ("id_repeated", Fact::Bool(again)),
                ("undeclared", Fact::Texts(missing)),
                ("mixes_body_and_form", Fact::Bool(mixes)),
                ("has_form", Fact::Bool(is_in("formData"))),
                ("changes", Fact::Bool(is_write(it.method))),
            ];
            self.protection(it.node, &mut facts);
            admin.judge(it, &mut facts);
            if let Some(servers) = self.servers_of(it) {
                facts.push(("servers", Fact::Node(servers.id())));
            }
            records.push(record(it.node, facts));
        }
        self.add("operation", records);
    }

    /// The servers that hold for an operation.
    fn servers_of(&self, it: Operation<'a>) -> Option<Node<'a>> {
        let own = self.refs.get(it.node, "servers").or_else(|| self.refs.get(it.item, "servers"));
        own.or_else(|| self.refs.get(self.root, "servers"))
    }

    /// Who may call the operation: its own `security`, or else that of the document.
    fn protection(&self, operation: Node<'a>, facts: &mut Vec<(&'static str, Fact)>) {
        let own = operation.get("security");
        let holds = own.or_else(|| self.root.get("security")).and_then(|it| self.refs.resolve(it));
        let security = holds.filter(|it| it.is_seq());
        let optional = security.is_some_and(|it| it.children().any(|it| it.is_empty()));
        let secured = security.is_some_and(|it| !it.is_empty());
        facts.push(("secured", Fact::Bool(secured)));
        facts.push(("secured_always", Fact::Bool(secured && !optional)));
        let at = own.unwrap_or(operation);
        let open = security.filter(|_| own.is_some() && optional);
        let open = open.and_then(|it| it.children().find(|it| it.is_empty()));
        facts.push(("security_place", Fact::Node(open.unwrap_or(at).id())));
        if let Some(security) = security {
            facts.push(("security", Fact::Node(security.id())));
        }
    }

    fn operations(&mut self) {
        let mut parameters = Vec::new();
        let mut tags = Vec::new();
        let mut nested = Vec::new();
        let defined: HashSet<_> = self.listed("tags").filter_map(|it| it.str("name")).collect();
        for &it in &self.operations {
            let written = self.refs.get(it.node, "tags").into_iter().flat_map(Node::children);
            for tag in written {
                let name = tag.display();
                let known = defined.contains(name.as_str());
                tags.push(record(tag, vec![("name", text(name)), ("defined", Fact::Bool(known))]));
            }
            self.own_parameters(it.node, &mut parameters);
            self.nested_callbacks(it.node, &mut nested);
        }
        self.add("operation_parameter", parameters);
        self.add("operation_tag", tags);
        self.add("callback_operation", nested);
        let webhooks: Vec<_> = self
            .refs
            .get(self.root, "webhooks")
            .into_iter()
            .flat_map(Node::entries)
            .filter_map(|(name, it)| Some((name, self.refs.resolve(it)?)))
            .flat_map(|(name, it)| it.entries().map(move |(method, it)| (name, method, it)))
            .filter(|(.., it)| it.is_map())
            .map(|(name, method, it)| {
                record(it, vec![("name", text(name)), ("method", text(method))])
            })
            .collect();
        self.add("webhook_operation", webhooks);
    }

    /// Each parameter that an operation lists itself, against those before it.
    fn own_parameters(&self, operation: Node<'a>, records: &mut Vec<Record>) {
        let (mut seen, mut bodies) = (HashSet::new(), 0);
        let Some(list) = self.refs.get(operation, "parameters").filter(|it| it.is_seq()) else {
            return;
        };
        for it in list.children() {
            let Some(it) = self.refs.resolve(it) else { continue };
            let (Some(name), Some(place)) = (it.str("name"), it.str("in")) else { continue };
            bodies += u32::from(place == "body");
            let second_body = place == "body" && bodies > 1;
            records.push(record(
                it,
                vec![
                    ("name", text(name)),
                    ("in", text(place)),
                    ("repeated", Fact::Bool(!seen.insert((name, place)))),
                    ("second_body", Fact::Bool(second_body)),
                ],
            ));
        }
    }

    fn nested_callbacks(&self, operation: Node<'a>, records: &mut Vec<Record>) {
        let resolved = |it: Node<'a>| self.refs.resolve(it);
        let callbacks = self.refs.get(operation, "callbacks").into_iter().flat_map(Node::children);
        let items = callbacks.filter_map(resolved).flat_map(Node::children).filter_map(resolved);
        let nested = items.flat_map(Node::children).filter(|it| it.is_map());
        records.extend(nested.map(|it| record(it, Vec::new())));
    }

    // ---- security

    fn schemes(&self) -> Option<Node<'a>> {
        match self.version.major {
            2 => self.refs.get(self.root, "securityDefinitions"),
            _ => self.refs.get(self.refs.get(self.root, "components")?, "securitySchemes"),
        }
    }

    fn security(&mut self) {
        let schemes = self.schemes();
        let mut records = Vec::new();
        let mut flows = Vec::new();
        for (name, written) in schemes.into_iter().flat_map(Node::entries) {
            let Some(it) = self.refs.resolve(written) else { continue };
            records.push(record(it, vec![("name", text(name))]));
            for (kind, flow) in self.refs.get(it, "flows").into_iter().flat_map(Node::entries) {
                flows.push(record(flow, vec![("kind", text(kind)), ("scheme", text(name))]));
            }
        }
        self.add("security_scheme", records);
        self.add("flow", flows);
        // Behind references that cannot be followed there may be any scheme.
        let is_lost = |it: Node<'a>| self.refs.resolve(it).is_none();
        let components = self.root.get("components");
        let written = components.and_then(|it| self.refs.resolve(it));
        let written = written.and_then(|it| it.get("securitySchemes"));
        let elsewhere = components.is_some_and(is_lost) || written.is_some_and(is_lost);
        let mut needs = Vec::new();
        let mut scopes = Vec::new();
        let own = self.operations.iter().map(|it| (true, it.node.get("security")));
        let all = own.chain([(false, self.root.get("security"))]);
        for (of_operation, security) in all {
            let security = security.and_then(|it| self.refs.resolve(it));
            for need in security.into_iter().flat_map(Node::children) {
                for (name, needed) in need.entries() {
                    let scheme = schemes.and_then(|it| it.get(name));
                    let defined = elsewhere || scheme.is_some();
                    let scheme = scheme.and_then(|it| self.refs.resolve(it));
                    needs.push(record(
                        needed,
                        vec![
                            ("name", text(name)),
                            ("defined", Fact::Bool(defined)),
                            ("of_operation", Fact::Bool(of_operation)),
                        ],
                    ));
                    let Some(scheme) = scheme else { continue };
                    scopes.extend(self.scopes(name, needed, scheme));
                }
            }
        }
        self.add("security_requirement", needs);
        self.add("scope", scopes);
    }

    fn scopes(&self, name: &str, needed: Node<'a>, scheme: Node<'a>) -> Vec<Record> {
        if scheme.str("type") != Some("oauth2") {
            return Vec::new();
        }
        let flows = scheme.get("flows").into_iter().flat_map(Node::children);
        let known: HashSet<_> = flows
            .chain([scheme])
            .filter_map(|it| it.get("scopes"))
            .flat_map(Node::entries)
            .map(|it| it.0)
            .collect();
        let listed = needed.children().map(|it| {
            let scope = it.display();
            let defined = known.contains(scope.as_str());
            let scheme = ("scheme", text(name));
            record(it, vec![("name", text(scope)), ("defined", Fact::Bool(defined)), scheme])
        });
        listed.collect()
    }

    // ---- components, servers, tags

    fn components(&mut self) {
        let tree = self.root.tree();
        let mut used: HashMap<String, Vec<Id>> = HashMap::new();
        for it in self.references.iter().map(|id| tree.node(*id)) {
            let Some(pointer) = self.refs.in_root(it, it.text()) else { continue };
            let parts: Vec<_> = pointer.split('/').map(super::refs::decoded).collect();
            used.entry(parts.join("/")).or_default().push(it.id());
        }
        // What only a component itself refers to is not used.
        let outside = |it: Node<'_>, uses: &Vec<Id>| {
            let end = tree.nodes[it.id() as usize].low.max(it.id() + 1);
            uses.iter().any(|at| *at < it.id() || *at >= end)
        };
        let mut records = Vec::new();
        let mut section = |prefix: &str, name: &str, entries: Option<Node<'a>>| {
            for (key, it) in entries.into_iter().flat_map(Node::entries) {
                let uses = used.get(&format!("{prefix}/{key}"));
                let is_used = uses.is_some_and(|uses| outside(it, uses));
                records.push(record(
                    it,
                    vec![
                        ("name", text(key)),
                        ("section", text(name)),
                        ("used", Fact::Bool(is_used)),
                    ],
                ));
            }
        };
        if self.version.major == 2 {
            section("#/definitions", "definitions", self.root.get("definitions"));
        } else if let Some(components) = self.root.get("components") {
            for name in SECTIONS {
                section(&format!("#/components/{name}"), name, components.get(name));
            }
        }
        self.add("component", records);
    }

    fn servers(&mut self) {
        let mut found: Vec<(&str, Node<'a>)> = Vec::new();
        let mut list = |scope, holder: Node<'a>| {
            let servers = self.refs.get(holder, "servers").into_iter().flat_map(Node::children);
            let servers = servers.filter_map(|it| self.refs.resolve(it));
            found.extend(servers.map(|it| (scope, it)));
        };
        list("document", self.root);
        for (_, item) in self.items() {
            list("path", item);
        }
        for it in &self.operations {
            list("operation", it.node);
        }
        let components = self.refs.get(self.root, "components");
        let links = components.and_then(|it| self.refs.get(it, "links"));
        let links = links.into_iter().flat_map(Node::children);
        found.extend(links.filter_map(|it| Some(("link", it.get("server")?))));
        let (mut servers, mut variables) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        found.retain(|it| seen.insert(it.1.id()));
        for (scope, server) in found {
            let Some(url) = server.str("url") else { continue };
            let named = braces(url);
            let defined = server.get("variables");
            let missing = named
                .iter()
                .filter(|it| defined.and_then(|map| map.get(it)).is_none())
                .map(|it| (*it).to_owned())
                .collect();
            servers.push(record(
                server,
                vec![
                    ("scope", text(scope)),
                    ("missing", Fact::Texts(missing)),
                    ("unusable", Fact::Texts(unusable(url, defined))),
                ],
            ));
            for (name, it) in defined.into_iter().flat_map(Node::entries) {
                let default = it.get("default");
                let offered = it.get("enum").is_none_or(|all| {
                    default.is_none_or(|it| all.children().any(|one| one.display() == it.display()))
                });
                variables.push(record(
                    it,
                    vec![
                        ("name", text(name)),
                        ("used", Fact::Bool(named.contains(&name))),
                        ("default_offered", Fact::Bool(offered)),
                    ],
                ));
            }
        }
        self.add("server", servers);
        self.add("server_variable", variables);
    }

    fn tags(&mut self) {
        let mut seen = HashSet::new();
        let records = self.listed("tags").map(|it| {
            let name = it.str("name");
            let again = name.is_some_and(|it| !seen.insert(it));
            let shown = name.unwrap_or_default();
            record(it, vec![("name", text(shown)), ("repeated", Fact::Bool(again))])
        });
        let records = records.collect();
        self.add("tag", records);
        let schemes = match self.version.major {
            2 => self.root.get("schemes"),
            _ => None,
        };
        let schemes = schemes.into_iter().flat_map(Node::children).map(Node::id).collect();
        self.nodes.push(("scheme", schemes));
    }
}

/// What one walk over everything fills.
#[derive(Default)]
struct Lists {
    strings: Vec<Id>,
    integers: Vec<Id>,
    arrays: Vec<Id>,
    open_objects: Vec<Record>,
    sites: Vec<Record>,
    enums: Vec<Id>,
    headers: Vec<Id>,
    examples: Vec<Id>,
    texts: Vec<Record>,
    tokens: Vec<Record>,
    keywords: Vec<Record>,
    siblings: Vec<Record>,
    references: Vec<Id>,
    parameters: Vec<Record>,
    responses: Vec<Record>,
    /// Each `responses` that a path leads to.
    response_maps: Vec<Id>,
    enum_values: Vec<Record>,
    /// Keys that YAML reads as numbers, booleans or nothing.
    plain_keys: Vec<Record>,
    seen: HashSet<Id>,
}

impl Lists {
    fn node<'a>(
        &mut self,
        version: Version,
        (node, key): (Node<'a>, &'a str),
        around: &[Spot<'a, ()>],
        refs: &Refs<'a>,
        in_paths: &[bool],
    ) {
        let is_in_paths = |it: Node<'_>| in_paths.get(it.id() as usize) == Some(&true);
        match key {
            "description" | "title" if node.as_str().is_some() => {
                self.texts.push(record(node, vec![("text", Fact::Node(node.id()))]));
            }
            "anyOf" | "oneOf" if version.major == 2 => {
                self.keywords.push(record(node, vec![("name", text(key))]));
            }
            "xml" if node.is_map() => {
                self.keywords.push(record(node, vec![("name", text(key))]));
            }
            "headers" if node.is_map() => self.headers.push(node.id()),
            "examples" if node.is_map() && takes_examples(around) => self.examples(node, refs),
            "parameters" => {
                let shared = around.last().is_some_and(|it| it.key == "components");
                self.parameters(node, shared, refs, in_paths);
            }
            "responses" if is_in_paths(node) => {
                self.response_maps.push(node.id());
                if node.is_map() {
                    self.responses.push(responses(node, refs));
                }
            }
            "$ref" => self.reference(version, node, around, refs),
            _ => {}
        }
        if node.as_str().is_some_and(|it| TOKENS.iter().any(|start| it.starts_with(start))) {
            self.tokens.push(record(node, vec![("text", Fact::Node(node.id()))]));
        }
        if is_no_text(key) && is_plain_key(node) {
            self.plain_keys.push(record(node, vec![("key", text(key))]));
        }
        if !node.is_map() {
            return;
        }
        if pointer(node).is_none() {
            self.typed(version, key, node, refs);
        } else if node.len() > 1 {
            self.site(version, node, refs);
        }
    }

    /// A reference with keys beside it is a place of its own for what it leads to.
    fn site<'a>(&mut self, version: Version, node: Node<'a>, refs: &Refs<'a>) {
        let target = refs.resolve(node).filter(|it| it.is_map());
        let Some((target, kind)) = target.and_then(|it| Some((it, it.get("type")?))) else {
            return;
        };
        for (name, is) in TYPES.into_iter().zip(types(version, kind)) {
            if is {
                let site = ("site", Fact::Node(node.id()));
                self.sites.push(record(target, vec![("type", text(name)), site]));
            }
        }
    }

    /// An object that allows more than it names, and what it allows.
    fn open_object<'a>(&mut self, node: Node<'a>, refs: &Refs<'a>) {
        for keyword in ["additionalProperties", "unevaluatedProperties"] {
            let Some(written) = node.get(keyword) else { continue };
            let allows = refs.resolve(written).unwrap_or(written);
            if allows.as_bool() == Some(false) {
                continue;
            }
            let is_schema = Fact::Bool(written.is_map());
            let facts = vec![
                ("keyword", text(keyword)),
                ("allows", Fact::Node(allows.id())),
                ("by_schema", is_schema),
            ];
            self.open_objects.push(record(node, facts));
        }
    }

    fn typed<'a>(&mut self, version: Version, key: &str, node: Node<'a>, refs: &Refs<'a>) {
        let mut kinds = [false; 4];
        for (name, value) in node.entries() {
            match name {
                "type" => kinds = types(version, value),
                "enum" if key != "properties" && value.is_seq() => self.enums.push(node.id()),
                _ => {}
            }
        }
        if kinds[3] {
            self.open_object(node, refs);
        }
        let lists = [&mut self.strings, &mut self.integers, &mut self.arrays];
        for (list, is) in lists.into_iter().zip(kinds) {
            if is {
                list.push(node.id());
            }
        }
        if let (Some(all), Some(kind)) = (node.get("enum"), node.get("type"))
            && all.is_seq()
        {
            self.enum_values(node, all, kind);
        }
    }

    /// The values of an enumeration that are not of its type.
    fn enum_values(&mut self, schema: Node<'_>, all: Node<'_>, kind: Node<'_>) {
        let nullable = ["nullable", "x-nullable"]
            .iter()
            .any(|it| schema.get(it).and_then(Node::as_bool) == Some(true));
        let wanted: Vec<_> = match kind.as_str() {
            Some(one) => vec![one],
            None => kind.children().filter_map(Node::as_str).collect(),
        };
        for value in all.children() {
            let fits = wanted.iter().any(|it| schema::is_of_type(value, it));
            if !(fits || nullable && value.is_null()) {
                let facts =
                    vec![("type", text(wanted.join(" or "))), ("value", text(value.display()))];
                self.enum_values.push(record(value, facts));
            }
        }
    }

    fn examples<'a>(&mut self, node: Node<'a>, refs: &Refs<'a>) {
        for it in node.children().filter_map(|it| refs.resolve(it)) {
            if it.is_map() && self.seen.insert(it.id()) {
                self.examples.push(it.id());
            }
        }
    }

    fn parameters<'a>(&mut self, node: Node<'a>, shared: bool, refs: &Refs<'a>, in_paths: &[bool]) {
        for it in node.children().filter_map(|it| refs.resolve(it)) {
            if !it.is_map() || it.get("in").is_none() || !self.seen.insert(it.id()) {
                continue;
            }
            let in_paths = in_paths.get(it.id() as usize) == Some(&true);
            let mut facts =
                vec![("in_paths", Fact::Bool(in_paths)), ("shared", Fact::Bool(shared))];
            if let Some(schema) = it.get("schema").and_then(|it| refs.resolve(it)) {
                facts.push(("schema", Fact::Node(schema.id())));
            }
            self.parameters.push(record(it, facts));
        }
    }

    fn reference<'a>(
        &mut self,
        version: Version,
        node: Node<'a>,
        around: &[Spot<'a, ()>],
        refs: &Refs<'a>,
    ) {
        let (Some(_), Some(holder)) = (node.as_str(), around.last()) else { return };
        self.references.push(node.id());
        let is_old = version.major == 2 || version.minor == 0;
        if !is_old || !refs.is_in_root(node) {
            return;
        }
        for (key, sibling) in holder.node.entries().filter(|it| it.0 != "$ref") {
            self.siblings.push(record(sibling, vec![("name", text(key))]));
        }
    }
}

/// Whether these containers end in a place for named examples: a media type, a parameter, a header,
/// or `components`; and not a schema with a property of that name.
fn takes_examples(around: &[Spot<'_, ()>]) -> bool {
    let above = around.len().checked_sub(2).map(|it| around[it].key);
    above.is_some_and(|it| matches!(it, "content" | "headers" | "parameters"))
        || around.last().is_some_and(|it| it.key == "components")
}

/// A `responses` object: which codes it has, and those without content.
fn responses<'a>(node: Node<'a>, refs: &Refs<'a>) -> Record {
    let mut codes = Vec::new();
    let mut facts = Vec::new();
    for (code, it) in node.entries() {
        codes.push(code.to_owned());
        let name = match code {
            "401" => "unauthorized",
            "429" => "limited",
            "500" => "failed",
            _ => continue,
        };
        if let Some(it) = refs.resolve(it) {
            facts.push((name, Fact::Node(it.id())));
        }
    }
    facts.push(("codes", Fact::Texts(codes)));
    record(node, facts)
}

/// Whether YAML reads a key as something else than text, unless it is in quotes.
fn is_no_text(key: &str) -> bool {
    let digits = key.trim_start_matches(['-', '+']);
    digits.starts_with(|it: char| it.is_ascii_digit() || it == '.') && digits.parse::<f64>().is_ok()
        || matches!(key, "true" | "false" | "null" | "~" | "True" | "False" | "Null")
}

/// Whether the key of a node is written in YAML without quotes.
fn is_plain_key(node: Node<'_>) -> bool {
    let (Some(span), source) = (node.key_span(), &node.tree().source) else { return false };
    let (file, at) = source.author(span);
    let before = (at.start as usize).checked_sub(1).and_then(|it| file.text.as_bytes().get(it));
    file.path.ends_with("ml") && !matches!(before, Some(b'"' | b'\''))
}

/// Whether a `type` says string, integer, array, object.
fn types(version: Version, value: Node<'_>) -> [bool; 4] {
    if let Some(one) = value.as_str() {
        return TYPES.map(|it| it == one);
    }
    let lists = (version.major, version.minor) >= (3, 1) && value.is_seq();
    TYPES.map(|it| lists && value.children().any(|one| one.as_str() == Some(it)))
}

fn is_success(code: &str) -> bool {
    let class = code.starts_with('2') || code.starts_with('3');
    class && code.len() == 3 && code[1..].bytes().all(|it| it.is_ascii_digit() || it == b'X')
}

fn is_write(method: &str) -> bool {
    matches!(method, "post" | "put" | "patch" | "delete")
}

fn is_error(code: &str) -> bool {
    code == "default" || code.starts_with(['4', '5'])
}

/// Whether an address or a path names a version: `/v2/orders`.
fn has_version(path: &str) -> bool {
    path.split('/').any(|it| {
        let number = it.strip_prefix('v').unwrap_or_default();
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &number[digits..];
        digits > 0 && (rest.is_empty() || rest.starts_with(['.', 'a', 'b']))
    })
}

/// Whether a path is for those who run the service: no version of the interface holds for it.
fn is_operational(path: &str) -> bool {
    let mut parts = path.trim_matches('/').split('/').map(str::to_ascii_lowercase);
    path == "/" || parts.any(|it| OPERATIONAL.contains(&it.as_str()))
}

/// As many values of variables are tried together.
const MAX_TRIED: usize = 1_000;

/// The URLs that the values of its variables make of a server's, and that nobody can call.
fn unusable(url: &str, variables: Option<Node<'_>>) -> Vec<String> {
    let mut made = vec![url.to_owned()];
    let mut filled = false;
    for (name, it) in variables.into_iter().flat_map(Node::entries) {
        let hole = format!("{{{name}}}");
        if !url.contains(&hole) {
            continue;
        }
        filled = true;
        let values: Vec<_> = match it.get("enum") {
            Some(all) => all.children().filter_map(Node::as_str).collect(),
            None => it.str("default").into_iter().collect(),
        };
        let fill =
            |url: &String| values.iter().map(|it| url.replace(&hole, it)).collect::<Vec<_>>();
        made = made.iter().flat_map(fill).take(MAX_TRIED).collect();
    }
    made.retain(|it| filled && !it.contains('{') && !is_absolute(it));
    made.truncate(5);
    made
}

/// Whether a text is an absolute URL: a scheme, and for those of the web a host and a port.
fn is_absolute(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"+-.".contains(&it);
    if !scheme.starts_with(|it: char| it.is_ascii_alphabetic()) || !scheme.bytes().all(plain) {
        return false;
    }
    if !matches!(&*scheme.to_ascii_lowercase(), "http" | "https" | "ws" | "wss" | "ftp") {
        return true;
    }
    let authority = rest.trim_start_matches(['/', '\\']);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (host, ""),
    };
    let is_port = port.is_empty() || port.parse::<u16>().is_ok();
    !host.is_empty() && is_port && !host.contains([' ', '<', '>', '^', '|', '%'])
}

/// The names in braces in a path.
fn variables(path: &str) -> Vec<&str> {
    let named =
        braces(path).into_iter().map(|it| it.trim_start_matches([';', '?']).trim_end_matches('*'));
    let valid = |it: &&str| {
        !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "_-".contains(it))
    };
    named.filter(valid).collect()
}

/// What stands in braces.
pub fn braces(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else { break };
        let inner = &rest[open + 1..open + close];
        found.push(inner.rsplit('{').next().unwrap_or(inner));
        rest = &rest[open + close + 1..];
    }
    found
}

fn repeated(names: &[&str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let again = names.iter().filter(|it| !seen.insert(**it));
    again.map(|it| (*it).to_owned()).collect()
}

/// A path without the names of its variables: two paths of one shape match the same requests.
pub fn shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else { break };
        shape.push_str(&rest[..open]);
        shape.push_str(if close == 1 { "{}" } else { "%" });
        rest = &rest[open + close + 1..];
    }
    shape.push_str(rest);
    shape
}

/// The paths so far, to find those that match some request of a later one too although neither is
/// the more concrete: `/a/{x}` and `/{y}/b`.
#[derive(Default)]
struct Rivals<'a> {
    /// By how many parts they have, and how many of these are variables.
    known: HashMap<(usize, usize), Vec<&'a str>>,
    told: HashSet<&'a str>,
    compared: usize,
}

impl<'a> Rivals<'a> {
    /// An earlier path that is as concrete as this one and matches some of its requests, empty if
    /// there is none; and whether it was given before.
    fn find(&mut self, path: &'a str) -> (&'a str, bool) {
        let is_variable = |it: &str| it.len() > 2 && it.starts_with('{') && it.ends_with('}');
        let parts = path.split('/');
        let key = (parts.clone().count(), parts.clone().filter(|it| is_variable(it)).count());
        let known = self.known.entry(key).or_default();
        self.compared += known.len();
        if key.1 == 0 || self.compared > MAX_COMPARED {
            return ("", false);
        }
        let agree = |(a, b): (&str, &str)| a == b || is_variable(a) || is_variable(b);
        let found = known.iter().find(|it| it.split('/').zip(parts.clone()).all(agree)).copied();
        known.push(path);
        let again = found.is_some_and(|it| !self.told.insert(it));
        (found.unwrap_or_default(), again)
    }
}

/// Which ways in the operations outside `/admin` use.
struct Admin {
    elsewhere: HashSet<String>,
}

impl Admin {
    fn new(walk: &Walk<'_>) -> Self {
        let outside = walk.operations.iter().filter(|it| !is_admin(it.path));
        let elsewhere = outside.flat_map(|it| ways(it.node)).map(|it| it.1).collect();
        Self { elsewhere }
    }

    /// Adds the first requirement of an administrator's operation that others use too.
    fn judge(&mut self, it: Operation<'_>, facts: &mut Vec<(&'static str, Fact)>) {
        if !is_admin(it.path) {
            return;
        }
        let shared: Vec<_> = ways(it.node)
            .into_iter()
            .filter(|(_, way)| self.elsewhere.contains(way))
            .map(|(id, _)| id)
            .collect();
        facts.push(("shared_ways_in", Fact::Nodes(shared)));
    }
}

fn is_admin(path: &str) -> bool {
    path.contains("/admin")
}

/// The security requirements of an operation, in a form that can be compared.
fn ways(operation: Node<'_>) -> Vec<(Id, String)> {
    let needs = operation.get("security").into_iter().flat_map(Node::children);
    let form = |need: Node<'_>| {
        let mut schemes: Vec<_> = need
            .entries()
            .map(|(name, scopes)| {
                let mut scopes: Vec<_> = scopes.children().map(Node::display).collect();
                scopes.sort();
                format!("{name}({})", scopes.join(" "))
            })
            .collect();
        schemes.sort();
        schemes.join(" ")
    };
    needs.map(|it| (it.id(), form(it))).collect()
}
