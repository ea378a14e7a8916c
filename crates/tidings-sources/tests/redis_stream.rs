//! The source of Redis Streams against a real server: every entry arrives once and in order, whoever was away meanwhile,
//! and what is wrong shows.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use support::{
    Fixture, data, pairs,
    redis::{Client, Redis},
};
use tidings_sources::{SourceState, Sources};

fn running(sources: &Sources) -> bool {
    sources.status().iter().all(|status| status.state == SourceState::Running)
}

fn toml(server: &Redis, rest: &str) -> String {
    format!("kind = \"redis_stream\"\nurl = \"redis://127.0.0.1:{}\"\n{rest}", server.port)
}

/// A source that works.
async fn reading(server: &Redis, rest: &str) -> Fixture {
    let fixture = Fixture::start([toml(server, rest).as_str()]);
    fixture.until("reading", running).await;
    fixture
}

/// Adds an entry with these fields, and answers its id.
fn add(client: &mut Client, stream: &str, fields: &[&str]) -> String {
    let mut command = vec![&b"XADD"[..], stream.as_bytes(), b"*"];
    command.extend(fields.iter().map(|field| field.as_bytes()));
    client.command(&command)
}

/// How many entries are read and not acknowledged.
fn pending(client: &mut Client, stream: &str) -> String {
    let summary = client.command(&[b"XPENDING", stream.as_bytes(), b"tidings"]);
    summary.lines().next().unwrap().to_owned()
}

