//! What a running subscription is changed by: it asks for more or less, or ends.

use std::{
    sync::{Arc, Weak},
    time::SystemTime,
};

use crate::{
    accept::check_size,
    hub::Inner,
    rights::ReadRights,
    selector::Selection,
    shard::{Changed, Command, SubscriberId},
    subscription::{Bearer, SubscribeError},
};

/// What a subscription asks for from now on.
#[derive(Clone, Debug)]
pub struct Change {
    /// What to listen to.
    pub selection: Selection,
    /// Which events may be seen, of those that are listened to.
    pub read: Arc<ReadRights>,
    /// Whose subscription it is from now on: all whose rights it has. None: as before.
    pub bearers: Vec<Arc<Bearer>>,
    /// When the rights end, if that is before those of the subscription do.
    pub expires: Option<SystemTime>,
}

/// A running subscription, from outside. It does not keep it alive; what is done to one that has not begun to be written
/// yet, or has ended, does nothing.
#[derive(Clone, Debug)]
pub struct Handle {
    hub: Weak<Inner>,
    id: SubscriberId,
}

impl Handle {
    pub(crate) fn new(hub: &Arc<Inner>, id: SubscriberId) -> Self {
        Self { hub: Arc::downgrade(hub), id }
    }

    /// The subscriber's number, unique in its hub; log lines name it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Asks for something else. What is published once this returns is delivered by it; of what was asked for before, too,
    /// nothing is lost or doubled. A subscriber that is behind gets what it has not been sent yet by the new selection.
    ///
    /// # Errors
    /// When it is nothing, or too much.
    pub fn change(&self, change: Change) -> Result<(), SubscribeError> {
        let Some(hub) = self.hub.upgrade() else { return Ok(()) };
        check_size(&hub.shared, &change.selection)?;
        let Change { selection, read, bearers, expires } = change;
        let (selection, read) = hub.shared.registry.enter(selection, read);
        let changed = Changed { selection, read, bearers, expires };
        hub.shard_of(self.id).send(Command::Change(self.id, changed));
        Ok(())
    }

    /// Ends the stream.
    pub fn end(&self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.shard_of(self.id).send(Command::End(self.id));
        }
    }
}
