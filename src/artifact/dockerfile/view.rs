//! How rules look at Dockerfiles: one view for each list of facts.

use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

const fn text(name: &'static str, means: &'static str) -> Field {
    Field { name, shape: Shape::Text, means }
}

const fn flag(name: &'static str, means: &'static str) -> Field {
    Field { name, shape: Shape::Bool, means }
}

const fn number(name: &'static str, means: &'static str) -> Field {
    Field { name, shape: Shape::Number, means }
}

const fn texts(name: &'static str, means: &'static str) -> Field {
    Field { name, shape: Shape::List(&Shape::Text), means }
}

const fn record(name: &'static str, fields: &'static [Field], means: &'static str) -> Field {
    Field { name, shape: Shape::Record(fields), means }
}

const IMAGE: &[Field] = &[
    text("text", "the whole reference"),
    text("registry", "the host of the registry; empty for Docker Hub"),
    text("name", "the repository"),
    text("short", "the last part of the repository"),
    text("tag", "the tag; empty if there is none"),
    text("digest", "the digest; empty if there is none"),
];

const USER: &[Field] = &[
    text("text", "user and group"),
    text("name", "the user"),
    flag("is_number", "the user is a number"),
    flag("is_root", "the user is `root` or 0"),
    flag("is_variable", "the user is only known when the image is built"),
    flag("is_last", "no later USER in the stage"),
];

/// The fields of a stage.
pub const STAGE: &[Field] = &[
    number("index", "its number, from 0"),
    text("name", "its name, in lower case"),
    text("name_written", "its name as written"),
    text("from", "`FROM` as written"),
    text("as", "`AS` as written"),
    flag("repeats_name", "an earlier stage has its name"),
    flag("repeats_spelling", "an earlier stage has its name in the same spelling"),
    text("image", "what it is built from, as written"),
    text("resolved", "the same with the defaults of arguments"),
    flag("is_resolved", "every argument in it has a default"),
    flag("is_valid", "a registry would understand the reference"),
    flag("is_stage", "it is built from an earlier stage"),
    flag("is_scratch", "it is built from nothing"),
    record("base", IMAGE, "the image that it is built from, or the stage"),
    record("origin", IMAGE, "the image at the root of the stages that it is built from"),
    texts("undeclared", "arguments that FROM uses and nothing declares"),
    text("platform", "the platform as written"),
    flag("is_last", "it is the last one"),
    flag("is_base", "a later stage is built from it"),
    flag("is_source", "a later instruction copies from it"),
    flag("has_workdir", "it or what it is built from has a WORKDIR"),
    flag("has_healthcheck", "it or what it is built from has a HEALTHCHECK"),
    flag("has_process", "it or what it is built from has a CMD or an ENTRYPOINT"),
    flag("is_windows", "it is for Windows"),
    record("own_user", USER, "its own last USER"),
    record("user", USER, "the USER in effect at its end"),
    Field { name: "parent", shape: Shape::Any, means: "the stage it is built from" },
];

/// The fields of a variable.
pub const VARIABLE: &[Field] = &[
    text("keyword", "`ENV` or `ARG`"),
    text("name", "its name"),
    text("value", "its value, without quotes"),
    flag("is_legacy", "it is written without `=`"),
    flag("is_trigger", "it stands behind ONBUILD"),
    flag("is_global", "it stands before the first FROM"),
    text("sibling", "a variable of the same instruction that its value uses"),
    text("modern", "a pair without `=`, with it, where that is certain"),
    Field { name: "stage", shape: Shape::Any, means: "its stage" },
    Field { name: "step", shape: Shape::Any, means: "its instruction" },
];

