//! What one client may hold and send, and all together: streams by address and by user, publications and failures to
//! authenticate a second, bytes of bodies, memory.
//!
//! Strangers choose their addresses, so what is kept of each is little and bounded, and no lock is everybody's: the maps
//! are divided by the keys' hashes.

mod bodies;
mod held;
mod memory;
mod rate;

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use arc_swap::ArcSwap;

pub use self::memory::MemoryPressure;
use self::{
    bodies::Bodies,
    held::{Held, Ticket},
    memory::Memory,
    rate::Rates,
};
pub(crate) use self::{
    bodies::{Budgeted, NoRoom},
    rate::TooMany,
};
use crate::limit::{Limit, LimitHits};

/// How many seconds' worth of failures to authenticate may come at once: all tabs of an office, after its token was
/// replaced.
const FAILURES_AT_ONCE: u32 = 20;
/// How long an address waits at most, however many of its requests fail at once: others may share it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How much that is. This machine and trusted proxies, as long as they name nobody, are exempt from what counts by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaSettings {
    /// Streams at once for one address (setting `limits.streams_per_address`). Default: 10,000.
    pub streams_per_address: u64,
    /// Streams at once for one user (setting `limits.streams_per_user`). Default: 10,000.
    pub streams_per_user: u64,
    /// Publications a second from one address (setting `limits.publish_rate`), and as many at once. Default: 10,000.
    pub publish_rate: NonZeroU32,
    /// Requests a second from one address whose key or token is bad (setting `limits.auth_failures`). Default: 10.
    pub auth_failures: NonZeroU32,
    /// Bytes of request bodies that are being read (setting `limits.bodies`). Default: 256 MiB.
    pub bodies: usize,
    /// Bytes of memory from which on nobody new is let in (setting `limits.memory`). `None`: no limit. Default: none.
    pub memory: Option<u64>,
}

impl Default for QuotaSettings {
    fn default() -> Self {
        let rate = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            streams_per_address: 10_000,
            streams_per_user: 10_000,
            publish_rate: rate(10_000),
            auth_failures: rate(10),
            bodies: 256 << 20,
            memory: None,
        }
    }
}

/// What is held and was sent, by whom.
#[derive(Debug)]
pub struct Quotas {
    settings: ArcSwap<QuotaSettings>,
    hits: Arc<LimitHits>,
    by_address: Arc<Held<IpAddr>>,
    by_user: Arc<Held<Box<str>>>,
    publications: Rates,
    failures: Rates,
    bodies: ArcSwap<Bodies>,
    memory: Memory,
}

impl Default for Quotas {
    fn default() -> Self {
        Self::new(QuotaSettings::default(), Arc::default())
    }
}

impl Quotas {
    /// Nobody has anything yet. Limits that are hit are counted in `hits`.
    pub fn new(settings: QuotaSettings, hits: Arc<LimitHits>) -> Self {
        Self {
            bodies: ArcSwap::from_pointee(Bodies::new(settings.bodies)),
            settings: ArcSwap::from_pointee(settings),
            hits,
            by_address: Arc::default(),
            by_user: Arc::default(),
            publications: Rates::default(),
            failures: Rates::default(),
            memory: Memory::default(),
        }
    }

    /// Exchanges the settings. What is held stays.
    pub fn set(&self, settings: QuotaSettings) {
        if self.settings.load().bodies != settings.bodies {
            self.bodies.store(Arc::new(Bodies::new(settings.bodies)));
        }
        self.settings.store(Arc::new(settings));
    }

    /// Takes note of how much memory the program has. Says what that changes, if it does.
    pub fn note_memory(&self, bytes: u64) -> Option<MemoryPressure> {
        self.memory.note(bytes, self.settings.load().memory)
    }

    /// Whether nobody new is let in, for want of memory.
    pub(crate) fn keep_out(&self) -> bool {
        let keep_out = self.memory.pressure() != MemoryPressure::None;
        if keep_out {
            self.hits.hit(Limit::Memory);
        }
        keep_out
    }

    /// A place for a stream; `None` if its address or its user has all of theirs.
    pub(crate) fn place(&self, address: Option<IpAddr>, user: Option<&str>) -> Option<Place> {
        let settings = self.settings.load();
        let full = |limit| self.hits.hit(limit);
        let address = match address {
            Some(address) => {
                let ticket = self.by_address.take(address, settings.streams_per_address);
                Some(ticket.ok_or_else(|| full(Limit::StreamsPerAddress)).ok()?)
            }
            None => None,
        };
        let user = match user {
            Some(user) => {
                let ticket = self.by_user.take(user.into(), settings.streams_per_user);
                Some(ticket.ok_or_else(|| full(Limit::StreamsPerUser)).ok()?)
            }
            None => None,
        };
        Some(Place { address, user })
    }

    /// Whether so many publications may come from this address now.
    pub(crate) fn publish(&self, address: IpAddr, publications: usize) -> Result<(), TooMany> {
        let rate = self.settings.load().publish_rate;
        self.publications.take(address, publications, rate, rate).inspect_err(|_| {
            self.hits.hit(Limit::PublishRate);
        })
    }

