//! Each request of that client, and what it is answered.

use serde_json::{Value, json};

use super::{
    Application, Driver, Wave,
    client::{USERS, ann, bob},
    hub, operators, publish,
};
use crate::support::{Hub, wait_until};

#[test]
fn a_stream_begins_with_its_socket_id_and_a_cursor() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::open(&hub, "");
    let (one, other) = wave.socket.split_once('.').unwrap();
    assert!([one, other].iter().all(|part| part.parse::<u64>().is_ok()), "{}", wave.socket);
    assert!(!wave.last_id.is_empty());
    assert_eq!(wave.listener.head.header("content-type"), Some("text/event-stream"));
    assert_ne!(Wave::open(&hub, "").socket, wave.socket);
}

#[test]
fn events_are_named_by_channel_and_type_and_their_data_is_untouched() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let mut wave = Wave::open(&hub, "");
    let data = r#"{"id":12345678901234567890,"a":{},"b":1.0,"text":"h\u00e9llo \/"}"#;
    publish(&hub, "messages", "App\\Events\\PublicMessage", data);
    assert_eq!(wave.heard(), ("messages.App\\Events\\PublicMessage".to_owned(), data.to_owned()));
    publish(&hub, "news", "message.created", "Hello");
    assert_eq!(wave.heard(), ("news.message.created".to_owned(), "\"Hello\"".to_owned()));
    assert!(application.asked().is_empty(), "public channels are nobody's question");
}

#[test]
fn private_channels_are_granted_by_the_application() {
    for driver in [Driver::Redis, Driver::Pusher] {
        let application = Application::start(driver);
        let hub = hub(&application);
        let (mut ann, mut bob) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
        let answer = ann.auth(&hub, "private-orders.7");
        assert_eq!((answer.status(), answer.json()), (200, json!(true)), "{driver:?}");
        assert!(bob.auth(&hub, "private-orders.7").problem(403).contains("orders.7"));
        // A model's channel, which that client names without the prefix.
        ann.hears(&hub, "App.Models.User.7");
        publish(&hub, "private-orders.7", "shipped", "1");
        publish(&hub, "private-App.Models.User.7", "UserUpdated", "2");
        publish(&hub, "messages", "end", "3");
        let events: Vec<_> = (0..3).map(|_| ann.heard().0).collect();
        assert_eq!(
            events,
            ["private-orders.7.shipped", "private-App.Models.User.7.UserUpdated", "messages.end"]
        );
        assert_eq!(bob.heard().0, "messages.end");
        // What a connection has is not asked for again.
        application.asked();
        ann.hears(&hub, "private-orders.7");
        assert!(application.asked().is_empty());
    }
}

#[test]
fn who_is_not_signed_in_gets_no_private_channel() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    for session in ["", "nobody"] {
        let refused = Wave::open(&hub, session).auth(&hub, "private-orders.7");
        assert!(refused.problem(403).contains("orders.7"));
    }
}

