//! Files and rules in; findings, evidence and problems out.
//!
//! Every file is read, parsed and judged by the rules that need only it, in parallel; manifests when
//! it is known what builds take up of them. What joins need is kept, and the rules that look across
//! files run last. The outcome is sorted: the same files give the same bytes.

use std::{
    cell::OnceCell,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use crate::{
    artifact::{
        self, Artifact, Kind, Parsed, Reading, Role, Select, Subject, Suppression, View,
        coverage::{merge, stream},
        dockerfile::{
            self,
            config::{self, Configs},
        },
        kubernetes,
        render::{Files, render},
        suppression,
        testdata::{self, TestData},
    },
    checklist::Fact,
    date::Date,
    discover::{Content, Found, Open},
    document::{Node, Problem, Trouble},
    facts,
    finding::{
        self, Evidence, Finding, Object, Place, Related, Rendered, Severity, Waiver, shared_order,
    },
    parse::gzip,
    patch::{self, Partial, PatchCoverage},
    repository::{Base, Measured, Repository, Stated, described},
    rule::{
        Failure, Judge, Judgement, Power, Rule, RuleSet, Sift, nearest, peer_ids, standing_for,
    },
    source::{Position, Source},
    spectral::{Ruled, Teams},
    threads, waive,
};

/// As many findings as one file may have.
const MAX_FINDINGS: usize = 100_000;

/// What came of judging files.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By place, then rule.
    pub findings: Vec<Finding>,
    /// They until all are there: in boxes, for they are large, sorted and moved.
    found: Vec<Box<Finding>>,
    /// What was found in favour of checklist items.
    pub evidence: Vec<Evidence>,
    /// What could not be read or judged, by place.
    pub problems: Vec<Problem>,
    /// The artifacts that were kept for joins, by path.
    pub artifacts: Vec<Artifact>,
    /// The checklist items that some rule met a subject for.
    pub judged: BTreeSet<Arc<str>>,
    /// How many artifacts of each kind there are.
    pub kinds: BTreeMap<Kind, usize>,
    /// How many files were read.
    pub files: usize,
    /// How many bytes were read.
    pub bytes: u64,
    /// What the service has, as far as files tell.
    pub facts: BTreeSet<Fact>,
    /// Every path, read or not, sorted.
    pub paths: Vec<String>,
    /// The rules of the repository's own Spectral rulesets that ran.
    pub ruled: Vec<Ruled>,
    /// The shares of coverage that configuration asks for.
    pub stated: Vec<Stated>,
    /// The coverage of the change, where there is a change and a coverage report.
    pub patch: Option<PatchCoverage>,
}

/// What came of one file.
#[derive(Default)]
struct Read {
    artifact: Option<Artifact>,
    text: Option<Source>,
    bytes: Option<u64>,
    judged: Judged,
}

/// What rules had to say.
#[derive(Default)]
struct Judged {
    findings: Vec<Box<Finding>>,
    evidence: Vec<Evidence>,
    problems: Vec<Problem>,
    items: BTreeSet<Arc<str>>,
    /// How many findings there are beyond [`MAX_FINDINGS`].
    left_out: usize,
    /// A chart is judged with the values of its tests: what those say is not the chart's.
    is_trial: bool,
}

/// What is already noted of a rule in a file.
#[derive(Clone, Copy, Default)]
struct Met {
    /// That it met a subject.
    judged: bool,
    /// What speaks for its items: one place is enough.
    evident: bool,
}

/// A judge, and what he noted of each rule of the view that he turned to.
#[derive(Default)]
struct Sitting<'a> {
    judge: Judge<'a>,
    met: Vec<Met>,
    seen: Seen<'a>,
}

/// Nodes that findings pointed at, and where people see them: many rules point at the same ones.
#[derive(Default)]
struct Seen<'a>([Option<Sight<'a>>; 16]);

/// Where people see a node.
struct Sight<'a> {
    node: Node<'a>,
    place: Place,
    excerpt: Arc<str>,
    rendered: Option<Rendered>,
}

impl<'a> Seen<'a> {
    fn of(&mut self, node: Node<'a>) -> &Sight<'a> {
        let at = node.id() as usize % self.0.len();
        match &mut self.0[at] {
            Some(known) if known.node == node => {}
            other => *other = None,
        }
        self.0[at].get_or_insert_with(|| {
            let (source, start, end) = node.seen();
            let place = Place { path: source.shared_path(), start, end };
            let excerpt = finding::excerpt(source.line(start.line));
            Sight { node, place, excerpt, rendered: Rendered::of(node) }
        })
    }
}

impl Sitting<'_> {
    /// Turns to the next view, or the next file.
    fn turn(&mut self, look: &Look<'_>) {
        self.met.clear();
        self.met.resize(look.rules.len(), Met::default());
        self.judge.turn(look.rules.len());
    }
}

/// The change that led to the files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// As a unified diff.
    pub diff: Option<&'a str>,
    /// What counts as a line that ran.
    pub partial: Partial,
    /// What is known of the state before it.
    pub base: Option<&'a Base>,
    /// What tells when files changed, and the folder to ask it about.
    pub history: Option<(History, &'a Path)>,
}

