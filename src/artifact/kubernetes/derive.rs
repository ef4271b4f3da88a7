//! What is derived from manifests: one root per object, with its pods and their containers.
//!
//! ```text
//! kind group version name namespace      text
//! filled                                 whether a template fills the name in
//! raw labels annotations                 links into the written tree
//! patch                                  true for what looks like a part of an object
//! pods: - spec labels annotations        links
//!         containers: - raw              a link
//!                       list index       `initContainers`, 0
//!                       image            text registry name tag digest known
//!                       effective        links: the container's security settings, or its pod's
//! ```

use super::{Identity, identity, may_hold_patches, pods};
use crate::{
    document::{Id, Key, Kind, Node, Tree},
    parse::image::Image,
    source::Span,
};

/// How deep lists in lists are followed.
const DEEPEST_LIST: u32 = 4;

/// The lists of a pod that hold containers.
pub(super) const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Security settings that a pod gives to its containers.
const INHERITED: [&str; 7] = [
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "seccompProfile",
    "seLinuxOptions",
    "windowsOptions",
    "appArmorProfile",
];

/// Security settings that only a container has.
const OWN: [&str; 5] = [
    "privileged",
    "allowPrivilegeEscalation",
    "readOnlyRootFilesystem",
    "capabilities",
    "procMount",
];

/// An object as it was found, before anything is appended to the tree.
pub(super) struct Found {
    raw: Id,
    group: String,
    version: String,
    templates: Vec<Id>,
    patch: bool,
}

/// The objects of a file.
#[derive(Default)]
pub(super) struct Objects {
    /// In the order of the file.
    pub objects: Vec<Found>,
    /// Whether some were too deep in lists.
    pub too_deep: bool,
}

/// Finds the objects of a tree; those of lists stand for themselves.
pub(super) fn objects(tree: &Tree) -> Objects {
    let mut found = Objects::default();
    for document in tree.documents() {
        collect(document, 0, &mut found);
    }
    found
}

fn collect(node: Node<'_>, depth: u32, found: &mut Objects) {
    let Some(identity) = identity(node) else { return };
    let items = node.get("items").filter(|it| it.is_seq());
    match items {
        Some(items) if identity.kind.ends_with("List") => {
            if depth == DEEPEST_LIST {
                found.too_deep = true;
                return;
            }
            items.children().for_each(|it| collect(it, depth + 1, found));
        }
        _ => found.objects.push(describe(node, identity)),
    }
}

fn describe(raw: Node<'_>, identity: Identity<'_>) -> Found {
    let templates = pods::templates(raw, identity);
    let patch = !templates.is_empty()
        && may_hold_patches(&raw.tree().source)
        && is_incomplete(raw, identity, &templates);
    Found {
        raw: raw.id(),
        group: identity.group.to_owned(),
        version: identity.version.to_owned(),
        templates: templates.into_iter().map(Node::id).collect(),
        patch,
    }
}

