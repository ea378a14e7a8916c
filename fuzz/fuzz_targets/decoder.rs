//! Any bytes as an event stream. The check is the one that `cargo test` replays over the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/tidings-stream/tests/support/mod.rs"]
mod support;

fuzz_target!(|stream: &[u8]| support::check::check(stream));
