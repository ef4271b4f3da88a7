//! One service of a Compose file: what is read out of it, and how it is put into the tree.

use crate::{
    document::{Id, Key, Node, Tree},
    parse::image::Image,
    source::{Span, resolve},
};

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    name: String,
    raw: Id,
    place: Span,
    image: Option<(String, Span)>,
    build: Option<Build>,
    environment: Vec<Variable>,
    env_files: Vec<String>,
    volumes: Vec<Mount>,
    ports: Vec<(String, Span)>,
    depends_on: Vec<Dependency>,
    healthcheck: Option<Id>,
    health_disabled: bool,
    limits: Option<Id>,
    restart: String,
    command: String,
    extends: Option<(String, String)>,
}

#[derive(Debug)]
struct Build {
    context: String,
    dockerfile: String,
    target: String,
    place: Span,
}

#[derive(Debug)]
struct Variable {
    name: String,
    value: String,
    place: Span,
}

#[derive(Debug)]
struct Mount {
    source: String,
    target: String,
    place: Span,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    condition: String,
    place: Span,
}

fn shown(node: Node<'_>) -> String {
    if node.is_null() {
        String::new()
    } else {
        node.as_str().map_or_else(|| node.display(), str::to_owned)
    }
}

/// The items of a list, or a single text as one.
fn items(node: Option<Node<'_>>) -> Vec<Node<'_>> {
    match node {
        Some(node) if node.is_seq() => node.children().collect(),
        Some(node) if node.as_str().is_some() => vec![node],
        _ => Vec::new(),
    }
}

/// Reads a service.
pub(super) fn read(name: &str, node: Node<'_>) -> Service {
    let health = node.get("healthcheck");
    let disabled = |it: Node<'_>| {
        it.get("disable").and_then(Node::as_bool) == Some(true)
            || items(it.get("test")).first().is_some_and(|it| it.as_str() == Some("NONE"))
    };
    let health_disabled = health.is_some_and(disabled);
    let limits = node
        .at(&["deploy", "resources", "limits"])
        .or_else(|| node.get("mem_limit"))
        .or_else(|| node.get("cpus"));
    Service {
        name: name.to_owned(),
        raw: node.id(),
        place: node.key_span().unwrap_or(node.span()),
        image: node
            .get("image")
            .filter(|it| it.as_str().is_some())
            .map(|it| (shown(it), it.span())),
        build: node.get("build").map(build),
        environment: environment(node.get("environment")),
        env_files: items(node.get("env_file"))
            .into_iter()
            .map(|it| shown(it.get("path").unwrap_or(it)))
            .collect(),
        volumes: items(node.get("volumes")).into_iter().filter_map(mount).collect(),
        ports: items(node.get("ports")).into_iter().map(|it| (port(it), it.span())).collect(),
        depends_on: depends_on(node.get("depends_on")),
        healthcheck: health.filter(|_| !health_disabled).map(Node::id),
        health_disabled,
        limits: limits.map(Node::id),
        restart: node.str("restart").unwrap_or("").to_owned(),
        command: ["entrypoint", "command"]
            .iter()
            .filter_map(|it| node.get(it))
            .map(words)
            .collect(),
        extends: node.get("extends").map(|it| match it.as_str() {
            Some(name) => (String::new(), name.to_owned()),
            None => (
                it.str("file").unwrap_or("").to_owned(),
                it.str("service").unwrap_or("").to_owned(),
            ),
        }),
    }
}

fn words(node: Node<'_>) -> String {
    let words: Vec<_> = items(Some(node)).into_iter().map(shown).collect();
    format!("{} ", words.join(" "))
}

fn build(node: Node<'_>) -> Build {
    let text = |key: &str| node.str(key).unwrap_or("").to_owned();
    let context = node.as_str().map_or_else(|| text("context"), str::to_owned);
    Build {
        context: if context.is_empty() { ".".to_owned() } else { context },
        dockerfile: text("dockerfile"),
        target: text("target"),
        place: node.key_span().unwrap_or(node.span()),
    }
}

