//! The requests: one to see whether a hub is there at all, then the others at once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Empty;
use reqwest::Url;
use tidings_auth::Secret;
use tokio::{task::JoinSet, time::Instant};

use super::{
    dial::{Dialer, Line},
    hear::{Until, hear},
    notes::{Certificate, Exchange, More, Notes, Unreachable},
};

/// What the probe takes when nothing holds it up: five events, 0.3 s from each to the next.
const PROBE: Duration = Duration::from_millis(1500);
/// How long anything may take beyond its own time before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long streams that are opened at once are held, so that each is there when the last one comes.
const HELD: Duration = Duration::from_secs(10);
/// What browsers offer over TLS, where proxies compress.
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What to examine.
pub(super) struct Plan {
    pub(super) base: Url,
    pub(super) idle: Duration,
    pub(super) origin: Option<String>,
    pub(super) credentials: bool,
    pub(super) streams: usize,
    pub(super) token: Option<Secret>,
}

type Outcome = Result<Exchange, Unreachable>;

/// Makes all requests, and notes what came of them.
pub(super) async fn examine(plan: &Plan) -> Notes {
    let mut certificate = None;
    let plain = match Dialer::new(&plan.base) {
        Ok(dialer) => match dialer.dial().await {
            Ok(line) => {
                certificate.clone_from(&line.certificate);
                let visit = Visit { plan, dialer: &dialer };
                let plain = visit.probe_on(&line, plan.probe(&[])).await;
                let has_hub = plain.as_ref().is_ok_and(|plain| plain.heard.report.is_some());
                return Notes {
                    more: if has_hub { Some(visit.more().await) } else { None },
                    ..plan.notes(certificate, plain)
                };
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    plan.notes(certificate, plain)
}

/// The path of the probe, and what to add to the request.
struct Probe {
    idle: Duration,
    headers: Vec<(HeaderName, HeaderValue)>,
    nonce: String,
}

impl Plan {
    fn notes(&self, certificate: Option<Certificate>, plain: Outcome) -> Notes {
        Notes {
            is_secure: self.base.scheme() == "https",
            idle: self.idle,
            origin: self.origin.clone(),
            credentials: self.credentials,
            streams: self.streams,
            has_token: self.token.is_some(),
            certificate,
            plain,
            more: None,
        }
    }

    fn probe(&self, headers: &[(HeaderName, HeaderValue)]) -> Probe {
        Probe {
            idle: Duration::ZERO,
            headers: headers.to_vec(),
            nonce: format!("{:016x}", fastrand::u64(..)),
        }
    }

    /// A request as a browser makes it. What is secret goes only to a server that has proved who it is.
    fn request(&self, method: Method, line: &Line) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static(tidings_stream::CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("tidings-doctor/", env!("CARGO_PKG_VERSION"))),
        );
        let token = self.token.as_ref().filter(|_| line.is_trusted());
        let token = token.and_then(|token| HeaderValue::try_from(format!("Bearer {}", token.expose())).ok());
        if let Some(mut token) = token {
            token.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, token);
        }
        request
    }
}

/// One examination.
struct Visit<'p> {
    plan: &'p Plan,
    dialer: &'p Dialer,
}

impl Visit<'_> {
    async fn more(&self) -> More {
        let plan = self.plan;
        let origin = plan.origin.as_ref().and_then(|origin| HeaderValue::from_str(origin).ok());
        let cors = async {
            match origin {
                Some(origin) => Some(self.probe(plan.probe(&[(header::ORIGIN, origin)])).await),
                None => None,
            }
        };
        let (browser, cors, head, idle, resume) = tokio::join!(
            self.probe(plan.probe(&[(header::ACCEPT_ENCODING, ENCODINGS)])),
            cors,
            self.head(),
            self.probe(Probe { idle: plan.idle, ..plan.probe(&[]) }),
            self.resume(),
        );
        // Alone, so that it takes no room from the others.
        let held = self.crowd().await;
        More { browser, cors, head, idle, resume, held }
    }

    async fn probe(&self, probe: Probe) -> Outcome {
        self.probe_on(&self.dialer.dial().await?, probe).await
    }

    /// Asks for the probe with something in every place that a proxy might empty.
    async fn probe_on(&self, line: &Line, probe: Probe) -> Outcome {
        let mut request = self.plan.request(Method::GET, line);
        let headers = request.headers_mut();
        headers.insert(LAST_EVENT_ID, HeaderValue::from_static("tidings-doctor"));
        headers.insert(header::COOKIE, HeaderValue::from_static("tidings-doctor=1"));
        headers.entry(header::AUTHORIZATION).or_insert(HeaderValue::from_static("Bearer tidings-doctor"));
        headers.extend(probe.headers);
        let idle = probe.idle.as_secs();
        let path = format!("events/doctor?nonce={}&idle={idle}", probe.nonce);
        let deadline = Instant::now() + PROBE + Duration::from_secs(idle) + PATIENCE;
        let mut exchange = self.exchange(line, &path, request, Until::End(deadline)).await?;
        if let Some(report) = &mut exchange.heard.report {
            report.is_fresh = report.nonce.as_ref() == Some(&probe.nonce);
        }
        Ok(exchange)
    }

    async fn exchange(
        &self,
        line: &Line,
        path: &str,
        request: Request<Empty<Bytes>>,
        until: Until,
    ) -> Outcome {
        let sent = Instant::now();
        let response = tokio::time::timeout_at(until.deadline(), line.ask(path, request)).await;
        let response = response.map_err(|_| Unreachable::Silent)??;
        Ok(hear(response, line.is_http2(), sent, until).await)
    }

    async fn head(&self) -> Outcome {
        let line = self.dialer.dial().await?;
        let until = Until::End(Instant::now() + PATIENCE);
        self.exchange(&line, "events/doctor", self.plan.request(Method::HEAD, &line), until).await
    }

    /// Subscribes with a cursor that the hub cannot know, to a topic that nobody uses: it says that it does not know it.
    async fn resume(&self) -> Outcome {
        let line = self.dialer.dial().await?;
        let mut request = self.plan.request(Method::GET, &line);
        request.headers_mut().insert(LAST_EVENT_ID, HeaderValue::from_static("tidings-doctor"));
        let path = format!("events?topic=tidings-doctor-{:016x}", fastrand::u64(..));
        self.exchange(&line, &path, request, Until::FirstEvent(Instant::now() + PATIENCE)).await
    }

    /// How many streams are there at once: over one connection as browsers do with HTTP/2, else each over its own.
    async fn crowd(&self) -> usize {
        let Ok(first) = self.dialer.dial().await else { return 0 };
        let shared = first.is_http2().then_some(std::sync::Arc::new(first));
        let mut opening = JoinSet::new();
        for _ in 0..self.plan.streams {
            let line = match &shared {
                Some(line) => line.clone(),
                None => match self.dialer.dial().await {
                    Ok(line) => line.into(),
                    Err(_) => continue,
                },
            };
            let request = self.plan.request(Method::GET, &line);
            let path = format!("events/doctor?idle={}", HELD.as_secs());
            opening.spawn(async move {
                let answer = tokio::time::timeout(HELD, line.ask(&path, request)).await;
                // The response holds the stream open, and the line its connection.
                Some((answer.ok()?.ok()?, line))
            });
        }
        let mut held = Vec::new();
        while let Some(answer) = opening.join_next().await {
            held.extend(answer.ok().flatten().filter(|(response, _)| response.status() == StatusCode::OK));
        }
        held.len()
    }
}
