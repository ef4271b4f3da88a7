//! Rules: how a line becomes targets, prerequisites and a recipe.

use std::collections::HashMap;

use super::{
    evaluate::{Evaluator, OpenRule, Origin, Reader, Stop},
    expand::{GOAL, UNKNOWN, is_unknown, known},
    files,
    functions::{percent, put_stem, stem},
    model::{Place, Recipe, RecipeLine, Target, Unknown},
};
use crate::parse::makefile::{
    self as grammar, DefinitionBody, Word, find_unquoted, join_continuations, next_word,
    skip_space, split_names,
};

/// The names that are instructions to make, not files.
const SPECIAL: &[&str] = &[
    ".PHONY",
    ".SUFFIXES",
    ".DEFAULT",
    ".PRECIOUS",
    ".INTERMEDIATE",
    ".SECONDARY",
    ".SECONDEXPANSION",
    ".DELETE_ON_ERROR",
    ".IGNORE",
    ".LOW_RESOLUTION_TIME",
    ".SILENT",
    ".EXPORT_ALL_VARIABLES",
    ".NOTPARALLEL",
    ".ONESHELL",
    ".POSIX",
    ".WAIT",
    ".NOTINTERMEDIATE",
    ".MAKE",
    ".LIBPATTERNS",
];

/// How many targets, prerequisites and recipe lines are kept.
const MOST: usize = 200_000;

/// A rule's line, expanded as far as make expands it before it knows what the line is.
struct Head {
    /// What stands before the colon.
    names: String,
    /// What is expanded after the colon.
    after: String,
    /// What is not expanded yet.
    rest: String,
    /// The recipe after a `;`.
    recipe: Option<String>,
    /// Whether the `;` was written, not expanded.
    written_recipe: bool,
}

