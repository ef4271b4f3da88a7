//! The images that stages are built from, with those that the repository builds itself.

use std::collections::HashSet;

use super::{Repository, builds, image::facts};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, dockerfile::STAGE},
    document::{Node, list},
    value::Value,
};

/// One subject for each stage.
pub(super) const VIEW: View = View {
    name: "dockerfile.base_image",
    kind: Kind::Dockerfile,
    means: "the image that each stage is built from",
    vars: &[
        Field { name: "it", shape: Shape::Record(STAGE), means: "the stage" },
        Field {
            name: "is_own",
            shape: Shape::Bool,
            means: "a build of the repository makes the image, or gives a context that name",
        },
    ],
    select: Select::Repository(select),
};

/// How many images are looked for in the texts of Makefiles and pipelines.
const MOST_SEARCHES: usize = 50;

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let builds = &repository.builds;
    let made: HashSet<&str> = builds.iter().flat_map(|it| &it.images).map(String::as_str).collect();
    let mut searches = 0;
    for artifact in repository.of(Kind::Dockerfile) {
        let given: HashSet<&str> = repository
            .builds_of(artifact)
            .flat_map(|it| &it.contexts)
            .map(String::as_str)
            .collect();
        for stage in facts(artifact).into_iter().flat_map(|it| list(it, "stages")) {
            let image = stage.str("resolved").unwrap_or_default();
            let is_own = made.contains(builds::image_name(image))
                || given.contains(image)
                || is_bare(stage, image) && {
                    searches += 1;
                    searches <= MOST_SEARCHES && is_tagged(repository, image)
                };
            emit(Subject {
                values: vec![Value::Node(stage), Value::Bool(is_own)],
                at: stage,
                object: None,
            });
        }
    }
}

/// Whether a stage is built from an image that has only a name, and is no other stage.
fn is_bare(stage: Node<'_>, image: &str) -> bool {
    let is = |key: &str| stage.get(key).and_then(Node::as_bool) == Some(true);
    !is("is_stage") && !is("is_scratch") && !image.is_empty() && !image.contains(['/', ':', '$'])
}

/// Whether a Makefile or a pipeline gives an image of this bare name somewhere, also where it is not
/// known whether that part of it runs.
fn is_tagged(repository: &Repository<'_>, image: &str) -> bool {
    let tags = [format!("-t {image} "), format!("--tag {image} "), format!("--tag={image} ")];
    let mut makers =
        repository.artifacts.iter().filter(|it| matches!(it.kind, Kind::Makefile | Kind::Workflow));
    makers.any(|it| tags.iter().any(|tag| it.tree.source.text.contains(tag)))
}
