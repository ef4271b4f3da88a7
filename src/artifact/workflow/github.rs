//! Reads workflows and actions of GitHub.

use super::{
    System,
    condition::{Setting, Truth, judge, mixes},
    model::{Event, Image, Job, Pipeline, Step, Text},
    role, script,
};
use crate::{artifact::recipe::Shell, document::Node, source::Span};

/// Reads the document at `root`.
pub(super) fn read(root: Node<'_>, system: System) -> Pipeline {
    let events = root.get("on").or_else(|| root.get("true")).map(events).unwrap_or_default();
    let settings = settings(&events);
    let mut pipeline = Pipeline {
        system,
        raw: root.id(),
        place: first_line(root),
        name: root.str("name").unwrap_or("").to_owned(),
        on_change: settings.iter().any(|it| it.change),
        permissions: root.get("permissions").map(Node::id),
        open: false,
        jobs: Vec::new(),
        events,
    };
    let reader = Reader {
        settings,
        shell: default(root, "shell"),
        folder: default(root, "working-directory"),
    };
    if system == System::Action {
        let runs = root.get("runs").filter(|it| it.str("using") == Some("composite"));
        pipeline.jobs.extend(runs.map(|it| reader.job("", it)));
    } else {
        let jobs = root.get("jobs").into_iter().flat_map(Node::entries);
        pipeline.jobs = jobs.map(|(id, it)| reader.job(id, it)).collect();
    }
    pipeline
}

/// The first line of the document: a whole file has no better place.
fn first_line(root: Node<'_>) -> Span {
    let first = root.entries().next().map(|it| it.1);
    first.map_or(root.span(), |it| it.key_span().unwrap_or(it.span()))
}

/// The value of `defaults.run.<key>`.
fn default(node: Node<'_>, key: &str) -> Option<String> {
    node.at(&["defaults", "run", key]).and_then(Node::as_str).map(str::to_owned)
}

pub(super) fn text(node: Node<'_>) -> Text {
    let text = node.as_str().map_or_else(|| node.display(), str::to_owned);
    Text { text, place: node.span() }
}

fn events(on: Node<'_>) -> Vec<Event> {
    if on.as_str().is_some() {
        return vec![Event { name: text(on), ..Event::default() }];
    }
    if on.is_seq() {
        return on.children().map(|it| Event { name: text(it), ..Event::default() }).collect();
    }
    on.entries()
        .map(|(name, it)| {
            let place = it.key_span().unwrap_or(it.span());
            Event {
                name: Text { text: name.to_owned(), place },
                raw: (!it.is_null()).then(|| it.id()),
                branches: strings(it.get("branches")),
                tags: strings(it.get("tags")),
                paths: it.get("paths").or_else(|| it.get("paths-ignore")).map(Node::id),
            }
        })
        .collect::<Vec<_>>()
}

/// A text, or a list of texts.
pub(super) fn strings(node: Option<Node<'_>>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    match node.as_str() {
        Some(text) => vec![text.to_owned()],
        None => node.children().filter_map(Node::as_str).map(str::to_owned).collect(),
    }
}

/// One way in which the workflow starts.
struct Start {
    setting: Setting,
    /// A change is looked at before it is merged.
    change: bool,
}

/// The most ways that are tried for one workflow.
const MOST_STARTS: usize = 24;

fn settings(events: &[Event]) -> Vec<Start> {
    let mut found = Vec::new();
    for event in events {
        let name = event.name.text.as_str();
        let start = |reference: Option<String>, change| Start {
            setting: Setting {
                event: if name == "workflow_call" { String::new() } else { name.to_owned() },
                reference,
            },
            change,
        };
        match name {
            "pull_request" | "pull_request_target" | "merge_group" => {
                let reference = (name == "pull_request").then(|| "refs/pull/1/merge".to_owned());
                found.push(start(reference, true));
            }
            "push" => {
                let literal = |it: &String| !it.contains(['*', '?', '[', '!', '+', '$']);
                let only_tags = event.branches.is_empty() && !event.tags.is_empty();
                let all = event.branches.is_empty() && !only_tags;
                if all || only_tags || !event.branches.iter().all(literal) {
                    let any = event.branches.iter().any(|it| it == "*" || it == "**");
                    found.push(start(None, all || any));
                } else {
                    let name = |it: &String| Some(format!("refs/heads/{it}"));
                    found.extend(event.branches.iter().map(|it| start(name(it), false)));
                    let tags = (!event.tags.is_empty()).then(|| start(None, false));
                    found.extend(tags);
                }
            }
            _ => found.push(start(None, false)),
        }
    }
    found.truncate(MOST_STARTS);
    found
}

struct Reader {
    settings: Vec<Start>,
    shell: Option<String>,
    folder: Option<String>,
}

/// What comes of a condition.
struct Judged {
    text: Option<Text>,
    never: bool,
    always: bool,
    on_change: bool,
}

impl Reader {
    fn condition(&self, node: Option<Node<'_>>) -> Judged {
        let Some(node) = node.filter(|it| !it.is_null()) else {
            let on_change = self.settings.iter().any(|it| it.change);
            return Judged { text: None, never: false, always: false, on_change };
        };
        let text = text(node);
        let truths: Vec<(Truth, bool)> =
            self.settings.iter().map(|it| (judge(&text.text, &it.setting), it.change)).collect();
        let fixed = judge(&text.text, &Setting::default());
        Judged {
            never: fixed == Truth::Fails
                || !truths.is_empty() && truths.iter().all(|it| it.0 == Truth::Fails),
            always: mixes(&text.text),
            on_change: truths.iter().any(|it| it.1 && it.0 != Truth::Fails),
            text: Some(text),
        }
    }

