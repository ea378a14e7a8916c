//! What operators ask a running hub: is it alive, is it ready, what does it do.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Instant, SystemTime},
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde::Serialize;
use tidings_hub::Hub;

use crate::{metrics, server::ServerStats};

/// A part of the program beside the hub that can fail while the rest goes on, such as a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartStatus {
    /// Its name, unique among its kind.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// Its state, one word.
    pub state: &'static str,
    /// More, for a person; without secrets.
    pub detail: Option<String>,
    /// Whether it does its work.
    #[serde(skip)]
    pub ready: bool,
    /// Events it has published.
    pub events: u64,
    /// Failures it has had.
    pub failures: u64,
    /// Events it had to drop.
    pub dropped: u64,
    /// Events that it had to alter, because their data was not UTF-8 or their name cannot be a type.
    pub altered: u64,
}

/// Asks all parts how they are.
pub type Parts = Arc<dyn Fn() -> Vec<PartStatus> + Send + Sync>;

/// How reading the configuration went, from the start on.
#[derive(Debug)]
pub struct Loads {
    succeeded: AtomicU64,
    failed: AtomicU64,
    last: Mutex<SystemTime>,
}

/// A reading of [`Loads`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadFigures {
    /// How often the configuration was read and put in force, the start included.
    pub succeeded: u64,
    /// How often it was refused.
    pub failed: u64,
    /// When it was put in force last.
    pub last: SystemTime,
}

impl Loads {
    /// Those of a program that starts.
    pub fn first() -> Self {
        Self { succeeded: 1.into(), failed: 0.into(), last: Mutex::new(SystemTime::now()) }
    }

    /// A configuration was put in force.
    pub fn succeeded(&self) {
        self.succeeded.fetch_add(1, Relaxed);
        *self.last() = SystemTime::now();
    }

    /// A configuration was refused.
    pub fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// A reading.
    pub fn read(&self) -> LoadFigures {
        let (succeeded, failed) = (self.succeeded.load(Relaxed), self.failed.load(Relaxed));
        LoadFigures { succeeded, failed, last: *self.last() }
    }

    fn last(&self) -> MutexGuard<'_, SystemTime> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the status routes tell of.
#[derive(Clone)]
pub struct Status {
    /// The hub.
    pub hub: Hub,
    /// The parts beside it.
    pub parts: Parts,
    /// The server's own counters.
    pub server: Arc<ServerStats>,
    /// The program's version.
    pub version: &'static str,
    /// Whether everybody may publish and subscribe.
    pub open: bool,
    /// Whether the demo runs.
    pub demo: bool,
    /// When the program started.
    pub started: Instant,
    /// How reading the configuration went.
    pub loads: Arc<Loads>,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("hub", &self.hub)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// `/livez` and `/readyz`.
pub fn health(status: Status) -> Router {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state(status)
}

/// `/metrics` and `/stats`.
pub fn figures(status: Status) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/stats", get(stats)).with_state(status)
}

/// The process answers, and no part of it has died that only a restart brings back.
async fn livez(State(status): State<Status>) -> (StatusCode, &'static str) {
    match status.hub.has_failed() {
        false => (StatusCode::OK, "alive\n"),
        true => (StatusCode::INTERNAL_SERVER_ERROR, FAILED),
    }
}

/// What is said of a hub of which a shard has died.
const FAILED: &str = "a part of the fan-out has stopped: restart the hub, and report the panic in its log\n";

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// What is wrong, a sentence each.
    problems: Vec<String>,
}

/// True only if events can be appended and every source works, and the hub is not stopping.
async fn readyz(State(status): State<Status>) -> Response {
    let log = status.hub.log().status().trouble.map(|trouble| format!("log: {trouble}"));
    let draining = status.hub.is_draining().then(|| "the hub is stopping".to_owned());
    let parts = (status.parts)().into_iter().filter(|part| !part.ready).map(|part| {
        let detail = part.detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{} {} is {}{detail}", part.kind, part.name, part.state)
    });
    let failed = status.hub.has_failed().then(|| FAILED.trim_end().to_owned());
    let problems: Vec<String> = log.into_iter().chain(draining).chain(failed).chain(parts).collect();
    let code = if problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Readiness { ready: problems.is_empty(), problems })).into_response()
}

async fn metrics(State(status): State<Status>) -> Response {
    match metrics::render(&status) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Serialize)]
struct StatsBody {
    version: &'static str,
    uptime_seconds: u64,
    open: bool,
    demo: bool,
    subscribers: u64,
    subscribers_behind: u64,
    published: u64,
    delivered: u64,
    delivered_bytes: u64,
    log: LogBody,
    sources: Vec<PartStatus>,
}

#[derive(Serialize)]
struct LogBody {
    events: u64,
    bytes: u64,
    healthy: bool,
    error: Option<String>,
    last_id: Option<String>,
}

async fn stats(State(status): State<Status>) -> impl IntoResponse {
    let hub = status.hub.stats();
    let log = status.hub.log().status();
    let body = StatsBody {
        version: status.version,
        uptime_seconds: status.started.elapsed().as_secs(),
        open: status.open,
        demo: status.demo,
        subscribers: hub.subscribers,
        subscribers_behind: hub.subscribers_behind,
        published: hub.published,
        delivered: hub.delivered,
        delivered_bytes: hub.delivered_bytes,
        log: LogBody {
            events: log.next - log.oldest,
            bytes: log.bytes,
            healthy: log.trouble.is_none(),
            error: log.trouble,
            last_id: log.last_id,
        },
        sources: (status.parts)(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(body))
}
