//! What each connection should have seen, worked out from what was published and nothing else.

use std::{collections::BTreeMap, sync::Arc};

use tidings_hub::{Epoch, Naming, Position, Publication, ReadRights, Selection, Start, Topic};

/// Everything that was published, by offset.
pub(crate) type Published = BTreeMap<u64, Publication>;

/// One thing that a connection saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The event of this offset; whether its bytes were right has been checked.
    Event(u64),
    /// A `tidings.reset` of this reason.
    Reset(String),
    /// A bare `retry:`.
    Retry,
}

/// How the log was, seen from outside, at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) oldest: u64,
    pub(crate) next: u64,
}

/// One connection, from `subscribe` to its end.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) selection: Selection,
    pub(crate) read: Arc<ReadRights>,
    pub(crate) naming: Naming,
    /// Its socket ids.
    pub(crate) sockets: Vec<Box<str>>,
    pub(crate) start: Start,
    /// Just before `subscribe` was called, and just after it had returned.
    pub(crate) before: Moment,
    pub(crate) after: Moment,
    pub(crate) seen: Vec<Seen>,
}

impl Connection {
    /// Whether it asked for the event, and may see it.
    fn wants(&self, event: &Publication) -> bool {
        let is_own = event.socket.as_ref().is_some_and(|socket| self.sockets.contains(socket));
        let asked = self.selection.matches_any(&event.topics);
        asked && !is_own && self.read.sees(&event.topics, event.private)
    }

    /// By which names it gets the event.
    pub(crate) fn names(&self, event: &Publication) -> Vec<String> {
        let own = event.event.as_deref().unwrap_or("message");
        match &self.naming {
            Naming::Own => vec![own.to_owned()],
            Naming::Fixed(name) => vec![name.to_string()],
            Naming::Channel => {
                let asked = |topic: &&Topic| self.selection.matches(topic);
                let seen = |topic: &&Topic| self.read.of(event.private).matches(topic);
                let mut names: Vec<_> = event.topics.iter().filter(asked).filter(seen).collect();
                if names.is_empty() {
                    names = event.topics.iter().filter(asked).collect();
                }
                names.iter().map(|topic| format!("{topic}.{own}")).collect()
            }
        }
    }

    /// Whether it wants every event there is.
    fn wants_all(&self) -> bool {
        self.selection.is_all() && self.read.is_everything() && self.sockets.is_empty()
    }
}

/// The whole truth, when all is over.
#[derive(Debug)]
pub(crate) struct Truth<'a> {
    pub(crate) published: &'a Published,
    pub(crate) epoch: Epoch,
    /// What had been trimmed at the end.
    pub(crate) oldest: u64,
}

