//! Redis Streams through the whole program: who adds entries loses nothing, whichever of hub and Redis is killed, and
//! nothing comes twice.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

use super::source;
use crate::support::{Hub, Redis, wait_until};

/// How often the hub is killed while entries are added.
const KILLS: usize = 8;

fn hub(redis: &Redis, more: &str) -> Hub {
    let hub = Hub::configured(&format!(
        "[[source]]\nkind = 'redis_stream'\nurl = 'redis://127.0.0.1:{}'\nstreams = ['events']\n{more}",
        redis.port
    ));
    reads(&hub);
    hub
}

fn reads(hub: &Hub) {
    wait_until("the source reads", || source(hub, "redis_stream")["state"] == "running");
}

fn add(redis: &Redis, data: &str) {
    redis.command(&["XADD", "events", "*", "topic", "orders.7", "event", "shipped", "data", data]);
}

#[test]
fn what_is_added_while_the_hub_is_down_arrives_after_the_start_in_order() {
    let redis = Redis::start();
    let mut hub = hub(&redis, "");
    add(&redis, "before");
    let mut listener = hub.listen("topic=orders.7&last_event_id=earliest");
    let event = listener.event();
    assert_eq!((event.event.as_str(), event.data.as_str()), ("shipped", "before"));
    assert!(event.id.starts_with("redis."), "{}", event.id);
    hub.kill();
    let while_down: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    while_down.iter().for_each(|data| add(&redis, data));
    hub.launch();
    reads(&hub);
    // The id that the browser had is good to go on from.
    let query = format!("topic=orders.7&last_event_id={}", event.id);
    assert_eq!(hub.listen(&query).data(300), while_down);
}

#[test]
fn a_hub_that_is_killed_again_and_again_delivers_every_entry_once_and_in_order() {
    let redis = Redis::start();
    let mut hub = hub(&redis, "");
    let killing = AtomicBool::new(true);
    let added = thread::scope(|scope| {
        let adding = scope.spawn(|| {
            let mut number = 0_u64;
            while killing.load(SeqCst) {
                add(&redis, &number.to_string());
                number += 1;
            }
            number
        });
        for _ in 0..KILLS {
            let before = source(&hub, "redis_stream")["events"].as_u64().unwrap();
            wait_until("some have been published", || {
                source(&hub, "redis_stream")["events"].as_u64().is_some_and(|events| events > before)
            });
            // Not to wait for anything: wherever the hub has got to.
            thread::sleep(Duration::from_millis(fastrand::u64(0..100)));
            hub.kill();
            hub.launch();
            reads(&hub);
        }
        killing.store(false, SeqCst);
        adding.join().unwrap()
    });
    add(&redis, "the end");
    let mut listener = hub.listen("topic=orders.7&last_event_id=earliest");
    for number in 0..added {
        assert_eq!(listener.event().data, number.to_string());
    }
    assert_eq!(listener.event().data, "the end");
    assert_eq!(source(&hub, "redis_stream")["dropped"], 0);
}

#[test]
fn redis_that_goes_away_and_comes_back_is_seen_by_operators_and_goes_on() {
    let mut redis = Redis::start();
    let hub = hub(&redis, "name = 'shop'");
    let up = || hub.metric("tidings_source_up{source=\"shop\",kind=\"redis_stream\"}");
    let mut listener = hub.listen("topic=orders.7");
    add(&redis, "before");
    assert_eq!(listener.event().data, "before");
    redis.kill();
    wait_until("the loss is seen", || up() == 0.0);
    let problems = hub.get("/readyz").json()["problems"].to_string();
    assert!(problems.contains("shop is retrying"), "{problems}");
    redis.launch();
    add(&redis, "after");
    assert_eq!(listener.event().data, "after");
    wait_until("it is well again", || up() == 1.0 && hub.get("/readyz").status() == 200);
}

#[test]
fn a_deleted_group_is_made_again_and_said() {
    let redis = Redis::start();
    let hub = hub(&redis, "");
    let mut listener = hub.listen("topic=orders.7");
    add(&redis, "1");
    assert_eq!(listener.event().data, "1");
    redis.command(&["XGROUP", "DESTROY", "events", "tidings"]);
    add(&redis, "2");
    assert_eq!(listener.event().data, "2");
    assert!(hub.stderr().contains("the consumer group was gone and has been made again"), "{}", hub.stderr());
}

#[test]
fn the_start_is_new_or_earliest() {
    let redis = Redis::start();
    add(&redis, "before");
    let (new, earliest) = (hub(&redis, "group = 'a'"), hub(&redis, "group = 'b'\nstart = 'earliest'"));
    add(&redis, "after");
    let query = "topic=orders.7&last_event_id=earliest";
    assert_eq!(new.listen(query).data(1), ["after"]);
    assert_eq!(earliest.listen(query).data(2), ["before", "after"]);
}

#[test]
fn an_entry_that_cannot_be_published_is_counted_said_and_passed_over() {
    let redis = Redis::start();
    let hub = hub(&redis, "name = 'shop'");
    let mut listener = hub.listen("topic=orders.7");
    redis.command(&["XADD", "events", "*", "message", "x"]);
    add(&redis, "good");
    assert_eq!(listener.event().data, "good");
    assert_eq!(hub.metric("tidings_source_dropped_total{source=\"shop\",kind=\"redis_stream\"}"), 1.0);
    assert!(hub.stderr().contains("it has neither a field data nor payload"), "{}", hub.stderr());
}
