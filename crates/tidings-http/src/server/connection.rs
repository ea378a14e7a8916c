//! One connection: what opens it, then HTTP/1.1 or HTTP/2, within the limits, to its end or until it is handed over.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Request, Response, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::{
    Acceptor, Limits, Overloaded, Peer, Routes,
    admission::{Admission, Ticket},
    edge,
    hand_over::Desk,
    occupancy::Occupancy,
    proxy_protocol::{self, Origin},
    stall::StallGuard,
    tls,
    transport::Transport,
};
use crate::{limit::Limit, origin};

/// What a client of HTTP/2 without TLS sends first (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Between two looks at a connection whose first bytes have come in part: at first, and at last, for one that sends no
/// more. Rare enough to be coarse.
const PREFACE_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PREFACE_PAUSE: Duration = Duration::from_millis(500);
/// How often an idle HTTP/2 connection is asked whether it is alive, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long an HTTP/2 connection may be without a request at least. Browsers keep them for the next one.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes that HTTP/2 buffers for one stream before it waits for the peer to take them.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Bytes of request bodies that an HTTP/2 peer may send unasked: for one request, and for all of a connection. The second
/// is so much more that requests whose bodies are not read yet do not hold up the others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// hyper's least buffer for HTTP/1.1, below which it panics.
const MIN_HTTP1_BUFFER: usize = 8192;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A connection that has been admitted.
pub(super) struct Arrival {
    pub(super) stream: Transport,
    pub(super) address: Option<IpAddr>,
    /// Whether it begins with a header that says for whom it is; only then it is counted by an address.
    pub(super) is_proxy: bool,
    pub(super) ticket: Ticket,
}

/// Serves a connection.
pub(super) async fn serve(arrival: Arrival, acceptor: &Acceptor) -> Result<(), Error> {
    let limits = &*acceptor.limits.load_full();
    // Twice the time that a stalled peer is given, so that whoever counts the stalled, the guard here or a shard, comes
    // first as a rule.
    arrival.stream.tune(limits.write_stall.saturating_mul(2), limits.send_buffer)?;
    let mut closing = acceptor.closing.clone();
    // In a box of its own, because the connection has no use for its room afterwards.
    let opening = Box::pin(open(arrival, limits, acceptor));
    let opened = tokio::select! {
        opened = tokio::time::timeout(limits.head_time, opening) => opened??,
        // Browsers connect ahead of need: whoever has asked for nothing is owed nothing.
        _ = closing.changed() => return Ok(()),
    };
    let Some(Opened { stream, peer, is_http2, ticket }) = opened else { return Ok(()) };
    let is_overloaded = ticket.is_overloaded();
    let caller = Caller { routes: acceptor.routes.clone(), peer, is_overloaded, is_last: Arc::default() };
    match is_http2 {
        true => serve_http2(stream, caller, limits, acceptor).await,
        false => serve_http1(stream, caller, ticket, limits, acceptor).await,
    }
}

/// A connection whose first request is next.
struct Opened {
    stream: Transport,
    peer: Peer,
    is_http2: bool,
    ticket: Ticket,
}

/// Learns for whom a connection is, and what it speaks. `None` if there is no room for it, or it has been answered.
async fn open(arrival: Arrival, limits: &Limits, acceptor: &Acceptor) -> Result<Option<Opened>, Error> {
    let Arrival { mut stream, mut address, is_proxy, mut ticket } = arrival;
    let mut is_unnamed = false;
    if is_proxy {
        match proxy_protocol::read(&mut stream).await? {
            Origin::Proxy => {}
            Origin::Unknown => is_unnamed = true,
            Origin::Client(client) => address = Some(client),
        }
        ticket = match ticket.count_by(address, limits) {
            Admission::Welcome(ticket) => ticket,
            Admission::Refused => return Ok(None),
        };
    }
    let (stream, is_http2) = match &acceptor.tls {
        None => {
            let is_http2 = speaks_http2(&stream).await?;
            (stream, is_http2)
        }
        Some(tls) => {
            let mut first = [0];
            if stream.peek(&mut first).await? > 0 && edge::is_plain_http(first[0]) {
                edge::refuse_plain_http(&mut stream).await?;
                return Ok(None);
            }
            let stream = tls.accept(stream).await?;
            if tls::is_challenge(&stream) {
                return Ok(None);
            }
            let is_http2 = tls::speaks_http2(&stream);
            (Transport::Tls(Box::new(stream)), is_http2)
        }
    };
    let peer = Peer { address, is_secure: acceptor.tls.is_some(), is_unnamed };
    Ok(Some(Opened { stream, peer, is_http2, ticket }))
}

/// What the requests of a connection have in common.
#[derive(Clone)]
struct Caller {
    routes: Routes,
    peer: Peer,
    /// This is a connection for which there is no room: it ends with its first answer.
    is_overloaded: bool,
    is_last: Arc<Notify>,
}

