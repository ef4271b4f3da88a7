//! A repository whose names and texts are written to be taken for commands, markup and mentions.
//! Its files are made here, because no honest repository can hold such names.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{
    job::{BAD, GOOD, Job},
    runner::{self, Command},
};

/// What a hostile text is made of.
const PARTS: [&str; 24] = [
    "\n",
    "\r",
    "\r\n",
    "::set-output name=conclusion::success",
    "::stop-commands::x",
    "::",
    "##[add-mask]",
    "##[set-output name=a]b",
    "%0A",
    "%0D%0A::error::",
    ",title=z",
    "`",
    "```",
    "<!-- seaworthy key=main head=0 run=9.9 gist=0 -->",
    "-->",
    "@all",
    "#1",
    "<img src=x>",
    "[a](http://evil.example)",
    "![a](http://evil.example/x.png)",
    "|",
    "\u{202e}",
    "\u{200b}",
    "x ",
];

/// Numbers without a clock: the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn text(&mut self, parts: usize) -> String {
        (0..parts).map(|_| PARTS[self.roll(PARTS.len())]).collect()
    }
}

/// As the runner undoes the escapes of a property.
fn property(command: &Command, name: &str) -> Option<String> {
    let all = command.properties.split(',').filter_map(|it| it.split_once('='));
    let value = all.into_iter().find(|it| it.0.trim() == name)?.1;
    let plain = value.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n");
    Some(plain.replace("%0D", "\r").replace("%25", "%"))
}

/// No command but annotations of files that are there.
fn check_log(log: &str, paths: &BTreeSet<String>) {
    for command in runner::commands(log) {
        let is_annotation = ["error", "warning", "notice"].contains(&command.name.as_str());
        assert!(is_annotation, "{command:?} in {log}");
        let file = property(&command, "file").unwrap_or_default();
        let shown = |it: &String| {
            it.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect::<String>()
        };
        assert!(paths.iter().any(|it| shown(it) == file || *it == file), "{command:?}");
        for property in command.properties.split(',') {
            let name = property.split('=').next().unwrap();
            let ours = ["file", "line", "endLine", "col", "endColumn", "title"];
            assert!(ours.contains(&name), "{command:?}");
        }
    }
}

fn hidden(c: char) -> bool {
    !['\n', '\r'].contains(&c) && (c.is_control() || "\u{202e}\u{200b}".contains(c))
}

/// No markup but ours: no pictures, no comments, no links to elsewhere, no mentions.
fn check_markdown(text: &str) {
    let mut in_code = 0;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let ours = ["<details>", "</details>", "<summary>", "</summary>"];
                let left = ours.iter().fold(html.trim().to_owned(), |it, tag| it.replace(tag, ""));
                assert!(!left.contains('<'), "{html} in {text}");
            }
            Event::Start(Tag::Image { dest_url, .. }) => panic!("a picture: {dest_url} in {text}"),
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(
                    dest_url.starts_with("https://github.com/acme/api/"),
                    "{dest_url} in {text}"
                );
            }
            Event::Start(Tag::CodeBlock(_)) => in_code += 1,
            Event::End(TagEnd::CodeBlock) => in_code -= 1,
            Event::Text(it) if in_code == 0 => {
                for live in ["@all", "#1", "http://", "www."] {
                    assert!(!it.contains(live), "{live}: {it} in {text}");
                }
            }
            _ => {}
        }
    }
}

fn check(job: &Job, arguments: &[&str], paths: &BTreeSet<String>) {
    let outcome = job.run(arguments);
    check_log(&outcome.log, paths);
    check_markdown(&outcome.summary);
    for comment in job.server.comments() {
        let (marker, text) = comment.split_once('\n').unwrap();
        assert!(marker.starts_with("<!-- seaworthy key=main head="), "{marker}");
        assert!(!text.lines().any(|it| it.starts_with("<!--")), "{text}");
        check_markdown(text);
    }
    assert!(["success", "failure", "error"].contains(&outcome.outputs["conclusion"].as_str()));
}

fn run(files: &[(String, String)]) {
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let paths = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    let job = Job::new(&[("a", "b")], &files);
    check(&job, &["--profile", "all"], &paths);
}

#[cfg(unix)]
#[test]
fn hostile_names_stay_names() {
    let mut dice = Dice(1);
    for _ in 0..12 {
        let names = (0..6).map(|_| {
            let parts = 1 + dice.roll(5);
            dice.text(parts).replace('/', "_")
        });
        // What GitHub's own checkout could not write either is left out.
        let short = |it: &String| it.len() < 200 && !it.trim().is_empty();
        let file = |it: String| (format!("{it}/Dockerfile"), BAD.to_owned());
        let files: Vec<_> = names.filter(short).map(file).collect();
        run(&files);
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let mut dice = Dice(2);
    for round in 0..12 {
        let mut text = || dice.text(4);
        let yaml = |it: String| serde_json::to_string(&it).unwrap();
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}, namespace: {}}}\nspec:\n  hostNetwork: \
             true\n  containers: [{{name: {}, image: {}}}]\n",
            yaml(text()),
            yaml(text()),
            yaml(text()),
            yaml(text())
        );
        let one_line = |it: String| it.replace(['\n', '\r'], " ");
        let docker = format!(
            "FROM {}\nUSER {}\nRUN {}\n",
            one_line(text()),
            one_line(text()),
            one_line(text())
        );
        let api = format!(
            "{{\"openapi\": \"3.0.3\", \"info\": {{\"title\": {}}}, \"paths\": {{{}: {{\"get\": \
             {{\"operationId\": {}, \"responses\": {{}}}}}}}}}}",
            yaml(text()),
            yaml(format!("/{}", text())),
            yaml(text())
        );
        let make = format!("{}:\n\t{}\n", one_line(text()), one_line(text()));
        run(&[
            ("pod.yaml".to_owned(), pod),
            ("Dockerfile".to_owned(), docker),
            ("openapi.json".to_owned(), api),
            (format!("m{round}/Makefile"), make),
        ]);
    }
}

#[test]
fn an_error_about_hostile_policy_is_no_command() {
    let hostile = "\"::set-output name=conclusion::success\" = 1\n##[add-mask]x\n";
    for (path, text) in [
        (".seaworthy/config.toml", hostile),
        ("readiness.toml", hostile),
        (".seaworthy/rules/own/x.toml", "titel = '##[add-mask]x'\n::error::x\n"),
    ] {
        let job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", BAD), (path, text)]);
        let outcome = job.run(&["--policy-from", "head"]);
        assert_eq!(outcome.code, 2, "{}", outcome.log);
        let found = runner::commands(&outcome.log);
        assert_eq!(found.len(), 1, "{}", outcome.log);
        assert_eq!(found[0].properties, "title=seaworthy has no answer");
        // By the policy of the base there is an answer, and the edit is shown.
        check(&job, &[], &["Dockerfile".to_owned()].into());
        assert!(job.server.comments()[0].contains("that of this change cannot be used"));
    }
}
