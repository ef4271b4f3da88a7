//! Definitions of custom resources once their own rules ran: most of the bytes of a repository of
//! manifests are the descriptions in them, and joins read none.

use super::identity;
use crate::{
    artifact::{Artifact, Kind},
    document::{Id, Kind as Holds, NO_KEY, Node, Tree, tag},
};

/// What of a schema says which values fit, beside the schemas in it: see `repository::custom`.
const KEPT: [&str; 7] = [
    "type",
    "additionalProperties",
    "anyOf",
    "oneOf",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
];

/// The tags of [`KEPT`]: most other keys need no look at their text.
const TAGS: [bool; 256] = {
    let (mut tags, mut at) = ([false; 256], 0);
    while at < KEPT.len() {
        tags[tag(KEPT[at].as_bytes()) as usize] = true;
        at += 1;
    }
    tags
};

/// Whether an entry or an item below a schema is kept.
fn is_kept(tree: &Tree, id: Id) -> bool {
    let raw = &tree.nodes[id as usize];
    raw.kind == Holds::Map
        || raw.key_len == NO_KEY
        || TAGS[usize::from(raw.tag)] && KEPT.contains(&tree.key(id))
        || tree.node(id).is_map()
}

/// Whether a file holds definitions of custom resources.
pub fn defines(artifact: &Artifact) -> bool {
    artifact.kind == Kind::Kubernetes && artifact.tree.documents().any(is_definition)
}

/// Leaves of the definitions in a file what custom resources are compared with. Gives the schemas
/// in them; nothing where the file holds no definition.
pub fn shorten(artifact: &mut Artifact) -> Option<Vec<Id>> {
    if !defines(artifact) {
        return None;
    }
    let tree = &mut artifact.tree;
    let mut found = Vec::new();
    let mut schemas = 0..0;
    let mut definition = 0..0;
    let moved = tree.retain(|tree, id| {
        if schemas.contains(&id) {
            return is_kept(tree, id);
        }
        let raw = &tree.nodes[id as usize];
        let is_map = tree.node(id).is_map();
        if is_map && tree.roots.binary_search(&id).is_ok() && is_definition(tree.node(id)) {
            definition = id..raw.low;
        }
        if is_map && definition.contains(&id) && tree.key(id) == "openAPIV3Schema" {
            schemas = id + 1..raw.low;
            found.push(id);
        }
        true
    });
    let derived = artifact.derived.iter();
    artifact.derived = derived.filter_map(|it| moved[*it as usize]).collect();
    Some(found.into_iter().filter_map(|it| moved[it as usize]).collect())
}

fn is_definition(document: Node<'_>) -> bool {
    identity(document).is_some_and(|it| it.kind == "CustomResourceDefinition")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artifact::kubernetes::{manifests, parse},
        parse::yaml,
        source::Source,
    };

    const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata: {name: as.x.io}\nspec:\n  group: x.io\n  names: {kind: A}\n  versions:\n  - name: v1\n    \
        schema:\n      openAPIV3Schema:\n        description: |\n          much to say\n        type: object\n        \
        required: [a]\n        properties:\n          description: {type: string, description: b}\n";

    fn shortened(text: &str) -> (Artifact, Option<Vec<Id>>) {
        let (tree, problems) = yaml::parse(Source::new("a.yaml", text));
        let mut artifact = parse(tree, problems).artifact.expect("an artifact");
        let schemas = shorten(&mut artifact);
        (artifact, schemas)
    }

    #[test]
    fn of_a_schema_what_says_which_values_fit_is_left() {
        let (mut artifact, schemas) = shortened(DEFINITION);
        artifact.tree.cut(&schemas.expect("a schema"));
        let text = &artifact.tree.source.text;
        assert_eq!(text.len(), DEFINITION.find("description").expect("a schema") + 7);
        let object = manifests(&artifact).next().expect("an object");
        assert_eq!((object.kind(), object.name()), ("CustomResourceDefinition", "as.x.io"));
        let version = object.raw().at(&["spec", "versions"]).and_then(|it| it.item(0));
        let schema =
            version.and_then(|it| it.at(&["schema", "openAPIV3Schema"])).expect("a schema");
        let expected = r#"{"type": "object", "properties": {"description": {"type": "string"}}}"#;
        assert_eq!(format!("{schema:?}"), expected);
        assert_eq!(schema.at(&["properties"]).map(Node::start).map(|it| it.line), Some(11));
    }

    #[test]
    fn objects_beside_definitions_stay_as_they_are() {
        let text =
            format!("{DEFINITION}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n");
        let (mut artifact, schemas) = shortened(&text);
        artifact.tree.cut(&schemas.expect("a schema"));
        let service = manifests(&artifact).nth(1).expect("a second object");
        assert_eq!((service.kind(), service.name()), ("Service", "web"));
        assert_eq!(service.at().start().line, 21);
        let at = artifact.tree.source.in_file(service.at().span());
        assert_eq!(&text[at.start as usize..at.end as usize], "web");
        assert_eq!(shortened("apiVersion: v1\nkind: Service\n").1, None);
    }
}
