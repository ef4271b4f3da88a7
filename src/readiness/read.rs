//! Tables and values of TOML with their places, read key by key.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Fault;
use crate::{date::Date, rule::nearest};

/// A table, with the name people know it by.
pub struct Section<'a> {
    /// `attestation`, …
    pub name: &'static str,
    /// Where its header is.
    pub span: Range<usize>,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// A table of that name.
    pub fn new(name: &'static str, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { name, span, table }
    }

    /// Finds fault with every key that is not among `known`.
    pub fn only(&self, known: &[&str], faults: &mut Vec<Fault>) {
        for key in self.table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                faults.push(unknown(key.span(), key.get_ref(), "key", known));
            }
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.table.get(key).map(Value::of)
    }

    /// The table under a key.
    pub fn table(&self, key: &'static str, faults: &mut Vec<Fault>) -> Option<Self> {
        let value = self.table.get(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("`{key}` must be a table");
            faults.push(Fault::new(
                value.span(),
                &message,
                "here",
                Some(format!("write `[{key}]`")),
            ));
            return None;
        };
        Some(Self::new(key, table, value.span()))
    }

    /// The tables of the list under a key.
    pub fn tables(&self, key: &'static str, faults: &mut Vec<Fault>) -> Vec<Self> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut tables = Vec::new();
        for item in items {
            match (item.get_ref(), value.get_ref()) {
                (DeValue::Table(table), DeValue::Array(_)) => {
                    tables.push(Self::new(key, table, item.span()));
                }
                _ => {
                    let message = format!("`{key}` must be a list of tables");
                    let help = Some(format!("write `[[{key}]]`"));
                    faults.push(Fault::new(item.span(), &message, "here", help));
                }
            }
        }
        tables
    }
}

/// A value, with its place.
#[derive(Clone)]
pub struct Value<'a> {
    /// Where it is.
    pub span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    fn of(value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { span: value.span(), value: value.get_ref() }
    }

    /// The text, if it is text.
    pub fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        let text = match self.value {
            DeValue::Integer(it) => it.as_str(),
            DeValue::Float(it) => it.as_str(),
            _ => return None,
        };
        text.parse().ok().filter(|it: &f64| it.is_finite())
    }

    /// The day, if it is one: a TOML date, or text that reads like one.
    pub fn date(&self) -> Option<Date> {
        match self.value {
            DeValue::String(text) => text.parse().ok(),
            DeValue::Datetime(it) if it.time.is_none() => {
                let date = it.date?;
                Date::new(date.year.into(), date.month.into(), date.day.into())
            }
            _ => None,
        }
    }

    /// The texts of a list of texts.
    pub fn texts(&self, faults: &mut Vec<Fault>) -> Vec<Self> {
        let DeValue::Array(items) = self.value else {
            faults.push(Fault::new(self.span.clone(), "this must be a list", "here", None));
            return Vec::new();
        };
        items.iter().map(Self::of).collect()
    }
}

/// A word that is not among the known ones, with the one that may have been meant.
pub fn unknown(span: Range<usize>, word: &str, what: &str, known: &[&str]) -> Fault {
    let help = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.len() <= 12 => format!("there are {}", known.join(", ")),
        None if what == "item" => "`seaworthy checklist` lists them".to_owned(),
        None => format!("`seaworthy {what}s` lists them"),
    };
    Fault::new(span, &format!("there is no {what} `{word}`"), "unknown", Some(help))
}
