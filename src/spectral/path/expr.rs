//! Evaluates the expressions in filters, as JavaScript would.

use std::{borrow::Cow, sync::Arc};

use super::walk::{Prop, Spot};
use crate::spectral::{
    js::{Eyes, Js},
    pattern::Pattern,
};

/// What stands behind an `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The value that is tested.
    Value,
    /// Its key.
    Property,
    /// What holds it.
    Parent,
    /// The key of what holds it.
    ParentProperty,
    /// The document.
    Root,
    /// Where it is: `$['paths']['/pets']`.
    Path,
    /// Whether the value is of a type.
    Is(&'static str),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `===`
    Same,
    /// `!==`
    Differs,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `~=`: the right side is a pattern.
    Matches,
    /// `in`: the right side includes the left.
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// The methods that filters may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `match`, `search`, `test`: whether a pattern is found.
    Match,
    /// `includes`
    Includes,
    /// `indexOf`
    IndexOf,
    /// `startsWith`
    StartsWith,
    /// `endsWith`
    EndsWith,
    /// `toLowerCase`
    Lower,
    /// `toUpperCase`
    Upper,
    /// `trim`
    Trim,
    /// `split`
    Split,
    /// `slice`, `substring`
    Slice,
    /// `charAt`
    CharAt,
    /// `toString`
    Text,
    /// `hasOwnProperty`
    Has,
}

/// An expression.
#[derive(Debug)]
pub enum Expr {
    /// `undefined`, `void 0`
    Undefined,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `1.5`
    Number(f64),
    /// `'text'`
    Text(String),
    /// `/text/i`
    Pattern(Arc<Pattern>),
    /// `@`, `@property`, …
    At(At),
    /// `['a', 'b']`
    Array(Vec<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `-x`
    Minus(Box<Expr>),
    /// `typeof x`
    Typeof(Box<Expr>),
    /// `x.constructor.name`
    Constructor(Box<Expr>),
    /// `x.name`
    Member(Box<(Expr, String)>),
    /// `x['name']`
    Index(Box<(Expr, Expr)>),
    /// `x.name(…)`
    Call(Method, Box<(Expr, Vec<Expr>)>),
    /// `x + y`
    Binary(Op, Box<(Expr, Expr)>),
    /// `x ? y : z`
    Choice(Box<(Expr, Expr, Expr)>),
}

/// What filters see around the value that they test.
#[derive(Clone, Copy)]
pub struct Scope<'s, 'a> {
    /// How the document is looked at.
    pub eyes: Eyes<'s, 'a>,
    /// Where we are: the document first, the value last.
    pub trail: &'s [Spot<'a>],
}

/// Why an expression has no value: JavaScript would throw, or a pattern ran away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thrown;

type Evaluated<'a> = Result<Js<'a>, Thrown>;

impl Expr {
    /// A call of one of the methods that we know.
    ///
    /// # Errors
    /// When we do not know it.
    pub fn call(object: Self, name: &str, arguments: Vec<Self>) -> Result<Self, String> {
        let method = match name {
            "match" | "search" | "test" => Method::Match,
            "includes" => Method::Includes,
            "indexOf" => Method::IndexOf,
            "startsWith" => Method::StartsWith,
            "endsWith" => Method::EndsWith,
            "toLowerCase" | "toLocaleLowerCase" => Method::Lower,
            "toUpperCase" | "toLocaleUpperCase" => Method::Upper,
            "trim" => Method::Trim,
            "split" => Method::Split,
            "slice" | "substring" => Method::Slice,
            "charAt" => Method::CharAt,
            "toString" => Method::Text,
            "hasOwnProperty" => Method::Has,
            _ => return Err(format!("`.{name}()` is not known")),
        };
        let arguments = match (name, arguments) {
            ("match" | "search", arguments) => {
                let mut compiled = Vec::new();
                for it in arguments {
                    compiled.push(match it {
                        Self::Text(text) => Self::Pattern(Arc::new(Pattern::new(&text, "")?)),
                        other => other,
                    });
                }
                compiled
            }
            (_, arguments) => arguments,
        };
        // `search` gives a place, and only 0 is false there.
        let call = Self::Call(method, Box::new((object, arguments)));
        match name {
            "search" => {
                let found = Box::new((call, Self::Number(0.0), Self::Number(-1.0)));
                Ok(Self::Choice(found))
            }
            _ => Ok(call),
        }
    }

