//! The way in: what is checked and looked up before a subscriber's shard gets it.

use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, SeqCst},
};

use bytes::Bytes;

use crate::{
    change::Handle,
    control::{self, HEARTBEAT, ResetReason, reset},
    front::Front,
    hub::Inner,
    log::{LogStatus, Lookup},
    manner::{Eye, Manner},
    naming::Naming,
    newest::newest,
    pipe::pipe,
    publication::EARLIEST,
    rights::ReadRights,
    selector::Selection,
    shard::{Command, Inbox, Join, Shared, SubscriberId, Term, drain_retry_ms},
    sink::Sink,
    socket::{Socket, SocketSink},
    subscription::{Ended, Start, SubscribeError, Subscriber, Subscription, Tally, Unknown},
};

/// How many [branches](Selection::branches) one subscription may have: some five hundred usual templates, or eight of the
/// most complex ones, with which everybody's events would wait.
const MAX_BRANCHES: usize = 2048;

/// A subscription that the hub has accepted, and that begins once it is known what its stream is written to. Nothing
/// published since [`Hub::accept`](crate::Hub::accept) returned is lost meanwhile. Dropping it gives the place back.
#[derive(Debug)]
pub struct Accepted {
    place: Place,
    front: Front,
    id: SubscriberId,
    cursor: u64,
    /// As [`Join::kept_to`].
    kept_to: u64,
    prelude: Vec<Bytes>,
    /// Whether the cursor was found.
    resumed: bool,
    term: Option<Box<Term>>,
    manner: Option<Box<Manner>>,
    tally: Option<Box<Tally>>,
}

impl Accepted {
    pub(crate) async fn new(
        hub: Arc<Inner>,
        front: Front,
        subscription: Subscription,
    ) -> Result<Self, SubscribeError> {
        let Subscription { selection, start, unknown, prelude, read, .. } = subscription;
        let Subscription { bearers, expires, lifetime, companion, opening, .. } = subscription;
        let manner = Manner::new(subscription.naming, subscription.sockets, subscription.farewell);
        let term = Term::new(bearers, expires, lifetime, companion);
        let place = Place::take(hub, selection, read)?;
        let mut resumed = false;
        // The newest event, for one who gets nothing at first.
        let mut begins_behind = None;
        // The cursor, where the client has one already, or one that is a word.
        let mut begins_at = None;
        let Shared { log, stats, .. } = &place.hub.shared;
        // The comment makes the stream's first bytes leave at once, so that nothing in between waits for more.
        let mut prelude = vec![HEARTBEAT, Bytes::new(), prelude];
        let (cursor, kept_to) = match start {
            Start::Live => {
                let status = log.status();
                begins_behind = Some(status.last);
                (status.next, 0)
            }
            Start::Earliest => {
                begins_at = Some(EARLIEST.to_owned());
                kept(&log.status())
            }
            Start::Newest(count) => {
                let before = log.status();
                let cursor = newest(&**log, &place.selection, &place.eye(manner.as_deref()), count).await?;
                if cursor >= before.next {
                    // Nothing of it is kept: it begins like a live one.
                    begins_behind = Some(before.last);
                }
                (cursor, log.status().next)
            }
            Start::After(id) => {
                let reason = match log.find(id.clone()).await? {
                    Lookup::After(offset) => Ok(offset),
                    Lookup::Expired => Err(ResetReason::Expired),
                    Lookup::Unknown => Err(ResetReason::Unknown),
                };
                resumed = reason.is_ok();
                let unknown = match (unknown, reason) {
                    (Unknown::ResetKnown, Err(ResetReason::Unknown)) => Unknown::ResetLive,
                    (Unknown::ResetKnown, _) => Unknown::Reset,
                    (unknown, _) => unknown,
                };
                let status = log.status();
                if let (Err(reason), Unknown::Reset | Unknown::ResetLive) = (reason, unknown) {
                    stats.reset(reason);
                    prelude.push(reset(reason, status.oldest_id.as_deref()));
                }
                match (reason, unknown) {
                    (Ok(offset), _) => {
                        begins_at = Some(id);
                        (offset, 0)
                    }
                    (Err(_), Unknown::Reset | Unknown::Everything) => {
                        begins_at = Some(EARLIEST.to_owned());
                        kept(&status)
                    }
                    (Err(_), Unknown::ResetLive | Unknown::ResetKnown) => {
                        begins_behind = Some(status.last);
                        (status.next, 0)
                    }
                }
            }
        };
        let begins_behind = begins_behind.map(control::behind);
        match (opening, begins_behind) {
            (Some(opening), id) => prelude[1] = control::opening(&opening, id.or(begins_at).as_deref()),
            (None, Some(id)) if subscription.cursor => prelude.push(control::cursor(&id)),
            (None, _) => {}
        }
        let id = place.hub.next_subscriber.fetch_add(1, Relaxed);
        Ok(Self { place, front, id, cursor, kept_to, prelude, resumed, term, manner, tally: None })
    }

