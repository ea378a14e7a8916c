//! How a hub stops: everybody is told, nothing is lost, and it ends in time.

use std::time::Duration;

use tidings_hub::Hub;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Serving, fronts, listen::Kept};

/// The part of `stream.drain_time` in which streams are ended, at most: the rest is for what is on its way then.
const DRAIN_PART: u32 = 2;
/// The part of it that is kept for those who publish: streams that nobody reads are cut off before.
const PUBLISH_PART: u32 = 4;
/// Streams that were told to come back end by themselves, soon.
const LOOK: Duration = Duration::from_millis(10);

impl Serving {
    /// Stops. First the subscribers are sent away, one after the other; whoever connects meanwhile is answered, so that
    /// publishers go on and subscribers hear when to come back. When they have gone, connections and sources end, and then
    /// the log, so that what was received is kept. `then` says what becomes of the listening sockets when nobody is
    /// accepted any more: as long as they are kept open, whoever connects waits.
    pub(super) async fn stop<T>(self, then: impl FnOnce(Kept) -> T) -> T {
        let stream = &self.config.stream;
        let deadline = Instant::now() + stream.drain_time;
        let over = stream.drain_window.min(stream.drain_time / DRAIN_PART);
        self.hub.drain_over(over, stream.drain_window);
        if timeout_at(deadline - stream.drain_time / PUBLISH_PART, all_gone(&self.hub)).await.is_err() {
            tracing::warn!(
                subscribers = self.hub.stats().subscribers,
                "streams were cut off: they took too long"
            );
            self.hub.cut_off();
        }
        let then = then(self.open.kept);
        tokio::join!(self.sources.stop(), self.server.shut_down(deadline - Instant::now()));
        if let Some(presence) = self.presence
            && timeout(fronts::ANNOUNCE, fronts::all_announced(&self.hub, &presence)).await.is_err()
        {
            tracing::warn!("not everybody's leave could be announced");
        }
        if let Some(echo) = self.echo
            && timeout(fronts::ANNOUNCE, echo.settled()).await.is_err()
        {
            tracing::warn!("not everybody's leave of a channel could be announced");
        }
        self.log.close().await;
        then
    }
}

/// Waits until nobody subscribes any more.
pub(super) async fn all_gone(hub: &Hub) {
    while hub.stats().subscribers > 0 {
        sleep(LOOK).await;
    }
}
