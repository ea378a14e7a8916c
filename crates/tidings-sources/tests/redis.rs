//! The Redis source against a real server: what is published there arrives once, in order and unchanged, also after
//! the server was away.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use rustix::process::Signal;
use support::{
    Fixture,
    certificates::Certificates,
    data, pairs,
    redis::{Redis, free_port},
};
use tidings_sources::{SourceState, Sources};

fn running(sources: &Sources) -> bool {
    sources.status().iter().all(|status| status.state == SourceState::Running)
}

fn retrying(sources: &Sources) -> bool {
    !sources.is_ready()
}

fn toml(server: &Redis, rest: &str) -> String {
    format!("kind = \"redis\"\nurl = \"redis://127.0.0.1:{}\"\n{rest}", server.port)
}

/// A source that works.
async fn subscribed(server: &Redis, rest: &str) -> Fixture {
    let fixture = Fixture::start([toml(server, rest).as_str()]);
    fixture.until("subscribed", running).await;
    fixture
}

#[tokio::test]
async fn a_channel_is_received_whatever_laravels_prefix_is() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"messages-channel\"]").await;
    let mut client = server.client();
    let channels = ["", "laravel_database_", "my_shop_database_", "laravel-database-", "my-shop-database-"];
    for prefix in channels {
        assert_eq!(
            client.publish(format!("{prefix}messages-channel"), prefix),
            1,
            "subscriptions of {prefix}"
        );
    }
    client.publish("other", "not subscribed to");
    client.publish("messages-channel", "last");
    let expected: Vec<_> =
        channels.iter().chain(&["last"]).map(|&data| ("messages-channel".into(), data.into())).collect();
    assert_eq!(pairs(&fixture.wait_for(expected.len()).await), expected);
}

#[tokio::test]
async fn overlapping_subscriptions_deliver_once_and_equal_messages_all_arrive() {
    let server = Redis::start();
    let fixture = subscribed(
        &server,
        "channels = [\"orders.7\"]\npatterns = [\"orders.*\", \"order?.[7-9]\", \"*.7\"]",
    )
    .await;
    let mut client = server.client();
    for channel in
        ["orders.7", "orders.7", "laravel_database_orders.7", "laravel_database_orders.7", "orders.8"]
    {
        assert!(client.publish(channel, "same") > 1, "{channel} is not subscribed to more than once");
    }
    client.publish("orders.7", "last");
    let events = pairs(&fixture.wait_for(6).await);
    let topics: Vec<_> = events.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(topics, ["orders.7", "orders.7", "orders.7", "orders.7", "orders.8", "orders.7"]);
    assert_eq!(events[5].1, "last");
}

#[tokio::test]
async fn a_pattern_takes_prefixes_off_and_topics_can_be_given() {
    let server = Redis::start();
    let rest = "patterns = [\"*\"]\nevent = \"update\"\ntopics = { a = \"letters\" }";
    let fixture = subscribed(&server, rest).await;
    let mut client = server.client();
    for channel in ["laravel_database_a", "my-shop-database-private-orders.7", "plain"] {
        client.publish(channel, "x");
    }
    let events = fixture.wait_for(3).await;
    let topics: Vec<_> = pairs(&events).into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, ["letters", "private-orders.7", "plain"]);
    assert!(events.iter().all(|event| event.publication.event.as_deref() == Some("update")));
    assert_eq!(
        events.iter().map(|event| event.publication.private).collect::<Vec<_>>(),
        [false, true, false]
    );
}

#[tokio::test]
async fn names_with_special_characters_are_exact() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"a*[b]?\"]").await;
    let mut client = server.client();
    assert_eq!(client.publish("laravel_database_aXb1", "matches only if * is special"), 0);
    client.publish("laravel_database_a*[b]?", "right");
    assert_eq!(pairs(&fixture.wait_for(1).await), [("a*[b]?".to_owned(), "right".to_owned())]);
}

#[tokio::test]
async fn data_passes_byte_for_byte_and_what_is_not_utf8_is_replaced() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"c\"]").await;
    let mut client = server.client();
    let large = "x".repeat(300_000);
    let exact = [
        r#"{"a":{},"b":1.0,"c":12345678901234567890,"d":"\u00e9\/"}"#,
        "",
        "two\nlines\r\n",
        "北京 \0",
        &large,
    ];
    for text in exact {
        client.publish("c", text);
    }
    client.publish("c", b"caf\xe9");
    let got = data(&fixture.wait_for(exact.len() + 1).await);
    assert_eq!(got[..exact.len()], exact);
    assert_eq!(got[exact.len()], "caf\u{fffd}");
    assert_eq!(fixture.sources.status()[0].altered, 1);
}

