//! Documents for people: pages in Markdown and reStructuredText, their sections, and what they claim.

mod page;

use self::page::{Block, Page, Section};
use super::{Artifact, Emit, Field, Kind, Parsed, Select, Shape, Subject, View};
use crate::{
    document::{Id, Key, Node, Problem, Tree, Trouble},
    parse::shell,
    source::{Source, Span},
    value::Value,
};

/// Pages larger than this are not judged.
const LARGEST: usize = 4 << 20;

/// Folders whose pages are about something else than this repository's service.
const ELSEWHERE: &[&str] = &[
    "node_modules",
    "vendor",
    "third_party",
    "testdata",
    "test",
    "tests",
    "fixtures",
    "__tests__",
    "examples",
    "templates",
    "ISSUE_TEMPLATE",
    "actions",
    "blog",
    "release-notes",
    "posts",
    "proposals",
    "rfc",
    "rfcs",
    "skills",
];

/// Whether the file is a page about this repository.
pub fn recognise(source: &Source) -> bool {
    is_page(&source.path)
}

/// The same, by its path alone.
pub fn is_page(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    (is_markdown(path) || is_rst(path)) && !folders.any(|it| ELSEWHERE.contains(&it))
}

/// Whether the file is written in Markdown, by its path.
pub fn is_markdown(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |end: &str| ["md", "markdown", "mdx"].iter().any(|it| end.eq_ignore_ascii_case(it));
    name.rsplit_once('.').is_some_and(|it| ends(it.1))
}

/// Whether the file is written in reStructuredText, by its path.
fn is_rst(path: &str) -> bool {
    path.ends_with(".rst")
}

/// Reads a page.
pub fn parse(source: Source) -> Parsed {
    if source.text.len() > LARGEST {
        let reason = "larger than 4 MiB: this page is not judged";
        let problem = Problem::at(&source, 0, Trouble::Limit, reason);
        return Parsed { artifact: None, problems: vec![problem] };
    }
    let page = match is_rst(&source.path) {
        true => page::rst::read(&source.text),
        false => page::read(&source.text),
    };
    let role = role(&source.path, &page);
    let mut tree = Tree::new(source);
    let all = Span::new(0, tree.source.text.len());
    let stem = stem(&tree.source.path);
    let root = tree.open_map(Key::None, all);
    tree.text(Key::Field("role"), role, Span::default());
    tree.bool(Key::Field("top"), is_top(&tree.source.path), Span::default());
    tree.text(Key::Field("name"), &stem, Span::default());
    tree.int(Key::Field("words"), page.words as i64, Span::default());
    sections(&mut tree, &page, role, &stem);
    commands(&mut tree, &page);
    diagrams(&mut tree, &page);
    let links = tree.open_seq(Key::Field("links"), all);
    for link in &page.links {
        tree.text(Key::None, &link.target, span(&link.at));
    }
    tree.close(links);
    let boxes = tree.open_seq(Key::Field("boxes"), all);
    for tick in &page.boxes {
        let id = tree.open_map(Key::None, span(&tick.at));
        tree.bool(Key::Field("ticked"), tick.ticked, span(&tick.at));
        tree.text(Key::Field("text"), &tick.text, span(&tick.at));
        tree.close(id);
    }
    tree.close(boxes);
    tree.close(root);
    let derived = vec![root];
    Parsed {
        artifact: Some(Artifact { derived, ..Artifact::new(Kind::Docs, tree) }),
        problems: Vec::new(),
    }
}

fn span(range: &std::ops::Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

/// Whether a page lies where people look first.
fn is_top(path: &str) -> bool {
    matches!(path.rsplit_once('/').map_or("", |it| it.0), "" | "docs" | "doc" | ".github")
}

/// The name of a page as words, its folder before it: `docs/on-call.md` is `docs on call`.
fn stem(path: &str) -> String {
    let path = path.rsplit_once('.').map_or(path, |it| it.0);
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    let folder = parts.next().unwrap_or("");
    format!("{folder} {name}").replace(['-', '_', '.'], " ").trim().to_lowercase()
}

/// What a page is for, by its name and what it holds.
fn role(path: &str, page: &Page) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let name = name.split('.').next().unwrap_or(&name);
    let folder = |wanted: &[&str]| {
        path.split('/').rev().skip(1).any(|it| wanted.contains(&it.to_lowercase().as_str()))
    };
    match name {
        "readme" => "readme",
        "contributing" => "contributing",
        "security" => "security",
        "code_of_conduct" | "code-of-conduct" => "conduct",
        "changelog" | "changes" | "history" | "release_notes" | "releases" | "news" => "changelog",
        "pull_request_template" => "template",
        _ if folder(&[
            "adr",
            "adrs",
            "decisions",
            "decision-records",
            "architecture-decisions",
        ]) =>
        {
            "decision"
        }
        _ if page.boxes.len() >= 20 => "checklist",
        _ => "page",
    }
}

