//! What watches the service: alerts, objectives, receivers, scrapes and dashboards, from files of
//! Prometheus and from objects of Kubernetes; and the images that run beside it.

use super::{Repository, image::images, objects::Class, record};
use crate::{
    artifact::{
        Artifact, Emit, Field, Kind, Select, Shape, Subject, View, compose,
        prometheus::{Form, form, group_rules},
    },
    document::Node,
    parse::image::Image,
    value::Value,
};

mod metric;

const fn field(name: &'static str, shape: Shape, means: &'static str) -> Field {
    Field { name, shape, means }
}

const fn view(
    name: &'static str,
    kind: Kind,
    means: &'static str,
    vars: &'static [Field],
    select: for<'a> fn(&'a Repository<'a>, Emit<'_, 'a>),
) -> View {
    View { name, kind, means, vars, select: Select::Repository(select) }
}

/// The views.
pub(super) const ALERT: View = view(
    "prometheus.alert",
    Kind::Prometheus,
    "each alert of Prometheus, in files and in PrometheusRule objects",
    &[field(
        "it",
        Shape::Record(&[
            field("name", Shape::Text, "its name"),
            field("expr", Shape::Text, "its expression"),
            field("for", Shape::Text, "how long it must hold"),
            field("labels", Shape::Any, "its labels"),
            field("annotations", Shape::Any, "its annotations"),
            field(
                "metric",
                Shape::Text,
                "what it is about: `latency`, `errors`, `uptime`, `cpu`, `memory`, `connections`, `disk`; empty if unknown",
            ),
            field(
                "threshold",
                Shape::Number,
                "from where on it fires: seconds, or a share of 1; nothing if unknown",
            ),
        ]),
        "the alert",
    )],
    alerts,
);

/// One subject for each key metric that some alert is about.
pub(super) const KEY: View = view(
    "repository.key_metric",
    Kind::Repository,
    "what the alerts of the repository say of one key metric",
    &[field(
        "it",
        Shape::Record(&[
            field(
                "metric",
                Shape::Text,
                "`latency`, `errors`, `uptime`, `cpu`, `memory`, `connections` or `disk`",
            ),
            field("threshold", Shape::Number, "the tightest threshold: seconds, or a share of 1"),
            field("alert", Shape::Text, "the alert that has it"),
            field("alerts", Shape::Number, "how many alerts are about it"),
        ]),
        "the metric",
    )],
    key_metrics,
);

/// One subject for each objective.
pub(super) const OBJECTIVE: View = view(
    "prometheus.objective",
    Kind::Prometheus,
    "each objective of Sloth, OpenSLO or Pyrra",
    &[field(
        "it",
        Shape::Record(&[
            field("name", Shape::Text, "its name"),
            field("target", Shape::Number, "its target, as a share of 1; nothing if unknown"),
        ]),
        "the objective",
    )],
    objectives,
);

/// One subject for each configuration of Alertmanager.
pub(super) const RECEIVERS: View = view(
    "prometheus.receivers",
    Kind::Prometheus,
    "each configuration of Alertmanager",
    &[field(
        "it",
        Shape::Record(&[
            field(
                "kinds",
                Shape::List(&Shape::Text),
                "how people are told: `slack`, `pagerduty`, …",
            ),
            field("routes", Shape::Number, "how many routes there are below the first"),
            field("grouped", Shape::Bool, "alerts are grouped"),
            field("inhibits", Shape::Bool, "some alerts silence others"),
            field("raw", Shape::Any, "the configuration as written"),
        ]),
        "the configuration",
    )],
    receivers,
);

/// One subject for each job that Prometheus scrapes.
pub(super) const SCRAPE: View = view(
    "prometheus.scrape",
    Kind::Prometheus,
    "each job that Prometheus scrapes",
    &[field(
        "it",
        Shape::Record(&[
            field("job", Shape::Text, "its name"),
            field("raw", Shape::Any, "the job as written"),
        ]),
        "the job",
    )],
    scrapes,
);

