//! Load tests: what makes a script of k6 or a scenario of Artillery fail.
//!
//! Scripts are not run: thresholds are read where they are written as plain literals, and a test
//! whose options come from elsewhere is open.

use super::{Artifact, Emit, Kind, Parsed, Select, Shape, Subject, View};
use crate::{
    document::{Key, Node, Tree},
    parse,
    source::{Source, Span},
    value::Value,
};

/// Larger scripts are not judged.
const LARGEST: usize = 1 << 20;

/// The most thresholds that are read: more leave the test open.
const MOST: usize = 500;

/// Whether a file of this path may be a script of k6.
pub fn is_named(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let is_script = [".js", ".mjs", ".ts"].iter().any(|it| path.ends_with(it));
    is_script
        && path.split(['/', '-', '_', '.']).any(|it| {
            matches!(
                it,
                "k6" | "load"
                    | "loadtest"
                    | "loadtests"
                    | "perf"
                    | "performance"
                    | "stress"
                    | "smoke"
                    | "soak"
            )
        })
}

fn is_k6(source: &Source) -> bool {
    is_named(&source.path)
        && (source.text.contains("k6/http")
            || source.text.contains("'k6'")
            || source.text.contains("\"k6\""))
}

fn is_artillery(source: &Source) -> bool {
    let has = |word: &str| memchr::memmem::find(source.text.as_bytes(), word.as_bytes()).is_some();
    let is_yaml = source.path.ends_with(".yml") || source.path.ends_with(".yaml");
    // An object of Kubernetes is none, and says so in its first lines.
    is_yaml
        && !(has("apiVersion:") && has("kind:"))
        && has("scenarios:")
        && has("config:")
        && (has("phases:") || has("ensure:"))
        && has("target:")
}

/// Whether the file is one.
pub fn recognise(source: &Source) -> bool {
    source.text.len() <= LARGEST && (is_k6(source) || is_artillery(source))
}

/// Reads it.
pub fn parse(source: Source) -> Parsed {
    if is_k6(&source) {
        let (found, open) = k6(&source.text);
        let mut tree = Tree::new(source);
        let root = write(&mut tree, "k6", &found, open);
        let artifact = Artifact { derived: vec![root], ..Artifact::new(Kind::Load, tree) };
        return Parsed { artifact: Some(artifact), problems: Vec::new() };
    }
    let (mut tree, problems) = parse::yaml::parse(source);
    let Some(found) = tree.documents().next().map(artillery) else {
        return Parsed { artifact: None, problems };
    };
    let root = write(&mut tree, "artillery", &found, false);
    let artifact = Artifact { derived: vec![root], ..Artifact::new(Kind::Load, tree) };
    Parsed { artifact: Some(artifact), problems }
}

/// A threshold: the metric and the condition, as written, with its place.
struct Threshold {
    metric: String,
    condition: String,
    place: Span,
}

fn write(tree: &mut Tree, tool: &str, found: &[Threshold], open: bool) -> u32 {
    let root = tree.open_map(Key::None, Span::default());
    tree.text(Key::Field("tool"), tool, Span::default());
    tree.bool(Key::Field("open"), open, Span::default());
    let list = tree.open_seq(Key::Field("thresholds"), Span::default());
    for it in found {
        let map = tree.open_map(Key::None, it.place);
        tree.text(Key::Field("metric"), &it.metric, it.place);
        tree.text(Key::Field("condition"), &it.condition, it.place);
        tree.close(map);
    }
    tree.close(list);
    tree.close(root);
    root
}

// ---- k6

/// The thresholds of a script, and whether some of its options are not literal.
fn k6(text: &str) -> (Vec<Threshold>, bool) {
    let mut found = Vec::new();
    let mut open = false;
    let mut words = Words { text, at: 0 };
    let mut any = false;
    while let Some(word) = words.next() {
        let is_key = matches!(word.text, "thresholds" | "'thresholds'" | "\"thresholds\"");
        if !is_key {
            continue;
        }
        any = true;
        let mut ahead = Words { text, at: words.at };
        let opens = ahead.next().is_some_and(|it| it.text == ":")
            && ahead.next().is_some_and(|it| it.text == "{");
        if !opens {
            open = true;
            continue;
        }
        words.at = ahead.at;
        open |= !thresholds(&mut words, &mut found);
    }
    let elsewhere = !any
        && (text.contains("import { options")
            || text.contains("options = load")
            || text.contains("..."));
    (found, open || elsewhere)
}

