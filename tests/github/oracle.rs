//! Programs and texts of others that judge what we do. `.ci/oracles` installs them below
//! `target/oracles`; where one is not there, its tests say so and judge nothing, unless
//! `SEAWORTHY_ORACLES=required` makes that an error.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// A file below the folder of oracles; nothing, said aloud, if it is not there.
pub fn find(path: &str, what: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracles").join(path);
    if place.exists() {
        return Some(place);
    }
    let word = format!("NOT JUDGED by {what}: run .ci/oracles to install it\n");
    assert!(std::env::var_os("SEAWORTHY_ORACLES").is_none_or(|it| it != "required"), "{word}");
    // Not through `eprintln!`, which the test harness keeps to itself.
    let _ = std::io::stderr().write_all(word.as_bytes());
    None
}
