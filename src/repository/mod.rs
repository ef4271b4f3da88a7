//! The joins across artifacts: images, workloads, targets, routes, stages.

mod access;
mod answers;
mod base;
mod build;
mod builds;
mod copy;
mod coverage;
mod custom;
mod defined;
mod docs;
mod enforced;
mod engine;
mod grace;
mod image;
mod ingress;
mod interface;
mod labels;
mod linter;
mod links;
mod monitor;
mod nginx;
mod objects;
mod pipeline;
mod policy;
mod probe;
mod python;
mod recipe;
mod reference;
mod routed;
mod scaling;
mod server;
mod service;
mod shipped;
mod started;
mod task;
mod version;
mod watched;
mod workload;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::builds::described;
pub use self::coverage::{
    base::{Base, Stated},
    older::Measured,
};
use self::{
    builds::Build,
    links::Links,
    objects::{Object, Objects},
    task::Tasks,
};
use crate::{
    artifact::{Artifact, Kind, Role, Suppression, View},
    document::{Node, Problem, Tree},
    patch::PatchCoverage,
    source::Source,
    value::Value,
};

/// What is known of the repository once every file is read.
#[derive(Debug)]
pub struct Repository<'a> {
    /// The artifacts, by path.
    pub artifacts: &'a [Artifact],
    /// Every file of the repository, ours or not, sorted: paths below the root.
    pub files: &'a [String],
    /// Small texts that are no artifacts and that joins read (`.dockerignore`, scripts,
    /// kustomizations), by path.
    pub texts: &'a BTreeMap<String, Source>,
    objects: Objects<'a>,
    links: Links<'a>,
    thresholds: Vec<Tree>,
    omitted: Vec<Tree>,
    change: coverage::Change,
    compared: coverage::base::Compared,
    measured: Measured,
    interfaces: interface::Compared<'a>,
    builds: Vec<Build<'a>>,
    /// The stages of each Dockerfile that become images, by its path.
    shipped: HashMap<&'a str, Vec<Node<'a>>>,
    images: HashMap<String, Build<'a>>,
    only_image: Option<String>,
    python: python::Python<'a>,
    pipelines: pipeline::Pipelines<'a>,
    tasks: Tasks<'a>,
}

impl<'a> Repository<'a> {
    /// The repository of these artifacts, files (sorted), texts and what of them [`described`] read,
    /// with its indexes. Where files had problems, nothing is called missing.
    pub fn new(
        artifacts: &'a [Artifact],
        files: &'a [String],
        texts: &'a BTreeMap<String, Source>,
        described: &'a [Tree],
        problems: &[Problem],
    ) -> Self {
        let kubernetes = artifacts.iter().filter(|it| it.kind == Kind::Kubernetes);
        let objects = Objects::new(kubernetes, files, problems);
        let links = Links::new(&objects);
        let thresholds = coverage::thresholds(texts, artifacts);
        let builds = builds::builds(artifacts, described, files);
        let deployed = objects.of(objects::Class::Workload).flat_map(image::images);
        let only_image = image::only_image(artifacts, deployed.map(|it| it.1));
        Self {
            artifacts,
            files,
            texts,
            objects,
            links,
            thresholds,
            omitted: coverage::omitted::lists(texts),
            change: coverage::Change::default(),
            compared: coverage::base::Compared::default(),
            measured: Measured::default(),
            interfaces: interface::Compared::default(),
            shipped: shipped::by_file(artifacts, &builds),
            images: builds::by_image(&builds),
            builds,
            only_image,
            python: python::Python::new(artifacts, files),
            pipelines: pipeline::Pipelines::new(artifacts, texts),
            tasks: Tasks::new(artifacts),
        }
    }

    /// The repository after a change whose coverage is known.
    pub fn with_patch(self, patch: Option<&PatchCoverage>) -> Self {
        Self { change: patch.map(coverage::Change::new).unwrap_or_default(), ..self }
    }

    /// The repository with what its measured files are today.
    pub fn with_measured(self, measured: Measured) -> Self {
        Self { measured, ..self }
    }

    /// The repository after a change from a known state: `diff`, which tells of files that were
    /// moved. What had `problems` is not compared.
    pub fn with_base(self, base: Option<&Base>, diff: Option<&str>, problems: &[Problem]) -> Self {
        let Some(base) = base else { return self };
        let compared = coverage::base::Compared::new(&self, base);
        let diff = diff.unwrap_or_default();
        let interfaces = interface::Compared::new(&self, &base.interfaces, diff, problems);
        Self { compared, interfaces, ..self }
    }

    /// What of the change could not be compared.
    pub fn uncompared(&self) -> &[Problem] {
        self.interfaces.problems()
    }

    /// Takes the descriptions of HTTP interfaces out of `artifacts` that a later state can be
    /// compared with.
    pub fn interfaces(artifacts: &mut Vec<Artifact>, problems: &[Problem]) -> Vec<Artifact> {
        interface::sound(artifacts, problems)
    }

