//! What a Secret gives away: which of its values are secrets that stand there as they are.

use std::borrow::Cow;

use crate::{artifact::helm::from_base64, document::Node, source::Span};

/// Words in the name of a value, or in a whole file, that tell of a secret.
const WORDS: [&str; 10] =
    ["pass", "pwd", "secret", "token", "key", "cred", "auth", "private", "dsn", "cookie"];

/// Words at the start of what somebody is to fill in.
const STAND_INS: [&str; 11] = [
    "your",
    "my",
    "replace",
    "__replace",
    "update",
    "insert",
    "todo",
    "redacted",
    "placeholder",
    "example",
    "fill",
];

/// Values shorter than this are no secrets.
const SHORTEST: usize = 4;

/// The values of `data` or `stringData` that are secrets, by their key.
pub(super) fn written<'a>(object: Node<'a>, list: &str) -> impl Iterator<Item = Node<'a>> {
    let is_encoded = list == "data";
    let is_page = is_documentation(&object.place().0.path);
    let values = object.get(list).filter(|it| !is_to_replace(*it));
    let values = values.into_iter().flat_map(Node::entries);
    values.filter_map(move |(key, value)| {
        let text = value.as_str().filter(|it| !is_filled_in_later(it))?;
        let text = if is_encoded { decoded(text)? } else { Cow::Borrowed(text.as_bytes()) };
        is_secret(key, &text, is_page).then_some(value)
    })
}

/// Whether a comment among the values asks people to put theirs there.
fn is_to_replace(values: Node<'_>) -> bool {
    let source = &values.tree().source;
    let start = values.key_span().unwrap_or(values.span()).start;
    let text = source.slice(Span { start, end: values.span().end });
    let mut comments = text.lines().filter_map(|it| Some(it.split_once('#')?.1));
    !source.is_rendered() && comments.any(|it| it.to_ascii_lowercase().contains("replace"))
}

/// What the text is the base64 of; nothing for one that is none.
fn decoded(text: &str) -> Option<Cow<'_, [u8]>> {
    let text: String = text.lines().map(str::trim).collect();
    if text.contains(' ') { None } else { from_base64(&text).map(Cow::Owned) }
}

/// Whether a tool puts the value in: a template, an encrypted text, the address of a secret.
fn is_filled_in_later(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(['{', '<', '$']) && !text.starts_with("{\"") && !text.starts_with("{\n")
        || text.contains("{{")
        || text.contains("${")
        || ["ENC[", "op://", "vault:"].iter().any(|it| text.starts_with(it))
        || text.starts_with("ref+") && text.contains("://")
}

/// Whether a value of that name is a secret. On a page for people only what nobody makes up is one.
fn is_secret(key: &str, value: &[u8], is_page: bool) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        // A keystore, or the like.
        return value.len() >= if is_page { 64 } else { SHORTEST } && named(key);
    };
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if text.len() < SHORTEST || is_filled_in_later(text) || is_stand_in(&lower) {
        return false;
    }
    if is_page {
        let inside = from_base64(text).unwrap_or_default();
        return is_random(text, 20) && !inside.windows(7).any(|it| it == b"example");
    }
    if text.contains('\n') {
        return !is_encrypted(text) && (has_setting(&lower) || has_login(text));
    }
    named(key) || has_login(text) || is_random(text, 16)
}

/// Whether sops, age or PGP encrypted the file, which is decrypted before it is applied.
fn is_encrypted(text: &str) -> bool {
    ["ENC[AES256_GCM,", "BEGIN AGE ENCRYPTED FILE", "BEGIN PGP MESSAGE"]
        .iter()
        .any(|it| text.contains(it))
}