    /// Whether it holds for the value at the end of a trail.
    pub fn holds<'a>(&'a self, scope: Scope<'_, 'a>) -> bool {
        self.value(scope).is_ok_and(|it| it.is_truthy())
    }

    fn value<'a>(&'a self, scope: Scope<'_, 'a>) -> Evaluated<'a> {
        Ok(match self {
            Self::Undefined => Js::Undefined,
            Self::Null => Js::Null,
            Self::Bool(it) => Js::Bool(*it),
            Self::Number(it) => Js::Number(*it),
            Self::Text(it) => Js::text(it),
            Self::Pattern(_) => Js::Bool(true),
            Self::At(at) => scope.at(*at),
            Self::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|it| it.value(scope)).collect();
                Js::List(items?.into())
            }
            Self::Not(it) => Js::Bool(!it.value(scope)?.is_truthy()),
            Self::Minus(it) => Js::Number(-it.value(scope)?.number()),
            Self::Typeof(it) => Js::text(it.value(scope)?.kind()),
            Self::Constructor(it) => Js::text(constructor(&it.value(scope)?)?),
            Self::Member(it) => scope.member(&it.0.value(scope)?, &it.1)?,
            Self::Index(it) => {
                let key = it.1.value(scope)?;
                scope.member(&it.0.value(scope)?, &key.string())?
            }
            Self::Call(method, it) => scope.call(*method, &it.0, &it.1)?,
            Self::Binary(op, it) => scope.binary(*op, &it.0, &it.1)?,
            Self::Choice(it) => match it.0.value(scope)?.is_truthy() {
                true => it.1.value(scope)?,
                false => it.2.value(scope)?,
            },
        })
    }
}