/// The files of a folder that changed since a day, by path, each with the last day.
pub type History = fn(&Path, Date) -> Vec<(String, Date)>;

/// Judges `files` by `rules`.
pub fn evaluate(files: Vec<Found>, rules: &RuleSet) -> Outcome {
    evaluate_change(files, rules, Change::default())
}

/// Judges `files`, and how well the change that led to them is covered, by `rules`.
pub fn evaluate_change(files: Vec<Found>, rules: &RuleSet, change: Change<'_>) -> Outcome {
    let teams = Teams::read(&files);
    evaluate_for(&teams, files, rules, change)
}

/// Judges `files` by `rules` and by the rulesets of `teams`.
pub fn evaluate_for(
    teams: &Teams,
    files: Vec<Found>,
    rules: &RuleSet,
    change: Change<'_>,
) -> Outcome {
    let plan = Plan::new(rules, teams);
    let mut outcome =
        Outcome { paths: files.iter().map(|it| it.path.clone()).collect(), ..Outcome::default() };
    let tests = match TestData::new(&outcome.paths) {
        it if rules.is_all => it.with_manifests(),
        it => it,
    };
    let is_file = |it: &&Found| it.content != Content::Link;
    let mut wanted = files.iter().filter(is_file).filter_map(|it| {
        let reading = artifact::reading(&it.path);
        (reading != Reading::Not).then_some((it, reading))
    });
    let read = |it: (_, _)| read(it.0, it.1, &plan, &tests);
    let (mut texts, mut judged) = (BTreeMap::new(), Vec::new());
    while outcome.bytes < LITTLE
        && let Some(it) = wanted.next()
    {
        judged.push(outcome.take_file(read(it), &mut texts));
    }
    for it in threads::each(wanted.collect(), read) {
        judged.push(outcome.take_file(it, &mut texts));
    }
    judged.into_iter().for_each(|it| outcome.take(it));
    let mut artifacts = std::mem::take(&mut outcome.artifacts);
    let (configs, problems) = Configs::read(&texts);
    config::ignore(&mut artifacts, &configs);
    outcome.problems.extend(problems);
    let linked = artifact::makefile::link(&mut artifacts, &outcome.paths, &texts);
    outcome.problems.extend(linked.into_iter().filter(|it| !tests.is_vendored(&it.path)));
    let is_ours = |it: &&String| !tests.holds(it) && !tests.is_vendored(it);
    let paths = outcome.paths.iter().filter(is_ours).cloned().collect();
    outcome.render(&files, paths, &tests, &mut artifacts, &plan);
    let patch = change.diff.and_then(|diff| {
        let reports: Vec<_> = artifacts.iter().filter_map(|it| it.coverage.as_deref()).collect();
        let known = || patch::coverage(diff, &reports, &outcome.paths, change.partial);
        (!reports.is_empty()).then(known)
    });
    let measured = measured(&files, &artifacts, &outcome.paths, change.history);
    let described = described(&texts);
    let repository =
        Repository::new(&artifacts, &outcome.paths, &texts, &described, &outcome.problems)
            .with_patch(patch.as_ref())
            .with_measured(measured)
            .with_base(change.base, change.diff, &outcome.problems);
    let uncompared = repository.uncompared().to_vec();
    outcome.stated = repository.stated();
    let facts = facts::facts(&repository);
    let mut answers = repository.answers();
    let (configured, broken) = kubernetes::config::read(&artifacts, &texts);
    answers.extend(configured);
    outcome.problems.extend(broken);
    let (configured, broken) = artifact::zizmor::configured(&artifacts, &texts);
    answers.extend(configured);
    outcome.problems.extend(broken);
    outcome.problems.extend(uncompared);
    let answers = Answers::new(answers);
    let choices = kubernetes::Choices::read(texts.values());
    let judged = plan.across(&repository);
    outcome.problems.extend(teams.problems());
    outcome.ruled = teams.rules();
    outcome.facts = facts;
    outcome.patch = patch;
    outcome.take(judged);
    outcome.take_levels(&configs);
    outcome.take_choices(&choices, rules);
    outcome.take_suppressions(
        &artifacts,
        &answers,
        &plan,
        &Told { texts: &texts, choices: &choices },
    );
    outcome.take_unknown(choices);
    artifacts.retain(|it| !it.tree.source.is_rendered());
    artifacts.sort_by(|a, b| a.tree.source.path.cmp(&b.tree.source.path));
    outcome.artifacts = artifacts;
    outcome.evidence.retain(|it| !testdata::is_doubtful(&it.place.path));
    outcome.sort();
    outcome
}

/// How many bytes one thread reads before others help it: with less, they cost more than they save.
const LITTLE: u64 = 1 << 20;

/// How many bytes of measured files are read to count their lines.
const MOST_MEASURED: usize = 64 << 20;

