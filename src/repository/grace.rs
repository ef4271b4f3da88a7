//! How long a server takes to end by its own settings, against the time that its pod grants.

use super::{
    Repository, brief,
    image::{list, shipped},
    labels::is_template,
    objects::Class,
    record, started,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

/// What Kubernetes grants if the pod does not say.
const USUAL: i64 = 30;

/// Servers with the flag that says how long they let requests end.
const SERVERS: &[(&str, &str)] = &[
    ("gunicorn", "--graceful-timeout"),
    ("hypercorn", "--graceful-timeout"),
    ("uvicorn", "--timeout-graceful-shutdown"),
];

/// Variables that say the same: with the flag inside, or as a duration.
const VARIABLES: &[(&str, &str)] = &[
    ("GUNICORN_CMD_ARGS", "--graceful-timeout"),
    ("SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE", ""),
    ("SPRING_LIFECYCLE_TIMEOUTPERSHUTDOWNPHASE", ""),
];

const FIELDS: &[Field] = &[
    Field { name: "said", shape: Shape::Text, means: "the flag or the variable that says it" },
    Field { name: "timeout", shape: Shape::Number, means: "the seconds that the server takes" },
    Field { name: "sleeps", shape: Shape::Number, means: "the seconds that preStop sleeps before" },
    Field { name: "grace", shape: Shape::Number, means: "the seconds that the pod grants" },
    Field { name: "container", shape: Shape::Any, means: "the container" },
    Field { name: "workload", shape: Shape::Any, means: "its workload" },
];

/// One subject for each container whose server names the time that it takes to end.
pub(super) const VIEW: View = View {
    name: "repository.shutdown",
    kind: Kind::Repository,
    means: "a container whose server says how long it lets requests end, with what its pod grants",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the container" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for workload in repository.objects.of(Class::Workload) {
        if repository.objects.is_patched(workload) {
            continue;
        }
        for pod in &workload.pods {
            let granted = pod.spec.get("terminationGracePeriodSeconds");
            let Some(grace) = granted.map_or(Some(USUAL), Node::as_int) else { continue };
            for container in list(pod.spec, "containers") {
                let said = of_variables(container).or_else(|| of_command(repository, container));
                let Some((said, timeout)) = said else { continue };
                emit(Subject {
                    values: vec![record([
                        ("said", Value::text(said)),
                        ("timeout", Value::Int(timeout)),
                        ("sleeps", Value::Int(sleeps(container))),
                        ("grace", Value::Int(grace)),
                        ("container", Value::Node(container)),
                        ("workload", brief(workload)),
                    ])],
                    at: granted.unwrap_or(container),
                    object: Some(workload.identity()),
                });
            }
        }
    }
}

/// What the variables of a container say.
fn of_variables(container: Node<'_>) -> Option<(String, i64)> {
    list(container, "env").find_map(|it| {
        let (name, value) = (it.str("name")?, it.str("value")?);
        let (_, flag) = VARIABLES.iter().find(|it| it.0 == name)?;
        let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        let seconds = if flag.is_empty() { duration(value) } else { flagged(&words, flag) };
        Some((name.to_owned(), seconds?))
    })
}

/// What the command of a container says, or else that of its image.
fn of_command<'a>(repository: &'a Repository<'a>, container: Node<'a>) -> Option<(String, i64)> {
    let words = |key: &str| list(container, key).map(|it| it.text().to_owned());
    let own: Vec<String> = words("command").chain(words("args")).collect();
    let commands = if container.get("command").is_some() {
        started::unfolded(own)
    } else if own.is_empty() {
        let built = shipped(repository, container.str("image")?)?;
        started::Image::new(repository, built.artifact, built.stage).commands()
    } else {
        return None;
    };
    commands.iter().find_map(|it| of_words(it))
}

fn of_words(words: &[String]) -> Option<(String, i64)> {
    let name = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    let at = words.iter().position(|it| SERVERS.iter().any(|server| name(it) == server.0))?;
    // Behind a server of its own a name is an argument: `gunicorn -k uvicorn`.
    let (_, flag) = SERVERS.iter().find(|it| name(&words[at]) == it.0)?;
    Some(((*flag).to_owned(), flagged(&words[at + 1..], flag)?))
}

/// The number behind a flag; nothing where it is a variable or absent.
fn flagged(words: &[String], flag: &str) -> Option<i64> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match word.split_once('=') {
            Some((name, value)) if name == flag => value,
            None if word == flag => words.next()?,
            _ => continue,
        };
        return value.parse().ok();
    }
    None
}

/// A duration of Spring: `45s`, `1m`, `20000` (milliseconds).
fn duration(text: &str) -> Option<i64> {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let number: i64 = text[..end].parse().ok()?;
    match text[end..].trim() {
        "" | "ms" => Some(number / 1000),
        "s" => Some(number),
        "m" => number.checked_mul(60),
        _ => None,
    }
}

/// How long the preStop hook of a container sleeps, where that is certain.
fn sleeps(container: Node<'_>) -> i64 {
    let Some(hook) = container.at(&["lifecycle", "preStop"]) else { return 0 };
    if let Some(seconds) = hook.at(&["sleep", "seconds"]).and_then(Node::as_int) {
        return seconds;
    }
    let command = hook.at(&["exec", "command"]).into_iter().flat_map(Node::children);
    let words: Vec<String> = command.map(|it| it.display()).collect();
    let words = words.join(" ");
    let mut words =
        words.split_whitespace().skip_while(|it| it.rsplit('/').next() != Some("sleep"));
    let seconds = words.nth(1).map(|it| it.trim_end_matches([';', '&', 's']));
    seconds.filter(|it| !is_template(it)).and_then(|it| it.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::look;

    fn found(pod: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  template:\n    \
             metadata: {{labels: {{app: web}}}}\n    spec: {{{pod}}}\n"
        );
        look(&VIEW, &[("k8s/web.yaml", &*text)], &["said", "timeout", "sleeps", "grace"])
    }

    #[test]
    fn flags_variables_and_hooks_are_read() {
        let of = |it: &str| found(&format!("containers: [{{name: a, image: b, {it}}}]"));
        assert_eq!(
            of("command: [gunicorn, --graceful-timeout, '60', app]"),
            ["--graceful-timeout 60 0 30"]
        );
        assert_eq!(
            of(
                "command: [sh, -c, 'exec uvicorn app:app --timeout-graceful-shutdown=20'], lifecycle: \
                {preStop: {exec: {command: [sh, -c, 'sleep 15']}}}"
            ),
            ["--timeout-graceful-shutdown 20 15 30"]
        );
        let variable = "env: [{name: SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE, value: 1m}], lifecycle: \
             {preStop: {sleep: {seconds: 5}}}";
        assert_eq!(of(variable), ["SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE 60 5 30"]);
        assert!(of("command: [gunicorn, --graceful-timeout, $TIMEOUT, app]").is_empty());
        assert!(of("command: [gunicorn, app]").is_empty());
    }
}
