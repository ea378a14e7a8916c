//! What a publisher is answered.

use serde::Serialize;
use tidings_hub::Receipt;

/// The log has the event.
#[derive(Debug, Serialize)]
pub(super) struct ReceiptBody {
    id: String,
    epoch: String,
    offset: u64,
    /// Present when an event of this id was there before, and nothing was added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

impl From<Receipt> for ReceiptBody {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id,
            epoch: receipt.position.epoch.to_string(),
            offset: receipt.position.offset,
            duplicate: receipt.duplicate,
        }
    }
}
