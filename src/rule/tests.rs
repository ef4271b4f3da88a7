//! Rules as a whole: read, refused, chosen, judged, explained.

use std::borrow::Cow;

use super::*;
use crate::{
    artifact::{Field, Kind, Select, Shape, Subject},
    document::{Key, Tree},
    source::{Source, Span},
    value::Value,
};

const THING: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "size", shape: Shape::Number, means: "its size" },
    Field { name: "tags", shape: Shape::List(&Shape::Text), means: "its tags" },
];
static VIEW: View = View {
    name: "test.thing",
    kind: Kind::Repository,
    means: "Each thing.",
    vars: &[
        Field { name: "it", shape: Shape::Record(THING), means: "the thing" },
        Field { name: "other", shape: Shape::Any, means: "a thing in another file" },
    ],
    select: Select::Repository(|_, _| {}),
};

fn rule(text: &str) -> Result<Rule, RuleError> {
    let known = |name: &str| (name == VIEW.name).then_some(&VIEW);
    let rule =
        Rule::parse_with(known, "test/rule", "rules/test/rule.toml", Cow::Owned(text.into()));
    rule.and_then(|it| it.check().map(|()| it))
}

const HEAD: &str = r#"title = "A thing has no name"
severity = "error"
why = "It cannot be called."
fix = "Give it a name."
subject = "test.thing"
"#;

fn with_head(rest: &str) -> Result<Rule, RuleError> {
    rule(&format!("{HEAD}{rest}"))
}

