//! What the commands of a Dockerfile ask of package managers, found once.

use super::Known;
use crate::artifact::dockerfile::{
    command::Command,
    package::{self, Install},
};

/// For each step, the commands that are package managers', by their places, and what they ask.
pub(super) struct Installs<'c, 's>(Vec<Vec<(usize, Install<'c, 's>)>>);

impl<'c, 's> Installs<'c, 's> {
    /// What the commands of all steps ask, with what is known where each step stands.
    pub(super) fn of(commands: &'c [Vec<Command<'s>>], scopes: &[Known]) -> Self {
        let of_step = |(commands, known): (&'c Vec<Command<'s>>, &Known)| {
            let is_known = |name: &str| known.names.contains(name);
            let all = commands.iter().enumerate();
            all.filter_map(|(at, it)| Some((at, package::install(it, &is_known)?))).collect()
        };
        Self(commands.iter().zip(scopes).map(of_step).collect())
    }

    /// What the commands of a step ask.
    pub(super) fn of_step(&self, index: usize) -> &[(usize, Install<'c, 's>)] {
        &self.0[index]
    }

    /// Whether another step installs packages of apt without refreshing the lists that this one
    /// would drop.
    pub(super) fn needs_lists(&self, index: usize) -> bool {
        let mut others = self.0.iter().enumerate().filter(|it| it.0 != index);
        others.any(|(_, asked)| {
            let mut verbs = asked.iter().map(|it| &it.1);
            let first = verbs.find(|it| matches!(it.manager, "apt-get" | "apt" | "aptitude"));
            first.is_some_and(|it| it.verb != "update")
        })
    }
}
