//! The formats of coverage reports, and how the start of a text tells which one it is.

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `info` files of lcov and its many followers.
    Lcov,
}
