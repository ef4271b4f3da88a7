//! The methods that templates call: those of `.Files` and of `.Capabilities.APIVersions`.

use globset::{GlobBuilder, GlobMatcher};

use super::{
    data::{Failure, Heap, Outcome, Text, Value},
    encode, functions,
};
use crate::source::Source;

/// The versions that a cluster of today serves.
const VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "apiregistration.k8s.io/v1",
    "apps/v1",
    "authentication.k8s.io/v1",
    "authorization.k8s.io/v1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "certificates.k8s.io/v1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "events.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1",
    "networking.k8s.io/v1",
    "node.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1",
];

/// The files that charts offer to their templates.
pub struct Files<'c> {
    sets: Vec<Set>,
    read: &'c (dyn Fn(&str) -> Option<Source> + Sync),
}

/// Some files of one chart.
struct Set {
    /// The folder of the chart in the repository, with a `/` at its end unless it is the root.
    folder: String,
    /// Their paths below it.
    paths: Vec<String>,
}

impl<'c> Files<'c> {
    /// No files yet; `read` gives the text of a path of the repository.
    pub fn new(read: &'c (dyn Fn(&str) -> Option<Source> + Sync)) -> Self {
        Self { sets: Vec::new(), read }
    }

    /// Makes the files of a chart known: `paths` below `folder`.
    pub fn add(&mut self, folder: &str, paths: Vec<String>) -> Value {
        self.sets.push(Set { folder: folder.to_owned(), paths });
        Value::Files(self.sets.len() as u32 - 1)
    }

    /// Calls a method of a value.
    ///
    /// # Errors
    /// When there is no such method, or its arguments are not what it takes.
    pub fn call(
        &mut self,
        heap: &mut Heap,
        receiver: &Value,
        name: &str,
        arguments: &[Value],
    ) -> Outcome<Value> {
        match (receiver, name, arguments) {
            (Value::Files(set), "Get" | "GetBytes", [path]) => {
                let text = self.text(*set, &functions::as_text(path)?);
                heap.new_text(text)
            }
            (Value::Files(set), "Lines", [path]) => {
                let text = self.text(*set, &functions::as_text(path)?);
                heap.room(text.len())?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                heap.new_list(text.split('\n').map(Value::text).collect())
            }
            (Value::Files(set), "Glob", [pattern]) => {
                Ok(self.matching(*set, &functions::as_text(pattern)?))
            }
            (Value::Files(set), "AsConfig", []) => self.as_config(*set, heap, false),
            (Value::Files(set), "AsSecrets", []) => self.as_config(*set, heap, true),
            (Value::Versions, "Has", [version]) => {
                Ok(Value::Bool(has_version(&functions::as_text(version)?)))
            }
            // What looks like a method may be a value: `.Values.call "x"` never is, and `.Files.x`
            // names a file.
            (Value::Files(set), path, []) if self.sets[*set as usize].has(path) => {
                let text = self.text(*set, path);
                heap.new_text(text)
            }
            (receiver, name, _) => {
                Err(Failure::template(format!("a {} has no method `{name}`", receiver.kind())))
            }
        }
    }

    /// Every file of a set, with its text.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn all(&self, set: u32, heap: &mut Heap) -> Outcome<Vec<(Value, Value)>> {
        let set = &self.sets[set as usize];
        let mut files = Vec::with_capacity(set.paths.len());
        for path in &set.paths {
            let text = self.read_file(set, path);
            files.push((Value::text(path.as_str()), heap.new_text(text)?));
        }
        Ok(files)
    }

    fn text(&self, set: u32, path: &str) -> String {
        let set = &self.sets[set as usize];
        let path = path.trim_start_matches("./");
        if set.has(path) { self.read_file(set, path) } else { String::new() }
    }

    fn read_file(&self, set: &Set, path: &str) -> String {
        (self.read)(&format!("{}{path}", set.folder)).map(|it| it.text).unwrap_or_default()
    }

    fn matching(&mut self, set: u32, pattern: &str) -> Value {
        let set = &self.sets[set as usize];
        let matcher = glob(pattern);
        let matches =
            |path: &&String| matcher.as_ref().is_some_and(|it| it.is_match(path.as_str()));
        let paths = set.paths.iter().filter(matches).cloned().collect();
        let folder = set.folder.clone();
        self.add(&folder, paths)
    }

    /// The files as the `data` of a ConfigMap or a Secret.
    fn as_config(&self, set: u32, heap: &mut Heap, secret: bool) -> Outcome<Value> {
        let mut data = Vec::new();
        for (path, text) in self.all(set, heap)? {
            let (path, text) = (functions::as_text(&path)?, functions::as_text(&text)?);
            let name = path.rsplit('/').next().unwrap_or(&path);
            let text: Text =
                if secret { encode::base64(text.as_bytes()).into() } else { text.clone() };
            data.push((name.into(), Value::Text(text)));
        }
        let data = heap.new_map(data.into_iter().collect())?;
        functions::call(heap, "toYaml", &[data])
    }
}

impl Set {
    fn has(&self, path: &str) -> bool {
        self.paths.iter().any(|it| it == path)
    }
}

fn glob(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher())
}

/// Whether a cluster of today serves a version (`policy/v1`) or a kind in it
/// (`policy/v1/PodDisruptionBudget`).
fn has_version(version: &str) -> bool {
    let kindless = version.rsplit_once('/').map_or(version, |(rest, kind)| {
        if kind.starts_with(|it: char| it.is_ascii_uppercase()) { rest } else { version }
    });
    VERSIONS.contains(&kindless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_serve_what_is_stable() {
        assert!(has_version("policy/v1") && has_version("policy/v1/PodDisruptionBudget"));
        assert!(!has_version("policy/v1beta1") && !has_version("monitoring.coreos.com/v1"));
    }

    #[test]
    fn files_are_read_below_the_chart_only() {
        let read = |path: &str| Some(Source::new(path, format!("text of {path}\n")));
        let mut files = Files::new(&read);
        let all = files.add("chart/", vec!["files/a.txt".to_owned(), "b.txt".to_owned()]);
        let mut heap = Heap::default();
        let mut call = |name: &str, argument: &str| {
            let value = files.call(&mut heap, &all, name, &[Value::text(argument)]).unwrap();
            heap.display(&value).unwrap().to_string()
        };
        assert_eq!(call("Get", "b.txt"), "text of chart/b.txt\n");
        assert_eq!(call("Get", "../../etc/passwd"), "");
        let globbed = files.call(&mut heap, &all, "Glob", &[Value::text("files/*")]).unwrap();
        let config = files.call(&mut heap, &globbed, "AsConfig", &[]).unwrap();
        assert_eq!(&*heap.display(&config).unwrap(), "a.txt: |\n  text of chart/files/a.txt");
    }
}
