//! What was seen, without judgement.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::proxy::Proxy;

/// Everything that an examination has seen.
#[derive(Debug)]
pub(super) struct Notes {
    /// Whether the address is one of `https`.
    pub(super) is_secure: bool,
    /// What the plan was: what has not been asked for has not been seen.
    pub(super) idle: Duration,
    pub(super) origin: Option<String>,
    pub(super) credentials: bool,
    pub(super) streams: usize,
    pub(super) has_token: bool,
    /// The server's certificate, if there is one.
    pub(super) certificate: Option<Certificate>,
    /// The probe as a program asks for it.
    pub(super) plain: Result<Exchange, Unreachable>,
    /// Whatever needs a hub to be there. `None` if none was found.
    pub(super) more: Option<More>,
}

/// What is looked at once a hub has been found.
#[derive(Debug)]
pub(super) struct More {
    /// The probe as a browser asks for it, with `Accept-Encoding`.
    pub(super) browser: Result<Exchange, Unreachable>,
    /// The probe as a page of the origin asks for it.
    pub(super) cors: Option<Result<Exchange, Unreachable>>,
    /// `HEAD`.
    pub(super) head: Result<Exchange, Unreachable>,
    /// The probe with a long silence at its end.
    pub(super) idle: Result<Exchange, Unreachable>,
    /// A subscription with a cursor that the hub cannot know.
    pub(super) resume: Result<Exchange, Unreachable>,
    /// How many streams were open at once.
    pub(super) held: usize,
}

/// What the server proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Certificate {
    /// Good, and for long enough.
    Good,
    /// Good for so many days only.
    Expiring(u64),
    /// Not to be believed, with the reason.
    Wrong(String),
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// The name has no address.
    Name(String),
    /// Nobody listens there.
    Refused,
    /// Nothing came in time.
    Silent,
    /// The handshake failed.
    Tls(String),
    /// The connection broke before there was an answer.
    Broken(String),
}

/// A request's answer, and what came of its body.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    pub(super) status: StatusCode,
    pub(super) is_http2: bool,
    pub(super) headers: HeaderMap,
    pub(super) heard: Heard,
}

/// What came of a body, each with the time since the request was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) report: Option<Report>,
    /// When a timed event came, and when the hub had sent it by its own clock.
    pub(super) ticks: Vec<(Duration, Duration)>,
    pub(super) heartbeats: u32,
    /// Whether the hub said that it does not know the cursor.
    pub(super) reset: bool,
    /// The first and the last bytes.
    pub(super) first: Option<Duration>,
    pub(super) last: Option<Duration>,
    /// When it ended; `None` if it was still open.
    pub(super) ended: Option<Duration>,
    /// The beginning, of an answer that is no stream.
    pub(super) text: String,
}

/// What the hub's probe says.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Report {
    pub(super) nonce: Option<String>,
    pub(super) http: String,
    pub(super) headers: Vec<String>,
    pub(super) ticks: u32,
    pub(super) heartbeat_ms: u64,
    pub(super) origin_allowed: Option<bool>,
    /// Whether the nonce is the one that was sent. Not the hub's to say.
    #[serde(skip)]
    pub(super) is_fresh: bool,
}

impl Notes {
    /// What stands in front: what the caller says, or what it says itself.
    pub(super) fn proxy(&self, told: Option<Proxy>) -> Option<Proxy> {
        told.or_else(|| {
            let plain = self.plain.as_ref().ok()?;
            let added =
                plain.heard.report.as_ref().map(|report| report.headers.as_slice()).unwrap_or_default();
            Proxy::recognise(&plain.headers, &plain.heard.text, added)
        })
    }
}

impl Exchange {
    /// The value of a header that may be there once.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn is_stream(&self) -> bool {
        let essence = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(tidings_stream::CONTENT_TYPE)
    }

    /// What a problem document says; the hub itself answers so, and hardly anybody else.
    pub(super) fn problem(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }
        let is_problem = self.header("content-type")?.starts_with("application/problem+json");
        is_problem
            .then(|| serde_json::from_str::<Problem>(&self.heard.text).ok())?
            .map(|problem| problem.detail)
    }
}

impl Heard {
    /// How much later than the quickest event the slowest one came.
    pub(super) fn lag(&self) -> Duration {
        let lags = || self.ticks.iter().map(|(came, sent)| came.saturating_sub(*sent));
        let quickest = lags().min().unwrap_or_default();
        lags().max().unwrap_or_default().saturating_sub(quickest)
    }
}
