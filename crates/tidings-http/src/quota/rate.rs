//! How often each may do something: so many times a second on average, and so many at once.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::whole_seconds;

/// Into how many parts the addresses are divided, so that hardly anybody waits for a lock.
const PARTS: usize = 64;
/// How many addresses a part remembers at most: 10 MB in all, were all parts full.
const MOST: usize = 2048;

/// Too many came lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// How many seconds to wait.
    pub(crate) retry_after: u64,
    /// How many are allowed a second.
    pub(crate) rate: NonZeroU32,
}

/// Rates by address. By the generic cell rate algorithm: of each address it is known when all that it took would be paid
/// for at the allowed rate, and one for whom that time has passed need not be remembered.
#[derive(Debug)]
pub(super) struct Rates {
    parts: Vec<Mutex<HashMap<IpAddr, Duration>>>,
    hasher: RandomState,
    start: Instant,
}

impl Default for Rates {
    fn default() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self { parts, hasher: RandomState::new(), start: Instant::now() }
    }
}

impl Rates {
    /// Takes so many, if there is one left of the `most` that may come at once; those that are not there yet are owed. None
    /// can be asked for, to find out.
    pub(super) fn take(
        &self,
        address: IpAddr,
        count: usize,
        rate: NonZeroU32,
        most: NonZeroU32,
    ) -> Result<(), TooMany> {
        self.take_at(self.start.elapsed(), address, count, rate, most)
    }

    /// Takes one, whether there is one left or not; but nobody is made to wait for longer than so.
    pub(super) fn charge(&self, address: IpAddr, rate: NonZeroU32, most: NonZeroU32, longest_wait: Duration) {
        let now = self.start.elapsed();
        let mut part = self.part(address);
        let paid = part.get(&address).copied().unwrap_or_default().max(now) + cost(1.0, rate);
        let paid = paid.min(room(now, rate, most) + longest_wait);
        remember(&mut part, now, address, paid);
    }

    fn take_at(
        &self,
        now: Duration,
        address: IpAddr,
        count: usize,
        rate: NonZeroU32,
        most: NonZeroU32,
    ) -> Result<(), TooMany> {
        let mut part = self.part(address);
        let paid = part.get(&address).copied().unwrap_or_default().max(now);
        // What is a rounding of the division is nobody's fault.
        if let Some(wait) =
            paid.checked_sub(room(now, rate, most)).filter(|wait| *wait > Duration::from_nanos(1))
        {
            return Err(TooMany { retry_after: whole_seconds(wait), rate });
        }
        if count == 0 {
            return Ok(());
        }
        // A count is of things in memory, and a cost of years at most.
        remember(&mut part, now, address, paid + cost(count as f64, rate));
        Ok(())
    }

    fn part(&self, address: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, Duration>> {
        let index = self.hasher.hash_one(address) as usize % self.parts.len();
        // Nothing that can panic runs under the lock.
        self.parts[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In what time so many are paid for.
fn cost(count: f64, rate: NonZeroU32) -> Duration {
    Duration::from_secs_f64(count / f64::from(rate.get()))
}

/// Until when what was taken has to be paid for, if one is to be left.
fn room(now: Duration, rate: NonZeroU32, most: NonZeroU32) -> Duration {
    now + cost(f64::from(most.get()) - 1.0, rate)
}

fn remember(part: &mut HashMap<IpAddr, Duration>, now: Duration, address: IpAddr, paid: Duration) {
    if part.len() >= MOST && !part.contains_key(&address) {
        part.retain(|_, paid| *paid > now);
        // So many addresses at once are more than can be slowed one by one: they are forgiven what they took.
        if part.len() >= MOST {
            part.clear();
        }
    }
    part.insert(address, paid);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let rates = Rates::default();
        let taken = |at_ms: u64, address: u8| {
            let now = Duration::from_millis(at_ms);
            let address = IpAddr::from([192, 0, 2, address]);
            let take = || rates.take_at(now, address, 1, number(10), number(20)).ok();
            std::iter::from_fn(take).count()
        };
        assert_eq!(taken(0, 1), 20);
        assert_eq!(taken(0, 1), 0);
        assert_eq!(taken(250, 1), 2);
        assert_eq!(taken(250, 2), 20);
        assert_eq!(taken(10_000, 1), 20);
    }

    #[test]
    fn what_is_taken_beyond_is_owed_and_the_wait_is_told() {
        let rates = Rates::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        let take = |at, count| {
            let (rate, most) = (number(10), number(10));
            rates
                .take_at(Duration::from_secs(at), address, count, rate, most)
                .map_err(|many| many.retry_after)
        };
        assert_eq!(take(0, 100), Ok(()));
        assert_eq!(take(0, 0), Err(10));
        assert_eq!(take(5, 1), Err(5));
        assert_eq!(take(10, 1), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_is_not_remembered() {
        let rates = Rates::default();
        for address in 0..(PARTS * MOST * 3) as u32 {
            let address = IpAddr::from(address.to_be_bytes());
            rates.take(address, 1, number(1), number(1)).ok();
        }
        assert!(rates.parts.iter().all(|part| part.lock().unwrap().len() <= MOST));
    }
}
