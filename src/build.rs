//! Embeds every rule file under `rules/` into the binary: being in the folder is the registration.
//! The checklist is embedded as JSON, which is quicker to read at every start than TOML.

use std::{env, fmt::Write as _, fs, path::Path};

#[path = "rule/glance.rs"]
mod glance;

fn main() {
    println!("cargo::rerun-if-changed=rules");
    let mut files = Vec::new();
    collect(Path::new("rules"), &mut files);
    files.sort_by(|a, b| a.trim_end_matches(".toml").cmp(b.trim_end_matches(".toml")));
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets the manifest directory");
    let mut code = String::from("static BUILTIN: &[Builtin] = &[\n");
    for file in files {
        let id = file.trim_start_matches("rules/").trim_end_matches(".toml");
        let path = Path::new(&root).join(&file);
        let text = fs::read_to_string(&file).expect("rule files are readable");
        let (first, dated) = (first_look(&text), glance::is_dated(&text));
        let seen = format!("first: {first:?}, dated: {dated}");
        writeln!(code, "    Builtin {{ id: {id:?}, text: include_str!({path:?}), {seen} }},")
            .expect("writing to a string");
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets the output directory");
    let write = |name: &str, text: String| {
        fs::write(Path::new(&out).join(name), text).expect("the output directory is writable");
    };
    write("rules.rs", code);
    let text = fs::read_to_string("rules/checklist.toml").expect("the checklist is readable");
    let checklist: serde_json::Value = toml::from_str(&text).expect("the checklist is TOML");
    write("checklist.json", checklist.to_string());
}

/// The names of the profile and the view of a rule, if both are clear at first sight.
fn first_look(text: &str) -> Option<(&str, &str)> {
    let head = &text[..glance::split(text)];
    let profile = word(head, "profile").ok()?.unwrap_or("default");
    Some((profile, word(head, "subject").ok()??))
}

/// The word that a rule file without its examples gives for `key`. Nothing, if the file does not
/// have the key; an error, if it is not clear.
fn word<'t>(head: &'t str, key: &str) -> Result<Option<&'t str>, ()> {
    let mut lines = head.match_indices(key).map(|it| it.0).filter(|&at| {
        let before = head[..at].chars().next_back();
        before.is_none_or(|it| it == '\n') && head[at + key.len()..].trim_start().starts_with('=')
    });
    let Some(at) = lines.next() else { return Ok(None) };
    let value = head[at..].lines().next().and_then(|it| it.split_once('=')).map_or("", |it| it.1);
    let word = value.trim().strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let is_plain = |it: &&str| !it.contains(['"', '\\']) && !it.is_empty();
    word.filter(is_plain).filter(|_| lines.next().is_none()).map(Some).ok_or(())
}

/// Rule files lie in the folders below `rules/`; what lies in `rules/` itself (the checklist, the
/// schema) is no rule.
fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("rules/ is readable") {
        let path = entry.expect("rules/ is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "toml")
            && path.parent() != Some(Path::new("rules"))
        {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
}
