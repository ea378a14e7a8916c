//! One connection's reading, from connecting to its loss.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use redis::{Cmd, Value, cmd};

use super::{
    Plan, Progress,
    group::Group,
    id::EntryId,
    reply::{Entries, Entry, accepted, first_pending, read},
};
use crate::{
    events,
    redis::{Connection, Lost, words},
    running::Context,
};

/// The name of the one consumer.
const CONSUMER: &str = "tidings";
/// How long Redis may keep a read waiting for an entry. That it then answers shows that the connection works. It is also how
/// long Redis may go on giving entries to a connection whose other side is gone without a word.
const BLOCK: Duration = Duration::from_secs(2);

/// Connects and publishes entries until the connection is lost. Dropping the future closes it; what was read and not
/// acknowledged stays pending.
pub(super) async fn run(plan: &Plan, progress: &mut Progress, context: &Context) -> Lost {
    match converse(plan, progress, context).await {
        Err(lost) => lost,
        Ok(never) => match never {},
    }
}

async fn converse(plan: &Plan, progress: &mut Progress, context: &Context) -> Result<Infallible, Lost> {
    let mut session =
        Session { connection: Connection::open(&plan.server, plan.timeout).await?, plan, progress, context };
    session.enter().await?;
    let mut given = Vec::new();
    for index in 0..plan.streams.len() {
        given.push(session.ensure_group(index).await?);
    }
    let entered = Instant::now();
    events::works(&context.source);
    for (index, given) in given.into_iter().enumerate() {
        session.catch_up(index).await?;
        session.done(index, given);
    }
    while entered.elapsed() <= BLOCK {
        session.follow().await?;
    }
    // What Redis has given meanwhile to a connection of before, which nobody reads from, is pending now. Later there can be
    // no such connection.
    for index in 0..plan.streams.len() {
        session.catch_up(index).await?;
    }
    loop {
        session.follow().await?;
    }
}

struct Session<'a> {
    connection: Connection,
    plan: &'a Plan,
    progress: &'a mut Progress,
    context: &'a Context,
}

impl Session<'_> {
    /// Logs in and selects the database.
    async fn enter(&mut self) -> Result<(), Lost> {
        let server = &self.plan.server;
        let select = cmd("SELECT").arg(server.database()).get_packed_command();
        let select = if server.database() == 0 { &[][..] } else { &select };
        for command in [server.login(), select].into_iter().filter(|command| !command.is_empty()) {
            if let Value::ServerError(error) = self.connection.ask(command, Duration::ZERO).await? {
                return Err(Lost::Refused(words(&error)));
            }
        }
        Ok(())
    }

    async fn ensure_group(&mut self, index: usize) -> Result<Option<EntryId>, Lost> {
        let group = Group { key: &self.plan.streams[index].key, name: &self.plan.group };
        let place = &mut self.progress.places[index];
        group.ensure(&mut self.connection, self.plan.start, place, &self.context.source).await
    }

    /// Notes that entries up to this one need not be read again.
    fn done(&mut self, index: usize, last: Option<EntryId>) {
        let place = &mut self.progress.places[index];
        place.done = place.done.max(last);
    }

    /// Publishes what the consumer has pending of a stream: it was read before, and not acknowledged.
    async fn catch_up(&mut self, index: usize) -> Result<(), Lost> {
        let key = &self.plan.streams[index].key;
        if self.progress.unreadable.take_if(|unreadable| *unreadable == index).is_some() {
            self.give_up_first(key).await?;
        }
        self.progress.catching_up = Some(index);
        loop {
            let command = self.read_group(None, &[key], "0");
            let reply = accepted(self.ask(&command, Duration::ZERO).await?, key)?;
            let entries: Vec<_> = read(reply)?.into_iter().flat_map(|read| read.entries).collect();
            self.progress.answered();
            if entries.is_empty() {
                self.progress.catching_up = None;
                return Ok(());
            }
            self.publish(index, entries).await?;
        }
    }

    /// Acknowledges the first pending entry of a stream unread.
    async fn give_up_first(&mut self, key: &str) -> Result<(), Lost> {
        let mut look = cmd("XPENDING");
        look.arg(key).arg(&self.plan.group).arg("-").arg("+").arg(1).arg(CONSUMER);
        let reply = accepted(self.ask(&look, Duration::ZERO).await?, key)?;
        let Some(id) = first_pending(&reply) else { return Ok(()) };
        events::refused(&self.context.source, &format_args!("entry {id} of the stream {key:?} is too large"));
        self.acknowledge(key, vec![id.to_string()]).await
    }

    async fn acknowledge(&mut self, key: &str, ids: Vec<String>) -> Result<(), Lost> {
        let mut acknowledge = cmd("XACK");
        acknowledge.arg(key).arg(&self.plan.group).arg(ids);
        accepted(self.ask(&acknowledge, Duration::ZERO).await?, key).map(drop)
    }

    /// Waits for new entries of any stream, and publishes them.
    async fn follow(&mut self) -> Result<(), Lost> {
        let keys: Vec<_> = self.plan.streams.iter().map(|stream| stream.key.as_str()).collect();
        let command = self.read_group(Some(BLOCK), &keys, ">");
        let reply = accepted(self.ask(&command, BLOCK).await?, &keys.join(", "))?;
        self.progress.answered();
        for Entries { key, entries } in read(reply)? {
            let known = self.plan.streams.iter().position(|stream| stream.key.as_bytes() == key);
            if let Some(index) = known {
                self.publish(index, entries).await?;
            }
        }
        Ok(())
    }

    /// Publishes entries and, once the log has them all, acknowledges them.
    async fn publish(&mut self, index: usize, entries: Vec<Entry>) -> Result<(), Lost> {
        let (stream, context) = (&self.plan.streams[index], self.context);
        let Some(last) = entries.last().map(|entry| entry.id) else { return Ok(()) };
        for entry in &entries {
            if let Some(publication) = self.plan.reader.publication(stream, entry, &context.source) {
                context.outbox.push(publication, &context.source).await;
            }
        }
        context.outbox.settled().await;
        self.acknowledge(&stream.key, entries.iter().map(|entry| entry.id.to_string()).collect()).await?;
        self.done(index, Some(last));
        Ok(())
    }

    /// Reads of streams, with the same place in each.
    fn read_group(&self, block: Option<Duration>, keys: &[&str], from: &str) -> Cmd {
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.plan.group).arg(CONSUMER).arg("COUNT").arg(self.progress.count);
        if let Some(block) = block {
            command.arg("BLOCK").arg(block.as_millis() as u64);
        }
        command.arg("STREAMS").arg(keys).arg(vec![from; keys.len()]);
        command
    }

    async fn ask(&mut self, command: &Cmd, delay: Duration) -> Result<Value, Lost> {
        self.connection.ask(&command.get_packed_command(), delay).await
    }
}
