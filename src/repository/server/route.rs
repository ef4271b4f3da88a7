//! The hosts and paths that Ingresses and HTTPRoutes serve.

use std::collections::BTreeSet;

use super::{is_below, place};
use crate::{
    document::{Node, list},
    repository::{
        Repository,
        ingress::backends,
        labels::is_template,
        objects::{Class, Object},
    },
};

/// Kinds that route requests in ways that are not read here.
const OTHERS: &[&str] = &[
    "ApisixRoute",
    "HTTPProxy",
    "IngressRoute",
    "Mapping",
    "Route",
    "TransportServer",
    "VirtualServer",
    "VirtualService",
];

/// Domains below which everybody has a name of their own.
const SHARED: &[&str] = &[
    "amazonaws.com",
    "azurewebsites.net",
    "fly.dev",
    "github.io",
    "herokuapp.com",
    "netlify.app",
    "nip.io",
    "onrender.com",
    "run.app",
    "sslip.io",
    "vercel.app",
];

/// Parts of the names of hosts that are not for production.
const TRIALS: &[&str] =
    &["dev", "development", "stage", "staging", "stg", "test", "testing", "qa", "uat", "preview"];

/// One path of a host.
pub(super) struct Rule<'a> {
    host: &'a str,
    /// As far as it is no pattern.
    path: &'a str,
    kind: &'a str,
    name: &'a str,
    /// Where its host is written.
    pub(super) at: Node<'a>,
    /// The host is served with a certificate, or it cannot be told.
    pub(super) tls: bool,
}

impl Rule<'_> {
    fn serves(&self, host: &str) -> bool {
        let wild = self.host.strip_prefix('*');
        let under = |end: &str| host.strip_suffix(end).is_some_and(|it| !it.is_empty());
        self.host.eq_ignore_ascii_case(host) || wild.is_some_and(under)
    }

    /// What it is, and where.
    pub(super) fn told(&self) -> String {
        format!("{} `{}` ({})", self.kind, self.name, place(self.at))
    }
}

/// The routes of a repository, and the hosts that lead to one service.
pub(super) struct Known<'a> {
    /// Every rule of the repository with a literal host.
    all: Vec<Rule<'a>>,
    /// The places of the rules that lead to the service.
    own: Vec<usize>,
}

impl<'a> Known<'a> {
    /// The routes to the workloads; nothing where there are none, or one is not known.
    pub(super) fn of(repository: &'a Repository<'a>, workloads: &[&'a Object<'a>]) -> Option<Self> {
        let objects = &repository.objects;
        if [Class::Other, Class::Custom, Class::Route].iter().any(|&class| {
            objects.of(class).any(|it| OTHERS.contains(&it.kind) || it.kind == "TLSRoute")
        }) {
            return None;
        }
        let services =
            workloads.iter().flat_map(|it| repository.links.selecting(objects, it, Class::Service));
        let leading: BTreeSet<u32> =
            services.flat_map(|it| repository.links.routes(objects, it)).map(|it| it.id).collect();
        if leading.is_empty() {
            return None;
        }
        let mut known = Self { all: Vec::new(), own: Vec::new() };
        for class in [Class::Ingress, Class::Route] {
            for from in objects.of(class).take(1000) {
                let first = known.all.len();
                let is_known = !objects.is_patched(from) && !from.template;
                match is_known.then(|| rules(repository, from)).flatten() {
                    Some(rules) => known.all.extend(rules),
                    // Any host may be among them.
                    None => return None,
                }
                if leading.contains(&from.id) {
                    known.own.extend(first..known.all.len());
                }
            }
        }
        (!known.own.is_empty()).then_some(known)
    }

