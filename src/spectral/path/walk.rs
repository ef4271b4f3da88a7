//! Finds what many paths select in one walk over a document.
//!
//! The steps of all paths that a place may still match are one state; states are numbered, and a
//! node is entered once per state, however many references lead to it. So a walk takes time
//! proportional to the document, and never longer than its budget.

use std::collections::{HashMap, HashSet};

use super::{Path, Test, expr::Scope};
use crate::{
    document::{Id, Kind, Node},
    spectral::js::{Eyes, entries},
};

/// How many children one walk looks at.
const MAX_VISITS: usize = 20_000_000;
/// How deep it goes.
const MAX_DEPTH: usize = 4_000;
/// How many different states it may meet.
const MAX_STATES: usize = 20_000;

/// The walk was given up: the document is too large for these paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Too;

/// Under what a node hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prop<'a> {
    /// It is the document.
    Root,
    /// An entry of a map.
    Key(&'a str),
    /// An item of a list.
    Index(u32),
}

/// A node on the way from the document to a match.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    /// Its key or index.
    pub key: Prop<'a>,
    /// The node as it is written there: perhaps a reference.
    pub written: Node<'a>,
    /// The node that is seen there.
    pub node: Node<'a>,
    /// Whether the way to it, before it, leads through a reference.
    pub crossed: bool,
}

impl<'a> Spot<'a> {
    /// The root of a document.
    pub fn root(node: Node<'a>) -> Self {
        Self { key: Prop::Root, written: node, node, crossed: false }
    }

    /// Whether the way below it leads through a reference.
    pub fn crosses(&self) -> bool {
        self.crossed || self.written != self.node
    }
}

/// Several paths that are looked for at once.
#[derive(Debug, Default)]
pub struct Paths {
    paths: Vec<Path>,
}

/// A step that a child may match: which path, and which of its steps.
type Waiting = (u32, u32);

/// What a state knows of itself.
#[derive(Default)]
struct State {
    /// All that it waits for.
    waiting: Vec<Waiting>,
    /// What stays below, whatever the key.
    stays: Vec<Waiting>,
    /// What a name fulfils.
    named: HashMap<String, Vec<Waiting>>,
    /// What every child fulfils.
    any: Vec<Waiting>,
    /// What must be looked at: filters and slices.
    tested: Vec<Waiting>,
    /// Where it leads, by what was fulfilled beyond `any`.
    next: HashMap<Vec<Waiting>, u32>,
}

impl Paths {
    /// Adds a path and gives its number.
    pub fn add(&mut self, path: Path) -> usize {
        self.paths.push(path);
        self.paths.len() - 1
    }

    /// Whether the key of what a path finds is the value.
    pub fn is_keyed(&self, path: usize) -> bool {
        let mut path = &self.paths[path];
        while let Some(then) = &path.then {
            path = then;
        }
        path.keyed
    }

    /// Gives every match: the number of its path, and the way to it.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn walk<'a>(
        &'a self,
        start: Spot<'a>,
        eyes: Eyes<'_, 'a>,
        found: &mut dyn FnMut(usize, &[Spot<'a>]),
    ) -> Result<(), Too> {
        let mut budget = MAX_VISITS;
        let mut walk = Walk::new(self.paths.iter().collect(), eyes, &mut budget);
        let mut later = Vec::new();
        walk.run(vec![start], &mut |number, trail| {
            let path = &self.paths[number];
            match &path.then {
                None => found(number, trail),
                Some(then) => later.push((number, &**then, trail.to_vec())),
            }
        })?;
        let mut seen = HashSet::new();
        while let Some((number, path, trail)) = later.pop() {
            let here = trail.last().map(|it| it.node.id());
            if !seen.insert((number, here)) {
                continue;
            }
            let mut walk = Walk::new(vec![path], eyes, &mut budget);
            walk.run(trail, &mut |_, trail| match &path.then {
                None => found(number, trail),
                Some(then) => later.push((number, &**then, trail.to_vec())),
            })?;
        }
        Ok(())
    }
}

struct Walk<'w, 'a> {
    paths: Vec<&'a Path>,
    eyes: Eyes<'w, 'a>,
    budget: &'w mut usize,
    states: Vec<State>,
    numbers: HashMap<Vec<Waiting>, u32>,
    entered: HashSet<(Id, u32, bool)>,
    trail: Vec<Spot<'a>>,
    matched: Vec<Waiting>,
}

/// A container whose children are being looked at.
struct Frame<'a> {
    state: u32,
    children: std::vec::IntoIter<(Prop<'a>, Node<'a>)>,
    len: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(paths: Vec<&'a Path>, eyes: Eyes<'w, 'a>, budget: &'w mut usize) -> Self {
        Self {
            paths,
            eyes,
            budget,
            states: Vec::new(),
            numbers: HashMap::new(),
            entered: HashSet::new(),
            trail: Vec::new(),
            matched: Vec::new(),
        }
    }

