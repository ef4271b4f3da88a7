//! Reads pipelines of GitLab CI: enough for the questions that are asked of workflows too.

use super::{
    System,
    github::{strings, text},
    model::{Event, Image, Job, Pipeline, Step, Text},
    script,
};
use crate::{artifact::recipe::Shell, document::Node};

/// Keys at the top that are no jobs.
const RESERVED: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "pages",
    "services",
    "spec",
    "stages",
    "types",
    "variables",
    "workflow",
];

/// How many templates a job may extend, one through the other.
const DEEPEST: usize = 10;

/// Reads the document at `root`.
pub(super) fn read(root: Node<'_>) -> Pipeline {
    let place =
        root.entries().next().map_or(root.span(), |it| it.1.key_span().unwrap_or(root.span()));
    let workflow = root.get("workflow").and_then(|it| it.get("rules"));
    let jobs: Vec<Job> = root
        .entries()
        .filter(|(name, it)| !name.starts_with('.') && !RESERVED.contains(name) && it.is_map())
        .map(|(name, it)| job(root, name, it))
        .filter(|it| !it.steps.is_empty() || it.calls.is_some())
        .collect();
    Pipeline {
        system: System::Gitlab,
        raw: root.id(),
        place,
        name: String::new(),
        events: vec![Event { name: Text { text: "push".into(), place }, ..Event::default() }],
        on_change: workflow.is_none_or(rules_see_changes) && jobs.iter().any(|it| it.on_change),
        permissions: None,
        open: root.get("include").is_some(),
        jobs,
    }
}

/// The value of a key of a job, or of the templates that it extends, or of the defaults.
fn setting<'a>(root: Node<'a>, job: Node<'a>, key: &str) -> Option<Node<'a>> {
    let mut layers = vec![job];
    for _ in 0..DEEPEST {
        let last = *layers.last()?;
        let Some(name) = last.get("extends").and_then(|it| strings(Some(it)).pop()) else { break };
        let Some(next) = root.get(&name) else { break };
        layers.push(next);
    }
    let own = layers.iter().find_map(|it| it.get(key));
    own.or_else(|| root.get("default").and_then(|it| it.get(key))).or_else(|| {
        matches!(key, "image" | "services" | "before_script" | "after_script")
            .then(|| root.get(key))
            .flatten()
    })
}

fn job(root: Node<'_>, name: &str, node: Node<'_>) -> Job {
    let get = |key: &str| setting(root, node, key);
    let place = node.key_span().unwrap_or(node.span());
    let environment = get("environment");
    let environment = environment.and_then(|it| it.get("name")).or(environment);
    let allowed = get("allow_failure").filter(|it| it.as_bool() == Some(true));
    let by_hand = |it: Node<'_>| it.str("when") == Some("manual");
    let rules = get("rules");
    let manual = get("when").is_some_and(|it| it.as_str() == Some("manual"))
        || rules.is_some_and(|it| !it.is_empty() && it.children().all(by_hand));
    let only = strings(get("only").map(|it| it.get("refs").unwrap_or(it)));
    let after = ["main", "master", "tags", "production", "release"];
    let on_change = match rules {
        Some(rules) => rules_see_changes(rules),
        None => only.is_empty() || !only.iter().all(|it| after.contains(&it.as_str())),
    };
    let needs = get("needs").into_iter().flat_map(Node::children);
    let calls = get("trigger").map(|it| Text { text: "trigger".into(), place: it.span() });
    let mut job = Job {
        id: Text { text: name.to_owned(), place },
        raw: node.id(),
        stage: get("stage").and_then(Node::as_str).unwrap_or("test").to_owned(),
        needs: needs.map(|it| text(it.get("job").unwrap_or(it))).collect(),
        never: get("when").is_some_and(|it| it.as_str() == Some("never")),
        on_change: on_change && !manual,
        tolerated: allowed.map(|it| it.key_span().unwrap_or(it.span())),
        manual,
        environment: environment.filter(|it| it.as_str().is_some()).map(text),
        image: get("image")
            .map(|it| it.get("name").unwrap_or(it))
            .filter(|it| it.as_str().is_some())
            .map(text),
        services: get("services").map(services).unwrap_or_default(),
        calls,
        ..Job::default()
    };
    for key in ["before_script", "script"] {
        job.steps.extend(get(key).into_iter().flat_map(|it| steps(it, key)));
    }
    script::note_consumers(&mut job.steps, node, job.tolerated.is_some());
    job
}

fn services(node: Node<'_>) -> Vec<Image> {
    node.children()
        .filter_map(|it| {
            let image = it.get("name").unwrap_or(it);
            image.as_str().map(|name| Image { name: name.to_owned(), image: text(image) })
        })
        .collect()
}

fn steps(script: Node<'_>, name: &str) -> Vec<Step> {
    let lines: Vec<Node<'_>> = match script.as_str() {
        Some(_) => vec![script],
        None => script.children().filter(|it| it.as_str().is_some()).collect(),
    };
    let shell = Shell { stops: true, pipefail: true, ..Shell::default() };
    lines
        .into_iter()
        .map(|it| Step {
            name: name.to_owned(),
            raw: it.id(),
            place: it.span(),
            commands: script::commands(it, shell, Some("")),
            script: Some(text(it)),
            ..Step::default()
        })
        .collect()
}

/// Whether some rule lets the job run before a change is merged. What is not plainly about the
/// default branch or tags may.
fn rules_see_changes(rules: Node<'_>) -> bool {
    rules.children().any(|rule| {
        let condition = rule.str("if").unwrap_or("");
        let after = condition.contains("CI_COMMIT_TAG")
            || condition.contains("CI_DEFAULT_BRANCH") && condition.contains("==")
            || condition.contains("CI_COMMIT_BRANCH ==")
            || condition.contains("\"schedule\"")
            || condition.contains("\"web\"");
        let change = condition.contains("merge_request") || condition.contains("CI_MERGE_REQUEST");
        !matches!(rule.str("when"), Some("never" | "manual")) && (change || !after)
    })
}
