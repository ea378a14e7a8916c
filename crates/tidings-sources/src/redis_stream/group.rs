//! The consumer group of a stream: made where there is none, from where reading has to go on.
//!
//! `XINFO STREAM` would tell all that is needed here at once; but it sends the first and the last entry along, whatever their
//! size.

use std::time::Duration;

use redis::{Value, cmd};

use super::{
    id::EntryId,
    reply::{Info, accepted},
};
use crate::{
    events,
    redis::{Connection, Lost},
    status::Tracker,
};

/// Where to begin in a stream that has not been read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what is added from now on.
    New,
    /// With the oldest entry.
    Earliest,
}

/// How far a stream has been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The last entry that need not be read again, once one is known.
    pub(super) done: Option<EntryId>,
    /// The group has been made again and may not be where it has to be.
    remaking: bool,
}

/// A group, by the key of its stream and its name.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) key: &'a str,
    pub(super) name: &'a str,
}

impl Group<'_> {
    /// Makes sure that it is there, and where it was if it had been. Answers the last entry that it has been given.
    pub(super) async fn ensure(
        self,
        connection: &mut Connection,
        start: Start,
        place: &mut Place,
        source: &Tracker,
    ) -> Result<Option<EntryId>, Lost> {
        let from = match (place.done, start) {
            (None, Start::Earliest) => "0",
            // The last entry of the stream, to see whether it is the stream that was read before.
            _ => "$",
        };
        let create = [self.key, self.name, from, "MKSTREAM"];
        match ask(connection, cmd("XGROUP").arg("CREATE").arg(&create)).await? {
            Value::ServerError(error) if error.code() == "BUSYGROUP" => {}
            reply => {
                accepted(reply, self.key)?;
                place.remaking = place.done.is_some();
            }
        }
        let reply = accepted(ask(connection, cmd("XINFO").arg("GROUPS").arg(self.key)).await?, self.key)?;
        let Some(info) = Info::named(reply, self.name) else { return Ok(None) };
        let given = info.id("last-delivered-id");
        match (place.done, given) {
            (Some(done), Some(last)) if place.remaking => {
                // Where the ids begin anew, it is another stream.
                let from = if last < done { EntryId::default() } else { done };
                self.set(connection, from, None).await?;
                *place = Place { done: Some(from), remaking: false };
                events::group_remade(source, self.key, self.name, &from);
                Ok(Some(from))
            }
            (_, Some(given)) => {
                self.look_for_deleted(connection, &info, given, source).await?;
                Ok(Some(given))
            }
            (_, None) => Ok(None),
        }
    }

    /// Notices entries that were deleted before the group got them, as far as Redis can tell (from version 7 on): those
    /// that it lags behind by, and that are more than there are.
    async fn look_for_deleted(
        self,
        connection: &mut Connection,
        info: &Info,
        given: EntryId,
        source: &Tracker,
    ) -> Result<(), Lost> {
        let (Some(lag), Some(read)) = (info.number("lag"), info.number("entries-read")) else {
            return Ok(());
        };
        let length = match accepted(ask(connection, cmd("XLEN").arg(self.key)).await?, self.key)? {
            Value::Int(length) => u64::try_from(length).unwrap_or_default(),
            _ => return Ok(()),
        };
        let deleted = lag.saturating_sub(length);
        if deleted > 0 {
            events::deleted_entries(source, self.key, deleted);
            // Redis' number stays behind otherwise, and the same entries would be missed again the next time.
            self.set(connection, given, Some(read + deleted)).await?;
        }
        Ok(())
    }

    async fn set(
        self,
        connection: &mut Connection,
        last: EntryId,
        entries_read: Option<u64>,
    ) -> Result<(), Lost> {
        let mut set = cmd("XGROUP");
        set.arg("SETID").arg(self.key).arg(self.name).arg(last.to_string());
        if let Some(number) = entries_read {
            set.arg("ENTRIESREAD").arg(number);
        }
        accepted(ask(connection, &set).await?, self.key).map(drop)
    }
}

async fn ask(connection: &mut Connection, command: &redis::Cmd) -> Result<Value, Lost> {
    connection.ask(&command.get_packed_command(), Duration::ZERO).await
}