const STEP: &[Field] = &[
    text("keyword", "the keyword in upper case"),
    text("written", "the keyword as written"),
    text("majority", "the case of most keywords, `upper` or `lower`, where its own is another"),
    flag("is_odd_case", "its keyword has another case than most"),
    flag("is_unknown", "there is no such instruction"),
    flag("is_trigger", "it stands behind ONBUILD"),
    flag("is_before_from", "it stands before the first FROM"),
    text("arguments", "what stands behind the keyword and the flags"),
    text("blank_line", "there is a blank line in it"),
    flag("is_described_wrongly", "the comment above describes something else"),
    flag("checks_descriptions", "the file asks for the check of descriptions"),
    Field { name: "stage", shape: Shape::Any, means: "its stage" },
    Field { name: "instruction", shape: Shape::Any, means: "the instruction as it is written" },
];

/// The variables of `dockerfile.image_source`.
pub const IMAGE_SOURCE: &[Field] = &[record(
    "it",
    &[
        text("image", "the reference"),
        text("host", "its registry; `docker.io` where none is written"),
        flag("is_trusted", "the configuration trusts it"),
    ],
    "the image",
)];

/// The variables of `dockerfile.required_label`.
pub const REQUIRED_LABEL: &[Field] = &[record(
    "it",
    &[text("name", "its key"), flag("is_present", "the image has it")],
    "the label",
)];

/// The variables of `dockerfile.schema_label`.
pub const SCHEMA_LABEL: &[Field] = &[record(
    "it",
    &[
        text("name", "its key"),
        text("value", "its value"),
        text("kind", "the kind that the schema names; empty if it is not listed"),
        flag("is_listed", "the schema lists it"),
        flag("is_strict", "the schema allows no others"),
        flag("is_valid", "its value is of that kind"),
    ],
    "the label",
)];

