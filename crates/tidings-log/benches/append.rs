//! Guards appending to a segment: `cargo bench -p tidings-log`.
//!
//! What the writer does for a group of 1 and of 64 publishers, without threads: `without_flush` leaves the disk out (durability
//! "none": the records go to the system's cache), `durable` flushes and says more of the disk than of the log. The
//! directory is made where `TMPDIR` says. The figures are for comparing two versions on one machine, in turns.

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use divan::{Bencher, counter::ItemsCount};
use tidings_hub::{Publication, Topic};
use tidings_log::{DiskSettings, Durability, Retention, disk::committer};

/// Publishers whose events make a group.
const PUBLISHERS: [usize; 2] = [1, 64];
const DATA: usize = 200;

fn main() {
    divan::main();
}

#[divan::bench(args = PUBLISHERS)]
fn without_flush(bencher: Bencher<'_, '_>, publishers: usize) {
    append(bencher, Durability::None, publishers);
}

#[divan::bench(args = PUBLISHERS)]
fn durable(bencher: Bencher<'_, '_>, publishers: usize) {
    append(bencher, Durability::Always, publishers);
}

fn append(bencher: Bencher<'_, '_>, durability: Durability, publishers: usize) {
    let dir = tempfile::tempdir().unwrap();
    // Little enough that segments are completed and freed within a run, as they are in a program's life.
    let retention = Retention { events: Some(100_000), ..Retention::unlimited() };
    let settings = DiskSettings { durability, retention, ..DiskSettings::new(dir.path()) };
    let mut commit = committer(settings).unwrap();
    let topic = Topic::new("t").unwrap();
    bencher
        .counter(ItemsCount::new(publishers))
        .with_inputs(|| {
            let event = || Publication::new(topic.clone(), vec![b'x'; DATA]);
            (0..publishers).map(|_| vec![event()]).collect::<Vec<_>>()
        })
        .bench_local_values(|group| assert_eq!(commit(group), publishers));
}