/// The sections as rules see them. A heading over boxes to tick asks for something, it does not
/// describe it; a page's own name counts as part of its title.
fn sections(tree: &mut Tree, page: &Page, role: &str, stem: &str) {
    let list = tree.open_seq(Key::Field("sections"), Span::default());
    for (at, section) in page.sections.iter().enumerate() {
        let asks = section.boxes > 0 && section.boxes * 2 >= section.entries;
        if asks || matches!(role, "changelog" | "decision" | "checklist" | "template") {
            continue;
        }
        let place = span(&section.at);
        let id = tree.open_map(Key::None, place);
        tree.text(Key::Field("heading"), &section.heading, place);
        tree.text(Key::Field("topic"), &topic(section, at == 0, role, stem), place);
        tree.text_at(Key::Field("text"), span(&section.body));
        tree.int(Key::Field("level"), i64::from(section.level), place);
        for (key, count) in
            [("words", section.words), ("entries", section.entries), ("blocks", section.blocks)]
        {
            tree.int(Key::Text(key), count as i64, place);
        }
        tree.text(Key::Field("role"), role, place);
        tree.bool(Key::Field("top"), is_top(&tree.source.path), place);
        tree.close(id);
    }
    tree.close(list);
}

/// What a section is about. The title of a README names the project, not a topic.
fn topic(section: &Section, first: bool, role: &str, stem: &str) -> String {
    let heading = section.heading.to_lowercase();
    match (first && section.level == 1, role) {
        (true, "readme") => String::new(),
        (true, _) => format!("{stem}: {heading}"),
        (false, _) => heading,
    }
}

/// The commands that a page says to run.
fn commands(tree: &mut Tree, page: &Page) {
    let list = tree.open_seq(Key::Field("blocks"), Span::default());
    for block in page.blocks.iter().filter(|it| is_shell(&it.language)) {
        let id = tree.open_seq(Key::None, span(&block.at));
        let script = typed(block);
        for command in shell::read(&script).commands {
            let (Some(first), Some(last)) = (command.words.first(), command.words.last()) else {
                continue;
            };
            let id = tree.open_seq(Key::None, span(&block.place(first.start..last.end)));
            for word in command.words {
                let place = span(&block.place(word.clone()));
                tree.text(Key::None, &shell::unquoted(&script[word]), place);
            }
            tree.close(id);
        }
        tree.close(id);
    }
    tree.close(list);
}

fn is_shell(language: &str) -> bool {
    matches!(language, "sh" | "bash" | "shell" | "zsh" | "console" | "shell-session" | "terminal")
}

/// What a reader types of a block: where prompts are shown, only what stands behind them. The rest
/// becomes spaces, so that places stay what they are.
fn typed(block: &Block) -> String {
    let lines = || block.text.split_inclusive('\n');
    if !lines().any(|it| it.starts_with("$ ")) {
        return block.text.clone();
    }
    let blank = |line: &str| {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        " ".repeat(line.len() - end.len()) + end
    };
    lines()
        .map(|it| it.strip_prefix("$ ").map_or_else(|| blank(it), |it| format!("  {it}")))
        .collect()
}

/// Adds the diagrams of a page: blocks in a language for diagrams, and links to drawings.
fn diagrams(tree: &mut Tree, page: &Page) {
    let list = tree.open_seq(Key::Field("diagrams"), Span::default());
    let languages = ["mermaid", "plantuml", "puml", "dot", "graphviz", "d2", "structurizr", "c4"];
    for block in page.blocks.iter().filter(|it| languages.contains(&it.language.as_str())) {
        let id = tree.open_map(Key::None, span(&block.at));
        tree.text(Key::Field("language"), &block.language, span(&block.at));
        tree.text(Key::Field("text"), &block.text, span(&block.at));
        tree.close(id);
    }
    tree.close(list);
}

/// The facts of a page, as [`parse`] derived them.
pub fn facts(artifact: &Artifact) -> Option<Node<'_>> {
    artifact.derived.first().map(|&id: &Id| artifact.tree.node(id))
}

/// The boxes that are ticked in a page: path, line, text. Templates are filled in elsewhere.
pub fn ticked(artifact: &Artifact) -> impl Iterator<Item = (&str, u32, &str)> {
    let page = facts(artifact).filter(|it| it.str("role") != Some("template"));
    let boxes = page.and_then(|it| it.get("boxes")).into_iter().flat_map(Node::children);
    let ticked = boxes.filter(|it| it.get("ticked").and_then(Node::as_bool) == Some(true));
    ticked.filter_map(|it| {
        Some((artifact.tree.source.path.as_str(), it.start().line, it.str("text")?))
    })
}

