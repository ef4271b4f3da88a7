//! What of a rule file is clear without reading it as TOML. The build looks at every rule that comes
//! with the program, so this file uses nothing but the standard library.

/// Where the examples start: the first line that is `[[example]]`.
pub fn split(text: &str) -> usize {
    if text.starts_with("[[example]]") {
        return 0;
    }
    text.find("\n[[example]]").map_or(text.len(), |at| at + 1)
}

/// Whether the rule may have the parameter `today`.
pub fn is_dated(text: &str) -> bool {
    text.contains("\ntoday = ")
}
