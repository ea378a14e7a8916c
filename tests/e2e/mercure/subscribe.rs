//! 1.3: subscribing. Not here: how a stream ends (`terms.rs`), and cursors (`resume.rs`).

use super::{
    client::{Client, PATH, configured, form, hub, selected, until_end},
    token::{v1, v1_all},
};
use crate::support::wait_until;

const ANONYMOUS: &str = "[anonymous]\nsubscribe = ['*']";

/// Which of the topics a pattern selects.
fn matched(client: &Client<'_>, pattern: &str, topics: &[&str]) -> Vec<String> {
    selected(client, &[("match_urlpattern", pattern)], topics)
}

// 1.3 The query is form-encoded: `+` is a space, and an escape is undone once.
#[test]
fn the_query_is_form_encoded() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for (query, topic) in [("match=a+b", "a b"), ("match=a%2Bb", "a+b"), ("m%61tch=a%2520b", "a%20b")] {
        let mut listener = client.subscribe_raw("GET", query, b"").unwrap();
        client.published(&[("topic", topic), ("data", topic)]);
        assert_eq!(listener.event().data, topic);
    }
}

// 1.3 `match` and `match_exact` are exact, byte for byte: neither templates nor patterns, no normal form.
#[test]
fn exact_is_exact() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let topics = [
        "https://example.com/a",
        "https://EXAMPLE.com/a",
        "https://example.com/a/",
        "https://example.com/%61",
        "/books/{id}",
        "/books/1",
        "/books/:id",
        "/books/*",
        "{unclosed",
        "é",
        "e\u{301}",
    ];
    for parameter in ["match", "match_exact"] {
        for topic in topics {
            assert_eq!(selected(&client, &[(parameter, topic)], &topics), [topic], "{parameter}={topic}");
        }
    }
}

// 1.3 Any may repeat: the result is the OR of all.
#[test]
fn several_matchers_select_what_any_of_them_does() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let subscription = [
        ("match", "a"),
        ("match", "b"),
        ("match_exact", "c"),
        ("match_urlpattern", "/d/:id"),
        ("match_urlpattern", "/e/*"),
        ("match", "a"),
    ];
    let topics = ["a", "b", "c", "/d/1", "/d/1/2", "/e/1/2", "f", "A"];
    assert_eq!(selected(&client, &subscription, &topics), ["a", "b", "c", "/d/1", "/e/1/2"]);
}

// 1.3 The value `*` in any of them is every topic.
#[test]
fn a_star_selects_everything() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let topics = ["a", "https://example.com/a/b", "not a url: %", "urn:x:y", "//"];
    for parameter in ["match", "match_exact", "match_urlpattern"] {
        let mut listener = client.listen(&[(parameter, "*")]);
        for topic in topics {
            client.published(&[("topic", topic), ("data", topic)]);
        }
        assert_eq!(until_end(&client, &mut listener), topics, "{parameter}");
    }
}

// 1.3 Any other parameter whose name begins with `match`, in whatever case → 400.
#[test]
fn unknown_parameters_of_the_match_family_are_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for name in [
        "Match",
        "MATCH",
        "matchexact",
        "matchExact",
        "match_EXACT",
        "match_regexp",
        "match_urltemplate",
        "match_",
        "match[]",
        "matches",
        "matchURLPattern",
    ] {
        let answer = client.refused(&[("match", "a"), (name, "b")]);
        assert_eq!(answer.status(), 400, "{name}");
        assert!(answer.text().contains(name), "{}", answer.text());
    }
    // Other names are nobody's, and names are case-sensitive.
    client.listen(&[("match", "a"), ("_", "1"), ("unknown", "x"), ("mat", "c"), ("authorization", "x")]);
}

// 1.3 `topic` on a hub of 1.0 alone → 400 with a hint. (Where 0.x is on, it is a subscription of 0.x.)
#[test]
fn the_parameter_of_0_x_is_refused_with_a_hint_where_that_is_off() {
    let hub = configured("dialects = ['1.0']", "");
    let client = Client::with(&hub, &v1_all());
    for fields in [&[("topic", "a")][..], &[("match", "a"), ("topic", "a")]] {
        let answer = client.refused(fields);
        assert_eq!(answer.status(), 400);
        assert!(answer.text().contains("match"), "{}", answer.text());
    }
}

// 1.3 No matcher at all → 400.
#[test]
fn a_subscription_without_a_matcher_is_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for fields in [&[][..], &[("last_event_id", "earliest")], &[("other", "x")]] {
        assert_eq!(client.refused(fields).status(), 400, "{fields:?}");
    }
    let answer = client.subscribe_raw("QUERY", "", b"").unwrap_err();
    assert_eq!(answer.status(), 400);
}

// 1.3 A bad pattern → 400, and what the engine says does not leak.
#[test]
fn a_bad_pattern_is_refused_in_a_sentence() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for pattern in ["{unclosed", "/a/:", "/a/(unclosed", "https://exa mple.com:abc/", "/(?<=a)", "/:a/:a"] {
        let answer = client.refused(&[("match_urlpattern", pattern)]);
        assert_eq!(answer.status(), 400, "{pattern}");
        let text = answer.text();
        assert!(text.len() < 500 && !text.contains("regex parse error"), "{pattern}: {text}");
    }
}

