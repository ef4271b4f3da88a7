//! Kustomizations, as far as joins need them: which files are deployed together, what is added to
//! them on the way, and which files are patches and not objects.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{
    document::{Node, Tree},
    parse,
    source::Source,
};

pub(super) use crate::source::resolve;

/// How many memberships of files in builds are kept; a repository with more is hostile.
const MEMBERSHIPS: usize = 1_000_000;

/// What one `kustomization.yaml` says.
#[derive(Debug, Default)]
struct Kustomization {
    folder: String,
    files: Vec<String>,
    folders: Vec<String>,
    open: bool,
    namespace: bool,
    rename: Option<(String, String)>,
    labels: Vec<(String, String)>,
    generated: Vec<Generated>,
    patched: Vec<Target>,
}

/// A ConfigMap or a Secret that a kustomization makes.
#[derive(Clone, Debug)]
pub(super) struct Generated {
    /// `ConfigMap` or `Secret`.
    pub(super) kind: &'static str,
    /// Its name before any hash.
    pub(super) name: String,
    /// Its keys, where all of them are known.
    pub(super) keys: Option<Vec<String>>,
}

/// What a patch is aimed at; empty parts match everything.
#[derive(Clone, Debug)]
struct Target {
    kind: String,
    name: String,
}

/// What is known of a file because kustomizations name it.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// The builds that contain it.
    pub(super) builds: Vec<u32>,
    /// Some kustomization on the way sets the namespace.
    pub(super) namespace: bool,
    /// Labels that are added on the way.
    pub(super) labels: Vec<(String, String)>,
}

/// One build: a kustomization that no other one names, with all that it names.
#[derive(Debug, Default)]
pub(super) struct Build {
    /// Something in it cannot be read here: a remote base, a chart, a plugin.
    pub(super) open: bool,
    /// What it generates.
    pub(super) generated: Vec<Generated>,
    patched: Vec<Target>,
}

impl Build {
    /// Whether a patch of this build may change the object.
    pub(super) fn patches(&self, kind: &str, name: &str) -> bool {
        let hits = |pattern: &str, text: &str| {
            pattern.is_empty()
                || pattern == text
                || pattern.contains(['*', '|', '.', '[', '+', '('])
        };
        self.patched.iter().any(|it| hits(&it.kind, kind) && hits(&it.name, name))
    }
}

/// Every build of the repository.
#[derive(Debug, Default)]
pub(super) struct Builds {
    /// The builds; files name them by index.
    pub(super) builds: Vec<Build>,
    /// What is known of each file that kustomizations name.
    pub(super) files: HashMap<String, Membership>,
    /// Files that are patches: what they hold are no whole objects.
    pub(super) patches: HashSet<String>,
    /// Prefixes and suffixes that some kustomization gives to names.
    pub(super) renames: BTreeSet<(String, String)>,
}

