//! Strategic merge patches: maps merge, lists merge by the keys of their items where the API says
//! so, everything else is replaced.

use super::model::{Data, Entry, Node};

/// The lists of built-in kinds that merge, and the keys that tell their items apart.
const MERGE_KEYS: &[(&str, &[&str])] = &[
    ("conditions", &["type"]),
    ("containers", &["name"]),
    ("env", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("hostAliases", &["ip"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ownerReferences", &["uid"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("secrets", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
    ("webhooks", &["name"]),
];

const DIRECTIVE: &str = "$patch";

/// Merges `patch` into an object; false if the patch deletes it. `known` says that the kind is
/// built in, so that its lists are known.
pub(super) fn merge(object: &mut Node, patch: &Node, known: bool) -> bool {
    match directive(patch) {
        "delete" => return false,
        "replace" => {
            *object = clean(patch);
            return true;
        }
        _ => {}
    }
    merge_map(object, patch, known);
    if has_unsaid(object) {
        drop_unsaid(object, known);
    }
    true
}

/// Whether a value is nothing, and nobody wrote that.
fn is_unsaid(node: &Node) -> bool {
    node.is_null() && node.at.span.start >= node.at.span.end
}

/// Whether there is a key with nothing behind it, however deep.
fn has_unsaid(node: &Node) -> bool {
    let is_or_has = |it: &Entry| is_unsaid(&it.value) || has_unsaid(&it.value);
    node.entries().iter().any(is_or_has) || node.items().iter().any(has_unsaid)
}

/// Takes out what has a key and nothing behind it: a merge goes through the whole object and keeps
/// only a `null` that somebody wrote.
fn drop_unsaid(node: &mut Node, known: bool) {
    let Data::Map(entries) = &mut node.data else { return };
    entries.retain(|it| !is_unsaid(&it.value));
    for Entry { key, value, .. } in entries.iter_mut() {
        match &mut value.data {
            Data::List(items) if known && merge_keys(key, &[], items).is_some() => {
                items.iter_mut().for_each(|it| drop_unsaid(it, known));
            }
            Data::Map(_) => drop_unsaid(value, known),
            _ => {}
        }
    }
}

fn directive(patch: &Node) -> &str {
    patch.scalar_at(&[DIRECTIVE])
}

/// A value of a patch as it stands where nothing was before: without nulls and directives.
fn clean(patch: &Node) -> Node {
    let data = match &patch.data {
        Data::Map(entries) => {
            let kept = entries.iter().filter(|it| &*it.key != DIRECTIVE && !it.value.is_null());
            let kept = kept.filter(|it| directive(&it.value) != "delete");
            Data::Map(kept.map(|it| Entry { value: clean(&it.value), ..it.clone() }).collect())
        }
        Data::List(items) => {
            let kept =
                items.iter().filter(|it| it.get(DIRECTIVE).is_none() || it.entries().len() > 1);
            Data::List(kept.filter(|it| directive(it) != "delete").map(clean).collect())
        }
        other => other.clone(),
    };
    Node { at: patch.at, data }
}

fn merge_map(target: &mut Node, patch: &Node, known: bool) {
    for entry in patch.entries().iter().filter(|it| &*it.key != DIRECTIVE) {
        let gone = entry.value.is_null() || directive(&entry.value) == "delete";
        let old = target.get_mut(&entry.key);
        match old {
            _ if gone => target.remove(&entry.key),
            Some(old) => merge_value(old, entry, known),
            None => {
                if let Data::Map(entries) = &mut target.data {
                    entries.push(Entry { value: clean(&entry.value), ..entry.clone() });
                }
            }
        }
    }
}

fn merge_value(old: &mut Node, entry: &Entry, known: bool) {
    let patch = &entry.value;
    match (&mut old.data, &patch.data) {
        (Data::Map(_), Data::Map(_)) if directive(patch) != "replace" => {
            merge_map(old, patch, known);
        }
        (Data::List(items), Data::List(changes)) => {
            let replaces = changes.iter().any(|it| directive(it) == "replace");
            match merge_keys(&entry.key, changes, items) {
                Some(keys) if known && !replaces => merge_list(items, changes, keys),
                _ if known && !replaces && &*entry.key == "finalizers" => {
                    let new = items.iter().filter(|it| !changes.iter().any(|new| new.same(it)));
                    *items = changes.iter().chain(new).cloned().collect();
                }
                _ => *old = clean(patch),
            }
        }
        _ => *old = clean(patch),
    }
}

/// The keys that tell the items of a list apart; ports are told apart by what they have.
fn merge_keys(key: &str, changes: &[Node], items: &[Node]) -> Option<&'static [&'static str]> {
    if key == "ports" {
        let has = |key: &str| changes.iter().chain(items).any(|it| it.get(key).is_some());
        return match () {
            () if has("containerPort") => Some(&["containerPort", "protocol"]),
            () if has("port") => Some(&["port", "protocol"]),
            () => None,
        };
    }
    MERGE_KEYS.iter().find(|it| it.0 == key).map(|it| it.1)
}

/// Whether two items are one: the same first key, and further keys where both have them.
fn is_same(a: &Node, b: &Node, keys: &[&str]) -> bool {
    keys.iter().enumerate().all(|(at, key)| match (a.get(key), b.get(key)) {
        (Some(a), Some(b)) => a.scalar() == b.scalar(),
        _ => at > 0,
    })
}

/// New items come first. Items that both have come first too, in the order of the patch, unless
/// several keys tell them apart.
fn merge_list(items: &mut Vec<Node>, changes: &[Node], keys: &[&str]) {
    let (mut first, mut gone) = (Vec::new(), Vec::new());
    for change in changes {
        let found = items.iter().position(|it| is_same(it, change, keys));
        match found {
            _ if directive(change) == "delete" => gone.extend(found),
            Some(at) => {
                merge_map(&mut items[at], change, true);
                if keys.len() == 1 && !gone.contains(&at) {
                    gone.push(at);
                    first.push(items[at].clone());
                }
            }
            None => first.push(clean(change)),
        }
    }
    let rest = items.drain(..).enumerate().filter(|(at, _)| !gone.contains(at)).map(|it| it.1);
    first.extend(rest);
    *items = first;
}
