//! Section 5 (11) and (14): presence beyond the reference. A reconnection is not a leave and a join, and a hub that stops
//! leaves nobody behind in its history.

use rustix::process::Signal;
use serde_json::json;

use super::{
    client::{Client, SUBSCRIPTIONS, configured},
    presence::{listed, told, watcher},
    token::{Token, detail, v1_all},
};
use crate::support::{Hub, wait_until};

/// Whoever has a token of this user.
fn user<'h>(hub: &'h Hub, name: &str) -> Client<'h> {
    let token = Token::v1(json!([detail(&["subscribe"], &["*"])])).claim("sub", name);
    // Each token is another one.
    Client::with(hub, &token.claim("jti", fastrand::u64(..).to_string()).signed())
}

// 5 (11) A reconnection within `presence_debounce` is neither a leave nor a join.
#[test]
fn a_reconnection_in_time_is_not_announced() {
    let operator = "[[keys]]\nname = 'operator'\nsecret = 'the-secret-of-an-operator'\nadmin = true";
    let hub = configured("subscriptions = true\npresence_debounce = '1h'", operator);
    let operator = Client::with(&hub, "the-secret-of-an-operator");
    let everything = Client::with(&hub, &v1_all());
    let mut watcher = watcher(&hub, &["a"]);
    let listener = user(&hub, "ada").listen(&[("match", "a")]);
    let joined = told(&mut watcher);
    drop(listener);
    wait_until("only the watcher is there", || operator.get("/stats").json()["subscribers"] == 1);
    // With a new token, too.
    let _back = user(&hub, "ada").listen(&[("match", "a")]);
    // Somebody else is somebody else.
    let _other = user(&hub, "ben").listen(&[("match", "a")]);
    let next = told(&mut watcher);
    assert_ne!(next["subscriber"], joined["subscriber"]);
    assert_eq!(next["active"], true);
    // Both are listed, the first by the name that it had.
    let all = listed(&everything, &format!("{SUBSCRIPTIONS}/exact/a"));
    assert!(all.len() == 2 && all.contains(&joined), "{all:?}");
}

// 5 (11) After that time a leave is announced.
#[test]
fn who_does_not_come_back_in_time_has_left() {
    let hub = configured("subscriptions = true\npresence_debounce = '100ms'", "");
    let mut watcher = watcher(&hub, &["a"]);
    drop(Client::with(&hub, &v1_all()).listen(&[("match", "a")]));
    assert_eq!(told(&mut watcher)["active"], true);
    assert_eq!(told(&mut watcher)["active"], false);
}

// 5 (11), (14) When the hub stops, those who were there have left, debounced or not: it is told before the log is closed.
#[test]
fn a_hub_that_stops_says_that_all_have_left() {
    for debounce in ["0s", "1h"] {
        let mut hub = configured(&format!("subscriptions = true\npresence_debounce = '{debounce}'"), "");
        let mut before = watcher(&hub, &["a"]);
        let subscriber = user(&hub, "ada").listen(&[("match", "a")]);
        let mut document = told(&mut before);
        hub.signal(Signal::TERM);
        assert!(hub.ended().success());
        drop((before, subscriber));
        hub.launch();
        let id = document["id"].as_str().unwrap().to_owned();
        let everything = Client::with(&hub, &v1_all());
        assert_eq!(everything.get(&id).status(), 404);
        let mut history = everything.listen(&[("match", &id), ("last_event_id", "earliest")]);
        assert_eq!(told(&mut history), document);
        document["active"] = json!(false);
        assert_eq!(told(&mut history), document);
    }
}
