//! 1.4: publishing. Not here: the reserved topics (`reserved.rs`) and the characters of texts (`strings.rs`).

use super::{
    client::{Client, configured, hub, until_end},
    token::{v1, v1_all},
};

const MIB: usize = 1 << 20;

// 1.4 The first topic is canonical, the others are alternates: whoever listens to any of them gets the event, once.
#[test]
fn an_event_goes_to_all_its_topics_and_to_each_subscriber_once() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listeners = [
        client.listen(&[("match", "a"), ("match", "urn:example:the-end")]),
        client.listen(&[("match", "b"), ("match", "urn:example:the-end")]),
        client.listen(&[("match", "a"), ("match", "b"), ("match_urlpattern", "*")]),
    ];
    client.published(&[("topic", "a"), ("topic", "b"), ("data", "x")]);
    client.published(&[("topic", "urn:example:the-end"), ("data", "end")]);
    for listener in &mut listeners {
        assert_eq!(listener.data(2), ["x", "end"]);
    }
}

// 1.4 No topic → 400 `Missing "topic" parameter`.
#[test]
fn a_publication_without_a_topic_is_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for fields in [&[][..], &[("data", "x")], &[("Topic", "a")], &[("topics", "a")]] {
        let answer = client.publish(fields);
        assert_eq!(answer.status(), 400);
        let text = answer.text().replace("\\\"", "\"");
        assert!(text.contains("Missing \"topic\" parameter"), "{text}");
    }
}

// 1.4 A topic that is exactly `*` → 400; with more to it, it is a topic.
#[test]
fn a_star_is_no_topic() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    assert_eq!(client.publish(&[("topic", "*")]).status(), 400);
    assert_eq!(client.publish(&[("topic", "a"), ("topic", "*")]).status(), 400);
    client.published(&[("topic", "**")]);
    client.published(&[("topic", "/*")]);
}

// 1.4 `data` is optional, and opaque.
#[test]
fn data_is_any_text_or_none() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    for data in
        ["", "{\"a\": 1}", " a+b & c=d; %41 ", "id: 7\n\nevent: forged\n", "\u{feff}\0\u{200b}", "你好"]
    {
        client.published(&[("topic", "a"), ("data", data)]);
        assert_eq!(listener.event().data, data);
    }
    client.published(&[("topic", "a")]);
    assert_eq!(listener.event().data, "");
}

// 1.4 The name `private` alone makes an event private, whatever its value.
#[test]
fn private_is_what_has_the_field() {
    let hub = configured("", "[anonymous]\nsubscribe = ['*']");
    let client = Client::with(&hub, &v1_all());
    let (mut all, mut public) =
        (client.listen(&[("match", "*")]), Client::of(&hub).listen(&[("match", "*")]));
    for (number, value) in ["on", "", "off", "0", "false", "1"].iter().enumerate() {
        let data = number.to_string();
        client.published(&[("topic", "a"), ("private", value), ("data", &data)]);
        assert_eq!(all.event().data, data);
    }
    client.post(b"topic=a&private&data=bare");
    client.post(b"topic=a&Private=on&data=public");
    assert_eq!(until_end(&client, &mut public), ["public"]);
    assert_eq!(until_end(&client, &mut all), ["bare", "public"]);
}

// 1.4 An id is kept as it is; not one that begins with `#`, nor `earliest` → 400.
#[test]
fn an_id_is_the_publishers() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    for id in [
        "1",
        "urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb",
        "https://example.com/#x",
        "a b",
        "你好",
        "Earliest",
    ] {
        assert_eq!(client.published(&[("topic", "a"), ("id", id)]), id);
        assert_eq!(listener.event().id, id);
    }
    for id in ["#", "#x", "earliest"] {
        assert_eq!(client.publish(&[("topic", "a"), ("id", id)]).status(), 400, "{id}");
    }
    // This hub's limit.
    client.published(&[("topic", "a"), ("id", &"x".repeat(255))]);
    assert_eq!(client.publish(&[("topic", "a"), ("id", &"x".repeat(256))]).status(), 400);
}

// 1.4 In the reference an id that is published again is another event. Here it is the same one, so that a publisher who
// did not hear the answer can ask again.
#[test]
fn an_id_that_is_published_again_adds_nothing() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "*")]);
    for data in ["1", "2"] {
        assert_eq!(client.published(&[("topic", "a"), ("id", "order-7"), ("data", data)]), "order-7");
    }
    assert_eq!(until_end(&client, &mut listener), ["1"]);
}

// 1.4 `type` is the name of the event; `mercure` is reserved → 400. So is what begins with `tidings.`, for this hub's own.
#[test]
fn a_type_is_the_events_name() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    for name in ["price", "Mercure", "mercure.x", "a b", "价"] {
        client.published(&[("topic", "a"), ("type", name), ("data", "x")]);
        assert_eq!(listener.event().event, name);
    }
    for name in ["mercure", "tidings.close"] {
        assert_eq!(client.publish(&[("topic", "a"), ("type", name)]).status(), 400, "{name}");
    }
}

// 1.4 `retry` is ASCII digits only, and 64 bits → 400.
#[test]
fn a_retry_is_a_number() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for retry in ["0", "1", "007", "86400000", "18446744073709551615"] {
        client.published(&[("topic", "a"), ("retry", retry)]);
    }
    for retry in ["+5", "-1", "1.5", " 5", "5 ", "1e3", "0x10", "soon", "٣", "18446744073709551616"] {
        assert_eq!(client.publish(&[("topic", "a"), ("retry", retry)]).status(), 400, "{retry:?}");
    }
}

