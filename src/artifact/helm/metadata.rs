//! `Chart.yaml` as an artifact of its own: what Helm asks of it.

use super::{chart::scalar, semver::Version};
use crate::{
    artifact::{Artifact, Emit, Kind, Parsed, Select, Shape, Subject, View},
    parse,
    source::Source,
    value::Value,
};

/// Whether the file is the metadata of a chart.
pub fn recognise(source: &Source) -> bool {
    source.name() == "Chart.yaml"
}

/// Reads the metadata of a chart.
pub fn parse(source: Source) -> Parsed {
    let (tree, problems) = parse::yaml::parse(source);
    let is_chart = tree.documents().next().is_some_and(|it| it.is_map());
    Parsed { artifact: is_chart.then(|| Artifact::new(Kind::Helm, tree)), problems }
}

/// The views.
pub const VIEWS: &[View] = &[View {
    name: "helm.chart",
    kind: Kind::Helm,
    means: "the metadata of a chart: `Chart.yaml`",
    vars: fields! {
        "it": Shape::Any, "the metadata as written";
        "semantic": Shape::Bool, "whether its version is a semantic one";
    },
    select: Select::File(charts),
}];

fn charts<'a>(artifact: &'a Artifact, emit: Emit<'_, 'a>) {
    if let Some(root) = artifact.tree.documents().next() {
        let version = root.get("version").map_or(String::new(), scalar);
        let semantic = Version::parse(&version).is_some();
        emit(Subject { values: vec![root.into(), Value::Bool(semantic)], at: root, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_whether_its_version_is_one() {
        for (text, expected) in [("version: 1.0\n", true), ("version: one\n", false)] {
            let source = Source::new("a/Chart.yaml", text);
            assert!(recognise(&source));
            let artifact = parse(source).artifact.expect("a chart");
            let mut seen = Vec::new();
            charts(&artifact, &mut |it| seen.push(matches!(it.values[1], Value::Bool(true))));
            assert_eq!(seen, [expected]);
        }
        assert!(!recognise(&Source::new("Chart.yml", "")));
    }
}
