//! What an evaluation of a Makefile knows: targets, recipes, variables, and what stays open.

use std::collections::BTreeSet;

/// A place in one of the files that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The index of the file in [`Evaluation::files`].
    pub file: u32,
    /// Where the line starts, in bytes.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The number of its first line, from 1.
    pub line: u32,
}

/// What is known of the Makefiles that one call of make reads.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// The files that were read, by path below the root, the entry first.
    pub files: Vec<String>,
    /// The targets, in order of appearance.
    pub targets: Vec<Target>,
    /// The pattern rules, in order.
    pub patterns: Vec<Target>,
    /// The recipes that targets and patterns refer to.
    pub recipes: Vec<Recipe>,
    /// The special targets (`.PHONY`, `.IGNORE`, …): name, prerequisites, place.
    pub special: Vec<(String, Vec<String>, Place)>,
    /// Every definition of a variable, in order.
    pub definitions: Vec<Definition>,
    /// The variables that were referred to and never defined, with the first place.
    pub undefined: Vec<(String, Place)>,
    /// What could not be known.
    pub unresolved: Vec<Unresolved>,
    /// Where make itself would stop, and the limits that were met.
    pub errors: Vec<(Place, String, bool)>,
    /// Names that targets may have when conditions that cannot be known turn out otherwise.
    pub possible: BTreeSet<String>,
    /// The target that `make` without arguments makes; empty if there is none.
    pub default_goal: String,
}

impl Evaluation {
    /// The target of that name.
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|it| it.name == name)
    }

    /// The special target of that name: its prerequisites from all its rules.
    pub fn special(&self, name: &str) -> Option<Vec<&str>> {
        let mut found = None;
        for (_, names, _) in self.special.iter().filter(|it| it.0 == name) {
            found.get_or_insert_with(Vec::new).extend(names.iter().map(String::as_str));
        }
        found
    }

    /// Whether something unknown could define any name at all.
    pub fn is_open(&self) -> bool {
        self.unresolved.iter().any(|it| it.kind.hides_names())
    }
}

/// A target, or a pattern rule.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Where its first rule is; the place of `.PHONY` if it has no rule.
    pub place: Place,
    /// Whether `.PHONY` names it.
    pub phony: bool,
    /// Whether a rule names it; `false` if only `.PHONY` does.
    pub has_rule: bool,
    /// Whether its rules have two colons.
    pub double_colon: bool,
    /// What must be made before it, in order, from all its rules.
    pub prerequisites: Vec<String>,
    /// What must exist before it.
    pub order_only: Vec<String>,
    /// Whether something in its prerequisites is unknown.
    pub open: bool,
    /// Whether it depends on a condition that is not known.
    pub maybe: bool,
    /// The recipe that runs, as an index of [`Evaluation::recipes`]; several with two colons.
    pub recipes: Vec<usize>,
    /// Recipes that a later one replaced.
    pub replaced: Vec<usize>,
}

/// The commands of a rule.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// The place of its rule.
    pub rule: Place,
    /// Its lines.
    pub lines: Vec<RecipeLine>,
}

/// One line of a recipe.
#[derive(Clone, Debug, Default)]
pub struct RecipeLine {
    /// Where it is.
    pub place: Place,
    /// As it is written, without the recipe prefix.
    pub text: String,
    /// With variables expanded for the first target of its rule; unknown parts marked.
    pub expanded: String,
}

/// One definition of a variable.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// `=`, `:=`, … or `define`
    pub operator: &'static str,
    /// The right side as it is written.
    pub value: String,
    /// Where.
    pub place: Place,
    /// The targets it is for; none for a global one.
    pub targets: Vec<String>,
    /// Whether `override` stands before it.
    pub overrides: bool,
}

/// The kinds of thing that cannot be known without running something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// A condition that depends on something unknown; make's reading with silent commands was taken.
    Condition,
    /// A file to include that is not in the repository, or whose name is unknown.
    Include,
    /// A whole line that is unknown.
    Line,
    /// A name of a target.
    Target,
    /// Prerequisites of a target.
    Prerequisites,
    /// An object to load.
    Load,
    /// A limit of ours was met.
    Limit,
}

impl Unknown {
    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Include => "include",
            Self::Line => "line",
            Self::Target => "target",
            Self::Prerequisites => "prerequisites",
            Self::Load => "load",
            Self::Limit => "limit",
        }
    }

    /// Whether it may define targets of any name.
    pub fn hides_names(self) -> bool {
        !matches!(self, Self::Condition | Self::Prerequisites)
    }
}

/// Something that cannot be known.
#[derive(Clone, Debug)]
pub struct Unresolved {
    /// What kind.
    pub kind: Unknown,
    /// Where.
    pub place: Place,
    /// The text in question.
    pub text: String,
    /// Why it is not known.
    pub why: String,
}