/// What the files that coverage reports measure are today.
fn measured(
    files: &[Found],
    artifacts: &[Artifact],
    paths: &[String],
    history: Option<(History, &Path)>,
) -> Measured {
    let mut measured = Measured::default();
    let wanted = Measured::wanted(artifacts, paths);
    let mut left = MOST_MEASURED;
    for path in wanted {
        let found = files.binary_search_by(|it| it.path.as_str().cmp(path));
        let Some(found) = found.ok().map(|at| &files[at]) else { continue };
        if found.content == Content::Link || found.size().is_none_or(|it| it > left as u64) {
            continue;
        }
        let Ok(bytes) = found.read() else { continue };
        left = left.saturating_sub(bytes.len());
        let ends = bytes.last().is_some_and(|it| *it != b'\n');
        let lines = memchr::memchr_iter(b'\n', &bytes).count() + usize::from(ends);
        measured.lines.insert(path.to_owned(), lines as u64);
    }
    if let (Some((since, root)), Some(earliest)) = (history, Measured::earliest(artifacts))
        && !measured.lines.is_empty()
    {
        measured.changed = since(root, earliest);
    }
    measured
}

/// What a file holds.
pub enum Contents {
    /// Bytes that are not yet understood.
    Bytes(Vec<u8>),
    /// A coverage report that is too large for memory, with its size.
    Report(u64, Box<Parsed>),
}

/// How large a packed report may become, bytes.
const MOST_UNPACKED: usize = 64 << 20;

/// Reads a file: whole, or in pieces if it is large and a report.
///
/// # Errors
/// What the system says.
pub fn contents(found: &Found) -> io::Result<Contents> {
    Ok(match found.open(stream::LARGE)? {
        Open::Read(bytes) if is_packed(found, &bytes) => {
            let text = gzip::unpack(&bytes, MOST_UNPACKED).ok_or(io::ErrorKind::InvalidData)?;
            Contents::Bytes(text)
        }
        Open::Read(bytes) => Contents::Bytes(bytes),
        Open::Large { size, mut input } => match stream::read(&found.path, size, &mut input)? {
            stream::Streamed::Bytes(bytes) => Contents::Bytes(bytes),
            stream::Streamed::Report(parsed) => Contents::Report(size, parsed),
        },
    })
}

fn is_packed(found: &Found, bytes: &[u8]) -> bool {
    found.path.ends_with(artifact::PACKED) && gzip::is_packed(bytes)
}

fn read(found: &Found, reading: Reading, plan: &Plan<'_>, tests: &TestData) -> Read {
    let path = found.path.clone();
    let bytes = match contents(found) {
        Ok(Contents::Bytes(bytes)) => bytes,
        Ok(Contents::Report(size, parsed)) => {
            let mut judged = Judged { problems: parsed.problems, ..Judged::default() };
            parsed.artifact.iter().for_each(|it| plan.file(it, &mut judged));
            return Read { artifact: parsed.artifact, text: None, bytes: Some(size), judged };
        }
        Err(error) => return Read::failed(path, &error),
    };
    let size = Some(bytes.len() as u64);
    if reading == Reading::Text && bytes.len() > artifact::LARGEST_TEXT {
        return Read { bytes: size, ..Read::default() };
    }
    let text = (reading == Reading::Text).then(|| Source::from_bytes(&*path, bytes.clone()));
    let mut parsed = artifact::parse(Source::from_bytes(path, bytes));
    let kind = parsed.artifact.as_ref().map(|it| it.kind);
    let is_like_real = matches!(
        kind,
        None | Some(
            Kind::Kubernetes | Kind::Helm | Kind::Openapi | Kind::Dockerfile | Kind::Prometheus
        )
    );
    let is_manifest = matches!(kind, Some(Kind::Kubernetes | Kind::Helm));
    if is_like_real && tests.holds(&found.path)
        || is_manifest && tests.holds_manifest(&found.path)
        || kind.is_some_and(|it| it != Kind::Makefile) && tests.is_vendored(&found.path)
    {
        return Read { bytes: size, ..Read::default() };
    }
    let mut judged = Judged { problems: parsed.problems, ..Judged::default() };
    if let Some(artifact) = parsed.artifact.as_mut().filter(|it| it.role != Role::Part) {
        if !plan.waits(artifact) {
            plan.judge(artifact, &mut judged);
        }
        shorten(artifact);
    }
    judged.findings.sort_unstable_by(|a, b| in_order(a, b));
    Read { artifact: parsed.artifact, text, bytes: size, judged }
}

/// Lets go of what only the rules of a single file look at.
fn shorten(artifact: &mut Artifact) {
    dockerfile::shorten(artifact);
    if kubernetes::defines(artifact) {
        let is_silent = artifact.suppressions.is_empty();
        let with_text = is_silent && waive::comments(&artifact.tree.source).is_empty();
        kubernetes::shorten(artifact, with_text);
    }
    artifact.tree.finish();
}

fn by_place(a: &Finding, b: &Finding) -> Ordering {
    a.place.cmp(&b.place).then_with(|| shared_order(&a.rule, &b.rule))
}