// 1.4 Unknown fields are ignored.
#[test]
fn unknown_fields_are_ignored() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    client.published(&[("topic", "a"), ("targets[]", "x"), ("match", "b"), ("ID", "#"), ("", "")]);
}

// 1.4 The body: 1 MiB → 413.
#[test]
fn the_body_is_limited() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let data = "x".repeat(MIB - "topic=a&data=".len());
    assert_eq!(client.post(format!("topic=a&data={data}").as_bytes()).status(), 200);
    for size in [MIB + 1, 3 * MIB] {
        let answer = client.post(format!("topic=a&data={}", "x".repeat(size)).as_bytes());
        assert_eq!(answer.status(), 413);
    }
}

// 1.4 Too many topics → 400. The reference allows 1000; an event here has 100 at most.
#[test]
fn topics_are_limited() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let topics: Vec<String> = (0..=100).map(|number| format!("topic-{number}")).collect();
    let fields: Vec<_> = topics.iter().map(|topic| ("topic", topic.as_str())).collect();
    client.published(&fields[..100]);
    assert_eq!(client.publish(&fields).status(), 400);
    client.published(&[("topic", &"x".repeat(4096))]);
    assert_eq!(client.publish(&[("topic", &"x".repeat(4097))]).status(), 400);
}

// 1.4 Success: 200, text/plain; charset=utf-8, and the id without a line end. Ids are this hub's own unless configured.
#[test]
fn the_answer_is_the_id() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    let answer = client.publish(&[("topic", "a")]);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let id = answer.text();
    assert_eq!(listener.event().id, id);
    let (epoch, offset) = id.split_once('-').unwrap();
    assert!(!epoch.is_empty() && offset == "0", "{id:?}");
}

// 1.4 With `ids = "urn:uuid"` they are as the reference's; random (version 4), because a time in an id tells when it was.
#[test]
fn ids_can_be_uuids() {
    let hub = configured("ids = 'urn:uuid'", "");
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    let ids = [client.published(&[("topic", "a")]), client.published(&[("topic", "a")])];
    for id in &ids {
        let groups: Vec<_> = id.strip_prefix("urn:uuid:").unwrap().split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
        assert!(groups.concat().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
        assert!(groups[2].starts_with('4'), "{id}");
        assert_eq!(listener.event().id, *id);
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(client.published(&[("topic", "a"), ("id", "mine")]), "mine");
}

// 1.4 The order of checks, as far as the answer tells: the token before the body.
#[test]
fn the_token_is_checked_before_the_body() {
    let hub = hub();
    let too_large = format!("topic=a&data={}", "x".repeat(MIB));
    assert_eq!(Client::of(&hub).post(too_large.as_bytes()).status(), 401);
    assert_eq!(Client::of(&hub).publish(&[]).status(), 401);
}

// 1.4 The order of checks: topics and retry before grants, grants before the rest.
#[test]
fn grants_are_checked_behind_topics_and_retry_and_before_the_rest() {
    let hub = hub();
    let client = Client::with(&hub, &v1(&["publish"], &["granted"]));
    for fields in [
        &[("data", "x")][..],
        &[("topic", "not-granted"), ("topic", "a\tb")],
        &[("topic", "not-granted"), ("retry", "soon")],
    ] {
        assert_eq!(client.publish(fields).status(), 400, "{fields:?}");
    }
    for field in [
        ("topic", "/.well-known/mercure/x"),
        ("topic", "*"),
        ("id", "#x"),
        ("id", "earliest"),
        ("id", "a\tb"),
        ("type", "mercure"),
        ("type", "a\tb"),
    ] {
        let answer = client.publish(&[("topic", "not-granted"), field]);
        assert_eq!(answer.status(), 403, "{field:?}: {}", answer.text());
    }
    for field in [("id", "#x"), ("type", "mercure")] {
        assert_eq!(client.publish(&[("topic", "granted"), field]).status(), 400, "{field:?}");
    }
}

// 1.4 Who is not granted every topic → 403 insufficient_scope, public events included.
#[test]
fn every_topic_must_be_granted() {
    let hub = hub();
    let everything = Client::with(&hub, &v1_all());
    let mut listener = everything.listen(&[("match", "*")]);
    let client = Client::with(&hub, &v1(&["publish"], &["a", "b"]));
    let nobody = Client::with(&hub, &v1(&["subscribe"], &["*"]));
    client.published(&[("topic", "a"), ("data", "1")]);
    client.published(&[("topic", "b"), ("topic", "a"), ("private", "on"), ("data", "2")]);
    for (client, topics) in [
        (&client, &[("topic", "c")][..]),
        (&client, &[("topic", "a"), ("topic", "c")]),
        (&client, &[("topic", "A")]),
        (&nobody, &[("topic", "a")]),
    ] {
        for private in [&[][..], &[("private", "on")]] {
            let answer = client.publish(&[topics, private].concat());
            assert_eq!(answer.status(), 403, "{topics:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        }
    }
    assert_eq!(until_end(&everything, &mut listener), ["1", "2"]);
}

// 1.4 An event that the hub cannot store is the hub's failure (5xx): `lifecycle/disk_full.rs` has it for every front.
