//! What fixes write: texts that are there only where the change is certain.

use super::{Facts, Installs, Out, Step};
use crate::{
    artifact::dockerfile::{command::Command, stage},
    parse::shell::Then,
    source::Span,
};

/// What a shell does itself, and what only means something to a shell.
const BUILTINS: [&str; 10] =
    [".", "cd", "eval", "exec", "export", "set", "source", "trap", "ulimit", "umask"];

/// Users that base images bring along: the user, the image, the number.
const KNOWN_USERS: [(&str, &str, &str); 5] = [
    ("node", "node", "1000"),
    ("nobody", "alpine", "65534"),
    ("nobody", "debian", "65534"),
    ("nobody", "ubuntu", "65534"),
    ("postgres", "postgres", "999"),
];

impl Facts<'_, '_> {
    /// The word of a command that is its verb, and what joins one more command to the end of its
    /// RUN.
    pub(super) fn write_places(
        &self,
        out: &mut Out<'_>,
        index: usize,
        command: &Command<'_>,
        installs: &Installs<'_, '_>,
    ) {
        const VERBS: [&str; 6] = ["install", "add", "update", "upgrade", "i", "ci"];
        if let Some(word) = command.args.iter().find(|it| VERBS.contains(&&*it.text)) {
            out.text("word", &word.text, word.span);
        }
        if let Some(joiner) = self.joiner(index, installs) {
            let end = self.steps[index].arguments_span().end;
            out.text("tail", &joiner, Span { start: end, end });
        }
    }

    /// ` && `, or the same on a line of its own, where one more command at the end of a RUN runs
    /// if all before it did well.
    fn joiner(&self, index: usize, installs: &Installs<'_, '_>) -> Option<String> {
        let (step, commands) = (&self.steps[index], &self.commands[index]);
        let plain = step.head.array.is_none() && step.it.heredocs.is_empty() && !step.is_trigger;
        let is_chain = |it: &Command<'_>| matches!(it.then, Then::And | Then::End) || it.is_nested;
        if !plain || !commands.iter().all(is_chain) || installs.needs_lists(index) {
            return None;
        }
        let span = step.arguments_span();
        let text = self.text.get(span.start as usize..span.end as usize)?;
        if text.contains(['#', ';', '|', '{', '`']) || text.trim_end() != text {
            return None;
        }
        let Some((_, last)) = text.rsplit_once('\n') else { return Some(" && ".to_owned()) };
        let indent = &last[..last.len() - last.trim_start().len()];
        Some(format!(" {}\n{indent}&& ", self.file.escape as char))
    }

    /// A process as an array, where no shell is needed to run it.
    pub(super) fn write_array(&self, out: &mut Out<'_>, step: &Step<'_, '_>) {
        let span = step.arguments_span();
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or("").trim();
        let is_plain = |it: char| it.is_ascii_alphanumeric() || " ./:,@%+-_=".contains(it);
        let words: Vec<_> = text.split(' ').filter(|it| !it.is_empty()).collect();
        let Some(first) = words.first() else { return };
        let is_program = !first.contains('=') && !BUILTINS.contains(first);
        if step.head.array.is_none() && is_program && text.chars().all(is_plain) {
            let words: Vec<_> = words.iter().map(|it| format!("\"{it}\"")).collect();
            out.text("array", &format!("[{}]", words.join(", ")), span);
        }
    }

    /// A pair that is written without `=`, with it.
    pub(super) fn write_modern(&self, out: &mut Out<'_>, pair: &stage::Pair<'_>) {
        let (true, Some(value)) = (pair.is_legacy, pair.value) else { return };
        let written = self.text.get(pair.span.start as usize..pair.span.end as usize);
        let value = value.trim();
        let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value);
        let is_certain = !inner.is_empty() && !inner.contains(['"', '\'', '\\', '`', '#']);
        if !is_certain || written.is_none_or(|it| it.contains('\n')) {
            return;
        }
        let quote =
            if inner.len() < value.len() || inner.contains([' ', '\t']) { "\"" } else { "" };
        out.text("modern", &format!("{}={quote}{inner}{quote}", pair.key), pair.span);
    }

    /// The number of a user: given to the command that makes it, or known of the base image.
    pub(super) fn write_user_number(&self, out: &mut Out<'_>, index: usize, user: &str) {
        let step = &self.steps[index];
        let Some(stage) = step.stage else { return };
        let made =
            self.steps[..index].iter().zip(&self.commands).filter(|it| it.0.stage == Some(stage));
        let numbers: Vec<&str> = made
            .flat_map(|it| it.1)
            .filter(|it| matches!(&*it.name.text, "useradd" | "adduser"))
            .filter(|it| it.has_arg(user))
            .map(|it| it.value_of(&["u", "uid"]).unwrap_or(""))
            .collect();
        let origin = &self.stages[stage::origin(&self.stages, stage)].resolved;
        let image = stage::image(origin);
        let is_official = image.registry.is_empty() && image.name == image.short();
        let known = KNOWN_USERS
            .iter()
            .find(|it| it.0 == user && it.1 == image.short() && is_official)
            .map(|it| it.2)
            .or((user == "nonroot" && origin.contains("distroless/")).then_some("65532"));
        let number = match numbers[..] {
            [] => known,
            [number] => Some(number),
            _ => None,
        };
        let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        if let Some(number) = number.filter(is_number) {
            out.text("number", number, step.arguments_span());
        }
    }
}
