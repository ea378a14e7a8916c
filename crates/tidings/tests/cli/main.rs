//! The real binary, from outside: what it prints and the codes it exits with.

// Helpers of tests, too, end the test when something fails.
#![allow(clippy::unwrap_used)]

mod check_config;
mod client_token;
mod closed;
mod help;
mod publish;
mod subscribe;
mod support;
mod token;
