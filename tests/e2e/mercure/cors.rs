//! 1.10: pages of other origins, and encrypted data.

use super::{
    client::{Client, PATH, SUBSCRIPTIONS, configured, hub},
    token::v1_all,
};
use crate::support::{Hub, Response};

const PAGE: &str = "https://app.example";
const METADATA: &str = "/.well-known/oauth-protected-resource/.well-known/mercure";

fn with_origins(origins: &str) -> Hub {
    configured("subscriptions = true", &format!("[cors]\norigins = [{origins}]"))
}

/// Whether a list in a header holds all of these.
fn names(answer: &Response, header: &str, expected: &[&str]) {
    let list = answer.header(header).unwrap_or_else(|| panic!("no {header}: {:?}", answer.head));
    for name in expected {
        let is_there = list.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
        assert!(is_there, "{header} does not name {name}: {list}");
    }
}

// 1.10 Preflight: the methods GET, HEAD, POST, QUERY, the headers, credentials, and the one origin that asked.
#[test]
fn a_configured_page_may_do_everything() {
    let hub = with_origins(&format!("'{PAGE}', 'https://other.example'"));
    for (target, method) in
        [(PATH, "GET"), (PATH, "POST"), (PATH, "QUERY"), (SUBSCRIPTIONS, "GET"), (METADATA, "GET")]
    {
        let client = Client::of(&hub)
            .header("Origin", PAGE)
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", "authorization,cache-control,last-event-id");
        let answer = client.request("OPTIONS", target, b"");
        assert!(matches!(answer.status(), 200 | 204), "{method} {target}: {}", answer.status());
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        names(&answer, "access-control-allow-methods", &["GET", "HEAD", "POST", "QUERY"]);
        names(&answer, "access-control-allow-headers", &["authorization", "cache-control", "last-event-id"]);
    }
}

// 1.10, 1.7 Answers can be read, `Link` too; and, unlike with the reference, the header that tells of the cursor, in both
// dialects.
#[test]
fn a_configured_page_reads_the_cursor() {
    let hub = with_origins(&format!("'{PAGE}'"));
    let client = Client::with(&hub, &v1_all()).header("Origin", PAGE);
    let expected = ["Link", "Mercure-Last-Event-ID", "Last-Event-ID"];
    for fields in
        [[("match", "a"), ("last_event_id", "earliest")], [("topic", "a"), ("lastEventID", "earliest")]]
    {
        let listener = client.listen(&fields);
        let head = Response { head: listener.head.clone(), body: Vec::new() };
        assert_eq!(head.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(head.header("access-control-allow-credentials"), Some("true"));
        names(&head, "access-control-expose-headers", &expected);
    }
    // A page can read why it is refused.
    let anonymous = Client::of(&hub).header("Origin", PAGE);
    let answers = [
        client.publish(&[("topic", "a")]),
        client.get(SUBSCRIPTIONS),
        anonymous.refused(&[("match", "a")]),
        anonymous.get(METADATA),
    ];
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{:?}", answer.head);
    }
}

// 1.10 `*`: any page, without credentials.
#[test]
fn any_page_has_no_credentials() {
    let hub = with_origins("'*'");
    let listener =
        Client::with(&hub, &v1_all()).header("Origin", "https://any.example").listen(&[("match", "a")]);
    assert_eq!(listener.head.header("access-control-allow-origin"), Some("*"));
    assert_eq!(listener.head.header("access-control-allow-credentials"), None);
}

// 1.10 Only when origins are configured, and only for those.
#[test]
fn other_pages_are_told_nothing() {
    for hub in [hub(), with_origins("'https://other.example'")] {
        let client = Client::with(&hub, &v1_all()).header("Origin", PAGE);
        let preflight = client
            .clone()
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization")
            .request("OPTIONS", PATH, b"");
        assert_eq!(preflight.header("access-control-allow-origin"), None);
        let head =
            client.subscribe(&[("match", "a")]).map_or_else(|answer| answer.head, |listener| listener.head);
        assert_eq!(head.header("access-control-allow-origin"), None);
    }
}

// 1.10 Encryption is the publishers' and subscribers' matter: the hub passes a JWE on as it is.
#[test]
fn encrypted_data_is_passed_on() {
    let jwe = "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOM\
               TYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9o.XFBoMYUZ";
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    client.published(&[("topic", "a"), ("private", "on"), ("data", jwe)]);
    assert_eq!(listener.event().data, jwe);
}
