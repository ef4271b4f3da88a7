//! Build stages: what each is built from, what it inherits, what becomes of it.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use super::variable;
use crate::{
    parse::{
        dockerfile::{File, Head, Instruction, unquoted, words},
        image::Image,
    },
    source::Span,
};

/// Variables that have a value, or were declared without one.
pub type Scope = BTreeMap<String, Option<String>>;

/// A stage.
#[derive(Debug, Default)]
pub struct Stage {
    /// Its name in lower case, and where it is written.
    pub name: Option<(String, Span)>,
    /// Its name as written.
    pub name_written: String,
    /// What it is built from, as written without quotes.
    pub reference: String,
    /// Where that is written.
    pub reference_span: Span,
    /// What it is built from, with variables replaced by their defaults.
    pub resolved: String,
    /// Whether every variable in it had a default.
    pub is_resolved: bool,
    /// Variables in the reference or the platform that nothing declares.
    pub undeclared: Vec<String>,
    /// The platform flag, as written.
    pub platform: Option<(String, Span)>,
    /// The earlier stage it is built from.
    pub parent: Option<usize>,
    /// A later stage is built from it.
    pub is_base: bool,
    /// A later instruction copies from it.
    pub is_source: bool,
    /// The last USER.
    pub user: Option<(String, Span)>,
    /// There is a WORKDIR.
    pub has_workdir: bool,
    /// There is a HEALTHCHECK, `NONE` included.
    pub has_healthcheck: bool,
    /// There is a CMD or an ENTRYPOINT.
    pub has_process: bool,
    /// The FROM, from its keyword on.
    pub span: Span,
    /// The word `AS` as written.
    pub as_word: Option<(String, Span)>,
}

/// The names that builders define for FROM.
pub const PLATFORM_ARGS: [&str; 11] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// What a builder on the most common platform puts in for the names that it defines itself.
fn platform_value(name: &str) -> Option<&'static str> {
    let part = name.strip_prefix("TARGET").or_else(|| name.strip_prefix("BUILD"))?;
    match part {
        "PLATFORM" => Some("linux/amd64"),
        "OS" => Some("linux"),
        "ARCH" => Some("amd64"),
        "VARIANT" | "OSVERSION" => Some(""),
        _ => None,
    }
}

/// The stages of a file, in order, and the arguments declared before the first.
pub fn stages(file: &File<'_>) -> (Vec<Stage>, Scope) {
    let mut stages: Vec<Stage> = Vec::new();
    let mut globals = Scope::new();
    for it in &file.instructions {
        let name = it.head.name.as_str();
        match (name, stages.last_mut()) {
            ("FROM", _) => {
                let stage = stage(it, file.escape, &globals, &mut stages);
                stages.push(stage);
            }
            ("ARG", None) => declare(it, file.escape, &mut globals),
            (_, Some(stage)) => note(it, file.escape, stage),
            _ => {}
        }
        if let ("COPY" | "RUN" | "ADD", Some(last)) = (name, stages.len().checked_sub(1)) {
            for source in sources(&it.head) {
                if let Some(index) = find(&stages[..last], &source) {
                    stages[index].is_source = true;
                }
            }
        }
    }
    (stages, globals)
}

/// The stages or images that an instruction copies or mounts from.
pub fn sources(head: &Head) -> Vec<String> {
    let value = |flag: &crate::parse::dockerfile::Flag| {
        let value = flag.value.as_deref()?;
        match flag.name.as_str() {
            "from" => Some(value.to_owned()),
            "mount" => super::facts::mount_field(value, &["from"]).map(str::to_owned),
            _ => None,
        }
    };
    head.flags.iter().filter_map(value).collect()
}

/// The stage of that name or number.
pub fn find(stages: &[Stage], reference: &str) -> Option<usize> {
    let name = reference.to_lowercase();
    let named = |it: &Stage| it.name.as_ref().is_some_and(|(it, _)| *it == name);
    stages
        .iter()
        .rposition(named)
        .or_else(|| reference.parse::<usize>().ok().filter(|it| *it < stages.len()))
}

