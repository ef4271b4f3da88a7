//! How much memory a container tells its runtime to use: the heap of the JVM and of Node, the soft
//! limit of Go.

use super::manifest::Container;
use crate::document::Node;

/// A flag that names an amount of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heap<'a> {
    /// Where it is written.
    pub(super) node: Node<'a>,
    /// The flag, as written.
    pub(super) flag: &'a str,
    /// The bytes it asks for.
    pub(super) bytes: i64,
}

/// Variables that hold flags of a runtime.
const VARIABLES: [&str; 5] =
    ["JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "NODE_OPTIONS"];

/// The flags of a container that name an amount of memory for certain.
pub(super) fn heaps<'a>(container: Container<'a>) -> Vec<Heap<'a>> {
    let raw = container.raw();
    let list = |key: &str| raw.get(key).into_iter().flat_map(Node::children);
    let mut found = Vec::new();
    for it in list("command").chain(list("args")) {
        found.extend(
            it.as_str()
                .into_iter()
                .flat_map(str::split_whitespace)
                .filter_map(|flag| Some(Heap { node: it, flag, bytes: bytes(flag)? })),
        );
    }
    for variable in list("env") {
        let (Some(name), Some(value)) = (variable.str("name"), variable.get("value")) else {
            continue;
        };
        let Some(text) = value.as_str() else { continue };
        if VARIABLES.contains(&name) {
            let flags = text.split_whitespace();
            found.extend(
                flags.filter_map(|flag| Some(Heap { node: value, flag, bytes: bytes(flag)? })),
            );
        } else if name == "GOMEMLIMIT" {
            found.extend(go(text).map(|bytes| Heap { node: value, flag: text, bytes }));
        }
    }
    found
}

fn bytes(flag: &str) -> Option<i64> {
    if let Some(size) = flag.strip_prefix("-Xmx").or_else(|| flag.strip_prefix("-XX:MaxHeapSize="))
    {
        return java(size);
    }
    let old = flag.strip_prefix("--max-old-space-size=");
    let old = old.or_else(|| flag.strip_prefix("--max_old_space_size="));
    old.and_then(|it| it.parse::<i64>().ok()?.checked_mul(1 << 20))
}

fn java(size: &str) -> Option<i64> {
    let digits = size.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match size[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(1 << shift)
}

fn go(size: &str) -> Option<i64> {
    let digits = size.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match &size[digits.len()..] {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_each_runtime_reads_them() {
        assert_eq!(bytes("-Xmx2g"), Some(2 << 30));
        assert_eq!(bytes("-Xmx512M"), Some(512 << 20));
        assert_eq!(bytes("--max-old-space-size=4096"), Some(4 << 30));
        assert_eq!(go("750MiB"), Some(750 << 20));
        assert_eq!((bytes("-Xms1g"), bytes("-Xmx${HEAP}"), go("off")), (None, None, None));
        assert_eq!(bytes("-Xmx99999999999999999t"), None);
    }
}
