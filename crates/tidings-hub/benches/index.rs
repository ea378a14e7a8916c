//! Guards the topic index: `cargo bench -p tidings-hub`. What an event costs must not grow with the number of topics that
//! it is not for.
//!
//! The figures are for comparing two versions on one machine, in turns.

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use tidings_hub::{
    Entry, Epoch, Pattern, Position, Publication, ReadRights, Selection, Selector, Topic, UriTemplate,
    UrlBase, UrlPattern, sorter,
};

/// As many as a busy log commits at once.
const EVENTS: usize = 64;

fn main() {
    divan::main();
}

fn topic(number: usize) -> Topic {
    Topic::new(format!("orders/{number}")).unwrap()
}

/// Events for topics all over these.
fn entries(topics: usize) -> Vec<Arc<Entry>> {
    let entry = |offset: usize| {
        Arc::new(Entry {
            position: Position { epoch: Epoch::new(1), offset: offset as u64 },
            time: 0,
            publication: Publication::new(topic(offset * 7919 % topics), "x".repeat(200)),
        })
    };
    (0..EVENTS).map(entry).collect()
}

/// A sorter for those who see everything.
fn open(selections: Vec<Selection>, entries: &[Arc<Entry>]) -> impl FnMut() -> usize + use<> {
    let everything = ReadRights::everything();
    sorter(selections.into_iter().map(|selection| (selection, everything.clone())).collect(), entries)
}

/// A batch, into an index with a subscriber for each topic.
#[divan::bench(args = [10, 1_000, 100_000])]
fn exact_topics(bencher: Bencher<'_, '_>, topics: usize) {
    let selections = (0..topics).map(|number| Selection::topic(topic(number))).collect();
    let sort = open(selections, &entries(topics));
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(sort);
}

/// A batch, into an index with subscribers by patterns, one of which matches.
#[divan::bench(args = [1, 100])]
fn patterns(bencher: Bencher<'_, '_>, patterns: usize) {
    let pattern = |number: usize| Selector::Pattern(Pattern::new(format!("orders*/{number}")).unwrap());
    let selections = (0..patterns).map(|number| [pattern(number)].into_iter().collect()).collect();
    let sort = open(selections, &entries(10));
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(sort);
}

/// A batch, into an index with a template for each order.
#[divan::bench(args = [10, 1_000, 100_000])]
fn templates(bencher: Bencher<'_, '_>, templates: usize) {
    let template =
        |number: usize| Selector::Template(UriTemplate::new(format!("orders/{number}{{/item}}")).unwrap());
    let selections = (0..templates).map(|number| [template(number)].into_iter().collect()).collect();
    let sort = open(selections, &entries(templates));
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(sort);
}

/// A batch, into an index with a URL pattern for each order.
#[divan::bench(args = [10, 1_000, 100_000])]
fn url_patterns(bencher: Bencher<'_, '_>, patterns: usize) {
    let base = UrlBase::new("https://example.com/").unwrap();
    let pattern = |number: usize| {
        Selector::Url(UrlPattern::new(format!("/orders/{number}{{/:item}}?"), &base).unwrap())
    };
    let selections = (0..patterns).map(|number| [pattern(number)].into_iter().collect()).collect();
    let sort = open(selections, &entries(patterns));
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(sort);
}

/// A batch of private events, each for one reader, into an index in which everybody asks for everything with rights of
/// their own.
#[divan::bench(args = [10, 1_000, 100_000])]
fn private_events(bencher: Bencher<'_, '_>, readers: usize) {
    let read = |number: usize| {
        Arc::new(ReadRights { public: Selection::all(), private: Selection::topic(topic(number)) })
    };
    let readers = (0..readers).map(|number| (Selection::all(), read(number))).collect::<Vec<_>>();
    let private = |entry: &Arc<Entry>| {
        let mut entry = Entry::clone(entry);
        entry.publication.private = true;
        Arc::new(entry)
    };
    let entries: Vec<_> = entries(readers.len()).iter().map(private).collect();
    let sort = sorter(readers, &entries);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(sort);
}
