//! Who is let in while the hub has no keys: this machine, by its own names, from its own and configured pages.
//!
//! Not here: what a browser makes of the answers (`tests/browser/cross-origin.test.mjs`).

use crate::support::{BOUND, Connection, Hub, Options, Program, Response};

const ORIGIN: &str = "https://app.example";

fn with_origins(origins: &str) -> Hub {
    Hub::configured(&format!("[cors]\norigins = [{origins}]"))
}

fn ask(hub: &Hub, headers: &[(&str, &str)]) -> Response {
    hub.request("GET", "/topics", headers, b"")
}

#[test]
fn only_names_of_this_machine_are_answered() {
    let hub = Hub::start();
    let port = hub.address.port();
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "app.localhost", "127.9.9.9", "localhost."] {
        for host in [host.to_owned(), format!("{host}:{port}"), format!("{host}:1")] {
            assert_eq!(ask(&hub, &[("Host", &host)]).status(), 200, "{host}");
        }
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "[::2]"]
    {
        let detail = ask(&hub, &[("Host", host)]).problem(403);
        assert!(detail.contains(host) && detail.contains("--insecure-open"), "{detail}");
        for (method, target) in [
            ("POST", "/topics/a"),
            ("POST", "/publish"),
            ("GET", "/events"),
            ("GET", "/"),
            ("GET", "/metrics"),
        ] {
            assert_eq!(
                hub.request(method, target, &[("Host", host)], b"").status(),
                403,
                "{method} {target} for {host}"
            );
        }
    }
    // A target with a host in it counts, not the header.
    let answer = hub.request("GET", "http://evil.example/topics", &[("Host", "localhost")], b"");
    assert_eq!(answer.status(), 403);
    for host in ["", "a b", "a/b"] {
        assert_eq!(ask(&hub, &[("Host", host)]).status(), 400, "{host:?}");
    }
    let mut connection = hub.connect();
    connection.send("GET /topics HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(connection.response("GET").unwrap().status(), 400);
    assert_eq!(hub.stats()["published"], 0);
}

#[test]
fn only_own_and_configured_pages_are_answered() {
    let hub = with_origins(&format!("'{ORIGIN}'"));
    let own = hub.url();
    assert_eq!(ask(&hub, &[("Origin", &own)]).status(), 200);
    assert_eq!(ask(&hub, &[("Origin", ORIGIN)]).status(), 200);
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "null",
        "file://",
        "",
        "http://localhost:1",
    ] {
        let answer = ask(&hub, &[("Origin", origin)]);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        let detail = answer.problem(403);
        assert!(detail.contains("cors.origins"), "{detail}");
        hub.request("POST", "/topics/a", &[("Origin", origin)], b"x").problem(403);
    }
    assert_eq!(hub.stats()["published"], 0);
}

#[test]
fn configured_origins_get_exactly_themselves_with_credentials() {
    let hub = with_origins(&format!("'{ORIGIN}', 'https://other.example'"));
    let mut connection = hub.connect();
    connection.send_request("GET", "/events?topic=a", &[("Origin", ORIGIN)], b"").unwrap();
    let head = connection.head("GET").unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(head.header("access-control-allow-credentials"), Some("true"));
    assert!(head.header("vary").unwrap().to_ascii_lowercase().contains("origin"));
    // A page can read what went wrong, too.
    let refused = hub.request("POST", "/topics/a?id=", &[("Origin", ORIGIN)], b"x");
    assert_eq!(refused.header("access-control-allow-origin"), Some(ORIGIN));
    refused.problem(400);
    // Not for those who did not ask, but caches must know that it depends.
    let same = ask(&hub, &[]);
    assert_eq!(same.header("access-control-allow-origin"), None);
    assert!(same.header("vary").unwrap().to_ascii_lowercase().contains("origin"));
}

