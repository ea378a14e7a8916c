//! `kill -9` in the middle of publishing, many times over, with publishers and subscribers who go on across it.
//!
//! What it proves, of the real program on a real file system: an answered event is there after the kill, once, at the
//! offset that it was answered with; a batch is there whole or not at all; a publication repeated under its own id is
//! there once, however often it had to be sent; an unanswered one is there at most once; each publisher's events keep
//! their order; subscribers who come back with the last id they saw get everything once and in order, and are never told
//! `tidings.reset`; what anybody has seen is never taken back; cursors and the epoch stay good over all the kills.
//!
//! What it does not prove: anything about a loss of power. The kernel lives on here and keeps what was written; the disk
//! log's own tests simulate disks that tear and forget.
//!
//! `TIDINGS_E2E_KILLS` sets how many kills there are.

mod trimming;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tidings_stream::Event;

use crate::support::{BOUND, Connection, Hub, Listener, wait_for, wait_until};

const DEFAULT_KILLS: u64 = 100;
/// The hub is killed after it has answered a random number of events below this, which may be none.
const EVENTS_PER_LIFE: u64 = 400;
/// A start that is killed, too, has had up to this long.
const MAX_START_MS: u64 = 30;
const LARGEST_BATCH: usize = 20;
/// Data is padded by up to this, so that the log has several segments and frames of all sizes.
const MAX_PADDING: usize = 3000;
/// The event that everybody waits for at the end.
const END: &str = "the end";

/// What publishers and subscribers share.
struct Run {
    address: SocketAddr,
    /// Publishers finish what they are at.
    stop: AtomicBool,
    answered: AtomicU64,
    published: Mutex<Vec<Batch>>,
}

/// What one request held, and what it was answered, if it was.
struct Batch {
    publisher: Publisher,
    number: u64,
    data: Vec<String>,
    receipts: Option<Vec<Value>>,
}

/// How a publisher works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Publisher {
    name: &'static str,
    batches: bool,
    /// It gives ids, and repeats what was not answered.
    ids: bool,
}

const PUBLISHERS: [Publisher; 5] = [
    Publisher { name: "single", batches: false, ids: false },
    Publisher { name: "single.2", batches: false, ids: false },
    Publisher { name: "batch", batches: true, ids: false },
    Publisher { name: "single.id", batches: false, ids: true },
    Publisher { name: "batch.id", batches: true, ids: true },
];

