//! A small server that plays GitHub: it keeps comments, records what it is asked, and fails where a
//! script says so.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: String,
    pub body: Value,
    pub authorization: String,
}

/// What happens instead of an answer.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// A status, with a `retry-after`, and a message; nothing is done.
    Status(u16, Option<u64>, &'static str),
    /// It is done, and the answer is this status.
    DoneThen(u16),
    /// The connection ends.
    Reset,
    /// Half an answer, and then nothing more.
    Slow,
}

/// What the server knows.
#[derive(Debug, Default)]
pub struct State {
    /// The comments on the pull request: number, login, text.
    pub comments: Vec<(u64, String, String)>,
    /// The texts of the review comments.
    pub review_comments: Vec<String>,
    /// The head of pull request 12.
    pub head: String,
    /// Whose token it is; a job's, if nobody's.
    pub login: Option<&'static str>,
    /// Whether the commit alone leads to the pull request.
    pub knows_commit: bool,
    /// The next requests that begin like this (`POST /repos/acme/api/issues`) meet trouble.
    pub script: VecDeque<(&'static str, Trouble)>,
    /// What was asked.
    pub requests: Vec<Request>,
}

/// A server, until it is dropped with the process.
pub struct Server {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state }
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// What was asked, one line each: `POST issues/12/comments`.
    pub fn asked(&self) -> Vec<String> {
        let short = |it: &Request| {
            let path = it.path.trim_start_matches("/api/v3");
            format!("{} {}", it.method, path.trim_start_matches("/repos/acme/api/"))
        };
        self.with(|it| it.requests.iter().map(short).collect())
    }

    /// The texts of the comments that are there.
    pub fn comments(&self) -> Vec<String> {
        self.with(|it| it.comments.iter().map(|it| it.2.clone()).collect())
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = read(&stream) else { return };
    let answer = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let line = format!("{} {}", request.method, request.path);
        let meets = state.script.front().is_some_and(|it| line.starts_with(it.0));
        let trouble = meets.then(|| state.script.pop_front().unwrap().1);
        match trouble {
            None => Some(state.answer(&request)),
            Some(Trouble::Status(status, after, message)) => {
                let after = after.map_or(String::new(), |it| format!("retry-after: {it}\r\n"));
                Some((status, after, json!({"message": message})))
            }
            Some(Trouble::DoneThen(status)) => {
                state.answer(&request);
                Some((status, String::new(), json!({"message": "bad gateway"})))
            }
            Some(Trouble::Reset) => None,
            Some(Trouble::Slow) => {
                drop(state);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":");
                // Until the other end gives up.
                let _ = stream.read(&mut [0]);
                return;
            }
        }
    };
    match answer {
        None => drop(stream.shutdown(Shutdown::Both)),
        Some((status, headers, body)) => {
            let body = if status == 204 { String::new() } else { body.to_string() };
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}connection: \
                 close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let _ = stream.write_all(text.as_bytes());
        }
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        authorization,
    })
}

impl State {
    fn answer(&mut self, request: &Request) -> (u16, String, Value) {
        let path = request.path.trim_start_matches("/api/v3");
        let path = path.strip_prefix("/repos/acme/api/").unwrap_or(path);
        let page_two = request.query.contains("page=2");
        let (status, body) = match (request.method.as_str(), path) {
            ("GET", "/user") => match self.login {
                Some(login) => (200, json!({"login": login})),
                None => (403, json!({"message": "Resource not accessible by integration"})),
            },
            ("GET", "pulls/12") => (200, self.request()),
            ("GET", "pulls") => (200, json!([self.request()])),
            ("GET", "pulls/12/comments") => {
                (200, self.review_comments.iter().map(|it| json!({"body": it})).collect())
            }
            ("GET", "issues/12/comments") if page_two => (200, json!([])),
            ("GET", "issues/12/comments") => (200, self.comments.iter().map(comment).collect()),
            ("POST", "issues/12/comments") => {
                let id = self.comments.iter().map(|it| it.0).max().unwrap_or(100) + 1;
                let text = request.body["body"].as_str().unwrap().to_owned();
                let login = self.login.unwrap_or("github-actions[bot]").to_owned();
                self.comments.push((id, login, text));
                (201, comment(self.comments.last().unwrap()))
            }
            ("POST", "pulls/12/reviews") => (200, json!({"id": 1})),
            ("PATCH", path) if path.starts_with("check-runs/") => (200, json!({"id": 7})),
            ("GET", path) if path.starts_with("commits/") => {
                (200, if self.knows_commit { json!([self.request()]) } else { json!([]) })
            }
            (method, path) => self.one_comment(method, path, request),
        };
        (status, String::new(), body)
    }

    fn one_comment(&mut self, method: &str, path: &str, request: &Request) -> (u16, Value) {
        let id = path.strip_prefix("issues/comments/").and_then(|it| it.parse().ok());
        let at = self.comments.iter().position(|it| Some(it.0) == id);
        match (method, at) {
            ("PATCH", Some(at)) => {
                self.comments[at].2 = request.body["body"].as_str().unwrap().to_owned();
                (200, comment(&self.comments[at]))
            }
            ("DELETE", Some(at)) => {
                self.comments.remove(at);
                (204, Value::Null)
            }
            _ => (404, json!({"message": "Not Found"})),
        }
    }

    fn request(&self) -> Value {
        json!({"number": 12, "state": "open", "head": {"sha": self.head}})
    }
}

fn comment((id, login, body): &(u64, String, String)) -> Value {
    let url = format!("https://github.com/acme/api/pull/12#issuecomment-{id}");
    json!({"id": id, "user": {"login": login}, "body": body, "html_url": url})
}