// 1.3 An empty `match` is the exact topic "", which nobody can publish to (1.4). The reference accepts it, though it can never
// match; here whoever asks for nothing else is told so.
#[test]
fn an_empty_match_alone_asks_for_nothing() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    assert_eq!(client.refused(&[("match", "")]).status(), 400);
    assert_eq!(selected(&client, &[("match", ""), ("match", "a")], &["a"]), ["a"]);
}

// 1.3 100 matchers in a request, of 4096 bytes each.
#[test]
fn matchers_are_limited_in_number_and_length() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let texts: Vec<String> = (0..101).map(|number| format!("topic-{number}")).collect();
    let fields: Vec<_> = texts.iter().map(|text| ("match", text.as_str())).collect();
    assert_eq!(selected(&client, &fields[1..100], &["topic-99", "topic-0"]), ["topic-99"]);
    client.listen(&fields[..100]);
    assert_eq!(client.refused(&fields).status(), 400);
    let longest = "x".repeat(4096);
    for parameter in ["match", "match_exact", "match_urlpattern"] {
        client.listen(&[(parameter, &longest)]);
        assert_eq!(client.refused(&[(parameter, &format!("{longest}x"))]).status(), 400, "{parameter}");
    }
}

// 1.3 QUERY has the same parameters in its body, beside those of the query.
#[test]
fn a_query_request_has_parameters_in_its_body_and_its_query() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let body = form(&[("match", "b"), ("match_urlpattern", "/c/:id"), ("match", "urn:example:the-end")]);
    let mut listener = client.subscribe_raw("QUERY", "match=a", body.as_bytes()).unwrap();
    for topic in ["a", "b", "/c/1", "d"] {
        client.published(&[("topic", topic), ("data", topic)]);
    }
    assert_eq!(until_end(&client, &mut listener), ["a", "b", "/c/1"]);
    // The rules are the same.
    let answer = client.subscribe_raw("QUERY", "match=a", b"match_regexp=x").unwrap_err();
    assert_eq!(answer.status(), 400);
}

// 1.3 The body of a QUERY is at most 1 MiB → 413.
#[test]
fn the_body_of_a_query_request_is_limited() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let body = |size: usize| format!("match=a&p={}", "x".repeat(size - "match=a&p=".len()));
    client.subscribe_raw("QUERY", "", body(1 << 20).as_bytes()).unwrap();
    for size in [(1 << 20) + 1, 3 << 20] {
        let answer = client.subscribe_raw("QUERY", "", body(size).as_bytes()).unwrap_err();
        assert_eq!(answer.status(), 413);
    }
}

// 1.3 A token is optional where anonymous subscribers are allowed, else none → 401. A bad one is never anonymous.
#[test]
fn who_has_no_token_is_let_in_only_where_anybody_is() {
    let closed = hub();
    assert_eq!(Client::of(&closed).refused(&[("match", "a")]).status(), 401);
    let open = configured("", ANONYMOUS);
    let mut listener = Client::of(&open).listen(&[("match", "a")]);
    Client::with(&open, &v1_all()).published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(listener.event().data, "x");
    for hub in [&open, &closed] {
        for token in ["not.a.token-that-is-long-enough-to-be-looked-at", &v1_all().replace('.', "-x.")] {
            assert_eq!(Client::with(hub, token).refused(&[("match", "a")]).status(), 401, "{token}");
        }
    }
}

// 1.3 Here anonymous subscribers can be allowed some topics only. Who asks for others is told to show a token.
#[test]
fn who_has_no_token_gets_what_anybody_may() {
    let hub = configured("", "[anonymous]\nsubscribe = ['public.*']");
    let (nobody, publisher) = (Client::of(&hub), Client::with(&hub, &v1_all()));
    assert_eq!(nobody.refused(&[("match", "internal")]).status(), 401);
    let mut listeners = [nobody.listen(&[("match", "public.a")]), nobody.listen(&[("match", "*")])];
    for topic in ["internal", "public.a"] {
        publisher.published(&[("topic", topic), ("data", topic)]);
    }
    for listener in &mut listeners {
        assert_eq!(listener.event().data, "public.a");
    }
}

// 1.3 In order: parameters and body are read, the token is checked, then matchers are.
#[test]
fn the_token_is_checked_before_the_matchers() {
    let hub = hub();
    let nobody = Client::of(&hub);
    assert_eq!(nobody.refused(&[("match_urlpattern", "{unclosed")]).status(), 401);
    assert_eq!(nobody.refused(&[("match", "a\tb")]).status(), 401);
    // What cannot be read is not asked about.
    assert_eq!(nobody.subscribe_raw("GET", "match=%FF", b"").unwrap_err().status(), 400);
}

