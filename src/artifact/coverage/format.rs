//! The formats of coverage reports, and how the start of a text tells which one it is.
//!
//! Names do not help: `coverage.xml` is what Cobertura, Clover and others are called by default.

use memchr::memmem;

use crate::parse::xml::Fault;

use super::{
    clover, cobertura, dotnet, gcov, go, istanbul, jacoco, lcov, llvm, opencover, python,
    report::Builder, ruby, services, sonar,
};

/// How much of the start of a text is looked at.
const HEAD: usize = 8 * 1024;

/// How much is looked at for words that no other file has: the first entry may be long.
const LONG_HEAD: usize = 256 * 1024;

/// How much of the end is looked at, for formats that say there what they are.
const TAIL: usize = 1024;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `info` files of lcov and its many followers.
    Lcov,
    /// Cobertura's XML.
    Cobertura,
    /// JaCoCo's XML.
    Jacoco,
    /// Clover's XML.
    Clover,
    /// OpenCover's XML.
    Opencover,
    /// SonarQube's generic XML.
    Sonar,
    /// dotCover's detailed XML.
    Dotcover,
    /// Visual Studio's XML.
    VisualStudio,
    /// Go's coverage profile.
    Go,
    /// coverage.py's JSON.
    CoveragePy,
    /// Istanbul's `coverage-final.json`.
    IstanbulJson,
    /// Istanbul's `coverage-summary.json`.
    IstanbulSummary,
    /// SimpleCov's `.resultset.json`.
    SimplecovResultset,
    /// SimpleCov's `coverage.json`.
    SimplecovJson,
    /// LLVM's JSON export.
    LlvmCov,
    /// gcov's JSON.
    Gcov,
    /// gcovr's JSON.
    Gcovr,
    /// gcovr's JSON summary.
    GcovrSummary,
    /// coverlet's JSON.
    Coverlet,
    /// Codecov's JSON.
    Codecov,
    /// Coveralls' JSON.
    Coveralls,
    /// The JSON of Xcode's `xccov`.
    Xccov,
}

type Read = fn(&str, &mut Builder) -> Result<(), Fault>;

impl Format {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lcov => "lcov",
            Self::Cobertura => "cobertura",
            Self::Jacoco => "jacoco",
            Self::Clover => "clover",
            Self::Opencover => "opencover",
            Self::Sonar => "sonarqube_generic",
            Self::Dotcover => "dotcover",
            Self::VisualStudio => "visual_studio",
            Self::Go => "gocover",
            Self::CoveragePy => "coveragepy_json",
            Self::IstanbulJson => "istanbul_json",
            Self::IstanbulSummary => "istanbul_summary",
            Self::SimplecovResultset => "simplecov_resultset",
            Self::SimplecovJson => "simplecov_json",
            Self::LlvmCov => "llvm_cov_json",
            Self::Gcov => "gcov_json",
            Self::Gcovr => "gcovr_json",
            Self::GcovrSummary => "gcovr_summary",
            Self::Coverlet => "coverlet_json",
            Self::Codecov => "codecov_json",
            Self::Coveralls => "coveralls_json",
            Self::Xccov => "xccov_json",
        }
    }

    /// What reads it.
    pub fn reader(self) -> Read {
        match self {
            Self::Lcov => lcov::read,
            Self::Cobertura => cobertura::read,
            Self::Jacoco => jacoco::read,
            Self::Clover => clover::read,
            Self::Opencover => opencover::read,
            Self::Sonar => sonar::read,
            Self::Dotcover => dotnet::dotcover,
            Self::VisualStudio => dotnet::visual_studio,
            Self::Go => go::read,
            Self::CoveragePy => python::read,
            Self::IstanbulJson => istanbul::places,
            Self::IstanbulSummary => istanbul::summary,
            Self::SimplecovResultset => ruby::result_set,
            Self::SimplecovJson => ruby::formatter,
            Self::LlvmCov => llvm::read,
            Self::Gcov | Self::Gcovr => gcov::read,
            Self::GcovrSummary => gcov::summary,
            Self::Coverlet => services::coverlet,
            Self::Codecov => services::codecov,
            Self::Coveralls => services::coveralls,
            Self::Xccov => gcov::xcode,
        }
    }

    /// The format of a text; nothing if it is no report of coverage.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let head = &text.as_bytes()[..text.len().min(HEAD)];
        let first = head.iter().position(|it| !it.is_ascii_whitespace())?;
        match head[first] {
            // A DTD of its own may push the root far down.
            b'<' => xml(head).or_else(|| {
                let long = &text.as_bytes()[..text.len().min(LONG_HEAD)];
                has(head, "<!ENTITY").then(|| xml(long))?
            }),
            b'{' => {
                let tail = &text.as_bytes()[text.len().saturating_sub(TAIL)..];
                json(head, tail).or_else(|| {
                    let long = &text.as_bytes()[..text.len().min(LONG_HEAD)];
                    let istanbul = has(long, "\"statementMap\"") && has(long, "\"fnMap\"");
                    istanbul.then_some(Self::IstanbulJson)
                })
            }
            b'm' => {
                let modes: [&[u8]; 3] = [b"mode: set", b"mode: count", b"mode: atomic"];
                modes.iter().any(|it| head[first..].starts_with(it)).then_some(Self::Go)
            }
            b'T' | b'S' | b'V' | b'#' => lcov_lines(&head[first..]).then_some(Self::Lcov),
            _ => None,
        }
    }
}

