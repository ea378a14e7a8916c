//! What the front tells others within the program.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes};
use futures_util::StreamExt as _;
use http::Request;
use tidings_hub::{Publication, Selection, Settings};
use tidings_log::{Memory, Retention};
use tower::ServiceExt as _;

use super::{
    bucket::Bucket,
    connection::{Connection, lock},
    holding::Holdings,
    presence::Member,
    record::Record,
    socket_id::SocketId,
    *,
};
use crate::limit::Limit;

/// More than any wait takes on a slow machine.
const BOUND: Duration = Duration::from_secs(60);

fn hub() -> Hub {
    Hub::start(Arc::new(Memory::new(Retention::default()).unwrap()), Settings::default()).unwrap()
}

/// A front on an open hub.
fn front() -> Echo {
    Echo::start(hub(), EchoSettings::default())
}

/// One that waits for nobody.
fn impatient() -> Echo {
    Echo::start(hub(), EchoSettings { presence_grace: Duration::ZERO, ..EchoSettings::default() })
}

async fn until(is_so: impl AsyncFn() -> bool) {
    let all = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(BOUND, all).await.is_ok(), "waited too long");
}

/// How many events of a topic are kept.
async fn events(front: &Echo, topic: &Topic) -> u64 {
    let kept = front.0.hub.log().topics(Arc::new(Selection::topic(topic.clone())), None, 1).await.unwrap();
    kept.first().map_or(0, |kept| kept.events)
}

/// What of a connection that was in `presence-a` is kept.
fn record(socket: &SocketId) -> Publication {
    let member = Member { user: "7".into(), info: serde_json::from_str("{}").unwrap() };
    let channels = [(Channel::new("presence-a").unwrap(), Some(member))].into();
    Record { channels, ..Record::default() }.publication(socket).unwrap()
}

/// A stream: its socket id and what it sends.
async fn open(front: &Echo) -> (String, axum::body::BodyDataStream) {
    let request = Request::get("/wave?channel=").body(Body::empty()).unwrap();
    let response = echo(front).oneshot(request).await.unwrap();
    let socket = response.headers()["x-socket-id"].to_str().unwrap().to_owned();
    (socket, response.into_body().into_data_stream())
}

async fn post(front: &Echo, socket: &str, path: &str, body: String) -> u16 {
    let request = Request::post(path).header("x-socket-id", socket);
    echo(front).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status().as_u16()
}

async fn join(front: &Echo, socket: &str, channel: &str) {
    let body = format!("{{\"channel_name\":{channel:?}}}");
    assert_eq!(post(front, socket, "/broadcasting/auth", body).await, 200);
}

#[tokio::test]
async fn users_are_told_once_each_and_their_streams_are_ended() {
    let front = front();
    let room = Topic::new("presence-a").unwrap();
    let (socket, stream) = open(&front).await;
    let (_other, _kept) = open(&front).await;
    join(&front, &socket, "presence-a").await;
    join(&front, &socket, "presence-a").await;
    let users = front.users(&room);
    assert_eq!(users.len(), 1);
    let messages = Topic::new("messages").unwrap();
    assert!(front.users(&messages).is_empty());
    assert_eq!((front.count(&room), front.count(&messages)), (1, 0));
    assert!(!users[0].contains(socket.as_str()), "who is nameless is not called by the socket id");
    front.terminate("somebody else");
    front.terminate(&users[0]);
    let all = tokio::time::timeout(BOUND, stream.collect::<Vec<_>>()).await;
    assert!(all.is_ok(), "the stream has ended");
    assert_eq!(front.0.hub.stats().subscribers, 1);
}

#[tokio::test]
async fn who_asks_twice_at_once_comes_once() {
    let front = front();
    let room = Topic::new("presence-a").unwrap();
    let (one, _kept) = open(&front).await;
    tokio::join!(join(&front, &one, "presence-a"), join(&front, &one, "presence-a"));
    let (other, _kept_too) = open(&front).await;
    join(&front, &other, "presence-a").await;
    // The joins are announced in their order, that of the other last.
    until(async || events(&front, &room).await >= 2).await;
    assert_eq!((events(&front, &room).await, front.users(&room).len()), (2, 2));
}

#[tokio::test]
async fn a_stream_that_was_not_accepted_leaves_nothing_behind() {
    let front = front();
    front.0.hub.drain(Duration::ZERO);
    let request = Request::get("/wave").body(Body::empty()).unwrap();
    let response = echo(&front).oneshot(request).await.unwrap();
    assert!(response.status() == 200 && !response.headers().contains_key("x-socket-id"));
}

#[tokio::test]
async fn who_was_announced_as_gone_comes_again_whatever_is_kept_of_them() {
    let front = front();
    let room = Topic::new("presence-a").unwrap();
    // Nothing is waited for that was kept before the start.
    until(async || front.0.has_restored()).await;
    let socket = SocketId::random();
    front.0.hub.publish(record(&socket)).await.unwrap();
    let request = Request::get("/wave?channel=presence-a").header("x-socket-id", socket.text().unwrap());
    let response = echo(&front).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    front.0.settled().await;
    assert_eq!((response.status().as_u16(), events(&front, &room).await), (200, 1));
}

