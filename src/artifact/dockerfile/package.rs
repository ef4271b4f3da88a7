//! What is known of package managers: what a command installs, and how carefully.

use super::command::{Command, Word};

/// What a command asks of a package manager.
#[derive(Debug)]
pub struct Install<'c, 's> {
    /// `apt-get`, `apk`, `pip`, `pipx`, `npm`, `gem`, `yum`, `dnf`, `zypper`, `yarn`, `go`.
    pub manager: &'static str,
    /// `install`, `update` (of the index), `upgrade`, `remove`.
    pub verb: &'static str,
    /// What is installed, and whether its version is given.
    pub packages: Vec<(&'c Word<'s>, bool)>,
    /// It answers its own questions, or never asks.
    pub unattended: bool,
    /// It names exactly the verb of the manager: `install`, not one of its synonyms.
    pub is_plain: bool,
}

/// What the command asks, if it is a package manager's. `variables` are names whose values are
/// known to be set where the command runs.
pub fn install<'c, 's>(
    command: &'c Command<'s>,
    variables: &dyn Fn(&str) -> bool,
) -> Option<Install<'c, 's>> {
    match &*command.name.text {
        "apt-get" | "apt" | "aptitude" => apt(command),
        "apk" => apk(command),
        "npm" => npm(command),
        "gem" => gem(command),
        "yum" => yum(command, variables),
        "dnf" | "microdnf" => dnf(command, variables),
        "zypper" => zypper(command),
        "yarn" => yarn(command),
        "go" => go(command),
        name if name.starts_with("pip") || name.starts_with("python") => pip(command),
        _ => None,
    }
}

/// Whether a variable that is set gives the version of a package: `name-$VERSION`.
pub fn takes_variables(command: &Command<'_>) -> bool {
    matches!(&*command.name.text, "yum" | "dnf" | "microdnf")
}

fn plain<'c, 's>(manager: &'static str, verb: &'static str) -> Install<'c, 's> {
    Install { manager, verb, packages: Vec::new(), unattended: true, is_plain: true }
}

fn judged<'c, 's>(
    words: Vec<&'c Word<'s>>,
    pinned: impl Fn(&str) -> bool,
) -> Vec<(&'c Word<'s>, bool)> {
    words.into_iter().map(|it| (it, pinned(&it.text))).collect()
}

fn without<'c, 's>(words: Vec<&'c Word<'s>>, verbs: &[&str]) -> Vec<&'c Word<'s>> {
    words.into_iter().filter(|it| !verbs.contains(&&*it.text)).collect()
}

fn apt<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    let manager = match &*it.name.text {
        "apt-get" => "apt-get",
        "apt" => "apt",
        _ => "aptitude",
    };
    if it.has_arg("update") {
        return Some(plain(manager, "update"));
    }
    if it.has_arg("upgrade") || it.has_arg("dist-upgrade") || it.has_arg("full-upgrade") {
        return Some(Install { unattended: apt_unattended(it), ..plain(manager, "upgrade") });
    }
    if !it.has_arg("install") {
        return None;
    }
    let words = without(it.operands(&["t", "target-release", "o", "option"]), &["install"]);
    let pinned = |text: &str| text.contains(['=', '/']) || text.ends_with(".deb");
    Some(Install {
        packages: judged(words, pinned),
        unattended: apt_unattended(it),
        ..plain(manager, "install")
    })
}

fn apt_unattended(it: &Command<'_>) -> bool {
    let count = |name: &str| it.flags().filter(|it| *it == name).count();
    it.has_flag(&["y", "yes", "assume-yes"])
        || count("q") > 1
        || count("quiet") > 1
        || it.has_arg("-q=2")
        // It only shows what it would do.
        || it.has_arg("-s")
        || it.has_flag(&["simulate", "dry-run", "just-print", "recon", "no-act", "print-uris"])
}

fn apk<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    if it.has_arg("add") {
        let words = without(
            it.operands(&["t", "virtual", "X", "repository", "repositories-file"]),
            &["add"],
        );
        let pinned = |text: &str| text.contains(['=', '~', '<', '>']) || text.ends_with(".apk");
        return Some(Install { packages: judged(words, pinned), ..plain("apk", "install") });
    }
    let verb = ["update", "upgrade"].into_iter().find(|verb| it.has_arg(verb))?;
    Some(plain("apk", verb))
}

/// The flags of pip whose values are words of their own.
const PIP_VALUES: [&str; 25] = [
    "abi",
    "b",
    "build",
    "e",
    "editable",
    "extra-index-url",
    "f",
    "find-links",
    "i",
    "index-url",
    "implementation",
    "no-binary",
    "only-binary",
    "platform",
    "prefix",
    "progress-bar",
    "proxy",
    "python",
    "python-version",
    "root",
    "src",
    "t",
    "target",
    "trusted-host",
    "upgrade-strategy",
];