/// Queries of subscribers, and which topics they match; a publisher's name is its topic.
type Subscription = (&'static str, fn(&str) -> bool);
const SUBSCRIPTIONS: [Subscription; 4] = [
    ("pattern=*", |_| true),
    ("topic=single&topic=batch.id", |topic| topic == "single" || topic == "batch.id"),
    ("pattern=*.id&topic=batch", |topic| topic.ends_with(".id") || topic == "batch"),
    ("topic=single.2", |topic| topic == "single.2"),
];

#[test]
fn nothing_answered_is_lost_and_nothing_comes_twice() {
    let kills = std::env::var("TIDINGS_E2E_KILLS").map_or(DEFAULT_KILLS, |kills| kills.parse().unwrap());
    // Small segments, and room for all that is published.
    let mut hub = Hub::configured(&format!("[history]\nbytes = '{}MiB'", 32 + kills));
    let run = Arc::new(Run {
        address: hub.address,
        stop: AtomicBool::new(false),
        answered: AtomicU64::new(0),
        published: Mutex::default(),
    });
    let publishers = PUBLISHERS.map(|publisher| {
        let run = run.clone();
        thread::spawn(move || run.publish(publisher))
    });
    let subscribers = SUBSCRIPTIONS.map(|(query, _)| {
        let run = run.clone();
        thread::spawn(move || run.subscribe(query))
    });

    let mut cursors = Vec::new();
    for _ in 0..kills {
        let goal = run.answered.load(SeqCst) + fastrand::u64(..EVENTS_PER_LIFE);
        wait_until("publishers are answered", || run.answered.load(SeqCst) >= goal);
        hub.kill();
        cursors.extend(run.newest_receipt().and_then(|receipt| receipt["id"].as_str().map(str::to_owned)));
        if fastrand::u8(..4) == 0 {
            hub.kill_while_it_starts(Duration::from_millis(fastrand::u64(..MAX_START_MS)));
        }
        hub.launch();
    }
    run.stop.store(true, SeqCst);
    for publisher in publishers {
        publisher.join().unwrap();
    }
    let topics: Vec<&str> = PUBLISHERS.iter().map(|publisher| publisher.name).collect();
    let end = json!({ "topics": topics, "data": END }).to_string();
    hub.request("POST", "/publish", &[], end.as_bytes()).receipt();

    let kept = to_the_end(hub.listen("pattern=*&last_event_id=earliest"));
    let published = std::mem::take(&mut *run.published.lock().unwrap());
    eprintln!("{} requests, {} events, {kills} kills", published.len(), kept.len());
    let log = History::new(&kept);
    log.holds_what_was_answered(&published);
    log.holds_nothing_else(&published);
    log.keeps_the_order_of_each_publisher(&published);
    for (subscriber, (query, matches)) in subscribers.into_iter().zip(SUBSCRIPTIONS) {
        let seen = subscriber.join().unwrap();
        let asked_for = |event: &&Event| event.data == END || matches(topic_of(event));
        let expected: Vec<&Event> = kept.iter().filter(asked_for).collect();
        let differs = seen.iter().zip(&expected).position(|(seen, expected)| seen != *expected);
        assert_eq!(differs, None, "{query} saw {:?}", &seen[differs.unwrap_or_default()..][..1]);
        assert_eq!(seen.len(), expected.len(), "{query}");
    }
    assert!(!cursors.is_empty(), "nothing was answered in all the lives");
    for cursor in cursors {
        let mut listener = Listener::open(hub.address, "pattern=*", &cursor).unwrap();
        let place = log.by_id[cursor.as_str()];
        assert_eq!(listener.event(), kept[place + 1], "behind {cursor}");
    }
    let resets = ["unknown", "expired"]
        .map(|reason| hub.metric(&format!("tidings_resets_total{{reason=\"{reason}\"}}")));
    assert_eq!(resets, [0.0, 0.0]);
}

/// What was answered before it was flushed survives a kill as well, because the kernel has it. The hub cannot know that
/// it was no loss of power, so it begins a new epoch; cursors of the old one are as good as ever.
#[test]
fn a_kill_alone_loses_nothing_with_less_durability_either() {
    for durability in ["interval", "none"] {
        let mut hub = Hub::configured(&format!("[log]\ndurability = '{durability}'"));
        let mut ids: Vec<Value> = Vec::new();
        let mut epochs: Vec<Value> = Vec::new();
        for life in 0..5 {
            let receipts: Vec<Value> =
                (0..100).map(|number| hub.publish("a", (life * 100 + number).to_string())).collect();
            epochs.push(receipts[0]["epoch"].clone());
            ids.extend(receipts.into_iter().map(|receipt| receipt["id"].clone()));
            hub.kill();
            hub.launch();
        }
        epochs.sort_by_key(Value::to_string);
        epochs.dedup();
        assert_eq!(epochs.len(), 5, "{durability}");
        for start in (0..499).step_by(50) {
            let mut listener = Listener::open(hub.address, "topic=a", ids[start].as_str().unwrap()).unwrap();
            for (number, id) in ids.iter().enumerate().skip(start + 1) {
                let event = listener.event();
                assert_eq!((event.data, json!(event.id)), (number.to_string(), id.clone()), "{durability}");
            }
        }
    }
}

fn topic_of(event: &Event) -> &str {
    event.data.split(' ').next().unwrap_or_default()
}

fn to_the_end(mut listener: Listener) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let event = listener.event();
        assert_ne!(event.event, "tidings.reset", "after {:?}", events.last());
        let is_end = event.data == END;
        events.push(event);
        if is_end {
            return events;
        }
    }
}

impl Run {
    fn newest_receipt(&self) -> Option<Value> {
        let published = self.published.lock().unwrap();
        published.iter().rev().find_map(|batch| batch.receipts.as_ref()?.last().cloned())
    }

    /// Publishes until it is to stop. Its requests follow on each other, over one connection while that lives.
    fn publish(&self, publisher: Publisher) {
        let Publisher { name, batches, ids } = publisher;
        let mut connection = None;
        for number in 0.. {
            if self.stop.load(SeqCst) {
                return;
            }
            let size = if batches { fastrand::usize(1..=LARGEST_BATCH) } else { 1 };
            // The data tells who published it, and which it is.
            let data: Vec<String> = (0..size)
                .map(|place| {
                    format!("{name} {number} {place} {}", "x".repeat(fastrand::usize(..MAX_PADDING)))
                })
                .collect();
            let mut receipts = self.send(&mut connection, publisher, number, &data);
            while ids && receipts.is_none() {
                receipts = self.send(&mut connection, publisher, number, &data);
            }
            if receipts.is_some() {
                self.answered.fetch_add(size as u64, SeqCst);
            }
            self.published.lock().unwrap().push(Batch { publisher, number, data, receipts });
        }
    }

