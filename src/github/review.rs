//! What is done on a pull request: the comment, the annotations, the suggestions.

use serde_json::{Value, json};

use super::{
    client::{Client, Failure},
    comment::{Existing, Step, Wanted},
    event::WorkflowRun,
    suggest::Suggestion,
};

/// Who we are with the token of a job.
const JOB: &str = "github-actions[bot]";

/// What came of the comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is at this address.
    At(String),
    /// Nothing was written, and why.
    Nothing(&'static str),
}

/// Brings the comment on a pull request to what it should be. `author` is whose comments are ours,
/// where the user says so.
pub async fn comment(
    client: &mut Client,
    number: u64,
    wanted: &Wanted,
    author: Option<&str>,
) -> Result<Said, Failure> {
    let request = client.get(&format!("pulls/{number}")).await?;
    if request["head"]["sha"] != *wanted.head {
        return Ok(Said::Nothing("the pull request has a newer commit"));
    }
    let existing = marked(client, number, wanted).await?;
    let author = match author {
        Some(author) => author.to_owned(),
        None if existing.is_empty() => String::new(),
        None => whoami(client).await?,
    };
    let decision = wanted.decide(&existing, &author);
    let said = match decision.step {
        Step::Leave(why) => Said::Nothing(why),
        Step::Create => create(client, number, wanted).await?,
        Step::Update(id) => update(client, number, id, wanted).await?,
    };
    for id in decision.extra {
        client.delete(&format!("issues/comments/{id}")).await?;
    }
    Ok(said)
}

/// The login behind the token.
async fn whoami(client: &mut Client) -> Result<String, Failure> {
    match client.get("/user").await {
        Ok(user) => Ok(user["login"].as_str().unwrap_or(JOB).to_owned()),
        // The token of a job stands for no user.
        Err(Failure::Refused { status: 401 | 403 | 404, .. }) => Ok(JOB.to_owned()),
        Err(failure) => Err(failure),
    }
}

/// The comments with our marker, whoever wrote them.
async fn marked(
    client: &mut Client,
    number: u64,
    wanted: &Wanted,
) -> Result<Vec<Existing>, Failure> {
    let all = client.list(&format!("issues/{number}/comments")).await?;
    let all = all.iter().filter_map(existing);
    Ok(all.filter(|it| wanted.is_marked(it)).collect())
}

fn existing(comment: &Value) -> Option<Existing> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    Some(Existing {
        id: comment["id"].as_u64()?,
        author: text(&comment["user"]["login"]),
        body: text(&comment["body"]),
        url: text(&comment["html_url"]),
    })
}

/// Writes the comment; where it is not known whether that worked, looks before it tries again.
async fn create(client: &mut Client, number: u64, wanted: &Wanted) -> Result<Said, Failure> {
    let first = write(client, number, wanted, &wanted.body).await;
    let text = match &first {
        Err(it) if it.status() == Some(422) => &wanted.short,
        Err(it) if it.is_open() => &wanted.body,
        _ => return first,
    };
    let there = marked(client, number, wanted).await?;
    match there.into_iter().find(|it| wanted.is_from_this_run(it)) {
        Some(it) => Ok(Said::At(it.url)),
        None => write(client, number, wanted, text).await,
    }
}

async fn write(
    client: &mut Client,
    number: u64,
    wanted: &Wanted,
    text: &str,
) -> Result<Said, Failure> {
    let body = json!({"body": wanted.with_marker(text)});
    let written = client.post(&format!("issues/{number}/comments"), &body).await?;
    settle(client, number, wanted, &written).await
}

/// Where a comment is that the server gave back.
fn said(written: &Value) -> Said {
    existing(written).map_or(Said::Nothing("the answer is odd"), |it| Said::At(it.url))
}

/// Two runs may have written at the same time: the first comment stays.
async fn settle(
    client: &mut Client,
    number: u64,
    wanted: &Wanted,
    written: &Value,
) -> Result<Said, Failure> {
    let Some(ours) = existing(written) else { return Ok(Said::Nothing("the answer is odd")) };
    let there = marked(client, number, wanted).await?;
    let first = there.into_iter().filter(|it| it.author == ours.author).min_by_key(|it| it.id);
    match first {
        Some(first) if first.id < ours.id => {
            client.delete(&format!("issues/comments/{}", ours.id)).await?;
            update(client, number, first.id, wanted).await
        }
        _ => Ok(Said::At(ours.url)),
    }
}

async fn update(
    client: &mut Client,
    number: u64,
    id: u64,
    wanted: &Wanted,
) -> Result<Said, Failure> {
    let place = format!("issues/comments/{id}");
    let mut answer = client.patch(&place, &json!({"body": wanted.with_marker(&wanted.body)})).await;
    if answer.as_ref().is_err_and(|it| it.status() == Some(422)) {
        answer = client.patch(&place, &json!({"body": wanted.with_marker(&wanted.short)})).await;
    }
    match answer {
        // Somebody took it away in the meantime.
        Err(it) if it.status() == Some(404) => {
            let body = json!({"body": wanted.with_marker(&wanted.body)});
            Ok(said(&client.post(&format!("issues/{number}/comments"), &body).await?))
        }
        answer => Ok(said(&answer?)),
    }
}

/// Adds annotations to a check run, a chunk a request; how many got through, and what stopped it.
pub async fn annotate(
    client: &mut Client,
    check_run: u64,
    title: &str,
    chunks: &[Vec<Value>],
) -> (usize, Option<Failure>) {
    let mut done = 0;
    for chunk in chunks {
        let output = json!({"title": title, "summary": title, "annotations": chunk});
        let body = json!({"output": output});
        if let Err(failure) = client.patch(&format!("check-runs/{check_run}"), &body).await {
            return (done, Some(failure));
        }
        done += chunk.len();
    }
    (done, None)
}

/// Writes those suggestions that are not there yet, as one review; how many.
pub async fn suggest(
    client: &mut Client,
    number: u64,
    head: &str,
    suggestions: &[Suggestion],
) -> Result<usize, Failure> {
    let there = client.list(&format!("pulls/{number}/comments")).await?;
    let is_new = |it: &&Suggestion| {
        !there.iter().any(|old| old["body"].as_str().is_some_and(|old| old.starts_with(&it.marker)))
    };
    let comments: Vec<_> = suggestions.iter().filter(is_new).map(Suggestion::wire).collect();
    if comments.is_empty() {
        return Ok(0);
    }
    let count = comments.len();
    let text = "What can be mended with a click.";
    let body = json!({"commit_id": head, "event": "COMMENT", "body": text, "comments": comments});
    client.post(&format!("pulls/{number}/reviews"), &body).await?;
    Ok(count)
}

/// The open pull request that a finished run was about: the server says, not the run.
pub async fn request_of(client: &mut Client, run: &WorkflowRun) -> Result<Option<u64>, Failure> {
    let is_it = |it: &Value| it["state"] == "open" && it["head"]["sha"] == *run.head;
    let number = |all: &[Value]| all.iter().find(|it| is_it(it))?["number"].as_u64();
    let by_commit = client.list(&format!("commits/{}/pulls", run.head)).await?;
    if let Some(number) = number(&by_commit) {
        return Ok(Some(number));
    }
    // GitHub does not always know the commits of forks by themselves.
    let Some(branch) = &run.branch else { return Ok(None) };
    let head = crate::report::escape::UriPath(branch).to_string().replace('/', "%2F");
    let by_branch = client.list(&format!("pulls?state=open&head={head}")).await?;
    Ok(number(&by_branch))
}
