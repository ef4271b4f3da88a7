//! Routes: their whole paths, and everything that guards them.

use std::collections::{BTreeSet, HashMap};

use super::{Python, services::is_app};
use crate::document::Node;

/// A router or an app: the module that makes it, and its name there.
type Router<'a> = (usize, &'a str);

/// How many ways to mount one router are followed.
const MOST_WAYS: usize = 16;

/// A route of a service.
#[derive(Debug)]
pub(in crate::repository) struct Route<'a> {
    /// The fact.
    pub node: Node<'a>,
    /// The module, as an index.
    pub module: usize,
    /// Its paths: one for each way its router is mounted.
    pub paths: Vec<String>,
    /// Whether all parts of all paths are known.
    pub known: bool,
    /// Whether an app mounts its router.
    pub mounted: bool,
    /// What guards it: its own dependencies, its routers', its app's.
    pub guards: Vec<String>,
}

/// One way from a router up to the app.
#[derive(Clone, Debug, Default)]
struct Way {
    prefix: String,
    known: bool,
    mounted: bool,
    guards: Vec<String>,
}

/// A router that is put into another.
struct Mount<'a> {
    parent: Option<Router<'a>>,
    prefix: Option<String>,
    guards: Vec<String>,
    is_app: bool,
}

/// What is known of the routers of a repository.
struct Routers<'a, 'p> {
    python: &'p Python<'a>,
    made: HashMap<Router<'a>, Node<'a>>,
    mounts: HashMap<Router<'a>, Vec<Mount<'a>>>,
    ways: HashMap<Router<'a>, Vec<Way>>,
    /// The services into which something is put that is not known.
    open: BTreeSet<usize>,
}

/// The routes of the services, and the services that may have further ones.
pub(super) fn routes<'a>(python: &Python<'a>) -> (Vec<Route<'a>>, BTreeSet<usize>) {
    let mut routers = Routers {
        python,
        made: HashMap::new(),
        mounts: HashMap::new(),
        ways: HashMap::new(),
        open: BTreeSet::new(),
    };
    let served: Vec<usize> =
        (0..python.modules.len()).filter(|&at| python.modules[at].service.is_some()).collect();
    for &at in &served {
        routers.read(at);
    }
    let mut found = Vec::new();
    for &at in &served {
        for node in python.modules[at].of("route") {
            found.push(routers.route(at, node));
        }
    }
    (found, routers.open)
}

