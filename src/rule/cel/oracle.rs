//! The language beside the `cel` crate: where both know an answer, it is the same.

use super::tests::{DATA, judge_json};
use serde_json::Value as Json;

fn to_cel(json: &Json) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(it) => cel::Value::Bool(*it),
        Json::Number(it) => match it.as_i64() {
            Some(it) => cel::Value::Int(it),
            None => cel::Value::Float(it.as_f64().unwrap()),
        },
        Json::String(it) => it.as_str().into(),
        Json::Array(items) => items.iter().map(to_cel).collect::<Vec<_>>().into(),
        Json::Object(fields) => fields
            .iter()
            .map(|(key, it)| (key.clone(), to_cel(it)))
            .collect::<std::collections::HashMap<_, _>>()
            .into(),
    }
}

fn from_cel(value: &cel::Value) -> Option<Json> {
    Some(match value {
        cel::Value::Null => Json::Null,
        cel::Value::Bool(it) => (*it).into(),
        cel::Value::Int(it) => (*it).into(),
        cel::Value::UInt(it) => (*it).into(),
        cel::Value::Float(it) => (*it).into(),
        cel::Value::String(it) => it.as_str().into(),
        cel::Value::List(items) => items.iter().map(from_cel).collect::<Option<_>>()?,
        _ => return None,
    })
}

/// What both say about an expression, if the crate has an answer.
fn both(text: &str) -> Option<(Json, Result<Json, String>)> {
    let program = cel::Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut context = cel::Context::default();
    context.add_variable_from_value("it", to_cel(&serde_json::from_str(DATA).unwrap()));
    let theirs = from_cel(&program.execute(&context).ok()?)?;
    Some((theirs, judge_json(text)))
}

fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

/// Writes expressions at random, of a given type.
struct Writer(u64);

impl Writer {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one(&mut self, of: &[&str]) -> String {
        of[self.below(of.len() as u64) as usize].to_owned()
    }

    fn bool(&mut self, deep: u32) -> String {
        if deep == 0 {
            return self.one(&[
                "true",
                "false",
                "it.yes",
                "has(it.b.c)",
                "has(it.b.zz)",
                "it.b.d == null",
            ]);
        }
        let d = deep - 1;
        match self.below(16) {
            0 => format!("!({})", self.bool(d)),
            1 => format!("({} && {})", self.bool(d), self.bool(d)),
            2 => format!("{} || {}", self.bool(d), self.bool(d)),
            3 => format!("({} ? {} : {})", self.bool(d), self.bool(d), self.bool(d)),
            4 => format!("{} {} {}", self.int(d), self.comparison(), self.int(d)),
            5 => format!("{} {} {}", self.text(d), self.comparison(), self.text(d)),
            6 => format!("{} {} {}", self.float(d), self.comparison(), self.float(d)),
            7 => format!("{} == {}", self.list(d), self.list(d)),
            8 => format!("{} in {}", self.int(d), self.list(d)),
            9 => format!("{} in it.b", self.text(d)),
            10 => format!("({}).{}({})", self.text(d), self.function(), self.text(d)),
            11 => format!("({}).all(x, x {} {})", self.list(d), self.comparison(), self.int(d)),
            12 => format!("({}).exists(x, {} < x)", self.list(d), self.int(d)),
            13 => format!("({}).exists_one(x, x == {})", self.list(d), self.int(d)),
            14 => {
                format!("it.users.{}(u, u.name == {})", self.one(&["all", "exists"]), self.text(d))
            }
            _ => {
                format!("({}).matches({})", self.text(d), self.one(&["'^t'", "'[a-c]+'", "r'\\d'"]))
            }
        }
    }

    fn comparison(&mut self) -> String {
        self.one(&["==", "!=", "<", "<=", ">", ">="])
    }

    fn function(&mut self) -> String {
        self.one(&["contains", "startsWith", "endsWith"])
    }

    fn int(&mut self, deep: u32) -> String {
        if deep == 0 {
            return self.one(&["0", "1", "-7", "it.a", "it.list[1]", "size(it.users)", "0x10"]);
        }
        let d = deep - 1;
        match self.below(6) {
            0 => format!("({} {} {})", self.int(d), self.operator(), self.int(d)),
            1 => format!("{} {} {}", self.int(d), self.operator(), self.int(d)),
            2 => format!("size({})", self.list(d)),
            3 => format!("({}).size()", self.text(d)),
            4 => format!("-({})", self.int(d)),
            _ => format!("int({})", self.float(d)),
        }
    }

    fn operator(&mut self) -> String {
        self.one(&["+", "-", "*", "/", "%"])
    }

