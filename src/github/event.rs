//! From the environment of a job and the event that started it to the context of a run.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value;

/// What a job finds in its environment.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let text = |it: std::ffi::OsString| it.into_string().ok();
        Self(std::env::vars_os().filter_map(|(k, v)| Some((text(k)?, text(v)?))).collect())
    }

    /// The value of a variable; one that is empty is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// The value of a variable as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(all: I) -> Self {
        Self(all.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Where and why this run happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// What happened.
    pub event: Event,
    /// `owner/name`.
    pub repository: String,
    /// The address of the API, `https://api.github.com`.
    pub api: String,
    /// The address of the web pages, `https://github.com`.
    pub server: String,
    /// The commit that people see: the head of a pull request, not its merge.
    pub sha: String,
    /// This run of the workflow.
    pub run: Run,
}

/// A run of a workflow; later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Its number, unique on the server and growing.
    pub id: u64,
    /// How often it was started again.
    pub attempt: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A change is proposed.
    PullRequest(PullRequest),
    /// A change waits in the merge queue.
    MergeGroup {
        /// What it will be merged onto.
        base: String,
    },
    /// Commits arrived.
    Push {
        /// What the branch was at before; nothing for a new branch.
        before: Option<String>,
    },
    /// Another workflow came to its end.
    WorkflowRun(WorkflowRun),
    /// Something else: a schedule, a button.
    Other(String),
}

/// A proposed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its last commit.
    pub head: String,
    /// The commit of the base branch when the event happened.
    pub base: String,
    /// Whether it comes from another repository, which gives this job a token that can only read.
    pub fork: bool,
    /// Whether the event is `pull_request_target`, which checks out the base.
    pub target: bool,
}

/// A finished run of another workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRun {
    /// The run.
    pub run: Run,
    /// What it ran on.
    pub head: String,
    /// `owner:branch` of what it ran on, for a search.
    pub branch: Option<String>,
}

impl Context {
    /// Reads the context of this job.
    ///
    /// # Errors
    /// With what is missing, when this is no job of GitHub Actions.
    pub fn read(environment: &Environment) -> Result<Self, String> {
        let need = |name: &str| {
            let hint = "`seaworthy github` runs in a job of GitHub Actions";
            environment.get(name).ok_or_else(|| format!("{name} is not set: {hint}"))
        };
        let path = need("GITHUB_EVENT_PATH")?;
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let payload: Value =
            serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
        let event = event(need("GITHUB_EVENT_NAME")?, &payload)?;
        let repository = need("GITHUB_REPOSITORY")?;
        let address = |name, default: &str| {
            environment.get(name).unwrap_or(default).trim_end_matches('/').to_owned()
        };
        let number = |name| environment.get(name).and_then(|it| it.parse().ok()).unwrap_or(0);
        Ok(Self {
            sha: match &event {
                Event::PullRequest(it) => it.head.clone(),
                Event::WorkflowRun(it) => it.head.clone(),
                _ => sha(need("GITHUB_SHA")?)?,
            },
            event,
            repository: is_repository(repository)
                .then(|| repository.to_owned())
                .ok_or_else(|| format!("GITHUB_REPOSITORY: `{repository}` is no owner/name"))?,
            api: address("GITHUB_API_URL", "https://api.github.com"),
            server: address("GITHUB_SERVER_URL", "https://github.com"),
            run: Run { id: number("GITHUB_RUN_ID"), attempt: number("GITHUB_RUN_ATTEMPT") },
        })
    }

    /// The commit to compare with, as far as the event says: nothing if all is to be judged.
    pub fn base(&self) -> Option<&str> {
        match &self.event {
            Event::PullRequest(it) => Some(&it.base),
            Event::MergeGroup { base } => Some(base),
            Event::Push { before } => before.as_deref(),
            Event::WorkflowRun(_) | Event::Other(_) => None,
        }
    }

    /// The pull request, if one is reviewed.
    pub fn pull_request(&self) -> Option<&PullRequest> {
        match &self.event {
            Event::PullRequest(it) => Some(it),
            _ => None,
        }
    }

    /// Whether a change is reviewed before it is merged, so that its policy is not yet law.
    pub fn is_review(&self) -> bool {
        matches!(self.event, Event::PullRequest(_) | Event::MergeGroup { .. })
    }

    /// The address of the files of the commit that people see.
    pub fn blobs(&self) -> String {
        format!("{}/{}/blob/{}", self.server, self.repository, self.sha)
    }

    /// The address of this run.
    pub fn run_page(&self) -> String {
        format!("{}/{}/actions/runs/{}", self.server, self.repository, self.run.id)
    }
}

