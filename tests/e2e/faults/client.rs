//! A subscriber as browsers are: over HTTP/1.1 or HTTP/2, back after every loss with the last id that it saw.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidings_stream::{Decoder, Item};
use tokio::{net::TcpSocket, time::timeout};

use super::{
    event::{Key, Selection},
    network,
    oracle::{Oracle, Record, Seen, Start},
};
use crate::support::BOUND;

/// Until the next attempt, at most, where the hub named no time.
const RECONNECT_MS: u64 = 100;
/// What the kernel keeps for somebody who reads slowly.
const SLOW_BUFFER: u32 = 64 << 10;

/// How a subscriber is.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub(crate) selection: Selection,
    pub(crate) http2: bool,
    /// From the first event on; else from now on.
    pub(crate) from_the_beginning: bool,
    /// Of 100 packets that the hub sends to it, so many are lost.
    pub(crate) loss_percent: u32,
    /// How long it rests after each piece that it reads.
    pub(crate) rest: Duration,
    /// It leaves of itself after so many events, and comes back.
    pub(crate) leaves_after: usize,
    /// How long it is away before it connects again.
    pub(crate) away: Duration,
}

impl Habits {
    /// All there is, from the beginning, without leaving.
    pub(crate) fn all() -> Self {
        Self {
            selection: Selection::all(),
            http2: false,
            from_the_beginning: true,
            loss_percent: 0,
            rest: Duration::ZERO,
            leaves_after: usize::MAX,
            away: Duration::ZERO,
        }
    }
}

/// An open stream.
struct Stream {
    body: Incoming,
    decoder: Decoder,
    part: Bytes,
}

impl Stream {
    async fn open(address: SocketAddr, habits: &Habits, last_id: &str) -> io::Result<Self> {
        let opening = Self::open_now(address, habits, last_id);
        timeout(BOUND, opening).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn open_now(address: SocketAddr, habits: &Habits, last_id: &str) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if !habits.rest.is_zero() {
            socket.set_recv_buffer_size(SLOW_BUFFER)?;
        }
        let stream = socket.connect(address).await?;
        if habits.loss_percent > 0 {
            network::lose(&stream, habits.loss_percent)?;
        }
        let io = TokioIo::new(stream);
        let uri = format!("http://{address}/events?{}", habits.selection.query);
        let mut request = Request::get(uri).header("Accept", "text/event-stream");
        if !last_id.is_empty() {
            request = request.header("Last-Event-ID", last_id);
        }
        let response = if habits.http2 {
            let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
            let handshake = http2::handshake(TokioExecutor::new(), io).await.map_err(io::Error::other)?;
            let (mut sender, connection) = handshake;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(io::Error::other)?
        } else {
            let request = request.header("Host", address.to_string());
            let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
            let (mut sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(io::Error::other)?
        };
        // An EventSource would give up for good at anything else: a hub that stops refuses by closing.
        if response.status() != StatusCode::OK {
            return Err(io::Error::other(format!("answered {}", response.status())));
        }
        Ok(Self { body: response.into_body(), decoder: Decoder::new(), part: Bytes::new() })
    }

    /// The next item; `None` at the end, however it came.
    async fn next(&mut self, rest: Duration) -> Option<Item> {
        loop {
            if let Some(item) = self.decoder.decode(&mut self.part) {
                return item.ok();
            }
            if !rest.is_zero() {
                tokio::time::sleep(rest).await;
            }
            self.part = self.body.frame().await?.ok()?.into_data().ok()?;
        }
    }
}

/// Listens until the end of all events, or until it is told to stop, and answers what it saw.
pub(crate) struct Subscriber {
    pub(crate) address: SocketAddr,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) habits: Habits,
    pub(crate) stop: Arc<AtomicBool>,
    /// It is the witness of the oracle.
    pub(crate) is_witness: bool,
}

impl Subscriber {
    pub(crate) async fn run(self, name: String) -> Record {
        let Habits { selection, from_the_beginning, .. } = &self.habits;
        let start = if *from_the_beginning { Start::At(0) } else { Start::WithTheFirst };
        let mut record =
            Record { name, selection: selection.clone(), start, seen: Vec::new(), connections: 0 };
        let mut last_id = if *from_the_beginning { "earliest".to_owned() } else { String::new() };
        let mut retry = Duration::ZERO;
        while !self.stop.load(SeqCst) {
            if record.connections > 0 {
                let jitter = Duration::from_millis(fastrand::u64(..RECONNECT_MS));
                tokio::time::sleep(retry + jitter + self.habits.away).await;
            }
            record.connections += 1;
            if let Ok(mut stream) = Stream::open(self.address, &self.habits, &last_id).await
                && self.listen(&mut stream, &mut record, &mut last_id, &mut retry).await
            {
                break;
            }
        }
        record
    }

    /// Reads one stream to its end, and answers whether that is the end of all.
    async fn listen(
        &self,
        stream: &mut Stream,
        record: &mut Record,
        last_id: &mut String,
        retry: &mut Duration,
    ) -> bool {
        let mut count = 0;
        while let Some(item) = stream.next(self.habits.rest).await {
            match item {
                Item::Event(event) if event.event == "tidings.reset" => {
                    let oldest = oldest(self.address).await;
                    match oldest {
                        Some(oldest) if !self.is_witness => record.seen.push(Seen::Reset { oldest }),
                        // Gone meanwhile: it cannot be known what was trimmed, and the reset is seen again.
                        None if !self.is_witness => return false,
                        _ => self.oracle.fault(format!("{} was reset behind {last_id}", record.name)),
                    }
                }
                Item::Event(event) => {
                    let key = Key::of(&event.data);
                    if self.is_witness {
                        self.oracle.witnessed(key, offset(&event.id));
                    } else if key != Key::ASIDE {
                        record.seen.push(Seen::Event(key));
                    }
                    *last_id = event.id;
                    count += 1;
                    if key == Key::END {
                        return true;
                    }
                    if count >= self.habits.leaves_after || self.stop.load(SeqCst) {
                        return false;
                    }
                }
                // Where a stream stands that has nothing to begin with.
                Item::LastId(id) => {
                    if let (Start::WithTheFirst, true, Some(offset)) =
                        (record.start, record.seen.is_empty(), offset(&id))
                    {
                        record.start = Start::At(offset + 1);
                    }
                    *last_id = id;
                }
                Item::Retry(milliseconds) => *retry = Duration::from_millis(milliseconds),
                Item::Comment(_) => {}
            }
        }
        false
    }
}

/// The offset in an id that the hub has made.
fn offset(id: &str) -> Option<u64> {
    let (_epoch, offset) = id.rsplit_once('-')?;
    offset.parse().ok()
}

/// The offset of the oldest event that is kept.
async fn oldest(address: SocketAddr) -> Option<u64> {
    let io = TokioIo::new(tokio::net::TcpStream::connect(address).await.ok()?);
    let (mut sender, connection) = http1::handshake(io).await.ok()?;
    tokio::spawn(connection);
    let request =
        Request::get("/stats").header("Host", address.to_string()).body(Empty::<Bytes>::new()).ok()?;
    let body = sender.send_request(request).await.ok()?.into_body().collect().await.ok()?.to_bytes();
    let stats: serde_json::Value = serde_json::from_slice(&body).ok()?;
    Some(offset(stats["log"]["last_id"].as_str()?)? + 1 - stats["log"]["events"].as_u64()?)
}
