//! The functions that rules of a ruleset may name, and what they say about a value.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    js::{Eyes, Js, entries},
    options,
    pattern::Pattern,
    schema::Schema,
};
use crate::document::{Kind, Node};

/// What a function has against a value.
#[derive(Debug)]
pub struct Complaint {
    /// What is wrong; `{property}` stands for the name of the value.
    pub message: String,
    /// Where below the value.
    pub below: Vec<String>,
}

/// Why a rule cannot be run.
pub type Refused = String;

/// Everything that functions know beside the value.
#[derive(Clone, Copy)]
pub struct Around<'s, 'a> {
    /// How the document is looked at.
    pub eyes: Eyes<'s, 'a>,
    /// The pointers that the document refers to.
    pub referenced: &'s dyn Fn(&str) -> bool,
}

/// A function with its options.
#[derive(Debug)]
pub enum Function {
    /// `truthy`
    Truthy,
    /// `falsy`
    Falsy,
    /// `defined`
    Defined,
    /// `undefined`
    Undefined,
    /// `pattern`: what must match and what must not, as written.
    Pattern(Option<(Pattern, String)>, Option<(Pattern, String)>),
    /// `casing`: the case, and what has it; a separator that may stand alone.
    Casing(String, Pattern, Option<String>),
    /// `length`
    Length(Option<f64>, Option<f64>),
    /// `enumeration`
    Enumeration(Vec<Value>),
    /// `schema`
    Schema(Box<Schema>),
    /// `alphabetical`
    Alphabetical(Option<String>),
    /// `xor`
    Xor(Vec<String>),
    /// `or`
    Or(Vec<String>),
    /// `unreferencedReusableObject`
    Unreferenced(String),
    /// `typedEnum`
    TypedEnum,
}

/// The functions of `spectral:oas` that a ruleset may name in rules of its own.
const OWN_OF_OAS: &[&str] = &[
    "oasOpSuccessResponse",
    "oasOpFormDataConsumeCheck",
    "oasOpIdUnique",
    "oasOpParams",
    "oasTagDefined",
    "oasPathParam",
    "oasExample",
    "oasSchema",
    "oasDocumentSchema",
    "oasUnusedComponent",
    "oasDiscriminator",
    "oasSecurityDefined",
    "refSiblings",
];

impl Function {
    /// The function with the options that a rule gives.
    ///
    /// # Errors
    /// Why the rule cannot be run.
    pub fn read(name: &str, options: &Value) -> Result<Self, Refused> {
        options::check(name, options)?;
        let names = || {
            let all = options["properties"].as_array().into_iter().flatten();
            let names: Vec<_> = all.filter_map(Value::as_str).map(str::to_owned).collect();
            let reason = || format!("`{name}` needs two `properties` at least");
            if names.len() < 2 { Err(reason()) } else { Ok(names) }
        };
        Ok(match name {
            "truthy" => Self::Truthy,
            "falsy" => Self::Falsy,
            "defined" => Self::Defined,
            "undefined" => Self::Undefined,
            "pattern" => Self::pattern(options)?,
            "casing" => Self::casing(options)?,
            "length" => Self::Length(options["min"].as_f64(), options["max"].as_f64()),
            "enumeration" => {
                let values = options["values"].as_array();
                Self::Enumeration(values.ok_or("`enumeration` needs `values`")?.clone())
            }
            "schema" => Self::Schema(Box::new(Schema::read(options)?)),
            "alphabetical" => Self::Alphabetical(options["keyedBy"].as_str().map(str::to_owned)),
            "xor" => Self::Xor(names()?),
            "or" => Self::Or(names()?),
            "unreferencedReusableObject" => {
                let place = options["reusableObjectsLocation"].as_str();
                let place = place.filter(|it| options::is_pointer(it));
                let place = place.ok_or("`unreferencedReusableObject` needs a location")?;
                Self::Unreferenced(place.to_owned())
            }
            "typedEnum" => Self::TypedEnum,
            _ if OWN_OF_OAS.contains(&name) => {
                let reason = "belongs to a rule of `spectral:oas`: extend that rule instead";
                return Err(format!("its function `{name}` {reason}"));
            }
            _ => return Err(format!("its function `{name}` is JavaScript, which we never run")),
        })
    }

