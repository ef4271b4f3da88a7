//! `action.yml` says what `seaworthy github` can do: no more, no less.

use std::{collections::BTreeSet, fs, process::Command};

use serde_yaml::Value;

/// What the action needs and the command does not know.
const OF_THE_ACTION: [&str; 4] = ["version", "mirror", "binary", "token"];

const OUTPUTS: [&str; 9] = [
    "comment-url",
    "conclusion",
    "errors",
    "new",
    "notices",
    "report-json",
    "sarif-file",
    "score",
    "warnings",
];

fn action() -> Value {
    serde_yaml::from_str(&fs::read_to_string("action.yml").unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_mapping().unwrap().keys().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn help() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy")).args(["github", "--help"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn each_input_is_an_option_and_each_option_an_input() {
    let help = help();
    let options = help.lines().filter_map(|it| it.trim_start().split_once("--"));
    let options = options.filter(|(before, _)| before.is_empty() || before.ends_with(", "));
    let mut expected: BTreeSet<_> = options
        .map(|(_, it)| it.split([' ', '=']).next().unwrap().to_owned())
        .filter(|it| it != "help")
        .collect();
    expected.extend(OF_THE_ACTION.map(str::to_owned));
    assert_eq!(keys(&action()["inputs"]), expected);
}

#[test]
fn inputs_have_the_defaults_of_the_options() {
    let (help, action) = (help(), action());
    for (name, input) in action["inputs"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let text = help.split(&format!("--{name} ")).nth(1).unwrap_or("");
        let text = text.split("\n      --").next().unwrap_or("");
        let default = text.split("[default: ").nth(1).and_then(|it| it.split(']').next());
        if let Some(default) = default.filter(|it| !it.is_empty()) {
            assert_eq!(input["default"].as_str(), Some(default), "{name}");
        }
    }
}

#[test]
fn inputs_travel_in_the_environment_and_never_in_a_script() {
    let action = action();
    let steps = action["runs"]["steps"].as_sequence().unwrap();
    for step in steps {
        let run = step["run"].as_str().unwrap_or("");
        assert!(!run.contains("${{"), "{run}");
        assert!(step["uses"].is_null(), "the action uses no other");
    }
    let last = steps.last().unwrap();
    for input in keys(&action["inputs"]).iter().filter(|it| !OF_THE_ACTION.contains(&it.as_str())) {
        let name = format!("SEAWORTHY_{}", input.replace('-', "_").to_uppercase());
        let expected = format!("${{{{ inputs.{input} }}}}");
        assert_eq!(last["env"][&*name].as_str(), Some(&*expected), "{name}");
    }
    assert_eq!(last["env"]["SEAWORTHY_TOKEN"].as_str(), Some("${{ inputs.token }}"));
}

#[test]
fn outputs_are_those_of_the_run() {
    let action = action();
    let outputs = keys(&action["outputs"]);
    assert_eq!(outputs.iter().map(String::as_str).collect::<Vec<_>>(), OUTPUTS);
    for name in outputs {
        let value = action["outputs"][&*name]["value"].as_str().unwrap().to_owned();
        assert_eq!(value, format!("${{{{ steps.run.outputs.{name} }}}}"));
    }
}

#[test]
fn the_readme_names_every_input_and_output() {
    let (action, readme) = (action(), fs::read_to_string("README.md").unwrap());
    for name in keys(&action["inputs"]).into_iter().chain(keys(&action["outputs"])) {
        assert!(readme.contains(&format!("`{name}`")), "README.md lacks `{name}`");
    }
}
