//! The language as a whole: what expressions give, what they blame, what is refused.

use std::collections::BTreeMap;

use super::*;
use crate::{
    artifact::{Field, Shape},
    document::{Key, Node, Tree},
    source::{Source, Span},
    value::Value,
};

const USER: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "" },
    Field { name: "id", shape: Shape::Number, means: "" },
];
const VARS: &[Field] = &[
    Field { name: "it", shape: Shape::Any, means: "" },
    Field { name: "user", shape: Shape::Record(USER), means: "" },
    Field { name: "names", shape: Shape::List(&Shape::Text), means: "" },
];

/// A tree from JSON; every node is written where it would be found on a line of its own.
fn tree(json: &str) -> Tree {
    fn add(tree: &mut Tree, key: Key<'_>, value: &serde_json::Value) {
        let at = Span::new(tree.nodes.len() * 2, tree.nodes.len() * 2 + 1);
        match value {
            serde_json::Value::Null => drop(tree.null(key, at)),
            serde_json::Value::Bool(it) => drop(tree.bool(key, *it, at)),
            serde_json::Value::Number(it) => match it.as_i64() {
                Some(it) => drop(tree.int(key, it, at)),
                None => drop(tree.float(key, it.as_f64().unwrap(), at)),
            },
            serde_json::Value::String(it) => drop(tree.text(key, it, at)),
            serde_json::Value::Array(items) => {
                let list = tree.open_seq(key, at);
                items.iter().for_each(|it| add(tree, Key::None, it));
                tree.close(list);
            }
            serde_json::Value::Object(fields) => {
                let map = tree.open_map(key, at);
                fields.iter().for_each(|(key, it)| add(tree, Key::Text(key), it));
                tree.close(map);
            }
        }
    }
    let mut tree = Tree::new(Source::new("file", "x\n".repeat(1000)));
    add(&mut tree, Key::None, &serde_json::from_str(json).unwrap());
    tree.roots.push(0);
    tree
}

fn compile(text: &str) -> Result<Expr, Fault> {
    let parameters: BTreeMap<String, toml::Value> =
        toml::from_str("limit = 3\nnames = ['a', 'b']\ngone = { v1 = '1.22' }\nword = 'w'")
            .unwrap();
    let syntax = parse(text)?;
    Ok(check(&syntax, &Scope::new(VARS, &parameters, true))?.0)
}

fn with<T>(
    json: &str,
    text: &str,
    run: impl for<'a> FnOnce(Result<Value<'a>, Wrong>, Option<Node<'a>>) -> T,
) -> T {
    let tree = tree(json);
    let expr = compile(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    let it = Value::Node(tree.node(0));
    let user = Value::map([("name", Value::Str("root")), ("id", Value::Int(0))]);
    let names = Value::list([Value::Str("a"), Value::Str("b")]);
    let mut machine = Machine::default();
    let variables = [it, user, names];
    let value = machine.value(&expr, &variables);
    run(value, machine.blame())
}

pub(super) const DATA: &str = r#"{"a": 1, "b": {"c": "text", "d": null}, "list": [1, 2, 3], "f": 1.5,
    "yes": true, "none": null, "empty": {}, "users": [{"name": "x"}, {"name": "y", "id": 2}]}"#;

/// Checks what each expression gives, as Debug shows it.
fn gives(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        let given = with(DATA, text, |value, _| match value {
            Ok(value) => format!("{:?}", plain(&value)),
            Err(wrong) => format!("error: {}", wrong.text()),
        });
        assert_eq!(&given, wanted, "{text}");
    }
}

/// A value as JSON, so that nodes and what was computed look the same.
fn plain(value: &Value<'_>) -> serde_json::Value {
    use serde_json::{Value as Json, json};
    match value.load() {
        Value::Null => Json::Null,
        Value::Bool(it) => json!(it),
        Value::Int(it) => json!(it),
        Value::Float(it) => json!(it),
        Value::Str(it) => json!(it),
        Value::Text(it) => json!(&*it),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(fields) => fields.iter().map(|(key, it)| (*key, plain(it))).collect(),
        Value::Node(node) if node.is_seq() => {
            node.children().map(|it| plain(&Value::Node(it))).collect()
        }
        Value::Node(node) => {
            node.entries().map(|(key, it)| (key, plain(&Value::Node(it)))).collect()
        }
    }
}

