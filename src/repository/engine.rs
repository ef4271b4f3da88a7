//! The versions of databases and caches: what tests and developers run, against what is deployed.

use super::{Repository, image::images, objects::Class, record};
use crate::{
    artifact::{
        Emit, Field, Kind, Select, Shape, Subject, View, compose, terraform, workflow::pipeline,
    },
    document::{Node, list},
    parse::image::Image,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "engine", shape: Shape::Text, means: "`postgres`, `mysql`, `redis`, …" },
    Field { name: "version", shape: Shape::Text, means: "the major version that runs here" },
    Field { name: "where", shape: Shape::Text, means: "`pipeline` or `compose`" },
    Field { name: "deployed", shape: Shape::Text, means: "the major version that is deployed" },
    Field { name: "file", shape: Shape::Text, means: "the file that deploys it" },
];

/// One subject for each place that runs an engine whose one deployed version is known.
pub(super) const VIEW: View = View {
    name: "repository.engine_version",
    kind: Kind::Repository,
    means: "a database or a cache that a pipeline or a Compose file for developers runs, where the repository also says which version is deployed",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the engine" }],
    select: Select::Repository(select),
};

const ENGINES: &[&str] =
    &["postgres", "mysql", "mariadb", "redis", "valkey", "mongo", "rabbitmq", "elasticsearch"];

/// An engine at a place, with its major version.
#[derive(Clone, Copy)]
struct Place<'a> {
    engine: &'static str,
    version: &'a str,
    node: Node<'a>,
}

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let composed = |production: bool| {
        let files = repository.of(Kind::Compose).filter_map(compose::project);
        let files = files.filter(move |it| (it.str("purpose") == Some("production")) == production);
        let services = files.flat_map(|it| list(it, "services"));
        services.filter_map(|it| of_image(it.at(&["image", "text"])?))
    };
    let mut deployed: Vec<Place<'a>> = composed(true).collect();
    for workload in repository.objects.of(Class::Workload) {
        deployed.extend(images(workload).filter_map(|it| of_image(it.0.get("image")?)));
    }
    for artifact in repository.of(Kind::Terraform) {
        deployed.extend(terraform::blocks_of(artifact).filter_map(of_block));
    }
    let beside: Vec<Place<'a>> = composed(false).collect();
    let of_pipelines = repository.of(Kind::Workflow).filter_map(pipeline);
    let jobs = of_pipelines.flat_map(|it| list(it, "jobs"));
    let services = jobs.flat_map(|it| list(it, "services"));
    let tested: Vec<Place<'a>> = services.filter_map(|it| of_image(it.get("image")?)).collect();
    for &engine in ENGINES {
        let of = |all: &[Place<'a>]| {
            all.iter().copied().filter(|it| it.engine == engine && is_own(it)).collect::<Vec<_>>()
        };
        let (deployed, beside, tested) = (of(&deployed), of(&beside), of(&tested));
        let (known, looked_at) = match deployed.is_empty() {
            true => (beside, Vec::new()),
            false => (deployed, beside),
        };
        let Some(&first) = known.first() else { continue };
        if known.iter().any(|it| it.version != first.version) {
            continue;
        }
        // Who tests several versions, this one among them, means to.
        let fitting = tested.iter().find(|it| it.version == first.version);
        let tested = fitting.map_or(tested.clone(), |it| vec![*it]);
        let places = looked_at.into_iter().map(|it| ("compose", it));
        for (kind, place) in places.chain(tested.into_iter().map(|it| ("pipeline", it))) {
            let it = record([
                ("engine", Value::Str(engine)),
                ("version", Value::Str(place.version)),
                ("where", Value::Str(kind)),
                ("deployed", Value::Str(first.version)),
                ("file", Value::Str(&first.node.tree().source.path)),
            ]);
            emit(Subject { values: vec![it], at: place.node, object: None });
        }
    }
}

/// Whether the place is about this repository's service: examples and tests have their own.
fn is_own(place: &Place<'_>) -> bool {
    let path = place.node.tree().source.path.to_ascii_lowercase();
    let other = ["example", "test", "fixture", "sample", "template", "demo", "doc", "bench"];
    !path.split('/').any(|part| other.iter().any(|it| part.starts_with(it)))
}

fn of_image(node: Node<'_>) -> Option<Place<'_>> {
    let text = node.as_str()?;
    let image = Image::parse(text);
    let engine = ENGINES.iter().find(|it| **it == image.short())?;
    let tag = text.rsplit('/').next()?.split('@').next()?.split_once(':')?.1;
    major(tag).map(|version| Place { engine, version, node })
}

fn of_block(block: Node<'_>) -> Option<Place<'_>> {
    let body = block.get("body")?;
    let is_database = matches!(
        block.str("type"),
        Some("aws_db_instance" | "aws_rds_cluster" | "aws_elasticache_replication_group")
    );
    let engine = match body.str("engine").filter(|_| is_database)? {
        "postgres" | "aurora-postgresql" => "postgres",
        "mysql" => "mysql",
        "mariadb" => "mariadb",
        "redis" => "redis",
        "valkey" => "valkey",
        _ => return None,
    };
    let node = body.get("engine_version")?;
    major(node.as_str()?).map(|version| Place { engine, version, node })
}

/// The number that a version starts with.
fn major(text: &str) -> Option<&str> {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let rest = &text[end..];
    (end > 0 && (rest.is_empty() || rest.starts_with(['.', '-']))).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::look;

    const CI: &str = "on: push\njobs:\n  a:\n    runs-on: x\n    services:\n      db: {image: 'postgres:15-alpine'}\n      cache: {image: 'redis:${{ matrix.redis }}'}\n    steps: [{run: pytest}]\n";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut all = vec![(".github/workflows/ci.yml", CI)];
        all.extend(files);
        look(&VIEW, &all, &["engine", "version", "where", "deployed", "file"])
    }

    #[test]
    fn pipelines_are_compared_with_the_one_version_that_is_deployed() {
        let compose = "services: {db: {image: 'postgres:17.2'}, cache: {image: 'redis:7'}}\n";
        assert_eq!(found(&[("compose.yml", compose)]), ["postgres 15 pipeline 17 compose.yml"]);
        let terraform = "resource \"aws_db_instance\" \"a\" {\n  engine = \"postgres\"\n  engine_version = \"16.4\"\n}\n";
        let both = [("compose.yml", compose), ("infra/main.tf", terraform)];
        assert_eq!(
            found(&both),
            ["postgres 17 compose 16 infra/main.tf", "postgres 15 pipeline 16 infra/main.tf"]
        );
    }

    #[test]
    fn several_versions_mean_nothing() {
        let other = "services: {db: {image: 'postgres:16'}}\n";
        let compose = "services: {db: {image: 'postgres:17'}}\n";
        assert_eq!(found(&[("a/compose.yml", other), ("b/compose.yml", compose)]), [""; 0]);
        assert_eq!(found(&[("examples/a/compose.yml", other)]), [""; 0]);
    }
}
