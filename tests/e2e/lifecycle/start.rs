//! What keeps a hub from starting is said, and a start from a long history works.

use std::time::Instant;

use crate::support::{Answer, Hub, Listener, Options, Program};

#[test]
fn two_hubs_cannot_have_one_directory() {
    let hub = Hub::start();
    let data = hub.data();
    let data = data.to_str().unwrap();
    let answer = Program::new().run(&["serve", "--listen", "127.0.0.1:0", "--data", data]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let pid = format!("(pid {})", hub.pid());
    assert!(answer.stderr.contains(data) && answer.stderr.contains(&pid), "{answer:?}");
    assert_eq!(answer.stdout, "", "it must not look as if it served");
    // The first is none the worse.
    assert_eq!(hub.publish("a", "x")["offset"], 0);
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let hub = Hub::start();
    let address = hub.address.to_string();
    let program = Program::new();
    let answer = program.run(&["serve", "--listen", &address]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains(&address) && answer.stderr.contains("--listen"), "{answer:?}");
    assert!(!program.directory().join("tidings-data").exists(), "a hub that cannot listen touches no data");
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let program = Program::new();
    program.write("file", "no directory");
    let answer = program.run(&["serve", "--listen", "127.0.0.1:0", "--data", "file"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("file"), "{answer:?}");
}

/// Where the log lines go may be full, closed, or gone with whoever read them.
#[test]
fn a_hub_whose_log_lines_go_nowhere_serves_all_the_same() {
    for wrapper in ["exec 2>/dev/full; exec", "exec 2>&-; exec"] {
        let hub = Hub::with(Options { wrapper: Some(wrapper.into()), ..Options::default() });
        for number in 0..10 {
            hub.publish("a", number.to_string());
            assert_eq!(hub.listen("topic=a&last=1").event().data, number.to_string(), "{wrapper}");
        }
        hub.get("/topics/none").problem(404);
        assert_eq!(hub.get("/readyz").status(), 200);
    }
}

/// Bytes of a complete segment that have changed are no reason to go on as if nothing were.
#[test]
fn a_damaged_history_is_said_and_left_as_it_is() {
    let mut hub = Hub::configured("[history]\nbytes = '1MiB'");
    for _ in 0..6 {
        hub.publish("a", "x".repeat(50_000));
    }
    hub.kill();
    let mut segments: Vec<_> = std::fs::read_dir(hub.data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    segments.sort();
    assert!(segments.len() > 2, "{segments:?}");
    let mut bytes = std::fs::read(&segments[0]).unwrap();
    bytes[20_000] ^= 1;
    std::fs::write(&segments[0], &bytes).unwrap();
    // Without its sidecar the segment is read.
    std::fs::remove_file(segments[0].with_extension("idx")).unwrap();
    let output = hub.command().output().unwrap();
    let answer = Answer::from(output);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let name = segments[0].file_name().unwrap().to_str().unwrap();
    assert!(answer.stderr.contains(name) && answer.stderr.contains("damaged"), "{answer:?}");
    assert!(std::fs::read(&segments[0]).unwrap() == bytes);
}

#[test]
fn a_long_history_is_there_after_a_kill() {
    const EVENTS: usize = 200_000;
    const BATCH: usize = 1000;
    let mut hub = Hub::start();
    let mut publisher = hub.connect();
    let mut middle = String::new();
    for first in (0..EVENTS).step_by(BATCH) {
        let line = |n: usize| format!("{{\"topic\":\"topic {}\",\"data\":\"{n}\"}}\n", n % 100);
        let body: String = (first..first + BATCH).map(line).collect();
        let headers = [("Content-Type", "application/x-ndjson")];
        let receipts = publisher.request("POST", "/publish", &headers, body.as_bytes()).unwrap().receipts();
        if first == EVENTS / 2 {
            middle = receipts[0]["id"].as_str().unwrap().to_owned();
        }
    }
    hub.kill();
    let begun = Instant::now();
    hub.launch();
    eprintln!("started over {EVENTS} events in {:?}", begun.elapsed());
    assert_eq!(hub.stats()["log"]["events"], EVENTS);
    assert_eq!(hub.publish("topic%200", "next")["offset"], EVENTS);
    let mut listener = Listener::open(hub.address, "topic=topic%207", &middle).unwrap();
    let expected: Vec<String> = (EVENTS / 2 + 7..EVENTS).step_by(100).map(|n| n.to_string()).collect();
    assert_eq!(listener.data(expected.len()), expected);
    assert_eq!(hub.listen("topic=topic%2099&last=1").data(1), [(EVENTS - 1).to_string()]);
    assert_eq!(hub.get("/topics/topic%200").json()["events"], EVENTS / 100 + 1);
}

#[test]
fn a_log_in_memory_forgets_and_says_so_to_whoever_comes_back() {
    let mut hub = Hub::configured("[log]\nengine = 'memory'");
    let receipt = hub.publish("a", "x");
    hub.kill();
    hub.launch();
    assert_ne!(hub.publish("a", "y")["epoch"], receipt["epoch"]);
    let mut back = Listener::open(hub.address, "topic=a", receipt["id"].as_str().unwrap()).unwrap();
    assert_eq!(back.event().event, "tidings.reset");
    assert_eq!(back.event().data, "y");
}