/// What an expression gives over [`DATA`].
pub(super) fn judge_json(text: &str) -> Result<serde_json::Value, String> {
    with(DATA, text, |value, _| value.map(|it| plain(&it)).map_err(|it| it.text().to_owned()))
}

fn holds(cases: &[&str]) {
    for text in cases {
        assert_eq!(judge_json(text), Ok(serde_json::Value::Bool(true)), "{text}");
    }
}

#[test]
fn scalars_are_compared_and_computed_as_in_cel() {
    holds(&[
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "7 / 2 == 3",
        "-7 % 3 == -1",
        "1 == 1.0",
        "1u == 1",
        "0x1F == 31",
        "1.5e3 == 1500",
        "-9223372036854775808 < 0",
        "'a' + 'b' == 'ab'",
        "'a' < 'b'",
        "it.b.c != 1",
        "[1] + [2] == [1, 2]",
        "{'a': 1} == {'a': 1.0}",
        "1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3",
        "!false",
        "- -1 == 1",
        "true ? true : false",
        "false ? false : true ? true : false",
        "1 in [1, 2]",
        "!('x' in ['a'])",
        "'a' in {'a': null}",
        "null == null",
        "false < true",
        r#"'\x41\u0042\103\n' == "ABC\n""#,
        r"r'\d' == '\\d'",
        "'''a\nb''' == 'a\\nb'",
        "b'abc' == 'abc'",
        "1 // a comment\n == 1",
        "it.`a` == 1",
    ]);
    gives(&[
        ("9223372036854775807 + 1", "error: the number does not fit 64 bits"),
        ("1 / 0", "error: a division by zero"),
        ("1 % 0", "error: a division by zero"),
        ("it.a + it.b", "error: int and map cannot be computed"),
        ("it.b < 1", "error: map and int have no order"),
    ]);
}

#[test]
fn what_is_absent_is_null_and_null_is_nothing() {
    holds(&[
        "it.x == null",
        "it.x.y.z == null",
        "it.none.x == null",
        "it.b.d == null",
        "it.list[7] == null",
        "it.list[-1] == null",
        "it['x'] == null",
        "it.x[0] == null",
        "size(it.x) == 0",
        "!(1 in it.x)",
        "it.x.all(y, false)",
        "!it.x.exists(y, true)",
        "it.x.map(y, y) == []",
        "it.x.filter(y, true) == []",
        "!(it.x < 1) && !(it.x >= 1)",
        "!it.x.startsWith('a')",
        "!it.x.matches('a')",
        "!'a'.contains(it.x)",
        "!it.x",
        "it.x || true",
        "!(it.x && true)",
        "it.x + 1 == null",
        "-it.x == null",
        "it.x.lowerAscii() == null",
        "quantity(it.x) == null",
        "(it.x ? 1 : 2) == 2",
        "'d' in it.b",
        "!('x' in it.b)",
        "!(null in it.b)",
    ]);
    gives(&[
        ("it.a.x", "error: `x` of a value of type int"),
        ("it.list.x", "error: `x` of a value of type list"),
        ("!it.a", "error: neither true nor false: int"),
        ("it.a && true", "error: neither true nor false: int"),
        ("it.a.startsWith('x')", "error: `startsWith` of a value of type int"),
        ("size(it.a)", "error: `size` of a value of type int"),
        ("it.a.all(x, true)", "error: int is no list and no map"),
        ("1 in it.a", "error: `in` of int"),
    ]);
}

#[test]
fn errors_are_absorbed_by_what_settles_the_matter() {
    holds(&[
        "it.a.x == 1 || true",
        "true || it.a.x == 1",
        "!(it.a.x == 1 && false)",
        "!(false && it.a.x == 1)",
        "it.list.exists(x, x.y == 1 || x == 2)",
        "!it.users.all(x, x.name == 'y' && x.name.z == 1)",
    ]);
    gives(&[("it.a.x == 1 || false", "error: `x` of a value of type int")]);
}

#[test]
fn has_follows_the_whole_path() {
    holds(&[
        "has(it.b.c)",
        "has(it.b)",
        "!has(it.b.d)",
        "!has(it.x.y.z)",
        "!has(it.a.x)",
        "has(it.list[0])",
        "!has(it.list[9])",
        "has(user.name)",
        "has(it.empty)",
        "has(names)",
    ]);
}

