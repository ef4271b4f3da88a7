//! One build: a kustomization with everything that it names, in the order of Kustomize.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    fields::Fields,
    generate::{self, GENERATORS},
    library::{Library, Loaded},
    model::{At, Node},
    object::Object,
    patch, references, replace, transform,
};
use crate::source::resolve;

/// How deep kustomizations name kustomizations.
const DEEPEST: usize = 30;

/// What is said of a resource that is not in the repository.
pub(super) const NOT_HERE: &str = " is not here: what it holds is not judged";

/// What a build has collected so far.
#[derive(Default)]
struct Collected {
    objects: Vec<Object>,
    configurations: Vec<Node>,
    variables: Vec<Node>,
}

/// A build under way.
pub(super) struct Build<'l, 'a> {
    pub(super) library: &'l mut Library<'a>,
    /// Something that it needs is not here.
    pub(super) open: bool,
    /// The files that it takes up.
    pub(super) parts: BTreeSet<String>,
    /// Definitions of custom resources were left out, so patches may find nothing to patch.
    pub(super) definitions: bool,
    stack: Vec<String>,
}

/// The names of the file that describes a folder.
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

impl<'l, 'a> Build<'l, 'a> {
    pub(super) fn new(library: &'l mut Library<'a>) -> Self {
        let (parts, stack) = (BTreeSet::new(), Vec::new());
        Self { library, open: false, parts, definitions: false, stack }
    }

    /// The objects of a folder; nothing where it has no kustomization.
    pub(super) fn run(&mut self, folder: &str) -> Option<Vec<Node>> {
        let mut all = self.collect(folder, Collected::default()).ok()?;
        generate::add_hashes(&mut all.objects);
        let fields = Fields::of(&all.configurations);
        references::update(&mut all.objects, &fields.references);
        replace::variables(&mut all.objects, &all.variables, &fields.variables);
        let is_local = |it: &Object| {
            let path = ["metadata", "annotations", "config.kubernetes.io/local-config"];
            !matches!(it.node.scalar_at(&path), "" | "false")
        };
        all.objects.retain(|it| !is_local(it));
        for metadata in all.objects.iter_mut().filter_map(|it| it.node.get_mut("metadata")) {
            if metadata.get("annotations").is_some_and(|it| it.entries().is_empty()) {
                metadata.remove("annotations");
            }
        }
        Some(all.objects.into_iter().map(|it| it.node).collect())
    }

    /// Adds what a kustomization names; what was collected before is given back where there is none.
    fn collect(&mut self, folder: &str, into: Collected) -> Result<Collected, Collected> {
        let Some(file) = self.kustomization(folder) else { return Err(into) };
        if self.stack.len() == DEEPEST || self.stack.iter().any(|it| it == folder) {
            self.trouble(file.at, "kustomizations that name each other are not built".to_owned());
            return Err(into);
        }
        self.stack.push(folder.to_owned());
        let done = self.collect_file(folder, &file, into);
        self.stack.pop();
        Ok(done)
    }

    /// The file that describes a folder.
    fn kustomization(&mut self, folder: &str) -> Option<Node> {
        let path = NAMES.iter().map(|it| join(folder, it)).find(|it| self.library.has(it))?;
        let loaded = self.library.load(&path)?;
        let file = loaded.documents.first()?;
        self.library.spend(loaded.values + 1, file.at).then(|| file.clone())
    }

    fn collect_file(&mut self, folder: &str, file: &Node, into: Collected) -> Collected {
        let mut all = into;
        let list = |key: &str| file.get(key).into_iter().flat_map(Node::items);
        for it in list("resources").chain(list("bases")) {
            self.resource(folder, it, &mut all);
        }
        for it in list("configurations") {
            if let Some(loaded) = self.load(folder, it) {
                all.configurations.extend(loaded.documents.iter().cloned());
            }
        }
        for (key, kind) in GENERATORS {
            for entry in list(key) {
                self.generate(folder, file, entry, kind, &mut all.objects);
            }
        }
        for it in list("components") {
            self.component(folder, it, &mut all);
        }
        for key in ["helmCharts", "helmChartInflationGenerator", "generators"] {
            if let Some(first) = list(key).next() {
                self.trouble(first.at, format!("`{key}` are not run: what they do is not judged"));
                self.open = true;
            }
        }
        self.transform(folder, file, &mut all);
        all.variables.extend(list("vars").cloned());
        all
    }

    fn transform(&mut self, folder: &str, file: &Node, all: &mut Collected) {
        if !self.library.step(all.objects.len().saturating_mul(file.size()), file.at) {
            return;
        }
        let fields = Fields::of(&all.configurations);
        let objects = &mut all.objects;
        patch::strategic(self, folder, file, objects);
        transform::transform(objects, file, &fields);
        patch::json(self, folder, file, objects);
        transform::finish(objects, file, &fields);
        for it in file.get("replacements").into_iter().flat_map(Node::items) {
            let documents = match it.get("path") {
                Some(path) => {
                    self.load(folder, path).map(|it| it.documents.clone()).unwrap_or_default()
                }
                None => vec![it.clone()],
            };
            for replacement in &documents {
                let one = std::slice::from_ref(replacement);
                let all = if replacement.items().is_empty() { one } else { replacement.items() };
                for it in all {
                    if let Some(value) = replace::source(objects, it)
                        && self.library.spend(value.size(), it.at)
                    {
                        replace::replace(objects, it, &value);
                    }
                }
            }
        }
        for it in file.get("transformers").into_iter().flat_map(Node::items) {
            self.configured(folder, it, objects);
        }
    }

