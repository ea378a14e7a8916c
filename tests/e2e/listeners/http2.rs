//! HTTP/2: many streams on one connection.

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, time::timeout};

use crate::support::{BOUND, Hub};

/// More than the tabs that anybody has open, each with a few streams.
const STREAMS: usize = 240;

/// All of them are open, each has its events, and what comes next is answered beside them.
#[tokio::test(flavor = "multi_thread")]
async fn many_streams_share_one_connection() {
    let hub = Hub::start();
    let connection = TokioIo::new(TcpStream::connect(hub.address).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), connection).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut get = async |target: &str| {
        let request = Request::get(format!("{}{target}", hub.url())).body(String::new()).unwrap();
        let response = timeout(BOUND, client.send_request(request)).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        response.into_body()
    };
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(get("/events?topic=a").await);
    }
    hub.publish("a", "hello");
    for stream in &mut streams {
        let mut read = Vec::new();
        while !read.ends_with(b"data: hello\n\n") {
            let frame = timeout(BOUND, stream.frame()).await.unwrap().unwrap().unwrap();
            read.extend_from_slice(&frame.into_data().unwrap());
        }
    }
    let alive = timeout(BOUND, get("/livez").await.collect()).await.unwrap().unwrap();
    assert_eq!(alive.to_bytes(), "alive\n");
    connection.abort();
}
