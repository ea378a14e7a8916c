//! The access log: a line for each request, and for a stream one when it begins and one when it has ended.
//!
//! No line holds a secret. Of the address only the path is told, never the query; of the headers the client's name of
//! itself alone; and a part of the path that looks like a token is left out. Who asked is told by the name of a key or a
//! user, as the authority has found it.

use std::{
    fmt::Write as _,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use bytes::{Buf as _, Bytes};
use http::{Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use tidings_auth::Holder;
use tidings_hub::{Accepted, Ended};

use crate::client::Client;

/// Of the path and of the client's name of itself, this many characters are told.
const MAX_TEXT: usize = 256;
/// What JSON Web Tokens begin with: `{"` in Base64.
const TOKEN: &str = "eyJ";
/// What stands for what is not told.
const REDACTED: &str = "[redacted]";

tokio::task_local! {
    /// The line of the request that this task answers. Whoever finds out more of it than its head says needs no
    /// parameter for that.
    static LINE: Line;
}

/// A request's line in the making.
#[derive(Clone, Debug)]
struct Line(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    begun: Instant,
    method: Method,
    path: String,
    front: &'static str,
    client: Option<IpAddr>,
    agent: String,
    rest: Mutex<Rest>,
}

/// What is found out while the request is answered.
#[derive(Debug, Default)]
struct Rest {
    holder: Option<String>,
    /// A stream has begun, and its own lines tell of it.
    is_stream: bool,
}

/// Notes who is asking, if there is a line for it.
pub(crate) fn asked_by(holder: &Holder) {
    // Without an access log there is no line.
    LINE.try_with(|line| line.rest().holder = Some(holder.to_string())).unwrap_or_default();
}

/// Writes that a stream begins, and has it written when it ends, if there is a line for it.
pub(crate) fn stream_begins(accepted: &mut Accepted) {
    let Ok(line) = LINE.try_with(Line::clone) else { return };
    line.rest().is_stream = true;
    line.write("stream begun", StatusCode::OK, None, Some(accepted.id()), None);
    let id = accepted.id();
    accepted.when_ended(move |ended| {
        line.write("stream ended", StatusCode::OK, Some(ended.bytes), Some(id), Some(&ended));
    });
}

/// Writes a line for the request when its answer has been sent, or given up.
pub(crate) async fn access(request: Request, next: Next) -> Response {
    let line = Line::of(&request);
    let response = LINE.scope(line.clone(), next.run(request)).await;
    let status = response.status();
    response.map(|body| Body::new(Counted { body, line, status, bytes: 0 }))
}

impl Line {
    fn of(request: &Request) -> Self {
        let agent = request.headers().get(header::USER_AGENT);
        let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        let path = request.uri().path();
        Self(Arc::new(Seen {
            begun: Instant::now(),
            method: request.method().clone(),
            path: told(path),
            front: front(path),
            client: request.extensions().get().and_then(|client: &Client| client.address()),
            agent: printable(&agent.unwrap_or_default()),
            rest: Mutex::default(),
        }))
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        // Nothing that can panic runs under the lock.
        self.0.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(
        &self,
        what: &'static str,
        status: StatusCode,
        bytes: Option<u64>,
        subscriber: Option<u64>,
        ended: Option<&Ended>,
    ) {
        let seen = &*self.0;
        tracing::info!(
            target: "tidings::access",
            method = %printable(seen.method.as_str()),
            path = seen.path,
            status = status.as_u16(),
            bytes,
            ms = u64::try_from(seen.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            client = seen.client.map(tracing::field::display),
            front = seen.front,
            holder = self.rest().holder.as_deref(),
            agent = seen.agent,
            subscriber,
            events = ended.map(|ended| ended.events),
            reason = ended.map(|ended| ended.reason.as_str()),
            "{what}"
        );
    }
}

/// The front that answers there.
fn front(path: &str) -> &'static str {
    let is_below =
        |of: &str| path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match () {
        () if path.starts_with("/.well-known/mercure") => "mercure",
        () if is_below("/wave") || path == "/broadcasting/auth" => "echo",
        () if is_below("/apps") => "pusher",
        () => "native",
    }
}

/// A path as it may be told: without what looks like a token.
fn told(path: &str) -> String {
    let part = |part: &str| match part.find(TOKEN) {
        // The dots of a token may be escaped, and so may what is before it.
        Some(at) => format!("{}{REDACTED}", &part[..at]),
        None => part.to_owned(),
    };
    printable(&path.split('/').map(part).collect::<Vec<_>>().join("/"))
}

/// The beginning of a text, with everything escaped that could end a line or move a terminal's cursor.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for character in text.chars().take(MAX_TEXT) {
        match character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
        {
            // Writing to a string does not fail.
            true => write!(printable, "{}", character.escape_default()).unwrap_or_default(),
            false => printable.push(character),
        }
    }
    printable
}

/// An answer's body that counts what is taken of it, and has the line written with its end.
#[derive(Debug)]
struct Counted {
    body: Body,
    line: Line,
    status: StatusCode,
    bytes: u64,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.remaining() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.line.rest().is_stream {
            self.line.write("request", self.status, Some(self.bytes), None, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_without_tokens() {
        for (path, expected) in [
            ("/topics/orders", "/topics/orders"),
            ("/topics/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "/topics/[redacted]"),
            ("/topics/a%20eyJhbGciOiJIUzI1NiJ9%2EeyJz/b", "/topics/a%20[redacted]/b"),
            ("/", "/"),
        ] {
            assert_eq!(told(path), expected);
        }
    }

    #[test]
    fn text_stays_in_its_line_and_short() {
        assert_eq!(printable("a\r\nb\x1b[31m\u{85}\u{202e}多"), "a\\r\\nb\\u{1b}[31m\\u{85}\\u{202e}多");
        assert_eq!(printable(&"x".repeat(1000)).len(), MAX_TEXT);
    }

    #[test]
    fn a_front_is_known_by_its_paths() {
        for (path, expected) in [
            ("/.well-known/mercure", "mercure"),
            ("/.well-known/mercure/subscriptions", "mercure"),
            ("/wave", "echo"),
            ("/wave/subscribe", "echo"),
            ("/waves", "native"),
            ("/apps/1/events", "pusher"),
            ("/events", "native"),
        ] {
            assert_eq!(front(path), expected, "{path}");
        }
    }
}
