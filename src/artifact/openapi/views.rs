//! The views on descriptions of HTTP interfaces.

use crate::{
    artifact::{Artifact, Emit, Field, Kind, Select, Shape, Subject, View},
    document::Node,
    value::Value,
};

const fn field(name: &'static str, shape: Shape, means: &'static str) -> Field {
    Field { name, shape, means }
}

const NODE: Field = field("node", Shape::Any, "as written");
const DOCUMENT: &[Field] = &[
    NODE,
    field("major", Shape::Number, "2 or 3"),
    field("minor", Shape::Number, "of `3.1`: 1"),
    field("version", Shape::Text, "`2.0`, `3.0`, `3.1`, …"),
    field("tags_sorted", Shape::Bool, "whether its tags are in alphabetical order"),
    field("operations", Shape::Number, "how many operations there are"),
    field("with_success", Shape::Number, "how many of them document a success"),
    field("with_errors", Shape::Number, "how many of them document an error"),
    field("with_limits", Shape::Number, "how many of them document 429"),
    field("described", Shape::Number, "how many of them have a summary or a description"),
    field("identified", Shape::Number, "how many of them have an operationId"),
    field("secured", Shape::Number, "how many of them nobody may call without authentication"),
    field("open_writes", Shape::Number, "how many change something and say nothing of security"),
    field("with_refusals", Shape::Number, "how many of those document 401, 403, 4XX or default"),
    field("error_responses", Shape::Number, "how many errors they document together"),
    field("typed_errors", Shape::Number, "how many of those say what their body is"),
    field(
        "error_shapes",
        Shape::Number,
        "how many schemas those have: shared ones, and one more for all others",
    ),
    field("exemplified", Shape::Number, "how many of them show examples of all they take and give"),
    field("shows_some", Shape::Bool, "whether there is an example anywhere"),
    field("business_paths", Shape::Number, "how many paths are not for running the service"),
    field("versioned_paths", Shape::Number, "how many of those name a version"),
    field("unversioned", Shape::Text, "one of those that name none; or empty"),
    field("versioned_servers", Shape::Bool, "whether a server or the base path names a version"),
];
const DOC: Field = field("doc", Shape::Record(DOCUMENT), "the whole description");

const SITE: Field = field(
    "site",
    Shape::Any,
    "where it is written; for what a reference with keys beside it leads to: the reference",
);

/// Gives the subjects of one list of what was derived.
fn list<'a>(artifact: &'a Artifact, name: &str, emit: Emit<'_, 'a>) {
    let Some(all) = artifact.derived.first().map(|&it| artifact.tree.node(it)) else { return };
    let Some(doc) = all.get("document") else { return };
    for it in all.get(name).into_iter().flat_map(Node::children) {
        give(it, doc, emit);
    }
    let sites = all.get("site").into_iter().flat_map(Node::children);
    for it in sites.filter(|it| it.str("type") == Some(name)) {
        if let (Some(schema), Some(site)) = (it.get("node"), it.get("site")) {
            let values = vec![Value::Node(schema), Value::Node(doc), Value::Node(site)];
            emit(Subject { values, at: site, object: None });
        }
    }
}

fn document<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let all = artifact.derived.first().map(|&it| artifact.tree.node(it));
    if let Some(doc) = all.and_then(|it| it.get("document")) {
        give(doc, doc, emit);
    }
}

/// A record stands where its node is written; a node stands for itself.
fn give<'a>(it: Node<'a>, doc: Node<'a>, emit: Emit<'_, 'a>) {
    let is_record = it.id() > doc.id() || it == doc;
    let at = if is_record { it.get("node").unwrap_or(it) } else { it };
    let values = vec![Value::Node(it), Value::Node(doc), Value::Node(at)];
    emit(Subject { values, at, object: None });
}

/// A view on one list.
macro_rules! view {
    ($name:literal, $means:literal, $shape:expr) => {
        View {
            name: concat!("openapi.", $name),
            kind: Kind::Openapi,
            means: $means,
            vars: &[field("it", $shape, $means), DOC, SITE],
            select: Select::File(|artifact, emit| list(artifact, $name, emit)),
        }
    };
}

/// A view on records with these fields.
macro_rules! records {
    ($name:literal, $means:literal, [$($field:expr),* $(,)?]) => {
        view!($name, $means, Shape::Record(&[NODE, $($field),*]))
    };
}

