//! The views of Makefiles: files, targets, prerequisites, recipes, commands, variables.
//!
//! They look across artifacts, because what a Makefile means depends on what it includes and on
//! the files beside it; [`link`](super::link) has put what they walk into the trees.

use crate::{
    artifact::{
        Emit, Kind, Select, Shape, Subject, View,
        recipe::shape::{COMMAND, LINE, TEXTS},
    },
    document::Node,
    repository::Repository,
    value::Value,
};

const SETTINGS: Shape = Shape::Record(fields! {
    "ignores_errors": Shape::Bool, "`.IGNORE` without names is in this file";
    "one_shell": Shape::Bool, "`.ONESHELL` is in this file";
    "deletes_on_error": Shape::Bool, "`.DELETE_ON_ERROR` is in this file";
    "deletes_on_error_anywhere": Shape::Bool, "`.DELETE_ON_ERROR` is in a file that make reads";
    "posix": Shape::Bool, "`.POSIX` is in this file";
    "default": Shape::Bool, "`.DEFAULT` is in this file: any name can be made";
});

const FILE: Shape = Shape::Record(fields! {
    "path": Shape::Text, "its path";
    "start": Shape::Text, "the Makefile that make starts with to read it";
    "entry": Shape::Bool, "make finds it by its name";
    "root": Shape::Bool, "it is the Makefile at the root of the repository, or included by it";
    "whole": Shape::Bool, "its targets are judged with this reading of it";
    "open": Shape::Bool, "something unknown may define any target";
    "incomplete": Shape::Bool, "something that it includes is not there: variables may be defined in it";
    "settings": SETTINGS, "special targets";
    "default_goal": Shape::Text, "what `make` alone makes";
    "made": Shape::Any, "the targets of all files that it reads: name, phony, file, line, recipe, prerequisites";
    "names": TEXTS, "the names of all these targets";
    "possible": TEXTS, "names that exist if a condition that is not known turns out otherwise";
    "patterns": TEXTS, "the names of pattern rules";
    "files": TEXTS, "the files that make reads";
    "unresolved": Shape::Any, "what cannot be known without running something";
    "targets": Shape::List(&TARGET), "the targets that are judged in this file";
    "rules": Shape::List(&TARGET), "its pattern rules, and `.DEFAULT`";
    "variables": Shape::List(&VARIABLE), "its definitions of variables";
    "undefined": TEXTS, "variables that recipes use and nobody defines";
});

const TARGET: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "phony": Shape::Bool, "`.PHONY` names it";
    "has_rule": Shape::Bool, "a rule names it, not only `.PHONY`";
    "double_colon": Shape::Bool, "its rules have two colons";
    "maybe": Shape::Bool, "it depends on a condition that is not known";
    "is_default": Shape::Bool, "`make` alone makes it";
    "is_pattern": Shape::Bool, "it is a pattern rule";
    "gate": Shape::Text, "what it checks, if its name is that of a gate: tests, quality, security, coverage, load tests";
    "exists": Shape::Text, "`file` or `folder`, if one lies at its name";
    "replaced": Shape::Bool, "a later recipe replaced an earlier one";
    "earlier": TEXTS, "the places of recipes that were replaced";
    "open": Shape::Bool, "a part of its prerequisites is unknown";
    "prerequisites": Shape::List(&PREREQUISITE), "what is made before it";
    "has_recipe": Shape::Bool, "its recipe says something";
    "is_empty": Shape::Bool, "neither a recipe nor prerequisites";
    "only_prints": Shape::Bool, "its recipe only prints and prepares";
    "can_fail": Shape::Bool, "some failure reaches make";
    "checks": TEXTS, "what its known commands check: tests, style, security, load";
    "lines": Shape::Number, "how many lines its recipe has";
    "recipe": Shape::List(&LINE), "its recipe";
});

const PREREQUISITE: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "order_only": Shape::Bool, "it stands behind `|`";
    "missing": Shape::Bool, "nothing makes it and it is not in the repository";
});

