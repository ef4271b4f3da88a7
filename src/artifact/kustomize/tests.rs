//! Builds, compared with what `kubectl kustomize` prints for the same files, and with the places
//! that the parts come from.

use super::*;
use crate::{artifact, document};

fn paths(files: &[(&str, &str)]) -> Vec<String> {
    let mut paths: Vec<_> = files.iter().map(|it| it.0.to_owned()).collect();
    paths.sort();
    paths
}

fn rendered(files: &[(&str, &str)]) -> Rendering {
    let paths = paths(files);
    let read = |path: &str| {
        let (path, text) = files.iter().find(|it| it.0 == path)?;
        Some(Source::new(*path, *text))
    };
    let mut artifacts: Vec<Artifact> = Vec::new();
    for path in &paths {
        artifacts.extend(read(path).and_then(|it| artifact::parse(it).artifact));
    }
    render(&Files { paths: &paths, read: &read, bytes: None }, &artifacts)
}

fn text(files: &[(&str, &str)]) -> String {
    let rendering = rendered(files);
    assert_eq!(rendering.problems, []);
    rendering.artifacts.iter().map(|it| it.tree.source.text.as_str()).collect()
}

const BASE: [(&str, &str); 2] = [
    ("base/kustomization.yaml", "resources: [web.yaml]\n"),
    (
        "base/web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    \
         spec:\n      containers:\n      - name: web\n        image: web:1\n        env:\n        - \
         {name: A, value: '1'}\n      - name: side\n        image: side\n",
    ),
];

#[test]
fn patches_merge_lists_by_their_keys_and_everything_knows_where_it_was_written() {
    let overlay = [
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\npatches:\n- path: patch.yaml\nimages:\n- name: web\n  newTag: '2'\n",
        ),
        (
            "prod/patch.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    \
             spec:\n      containers:\n      - name: web\n        env:\n        - {name: B, value: x}\n      - \
             {name: side, $patch: delete}\n",
        ),
    ];
    let files: Vec<_> = BASE.into_iter().chain(overlay).collect();
    let rendering = rendered(&files);
    assert_eq!(rendering.problems, []);
    assert_eq!(rendering.artifacts.len(), 1);
    let tree = &rendering.artifacts[0].tree;
    assert_eq!(
        tree.source.text,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: prod-web\nspec:\n  template:\n    \
         spec:\n      containers:\n        - name: web\n          image: web:2\n          env:\n            \
         - name: B\n              value: x\n            - name: A\n              value: \"1\"\n"
    );
    let containers = tree.node(tree.roots[0]).at(&["spec", "template", "spec", "containers"]);
    let container = containers.and_then(|it| it.item(0)).expect("a container");
    let place = |node: document::Node<'_>| format!("{}:{}", node.place().0.path, node.start().line);
    assert_eq!(place(container), "base/web.yaml:9");
    assert_eq!(container.get("image").map(place).as_deref(), Some("prod/kustomization.yaml:7"));
    let env = container.at(&["env"]).and_then(|it| it.item(0)).expect("a variable");
    assert_eq!(place(env), "prod/patch.yaml:11");
    let parts: Vec<_> = rendering.parts.iter().map(String::as_str).collect();
    assert_eq!(parts, ["base/web.yaml", "prod/patch.yaml"]);
}

#[test]
fn inline_patches_are_found_in_the_kustomization() {
    let files: Vec<_> = BASE
        .into_iter()
        .chain([(
            "prod/kustomization.yaml",
            "resources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: add\n      path: \
             /spec/replicas\n      value: 3\n",
        )])
        .collect();
    let rendering = rendered(&files);
    let tree = &rendering.artifacts[0].tree;
    let replicas = tree.node(tree.roots[0]).at(&["spec", "replicas"]).expect("replicas");
    assert_eq!(replicas.as_int(), Some(3));
    assert_eq!(
        (replicas.place().0.path.as_str(), replicas.start().line),
        ("prod/kustomization.yaml", 7)
    );
}

