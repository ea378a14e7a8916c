//! Crowds that leave and that come back all at once.
//!
//! What it proves, of the real program: when 2,000 subscribers leave, its memory comes back to about what it was before
//! they came; when as many come at once and name the last event that they saw, all are served what they missed, the
//! memory stays within what the settings allow for so many, and those who were there all the time go on over the
//! connection that they had.
//!
//! What it does not prove: how long that takes on a given machine; `tidings bench` measures such things.

use std::{thread, time::Duration};

use super::{Crowd, Habits, Key, healthy, watch_memory};
use crate::support::{Hub, Listener, wait_until};

const CROWD: usize = 2000;
/// Who comes back does so from as many sides at once.
const THREADS: usize = 8;
const MISSED: usize = 50;
/// What may stay behind of a crowd, with what the log has grown by meanwhile.
const LEFT_BEHIND: u64 = 12 << 20;

#[test]
fn memory_returns_and_a_storm_is_served() {
    let hub = Hub::configured("[logs]\nlevel = 'warn'");
    let mut crowd = Crowd::around(&hub);
    crowd.subscribe(20, |_| Habits::all());
    crowd.publish_in_all_ways(Duration::from_millis(20));
    crowd.wait_for_answers(50);
    let before = hub.memory("VmRSS");
    let mut first = hub.listen("topic=storm");
    let last_seen = hub.publish("elsewhere", Key::ASIDE_BEGINS)["id"].as_str().unwrap().to_owned();
    // Each with the bytes that it may have waiting, a page of history and an event.
    let watched = watch_memory(&hub, before + CROWD as u64 * (96 << 10) + (64 << 20));

    let listeners = storm(&hub, "");
    wait_until("all are there", || hub.stats()["subscribers"].as_u64() >= Some(CROWD as u64));
    drop(listeners);
    wait_until("they are gone", || hub.stats()["subscribers"].as_u64() < Some(CROWD as u64));
    wait_until("their memory is given back", || hub.memory("VmRSS") < before + LEFT_BEHIND);

    let data = |number: usize| format!("{}{number} {}", Key::ASIDE_BEGINS, "y".repeat(500));
    let missed: Vec<String> = (0..MISSED).map(data).collect();
    missed.iter().for_each(|data| drop(hub.publish("storm", data)));
    for mut listener in storm(&hub, &last_seen) {
        assert!(listener.data(MISSED) == missed);
    }
    assert!(first.data(MISSED) == missed);
    wait_until("their memory is given back", || hub.memory("VmRSS") < before + LEFT_BEHIND);
    watched.assert_bounded();
    healthy(&hub, crowd);
}

/// So many, at once.
fn storm(hub: &Hub, last_id: &str) -> Vec<Listener> {
    thread::scope(|scope| {
        let open = || -> Vec<Listener> {
            let one = || Listener::open(hub.address, "topic=storm", last_id).unwrap();
            (0..CROWD / THREADS).map(|_| one()).collect()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}
