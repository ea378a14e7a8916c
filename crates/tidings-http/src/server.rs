//! The listener: accepts connections within limits, tells HTTP/1.1 from HTTP/2, and drains at the end.
//!
//! Not `axum::serve`: that sets no time limit for a request's head, has no limit of connections, and buffers 12 KB a
//! connection to tell the protocols apart.

mod admission;
mod stall;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{HeaderValue, Request, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};
use tower::ServiceExt as _;

use admission::{Admission, Ticket};
pub use admission::{Limits, ServerFigures, ServerStats};
use stall::StallGuard;

use crate::limit::Limit;

/// What a client of HTTP/2 without TLS sends first (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Between two looks at a connection whose first bytes have come in part; rare enough to be coarse.
const PREFACE_PATIENCE: Duration = Duration::from_millis(10);
/// How often an idle HTTP/2 connection is asked whether it is alive, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Streams on one HTTP/2 connection: many tabs of one browser, each with a few.
const MAX_STREAMS: u32 = 250;
/// Bytes that HTTP/2 buffers for one stream before it waits for the peer to take them.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// After an accept failed, for want of file descriptors most likely, how long until the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address of the other end of a connection, in a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// In the extensions of a request whose connection is one more than a limit allows. It is answered, for a publisher and
/// an operator need little room, and then closed; but a stream would hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overloaded;

/// Serves routers on listeners, until it is shut down.
#[derive(Debug)]
pub struct Server {
    limits: Arc<Limits>,
    stats: Arc<ServerStats>,
    /// Tells every connection to end; each holds a receiver as long as it lives.
    closing: watch::Sender<()>,
    listening: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// A server without listeners.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Arc::new(limits),
            stats: Arc::default(),
            closing: watch::Sender::new(()),
            listening: Vec::new(),
        }
    }

    /// Its counters.
    pub fn stats(&self) -> Arc<ServerStats> {
        self.stats.clone()
    }

    /// Serves the router on the listener, from now on.
    pub fn serve(&mut self, listener: TcpListener, router: Router) {
        let acceptor = Acceptor {
            router,
            limits: self.limits.clone(),
            stats: self.stats.clone(),
            closing: self.closing.subscribe(),
        };
        self.listening.push(tokio::spawn(accept(listener, Arc::new(acceptor))));
    }

    /// Accepts no more connections, lets the requests under way end, and waits for that at most so long. Streams end
    /// when their hub is drained: do that first.
    pub async fn shut_down(self, patience: Duration) {
        self.listening.iter().for_each(|task| task.abort());
        self.closing.send_replace(());
        if tokio::time::timeout(patience, self.closing.closed()).await.is_err() {
            tracing::warn!(
                connections = self.stats.read().connections,
                "connections were cut: they took too long"
            );
        }
    }
}

/// What each connection needs.
struct Acceptor {
    router: Router,
    limits: Arc<Limits>,
    stats: Arc<ServerStats>,
    closing: watch::Receiver<()>,
}

async fn accept(listener: TcpListener, acceptor: Arc<Acceptor>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match acceptor.stats.admit(peer.ip(), &acceptor.limits) {
                Admission::Refused => drop(stream),
                Admission::Welcome(ticket) => {
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        if let Err(error) = connection(stream, peer, &ticket, &acceptor).await {
                            if let Some(limit) = limit_of(&*error) {
                                acceptor.stats.hits().hit(limit);
                            }
                            tracing::debug!(%peer, %error, "connection ended");
                        }
                    });
                }
            },
            Err(error) => {
                acceptor.stats.hits().hit(Limit::OpenFiles);
                tracing::error!(%error, "a connection could not be accepted; is the limit of open files too low?");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    ticket: &Ticket,
    acceptor: &Acceptor,
) -> Result<(), Error> {
    let Acceptor { router, limits, stats, closing } = acceptor;
    stream.set_nodelay(true)?;
    // Data that a vanished peer does not acknowledge: the kernel's own patience is a quarter of an hour. Twice the time
    // that a stalled peer is given, so that the stall guard, which counts them, comes first.
    socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(limits.write_stall.saturating_mul(2)))?;
    let is_http2 = tokio::time::timeout(limits.head_time, speaks_http2(&stream)).await??;
    let is_last = Notify::new();
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let is_overloaded = ticket.is_overloaded();
        if is_overloaded {
            request.extensions_mut().insert(Overloaded);
            is_last.notify_one();
        }
        let router = router.clone();
        async move {
            let Ok(mut response) = router.oneshot(request.map(Body::new)).await;
            if is_overloaded {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(StallGuard::new(stream, limits.write_stall, stats.hits().clone()));
    if is_http2 {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .max_concurrent_streams(MAX_STREAMS)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .max_header_list_size(u32::try_from(limits.max_head).unwrap_or(u32::MAX));
        drive(http2.serve_connection(io, service), closing.clone(), &is_last).await?;
    } else {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.max_head.max(MIN_HTTP1_BUFFER));
        drive(http1.serve_connection(io, service), closing.clone(), &is_last).await?;
    }
    Ok(())
}

/// Runs a connection to its end. Once the server closes, or this is a connection for which there is no room, that is
/// after the requests under way.
async fn drive<C: GracefulConnection>(
    connection: C,
    mut closing: watch::Receiver<()>,
    is_last: &Notify,
) -> Result<(), C::Error> {
    let mut connection = pin!(connection);
    tokio::select! {
        outcome = connection.as_mut() => return outcome,
        _ = closing.changed() => {}
        () = is_last.notified() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// The limit of a request's head that ended a connection, if one did. hyper counts an HTTP/1.1 connection that is kept
/// open and sends no further request as late, too; that is how such connections end, and no limit.
fn limit_of(error: &(dyn std::error::Error + 'static)) -> Option<Limit> {
    if error.is::<tokio::time::error::Elapsed>() {
        return Some(Limit::HeadTime);
    }
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_parse_too_large() {
        return Some(Limit::Head);
    }
    error.is_timeout().then_some(Limit::HeadTime)
}

/// hyper's least buffer for HTTP/1.1, below which it panics.
const MIN_HTTP1_BUFFER: usize = 8192;

/// Looks at the first bytes without taking them.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; HTTP2_PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await?;
        if seen == 0 || first[..seen] != HTTP2_PREFACE[..seen] {
            return Ok(false);
        }
        if seen == HTTP2_PREFACE.len() {
            return Ok(true);
        }
        tokio::time::sleep(PREFACE_PATIENCE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_http2_connection_over_the_limit_is_answered_and_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::new(Limits {
            max_connections: 1,
            max_per_address: 1,
            max_head: 65536,
            head_time: Duration::from_secs(60),
            write_stall: Duration::from_secs(60),
        });
        server.serve(listener, Router::new());
        let first = TcpStream::connect(address).await.unwrap();
        let second = TcpStream::connect(address).await.unwrap();

        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(second));
        let (mut sender, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::get(format!("http://{address}/topics")).body(String::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), http::StatusCode::NOT_FOUND);
        drop(response);
        // A bound on a connection that would stay for ever, refusing everything, when there is room again.
        let ended = tokio::time::timeout(Duration::from_secs(60), connection).await;
        ended.expect("the connection stays").unwrap().unwrap();
        drop((first, sender));
    }
}
