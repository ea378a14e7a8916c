//! Peers that vanish without a word, and networks that lose packets.
//!
//! What it proves, of the real program: subscribers whose network is gone, and who therefore neither close nor
//! acknowledge anything, are dropped and their connections freed, by heartbeats alone when nobody publishes; with 30 %
//! of all packets to them lost, subscribers get everything, once and in order, and are not dropped.
//!
//! What it does not prove: anything about loss on the way to the hub, which the kernel alone deals with.

use std::time::Duration;

use super::{Crowd, Habits, healthy, network};
use crate::support::{Hub, Listener, wait_until};

const VANISHED: usize = 200;
const LOSSY: usize = 40;
const LOSS_PERCENT: u32 = 30;

#[test]
fn peers_that_vanish_are_dropped_although_nobody_publishes() {
    let hub = Hub::configured("[limits]\nstall = '2s'\n[stream]\nheartbeat = '1s'\n[logs]\nlevel = 'warn'");
    let mut healthy = hub.listen("topic=a");
    let vanished: Vec<Listener> = (0..VANISHED).map(|_| hub.listen("topic=a")).collect();
    assert_eq!(hub.stats()["subscribers"], VANISHED + 1);
    vanished.iter().for_each(|listener| network::cut_off(&listener.connection.stream));
    wait_until("they are dropped", || hub.stats()["subscribers"] == 1);
    // The healthy one's, and that of the question.
    wait_until("their connections are freed", || hub.metric("tidings_connections") == 2.0);
    hub.publish("a", "still there");
    assert_eq!(healthy.event().data, "still there");
    drop(vanished);
}

#[test]
fn with_loss_everything_arrives_in_order() {
    let hub = Hub::configured("[logs]\nlevel = 'warn'");
    let mut crowd = Crowd::around(&hub);
    crowd.subscribe(LOSSY, |number| Habits {
        http2: number % 4 == 0,
        loss_percent: LOSS_PERCENT,
        ..Habits::all()
    });
    crowd.publish_in_all_ways(Duration::from_millis(20));
    crowd.wait_for_answers(500);
    healthy(&hub, crowd);
}
