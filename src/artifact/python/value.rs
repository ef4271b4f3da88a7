//! Values as far as they are known without running anything: literals, constants, sums of them.
//!
//! What is not known becomes a map with `expr` (`name`, `call`, `text`, `other`), `text` (how it
//! is written), and `path` (what it names), so that rules can tell a value from an expression.

use ruff_python_ast::{Expr, Number, Operator, UnaryOp};
use ruff_text_size::Ranged;

use super::scope::Scope;
use crate::{
    document::{Key, Tree},
    source::Span,
};

/// How many names and containers deep a value is followed.
const DEEPEST: usize = 5;

/// How many items of a list or a map are kept.
const MOST_ITEMS: usize = 64;

/// How much of the text of an expression is kept.
const LONGEST: usize = 160;

/// Longer texts are expressions to us: a constant may be used many times.
const LONGEST_TEXT: usize = 4096;

/// Whether the tree is larger than honest code makes it: constants that name constants multiply.
fn is_spent(tree: &Tree) -> bool {
    let size = tree.source.text.len();
    tree.nodes.len() > size + 4096 || tree.pool.len() > 4 * size + (64 << 10)
}

/// A scalar that is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
}

/// Where an expression is written.
pub(super) fn span(it: &impl Ranged) -> Span {
    Span { start: it.start().to_u32(), end: it.end().to_u32() }
}

/// The scalar that an expression is.
pub(super) fn known(scope: &Scope<'_>, expr: &Expr, depth: usize) -> Option<Known> {
    if depth > DEEPEST {
        return None;
    }
    match expr {
        Expr::StringLiteral(it) if it.value.len() <= LONGEST_TEXT => {
            Some(Known::Text(it.value.to_str().to_owned()))
        }
        Expr::BooleanLiteral(it) => Some(Known::Bool(it.value)),
        Expr::NoneLiteral(_) => Some(Known::None),
        Expr::BytesLiteral(it) if it.value.len() <= LONGEST_TEXT => {
            let bytes: Vec<u8> = it.value.bytes().collect();
            Some(Known::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Expr::NumberLiteral(it) => match &it.value {
            Number::Int(it) => it.as_i64().map(Known::Int),
            Number::Float(it) => Some(Known::Float(*it)),
            Number::Complex { .. } => None,
        },
        Expr::UnaryOp(it) => match (it.op, known(scope, &it.operand, depth + 1)?) {
            (UnaryOp::USub, Known::Int(it)) => it.checked_neg().map(Known::Int),
            (UnaryOp::USub, Known::Float(it)) => Some(Known::Float(-it)),
            (UnaryOp::Not, Known::Bool(it)) => Some(Known::Bool(!it)),
            _ => None,
        },
        Expr::BinOp(it) => {
            let left = known(scope, &it.left, depth + 1)?;
            let right = known(scope, &it.right, depth + 1)?;
            calculate(it.op, left, right)
        }
        Expr::Name(it) => known(scope, scope.constant_of(&it.id)?, depth + 1),
        // `SecretStr("…")`, `int(…)`: the value behind a type.
        Expr::Call(it) if is_wrapper(&it.func) && it.arguments.args.len() == 1 => {
            known(scope, &it.arguments.args[0], depth + 1)
        }
        _ => None,
    }
}

fn is_wrapper(func: &Expr) -> bool {
    matches!(func, Expr::Name(it) if
        matches!(it.id.as_str(), "SecretStr" | "SecretBytes" | "str" | "int" | "float" | "Secret"
            | "PostgresDsn" | "RedisDsn" | "AnyUrl" | "HttpUrl" | "AnyHttpUrl"))
}

fn calculate(op: Operator, left: Known, right: Known) -> Option<Known> {
    match (left, right) {
        (Known::Text(left), Known::Text(right)) => match op {
            Operator::Add if left.len() + right.len() <= LONGEST_TEXT => {
                Some(Known::Text(left + &right))
            }
            _ => None,
        },
        (Known::Int(left), Known::Int(right)) => match op {
            Operator::Add => left.checked_add(right),
            Operator::Sub => left.checked_sub(right),
            Operator::Mult => left.checked_mul(right),
            Operator::FloorDiv => left.checked_div_euclid(right),
            Operator::Pow => left.checked_pow(u32::try_from(right).ok()?),
            _ => None,
        }
        .map(Known::Int),
        (left, right) => {
            let number = |it: Known| match it {
                Known::Int(it) => Some(it as f64),
                Known::Float(it) => Some(it),
                _ => None,
            };
            let (left, right) = (number(left)?, number(right)?);
            match op {
                Operator::Add => Some(Known::Float(left + right)),
                Operator::Sub => Some(Known::Float(left - right)),
                Operator::Mult => Some(Known::Float(left * right)),
                Operator::Div => Some(Known::Float(left / right)),
                _ => None,
            }
        }
    }
}

/// Writes a value into the tree.
pub(super) fn write(tree: &mut Tree, key: Key<'_>, scope: &Scope<'_>, expr: &Expr) {
    write_at(tree, key, scope, expr, 0, span(expr));
}

fn write_at(tree: &mut Tree, key: Key<'_>, scope: &Scope<'_>, expr: &Expr, depth: usize, at: Span) {
    if is_spent(tree) {
        tree.null(key, at);
        return;
    }
    if let Some(known) = known(scope, expr, depth) {
        write_known(tree, key, &known, at);
        return;
    }
    if depth > DEEPEST {
        return write_expression(tree, key, scope, expr, depth, at);
    }
    match expr {
        Expr::List(it) => write_items(tree, key, scope, &it.elts, depth, at),
        Expr::Tuple(it) => write_items(tree, key, scope, &it.elts, depth, at),
        Expr::Set(it) => write_items(tree, key, scope, &it.elts, depth, at),
        Expr::Dict(it) => {
            let map = tree.open_map(key, at);
            for item in it.items.iter().take(MOST_ITEMS) {
                let name = item.key.as_ref().and_then(|it| known_text(scope, it));
                if let Some(name) = name {
                    let at = span(&item.value);
                    write_at(tree, Key::Text(&name), scope, &item.value, depth + 1, at);
                }
            }
            tree.close(map);
        }
        Expr::Name(it) if constant_container(scope, &it.id).is_some() => {
            if let Some(value) = constant_container(scope, &it.id) {
                write_at(tree, key, scope, value, depth + 1, at);
            }
        }
        _ => write_expression(tree, key, scope, expr, depth, at),
    }
}

fn constant_container<'a>(scope: &Scope<'a>, name: &str) -> Option<&'a Expr> {
    let is_container =
        |it: &&Expr| matches!(it, Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) | Expr::Dict(_));
    scope.constant_of(name).filter(is_container)
}

