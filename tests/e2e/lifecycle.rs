//! Start, operation and stop, as operators see them.

mod disk_full;
mod operators;
mod start;
mod stop;
