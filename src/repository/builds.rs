//! The image builds that the repository names: which Dockerfile, with which context, up to which
//! stage, under which names. From Makefiles, pipelines, Compose files, skaffold and Bake; never a
//! guess.

use std::collections::{BTreeMap, HashMap};

use super::task;
use crate::{
    artifact::{Artifact, Kind, compose, workflow},
    document::{Node, Tree, list},
    parse,
    source::{Source, resolve},
};

mod bake;

/// How many folders above a file are looked at.
const MOST_ABOVE: usize = 16;

/// A build that somebody wrote down.
#[derive(Clone, Debug)]
pub(super) struct Build<'a> {
    /// Where: `make`, `workflow`, `compose`, `skaffold` or `bake`.
    pub(super) by: &'static str,
    /// The path of its Dockerfile.
    pub(super) dockerfile: String,
    /// The folder that it copies from.
    pub(super) context: String,
    /// The stage it stops at, if it names one.
    pub(super) target: Option<String>,
    /// The names of the image, without tags.
    pub(super) images: Vec<String>,
    /// The names of the build arguments that it gives itself, and where.
    pub(super) args: Vec<(String, Option<Node<'a>>)>,
    /// The names of the further contexts that it gives: FROM and COPY may use them.
    pub(super) contexts: Vec<String>,
    /// It is for development.
    pub(super) is_aside: bool,
    /// Who runs its image checks its health.
    pub(super) is_checked: bool,
    /// The place, where it is one that people can mend.
    pub(super) at: Option<Node<'a>>,
    /// What it says, where that stands for itself.
    pub(super) places: Places<'a>,
}

/// Where a build names what it is made of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places<'a> {
    /// The Dockerfile.
    pub(super) file: Option<Node<'a>>,
    /// The stage.
    pub(super) target: Option<Node<'a>>,
    /// The context.
    pub(super) context: Option<Node<'a>>,
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
    args: Vec<&'a str>,
    contexts: Vec<&'a str>,
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
            "--build-arg" => it.args.extend(value()),
            "--build-context" => it.contexts.extend(value()),
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

/// The trees of the files that describe builds and nothing else: skaffold's and Bake's.
pub fn described(texts: &BTreeMap<String, Source>) -> Vec<Tree> {
    let read = |source: &Source| match source.name() {
        name if name.starts_with("skaffold") => {
            let source = Source::new(source.path.as_str(), source.text.as_str());
            Some(parse::yaml::parse(source).0)
        }
        name if bake::is_bake(name) => bake::tree(source),
        _ => None,
    };
    texts.values().filter_map(read).collect()
}

/// Every build that the repository of these files (sorted) names.
pub(super) fn builds<'a>(
    artifacts: &'a [Artifact],
    described: &'a [Tree],
    files: &[String],
) -> Vec<Build<'a>> {
    let recipes = task::commands(artifacts).filter_map(|[.., it]| of_command("make", it));
    let mut found: Vec<_> = recipes.collect();
    for artifact in artifacts {
        match artifact.kind {
            Kind::Workflow => of_workflow(artifact, &mut found),
            Kind::Compose => of_compose(artifact, artifacts, &mut found),
            _ => {}
        }
    }
    let roots = Roots { files };
    for tree in described {
        match bake::is_bake(tree.source.name()) {
            true => bake::read(tree, &roots, &mut found),
            false => of_skaffold(tree, &roots, &mut found),
        }
    }
    found
}

/// The folders from which a tool may be called, as the files of the repository tell.
pub(super) struct Roots<'r> {
    /// The paths of all files, sorted.
    pub(super) files: &'r [String],
}

impl Roots<'_> {
    fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
    }

    /// Whether another file of Bake changes what one says.
    fn is_completed(&self, source: &Source) -> bool {
        let names = ["docker-bake.override.hcl", "docker-bake.override.json"];
        names.iter().any(|it| resolve(source.folder(), it).is_some_and(|it| self.has(&it)))
    }
}

fn of_command<'a>(by: &'static str, command: Node<'a>) -> Option<Build<'a>> {
    let words = words(command);
    let build = docker_build(&words)?;
    let folder = command.str("folder")?;
    let names = build.tags.iter().map(|it| image_name(it)).filter(|it| !is_unknown(it));
    let args = build.args.iter().filter_map(|it| argument(it));
    Some(Build {
        by,
        dockerfile: build.dockerfile(folder)?,
        context: build.folder(folder)?,
        target: build.target.map(str::to_owned),
        images: names.map(str::to_owned).collect(),
        args: args.map(|it| (it.to_owned(), None)).collect(),
        contexts: build.contexts.iter().filter_map(|it| argument(it)).map(str::to_owned).collect(),
        is_aside: false,
        is_checked: false,
        at: Some(command),
        places: Places::default(),
    })
}

/// The name of a build argument in `NAME=value`, if it is known.
fn argument(text: &str) -> Option<&str> {
    let name = text.split('=').next().unwrap_or(text).trim();
    (!name.is_empty() && !is_unknown(name)).then_some(name)
}