#[test]
fn macros_go_over_lists_and_over_keys() {
    holds(&[
        "it.list.all(x, x > 0)",
        "!it.list.all(x, x > 1)",
        "it.list.exists(x, x == 3)",
        "it.list.exists_one(x, x == 3)",
        "!it.list.exists_one(x, x > 1)",
        "it.list.map(x, x * 2) == [2, 4, 6]",
        "it.list.map(x, x > 1, x * 2) == [4, 6]",
        "it.list.filter(x, x > 1) == [2, 3]",
        "it.b.map(k, k) == ['c', 'd']",
        "it.b.exists(k, it.b[k] == 'text')",
        "{'a': 1, 'b': 2}.all(k, k in names)",
        "cel.bind(x, it.a + 1, x * x == 4)",
        "it.list.all(x, it.list.exists(y, x == y))",
        "it.list.map(x, [x, x + 1]).flatten() == [1, 2, 2, 3, 3, 4]",
    ]);
}

#[test]
fn functions_do_what_they_say() {
    holds(&[
        "size('äb') == 2 && 'äb'.size() == 2",
        "'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')",
        "'abc'.matches('^a.c$') && !'abc'.matches('^b')",
        "'abc'.matches(it.b.c + '|abc')",
        "'a,b'.split(',') == ['a', 'b'] && 'ab'.split('') == ['a', 'b']",
        "'a,b,c'.split(',', 2) == ['a', 'b,c']",
        "'Ab'.lowerAscii() == 'ab' && 'Ab'.upperAscii() == 'AB'",
        "' a '.trim() == 'a'",
        "'aba'.replace('a', 'x') == 'xbx' && 'aba'.replace('a', 'x', 1) == 'xba'",
        "['a', 'b'].join('-') == 'a-b' && ['a', 'b'].join() == 'ab' && it.list.join(' ') == '1 2 3'",
        "'äbc'.substring(1) == 'bc' && 'abc'.substring(0, 2) == 'ab'",
        "'abc'.substring(2, 1) == null && 'abc'.substring(7) == null",
        "'äbc'.indexOf('c') == 2 && 'abc'.indexOf('x') == -1 && 'aba'.indexOf('a', 1) == 2",
        "'aba'.lastIndexOf('a') == 2",
        "'abc'.charAt(1) == 'b' && 'abc'.charAt(3) == '' && 'abc'.charAt(9) == null",
        "int('7') == 7 && int(7.9) == 7 && int('x') == null",
        "double('1.5') == 1.5 && string(7) == '7' && bool('true')",
        "type(1) == int && type('') == string && type([]) == 'list' && type(null) == null_type",
        "type(it.f) == double && type(it.yes) == bool && type(it) == map",
        "[1, 2, 1].distinct() == [1, 2] && [3, 1, 2].sort() == [1, 2, 3]",
        "[[1], [2, 3], 4].flatten() == [1, 2, 3, 4]",
        "'%s is %d, %.2f%%'.format(['x', 7, 1.5]) == 'x is 7, 1.50%'",
        "min(1, 2) == 1 && max([1, 3, 2]) == 3 && max([]) == null && min(null, 2) == 2",
        "quantity('500m') == 0.5 && quantity(2) == 2 && quantity('1Gi') > quantity('1G')",
        "quantity('lots') == null",
        "duration('1m30s') == 90 && duration('500ms') < duration('1s')",
        "semver('1.10.0') > semver('1.9') && semver('1.2') == semver('v1.2.0')",
        "semver('1.2.3-rc1') < semver('1.2.3') && semver('latest') == null",
        "glob('*.yaml', 'a.yaml') && !glob('*.yaml', 'b/a.yaml')",
        "image('nginx').tag == null && image('nginx').registry == 'docker.io'",
        "image('gcr.io/a/b:1.2@sha256:00').tag == '1.2'",
        "image('gcr.io/a/b:1.2@sha256:00').name == 'a/b'",
        "image('localhost:5000/a').registry == 'localhost:5000'",
        "image('a@sha256:00').digest == 'sha256:00'",
        "image('${IMAGE}') == null",
        "entropy('aaaa') == 0 && entropy('ab') == 1",
        "base64('aGVsbG8=') == 'hello' && base64('%') == null",
        "line(it.a) == 2 && line(null) == null",
        "key(it.a) == 'a' && key(it) == null",
        "keys(it.b) == ['c', 'd'] && values(it.b) == ['text', null]",
        "written(it.b.c) == 'text' && text(it.a) == '1' && text(it.list) == '1, 2, 3'",
        "params.limit == 3 && 'a' in params.names && params.word == 'w'",
        "params.gone['v1'] == '1.22' && 'v1' in params.gone && !('v2' in params.gone)",
        "params.gone[it.b.c] == null && size(params.gone) == 1 && params.gone.all(k, k == 'v1')",
    ]);
    gives(&[
        ("[1, 'a'].sort()", "error: `sort` of int and string"),
        ("'%d'.format(['a'])", "error: `format` cannot show string as `%d`"),
        ("'%s'.format([])", "error: `format` with too few values"),
        ("'a'.matches(it.b.c + '(')", "error: `text(` is not a regular expression"),
    ]);
}

