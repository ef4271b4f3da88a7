//! What a value must be for a rule to have something to say: most subjects need no more than a look.
//!
//! Many rules ask for one value first: the name of a command, the kind of an object, a field that
//! few have. Where it is none of those that a rule names, what the rule says is known before anything
//! is evaluated. The rules of a view are sifted together: each value is looked up once, and the rules
//! that it leaves open are judged.

use std::collections::HashMap;

use super::{
    Rule,
    cel::{Comparison, Expr, Fold, Macro, Op, at, items},
    compile::Programs,
};
use crate::{artifact::Subject, document::tag, value::Value};

/// The longest list that is looked up item by item.
const LONGEST: usize = 1000;

/// A value that settles what a rule says.
#[derive(Debug)]
pub(super) struct Sieve {
    path: Path,
    given: Given,
    /// The texts for which the matter is open.
    texts: Vec<Text>,
    /// What is known otherwise: whether the rule applies. It finds and proves nothing.
    applies: Applies,
}

/// Whether a rule applies where it is settled that it finds and proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applies {
    No,
    Yes,
    /// Its `when` must be asked.
    Maybe,
}

/// The place of a value: a variable and the fields below it.
type Path = (usize, Box<[Box<str>]>);

/// The values that settle what a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// Other texts than those that the rule names, and nothing.
    Text,
    /// Lists without the texts that the rule names, and nothing.
    List,
    /// Nothing, and `false`.
    Unset,
    /// Nothing.
    Nothing,
    /// `true`.
    True,
}

#[derive(Debug)]
enum Text {
    Is(Box<str>),
    StartsWith(Box<str>),
}

impl Given {
    /// Whether a value that is no text and no list is given.
    fn is(self, value: &Value<'_>) -> bool {
        match self {
            Self::Text | Self::List | Self::Nothing => value.is_null(),
            Self::Unset => value.is_null() || value.as_bool() == Some(false),
            Self::True => value.as_bool() == Some(true),
        }
    }
}

impl Sieve {
    /// The sieve of a rule over so many variables, if a value settles what it says.
    pub fn of(programs: &Programs, variables: usize) -> Option<Self> {
        let mut paths = Vec::new();
        let needs = programs.requires.iter().flat_map(|it| [it.when.as_ref(), Some(&it.that)]);
        let own = [programs.when.as_ref(), programs.proves.as_ref()];
        for expr in own.into_iter().chain(needs).flatten() {
            compared(expr, &mut paths);
        }
        let all = [Given::Text, Given::Unset, Given::Nothing, Given::True, Given::List];
        let sieves = all.into_iter().flat_map(|given| {
            paths.iter().filter_map(move |&(slot, path)| {
                let mut settled = Settled { slot, path, given, variables, texts: Vec::new() };
                let applies = settled.outcome(programs)?;
                Some(Self { path: (slot, path.into()), given, texts: settled.texts, applies })
            })
        });
        let mut second = None;
        for sieve in sieves {
            if sieve.applies != Applies::Maybe {
                return Some(sieve);
            }
            second.get_or_insert(sieve);
        }
        second
    }
}

/// The rules of a view by the values that leave them open; rules are told by their numbers.
#[derive(Debug, Default)]
pub struct Sift {
    /// Rules that no value settles.
    always: Vec<usize>,
    /// One for each place of a value, and what is given there.
    groups: Vec<Group>,
}

/// The rules that the value at one place settles.
#[derive(Debug)]
struct Group {
    path: Path,
    given: Given,
    all: Vec<usize>,
    /// Those that are open where the text is this.
    exact: HashMap<Box<str>, Vec<usize>>,
    /// Which tags these texts have: most others have none of them.
    tags: [bool; 256],
    /// Those that are open where the text starts with this.
    starts: Vec<(Box<str>, usize)>,
    /// Those that apply where they are settled, and have items to speak for.
    applying: Vec<usize>,
    /// Those that may apply where they are settled, and have items to speak for.
    asking: Vec<usize>,
}

/// The numbers of the rules that a subject is judged by.
#[derive(Debug, Default)]
pub struct Sifted {
    /// Those that nothing settles.
    pub open: Vec<usize>,
    /// Those that are settled, apply, have items to speak for and were not yet told of.
    pub applying: Vec<usize>,
    /// The same, but that they apply is not known.
    pub asking: Vec<usize>,
}

impl Sift {
    /// That of the rules of a view.
    pub fn of(rules: &[&Rule]) -> Self {
        let mut sift = Self::default();
        for (number, rule) in rules.iter().enumerate() {
            let programs = rule.programs().ok();
            match programs.and_then(|it| it.sieve.as_ref()) {
                Some(sieve) => sift.group(sieve).add(number, rule, sieve),
                None => sift.always.push(number),
            }
        }
        sift
    }

    fn group(&mut self, sieve: &Sieve) -> &mut Group {
        let is_of = |it: &Group| it.path == sieve.path && it.given == sieve.given;
        let at = self.groups.iter().position(is_of).unwrap_or(self.groups.len());
        if at == self.groups.len() {
            self.groups.push(Group {
                path: sieve.path.clone(),
                given: sieve.given,
                all: Vec::new(),
                exact: HashMap::new(),
                tags: [false; 256],
                starts: Vec::new(),
                applying: Vec::new(),
                asking: Vec::new(),
            });
        }
        &mut self.groups[at]
    }