    /// The rules of a host, of all routes.
    pub(super) fn rules(&self, host: &str) -> Vec<&Rule<'a>> {
        self.all.iter().filter(|it| it.serves(host)).collect()
    }

    /// Whether some route of the repository serves the host.
    pub(super) fn serves(&self, host: &str) -> bool {
        self.all.iter().any(|it| it.serves(host))
    }

    /// Whether the host should be among those that lead to the service: it is of their domain, and
    /// they are not all for trials.
    pub(super) fn is_missing(&self, host: &str) -> bool {
        let own = || self.own.iter().map(|&at| self.all[at].host);
        let domain = registrable(host);
        let is_trial = |it: &str| {
            it.split(['.', '-']).any(|part| TRIALS.contains(&part.to_lowercase().as_str()))
        };
        !self.serves(host)
            && domain.is_some()
            && own().any(|it| registrable(it) == domain && is_trial(it) == is_trial(host))
    }

    /// Where the hosts are said that lead to the service.
    pub(super) fn places(&self) -> impl Iterator<Item = Node<'a>> {
        self.own.iter().map(|&at| self.all[at].at)
    }

    /// The hosts that lead to the service, each with its place.
    pub(super) fn hosts(&self) -> BTreeSet<String> {
        let own = self.own.iter().map(|&at| &self.all[at]);
        own.map(|it| format!("`{}` ({})", it.host, place(it.at))).collect()
    }
}

/// The domain that somebody registered.
fn registrable(host: &str) -> Option<String> {
    let host = host.trim_start_matches("*.").to_ascii_lowercase();
    let parts: Vec<&str> = host.split('.').collect();
    let is_second = |it: &str| matches!(it, "ac" | "co" | "com" | "edu" | "gov" | "net" | "org");
    let count = match parts[..] {
        [.., second, last] if last.len() == 2 && is_second(second) => 3,
        _ => 2,
    };
    let domain = parts.get(parts.len().checked_sub(count)?..)?.join(".");
    (!SHARED.contains(&domain.as_str())).then_some(domain)
}

/// A path up to where it becomes a pattern.
fn literal(path: &str) -> &str {
    let end = path.find(['(', '[', '*', '^', '$', '\\', '?', '+', '|']).unwrap_or(path.len());
    let path = &path[..end];
    if path.starts_with('/') { path } else { "/" }
}

/// The rules of one route; nothing where a host is not known.
fn rules<'a>(repository: &'a Repository<'a>, from: &'a Object<'a>) -> Option<Vec<Rule<'a>>> {
    let list = |node: Option<Node<'a>>| node.into_iter().flat_map(Node::children);
    let rule = |host: &'a str, path: &'a str, at: Node<'a>, tls: bool| Rule {
        host,
        path: literal(path),
        kind: from.kind,
        name: from.name,
        at,
        tls,
    };
    let is_host = |it: &str| !it.is_empty() && !is_template(it);
    let mut found = Vec::new();
    if from.class == Class::Ingress {
        if from.spec("defaultBackend").or_else(|| from.spec("backend")).is_some() {
            return None;
        }
        for one in list(from.spec("rules")).take(200) {
            let at = one.get("host")?;
            let host = at.as_str().filter(|it| is_host(it))?;
            let tls = has_certificate(from, host);
            let paths: Vec<_> = list(one.at(&["http", "paths"])).take(200).collect();
            if paths.is_empty() {
                found.push(rule(host, "/", at, tls));
            }
            for path in paths {
                let text = path.str("path").unwrap_or("/");
                found.push(rule(host, if is_template(text) { "/" } else { text }, at, tls));
            }
        }
        return Some(found);
    }
    if from.kind != "HTTPRoute" {
        // One of TCP or UDP has no host; of gRPC it serves no paths.
        return (from.kind != "GRPCRoute" || backends(from).is_empty()).then(Vec::new);
    }
    let hosts: Vec<_> = list(from.spec("hostnames")).take(50).collect();
    if hosts.is_empty() {
        return None;
    }
    let tls = has_listener(repository, from);
    for at in hosts {
        let host = at.as_str().filter(|it| is_host(it))?;
        for one in list(from.spec("rules")).take(100) {
            let matches: Vec<_> = list(one.get("matches")).take(100).collect();
            if matches.is_empty() {
                found.push(rule(host, "/", at, tls));
            }
            for it in matches {
                let path = it.at(&["path", "value"]).map_or("/", Node::text);
                found.push(rule(host, path, at, tls));
            }
        }
    }
    Some(found)
}

