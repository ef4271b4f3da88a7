//! Evaluates expressions over values and nodes: total, bounded, and remembering what is to blame.
//!
//! After each step [`Machine::blame`] is the node that the value came from: for a comparison the
//! node that was compared, for a path that leads nowhere the node where it broke, for `all` the
//! item that failed. So after a condition was false, it is the node to point at.

use super::{Comparison, Expr, Fold, Macro, Op, Operator};
use crate::{
    document::{Children, Kind, MERGES, Node, tag},
    rule::functions::{Function, OnNull, compare, kind_name},
    value::Value,
};

/// How many steps one expression may take.
const STEPS: u64 = 1_000_000;
/// How deep values may be nested that are compared.
const NESTED: u32 = 200;
/// How many maps one look through merge keys visits, and how deep.
const MERGED: (usize, u32) = (10_000, 20);

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Wrong(Box<Reason>);

#[derive(Clone, Debug)]
struct Reason {
    text: String,
    limit: bool,
    range: Option<(u32, u32)>,
}

impl Wrong {
    /// What the expression asks cannot be done.
    pub fn new(text: String) -> Self {
        Self(Box::new(Reason { text, limit: false, range: None }))
    }

    fn limit(text: String) -> Self {
        Self(Box::new(Reason { text, limit: true, range: None }))
    }

    /// What went wrong, lower case.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The part of the expression that it is about.
    pub fn range(&self) -> Option<(u32, u32)> {
        self.0.range
    }

    #[cold]
    fn within(mut self, expr: &Expr) -> Self {
        self.0.range.get_or_insert(expr.range);
        self
    }
}

type Gives<'a> = Result<Value<'a>, Wrong>;

/// A variable that a macro or a binding made.
struct Local<'a> {
    value: Value<'a>,
    node: Option<Node<'a>>,
}

/// A field of a variable, and what is there.
#[derive(Clone, Copy)]
struct Known<'a> {
    turn: u32,
    slot: usize,
    field: &'a str,
    node: Option<Node<'a>>,
}

/// How many fields of variables are remembered; a power of two.
const KNOWN: usize = 128;

/// What evaluates: its memory is used again from expression to expression.
pub(in crate::rule) struct Machine<'a> {
    steps: u64,
    blame: Option<Node<'a>>,
    locals: Vec<Local<'a>>,
    /// How often the variables have changed.
    turn: u32,
    /// Fields of the variables that some expression asked for: the next one asks for the same.
    known: [Option<Known<'a>>; KNOWN],
    /// What a message is written into first.
    pub message: String,
}

impl Default for Machine<'_> {
    fn default() -> Self {
        let (locals, message) = (Vec::new(), String::new());
        Self { steps: 0, blame: None, locals, turn: 0, known: [None; KNOWN], message }
    }
}

impl<'a> Machine<'a> {
    /// Turns to other variables: until the next turn, all expressions are over the same.
    pub fn turn(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// What a variable has under a field.
    fn field(&mut self, slot: usize, of: Node<'a>, field: &'a str) -> Option<Node<'a>> {
        let at = usize::from(tag(field.as_bytes())) + field.len() + 31 * slot;
        let known = &mut self.known[at % KNOWN];
        if let Some(known) = known
            && known.turn == self.turn
            && known.slot == slot
            && known.field == field
        {
            return known.node;
        }
        let node = of.get(field);
        *known = Some(Known { turn: self.turn, slot, field, node });
        node
    }

