//! From syntax to what is evaluated: every name is known, types agree as far as they are known.

use std::{collections::BTreeMap, rc::Rc};

use regex::Regex;

use super::{
    Comparison, Expr, Fault, Fold, Macro, Op, Operator, Pattern, Syntax,
    syntax::{Binary, Form, Word},
};
use crate::{
    artifact::{Field, Shape},
    rule::{
        functions::{self, FUNCTIONS, Gives, Want},
        nearest,
    },
    value::Value,
};

/// What an expression gives, as far as it is known before any file is read.
#[derive(Clone, Debug)]
pub(in crate::rule) enum Type {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list of one type.
    List(Rc<Type>),
    /// A map with these fields; any of them may be absent.
    Record(&'static [Field]),
    /// A map with any fields.
    Map,
}

impl Type {
    fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Any => Self::Any,
            Shape::Bool => Self::Bool,
            Shape::Number => Self::Number,
            Shape::Text => Self::Text,
            Shape::List(of) => Self::List(Rc::new(Self::of(of))),
            Shape::Record(fields) => Self::Record(fields),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List(_) => "a list",
            Self::Record(_) | Self::Map => "a map",
        }
    }

    /// Whether a value of one type can be equal to a value of the other.
    fn meets(&self, other: &Self) -> bool {
        let any = matches!(self, Self::Any) || matches!(other, Self::Any);
        any || self.name() == other.name()
    }

    fn fits(&self, want: Want) -> bool {
        match want {
            Want::Any => true,
            Want::Text => matches!(self, Self::Any | Self::Text),
            Want::Number => matches!(self, Self::Any | Self::Number),
            Want::List => matches!(self, Self::Any | Self::List(_)),
            Want::Map => matches!(self, Self::Any | Self::Record(_) | Self::Map),
        }
    }
}

/// The parts of `image(…)`.
static IMAGE: &[Field] = &[
    Field { name: "registry", shape: Shape::Text, means: "where it comes from" },
    Field { name: "name", shape: Shape::Text, means: "its path in the registry" },
    Field { name: "tag", shape: Shape::Text, means: "what follows the colon" },
    Field { name: "digest", shape: Shape::Text, means: "what follows the @" },
];

/// The variables that an expression may use.
pub(in crate::rule) struct Scope<'s> {
    variables: Vec<(&'s str, Type)>,
    parameters: &'s BTreeMap<String, toml::Value>,
    thorough: bool,
}

impl<'s> Scope<'s> {
    /// The variables of a view, and the parameters of a rule. Who is thorough compiles regular
    /// expressions too.
    pub fn new(
        fields: &'static [Field],
        parameters: &'s BTreeMap<String, toml::Value>,
        thorough: bool,
    ) -> Self {
        let variables = fields.iter().map(|it| (it.name, Type::of(&it.shape))).collect();
        Self { variables, parameters, thorough }
    }
}

type Typed = (Expr, Type);
type Checked = Result<Typed, Fault>;

/// Checks an expression.
pub(in crate::rule) fn check<'s>(syntax: &'s Syntax, scope: &Scope<'s>) -> Checked {
    let Scope { parameters, thorough, .. } = *scope;
    Checker { variables: scope.variables.clone(), parameters, thorough }.expr(syntax)
}

struct Checker<'s> {
    variables: Vec<(&'s str, Type)>,
    parameters: &'s BTreeMap<String, toml::Value>,
    thorough: bool,
}

impl<'s> Checker<'s> {
    fn expr(&mut self, syntax: &'s Syntax) -> Checked {
        let (op, kind) = self.form(syntax)?;
        Ok((Expr { range: (syntax.range.start as u32, syntax.range.end as u32), op }, kind))
    }

    fn all(&mut self, parts: &'s [Syntax]) -> Result<(Box<[Expr]>, Vec<Type>), Fault> {
        let mut exprs = Vec::new();
        let mut types = Vec::new();
        for part in parts {
            let (expr, kind) = self.expr(part)?;
            exprs.push(expr);
            types.push(kind);
        }
        Ok((exprs.into(), types))
    }