impl Evaluator<'_> {
    /// Reads a line that is none of the directives: a rule, variables for targets, or nothing.
    pub(super) fn rule(&mut self, text: &str, reader: &mut Reader) -> Result<(), Stop> {
        reader.close_rule();
        let mut line = text.to_owned();
        let mut recipe = None;
        if let Some(at) = find_unquoted(&mut line, 0, b";#", true) {
            if line.as_bytes()[at] == b';' {
                recipe = Some(line[at + 1..].to_owned());
            }
            line.truncate(at);
        }
        let line = join_continuations(&line).into_owned();
        let (word, start, end) = next_word(&line, 0);
        match word {
            Word::End if recipe.is_some() => {
                return Err(Stop::Error("a rule is missing before its recipe".into()));
            }
            Word::End => return Ok(()),
            Word::Colon => {
                reader.open_nothing();
                return Ok(());
            }
            _ => {}
        }
        let Some(head) = self.head(&line, start, end, recipe)? else { return Ok(()) };
        self.rule_after_head(head, reader)
    }

    /// Expands word by word until a colon shows; nothing if the whole line expands to nothing.
    fn head(
        &mut self,
        line: &str,
        start: usize,
        end: usize,
        recipe: Option<String>,
    ) -> Result<Option<Head>, Stop> {
        let (mut start, mut end) = (start, end);
        let mut recipe = recipe;
        let written_recipe = recipe.is_some();
        let mut text = String::new();
        loop {
            let from = text.len();
            text.push_str(&self.expand(&line[start..end])?);
            let mut next = end;
            if recipe.is_none()
                && let Some(at) = find_unquoted(&mut text, from, b";", false)
            {
                text.push_str(&self.expand(&line[end..])?);
                next = line.len();
                recipe = Some(text[at + 1..].to_owned());
                text.truncate(at);
            }
            if let Some(colon) = find_unquoted(&mut text, from, b":", false) {
                let after = text.split_off(colon);
                let rest = line[next..].to_owned();
                return Ok(Some(Head { names: text, after, rest, recipe, written_recipe }));
            }
            let (word, next_start, next_end) = next_word(line, next);
            if word == Word::End {
                break;
            }
            (start, end) = (next_start, next_end);
            text.push(' ');
        }
        if is_unknown(&text) {
            self.unresolved(Unknown::Line, line.trim(), "it depends on the output of a command");
        }
        if known(&text).trim().is_empty() {
            return Ok(None);
        }
        if is_unknown(&text) {
            return Ok(None);
        }
        Err(Stop::Error("this is neither a rule nor an assignment (a separator is missing)".into()))
    }

    fn rule_after_head(&mut self, head: Head, reader: &mut Reader) -> Result<(), Stop> {
        let Head { mut names, after, rest, mut recipe, written_recipe } = head;
        if names.ends_with('&') {
            names.pop();
        }
        let after = after[1..].to_owned();
        let (double_colon, after) = match after.strip_prefix(':') {
            Some(it) => (true, it.to_owned()),
            None if rest.starts_with(':') && after.is_empty() => (true, String::new()),
            None => (false, after),
        };
        let rest = if double_colon && after.is_empty() {
            rest.strip_prefix(':').map_or(rest.clone(), str::to_owned)
        } else {
            rest
        };
        let targets = self.target_names(&names);
        if targets.is_empty() {
            reader.open_nothing();
            return Ok(());
        }
        let whole = format!("{after}{rest}");
        if let Some(it) = grammar::definition(&whole, true)
            && let DefinitionBody::Assign(assignment) = it.body
        {
            let value = match &recipe {
                Some(recipe) if written_recipe => format!("{};{recipe}", assignment.value),
                _ => assignment.value.to_owned(),
            };
            let value = join_continuations(&value).into_owned();
            let origin = if it.overrides { Origin::Override } else { Origin::File };
            let targets = targets.iter().map(|it| known(it).into_owned()).collect();
            return self.assign(
                assignment.name,
                assignment.operator,
                &value,
                origin,
                Some(targets),
            );
        }
        let mut after = after;
        after.push_str(&self.expand(&rest)?);
        if recipe.is_none()
            && let Some(at) = find_unquoted(&mut after, 0, b";", false)
        {
            recipe = Some(after[at + 1..].to_owned());
            after.truncate(at);
        }
        let mut pattern = None;
        if let Some(at) = find_unquoted(&mut after, 0, b":", false) {
            pattern = Some(static_pattern(&after[..at])?);
            after.drain(..=at);
        }
        self.record(&targets, double_colon, pattern.as_deref(), &after, recipe, reader);
        Ok(())
    }

    /// The names of targets in an expanded text: `./` dropped, `~` and patterns resolved.
    fn target_names(&mut self, text: &str) -> Vec<String> {
        let mut names = Vec::new();
        for name in members(split_names(text)) {
            let name = plain_name(&name);
            if name.contains(GOAL) {
                continue;
            }
            if let Some(rest) = name.strip_prefix("~/") {
                names.push(format!("/HOME/{rest}"));
            } else if files::is_glob(name) && !is_unknown(name) {
                let found = self.glob(name);
                if found.is_empty() {
                    names.push(name.to_owned());
                }
                names.extend(found);
            } else {
                names.push(name.to_owned());
            }
        }
        names
    }

    fn record(
        &mut self,
        names: &[String],
        double_colon: bool,
        pattern: Option<&str>,
        prerequisites: &str,
        recipe: Option<String>,
        reader: &mut Reader,
    ) {
        let (normal, order_only) = match prerequisites.split_once('|') {
            Some(it) => it,
            None => (prerequisites, ""),
        };
        let (normal, order_only) = (self.target_names(normal), self.target_names(order_only));
        let mut rule = OpenRule { place: self.here, ..OpenRule::default() };
        // The first name decides what the others are.
        let is_pattern_rule =
            pattern.is_none() && names.first().is_some_and(|it| percent(it).1.is_some());
        for name in names {
            if is_unknown(name) {
                let why = "its name depends on the output of a command";
                self.unresolved(Unknown::Target, name, why);
            }
            let name = known(name).into_owned();
            if name.is_empty() || self.out.targets.len() + self.out.patterns.len() > MOST {
                continue;
            }
            if SPECIAL.contains(&name.as_str()) {
                self.special(&name, &normal);
                if name == ".DEFAULT" {
                    rule.patterns.push(self.out.patterns.len());
                    let place = self.here;
                    self.out.patterns.push(Target {
                        name,
                        place,
                        has_rule: true,
                        ..Target::default()
                    });
                }
                continue;
            }
            let (plain, percent_at) = percent(&name);
            let is_pattern = is_pattern_rule && percent_at.is_some();
            let stem = pattern.and_then(|it| stem(it, &name)).map(str::to_owned);
            let put = |it: &String| match &stem {
                Some(stem) => put_stem(it, stem),
                None => it.clone(),
            };
            let (normal, order_only): (Vec<_>, Vec<_>) =
                (normal.iter().map(put).collect(), order_only.iter().map(put).collect());
            let target = if is_pattern {
                self.out.patterns.push(Target {
                    name,
                    place: self.here,
                    has_rule: true,
                    ..Target::default()
                });
                rule.patterns.push(self.out.patterns.len() - 1);
                self.out.patterns.last_mut()
            } else {
                let at = self.target_at(&plain);
                rule.targets.push(at);
                self.out.targets.get_mut(at)
            };
            let Some(target) = target else { continue };
            // A line of a recipe that starts with spaces reads as a rule: `echo "done: yes"`.
            target.open |= names.iter().any(|it| it.starts_with(['"', '\'']));
            if target.has_rule && !is_pattern && target.double_colon != double_colon {
                let reason = format!("the target `{plain}` has both `:` and `::` rules");
                self.out.errors.push((self.here, reason, false));
            }
            target.double_colon |= double_colon;
            if !target.has_rule {
                target.has_rule = true;
                target.place = self.here;
            }
            for (from, to) in
                [(normal, &mut target.prerequisites), (order_only, &mut target.order_only)]
            {
                for it in from {
                    if is_unknown(&it) {
                        target.open = true;
                    }
                    let it = known(&it).into_owned();
                    if !it.is_empty() && to.len() < MOST {
                        to.push(it);
                    }
                }
            }
            if !is_pattern {
                self.default_goal(&plain);
            }
        }
        if normal.iter().any(|it| is_unknown(it)) {
            let why = "they depend on the output of a command";
            self.unresolved(Unknown::Prerequisites, &names.join(" "), why);
        }
        if let Some(recipe) = recipe {
            self.add_recipe_line(&mut rule, &recipe);
        }
        reader.rule = Some(rule);
    }

    /// The index of the target of that name, which is made if it is new.
    pub(super) fn target_at(&mut self, name: &str) -> usize {
        if let Some(&at) = self.index.get(name) {
            return at;
        }
        let at = self.out.targets.len();
        self.out.targets.push(Target {
            name: name.to_owned(),
            place: self.here,
            maybe: self.uncertain > 0,
            ..Target::default()
        });
        self.index.insert(name.to_owned(), at);
        at
    }

    fn special(&mut self, name: &str, prerequisites: &[String]) {
        let names: Vec<String> = prerequisites
            .iter()
            .map(|it| known(it).into_owned())
            .filter(|it| !it.is_empty())
            .collect();
        if name == ".PHONY" {
            for it in &names {
                let at = self.target_at(&percent(it).0);
                self.out.targets[at].phony = true;
            }
        }
        self.out.special.push((name.to_owned(), names, self.here));
    }

    /// Adds a line to the recipe of the open rule; the first one gives its targets a new recipe.
    pub(super) fn add_recipe_line(&mut self, rule: &mut OpenRule, text: &str) {
        if self.out.recipes.len() > MOST {
            return;
        }
        let recipe = *rule.recipe.get_or_insert_with(|| {
            let at = self.out.recipes.len();
            self.out.recipes.push(Recipe { rule: rule.place, lines: Vec::new() });
            for &target in &rule.targets {
                let target = &mut self.out.targets[target];
                if !target.double_colon {
                    target.replaced.append(&mut target.recipes);
                }
                target.recipes.push(at);
            }
            for &pattern in &rule.patterns {
                self.out.patterns[pattern].recipes.push(at);
            }
            at
        });
        let line = RecipeLine { place: self.here, text: text.to_owned(), expanded: String::new() };
        self.out.recipes[recipe].lines.push(line);
    }

    // ---- after the last line

    /// Does what make does once everything is read, and expands the recipes to look at them.
    pub(super) fn finish(&mut self) {
        self.frozen = true;
        self.uncertain += 1;
        let goal = self.value_of(".DEFAULT_GOAL").unwrap_or_default();
        self.out.default_goal = known(goal.trim()).into_owned();
        if self.out.special(".SECONDEXPANSION").is_some() {
            self.expand_again();
        }
        if !self.both {
            self.expand_recipes();
        }
    }

    /// Expands prerequisites a second time, with the automatic variables that are known by then.
    fn expand_again(&mut self) {
        for at in 0..self.out.targets.len() {
            let target = &self.out.targets[at];
            let needs = target.prerequisites.iter().chain(&target.order_only);
            if !needs.into_iter().any(|it| it.contains('$')) {
                continue;
            }
            let name = target.name.clone();
            self.here = target.place;
            let (normal, order_only) = (target.prerequisites.clone(), target.order_only.clone());
            self.scopes.push(automatic(&name, &[], ""));
            let again = |it: &mut Self, names: Vec<String>| {
                let text = names.join(" ");
                let text = it.expand(&text).unwrap_or_else(|_| UNKNOWN.to_string());
                it.target_names(&text)
            };
            let (normal, order_only) = (again(self, normal), again(self, order_only));
            self.scopes.pop();
            let target = &mut self.out.targets[at];
            target.open |= normal.iter().chain(&order_only).any(|it| is_unknown(it));
            let clean = |names: Vec<String>| {
                names.iter().map(|it| known(it).into_owned()).filter(|it| !it.is_empty()).collect()
            };
            (target.prerequisites, target.order_only) = (clean(normal), clean(order_only));
        }
    }

    fn expand_recipes(&mut self) {
        let mut done = vec![false; self.out.recipes.len()];
        let scoped = self.definitions_for_targets();
        self.noting = true;
        for at in 0..self.out.targets.len() + self.out.patterns.len() {
            let count = self.out.targets.len();
            let target = self.out.targets.get(at).unwrap_or_else(|| &self.out.patterns[at - count]);
            let recipes: Vec<usize> = target
                .recipes
                .iter()
                .chain(&target.replaced)
                .copied()
                .filter(|&it| !done[it])
                .collect();
            if recipes.is_empty() {
                continue;
            }
            let target = target.clone();
            let stem = if at < count { "" } else { "%" };
            self.scopes.push(automatic(&target.name, &target.prerequisites, stem));
            let own = self.own_variables(&target.name, &scoped);
            self.scopes.push(own);
            for recipe in recipes {
                done[recipe] = true;
                self.expand_recipe(recipe);
            }
            self.scopes.truncate(self.scopes.len() - 2);
        }
        self.noting = false;
    }

    fn expand_recipe(&mut self, recipe: usize) {
        for line in 0..self.out.recipes[recipe].lines.len() {
            let it = &self.out.recipes[recipe].lines[line];
            self.here = it.place;
            let text = it.text.clone();
            let expanded = self.expand(&text).unwrap_or_else(|_| UNKNOWN.to_string());
            self.out.recipes[recipe].lines[line].expanded = expanded;
        }
    }

    /// The definitions that are for some targets only: by the name of the target, or its pattern.
    fn definitions_for_targets(&self) -> Scoped {
        let mut scoped = Scoped::default();
        for (at, it) in self.out.definitions.iter().enumerate() {
            for target in &it.targets {
                match target.contains('%') {
                    true => scoped.patterns.push((target.clone(), at)),
                    false => scoped.names.entry(target.clone()).or_default().push(at),
                }
            }
        }
        scoped.patterns.truncate(200);
        scoped
    }

    /// The variables that are set for this target only.
    fn own_variables(&mut self, target: &str, scoped: &Scoped) -> Vec<(String, std::rc::Rc<str>)> {
        let patterns = scoped.patterns.iter().filter(|it| stem(&it.0, target).is_some());
        let mut own: Vec<usize> = patterns.map(|it| it.1).collect();
        own.extend(scoped.names.get(target).into_iter().flatten());
        own.truncate(200);
        let own: Vec<_> = own
            .into_iter()
            .map(|at| &self.out.definitions[at])
            .map(|it| (it.name.clone(), it.operator, it.value.clone()))
            .collect();
        let mut scope: Vec<(String, std::rc::Rc<str>)> = Vec::new();
        for (name, operator, value) in own {
            if operator == "?=" && self.lookup(&name).is_some() {
                continue;
            }
            let mut value = self.expand(&value).unwrap_or_default();
            if operator == "+=" {
                let before = scope.iter().rev().find(|it| it.0 == name).map(|it| it.1.to_string());
                let before = before.unwrap_or_else(|| self.value_of(&name).unwrap_or_default());
                value = format!("{before} {value}");
            }
            scope.push((name, value.into()));
        }
        scope
    }
}

