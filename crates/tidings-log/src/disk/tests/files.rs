//! What is read, written, kept and refused, counted and judged at the files.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use tidings_hub::{AppendError, Page, Publication, ReadLimit, Selection, Topic};

use super::sim::Sim;
use crate::{
    clock::Clock,
    disk::{
        DiskSettings, Durability, OpenError, OpenReport, appender::Appender, index::Index as _, prepare,
        query, state::Shared,
    },
    retention::Retention,
    sync::read,
    writer::Store,
};

struct Rig {
    sim: Sim,
    settings: DiskSettings,
}

impl Rig {
    fn new() -> Self {
        let settings = DiskSettings {
            retention: Retention::unlimited(),
            segment_bytes: Some(20_000),
            cache_bytes: 0,
            clock: Clock::manual(1_000_000),
            ..DiskSettings::new("simulated")
        };
        Self { sim: Sim::new(1), settings }
    }

    fn try_open(&self) -> Result<(Appender, Arc<Shared>, OpenReport), OpenError> {
        prepare(Arc::new(self.sim.clone()), self.settings.clone(), None)
    }

    fn open(&self) -> (Appender, Arc<Shared>, OpenReport) {
        self.try_open().unwrap()
    }

    fn segments(&self) -> Vec<String> {
        self.sim.names().into_iter().filter(|name| name.ends_with(".log")).collect()
    }
}

fn publication(topic: &str, number: usize) -> Publication {
    Publication::new(Topic::new(topic).unwrap(), format!("{number:0100}"))
}

/// Publishes `count` events of 100 bytes, 10 in a batch, one in a hundred to `rare`.
fn fill(appender: &mut Appender, count: usize) {
    for batch in 0..count / 10 {
        let event = |n: usize| publication(if n % 100 == 50 { "rare" } else { "common" }, n);
        let committed = appender.commit(vec![(batch * 10..batch * 10 + 10).map(event).collect()]);
        assert!(committed.answers.iter().all(Result::is_ok));
        appender.settle();
    }
}

fn page(shared: &Shared, from: u64, topic: &str, entries: usize) -> Page {
    let limit = ReadLimit { entries: NonZeroUsize::new(entries).unwrap(), bytes: 1 << 20 };
    query::plan(shared, from, &Selection::topic(Topic::new(topic).unwrap()), limit).page().unwrap()
}

#[test]
fn a_sparse_topic_is_read_without_the_rest() {
    let rig = Rig::new();
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 10_000);
    let before = rig.sim.bytes_read();
    assert_eq!(page(&shared, 0, "rare", 1000).entries.len(), 100);
    let bytes = rig.sim.bytes_read() - before;
    assert!(bytes < 100 * 250, "{bytes} bytes for 100 events of 100 bytes");
}

#[test]
fn neighbours_are_read_together_and_only_them() {
    let rig = Rig::new();
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 1000);
    let before = rig.sim.bytes_read();
    assert_eq!(page(&shared, 10, "common", 20).entries.len(), 20);
    assert!(rig.sim.bytes_read() - before < 20 * 200);
}

#[test]
fn a_start_reads_the_sidecars_and_the_last_segment() {
    let rig = Rig::new();
    let (mut appender, ..) = rig.open();
    fill(&mut appender, 50_000);
    let sidecars: usize = rig.sim.names().iter().filter(|name| name.ends_with(".idx")).count();
    let before = rig.sim.bytes_read();
    let (_, shared, report) = rig.open();
    let bytes = rig.sim.bytes_read() - before;
    assert_eq!((report.entries, report.segments, report.rebuilt.len()), (50_000, sidecars + 1, 0));
    let held = rig.sim.bytes_held();
    assert!(sidecars > 100 && bytes < held / 4, "{bytes} bytes read of {held}");
    assert_eq!(page(&shared, 0, "rare", 1000).entries.len(), 500);
}

