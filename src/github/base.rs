//! What a change is compared with: the commit it will be merged onto, got from the remote where the
//! checkout does not hold it.

use std::path::Path;

use super::event::{Context, Event};
use crate::git;

/// The commits that matter for judging a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// What the change will be merged onto: whose policy holds.
    pub policy: String,
    /// What it is compared with: where the two histories part, as far as is known.
    pub compare: String,
}

/// The base of the change that is checked out at `root`; nothing if all is to be judged.
///
/// # Errors
/// When the base is not here and cannot be fetched, and when the change is not here.
pub fn base(root: &Path, context: &Context, token: Option<&str>) -> Result<Option<Base>, String> {
    let Some(named) = context.base() else { return Ok(None) };
    let parents = git::parents(root, "HEAD").map_err(|error| no_repository(&error))?;
    let base = match &context.event {
        Event::PullRequest(request) => {
            // GitHub checks out the merge of the change into what the base is now, which may be
            // newer than what the event says.
            match parents.as_slice() {
                [base, head] if *head == request.head => base.clone(),
                _ => named.to_owned(),
            }
        }
        _ => named.to_owned(),
    };
    if let Some(request) = context.pull_request()
        && request.target
        && git::commit(root, "HEAD").is_ok_and(|it| it == base)
    {
        return Err("the base is checked out, not the change: pull_request_target does that. Use \
                    pull_request, and post from a workflow_run job (see README.md)"
            .to_owned());
    }
    present(root, &base, context, token)?;
    let compare = git::merge_base(root, &base, "HEAD").unwrap_or_else(|_| base.clone());
    Ok(Some(Base { policy: base, compare }))
}

fn no_repository(error: &std::io::Error) -> String {
    format!("the change is not here ({error}): run actions/checkout before this step")
}

/// Gets the commit if it is not here.
fn present(
    root: &Path,
    commit: &str,
    context: &Context,
    token: Option<&str>,
) -> Result<(), String> {
    if git::commit(root, commit).is_ok() {
        return Ok(());
    }
    // What actions/checkout left in the configuration comes first: two headers are one too many.
    let mut fetched = git::fetch(root, commit, &context.server, None);
    if let (Err(_), Some(token)) = (&fetched, token) {
        let secret = base64(format!("x-access-token:{token}").as_bytes());
        let header = format!("AUTHORIZATION: basic {secret}");
        fetched = git::fetch(root, commit, &context.server, Some(&header));
    }
    fetched.and_then(|()| git::commit(root, commit).map(|_| ())).map_err(|error| {
        format!(
            "the commit that the change is compared with, {commit}, is not here and cannot be \
             fetched ({error}): set fetch-depth: 0 for actions/checkout"
        )
    })
}

/// Bytes as HTTP wants them in a header.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let part = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for at in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
            text.push(if at <= three.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{
        git::sample,
        github::event::{PullRequest, Run},
    };

    fn context(event: Event) -> Context {
        Context {
            event,
            repository: "acme/api".into(),
            api: "http://127.0.0.1:9".into(),
            server: "https://github.com".into(),
            sha: "0".repeat(40),
            run: Run::default(),
        }
    }

    fn request(head: &str, base: &str, target: bool) -> Context {
        let (head, base) = (head.to_owned(), base.to_owned());
        let request = PullRequest { number: 1, head, base, fork: false, target };
        context(Event::PullRequest(request))
    }

    /// A repository, its first commit and the next one.
    fn two() -> (TempDir, String, String) {
        let folder = sample::repository(&[("a", "1")]);
        let first = git::commit(folder.path(), "HEAD").unwrap();
        sample::write(folder.path(), &[("a", "2")]);
        let second = sample::commit(folder.path());
        (folder, first, second)
    }

    #[test]
    fn the_base_is_what_the_event_says_where_the_head_is_checked_out() {
        let (folder, first, second) = two();
        let base = base(folder.path(), &request(&second, &first, false), None).unwrap().unwrap();
        assert_eq!(base, Base { policy: first.clone(), compare: first });
    }

    #[test]
    fn the_base_of_a_merge_is_what_it_was_merged_onto() {
        let (folder, first, second) = two();
        let head = sample::branch(folder.path(), &first, &[("b", "1")]);
        sample::merge(folder.path(), &second, &head);
        let base = base(folder.path(), &request(&head, &first, false), None).unwrap().unwrap();
        assert_eq!(base.policy, second);
    }

    #[test]
    fn a_base_that_nobody_has_is_an_error_that_says_what_to_do() {
        let (folder, _, second) = two();
        let missing = request(&second, &"1".repeat(40), false);
        let error = base(folder.path(), &missing, Some("t")).unwrap_err();
        assert!(error.contains("fetch-depth: 0"), "{error}");
    }

    #[test]
    fn a_checkout_of_the_base_is_no_checkout_of_the_change() {
        let (folder, first, second) = two();
        let error = base(folder.path(), &request(&first, &second, true), None).unwrap_err();
        assert!(error.contains("pull_request_target"), "{error}");
    }

    #[test]
    fn without_a_change_there_is_no_base() {
        let nowhere = tempfile::tempdir().unwrap();
        let context = context(Event::Other("schedule".into()));
        assert_eq!(base(nowhere.path(), &context, None), Ok(None));
    }

    #[test]
    fn headers_are_written_in_base64() {
        let all = ["", "a", "ab", "abc", "abcd\u{ff}"].map(|it| base64(it.as_bytes()));
        assert_eq!(all, ["", "YQ==", "YWI=", "YWJj", "YWJjZMO/"]);
    }
}
