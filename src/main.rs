//! Arguments in, text and exit code out; the only file that prints.

fn main() {}