    /// Runs the `transformers` that are Kustomize's own.
    fn configured(&mut self, folder: &str, entry: &Node, objects: &mut Vec<Object>) {
        let text = entry.scalar().unwrap_or_default();
        let path = resolve(folder, text).filter(|it| self.library.has(it));
        let documents = match path {
            _ if text.contains('\n') => self.library.inline(entry),
            Some(_) => self.load(folder, entry).map(|it| it.documents.clone()).unwrap_or_default(),
            None => Vec::new(),
        };
        let mut known = !documents.is_empty();
        for it in &documents {
            if it.scalar_at(&["kind"]) == "PatchTransformer" {
                patch::one(self, folder, it, objects);
            } else {
                known &= transform::configured(objects, it);
            }
        }
        if !known {
            self.trouble(
                entry.at,
                "this transformer is not run: what it does is not judged".to_owned(),
            );
            self.open = true;
        }
    }

    fn resource(&mut self, folder: &str, entry: &Node, all: &mut Collected) {
        let text = entry.scalar().unwrap_or_default();
        let Some(path) = self.local(folder, entry) else { return };
        if self.library.has(&path) {
            if let Some(loaded) = self.load_path(path, entry) {
                all.objects.extend(loaded.documents.iter().flat_map(objects));
            }
            return;
        }
        match self.collect(&path, Collected::default()) {
            Ok(sub) => {
                all.objects.extend(sub.objects);
                all.configurations.extend(sub.configurations);
                all.variables.extend(sub.variables);
            }
            Err(_) => {
                self.open = true;
                self.trouble(entry.at, format!("`{text}`{NOT_HERE}"));
            }
        }
    }

    fn component(&mut self, folder: &str, entry: &Node, all: &mut Collected) {
        let Some(path) = self.local(folder, entry) else { return };
        let values = all.objects.iter().map(|it| it.node.size()).sum();
        if !self.library.step(values, entry.at) {
            return;
        }
        match self.collect(&path, std::mem::take(all)) {
            Ok(done) => *all = done,
            Err(so_far) => {
                *all = so_far;
                self.open = true;
                let text = entry.scalar().unwrap_or_default();
                self.trouble(entry.at, format!("the component `{text}` is not here"));
            }
        }
    }

    fn generate(
        &mut self,
        folder: &str,
        file: &Node,
        entry: &Node,
        kind: &str,
        objects: &mut Vec<Object>,
    ) {
        let library = &*self.library;
        let mut read = |path: &str| library.bytes(&resolve(folder, path)?);
        let made = generate::generate(entry, kind, file.get("generatorOptions"), &mut read);
        let behavior = entry.scalar_at(&["behavior"]);
        let done = made.and_then(|it| generate::absorb(objects, it, behavior));
        if let Err(reason) = done {
            self.open = true;
            let name = entry.scalar_at(&["name"]);
            self.trouble(entry.at, format!("the {kind} `{name}` cannot be generated: {reason}"));
        }
    }

    /// The path that an entry names; nothing for what lies outside of the repository.
    fn local(&mut self, folder: &str, entry: &Node) -> Option<String> {
        let text = entry.scalar().unwrap_or_default();
        let path = resolve(folder, text).filter(|_| !is_remote(text));
        let path = path.filter(|it| self.library.has(it) || !is_host(text) || self.has_folder(it));
        if path.is_none() {
            self.open = true;
            let reason = format!("`{text}` is not in this repository: what it holds is not judged");
            self.trouble(entry.at, reason);
        }
        path
    }

    fn has_folder(&self, path: &str) -> bool {
        NAMES.iter().any(|it| self.library.has(&join(path, it)))
    }

    /// The documents of a file that an entry names.
    pub(super) fn load(&mut self, folder: &str, entry: &Node) -> Option<Rc<Loaded>> {
        let path = resolve(folder, entry.scalar().unwrap_or_default())?;
        self.load_path(path, entry)
    }

    fn load_path(&mut self, path: String, entry: &Node) -> Option<Rc<Loaded>> {
        let Some(loaded) = self.library.load(&path) else {
            self.open = true;
            let text = entry.scalar().unwrap_or_default();
            self.trouble(entry.at, format!("there is no file `{text}`"));
            return None;
        };
        self.definitions |= loaded.definitions;
        if !loaded.documents.is_empty() {
            self.parts.insert(path);
        }
        if !self.library.spend(loaded.values, entry.at) {
            return None;
        }
        Some(loaded)
    }

    /// Notes what is wrong at a place.
    pub(super) fn trouble(&mut self, at: At, reason: String) {
        self.library.trouble(at, reason);
    }
}

/// The objects of a document; those of lists stand for themselves.
fn objects(document: &Node) -> Vec<Object> {
    let kind = document.scalar_at(&["kind"]);
    match document.get("items") {
        Some(items) if kind.ends_with("List") => items.items().iter().flat_map(objects).collect(),
        _ if kind.is_empty() => Vec::new(),
        _ => vec![Object::new(document.clone())],
    }
}

pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether the text can only be a place outside of the repository.
pub(super) fn is_remote(text: &str) -> bool {
    text.contains("://") || text.contains("?ref=") || text.starts_with("git@")
}

/// Whether the first part of a path may be the name of a host.
fn is_host(text: &str) -> bool {
    text.split_once('/').is_some_and(|(host, _)| !host.starts_with('.') && host.contains('.'))
}
