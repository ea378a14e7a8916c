//! Any bytes as a Mercure request, in both dialects. On stable, `cargo test -p tidings-http fuzz` asks the same of the corpus
//! and of changes to it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tidings_http::fuzz_mercure(bytes));
