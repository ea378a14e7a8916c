//! `GET /events/doctor`: a stream for `tidings doctor`, which measures by it what stands between itself and the hub.
//!
//! It lies below `/events` so that a proxy which passes that on passes this on, too. It needs no right and no log: it
//! tells what of the request has arrived, names of headers but no values, then sends small events at known times, then
//! heartbeats for as long as was asked for. So many at once are served and no more, and each ends by itself.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::State, response::Response, routing::get};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream::unfold};
use http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use serde::Serialize;
use tidings_hub::{Hub, Naming};
use tidings_stream::{Frame, encode_comment};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{
    cors, form,
    problem::Problem,
    quota::Place,
    stream::{self, Carrier},
};

/// Probes at once: three doctors, with the two dozen streams that each opens.
const MAX_PROBES: usize = 72;
/// The events after the first, and the time between two.
const TICKS: u32 = 5;
const TICK_EVERY: Duration = Duration::from_millis(300);
/// The longest silence that may be asked for: longer than any proxy's usual patience.
const MAX_IDLE: Duration = Duration::from_secs(600);
/// The most that is read of a nonce, and given back.
const MAX_NONCE: usize = 64;
/// How soon a stream notices that the hub is stopping.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The headers of which it is told whether they have arrived.
const TOLD: [&str; 17] = [
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "cf-ray",
    "cookie",
    "forwarded",
    "last-event-id",
    "origin",
    "via",
    "x-amzn-trace-id",
    "x-envoy-expected-rq-timeout-ms",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// What the probe tells of the hub.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// The time between two heartbeats of a silent stream.
    pub heartbeat: Duration,
    /// The origins whose pages may listen: exact ones, or `*`.
    pub origins: Vec<String>,
}

#[derive(Clone)]
struct Probes {
    hub: Hub,
    settings: Arc<ProbeSettings>,
    places: Arc<Semaphore>,
}

/// The route of the probe.
pub fn probe(hub: Hub, settings: ProbeSettings) -> Router {
    let places = Arc::new(Semaphore::new(MAX_PROBES));
    let probes = Probes { hub, settings: Arc::new(settings), places };
    Router::new().route("/events/doctor", get(answer)).with_state(probes)
}

/// What is asked for in the query.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    nonce: Option<String>,
    idle: Duration,
}

/// The first event.
#[derive(Serialize)]
struct Report {
    hub: &'static str,
    /// What the doctor has put into the query, so that it knows this answer for its own.
    nonce: Option<String>,
    /// How the request came to the hub.
    http: &'static str,
    headers: Vec<&'static str>,
    ticks: u32,
    heartbeat_ms: u128,
    /// Whether pages of the request's origin may listen, as far as the hub is concerned.
    origin_allowed: Option<bool>,
}

/// Every other event.
#[derive(Serialize)]
struct Tick {
    elapsed_ms: u128,
}

async fn answer(
    State(probes): State<Probes>,
    carrier: Carrier,
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if carrier.is_overloaded() {
        return Ok(stream::no_room(&Naming::Own));
    }
    let asked = read(uri.query())?;
    if method == Method::HEAD {
        return Ok(stream::head());
    }
    let Ok(place) = probes.places.clone().try_acquire_owned() else {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{MAX_PROBES} probes of `tidings doctor` are under way: try again when they have ended"),
        ));
    };
    let Some(counted) = carrier.place([]) else { return Ok(stream::no_room(&Naming::Own)) };
    let report = Report {
        hub: "tidings",
        nonce: asked.nonce,
        http: match version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        },
        headers: TOLD.into_iter().filter(|name| headers.contains_key(*name)).collect(),
        ticks: TICKS,
        heartbeat_ms: probes.settings.heartbeat.as_millis(),
        origin_allowed: headers.get(header::ORIGIN).map(|origin| {
            probes.settings.origins.iter().any(|allowed| allowed == cors::ANY || allowed.as_bytes() == origin)
        }),
    };
    let now = Instant::now();
    let course = Course {
        first: Some(frame("report", &report)),
        started: now,
        ticks: 0,
        last: now,
        idle: asked.idle,
        heartbeat: probes.settings.heartbeat.max(LOOK_EVERY / 100),
        hub: probes.hub,
        _places: (place, counted),
    };
    let parts = unfold(course, async |mut course| Some((course.next().await?, course)));
    Ok(stream::stream(Body::from_stream(parts.map(Ok::<_, Infallible>))))
}

