//! What Laravel broadcasts through Redis, as captured from Laravel 8.83: phpredis and predis send the same bytes. Laravel
//! itself is in `tests/browser`.

use tidings_stream::Event;

use crate::support::{Hub, Listener, Redis, wait_until};

/// As Laravel's broadcaster sends it.
const SCRIPT: &str = "for i = 2, #ARGV do\n  redis.call('publish', ARGV[i], ARGV[1])\nend";

const KEY: &str = "reader-secret-0123456789";
/// Everybody may see public events; the key may see the others.
const RIGHTS: &str = "[[keys]]\nname = 'reader'\nsecret = 'reader-secret-0123456789'\nsubscribe = ['*']\nadmin = true\n\
                      [anonymous]\nsubscribe = ['*']\n";

fn hub(redis: &Redis, more: &str) -> Hub {
    with_source(redis, &format!("kind = 'redis'\npatterns = ['*']\n{more}"))
}

fn with_source(redis: &Redis, source: &str) -> Hub {
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let hub = Hub::configured(&format!("{RIGHTS}[[source]]\nurl = '{url}'\n{source}"));
    let headers = [("Authorization", &*format!("Bearer {KEY}"))];
    wait_until("Redis is read", || {
        hub.request("GET", "/stats", &headers, b"").json()["sources"][0]["state"] == "running"
    });
    hub
}

/// What a broadcast to these channels sends.
fn broadcast(redis: &Redis, channels: &[&str], payload: &str) {
    redis.command(&[&["EVAL", SCRIPT, "0", payload][..], channels].concat());
}

fn listen_with_key(hub: &Hub, query: &str) -> Listener {
    let mut connection = hub.connect();
    let headers = [("Authorization", &*format!("Bearer {KEY}"))];
    connection.send_request("GET", &format!("/events?{query}"), &headers, b"").unwrap();
    Listener::read(connection).unwrap()
}

fn what(event: Event) -> (String, String) {
    (event.event, event.data)
}

fn pair(event: &str, data: &str) -> (String, String) {
    (event.to_owned(), data.to_owned())
}

#[test]
fn every_kind_of_broadcast_comes_out_of_its_envelope_on_its_topic() {
    let redis = Redis::start();
    let hub = hub(&redis, "");
    let mut listener = listen_with_key(&hub, "pattern=*&last_event_id=earliest");
    for (channel, payload, event, data) in [
        (
            "messages",
            r#"{"event":"App\\Events\\PublicMessage","data":{"message":"Hello from Laravel!","count":3,"socket":null},"socket":null}"#,
            r"App\Events\PublicMessage",
            r#"{"message":"Hello from Laravel!","count":3}"#,
        ),
        (
            "private-orders.7",
            r#"{"event":"App\\Events\\PrivateOrderShipped","data":{"order":{"id":7,"status":"shipped"},"socket":null},"socket":null}"#,
            r"App\Events\PrivateOrderShipped",
            r#"{"order":{"id":7,"status":"shipped"}}"#,
        ),
        (
            "presence-room.1",
            r#"{"event":"App\\Events\\PresenceRoomMessage","data":{"body":"Hello from Laravel!","socket":null},"socket":null}"#,
            r"App\Events\PresenceRoomMessage",
            r#"{"body":"Hello from Laravel!"}"#,
        ),
        (
            "messages",
            r#"{"event":"App\\Events\\EmptyEvent","data":{"socket":null},"socket":null}"#,
            r"App\Events\EmptyEvent",
            "{}",
        ),
        (
            "private-App.Models.User.7",
            r#"{"event":"Illuminate\\Notifications\\Events\\BroadcastNotificationCreated","data":{"invoice_id":9,"amount":120,"id":"14259ba0-3c77-4b22-88ff-10ab18d32c29","type":"App\\Notifications\\InvoicePaid","socket":null},"socket":null}"#,
            r"Illuminate\Notifications\Events\BroadcastNotificationCreated",
            r#"{"invoice_id":9,"amount":120,"id":"14259ba0-3c77-4b22-88ff-10ab18d32c29","type":"App\\Notifications\\InvoicePaid"}"#,
        ),
        (
            "messages",
            r#"{"event":"App\\Events\\PublicMessageNow","data":{"message":"via http","socket":"999.111"},"socket":"999.111"}"#,
            r"App\Events\PublicMessageNow",
            r#"{"message":"via http"}"#,
        ),
    ] {
        let mut only = listen_with_key(&hub, &format!("topic={channel}"));
        broadcast(&redis, &[&format!("laravel_database_{channel}")], payload);
        assert_eq!(what(listener.event()), pair(event, data));
        assert_eq!(what(only.event()), pair(event, data), "on {channel}");
    }
}

#[test]
fn one_broadcast_to_three_channels_is_three_events_with_the_same_bytes() {
    let redis = Redis::start();
    let hub = hub(&redis, "");
    let payload = r#"{"event":"message.created","data":{"id":42,"text":"h\u00e9llo \u4f60\u597d \/ <b>\"q\"<\/b>\nline2","nested":{"a":null,"b":1.5,"c":true},"socket":null},"socket":null}"#;
    let data = r#"{"id":42,"text":"h\u00e9llo \u4f60\u597d \/ <b>\"q\"<\/b>\nline2","nested":{"a":null,"b":1.5,"c":true}}"#;
    let channels = ["messages", "private-orders.7", "plain-string-channel"];
    let mut listeners = channels.map(|channel| listen_with_key(&hub, &format!("topic={channel}")));
    broadcast(
        &redis,
        &channels.map(|channel| format!("laravel_database_{channel}")).each_ref().map(String::as_str),
        payload,
    );
    for listener in &mut listeners {
        assert_eq!(what(listener.event()), pair("message.created", data));
    }
}

