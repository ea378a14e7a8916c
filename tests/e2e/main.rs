//! The real program from outside: started as an operator starts it, spoken to over sockets, killed, filled up and
//! stopped. What is promised to users (`README.md`) is tested here; browsers, nginx and Laravel are in `tests/browser`.
//!
//! `HUB_PROGRAM` names the program to test; without it the one of this build's profile is built.

// Helpers are tests, too: what they unwrap fails the test.
#![allow(clippy::unwrap_used)]

mod access;
mod bench;
mod cli;
mod deploy;
mod doctor;
mod echo;
mod faults;
mod guard;
mod kill9;
mod lifecycle;
mod limits;
mod listeners;
mod malformed;
mod mercure;
mod native;
mod pusher;
mod restarts;
mod rights;
mod soak;
mod sources;
mod support;
mod top;
