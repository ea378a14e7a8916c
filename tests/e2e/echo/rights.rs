//! How rights begin and end: an application that answers in the hub's own form, tokens, expiry and revocation.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::json;

use super::{Application, BACKEND, Driver, Wave, client::ann, hub, publish};
use crate::support::{Hub, Response};

/// An application that always gives this answer. The questions are small, and come in one piece.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/may", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let read = stream.read(&mut [0; 16 << 10]).unwrap_or_default();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
            if read > 0 {
                stream.write_all(format!("{head}{answer}").as_bytes()).ok();
            }
        }
    });
    url
}

fn hub_of(url: &str) -> Hub {
    Hub::configured(&format!(
        "[[keys]]\nname = 'backend'\nsecret = '{BACKEND}'\npublish = ['*']\nsubscribe = ['private-*']\n\
         [auth.callback]\nurl = '{url}'\ncache = '0s'\n"
    ))
}

#[test]
fn an_application_that_answers_in_the_hubs_own_form_names_the_members() {
    let answer = r#"{"allow":true,"private":true,"user":"ann","payload":{"name":"Ann"}}"#;
    let hub = hub_of(&answering(answer));
    let wave = Wave::query(&hub, "channel=", "ann");
    assert_eq!(wave.joins(&hub, "presence-a"), [json!({ "name": "Ann" })]);
    let granted = wave.auth(&hub, "presence-a").json();
    assert_eq!(granted, json!({ "channel_data": { "user_id": "ann", "user_info": { "name": "Ann" } } }));
}

#[test]
fn a_stream_ends_with_the_first_right_that_does() {
    let hub = hub_of(&answering(r#"{"allow":true,"private":true,"user":"ann","expires_in":5}"#));
    let mut wave = Wave::query(&hub, "channel=", "ann");
    wave.hears(&hub, "private-a");
    let close = wave.event();
    assert_eq!(close.event, "tidings.close");
    assert!(wave.listener.next_event().unwrap().is_none());
}

fn revoke(hub: &Hub, user: &str) -> Response {
    let key = format!("Bearer {BACKEND}");
    let body = json!({ "user": user }).to_string();
    hub.request("POST", "/admin/revoke", &[("Authorization", &key)], body.as_bytes())
}

#[test]
fn the_stream_of_a_revoked_user_is_closed() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let (mut a, mut b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    assert_eq!(a.joins(&hub, "presence-room.1"), [ann()]);
    b.joins(&hub, "presence-room.1");
    assert_eq!(revoke(&hub, "8").status(), 204);
    assert_eq!(b.event().event, "tidings.close");
    assert_eq!(a.heard().0, "presence-room.1.join");
    assert_eq!(a.heard().0, "presence-room.1.leave");
    // And cannot come in again by what it was.
    let mut b = b.again(&hub);
    publish(&hub, "presence-room.1", "e", "1");
    publish(&hub, "messages", "end", "2");
    assert_eq!(b.heard().0, "messages.end");
}

#[test]
fn a_token_grants_what_it_may_read() {
    let hub = Hub::configured(&format!(
        "[[keys]]\nname = 'a'\nsecret = '{BACKEND}'\npublish = ['*']\nsubscribe = ['private-a*', 'messages']\n"
    ));
    let key = format!("Bearer {BACKEND}");
    let query = "channel=messages&channel=private-a1&channel=private-b";
    let mut wave = Wave::try_ask(&hub, query, "", &[("Authorization", &key)]).ok().unwrap();
    assert_eq!(wave.heard().0, "general.connected");
    let denied = wave.heard();
    assert!(denied.0 == "tidings.denied" && denied.1.contains("private-b"), "{denied:?}");
    for channel in ["private-b", "private-a2", "private-a1", "messages"] {
        publish(&hub, channel, "e", "1");
    }
    assert_eq!([wave.heard().0, wave.heard().0], ["private-a1.e", "messages.e"]);
}

#[test]
fn a_bad_token_is_refused_and_never_taken_for_none() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let bad = [("Authorization", "Basic abc")];
    assert_eq!(Wave::try_ask(&hub, "", "", &bad).map(|_| ()).unwrap_err().status(), 400);
}