fn event(name: &str, payload: &Value) -> Result<Event, String> {
    let text = |place: &str| {
        let found = payload.pointer(place).and_then(Value::as_str);
        found.ok_or_else(|| format!("the event has no text at {place}"))
    };
    let number = |place: &str| {
        let found = payload.pointer(place).and_then(Value::as_u64);
        found.ok_or_else(|| format!("the event has no number at {place}"))
    };
    Ok(match name {
        "pull_request" | "pull_request_target" => {
            let whose = |side| payload.pointer(&format!("/pull_request/{side}/repo/full_name"));
            Event::PullRequest(PullRequest {
                number: number("/pull_request/number")?,
                head: sha(text("/pull_request/head/sha")?)?,
                base: sha(text("/pull_request/base/sha")?)?,
                // A repository that was deleted since is null, and was a fork.
                fork: whose("head").is_none() || whose("head") != whose("base"),
                target: name == "pull_request_target",
            })
        }
        "merge_group" => Event::MergeGroup { base: sha(text("/merge_group/base_sha")?)? },
        "push" => {
            let before = text("/before").and_then(sha).ok();
            Event::Push { before: before.filter(|it| it.bytes().any(|it| it != b'0')) }
        }
        "workflow_run" => {
            let owner = text("/workflow_run/head_repository/owner/login").ok();
            let branch = text("/workflow_run/head_branch").ok();
            Event::WorkflowRun(WorkflowRun {
                run: Run {
                    id: number("/workflow_run/id")?,
                    attempt: number("/workflow_run/run_attempt").unwrap_or(1),
                },
                head: sha(text("/workflow_run/head_sha")?)?,
                branch: owner.zip(branch).map(|(owner, branch)| format!("{owner}:{branch}")),
            })
        }
        other => Event::Other(other.to_owned()),
    })
}

fn sha(text: &str) -> Result<String, String> {
    let is_sha = matches!(text.len(), 40 | 64) && text.bytes().all(|it| it.is_ascii_hexdigit());
    is_sha.then(|| text.to_ascii_lowercase()).ok_or_else(|| format!("`{text}` is no commit"))
}

fn is_repository(text: &str) -> bool {
    let is_name = |it: &str| {
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
        !it.is_empty() && it != "." && it != ".." && it.bytes().all(plain)
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";
    const BASE: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn context(name: &str, payload: &Value, more: &[(&str, &str)]) -> Result<Context, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        std::fs::write(&path, payload.to_string()).unwrap();
        let mut environment: Environment = [
            ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_REPOSITORY", "acme/api"),
            ("GITHUB_SHA", "ffffffffffffffffffffffffffffffffffffffff"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ]
        .into_iter()
        .collect();
        environment.0.extend(more.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())));
        Context::read(&environment)
    }

    fn pull_request(head_repository: Value) -> Value {
        json!({"pull_request": {
            "number": 12,
            "head": {"sha": HEAD, "repo": head_repository},
            "base": {"sha": BASE, "repo": {"full_name": "acme/api"}},
        }})
    }

    #[test]
    fn a_pull_request_is_seen_at_its_head() {
        let own = pull_request(json!({"full_name": "acme/api"}));
        let context = context("pull_request", &own, &[]).unwrap();
        assert_eq!((context.sha.as_str(), context.base()), (HEAD, Some(BASE)));
        assert_eq!(context.run, Run { id: 7, attempt: 2 });
        assert_eq!(context.api, "https://api.github.com");
        let request = context.pull_request().unwrap();
        assert!(!request.fork && !request.target && context.is_review());
    }

    #[test]
    fn forks_are_told_apart_also_when_they_are_gone() {
        for gone in [json!(null), json!({"full_name": "eve/api"})] {
            let context = context("pull_request_target", &pull_request(gone), &[]).unwrap();
            let request = context.pull_request().unwrap();
            assert!(request.fork && request.target);
        }
    }

    #[test]
    fn the_other_events_name_their_base() {
        let group = json!({"merge_group": {"base_sha": BASE, "head_sha": HEAD}});
        let found = context("merge_group", &group, &[]).unwrap();
        assert_eq!((found.base(), found.is_review()), (Some(BASE), true));
        let push = context("push", &json!({"before": BASE, "after": HEAD}), &[]).unwrap();
        assert_eq!((push.base(), push.is_review()), (Some(BASE), false));
        let new = context("push", &json!({"before": "0".repeat(40)}), &[]).unwrap();
        assert_eq!(new.base(), None);
        for name in ["schedule", "workflow_dispatch"] {
            assert_eq!(context(name, &json!({}), &[]).unwrap().base(), None);
        }
    }

    #[test]
    fn a_finished_run_names_its_branch() {
        let run = json!({"workflow_run": {
            "id": 99, "run_attempt": 3, "head_sha": HEAD, "head_branch": "fix/x",
            "head_repository": {"owner": {"login": "eve"}}, "pull_requests": [],
        }});
        let found = context("workflow_run", &run, &[]).unwrap();
        let Event::WorkflowRun(run) = &found.event else { panic!("{found:?}") };
        assert_eq!(run.branch.as_deref(), Some("eve:fix/x"));
        assert_eq!((run.run, found.sha.as_str()), (Run { id: 99, attempt: 3 }, HEAD));
    }

    #[test]
    fn an_own_server_has_its_own_addresses() {
        let more = [
            ("GITHUB_API_URL", "https://git.acme.com/api/v3/"),
            ("GITHUB_SERVER_URL", "https://git.acme.com"),
        ];
        let context = context("schedule", &json!({}), &more).unwrap();
        assert_eq!(context.api, "https://git.acme.com/api/v3");
        assert!(context.blobs().starts_with("https://git.acme.com/acme/api/blob/ffff"));
    }

    #[test]
    fn what_is_no_event_of_github_is_refused() {
        let payload = json!({"pull_request": {"number": 1, "head": {"sha": "--upload-pack=x"}}});
        assert!(context("pull_request", &payload, &[]).unwrap_err().contains("is no commit"));
        assert!(context("merge_group", &json!({}), &[]).unwrap_err().contains("/merge_group"));
        let odd = [("GITHUB_REPOSITORY", "acme/../x")];
        assert!(context("schedule", &json!({}), &odd).unwrap_err().contains("owner/name"));
        assert!(Context::read(&Environment::default()).unwrap_err().contains("GITHUB_EVENT_PATH"));
    }
}
