//! What comments of other tools in a Dockerfile say not to report.

use crate::{
    artifact::Suppression,
    parse::dockerfile::{Comment, File},
    source::Span,
};

/// What the comments say not to report.
pub fn suppressions(text: &str, file: &File<'_>) -> Vec<Suppression> {
    let reader = Reader { text, file };
    let mut found: Vec<_> = file.comments.iter().flat_map(|it| reader.comment(it)).collect();
    for directive in file.directives.iter().filter(|it| it.name == "check") {
        let value = reader.slice(directive.value);
        found.extend(reader.check(value, (1, u32::MAX), directive.value));
    }
    found
}

/// The shell that `# hadolint shell=…` names.
pub fn shell<'t>(text: &'t str, file: &File<'_>) -> Option<&'t str> {
    let bodies = file.comments.iter().map(|it| body(slice(text, it.span)));
    bodies.filter_map(|it| it.strip_prefix("hadolint")?.trim().strip_prefix("shell")).find_map(
        |it| {
            let value = it.trim_start().strip_prefix('=')?;
            Some(value.split('#').next().unwrap_or(value).trim())
        },
    )
}

/// The inline comments of hadolint that ignore rules, which some teams forbid.
pub fn inline<'f>(text: &str, file: &'f File<'_>) -> impl Iterator<Item = &'f Comment> {
    file.comments.iter().filter(|it| {
        let rest = body(slice(text, it.span)).strip_prefix("hadolint").map(str::trim_start);
        rest.and_then(|it| it.strip_prefix("ignore")).and_then(ids).is_some()
    })
}

/// Whether BuildKit's experimental check of that name is on.
pub fn is_experimental(text: &str, file: &File<'_>, name: &str) -> bool {
    file.directives.iter().filter(|it| it.name == "check").any(|it| {
        let options = slice(text, it.value).split(';');
        options
            .filter_map(|it| it.trim().strip_prefix("experimental="))
            .any(|it| it.trim() == "all" || it.split(',').any(|it| it.trim() == name))
    })
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or("")
}

/// A comment without its `#` and the blanks behind it.
fn body(comment: &str) -> &str {
    comment.strip_prefix('#').unwrap_or(comment).trim()
}

/// The rules of `= DL3001, SC1001 # reason`, and the reason; one that is no rule voids them all.
fn ids(text: &str) -> Option<(Vec<&str>, &str)> {
    let list = text.trim_start().strip_prefix('=')?;
    let (list, reason) = list.split_once('#').unwrap_or((list, ""));
    let is_id = |it: &&str| {
        let digits = it.strip_prefix("DL").or_else(|| it.strip_prefix("SC"));
        digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    };
    let ids: Vec<&str> = list.split(',').map(str::trim).collect();
    ids.iter().all(is_id).then_some((ids, reason.trim()))
}

struct Reader<'f> {
    text: &'f str,
    file: &'f File<'f>,
}

impl Reader<'_> {
    fn slice(&self, span: Span) -> &str {
        slice(self.text, span)
    }

    fn comment(&self, comment: &Comment) -> Vec<Suppression> {
        let body = body(self.slice(comment.span));
        if let Some(rest) = body.strip_prefix("hadolint") {
            return self.hadolint(rest.trim(), comment).into_iter().collect();
        }
        if let Some(rest) = body.strip_prefix("check=") {
            let value = rest.split(' ').next().unwrap_or(rest);
            let lines = self.statement(comment.line, true).unwrap_or((1, u32::MAX));
            return self.check(value, lines, comment.span);
        }
        if let Some(rest) = body.strip_prefix("checkov:skip=") {
            let (id, reason) = rest.split_once(':').unwrap_or((rest, ""));
            let what = format!("checkov:{}", id.trim());
            return vec![suppression(what, (1, u32::MAX), reason.trim(), comment.span, "checkov")];
        }
        if let Some(rest) = body.strip_prefix("trivy:ignore:") {
            let id = rest.split_whitespace().next().unwrap_or(rest);
            let lines = self.statement(comment.line, true).unwrap_or((1, u32::MAX));
            let what = format!("trivy:{}", trivy_id(id));
            return vec![suppression(what, lines, "", comment.span, "trivy")];
        }
        Vec::new()
    }

    fn hadolint(&self, text: &str, comment: &Comment) -> Option<Suppression> {
        let (scope, rest) = ["global", "stage"]
            .iter()
            .find_map(|it| Some((*it, text.strip_prefix(it)?.trim_start())))
            .unwrap_or(("line", text));
        let (ids, reason) = ids(rest.strip_prefix("ignore")?)?;
        let lines = match scope {
            "global" => (1, u32::MAX),
            "stage" => self.stage(comment.line)?,
            _ => self.statement(comment.line, false)?,
        };
        let what: Vec<_> = ids.iter().map(|it| format!("hadolint:{it}")).collect();
        Some(suppression(what.join(","), lines, reason, comment.span, "hadolint"))
    }

    /// The lines of the instruction below a comment: directly, or with more comments between.
    fn statement(&self, line: u32, over_comments: bool) -> Option<(u32, u32)> {
        let is_comment =
            |line| self.file.comments.binary_search_by_key(&line, |it| it.line).is_ok();
        let mut next = line + 1;
        while over_comments && next < line + 50 && is_comment(next) {
            next += 1;
        }
        let at = self.file.instructions.binary_search_by_key(&next, |it| it.line).ok()?;
        Some((next, self.file.instructions[at].end_line))
    }

    /// The lines of the stage that begins right below a comment, or the rest of the one it is in.
    fn stage(&self, line: u32) -> Option<(u32, u32)> {
        let start = self.file.instructions.partition_point(|it| it.line < line);
        let mut below = self.file.instructions[start..].iter().peekable();
        below.next_if(|it| it.line == line + 1);
        let next = below.find(|it| it.head.name == "FROM").map_or(u32::MAX, |it| it.line - 1);
        (line < next).then_some((line, next))
    }

    /// `skip=A,B;error=true`.
    fn check(&self, value: &str, lines: (u32, u32), place: Span) -> Vec<Suppression> {
        let skipped = value.split(';').filter_map(|it| it.trim().strip_prefix("skip="));
        let names: Vec<_> = skipped
            .flat_map(|it| it.split(','))
            .map(|it| match it.trim() {
                "all" => "buildkit:*".to_owned(),
                name => format!("buildkit:{name}"),
            })
            .collect();
        if names.is_empty() {
            return Vec::new();
        }
        vec![suppression(names.join(","), lines, "", place, "buildkit")]
    }
}

