//! The one that talks to GitHub: octocrab, with a policy of our own on what is sent again.
//!
//! octocrab's typed calls are not used: the one for changing a comment sends `POST`, and the one
//! for reviews cannot be given comments.

use std::time::Duration;

use octocrab::Octocrab;
use serde_json::Value;
use thiserror::Error;

use super::retry::{self, Outcome};

/// How patient we are.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two requests that write: GitHub asks for a second.
    pub between: Duration,
    /// Before a request is sent again for the first time.
    pub first: Duration,
    /// For one answer.
    pub answer: Duration,
    /// All pauses together.
    pub pauses: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let [between, first, answer, pauses] = [1, 1, 20, 60].map(Duration::from_secs);
        Self { between, first, answer, pauses }
    }
}

/// Why a request came to nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// The server said no.
    #[error("{status} {message}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// It is not known whether the request was done.
    #[error("no answer: {0}")]
    Unknown(String),
}

impl Failure {
    /// The status that the server gave, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unknown(_) => None,
        }
    }

    /// Whether it may have been done nevertheless.
    pub fn is_open(&self) -> bool {
        self.status().is_none_or(|it| it >= 500)
    }
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

/// A client for one repository.
pub struct Client {
    octocrab: Octocrab,
    repository: String,
    pace: Pace,
    /// How long pauses may still be.
    patience: Duration,
    has_written: bool,
}

impl Client {
    /// A client; must be made inside a runtime.
    ///
    /// # Errors
    /// When the address or the token is malformed.
    pub fn new(api: &str, repository: &str, token: &str, pace: Pace) -> Result<Self, String> {
        let builder = Octocrab::builder().base_uri(api).map_err(|error| error.to_string())?;
        let octocrab = builder
            .personal_token(token.to_owned())
            .set_connect_timeout(Some(pace.answer))
            .set_read_timeout(Some(pace.answer))
            .build()
            .map_err(|error| error.to_string())?;
        let repository = format!("/repos/{repository}");
        Ok(Self { octocrab, repository, pace, patience: pace.pauses, has_written: false })
    }

    /// Reads what is at `place` below the repository, or at the top if it starts with `/`.
    pub async fn get(&mut self, place: &str) -> Result<Value, Failure> {
        self.send(Method::Get, place, None).await
    }

    /// Reads all pages of a list, as far as somebody may want to.
    pub async fn list(&mut self, place: &str) -> Result<Vec<Value>, Failure> {
        const OF_PAGE: usize = 100;
        const PAGES: usize = 30;
        let mut all = Vec::new();
        let mark = if place.contains('?') { '&' } else { '?' };
        for page in 1..=PAGES {
            let place = format!("{place}{mark}per_page={OF_PAGE}&page={page}");
            let Value::Array(some) = self.get(&place).await? else { break };
            let is_last = some.len() < OF_PAGE;
            all.extend(some);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// Makes something. It is not sent again where it may have been done.
    pub async fn post(&mut self, place: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::Post, place, Some(body)).await
    }

    /// Changes something.
    pub async fn patch(&mut self, place: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::Patch, place, Some(body)).await
    }

    /// Takes something away.
    pub async fn delete(&mut self, place: &str) -> Result<(), Failure> {
        self.send(Method::Delete, place, None).await.map(|_| ())
    }

    async fn send(
        &mut self,
        method: Method,
        place: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let place = match place.starts_with('/') {
            true => place.to_owned(),
            false => format!("{}/{place}", self.repository),
        };
        if method != Method::Get {
            if self.has_written {
                tokio::time::sleep(self.pace.between).await;
            }
            self.has_written = true;
        }
        for tries in 1.. {
            let (outcome, answer) = self.once(method, &place, body).await;
            let safe = method != Method::Post;
            let pause = retry::pause(outcome, safe, tries, self.pace.first);
            let Some(pause) = pause.filter(|it| *it <= self.patience) else { return answer };
            self.patience -= pause;
            tokio::time::sleep(pause).await;
        }
        Err(Failure::Unknown("never sent".to_owned()))
    }

    async fn once(
        &self,
        method: Method,
        place: &str,
        body: Option<&Value>,
    ) -> (Outcome, Result<Value, Failure>) {
        let asked = async {
            let response = match method {
                Method::Get => self.octocrab._get(place).await,
                Method::Post => self.octocrab._post(place, body).await,
                Method::Patch => self.octocrab._patch(place, body).await,
                Method::Delete => self.octocrab._delete(place, body).await,
            }?;
            let status = response.status().as_u16();
            let after = response.headers().get("retry-after");
            let after = after.and_then(|it| it.to_str().ok()?.parse().ok());
            let text = self.octocrab.body_to_string(response).await?;
            Ok::<_, octocrab::Error>((status, after, text))
        };
        let broken = |why: String| (Outcome::Broken, Err(Failure::Unknown(why)));
        match tokio::time::timeout(self.pace.answer, asked).await {
            Err(_) => broken("it took too long".to_owned()),
            Ok(Err(error)) => broken(innermost(&error)),
            Ok(Ok((status, after, text))) => {
                (Outcome::Answer { status, after }, answer(status, &text))
            }
        }
    }
}

fn answer(status: u16, text: &str) -> Result<Value, Failure> {
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    if (200..300).contains(&status) {
        return Ok(value);
    }
    let message = value["message"].as_str().unwrap_or("").chars().take(200).collect();
    Err(Failure::Refused { status, message })
}

/// What an error is about: octocrab wraps the reason in layers that say little.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