/// Whether the file is a kustomization.
pub(super) fn is_kustomization(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

impl Builds {
    /// Reads the kustomizations among `texts`.
    pub(super) fn read(texts: &BTreeMap<String, Source>, has_file: impl Fn(&str) -> bool) -> Self {
        let mut it = Self::default();
        let mut all: Vec<Kustomization> = Vec::new();
        for (path, source) in texts.iter().filter(|(path, _)| is_kustomization(path)) {
            let (tree, _) = parse::yaml::parse(Source::new(path.as_str(), source.text.as_str()));
            all.push(it.read_one(&tree, source.folder(), &has_file));
        }
        it.close(&all);
        it
    }

    fn read_one(
        &mut self,
        tree: &Tree,
        folder: &str,
        has_file: &impl Fn(&str) -> bool,
    ) -> Kustomization {
        let mut it = Kustomization { folder: folder.to_owned(), ..Kustomization::default() };
        let Some(root) = tree.documents().next() else { return it };
        let list = |key: &str| root.get(key).into_iter().flat_map(Node::children);
        for entry in ["resources", "bases", "components"].iter().flat_map(|key| list(key)) {
            let text = entry.text();
            match resolve(folder, text).filter(|_| !text.contains("://")) {
                Some(path) if has_file(&path) => it.files.push(path),
                Some(path) => it.folders.push(path),
                None => it.open = true,
            }
        }
        for key in ["helmCharts", "helmChartInflationGenerator", "generators", "transformers"] {
            it.open |= list(key).next().is_some();
        }
        it.namespace = root.str("namespace").is_some();
        let affix = |key| root.str(key).unwrap_or_default().to_owned();
        let rename = (affix("namePrefix"), affix("nameSuffix"));
        if !rename.0.is_empty() || !rename.1.is_empty() {
            self.renames.insert(rename.clone());
            it.rename = Some(rename);
        }
        let pairs = list("labels").filter_map(|entry| entry.get("pairs"));
        for (key, value) in
            root.get("commonLabels").into_iter().chain(pairs).flat_map(Node::entries)
        {
            it.labels.push((key.to_owned(), value.display()));
        }
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            it.generated.extend(list(key).filter_map(|entry| generated(entry, kind)));
        }
        self.read_patches(root, folder, &mut it);
        it
    }

    fn read_patches(&mut self, root: Node<'_>, folder: &str, it: &mut Kustomization) {
        for key in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
            for entry in root.get(key).into_iter().flat_map(Node::children) {
                let path = entry.as_str().or_else(|| entry.str("path"));
                if let Some(path) = path.and_then(|path| resolve(folder, path)) {
                    self.patches.insert(path);
                }
                let part =
                    |name| entry.at(&["target", name]).map(Node::display).unwrap_or_default();
                let target = entry.get("target").is_some();
                let (kind, name) = (part("kind"), part("name"));
                it.patched.push(Target { kind, name });
                if !target {
                    // A patch without a target names its object inside; the file may hold any.
                    let inline = entry.str("patch").or_else(|| entry.as_str()).unwrap_or_default();
                    if let (Some(last), Some(own)) = (it.patched.last_mut(), named_in(inline)) {
                        *last = own;
                    }
                }
            }
        }
        for entry in root.get("replicas").into_iter().flat_map(Node::children) {
            let name = entry.str("name").unwrap_or_default().to_owned();
            it.patched.push(Target { kind: String::new(), name });
        }
        if root.get("replacements").or_else(|| root.get("vars")).is_some() {
            it.patched.push(Target { kind: String::new(), name: String::new() });
        }
    }

    /// Makes the builds: every kustomization that no other one names, with what it reaches.
    fn close(&mut self, all: &[Kustomization]) {
        let by_folder: HashMap<&str, usize> =
            all.iter().enumerate().map(|(at, it)| (it.folder.as_str(), at)).collect();
        let named: HashSet<&str> =
            all.iter().flat_map(|it| &it.folders).map(String::as_str).collect();
        let mut budget = MEMBERSHIPS;
        for (at, leaf) in all.iter().enumerate() {
            if named.contains(leaf.folder.as_str()) {
                continue;
            }
            let build = self.builds.len() as u32;
            self.builds.push(Build::default());
            let mut seen = HashSet::from([at]);
            let mut next = vec![at];
            let (mut files, mut namespace, mut labels) = (Vec::new(), false, Vec::new());
            while let Some(at) = next.pop() {
                let one = &all[at];
                self.take(build, one);
                namespace |= one.namespace;
                labels.extend(one.labels.iter().cloned());
                files.extend(&one.files);
                for folder in &one.folders {
                    match by_folder.get(folder.as_str()) {
                        Some(&at) if seen.insert(at) => next.push(at),
                        Some(_) => {}
                        None => self.builds[build as usize].open = true,
                    }
                }
            }
            budget = budget.saturating_sub(files.len());
            if budget == 0 {
                return;
            }
            labels.truncate(50);
            for file in files {
                let member = self.files.entry(file.clone()).or_default();
                member.builds.push(build);
                member.namespace |= namespace;
                if member.labels.len() < 50 {
                    member.labels.extend(labels.iter().cloned());
                }
            }
        }
    }

    fn take(&mut self, build: u32, one: &Kustomization) {
        let build = &mut self.builds[build as usize];
        build.open |= one.open;
        build.patched.extend(one.patched.iter().cloned());
        for it in &one.generated {
            build.generated.push(it.clone());
            if let Some((prefix, suffix)) = &one.rename {
                let name = format!("{prefix}{}{suffix}", it.name);
                build.generated.push(Generated { name, ..it.clone() });
            }
        }
    }
}

/// The object that an inline patch names: its `kind` and the `name` of its metadata.
fn named_in(patch: &str) -> Option<Target> {
    let (tree, _) = parse::yaml::parse(Source::new("", patch));
    let root = tree.documents().next()?;
    let kind = root.str("kind")?.to_owned();
    let name = root.at(&["metadata", "name"])?.display();
    Some(Target { kind, name })
}

fn generated(entry: Node<'_>, kind: &'static str) -> Option<Generated> {
    let name = entry.str("name")?.to_owned();
    let list = |key: &str| entry.get(key).into_iter().flat_map(Node::children);
    let has_envs = entry.get("env").is_some() || list("envs").next().is_some();
    let literals = list("literals").filter_map(|it| Some(it.as_str()?.split_once('=')?.0));
    let files = list("files").filter_map(|it| {
        let text = it.as_str()?;
        Some(
            text.split_once('=').map_or_else(|| text.rsplit('/').next().unwrap_or(text), |it| it.0),
        )
    });
    let keys = literals.chain(files).map(str::to_owned).collect();
    let merges = entry.str("behavior").is_some_and(|it| it != "create");
    Some(Generated { kind, name, keys: (!has_envs && !merges).then_some(keys) })
}