const TOP: Field = Field {
    name: "top",
    shape: Shape::Bool,
    means: "whether its page lies in the root, in `docs/` or in `.github/`",
};

const SECTION: &[Field] = &[
    Field { name: "heading", shape: Shape::Text, means: "the heading, without markup" },
    Field {
        name: "topic",
        shape: Shape::Text,
        means: "what it is about, in lower case; for a page's title with the page's name before it",
    },
    Field { name: "text", shape: Shape::Text, means: "everything under it, as written" },
    Field { name: "level", shape: Shape::Number, means: "1 for the title of the page, down to 6" },
    Field { name: "words", shape: Shape::Number, means: "how many words say something" },
    Field { name: "entries", shape: Shape::Number, means: "list items, rows and deeper headings" },
    Field { name: "blocks", shape: Shape::Number, means: "code blocks" },
    Field { name: "role", shape: Shape::Text, means: "the role of its page, as in `docs.page`" },
    TOP,
];

const PAGE: &[Field] = &[
    Field {
        name: "role",
        shape: Shape::Text,
        means: "`readme`, `contributing`, `security`, `conduct`, `changelog`, `decision`, `checklist`, `template` or `page`",
    },
    TOP,
    Field {
        name: "name",
        shape: Shape::Text,
        means: "its folder and name as words, in lower case",
    },
    Field { name: "words", shape: Shape::Number, means: "how many words say something" },
    Field { name: "sections", shape: Shape::List(&Shape::Record(SECTION)), means: "its sections" },
    Field {
        name: "diagrams",
        shape: Shape::List(&Shape::Record(&[
            Field { name: "language", shape: Shape::Text, means: "`mermaid`, `plantuml`, …" },
            Field { name: "text", shape: Shape::Text, means: "what it draws" },
        ])),
        means: "diagrams that are written as text",
    },
    Field { name: "links", shape: Shape::List(&Shape::Text), means: "the addresses it links to" },
];

/// The views.
pub const VIEWS: &[View] = &[
    View {
        name: "docs.page",
        kind: Kind::Docs,
        means: "a page about this repository, in Markdown or reStructuredText",
        vars: &[Field { name: "it", shape: Shape::Record(PAGE), means: "the page" }],
        select: Select::File(pages),
    },
    View {
        name: "docs.section",
        kind: Kind::Docs,
        means: "a heading of a page with what stands under it",
        vars: &[Field { name: "it", shape: Shape::Record(SECTION), means: "the section" }],
        select: Select::File(each_section),
    },
];

fn subject(node: Node<'_>) -> Subject<'_> {
    Subject { values: vec![Value::Node(node)], at: node, object: None }
}

fn pages<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    facts(artifact).into_iter().for_each(|it| emit(subject(it)));
}

fn each_section<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    let sections = facts(artifact).and_then(|it| it.get("sections"));
    sections.into_iter().flat_map(Node::children).for_each(|it| emit(subject(it)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts_of(path: &str, text: &str) -> Artifact {
        parse(Source::new(path, text)).artifact.expect("every page is read")
    }

    #[test]
    fn a_page_is_about_this_repository_or_it_is_left_out() {
        for (path, is) in [
            ("README.md", true),
            ("docs/ops/on-call.MD", true),
            ("node_modules/x/README.md", false),
            ("api/tests/fixtures/a.md", false),
            ("readme.txt", false),
        ] {
            assert_eq!(is_page(path), is, "{path}");
        }
    }

    #[test]
    fn topics_name_the_page_but_not_the_project() {
        let topics = |path: &str, text: &str| {
            let artifact = facts_of(path, text);
            let sections = facts(&artifact).and_then(|it| it.get("sections"));
            let topics = sections.into_iter().flat_map(Node::children);
            topics.filter_map(|it| it.str("topic").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(topics("README.md", "# Deployer\n## Deploy it\n"), ["", "deploy it"]);
        assert_eq!(topics("docs/on-call.md", "# Who answers\n"), ["docs on call: who answers"]);
        assert!(topics("docs/ready.md", "## Deploy\n- [ ] done\n").is_empty());
        assert!(topics("CHANGELOG.md", "## Deployment\nfixed\n").is_empty());
    }

    #[test]
    fn only_what_stands_behind_prompts_is_typed() {
        let text = "```console\n$ make test\nok: 3\n$ ./run.sh \"a b\"\n```\n";
        let artifact = facts_of("README.md", text);
        let blocks = facts(&artifact).and_then(|it| it.get("blocks")).expect("there is a list");
        let commands = blocks.children().flat_map(Node::children).map(|it| {
            let words: Vec<_> = it.children().map(Node::text).collect();
            (it.start().line, words.join("|"))
        });
        let commands: Vec<_> = commands.collect();
        assert_eq!(commands, [(2, "make|test".to_owned()), (4, "./run.sh|a b".to_owned())]);
    }
}
