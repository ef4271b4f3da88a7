//! A pipeline as its readers ask about it, whichever system runs it.

use super::System;
use crate::{document::Id, source::Span};

/// Text with the place where it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: Span,
}

/// A pipeline: one file.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) system: System,
    /// The map it is written in.
    pub(super) raw: Id,
    pub(super) place: Span,
    pub(super) name: String,
    pub(super) events: Vec<Event>,
    /// Whether it runs before a change is merged.
    pub(super) on_change: bool,
    pub(super) permissions: Option<Id>,
    pub(super) jobs: Vec<Job>,
    /// Whether a part of it lies in other files that are not read.
    pub(super) open: bool,
}

/// What starts a pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) name: Text,
    /// Its filters, where it has some.
    pub(super) raw: Option<Id>,
    /// The branches it is for; none for all.
    pub(super) branches: Vec<String>,
    /// The tags it is for; none for none or all.
    pub(super) tags: Vec<String>,
    /// Where `paths` or `paths-ignore` keep it from running.
    pub(super) paths: Option<Id>,
}

/// A job.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) id: Text,
    pub(super) raw: Id,
    pub(super) name: String,
    pub(super) stage: String,
    pub(super) needs: Vec<Text>,
    pub(super) condition: Option<Text>,
    /// No event that starts the pipeline meets its condition.
    pub(super) never: bool,
    /// Its condition does not look at anything: it always holds.
    pub(super) always: bool,
    /// Whether it runs before a change is merged.
    pub(super) on_change: bool,
    /// Where its failure is told not to count.
    pub(super) tolerated: Option<Span>,
    /// Somebody has to start it by hand.
    pub(super) manual: bool,
    pub(super) environment: Option<Text>,
    pub(super) runs_on: String,
    /// The pipeline that it is: `./.github/workflows/x.yml`, or one of another repository.
    pub(super) calls: Option<Text>,
    pub(super) permissions: Option<Id>,
    pub(super) image: Option<Text>,
    pub(super) services: Vec<Image>,
    pub(super) steps: Vec<Step>,
}

/// An image that a job runs in or beside.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) image: Text,
}

/// A step: an action that is used, or a script.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) raw: Id,
    pub(super) place: Span,
    pub(super) uses: Option<Text>,
    pub(super) condition: Option<Text>,
    pub(super) never: bool,
    pub(super) always: bool,
    pub(super) tolerated: Option<Span>,
    /// What its shell reads; none for actions and for shells that we do not read.
    pub(super) script: Option<Text>,
    /// A shell that we do not read: PowerShell, Python, ….
    pub(super) foreign: bool,
    pub(super) commands: Vec<Command>,
    /// What it does, by its action; see [`super::role`].
    pub(super) role: &'static str,
    /// The action is told to succeed whatever it finds.
    pub(super) toothless: Option<Text>,
    /// A later step looks at what it found.
    pub(super) consumed: bool,
}

/// A simple command.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) place: Span,
    pub(super) text: String,
    pub(super) name: String,
    pub(super) words: Vec<String>,
    pub(super) folder: Option<String>,
    /// Why its failure does not fail the step.
    pub(super) hidden: Option<String>,
    /// It only prints or prepares.
    pub(super) idle: bool,
    /// What it does; see [`super::role`].
    pub(super) role: &'static str,
    /// The flag that makes it succeed whatever it finds.
    pub(super) toothless: String,
    /// A later command or step looks at what it found.
    pub(super) consumed: bool,
    /// The goals, if it calls make.
    pub(super) goals: Option<Vec<String>>,
}
