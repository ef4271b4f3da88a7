//! How long a server takes to end by its own settings, against the time that its pod grants.

use super::{
    Repository, brief, image::shipped, labels::is_template, objects::Class, record, started,
};
use crate::{
    artifact::{
        Emit, Field, Kind, Select, Shape, Subject, View,
        nginx::{args, directives},
    },
    document::{Node, list},
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
    Field {
        name: "said",
        shape: Shape::Text,
        means: "the flag, the variable or the file that says it",
    },
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

/// What the command of a container says, or else that of its image, or a file that it reads.
fn of_command<'a>(repository: &'a Repository<'a>, container: Node<'a>) -> Option<(String, i64)> {
    let words = |key: &str| list(container, key).map(|it| it.text().to_owned());
    let own: Vec<String> = words("command").chain(words("args")).collect();
    let built = container.str("image").and_then(|it| shipped(repository, it));
    let image = built.map(|it| Image {
        of: started::Image::new(repository, it.artifact, it.stage),
        stage: it.stage,
    });
    let commands = if container.get("command").is_some() {
        started::unfolded(own)
    } else if own.is_empty() {
        image.as_ref()?.of.commands()
    } else {
        return None;
    };
    let said = commands.iter().find_map(|it| of_words(it));
    said.or_else(|| {
        let image = image?;
        let variable = |it: Node<'_>| it.str("name") == Some("GUNICORN_CMD_ARGS");
        let is_told = list(container, "env").any(variable) || container.get("envFrom").is_some();
        let of_gunicorn = || {
            let words = commands.iter().find(|it| starts(it, "gunicorn"))?;
            of_gunicorn(repository, &image, words)
        };
        of_gunicorn().filter(|_| !is_told).or_else(|| {
            let is_nginx = commands.is_empty() || commands.iter().any(|it| starts(it, "nginx"));
            is_nginx.then(|| of_nginx(repository, &image)).flatten()
        })
    })
}

/// An image that is built here.
struct Image<'a> {
    of: started::Image<'a>,
    stage: Node<'a>,
}

fn starts(words: &[String], program: &str) -> bool {
    words.first().is_some_and(|it| it.rsplit('/').next() == Some(program))
}

/// What the file says that gunicorn is told to read, or that it reads by itself.
fn of_gunicorn(
    repository: &Repository<'_>,
    image: &Image<'_>,
    words: &[String],
) -> Option<(String, i64)> {
    let named = words.iter().enumerate().find_map(|(at, it)| match it.as_str() {
        "-c" | "--config" => words.get(at + 1).map(String::as_str),
        it => it.strip_prefix("--config="),
    });
    let name = named.unwrap_or("gunicorn.conf.py");
    if name.starts_with("python:") {
        return None;
    }
    let name = name.strip_prefix("file:").unwrap_or(name);
    let file = image
        .of
        .paths(name)
        .into_iter()
        .find_map(|path| repository.of(Kind::Python).find(|it| it.tree.source.path == path))?;
    let source = &file.tree.source;
    let mut set = source.text.lines().enumerate().filter_map(|(at, line)| {
        let value = line.strip_prefix("graceful_timeout")?.trim_start().strip_prefix('=')?;
        Some((at, value.split('#').next().unwrap_or_default().trim()))
    });
    let (at, value) = set.next()?;
    // What is set twice depends on what runs.
    let seconds = value.parse().ok().filter(|_| set.next().is_none())?;
    Some((format!("graceful_timeout in {}:{}", source.path, at + 1), seconds))
}

/// What the configuration says that is copied into an image of nginx. Only SIGQUIT lets requests
/// end.
fn of_nginx(repository: &Repository<'_>, image: &Image<'_>) -> Option<(String, i64)> {
    let base = image.stage.at(&["base", "name"]).map_or("", Node::text);
    let is_official = matches!(base, "nginx" | "library/nginx" | "nginxinc/nginx-unprivileged");
    if !is_official && !image.of.stops_with("SIGQUIT") {
        return None;
    }
    repository.of(Kind::Nginx).filter(|it| image.of.copies(&it.tree.source.path)).find_map(|it| {
        let limit = |it: &Node<'_>| it.str("name") == Some("worker_shutdown_timeout");
        let told = directives(it).find(limit)?;
        let source = &it.tree.source;
        let seconds = duration_of_nginx(args(told).next()?.text())?;
        let line = source.position(told.span().start).line;
        Some((format!("worker_shutdown_timeout in {}:{line}", source.path), seconds))
    })
}

/// A duration of nginx: `45s`, `45`, `1m`, `1m30s`.
fn duration_of_nginx(text: &str) -> Option<i64> {
    let (mut all, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..end].parse().ok()?;
        let unit =
            rest[end..].find(|it: char| it.is_ascii_digit()).map_or(rest.len(), |it| end + it);
        let seconds = match &rest[end..unit] {
            "ms" => number / 1000,
            "" | "s" => number,
            "m" => number.checked_mul(60)?,
            "h" => number.checked_mul(3600)?,
            _ => return None,
        };
        all = all.checked_add(seconds)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(all)
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
    fn files_of_an_image_that_is_built_here_are_read() {
        let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    \
                        metadata: {labels: {app: web}}\n    spec: {containers: [{name: a, image: \
                        r.example.com/shop/web:1}]}\n";
        let of = |dockerfile: &str, path: &str, text: &str| {
            let files = [("Dockerfile", dockerfile), ("k8s/web.yaml", manifest), (path, text)];
            look(&VIEW, &files, &["said", "timeout", "grace"])
        };
        let gunicorn =
            "FROM python:3.13\nWORKDIR /app\nCOPY . .\nCMD [\"gunicorn\", \"app:app\"]\n";
        let said = ["graceful_timeout in gunicorn.conf.py:2 60 30"];
        assert_eq!(of(gunicorn, "gunicorn.conf.py", "x = 1\ngraceful_timeout = 60  # s\n"), said);
        assert!(of(gunicorn, "gunicorn.conf.py", "graceful_timeout = int(X)\n").is_empty());
        assert!(of(gunicorn, "conf/gunicorn.conf.py", "graceful_timeout = 60\n").is_empty());
        let named = gunicorn.replace("\"app:app\"", "\"-c\", \"conf/g.py\", \"app:app\"");
        let said = ["graceful_timeout in conf/g.py:1 45 30"];
        assert_eq!(of(&named, "conf/g.py", "graceful_timeout = 45\n"), said);
        let nginx = "FROM nginx:1.29\nCOPY web/nginx.conf /etc/nginx/nginx.conf\n";
        let text = "worker_shutdown_timeout 1m30s;\nhttp {\n  server { listen 80; }\n}\n";
        let said = ["worker_shutdown_timeout in web/nginx.conf:1 90 30"];
        assert_eq!(of(nginx, "web/nginx.conf", text), said);
        let other = nginx.replace("nginx:1.29", "alpine:3.22");
        assert!(of(&other, "web/nginx.conf", text).is_empty());
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