impl Truth<'_> {
    /// Whether the connection saw exactly what it should.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), String> {
        let mut seen = &connection.seen[..];
        // Where the first event may be: nothing that matches is left out from `must` on, nothing given below `may`.
        let (mut may, mut must) = match (&connection.start, seen) {
            (Start::After(id), [first, rest @ ..]) => match (self.found(id, connection), first) {
                (Found::At(offset), _) => (offset, offset),
                (Found::Not(expected), Seen::Reset(reason)) if expected == reason => {
                    seen = rest;
                    self.all_kept(connection)
                }
                (Found::Maybe(_), Seen::Reset(_)) => {
                    // Trimmed while it was looked for, or found and overtaken at once, which cannot be told apart.
                    seen = rest;
                    (connection.before.oldest, self.oldest)
                }
                (Found::Maybe(offset), _) => (offset, offset),
                (found, first) => return Err(format!("{id} is {found:?}, yet the first was {first:?}")),
            },
            (Start::After(_), []) => return Ok(()),
            (Start::Live, _) => (connection.before.next, connection.after.next),
            (Start::Earliest, _) => self.all_kept(connection),
            (Start::Newest(count), _) => {
                self.check_newest(connection, *count)?;
                (connection.before.oldest, connection.after.next)
            }
        };
        let (mut resets, mut is_first) = (0, true);
        for one in seen {
            match one {
                Seen::Event(offset) => {
                    let publication = &self.published[offset];
                    if !connection.wants(publication) {
                        return Err(format!("{offset} was not asked for, or is not to be seen"));
                    }
                    if *offset < may {
                        return Err(format!("{offset} came again, out of order or from before {may}"));
                    }
                    let missed: Vec<u64> = self.matching(connection, must, *offset).collect();
                    match (missed.last(), resets) {
                        (Some(last), 0) => {
                            return Err(format!("{missed:?} were left out before {offset}, to {last}"));
                        }
                        (Some(last), _) if *last >= self.oldest => {
                            return Err(format!("{last} was kept, and left out before {offset}"));
                        }
                        // A selection of everything misses something whenever there is a gap.
                        (None, 1..) if connection.wants_all() && !is_first => {
                            return Err(format!("a reset before {offset}, where nothing was missing"));
                        }
                        (_, 2..) if connection.wants_all() => {
                            return Err(format!("{resets} resets for one gap before {offset}"));
                        }
                        _ => {}
                    }
                    (resets, is_first, may, must) = (0, false, offset + 1, offset + 1);
                }
                Seen::Reset(reason) if reason == "expired" => resets += 1,
                Seen::Reset(reason) => return Err(format!("a late reset: {reason}")),
                Seen::Retry => {}
            }
        }
        match connection.seen.iter().position(|one| *one == Seen::Retry) {
            Some(at) if at + 1 < connection.seen.len() => Err("it went on behind the retry".into()),
            _ => Ok(()),
        }
    }

    /// The offsets in `from..to` that the connection wants.
    fn matching<'t>(
        &'t self,
        connection: &'t Connection,
        from: u64,
        to: u64,
    ) -> impl DoubleEndedIterator<Item = u64> + 't {
        let range = self.published.range(from.min(to)..to);
        range.filter(|(_, one)| connection.wants(one)).map(|(offset, _)| *offset)
    }

    /// Bounds for one who gets all that is kept: what had gone before must not come; what never went must, and what was
    /// published since, or a reset says that it went.
    fn all_kept(&self, connection: &Connection) -> (u64, u64) {
        (connection.before.oldest, self.oldest.min(connection.after.next))
    }

    /// Where reading goes on behind this id.
    fn found(&self, id: &str, connection: &Connection) -> Found {
        let position: Option<Position> = id.parse().ok();
        let own = || {
            self.published.iter().find(|(_, one)| one.id.as_deref() == Some(id)).map(|(offset, _)| *offset)
        };
        let gone = match position {
            Some(_) => "expired",
            None => "unknown",
        };
        // A position is a place, good as long as nothing behind it has gone; an own id goes with its event.
        let place = u64::from(position.is_some());
        match position.filter(|one| one.epoch == self.epoch).map(|one| one.offset).or_else(own) {
            // A client may know an id before its publisher has been answered, but never before it is in the log.
            Some(offset) if offset < connection.after.next => match offset {
                _ if offset + place < connection.before.oldest => Found::Not(gone),
                _ if offset + place >= connection.after.oldest => Found::At(offset + 1),
                _ => Found::Maybe(offset + 1),
            },
            _ => Found::Not("unknown"),
        }
    }

    /// Whether the first event is the newest but so many.
    fn check_newest(&self, connection: &Connection, count: usize) -> Result<(), String> {
        let Some(Seen::Event(first)) = connection.seen.first() else { return Ok(()) };
        let counted = |from: u64, to: u64| self.matching(connection, from, to).count();
        let (least, most) = (counted(*first, connection.before.next), counted(*first, connection.after.next));
        if least > count {
            return Err(format!("asked for {count}, got {least} from {first} on"));
        }
        let kept = counted(self.oldest.max(connection.after.oldest), *first);
        if most < count && kept > 0 {
            return Err(format!("asked for {count}, got {most} from {first} on, and {kept} more were kept"));
        }
        Ok(())
    }
}

/// What a look-up may have found.
#[derive(Debug)]
enum Found {
    /// Surely this.
    At(u64),
    /// This, unless it was trimmed meanwhile.
    Maybe(u64),
    /// Nothing, for this reason.
    Not(&'static str),
}