#[test]
fn a_torn_end_is_cut_and_reported() {
    let rig = Rig::new();
    let (mut appender, ..) = rig.open();
    fill(&mut appender, 100);
    let name = rig.segments().pop().unwrap();
    rig.sim.tamper(&name, |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    let (mut appender, shared, report) = rig.open();
    let cut = report.cut.unwrap();
    assert_eq!((cut.file, report.entries), (name, 90), "the last group was not certain to be durable");
    assert!(cut.bytes > 1000);
    fill(&mut appender, 10);
    assert_eq!(read(&shared.state).next(), 100);
}

/// A log whose segments are large enough to be written ahead of groups such as those of [`fill`].
fn roomy() -> Rig {
    let mut rig = Rig::new();
    rig.settings.segment_bytes = Some(200_000);
    rig
}

#[test]
fn space_written_ahead_is_counted_used_and_no_torn_end() {
    let rig = roomy();
    let (mut appender, shared, _) = rig.open();
    let mut lengths = std::collections::BTreeSet::new();
    for _ in 0..40 {
        fill(&mut appender, 10);
        assert_eq!(read(&shared.state).status().bytes, rig.sim.bytes_held());
        lengths.insert(rig.sim.bytes_held());
    }
    assert!((2..10).contains(&lengths.len()), "{lengths:?}");
    assert!(rig.sim.has_space_ahead());
    rig.sim.kill();
    let (_, shared, report) = rig.open();
    assert_eq!((report.entries, report.cut), (400, None));
    assert_eq!(read(&shared.state).status().bytes, rig.sim.bytes_held());
    assert!(!rig.sim.has_space_ahead());
}

#[test]
fn a_torn_group_in_space_written_ahead_is_cut_and_reported() {
    for lost in [1, 100, 1000] {
        let rig = roomy();
        let (mut appender, ..) = rig.open();
        fill(&mut appender, 100);
        let name = rig.segments().pop().unwrap();
        rig.sim.tamper(&name, |bytes| {
            let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
            assert!(end < bytes.len());
            bytes[end - lost..end].fill(0);
        });
        let (_, _, report) = rig.open();
        assert_eq!((report.entries, report.cut.is_some()), (90, true));
        assert!(rig.open().2.cut.is_none());
    }
}

#[test]
fn complete_segments_end_with_their_events() {
    let mut rig = roomy();
    // So many that a sixteenth of them completes a segment long before it is full.
    rig.settings.retention.events = Some(4096);
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 5000);
    let sealed: Vec<_> = read(&shared.state).sealed.iter().cloned().collect();
    assert!(sealed.len() > 2);
    for segment in sealed {
        let len = segment.base().file.len().unwrap();
        assert_eq!(len, u64::from(segment.end()));
    }
    assert_eq!(rig.open().2.rebuilt, [""; 0]);
}

#[test]
fn what_fits_is_taken_although_there_is_no_space_to_write_ahead() {
    let rig = roomy();
    let (mut appender, shared, _) = rig.open();
    let group = || vec![(0..10).map(|n| publication("a", n)).collect::<Vec<_>>()];
    let lengths = || {
        let state = read(&shared.state);
        (state.active.end(), state.active.len())
    };
    let (head, _) = lengths();
    assert!(appender.commit(group()).answers[0].is_ok());
    let (end, ahead) = lengths();
    let groups = (ahead - end) / (end - head);
    // Room for one group more than has been written ahead, and a little.
    rig.sim.leave_room(Some(2000));
    for number in 0..=groups {
        assert!(appender.commit(group()).answers[0].is_ok(), "{number} of {groups}");
        assert_eq!(read(&shared.state).status().bytes, rig.sim.bytes_held());
    }
    assert!(!rig.sim.has_space_ahead(), "the little that is left is for events");
    let refused = (0..2).any(|_| appender.commit(group()).answers[0].is_err());
    assert!(refused);
    assert_eq!(read(&shared.state).status().bytes, rig.sim.bytes_held());
    rig.sim.leave_room(None);
    fill(&mut appender, 10);
}

