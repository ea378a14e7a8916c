//! Any bytes as a token, and as the claims of one. On stable, `cargo test -p tidings-auth properties` asks the same of the
//! corpus, changes to it, and noise.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tidings_auth::fuzz(bytes));
