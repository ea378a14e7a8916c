//! The configurations in `deploy/`, started as they stand, with nothing but names, ports and paths changed, in front of
//! the real hub: streams arrive at once and go on, publishers get through, and `tidings doctor` finds nothing wrong, with
//! TLS and without. (Not Traefik's, which Debian does not have.)

use std::{fs, net::SocketAddr, path::Path};

use serde_json::Value;

use crate::support::{BOUND, Connection, Front, Hub, Kind, Listener, Program};

/// A configuration of `deploy/`, with these replacements, each of which must be there.
fn deployed(file: &str, hub: &Hub, replacements: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
    let mut text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let hub = hub.address.to_string();
    for (from, to) in [&[("127.0.0.1:8080", hub.as_str())], replacements].concat() {
        assert!(text.contains(from), "{file} has no {from:?} any more");
        text = text.replace(from, to);
    }
    text
}

/// A hub whose heartbeat does not have to be waited for.
fn hub() -> Hub {
    Hub::configured("[cors]\norigins = [\"https://app.example\"]\n[stream]\nheartbeat = \"1s\"\n")
}

/// What the doctor finds: warnings and problems, none of which may be there.
fn examine(front: &Front, url: &str, more: &[&str]) {
    let program = Program::new();
    let certificate = front.certificate();
    let mut args =
        vec!["doctor", url, "--json", "--origin", "https://app.example", "--credentials", "--idle", "4s"];
    args.extend(more);
    let answer = program.run_in(&args, &[("SSL_CERT_FILE", &certificate)]);
    let diagnosis: Value =
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    let findings = diagnosis["findings"].as_array().unwrap();
    let wrong: Vec<_> = findings
        .iter()
        .filter(|finding| ["warning", "problem"].contains(&finding["level"].as_str().unwrap()))
        .collect();
    assert!(wrong.is_empty(), "{url}: {wrong:#?}\n{}", front.log());
    assert_eq!(answer.code, Some(0));
    let good =
        |check: &str| findings.iter().any(|finding| finding["check"] == check && finding["level"] == "good");
    for check in [
        "reach",
        "request",
        "client-address",
        "timing",
        "compression",
        "idle",
        "crowd",
        "resume",
        "head",
        "cors",
    ] {
        assert!(good(check), "{url}: {check} is not good in {findings:#?}");
    }
    assert_eq!(good("http2"), url.starts_with("https"), "{findings:#?}");
}

/// Publishes and listens through it.
fn use_it(address: SocketAddr) {
    let publish = |data: &str| {
        let mut connection = Connection::open(address, BOUND).unwrap();
        connection.request("POST", "/topics/a", &[], data.as_bytes()).unwrap().receipt()
    };
    let mut listener = Listener::open(address, "topic=a", "").unwrap();
    let first = publish("first");
    let event = listener.event();
    assert_eq!((event.data.as_str(), event.id.as_str()), ("first", first["id"].as_str().unwrap()));
    drop(listener);
    publish("missed");
    let mut again = Listener::open(address, "topic=a", &event.id).unwrap();
    assert_eq!(again.event().data, "missed");
    publish("live");
    assert_eq!(again.event().data, "live");
    // The heartbeat, on a stream that has nothing else to say.
    again.bytes_to(":\n");
}

#[test]
fn nginx() {
    let hub = hub();
    let text = deployed(
        "nginx/tidings.conf",
        &hub,
        &[
            ("listen [::]:80;", ""),
            ("listen [::]:443 ssl http2;", ""),
            ("listen 80;", "listen @HTTP@;"),
            ("listen 443 ssl http2;", "listen @HTTPS@ ssl http2;"),
            ("/etc/ssl/hub.example/fullchain.pem", "@DIR@/certificate.pem"),
            ("/etc/ssl/hub.example/key.pem", "@DIR@/key.pem"),
        ],
    );
    let front = Front::start(Kind::Nginx, &text);
    use_it(front.http);
    examine(&front, &front.http_url(), &[]);
    examine(&front, &front.https_url(), &[]);
}

#[test]
fn caddy() {
    let hub = hub();
    let text = deployed(
        "caddy/Caddyfile",
        &hub,
        &[
            ("hub.example {", "https://@HTTPS@ {"),
            ("/etc/ssl/hub.example/fullchain.pem", "@DIR@/certificate.pem"),
            ("/etc/ssl/hub.example/key.pem", "@DIR@/key.pem"),
        ],
    );
    // The same without TLS, for a client of this test that knows none.
    let plain = text.replace("https://@HTTPS@", "http://@HTTP@").replace("\ttls ", "\t#");
    let front = Front::start(Kind::Caddy, &format!("{text}\n{plain}"));
    use_it(front.http);
    examine(&front, &front.https_url(), &[]);
}

#[test]
fn haproxy() {
    let hub = hub();
    let text = deployed(
        "haproxy/haproxy.cfg",
        &hub,
        &[
            ("bind :80", "bind @HTTP@"),
            ("bind :443", "bind @HTTPS@"),
            ("/etc/ssl/hub.example/haproxy.pem", "@DIR@/both.pem"),
            // More open files than a test may have.
            ("maxconn 20000", "maxconn 200"),
        ],
    );
    let front = Front::start(Kind::Haproxy, &text);
    use_it(front.http);
    examine(&front, &front.http_url(), &["--proxy", "haproxy"]);
    examine(&front, &front.https_url(), &["--proxy", "haproxy"]);
}

#[test]
fn apache() {
    let hub = hub();
    let text = deployed(
        "apache/tidings.conf",
        &hub,
        &[
            ("<VirtualHost *:80>", "<VirtualHost @HTTP@>"),
            ("<VirtualHost *:443>", "<VirtualHost @HTTPS@>"),
            ("/etc/ssl/hub.example/fullchain.pem", "@DIR@/certificate.pem"),
            ("/etc/ssl/hub.example/key.pem", "@DIR@/key.pem"),
        ],
    );
    let front = Front::start(Kind::Apache, &text);
    use_it(front.http);
    examine(&front, &front.http_url(), &[]);
    // Apache begins with so many streams of one HTTP/2 connection, and takes more once others have ended.
    examine(&front, &front.https_url(), &["--streams", "6"]);
}