fn constructor(value: &Js<'_>) -> Result<&'static str, Thrown> {
    match value {
        Js::Undefined | Js::Null => Err(Thrown),
        Js::Bool(_) => Ok("Boolean"),
        Js::Number(_) => Ok("Number"),
        Js::Text(_) => Ok("String"),
        _ if value.is_array() => Ok("Array"),
        _ => Ok("Object"),
    }
}

impl<'a> Scope<'_, 'a> {
    /// The methods of texts that filters ask for before they call them.
    const METHODS: &'static [&'static str] = &[
        "match",
        "includes",
        "indexOf",
        "startsWith",
        "endsWith",
        "search",
        "split",
        "slice",
        "trim",
        "toLowerCase",
        "toUpperCase",
    ];

    fn at(&self, at: At) -> Js<'a> {
        let spot = |above: usize| {
            let at = self.trail.len().checked_sub(above + 1)?;
            self.trail.get(at)
        };
        let property = |it: Option<&Spot<'a>>| match it.map(|it| it.key) {
            None | Some(Prop::Root) => Js::Null,
            Some(Prop::Key(key)) => Js::text(key),
            Some(Prop::Index(at)) => Js::Number(f64::from(at)),
        };
        let value = || spot(0).map_or(Js::Undefined, |it| Js::of(it.node));
        match at {
            At::Value => value(),
            At::Property => property(spot(0)),
            At::Parent => spot(1).map_or(Js::Undefined, |it| Js::of(it.node)),
            At::ParentProperty => property(spot(1)),
            At::Root => self.trail.first().map_or(Js::Undefined, |it| Js::of(it.node)),
            At::Path => Js::Text(Cow::Owned(shown(self.trail))),
            At::Is(name) => Js::Bool(is_of(&value(), name)),
        }
    }

    fn member(&self, object: &Js<'a>, name: &str) -> Evaluated<'a> {
        match object {
            Js::Undefined | Js::Null => Err(Thrown),
            _ if name == "length" && object.length().is_some() => {
                Ok(Js::Number(object.length().unwrap_or_default() as f64))
            }
            Js::Node(node) => Ok(Js::maybe(self.eyes.get(*node, name))),
            Js::List(items) => {
                let item = name.parse().ok().and_then(|at: usize| items.get(at));
                Ok(item.cloned().unwrap_or(Js::Undefined))
            }
            Js::Text(text) => {
                // A method that is named and not called is there, and more is not asked.
                if Self::METHODS.contains(&name) {
                    return Ok(Js::Bool(true));
                }
                let item = name.parse().ok().and_then(|at| text.chars().nth(at));
                Ok(item.map_or(Js::Undefined, |it| Js::Text(it.to_string().into())))
            }
            _ => Ok(Js::Undefined),
        }
    }

    fn binary(&self, op: Op, left: &'a Expr, right: &'a Expr) -> Evaluated<'a> {
        let left = left.value(*self)?;
        match op {
            Op::And if !left.is_truthy() => return Ok(left),
            Op::Or if left.is_truthy() => return Ok(left),
            Op::And | Op::Or => return right.value(*self),
            Op::Matches => return pattern(right, &left).map(Js::Bool),
            _ => {}
        }
        let right = right.value(*self)?;
        let number = |it: f64| Ok(Js::Number(it));
        match op {
            Op::Same => Ok(Js::Bool(left.same(&right))),
            Op::Differs => Ok(Js::Bool(!left.same(&right))),
            Op::Equal => Ok(Js::Bool(left.equals(&right))),
            Op::Unequal => Ok(Js::Bool(!left.equals(&right))),
            Op::Less | Op::AtMost | Op::More | Op::AtLeast => Ok(Js::Bool(less(op, &left, &right))),
            Op::In => self.includes(&right, &left).map(Js::Bool),
            Op::Add if left.as_text().is_some() || right.as_text().is_some() => {
                Ok(Js::Text(Cow::Owned(format!("{}{}", left.string(), right.string()))))
            }
            Op::Add => number(left.number() + right.number()),
            Op::Subtract => number(left.number() - right.number()),
            Op::Multiply => number(left.number() * right.number()),
            Op::Divide => number(left.number() / right.number()),
            _ => number(left.number() % right.number()),
        }
    }

    fn includes(&self, object: &Js<'a>, wanted: &Js<'a>) -> Result<bool, Thrown> {
        match object {
            Js::Text(text) => Ok(text.contains(&*wanted.string())),
            _ if object.is_array() => Ok(object.items(self.eyes).iter().any(|it| it.same(wanted))),
            _ => Err(Thrown),
        }
    }

    fn call(&self, method: Method, object: &'a Expr, arguments: &'a [Expr]) -> Evaluated<'a> {
        let first = arguments.first();
        if let (Method::Match, Expr::Pattern(_)) = (method, object) {
            let text = first.ok_or(Thrown)?.value(*self)?;
            return pattern(object, &text).map(Js::Bool);
        }
        let is_property = matches!(object, Expr::At(At::Property | At::ParentProperty));
        let mut object = object.value(*self)?;
        if is_property {
            object = Js::Text(object.string());
        }
        let argument = |at: usize| arguments.get(at).map(|it| it.value(*self)).transpose();
        let wanted = || argument(0).map(|it| it.unwrap_or(Js::Undefined));
        if object.is_array() {
            return self.list_method(method, &object, &wanted()?);
        }
        if let (Js::Node(node), Method::Has) = (&object, method) {
            return Ok(Js::Bool(node.get(&wanted()?.string()).is_some()));
        }
        let text = match &object {
            Js::Text(text) => text.clone(),
            Js::Number(_) | Js::Bool(_) if method == Method::Text => object.string(),
            _ => return Err(Thrown),
        };
        Ok(match method {
            Method::Match => Js::Bool(pattern(first.ok_or(Thrown)?, &object)?),
            Method::Includes => Js::Bool(text.contains(&*wanted()?.string())),
            Method::IndexOf => {
                let found = text.find(&*wanted()?.string());
                Js::Number(found.map_or(-1.0, |it| text[..it].encode_utf16().count() as f64))
            }
            Method::StartsWith => Js::Bool(text.starts_with(&*wanted()?.string())),
            Method::EndsWith => Js::Bool(text.ends_with(&*wanted()?.string())),
            Method::Lower => Js::Text(text.to_lowercase().into()),
            Method::Upper => Js::Text(text.to_uppercase().into()),
            Method::Trim => Js::Text(text.trim().to_owned().into()),
            Method::Split => {
                let by = wanted()?.string().into_owned();
                let parts = text.split(&by).map(|it| Js::Text(it.to_owned().into()));
                Js::List(parts.collect::<Vec<_>>().into())
            }
            Method::Slice => slice(&text, &wanted()?, argument(1)?.as_ref()),
            Method::CharAt => slice(&text, &wanted()?, Some(&Js::Number(wanted()?.number() + 1.0))),
            Method::Text => Js::Text(text),
            Method::Has => return Err(Thrown),
        })
    }

    fn list_method(&self, method: Method, list: &Js<'a>, wanted: &Js<'a>) -> Evaluated<'a> {
        match method {
            Method::Includes => self.includes(list, wanted).map(Js::Bool),
            Method::IndexOf => {
                let items = list.items(self.eyes);
                let at = items.iter().position(|it| it.same(wanted));
                Ok(Js::Number(at.map_or(-1.0, |it| it as f64)))
            }
            Method::Text => Ok(Js::Text(list.string())),
            _ => Err(Thrown),
        }
    }
}

