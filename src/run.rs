//! The pipeline: from a folder and what the user asked for to a report.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use globset::GlobSet;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use thiserror::Error;

use crate::{
    artifact::{
        self, Artifact, Kind, Parsed, Reading, Role,
        coverage::{Count, merge},
        kubernetes::{Choices, config::is_kube_linter},
    },
    assess::{self, Claim, ItemStatus, Score},
    checklist::checklist,
    cli::{Changed, Check, FailOn},
    config::{self, Config, ConfigError},
    date::Date,
    discover::{self, Content, Found},
    evaluate::{self, Change, Contents, History, Outcome},
    finding::Finding,
    fix::{self, Mended},
    gate, git, patch,
    patch::Partial,
    policy::{self, Policy},
    readiness::{self, Invalid, Readiness, Surroundings},
    report::{Coverage, Inputs, Ratio, Report, RuleHelp},
    repository::Base,
    rule::{self, Profile, Rule, RuleError, RuleSet},
    source::Source,
    spectral::{Ruled, Teams},
};

/// The path that means standard input.
const STDIN: &str = "-";

/// Why there is no answer. None of these is about the repository under review.
#[derive(Debug, Diagnostic, Error)]
pub enum RunError {
    /// A file or folder that the user named cannot be used.
    #[error("{path}: {reason}")]
    Path {
        /// As the user wrote it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Config(#[from] Box<ConfigError>),
    /// A rule file or a choice of rules is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rule(#[from] RuleError),
    /// `readiness.toml` is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Readiness(#[from] Invalid),
    /// An argument is wrong.
    #[error("{0}")]
    Argument(String),
}

impl RunError {
    /// The error for people, with the place in the text that it is about.
    pub fn text(&self, color: bool) -> String {
        let theme =
            if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
        match handler.render_report(&mut text, self) {
            Ok(()) => text,
            Err(_) => format!("{self}\n"),
        }
    }

