//! SIGTERM and SIGINT: everybody is told, nothing is lost, and it ends.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use rustix::process::Signal;
use tidings_stream::Item;

use crate::support::{Hub, Listener, wait_until};

#[test]
fn subscribers_are_told_to_come_back_and_find_everything() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut hub = Hub::configured("[stream]\ndrain_window = '2s'");
        let mut listeners: Vec<Listener> = (0..20).map(|_| hub.listen("topic=a")).collect();
        let last = hub.publish("a", "before");
        for listener in &mut listeners {
            assert_eq!(listener.event().data, "before");
        }
        hub.signal(signal);
        let mut times: Vec<u64> = Vec::new();
        for listener in listeners {
            let items = listener.rest();
            let [Item::Retry(milliseconds)] = items[..] else { panic!("{items:?}") };
            times.push(milliseconds);
        }
        assert!(hub.ended().success());
        assert!(times.iter().all(|ms| (500..=2500).contains(ms)), "{times:?}");
        times.dedup();
        assert!(times.len() > 1, "all come back at once: {times:?}");

        hub.launch();
        let mut back = Listener::open(hub.address, "topic=a", last["id"].as_str().unwrap()).unwrap();
        let after = hub.publish("a", "after");
        assert_eq!((&after["epoch"], &after["offset"]), (&last["epoch"], &1.into()));
        assert_eq!(back.event().data, "after");
    }
}

/// Browsers connect ahead of need, and health checks do no more than that.
#[test]
fn connections_that_ask_for_nothing_do_not_hold_it_up() {
    let mut hub = Hub::start();
    let silent = [hub.connect(), hub.connect()];
    wait_until("they are accepted", || hub.metric("tidings_connections") >= 2.0);
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
    assert!(!hub.stderr().contains("were cut"), "{}", hub.stderr());
    drop(silent);
}

#[test]
fn what_is_answered_while_it_stops_is_kept() {
    let mut hub = Hub::start();
    let goes_on = AtomicBool::new(true);
    let answered = thread::scope(|scope| {
        let mut connection = hub.connect();
        let goes_on = &goes_on;
        let publisher = scope.spawn(move || {
            let mut answered = Vec::new();
            for number in 0.. {
                let data = number.to_string();
                match connection.request("POST", "/topics/a", &[], data.as_bytes()) {
                    Ok(answer) if answer.status() == 200 => answered.push(data),
                    // Stopping: refused as unavailable, or the connection is closed.
                    Ok(answer) => assert_eq!(answer.status(), 503),
                    Err(_) => break,
                }
                goes_on.store(false, SeqCst);
            }
            answered
        });
        wait_until("something is published", || !goes_on.load(SeqCst));
        hub.signal(Signal::TERM);
        publisher.join().unwrap()
    });
    assert!(hub.ended().success());
    hub.launch();
    assert!(!answered.is_empty());
    assert_eq!(hub.listen("topic=a&last_event_id=earliest").data(answered.len()), answered);
}

/// Whoever does not read, does not finish a request, or just keeps a connection, does not keep the hub.
#[test]
fn nobody_holds_up_the_end_for_longer_than_it_may_take() {
    let mut hub = Hub::configured("[stream]\ndrain_time = '1s'");
    let idle = hub.connect();
    let mut kept_alive = hub.connect();
    kept_alive.request("GET", "/livez", &[], b"").unwrap();
    let mut half_a_request = hub.connect();
    half_a_request.send("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n").unwrap();
    let sleeper = hub.listen("topic=a");
    let data = "x".repeat(1 << 20);
    let mut publisher = hub.connect();
    for _ in 0..10 {
        publisher.request("POST", "/topics/a", &[], data.as_bytes()).unwrap().receipt();
    }
    wait_until("it is behind", || hub.stats()["subscribers_behind"] == 1);
    hub.signal(Signal::TERM);
    assert!(hub.ended().success(), "{}", hub.stderr());
    assert!(hub.stderr().contains("connections were cut"), "{}", hub.stderr());
    drop((idle, half_a_request, sleeper));
    hub.launch();
    assert_eq!(hub.publish("a", "x")["offset"], 10);
}

/// One who is behind is not read to the end first: it is told at the next whole event, and comes back for the rest.
#[test]
fn one_who_is_behind_gets_whole_events_and_later_the_rest() {
    const EVENTS: usize = 12;
    let mut hub = Hub::configured("[stream]\ndrain_time = '60s'");
    let mut behind = hub.listen("topic=a");
    let data = |number: usize| format!("{number} {}", "x".repeat(1 << 19));
    for number in 0..EVENTS {
        hub.publish("a", data(number));
    }
    wait_until("it is behind", || hub.stats()["subscribers_behind"] == 1);
    hub.signal(Signal::TERM);
    wait_until("it stops", || hub.stderr().contains("stopping"));
    let mut seen = Vec::new();
    let mut cursor = String::from("earliest");
    let mut told = false;
    while let Some(item) = behind.next().unwrap() {
        match item {
            Item::Event(event) => {
                assert!(!told, "an event after the end was announced");
                cursor = event.id;
                seen.push(event.data);
            }
            Item::Retry(_) => told = true,
            _ => {}
        }
    }
    assert!(told);
    assert!(hub.ended().success());
    hub.launch();
    let mut back = Listener::open(hub.address, "topic=a", &cursor).unwrap();
    while seen.len() < EVENTS {
        seen.push(back.event().data);
    }
    assert!(seen.iter().enumerate().all(|(number, seen)| *seen == data(number)));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut hub = Hub::configured("[stream]\ndrain_time = '1h'");
    let mut half_a_request = hub.connect();
    half_a_request.send("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n").unwrap();
    wait_until("it is there", || hub.metric("tidings_connections") == 2.0);
    hub.signal(Signal::TERM);
    wait_until("it stops", || hub.stderr().contains("stopping"));
    hub.signal(Signal::TERM);
    assert_eq!(hub.ended().code(), Some(1));
    drop(half_a_request);
}

#[test]
fn a_hub_without_anybody_just_ends() {
    let mut hub = Hub::start();
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
    assert_eq!(hub.stdout().lines().count(), 1, "one line, for those who start it: {}", hub.stdout());
}