fn pip<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    let name = &*it.name.text;
    let is_module = name.starts_with("python")
        && it.args.windows(2).any(|pair| pair[0].text == "-m" && pair[1].text == "pip");
    let is_pip = name.starts_with("pip") && !name.starts_with("pipenv");
    let manager = if name == "pipx" { "pipx" } else { "pip" };
    if !(is_pip || is_module) || !it.has_arg("install") {
        return None;
    }
    let values: Vec<_> = PIP_VALUES.into_iter().chain(["root-user-action"]).collect();
    let words = without(it.operands(&values), &["install", "--"]);
    let words = words.into_iter().filter(|it| !is_module || it.text != "pip").collect();
    let locked =
        it.has_arg("-r") || it.has_flag(&["r", "c", "requirement", "constraint", "require-hashes"]);
    let pinned = |text: &str| locked || is_pinned_python(text);
    Some(Install { packages: judged(words, pinned), ..plain(manager, "install") })
}

fn is_pinned_python(text: &str) -> bool {
    let is_repository = ["git+", "svn+", "hg+", "bzr+"].iter().any(|it| text.starts_with(it));
    if is_repository {
        return text.contains('@');
    }
    ["==", ">=", "<=", ">", "<", "!=", "~=", "==="].iter().any(|it| text.contains(it))
        || text.contains('/')
        || text == "."
        || text.ends_with(".whl")
        || text.ends_with(".tar.gz")
}

fn npm<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    let words = it.operands(&["loglevel", "registry"]);
    if words.first().is_none_or(|it| it.text != "install") {
        return None;
    }
    let words = without(words, &["install"]);
    Some(Install { packages: judged(words, is_pinned_node), ..plain("npm", "install") })
}

fn is_pinned_node(text: &str) -> bool {
    let is_repository = ["git://", "git+ssh://", "git+http://", "git+https://"]
        .iter()
        .any(|it| text.starts_with(it));
    if is_repository {
        return text.contains('#');
    }
    text.char_indices().any(|(at, it)| it == '@' && at > 0)
        || ["/", "./", "../", "~/"].iter().any(|it| text.starts_with(it))
        || [".tar", ".tar.gz", ".tgz"].iter().any(|it| text.ends_with(it))
}

fn gem<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    if !it.has_arg("install") && !it.has_arg("i") {
        return None;
    }
    let versioned = it.has_flag(&["v", "version"]);
    let mut packages = Vec::new();
    let mut is_value = false;
    for word in &it.args {
        if std::mem::take(&mut is_value) {
            continue;
        }
        if word.text == "--" {
            break;
        }
        if word.text.starts_with('-') {
            is_value = !word.text.contains('=');
        } else if word.text != "install" && word.text != "i" {
            packages.push((word, versioned || word.text.contains(':')));
        }
    }
    Some(Install { packages, ..plain("gem", "install") })
}

fn yum<'c, 's>(it: &'c Command<'s>, variables: &dyn Fn(&str) -> bool) -> Option<Install<'c, 's>> {
    if !["install", "groupinstall", "localinstall"].iter().any(|verb| it.has_arg(verb)) {
        let verb = ["update", "upgrade"].into_iter().find(|verb| it.has_arg(verb))?;
        return Some(Install {
            unattended: yes(it),
            ..plain("yum", if verb == "update" { "upgrade" } else { verb })
        });
    }
    let packages = if it.has_arg("install") { rpm_packages(it, variables) } else { Vec::new() };
    Some(Install {
        packages,
        unattended: yes(it),
        is_plain: it.has_arg("install"),
        ..plain("yum", "install")
    })
}

fn yes(it: &Command<'_>) -> bool {
    it.has_flag(&["y", "assumeyes"])
}

/// What a layer of dnf keeps its cache for.
const DNF_VERBS: [&str; 10] = [
    "install",
    "in",
    "reinstall",
    "rei",
    "upgrade",
    "up",
    "upgrade-minimal",
    "up-min",
    "groupinstall",
    "localinstall",
];

fn dnf<'c, 's>(it: &'c Command<'s>, variables: &dyn Fn(&str) -> bool) -> Option<Install<'c, 's>> {
    let manager = if it.name.text == "dnf" { "dnf" } else { "microdnf" };
    let verb = it.plain().find_map(|it| DNF_VERBS.iter().find(|verb| **verb == it.text))?;
    let asks = ["install", "groupinstall", "localinstall"].iter().any(|verb| it.has_arg(verb));
    let is_group = it.plain().next().is_some_and(|it| it.text == "group");
    let packages =
        if it.has_arg("install") && !is_group { rpm_packages(it, variables) } else { Vec::new() };
    let is_upgrade = matches!(*verb, "upgrade" | "up" | "upgrade-minimal" | "up-min");
    Some(Install {
        packages,
        unattended: !asks || yes(it),
        is_plain: !matches!(*verb, "groupinstall" | "localinstall"),
        ..plain(manager, if is_upgrade { "upgrade" } else { "install" })
    })
}