/// The definitions that are for some targets only.
#[derive(Default)]
struct Scoped {
    names: HashMap<String, Vec<usize>>,
    patterns: Vec<(String, usize)>,
}

/// `lib(a.o b.o)` names two members of an archive.
fn members(names: Vec<String>) -> Vec<String> {
    if !names.iter().any(|it| it.contains('(')) {
        return names;
    }
    let (mut out, mut archive) = (Vec::new(), None);
    let closes = names.iter().rposition(|it| it.ends_with(')')).unwrap_or(0);
    for (at, name) in names.into_iter().enumerate() {
        let opens = name.find('(').filter(|it| *it > 0 && at < closes && !name.ends_with(')'));
        match (&archive, opens) {
            (None, Some(at)) => {
                let library = name[..at].to_owned();
                out.push(format!("{name})"));
                archive = Some(library);
            }
            (Some(library), _) => {
                let member = name.trim_end_matches(')');
                if !member.is_empty() {
                    out.push(format!("{library}({member})"));
                }
                if name.ends_with(')') {
                    archive = None;
                }
            }
            _ => out.push(name),
        }
    }
    out
}

/// `./` at the start says nothing.
fn plain_name(name: &str) -> &str {
    let mut name = name;
    while name.len() > 2 && name.starts_with("./") {
        let rest = name[2..].trim_start_matches('/');
        if rest.is_empty() {
            break;
        }
        name = rest;
    }
    name
}