#[tokio::test]
async fn a_template_wraps_messages() {
    let server = Redis::start();
    let rest = r#"patterns = ["*"]
        topic = "all"
        template = '{"channel":{{channel_json}},"text":{{data_json}}}'"#;
    let fixture = subscribed(&server, rest).await;
    server.client().publish("laravel_database_a", "say \"hi\"");
    let expected = r#"{"channel":"a","text":"say \"hi\""}"#;
    assert_eq!(pairs(&fixture.wait_for(1).await), [("all".to_owned(), expected.to_owned())]);
}

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order_over_one_connection() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"a\", \"b\"]\npatterns = [\"c*\"]").await;
    let mut client = server.client();
    let subscribers = client.command(&[b"CLIENT", b"LIST", b"TYPE", b"pubsub"]);
    assert_eq!(subscribers.lines().filter(|line| !line.is_empty()).count(), 1, "{subscribers}");

    let numbers: Vec<_> = (0..10_000).map(|number: u32| number.to_string()).collect();
    for chunk in numbers.chunks(500) {
        let commands: Vec<_> =
            chunk.iter().map(|number| vec![&b"PUBLISH"[..], b"a", number.as_bytes()]).collect();
        client.pipeline(&commands);
    }
    assert_eq!(data(&fixture.wait_for(numbers.len()).await), numbers);
    fixture.until("all counted", |sources| sources.status()[0].events == 10_000).await;
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again() {
    let mut server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"c\"]").await;
    server.client().publish("c", "before");
    fixture.wait_for(1).await;
    server.kill();
    fixture.until("retrying", retrying).await;
    let status = &fixture.sources.status()[0];
    assert!(status.failures > 0 && status.detail.is_some(), "{status:?}");

    server.launch();
    fixture.until("subscribed again", running).await;
    server.client().publish("laravel_database_c", "after");
    assert_eq!(data(&fixture.wait_for(2).await), ["before", "after"]);
}

#[tokio::test]
async fn a_server_need_not_be_there_at_the_start() {
    let mut server = Redis::prepared(&[]);
    let fixture = Fixture::start([toml(&server, "channels = [\"c\"]").as_str()]);
    fixture.until("retrying", retrying).await;
    server.launch();
    fixture.until("subscribed", running).await;
    server.client().publish("c", "x");
    assert_eq!(data(&fixture.wait_for(1).await), ["x"]);
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"c\"]\nping_every = \"100ms\"\ntimeout = \"2s\"").await;
    server.signal(Signal::STOP);
    fixture.until("retrying", retrying).await;
    server.signal(Signal::CONT);
    fixture.until("subscribed again", running).await;
    server.client().publish("c", "x");
    assert_eq!(data(&fixture.wait_for(1).await), ["x"]);
}

#[tokio::test]
async fn an_idle_connection_is_kept() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"c\"]\nping_every = \"10ms\"").await;
    let pings = |info: &str| {
        let calls = info.lines().find_map(|line| line.strip_prefix("cmdstat_ping:calls=")?.split(',').next());
        calls.map_or(0, |calls| calls.parse::<u32>().unwrap())
    };
    fixture
        .until("pinged a few times", |_| pings(&server.client().command(&[b"INFO", b"commandstats"])) >= 5)
        .await;
    assert_eq!(fixture.sources.status()[0].failures, 0);
}

#[tokio::test]
async fn passwords_are_used_and_never_shown() {
    let mut server = Redis::prepared(&["--requirepass", "correct-horse"]);
    server.launch();
    let url = |password: &str| {
        format!(
            "kind = \"redis\"\nurl = \"redis://:{password}@127.0.0.1:{}\"\nchannels = [\"c\"]",
            server.port
        )
    };
    let right = Fixture::start([url("correct-horse").as_str()]);
    right.until("subscribed", running).await;

    let wrong = Fixture::start([url("battery-staple").as_str()]);
    wrong.until("retrying", retrying).await;
    let status = wrong.sources.status();
    assert!(status[0].detail.as_ref().is_some_and(|detail| detail.contains("WRONGPASS")), "{status:?}");
    assert!(!format!("{status:?} {:?}", wrong.sources).contains("battery-staple"));
}

#[tokio::test]
async fn a_refused_subscription_is_told_in_the_servers_words() {
    let server = Redis::start();
    let rules = ["on", ">pw", "+@all", "resetchannels", "&allowed"].map(str::as_bytes);
    server.client().command(&[&[&b"ACL"[..], b"SETUSER", b"limited"], &rules[..]].concat());
    let source = |channel| {
        format!(
            "kind = \"redis\"\nurl = \"redis://limited:pw@127.0.0.1:{}\"\nstrip_prefixes = []\nchannels = [\"{channel}\"]",
            server.port
        )
    };
    let fixture = Fixture::start([source("allowed").as_str(), source("other").as_str()]);
    fixture
        .until("told", |sources| {
            let status = sources.status();
            let detail = status[1].detail.as_deref();
            status[0].state == SourceState::Running
                && detail.is_some_and(|detail| detail.contains("refuses the subscription: NOPERM"))
        })
        .await;
}

