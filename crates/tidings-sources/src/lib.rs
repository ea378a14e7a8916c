//! Sources: where events come from without anybody posting them. Redis Pub/Sub and Streams, a polled URL, a program's output, a
//! clock.
//!
//! A [`SourceConfig`] is what stands under `[[source]]`; [`start`] runs them over a [`Hub`](tidings_hub::Hub). Each is
//! one task: where events come from (`redis`, `redis_stream`, `http_poll`, `command`, `clock`) fills a bounded buffer (`outbox`) that
//! publishes in batches, in order, and keeps events while the log is away. What fails is tried again with a growing
//! pause (`backoff`); whatever happens is logged and counted by one function (`events`) and can be asked for
//! ([`Sources::status`]).

mod backoff;
mod clock;
mod command;
mod config;
mod duration;
mod events;
mod form;
#[doc(hidden)]
pub mod fuzz;
mod http_poll;
mod invalid;
mod laravel;
mod lines;
mod message;
mod outbox;
mod plan;
mod redis;
mod redis_stream;
mod running;
mod secret;
mod size;
mod status;
mod template;
mod topic;

pub use config::{
    ClockConfig, CommandConfig, EnvelopeKind, HttpPollConfig, NotAStart, NotAnEnvelope, RedisConfig,
    RedisStreamConfig, SourceConfig, StreamStart,
};
pub use duration::{HumanDuration, NotADuration};
pub use invalid::{InvalidSource, InvalidSourceReason};
pub use running::{Monitor, Prepared, Sources, prepare, start};
pub use secret::Secret;
pub use size::{ByteSize, NotASize};
pub use status::{SourceState, SourceStatus};
pub use template::{NotATimezone, TemplateError};
pub use topic::NotATopic;
