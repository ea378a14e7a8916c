//! What all tests share: the program, a client that shows every byte, and waiting for conditions.

mod disk;
mod front;
mod http;
mod hub;
pub(crate) mod program;
mod redis;
mod stream;

use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) use disk::{SmallDisk, run};
pub(crate) use front::{Front, Kind, free_address, make_certificate};
pub(crate) use http::{Connection, Response};
pub(crate) use hub::{Hub, Options};
pub(crate) use program::{Answer, Program, Running};
pub(crate) use redis::Redis;
pub(crate) use stream::{Listener, item};

/// How long anything may take before the test fails: far more than it takes, because a busy machine is no defect.
pub(crate) const BOUND: Duration = Duration::from_secs(60);
/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {BOUND:?} for this: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits until it is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}