    fn pair(&mut self, pair: &'s (Syntax, Syntax)) -> Result<(Typed, Typed), Fault> {
        Ok((self.expr(&pair.0)?, self.expr(&pair.1)?))
    }

    fn form(&mut self, syntax: &'s Syntax) -> Result<(Op, Type), Fault> {
        Ok(match &syntax.form {
            Form::Null => (Op::Constant(Value::Null), Type::Any),
            Form::Bool(it) => (Op::Constant(Value::Bool(*it)), Type::Bool),
            Form::Int(it) => (Op::Constant(Value::Int(*it)), Type::Number),
            Form::Float(it) => (Op::Constant(Value::Float(*it)), Type::Number),
            Form::Text(it) => (Op::Text(it.as_str().into()), Type::Text),
            Form::Name(name) => self.name(syntax, name)?,
            Form::Select(of, word) => self.select(of, word)?,
            Form::Index(pair) => self.index(pair)?,
            Form::Call(None, word, arguments) => self.call(None, word, arguments)?,
            Form::Call(Some(of), word, arguments) => self.call(Some(of), word, arguments)?,
            Form::List(parts) => {
                let (exprs, types) = self.all(parts)?;
                (list(exprs), Type::List(Rc::new(common(&types))))
            }
            Form::Map(entries) => self.map(entries)?,
            Form::Not(of) => (Op::Not(Box::new(self.condition(of)?)), Type::Bool),
            Form::Negate(of) => {
                let (expr, kind) = self.expr(of)?;
                want(&kind, Want::Number, of, "`-` needs a number")?;
                (Op::Negate(Box::new(expr)), Type::Number)
            }
            Form::And(parts) => (Op::And(self.conditions(parts)?), Type::Bool),
            Form::Or(parts) => (Op::Or(self.conditions(parts)?), Type::Bool),
            Form::Choose(parts) => {
                let condition = self.condition(&parts[0])?;
                let (yes, one) = self.expr(&parts[1])?;
                let (no, other) = self.expr(&parts[2])?;
                (Op::Choose(Box::new([condition, yes, no])), common(&[one, other]))
            }
            Form::Binary(Binary::In, pair) => self.within(pair)?,
            Form::Binary(Binary::Compare(how), pair) => self.compare(syntax, *how, pair)?,
            Form::Binary(Binary::Compute(how), pair) => self.compute(syntax, *how, pair)?,
        })
    }

    /// An expression that gives true or false, as far as is known.
    fn condition(&mut self, syntax: &'s Syntax) -> Result<Expr, Fault> {
        let (expr, kind) = self.expr(syntax)?;
        if matches!(kind, Type::Any | Type::Bool) {
            return Ok(expr);
        }
        let message = format!("this must be true or false, it is {}", kind.name());
        Err(Fault::new(syntax.range.clone(), message))
    }