#[test]
fn damage_to_what_was_durable_is_an_error_and_nothing_is_dropped() {
    let rig = Rig::new();
    let (mut appender, ..) = rig.open();
    fill(&mut appender, 1000);
    let segments = rig.segments();
    // In the last segment, with whole frames behind it.
    rig.sim.tamper(segments.last().unwrap(), |bytes| bytes[200] ^= 1);
    let held = rig.sim.bytes_held();
    assert!(matches!(rig.try_open(), Err(OpenError::Damaged { .. })));
    assert_eq!(rig.sim.bytes_held(), held);
    rig.sim.tamper(segments.last().unwrap(), |bytes| bytes[200] ^= 1);
    // In a complete one: found by whoever reads it, and by a start that has to make its index again.
    rig.sim.tamper(&segments[1], |bytes| bytes[5000] ^= 1);
    let (_, shared, _) = rig.open();
    let limit = ReadLimit { entries: NonZeroUsize::new(1000).unwrap(), bytes: 1 << 20 };
    let error = query::plan(&shared, 0, &Selection::all(), limit).page().unwrap_err();
    assert!(error.0.contains(&segments[1]), "{error}");
    rig.sim.tamper(&segments[1].replace(".log", ".idx"), |bytes| bytes.clear());
    match rig.try_open() {
        Err(OpenError::Damaged { file, .. }) => assert_eq!(file, segments[1]),
        _ => panic!("a damaged segment was accepted"),
    }
}

#[test]
fn a_missing_segment_is_an_error() {
    let rig = Rig::new();
    let (mut appender, ..) = rig.open();
    fill(&mut appender, 1000);
    let segments = rig.segments();
    crate::disk::vfs::Vfs::unlink(&rig.sim, &segments[1]).unwrap();
    match rig.try_open() {
        Err(OpenError::Damaged { file, .. }) => assert_eq!(file, segments[0]),
        _ => panic!("a hole was accepted"),
    }
}

#[test]
fn lost_and_damaged_sidecars_are_made_again() {
    let rig = Rig::new();
    let (mut appender, ..) = rig.open();
    fill(&mut appender, 1000);
    let sidecars: Vec<_> = rig.sim.names().into_iter().filter(|name| name.ends_with(".idx")).collect();
    let mut whole = Vec::new();
    rig.sim.tamper(&sidecars[1], |bytes| whole = bytes.clone());
    crate::disk::vfs::Vfs::unlink(&rig.sim, &sidecars[0]).unwrap();
    rig.sim.tamper(&sidecars[1], |bytes| bytes[40] ^= 1);
    let (_, shared, report) = rig.open();
    assert_eq!(report.rebuilt.len(), 2);
    assert_eq!(page(&shared, 0, "rare", 100).entries.len(), 10);
    rig.sim.tamper(&sidecars[1], |bytes| assert_eq!(bytes, &whole, "made again as it was"));
    assert!(rig.open().2.rebuilt.is_empty());
}

#[test]
fn the_disk_shrinks_to_each_limit() {
    for retention in [
        Retention { events: Some(1000), ..Retention::unlimited() },
        Retention { bytes: Some(200_000), ..Retention::unlimited() },
    ] {
        let mut rig = Rig::new();
        rig.settings.retention = retention;
        rig.settings.segment_bytes = Some(10_000);
        let (mut appender, shared, _) = rig.open();
        fill(&mut appender, 20_000);
        let status = read(&shared.state).status();
        assert_eq!(status.bytes, rig.sim.bytes_held());
        assert!(status.bytes < 220_000 && status.next - status.oldest >= 1000, "{status:?}");
        assert!(page(&shared, 0, "rare", 10).gap);
        assert!(!page(&shared, status.oldest, "rare", 10).gap);
        let all = Selection::all();
        let topics = query::topics(&shared, &all, None, 10).unwrap();
        assert_eq!(topics.iter().map(|topic| topic.events).sum::<u64>(), status.next - status.oldest);
    }
}

