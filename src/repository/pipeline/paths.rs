//! The files and folders that workflows of GitHub name, and whether the repository holds them.
//!
//! A path counts only where it means this repository: the job checks it out as it is, and nothing
//! that runs before names the file, because that may have made it.

use regex::Regex;

use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, workflow::pipeline},
    document::{Node, list},
    repository::{Repository, builds::is_unknown, record},
    source::resolve,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field {
        name: "role",
        shape: Shape::Text,
        means: "`folder` (of a step), `filter` (`paths` of an event), `cache` (of `hashFiles`), `workflow` (whose end starts this one), `script`, `requirements` or `compose`",
    },
    Field { name: "path", shape: Shape::Text, means: "the path or the pattern, as written" },
    Field { name: "found", shape: Shape::Bool, means: "the repository holds it" },
    Field { name: "event", shape: Shape::Text, means: "of a filter: the event" },
    Field { name: "only", shape: Shape::Bool, means: "of a filter: no other pattern finds a file" },
];

/// One subject for each path.
pub(in crate::repository) const VIEW: View = View {
    name: "repository.workflow_path",
    kind: Kind::Repository,
    means: "a file or a folder of this repository that a workflow of GitHub names",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "what is named" }],
    select: Select::Repository(select),
};

fn select<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for artifact in repository.of(Kind::Workflow) {
        let Some(workflow) = pipeline(artifact).filter(|it| it.str("system") == Some("github"))
        else {
            continue;
        };
        filters(repository, workflow, emit);
        followed(repository, workflow, emit);
        for job in list(workflow, "jobs") {
            Reader { repository, before: String::new() }.job(job, emit);
        }
    }
}

fn subject<'a>(
    role: &'static str,
    path: &'a str,
    found: bool,
    (event, only): (&'a str, bool),
    at: Node<'a>,
) -> Subject<'a> {
    let it = record([
        ("role", Value::Str(role)),
        ("path", Value::Str(path)),
        ("found", Value::Bool(found)),
        ("event", Value::Str(event)),
        ("only", Value::Bool(only)),
    ]);
    Subject { values: vec![it], at, object: None }
}

/// The patterns of `paths` that are no exceptions.
fn filters<'a>(repository: &'a Repository<'a>, workflow: Node<'a>, emit: Emit<'_, 'a>) {
    for event in list(workflow, "events") {
        let patterns = event.get("raw").and_then(|it| it.get("paths"));
        let patterns: Vec<_> = patterns
            .into_iter()
            .flat_map(Node::children)
            .filter(|it| it.as_str().is_some_and(|it| !it.starts_with('!') && !it.contains("${{")))
            .take(200)
            .map(|it| (it, is_matched(repository, it.text())))
            .collect();
        let only = patterns.iter().all(|it| !it.1);
        for &(it, found) in &patterns {
            let about = (event.str("name").unwrap_or(""), only);
            emit(subject("filter", it.text(), found, about, it));
        }
    }
}

/// The workflows whose end starts this one.
fn followed<'a>(repository: &'a Repository<'a>, workflow: Node<'a>, emit: Emit<'_, 'a>) {
    let waits = |it: &Node<'a>| it.str("name") == Some("workflow_run");
    let names = list(workflow, "events").filter(waits).filter_map(|it| it.get("raw"));
    for it in names.filter_map(|it| it.get("workflows")).flat_map(Node::children) {
        let named = |other: Node<'a>| match other.str("name").unwrap_or("") {
            "" => other.str("path") == Some(it.text()),
            name => name == it.text(),
        };
        let mut all = repository.of(Kind::Workflow).filter_map(pipeline);
        let found = all.any(named) || it.text().contains(['$', '*']);
        emit(subject("workflow", it.text(), found, ("workflow_run", false), it));
    }
}

/// Whether a pattern of GitHub finds a file of the repository; in doubt it does.
fn is_matched(repository: &Repository<'_>, pattern: &str) -> bool {
    let plain = pattern.trim_start_matches("./").trim_end_matches('/');
    if !plain.contains(['*', '?', '+', '[', '\\']) {
        return repository.has_file(plain)
            || repository.has_folder(plain)
            || in_module(repository, plain);
    }
    let Some(regex) = expression(plain) else { return true };
    let start = plain.split(['*', '?', '+', '[', '\\']).next().unwrap_or("");
    let from = repository.files.partition_point(|it| it.as_str() < start);
    let mut near = repository.files[from..].iter().take_while(|it| it.starts_with(start));
    near.any(|it| regex.is_match(it)) || in_module(repository, plain)
}

/// Whether a path leads into another repository that is a part of this one.
fn in_module(repository: &Repository<'_>, path: &str) -> bool {
    let modules = repository.texts.get(".gitmodules");
    modules.is_some_and(|it| {
        let paths = it.text.lines().filter_map(|it| it.trim().strip_prefix("path"));
        let paths = paths.filter_map(|it| it.trim_start().strip_prefix('='));
        paths.map(str::trim).any(|it| path.starts_with(it) || it.starts_with(path))
    })
}