fn in_order(a: &Finding, b: &Finding) -> Ordering {
    let others = || {
        let (a, b) = ((&a.message, &a.object, &a.related), (&b.message, &b.object, &b.related));
        a.cmp(&b)
    };
    by_place(a, b).then_with(others)
}

impl Read {
    fn failed(path: String, error: &io::Error) -> Self {
        let (kind, reason) = match error.kind() {
            io::ErrorKind::FileTooLarge => {
                (Trouble::Limit, "larger than 256 MiB: not read".to_owned())
            }
            _ => (Trouble::Unreadable, format!("cannot be read: {error}")),
        };
        let problem = Problem { path, start: Position { line: 1, column: 1 }, kind, reason };
        Self { judged: Judged { problems: vec![problem], ..Judged::default() }, ..Self::default() }
    }
}

/// A view and the rules that look through it.
struct Look<'r> {
    view: &'static View,
    rules: Vec<&'r Rule>,
    sift: OnceLock<Sift>,
}

/// Rules by the view they look through, so that each view is walked once.
type Views<'r> = Vec<Look<'r>>;

fn by_view(rules: &[Rule]) -> Views<'_> {
    let mut views: Views<'_> = Vec::new();
    for rule in rules {
        match views.iter_mut().find(|it| it.view.name == rule.view.name) {
            Some(it) => it.rules.push(rule),
            None => {
                views.push(Look { view: rule.view, rules: vec![rule], sift: OnceLock::new() });
            }
        }
    }
    views
}

/// What is judged by what.
struct Plan<'r> {
    views: Views<'r>,
    /// The rules that are off unless a team's ruleset asks for them.
    asked: Views<'r>,
    teams: &'r Teams,
    /// All rules come with the program: none looks at the schemas in definitions.
    is_known: bool,
}

impl<'r> Plan<'r> {
    fn new(rules: &'r RuleSet, teams: &'r Teams) -> Self {
        let is_known = rules.rules.iter().chain(&rules.asked).all(Rule::is_builtin);
        Self { views: by_view(&rules.rules), asked: by_view(&rules.asked), teams, is_known }
    }

    /// Whether a file is judged when it is known what builds take up: what they do is judged there
    /// and not alone. Definitions are large until they are shortened, so they cannot wait where
    /// somebody's own rules may look at all of them.
    fn waits(&self, artifact: &Artifact) -> bool {
        artifact.kind == Kind::Kubernetes && (self.is_known || !kubernetes::defines(artifact))
    }

    /// Whether a rule is on that looks at what builds and charts render.
    fn looks_at_objects(&self) -> bool {
        let looks = |view: &View| matches!(view.kind, Kind::Kubernetes | Kind::Repository);
        self.views.iter().any(|it| looks(it.view))
    }

    /// Whether a rule is on that the patterns name.
    fn has(&self, what: &str) -> bool {
        let ruled = self.teams.rules();
        if ruled.iter().any(|it| waive::matches(what, || std::iter::once(&*it.id))) {
            return true;
        }
        self.rules().any(|rule| {
            let peers = || rule.equivalents.iter().map(|it| &*it.id);
            waive::matches(what, || std::iter::once(&*rule.id).chain(peers()))
        })
    }

    fn rules(&self) -> impl Iterator<Item = &'r Rule> {
        self.views.iter().flat_map(|it| &it.rules).copied()
    }

    fn file(&self, artifact: &Artifact, judged: &mut Judged) {
        Self::look(&self.views, artifact, judged);
    }

    /// Judges an artifact by the rules, and by the team's ruleset that holds for it.
    fn judge(&self, artifact: &Artifact, judged: &mut Judged) {
        self.file(artifact, judged);
        self.team(artifact, judged);
    }

    /// Judges an artifact by the team's ruleset that holds for it.
    fn team(&self, artifact: &Artifact, judged: &mut Judged) {
        let Some(team) = self.teams.of(artifact) else { return };
        team.settle(artifact, &mut judged.findings, false);
        let mut asked = Judged::default();
        Self::look(&self.asked, artifact, &mut asked);
        team.settle(artifact, &mut asked.findings, true);
        judged.findings.extend(asked.findings);
        let (findings, problems) = team.judge(artifact);
        judged.findings.extend(findings);
        judged.problems.extend(problems);
    }

    fn look(views: &Views<'_>, artifact: &Artifact, judged: &mut Judged) {
        let mut sitting = Sitting::default();
        for look in views {
            if look.view.kind == artifact.kind
                && let Select::File(select) = look.view.select
            {
                sitting.turn(look);
                select(artifact, &mut |it| judged.subject(&mut sitting, look, &it));
            }
        }
        if std::mem::take(&mut judged.left_out) > 0 {
            let reason =
                format!("there are more than {MAX_FINDINGS} findings: the rest is left out");
            judged.problems.push(Problem::at(&artifact.tree.source, 0, Trouble::Limit, reason));
        }
    }

    fn across(&self, repository: &Repository<'_>) -> Judged {
        let (mut sitting, mut judged) = (Sitting::default(), Judged::default());
        for look in &self.views {
            if let Select::Repository(select) = look.view.select {
                sitting.turn(look);
                select(repository, &mut |it| judged.subject(&mut sitting, look, &it));
            }
        }
        judged
    }
}