    /// Sets `sifted` to the rules that a subject is judged by; `told` says of which it was already
    /// told that they apply.
    pub fn look(&self, subject: &Subject<'_>, told: &[bool], sifted: &mut Sifted) {
        let Sifted { open, applying, asking } = sifted;
        open.clear();
        applying.clear();
        asking.clear();
        open.extend_from_slice(&self.always);
        for group in &self.groups {
            let from = open.len();
            let (slot, fields) = &group.path;
            match at(&subject.values, *slot, fields) {
                Ok(value) => group.look(&value, open),
                Err(_) => open.extend_from_slice(&group.all),
            }
            let is_settled = |it: &&usize| !told[**it] && !open[from..].contains(it);
            applying.extend(group.applying.iter().filter(is_settled));
            asking.extend(group.asking.iter().filter(is_settled));
        }
    }
}

impl Group {
    fn add(&mut self, number: usize, rule: &Rule, sieve: &Sieve) {
        self.all.push(number);
        for text in &sieve.texts {
            match text {
                Text::Is(it) => {
                    self.tags[usize::from(tag(it.as_bytes()))] = true;
                    let open = self.exact.entry(it.clone()).or_default();
                    if !open.contains(&number) {
                        open.push(number);
                    }
                }
                Text::StartsWith(it) => self.starts.push((it.clone(), number)),
            }
        }
        match sieve.applies {
            Applies::Yes if !rule.items.is_empty() => self.applying.push(number),
            Applies::Maybe if !rule.items.is_empty() => self.asking.push(number),
            _ => {}
        }
    }

    /// Adds the rules that a value leaves open.
    fn look(&self, value: &Value<'_>, open: &mut Vec<usize>) {
        if self.given.is(value) {
            return;
        }
        if self.given == Given::List {
            return self.look_at_list(value, open);
        }
        let Some(text) = value.as_str().filter(|_| self.given == Given::Text) else {
            open.extend_from_slice(&self.all);
            return;
        };
        let from = open.len();
        open.extend(self.named(text));
        for (start, number) in &self.starts {
            if text.starts_with(&**start) && !open[from..].contains(number) {
                open.push(*number);
            }
        }
    }

    /// The rules that are open where there is this text.
    fn named(&self, text: &str) -> impl Iterator<Item = &usize> {
        let may_be = self.tags[usize::from(tag(text.as_bytes()))];
        may_be.then(|| self.exact.get(text)).flatten().into_iter().flatten()
    }

    /// Adds the rules that a list leaves open: those that name one of its items.
    fn look_at_list(&self, value: &Value<'_>, open: &mut Vec<usize>) {
        let is_short = items(value).is_some_and(|it| it.count() <= LONGEST);
        if !is_short {
            return open.extend_from_slice(&self.all);
        }
        let from = open.len();
        for item in items(value).into_iter().flatten() {
            for number in item.as_str().into_iter().flat_map(|it| self.named(it)) {
                if !open[from..].contains(number) {
                    open.push(*number);
                }
            }
        }
    }
}

/// The paths of an expression that it compares or asks for.
fn compared<'p>(expr: &'p Expr, paths: &mut Vec<(usize, &'p [Box<str>])>) {
    let mut add = |expr: &'p Expr| {
        if let Op::Path(slot, path) = &expr.op
            && !paths.contains(&(*slot, path))
        {
            paths.push((*slot, path));
        }
    };
    match &expr.op {
        Op::Path(..) => add(expr),
        Op::Has(of) => add(of),
        Op::Compare(_, pair) => [&pair.0, &pair.1].into_iter().for_each(add),
        Op::In(pair) => add(&pair.1),
        Op::Fold(_, fold) => add(&fold.over),
        Op::OneOf(item, _) => add(item),
        Op::Call(_, arguments) => arguments.iter().take(1).for_each(add),
        Op::Not(of) => compared(of, paths),
        Op::And(parts) | Op::Or(parts) => parts.iter().for_each(|it| compared(it, paths)),
        _ => {}
    }
}

/// What holds where something is given; of texts, where it is another than all that were asked for.
struct Settled<'p> {
    slot: usize,
    path: &'p [Box<str>],
    given: Given,
    /// How many variables there are beside those of macros.
    variables: usize,
    texts: Vec<Text>,
}

