//! The image builds that the repository names: which Dockerfile, with which context, up to which
//! stage, under which names. From Makefiles, Compose files and skaffold; never a guess.

use std::collections::{BTreeMap, HashMap};

use super::task;
use crate::{
    artifact::Artifact,
    document::Node,
    parse,
    source::{Source, resolve},
};

/// A build that somebody wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Build {
    /// The path of its Dockerfile.
    pub(super) dockerfile: String,
    /// The folder that it copies from.
    pub(super) context: String,
    /// The stage it stops at, if it names one.
    pub(super) target: Option<String>,
    /// The names of the image, without tags.
    pub(super) images: Vec<String>,
}

/// What `docker build` is asked for, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Command<'a> {
    /// `--file`.
    pub(super) file: Option<&'a str>,
    /// `--target`.
    pub(super) target: Option<&'a str>,
    /// The folder it copies from.
    pub(super) context: Option<&'a str>,
    tags: Vec<&'a str>,
}

/// Whether a text holds a part that is not known.
pub(super) fn is_unknown(text: &str) -> bool {
    text.contains(['$', '`', '*', '?', '<', '{', '~']) || text.contains("://")
}

/// The name of an image without its tag and digest.
pub(super) fn image_name(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    name[last..].find(':').map_or(name, |at| &name[..last + at])
}

/// Reads a `docker build`, `docker buildx build` or `podman build`; nothing for anything else.
pub(super) fn docker_build<'a>(words: &[&'a str]) -> Option<Command<'a>> {
    let (first, rest) = words.split_first()?;
    let program = first.rsplit('/').next().unwrap_or(first);
    if !matches!(program, "docker" | "podman" | "nerdctl") {
        return None;
    }
    let rest = match rest {
        ["buildx" | "image", "build", rest @ ..] | ["build", rest @ ..] => rest,
        _ => return None,
    };
    let mut it = Command::default();
    let mut words = rest.iter().copied();
    while let Some(word) = words.next() {
        let (flag, value) = word.split_once('=').map_or((word, None), |it| (it.0, Some(it.1)));
        let mut value = || value.or_else(|| words.next());
        match flag {
            "-f" | "--file" => it.file = value(),
            "--target" => it.target = value(),
            "-t" | "--tag" => it.tags.extend(value()),
            _ if flag.starts_with("--") && !SWITCHES.contains(&flag) => {
                value();
            }
            _ if flag.starts_with('-') && flag != "-" => {}
            _ => it.context = Some(word),
        }
    }
    Some(it)
}

/// Long flags of `docker build` without a value.
const SWITCHES: &[&str] = &[
    "--check",
    "--compress",
    "--debug",
    "--disable-content-trust",
    "--force-rm",
    "--load",
    "--no-cache",
    "--pull",
    "--push",
    "--quiet",
    "--rm",
    "--squash",
];

impl Command<'_> {
    /// The path of the Dockerfile, if it is known; `folder` is where the command runs.
    pub(super) fn dockerfile(&self, folder: &str) -> Option<String> {
        match self.file {
            Some(file) if !is_unknown(file) && file != "-" => resolve(folder, file),
            Some(_) => None,
            None => resolve(&self.folder(folder)?, "Dockerfile"),
        }
    }

    fn folder(&self, folder: &str) -> Option<String> {
        let context = self.context.filter(|it| !is_unknown(it) && *it != "-")?;
        (!context.starts_with('/')).then(|| resolve(folder, context)).flatten()
    }
}

/// The words of a command.
pub(super) fn words(command: Node<'_>) -> Vec<&str> {
    command.get("words").into_iter().flat_map(Node::children).map(Node::text).collect()
}

