//! The patches of a kustomization: which objects they are for, and of which kind they are.

use regex::Regex;

use super::{
    build::Build,
    json_patch, merge,
    model::{Data, Node, Shared},
    object::{Id, Object},
};

/// Applies `patchesStrategicMerge` and `patches`.
pub(super) fn strategic(
    build: &mut Build<'_, '_>,
    folder: &str,
    file: &Node,
    objects: &mut Vec<Object>,
) {
    for entry in file.get("patchesStrategicMerge").into_iter().flat_map(Node::items) {
        let text = entry.scalar().unwrap_or_default();
        let patches = match text.contains('\n') {
            true => build.library.inline(entry),
            false => build.load(folder, entry).map(|it| it.documents.clone()).unwrap_or_default(),
        };
        patches.iter().for_each(|it| merge_one(build, it, None, entry, objects));
    }
    for entry in file.get("patches").into_iter().flat_map(Node::items) {
        one(build, folder, entry, objects);
    }
}

/// Applies one entry of `patches`, or a `PatchTransformer`.
pub(super) fn one(
    build: &mut Build<'_, '_>,
    folder: &str,
    entry: &Node,
    objects: &mut Vec<Object>,
) {
    let patches = documents(build, folder, entry);
    for patch in &patches {
        match (is_operations(patch), entry.get("target")) {
            (true, Some(target)) => operate(build, patch, target, objects),
            (true, None) => build.trouble(entry.at, "a JSON patch needs a target".to_owned()),
            (false, target) => merge_one(build, patch, target, entry, objects),
        }
    }
}

/// Applies `patchesJson6902`.
pub(super) fn json(build: &mut Build<'_, '_>, folder: &str, file: &Node, objects: &mut [Object]) {
    for entry in file.get("patchesJson6902").into_iter().flat_map(Node::items) {
        let Some(target) = entry.get("target") else { continue };
        for patch in &documents(build, folder, entry) {
            operate(build, patch, target, objects);
        }
    }
}

fn documents(build: &mut Build<'_, '_>, folder: &str, entry: &Node) -> Vec<Node> {
    match (entry.get("path"), entry.get("patch")) {
        (Some(path), _) => {
            build.load(folder, path).map(|it| it.documents.clone()).unwrap_or_default()
        }
        (None, Some(patch)) => build.library.inline(patch),
        (None, None) => Vec::new(),
    }
}

fn is_operations(patch: &Node) -> bool {
    !patch.items().is_empty() || patch.get("op").is_some() && patch.get("kind").is_none()
}

fn merge_one(
    build: &mut Build<'_, '_>,
    patch: &Node,
    target: Option<&Node>,
    entry: &Node,
    objects: &mut Vec<Object>,
) {
    let id = Id::of(patch);
    if !build.library.step(objects.len().saturating_mul(20), patch.at) {
        return;
    }
    let hits: Vec<bool> = match target.map(Selector::new) {
        Some(Some(selector)) => objects.iter().map(|it| selector.selects(it)).collect(),
        Some(None) => {
            return build.trouble(entry.at, "the target is no regular expression".to_owned());
        }
        None => objects.iter().map(|it| it.ever(|own| own.same(&id))).collect(),
    };
    let is_missing = target.is_none() && !hits.contains(&true);
    if is_missing && !build.open && !build.definitions {
        build.open = true;
        let reason = format!("the patch finds no {} `{}` to change", id.kind, id.name);
        build.trouble(patch.at, reason);
    }
    let option = |key| entry.scalar_at(&["options", key]) == "true";
    let (renames, retypes) = (option("allowNameChange"), option("allowKindChange"));
    let mut deleted = Vec::new();
    let count = hits.iter().filter(|it| **it).count();
    if !build.library.spend(patch.size().saturating_mul(count), patch.at) {
        return;
    }
    for (at, object) in objects.iter_mut().enumerate().filter(|(at, _)| hits[*at]) {
        if renames || retypes {
            object.remember();
        }
        let built_in = is_built_in(object.id().group());
        let namespace = object.node.at(&["metadata", "namespace"]).cloned();
        let kind = object.node.get("kind").cloned();
        let name = object.node.at(&["metadata", "name"]).cloned();
        if !merge::merge(&mut object.node, patch, built_in) {
            deleted.push(at);
            continue;
        }
        if let Some(kind) = kind.filter(|_| !retypes) {
            object.node.set("kind", kind);
        }
        let Some(metadata) = object.node.get_mut("metadata") else { continue };
        if let Some(name) = name.filter(|_| !renames) {
            metadata.set("name", name);
        }
        match namespace {
            Some(namespace) => metadata.set("namespace", namespace),
            None => metadata.remove("namespace"),
        }
    }
    let mut at = 0;
    objects.retain(|_| {
        at += 1;
        !deleted.contains(&(at - 1))
    });
}

/// Whether the kinds of a group are built in, so that it is known which lists merge.
fn is_built_in(group: &str) -> bool {
    !group.contains('.')
        || group.ends_with(".k8s.io") && !group.contains("x-k8s") && !group.starts_with("gateway.")
}

