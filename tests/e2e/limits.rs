//! What nobody can exceed: connections, heads, bodies, time, topics, and what a subscriber who does not read costs.
//!
//! Not here: the limit per address, from which loopback addresses are exempt (a unit test of the server has it), and
//! peers that vanish without a word, which need a network to take away.

mod quotas;

use std::{io::ErrorKind, thread};

use hyper_util::rt::{TokioExecutor, TokioIo};
use tidings_stream::Item;
use tokio::time::timeout;

use crate::support::{BOUND, Connection, Hub, Listener, Options, wait_until};

/// Connections that are told why beyond the limit, before the rest are closed without a word.
const TOLD: usize = 256;

fn ended(hub: &Hub, reason: &str) -> f64 {
    hub.metric(&format!("tidings_subscriptions_ended_total{{reason=\"{reason}\"}}"))
}

fn refused(metrics: &str, limit: &str) -> bool {
    let name = format!("tidings_limit_hits_total{{limit=\"{limit}\"}} ");
    metrics.lines().any(|line| line.strip_prefix(&name).is_some_and(|value| value != "0"))
}

/// The most memory that the hub has had so far, as the kernel counts it.
fn peak_mib(hub: &Hub) -> u64 {
    hub.memory("VmHWM") >> 20
}

/// Waits until this limit has been counted as hit: the answer may be there a moment before the count.
fn wait_until_counted(hub: &Hub, limit: &str) {
    let name = format!("tidings_limit_hits_total{{limit=\"{limit}\"}}");
    wait_until("the limit's metric", || hub.metric(&name) > 0.0);
}

#[test]
fn beyond_the_limit_browsers_are_told_to_come_back_and_others_are_answered_once() {
    let hub = Hub::configured("[limits]\nconnections = 10\n[cors]\norigins = ['https://app.example']");
    // Within the limit, so that the hub can still be asked.
    let mut operator = hub.connect();
    operator.request("GET", "/livez", &[], b"").unwrap();
    let mut within: Vec<Listener> = (1..10).map(|_| hub.listen("topic=a")).collect();
    for target in ["/events?topic=a", "/sse"] {
        let mut connection = hub.connect();
        connection.send_request("GET", target, &[("Origin", "https://app.example")], b"").unwrap();
        let late = Listener::read(connection).unwrap();
        // Without it the page would be refused, and its EventSource give up.
        assert_eq!(late.head.header("access-control-allow-origin"), Some("https://app.example"));
        assert_eq!(late.head.header("content-type"), Some("text/event-stream"));
        assert_eq!(late.head.header("connection"), Some("close"));
        let items = late.rest();
        let [Item::Comment(_), Item::Retry(milliseconds)] = items[..] else { panic!("{items:?}") };
        assert!((1000..60_000).contains(&milliseconds), "{milliseconds}");
    }
    // Publishers and those who look after the hub need no room for long. A probe that failed would have it restarted.
    let answer = hub.request("GET", "/livez", &[], b"");
    assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")));
    hub.request("POST", "/topics/a", &[], b"x").receipt();
    operator.request("POST", "/topics/a", &[], b"y").unwrap().receipt();
    assert!(within.iter_mut().all(|listener| listener.event().data == "x" && listener.event().data == "y"));
    // A flood is not even told.
    let mut flood: Vec<Connection> = (0..TOLD + 20).map(|_| hub.connect()).collect();
    assert!(flood.last_mut().unwrap().is_closed());
    let metrics = operator.request("GET", "/metrics", &[], b"").unwrap().text();
    assert!(refused(&metrics, "connections") && refused(&metrics, "connections_overflow"), "{metrics}");
    // Room is given back.
    drop(flood);
    within.pop();
    wait_until("there is room again", || {
        Connection::open(hub.address, BOUND)
            .and_then(|mut connection| connection.request("GET", "/livez", &[], b""))
            .is_ok_and(|answer| answer.header("connection") != Some("close"))
    });
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let hub = Hub::configured("[limits]\nhead_time = '300ms'");
    for begun in ["", "G", "PRI * HT", "GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut connection = hub.connect();
        connection.send(begun).unwrap();
        // It may be told 408 first.
        while !connection.is_closed() {
            match connection.response("GET") {
                Ok(answer) => assert_eq!(answer.status(), 408, "{begun:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{begun:?}: {error}"),
            }
        }
    }
    // A byte now and then does not help: slowloris.
    let mut slow = hub.connect();
    wait_until("the slow one is cut off", || slow.send("X").is_err());
    // Nor may a connection lie idle behind a request.
    let mut idle = hub.connect();
    idle.request("GET", "/livez", &[], b"").unwrap();
    assert!(idle.is_closed());
    // Streams are none of this.
    let mut listener = hub.listen("topic=a");
    wait_until("all are gone", || hub.metric("tidings_connections") == 2.0);
    wait_until_counted(&hub, "head_time");
    hub.publish("a", "x");
    assert_eq!(listener.event().data, "x");
}

