//! The images that stages are built from, with those that the repository builds itself.

use std::collections::HashSet;

use super::{
    Repository, builds,
    image::{facts, list},
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, dockerfile::STAGE},
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

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let builds = &repository.builds;
    let made: HashSet<&str> = builds.iter().flat_map(|it| &it.images).map(String::as_str).collect();
    for artifact in repository.of(Kind::Dockerfile) {
        let given: HashSet<&str> = repository
            .builds_of(artifact)
            .flat_map(|it| &it.contexts)
            .map(String::as_str)
            .collect();
        for stage in facts(artifact).into_iter().flat_map(|it| list(it, "stages")) {
            let image = stage.str("resolved").unwrap_or_default();
            let is_own = made.contains(builds::image_name(image)) || given.contains(image);
            emit(Subject {
                values: vec![Value::Node(stage), Value::Bool(is_own)],
                at: stage,
                object: None,
            });
        }
    }
}