/// Whether an Ingress has a certificate for the host, in itself or by what its controller reads.
fn has_certificate(from: &Object<'_>, host: &str) -> bool {
    let annotations = from.node.at(&["metadata", "annotations"]);
    let keys = annotations.into_iter().flat_map(Node::entries).map(|it| it.0);
    let elsewhere = ["cert", "tls", "ssl", "https", "listen-ports", "entrypoints", "cloudflare"];
    let mut keys = keys.map(str::to_lowercase);
    if keys.any(|it| elsewhere.iter().any(|part| it.contains(part))) {
        return true;
    }
    let class = from.spec("ingressClassName").map(Node::text).unwrap_or_default();
    if ["alb", "tailscale", "cloudflare-tunnel", "gce"].contains(&class) {
        return true;
    }
    let tls = from.spec("tls").into_iter().flat_map(Node::children);
    tls.into_iter().any(|it| {
        let hosts = list(it, "hosts").map(Node::text);
        let covers = |it: &str| {
            let wild = it.strip_prefix('*').is_some_and(|end| host.ends_with(end));
            it.eq_ignore_ascii_case(host) || wild || is_template(it)
        };
        it.get("hosts").is_none_or(Node::is_empty) || hosts.into_iter().any(covers)
    })
}

/// Whether a Gateway of the route listens with TLS, or is not here.
fn has_listener<'a>(repository: &'a Repository<'a>, from: &'a Object<'a>) -> bool {
    let parents = from.spec("parentRefs").into_iter().flat_map(Node::children);
    let mut seen = false;
    for parent in parents.take(20) {
        let name = parent.str("name").unwrap_or_default();
        let namespace = parent.str("namespace").unwrap_or(from.namespace);
        let found = repository.objects.named_in(from, namespace, Class::Custom, name);
        let mut gateways = found.into_iter().filter(|it| it.kind == "Gateway").peekable();
        let is_open = gateways.peek().is_none();
        let listens = gateways.any(|it| {
            let listeners = it.spec("listeners").into_iter().flat_map(Node::children);
            let is_plain = |it: Node<'_>| it.str("protocol") == Some("HTTP");
            repository.objects.is_patched(it) || !listeners.into_iter().all(is_plain)
        });
        if is_open || listens {
            return true;
        }
        seen = true;
    }
    !seen
}

/// Whether some rule leads to the paths below `base`: it begins with one, or one of `full`, which
/// are paths of operations, begins with it.
pub(super) fn lead(rules: &[&Rule<'_>], base: &str, full: &[&str]) -> bool {
    let base = if base.is_empty() { "/" } else { base };
    rules.iter().any(|it| {
        let own = it.path.trim_end_matches('/');
        let within = |path: &&str| path.starts_with(own);
        base.starts_with(own)
            || full.iter().any(within)
            || full.is_empty() && is_below(own, base.trim_end_matches('/'))
            || full.iter().any(|path| path.contains('{') && may_equal(path, own))
    })
}

/// Whether a template of a path may begin with a path.
fn may_equal(template: &str, path: &str) -> bool {
    let mut parts = template.split('/');
    path.split('/').all(|it| parts.next().is_some_and(|own| own == it || own.contains('{')))
}

/// The paths of rules, each with its place.
pub(super) fn paths(rules: &[&Rule<'_>]) -> BTreeSet<String> {
    rules.iter().map(|it| format!("`{}` ({})", it.path, place(it.at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_somebody_registered() {
        assert_eq!(registrable("api.example.com").as_deref(), Some("example.com"));
        assert_eq!(registrable("*.shop.co.uk").as_deref(), Some("shop.co.uk"));
        assert_eq!(registrable("shop.herokuapp.com"), None);
        assert_eq!(registrable("localhost"), None);
    }

    #[test]
    fn a_pattern_counts_up_to_its_first_sign() {
        assert_eq!(literal("/api(/|$)(.*)"), "/api");
        assert_eq!(literal("/*"), "/");
        assert_eq!(literal("^/api"), "/");
    }

    #[test]
    fn a_template_may_begin_with_any_path() {
        assert!(may_equal("/{tenant}/orders", "/acme/orders"));
        assert!(!may_equal("/orders/{id}", "/customers"));
    }
}
