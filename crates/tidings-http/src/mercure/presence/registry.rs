//! Who is there: the subscribers that are present, and those who have left and may be back in a moment. Says what is to
//! be announced; knows no clock and no hub.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::value::RawValue;
use tidings_hub::Bearer;

use super::super::{
    dialect::Dialect,
    documents::Described,
    matcher::{MatchType, Matcher},
};

/// A stream's number.
pub(super) type StreamId = u64;

/// A subscriber, with one subscription for each matcher of its stream.
#[derive(Debug)]
pub(in crate::mercure) struct Subscriber {
    /// `urn:uuid:…`, a new one for each subscriber.
    id: Box<str>,
    /// By matcher, none twice.
    subscriptions: Vec<Subscription>,
    /// What it holds, in bytes, about.
    bytes: usize,
}

/// A matcher, and what is said of who subscribes with it.
pub(in crate::mercure) type Subscription = (Matcher, Option<Arc<RawValue>>);

/// What a subscription holds besides its texts, in bytes, about; and what an event says besides them.
const OVERHEAD: usize = 256;

impl Subscriber {
    fn new(id: Box<str>, subscriptions: Vec<Subscription>) -> Self {
        let (mut bytes, mut last) = (0, None);
        for (matcher, payload) in &subscriptions {
            bytes += OVERHEAD + matcher.text.len();
            // Most have the same one.
            if let Some(payload) = payload
                && !last.is_some_and(|last| Arc::ptr_eq(last, payload))
            {
                bytes += payload.get().len();
                last = Some(payload);
            }
        }
        Self { id, subscriptions, bytes }
    }

    /// How many subscriptions it has.
    pub(super) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// What it holds, in bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How large an event about one of its subscriptions is, in bytes, about.
    pub(super) fn event_bytes(&self, index: usize) -> usize {
        self.subscriptions.get(index).map_or(0, |(matcher, payload)| {
            // The matcher is in the topic, in the id and by itself, and in the first two each byte may be three.
            OVERHEAD + 7 * matcher.text.len() + payload.as_ref().map_or(0, |payload| payload.get().len())
        })
    }

    pub(super) fn document(&self, index: usize, active: bool) -> Option<Described<'_>> {
        let (matcher, payload) = self.subscriptions.get(index)?;
        Some(Described { matcher, subscriber: &self.id, active, payload: payload.as_deref() })
    }
}

/// One subscription that is active.
#[derive(Clone, Debug)]
pub(in crate::mercure) struct Active {
    subscriber: Arc<Subscriber>,
    index: usize,
}

impl Active {
    pub(in crate::mercure) fn document(&self) -> Option<Described<'_>> {
        self.subscriber.document(self.index, true)
    }
}

/// Something to tell: a subscriber has come, or has left.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    pub(super) subscriber: Arc<Subscriber>,
    pub(super) active: bool,
}

/// Which active subscriptions are meant.
#[derive(Clone, Copy, Debug)]
pub(in crate::mercure) enum Wanted<'a> {
    /// All of a dialect.
    Dialect(Dialect),
    /// Those of a matcher.
    Matcher(&'a Matcher),
    /// The one of a matcher and a subscriber.
    One(&'a Matcher, &'a str),
}

/// What makes a subscriber that comes back the one that has left: the same person (or token) with the same matchers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    is_user: bool,
    name: Box<str>,
    matchers: Box<[Matcher]>,
}

#[derive(Debug)]
struct Stream {
    subscriber: Arc<Subscriber>,
    identity: Option<Identity>,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    debounce: Duration,
    streams: HashMap<StreamId, Stream>,
    /// In the order of their addresses, as far as encoding leaves it.
    active: BTreeMap<(Matcher, Box<str>), Active>,
    /// The streams that have ended, and whose subscribers may be back.
    left: HashMap<Identity, VecDeque<StreamId>>,
    /// Those again, and those who cannot be told apart from others, with the end of the wait. Also of streams that were
    /// taken over meanwhile.
    waits: VecDeque<(Instant, StreamId)>,
}

impl Registry {
    pub(super) fn new(debounce: Duration) -> Self {
        Self { debounce, ..Self::default() }
    }

