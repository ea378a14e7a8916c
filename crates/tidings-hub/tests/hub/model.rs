//! Random worlds against a model: many clients, publishers, restarts and drains over a log that is slow and fails, with
//! every limit small. Each client must see exactly what it asked for and may see, once, in order, with the right bytes,
//! and be told of each gap once.
//!
//! The seed fixes what is done; when exactly, the threads decide, so a failing seed may want several runs.
//! `TIDINGS_HUB_SEED=n` runs one world, `TIDINGS_HUB_CASES=n` as many as wanted.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::{FutureExt as _, StreamExt as _, future::join_all};
use tidings_hub::{
    Hub, Log, Naming, Publication, ReadRights, Selection, Settings, ShardLimits, Start, Topic,
};

use crate::{
    chaos::{Chaos, ChaosLog},
    client::{Client, Pace, Raw, Serials},
    oracle::{Moment, Published, Truth},
    support::{PATIENCE, memory, selection, settings, topic, until},
};

/// Worlds in a run by default: some ten seconds on two cores.
const CASES: u64 = 100;
/// Worlds at once: they mostly wait.
const AT_ONCE: usize = 4;
/// The topics that events are published to. Every selection below matches one of them at least.
const TOPICS: [&str; 8] = ["a", "b", "a.1", "a.2", "b/x", "消息", "https://example.com/books/1", "a b"];
const PATTERNS: [&str; 6] = ["a*", "*.1", "a.*", "b*x", "https://*/books/*", "*息"];
/// The connections that events come from.
const SOCKETS: [&str; 4] = ["1.1", "2.2", "3.3", "4.4"];

/// What all clients and publishers of a world share.
pub(crate) struct World {
    log: Arc<dyn Log>,
    settings: Settings,
    /// The present hub, and how many there were before.
    hub: Mutex<(Hub, usize)>,
    ending: AtomicBool,
    book: Mutex<Book>,
}

/// What the publishers were answered.
#[derive(Default)]
struct Book {
    published: Published,
    serials: Serials,
    /// Where each publisher-given id stands, duplicates included.
    answers: Vec<(String, u64, bool)>,
}

impl World {
    /// The data of the last event, which goes to all topics.
    pub(crate) const LAST: &str = "last|";

    pub(crate) fn moment(&self) -> Moment {
        let status = self.log.status();
        Moment { oldest: status.oldest, next: status.next }
    }

    pub(crate) fn hub(&self) -> (Hub, usize) {
        self.hub.lock().unwrap().clone()
    }

    pub(crate) fn generation(&self) -> usize {
        self.hub.lock().unwrap().1
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(SeqCst)
    }

    async fn publish(&self, batch: Vec<Publication>) {
        let (hub, _) = self.hub();
        let receipts = hub.publish_all(batch.clone()).await.unwrap();
        let mut book = self.book.lock().unwrap();
        for (publication, receipt) in batch.into_iter().zip(receipts) {
            if let Some(id) = &publication.id {
                book.answers.push((id.to_string(), receipt.position.offset, receipt.duplicate));
            }
            if !receipt.duplicate {
                let data = std::str::from_utf8(&publication.data).unwrap();
                let serial = data.split('|').next().unwrap().to_owned();
                book.serials.insert(serial, (receipt.id, receipt.position.offset));
                book.published.insert(receipt.position.offset, publication);
            }
        }
    }

    /// Puts a new hub over the same log in the old one's place.
    fn restart(&self) {
        let new = Hub::start(self.log.clone(), self.settings.clone()).unwrap();
        let mut hub = self.hub.lock().unwrap();
        *hub = (new, hub.1 + 1);
    }
}

fn small_settings(rng: &mut Rng) -> Settings {
    let one_to = |rng: &mut Rng, most: usize| NonZeroUsize::new(rng.usize(1..=most)).unwrap();
    let shard = ShardLimits {
        recent_events: rng.usize(..20),
        recent_bytes: rng.usize(..3000),
        inbox_bytes: rng.usize(100..4000),
        reads: one_to(rng, 3),
        replay_bytes: rng.usize(..4000),
        page_entries: one_to(rng, 6),
    };
    Settings {
        subscriber_bytes: rng.usize(1..1500),
        page_bytes: rng.usize(1..2000),
        // One in three worlds has the roomy limits, where other ways are taken.
        shard: if rng.u8(..3) == 0 { ShardLimits::default() } else { shard },
        // In one of three, heartbeats come in every pause.
        heartbeat: if rng.u8(..3) == 0 { Duration::from_millis(10) } else { 10 * PATIENCE },
        ..settings(rng.usize(1..=3))
    }
}

