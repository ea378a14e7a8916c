//! Publishers, who remember what was answered and repeat what was not, if they can.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};

use super::{
    event::{Key, TOPICS},
    oracle::Oracle,
};
use crate::support::BOUND;

const LARGEST_BATCH: usize = 20;
const MAX_PADDING: usize = 600;
/// Before a publisher tries again that was refused or lost its connection.
const RETRY: Duration = Duration::from_millis(20);

/// How a publisher works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// An event a request. What is not answered is given up.
    Single,
    /// Several a request.
    Batch,
    /// An event a request, with an id of the publisher's, and again until it is answered.
    OwnId,
}

/// Publishes until it is told to stop.
pub(crate) struct Publisher {
    pub(crate) address: SocketAddr,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) number: u8,
    pub(crate) way: Way,
    /// Between two requests.
    pub(crate) pause: Duration,
}

impl Publisher {
    pub(crate) async fn run(self) {
        let mut connection = None;
        let mut next = 0;
        while !self.stop.load(SeqCst) {
            let size = match self.way {
                Way::Batch => fastrand::usize(1..=LARGEST_BATCH),
                Way::Single | Way::OwnId => 1,
            };
            let keys: Vec<Key> =
                (0..size).map(|place| self.key(next + u32::try_from(place).unwrap())).collect();
            next += u32::try_from(size).unwrap();
            let request = Message::new(self.way, &keys);
            loop {
                let receipts = send(&mut connection, self.address, &request).await;
                let is_answered = receipts.is_some();
                for (key, receipt) in keys.iter().zip(receipts.into_iter().flatten()) {
                    self.oracle.answered(*key, receipt["offset"].as_u64().unwrap());
                }
                if is_answered {
                    break;
                }
                tokio::time::sleep(RETRY).await;
                // One with ids of its own repeats even when it is to stop: what it sent may have been taken.
                if self.way != Way::OwnId {
                    break;
                }
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    fn key(&self, number: u32) -> Key {
        Key { topic: fastrand::u8(..TOPICS.len() as u8), publisher: self.number, number }
    }
}

/// Publishes the end of all events, until it is answered.
pub(crate) async fn publish_the_end(address: SocketAddr) {
    let body = json!({ "topics": TOPICS, "data": Key::END.data(0), "id": "the-end" }).to_string();
    let message = Message { target: "/publish".into(), content_type: "application/json", body };
    while send(&mut None, address, &message).await.is_none() {
        tokio::time::sleep(RETRY).await;
    }
}

struct Message {
    target: String,
    content_type: &'static str,
    body: String,
}

impl Message {
    fn new(way: Way, keys: &[Key]) -> Self {
        let data = |key: &Key| key.data(fastrand::usize(..MAX_PADDING));
        let topic = |key: &Key| TOPICS[usize::from(key.topic)];
        if way == Way::Batch {
            let line = |key: &Key| json!({ "topic": topic(key), "data": data(key) }).to_string();
            let body = keys.iter().map(line).collect::<Vec<_>>().join("\n");
            return Self { target: "/publish".into(), content_type: "application/x-ndjson", body };
        }
        let id = if way == Way::OwnId { format!("?id={}", keys[0].id()) } else { String::new() };
        let target = format!("/topics/{}{id}", topic(&keys[0]));
        Self { target, content_type: "text/plain", body: data(&keys[0]) }
    }
}

type Kept = Option<SendRequest<Full<Bytes>>>;

/// Sends one request, and answers the receipts. `None` if it was refused or not answered.
async fn send(kept: &mut Kept, address: SocketAddr, message: &Message) -> Option<Vec<Value>> {
    let answer = timeout(BOUND, send_now(kept, address, message)).await;
    let Ok(Some((status, text))) = answer else {
        *kept = None;
        return None;
    };
    if status != StatusCode::OK {
        // A hub that cannot take it now says so, and nothing else is to be expected here.
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
        return None;
    }
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

async fn send_now(kept: &mut Kept, address: SocketAddr, message: &Message) -> Option<(StatusCode, String)> {
    let mut sender = match kept.take() {
        Some(sender) if !sender.is_closed() => sender,
        _ => {
            let io = TokioIo::new(TcpStream::connect(address).await.ok()?);
            let (sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
            tokio::spawn(connection);
            sender
        }
    };
    let request = Request::post(&message.target)
        .header("Host", address.to_string())
        .header("Content-Type", message.content_type)
        .body(Full::from(message.body.clone()))
        .unwrap();
    sender.ready().await.ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    *kept = Some(sender);
    Some((status, String::from_utf8(body.to_vec()).unwrap()))
}
