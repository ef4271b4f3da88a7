//! Charts rendered from beginning to end, as the pipeline sees them.

use std::fmt::Write as _;

use super::{render as render_all, *};
use crate::document::Trouble;

fn rendered(files: &[(&str, &str)]) -> Rendering {
    let mut files: Vec<_> = files.to_vec();
    files.sort();
    let paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    let read = |path: &str| {
        let found = files.iter().find(|(known, _)| *known == path);
        found.map(|(_, text)| Source::new(path, *text))
    };
    render_all(&Files { paths: &paths, read: &read, bytes: None })
}

/// The kinds and names of what was rendered, rendering by rendering.
fn objects(rendering: &Rendering) -> String {
    let mut out = String::new();
    for artifact in &rendering.artifacts {
        write!(out, "{}:", artifact.tree.source.path).unwrap();
        for object in artifact.tree.documents() {
            let name = object.at(&["metadata", "name"]).map_or(String::new(), |it| it.display());
            write!(out, " {}/{name}", object.str("kind").unwrap_or("")).unwrap();
        }
        out.push('\n');
    }
    out
}

const CHART: (&str, &str) = ("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");

#[test]
fn every_place_is_a_place_of_the_template() {
    let template = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-app\nspec:\n  \
                    {{- with .Values.spec }}\n  {{- toYaml . | nindent 2 }}\n  {{- end }}\n  \
                    {{- if .Values.host }}\n  hostNetwork: true\n  {{- end }}\n";
    let rendering = rendered(&[
        CHART,
        ("app/values.yaml", "host: true\nspec:\n  containers:\n  - name: a\n    image: b\n"),
        ("app/templates/pod.yaml", template),
    ]);
    assert_eq!(rendering.problems, []);
    let artifact = &rendering.artifacts[0];
    let pod = artifact.tree.documents().next().unwrap();
    let line = |path: &[&str]| {
        let node = pod.at(path).unwrap();
        (node.place().0.path.as_str(), node.start().line)
    };
    let file = "app/templates/pod.yaml";
    assert_eq!(line(&["kind"]), (file, 2));
    assert_eq!(line(&["metadata", "name"]), (file, 4));
    assert_eq!(line(&["spec", "containers"]), (file, 7));
    assert_eq!(line(&["spec", "hostNetwork"]), (file, 10));
    assert!(rendering.parts.contains(file));
}