/// Whether the first line that is no comment opens a section of LCOV.
fn lcov_lines(head: &[u8]) -> bool {
    let mut lines = head.split(|&it| it == b'\n').filter(|it| {
        let it = it.trim_ascii();
        !it.is_empty() && !it.starts_with(b"#")
    });
    let opens =
        |it: &[u8]| it.starts_with(b"TN:") || it.starts_with(b"SF:") || it.starts_with(b"VER:");
    lines.next().is_some_and(opens) && has(head, "SF:")
}

fn has(bytes: &[u8], word: &str) -> bool {
    memmem::find(bytes, word.as_bytes()).is_some()
}

/// Decides on the root element and, where several formats share one, on what lies in it.
fn xml(head: &[u8]) -> Option<Format> {
    let root = root(head)?;
    let name_end = root.iter().position(|it| !it.is_ascii_alphanumeric()).unwrap_or(root.len());
    let tag = &root[..root.iter().position(|&it| it == b'>').unwrap_or(root.len())];
    match &root[..name_end] {
        b"coverage" if has(tag, "line-rate") => Some(Format::Cobertura),
        b"coverage" if has(tag, "clover=") || has(tag, "generated=") => Some(Format::Clover),
        b"coverage" if has(root, "<packages") || has(root, "<sources") => Some(Format::Cobertura),
        b"coverage" if has(root, "<project") => Some(Format::Clover),
        b"coverage" if has(tag, "version=") && has(root, "<file ") => Some(Format::Sonar),
        b"coverage" if has(root, "<lineToCover") => Some(Format::Sonar),
        b"report" => {
            let inside = ["<sessioninfo", "<package", "<group", "<counter"];
            let known = inside.iter().any(|it| has(root, it)) || has(head, "JACOCO");
            known.then_some(Format::Jacoco)
        }
        b"CoverageSession" => Some(Format::Opencover),
        b"root" if has(root, "<CoverageSession") => Some(Format::Opencover),
        b"root" if has(root, "<Root CoveredStatements") => Some(Format::Dotcover),
        b"root" if has(root, "<results") && has(root, "<modules") => Some(Format::VisualStudio),
        b"Root" if has(tag, "CoveredStatements") => Some(Format::Dotcover),
        b"results" if has(root, "<modules") => Some(Format::VisualStudio),
        b"CoverageDSPriv" => Some(Format::VisualStudio),
        _ => None,
    }
}

/// The text after the `<` of the first element.
fn root(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head;
    loop {
        let at = memchr::memchr(b'<', rest)?;
        rest = &rest[at + 1..];
        let end: &[u8] = match rest.first()? {
            b'?' => b"?>",
            b'!' if rest.starts_with(b"!--") => b"-->",
            b'!' => {
                // A DTD may have a subset in brackets.
                let end = memchr::memchr2(b'>', b'[', rest)?;
                if rest[end] == b'[' { b"]" } else { b">" }
            }
            _ => return Some(rest),
        };
        let skip = memmem::find(rest, end)? + end.len();
        rest = &rest[skip..];
    }
}

