//! How the runner of GitHub Actions finds commands in a log: a port of its two parsers, and of what
//! `stop-commands` does to them (actions/runner, ActionCommand.cs and ActionCommandManager.cs).

/// A command that the runner would carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub name: String,
    /// What stands between the name and the data.
    pub properties: String,
    pub data: String,
}

const NAMES: [&str; 16] = [
    "add-mask",
    "add-matcher",
    "remove-matcher",
    "debug",
    "warning",
    "error",
    "notice",
    "group",
    "endgroup",
    "echo",
    "save-state",
    "set-output",
    "stop-commands",
    "set-env",
    "add-path",
    "internal-set-repo-path",
];

/// The commands in a log, but for those that only stop and resume.
pub fn commands(log: &str) -> Vec<Command> {
    let mut found = Vec::new();
    let mut stopped: Option<String> = None;
    // The runner reads lines as .NET does: `\r` alone ends one too.
    for line in log.split(['\n', '\r']) {
        let is_name = |it: &str| NAMES.contains(&it) || stopped.as_deref() == Some(it);
        let Some(command) = second(line, is_name).or_else(|| first(line, is_name)) else {
            continue;
        };
        match &stopped {
            Some(token) if command.name == *token => stopped = None,
            Some(_) => {}
            None if command.name == "stop-commands" => stopped = Some(command.data),
            None => found.push(command),
        }
    }
    assert_eq!(stopped, None, "commands are stopped for the rest of the job");
    found
}

fn command(info: &str, data: &str, is_name: impl Fn(&str) -> bool) -> Option<Command> {
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let (properties, data) = (properties.to_owned(), data.to_owned());
    is_name(name).then(|| Command { name: name.to_owned(), properties, data })
}

/// `::name properties::data`, at the start of a line.
fn second(line: &str, is_name: impl Fn(&str) -> bool) -> Option<Command> {
    let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    command(info, data, is_name)
}

/// `##[name properties]data`, anywhere in a line.
fn first(line: &str, is_name: impl Fn(&str) -> bool) -> Option<Command> {
    let (info, data) = line[line.find("##[")? + 3..].split_once(']')?;
    command(info, data, is_name)
}

#[test]
fn commands_are_found_as_the_runner_finds_them() {
    let log = "::error file=a::b\n  ::warning::c\nx ::error::d\ny ##[add-mask]e\r::unknown::f\n\
               ::stop-commands::t\n::error::g\n##[error]h\n::t::\n::notice::i\n";
    let found: Vec<_> = commands(log).into_iter().map(|it| it.name + " " + &it.data).collect();
    assert_eq!(found, ["error b", "warning c", "add-mask e", "notice i"]);
}