    /// Whether this address may try to authenticate.
    pub(crate) fn may_authenticate(&self, address: IpAddr) -> Result<(), TooMany> {
        let (rate, most) = self.failure_rate();
        self.failures.take(address, 0, rate, most).inspect_err(|_| self.hits.hit(Limit::AuthFailures))
    }

    /// Takes note that this address has tried and failed.
    pub(crate) fn note_failure(&self, address: IpAddr) {
        let (rate, most) = self.failure_rate();
        // Many that were sent at once may all have been let through: each is charged.
        self.failures.charge(address, rate, most, LONGEST_WAIT);
    }

    fn failure_rate(&self) -> (NonZeroU32, NonZeroU32) {
        let rate = self.settings.load().auth_failures;
        (rate, rate.saturating_mul(NonZeroU32::MIN.saturating_add(FAILURES_AT_ONCE - 1)))
    }

    /// A body that waits for its share of [`QuotaSettings::bodies`], and is refused if there is no memory.
    pub(crate) fn budget(&self, body: axum::body::Body) -> axum::body::Body {
        let refused = (self.memory.pressure() == MemoryPressure::All).then_some(Limit::Memory);
        axum::body::Body::new(Budgeted::new(body, self.bodies.load_full(), refused, self.hits.clone()))
    }
}

/// A stream's place in the counts, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Place {
    address: Option<Ticket<IpAddr>>,
    user: Option<Ticket<Box<str>>>,
}

impl Place {
    /// Whether it counts for nobody.
    pub(crate) fn is_uncounted(&self) -> bool {
        self.address.is_none() && self.user.is_none()
    }
}

/// Whole seconds for a `Retry-After`.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(settings: QuotaSettings) -> (Quotas, Arc<LimitHits>) {
        let hits = Arc::<LimitHits>::default();
        (Quotas::new(settings, hits.clone()), hits)
    }

    fn hit(hits: &LimitHits, limit: Limit) -> u64 {
        hits.read()[limit as usize].1
    }

    #[test]
    fn an_address_and_a_user_have_so_many_streams() {
        let settings = QuotaSettings { streams_per_address: 2, streams_per_user: 1, ..Default::default() };
        let (quotas, hits) = quotas(settings);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let ann = quotas.place(Some(one), Some("ann")).unwrap();
        assert!(quotas.place(Some(other), Some("ann")).is_none());
        let second = quotas.place(Some(one), None).unwrap();
        assert!(quotas.place(Some(one), None).is_none());
        // Whom nothing is known of is not counted.
        let uncounted: Vec<_> = (0..9).map(|_| quotas.place(None, None).unwrap()).collect();
        assert!(uncounted.iter().all(Place::is_uncounted));
        assert_eq!((hit(&hits, Limit::StreamsPerAddress), hit(&hits, Limit::StreamsPerUser)), (1, 1));
        drop((ann, second));
        assert!(quotas.place(Some(one), Some("ann")).is_some());
        // A place that was refused for the user has not cost the address one.
        assert!(quotas.by_address.is_empty() && quotas.by_user.is_empty());
    }

    #[test]
    fn who_guesses_is_slowed_down_and_others_are_not() {
        let settings = QuotaSettings { auth_failures: NonZeroU32::MIN, ..Default::default() };
        let (quotas, hits) = quotas(settings);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let tries = (0..1000).take_while(|_| {
            let may = quotas.may_authenticate(one).is_ok();
            quotas.note_failure(one);
            may
        });
        assert_eq!(tries.count(), FAILURES_AT_ONCE as usize);
        assert!(quotas.may_authenticate(other).is_ok());
        assert_eq!(hit(&hits, Limit::AuthFailures), 1);
    }

    #[test]
    fn guesses_at_once_are_charged_one_by_one_and_the_wait_is_bounded() {
        let settings = QuotaSettings { auth_failures: NonZeroU32::MIN, ..Default::default() };
        let (quotas, _) = quotas(settings);
        let address = IpAddr::from([192, 0, 2, 1]);
        let wait = || quotas.may_authenticate(address).map_or_else(|many| many.retry_after, |()| 0);
        let after = |failures: usize| {
            (0..failures).for_each(|_| quotas.note_failure(address));
            wait()
        };
        assert_eq!(after(FAILURES_AT_ONCE as usize - 1), 0);
        let after_thirty_more = after(30);
        assert!((20..=30).contains(&after_thirty_more), "{after_thirty_more}");
        assert!(after(1000) <= LONGEST_WAIT.as_secs());
    }

    #[test]
    fn settings_can_be_exchanged() {
        let (quotas, _) = quotas(QuotaSettings::default());
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let held = quotas.place(address, None);
        quotas.set(QuotaSettings { streams_per_address: 1, bodies: 1, ..Default::default() });
        assert!(quotas.place(address, None).is_none());
        drop(held);
        assert!(quotas.place(address, None).is_some());
    }
}