/// The commands and actions of a pipeline that build images.
fn of_workflow<'a>(artifact: &'a Artifact, found: &mut Vec<Build<'a>>) {
    let Some(pipeline) = workflow::pipeline(artifact) else { return };
    for job in list(pipeline, "jobs") {
        // Another repository, or this one in another folder: nothing lies where it seems.
        let is_elsewhere = list(job, "steps").any(|it| {
            let moves = |key| it.at(&["raw", "with", key]).is_some();
            it.at(&["uses", "name"]).is_some_and(|it| it.text() == "actions/checkout")
                && (moves("path") || moves("repository"))
        });
        for step in list(job, "steps").filter(|_| !is_elsewhere) {
            let commands = list(step, "commands");
            found.extend(commands.filter_map(|it| of_command("workflow", it)));
            if step.at(&["uses", "name"]).is_some_and(|it| it.text() == "docker/build-push-action")
            {
                found.extend(of_action(job, step));
            }
        }
    }
}

/// The images that a step with `docker/metadata-action` names, where `tags` takes them from it.
fn tagged_elsewhere<'a>(job: Node<'a>, tags: &str) -> Option<&'a str> {
    let id = tags.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let id = id.strip_prefix("steps.")?.strip_suffix(".outputs.tags")?;
    let step =
        list(job, "steps").find(|it| it.at(&["raw", "id"]).is_some_and(|it| it.text() == id))?;
    let action = step.at(&["uses", "name"])?;
    (action.text() == "docker/metadata-action").then(|| step.at(&["raw", "with"])?.str("images"))?
}

/// What `docker/build-push-action` builds.
fn of_action<'a>(job: Node<'a>, step: Node<'a>) -> Option<Build<'a>> {
    let with = step.at(&["raw", "with"]);
    let input =
        |key: &str| with.and_then(|it| it.str(key)).map(str::trim).filter(|it| !it.is_empty());
    let context = match input("context").unwrap_or(".") {
        "{{defaultContext}}" => ".",
        context => context.strip_prefix("{{defaultContext}}:").unwrap_or(context),
    };
    if is_unknown(context) || context.starts_with('/') {
        return None;
    }
    let context = resolve("", context)?;
    let dockerfile = match input("file") {
        Some(file) => (!is_unknown(file)).then(|| resolve("", file))??,
        None => resolve(&context, "Dockerfile")?,
    };
    let tags = input("tags").unwrap_or("");
    let tags = tagged_elsewhere(job, tags).unwrap_or(tags);
    let tags = tags.lines().flat_map(|it| it.split(','));
    let images = tags.map(str::trim).map(image_name).filter(|it| !it.is_empty() && !is_unknown(it));
    let args = input("build-args").unwrap_or("").lines().filter_map(argument);
    let contexts = input("build-contexts").unwrap_or("").lines().filter_map(argument);
    Some(Build {
        by: "workflow",
        dockerfile,
        context,
        target: input("target").map(str::to_owned),
        images: images.map(str::to_owned).collect(),
        args: args.map(|it| (it.to_owned(), with.and_then(|it| it.get("build-args")))).collect(),
        contexts: contexts.map(str::to_owned).collect(),
        is_aside: false,
        is_checked: false,
        at: with.and_then(|it| it.get("file").or_else(|| it.get("target"))).or(Some(step)),
        places: Places {
            file: with.and_then(|it| it.get("file")),
            target: with.and_then(|it| it.get("target")),
            context: with.and_then(|it| it.get("context")),
        },
    })
}

/// The builds of a Compose file. One that says neither where nor from which file adds to the build
/// of a file beside it.
fn of_compose<'a>(artifact: &'a Artifact, artifacts: &'a [Artifact], found: &mut Vec<Build<'a>>) {
    let Some(project) = compose::project(artifact) else { return };
    let is_aside = project.str("purpose") == Some("development");
    for service in list(project, "services") {
        let Some(build) = service.at(&["raw", "build"]) else { continue };
        if build.get("dockerfile_inline").is_some() {
            continue;
        }
        let says = |it: Node<'_>| it.as_str().is_some() || it.get("context").is_some();
        let beside = (!says(build)).then(|| build_beside(artifact, artifacts, service)).flatten();
        let base = beside.unwrap_or(build);
        let image = service.at(&["image", "text"]).map(|it| image_name(it.text()));
        let files = Files {
            by: "compose",
            folder: artifact.tree.source.folder(),
            context: base.as_str().or_else(|| base.str("context")).unwrap_or("."),
            file: build
                .str("dockerfile")
                .or_else(|| base.str("dockerfile"))
                .unwrap_or("Dockerfile"),
        };
        found.extend(files.build().map(|it| Build {
            target: build.str("target").or_else(|| base.str("target")).map(str::to_owned),
            images: image.filter(|it| !is_unknown(it)).map(str::to_owned).into_iter().collect(),
            args: arguments(build.get("args")),
            contexts:
                arguments(build.get("additional_contexts")).into_iter().map(|it| it.0).collect(),
            is_aside,
            is_checked: service.get("healthcheck").is_some_and(|it| !it.is_null()),
            at: Some(build),
            places: Places {
                file: build.get("dockerfile"),
                target: build.get("target"),
                context: build.get("context"),
            },
            ..it
        }));
    }
}