impl Caller {
    async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        if self.peer.is_secure {
            origin::mark_secure(&mut request);
        }
        if self.is_overloaded {
            request.extensions_mut().insert(Overloaded);
            self.is_last.notify_one();
        }
        let Ok(mut response) = self.routes.current().oneshot(request).await;
        if self.is_overloaded {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Waits until the server closes, or this connection has had its one request.
    async fn told_to_end(&self, acceptor: &Acceptor) {
        let mut closing = acceptor.closing.clone();
        tokio::select! {
            _ = closing.changed() => {}
            () = self.is_last.notified() => {}
        }
    }
}

async fn serve_http2(
    stream: Transport,
    caller: Caller,
    limits: &Limits,
    acceptor: &Acceptor,
) -> Result<(), Error> {
    let (io, _) = StallGuard::new(stream, limits.write_stall, acceptor.stats.hits().clone());
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_concurrent_streams(limits.max_streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.max_head).unwrap_or(u32::MAX));
    let occupancy = Occupancy::default();
    let service = service_fn(|request: Request<Incoming>| {
        let (answer, guest) = (caller.clone().answer(request), occupancy.enter());
        async move { Ok::<_, Infallible>(guest.stay(answer.await)) }
    });
    let patience = limits.head_time.max(IDLE);
    let mut connection = std::pin::pin!(http2.serve_connection(TokioIo::new(io), service));
    tokio::select! {
        outcome = connection.as_mut() => return Ok(outcome?),
        () = caller.told_to_end(acceptor) => {}
        () = occupancy.idle(patience) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        outcome = connection.as_mut() => Ok(outcome?),
        // It does not go, or sends a request's head that does not end.
        () = occupancy.idle(patience) => {
            acceptor.stats.hits().hit(Limit::HeadTime);
            Ok(())
        }
    }
}

async fn serve_http1(
    stream: Transport,
    caller: Caller,
    ticket: Ticket,
    limits: &Limits,
    acceptor: &Acceptor,
) -> Result<(), Error> {
    let hand_over = acceptor.hand_over && stream.is_plain();
    let (io, unsent) = StallGuard::new(stream, limits.write_stall, acceptor.stats.hits().clone());
    let mut http1 = http1::Builder::new();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        // Without streams all answers are small, and one piece costs the system less than two.
        .writev(!hand_over)
        .max_buf_size(limits.max_head.max(MIN_HTTP1_BUFFER));
    let desk = Arc::new(Desk::new(unsent));
    let service = service_fn(|mut request: Request<Incoming>| {
        let version = request.version();
        if hand_over && let Some(invitation) = desk.invite(&request) {
            request.extensions_mut().insert(invitation);
        }
        let (answer, desk) = (caller.clone().answer(request), desk.clone());
        async move {
            match desk.keep(version, answer.await) {
                Some(response) => Ok::<_, Infallible>(response),
                // The driver takes the connection away from under this.
                None => std::future::pending().await,
            }
        }
    });
    let mut connection = http1.serve_connection(TokioIo::new(io), service);
    let mut is_ending = false;
    let leaving = loop {
        tokio::select! {
            outcome = &mut connection => return Ok(outcome?),
            leaving = desk.kept() => break leaving,
            () = caller.told_to_end(acceptor), if !is_ending => {
                is_ending = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    // What a client sends behind its request for a stream is not read: nothing can be answered before the stream's end.
    let stream = connection.into_parts().io.into_inner().into_inner();
    Ok(leaving.leave(stream, Box::new((ticket, acceptor.closing.clone())))?)
}

/// The limit of what opens a connection or of a request's head that ended it, if one did. hyper counts an HTTP/1.1 connection that is kept
/// open and sends no further request as late, too; that is how such connections end, and no limit.
pub(super) fn limit_of(error: &(dyn std::error::Error + 'static)) -> Option<Limit> {
    if error.is::<tokio::time::error::Elapsed>() {
        return Some(Limit::HeadTime);
    }
    if error.downcast_ref().is_some_and(proxy_protocol::is_malformed) {
        return Some(Limit::ProxyProtocol);
    }
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_parse_too_large() {
        return Some(Limit::Head);
    }
    error.is_timeout().then_some(Limit::HeadTime)
}

/// Looks at the first bytes without taking them.
async fn speaks_http2(stream: &Transport) -> io::Result<bool> {
    let mut first = [0; HTTP2_PREFACE.len()];
    let mut pause = PREFACE_PAUSE;
    loop {
        let seen = stream.peek(&mut first).await?;
        if seen == 0 || first[..seen] != HTTP2_PREFACE[..seen] {
            return Ok(false);
        }
        if seen == HTTP2_PREFACE.len() {
            return Ok(true);
        }
        tokio::time::sleep(pause).await;
        // The bytes that are there make the socket readable all the time, also after its end.
        pause = (pause * 2).min(LONGEST_PREFACE_PAUSE);
    }
}
