//! What the service manager is told, if one wants to know: systemd's protocol (sd_notify(3)), one datagram for each thing
//! to say. Without `NOTIFY_SOCKET` in the environment nothing is said.

use std::{convert::Infallible, future::pending, time::Duration};

use sd_notify::NotifyState;
use tidings_hub::Hub;

/// The hub accepts connections, and what it has reloaded is in force.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is read anew, or another program takes this one's place; [`ready`] follows.
pub(super) fn reloading(status: &str) {
    // The time is what `Type=notify-reload` tells this reload from another by.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now, NotifyState::Status(status)]),
        Err(error) => tracing::warn!(%error, "the service manager cannot be told of a reload"),
    }
}

/// The hub stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("subscribers are told to come back")]);
}

/// Says in time that the hub lives, for as long as it does, if somebody wants to know (`WatchdogSec=`). To be raced with
/// what the hub does: it does not end.
pub(super) async fn watchdog(hub: &Hub) -> Infallible {
    let Some(patience) = sd_notify::watchdog_enabled() else { return pending().await };
    let mut beats = tokio::time::interval((patience / 2).max(Duration::from_millis(1)));
    loop {
        beats.tick().await;
        // A hub whose log is full or broken still delivers and tells what is wrong; a restart would not help it. One
        // that has lost a shard is helped by nothing else.
        match hub.has_failed() {
            false => tell(&[NotifyState::Watchdog]),
            true => tracing::error!(
                "the watchdog is not told that the hub lives: a part of the fan-out has stopped"
            ),
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
