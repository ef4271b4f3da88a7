//! The custom checks of a `.kube-linter.yaml`: templates with parameters, on one object.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::{
    config,
    manifest::{Container, Manifest},
    quantity::quantity,
};
use crate::{document::Node, parse, source::Source};

/// How many checks of one configuration are run.
const MOST: usize = 200;

/// How large a pattern may become.
const LARGEST_PATTERN: usize = 1 << 20;

/// A custom check whose template is known.
#[derive(Debug)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What it says to do.
    pub remediation: String,
    kinds: Vec<String>,
    template: Template,
}

/// What a check looks for. Everything that is flagged is what the template of the same name flags.
#[derive(Debug)]
enum Template {
    RequiredLabel { annotation: bool, key: Pattern, value: Option<Pattern> },
    Forbidden { key: Pattern, value: Option<Pattern> },
    LatestTag { allowed: Vec<Regex>, blocked: Vec<Regex> },
    Replicas { least: i64, of: &'static str },
    Disallowed { group: Option<Pattern>, version: Option<Pattern>, kind: Option<Pattern> },
    Variable { name: Pattern, value: Option<Pattern> },
    Requirement { resource: &'static str, side: Pattern, from: f64, to: f64, unit: f64 },
    Port { port: Option<i64>, protocol: Option<Pattern> },
    ServiceType(Vec<String>),
    PullPolicy(Vec<String>),
    Account(Pattern),
    HostPath(Vec<Regex>),
}

/// A regular expression that must match somewhere in a text, or, behind `!`, must not.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    negated: bool,
    text: String,
}

impl Pattern {
    fn new(text: &str) -> Option<Self> {
        let (negated, pattern) = text.strip_prefix('!').map_or((false, text), |it| (true, it));
        let regex = compiled(pattern)?;
        Some(Self { regex, negated, text: text.to_owned() })
    }

    fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text) != self.negated
    }
}

fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build().ok()
}

/// The checks of every configuration among these texts, with the folder that each is for.
pub fn checks(texts: &BTreeMap<String, Source>) -> Vec<(String, Check)> {
    let mut found = Vec::new();
    for source in texts.values().filter(|it| config::is_kube_linter(it.name())) {
        let (tree, _) = parse::yaml::parse(Source::new(&*source.path, &*source.text));
        let Some(root) = tree.documents().next() else { continue };
        let custom = root.get("customChecks").into_iter().flat_map(Node::children);
        let excluded = || root.at(&["checks", "exclude"]).into_iter().flat_map(Node::children);
        for check in custom.take(MOST).filter_map(read) {
            if !excluded().any(|it| it.text() == check.name) {
                found.push((source.folder().to_owned(), check));
            }
        }
    }
    found
}

/// What an entry of `customChecks` says; nothing if its template, or a pattern, is not known.
pub(super) fn read(check: Node<'_>) -> Option<Check> {
    let kinds = check.at(&["scope", "objectKinds"]).into_iter().flat_map(Node::children);
    Some(Check {
        name: check.str("name")?.to_owned(),
        remediation: check.str("remediation").unwrap_or_default().to_owned(),
        kinds: kinds.map(|it| it.text().to_owned()).collect(),
        template: template(check.str("template")?, check.get("params"))?,
    })
}

