//! Whether a RUN leaves the caches of package managers in its layer.

use std::borrow::Cow;

use super::{cached, is_on};
use crate::{artifact::dockerfile::command::Command, parse::dockerfile::Head};

/// The flags with which `rm` takes folders.
const RECURSIVE: [&str; 3] = ["r", "R", "recursive"];

/// How a RUN treats what its package managers leave behind.
pub(super) struct Clean<'c, 's> {
    /// The RUN.
    pub(super) head: &'c Head,
    /// Its commands.
    pub(super) commands: &'c [Command<'s>],
    /// Which of them is the package manager's.
    pub(super) at: usize,
    /// `PIP_NO_CACHE_DIR` is on where it stands.
    pub(super) no_pip_cache: bool,
}

impl<'s> Clean<'_, 's> {
    fn later(&self) -> &[Command<'s>] {
        &self.commands[self.at + 1..]
    }

    /// Whether a command behind, or any, removes one of these paths or what contains it: folders go
    /// only with `-r`, what lies in them also by `*`.
    fn removes(commands: &[Command<'_>], paths: &[&str]) -> bool {
        let covers = |text: &str| {
            let text = text.trim_end_matches(['*', '/']).trim_end_matches('.');
            !text.is_empty()
                && paths.iter().any(|path| text.starts_with(path) || path.starts_with(text))
        };
        commands.iter().filter(|it| it.name.text == "rm").any(|it| {
            let is_deep = it.has_flag(&RECURSIVE);
            it.plain().any(|it| {
                it.text.starts_with('/') && (is_deep || it.text.contains('*')) && covers(&it.text)
            })
        })
    }

    /// Whether the RUN removes anything recursively; for yum and dnf behind the first of their
    /// commands, where `clean` counts as well.
    pub(super) fn is_swept(&self, manager: &str) -> bool {
        let own = &self.commands[self.at].name.text;
        let is_rpm = matches!(manager, "yum" | "dnf" | "microdnf");
        let first = self.commands.iter().position(|it| it.name.text == *own).filter(|_| is_rpm);
        self.commands[first.map_or(0, |it| it + 1)..].iter().any(|it| {
            is_rpm && it.name.text == *own && it.has_arg("clean")
                || it.name.text == "rm"
                    && (it.has_flag(&RECURSIVE)
                        || it.plain().any(|it| it.text.starts_with("/var/lib/apt")))
        })
    }

    fn runs_later(&self, name: &str, args: &[&str]) -> bool {
        self.later().iter().any(|it| it.name.text == name && args.iter().any(|arg| it.has_arg(arg)))
    }

    fn is_cached(&self, fits: impl Fn(&str) -> bool) -> bool {
        cached(self.head).any(fits)
    }

    /// Whether nothing that the manager caches stays in the layer.
    pub(super) fn is_clean(&self, manager: &str) -> bool {
        let own = &self.commands[self.at];
        let name = &*own.name.text;
        match manager {
            "apt-get" | "apt" | "aptitude" => {
                self.is_cached(|it| it == "/var/lib/apt/lists")
                    || (self.is_cached(|it| it == "/var/lib/apt")
                        && self.is_cached(|it| it == "/var/cache/apt"))
                    || Self::removes(self.commands, &["/var/lib/apt/lists"])
                    || self.commands.iter().any(|it| {
                        it.name.text == "find"
                            && it.args.iter().any(|it| it.text.starts_with("/var/lib/apt"))
                            || it.name.text == "apt-get" && it.has_arg("dist-clean")
                    })
            }
            "apk" => own.has_flag(&["no-cache"]) || self.is_cached(|it| it == "/var/cache/apk"),
            "pip" => {
                let on = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
                    name == "PIP_NO_CACHE_DIR" && is_on(value)
                };
                self.no_pip_cache
                    || own.has_flag(&["no-cache-dir"])
                    || self.is_cached(|it| it.contains("/.cache/pip"))
                    || self.commands.iter().any(|it| it.assignments.iter().any(on))
                    || self.commands.iter().any(|it| {
                        it.name.text == "export"
                            && it.args.iter().any(|it| {
                                it.text.strip_prefix("PIP_NO_CACHE_DIR=").is_some_and(is_on)
                            })
                    })
            }
            "yum" => {
                self.runs_later("yum", &["clean"])
                    || Self::removes(self.later(), &["/var/cache/yum"])
            }
            "dnf" | "microdnf" => {
                self.runs_later(name, &["clean"])
                    || Self::removes(
                        self.later(),
                        &["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"],
                    )
                    || self.is_cached(|it| it == "/var/cache/libdnf5")
            }
            "zypper" => {
                self.runs_later("zypper", &["clean", "cc"])
                    || self.is_cached(|it| it.starts_with("/var/cache/zypp"))
            }
            "yarn" => {
                self.later().iter().any(|it| it.name.text == "yarn" && it.has_arg("cache"))
                    || self.is_cached(|it| it.contains(".cache/yarn"))
            }
            _ => true,
        }
    }
}
