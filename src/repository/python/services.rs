//! Services: projects whose code makes an app that answers HTTP requests.

use std::collections::{BTreeSet, HashMap};

use super::{Module, Python, views};
use crate::{
    artifact::python::role::{Role, is_setup},
    document::Node,
};

/// A project with an app.
#[derive(Debug)]
pub(in crate::repository) struct Service<'a> {
    /// Its folder; empty at the root.
    pub folder: &'a str,
    /// The calls that make its apps, the first first by path.
    pub apps: Vec<Node<'a>>,
    /// What its code calls, as dotted paths: those that rules ask about.
    pub callees: BTreeSet<&'a str>,
    /// The packages that its code imports.
    pub packages: BTreeSet<&'a str>,
    /// Secrets, in lower case, that its code refuses to run with under some condition.
    pub refused: BTreeSet<&'a str>,
    /// How many of its routes limit their rate themselves.
    pub limited_routes: usize,
    /// How much middleware limits the rate of every route.
    pub limiting_middleware: usize,
    /// Defaults of its settings, by name; several for one name are none.
    pub settings: HashMap<&'a str, Option<Node<'a>>>,
}

/// Frameworks and the class that makes an app.
const APPS: &[(&str, &str)] = &[
    ("fastapi", "FastAPI"),
    ("starlette", "Starlette"),
    ("flask", "Flask"),
    ("quart", "Quart"),
    ("litestar", "Litestar"),
];

/// Finds the services and tells each module of code which one it belongs to.
pub(super) fn find<'a>(modules: &mut [Module<'a>], files: &'a [String]) -> Vec<Service<'a>> {
    let projects = projects(files);
    let mut services: Vec<Service<'a>> = Vec::new();
    for module in modules.iter().filter(|it| it.role == Role::Code) {
        let apps: Vec<_> = module.of("call").filter(|it| is_app(*it)).collect();
        if apps.is_empty() {
            continue;
        }
        let folder = project(&projects, module.path);
        match services.iter_mut().find(|it| it.folder == folder) {
            Some(service) => service.apps.extend(apps),
            None => services.push(Service {
                folder,
                apps,
                callees: BTreeSet::new(),
                packages: BTreeSet::new(),
                refused: BTreeSet::new(),
                limited_routes: 0,
                limiting_middleware: 0,
                settings: HashMap::new(),
            }),
        }
    }
    for module in modules.iter_mut().filter(|it| it.role == Role::Code) {
        let folder = project(&projects, module.path);
        module.service = services.iter().position(|it| it.folder == folder);
    }
    services
}

/// Whether a call makes an app, but for one inside another app's module that is never served.
pub(super) fn is_app(call: Node<'_>) -> bool {
    let Some(callee) = call.str("callee") else { return false };
    APPS.iter().any(|(package, class)| {
        callee
            .strip_prefix(package)
            .and_then(|it| it.strip_suffix(class))
            .is_some_and(|it| it.ends_with('.'))
    })
}

/// The folders that hold a manifest of Python.
fn projects(files: &[String]) -> BTreeSet<&str> {
    let manifests = ["pyproject.toml", "requirements.txt", "Pipfile", "setup.cfg"];
    let folder = |it: &'_ String| -> Option<usize> {
        let (folder, name) = it.rsplit_once('/').unwrap_or(("", it));
        (manifests.contains(&name) || is_setup(it)).then_some(folder.len())
    };
    files.iter().filter_map(|it| folder(it).map(|end| &it[..end])).collect()
}

/// The nearest folder above a file that is a project; the root if none is.
fn project<'a>(projects: &BTreeSet<&'a str>, path: &str) -> &'a str {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        if let Some(found) = projects.get(above) {
            return found;
        }
        folder = above;
    }
    ""
}

/// Gathers what the services call, import and configure.
pub(super) fn describe(python: &mut Python<'_>) {
    for route in python.routes.iter().filter(|it| views::is_limited(it)) {
        if let Some(at) = python.modules[route.module].service {
            python.services[at].limited_routes += 1;
        }
    }
    for module in &python.modules {
        let Some(service) = module.service.and_then(|it| python.services.get_mut(it)) else {
            continue;
        };
        let refused = module.facts.first().and_then(|it| it.get("refused"));
        service.refused.extend(refused.into_iter().flat_map(Node::children).map(Node::text));
        for (_, path) in module.names.entries() {
            service.packages.insert(path.text().split('.').next().unwrap_or_default());
        }
        for call in module.of("call") {
            service.callees.extend(call.str("callee"));
            let class = views::added(call).and_then(|it| it.0.str("path"));
            service.limiting_middleware += usize::from(class.is_some_and(limits_rate));
        }
        for setting in module.of("setting") {
            if let Some(name) = setting.str("name") {
                let known = setting.get("default");
                service.settings.entry(name).and_modify(|it| *it = None).or_insert(known);
            }
        }
    }
}

/// Whether the class of a middleware limits the rate of requests, by its name.
fn limits_rate(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    ["slowapi", "ratelimit", "rate_limit", "throttl"].iter().any(|it| name.contains(it))
}