/// Every view.
pub const VIEWS: &[View] = &[
    View {
        name: "openapi.document",
        kind: Kind::Openapi,
        means: "the whole description",
        vars: &[field("it", Shape::Record(DOCUMENT), "the whole description"), DOC, SITE],
        select: Select::File(document),
    },
    records!(
        "path",
        "each entry of `paths`",
        [
            field("path", Shape::Text, "the path as written"),
            field("repeated", Shape::List(&Shape::Text), "variables that it names twice"),
            field(
                "twin",
                Shape::Text,
                "an earlier path that matches the same requests; empty if there is none"
            ),
            field(
                "rival",
                Shape::Text,
                "an earlier path, no more concrete, that matches some of its requests; or empty"
            ),
            field("rival_again", Shape::Bool, "whether that is the rival of one before it too"),
        ]
    ),
    records!(
        "path_parameter",
        "each parameter `in: path`, at each place where it is declared",
        [
            field("name", Shape::Text, "its name"),
            field("path", Shape::Text, "the path it is declared for"),
            field("required", Shape::Bool, "whether it says so"),
            field("used", Shape::Bool, "whether the path has a variable of that name"),
            field("plain", Shape::Bool, "whether it is, of letters, digits, `-` and `_`"),
            field("repeated", Shape::Bool, "whether the same list declares it before"),
        ]
    ),
    records!(
        "operation",
        "each operation of each path",
        [
            field("path", Shape::Text, "the path as written"),
            field("method", Shape::Text, "`get`, …"),
            field("item", Shape::Any, "the path item it belongs to"),
            field(
                "parameters",
                Shape::List(&Shape::Any),
                "its parameters and those of its path, references followed"
            ),
            field("codes", Shape::List(&Shape::Text), "the status codes it documents, as written"),
            field("succeeds", Shape::Bool, "whether one of them is 2xx or 3xx"),
            field("id_repeated", Shape::Bool, "whether an earlier operation has its operationId"),
            field(
                "undeclared",
                Shape::List(&Shape::Text),
                "variables of the path that no parameter declares"
            ),
            field(
                "mixes_body_and_form",
                Shape::Bool,
                "whether it takes a body and form fields (2.0)"
            ),
            field("has_form", Shape::Bool, "whether it takes form fields (2.0)"),
            field("changes", Shape::Bool, "whether its method is one that changes something"),
            field("secured", Shape::Bool, "whether some security requirement holds for it"),
            field("secured_always", Shape::Bool, "whether nobody may call it without one"),
            field("security_place", Shape::Any, "where its security is written, or should be"),
            field("security", Shape::Any, "the security that holds for it"),
            field(
                "shared_ways_in",
                Shape::List(&Shape::Any),
                "for `/admin` paths: its requirements that operations elsewhere have too"
            ),
            field("servers", Shape::Any, "the servers that hold for it"),
        ]
    ),
    records!(
        "operation_parameter",
        "each parameter that an operation lists itself, references followed",
        [
            field("name", Shape::Text, "its name"),
            field("in", Shape::Text, "`query`, …"),
            field("repeated", Shape::Bool, "whether it is in the list twice"),
            field("second_body", Shape::Bool, "whether there is a body before it (2.0)"),
        ]
    ),
    records!(
        "operation_tag",
        "each tag of each operation",
        [
            field("name", Shape::Text, "the tag"),
            field("defined", Shape::Bool, "whether the document lists it"),
        ]
    ),
    records!("callback_operation", "each operation of a callback of an operation", []),
    records!(
        "webhook_operation",
        "each operation of a webhook",
        [field("name", Shape::Text, "of the webhook"), field("method", Shape::Text, "`post`, …"),]
    ),
    records!(
        "parameter",
        "each parameter, once, wherever it is written",
        [
            field("in_paths", Shape::Bool, "whether a path leads to it"),
            field("shared", Shape::Bool, "whether it stands in `components`"),
            field("schema", Shape::Any, "its schema, references followed"),
        ]
    ),
    records!(
        "responses",
        "each `responses` that a path leads to",
        [
            field("codes", Shape::List(&Shape::Text), "the status codes"),
            field("unauthorized", Shape::Any, "its response 401"),
            field("limited", Shape::Any, "its response 429"),
            field("failed", Shape::Any, "its response 500"),
        ]
    ),
    records!(
        "response",
        "each response that a path leads to",
        [field("code", Shape::Text, "its status code"),]
    ),
    records!("text", "each description and title", [field("text", Shape::Text, "what it says"),]),
    records!(
        "token",
        "each text that begins as the keys and tokens of known makers do",
        [field("text", Shape::Text, "what it says"),]
    ),
    records!(
        "reference",
        "each `$ref`",
        [
            field("target", Shape::Text, "what it names"),
            field("found", Shape::Bool, "whether that exists; true for what we do not look into"),
            field("local", Shape::Bool, "whether it is in the same file"),
            field("path", Shape::Text, "the file, below the root of the repository"),
            field("there", Shape::Bool, "whether that file is there, where nothing was found"),
            field("first", Shape::Bool, "whether it is the first that names what is not there"),
        ]
    ),
    records!(
        "plain_key",
        "each key that YAML reads as a number, a boolean or nothing",
        [field("key", Shape::Text, "the key")]
    ),
    records!(
        "sibling",
        "each key beside a `$ref` (2.0 and 3.0)",
        [field("name", Shape::Text, "the key"),]
    ),
    records!(
        "keyword",
        "`anyOf` and `oneOf` (2.0) and `xml`",
        [field("name", Shape::Text, "which of them"),]
    ),
    records!(
        "enum_value",
        "each value of an enumeration that is not of its type",
        [field("type", Shape::Text, "the type"), field("value", Shape::Text, "the value"),]
    ),
    records!("security_scheme", "each security scheme", [field("name", Shape::Text, "its name"),]),
    records!(
        "flow",
        "each OAuth flow of a security scheme (3.x)",
        [
            field("kind", Shape::Text, "`implicit`, …"),
            field("scheme", Shape::Text, "the scheme's name"),
        ]
    ),
    records!(
        "security_requirement",
        "each scheme that a security requirement names",
        [
            field("name", Shape::Text, "the scheme"),
            field("defined", Shape::Bool, "whether it is defined"),
            field("of_operation", Shape::Bool, "whether an operation says so, not the document"),
        ]
    ),
    records!(
        "scope",
        "each scope that a security requirement names",
        [
            field("name", Shape::Text, "the scope"),
            field("defined", Shape::Bool, "whether the scheme has it"),
            field("scheme", Shape::Text, "the scheme"),
        ]
    ),
    records!(
        "server",
        "each server, of the document, of paths, operations and links (3.x)",
        [
            field("scope", Shape::Text, "`document`, `path`, `operation` or `link`"),
            field(
                "missing",
                Shape::List(&Shape::Text),
                "variables of its URL that are not described"
            ),
            field(
                "unusable",
                Shape::List(&Shape::Text),
                "what values of its variables make of its URL that is no absolute URL, at most five"
            ),
        ]
    ),
    records!(
        "server_variable",
        "each variable of a server",
        [
            field("name", Shape::Text, "its name"),
            field("used", Shape::Bool, "whether the URL has it"),
            field("default_offered", Shape::Bool, "whether its default is one of its values"),
        ]
    ),
    records!(
        "component",
        "each entry of `components` or `definitions`",
        [
            field("name", Shape::Text, "its name"),
            field("section", Shape::Text, "`schemas`, …"),
            field("used", Shape::Bool, "whether some `$ref` names it"),
        ]
    ),
    records!(
        "tag",
        "each entry of the document's `tags`",
        [
            field("name", Shape::Text, "its name"),
            field("repeated", Shape::Bool, "whether an earlier one has its name"),
        ]
    ),
    view!("string", "each schema of type string", Shape::Any),
    view!("integer", "each schema of type integer", Shape::Any),
    view!("array", "each schema of type array", Shape::Any),
    records!(
        "open_object",
        "each object that allows properties that it does not name",
        [
            field("keyword", Shape::Text, "`additionalProperties` or `unevaluatedProperties`"),
            field("allows", Shape::Any, "what they may be, references followed"),
            field("by_schema", Shape::Bool, "whether a schema says what they may be"),
        ]
    ),
    records!(
        "fault",
        "each part of the description that is not as its version of the specification demands",
        [field("reason", Shape::Text, "what is wrong")]
    ),
    records!(
        "doubt",
        "each part of a schema that cannot be meant as it is written",
        [
            field(
                "kind",
                Shape::Text,
                "`two-kinds`, `foreign`, `undefined`, `impossible`, `twice-bound`, \
                 `nullable-alone`, `null-unlisted` or `conflict`"
            ),
            field("what", Shape::Text, "the keyword, the name or the type"),
            field("of", Shape::Text, "what it does not go with"),
        ]
    ),
    records!(
        "wrong_example",
        "each example and default that its schema refuses, where it does not fit",
        [
            field("of", Shape::Text, "of what it is an example: `schema` or `media`"),
            field("reason", Shape::Text, "why it does not fit"),
        ]
    ),
    view!("enum", "each schema with an enumeration", Shape::Any),
    view!("headers", "each map that is called `headers`", Shape::Any),
    view!("example", "each entry of a map that is called `examples`", Shape::Any),
    view!("scheme", "each of the document's `schemes` (2.0)", Shape::Any),
];