#[tokio::test]
async fn what_is_not_private_was_not_kept_by_the_front() {
    let hub = hub();
    let forged = Publication { private: false, ..record(&SocketId::random()) };
    hub.publish(forged).await.unwrap();
    hub.publish(record(&SocketId::random())).await.unwrap();
    let front = Echo::start(hub, EchoSettings::default());
    until(async || front.0.has_restored()).await;
    assert_eq!(front.0.restored(), 1);
}

#[tokio::test]
async fn of_who_was_in_no_presence_channel_no_end_is_kept() {
    let front = impatient();
    for (channel, kept) in [("private-a", 1), ("presence-a", 2)] {
        let (socket, stream) = open(&front).await;
        join(&front, &socket, channel).await;
        let socket = SocketId::parse(&socket).unwrap();
        drop(stream);
        until(async || front.0.find(&socket).is_none()).await;
        front.settled().await;
        assert_eq!(events(&front, &record::topic(&socket).unwrap()).await, kept, "{channel}");
    }
}

#[tokio::test]
async fn a_connection_that_is_over_is_given_nothing() {
    let front = front();
    let (socket, stream) = open(&front).await;
    let socket = SocketId::parse(&socket).unwrap();
    let connection = front.0.find(&socket).unwrap();
    let (other, kept_open) = open(&front).await;
    join(&front, &other, "private-a").await;
    let granted = front.0.find(&SocketId::parse(&other).unwrap()).unwrap();
    let granted = lock(&granted.holdings).clone();
    drop(stream);
    // Of which nothing is kept, it is not waited for, however long the grace time is.
    until(async || front.0.find(&socket).is_none()).await;
    let refused = front.0.hold(&connection, granted).await.unwrap_err();
    assert_eq!(refused.status(), 410);
    assert_eq!(events(&front, &record::topic(&socket).unwrap()).await, 0);
    drop(kept_open);
}

#[tokio::test]
async fn who_comes_and_goes_without_end_is_slowed_down() {
    let front = front();
    let (socket, _kept) = open(&front).await;
    let body = |channel: &str| format!("{{\"channels\":[{channel:?}]}}");
    // A page with many channels that asks for each.
    for number in 0..150 {
        join(&front, &socket, &format!("private-{number}")).await;
    }
    let mut statuses = Vec::new();
    for _ in 0..100 {
        statuses.push(post(&front, &socket, "/wave/subscribe", body("presence-a")).await);
        statuses.push(post(&front, &socket, "/wave/unsubscribe", body("presence-a")).await);
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    let refusals = statuses.iter().filter(|status| **status == 429).count();
    let hits = front.0.settings().hits.read().into_iter().find(|(limit, _)| *limit == Limit::ChannelRate);
    assert_eq!(hits, Some((Limit::ChannelRate, u64::try_from(refusals).unwrap())));
    // Public channels are nobody's burden.
    assert_eq!(post(&front, &socket, "/wave/subscribe", body("messages")).await, 200);
}

#[tokio::test]
async fn a_stream_that_has_ended_before_its_connection_is_there_leaves_nothing_behind() {
    let front = impatient();
    let (other, _kept) = open(&front).await;
    join(&front, &other, "private-a").await;
    let other = front.0.find(&SocketId::parse(&other).unwrap()).unwrap();
    for holdings in [Holdings::new(), lock(&other.holdings).clone()] {
        let (socket, companion, is_over) = front.0.reserve();
        drop(companion);
        // Which takes note of the end.
        assert!(front.0.find(&socket).is_none());
        let now = Instant::now();
        let connection = Connection {
            socket: socket.clone(),
            former: Vec::new(),
            base: other.base.clone(),
            handle: other.handle.clone(),
            is_over,
            holdings: Mutex::new(holdings),
            changing: tokio::sync::Mutex::default(),
            joining: tokio::sync::Mutex::default(),
            whispers: Mutex::new(Bucket::full(1, 1, now)),
            changes: Mutex::new(Bucket::full(1, 1, now)),
        };
        front.0.enter(connection, None);
        assert!(front.0.find(&socket).is_none());
    }
}

#[tokio::test]
async fn the_bodies_of_strangers_are_not_read() {
    let front = front();
    let endless = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let ask = async |request: http::request::Builder, body| {
        let answer = echo(&front).oneshot(request.body(body).unwrap());
        tokio::time::timeout(BOUND, answer).await.unwrap().unwrap().status().as_u16()
    };
    let subscribe = || Request::post("/wave/subscribe");
    assert_eq!(ask(subscribe().header("x-socket-id", "1.2"), endless()).await, 410);
    assert_eq!(ask(subscribe(), Body::from("x".repeat(9 << 10))).await, 400);
    let (socket, _kept) = open(&front).await;
    let body = format!("{{\"socket_id\":{socket:?},\"channels\":[\"a\"]}}");
    assert_eq!(ask(subscribe(), Body::from(body)).await, 200);
}
