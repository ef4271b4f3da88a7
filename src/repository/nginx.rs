//! What nginx serves: each `server` with what it takes over from the blocks around it and from the
//! files that it includes.

use super::{Repository, record};
use crate::{
    artifact::{
        Artifact, Emit, Field, Kind, Select, Shape, Subject, View, fields,
        nginx::{args, block, directives},
    },
    document::Node,
    value::Value,
};

const TEXTS: Shape = Shape::List(&Shape::Text);

/// One subject for each server.
pub(super) const SERVER: View = View {
    name: "nginx.server",
    kind: Kind::Nginx,
    means: "each `server` of nginx that answers HTTP requests, with what it takes over from `http`",
    vars: &[Field { name: "it", shape: Shape::Record(SERVER_FIELDS), means: "the server" }],
    select: Select::Repository(servers),
};

/// One subject for each directive.
pub(super) const DIRECTIVE: View = View {
    name: "nginx.directive",
    kind: Kind::Nginx,
    means: "each directive of a configuration of nginx",
    vars: fields! {
        "it": Shape::Record(fields! {
            "name": Shape::Text, "its name";
            "args": TEXTS, "its arguments, without quotes";
            "inside": Shape::Text, "the block that it stands in; empty at the top";
        }), "the directive";
    },
    select: Select::File(each_directive),
};

/// One subject for each zone in which requests are counted.
pub(super) const ZONE: View = View {
    name: "nginx.limit_zone",
    kind: Kind::Nginx,
    means: "each zone that counts requests for `limit_req`",
    vars: fields! {
        "it": Shape::Record(fields! {
            "name": Shape::Text, "its name";
            "used": Shape::Bool, "some `limit_req` names it, or what is included is not known";
        }), "the zone";
    },
    select: Select::Repository(zones),
};

const SERVER_FIELDS: &[Field] = fields! {
    "names": TEXTS, "the names that it answers for";
    "ports": TEXTS, "the ports that it listens on";
    "tls": Shape::Bool, "it listens with TLS";
    "plain": Shape::Bool, "it listens without TLS";
    "redirects": Shape::Bool, "it sends every request to HTTPS";
    "proxies": Shape::Bool, "it hands requests to another service";
    "protocols": TEXTS, "`ssl_protocols`";
    "headers": TEXTS, "the headers that it adds, in lower case";
    "dropped": Shape::Any, "a location that adds headers of its own, so that those of the server are lost";
    "origin": Shape::Any, "`Access-Control-Allow-Origin: *`, as written, here or in a location";
    "credentials": Shape::Bool, "beside that, credentials are allowed";
    "limited": Shape::Bool, "it, or one of its locations, limits the rate of requests";
    "body_limit": Shape::Any, "`client_max_body_size`";
    "compressed": Shape::Bool, "answers are compressed";
    "cached": Shape::Bool, "it keeps answers of the service behind it";
    "open": Shape::Bool, "it includes files that are not here";
    "directive": Shape::Any, "the server as written";
};

fn name(it: Node<'_>) -> &str {
    it.str("name").unwrap_or_default()
}

fn first(it: Node<'_>) -> &str {
    args(it).next().map_or("", Node::text)
}

/// A block with what the files that it includes add to it.
#[derive(Default)]
struct Content<'a> {
    all: Vec<Node<'a>>,
    /// Something is included that is not here.
    open: bool,
}

/// How far files include each other, and how much one block may hold.
const DEEPEST: u8 = 4;
const MOST: usize = 20_000;

impl<'a> Content<'a> {
    fn of(repository: &'a Repository<'a>, inside: impl Iterator<Item = Node<'a>>) -> Self {
        let mut content = Self::default();
        content.take(repository, inside, 0);
        content
    }

    fn take(
        &mut self,
        repository: &'a Repository<'a>,
        inside: impl Iterator<Item = Node<'a>>,
        depth: u8,
    ) {
        for it in inside {
            if self.all.len() >= MOST {
                self.open = true;
                return;
            }
            if name(it) != "include" {
                self.all.push(it);
                continue;
            }
            let known = ["mime.types", "fastcgi_params", "uwsgi_params", "proxy_params"];
            let path = first(it);
            if known.iter().any(|end| path.ends_with(end)) {
                continue;
            }
            match included(repository, path).filter(|_| depth < DEEPEST) {
                Some(file) => self.take(repository, directives(file), depth + 1),
                None => self.open = true,
            }
        }
    }

    fn named<'s>(&'s self, wanted: &'s str) -> impl Iterator<Item = Node<'a>> + 's {
        self.all.iter().copied().filter(move |it| name(*it) == wanted)
    }
}

