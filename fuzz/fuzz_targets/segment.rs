//! Any bytes as a segment, frame, record or sidecar of the log on disk. On stable, `cargo test -p tidings-log decode`
//! asks the same of changed files and noise.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tidings_log::disk::fuzz(bytes));
