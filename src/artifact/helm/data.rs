//! The values of templates: scalars by value, lists and maps in a heap, as Go shares them.
//!
//! Maps are shared and change in place (`set`, `merge`), so a value of a map is its place in the
//! heap. Nothing is freed before the rendering ends, which bounds memory by the work that is
//! allowed, and nothing is dropped recursively.

use std::{collections::BTreeSet, ops::Deref, rc::Rc};

use super::written;
use crate::{
    artifact::render::Words,
    document::{Id, Node, Tree, Trouble},
};

/// Text that values share.
pub type Text = Rc<str>;
/// What evaluating something gives.
pub type Outcome<T> = Result<T, Failure>;

/// How deep values may be nested where they are walked.
pub const DEEPEST: usize = 100;
/// How many steps one rendering may take.
const STEPS: u64 = 6_000_000;
/// How many bytes of text one rendering may make, all intermediate texts included.
const BYTES: u64 = 128 << 20;

/// How many entries of a map move for one step.
const MOVES: usize = 32;

/// Why something could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of trouble.
    pub kind: Trouble,
    /// What is wrong, lower case.
    pub reason: String,
}

impl Failure {
    /// The template asks for what it does not get, as it would from Helm.
    pub fn template(reason: impl Into<String>) -> Self {
        Self { kind: Trouble::Template, reason: reason.into() }
    }

    /// A bound of ours was met.
    pub fn limit(reason: impl Into<String>) -> Self {
        Self { kind: Trouble::Limit, reason: reason.into() }
    }
}

/// A value of a template.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that a template wrote or computed.
    Int(i64),
    /// Any number of a values file: Helm reads all of them as floating point.
    Float(f64),
    /// Text.
    Text(Text),
    /// A list, by its place in the heap.
    List(u32),
    /// A map, by its place in the heap.
    Map(u32),
    /// The files of a chart, by its index: `.Files`.
    Files(u32),
    /// What the cluster can do: `.Capabilities.APIVersions`.
    Versions,
}

impl Value {
    /// Text as a value.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// The kind of Go's reflection.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) | Self::Versions => "slice",
            Self::Map(_) | Self::Files(_) => "map",
        }
    }
}

/// The entries of a map, sorted as Go prints and ranges over them. Copies share them until one of
/// them changes.
#[derive(Clone, Debug, Default)]
pub struct Map(Rc<Vec<(Text, Value)>>);

impl Map {
    /// A map without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the entry of a key is, or where it would be.
    fn place(&self, key: &str) -> Result<usize, usize> {
        self.binary_search_by(|it| (*it.0).cmp(key))
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// Keeps the entries whose keys are wanted.
    pub fn retain(&mut self, wanted: impl Fn(&Text) -> bool) {
        Rc::make_mut(&mut self.0).retain(|it| wanted(&it.0));
    }
}

impl Deref for Map {
    type Target = [(Text, Value)];

    fn deref(&self) -> &[(Text, Value)] {
        &self.0
    }
}

/// Of entries with one key the last one counts.
impl FromIterator<(Text, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        Self(Rc::new(entries))
    }
}

impl<const N: usize> From<[(Text, Value); N]> for Map {
    fn from(entries: [(Text, Value); N]) -> Self {
        entries.into_iter().collect()
    }
}

/// A list or a map: taken apart, or as it was written until somebody looks into it.
#[derive(Debug)]
enum Slot<T> {
    Open(T),
    /// A node of a tree, which was paid for.
    Written(Rc<Tree>, Id),
}

impl<T> Slot<T> {
    fn written(&self) -> Option<(Rc<Tree>, Id)> {
        match self {
            Self::Open(_) => None,
            Self::Written(tree, id) => Some((tree.clone(), *id)),
        }
    }
}

/// Where lists and maps live, and what is left of the work that is allowed.
#[derive(Debug)]
pub struct Heap {
    lists: Vec<Slot<Rc<[Value]>>>,
    maps: Vec<Slot<Map>>,
    /// Maps some of whose entries are in a chart that is not here.
    incomplete: BTreeSet<u32>,
    steps: u64,
    bytes: u64,
    /// The keys of written maps.
    pub keys: Words,
    /// The text that `fromYaml` read last: many charts ask for its parts one by one.
    pub read: Option<(Text, Rc<Tree>)>,
}

impl Default for Heap {
    fn default() -> Self {
        Self {
            lists: Vec::new(),
            maps: Vec::new(),
            incomplete: BTreeSet::new(),
            steps: STEPS,
            bytes: BYTES,
            keys: Words::default(),
            read: None,
        }
    }
}

