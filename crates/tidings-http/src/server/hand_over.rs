//! How a plain HTTP/1.1 connection leaves the server: the front that accepts a subscription offers it, and the
//! connection's driver takes the socket back from hyper, and gives it to the hub with the head of the response.

use std::{
    any::Any,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::SystemTime,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderName, Method, Request, Response, StatusCode, Version, header, response};
use hyper::body::Body;
use tidings_hub::{Accepted, Socket};
use tokio::sync::Notify;

use super::transport::Transport;

/// In the extensions of a request whose connection may be handed over.
#[derive(Clone, Debug)]
pub(crate) struct HandOver(Arc<Desk>);

impl HandOver {
    /// Offers the connection a subscription to carry. The response that is returned then only gives its head; its body
    /// is the stream, whatever it says.
    pub(crate) fn offer(&self, accepted: Accepted) {
        self.0.lock().offered = Some(accepted);
    }
}

/// Where a connection's service and its driver meet.
#[derive(Debug)]
pub(super) struct Desk {
    state: Mutex<State>,
    ready: Notify,
    unsent: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct State {
    offered: Option<Accepted>,
    leaving: Option<Leaving>,
}

/// A subscription and the head of its response.
#[derive(Debug)]
pub(super) struct Leaving {
    accepted: Accepted,
    head: response::Parts,
    version: Version,
}

impl Desk {
    /// One for a connection. `unsent` says whether bytes of an earlier response wait in hyper's buffer, which would be
    /// lost with it.
    pub(super) fn new(unsent: Arc<AtomicBool>) -> Self {
        Self { state: Mutex::default(), ready: Notify::new(), unsent }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to tell the front of this request: it may offer to take the connection over, if nothing of this request or
    /// of an earlier response is left behind in hyper.
    pub(super) fn invite<B: Body>(self: &Arc<Self>, request: &Request<B>) -> Option<HandOver> {
        let is_plain = request.method() == Method::GET
            && matches!(request.version(), Version::HTTP_10 | Version::HTTP_11)
            && request.body().is_end_stream();
        (is_plain && !self.unsent.load(Relaxed)).then(|| HandOver(self.clone()))
    }

    /// Keeps the response for the driver, if it is of an accepted subscription; gives it back if it is for hyper.
    pub(super) fn keep<B>(&self, version: Version, response: Response<B>) -> Option<Response<B>> {
        let mut state = self.lock();
        let accepted = state.offered.take();
        // A layer around the front may have answered something else.
        let Some(accepted) = accepted.filter(|_| response.status() == StatusCode::OK) else {
            return Some(response);
        };
        state.leaving = Some(Leaving { accepted, head: response.into_parts().0, version });
        self.ready.notify_one();
        None
    }

    /// Waits until a response has been kept.
    pub(super) async fn kept(&self) -> Leaving {
        loop {
            self.ready.notified().await;
            if let Some(leaving) = self.lock().leaving.take() {
                return leaving;
            }
        }
    }
}

impl Leaving {
    /// Gives the connection to the hub. `lease` is held as long as the connection lives.
    ///
    /// # Errors
    /// When the socket cannot be taken from the runtime.
    pub(super) fn leave(self, stream: Transport, lease: Box<dyn Any + Send>) -> io::Result<()> {
        let Self { accepted, head, version } = self;
        let chunked = version == Version::HTTP_11;
        let head = encode(version, &head, SystemTime::now());
        accepted.hand_over(Socket { stream: stream.into_socket()?, head, chunked, lease });
        Ok(())
    }
}

/// What is said about the body and the connection is said here, and about nothing else.
const OWN: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::DATE, header::TRANSFER_ENCODING];

/// A response's head as it goes over the wire (RFC 9112, sections 4 and 5). The connection is closed behind the stream,
/// which says so.
fn encode(version: Version, head: &response::Parts, now: SystemTime) -> Bytes {
    let mut out = BytesMut::with_capacity(512);
    out.put_slice(match version {
        Version::HTTP_10 => b"HTTP/1.0 200 OK\r\n",
        _ => b"HTTP/1.1 200 OK\r\n",
    });
    for (name, value) in head.headers.iter().filter(|(name, _)| !OWN.contains(name)) {
        put(&mut out, name, value.as_bytes());
    }
    put(&mut out, &header::DATE, httpdate::fmt_http_date(now).as_bytes());
    put(&mut out, &header::CONNECTION, b"close");
    if version == Version::HTTP_11 {
        put(&mut out, &header::TRANSFER_ENCODING, b"chunked");
    }
    out.put_slice(b"\r\n");
    out.freeze()
}

fn put(out: &mut BytesMut, name: &HeaderName, value: &[u8]) {
    out.put_slice(name.as_str().as_bytes());
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_its_body_ends() {
        let response = Response::builder()
            .header("content-type", "text/event-stream")
            .header("content-length", "0")
            .header("connection", "keep-alive")
            .header("vary", "origin")
            .header("vary", "accept");
        let (head, ()) = response.body(()).unwrap().into_parts();
        let text =
            |version| String::from_utf8(encode(version, &head, SystemTime::UNIX_EPOCH).to_vec()).unwrap();
        let fields = "content-type: text/event-stream\r\nvary: origin\r\nvary: accept\r\n\
                      date: Thu, 01 Jan 1970 00:00:00 GMT\r\nconnection: close\r\n";
        assert_eq!(
            text(Version::HTTP_11),
            format!("HTTP/1.1 200 OK\r\n{fields}transfer-encoding: chunked\r\n\r\n")
        );
        assert_eq!(text(Version::HTTP_10), format!("HTTP/1.0 200 OK\r\n{fields}\r\n"));
    }
}