/// The pattern as a regular expression: `*` stays in a folder, `**` does not.
fn expression(pattern: &str) -> Option<Regex> {
    let mut text = String::from("^");
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (piece, length) = match first {
            '*' if rest.starts_with("**/") => ("(.*/)?".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' | '+' | '[' | ']' => (first.to_string(), 1),
            _ => (regex::escape(&first.to_string()), first.len_utf8()),
        };
        text += &piece;
        rest = &rest[length..];
    }
    text.push('$');
    Regex::new(&text).ok()
}

/// Reads the steps of a job, one after the other.
struct Reader<'a> {
    repository: &'a Repository<'a>,
    /// What has run, as text.
    before: String,
}

/// Actions that leave the files of the repository as they are.
const HARMLESS: &[&str] = &[
    "actions/checkout",
    "actions/setup-",
    "actions/cache",
    "actions/upload-artifact",
    "astral-sh/setup-uv",
    "docker/",
    "pnpm/action-setup",
    "snok/install-poetry",
    "abatilo/actions-poetry",
    "dtolnay/rust-toolchain",
    "swatinem/rust-cache",
    "aws-actions/configure-",
    "google-github-actions/auth",
    "azure/login",
    "hashicorp/setup-",
    "helm/kind-action",
    "golangci/",
    "step-security/harden-runner",
];

impl<'a> Reader<'a> {
    fn job(mut self, job: Node<'a>, emit: Emit<'_, 'a>) {
        let mut here = false;
        for step in list(job, "steps") {
            let raw = step.get("raw");
            let uses = step.at(&["uses", "name"]).map_or("", Node::text);
            if uses == "actions/checkout" {
                let with = raw.and_then(|it| it.get("with"));
                let other = ["path", "repository", "ref", "sparse-checkout"];
                here = with.is_none_or(|it| other.iter().all(|key| it.get(key).is_none()));
                if !here {
                    return;
                }
                continue;
            }
            let name = uses.to_ascii_lowercase();
            if !name.is_empty() && !HARMLESS.iter().any(|it| name.starts_with(it)) {
                // It may have made any file.
                return;
            }
            if here {
                raw.into_iter().for_each(|it| self.caches(it, emit));
                self.step(step, raw, emit);
            }
            self.before += step.str("script").unwrap_or("");
            if self.before.len() > 1 << 20
                || step.get("foreign").and_then(Node::as_bool) == Some(true)
            {
                return;
            }
        }
    }

    /// The files by which caches are named.
    fn caches(&self, raw: Node<'a>, emit: Emit<'_, 'a>) {
        let with = |key: &str| raw.at(&["with", key]).filter(|it| it.as_str().is_some());
        if let Some(node) = with("key") {
            for call in node.text().split("hashFiles(").skip(1).take(10) {
                let patterns: Vec<&'a str> =
                    call.split(')').next().unwrap_or("").split('\'').skip(1).step_by(2).collect();
                self.cache(&patterns, node, emit);
            }
        }
        if let Some(node) = with("cache-dependency-path") {
            let patterns: Vec<&'a str> =
                node.text().lines().map(str::trim).filter(|it| !it.is_empty()).collect();
            self.cache(&patterns, node, emit);
        }
    }