/// Every build that the repository names.
pub(super) fn builds(artifacts: &[Artifact], texts: &BTreeMap<String, Source>) -> Vec<Build> {
    let mut found = Vec::new();
    for [.., command] in task::commands(artifacts) {
        let words = words(command);
        let (Some(build), Some(folder)) = (docker_build(&words), command.str("folder")) else {
            continue;
        };
        if let (Some(dockerfile), Some(context)) = (build.dockerfile(folder), build.folder(folder))
        {
            let target = build.target.filter(|it| !is_unknown(it)).map(str::to_owned);
            let names = build.tags.iter().map(|it| image_name(it)).filter(|it| !is_unknown(it));
            let images = names.map(str::to_owned).collect();
            found.push(Build { dockerfile, context, target, images });
        }
    }
    for (path, source) in texts {
        let name = source.name();
        if name.starts_with("docker-compose") || name.starts_with("compose") {
            of_compose(path, source, &mut found);
        }
        if name.starts_with("skaffold") {
            of_skaffold(path, source, &mut found);
        }
    }
    found
}

fn read(path: &str, source: &Source) -> crate::document::Tree {
    parse::yaml::parse(Source::new(path, source.text.as_str())).0
}

fn of_compose(path: &str, source: &Source, found: &mut Vec<Build>) {
    let tree = read(path, source);
    let Some(root) = tree.documents().next() else { return };
    for (_, service) in root.get("services").into_iter().flat_map(Node::entries) {
        let Some(build) = service.get("build") else { continue };
        let context = build.as_str().or_else(|| build.str("context")).unwrap_or(".");
        let file = build.str("dockerfile").unwrap_or("Dockerfile");
        let image = service.str("image").map(image_name).filter(|it| !is_unknown(it));
        let target = build.str("target").filter(|it| !is_unknown(it));
        push(source.folder(), context, file, target, image, found);
    }
}

fn of_skaffold(path: &str, source: &Source, found: &mut Vec<Build>) {
    let tree = read(path, source);
    for root in tree.documents() {
        for it in root.at(&["build", "artifacts"]).into_iter().flat_map(Node::children) {
            let docker = it.get("docker");
            let others = ["jib", "ko", "buildpacks", "bazel", "custom"];
            if others.iter().any(|key| it.get(key).is_some()) {
                continue;
            }
            let context = it.str("context").unwrap_or(".");
            let file = docker.and_then(|it| it.str("dockerfile")).unwrap_or("Dockerfile");
            let target = docker.and_then(|it| it.str("target"));
            push(source.folder(), context, file, target, it.str("image"), found);
        }
    }
}

fn push(
    folder: &str,
    context: &str,
    file: &str,
    target: Option<&str>,
    image: Option<&str>,
    found: &mut Vec<Build>,
) {
    if is_unknown(context) || is_unknown(file) || context.starts_with('/') {
        return;
    }
    let Some(context) = resolve(folder, context) else { return };
    let Some(dockerfile) = resolve(&context, file) else { return };
    let images = image.map(str::to_owned).into_iter().collect();
    found.push(Build { dockerfile, context, target: target.map(str::to_owned), images });
}

/// Builds by the name of their image; a name that two Dockerfiles have is not there.
pub(super) fn by_image(builds: &[Build]) -> HashMap<String, Build> {
    let mut found: HashMap<&str, Option<&Build>> = HashMap::new();
    for build in builds {
        for image in &build.images {
            let entry = found.entry(image).or_insert(Some(build));
            let same = entry
                .is_some_and(|it| it.dockerfile == build.dockerfile && it.target == build.target);
            if !same {
                *entry = None;
            }
        }
    }
    found.into_iter().filter_map(|(name, build)| Some((name.to_owned(), build?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_command_is_read_with_its_flags() {
        let words = ["docker", "build", "--no-cache", "-t", "r.io:5000/a:1", "--build-arg", "X=1"];
        let words: Vec<_> =
            words.into_iter().chain(["--target=prod", "-f", "d/File", "."]).collect();
        let it = docker_build(&words).expect("a build");
        assert_eq!((it.target, it.context, it.file), (Some("prod"), Some("."), Some("d/File")));
        assert_eq!(it.tags.iter().map(|it| image_name(it)).collect::<Vec<_>>(), ["r.io:5000/a"]);
        assert_eq!(it.dockerfile("x").as_deref(), Some("x/d/File"));
        assert!(docker_build(&["docker", "run", "x"]).is_none());
    }
}
