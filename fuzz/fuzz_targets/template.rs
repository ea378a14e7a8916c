//! Any text as a URI template and topics, a line each. The check is the one that `cargo test` replays over the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/tidings-hub/tests/selectors/template.rs"]
mod template;

fuzz_target!(|input: &str| template::check(input));