/// `AVD-DS-0002` and `DS002` as `DS-0002`.
fn trivy_id(id: &str) -> String {
    let id = id.strip_prefix("AVD-").unwrap_or(id);
    match id
        .strip_prefix("DS")
        .filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()))
    {
        Some(digits) => format!("DS-0{digits}"),
        None => id.to_owned(),
    }
}

fn suppression(
    what: String,
    (from_line, to_line): (u32, u32),
    reason: &str,
    place: Span,
    by: &'static str,
) -> Suppression {
    let reason = reason.to_owned();
    Suppression { what, from_line, to_line, reason, place, config: None, by }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::dockerfile::read;

    fn found(text: &str) -> Vec<(String, u32, u32)> {
        let file = read(text);
        suppressions(text, &file)
            .into_iter()
            .map(|it| (it.what, it.from_line, it.to_line))
            .collect()
    }

    fn one(what: &str, from: u32, to: u32) -> Vec<(String, u32, u32)> {
        vec![(what.to_owned(), from, to)]
    }

    #[test]
    fn hadolint_comments_cover_a_line_a_stage_or_the_file() {
        assert_eq!(
            found("# hadolint ignore = DL3001 , SC1001 # why\nRUN a \\\n b\n"),
            one("hadolint:DL3001,hadolint:SC1001", 2, 3)
        );
        assert_eq!(
            found("# hadolint stage ignore=DL3003\nFROM a\nRUN b\nFROM c\n"),
            one("hadolint:DL3003", 1, 3)
        );
        assert_eq!(
            found("FROM a\nRUN b\n# hadolint stage ignore=DL3003\n\nRUN b\nFROM c\n"),
            one("hadolint:DL3003", 3, 5)
        );
        assert_eq!(
            found("FROM a\n# hadolint global ignore=DL3003\n"),
            one("hadolint:DL3003", 1, u32::MAX)
        );
        for void in [
            "# hadolint ignore=DL1,x\nRUN a",
            "# hadolint ignore=DL1\n\nRUN a",
            "# Hadolint ignore=DL1\nRUN a",
            "RUN a \\\n# hadolint ignore=DL1\nb",
        ] {
            assert_eq!(found(void), [], "{void}");
        }
    }

    #[test]
    fn the_other_tools_are_read_too() {
        assert_eq!(
            found("# check=skip=A,B;error=true\nFROM a\n"),
            one("buildkit:A,buildkit:B", 1, u32::MAX)
        );
        assert_eq!(found("FROM a\n# check=skip=all x\n# note\nCMD b\n"), one("buildkit:*", 4, 4));
        assert_eq!(
            found("FROM a\n#checkov:skip=CKV_DOCKER_2:no\n"),
            one("checkov:CKV_DOCKER_2", 1, u32::MAX)
        );
        assert_eq!(
            found("FROM a\n#trivy:ignore:AVD-DS-0002\nUSER root\n"),
            one("trivy:DS-0002", 3, 3)
        );
        let file = read("# hadolint shell = pwsh # x\nFROM a\n");
        assert_eq!(shell("# hadolint shell = pwsh # x\nFROM a\n", &file), Some("pwsh"));
    }
}
