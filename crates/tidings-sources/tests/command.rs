//! The command source with a real shell.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use rustix::process::{Pid, test_kill_process};
use support::{Fixture, data, pairs};

fn toml(script: &str, rest: &str) -> String {
    format!("kind = \"command\"\ntopic = \"t\"\nrun = ['sh', '-c', '''{script}''']\n{rest}")
}

fn alive(id: &str) -> bool {
    test_kill_process(Pid::from_raw(id.trim().parse().unwrap()).unwrap()).is_ok()
}

#[tokio::test]
async fn every_line_is_an_event() {
    let script =
        r#"echo complaint >&2; printf '{"a":1}\n\n  spaces  \r\n'; printf 'caf\351\n'; exec sleep 1000"#;
    let fixture = Fixture::start([toml(script, "event = \"line\"").as_str()]);
    let events = fixture.wait_for(4).await;
    assert_eq!(data(&events), ["{\"a\":1}", "", "  spaces  ", "caf\u{fffd}"]);
    assert!(events.iter().all(|event| event.publication.event.as_deref() == Some("line")));
    assert_eq!(fixture.sources.status()[0].altered, 1);
}

#[tokio::test]
async fn ten_thousand_lines_arrive_in_order() {
    let fixture = Fixture::start([toml("seq 1 10000; exec sleep 1000", "").as_str()]);
    let expected: Vec<_> = (1..=10_000).map(|number: u32| number.to_string()).collect();
    assert_eq!(data(&fixture.wait_for(10_000).await), expected);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_dropped_and_the_next_is_not() {
    let script = "echo before; printf '%0100d\\n' 1; printf '%010d\\n' 1; exec sleep 1000";
    let fixture = Fixture::start([toml(script, "max_line = 10").as_str()]);
    assert_eq!(data(&fixture.wait_for(2).await), ["before", "0000000001"]);
    assert_eq!(fixture.sources.status()[0].dropped, 1);
}

#[tokio::test]
async fn a_program_that_ends_is_started_again() {
    let fixture = Fixture::start([toml("echo once; exit 3", "").as_str()]);
    assert_eq!(data(&fixture.wait_for(2).await)[..2], ["once", "once"]);
    fixture.until("retrying", |sources| !sources.is_ready()).await;
    let status = &fixture.sources.status()[0];
    assert!(status.failures > 0, "{status:?}");
    assert!(status.detail.as_ref().is_some_and(|detail| detail.contains("exit status: 3")), "{status:?}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_reported() {
    let fixture =
        Fixture::start(["kind = \"command\"\ntopic = \"t\"\nrun = [\"/nonexistent/program\", \"hunter2\"]"]);
    fixture.until("retrying", |sources| !sources.is_ready()).await;
    let status = format!("{:?}", fixture.sources.status());
    assert!(status.contains("cannot be started") && !status.contains("hunter2"), "{status}");
}

#[tokio::test]
async fn stopping_ends_the_program_and_what_it_started() {
    // The shell ignores SIGTERM, so that it takes SIGKILL; the sleep is its child.
    let script = "trap '' TERM; sleep 1000 & echo $$; echo $!; wait";
    let fixture = Fixture::start([toml(script, "").as_str()]);
    let ids = data(&fixture.wait_for(2).await);
    assert!(ids.iter().all(|id| alive(id)));
    fixture.sources.stop().await;
    ended(&ids).await;
}

#[tokio::test]
async fn dropping_the_sources_ends_the_program_and_what_it_started() {
    let fixture = Fixture::start([toml("sleep 1000 & echo $$; echo $!; wait", "").as_str()]);
    let ids = data(&fixture.wait_for(2).await);
    drop(fixture.sources);
    ended(&ids).await;
}

/// Waits until the processes are gone, zombies included: their parents have to fetch them.
async fn ended(ids: &[String]) {
    let deadline = std::time::Instant::now() + support::BOUND;
    for id in ids {
        while alive(id) && !is_zombie(id) {
            assert!(std::time::Instant::now() < deadline, "process {id} is still alive");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// Whether a process has ended and waits for its parent, which in a container may be one that never asks.
fn is_zombie(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && line.contains('Z'))
}

#[tokio::test]
async fn a_template_wraps_lines_and_sources_do_not_mix() {
    let one = toml("echo 'say \"hi\"'; exec sleep 1000", "template = '{\"line\":{{data_json}}}'");
    let two = toml("echo two; exec sleep 1000", "").replace("\"t\"", "\"u\"");
    let fixture = Fixture::start([one.as_str(), two.as_str()]);
    let mut events = pairs(&fixture.wait_for(2).await);
    events.sort();
    assert_eq!(
        events,
        [("t".to_owned(), r#"{"line":"say \"hi\""}"#.to_owned()), ("u".to_owned(), "two".to_owned())]
    );
    let names: Vec<_> = fixture.sources.status().into_iter().map(|status| status.name).collect();
    assert_eq!(names, ["command sh", "command sh (2)"]);
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct LogText(Arc<Mutex<Vec<u8>>>);

impl Write for LogText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_last_words_on_standard_error_are_logged() {
    let log = LogText::default();
    let writer = log.clone();
    // The test's runtime has one thread, this one, so all the source does is logged here.
    let _logging = tracing::subscriber::set_default(
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish(),
    );
    // Standard output ends before the words.
    let script = "exec >&-; echo 'the disk is on fire' >&2; exit 1";
    let fixture = Fixture::start([toml(script, "").as_str()]);
    fixture.until("retrying", |sources| !sources.is_ready()).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("the disk is on fire") && text.contains("exit status: 1"), "{text}");
}