impl Judged {
    /// Judges a subject by the rules of its view.
    fn subject<'a>(&mut self, sitting: &mut Sitting<'a>, look: &Look<'a>, subject: &Subject<'a>) {
        let object = OnceCell::new();
        let sift = look.sift.get_or_init(|| Sift::of(&look.rules));
        let Sitting { judge, met, seen } = sitting;
        judge.judge(subject, &look.rules, sift, |number, judgement| {
            let (rule, met) = (look.rules[number], &mut met[number]);
            self.note(rule, met, subject, judgement);
            for failure in judgement.failures.drain(..) {
                let object = object.get_or_init(|| subject.object.map(|it| Arc::new(it.into())));
                self.failure(rule, object.clone(), seen, failure);
            }
        });
    }

    /// Notes what a judgement says beside its failures.
    fn note<'a>(
        &mut self,
        rule: &'a Rule,
        met: &mut Met,
        subject: &Subject<'a>,
        judgement: &mut Judgement<'a>,
    ) {
        let holds = judgement.failures.is_empty() && judgement.troubles.is_empty();
        if !rule.items.is_empty() && !met.evident {
            if !met.judged {
                self.items.extend(rule.items.iter().cloned());
                met.judged = true;
            }
            let proof = match rule.power {
                Power::Decides if holds && rule.proves.is_none() => Some(subject.at),
                _ => judgement.proves,
            };
            if let Some(node) = proof {
                met.evident = true;
                self.evidence.extend(rule.items.iter().map(|item| Evidence {
                    item: item.clone(),
                    place: Place::of(node),
                    rule: rule.id.clone(),
                }));
            }
        }
        for trouble in judgement.troubles.drain(..) {
            self.problems.push(Problem {
                path: trouble.at.place().0.path.clone(),
                start: trouble.at.start(),
                kind: Trouble::NotEvaluated,
                reason: format!("{} could not be judged: {}", rule.id, trouble.reason),
            });
        }
    }

    fn failure<'a>(
        &mut self,
        rule: &Rule,
        object: Option<Arc<Object>>,
        seen: &mut Seen<'a>,
        failure: Failure<'a>,
    ) {
        if self.is_trial && !failure.at.is_verbatim() {
            return;
        }
        if self.findings.len() >= MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        let Sight { place, excerpt, rendered, .. } = seen.of(failure.at);
        let mut related = Related::way(failure.at);
        if related.is_empty() {
            let asked = rendered.as_ref().and_then(|it| Related::rendering(it, place));
            related.reserve_exact(usize::from(asked.is_some()) + failure.related.len());
            related.extend(asked);
        }
        related.extend(failure.related.into_iter().map(Related::against));
        self.findings.push(Box::new(Finding {
            excerpt: excerpt.clone(),
            rule: rule.id.clone(),
            severity: rule.severity,
            message: failure.message,
            equivalents: failure.equivalents,
            items: rule.items.clone(),
            object,
            related,
            rendered: rendered.clone(),
            place: place.clone(),
            fingerprint: String::new(),
            new: true,
            waived: None,
            blocks_from: None,
            fix: failure.fix,
        }));
    }
}

impl Outcome {
    /// What a later state is compared with: it takes what it needs of the artifacts with it.
    pub fn base(&mut self) -> Base {
        let reports: Vec<_> =
            self.artifacts.iter().filter_map(|it| it.coverage.as_deref()).collect();
        let lines = (!reports.is_empty()).then(|| merge::whole(&reports, &self.paths).lines);
        let interfaces = Repository::interfaces(&mut self.artifacts, &self.problems);
        Base { stated: self.stated.clone(), lines, interfaces }
    }

    /// Takes what came of a file, and gives what rules had to say.
    fn take_file(&mut self, read: Read, texts: &mut BTreeMap<String, Source>) -> Judged {
        self.files += usize::from(read.bytes.is_some());
        self.bytes += read.bytes.unwrap_or_default();
        if let Some(artifact) = read.artifact {
            *self.kinds.entry(artifact.kind).or_default() += 1;
            self.artifacts.push(artifact);
        }
        if let Some(text) = read.text {
            texts.insert(text.path.clone(), text);
        }
        read.judged
    }

    fn take(&mut self, judged: Judged) {
        self.found.extend(judged.findings);
        self.evidence.extend(judged.evidence);
        self.problems.extend(judged.problems);
        self.judged.extend(judged.items);
    }

