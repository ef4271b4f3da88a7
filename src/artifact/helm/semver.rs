//! Semantic versions and constraints, as Helm's library for them reads both.

/// A version; what is not written of its numbers is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major, minor, patch.
    pub numbers: [u64; 3],
    /// The parts of the pre-release.
    pub pre: Vec<String>,
    /// How many of the numbers were written.
    written: usize,
}

impl Version {
    /// A version from text such as `v1.32.0-rc.1+build`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next()?;
        let (core, pre) =
            text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        let mut version = Self { numbers: [0; 3], pre: Vec::new(), written: 0 };
        for part in core.split('.') {
            let wild = matches!(part, "x" | "X" | "*");
            if wild {
                break;
            }
            *version.numbers.get_mut(version.written)? = part.parse().ok()?;
            version.written += 1;
        }
        if let Some(pre) = pre {
            let is_part = |it: &str| {
                !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
            };
            version.pre = pre.split('.').map(str::to_owned).collect();
            version.pre.iter().all(|it| is_part(it)).then_some(())?;
        }
        Some(version)
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_pre = || match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => std::cmp::Ordering::Equal,
            (true, false) => std::cmp::Ordering::Greater,
            (false, true) => std::cmp::Ordering::Less,
            (false, false) => pre_order(&self.pre, &other.pre),
        };
        self.numbers.cmp(&other.numbers).then_with(by_pre)
    }
}

fn pre_order(left: &[String], right: &[String]) -> std::cmp::Ordering {
    for (left, right) in left.iter().zip(right) {
        let order = match (left.parse::<u64>(), right.parse::<u64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            (Ok(_), Err(_)) => std::cmp::Ordering::Less,
            (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
            (Err(_), Err(_)) => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

/// Whether a version satisfies a constraint (`>=1.19-0 <2 || ^3`); none if one of them cannot be
/// read.
pub fn satisfies(constraint: &str, version: &str) -> Option<bool> {
    let version = Version::parse(version).filter(|it| it.written > 0)?;
    let mut any = false;
    for alternative in constraint.split("||") {
        any |= all_of(alternative, &version)?;
    }
    Some(any)
}

fn all_of(constraint: &str, version: &Version) -> Option<bool> {
    if let Some((from, to)) = constraint.split_once(" - ") {
        let (from, to) = (Version::parse(from)?, Version::parse(to)?);
        return Some(holds(">=", &from, version) && holds("<=", &to, version));
    }
    let mut all = true;
    let mut rest = constraint.trim_matches(|it: char| it == ',' || it.is_whitespace());
    while !rest.is_empty() {
        let end = rest.find(|it| !"=!<>~^".contains(it)).unwrap_or(rest.len());
        let (operator, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|it: char| it == ',' || it.is_whitespace()).unwrap_or(after.len());
        let wanted = Version::parse(&after[..end])?;
        all &= holds(operator, &wanted, version);
        rest = after[end..].trim_start_matches(|it: char| it == ',' || it.is_whitespace());
    }
    Some(all)
}

/// Pre-releases satisfy only constraints that name one.
fn holds(operator: &str, wanted: &Version, version: &Version) -> bool {
    if !version.pre.is_empty() && wanted.pre.is_empty() {
        return false;
    }
    let order = version.order(wanted);
    let same = |count: usize| version.numbers[..count] == wanted.numbers[..count];
    let written = wanted.written;
    match operator {
        ">" if written < 3 => order.is_gt() && !same(written),
        ">" => order.is_gt(),
        ">=" | "=>" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" | "=<" => order.is_le() || written < 3 && same(written),
        "!=" => !(order.is_eq() || written < 3 && same(written)),
        "~" | "~>" => order.is_ge() && same(written.min(2)),
        "^" => order.is_ge() && same(first_that_counts(wanted)),
        _ => order.is_eq() || written < 3 && same(written),
    }
}

/// `^1.2` keeps the major, `^0.2` the minor, `^0.0.2` everything.
fn first_that_counts(wanted: &Version) -> usize {
    let first = wanted.numbers.iter().position(|it| *it > 0).map_or(3, |at| at + 1);
    first.min(wanted.written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_hold_as_in_helm() {
        for (constraint, version, holds) in [
            (">=1.19-0", "v1.32.0", true),
            (">=1.19", "v1.32.0-gke.1", false),
            (">=1.19-0", "v1.32.0-gke.1", true),
            ("^1.2.3", "1.9.0", true),
            ("^1.2.3", "2.0.0", false),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            ("~1.2", "1.3.0", false),
            ("1.x", "1.5.0", true),
            ("*", "1.5.0", true),
            (">= 1.2, < 2", "1.5.0", true),
            (">=1.2 <2", "2.0.0", false),
            ("<1 || >=2", "2.1.0", true),
            ("1.2 - 1.4", "1.3.0", true),
            ("!=1.3", "1.3.5", false),
            ("=1.2.3", "1.2.3", true),
            (">1.2", "1.2.5", false),
        ] {
            assert_eq!(satisfies(constraint, version), Some(holds), "{constraint} {version}");
        }
        assert_eq!(satisfies(">=1", "latest"), None);
        assert_eq!(satisfies("abc", "1.0.0"), None);
        assert_eq!(satisfies(">=1", ""), None);
    }
}
