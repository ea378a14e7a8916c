//! Request lines, heads and bodies with bytes that do not belong there.

use super::{Watched, statuses};

/// Beginnings that are no request, each sent alone.
const NO_REQUESTS: [&[u8]; 18] = [
    b"\0",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a hello of TLS",
    b"GET /livez\r\n",
    b"GET /livez HTTP/0.9\r\n\r\n",
    b"GET /livez HTTP/3.0\r\nHost: a\r\n\r\n",
    b"GET /livez HTTP/1.1 \r\nHost: a\r\n\r\n",
    b"GET\t/livez\tHTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET  /livez  HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /livez\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    b"G\xc3\x89T /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET livez HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
];

#[test]
fn what_is_no_request_is_refused_or_closed() {
    let mut watched = Watched::start();
    for bytes in NO_REQUESTS {
        let text = String::from_utf8_lossy(bytes);
        let answer = watched.send(bytes);
        assert!(statuses(&answer).iter().all(|status| *status >= 400), "{text:?}: {answer}");
        watched.is_unharmed(&text);
    }
}

#[test]
fn methods_and_targets_of_other_servers_do_nothing() {
    let mut watched = Watched::start();
    for request in [
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "DELETE /topics/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST http://elsewhere.example/topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
        "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere.example\r\nContent-Length: 1\r\n\r\nx",
        "POST /topics/a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
        "POST /topics/a HTTP/1.1\r\nHost: elsewhere.example\r\nContent-Length: 1\r\n\r\nx",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let answer = watched.send(request);
        assert!(matches!(statuses(&answer)[..], [400..500]), "{request:?}: {answer}");
        watched.is_unharmed(request);
    }
    // An offer that is not taken is no fault (RFC 9110, section 7.8).
    let upgrade = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    assert_eq!(statuses(&watched.send(upgrade)), [200]);
    assert_eq!(
        statuses(&watched.send("GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        [200]
    );
    assert_eq!(statuses(&watched.send("GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")), [200]);
}

#[test]
fn bytes_that_are_no_text_are_refused_and_not_altered() {
    let mut watched = Watched::start();
    let post = |target: &str, media_type: &str, body: &[u8]| {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    for (what, request) in [
        ("path", post("/topics/a%ff", "text/plain", b"x")),
        ("null in a path", post("/topics/a%00b", "text/plain", b"x")),
        ("line in a path", post("/topics/a%0ab", "text/plain", b"x")),
        ("query", b"GET /events?topic=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("null in a query", b"GET /events?topic=a%00 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("data", post("/topics/a", "text/plain", b"a\xff")),
        ("json", post("/publish", JSON, b"{\"topic\":\"a\",\"data\":\"\xff\"}")),
        ("null in json", post("/publish", JSON, b"{\"topic\":\"a\\u0000\"}")),
        ("half a surrogate", post("/publish", JSON, b"{\"topic\":\"a\",\"data\":\"\\ud800\"}")),
        ("null in an id", post("/publish", JSON, b"{\"topic\":\"a\",\"id\":\"a\\u0000\"}")),
        ("line in a type", post("/publish", JSON, b"{\"topic\":\"a\",\"event\":\"a\\nb\"}")),
        ("depth", post("/publish", JSON, &[b"{\"topic\":".as_slice(), &b"[".repeat(100_000)].concat())),
        ("form", post("/.well-known/mercure", FORM, b"topic=a&data=%ff")),
        ("null in a form", post("/.well-known/mercure", FORM, b"topic=a%00&data=x")),
    ] {
        let answer = watched.send(request);
        assert!(matches!(statuses(&answer)[..], [400..500]), "{what}: {answer}");
        watched.is_unharmed(what);
    }
    watched.is_bounded();
}

#[test]
fn heads_without_an_end_are_cut_off() {
    let mut watched = Watched::start();
    for (what, request) in [
        ("method", "G".repeat(4 << 20)),
        ("target", format!("GET /{}", "a".repeat(4 << 20))),
        ("name", format!("GET / HTTP/1.1\r\n{}", "a".repeat(4 << 20))),
        ("value", format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(4 << 20))),
        ("headers", format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(1 << 19))),
        ("empty lines", "\r\n".repeat(2 << 20)),
    ] {
        let answer = watched.send(request);
        assert!(statuses(&answer).iter().all(|status| *status >= 400), "{what}: {answer}");
        watched.is_unharmed(what);
    }
    watched.is_bounded();
}