#[test]
fn presence_rows() {
    for driver in [Driver::Redis, Driver::Pusher] {
        let application = Application::start(driver);
        let hub = hub(&application);
        let room = "presence-room.1";
        let (mut a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
        let granted = a.auth(&hub, room).json();
        assert_eq!(granted, json!({ "channel_data": { "user_id": "7", "user_info": ann() } }), "{driver:?}");
        // The two requests of that client come at once, so that this one can be the first.
        let joined = b.post(&hub, USERS, &json!({ "channel_name": room }));
        assert_eq!(joined.json(), json!({ "_token": "", "users": [ann(), bob()] }));
        assert_eq!(joined.header("cache-control"), Some("no-store"));
        b.hears(&hub, room);
        assert_eq!(a.heard(), ("presence-room.1.join".to_owned(), bob().to_string()));
        assert_eq!(a.here(&hub, room), [ann(), bob()]);
        let left = b.request(&hub, "DELETE", USERS, Some(&json!({ "channel_name": room })));
        assert_eq!((left.status(), left.json()), (200, json!([ann()])));
        assert_eq!(a.heard(), ("presence-room.1.leave".to_owned(), bob().to_string()));
        // Who has left is no member.
        b.request(&hub, "GET", &format!("{USERS}?channel_name={room}"), None).problem(403);
        b.request(&hub, "DELETE", USERS, Some(&json!({ "channel_name": room }))).problem(403);
    }
}

/// What a page sends that is closed: a POST without headers of its own.
fn beacon(hub: &Hub, channel: &str, socket: &str) -> u16 {
    let body = json!({ "channel_name": channel, "socket_id": socket, "_token": "", "_method": "DELETE" });
    let headers = [("Content-Type", "application/json"), ("Origin", "https://app.example")];
    hub.request("POST", USERS, &headers, body.to_string().as_bytes()).status()
}

#[test]
fn a_page_that_is_closed_has_left_at_once() {
    let application = Application::start(Driver::Redis);
    let hub = super::with(&application, "[cors]\norigins = ['https://app.example']\n");
    let (mut a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.joins(&hub, "presence-room.1");
    b.joins(&hub, "presence-room.1");
    assert_eq!(a.heard().0, "presence-room.1.join");
    assert_eq!(beacon(&hub, "presence-room.1", &b.socket), 200);
    assert_eq!(a.heard().0, "presence-room.1.leave");
    assert_eq!(beacon(&hub, "presence-room.1", "1.2"), 410);
    // Also one whose stream has ended before.
    let other = Wave::open(&hub, "bob");
    other.joins(&hub, "presence-room.1");
    assert_eq!(a.heard().0, "presence-room.1.join");
    let socket = other.socket.clone();
    drop(other);
    wait_until("its stream has ended", || operators(&hub, "/metrics").contains("\ntidings_subscribers 2\n"));
    assert_eq!(beacon(&hub, "presence-room.1", &socket), 200);
    assert_eq!(a.heard().0, "presence-room.1.leave");
}

#[test]
fn requests_that_cannot_be_answered_say_why() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::open(&hub, "ann");
    let json = [("Content-Type", "application/json")];
    let body = json!({ "channel_name": "private-a" }).to_string();
    let nameless = hub.request("POST", "/broadcasting/auth", &json, body.as_bytes());
    assert!(nameless.problem(400).contains("X-Socket-Id"));
    let unknown = [json[0], ("X-Socket-Id", "1.2")];
    let unknown = hub.request("POST", "/wave/auth", &unknown, body.as_bytes());
    assert!(unknown.problem(410).contains("open the stream again"));
    for (target, wrong) in [
        ("/broadcasting/auth", json!({})),
        ("/broadcasting/auth", json!({ "channel_name": "" })),
        ("/broadcasting/auth", json!({ "channel_name": 7 })),
        ("/broadcasting/auth", json!({ "channel_name": "tidings/echo/1.2" })),
        (USERS, json!({ "channel_name": "private-orders.7" })),
        ("/wave/subscribe", json!({ "channels": "messages" })),
        ("/wave/subscribe", json!({})),
        ("/wave/unsubscribe", Value::Null),
    ] {
        wave.post(&hub, target, &wrong).problem(400);
    }
    let large = json!({ "channels": ["x".repeat(2 << 20)] });
    wave.post(&hub, "/wave/subscribe", &large).problem(413);
}

#[test]
fn without_anybody_to_ask_the_answer_says_what_to_configure() {
    let hub = Hub::configured("[anonymous]\nsubscribe = ['*']\n");
    let wave = Wave::open(&hub, "");
    assert!(wave.auth(&hub, "private-a").problem(403).contains("[auth.callback]"));
}

#[test]
fn on_an_open_hub_everybody_hears_everything() {
    let hub = Hub::start();
    let (mut one, other) = (Wave::open(&hub, ""), Wave::open(&hub, ""));
    one.hears(&hub, "private-a");
    hub.request("POST", "/topics/private-a?private", &[], b"1").receipt();
    assert_eq!(one.heard(), ("private-a.message".to_owned(), "1".to_owned()));
    assert_eq!(one.joins(&hub, "presence-a"), [Value::Null]);
    assert_eq!(other.joins(&hub, "presence-a"), [Value::Null, Value::Null]);
    assert_eq!(one.heard(), ("presence-a.join".to_owned(), "null".to_owned()));
}

#[test]
fn a_hub_on_which_nobody_can_be_known_says_so() {
    let hub =
        Hub::configured(&format!("[[keys]]\nname = 'a'\nsecret = '{}'\nsubscribe = ['*']\n", super::BACKEND));
    let refused = Wave::try_ask(&hub, "", "", &[]).map(|_| ()).unwrap_err();
    assert_eq!(refused.status(), 401);
    let key = format!("Bearer {}", super::BACKEND);
    let mut wave = Wave::try_ask(&hub, "channel=private-a", "", &[("Authorization", &key)]).ok().unwrap();
    assert_eq!(wave.heard().0, "general.connected");
}

#[test]
fn the_front_can_be_switched_off() {
    let hub = Hub::configured("[echo]\nenabled = false\n");
    assert_eq!(hub.get("/wave").status(), 404);
}

#[test]
fn pages_of_other_origins_may_send_what_that_client_sends() {
    let hub = Hub::configured("[cors]\norigins = ['https://app.example']\n");
    for method in ["GET", "POST", "DELETE"] {
        let headers = [
            ("Origin", "https://app.example"),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "x-socket-id"),
        ];
        let answer = hub.request("OPTIONS", USERS, &headers, b"");
        let list = |name: &str| answer.header(name).unwrap_or_default().to_ascii_lowercase();
        assert!(list("access-control-allow-methods").contains(&method.to_ascii_lowercase()));
        assert_eq!(list("access-control-allow-credentials"), "true");
        let allowed = list("access-control-allow-headers");
        for name in [
            "x-socket-id",
            "x-xsrf-token",
            "x-csrf-token",
            "x-requested-with",
            "last-event-id",
            "authorization",
            "cache-control",
            "pragma",
            "content-type",
        ] {
            assert!(allowed.split(',').any(|one| one.trim() == name), "{name} in {allowed}");
        }
    }
    let connection = hub.request("HEAD", "/wave", &[("Origin", "https://app.example")], b"");
    let exposed = connection.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
    assert!(exposed.contains("x-socket-id"), "{exposed}");
}
