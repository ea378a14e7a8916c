//! Restarts and reloads that nobody notices.

mod drain;
mod exchange;
mod reload;
mod service;
