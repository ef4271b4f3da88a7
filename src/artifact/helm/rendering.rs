//! A chart and a set of values, rendered.

use std::{rc::Rc, sync::Arc};

use super::{
    chart::{Chart, scalar},
    data::{Failure, Map, Outcome, Value},
    engine::Engine,
    methods::Files,
    output::Output,
    template::{self, Defines, File},
    values, written,
};
use crate::{
    artifact::render,
    document::{Problem, Tree, Trouble},
    source::Source,
};

/// The version of Kubernetes that charts are told they run on.
const KUBERNETES: (&str, &str, &str) = ("v1.34.0", "1", "34");
/// The version of Helm that charts are told renders them.
const HELM: &str = "v3.17.3";

/// A template that was rendered.
#[derive(Debug)]
pub struct Rendered {
    /// The template.
    pub template: Arc<Source>,
    /// What it printed; places point into [`Templates::sources`].
    pub output: Output,
}

/// What came of rendering a chart with one set of values.
#[derive(Debug, Default)]
pub struct Rendering {
    /// What was rendered, in the order of the templates' paths; blank texts are left out.
    pub rendered: Vec<Rendered>,
    /// What could not be rendered, by template.
    pub problems: Vec<Problem>,
    /// The templates that printed something or nothing, but did not fail.
    pub done: Vec<String>,
}

/// The templates of a chart and of all charts under it, read once.
#[derive(Debug, Default)]
pub struct Templates {
    files: Vec<File>,
    /// The sources of the files, in their order.
    pub sources: Vec<Arc<Source>>,
    defines: Defines,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Templates {
    /// Reads the templates of a chart.
    pub fn read(chart: &Chart) -> Self {
        let mut named = Vec::new();
        collect(chart, &chart.name, &mut named);
        // Helm reads the deepest first and, among equals, the last of the alphabet: later
        // definitions win.
        named.sort_by(|(a, _), (b, _)| {
            let depth = |it: &str| it.matches('/').count();
            depth(b).cmp(&depth(a)).then_with(|| b.cmp(a))
        });
        let mut templates = Self::default();
        for (name, source) in named {
            let index = templates.files.len();
            match template::read(&name, &source.text, index, &mut templates.defines) {
                Ok(file) => {
                    templates.files.push(file);
                    templates.sources.push(source);
                }
                Err(unread) => {
                    let at = source.line_start(unread.line);
                    let failure = unread.failure;
                    templates.problems.push(Problem::at(&source, at, failure.kind, failure.reason));
                }
            }
        }
        templates
    }
}

fn collect(chart: &Chart, base: &str, into: &mut Vec<(String, Arc<Source>)>) {
    for source in &chart.templates {
        let below = source.path.strip_prefix(&chart.folder).unwrap_or(&source.path);
        into.push((format!("{base}/{below}"), source.clone()));
    }
    for child in &chart.children {
        collect(child, &format!("{base}/charts/{}", child.name), into);
    }
}

/// Renders a chart with the given values over its own.
pub fn render(
    chart: &Chart,
    templates: &Templates,
    given: &[Rc<Tree>],
    files: &render::Files<'_>,
) -> Rendering {
    let files = Files::new(files.read);
    let engine = Engine::new(&templates.files, &templates.defines, files);
    let mut renderer = Renderer { engine, templates, rendering: Rendering::default() };
    match renderer.prepare(chart, given) {
        Ok((node, context)) => renderer.render(chart, &node, context),
        Err(failure) => {
            let problem = Problem::at(&chart.metadata.source, 0, failure.kind, failure.reason);
            renderer.rendering.problems.push(problem);
        }
    }
    let mut rendering = renderer.rendering;
    rendering.rendered.sort_by(|a, b| a.template.path.cmp(&b.template.path));
    rendering
}

/// A chart that takes part in a rendering.
struct Part<'c> {
    chart: &'c Chart,
    /// Its own values, by their place in the heap.
    values: u32,
    children: Vec<Part<'c>>,
}

struct Renderer<'c> {
    engine: Engine<'c>,
    templates: &'c Templates,
    rendering: Rendering,
}

impl<'c> Renderer<'c> {
    /// The charts that take part, and the values and objects that the root sees.
    fn prepare(&mut self, chart: &'c Chart, files: &[Rc<Tree>]) -> Outcome<(Part<'c>, Value)> {
        let mut part = self.part(chart)?;
        let mut given = self.table(None)?;
        for file in files {
            let over = self.table(Some(file))?;
            values::lay_under_keeping_null(&mut self.engine.heap, over, given)?;
            given = over;
        }
        let mut all = self.coalesced(&part, given)?;
        if !part.children.is_empty() {
            self.enable(&mut part, all, "")?;
            self.import(&mut part)?;
            all = self.coalesced(&part, given)?;
        }
        let release = self.release()?;
        let capabilities = self.capabilities()?;
        let context = self.context(&part, true, all, &release, &capabilities)?;
        Ok((part, context))
    }