#[test]
fn a_preflight_allows_what_publishers_and_polyfills_send() {
    let hub = with_origins(&format!("'{ORIGIN}'"));
    for (method, headers) in [
        ("GET", "last-event-id,cache-control"),
        ("POST", "content-type"),
        ("POST", "authorization,content-type,event,id,retry,private"),
    ] {
        let answer = hub.request(
            "OPTIONS",
            "/events",
            &[
                ("Origin", ORIGIN),
                ("Access-Control-Request-Method", method),
                ("Access-Control-Request-Headers", headers),
            ],
            b"",
        );
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert!(answer.header("access-control-allow-methods").unwrap().split(',').any(|one| one == method));
        let allowed = answer.header("access-control-allow-headers").unwrap();
        for header in headers.split(',') {
            assert!(allowed.split(',').any(|one| one == header), "{header} is not in {allowed}");
        }
        assert!(answer.header("access-control-max-age").is_some());
    }
    let preflight = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")];
    let answer = hub.request("OPTIONS", "/topics/a", &preflight, b"");
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn a_star_is_every_page_without_credentials() {
    let hub = with_origins("'*'");
    for origin in [ORIGIN, "null", "http://any.example:1"] {
        let answer = ask(&hub, &[("Origin", origin)]);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let detail = ask(&hub, &[("Origin", ORIGIN), ("Host", "evil.example")]).problem(403);
    assert!(detail.contains("evil.example"), "{detail}");
}

#[test]
fn without_configured_origins_nothing_is_said_about_them() {
    let hub = Hub::start();
    let own = hub.url();
    let answer = ask(&hub, &[("Origin", &own)]);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn an_open_hub_warns_in_one_line_and_serves_other_addresses_only_when_told() {
    let hub = Hub::start();
    let stderr = hub.stderr();
    let warnings: Vec<&str> = stderr.lines().filter(|line| line.contains("no keys")).collect();
    assert_eq!(warnings.len(), 1, "{stderr}");
    assert!(warnings[0].contains("every program on this machine"), "{warnings:?}");

    let program = Program::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let answer = program.run(&["serve", "--listen", address]);
        assert_eq!(answer.code, Some(64), "{answer:?}");
        assert!(answer.stderr.contains(address.rsplit_once(':').unwrap().0), "{answer:?}");
        assert!(
            answer.stderr.contains("--insecure-open") && answer.stderr.contains("127.0.0.1"),
            "{answer:?}"
        );
        assert_eq!(answer.stdout, "");
    }
    program.write("tidings.toml", "[admin]\nlisten = ['0.0.0.0:0']");
    let answer = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(answer.code, Some(64), "operators' addresses are no exception: {answer:?}");
    assert!(
        !program.directory().join("tidings-data").exists(),
        "something was written before it was refused"
    );
}

#[test]
fn an_ipv6_loopback_address_is_served_like_any_other() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let hub = Hub::with(Options { args: vec!["--listen".into(), "[::1]:0".into()], ..Options::default() });
    let stdout = hub.stdout();
    let address = stdout.lines().nth(1).unwrap().strip_prefix("listening on http://").unwrap();
    let mut connection = Connection::open(address.parse().unwrap(), BOUND).unwrap();
    connection.request("POST", "/topics/a", &[], b"x").unwrap().receipt();
    assert_eq!(hub.listen("topic=a&last=1").event().data, "x");
}

#[test]
fn insecure_open_lifts_the_guard_and_says_so() {
    let args = ["--insecure-open", "--listen", "0.0.0.0:0"].map(str::to_owned).to_vec();
    let hub = Hub::with(Options { args, ..Options::default() });
    let warning = hub.stderr();
    assert!(warning.contains("everybody who reaches this hub"), "{warning}");
    let lines: Vec<String> = hub.stdout().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "a line for each address: {lines:?}");
    assert!(lines[1].starts_with("listening on http://0.0.0.0:"), "{lines:?}");
    let headers = [("Host", "hub.example"), ("Origin", "https://page.example")];
    let answer = ask(&hub, &headers);
    assert_eq!(answer.status(), 200);
    // Reached by everybody does not mean read by every page.
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