    /// The subscriber's number, unique in its hub; log lines name it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether it goes on behind the event that its cursor names. Without a cursor, or with one that the log does not
    /// know or no longer reaches back to, it does not.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Has somebody told, on a thread that must not be held up, when the subscription that has begun has ended.
    pub fn when_ended(&mut self, tell: impl FnOnce(Ended) + Send + 'static) {
        self.tally = Some(Box::new(Tally::new(tell)));
    }

    /// What the subscription is changed by once it has begun.
    pub fn handle(&self) -> Handle {
        Handle::new(&self.place.hub, self.id)
    }

    /// Begins the subscription as a stream of bytes.
    pub fn stream(self) -> Subscriber {
        let limit = self.place.hub.shared.settings.load().subscriber_bytes;
        let (sink, reader) = pipe(limit, self.id, self.shard().clone());
        self.join(Box::new(sink));
        Subscriber(reader)
    }

    /// Begins the subscription on a connection's socket, which is the hub's from now on. The stream ends as
    /// [`Subscriber`]'s does, or when the other side closes or has sent much that nobody asked for; the socket is closed
    /// then.
    pub fn hand_over(self, socket: Socket) {
        self.join(Box::new(SocketSink::new(socket)));
    }

    fn shard(&self) -> &Arc<Inbox> {
        self.place.hub.shard_of(self.id)
    }

    fn join(self, sink: Box<dyn Sink>) {
        let shard = self.shard().clone();
        let Self { mut place, front, id, cursor, kept_to, prelude, term, manner, tally, .. } = self;
        place.hub.shared.stats.subscribed[front as usize].fetch_add(1, Relaxed);
        place.kept = true;
        let (selection, read) = (place.selection.clone(), place.read.clone());
        shard.send(Command::Join(Join {
            id,
            front,
            selection,
            read,
            cursor,
            kept_to,
            prelude,
            sink,
            term,
            manner,
            tally,
        }));
    }
}

/// Whether so much may be asked for.
pub(crate) fn check_size(shared: &Shared, selection: &Selection) -> Result<(), SubscribeError> {
    let Shared { settings, stats, .. } = shared;
    let settings = settings.load();
    if selection.is_empty() {
        return Err(SubscribeError::Empty);
    }
    let (asked, limit) = (selection.topics().len() + selection.matchers().len(), settings.max_selectors);
    if asked > limit {
        stats.refused_selectors.fetch_add(1, Relaxed);
        return Err(SubscribeError::TooManySelectors { asked, limit });
    }
    let (asked, limit) = (selection.matchers().len(), settings.max_patterns);
    if asked > limit {
        stats.refused_patterns.fetch_add(1, Relaxed);
        return Err(SubscribeError::TooManyPatterns { asked, limit });
    }
    if selection.branches() > MAX_BRANCHES {
        stats.refused_selectors.fetch_add(1, Relaxed);
        return Err(SubscribeError::TooComplex);
    }
    Ok(())
}

/// From where to where all that is kept stands, now: what has gone must not come.
fn kept(status: &LogStatus) -> (u64, u64) {
    (status.oldest, status.next)
}

/// A subscriber that is counted; given back when its shard does not get it, because a look-up failed or was abandoned.
#[derive(Debug)]
struct Place {
    hub: Arc<Inner>,
    selection: Arc<Selection>,
    read: Arc<ReadRights>,
    kept: bool,
}

impl Place {
    fn eye<'p>(&'p self, manner: Option<&'p Manner>) -> Eye<'p> {
        let (naming, sockets) = manner.map_or((&Naming::Own, &[][..]), |one| (&one.naming, &one.sockets));
        Eye { selection: &self.selection, read: &self.read, naming, sockets }
    }

    fn take(hub: Arc<Inner>, selection: Selection, read: Arc<ReadRights>) -> Result<Self, SubscribeError> {
        let Shared { settings, stats, registry, .. } = &hub.shared;
        let max_subscribers = settings.load().max_subscribers;
        check_size(&hub.shared, &selection)?;
        if let Some(window) = hub.drain_window() {
            return Err(SubscribeError::Draining { retry_ms: drain_retry_ms(window) });
        }
        let room =
            stats.subscribers.fetch_update(SeqCst, SeqCst, |now| (now < max_subscribers).then_some(now + 1));
        if room.is_err() {
            stats.refused_full.fetch_add(1, Relaxed);
            return Err(SubscribeError::Full);
        }
        let (selection, read) = registry.enter(selection, read);
        Ok(Self { hub, selection, read, kept: false })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept {
            self.hub.shared.stats.subscribers.fetch_sub(1, Relaxed);
            self.hub.shared.registry.leave(&self.selection, &self.read);
        }
    }
}