/// Reads `key: 'a', key: ['a', { threshold: 'b' }] }`; gives whether all of it was literal.
fn thresholds(words: &mut Words<'_>, found: &mut Vec<Threshold>) -> bool {
    let mut literal = true;
    let mut metric = String::new();
    let mut depth = 0_usize;
    let mut field = "";
    while let Some(word) = words.next() {
        let next = Words { text: words.text, at: words.at }.next().map_or("", |it| it.text);
        match word.text {
            "{" | "[" => depth += 1,
            "}" | "]" if depth == 0 => return literal,
            "}" | "]" => depth -= 1,
            "," => field = "",
            ":" => {}
            key if depth == 0 && next == ":" => {
                metric = unquoted(key).to_owned();
                field = "";
            }
            key if next == ":" => field = unquoted(key),
            text if is_quoted(text) && matches!(field, "" | "threshold") && found.len() < MOST => {
                let condition = unquoted(text).to_owned();
                found.push(Threshold { metric: metric.clone(), condition, place: word.place });
            }
            _ if matches!(field, "" | "threshold") => literal = false,
            _ => {}
        }
    }
    literal
}

fn is_quoted(word: &str) -> bool {
    word.len() > 1 && word.starts_with(['"', '\'', '`']) && !word.contains("${")
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`'])
}

struct Word<'t> {
    text: &'t str,
    place: Span,
}

/// The words of a script: names and numbers, texts in quotes, single signs. Comments are left out.
struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Words<'t> {
    fn next(&mut self) -> Option<Word<'t>> {
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..)?;
            let first = *rest.first()?;
            if rest.starts_with(b"//") {
                self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                self.at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |it| it + 2);
            } else if first.is_ascii_whitespace() {
                self.at += 1;
            } else {
                break;
            }
        }
        let start = self.at;
        let first = bytes[start];
        let is_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'$' || it >= 0x80;
        if matches!(first, b'"' | b'\'' | b'`') {
            self.at += 1;
            while self.at < bytes.len() && bytes[self.at] != first {
                self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
            }
            self.at = (self.at + 1).min(bytes.len());
        } else if is_name(first) {
            while self.at < bytes.len() && is_name(bytes[self.at]) {
                self.at += 1;
            }
        } else {
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        Some(Word { text, place: Span::new(start, self.at) })
    }
}

// ---- Artillery

fn artillery(root: Node<'_>) -> Vec<Threshold> {
    let ensure = root.at(&["config", "ensure"]);
    let mut found = Vec::new();
    let mut note = |metric: &str, condition: String, at: Node<'_>| {
        found.push(Threshold { metric: metric.to_owned(), condition, place: at.span() });
    };
    let listed = ensure.and_then(|it| it.get("thresholds")).into_iter().flat_map(Node::children);
    for (name, value) in listed.flat_map(Node::entries) {
        if let Some(quantile) = name.strip_prefix("http.response_time.") {
            note("http_req_duration", percentile(quantile, value), value);
        }
    }
    for (name, value) in ensure.into_iter().flat_map(Node::entries) {
        match name {
            "p50" | "p95" | "p99" | "median" => {
                note("http_req_duration", percentile(name, value), value);
            }
            "maxErrorRate" => {
                let share = value.as_float().unwrap_or(100.0) / 100.0;
                note("http_req_failed", format!("rate<={share}"), value);
            }
            _ => {}
        }
    }
    found
}

fn percentile(name: &str, value: Node<'_>) -> String {
    let number = name.trim_start_matches('p');
    let number = if number == "median" { "50" } else { number };
    format!("p({number})<{}", value.display())
}

// ---- views

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "load.test",
        kind: Kind::Load,
        means: "each load test",
        vars: fields! {
            "it": Shape::Record(fields! {
                "tool": Shape::Text, "`k6` or `artillery`";
                "open": Shape::Bool, "some of what makes it fail is not written as a literal";
                "thresholds": Shape::List(&Shape::Any), "what makes it fail";
            }), "the test";
        },
        select: Select::File(tests),
    },
    View {
        name: "load.threshold",
        kind: Kind::Load,
        means: "each threshold of a load test on all of its requests that is about latency or errors",
        vars: fields! {
            "it": Shape::Record(fields! {
                "metric": Shape::Text, "`latency` or `errors`";
                "quantile": Shape::Number, "of latency: the share of requests, in percent";
                "limit": Shape::Number, "from where on it fails: seconds, or a share of 1";
                "text": Shape::Text, "the condition as written";
            }), "the threshold";
        },
        select: Select::File(limits),
    },
];