/// The one file that an `include` without a pattern means: in the image it lies elsewhere, so the
/// ends of the paths are compared.
fn included<'a>(repository: &'a Repository<'a>, path: &str) -> Option<&'a Artifact> {
    if path.contains(['*', '$']) {
        return None;
    }
    let end = path.trim_start_matches(['.', '/']);
    let parts: Vec<&str> = end.rsplit('/').take(2).collect();
    let end = parts.iter().rev().copied().collect::<Vec<_>>().join("/");
    let is_it = |it: &&Artifact| {
        let path = it.tree.source.path.as_str();
        path.strip_suffix(end.as_str()).is_some_and(|it| it.is_empty() || it.ends_with('/'))
    };
    let mut found = repository.of(Kind::Nginx).filter(is_it);
    found.next().filter(|_| found.next().is_none())
}

/// What servers take over that stand in a file of their own: the `http` block of the one file that
/// includes a pattern which may mean it.
fn around<'a>(repository: &'a Repository<'a>, own: &Artifact) -> Content<'a> {
    let folder = own.tree.source.folder().rsplit('/').next().unwrap_or_default();
    let mut found = repository.of(Kind::Nginx).flat_map(directives).filter(|it| {
        let includes = block(*it).filter(|it| name(*it) == "include").map(first);
        name(*it) == "http"
            && includes.into_iter().any(|it| {
                let mut parts = it.rsplit('/');
                let is_pattern = parts.next().is_some_and(|it| it.contains('*'));
                is_pattern && (parts.next() == Some(folder) || folder.is_empty())
            })
    });
    match (found.next(), found.next()) {
        (Some(http), None) => Content::of(repository, block(http)),
        (None, _) => Content::default(),
        _ => Content { all: Vec::new(), open: true },
    }
}

fn servers<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Nginx) {
        let mut outer = None;
        for top in directives(artifact) {
            match name(top) {
                "http" => {
                    let http = Content::of(repository, block(top));
                    for server in block(top).filter(|it| name(*it) == "server") {
                        emit(subject(repository, server, &http));
                    }
                }
                "server" => {
                    let http = outer.get_or_insert_with(|| around(repository, artifact));
                    emit(subject(repository, top, http));
                }
                _ => {}
            }
        }
    }
}

fn subject<'a>(
    repository: &'a Repository<'a>,
    server: Node<'a>,
    http: &Content<'a>,
) -> Subject<'a> {
    let own = Content::of(repository, block(server));
    let mut locations = Vec::new();
    let mut left: Vec<Node<'a>> = own.named("location").collect();
    while let Some(it) = left.pop().filter(|_| locations.len() < 1_000) {
        left.extend(block(it).filter(|it| matches!(name(*it), "location" | "if")));
        locations.push(it);
    }
    locations.sort_by_key(|it| it.span().start);
    let inner = || locations.iter().flat_map(|it| block(*it));
    let here = |wanted: &'static str| {
        own.named(wanted).chain(http.named(wanted).filter(|_| own.named(wanted).next().is_none()))
    };
    let texts = |list: Vec<&'a str>| Value::list(list.into_iter().map(Value::Str));
    let listens: Vec<Node<'a>> = own.named("listen").collect();
    let is_tls = |it: &Node<'a>| args(*it).skip(1).any(|it| matches!(it.text(), "ssl" | "quic"));
    let all_tls = own.named("ssl").any(|it| first(it) == "on");
    let tls = all_tls || listens.iter().any(is_tls);
    let plain = !all_tls && (listens.is_empty() || listens.iter().any(|it| !is_tls(it)));
    let everything =
        |it: &Node<'a>| name(*it) == "location" && args(*it).count() == 1 && first(*it) == "/";
    let root = || locations.iter().copied().filter(everything).flat_map(block);
    let is_redirect = |it: Node<'a>| {
        matches!(name(it), "return" | "rewrite")
            && args(it).any(|it| it.text().starts_with("https://"))
    };
    let is_proxy = |it: Node<'a>| {
        matches!(name(it), "proxy_pass" | "grpc_pass" | "uwsgi_pass" | "fastcgi_pass")
    };
    let headers: Vec<Node<'a>> = here("add_header").collect();
    let dropped = locations.iter().copied().find(|it| {
        let mut added = block(*it).filter(|it| name(*it) == "add_header").peekable();
        let security = |it: &Node<'a>| is_security(first(*it));
        let kept = added.peek().is_none() || added.any(|it| security(&it));
        !kept && headers.iter().any(security)
    });
    let cors = |it: &Node<'a>, header: &str, value: &str| {
        let mut args = args(*it).map(Node::text);
        name(*it) == "add_header"
            && args.next().is_some_and(|it| it.eq_ignore_ascii_case(header))
            && args.next() == Some(value)
    };
    let all = || headers.iter().copied().chain(inner());
    let origin = all().find(|it| cors(it, "Access-Control-Allow-Origin", "*"));
    let credentials = all().any(|it| cors(&it, "Access-Control-Allow-Credentials", "true"));
    let on = |wanted: &'static str| here(wanted).any(|it| first(it) == "on");
    let caches = |it: Node<'a>| {
        matches!(name(it), "proxy_cache" | "fastcgi_cache" | "uwsgi_cache") && first(it) != "off"
    };
    let it = record([
        ("names", texts(own.named("server_name").flat_map(args).map(Node::text).collect())),
        ("ports", texts(listens.iter().map(|it| port(first(*it))).collect())),
        ("tls", Value::Bool(tls)),
        ("plain", Value::Bool(plain)),
        ("redirects", Value::Bool(own.all.iter().copied().chain(root()).any(is_redirect))),
        ("proxies", Value::Bool(inner().any(is_proxy))),
        ("protocols", texts(here("ssl_protocols").flat_map(args).map(Node::text).collect())),
        (
            "headers",
            Value::list(headers.iter().map(|it| Value::text(first(*it).to_ascii_lowercase()))),
        ),
        ("dropped", Value::maybe(dropped)),
        ("origin", Value::maybe(origin)),
        ("credentials", Value::Bool(credentials)),
        (
            "limited",
            Value::Bool(
                here("limit_req").next().is_some() || inner().any(|it| name(it) == "limit_req"),
            ),
        ),
        (
            "body_limit",
            Value::maybe(here("client_max_body_size").next().and_then(|it| args(it).next())),
        ),
        ("compressed", Value::Bool(on("gzip") || on("brotli"))),
        ("cached", Value::Bool(here("proxy_cache").chain(inner()).any(caches))),
        ("open", Value::Bool(own.open || http.open)),
        ("directive", Value::Node(server)),
    ]);
    Subject { values: vec![it], at: server, object: None }
}

