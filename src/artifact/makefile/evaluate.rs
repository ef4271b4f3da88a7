//! The evaluator: reads a Makefile and what it includes as GNU make does, and runs nothing.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{
    expand::{GOAL, UNKNOWN, is_unknown, known, shown, without_marks},
    files::{self, Files, ROOT, absolute, below_root},
    model::{Definition, Evaluation, Place, Unknown, Unresolved},
};
use crate::parse::makefile::{
    self as grammar, DefinitionBody, Line, Lines, Operator, first_word, join_continuations,
    skip_space,
};

/// Why an expansion or a line ends early.
#[derive(Debug)]
pub enum Stop {
    /// make itself would stop here.
    Error(String),
    /// A limit of ours was met; its name.
    Limit(&'static str),
}

/// Where the value of a variable comes from, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// make itself.
    Default,
    /// The environment.
    Environment,
    /// A Makefile.
    File,
    /// A Makefile, with `override`.
    Override,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The right side: expanded unless it is recursive.
    pub value: Rc<str>,
    /// Whether it is expanded at each use.
    pub recursive: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// How many steps an evaluation may take.
const STEPS: u64 = 1_000_000;
/// How deep conditionals nest.
const CONDITIONALS: usize = 500;
/// How many files one evaluation may read.
const FILES: usize = 500;

/// Why a file outside of the root is not included.
pub(super) const OUTSIDE: &str = "it lies outside of the repository";

/// The state of an evaluation.
pub struct Evaluator<'f> {
    pub(super) files: &'f dyn Files,
    pub(super) folder: String,
    pub(super) variables: HashMap<String, Variable>,
    pub(super) scopes: Vec<Vec<(String, Rc<str>)>>,
    pub(super) expanding: Vec<Box<str>>,
    pub(super) call_width: usize,
    pub(super) depth: u32,
    /// How many conditions around this point are not known.
    pub(super) uncertain: u32,
    /// Whether both branches of conditions that are not known are read.
    pub(super) both: bool,
    /// Whether `$(eval)` has no effect: recipes are only looked at.
    pub(super) frozen: bool,
    /// Whether references to undefined variables are noted.
    pub(super) noting: bool,
    /// The line that is being read.
    pub(super) here: Place,
    pub(super) out: Evaluation,
    pub(super) index: HashMap<String, usize>,
    prefix: u8,
    steps: u64,
    undefined: HashSet<String>,
}

/// What one text is being read with: its open rule and its open conditions.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) rule: Option<OpenRule>,
    no_targets: bool,
    conditions: Vec<Condition>,
    ignored_define: bool,
}

/// The rule that recipe lines belong to.
#[derive(Default)]
pub(super) struct OpenRule {
    pub(super) targets: Vec<usize>,
    pub(super) patterns: Vec<usize>,
    pub(super) place: Place,
    pub(super) recipe: Option<usize>,
}

struct Condition {
    state: Branch,
    unknown: bool,
    seen_else: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// This branch is read.
    Read,
    /// No branch was read yet.
    NotYet,
    /// A branch was read: the others are not.
    Done,
}

/// Evaluates the Makefile at `entry` as `make` started in its folder would read it.
pub fn evaluate(files: &dyn Files, entry: &str) -> Evaluation {
    let mut first = Evaluator::new(files, entry, false);
    first.run(entry);
    let mut out = first.out;
    if out.unresolved.iter().any(|it| it.kind == Unknown::Condition) {
        let mut second = Evaluator::new(files, entry, true);
        second.run(entry);
        widen(&mut out, second.out);
    }
    out
}

/// Adds to a reading what it may miss: the names and the open ends of the reading of all branches.
/// Conditions that change neither are not worth a word.
fn widen(out: &mut Evaluation, wide: Evaluation) {
    let names = wide.targets.into_iter().map(|it| it.name);
    out.possible = names.filter(|it| !out.targets.iter().any(|t| t.name == *it)).collect();
    let mut opens = false;
    for it in wide.unresolved {
        let is_known = out.unresolved.iter().any(|o| o.kind == it.kind && o.place == it.place);
        if !is_known {
            opens |= it.kind.hides_names();
            out.unresolved.push(it);
        }
    }
    if out.possible.is_empty() && !opens {
        out.unresolved.retain(|it| it.kind != Unknown::Condition);
    }
}