fn slice<'a>(text: &str, from: &Js<'_>, to: Option<&Js<'_>>) -> Js<'a> {
    let len = text.chars().count() as f64;
    let place = |it: f64| if it < 0.0 { (len + it).max(0.0) } else { it.min(len) } as usize;
    let from = place(from.number());
    let to = to.map_or(len as usize, |it| place(it.number()));
    let part: String = text.chars().skip(from).take(to.saturating_sub(from)).collect();
    Js::Text(part.into())
}

fn pattern(expr: &Expr, text: &Js<'_>) -> Result<bool, Thrown> {
    let Expr::Pattern(pattern) = expr else { return Err(Thrown) };
    pattern.matches(&text.string()).ok_or(Thrown)
}

fn less(op: Op, left: &Js<'_>, right: &Js<'_>) -> bool {
    if let (Some(left), Some(right)) = (left.as_text(), right.as_text()) {
        return match op {
            Op::Less => left < right,
            Op::AtMost => left <= right,
            Op::More => left > right,
            _ => left >= right,
        };
    }
    let (left, right) = (left.number(), right.number());
    match op {
        Op::Less => left < right,
        Op::AtMost => left <= right,
        Op::More => left > right,
        _ => left >= right,
    }
}

fn is_of(value: &Js<'_>, name: &str) -> bool {
    match name {
        "null" => matches!(value, Js::Null),
        "array" => value.is_array(),
        "object" => matches!(value, Js::Node(_) | Js::List(_)),
        "scalar" => !matches!(value, Js::Node(_) | Js::List(_)),
        "integer" => matches!(value, Js::Number(it) if it.fract() == 0.0),
        _ => value.kind() == name,
    }
}

/// A trail as `@path` shows it.
fn shown(trail: &[Spot<'_>]) -> String {
    let mut text = String::from("$");
    for spot in trail {
        match spot.key {
            Prop::Root => {}
            Prop::Key(key) => text.push_str(&format!("['{key}']")),
            Prop::Index(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text
}
