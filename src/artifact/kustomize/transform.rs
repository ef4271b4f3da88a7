//! The transformers that a kustomization names by a field: namespace, prefix and suffix, labels,
//! annotations, images, replicas.

use std::sync::Arc;

use super::{
    fields::{Field, Fields, read},
    model::{At, Data, Entry, Node, Shared},
    object::{Id, Object},
};

/// Runs them in the order of Kustomize, those that stand between its two kinds of patches first.
pub(super) fn transform(objects: &mut [Object], file: &Node, fields: &Fields) {
    if let Some(namespace) =
        file.get("namespace").filter(|it| it.scalar().is_some_and(|it| !it.is_empty()))
    {
        objects.iter_mut().for_each(|it| set_namespace(it, namespace, &fields.namespace));
    }
    affix(objects, file.scalar_at(&["namePrefix"]), &fields.prefix, true);
    affix(objects, file.scalar_at(&["nameSuffix"]), &fields.suffix, false);
    for label in file.get("labels").into_iter().flat_map(Node::items) {
        let Some(pairs) = label.get("pairs") else { continue };
        add_pairs(objects, pairs, &label_fields(label, fields));
    }
    if let Some(pairs) = file.get("commonLabels") {
        add_pairs(objects, pairs, &fields.common_labels);
    }
    if let Some(pairs) = file.get("commonAnnotations") {
        add_pairs(objects, pairs, &fields.annotations);
    }
}

/// Runs those that come after the patches.
pub(super) fn finish(objects: &mut [Object], file: &Node, fields: &Fields) {
    for it in file.get("replicas").into_iter().flat_map(Node::items) {
        set_replicas(objects, it, &fields.replicas);
    }
    set_images(objects, file.get("images").map_or(&[], Node::items), &fields.images);
}

/// Runs a transformer that is configured by a document of its own; false for one that is not known.
pub(super) fn configured(objects: &mut [Object], it: &Node) -> bool {
    let fields: Vec<_> =
        it.get("fieldSpecs").into_iter().flat_map(Node::items).map(read).map(Arc::new).collect();
    let map = |key: &str| it.get(key).cloned().unwrap_or_else(|| Node::map(it.at));
    match it.scalar_at(&["kind"]) {
        "LabelTransformer" => add_pairs(objects, &map("labels"), &fields),
        "AnnotationsTransformer" => add_pairs(objects, &map("annotations"), &fields),
        "NamespaceTransformer" => {
            let Some(namespace) = it.at(&["metadata", "namespace"]) else { return true };
            objects.iter_mut().for_each(|it| set_namespace(it, namespace, &fields));
        }
        "PrefixTransformer" => affix(objects, it.scalar_at(&["prefix"]), &fields, true),
        "SuffixTransformer" => affix(objects, it.scalar_at(&["suffix"]), &fields, false),
        "PrefixSuffixTransformer" => {
            affix(objects, it.scalar_at(&["prefix"]), &fields, true);
            affix(objects, it.scalar_at(&["suffix"]), &fields, false);
        }
        "ImageTagTransformer" => set_images(objects, &[map("imageTag")], &fields),
        "ReplicaCountTransformer" => set_replicas(objects, &map("replica"), &fields),
        _ => return false,
    }
    true
}

fn set_namespace(object: &mut Object, namespace: &Node, fields: &[Arc<Field>]) {
    let known = object.known();
    object.previous.push(known.clone());
    let id = known.id();
    if !id.is_cluster_scoped() {
        let place = object.node.make("metadata", namespace.at);
        if let Some(metadata) = place {
            metadata.set("namespace", namespace.clone());
        }
    }
    if matches!(id.kind, "RoleBinding" | "ClusterRoleBinding") {
        let Some(Data::List(subjects)) = object.node.get_mut("subjects").map(|it| &mut it.data)
        else {
            return;
        };
        for subject in subjects.iter_mut().filter(|it| it.scalar_at(&["name"]) == "default") {
            subject.set("namespace", namespace.clone());
        }
    }
    for field in fields.iter().filter(|it| it.is_of(&id) && it.path != "metadata/namespace") {
        if field.path == "metadata/name" && id.api != "v1" {
            continue;
        }
        field.visit(&mut object.node, namespace.at, &mut |it| *it = namespace.clone());
    }
}

fn keeps_its_name(id: &Id<'_>) -> bool {
    id.kind == "CustomResourceDefinition"
        || id.kind == "Namespace"
        || id.kind == "APIService" && id.group() == "apiregistration.k8s.io"
}

fn affix(objects: &mut [Object], affix: &str, fields: &[Arc<Field>], before: bool) {
    if affix.is_empty() {
        return;
    }
    for object in objects {
        if keeps_its_name(&object.first_id()) {
            continue;
        }
        let known = object.previous.first().cloned().unwrap_or_else(|| object.known());
        let id = known.id();
        for field in fields.iter().filter(|it| it.is_of(&id)) {
            if field.path == "metadata/name" {
                let affixes = if before { &mut object.prefixes } else { &mut object.suffixes };
                affixes.push(affix.to_owned());
                object.remember();
            }
            let at = object.node.at;
            field.visit(&mut object.node, at, &mut |it| {
                let Some(name) = it.scalar() else { return };
                let name = if before { format!("{affix}{name}") } else { format!("{name}{affix}") };
                it.data = Data::Text(name.into());
            });
        }
    }
}