    fn float(&mut self, deep: u32) -> String {
        if deep == 0 {
            return self.one(&["1.5", "it.f", "2e3", "-0.25", "1.0"]);
        }
        let d = deep - 1;
        let operator = self.one(&["+", "-", "*"]);
        match self.below(2) {
            0 => format!("({} {operator} {})", self.float(d), self.float(d)),
            _ => format!("double({})", self.int(d)),
        }
    }

    fn text(&mut self, deep: u32) -> String {
        if deep == 0 {
            let leaves =
                ["'a'", "''", "it.b.c", "'text'", "it.users[0].name", r"'\u00e4\n'", "r'\\d'"];
            return self.one(&leaves);
        }
        let d = deep - 1;
        match self.below(4) {
            0 => format!("{} + {}", self.text(d), self.text(d)),
            1 => format!("string({})", self.int(d)),
            2 => format!("({} ? {} : {})", self.bool(d), self.text(d), self.text(d)),
            _ => self.text(0),
        }
    }

    fn list(&mut self, deep: u32) -> String {
        if deep == 0 {
            return self.one(&["[]", "[1]", "it.list", "[1, 2, 3]", "[it.a, 7]"]);
        }
        let d = deep - 1;
        match self.below(4) {
            0 => format!("({}).map(x, x + {})", self.list(d), self.int(d)),
            1 => format!("({}).filter(x, x {} {})", self.list(d), self.comparison(), self.int(d)),
            2 => format!("{} + {}", self.list(d), self.list(d)),
            _ => format!("[{}, {}]", self.int(d), self.int(d)),
        }
    }
}

#[test]
fn random_expressions_mean_the_same() {
    let mut writer = Writer(0x9E37_79B9_7F4A_7C15);
    let mut compared = 0;
    for round in 0..1500 {
        let text = writer.bool(1 + round % 4);
        let Some((theirs, ours)) = both(&text) else { continue };
        compared += 1;
        assert!(ours.as_ref().is_ok_and(|it| same(it, &theirs)), "{text}: {theirs} but {ours:?}");
    }
    assert!(compared > 1000, "only {compared} expressions have an answer");
}

#[test]
fn chosen_expressions_mean_the_same() {
    let texts = [
        "1 + 2 * 3 - 4 / 2 % 3",
        "-7 / 2",
        "-7 % 3",
        "5 - -3",
        "[[1], [2]] == [[1.0], [2]]",
        "{'a': 1}.a",
        "{'a': {'b': [1, 2]}}.a.b[1]",
        "'a' in {'a': 1}",
        "2 in [1, 2, 3].map(x, x * 2)",
        "true ? (false ? 1 : 2) : false ? 3 : 4",
        "false || true && false",
        "1 < 2 == true",
        "!true || !false",
        "'abc' < 'abd'",
        "'äöü'.size()",
        "size([1, 'a', true])",
        "r'a\\nb'.size()",
        "'''a'b'''",
        "\"\"\"a\"b\"\"\"",
        "'\\x41\\101\\u0041\\U00000041'",
        "has({'a': 1}.a) && !has({'a': 1}.b)",
        "[1, 2, 3].exists_one(x, x > 2)",
        "[1, 2, 3].map(x, x > 1, x * x)",
        "it.users.map(u, u.name)",
        "it.list.filter(x, x % 2 == 1)",
        "it.b.exists(k, k == 'c')",
        "it.list.all(x, it.list.exists(y, y >= x))",
        "1.5 + 2.5 == 4.0",
        "1e3 > 999.0",
        "'a,b,c'.split(',')",
        "'hello'.substring(1, 3)",
        "'hello'.charAt(1)",
        "'hello'.indexOf('l')",
        "'hello'.lastIndexOf('l')",
        "'hello'.replace('l', 'L')",
        "' x '.trim()",
        "'Hello'.lowerAscii() + 'Hello'.upperAscii()",
        "['a', 'b'].join('-')",
        "'%s-%d'.format(['a', 7])",
        "[3, 1, 2].sort()",
        "[1, 1, 2].distinct()",
        "[[1], [2, 3]].flatten()",
        "int('42') + int(4.9)",
        "double('1.5')",
        "string(1) + string(true)",
        "false && (1 / 0 == 1)",
        "(1 / 0 == 1) || true",
        "[0, 1].exists(x, 1 / x == 1)",
    ];
    let mut compared = 0;
    for text in texts {
        let Some((theirs, ours)) = both(text) else { continue };
        compared += 1;
        assert!(ours.as_ref().is_ok_and(|it| same(it, &theirs)), "{text}: {theirs} but {ours:?}");
    }
    assert!(compared > 30, "only {compared} expressions have an answer");
}
