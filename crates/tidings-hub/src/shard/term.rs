//! What limits a subscription's time: the end of its rights, and of its lifetime; and who is told when it is over.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    stats::EndReason,
    subscription::{Bearer, Companion},
};

/// Whose subscriptions are to be ended, asked of each.
#[derive(Clone)]
pub(crate) struct Closer(pub(crate) Arc<dyn Fn(&Bearer) -> bool + Send + Sync>);

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closer")
    }
}

/// The part of a subscriber that those of an open hub do not have.
#[derive(Debug, Default)]
pub(crate) struct Term {
    bearers: Vec<Arc<Bearer>>,
    /// Told by the clock on the wall, which may be set: it is asked again at every look.
    expires: Option<SystemTime>,
    is_told: bool,
    lasts_until: Option<Instant>,
    /// Held to be dropped.
    _companion: Option<Companion>,
}

/// What a look at the clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing for so long.
    In(Duration),
    /// To say that the stream ends in so long, because the rights do.
    Notice(Duration),
    /// To end.
    End(EndReason),
}

impl Term {
    pub(crate) fn new(
        bearers: Vec<Arc<Bearer>>,
        expires: Option<SystemTime>,
        lifetime: Option<Duration>,
        companion: Option<Companion>,
    ) -> Option<Box<Self>> {
        if bearers.is_empty() && expires.is_none() && lifetime.is_none() && companion.is_none() {
            return None;
        }
        let lasts_until = lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime));
        Some(Box::new(Self { bearers, expires, is_told: false, lasts_until, _companion: companion }))
    }

    /// Takes other bearers, if there are some, and an end that comes earlier.
    pub(super) fn change(&mut self, bearers: Vec<Arc<Bearer>>, expires: Option<SystemTime>) {
        if !bearers.is_empty() {
            self.bearers = bearers;
        }
        self.expires = match (self.expires, expires) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Whether the closer means this one.
    pub(super) fn is_closed_by(&self, closer: &Closer) -> bool {
        self.bearers.iter().any(|bearer| (closer.0)(bearer))
    }

    /// What is due. The rights are over a `tick` early, so that the stream never outlasts them. After `Notice` the next
    /// answer is another.
    pub(super) fn due(&mut self, notice: Duration, tick: Duration) -> Due {
        let lasts =
            self.lasts_until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let left = self
            .expires
            .map_or(Duration::MAX, |expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
        // The end of the rights comes first: it does not wait for what is still to be taken.
        match left.saturating_sub(tick) {
            Duration::ZERO => Due::End(EndReason::Expired),
            _ if lasts.is_zero() => Due::End(EndReason::Lifetime),
            left if left <= notice && !self.is_told => {
                self.is_told = true;
                Due::Notice(left)
            }
            left if self.is_told => Due::In(left.min(lasts)),
            left => Due::In((left - notice).min(lasts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_secs(1);
    const NOTICE: Duration = Duration::from_secs(10);

    fn expiring(left: Duration) -> Box<Term> {
        Term::new(Vec::new(), Some(SystemTime::now() + left), None, None).unwrap()
    }

    #[test]
    fn the_end_of_rights_is_told_once_and_kept() {
        let mut term = expiring(Duration::from_secs(60));
        assert!(matches!(term.due(NOTICE, TICK), Due::In(left) if left <= Duration::from_secs(50)));
        let mut term = expiring(Duration::from_secs(9));
        assert!(matches!(term.due(NOTICE, TICK), Due::Notice(left) if left <= Duration::from_secs(8)));
        assert!(matches!(term.due(NOTICE, TICK), Due::In(left) if left <= Duration::from_secs(8)));
        for left in [TICK, Duration::ZERO] {
            assert_eq!(expiring(left).due(NOTICE, TICK), Due::End(EndReason::Expired));
        }
    }

    #[test]
    fn a_lifetime_ends_by_itself_and_only_bearers_are_closed() {
        let mut over = Term::new(Vec::new(), None, Some(Duration::ZERO), None).unwrap();
        assert_eq!(over.due(NOTICE, TICK), Due::End(EndReason::Lifetime));
        let everyone = Closer(Arc::new(|_| true));
        let mut both = Term::new(Vec::new(), Some(SystemTime::now()), Some(Duration::ZERO), None).unwrap();
        assert_eq!(both.due(NOTICE, TICK), Due::End(EndReason::Expired));
        assert!(!over.is_closed_by(&everyone));
        assert!(Term::new(vec![Arc::default()], None, None, None).unwrap().is_closed_by(&everyone));
        assert!(Term::new(Vec::new(), None, None, None).is_none());
    }
}
