//! HTTP itself: versions, connections, and requests for what is not there.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full, combinators::BoxBody};
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tidings_stream::{Decoder, Item};

use crate::support::{BOUND, Hub};

#[test]
fn one_connection_serves_many_requests_and_then_a_stream() {
    let hub = Hub::start();
    let mut connection = hub.connect();
    for offset in 0..5 {
        let receipt = connection.request("POST", "/topics/a", &[], b"x").unwrap().receipt();
        assert_eq!(receipt["offset"], offset);
        connection.request("GET", "/nothing", &[], b"").unwrap().problem(404);
    }
    connection.send_request("GET", "/events?topic=a&last=2", &[], b"").unwrap();
    let mut listener = crate::support::Listener::read(connection).unwrap();
    assert_eq!(listener.data(2), ["x", "x"]);
}

#[test]
fn requests_sent_without_waiting_are_answered_in_their_order() {
    const REQUESTS: usize = 50;
    let hub = Hub::start();
    let mut connection = hub.connect();
    for number in 0..REQUESTS {
        connection.send_request("POST", "/topics/a", &[], number.to_string().as_bytes()).unwrap();
    }
    connection.send_request("GET", "/events?topic=a&last=50", &[], b"").unwrap();
    for number in 0..REQUESTS {
        assert_eq!(connection.response("POST").unwrap().receipt()["offset"], number);
    }
    let expected: Vec<String> = (0..REQUESTS).map(|number| number.to_string()).collect();
    assert_eq!(crate::support::Listener::read(connection).unwrap().data(REQUESTS), expected);
}

#[test]
fn connection_close_and_http_1_0_close() {
    let hub = Hub::start();
    let mut connection = hub.connect();
    connection.request("POST", "/topics/a", &[("Connection", "close")], b"x").unwrap().receipt();
    assert!(connection.is_closed());
    let mut connection = hub.connect();
    connection.send("POST /topics/a HTTP/1.0\r\nHost: localhost\r\nContent-Length: 1\r\n\r\ny").unwrap();
    let answer = connection.response("POST").unwrap();
    assert!(answer.header("content-length").is_some(), "HTTP/1.0 knows no chunks");
    assert_eq!(answer.receipt()["offset"], 1);
    assert!(connection.is_closed());
}

#[test]
fn what_is_not_there_and_what_is_not_understood_are_problems() {
    let hub = Hub::start();
    for target in
        ["/nothing", "/event", "/events/", "/topics/", "/publish/x", "/demo/", "//events", "/EVENTS"]
    {
        let detail = hub.get(target).problem(404);
        assert!(detail.contains(target), "{target}: {detail}");
    }
    for (method, target, allow) in [
        ("POST", "/events", "GET,HEAD"),
        ("DELETE", "/topics/a", ""),
        ("PUT", "/topics/a", ""),
        ("GET", "/publish", "POST"),
        ("GET", "/message", "POST"),
        ("OPTIONS", "/events", "GET,HEAD"),
    ] {
        let answer = hub.request(method, target, &[], b"");
        let detail = answer.problem(405);
        assert!(detail.contains(method) && detail.contains(target), "{detail}");
        let allowed = answer
            .header("allow")
            .unwrap_or_else(|| panic!("{method} {target} does not say what is allowed"));
        assert!(allow.is_empty() || allowed == allow, "{method} {target} allows {allowed}");
    }
}

#[test]
fn nonsense_is_answered_400_and_hurts_nobody() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    for nonsense in [
        "nonsense\r\n\r\n",
        "GET /events\r\n\r\n",
        "GET /events HTTP/9.9\r\n\r\n",
        "GET /events HTTP/1.1\r\nbad header\r\n\r\n",
        "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ] {
        let mut connection = hub.connect();
        connection.send(nonsense).unwrap();
        assert_eq!(connection.head("GET").unwrap().status, 400, "{nonsense:?}");
    }
    // Both lengths: a way to smuggle requests through proxies. Whatever is made of it, the connection ends there.
    let mut connection = hub.connect();
    connection
        .send("POST /topics/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        .unwrap();
    connection.response("POST").unwrap();
    hub.publish("a", "x");
    assert_eq!(listener.event().data, "x");
}

type Sender = hyper::client::conn::http2::SendRequest<BoxBody<Bytes, Infallible>>;

/// A connection that speaks HTTP/2 from its first byte, without TLS ("prior knowledge").
async fn http2(hub: &Hub) -> Sender {
    let stream = tokio::net::TcpStream::connect(hub.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(
    hub: &Hub,
    method: &str,
    target: &str,
    body: Option<&'static str>,
) -> Request<BoxBody<Bytes, Infallible>> {
    let body = body.map_or_else(|| Empty::new().boxed(), |body| Full::from(body).boxed());
    Request::builder().method(method).uri(format!("{}{target}", hub.url())).body(body).unwrap()
}

#[tokio::test]
async fn cleartext_http2_publishes_and_streams_over_one_connection() {
    let hub = Hub::start();
    let run = async {
        let mut sender = http2(&hub).await;
        let answer = sender.send_request(request(&hub, "GET", "/events?topic=a", None)).await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache, no-transform"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        for name in ["connection", "transfer-encoding"] {
            assert!(!answer.headers().contains_key(name), "HTTP/2 has no {name}");
        }
        let mut body = answer.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), ":\n");
        for number in 0..20 {
            let answer =
                sender.send_request(request(&hub, "POST", "/topics/a", Some("你\n好"))).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let receipt = answer.into_body().collect().await.unwrap().to_bytes();
            let receipt: Value = serde_json::from_slice(&receipt).unwrap();
            assert_eq!(receipt["offset"], number);
        }
        let mut decoder = Decoder::new();
        let mut seen = 0;
        while seen < 20 {
            let mut data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            while let Some(item) = decoder.decode(&mut data) {
                if let Item::Event(event) = item.unwrap() {
                    assert_eq!(event.data, "你\n好");
                    seen += 1;
                }
            }
        }
        let answer = sender.send_request(request(&hub, "GET", "/nothing", None)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        // A stream that is reset ends its subscription, and only that.
        drop(body);
        loop {
            let answer = sender.send_request(request(&hub, "GET", "/stats", None)).await.unwrap();
            let stats = answer.into_body().collect().await.unwrap().to_bytes();
            if serde_json::from_slice::<Value>(&stats).unwrap()["subscribers"] == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(BOUND, run).await.unwrap();
}

/// A browser's tabs share one connection: each has streams of its own on it.
#[tokio::test]
async fn many_streams_share_one_http2_connection() {
    const STREAMS: usize = 100;
    let hub = Hub::start();
    let run = async {
        let mut sender = http2(&hub).await;
        let mut streams = Vec::new();
        for number in 0..STREAMS {
            let target = format!("/events?topic=all&topic=t{number}");
            streams.push(sender.send_request(request(&hub, "GET", &target, None)).await.unwrap().into_body());
        }
        sender.send_request(request(&hub, "POST", "/topics/all", Some("to all"))).await.unwrap();
        for stream in &mut streams {
            let mut text = String::new();
            while !text.ends_with("data: to all\n\n") {
                let data = stream.frame().await.unwrap().unwrap().into_data().unwrap();
                text += std::str::from_utf8(&data).unwrap();
            }
        }
    };
    tokio::time::timeout(BOUND, run).await.unwrap();
}
