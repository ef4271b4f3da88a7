//! The tree that views walk, appended to what is written.

use super::model::{Command, Event, Image, Job, Pipeline, Step, Text};
use crate::{
    document::{Id, Key, Tree},
    source::Span,
};

/// Appends the pipeline; the root of what was appended.
pub(super) fn append(tree: &mut Tree, it: &Pipeline) -> Id {
    let place = it.place;
    let root = tree.open_map(Key::None, place);
    let path = tree.source.path.clone();
    text(tree, "path", &path, place);
    text(tree, "system", it.system.name(), place);
    text(tree, "name", &it.name, place);
    flag(tree, "on_change", it.on_change, place);
    flag(tree, "open", it.open, place);
    list(tree, "events", place, &it.events, event);
    link(tree, "permissions", it.permissions, place);
    link(tree, "raw", Some(it.raw), place);
    list(tree, "jobs", place, &it.jobs, job);
    tree.close(root);
    root
}

fn event(tree: &mut Tree, it: &Event) {
    let place = it.name.place;
    let map = tree.open_map(Key::None, place);
    written(tree, "name", Some(&it.name), place);
    texts(tree, "branches", &it.branches, place);
    texts(tree, "tags", &it.tags, place);
    link(tree, "paths", it.paths, place);
    link(tree, "raw", it.raw, place);
    tree.close(map);
}

fn job(tree: &mut Tree, it: &Job) {
    let place = it.id.place;
    let map = tree.open_map(Key::None, place);
    written(tree, "id", Some(&it.id), place);
    text(tree, "name", &it.name, place);
    text(tree, "stage", &it.stage, place);
    list(tree, "needs", place, &it.needs, |tree, it| {
        tree.text(Key::None, &it.text, it.place);
    });
    written(tree, "if", it.condition.as_ref(), place);
    flag(tree, "never", it.never, place);
    flag(tree, "always", it.always, place);
    flag(tree, "on_change", it.on_change, place);
    flag(tree, "tolerated", it.tolerated.is_some(), it.tolerated.unwrap_or(place));
    flag(tree, "manual", it.manual, place);
    written(tree, "environment", it.environment.as_ref(), place);
    text(tree, "runs_on", &it.runs_on, place);
    written(tree, "calls", it.calls.as_ref(), place);
    link(tree, "permissions", it.permissions, place);
    written(tree, "image", it.image.as_ref(), place);
    list(tree, "services", place, &it.services, image);
    link(tree, "raw", Some(it.raw), place);
    list(tree, "steps", place, &it.steps, step);
    tree.close(map);
}

fn image(tree: &mut Tree, it: &Image) {
    let map = tree.open_map(Key::None, it.image.place);
    text(tree, "name", &it.name, it.image.place);
    written(tree, "image", Some(&it.image), it.image.place);
    tree.close(map);
}

fn step(tree: &mut Tree, it: &Step) {
    let place = it.place;
    let map = tree.open_map(Key::None, place);
    text(tree, "id", &it.id, place);
    text(tree, "name", &it.name, place);
    match &it.uses {
        Some(it) => uses(tree, it),
        None => {
            tree.null(Key::Field("uses"), place);
        }
    }
    written(tree, "if", it.condition.as_ref(), place);
    flag(tree, "never", it.never, place);
    flag(tree, "always", it.always, place);
    flag(tree, "tolerated", it.tolerated.is_some(), it.tolerated.unwrap_or(place));
    written(tree, "script", it.script.as_ref(), place);
    flag(tree, "foreign", it.foreign, place);
    text(tree, "role", it.role, place);
    written(tree, "toothless", it.toothless.as_ref(), place);
    flag(tree, "consumed", it.consumed, place);
    link(tree, "raw", Some(it.raw), place);
    list(tree, "commands", place, &it.commands, command);
    tree.close(map);
}

/// The parts of `owner/name/path@ref`, `./path` and `docker://image`.
fn uses(tree: &mut Tree, it: &Text) {
    let (kind, rest) = match it.text.strip_prefix("docker://") {
        Some(image) => ("image", image),
        None if it.text.starts_with('.') => ("local", it.text.as_str()),
        None => ("action", it.text.as_str()),
    };
    let (name, reference) = match kind {
        "action" => rest.split_once('@').unwrap_or((rest, "")),
        _ => (rest, ""),
    };
    let mut parts = name.splitn(3, '/');
    let owner = parts.next().filter(|_| kind == "action").unwrap_or("");
    let repository = parts.next().filter(|_| kind == "action").unwrap_or("");
    let is_hash = reference.len() >= 40 && reference.bytes().all(|it| it.is_ascii_hexdigit());
    let map = tree.open_map(Key::Field("uses"), it.place);
    text(tree, "text", &it.text, it.place);
    text(tree, "kind", kind, it.place);
    text(tree, "name", name, it.place);
    text(tree, "owner", owner, it.place);
    text(tree, "repository", repository, it.place);
    text(tree, "ref", reference, it.place);
    flag(tree, "hash", is_hash, it.place);
    tree.close(map);
}

fn command(tree: &mut Tree, it: &Command) {
    let place = it.place;
    let map = tree.open_map(Key::None, place);
    text(tree, "text", &it.text, place);
    text(tree, "name", &it.name, place);
    texts(tree, "words", &it.words, place);
    optional(tree, "folder", it.folder.as_deref(), place);
    optional(tree, "hidden", it.hidden.as_deref(), place);
    flag(tree, "idle", it.idle, place);
    text(tree, "role", it.role, place);
    text(tree, "toothless", &it.toothless, place);
    flag(tree, "consumed", it.consumed, place);
    if let Some(goals) = &it.goals {
        texts(tree, "goals", goals, place);
    }
    tree.close(map);
}

// ---- small parts

fn text(tree: &mut Tree, key: &str, value: &str, place: Span) {
    tree.text(Key::Text(key), value, place);
}

fn optional(tree: &mut Tree, key: &str, value: Option<&str>, place: Span) {
    match value {
        Some(value) => tree.text(Key::Text(key), value, place),
        None => tree.null(Key::Text(key), place),
    };
}

fn written(tree: &mut Tree, key: &str, value: Option<&Text>, place: Span) {
    optional(tree, key, value.map(|it| it.text.as_str()), value.map_or(place, |it| it.place));
}

fn flag(tree: &mut Tree, key: &str, value: bool, place: Span) {
    tree.bool(Key::Text(key), value, place);
}

fn link(tree: &mut Tree, key: &str, target: Option<Id>, place: Span) {
    match target {
        Some(target) => tree.alias(Key::Text(key), target),
        None => tree.null(Key::Text(key), place),
    };
}

fn texts(tree: &mut Tree, key: &str, values: &[String], place: Span) {
    list(tree, key, place, values, |tree, it| {
        tree.text(Key::None, it, place);
    });
}

fn list<T>(tree: &mut Tree, key: &str, place: Span, items: &[T], add: impl Fn(&mut Tree, &T)) {
    let seq = tree.open_seq(Key::Text(key), place);
    for item in items {
        add(tree, item);
    }
    tree.close_with(seq, items.len() as u32);
}
