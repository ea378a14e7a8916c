//! Any text as a URL pattern and topics, a line each. The check is the one that `cargo test` replays over the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/tidings-hub/tests/selectors/url_pattern.rs"]
mod url_pattern;

fuzz_target!(|input: &str| url_pattern::check(input));