/// Whether a line of a file sets something that is named like a secret: `db.password = x`. Where
/// no line sets anything, the words alone tell.
fn has_setting(lower: &str) -> bool {
    let lines = lower.lines().map(str::trim).filter(|it| !it.starts_with(['#', ';', '!']));
    let mut settings = lines.filter_map(|it| it.split_once(['=', ':', '>'])).peekable();
    if settings.peek().is_none() || lower.contains("private key") {
        return named(lower);
    }
    settings.any(|(key, value)| {
        let key = key.trim().trim_matches(['"', '\'', '<']);
        let value = value.trim().trim_end_matches(',').trim_matches(['"', '\'']);
        let is_plain = matches!(value, "" | "true" | "false" | "null" | "~" | "|" | "|-" | ">")
            || value.starts_with(['/', '[', '{']);
        named(key.rsplit('.').next().unwrap_or(key))
            && !is_plain
            && !is_filled_in_later(value)
            && !is_stand_in(value)
    })
}

fn named(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|it| lower.contains(it))
}

/// Whether the text is written in place of a value: `your-token`, `p-xxxx`, a key of three dots.
fn is_stand_in(lower: &str) -> bool {
    let starts = |word: &&str| {
        lower.strip_prefix(*word).is_some_and(|it| !it.starts_with(|it: char| it.is_alphanumeric()))
    };
    STAND_INS.iter().any(starts)
        || lower.contains("xxxx")
        || lower.ends_with("...")
        || lower.lines().any(|it| it.trim() == "...")
}

/// Whether it holds an address with a password.
fn has_login(text: &str) -> bool {
    let behind = text.split("://").skip(1).filter_map(|it| it.split(['/', ' ', '\n']).next());
    let mut logins = behind.filter_map(|it| it.rsplit_once('@'));
    logins.any(|it| it.0.split_once(':').is_some_and(|it| it.1.len() >= SHORTEST))
}

/// Whether nobody would make the text up: long, without blanks, of letters and digits that repeat
/// little. A key in PEM is read without its frame.
fn is_random(text: &str, least: usize) -> bool {
    let body: String = text.lines().filter(|it| !it.starts_with("-----")).collect();
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"+/=_-".contains(&it);
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    body.len() >= least
        && body.bytes().all(plain)
        && digits > 1
        && body.bytes().any(|it| it.is_ascii_alphabetic())
        && distinct(&body) * 2 >= body.len().min(40)
}

fn distinct(text: &str) -> usize {
    let mut seen = [false; 256];
    text.bytes().for_each(|it| seen[usize::from(it)] = true);
    seen.iter().filter(|it| **it).count()
}

/// Whether the path is one of pages for people: what stands there is an example.
fn is_documentation(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |it| it.0);
    folders.split('/').any(|it| matches!(it, "docs" | "doc" | "documentation" | "website"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_stands_in_their_place() {
        for (key, value) in [
            ("password", "hunter2"),
            ("database-url", "postgres://app:hunter2@db/app"),
            ("value", "b7Gh29xQz81LmN04"),
            ("config.yaml", "db:\n  password: x\n"),
            ("config.json", "{\n  \"token\": \"abc\",\n}"),
            ("app.properties", "# ours\ndb.password = hunter2\n"),
            ("netrc", "machine example.com\nlogin app\npassword hunter2\n"),
        ] {
            assert!(is_secret(key, value.as_bytes(), false), "{key} {value}");
        }
        for (key, value) in [
            ("password", "your-password"),
            ("token", "my-token"),
            ("key", "-----BEGIN KEY-----\n...\n-----END KEY-----"),
            ("id", "p-XXXX"),
            ("type", "helm"),
            ("url", "https://github.com/argoproj"),
            ("username", "user"),
            ("password", "${PASSWORD}"),
            ("grafana.ini", "[date_formats]\ndefault_timezone = UTC\n"),
            ("password", "UPDATE_PASSWORD"),
            ("log.properties", "# authors and keys\nlogger.auth.level = ERROR\n"),
            ("db.properties", "db.password = __REPLACE_ME__\ntls.key = /etc/tls.key\n"),
            ("values.yaml", "token: ENC[AES256_GCM,data:b3Vycw==]\nsops:\n  version: 3.9.0\n"),
        ] {
            assert!(!is_secret(key, value.as_bytes(), false), "{key} {value}");
        }
        assert!(!is_secret("password", b"hunter2", true));
        assert!(is_secret("tls.key", b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", true));
    }
}
