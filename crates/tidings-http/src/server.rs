//! The listener: accepts connections within limits, tells HTTP/1.1 from HTTP/2, and drains at the end.
//!
//! Not `axum::serve`: that sets no time limit for a request's head, has no limit of connections, and buffers 12 KB a
//! connection to tell the protocols apart.

mod admission;
mod connection;
mod edge;
mod hand_over;
mod listener;
mod occupancy;
mod proxy_protocol;
mod routes;
mod stall;
mod tls;
mod transport;

use std::{net::IpAddr, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use admission::Admission;
pub use admission::{Limits, ServerFigures, ServerStats};
use connection::Arrival;
pub(crate) use hand_over::HandOver;
pub use listener::Listener;
pub use routes::Routes;
pub use tls::{Tls, TlsError};

use crate::{limit::Limit, networks::Networks};

/// After an accept failed, for want of file descriptors most likely, how long until the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that was accepted last has for its request to arrive before the server closes: a round trip.
const LAST_REQUESTS: Duration = Duration::from_millis(500);
/// The part of the time to shut down in that it has at most.
const LAST_REQUESTS_PART: u32 = 4;

/// The other end of a connection, in a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address. `None` on a unix socket: it is a program of this machine, or a proxy there.
    pub address: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub is_secure: bool,
    /// Whether a proxy opened it for a client that it did not name. What the headers say is that client's own word then.
    pub is_unnamed: bool,
}

/// In the extensions of a request whose connection is one more than a limit allows. It is answered, for a publisher and
/// an operator need little room, and then closed; but a stream would hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overloaded;

/// Serves routes on listeners, until it is shut down.
#[derive(Debug)]
pub struct Server {
    limits: Arc<ArcSwap<Limits>>,
    hand_over: bool,
    proxies: Arc<ArcSwapOption<Networks>>,
    stats: Arc<ServerStats>,
    /// Tells every connection to end; each holds a receiver as long as it lives.
    closing: watch::Sender<()>,
    listening: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// A server without listeners. With `hand_over` the streams of plain HTTP/1.1 connections are given to the hub as
    /// bare sockets; without, they are response bodies like all others.
    pub fn new(limits: Limits, hand_over: bool) -> Self {
        Self {
            limits: Arc::new(ArcSwap::from_pointee(limits)),
            hand_over,
            proxies: Arc::default(),
            stats: Arc::default(),
            closing: watch::Sender::new(()),
            listening: Vec::new(),
        }
    }

    /// Its counters.
    pub fn stats(&self) -> Arc<ServerStats> {
        self.stats.clone()
    }

    /// Its limits, which can be exchanged: connections from then on go by the new ones.
    pub fn limits(&self) -> Arc<ArcSwap<Limits>> {
        self.limits.clone()
    }

    /// The networks of proxies whose connections begin with a header of the PROXY protocol, version 2, which says for
    /// whom they connect; whoever connects by a unix socket is one of them. It can be exchanged. `None`, the default, is
    /// that no proxy sends such a header.
    pub fn proxies(&self) -> Arc<ArcSwapOption<Networks>> {
        self.proxies.clone()
    }

    /// Serves the routes on the listener, from now on.
    pub fn serve(&mut self, listener: impl Into<Listener>, routes: Routes) {
        self.listen(listener.into(), routes, None);
    }

    /// Serves the routes on the listener, with TLS.
    pub fn serve_tls(&mut self, listener: impl Into<Listener>, routes: Routes, tls: Tls) {
        self.stats.tell_of(&tls);
        self.listen(listener.into(), routes, Some(tls));
    }

    fn listen(&mut self, listener: Listener, routes: Routes, tls: Option<Tls>) {
        let acceptor = Acceptor {
            routes,
            tls,
            proxies: self.proxies.clone(),
            limits: self.limits.clone(),
            hand_over: self.hand_over,
            stats: self.stats.clone(),
            closing: self.closing.subscribe(),
        };
        self.listening.push(tokio::spawn(accept(listener, Arc::new(acceptor))));
    }

