//! The quick reader against the complete one: where it accepts a text, both read the same.

use super::{events, fast, keys};
use crate::{
    document::{IN_POOL, KEY_IN_POOL, Kind, NO_KEY, Raw, Tree},
    source::Source,
};

const FIXTURES: &[&str] = &[
    "apiVersion: v1\nkind: Pod # a comment\nmetadata:\n  name: a\n  labels: {app: a, \"b c\": 'd'}\nspec:\n  containers:\n  - name: x\n    image: \"a:1\"\n    args: [--a, b, 'c: d', -1, 0755, on]\n  -\n    name: y\n",
    "---\na: |\n  one\n   two\n\n  three\n\nb: >-\n  x\n  y\n\n   z\n  w\nc: |2+\n    q\n\n\nd: end\n---\n- - 1\n  - 2\n- {a: , b, c: {}}\n- []\n...\n",
    "text: one\n  two\n\n  three # why\nquoted: \"a \\\n  b\\n \\u00e9\n\n  c\"\nsingle: 'it''s\n  so'\n\"key \\\"x\\\"\": 1\n'k''': 2\n<<: {a: 1}\nempty:\nlast: ~\n",
    "a:\r\n  - x\r\n  - |\r\n    y\r\n    z\r\n\r\nb: \"p\r\n  q\"\r\nc: one\r\n  two\r\nd: {e: f,\r\n  g: h}\r\n",
    "# top\n\n- a: 1\n  b:\n  - 2\n  -   c: 3\n      d: é # ü\n\n# mid\n- >\n  f\n  g\n- url: http://x:80/#y\n  t: a#b c:d - e\n-\n- .5\n- 1e3\n",
    "{\"json\": [1, 2.5, true, null, \"x\\ty\"], \"o\": {\"p\": \"\"}}\n",
    "\u{feff}--- # first\na: b\n---\n---\nc: &x d\n",
    "outer:\n  app: 1\n  app: {a: 2, a: 3}\nkind: a\nkind: b\n",
];

/// Every node in a form that does not show where its text is kept.
fn outline(tree: &Tree, text: &str) -> String {
    let mut lines = format!("{:?}\n", tree.roots);
    for raw in &tree.nodes {
        let pick = |pooled: bool, at: u32, len: u32| {
            let from = if pooled { tree.pool.as_str() } else { text };
            from[at as usize..(at + len) as usize].to_owned()
        };
        let (pooled_key, pooled) = (raw.flags & KEY_IN_POOL != 0, raw.flags & IN_POOL != 0);
        let key = (raw.key_len != NO_KEY).then(|| pick(pooled_key, raw.key, raw.key_len));
        let key_at = if pooled_key { 0 } else { raw.key };
        let value = match raw.kind {
            Kind::Str => pick(pooled, raw.low, raw.high),
            _ => format!("{} {}", raw.low, raw.high),
        };
        let flags = raw.flags & !(IN_POOL | KEY_IN_POOL);
        let span = place(tree, raw);
        lines.push_str(&format!(
            "{key:?}@{key_at} {:?} {:?} {flags} {} {span:?} {value:?}\n",
            raw.kind, raw.style, raw.tag
        ));
    }
    lines
}

/// Where a node starts and ends; an empty one is nowhere in particular.
fn place(tree: &Tree, raw: &Raw) -> (Option<u32>, Option<u32>) {
    let is_empty = |it: &Raw| it.kind == Kind::Null && it.span.start == it.span.end;
    let last = match raw.kind {
        Kind::Map | Kind::Seq => &tree.nodes[raw.low as usize - 1],
        _ => raw,
    };
    let (start, end) = (raw.span.start, raw.span.end);
    ((!is_empty(raw)).then_some(start), (!is_empty(last)).then_some(end))
}