    fn path(path: &Path, error: &io::Error) -> Self {
        Self::Path { path: path.display().to_string(), reason: error.to_string() }
    }
}

/// Judges what `options` name.
///
/// # Errors
/// When the question cannot be answered at all; what is wrong with the repository is in the report.
pub fn check(options: &Check) -> Result<Report, RunError> {
    let (root, only) = match options.path.to_str() {
        Some(STDIN) => (PathBuf::from("."), Some(stdin(&options.stdin_name)?)),
        _ => root_and_file(&options.path)?,
    };
    let policy = policy(&root, options)?;
    let config = read_config(&policy, options)?;
    let files = match only {
        Some(file) => with_references(&root, file),
        None => discover(&root, &config)?,
    };
    let files = policy.with_peers(files).map_err(|error| RunError::path(&root, &error))?;
    let teams = teams(&policy, &files)?;
    let rules = rules(&policy, options, &config, &teams, &files)?;
    let diff = change(&root, options)?;
    let partial = if options.branch_coverage { Partial::Missed } else { Partial::Covered };
    let mut before = before(&root, options, &rules)?;
    let base = base(options, before.as_mut(), &files)?;
    let base = base.as_ref();
    let history: Option<(History, _)> = Some((git::history, &*root));
    let change = Change { diff: diff.as_deref(), partial, base, history };
    let mut outcome = evaluate::evaluate_for(&teams, files, &rules, change);
    if options.asks_for_fingerprints() {
        evaluate::fingerprint(&mut outcome.findings);
    }
    let now = today(options)?;
    let readiness = readiness(&policy, options, &outcome, now)?;
    let ended = readiness.waive(&mut outcome.findings, now);
    outcome.problems.extend(ended);
    outcome.problems.sort();
    let waive = |findings: &mut [Finding]| {
        readiness.waive(findings, now);
    };
    if options.fail_on.or(config.fail_on).is_some() {
        // Who says it here means it for all.
        outcome.findings.iter_mut().for_each(|it| it.blocks_from = None);
    }
    if let Some(before) = before {
        mark_new(&mut outcome, before, waive);
    }
    if let Some(path) = &options.baseline {
        mark_beyond(&mut outcome, &read_baseline(&policy, path)?);
    }
    mark_touched(&mut outcome, options, &rules, diff.as_deref())?;
    let changed = changed(&root, &readiness);
    let checklist = assess(&outcome, &readiness, &changed, now);
    let coverage = coverage(&outcome);
    let report = report(outcome, &rules, checklist, fail_on(options, &config));
    // The process ends soon: to take a thousand rules apart first is time for nothing.
    std::mem::forget(rules);
    Ok(Report { coverage, ..report })
}

/// Mends in the files what counts and can be mended with certainty.
///
/// # Errors
/// As [`check`], and when a file cannot be written.
pub fn fix(options: &Check) -> Result<Mended, RunError> {
    if options.path.to_str() == Some(STDIN) {
        let message = "--fix mends files, and standard input is none: name the file";
        return Err(RunError::Argument(message.to_owned()));
    }
    let report = check(options)?;
    let counts = |it: &&Finding| it.new && it.waived.is_none() && it.fix.is_some();
    let key = |it: &Finding| (it.place.path.clone(), it.rule.clone(), it.message.clone());
    let open: BTreeSet<_> = report.findings.iter().filter(counts).map(key).collect();
    let (root, only) = root_and_file(&options.path)?;
    let policy = policy(&root, options)?;
    let config = read_config(&policy, options)?;
    let files = only.map_or_else(|| discover(&root, &config), |it| Ok(vec![it]))?;
    let rules = rules(&policy, options, &config, &Teams::default(), &files)?;
    let mended = fix::mend(&files, &rules, &|it| open.contains(&key(it)));
    for (path, text) in &mended.files {
        fix::write(&root, path, text).map_err(|error| RunError::path(&root.join(path), &error))?;
    }
    Ok(mended)
}

/// Where this run reads its policy.
fn policy(root: &Path, options: &Check) -> Result<Policy, RunError> {
    let Some(name) = &options.policy_from else { return Ok(Policy::on_disk(root)) };
    Policy::at(root, name)
        .map_err(|error| RunError::Argument(format!("--policy-from {name}: {error}")))
}

fn today(options: &Check) -> Result<Date, RunError> {
    let Some(text) = &options.now else { return Ok(Date::today()) };
    text.parse().map_err(|_| RunError::Argument(format!("--now {text}: write it as YYYY-MM-DD")))
}

/// What people vouch for in this repository.
fn readiness(
    policy: &Policy,
    options: &Check,
    outcome: &Outcome,
    now: Date,
) -> Result<Readiness, RunError> {
    let Some((path, text)) = readiness_text(policy)? else {
        return Ok(Readiness::default());
    };
    let own = with_own(RuleSet::default(), policy, &options.rules)?;
    let mut ids: Vec<&str> = RuleSet::builtin_ids().collect();
    ids.extend(own.rules.iter().map(|it| &*it.id));
    ids.extend(outcome.ruled.iter().map(|it| &*it.id));
    let has_path = |path: &str| {
        let starts = |with: &str| {
            let at = outcome.paths.partition_point(|it| it.as_str() < with);
            outcome.paths.get(at).is_some_and(|it| it.starts_with(with))
        };
        let path = path.trim_end_matches('/');
        outcome.paths.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
            || starts(&format!("{path}/"))
    };
    let around = Surroundings { now, has_path: &has_path, rules: &ids };
    Ok(Readiness::read(&Source::new(path, text), around)?)
}

/// The first `readiness.toml` there is, with its path.
fn readiness_text(policy: &Policy) -> Result<Option<(&'static str, String)>, RunError> {
    for path in readiness::PATHS {
        refuse_link(policy, path)?;
        let place = policy.root.join(path);
        let text = policy.text(&place).map_err(|error| RunError::path(&place, &error))?;
        if let Some(text) = text {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// When the files that attestations depend on last changed; nothing where git cannot tell.
fn changed(root: &Path, readiness: &Readiness) -> Vec<(String, Date)> {
    let scoped = readiness.attestations.iter().filter(|it| !it.scope.is_empty());
    let Some(earliest) = scoped.map(|it| it.on).min() else { return Vec::new() };
    git::changed_since(root, earliest).unwrap_or_default()
}

fn assess(
    outcome: &Outcome,
    readiness: &Readiness,
    changed: &[(String, Date)],
    now: Date,
) -> Vec<ItemStatus> {
    let kind = |path: &str| {
        let at = outcome.artifacts.binary_search_by(|it| it.tree.source.path.as_str().cmp(path));
        at.ok().map(|at| outcome.artifacts[at].kind)
    };
    let input = assess::Input {
        findings: &outcome.findings,
        evidence: &outcome.evidence,
        judged: &outcome.judged,
        facts: &outcome.facts,
        unread: &assess::unread(&outcome.problems, kind),
        readiness,
        claims: &claims(&outcome.artifacts),
        changed,
        now,
    };
    assess::assess(checklist(), input)
}

/// What is ticked in documents.
fn claims(artifacts: &[Artifact]) -> Vec<Claim> {
    let claims = |it| {
        let claim = |(path, line, text): (&str, u32, &str)| Claim {
            path: path.into(),
            line,
            text: text.to_owned(),
        };
        artifact::docs::ticked(it).map(claim)
    };
    artifacts.iter().filter(|it| it.kind == Kind::Docs).flat_map(claims).collect()
}

/// What the coverage reports say of the whole and of the change, if there are any.
fn coverage(outcome: &Outcome) -> Option<Coverage> {
    let reports: Vec<_> =
        outcome.artifacts.iter().filter_map(|it| it.coverage.as_deref()).collect();
    if reports.is_empty() {
        return None;
    }
    let ratio = |it: Count| Ratio { covered: it.covered, total: it.total };
    let whole = merge::whole(&reports, &outcome.paths);
    Some(Coverage {
        lines: ratio(whole.lines),
        branches: whole.branches.map(ratio),
        patch: outcome.patch.clone(),
    })
}

/// The change under review, as a unified diff, if the user says which.
fn change(root: &Path, options: &Check) -> Result<Option<String>, RunError> {
    if let Some(path) = &options.diff {
        let bytes = fs::read(path).map_err(|error| RunError::path(path, &error))?;
        return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
    }
    let Some(base) = &options.new_since else { return Ok(None) };
    let diff = git::commit(root, base).and_then(|commit| git::diff(root, &commit));
    diff.map(Some).map_err(|error| RunError::Argument(format!("--new-since {base}: {error}")))
}

/// The folder that paths are below, and the one file that was named, if a file was named.
fn root_and_file(path: &Path) -> Result<(PathBuf, Option<Found>), RunError> {
    let metadata = fs::metadata(path).map_err(|error| RunError::path(path, &error))?;
    if metadata.is_dir() {
        return Ok((path.to_path_buf(), None));
    }
    if !metadata.is_file() {
        let reason = "is neither a file nor a folder".to_owned();
        return Err(RunError::Path { path: path.display().to_string(), reason });
    }
    let root = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found = Found { path: name, content: Content::Disk(path.to_path_buf()) };
    Ok((root.to_path_buf(), Some(found)))
}

/// What came on standard input, as a file of that name.
fn stdin(name: &str) -> Result<Found, RunError> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(discover::LARGEST + 1).read_to_end(&mut bytes);
    let too_large = bytes.len() as u64 > discover::LARGEST;
    match read {
        Ok(_) if too_large => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => Ok(Found { path: name.to_owned(), content: Content::Memory(bytes) }),
        Err(error) => Err(error),
    }
    .map_err(|error| RunError::path(Path::new("standard input"), &error))
}

/// A file that was named, and the files beside and below it that it refers to as a description.
fn with_references(root: &Path, file: Found) -> Vec<Found> {
    let bytes = file.read().unwrap_or_default();
    if !artifact::openapi::may_refer(&bytes) {
        return vec![file];
    }
    let parsed = artifact::parse(Source::from_bytes(file.path.clone(), bytes));
    let whole = |it: &Artifact| it.kind != Kind::Openapi || it.role != Role::Part;
    let Some(artifact) = parsed.artifact.filter(|it| !whole(it)) else { return vec![file] };
    let read = |path: &str| discover::read_plain(root, path).map(|it| Source::from_bytes(path, it));
    let others = artifact::openapi::referred(&artifact.tree, &read);
    let found = |path: String| Found { content: Content::Disk(root.join(&path)), path };
    let mut files: Vec<_> = others.into_iter().map(found).chain([file]).collect();
    files.sort();
    files
}

/// What one file is, read alone.
///
/// # Errors
/// When it cannot be read.
pub fn parsed(path: &Path) -> Result<Parsed, RunError> {
    let (_, found) = root_and_file(path)?;
    let not_a_file = || RunError::path(path, &io::ErrorKind::IsADirectory.into());
    let found =
        Found { path: path.to_string_lossy().replace('\\', "/"), ..found.ok_or_else(not_a_file)? };
    match evaluate::contents(&found).map_err(|error| RunError::path(path, &error))? {
        Contents::Bytes(bytes) => Ok(artifact::parse(Source::from_bytes(found.path, bytes))),
        Contents::Report(_, parsed) => Ok(*parsed),
    }
}

fn discover(root: &Path, config: &Config) -> Result<Vec<Found>, RunError> {
    let exclude = config.globs().unwrap_or_else(|_| GlobSet::empty());
    discover::discover(root, &exclude).map_err(|error| RunError::path(root, &error))
}

/// A link in the repository under review may lead anywhere, and errors quote what they read.
fn refuse_link(policy: &Policy, path: &str) -> Result<(), RunError> {
    if !policy.is_on_disk() {
        return Ok(());
    }
    let mut at = policy.root.clone();
    for part in Path::new(path) {
        at.push(part);
        if at.is_symlink() {
            let reason = "is a link, and links in the repository are not followed".to_owned();
            return Err(RunError::Path { path: at.display().to_string(), reason });
        }
    }
    Ok(())
}

fn read_config(policy: &Policy, options: &Check) -> Result<Config, RunError> {
    let path = options.config.clone().unwrap_or_else(|| policy.root.join(config::PATH));
    if options.config.is_none() {
        refuse_link(policy, config::PATH)?;
    }
    let text = policy.text(&path).map_err(|error| RunError::path(&path, &error))?;
    match text {
        Some(text) => Ok(Config::parse(&path, &text)?),
        None if options.config.is_none() => Ok(Config::default()),
        None => Err(RunError::path(&path, &io::ErrorKind::NotFound.into())),
    }
}

/// The rules below a folder, or the built-in ones if none is named.
///
/// # Errors
/// When the folder or a rule cannot be read.
pub fn rules_of(folder: Option<&Path>) -> Result<RuleSet, RunError> {
    let Some(folder) = folder else { return Ok(RuleSet::builtin()?) };
    fs::metadata(folder).map_err(|error| RunError::path(folder, &error))?;
    let mut rules = RuleSet::default();
    rules.add_folder(folder)?;
    Ok(rules)
}

/// Every rule, on or off: the built-in ones, the repository's own, and those below `folders`.
///
/// # Errors
/// When a folder or a rule cannot be read.
pub fn all_rules(root: &Path, folders: &[PathBuf]) -> Result<RuleSet, RunError> {
    with_own(RuleSet::builtin()?, &Policy::on_disk(root), folders)
}

/// The rules, with the repository's own and those below `folders`.
fn with_own(mut rules: RuleSet, policy: &Policy, folders: &[PathBuf]) -> Result<RuleSet, RunError> {
    refuse_link(policy, policy::RULES)?;
    add_rules(&mut rules, policy, &policy.root.join(policy::RULES))?;
    for folder in folders {
        if policy.is_on_disk() {
            fs::metadata(folder).map_err(|error| RunError::path(folder, &error))?;
        }
        add_rules(&mut rules, policy, folder)?;
    }
    Ok(rules)
}

fn add_rules(rules: &mut RuleSet, policy: &Policy, folder: &Path) -> Result<(), RunError> {
    match policy.rules(folder).map_err(|error| RunError::path(folder, &error))? {
        None => rules.add_folder(folder)?,
        Some(files) => {
            for (file, text) in files {
                rules.add_text(folder, &file, text)?;
            }
        }
    }
    Ok(())
}

/// The rule with an id of ours, or of a peer.
///
/// # Errors
/// When there is none; the message says which come close.
pub fn find_rule<'r>(rules: &'r RuleSet, id: &str) -> Result<&'r Rule, RunError> {
    let by_peer = |rule: &&Rule| rule.equivalents.iter().any(|it| &*it.id == id);
    rules.get(id).or_else(|| rules.rules.iter().find(by_peer)).ok_or_else(|| {
        let ids = rules.rules.iter().map(|it| &*it.id);
        let hint =
            rule::nearest(id, ids).map_or(String::new(), |it| format!(": did you mean {it}?"));
        RunError::Argument(format!("no rule is called `{id}`{hint}"))
    })
}

/// The Spectral rulesets of the repository: they are policy too.
fn teams(policy: &Policy, files: &[Found]) -> Result<Teams, RunError> {
    if policy.is_on_disk() {
        return Ok(Teams::read(files));
    }
    let mut found = Vec::new();
    let texts = files.iter().map(|it| it.path.as_str()).filter(|it| Teams::may_be_part(it));
    for path in texts.chain(Teams::AT_ROOT.iter().copied()) {
        let place = policy.root.join(path);
        let text = policy.text(&place).map_err(|error| RunError::path(&place, &error))?;
        let content = text.map(|it| Content::Memory(it.into_bytes()));
        found.extend(content.map(|content| Found { path: path.to_owned(), content }));
    }
    found.sort();
    found.dedup();
    Ok(Teams::read(&found))
}

/// The rules that are on: the built-in ones, the repository's own, those of `--rules`.
fn rules(
    policy: &Policy,
    options: &Check,
    config: &Config,
    teams: &Teams,
    files: &[Found],
) -> Result<RuleSet, RunError> {
    let profile = options.profile.or(config.profile).unwrap_or(Profile::Default);
    let either = |given: &[String], configured: &[String]| {
        if given.is_empty() { configured.to_vec() } else { given.to_vec() }
    };
    let select = either(&options.select, &config.select);
    let ignore = either(&options.ignore, &config.ignore);
    let choices = choices(files);
    // Patterns and rulesets may name any rule; without them the profile says which are needed.
    let all = !(select.is_empty() && ignore.is_empty() && teams.is_empty() && choices.is_empty());
    let needed = if all { Profile::All } else { profile };
    let mut rules = with_own(RuleSet::builtin_of(needed)?, policy, &options.rules)?;
    rules.select(profile, &select, &ignore)?;
    rules.choose(|check| choices.ask(check));
    let promises = readiness_text(policy)?.map(|it| readiness::promises(&it.1));
    configure(&mut rules, config, today(options)?, &promises.unwrap_or_default())?;
    Ok(rules)
}

/// What the configurations of kube-linter among the files choose.
fn choices(files: &[Found]) -> Choices {
    let is_config = |it: &&Found| is_kube_linter(it.path.rsplit('/').next().unwrap_or_default());
    let found = files.iter().filter(is_config);
    let read = |it: &Found| Some(Source::from_bytes(&*it.path, it.read().ok()?));
    let texts: Vec<_> = found.filter_map(read).collect();
    Choices::read(texts.iter())
}

/// Gives rules the day, the key metrics that `readiness.toml` promises, and the severities and
/// parameters of the configuration.
fn configure(
    rules: &mut RuleSet,
    config: &Config,
    now: Date,
    promises: &[(&str, f64)],
) -> Result<(), RunError> {
    for rule in &mut rules.rules {
        rule.set_today(now);
        let promised = promises.iter().find(|it| rule.items.iter().any(|item| **item == *it.0));
        if let Some(&(_, limit)) = promised
            && rule.params.contains_key("limit")
        {
            rule.change(|it| drop(it.params.insert("limit".into(), limit.into())));
        }
        if let Some(severity) = config.severity.get(&*rule.id) {
            rule.change(|it| it.severity = *severity);
        }
        for (name, value) in config.params.get(&*rule.id).into_iter().flatten() {
            let Some(old) = rule.params.get(name) else {
                let message = format!("{}: the rule has no parameter `{name}`", config::PATH);
                return Err(RunError::Argument(message));
            };
            if !old.same_type(value) {
                let (id, kind) = (&rule.id, old.type_str());
                let message = format!("{}: `{name}` of {id} must be of type {kind}", config::PATH);
                return Err(RunError::Argument(message));
            }
            rule.change(|it| drop(it.params.insert(name.clone(), value.clone())));
        }
    }
    Ok(())
}

fn fail_on(options: &Check, config: &Config) -> FailOn {
    options.fail_on.or(config.fail_on).unwrap_or(FailOn::Error)
}

/// Marks the findings that the change under review did not bring, and the waivers that it did.
fn mark_new(outcome: &mut Outcome, before: Outcome, waive: impl Fn(&mut [Finding])) {
    let mut old = before.findings;
    waive(&mut old);
    let key = |it: &Finding| (it.waived.is_some(), it.fingerprint.clone());
    let old: BTreeSet<_> = old.iter().map(key).collect();
    outcome.findings.iter_mut().for_each(|it| it.new &= !old.contains(&key(it)));
}

/// Marks the findings that a baseline holds as not new.
fn mark_beyond(outcome: &mut Outcome, baseline: &BTreeSet<String>) {
    outcome.findings.iter_mut().for_each(|it| it.new &= !baseline.contains(&it.fingerprint));
}

/// The views on what the change under review does to what was there before.
const OF_CHANGES: [&str; 3] = ["openapi.change", "openapi.comparison", "openapi.gone"];

/// Marks the findings outside what the change touches as not brought by it.
fn mark_touched(
    outcome: &mut Outcome,
    options: &Check,
    rules: &RuleSet,
    diff: Option<&str>,
) -> Result<(), RunError> {
    let Some(changed) = options.changed else { return Ok(()) };
    let Some(diff) = diff else {
        let message = "--changed needs to know the change: add --new-since REF or --diff FILE";
        return Err(RunError::Argument(message.to_owned()));
    };
    let added = patch::added(diff, &outcome.paths);
    // What was removed stands on no line that was added.
    let is_change = |id: &str| rules.get(id).is_some_and(|it| OF_CHANGES.contains(&it.view.name));
    for finding in outcome.findings.iter_mut().filter(|it| !is_change(&it.rule)) {
        let lines = finding.place.start.line..=finding.place.end.line;
        finding.new &= added.get(&*finding.place.path).is_some_and(|touched| match changed {
            Changed::Files => true,
            Changed::Lines => touched.iter().any(|it| lines.contains(it)),
        });
    }
    Ok(())
}

/// What the same rules say of the commit before the change.
fn before(root: &Path, options: &Check, rules: &RuleSet) -> Result<Option<Outcome>, RunError> {
    let Some(name) = &options.new_since else { return Ok(None) };
    let wanted = |path: &str| artifact::reading(path) != Reading::Not;
    let files = git::commit(root, name).and_then(|it| git::files(root, &it, "", wanted));
    let files =
        files.map_err(|error| RunError::Argument(format!("--new-since {name}: {error}")))?;
    let mut outcome = evaluate::evaluate(files, rules);
    evaluate::fingerprint(&mut outcome.findings);
    Ok(Some(outcome))
}

/// What coverage is compared with: the commit before the change, and reports of it that the user
/// names.
fn base(
    options: &Check,
    before: Option<&mut Outcome>,
    files: &[Found],
) -> Result<Option<Base>, RunError> {
    let mut base = before.map(Outcome::base);
    if options.base_coverage.is_empty() {
        return Ok(base);
    }
    let mut reports = Vec::new();
    for path in &options.base_coverage {
        let report = parsed(path)?.artifact.and_then(|it| it.coverage).ok_or_else(|| {
            let reason = "is no coverage report".to_owned();
            RunError::Path { path: path.display().to_string(), reason }
        })?;
        reports.push(*report);
    }
    let paths: Vec<_> = files.iter().map(|it| it.path.clone()).collect();
    let lines = merge::whole(&reports.iter().collect::<Vec<_>>(), &paths).lines;
    base.get_or_insert_default().lines = Some(lines);
    Ok(base)
}

/// The fingerprints that an earlier JSON report holds.
fn read_baseline(policy: &Policy, path: &Path) -> Result<BTreeSet<String>, RunError> {
    let text = policy.text(path).map_err(|error| RunError::path(path, &error))?;
    let text = text.ok_or_else(|| RunError::path(path, &io::ErrorKind::NotFound.into()))?;
    let report: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        let reason = format!("is no JSON report: {error}");
        RunError::Path { path: path.display().to_string(), reason }
    })?;
    let findings = report["findings"].as_array().into_iter().flatten();
    Ok(findings.filter_map(|it| it["fingerprint"].as_str()).map(str::to_owned).collect())
}