macro_rules! view {
    ($select:ident, $name:literal, $list:literal, $means:literal, [$($field:expr),* $(,)?]) => {{
        fn $select<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
            each(artifact, $list, emit);
        }
        View {
            name: $name,
            kind: Kind::Dockerfile,
            means: $means,
            vars: &[
                record("it", &[
                    $($field,)*
                    Field { name: "stage", shape: Shape::Any, means: "its stage" },
                    Field { name: "step", shape: Shape::Any, means: "its instruction" },
                ], "the item"),
                record("stage", STAGE, "its stage; nothing before the first FROM"),
                record("step", STEP, "its instruction"),
            ],
            select: Select::File($select),
        }
    }};
}

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "dockerfile.file",
        kind: Kind::Dockerfile,
        means: "each Dockerfile",
        vars: &[record(
            "it",
            &[
                number("count", "the number of its stages"),
                Field { name: "last", shape: Shape::Record(STAGE), means: "its last stage" },
                texts("parsers", "the value of `# syntax=`, if there is one"),
            ],
            "the file",
        )],
        select: Select::File(files),
    },
    View {
        name: "dockerfile.stage",
        kind: Kind::Dockerfile,
        means: "each stage, with its FROM",
        vars: &[record("it", STAGE, "the stage")],
        select: Select::File(stages),
    },
    View {
        name: "dockerfile.instruction",
        kind: Kind::Dockerfile,
        means: "each instruction, and what ONBUILD will run",
        vars: &[record("it", STEP, "the instruction"), record("stage", STAGE, "its stage")],
        select: Select::File(steps),
    },
    view!(
        commands,
        "dockerfile.command",
        "commands",
        "each simple command that a RUN runs",
        [
            text("name", "its name"),
            texts("args", "the words behind its name"),
            texts("flags", "the names of its flags, without dashes"),
            text("text", "the command on one line"),
            flag("reads_pipe", "it reads what the command before it writes"),
            text("pipes_to", "the command that reads what it writes"),
            flag("pipes_to_interpreter", "that command runs what it reads"),
            flag("is_nested", "it stands in a substitution"),
            flag("is_tested", "its failure is looked at"),
            flag("is_trigger", "it stands behind ONBUILD"),
            flag("is_unheeded", "the script goes on when it fails"),
            texts("redirects", "its redirections as written"),
            number("uid_digits", "the length of the number that useradd is given"),
            flag("is_quiet", "it shows no bar of progress"),
        ]
    ),
    view!(
        installs,
        "dockerfile.install",
        "installs",
        "each command of a package manager",
        [
            text("manager", "`apt-get`, `apk`, `pip`, …"),
            text("verb", "`install`, `update`, `upgrade` or `remove`"),
            text("text", "the command on one line"),
            flag("is_unattended", "it never asks"),
            flag("is_plain", "the verb is `install` itself"),
            flag("is_trigger", "it stands behind ONBUILD"),
            flag("is_clean", "what it caches does not stay in the layer"),
            flag("is_swept", "the RUN removes folders"),
            flag("is_minimal", "it installs no recommended packages"),
            number("count", "how many packages it names"),
            texts("loose", "the packages without a version; not pip, setuptools and wheel"),
            text("word", "the verb as written"),
            text("tail", "what joins one more command to its RUN, where that is certain"),
        ]
    ),
    view!(
        packages,
        "dockerfile.package",
        "packages",
        "each package that a RUN installs",
        [
            text("name", "what is named, with its version"),
            text("manager", "`apt-get`, `apk`, `pip`, …"),
            flag("is_pinned", "its version is given"),
            flag("is_variable", "it is only known when the image is built"),
            flag("is_trigger", "it stands behind ONBUILD"),
        ]
    ),
    view!(
        runs,
        "dockerfile.run",
        "runs",
        "each RUN",
        [
            flag("is_trigger", "it stands behind ONBUILD"),
            flag("is_exec", "it is a JSON array"),
            flag("mixes_fetchers", "with it, its stage uses both wget and curl"),
            number("count", "how many commands it runs"),
            flag("continues_run", "it is short and stands behind a short RUN with the same flags"),
            text("pipe", "the first command that reads a pipe whose failure SHELL does not see"),
            flag(
                "is_pipe_safe",
                "nothing that is fetched goes through the pipe, or the script sets pipefail"
            ),
            Field { name: "mounts", shape: Shape::Any, means: "its mounts: type, target, from" },
            flag("is_windows", "it is not for a POSIX shell"),
            text(
                "lone_refresh",
                "the command that refreshes a package index that nothing here uses"
            ),
        ]
    ),
    view!(
        copies,
        "dockerfile.copy",
        "copies",
        "each COPY and ADD",
        [
            text("keyword", "`COPY` or `ADD`"),
            flag("is_trigger", "it stands behind ONBUILD"),
            text("target", "where it copies to"),
            flag("is_target_absolute", "that is absolute, or a variable"),
            flag("has_workdir", "a WORKDIR stands before it"),
            number("count", "how many sources it has, heredocs included"),
            texts("sources", "what it copies, without heredocs"),
            text("from", "the stage or image that it copies from"),
            text("chown", "the owner that it sets"),
            text("chmod", "the mode that it sets"),
            text("checksum", "the checksum that it checks"),
            flag("is_own_stage", "it copies from its own stage"),
            flag("is_own_name", "it names its own stage"),
            flag("is_earlier_stage", "it copies from an earlier stage"),
            text("unpacked_by", "the later command that unpacks the archive"),
        ]
    ),
    View {
        name: "dockerfile.variable",
        kind: Kind::Dockerfile,
        means: "each variable of ENV and ARG",
        vars: &[
            record("it", VARIABLE, "the variable"),
            record("stage", STAGE, "its stage; nothing before the first FROM"),
            record("step", STEP, "its instruction"),
        ],
        select: Select::File(variables),
    },
    view!(
        labels,
        "dockerfile.label",
        "labels",
        "each label",
        [
            text("name", "its key"),
            text("value", "its value"),
            flag("is_legacy", "it is written without `=`"),
            flag("is_trigger", "it stands behind ONBUILD"),
            text("modern", "a pair without `=`, with it, where that is certain"),
        ]
    ),
    view!(
        users,
        "dockerfile.user",
        "users",
        "each USER",
        [
            text("text", "user and group"),
            text("name", "the user"),
            flag("is_number", "the user is a number"),
            flag("is_root", "the user is `root` or 0"),
            flag("is_variable", "the user is only known when the image is built"),
            flag("is_last", "no later USER in the stage"),
            text("resolved", "the same with the values of variables"),
            flag("is_argument", "the user is an ARG"),
            text("number", "the number of the user, where it is known"),
        ]
    ),
    view!(
        workdirs,
        "dockerfile.workdir",
        "workdirs",
        "each WORKDIR",
        [
            text("path", "its path"),
            text("resolved", "its path with the values of variables"),
            flag("is_first", "it is the first of its stage and of what the stage is built from"),
            flag("is_absolute", "its path is absolute, or begins with a variable"),
            flag("is_resolved_absolute", "its resolved path is absolute"),
        ]
    ),
    view!(
        ports,
        "dockerfile.port",
        "ports",
        "each port of EXPOSE",
        [
            text("text", "as written"),
            text("protocol", "what stands behind `/`"),
            flag("has_host", "it has the form of a published port"),
            Field {
                name: "numbers",
                shape: Shape::List(&Shape::Number),
                means: "the port, or the ends of the range"
            },
        ]
    ),
    view!(
        processes,
        "dockerfile.process",
        "processes",
        "each CMD, ENTRYPOINT and HEALTHCHECK",
        [
            text("keyword", "`CMD`, `ENTRYPOINT` or `HEALTHCHECK`"),
            flag("is_exec", "it is a JSON array"),
            flag("is_none", "it is `HEALTHCHECK NONE`"),
            flag("repeats", "its stage has one before it"),
            flag("is_replaced", "its stage has one behind it"),
            flag("has_shell", "a SHELL stands before it"),
            flag("is_windows", "it is for Windows"),
            text("text", "its arguments"),
            text("name", "the program that it runs last"),
            texts("args", "the arguments of that program"),
            flag("replaces_shell", "its shell gives way to the program: `exec`"),
            text("array", "the same as a JSON array, where it needs no shell"),
        ]
    ),
    view!(
        undefined,
        "dockerfile.undefined",
        "undefined",
        "each use of a variable that nothing defines",
        [
            text("name", "its name"),
            text("near", "a defined name that is like it"),
            flag("has_default", "it stands in braces with a default"),
            flag("is_base_known", "the base image defines no variables"),
        ]
    ),
    view!(
        pragmas,
        "dockerfile.pragma",
        "pragmas",
        "each inline comment that ignores hadolint's rules",
        [text("text", "the comment"),]
    ),
];

