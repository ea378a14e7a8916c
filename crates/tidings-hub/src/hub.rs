//! The hub: publish and subscribe over one log.

use std::sync::Arc;

use crate::{
    log::{AppendError, Log},
    position::Position,
    publication::{InvalidPublication, Publication},
};

/// What a publisher is answered: the log has the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The event's id: the publisher's own, or the generated one.
    pub id: String,
    /// Where the event stands.
    pub position: Position,
    /// Whether it had been published before under the same id, so that nothing was added.
    pub duplicate: bool,
}

/// Why a publication was not accepted. Nothing of the batch was or will be seen by anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The publisher's fault.
    #[error("{}{reason}", if *.index > 0 { format!("publication {}: ", .index + 1) } else { String::new() })]
    Invalid {
        /// Which of the batch, from 0.
        index: usize,
        /// What is wrong with it.
        reason: InvalidPublication,
    },
    /// The log's.
    #[error(transparent)]
    Log(#[from] AppendError),
}

/// The hub. Cloning is cheap; all clones are the same hub.
#[derive(Clone, Debug)]
pub struct Hub {
    log: Arc<dyn Log>,
}

impl Hub {
    /// Starts a hub over a log.
    pub fn start(log: Arc<dyn Log>) -> Self {
        Self { log }
    }

    /// Publishes one event and waits until the log has it. Dropping the future does not take the event back.
    ///
    /// # Errors
    /// When the publication breaks a rule, or the log cannot accept it.
    pub async fn publish(&self, publication: Publication) -> Result<Receipt, PublishError> {
        let mut receipts = self.publish_all(vec![publication]).await?;
        receipts.pop().ok_or_else(|| AppendError::Closed.into())
    }

    /// Publishes a batch, all or none, in its order. Dropping the future does not take the events back.
    ///
    /// # Errors
    /// When one of the publications breaks a rule, or the log cannot accept them.
    pub async fn publish_all(&self, batch: Vec<Publication>) -> Result<Vec<Receipt>, PublishError> {
        for (index, publication) in batch.iter().enumerate() {
            publication.check().map_err(|reason| PublishError::Invalid { index, reason })?;
        }
        let ids: Vec<_> = batch.iter().map(|publication| publication.id.clone()).collect();
        let appended = self.log.append(batch).await?;
        let receipts = ids.into_iter().zip(appended).map(|(id, appended)| Receipt {
            id: id.map_or_else(|| appended.position.to_string(), String::from),
            position: appended.position,
            duplicate: appended.duplicate,
        });
        Ok(receipts.collect())
    }
}