    /// Sends one request. `None` if the hub died over it.
    fn send(
        &self,
        kept: &mut Option<Connection>,
        publisher: Publisher,
        number: u64,
        data: &[String],
    ) -> Option<Vec<Value>> {
        let mut connection = kept.take().unwrap_or_else(|| self.connect());
        let Publisher { name, batches, ids } = publisher;
        let answer = if batches {
            let line = |(place, data): (usize, &String)| {
                let id = ids.then(|| id(name, number, place));
                json!({ "topic": name, "data": data, "id": id }).to_string()
            };
            let body = data.iter().enumerate().map(line).collect::<Vec<_>>().join("\n");
            let headers = [("Content-Type", "application/x-ndjson")];
            connection.request("POST", "/publish", &headers, body.as_bytes())
        } else {
            let query = if ids { format!("?id={}", id(name, number, 0)) } else { String::new() };
            connection.request("POST", &format!("/topics/{name}{query}"), &[], data[0].as_bytes())
        };
        let receipts = answer.ok()?.receipts();
        assert_eq!(receipts.len(), data.len());
        *kept = Some(connection);
        Some(receipts)
    }

    fn connect(&self) -> Connection {
        wait_for("the hub is back", || Connection::open(self.address, BOUND).ok())
    }

    /// Listens until the end, coming back with the last id seen after each kill. Answers all it saw.
    fn subscribe(&self, query: &str) -> Vec<Event> {
        let mut seen: Vec<Event> = Vec::new();
        loop {
            // All from the beginning: it may come for the first time after events have been published.
            let last_id = seen.last().map_or("earliest", |event| event.id.as_str());
            let mut listener =
                wait_for("the hub is back", || Listener::open(self.address, query, last_id).ok());
            while let Ok(event) = listener.next_event() {
                let event = event.expect("a killed hub ends no stream properly");
                assert_ne!(event.event, "tidings.reset", "{query} after {:?}", seen.last());
                let is_end = event.data == END;
                seen.push(event);
                if is_end {
                    return seen;
                }
            }
        }
    }
}

fn id(publisher: &str, number: u64, place: usize) -> String {
    format!("{publisher}:{number}:{place}")
}

/// All that the log holds, from offset 0 on.
struct History<'a> {
    events: &'a [Event],
    /// The offsets; data and ids are unique.
    by_data: HashMap<&'a str, usize>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> History<'a> {
    fn new(events: &'a [Event]) -> Self {
        let by_data: HashMap<_, _> =
            events.iter().enumerate().map(|(offset, event)| (event.data.as_str(), offset)).collect();
        let by_id: HashMap<_, _> =
            events.iter().enumerate().map(|(offset, event)| (event.id.as_str(), offset)).collect();
        assert_eq!(by_data.len(), events.len(), "something is there twice");
        assert_eq!(by_id.len(), events.len(), "an id is there twice");
        Self { events, by_data, by_id }
    }

    /// Each answered event is where the receipt says, in one epoch; batches are whole, together and in their order.
    fn holds_what_was_answered(&self, published: &[Batch]) {
        let mut epochs: Vec<&Value> = Vec::new();
        for batch in published {
            let places: Vec<_> =
                batch.data.iter().map(|data| self.by_data.get(data.as_str()).copied()).collect();
            let name = format!("{:?} {}", batch.publisher, batch.number);
            match places[0] {
                Some(first) => {
                    let expected: Vec<_> = (first..first + places.len()).map(Some).collect();
                    assert_eq!(places, expected, "{name} is not together");
                }
                None => assert!(places.iter().all(Option::is_none), "{name} is there in part: {places:?}"),
            }
            let Some(receipts) = &batch.receipts else { continue };
            for (receipt, place) in receipts.iter().zip(places) {
                let place = place.unwrap_or_else(|| panic!("{name} was answered {receipt} and is lost"));
                assert_eq!(receipt["offset"], place, "{name}");
                assert_eq!(receipt["id"], self.events[place].id, "{name}");
                epochs.push(&receipt["epoch"]);
            }
        }
        epochs.dedup();
        assert_eq!(epochs.len(), 1, "a kill alone begins no new epoch: {epochs:?}");
    }

    fn holds_nothing_else(&self, published: &[Batch]) {
        let known: usize = published
            .iter()
            .flat_map(|batch| &batch.data)
            .filter(|data| self.by_data.contains_key(data.as_str()))
            .count();
        assert_eq!(known + 1, self.events.len(), "beside the end");
    }

    fn keeps_the_order_of_each_publisher(&self, published: &[Batch]) {
        let mut newest: HashMap<Publisher, usize> = HashMap::new();
        for batch in published {
            let Some(&place) = self.by_data.get(batch.data[0].as_str()) else { continue };
            let before = newest.insert(batch.publisher, place);
            assert!(before < Some(place), "{:?} {} was overtaken", batch.publisher, batch.number);
        }
    }
}