fn read(query: Option<&str>) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    for (name, value) in form::fields(query.unwrap_or_default().as_bytes())? {
        match &*name {
            "nonce" if value.len() <= MAX_NONCE && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                asked.nonce = Some(value.into_owned());
            }
            "idle" => {
                let seconds = value.parse().map(Duration::from_secs).ok().filter(|idle| *idle <= MAX_IDLE);
                asked.idle = seconds.ok_or_else(|| {
                    let most = MAX_IDLE.as_secs();
                    Problem::bad_request(format!("idle={value}: give whole seconds, {most} at most"))
                })?;
            }
            _ => {}
        }
    }
    Ok(asked)
}

/// A stream on its way. Dropping it gives its place back.
struct Course {
    first: Option<Bytes>,
    started: Instant,
    ticks: u32,
    /// When the last bytes were sent.
    last: Instant,
    idle: Duration,
    heartbeat: Duration,
    hub: Hub,
    /// Among the probes, and among the streams of its client.
    _places: (OwnedSemaphorePermit, Place),
}

impl Course {
    /// What comes next, when its time has come; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.ticks < TICKS {
            self.ticks += 1;
            tokio::time::sleep_until(self.started + TICK_EVERY * self.ticks).await;
            self.last = Instant::now();
            return Some(frame("tick", &Tick { elapsed_ms: self.started.elapsed().as_millis() }));
        }
        let end = self.started + TICK_EVERY * TICKS + self.idle;
        loop {
            let now = Instant::now();
            let beat = self.last + self.heartbeat;
            if now >= end || self.hub.is_draining() {
                return None;
            }
            if now >= beat {
                self.last = now;
                return Some(heartbeat());
            }
            tokio::time::sleep_until(end.min(beat).min(now + LOOK_EVERY)).await;
        }
    }
}

fn frame(event: &str, data: &impl Serialize) -> Bytes {
    let mut bytes = BytesMut::new();
    let data = serde_json::to_string(data).unwrap_or_default();
    if let Err(error) =
        (Frame { event: Some(event), data: Some(&data), ..Frame::default() }).encode(&mut bytes)
    {
        tracing::error!(%error, "the probe's own event cannot be encoded");
    }
    bytes.freeze()
}

fn heartbeat() -> Bytes {
    let mut bytes = BytesMut::new();
    // An empty comment has nothing that could be refused.
    encode_comment("", &mut bytes).ok();
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tidings_hub::Settings;
    use tidings_log::{Memory, Retention};
    use tidings_stream::{Decoder, Item};
    use tower::ServiceExt as _;

    use super::*;

    fn routes() -> Router {
        let log = Arc::new(Memory::new(Retention::default()).unwrap());
        let settings = ProbeSettings {
            heartbeat: Duration::from_secs(15),
            origins: vec!["https://app.example".to_owned()],
        };
        probe(Hub::start(log, Settings::default()).unwrap(), settings)
    }

    async fn items(request: http::request::Builder) -> Vec<Item> {
        let request = request.body(Body::empty()).unwrap();
        let response = routes().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut bytes = response.into_body().collect().await.unwrap().to_bytes();
        let mut decoder = Decoder::new();
        std::iter::from_fn(|| decoder.decode(&mut bytes)).map(Result::unwrap).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn it_tells_what_arrived_and_keeps_time() {
        let request = Request::get("/events/doctor?nonce=a1&idle=40")
            .header("Authorization", "Bearer secret")
            .header("Origin", "https://app.example")
            .header("X-Other", "other");
        let items = items(request).await;
        let Item::Event(report) = &items[0] else { panic!("{items:?}") };
        assert!(!report.data.contains("secret"));
        let told: serde_json::Value = serde_json::from_str(&report.data).unwrap();
        assert_eq!(told["nonce"], "a1");
        assert_eq!(told["headers"], serde_json::json!(["authorization", "origin"]));
        assert_eq!(told["origin_allowed"], true);
        let ticks =
            items[1..].iter().filter(|item| matches!(item, Item::Event(event) if event.event == "tick"));
        assert_eq!(ticks.count(), 5);
        let beats = items.iter().filter(|item| matches!(item, Item::Comment(_))).count();
        assert_eq!(beats, 2, "{items:?}");
    }

    #[tokio::test]
    async fn so_many_at_once_and_no_more() {
        let routes = routes();
        let ask = async || {
            let request = Request::get("/events/doctor").body(Body::empty()).unwrap();
            routes.clone().oneshot(request).await.unwrap()
        };
        let mut held = Vec::new();
        for _ in 0..MAX_PROBES {
            held.push(ask().await);
        }
        assert!(held.iter().all(|response| response.status() == StatusCode::OK));
        let refused = ask().await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        held.pop();
        assert_eq!(ask().await.status(), StatusCode::OK);
    }

    #[test]
    fn a_query_is_bounded() {
        assert!(read(Some("idle=600")).is_ok());
        for bad in ["idle=601", "idle=-1", "idle=x"] {
            assert!(read(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(read(Some("nonce=%0Aevent")).unwrap(), Asked::default());
    }
}