fn label_fields(label: &Node, fields: &Fields) -> Vec<Arc<Field>> {
    let is_on = |key| label.scalar_at(&[key]) == "true";
    let mut found: Vec<_> =
        label.get("fields").into_iter().flat_map(Node::items).map(read).map(Arc::new).collect();
    found.extend(fields.labels.iter().cloned());
    if is_on("includeSelectors") {
        found.extend(fields.common_labels.iter().cloned());
        return found;
    }
    if is_on("includeTemplates") {
        found.extend(fields.template_labels.iter().cloned());
    }
    found.push(Arc::new(Field::new("metadata/labels", true)));
    found
}

/// Sets every pair in the maps at the fields.
fn add_pairs(objects: &mut [Object], pairs: &Node, fields: &[Arc<Field>]) {
    for object in objects {
        let known = object.known();
        let id = known.id();
        for field in fields.iter().filter(|it| it.is_of(&id)) {
            field.visit(&mut object.node, pairs.at, &mut |it| {
                for pair in pairs.entries() {
                    set_pair(it, pair);
                }
            });
        }
    }
}

fn set_pair(map: &mut Node, pair: &Entry) {
    if map.is_null() {
        map.data = Data::Map(Shared::default());
    }
    let Data::Map(entries) = &mut map.data else { return };
    let value = Node::text(pair.value.at, pair.value.scalar().unwrap_or_default());
    match entries.iter_mut().find(|it| it.key == pair.key) {
        Some(entry) => entry.value = value,
        None => entries.push(Entry { value, ..pair.clone() }),
    }
}

fn set_replicas(objects: &mut [Object], replica: &Node, fields: &[Arc<Field>]) {
    let (name, Some(count)) = (replica.scalar_at(&["name"]), replica.get("count")) else { return };
    for object in objects {
        for field in fields {
            if object.ever(|id| id.name == name && field.is_of(id)) {
                field.visit(&mut object.node, count.at, &mut |it| *it = count.clone());
            }
        }
    }
}

fn set_images(objects: &mut [Object], images: &[Node], fields: &[Arc<Field>]) {
    if images.is_empty() {
        return;
    }
    let mut set = |it: &mut Node| {
        if let Some(changed) = retagged(it, images) {
            *it = changed;
        }
    };
    let is_definition = |it: &Object| it.node.scalar_at(&["kind"]) == "CustomResourceDefinition";
    for object in objects.iter_mut().filter(|it| !is_definition(it)) {
        if let Some(changed) = with_images(&object.node, false, images) {
            object.node = changed;
        }
        if fields.is_empty() {
            continue;
        }
        let known = object.known();
        let id = known.id();
        for field in fields.iter().filter(|it| it.is_of(&id)) {
            field.visit(&mut object.node, images[0].at, &mut set);
        }
    }
}

/// The value with other images of its containers, however deep they stand; nothing where none
/// changes. `is_container` says that the value is a container, or a list of them.
fn with_images(node: &Node, is_container: bool, images: &[Node]) -> Option<Node> {
    let data = match &node.data {
        Data::List(items) => {
            let mut new = None;
            for (at, it) in items.iter().enumerate() {
                if let Some(changed) = with_images(it, is_container, images) {
                    new.get_or_insert_with(|| items.clone())[at] = changed;
                }
            }
            Data::List(new?)
        }
        Data::Map(entries) => {
            let mut new = None;
            for (at, Entry { key, value, .. }) in entries.iter().enumerate() {
                let is_list = matches!(value.data, Data::List(_));
                let changed = match &**key {
                    "image" if is_container => retagged(value, images),
                    "containers" | "initContainers" => with_images(value, is_list, images),
                    _ => with_images(value, false, images),
                };
                if let Some(changed) = changed {
                    new.get_or_insert_with(|| entries.clone())[at].value = changed;
                }
            }
            Data::Map(new?)
        }
        _ => return None,
    };
    Some(Node::new(node.at, data))
}

/// The parts of a reference: name, tag, digest.
fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_once('@').unwrap_or((image, ""));
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    match rest[slash..].find(':') {
        Some(colon) => (&rest[..slash + colon], &rest[slash + colon + 1..], digest),
        None => (rest, "", digest),
    }
}

/// The image that each entry of `images` makes of the one before; nothing where none changes it.
fn retagged(image: &Node, images: &[Node]) -> Option<Node> {
    let mut new = None;
    for by in images {
        new = retag(new.as_ref().unwrap_or(image), by).or(new);
    }
    new
}

fn retag(image: &Node, by: &Node) -> Option<Node> {
    let text = image.str()?;
    let (name, mut tag, mut digest) = split(text);
    if name != by.scalar_at(&["name"]) {
        return None;
    }
    let part = |key| (by.scalar_at(&[key]), by.get(key).map(|it| it.at));
    let (new_name, new_tag, new_digest) = (part("newName"), part("newTag"), part("digest"));
    let suffixed = format!("{tag}{}", by.scalar_at(&["tagSuffix"]));
    match (new_tag.0, new_digest.0) {
        ("", "") if suffixed != tag => (tag, digest) = (&suffixed, ""),
        ("", "") => {}
        changed => (tag, digest) = changed,
    }
    let mut changed = if new_name.0.is_empty() { name } else { new_name.0 }.to_owned();
    for (mark, part) in [(':', tag), ('@', digest)] {
        if !part.is_empty() {
            changed.push(mark);
            changed.push_str(part);
        }
    }
    let at: At = new_tag.1.or(new_digest.1).or(new_name.1).unwrap_or(by.at);
    (changed != text).then(|| Node::text(at, &changed))
}
