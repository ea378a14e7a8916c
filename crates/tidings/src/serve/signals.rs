//! What the process is told by signals.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What an operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// SIGTERM or SIGINT: that the hub stops.
    Stop,
    /// SIGHUP: that the configuration is read anew.
    Reload,
    /// SIGUSR2: that the program on disk takes this one's place.
    Exchange,
}

/// The signals that are received.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user2: Signal,
    /// Whether a person started the hub in a terminal. When that is closed, a hang-up means what it says.
    has_terminal: bool,
}

impl Signals {
    /// Receives them from now on, within a Tokio runtime. Before, they end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user2: signal(SignalKind::user_defined2())?,
            has_terminal: io::stderr().is_terminal(),
        })
    }

    /// The next wish. Cancel safe.
    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hang_up.recv() => match self.has_terminal && !io::stderr().is_terminal() {
                true => Wish::Stop,
                false => Wish::Reload,
            },
            _ = self.user2.recv() => Wish::Exchange,
        }
    }

    /// What comes of this, or `None` if the process is told to stop first. Other wishes wait.
    pub(super) async fn unless_told_to_stop<T>(&mut self, doing: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => None,
            _ = self.interrupt.recv() => None,
            done = doing => Some(done),
        }
    }

    /// Ends the process when it is told to stop once more, for a person who has had enough.
    pub(super) fn insist(mut self) {
        tokio::spawn(async move {
            while self.next().await != Wish::Stop {}
            std::process::exit(1);
        });
    }
}