fn environment(node: Option<Node<'_>>) -> Vec<Variable> {
    let Some(node) = node else { return Vec::new() };
    if node.is_map() {
        let entries = node.entries().filter(|it| it.0 != "<<");
        return entries
            .map(|(name, it)| Variable {
                name: name.to_owned(),
                value: shown(it),
                place: it.span(),
            })
            .collect();
    }
    let pairs = node.children().filter_map(|it| {
        let (name, value) = it.as_str()?.split_once('=')?;
        Some(Variable { name: name.to_owned(), value: value.to_owned(), place: it.span() })
    });
    pairs.collect()
}

fn mount(node: Node<'_>) -> Option<Mount> {
    let place = node.span();
    let Some(text) = node.as_str() else {
        let source = node.str("source").unwrap_or("").to_owned();
        let target = node.str("target").unwrap_or("").to_owned();
        return Some(Mount { source, target, place });
    };
    // `${A:-b}:/data` has colons that part nothing.
    let mut depth = 0_u32;
    let at = text.char_indices().find(|&(_, it)| {
        match it {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        it == ':' && depth == 0
    });
    let (source, target) = at.map_or(("", text), |(at, _)| (&text[..at], &text[at + 1..]));
    Some(Mount { source: source.to_owned(), target: target.to_owned(), place })
}

fn port(node: Node<'_>) -> String {
    if !node.is_map() {
        return shown(node);
    }
    let part = |key: &str| node.get(key).map(shown).unwrap_or_default();
    [part("host_ip"), part("published"), part("target")]
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(":")
}

fn depends_on(node: Option<Node<'_>>) -> Vec<Dependency> {
    let Some(node) = node else { return Vec::new() };
    if node.is_map() {
        let entries = node.entries().map(|(name, it)| Dependency {
            name: name.to_owned(),
            condition: it.str("condition").unwrap_or("").to_owned(),
            place: it.key_span().unwrap_or(it.span()),
        });
        return entries.collect();
    }
    let names = items(Some(node)).into_iter().map(|it| Dependency {
        name: shown(it),
        condition: String::new(),
        place: it.span(),
    });
    names.collect()
}

impl Service {
    /// Whether it does what only developers do: it reloads, it mounts the sources, it debugs.
    pub(super) fn is_for_developers(&self) -> bool {
        let reloads =
            ["--reload", "nodemon", "runserver", "npm run dev", "yarn dev", "pnpm dev", "debugpy"];
        let is_source = |it: &Mount| {
            matches!(it.source.trim_end_matches('/'), "." | ".." | "./src" | "./app" | "./backend")
                && !it.target.ends_with(":ro")
        };
        let dev_target = |it: &Build| {
            let target = it.target.to_ascii_lowercase();
            target.starts_with("dev") || target.starts_with("test") || target == "local"
        };
        let says = |it: &Variable| {
            let value = it.value.to_ascii_lowercase();
            matches!(it.name.as_str(), "NODE_ENV" | "ENVIRONMENT" | "APP_ENV" | "FLASK_ENV" | "ENV")
                && matches!(value.as_str(), "development" | "dev" | "local" | "test" | "testing")
        };
        reloads.iter().any(|it| self.command.contains(it))
            || self.volumes.iter().any(is_source)
            || self.build.as_ref().is_some_and(dev_target)
            || self.environment.iter().any(says)
    }
}

/// Appends the service to the list that is open; `folder` is that of the file.
pub(super) fn append(tree: &mut Tree, it: &Service, folder: &str) {
    let place = it.place;
    let map = tree.open_map(Key::None, place);
    tree.text(Key::Field("name"), &it.name, place);
    image(tree, it);
    build_of(tree, it, folder);
    let seq = tree.open_seq(Key::Field("environment"), place);
    it.environment.iter().for_each(|it| variable(tree, it));
    tree.close(seq);
    texts(tree, "env_files", it.env_files.iter().map(|it| (it, place)), place);
    let seq = tree.open_seq(Key::Field("volumes"), place);
    it.volumes.iter().for_each(|it| mount_of(tree, it));
    tree.close(seq);
    texts(tree, "ports", it.ports.iter().map(|it| (&it.0, it.1)), place);
    let seq = tree.open_seq(Key::Field("depends_on"), place);
    for it in &it.depends_on {
        let map = tree.open_map(Key::None, it.place);
        tree.text(Key::Field("name"), &it.name, it.place);
        tree.text(Key::Field("condition"), &it.condition, it.place);
        tree.close(map);
    }
    tree.close(seq);
    link(tree, "healthcheck", it.healthcheck, place);
    tree.bool(Key::Field("health_disabled"), it.health_disabled, place);
    link(tree, "limits", it.limits, place);
    tree.text(Key::Field("restart"), &it.restart, place);
    tree.text(Key::Field("command"), it.command.trim(), place);
    let (file, service) = it.extends.clone().unwrap_or_default();
    tree.text(Key::Field("extends_file"), &file, place);
    tree.text(Key::Field("extends"), &service, place);
    tree.alias(Key::Field("raw"), it.raw);
    tree.close(map);
}

fn image(tree: &mut Tree, it: &Service) {
    let Some((text, place)) = &it.image else {
        tree.null(Key::Field("image"), it.place);
        return;
    };
    let map = tree.open_map(Key::Field("image"), *place);
    let parts = Image::parse(text);
    tree.text(Key::Field("text"), text, *place);
    tree.text(Key::Field("registry"), &parts.registry, *place);
    tree.text(Key::Field("name"), &parts.name, *place);
    tree.text(Key::Field("tag"), &parts.tag, *place);
    tree.text(Key::Field("digest"), &parts.digest, *place);
    tree.bool(Key::Field("known"), !text.contains('$'), *place);
    tree.close(map);
}

fn build_of(tree: &mut Tree, it: &Service, folder: &str) {
    let Some(build) = &it.build else {
        tree.null(Key::Field("build"), it.place);
        return;
    };
    let map = tree.open_map(Key::Field("build"), build.place);
    let known = !build.context.contains(['$', '{']) && !build.context.contains("://");
    let known = known && !build.context.starts_with('/');
    let context = resolve(folder, &build.context).filter(|_| known);
    let file = if build.dockerfile.is_empty() { "Dockerfile" } else { &build.dockerfile };
    let dockerfile =
        context.as_deref().filter(|_| !file.contains('$')).and_then(|it| resolve(it, file));
    tree.text(Key::Field("context"), context.as_deref().unwrap_or(""), build.place);
    tree.text(Key::Field("dockerfile"), dockerfile.as_deref().unwrap_or(""), build.place);
    tree.text(Key::Field("target"), &build.target, build.place);
    tree.close(map);
}

fn variable(tree: &mut Tree, it: &Variable) {
    let map = tree.open_map(Key::None, it.place);
    tree.text(Key::Field("name"), &it.name, it.place);
    tree.text(Key::Field("value"), &it.value, it.place);
    tree.bool(Key::Field("literal"), !it.value.contains('$'), it.place);
    tree.text(Key::Field("fallback"), fallback(&it.value), it.place);
    tree.close(map);
}

/// The `b` of `${A:-b}`; empty if there is none.
fn fallback(value: &str) -> &str {
    let inner = value.strip_prefix("${").and_then(|it| it.strip_suffix('}')).unwrap_or("");
    inner.split_once(":-").or_else(|| inner.split_once('-')).map_or("", |it| it.1)
}

fn mount_of(tree: &mut Tree, it: &Mount) {
    let map = tree.open_map(Key::None, it.place);
    tree.text(Key::Field("source"), &it.source, it.place);
    tree.text(Key::Field("target"), &it.target, it.place);
    tree.close(map);
}

fn texts<'a>(
    tree: &mut Tree,
    key: &str,
    items: impl Iterator<Item = (&'a String, Span)>,
    place: Span,
) {
    let seq = tree.open_seq(Key::Text(key), place);
    for (text, place) in items {
        tree.text(Key::None, text, place);
    }
    tree.close(seq);
}

fn link(tree: &mut Tree, key: &str, target: Option<Id>, place: Span) {
    match target {
        Some(target) => tree.alias(Key::Text(key), target),
        None => tree.null(Key::Text(key), place),
    };
}
