//! What the front tells others within the program.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt as _;
use http::Request;
use tidings_hub::{Selection, Settings};
use tidings_log::{Memory, Retention};
use tower::ServiceExt as _;

use super::*;

/// A front on an open hub.
fn front() -> Echo {
    let log = Arc::new(Memory::new(Retention::default()).unwrap());
    Echo::start(Hub::start(log, Settings::default()).unwrap(), EchoSettings::default())
}

/// A stream: its socket id and what it sends.
async fn open(front: &Echo) -> (String, axum::body::BodyDataStream) {
    let request = Request::get("/wave?channel=").body(Body::empty()).unwrap();
    let response = echo(front).oneshot(request).await.unwrap();
    let socket = response.headers()["x-socket-id"].to_str().unwrap().to_owned();
    (socket, response.into_body().into_data_stream())
}

async fn join(front: &Echo, socket: &str, channel: &str) {
    let body = format!("{{\"channel_name\":{channel:?}}}");
    let request = Request::post("/broadcasting/auth").header("x-socket-id", socket);
    let response = echo(front).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
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
    assert!(front.users(&Topic::new("messages").unwrap()).is_empty());
    assert!(!users[0].contains(socket.as_str()), "who is nameless is not called by the socket id");
    front.terminate("somebody else");
    front.terminate(&users[0]);
    let all = tokio::time::timeout(Duration::from_secs(60), stream.collect::<Vec<_>>()).await;
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
    let events = async || {
        let live = front.0.hub.topics(Selection::topic(room.clone()), None, 1).await.unwrap();
        live.first().map_or(0, |live| live.events)
    };
    // The joins are announced in their order, that of the other last.
    while events().await < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((events().await, front.users(&room).len()), (2, 2));
}

#[tokio::test]
async fn a_stream_that_was_not_accepted_leaves_nothing_behind() {
    let front = front();
    front.0.hub.drain(Duration::ZERO);
    let request = Request::get("/wave").body(Body::empty()).unwrap();
    let response = echo(&front).oneshot(request).await.unwrap();
    assert!(response.status() == 200 && !response.headers().contains_key("x-socket-id"));
}
