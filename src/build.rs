//! Embeds every rule file under `rules/` into the binary: being in the folder is the registration.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=rules");
    let mut files = Vec::new();
    collect(Path::new("rules"), &mut files);
    files.sort_by(|a, b| a.trim_end_matches(".toml").cmp(b.trim_end_matches(".toml")));
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets the manifest directory");
    let mut code = String::from("pub(super) const BUILTIN: &[(&str, &str)] = &[\n");
    for file in files {
        let id = file.trim_start_matches("rules/").trim_end_matches(".toml");
        let path = Path::new(&root).join(&file);
        writeln!(code, "    ({id:?}, include_str!({path:?})),").expect("writing to a string");
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets the output directory");
    fs::write(Path::new(&out).join("rules.rs"), code).expect("the output directory is writable");
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