fn template(name: &str, params: Option<Node<'_>>) -> Option<Template> {
    let get = |key: &str| params.and_then(|it| it.get(key));
    let list = |key: &str| get(key).into_iter().flat_map(Node::children).map(Node::text);
    let texts = |key: &str| list(key).map(str::to_owned).collect::<Vec<_>>();
    let patterns = |key: &str| list(key).map(compiled).collect::<Option<Vec<_>>>();
    let number = |key: &str| get(key).and_then(Node::as_int);
    // A pattern that is there must be one that can be read.
    let pattern = |key: &str| match get(key) {
        Some(node) => Pattern::new(&node.display()).map(Some),
        None => Some(None),
    };
    let least = |of| Some(Template::Replicas { least: number("minReplicas").unwrap_or(1), of });
    let bounds = |resource, low: &str, high: &str, unit| {
        let (from, to) = (number(low).unwrap_or(0), number(high).map_or(f64::MAX, |it| it as f64));
        Some(Template::Requirement {
            resource,
            side: pattern("requirementsType")??,
            from: from as f64,
            to,
            unit,
        })
    };
    match name {
        "required-label" | "required-annotation" => Some(Template::RequiredLabel {
            annotation: name == "required-annotation",
            key: pattern("key")??,
            value: pattern("value")?,
        }),
        "forbidden-annotation" => {
            Some(Template::Forbidden { key: pattern("key")??, value: pattern("value")? })
        }
        "latest-tag" => Some(Template::LatestTag {
            allowed: patterns("allowList")?,
            blocked: patterns("blockList")?,
        }),
        "minimum-replicas" => least("replicas"),
        "hpa-minimum-replicas" => least("minReplicas"),
        "disallowed-api-obj" => Some(Template::Disallowed {
            group: pattern("group")?,
            version: pattern("version")?,
            kind: pattern("kind")?,
        }),
        "env-var" => Some(Template::Variable { name: pattern("name")??, value: pattern("value")? }),
        "cpu-requirements" => bounds("cpu", "lowerBoundMillis", "upperBoundMillis", 1000.0),
        "memory-requirements" => {
            bounds("memory", "lowerBoundMB", "upperBoundMB", 1.0 / (1024.0 * 1024.0))
        }
        "ports" => Some(Template::Port { port: number("port"), protocol: pattern("protocol")? }),
        "forbidden-service-types" => Some(Template::ServiceType(texts("forbiddenServiceTypes"))),
        "image-pull-policy" => Some(Template::PullPolicy(texts("forbiddenPolicies"))),
        "service-account" => Some(Template::Account(pattern("serviceAccount")??)),
        "host-mounts" => Some(Template::HostPath(patterns("dirs")?)),
        _ => None,
    }
}

impl Check {
    /// What it finds in an object, each with its place; nothing in one that it does not look at,
    /// and one entry without a fault where it finds none.
    pub fn faults<'a>(&self, manifest: Manifest<'a>) -> Vec<(Option<String>, Node<'a>)> {
        let is_pod = manifest.pods().next().is_some();
        let of_kind = |kind: &str| match kind {
            "Any" => true,
            "DeploymentLike" => is_pod,
            kind => kind == manifest.kind(),
        };
        let looks = match &self.template {
            Template::ServiceType(_) => manifest.kind() == "Service",
            Template::Replicas { of: "minReplicas", .. } => {
                manifest.kind() == "HorizontalPodAutoscaler"
            }
            Template::RequiredLabel { .. }
            | Template::Forbidden { .. }
            | Template::Disallowed { .. } => true,
            _ => is_pod,
        };
        if self.is_ignored_by(manifest) {
            return Vec::new();
        }
        if !looks || !self.kinds.is_empty() && !self.kinds.iter().any(|it| of_kind(it)) {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.template.look(manifest, &mut |fault: String, at| found.push((Some(fault), at)));
        if found.is_empty() {
            found.push((None, manifest.at()));
        }
        found
    }
}

impl Check {
    /// Whether an annotation of the object says not to run it.
    fn is_ignored_by(&self, manifest: Manifest<'_>) -> bool {
        let keys = manifest.annotations().into_iter().flat_map(Node::children).map(Node::key);
        keys.into_iter().any(|key| {
            key == "kube-linter.io/ignore-all"
                || key.strip_prefix("ignore-check.kube-linter.io/") == Some(&*self.name)
        })
    }
}

