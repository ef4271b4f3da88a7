//! Definitions of custom resources once their own rules ran: most of the bytes of a repository of
//! manifests are the schemas in them, and joins read only what says which values fit.

use super::{Manifest, Schema, manifests};
use crate::{
    artifact::{Artifact, Kind},
    document::{Id, Node},
};

/// Whether an artifact holds definitions of custom resources, by themselves or in lists.
pub fn defines(artifact: &Artifact) -> bool {
    artifact.kind == Kind::Kubernetes && manifests(artifact).any(Manifest::is_definition)
}

/// Leaves of the schemas in an artifact what custom resources are compared with. Of the text they
/// are only taken out `with_text`.
pub fn shorten(artifact: &mut Artifact, with_text: bool) {
    if !defines(artifact) {
        return;
    }
    let mut found: Vec<_> =
        manifests(artifact).flat_map(versions).map(|(_, schema)| (schema.id(), schema)).collect();
    found.sort_unstable_by_key(|it| it.0);
    let mut behind = 0;
    // Links may name a schema twice, or a part of one.
    found.retain(|it| {
        let is_apart = it.0 >= behind;
        behind = behind.max(it.1.after());
        is_apart
    });
    let schemas: Vec<(Id, Schema)> = found.into_iter().map(|it| (it.0, Schema::of(it.1))).collect();
    let hollow: Vec<_> = schemas.iter().map(|it| it.0).collect();
    let kept = artifact.tree.cut(&hollow, with_text);
    let now = |id: Id| kept.binary_search(&id).ok().map(|at| at as Id);
    artifact.derived = artifact.derived.iter().filter_map(|it| now(*it)).collect();
    artifact.schemas = schemas.into_iter().filter_map(|it| Some((now(it.0)?, it.1))).collect();
}

/// The versions that a definition describes, with their schemas; none for any other object.
pub fn versions(definition: Manifest<'_>) -> Vec<(&str, Node<'_>)> {
    let spec = definition.raw().get("spec").filter(|_| definition.is_definition());
    let Some(spec) = spec else { return Vec::new() };
    let shared = schema(spec, "validation");
    let listed = spec.get("versions").into_iter().flat_map(Node::children);
    let mut found: Vec<_> =
        listed.filter_map(|it| Some((it.str("name")?, schema(it, "schema").or(shared)?))).collect();
    found.extend(spec.str("version").zip(shared));
    found
}

/// The schema below a key of a version, or of the whole definition.
fn schema<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.at(&[key, "openAPIV3Schema"]).filter(|it| it.is_map())
}

impl Artifact {
    /// What a schema in it says, once it is shortened.
    pub fn schema(&self, written: Node<'_>) -> Option<&Schema> {
        let at = self.schemas.binary_search_by_key(&written.id(), |it| it.0);
        at.ok().map(|at| &self.schemas[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact::kubernetes::parse, parse::yaml, source::Source};

    const WRITTEN: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata: {name: as.x.io}\nspec:\n  group: x.io\n  names: {kind: A}\n  versions:\n  - name: v1\n    \
        schema:\n      openAPIV3Schema:\n        description: |\n          much to say\n        type: object\n        \
        required: [a]\n        properties:\n          description: {type: string, description: b}\n";

    fn shortened(text: &str, with_text: bool) -> Artifact {
        let (tree, problems) = yaml::parse(Source::new("a.yaml", text));
        let mut artifact = parse(tree, problems).artifact.expect("an artifact");
        shorten(&mut artifact, with_text);
        artifact
    }

    #[test]
    fn of_a_schema_what_says_which_values_fit_is_left() {
        for with_text in [true, false] {
            let artifact = shortened(WRITTEN, with_text);
            let text = &artifact.tree.source.text;
            let left = WRITTEN.find("description").expect("a schema") + 7;
            assert_eq!(text.len(), if with_text { left } else { WRITTEN.len() });
            let object = manifests(&artifact).next().expect("an object");
            assert_eq!((object.kind(), object.name()), ("CustomResourceDefinition", "as.x.io"));
            let all = versions(object);
            let [("v1", written)] = *all else { panic!("{all:?}") };
            assert_eq!((written.len(), written.start().line), (0, 10));
            let schema = artifact.schema(written).expect("a schema").root();
            let property = schema.property("description").expect("a property");
            assert_eq!((property.wanted(written), schema.wanted(written)), (Some("text"), None));
        }
    }

    #[test]
    fn objects_beside_definitions_stay_as_they_are() {
        let text = format!("{WRITTEN}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n");
        let artifact = shortened(&text, true);
        let service = manifests(&artifact).nth(1).expect("a second object");
        assert_eq!((service.kind(), service.name()), ("Service", "web"));
        assert_eq!(service.at().start().line, 21);
        let at = artifact.tree.source.in_file(service.at().span());
        assert_eq!(&text[at.start as usize..at.end as usize], "web");
        let alone = shortened("apiVersion: v1\nkind: Service\n", true);
        assert!(!defines(&alone) && alone.schemas.is_empty());
    }

    #[test]
    fn definitions_in_lists_are_shortened_too() {
        let inner: String = WRITTEN.lines().map(|it| format!("  {it}\n")).collect();
        let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", inner.trim_start());
        let artifact = shortened(&list, true);
        assert!(defines(&artifact) && artifact.schemas.len() == 1);
        assert!(!artifact.tree.source.text.contains("much to say"));
    }

    #[test]
    fn a_schema_that_is_named_twice_is_one() {
        let twice = "  - name: v2\n    schema: {openAPIV3Schema: *one}\n";
        let linked = WRITTEN.replace("openAPIV3Schema:", "openAPIV3Schema: &one") + twice;
        let artifact = shortened(&linked, true);
        let object = manifests(&artifact).next().expect("an object");
        let all = versions(object);
        assert_eq!((all.len(), artifact.schemas.len()), (2, 1));
        assert!(all.iter().all(|it| artifact.schema(it.1).is_some()));
    }
}
