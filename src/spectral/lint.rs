//! Runs a plan over a document: finds what paths select, applies functions, says what is wrong.

use std::{cell::OnceCell, collections::HashSet};

use super::{
    circle,
    function::{Around, Complaint},
    js::{Eyes, Js, entries},
    path::{Prop, Spot},
    plan::{Field, Plan, Ready, Then, Walks},
};
use crate::{
    artifact::openapi::{Refs, decoded, pointer},
    document::{Id, Kind, Node},
};

/// As many findings as one document may have.
const MAX_FINDINGS: usize = 100_000;

/// What a rule found.
#[derive(Debug)]
pub struct Fault<'a> {
    /// The number of the rule.
    pub rule: usize,
    /// Where.
    pub at: Node<'a>,
    /// The reference that leads there, if one does.
    pub through: Option<Node<'a>>,
    /// What is wrong.
    pub message: String,
}

/// What came of a document.
#[derive(Debug, Default)]
pub struct Linted<'a> {
    /// What rules found.
    pub faults: Vec<Fault<'a>>,
    /// What could not be judged: the rule, if it is one, and why.
    pub troubles: Vec<(Option<usize>, String)>,
}

/// Runs the rules of a plan over the document at `root`.
pub fn lint<'a>(plan: &'a Plan, root: Node<'a>) -> Linted<'a> {
    let refs = Refs::new(root);
    let circles = OnceCell::new();
    let circular = |node: Node<'a>| {
        pointer(node).is_some()
            && circles.get_or_init(|| circle::circular(root, &refs)).contains(&node.id())
    };
    let referenced = OnceCell::new();
    let is_referenced =
        |pointer: &str| referenced.get_or_init(|| pointers(root, &refs)).contains(pointer);
    let mut lint = Lint {
        plan,
        root,
        seen: HashSet::new(),
        troubled: HashSet::new(),
        above: OnceCell::new(),
        linted: Linted::default(),
    };
    for (walks, refs) in [(&plan.resolved, Some(&refs)), (&plan.written, None)] {
        if walks.rules.is_empty() {
            continue;
        }
        let eyes = Eyes { refs, circular: &circular };
        lint.walk(walks, Around { eyes, referenced: &is_referenced });
    }
    lint.linted
}

/// Everything in the file of the description that references name.
fn pointers<'a>(root: Node<'a>, refs: &Refs<'a>) -> HashSet<String> {
    let tree = root.tree();
    let maps = (root.id()..refs.end()).filter(|id| tree.nodes[*id as usize].kind == Kind::Map);
    let local = maps.filter_map(|id| {
        let node = tree.node(id);
        refs.in_root(node, pointer(node)?)
    });
    local.map(|it| it.split('/').map(decoded).collect::<Vec<_>>().join("/")).collect()
}

/// What a function is applied to.
struct Target<'a> {
    value: Js<'a>,
    below: Vec<String>,
}

struct Lint<'a> {
    plan: &'a Plan,
    root: Node<'a>,
    seen: HashSet<(usize, Id, String)>,
    troubled: HashSet<usize>,
    above: OnceCell<Above>,
    linted: Linted<'a>,
}

impl<'a> Lint<'a> {
    fn walk(&mut self, walks: &'a Walks, around: Around<'_, 'a>) {
        let mut met = HashSet::new();
        let walked = walks.paths.walk(Spot::root(self.root), around.eyes, &mut |path, trail| {
            let Some(spot) = trail.last() else { return };
            let keyed = walks.paths.is_keyed(path);
            let site =
                if keyed { spot.written } else { place(spot.written, spot.node, spot.crossed) };
            if is_elsewhere(spot.node, around.eyes)
                || !met.insert((path, site.id(), spot.node.id(), spot.crosses()))
            {
                return;
            }
            for &rule in &walks.rules[path] {
                self.judge(rule, trail, keyed, around);
            }
        });
        if walked.is_err() {
            let reason = "the document is too large for the paths of the ruleset".to_owned();
            self.linted.troubles.push((None, reason));
        }
    }