impl Template {
    fn look<'a>(&self, manifest: Manifest<'a>, tell: &mut dyn FnMut(String, Node<'a>)) {
        let raw = manifest.raw();
        match self {
            Self::RequiredLabel { annotation, key, value } => {
                let (kind, map) = match annotation {
                    true => ("annotation", manifest.annotations()),
                    false => ("label", raw.at(&["metadata", "labels"])),
                };
                if carriers(map, key, value.as_ref()).next().is_none() {
                    tell(format!("no {kind} `{}`", key.text), manifest.at());
                }
            }
            Self::Forbidden { key, value } => {
                for it in carriers(manifest.annotations(), key, value.as_ref()) {
                    tell(format!("the annotation `{}` is forbidden", it.key()), it);
                }
            }
            Self::Replicas { least, of } => {
                let replicas = raw.at(&["spec", of]);
                let counted = *of == "minReplicas" || is_counted(manifest.kind());
                let number = replicas.map_or(Some(1), Node::as_int);
                if let Some(number) = number.filter(|it| counted && it < least) {
                    let fault = format!("{number} replicas, fewer than {least}");
                    tell(fault, replicas.unwrap_or_else(|| manifest.at()));
                }
            }
            Self::Disallowed { group, version, kind } => {
                let is = |pattern: &Option<Pattern>, text: &str| {
                    pattern.as_ref().is_none_or(|it| it.matches(text))
                };
                if is(group, manifest.group())
                    && is(version, manifest.version())
                    && is(kind, manifest.kind())
                {
                    let at = raw.get("kind").unwrap_or_else(|| manifest.at());
                    tell(format!("objects of the kind `{}` are disallowed", manifest.kind()), at);
                }
            }
            Self::ServiceType(types) => {
                let kind = raw.at(&["spec", "type"]);
                let name = kind.map_or("ClusterIP", Node::text);
                if types.iter().any(|it| it == name) {
                    let fault = format!("services of the type `{name}` are forbidden");
                    tell(fault, kind.unwrap_or_else(|| manifest.at()));
                }
            }
            Self::Account(pattern) => {
                for pod in manifest.pods() {
                    let account = pod.spec().get("serviceAccountName");
                    let name = account.map_or("", Node::text);
                    if pattern.matches(name) {
                        tell(
                            format!("the service account `{name}` is not to be used"),
                            account.unwrap_or_else(|| manifest.at()),
                        );
                    }
                }
            }
            Self::HostPath(paths) => {
                let volumes = manifest.pods().filter_map(|it| it.spec().get("volumes"));
                for path in
                    volumes.flat_map(Node::children).filter_map(|it| it.at(&["hostPath", "path"]))
                {
                    if paths.iter().any(|it| it.is_match(path.text())) {
                        tell(format!("the path `{}` of the node is mounted", path.text()), path);
                    }
                }
            }
            _ => {
                for container in manifest.pods().flat_map(|it| it.containers().collect::<Vec<_>>())
                {
                    self.look_at_container(container, tell);
                }
            }
        }
    }

    fn look_at_container<'a>(
        &self,
        container: Container<'a>,
        tell: &mut dyn FnMut(String, Node<'a>),
    ) {
        let (raw, name) = (container.raw(), container.name());
        let list = |key: &str| raw.get(key).into_iter().flat_map(Node::children);
        match self {
            Self::LatestTag { allowed, blocked } => {
                let Some(image) = raw.get("image") else { return };
                let any = |all: &[Regex]| all.iter().any(|it| it.is_match(image.text()));
                if any(blocked) || !allowed.is_empty() && !any(allowed) {
                    tell(format!("the image `{}` is not allowed", image.text()), image);
                }
            }
            Self::Variable { name, value } => {
                for it in list("env") {
                    let text = it.str("value").unwrap_or_default();
                    if it.str("name").is_some_and(|it| name.matches(it))
                        && value.as_ref().is_none_or(|it| it.matches(text))
                    {
                        let fault =
                            format!("the variable `{}`", it.str("name").unwrap_or_default());
                        tell(fault, it);
                    }
                }
            }
            Self::Requirement { resource, side, from, to, unit } => {
                for (key, word) in [("requests", "request"), ("limits", "limit")] {
                    let node = raw.at(&["resources", key, resource]);
                    let amount = node.map_or(Some(0.0), |it| quantity(&it.display()));
                    let Some(amount) = amount.map(|it| it * unit) else { continue };
                    let meant = side.text == "any" || side.matches(word);
                    if meant && (*from..=*to).contains(&amount) {
                        let written = node.map_or_else(|| "0".to_owned(), Node::display);
                        let fault =
                            format!("the {resource} {word} of container `{name}` is {written}");
                        tell(fault, node.unwrap_or(raw));
                    }
                }
            }
            Self::Port { port, protocol } => {
                for it in list("ports") {
                    let number = it.get("containerPort").and_then(Node::as_int);
                    let own = it.str("protocol").unwrap_or("TCP");
                    if port.is_none_or(|it| Some(it) == number)
                        && protocol.as_ref().is_none_or(|it| it.matches(own))
                    {
                        let number = number.unwrap_or_default();
                        tell(format!("container `{name}` has the port {number}/{own}"), it);
                    }
                }
            }
            Self::PullPolicy(forbidden) => {
                let policy = raw.get("imagePullPolicy");
                if policy.is_some_and(|it| forbidden.iter().any(|one| one == it.text())) {
                    let text = policy.map_or("", Node::text);
                    tell(
                        format!("the pull policy `{text}` of container `{name}` is forbidden"),
                        policy.unwrap_or(raw),
                    );
                }
            }
            _ => {}
        }
    }
}