/// One subject for each dashboard.
pub(super) const DASHBOARD: View = view(
    "prometheus.dashboard",
    Kind::Prometheus,
    "each dashboard of Grafana that is kept as JSON",
    &[field(
        "it",
        Shape::Record(&[
            field("title", Shape::Text, "its title"),
            field("panels", Shape::Number, "how many panels it has"),
        ]),
        "the dashboard",
    )],
    dashboards,
);

/// One subject for each image that runs.
pub(super) const RUNNING: View = view(
    "repository.running_image",
    Kind::Repository,
    "each image that a workload of Kubernetes or a service of a Compose file that is not for developers runs",
    &[field(
        "it",
        Shape::Record(&[
            field("text", Shape::Text, "the reference as written"),
            field("name", Shape::Text, "its repository, without the registry"),
            field("short", Shape::Text, "the last part of its name"),
            field("tag", Shape::Text, "its tag"),
            field("kind", Shape::Text, "`Deployment`, …, or `compose`"),
        ]),
        "the image",
    )],
    running,
);

/// The documents of files of Prometheus that have a form.
fn documents<'a>(repository: &'a Repository<'a>, wanted: Form) -> impl Iterator<Item = Node<'a>> {
    let is_real = |it: &&'a Artifact| {
        let mut folders = it.tree.source.folder().split('/');
        !folders.any(|it| matches!(it, "test" | "tests" | "testdata" | "fixtures" | "e2e"))
    };
    let trees = repository.of(Kind::Prometheus).filter(is_real).flat_map(|it| it.tree.documents());
    trees.filter(move |it| form(*it) == Some(wanted))
}

/// The objects of a kind that operators read.
fn objects<'a>(repository: &'a Repository<'a>, kind: &'a str) -> impl Iterator<Item = Node<'a>> {
    let trees = repository.of(Kind::Kubernetes).flat_map(|it| it.tree.documents());
    trees.filter(move |it| it.str("kind") == Some(kind))
}

fn written_alerts<'a>(repository: &'a Repository<'a>) -> impl Iterator<Item = Node<'a>> {
    let files = documents(repository, Form::Rules).filter_map(|it| it.get("groups"));
    let crds = objects(repository, "PrometheusRule").filter_map(|it| it.at(&["spec", "groups"]));
    let rules = files.chain(crds).flat_map(Node::children).flat_map(group_rules);
    rules.filter(|it| it.get("alert").is_some())
}

fn alerts<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for rule in written_alerts(repository) {
        let expr = rule.str("expr").unwrap_or("");
        let about = metric::of(expr);
        let threshold = about.and_then(|it| metric::threshold(it, expr));
        let value = record([
            ("name", Value::maybe(rule.get("alert"))),
            ("expr", Value::Str(expr)),
            ("for", Value::maybe(rule.get("for"))),
            ("labels", Value::maybe(rule.get("labels"))),
            ("annotations", Value::maybe(rule.get("annotations"))),
            ("metric", Value::Str(about.unwrap_or(""))),
            ("threshold", threshold.map_or(Value::Null, Value::Float)),
        ]);
        let at = rule.get("alert").unwrap_or(rule);
        emit(Subject { values: vec![value], at, object: None });
    }
}

fn key_metrics<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let expr = |rule: Node<'a>| rule.str("expr").unwrap_or("");
    let about = |rule| metric::of(expr(rule)).map(|it| (it, rule));
    let known: Vec<_> = written_alerts(repository).filter_map(about).collect();
    for wanted in metric::ALL {
        let mut tightest: Option<(f64, Node<'a>)> = None;
        let mut count = 0;
        for &(_, rule) in known.iter().filter(|it| it.0 == wanted) {
            count += 1;
            if let Some(value) = metric::threshold(wanted, expr(rule))
                && tightest.is_none_or(|it| value < it.0)
            {
                tightest = Some((value, rule));
            }
        }
        let Some((threshold, rule)) = tightest else { continue };
        let at = rule.get("alert").unwrap_or(rule);
        let value = record([
            ("metric", Value::Str(wanted)),
            ("threshold", Value::Float(threshold)),
            ("alert", Value::Node(at)),
            ("alerts", Value::Int(count)),
        ]);
        emit(Subject { values: vec![value], at, object: None });
    }
}