    /// A stream has begun. `new_id` makes a subscriber's id.
    pub(super) fn enter(
        &mut self,
        stream: StreamId,
        bearer: &Bearer,
        mut subscriptions: Vec<Subscription>,
        new_id: impl FnOnce() -> String,
    ) -> Option<Announcement> {
        subscriptions.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let identity = identity(bearer, &subscriptions).filter(|_| !self.debounce.is_zero());
        let back = identity.as_ref().and_then(|identity| self.come_back(identity));
        let is_new = back.is_none();
        let id = back.unwrap_or_else(|| new_id().into());
        // One who is back may have another payload in the new token.
        let subscriber = Arc::new(Subscriber::new(id, subscriptions));
        for (index, (matcher, _)) in subscriber.subscriptions.iter().enumerate() {
            let active = Active { subscriber: subscriber.clone(), index };
            self.active.insert((matcher.clone(), subscriber.id.clone()), active);
        }
        self.streams.insert(stream, Stream { subscriber: subscriber.clone(), identity });
        is_new.then_some(Announcement { subscriber, active: true })
    }

    /// The id of one who has left and is back.
    fn come_back(&mut self, identity: &Identity) -> Option<Box<str>> {
        let streams = self.left.get_mut(identity)?;
        let stream = streams.pop_back();
        if streams.is_empty() {
            self.left.remove(identity);
        }
        Some(self.streams.remove(&stream?)?.subscriber.id.clone())
    }

    /// A stream has ended, `now`. One that never began is nobody's.
    pub(super) fn leave(&mut self, stream: StreamId, now: Instant) -> Option<Announcement> {
        if self.debounce.is_zero() {
            return self.remove(stream);
        }
        let identity = self.streams.get(&stream)?.identity.clone();
        if let Some(identity) = identity {
            self.left.entry(identity).or_default().push_back(stream);
        }
        self.waits.push_back((now + self.debounce, stream));
        None
    }

    /// One of those who have not come back until `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Announcement> {
        while let Some((end, stream)) = self.waits.front().copied()
            && end <= now
        {
            self.waits.pop_front();
            if let Some(gone) = self.remove(stream) {
                return Some(gone);
            }
        }
        None
    }

    /// When [`Self::expire`] may have something to say.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.waits.front().map(|(end, _)| *end)
    }

    /// Nobody is waited for any more: those who have left are due, and whoever leaves from now on is gone at once.
    pub(super) fn stop_waiting(&mut self, now: Instant) {
        self.debounce = Duration::ZERO;
        self.waits.iter_mut().for_each(|(end, _)| *end = now);
    }

    fn remove(&mut self, stream: StreamId) -> Option<Announcement> {
        let Stream { subscriber, identity } = self.streams.remove(&stream)?;
        if let Some(identity) = identity
            && let Some(streams) = self.left.get_mut(&identity)
        {
            streams.retain(|left| *left != stream);
            if streams.is_empty() {
                self.left.remove(&identity);
            }
        }
        for (matcher, _) in &subscriber.subscriptions {
            self.active.remove(&(matcher.clone(), subscriber.id.clone()));
        }
        Some(Announcement { subscriber, active: false })
    }

    /// The active subscriptions that are meant, sorted.
    pub(super) fn list(&self, wanted: Wanted<'_>) -> Vec<Active> {
        let of_matcher = |matcher: &Matcher| {
            let from = (matcher.clone(), Box::default());
            let same = self.active.range(from..).take_while(|((other, _), _)| other == matcher);
            same.map(|(_, active)| active.clone()).collect()
        };
        match wanted {
            Wanted::One(matcher, subscriber) => {
                self.active.get(&(matcher.clone(), subscriber.into())).cloned().into_iter().collect()
            }
            Wanted::Matcher(matcher) => of_matcher(matcher),
            Wanted::Dialect(dialect) => {
                let kinds = [MatchType::Topic, MatchType::Exact, MatchType::UrlPattern];
                let first = kinds.into_iter().find(|kind| kind.dialect() == dialect);
                let Some(kind) = first else { return Vec::new() };
                let from = (Matcher { kind, text: "".into() }, Box::default());
                let same = self
                    .active
                    .range(from..)
                    .take_while(|((matcher, _), _)| matcher.kind.dialect() == dialect);
                same.map(|(_, active)| active.clone()).collect()
            }
        }
    }
}