/// Checks which line each expression blames after it was false.
fn blames(json: &str, cases: &[(&str, u32)]) {
    for &(text, line) in cases {
        let blamed = with(json, text, |value, blame| {
            assert!(matches!(value, Ok(Value::Bool(false))), "{text}: {value:?}");
            blame.map_or(0, |it| it.start().line)
        });
        assert_eq!(blamed, line, "{text}");
    }
}

#[test]
fn the_node_that_made_it_false_is_blamed() {
    // Each value is on the line of its number, counted in the order of the file.
    let json = r#"{"name": "a", "spec": {"replicas": 1, "list": [{"image": "x"}, {"name": "y"}]},
        "labels": {"a": "1", "b": "2"}}"#;
    blames(
        json,
        &[
            ("it.spec.replicas > 1", 4),
            ("1 < it.spec.replicas", 4),
            ("has(it.spec.strategy.kind)", 3),
            ("has(it.spec.replicas.x)", 4),
            ("it.spec.strategy.kind == 'x'", 3),
            ("it.name == 'a' && it.spec.replicas > 1", 4),
            ("it.name == 'b' && it.spec.replicas > 1", 2),
            ("it.name == 'b' || it.spec.replicas > 1", 4),
            ("!(it.name == 'a')", 2),
            ("!(it.name == 'a' && it.spec.replicas == 1)", 4),
            ("it.spec.list.all(c, has(c.image))", 8),
            ("it.spec.list.all(c, c.image != 'x')", 7),
            ("it.spec.list.all(c, false)", 6),
            ("it.spec.list.exists(c, c.image == 'z')", 5),
            ("!it.spec.list.exists(c, c.name == 'y')", 9),
            ("it.spec.list.exists_one(c, true)", 8),
            ("it.labels.all(k, k != 'b')", 12),
            ("it.labels.all(k, it.labels[k] != '2')", 12),
            ("size(it.spec.list.filter(c, has(c.name))) == 0", 8),
            ("it.spec.list[1].name == 'x'", 9),
            ("it.spec.replicas in [2, 3]", 4),
            ("it.name.startsWith('b')", 2),
            ("quantity(it.spec.replicas) > 1", 4),
            ("cel.bind(r, it.spec.replicas, r > 1)", 4),
            ("true ? it.name == 'b' : true", 2),
            ("user.name == 'x'", 0),
            ("false", 0),
        ],
    );
}

fn refused(cases: &[(&str, &str, &str)]) {
    for (text, part, wanted) in cases {
        let fault = compile(text).expect_err(text);
        assert_eq!(&text[fault.range.clone()], *part, "{text}: {fault:?}");
        let said = format!("{}; {}", fault.message, fault.help.unwrap_or_default());
        assert!(said.contains(wanted), "{text}: {said}");
    }
}

