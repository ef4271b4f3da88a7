//! Values against schemas, as far as rules about examples and enumerations need it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use regex::{Regex, RegexBuilder};

use super::{
    Version,
    derive::{Fact, Record},
    refs::{Refs, pointer},
    tour::{Region, tour},
};
use crate::document::{Kind, Node};

/// How deep schemas and values are followed into each other.
const MAX_DEPTH: u32 = 48;
/// How many comparisons of a value with a schema one description may cost, for each of its nodes.
const STEPS_PER_NODE: usize = 20;

/// How large one compiled pattern may be; values of larger ones hold.
const MAX_PATTERN: usize = 1 << 18;
/// How many steps it costs to compile a pattern, whose size we do not know before.
const PATTERN_STEPS: usize = 500;
/// How many different patterns of one description are compiled.
const MAX_PATTERNS: usize = 2_000;

/// Whether a value is of a type that a schema may name.
pub fn is_of_type(value: Node<'_>, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.kind() == Kind::Bool,
        "integer" => value.as_float().is_some_and(|it| it.fract() == 0.0),
        "number" => value.as_float().is_some(),
        "string" => value.kind() == Kind::Str,
        "array" => value.is_seq(),
        "object" => value.is_map(),
        _ => true,
    }
}

/// The examples and defaults that their schemas refuse, and whether all were looked at.
pub fn examples<'a>(
    refs: &Refs<'a>,
    root: Node<'a>,
    regions: &[Region],
    version: Version,
) -> (Vec<Record>, bool) {
    let steps = STEPS_PER_NODE * root.tree().nodes.len() + 1_000_000;
    let patterns = RefCell::default();
    let check = Check { refs, version, steps: Cell::new(steps), patterns, way: Way::Both };
    let mut finder = Finder { check, version, records: Vec::new() };
    let below = |inside: Inside, key: &str| inside.below(key, version);
    tour(root, regions, &below, &mut |node, key, around| {
        if node.is_map() {
            finder.node(node, key, around.last().map_or(Inside::default(), |it| it.below));
        }
    });
    (finder.records, finder.check.steps.get() > 0)
}

/// What a node stands below.
#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    schemas: bool,
    media: bool,
    way: Way,
}

impl Inside {
    fn below(self, key: &str, version: Version) -> Self {
        let (schemas, media): (&[&str], &[&str]) = match version.major {
            2 => (&["definitions", "parameters", "responses"], &["responses"]),
            _ => (
                &["schemas", "content", "headers", "parameters"],
                &["content", "headers", "parameters"],
            ),
        };
        let way = match key {
            "requestBody" | "requestBodies" | "parameters" => Way::Request,
            "responses" | "response" => Way::Response,
            _ => self.way,
        };
        Self {
            schemas: self.schemas || schemas.contains(&key),
            media: self.media || media.contains(&key),
            way,
        }
    }
}

/// Who sends a value: what is only read is not required of callers, and the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Both,
    Request,
    Response,
}

struct Finder<'c, 'a> {
    check: Check<'c, 'a>,
    version: Version,
    records: Vec<Record>,
}

impl<'a> Finder<'_, 'a> {
    fn node(&mut self, node: Node<'a>, key: &str, inside: Inside) {
        if inside.schemas && key != "properties" && is_schema(node) {
            self.check.way = Way::Both;
            let names: &[&str] = match self.version.major {
                2 => &["example", "x-example", "default"],
                _ => &["example", "default"],
            };
            for name in names {
                if let Some(value) = node.get(name) {
                    self.judge("schema", node, value);
                }
            }
        }
        if let Some(schema) = node.get("schema").filter(|_| inside.media) {
            self.check.way = inside.way;
            self.media(node, schema);
        }
    }

    fn media(&mut self, node: Node<'a>, schema: Node<'a>) {
        if self.version.major == 2 {
            for value in node.get("examples").into_iter().flat_map(Node::children) {
                self.judge("media", schema, value);
            }
            return;
        }
        if let Some(value) = node.get("example") {
            self.judge("media", schema, value);
        }
        for example in
            node.get("examples").filter(|it| it.is_map()).into_iter().flat_map(Node::children)
        {
            let Some(example) = self.check.refs.resolve(example) else { continue };
            match example.get("value") {
                Some(value) => self.judge("media", schema, value),
                None if example.get("externalValue").is_some() => {}
                None => self.add("media", example, "there is no value"),
            }
        }
    }

    fn judge(&mut self, of: &str, schema: Node<'a>, value: Node<'a>) {
        if let Err(wrong) = self.check.value(schema, value, 0) {
            self.add(of, wrong.at, &wrong.reason);
        }
    }

    fn add(&mut self, of: &str, at: Node<'_>, reason: &str) {
        let facts =
            vec![("of", Fact::Text(of.to_owned())), ("reason", Fact::Text(reason.to_owned()))];
        self.records.push(Record { node: at.id(), facts });
    }
}