    /// The node that the last value came from.
    pub fn blame(&self) -> Option<Node<'a>> {
        self.blame
    }

    /// Counts steps; too many are an error.
    #[inline]
    pub fn burn(&mut self, steps: usize) -> Result<(), Wrong> {
        let left = self.steps.checked_sub(steps as u64);
        self.steps = left.unwrap_or(0);
        left.map_or_else(|| Err(burned()), |_| Ok(()))
    }

    /// A text that was made, and paid for.
    pub fn made(&mut self, text: String) -> Gives<'a> {
        self.burn(1 + text.len() / 10)?;
        Ok(Value::text(text))
    }

    /// The value of an expression over the given variables, those of the last turn.
    pub fn value(&mut self, expr: &'a Expr, variables: &[Value<'a>]) -> Gives<'a> {
        self.steps = STEPS;
        self.blame = None;
        self.locals.clear();
        Run { machine: self, variables }.value(expr)
    }

    /// Whether a condition over the variables of the last turn holds; null does not.
    pub fn holds(&mut self, expr: &'a Expr, variables: &[Value<'a>]) -> Result<bool, Wrong> {
        self.steps = STEPS;
        self.blame = None;
        self.locals.clear();
        Run { machine: self, variables }.truth(expr)
    }

    /// Whether two values are equal, all the way down.
    pub fn equal(&mut self, a: &Value<'a>, b: &Value<'a>) -> Result<bool, Wrong> {
        self.equal_within(a, b, NESTED)
    }

    fn equal_within(&mut self, a: &Value<'a>, b: &Value<'a>, depth: u32) -> Result<bool, Wrong> {
        if let (Some(a), Some(b)) = (text(a), text(b)) {
            return Ok(a == b);
        }
        if let (Value::Node(a), Value::Node(b)) = (a, b)
            && a == b
        {
            return Ok(true);
        }
        self.burn(1)?;
        Ok(match (scalar(a), scalar(b)) {
            (Scalar::Null, Scalar::Null) => true,
            (Scalar::Bool(a), Scalar::Bool(b)) => a == b,
            (Scalar::Int(a), Scalar::Int(b)) => a == b,
            (Scalar::Float(a), Scalar::Float(b)) => a == b,
            (Scalar::Int(a), Scalar::Float(b)) | (Scalar::Float(b), Scalar::Int(a)) => {
                a as f64 == b
            }
            (Scalar::No, Scalar::No) if depth == 0 => {
                return Err(Wrong::limit("values are nested too deep to be compared".to_owned()));
            }
            (Scalar::No, Scalar::No) => match (items(a), items(b)) {
                (Some(a), Some(b)) => self.equal_lists(a, b, depth - 1)?,
                (None, None) => self.equal_maps(a, b, depth - 1)?,
                _ => false,
            },
            _ => false,
        })
    }

    /// Whether a list that is known holds a value.
    fn is_one_of(&mut self, item: &Value<'a>, list: &'a [Value<'static>]) -> Result<bool, Wrong> {
        if let Some(text) = text(item) {
            return Ok(list.iter().any(|it| self::text(it) == Some(text)));
        }
        for other in list {
            if self.equal(item, other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn equal_lists(
        &mut self,
        mut a: Items<'_, 'a>,
        mut b: Items<'_, 'a>,
        depth: u32,
    ) -> Result<bool, Wrong> {
        loop {
            match (a.next(), b.next()) {
                (None, None) => return Ok(true),
                (Some(a), Some(b)) if self.equal_within(&a, &b, depth)? => {}
                _ => return Ok(false),
            }
        }
    }

    fn equal_maps(&mut self, a: &Value<'a>, b: &Value<'a>, depth: u32) -> Result<bool, Wrong> {
        let (Some(a), Some(b)) = (entries(a), entries(b)) else { return Ok(false) };
        if a.len() != b.len() {
            return Ok(false);
        }
        for (key, value) in &a {
            self.burn(b.len())?;
            let Some((_, other)) = b.iter().find(|(it, _)| it == key) else { return Ok(false) };
            if !self.equal_within(value, other, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A scalar that is not text.
enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text, a list or a map.
    No,
}

fn scalar(value: &Value<'_>) -> Scalar {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(it) => Scalar::Bool(*it),
        Value::Int(it) => Scalar::Int(*it),
        Value::Float(it) => Scalar::Float(*it),
        Value::Node(node) => match node.kind() {
            Kind::Null | Kind::Alias => Scalar::Null,
            Kind::Bool => Scalar::Bool(node.as_bool().unwrap_or_default()),
            Kind::Int => Scalar::Int(node.as_int().unwrap_or_default()),
            Kind::Float => Scalar::Float(node.as_float().unwrap_or_default()),
            Kind::Str => Scalar::No,
            Kind::Seq | Kind::Map => Scalar::No,
        },
        _ => Scalar::No,
    }
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    value.as_str()
}

#[cold]
fn burned() -> Wrong {
    Wrong::limit(format!("more than {STEPS} steps"))
}

/// The items of a list; null has none.
pub(in crate::rule) enum Items<'v, 'a> {
    /// Of a tree.
    Nodes(Children<'a>),
    /// Computed.
    Values(std::slice::Iter<'v, Value<'a>>),
}

impl<'a> Iterator for Items<'_, 'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        match self {
            Self::Nodes(nodes) => nodes.next().map(Value::Node),
            Self::Values(values) => values.next().cloned(),
        }
    }
}

/// The items of a list, none of null; nothing for what is no list.
pub(in crate::rule) fn items<'v, 'a>(value: &'v Value<'a>) -> Option<Items<'v, 'a>> {
    match value {
        Value::Null => Some(Items::Values([].iter())),
        Value::List(values) => Some(Items::Values(values.iter())),
        Value::Node(node) if node.is_seq() || node.is_null() => Some(Items::Nodes(node.children())),
        _ => None,
    }
}

/// The entries of a map of a tree, with those that it merges.
pub(in crate::rule) fn visible(node: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let mut seen = Vec::new();
    collect(node, MERGED.1, &mut seen);
    seen
}

fn collect<'a>(node: Node<'a>, depth: u32, seen: &mut Vec<(&'a str, Node<'a>)>) {
    if !node.flag(MERGES) {
        let known = seen.len();
        for (key, value) in node.entries() {
            if known == 0 || !seen[..known].iter().any(|(it, _)| *it == key) {
                seen.push((key, value));
            }
        }
        return;
    }
    for (key, value) in node.entries().filter(|(key, _)| *key != "<<") {
        if seen.len() < MERGED.0 && !seen.iter().any(|(it, _)| *it == key) {
            seen.push((key, value));
        }
    }
    let Some(merged) = node.get("<<") else { return };
    let maps = if merged.is_map() { vec![merged] } else { merged.children().take(100).collect() };
    for map in maps {
        if depth > 0 && seen.len() < MERGED.0 {
            collect(map, depth - 1, seen);
        }
    }
}

fn entries<'a>(value: &Value<'a>) -> Option<Vec<(&'a str, Value<'a>)>> {
    match value {
        Value::Map(fields) => Some(fields.to_vec()),
        Value::Node(node) if node.is_map() => {
            Some(visible(*node).into_iter().map(|(key, it)| (key, Value::Node(it))).collect())
        }
        _ => None,
    }
}

/// What a table that is known, by key, has under a key.
fn entry<'t>(
    table: &'t [(Box<str>, Value<'static>)],
    key: &Value<'_>,
) -> Option<&'t Value<'static>> {
    let key = key.as_str()?;
    let at = table.binary_search_by(|(it, _)| (**it).cmp(key)).ok()?;
    Some(&table[at].1)
}