    /// Renders what the files at `paths` describe, and judges it in place of its parts.
    fn render(
        &mut self,
        files: &[Found],
        paths: Vec<String>,
        tests: &TestData,
        artifacts: &mut Vec<Artifact>,
        plan: &Plan<'_>,
    ) {
        let bytes = |path: &str| {
            let at = files.binary_search_by(|it| it.path.as_str().cmp(path)).ok()?;
            files[at].read().ok()
        };
        let read = |path: &str| Some(Source::from_bytes(path, bytes(path)?));
        let files = Files { paths: &paths, read: &read, bytes: Some(&bytes) };
        let rendering = render(&files, artifacts, plan.looks_at_objects().then_some(tests));
        let alone = |path: &str| !rendering.parts.contains(path);
        // What is found in a file stands together.
        let mut last: Option<(Arc<str>, bool)> = None;
        self.found.retain(|it| match &last {
            Some((path, alone)) if Arc::ptr_eq(path, &it.place.path) => *alone,
            _ => last.insert((it.place.path.clone(), alone(&it.place.path))).1,
        });
        self.evidence.retain(|it| alone(&it.place.path));
        let of_parts = [Trouble::NotEvaluated, Trouble::Unsupported, Trouble::Template];
        self.problems.retain(|it| alone(&it.path) || !of_parts.contains(&it.kind));
        self.problems.extend_from_slice(&rendering.problems);
        let files = artifacts.len();
        rendering.join(artifacts);
        let (files, rendered) = artifacts.split_at_mut(files);
        let waiting = files.iter_mut().filter(|it| plan.waits(it)).chain(rendered);
        let waiting: Vec<_> = waiting.filter(|it| it.role != Role::Part).collect();
        let judge = |artifact: &mut Artifact| {
            let is_trial = artifact.role == Role::Trial;
            let mut judged = Judged { is_trial, ..Judged::default() };
            plan.judge(artifact, &mut judged);
            if artifact.tree.source.is_rendered() {
                kubernetes::shorten(artifact, false);
            }
            artifact.tree.finish();
            judged
        };
        let judged: Vec<_> = match self.bytes < LITTLE {
            true => waiting.into_iter().map(judge).collect(),
            false => threads::each(waiting, judge),
        };
        judged.into_iter().for_each(|it| self.take(it));
    }

    /// Applies the annotations of rendered objects, and leaves one rendering's findings at every
    /// place of the author's: where a rule has something to say there in several renderings, the
    /// first that is not suppressed.
    ///
    /// Gives the places of the author's annotations that covered something.
    fn settle_renderings(
        &mut self,
        artifacts: &[Artifact],
        answers: &Answers,
    ) -> BTreeSet<Written> {
        let mut covering = BTreeSet::new();
        if artifacts.iter().all(|it| !it.tree.source.is_rendered()) {
            self.found.sort_unstable_by(|a, b| in_order(a, b));
            return covering;
        }
        let suppressed = artifacts.iter().filter(|it| it.tree.source.is_rendered());
        let mut suppressed: BTreeMap<_, _> = suppressed
            .map(|artifact| {
                let all = with_answers(artifact, answers, artifact.suppressions.clone());
                (artifact.tree.source.path.as_str(), (artifact, vec![false; all.len()], all))
            })
            .filter(|(_, (_, _, all))| !all.is_empty())
            .collect();
        for it in &mut self.found {
            let of_it = it.rendered.as_ref().and_then(|it| suppressed.get_mut(&*it.path));
            let Some((_, used, all)) = of_it else { continue };
            let line = |it: &Finding| it.rendered.as_ref().map_or(0, |it| it.line);
            let now = waive::apply(std::slice::from_mut(it), all, line);
            used.iter_mut().zip(now).for_each(|(used, now)| *used |= now);
        }
        for (artifact, used, all) in suppressed.into_values() {
            let used = all.iter().zip(used).filter(|it| it.1);
            covering.extend(used.map(|it| written(it.0, artifact)));
        }
        self.found.sort_unstable_by(|a, b| {
            let waived = || a.waived.is_some().cmp(&b.waived.is_some());
            let rendered = || waived().then_with(|| a.rendered.cmp(&b.rendered));
            by_place(a, b).then_with(rendered)
        });
        let mut told: Option<(Place, Arc<str>, Option<Arc<str>>)> = None;
        self.found.retain_mut(|it| {
            // A file that stands for itself tells what is found in it first.
            let path = it.rendered.take().map(|it| it.path);
            match &told {
                Some((place, rule, by)) if *place == it.place && *rule == it.rule => *by == path,
                _ => {
                    told = Some((it.place.clone(), it.rule.clone(), path));
                    true
                }
            }
        });
        covering
    }

    /// Gives findings in Dockerfiles the levels that configurations of hadolint say.
    fn take_levels(&mut self, configs: &Configs) {
        if configs.is_empty() {
            return;
        }
        let is_hadolint =
            |it: &&mut Box<Finding>| it.equivalents.iter().any(|it| it.starts_with("hadolint:"));
        for finding in self.found.iter_mut().filter(is_hadolint) {
            let folder = finding.place.path.rsplit_once('/').map_or("", |it| it.0);
            let Some(config) = configs.nearest(folder) else { continue };
            if let Some(level) = config.level(&finding.equivalents).and_then(Severity::named) {
                finding.severity = level;
            }
            finding.blocks_from = config.threshold().map(Severity::named);
        }
    }

