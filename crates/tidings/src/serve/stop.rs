//! When to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, for a person who has had enough.
pub(super) async fn asked_for() {
    let signals =
        signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    let (mut terminate, mut interrupt) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            // Without handlers the signals do what they do to every process.
            tracing::error!(%error, "signals cannot be received; the hub will not drain when it is stopped");
            return std::future::pending().await;
        }
    };
    next(&mut terminate, &mut interrupt).await;
    tracing::info!("stopping: subscribers are told to come back");
    tokio::spawn(async move {
        next(&mut terminate, &mut interrupt).await;
        std::process::exit(1);
    });
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
