//! What goes wrong between us and GitHub changes no verdict and loses no finding.

use crate::{
    job::{BAD, GOOD, Job, Outcome},
    server::Trouble::{self, DoneThen, Reset, Slow, Status},
};

const CREATE: &str = "POST /repos/acme/api/issues/12/comments";

fn with(script: &[(&'static str, Trouble)]) -> (Job, Outcome) {
    let mut job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", BAD)]);
    job.set("SEAWORTHY_CHECK_RUN_ID", "77");
    job.server.with(|it| it.script = script.to_vec().into());
    let outcome = job.run(&["--annotations", "check"]);
    assert_eq!(outcome.code, 1, "{}", outcome.log);
    assert_eq!(outcome.outputs["conclusion"], "failure");
    assert!(outcome.summary.contains("dockerfile/root-user"), "{}", outcome.summary);
    assert!(outcome.log.contains("the last USER is `root`"), "{}", outcome.log);
    (job, outcome)
}

/// How often something was asked.
fn count(job: &Job, line: &str) -> usize {
    job.server.asked().iter().filter(|it| *it == line).count()
}

#[test]
fn a_token_that_may_not_write_leaves_commands_and_summary() {
    let no = || Status(403, None, "Resource not accessible by integration");
    let (job, outcome) = with(&[("PATCH", no()), ("POST", no())]);
    assert_eq!(
        (count(&job, "PATCH check-runs/77"), count(&job, "POST issues/12/comments")),
        (1, 1)
    );
    assert_eq!(outcome.log.matches("\n::error file=Dockerfile").count(), 1, "{}", outcome.log);
    for part in ["no comment: 403 Resource not accessible", "checks: write", "pull-requests: write"]
    {
        assert!(outcome.log.contains(part), "{part}: {}", outcome.log);
    }
}

#[test]
fn dependabot_is_judged_with_a_token_that_can_only_read() {
    let mut job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", BAD)]);
    job.set("GITHUB_ACTOR", "dependabot[bot]");
    let no = Status(403, None, "Resource not accessible by integration");
    job.server.with(|it| it.script = [("POST", no)].into());
    let outcome = job.run(&[]);
    assert_eq!((outcome.code, count(&job, "POST issues/12/comments")), (1, 1));
    assert!(outcome.log.contains("no comment: 403") && outcome.summary.contains("Not ready"));
}

#[test]
fn a_server_that_says_when_is_asked_again() {
    for status in [403, 429] {
        let (job, _) = with(&[(CREATE, Status(status, Some(0), "secondary rate limit"))]);
        assert_eq!((count(&job, "POST issues/12/comments"), job.server.comments().len()), (2, 1));
    }
}

#[test]
fn a_server_that_wants_too_much_patience_is_left() {
    let (job, outcome) = with(&[(CREATE, Status(429, Some(3600), "secondary rate limit"))]);
    assert_eq!(count(&job, "POST issues/12/comments"), 1);
    assert!(outcome.log.contains("no comment: 429 secondary rate limit"), "{}", outcome.log);
}

#[test]
fn a_comment_that_was_written_after_all_is_not_written_twice() {
    for trouble in [DoneThen(502), DoneThen(500)] {
        let (job, outcome) = with(&[(CREATE, trouble)]);
        assert_eq!((count(&job, "POST issues/12/comments"), job.server.comments().len()), (1, 1));
        assert!(outcome.outputs["comment-url"].contains("#issuecomment-"));
    }
}

#[test]
fn a_comment_that_was_not_written_is_tried_once_more() {
    for trouble in [Status(502, None, "bad gateway"), Reset, Slow] {
        let (job, _) = with(&[(CREATE, trouble.clone())]);
        let posts = count(&job, "POST issues/12/comments");
        assert_eq!((posts, job.server.comments().len()), (2, 1), "{trouble:?}");
    }
    let twice = [(CREATE, Status(502, None, "x")), (CREATE, Status(502, None, "x"))];
    let (job, outcome) = with(&twice);
    assert_eq!((count(&job, "POST issues/12/comments"), job.server.comments().len()), (2, 0));
    assert!(outcome.log.contains("no comment: 502"), "{}", outcome.log);
}

#[test]
fn a_comment_that_is_too_long_becomes_a_short_one() {
    let (job, _) = with(&[(CREATE, Status(422, None, "body is too long"))]);
    let comments = job.server.comments();
    assert!(comments[0].contains("not-ready: 1 blocking"), "{comments:?}");
    assert!(comments[0].contains("in the summary of the run]"), "{comments:?}");
}

#[test]
fn what_is_not_there_is_said() {
    let (_, outcome) = with(&[("GET /repos/acme/api/pulls/12", Status(404, None, "Not Found"))]);
    assert!(outcome.log.contains("no comment: 404 Not Found"), "{}", outcome.log);
}

#[test]
fn reading_and_changing_are_tried_again() {
    let get = "GET /repos/acme/api/pulls/12";
    let (job, _) = with(&[(get, Reset), (get, Status(503, None, "x"))]);
    assert_eq!((count(&job, "GET pulls/12"), job.server.comments().len()), (3, 1));
    let patch = "PATCH /repos/acme/api/check-runs/77";
    let (job, outcome) = with(&[(patch, Reset), (patch, Status(500, None, "x"))]);
    assert_eq!(count(&job, "PATCH check-runs/77"), 3);
    assert!(outcome.log.contains("1 of 1 annotations are on the check run"), "{}", outcome.log);
}

#[test]
fn without_a_server_everything_is_in_log_and_summary() {
    let mut job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", BAD)]);
    job.set("GITHUB_API_URL", "http://127.0.0.1:9");
    job.set("SEAWORTHY_CHECK_RUN_ID", "77");
    let outcome = job.run(&["--annotations", "check"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.log.contains("\n::error file=Dockerfile"), "{}", outcome.log);
    assert!(outcome.log.contains("no comment: no answer: "), "{}", outcome.log);
    job.unset("GITHUB_TOKEN");
    assert_eq!(job.run(&[]).code, 1);
}

#[test]
fn without_a_summary_the_log_has_every_finding() {
    let mut job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", BAD)]);
    let line = "Dockerfile:2: error: the last USER is `root`";
    job.unset("GITHUB_STEP_SUMMARY");
    assert!(job.run(&[]).log.contains(line));
    let folder = job.folder.path().to_str().unwrap().to_owned();
    job.set("GITHUB_STEP_SUMMARY", &folder);
    let outcome = job.run(&[]);
    assert!(outcome.log.contains("the summary is not written"), "{}", outcome.log);
    assert!(outcome.code == 1 && outcome.log.contains(line), "{}", outcome.log);
}