    /// Applies the suppressions of every artifact, then judges the suppressions themselves.
    fn take_suppressions(
        &mut self,
        artifacts: &[Artifact],
        answers: &Answers,
        plan: &Plan<'_>,
        told: &Told<'_>,
    ) {
        let mut covering = self.settle_renderings(artifacts, answers);
        let mut judged = Judged::default();
        for artifact in artifacts.iter().filter(|it| !it.tree.source.is_rendered()) {
            let path = artifact.tree.source.path.as_str();
            let mut suppressions = waive::comments(&artifact.tree.source);
            suppressions.extend(artifact.suppressions.iter().cloned());
            let own = suppressions.len();
            let suppressions = with_answers(artifact, answers, suppressions);
            if suppressions.is_empty() {
                continue;
            }
            let from = self.found.partition_point(|it| *it.place.path < *path);
            let to = self.found.partition_point(|it| *it.place.path <= *path);
            let line = |it: &Finding| it.place.start.line;
            let used = waive::apply(&mut self.found[from..to], &suppressions, line);
            let used = suppressions.iter().zip(used).filter(|it| it.1);
            covering.extend(used.map(|it| written(it.0, artifact)));
            let is_ours = |it: &&Suppression| {
                let in_manifest = artifact.kind == Kind::Kubernetes && it.config.is_none();
                it.by == "seaworthy" || in_manifest
            };
            let comments: Vec<_> = suppressions[..own]
                .iter()
                .filter(is_ours)
                .map(|it| {
                    let used = covering.contains(&written(it, artifact));
                    let doubt = !used && self.is_doubtful(artifact);
                    told.of(it, used, doubt, plan)
                })
                .collect();
            let comments = suppression::artifact(&artifact.tree.source, &comments);
            plan.file(&comments, &mut judged);
        }
        for entries in self.entries(artifacts, answers, &covering, plan, told) {
            plan.file(&entries, &mut judged);
        }
        self.take(judged);
    }

    /// Whether something in a file could not be judged, or in what it is rendered to.
    fn is_doubtful(&self, artifact: &Artifact) -> bool {
        let is_part = artifact.role == Role::Part;
        self.problems.iter().any(|it| is_part || it.path == artifact.tree.source.path)
    }

    /// The entries of the peers' configurations that take findings back.
    fn entries(
        &self,
        artifacts: &[Artifact],
        answers: &Answers,
        covering: &BTreeSet<Written>,
        plan: &Plan<'_>,
        told: &Told<'_>,
    ) -> Vec<Artifact> {
        let mut configs: BTreeMap<&str, BTreeMap<u32, &Suppression>> = BTreeMap::new();
        let of_files = artifacts.iter().flat_map(|it| &it.suppressions);
        for it in of_files.chain(answers.0.values().flatten()) {
            if let Some(config) = &it.config {
                configs.entry(config).or_default().insert(it.place.start, it);
            }
        }
        let known = configs.into_iter().filter_map(|(path, it)| Some((told.texts.get(path)?, it)));
        let is_other = |it: &&Artifact| {
            !matches!(it.kind, Kind::Dockerfile | Kind::Kubernetes | Kind::Helm | Kind::Repository)
        };
        let others: BTreeSet<_> =
            artifacts.iter().filter(is_other).map(|it| it.tree.source.path.as_str()).collect();
        let judged = known.map(|(source, entries)| {
            let folder = source.folder();
            let matters = |it: &Problem| {
                let below = folder.is_empty() || it.path.starts_with(folder);
                below && it.path != source.path && !others.contains(it.path.as_str())
            };
            let doubt = self.problems.iter().any(matters);
            let entries = entries.into_iter().map(|(at, it)| {
                let used = covering.contains(&(source.path.clone(), at, it.what.clone()));
                told.of(it, used, doubt, plan)
            });
            let source = Arc::new(Source::new(&*source.path, &*source.text));
            suppression::artifact(&source, &entries.collect::<Vec<_>>())
        });
        judged.collect()
    }

    /// Drops what rules find where no configuration chooses them, and takes back what one leaves
    /// out.
    fn take_choices(&mut self, choices: &kubernetes::Choices, rules: &RuleSet) {
        if choices.is_empty() {
            return;
        }
        let peers = |id: &str| rules.get(id).map_or(&[][..], |it| &it.equivalents);
        let is_chosen = |id: &str, path: &str| {
            let checks = peers(id).iter().map(|it| &*it.id);
            !rules.chosen.contains(id) || choices.ask_at(path, checks)
        };
        self.found.retain(|it| is_chosen(&it.rule, &it.place.path));
        self.evidence.retain(|it| is_chosen(&it.rule, &it.place.path));
        for finding in self.found.iter_mut().filter(|it| it.severity != Severity::Error) {
            let checks: Vec<_> = peers(&finding.rule).iter().map(|it| &*it.id).collect();
            if let Some(config) = choices.leave_out(&finding.place.path, &checks) {
                let reason = format!("{config} leaves out what kube-linter checks by default");
                let waiver = Waiver { by: "kube-linter".to_owned(), reason, expires: None };
                finding.equivalents = Arc::default();
                finding.waived.get_or_insert_with(|| waiver.into());
            }
        }
    }

