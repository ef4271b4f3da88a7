//! Kubernetes manifests: how they are recognised, what is derived from them, how they are viewed.

use super::{Artifact, Kind, Parsed};
use crate::{
    document::{self, LEADING_ZERO, Node, Problem, Tree, Trouble, YAML11_BOOL},
    source::Source,
};

mod choices;
pub mod config;
mod definition;
mod derive;
mod heap;
mod lifecycle;
pub mod linter;
mod manifest;
mod pods;
mod quantity;
mod schema;
mod secret;
mod structural;
mod suppress;
mod views;

pub use choices::Choices;
pub use definition::{defines, shorten, versions};
pub use derive::is_filled_in;
pub use manifest::{Container, Manifest, Pod, manifests};
pub use quantity::quantity;
pub use schema::{DEEPEST, is_template};
pub use structural::{Fitting, Schema};
pub use views::VIEWS;

/// Whether a YAML or JSON file is one, by what its documents say.
pub fn claims(tree: &Tree) -> bool {
    tree.documents().any(|it| identity(it).is_some())
}

/// Derives from the written tree what views need.
pub fn parse(tree: Tree, problems: Vec<Problem>) -> Parsed {
    let (mut tree, mut problems) = (tree, problems);
    read_as_yaml11(&mut tree);
    let found = derive::objects(&tree);
    if found.too_deep {
        let reason = "lists inside lists, more than 4 deep: what is below is not judged";
        problems.push(Problem::at(&tree.source, 0, Trouble::Limit, reason));
    }
    let derived = found.objects.into_iter().map(|it| derive::append(&mut tree, it)).collect();
    let mut artifact = Artifact { derived, ..Artifact::new(Kind::Kubernetes, tree) };
    artifact.suppressions = suppress::suppressions(&artifact);
    note_patches(&artifact, &mut problems);
    Parsed { artifact: Some(artifact), problems }
}

/// What kind of object a document says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

/// Groups whose documents look like objects but are read by tools, never by a cluster.
const NOT_FOR_CLUSTERS: &[&str] =
    &["kustomize.config.k8s.io", "skaffold", "backstage.io", "scaffolder.backstage.io"];

fn identity(node: Node<'_>) -> Option<Identity<'_>> {
    let kind = node.str("kind")?;
    let (group, version) = split_api_version(node.str("apiVersion")?)?;
    let is_kubeconfig = kind == "Config" && group.is_empty();
    let is_name = kind.starts_with(|it: char| it.is_ascii_uppercase() || it == 'c')
        && kind.chars().all(|it| it.is_ascii_alphanumeric());
    (is_name && !is_kubeconfig && !NOT_FOR_CLUSTERS.contains(&group)).then_some(Identity {
        group,
        version,
        kind,
    })
}

/// Group and version of an `apiVersion`, if it has the form of one.
fn split_api_version(text: &str) -> Option<(&str, &str)> {
    let (group, version) = text.split_once('/').unwrap_or(("", text));
    let bytes = version.as_bytes();
    let is_version = bytes.first() == Some(&b'v')
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    let is_group =
        group.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'));
    (is_version && is_group && (!group.is_empty() || !text.contains('/')))
        .then_some((group, version))
}

/// kubectl reads YAML 1.1: `yes` is a boolean there and `0644` is octal. Afterwards the tree says
/// what the cluster gets; how it was written is still in the source.
pub(super) fn read_as_yaml11(tree: &mut Tree) {
    let source = std::mem::take(&mut tree.source);
    for raw in &mut tree.nodes {
        if raw.flags & YAML11_BOOL != 0 && raw.kind == document::Kind::Str {
            if let Some(value) = boolean(source.slice(raw.span)) {
                raw.kind = document::Kind::Bool;
                raw.low = u32::from(value);
                raw.high = 0;
            }
        } else if raw.flags & LEADING_ZERO != 0
            && raw.kind == document::Kind::Int
            && let Some(value) = octal(source.slice(raw.span))
        {
            raw.low = value as u64 as u32;
            raw.high = (value as u64 >> 32) as u32;
        }
    }
    tree.source = source;
}

/// Single letters stay text, as in the decoders of today: nobody means `false` by `namespace: n`.
fn boolean(written: &str) -> Option<bool> {
    match written.to_ascii_lowercase().as_str() {
        "yes" | "on" => Some(true),
        "no" | "off" => Some(false),
        _ => None,
    }
}

fn octal(written: &str) -> Option<i64> {
    let (sign, digits) = match written.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, written.strip_prefix('+').unwrap_or(written)),
    };
    i64::from_str_radix(digits, 8).ok().map(|it| sign * it)
}

/// A patch of Kustomize is a part of an object: judged alone it would lack everything.
fn note_patches(artifact: &Artifact, problems: &mut Vec<Problem>) {
    for manifest in manifests(artifact).filter(|it| it.is_patch()) {
        let reason = format!(
            "{} `{}` looks like a Kustomize patch: its pods are not judged before they are built",
            manifest.kind(),
            manifest.name()
        );
        let at = manifest.raw().span().start;
        problems.push(Problem::at(&artifact.tree.source, at, Trouble::Unsupported, reason));
    }
}

/// Whether the path is one where overlays keep their patches.
fn may_hold_patches(source: &Source) -> bool {
    let path = source.path.to_ascii_lowercase();
    let folders = ["overlays", "overlay", "patches", "components", "variants"];
    source.name().to_ascii_lowercase().contains("patch")
        || path.split('/').rev().skip(1).any(|it| folders.contains(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Tree {
        crate::parse::yaml::parse(Source::new("a.yaml", text)).0
    }

    #[test]
    fn only_objects_for_clusters_are_claimed() {
        for yes in [
            "apiVersion: v1\nkind: Pod\n",
            "a: 1\n---\napiVersion: x.io/v1beta2\nkind: Thing\n",
            "apiVersion: v1\nkind: List\nitems: []\n",
        ] {
            assert!(claims(&written(yes)), "{yes}");
        }
        for no in [
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "apiVersion: v2\nname: chart\n",
            "apiVersion: v1\nkind: Config\nclusters: []\n",
            "apiVersion: 3\nkind: Pod\n",
            "apiVersion: \"1.0\"\nkind: Pod\n",
            "- apiVersion: v1\n  kind: Pod\n",
        ] {
            assert!(!claims(&written(no)), "{no}");
        }
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        let text = "apiVersion: v1\nkind: X\na: yes\nb: off\nc: 0644\nd: '0644'\ne: 089\n";
        let parsed = parse(written(text), Vec::new());
        let artifact = parsed.artifact.expect("an artifact");
        let root = artifact.tree.node(artifact.tree.roots[0]);
        assert_eq!(root.get("a").and_then(Node::as_bool), Some(true));
        assert_eq!(root.get("b").and_then(Node::as_bool), Some(false));
        assert_eq!(root.get("c").and_then(Node::as_int), Some(0o644));
        assert_eq!(root.str("d"), Some("0644"));
        assert_eq!(root.get("c").map(Node::written), Some("0644"));
        assert_ne!(root.get("e").and_then(Node::as_float), Some(0.0));
    }
}