impl Settled<'_> {
    /// Whether a rule applies that then finds and proves nothing; nothing if that is not known.
    fn outcome(&mut self, programs: &Programs) -> Option<Applies> {
        let applies = self.condition(programs.when.as_ref())?;
        if applies == Applies::No {
            return Some(Applies::No);
        }
        if let Some(proves) = &programs.proves
            && self.truth(proves)?
        {
            return None;
        }
        for needs in &programs.requires {
            if self.condition(needs.when.as_ref())? != Applies::No && !self.truth(&needs.that)? {
                return None;
            }
        }
        Some(applies)
    }

    /// Whether a condition holds; nothing, if only an evaluation without end can tell.
    fn condition(&mut self, expr: Option<&Expr>) -> Option<Applies> {
        let Some(expr) = expr else { return Some(Applies::Yes) };
        match self.truth(expr) {
            Some(true) => Some(Applies::Yes),
            Some(false) => Some(Applies::No),
            None => has_no_limit(expr).then_some(Applies::Maybe),
        }
    }

    /// Whether an expression holds, where that is known without an error.
    fn truth(&mut self, expr: &Expr) -> Option<bool> {
        match &expr.op {
            Op::Not(of) => self.truth(of).map(|it| !it),
            Op::And(parts) => self.chain(parts, false),
            Op::Or(parts) => self.chain(parts, true),
            Op::Path(..) if self.is(expr) => match self.given {
                Given::Text | Given::List => None,
                Given::Unset | Given::Nothing => Some(false),
                Given::True => Some(true),
            },
            Op::Has(of) if self.is(of) => match self.given {
                Given::Text | Given::List | Given::Unset => None,
                Given::Nothing => Some(false),
                Given::True => Some(true),
            },
            Op::Compare(how @ (Comparison::Equal | Comparison::Unequal), pair) => {
                let other = match &**pair {
                    (it, other) if self.is(it) => other,
                    (other, it) if self.is(it) => other,
                    _ => return None,
                };
                let is_equal = match (&other.op, self.given) {
                    (Op::Text(text), Given::Text | Given::Nothing) => {
                        self.texts.push(Text::Is(text.clone()));
                        false
                    }
                    (Op::Constant(Value::Null), Given::Nothing) => true,
                    _ => return None,
                };
                Some(is_equal == (*how == Comparison::Equal))
            }
            Op::OneOf(item, list) if self.is(item) && self.asks_for_texts() => {
                for it in list {
                    self.texts.push(Text::Is(it.as_str()?.into()));
                }
                Some(false)
            }
            Op::In(pair) if self.given == Given::List && self.is(&pair.1) => {
                let Op::Text(text) = &pair.0.op else { return None };
                self.texts.push(Text::Is(text.clone()));
                Some(false)
            }
            Op::Fold(Macro::Exists, fold) if self.given == Given::List && self.is(&fold.over) => {
                self.asked_of_items(fold)?;
                Some(false)
            }
            Op::Call(function, arguments)
                if function.name == "startsWith" && self.asks_for_texts() =>
            {
                let [of, Expr { op: Op::Text(start), .. }] = &**arguments else { return None };
                self.is(of).then(|| self.texts.push(Text::StartsWith(start.clone())))?;
                Some(false)
            }
            _ => None,
        }
    }

    /// Notes the texts that a macro looks for among the items of a list, if that is all it does.
    fn asked_of_items(&mut self, fold: &Fold) -> Option<()> {
        let item = self.variables;
        let is_item =
            |it: &Expr| matches!(&it.op, Op::Path(slot, path) if *slot == item && path.is_empty());
        match &fold.body.op {
            Op::OneOf(item, list) if is_item(item) => {
                for it in list {
                    self.texts.push(Text::Is(it.as_str()?.into()));
                }
            }
            Op::Compare(Comparison::Equal, pair) if is_item(&pair.0) => {
                let Op::Text(text) = &pair.1.op else { return None };
                self.texts.push(Text::Is(text.clone()));
            }
            _ => return None,
        }
        Some(())
    }

    /// `&&` and `||`: what settles the matter settles it behind an error too, but not behind a limit.
    fn chain(&mut self, parts: &[Expr], settles: bool) -> Option<bool> {
        let mut is_open = false;
        for part in parts {
            match self.truth(part) {
                Some(it) if it == settles => return Some(settles),
                Some(_) => {}
                None if has_no_limit(part) => is_open = true,
                None => return None,
            }
        }
        (!is_open).then_some(!settles)
    }

    /// Whether a text is none of those that are asked for.
    fn asks_for_texts(&self) -> bool {
        matches!(self.given, Given::Text | Given::Nothing)
    }

    fn is(&self, expr: &Expr) -> bool {
        matches!(&expr.op, Op::Path(slot, path) if (*slot, &**path) == (self.slot, self.path))
    }
}

/// Whether an expression comes to an end in a few steps, whatever its values are.
fn has_no_limit(expr: &Expr) -> bool {
    match &expr.op {
        Op::Path(..) | Op::Text(_) => true,
        Op::Constant(value) => !matches!(value, Value::List(_) | Value::Map(_)),
        Op::Has(of) | Op::Not(of) | Op::OneOf(of, _) => has_no_limit(of),
        Op::And(parts) | Op::Or(parts) => parts.iter().all(has_no_limit),
        Op::Call(function, of) if matches!(function.name, "size" | "startsWith") => {
            of.iter().all(has_no_limit)
        }
        Op::Compare(_, pair) => {
            let is_scalar = |it: &Expr| matches!(it.op, Op::Text(_) | Op::Constant(_));
            (is_scalar(&pair.0) || is_scalar(&pair.1))
                && has_no_limit(&pair.0)
                && has_no_limit(&pair.1)
        }
        _ => false,
    }
}
