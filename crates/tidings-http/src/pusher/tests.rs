//! The handlers over a hub with its log in memory. What the SDKs themselves send and take is tested with the program, in
//! `tests/sdk` and `tests/e2e/pusher.rs`.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tidings_hub::{Publication, Selection, Selector, Settings, Start, Subscriber, Subscription};
use tidings_log::{Memory, Retention};
use tower::ServiceExt as _;

use super::{
    parameters::{Parameters, VERSION},
    *,
};

/// A target as the Python SDK signs it, with the signature first.
pub(super) fn signed(
    app: &PusherApp,
    method: &Method,
    path: &str,
    more: &[(&str, &str)],
    time: u64,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let time = time.to_string();
    query.extend_pairs([("auth_key", &*app.key), ("auth_timestamp", &time), ("auth_version", VERSION)]);
    query.extend_pairs(more);
    let query = query.finish();
    let parameters = Parameters::read(&query).unwrap_or_else(|failure| panic!("{failure:?}"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.expose().as_bytes());
    let tag = hmac::sign(&key, parameters.signed_text(method, path).as_bytes());
    let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{path}?auth_signature={signature}&{query}")
}

/// Presence channels with their users, and who was sent away.
#[derive(Debug, Default)]
struct Room {
    users: HashMap<&'static str, Vec<&'static str>>,
    terminated: Mutex<Vec<String>>,
}

impl Company for Room {
    fn users(&self, channel: &Topic) -> Vec<Box<str>> {
        self.users.get(channel.as_str()).into_iter().flatten().map(|user| (*user).into()).collect()
    }

    fn count(&self, channel: &Topic) -> usize {
        self.users.get(channel.as_str()).map_or(0, Vec::len)
    }

    fn terminate(&self, user: &str) {
        self.terminated.lock().unwrap().push(user.to_owned());
    }
}

/// A hub with two apps: one for everything, and one for `orders.*`.
struct Fixture {
    hub: Hub,
    room: Arc<Room>,
    routes: Router,
    apps: Vec<PusherApp>,
}

impl Fixture {
    fn new() -> Self {
        let app = |id: &str, publish| PusherApp {
            id: id.into(),
            key: format!("key of {id}"),
            secret: format!("hush {id}").into(),
            publish,
        };
        let orders = Selection::from_iter([Selector::from_text("orders.*").unwrap()]);
        Self::with(vec![app("1", Selection::all()), app("2", orders)])
    }

    fn with(apps: Vec<PusherApp>) -> Self {
        let log = Arc::new(Memory::new(Retention::default()).unwrap());
        let hub = Hub::start(log, Settings::default()).unwrap();
        let room =
            Arc::new(Room { users: HashMap::from([("presence-room", vec!["7", "8"])]), ..Room::default() });
        let company: Arc<dyn Company> = room.clone();
        let settings = PusherSettings {
            apps: apps.clone(),
            max_body: 1000,
            company: Some(company),
            ..Default::default()
        };
        Self { routes: pusher(hub.clone(), settings), hub, room, apps }
    }

    /// Sends what the app signs, now; answers status and body.
    async fn send(
        &self,
        app: usize,
        method: Method,
        path: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let digest = format!("{:x}", md5::compute(body));
        let more = [more, &[("body_md5", &digest)]].concat();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.send_as_it_is(&method, &signed(&self.apps[app], &method, path, &more, now), body).await
    }

    async fn send_as_it_is(&self, method: &Method, target: &str, body: &str) -> (u16, String) {
        let target = target.replace(' ', "%20");
        let request =
            Request::builder().method(method).uri(target).body(Body::from(body.to_owned())).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(media_type, if status == 200 { "application/json" } else { "text/plain; charset=utf-8" });
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(text.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, body: &str) -> (u16, String) {
        self.send(0, Method::POST, path, &[], body).await
    }

    async fn get(&self, path: &str, more: &[(&str, &str)]) -> (u16, String) {
        self.send(0, Method::GET, path, more, "").await
    }

    async fn subscribe(&self, channel: &str) -> Subscriber {
        let selection = Selection::topic(Topic::new(channel).unwrap());
        self.hub.subscribe(Subscription::new(selection, Start::Live)).await.unwrap()
    }

    /// How many events were ever published.
    fn published(&self) -> u64 {
        self.hub.stats().published
    }
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

#[track_caller]
fn refused(answer: (u16, String), status: u16, says: &str) {
    assert!(answer.0 == status && answer.1.contains(says), "{answer:?} is not {status} {says:?}");
    assert!(!answer.1.contains("hush") && !answer.1.contains('\n'), "{answer:?}");
}

#[tokio::test]
async fn an_event_is_published_to_each_channel() {
    let fixture = Fixture::new();
    let mut stream = fixture.subscribe("messages").await;
    let body = r#"{"name":"message.created","data":"{\"n\":1}","channels":["messages","private-a"]}"#;
    assert_eq!(fixture.post("/apps/1/events", body).await, ok("{}"));
    assert_eq!(fixture.published(), 2);
    let mut text = String::new();
    while !text.contains("data: {\"n\":1}\n\n") {
        text += std::str::from_utf8(&stream.next().await.unwrap()).unwrap();
    }
    assert!(text.contains("event: message.created\n"), "{text}");
}

#[tokio::test]
async fn a_batch_is_published_whole_or_not_at_all() {
    let fixture = Fixture::new();
    let event = |name: &str| format!(r#"{{"name":"{name}","data":"x","channel":"a"}}"#);
    let batch = |names: &[&str]| {
        format!(r#"{{"batch":[{}]}}"#, names.iter().map(|name| event(name)).collect::<Vec<_>>().join(","))
    };
    for (names, says) in [
        (&["a", ""], "event 2 of the batch: the event has no name"),
        (&["a", "tidings.reset"], "event 2 of the batch: event types that begin with"),
    ] {
        refused(fixture.post("/apps/1/batch_events", &batch(names)).await, 400, says);
    }
    let body = r#"{"batch":[{"name":"e","data":"","channels":["a","b"]}]}"#;
    refused(fixture.post("/apps/1/batch_events", body).await, 400, "one channel");
    assert_eq!(fixture.published(), 0);
    assert_eq!(fixture.post("/apps/1/batch_events", &batch(&["a", "b"])).await, ok("{}"));
    assert_eq!(fixture.post("/apps/1/batch_events", &batch(&[])).await, ok("{}"));
    assert_eq!(fixture.published(), 2);
}

#[tokio::test]
async fn info_is_told_for_each_channel_and_each_event_of_a_batch() {
    let fixture = Fixture::new();
    let _streams = (fixture.subscribe("a").await, fixture.subscribe("a").await);
    let both = "user_count,subscription_count";
    let body = format!(r#"{{"name":"e","data":"","channels":["presence-room","a"],"info":"{both}"}}"#);
    assert_eq!(
        fixture.post("/apps/1/events", &body).await,
        ok(
            r#"{"channels":{"a":{"subscription_count":2},"presence-room":{"subscription_count":0,"user_count":2}}}"#
        )
    );
    let body = format!(
        r#"{{"batch":[{{"name":"e","data":"","channel":"a"}},
        {{"name":"e","data":"","channel":"presence-room","info":"user_count"}},
        {{"name":"e","data":"","channel":"a","info":"{both}"}}]}}"#
    );
    assert_eq!(
        fixture.post("/apps/1/batch_events", &body).await,
        ok(r#"{"batch":[{},{"user_count":2},{"subscription_count":2}]}"#)
    );
}

#[tokio::test]
async fn channels_are_told_that_somebody_is_in() {
    let fixture = Fixture::new();
    let publish = |name| fixture.hub.publish(Publication::new(Topic::new(name).unwrap(), ""));
    publish("left").await.unwrap();
    publish("presence-room").await.unwrap();
    let _streams = (fixture.subscribe("orders.1").await, fixture.subscribe("no channel/1").await);
    let all = r#"{"channels":{"orders.1":{},"presence-room":{}}}"#;
    assert_eq!(fixture.get("/apps/1/channels", &[]).await, ok(all));
    let with_count = [("filter_by_prefix", "presence-"), ("info", "user_count")];
    assert_eq!(
        fixture.get("/apps/1/channels", &with_count).await,
        ok(r#"{"channels":{"presence-room":{"user_count":2}}}"#)
    );
    for prefix in ["x", "a b", "*", "or*", "#", "##"] {
        let answer = fixture.get("/apps/1/channels", &[("filter_by_prefix", prefix)]).await;
        assert_eq!(answer, ok(r#"{"channels":{}}"#), "{prefix}");
    }
    for more in [&with_count[1..], &[("filter_by_prefix", "private-"), with_count[1]]] {
        refused(fixture.get("/apps/1/channels", more).await, 400, "presence channels only");
    }
    // An app is told of its own channels.
    let answer = fixture.send(1, Method::GET, "/apps/2/channels", &[], "").await;
    assert_eq!(answer, ok(r#"{"channels":{"orders.1":{}}}"#));
}

#[tokio::test]
async fn of_one_channel_it_is_told_who_is_there() {
    let fixture = Fixture::new();
    let _stream = fixture.subscribe("a").await;
    let get = async |path: &str, info: &str| {
        fixture.get(&format!("/apps/1/channels/{path}"), &[("info", info)]).await
    };
    assert_eq!(get("a", "").await, ok(r#"{"occupied":true}"#));
    assert_eq!(get("a", "subscription_count").await, ok(r#"{"occupied":true,"subscription_count":1}"#));
    assert_eq!(get("b", "subscription_count").await, ok(r#"{"occupied":false,"subscription_count":0}"#));
    assert_eq!(get("presence-room", "user_count").await, ok(r#"{"occupied":true,"user_count":2}"#));
    assert_eq!(get("presence-empty", "user_count").await, ok(r#"{"occupied":false,"user_count":0}"#));
    refused(get("a", "user_count").await, 400, "\"a\" is none");
    refused(get("a b", "").await, 400, "\"a b\"");
    assert_eq!(get("presence-room/users", "").await, ok(r#"{"users":[{"id":"7"},{"id":"8"}]}"#));
    assert_eq!(get("presence-empty/users", "").await, ok(r#"{"users":[]}"#));
    refused(get("a/users", "").await, 400, "presence channels only");
    assert_eq!(fixture.get("/apps/1/connections", &[]).await, ok(r#"{"connections":1}"#));
    assert_eq!(fixture.send_as_it_is(&Method::GET, "/up", "").await, ok(r#"{"health":"OK"}"#));
}

#[tokio::test]
async fn a_users_connections_are_ended() {
    let fixture = Fixture::new();
    let bearers = |user: &str| {
        vec![Arc::new(tidings_hub::Bearer { user: Some(user.into()), ..tidings_hub::Bearer::default() })]
    };
    let subscription =
        |user| Subscription { bearers: bearers(user), ..Subscription::new(Selection::all(), Start::Live) };
    let mut streams = Vec::new();
    for (user, path) in
        [("7", "/apps/1/users/7/terminate_connections"), ("ann b", "/users/ann b/terminate_connections")]
    {
        let mut stream = fixture.hub.subscribe(subscription(user)).await.unwrap();
        streams.push(fixture.hub.subscribe(subscription("9")).await.unwrap());
        assert_eq!(fixture.post(path, "{}").await, ok("{}"));
        while stream.next().await.is_some() {}
    }
    assert_eq!(*fixture.room.terminated.lock().unwrap(), ["7", "ann b"]);
    assert_eq!(fixture.hub.stats().subscribers, 2);
}

#[tokio::test]
async fn an_app_has_its_own_channels_only() {
    let fixture = Fixture::new();
    let event = |channels: &str| format!(r#"{{"name":"e","data":"","channels":{channels}}}"#);
    let events =
        async |channels: &str| fixture.send(1, Method::POST, "/apps/2/events", &[], &event(channels)).await;
    refused(events(r#"["orders.1","messages"]"#).await, 403, "may not publish to \"messages\"");
    let batch = format!(r#"{{"batch":[{}]}}"#, r#"{"name":"e","data":"","channel":"messages"}"#);
    let answer = fixture.send(1, Method::POST, "/apps/2/batch_events", &[], &batch).await;
    refused(answer, 403, "may not publish to \"messages\"");
    for path in ["channels/messages", "channels/presence-room/users"] {
        let answer = fixture.send(1, Method::GET, &format!("/apps/2/{path}"), &[], "").await;
        refused(answer, 403, "may not ask about");
    }
    let answer = fixture.send(1, Method::POST, "/apps/2/users/7/terminate_connections", &[], "{}").await;
    refused(answer, 403, "may not end the connections of \"#server-to-user-7\"");
    assert_eq!(fixture.published(), 0);
    assert_eq!(events(r#"["orders.1"]"#).await, ok("{}"));
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let fixture = Fixture::new();
    let body = r#"{"name":"e","data":"","channel":"a"}"#;
    refused(fixture.post("/apps/3/events", body).await, 404, "no app \"3\": compare");
    refused(fixture.post("/apps/2/events", body).await, 401, "\"2\", but that of the app \"1\"");
    // Somebody has mistaken the one for the other.
    let confused = PusherApp { key: "hush 1".into(), ..fixture.apps[0].clone() };
    let impostor = PusherApp { secret: "another".into(), ..fixture.apps[0].clone() };
    for path in ["/apps/1/events", "/users/1/terminate_connections"] {
        for (app, says) in [(&confused, "app of this hub"), (&impostor, "the signature is wrong")] {
            let target = signed(app, &Method::POST, path, &[], 1);
            refused(fixture.send_as_it_is(&Method::POST, &target, body).await, 401, says);
        }
        let target = signed(&fixture.apps[0], &Method::POST, path, &[], 1);
        let answer = fixture.send_as_it_is(&Method::POST, &target, body).await;
        refused(answer, 401, "seconds behind the clock of this hub");
        refused(fixture.send_as_it_is(&Method::POST, path, body).await, 401, "auth_key is missing");
    }
    refused(
        fixture.post("/apps/1/events", &"x".repeat(1001)).await,
        413,
        "1000 bytes allowed (setting limits.body)",
    );
    refused(fixture.post("/apps/%ff/events", body).await, 400, "UTF-8");
    assert_eq!(fixture.published(), 0);

    let nobody = Fixture { apps: fixture.apps, ..Fixture::with(Vec::new()) };
    refused(nobody.post("/apps/1/events", body).await, 404, "put [[pusher.apps]]");
}

#[test]
fn a_secret_is_not_shown() {
    let Fixture { apps, .. } = tokio::runtime::Runtime::new().unwrap().block_on(async { Fixture::new() });
    let settings = PusherSettings { apps, ..PusherSettings::default() };
    assert!(!format!("{settings:?}").contains("hush"));
}