    fn pattern(options: &Value) -> Result<Self, Refused> {
        let read = |key: &str| match options[key].as_str() {
            Some(text) => Pattern::written(text).map(|it| Some((it, text.to_owned()))),
            None => Ok(None),
        };
        let (matches, not) = (read("match")?, read("notMatch")?);
        match matches.is_none() && not.is_none() {
            true => Err("`pattern` needs `match` or `notMatch`".to_owned()),
            false => Ok(Self::Pattern(matches, not)),
        }
    }

    fn casing(options: &Value) -> Result<Self, Refused> {
        let name = options["type"].as_str().unwrap_or_default();
        let digits = if options["disallowDigits"] == Value::Bool(true) { "" } else { "0-9" };
        let (first, rest, hump) = match name {
            "flat" => ("a-z", "a-z", ""),
            "camel" => ("a-z", "a-z", "(?:[A-Z#](?:[a-z#]+|$))*"),
            "pascal" => ("A-Z", "a-z", "(?:[A-Z#](?:[a-z#]+|$))*"),
            "kebab" => ("a-z", "a-z", "(?:-[a-z#]+)*"),
            "cobol" => ("A-Z", "A-Z", "(?:-[A-Z#]+)*"),
            "snake" => ("a-z", "a-z", "(?:_[a-z#]+)*"),
            "macro" => ("A-Z", "A-Z", "(?:_[A-Z#]+)*"),
            _ => return Err(format!("`casing` knows no type `{name}`")),
        };
        let word = format!("[{first}][{rest}{digits}]*{}", hump.replace('#', digits));
        let separator = &options["separator"];
        let Some(char) = separator["char"].as_str() else {
            let pattern = Pattern::new(&format!("^{word}$"), "")?;
            return Ok(Self::Casing(name.to_owned(), pattern, None));
        };
        let leads = separator["allowLeading"] == Value::Bool(true);
        let between = format!("[{}]", regex::escape(char));
        let before = if leads { format!("{between}?") } else { String::new() };
        let pattern = Pattern::new(&format!("^{before}{word}(?:{between}{word})*$"), "")?;
        Ok(Self::Casing(name.to_owned(), pattern, leads.then(|| char.to_owned())))
    }

    /// What it has against a value; an error where that cannot be said.
    ///
    /// # Errors
    /// A limit that was met.
    pub fn judge<'a>(
        &self,
        value: &Js<'a>,
        around: Around<'_, 'a>,
    ) -> Result<Vec<Complaint>, &'static str> {
        let here = |holds: bool, message: &str| {
            let message = message.to_owned();
            let complaint = (!holds).then(|| Complaint { message, below: Vec::new() });
            Ok(complaint.into_iter().collect())
        };
        match self {
            Self::Truthy => here(value.is_truthy(), "{property} must be there and not empty"),
            Self::Falsy => here(!value.is_truthy(), "{property} must be empty or not there"),
            Self::Defined => here(!matches!(value, Js::Undefined), "{property} must be there"),
            Self::Undefined => here(matches!(value, Js::Undefined), "{property} must not be there"),
            Self::Pattern(matches, not) => patterns(value, matches.as_ref(), not.as_ref()),
            Self::Casing(name, pattern, alone) => {
                let Some(text) = value.as_text().filter(|it| !it.is_empty()) else {
                    return Ok(Vec::new());
                };
                let holds = alone.as_deref() == Some(text)
                    || pattern.matches(text).ok_or("its pattern takes too many steps")?;
                here(holds, &format!("`{text}` must be in {name} case"))
            }
            Self::Length(min, max) => {
                let Some(len) = length(value) else { return Ok(Vec::new()) };
                let mut found = Vec::new();
                if let Some(min) = min.filter(|it| len < *it) {
                    let message = format!("{{property}} must not be shorter or less than {min}");
                    found.push(Complaint { message, below: Vec::new() });
                }
                if let Some(max) = max.filter(|it| len > *it) {
                    let message = format!("{{property}} must not be longer or more than {max}");
                    found.push(Complaint { message, below: Vec::new() });
                }
                Ok(found)
            }
            Self::Enumeration(values) => {
                let is_scalar = !matches!(value, Js::Undefined | Js::Node(_) | Js::List(_));
                let holds = !is_scalar || values.iter().any(|it| is(value, it));
                let all: Vec<_> = values.iter().take(12).map(Value::to_string).collect();
                let message = format!("`{}` must be one of {}", value.string(), all.join(", "));
                here(holds, &message)
            }
            Self::Schema(schema) => schema.judge(value, around.eyes),
            Self::Alphabetical(by) => alphabetical(value, by.as_deref(), around.eyes),
            Self::Xor(names) | Self::Or(names) => {
                let Js::Node(node) = value else { return Ok(Vec::new()) };
                if !node.is_map() {
                    return Ok(Vec::new());
                }
                let there: Vec<_> =
                    names.iter().filter(|it| node.get(it).is_some()).cloned().collect();
                if there.is_empty() {
                    return here(false, &format!("one of `{}` must be there", names.join("`, `")));
                }
                let one = there.len() == 1 || matches!(self, Self::Or(_));
                here(one, &format!("only one of `{}` may be there", there.join("`, `")))
            }
            Self::Unreferenced(place) => unreferenced(value, place, around),
            Self::TypedEnum => typed_enum(value, around.eyes),
        }
    }
}