    fn judge(&mut self, rule: usize, trail: &[Spot<'a>], keyed: bool, around: Around<'_, 'a>) {
        let Some(spot) = trail.last() else { return };
        let value = match (keyed, spot.key) {
            (true, Prop::Key(key)) => Js::text(key),
            (true, Prop::Index(at)) => Js::Number(f64::from(at)),
            _ => Js::of(spot.node),
        };
        let plan = self.plan;
        for then in &plan.rules[rule].then {
            for target in targets(&value, then, around.eyes) {
                if matches!(&target.value, Js::Node(it) if is_elsewhere(*it, around.eyes)) {
                    continue;
                }
                match then.function.judge(&target.value, around) {
                    Ok(complaints) => {
                        for complaint in complaints {
                            self.fault(rule, trail, &target.below, complaint, around.eyes);
                        }
                    }
                    Err(reason) if self.troubled.insert(rule) => {
                        self.linted.troubles.push((Some(rule), reason.to_owned()));
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn fault(
        &mut self,
        rule: usize,
        trail: &[Spot<'a>],
        below: &[String],
        complaint: Complaint,
        eyes: Eyes<'_, 'a>,
    ) {
        let Some(spot) = trail.last() else { return };
        let path: Vec<_> = below.iter().chain(&complaint.below).cloned().collect();
        let (at, missing) = locate(spot, &path, eyes);
        let message = self.message(&self.plan.rules[rule], &complaint.message, at, &missing);
        if !self.seen.insert((rule, at.id(), message.clone())) {
            return;
        }
        if self.linted.faults.len() >= MAX_FINDINGS {
            if self.troubled.insert(usize::MAX) {
                let reason = "there are too many findings: some are left out".to_owned();
                self.linted.troubles.push((None, reason));
            }
            return;
        }
        let through = trail.iter().rev().find(|it| it.written != it.node).map(|it| it.written);
        self.linted.faults.push(Fault { rule, at, through, message });
    }

    /// The message of a rule, its placeholders filled.
    fn message(&self, rule: &Ready, error: &str, at: Node<'a>, missing: &[String]) -> String {
        let where_to = OnceCell::new();
        let path = || {
            let above = self.above.get_or_init(|| Above::new(self.root));
            where_to.get_or_init(|| above.path(at))
        };
        let property = || {
            let mut names: Vec<_> = path().last().into_iter().cloned().collect();
            names.extend(missing.iter().cloned());
            names.join(".")
        };
        let error = || match error.contains("{property}") {
            false => error.to_owned(),
            true => {
                let name = property();
                let name =
                    if name.is_empty() { "the document".into() } else { format!("`{name}`") };
                error.replace("{property}", &name)
            }
        };
        let Some(template) = &rule.message else {
            let described = rule.description.as_ref().filter(|it| !it.trim().is_empty());
            return described.map_or_else(error, |it| it.trim().to_owned());
        };
        let mut out = String::new();
        let mut rest = template.as_str();
        while let Some((before, inside)) = rest.split_once("{{") {
            let Some((name, after)) = inside.split_once("}}") else { break };
            out.push_str(before);
            match name.trim() {
                "error" => out.push_str(&error()),
                "property" => out.push_str(&property()),
                "description" => out.push_str(rule.description.as_deref().unwrap_or_default()),
                "path" => {
                    let parts = path().iter().map(|it| it.replace('~', "~0").replace('/', "~1"));
                    out.push('#');
                    parts.for_each(|it| out.extend(["/", &it]));
                }
                "value" => out.push_str(&at.display()),
                _ => {}
            }
            rest = after;
        }
        out.push_str(rest);
        out.trim().chars().take(1_000).collect()
    }
}

/// Where people see what a path leads to. A reference with keys beside it is a place of its own,
/// unless the way to it leads through another one: so Spectral tells.
fn place<'a>(written: Node<'a>, node: Node<'a>, crossed: bool) -> Node<'a> {
    if !crossed && written.len() > 1 { written } else { node }
}

/// Whether it is a reference into another file that cannot be followed.
fn is_elsewhere(node: Node<'_>, eyes: Eyes<'_, '_>) -> bool {
    eyes.refs.is_some() && pointer(node).is_some_and(|it| !it.starts_with('#'))
}

/// What of a value a function is applied to.
fn targets<'a>(value: &Js<'a>, then: &'a Then, eyes: Eyes<'_, 'a>) -> Vec<Target<'a>> {
    let itself = || vec![Target { value: value.clone(), below: Vec::new() }];
    let Js::Node(node) = value else { return itself() };
    let node = *node;
    let mut found: Vec<Target<'a>> = match &then.field {
        Field::Itself => return itself(),
        Field::Keys => {
            let names: Vec<(String, Js<'a>)> = match node.is_map() {
                true => entries(node).iter().map(|it| (it.0.to_owned(), Js::text(it.0))).collect(),
                false => (0..node.len())
                    .map(|at| (at.to_string(), Js::Text(at.to_string().into())))
                    .collect(),
            };
            names.into_iter().map(|(key, value)| Target { value, below: vec![key] }).collect()
        }
        Field::Names(written, names) => {
            let value = match eyes.get(node, written) {
                Some(it) => Js::of(it),
                None => follow(Js::Node(node), names, eyes),
            };
            return vec![Target { value, below: names.clone() }];
        }
        Field::Path(paths) => {
            let mut found = Vec::new();
            let _ = paths.walk(Spot::root(node), eyes, &mut |_, trail| {
                let names = trail.iter().filter_map(|it| match it.key {
                    Prop::Root => None,
                    Prop::Key(key) => Some(key.to_owned()),
                    Prop::Index(at) => Some(at.to_string()),
                });
                let value = trail.last().map_or(Js::Undefined, |it| Js::of(it.node));
                found.push(Target { value, below: names.collect() });
            });
            found
        }
    };
    if found.is_empty() {
        found.push(Target { value: Js::Undefined, below: Vec::new() });
    }
    found
}

/// What names lead to.
fn follow<'a>(value: Js<'a>, names: &[String], eyes: Eyes<'_, 'a>) -> Js<'a> {
    names.iter().fold(value, |value, name| match &value {
        _ if name == "length" && value.length().is_some() => {
            Js::Number(value.length().unwrap_or_default() as f64)
        }
        Js::Node(node) => Js::maybe(eyes.get(*node, name)),
        _ => Js::Undefined,
    })
}

/// The deepest node on a path that is there, and the names that are not.
fn locate<'a>(spot: &Spot<'a>, path: &[String], eyes: Eyes<'_, 'a>) -> (Node<'a>, Vec<String>) {
    let (mut written, mut node, mut crossed) = (spot.written, spot.node, spot.crossed);
    for (at, name) in path.iter().enumerate() {
        let beside = if crossed { None } else { child(written, name) };
        let Some(next) = beside.or_else(|| child(node, name)) else {
            return (place(written, node, crossed), path[at..].to_vec());
        };
        crossed |= beside.is_none() && written != node;
        (written, node) = (next, eyes.see(next));
    }
    (place(written, node, crossed), Vec::new())
}

fn child<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    match node.kind() {
        Kind::Seq => node.item(name.parse().ok()?),
        _ => node.get(name),
    }
}

/// Where each node hangs: its container, and its number in it.
struct Above {
    places: Vec<(Id, u32)>,
}

impl Above {
    fn new(root: Node<'_>) -> Self {
        let nodes = &root.tree().nodes;
        let mut places = vec![(Id::MAX, 0); nodes.len()];
        let mut open: Vec<_> = root.tree().documents().collect();
        while let Some(node) = open.pop() {
            for (at, child) in (0..).zip(node.children()) {
                // An alias leads to a node that has its place already, or gets its own later.
                if places[child.id() as usize].0 == Id::MAX && child.id() > node.id() {
                    places[child.id() as usize] = (node.id(), at);
                    open.push(child);
                }
            }
        }
        Self { places }
    }

    /// The keys and indexes that lead to a node.
    fn path(&self, target: Node<'_>) -> Vec<String> {
        let tree = target.tree();
        let mut path = Vec::new();
        let mut at = target;
        while let Some(&(above, number)) = self.places.get(at.id() as usize)
            && above != Id::MAX
        {
            let holder = tree.node(above);
            path.push(if holder.is_map() { at.key().to_owned() } else { number.to_string() });
            at = holder;
        }
        path.reverse();
        path
    }
}