/// What a rule of a team's own ruleset says of itself.
fn ruled_help(rule: &Ruled) -> RuleHelp {
    RuleHelp {
        title: rule.title.clone(),
        why: format!("{} says so.", rule.path),
        fix: "Do as the ruleset says, or change it there.".to_owned(),
        refs: Vec::new(),
        severity: None,
    }
}

/// Puts together what there is to say.
fn report(
    outcome: Outcome,
    rules: &RuleSet,
    checklist: Vec<ItemStatus>,
    fail_on: FailOn,
) -> Report {
    let fail_on = fail_on.severity();
    let service = outcome.kinds.iter().filter(|it| *it.0 != Kind::Docs);
    let count = service.map(|it| it.1).sum();
    let mut help = BTreeMap::new();
    for ruled in &outcome.ruled {
        if outcome.findings.iter().any(|it| it.rule == ruled.id) {
            help.insert(ruled.id.clone(), ruled_help(ruled));
        }
    }
    let mut told = HashSet::new();
    for finding in outcome.findings.iter().filter(|it| told.insert(&*it.rule)) {
        let asked = || rules.asked.iter().find(|it| it.id == finding.rule);
        if let Some(rule) = rules.get(&finding.rule).or_else(asked) {
            help.entry(rule.id.clone()).or_insert_with(|| RuleHelp {
                title: rule.title.clone(),
                why: rule.why.clone(),
                fix: rule.fix.clone(),
                refs: rule.refs.clone(),
                severity: Some(rule.severity),
            });
        }
    }
    Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: gate::decide(&outcome.findings, fail_on, count),
        blocking: outcome.findings.iter().filter(|it| gate::blocks(it, fail_on)).count(),
        score: Score::of(&checklist),
        checklist,
        inputs: Inputs {
            files: outcome.files,
            bytes: outcome.bytes,
            artifacts: outcome.kinds.iter().map(|(kind, n)| (Kind::name(*kind), *n)).collect(),
        },
        coverage: None,
        fail_on,
        rules: help,
        findings: outcome.findings,
        problems: outcome.problems,
    }
}