fn rpm_packages<'c, 's>(
    it: &'c Command<'s>,
    variables: &dyn Fn(&str) -> bool,
) -> Vec<(&'c Word<'s>, bool)> {
    let is_module = it.plain().any(|it| it.text == "module");
    let verbs: &[&str] = if is_module { &["install", "module"] } else { &["install"] };
    let pinned = |text: &str| {
        if is_module { text.contains(':') } else { is_pinned_rpm(text, variables) }
    };
    judged(without(it.plain().collect(), verbs), pinned)
}

/// `name-1.2-3.el9`, or a name with a `-` and a variable that is set.
fn is_pinned_rpm(text: &str, variables: &dyn Fn(&str) -> bool) -> bool {
    let is_version = |it: char| it.is_ascii_alphanumeric() || "+._~^:-".contains(it);
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('-') {
        if behind.starts_with(|it: char| it.is_ascii_digit()) && behind.chars().all(is_version) {
            return true;
        }
        rest = behind;
    }
    text.contains('-') && super::variable::names(text).any(variables)
}

fn zypper<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    let unattended = it.has_flag(&["n", "non-interactive", "no-confirm", "y"]);
    if it.has_arg("install") || it.has_arg("in") {
        let words = without(it.plain().collect(), &["install", "in"]);
        let pinned = |text: &str| text.contains(['=', '<', '>']) || text.ends_with(".rpm");
        let packages = judged(words, pinned);
        return Some(Install { packages, unattended, ..plain("zypper", "install") });
    }
    let is = |verbs: &[&str]| verbs.iter().any(|verb| it.has_arg(verb));
    if is(&["dist-upgrade", "dup"]) {
        return Some(Install { unattended, ..plain("zypper", "upgrade") });
    }
    is(&["remove", "rm", "source-install", "si", "patch"])
        .then(|| Install { unattended, ..plain("zypper", "remove") })
}

fn yarn<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    it.has_arg("install").then(|| plain("yarn", "install"))
}

fn go<'c, 's>(it: &'c Command<'s>) -> Option<Install<'c, 's>> {
    let words: Vec<&Word<'_>> = it.plain().collect();
    let at = words.iter().position(|it| matches!(&*it.text, "install" | "get" | "run"))?;
    if words[..at].iter().any(|it| matches!(&*it.text, "tool" | "mod" | "build")) {
        return None;
    }
    let mut words = words[at + 1..].to_vec();
    if it.has_arg("run") {
        words.truncate(1);
    }
    let pinned = |text: &str| {
        let versioned =
            text.contains('@') && !text.ends_with("@latest") && !text.ends_with("@none");
        versioned || text.starts_with(['.', '/']) || text.ends_with(".go")
    };
    Some(Install { packages: judged(words, pinned), ..plain("go", "install") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artifact::dockerfile::command, parse::dockerfile};

    /// Manager, whether it never asks, and the packages without a version, of the first command.
    fn seen(script: &str) -> (&'static str, bool, Vec<String>) {
        let text = format!("RUN {script}");
        let file = dockerfile::read(&text);
        let it = &file.instructions[0];
        let commands = command::read(&text, it, &it.head.arguments);
        let found = install(&commands[0], &|name| name == "SET").unwrap();
        let loose =
            found.packages.iter().filter(|it| !it.1).map(|it| it.0.text.to_string()).collect();
        (found.manager, found.unattended, loose)
    }

    #[test]
    fn packages_without_a_version_are_found() {
        for (script, manager, loose) in [
            ("apt-get -y install -t x a=1 ./b.deb c", "apt-get", vec!["c"]),
            ("apk add -t .deps a~1 'b<2' c", "apk", vec!["c"]),
            (
                "python3 -m pip install -i https://x a==1 b . git+https://c/d",
                "pip",
                vec!["b", "git+https://c/d"],
            ),
            ("pip install -r list a", "pip", vec![]),
            ("npm install @a/b@1 @c/d ./e git://f/g#h", "npm", vec!["@c/d"]),
            ("gem install a:1 b -- --with-c", "gem", vec!["b"]),
            ("gem install --no-ri --no-rdoc b", "gem", vec!["b"]),
            ("yum install -y a-1.2 b-c d-$SET e-$UNSET", "yum", vec!["b-c", "e-$UNSET"]),
            ("dnf module install -y a:1 b", "dnf", vec!["b"]),
            ("zypper -n in 'a>=1' b.rpm c", "zypper", vec!["c"]),
            ("go run x.org/a@latest b", "go", vec!["x.org/a@latest"]),
        ] {
            let found = seen(script);
            assert_eq!(
                (found.0, found.2),
                (manager, loose.iter().map(|it| (*it).to_owned()).collect()),
                "{script}"
            );
        }
    }

    #[test]
    fn what_asks_is_told_apart() {
        for quiet in [
            "apt-get install -qq a",
            "apt-get -y install a",
            "yum -yq install a",
            "zypper --non-interactive in a",
        ] {
            assert!(seen(quiet).1, "{quiet}");
        }
        for asks in ["apt-get install -q a", "dnf install a", "zypper rm a"] {
            assert!(!seen(asks).1, "{asks}");
        }
    }
}