#[test]
fn subcharts_follow_conditions_tags_and_globals() {
    let map = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {{ .Chart.Name }}-{{ .Values.global.env }}-{{ .Values.size }}\n";
    let chart = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n\
                 - {name: db, alias: store, condition: store.enabled}\n\
                 - {name: cache, condition: cache.enabled}\n\
                 - {name: queue, tags: [messaging]}\n\
                 - {name: lib, import-values: [defaults]}\n";
    let rendering = rendered(&[
        ("app/Chart.yaml", chart),
        (
            "app/values.yaml",
            "global: {env: prod}\nstore: {size: big}\ncache: {enabled: false}\ntags: {messaging: false}\n",
        ),
        ("app/templates/own.yaml", map),
        ("app/charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("app/charts/db/values.yaml", "size: small\nenabled: true\nglobal: {env: dev}\n"),
        ("app/charts/db/templates/a.yaml", map),
        ("app/charts/cache/Chart.yaml", "name: cache\nversion: 1.0.0\n"),
        ("app/charts/cache/templates/a.yaml", map),
        ("app/charts/queue/Chart.yaml", "name: queue\nversion: 1.0.0\n"),
        ("app/charts/queue/templates/a.yaml", map),
        ("app/charts/lib/Chart.yaml", "name: lib\nversion: 1.0.0\ntype: library\n"),
        ("app/charts/lib/values.yaml", "exports: {defaults: {size: taken}}\n"),
        ("app/charts/lib/templates/a.yaml", map),
    ]);
    assert_eq!(rendering.problems, []);
    let expected = "app/Chart.yaml: ConfigMap/store-prod-big ConfigMap/app-prod-taken\n";
    assert_eq!(objects(&rendering), expected);
}

#[test]
fn what_is_missing_is_said_once_and_nothing_is_guessed() {
    let rendering = rendered(&[
        (
            "app/Chart.yaml",
            "name: app\nversion: 1.0.0\ndependencies:\n- {name: common}\n- {name: redis}\n",
        ),
        ("app/values.yaml", "redis: {enabled: true}\n"),
        (
            "app/templates/a.yaml",
            "kind: A\napiVersion: v1\nmetadata: {name: {{ include \"common.name\" . }}}\n",
        ),
        (
            "app/templates/b.yaml",
            "kind: B\napiVersion: v1\nmetadata: {name: {{ .Values.redis.port }}}\n",
        ),
        (
            "app/templates/c.yaml",
            "kind: C\napiVersion: v1\nmetadata: {name: {{ .Values.redis.enabled }}}\n",
        ),
    ]);
    assert_eq!(objects(&rendering), "app/Chart.yaml: C/true\n");
    let [problem] = rendering.problems.as_slice() else { panic!("{:?}", rendering.problems) };
    assert!(problem.reason.contains("(`common`, `redis`), so 2 of its 3"), "{}", problem.reason);
    assert!(matches!(rendering.artifacts[0].role, Role::Rendered { open: true }));
}

#[test]
fn a_template_that_fails_loses_itself_and_not_its_siblings() {
    let rendering = rendered(&[
        CHART,
        (
            "app/templates/a.yaml",
            "kind: A\napiVersion: v1\nmetadata:\n  name: {{ required \"give it\" .Values.x }}\n",
        ),
        ("app/templates/b.yaml", "kind: B\napiVersion: v1\n"),
        ("app/templates/broken.yaml", "kind: B\n{{ if }}\n"),
    ]);
    assert_eq!(objects(&rendering), "app/Chart.yaml: B/\n");
    let told: Vec<_> =
        rendering.problems.iter().map(|it| (it.path.as_str(), it.start.line)).collect();
    assert_eq!(told, [("app/templates/broken.yaml", 2), ("app/templates/a.yaml", 4)]);
}

#[test]
fn charts_are_rendered_with_each_set_of_values() {
    let template = "kind: A\napiVersion: v1\nmetadata:\n  name: {{ .Values.name }}\n";
    let rendering = rendered(&[
        (
            ".seaworthy/config.toml",
            "[helm]\nvalues = [\"app/prod.yaml\", {chart = \"app\", files = [\"app/prod.yaml\", \"eu.yaml\"]}]\n",
        ),
        CHART,
        ("app/values.yaml", "name: own\n"),
        ("app/prod.yaml", "name: prod\n"),
        ("app/ci/some-values.yaml", "name: test\n"),
        ("app/ci/same-values.yaml", "name: own\n"),
        ("app/templates/a.yaml", template),
        ("eu.yaml", "name: eu\n"),
    ]);
    let expected = "app/Chart.yaml: A/own\napp/prod.yaml: A/prod\neu.yaml: A/eu\n\
                    app/ci/some-values.yaml: A/test\n";
    assert_eq!(objects(&rendering), expected);
    assert_eq!(rendering.artifacts[3].role, Role::Trial);
}

#[test]
fn tests_are_not_deployed_and_marks_end_documents_as_in_helm() {
    let rendering = rendered(&[
        CHART,
        (
            "app/templates/a.yaml",
            "kind: A\napiVersion: v1\n---# next\nkind: B\napiVersion: v1\n---\nkind: C\napiVersion: \
             v1\nmetadata: {annotations: {helm.sh/hook: 'test'}}\n",
        ),
    ]);
    assert_eq!(rendering.problems, []);
    assert_eq!(objects(&rendering), "app/Chart.yaml: A/ B/\n");
    let b = rendering.artifacts[0].tree.documents().nth(1).unwrap();
    assert_eq!(b.get("kind").unwrap().start().line, 4);
}

#[test]
fn templates_share_what_they_set_in_the_order_of_helm() {
    let rendering = rendered(&[
        CHART,
        ("app/values.yaml", "defaults: {size: 1}\n"),
        (
            "app/templates/zz.yaml",
            "{{- $_ := set . \"Values\" (merge (dict \"size\" 7) .Values.defaults) }}\n",
        ),
        (
            "app/templates/a.yaml",
            "kind: A\napiVersion: v1\nmetadata:\n  name: {{ .Values.size }}\n",
        ),
    ]);
    assert_eq!(objects(&rendering), "app/Chart.yaml: A/7\n");
}

#[test]
fn hostile_charts_meet_bounds() {
    let forever = "{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}";
    let wide = "{{ range until 3000 }}{{ range until 3000 }}{{ . }}{{ end }}{{ end }}";
    let deep = "{{ define \"y\" }}{{ if true }}{{ with (dict \"a\" (dict)) }}{{ template \"y\" . }}{{ end }}{{ end }}{{ end }}{{ template \"y\" . }}";
    let rendering = rendered(&[
        CHART,
        ("app/templates/a.yaml", forever),
        ("app/templates/b.yaml", deep),
        ("app/templates/c.yaml", wide),
    ]);
    let kinds: Vec<_> = rendering.problems.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Trouble::Limit; 3], "{:?}", rendering.problems);
}
