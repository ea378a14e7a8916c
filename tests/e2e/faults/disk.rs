//! A disk that fills up under load, and gets room again.
//!
//! What it proves, of the real program: publishers are told 503 while the disk is full, `/readyz` says why, subscribers
//! who are there stay, those who come are served; without a restart everything goes on once there is room; and over
//! several such times each subscriber sees every answered event exactly once and in order.
//!
//! What it does not prove: anything about disks that lie (see the simulated ones of `tidings-log`). `disk_full.rs` has a
//! start on a full disk, and kills there.

use std::{fs, time::Duration};

use super::{Crowd, Habits, healthy};
use crate::support::{Hub, Options, SmallDisk, wait_for, wait_until};

const SIZE: &str = "48m";
const TIMES: usize = 3;
const SUBSCRIBERS: usize = 50;

#[test]
fn a_disk_that_is_full_for_a_while_costs_nothing_but_the_while() {
    let disk = SmallDisk::mount(SIZE);
    let data = Some(disk.path().join("data"));
    let configuration = "[logs]\nlevel = 'error'".to_owned();
    let hub = Hub::with(Options { data, configuration, ..Options::default() });
    let mut crowd = Crowd::around(&hub);
    crowd.subscribe(SUBSCRIBERS, |number| Habits { http2: number % 2 == 0, ..Habits::all() });
    crowd.publish_in_all_ways(Duration::from_millis(10));
    for _ in 0..TIMES {
        crowd.wait_for_answers(50);
        let ballast = disk.fill();
        let problem = wait_for("it is seen", || {
            let answer = hub.get("/readyz");
            (answer.status() == 503).then(|| answer.text())
        });
        assert!(problem.contains("no space left"), "{problem}");
        assert_eq!(hub.listen("pattern=*&last_event_id=earliest").data(10).len(), 10);
        fs::remove_file(ballast).unwrap();
        wait_until("it is ready again", || hub.get("/readyz").status() == 200);
    }
    crowd.wait_for_answers(50);
    healthy(&hub, crowd);
}
