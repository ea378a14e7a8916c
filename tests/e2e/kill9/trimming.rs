//! Kills while old segments are let go and new ones made all the time: what is left is always one piece, up to the last
//! event that was answered, under the offsets that it had.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
};

use serde_json::json;

use crate::support::{Hub, wait_for, wait_until};

const KILLS: u64 = 40;
const BATCHES_PER_LIFE: u64 = 40;
const BATCH: u64 = 8;
const PADDING: usize = 4000;

#[test]
fn what_is_left_is_one_piece_up_to_the_last_answer() {
    // Segments of 64 KiB, which two batches fill.
    let mut hub = Hub::configured("[history]\nbytes = '1MiB'");
    // The offset behind the newest answered event.
    let mut end = 0;
    for kill in 0..KILLS {
        let answered = AtomicU64::new(0);
        let goal = fastrand::u64(..BATCHES_PER_LIFE);
        // Connected before the kill, however soon that comes.
        let mut connection = hub.connect();
        thread::scope(|scope| {
            let answered = &answered;
            let publisher = scope.spawn(move || {
                let mut newest = None;
                loop {
                    let line = |place: u64| {
                        let data =
                            format!("{kill} {} {place} {}", answered.load(SeqCst), "x".repeat(PADDING));
                        json!({ "topic": "a", "data": data }).to_string() + "\n"
                    };
                    let body: String = (0..BATCH).map(line).collect();
                    let headers = [("Content-Type", "application/x-ndjson")];
                    match connection.request("POST", "/publish", &headers, body.as_bytes()) {
                        Ok(answer) => newest = answer.receipts().pop(),
                        Err(_) => return newest,
                    }
                    answered.fetch_add(1, SeqCst);
                }
            });
            wait_until("batches are answered", || answered.load(SeqCst) >= goal);
            hub.kill();
            if let Some(receipt) = publisher.join().unwrap() {
                end = receipt["offset"].as_u64().unwrap() + 1;
            }
        });
        hub.launch();
        if end == 0 {
            continue;
        }
        // One more, so that there is an event to read to.
        let last = hub.publish("a", "the last");
        let offset = last["offset"].as_u64().unwrap();
        assert!(offset >= end, "{offset} is answered again, {end} events were");
        // A batch that was not answered may be there, as a whole.
        assert_eq!((offset - end) % BATCH, 0);
        end = offset + 1;
        let first = kept_from(&hub, offset);
        assert!(first == 0 || end - first > BATCH, "only {first} to {end} is left");
    }
    assert!(kept_from(&hub, end - 1) > 0, "nothing was let go");
}

/// Reads all that is kept, up to this offset, and answers the first. Every event stands at its offset.
fn kept_from(hub: &Hub, last: u64) -> u64 {
    // While it reads, what it was to read may be let go; then it says so.
    wait_for("all that is kept is read in one go", || {
        let mut listener = hub.listen("topic=a&last_event_id=earliest");
        let mut first = None;
        let mut next = None;
        loop {
            let event = listener.event();
            if event.event == "tidings.reset" {
                return None;
            }
            let offset: u64 = event.id.rsplit_once('-').unwrap().1.parse().unwrap();
            assert_eq!(offset, next.unwrap_or(offset), "a gap or a repetition that nobody speaks of");
            first = first.or(Some(offset));
            next = Some(offset + 1);
            if offset == last {
                return first;
            }
        }
    })
}