#[test]
fn generated_names_are_those_of_kubectl_and_references_follow() {
    let files = [
        (
            "kustomization.yaml",
            "resources: [pod.yaml]\nnamespace: prod\nconfigMapGenerator:\n- name: one\n  literals: [a=b]\n",
        ),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    configMap: \
             {name: one}\n",
        ),
    ];
    let text = text(&files);
    assert_eq!(text.matches("name: one-4h2mbtbbt6").count(), 2, "{text}");
    assert_eq!(text.matches("namespace: prod").count(), 2, "{text}");
}

#[test]
fn what_is_not_here_is_a_problem_and_leaves_the_build_open() {
    let files = [
        (
            "kustomization.yaml",
            "resources:\n- https://example.com/all.yaml\n- pod.yaml\npatches: [{path: other.yaml}]\n",
        ),
        (
            "other.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\nspec: {hostPID: true}\n",
        ),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"),
    ];
    let rendering = rendered(&files);
    let lines: Vec<_> = rendering.problems.iter().map(|it| it.start.line).collect();
    assert_eq!(lines, [2]);
    assert_eq!(rendering.artifacts[0].role, Role::Rendered { open: true });
}

#[test]
fn kustomizations_that_name_each_other_end() {
    let files = [
        ("a/kustomization.yaml", "resources: [../b]\n"),
        ("b/kustomization.yaml", "resources: [../a]\n"),
        ("c/kustomization.yaml", "resources: [../a]\n"),
    ];
    assert!(!rendered(&files).problems.is_empty());
}

#[test]
fn long_secrets_are_folded_before_they_are_hashed() {
    let literal = "0123456789".repeat(7);
    let file = format!("secretGenerator:\n- name: long\n  literals: [\"key={literal}\"]\n");
    assert!(text(&[("kustomization.yaml", &file)]).contains("name: long-8582h65c88\n"));
}

#[test]
fn a_patch_takes_out_what_has_a_key_and_nothing_behind_it() {
    let web = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  empty:\n  \
               said: null\n  template:\n    spec:\n      containers:\n      - name: web\n        \
               env:\n      tolerations:\n      - key: x\n        value:\n";
    let patch = "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    \
                 metadata: {name: web}\n    spec: {replicas: 2}\n";
    let plain = text(&[("kustomization.yaml", "resources: [web.yaml]\n"), ("web.yaml", web)]);
    assert!(plain.contains("empty: null") && plain.contains("env: null"), "{plain}");
    let file = format!("resources: [web.yaml]\n{patch}");
    let patched = text(&[("kustomization.yaml", &file), ("web.yaml", web)]);
    assert!(!patched.contains("empty") && !patched.contains("env"), "{patched}");
    assert!(patched.contains("said: null") && patched.contains("value: null"), "{patched}");
}

#[test]
fn accounts_without_a_namespace_are_those_of_default_and_variables_are_read_in_either_case() {
    let files = [
        (
            "kustomization.yaml",
            "namespace: shop\nresources: [web.yaml]\nsecretGenerator:\n- name: none\nvars:\n- name: HOST\n  \
             objref: {kind: ConfigMap, name: web, apiVersion: v1}\n  fieldref: {fieldPath: data.host}\n",
        ),
        (
            "web.yaml",
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n---\napiVersion: v1\nkind: \
             ConfigMap\nmetadata: {name: web}\ndata: {host: example.org}\n---\napiVersion: \
             rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web}\nsubjects:\n- \
             {kind: ServiceAccount, name: web, namespace: default}\n---\napiVersion: v1\nkind: \
             Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    env: [{name: A, value: $(HOST)}]\n",
        ),
    ];
    let built = text(&files);
    assert!(!built.contains("namespace: default"), "{built}");
    assert!(built.contains("value: example.org"), "{built}");
    assert!(built.contains("data: {}") && built.contains("name: none-46f8b28mk5"), "{built}");
}
