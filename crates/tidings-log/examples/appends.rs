//! Compares what publishers get from the engines: `cargo run --release -p tidings-log --example appends [DIR]`.
//!
//! Events of 200 bytes appended per second by 1, 16 and 64 publishers that each wait for their answer, and the time
//! until 1,000 are durable with 16 in flight; of the log in memory and of the one on disk, in turns, so that what else
//! the machine does hits both. The directory should be on the disk that is meant.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tidings_hub::{Log, Publication, Topic};
use tidings_log::{Disk, DiskSettings, Memory, Retention};

const ROUNDS: usize = 5;
/// How long the publishers publish in a round.
const ROUND: Duration = Duration::from_millis(600);
const BURST: u32 = 1000;

#[tokio::main]
async fn main() {
    let dir = std::env::args_os().nth(1);
    let dir = dir.map_or_else(|| std::env::temp_dir().join("tidings-appends"), PathBuf::from);
    for publishers in [1, 16, 64] {
        let (mut memory, mut disk) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            memory.push(rate(in_memory(), publishers).await);
            disk.push(rate(on_disk(&dir), publishers).await);
        }
        let (memory, disk) = (median(memory), median(disk));
        let ratio = disk / memory;
        println!("{publishers:2} publishers: memory {memory:7.0}/s, disk {disk:7.0}/s, {ratio:.2}");
    }
    let (mut memory, mut disk) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        memory.push(burst(in_memory()).await);
        disk.push(burst(on_disk(&dir)).await);
    }
    println!("{BURST} events, 16 in flight: memory {:.2} ms, disk {:.2} ms", median(memory), median(disk));
    fs::remove_dir_all(&dir).unwrap();
}

fn in_memory() -> Arc<dyn Log> {
    let retention = Retention { events: Some(1_000_000), ..Retention::unlimited() };
    Arc::new(Memory::new(retention).unwrap())
}

fn on_disk(dir: &Path) -> Arc<dyn Log> {
    Arc::new(Disk::open(DiskSettings::new(dir)).unwrap())
}

fn event(topic: &Topic) -> Publication {
    Publication::new(topic.clone(), vec![b'x'; 200])
}

/// Appends per second.
async fn rate(log: Arc<dyn Log>, publishers: usize) -> f64 {
    let start = Instant::now();
    let count = publish(&log, publishers, move |_| start.elapsed() < ROUND).await;
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    log.close().await;
    rate
}

/// Milliseconds until all are durable.
async fn burst(log: Arc<dyn Log>) -> f64 {
    let start = Instant::now();
    publish(&log, 16, |number| number < BURST).await;
    let time = start.elapsed().as_secs_f64() * 1e3;
    log.close().await;
    time
}

/// Has publishers append one event after another while `goes_on` is true of the number of those begun.
async fn publish(
    log: &Arc<dyn Log>,
    publishers: usize,
    goes_on: impl Fn(u32) -> bool + Copy + Send + 'static,
) -> u32 {
    let begun = Arc::new(AtomicU32::new(0));
    let publisher = |_| {
        let (log, begun, topic) = (log.clone(), begun.clone(), Topic::new("t").unwrap());
        tokio::spawn(async move {
            let mut count = 0;
            while goes_on(begun.fetch_add(1, Relaxed)) {
                log.append(vec![event(&topic)]).await.unwrap();
                count += 1;
            }
            count
        })
    };
    let tasks: Vec<_> = (0..publishers).map(publisher).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.unwrap();
    }
    count
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