/// The port of `listen`: `443` of `[::]:443`; 80 where it is an address alone.
fn port(listen: &str) -> &str {
    let last = listen.rsplit(':').next().unwrap_or(listen);
    let is_port = !last.is_empty() && last.bytes().all(|it| it.is_ascii_digit());
    if is_port { last } else { "80" }
}

/// Whether a header tells browsers what they must not do.
fn is_security(header: &str) -> bool {
    [
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
        "content-security-policy",
    ]
    .iter()
    .any(|it| header.eq_ignore_ascii_case(it))
}

fn each_directive<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let mut left: Vec<(Node<'a>, &'a str)> = directives(artifact).map(|it| (it, "")).collect();
    left.reverse();
    while let Some((it, inside)) = left.pop() {
        let value = record([
            ("name", Value::Str(name(it))),
            ("args", Value::list(args(it).map(Value::Node))),
            ("inside", Value::Str(inside)),
        ]);
        emit(Subject { values: vec![value], at: it, object: None });
        let inner: Vec<_> = block(it).map(|inner| (inner, name(it))).collect();
        left.extend(inner.into_iter().rev());
    }
}

fn zones<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let mut all = Vec::new();
    for artifact in repository.of(Kind::Nginx) {
        let mut left: Vec<Node<'a>> = directives(artifact).collect();
        while let Some(it) = left.pop() {
            left.extend(block(it));
            all.push(it);
        }
    }
    let zone = |it: Node<'a>| args(it).find_map(|it| it.text().strip_prefix("zone="));
    let used: Vec<&str> =
        all.iter().filter(|it| name(**it) == "limit_req").filter_map(|it| zone(*it)).collect();
    let known = ["mime.types", "_params", ".pem"];
    let open = all.iter().any(|it| {
        name(*it) == "include"
            && !known.iter().any(|end| first(*it).ends_with(end))
            && included(repository, first(*it)).is_none()
            && !first(*it).contains('*')
    });
    all.sort_by_key(|it| (it.tree().source.path.as_str(), it.span().start));
    for it in all.iter().copied().filter(|it| name(*it) == "limit_req_zone") {
        let Some(name) = zone(it).and_then(|it| it.split(':').next()) else { continue };
        let value = record([
            ("name", Value::Str(name)),
            ("used", Value::Bool(open || used.contains(&name))),
        ]);
        emit(Subject { values: vec![value], at: it, object: None });
    }
}