/// Whether the object lacks what every cluster demands of it.
fn is_incomplete(raw: Node<'_>, identity: Identity<'_>, templates: &[Node<'_>]) -> bool {
    let needs_selector = identity.group == "apps" && identity.version == "v1";
    needs_selector && raw.at(&["spec", "selector"]).is_none()
        || templates.iter().any(|template| {
            let containers = template.at(&["spec", "containers"]);
            containers.is_none_or(|it| it.children().any(|it| it.str("image").is_none()))
        })
}

/// Appends the derived root of an object.
pub(super) fn append(tree: &mut Tree, found: Found) -> Id {
    let raw = tree.node(found.raw);
    let span = raw.at(&["metadata", "name"]).unwrap_or(raw).span();
    let root = tree.open_map(Key::None, span);
    link(tree, "kind", found.raw, &["kind"]);
    tree.text(Key::Field("group"), &found.group, span);
    tree.text(Key::Field("version"), &found.version, span);
    name(tree, "name", found.raw);
    name(tree, "namespace", found.raw);
    let filled = tree.node(found.raw).at(&["metadata", "name"]).is_some_and(is_filled_in);
    tree.bool(Key::Field("filled"), filled, span);
    tree.alias(Key::Field("raw"), found.raw);
    link(tree, "labels", found.raw, &["metadata", "labels"]);
    link(tree, "annotations", found.raw, &["metadata", "annotations"]);
    tree.bool(Key::Field("patch"), found.patch, span);
    let pods = tree.open_seq(Key::Field("pods"), span);
    for template in found.templates {
        append_pod(tree, template);
    }
    tree.close(pods);
    tree.close_record(root);
    root
}

/// Whether a template fills the value in: an action stands in its line of the author's file.
pub fn is_filled_in(value: Node<'_>) -> bool {
    let source = &value.tree().source;
    let (file, span) = source.author(value.span());
    let rest = || file.slice(Span { end: file.text.len() as u32, ..span }).lines().next();
    source.is_rendered()
        && (file.slice(span).contains("{{") || rest().is_some_and(|it| it.contains("{{")))
}

/// Links to the value at the end of a path, if it is there.
fn link(tree: &mut Tree, key: &'static str, from: Id, path: &[&str]) {
    if let Some(target) = tree.node(from).at(path).map(Node::id) {
        tree.alias(Key::Field(key), target);
    }
}

/// The name or the namespace: always text, empty where there is none.
fn name(tree: &mut Tree, key: &'static str, raw: Id) {
    let made =
        || (key == "name").then(|| tree.node(raw).at(&["metadata", "generateName"])).flatten();
    let node = tree.node(raw).at(&["metadata", key]).or_else(made);
    let (text, span) = match node {
        Some(node) if !node.is_null() && node.is_empty() => (node.display(), node.span()),
        _ => (String::new(), tree.node(raw).span()),
    };
    tree.text(Key::Field(key), &text, span);
}

fn append_pod(tree: &mut Tree, template: Id) {
    let pod = tree.open_map(Key::None, tree.node(template).span());
    link(tree, "spec", template, &["spec"]);
    link(tree, "metadata", template, &["metadata"]);
    link(tree, "labels", template, &["metadata", "labels"]);
    link(tree, "annotations", template, &["metadata", "annotations"]);
    let containers = tree.open_seq(Key::Field("containers"), tree.node(template).span());
    let context = tree.node(template).at(&["spec", "securityContext"]).map(Node::id);
    for list in LISTS {
        let ids: Vec<Id> = match tree.node(template).at(&["spec", list]) {
            Some(list) if list.is_seq() => list.children().map(Node::id).collect(),
            _ => Vec::new(),
        };
        for (index, id) in ids.into_iter().enumerate() {
            if tree.node(id).is_map() {
                append_container(tree, id, list, index, context);
            }
        }
    }
    tree.close(containers);
    tree.close_record(pod);
}

fn append_container(tree: &mut Tree, raw: Id, list: &str, index: usize, pod: Option<Id>) {
    let span = tree.node(raw).span();
    let container = tree.open_map(Key::None, span);
    tree.alias(Key::Field("raw"), raw);
    tree.text(Key::Field("list"), list, span);
    tree.int(Key::Field("index"), index as i64, span);
    append_image(tree, raw);
    let effective = tree.open_map(Key::Field("effective"), span);
    let own = tree.node(raw).get("securityContext").map(Node::id);
    for key in INHERITED {
        let value = setting(tree, own, key).or_else(|| setting(tree, pod, key));
        if let Some(value) = value {
            tree.alias(Key::Field(key), value);
        }
    }
    for key in OWN {
        if let Some(value) = setting(tree, own, key) {
            tree.alias(Key::Field(key), value);
        }
    }
    tree.close_record(effective);
    tree.close_record(container);
}

fn setting(tree: &Tree, context: Option<Id>, key: &str) -> Option<Id> {
    let value = tree.node(context?).get(key)?;
    (!value.is_null()).then_some(value.id())
}

fn append_image(tree: &mut Tree, raw: Id) {
    let Some(image) = tree.node(raw).get("image").filter(|it| it.kind() == Kind::Str) else {
        return;
    };
    let (id, span, text) = (image.id(), image.span(), image.text().to_owned());
    let parts = Image::parse(&text);
    let map = tree.open_map(Key::Field("image"), span);
    tree.alias(Key::Field("text"), id);
    part(tree, "registry", &parts.registry, span);
    part(tree, "name", &parts.name, span);
    part(tree, "tag", &parts.tag, span);
    part(tree, "digest", &parts.digest, span);
    tree.bool(Key::Field("known"), is_known(&text), span);
    tree.close_record(map);
}

fn part(tree: &mut Tree, key: &'static str, text: &str, span: Span) {
    tree.text(Key::Field(key), text, span);
}

/// Whether the reference is what the cluster gets, and no template that somebody fills in.
fn is_known(text: &str) -> bool {
    !text.is_empty() && !["{", "$(", "<", "%", "://"].iter().any(|it| text.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artifact::{
            Artifact,
            kubernetes::{manifests, parse},
        },
        parse::yaml,
        source::Source,
    };

    fn artifact(path: &str, text: &str) -> Artifact {
        let (tree, problems) = yaml::parse(Source::new(path, text));
        parse(tree, problems).artifact.expect("an artifact")
    }

    #[test]
    fn lists_are_flattened_and_pods_are_found() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n  \
                    metadata: {name: c, namespace: n}\n  spec: {jobTemplate: {spec: {template: \
                    {spec: {containers: [{name: a, image: x}], initContainers: [{name: b}]}}}}}\n- \
                    apiVersion: x.io/v1\n  kind: Own\n  spec: {template: {spec: {containers: \
                    [{name: a, image: b}]}}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: m}}\n";
        let artifact = artifact("a.yaml", text);
        let found: Vec<_> = manifests(&artifact)
            .map(|it| (it.kind(), it.name(), it.namespace(), it.pods().count()))
            .collect();
        assert_eq!(
            found,
            [("CronJob", "c", "n", 1), ("Own", "", "", 1), ("ConfigMap", "m", "", 0)]
        );
        let first = manifests(&artifact).next().expect("a cron job");
        let pod = first.pods().next().expect("a pod");
        let lists: Vec<_> = pod.containers().map(|it| (it.list(), it.index())).collect();
        assert_eq!(lists, [("containers", 0), ("initContainers", 0)]);
    }

    #[test]
    fn containers_inherit_from_their_pod_what_they_do_not_set() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  securityContext: {runAsUser: 1, runAsNonRoot: \
                    true}\n  containers:\n  - name: a\n    image: r.io:5000/x/y:1@sha256:00\n    \
                    securityContext: {runAsUser: 2, runAsNonRoot: null, privileged: true}\n";
        let artifact = artifact("a.yaml", text);
        let manifest = manifests(&artifact).next().expect("a pod");
        let pod = manifest.pods().next().expect("a pod");
        let container = pod.containers().next().expect("a container");
        let effective = container.effective();
        assert_eq!(effective.get("runAsUser").and_then(Node::as_int), Some(2));
        assert_eq!(effective.get("runAsNonRoot").and_then(Node::as_bool), Some(true));
        assert_eq!(effective.get("privileged").and_then(Node::as_bool), Some(true));
        assert!(effective.get("procMount").is_none());
        let image = container.image().expect("an image");
        let parts = ["registry", "name", "tag", "digest"].map(|it| image.str(it));
        assert_eq!(parts, [Some("r.io:5000"), Some("x/y"), Some("1"), Some("sha256:00")]);
    }

    #[test]
    fn parts_of_objects_in_overlays_are_patches() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: \
                    {spec: {containers: [{name: a, resources: {}}]}}}\n";
        let is_patch = |path: &str| {
            let artifact = artifact(path, text);
            manifests(&artifact).any(|it| it.is_patch())
        };
        assert!(is_patch("k8s/overlays/prod/a.yaml"));
        assert!(is_patch("k8s/cpu-patch.yaml"));
        assert!(!is_patch("k8s/a.yaml"));
    }
}