fn stage(it: &Instruction<'_>, escape: u8, globals: &Scope, stages: &mut [Stage]) -> Stage {
    let found = words(&it.joined.text, it.head.arguments.clone(), escape);
    let text = |range: &Range<usize>| unquoted(it.text(range), escape).into_owned();
    let Some(first) = found.first() else {
        return Stage { span: it.span, reference_span: it.span, ..Stage::default() };
    };
    let value = |name: &str| match globals.get(name) {
        Some(value) => value.clone(),
        None => platform_value(name).map(str::to_owned),
    };
    let (resolved, is_resolved) = variable::expand(it.text(first), escape, &value);
    let has_as = found.len() >= 3 && it.text(&found[1]).eq_ignore_ascii_case("as");
    let name_written = if has_as { text(&found[2]) } else { String::new() };
    let platform = it.head.flags.iter().find(|it| it.name == "platform");
    let known = |name: &str| globals.contains_key(name) || PLATFORM_ARGS.contains(&name);
    let platform_text = platform.and_then(|it| it.value.clone()).unwrap_or_default();
    let undeclared = variable::uses(it.text(first), escape)
        .iter()
        .chain(&variable::uses(&platform_text, escape))
        .map(|it| it.name)
        .filter(|name| !known(name))
        .map(str::to_owned)
        .collect();
    // A number names no stage in FROM, only in COPY.
    let parent = find(stages, &resolved).filter(|_| resolved.parse::<usize>().is_err());
    if let Some(parent) = parent {
        stages[parent].is_base = true;
    }
    Stage {
        name: has_as.then(|| (name_written.to_lowercase(), it.place(&found[2]))),
        name_written,
        reference: text(first),
        reference_span: it.place(first),
        resolved,
        is_resolved,
        undeclared,
        platform: platform.map(|flag| (platform_text.clone(), it.place(&flag.range))),
        parent,
        has_workdir: parent.is_some_and(|it| stages[it].has_workdir),
        has_healthcheck: parent.is_some_and(|it| stages[it].has_healthcheck),
        has_process: parent.is_some_and(|it| stages[it].has_process),
        span: it.span,
        as_word: has_as.then(|| (it.text(&found[1]).to_owned(), it.place(&found[1]))),
        ..Stage::default()
    }
}

/// What an instruction adds to its stage.
fn note(it: &Instruction<'_>, escape: u8, stage: &mut Stage) {
    let arguments = it.text(&it.head.arguments);
    match it.head.name.as_str() {
        "USER" => {
            let text = unquoted(arguments, escape).into_owned();
            stage.user = Some((text, it.place(&it.head.arguments)));
        }
        "WORKDIR" => stage.has_workdir = true,
        "HEALTHCHECK" => stage.has_healthcheck = true,
        "CMD" | "ENTRYPOINT" => stage.has_process = true,
        _ => {}
    }
}

fn declare(it: &Instruction<'_>, escape: u8, scope: &mut Scope) {
    for pair in pairs(it, &it.head, escape) {
        let value = |name: &str| scope.get(name).cloned().flatten();
        let value = pair.value.map(|raw| variable::expand(raw, escape, &value).0);
        scope.insert(pair.key.into_owned(), value);
    }
}

/// A `key=value` of ENV, LABEL or ARG.
#[derive(Debug)]
pub struct Pair<'s> {
    /// The key without quotes.
    pub key: Cow<'s, str>,
    /// The value as written; none for `ARG key`.
    pub value: Option<&'s str>,
    /// Where the key is written.
    pub key_span: Span,
    /// Where the whole pair is written.
    pub span: Span,
    /// It is the old form without `=`.
    pub is_legacy: bool,
}

/// The pairs of ENV, LABEL or ARG.
pub fn pairs<'s>(it: &'s Instruction<'_>, head: &Head, escape: u8) -> Vec<Pair<'s>> {
    let found = words(&it.joined.text, head.arguments.clone(), escape);
    let is_arg = head.name == "ARG";
    if let Some(first) = found.first().filter(|it_| !is_arg && !it.text(it_).contains('=')) {
        let rest = found.get(1).map_or(first.end, |it| it.start)..head.arguments.end.max(first.end);
        return vec![Pair {
            key: unquoted(it.text(first), escape),
            value: Some(it.text(&rest)),
            key_span: it.place(first),
            span: it.place(&(first.start..rest.end)),
            is_legacy: true,
        }];
    }
    let pair = |range: &Range<usize>| {
        let text = it.text(range);
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (text, None),
        };
        let key_range = range.start..range.start + key.len();
        Pair {
            key: unquoted(key, escape),
            value,
            key_span: it.place(&key_range),
            span: it.place(range),
            is_legacy: false,
        }
    };
    found.iter().map(pair).collect()
}

/// The image that a stage begins with, through the stages it is built from.
pub fn origin(stages: &[Stage], index: usize) -> usize {
    let mut at = index;
    while let Some(parent) = stages[at].parent {
        at = parent;
    }
    at
}

/// The image of a reference.
pub fn image(reference: &str) -> Image<'_> {
    Image::parse(reference)
}
