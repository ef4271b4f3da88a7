//! Python across files: which of them hold a service, where its routers are mounted, who guards
//! its routes.

mod capacity;
mod migrations;
mod paths;
mod routes;
mod service_view;
mod services;
#[cfg(test)]
mod tests;
mod tests_view;
mod variables;
mod views;

use std::collections::{BTreeSet, HashMap};

use self::routes::Route;
pub(super) use self::{
    migrations::VIEWS as MIGRATIONS, services::Service, variables::VIEWS as VARIABLES, views::VIEWS,
};

/// The views over services and tests as a whole.
pub(super) const WHOLE: &[crate::artifact::View] =
    &[service_view::VIEW, tests_view::VIEW, paths::VIEW, paths::UNSERVED, capacity::VIEW];
use crate::{
    artifact::{Artifact, Kind, python::role::Role},
    document::Node,
};

/// How many names an import is followed through.
const MOST_STEPS: usize = 6;

/// A Python module.
#[derive(Debug)]
pub(super) struct Module<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its facts, the module itself first.
    pub facts: Vec<Node<'a>>,
    /// What it is for.
    pub role: Role,
    /// The service that it belongs to, as an index.
    pub service: Option<usize>,
    names: Node<'a>,
}

impl<'a> Module<'a> {
    fn new(artifact: &'a Artifact) -> Option<Self> {
        let facts: Vec<_> = artifact.derived.iter().map(|&it| artifact.tree.node(it)).collect();
        let names = facts.first()?.get("names")?;
        let path = artifact.tree.source.path.as_str();
        Some(Self {
            path,
            role: crate::artifact::python::role::role(path),
            facts,
            service: None,
            names,
        })
    }

    /// The facts of one kind.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = Node<'a>> {
        self.facts.iter().copied().filter(move |it| it.str("fact") == Some(kind))
    }
}

/// What is known of the Python code of a repository.
#[derive(Debug, Default)]
pub(super) struct Python<'a> {
    /// The modules, by path.
    pub modules: Vec<Module<'a>>,
    /// The services: folders with a manifest below which an app is made.
    pub services: Vec<Service<'a>>,
    /// The routes of all services.
    pub routes: Vec<Route<'a>>,
    /// The services that may have further routes, as indexes.
    open: BTreeSet<usize>,
    /// Modules by the last part of their dotted path.
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Python<'a> {
    /// The Python code among these artifacts.
    pub fn new(artifacts: &'a [Artifact], files: &'a [String]) -> Self {
        let python = artifacts.iter().filter(|it| it.kind == Kind::Python);
        let modules: Vec<_> = python.filter_map(Module::new).collect();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, module) in modules.iter().enumerate() {
            by_name.entry(module_name(module.path)).or_default().push(at);
        }
        let mut all = Self { modules, by_name, ..Self::default() };
        all.services = services::find(&mut all.modules, files);
        (all.routes, all.open) = routes::routes(&all);
        services::describe(&mut all);
        all
    }

    /// The module that makes the app of the one service below a folder, and the paths that it
    /// serves, if all of them are known.
    pub fn served_below(&self, folder: &str) -> Option<(&'a str, Vec<String>)> {
        let at = self.one_below(folder)?;
        let service = &self.services[at];
        if service.apps.len() != 1 {
            return None;
        }
        let app = service.apps[0];
        let own = || self.routes.iter().filter(|it| self.modules[it.module].service == Some(at));
        let is_known = own().all(|it| it.known) && app.at(&["kwargs", "root_path"]).is_none();
        let paths = own().flat_map(|it| &it.paths).map(|it| it.trim_end_matches('/').to_owned());
        is_known.then(|| (app.tree().source.path.as_str(), paths.collect()))
    }

    /// The one service at or below a folder.
    fn one_below(&self, folder: &str) -> Option<usize> {
        let is_below = |it: &Service<'a>| {
            folder.is_empty()
                || it.folder == folder
                || it.folder.strip_prefix(folder).is_some_and(|it| it.starts_with('/'))
        };
        let mut found = (0..self.services.len()).filter(|&at| is_below(&self.services[at]));
        let at = found.next()?;
        found.next().is_none().then_some(at)
    }

    /// The module of a dotted path, seen from the module at `from`.
    fn module(&self, dotted: &str, from: &str) -> Option<usize> {
        let last = dotted.rsplit('.').next()?;
        let wanted = dotted.replace('.', "/");
        let found = self.by_name.get(last)?.iter().copied().filter(|&at| {
            let stem = stem(self.modules[at].path);
            stem.strip_suffix(wanted.as_str()).is_some_and(|it| it.is_empty() || it.ends_with('/'))
        });
        found.max_by_key(|&at| (shared(self.modules[at].path, from), std::cmp::Reverse(at)))
    }

    /// The module and the name that a dotted path leads to, imports of imports followed.
    fn definition(&self, dotted: &str, from: &str) -> Option<(usize, &str)> {
        let (mut dotted, mut from) = (dotted.to_owned(), from);
        for _ in 0..MOST_STEPS {
            let (module, name) = dotted.rsplit_once('.')?;
            let at = self.module(module, from)?;
            let module = &self.modules[at];
            match module.names.get(name).filter(|it| it.text() != dotted) {
                Some(next) => {
                    from = module.path;
                    dotted = next.text().to_owned();
                }
                None => return module.own(name).map(|name| (at, name)),
            }
        }
        None
    }
}

impl<'a> Module<'a> {
    /// The calls that make an engine of SQLAlchemy.
    fn engines(&self) -> impl Iterator<Item = Node<'a>> {
        let is_engine =
            |it: &Node<'_>| matches!(it.str("name"), Some("create_engine" | "create_async_engine"));
        self.of("call").filter(is_engine)
    }

    /// The name, as one that a call of this module is assigned to.
    fn own(&self, name: &str) -> Option<&'a str> {
        self.of("call").filter_map(|it| it.str("assigned")).find(|it| *it == name)
    }
}

/// The path of a module without `.py` and `/__init__.py`.
fn stem(path: &str) -> &str {
    let path = path.strip_suffix(".py").unwrap_or(path);
    path.strip_suffix("/__init__").unwrap_or(path)
}

fn module_name(path: &str) -> &str {
    stem(path).rsplit('/').next().unwrap_or(path)
}

/// How many folders two paths share.
fn shared(one: &str, other: &str) -> usize {
    one.split('/').zip(other.split('/')).take_while(|(a, b)| a == b).count()
}