#[test]
fn mistakes_are_found_at_their_place() {
    refused(&[
        ("it.a ==", "", "an expression is missing here"),
        ("it.a = 1", "=", "to compare, write `==`"),
        ("it.a == 1 and true", "and", "write `&&`"),
        ("(it.a", "", "`)` is missing here"),
        ("it.a)", ")", "expected the end of the expression"),
        ("[1, 2", "", "`,` or `]` is missing here"),
        ("'abc", "'abc", "this text is not closed"),
        (r"'\d'", r"\d", "a backslash is written"),
        ("12a", "12a", "this is not a number"),
        ("99999999999999999999", "99999999999999999999", "does not fit"),
        ("usr.name == 'x'", "usr", "did you mean `user`?"),
        ("user.nmae == 'x'", "nmae", "did you mean `name`?"),
        ("user.shell == 'x'", "shell", "there are: name, id"),
        ("user['shell'] == 'x'", "'shell'", "there are: name, id"),
        ("it.a.startWith('x')", "startWith", "did you mean `startsWith`?"),
        ("it.a.existsOne(x, true)", "existsOne", "did you mean `exists_one`?"),
        ("params.limt == 1", "limt", "did you mean `limit`?"),
        ("params == 1", "params", "params.NAME"),
        ("'a'.matches('(')", "'('", "unclosed group"),
        ("size()", "size", "takes 1 arguments, not 0"),
        ("user.name == 1", "user.name == 1", "text is compared with a number"),
        ("user.name && true", "user.name", "must be true or false, it is text"),
        ("user.name.size > 1", "size", "to call the function"),
        ("names.all(x)", "all", "takes a name"),
        ("names.all(x, x)", "x", "must be true or false"),
        ("1 in names", "1", "never in a list of text"),
        ("'a' in user.name", "user.name", "text.contains(part)"),
        ("has(1 == 1)", "1 == 1", "`has` takes a path"),
        ("user.id + user.name", "user.id + user.name", "cannot be computed"),
        ("names['a']", "'a'", "the place in a list is a number"),
    ]);
}

#[test]
fn depth_and_steps_are_bounded() {
    let deep = "(".repeat(10_000) + "1" + &")".repeat(10_000);
    assert!(compile(&deep).unwrap_err().message.contains("nested more than"));
    let not = "!".repeat(10_000) + "true";
    assert!(compile(&not).unwrap_err().message.contains("nested more than"));
    let lists = "[".repeat(10_000);
    assert!(compile(&lists).unwrap_err().message.contains("nested more than"));
    let sums = "1".to_owned() + &" + 1".repeat(10_000);
    assert!(compile(&sums).unwrap_err().message.contains("nested more than"));
    let many = "true".to_owned() + &" && true".repeat(10_000);
    assert!(compile(&many).is_ok());
    let choice = "true ? 1 : ".repeat(10_000) + "1";
    assert!(compile(&choice).unwrap_err().message.contains("nested more than"));
}

#[test]
fn bombs_stop_at_the_step_limit() {
    let list = format!("{{\"l\": [{}]}}", vec!["1"; 300].join(","));
    let all = "it.l.all(a, it.l.all(b, it.l.all(c, it.l.all(d, a + b + c + d > 0))))";
    let strings =
        (0..40).fold("size(x)".to_owned(), |text, _| format!("cel.bind(x, x + x, {text})"));
    let strings = format!("cel.bind(x, 'aaaaaaaaaa', {strings})");
    let lists = strings.replace("'aaaaaaaaaa'", "[1, it.l]");
    for text in [all, &strings, &lists] {
        with(&list, text, |value, _| {
            assert!(value.is_err_and(|it| it.text().contains("steps")), "{text}");
        });
    }
}

#[test]
fn a_limit_is_never_absorbed() {
    let list = format!("{{\"l\": [{}]}}", vec!["1"; 300].join(","));
    let text = "it.l.all(a, it.l.all(b, it.l.all(c, it.l.all(d, true)))) || true";
    with(&list, text, |value, _| assert!(value.is_err()));
}

#[test]
fn the_deepest_expression_that_is_read_is_evaluated() {
    let nested = |open: &str, inner: &str, close: &str| {
        let deepest = (1..200).rev().map(|n| open.repeat(n) + inner + &close.repeat(n));
        deepest.into_iter().find(|it| compile(it).is_ok()).unwrap()
    };
    for text in [
        nested("!", "true", ""),
        nested("[", "1", "]"),
        nested("cel.bind(x, 1, ", "x", ")"),
        nested("[1].all(x, ", "true", ")"),
        nested("[1].map(x, ", "x", ")"),
        nested("true ? 1 : ", "1", ""),
        nested("max(1, ", "1", ")"),
        nested("it.x[", "1", "]"),
        nested("true && (false || ", "true", ")"),
        nested("1 + (2 * ", "1", ")"),
    ] {
        assert!(text.len() > 50, "{text}");
        with(DATA, &text, |value, _| assert!(value.is_ok(), "{text}: {value:?}"));
    }
}