    /// Tells which checks are chosen that nothing stands for.
    fn take_unknown(&mut self, choices: kubernetes::Choices) {
        if !choices.is_empty() {
            self.problems.extend(choices.problems(&peer_ids("kube-linter:")));
        }
    }

    fn sort(&mut self) {
        // They stand in this order already, but for those of one place.
        self.found.sort_by(|a, b| in_order(a, b));
        self.found.dedup();
        self.findings = std::mem::take(&mut self.found).into_iter().map(|it| *it).collect();
        self.evidence.sort();
        self.evidence.dedup();
        self.problems.sort();
        self.problems.dedup();
    }
}

/// What other files say to findings in an artifact, by its path.
struct Answers(BTreeMap<String, Vec<Suppression>>);

impl Answers {
    fn new(all: Vec<(String, Suppression)>) -> Self {
        let mut by_path: BTreeMap<String, Vec<Suppression>> = BTreeMap::new();
        for (path, it) in all {
            by_path.entry(path).or_default().push(it);
        }
        Self(by_path)
    }
}

/// A suppression as its author wrote it: the file, the byte in it, and what is not to be reported.
type Written = (String, u32, String);

fn written(it: &Suppression, artifact: &Artifact) -> Written {
    let (path, start) = match &it.config {
        Some(config) => (config.to_string(), it.place.start),
        None => {
            let (source, span) = artifact.tree.source.author(it.place);
            (source.path.clone(), span.start)
        }
    };
    (path, start, it.what.clone())
}

/// What is asked when a suppression is judged itself.
struct Told<'t> {
    texts: &'t BTreeMap<String, Source>,
    choices: &'t kubernetes::Choices,
}

/// The peers of which every check has a rule.
const WHOLE_PEERS: &[&str] = &["kube-linter", "kube-score", "polaris", "hadolint"];

impl Told<'_> {
    /// What is known of a suppression that was `used`, or not, for which there is a `doubt`.
    fn of<'s>(
        &self,
        it: &'s Suppression,
        used: bool,
        doubt: bool,
        plan: &Plan<'_>,
    ) -> suppression::Told<'s> {
        let mut found = suppression::Told { suppression: it, used, known: false, missing: None };
        if used {
            found.known = true;
        } else if it.by == "seaworthy" {
            found.known = plan.has(&it.what);
        } else if !it.what.ends_with('*') {
            // A rule that is off might find something.
            let on = |id: &str| plan.rules().any(|rule| *rule.id == *id);
            let mut standing = standing_for(&it.what).peekable();
            let is_builtin = standing.peek().is_some();
            found.known = is_builtin && !doubt && standing.all(on);
            let is_named = is_builtin || self.choices.is_custom(&it.what) || plan.has(&it.what);
            found.missing = (!is_named).then(|| self.nearest(it)).flatten();
        }
        found
    }

    /// The check that a name might stand for which no check has; empty if none comes close.
    fn nearest(&self, it: &Suppression) -> Option<&'static str> {
        let (peer, name) = it.what.split_once(':')?;
        let is_foreign = name.starts_with("SC") || !WHOLE_PEERS.contains(&peer);
        if is_foreign || self.has_custom_checks(peer) {
            return None;
        }
        let ids = peer_ids(&format!("{peer}:"));
        let names = ids.into_iter().filter_map(|it| Some(it.split_once(':')?.1));
        Some(nearest(name, names).unwrap_or_default())
    }

    /// Whether checks of a peer may be defined in its configuration, which we do not know by name.
    fn has_custom_checks(&self, peer: &str) -> bool {
        peer == "polaris" && self.texts.values().any(|it| it.text.contains("customChecks"))
    }
}

/// The suppressions with the answers that other files give to findings in the artifact.
fn with_answers(
    artifact: &Artifact,
    answers: &Answers,
    suppressions: Vec<Suppression>,
) -> Vec<Suppression> {
    let of_it = answers.0.get(&artifact.tree.source.path).into_iter().flatten();
    suppressions.into_iter().chain(of_it.cloned()).collect()
}

/// Gives each finding the hash of what stays the same when lines above it come and go: its rule,
/// its file, its object, its message, its line without blanks, and a count among equals. Not every
/// reader asks for it.
pub fn fingerprint(findings: &mut [Finding]) {
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    for finding in findings {
        let mut hash = 0xcbf2_9ce4_8422_2325;
        let mut add = |text: &str| {
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        add(&finding.rule);
        add(&finding.place.path);
        if let Some(object) = &finding.object {
            add(&object.kind);
            add(&object.name);
        }
        add(&finding.message);
        add(finding.excerpt.trim());
        let count = seen.entry(hash).or_default();
        finding.fingerprint = String::with_capacity(18);
        let mut digits = |value: u64, least: u32| {
            let length = (16 - value.leading_zeros() / 4).max(least);
            let digit = |at| char::from_digit((value >> (4 * at) & 15) as u32, 16);
            finding.fingerprint.extend((0..length).rev().filter_map(digit));
        };
        digits(hash, 16);
        digits(*count, 2);
        *count += 1;
    }
}
