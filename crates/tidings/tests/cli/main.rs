//! The real binary, from outside: what it prints and the codes it exits with.

mod check_config;
mod help;
mod publish;
mod subscribe;
mod support;