impl<'f> Evaluator<'f> {
    fn new(files: &'f dyn Files, entry: &str, both: bool) -> Self {
        let folder = entry.rsplit_once('/').map_or("", |it| it.0);
        let mut it = Self {
            files,
            folder: absolute(ROOT, folder),
            variables: HashMap::new(),
            scopes: Vec::new(),
            expanding: Vec::new(),
            call_width: 0,
            depth: 0,
            uncertain: 0,
            both,
            frozen: false,
            noting: false,
            here: Place::default(),
            out: Evaluation::default(),
            index: HashMap::new(),
            prefix: b'\t',
            steps: 0,
            undefined: HashSet::new(),
        };
        let folder = it.folder.clone();
        for (name, value) in [
            ("MAKE_COMMAND", "make"),
            ("MAKE_VERSION", "4.3"),
            ("MAKE_HOST", "x86_64-pc-linux-gnu"),
            ("MAKECMDGOALS", GOAL.encode_utf8(&mut [0; 4])),
            (".RECIPEPREFIX", ""),
            (".SHELLFLAGS", "-c"),
            (
                ".FEATURES",
                "target-specific order-only second-expansion else-if shortest-stem undefine \
                 oneshell nocomment grouped-target extra-prereqs archives jobserver output-sync \
                 check-symlink load",
            ),
        ] {
            it.set_plain(name, value, Origin::Default);
        }
        for (name, value) in [("CURDIR", &*folder), ("MAKEFILE_LIST", ""), (".DEFAULT_GOAL", "")] {
            it.set_plain(name, value, Origin::File);
        }
        it.set_plain("MAKELEVEL", "0", Origin::Environment);
        for (name, value, origin) in [
            ("MAKE", "$(MAKE_COMMAND)", Origin::Default),
            ("MAKEFLAGS", "", Origin::File),
            ("SHELL", "/bin/sh", Origin::File),
            ("MFLAGS", "", Origin::Environment),
            ("PATH", "/usr/local/bin:/usr/bin:/bin", Origin::Environment),
            ("HOME", "/HOME", Origin::Environment),
            ("USER", "nobody", Origin::Environment),
        ] {
            let variable = Variable { value: value.into(), recursive: true, origin };
            it.variables.insert(name.to_owned(), variable);
        }
        it
    }

    fn set_plain(&mut self, name: &str, value: &str, origin: Origin) {
        let variable = Variable { value: value.into(), recursive: false, origin };
        self.variables.insert(name.to_owned(), variable);
    }

    fn run(&mut self, entry: &str) {
        let name = entry.rsplit_once('/').map_or(entry, |it| it.1);
        let read = self.list_file(name).and_then(|()| self.read_file(entry));
        if let Err(Stop::Limit(name)) = read {
            let text = format!("the {name} of the evaluation met its limit");
            self.unresolved(Unknown::Limit, "", &text);
            self.out.errors.push((self.here, text, true));
        }
        self.scopes.clear();
        self.finish();
    }

    /// Counts work; `size` bytes of text cost as much as the passes over them.
    pub(super) fn step(&mut self, size: usize) -> Result<(), Stop> {
        self.steps += 1 + size as u64 / 128;
        if self.steps > STEPS { Err(Stop::Limit("work")) } else { Ok(()) }
    }

    /// The variable of that name that is in force.
    pub(super) fn lookup(&self, name: &str) -> Option<Variable> {
        let scoped =
            self.scopes.iter().rev().find_map(|it| it.iter().rev().find(|it| it.0 == name));
        if let Some((_, value)) = scoped {
            let (value, origin) = (Rc::clone(value), Origin::Override);
            return Some(Variable { value, recursive: false, origin });
        }
        self.variables.get(name).cloned()
    }

    pub(super) fn note_undefined(&mut self, name: &str) {
        if self.noting && !name.is_empty() && self.undefined.insert(name.to_owned()) {
            self.out.undefined.push((name.to_owned(), self.here));
        }
    }

    pub(super) fn unresolved(&mut self, kind: Unknown, text: &str, why: &str) {
        let place = self.here;
        if self.out.unresolved.len() < 10_000
            && !self
                .out
                .unresolved
                .iter()
                .rev()
                .take(50)
                .any(|it| it.place == place && it.kind == kind && it.text == text)
        {
            let (text, why) = (shown(text), why.to_owned());
            self.out.unresolved.push(Unresolved { kind, place, text, why });
        }
    }