    fn job(&self, id: &str, node: Node<'_>) -> Job {
        let condition = self.condition(node.get("if"));
        let place = node.key_span().unwrap_or_else(|| first_line(node));
        let shell = default(node, "shell").or_else(|| self.shell.clone());
        let folder = default(node, "working-directory").or_else(|| self.folder.clone());
        let runs_on = node.get("runs-on").map(runner).unwrap_or_default();
        let needs = node.get("needs").map(|it| match it.as_str() {
            Some(_) => vec![text(it)],
            None => it.children().map(text).collect(),
        });
        let environment = node.get("environment");
        let name = environment.and_then(|it| it.get("name")).or(environment);
        let mut job = Job {
            id: Text { text: id.to_owned(), place },
            raw: node.id(),
            name: node.str("name").unwrap_or("").to_owned(),
            needs: needs.unwrap_or_default(),
            never: condition.never,
            always: condition.always,
            on_change: condition.on_change,
            condition: condition.text,
            tolerated: tolerated(node),
            environment: name.filter(|it| it.as_str().is_some()).map(text),
            calls: node.get("uses").filter(|it| it.as_str().is_some()).map(text),
            permissions: node.get("permissions").map(Node::id),
            image: node.get("container").and_then(image),
            services: services(node),
            ..Job::default()
        };
        let around =
            Around { shell, folder, windows: runs_on.to_ascii_lowercase().contains("windows") };
        let steps = node.get("steps").into_iter().flat_map(Node::children);
        job.steps = steps.map(|it| self.step(it, &around)).collect();
        job.runs_on = runs_on;
        script::note_consumers(&mut job.steps, node, job.tolerated.is_some());
        job
    }

    fn step(&self, node: Node<'_>, around: &Around) -> Step {
        let condition = self.condition(node.get("if"));
        let uses = node.get("uses").filter(|it| it.as_str().is_some());
        let run = node.get("run").filter(|it| it.as_str().is_some());
        let at = uses.or(run).map_or(first_line(node), |it| it.key_span().unwrap_or(it.span()));
        let mut step = Step {
            id: node.str("id").unwrap_or("").to_owned(),
            name: node.str("name").unwrap_or("").to_owned(),
            raw: node.id(),
            place: at,
            uses: uses.map(text),
            never: condition.never,
            always: condition.always,
            condition: condition.text,
            tolerated: tolerated(node),
            ..Step::default()
        };
        let with = node.get("with");
        if let Some(uses) = &step.uses {
            let action = uses.text.split('@').next().unwrap_or("");
            step.role = role::of_action(action, with);
            step.toothless = role::toothless_input(action, with).map(|(text, node)| Text {
                text,
                place: node.map_or(at, |it| it.key_span().unwrap_or(it.span())),
            });
        }
        if let Some(run) = run {
            let shell = node.str("shell").or(around.shell.as_deref());
            let folder = node.str("working-directory").or(around.folder.as_deref());
            match bash(shell, around.windows) {
                Some(shell) => {
                    let folder = folder.unwrap_or("");
                    let known = !folder.contains(['$', '~']) && !folder.starts_with('/');
                    step.commands = script::commands(run, shell, known.then_some(folder));
                }
                None => step.foreign = true,
            }
            step.script = Some(text(run));
        }
        step
    }
}

/// What a job tells its steps.
struct Around {
    shell: Option<String>,
    folder: Option<String>,
    windows: bool,
}

/// How the shell behaves, if it is one that we read.
fn bash(shell: Option<&str>, windows: bool) -> Option<Shell> {
    match shell {
        None if windows => None,
        None => Some(Shell { stops: true, ..Shell::default() }),
        Some("bash") => Some(Shell { stops: true, pipefail: true, ..Shell::default() }),
        Some("sh") => Some(Shell { stops: true, ..Shell::default() }),
        Some(it) if it.starts_with("bash") || it.starts_with("sh ") => Some(Shell {
            stops: it
                .split(' ')
                .any(|it| it.starts_with('-') && !it.starts_with("--") && it.contains('e')),
            pipefail: it.contains("pipefail"),
            ..Shell::default()
        }),
        Some(_) => None,
    }
}

fn runner(node: Node<'_>) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let labels = node.get("labels").unwrap_or(node);
            strings(Some(labels)).join(", ")
        }
    }
}

fn tolerated(node: Node<'_>) -> Option<Span> {
    let node = node.get("continue-on-error")?;
    let yes = node.as_bool() == Some(true)
        || node.as_str().is_some_and(|it| matches!(it.trim(), "true" | "${{ true }}"));
    yes.then(|| node.key_span().unwrap_or(node.span()))
}

fn image(node: Node<'_>) -> Option<Text> {
    let image = node.get("image").unwrap_or(node);
    image.as_str().map(|_| text(image))
}

fn services(node: Node<'_>) -> Vec<Image> {
    let services = node.get("services").into_iter().flat_map(Node::entries);
    services
        .filter_map(|(name, it)| Some(Image { name: name.to_owned(), image: image(it)? }))
        .collect()
}
