//! What is counted of every publication, by whichever thread publishes: each has counters of its own, so that publishers
//! on many cores do not pass one cache line around.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::{Line, by_front, count_all};
use crate::{
    front::Front,
    histogram::{Distribution, Histogram},
};

/// As many as threads publish at once, about; more threads share them.
const STRIPES: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Publishing([Line<Stripe>; STRIPES]);

#[derive(Debug, Default)]
struct Stripe {
    events: [AtomicU64; Front::ALL.len()],
    duplicates: AtomicU64,
    bytes: AtomicU64,
    time: Histogram,
}

/// A batch that has been acknowledged.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) front: Front,
    /// Without the duplicates.
    pub(crate) events: u64,
    pub(crate) duplicates: u64,
    /// Of data.
    pub(crate) bytes: u64,
    pub(crate) time: std::time::Duration,
}

impl Publishing {
    pub(crate) fn count(&self, published: &Published) {
        thread_local! {
            static STRIPE: usize = {
                static NEXT: AtomicUsize = AtomicUsize::new(0);
                NEXT.fetch_add(1, Relaxed) % STRIPES
            };
        }
        let Line(stripe) = &self.0[STRIPE.with(|stripe| *stripe)];
        stripe.events[published.front as usize].fetch_add(published.events, Relaxed);
        if published.duplicates > 0 {
            stripe.duplicates.fetch_add(published.duplicates, Relaxed);
        }
        stripe.bytes.fetch_add(published.bytes, Relaxed);
        stripe.time.time(published.time);
    }

    pub(crate) fn events(&self) -> Vec<(Front, u64)> {
        by_front(|front| self.sum(|stripe| &stripe.events[front as usize]))
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.sum(|stripe| &stripe.duplicates)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.sum(|stripe| &stripe.bytes)
    }

    pub(crate) fn time(&self) -> Distribution {
        self.0.iter().map(|Line(stripe)| stripe.time.read()).collect()
    }

    fn sum<'s>(&'s self, counter: impl Fn(&'s Stripe) -> &'s AtomicU64) -> u64 {
        count_all(self.0.iter().map(|Line(stripe)| counter(stripe)))
    }
}
