//! Where log lines go: standard error, for people or for machines.

mod lines;

use std::{
    io::{self, IsTerminal as _},
    sync::OnceLock,
};

use tracing_subscriber::{EnvFilter, reload};

use self::lines::Lines;
use crate::config::{Format, Logs};

/// The lines of this process, once there are logs.
static LINES: OnceLock<Lines> = OnceLock::new();

/// Exchanges the filter of this process, once there are logs.
static FILTER: OnceLock<SetFilter> = OnceLock::new();

type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// Has the last lines written when it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        flush();
    }
}

/// Waits until the lines so far are on standard error, for a moment at most should nobody read them.
pub(crate) fn flush() {
    if let Some(lines) = LINES.get() {
        lines.wait_until_written();
    }
}

/// Sets up the logs of this process.
///
/// # Errors
/// When they have been set up before, or a thread cannot be started.
pub(crate) fn init(settings: &Logs) -> anyhow::Result<Guard> {
    let is_terminal = io::stderr().is_terminal();
    let filter = EnvFilter::builder().parse(&settings.level)?;
    let lines = Lines::to(io::stderr())?;
    let lines = LINES.get_or_init(|| lines);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| lines.clone());
    let as_json = match settings.format {
        Format::Auto => !is_terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let result = match as_json {
        true => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            exchangeable(builder.reload_handle());
            builder.try_init()
        }
        // https://no-color.org
        false => {
            let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none();
            let builder = builder.with_ansi(is_coloured).with_filter_reloading();
            exchangeable(builder.reload_handle());
            builder.try_init()
        }
    };
    result.map_err(|error| anyhow::anyhow!("the logs cannot be set up: {error}"))?;
    Ok(Guard(()))
}

fn exchangeable<S: 'static>(handle: reload::Handle<EnvFilter, S>) {
    FILTER.get_or_init(|| Box::new(move |filter| handle.reload(filter)));
}

/// Writes the lines of another level from now on.
///
/// # Errors
/// When the level is none.
pub(crate) fn set_level(settings: &Logs) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&settings.level)?;
    match FILTER.get() {
        Some(set) => Ok(set(filter)?),
        None => Ok(()),
    }
}