fn facts(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|&it| artifact.tree.node(it))
}

fn tests<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    if let Some(test) = facts(artifact) {
        emit(Subject { values: vec![Value::Node(test)], at: test, object: None });
    }
}

fn limits<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let all = facts(artifact).and_then(|it| it.get("thresholds"));
    for it in all.into_iter().flat_map(Node::children) {
        let (metric, condition) =
            (it.str("metric").unwrap_or(""), it.str("condition").unwrap_or(""));
        let Some((metric, quantile, limit)) = understood(metric, condition) else { continue };
        let value = Value::map([
            ("metric", Value::Str(metric)),
            ("quantile", quantile.map_or(Value::Null, Value::Float)),
            ("limit", Value::Float(limit)),
            ("text", Value::Str(condition)),
        ]);
        emit(Subject { values: vec![value], at: it, object: None });
    }
}

/// What a condition asks for: `p(95)<200` of `http_req_duration`, `rate<0.01` of `http_req_failed`.
fn understood(metric: &str, condition: &str) -> Option<(&'static str, Option<f64>, f64)> {
    let text: String = condition.split_whitespace().collect();
    let (left, right) = text.split_once('<')?;
    let limit: f64 = right.trim_start_matches('=').parse().ok()?;
    match metric {
        "http_req_duration" => {
            let quantile = left.strip_prefix("p(")?.strip_suffix(')')?.parse().ok()?;
            Some(("latency", Some(quantile), limit / 1_000.0))
        }
        "http_req_failed" if left == "rate" => Some(("errors", None, limit)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, text: &str) -> Vec<String> {
        let artifact = parse(Source::new(path, text)).artifact.expect("an artifact");
        let test = facts(&artifact).expect("facts");
        let all = test.get("thresholds").into_iter().flat_map(Node::children);
        let mut shown: Vec<_> = all
            .map(|it| {
                let text = |key| it.str(key).unwrap_or_default();
                format!("{} {} {}", it.start().line, text("metric"), text("condition"))
            })
            .collect();
        if test.get("open").and_then(Node::as_bool) == Some(true) {
            shown.push("open".to_owned());
        }
        shown
    }

    #[test]
    fn literal_thresholds_of_k6_are_read() {
        let text = "import http from 'k6/http';\nexport const options = {\n  vus: 10,\n  thresholds: {\n    // none\n    http_req_duration: ['p(95)<200', { threshold: 'p(99)<500', abortOnFail: true }],\n    'http_req_failed': 'rate<0.001',\n  },\n};\n";
        assert_eq!(
            shown("tests/load/api.js", text),
            [
                "6 http_req_duration p(95)<200",
                "6 http_req_duration p(99)<500",
                "7 http_req_failed rate<0.001"
            ]
        );
        let open = "import http from 'k6/http';\nexport const options = { thresholds: { a: [`p(95)<${LIMIT}`], b: limits } };\n";
        assert_eq!(shown("k6/a.js", open), ["open"]);
        assert_eq!(shown("k6/a.js", "import 'k6/http'; thresholds: {"), [""; 0]);
    }

    #[test]
    fn what_artillery_ensures_is_read() {
        let text = "config:\n  target: http://a\n  phases: []\n  ensure:\n    thresholds:\n      - http.response_time.p95: 250\n    maxErrorRate: 1\nscenarios: []\n";
        assert_eq!(
            shown("load/api.yml", text),
            ["6 http_req_duration p(95)<250", "7 http_req_failed rate<=0.01"]
        );
    }

    #[test]
    fn conditions_are_understood_or_left_alone() {
        assert_eq!(
            understood("http_req_duration", "p(95) < 200"),
            Some(("latency", Some(95.0), 0.2))
        );
        assert_eq!(understood("http_req_failed", "rate<=0.01"), Some(("errors", None, 0.01)));
        assert_eq!(understood("http_req_duration", "avg<200"), None);
        assert_eq!(understood("http_req_duration{a:b}", "p(95)<200"), None);
    }
}