fn some_topics(rng: &mut Rng) -> Box<[Topic]> {
    let count = if rng.u8(..4) == 0 { rng.usize(2..5) } else { 1 };
    (0..count).map(|_| topic(rng.choice(TOPICS).unwrap())).collect()
}

fn some_selection(rng: &mut Rng) -> Selection {
    match rng.u8(..6) {
        0 => Selection::all(),
        1 => selection(&[rng.choice(PATTERNS).unwrap()]),
        2 | 3 => selection(&[rng.choice(TOPICS).unwrap()]),
        _ => {
            let exact = rng.choose_multiple(TOPICS, 2);
            let patterns = rng.choose_multiple(PATTERNS, 1);
            selection(&[exact, patterns].concat())
        }
    }
}

fn some_start(rng: &mut Rng, world: &World) -> Start {
    let book = world.book.lock().unwrap();
    // Any that was there: generated or not, kept or not. Not the last one, behind which a client would wait for ever.
    let ids: Vec<&String> = book
        .serials
        .iter()
        .filter(|(serial, _)| World::LAST.split('|').next() != Some(serial.as_str()))
        .map(|(_, (id, _))| id)
        .collect();
    match rng.u8(..8) {
        0..3 => Start::Live,
        3 => Start::Earliest,
        4 => Start::Newest(rng.usize(1..12)),
        5 => Start::After(rng.choice(["nope", "0000000000000-0", "own.999999"]).unwrap().into()),
        _ => match rng.choice(ids) {
            Some(id) => Start::After(id.clone()),
            None => Start::After(format!("{}-{}", world.log.status().epoch, u64::MAX)),
        },
    }
}

/// Each lets the last event through, which is public and has every topic.
fn some_rights(rng: &mut Rng) -> Arc<ReadRights> {
    match rng.u8(..6) {
        0..3 => ReadRights::everything(),
        // A token of one's own, on topics that everybody listens to.
        3 => Arc::new(ReadRights { public: Selection::all(), private: Selection::default() }),
        4 => Arc::new(ReadRights { public: Selection::all(), private: some_selection(rng) }),
        _ => Arc::new(ReadRights { public: some_selection(rng), private: some_selection(rng) }),
    }
}

fn some_client(rng: &mut Rng, world: &World) -> Client {
    Client {
        selection: some_selection(rng),
        read: (0..rng.usize(1..3)).map(|_| some_rights(rng)).collect(),
        start: some_start(rng, world),
        naming: match rng.u8(..4) {
            0 => Naming::Channel,
            1 => Naming::Fixed("fixed".into()),
            _ => Naming::Own,
        },
        sockets: rng.choose_multiple(SOCKETS, 2).into_iter().take(rng.usize(..3)).map(Into::into).collect(),
        pace: rng.choice([Pace::AtOnce, Pace::Slowly, Pace::InBursts, Pace::Later]).unwrap(),
        breaks_after: if rng.bool() { rng.usize(1..60) } else { 0 },
        rng: rng.fork(),
    }
}

/// `serial` begins the data, so that every event is another. Ids come again when `repeats`.
fn some_publication(rng: &mut Rng, serial: &str, repeats: bool) -> Publication {
    let size = match rng.u8(..20) {
        0 => rng.usize(..6000),
        1..4 => rng.usize(..600),
        _ => rng.usize(..30),
    };
    let text: String = (0..size).map(|_| rng.choice(['x', 'y', 'é', '\n', ' ', ':']).unwrap()).collect();
    Publication {
        topics: some_topics(rng),
        event: rng.bool().then(|| "kind".into()),
        id: (rng.u8(..3) == 0).then(|| match repeats {
            true => format!("own.{}", rng.u8(..60)).into(),
            false => format!("own.{serial}").into(),
        }),
        retry: (rng.u8(..10) == 0).then(|| rng.u64(..5000)),
        private: rng.u8(..4) == 0,
        socket: (rng.u8(..3) == 0).then(|| rng.choice(SOCKETS).unwrap().into()),
        ..Publication::new(topic("a"), format!("{serial}|{text}"))
    }
}

async fn publisher(world: &World, name: usize, mut rng: Rng, repeats: bool) {
    let mut serial = 0;
    let pause = rng.u64(..4);
    for _ in 0..rng.usize(5..60) {
        let batch = (0..rng.usize(1..6)).map(|_| {
            serial += 1;
            some_publication(&mut rng, &format!("{name}-{serial}"), repeats)
        });
        let batch = batch.collect();
        world.publish(batch).await;
        if pause > 0 {
            tokio::time::sleep(Duration::from_millis(rng.u64(..=pause))).await;
        }
    }
}

