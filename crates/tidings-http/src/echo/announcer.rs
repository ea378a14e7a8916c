//! The task that publishes what is to be announced, in its order. While the log cannot take it, it waits: members whose
//! leave nobody hears of would stay in every list.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use tidings_hub::{AppendError, Hub, Publication, PublishError};
use tokio::{sync::Notify, time::sleep};

use super::connections::Shared;

/// How long to wait before the next attempt: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What is to be done next.
pub(super) enum Task {
    Publish(Vec<Publication>),
    /// Until woken, or until somebody is no longer waited for.
    Wait(Option<Instant>),
}

/// Publishes what is announced, until all who could announce something are gone.
pub(super) async fn run(hub: Hub, shared: Weak<Shared>, wake: Arc<Notify>) {
    while let Some(task) = shared.upgrade().map(|shared| shared.next_task()) {
        match task {
            Task::Publish(batch) => deliver(&hub, batch).await,
            Task::Wait(None) => wake.notified().await,
            // Either way there is something to look at.
            Task::Wait(Some(expiry)) => {
                tokio::time::timeout_at(expiry.into(), wake.notified()).await.ok();
            }
        }
    }
}

/// Publishes a batch, however long it takes, unless the log is closed or will never take it.
async fn deliver(hub: &Hub, mut batch: Vec<Publication>) {
    let mut pause = FIRST_PAUSE;
    while !batch.is_empty() {
        let Err(error) = hub.publish_all(batch.clone()).await else { return };
        let count = batch.len();
        match &error {
            PublishError::Invalid { index, .. } if *index < count => {
                tracing::warn!(%error, "who came to a channel or left it cannot be announced");
                batch.remove(*index);
            }
            PublishError::Invalid { .. }
            | PublishError::Log(AppendError::TooLarge(_) | AppendError::Closed) => {
                tracing::warn!(%error, count, "who came to channels or left them could not be announced");
                return;
            }
            error => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, count, "who comes to channels and leaves them is announced later");
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

#[cfg(test)]
mod tests;