/// The build of the same service in a file of the same folder, with a context of its own.
fn build_beside<'a>(
    artifact: &'a Artifact,
    artifacts: &'a [Artifact],
    service: Node<'a>,
) -> Option<Node<'a>> {
    let name = service.str("name")?;
    let folder = artifact.tree.source.folder();
    let others = artifacts.iter().filter(|it| {
        it.kind == Kind::Compose
            && it.tree.source.folder() == folder
            && !std::ptr::eq(*it, artifact)
    });
    let projects = others.filter_map(compose::project);
    let services = projects.flat_map(|it| list(it, "services"));
    services
        .filter(|it| it.str("name") == Some(name))
        .filter_map(|it| it.at(&["raw", "build"]))
        .find(|it| it.as_str().is_some() || it.get("context").is_some())
}

/// The names in a map, or in a list of `NAME=value`, with their places.
fn arguments(all: Option<Node<'_>>) -> Vec<(String, Option<Node<'_>>)> {
    let named = all.filter(|it| it.is_map()).into_iter().flat_map(Node::entries);
    let listed = all.filter(|it| it.is_seq()).into_iter().flat_map(Node::children);
    let all = named.chain(listed.map(|it| (it.text(), it)));
    all.filter_map(|(name, it)| Some((argument(name)?.to_owned(), Some(it)))).collect()
}

fn of_skaffold<'a>(tree: &'a Tree, roots: &Roots<'_>, found: &mut Vec<Build<'a>>) {
    for root in tree.documents() {
        let profiles = list(root, "profiles").filter_map(|it| it.get("build"));
        let builds = root.get("build").into_iter().chain(profiles);
        for it in builds.flat_map(|it| list(it, "artifacts")) {
            let others = ["jib", "ko", "buildpacks", "bazel", "custom"];
            if others.iter().any(|key| it.get(key).is_some()) {
                continue;
            }
            let docker = it.get("docker").or_else(|| it.get("kaniko"));
            let says = |key: &str| docker.and_then(|it| it.get(key));
            let files = Files {
                by: "skaffold",
                folder: tree.source.folder(),
                context: it.str("context").unwrap_or("."),
                file: says("dockerfile").and_then(Node::as_str).unwrap_or("Dockerfile"),
            };
            found.extend(files.below(roots).build().map(|build| Build {
                target: says("target").and_then(Node::as_str).map(str::to_owned),
                images: it.str("image").map(str::to_owned).into_iter().collect(),
                args: arguments(says("buildArgs")),
                at: Some(it),
                places: Places {
                    file: says("dockerfile"),
                    target: says("target"),
                    context: it.get("context"),
                },
                ..build
            }));
        }
    }
}

/// Where a file says that a Dockerfile and its context are.
struct Files<'f> {
    by: &'static str,
    /// The folder that the context is below.
    folder: &'f str,
    context: &'f str,
    /// Below the context.
    file: &'f str,
}

impl Files<'_> {
    /// From where the tool is called: the folder of the file, or, where its Dockerfile is not there,
    /// one above that has it.
    fn below(self, roots: &Roots<'_>) -> Self {
        let has = |folder: &str| {
            let context = resolve(folder, self.context);
            let path = context.and_then(|it| resolve(&it, self.file));
            path.is_some_and(|it| roots.has(&it))
        };
        let above = std::iter::successors(Some(self.folder), |it| {
            (!it.is_empty()).then(|| it.rsplit_once('/').map_or("", |it| it.0))
        });
        let folder = above.take(MOST_ABOVE).find(|it| has(it)).unwrap_or(self.folder);
        Self { folder, ..self }
    }

    /// The build, as far as the places say, if they are known.
    fn build<'a>(&self) -> Option<Build<'a>> {
        // `git@host:path` and `target:name` are no folders.
        let is_path = !self.context.starts_with('/') && !self.context.contains(':');
        if is_unknown(self.context) || is_unknown(self.file) || !is_path {
            return None;
        }
        let context = resolve(self.folder, self.context)?;
        let dockerfile = resolve(&context, self.file)?;
        Some(Build {
            by: self.by,
            dockerfile,
            context,
            target: None,
            images: Vec::new(),
            args: Vec::new(),
            contexts: Vec::new(),
            is_aside: false,
            is_checked: false,
            at: None,
            places: Places::default(),
        })
    }
}

/// Builds by the name of their image; a name that two Dockerfiles have is not there.
pub(super) fn by_image<'a>(builds: &[Build<'a>]) -> HashMap<String, Build<'a>> {
    let mut found: HashMap<&str, Option<&Build<'a>>> = HashMap::new();
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