/// Stops the hub and starts another, some times, with or without a drain before.
async fn operator(world: &World, mut rng: Rng) {
    for _ in 0..rng.usize(..3) {
        tokio::time::sleep(Duration::from_millis(rng.u64(..80))).await;
        if rng.bool() {
            let (old, _) = world.hub();
            old.drain(Duration::from_millis(rng.u64(..50)));
            if rng.bool() {
                // Also the slow ones get to their end, in their time.
                until("drained", || old.stats().subscribers == 0 && old.stats().subscribers_behind == 0)
                    .await;
            }
        }
        world.restart();
    }
}

async fn run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let retention = if rng.bool() { Some(rng.u64(1..60)) } else { None };
    let chaos = match rng.u8(..4) {
        0 => Chaos::default(),
        _ => Chaos {
            delay: Duration::from_micros(rng.u64(..3000)),
            lag: Duration::from_micros(rng.u64(..4000)),
            failures: if rng.bool() { rng.u32(..60) } else { 0 },
        },
    };
    let log: Arc<dyn Log> = Arc::new(ChaosLog::new(memory(retention), chaos, rng.u64(..)));
    let settings = small_settings(&mut rng);
    let world = World {
        hub: Mutex::new((Hub::start(log.clone(), settings.clone()).unwrap(), 0)),
        log,
        settings,
        ending: AtomicBool::new(false),
        book: Mutex::default(),
    };
    let (repeats, early) = (retention.is_none(), rng.usize(..6));
    let actions = async {
        publisher(&world, 0, rng.fork(), repeats).await;
        let later = join_all((1..3).map(|name| publisher(&world, name, rng.fork(), repeats)));
        tokio::join!(later, operator(&world, rng.fork()));
        world.ending.store(true, SeqCst);
        let all = TOPICS.iter().map(|name| topic(name)).collect();
        world.publish(vec![Publication { topics: all, ..Publication::new(topic("a"), World::LAST) }]).await;
    };
    let mut client_rng = Rng::with_seed(!seed);
    let from_the_start: Vec<Client> = (0..early).map(|_| some_client(&mut client_rng, &world)).collect();
    let crowd = async {
        let mut clients: Vec<_> =
            from_the_start.into_iter().map(|client| client.run(&world).boxed()).collect();
        for _ in 0..client_rng.usize(4..10) {
            let (wait, mut rng) = (Duration::from_millis(client_rng.u64(..150)), client_rng.fork());
            let world = &world;
            let late = async move {
                tokio::time::sleep(wait).await;
                some_client(&mut rng, world).run(world).await
            };
            clients.push(late.boxed());
        }
        join_all(clients).await
    };
    let ((), connections): ((), Vec<Vec<Raw>>) = tokio::join!(actions, crowd);

    let (hub, _) = world.hub();
    until("everybody has left", || hub.stats().subscribers == 0).await;
    let stats = hub.stats();
    assert_eq!(stats.subscribers_behind, 0);
    assert_eq!(stats.subscribed, stats.ended.iter().map(|(_, count)| count).sum::<u64>());
    let topics = hub.topics(Selection::all(), None, usize::MAX).await.unwrap();
    assert!(topics.iter().all(|topic| topic.subscribers == 0), "{topics:?}");

    let book = world.book.lock().unwrap();
    for (id, offset, duplicate) in &book.answers {
        let first = book.published[offset].id.as_deref();
        assert!(
            first == Some(id),
            "{id} (duplicate: {duplicate}) was answered with {offset}, which is {first:?}"
        );
    }
    let status = world.log.status();
    let truth = Truth { published: &book.published, epoch: status.epoch, oldest: status.oldest };
    for raw in connections.into_iter().flatten() {
        let text = format!("{raw:?}");
        let connection = raw.into_connection(&book.published, &book.serials);
        if let Err(error) = connection.and_then(|connection| truth.check(&connection)) {
            panic!("{error}\n{retention:?} {chaos:?} {:?}\n{text}", world.settings);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_sees_exactly_what_it_asked_for_once_in_order() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds: Vec<u64> = match number("TIDINGS_HUB_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("TIDINGS_HUB_CASES").unwrap_or(CASES)).map(|_| fastrand::u64(..)).collect(),
    };
    let worlds = futures_util::stream::iter(seeds).map(|seed| async move {
        let world = tokio::spawn(run(seed)).await;
        assert!(world.is_ok(), "see above; again with TIDINGS_HUB_SEED={seed}");
    });
    worlds.buffer_unordered(AT_ONCE).collect::<()>().await;
}