    fn conditions(&mut self, parts: &'s [Syntax]) -> Result<Box<[Expr]>, Fault> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn name(&self, syntax: &Syntax, name: &str) -> Result<(Op, Type), Fault> {
        if let Some(slot) = self.variables.iter().rposition(|(it, _)| *it == name) {
            return Ok((Op::Path(slot, Box::new([])), self.variables[slot].1.clone()));
        }
        if TYPES.contains(&name) {
            return Ok((Op::Text(name.into()), Type::Text));
        }
        let fault = Fault::new(syntax.range.clone(), format!("there is no variable `{name}`"));
        if name == "params" {
            return Err(fault.help("parameters are used one by one: `params.NAME`"));
        }
        let names = self.variables.iter().map(|(it, _)| *it).chain(["params"]);
        Err(match nearest(name, names.clone()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!("there are: {}", names.collect::<Vec<_>>().join(", "))),
        })
    }

    fn select(&mut self, of: &'s Syntax, word: &Word) -> Result<(Op, Type), Fault> {
        if let Form::Name(name) = &of.form
            && name == "params"
            && !self.variables.iter().any(|(it, _)| it == name)
        {
            return self.parameter(word);
        }
        let (expr, kind) = self.expr(of)?;
        let kind = match kind {
            Type::Any | Type::Map => Type::Any,
            Type::Record(fields) => match fields.iter().find(|it| it.name == word.text) {
                Some(field) => Type::of(&field.shape),
                None => return Err(unknown_field(word, fields)),
            },
            other => {
                let message =
                    format!("`{}` is a field of {}, which has none", word.text, other.name());
                let fault = Fault::new(word.range.clone(), message);
                return Err(match functions::find(&word.text) {
                    Some(_) => {
                        fault.help(format!("to call the function, write `{}(…)`", word.text))
                    }
                    None => fault,
                });
            }
        };
        let field = word.text.as_str().into();
        let op = match expr.op {
            Op::Path(slot, path) => {
                let mut path = path.into_vec();
                path.push(field);
                Op::Path(slot, path.into())
            }
            op => Op::Select(Box::new(Expr { op, ..expr }), field),
        };
        Ok((op, kind))
    }

    fn parameter(&self, word: &Word) -> Result<(Op, Type), Fault> {
        let Some(value) = self.parameters.get(&word.text) else {
            let message = format!("there is no parameter `{}`", word.text);
            let fault = Fault::new(word.range.clone(), message);
            let names = self.parameters.keys().map(String::as_str);
            return Err(match nearest(&word.text, names) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("parameters are written as `params = { name = value }`"),
            });
        };
        let unusable = || {
            let message =
                format!("the parameter `{}` holds more than lists and one table", word.text);
            Fault::new(word.range.clone(), message)
        };
        if let toml::Value::Table(table) = value {
            let entry = |(key, value): (&String, &toml::Value)| {
                constant(value).map(|it| (key.as_str().into(), it))
            };
            let entries: Option<Box<[(Box<str>, _)]>> = table.iter().map(entry).collect();
            let mut entries = entries.ok_or_else(unusable)?;
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            return Ok((Op::Table(entries), Type::Map));
        }
        let value = constant(value).ok_or_else(unusable)?;
        Ok(match value {
            Value::Text(text) => (Op::Text((&*text).into()), Type::Text),
            Value::Bool(_) => (Op::Constant(value), Type::Bool),
            Value::List(_) => (Op::Constant(value), Type::List(Rc::new(Type::Any))),
            _ => (Op::Constant(value), Type::Number),
        })
    }

    fn index(&mut self, pair: &'s (Syntax, Syntax)) -> Result<(Op, Type), Fault> {
        let ((of, kind), (index, by)) = self.pair(pair)?;
        let kind = match (&kind, &pair.1.form) {
            (Type::Any | Type::Map, _) => Type::Any,
            (Type::Record(fields), Form::Text(name)) => {
                match fields.iter().find(|it| it.name == name) {
                    Some(field) => Type::of(&field.shape),
                    None => {
                        let word = Word { text: name.clone(), range: pair.1.range.clone() };
                        return Err(unknown_field(&word, fields));
                    }
                }
            }
            (Type::Record(_), _) => Type::Any,
            (Type::List(of), _) => {
                want(&by, Want::Number, &pair.1, "the place in a list is a number")?;
                (**of).clone()
            }
            (other, _) => {
                let message = format!("{} has no entries", other.name());
                return Err(Fault::new(pair.0.range.clone(), message));
            }
        };
        Ok((Op::Index(Box::new((of, index))), kind))
    }

    fn map(&mut self, entries: &'s [(Syntax, Syntax)]) -> Result<(Op, Type), Fault> {
        let mut checked = Vec::new();
        for entry in entries {
            let ((key, kind), (value, _)) = self.pair(entry)?;
            want(&kind, Want::Text, &entry.0, "the key of a map is text")?;
            checked.push((key, value));
        }
        Ok((Op::Map(checked.into()), Type::Map))
    }

    fn within(&mut self, pair: &'s (Syntax, Syntax)) -> Result<(Op, Type), Fault> {
        let ((item, one), (of, kind)) = self.pair(pair)?;
        match &kind {
            Type::List(each) if !each.meets(&one) => {
                let message = format!("{} is never in a list of {}", one.name(), each.name());
                return Err(Fault::new(pair.0.range.clone(), message));
            }
            Type::Any | Type::List(_) | Type::Record(_) | Type::Map => {}
            other => {
                let message = format!("`in` needs a list or a map, not {}", other.name());
                let fault = Fault::new(pair.1.range.clone(), message);
                return Err(match other {
                    Type::Text => fault.help("for a part of a text: `text.contains(part)`"),
                    _ => fault,
                });
            }
        }
        let op = match of.op {
            Op::Constant(Value::List(items)) => Op::OneOf(Box::new(item), items.to_vec().into()),
            op => Op::In(Box::new((item, Expr { op, ..of }))),
        };
        Ok((op, Type::Bool))
    }

    fn compare(
        &mut self,
        syntax: &Syntax,
        how: Comparison,
        pair: &'s (Syntax, Syntax),
    ) -> Result<(Op, Type), Fault> {
        let ((a, one), (b, other)) = self.pair(pair)?;
        if !one.meets(&other) {
            let message = format!("{} is compared with {}", one.name(), other.name());
            return Err(Fault::new(syntax.range.clone(), message));
        }
        let ordered = !matches!(how, Comparison::Equal | Comparison::Unequal);
        if ordered && matches!(one, Type::Record(_) | Type::Map) {
            return Err(Fault::new(syntax.range.clone(), "maps have no order"));
        }
        Ok((Op::Compare(how, Box::new((a, b))), Type::Bool))
    }

    fn compute(
        &mut self,
        syntax: &Syntax,
        how: Operator,
        pair: &'s (Syntax, Syntax),
    ) -> Result<(Op, Type), Fault> {
        let ((a, one), (b, other)) = self.pair(pair)?;
        let computes = |it: &Type| match it {
            Type::Any | Type::Number => true,
            Type::Text | Type::List(_) => how == Operator::Add,
            _ => false,
        };
        if !one.meets(&other) || !computes(&one) || !computes(&other) {
            let message = format!("{} and {} cannot be computed", one.name(), other.name());
            let fault = Fault::new(syntax.range.clone(), message);
            return Err(match how {
                Operator::Add => fault.help("`string(…)` makes text of a number"),
                _ => fault,
            });
        }
        let kind = match (one, other) {
            (Type::Any, Type::List(_)) | (Type::List(_), Type::Any) => {
                Type::List(Rc::new(Type::Any))
            }
            (Type::Any, other) => other,
            (one, _) => one,
        };
        Ok((Op::Compute(how, Box::new((a, b))), kind))
    }

    fn call(
        &mut self,
        of: Option<&'s Syntax>,
        word: &'s Word,
        arguments: &'s [Syntax],
    ) -> Result<(Op, Type), Fault> {
        match (of, word.text.as_str()) {
            (None, "has") => return self.has(word, arguments),
            (Some(of), "bind") if matches!(&of.form, Form::Name(it) if it == "cel") => {
                return self.bind(word, arguments);
            }
            (Some(of), name) => {
                if let Some(which) = macro_named(name) {
                    return self.fold(which, of, word, arguments);
                }
            }
            _ => {}
        }
        let Some(function) = functions::find(&word.text) else {
            return Err(unknown_function(word));
        };
        let given: Vec<&Syntax> = of.into_iter().chain(arguments).collect();
        if given.len() < function.least || given.len() > function.wants.len() {
            let least = function.least;
            let most = function.wants.len();
            let wanted =
                if least == most { most.to_string() } else { format!("{least} to {most}") };
            let message = format!("`{}` takes {wanted} arguments, not {}", word.text, given.len());
            return Err(Fault::new(word.range.clone(), message));
        }
        let mut exprs = Vec::new();
        let mut first = Type::Any;
        for (number, (syntax, &wanted)) in given.into_iter().zip(function.wants).enumerate() {
            let (expr, kind) = self.expr(syntax)?;
            want(&kind, wanted, syntax, &format!("`{}` needs {}", word.text, want_name(wanted)))?;
            exprs.push((expr, syntax));
            if number == 0 {
                first = kind;
            }
        }
        let kind = match function.gives {
            Gives::Any => Type::Any,
            Gives::Bool => Type::Bool,
            Gives::Number => Type::Number,
            Gives::Text => Type::Text,
            Gives::Texts => Type::List(Rc::new(Type::Text)),
            Gives::List => Type::List(Rc::new(Type::Any)),
            Gives::First => first,
            Gives::Image => Type::Record(IMAGE),
        };
        if function.name == "matches"
            && let [(_, _), (Expr { op: Op::Text(pattern), .. }, syntax)] = &exprs[..]
        {
            let pattern = self.pattern(pattern, syntax)?;
            let text = exprs.swap_remove(0).0;
            return Ok((Op::Matches(Box::new(text), Box::new(pattern)), kind));
        }
        Ok((Op::Call(function, exprs.into_iter().map(|it| it.0).collect()), kind))
    }

    /// A pattern; compiling it costs a tenth of a millisecond, so only those who check every rule do.
    fn pattern(&self, text: &str, syntax: &Syntax) -> Result<Pattern, Fault> {
        if self.thorough
            && let Err(error) = Regex::new(text)
        {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let fault = Fault::new(syntax.range.clone(), "this is not a regular expression");
            return Err(fault.help(reason));
        }
        Ok(Pattern::new(text))
    }

    fn has(&mut self, word: &Word, arguments: &'s [Syntax]) -> Result<(Op, Type), Fault> {
        let [path] = arguments else {
            return Err(Fault::new(word.range.clone(), "`has` takes one path: `has(it.a.b)`"));
        };
        if !matches!(path.form, Form::Select(..) | Form::Index(_) | Form::Name(_)) {
            return Err(Fault::new(path.range.clone(), "`has` takes a path: `has(it.a.b)`"));
        }
        Ok((Op::Has(Box::new(self.expr(path)?.0)), Type::Bool))
    }

    fn bind(&mut self, word: &Word, arguments: &'s [Syntax]) -> Result<(Op, Type), Fault> {
        let [Syntax { form: Form::Name(name), .. }, value, body] = arguments else {
            let message = "`cel.bind` takes a name, its value, and what uses it";
            return Err(Fault::new(word.range.clone(), message));
        };
        let (value, kind) = self.expr(value)?;
        self.variables.push((name, kind));
        let body = self.expr(body);
        self.variables.pop();
        let (body, kind) = body?;
        Ok((Op::Bind(Box::new((value, body))), kind))
    }

    fn fold(
        &mut self,
        which: Macro,
        over: &'s Syntax,
        word: &Word,
        arguments: &'s [Syntax],
    ) -> Result<(Op, Type), Fault> {
        let (name, only, body) = match arguments {
            [Syntax { form: Form::Name(name), .. }, body] => (name, None, body),
            [Syntax { form: Form::Name(name), .. }, only, body] if which == Macro::Map => {
                (name, Some(only), body)
            }
            _ => {
                let message =
                    format!("`{0}` takes a name and what it is asked: `{0}(x, …)`", word.text);
                return Err(Fault::new(word.range.clone(), message));
            }
        };
        let (list, kind) = self.expr(over)?;
        let item = match &kind {
            Type::Any => Type::Any,
            Type::List(of) => (**of).clone(),
            Type::Map | Type::Record(_) => Type::Text,
            other => {
                let message =
                    format!("`{}` needs a list or a map, not {}", word.text, other.name());
                return Err(Fault::new(over.range.clone(), message));
            }
        };
        self.variables.push((name, item.clone()));
        let checked = self.fold_body(which, only, body);
        self.variables.pop();
        let (only, body, gives) = checked?;
        let gives = match which {
            Macro::Map => Type::List(Rc::new(gives)),
            Macro::Filter => Type::List(Rc::new(item)),
            _ => Type::Bool,
        };
        Ok((Op::Fold(which, Box::new(Fold { over: list, only, body })), gives))
    }

    fn fold_body(
        &mut self,
        which: Macro,
        only: Option<&'s Syntax>,
        body: &'s Syntax,
    ) -> Result<(Option<Expr>, Expr, Type), Fault> {
        let only = only.map(|it| self.condition(it)).transpose()?;
        if which == Macro::Map {
            let (body, kind) = self.expr(body)?;
            return Ok((only, body, kind));
        }
        Ok((only, self.condition(body)?, Type::Bool))
    }
}