fn identity(bearer: &Bearer, subscriptions: &[Subscription]) -> Option<Identity> {
    let is_user = bearer.user.is_some();
    let name = bearer.user.clone().or_else(|| bearer.token.clone())?;
    let matchers = subscriptions.iter().map(|(matcher, _)| matcher.clone()).collect();
    Some(Identity { is_user, name, matchers })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const DEBOUNCE: Duration = Duration::from_secs(5);

    fn user(name: &str) -> Bearer {
        Bearer { user: Some(name.into()), ..Bearer::default() }
    }

    fn matcher(kind: MatchType, text: &str) -> Matcher {
        Matcher { kind, text: text.into() }
    }

    struct Scene {
        registry: Registry,
        start: Instant,
        next: StreamId,
    }

    impl Scene {
        fn new(debounce: Duration) -> Self {
            Self { registry: Registry::new(debounce), start: Instant::now(), next: 0 }
        }

        /// Which subscriber the stream is announced to be.
        fn enter(&mut self, bearer: &Bearer, texts: &[&str]) -> Option<String> {
            let stream = self.next;
            self.next += 1;
            let subscriptions = texts.iter().map(|text| (matcher(MatchType::Exact, text), None)).collect();
            let announced = self.registry.enter(stream, bearer, subscriptions, || format!("s{stream}"))?;
            assert!(announced.active);
            Some(announced.subscriber.id.to_string())
        }

        fn leave(&mut self, stream: StreamId, at: Duration) -> Option<String> {
            let gone = self.registry.leave(stream, self.start + at)?;
            assert!(!gone.active);
            Some(gone.subscriber.id.to_string())
        }

        fn expire(&mut self, at: Duration) -> Vec<String> {
            std::iter::from_fn(|| self.registry.expire(self.start + at))
                .map(|gone| gone.subscriber.id.to_string())
                .collect()
        }

        fn active(&self, wanted: Wanted<'_>) -> Vec<(String, String)> {
            let documents = self.registry.list(wanted);
            let documents = documents.iter().filter_map(Active::document);
            documents.map(|one| (one.matcher.text.to_string(), one.subscriber.to_owned())).collect()
        }

        fn all(&self) -> Vec<String> {
            self.active(Wanted::Dialect(Dialect::V1)).into_iter().map(|(_, subscriber)| subscriber).collect()
        }
    }

    // 1.8
    #[test]
    fn one_comes_and_leaves() {
        let mut scene = Scene::new(Duration::ZERO);
        assert_eq!(scene.enter(&user("ann"), &["b", "a"]), Some("s0".into()));
        assert_eq!(scene.enter(&user("ann"), &["a"]), Some("s1".into()));
        let pair = |text: &str, subscriber: &str| (text.to_owned(), subscriber.to_owned());
        let all = Wanted::Dialect(Dialect::V1);
        assert_eq!(scene.active(all), [pair("a", "s0"), pair("a", "s1"), pair("b", "s0")]);
        let a = matcher(MatchType::Exact, "a");
        assert_eq!(scene.active(Wanted::Matcher(&a)), [pair("a", "s0"), pair("a", "s1")]);
        assert_eq!(scene.active(Wanted::One(&a, "s1")), [pair("a", "s1")]);
        assert_eq!(scene.active(Wanted::One(&a, "s2")), []);
        assert_eq!(scene.leave(0, Duration::ZERO), Some("s0".into()));
        assert_eq!(scene.leave(0, Duration::ZERO), None);
        assert_eq!(scene.active(all), [pair("a", "s1")]);
    }

    #[test]
    fn a_stream_that_never_began_is_nobodys() {
        for debounce in [Duration::ZERO, DEBOUNCE] {
            let mut scene = Scene::new(debounce);
            assert_eq!(scene.leave(7, Duration::ZERO), None);
            assert_eq!(scene.expire(DEBOUNCE * 2), [""; 0]);
        }
    }

    #[test]
    fn each_dialect_lists_its_own() {
        let mut registry = Registry::new(Duration::ZERO);
        for (stream, kind) in
            [MatchType::Topic, MatchType::Exact, MatchType::UrlPattern].into_iter().enumerate()
        {
            let subscriptions = vec![(matcher(kind, "/a"), None)];
            registry.enter(stream as StreamId, &Bearer::default(), subscriptions, || "s".into());
        }
        assert_eq!(registry.list(Wanted::Dialect(Dialect::V0)).len(), 1);
        assert_eq!(registry.list(Wanted::Dialect(Dialect::V1)).len(), 2);
        assert_eq!(registry.list(Wanted::Matcher(&matcher(MatchType::Exact, "/a"))).len(), 1);
    }

    // 5.11
    #[test]
    fn who_is_back_in_time_never_left() {
        let mut scene = Scene::new(DEBOUNCE);
        assert_eq!(scene.enter(&user("ann"), &["a", "b"]), Some("s0".into()));
        assert_eq!(scene.leave(0, Duration::ZERO), None);
        assert_eq!(scene.all(), ["s0", "s0"]);
        assert_eq!(scene.enter(&user("ann"), &["b", "a"]), None);
        assert_eq!(scene.expire(DEBOUNCE), [""; 0]);
        assert_eq!(scene.all(), ["s0", "s0"]);
        assert_eq!(scene.leave(1, DEBOUNCE), None);
        assert_eq!(scene.expire(DEBOUNCE * 2 - Duration::from_millis(1)), [""; 0]);
        assert_eq!(scene.expire(DEBOUNCE * 2), ["s0"]);
        assert_eq!(scene.all(), [""; 0]);
        assert!(scene.registry.left.is_empty() && scene.registry.waits.is_empty());
    }

    // 5.11
    #[test]
    fn others_are_not_taken_for_who_has_left() {
        let mut scene = Scene::new(DEBOUNCE);
        let token = Bearer { token: Some("ann".into()), ..Bearer::default() };
        assert_eq!(scene.enter(&user("ann"), &["a"]), Some("s0".into()));
        assert_eq!(scene.leave(0, Duration::ZERO), None);
        assert_eq!(scene.enter(&user("bob"), &["a"]), Some("s1".into()));
        assert_eq!(scene.enter(&user("ann"), &["b"]), Some("s2".into()));
        assert_eq!(scene.enter(&token, &["a"]), Some("s3".into()));
        assert_eq!(scene.enter(&Bearer::default(), &["a"]), Some("s4".into()));
        assert_eq!(scene.expire(DEBOUNCE), ["s0"]);
    }

    #[test]
    fn nobody_knows_whether_a_nameless_one_is_back() {
        let mut scene = Scene::new(DEBOUNCE);
        assert_eq!(scene.enter(&Bearer::default(), &["a"]), Some("s0".into()));
        assert_eq!(scene.leave(0, Duration::ZERO), None);
        assert_eq!(scene.enter(&Bearer::default(), &["a"]), Some("s1".into()));
        assert_eq!(scene.expire(DEBOUNCE), ["s0"]);
    }

    #[test]
    fn two_streams_of_one_are_two_subscribers() {
        let mut scene = Scene::new(DEBOUNCE);
        assert_eq!(scene.enter(&user("ann"), &["a"]), Some("s0".into()));
        assert_eq!(scene.enter(&user("ann"), &["a"]), Some("s1".into()));
        scene.leave(0, Duration::ZERO);
        scene.leave(1, Duration::ZERO);
        assert_eq!(scene.enter(&user("ann"), &["a"]), None);
        assert_eq!(scene.expire(DEBOUNCE), ["s0"]);
        assert_eq!(scene.all(), ["s1"]);
    }

    proptest! {
        /// What is announced is what is listed: each subscriber comes once and leaves once, whoever takes whose place.
        #[test]
        fn who_has_come_and_not_left_is_listed(steps in vec((0..4_u8, 0..3_usize, 0..8_u64), 1..60)) {
            let mut scene = Scene::new(DEBOUNCE);
            let mut at = Duration::ZERO;
            let (mut present, mut known) = (BTreeSet::new(), BTreeSet::new());
            for (step, who, stream) in steps {
                let bearer = [user("ann"), user("bob"), Bearer::default()][who].clone();
                match step {
                    0 | 1 => {
                        if let Some(came) = scene.enter(&bearer, &[["a", "b"][usize::from(step)]]) {
                            prop_assert!(known.insert(came.clone()));
                            present.insert(came);
                        }
                    }
                    2 => prop_assert_eq!(scene.leave(stream, at), None),
                    _ => at += DEBOUNCE / 2,
                }
                for gone in scene.expire(at) {
                    prop_assert!(present.remove(&gone), "{} left twice", gone);
                }
                prop_assert_eq!(scene.all().into_iter().collect::<BTreeSet<_>>(), present.clone());
            }
        }
    }

    #[test]
    fn at_the_end_nobody_is_waited_for() {
        let mut scene = Scene::new(DEBOUNCE);
        scene.enter(&user("ann"), &["a"]);
        scene.enter(&user("bob"), &["a"]);
        scene.leave(0, Duration::ZERO);
        scene.registry.stop_waiting(scene.start);
        assert_eq!(scene.expire(Duration::ZERO), ["s0"]);
        assert_eq!(scene.leave(1, Duration::ZERO), Some("s1".into()));
    }
}
