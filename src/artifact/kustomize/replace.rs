//! Replacements and variables: values that are copied from one object to others.

use std::{collections::HashMap, sync::Arc};

use super::{
    fields::{ByKind, Field},
    model::{Data, Node},
    object::{Id, Object},
    patch::Selector,
};

/// Texts longer than this are not made longer: variables may name each other.
const LONGEST: usize = 1 << 16;

/// How many parts of a path are followed.
const DEEPEST: usize = 60;

/// How many values one entry of `replacements` may write.
const COPIES: usize = 100_000;

/// Copies the value of one entry of `replacements` to its targets.
pub(super) fn replace(objects: &mut [Object], entry: &Node, value: &Node) {
    let mut copies = COPIES / value.size();
    for target in entry.get("targets").into_iter().flat_map(Node::items) {
        let Some(select) = target.get("select").and_then(Selector::new) else { continue };
        let rejects: Vec<_> = target
            .get("reject")
            .into_iter()
            .flat_map(Node::items)
            .filter_map(Selector::new)
            .collect();
        let chosen = objects
            .iter_mut()
            .filter(|it| select.selects(it) && !rejects.iter().any(|reject| reject.selects(it)));
        for object in chosen {
            for path in target.get("fieldPaths").into_iter().flat_map(Node::items) {
                let path = split(path.scalar().unwrap_or_default());
                let create = target.scalar_at(&["options", "create"]) == "true";
                visit(&mut object.node, &path, create, &mut |it| {
                    if copies > 0 {
                        copies -= 1;
                        set(it, value, target.get("options"));
                    }
                });
            }
        }
    }
}

/// The value that an entry of `replacements` copies.
pub(super) fn source(objects: &[Object], entry: &Node) -> Option<Node> {
    if let Some(value) = entry.get("sourceValue") {
        return Some(value.clone());
    }
    let source = entry.get("source")?;
    let part = |key| source.scalar_at(&[key]);
    let (group, version, kind) = (part("group"), part("version"), part("kind"));
    let (name, namespace) = (part("name"), part("namespace"));
    let is_it = |id: &Id<'_>| {
        id.is_of(group, version, kind)
            && (name.is_empty() || name == id.name)
            && (namespace.is_empty() || namespace == id.effective_namespace())
    };
    let object = objects.iter().find(|it| it.ever(is_it))?;
    let path = match part("fieldPath") {
        "" => split("metadata.name"),
        path => split(path),
    };
    let found = path.iter().try_fold(&object.node, |node, key| step(node, key))?;
    let mut value = found.clone();
    let delimiter = source.scalar_at(&["options", "delimiter"]);
    if !delimiter.is_empty() {
        let index = source.scalar_at(&["options", "index"]).parse().unwrap_or(0);
        let text = found.scalar()?.split(delimiter).nth(index)?;
        value.data = Data::Text(text.into());
    }
    Some(value)
}

fn step<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.data {
        Data::List(items) => match condition(key) {
            Some((key, wanted)) => items.iter().find(|it| it.scalar_at(&[key]) == wanted),
            None => items.get(key.parse::<usize>().ok()?),
        },
        _ => node.get(key),
    }
}

/// `[name=web]`.
fn condition(part: &str) -> Option<(&str, &str)> {
    part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

fn set(target: &mut Node, value: &Node, options: Option<&Node>) {
    let option = |key| options.map(|it| it.scalar_at(&[key])).unwrap_or_default();
    let mut value = value.clone();
    let delimiter = option("delimiter");
    if let (false, Some(old), Some(new)) = (delimiter.is_empty(), target.scalar(), value.scalar()) {
        let mut parts: Vec<&str> = old.split(delimiter).collect();
        match option("index").parse::<i64>().unwrap_or(0) {
            index if index < 0 => parts.insert(0, new),
            index => match parts.get_mut(index as usize) {
                Some(part) => *part = new,
                None => parts.push(new),
            },
        }
        value.data = Data::Text(parts.join(delimiter).into());
    }
    // A scalar keeps its type: a number that is put into a text stays text.
    if let (Data::Text(_), Some(text)) = (&target.data, value.scalar()) {
        value.data = Data::Text(text.into());
    } else if let (Data::Number(_), Some(text)) = (&target.data, value.scalar())
        && text.parse::<f64>().is_ok()
    {
        value.data = Data::Number(text.into());
    }
    *target = value;
}

/// The parts of `spec.containers.[name=web].image`; a dot in brackets or behind `\` is no
/// separator.
fn split(path: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut escaped) = (Vec::new(), String::new(), 0, false);
    for letter in path.chars() {
        match letter {
            _ if escaped => {
                part.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '.' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth += i32::from(letter == '[') - i32::from(letter == ']');
                part.push(letter);
            }
        }
    }
    parts.push(part);
    parts.retain(|it| !it.is_empty());
    parts.truncate(DEEPEST);
    // `[a.b/c]` is a key with dots; `[name=web]` looks for an item.
    let plain = |it: &String| it.strip_prefix('[')?.strip_suffix(']').map(str::to_owned);
    parts.iter().map(|it| plain(it).filter(|it| !it.contains('=')).unwrap_or(it.clone())).collect()
}