    // ---- reading

    /// Adds a file to `MAKEFILE_LIST`.
    fn list_file(&mut self, name: &str) -> Result<(), Stop> {
        let mut list = self.variables.get("MAKEFILE_LIST").map_or("", |it| &it.value).to_owned();
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(name);
        self.step(list.len())?;
        self.set_plain("MAKEFILE_LIST", &list, Origin::File);
        Ok(())
    }

    /// Reads the file at a path below the root; `false` if there is none.
    fn read_file(&mut self, path: &str) -> Result<bool, Stop> {
        let Some(text) = self.files.text(path) else { return Ok(false) };
        let text = without_marks(&text);
        self.step(text.len())?;
        let file = self.out.files.iter().position(|it| it == path).unwrap_or_else(|| {
            self.out.files.push(path.to_owned());
            self.out.files.len() - 1
        });
        if self.out.files.len() > FILES {
            return Err(Stop::Limit("number of files"));
        }
        let here = self.here;
        self.here = Place { file: file as u32, ..Place::default() };
        let done = self.read_text(&text, None);
        if done.is_ok() {
            self.here = here;
        }
        done.map(|()| true)
    }

    /// Reads a text: a file, or at one place the argument of `eval`.
    pub(super) fn read_text(&mut self, text: &str, at: Option<Place>) -> Result<(), Stop> {
        let uncertain = self.uncertain;
        let mut reader = Reader::default();
        let mut lines = Lines::new(text.strip_prefix('\u{FEFF}').unwrap_or(text));
        let skipped = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
        let mut done = Ok(());
        while let Some(line) = lines.next() {
            let start = line.start + skipped;
            self.here = at.unwrap_or(Place {
                file: self.here.file,
                start: start as u32,
                end: (start + line.text.len()) as u32,
                line: line.number,
            });
            let here = self.here;
            match self.statement(line, &mut lines, &mut reader) {
                Ok(()) => {}
                Err(Stop::Error(reason)) => {
                    self.here = here;
                    reader.rule = None;
                    if self.uncertain == 0 && self.out.errors.len() < 100 {
                        self.out.errors.push((here, reason, false));
                    }
                }
                Err(limit) => {
                    done = Err(limit);
                    break;
                }
            }
            self.here = here;
        }
        if done.is_ok() && !reader.conditions.is_empty() && at.is_none() {
            self.out.errors.push((self.here, "a conditional has no `endif`".into(), false));
        }
        self.uncertain = uncertain;
        done
    }

    fn statement(
        &mut self,
        line: Line<'_>,
        lines: &mut Lines<'_>,
        reader: &mut Reader,
    ) -> Result<(), Stop> {
        self.step(line.text.len())?;
        let is_recipe = line.text.as_bytes().first() == Some(&self.prefix);
        let ignoring = reader.ignoring();
        if is_recipe {
            if reader.no_targets {
                return Ok(());
            }
            if let Some(rule) = &mut reader.rule {
                if !ignoring {
                    self.add_recipe_line(rule, &line.text[1..]);
                }
                return Ok(());
            }
        }
        let mut plain = join_continuations(line.text).into_owned();
        grammar::cut_comment(&mut plain);
        let plain = skip_space(&plain);
        if let Some(definition) = grammar::definition(plain, false) {
            if ignoring {
                reader.ignored_define |= matches!(definition.body, DefinitionBody::Define(_));
                return Ok(());
            }
            reader.close_rule();
            let origin = if definition.overrides { Origin::Override } else { Origin::File };
            return match definition.body {
                DefinitionBody::Assign(it) => {
                    self.assign(it.name, it.operator, it.value, origin, None)
                }
                DefinitionBody::Define(header) => self.define(header, lines, origin),
                DefinitionBody::Undefine(name) => {
                    let name = self.expand(name)?;
                    let name = known(name.trim());
                    if self.variables.get(&*name).is_some_and(|it| it.origin <= origin) {
                        self.variables.remove(&*name);
                    }
                    Ok(())
                }
            };
        }
        if plain.is_empty() {
            return Ok(());
        }
        let (word, rest) = first_word(plain);
        if reader.ignored_define {
            reader.ignored_define = !(word == "endef" && rest.is_empty());
            return Ok(());
        }
        if self.conditional(word, rest, reader)? || reader.ignoring() {
            return Ok(());
        }
        match word {
            "export" | "unexport" => {
                reader.close_rule();
                self.expand(rest).map(drop)
            }
            "vpath" => {
                reader.close_rule();
                Ok(())
            }
            "include" | "-include" | "sinclude" => {
                reader.close_rule();
                self.include(rest, word != "include")
            }
            "load" | "-load" => {
                reader.close_rule();
                self.unresolved(Unknown::Load, rest, "objects are never loaded");
                Ok(())
            }
            _ if is_recipe => Err(Stop::Error("a recipe begins before the first target".into())),
            _ => self.rule(line.text, reader),
        }
    }