    /// The shares of coverage that it asks of itself.
    pub fn stated(&self) -> Vec<Stated> {
        coverage::base::stated(self)
    }

    /// Whether `texts` should hold the file: what joins read beside the artifacts.
    pub fn wants_text(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.ends_with(".dockerignore")
            || name.starts_with("skaffold") && (name.ends_with(".yaml") || name.ends_with(".yml"))
            || name == "docker-bake.json"
            || matches!(
                name,
                ".gitignore" | "kustomization.yaml" | "kustomization.yml" | "Kustomization"
            )
    }

    /// The artifacts of one kind, by path.
    ///
    /// A description of an interface in several files is seen as the whole that they make.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Artifact> {
        let is_seen = move |it: &&Artifact| kind != Kind::Openapi || it.role != Role::Part;
        self.artifacts.iter().filter(move |it| it.kind == kind).filter(is_seen)
    }

    /// What the code of the services calls and imports.
    pub fn services(&self) -> impl Iterator<Item = Uses<'_>> {
        let services = self.python.services.iter();
        services.map(|it| Uses { callees: &it.callees, packages: &it.packages })
    }

    /// Whether the repository holds a file at this path.
    pub fn has_file(&self, path: &str) -> bool {
        self.files.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
    }

    /// What one file says to findings in another, with the path of the file or the rendering that
    /// it is for.
    pub fn answers(&self) -> Vec<(String, Suppression)> {
        answers::answers(self)
    }

    /// Whether the repository holds a folder at this path (a file lies below it).
    pub fn has_folder(&self, path: &str) -> bool {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let at = self.files.partition_point(|it| it.as_str() < prefix.as_str());
        path.is_empty() || self.files.get(at).is_some_and(|it| it.starts_with(&prefix))
    }
}

/// What the code of a Python service calls, as dotted paths, and the packages that it imports.
#[derive(Clone, Copy, Debug)]
pub struct Uses<'r> {
    /// What it calls, of what rules ask about.
    pub callees: &'r BTreeSet<&'r str>,
    /// The packages that it imports.
    pub packages: &'r BTreeSet<&'r str>,
}

/// The views that look across artifacts.
pub const VIEWS: &[View] = &[
    workload::VIEW,
    service::VIEW,
    service::PORT,
    ingress::VIEW,
    routed::VIEW,
    routed::CERTIFICATE,
    scaling::AUTOSCALER,
    scaling::MEASURED,
    scaling::BUDGET,
    policy::VIEW,
    policy::PEER,
    monitor::VIEW,
    access::VIEW,
    access::ACCOUNT,
    custom::VIEW,
    defined::TWIN,
    defined::NAMESPACE,
    enforced::VIEW,
    grace::VIEW,
    linter::VIEW,
    reference::VIEW,
    recipe::VIEW,
    task::TASK_VIEW,
    task::COMMAND_VIEW,
    task::ROOT_VIEW,
    task::CALL_VIEW,
    image::VIEW,
    shipped::STAGE_VIEW,
    shipped::VARIABLE_VIEW,
    shipped::FINAL_VIEW,
    started::VIEW,
    base::VIEW,
    build::VIEW,
    copy::CONTEXT_VIEW,
    version::VIEW,
    engine::VIEW,
    copy::VIEW,
    docs::VIEW,
    probe::VIEW,
    server::LOCAL_VIEW,
    server::PUBLIC_VIEW,
    watched::ALERT,
    watched::KEY,
    watched::OBJECTIVE,
    watched::RECEIVERS,
    watched::SCRAPE,
    watched::DASHBOARD,
    watched::RUNNING,
    nginx::SERVER,
    nginx::DIRECTIVE,
    nginx::ZONE,
    pipeline::PIPELINES,
    pipeline::CHECK,
    pipeline::DEPLOYMENT,
    pipeline::SUITE,
    pipeline::PATH,
    coverage::TOGETHER_VIEW,
    coverage::REPORT_VIEW,
    coverage::older::VIEW,
    coverage::THRESHOLD_VIEW,
    coverage::omitted::OMITTED_VIEW,
    coverage::base::LOWERED_VIEW,
    coverage::base::DROP_VIEW,
    interface::CHANGE_VIEW,
    interface::COMPARISON_VIEW,
    interface::GONE_VIEW,
    coverage::CHANGE_VIEW,
    coverage::MISSED_VIEW,
    coverage::UNMEASURED_VIEW,
];

/// The views over Python code.
pub const PYTHON: [&[View]; 4] =
    [python::VIEWS, python::WHOLE, python::MIGRATIONS, python::VARIABLES];

/// A map of fields.
fn record<'a, const N: usize>(fields: [(&'a str, Value<'a>); N]) -> Value<'a> {
    Value::map(fields)
}

/// Whether a path lies below a folder; every path lies below the root, which has no name.
fn below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|it| it.starts_with('/'))
}

