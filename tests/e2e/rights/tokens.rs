//! JSON Web Tokens on the native front: what they grant, and their end.

use super::{BACKEND, hub, private::mint, publish, subscribe, subscribe_with, with};
use crate::support::{Hub, wait_for};

#[test]
fn tokens_of_every_dialect_that_is_on_are_good_here() {
    let hub = Hub::configured(&format!(
        "{}\n[mercure]\ndialects = ['1.0', '0.x']\nurl = 'https://hub.example/.well-known/mercure'",
        super::CONFIGURATION.replace("name = \"app\"", "name = \"app\"\nissuer = \"https://app.example\"")
    ));
    let issuer = ["--issuer", "https://app.example"];
    for args in [
        &["--dialect", "native"][..],
        &["--dialect", "0.x"],
        &["--dialect", "1.0", "--audience", "https://hub.example/.well-known/mercure"],
    ] {
        let token = mint(
            &[args, &issuer, &["--publish", "books", "--subscribe", "books", "--expires", "1h"]].concat(),
        );
        let mut listener = subscribe_with(&hub, &token, "topic=books").unwrap();
        assert_eq!(with(&hub, &token, "POST", "/topics/books?private", "x").status(), 200, "{args:?}");
        assert_eq!(listener.event().data, "x");
        with(&hub, &token, "POST", "/topics/others", "x").problem(403);
    }
}

#[test]
fn a_token_that_is_not_good_says_why() {
    let hub = hub();
    let good = mint(&["--subscribe", "a", "--expires", "1h"]);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let off = mint(&["--dialect", "0.x", "--subscribe", "a"]);
    for (token, says) in
        [(format!("{head}.{flipped}"), "signature"), (off, "dialect"), ("a.b.c".into(), "token")]
    {
        let detail = subscribe_with(&hub, &token, "topic=a").unwrap_err().problem(401);
        assert!(detail.contains(says), "{detail} does not say {says}");
        assert!(!detail.contains(&token), "{detail}");
    }
}

#[test]
fn a_stream_ends_with_its_token_and_goes_on_with_the_next() {
    let hub = hub();
    let token = mint(&["--subscribe", "orders.*", "--expires", "3s"]);
    let mut listener = subscribe_with(&hub, &token, "topic=orders.1").unwrap();
    let id = publish(&hub, "/topics/orders.1?private", "one");
    assert_eq!(listener.event().data, "one");
    let close = listener.event();
    assert_eq!(close.event, "tidings.close");
    assert!(close.data.contains("\"reason\":\"expiring\""), "{}", close.data);
    assert_eq!(close.id, id, "the cursor stays where it was");
    assert_eq!(listener.next_event().unwrap(), None, "the stream has ended");
    publish(&hub, "/topics/orders.1?private", "two");
    // The old one is refused, and not taken for none though anonymous may listen. Its stream ended a little before it,
    // so that it never lasts longer.
    let refused = wait_for("the token has expired", || {
        subscribe_with(&hub, &token, &format!("topic=orders.1&last_event_id={id}")).err()
    });
    let detail = refused.problem(401);
    assert!(detail.contains("expired"), "{detail}");
    let next = mint(&["--subscribe", "orders.*", "--expires", "1h"]);
    let mut listener = subscribe_with(&hub, &next, &format!("topic=orders.1&last_event_id={id}")).unwrap();
    assert_eq!(listener.event().data, "two");
}

#[test]
fn a_token_in_the_query_is_taken_where_that_is_allowed() {
    let query = format!("topic=orders.2&access_token={}", mint(&["--subscribe", "orders.2"]));
    assert_eq!(subscribe(&hub(), &query, &[]).unwrap_err().status(), 401);
    let allowed = Hub::configured(&format!("{}\n[auth]\nquery = true", super::CONFIGURATION));
    let mut listener = subscribe(&allowed, &query, &[]).unwrap();
    with(&allowed, BACKEND, "POST", "/topics/orders.2?private", "x").receipt();
    assert_eq!(listener.event().data, "x");
    let publish = format!("/topics/a?access_token={BACKEND}");
    assert_eq!(allowed.request("POST", &publish, &[], b"x").status(), 200);
}