    fn cache(&self, patterns: &[&'a str], node: Node<'a>, emit: Emit<'_, 'a>) {
        let Some(&first) = patterns.first() else { return };
        let ignored = self.repository.texts.get(".gitignore");
        // What git ignores is made by somebody before.
        let is_made = |it: &&str| {
            let name = it.rsplit('/').next().unwrap_or(it);
            self.is_named(it) || ignored.is_some_and(|it| it.text.contains(name))
        };
        let is_open = |it: &&str| it.starts_with(['/', '~', '!']) || it.contains('$');
        if patterns.iter().any(|it| is_open(it) || is_made(it)) {
            return;
        }
        let found = patterns.iter().any(|it| is_matched(self.repository, it));
        emit(subject("cache", first, found, ("", false), node));
    }

    fn step(&self, step: Node<'a>, raw: Option<Node<'a>>, emit: Emit<'_, 'a>) {
        let folder = raw.and_then(|it| it.get("working-directory"));
        if let Some(node) = folder.filter(|it| it.as_str().is_some_and(|it| !is_unknown(it))) {
            let path = node.text();
            if let Some(inside) = resolve("", path).filter(|_| !path.starts_with(['/', '~'])) {
                let found =
                    self.repository.has_folder(&inside) || in_module(self.repository, &inside);
                if found || !self.is_named(&inside) {
                    emit(subject("folder", path, found, ("", false), node));
                }
                if !found {
                    return;
                }
            }
        }
        // A script that goes somewhere else may mean the files there.
        let away = ["git clone", "gh repo clone", "cd ..", "cd $", "cd \"", "pushd"];
        if step.str("script").is_some_and(|it| away.iter().any(|word| it.contains(word))) {
            return;
        }
        for command in list(step, "commands") {
            self.command(step, command, emit);
        }
    }

    /// Whether something that ran before names a part of a path.
    fn is_named(&self, path: &str) -> bool {
        let mut parts = path.split('/').filter(|it| !matches!(*it, "" | "." | ".." | "*" | "**"));
        parts.any(|it| self.before.contains(it))
    }

    fn command(&self, step: Node<'a>, command: Node<'a>, emit: Emit<'_, 'a>) {
        let Some(folder) = command.str("folder") else { return };
        let words: Vec<&'a str> = list(command, "words").map(Node::text).collect();
        let Some((role, path)) = named(&words) else { return };
        let is_plain = !is_unknown(path) && !path.starts_with(['/', '~']) && !path.contains("://");
        let Some(inside) = resolve(folder, path).filter(|_| is_plain) else { return };
        let found = self.repository.has_file(&inside) || in_module(self.repository, &inside);
        let name = path.rsplit('/').next().unwrap_or(path);
        // The script itself may write the file first.
        let written = step.str("script").is_some_and(|it| it.matches(name).count() > 1);
        if found || !(written || self.is_named(&inside)) {
            emit(subject(role, path, found, ("", false), command));
        }
    }
}

/// The file of the repository that a command names.
fn named<'a>(words: &[&'a str]) -> Option<(&'static str, &'a str)> {
    let (&first, rest) = words.split_first()?;
    let is_script = |it: &str| [".sh", ".bash", ".py"].iter().any(|end| it.ends_with(end));
    let after = |flags: &[&str]| {
        rest.windows(2)
            .find(|it| flags.contains(&it[0]))
            .map(|it| it[1])
            .filter(|it| !it.starts_with('-'))
    };
    match first {
        "bash" | "sh" | "python" | "python3" => {
            let script = rest.first().filter(|it| is_script(it))?;
            Some(("script", script))
        }
        "pip" | "pip3" if rest.contains(&"install") => {
            after(&["-r", "--requirement"]).map(|it| ("requirements", it))
        }
        "uv" if rest.starts_with(&["pip", "install"]) => {
            after(&["-r", "--requirement"]).map(|it| ("requirements", it))
        }
        "docker" if rest.first() == Some(&"compose") => {
            let flags = rest[1..].chunks_exact(2).take_while(|it| it[0].starts_with('-'));
            let mut files = flags.filter(|it| matches!(it[0], "-f" | "--file"));
            files.next().map(|it| ("compose", it[1]))
        }
        "docker-compose" => {
            let flags = rest.chunks_exact(2).take_while(|it| it[0].starts_with('-'));
            let mut files = flags.filter(|it| matches!(it[0], "-f" | "--file"));
            files.next().map(|it| ("compose", it[1]))
        }
        _ if first.starts_with("./") && is_script(first) => Some(("script", first)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::look;

    fn found(workflow: &str, files: &[&str]) -> Vec<String> {
        let mut all = vec![(".github/workflows/ci.yml", workflow)];
        all.extend(files.iter().map(|it| (*it, "")));
        look(&VIEW, &all, &["role", "path", "found", "only"])
    }

    #[test]
    fn patterns_mean_what_they_mean_to_github() {
        let on = "on: {push: {paths: [src/**, '**.go', 'docs/*.md', '!x', app, .github/workflows/ci.yml]}}\njobs: {}\n";
        assert_eq!(
            found(on, &["src/a/b.py", "docs/a/b.md"]),
            [
                "filter src/** true false",
                "filter **.go false false",
                "filter docs/*.md false false",
                "filter app false false",
                "filter .github/workflows/ci.yml true false",
            ]
        );
    }

    #[test]
    fn paths_of_steps_count_where_the_job_has_the_repository_as_it_is() {
        let job = |first: &str, more: &str| {
            format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - {first}\n{more}")
        };
        let more = "      - run: pip install -r dev.txt\n      - run: ./run.sh\n        working-directory: api\n      - run: pytest\n        working-directory: web\n";
        let here = job("uses: actions/checkout@v4", more);
        assert_eq!(
            found(&here, &["api/run.sh"]),
            [
                "requirements dev.txt false false",
                "folder api true false",
                "script ./run.sh true false",
                "folder web false false",
            ]
        );
        let away = job("{uses: actions/checkout@v4, with: {path: web}}", more);
        assert_eq!(found(&away, &[]), [""; 0]);
        let made = job(
            "uses: actions/checkout@v4",
            "      - run: make dev.txt\n      - run: pip install -r dev.txt\n",
        );
        assert_eq!(found(&made, &[]), [""; 0]);
        let gone = job(
            "uses: actions/checkout@v4",
            "      - run: |\n          cd ../other\n          python run.py\n",
        );
        assert_eq!(found(&gone, &[]), [""; 0]);
    }
}