fn patterns(
    value: &Js<'_>,
    matches: Option<&(Pattern, String)>,
    not: Option<&(Pattern, String)>,
) -> Result<Vec<Complaint>, &'static str> {
    let Some(text) = value.as_text() else { return Ok(Vec::new()) };
    let shown: String = text.chars().take(80).collect();
    let mut found = Vec::new();
    for (pattern, wanted, word) in [(matches, true, "must"), (not, false, "must not")] {
        let Some((pattern, written)) = pattern else { continue };
        if pattern.matches(text).ok_or("its pattern takes too many steps")? != wanted {
            let message = format!("`{shown}` {word} match `{written}`");
            found.push(Complaint { message, below: Vec::new() });
        }
    }
    Ok(found)
}

/// What `length` measures.
fn length(value: &Js<'_>) -> Option<f64> {
    match value {
        Js::Number(it) => Some(*it),
        Js::Node(node) if node.is_map() => Some(entries(*node).len() as f64),
        _ => value.length().map(|it| it as f64),
    }
}

/// `===` with a value of a ruleset.
fn is(value: &Js<'_>, wanted: &Value) -> bool {
    match wanted {
        Value::Null => matches!(value, Js::Null),
        Value::Bool(wanted) => matches!(value, Js::Bool(it) if it == wanted),
        Value::Number(wanted) => {
            matches!(value, Js::Number(it) if Some(*it) == wanted.as_f64())
        }
        Value::String(wanted) => value.as_text() == Some(wanted),
        _ => false,
    }
}

fn alphabetical<'a>(
    value: &Js<'a>,
    by: Option<&str>,
    eyes: Eyes<'_, 'a>,
) -> Result<Vec<Complaint>, &'static str> {
    let Js::Node(node) = value else { return Ok(Vec::new()) };
    let here =
        |message: &str| Ok(vec![Complaint { message: message.to_owned(), below: Vec::new() }]);
    let names: Vec<Js<'a>> = match node.is_seq() {
        true => value.items(eyes),
        false => entries(*node).into_iter().map(|it| Js::text(it.0)).collect(),
    };
    if names.len() < 2 {
        return Ok(Vec::new());
    }
    let mut keys = Vec::with_capacity(names.len());
    for name in names.iter().cloned() {
        let key = match (by, name) {
            (None, name) => name,
            (Some(by), Js::Node(node)) => Js::maybe(eyes.get(node, by)),
            (Some(_), _) => return here("{property} must hold maps only"),
        };
        if !matches!(key, Js::Text(_) | Js::Number(_)) {
            return here("{property} must be sorted by texts or numbers");
        }
        keys.push(key);
    }
    let Some(at) = keys.windows(2).position(|it| comes_after(&it[0], &it[1])) else {
        return Ok(Vec::new());
    };
    if by.is_some() {
        return here("{property} must be in alphabetical order");
    }
    let below = if node.is_seq() { at.to_string() } else { keys[at].string().into_owned() };
    let message = format!("`{}` must come after `{}`", keys[at].string(), keys[at + 1].string());
    Ok(vec![Complaint { message, below: vec![below] }])
}