    // ---- variables

    /// Carries an assignment out: for every target, or noted for some.
    pub(super) fn assign(
        &mut self,
        name: &str,
        operator: Operator,
        value: &str,
        origin: Origin,
        targets: Option<Vec<String>>,
    ) -> Result<(), Stop> {
        let name = self.expand(name)?;
        let name = known(name.trim()).into_owned();
        if name.is_empty() {
            return Err(Stop::Error("the name of the variable is empty".into()));
        }
        self.note_definition(&name, operator.text(), value, origin, targets.clone());
        if targets.is_some() {
            if operator == Operator::Simple {
                self.expand(value)?;
            }
            return Ok(());
        }
        self.set(&name, operator, value, origin)
    }

    fn note_definition(
        &mut self,
        name: &str,
        operator: &'static str,
        value: &str,
        origin: Origin,
        targets: Option<Vec<String>>,
    ) {
        if self.out.definitions.len() >= 50_000 {
            return;
        }
        self.out.definitions.push(Definition {
            name: name.to_owned(),
            operator,
            value: value.chars().take(10_000).collect(),
            place: self.here,
            targets: targets.unwrap_or_default(),
            overrides: origin == Origin::Override,
        });
    }

    fn set(
        &mut self,
        name: &str,
        operator: Operator,
        value: &str,
        origin: Origin,
    ) -> Result<(), Stop> {
        let old = self.variables.get(name).cloned();
        if let Some(old) = &old
            && (old.origin > origin || operator == Operator::Conditional)
        {
            return Ok(());
        }
        let (mut text, recursive) = match (operator, &old) {
            (Operator::Recursive | Operator::Conditional, _) => (value.to_owned(), true),
            (Operator::Append, None) => (value.to_owned(), true),
            (Operator::Simple, _) => (self.expand(value)?, false),
            (Operator::Shell, _) => {
                self.expand(value)?;
                (UNKNOWN.to_string(), true)
            }
            (Operator::Append, Some(old)) => {
                let added = if old.recursive { value.to_owned() } else { self.expand(value)? };
                let text = match (old.value.is_empty(), added.is_empty()) {
                    (_, true) => old.value.to_string(),
                    (true, _) => added,
                    _ => format!("{} {added}", old.value),
                };
                (text, old.recursive)
            }
        };
        if text.len() > 1 << 20 {
            return Err(Stop::Limit("size"));
        }
        self.step(text.len())?;
        if self.uncertain > 0 && !text.ends_with(UNKNOWN) && name != ".DEFAULT_GOAL" {
            text.push(UNKNOWN);
        }
        if name == ".RECIPEPREFIX" {
            self.prefix = known(&text).bytes().next().unwrap_or(b'\t');
        }
        let variable = Variable { value: text.into(), recursive, origin };
        self.variables.insert(name.to_owned(), variable);
        Ok(())
    }

    fn define(&mut self, header: &str, lines: &mut Lines<'_>, origin: Origin) -> Result<(), Stop> {
        let (name, operator) = match grammar::assignment(header) {
            Some(it) => (it.name, it.operator),
            None => (header, Operator::Recursive),
        };
        let body = self.define_body(lines)?;
        let name = self.expand(name)?;
        let name = known(name.trim()).into_owned();
        if name.is_empty() {
            return Err(Stop::Error("the name of the variable is empty".into()));
        }
        self.note_definition(&name, "define", &body, origin, None);
        self.set(&name, operator, &body, origin)
    }

