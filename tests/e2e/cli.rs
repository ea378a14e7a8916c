//! `tidings publish` and `tidings subscribe` against a real hub. What they do with answers that a hub does not give is
//! tested beside them, in `crates/tidings`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use serde_json::{Value, json};

use crate::support::{Hub, Program, wait_until};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_published_is_printed_by_a_subscriber() {
    let hub = Hub::start();
    let url = hub.url();
    let program = Program::new();
    let answer =
        program.run(&["publish", "--url", &url, "--topic", "a", "--event", "price", "--id", "p1", "1.08"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(lines(&answer.stdout)[0]["id"], "p1");
    let again = program.run(&["publish", "--url", &url, "--topic", "a", "--id", "p1", "1.08"]);
    assert_eq!(lines(&again.stdout)[0]["duplicate"], true);
    let answer =
        program.run_with(&["publish", "--url", &url, "--topic", "a", "--topic", "b"], "多\n行\n".as_bytes());
    let second = lines(&answer.stdout)[0]["id"].clone();

    let from = ["subscribe", "--url", &url, "a", "--last-event-id", "earliest", "--count", "2"];
    let printed = program.run(&from);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let second_text = second.as_str().unwrap();
    assert_eq!(printed.stdout, format!("p1 price 1.08\n{second_text} message\n  多\n  行\n"));
    let printed = program.run(&[&from[..], &["--json"]].concat());
    let expected = [
        json!({ "id": "p1", "event": "price", "data": "1.08" }),
        json!({ "id": second, "event": "message", "data": "多\n行" }),
    ];
    assert_eq!(lines(&printed.stdout), expected);
    let printed =
        program.run(&["subscribe", "--url", &url, "a", "--last-event-id", "p1", "--count", "1", "--json"]);
    assert_eq!(lines(&printed.stdout), expected[1..]);
}

#[test]
fn each_line_is_an_event_also_when_it_comes_alone() {
    let hub = Hub::start();
    let url = hub.url();
    let mut listener = hub.listen("topic=log");
    let args = ["publish", "--url", &url, "--topic", "log", "--event", "line", "--lines"];
    let program = Program::new();
    let mut running = program.start(&args);
    let mut stdin = running.0.stdin.take().unwrap();
    for line in ["first", "", "  third"] {
        writeln!(stdin, "{line}").unwrap();
        // Each is delivered while standard input stays open.
        let event = listener.event();
        assert_eq!((event.event.as_str(), event.data.as_str()), ("line", line));
    }
    drop(stdin);
    let mut receipts = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut receipts).unwrap();
    assert_eq!(receipts.lines().count(), 3);
    assert!(running.0.wait().unwrap().success());

    let many: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
    let answer = program.run_with(&args, many.join("\n").as_bytes());
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let offsets: Vec<u64> =
        lines(&answer.stdout).iter().map(|receipt| receipt["offset"].as_u64().unwrap()).collect();
    assert!(offsets.iter().copied().eq(3..5003));
    assert_eq!(listener.data(5000), many);
}

#[test]
fn a_subscriber_goes_on_across_a_kill_and_a_restart_of_the_hub() {
    let mut hub = Hub::start();
    let url = hub.url();
    let args = ["subscribe", "--url", &url, "--pattern", "*", "--json", "--count", "3"];
    let program = Program::new();
    let mut running = program.start(&args);
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    let mut data = || {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["data"].as_str().unwrap().to_owned()
    };
    wait_until("it listens", || hub.stats()["subscribers"] == 1);
    hub.publish("a", "before");
    assert_eq!(data(), "before");
    hub.kill();
    hub.launch();
    hub.publish("b", "meanwhile");
    hub.publish("c", "after");
    assert_eq!([data(), data()], ["meanwhile", "after"]);
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

#[test]
fn what_the_hub_refuses_is_65_with_its_reason_and_no_hub_is_69() {
    let mut hub = Hub::start();
    let url = hub.url();
    let program = Program::new();
    for args in [
        &["publish", "--event", "tidings.reset", "x"][..],
        &["publish", "--topic", "", "x"],
        &["publish", "--id", "earliest", "x"],
        &["subscribe", "--pattern", ""],
    ] {
        let answer = program.run(&[&args[..1], &["--url", &url], &args[1..]].concat());
        assert_eq!(answer.code, Some(65), "{args:?}: {answer:?}");
        assert!(answer.stderr.starts_with("tidings: ") && answer.stdout.is_empty(), "{args:?}: {answer:?}");
    }
    // The lines before the refused batch are published, and their receipts printed.
    let long = "x".repeat(2 << 20);
    let answer =
        program.run_with(&["publish", "--url", &url, "--lines"], format!("good\n{long}\n").as_bytes());
    assert_eq!(answer.code, Some(65), "{}", answer.stderr);
    assert!(answer.stderr.contains("limits.body"), "{}", answer.stderr);
    assert_eq!(hub.listen("last_event_id=earliest").event().data, "good");
    hub.kill();
    for args in [&["publish", "x"][..], &["subscribe", "--no-reconnect"]] {
        let answer = program.run(&[&args[..1], &["--url", &url], &args[1..]].concat());
        assert_eq!(answer.code, Some(69), "{args:?}: {answer:?}");
    }
}