fn is_schema(node: Node<'_>) -> bool {
    ["enum", "type", "format", "$ref", "properties", "items"]
        .iter()
        .any(|it| node.get(it).is_some_and(|it| !it.is_null()))
}

/// Why a value does not fit.
struct Wrong<'a> {
    at: Node<'a>,
    reason: String,
}

type Fits<'a> = Result<(), Wrong<'a>>;

fn wrong<'a>(at: Node<'a>, reason: impl Into<String>) -> Fits<'a> {
    Err(Wrong { at, reason: reason.into() })
}

fn ensure<'a>(holds: bool, at: Node<'a>, reason: impl FnOnce() -> String) -> Fits<'a> {
    if holds { Ok(()) } else { wrong(at, reason()) }
}

struct Check<'c, 'a> {
    refs: &'c Refs<'a>,
    version: Version,
    steps: Cell<usize>,
    /// The patterns that were met; nothing for those that cannot be compiled.
    patterns: RefCell<HashMap<&'a str, Option<Regex>>>,
    way: Way,
}

impl<'a> Check<'_, 'a> {
    /// Whether a value fits a schema; where a limit is met, it does.
    fn value(&self, schema: Node<'a>, value: Node<'a>, depth: u32) -> Fits<'a> {
        let steps = self.steps.get();
        if depth > MAX_DEPTH || steps == 0 {
            return Ok(());
        }
        self.steps.set(steps - 1);
        if schema.as_bool() == Some(false) {
            return wrong(value, "nothing is allowed here");
        }
        let is_new = (self.version.major, self.version.minor) >= (3, 1);
        if is_new && pointer(schema).is_some() {
            // From 3.1 on, what stands beside a reference counts too.
            self.keywords(schema, value, depth)?;
        }
        let Some(schema) = self.refs.resolve(schema).filter(|it| it.is_map()) else {
            return Ok(());
        };
        if value.is_null() && self.allows_null(schema) {
            return Ok(());
        }
        self.keywords(schema, value, depth)
    }

    fn keywords(&self, schema: Node<'a>, value: Node<'a>, depth: u32) -> Fits<'a> {
        self.kind(schema, value)?;
        number(schema, value)?;
        self.text(schema, value)?;
        offered(schema, value)?;
        self.combined(schema, value, depth)?;
        self.items(schema, value, depth)?;
        self.properties(schema, value, depth)
    }

    fn allows_null(&self, schema: Node<'_>) -> bool {
        let is_old = self.version.major == 2 || self.version.minor == 0;
        let says = |key| schema.get(key).and_then(Node::as_bool) == Some(true);
        is_old && (says("nullable") || says("x-nullable"))
    }

    fn kind(&self, schema: Node<'a>, value: Node<'a>) -> Fits<'a> {
        let Some(kind) = schema.get("type") else { return Ok(()) };
        let names: Vec<_> = match kind.as_str() {
            Some(one) => vec![one],
            None => kind.children().filter_map(Node::as_str).collect(),
        };
        let fits = names.is_empty() || names.iter().any(|it| is_of_type(value, it));
        ensure(fits, value, || format!("must be of type {}", names.join(" or ")))
    }

    fn combined(&self, schema: Node<'a>, value: Node<'a>, depth: u32) -> Fits<'a> {
        let fits = |it: Node<'a>| self.value(it, value, depth + 1).is_ok();
        let branches = |key| schema.get(key).filter(|it| it.is_seq());
        if let Some(not) = schema.get("not") {
            ensure(!fits(not), value, || "must not fit `not`".into())?;
        }
        if let Some(any) = branches("anyOf") {
            ensure(any.children().any(fits), value, || "fits no schema of `anyOf`".into())?;
        }
        if let Some(one) = branches("oneOf") {
            let count = one.children().filter(|it| fits(*it)).count();
            ensure(count == 1, value, || format!("fits {count} schemas of `oneOf`, not one"))?;
        }
        for it in branches("allOf").into_iter().flat_map(Node::children) {
            self.value(it, value, depth + 1)?;
        }
        Ok(())
    }

    fn text(&self, schema: Node<'a>, value: Node<'a>) -> Fits<'a> {
        let Some(text) = value.as_str() else { return Ok(()) };
        let limit = |key| schema.get(key).and_then(Node::as_int);
        let len = text.chars().count() as i64;
        if let Some(max) = limit("maxLength") {
            ensure(len <= max, value, || format!("is {len} characters long, more than {max}"))?;
        }
        if let Some(min) = limit("minLength") {
            ensure(len >= min, value, || format!("is {len} characters long, fewer than {min}"))?;
        }
        if let Some(pattern) = schema.str("pattern") {
            let matches = self.matches(pattern, text);
            ensure(matches, value, || format!("does not match `{pattern}`"))?;
        }
        match schema.str("format") {
            Some(format) => ensure(has_format(text, format), value, || format!("is no {format}")),
            None => Ok(()),
        }
    }

    /// Whether a text matches a pattern; where that cannot be told, it does.
    fn matches(&self, pattern: &'a str, text: &str) -> bool {
        let mut patterns = self.patterns.borrow_mut();
        if patterns.len() >= MAX_PATTERNS && !patterns.contains_key(pattern) {
            self.steps.set(0);
            return true;
        }
        let compiled = patterns.entry(pattern).or_insert_with(|| {
            self.steps.set(self.steps.get().saturating_sub(PATTERN_STEPS));
            RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().ok()
        });
        compiled.as_ref().is_none_or(|it| it.is_match(text))
    }

    fn items(&self, schema: Node<'a>, value: Node<'a>, depth: u32) -> Fits<'a> {
        if !value.is_seq() {
            return Ok(());
        }
        let limit = |key| schema.get(key).and_then(Node::as_int);
        let len = value.len() as i64;
        if let Some(max) = limit("maxItems") {
            ensure(len <= max, value, || format!("has {len} items, more than {max}"))?;
        }
        if let Some(min) = limit("minItems") {
            ensure(len >= min, value, || format!("has {len} items, fewer than {min}"))?;
        }
        let Some(items) = schema.get("items").filter(|it| it.is_map()) else { return Ok(()) };
        value.children().try_for_each(|it| self.value(items, it, depth + 1))
    }

    fn properties(&self, schema: Node<'a>, value: Node<'a>, depth: u32) -> Fits<'a> {
        if !value.is_map() {
            return Ok(());
        }
        let known = schema.get("properties").filter(|it| it.is_map());
        let spared = |name: &str| {
            let property = known.and_then(|it| it.get(name));
            let property = property.and_then(|it| self.refs.resolve(it));
            let says = |key| property.and_then(|it| it.get(key)?.as_bool()) == Some(true);
            (self.way == Way::Request && says("readOnly"))
                || (self.way == Way::Response && says("writeOnly"))
        };
        let required = schema.get("required").filter(|it| it.is_seq());
        for name in required.into_iter().flat_map(Node::children).filter_map(Node::as_str) {
            let there = value.get(name).is_some() || spared(name);
            ensure(there, value, || format!("`{name}` is missing"))?;
        }
        if let Some(more) = schema.get("additionalProperties")
            && schema.get("patternProperties").is_none()
        {
            for (name, it) in value.entries() {
                if known.is_some_and(|known| known.get(name).is_some()) {
                    continue;
                }
                let closed = more.as_bool() == Some(false);
                ensure(!closed, value, || format!("`{name}` is not allowed"))?;
                self.value(more, it, depth + 1)?;
            }
        }
        for (name, schema) in known.into_iter().flat_map(Node::entries) {
            if let Some(it) = value.get(name) {
                self.value(schema, it, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn number<'a>(schema: Node<'a>, value: Node<'a>) -> Fits<'a> {
    let Some(number) = value.as_float() else { return Ok(()) };
    let limit = |key| schema.get(key).and_then(Node::as_float);
    let excludes = |key| schema.get(key).and_then(Node::as_bool) == Some(true);
    if let Some(max) = limit("maximum") {
        let fits = number < max || (number == max && !excludes("exclusiveMaximum"));
        ensure(fits, value, || format!("is more than {max}"))?;
    }
    if let Some(min) = limit("minimum") {
        let fits = number > min || (number == min && !excludes("exclusiveMinimum"));
        ensure(fits, value, || format!("is less than {min}"))?;
    }
    if let Some(max) = limit("exclusiveMaximum") {
        ensure(number < max, value, || format!("is not less than {max}"))?;
    }
    if let Some(min) = limit("exclusiveMinimum") {
        ensure(number > min, value, || format!("is not more than {min}"))?;
    }
    Ok(())
}

/// Formats that can be told from the text alone; others hold.
fn has_format(text: &str, format: &str) -> bool {
    match format {
        "date" => is_date(text),
        "date-time" => is_date_time(text),
        "email" => {
            let parts = text.split_once('@');
            parts.is_some_and(|(name, host)| {
                !name.is_empty() && !name.contains(char::is_whitespace) && host.contains('.')
            })
        }
        "uuid" => {
            let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
            let lens = text.split('-').map(str::len);
            let hex = |it: char| it.is_ascii_hexdigit() || it == '-';
            lens.eq([8, 4, 4, 4, 12]) && text.chars().all(hex)
        }
        "uri" => {
            let scheme = text.split_once(':').map(|it| it.0).unwrap_or_default();
            let starts = scheme.starts_with(|it: char| it.is_ascii_alphabetic());
            starts && !text.contains([' ', '<', '>', '{', '}'])
        }
        "duration" => {
            let rest = text.strip_prefix('P').unwrap_or_default();
            let (days, time) = rest.split_once('T').unwrap_or((rest, "0S"));
            let units = |text: &str, units: &str| {
                text.chars().all(|it| it.is_ascii_digit() || units.contains(it))
                    && (text.is_empty() || text.ends_with(|it: char| units.contains(it)))
            };
            !rest.is_empty() && !time.is_empty() && units(days, "YMWD") && units(time, "HMS")
        }
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let digits = [year, month, day].iter().all(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let month: u32 = month.parse().unwrap_or(0);
    let in_month = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_day = day.len() == 2 && day.parse().is_ok_and(|it: u32| (1..=in_month).contains(&it));
    digits && year.len() == 4 && parts[1].len() == 2 && (1..=12).contains(&month) && is_day
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else { return false };
    let clock = time.get(..8).is_some_and(|it| {
        let parts: Vec<_> = it.split(':').collect();
        let numbers = parts.iter().filter_map(|it| it.parse::<u32>().ok());
        parts.len() == 3 && numbers.zip([24, 60, 61]).filter(|(it, max)| it < max).count() == 3
    });
    let zone = time.get(8..).unwrap_or_default();
    let zone = match zone.strip_prefix('.') {
        Some(rest) => rest.trim_start_matches(|it: char| it.is_ascii_digit()),
        None => zone,
    };
    let offset = zone.strip_prefix(['+', '-']).is_some_and(|it| {
        it.bytes().all(|it| it.is_ascii_digit() || it == b':') && matches!(it.len(), 2 | 4 | 5)
    });
    is_date(date) && clock && (zone == "Z" || zone == "z" || offset)
}

fn offered<'a>(schema: Node<'a>, value: Node<'a>) -> Fits<'a> {
    if let Some(only) = schema.get("const") {
        ensure(same(only, value), value, || format!("must be `{}`", only.display()))?;
    }
    let Some(all) = schema.get("enum").filter(|it| it.is_seq()) else { return Ok(()) };
    ensure(all.children().any(|it| same(it, value)), value, || {
        "is none of the values of `enum`".into()
    })
}

/// Whether two values are equal; containers are compared by their first levels.
pub fn same(left: Node<'_>, right: Node<'_>) -> bool {
    fn equal(left: Node<'_>, right: Node<'_>, depth: u32) -> bool {
        if let (Some(left), Some(right)) = (left.as_float(), right.as_float()) {
            return left == right;
        }
        if left.kind() != right.kind() || left.len() != right.len() {
            return false;
        }
        match left.kind() {
            Kind::Seq if depth < 4 => {
                left.children().zip(right.children()).all(|(a, b)| equal(a, b, depth + 1))
            }
            Kind::Map if depth < 4 => left
                .entries()
                .all(|(key, it)| right.get(key).is_some_and(|other| equal(it, other, depth + 1))),
            Kind::Seq | Kind::Map => true,
            _ => left.display() == right.display(),
        }
    }
    equal(left, right, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_from_text() {
        for (text, format, expected) in [
            ("2024-02-29", "date", true),
            ("2024-13-01", "date", false),
            ("2024-1-1", "date", false),
            ("2024-01-01T10:00:00Z", "date-time", true),
            ("2024-01-01T10:00:00.123+01:00", "date-time", true),
            ("2024-01-01 10", "date-time", false),
            ("2024-01-01T10:00:00", "date-time", false),
            ("a@b.c", "email", true),
            ("ab", "email", false),
            ("123e4567-e89b-12d3-a456-426614174000", "uuid", true),
            ("123e4567", "uuid", false),
            ("https://a", "uri", true),
            ("a b", "uri", false),
            ("PT1H30M", "duration", true),
            ("P1D", "duration", true),
            ("1m30s", "duration", false),
            ("anything", "my-own", true),
        ] {
            assert_eq!(has_format(text, format), expected, "{text} {format}");
        }
    }
}
