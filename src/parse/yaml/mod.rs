//! YAML to a tree: every document of a stream, with the places where everything was written.
//!
//! A quick reader ([`fast`]) serves the plain subset that most files are; whatever it does not
//! know, or finds wrong, is read again from `granit-parser`'s events ([`events`]), so that all
//! error messages come from one place. A broken document loses itself, not its siblings.

mod build;
mod events;
mod fast;
mod scalar;

pub use build::Builder;
pub use fast::Label;

use crate::{
    document::{Problem, Tree, Trouble},
    parse::keys,
    source::Source,
};

/// Longer files are not read.
pub const MAX_BYTES: usize = 64 << 20;
/// Deeper nesting (aliases followed) is not read.
pub const MAX_DEPTH: u32 = 200;
/// How many nodes a document may have more than it writes when all its aliases are followed.
const MAX_ALIASED: u64 = 1_000_000;

/// Reads every document of a YAML stream. Never fails: what cannot be read is a problem.
pub fn parse(source: Source) -> (Tree, Vec<Problem>) {
    if source.text.len() > MAX_BYTES {
        let reason = format!("longer than {} MiB: not read", MAX_BYTES >> 20);
        let problem = Problem::at(&source, 0, Trouble::Limit, reason);
        return (Tree::new(source), vec![problem]);
    }
    if let Some(fast::Quick { mut tree, doubtful }) = fast::read(&source.text) {
        tree.source = source.into();
        let mut problems = keys::among(&mut tree, &doubtful);
        problems.sort();
        return (tree, problems);
    }
    let (mut tree, mut problems) = events::read(&source);
    tree.adopt(source);
    problems.extend(keys::repeated(&mut tree));
    problems.sort();
    (tree, problems)
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
