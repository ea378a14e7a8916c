//! The consumer group of a stream: made where there is none, from where reading has to go on.

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

/// What a stream is, as far as its group is concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    last: EntryId,
    /// How many entries it ever had, and how many of them are gone. Redis counts them from version 7 on.
    added: Option<u64>,
    removed: Option<u64>,
}

/// Makes sure that the stream has the group; `done` is the last entry that need not be read again, if that is known.
/// Answers the last entry that the group has been given.
pub(super) async fn ensure(
    connection: &mut Connection,
    (key, group): (&str, &str),
    start: Start,
    done: Option<EntryId>,
    source: &Tracker,
) -> Result<Option<EntryId>, Lost> {
    let extent = extent(connection, key).await?;
    let from = match (done, start) {
        // Its entries begin anew: it is another stream.
        (Some(done), _) if extent.last < done => EntryId::default(),
        (Some(done), _) => done,
        (None, Start::New) => extent.last,
        (None, Start::Earliest) => EntryId::default(),
    };
    let mut create = cmd("XGROUP");
    create.arg("CREATE").arg(key).arg(group).arg(from.to_string()).arg("MKSTREAM");
    // So that it is known later how many entries were deleted unread.
    match (extent.added, extent.removed) {
        (Some(added), _) if from == extent.last => {
            create.arg("ENTRIESREAD").arg(added);
        }
        (_, Some(removed)) if from == EntryId::default() => {
            create.arg("ENTRIESREAD").arg(removed);
        }
        _ => {}
    }
    match ask(connection, &create).await? {
        Value::ServerError(error) if error.code() == "BUSYGROUP" => {
            look_for_deleted(connection, (key, group), extent, source).await
        }
        reply => {
            accepted(reply, key)?;
            if done.is_some() {
                events::group_remade(source, key, group, &from);
            }
            Ok(Some(from))
        }
    }
}

async fn extent(connection: &mut Connection, key: &str) -> Result<Extent, Lost> {
    let info = match ask(connection, cmd("XINFO").arg("STREAM").arg(key)).await? {
        // There is no such key.
        Value::ServerError(error) if error.code() == "ERR" => Info::default(),
        reply => Info::new(accepted(reply, key)?),
    };
    let added = info.number("entries-added");
    let removed = added.zip(info.number("length")).map(|(added, length)| added.saturating_sub(length));
    Ok(Extent { last: info.id("last-generated-id").unwrap_or_default(), added, removed })
}

/// Notices entries that were deleted before the group got them, as far as Redis can tell. Answers the last entry that it
/// did get.
async fn look_for_deleted(
    connection: &mut Connection,
    (key, group): (&str, &str),
    extent: Extent,
    source: &Tracker,
) -> Result<Option<EntryId>, Lost> {
    let reply = accepted(ask(connection, cmd("XINFO").arg("GROUPS").arg(key)).await?, key)?;
    let Some(info) = Info::named(reply, group) else { return Ok(None) };
    let delivered = info.id("last-delivered-id");
    if let (Some(delivered), Some(removed), Some(read)) =
        (delivered, extent.removed, info.number("entries-read"))
        && removed > read
    {
        events::deleted_entries(source, key, removed - read);
        // Redis' number stays behind otherwise, and the same entries would be missed again the next time.
        let mut correct = cmd("XGROUP");
        correct.arg("SETID").arg(key).arg(group).arg(delivered.to_string()).arg("ENTRIESREAD").arg(removed);
        accepted(ask(connection, &correct).await?, key)?;
    }
    Ok(delivered)
}

async fn ask(connection: &mut Connection, command: &redis::Cmd) -> Result<Value, Lost> {
    connection.ask(&command.get_packed_command(), Duration::ZERO).await
}