#[test]
fn a_head_may_be_large_but_not_huge() {
    let hub = Hub::start();
    let long = "x".repeat(40 << 10);
    assert_eq!(hub.request("GET", "/livez", &[("X-Long", &long)], b"").status(), 200);
    // What is read at once is looked at whole, so that up to twice the limit may pass.
    let huge = "x".repeat(200 << 10);
    for (target, headers) in
        [("/livez", vec![("X-Huge", huge.as_str())]), (&format!("/livez?{huge}"), vec![])]
    {
        let mut connection = hub.connect();
        // The hub may answer and close before it has taken all.
        connection.send_request("GET", target, &headers, b"").ok();
        match connection.head("GET") {
            Ok(head) => assert!([414, 431].contains(&head.status), "{head:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
    }
    let many: Vec<String> = (0..2000).map(|n| format!("X-{n}")).collect();
    let headers: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(hub.request("GET", "/livez", &headers, b"").status(), 431);
    wait_until_counted(&hub, "head");
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let hub = Hub::configured("[limits]\nbody_time = '300ms'");
    for head in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
        let mut connection = hub.connect();
        connection.send(format!("POST /topics/a HTTP/1.1\r\nHost: localhost\r\n{head}")).unwrap();
        let detail = connection.response("POST").unwrap().problem(408);
        assert!(detail.contains("limits.body_time"), "{detail}");
    }
    assert_eq!(hub.publish("a", "x")["offset"], 0);
    wait_until_counted(&hub, "body_time");
}

#[test]
fn a_subscription_may_name_so_many_topics() {
    let hub = Hub::start();
    let query = |count: usize| -> String { (0..count).map(|n| format!("topic=t{n}&")).collect() };
    let mut listener = hub.listen(&query(1000));
    let detail = hub.get(&format!("/events?{}", query(1001))).problem(400);
    assert!(detail.contains("1001") && detail.contains("1000"), "{detail}");
    let detail = hub.get(&format!("/events?{}pattern=a*", query(1000))).problem(400);
    assert!(detail.contains("1001"), "{detail}");
    hub.publish("t99", "x");
    assert_eq!(listener.event().data, "x");
    wait_until_counted(&hub, "topics_per_subscription");
}

/// Two hundred who never read, and fifty megabytes: ten gigabytes if each were kept what it is behind.
#[test]
fn who_does_not_read_costs_little_and_is_dropped() {
    const SLEEPERS: usize = 200;
    const EVENTS: usize = 400;
    const EVENT_BYTES: usize = 128 << 10;
    /// What the hub may take at most. It takes far less, about what it takes with nobody connected.
    const PEAK_MIB: u64 = 200;
    // The system gives a peer up after twice as long, by itself: not before a hub that a busy machine has held up.
    let hub = Hub::configured("[limits]\nstall = '6s'");
    let sleepers: Vec<Listener> = (0..SLEEPERS).map(|_| hub.listen("topic=a")).collect();
    assert_eq!(hub.stats()["subscribers"], SLEEPERS);
    let mut reader = hub.listen("topic=a");
    thread::scope(|scope| {
        let read = scope.spawn(move || (0..EVENTS).map(|_| reader.event().data.len()).sum::<usize>());
        let mut publisher = hub.connect();
        let data = "x".repeat(EVENT_BYTES);
        for _ in 0..EVENTS {
            publisher.request("POST", "/topics/a", &[], data.as_bytes()).unwrap().receipt();
        }
        assert_eq!(read.join().unwrap(), EVENTS * EVENT_BYTES, "the one who reads is held up by nobody");
    });
    wait_until("the sleepers are dropped", || hub.stats()["subscribers"] == 0);
    assert_eq!(ended(&hub, "stalled") + ended(&hub, "left"), (SLEEPERS + 1) as f64);
    // Their connections, too, although their peers hold on to them.
    wait_until("their connections are closed", || hub.metric("tidings_connections") == 1.0);
    assert_eq!(hub.metric("tidings_limit_hits_total{limit=\"stall\"}"), SLEEPERS as f64);
    let peak = peak_mib(&hub);
    eprintln!("{SLEEPERS} sleepers, {} MB published: peak {peak} MiB", (EVENTS * EVENT_BYTES) >> 20);
    assert!(peak < PEAK_MIB, "{peak} MiB");
    drop(sleepers);
}

/// The same over HTTP/2, where streams that nobody reads share a connection that is read.
#[tokio::test(flavor = "multi_thread")]
async fn streams_of_http2_that_nobody_reads_cost_little_and_are_dropped() {
    const STREAMS: usize = 100;
    const EVENTS: usize = 200;
    const EVENT_BYTES: usize = 128 << 10;
    const PEAK_MIB: u64 = 200;
    let hub = Hub::configured("[limits]\nstall = '2s'");
    let stream = tokio::net::TcpStream::connect(hub.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let request = hyper::Request::get(format!("{}/events?topic=a", hub.url()));
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        streams.push(timeout(BOUND, sender.send_request(request)).await.unwrap().unwrap());
    }
    let hub = &hub;
    tokio::task::block_in_place(|| {
        let mut publisher = hub.connect();
        let data = "x".repeat(EVENT_BYTES);
        for _ in 0..EVENTS {
            publisher.request("POST", "/topics/a", &[], data.as_bytes()).unwrap().receipt();
        }
        wait_until("the streams are dropped", || hub.stats()["subscribers"] == 0);
    });
    assert_eq!(ended(hub, "stalled"), STREAMS as f64);
    let peak = peak_mib(hub);
    eprintln!(
        "{STREAMS} streams that nobody reads, {} MB published: peak {peak} MiB",
        (EVENTS * EVENT_BYTES) >> 20
    );
    assert!(peak < PEAK_MIB, "{peak} MiB");
    drop(streams);
}

/// Each connection is an open file. When there are no more, those who are there are served, and room that is given back
/// is used.
#[test]
fn without_open_files_the_hub_goes_on_with_whom_it_has() {
    let hub = Hub::with(Options { wrapper: Some("ulimit -n 60; exec".into()), ..Options::default() });
    let mut operator = hub.connect();
    operator.request("GET", "/livez", &[], b"").unwrap();
    let mut listener = hub.listen("topic=a");
    let crowd: Vec<Connection> = (0..100).map(|_| hub.connect()).collect();
    wait_until("there are no more files", || {
        refused(&operator.request("GET", "/metrics", &[], b"").unwrap().text(), "open_files")
    });
    for number in 0..20 {
        let data = number.to_string();
        operator.request("POST", "/topics/a", &[], data.as_bytes()).unwrap().receipt();
        assert_eq!(listener.event().data, data);
    }
    drop(crowd);
    assert_eq!(hub.listen("topic=a&last=20").data(20).len(), 20);
    assert_eq!(operator.request("GET", "/readyz", &[], b"").unwrap().status(), 200);
}

/// More than the log can write as one, where larger bodies are allowed.
#[test]
fn what_is_too_large_for_the_log_is_refused_and_hurts_nobody() {
    const BYTES: usize = 70 << 20;
    let hub = Hub::configured("[limits]\nbody = '100MiB'");
    let mut listener = hub.listen("topic=a");
    let detail = hub.request("POST", "/topics/a", &[], "x".repeat(BYTES).as_bytes()).problem(413);
    assert!(detail.contains("too large for the event log"), "{detail}");
    hub.publish("a", "x".repeat(10 << 20));
    assert_eq!(listener.event().data.len(), 10 << 20);
    assert_eq!(hub.get("/readyz").status(), 200);
}

/// One that reads slowly, but reads, is behind and not dropped.
#[test]
fn a_slow_reader_gets_everything() {
    const EVENTS: usize = 300;
    let hub = Hub::configured("[limits]\nstall = '30s'\nsubscriber_bytes = 4096\npage_bytes = 4096");
    let mut slow = hub.listen("topic=a");
    let data = |number: usize| format!("{number} {}", "x".repeat(50_000));
    let mut publisher = hub.connect();
    for number in 0..EVENTS {
        publisher.request("POST", "/topics/a", &[], data(number).as_bytes()).unwrap().receipt();
    }
    // More than sockets hold.
    wait_until("it is behind", || hub.stats()["subscribers_behind"] == 1);
    for number in 0..EVENTS {
        assert!(slow.event().data == data(number), "{number}");
    }
    hub.publish("a", "live");
    assert_eq!(slow.event().data, "live");
    wait_until("it is up to date", || hub.stats()["subscribers_behind"] == 0);
}

#[test]
fn subscribers_who_leave_are_not_counted_however_they_leave() {
    let hub = Hub::start();
    let closed = hub.listen("topic=a");
    let reset = hub.listen("topic=a");
    let half_closed = hub.listen("topic=a");
    assert_eq!(hub.stats()["subscribers"], 3);
    drop(closed);
    socket2::SockRef::from(&reset.connection.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(reset);
    half_closed.connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
    wait_until("they are gone", || hub.stats()["subscribers"] == 0);
    assert_eq!(ended(&hub, "left"), 3.0);
    wait_until("so are their connections", || hub.metric("tidings_connections") == 1.0);
    hub.get("/topics/a").problem(404);
}
