//! One connection's reading, from connecting to its loss.

use std::{convert::Infallible, time::Duration};

use redis::{Cmd, Value, cmd};

use super::{
    Plan, Progress, group,
    reply::{Entries, Entry, accepted, read},
};
use crate::{
    events,
    redis::{Connection, Lost, words},
    running::Context,
};

/// The name of the one consumer.
const CONSUMER: &str = "tidings";
/// How long Redis may keep a read waiting for an entry. That it then answers shows that the connection works.
const BLOCK: Duration = Duration::from_secs(5);

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
    let mut delivered = Vec::new();
    for (index, stream) in plan.streams.iter().enumerate() {
        let names = (stream.key.as_str(), plan.group.as_str());
        let done = session.progress.done[index];
        delivered
            .push(group::ensure(&mut session.connection, names, plan.start, done, &context.source).await?);
    }
    events::works(&context.source);
    for (index, delivered) in delivered.into_iter().enumerate() {
        session.catch_up(index).await?;
        let done = &mut session.progress.done[index];
        *done = delivered.max(*done);
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

    /// Publishes what the consumer has pending of a stream: it was read before, and not acknowledged.
    async fn catch_up(&mut self, index: usize) -> Result<(), Lost> {
        let key = &self.plan.streams[index].key;
        loop {
            let command = self.read_group(None, &[key], "0");
            let reply = accepted(self.ask(&command, Duration::ZERO).await?, key)?;
            let entries: Vec<_> = read(reply)?.into_iter().flat_map(|read| read.entries).collect();
            if entries.is_empty() {
                return Ok(());
            }
            self.publish(index, entries).await?;
        }
    }

    /// Waits for new entries of any stream, and publishes them.
    async fn follow(&mut self) -> Result<(), Lost> {
        let keys: Vec<_> = self.plan.streams.iter().map(|stream| stream.key.as_str()).collect();
        let command = self.read_group(Some(BLOCK), &keys, ">");
        let reply = accepted(self.ask(&command, BLOCK).await?, &keys.join(", "))?;
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
        let mut acknowledge = cmd("XACK");
        let ids: Vec<_> = entries.iter().map(|entry| entry.id.to_string()).collect();
        acknowledge.arg(&stream.key).arg(&self.plan.group).arg(ids);
        accepted(self.ask(&acknowledge, Duration::ZERO).await?, &stream.key)?;
        let done = &mut self.progress.done[index];
        *done = (*done).max(Some(last));
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
