//! What one client may hold and send, by its address behind a proxy (this test is the proxy, on loopback) and by its user;
//! and what all together may: bytes of bodies, and memory.

use std::{thread, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidings_stream::Item;
use tokio::time::timeout;

use super::wait_until_counted;
use crate::support::{BOUND, Connection, Hub, Listener, Response, wait_until};

/// Addresses that are nobody's (RFC 5737), as a proxy says them.
const ONE: (&str, &str) = ("X-Forwarded-For", "192.0.2.1");
const OTHER: (&str, &str) = ("X-Forwarded-For", "192.0.2.2");
const KEY: &str = "a-backend-secret-0123456789";

fn listen(hub: &Hub, target: &str, headers: &[(&str, &str)]) -> Listener {
    let mut connection = hub.connect();
    connection.send_request("GET", target, headers, b"").unwrap();
    Listener::read(connection).unwrap()
}

/// A stream has no length. Who is told to come back gets all at once, and whole.
fn is_turned_away(listener: &Listener) -> bool {
    listener.head.header("content-length").is_some()
}

/// What a browser is told that should come back.
fn assert_told_to_come_back(listener: Listener) -> u64 {
    assert!(is_turned_away(&listener));
    let retry = listener.rest().into_iter().find_map(|item| match item {
        Item::Retry(milliseconds) => Some(milliseconds),
        _ => None,
    });
    let retry = retry.expect("it is told when");
    assert!((1000..60_000).contains(&retry), "{retry}");
    retry
}

fn publish(hub: &Hub, headers: &[(&str, &str)]) -> Response {
    hub.request("POST", "/topics/a", headers, b"x")
}

fn assert_too_many(answer: &Response, setting: &str) {
    let seconds: u64 = answer.header("retry-after").expect("it is told when").parse().unwrap();
    assert!((1..60).contains(&seconds), "{seconds}");
    let detail = answer.problem(429);
    assert!(detail.contains(setting), "{detail}");
}

#[test]
fn an_address_has_so_many_streams_on_all_fronts_together() {
    let hub = Hub::configured("[limits]\nstreams_per_address = 2");
    let mut first = listen(&hub, "/events?topic=a", &[ONE]);
    let _second = listen(&hub, "/wave", &[ONE]);
    for target in ["/events?topic=a", "/sse", "/wave", "/.well-known/mercure?match=a"] {
        assert_told_to_come_back(listen(&hub, target, &[ONE]));
    }
    assert!(!is_turned_away(&listen(&hub, "/events?topic=a", &[OTHER])));
    // This machine is exempt, and what a client writes before the proxy does changes nothing.
    let _own: Vec<_> = (0..5).map(|_| hub.listen("topic=a")).collect();
    assert_told_to_come_back(listen(&hub, "/sse", &[("X-Forwarded-For", "192.0.2.77, \", 192.0.2.1")]));
    hub.publish("a", "x");
    assert_eq!(first.event().data, "x");
    wait_until_counted(&hub, "streams_per_address");
    assert!(hub.stderr().contains("\"peer\":\"192.0.2.1\""), "the log says who it is");

    // A browser comes back when it was told to, until there is room; which there is once somebody leaves.
    let browser = thread::scope(|scope| {
        let browser = scope.spawn(|| {
            loop {
                let stream = listen(&hub, "/events?topic=a", &[ONE]);
                if !is_turned_away(&stream) {
                    return stream;
                }
                thread::sleep(Duration::from_millis(assert_told_to_come_back(stream)));
            }
        });
        drop(first);
        browser.join().unwrap()
    });
    assert!(!is_turned_away(&browser));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_of_http2_has_no_more_streams_than_many() {
    let hub = Hub::configured("[limits]\nstreams_per_address = 3");
    let stream = tokio::net::TcpStream::connect(hub.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let mut open = async || {
        let request = Request::get(format!("{}/events?topic=a", hub.url())).header(ONE.0, ONE.1);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        timeout(BOUND, sender.send_request(request)).await.unwrap().unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        let response = open().await;
        assert!(!response.headers().contains_key("content-length"));
        held.push(response);
    }
    let late = open().await;
    assert_eq!(late.status(), 200);
    let text = timeout(BOUND, late.into_body().collect()).await.unwrap().unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("retry:"), "{text:?}");
    drop(held);
    tokio::task::block_in_place(|| {
        wait_until("there is room", || !is_turned_away(&listen(&hub, "/events?topic=a", &[ONE])));
    });
}

#[test]
fn nobody_is_believed_who_is_not_trusted() {
    let hub = Hub::configured("[proxies]\ntrusted = []\n[limits]\nstreams_per_address = 1");
    let _held: Vec<_> = (0..3)
        .map(|_| {
            let listener = listen(&hub, "/events?topic=a", &[ONE]);
            assert!(!is_turned_away(&listener));
            listener
        })
        .collect();
    assert!(!hub.stderr().contains("192.0.2.1"));
    let hub = Hub::configured("[proxies]\nheader = 'forwarded'\n[limits]\nstreams_per_address = 1");
    let _one = listen(&hub, "/events?topic=a", &[("Forwarded", "for=\"[2001:db8::1]:4711\";proto=https")]);
    // Its neighbour.
    let neighbour = [("Forwarded", "for=8.8.8.8, for=\"[2001:db8::2]\"")];
    assert_told_to_come_back(listen(&hub, "/events?topic=a", &neighbour));
    assert!(!is_turned_away(&listen(&hub, "/events?topic=a", &[("Forwarded", "for=\"[2001:db8:1::1]\"")])));
}

#[test]
fn an_address_publishes_so_often() {
    let hub = Hub::configured("[limits]\npublish_rate = '4/s'");
    let answers: Vec<_> = (0..200).map(|_| publish(&hub, &[ONE])).collect();
    let too_many = answers.iter().find(|answer| answer.status() != 200).expect("some are too many");
    assert_too_many(too_many, "limits.publish_rate");
    // A batch counts for as many as are in it, and is owed.
    let batch = "{\"topic\":\"a\",\"data\":\"x\"}\n".repeat(4000);
    let ndjson = ("Content-Type", "application/x-ndjson");
    assert_eq!(hub.request("POST", "/publish", &[OTHER, ndjson], batch.as_bytes()).status(), 200);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let by_mercure = hub.request("POST", "/.well-known/mercure", &[OTHER, form], b"topic=a&data=x");
    assert_eq!(by_mercure.status(), 429, "{}", by_mercure.text());
    assert!(by_mercure.header("retry-after").is_some());
    // This machine is exempt.
    (0..20).for_each(|_| drop(publish(&hub, &[]).receipt()));
    wait_until_counted(&hub, "publish_rate");
    wait_until("it may again", || publish(&hub, &[ONE]).status() == 200);
}

#[test]
fn who_guesses_keys_is_slowed_down() {
    let hub = Hub::configured(&format!(
        "[limits]\nauth_failures = '1/s'\n[[keys]]\nname = 'backend'\nsecret = '{KEY}'\npublish = ['*']\nsubscribe = ['*']\nadmin = true\n"
    ));
    let key = format!("Bearer {KEY}");
    let key = ("Authorization", key.as_str());
    let guess = ("Authorization", "Bearer a-guess-that-is-not-right-0123");
    let answer = (0..500).map(|_| publish(&hub, &[ONE, guess])).find(|answer| answer.status() != 401);
    assert_too_many(&answer.unwrap(), "limits.auth_failures");
    // What it is told does not depend on whether it has found the key.
    let mut streams = 0;
    wait_until("the right key is not looked at", || {
        publish(&hub, &[ONE, guess]);
        streams += 1;
        publish(&hub, &[ONE, key]).status() == 429
    });
    // Who has nothing to present is answered as ever, and so is everybody elsewhere.
    assert_eq!(hub.request("GET", "/livez", &[ONE], b"").status(), 200);
    publish(&hub, &[OTHER, key]).receipt();
    // A browser that shares the address comes back.
    wait_until("a browser is told to come back", || {
        publish(&hub, &[ONE, guess]);
        let accept = ("Accept", "text/event-stream");
        let listener = listen(&hub, "/events?topic=a", &[ONE, key, accept]);
        is_turned_away(&listener) && assert_told_to_come_back(listener) > 0
    });
    let metrics = hub.request("GET", "/metrics", &[key], b"").text();
    assert!(super::refused(&metrics, "auth_failures"), "{metrics}");
    wait_until("it may again", || publish(&hub, &[ONE, key]).status() == 200);
}

/// Sends a part of a body, and no more of it.
fn hold_body(hub: &Hub, sent: usize, length: usize) -> Connection {
    let mut connection = hub.connect();
    let head = format!("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    connection.send(head).unwrap();
    // Where there is no room, it may be answered before it is all sent.
    connection.send(vec![b'x'; sent]).ok();
    connection
}

#[test]
fn bodies_wait_for_one_another_and_not_for_ever() {
    let hub = Hub::configured("[limits]\nbody = '1MiB'\nbodies = '1MiB'\nbody_time = '60s'");
    let mut held = hold_body(&hub, 900 << 10, 1 << 20);
    wait_until("there is no room for another", || {
        let answer = hub.request("POST", "/topics/a", &[], &vec![b'y'; 500 << 10]);
        if answer.status() == 200 {
            // It was read first, or it was the other that waited for too long.
            held = hold_body(&hub, 900 << 10, 1 << 20);
            return false;
        }
        let detail = answer.problem(503);
        assert!(answer.header("retry-after").is_some() && detail.contains("limits.bodies"), "{detail}");
        true
    });
    hub.publish("a", "a small one");
    wait_until_counted(&hub, "bodies");
    drop(held);
    wait_until("there is room", || {
        hub.request("POST", "/topics/a", &[], &vec![b'y'; 500 << 10]).status() == 200
    });
}

/// Bodies that are held make the memory short here; what they hold is let go.
#[test]
fn without_memory_nobody_new_is_let_in_and_who_is_there_is_served() {
    const HELD: usize = 12;
    const BYTES: usize = 12 << 20;
    let hub = Hub::configured(
        "[limits]\nmemory = '100MiB'\nbody = '16MiB'\nbodies = '1GiB'\nbody_time = '60s'\n[stream]\nheartbeat = '1s'\n",
    );
    let mut listener = hub.listen("topic=a");
    hub.publish("a", "x");
    assert_eq!(listener.event().data, "x");
    let held: Vec<_> = (0..HELD).map(|_| hold_body(&hub, BYTES, BYTES + 1)).collect();
    wait_until("subscribers are told to come back", || is_turned_away(&hub.listen("topic=a")));
    for target in ["/events?topic=a", "/wave"] {
        assert_told_to_come_back(listen(&hub, target, &[]));
    }
    wait_until("publishers are, too", || {
        let answer = publish(&hub, &[]);
        answer.status() == 503 && {
            let detail = answer.problem(503);
            assert!(answer.header("retry-after").is_some() && detail.contains("limits.memory"), "{detail}");
            true
        }
    });
    // Who is there is served, and operators are.
    while !matches!(listener.next().unwrap(), Some(Item::Comment(_))) {}
    assert_eq!(hub.get("/readyz").status(), 200);
    wait_until_counted(&hub, "memory");
    drop(held);
    wait_until("there is memory again", || publish(&hub, &[]).status() == 200);
    wait_until("subscribers are let in", || !is_turned_away(&hub.listen("topic=a")));
    let log = hub.stderr();
    assert!(log.contains("memory is"), "{log}");
    assert_eq!(log.matches("there is memory again").count(), 1, "{log}");
}
