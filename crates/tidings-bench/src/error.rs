//! Why there was no run.

use std::io;

use thiserror::Error;

/// Why a run could not be made at all. What went wrong within a run is in its report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that cannot be used.
    #[error("{url}: {reason}; write an address such as http://127.0.0.1:8080")]
    Url {
        /// The address as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Options that do not fit together.
    #[error("{0}")]
    Options(String),
    /// A server that is not there.
    #[error("cannot connect to {address} to publish: {source}; is the server running?")]
    Connect {
        /// The server's address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// More connections than a process may have.
    #[error(
        "{connections} connections do not fit one process, which may hold {fits}: use --processes {processes} or more, \
         or raise the limit of open files (ulimit -Hn)"
    )]
    TooManyFiles {
        /// How many were wanted.
        connections: usize,
        /// How many fit.
        fits: u64,
        /// How many processes are needed.
        processes: u64,
    },
    /// A process to be measured that does not exist.
    #[error("--pid {pid}: there is no such process")]
    NoProcess {
        /// Its id.
        pid: i32,
    },
    /// Nobody could subscribe.
    #[error("no subscription succeeded: {0}")]
    NoneHeld(String),
    /// A worker or a thread has come to an unexpected end.
    #[error("a worker failed: {0}")]
    Worker(String),
    /// Something that the system refuses.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// Makes an error of what the system says when asked to do `what`.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
