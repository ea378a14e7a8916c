//! `kill -9` under load, with hundreds of subscribers who all come back.
//!
//! What it proves, of the real program: over several kills each of 300 subscribers, who come back by `Last-Event-ID` as
//! browsers do, over HTTP/1.1 and HTTP/2, and with random selections, sees every answered event that it asked for exactly
//! once and in the order of the log; nothing that anybody has seen is taken back; nobody is told `tidings.reset`. It
//! runs twice: with the streams on handed-over sockets, and as bodies.
//!
//! What it does not prove: anything about a loss of power (see `kill9.rs`, which looks at the log itself more closely).

use std::time::Duration;

use super::{Crowd, Habits, Selection};
use crate::support::Hub;

const SUBSCRIBERS: usize = 300;
const KILLS: usize = 5;
const ANSWERS_PER_LIFE: u64 = 300;
const PAUSE: Duration = Duration::from_millis(10);

#[test]
fn everybody_sees_everything_once_over_sockets() {
    rounds(true);
}

#[test]
fn everybody_sees_everything_once_over_bodies() {
    rounds(false);
}

fn rounds(hand_over: bool) {
    let mut hub = Hub::configured(&format!("[stream]\nhand_over = {hand_over}\n[logs]\nlevel = 'warn'"));
    let mut crowd = Crowd::around(&hub);
    crowd.subscribe(SUBSCRIBERS, |number| {
        let selection = Selection::random(&mut fastrand::Rng::new());
        Habits { selection, http2: number % 4 == 0, from_the_beginning: number % 2 == 0, ..Habits::all() }
    });
    crowd.publish_in_all_ways(PAUSE);
    for _ in 0..KILLS {
        crowd.wait_for_answers(fastrand::u64(1..ANSWERS_PER_LIFE));
        hub.kill();
        if fastrand::bool() {
            hub.kill_while_it_starts(Duration::from_millis(fastrand::u64(..30)));
        }
        hub.launch();
    }
    crowd.wait_for_answers(ANSWERS_PER_LIFE);
    crowd.judge();
    let resets = ["unknown", "expired"]
        .map(|reason| hub.metric(&format!("tidings_resets_total{{reason=\"{reason}\"}}")));
    assert_eq!(resets, [0.0, 0.0]);
}
