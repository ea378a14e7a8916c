//! The fuzzer: one program for all targets, of which the environment variable `TIDINGS_FUZZ` names one. `fuzz/run` builds
//! and starts it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidings_fuzz::{TARGETS, TEXT_TARGETS};

static CHECK: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("TIDINGS_FUZZ").unwrap_or_default();
    let mut targets = TARGETS.iter().chain(&TEXT_TARGETS);
    match targets.find(|target| target.name == name) {
        Some(target) => target.check,
        None => {
            eprintln!("no target is called {name:?}: start this with fuzz/run");
            std::process::exit(64)
        }
    }
});

fuzz_target!(|bytes: &[u8]| CHECK(bytes));
