//! How a rule mends what it finds: which node is edited, and what is written there.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Spanned;

use super::{
    RuleError,
    cel::{Expr, Fault, Machine, Wrong},
    load::Written,
    template::Template,
};
use crate::{
    document::{Node, Style},
    finding::{self, Place},
    parse::put,
    source::Span,
    value::Value,
};

/// An edit as a rule file describes it.
#[derive(Debug)]
pub struct Edit {
    /// Which findings it mends; all, if there is none.
    pub when: Option<Written>,
    /// The node that is edited; the one that the finding points at, if there is none.
    pub at: Option<Written>,
    /// What happens to it.
    pub action: Action,
}

/// What happens to a node.
#[derive(Debug)]
pub enum Action {
    /// It gives way to a text.
    Replace(Written),
    /// A text goes before it.
    Before(Written),
    /// A text goes behind it.
    After(Written),
    /// It goes, with the blanks behind it; an entry of a map in YAML goes with its lines.
    Remove,
    /// A map gets an entry.
    Set(Entry),
}

/// An entry of a map.
#[derive(Debug)]
pub struct Entry {
    /// The keys of the maps on the way to it, which are made if they are missing.
    pub under: Vec<String>,
    /// Its key.
    pub key: Written,
    /// Its value; texts in it are templates.
    pub value: toml::Value,
    /// Where the value is written.
    pub place: std::ops::Range<usize>,
}

/// An `[[edit]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    when: Option<Spanned<String>>,
    at: Option<Spanned<String>>,
    replace: Option<Spanned<String>>,
    before: Option<Spanned<String>>,
    after: Option<Spanned<String>>,
    remove: Option<Spanned<bool>>,
    set: Option<Spanned<Set>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    #[serde(default)]
    under: String,
    key: Spanned<String>,
    value: Spanned<toml::Value>,
}

impl Change {
    /// The edit that it describes.
    pub fn read(self, path: &str, text: &str) -> Result<Edit, RuleError> {
        let entry = |set: Set| Entry {
            under: set.under.split('.').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
            key: set.key.into(),
            place: set.value.span(),
            value: set.value.into_inner(),
        };
        let actions = [
            self.replace.map(|it| Action::Replace(it.into())),
            self.before.map(|it| Action::Before(it.into())),
            self.after.map(|it| Action::After(it.into())),
            self.remove.filter(|it| *it.get_ref()).map(|_| Action::Remove),
            self.set.map(|it| Action::Set(entry(it.into_inner()))),
        ];
        let mut actions = actions.into_iter().flatten();
        let (Some(action), None) = (actions.next(), actions.next()) else {
            let at = self.at.map_or(0..0, |it| it.span());
            let message = "an edit does one thing: replace, before, after, remove or set";
            return Err(RuleError::at(path, text, at, message, "this edit", None));
        };
        Ok(Edit { when: self.when.map(Into::into), at: self.at.map(Into::into), action })
    }
}

/// An edit, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Program {
    pub when: Option<Expr>,
    pub at: Option<Expr>,
    pub action: Step,
}

/// What happens to a node, ready to be evaluated.
#[derive(Debug)]
pub(super) enum Step {
    Replace(Template),
    Before(Template),
    After(Template),
    Remove,
    Set { under: Vec<String>, key: Template, value: Data },
}

/// A value whose texts are templates.
#[derive(Debug)]
pub(super) enum Data {
    Plain(Json),
    Text(Template),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
}

impl Data {
    /// Compiles the templates of a value.
    pub fn of(
        value: &toml::Value,
        template: &dyn Fn(&str) -> Result<Template, Fault>,
    ) -> Result<Self, Fault> {
        Ok(match value {
            toml::Value::String(text) => Self::Text(template(text)?),
            toml::Value::Integer(it) => Self::Plain((*it).into()),
            toml::Value::Float(it) => Self::Plain((*it).into()),
            toml::Value::Boolean(it) => Self::Plain((*it).into()),
            toml::Value::Datetime(it) => Self::Plain(it.to_string().into()),
            toml::Value::Array(items) => {
                let items = items.iter().map(|it| Self::of(it, template));
                Self::List(items.collect::<Result<_, _>>()?)
            }
            toml::Value::Table(entries) => {
                let entry = |(key, it): (&String, _)| Ok((key.clone(), Self::of(it, template)?));
                Self::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
        })
    }

    fn fill<'a>(&'a self, machine: &mut Machine<'a>, with: &[Value<'a>]) -> Result<Json, Wrong> {
        Ok(match self {
            Self::Plain(it) => it.clone(),
            Self::Text(text) => match text.lone(machine, with)?.map(|it| it.load()) {
                Some(Value::Bool(it)) => it.into(),
                Some(Value::Int(it)) => it.into(),
                Some(Value::Float(it)) => it.into(),
                _ => text.whole(machine, with)?.into(),
            },
            Self::List(items) => {
                let items = items.iter().map(|it| it.fill(machine, with));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let mut map = Map::new();
                for (key, it) in entries {
                    map.insert(key.clone(), it.fill(machine, with)?);
                }
                Json::Object(map)
            }
        })
    }
}

impl Step {
    /// What it does to a node: the part of the file, and what to write there; nothing if the node
    /// cannot be edited so.
    pub fn apply<'a>(
        &'a self,
        node: Node<'a>,
        machine: &mut Machine<'a>,
        with: &[Value<'a>],
    ) -> Result<Option<finding::Edit>, Wrong> {
        if node.tree().source.is_rendered() {
            // What is written is a template.
            return Ok(None);
        }
        let Span { start, end } = node.span();
        let change = match self {
            Self::Replace(text) => Some((node.span(), text.whole(machine, with)?)),
            Self::Before(text) => Some((Span { start, end: start }, text.whole(machine, with)?)),
            Self::After(text) => Some((Span { start: end, end }, text.whole(machine, with)?)),
            Self::Remove if node.key_span().is_some() && node.style() != Style::Derived => {
                put::take(node)
            }
            Self::Remove => Some((with_blanks(node), String::new())),
            Self::Set { under, key, value } => {
                let key = key.whole(machine, with)?;
                let mut path: Vec<&str> = under.iter().map(String::as_str).collect();
                path.push(&key);
                put::put(node, &path, &value.fill(machine, with)?)
            }
        };
        Ok(change.map(|(span, text)| edit(node, span, text)))
    }
}

fn edit(node: Node<'_>, span: Span, text: String) -> finding::Edit {
    let source = &node.tree().source;
    let (start, end) = (source.position(span.start), source.position(span.end));
    let place = Place { path: source.path.as_str().into(), start, end };
    finding::Edit { place, span: source.in_file(span), text }
}

/// A node with the blanks behind it; the whole line where nothing else is on it.
fn with_blanks(node: Node<'_>) -> Span {
    let text = &node.tree().source.text;
    let Span { start, end } = node.span();
    let rest = text.get(end as usize..).unwrap_or("");
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let rest = &rest[blanks..];
    let line = text.get(..start as usize).map_or(0, |it| it.rfind('\n').map_or(0, |at| at + 1));
    let is_alone = text.get(line..start as usize).is_some_and(|it| it.trim().is_empty());
    let lines_end = ["\r\n", "\n"].into_iter().find(|it| rest.starts_with(it));
    match lines_end.filter(|_| is_alone) {
        Some(it) => Span::new(line, end as usize + blanks + it.len()),
        None => Span { start, end: end + blanks as u32 },
    }
}