/// An object as a companion of another: who it is, and its node.
fn brief<'a>(object: &Object<'a>) -> Value<'a> {
    record([
        ("kind", Value::Str(object.kind)),
        ("name", Value::Str(object.name)),
        ("namespace", Value::Str(object.namespace)),
        ("object", Value::Node(object.node)),
        ("pod", Value::maybe(object.pod())),
    ])
}

/// Companions, not more than a message or a rule can use.
fn briefs<'o, 'a: 'o>(objects: impl IntoIterator<Item = &'o Object<'a>>) -> Value<'a> {
    Value::list(objects.into_iter().take(100).map(brief))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artifact,
        artifact::{
            Select,
            render::{Files, render},
            testdata::TestData,
        },
    };

    /// The subjects of a view over these files, each as its fields among `names`.
    pub(super) fn look(view: &View, files: &[(&str, &str)], names: &[&str]) -> Vec<String> {
        let mut artifacts = Vec::new();
        let mut problems = Vec::new();
        let mut texts = BTreeMap::new();
        for (path, text) in files {
            let parsed = artifact::parse(Source::new(*path, *text));
            artifacts.extend(parsed.artifact);
            problems.extend(parsed.problems);
            if artifact::reading(path) == artifact::Reading::Text {
                texts.insert((*path).to_owned(), Source::new(*path, *text));
            }
        }
        let mut paths: Vec<_> = files.iter().map(|it| it.0.to_owned()).collect();
        paths.sort();
        let read = |path: &str| {
            let (path, text) = files.iter().find(|it| it.0 == path)?;
            Some(Source::new(*path, *text))
        };
        artifacts.sort_by(|a, b| a.tree.source.path.cmp(&b.tree.source.path));
        let files = Files { paths: &paths, read: &read, bytes: None };
        render(&files, &artifacts, Some(&TestData::default())).join(&mut artifacts);
        let described = described(&texts);
        let repository = Repository::new(&artifacts, &paths, &texts, &described, &problems);
        let mut found = Vec::new();
        let Select::Repository(select) = view.select else { return found };
        select(&repository, &mut |subject| {
            let Value::Map(fields) = &subject.values[0] else { return };
            let shown = names.iter().map(|name| {
                let field = fields.iter().find(|it| it.0 == *name);
                field.map_or_else(|| format!("no {name}"), |it| it.1.display().into_owned())
            });
            found.push(shown.collect::<Vec<_>>().join(" "));
        });
        found
    }

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: a, image: b, ports: [{containerPort: 80, name: http}]}]}\n";

    fn service(selector: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec:\n  selector: {selector}\n  ports: [{{port: 80, targetPort: http}}]\n"
        )
    }

    #[test]
    fn a_service_finds_its_workload_in_another_folder() {
        let files = [("a/deploy.yaml", DEPLOYMENT), ("b/service.yaml", &service("{app: web}"))];
        assert_eq!(look(&service::VIEW, &files, &["selector", "workloads"]), ["app=web 5 keys"]);
        assert_eq!(look(&service::PORT, &files, &["target", "declared"]), ["http true"]);
    }

    #[test]
    fn a_missing_workload_is_certain_only_where_workloads_are_kept() {
        let alone = [("k8s/service.yaml", &*service("{app: api}"))];
        assert_eq!(look(&service::VIEW, &alone, &["workloads", "certain"]), [" false"]);
        let beside = [("k8s/service.yaml", &*service("{app: api}")), ("k8s/web.yaml", DEPLOYMENT)];
        assert_eq!(look(&service::VIEW, &beside, &["workloads", "certain"]), [" true"]);
    }

    #[test]
    fn an_operator_or_an_unread_file_near_makes_nothing_certain() {
        let operator =
            "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s}\n";
        let template = "a: {{ .Values.a }}: b\nkind: x\napiVersion: v1\n";
        for (path, other) in [
            ("k8s/other.yaml", operator),
            ("k8s/other.yaml", template),
            ("k8s/web-values.yaml", "replicas: 2\n"),
        ] {
            let files = [
                (path, other),
                ("k8s/service.yaml", &*service("{app: api}")),
                ("k8s/web.yaml", DEPLOYMENT),
            ];
            assert_eq!(look(&service::VIEW, &files, &["certain"]), ["false"], "{other}");
        }
    }

    #[test]
    fn a_build_gives_its_labels_and_forgets_namespaces() {
        let files = [
            ("base/web.yaml", DEPLOYMENT),
            ("base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("prod/service.yaml", &*service("{app: web, env: prod}")),
            (
                "prod/kustomization.yaml",
                "resources: [../base, service.yaml]\ncommonLabels: {env: prod}\n",
            ),
        ];
        assert_eq!(look(&service::VIEW, &files, &["workloads"]), ["5 keys"]);
    }

    #[test]
    fn of_several_the_nearest_is_taken() {
        let files = [
            ("dev/web.yaml", DEPLOYMENT),
            ("prod/service.yaml", &*service("{app: web}")),
            ("prod/web.yaml", DEPLOYMENT),
        ];
        assert_eq!(look(&service::VIEW, &files, &["workloads"]), ["5 keys"]);
    }
}