    /// The map that a tree of values holds; an empty one where there is none.
    fn table(&mut self, tree: Option<&Rc<Tree>>) -> Outcome<u32> {
        let root = tree.and_then(|it| Some((it, it.documents().next()?)));
        let value = match root.filter(|it| it.1.is_map()) {
            Some((tree, root)) => written::import(&mut self.engine.heap, tree, root)?,
            None => self.engine.heap.new_map(Map::new())?,
        };
        match value {
            Value::Map(map) => Ok(map),
            _ => Err(Failure::template("the values are not a map")),
        }
    }

    fn part(&mut self, chart: &'c Chart) -> Outcome<Part<'c>> {
        let values = self.table(chart.values.as_ref())?;
        let children: Outcome<_> = chart.children.iter().map(|it| self.part(it)).collect();
        Ok(Part { chart, values, children: children? })
    }

    /// The values of a chart and of the charts under it, with those that were given over them.
    fn coalesced(&mut self, part: &Part<'c>, given: u32) -> Outcome<u32> {
        match self.engine.heap.deep_copy(&Value::Map(given))? {
            Value::Map(copy) => {
                self.coalesce(part, copy)?;
                Ok(copy)
            }
            _ => Ok(given),
        }
    }

    fn coalesce(&mut self, part: &Part<'c>, given: u32) -> Outcome<()> {
        let heap = &mut self.engine.heap;
        values::lay_under(heap, given, part.values, &part.names())?;
        for child in &part.children {
            let inner = values::map_under(&mut self.engine.heap, given, &child.chart.name)?;
            values::hand_down_globals(&mut self.engine.heap, inner, given)?;
            self.coalesce(child, inner)?;
        }
        Ok(())
    }

    /// Leaves out the charts that conditions and tags switch off. `prefix` is the path of the
    /// chart's own values below those of the root.
    fn enable(&mut self, part: &mut Part<'c>, all: u32, prefix: &str) -> Outcome<()> {
        let children = std::mem::take(&mut part.children);
        for mut child in children {
            if self.is_enabled(child.chart, all, prefix) {
                let prefix = format!("{prefix}{}.", child.chart.name);
                self.enable(&mut child, all, &prefix)?;
                part.children.push(child);
            }
        }
        Ok(())
    }

    fn is_enabled(&mut self, chart: &Chart, all: u32, prefix: &str) -> bool {
        let heap = &mut self.engine.heap;
        let mut flag = |path: &str| {
            let keys: Vec<&str> = path.split('.').collect();
            match heap.at(&Value::Map(all), &keys) {
                Some(Value::Bool(flag)) => Some(flag),
                _ => None,
            }
        };
        let condition = &chart.dependency.condition;
        if let Some(answer) = condition.iter().find_map(|it| flag(&format!("{prefix}{it}"))) {
            return answer;
        }
        let mut tags = chart.dependency.tags.iter().filter_map(|it| flag(&format!("tags.{it}")));
        match tags.next() {
            Some(first) => first || tags.any(|it| it),
            None => true,
        }
    }

    /// Takes over the values that charts import from those under them.
    fn import(&mut self, part: &mut Part<'c>) -> Outcome<()> {
        for child in &mut part.children {
            self.import(child)?;
        }
        if part.children.iter().all(|it| it.chart.dependency.imports.is_empty()) {
            return Ok(());
        }
        let empty = self.table(None)?;
        let all = self.coalesced(part, empty)?;
        for child in &part.children {
            for (from, to) in &child.chart.dependency.imports {
                let path = format!("{}.{from}", child.chart.name);
                let keys: Vec<&str> = path.split('.').collect();
                let found = self.engine.heap.at(&Value::Map(all), &keys);
                if let Some(found @ Value::Map(_)) = found {
                    self.import_into(part.values, to, &found)?;
                }
            }
        }
        Ok(())
    }

    fn import_into(&mut self, values: u32, path: &str, found: &Value) -> Outcome<()> {
        let heap = &mut self.engine.heap;
        let Value::Map(copy) = heap.deep_copy(found)? else { return Ok(()) };
        let mut target = values;
        for key in path.split('.').filter(|it| !it.is_empty() && *it != ".") {
            target = values::map_under(heap, target, key)?;
        }
        values::lay_under(heap, target, copy, &[])
    }

    /// What the templates of a chart see.
    fn context(
        &mut self,
        part: &Part<'c>,
        root: bool,
        values: u32,
        release: &Value,
        capabilities: &Value,
    ) -> Outcome<Value> {
        let mut subcharts = Vec::new();
        for child in &part.children {
            let name = child.chart.name.as_str();
            let inner = values::map_under(&mut self.engine.heap, values, name)?;
            let context = self.context(child, false, inner, release, capabilities)?;
            subcharts.push((name.into(), context));
        }
        for missing in &part.chart.missing {
            self.engine.heap.note_incomplete(values, &missing.name);
        }
        let subcharts = self.engine.heap.new_map(subcharts.into_iter().collect())?;
        let chart = self.metadata(part.chart, root)?;
        let files = self.engine.files.add(&part.chart.folder, part.chart.files.clone());
        self.engine.heap.new_map(Map::from([
            ("Chart".into(), chart),
            ("Files".into(), files),
            ("Release".into(), release.clone()),
            ("Capabilities".into(), capabilities.clone()),
            ("Values".into(), Value::Map(values)),
            ("Subcharts".into(), subcharts),
        ]))
    }

    fn release(&mut self) -> Outcome<Value> {
        self.engine.heap.new_map(Map::from([
            ("Name".into(), Value::text("release-name")),
            ("Namespace".into(), Value::text("default")),
            ("Service".into(), Value::text("Helm")),
            ("Revision".into(), Value::Int(1)),
            ("IsInstall".into(), Value::Bool(true)),
            ("IsUpgrade".into(), Value::Bool(false)),
        ]))
    }

    fn capabilities(&mut self) -> Outcome<Value> {
        let heap = &mut self.engine.heap;
        let kubernetes = heap.new_map(Map::from([
            ("Version".into(), Value::text(KUBERNETES.0)),
            ("GitVersion".into(), Value::text(KUBERNETES.0)),
            ("Major".into(), Value::text(KUBERNETES.1)),
            ("Minor".into(), Value::text(KUBERNETES.2)),
        ]))?;
        let helm = heap.new_map(Map::from([
            ("Version".into(), Value::text(HELM)),
            ("GitCommit".into(), Value::text("")),
            ("GoVersion".into(), Value::text("")),
        ]))?;
        heap.new_map(Map::from([
            ("KubeVersion".into(), kubernetes),
            ("HelmVersion".into(), helm),
            ("APIVersions".into(), Value::Versions),
        ]))
    }

    /// `.Chart`: the metadata with capital letters.
    fn metadata(&mut self, chart: &Chart, root: bool) -> Outcome<Value> {
        let mut all = vec![("IsRoot".into(), Value::Bool(root))];
        for key in ["AppVersion", "Version", "Description", "Home", "Icon", "Type", "KubeVersion"] {
            all.push((key.into(), Value::text("")));
        }
        let entries = chart.metadata.documents().next().into_iter().flat_map(|it| it.entries());
        for (key, node) in entries {
            let name = match key {
                "apiVersion" => "APIVersion".to_owned(),
                _ => key[..1.min(key.len())].to_uppercase() + key.get(1..).unwrap_or(""),
            };
            let value = match node.is_map() || node.is_seq() {
                true => written::import(&mut self.engine.heap, &chart.metadata, node)?,
                false => Value::text(scalar(node)),
            };
            all.push((name.into(), value));
        }
        all.push(("Name".into(), Value::text(chart.name.as_str())));
        self.engine.heap.new_map(all.into_iter().collect())
    }

    /// Renders every template that is no partial, in the order in which Helm does: templates that
    /// change values are seen by those after them.
    fn render(&mut self, chart: &'c Chart, part: &Part<'c>, context: Value) {
        let mut contexts = Vec::new();
        self.contexts(part, &chart.name, &context, &mut contexts);
        for (index, file) in self.templates.files.iter().enumerate() {
            let name = file.name.rsplit('/').next().unwrap_or("");
            if name.starts_with('_') || name == "NOTES.txt" {
                continue;
            }
            let of = |(base, _): &&(String, Value)| {
                file.name.strip_prefix(&**base).is_some_and(|it| it.starts_with("/templates/"))
            };
            if let Some((base, context)) = contexts.iter().find(of) {
                self.one(index, base, context);
            }
        }
    }

    fn contexts(
        &mut self,
        part: &Part<'c>,
        base: &str,
        context: &Value,
        into: &mut Vec<(String, Value)>,
    ) {
        into.push((base.to_owned(), context.clone()));
        for child in &part.children {
            let name = &child.chart.name;
            if let Some(inner) = self.engine.heap.at(context, &["Subcharts", name]) {
                self.contexts(child, &format!("{base}/charts/{name}"), &inner, into);
            }
        }
    }

    fn one(&mut self, index: usize, base: &str, context: &Value) {
        let file = &self.templates.files[index];
        let source = &self.templates.sources[index];
        let template = Map::from([
            ("Name".into(), Value::text(file.name.as_str())),
            ("BasePath".into(), Value::text(format!("{base}/templates"))),
        ]);
        let template = self.engine.heap.new_map(template);
        let set = template.and_then(|template| match context {
            Value::Map(map) => self.engine.heap.insert(*map, "Template".into(), template),
            _ => Ok(()),
        });
        match set.map_err(|it| (0, it)).and_then(|()| self.engine.render(index, context)) {
            Ok(output) => {
                self.rendering.done.push(source.path.clone());
                if !output.text.trim().is_empty() {
                    let template = source.clone();
                    self.rendering.rendered.push(Rendered { template, output });
                }
            }
            Err((at, failure)) => {
                let reason = format!("the template does not render: {}", failure.reason);
                let kind = match failure.kind {
                    Trouble::Syntax => Trouble::Template,
                    kind => kind,
                };
                self.rendering.problems.push(Problem::at(source, at as u32, kind, reason));
            }
        }
    }
}

impl Part<'_> {
    fn names(&self) -> Vec<&str> {
        self.children.iter().map(|it| it.chart.name.as_str()).collect()
    }
}
