//! Requests that two servers could read in two ways (RFC 9112, section 11.2). Each hides a publication; the hub refuses the
//! whole, or reads it in the one way that the standard allows.

use super::{Watched, statuses};

const HIDDEN: &str = "POST /topics/hidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nhidden";

/// What stands between `Host` and the empty line, and the body: neither is a request. The hidden one stands behind it.
const REFUSED: [(&str, &str); 21] = [
    ("Content-Length: 5\r\nContent-Length: 0", "hello"),
    ("Content-Length: 0, 5", "hello"),
    ("Content-Length: +5", "hello"),
    ("Content-Length: -1", "hello"),
    ("Content-Length: 0x5", "hello"),
    ("Content-Length: 5 5", "hello"),
    ("Content-Length: 5;a", "hello"),
    ("Content-Length: ", "hello"),
    ("Content-Length: 99999999999999999999999", "hello"),
    ("Content-Length : 0", ""),
    ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    ("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"),
    ("Transfer-Encoding: gzip", "0\r\n\r\n"),
    (" Content-Length: 0", ""),
    ("X: a\r\n Content-Length: 0", ""),
    ("Transfer-Encoding: chunked", "-1\r\n"),
    ("Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "5\r\nhelloX0\r\n\r\n"),
];

#[test]
fn what_can_be_read_in_two_ways_is_refused_as_a_whole() {
    let mut watched = Watched::start();
    for (headers, body) in REFUSED {
        let request =
            format!("POST /topics/a HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n{body}{HIDDEN}");
        let answer = watched.send(&request);
        let statuses = statuses(&answer);
        assert!(
            statuses.iter().all(|status| *status >= 400) && statuses.len() <= 1,
            "{headers:?} {body:?}: {answer}"
        );
        watched.is_unharmed(headers);
    }
    watched.is_bounded();
}

/// Which of two lengths counts is said in RFC 9112, section 6.3: chunks do. So what is hidden in them stays data.
#[test]
fn chunks_go_before_a_length() {
    let mut watched = Watched::start();
    let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked".to_owned(),
        "Transfer-Encoding: chunked\r\nContent-Length: 4".to_owned(),
        "Transfer-Encoding: Chunked".to_owned(),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", chunk.len()),
    ] {
        let answer =
            watched.send(format!("POST /topics/a HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n{chunk}"));
        match statuses(&answer)[..] {
            [200] => assert_eq!(watched.listener.event().data, HIDDEN.replace("\r\n", "\n"), "{headers}"),
            [400] => {}
            _ => panic!("{headers}: {answer}"),
        }
        watched.is_unharmed(&headers);
    }
}

#[test]
fn chunks_with_extensions_and_trailers_are_read_as_what_they_are() {
    let mut watched = Watched::start();
    let head = "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n",
        "00005\r\nhello\r\n000\r\n\r\n",
    ] {
        let answer = watched.send(format!("{head}{body}"));
        assert_eq!(statuses(&answer), [200], "{body:?}: {answer}");
        assert_eq!(watched.listener.event().data, "hello");
        watched.is_unharmed(body);
    }
    // More of either than anybody needs, without an end.
    for body in [format!("5;{}", "a".repeat(1 << 20)), format!("0\r\n{}", "X: y\r\n".repeat(100_000))] {
        let answer = watched.send(format!("{head}{body}"));
        assert!(statuses(&answer).iter().all(|status| *status >= 400), "{answer}");
        watched.is_unharmed(&body[..8]);
    }
    watched.is_bounded();
}

#[test]
fn requests_behind_each_other_are_each_answered_once() {
    let mut watched = Watched::start();
    let one = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(statuses(&watched.send(one.repeat(50))), [200; 50]);
    // What stands behind a stream is not carried out.
    let mut stream = watched.hub.connect();
    stream.send(format!("GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n{HIDDEN}")).unwrap();
    assert_eq!(stream.head("GET").unwrap().status, 200);
    drop(stream);
    // Nor what stands behind a request that asked for the end.
    let answer =
        watched.send(format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n{HIDDEN}"));
    assert_eq!(statuses(&answer), [200]);
    watched.is_unharmed("requests behind each other");
}