    /// Accepts no more connections, lets the requests under way end, those that are on the wire included, and waits for that at most so long, and for the
    /// connections that were handed over. Streams end when their hub is drained: do that first.
    pub async fn shut_down(self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.listening.iter().for_each(|task| task.abort());
        if self.stats.read().connections > 0 {
            sleep(LAST_REQUESTS.min(patience / LAST_REQUESTS_PART)).await;
        }
        self.closing.send_replace(());
        if timeout_at(deadline, self.closing.closed()).await.is_err() {
            tracing::warn!(
                connections = self.stats.read().connections,
                "connections were cut: they took too long"
            );
        }
    }
}

/// What each connection needs.
struct Acceptor {
    routes: Routes,
    tls: Option<Tls>,
    proxies: Arc<ArcSwapOption<Networks>>,
    limits: Arc<ArcSwap<Limits>>,
    hand_over: bool,
    stats: Arc<ServerStats>,
    closing: watch::Receiver<()>,
}

impl Acceptor {
    /// Whether who connects from there has to say first for whom.
    fn is_proxy(&self, address: Option<IpAddr>) -> bool {
        let proxies = self.proxies.load();
        proxies.as_ref().is_some_and(|proxies| address.is_none_or(|address| proxies.contains(address)))
    }
}

async fn accept(listener: Listener, acceptor: Arc<Acceptor>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let is_proxy = acceptor.is_proxy(address);
                // For whom a proxy connects is not known before it has said so.
                let counted = address.filter(|_| !is_proxy);
                match acceptor.stats.admit(counted, &acceptor.limits.load()) {
                    Admission::Refused => drop(stream),
                    Admission::Welcome(ticket) => {
                        let acceptor = acceptor.clone();
                        let arrival = Arrival { stream, address, is_proxy, ticket };
                        tokio::spawn(async move {
                            if let Err(error) = connection::serve(arrival, &acceptor).await {
                                if let Some(limit) = connection::limit_of(&*error) {
                                    acceptor.stats.hits().hit(limit);
                                }
                                tracing::debug!(?address, %error, "connection ended");
                            }
                        });
                    }
                }
            }
            Err(error) => {
                acceptor.stats.hits().hit(Limit::OpenFiles);
                tracing::error!(%error, "a connection could not be accepted; is the limit of open files too low?");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use http::Request;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    fn limits(head_time: Duration) -> Limits {
        Limits { max_connections: 1, max_per_address: 1, head_time, ..Limits::default() }
    }

    #[tokio::test]
    async fn an_http2_connection_over_the_limit_is_answered_and_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::new(limits(Duration::from_secs(60)), true);
        server.serve(listener, Routes::new(Router::new()));
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

    async fn connect(server: &mut Server) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        server.serve(listener, Routes::new(Router::new()));
        let stream = TcpStream::connect(address).await.unwrap();
        while server.stats().read().accepted == 0 {
            tokio::task::yield_now().await;
        }
        stream
    }

    #[tokio::test]
    async fn who_was_accepted_last_is_answered_before_the_server_closes() {
        let mut server = Server::new(limits(Duration::from_secs(60)), true);
        let mut stream = connect(&mut server).await;
        let request = async {
            stream.write_all(b"GET /topics HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let ((), answer) = tokio::join!(biased; server.shut_down(Duration::from_secs(60)), request);
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_http2_connection_without_requests_is_ended_also_if_it_begins_one_for_ever() {
        /// A SETTINGS frame, and the beginning of a HEADERS frame.
        const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x20\x01";
        // Time passes at once here, and the first patience is not what is tested.
        let mut server = Server::new(limits(Duration::from_secs(3600)), true);
        let mut stream = connect(&mut server).await;
        stream.write_all(OPENING).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(24 * 3600), stream.read_to_end(&mut rest)).await;
        ended.expect("the connection stays").ok();
        assert!(server.stats().hits().read().contains(&(Limit::HeadTime, 1)));
    }
}