const VARIABLE: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "operator": Shape::Text, "`=`, `:=`, `?=`, `+=`, `!=` or `define`";
    "value": Shape::Text, "the right side as it is written";
    "targets": TEXTS, "the targets it is for; none for all";
    "overrides": Shape::Bool, "`override` stands before it";
    "silences": Shape::Bool, "with it every recipe succeeds";
});

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "makefile.file",
        kind: Kind::Makefile,
        means: "each Makefile and each file that one includes",
        vars: fields! { "it": FILE, "the file"; },
        select: Select::Repository(select_files),
    },
    View {
        name: "makefile.entry",
        kind: Kind::Makefile,
        means: "each Makefile that make finds by its name, with all that it includes",
        vars: fields! { "it": FILE, "the file"; },
        select: Select::Repository(select_entries),
    },
    View {
        name: "makefile.target",
        kind: Kind::Makefile,
        means: "each target",
        vars: fields! { "it": TARGET, "the target"; "file": FILE, "the file it is judged in"; },
        select: Select::Repository(select_targets),
    },
    View {
        name: "makefile.rule",
        kind: Kind::Makefile,
        means: "each pattern rule, and `.DEFAULT`",
        vars: fields! { "it": TARGET, "the rule"; "file": FILE, "the file it is in"; },
        select: Select::Repository(select_rules),
    },
    View {
        name: "makefile.prerequisite",
        kind: Kind::Makefile,
        means: "each prerequisite of each target",
        vars: fields! {
            "it": PREREQUISITE, "the prerequisite";
            "target": TARGET, "the target that needs it";
            "file": FILE, "the file the target is judged in";
        },
        select: Select::Repository(select_prerequisites),
    },
    View {
        name: "makefile.recipe",
        kind: Kind::Makefile,
        means: "each line of each recipe",
        vars: fields! {
            "it": LINE, "the line";
            "target": TARGET, "the target it makes";
            "file": FILE, "the file it is in";
        },
        select: Select::Repository(select_lines),
    },
    View {
        name: "makefile.command",
        kind: Kind::Makefile,
        means: "each simple command of each recipe",
        vars: fields! {
            "it": COMMAND, "the command";
            "line": LINE, "the line it stands in";
            "target": TARGET, "the target it makes";
            "file": FILE, "the file it is in";
        },
        select: Select::Repository(select_commands),
    },
    View {
        name: "makefile.variable",
        kind: Kind::Makefile,
        means: "each definition of a variable",
        vars: fields! { "it": VARIABLE, "the definition"; "file": FILE, "the file it is in"; },
        select: Select::Repository(select_variables),
    },
    View {
        name: "makefile.undefined",
        kind: Kind::Makefile,
        means: "each variable that recipes use and nobody defines",
        vars: fields! { "it": Shape::Text, "its name"; "file": FILE, "the file it is used in"; },
        select: Select::Repository(select_undefined),
    },
];

fn roots<'a>(repository: &'a Repository<'a>) -> impl Iterator<Item = Node<'a>> {
    let makefiles = repository.of(Kind::Makefile);
    makefiles.flat_map(|it| it.derived.iter().map(|&root| it.tree.node(root)))
}

fn is(node: Node<'_>, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(false)
}

/// Folders of what others wrote: what is wrong there is mended elsewhere.
const VENDORED: &[&str] = &["vendor", "node_modules", "third_party", "third-party", "external"];

fn is_vendored(file: Node<'_>) -> bool {
    file.tree().source.folder().split('/').any(|it| VENDORED.contains(&it))
}

/// The files as the unit sees them that tells of them in full.
fn files<'a>(repository: &'a Repository<'a>) -> impl Iterator<Item = Node<'a>> {
    roots(repository).filter(|it| is(*it, "whole") && !is_vendored(*it))
}

fn under<'a>(node: Node<'a>, key: &str) -> impl Iterator<Item = Node<'a>> {
    node.get(key).into_iter().flat_map(Node::children)
}

/// Yields the nodes, the first of which is judged.
fn yields<'a>(emit: Emit<'_, 'a>, nodes: &[Node<'a>]) {
    let values = nodes.iter().map(|&it| Value::Node(it)).collect();
    emit(Subject { values, at: nodes[0], object: None });
}

fn select_files<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    files(repository).for_each(|file| yields(emit, &[file]));
}

fn select_entries<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let entries = roots(repository).filter(|it| is(*it, "entry") && !is_vendored(*it));
    entries.for_each(|file| yields(emit, &[file]));
}

fn select_targets<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        under(file, "targets").for_each(|it| yields(emit, &[it, file]));
    }
}

fn select_rules<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        under(file, "rules").for_each(|it| yields(emit, &[it, file]));
    }
}

fn select_prerequisites<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        for target in under(file, "targets") {
            under(target, "prerequisites").for_each(|it| yields(emit, &[it, target, file]));
        }
    }
}

fn made(file: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    under(file, "targets").chain(under(file, "rules"))
}

fn select_lines<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        for target in made(file) {
            under(target, "recipe").for_each(|it| yields(emit, &[it, target, file]));
        }
    }
}

fn select_commands<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        for target in made(file) {
            for line in under(target, "recipe") {
                under(line, "commands").for_each(|it| yields(emit, &[it, line, target, file]));
            }
        }
    }
}

fn select_variables<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        under(file, "variables").for_each(|it| yields(emit, &[it, file]));
    }
}

fn select_undefined<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for file in files(repository) {
        under(file, "undefined").for_each(|it| yields(emit, &[it, file]));
    }
}