fn comes_after(left: &Js<'_>, right: &Js<'_>) -> bool {
    let is_number = |it: &Js<'_>| matches!(it, Js::Number(_));
    let numeric = |it: &Js<'_>| !it.number().is_nan();
    if (is_number(left) || !numeric(left)) && (is_number(right) || numeric(right)) {
        return left.number() - right.number() >= 1.0;
    }
    match (left.as_text(), right.as_text()) {
        (Some(left), Some(right)) => collation(left) > collation(right),
        _ => false,
    }
}

/// The order of a dictionary: signs, digits, letters; case only where all else is equal.
fn collation(text: &str) -> (Vec<u32>, Vec<bool>) {
    const SIGNS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    let weight = |c: char| match c {
        _ if c.is_whitespace() => 0,
        _ if c.is_ascii_digit() => 100 + c as u32,
        _ if c.is_ascii_alphabetic() => 200 + c.to_ascii_lowercase() as u32,
        _ => SIGNS.find(c).map_or(1_000 + c as u32, |it| it as u32 + 1),
    };
    (text.chars().map(weight).collect(), text.chars().map(|it| it.is_ascii_uppercase()).collect())
}

fn unreferenced(
    value: &Js<'_>,
    place: &str,
    around: Around<'_, '_>,
) -> Result<Vec<Complaint>, &'static str> {
    let Js::Node(node) = value else { return Ok(Vec::new()) };
    if !node.is_map() {
        return Ok(Vec::new());
    }
    let mut seen = HashSet::new();
    let unused = entries(*node)
        .into_iter()
        .map(|it| it.0)
        .filter(|name| seen.insert(*name) && !(around.referenced)(&format!("{place}/{name}")));
    let complaint = |name: &str| Complaint {
        message: format!("nothing refers to `{name}`"),
        below: vec![name.to_owned()],
    };
    Ok(unused.map(complaint).collect())
}

fn typed_enum<'a>(value: &Js<'a>, eyes: Eyes<'_, 'a>) -> Result<Vec<Complaint>, &'static str> {
    let Js::Node(node) = value else { return Ok(Vec::new()) };
    let (Some(all), Some(kind)) = (eyes.get(*node, "enum"), eyes.get(*node, "type")) else {
        return Ok(Vec::new());
    };
    let names: Vec<_> = match kind.as_str() {
        Some(one) => vec![one],
        None => kind.children().filter_map(Node::as_str).collect(),
    };
    let nullable = node.get("nullable").and_then(Node::as_bool) == Some(true);
    let fits = |it: Node<'_>| {
        names.is_empty() || names.iter().any(|name| has_type(it, name)) || nullable && it.is_null()
    };
    let items = all.is_seq().then(|| all.children()).into_iter().flatten();
    let wrong = items.enumerate().filter(|(_, it)| !fits(eyes.see(*it)));
    Ok(wrong
        .map(|(at, it)| Complaint {
            message: format!("`{}` is not of type {}", it.display(), names.join(" or ")),
            below: vec!["enum".to_owned(), at.to_string()],
        })
        .collect())
}

fn has_type(node: Node<'_>, name: &str) -> bool {
    match (node.kind(), name) {
        (Kind::Null, "null") | (Kind::Bool, "boolean") => true,
        (Kind::Str, "string") | (Kind::Seq, "array") | (Kind::Map, "object") => true,
        (Kind::Int | Kind::Float, "number") | (Kind::Int, "integer") => true,
        (Kind::Float, "integer") => node.as_float().is_some_and(|it| it.fract() == 0.0),
        _ => false,
    }
}
