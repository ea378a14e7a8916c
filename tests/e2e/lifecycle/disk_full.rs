//! A disk that is full: publishers are told, everybody else goes on, and nothing that was answered is lost.
//!
//! It needs a small file system, which only root can make. A disk that fails while it is flushed is in `faults/flush.rs`;
//! those that fail in worse ways are simulated in the tests of `tidings-log`.

use std::fs;

use crate::support::{Hub, Listener, Options, Program, SmallDisk, wait_until};

const SIZE: &str = "6m";
/// What makes room when it is removed.
const BALLAST_BYTES: usize = 2 << 20;
const EVENT_BYTES: usize = 40_000;

#[test]
fn a_full_disk_stops_publishing_only_and_only_for_as_long_as_it_is_full() {
    let disk = SmallDisk::mount(SIZE);
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; BALLAST_BYTES]).unwrap();
    let mut hub = Hub::with(Options { data: Some(disk.path().join("data")), ..Options::default() });
    let mut listener = hub.listen("topic=a");
    let mut publisher = hub.connect();
    let mut answered = Vec::new();
    let mut publish = |answered: &mut Vec<String>, size: usize| {
        let data = format!("{} {}", answered.len(), "x".repeat(size));
        let answer = publisher.request("POST", "/topics/a", &[], data.as_bytes()).unwrap();
        let accepted = answer.status() == 200;
        if accepted {
            answered.push(data);
        }
        (!accepted).then_some(answer)
    };
    let refusal = loop {
        if let Some(refusal) = publish(&mut answered, EVENT_BYTES) {
            break refusal;
        }
    };
    assert!(answered.len() > 10, "{}", answered.len());
    assert_eq!(refusal.header("retry-after"), Some("1"));
    let detail = refusal.problem(503);
    assert!(detail.contains("no space left"), "{detail}");
    wait_until("it is seen", || hub.get("/readyz").status() == 503);
    assert!(hub.get("/readyz").text().contains("no space left"));
    assert_eq!(hub.metric("tidings_log_healthy"), 0.0);
    assert_eq!(hub.get("/livez").status(), 200);
    // Reading goes on, for who is there and for who comes.
    assert!(listener.data(answered.len()) == answered);
    assert!(hub.listen("topic=a&last_event_id=earliest").data(answered.len()) == answered);

    fs::remove_file(&ballast).unwrap();
    wait_until("it is ready again, without anybody publishing", || hub.get("/readyz").status() == 200);
    assert!(publish(&mut answered, EVENT_BYTES).is_none());
    assert!(
        listener.event().data == answered[answered.len() - 1],
        "who was there all the time gets what follows"
    );

    // Full again, killed, and started while it is: what was answered is there to read.
    while publish(&mut answered, EVENT_BYTES).is_none() {}
    while publish(&mut answered, 10).is_none() {}
    hub.kill();
    hub.launch();
    assert!(hub.listen("topic=a&last_event_id=earliest").data(answered.len()) == answered);
    let mut back = Listener::open(hub.address, "topic=a", "earliest").unwrap();
    assert!(back.data(answered.len()) == answered);
}

#[test]
fn a_new_hub_on_a_full_disk_says_so_and_starts_once_there_is_room() {
    let disk = SmallDisk::mount(SIZE);
    // All of it: writing ends with an error when there is no more.
    let filled = fs::write(disk.path().join("ballast"), vec![0; 64 << 20]);
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let data = disk.path().join("data");
    let data = data.to_str().unwrap();
    let answer = Program::new().run(&["serve", "--listen", "127.0.0.1:0", "--data", data]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.to_lowercase().contains("no space left"), "{answer:?}");
    assert_eq!(answer.stdout, "");
    // What it left behind is no obstacle once there is room.
    fs::remove_file(disk.path().join("ballast")).unwrap();
    // Some kernels take a moment until what was removed is free.
    disk.wait_for_room(BALLAST_BYTES);
    let hub = Hub::with(Options { data: Some(data.into()), ..Options::default() });
    assert_eq!(hub.publish("a", "x")["offset"], 0);
}