fn write_items(
    tree: &mut Tree,
    key: Key<'_>,
    scope: &Scope<'_>,
    items: &[Expr],
    depth: usize,
    at: Span,
) {
    let list = tree.open_seq(key, at);
    for item in items.iter().take(MOST_ITEMS) {
        // Items of a constant stand where the constant is written.
        write_at(tree, Key::None, scope, item, depth + 1, span(item));
    }
    tree.close(list);
}

/// Writes what is known.
pub(super) fn write_known(tree: &mut Tree, key: Key<'_>, known: &Known, at: Span) {
    match known {
        Known::Text(it) => tree.text(key, it, at),
        Known::Int(it) => tree.int(key, *it, at),
        Known::Float(it) => tree.float(key, *it, at),
        Known::Bool(it) => tree.bool(key, *it, at),
        Known::None => tree.null(key, at),
    };
}

fn write_expression(
    tree: &mut Tree,
    key: Key<'_>,
    scope: &Scope<'_>,
    expr: &Expr,
    depth: usize,
    at: Span,
) {
    let map = tree.open_map(key, at);
    let kind = match expr {
        Expr::Name(_) | Expr::Attribute(_) => "name",
        Expr::Call(_) => "call",
        Expr::FString(_) => "text",
        _ => "other",
    };
    tree.text(Key::Field("expr"), kind, at);
    let written = tree.source.slice(span(expr)).to_owned();
    let end = written.char_indices().nth(LONGEST).map_or(written.len(), |it| it.0);
    tree.text(Key::Field("text"), &written[..end], at);
    let named = match expr {
        Expr::Call(it) => scope.path(&it.func),
        Expr::Name(_) | Expr::Attribute(_) => scope.path(expr),
        _ => None,
    };
    if let Some(path) = named {
        tree.text(Key::Field("path"), &path, at);
    }
    if let Expr::Call(call) = expr
        && depth < 3
    {
        write_arguments(tree, scope, &call.arguments, depth + 1, at);
    }
    tree.close(map);
}

/// Writes `args` and `kwargs` of a call.
pub(super) fn write_arguments(
    tree: &mut Tree,
    scope: &Scope<'_>,
    arguments: &ruff_python_ast::Arguments,
    depth: usize,
    at: Span,
) {
    let args = tree.open_seq(Key::Field("args"), at);
    for it in arguments.args.iter().take(MOST_ITEMS) {
        write_at(tree, Key::None, scope, it, depth, span(it));
    }
    tree.close(args);
    let kwargs = tree.open_map(Key::Field("kwargs"), at);
    for it in arguments.keywords.iter().take(MOST_ITEMS) {
        match &it.arg {
            Some(name) => {
                write_at(tree, Key::At(span(name)), scope, &it.value, depth, span(&it.value));
            }
            None => write_spread(tree, scope, &it.value, depth),
        }
    }
    tree.close(kwargs);
}

/// `**{…}` and `**OPTIONS` where they are known; `**` otherwise, so that nothing is called absent.
fn write_spread(tree: &mut Tree, scope: &Scope<'_>, value: &Expr, depth: usize) {
    let constant = match value {
        Expr::Name(it) => constant_container(scope, &it.id),
        _ => None,
    };
    let Expr::Dict(dict) = constant.unwrap_or(value) else {
        tree.bool(Key::Field("**"), true, span(value));
        return;
    };
    for item in dict.items.iter().take(MOST_ITEMS) {
        match item.key.as_ref().and_then(|it| known_text(scope, it)) {
            Some(name) => {
                let at = span(&item.value);
                write_at(tree, Key::Text(&name), scope, &item.value, depth + 1, at);
            }
            None => {
                tree.bool(Key::Field("**"), true, span(value));
            }
        }
    }
}

/// The text that an expression is, if it is known.
pub(super) fn known_text(scope: &Scope<'_>, expr: &Expr) -> Option<String> {
    match known(scope, expr, 0) {
        Some(Known::Text(it)) => Some(it),
        _ => None,
    }
}
