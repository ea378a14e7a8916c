//! Crashes at random moments on a disk that may do anything a disk may do, judged by an oracle.
//!
//! What must hold after every start, whatever happened before:
//! - everything that was acknowledged or shown is there once, at its offset, in order (with less than full durability:
//!   a part of it from the beginning, in a new epoch, unless the log was closed);
//! - nothing that was refused is there; a batch is there whole or not at all;
//! - the log opens, and old positions and ids resolve as they did.
//!
//! `TIDINGS_SIM_SEEDS=n` runs that many seeds, `TIDINGS_SIM_SEED=s` one of them again.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use tidings_hub::{AppendError, Entry, Epoch, Lookup, Position, Publication, ReadLimit, Selection, Topic};

use super::sim::Sim;
use crate::{
    clock::Clock,
    disk::{
        DiskSettings, Durability,
        appender::Appender,
        files::UNSYNCED,
        prepare,
        query::{self, Found},
        state::Shared,
    },
    retention::Retention,
    sync::read,
    writer::Store,
};

const SEEDS: u64 = 2000;
/// An age that nothing reaches here, but a sixteenth of which completes segments that are not full.
const AGE: Duration = Duration::from_secs(64);

struct Oracle {
    rng: fastrand::Rng,
    sim: Sim,
    clock: Clock,
    retention: Retention,
    segment_bytes: u64,
    /// What every reader may rely on, by offset.
    shown: BTreeMap<u64, Arc<Entry>>,
    next: u64,
    epoch: Option<Epoch>,
    /// Batches whose publishers never learnt what became of them.
    uncertain: Vec<Vec<String>>,
    refused: BTreeSet<String>,
    /// Positions that were shown and lost with an old epoch.
    lost: Vec<Position>,
    sent: u64,
    must_begin_anew: bool,
    may_begin_anew: bool,
    lossless: bool,
    seen: Seen,
}

/// What has happened, so that the simulator is known not to have become harmless.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    acknowledged: u64,
    /// Torn ends that were cut off.
    cut: u64,
    /// Starts that found space written ahead, and those of them that found a torn end before it.
    ahead: u64,
    torn_ahead: u64,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.cut += other.cut;
        self.ahead += other.ahead;
        self.torn_ahead += other.torn_ahead;
    }

    fn everything(self) -> bool {
        self.acknowledged > 0 && self.cut > 0 && self.ahead > 0 && self.torn_ahead > 0
    }
}

fn data_of(publication: &Publication) -> String {
    String::from_utf8_lossy(&publication.data).into_owned()
}

fn everything(shared: &Shared, mut from: u64) -> Vec<Arc<Entry>> {
    let limit = ReadLimit { entries: NonZeroUsize::new(16).unwrap(), bytes: 1000 };
    let mut entries = Vec::new();
    loop {
        let page = query::plan(shared, from, &Selection::all(), limit).page().unwrap();
        entries.extend(page.entries);
        if page.next <= from || page.next == read(&shared.state).next() {
            return entries;
        }
        from = page.next;
    }
}

fn find(shared: &Shared, id: &str) -> Lookup {
    match query::find(shared, id) {
        Found::Known(lookup) => lookup,
        Found::Candidates(candidates) => {
            let found = query::verify(candidates, id).unwrap();
            found.map_or(Lookup::Unknown, |offset| Lookup::After(offset + 1))
        }
    }
}

