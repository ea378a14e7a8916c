//! Any bytes as what Laravel publishes, and as the data in it. On stable, `cargo test -p tidings-sources fuzz` asks the same
//! of the corpus and of changes to it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tidings_sources::fuzz_envelope(bytes));