fn objectives<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let sloth = documents(repository, Form::Objectives).filter_map(|it| it.get("slos"));
    let crds =
        objects(repository, "PrometheusServiceLevel").filter_map(|it| it.at(&["spec", "slos"]));
    let mut found: Vec<(Node<'a>, Option<f64>)> = Vec::new();
    for slo in sloth.chain(crds).flat_map(Node::children) {
        found.push((slo, slo.get("objective").and_then(Node::as_float).map(|it| it / 100.0)));
    }
    for object in objects(repository, "SLO") {
        let list = object.at(&["spec", "objectives"]).and_then(|it| it.item(0));
        let share = list.and_then(|it| it.get("target")).and_then(Node::as_float);
        let percent = list.and_then(|it| it.get("targetPercent")).and_then(Node::as_float);
        found.push((object, share.or(percent.map(|it| it / 100.0))));
    }
    for object in objects(repository, "ServiceLevelObjective") {
        let target = object.at(&["spec", "target"]);
        let text = target.and_then(Node::as_str).and_then(|it| it.parse::<f64>().ok());
        let target = text.or(target.and_then(Node::as_float)).map(|it| it / 100.0);
        found.push((object, target));
    }
    for (node, target) in found {
        let name = node.get("name").or_else(|| node.at(&["metadata", "name"]));
        let value = record([
            ("name", Value::maybe(name)),
            ("target", target.map_or(Value::Null, Value::Float)),
        ]);
        emit(Subject { values: vec![value], at: name.unwrap_or(node), object: None });
    }
}

fn receivers<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for root in documents(repository, Form::Receivers) {
        let list = root.get("receivers").into_iter().flat_map(Node::children);
        let mut kinds: Vec<&str> = list
            .flat_map(Node::entries)
            .filter(|it| !it.1.is_empty())
            .filter_map(|it| it.0.strip_suffix("_configs"))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let route = root.get("route");
        let value = record([
            ("kinds", Value::list(kinds.into_iter().map(Value::Str))),
            (
                "routes",
                Value::Int(route.and_then(|it| it.get("routes")).map_or(0, Node::len) as i64),
            ),
            ("grouped", Value::Bool(route.is_some_and(|it| it.get("group_by").is_some()))),
            ("inhibits", Value::Bool(root.get("inhibit_rules").is_some_and(|it| !it.is_empty()))),
            ("raw", Value::Node(root)),
        ]);
        let at = route.unwrap_or(root);
        emit(Subject { values: vec![value], at, object: None });
    }
}

fn scrapes<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let jobs = documents(repository, Form::Scrapes).filter_map(|it| it.get("scrape_configs"));
    for job in jobs.flat_map(Node::children) {
        let name = job.get("job_name");
        let value = record([("job", Value::maybe(name)), ("raw", Value::Node(job))]);
        emit(Subject { values: vec![value], at: name.unwrap_or(job), object: None });
    }
}

fn dashboards<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for root in documents(repository, Form::Dashboard) {
        let panels = root.get("panels").map_or(0, Node::len) as i64;
        let value =
            record([("title", Value::maybe(root.get("title"))), ("panels", Value::Int(panels))]);
        emit(Subject { values: vec![value], at: root.get("title").unwrap_or(root), object: None });
    }
}

fn running<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let mut found: Vec<(Node<'a>, &'a str)> = Vec::new();
    for workload in repository.objects.of(Class::Workload) {
        found.extend(images(workload).filter_map(|it| Some((it.0.get("image")?, workload.kind))));
    }
    let files = repository.of(Kind::Compose).filter_map(compose::project);
    for file in files.filter(|it| it.str("purpose") != Some("development")) {
        let services = file.get("services").into_iter().flat_map(Node::children);
        found.extend(services.filter_map(|it| Some((it.at(&["image", "text"])?, "compose"))));
    }
    for (node, kind) in found {
        let image = Image::parse(node.text());
        let value = record([
            ("text", Value::Node(node)),
            ("name", Value::text(&*image.name)),
            ("short", Value::text(image.short())),
            ("tag", Value::text(&*image.tag)),
            ("kind", Value::Str(kind)),
        ]);
        emit(Subject { values: vec![value], at: node, object: None });
    }
}
