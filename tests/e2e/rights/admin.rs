//! Revocation, and explanations.

use serde_json::json;

use super::{ADMIN, BACKEND, READER, hub, private::mint, publish, subscribe_with, with};

fn admin(hub: &crate::support::Hub, path: &str, body: serde_json::Value) -> crate::support::Response {
    with(hub, ADMIN, "POST", path, &body.to_string())
}

#[test]
fn a_revoked_user_is_cut_off_and_kept_out_also_after_a_restart() {
    let mut hub = hub();
    let (ann, bob) = (
        mint(&["--subscribe", "orders.*", "--user", "ann"]),
        mint(&["--subscribe", "orders.*", "--user", "bob"]),
    );
    let mut anns = subscribe_with(&hub, &ann, "topic=orders.7").unwrap();
    let mut bobs = subscribe_with(&hub, &bob, "topic=orders.7").unwrap();
    with(&hub, BACKEND, "POST", "/admin/revoke", r#"{"user":"ann"}"#).problem(403);
    assert_eq!(admin(&hub, "/admin/revoke", json!({ "user": "ann" })).status(), 204);
    let close = anns.event();
    assert_eq!((close.event.as_str(), close.data.as_str()), ("tidings.close", "{\"reason\":\"revoked\"}"));
    assert_eq!(anns.next_event().unwrap(), None);
    publish(&hub, "/topics/orders.7?private", "x");
    assert_eq!(bobs.event().data, "x");
    assert!(subscribe_with(&hub, &ann, "topic=orders.7").unwrap_err().problem(401).contains("revoked"));
    hub.kill();
    hub.launch();
    assert!(subscribe_with(&hub, &ann, "topic=orders.7").unwrap_err().problem(401).contains("revoked"));
    let listed = with(&hub, ADMIN, "GET", "/admin/revocations", "").json();
    assert_eq!(listed["revocations"][0]["user"], "ann");
    assert_eq!(admin(&hub, "/admin/lift", json!({ "user": "ann" })).status(), 204);
    assert_eq!(admin(&hub, "/admin/lift", json!({ "user": "ann" })).status(), 404);
    subscribe_with(&hub, &ann, "topic=orders.7").unwrap();
}

#[test]
fn a_revoked_token_is_the_only_one() {
    let hub = hub();
    let (one, other) = (mint(&["--subscribe", "orders.1"]), mint(&["--subscribe", "orders.2"]));
    let mut cut = subscribe_with(&hub, &one, "topic=orders.1").unwrap();
    let mut stays = subscribe_with(&hub, &other, "topic=orders.2").unwrap();
    assert_eq!(admin(&hub, "/admin/revoke", json!({ "token": one })).status(), 204);
    assert_eq!(cut.event().event, "tidings.close");
    publish(&hub, "/topics/orders.2", "x");
    assert_eq!(stays.event().data, "x");
    assert!(subscribe_with(&hub, &one, "topic=orders.1").unwrap_err().problem(401).contains("revoked"));
    let listed = with(&hub, ADMIN, "GET", "/admin/revocations", "").text();
    assert!(!listed.contains(&one) && !hub.stderr().contains(&one), "{listed}");
}

#[test]
fn what_would_be_received_is_explained() {
    let hub = hub();
    let token = mint(&["--subscribe", "orders.*"]);
    let ask = |body: serde_json::Value| {
        let answer = admin(&hub, "/admin/explain", body);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json()
    };
    for (body, allowed, says) in [
        (json!({ "token": token, "topic": "orders.7", "private": true }), true, "private"),
        (json!({ "token": token, "topic": "invoices", "private": true }), false, "private"),
        (json!({ "token": token, "topic": "orders.7", "action": "publish" }), false, "publish"),
        (json!({ "token": READER, "topic": "orders.7" }), true, "reader"),
        (json!({ "token": BACKEND, "topic": "a", "action": "publish" }), true, "backend"),
        (json!({ "token": "no-such-key-0123456789", "topic": "a" }), false, "no key"),
        (json!({ "topic": "public.news" }), true, "anonymous"),
        (json!({ "topic": "public.news", "private": true }), false, "anonymous"),
    ] {
        let answer = ask(body.clone());
        assert_eq!(answer["allowed"], allowed, "{body}: {answer}");
        assert!(answer["reason"].as_str().unwrap().contains(says), "{body}: {answer} does not say {says}");
    }
    for bad in [json!({}), json!({ "topic": "" }), json!({ "topics": "a" }), json!({ "tokn": "a" })] {
        assert_eq!(admin(&hub, "/admin/explain", bad.clone()).status(), 400, "{bad}");
    }
    for bad in [json!({}), json!({ "user": "a", "token": "b" }), json!({ "user": "a", "until": -1 })] {
        assert_eq!(admin(&hub, "/admin/revoke", bad.clone()).status(), 400, "{bad}");
    }
}