async fn until_acknowledged(client: &mut Client, stream: &str) {
    let deadline = std::time::Instant::now() + support::BOUND;
    while pending(client, stream) != "0" {
        assert!(std::time::Instant::now() < deadline, "entries stay pending");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn entries_of_several_streams_go_to_their_topics() {
    let server = Redis::start();
    let fixture = reading(&server, "streams = [\"events\", \"laravel_database_orders\", \"events\"]").await;
    let mut client = server.client();
    add(&mut client, "events", &["topic", "orders.7", "event", "shipped", "data", "{\"a\":1.0}"]);
    fixture.wait_for(1).await;
    add(&mut client, "laravel_database_orders", &["data", "x"]);
    let events = fixture.wait_for(2).await;
    let expected = [("orders.7", "{\"a\":1.0}"), ("orders", "x")];
    assert_eq!(pairs(&events), expected.map(|(topic, data)| (topic.to_owned(), data.to_owned())));
    assert_eq!(events[0].publication.event.as_deref(), Some("shipped"));
    until_acknowledged(&mut client, "events").await;
    until_acknowledged(&mut client, "laravel_database_orders").await;
}

#[tokio::test]
async fn the_start_is_new_or_earliest() {
    let server = Redis::start();
    let mut client = server.client();
    add(&mut client, "events", &["data", "before"]);
    let new = reading(&server, "streams = [\"events\"]\ngroup = \"new\"").await;
    let earliest = reading(&server, "streams = [\"events\"]\ngroup = \"old\"\nstart = \"earliest\"").await;
    add(&mut client, "events", &["data", "after"]);
    assert_eq!(data(&earliest.wait_for(2).await), ["before", "after"]);
    assert_eq!(data(&new.wait_for(1).await), ["after"]);
}

#[tokio::test]
async fn ten_thousand_entries_arrive_in_order_and_are_acknowledged() {
    let server = Redis::start();
    let fixture = reading(&server, "streams = [\"events\"]").await;
    let mut client = server.client();
    let numbers: Vec<_> = (0..10_000).map(|number: u32| number.to_string()).collect();
    for chunk in numbers.chunks(500) {
        let add = |number: &String| {
            vec![&b"XADD"[..], b"events", b"*", b"data"]
                .into_iter()
                .map(<[u8]>::to_vec)
                .chain([number.clone().into_bytes()])
                .collect::<Vec<_>>()
        };
        let commands: Vec<_> = chunk.iter().map(add).collect();
        let commands: Vec<Vec<&[u8]>> =
            commands.iter().map(|command| command.iter().map(Vec::as_slice).collect()).collect();
        client.pipeline(&commands);
    }
    assert_eq!(data(&fixture.wait_for(numbers.len()).await), numbers);
    until_acknowledged(&mut client, "events").await;
}

#[tokio::test]
async fn what_was_read_and_not_acknowledged_comes_first_and_once() {
    let server = Redis::start();
    let mut client = server.client();
    client.command(&[b"XGROUP", b"CREATE", b"events", b"tidings", b"0", b"MKSTREAM"]);
    for number in ["1", "2", "3"] {
        add(&mut client, "events", &["data", number]);
    }
    // What a hub has done that was killed before it could acknowledge.
    client.command(&[
        b"XREADGROUP",
        b"GROUP",
        b"tidings",
        b"tidings",
        b"COUNT",
        b"2",
        b"STREAMS",
        b"events",
        b">",
    ]);
    let fixture = reading(&server, "streams = [\"events\"]").await;
    assert_eq!(data(&fixture.wait_for(3).await), ["1", "2", "3"]);
    until_acknowledged(&mut client, "events").await;

    // Read anew, all of them are known.
    client.command(&[b"XGROUP", b"SETID", b"events", b"tidings", b"0"]);
    add(&mut client, "events", &["data", "4"]);
    assert_eq!(data(&fixture.wait_for(4).await), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn entries_that_cannot_be_published_hold_up_nobody() {
    let server = Redis::start();
    let fixture = reading(&server, "streams = [\"events\"]").await;
    let mut client = server.client();
    add(&mut client, "events", &["message", "x"]);
    add(&mut client, "events", &["topic", "", "data", "y", "id", "earliest"]);
    add(&mut client, "events", &["data", "good"]);
    assert_eq!(data(&fixture.wait_for(1).await), ["good"]);
    fixture.until("both are counted", |sources| sources.status()[0].dropped == 2).await;
    until_acknowledged(&mut client, "events").await;
}

#[tokio::test]
async fn a_group_or_stream_that_was_deleted_is_made_again_where_it_was() {
    let server = Redis::start();
    let fixture = reading(&server, "streams = [\"events\"]").await;
    let mut client = server.client();
    add(&mut client, "events", &["data", "1"]);
    fixture.wait_for(1).await;
    until_acknowledged(&mut client, "events").await;
    client.pipeline(&[
        vec![b"XGROUP", b"DESTROY", b"events", b"tidings"],
        vec![b"XADD", b"events", b"*", b"data", b"2"],
    ]);
    assert_eq!(data(&fixture.wait_for(2).await), ["1", "2"]);
    until_acknowledged(&mut client, "events").await;
    // With smaller ids than those before.
    client.pipeline(&[vec![b"DEL", b"events"], vec![b"XADD", b"events", b"1-1", b"data", b"3"]]);
    assert_eq!(data(&fixture.wait_for(3).await), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_key_that_is_no_stream_is_said_so_and_read_once_it_is() {
    let server = Redis::start();
    let mut client = server.client();
    client.command(&[b"SET", b"events", b"x"]);
    let fixture = Fixture::start([toml(&server, "streams = [\"events\"]").as_str()]);
    fixture.until("retrying", |sources| !sources.is_ready()).await;
    let detail = fixture.sources.status()[0].detail.clone().unwrap();
    assert!(detail.contains("\"events\": WRONGTYPE"), "{detail}");
    client.command(&[b"DEL", b"events"]);
    fixture.until("reading", running).await;
    add(&mut client, "events", &["data", "1"]);
    assert_eq!(data(&fixture.wait_for(1).await), ["1"]);
}

#[tokio::test]
async fn entries_that_were_trimmed_unread_are_counted_once() {
    let server = Redis::start();
    let mut client = server.client();
    let rest = "streams = [\"events\"]\nstart = \"earliest\"";
    client.command(&[b"XGROUP", b"CREATE", b"events", b"tidings", b"0", b"MKSTREAM", b"ENTRIESREAD", b"0"]);
    for number in ["1", "2", "3", "4", "5"] {
        add(&mut client, "events", &["data", number]);
    }
    // Two are pending, of which one is trimmed; two more are trimmed unread.
    client.command(&[
        b"XREADGROUP",
        b"GROUP",
        b"tidings",
        b"tidings",
        b"COUNT",
        b"1",
        b"STREAMS",
        b"events",
        b">",
    ]);
    client.command(&[b"XTRIM", b"events", b"MAXLEN", b"2"]);
    let first = reading(&server, rest).await;
    assert_eq!(data(&first.wait_for(2).await), ["4", "5"]);
    until_acknowledged(&mut client, "events").await;
    assert_eq!(first.sources.status()[0].dropped, 3);
    first.sources.stop().await;

    let second = reading(&server, rest).await;
    add(&mut client, "events", &["data", "6"]);
    assert_eq!(data(&second.wait_for(1).await), ["6"]);
    assert_eq!(second.sources.status()[0].dropped, 0);
}

#[tokio::test]
async fn entries_too_large_to_be_read_together_are_read_apart() {
    let server = Redis::start();
    let mut client = server.client();
    let large = "x".repeat(1 << 20);
    for _ in 0..70 {
        add(&mut client, "events", &["data", &large]);
    }
    let rest = "streams = [\"events\"]\nstart = \"earliest\"";
    let fixture = Fixture::start([toml(&server, rest).as_str()]);
    assert_eq!(fixture.wait_for(70).await.len(), 70);
    until_acknowledged(&mut client, "events").await;
}

#[tokio::test]
async fn an_entry_too_large_to_be_read_is_passed_over() {
    let server = Redis::start();
    let mut client = server.client();
    client.command(&[b"XADD", b"events", b"*", b"data", &vec![b'x'; 65 << 20]]);
    add(&mut client, "events", &["data", "after it"]);
    let rest = "streams = [\"events\"]\nstart = \"earliest\"";
    let fixture = Fixture::start([toml(&server, rest).as_str()]);
    assert_eq!(data(&fixture.wait_for(1).await), ["after it"]);
    assert_eq!(fixture.sources.status()[0].dropped, 1);
    until_acknowledged(&mut client, "events").await;
}

/// As of a hub whose machine is gone without a word: Redis goes on answering it.
#[tokio::test]
async fn what_was_given_to_a_connection_that_nobody_reads_from_is_not_lost() {
    let server = Redis::start();
    let mut client = server.client();
    client.command(&[b"XGROUP", b"CREATE", b"events", b"tidings", b"0", b"MKSTREAM"]);
    let gone = std::thread::spawn({
        let mut gone = server.client();
        move || {
            let read = ["XREADGROUP", "GROUP", "tidings", "tidings", "BLOCK", "0", "STREAMS", "events", ">"];
            gone.command(&read.map(str::as_bytes))
        }
    });
    let deadline = std::time::Instant::now() + support::BOUND;
    while !client.command(&[b"CLIENT", b"LIST"]).contains("cmd=xreadgroup") {
        assert!(std::time::Instant::now() < deadline, "the read does not block");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let fixture = reading(&server, "streams = [\"events\"]").await;
    add(&mut client, "events", &["data", "1"]);
    assert!(gone.join().unwrap().contains("data"), "another one got it");
    assert_eq!(data(&fixture.wait_for(1).await), ["1"]);
    until_acknowledged(&mut client, "events").await;
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again_and_the_database_counts() {
    let mut server = Redis::start();
    let url = format!(
        "kind = \"redis_stream\"\nurl = \"redis://127.0.0.1:{}/3\"\nstreams = [\"events\"]",
        server.port
    );
    let fixture = Fixture::start([url.as_str()]);
    fixture.until("reading", running).await;
    let add_in_3 = |server: &Redis, data: &str| {
        let mut client = server.client();
        add(&mut client, "events", &["data", "of another database"]);
        client.command(&[b"SELECT", b"3"]);
        add(&mut client, "events", &["data", data]);
    };
    add_in_3(&server, "before");
    fixture.wait_for(1).await;
    server.kill();
    fixture.until("retrying", |sources| !sources.is_ready()).await;
    server.launch();
    add_in_3(&server, "after");
    assert_eq!(data(&fixture.wait_for(2).await), ["before", "after"]);
}