/// What somebody reads who wrote the rule.
fn refused(rest: &str) -> String {
    format!("{:?}", with_head(rest).expect_err(rest)).trim().to_owned()
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let shown =
        refused("[[require]]\nthat = '''\nit.size > 1\n && it.nmae != \"\"'''\nmessage = \"\"\n");
    let wanted = r#"
x there is no field `nmae`
    ,-[rules/test/rule.toml:9:8]
  8 | it.size > 1
  9 |  && it.nmae != ""'''
    :        ^^|^
    :          `-- here
 10 | message = ""
    `----
  help: did you mean `name`?"#;
    assert_eq!(shown, wanted.trim());
    let shown = refused(
        "[[require]]\nthat = \"it.name == \\\"a\\\" && it.tags.al(x, true)\"\nmessage = \"\"\n",
    );
    assert!(shown.contains("there is no function `al`"), "{shown}");
    assert!(shown.contains(":7:37]"), "{shown}");
    assert!(shown.contains("did you mean `all`?"), "{shown}");
}

#[test]
fn every_kind_of_mistake_has_a_place_and_a_way_out() {
    let cases = [
        ("when = 'it.name =='", "an expression is missing here", ":6:19]", ""),
        ("when = \"\"\"\\\n   it.name && true\"\"\"", "true or false, it is text", ":7:4]", ""),
        ("when = 'it.name.matches(\"[\")'", "not a regular expression", ":6:25]", "unclosed"),
        ("when = 'it.name + \"\\n'", "this text is not closed", ":6:", ""),
        ("whne = 'true'", "unknown key `whne`", ":6:1]", "did you mean `when`?"),
        ("profile = \"strickt\"", "unknown word `strickt`", ":6:11]", "did you mean `strict`?"),
        (
            "params = { limit = 1 }\nwhen = 'it.size > params.limi'",
            "no parameter `limi`",
            ":7:26]",
            "`limit`",
        ),
        (
            "equivalents = [{ id = \"a:b\", when = 'it.x' }]",
            "no field `x`",
            ":6:41]",
            "name, size, tags",
        ),
        (
            "[[require]]\nthat = 'true'\nmessage = \"a {it.nam}\"",
            "no field `nam`",
            ":8:18]",
            "`name`",
        ),
        ("[[require]]\nthat = 'true'\nmessage = \"a } b\"", "closes nothing", ":8:14]", "twice"),
        ("[[require]]\nthat = 'true'\nmessage = \"a {it.name\"", "`}`", ":8:", ""),
        ("[[require]]\nthat = 'it.name'\nmessage = \"\"", "must be true or false", ":7:9]", ""),
        ("[[require]]\nthat = 'true'", "missing key `message`", ":6:1]", ""),
        ("title = \"again\"", "duplicate key", ":6:1]", ""),
        ("when = true", "invalid type", ":6:8]", ""),
        ("when = 'true", "literal string", ":6:", ""),
        ("[[example]]\nnmae = \"x\"\nfinds = []\n", "unknown key `nmae`", ":7:1]", "`name`"),
        (
            "[[example]]\nname = \"x\"\nfinds = []\n[example.files]\n[[require]]\n",
            "unknown key `require`",
            ":10:3]",
            "",
        ),
    ];
    for (rest, message, place, help) in cases {
        let shown = refused(rest);
        for wanted in [message, place, help] {
            assert!(shown.contains(wanted), "{rest}\n{shown}\nlacks {wanted}");
        }
    }
    let shown = format!("{:?}", rule(&HEAD.replace("test.thing", "test.thin")).unwrap_err());
    assert!(shown.contains("there is no view `test.thin`") && shown.contains(":5:11]"), "{shown}");
}

/// A thing in a file, and one in another.
fn judged(rest: &str, check: impl FnOnce(Judgement<'_>, &str)) {
    let rule = with_head(rest).unwrap_or_else(|error| panic!("{rest}: {error:?}"));
    let thing = |path: &str| {
        let mut tree = Tree::new(Source::new(path, "name\nsize\ntags\n  a\n  b\n"));
        let map = tree.open_map(Key::None, Span::new(0, 24));
        tree.text(Key::Field("name"), "x\u{7}{y}", Span::new(0, 4));
        tree.int(Key::Field("size"), 7, Span::new(5, 9));
        let list = tree.open_seq(Key::Field("tags"), Span::new(10, 22));
        tree.text_at(Key::None, Span::new(17, 18));
        tree.text_at(Key::None, Span::new(21, 22));
        tree.close(list);
        tree.close(map);
        tree.roots.push(map);
        tree
    };
    let (tree, other) = (thing("a"), thing("b"));
    let subject = Subject {
        values: vec![Value::Node(tree.node(0)), Value::Node(other.node(0))],
        at: tree.node(0),
        object: None,
    };
    let mut said = Judgement::default();
    let mut judge = Judge::default();
    judge.turn(1);
    judge.judge(&subject, &[&rule], &Sift::of(&[&rule]), |_, it| said = std::mem::take(it));
    check(said, rest);
}

fn place(node: crate::document::Node<'_>) -> String {
    format!("{}:{}", node.tree().source.path, node.start().line)
}

#[test]
fn findings_point_at_what_is_to_blame() {
    let cases = [
        ("it.size < 7", "", "a:2"),
        ("it.tags.all(x, x != 'b')", "", "a:5"),
        ("size(it.tags) > 9", "", "a:3"),
        ("false", "", "a:1"),
        // What is to blame lies in another file: findings stay with the subject.
        ("other.size < 7", "", "a:1"),
        ("it.size < 7", "at = 'it.tags[0]'\n", "a:4"),
        ("it.size < 7", "at = 'other.tags'\n", "b:3"),
        ("it.size < 7", "at = 'it.missing'\n", "a:1"),
    ];
    for (that, at, wanted) in cases {
        let at = at.replace("it.missing", "other.missing.x");
        let wanted = if at.contains("missing") { "b:1" } else { wanted };
        let rest = format!("[[require]]\nthat = \"{that}\"\nmessage = \"m\"\n{at}");
        judged(&rest, |judgement, rest| {
            assert!(judgement.applies && judgement.troubles.is_empty(), "{rest}");
            assert_eq!(judgement.failures.len(), 1, "{rest}");
            assert_eq!(place(judgement.failures[0].at), wanted, "{rest}");
        });
    }
}

#[test]
fn findings_name_what_they_disagree_with_once_each() {
    let rest = "[[require]]\nthat = 'false'\nmessage = 'm'\n\
                related = '[other.tags, it.tags[0], other.tags]'\n";
    judged(rest, |judgement, rest| {
        let related = &judgement.failures[0].related;
        assert_eq!(
            related.iter().map(|it| place(*it)).collect::<Vec<_>>(),
            ["b:3", "a:4"],
            "{rest}"
        );
    });
}

#[test]
fn messages_name_values_and_equivalents_hold_where_they_hold() {
    let rest = r#"equivalents = ["a:1", { id = "a:2", when = "it.size == 7" }, { id = "a:3", when = "it.size == 8" }]
[[require]]
that = "it.size < 7"
message = "`{it.name}` is {{{it.size + 1}}}, not {it.tags}"
[[require]]
when = "it.size > 100"
that = "false"
message = "never"
[[require]]
that = "it.size > 8"
message = "still small"
"#;
    judged(rest, |judgement, _| {
        let said: Vec<_> = judgement.failures.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(said, ["`x {y}` is {8}, not a, b", "still small"]);
        let peers: Vec<_> = judgement.failures[0].equivalents.iter().map(|it| &**it).collect();
        assert_eq!(peers, ["a:1", "a:2"]);
    });
}

#[test]
fn what_is_not_about_the_subject_says_nothing() {
    judged("when = 'it.size > 7'\nproves = 'true'\n", |judgement, _| {
        assert!(!judgement.applies && judgement.proves.is_none());
    });
    judged("proves = '\"a\" in it.tags'\n", |judgement, _| {
        assert_eq!(judgement.proves.map(place).as_deref(), Some("a:3"));
    });
    judged("proves = '\"c\" in it.tags'\n", |judgement, _| assert!(judgement.proves.is_none()));
}

#[test]
fn what_cannot_be_evaluated_is_said() {
    let rest = "[[require]]\nthat = 'other.size.x == 1'\nmessage = \"m\"\n";
    judged(rest, |judgement, _| {
        assert!(judgement.applies && judgement.failures.is_empty());
        let trouble = &judgement.troubles[0];
        let wanted = "`x` of a value of type int in `other.size.x`";
        assert_eq!(trouble.reason, wanted);
        assert_eq!(place(trouble.at), "a:1");
    });
    judged("when = 'other.size.x == 1'\n", |judgement, _| {
        assert!(judgement.applies && judgement.troubles.len() == 1);
    });
}

#[test]
fn rules_are_chosen_by_profile_id_and_peer() {
    let set = || {
        let mut set = RuleSet::default();
        for (id, rest) in [
            ("a/one", "equivalents = [\"hadolint:DL3008\"]\n"),
            ("a/two", "profile = \"strict\"\n"),
            ("b/three", "profile = \"all\"\nequivalents = [\"spectral:x\"]\n"),
        ] {
            let text = Cow::Owned(format!("{HEAD}{rest}"));
            set.rules.push(Rule::parse_with(|_| Some(&VIEW), id, "", text).unwrap());
        }
        set
    };
    let chosen = |profile, wanted: &[&str], ignored: &[&str]| {
        let mut set = set();
        let owned = |it: &[&str]| it.iter().map(ToString::to_string).collect::<Vec<_>>();
        set.select(profile, &owned(wanted), &owned(ignored))
            .map(|()| set.rules.iter().map(|it| it.id.to_string()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(chosen(Profile::Default, &[], &[]).unwrap(), "a/one");
    assert_eq!(chosen(Profile::Strict, &[], &[]).unwrap(), "a/one a/two");
    assert_eq!(chosen(Profile::All, &[], &["a/*"]).unwrap(), "b/three");
    assert_eq!(chosen(Profile::Default, &["spectral:*"], &[]).unwrap(), "b/three");
    assert_eq!(chosen(Profile::All, &[], &["hadolint:DL3008"]).unwrap(), "a/two b/three");
    let error = chosen(Profile::All, &["a/tow"], &[]).unwrap_err();
    assert_eq!(error.to_string(), "no rule is called `a/tow`");
    assert_eq!(error.advice(), Some("did you mean `a/two`?"));
}

#[test]
fn a_users_rule_replaces_the_one_with_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("suppression/missing-reason.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = HEAD.replace("test.thing", "suppression.comment");
    std::fs::write(&file, &text).unwrap();
    let mut set = RuleSet::builtin().unwrap();
    let before = set.rules.len();
    set.add_folder(folder.path()).unwrap();
    let after = set.rules.len();
    assert!(set.rules.is_sorted_by(|a, b| a.id < b.id));
    assert!(after == before || after == before + 1);
    assert_eq!(set.get("suppression/missing-reason").unwrap().title, "A thing has no name");
    set.add_folder(&folder.path().join("nowhere")).unwrap();
    std::fs::write(&file, text.replace("error", "fatal")).unwrap();
    let error = set.add_folder(folder.path()).unwrap_err();
    assert!(error.to_string().contains("unknown word `fatal`"), "{error}");
}

#[test]
fn the_rules_that_come_with_the_program_are_sound() {
    let set = RuleSet::builtin().unwrap_or_else(|error| panic!("{error:?}"));
    assert!(set.rules.is_sorted_by(|a, b| a.id < b.id));
    for rule in &set.rules {
        rule.check().unwrap_or_else(|error| panic!("{error:?}"));
        let read = Rule::parse(&rule.id, &rule.path, rule.text.clone()).unwrap();
        assert_eq!((read.profile, read.view.name), (rule.profile, rule.view.name), "{}", rule.id);
        assert_eq!(read.title, rule.title);
    }
    let default = RuleSet::builtin_of(Profile::Default).unwrap();
    assert!(default.rules.len() < set.rules.len());
    assert!(default.rules.iter().all(|it| it.profile == Profile::Default));
    let all = set.rules.iter().filter(|it| it.profile == Profile::Default).count();
    assert_eq!(default.rules.len(), all);
    assert!(RuleSet::builtin_ids().eq(set.rules.iter().map(|it| &*it.id)));
}

#[test]
fn a_rule_is_explained_with_its_examples() {
    let rest = "items = [\"a.b\"]\nequivalents = [\"hadolint:DL1\"]\nrefs = [\"https://x\"]\n\
        [[example]]\nname = \"no name\"\nfinds = [\"1: no name\"]\nfiles.Thing = '''\na\n\nb\n'''\n\
        [[example]]\nname = \"a name\"\nfinds = []\nfiles.Thing = 'a'\n";
    let wanted = "\
test/rule
A thing has no name

  severity    error
  profile     default
  subject     test.thing: Each thing.
  power       decides
  items       a.b
  peers       hadolint:DL1

Why
  It cannot be called.

What to do
  Give it a name.

Read more
  https://x

Example: no name
  Thing
     1 | a
     2 |
     3 | b
  finds 1: no name

Example: a name
  Thing
     1 | a
  finds nothing
";
    let rule = with_head(rest).unwrap();
    assert_eq!(explain(&rule).unwrap(), wanted);
    assert_eq!(explain_json(&rule).unwrap()["examples"][0]["finds"][0], "1: no name");
    let set = RuleSet { rules: vec![rule], ..RuleSet::default() };
    assert_eq!(
        list(&set),
        "test\n  test/rule  error    default  A thing has no name\n\n\
         1 rules; `seaworthy explain RULE` says more\n"
    );
    assert_eq!(list_json(&set)[0]["equivalents"][0], "hadolint:DL1");
}
