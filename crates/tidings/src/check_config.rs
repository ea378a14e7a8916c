//! `tidings check-config`: the configuration that a hub would run with, in a few lines.

use std::fmt::Write as _;

use reqwest::Url;
use tidings_auth::{Anonymous, Authority, Dialects};
use tidings_hub::Selection;
use tidings_sources::{ByteSize, HumanDuration};

use crate::{
    config::{Address, Config, Durability, Engine},
    exit::Fault,
};

/// Finds what a hub would refuse of a configuration that is right by itself.
///
/// # Errors
/// Why it would be refused.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    Authority::check(config.auth_settings()).map_err(|error| Fault::Configuration.because(error))
}

/// The summary that stands behind "ok".
pub(crate) fn summary(config: &Config) -> String {
    let mut text = match &config.file {
        Some(file) => format!("ok: {}", file.display()),
        None => "ok: no configuration file, so the defaults".to_owned(),
    };
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        write!(text, "\n  {name:<9} {value}").ok();
    };
    if !config.listen.is_empty() {
        line("listen", addresses(&config.listen));
    }
    if !config.tls.listen.is_empty() {
        line("tls", addresses(&config.tls.listen));
    }
    if !config.admin.listen.is_empty() {
        line("admin", addresses(&config.admin.listen));
    }
    if !config.keys.is_empty() {
        line("keys", names(config.keys.iter().map(|key| &*key.name)));
    }
    if !config.issuers.is_empty() {
        line("jwt", names(config.issuers.iter().map(|issuer| &*issuer.name)));
    }
    if !config.pusher.apps.is_empty() {
        line("pusher", names(config.pusher.apps.iter().map(|app| &*app.id)));
    }
    if let Some(anonymous) = &config.anonymous {
        line("anonymous", anonymous_rights(anonymous));
    }
    if let Some(callback) = &config.auth.callback {
        line("callback", origin(&callback.url));
    }
    line("mercure", dialects(config));
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
    match (config.is_open, config.insecure_open) {
        (true, true) => {
            line("warning", "insecure_open: everybody who reaches this hub can publish and read".to_owned());
        }
        (true, false) => line("open", "to every program on this machine, and to nothing else".to_owned()),
        (false, _) => {}
    }
    for warning in &config.warnings {
        line("warning", warning.clone());
    }
    text
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn anonymous_rights(anonymous: &Anonymous) -> String {
    let of = |verb: &str, selection: &Selection| {
        (*selection != Selection::default()).then(|| format!("may {verb} {selection}"))
    };
    let rights = [of("publish to", &anonymous.publish), of("read", &anonymous.subscribe)];
    match rights.into_iter().flatten().collect::<Vec<_>>() {
        rights if rights.is_empty() => "may do nothing".to_owned(),
        rights => rights.join("; "),
    }
}

/// Where a URL leads, without what may be secret in it.
fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn dialects(config: &Config) -> String {
    let Dialects { v1, v0 } = config.mercure.dialects;
    match (v1, v0) {
        (true, true) => "1.0 and 0.x".to_owned(),
        (true, false) => "1.0".to_owned(),
        (false, true) => "0.x".to_owned(),
        (false, false) => "not served".to_owned(),
    }
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