/// One expression at work.
struct Run<'m, 'a> {
    machine: &'m mut Machine<'a>,
    variables: &'m [Value<'a>],
}

impl<'a> Run<'_, 'a> {
    #[inline]
    fn value(&mut self, expr: &'a Expr) -> Gives<'a> {
        self.machine.burn(1)?;
        match &expr.op {
            Op::Text(text) => {
                self.machine.blame = None;
                Ok(Value::Str(text))
            }
            Op::Path(slot, path) => self.path(*slot, path).map_err(|it| it.within(expr)),
            _ => self.computed(expr),
        }
    }

    /// The value of what is neither a path nor a text.
    #[inline(never)]
    fn computed(&mut self, expr: &'a Expr) -> Gives<'a> {
        match &expr.op {
            Op::Constant(value) => {
                self.machine.blame = None;
                Ok(value.clone())
            }
            Op::Table(fields) => {
                self.machine.blame = None;
                self.machine.burn(fields.len())?;
                Ok(Value::map(fields.iter().map(|(key, value)| (&**key, value.clone()))))
            }
            Op::Select(of, field) => {
                let of = self.value(of)?;
                let path = std::slice::from_ref(field);
                walk(&of, path, &mut self.machine.blame).map_err(|it| it.within(expr))
            }
            Op::Index(pair) => self.index(&pair.0, &pair.1).map_err(|it| it.within(expr)),
            Op::Negate(of) => self.negate(of).map_err(|it| it.within(expr)),
            Op::Choose(parts) => {
                let chosen = if self.truth(&parts[0])? { &parts[1] } else { &parts[2] };
                self.value(chosen)
            }
            Op::Compute(how, pair) => self.compute(*how, pair).map_err(|it| it.within(expr)),
            Op::List(parts) => {
                let values: Result<Vec<_>, _> = parts.iter().map(|it| self.value(it)).collect();
                Ok(Value::list(values?))
            }
            Op::Map(entries) => self.map(entries).map_err(|it| it.within(expr)),
            Op::Call(function, arguments) => {
                self.call(function, arguments).map_err(|it| it.within(expr))
            }
            Op::Fold(which @ (Macro::Map | Macro::Filter), fold) => {
                self.gather(*which, fold).map_err(|it| it.within(expr))
            }
            Op::Bind(pair) => {
                let value = self.value(&pair.0)?;
                let node = self.machine.blame;
                self.with(value, node, |run| run.value(&pair.1))
            }
            Op::Text(_) | Op::Path(..) => self.value(expr),
            _ => self.condition(expr).map(Value::Bool),
        }
    }

    /// Whether the expression holds: null does not, and what is not a boolean is an error.
    fn truth(&mut self, expr: &'a Expr) -> Result<bool, Wrong> {
        match &expr.op {
            Op::Has(_) | Op::Not(_) | Op::And(_) | Op::Or(_) | Op::Compare(..) | Op::In(_) => {}
            Op::OneOf(..) | Op::Matches(..) => {}
            Op::Fold(Macro::All | Macro::Exists | Macro::ExistsOne, _) => {}
            _ => {
                let value = self.value(expr)?;
                return match scalar(&value) {
                    Scalar::Bool(it) => Ok(it),
                    Scalar::Null => Ok(false),
                    _ => Err(Wrong::new(format!("neither true nor false: {}", kind_name(&value)))
                        .within(expr)),
                };
            }
        }
        self.machine.burn(1)?;
        self.condition(expr)
    }

    /// Those operations that give true or false.
    fn condition(&mut self, expr: &'a Expr) -> Result<bool, Wrong> {
        match &expr.op {
            Op::Has(path) => match self.value(path) {
                Ok(value) => Ok(!value.is_null()),
                Err(wrong) if wrong.0.limit => Err(wrong),
                Err(_) => Ok(false),
            },
            Op::Not(of) => self.truth(of).map(|it| !it),
            Op::And(parts) => self.chain(parts, false),
            Op::Or(parts) => self.chain(parts, true),
            Op::Compare(how, pair) => {
                self.compare(*how, &pair.0, &pair.1).map_err(|it| it.within(expr))
            }
            Op::In(pair) => self.within(&pair.0, &pair.1).map_err(|it| it.within(expr)),
            Op::OneOf(item, list) => self.one_of(item, list),
            Op::Matches(of, pattern) => {
                let value = self.value(of)?;
                let Some(text) = value.as_str() else {
                    return null_or(&value, "matches").map_err(|it| it.within(expr));
                };
                self.machine.burn(text.len() / 10)?;
                pattern.is_match(text).ok_or_else(|| {
                    let reason = format!("`{}` is not a regular expression", pattern.text);
                    Wrong::new(reason).within(expr)
                })
            }
            Op::Fold(which, fold) => self.quantify(*which, fold).map_err(|it| it.within(expr)),
            _ => self.truth(expr),
        }
    }

    fn path(&mut self, slot: usize, path: &'a [Box<str>]) -> Gives<'a> {
        let machine = &mut *self.machine;
        let value = match slot.checked_sub(self.variables.len()) {
            None => {
                let value = &self.variables[slot];
                machine.blame = value.as_node();
                if let (Value::Node(node), [field, path @ ..]) = (value, path)
                    && node.is_map()
                {
                    let Some(child) = machine.field(slot, *node, field) else {
                        return Ok(Value::Null);
                    };
                    machine.blame = Some(child);
                    return walk_nodes(child, path, &mut machine.blame);
                }
                value
            }
            Some(at) => {
                let Some(local) = machine.locals.get(at) else { return Ok(Value::Null) };
                machine.blame = local.node;
                &local.value
            }
        };
        walk(value, path, &mut machine.blame)
    }

    #[inline(never)]
    fn index(&mut self, of: &'a Expr, index: &'a Expr) -> Gives<'a> {
        if let Op::Table(fields) = &of.op {
            let key = self.value(index)?;
            return Ok(entry(fields, &key).map_or(Value::Null, Value::clone));
        }
        let index = self.value(index)?;
        let of = self.value(of)?;
        let place = match scalar(&index) {
            Scalar::Int(it) => Some(it),
            Scalar::Float(it) if it.fract() == 0.0 => Some(it as i64),
            _ => None,
        };
        let item = match &of {
            _ if of.is_null() => return Ok(Value::Null),
            Value::List(values) => match place {
                Some(at) => usize::try_from(at).ok().and_then(|at| values.get(at)).cloned(),
                None => return no_place(&index),
            },
            Value::Node(node) if node.is_seq() => match place {
                Some(at) => {
                    self.machine.burn(usize::try_from(at).unwrap_or(0).min(node.len()) / 4)?;
                    usize::try_from(at).ok().and_then(|at| node.item(at)).map(Value::Node)
                }
                None => return no_place(&index),
            },
            Value::Map(_) | Value::Node(_) => {
                let number = place.map(|it| it.to_string());
                let Some(key) = index.as_str().or(number.as_deref()) else {
                    return if index.is_null() { Ok(Value::Null) } else { no_place(&index) };
                };
                match &of {
                    Value::Map(fields) => {
                        fields.iter().find(|(it, _)| *it == key).map(|(_, value)| value.clone())
                    }
                    Value::Node(node) if node.is_map() => node.get(key).map(Value::Node),
                    _ => return Err(Wrong::new(format!("{} has no entries", kind_name(&of)))),
                }
            }
            _ => return Err(Wrong::new(format!("{} has no entries", kind_name(&of)))),
        };
        let item = item.unwrap_or(Value::Null);
        if let Some(node) = item.as_node() {
            self.machine.blame = Some(node);
        }
        Ok(item)
    }

    #[inline(never)]
    fn negate(&mut self, of: &'a Expr) -> Gives<'a> {
        let value = self.value(of)?;
        match scalar(&value) {
            Scalar::Int(it) => it.checked_neg().map(Value::Int).ok_or_else(overflow),
            Scalar::Float(it) => Ok(Value::Float(-it)),
            Scalar::Null => Ok(Value::Null),
            _ => Err(Wrong::new(format!("`-` of {}", kind_name(&value)))),
        }
    }

    /// `&&` and `||`: an error counts only if no part settles the matter.
    fn chain(&mut self, parts: &'a [Expr], settles: bool) -> Result<bool, Wrong> {
        let mut error = None;
        let mut blame = None;
        for part in parts {
            match self.truth(part) {
                Ok(it) if it == settles => return Ok(settles),
                Ok(_) => blame = self.machine.blame.or(blame),
                Err(wrong) if wrong.0.limit => return Err(wrong),
                Err(wrong) => error = error.or(Some(wrong)),
            }
        }
        self.machine.blame = blame;
        error.map_or(Ok(!settles), Err)
    }

    /// Two values; what is to blame is the first, or else the second.
    fn both(&mut self, a: &'a Expr, b: &'a Expr) -> Result<(Value<'a>, Value<'a>), Wrong> {
        let a = self.value(a)?;
        let blame = self.machine.blame;
        let b = self.value(b)?;
        self.machine.blame = blame.or(self.machine.blame);
        Ok((a, b))
    }

    fn compare(&mut self, how: Comparison, a: &'a Expr, b: &'a Expr) -> Result<bool, Wrong> {
        if let (Comparison::Equal | Comparison::Unequal, Op::Text(text)) = (how, &b.op) {
            // Most values are compared with a text that is known.
            let is_equal = self.value(a)?.as_str() == Some(text);
            return Ok(is_equal == (how == Comparison::Equal));
        }
        let (a, b) = self.both(a, b)?;
        match how {
            Comparison::Equal => return self.machine.equal(&a, &b),
            Comparison::Unequal => return self.machine.equal(&a, &b).map(|it| !it),
            _ => {}
        }
        if a.is_null() || b.is_null() {
            return Ok(false);
        }
        let Some(order) = compare(&a, &b) else {
            return Err(Wrong::new(format!(
                "{} and {} have no order",
                kind_name(&a),
                kind_name(&b)
            )));
        };
        Ok(order.is_some_and(|order| match how {
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            _ => order.is_ge(),
        }))
    }

    fn within(&mut self, item: &'a Expr, of: &'a Expr) -> Result<bool, Wrong> {
        if let Op::Table(fields) = &of.op {
            let key = self.value(item)?;
            return Ok(entry(fields, &key).is_some());
        }
        let (item, of) = self.both(item, of)?;
        if let Some(list) = items(&of) {
            for other in list {
                self.machine.burn(1)?;
                if self.machine.equal(&item, &other)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let number = match scalar(&item) {
            Scalar::Int(it) => Some(it.to_string()),
            _ => None,
        };
        let key = item.as_str().or(number.as_deref());
        match (&of, key) {
            (Value::Map(fields), Some(key)) => Ok(fields.iter().any(|(it, _)| *it == key)),
            (Value::Node(node), Some(key)) if node.is_map() => Ok(node.get(key).is_some()),
            (Value::Map(_), None) => Ok(false),
            (Value::Node(node), None) if node.is_map() => Ok(false),
            _ => Err(Wrong::new(format!("`in` of {}", kind_name(&of)))),
        }
    }

    #[inline(never)]
    fn one_of(&mut self, item: &'a Expr, list: &'a [Value<'static>]) -> Result<bool, Wrong> {
        let item = self.value(item)?;
        self.machine.is_one_of(&item, list)
    }

    #[inline(never)]
    fn compute(&mut self, how: Operator, pair: &'a (Expr, Expr)) -> Gives<'a> {
        let (a, b) = self.both(&pair.0, &pair.1)?;
        if a.is_null() || b.is_null() {
            return Ok(Value::Null);
        }
        match (scalar(&a), scalar(&b)) {
            (Scalar::Int(a), Scalar::Int(b)) => whole(how, a, b),
            (Scalar::Float(a), Scalar::Float(b)) => real(how, a, b),
            (Scalar::Int(a), Scalar::Float(b)) => real(how, a as f64, b),
            (Scalar::Float(a), Scalar::Int(b)) => real(how, a, b as f64),
            _ if how == Operator::Add => self.join(&a, &b),
            _ => Err(uncomputable(&a, &b)),
        }
    }

    #[inline(never)]
    fn join(&mut self, a: &Value<'a>, b: &Value<'a>) -> Gives<'a> {
        if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
            self.machine.burn((a.len() + b.len()) / 10)?;
            return Ok(Value::text([a, b].concat()));
        }
        match (items(a), items(b)) {
            (Some(a), Some(b)) => {
                let joined: Vec<_> = a.chain(b).collect();
                self.machine.burn(joined.len())?;
                Ok(Value::list(joined))
            }
            _ => Err(uncomputable(a, b)),
        }
    }

    #[inline(never)]
    fn map(&mut self, entries: &'a [(Expr, Expr)]) -> Gives<'a> {
        let mut fields: Vec<(&'a str, Value<'a>)> = Vec::new();
        for (key, value) in entries {
            let key = match self.value(key)? {
                Value::Str(key) => key,
                Value::Node(node) if node.as_str().is_some() => node.text(),
                other => {
                    let reason = format!("a key of a map that is {}", kind_name(&other));
                    return Err(Wrong::new(reason));
                }
            };
            let value = self.value(value)?;
            fields.push((key, value));
        }
        Ok(Value::map(fields))
    }

    #[inline(never)]
    fn call(&mut self, function: &'static Function, arguments: &'a [Expr]) -> Gives<'a> {
        const NONE: Value<'static> = Value::Null;
        let mut values: [Value<'a>; 4] = [NONE; 4];
        let mut blame = None;
        let mut null = false;
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = self.value(argument)?;
            blame = blame.or(self.machine.blame);
            null |= value.is_null();
        }
        self.machine.blame = blame;
        match function.on_null {
            OnNull::Null if null => Ok(Value::Null),
            OnNull::False if null => Ok(Value::Bool(false)),
            _ => (function.run)(self.machine, &values[..arguments.len().min(4)]),
        }
    }

    /// Runs with one more variable.
    fn with<T>(
        &mut self,
        value: Value<'a>,
        node: Option<Node<'a>>,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.machine.locals.push(Local { value, node });
        let result = run(self);
        self.machine.locals.pop();
        result
    }

    /// Each item of a list, or key of a map, with the node it is.
    fn each(
        &mut self,
        over: &Value<'a>,
        mut visit: impl FnMut(&mut Self, Option<Node<'a>>) -> Result<bool, Wrong>,
    ) -> Result<(), Wrong> {
        let mut step = |run: &mut Self, value: Value<'a>, node: Option<Node<'a>>| {
            run.machine.burn(1)?;
            run.with(value, node, |run| visit(run, node))
        };
        if let Some(items) = items(over) {
            for item in items {
                let node = item.as_node();
                if !step(self, item, node)? {
                    break;
                }
            }
            return Ok(());
        }
        match over {
            Value::Map(fields) => {
                for (key, value) in fields.iter() {
                    if !step(self, Value::Str(key), value.as_node())? {
                        break;
                    }
                }
            }
            Value::Node(node) if node.is_map() => {
                let merged = if node.flag(MERGES) { visible(*node) } else { Vec::new() };
                let written = node.entries().filter(|_| !node.flag(MERGES));
                for (key, value) in written.chain(merged) {
                    if !step(self, Value::Str(key), Some(value))? {
                        break;
                    }
                }
            }
            other => {
                return Err(Wrong::new(format!("{} is no list and no map", kind_name(other))));
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn quantify(&mut self, which: Macro, fold: &'a Fold) -> Result<bool, Wrong> {
        let over = self.value(&fold.over)?;
        let whole = self.machine.blame;
        let mut found = 0;
        let mut blame = whole;
        let mut error = None;
        let settles = which != Macro::All;
        if let (Op::OneOf(item, list), Some(items)) = (&fold.body.op, items(&over))
            && let Op::Path(slot, path) = &item.op
            && path.is_empty()
            && *slot == self.variables.len() + self.machine.locals.len()
        {
            // Most lists are asked for some texts: that needs no variable for each item.
            for item in items {
                self.machine.burn(1)?;
                if self.machine.is_one_of(&item, list)? == settles {
                    found += 1;
                    blame = item.as_node().or(whole);
                    if which != Macro::ExistsOne || found > 1 {
                        break;
                    }
                }
            }
            self.machine.blame = blame;
            return Ok(if which == Macro::ExistsOne { found == 1 } else { (found > 0) == settles });
        }
        self.each(&over, |run, item| match run.truth(&fold.body) {
            Ok(it) if it == settles => {
                found += 1;
                blame = run.machine.blame.or(item).or(whole);
                Ok(which == Macro::ExistsOne && found < 2)
            }
            Ok(_) => Ok(true),
            Err(wrong) if wrong.0.limit => Err(wrong),
            Err(wrong) => {
                error.get_or_insert(wrong);
                Ok(true)
            }
        })?;
        self.machine.blame = blame;
        match (which, error) {
            (Macro::ExistsOne, Some(wrong)) => Err(wrong),
            (Macro::ExistsOne, None) => Ok(found == 1),
            (_, Some(wrong)) if found == 0 => Err(wrong),
            _ => Ok((found > 0) == settles),
        }
    }

    #[inline(never)]
    fn gather(&mut self, which: Macro, fold: &'a Fold) -> Gives<'a> {
        let over = self.value(&fold.over)?;
        let whole = self.machine.blame;
        let mut kept = Vec::new();
        let mut first = None;
        self.each(&over, |run, item| {
            let value = match which {
                Macro::Filter => {
                    let keep = run.truth(&fold.body)?;
                    let this = run.machine.locals.last().filter(|_| keep);
                    this.map(|it| it.value.clone())
                }
                _ => match &fold.only {
                    Some(only) if !run.truth(only)? => None,
                    _ => Some(run.value(&fold.body)?),
                },
            };
            if let Some(value) = value {
                first = first.or(value.as_node()).or(item);
                kept.push(value);
            }
            Ok(true)
        })?;
        self.machine.blame = if which == Macro::Filter { first.or(whole) } else { whole.or(first) };
        Ok(Value::list(kept))
    }
}

/// The value at the end of a path that starts at a variable.
pub(in crate::rule) fn at<'a>(values: &[Value<'a>], slot: usize, path: &[Box<str>]) -> Gives<'a> {
    match (values.get(slot), path) {
        (None, _) => Ok(Value::Null),
        // What most rules ask for.
        (Some(Value::Node(node)), [field]) if node.is_map() => Ok(Value::maybe(node.get(field))),
        (Some(value), _) => walk(value, path, &mut None),
    }
}

/// The value at the end of a path; `blame` becomes the last node on it that is there.
fn walk<'a>(of: &Value<'a>, path: &[Box<str>], blame: &mut Option<Node<'a>>) -> Gives<'a> {
    let mut of = of;
    for (number, field) in path.iter().enumerate() {
        match of {
            Value::Map(fields) => {
                let Some((_, value)) = fields.iter().find(|(it, _)| **it == **field) else {
                    return Ok(Value::Null);
                };
                if let Value::Node(node) = value {
                    *blame = Some(*node);
                }
                of = value;
            }
            Value::Node(node) => return walk_nodes(*node, &path[number..], blame),
            Value::Null => return Ok(Value::Null),
            other => return Err(no_field(field, other)),
        }
    }
    Ok(of.clone())
}

fn walk_nodes<'a>(
    mut node: Node<'a>,
    path: &[Box<str>],
    blame: &mut Option<Node<'a>>,
) -> Gives<'a> {
    for field in path {
        match node.kind() {
            Kind::Map => {}
            Kind::Null => return Ok(Value::Null),
            _ => return Err(no_field(field, &Value::Node(node))),
        }
        let Some(child) = node.get(field) else { return Ok(Value::Null) };
        node = child;
        *blame = Some(node);
    }
    Ok(Value::Node(node))
}

fn no_field(field: &str, of: &Value<'_>) -> Wrong {
    Wrong::new(format!("`{field}` of a value of type {}", kind_name(of)))
}

fn no_place<'a>(index: &Value<'_>) -> Gives<'a> {
    if index.is_null() {
        return Ok(Value::Null);
    }
    Err(Wrong::new(format!("{} is no place in a list or a map", kind_name(index))))
}

fn null_or(value: &Value<'_>, function: &str) -> Result<bool, Wrong> {
    if value.is_null() {
        return Ok(false);
    }
    Err(Wrong::new(format!("`{function}` of a value of type {}", kind_name(value))))
}

fn uncomputable(a: &Value<'_>, b: &Value<'_>) -> Wrong {
    Wrong::new(format!("{} and {} cannot be computed", kind_name(a), kind_name(b)))
}

fn overflow() -> Wrong {
    Wrong::new("the number does not fit 64 bits".to_owned())
}

fn whole<'a>(how: Operator, a: i64, b: i64) -> Gives<'a> {
    if b == 0 && matches!(how, Operator::Divide | Operator::Remainder) {
        return Err(Wrong::new("a division by zero".to_owned()));
    }
    let result = match how {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide => a.checked_div(b),
        Operator::Remainder => a.checked_rem(b),
    };
    result.map(Value::Int).ok_or_else(overflow)
}

fn real<'a>(how: Operator, a: f64, b: f64) -> Gives<'a> {
    Ok(Value::Float(match how {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Remainder => return Err(Wrong::new("`%` of a number with a point".to_owned())),
    }))
}