    fn define_body(&mut self, lines: &mut Lines<'_>) -> Result<String, Stop> {
        let (mut body, mut depth) = (String::new(), 1);
        for line in lines.by_ref() {
            self.step(line.text.len())?;
            let text = join_continuations(line.text);
            if text.as_bytes().first() != Some(&self.prefix) {
                let (word, rest) = first_word(&text);
                if word == "define" {
                    depth += 1;
                } else if word == "endef" || word.starts_with("endef#") {
                    let _ = rest;
                    depth -= 1;
                    if depth == 0 {
                        body.pop();
                        return Ok(body);
                    }
                }
            }
            body.push_str(&text);
            body.push('\n');
        }
        Err(Stop::Error("a `define` has no `endef`".into()))
    }

    // ---- conditionals

    /// Whether the line is a conditional directive; its effect is in the reader.
    fn conditional(&mut self, word: &str, rest: &str, reader: &mut Reader) -> Result<bool, Stop> {
        match word {
            "ifdef" | "ifndef" | "ifeq" | "ifneq" => {
                if reader.conditions.len() >= CONDITIONALS {
                    return Err(Stop::Limit("depth"));
                }
                let condition = if reader.ignoring() {
                    Condition { state: Branch::Done, unknown: false, seen_else: false }
                } else {
                    // A condition that cannot be read still has an `endif` to come.
                    match self.judged(word, rest) {
                        Err(Stop::Error(reason)) => {
                            if self.uncertain == 0 {
                                self.out.errors.push((self.here, reason, false));
                            }
                            Condition::of(false, true)
                        }
                        judged => judged?,
                    }
                };
                self.uncertain += u32::from(condition.unknown);
                reader.conditions.push(condition);
            }
            "else" => self.otherwise(rest, reader)?,
            "endif" => match reader.conditions.pop() {
                Some(it) => self.uncertain -= u32::from(it.unknown),
                None => return Err(Stop::Error("an `endif` without its conditional".into())),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn otherwise(&mut self, rest: &str, reader: &mut Reader) -> Result<(), Stop> {
        let outer = reader.conditions.len().saturating_sub(1);
        let outer_ignores = reader.conditions[..outer].iter().any(|it| it.state != Branch::Read);
        let Some(top) = reader.conditions.last_mut() else {
            return Err(Stop::Error("an `else` without its conditional".into()));
        };
        if top.seen_else {
            return Err(Stop::Error("a second `else` for one conditional".into()));
        }
        let (word, condition) = first_word(rest);
        top.seen_else = word.is_empty();
        let reads_all = self.both && top.unknown && !outer_ignores;
        top.state = match top.state {
            Branch::Read if reads_all => Branch::NotYet,
            Branch::Read | Branch::Done => Branch::Done,
            Branch::NotYet => Branch::NotYet,
        };
        if top.state == Branch::Done {
            return Ok(());
        }
        if word.is_empty() {
            top.state = Branch::Read;
            return Ok(());
        }
        let was_unknown = top.unknown;
        let next = self.judged(word, condition)?;
        let unknown = next.unknown || was_unknown;
        self.uncertain += u32::from(unknown && !was_unknown);
        if let Some(top) = reader.conditions.last_mut() {
            (top.state, top.unknown) = (next.state, unknown);
        }
        Ok(())
    }

    fn judged(&mut self, word: &str, rest: &str) -> Result<Condition, Stop> {
        let (left, right) = match word {
            "ifdef" | "ifndef" => {
                let name = self.expand(rest)?;
                if known(&name).split_ascii_whitespace().nth(1).is_some() {
                    return Err(Stop::Error(format!("`{word}` takes one name")));
                }
                let value = self.lookup(known(name.trim()).as_ref());
                let value = value.map_or(String::new(), |it| it.value.to_string());
                let unknown = is_unknown(&name) || is_unknown(&value);
                let holds = known(&value).is_empty() != (word == "ifdef");
                return Ok(self.condition(holds, unknown, rest));
            }
            "ifeq" | "ifneq" => condition_sides(rest)
                .ok_or_else(|| Stop::Error(format!("`{word}` needs two texts to compare")))?,
            _ => return Err(Stop::Error(format!("`{word}` after `else` is no conditional"))),
        };
        let noting = std::mem::replace(&mut self.noting, false);
        let left = self.expand(left)?;
        let right = self.expand(right)?;
        self.noting = noting;
        let holds = (known(&left) == known(&right)) == (word == "ifeq");
        Ok(self.condition(holds, is_unknown(&left) || is_unknown(&right), rest))
    }

    fn condition(&mut self, holds: bool, unknown: bool, text: &str) -> Condition {
        if unknown {
            self.unresolved(Unknown::Condition, text, "it depends on the output of a command");
        }
        Condition::of(holds || unknown && self.both, unknown)
    }

    // ---- includes

    fn include(&mut self, names: &str, optional: bool) -> Result<(), Stop> {
        let names = self.expand(names)?;
        if self.depth > 100 {
            return Err(Stop::Limit("depth"));
        }
        for name in grammar::split_names(&names) {
            if is_unknown(&name) {
                self.unresolved(Unknown::Include, &name, "its name is not known");
                if known(&name).is_empty() {
                    continue;
                }
            }
            let name = known(&name).into_owned();
            let found = if files::is_glob(&name) { self.glob(&name) } else { Vec::new() };
            if files::is_glob(&name) && self.files.list().is_none() {
                self.unresolved(Unknown::Include, &name, "the files beside it are not known");
            }
            let found = if found.is_empty() { vec![name] } else { found };
            for name in found {
                self.include_one(name.strip_prefix("./").unwrap_or(&name), optional)?;
            }
        }
        Ok(())
    }

    fn include_one(&mut self, name: &str, optional: bool) -> Result<(), Stop> {
        let whole = absolute(&self.folder, name);
        let Some(path) = below_root(&whole) else {
            if !optional {
                self.unresolved(Unknown::Include, name, OUTSIDE);
            }
            return Ok(());
        };
        let listed = self.variables.get("MAKEFILE_LIST").cloned();
        self.list_file(name)?;
        self.depth += 8;
        let read = self.read_file(path);
        self.depth -= 8;
        if !read? {
            if let Some(listed) = listed {
                self.variables.insert("MAKEFILE_LIST".to_owned(), listed);
            }
            let why = match self.files.list() {
                _ if optional => "it is not in the repository; it may be made or be local",
                Some(_) => "it is not in the repository",
                None => "only this file is known",
            };
            if !optional || self.files.list().is_none() {
                self.unresolved(Unknown::Include, name, why);
            }
        }
        Ok(())
    }

    pub(super) fn default_goal(&mut self, name: &str) {
        let is_set =
            self.variables.get(".DEFAULT_GOAL").is_some_and(|it| !known(&it.value).is_empty());
        let is_hidden = name.starts_with('.') && !name.contains('/');
        if !is_set && !is_hidden {
            self.set_plain(".DEFAULT_GOAL", name, Origin::File);
        }
    }
}

impl Condition {
    fn of(holds: bool, unknown: bool) -> Self {
        let state = if holds { Branch::Read } else { Branch::NotYet };
        Self { state, unknown, seen_else: false }
    }
}

impl Reader {
    fn ignoring(&self) -> bool {
        self.conditions.iter().any(|it| it.state != Branch::Read)
    }

    pub(super) fn close_rule(&mut self) {
        self.rule = None;
        self.no_targets = false;
    }

    /// Opens a rule without targets: its recipe is read and dropped.
    pub(super) fn open_nothing(&mut self) {
        self.rule = None;
        self.no_targets = true;
    }
}

/// The two sides of `ifeq (a,b)` or `ifeq "a" 'b'`, unexpanded.
fn condition_sides(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let quote = *bytes.first()?;
    if quote == b'(' {
        let mut depth = 0i64;
        let comma = bytes.iter().enumerate().skip(1).position(|(_, &it)| {
            depth += i64::from(it == b'(') - i64::from(it == b')');
            it == b',' && depth <= 0
        })? + 1;
        let right = skip_space(&text[comma + 1..]);
        let mut depth = 0i64;
        let end = right.bytes().position(|it| {
            let ends = it == b')' && depth <= 0;
            depth += i64::from(it == b'(') - i64::from(it == b')');
            ends
        })?;
        return Some((text[1..comma].trim_end_matches([' ', '\t']), &right[..end]));
    }
    if quote != b'"' && quote != b'\'' {
        return None;
    }
    let (left, rest) = text[1..].split_once(quote as char)?;
    let rest = skip_space(rest);
    let quote = rest.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    let (right, _) = rest[1..].split_once(quote)?;
    Some((left, right))
}