impl<'a> Routers<'a, '_> {
    fn read(&mut self, at: usize) {
        for call in self.python.modules[at].of("call") {
            let name = call.str("name").unwrap_or_default();
            if let Some(assigned) = call.str("assigned")
                && (is_app(call) || matches!(name, "APIRouter" | "Blueprint"))
            {
                self.made.entry((at, assigned)).or_insert(call);
            }
            if matches!(name, "include_router" | "register_blueprint" | "mount") {
                self.mount(at, call);
            }
        }
    }

    fn mount(&mut self, at: usize, call: Node<'a>) {
        let is_mount = call.str("name") == Some("mount");
        let position = usize::from(is_mount);
        let child = call
            .at(&["kwargs", if is_mount { "app" } else { "router" }])
            .or_else(|| call.get("args").and_then(|it| it.item(position)));
        let known = child.and_then(|it| self.router(at, it.str("text")?, it.str("path")));
        let service = self.python.modules[at].service;
        if known.is_none_or(|it| self.python.modules[it.0].service != service) {
            self.open.extend(service);
        }
        let Some(child) = known else { return };
        let prefix = match is_mount {
            true => call.get("args").and_then(|it| it.item(0)),
            false => call.at(&["kwargs", "prefix"]).or_else(|| call.at(&["kwargs", "url_prefix"])),
        };
        let on = call.str("on").unwrap_or_default();
        let callee = call.str("callee").unwrap_or_default();
        let parent = self.router(at, on, callee.rsplit_once('.').map(|it| it.0));
        let is_app = ["FastAPI()", "Starlette()", "Flask()"].iter().any(|it| callee.contains(it))
            || parent.is_none() && on.ends_with("app");
        let prefix = self.prefix(at, prefix);
        let guards = dependencies(call);
        self.mounts.entry(child).or_default().push(Mount { parent, prefix, guards, is_app });
    }

    /// The router that an expression names: `text` as it is written, `path` as imports have it.
    fn router(&self, at: usize, text: &str, path: Option<&str>) -> Option<Router<'a>> {
        let python = self.python;
        if let Some(own) = python.modules[at].own(text) {
            return Some((at, own));
        }
        let path = path?;
        let (module, name) = python.definition(path, python.modules[at].path)?;
        Some((module, python.modules[module].own(name)?))
    }

    /// A prefix as text, if it is known; nothing written is empty.
    fn prefix(&self, at: usize, value: Option<Node<'a>>) -> Option<String> {
        let Some(value) = value.filter(|it| !it.is_null()) else { return Some(String::new()) };
        if let Some(text) = value.as_str() {
            return Some(text.to_owned());
        }
        let name = value.str("path")?.rsplit('.').next()?;
        self.setting(at, name)
    }

    /// The default of a setting with this name, where it is text and the only one.
    fn setting(&self, at: usize, name: &str) -> Option<String> {
        let service = self.python.modules[at].service;
        let modules = self.python.modules.iter().filter(|it| it.service == service);
        let mut found = modules
            .flat_map(|it| it.of("setting"))
            .filter(|it| it.str("name") == Some(name))
            .map(|it| it.str("default"));
        let first = found.next()??;
        found.all(|it| it == Some(first)).then(|| first.to_owned())
    }

    /// The ways from a router up to an app.
    fn ways(&mut self, router: Router<'a>, depth: usize) -> Vec<Way> {
        if let Some(known) = self.ways.get(&router) {
            return known.clone();
        }
        let own = self.made.get(&router).copied();
        let mut base = Way { known: true, ..Way::default() };
        if let Some(own) = own {
            let prefix =
                own.at(&["kwargs", "prefix"]).or_else(|| own.at(&["kwargs", "url_prefix"]));
            let prefix = self.prefix(router.0, prefix);
            base.known = prefix.is_some();
            base.prefix = prefix.unwrap_or_default();
            base.guards = dependencies(own);
            base.guards.extend(
                own.at(&["kwargs", "route_class"]).and_then(|it| it.str("path")).map(str::to_owned),
            );
            base.mounted = is_app(own);
        }
        let mounts = self.mounts.remove(&router).unwrap_or_default();
        let mut ways = Vec::new();
        for mount in &mounts {
            let above = match mount.parent {
                Some(parent) if parent != router && depth < 12 => self.ways(parent, depth + 1),
                _ => vec![Way { known: true, mounted: mount.is_app, ..Way::default() }],
            };
            for above in above {
                let mut way = above.clone();
                way.known &= base.known && mount.prefix.is_some();
                way.mounted |= mount.is_app;
                way.prefix.push_str(mount.prefix.as_deref().unwrap_or_default());
                way.prefix.push_str(&base.prefix);
                way.guards.extend(mount.guards.iter().chain(&base.guards).cloned());
                ways.push(way);
            }
            ways.truncate(MOST_WAYS);
        }
        self.mounts.insert(router, mounts);
        if ways.is_empty() {
            base.known &= base.mounted;
            ways.push(base);
        }
        self.ways.insert(router, ways.clone());
        ways
    }

    fn route(&mut self, at: usize, node: Node<'a>) -> Route<'a> {
        let on = node.str("on").unwrap_or_default();
        let router = self.router(at, on, node.str("router"));
        let own = node.get("path").and_then(Node::as_str);
        let is_app = node.str("router").is_some_and(|it| it.ends_with("FastAPI()"));
        let ways = match router {
            Some(router) => self.ways(router, 0),
            None => vec![Way { known: is_app, mounted: is_app, ..Way::default() }],
        };
        let mut guards: Vec<String> = texts(node.get("guards"));
        // A guard that only some ways have does not guard the others.
        if let Some(first) = ways.first() {
            let all = |guard: &&String| ways.iter().all(|it| it.guards.contains(guard));
            guards.extend(first.guards.iter().filter(all).cloned());
        }
        Route {
            node,
            module: at,
            paths: ways
                .iter()
                .map(|it| format!("{}{}", it.prefix, own.unwrap_or_default()))
                .collect(),
            known: own.is_some() && ways.iter().all(|it| it.known),
            mounted: ways.iter().any(|it| it.mounted),
            guards,
        }
    }
}

/// The names of what `dependencies=[Depends(f)]` of a call asks for; what is not known counts as
/// a guard of its own.
fn dependencies(call: Node<'_>) -> Vec<String> {
    let Some(list) = call.at(&["kwargs", "dependencies"]) else { return Vec::new() };
    if list.is_map() {
        return list.str("path").map(str::to_owned).into_iter().collect();
    }
    let name = |it: Node<'_>| {
        let first = it.get("args").and_then(|it| it.item(0));
        let own = first.and_then(|it| it.str("path")).or_else(|| it.str("path"));
        own.map(str::to_owned)
    };
    list.children().filter_map(name).collect()
}

/// A list of texts.
fn texts(list: Option<Node<'_>>) -> Vec<String> {
    list.into_iter().flat_map(Node::children).map(|it| it.text().to_owned()).collect()
}
