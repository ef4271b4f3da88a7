//! Nodes as JSON values, for what needs values: rulesets, and JSON Schema.

use serde_json::{Map, Number, Value};

use super::js::{Eyes, entries};
use crate::document::{Kind, Node};

/// The node does not fit into the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// How much of a node becomes a value.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How many levels; containers below are left empty.
    pub depth: u32,
    /// How many values.
    pub size: usize,
}

/// The value of a node.
///
/// # Errors
/// When it is larger than the extent allows, as references and aliases can make it.
pub fn value<'a>(node: Node<'a>, eyes: Eyes<'_, 'a>, extent: Extent) -> Result<Value, TooLarge> {
    let mut extent = extent;
    read(node, eyes, &mut extent)
}

fn read<'a>(node: Node<'a>, eyes: Eyes<'_, 'a>, extent: &mut Extent) -> Result<Value, TooLarge> {
    extent.size = extent.size.checked_sub(1).ok_or(TooLarge)?;
    let node = eyes.see(node);
    let below = extent.depth.checked_sub(1);
    Ok(match node.kind() {
        Kind::Null | Kind::Alias => Value::Null,
        Kind::Bool => Value::Bool(node.as_bool().unwrap_or_default()),
        Kind::Int => Value::Number(node.as_int().unwrap_or_default().into()),
        Kind::Float => {
            let number = node.as_float().and_then(Number::from_f64);
            number.map_or(Value::Null, Value::Number)
        }
        Kind::Str => Value::String(node.text().to_owned()),
        Kind::Seq | Kind::Map if below.is_none() => match node.is_seq() {
            true => Value::Array(Vec::new()),
            false => Value::Object(Map::new()),
        },
        Kind::Seq => {
            extent.depth -= 1;
            let items: Result<_, _> = node.children().map(|it| read(it, eyes, extent)).collect();
            extent.depth += 1;
            Value::Array(items?)
        }
        Kind::Map => {
            extent.depth -= 1;
            let read = |(key, it): (&str, Node<'a>)| Ok((key.to_owned(), read(it, eyes, extent)?));
            let map: Result<_, _> = entries(node).into_iter().map(read).collect();
            extent.depth += 1;
            Value::Object(map?)
        }
    })
}