/// Decides on keys that only this format has.
fn json(head: &[u8], tail: &[u8]) -> Option<Format> {
    let all = |words: &[&str]| words.iter().all(|it| has(head, it));
    let either = |word: &str| has(head, word) || has(tail, word);
    Some(match () {
        () if either("\"llvm.coverage.json.export\"") => Format::LlvmCov,
        () if all(&["\"data\"", "\"segments\"", "\"filename\""]) => Format::LlvmCov,
        () if either("\"gcovr/summary_format_version\"") => Format::GcovrSummary,
        () if either("\"gcovr/format_version\"") => Format::Gcovr,
        () if either("\"gcc_version\"") && either("\"files\"") => Format::Gcov,
        () if all(&["\"statementMap\""]) => Format::IstanbulJson,
        () if all(&["\"meta\"", "\"branch_coverage\"", "\"show_contexts\""]) => Format::CoveragePy,
        () if all(&["\"meta\"", "\"files\"", "\"executed_lines\""]) => Format::CoveragePy,
        () if all(&["\"simplecov_version\""]) => Format::SimplecovJson,
        () if all(&["\"total\"", "\"lines\"", "\"covered\"", "\"pct\""]) => Format::IstanbulSummary,
        () if either("\"source_files\"") && all(&["\"coverage\""]) => Format::Coveralls,
        () if all(&["\"coveredLines\"", "\"executableLines\""]) => Format::Xccov,
        () if all(&["\"Lines\"", "\"Branches\""]) => Format::Coverlet,
        () => return by_shape(head),
    })
}

/// Codecov's JSON and SimpleCov's result set have no key of their own: the first keys tell.
fn by_shape(head: &[u8]) -> Option<Format> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
    };
    if !text.contains("\"coverage\"") {
        return None;
    }
    let tokens: Vec<&str> = shape(text);
    match tokens.as_slice() {
        ["{", "coverage", "{", _, "{" | "[", ..] => Some(Format::Codecov),
        ["{", _, "{", "coverage", "{", _, "[", ..] => Some(Format::SimplecovResultset),
        ["{", _, "{", "coverage", "{", _, "{", "lines", ..] => Some(Format::SimplecovResultset),
        _ => None,
    }
}

/// The first few braces, brackets and texts.
fn shape(text: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while tokens.len() < 8 {
        let Some(at) = rest.find(['{', '[', '"']) else { break };
        rest = &rest[at..];
        if let Some(inside) = rest.strip_prefix('"') {
            let Some(end) = inside.find('"') else { break };
            tokens.push(&inside[..end]);
            rest = &inside[end + 1..];
        } else {
            tokens.push(&rest[..1]);
            rest = &rest[1..];
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_not_the_name() {
        let cases = [
            ("TN:\nSF:/a.c\nDA:1,1\n", Some(Format::Lcov)),
            ("# made by hand\n\nSF:a.c\n", Some(Format::Lcov)),
            ("Some text about SF: nothing", None),
            ("mode: atomic\nm/a.go:1.1,2.2 1 1\n", Some(Format::Go)),
            ("mode: dark\n", None),
            (
                "<?xml version=\"1.0\" ?>\n<!DOCTYPE coverage\n SYSTEM 'x'>\n<coverage line-rate=\"1\">",
                Some(Format::Cobertura),
            ),
            (
                "\u{feff}<!-- <coverage clover=> --><coverage version=\"9\"><packages>",
                Some(Format::Cobertura),
            ),
            ("<coverage generated=\"1\"><project>", Some(Format::Clover)),
            ("<coverage version=\"1\">\n<file path=\"x\">", Some(Format::Sonar)),
            (
                "<!DOCTYPE report [<!ENTITY a \">\">]><report name=\"x\"><package name=\"p\">",
                Some(Format::Jacoco),
            ),
            ("<report><p>quarterly</p></report>", None),
            ("<root><CoverageSession>", Some(Format::Opencover)),
            ("<Root CoveredStatements=\"1\"", Some(Format::Dotcover)),
            ("<root><Root CoveredStatements=\"1\"", Some(Format::Dotcover)),
            ("<root><results><modules>", Some(Format::VisualStudio)),
            ("<project><coverage line-rate='1'/></project>", None),
            (
                "{\"data\":[{\"files\":[]}],\"type\":\"llvm.coverage.json.export\"}",
                Some(Format::LlvmCov),
            ),
            (
                "{\"total\": {\"lines\": {\"total\":1,\"covered\":1,\"skipped\":0,\"pct\":100}}}",
                Some(Format::IstanbulSummary),
            ),
            ("{\"/a.js\": {\"path\":\"/a.js\",\"statementMap\":{}}}", Some(Format::IstanbulJson)),
            ("{\"coverage\": {\"a.rs\": {\"1\": 1}}}", Some(Format::Codecov)),
            ("{\"coverage\": 5}", None),
            ("{\"scripts\": {\"coverage\": \"nyc\"}}", None),
            (
                "{\"RSpec\":{\"coverage\":{\"/a.rb\":{\"lines\":[1]}}}}",
                Some(Format::SimplecovResultset),
            ),
            ("{\"jest\":{\"coverage\":{\"threshold\":{\"global\":{\"lines\":80}}}}}", None),
            ("", None),
            ("<", None),
        ];
        for (text, format) in cases {
            assert_eq!(Format::of(text), format, "{text}");
        }
    }
}