/// The entries of a map of labels whose key, and value if one is asked for, match.
fn carriers<'a>(
    map: Option<Node<'a>>,
    key: &Pattern,
    value: Option<&Pattern>,
) -> impl Iterator<Item = Node<'a>> {
    let matches = move |it: &Node<'a>| {
        key.matches(it.key()) && value.is_none_or(|value| value.matches(&it.display()))
    };
    map.into_iter().flat_map(Node::children).filter(matches)
}

/// Whether workloads of a kind say how many pods they make.
fn is_counted(kind: &str) -> bool {
    !matches!(kind, "Pod" | "PodTemplate" | "DaemonSet" | "Job" | "CronJob")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact, artifact::kubernetes::manifests};

    fn found(template: &str, params: &str, manifest: &str) -> Vec<String> {
        let config =
            format!("customChecks:\n- {{name: own, template: {template}, params: {params}}}\n");
        let texts = BTreeMap::from([(
            ".kube-linter.yaml".to_owned(),
            Source::new(".kube-linter.yaml", config),
        )]);
        let parsed = artifact::parse(Source::new("a.yaml", manifest));
        let artifact = parsed.artifact.expect("an artifact");
        let checks = checks(&texts);
        let all =
            checks.iter().flat_map(|it| manifests(&artifact).flat_map(|one| it.1.faults(one)));
        all.map(|it| it.0.unwrap_or_default()).collect()
    }

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {team: shop}}\nspec:\n  \
                       containers:\n  - {name: a, image: 'r.example.com/web:1', env: [{name: API_KEY, \
                       value: x}], ports: [{containerPort: 22}], resources: {requests: {cpu: 500m}}}\n";

    #[test]
    fn labels_match_somewhere_and_an_exclamation_mark_negates() {
        assert_eq!(found("required-label", "{key: team}", POD), [""]);
        assert_eq!(found("required-label", "{key: tea}", POD), [""]);
        assert_eq!(found("required-label", "{key: ^tea$}", POD), ["no label `^tea$`"]);
        assert_eq!(
            found("required-label", "{key: team, value: '!shop'}", POD),
            ["no label `team`"]
        );
        assert_eq!(found("required-annotation", "{key: mail}", POD), ["no annotation `mail`"]);
    }

    #[test]
    fn containers_are_looked_at_one_by_one() {
        let of = |template: &str, params: &str| found(template, params, POD);
        let image = of("latest-tag", "{allowList: ['^other[.]example[.]com/']}");
        assert_eq!(image, ["the image `r.example.com/web:1` is not allowed"]);
        assert_eq!(of("env-var", "{name: '(?i).*key.*', value: .+}"), ["the variable `API_KEY`"]);
        let cpu = "{requirementsType: request, lowerBoundMillis: 0, upperBoundMillis: 499}";
        assert_eq!(of("cpu-requirements", cpu), [""]);
        let cpu = "{requirementsType: limit, lowerBoundMillis: 0, upperBoundMillis: 0}";
        assert_eq!(of("cpu-requirements", cpu), ["the cpu limit of container `a` is 0"]);
        assert_eq!(of("ports", "{port: 22, protocol: TCP}"), ["container `a` has the port 22/TCP"]);
    }

    #[test]
    fn kinds_and_replicas_are_counted_and_unknown_templates_are_not_read() {
        let gone = "objects of the kind `Pod` are disallowed";
        assert_eq!(found("disallowed-api-obj", "{version: v1, kind: Pod}", POD), [gone]);
        let deployment = POD.replace("apiVersion: v1", "apiVersion: apps/v1");
        let deployment = deployment.replace("kind: Pod", "kind: StatefulSet");
        let nested = deployment.replace(
            "spec:\n  containers:",
            "spec:\n  template: {spec: {containers: []}}\n  containers:",
        );
        assert_eq!(
            found("minimum-replicas", "{minReplicas: 3}", &nested),
            ["1 replicas, fewer than 3"]
        );
        assert!(found("dangling-service", "{}", POD).is_empty());
        assert!(found("env-var", "{name: '('}", POD).is_empty());
    }
}