fn facts(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|it| artifact.tree.node(*it))
}

pub(super) fn list<'a>(artifact: &'a Artifact, name: &str) -> impl Iterator<Item = Node<'a>> {
    facts(artifact).and_then(|it| it.get(name)).into_iter().flat_map(Node::children)
}

fn each<'a>(artifact: &'a Artifact, name: &str, emit: Emit<'_, 'a>) {
    for it in list(artifact, name) {
        let values =
            vec![Value::Node(it), Value::maybe(it.get("stage")), Value::maybe(it.get("step"))];
        emit(Subject { values, at: it, object: None });
    }
}

fn files<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let Some(&root) = artifact.tree.roots.first() else { return };
    let at = artifact.tree.node(root);
    let stages: Vec<_> = list(artifact, "stages").collect();
    let it = Value::map([
        ("count", Value::Int(stages.len() as i64)),
        ("last", Value::maybe(stages.last().copied())),
        ("parsers", Value::nodes(at.at(&["directives", "syntax"]))),
    ]);
    emit(Subject { values: vec![it], at: stages.last().copied().unwrap_or(at), object: None });
}

fn stages<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    list(artifact, "stages").for_each(|it| emit(alone(it)));
}

fn variables<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    each(artifact, "variables", emit);
}

fn steps<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    for it in list(artifact, "steps") {
        let values = vec![Value::Node(it), Value::maybe(it.get("stage"))];
        emit(Subject { values, at: it, object: None });
    }
}

fn alone(it: Node<'_>) -> Subject<'_> {
    Subject { values: vec![Value::Node(it)], at: it, object: None }
}