// 1.3 URL Pattern rules: the reference's expected results.
#[test]
fn url_patterns_match_as_expected() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let topics = [
        "https://example.com/books/123",
        "https://EXAMPLE.com/books/123",
        "https://example.com/authors/123",
        "https://example.com/BOOKS/123",
        "https://example.com/a/b/c",
        "/books/123",
        "https://hub.example/books/123",
        "https://[not a url",
    ];
    // The case of a host does not count, that of a path does.
    assert_eq!(matched(&client, "https://example.com/books/:id", &topics), topics[..2]);
    assert_eq!(matched(&client, "https://example.com/*", &topics), topics[..5]);
    // Relative patterns and topics are relative to the hub.
    assert_eq!(matched(&client, "/books/:id", &topics), topics[5..7]);
    // What is no URL is matched by no pattern, `*` alone being none.
    assert_eq!(matched(&client, "*://*/*", &topics), topics[..7]);
}

// 1.3 URL Pattern rules: without a configured address a dummy is the base, so that relative matches relative.
#[test]
fn without_an_address_of_its_own_relative_patterns_match_relative_topics() {
    let hub = crate::support::Hub::start();
    let client = Client::of(&hub);
    let topics = ["/books/1", "https://example.com/books/1"];
    assert_eq!(matched(&client, "/books/:id", &topics), topics[..1]);
    assert_eq!(matched(&client, "https://example.com/books/:id", &topics), topics[1..]);
}

// 1.3 Success: the headers of a stream, and a comment at once. Further headers of the reference (Pragma, Expire,
// X-Frame-Options and so on) mean nothing on a stream and are not copied.
#[test]
fn a_subscription_is_answered_at_once() {
    let hub = hub();
    let cookie = format!("__Secure-mercure_access_token={}", v1_all());
    let mut listener = Client::of(&hub).header("Cookie", cookie).listen(&[("match", "a")]);
    assert_eq!(listener.head.line, "HTTP/1.1 200 OK");
    assert_eq!(listener.head.header("content-type"), Some("text/event-stream"));
    assert!(listener.head.header("cache-control").unwrap().contains("no-cache"));
    assert_eq!(listener.head.header("x-accel-buffering"), Some("no"));
    // What the reference sends next is the first event. Here it is the cursor of a subscriber who has seen none yet, so
    // that a browser whose connection breaks now misses nothing either.
    assert_eq!(listener.bytes_to("\n\n"), ":\nid: earliest\n\n");
    // Whoever sends headers is a library, and some take a frame without data for a message.
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    let id = client.published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(listener.bytes_to("\n\n"), format!(":\nid: {id}\ndata: x\n\n"));
}

// 1.3 HEAD: the same headers, and nobody subscribes.
#[test]
fn head_has_the_headers_and_no_stream() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let answer = client.request("HEAD", &format!("{PATH}?match=a&last_event_id=earliest"), b"");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("mercure-last-event-id"), Some("earliest"));
    // The same rules.
    assert_eq!(client.request("HEAD", PATH, b"").status(), 400);
    assert_eq!(Client::of(&hub).request("HEAD", &format!("{PATH}?match=a"), b"").status(), 401);
}

// 1.3 Frame layout. Fields stand in the order of all this hub's streams (id, event, retry, data), because an event is
// encoded once for everybody; a reader must not mind (WHATWG HTML, 9.2.6).
#[test]
fn an_event_stands_on_the_wire_with_the_fields_that_were_given() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    assert_eq!(listener.bytes_to(":\n"), ":\n");
    for (fields, expected) in [
        (&[("data", "x")][..], "data: x\n\n"),
        (&[("type", "t"), ("retry", "5"), ("data", "x")], "event: t\nretry: 5\ndata: x\n\n"),
        // A retry of 0 is not sent.
        (&[("retry", "0"), ("data", "x")], "data: x\n\n"),
        // Data is split at each kind of line end.
        (&[("data", "a\r\nb\rc\nd")], "data: a\ndata: b\ndata: c\ndata: d\n\n"),
        // Without data there is an empty line of it.
        (&[], "data: \n\n"),
        (&[("data", "")], "data: \n\n"),
    ] {
        let id = client.published(&[&[("topic", "a")], fields].concat());
        assert_eq!(listener.bytes_to("\n\n"), format!("id: {id}\n{expected}"), "{fields:?}");
    }
}

// 1.3 Heartbeat: the comment `:` after some silence (here 15 s unless configured, the reference's 40 s).
#[test]
fn silence_is_filled_with_comments() {
    let hub = configured("", "[stream]\nheartbeat = '100ms'");
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "a")]);
    assert_eq!(listener.bytes_to("\n:\n:\n"), ":\n:\n:\n");
    let id = client.published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(listener.event().id, id);
}

// 1.3 A subscriber that leaves is forgotten.
#[test]
fn who_leaves_is_forgotten() {
    let hub =
        configured("", "[[keys]]\nname = 'operator'\nsecret = 'the-secret-of-an-operator'\nadmin = true");
    let subscribers = || {
        let operator = Client::with(&hub, "the-secret-of-an-operator");
        operator.get("/stats").json()["subscribers"].as_u64()
    };
    let listener = Client::with(&hub, &v1(&["subscribe"], &["*"])).listen(&[("match", "a")]);
    assert_eq!(subscribers(), Some(1));
    drop(listener);
    wait_until("nobody is subscribed", || subscribers() == Some(0));
}