impl Heap {
    /// Takes `count` steps.
    ///
    /// # Errors
    /// When none are left.
    pub fn step(&mut self, count: usize) -> Outcome<()> {
        match self.steps.checked_sub(count as u64) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                Err(Failure::limit("the chart takes more steps than one rendering may"))
            }
        }
    }

    /// Makes room for `count` bytes of text.
    ///
    /// # Errors
    /// When there is none left.
    pub fn room(&mut self, count: usize) -> Outcome<()> {
        match self.bytes.checked_sub(count as u64) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => {
                self.bytes = 0;
                Err(Failure::limit("the chart makes more text than one rendering may"))
            }
        }
    }

    /// Text as a value, paid for.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new_text(&mut self, text: impl AsRef<str>) -> Outcome<Value> {
        self.room(text.as_ref().len())?;
        Ok(Value::text(text.as_ref()))
    }

    /// A new list.
    ///
    /// # Errors
    /// When no steps are left for its items.
    pub fn new_list(&mut self, items: Vec<Value>) -> Outcome<Value> {
        self.step(items.len() + 1)?;
        self.lists.push(Slot::Open(items.into()));
        Ok(Value::List(self.lists.len() as u32 - 1))
    }

    /// A new map.
    ///
    /// # Errors
    /// When no steps are left for its entries.
    pub fn new_map(&mut self, entries: Map) -> Outcome<Value> {
        self.step(entries.len() + 1)?;
        self.maps.push(Slot::Open(entries));
        Ok(Value::Map(self.maps.len() as u32 - 1))
    }

    /// A written list or map, which was paid for.
    pub fn new_written(&mut self, tree: &Rc<Tree>, node: Node<'_>) -> Value {
        if node.is_map() {
            self.maps.push(Slot::Written(tree.clone(), node.id()));
            Value::Map(self.maps.len() as u32 - 1)
        } else {
            self.lists.push(Slot::Written(tree.clone(), node.id()));
            Value::List(self.lists.len() as u32 - 1)
        }
    }

    /// Where a list or a map was written into which nobody has looked.
    pub fn written(&self, value: &Value) -> Option<(Rc<Tree>, Id)> {
        match value {
            Value::List(list) => self.lists[*list as usize].written(),
            Value::Map(map) => self.maps[*map as usize].written(),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(&mut self, list: u32) -> Rc<[Value]> {
        match &self.lists[list as usize] {
            Slot::Open(items) => items.clone(),
            Slot::Written(tree, id) => {
                let (tree, id) = (tree.clone(), *id);
                let items = written::open_list(self, &tree, tree.node(id));
                self.lists[list as usize] = Slot::Open(items.clone());
                items
            }
        }
    }

    /// The entries of a map, as they are now.
    pub fn entries(&mut self, map: u32) -> Map {
        match &self.maps[map as usize] {
            Slot::Open(entries) => entries.clone(),
            Slot::Written(tree, id) => {
                let (tree, id) = (tree.clone(), *id);
                let entries = written::open_map(self, &tree, tree.node(id));
                self.maps[map as usize] = Slot::Open(entries.clone());
                entries
            }
        }
    }

    /// Sets an entry of a map; every way into it sees the change.
    ///
    /// # Errors
    /// When no steps are left for the entries that move.
    pub fn insert(&mut self, map: u32, key: Text, value: Value) -> Outcome<()> {
        let place = self.entries(map).place(&key);
        if let Err(at) = place {
            self.pay_moves(map, at)?;
        }
        self.change(map, |entries| match place {
            Ok(at) => entries[at].1 = value,
            Err(at) => entries.insert(at, (key, value)),
        });
        Ok(())
    }

    /// Takes an entry out of a map.
    ///
    /// # Errors
    /// When no steps are left for the entries that move.
    pub fn remove(&mut self, map: u32, key: &str) -> Outcome<()> {
        let Ok(at) = self.entries(map).place(key) else { return Ok(()) };
        self.pay_moves(map, at)?;
        self.change(map, |entries| drop(entries.remove(at)));
        Ok(())
    }

    /// Takes the steps for the entries that move when one before them comes or goes.
    fn pay_moves(&mut self, map: u32, at: usize) -> Outcome<()> {
        let count = self.entries(map).len() - at;
        self.step(count / MOVES)
    }

    /// Changes a map that somebody has looked into.
    fn change(&mut self, map: u32, change: impl FnOnce(&mut Vec<(Text, Value)>)) {
        if let Slot::Open(entries) = &mut self.maps[map as usize] {
            change(Rc::make_mut(&mut entries.0));
        }
    }

    /// Notes that the map under `key`, and those in it, may lack entries that a chart which is not
    /// here would bring.
    pub fn note_incomplete(&mut self, map: u32, key: &str) {
        let mut maps: Vec<Value> = self.entries(map).get(key).cloned().into_iter().collect();
        while let Some(value) = maps.pop() {
            if let Value::Map(map) = value
                && self.incomplete.insert(map)
            {
                maps.extend(self.entries(map).iter().map(|it| it.1.clone()));
            }
        }
    }

    /// The entry of a map that a template names; nothing where it has none.
    ///
    /// # Errors
    /// When the entry may be in a chart that is not here.
    pub fn field(&mut self, map: u32, name: &str) -> Outcome<Value> {
        match self.entries(map).get(name) {
            Some(value) => Ok(value.clone()),
            None if self.incomplete.contains(&map) => {
                let reason = format!("`{name}` is a value of a chart that is not here");
                Err(Failure::template(reason))
            }
            None => Ok(Value::Nil),
        }
    }

    /// The value under a key, if `value` is a map that has it.
    pub fn get(&mut self, value: &Value, key: &str) -> Option<Value> {
        match value {
            Value::Map(map) => self.entries(*map).get(key).cloned(),
            _ => None,
        }
    }

    /// The value at the end of a path of keys.
    pub fn at(&mut self, value: &Value, path: &[&str]) -> Option<Value> {
        path.iter().try_fold(value.clone(), |value, key| self.get(&value, key))
    }

    /// Whether a value is true as conditions see it.
    pub fn is_true(&mut self, value: &Value) -> bool {
        match value {
            Value::Nil => false,
            Value::Bool(it) => *it,
            Value::Int(it) => *it != 0,
            Value::Float(it) => *it != 0.0,
            Value::Text(it) => !it.is_empty(),
            Value::List(it) => !self.items(*it).is_empty(),
            Value::Map(it) => !self.entries(*it).is_empty(),
            Value::Files(_) | Value::Versions => true,
        }
    }

    /// A copy that shares nothing with the original.
    ///
    /// # Errors
    /// When the value is nested too deep or too large.
    pub fn deep_copy(&mut self, value: &Value) -> Outcome<Value> {
        self.copy_below(value, DEEPEST)
    }

    fn copy_below(&mut self, value: &Value, depth: usize) -> Outcome<Value> {
        if let Some((tree, id)) = self.written(value) {
            return written::import(self, &tree, tree.node(id));
        }
        let below = depth.checked_sub(1).ok_or_else(too_deep)?;
        match value {
            Value::List(list) => {
                let items = self.items(*list);
                self.step(items.len())?;
                let items: Outcome<Vec<_>> =
                    items.iter().map(|it| self.copy_below(it, below)).collect();
                self.new_list(items?)
            }
            Value::Map(map) => {
                let entries = self.entries(*map);
                self.step(entries.len())?;
                let copied = entries.iter().map(|(key, value)| {
                    let value = self.copy_below(value, below)?;
                    Ok((key.clone(), value))
                });
                let copied = copied.collect::<Outcome<_>>()?;
                self.new_map(copied)
            }
            other => Ok(other.clone()),
        }
    }

    /// Whether two values are deeply equal.
    ///
    /// # Errors
    /// When they are nested too deep or too large.
    pub fn same(&mut self, left: &Value, right: &Value) -> Outcome<bool> {
        self.same_below(left, right, DEEPEST)
    }

    fn same_below(&mut self, left: &Value, right: &Value, depth: usize) -> Outcome<bool> {
        let below = depth.checked_sub(1).ok_or_else(too_deep)?;
        self.step(1)?;
        Ok(match (left, right) {
            (Value::Nil, Value::Nil) | (Value::Versions, Value::Versions) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Int(left), Value::Int(right)) => left == right,
            (Value::Float(left), Value::Float(right)) => left == right,
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::Files(left), Value::Files(right)) => left == right,
            (Value::List(left), Value::List(right)) => {
                let (left, right) = (self.items(*left), self.items(*right));
                left.len() == right.len() && self.all_same(left.iter().zip(&*right), below)?
            }
            (Value::Map(left), Value::Map(right)) => {
                let (left, right) = (self.entries(*left), self.entries(*right));
                left.len() == right.len()
                    && left.iter().zip(&*right).all(|(left, right)| left.0 == right.0)
                    && self.all_same(
                        left.iter().zip(&*right).map(|(left, right)| (&left.1, &right.1)),
                        below,
                    )?
            }
            _ => false,
        })
    }

    fn all_same<'v>(
        &mut self,
        pairs: impl Iterator<Item = (&'v Value, &'v Value)>,
        depth: usize,
    ) -> Outcome<bool> {
        for (left, right) in pairs {
            if !self.same_below(left, right, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The text of a value as `{{ }}` prints it.
    ///
    /// # Errors
    /// When it is nested too deep or too large.
    pub fn display(&mut self, value: &Value) -> Outcome<Text> {
        if let Value::Text(text) = value {
            return Ok(text.clone());
        }
        let mut text = String::new();
        self.print(value, &mut text, DEEPEST)?;
        self.room(text.len())?;
        Ok(text.into())
    }

    fn print(&mut self, value: &Value, into: &mut String, depth: usize) -> Outcome<()> {
        let below = depth.checked_sub(1).ok_or_else(too_deep)?;
        self.step(1)?;
        match value {
            Value::Nil => into.push_str("<nil>"),
            Value::Bool(it) => into.push_str(if *it { "true" } else { "false" }),
            Value::Int(it) => into.push_str(&it.to_string()),
            Value::Float(it) => into.push_str(&super::number::general(*it)),
            Value::Text(it) => {
                self.room(it.len())?;
                into.push_str(it);
            }
            Value::List(list) => {
                into.push('[');
                for (index, item) in self.items(*list).iter().enumerate() {
                    into.push_str(if index > 0 { " " } else { "" });
                    self.print(item, into, below)?;
                }
                into.push(']');
            }
            Value::Map(map) => {
                into.push_str("map[");
                for (index, (key, item)) in self.entries(*map).iter().enumerate() {
                    into.push_str(if index > 0 { " " } else { "" });
                    into.push_str(key);
                    into.push(':');
                    self.print(item, into, below)?;
                }
                into.push(']');
            }
            Value::Files(_) => into.push_str("map[]"),
            Value::Versions => into.push_str("[v1]"),
        }
        Ok(())
    }
}

/// The failure of a walk that met a value nested too deep.
pub fn too_deep() -> Failure {
    Failure::limit(format!("a value is nested more than {DEEPEST} deep"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_holds_itself_is_a_limit_not_a_crash() {
        let mut heap = Heap::default();
        let map = heap.new_map(Map::new()).unwrap();
        let Value::Map(place) = map else { panic!("a map") };
        heap.insert(place, "self".into(), map.clone()).unwrap();
        assert_eq!(heap.display(&map).unwrap_err().kind, Trouble::Limit);
        assert_eq!(heap.deep_copy(&map).unwrap_err().kind, Trouble::Limit);
        assert_eq!(heap.same(&map, &map).unwrap_err().kind, Trouble::Limit);
    }

    #[test]
    fn of_entries_with_one_key_the_last_one_counts() {
        let keys = ["b", "a", "b", "c", "a", "b"];
        let map: Map = (0..).zip(keys).map(|(at, key)| (key.into(), Value::Int(at))).collect();
        let found: Vec<_> = map.iter().map(|(key, value)| format!("{key}{value:?}")).collect();
        assert_eq!(found, ["aInt(4)", "bInt(5)", "cInt(3)"]);
    }

    #[test]
    fn entries_that_move_are_paid_for() {
        let mut heap = Heap::default();
        let Value::Map(map) = heap.new_map(Map::new()).unwrap() else { panic!("a map") };
        let shared = heap.entries(map);
        heap.step(STEPS as usize - 100_000).unwrap();
        let mut backwards = (0..100_000).rev().map(|it| format!("{it:05}"));
        assert!(backwards.any(|key| heap.insert(map, key.into(), Value::Nil).is_err()));
        assert!(shared.is_empty() && heap.entries(map).is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn values_print_as_go_prints_them() {
        let mut heap = Heap::default();
        let list = heap.new_list(vec![Value::Float(1.0), Value::text("a"), Value::Nil]).unwrap();
        let map = heap.new_map([("l".into(), list), ("b".into(), Value::Bool(true))].into());
        assert_eq!(&*heap.display(&map.unwrap()).unwrap(), "map[b:true l:[1 a <nil>]]");
    }
}