fn static_pattern(text: &str) -> Result<String, Stop> {
    let mut names = split_names(text).into_iter();
    match (names.next(), names.next()) {
        (Some(it), None) if percent(&it).1.is_some() => Ok(plain_name(&it).to_owned()),
        (Some(_), None) => Err(Stop::Error("the target pattern contains no `%`".into())),
        (None, _) => Err(Stop::Error("the target pattern is missing".into())),
        _ => Err(Stop::Error("there are several target patterns".into())),
    }
}

/// The automatic variables of a recipe.
fn automatic(
    target: &str,
    prerequisites: &[String],
    stem: &str,
) -> Vec<(String, std::rc::Rc<str>)> {
    let all = prerequisites.iter().take(1000).cloned().collect::<Vec<_>>().join(" ");
    let first = prerequisites.first().map_or("", String::as_str);
    let mut scope: Vec<(String, std::rc::Rc<str>)> = Vec::new();
    for (name, value) in [
        ("@", target),
        ("<", first),
        ("^", &all),
        ("+", &all),
        ("?", &all),
        ("*", stem),
        ("%", ""),
        ("|", ""),
    ] {
        scope.push((name.into(), value.into()));
        let folder = value.rsplit_once('/').map_or(".", |it| it.0);
        let file = value.rsplit_once('/').map_or(value, |it| it.1);
        scope.push((format!("{name}D"), folder.into()));
        scope.push((format!("{name}F"), file.into()));
    }
    scope
}

/// Where a name stands in the text of a line; the line's own bounds if it is not written there.
pub(super) fn place_of_name(line: &str, place: Place, name: &str) -> Place {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.' | '/' | '%');
    let is_short = line.len() < 20_000 && !name.is_empty();
    let found = is_short.then(|| line.match_indices(name)).into_iter().flatten().find(|(at, _)| {
        !line[..*at].ends_with(is_part) && !line[at + name.len()..].starts_with(is_part)
    });
    match found {
        Some((at, _)) => {
            let start = place.start + at as u32;
            Place { start, end: start + name.len() as u32, ..place }
        }
        None => {
            let skipped = line.len() - skip_space(line).len();
            let width = line.lines().next().map_or(0, str::len);
            Place {
                start: place.start + skipped.min(width) as u32,
                end: place.start + width as u32,
                ..place
            }
        }
    }
}
