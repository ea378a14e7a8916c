//! `kind = "http_poll"`: a URL that is asked again and again.

use std::{error::Error, fmt, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tidings_hub::Topic;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    backoff::Backoff,
    events,
    form::{Form, Input},
    invalid::InvalidSourceReason,
    running::Context,
};

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) topic: Topic,
    pub(crate) request: Request,
    pub(crate) every: Duration,
    pub(crate) only_changes: bool,
    pub(crate) form: Form,
}

/// A request that is made again and again over kept connections.
pub(crate) struct Request {
    client: Client,
    url: Url,
    max_body: usize,
}

/// Why there is no answer. The texts hold nothing of the URL.
#[derive(Debug)]
enum Failed {
    Status(StatusCode),
    TooLarge(usize),
    TimedOut,
    Http(reqwest::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the answer is {status}"),
            Self::TooLarge(max) => write!(f, "the answer is larger than max_body, {max} bytes"),
            Self::TimedOut => f.write_str("there is no answer in time, see timeout"),
            Self::Http(error) => {
                write!(f, "{error}")?;
                // What reqwest says itself is general; the reason ("connection refused") is further down.
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
        }
    }
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        match error.is_timeout() {
            true => Self::TimedOut,
            false => Self::Http(error.without_url()),
        }
    }
}

/// A configured header. Its value may be a secret, which the HTTP client is told.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidSourceReason> {
    let bad = || InvalidSourceReason::Header(name.to_owned());
    let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?, value))
}

impl Request {
    pub(crate) fn new(
        url: &str,
        headers: HeaderMap,
        timeout: Duration,
        max_body: usize,
    ) -> Result<Self, InvalidSourceReason> {
        let bad = |reason| {
            InvalidSourceReason::Url(format!("{reason}: write http://HOST/PATH or https://HOST/PATH"))
        };
        let url = Url::parse(url).map_err(|error| bad(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("not an HTTP address".to_owned()));
        }
        let builder = || {
            Client::builder()
                .default_headers(headers.clone())
                .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
                .timeout(timeout)
                // A redirect leads elsewhere; the URL, which may hold a secret, is not told there.
                .referer(false)
        };
        let client = builder().build().or_else(|error| match url.scheme() {
            // A container without certificates can do without TLS; a redirect to https fails then.
            "http" => builder().tls_certs_only([]).build(),
            _ => Err(error),
        });
        let client =
            client.map_err(|error| InvalidSourceReason::HttpClient(Failed::from(error).to_string()))?;
        Ok(Self { client, url, max_body })
    }

    /// Asks once. Dropping the future gives the request up.
    async fn ask(&self) -> Result<Vec<u8>, Failed> {
        let mut answer = self.client.get(self.url.clone()).send().await?;
        if !answer.status().is_success() {
            return Err(Failed::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > self.max_body {
                return Err(Failed::TooLarge(self.max_body));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// Asks at each tick, until told to stop.
pub(crate) async fn run(plan: Plan, context: &Context) {
    tokio::select! {
        () = poll(&plan, context) => {}
        () = context.stopped() => {}
    }
}

async fn poll(plan: &Plan, context: &Context) {
    let mut backoff = Backoff::new();
    let mut ticks = interval(plan.every);
    // Ticks stay where they are: one that is missed is left out, none is moved.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut published = None;
    loop {
        ticks.tick().await;
        let body = match plan.request.ask().await {
            Ok(body) => body,
            Err(error) => {
                let pause = backoff.next();
                events::failed(&context.source, &error, pause);
                sleep(pause).await;
                continue;
            }
        };
        backoff.reset();
        events::works(&context.source);
        if plan.only_changes && published.as_ref() == Some(&body) {
            continue;
        }
        let input = Input { data: &body, channel: "", now: Timestamp::now() };
        let publication = plan.form.make(plan.topic.clone(), input, &context.source);
        context.outbox.push(publication, &context.source).await;
        published = Some(body);
    }
}
