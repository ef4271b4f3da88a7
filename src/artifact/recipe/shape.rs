//! What rules see of recipes, whichever runner they belong to.

use crate::artifact::{Field, Shape};

/// A list of texts.
pub const TEXTS: Shape = Shape::List(&Shape::Text);

/// A line of a recipe.
pub const LINE: Shape = Shape::Record(fields! {
    "text": Shape::Text, "as it is written, without the prefix";
    "expanded": Shape::Text, "with variables expanded; unknown parts are `<?>`";
    "silent": Shape::Bool, "`@` stands before it";
    "ignores": Shape::Bool, "`-` stands before it, or the runner is told to ignore its failure";
    "always": Shape::Bool, "`+` stands before it";
    "calls_variable": Shape::Bool, "it calls `$(MAKE)`";
    "commands": Shape::List(&COMMAND), "its simple commands";
});

/// A simple command of a recipe.
pub const COMMAND: Shape = Shape::Record(COMMAND_FIELDS);

const COMMAND_FIELDS: &[Field] = fields! {
    "name": Shape::Text, "its name, without folders";
    "text": Shape::Text, "with variables expanded";
    "words": TEXTS, "its words, without quotes; wrappers such as `npx` dropped";
    "folder": Shape::Text, "the folder it runs in, below the root; for make the one of `-C`";
    "hidden": Shape::Text, "why its failure does not fail the recipe";
    "checks": Shape::Text, "tests, style, security or load, if it is known to check that";
    "idle": Shape::Bool, "it only prints or prepares";
    "goals": TEXTS, "the targets it asks make for, if it calls make";
};

/// What is said of the task of any runner, targets of make among them.
pub const TASK: Shape = Shape::Record(fields! {
    "name": Shape::Text, "its name";
    "has_rule": Shape::Bool, "it is defined; a name in `.PHONY` alone is not";
    "maybe": Shape::Bool, "it depends on a condition that is not known";
    "gate": Shape::Text, "what it checks, if its name is that of a gate: tests, quality, security, coverage, load tests";
    "prerequisites": Shape::List(&Shape::Any), "what runs before it, each with its `name`";
    "has_recipe": Shape::Bool, "its recipe says something";
    "is_empty": Shape::Bool, "neither a recipe nor prerequisites";
    "only_prints": Shape::Bool, "its recipe only prints and prepares";
    "can_fail": Shape::Bool, "some failure reaches the runner";
    "checks": TEXTS, "what its known commands check: tests, style, security, load";
    "lines": Shape::Number, "how many lines its recipe has";
    "recipe": Shape::List(&LINE), "its recipe";
});
