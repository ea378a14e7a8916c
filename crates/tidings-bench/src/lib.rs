//! The load tool: it subscribes and publishes without number, against Tidings or any other server of server-sent events,
//! and counts every event at every subscriber.
//!
//! [`run`] does what the command line says ([`BenchArgs`]) and answers a [`Report`]. A run is conducted in this order:
//!
//! 1. **Subscribers** (`subscribers`) are threads or worker processes (`crew`) that drive many connections each with one
//!    poller and one buffer (or, over HTTP/2 and TLS, with a runtime: `streams`). What they read is taken out of its framing (`http`) and searched for *markers*
//!    ([`Scanner`]), which each event carries in its data ([`Marker`]); nothing else of it is looked at, so that one core
//!    counts millions of events a second.
//! 2. **Publishers** (`publishers`) are connections driven by a thread of their own, as fast as they are answered, or by
//!    the clock.
//! 3. The numbers in the markers of one publisher and topic must count up by one at every subscriber of the topic, up to
//!    what was acknowledged ([`Check`]). Only a run in which they do is a success.
//! 4. The **server**, if its process is named, is measured meanwhile (`meter`).

mod args;
mod bench;
mod check;
mod clock;
mod crew;
mod error;
mod http;
mod latency;
mod ledger;
mod limits;
mod marker;
mod meter;
mod progress;
mod protocol;
mod publishers;
mod report;
mod scan;
mod server;
mod streams;
mod subscribers;
mod target;
mod template;
mod works;

pub use args::BenchArgs;
pub use check::{Check, Example, Fault, Sent, Tally};
pub use error::Error;
pub use latency::{Latencies, Percentiles};
pub use marker::{MARKER_LEN, Marker, Run};
pub use report::{ClientReport, Report, ServerReport};
pub use scan::Scanner;

use args::Work;

/// What was asked for, done.
#[derive(Debug)]
pub enum Done {
    /// A run.
    Report(Box<Report>),
    /// A part of another process's run.
    Work,
}

/// Does what the arguments say.
///
/// # Errors
/// When there was no run. A run in which something went wrong has a report, which says so.
pub fn run(args: &BenchArgs) -> Result<Done, Error> {
    let report = match &args.work {
        Work::Fanout(args) => works::fanout(args),
        Work::Topics(args) => works::topics(args),
        Work::Idle(args) => works::idle(args),
        Work::Resume(args) => works::resume(args),
        Work::Publish(args) => works::publish(args),
        Work::Worker => return crew::work().map(|()| Done::Work),
    };
    report.map(|report| Done::Report(Box::new(report)))
}

impl BenchArgs {
    /// Whether the report is wanted as JSON.
    pub fn wants_json(&self) -> bool {
        match &self.work {
            Work::Fanout(args) => args.common.json,
            Work::Topics(args) => args.common.json,
            Work::Idle(args) => args.common.json,
            Work::Resume(args) => args.common.json,
            Work::Publish(args) => args.common.json,
            Work::Worker => false,
        }
    }
}
