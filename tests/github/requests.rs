//! What is asked of GitHub, and what is told where, in each context.

use serde_json::{Value, json};

use crate::job::{BAD, GOOD, Job, commit, git};

const COMMENT: [&str; 4] =
    ["GET pulls/12", "GET issues/12/comments", "POST issues/12/comments", "GET issues/12/comments"];

fn bad() -> Job {
    Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", BAD)])
}

#[test]
fn a_blocked_pull_request_is_told_everywhere() {
    let job = bad();
    let outcome = job.run(&[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.log.contains("\n::error file=Dockerfile,line=2,"), "{}", outcome.log);
    assert!(outcome.summary.starts_with("### ❌ Not ready: 1 finding blocks\n"));
    assert_eq!(job.server.asked(), COMMENT);
    let comment = &job.server.comments()[0];
    let marker = format!("<!-- seaworthy key=main head={} run=1000.1 gist=", job.head);
    assert!(comment.starts_with(&marker), "{comment}");
    let link = format!("](https://github.com/acme/api/blob/{}/Dockerfile#L2)", job.head);
    assert!(comment.contains("**Mend first:**") && comment.contains(&link), "{comment}");
    let outputs = &outcome.outputs;
    assert_eq!((outputs["conclusion"].as_str(), outputs["errors"].as_str()), ("failure", "1"));
    assert!(outputs["comment-url"].contains("#issuecomment-"));
    let report = std::fs::read_to_string(&outputs["report-json"]).unwrap();
    assert!(report.contains("dockerfile/root-user"));
}

#[test]
fn a_clean_pull_request_gets_no_comment() {
    let job = Job::new(&[("Dockerfile", GOOD)], &[("README", "x")]);
    let outcome = job.run(&[]);
    assert_eq!((outcome.code, job.server.comments().len()), (0, 0));
    assert_eq!(outcome.outputs["conclusion"], "success");
    assert!(outcome.log.contains("no comment: there is nothing to say"), "{}", outcome.log);
}

#[test]
fn one_comment_is_kept_up_to_date_and_resolved() {
    let mut job = bad();
    job.run(&[]);
    let first = job.server.comments();
    job.push(&[("docs.txt", "x")]);
    job.run(&[]);
    assert_eq!(job.server.comments(), first, "the same again is not written");
    job.push(&[("Dockerfile", GOOD)]);
    assert_eq!(job.run(&[]).code, 0);
    let comments = job.server.comments();
    assert!(comments.len() == 1 && comments[0].contains("\n✅ Ready: "), "{comments:?}");
    assert_eq!(comments[0].lines().count(), 2);
}

#[test]
fn somebody_elses_marker_is_left_alone() {
    let job = bad();
    job.run(&[]);
    let forged = job.server.comments()[0].clone();
    job.server.with(|it| it.comments = vec![(50, "eve".into(), forged.clone())]);
    job.run(&["--comment-author", "github-actions[bot]"]);
    let comments = job.server.comments();
    assert_eq!((comments.len(), &comments[0]), (2, &forged));
}

#[test]
fn a_late_run_does_not_overwrite_what_a_newer_commit_is_told() {
    let job = bad();
    job.server.with(|it| it.head = "f".repeat(40));
    let outcome = job.run(&[]);
    assert_eq!((outcome.code, job.server.asked()), (1, vec!["GET pulls/12".to_owned()]));
    assert!(outcome.log.contains("no comment: the pull request has a newer commit"));
}

#[test]
fn duplicates_converge_to_the_first() {
    let job = bad();
    job.run(&[]);
    job.server.with(|it| {
        let body = it.comments[0].2.clone();
        it.comments.push((300, "github-actions[bot]".into(), body));
    });
    job.run(&[]);
    assert_eq!(job.server.comments().len(), 1);
    assert!(job.server.asked().contains(&"DELETE issues/comments/300".to_owned()));
}

#[test]
fn a_merge_queue_run_is_judged_and_writes_no_comment() {
    let mut job = bad();
    let group = json!({"merge_group": {"base_sha": job.base, "head_sha": job.head}});
    job.event("merge_group", &group);
    let outcome = job.run(&[]);
    assert_eq!((outcome.code, job.server.asked().len()), (1, 0));
    assert!(outcome.summary.contains("Not ready"));
}

#[test]
fn pushes_and_schedules_write_no_comment() {
    let mut job = bad();
    job.event("push", &json!({"before": job.base, "after": job.head}));
    assert_eq!((job.run(&[]).code, job.server.asked().len()), (1, 0));
    job.event("push", &json!({"before": job.head, "after": job.head}));
    assert_eq!(job.run(&[]).code, 0, "the push brought nothing");
    assert_eq!(job.run(&["--new-only", "false"]).code, 1);
    for name in ["schedule", "workflow_dispatch"] {
        job.event(name, &json!({}));
        assert_eq!((job.run(&[]).code, job.server.asked().len()), (1, 0), "{name}");
    }
}

#[test]
fn a_server_of_ones_own_is_asked_below_its_path() {
    let mut job = bad();
    let address = format!("{}/api/v3", job.server.address);
    job.set("GITHUB_API_URL", &address);
    job.set("GITHUB_SERVER_URL", "https://git.acme.com");
    assert_eq!(job.run(&[]).code, 1);
    assert!(job.server.with(|it| it.requests.iter().all(|it| it.path.starts_with("/api/v3/"))));
    assert!(job.server.comments()[0].contains("https://git.acme.com/acme/api/blob/"));
}

#[test]
fn five_hundred_findings_keep_within_every_limit_and_none_is_lost() {
    let files: Vec<_> = (0..500).map(|it| format!("s{it}/Dockerfile")).collect();
    let after: Vec<_> = files.iter().map(|path| (path.as_str(), BAD)).collect();
    let mut job = Job::new(&[("a", "b")], &after);
    job.set("SEAWORTHY_CHECK_RUN_ID", "77");
    let outcome = job.run(&["--select", "dockerfile/root-user"]);
    let chunks = |job: &Job| -> Vec<usize> {
        let size = |it: &Value| it["output"]["annotations"].as_array().map(Vec::len);
        job.server.with(|it| it.requests.iter().filter_map(|it| size(&it.body)).collect())
    };
    assert_eq!(chunks(&job), [50, 50, 50, 50, 50, 50, 50, 50, 50, 40]);
    assert_eq!(outcome.log.matches("\n::error file=").count(), 10);
    assert!(outcome.log.contains("10 of 500 errors shown as annotations"));
    assert!(outcome.log.contains("490 of 490 annotations are on the check run"));
    let comment = &job.server.comments()[0];
    assert!(comment.chars().count() <= 65_000, "{}", comment.chars().count());
    assert!(comment.contains("30 of 500 shown. By rule: `dockerfile/root-user` 500."), "{comment}");
    assert!(comment.contains("[Every finding, in the summary of the run]("), "{comment}");
    assert!(outcome.summary.len() <= 1 << 20);
    for path in &files {
        assert!(outcome.summary.contains(&format!("| [`{path}:2`](")), "{path}");
    }
    job.server.with(|it| it.requests.clear());
    let only = ["--comment", "off", "--select", "dockerfile/root-user", "--annotations", "check"];
    assert_eq!(job.run(&only).log.matches("\n::error file=").count(), 0);
    assert_eq!(chunks(&job), [50; 10]);
}

#[test]
fn fixes_become_suggestions_once() {
    let before = "FROM debian:13\nUSER 10001\nCMD [\"a\"]\n";
    let after = "FROM debian:13\nUSER 10001\nMAINTAINER a@example.com\nCMD [\"a\"]\n";
    let job = Job::new(&[("Dockerfile", before)], &[("Dockerfile", after)]);
    let arguments = ["--suggestions", "true", "--comment", "off", "--profile", "all"];
    let outcome = job.run(&arguments);
    let posted = |job: &Job| {
        job.server.with(|it| {
            it.requests.iter().filter(|it| it.method == "POST").cloned().collect::<Vec<_>>()
        })
    };
    let reviews = posted(&job);
    assert_eq!(reviews.len(), 1, "{}", outcome.log);
    let comments = reviews[0].body["comments"].as_array().unwrap();
    let bodies: Vec<_> =
        comments.iter().map(|it| it["body"].as_str().unwrap().to_owned()).collect();
    assert!(bodies.iter().all(|it| it.contains("```suggestion\n")), "{bodies:?}");
    assert!(comments.iter().all(|it| it["line"] == 3), "only on lines of the change");
    job.server.with(|it| it.review_comments = bodies);
    assert!(job.run(&arguments).log.contains("0 new suggestions"));
    assert_eq!(posted(&job).len(), 1);
}

#[test]
fn a_change_is_judged_by_the_policy_of_its_base_and_the_edit_is_shown() {
    let config = ".seaworthy/config.toml";
    let after = [("Dockerfile", BAD), (config, "fail-on = \"never\"\n")];
    let job = Job::new(&[("Dockerfile", GOOD)], &after);
    assert_eq!(job.run(&[]).code, 1);
    let comment = &job.server.comments()[0];
    assert!(comment.contains("This change edits what it is judged by"), "{comment}");
    assert!(comment.contains("- added `.seaworthy/config.toml`"), "{comment}");
    assert!(comment.contains("by that of this change nothing would block"), "{comment}");
    assert_eq!(job.run(&["--policy-from", "head"]).code, 0);
}

#[test]
fn what_a_change_waives_by_itself_is_shown() {
    let waived =
        "FROM debian:13\n# seaworthy: allow dockerfile/root-user -- it is late\nUSER root\n";
    let job = Job::new(&[("Dockerfile", GOOD)], &[("Dockerfile", waived)]);
    assert_eq!(job.run(&[]).code, 0);
    let comment = &job.server.comments()[0];
    assert!(
        comment.contains("- waived `dockerfile/root-user` in ") && comment.contains("it is late")
    );
}

#[test]
fn a_shallow_checkout_of_the_merge_gets_its_base() {
    let origin = Job::new(&[("Dockerfile", GOOD), ("old/Dockerfile", BAD)], &[("x", "y")]);
    let root = origin.root();
    git(&root, &["checkout", "-q", "-b", "change", &origin.base]);
    let head = commit(&root, &[("new/Dockerfile", BAD)]);
    git(&root, &["checkout", "-q", "main"]);
    git(&root, &["merge", "-q", "--no-ff", "-m", "merge", "change"]);
    let merge = git(&root, &["rev-parse", "HEAD"]);

    let mut job = Job::new(&[], &[]);
    std::fs::remove_dir_all(job.root()).unwrap();
    std::fs::create_dir(job.root()).unwrap();
    git(&job.root(), &["init", "-q"]);
    git(&job.root(), &["remote", "add", "origin", &format!("file://{}", root.display())]);
    git(&job.root(), &["fetch", "-q", "--depth=1", "origin", &merge]);
    git(&job.root(), &["checkout", "-q", &merge]);
    job.head = head.clone();
    job.base = origin.base.clone();
    job.server.with(|it| it.head = head);
    job.pull_request(false);
    let outcome = job.run(&["--changed-only", "lines"]);
    assert_eq!((outcome.code, outcome.outputs["errors"].as_str()), (1, "1"));
    assert!(outcome.log.contains("::error file=new/Dockerfile,line=2"), "{}", outcome.log);
}

#[test]
fn a_base_that_cannot_be_had_is_no_answer_and_not_a_pass() {
    let mut job = bad();
    job.base = "1".repeat(40);
    job.pull_request(false);
    let outcome = job.run(&[]);
    assert_eq!((outcome.code, outcome.outputs["conclusion"].as_str()), (2, "error"));
    assert!(outcome.log.contains("fetch-depth: 0"), "{}", outcome.log);
    assert_eq!(job.run(&["--policy-from", "head"]).code, 1, "all counts as new");
}

#[test]
fn a_fork_saves_and_a_trusted_job_posts() {
    let mut job = bad();
    job.pull_request(true);
    let saved = job.folder.path().join("saved.json");
    let saved = saved.to_str().unwrap();
    assert_eq!(job.run(&["--save", saved]).code, 1);
    assert_eq!(job.server.asked(), [""; 0]);

    let finished = |head: &str| {
        json!({"workflow_run": {
            "id": 900, "run_attempt": 1, "head_sha": head, "head_branch": "fix/x",
            "head_repository": {"owner": {"login": "eve"}}, "pull_requests": [],
        }})
    };
    let head = job.head.clone();
    job.event("workflow_run", &finished(&head));
    let outcome = job.run(&["--post", saved]);
    assert_eq!(outcome.code, 0, "{}", outcome.log);
    assert!(job.server.with(|it| it.requests[1].query.contains("head=eve%3Afix%2Fx")));
    let comments = job.server.comments();
    assert!(comments[0].contains("❌ Not ready: 1 finding blocks"), "{comments:?}");
    assert!(comments[0].contains("run=900.1"), "{comments:?}");

    let other = "e".repeat(40);
    job.event("workflow_run", &finished(&other));
    let outcome = job.run(&["--post", saved]);
    assert!(outcome.log.contains("no open pull request is at this commit"), "{}", outcome.log);
    assert_eq!(job.server.comments().len(), 1);

    std::fs::write(saved, "{\"saved\": 1}").unwrap();
    assert_eq!(job.run(&["--post", saved]).code, 2);
}