fn visit(node: &mut Node, path: &[String], create: bool, change: &mut dyn FnMut(&mut Node)) {
    let Some((part, rest)) = path.split_first() else { return change(node) };
    let at = node.at;
    match &mut node.data {
        Data::List(items) if part == "*" => {
            items.iter_mut().for_each(|it| visit(it, rest, create, change));
        }
        Data::List(items) => {
            let hits: Vec<usize> = match condition(part) {
                Some((key, wanted)) => {
                    let all = items.iter().enumerate();
                    all.filter(|it| it.1.scalar_at(&[key]) == wanted).map(|it| it.0).collect()
                }
                None => part.parse::<usize>().into_iter().collect(),
            };
            for hit in hits {
                if let Some(item) = items.get_mut(hit) {
                    visit(item, rest, create, change);
                }
            }
        }
        Data::Map(entries) if part == "*" => {
            entries.iter_mut().for_each(|it| visit(&mut it.value, rest, create, change));
        }
        Data::Map(_) | Data::Null => {
            let next = if create { node.make(part, at) } else { node.get_mut(part) };
            if let Some(next) = next {
                visit(next, rest, create, change);
            }
        }
        _ => {}
    }
}

/// Replaces `$(NAME)` in the fields where variables are looked for.
pub(super) fn variables(objects: &mut [Object], variables: &[Node], fields: &[Arc<Field>]) {
    if variables.is_empty() {
        return;
    }
    let mut named: HashMap<(&str, &str), &Object> = HashMap::new();
    for object in objects.iter() {
        for id in object.ids() {
            named.entry((id.kind, id.name)).or_insert(object);
        }
    }
    let values: Vec<(String, String)> = variables
        .iter()
        .filter_map(|it| {
            let name = format!("$({})", it.scalar_at(&["name"]));
            let either =
                |node: &Node, names: [&str; 2]| names.iter().find_map(|key| node.get(key).cloned());
            let reference = either(it, ["objref", "objRef"])?;
            let part = |key| reference.scalar_at(&[key]);
            let object = named.get(&(part("kind"), part("name")))?;
            let place = either(it, ["fieldref", "fieldRef"]);
            let place = place.and_then(|it| either(&it, ["fieldpath", "fieldPath"]));
            let path = match place.as_ref().and_then(Node::scalar).unwrap_or_default() {
                "" => split("metadata.name"),
                path => split(&path.replace('[', ".").replace(']', "")),
            };
            let value = path.iter().try_fold(&object.node, |node, key| step(node, key))?;
            Some((name, value.scalar()?.to_owned()))
        })
        .collect();
    if values.is_empty() {
        return;
    }
    let mut fields = ByKind::new(fields.iter().map(|it| (&**it, ())));
    for object in objects {
        for (field, ()) in fields.of(&object.known().id()) {
            let at = object.node.at;
            field.visit(&mut object.node, at, &mut |it| expand(it, &values));
        }
    }
}

fn expand(node: &mut Node, values: &[(String, String)]) {
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|it| expand(it, values)),
        Data::Map(entries) => entries.iter_mut().for_each(|it| expand(&mut it.value, values)),
        Data::Text(text) => {
            for (name, value) in values {
                if text.contains(name.as_str()) && text.len() < LONGEST {
                    *text = text.replace(name.as_str(), value).into();
                }
            }
        }
        _ => {}
    }
}