    fn run(
        &mut self,
        trail: Vec<Spot<'a>>,
        found: &mut dyn FnMut(usize, &[Spot<'a>]),
    ) -> Result<(), Too> {
        self.trail = trail;
        let Some(start) = self.trail.last().map(|it| it.node) else { return Ok(()) };
        let mut waiting = Vec::new();
        for (number, path) in self.paths.clone().into_iter().enumerate() {
            if path.steps.is_empty() {
                self.emit(number, found);
            }
            if !path.steps.is_empty() || path.containers {
                waiting.push((number as u32, 0));
            }
        }
        let state = self.state(waiting)?;
        let mut frames = vec![self.frame(start, state)];
        while let Some(frame) = frames.last_mut() {
            let Some((key, written)) = frame.children.next() else {
                frames.pop();
                if !frames.is_empty() {
                    self.trail.pop();
                }
                continue;
            };
            *self.budget = self.budget.checked_sub(1).ok_or(Too)?;
            let (state, len) = (frame.state, frame.len);
            let node = self.eyes.see(written);
            let crossed = self.trail.last().is_some_and(Spot::crosses);
            let spot = Spot { key, written, node, crossed };
            self.trail.push(spot);
            let next = self.child(state, len, found)?;
            let enter = matches!(node.kind(), Kind::Map | Kind::Seq)
                && !self.states[next as usize].waiting.is_empty()
                && self.entered.insert((node.id(), next, spot.crosses()));
            if enter && frames.len() < MAX_DEPTH {
                frames.push(self.frame(node, next));
            } else if enter {
                return Err(Too);
            } else {
                self.trail.pop();
            }
        }
        Ok(())
    }

    fn frame(&self, node: Node<'a>, state: u32) -> Frame<'a> {
        let children: Vec<_> = match node.kind() {
            Kind::Map => entries(node).into_iter().map(|(key, it)| (Prop::Key(key), it)).collect(),
            Kind::Seq => (0..).zip(node.children()).map(|(at, it)| (Prop::Index(at), it)).collect(),
            _ => Vec::new(),
        };
        Frame { state, len: children.len(), children: children.into_iter() }
    }

    /// Looks at the last spot of the trail: gives what it matches, and the state below it.
    fn child(
        &mut self,
        state: u32,
        len: usize,
        found: &mut dyn FnMut(usize, &[Spot<'a>]),
    ) -> Result<u32, Too> {
        let Some(spot) = self.trail.last().copied() else { return Ok(state) };
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        let known = &self.states[state as usize];
        let text;
        let name = match spot.key {
            Prop::Key(key) => key,
            Prop::Index(at) => {
                text = at.to_string();
                &text
            }
            Prop::Root => "",
        };
        if let Some(named) = known.named.get(name) {
            matched.extend(named);
        }
        for &(number, step) in &known.tested {
            let holds = match &self.paths[number as usize].steps[step as usize].test {
                Test::Filter(expr) => expr.holds(Scope { eyes: self.eyes, trail: &self.trail }),
                Test::Slice { from, to, step } => is_in(spot.key, len, *from, *to, *step),
                _ => false,
            };
            if holds {
                matched.push((number, step));
            }
        }
        for at in 0..known.any.len() + matched.len() {
            let known = &self.states[state as usize];
            let any = known.any.len();
            let (number, step) = if at < any { known.any[at] } else { matched[at - any] };
            let path = self.paths[number as usize];
            let containers = path.containers && step as usize == path.steps.len();
            let is_container = matches!(spot.node.kind(), Kind::Map | Kind::Seq);
            if !path.containers && step as usize + 1 == path.steps.len()
                || containers && is_container
            {
                self.emit(number as usize, found);
            }
        }
        let next = self.next(state, &matched);
        self.matched = matched;
        next
    }

    /// The state below a child that matched these.
    fn next(&mut self, state: u32, matched: &[Waiting]) -> Result<u32, Too> {
        let known = &self.states[state as usize];
        if let Some(next) = known.next.get(matched) {
            return Ok(*next);
        }
        let mut waiting = known.stays.clone();
        for &(number, step) in known.any.iter().chain(matched) {
            let path = self.paths[number as usize];
            let last = path.steps.len() - usize::from(!path.containers);
            if (step as usize) < last {
                waiting.push((number, step + 1));
            }
        }
        let next = self.state(waiting)?;
        self.states[state as usize].next.insert(matched.to_vec(), next);
        Ok(next)
    }

    /// The number of a state.
    fn state(&mut self, waiting: Vec<Waiting>) -> Result<u32, Too> {
        let mut waiting = waiting;
        waiting.sort_unstable();
        waiting.dedup();
        if let Some(known) = self.numbers.get(&waiting) {
            return Ok(*known);
        }
        if self.states.len() >= MAX_STATES {
            return Err(Too);
        }
        let mut state = State { waiting: waiting.clone(), ..State::default() };
        for &it in &waiting {
            let path = self.paths[it.0 as usize];
            let Some(step) = path.steps.get(it.1 as usize) else {
                // `$..` behind the last step.
                state.any.push(it);
                state.stays.push(it);
                continue;
            };
            if step.deep {
                state.stays.push(it);
            }
            match &step.test {
                Test::Any => state.any.push(it),
                Test::Names(names) => {
                    for name in names {
                        let list = state.named.entry(name.clone()).or_default();
                        if !list.contains(&it) {
                            list.push(it);
                        }
                    }
                }
                Test::Filter(_) | Test::Slice { .. } => state.tested.push(it),
            }
        }
        let number = self.states.len() as u32;
        self.states.push(state);
        self.numbers.insert(waiting, number);
        Ok(number)
    }

    fn emit(&self, number: usize, found: &mut dyn FnMut(usize, &[Spot<'a>])) {
        let path = self.paths[number];
        let Some(len) = self.trail.len().checked_sub(path.up).filter(|it| *it > 0) else { return };
        found(number, &self.trail[..len]);
    }
}

fn is_in(key: Prop<'_>, len: usize, from: i64, to: Option<i64>, step: u32) -> bool {
    let Prop::Index(at) = key else { return false };
    let len = len as i64;
    let place = |it: i64| if it < 0 { (len + it).max(0) } else { it };
    let (at, from) = (i64::from(at), place(from));
    at >= from && at < to.map_or(len, place) && (at - from) % i64::from(step) == 0
}