impl Oracle {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let events = rng.bool().then(|| rng.u64(20..100));
        Self {
            sim: Sim::new(rng.u64(..)),
            clock: Clock::manual(1_000_000),
            retention: Retention { events, age: rng.bool().then_some(AGE), ..Retention::unlimited() },
            // Small segments roll, large ones are written ahead.
            segment_bytes: if rng.bool() { rng.u64(300..4000) } else { rng.u64(10_000..100_000) },
            rng,
            shown: BTreeMap::new(),
            next: 0,
            epoch: None,
            uncertain: Vec::new(),
            refused: BTreeSet::new(),
            lost: Vec::new(),
            sent: 0,
            must_begin_anew: false,
            may_begin_anew: true,
            lossless: true,
            seen: Seen::default(),
        }
    }

    fn run(&mut self) {
        for _ in 0..self.rng.u32(2..7) {
            let durability = match self.rng.u32(..4) {
                0 => Durability::None,
                1 => Durability::Interval(Duration::from_millis(5)),
                _ => Durability::Always,
            };
            // Opening is interrupted now and then, but not for ever.
            let until_off = self.rng.bool().then(|| self.rng.u32(..12));
            self.sim.trouble(until_off, 0, 0);
            let opened = self.open(durability);
            self.sim.trouble(None, 0, 0);
            let (mut appender, shared) = match opened {
                Some(opened) => opened,
                None => {
                    self.may_begin_anew |= durability != Durability::Always;
                    self.crash();
                    continue;
                }
            };
            self.check(&shared, durability);
            self.live(&mut appender, &shared);
            drop(appender);
            self.crash();
        }
        self.sim.trouble(None, 0, 0);
        let (_, shared) = self.open(Durability::Always).expect("a disk in order opens");
        self.check(&shared, Durability::Always);
    }

    fn crash(&mut self) {
        if self.rng.u32(..4) == 0 {
            self.sim.kill();
        } else {
            self.sim.power_cycle();
        }
    }

    fn open(&mut self, durability: Durability) -> Option<(Appender, Arc<Shared>)> {
        let settings = DiskSettings {
            durability,
            retention: self.retention.clone(),
            segment_bytes: Some(self.segment_bytes),
            cache_bytes: if self.rng.bool() { 0 } else { 2000 },
            clock: self.clock.clone(),
            ..DiskSettings::new("simulated")
        };
        let ahead = self.sim.has_space_ahead();
        match prepare(Arc::new(self.sim.clone()), settings, None) {
            Ok((appender, shared, report)) => {
                self.seen.cut += u64::from(report.cut.is_some());
                self.seen.ahead += u64::from(ahead);
                self.seen.torn_ahead += u64::from(ahead && report.cut.is_some());
                Some((appender, shared))
            }
            Err(error) if self.sim.is_off() => {
                drop(error);
                None
            }
            Err(error) => panic!("the log does not open: {error}"),
        }
    }

    /// What is there after a start, against what must be.
    fn check(&mut self, shared: &Shared, durability: Durability) {
        let status = read(&shared.state).status();
        let entries = everything(shared, 0);
        assert_eq!(entries.len() as u64, status.next - status.oldest);
        if let Some(epoch) = self.epoch {
            if self.must_begin_anew {
                assert_ne!(status.epoch, epoch, "a new epoch after what may be lost");
            } else if !self.may_begin_anew {
                assert_eq!(status.epoch, epoch, "the epoch goes on");
            }
            if status.epoch == epoch {
                assert!(status.next >= self.next, "{} events of {} are left", status.next, self.next);
            }
        }
        let mut seen = BTreeSet::new();
        for (offset, entry) in (status.oldest..).zip(&entries) {
            let data = data_of(&entry.publication);
            assert_eq!(entry.position.offset, offset);
            assert!(seen.insert(data.clone()), "{data} is there twice");
            assert!(!self.refused.contains(&data), "{data} was refused and is there");
            match self.shown.get(&offset) {
                Some(shown) => assert_eq!(shown, entry),
                None if offset < self.next => {}
                None => {
                    assert!(self.uncertain.iter().any(|batch| batch.contains(&data)), "{data} from nowhere")
                }
            }
        }
        for batch in &self.uncertain {
            let present = batch.iter().filter(|data| seen.contains(*data)).count();
            let trimmed = status.oldest > self.next;
            assert!(present == 0 || present == batch.len() || trimmed, "a part of a batch: {batch:?}");
        }
        // Old events make room for new ones; when those are lost, fewer are left.
        self.lossless &= status.next >= self.next;
        let kept = self.retention.events.map_or(status.next, |events| events.min(status.next));
        let left = status.next - status.oldest;
        assert!(!self.lossless || left >= kept, "more was let go than the limit says");
        // What an older life showed and this one lost is unknown, and not mistaken for anything else.
        let lost = self.shown.split_off(&status.next);
        self.lost.extend(lost.values().map(|entry| entry.position));
        for position in &self.lost {
            assert_eq!(find(shared, &position.to_string()), Lookup::Unknown);
        }
        self.shown.extend(entries.into_iter().map(|entry| (entry.position.offset, entry)));
        self.next = status.next;
        self.epoch = Some(status.epoch);
        self.uncertain.clear();
        self.refused.clear();
        self.must_begin_anew = durability != Durability::Always;
        self.may_begin_anew = false;
        self.check_reading(shared);
    }

    /// Positions, ids and pages, at any time.
    fn check_reading(&mut self, shared: &Shared) {
        let oldest = read(&shared.state).oldest();
        for (&offset, entry) in &self.shown {
            // The place of an event is known as long as nothing behind it has gone.
            let expected = if offset + 1 < oldest { Lookup::Expired } else { Lookup::After(offset + 1) };
            assert_eq!(find(shared, &entry.position.to_string()), expected);
            if let Some(id) = entry.publication.id.as_ref().filter(|_| offset >= oldest) {
                assert_eq!(find(shared, id), Lookup::After(offset + 1), "{id}");
            }
        }
        let from = self.rng.u64(..=self.next);
        let expected: Vec<_> = self.shown.range(from.max(oldest)..).map(|(_, entry)| entry.clone()).collect();
        assert_eq!(everything(shared, from), expected);
    }

    /// Publishes until the power goes or enough was done.
    fn live(&mut self, appender: &mut Appender, shared: &Shared) {
        let (full, bad_flush) = match self.rng.u32(..4) {
            0 => (self.rng.u32(1..30), 0),
            1 => (0, self.rng.u32(1..10)),
            2 => (self.rng.u32(1..20), self.rng.u32(1..5)),
            _ => (0, 0),
        };
        let until_off = (self.rng.u32(..5) > 0).then(|| self.rng.u32(..150));
        self.sim.trouble(until_off, full, bad_flush);
        for _ in 0..self.rng.u32(1..40) {
            self.publish(appender);
            if self.sim.is_off() {
                return;
            }
            appender.settle();
            if self.rng.u32(..5) == 0 {
                self.clock.advance(Duration::from_millis(self.rng.u64(..1000)));
                appender.tick();
            }
            if self.rng.u32(..8) == 0 {
                self.check_reading(shared);
            }
        }
        if self.rng.bool() && !self.sim.is_off() {
            self.sim.trouble(None, 0, 0);
            let failed = read(&shared.state).trouble.is_some();
            appender.finish();
            let marked = self.sim.names().iter().any(|name| name == UNSYNCED);
            assert!(failed || !marked, "a log that was in order was not closed well");
            self.must_begin_anew = marked;
        }
    }

    fn publish(&mut self, appender: &mut Appender) {
        let mut group = Vec::new();
        for _ in 0..self.rng.u32(1..4) {
            let batch: Vec<_> = (0..self.rng.u32(1..4)).map(|_| self.publication()).collect();
            group.push(batch);
        }
        let first = self.next;
        let committed = appender.commit(group.clone());
        // Power that went after the flush took the answers with it, but then the answers were never sent.
        let cut_off = self.sim.is_off();
        for entry in &committed.entries {
            assert_eq!(entry.position, Position { epoch: self.epoch.unwrap(), offset: self.next });
            self.shown.insert(self.next, entry.clone());
            self.next += 1;
        }
        for (batch, answer) in group.iter().zip(&committed.answers) {
            let datas = || batch.iter().map(data_of);
            match answer {
                Ok(appended) => {
                    self.seen.acknowledged += 1;
                    for (publication, appended) in batch.iter().zip(appended) {
                        let there = &self.shown[&appended.position.offset];
                        assert_eq!(there.position, appended.position);
                        assert_eq!(there.publication.id, publication.id);
                        assert_eq!(appended.duplicate, data_of(&there.publication) != data_of(publication));
                        assert!(appended.duplicate || appended.position.offset >= first);
                    }
                }
                Err(AppendError::Unavailable(_)) if !cut_off => self.refused.extend(datas()),
                Err(_) => {
                    // Doubles of what is there are in it or not; they say nothing about the batch.
                    let new = batch.iter().filter(|publication| publication.id.is_none()).map(data_of);
                    self.uncertain.push(new.collect());
                    self.uncertain.extend(
                        batch
                            .iter()
                            .filter(|publication| publication.id.is_some())
                            .map(|one| vec![data_of(one)]),
                    );
                }
            }
        }
    }

    fn publication(&mut self) -> Publication {
        self.sent += 1;
        let padding = "x".repeat(self.rng.usize(..200));
        let topic = Topic::new(format!("t{}", self.rng.u32(..5))).unwrap();
        let mut publication = Publication::new(topic, format!("{}-{padding}", self.sent));
        if self.rng.u32(..4) == 0 {
            // Some are new, some come again.
            publication.id = Some(format!("id{}", self.rng.u64(..=self.sent)).into());
        }
        publication
    }
}

#[test]
fn no_crash_harms_what_was_shown() {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("TIDINGS_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TIDINGS_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let one = seeds.end - seeds.start == 1;
    let mut seen = Seen::default();
    for seed in seeds {
        let ran = std::panic::catch_unwind(|| {
            let mut oracle = Oracle::new(seed);
            oracle.run();
            oracle.seen
        });
        match ran {
            Ok(its) => seen.add(its),
            Err(panic) => {
                eprintln!("seed {seed} failed; run it again with TIDINGS_SIM_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(one || seen.everything(), "{seen:?}");
}
