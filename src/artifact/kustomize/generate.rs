//! ConfigMaps and Secrets that kustomizations generate, and the hashes in their names.

use super::{
    hash,
    model::{At, Data, Node, Shared},
    object::{Id, Object},
};
/// Both kinds of generator: the field that lists them, and what they make.
pub(super) const GENERATORS: [(&str, &str); 2] =
    [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")];

/// Makes the object that an entry of a generator describes. `read` gives the bytes of a file.
///
/// # Errors
/// The file that is not there.
pub(super) fn generate(
    entry: &Node,
    kind: &str,
    options: Option<&Node>,
    read: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Object, String> {
    let at = entry.at;
    let mut node = Node::map(at);
    node.set("apiVersion", Node::text(at, "v1"));
    node.set("kind", Node::text(at, kind));
    let mut metadata = Node::map(at);
    for key in ["name", "namespace"] {
        if let Some(value) = entry.get(key).filter(|it| !it.scalar().unwrap_or_default().is_empty())
        {
            metadata.set(key, value.clone());
        }
    }
    let own = entry.get("options");
    for key in ["labels", "annotations"] {
        for pairs in [options, own].into_iter().flatten().filter_map(|it| it.get(key)) {
            for pair in pairs.entries() {
                let value = Node::text(pair.value.at, pair.value.scalar().unwrap_or_default());
                if let Some(map) = metadata.make(key, pair.at) {
                    if map.is_null() {
                        map.data = Data::Map(Shared::default());
                    }
                    map.set(&pair.key, value);
                }
            }
        }
    }
    node.set("metadata", metadata);
    let is_on = |key: &str| {
        let own = own.and_then(|it| it.get(key));
        own.or_else(|| options?.get(key)).and_then(Node::scalar) == Some("true")
    };
    if kind == "Secret" {
        let kind = entry.get("type").cloned().unwrap_or_else(|| Node::text(at, "Opaque"));
        node.set("type", kind);
    }
    let (mut data, mut binary) = (Node::map(at), Node::map(at));
    for (key, value, at) in pairs(entry, read)? {
        let text = std::str::from_utf8(&value).ok().filter(|_| kind != "Secret");
        let map = if kind == "Secret" || text.is_some() { &mut data } else { &mut binary };
        map.set(&key, Node::text(at, &text.map_or_else(|| encoded(&value), str::to_owned)));
    }
    for (key, map) in [("data", data), ("binaryData", binary)] {
        // A Secret has its `data` even where there is nothing in it.
        if !map.entries().is_empty() || kind == "Secret" && key == "data" {
            node.set(key, map);
        }
    }
    if is_on("immutable") {
        node.set("immutable", Node::new(at, Data::Bool(true)));
    }
    Ok(Object { hash: !is_on("disableNameSuffixHash"), ..Object::new(node) })
}

/// Base64 as Kustomize writes it: in lines of 70, each with its end, once there is more than one.
fn encoded(bytes: &[u8]) -> String {
    const WIDTH: usize = 70;
    let text = hash::base64(bytes);
    if text.len() < WIDTH {
        return text;
    }
    let mut out = String::with_capacity(text.len() + text.len() / WIDTH + 1);
    for line in text.as_bytes().chunks(WIDTH) {
        out.extend(line.iter().map(|it| char::from(*it)));
        out.push('\n');
    }
    out
}

type Pair = (String, Vec<u8>, At);

fn pairs(entry: &Node, read: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Result<Vec<Pair>, String> {
    let list = |key: &str| entry.get(key).into_iter().flat_map(Node::items);
    let mut found = Vec::new();
    let mut read = |path: &str| read(path).ok_or_else(|| format!("`{path}` is not there"));
    for it in list("envs").chain(entry.get("env")) {
        let text = read(it.scalar().unwrap_or_default())?;
        let text = String::from_utf8_lossy(&text);
        let pairs = text.lines().filter_map(environment);
        found.extend(pairs.map(|(key, value)| (key, value.into_bytes(), it.at)));
    }
    for it in list("literals") {
        let Some((key, value)) = it.scalar().and_then(|it| it.split_once('=')) else { continue };
        found.push((key.to_owned(), unquoted(value).as_bytes().to_vec(), it.at));
    }
    for it in list("files") {
        let text = it.scalar().unwrap_or_default();
        let name = text.rsplit('/').next().unwrap_or(text);
        let (key, path) = text.split_once('=').unwrap_or((name, text));
        found.push((key.to_owned(), read(path)?, it.at));
    }
    Ok(found)
}

fn environment(line: &str) -> Option<(String, String)> {
    let line = line.trim_start_matches('\u{feff}').trim_start();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    Some((key.to_owned(), value.to_owned()))
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

/// Adds a generated object to those that are there, as its `behavior` says.
///
/// # Errors
/// Why it cannot be added.
pub(super) fn absorb(objects: &mut Vec<Object>, new: Object, behavior: &str) -> Result<(), String> {
    let known = new.known();
    let id = known.id();
    let Some(old) = objects.iter_mut().find(|it| it.ever(|it| it.same(&id))) else {
        objects.push(new);
        let is_new = !matches!(behavior, "merge" | "replace");
        return if is_new {
            Ok(())
        } else {
            Err(format!("there is no `{}` to {behavior}", id.name))
        };
    };
    let mut node = new.node;
    let metadata = old.node.get("metadata").cloned();
    for key in ["labels", "annotations"] {
        let of_old = metadata.as_ref().and_then(|it| it.get(key));
        take_over(&mut node, &["metadata", key], of_old);
    }
    if let (Some(own), Some(metadata)) = (node.get_mut("metadata"), metadata) {
        for key in ["name", "namespace"] {
            if let Some(value) = metadata.get(key) {
                own.set(key, value.clone());
            }
        }
    }
    if behavior == "merge" {
        take_over(&mut node, &["data"], old.node.get("data"));
        take_over(&mut node, &["binaryData"], old.node.get("binaryData"));
    }
    old.node = node;
    old.hash &= new.hash;
    Ok(())
}

/// Adds the entries of `from` that the map at the path lacks.
fn take_over(node: &mut Node, path: &[&str], from: Option<&Node>) {
    let Some(from) = from.filter(|it| !it.entries().is_empty()) else { return };
    let mut place = node;
    for key in path {
        let at = place.at;
        let Some(next) = place.make(key, at) else { return };
        place = next;
    }
    for entry in from.entries().iter().filter(|it| !it.value.is_null()) {
        if place.get(&entry.key).is_none() {
            place.set(&entry.key, entry.value.clone());
        }
    }
}

/// Gives generated objects the hash of their content in their name.
pub(super) fn add_hashes(objects: &mut [Object]) {
    for object in objects.iter_mut().filter(|it| it.hash) {
        let name = format!("{}-{}", object.id().name, content_hash(&object.node));
        object.remember();
        object.rename(&name);
    }
}

fn content_hash(node: &Node) -> String {
    let id = Id::of(node);
    // Kustomize looks the name up where it is not, so that no name is ever in the hash.
    let mut fields = vec![("kind", quoted(id.kind)), ("name", quoted(""))];
    let data = |key| node.get(key).map(map);
    fields.push(("data", data("data").unwrap_or_else(|| "\"\"".to_owned())));
    let extra = if id.kind == "Secret" { "stringData" } else { "binaryData" };
    fields.extend(data(extra).map(|it| (extra, it)));
    if id.kind == "Secret" {
        fields.push(("type", quoted(node.scalar_at(&["type"]))));
    }
    fields.sort();
    let fields: Vec<_> =
        fields.iter().map(|(key, value)| format!("{}:{value}", quoted(key))).collect();
    hash::suffix(&format!("{{{}}}", fields.join(",")))
}

fn map(node: &Node) -> String {
    let mut pairs: Vec<_> =
        node.entries().iter().map(|it| (&*it.key, it.value.scalar().unwrap_or_default())).collect();
    pairs.sort_unstable();
    let pairs: Vec<_> =
        pairs.iter().map(|(key, value)| format!("{}:{}", quoted(key), quoted(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// JSON text as Go writes it: with what HTML gives a meaning escaped.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