fn operate(build: &mut Build<'_, '_>, patch: &Node, target: &Node, objects: &mut [Object]) {
    let Some(selector) = Selector::new(target) else {
        return build.trouble(target.at, "the target is no regular expression".to_owned());
    };
    let cost = patch.size();
    for object in objects.iter_mut().filter(|it| selector.selects(it)) {
        if !build.library.spend(cost, patch.at) {
            return;
        }
        object.remember();
        // Kustomize keeps its own notes there while it builds, so the map is always present.
        let at = object.node.at;
        if let Some(annotations) =
            object.node.make("metadata", at).and_then(|it| it.make("annotations", at))
            && annotations.is_null()
        {
            annotations.data = Data::Map(Shared::default());
        }
        if let Err(reason) = json_patch::apply(&mut object.node, patch) {
            let id = object.id();
            build.open = true;
            let reason = format!("the patch does not fit {} `{}`: {reason}", id.kind, id.name);
            build.trouble(patch.at, reason);
        }
    }
}

/// What a part of a `target` asks: most are plain words.
enum Pattern {
    Any,
    /// A dot stands for any character.
    Word(String),
    Regex(Regex),
}

impl Pattern {
    /// Nothing where the text is no regular expression.
    fn new(text: &str) -> Option<Self> {
        let is_word = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it));
        Some(match text {
            "" => Self::Any,
            _ if is_word => Self::Word(text.to_owned()),
            _ => Self::Regex(Regex::new(&format!("^(?:{text})$")).ok()?),
        })
    }

    fn hits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Word(word) => {
                let fits = |(own, it): (char, char)| own == it || own == '.' && it != '\n';
                word.len() == text.chars().count() && word.chars().zip(text.chars()).all(fits)
            }
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Which objects a `target` means.
pub(super) struct Selector {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: String,
    annotations: String,
}

impl Selector {
    /// Nothing where a part is no regular expression.
    pub(super) fn new(target: &Node) -> Option<Self> {
        let part = |key: &str| Pattern::new(target.scalar_at(&[key]));
        let text = |key: &str| target.scalar_at(&[key]).to_owned();
        Some(Self {
            group: part("group")?,
            version: part("version")?,
            kind: part("kind")?,
            name: part("name")?,
            namespace: part("namespace")?,
            labels: text("labelSelector"),
            annotations: text("annotationSelector"),
        })
    }

    pub(super) fn selects(&self, object: &Object) -> bool {
        if !self.kind.hits(object.node.scalar_at(&["kind"])) {
            return false;
        }
        let (now, first) = (object.id(), object.first_id());
        let either = |part: &Pattern, a: &str, b: &str| part.hits(a) || part.hits(b);
        either(&self.namespace, first.effective_namespace(), now.effective_namespace())
            && either(&self.name, first.name, now.name)
            && self.group.hits(now.group())
            && self.version.hits(now.version())
            && matches(&self.labels, object.node.at(&["metadata", "labels"]))
            && matches(&self.annotations, object.node.at(&["metadata", "annotations"]))
    }
}

/// Whether a map of texts meets a selector such as `app=web,tier in (a, b),!debug`.
fn matches(selector: &str, map: Option<&Node>) -> bool {
    let value = |key: &str| map.and_then(|it| it.get(key.trim())).and_then(Node::scalar);
    let mut depth = 0;
    let mut parts = selector.split(|it: char| {
        depth += i32::from(it == '(') - i32::from(it == ')');
        it == ',' && depth == 0
    });
    parts.all(|part| {
        let part = part.trim();
        let among = |list: &str, key: &str| {
            let list = list.trim().trim_start_matches('(').trim_end_matches(')');
            value(key).is_some_and(|own| list.split(',').any(|it| it.trim() == own))
        };
        if part.is_empty() {
            true
        } else if let Some((key, list)) = part.split_once(" notin ") {
            !among(list, key)
        } else if let Some((key, list)) = part.split_once(" in ") {
            among(list, key)
        } else if let Some((key, wanted)) = part.split_once("!=") {
            value(key) != Some(wanted.trim())
        } else if let Some((key, wanted)) = part.split_once('=') {
            value(key) == Some(wanted.trim_start_matches('=').trim())
        } else if let Some(key) = part.strip_prefix('!') {
            value(key).is_none()
        } else {
            value(part).is_some()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact::kustomize::model::At, source::Span};

    #[test]
    fn patterns_are_regular_expressions_of_the_whole_text() {
        let hits = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().hits(text);
        for (pattern, text) in
            [("", "a"), ("a.b", "a.b"), ("a.b", "aéb"), ("a.*", "abc"), ("a|b", "b")]
        {
            assert!(hits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a.b", "ab"), ("a.b", "a\nb"), ("a.b", "a.bc")] {
            assert!(!hits(pattern, text), "{pattern} {text}");
        }
        assert!(Pattern::new("a(").is_none());
    }

    #[test]
    fn selectors_of_labels_are_read() {
        let at = At { file: 0, span: Span::new(0, 0) };
        let mut map = Node::map(at);
        map.set("app", Node::text(at, "web"));
        for yes in ["", "app=web", "app in (a, web)", "app,!debug", "app!=api", "tier notin (x)"] {
            assert!(matches(yes, Some(&map)), "{yes}");
        }
        for no in ["app=api", "app in (a,b)", "!app", "tier=x", "app=web,tier"] {
            assert!(!matches(no, Some(&map)), "{no}");
        }
    }
}
