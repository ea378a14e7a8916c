//! Measures the log on disk: `cargo run --release -p tidings-log --example measure [DIR]`.
//!
//! The time to open a million events of 200 bytes, the memory of their index, and reading one sparse topic out of 100,000.
//! The directory should be on the disk that is meant. What publishers get is for the example `appends`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use tidings_hub::{Log, Publication, ReadLimit, Selection, Topic};
use tidings_log::{Disk, DiskSettings, Durability};

const EVENTS: usize = 1_000_000;

fn event(topic: &Topic) -> Publication {
    Publication::new(topic.clone(), vec![b'x'; 200])
}

/// The program's resident memory in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args_os().skip(1);
    let dir = args.next().map_or_else(|| std::env::temp_dir().join("tidings-measure"), PathBuf::from);
    if let Some(topics) = args.next() {
        // A process of its own, so that no freed memory hides what opening takes.
        return open(&dir, topics.to_string_lossy().parse().unwrap()).await;
    }
    fs::remove_dir_all(&dir).ok();
    for topics in [10, 100_000] {
        let dir = dir.join(topics.to_string());
        write(&dir, topics).await;
        let mut opening = Command::new(std::env::current_exe().unwrap());
        assert!(opening.arg(&dir).arg(topics.to_string()).status().unwrap().success());
    }
    fs::remove_dir_all(&dir).unwrap();
}

fn settings(dir: &Path) -> DiskSettings {
    DiskSettings { durability: Durability::None, ..DiskSettings::new(dir) }
}

fn topic(number: usize) -> Topic {
    Topic::new(format!("topic-{number}")).unwrap()
}

async fn write(dir: &Path, topics: usize) {
    let log = Disk::open(settings(dir)).unwrap();
    let names: Vec<_> = (0..topics).map(topic).collect();
    let start = Instant::now();
    for batch in 0..EVENTS / 1000 {
        let batch = (0..1000).map(|n| event(&names[(batch * 1000 + n) % topics])).collect();
        log.append(batch).await.unwrap();
    }
    println!(
        "{topics} topics: {EVENTS} events written in {:?}, {} bytes",
        start.elapsed(),
        log.status().bytes
    );
    log.close().await;
}

async fn open(dir: &Path, topics: usize) {
    let before = resident();
    let start = Instant::now();
    let log = Disk::open(settings(dir)).unwrap();
    println!(
        "  opened in {:?}: {:?}; {:.1} resident bytes per event",
        start.elapsed(),
        log.report(),
        resident().saturating_sub(before) as f64 / EVENTS as f64
    );
    let limit = ReadLimit { entries: NonZeroUsize::new(1000).unwrap(), bytes: 1 << 20 };
    let sparse = Arc::new(Selection::topic(topic(topics / 2)));
    let start = Instant::now();
    let page = log.read(0, sparse, limit).await.unwrap();
    println!(
        "  {} events of one topic in {:?}, up to {} of {EVENTS}",
        page.entries.len(),
        start.elapsed(),
        page.next
    );
    let (start, all) = (Instant::now(), Arc::new(Selection::all()));
    let (mut at, mut count) = (0, 0);
    while at < EVENTS as u64 {
        let page = log.read(at, all.clone(), limit).await.unwrap();
        (at, count) = (page.next, count + page.entries.len());
    }
    println!("  all {count} events replayed in {:?}", start.elapsed());
    log.close().await;
}