/// The names of types, as `type(…)` gives them.
const TYPES: &[&str] = &["bool", "double", "int", "list", "map", "null_type", "string"];

const MACROS: &[(&str, Macro)] = &[
    ("all", Macro::All),
    ("exists", Macro::Exists),
    ("exists_one", Macro::ExistsOne),
    ("filter", Macro::Filter),
    ("map", Macro::Map),
];

fn macro_named(name: &str) -> Option<Macro> {
    MACROS.iter().find(|(it, _)| *it == name).map(|&(_, it)| it)
}

fn want_name(want: Want) -> &'static str {
    match want {
        Want::Any => "anything",
        Want::Text => "text",
        Want::Number => "a number",
        Want::List => "a list",
        Want::Map => "a map",
    }
}

fn want(kind: &Type, want: Want, syntax: &Syntax, message: &str) -> Result<(), Fault> {
    if kind.fits(want) {
        return Ok(());
    }
    Err(Fault::new(syntax.range.clone(), format!("{message}, not {}", kind.name())))
}

fn unknown_field(word: &Word, fields: &[Field]) -> Fault {
    let fault = Fault::new(word.range.clone(), format!("there is no field `{}`", word.text));
    let names = fields.iter().map(|it| it.name);
    match nearest(&word.text, names.clone()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("there are: {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn unknown_function(word: &Word) -> Fault {
    let fault = Fault::new(word.range.clone(), format!("there is no function `{}`", word.text));
    let names = FUNCTIONS.iter().map(|it| it.name);
    let names = names.chain(MACROS.iter().map(|it| it.0)).chain(["has"]);
    match nearest(&word.text, names.clone()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("there are: {}", names.collect::<Vec<_>>().join(", "))),
    }
}

/// A list of expressions; a constant if all of them are.
fn list(exprs: Box<[Expr]>) -> Op {
    let known = |expr: &Expr| match &expr.op {
        Op::Constant(value) => Some(value.clone()),
        Op::Text(text) => Some(Value::text(&**text)),
        _ => None,
    };
    match exprs.iter().map(known).collect::<Option<Vec<_>>>() {
        Some(values) => Op::Constant(Value::list(values)),
        None => Op::List(exprs),
    }
}

/// The type of all of them, if it is one.
fn common(types: &[Type]) -> Type {
    match types {
        [Type::Bool, rest @ ..] if rest.iter().all(|it| matches!(it, Type::Bool)) => Type::Bool,
        [Type::Number, rest @ ..] if rest.iter().all(|it| matches!(it, Type::Number)) => {
            Type::Number
        }
        [Type::Text, rest @ ..] if rest.iter().all(|it| matches!(it, Type::Text)) => Type::Text,
        [first @ Type::List(_), rest @ ..] if rest.iter().all(|it| it.name() == first.name()) => {
            Type::List(Rc::new(Type::Any))
        }
        _ => Type::Any,
    }
}

/// A parameter as a value, if it is a scalar or a list.
fn constant(value: &toml::Value) -> Option<Value<'static>> {
    Some(match value {
        toml::Value::String(text) => Value::text(text.as_str()),
        toml::Value::Integer(it) => Value::Int(*it),
        toml::Value::Float(it) => Value::Float(*it),
        toml::Value::Boolean(it) => Value::Bool(*it),
        toml::Value::Datetime(it) => Value::text(it.to_string()),
        toml::Value::Array(items) => {
            Value::list(items.iter().map(constant).collect::<Option<Vec<_>>>()?)
        }
        toml::Value::Table(_) => return None,
    })
}
