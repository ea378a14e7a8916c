//! SIGTERM and a new start on the same port, under load.
//!
//! What it proves, of the real program: when the hub is stopped in order and started again, several times, everybody is
//! told to come back and does; each of 200 subscribers sees every answered event that it asked for exactly once and in
//! order, and nobody is told `tidings.reset`; what is answered while it stops is kept; it ends within `drain_time`, and
//! with success.
//!
//! What it does not prove: that no connection is refused between the two, which a hand-over of the listening socket is
//! for.

use std::time::Duration;

use rustix::process::Signal;

use super::{Crowd, Habits, Selection};
use crate::support::Hub;

const SUBSCRIBERS: usize = 200;
const RESTARTS: usize = 4;
const ANSWERS: u64 = 200;

#[test]
fn a_restart_under_load_loses_nothing() {
    let mut hub = Hub::configured("[stream]\ndrain_window = '500ms'\n[logs]\nlevel = 'warn'");
    let mut crowd = Crowd::around(&hub);
    crowd.subscribe(SUBSCRIBERS, |number| Habits {
        selection: Selection::random(&mut fastrand::Rng::new()),
        http2: number % 4 == 0,
        from_the_beginning: number % 2 == 0,
        ..Habits::all()
    });
    crowd.publish_in_all_ways(Duration::from_millis(10));
    for _ in 0..RESTARTS {
        crowd.wait_for_answers(ANSWERS);
        hub.signal(Signal::TERM);
        assert!(hub.ended().success());
        hub.launch();
    }
    crowd.wait_for_answers(ANSWERS);
    crowd.judge();
    let resets = ["unknown", "expired"]
        .map(|reason| hub.metric(&format!("tidings_resets_total{{reason=\"{reason}\"}}")));
    assert_eq!(resets, [0.0, 0.0]);
}
