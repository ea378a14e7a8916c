//! `tidings check-config`: the configuration that a hub would run with, in a few lines.

use std::fmt::Write as _;

use tidings_sources::{ByteSize, HumanDuration};

use crate::config::{Address, Config, Durability, Engine};

/// The summary that stands behind "ok".
pub(crate) fn summary(config: &Config) -> String {
    let mut text = match &config.file {
        Some(file) => format!("ok: {}", file.display()),
        None => "ok: no configuration file, so the defaults".to_owned(),
    };
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        write!(text, "\n  {name:<8} {value}").ok();
    };
    line("listen", addresses(&config.listen));
    if !config.admin.listen.is_empty() {
        line("admin", addresses(&config.admin.listen));
    }
    line("log", log(config));
    line("history", history(config));
    if !config.topics.is_empty() {
        line("topics", format!("{} patterns with settings of their own", config.topics.len()));
    }
    if !config.cors.origins.is_empty() {
        line("cors", config.cors.origins.join(", "));
    }
    if !config.sources.is_empty() {
        let names: Vec<_> = config.sources.iter().map(|source| source.name()).collect();
        line("sources", names.join(", "));
    }
    if config.insecure_open {
        line("warning", "insecure_open: everybody who reaches this hub can publish and read".to_owned());
    }
    text
}

fn addresses(addresses: &[Address]) -> String {
    addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ")
}

fn log(config: &Config) -> String {
    match (config.log.engine, config.log.durability) {
        (Engine::Memory, _) => "in memory: a restart forgets everything".to_owned(),
        (Engine::Disk, durability) => {
            let data = config.data.display();
            match durability {
                Durability::Always => format!("{data}, flushed before each answer"),
                Durability::Interval => {
                    format!("{data}, flushed every {}", HumanDuration(config.log.flush_interval))
                }
                Durability::None => format!("{data}, flushed when the system likes"),
            }
        }
    }
}

fn history(config: &Config) -> String {
    let history = &config.history;
    let (age, bytes) = (HumanDuration(history.age), ByteSize(history.bytes));
    format!("{} events, {age}, {bytes}, whichever is met first", history.events)
}