#[test]
fn segments_that_all_topics_have_let_go_are_freed() {
    let mut rig = Rig::new();
    rig.settings.retention.topics = vec![crate::TopicRule {
        pattern: tidings_hub::Pattern::new("*").unwrap(),
        events: Some(50),
        age: None,
    }];
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 20_000);
    appender.tick();
    let state = read(&shared.state);
    // The rare topic's fifty reach back 5,000 events.
    assert!((14_000..=15_050).contains(&state.oldest()), "{}", state.oldest());
}

#[test]
fn a_reader_keeps_what_is_freed_under_it() {
    let mut rig = Rig::new();
    rig.settings.retention.events = Some(1000);
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 1000);
    let limit = ReadLimit { entries: NonZeroUsize::new(10).unwrap(), bytes: 1 << 20 };
    let oldest = read(&shared.state).oldest();
    let plan = query::plan(&shared, oldest, &Selection::all(), limit);
    fill(&mut appender, 5000);
    assert!(read(&shared.state).oldest() > oldest + 1000);
    assert_eq!(plan.page().unwrap().entries.len(), 10);
}

#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    let rig = Rig::new();
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 100);
    let held = rig.sim.bytes_held();
    rig.sim.trouble(None, 100, 0);
    for _ in 0..3 {
        let committed = appender.commit(vec![vec![publication("a", 1)]]);
        assert!(
            matches!(&committed.answers[0], Err(AppendError::Unavailable(why)) if why.contains("no space"))
        );
        assert!(committed.entries.is_empty());
        appender.tick();
        assert!(read(&shared.state).status().trouble.is_some());
    }
    assert_eq!(rig.sim.bytes_held(), held, "what was half written is taken back");
    rig.sim.trouble(None, 0, 0);
    appender.tick();
    assert_eq!(read(&shared.state).status().trouble, None);
    fill(&mut appender, 10);
    assert_eq!(read(&shared.state).next(), 110);
}

#[test]
fn a_failed_flush_stops_the_log_for_good_and_reading_goes_on() {
    let rig = Rig::new();
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 100);
    rig.sim.trouble(None, 0, 100);
    let stopped = |appender: &mut Appender| {
        let committed = appender.commit(vec![vec![publication("a", 1)]]);
        matches!(committed.answers[0], Err(AppendError::Stopped(_))) && committed.entries.is_empty()
    };
    assert!(stopped(&mut appender));
    rig.sim.trouble(None, 0, 0);
    appender.tick();
    assert!(stopped(&mut appender), "a disk that works again is not to be trusted");
    assert!(read(&shared.state).status().trouble.is_some());
    assert_eq!(page(&shared, 0, "common", 1000).entries.len(), 99);
}

#[test]
fn a_batch_too_large_to_store_is_refused_and_its_group_is_not() {
    let rig = Rig::new();
    let (mut appender, ..) = rig.open();
    let mut large = publication("a", 1);
    large.data = vec![b'x'; crate::disk::draft::MAX_BATCH + 1].into();
    large.id = Some("large".into());
    let mut small = publication("a", 2);
    small.id = Some("small".into());
    let group = vec![vec![small.clone()], vec![publication("a", 3), large], vec![small]];
    let committed = appender.commit(group);
    assert!(matches!(committed.answers[1], Err(AppendError::TooLarge(_))));
    assert!(committed.answers[2].as_ref().unwrap()[0].duplicate);
    assert_eq!(committed.entries.len(), 1);
}

#[test]
fn flushes_at_an_interval_come_with_the_tick() {
    let mut rig = Rig::new();
    rig.settings.durability = Durability::Interval(Duration::from_millis(50));
    let (mut appender, shared, _) = rig.open();
    fill(&mut appender, 50);
    let epoch = read(&shared.state).epoch();
    appender.tick();
    drop((appender, shared));
    rig.sim.power_cycle();
    let (_, shared, report) = rig.open();
    assert_eq!((report.entries, report.new_epoch), (50, true));
    assert_ne!(read(&shared.state).epoch(), epoch);
}
