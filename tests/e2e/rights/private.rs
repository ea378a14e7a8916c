//! Private events: live, and on replay with the rights of today.

use super::{BACKEND, TOKEN_SECRET, bearer, hub, publish, subscribe_with, with};
use crate::support::{Hub, Program, wait_until};

/// A token with these arguments of `tidings token mint`.
pub(super) fn mint(args: &[&str]) -> String {
    let program = Program::new();
    program.write("key", TOKEN_SECRET);
    let answer = program.run(&[&["token", "mint", "--key-file", "key"], args].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    answer.stdout.trim().to_owned()
}

#[test]
fn a_private_event_reaches_those_who_may_see_one_of_its_topics() {
    let hub = hub();
    let (ann, bob) = (mint(&["--subscribe", "users.ann"]), mint(&["--subscribe", "users.bob"]));
    let everybody_asks_for = "topic=public.news";
    let mut listeners = [&ann, &bob].map(|token| subscribe_with(&hub, token, everybody_asks_for).unwrap());
    let publication = |data: &str, user: &str| {
        format!(r#"{{"topics":["public.news","users.{user}"],"data":"{data}","private":true}}"#)
    };
    let key = bearer(BACKEND);
    let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
    for (data, user) in [("for ann", "ann"), ("for bob", "bob")] {
        hub.request("POST", "/publish", &headers, publication(data, user).as_bytes()).receipt();
    }
    publish(&hub, "/topics/public.news", "for all");
    assert_eq!(listeners[0].data(2), ["for ann", "for all"]);
    assert_eq!(listeners[1].data(2), ["for bob", "for all"]);
    // On replay as well, and with the token of today.
    for (token, expected) in [(&ann, "for ann"), (&bob, "for bob")] {
        let mut replayed =
            subscribe_with(&hub, token, &format!("{everybody_asks_for}&last_event_id=earliest")).unwrap();
        assert_eq!(replayed.data(2), [expected, "for all"]);
    }
}

#[test]
fn the_rights_of_today_are_asked_for_on_replay() {
    let hub = hub();
    let first = publish(&hub, "/topics/orders.1?private", "one");
    publish(&hub, "/topics/orders.1?private", "two");
    publish(&hub, "/topics/orders.1", "three");
    let query = format!("topic=orders.1&last_event_id={first}");
    let full = mint(&["--subscribe", "orders.*"]);
    assert_eq!(subscribe_with(&hub, &full, &query).unwrap().data(2), ["two", "three"]);
    let less = mint(&["--subscribe", "other"]);
    assert_eq!(subscribe_with(&hub, &less, &query).unwrap().data(1), ["three"]);
}

#[test]
fn the_newest_events_are_the_newest_that_may_be_seen() {
    let hub = hub();
    publish(&hub, "/topics/orders.1", "one");
    publish(&hub, "/topics/orders.1", "two");
    for _ in 0..10 {
        publish(&hub, "/topics/orders.1?private", "hidden");
    }
    let token = mint(&["--subscribe", "other"]);
    let mut listener = subscribe_with(&hub, &token, "topic=orders.1&last=1").unwrap();
    assert_eq!(listener.data(1), ["two"]);
}

/// While nobody is asked for rights, private events are seen by all: there is nobody to keep them from.
#[test]
fn an_open_hub_hides_nothing() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    hub.request("POST", "/topics/a?private", &[], b"x").receipt();
    assert_eq!(listener.event().data, "x");
    wait_until("it is there", || hub.stats()["subscribers"] == 1);
    assert_eq!(with(&hub, "whatever-it-is", "POST", "/topics/a", "y").status(), 200);
}