#[test]
fn what_an_application_publishes_by_itself_stays_as_it_is() {
    let redis = Redis::start();
    let hub = hub(&redis, "");
    let mut listener = hub.listen("topic=messages-channel");
    for data in [
        r#"{"message":"Hello from Laravel!"}"#,
        "Hello from Laravel!",
        r#"{"event":"mine","data":{"socket":null}}"#,
        "two\nlines",
    ] {
        redis.command(&["PUBLISH", "laravel_database_messages-channel", data]);
        assert_eq!(what(listener.event()), pair("message", data));
    }
}

#[test]
fn prefixes_are_taken_off_and_those_that_are_not_are_said_once() {
    let redis = Redis::start();
    let envelope = r#"{"event":"E","data":{"socket":null},"socket":null}"#;
    let default = hub(&redis, "");
    let mut listener = listen_with_key(&default, "topic=private-orders.7");
    for prefix in ["laravel_database_", "my_shop_database_", "laravel-database-", ""] {
        broadcast(&redis, &[&format!("{prefix}private-orders.7")], envelope);
        assert_eq!(what(listener.event()), pair("E", "{}"));
    }
    assert!(!default.stderr().contains("strip_prefixes"), "{}", default.stderr());

    let changed = hub(&redis, "strip_prefixes = ['shop:']");
    let mut all = listen_with_key(&changed, "pattern=*");
    let mut anonymous = changed.listen("pattern=*");
    for channel in ["shop:messages", "laravel-database-a", "laravel-database-b", "my_shop_database_a"] {
        redis.command(&["PUBLISH", channel, "x"]);
        assert_eq!((all.event().data, anonymous.event().data), ("x".to_owned(), "x".to_owned()));
    }
    // A prefix that was forgotten makes nothing public.
    redis.command(&["PUBLISH", "laravel-database-private-orders.7", "private"]);
    assert_eq!(all.event().data, "private");
    redis.command(&["PUBLISH", "shop:messages", "public"]);
    assert_eq!(anonymous.event().data, "public");
    for prefix in ["laravel-database-", "my_shop_database_"] {
        // As the log's JSON has it.
        let advice = format!(r#"add \"{prefix}\" to strip_prefixes"#);
        assert_eq!(changed.stderr().matches(&advice).count(), 1, "{}", changed.stderr());
    }
}

#[test]
fn private_and_presence_channels_are_for_those_with_a_right() {
    let redis = Redis::start();
    let hub = hub(&redis, "");
    let (mut anonymous, mut reader) = (hub.listen("pattern=*"), listen_with_key(&hub, "pattern=*"));
    let envelope = r#"{"event":"E","data":{"a":1,"socket":null},"socket":null}"#;
    for channel in ["private-orders.7", "presence-room.1", "private-encrypted-vault", "#server-to-user-7"] {
        for data in [envelope, "plain"] {
            broadcast(&redis, &[&format!("laravel_database_{channel}")], data);
            assert_eq!(reader.event().data, if data == envelope { r#"{"a":1}"# } else { "plain" });
        }
    }
    redis.command(&["PUBLISH", "laravel_database_messages", "for all"]);
    assert_eq!(anonymous.event().data, "for all");
}

#[test]
fn private_channels_of_streams_are_for_those_with_a_right() {
    let redis = Redis::start();
    let hub = with_source(&redis, "kind = 'redis_stream'\nstreams = ['events', 'private-orders']");
    let (mut anonymous, mut reader) = (hub.listen("pattern=*"), listen_with_key(&hub, "pattern=*"));
    let envelope = r#"{"event":"E","data":{"a":1},"socket":null}"#;
    for channel in ["my:private-orders.1", "my_database_shop_database_presence-room.1"] {
        redis.command(&["XADD", "events", "*", "channel", channel, "payload", envelope]);
        assert_eq!(reader.event().data, r#"{"a":1}"#);
    }
    redis.command(&["XADD", "private-orders", "*", "topic", "orders", "data", "private"]);
    assert_eq!(reader.event().data, "private");
    redis.command(&["XADD", "events", "*", "topic", "orders", "data", "for all"]);
    assert_eq!(anonymous.event().data, "for all");
}

#[test]
fn nobody_speaks_for_the_hub() {
    let redis = Redis::start();
    let hub = hub(&redis, "name = 'shop'");
    let mut reader = listen_with_key(&hub, "pattern=*");
    let reserved = ["tidings/echo/x", "laravel_database_/.well-known/mercure/subscriptions/a/b"];
    for channel in reserved {
        redis.command(&["PUBLISH", channel, "x"]);
    }
    redis.command(&["PUBLISH", "messages", "y"]);
    assert_eq!(reader.event().data, "y");
    assert_eq!(hub.stderr().matches("is the hub's own").count(), 1, "{}", hub.stderr());
}

#[test]
fn envelopes_stay_closed_if_they_are_to() {
    let redis = Redis::start();
    let hub = hub(&redis, "envelope = 'none'");
    let mut listener = hub.listen("topic=messages");
    let envelope = r#"{"event":"E","data":{"socket":null},"socket":null}"#;
    broadcast(&redis, &["laravel_database_messages"], envelope);
    assert_eq!(what(listener.event()), pair("message", envelope));
}
