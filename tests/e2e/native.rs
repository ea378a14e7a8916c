//! The native HTTP front, line by line of its table: what is sent and answered, as bytes where they matter.
//!
//! Not here: browsers and proxies (`tests/browser`), the rules of the event-stream format (`tidings-stream`), and who is
//! let in (`guard.rs`).

mod event_stream;
mod json;
mod message;
mod protocol;
mod publish;
mod resume;
mod stream;
mod topics;