#[tokio::test]
async fn a_connection_can_be_encrypted() {
    let (certificates, others, tls_port) = (Certificates::new(), Certificates::new(), free_port());
    let path = |file| certificates.path(file).display().to_string();
    let mut server = Redis::prepared(&[
        "--tls-port",
        &tls_port.to_string(),
        "--tls-cert-file",
        &path("server.pem"),
        "--tls-key-file",
        &path("server.key"),
        "--tls-ca-cert-file",
        &path("authority.pem"),
        "--tls-auth-clients",
        "no",
    ]);
    server.launch();
    let source = |host: &str, port: u16, certificates: &Certificates| {
        format!(
            "kind = \"redis\"\nurl = \"rediss://{host}:{port}\"\nca_file = \"{}\"\nping_every = \"10ms\"\n\
             channels = [\"c\"]",
            certificates.path("authority.pem").display()
        )
    };
    let fixture = Fixture::start([source("127.0.0.1", tls_port, &certificates).as_str()]);
    fixture.until("subscribed", running).await;
    let large = "x".repeat(300_000);
    let mut client = server.client();
    for text in ["", "two\nlines", &large] {
        client.publish("c", text);
    }
    assert_eq!(data(&fixture.wait_for(3).await), ["", "two\nlines", &large]);
    assert_eq!(fixture.sources.status()[0].failures, 0);

    // Not signed by whom we trust; not for this name; not encrypted at all.
    let bad = [
        (source("127.0.0.1", tls_port, &others), "certificate"),
        (source("localhost", tls_port, &certificates), "certificate"),
        (source("127.0.0.1", server.port, &certificates), "Redis cannot be reached"),
    ];
    for (source, part) in bad {
        let fixture = Fixture::start([source.as_str()]);
        fixture.until("retrying", retrying).await;
        let status = fixture.sources.status();
        assert!(status[0].detail.as_ref().is_some_and(|detail| detail.contains(part)), "{status:?}");
        client.publish("c", "secret");
        assert!(fixture.events().await.is_empty());
    }
}

#[tokio::test]
async fn stopping_closes_the_connection_and_keeps_what_came() {
    let server = Redis::start();
    let fixture = subscribed(&server, "channels = [\"c\"]").await;
    let mut client = server.client();
    client.publish("c", "x");
    fixture.wait_for(1).await;
    fixture.sources.stop().await;
    let deadline = std::time::Instant::now() + support::BOUND;
    while client.publish("c", "y") > 0 {
        assert!(std::time::Instant::now() < deadline, "still subscribed");
    }
}

/// Which delivery of a message counts is decided by this crate's own understanding of patterns; if it were not the
/// server's, messages would be lost or doubled.
#[tokio::test]
async fn patterns_mean_what_they_mean_to_the_server() {
    const SEED: u64 = 7;
    // Well-formed and broken elements; few patterns at a time, so that each is the first to match now and then.
    const ELEMENTS: [&str; 20] = [
        "a", "b", "c", "*", "?", "[a-b]", "[c-b]", "[^b]", "[^a-b]", "[ac]", "\\*", "\\", "[\\]a]",
        "[a\\-c]", "[", "]", "-", "^", "[b-", "[]",
    ];
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut text = |elements: &[&str], most: usize| -> String {
        let length = random.usize(1..=most);
        (0..length).map(|_| elements[random.usize(..elements.len())]).collect()
    };
    let server = Redis::start();
    let mut client = server.client();
    let mut matched = 0;
    for round in 0..60 {
        let patterns: Vec<String> = std::iter::repeat_with(|| text(&ELEMENTS, 4))
            .filter(|pattern| pattern.bytes().any(|byte| byte != b'*'))
            .take(6)
            .collect();
        let listed: Vec<_> = patterns.iter().map(|pattern| format!("'{pattern}'")).collect();
        let rest = format!("strip_prefixes = []\ntopic = \"t\"\npatterns = [{}, 'last']", listed.join(", "));
        let fixture = subscribed(&server, &rest).await;
        let mut expected = Vec::new();
        for number in 0..100 {
            let channel = text(&["a", "b", "c", "-", "\\", "]", "^", "[", "*"], 3);
            let data = format!("{number} {channel}");
            if client.publish(&channel, &data) > 0 {
                expected.push(data);
            }
        }
        matched += expected.len();
        client.publish("last", "last");
        expected.push("last".to_owned());
        let got = data(&fixture.wait_for(expected.len()).await);
        assert_eq!(got, expected, "round {round} of seed {SEED}: {patterns:?}");
        fixture.sources.stop().await;
    }
    assert!(matched > 1000, "the patterns match too little to prove anything: {matched}");
}