/// Compares the two on one text. Says whether the quick reader accepted it.
fn agree(text: &str) -> Result<bool, String> {
    let Some(fast::Quick { tree: mut quick, doubtful }) = fast::read(text) else {
        return Ok(false);
    };
    let source = Source::new("x", text);
    let (mut complete, problems) = events::read(&source);
    if !problems.is_empty() {
        return Err(format!("accepted, but {problems:?}:\n{text:?}"));
    }
    complete.adopt(source);
    quick.source = complete.source.clone();
    let repeated = (keys::among(&mut quick, &doubtful), keys::repeated(&mut complete));
    if repeated.0 != repeated.1 {
        return Err(format!("{repeated:?} in\n{text:?}"));
    }
    let (left, right) = (outline(&quick, text), outline(&complete, text));
    if left != right {
        let pair = left.lines().zip(right.lines()).find(|(a, b)| a != b);
        return Err(format!("{pair:?} in\n{text:?}"));
    }
    Ok(true)
}

/// Numbers that only look random (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

const PIECES: &[&str] = &[
    " ", "  ", "\n", "\r\n", ":", ": ", "- ", "-", "#", " #", "\"", "'", "[", "]", "{", "}", ",",
    "|", ">", "|-", "\t", "---\n", "\\", "a", "1", "~", "<<: ", "\n\n", "é", "?", "&a ", "*a", "%",
    "...\n", "!", "|+\n", "2", "\\x41", "0", "''", "\n  ",
];

/// One to three edits: cut, repeat or put in a piece.
fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(3) {
        let mut at = dice.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let mut end = (at + dice.below(6)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let end = end.max(at);
        match dice.below(3) {
            0 => text.replace_range(at..end, ""),
            1 => text = format!("{}{}", &text[..end], &text[at..]),
            _ => text.insert_str(at, PIECES[dice.below(PIECES.len())]),
        }
    }
    text
}

fn run(rounds: usize, seed: u64) -> (usize, Vec<String>) {
    let mut dice = Dice(seed);
    let (mut accepted, mut differences) = (0, Vec::new());
    for round in 0..rounds {
        let text = mutate(FIXTURES[round % FIXTURES.len()], &mut dice);
        match agree(&text) {
            Ok(quick) => accepted += usize::from(quick),
            Err(difference) => differences.push(difference),
        }
    }
    (accepted, differences)
}

#[test]
fn the_fixtures_are_read_quickly_and_alike() {
    let quick: Vec<_> = FIXTURES.iter().map(|text| agree(text).unwrap()).collect();
    assert_eq!(quick, [true, false, true, true, true, true, false, true]);
}

#[test]
fn mutants_of_the_fixtures_are_read_alike() {
    let (accepted, differences) = run(20_000, 0x5eed);
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences[0]);
    assert!(accepted > 5_000, "only {accepted} mutants were accepted");
}

/// By hand: `SEAWORTHY_CORPUS=DIR cargo test --lib over_a_corpus -- --ignored --nocapture`.
#[test]
#[ignore = "needs a folder of real files"]
fn over_a_corpus() {
    let Ok(folder) = std::env::var("SEAWORTHY_CORPUS") else { return };
    let (mut files, mut quick, mut differences) = (0, 0, Vec::new());
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if !(name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json")) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        files += 1;
        match agree(&text) {
            Ok(accepted) => quick += usize::from(accepted),
            Err(difference) => {
                let short: String = difference.chars().take(600).collect();
                differences.push(format!("{}: {short}", entry.path().display()));
            }
        }
    }
    println!("{files} files, {quick} read quickly, {} differences", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// By hand: `SEAWORTHY_ROUNDS=1000000 cargo test --lib many_mutants -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn many_mutants() {
    let rounds = std::env::var("SEAWORTHY_ROUNDS").ok().and_then(|it| it.parse().ok());
    let (accepted, differences) = run(rounds.unwrap_or(200_000), 0xdecaf);
    println!("{accepted} accepted, {} differences", differences.len());
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(5)].join("\n\n"));
}
